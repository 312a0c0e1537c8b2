/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments: temporary ones, and those of a mapper. Reading and writing through the local cache,
 * mapping, deferred copy, flushing, truncation; mappers that fail.
 */
#include "tests/guest/mapper.h"

#define WILD ((void *)(uintptr_t)0x10)

CASE(read_through_the_cache)
{
    struct mapper mapper;
    VmAddr room = region(DISK_PAGES * page());
    KnLcStat stat;

    REQUIRE(mapper_start(guest, &mapper, DISK_PAGES * page() - 100));
    KnObjDesc all = object(&mapper, 0, DISK_PAGES * page()), part = object(&mapper, page() - 3, 6);

    EXPECT_EQ(sgRead(&part, room, 0), 6);
    EXPECT_EQ(mapper.pulls, 1);
    EXPECT_EQ(sgRead(&all, room, 0), DISK_PAGES * page() - 100);
    EXPECT(matches(room, DISK_PAGES * page() - 100, 1));
    uint32_t pulls = mapper.pulls;

    EXPECT_EQ(sgRead(&all, room, 0), DISK_PAGES * page() - 100);
    EXPECT_EQ(mapper.pulls, pulls);
    EXPECT_EQ(sgStat(&all.dataObject, &stat), K_OK);
    EXPECT_EQ(stat.lsSize, DISK_PAGES * page() - 100);
    EXPECT_EQ(stat.lsPages, DISK_PAGES);
    EXPECT_EQ(stat.lsDirtyPages, 0);
    part.startOffset = DISK_PAGES * page();
    EXPECT_EQ(sgRead(&part, room, 0), 0);
}

CASE(write_and_flush)
{
    struct mapper mapper;
    VmAddr data = region(8 * page());
    KnLcStat stat;

    REQUIRE(mapper_start(guest, &mapper, 16 * page()));
    KnObjDesc part = object(&mapper, page() + 10, 5 * page());

    fill(data, 8 * page(), 9);
    EXPECT_EQ(sgWrite(&part, data, 0), 5 * page());
    EXPECT_EQ(sgStat(&part.dataObject, &stat), K_OK);
    EXPECT_EQ(stat.lsDirtyPages, 6);
    EXPECT_EQ(mapper.pushes, 0);
    EXPECT_EQ(sgFlush(&part, K_FLUSH_WRITABLE), K_OK);
    EXPECT(mapper.pushes > 0);
    EXPECT(matches(mapper.disk + page() + 10, 5 * page(), 9));
    EXPECT_EQ(sgStat(&part.dataObject, &stat), K_OK);
    EXPECT_EQ(stat.lsDirtyPages, 0);
    forget(guest, &mapper);
    EXPECT_EQ(sgRead(&part, data, 0), 5 * page());
    EXPECT(matches(data, 5 * page(), 9));
}

CASE(append_and_truncate)
{
    struct mapper mapper;
    VmAddr data = region(4 * page());
    KnLcStat stat;

    REQUIRE(mapper_start(guest, &mapper, 100));
    KnObjDesc tail = object(&mapper, 5, 3 * page());

    fill(data, 4 * page(), 3);
    EXPECT_EQ(sgWrite(&tail, data, K_APPEND), 3 * page());
    EXPECT_EQ(tail.startOffset, 100);
    EXPECT_EQ(sgStat(&tail.dataObject, &stat), K_OK);
    EXPECT_EQ(stat.lsSize, 100 + 3 * page());
    EXPECT_EQ(lcTrunc(&stat.lsCache, page() + 7), K_OK);
    EXPECT_EQ(sgRead(&tail, data, 0), page() + 7 - 100);
    EXPECT(matches(data, page() + 7 - 100, 3));
    EXPECT_EQ(lcTrunc(&stat.lsCache, 3 * page()), K_OK);
    tail = object(&mapper, page() + 7, 3 * page());
    EXPECT_EQ(sgRead(&tail, data, 0), 2 * page() - 7);
    EXPECT(is_zero(data, 2 * page() - 7));
}

