/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of how lib/virtio brings a device up, against a model of its registers and of the Nucleus:
 * a sound device, devices that lie, and every Nucleus call failing once.
 */
#include "tests/unit/support.h"

#include <stdlib.h>

#include "kit/base.h"
#include "kit/random.h"
#include "tests/unit/virtio_bus.h"

/* The files under test. */
#include "lib/chorus/ui.c"       // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/device.c"   // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/dma.c"      // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/open.c"     // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/pci.c"      // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/pci_bars.c" // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/pci_msix.c" // NOLINT(bugprone-suspicious-include)
#include "lib/virtio/queue.c"    // NOLINT(bugprone-suspicious-include)

#define PAGE 4096u
#define REGISTERS UINT64_C(0xfe000000) /* physical address of bar 4 */
#define REGISTER_BYTES 16384u
#define TABLE UINT64_C(0xfd000000) /* of bar 1 */
#define NOTIFY_AT 0x3000u
#define CONFIG_AT 0x2000u
#define MULTIPLIER 4u
#define QUEUES 3
#define MAPS_MAX 8

/* ---- The device ------------------------------------------------------------------------------ */

struct model {
    uint64_t features, driver_features;
    uint8_t status;
    uint16_t queues;
    uint16_t queue_size[QUEUES], queue_notify[QUEUES], queue_vector[QUEUES], queue_enabled[QUEUES];
    uint64_t queue_parts[QUEUES][3];
    uint32_t feature_select, driver_select;
    uint16_t queue_select;
    uint8_t config[64];
    uint8_t generation;
    int config_changes; /* how often its registers change while they are read */
    int reset_polls;    /* how often a reset is not over yet */
    bool refuses_features, refuses_vectors, refuses_start;
    bool is_elsewhere;     /* the registers may be looked for anywhere in its memory */
    uint8_t vectors[PAGE]; /* all of bar 1 */
    uint16_t rung;         /* a queue's doorbell */
    /* The Nucleus. */
    uint32_t calls, failing_call; /* the call of this number fails */
    void *map[MAPS_MAX];
    uint32_t maps;
    KnItHdl handler;
    void *cookie;
    uint32_t woken;
    struct random random;
};

static struct model model;
static uint8_t registers[REGISTER_BYTES]; /* only their addresses matter */

static struct bus_function *device_make(void)
{
    const struct {
        uint8_t place, kind;
        uint32_t at, bytes;
    } capability[] = {{0x40, VIRTIO_COMMON, 0, 0x1000},
                      {0x50, VIRTIO_INTERRUPT, 0x1000, 0x1000},
                      {0x60, VIRTIO_CONFIG, CONFIG_AT, 0x1000},
                      {0x70, VIRTIO_NOTIFY, NOTIFY_AT, 0x1000}};
    struct bus_function *function;

    for (uint32_t i = 0; i < model.maps; i++)
        free(model.map[i]);
    model = (struct model){.features = VIRTIO_VERSION_1 | 0x60, .queues = QUEUES};
    for (uint16_t i = 0; i < QUEUES; i++) {
        model.queue_size[i] = 256;
        model.queue_notify[i] = i;
    }
    bus_clear();
    function = bus_add(bus_place(0, 2, 0), 0x1af4, 0x1042);
    bus_bar(function, 1, TABLE, PAGE, false);
    bus_bar(function, 4, REGISTERS, REGISTER_BYTES, true);
    bus_msix(function, 0x90, 2, 1, 0);
    for (size_t i = 0; i < ARRAY_SIZE(capability); i++) {
        uint8_t *at = bus_capability(function, capability[i].place, 9);

        at[2] = capability[i].kind == VIRTIO_NOTIFY ? 20 : 16;
        at[3] = capability[i].kind;
        at[4] = 4;
        le32_store(at + 8, capability[i].at);
        le32_store(at + 12, capability[i].bytes);
        le32_store(at + 16, capability[i].kind == VIRTIO_NOTIFY ? MULTIPLIER : le32_load(at + 16));
    }
    return function;
}

static bool is_register(VmAddr address, uint32_t *offset)
{
    *offset = (uint32_t)(address - (VmAddr)registers);
    return address >= (VmAddr)registers && address < (VmAddr)registers + REGISTER_BYTES;
}

