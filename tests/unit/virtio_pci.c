/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of lib/virtio's way around a PCI bus: the search, ranges of memory, capabilities, MSI-X,
 * and who owns what; on sound buses, on broken ones, and on random bytes.
 */
#include "tests/unit/support.h"

#include <stdlib.h>

#include "chorus/services.h"
#include "kit/base.h"
#include "kit/random.h"
#include "tests/unit/virtio_bus.h"

/* The files under test. */
#include "lib/chorus/ui.c"       // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/pci.c"      // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/pci_bars.c" // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/pci_msix.c" // NOLINT(bugprone-suspicious-include)

#define HOLE UINT64_C(0xe0000000)
#define SLOT UINT64_C(0x100000)

void pci_place_memory(pci_place place, uint64_t *base, uint64_t *bytes)
{
    *base = HOLE + place * SLOT;
    *bytes = place < 256 ? SLOT : 0;
}

/* ---- The Nucleus ----------------------------------------------------------------------------- */

struct nucleus {
    uint64_t held; /* stamp that somebody else holds ... */
    int held_for;  /* ... for so many tries; -1: for ever */
    uint64_t declared;
    int delays;
};

static struct nucleus nucleus;

KnResult uiLocalSite(void)
{
    return 5;
}

KnResult portDeclare(KnCap *actor, KnUniqueId *port)
{
    assert_null(actor);
    assert_int_equal(port->uiHead, 5);
    nucleus.declared = port->uiTail & K_UISTAMP_MAX;
    if (nucleus.declared == nucleus.held && nucleus.held_for != 0) {
        nucleus.held_for -= nucleus.held_for > 0;
        return K_EEXIST;
    }
    return 9;
}

KnResult portDelete(KnCap *actor, int32_t li)
{
    assert_null(actor);
    assert_int_equal(li, 9);
    return K_OK;
}

KnResult threadDelay(int64_t delay_ns)
{
    assert_true(delay_ns > 0);
    nucleus.delays++;
    return K_OK;
}

static uint8_t table[64];

void mem_store32(VmAddr to, uint32_t value)
{
    assert_true(to >= (VmAddr)table && to + 4 <= (VmAddr)table + sizeof(table));
    le32_store((void *)to, value);
}

/* ---- Ownership ------------------------------------------------------------------------------- */

static void the_space_is_waited_for(void **state)
{
    (void)state;
    nucleus = (struct nucleus){.held = SERVICE_PCI_SPACE, .held_for = 3};
    assert_int_equal(pci_space_take(), 9);
    assert_int_equal(nucleus.delays, 3);
    assert_int_equal(pci_space_give(9), K_OK);
    nucleus = (struct nucleus){.held = SERVICE_PCI_SPACE, .held_for = -1};
    assert_int_equal(pci_space_take(), K_EBUSY);
    assert_int_equal(nucleus.delays, SPACE_POLLS_MAX);
}

static void a_function_has_one_owner(void **state)
{
    (void)state;
    nucleus = (struct nucleus){.held = SERVICE_PCI_FUNCTION(0x123), .held_for = -1};
    assert_int_equal(pci_function_claim(0x122), K_OK);
    assert_int_equal(nucleus.declared, SERVICE_PCI_FUNCTION(0x122));
    assert_int_equal(pci_function_claim(0x123), K_EBUSY);
    assert_int_equal(nucleus.delays, 0);
}

/* ---- The search ------------------------------------------------------------------------------ */

static void expect_places(const pci_place *expected, size_t count)
{
    struct pci_scan scan;
    pci_place place = 0;

    pci_scan_open(&scan);
    for (size_t i = 0; i < count; i++) {
        assert_true(pci_scan_next(&scan, &place));
        assert_int_equal(place, expected[i]);
    }
    assert_false(pci_scan_next(&scan, &place));
}

static struct bus_function *add_bridge(pci_place place, uint8_t secondary)
{
    struct bus_function *bridge = bus_add(place, 0x8086, 1);

    bridge->space[0x0e] = 1;
    bridge->space[0x19] = secondary;
    return bridge;
}

