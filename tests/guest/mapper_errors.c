/* SPDX-License-Identifier: BSD-2-Clause */
/* What a mapper answers, or that it does not, comes back by each call that may wait for it. */
#include "tests/guest/mapper.h"

static KnRgnDesc window(VmFlags more)
{
    return (KnRgnDesc){.size = page(), .options = K_WRITABLE | K_ANYWHERE | more};
}

static KnResult by_read(KnObjDesc *object, VmAddr room)
{
    return sgRead(object, room, 0);
}

static KnResult by_write(KnObjDesc *object, VmAddr room)
{
    return sgWrite(object, room, 0);
}

static KnResult by_stat(KnObjDesc *object, VmAddr room)
{
    KnLcStat stat;

    (void)room;
    return sgStat(&object->dataObject, &stat);
}

static KnResult by_map(KnObjDesc *object, VmAddr room)
{
    KnRgnDesc map = window(K_NODEMAND);

    (void)room;
    return rgnMap(K_MYACTOR, &map, object);
}

static KnResult by_init(KnObjDesc *object, VmAddr room)
{
    KnRgnDesc map = window(K_NODEMAND);

    (void)room;
    return rgnInit(K_MYACTOR, &map, object);
}

/* By way of a region whose page is not here. */
static KnResult by_region(KnObjDesc *object, VmAddr room,
                          KnResult (*use)(VmAddr source, VmAddr room))
{
    KnRgnDesc source = window(0);
    KnResult status = rgnMap(K_MYACTOR, &source, object);

    if (status == K_OK)
        status = use(source.startAddr, room);
    (void)rgnFree(K_MYACTOR, &source);
    return status;
}

static KnResult use_map(VmAddr source, VmAddr room)
{
    KnRgnDesc map = window(K_NODEMAND);

    (void)room;
    return rgnMapFromActor(K_MYACTOR, &map, K_MYACTOR, source);
}

static KnResult use_init(VmAddr source, VmAddr room)
{
    KnRgnDesc map = window(K_NODEMAND);

    (void)room;
    return rgnInitFromActor(K_MYACTOR, &map, K_MYACTOR, source);
}

static KnResult use_copy(VmAddr source, VmAddr room)
{
    return vmCopy(K_MYACTOR, source, K_MYACTOR, room, 8);
}

static KnResult by_map_from_actor(KnObjDesc *object, VmAddr room)
{
    return by_region(object, room, use_map);
}

static KnResult by_init_from_actor(KnObjDesc *object, VmAddr room)
{
    return by_region(object, room, use_init);
}

static KnResult by_copy(KnObjDesc *object, VmAddr room)
{
    return by_region(object, room, use_copy);
}

static KnResult by_flush(KnObjDesc *object, VmAddr room)
{
    (void)room;
    return sgFlush(object, K_FLUSH_WRITABLE);
}

static KnResult by_cache_flush(KnObjDesc *object, VmAddr room)
{
    KnLcStat stat;
    KnResult status = sgStat(&object->dataObject, &stat);

    (void)room;
    return status == K_OK ? lcFlush(&stat.lsCache, 0, UINT64_MAX, K_FLUSH_WRITABLE) : status;
}

typedef KnResult uses(KnObjDesc *object, VmAddr room);

static const struct mapper_error {
    enum fault fault;
    KnResult diag, expected;
} mapper_errors[] = {
    {FAIL_DIAG, K_EIO, K_EIO},        {FAIL_DIAG, K_ENOSPC, K_ENOSPC},
    {FAIL_DIAG, K_EPROT, K_EPROT},    {FAIL_DIAG, K_EEND, K_EEND},
    {FAIL_DIAG, K_ENOMEM, K_ENOMEM},  {FAIL_DIAG, K_EUNKNOWN, K_EUNKNOWN},
    {FAIL_DIAG, K_EINVAL, K_EMAPPER}, {FAIL_SILENT, K_OK, K_ETIMEOUT},
    {NO_FAULT, K_OK, K_EABORT},
};

/* A call on a segment meets the error, by an abort of this thread where there is no fault. */
static void meet(struct guest *guest, struct mapper *mapper, const struct mapper_error *error,
                 uses *use, KnObjDesc *object, VmAddr room)
{
    mapper->diag = error->diag;
    mapper->fault = error->fault;
    if (error->expected == K_EABORT)
        EXPECT_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    EXPECT_EQ(use(object, room), error->expected);
    (void)threadAborted();
    mapper->fault = NO_FAULT;
}

