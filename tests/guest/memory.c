/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions and deferred copy: allocation, placing, protection, inheritance, duplication, copies
 * between actors, with each call's errors; histories of copies against what copies mean.
 */
#include "kit/string.h"
#include "tests/guest/case.h"

#define WILD ((void *)(uintptr_t)0x10)
#define RW (K_WRITABLE | K_ANYWHERE | K_FILLZERO)

static VmSize page(void)
{
    KnSiteStat stat;

    return siteStat(&stat) == K_OK ? stat.ssPageBytes : 0;
}

static KnResult allocate(KnCap *actor, VmSize pages, VmFlags options, KnRgnDesc *desc)
{
    *desc = (KnRgnDesc){.size = pages * page(), .options = options};
    return rgnAllocate(actor, desc);
}

static KnCap wrong_key(void)
{
    KnCap cap;

    (void)actorSelf(&cap);
    cap.key ^= 1;
    return cap;
}

static KnCap nobody(void)
{
    KnCap cap;

    (void)actorSelf(&cap);
    cap.ui.uiTail += UINT64_C(1) << 30;
    return cap;
}

/* ---- Allocation ------------------------------------------------------------------------------ */

CASE(memory_reads_as_zero_and_keeps_what_is_written)
{
    KnRgnDesc desc;

    REQUIRE_EQ(allocate(K_MYACTOR, 64, RW, &desc), K_OK);
    EXPECT_EQ(mem_load64(desc.startAddr + desc.size - 8), 0);
    for (VmSize at = 0; at < desc.size; at += page())
        mem_store64(desc.startAddr + at, at + 1);
    for (VmSize at = 0; at < desc.size; at += page())
        EXPECT_EQ(mem_load64(desc.startAddr + at), at + 1);
    EXPECT_EQ(rgnFree(K_MYACTOR, &desc), K_OK);
    EXPECT_EQ(rgnFree(K_MYACTOR, &desc), K_OK);
}

CASE(placing)
{
    KnRgnDesc first, second, third;

    REQUIRE_EQ(allocate(K_MYACTOR, 4, RW, &first), K_OK);
    second = (KnRgnDesc){.startAddr = first.startAddr, .size = page(), .options = K_WRITABLE};
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &second), K_EOVERLAP);
    second.startAddr = first.startAddr + 3 * page();
    second.size = 4 * page();
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &second), K_EOVERLAP);
    second.startAddr = first.startAddr + 4 * page();
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &second), K_OK);
    third = (KnRgnDesc){.startAddr = first.startAddr,
                        .size = page(),
                        .options = RW | K_RESTRICTIVE,
                        .endAddr = first.startAddr + 8 * page()};
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &third), K_ENOMEM);
    third.endAddr += page();
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &third), K_OK);
    EXPECT_EQ(third.startAddr, first.startAddr + 8 * page());
    mem_store8(first.startAddr, 7);
    third = (KnRgnDesc){.startAddr = first.startAddr,
                        .size = page(),
                        .options = K_WRITABLE | K_OVERMAP};
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &third), K_OK);
    EXPECT_EQ(mem_load8(first.startAddr), 0);
}

CASE(a_hole_in_the_middle)
{
    KnRgnDesc desc, hole;
    KnRgnStat stat, next;

    REQUIRE_EQ(allocate(K_MYACTOR, 8, RW, &desc), K_OK);
    for (VmSize i = 0; i < 8; i++)
        mem_store8(desc.startAddr + i * page(), (uint8_t)(i + 1));
    hole = (KnRgnDesc){.startAddr = desc.startAddr + 2 * page(), .size = 3 * page()};
    EXPECT_EQ(rgnFree(K_MYACTOR, &hole), K_OK);
    EXPECT_EQ(rgnStat(K_MYACTOR, hole.startAddr, &stat), K_EADDR);
    EXPECT_EQ(rgnStat(K_MYACTOR, desc.startAddr + 6 * page(), &stat), K_OK);
    EXPECT_EQ(stat.rsStart, desc.startAddr + 5 * page());
    EXPECT_EQ(stat.rsSize, 3 * page());
    EXPECT_EQ(rgnNext(K_MYACTOR, hole.startAddr, &next), K_OK);
    EXPECT_EQ(next.rsStart, desc.startAddr + 5 * page());
    EXPECT_EQ(rgnNext(K_MYACTOR, desc.startAddr + page(), &next), K_OK);
    EXPECT_EQ(next.rsStart, desc.startAddr);
    EXPECT_EQ(rgnNext(K_MYACTOR, UINTPTR_MAX, &next), K_EEND);
    EXPECT_EQ(stat.rsOffset, 5 * page());
    EXPECT_EQ(mem_load8(desc.startAddr + page()), 2);
    EXPECT_EQ(mem_load8(desc.startAddr + 5 * page()), 6);
}