static void functions_are_found_in_order(void **state)
{
    const pci_place expected[] = {bus_place(0, 0, 0), bus_place(0, 3, 0), bus_place(0, 3, 5),
                                  bus_place(0, 31, 0)};

    (void)state;
    bus_clear();
    expect_places(NULL, 0);
    bus_add(bus_place(0, 31, 0), 1, 1);
    bus_add(bus_place(0, 0, 0), 1, 1);
    bus_add(bus_place(0, 0, 1), 1, 1); /* device 0 says that it has one function */
    bus_add(bus_place(0, 3, 0), 1, 1)->space[0x0e] = 0x80;
    bus_add(bus_place(0, 3, 5), 1, 1);
    bus_add(bus_place(0, 9, 2), 1, 1); /* a device without function 0 is none */
    bus_add(bus_place(1, 0, 0), 1, 1); /* and a bus without a bridge */
    expect_places(expected, ARRAY_SIZE(expected));
}

static void bridges_are_followed_downward_only(void **state)
{
    const pci_place expected[] = {bus_place(0, 1, 0), bus_place(0, 2, 0), bus_place(2, 4, 0),
                                  bus_place(2, 5, 0), bus_place(7, 0, 0)};

    (void)state;
    bus_clear();
    add_bridge(bus_place(0, 1, 0), 2);
    add_bridge(bus_place(0, 2, 0), 0); /* the firmware did not set it up */
    add_bridge(bus_place(2, 4, 0), 7);
    add_bridge(bus_place(2, 5, 0), 2); /* leads to where it stands */
    add_bridge(bus_place(7, 0, 0), 2); /* and back */
    expect_places(expected, ARRAY_SIZE(expected));
}

/* ---- Ranges of memory ------------------------------------------------------------------------ */

static struct bus_function *one_function(void)
{
    bus_clear();
    struct bus_function *function = bus_add(bus_place(0, 4, 0), 0x1af4, 0x1042);

    function->space[4] = 7;    /* I/O, memory, transfers on */
    function->space[7] = 0xf9; /* marks that a one would clear */
    return function;
}

static void ranges_are_measured_and_left_as_they_were(void **state)
{
    struct bus_function *function = one_function();
    struct pci_bar bars[PCI_BARS] = {{0}};
    struct bus_function before;

    (void)state;
    le32_store(&function->space[0x10], 0xc001); /* I/O */
    function->bar_mask[0] = 0xffe0;
    bus_bar(function, 1, 0xfebd1000, 4096, false);
    bus_bar(function, 4, UINT64_C(0x800000000), 16384, true);
    before = *function;
    assert_int_equal(pci_bars_read(function->place, bars), K_OK);
    assert_memory_equal(&before, function, sizeof(before));
    assert_false(bus_self.measured_in_the_open);
    assert_int_equal(bars[0].bytes, 0);
    assert_int_equal(bars[1].base, 0xfebd1000);
    assert_int_equal(bars[1].bytes, 4096);
    assert_int_equal(bars[2].bytes, 0);
    assert_int_equal(bars[4].base, UINT64_C(0x800000000));
    assert_int_equal(bars[4].bytes, 16384);
    assert_int_equal(bars[5].bytes, 0);
    function->space[4] = 7;
    pci_enable(function->place);
    assert_int_equal(le32_load(&function->space[4]), 0xf9000407);
}

static void impossible_ranges_are_refused(void **state)
{
    struct pci_bar bars[PCI_BARS] = {{0}};
    struct bus_function *function = one_function();

    (void)state;
    bus_bar(function, 5, UINT64_C(0x800000000), 4096, false);
    function->space[0x24] |= 4; /* 64 bits wide, in the last register */
    assert_int_equal(pci_bars_read(function->place, bars), K_EIO);
    function = one_function();
    bus_bar(function, 0, 0xfebd1000, 4096, false);
    function->space[0x10] |= 2; /* below 1 MiB */
    assert_int_equal(pci_bars_read(function->place, bars), K_EIO);
    function = one_function();
    bus_bar(function, 0, 0xfebd1000, 4096, false);
    function->bar_mask[0] &= ~UINT32_C(0x20000); /* a mask with a hole */
    assert_int_equal(pci_bars_read(function->place, bars), K_EIO);
    function = one_function();
    bus_bar(function, 0, UINT64_C(0xffffffffffff0000), 0x10000, true); /* beyond what a page maps */
    assert_int_equal(pci_bars_read(function->place, bars), K_EIO);
    function = one_function();
    bus_bar(function, 0, 0xfebd1000, 4096, false);
    function->space[0x0e] = 1; /* a bridge */
    assert_int_equal(pci_bars_read(function->place, bars), K_EIO);
}

