/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of services/boot/archive.c against a model of physical memory: members are found, pages are
 * given back, and of a damaged archive no byte outside is read.
 */
#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>

#include "kit/random.h"
#include "kit/string.h"
#include "services/boot/archive.c" // NOLINT(bugprone-suspicious-include): the file under test

#define PAGE 4096u
#define ROOM_BYTES 40000u
#define FUZZ_ROUNDS 20000

struct model {
    uint8_t *memory; /* stands for physical memory from 0 up */
    uint64_t archive, bytes;
    uint32_t mapped; /* pages */
    uint32_t maps, failing_map;
};

static struct model model;

KnResult svBootInfo(KnBootInfo *info)
{
    *info = (KnBootInfo){.biArchive = model.archive, .biArchiveBytes = model.bytes};
    return K_OK;
}

KnResult siteStat(KnSiteStat *stat)
{
    *stat = (KnSiteStat){.ssPageBytes = PAGE};
    return K_OK;
}

KnResult svPhysMap(KnRgnDesc *region, uint64_t physical, uint32_t flags)
{
    assert_int_equal(flags, 0);
    assert_int_equal(physical % PAGE, 0);
    assert_int_equal(region->size % PAGE, 0);
    if (++model.maps == model.failing_map)
        return K_ENOMEM;
    model.mapped += region->size / PAGE;
    region->startAddr = (VmAddr)model.memory + (VmAddr)physical;
    return K_OK;
}

KnResult rgnFree(KnCap *actor, KnRgnDesc *region)
{
    assert_null(actor);
    model.mapped -= region->size / PAGE;
    return K_OK;
}

void mem_read(void *to, VmAddr from, size_t bytes)
{
    VmAddr start = (VmAddr)model.memory + (VmAddr)model.archive;

    assert_true(from >= start && from + bytes <= start + model.bytes);
    memcpy(to, (const void *)from, bytes);
}

/* ---- Making one ------------------------------------------------------------------------------ */

static void put(const void *data, size_t bytes)
{
    assert_true(model.archive + model.bytes + bytes <= ROOM_BYTES);
    memcpy(model.memory + model.archive + model.bytes, data, bytes);
    model.bytes += bytes;
}

static void put_pad(void)
{
    put("\0\0\0", (0 - model.bytes) % 4);
}

static void put_member(const char *name, const char *data, uint32_t mode)
{
    char header[HEADER_BYTES + 1];

    snprintf(header, sizeof(header), "070701%08x%08X%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
             1u, mode, 0u, 0u, 1u, 0u, (unsigned)strlen(data), 0u, 0u, 0u, 0u,
             (unsigned)strlen(name) + 1, 0u);
    put(header, HEADER_BYTES);
    put(name, strlen(name) + 1);
    put_pad();
    put(data, strlen(data));
    put_pad();
}

static void archive_make(struct archive *archive)
{
    char long_name[400] = "";

    memset(long_name, 'n', sizeof(long_name) - 1);
    memset(&model, 0, sizeof(model));
    model.memory = calloc(1, ROOM_BYTES + PAGE);
    model.archive = 4001; /* not aligned, and headers lie across pages */
    put_member("bin", "", 0040755);
    put_member("bin/om.user", "program", 0100755);
    put_member(long_name, "x", 0100644);
    put_member("composition", "actor om user priority 1\n", 0100644);
    put_member("empty", "", 0100644);
    put_member("bin/om", "not the first of that beginning", 0100644);
    put_member(TRAILER, "", 0);
    assert_int_equal(archive_open(archive), K_OK);
}

static void archive_drop(void)
{
    assert_int_equal(model.mapped, 0);
    free(model.memory);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void members_are_found(void **state)
{
    struct archive archive = {0};
    struct archive_member member = {0};
    char data[32] = {0};

    (void)state;
    archive_make(&archive);
    assert_int_equal(archive_find(&archive, "composition", &member), K_OK);
    assert_int_equal(member.bytes, 25);
    assert_int_equal(member.mode, 0100644);
    assert_int_equal(archive_read(&archive, member.offset, data, member.bytes), K_OK);
    assert_memory_equal(data, "actor om user priority 1\n", 25);
    assert_int_equal(archive_find(&archive, "bin/om", &member), K_OK);
    assert_int_equal(member.bytes, 31);
    assert_int_equal(archive_find(&archive, "empty", &member), K_OK);
    assert_int_equal(member.bytes, 0);
    assert_int_equal(archive_find(&archive, "composit", &member), K_EUNKNOWN);
    assert_int_equal(archive_find(&archive, "compositions", &member), K_EUNKNOWN);
    archive_drop();
}

static void reads_stay_inside(void **state)
{
    struct archive archive = {0};
    char data[16] = {0};

    (void)state;
    archive_make(&archive);
    assert_int_equal(archive_read(&archive, archive.bytes, data, 0), K_OK);
    assert_int_equal(archive_read(&archive, archive.bytes - 16, data, 16), K_OK);
    assert_int_equal(archive_read(&archive, archive.bytes - 15, data, 16), K_EEND);
    assert_int_equal(archive_read(&archive, UINT64_MAX, data, 2), K_EEND);
    assert_int_equal(archive_read(&archive, 0, data, UINT64_MAX), K_EEND);
    archive.bytes = UINT64_C(1) << 40;
    assert_int_equal(archive_read(&archive, 0, data, ARCHIVE_READ_BYTES + 1), K_ETOOMUCH);
    model.bytes = UINT64_MAX - 4000;
    assert_int_equal(archive_open(&archive), K_EIO);
    archive_drop();
}

static void each_map_that_fails_is_told(void **state)
{
    struct archive archive = {0};
    struct archive_member member = {0};

    (void)state;
    archive_make(&archive);
    for (uint32_t number = 1; number <= 4; number++) {
        model.maps = 0;
        model.failing_map = number;
        assert_int_equal(archive_find(&archive, "composition", &member), K_ENOMEM);
    }
    model.failing_map = 0;
    assert_int_equal(archive_find(&archive, "composition", &member), K_OK);
    archive_drop();
}

static void damage_is_told(void **state)
{
    struct archive archive = {0};
    struct archive_member member = {0};
    uint64_t whole;

    (void)state;
    archive_make(&archive);
    whole = archive.bytes;
    for (archive.bytes = 0; archive.bytes < whole; archive.bytes++) {
        model.bytes = archive.bytes;
        assert_int_equal(archive_find(&archive, "nothing", &member), K_EIO);
    }
    archive_drop();
}

static void random_damage_does_no_harm(void **state)
{
    struct random random;

    (void)state;
    random_init(&random, 1);
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
        struct archive archive = {0};
        struct archive_member member = {0};
        KnResult status;

        archive_make(&archive);
        for (uint64_t changes = 1 + random_below(&random, 8); changes > 0; changes--)
            model.memory[model.archive + random_below(&random, model.bytes)] =
                (uint8_t)(random_below(&random, 2) == 0 ? random_next(&random) : 'f');
        status = archive_find(&archive, "bin/om", &member);
        assert_true(status == K_OK || status == K_EIO || status == K_EUNKNOWN);
        if (status == K_OK)
            assert_true(member.offset + member.bytes <= archive.bytes);
        archive_drop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found),           cmocka_unit_test(reads_stay_inside),
        cmocka_unit_test(each_map_that_fails_is_told), cmocka_unit_test(damage_is_told),
        cmocka_unit_test(random_damage_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