CASE(mapped_memory_is_the_cache)
{
    struct mapper mapper;
    VmAddr data = region(page());
    KnRgnDesc map = {.size = 8 * page(), .options = K_WRITABLE | K_ANYWHERE};

    REQUIRE(mapper_start(guest, &mapper, 8 * page()));
    KnObjDesc all = object(&mapper, 0, 8 * page()), third = object(&mapper, 2 * page(), page());

    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &all), K_OK);
    EXPECT(matches(map.startAddr, 8 * page(), 1));
    mem_store8(map.startAddr + 2 * page() + 1, 0xee);
    EXPECT_EQ(sgRead(&third, data, 0), page());
    EXPECT_EQ(mem_load8(data + 1), 0xee);
    mem_fill(data, 0x55, page());
    EXPECT_EQ(sgWrite(&third, data, 0), page());
    EXPECT_EQ(mem_load8(map.startAddr + 2 * page() + 1), 0x55);
    EXPECT_EQ(rgnFree(K_MYACTOR, &map), K_OK);
    EXPECT_EQ(sgFlush(&all, K_FLUSH_WRITABLE), K_OK);
    EXPECT_EQ(mem_load8(mapper.disk + 2 * page() + 1), 0x55);
}

/* A file read into its own mapping: the page is both source and target. */
CASE(read_into_its_own_mapping)
{
    struct mapper mapper;
    KnRgnDesc map = {.size = 4 * page(), .options = K_WRITABLE | K_ANYWHERE};

    REQUIRE(mapper_start(guest, &mapper, 4 * page()));
    KnObjDesc all = object(&mapper, 0, 4 * page());

    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &all), K_OK);
    EXPECT_EQ(sgRead(&all, map.startAddr, 0), 4 * page());
    EXPECT(matches(map.startAddr, 4 * page(), 1));
    EXPECT_EQ(sgWrite(&all, map.startAddr, 0), 4 * page());
    EXPECT(matches(map.startAddr, 4 * page(), 1));
}

/* A deferred copy shows the segment as it was. */
CASE(deferred_copy_of_a_segment)
{
    struct mapper mapper;
    VmAddr data = region(4 * page());
    KnRgnDesc first = {.size = 4 * page(), .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO},
              second = first;

    REQUIRE(mapper_start(guest, &mapper, 8 * page()));
    KnObjDesc part = object(&mapper, 2 * page(), 3 * page());

    EXPECT_EQ(rgnInit(K_MYACTOR, &first, &part), K_OK);
    EXPECT_EQ(sgRead(&part, data, 0), 3 * page());
    EXPECT_EQ(rgnInit(K_MYACTOR, &second, &part), K_OK);
    mem_store8(first.startAddr, 0xaa);
    mem_fill(data, 0x77, page());
    part.size = page();
    EXPECT_EQ(sgWrite(&part, data, 0), page());
    EXPECT_EQ(mem_load8(first.startAddr), 0xaa);
    EXPECT_EQ(mem_load8(first.startAddr + 1), mem_load8(mapper.disk + 2 * page() + 1));
    EXPECT_EQ(mem_load8(second.startAddr + 1), mem_load8(mapper.disk + 2 * page() + 1));
    EXPECT(is_zero(first.startAddr + 3 * page(), page()));
    EXPECT_EQ(mapper.pushes, 0);
}