static void without_a_firmware_addresses_are_given(void **state)
{
    struct bus_function *function = one_function(), *other;
    struct pci_bar bars[PCI_BARS] = {{0}};
    const uint64_t slot = HOLE + 0x20 * SLOT;

    (void)state;
    bus_bar(function, 1, 0, 4096, false);
    bus_bar(function, 4, 0, 16384, true);
    other = bus_add(bus_place(0, 5, 0), 1, 1); /* one that got its address from us before */
    bus_bar(other, 0, HOLE + 0x28 * SLOT + 4096, 4096, false);
    assert_int_equal(pci_bars_read(function->place, bars), K_OK);
    assert_int_equal(bars[1].base, slot);
    assert_int_equal(bars[4].base, slot + 16384);
    assert_int_equal(bars[4].bytes, 16384);
    assert_int_equal(le32_load(&function->space[0x20]), slot + 16384 + 4);
    assert_int_equal(pci_bars_read(function->place, bars), K_OK); /* they are ours, and stay */
    assert_int_equal(bars[1].base, slot);
}

static void where_a_firmware_gave_some_none_are_given(void **state)
{
    struct bus_function *function = one_function(), *other;
    struct pci_bar bars[PCI_BARS] = {{0}};

    (void)state;
    bus_bar(function, 1, 0, 4096, false);
    other = bus_add(bus_place(0, 5, 0), 1, 1);
    bus_bar(other, 0, 0xfebd1000, 4096, false);
    assert_int_equal(pci_bars_read(function->place, bars), K_ENOSPC);
    function = one_function(); /* larger than its place */
    bus_bar(function, 1, 0, 2 * SLOT, false);
    assert_int_equal(pci_bars_read(function->place, bars), K_ENOSPC);
    function = one_function(); /* fits alone, not with its neighbour */
    bus_bar(function, 0, 0, 4096, false);
    bus_bar(function, 1, 0, SLOT, false);
    assert_int_equal(pci_bars_read(function->place, bars), K_ENOSPC);
    bus_clear(); /* behind a bridge */
    add_bridge(bus_place(0, 1, 0), 1);
    function = bus_add(bus_place(1, 0, 0), 1, 1);
    bus_bar(function, 0, 0, 4096, false);
    assert_int_equal(pci_bars_read(function->place, bars), K_ENOSPC);
    function = one_function(); /* the register does not keep what is written */
    bus_bar(function, 0, 0, 4096, false);
    function->bar_mask[0] &= ~UINT32_C(0xe0000000);
    assert_int_equal(pci_bars_read(function->place, bars), K_EIO);
}

/* ---- Capabilities ---------------------------------------------------------------------------- */

static uint32_t capability_count(pci_place place)
{
    struct pci_capability capability = {0};
    uint32_t count = 0;

    while (pci_capability_next(place, &capability)) {
        assert_true(capability.offset >= 0x40 && capability.offset % 4 == 0);
        assert_true(++count <= 48);
    }
    return count;
}

static void capability_lists_end(void **state)
{
    struct bus_function *function = one_function();

    (void)state;
    assert_int_equal(capability_count(function->place), 0);
    bus_capability(function, 0x40, 9);
    bus_capability(function, 0xfc, 0x11);
    bus_capability(function, 0x84, 9);
    assert_int_equal(capability_count(function->place), 3);
    function->space[0x41] = 0x84; /* a circle */
    assert_int_equal(capability_count(function->place), 48);
    function->space[0x41] = 0x3c; /* out of its range */
    assert_int_equal(capability_count(function->place), 3);
    function->space[0x41] = 3; /* the low bits mean nothing */
    assert_int_equal(capability_count(function->place), 3);
    function->space[6] = 0; /* it says that it has no list */
    assert_int_equal(capability_count(function->place), 0);
}

