/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of drivers/virtio_disk without its device: the order of requests, and requests of many
 * threads against a model of a virtqueue whose device answers in any order, with errors, or breaks
 * the rules.
 */
#include "tests/unit/support.h"

#include <pthread.h>
#include <stdlib.h>

#include "kit/endian.h"
#include "kit/random.h"
#include "kit/string.h"
/* The files under test. */
#include "drivers/virtio_disk/disk.c"     // NOLINT(bugprone-suspicious-include)
#include "drivers/virtio_disk/schedule.c" // NOLINT(bugprone-suspicious-include)

#define SECTORS 512u
#define ROUNDS 300
#define BAD_SECTOR 7u

/* ---- The device ------------------------------------------------------------------------------ */

struct chain {
    struct virtqueue_piece piece[DISK_PIECES];
    uint16_t pieces;
    uint32_t token, bytes;
};

struct model {
    pthread_mutex_t guard; /* of all below */
    pthread_cond_t changed;
    struct chain lent[DISK_IN_FLIGHT], done[DISK_IN_FLIGHT];
    uint32_t lent_count, done_count;
    uint32_t most_lent, lent_total;
    uint64_t features;
    uint64_t capacity;
    uint32_t block_bytes;
    uint8_t medium[SECTORS * DISK_SECTOR_BYTES];
    bool lies; /* gives back what was not lent */
    bool ends; /* the device's thread is to end */
    bool is_closed;
    uint32_t flushes;
    uint32_t raised; /* by the driver itself */
    struct random random;
};

static struct model model;

static void transfer(struct chain *chain)
{
    const uint8_t *head = (const uint8_t *)(uintptr_t)chain->piece[0].physical;
    uint8_t *answer = (uint8_t *)(uintptr_t)chain->piece[chain->pieces - 1].physical;
    uint8_t *data = (uint8_t *)(uintptr_t)chain->piece[1].physical;
    uint64_t sector = le64_load(head + 8);
    uint32_t kind = le32_load(head);

    assert_int_equal(chain->piece[0].bytes, 16);
    assert_int_equal(chain->piece[chain->pieces - 1].bytes, 1);
    assert_int_equal(*answer, 0xff);
    *answer = sector == BAD_SECTOR && kind != 4;
    chain->bytes = 1;
    if (kind == 4) {
        assert_int_equal(chain->pieces, 2);
        model.flushes++;
        return;
    }
    uint8_t *place = model.medium + sector * DISK_SECTOR_BYTES;

    assert_int_equal(chain->pieces, 3);
    assert_true(sector * DISK_SECTOR_BYTES + chain->piece[1].bytes <= sizeof(model.medium));
    assert_int_equal(chain->piece[1].device_writes, kind == 0);
    if (kind == 0) {
        memcpy(data, place, chain->piece[1].bytes);
        chain->bytes += chain->piece[1].bytes;
    } else {
        memcpy(place, data, chain->piece[1].bytes);
    }
}

/* Does one of the requests it has, any. */
static void *device_run(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&model.guard);
    while (!model.ends) {
        if (model.lent_count == 0) {
            pthread_cond_wait(&model.changed, &model.guard);
            continue;
        }
        uint32_t which = (uint32_t)random_below(&model.random, model.lent_count);

        model.done[model.done_count] = model.lent[which];
        model.lent[which] = model.lent[--model.lent_count];
        transfer(&model.done[model.done_count++]);
        pthread_cond_broadcast(&model.changed);
    }
    pthread_mutex_unlock(&model.guard);
    return NULL;
}

KnResult virtqueue_add(struct virtqueue *queue, const struct virtqueue_piece *pieces,
                       uint16_t count, uint32_t token)
{
    (void)queue;
    pthread_mutex_lock(&model.guard);
    struct chain *chain = &model.lent[model.lent_count++];

    assert_true(model.lent_count <= DISK_IN_FLIGHT && count <= DISK_PIECES);
    *chain = (struct chain){.pieces = count, .token = token};
    memcpy(chain->piece, pieces, count * sizeof(*pieces));
    model.most_lent = MAX(model.most_lent, model.lent_count + model.done_count);
    model.lent_total++;
    pthread_mutex_unlock(&model.guard);
    return K_OK;
}

void virtqueue_notify(struct virtqueue *queue)
{
    (void)queue;
    pthread_mutex_lock(&model.guard);
    pthread_cond_broadcast(&model.changed);
    pthread_mutex_unlock(&model.guard);
}