CASE(a_dirty_cache_larger_than_memory_goes_to_its_mapper)
{
    struct mapper mapper;
    KnSiteStat stat;
    KnRgnDesc hog = {.options = K_WRITABLE | K_ANYWHERE | K_FILLZERO};
    VmAddr data = region(page());

    REQUIRE(mapper_start(guest, &mapper, DISK_PAGES * page()));
    REQUIRE_EQ(siteStat(&stat), K_OK);
    EXPECT(stat.ssFramesFree > 200);
    for (uint32_t i = 0; i < DISK_PAGES; i++) {
        KnObjDesc one = object(&mapper, i * page(), page());

        fill(data, page(), 100 + i);
        EXPECT_EQ(sgWrite(&one, data, 0), page());
    }
    /* Takes memory until the cache has to give way. */
    hog.size = stat.ssFramesFree * page();
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &hog), K_OK);
    for (VmSize at = 0; at < hog.size && mapper.pushes == 0; at += page())
        mem_store8(hog.startAddr + at, 1);
    EXPECT(mapper.pushes > 0);
    EXPECT_EQ(rgnFree(K_MYACTOR, &hog), K_OK);
    for (uint32_t i = 0; i < DISK_PAGES; i++) {
        KnObjDesc one = object(&mapper, i * page(), page());

        EXPECT_EQ(sgRead(&one, data, 0), page());
        EXPECT(matches(data, page(), 100 + i));
    }
}

/* ---- Mappers that fail ----------------------------------------------------------------------- */

CASE(mapper_says_io_error)
{
    struct mapper mapper;
    VmAddr data = region(page());

    REQUIRE(mapper_start(guest, &mapper, 4 * page()));
    KnObjDesc one = object(&mapper, 0, page());

    EXPECT_EQ(sgRead(&one, data, 0), page());
    forget(guest, &mapper);
    mapper.fault = FAIL_IO;
    EXPECT_EQ(sgRead(&one, data, 0), K_EIO);
    mapper.fault = NO_FAULT;
    EXPECT_EQ(sgRead(&one, data, 0), page());
    EXPECT_EQ(sgWrite(&one, data, 0), page());
    mapper.fault = FAIL_IO;
    EXPECT_EQ(sgFlush(&one, K_FLUSH_WRITABLE), K_EIO);
    mapper.fault = NO_FAULT;
    EXPECT_EQ(sgFlush(&one, K_FLUSH_WRITABLE), K_OK);
}

/* An error in the caller's own memory, found when the call has been started again, is no other. */
CASE(what_was_moved_before_an_error_counts)
{
    struct mapper mapper;
    VmAddr data = region(2 * page());
    KnRgnDesc bad = {.startAddr = data + page(),
                     .size = page(),
                     .options = K_READABLE | K_WRITABLE | K_OVERMAP};
    KnObjDesc all = {.size = 2 * page()};

    REQUIRE(mapper_start(guest, &mapper, 4 * page()));
    KnObjDesc behind = object(&mapper, 0, page());

    REQUIRE_EQ(sgCreate(&all.dataObject, 0), K_OK);
    fill(data, 2 * page(), 5);
    EXPECT_EQ(sgWrite(&all, data, 0), 2 * page());
    mapper.fault = FAIL_IO;
    EXPECT_EQ(rgnMap(K_MYACTOR, &bad, &behind), K_OK);
    EXPECT_EQ(sgRead(&all, data, 0), page());
    EXPECT_EQ(sgWrite(&all, data, 0), page());
    EXPECT(matches(data, page(), 5));
    EXPECT_EQ(sgRead(&all, bad.startAddr, 0), K_EFAULT);
    EXPECT_EQ(sgDestroy(&all.dataObject), K_OK);
}

/* A page that is written whole need not be read, but for those who still see what was there. */
CASE(copies_keep_what_was_overwritten)
{
    struct mapper mapper;
    VmAddr data = region(2 * page());
    KnRgnDesc map = {.size = 4 * page(), .options = K_WRITABLE | K_ANYWHERE};

    REQUIRE(mapper_start(guest, &mapper, 4 * page()));
    KnObjDesc all = object(&mapper, 0, 4 * page()), two = object(&mapper, page(), 2 * page());

    REQUIRE_EQ(rgnInit(K_MYACTOR, &map, &all), K_OK);
    fill(data, 2 * page(), 44);
    EXPECT_EQ(sgWrite(&two, data, 0), 2 * page());
    EXPECT(matches(map.startAddr, 4 * page(), 1));
    EXPECT_EQ(sgRead(&two, data, 0), 2 * page());
    EXPECT(matches(data, 2 * page(), 44));
}