uint8_t mem_load8(VmAddr from)
{
    uint32_t offset;

    assert_true(is_register(from, &offset));
    if (model.is_elsewhere)
        return (uint8_t)random_next(&model.random);
    if (offset == COMMON_STATUS && model.status == 0 && model.reset_polls > 0)
        return model.reset_polls-- > 0;
    if (offset == COMMON_STATUS)
        return model.status;
    if (offset == COMMON_GENERATION)
        return model.generation;
    assert_true(offset >= CONFIG_AT && offset < CONFIG_AT + sizeof(model.config));
    if (offset == CONFIG_AT && model.config_changes > 0) {
        model.config_changes--;
        model.generation++;
    }
    return model.config[offset - CONFIG_AT];
}

void mem_store8(VmAddr to, uint8_t value)
{
    uint32_t offset;

    assert_true(is_register(to, &offset));
    assert_true(offset == COMMON_STATUS || model.is_elsewhere);
    if (model.refuses_features)
        value &= (uint8_t)~STATUS_FEATURES_OK;
    if (model.refuses_start && (value & STATUS_DRIVER_OK) != 0)
        value |= STATUS_NEEDS_RESET;
    model.status = value;
}

uint16_t mem_load16(VmAddr from)
{
    uint16_t queue = model.queue_select;
    uint32_t offset;

    if (!is_register(from, &offset))
        return le16_load((void *)from);
    if (model.is_elsewhere)
        return (uint16_t)random_next(&model.random);
    switch (offset) {
    case COMMON_QUEUES:
        return model.queues;
    case COMMON_QUEUE_SIZE:
        return model.queue_size[queue];
    case COMMON_QUEUE_NOTIFY:
        return model.queue_notify[queue];
    default:
        assert_int_equal(offset, COMMON_QUEUE_VECTOR);
        return model.queue_vector[queue];
    }
}

void mem_store16(VmAddr to, uint16_t value)
{
    uint16_t queue = model.queue_select;
    uint32_t offset;

    if (!is_register(to, &offset)) {
        le16_store((void *)to, value);
        return;
    }
    if (model.is_elsewhere)
        return;
    switch (offset) {
    case COMMON_QUEUE_SELECT:
        assert_true(value < QUEUES);
        model.queue_select = value;
        break;
    case COMMON_QUEUE_SIZE:
        model.queue_size[queue] = value;
        break;
    case COMMON_QUEUE_VECTOR:
        model.queue_vector[queue] = model.refuses_vectors ? VECTOR_NONE : value;
        break;
    case COMMON_QUEUE_ENABLE:
        assert_int_equal(value, 1);
        model.queue_enabled[queue] = value;
        break;
    case COMMON_CONFIG_VECTOR:
        assert_int_equal(value, VECTOR_NONE);
        break;
    default:
        assert_true(offset >= NOTIFY_AT && (offset - NOTIFY_AT) / MULTIPLIER == value);
        model.rung = value;
        break;
    }
}

uint32_t mem_load32(VmAddr from)
{
    uint32_t offset;

    if (!is_register(from, &offset))
        return le32_load((void *)from);
    if (model.is_elsewhere)
        return (uint32_t)random_next(&model.random);
    assert_int_equal(offset, COMMON_DEVICE_FEATURE);
    return (uint32_t)(model.features >> 32 * model.feature_select);
}

static void part_store(uint32_t offset, uint32_t value)
{
    uint64_t *part =
        &model.queue_parts[model.queue_select][(offset - COMMON_QUEUE_DESCRIPTORS) / 8];

    assert_true(offset >= COMMON_QUEUE_DESCRIPTORS && offset < COMMON_BYTES);
    *part |= (uint64_t)value << (offset % 8 == 0 ? 0 : 32);
}

void mem_store32(VmAddr to, uint32_t value)
{
    uint32_t offset;

    if (!is_register(to, &offset)) {
        le32_store((void *)to, value);
        return;
    }
    if (model.is_elsewhere)
        return;
    switch (offset) {
    case COMMON_DEVICE_FEATURE_SELECT:
        assert_true(value < 2);
        model.feature_select = value;
        break;
    case COMMON_DRIVER_FEATURE_SELECT:
        model.driver_select = value;
        break;
    case COMMON_DRIVER_FEATURE:
        model.driver_features |= (uint64_t)value << 32 * model.driver_select;
        break;
    default:
        part_store(offset, value);
        break;
    }
}

