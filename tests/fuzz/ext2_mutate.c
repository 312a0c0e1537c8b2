/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Seeded mutations of small ext2 disks, as many as one asks for:
 *
 *     ext2_mutate [SEED [COUNT]]
 *
 * Session n of a seed is always the same: `ext2_mutate SEED+n 1` repeats it. Each damages one of
 * the sound disks in one to eight places of its metadata and then works on it (ext2_exercise.h).
 * Prints how the sessions ended and exits with 0, or says which seed ended the program.
 */
#include "tests/fuzz/ext2_exercise.h"

#include <inttypes.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/endian.h"
#include "tests/unit/ext2_host.h"

#define CHANGES_MAX 8u

/* Values that lie at edges of what fields mean. */
static const uint32_t edges[] = {0, 1, 2, 8, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff};

/* Changes one place of the metadata: a bit, a byte, a small step, an edge, another field's
 * value. */
static void damage(const struct exercise_disk *disk, uint8_t *bytes, uint64_t *random)
{
    uint32_t index = host_random(random) % disk->metadata_count;
    uint32_t block_bytes = disk->block_bytes;
    uint32_t offset = host_random(random) % block_bytes;

    /* The superblock and the descriptors are sensitive, so most damage goes to other places. */
    if (index < 2 && host_random(random) % 2 != 0)
        index = host_random(random) % disk->metadata_count;
    uint8_t *block = bytes + (size_t)disk->metadata[index] * block_bytes;

    /* Most bytes are unused zeros: mostly look for one that says something. */
    if (host_random(random) % 8 != 0)
        for (uint32_t i = 0; i < block_bytes && block[offset] == 0; i++)
            offset = (offset + 1) % block_bytes;
    uint8_t *word = block + (offset & ~3u);
    uint32_t other = disk->metadata[host_random(random) % disk->metadata_count];

    switch (host_random(random) % 6) {
    case 0:
        block[offset] ^= (uint8_t)(1u << host_random(random) % 8);
        break;
    case 1:
        block[offset] = (uint8_t)host_random(random);
        break;
    case 2:
        le32_store(word, le32_load(word) + host_random(random) % 9 - 4);
        break;
    case 3:
        le32_store(word, edges[host_random(random) % (sizeof(edges) / sizeof(edges[0]))]);
        break;
    case 4:
        le32_store(word, other);
        break;
    default:
        le32_store(word, le32_load(bytes + (size_t)other * block_bytes +
                                   (host_random(random) % block_bytes & ~3u)));
        break;
    }
}

/* What the command line asked for, and the session under way. */
static struct {
    struct exercise_disk disks[EXERCISE_DISKS];
    struct exercise_outcome outcome;
    uint64_t seed;
    uint64_t count;
    uint64_t current;
} run;

static void run_session(uint64_t seed)
{
    uint64_t random = seed * 0x9e3779b97f4a7c15u;
    const struct exercise_disk *disk = &run.disks[host_random(&random) % EXERCISE_DISKS];
    uint32_t changes = 1 + host_random(&random) % CHANGES_MAX;
    uint8_t *bytes = malloc(disk->bytes_count);

    memcpy(bytes, disk->bytes, disk->bytes_count);
    for (uint32_t i = 0; i < changes; i++)
        damage(disk, bytes, &random);
    exercise_run(disk, bytes, &run.outcome);
    free(bytes);
}

/* A cmocka test, so that what fails in the core or around it is printed. */
static void sessions(void **state)
{
    (void)state;
    exercise_make(run.disks);
    for (run.current = 0; run.current < run.count; run.current++)
        run_session(run.seed + run.current);
    exercise_free(run.disks);
}

/* When cmocka ends a failed test, or a sanitizer the program. */
static void report(void)
{
    if (run.current < run.count)
        fprintf(stderr, "ext2_mutate: ended in the session of seed %" PRIu64 "\n",
                run.seed + run.current);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sessions)};
    int failed;

    run.seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    run.count = argc > 2 ? strtoull(argv[2], NULL, 0) : 1000;
    __sanitizer_set_death_callback(report);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    report();
    printf("ext2_mutate: %" PRIu64 " sessions from seed %" PRIu64
           ": %u refused, %u read-only, %u unnoticed\n",
           run.current, run.seed, run.outcome.refused, run.outcome.read_only,
           run.outcome.unnoticed);
    return failed != 0;
}
