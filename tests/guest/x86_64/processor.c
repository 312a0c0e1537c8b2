/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only a processor shows: registers, flags and vector state across calls and between threads,
 * the exceptions of x86-64, and what user mode must not reach.
 */
#include "chorus/context.h"

#include "kit/string.h"
#include "tests/guest/case.h"

#define END_NS (1000 * GUEST_MS)
#define STACK_BYTES 16384
#define TURNS 40

#define FLAG_TF UINT64_C(0x100)
#define FLAG_DF UINT64_C(0x400)
#define FLAG_NT UINT64_C(0x4000)
#define FLAG_AC UINT64_C(0x40000)
#define FLAG_IOPL UINT64_C(0x3000)

#define FIRST_HOLE UINT64_C(0x0000800000000000)
#define NUCLEUS UINT64_C(0xffffffff80000000)

/* ---- Registers ------------------------------------------------------------------------------ */

/* rbx rbp rdi rsi rdx r8 r9 r10 r12 r13 r14 r15: those a call keeps. */
#define KEPT 12

__asm__(
    ".text\n"
    ".type call_with, @function\n"
    "call_with:\n" /* call_with(number, before, after): loads KEPT registers, calls, stores them */
    "pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
    "pushq %rdx\n"
    "movq %rdi, %rax\n"
    "movq 0(%rsi), %rbx; movq 8(%rsi), %rbp; movq 16(%rsi), %rdi; movq 32(%rsi), %rdx\n"
    "movq 40(%rsi), %r8; movq 48(%rsi), %r9; movq 56(%rsi), %r10; movq 64(%rsi), %r12\n"
    "movq 72(%rsi), %r13; movq 80(%rsi), %r14; movq 88(%rsi), %r15; movq 24(%rsi), %rsi\n"
    "syscall\n"
    "popq %rcx\n"
    "movq %rbx, 0(%rcx); movq %rbp, 8(%rcx); movq %rdi, 16(%rcx); movq %rsi, 24(%rcx)\n"
    "movq %rdx, 32(%rcx); movq %r8, 40(%rcx); movq %r9, 48(%rcx); movq %r10, 56(%rcx)\n"
    "movq %r12, 64(%rcx); movq %r13, 72(%rcx); movq %r14, 80(%rcx); movq %r15, 88(%rcx)\n"
    "popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx\n"
    "ret\n");

long call_with(uint64_t number, const uint64_t *before, uint64_t *after);

CASE(a_call_keeps_registers)
{
    uint64_t before[KEPT], after[KEPT];

    for (unsigned i = 0; i < KEPT; i++)
        before[i] = UINT64_C(0x1111111111111111) * (i + 1);
    memset(after, 0, sizeof(after));
    EXPECT_EQ(call_with(K_CALLBASE + K_CALL_threadSelf, before, after), threadSelf());
    EXPECT(memcmp(before, after, sizeof(before)) == 0);
}