void mem_store64(VmAddr to, uint64_t value)
{
    le64_store((void *)to, value);
}

void pci_place_memory(pci_place place, uint64_t *base, uint64_t *bytes)
{
    (void)place;
    *base = *bytes = 0;
}

/* ---- The Nucleus ----------------------------------------------------------------------------- */

static bool fails(void)
{
    return ++model.calls == model.failing_call;
}

KnResult siteStat(KnSiteStat *stat)
{
    *stat = (KnSiteStat){.ssPageBytes = PAGE};
    return fails() ? K_ENOMEM : K_OK;
}

KnResult uiLocalSite(void)
{
    return 1;
}

KnResult portDeclare(KnCap *actor, KnUniqueId *port)
{
    assert_null(actor);
    assert_non_null(port);
    return fails() ? K_ENOMEM : 3;
}

KnResult portDelete(KnCap *actor, int32_t li)
{
    assert_null(actor);
    assert_int_equal(li, 3);
    return fails() ? K_ENOMEM : K_OK;
}

KnResult threadDelay(int64_t delay_ns)
{
    assert_true(delay_ns > 0);
    return K_OK;
}

static void *map_take(size_t bytes)
{
    assert_true(model.maps < MAPS_MAX);
    model.map[model.maps] = aligned_alloc(PAGE, bytes);
    memset(model.map[model.maps], 0, bytes);
    return model.map[model.maps++];
}

KnResult svPhysMap(KnRgnDesc *region, uint64_t physical, uint32_t flags)
{
    assert_int_equal(flags, 1);
    assert_true(IS_ALIGNED(physical, PAGE) && IS_ALIGNED(region->size, PAGE));
    if (fails())
        return K_ENOMEM;
    if (physical == TABLE) {
        region->startAddr = (VmAddr)model.vectors;
        return K_OK;
    }
    assert_true(physical >= REGISTERS && physical + region->size <= REGISTERS + REGISTER_BYTES);
    region->startAddr = (VmAddr)registers + (VmAddr)(physical - REGISTERS);
    return K_OK;
}

KnResult svPagesAllocate(KnRgnDesc *region, uint64_t *physical)
{
    if (fails())
        return K_ENOMEM;
    region->size = ALIGN_UP(region->size, PAGE);
    region->startAddr = (VmAddr)map_take(region->size);
    *physical = UINT64_C(0x123000);
    return K_OK;
}

KnResult svItMessage(KnItMessage *message)
{
    *message = (KnItMessage){77, 0x55, 0xfee00000};
    return fails() ? K_ENOMEM : K_OK;
}

KnResult svItConnect(uint32_t source, KnItHdl handler, void *cookie, uint32_t priority)
{
    assert_int_equal(source, 77);
    assert_int_equal(priority, 0);
    model.handler = handler;
    model.cookie = cookie;
    return fails() ? K_ENOMEM : K_OK;
}

KnResult syncWake(VmAddr word, uint32_t count)
{
    assert_int_equal(word, (VmAddr)model.cookie);
    assert_int_equal(count, UINT32_MAX);
    model.woken++;
    return 0;
}