static void msix_tables_lie_in_their_memory(void **state)
{
    struct bus_function *function = one_function();
    struct pci_bar bars[PCI_BARS] = {[1] = {0xfebd1000, 4096}};
    const KnItMessage message = {40, 0x4321, UINT64_C(0x1fee00000)};
    struct pci_msix msix = {0};

    (void)state;
    assert_int_equal(pci_msix_read(function->place, bars, &msix), K_EUNKNOWN);
    bus_msix(function, 0x60, 256, 1, 0);
    assert_int_equal(pci_msix_read(function->place, bars, &msix), K_OK);
    assert_int_equal(msix.vectors, 256);
    bus_msix(function, 0x70, 256, 1, 8);
    assert_int_equal(pci_msix_read(function->place, bars, &msix), K_EIO);
    bus_msix(function, 0x80, 1, 0, 0); /* no such memory */
    assert_int_equal(pci_msix_read(function->place, bars, &msix), K_EIO);
    bus_msix(function, 0x90, 1, 7, 0);
    assert_int_equal(pci_msix_read(function->place, bars, &msix), K_EIO);
    bus_msix(function, 0xf8, 1, 1, 0); /* a capability that leaves the space */
    assert_int_equal(pci_msix_read(function->place, bars, &msix), K_EIO);
    bus_msix(function, 0xa0, 3, 1, 0x100);
    assert_int_equal(pci_msix_read(function->place, bars, &msix), K_OK);
    pci_msix_enable(function->place, &msix);
    assert_int_equal(le16_load(&function->space[0xa2]), 0x8002);
    memset(table, 0xff, sizeof(table));
    pci_msix_set((VmAddr)table, 2, &message);
    assert_int_equal(le64_load(&table[32]), message.imAddress);
    assert_int_equal(le32_load(&table[40]), 0x4321);
    assert_int_equal(le32_load(&table[44]), 0);
    assert_int_equal(table[31], 0xff);
}

/* ---- Random bytes ---------------------------------------------------------------------------- */

static void random_function(struct random *random)
{
    pci_place place = (pci_place)random_below(random, random_below(random, 2) == 0 ? 64 : 65536);
    struct bus_function *function = bus_add(place, 1, 1);

    for (size_t i = 0; i < BUS_SPACE; i++)
        function->space[i] = (uint8_t)random_next(random);
    if (random_below(random, 2) == 0)
        function->space[0x0e] &= 0x80;
    for (size_t i = 0; i < PCI_BARS; i++)
        function->bar_mask[i] = UINT32_MAX << random_below(random, 32);
}

static void check_function(pci_place place)
{
    struct pci_bar bars[PCI_BARS] = {{0}};
    struct pci_msix msix = {0};

    (void)capability_count(place);
    if (pci_bars_read(place, bars) != K_OK)
        return;
    for (size_t i = 0; i < PCI_BARS; i++) {
        assert_true(bars[i].bytes == 0 || IS_POWER_OF_TWO(bars[i].bytes));
        assert_true(bars[i].bytes == 0 || bars[i].base <= UINT64_MAX - bars[i].bytes);
    }
    if (pci_msix_read(place, bars, &msix) == K_OK)
        assert_true(msix.offset + msix.vectors * UINT64_C(16) <= bars[msix.bar].bytes);
}

static void random_buses_do_no_harm(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct random random;
        struct pci_scan scan;
        pci_place place = 0;
        uint32_t found = 0;

        random_init(&random, seed);
        bus_clear();
        while (bus_self.functions < BUS_FUNCTIONS)
            random_function(&random);
        pci_scan_open(&scan);
        while (pci_scan_next(&scan, &place)) {
            found++;
            check_function(place);
        }
        assert_true(found <= BUS_FUNCTIONS);
        assert_true(bus_self.loads < 2000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_space_is_waited_for),
        cmocka_unit_test(a_function_has_one_owner),
        cmocka_unit_test(functions_are_found_in_order),
        cmocka_unit_test(bridges_are_followed_downward_only),
        cmocka_unit_test(ranges_are_measured_and_left_as_they_were),
        cmocka_unit_test(impossible_ranges_are_refused),
        cmocka_unit_test(without_a_firmware_addresses_are_given),
        cmocka_unit_test(where_a_firmware_gave_some_none_are_given),
        cmocka_unit_test(capability_lists_end),
        cmocka_unit_test(msix_tables_lie_in_their_memory),
        cmocka_unit_test(random_buses_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