CASE(huge_and_sparse)
{
    KnRgnDesc desc = {.size = (VmSize)1 << 40, .options = K_NOACCESS | K_ANYWHERE};
    KnSiteStat before, after;

    EXPECT_EQ(siteStat(&before), K_OK);
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &desc), K_OK);
    EXPECT_EQ(rgnFree(K_MYACTOR, &desc), K_OK);
    desc = (KnRgnDesc){.size = (VmSize)1 << 40, .options = RW};
    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &desc), K_OK);
    mem_store8(desc.startAddr + ((VmSize)1 << 39), 1);
    EXPECT_EQ(siteStat(&after), K_OK);
    EXPECT(before.ssFramesFree - after.ssFramesFree < 32);
}

CASE(allocate_errors)
{
    KnCap wrong = wrong_key(), gone = nobody();
    KnRgnDesc desc = {.size = 100, .options = RW}, bad;

    EXPECT_EQ(rgnAllocate(&wrong, &desc), K_EINVAL);
    EXPECT_EQ(rgnAllocate(&gone, &desc), K_EUNKNOWN);
    EXPECT_EQ(rgnAllocate(WILD, &desc), K_EFAULT);
    EXPECT_EQ(rgnAllocate(K_MYACTOR, WILD), K_EFAULT);
    bad = (KnRgnDesc){.size = 0, .options = RW};
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &bad), K_EINVAL);
    bad = (KnRgnDesc){.size = UINTPTR_MAX, .options = RW};
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &bad), K_EINVAL);
    bad = (KnRgnDesc){.startAddr = 3, .size = page(), .options = K_WRITABLE};
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &bad), K_EINVAL);
    bad = (KnRgnDesc){.startAddr = ALIGN_DOWN(UINTPTR_MAX, page()),
                      .size = page(),
                      .options = K_WRITABLE};
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &bad), K_EINVAL);
    bad = (KnRgnDesc){.size = page(), .options = RW | 0x80000000u};
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &bad), K_EINVAL);
    bad = (KnRgnDesc){.size = page(), .options = RW | K_NOACCESS};
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &bad), K_EINVAL);
    EXPECT_EQ(rgnFree(&wrong, &desc), K_EINVAL);
    EXPECT_EQ(rgnFree(&gone, &desc), K_EUNKNOWN);
    EXPECT_EQ(rgnFree(WILD, &desc), K_EFAULT);
    EXPECT_EQ(rgnFree(K_MYACTOR, WILD), K_EFAULT);
    bad = (KnRgnDesc){.startAddr = 3, .size = page()};
    EXPECT_EQ(rgnFree(K_MYACTOR, &bad), K_EINVAL);
}

/* Memory runs out by touching it: the touching actor ends, and all is back after it. */
CASE_ACTOR(glutton)
{
    KnRgnDesc desc = {.size = (VmSize)1 << 36, .options = RW};

    if (rgnAllocate(K_MYACTOR, &desc) != K_OK)
        return;
    for (VmSize at = 0; at < desc.size; at += page())
        mem_store8(desc.startAddr + at, 1);
}