CASE(demanded_pages_end_with_their_mappers_error)
{
    struct mapper mapper;
    KnRgnDesc map = {.size = 4 * page(), .options = K_WRITABLE | K_ANYWHERE | K_NODEMAND};
    KnRgnStat stat;

    REQUIRE(mapper_start(guest, &mapper, 4 * page()));
    KnObjDesc all = object(&mapper, 0, 4 * page());

    mapper.fault = FAIL_IO;
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &all), K_EIO);
    EXPECT_EQ(rgnStat(K_MYACTOR, map.startAddr, &stat), K_EADDR);
    mapper.fault = NO_FAULT;
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &all), K_OK);
    EXPECT_EQ(mapper.pulls, 1u);
    EXPECT_EQ(rgnStat(K_MYACTOR, map.startAddr, &stat), K_OK);
    EXPECT_EQ(stat.rsResidentPages, 4u);
    EXPECT(matches(map.startAddr, 4 * page(), 1));
    EXPECT_EQ(rgnFree(K_MYACTOR, &map), K_OK);
    EXPECT_EQ(rgnInit(K_MYACTOR, &map, &all), K_OK);
    EXPECT(matches(map.startAddr, 4 * page(), 1));
    all.startOffset = 2 * page();
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &all), K_EEND);
    EXPECT_EQ(rgnStat(K_MYACTOR, map.startAddr, &stat), K_EADDR);
}

CASE(mapper_has_no_room)
{
    struct mapper mapper;
    VmAddr data = region(page());

    REQUIRE(mapper_start(guest, &mapper, 0));
    KnObjDesc one = object(&mapper, 0, page());

    mapper.fault = FAIL_NOSPACE;
    EXPECT_EQ(sgWrite(&one, data, 0), K_ENOSPC);
    mapper.fault = NO_FAULT;
    EXPECT_EQ(sgWrite(&one, data, 0), page());
}

CASE(mapper_breaks_the_protocol)
{
    struct mapper mapper;
    VmAddr data = region(page());

    REQUIRE(mapper_start(guest, &mapper, 4 * page()));
    KnObjDesc one = object(&mapper, 0, page());

    mapper.fault = FAIL_PROTOCOL;
    EXPECT_EQ(sgRead(&one, data, 0), K_EMAPPER);
}

CASE(mapper_dies)
{
    struct mapper mapper;
    VmAddr data = region(page());

    REQUIRE(mapper_start(guest, &mapper, 4 * page()));
    KnObjDesc one = object(&mapper, 0, page());

    mapper.fault = FAIL_DIE;
    EXPECT_EQ(sgRead(&one, data, 0), K_EMAPPER);
    EXPECT_EQ(sgRead(&one, data, 0), K_EMAPPER);
}

/* The pages on their way out are lent to the message that its death drops. */
CASE(mapper_dies_with_a_push)
{
    struct mapper mapper;
    VmAddr data = region(2 * page());

    REQUIRE(mapper_start(guest, &mapper, 4 * page()));
    KnObjDesc two = object(&mapper, 0, 2 * page());

    EXPECT_EQ(sgWrite(&two, data, 0), 2 * page());
    mapper.fault = FAIL_DIE;
    EXPECT_EQ(sgFlush(&two, K_FLUSH_WRITABLE), K_EMAPPER);
    EXPECT_EQ(sgRead(&two, data, 0), K_EMAPPER);
}

CASE(mapper_is_silent)
{
    struct mapper mapper;
    VmAddr data = region(page());
    KnCap cap;

    REQUIRE(mapper_start(guest, &mapper, 4 * page()));
    KnObjDesc one = object(&mapper, 0, page());

    cap = one.dataObject;
    EXPECT_EQ(svMapper(&cap, 50 * GUEST_MS), K_OK);
    mapper.fault = FAIL_SILENT;
    EXPECT_EQ(sgRead(&one, data, 0), K_ETIMEOUT);
    mapper.fault = NO_FAULT;
    EXPECT_EQ(sgRead(&one, data, 0), page());
    EXPECT_EQ(svMapper(WILD, 1), K_EFAULT);
    EXPECT_EQ(svMapper(&cap, 0), K_EINVAL);
    cap.ui.uiTail += 1000000;
    EXPECT_EQ(svMapper(&cap, 1), K_EUNKNOWN);
}