static uint64_t flags_after_call(uint64_t flags)
{
    uint64_t result;

    __asm__ volatile("pushq %1\n\tpopfq\n\tsyscall\n\tpushfq\n\tpopq %0\n\tpushq $0x202\n\tpopfq"
                     : "=r"(result)
                     : "r"(flags), "a"((uint64_t)K_CALLBASE + K_CALL_threadSelf)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

CASE(a_call_keeps_flags)
{
    const uint64_t odd = FLAG_DF | FLAG_NT | FLAG_AC;

    EXPECT_EQ(flags_after_call(0x202 | odd) & odd, odd);
    EXPECT_EQ(flags_after_call(0x202) & odd, 0);
    EXPECT_EQ(flags_after_call(0x202 | FLAG_IOPL) & FLAG_IOPL, 0);
    EXPECT_EQ(threadSelf() > 0, true);
}

/* ---- Threads -------------------------------------------------------------------------------- */

struct turns {
    uint64_t seed;
    uint32_t wrong;
    volatile bool done;
};

/* Keeps a value in a vector register over many switches. */
static void hold_vector(uintptr_t argument)
{
    struct turns *turns = (struct turns *)argument;
    uint64_t low, high;

    __asm__ volatile("movq %0, %%xmm7\n\tmovq %%xmm7, %%xmm14\n\tpunpcklqdq %%xmm14, %%xmm7"
                     :
                     : "r"(turns->seed));
    for (int i = 0; i < TURNS; i++) {
        threadDelay(i % 4 == 3 ? 100000 : K_NOBLOCK);
        __asm__ volatile("movq %%xmm14, %0\n\tmovhlps %%xmm7, %%xmm6\n\tmovq %%xmm6, %1"
                         : "=r"(low), "=r"(high));
        turns->wrong += low != turns->seed || high != turns->seed;
    }
    turns->done = true;
}

/* Each has its own way of rounding. */
static void hold_rounding(uintptr_t argument)
{
    struct turns *turns = (struct turns *)argument;
    uint32_t mxcsr = 0x1f80 | (uint32_t)(turns->seed & 3) << 13, seen;
    uint16_t control = (uint16_t)(0x37f | (turns->seed & 3) << 10), control_seen;

    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(control));
    for (int i = 0; i < TURNS; i++) {
        threadDelay(K_NOBLOCK);
        __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(seen), "=m"(control_seen));
        turns->wrong += seen != mxcsr || control_seen != control;
    }
    turns->done = true;
}

static void play_selectors(uintptr_t argument)
{
    struct turns *turns = (struct turns *)argument;

    for (int i = 0; i < TURNS; i++) {
        __asm__ volatile("movl %0, %%ds\n\tmovl %0, %%es\n\tmovl %0, %%fs\n\tmovl %0, %%gs"
                         :
                         : "r"(0x2b));
        threadDelay(K_NOBLOCK);
    }
    turns->done = true;
}

static void run_turns(struct guest *guest, void (*const *entry)(uintptr_t), struct turns *turns,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        turns[i].seed = UINT64_C(0x0123456789abcdef) * (i + 1);
        EXPECT(thread_launch(NULL, entry[i], (uintptr_t)&turns[i], STACK_BYTES, NULL) >= 0);
    }
    for (int tries = 0; tries < 1000; tries++) {
        unsigned done = 0;

        for (unsigned i = 0; i < count; i++)
            done += turns[i].done;
        if (done == count)
            break;
        threadDelay(GUEST_MS);
    }
    for (unsigned i = 0; i < count; i++) {
        EXPECT(turns[i].done);
        EXPECT_EQ(turns[i].wrong, 0);
    }
}

CASE(vector_state_is_each_threads_own)
{
    static void (*const entry[])(uintptr_t) = {hold_vector, hold_vector, hold_vector, hold_rounding,
                                               hold_rounding};
    struct turns turns[ARRAY_SIZE(entry)] = {{0}};

    run_turns(guest, entry, turns, ARRAY_SIZE(entry));
}

/* ---- Segment bases -------------------------------------------------------------------------- */

static KnResult set_bases(uint64_t fs, uint64_t gs)
{
    KnThreadCtx context;
    KnResult status = threadContext(K_MYACTOR, K_MYSELF, &context, NULL);

    if (status != K_OK)
        return status;
    context.fsBase = fs;
    context.gsBase = gs;
    /* What was read stands behind the first call: the second one comes back there. */
    return threadContext(K_MYACTOR, K_MYSELF, NULL, &context);
}

static uint64_t read_fs(void)
{
    uint64_t value;

    __asm__ volatile("movq %%fs:0, %0" : "=r"(value));
    return value;
}

static uint64_t read_gs(void)
{
    uint64_t value;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(value));
    return value;
}

/* A thread that is told its bases from outside, before it runs. */
static void hold_bases(uintptr_t argument)
{
    struct turns *turns = (struct turns *)argument;

    for (int i = 0; i < TURNS; i++) {
        threadDelay(K_NOBLOCK);
        turns->wrong += read_fs() != turns->seed || read_gs() != turns->seed;
    }
    turns->done = true;
    threadDelete(K_MYACTOR, K_MYSELF); /* nobody called this function */
}