CASE(memory_runs_out_by_touch)
{
    KnSiteStat before, after;
    KnCap actor;

    /* The first one makes what is kept for the next: a thread's stack. */
    for (int i = 0; i < 2; i++) {
        EXPECT_EQ(siteStat(&before), K_OK);
        REQUIRE_EQ(guest_start(guest, glutton, K_USERACTOR, 0, &actor), K_OK);
        EXPECT_EQ(guest_wait_end(&actor, 20000 * GUEST_MS), K_OK);
        EXPECT_EQ(siteStat(&after), K_OK);
    }
    EXPECT_EQ(after.ssFramesFree + after.ssFramesPools + after.ssFramesCached,
              before.ssFramesFree + before.ssFramesPools + before.ssFramesCached);
}

/* ---- Rights ---------------------------------------------------------------------------------- */

CASE_ACTOR(writes_where_it_may_not)
{
    KnRgnDesc desc = {.size = 1, .options = K_READABLE | K_ANYWHERE | K_FILLZERO};

    if (rgnAllocate(K_MYACTOR, &desc) != K_OK)
        return;
    (void)mem_load8(desc.startAddr);
    mem_store8(desc.startAddr, 1);
    (void)guest_expect(guest, __FILE__, __LINE__, "writing was allowed", false);
}

CASE_ACTOR(reads_where_nothing_is)
{
    (void)mem_load8(0x20000);
    (void)guest_expect(guest, __FILE__, __LINE__, "reading was allowed", false);
}

CASE(faults_end_their_actor_alone)
{
    KnCap actor;

    REQUIRE_EQ(guest_start(guest, writes_where_it_may_not, K_USERACTOR, 0, &actor), K_OK);
    EXPECT_EQ(guest_wait_end(&actor, 1000 * GUEST_MS), K_OK);
    REQUIRE_EQ(guest_start(guest, reads_where_nothing_is, K_USERACTOR, 0, &actor), K_OK);
    EXPECT_EQ(guest_wait_end(&actor, 1000 * GUEST_MS), K_OK);
}

CASE(protect)
{
    KnRgnDesc desc, part;
    KnRgnStat stat;
    KnUniqueId ui;
    KnCap wrong = wrong_key(), gone = nobody();

    REQUIRE_EQ(allocate(K_MYACTOR, 4, RW, &desc), K_OK);
    mem_store64(desc.startAddr + page(), 99);
    part = (KnRgnDesc){.startAddr = desc.startAddr + page(), .size = page(), .options = K_READABLE};
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, &part), K_OK);
    EXPECT_EQ(rgnStat(K_MYACTOR, part.startAddr, &stat), K_OK);
    EXPECT_EQ(stat.rsSize, page());
    EXPECT_EQ(mem_load64(part.startAddr), 99);
    /* A call cannot write there either. */
    EXPECT_EQ(portUi(K_DEFAULTPORT, (KnUniqueId *)part.startAddr), K_EFAULT);
    part.options = K_NOACCESS;
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, &part), K_OK);
    EXPECT_EQ(portLi((KnUniqueId *)part.startAddr), K_EFAULT);
    part.options = K_WRITABLE;
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, &part), K_OK);
    EXPECT_EQ(mem_load64(part.startAddr), 99);
    EXPECT_EQ(portUi(K_DEFAULTPORT, (KnUniqueId *)part.startAddr), K_OK);
    EXPECT_EQ(portUi(K_DEFAULTPORT, &ui), K_OK);
    EXPECT_EQ(mem_load64(part.startAddr), ui.uiHead);
    part.startAddr = desc.startAddr + 3 * page();
    part.size = 2 * page();
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, &part), K_EADDR);
    part.options = K_FILLZERO;
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, &part), K_EINVAL);
    EXPECT_EQ(rgnSetProtect(&wrong, &part), K_EINVAL);
    EXPECT_EQ(rgnSetProtect(&gone, &part), K_EUNKNOWN);
    EXPECT_EQ(rgnSetProtect(WILD, &part), K_EFAULT);
    EXPECT_EQ(rgnSetProtect(K_MYACTOR, WILD), K_EFAULT);
    part.options = K_INHERITCOPY;
    EXPECT_EQ(rgnSetInherit(K_MYACTOR, &part), K_EADDR);
    EXPECT_EQ(rgnSetInherit(K_MYACTOR, WILD), K_EFAULT);
    EXPECT_EQ(rgnSetInherit(&wrong, &part), K_EINVAL);
    EXPECT_EQ(rgnSetInherit(&gone, &part), K_EUNKNOWN);
    EXPECT_EQ(rgnStat(&wrong, desc.startAddr, &stat), K_EINVAL);
    EXPECT_EQ(rgnStat(&gone, desc.startAddr, &stat), K_EUNKNOWN);
    EXPECT_EQ(rgnStat(WILD, desc.startAddr, &stat), K_EFAULT);
    EXPECT_EQ(rgnStat(K_MYACTOR, desc.startAddr, WILD), K_EFAULT);
}