/* ---- Temporary segments ---------------------------------------------------------------------- */

CASE(temporary_segment)
{
    VmAddr data = region(4 * page());
    KnRgnDesc map = {.size = 4 * page(), .options = K_WRITABLE | K_ANYWHERE};
    KnObjDesc all = {.size = 4 * page()};

    REQUIRE_EQ(sgCreate(&all.dataObject, 0), K_OK);
    EXPECT_EQ(sgRead(&all, data, 0), 0);
    fill(data, 4 * page(), 8);
    EXPECT_EQ(sgWrite(&all, data, 0), 4 * page());
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &all), K_OK);
    EXPECT(matches(map.startAddr, 4 * page(), 8));
    EXPECT_EQ(sgFlush(&all, K_FLUSH_NOACCESS), K_OK);
    EXPECT(matches(map.startAddr, 4 * page(), 8));
    EXPECT_EQ(sgDestroy(&all.dataObject), K_OK);
    EXPECT(matches(map.startAddr, 4 * page(), 8));
    EXPECT_EQ(sgRead(&all, data, 0), K_EUNKNOWN);
    EXPECT_EQ(sgDestroy(&all.dataObject), K_EUNKNOWN);
    EXPECT_EQ(rgnFree(K_MYACTOR, &map), K_OK);
}

CASE_ACTOR(leave_a_segment)
{
    VmAddr data = region(2 * page());
    KnObjDesc all = {.size = 2 * page()};

    REQUIRE_EQ(sgCreate(&all.dataObject, 0), K_OK);
    EXPECT_EQ(sgWrite(&all, data, 0), 2 * page());
}

/* The runner counts what is left. */
CASE(segments_end_with_their_actor)
{
    KnCap actor;

    REQUIRE_EQ(guest_start(guest, leave_a_segment, K_SYSTEMACTOR, 0, &actor), K_OK);
    EXPECT_EQ(guest_wait_end(&actor, 1000 * GUEST_MS), K_OK);
}

static void expect_origin(struct guest *guest, VmAddr address, const KnObjDesc *object,
                          VmOffset offset)
{
    KnRgnStat stat;

    EXPECT_EQ(rgnStat(K_MYACTOR, address, &stat), K_OK);
    EXPECT_EQ(stat.rsSegment.key, 0);
    EXPECT_EQ(stat.rsOrigin.key, object == NULL ? 0 : object->dataObject.key);
    EXPECT_EQ(stat.rsOriginOffset, offset);
}

/* A copy of a copy is one of the segment, as long as that has a name. */
CASE(copies_tell_their_origin)
{
    KnRgnDesc copy = {.size = 4 * page(), .options = K_WRITABLE | K_ANYWHERE};
    KnRgnDesc again = {.size = 2 * page(), .options = K_WRITABLE | K_ANYWHERE};
    KnRgnDesc map = copy, none = copy;
    KnObjDesc all = {.startOffset = 3 * page(), .size = 2 * page()};
    KnRgnStat stat;

    REQUIRE_EQ(sgCreate(&all.dataObject, 8 * page()), K_OK);
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &none), K_OK);
    REQUIRE_EQ(rgnMap(K_MYACTOR, &map, &all), K_OK);
    REQUIRE_EQ(rgnInit(K_MYACTOR, &copy, &all), K_OK);
    REQUIRE_EQ(rgnInitFromActor(K_MYACTOR, &again, K_MYACTOR, copy.startAddr + page()), K_OK);
    expect_origin(guest, none.startAddr, NULL, 0);
    expect_origin(guest, copy.startAddr, &all, 3 * page());
    expect_origin(guest, again.startAddr, &all, 4 * page());
    mem_store32(copy.startAddr, 1);
    mem_store32(again.startAddr, 2);
    expect_origin(guest, again.startAddr, &all, 4 * page());
    EXPECT_EQ(rgnFree(K_MYACTOR, &(KnRgnDesc){copy.startAddr, 2 * page(), 0, 0, NULL, 0}), K_OK);
    expect_origin(guest, copy.startAddr + 2 * page(), NULL, 0); /* more than the copy covers */
    expect_origin(guest, again.startAddr, &all, 4 * page());
    EXPECT_EQ(rgnStat(K_MYACTOR, map.startAddr, &stat), K_OK);
    EXPECT_EQ(stat.rsOrigin.key, 0);
    EXPECT_EQ(sgDestroy(&all.dataObject), K_OK);
    expect_origin(guest, again.startAddr, NULL, 0);
}