static KnResult start_with_bases(struct turns *turns, VmAddr stack_top)
{
    KnStartInfo start = {.dsEntry = (VmAddr)hold_bases,
                         .dsUserStackPointer = stack_top - sizeof(uint64_t),
                         .dsArgument = (uintptr_t)turns};
    KnThreadLid lid;
    KnThreadCtx context;
    KnResult status = threadCreate(K_MYACTOR, &lid, K_INACTIVE, NULL, &start);

    if (status < 0)
        return status;
    status = threadContext(K_MYACTOR, lid, &context, NULL);
    context.fsBase = context.gsBase = (uint64_t)(uintptr_t)&turns->seed;
    if (status == K_OK)
        status = threadContext(K_MYACTOR, lid, NULL, &context);
    return status == K_OK ? threadActivate(K_MYACTOR, lid) : status;
}

CASE(bases_are_each_threads_own)
{
    KnRgnDesc stacks = {.size = 2 * STACK_BYTES, .options = K_ANYWHERE | K_READABLE | K_WRITABLE};
    struct turns turns[3] = {{.seed = 0x5a5a}, {.seed = 0xa5a5}, {0}};

    REQUIRE_EQ(rgnAllocate(K_MYACTOR, &stacks), K_OK);
    REQUIRE_EQ(start_with_bases(&turns[0], stacks.startAddr + STACK_BYTES), K_OK);
    REQUIRE_EQ(start_with_bases(&turns[1], stacks.startAddr + 2 * STACK_BYTES), K_OK);
    REQUIRE(thread_launch(NULL, play_selectors, (uintptr_t)&turns[2], STACK_BYTES, NULL) >= 0);
    for (int tries = 0; tries < 1000 && !(turns[0].done && turns[1].done && turns[2].done); tries++)
        threadDelay(GUEST_MS);
    for (unsigned i = 0; i < ARRAY_SIZE(turns); i++) {
        EXPECT(turns[i].done);
        EXPECT_EQ(turns[i].wrong, 0);
    }
}

CASE(registers_from_outside_are_made_harmless)
{
    KnStartInfo start = {.dsEntry = (VmAddr)play_selectors};
    KnThreadCtx context, back;
    KnThreadLid lid;

    REQUIRE(threadCreate(K_MYACTOR, &lid, K_INACTIVE, NULL, &start) > 0);
    REQUIRE_EQ(threadContext(K_MYACTOR, lid, &context, NULL), K_OK);
    context.cs = 0x10;
    context.ss = 0x18;
    context.rflags = FLAG_IOPL | FLAG_TF;
    EXPECT_EQ(threadContext(K_MYACTOR, lid, NULL, &context), K_OK);
    EXPECT_EQ(threadContext(K_MYACTOR, lid, &back, NULL), K_OK);
    EXPECT_EQ(back.cs, 0x33);
    EXPECT_EQ(back.ss, 0x2b);
    EXPECT_EQ(back.rflags, 0x202 | FLAG_TF);
    context.rip = FIRST_HOLE;
    EXPECT_EQ(threadContext(K_MYACTOR, lid, NULL, &context), K_EINVAL);
    context.rip = NUCLEUS;
    EXPECT_EQ(threadContext(K_MYACTOR, lid, NULL, &context), K_EINVAL);
    context.rip = back.rip;
    context.fsBase = FIRST_HOLE;
    EXPECT_EQ(threadContext(K_MYACTOR, lid, NULL, &context), K_EINVAL);
    context.fsBase = 0;
    context.gsBase = NUCLEUS;
    EXPECT_EQ(threadContext(K_MYACTOR, lid, NULL, &context), K_EINVAL);
    EXPECT_EQ(threadContext(K_MYACTOR, lid, &context, NULL), K_OK);
    EXPECT(memcmp(&context, &back, sizeof(context)) == 0);
    EXPECT_EQ(set_bases(FIRST_HOLE, 0), K_EINVAL);
}