CASE(others_memory_is_for_the_trusted)
{
    KnRgnDesc desc = {.size = 100, .options = RW};
    KnObjDesc none = {.size = 100};
    KnCap other;

    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(rgnAllocate(&other, &desc), K_EPRIV);
    EXPECT_EQ(rgnFree(&other, &desc), K_EPRIV);
    EXPECT_EQ(rgnSetProtect(&other, &desc), K_EPRIV);
    EXPECT_EQ(rgnSetInherit(&other, &desc), K_EPRIV);
    EXPECT_EQ(rgnMap(&other, &desc, &none), K_EPRIV);
    EXPECT_EQ(rgnInit(&other, &desc, &none), K_EPRIV);
    EXPECT_EQ(rgnMapFromActor(&other, &desc, K_MYACTOR, 0), K_EPRIV);
    EXPECT_EQ(rgnInitFromActor(&other, &desc, K_MYACTOR, 0), K_EPRIV);
    EXPECT_EQ(rgnDup(&other, K_MYACTOR), K_EPRIV);
    EXPECT_EQ(vmCopy(K_MYACTOR, 0, &other, 0, 1), K_EPRIV);
    EXPECT_EQ(actorDelete(&other), K_OK);
}

/* ---- Copies ---------------------------------------------------------------------------------- */

/* vmCopy goes through regions: a value on the stack needs one to stand in. */
struct scratch {
    KnRgnDesc desc;
};

static uint64_t peek_by(struct scratch *scratch, KnCap *actor, VmAddr at)
{
    if (vmCopy(actor, at, K_MYACTOR, scratch->desc.startAddr, 8) != K_OK)
        return UINT64_MAX;
    return mem_load64(scratch->desc.startAddr);
}

static bool poke_by(struct scratch *scratch, KnCap *actor, VmAddr at, uint64_t value)
{
    mem_store64(scratch->desc.startAddr, value);
    return vmCopy(K_MYACTOR, scratch->desc.startAddr, actor, at, 8) == K_OK;
}

CASE(copies_between_actors)
{
    KnRgnDesc mine, theirs;
    KnCap other, wrong = wrong_key(), gone = nobody();

    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_USERACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(allocate(K_MYACTOR, 40, RW, &mine), K_OK);
    REQUIRE_EQ(allocate(&other, 40, RW, &theirs), K_OK);
    for (VmSize at = 0; at < mine.size; at += 8)
        mem_store64(mine.startAddr + at, at);
    EXPECT_EQ(vmCopy(K_MYACTOR, mine.startAddr + 8, &other, theirs.startAddr + 24, mine.size - 100),
              K_OK);
    mem_fill(mine.startAddr, 0, mine.size);
    EXPECT_EQ(vmCopy(&other, theirs.startAddr + 24, K_MYACTOR, mine.startAddr, mine.size - 100),
              K_OK);
    for (VmSize at = 0; at + 108 < mine.size; at += 8)
        EXPECT_EQ(mem_load64(mine.startAddr + at), at + 8);
    EXPECT_EQ(vmCopy(&wrong, mine.startAddr, K_MYACTOR, mine.startAddr, 1), K_EINVAL);
    EXPECT_EQ(vmCopy(&gone, mine.startAddr, K_MYACTOR, mine.startAddr, 1), K_EUNKNOWN);
    EXPECT_EQ(vmCopy(WILD, mine.startAddr, K_MYACTOR, mine.startAddr, 1), K_EFAULT);
    EXPECT_EQ(vmCopy(K_MYACTOR, 0x10, K_MYACTOR, mine.startAddr, 1), K_EADDR);
    EXPECT_EQ(vmCopy(K_MYACTOR, mine.startAddr, K_MYACTOR, mine.startAddr + mine.size - 4, 8),
              K_EADDR);
    EXPECT_EQ(vmCopy(K_MYACTOR, UINTPTR_MAX, K_MYACTOR, mine.startAddr, 8), K_EINVAL);
    EXPECT_EQ(actorDelete(&other), K_OK);
}