KnResult virtqueue_take(struct virtqueue *queue, uint32_t *token, uint32_t *bytes)
{
    KnResult status = K_EAGAIN;

    (void)queue;
    pthread_mutex_lock(&model.guard);
    if (model.lies) {
        status = K_EIO;
    } else if (model.done_count > 0) {
        const struct chain *chain = &model.done[--model.done_count];

        *token = chain->token;
        *bytes = chain->bytes;
        status = K_OK;
    }
    pthread_mutex_unlock(&model.guard);
    return status;
}

/* ---- The rest of the library ----------------------------------------------------------------- */

KnResult virtio_open(struct virtio_device *device, uint32_t kind, uint32_t index)
{
    *device = (struct virtio_device){0};
    assert_int_equal(kind, VIRTIO_BLOCK);
    return index == 0 ? K_OK : K_EUNKNOWN;
}

void virtio_close(struct virtio_device *device)
{
    (void)device;
    model.is_closed = true;
}

KnResult virtio_negotiate(struct virtio_device *device, uint64_t wanted)
{
    device->features = model.features & wanted;
    return K_OK;
}

KnResult virtio_config_read(const struct virtio_device *device, uint32_t offset, void *to,
                            uint32_t bytes)
{
    (void)device;
    if (offset == 0) {
        assert_int_equal(bytes, 8);
        le64_store(to, model.capacity);
        return K_OK;
    }
    assert_int_equal(offset, 20);
    assert_int_equal(bytes, 4);
    le32_store(to, model.block_bytes);
    return K_OK;
}

KnResult virtio_interrupt_open(struct virtio_device *device, struct virtio_interrupt *interrupt)
{
    (void)device;
    interrupt->count = 0;
    return K_OK;
}

/* The count is not looked at: whoever waits looks again whenever something has changed. */
uint32_t virtio_interrupt_count(const struct virtio_interrupt *interrupt)
{
    (void)interrupt;
    return 0;
}

KnResult virtio_interrupt_wait(struct virtio_interrupt *interrupt, uint32_t seen, uint32_t flags)
{
    struct timespec soon;

    (void)interrupt;
    (void)seen;
    assert_int_equal(flags, 0);
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec += 100000;
    soon.tv_sec += soon.tv_nsec / 1000000000;
    soon.tv_nsec %= 1000000000;
    pthread_mutex_lock(&model.guard);
    if (model.done_count == 0)
        pthread_cond_timedwait(&model.changed, &model.guard, &soon);
    pthread_mutex_unlock(&model.guard);
    return K_OK;
}

void virtio_interrupt_raise(struct virtio_interrupt *interrupt)
{
    (void)interrupt;
    model.raised++;
}

KnResult virtio_queue_open(struct virtio_device *device, struct virtqueue *queue, uint16_t index,
                           uint16_t size, const struct virtio_interrupt *interrupt)
{
    (void)device;
    (void)interrupt;
    assert_int_equal(index, 0);
    *queue = (struct virtqueue){.size = size};
    return K_OK;
}

KnResult virtio_start(struct virtio_device *device)
{
    (void)device;
    return K_OK;
}

KnResult dma_allocate(struct dma *dma, VmSize bytes)
{
    dma->address = (VmAddr)calloc(1, bytes);
    dma->physical = dma->address;
    dma->bytes = bytes;
    return K_OK;
}

void mem_write(VmAddr to, const void *from, size_t bytes)
{
    memcpy((void *)to, from, bytes);
}

uint8_t mem_load8(VmAddr from)
{
    return *(const volatile uint8_t *)from;
}

KnResult log_print(const char *format, ...)
{
    assert_non_null(format);
    return K_OK;
}

KnResult sysTime(uint64_t *time_ns)
{
    *time_ns = 1;
    return K_OK;
}

/* The lock of the one disk there is. */
static pthread_mutex_t disk_guard = PTHREAD_MUTEX_INITIALIZER;

KnResult mutexInit(KnMutex *mutex)
{
    *mutex = (KnMutex){0};
    return K_OK;
}

KnResult mutexGet(KnMutex *mutex)
{
    (void)mutex;
    return pthread_mutex_lock(&disk_guard) == 0 ? K_OK : K_EINVAL;
}

KnResult mutexRel(KnMutex *mutex)
{
    (void)mutex;
    return pthread_mutex_unlock(&disk_guard) == 0 ? K_OK : K_EINVAL;
}

/* ---- The order ------------------------------------------------------------------------------- */

static void add(struct schedule *schedule, uint32_t tag, uint64_t deadline_ns, uint64_t now_ns)
{
    schedule->request[tag].deadline_ns = deadline_ns;
    schedule_add(schedule, &schedule->request[tag], now_ns);
}

static void expect_next(struct schedule *schedule, uint32_t tag)
{
    struct request *request = schedule_next(schedule);

    assert_non_null(request);
    assert_int_equal(request->tag, tag);
    request->state = REQUEST_IN_FLIGHT;
}