/* Its name is no user of it; a region is, and so is a deferred copy. */
CASE(users_of_a_temporary_segment)
{
    KnRgnDesc map = {.size = page(), .options = K_WRITABLE | K_ANYWHERE};
    KnRgnDesc copy = map;
    KnObjDesc all = {.size = page()};
    KnLcStat stat;

    REQUIRE_EQ(sgCreate(&all.dataObject, page()), K_OK);
    EXPECT_EQ(sgStat(&all.dataObject, &stat), K_OK);
    EXPECT_EQ(stat.lsUsers, 0);
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &all), K_OK);
    EXPECT_EQ(rgnInit(K_MYACTOR, &copy, &all), K_OK);
    EXPECT_EQ(sgStat(&all.dataObject, &stat), K_OK);
    EXPECT_EQ(stat.lsUsers, 2);
    EXPECT_EQ(rgnFree(K_MYACTOR, &map), K_OK);
    EXPECT_EQ(sgStat(&all.dataObject, &stat), K_OK);
    EXPECT_EQ(stat.lsUsers, 1);
    EXPECT_EQ(rgnFree(K_MYACTOR, &copy), K_OK);
    EXPECT_EQ(sgStat(&all.dataObject, &stat), K_OK);
    EXPECT_EQ(stat.lsUsers, 0);
    EXPECT_EQ(sgDestroy(&all.dataObject), K_OK);
}

/* Also where nothing but the page of zeros was mapped. */
CASE(truncation_takes_pages_out_of_regions)
{
    KnRgnDesc map = {.size = 3 * page(), .options = K_WRITABLE | K_ANYWHERE};
    KnObjDesc all = {.size = 3 * page()}, other = {.size = 8};
    KnLcStat stat;

    REQUIRE_EQ(sgCreate(&all.dataObject, 3 * page()), K_OK);
    REQUIRE_EQ(sgCreate(&other.dataObject, 0), K_OK);
    REQUIRE_EQ(rgnMap(K_MYACTOR, &map, &all), K_OK);
    mem_store32(map.startAddr + page(), 1);
    EXPECT_EQ(mem_load32(map.startAddr + 2 * page()), 0u);
    REQUIRE_EQ(sgStat(&all.dataObject, &stat), K_OK);
    EXPECT_EQ(lcTrunc(&stat.lsCache, 8), K_OK);
    EXPECT_EQ(sgWrite(&other, map.startAddr, 0), 8);
    EXPECT_EQ(sgWrite(&other, map.startAddr + page(), 0), K_EFAULT);
    EXPECT_EQ(sgWrite(&other, map.startAddr + 2 * page(), 0), K_EFAULT);
    EXPECT_EQ(lcTrunc(&stat.lsCache, 3 * page()), K_OK);
    EXPECT_EQ(mem_load32(map.startAddr + page()), 0u);
    EXPECT_EQ(rgnFree(K_MYACTOR, &map), K_OK);
    EXPECT_EQ(sgDestroy(&other.dataObject), K_OK);
    EXPECT_EQ(sgDestroy(&all.dataObject), K_OK);
}