/* Where source and target share the very page, be it one or two. */
CASE(copies_of_copies)
{
    KnRgnDesc first, second = {.size = 4096, .options = RW};

    REQUIRE_EQ(allocate(K_MYACTOR, 1, RW, &first), K_OK);
    second.size = first.size;
    mem_store64(first.startAddr, 1);
    mem_store64(first.startAddr + 8, 2);
    REQUIRE_EQ(rgnInitFromActor(K_MYACTOR, &second, K_MYACTOR, first.startAddr), K_OK);
    EXPECT_EQ(vmCopy(K_MYACTOR, second.startAddr + 8, K_MYACTOR, first.startAddr, 8), K_OK);
    EXPECT_EQ(mem_load64(first.startAddr), 2u);
    EXPECT_EQ(mem_load64(second.startAddr), 1u);
    REQUIRE_EQ(rgnFree(K_MYACTOR, &second), K_OK);
    second.options = RW;
    REQUIRE_EQ(rgnInitFromActor(K_MYACTOR, &second, K_MYACTOR, first.startAddr), K_OK);
    EXPECT_EQ(vmCopy(K_MYACTOR, first.startAddr + 8, K_MYACTOR, first.startAddr + 16, 8), K_OK);
    EXPECT_EQ(mem_load64(first.startAddr + 16), 2u);
    EXPECT_EQ(mem_load64(second.startAddr + 16), 0u);
    EXPECT_EQ(vmCopy(K_MYACTOR, first.startAddr, K_MYACTOR, second.startAddr + 4, 8), K_OK);
    EXPECT_EQ(mem_load32(second.startAddr + 4), 2u);
}