CASE(vector_images_are_checked)
{
    static const struct {
        uint32_t offset;
        uint8_t value;
    } bad[] = {{27, 0xff}, {519, 0x80}, {520, 1}, {528, 1}}; /* MXCSR; XSAVE's header */
    uint8_t image[4096], odd[sizeof(image)];
    KnResult bytes = threadExtended(K_MYACTOR, K_MYSELF, image, NULL, sizeof(image));

    REQUIRE(bytes >= 512 && bytes <= (KnResult)sizeof(image));
    EXPECT_EQ(threadExtended(K_MYACTOR, K_MYSELF, NULL, image, sizeof(image)), bytes);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        memcpy(odd, image, sizeof(odd));
        odd[bad[i].offset] = bad[i].value;
        if (bad[i].offset < (uint32_t)bytes)
            EXPECT_EQ(threadExtended(K_MYACTOR, K_MYSELF, NULL, odd, sizeof(odd)), K_EINVAL);
    }
}

/* ---- Exceptions: each ends the actor of a helper and nothing else ---------------------------- */

static void deeper(volatile char *above, uint32_t depth)
{
    volatile char here[512];

    here[0] = above[0];
    if (depth > 0)
        deeper(here, depth - 1);
    above[0] = here[0];
}

static void fail_by(uintptr_t how)
{
    volatile char on_stack[16] = {(char)0xc3};

    switch (how) {
    case 0:
        __asm__ volatile("ud2");
        break;
    case 1:
        __asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0));
        break;
    case 2:
        __asm__ volatile("hlt");
        break;
    case 3:
        __asm__ volatile("cli");
        break;
    case 4:
        __asm__ volatile("int $0x80");
        break;
    case 5:
        __asm__ volatile("int3");
        break;
    case 6:
        __asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop"
                         :
                         :
                         : "memory", "cc");
        break;
    case 7:
        (void)*(volatile char *)FIRST_HOLE;
        break;
    case 8:
        (void)*(volatile char *)NUCLEUS;
        break;
    case 9:
        *(volatile char *)(uintptr_t)call_with = 0;
        break;
    case 10:
        __asm__ volatile("call *%0" : : "r"(on_stack) : "memory");
        break;
    case 11:
        __asm__ volatile("inb $0x70, %%al" : : : "rax");
        break;
    case 12:
        __asm__ volatile("wrmsr" : : "a"(0), "d"(0), "c"(0xc0000101));
        break;
    case 13:
        __asm__ volatile("movq %%cr3, %%rax" : : : "rax");
        break;
    case 14:
        deeper(on_stack, 1000);
        break;
    case 15: /* a number whose low half alone is a Nucleus call's */
        __asm__ volatile("syscall"
                         :
                         : "a"(UINT64_C(1) << 32 | (K_CALLBASE + K_CALL_threadSelf))
                         : "rcx", "r11", "memory");
        break;
    case 16:
        __asm__ volatile("movl %0, %%ds" : : "r"(0x18));
        break;
    default:
        __asm__ volatile("jmp *%0" : : "r"(FIRST_HOLE));
        break;
    }
}

#define WAYS 18

CASE_ACTOR(failing)
{
    fail_by(argument);
    /* A helper that comes here was not stopped: it stays, and the wait for its end fails. */
    threadDelay(K_NOTIMEOUT);
}

CASE(each_exception_ends_its_actor)
{
    for (uintptr_t how = 0; how < WAYS; how++) {
        KnCap actor;

        REQUIRE_EQ(guest_start(guest, failing, K_USERACTOR, how, &actor), K_OK);
        if (!EXPECT_EQ(guest_wait_end(&actor, END_NS), K_OK)) {
            EXPECT_EQ(how, WAYS); /* tells which */
            actorDelete(&actor);
        }
    }
}

static const struct guest_entry entries[] = {
    CASE_USER(a_call_keeps_registers),
    CASE_USER(a_call_keeps_flags),
    CASE_USER(vector_state_is_each_threads_own),
    CASE_SYSTEM(bases_are_each_threads_own),
    CASE_SYSTEM(registers_from_outside_are_made_harmless),
    CASE_SYSTEM(vector_images_are_checked),
    CASE_SYSTEM(each_exception_ends_its_actor),
    CASE_HELPER(failing),
};
GUEST_PROGRAM(processor, entries);