/* With a bound below its silence. */
static bool bounded_mapper_start(struct guest *guest, struct mapper *mapper)
{
    if (!mapper_start(guest, mapper, 4 * page()))
        return false;
    KnCap cap = {mapper->ui, 0};

    EXPECT_EQ(threadDelay(GUEST_MS), K_OK); /* its thread has set a bound of its own */
    return EXPECT_EQ(svMapper(&cap, 50 * GUEST_MS), K_OK);
}

/* Writes a page, or flushes it, to a mapper that may not have come back from its silence. */
static void make_dirty(KnObjDesc *object, VmAddr room)
{
    while (sgWrite(object, room, 0) == K_ETIMEOUT)
        continue;
}

static void make_clean(KnObjDesc *object)
{
    while (sgFlush(object, K_FLUSH_WRITABLE) == K_ETIMEOUT)
        continue;
}

CASE(every_call_tells_its_mappers_error)
{
    static uses *const firsts[] = {by_read,           by_write,           by_stat, by_map, by_init,
                                   by_map_from_actor, by_init_from_actor, by_copy};
    static uses *const flushes[] = {by_flush, by_cache_flush};
    struct mapper mapper;
    VmAddr room = region(page());
    uint64_t key = 1000;

    REQUIRE(bounded_mapper_start(guest, &mapper));
    for (size_t i = 0; i < ARRAY_SIZE(mapper_errors); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(firsts); j++) {
            /* a segment that the site has not met, so that the mapper is asked */
            KnObjDesc object = {{mapper.ui, key++}, 0, page()};

            meet(guest, &mapper, &mapper_errors[i], firsts[j], &object, room);
        }
        for (size_t j = 0; j < ARRAY_SIZE(flushes); j++) {
            KnObjDesc object = {{mapper.ui, key++}, 0, page()};

            make_dirty(&object, room);
            meet(guest, &mapper, &mapper_errors[i], flushes[j], &object, room);
            make_clean(&object);
        }
    }
}

/* ---- While a page is on its way out ----------------------------------------------------- */

static void flush_it(uintptr_t argument)
{
    (void)sgFlush((KnObjDesc *)argument, K_FLUSH_WRITABLE);
    thread_finish();
}

static KnResult cut(KnCap *cache)
{
    return lcTrunc(cache, 0);
}

static KnResult clear(KnCap *cache)
{
    return lcFillZero(cache, 0, 8);
}

typedef KnResult control_call(KnCap *cache);

/* The other thread flushes first, being above this one, and this one above the mapper's: so the
 * page is under way, and not yet there. */
static void control_during_push(struct guest *guest, struct mapper *mapper,
                                const struct mapper_error *error, control_call *control,
                                KnObjDesc *object)
{
    KnSchedParms sched = {K_SCHED_FIFO, 32};
    KnLcStat stat;

    REQUIRE_EQ(sgStat(&object->dataObject, &stat), K_OK);
    mapper->diag = error->diag;
    mapper->fault = error->fault;
    REQUIRE(thread_launch(NULL, flush_it, (uintptr_t)object, STACK_BYTES, &sched) >= 0);
    if (error->expected == K_EABORT)
        EXPECT_EQ(threadAbort(K_MYACTOR, K_MYSELF), K_OK);
    EXPECT_EQ(control(&stat.lsCache), error->expected);
    (void)threadAborted();
    mapper->fault = NO_FAULT;
}

CASE(control_of_a_page_on_its_way_out)
{
    static control_call *const controls[] = {cut, clear};
    struct mapper mapper;
    VmAddr room = region(page());
    KnObjDesc objects[ARRAY_SIZE(mapper_errors) * ARRAY_SIZE(controls)];
    size_t at = 0;

    REQUIRE(bounded_mapper_start(guest, &mapper));
    for (size_t i = 0; i < ARRAY_SIZE(mapper_errors); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(controls); j++) {
            KnObjDesc *object = &objects[at];

            *object = (KnObjDesc){{mapper.ui, 1000 + at++}, 0, page()};
            make_dirty(object, room);
            control_during_push(guest, &mapper, &mapper_errors[i], controls[j], object);
            make_clean(object);
        }
    }
}

static const struct guest_entry entries[] = {
    CASE_SYSTEM(control_of_a_page_on_its_way_out),
    CASE_SYSTEM(every_call_tells_its_mappers_error),
};
GUEST_PROGRAM(mapper_errors, entries);