/* More regions than are duplicated in one go. */
CASE(many_regions_are_inherited)
{
    static const VmFlags rights[] = {RW, RW | K_EXECUTABLE};
    const uint32_t count = 100;
    KnRgnDesc desc = {0}, copy;
    KnRgnStat stat;
    KnCap child;
    VmAddr at = 0;
    uint32_t found = 0;

    for (uint32_t i = 0; i < count; i++) {
        REQUIRE_EQ(allocate(K_MYACTOR, 1, rights[i % 2], &desc), K_OK);
        mem_store64(desc.startAddr, i);
        copy = desc;
        copy.options = K_INHERITCOPY;
        REQUIRE_EQ(rgnSetInherit(K_MYACTOR, &copy), K_OK);
    }
    REQUIRE_EQ(actorCreate(K_MYACTOR, &child, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(rgnDup(&child, K_MYACTOR), K_OK);
    EXPECT_EQ(rgnDup(&child, K_MYACTOR), K_EBUSY);
    for (; rgnNext(&child, at, &stat) == K_OK; at = stat.rsStart + stat.rsSize)
        found++;
    EXPECT_EQ(found, count);
    EXPECT_EQ(vmCopy(&child, desc.startAddr, K_MYACTOR, desc.startAddr + 8, 8), K_OK);
    EXPECT_EQ(mem_load64(desc.startAddr + 8), count - 1);
    EXPECT_EQ(actorDelete(&child), K_OK);
}

/* One actor takes all the regions it may, and leaves some to others. */
CASE(regions_run_out_in_an_orderly_way)
{
    KnRgnDesc desc = {.size = 4096, .options = K_ANYWHERE | K_NOACCESS}, other = desc;
    KnResult status = K_OK;
    KnRgnStat stat;
    KnCap child;
    VmAddr at = 0;
    uint32_t count = 0;

    while (count < 20000 && (status = rgnAllocate(K_MYACTOR, &desc)) == K_OK)
        count++;
    EXPECT_EQ(status, K_ENOMEM);
    EXPECT(count > 10000);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &child, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(rgnAllocate(&child, &other), K_OK);
    EXPECT_EQ(actorDelete(&child), K_OK);
    for (; rgnNext(K_MYACTOR, at, &stat) == K_OK; at = stat.rsStart + stat.rsSize) {
        other = (KnRgnDesc){.startAddr = stat.rsStart, .size = stat.rsSize};
        if ((stat.rsOptions & K_NOACCESS) != 0)
            EXPECT_EQ(rgnFree(K_MYACTOR, &other), K_OK);
    }
    EXPECT_EQ(rgnAllocate(K_MYACTOR, &desc), K_OK);
}

/* Forks a family by rgnDup, writes everywhere at random, and compares with what separate
 * memories would hold. */
#define FAMILY 6u
#define PAGES 8u

struct family {
    KnCap actor[FAMILY];
    bool alive[FAMILY];
    uint64_t value[FAMILY][PAGES];
};

static uint32_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static void family_step(struct guest *guest, struct family *family, struct scratch *scratch,
                        VmAddr base, uint64_t *random)
{
    uint32_t who = next_random(random) % FAMILY, other = next_random(random) % FAMILY;
    uint32_t which = next_random(random) % PAGES;

    if (!family->alive[who])
        return;
    switch (next_random(random) % 4) {
    case 0: /* fork `who` as `other` */
        if (family->alive[other])
            return;
        EXPECT_EQ(actorCreate(K_MYACTOR, &family->actor[other], K_USERACTOR, K_ACTIVE), K_OK);
        EXPECT_EQ(rgnDup(&family->actor[other], &family->actor[who]), K_OK);
        memcpy(family->value[other], family->value[who], sizeof(family->value[other]));
        family->alive[other] = true;
        return;
    case 1: /* `other` ends, if somebody is left */
        if (other == who || !family->alive[other])
            return;
        EXPECT_EQ(actorDelete(&family->actor[other]), K_OK);
        family->alive[other] = false;
        return;
    default:
        family->value[who][which] = next_random(random);
        EXPECT(poke_by(scratch, &family->actor[who], base + which * page(),
                       family->value[who][which]));
    }
}

static void family_check(struct guest *guest, struct family *family, struct scratch *scratch,
                         VmAddr base)
{
    for (uint32_t i = 0; i < FAMILY; i++) {
        for (uint32_t j = 0; j < PAGES && family->alive[i]; j++)
            EXPECT_EQ(peek_by(scratch, &family->actor[i], base + j * page()), family->value[i][j]);
    }
}

CASE(families_of_copies)
{
    struct family family = {0};
    struct scratch scratch;
    uint64_t random = 42;
    KnRgnDesc desc;

    REQUIRE_EQ(allocate(K_MYACTOR, 1, RW, &scratch.desc), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &family.actor[0], K_USERACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(allocate(&family.actor[0], PAGES, RW | K_INHERITCOPY, &desc), K_OK);
    family.alive[0] = true;
    for (uint32_t step = 0; step < 3000; step++) {
        family_step(guest, &family, &scratch, desc.startAddr, &random);
        if (step % 50 == 0)
            family_check(guest, &family, &scratch, desc.startAddr);
    }
    for (uint32_t i = 0; i < FAMILY; i++) {
        if (family.alive[i])
            EXPECT_EQ(actorDelete(&family.actor[i]), K_OK);
    }
}

/* Each generation forks and ends: the chain of the dead must not grow. */
CASE(long_chain_of_forks_stays_short)
{
    struct scratch scratch;
    KnSiteStat first = {0}, last;
    KnCap parent, child;
    KnRgnDesc desc;

    REQUIRE_EQ(allocate(K_MYACTOR, 1, RW, &scratch.desc), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &parent, K_USERACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(allocate(&parent, 16, RW | K_INHERITCOPY, &desc), K_OK);
    for (uint64_t i = 0; i < 500; i++) {
        REQUIRE_EQ(actorCreate(K_MYACTOR, &child, K_USERACTOR, K_ACTIVE), K_OK);
        REQUIRE_EQ(rgnDup(&child, &parent), K_OK);
        REQUIRE(poke_by(&scratch, &child, desc.startAddr + (i % 16) * page(), i));
        REQUIRE_EQ(actorDelete(&parent), K_OK);
        parent = child;
        if (i == 50)
            (void)siteStat(&first);
    }
    EXPECT_EQ(siteStat(&last), K_OK);
    EXPECT_EQ(last.ssCaches, first.ssCaches);
    EXPECT_EQ(last.ssFramesFree + last.ssFramesPools, first.ssFramesFree + first.ssFramesPools);
    EXPECT_EQ(peek_by(&scratch, &parent, desc.startAddr), 496);
    EXPECT_EQ(actorDelete(&parent), K_OK);
}

CASE(inheritance)
{
    struct scratch scratch;
    KnRgnDesc copied, shared, left;
    KnCap parent, child;

    REQUIRE_EQ(allocate(K_MYACTOR, 1, RW, &scratch.desc), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &parent, K_USERACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &child, K_USERACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(allocate(&parent, 1, RW | K_INHERITCOPY, &copied), K_OK);
    REQUIRE_EQ(allocate(&parent, 1, RW, &shared), K_OK);
    REQUIRE_EQ(allocate(&parent, 1, RW, &left), K_OK);
    shared.options = K_INHERITSHARE;
    EXPECT_EQ(rgnSetInherit(&parent, &shared), K_OK);
    EXPECT(poke_by(&scratch, &parent, copied.startAddr, 1));
    EXPECT(poke_by(&scratch, &parent, shared.startAddr, 2));
    EXPECT_EQ(rgnDup(&child, &parent), K_OK);
    EXPECT_EQ(rgnDup(&child, &parent), K_EBUSY);
    EXPECT(poke_by(&scratch, &parent, copied.startAddr, 10));
    EXPECT(poke_by(&scratch, &parent, shared.startAddr, 20));
    EXPECT_EQ(peek_by(&scratch, &child, copied.startAddr), 1);
    EXPECT_EQ(peek_by(&scratch, &child, shared.startAddr), 20);
    EXPECT_EQ(vmCopy(&child, left.startAddr, K_MYACTOR, scratch.desc.startAddr, 8), K_EADDR);
    EXPECT_EQ(rgnDup(&child, &child), K_EINVAL);
    EXPECT_EQ(actorDelete(&parent), K_OK);
    EXPECT_EQ(peek_by(&scratch, &child, copied.startAddr), 1);
    EXPECT_EQ(actorDelete(&child), K_OK);
}

CASE(dup_errors)
{
    KnCap wrong = wrong_key(), gone = nobody(), other;

    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_USERACTOR, K_ACTIVE), K_OK);
    EXPECT_EQ(rgnDup(&wrong, &other), K_EINVAL);
    EXPECT_EQ(rgnDup(&gone, &other), K_EUNKNOWN);
    EXPECT_EQ(rgnDup(WILD, &other), K_EFAULT);
    EXPECT_EQ(actorDelete(&other), K_OK);
}

CASE(regions_from_actors)
{
    struct scratch scratch;
    KnRgnDesc theirs, mapped = {0}, copied = {0};
    KnCap other, wrong = wrong_key(), gone = nobody();

    REQUIRE_EQ(allocate(K_MYACTOR, 1, RW, &scratch.desc), K_OK);
    REQUIRE_EQ(actorCreate(K_MYACTOR, &other, K_USERACTOR, K_ACTIVE), K_OK);
    REQUIRE_EQ(allocate(&other, 4, RW, &theirs), K_OK);
    EXPECT(poke_by(&scratch, &other, theirs.startAddr + page(), 5));
    mapped = (KnRgnDesc){.size = 2 * page(), .options = RW};
    EXPECT_EQ(rgnMapFromActor(K_MYACTOR, &mapped, &other, theirs.startAddr + page()), K_OK);
    copied = (KnRgnDesc){.size = 2 * page(), .options = RW};
    EXPECT_EQ(rgnInitFromActor(K_MYACTOR, &copied, &other, theirs.startAddr + page()), K_OK);
    EXPECT_EQ(mem_load64(mapped.startAddr), 5);
    EXPECT_EQ(mem_load64(copied.startAddr), 5);
    mem_store64(mapped.startAddr, 6);
    EXPECT_EQ(peek_by(&scratch, &other, theirs.startAddr + page()), 6);
    EXPECT_EQ(mem_load64(copied.startAddr), 5);
    mem_store64(copied.startAddr, 7);
    EXPECT_EQ(peek_by(&scratch, &other, theirs.startAddr + page()), 6);
    copied = (KnRgnDesc){.size = 8 * page(), .options = RW};
    EXPECT_EQ(rgnInitFromActor(K_MYACTOR, &copied, &other, theirs.startAddr), K_EADDR);
    EXPECT_EQ(rgnMapFromActor(K_MYACTOR, &copied, &other, theirs.startAddr), K_EADDR);
    copied.size = page();
    EXPECT_EQ(rgnMapFromActor(K_MYACTOR, &copied, &other, theirs.startAddr + 1), K_EINVAL);
    EXPECT_EQ(rgnMapFromActor(&wrong, &copied, &other, theirs.startAddr), K_EINVAL);
    EXPECT_EQ(rgnMapFromActor(&gone, &copied, &other, theirs.startAddr), K_EUNKNOWN);
    EXPECT_EQ(rgnMapFromActor(WILD, &copied, &other, theirs.startAddr), K_EFAULT);
    EXPECT_EQ(rgnInitFromActor(&wrong, &copied, &other, theirs.startAddr), K_EINVAL);
    EXPECT_EQ(rgnInitFromActor(&gone, &copied, &other, theirs.startAddr), K_EUNKNOWN);
    EXPECT_EQ(rgnInitFromActor(WILD, &copied, &other, theirs.startAddr), K_EFAULT);
    copied = (KnRgnDesc){.startAddr = mapped.startAddr, .size = page(), .options = K_WRITABLE};
    EXPECT_EQ(rgnMapFromActor(K_MYACTOR, &copied, &other, theirs.startAddr), K_EOVERLAP);
    EXPECT_EQ(rgnInitFromActor(K_MYACTOR, &copied, &other, theirs.startAddr), K_EOVERLAP);
    EXPECT_EQ(actorDelete(&other), K_OK);
    EXPECT_EQ(mem_load64(mapped.startAddr), 6);
}

static const struct guest_entry entries[] = {
    CASE_USER(memory_reads_as_zero_and_keeps_what_is_written),
    CASE_USER(placing),
    CASE_USER(a_hole_in_the_middle),
    CASE_USER(huge_and_sparse),
    CASE_USER(allocate_errors),
    CASE_SYSTEM(memory_runs_out_by_touch),
    CASE_SYSTEM(faults_end_their_actor_alone),
    CASE_USER(protect),
    CASE_USER(others_memory_is_for_the_trusted),
    CASE_SYSTEM(copies_between_actors),
    CASE_USER(copies_of_copies),
    CASE_SYSTEM(many_regions_are_inherited),
    CASE_SYSTEM(regions_run_out_in_an_orderly_way),
    CASE_SYSTEM(families_of_copies),
    CASE_SYSTEM(long_chain_of_forks_stays_short),
    CASE_SYSTEM(inheritance),
    CASE_SYSTEM(dup_errors),
    CASE_SYSTEM(regions_from_actors),
    CASE_HELPER(glutton),
    CASE_HELPER(writes_where_it_may_not),
    CASE_HELPER(reads_where_nothing_is),
};
GUEST_PROGRAM(memory, entries);