static void the_earliest_deadline_goes_first(void **state)
{
    struct schedule schedule;

    (void)state;
    schedule_init(&schedule);
    assert_null(schedule_next(&schedule));
    add(&schedule, 5, 0, 1000);   /* none: it is given one */
    add(&schedule, 3, 900, 1000); /* already late */
    add(&schedule, 0, 5000, 1000);
    add(&schedule, 1, 5000, 1000);                        /* the same, later */
    add(&schedule, 7, 1000 + DISK_PATIENCE_NS + 1, 1000); /* too patient: as if it had none */
    add(&schedule, 2, 0, 2000);
    expect_next(&schedule, 3);
    expect_next(&schedule, 0);
    expect_next(&schedule, 1);
    add(&schedule, 4, 1000 + DISK_PATIENCE_NS - 1, 900000000); /* nobody waits for ever */
    expect_next(&schedule, 4);
    expect_next(&schedule, 5);
    expect_next(&schedule, 7);
    expect_next(&schedule, 2);
    assert_null(schedule_next(&schedule));
}

/* ---- Requests -------------------------------------------------------------------------------- */

static struct disk *disk_make(uint64_t features)
{
    struct disk *disk = calloc(1, sizeof(*disk));

    memset(&model, 0, sizeof(model));
    pthread_mutex_init(&model.guard, NULL);
    pthread_cond_init(&model.changed, NULL);
    random_init(&model.random, 1);
    model.features = features;
    model.capacity = SECTORS;
    model.block_bytes = 4096;
    assert_int_equal(disk_open(disk, 0), K_OK);
    return disk;
}

static void disk_free(struct disk *disk)
{
    for (uint32_t tag = 0; tag < DISK_REQUESTS; tag++) {
        assert_int_equal(disk->schedule.request[tag].state, REQUEST_AT_REST);
        free((void *)disk->data[tag].address);
    }
    free((void *)disk->control.address);
    free(disk);
}

/* As worker `tag` does it. */
static KnResult run(struct disk *disk, uint32_t tag, enum request_kind kind, uint64_t sector,
                    uint8_t *data, uint32_t bytes)
{
    struct request *request = &disk->schedule.request[tag];
    uint8_t *place = (uint8_t *)disk->data[tag].address;
    KnResult status;

    request->kind = kind;
    request->sector = sector;
    request->bytes = bytes;
    request->deadline_ns = 0;
    if (kind == REQUEST_WRITE && bytes <= DISK_TRANSFER_BYTES)
        memcpy(place, data, bytes);
    status = disk_run(disk, request);
    if (kind == REQUEST_READ && status == K_OK)
        memcpy(data, place, bytes);
    return status;
}

/* A client with sectors of its own, from 64 * number on. */
struct client {
    struct disk *disk;
    uint32_t number;
};

static void *client_run(void *argument)
{
    struct client *client = argument;
    uint8_t *mine = calloc(64, DISK_SECTOR_BYTES), *data = malloc(DISK_TRANSFER_BYTES);
    struct random random;

    random_init(&random, client->number);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t first = (uint32_t)random_below(&random, 64);
        uint32_t count = 1 + (uint32_t)random_below(&random, 64 - first);
        uint32_t bytes = count * DISK_SECTOR_BYTES;
        uint64_t sector = client->number * 64 + first;
        bool fails = sector == BAD_SECTOR;

        if (random_below(&random, 2) == 0) {
            memset(data, (int)random_next(&random), bytes);
            assert_int_equal(run(client->disk, client->number, REQUEST_WRITE, sector, data, bytes),
                             fails ? K_EIO : K_OK);
            memcpy(mine + first * DISK_SECTOR_BYTES, data, bytes);
        } else {
            assert_int_equal(run(client->disk, client->number, REQUEST_READ, sector, data, bytes),
                             fails ? K_EIO : K_OK);
            if (!fails)
                assert_memory_equal(data, mine + first * DISK_SECTOR_BYTES, bytes);
        }
    }
    free(data);
    free(mine);
    return NULL;
}

static void device_start(pthread_t *device)
{
    assert_int_equal(pthread_create(device, NULL, device_run, NULL), 0);
}

static void device_stop(pthread_t device)
{
    pthread_mutex_lock(&model.guard);
    model.ends = true;
    pthread_cond_broadcast(&model.changed);
    pthread_mutex_unlock(&model.guard);
    pthread_join(device, NULL);
}