KnResult syncWait(VmAddr word, uint32_t expected, int64_t delay_ns, uint32_t flags)
{
    assert_int_equal(delay_ns, K_NOTIMEOUT);
    assert_int_equal(flags & ~K_ABORTABLE, 0);
    return word != 0 && *(uint32_t *)word == expected ? K_EABORT : K_EAGAIN;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

struct driver {
    struct virtio_device device;
    struct virtio_interrupt interrupt;
    struct virtqueue queue;
};

/* All that a driver does. */
static KnResult bring_up(struct driver *driver)
{
    KnResult status = virtio_open(&driver->device, VIRTIO_BLOCK, 0);

    if (status == K_OK)
        status = virtio_negotiate(&driver->device, 0x20);
    if (status == K_OK)
        status = virtio_interrupt_open(&driver->device, &driver->interrupt);
    if (status == K_OK)
        status = virtio_queue_open(&driver->device, &driver->queue, 2, 64, &driver->interrupt);
    if (status == K_OK)
        status = virtio_start(&driver->device);
    return status;
}

static void a_sound_device_comes_up(void **state)
{
    struct bus_function *function = device_make();
    struct driver driver = {.queue = {.size = 0}};

    (void)state;
    model.reset_polls = 3;
    assert_int_equal(bring_up(&driver), K_OK);
    assert_int_equal(model.status, 0x0f);
    assert_int_equal(driver.device.features, VIRTIO_VERSION_1 | 0x20);
    assert_int_equal(model.driver_features, driver.device.features);
    assert_int_equal(le16_load(&function->space[4]), 0x406);
    assert_int_equal(le16_load(&function->space[0x92]), 0x8001);
    assert_int_equal(le32_load(&model.vectors[8]), 0x55);
    assert_int_equal(model.queue_size[2], 64);
    assert_int_equal(model.queue_enabled[2], 1);
    assert_int_equal(model.queue_vector[2], 0);
    assert_int_equal(model.queue_parts[2][0], 0x123000);
    assert_int_equal(model.queue_parts[2][1], 0x123000 + virtqueue_available_offset(64));
    assert_int_equal(model.queue_parts[2][2], 0x123000 + virtqueue_used_offset(64));
    virtqueue_notify(&driver.queue);
    assert_int_equal(model.rung, 2);
    virtio_close(&driver.device);
    assert_int_equal(model.status, 0);
}

static void interrupts_count_and_wake(void **state)
{
    struct driver driver = {.queue = {.size = 0}};

    (void)state;
    (void)device_make();
    assert_int_equal(bring_up(&driver), K_OK);
    assert_int_equal(virtio_interrupt_wait(&driver.interrupt, 0, K_ABORTABLE), K_EABORT);
    assert_int_equal(model.handler(model.cookie), K_IT_CONTINUE);
    assert_int_equal(model.woken, 1);
    assert_int_equal(virtio_interrupt_count(&driver.interrupt), 1);
    assert_int_equal(virtio_interrupt_wait(&driver.interrupt, 0, 0), K_OK);
    assert_int_equal(virtio_interrupt_open(&driver.device, &driver.interrupt), K_OK);
    assert_int_equal(driver.interrupt.vector, 1);
    assert_int_equal(virtio_interrupt_open(&driver.device, &driver.interrupt), K_ENOMEM);
    model.cookie = NULL;
}

static void the_right_device_is_chosen(void **state)
{
    struct bus_function *function = device_make();
    struct virtio_device device;

    (void)state;
    assert_int_equal(virtio_open(&device, VIRTIO_BLOCK, 1), K_EUNKNOWN);
    assert_int_equal(virtio_open(&device, VIRTIO_CONSOLE, 0), K_EUNKNOWN);
    le16_store(&function->space[2], 0x1001); /* the older number: the subsystem tells */
    assert_int_equal(virtio_open(&device, VIRTIO_BLOCK, 0), K_EUNKNOWN);
    le16_store(&function->space[0x2e], VIRTIO_BLOCK);
    assert_int_equal(virtio_open(&device, VIRTIO_BLOCK, 0), K_OK);
    le16_store(&function->space[0], 0x8086);
    assert_int_equal(virtio_open(&device, VIRTIO_BLOCK, 0), K_EUNKNOWN);
}

static void every_failing_call_is_told(void **state)
{
    struct driver driver = {.queue = {.size = 0}};
    uint32_t number;

    (void)state;
    for (number = 1;; number++) {
        (void)device_make();
        model.failing_call = number;
        if (bring_up(&driver) == K_OK)
            break;
        assert_true(model.calls == number ||
                    model.calls == number + 1); /* the space is given back */
        assert_int_equal(model.status & STATUS_DRIVER_OK, 0);
    }
    assert_int_equal(number, model.calls + 1);
    assert_true(number > 10);
}

static void expect_refused(KnResult expected)
{
    struct driver driver = {.queue = {.size = 0}};

    assert_int_equal(bring_up(&driver), expected);
    assert_int_equal(model.status & STATUS_DRIVER_OK, model.refuses_start ? STATUS_DRIVER_OK : 0);
}

static void devices_that_will_not_are_refused(void **state)
{
    (void)state;
    (void)device_make();
    model.features &= ~VIRTIO_VERSION_1;
    expect_refused(K_EIO);
    assert_true((model.status & STATUS_FAILED) != 0);
    (void)device_make();
    model.refuses_features = true;
    expect_refused(K_EIO);
    (void)device_make();
    model.reset_polls = INT32_MAX;
    expect_refused(K_EIO);
    (void)device_make();
    model.queues = 2;
    expect_refused(K_EUNKNOWN);
    (void)device_make();
    model.queue_size[2] = 0;
    expect_refused(K_EUNKNOWN);
    (void)device_make();
    model.queue_notify[2] = 1024; /* beyond the doorbells */
    expect_refused(K_EIO);
    (void)device_make();
    model.refuses_vectors = true;
    expect_refused(K_ENOMEM);
    (void)device_make();
    model.refuses_start = true;
    expect_refused(K_EIO);
}

static void odd_queue_sizes_are_rounded_down(void **state)
{
    static const uint16_t sizes[][2] = {{1, 1}, {3, 2}, {63, 32}, {64, 64}, {65535, 64}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct driver driver = {.queue = {.size = 0}};

        (void)device_make();
        model.queue_size[2] = sizes[i][0];
        assert_int_equal(bring_up(&driver), K_OK);
        assert_int_equal(driver.queue.size, sizes[i][1]);
    }
}

static void registers_are_read_as_of_one_moment(void **state)
{
    struct driver driver = {.queue = {.size = 0}};
    uint32_t value = 0;

    (void)state;
    (void)device_make();
    assert_int_equal(bring_up(&driver), K_OK);
    le32_store(&model.config[0], 0x12345678);
    model.config_changes = 3;
    assert_int_equal(virtio_config_read(&driver.device, 0, &value, sizeof(value)), K_OK);
    assert_int_equal(value, 0x12345678);
    assert_int_equal(model.generation, 3);
    model.config_changes = INT32_MAX;
    assert_int_equal(virtio_config_read(&driver.device, 0, &value, sizeof(value)), K_EIO);
    assert_int_equal(virtio_config_read(&driver.device, 0xffe, &value, sizeof(value)), K_EIO);
    assert_int_equal(virtio_config_read(&driver.device, UINT32_MAX, &value, sizeof(value)), K_EIO);
}

/* Ranges that cannot be are passed over; without common registers or doorbells there is no
 * device. */
static void impossible_ranges_are_passed_over(void **state)
{
    static const struct {
        uint8_t capability, byte;
        uint32_t value;
    } lies[] = {
        {0x40, 8, 16384},  /* behind the memory */
        {0x40, 12, 16385}, /* longer than the memory */
        {0x40, 12, UINT32_MAX}, {0x40, 8, UINT32_MAX}, {0x40, 12, 0x37}, /* too short */
        {0x40, 8, 2},                                                    /* not aligned */
        {0x40, 4, 6},                                                    /* no such register */
        {0x40, 4, 0},                                                    /* one without memory */
        {0x70, 12, 1},          {0x70, 8, 1},
    };
    struct virtio_device device;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
        struct bus_function *function = device_make();

        le32_store(&function->space[lies[i].capability + lies[i].byte], lies[i].value);
        assert_int_equal(virtio_open(&device, VIRTIO_BLOCK, 0), K_EIO);
    }
    struct bus_function *function = device_make(); /* a second, good one serves */
    uint8_t *bad = bus_capability(function, 0xb0, 9);

    memcpy(bad + 2, &function->space[0x42], 14);
    le32_store(bad + 8, UINT32_MAX);
    assert_int_equal(virtio_open(&device, VIRTIO_BLOCK, 0), K_OK);
}

static void random_capabilities_do_no_harm(void **state)
{
    struct random random;
    struct driver driver = {.queue = {.size = 0}};

    (void)state;
    random_init(&random, 1);
    for (int i = 0; i < 5000; i++) {
        struct bus_function *function = device_make();

        model.random = random;
        model.is_elsewhere = true;
        for (int j = 0; j < 3; j++)
            function->space[0x34 + random_below(&random, 0x70)] = (uint8_t)random_next(&random);
        (void)bring_up(&driver);
    }
}

static int clean_up(void **state)
{
    (void)state;
    (void)device_make();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_device_comes_up),
        cmocka_unit_test(interrupts_count_and_wake),
        cmocka_unit_test(the_right_device_is_chosen),
        cmocka_unit_test(every_failing_call_is_told),
        cmocka_unit_test(devices_that_will_not_are_refused),
        cmocka_unit_test(odd_queue_sizes_are_rounded_down),
        cmocka_unit_test(registers_are_read_as_of_one_moment),
        cmocka_unit_test(impossible_ranges_are_passed_over),
        cmocka_unit_test(random_capabilities_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, clean_up);
}