/* As many mappers as a site may know, each with a bound of its own; none outlives its port. */
CASE(mappers_run_out_in_an_orderly_way)
{
    KnUniqueId port[65];
    int32_t li[ARRAY_SIZE(port)];
    uint32_t known = 0;

    for (uint32_t round = 0; round < 2; round++) {
        KnResult status = K_OK;
        uint32_t count = 0;

        while (count < ARRAY_SIZE(port) && status == K_OK) {
            li[count] = (int32_t)portCreate(K_MYACTOR, &port[count]);
            REQUIRE(li[count] > 0);
            KnCap cap = {port[count++], 1};

            status = svMapper(&cap, GUEST_MS);
        }
        EXPECT_EQ(status, K_ENOMEM);
        EXPECT(round == 0 || count == known);
        known = count;
        while (count > 0)
            EXPECT_EQ(portDelete(K_MYACTOR, li[--count]), K_OK);
    }
}

CASE(a_bad_segment_leaves_the_range_alone)
{
    VmAddr data = region(page());
    KnObjDesc none = {.size = page()};
    KnRgnDesc map = {.startAddr = data,
                     .size = page(),
                     .options = K_READABLE | K_WRITABLE | K_OVERMAP};

    fill(data, page(), 3);
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &none), K_EUNKNOWN);
    EXPECT_EQ(rgnInit(K_MYACTOR, &map, &none), K_EUNKNOWN);
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, WILD), K_EFAULT);
    EXPECT(matches(data, page(), 3));
}

CASE(segment_errors)
{
    VmAddr data = region(page());
    KnObjDesc object, none = {.size = 8};
    KnRgnDesc map = {.size = page(), .options = K_WRITABLE | K_ANYWHERE};
    KnLcStat stat;
    KnCap cap;

    REQUIRE_EQ(sgCreate(&object.dataObject, page()), K_OK);
    object.startOffset = 0;
    object.size = page();
    EXPECT_EQ(sgCreate(WILD, 0), K_EFAULT);
    EXPECT_EQ(sgDestroy(WILD), K_EFAULT);
    EXPECT_EQ(sgRead(WILD, data, 0), K_EFAULT);
    EXPECT_EQ(sgRead(&object, (VmAddr)WILD, 0), K_EFAULT);
    EXPECT_EQ(sgRead(&object, data, 1), K_EINVAL);
    EXPECT_EQ(sgRead(&none, data, 0), K_EUNKNOWN);
    EXPECT_EQ(sgWrite(WILD, data, 0), K_EFAULT);
    EXPECT_EQ(sgWrite(&object, (VmAddr)WILD, 0), K_EFAULT);
    EXPECT_EQ(sgWrite(&object, data, 1), K_EINVAL);
    EXPECT_EQ(sgWrite(&none, data, 0), K_EUNKNOWN);
    EXPECT_EQ(sgStat(WILD, &stat), K_EFAULT);
    EXPECT_EQ(sgStat(&object.dataObject, WILD), K_EFAULT);
    EXPECT_EQ(sgStat(&none.dataObject, &stat), K_EUNKNOWN);
    EXPECT_EQ(sgFlush(WILD, K_FLUSH_WRITABLE), K_EFAULT);
    EXPECT_EQ(sgFlush(&object, (KnFlushMode)99), K_EINVAL);
    EXPECT_EQ(sgFlush(&none, K_FLUSH_WRITABLE), K_EUNKNOWN);
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, WILD), K_EFAULT);
    EXPECT_EQ(rgnMap(K_MYACTOR, WILD, &object), K_EFAULT);
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &none), K_EUNKNOWN);
    EXPECT_EQ(rgnInit(K_MYACTOR, &map, WILD), K_EFAULT);
    EXPECT_EQ(rgnInit(K_MYACTOR, &map, &none), K_EUNKNOWN);
    KnRgnDesc taken = {.startAddr = data, .size = page(), .options = K_WRITABLE};

    EXPECT_EQ(rgnMap(K_MYACTOR, &taken, &object), K_EOVERLAP);
    EXPECT_EQ(rgnInit(K_MYACTOR, &taken, &object), K_EOVERLAP);
    object.startOffset = 1;
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &object), K_EINVAL);
    EXPECT_EQ(rgnInit(K_MYACTOR, &map, &object), K_EINVAL);
    object.startOffset = -page(); /* would wrap */
    EXPECT_EQ(rgnMap(K_MYACTOR, &map, &object), K_EINVAL);
    EXPECT_EQ(rgnInit(K_MYACTOR, &map, &object), K_EINVAL);
    REQUIRE_EQ(sgStat(&object.dataObject, &stat), K_OK);
    cap = stat.lsCache;
    EXPECT_EQ(lcFlush(&cap, 0, 1, (KnFlushMode)99), K_EINVAL);
    EXPECT_EQ(lcTrunc(&cap, UINT64_MAX), K_EINVAL);
    EXPECT_EQ(lcSetRights(&cap, 0, 1, K_EXECUTABLE), K_EINVAL);
    EXPECT_EQ(lcFillZero(&cap, UINT64_MAX, 1), K_EINVAL);
    EXPECT_EQ(lcFillZero(&cap, 0, page()), K_OK);
    EXPECT_EQ(lcFillZero(&cap, 0, INT64_MAX), K_OK); /* what is not there takes no time */
    EXPECT_EQ(lcSetRights(&cap, 0, page(), K_READABLE), K_OK);
    cap.key ^= 1;
    EXPECT_EQ(lcFlush(&cap, 0, 1, K_FLUSH_WRITABLE), K_EINVAL);
    EXPECT_EQ(lcTrunc(&cap, 0), K_EINVAL);
    cap.ui.uiTail += 1000000;
    EXPECT_EQ(lcFlush(&cap, 0, 1, K_FLUSH_WRITABLE), K_EUNKNOWN);
    EXPECT_EQ(lcTrunc(&cap, 0), K_EUNKNOWN);
    EXPECT_EQ(lcSetRights(&cap, 0, 1, K_READABLE), K_EUNKNOWN);
    EXPECT_EQ(lcFillZero(&cap, 0, 1), K_EUNKNOWN);
    EXPECT_EQ(lcFlush(WILD, 0, 1, K_FLUSH_WRITABLE), K_EFAULT);
    EXPECT_EQ(lcTrunc(WILD, 0), K_EFAULT);
    EXPECT_EQ(lcSetRights(WILD, 0, 1, K_READABLE), K_EFAULT);
    EXPECT_EQ(lcFillZero(WILD, 0, 1), K_EFAULT);
    EXPECT_EQ(sgDestroy(&object.dataObject), K_OK);
}

