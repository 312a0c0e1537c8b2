/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decision between sysret and iretq on x86-64, and what user mode may get in its registers
 * (machine/x86_64/return.h). The registers are those of x86-64, whatever the rest of the test's
 * machine is.
 */
#include "tests/unit/support.h"

#include "abi/x86_64/chorus/context.h"
#include "machine/x86_64/return.h"

#define LAST_LOWER UINT64_C(0x00007fffffffffff)
#define FIRST_HOLE UINT64_C(0x0000800000000000)
#define LAST_HOLE UINT64_C(0xffff7fffffffffff)
#define FIRST_UPPER UINT64_C(0xffff800000000000)

/* As the system call entry leaves it. */
static KnThreadCtx after_syscall(void)
{
    return (KnThreadCtx){
        .rip = 0x401234,
        .rcx = 0x401234,
        .rflags = RFLAGS_FIXED | RFLAGS_ZF,
        .r11 = RFLAGS_FIXED | RFLAGS_ZF,
        .cs = SELECTOR_USER_CODE,
        .ss = SELECTOR_USER_DATA,
        .rsp = 0x7ffffffde000,
        .vector = VECTOR_SYSCALL,
    };
}

static void set_rip(KnThreadCtx *context, uint64_t rip)
{
    context->rip = context->rcx = rip;
}

static void set_rflags(KnThreadCtx *context, uint64_t rflags)
{
    context->rflags = context->r11 = rflags;
}

/* ---- sysret -------------------------------------------------------------------------------- */

static void test_plain_call_returns_by_sysret(void **state)
{
    KnThreadCtx context = after_syscall();

    (void)state;
    assert_true(return_by_sysret(&context));
    context.rsp = LAST_HOLE; /* the processor takes any stack pointer */
    context.rax = context.rdi = context.r15 = UINT64_MAX;
    assert_true(return_by_sysret(&context));
}

static void test_rip_must_be_canonical_and_low(void **state)
{
    static const uint64_t bad[] = {FIRST_HOLE, LAST_HOLE, FIRST_UPPER, UINT64_MAX,
                                   UINT64_C(0xffffffff80000000)};
    KnThreadCtx context = after_syscall();

    (void)state;
    set_rip(&context, LAST_LOWER);
    assert_true(return_by_sysret(&context));
    set_rip(&context, 0);
    assert_true(return_by_sysret(&context));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        set_rip(&context, bad[i]);
        assert_false(return_by_sysret(&context));
    }
    for (unsigned bit = CANONICAL_BITS; bit < 64; bit++) {
        set_rip(&context, UINT64_C(1) << bit);
        assert_false(return_by_sysret(&context));
    }
}

/* sysret takes rip from rcx and rflags from r11: a handler that changed one alone wants iretq. */
static void test_changed_registers_need_iretq(void **state)
{
    KnThreadCtx context;

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        context = after_syscall();
        context.rcx ^= UINT64_C(1) << bit;
        assert_false(return_by_sysret(&context));
        context = after_syscall();
        context.r11 ^= UINT64_C(1) << bit;
        assert_false(return_by_sysret(&context));
    }
    context = after_syscall();
    context.rip++;
    assert_false(return_by_sysret(&context));
}

static void test_selectors_must_be_the_users(void **state)
{
    KnThreadCtx context;

    (void)state;
    for (unsigned selector = 0; selector < 0x10000; selector++) {
        context = after_syscall();
        context.cs = selector;
        assert_int_equal(return_by_sysret(&context), selector == SELECTOR_USER_CODE);
        context = after_syscall();
        context.ss = selector;
        assert_int_equal(return_by_sysret(&context), selector == SELECTOR_USER_DATA);
    }
    context = after_syscall();
    context.cs |= UINT64_C(1) << 32;
    assert_false(return_by_sysret(&context));
}

static void test_each_flag(void **state)
{
    static const uint64_t allowed = RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF |
                                    RFLAGS_DF | RFLAGS_OF | RFLAGS_NT | RFLAGS_AC | RFLAGS_ID;
    KnThreadCtx context = after_syscall();

    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t flag = UINT64_C(1) << bit;

        if ((flag & RFLAGS_FIXED) != 0)
            continue;
        set_rflags(&context, RFLAGS_FIXED | flag);
        assert_int_equal(return_by_sysret(&context), (flag & allowed) != 0);
    }
    set_rflags(&context, RFLAGS_ONE); /* interrupts would stay off */
    assert_false(return_by_sysret(&context));
    set_rflags(&context, RFLAGS_IF);
    assert_false(return_by_sysret(&context));
}

/* ---- What a frame may hold ----------------------------------------------------------------- */

static void test_disarm_takes_privilege_away(void **state)
{
    KnThreadCtx context = after_syscall();

    (void)state;
    context.cs = SELECTOR_CODE;
    context.ss = SELECTOR_DATA;
    context.rflags = UINT64_MAX & ~RFLAGS_IF;
    context.rip = FIRST_UPPER;
    return_disarm(&context);
    assert_int_equal(context.cs, SELECTOR_USER_CODE);
    assert_int_equal(context.ss, SELECTOR_USER_DATA);
    assert_int_equal(context.rflags, RFLAGS_USER | RFLAGS_FIXED);
    assert_int_equal(context.rflags & UINT64_C(0x3000), 0); /* no privilege for ports */
    assert_int_equal(context.rflags & RFLAGS_VM, 0);
    assert_int_equal(context.rip, FIRST_UPPER); /* faults in user mode, or on the way there */
}

static void test_disarm_keeps_what_is_the_users(void **state)
{
    KnThreadCtx context = after_syscall(), before = context;

    (void)state;
    context.rflags |= RFLAGS_TF | RFLAGS_RF | RFLAGS_AC | RFLAGS_DF;
    before.rflags = context.rflags;
    return_disarm(&context);
    assert_memory_equal(&context, &before, sizeof(context));
}

static void test_sanitise_refuses_addresses_not_the_users(void **state)
{
    static const uint64_t bad[] = {FIRST_HOLE, LAST_HOLE, FIRST_UPPER, UINT64_MAX};
    KnThreadCtx context;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        context = after_syscall();
        context.rip = bad[i];
        assert_false(return_sanitise(&context));
        context = after_syscall();
        context.fsBase = bad[i];
        assert_false(return_sanitise(&context));
        context = after_syscall();
        context.gsBase = bad[i];
        assert_false(return_sanitise(&context));
    }
    context = after_syscall();
    context.rip = context.fsBase = context.gsBase = LAST_LOWER;
    context.cs = SELECTOR_CODE;
    assert_true(return_sanitise(&context));
    assert_int_equal(context.cs, SELECTOR_USER_CODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_call_returns_by_sysret),
        cmocka_unit_test(test_rip_must_be_canonical_and_low),
        cmocka_unit_test(test_changed_registers_need_iretq),
        cmocka_unit_test(test_selectors_must_be_the_users),
        cmocka_unit_test(test_each_flag),
        cmocka_unit_test(test_disarm_takes_privilege_away),
        cmocka_unit_test(test_disarm_keeps_what_is_the_users),
        cmocka_unit_test(test_sanitise_refuses_addresses_not_the_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