static void many_clients_get_their_own(void **state)
{
    struct disk *disk = disk_make(FEATURE_FLUSH | FEATURE_BLOCK_SIZE);
    struct client client[DISK_REQUESTS];
    pthread_t device, thread[DISK_REQUESTS];

    (void)state;
    assert_int_equal(disk->block_bytes, 4096);
    device_start(&device);
    for (uint32_t i = 0; i < DISK_REQUESTS; i++) {
        client[i] = (struct client){disk, i};
        assert_int_equal(pthread_create(&thread[i], NULL, client_run, &client[i]), 0);
    }
    for (uint32_t i = 0; i < DISK_REQUESTS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(run(disk, 0, REQUEST_FLUSH, 0, NULL, 0), K_OK);
    assert_int_equal(model.flushes, 1);
    assert_int_equal(disk->in_flight, 0);
    assert_int_equal(model.most_lent, DISK_IN_FLIGHT);
    device_stop(device);
    disk_free(disk);
}

static void requests_that_cannot_be_are_refused(void **state)
{
    struct disk *disk = disk_make(0);
    uint8_t data[2 * DISK_SECTOR_BYTES] = {0};

    (void)state;
    assert_int_equal(disk->block_bytes, DISK_SECTOR_BYTES);
    assert_int_equal(run(disk, 0, REQUEST_READ, 0, data, 0), K_EINVAL);
    assert_int_equal(run(disk, 0, REQUEST_READ, 0, data, 511), K_EINVAL);
    assert_int_equal(run(disk, 0, REQUEST_READ, 0, data, DISK_TRANSFER_BYTES + 512), K_ETOOMUCH);
    assert_int_equal(run(disk, 0, REQUEST_READ, SECTORS, data, 512), K_EEND);
    assert_int_equal(run(disk, 0, REQUEST_WRITE, SECTORS - 1, data, 1024), K_EEND);
    assert_int_equal(run(disk, 0, REQUEST_READ, UINT64_MAX, data, 512), K_EEND);
    assert_int_equal(run(disk, 0, REQUEST_FLUSH, 0, NULL, 0), K_OK); /* nothing could be lost */
    assert_int_equal(model.lent_total, 0);
    disk_free(disk);
    disk = disk_make(FEATURE_READ_ONLY);
    assert_int_equal(run(disk, 0, REQUEST_WRITE, 0, data, 512), K_EPROT);
    assert_int_equal(model.lent_total, 0);
    disk_free(disk);
}

static void media_that_cannot_be_are_refused(void **state)
{
    static const struct {
        uint64_t capacity;
        uint32_t block_bytes;
    } lies[] = {{UINT64_MAX, 512}, {1, 0},      {1, 511},
                {1, 513},          {1, 131072}, {UINT64_C(1) << 55, 512}};

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct disk disk = {.in_flight = 0};

        memset(&model, 0, sizeof(model));
        model.features = FEATURE_BLOCK_SIZE;
        model.capacity = lies[i].capacity;
        model.block_bytes = lies[i].block_bytes;
        assert_int_equal(disk_open(&disk, 0), K_EIO);
        assert_true(model.is_closed);
    }
    struct disk disk = {.in_flight = 0};

    assert_int_equal(disk_open(&disk, 1), K_EUNKNOWN);
}

/* Those under way, those that wait and those that come later: none of them waits for ever. */
static void a_device_that_lies_is_given_up(void **state)
{
    struct disk *disk = disk_make(FEATURE_FLUSH);
    uint8_t data[DISK_SECTOR_BYTES] = {0};

    (void)state;
    for (uint32_t tag = 1; tag < DISK_REQUESTS; tag++) {
        disk->schedule.request[tag].kind = REQUEST_READ;
        disk->schedule.request[tag].bytes = 512;
        schedule_add(&disk->schedule, &disk->schedule.request[tag], 1);
    }
    feed(disk);
    assert_int_equal(disk->in_flight, DISK_IN_FLIGHT);
    model.lies = true;
    assert_int_equal(run(disk, 0, REQUEST_READ, 1, data, 512), K_EIO);
    assert_true(model.is_closed);
    assert_int_equal(model.raised, 1); /* who waits is woken */
    for (uint32_t tag = 1; tag < DISK_REQUESTS; tag++) {
        assert_int_equal(disk->schedule.request[tag].state, REQUEST_AT_REST);
        assert_int_equal(disk->schedule.request[tag].status, K_EIO);
    }
    assert_int_equal(run(disk, 0, REQUEST_FLUSH, 0, NULL, 0), K_EIO);
    assert_int_equal(disk->in_flight, 0);
    disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_earliest_deadline_goes_first),
        cmocka_unit_test(many_clients_get_their_own),
        cmocka_unit_test(requests_that_cannot_be_are_refused),
        cmocka_unit_test(media_that_cannot_be_are_refused),
        cmocka_unit_test(a_device_that_lies_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