static const struct guest_entry entries[] = {
    CASE_SYSTEM(segments_end_with_their_actor),
    CASE_HELPER(leave_a_segment),
    CASE_USER(read_through_the_cache),
    CASE_USER(write_and_flush),
    CASE_USER(append_and_truncate),
    CASE_USER(mapped_memory_is_the_cache),
    CASE_USER(read_into_its_own_mapping),
    CASE_USER(deferred_copy_of_a_segment),
    CASE_SYSTEM(a_dirty_cache_larger_than_memory_goes_to_its_mapper),
    CASE_USER(mapper_says_io_error),
    CASE_SYSTEM(what_was_moved_before_an_error_counts),
    CASE_USER(copies_keep_what_was_overwritten),
    CASE_USER(demanded_pages_end_with_their_mappers_error),
    CASE_USER(mapper_has_no_room),
    CASE_USER(mapper_breaks_the_protocol),
    CASE_USER(mapper_dies),
    CASE_USER(mapper_dies_with_a_push),
    CASE_SYSTEM(mapper_is_silent),
    CASE_SYSTEM(temporary_segment),
    CASE_SYSTEM(copies_tell_their_origin),
    CASE_SYSTEM(users_of_a_temporary_segment),
    CASE_SYSTEM(truncation_takes_pages_out_of_regions),
    CASE_SYSTEM(mappers_run_out_in_an_orderly_way),
    CASE_USER(a_bad_segment_leaves_the_range_alone),
    CASE_SYSTEM(segment_errors),
};
GUEST_PROGRAM(segments, entries);
