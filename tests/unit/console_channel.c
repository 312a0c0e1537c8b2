/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of drivers/console without its device: the port is brought up, frames go both ways in
 * pieces and in any order, and a device or a launcher that misbehaves, or goes away, is told for
 * what it is.
 *
 * The model's device acts while the driver waits for its interrupt, one step a wait.
 */
#include "tests/unit/support.h"

#include <stdlib.h>

#include "kit/random.h"
#include "kit/string.h"
/* The files under test. */
#include "drivers/console/frames.c"   // NOLINT(bugprone-suspicious-include)
#include "drivers/console/port.c"     // NOLINT(bugprone-suspicious-include)
#include "drivers/console/transfer.c" // NOLINT(bugprone-suspicious-include)

#define STREAM_BYTES 200000
#define LENT_MAX 16
#define WAITS_MAX 100000

/* ---- Queues ---------------------------------------------------------------------------------- */

struct chain {
    struct virtqueue_piece piece[2];
    uint16_t pieces;
    uint32_t token, bytes;
};

struct model_queue {
    const struct virtqueue *queue; /* the driver's */
    uint16_t index;
    struct chain lent[LENT_MAX], done[LENT_MAX];
    uint32_t lent_count, done_count;
    bool is_broken;
    bool interrupts;
};

enum { CONTROL_IN_QUEUE, CONTROL_OUT_QUEUE, IN_QUEUE, OUT_QUEUE, QUEUES };

struct model {
    struct model_queue queue[QUEUES];
    uint64_t features;
    uint32_t ports;
    uint16_t queue_size_max;
    bool is_closed, is_started;
    uint32_t waits, interrupts;
    uint32_t abort_after; /* waits; 0: never */
    struct random random;
    /* What the device is to say on the control queue, a message a step. */
    uint8_t said[32][CONTROL_BUFFER_BYTES];
    uint32_t said_bytes[32], said_count, said_next;
    uint16_t heard[8]; /* events from the driver */
    uint32_t heard_count;
    /* What the launcher sends and gets. */
    uint8_t *input, *output;
    size_t input_bytes, input_at, output_bytes;
    uint32_t piece_max;
    bool keeps_output; /* the launcher does not read */
};

static struct model model;

static struct model_queue *queue_of(const struct virtqueue *queue)
{
    for (int i = 0; i < QUEUES; i++)
        if (model.queue[i].queue == queue)
            return &model.queue[i];
    fail_msg("no such queue");
    return NULL;
}

KnResult virtio_queue_open(struct virtio_device *device, struct virtqueue *queue, uint16_t index,
                           uint16_t size, const struct virtio_interrupt *interrupt)
{
    static const uint16_t indices[QUEUES] = {2, 3, 4, 5};

    (void)device;
    (void)interrupt;
    *queue = (struct virtqueue){.index = index, .size = MIN(size, model.queue_size_max)};
    for (int i = 0; i < QUEUES; i++) {
        if (indices[i] != index)
            continue;
        model.queue[i].queue = queue;
        model.queue[i].interrupts = true;
        return K_OK;
    }
    fail_msg("queue %u is not the channel's", index);
    return K_EIO;
}

KnResult virtqueue_add(struct virtqueue *queue, const struct virtqueue_piece *pieces,
                       uint16_t count, uint32_t token)
{
    struct model_queue *known = queue_of(queue);
    struct chain *chain = &known->lent[known->lent_count];

    if (known->is_broken)
        return K_EIO;
    assert_true(known->lent_count + known->done_count < queue->size && count <= 2);
    *chain = (struct chain){.pieces = count, .token = token};
    memcpy(chain->piece, pieces, count * sizeof(*pieces));
    known->lent_count++;
    return K_OK;
}

KnResult virtqueue_take(struct virtqueue *queue, uint32_t *token, uint32_t *bytes)
{
    struct model_queue *known = queue_of(queue);

    if (known->is_broken)
        return K_EIO;
    if (known->done_count == 0)
        return K_EAGAIN;
    *token = known->done[0].token;
    *bytes = known->done[0].bytes;
    memmove(known->done, known->done + 1, --known->done_count * sizeof(known->done[0]));
    return K_OK;
}

void virtqueue_notify(struct virtqueue *queue)
{
    (void)queue_of(queue);
}

void virtqueue_interrupts(struct virtqueue *queue, bool wanted)
{
    queue_of(queue)->interrupts = wanted;
}

/* The device gives back what it has held as number `which`. */
static struct chain *give_back(struct model_queue *known, uint32_t which, uint32_t bytes)
{
    struct chain chain = known->lent[which];

    assert_true(which < known->lent_count);
    memmove(known->lent + which, known->lent + which + 1,
            (--known->lent_count - which) * sizeof(chain));
    chain.bytes = bytes;
    known->done[known->done_count++] = chain;
    return &known->done[known->done_count - 1];
}

static uint8_t *memory_of(const struct virtqueue_piece *piece)
{
    return (uint8_t *)(uintptr_t)piece->physical;
}

/* ---- The device ------------------------------------------------------------------------------ */

static bool control_step(void)
{
    struct model_queue *in = &model.queue[CONTROL_IN_QUEUE], *out = &model.queue[CONTROL_OUT_QUEUE];

    while (out->lent_count > 0) {
        const uint8_t *message = memory_of(&out->lent[0].piece[0]);

        assert_int_equal(out->lent[0].piece[0].bytes, 8);
        assert_int_equal(le16_load(message + 6), 1);
        assert_true(model.heard_count < 8);
        model.heard[model.heard_count++] = le16_load(message + 4);
        give_back(out, 0, 0);
    }
    if (model.said_next == model.said_count || in->lent_count == 0)
        return false;
    const struct chain *chain = give_back(in, 0, model.said_bytes[model.said_next]);

    assert_true(chain->piece[0].device_writes && chain->piece[0].bytes == CONTROL_BUFFER_BYTES);
    memcpy(memory_of(&chain->piece[0]), model.said[model.said_next], chain->bytes);
    model.said_next++;
    return true;
}

static bool input_step(void)
{
    struct model_queue *in = &model.queue[IN_QUEUE];
    uint32_t bytes = (uint32_t)MIN(1 + random_below(&model.random, model.piece_max),
                                   model.input_bytes - model.input_at);

    if (bytes == 0 || in->lent_count == 0)
        return false;
    const struct chain *chain = give_back(in, 0, bytes);

    assert_int_equal(chain->piece[0].bytes, IN_BUFFER_BYTES);
    memcpy(memory_of(&chain->piece[0]), model.input + model.input_at, bytes);
    model.input_at += bytes;
    return true;
}

/* Takes what was sent, in its order; gives the memory back in another one. */
static bool output_step(void)
{
    struct model_queue *out = &model.queue[OUT_QUEUE];

    if (out->lent_count == 0 || model.keeps_output)
        return false;
    for (uint32_t i = 0; i < out->lent_count; i++) {
        struct chain *chain = &out->lent[i];

        for (uint16_t j = 0; j < chain->pieces; j++) {
            assert_false(chain->piece[j].device_writes);
            memcpy(model.output + model.output_bytes, memory_of(&chain->piece[j]),
                   chain->piece[j].bytes);
            model.output_bytes += chain->piece[j].bytes;
        }
        chain->pieces = 0; /* seen */
    }
    give_back(out, (uint32_t)random_below(&model.random, out->lent_count), 0);
    return out->interrupts;
}

uint32_t virtio_interrupt_count(const struct virtio_interrupt *interrupt)
{
    (void)interrupt;
    return model.interrupts;
}

KnResult virtio_interrupt_wait(struct virtio_interrupt *interrupt, uint32_t seen, uint32_t flags)
{
    bool any = control_step();

    (void)flags;
    (void)interrupt;
    assert_int_equal(seen, model.interrupts);
    if (++model.waits == model.abort_after)
        return K_EABORT;
    assert_true(model.waits < WAITS_MAX);
    any |= model.is_started && input_step();
    any |= output_step();
    model.interrupts += any;
    return any ? K_OK : K_EABORT; /* nobody would ever wake it */
}

void virtio_interrupt_raise(struct virtio_interrupt *interrupt)
{
    (void)interrupt;
    model.interrupts++;
}

/* ---- The rest of the library ----------------------------------------------------------------- */

KnResult virtio_open(struct virtio_device *device, uint32_t kind, uint32_t index)
{
    *device = (struct virtio_device){0};
    assert_int_equal(kind, VIRTIO_CONSOLE);
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
    assert_int_equal(offset, 4);
    assert_int_equal(bytes, 4);
    le32_store(to, model.ports);
    return K_OK;
}

KnResult virtio_interrupt_open(struct virtio_device *device, struct virtio_interrupt *interrupt)
{
    (void)device;
    interrupt->count = 0;
    return K_OK;
}

KnResult virtio_start(struct virtio_device *device)
{
    (void)device;
    model.is_started = true;
    return K_OK;
}

KnResult dma_allocate(struct dma *dma, VmSize bytes)
{
    dma->address = (VmAddr)calloc(1, bytes);
    dma->physical = dma->address;
    dma->bytes = bytes;
    return K_OK;
}

void mem_read(void *to, VmAddr from, size_t bytes)
{
    memcpy(to, (const void *)from, bytes);
}

void mem_write(VmAddr to, const void *from, size_t bytes)
{
    memcpy((void *)to, from, bytes);
}

KnResult log_print(const char *format, ...)
{
    assert_non_null(format);
    return K_OK;
}

const char *strSysError(KnResult error)
{
    (void)error;
    return "";
}

KnResult mutexInit(KnMutex *mutex)
{
    *mutex = (KnMutex){0};
    return K_OK;
}

KnResult mutexGet(KnMutex *mutex)
{
    assert_int_equal(mutex->mtState++, 0);
    return K_OK;
}

KnResult mutexRel(KnMutex *mutex)
{
    assert_int_equal(mutex->mtState--, 1);
    return K_OK;
}

/* ---- Making one ------------------------------------------------------------------------------ */

static void say(uint32_t port, uint16_t event, uint16_t value, const char *text)
{
    uint8_t *message = model.said[model.said_count];
    size_t length = text == NULL ? 0 : strlen(text) + 1;

    le32_store(message, port);
    le16_store(message + 4, event);
    le16_store(message + 6, value);
    memcpy(message + 8, text == NULL ? "" : text, length);
    model.said_bytes[model.said_count++] = 8 + (uint32_t)length;
}

static void model_make(void)
{
    memset(&model, 0, sizeof(model));
    model.features = VIRTIO_FEATURE(1);
    model.ports = 2;
    model.queue_size_max = 128;
    model.piece_max = IN_BUFFER_BYTES;
    model.input = malloc(STREAM_BYTES);
    model.output = malloc(STREAM_BYTES);
    random_init(&model.random, 1);
}

static void say_all(void)
{
    say(0, CONTROL_PORT_ADD, 1, NULL);
    say(1, CONTROL_PORT_ADD, 1, NULL);
    say(0, CONTROL_PORT_NAME, 1, "another");
    say(1, CONTROL_PORT_NAME, 1, CHANNEL_PORT_NAME);
    say(1, 5, 0, NULL); /* the size of a console */
    say(1, CONTROL_PORT_OPEN, 1, NULL);
}

static struct console *console_make(KnResult expected)
{
    struct console *console = calloc(1, sizeof(*console));

    assert_int_equal(channel_open(console, 0), expected);
    assert_int_equal(model.is_closed, expected != K_OK);
    return console;
}

static struct console *console_sound(void)
{
    model_make();
    say_all();
    return console_make(K_OK);
}

static void drop(struct console *console)
{
    assert_int_equal(console->lock.mtState, 0);
    free((void *)console->in_memory.address);
    free((void *)console->out_memory.address);
    free((void *)console->control_memory.address);
    free(console);
    free(model.input);
    free(model.output);
}

/* ---- Bringing up ----------------------------------------------------------------------------- */

static void the_port_is_opened(void **state)
{
    struct console *console = console_sound();

    (void)state;
    assert_int_equal(model.heard_count, 3);
    assert_int_equal(model.heard[0], CONTROL_DEVICE_READY);
    assert_int_equal(model.heard[1], CONTROL_PORT_READY);
    assert_int_equal(model.heard[2], CONTROL_PORT_OPEN);
    assert_int_equal(model.queue[IN_QUEUE].lent_count, IN_BUFFERS);
    assert_int_equal(model.queue[CONTROL_IN_QUEUE].lent_count, CONTROL_BUFFERS);
    drop(console);
}

static void expect_no_port(KnResult expected)
{
    struct console *console = console_make(expected);

    drop(console);
}

static void other_ports_are_refused(void **state)
{
    (void)state;
    model_make();
    model.features = 0;
    expect_no_port(K_EIO);
    model_make();
    model.ports = 1;
    expect_no_port(K_EUNKNOWN);
    model_make();
    model.queue_size_max = 8; /* too short for what we send */
    expect_no_port(K_EIO);
    model_make();
    say(1, CONTROL_PORT_ADD, 1, NULL);
    say(1, CONTROL_PORT_NAME, 1, "org.chorus.channels");
    expect_no_port(K_EUNKNOWN);
    model_make();
    say(1, CONTROL_PORT_NAME, 1, "");
    expect_no_port(K_EUNKNOWN);
    model_make();
    say(1, CONTROL_PORT_ADD, 1, NULL);
    model.said_bytes[0] = 7; /* no whole message */
    expect_no_port(K_EIO);
    model_make();
    say(1, CONTROL_PORT_REMOVE, 1, NULL);
    expect_no_port(K_EEND);
    model_make();
    for (int i = 0; i < 20; i++) /* a device that says it over and over is not answered for ever */
        say(1, CONTROL_PORT_ADD, 1, NULL);
    expect_no_port(K_EIO);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void put_frame(uint8_t type, uint32_t bytes)
{
    frames_head(model.input + model.input_bytes, type, type % 3, bytes);
    memset(model.input + model.input_bytes + 8, type, bytes);
    model.input_bytes += 8 + bytes;
}

static void expect_frame(struct console *console, uint8_t type, uint32_t bytes)
{
    struct channel_header header = {0};
    uint8_t *payload = calloc(1, CHANNEL_PAYLOAD_MAX);

    assert_int_equal(channel_read(console, &header, payload), K_OK);
    assert_int_equal(header.type, type);
    assert_int_equal(header.stream, type % 3);
    assert_int_equal(header.payload_bytes, bytes);
    for (uint32_t i = 0; i < bytes; i++)
        assert_int_equal(payload[i], type);
    free(payload);
}

static KnResult read_result(struct console *console)
{
    struct channel_header header = {0};
    uint8_t payload[CHANNEL_PAYLOAD_MAX];

    return channel_read(console, &header, payload);
}

static void frames_are_read_whatever_the_pieces(void **state)
{
    static const uint32_t piece_max[] = {1, 13, 700, IN_BUFFER_BYTES};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(piece_max); i++) {
        struct console *console = console_sound();

        model.piece_max = piece_max[i];
        for (uint8_t type = 0; type < 30; type++)
            put_frame(type, type % 4 == 0 ? CHANNEL_PAYLOAD_MAX : type * 20u);
        for (uint8_t type = 0; type < 30; type++)
            expect_frame(console, type, type % 4 == 0 ? CHANNEL_PAYLOAD_MAX : type * 20u);
        assert_int_equal(read_result(console), K_EABORT);
        assert_int_equal(model.queue[IN_QUEUE].lent_count, IN_BUFFERS);
        drop(console);
    }
}

static void what_nobody_reads_stays_with_the_launcher(void **state)
{
    struct console *console = console_sound();

    (void)state;
    while (model.input_bytes < STREAM_BYTES - 4200)
        put_frame(1, CHANNEL_PAYLOAD_MAX);
    while (input_step())
        continue;
    assert_true(model.input_at <= IN_BUFFERS * IN_BUFFER_BYTES);
    assert_int_equal(model.queue[IN_QUEUE].done_count, IN_BUFFERS);
    expect_frame(console, 1, CHANNEL_PAYLOAD_MAX);
    drop(console);
}

static void one_reads_at_a_time_and_may_give_up(void **state)
{
    struct console *console = console_sound();

    (void)state;
    console->reading = true;
    assert_int_equal(read_result(console), K_EBUSY);
    console->reading = false;
    put_frame(2, 100);
    model.piece_max = 1;
    model.abort_after = model.waits + 50; /* in the middle of the frame */
    assert_int_equal(read_result(console), K_EABORT);
    expect_frame(console, 2, 100);
    drop(console);
}

static void the_launchers_end_comes_after_its_frames(void **state)
{
    struct console *console = console_sound();

    (void)state;
    put_frame(3, 10);
    put_frame(4, 10);
    while (input_step())
        continue;
    say(1, CONTROL_PORT_OPEN, 0, NULL);
    assert_true(control_step());
    expect_frame(console, 3, 10);
    expect_frame(console, 4, 10);
    assert_int_equal(read_result(console), K_EEND);
    assert_int_equal(read_result(console), K_EEND);
    assert_int_equal(channel_write(console, 1, 1, "x", 1), K_EEND);
    assert_int_equal(channel_drain(console), K_OK);
    drop(console);
}

static void broken_streams_and_queues_are_told(void **state)
{
    struct console *console = console_sound();

    (void)state;
    put_frame(3, 10);
    le32_store(model.input + model.input_bytes, CHANNEL_PAYLOAD_MAX + 1);
    model.input_bytes += 100;
    expect_frame(console, 3, 10);
    assert_int_equal(read_result(console), K_EIO);
    assert_int_equal(read_result(console), K_EIO);
    assert_int_equal(channel_write(console, 1, 1, "x", 1), K_EIO);
    assert_int_equal(channel_drain(console), K_EIO);
    drop(console);
    for (int broken = 0; broken < QUEUES; broken++) {
        if (broken == CONTROL_OUT_QUEUE) /* nothing is sent there any more */
            continue;
        console = console_sound();
        model.queue[broken].is_broken = true;
        if (broken == OUT_QUEUE)
            assert_int_equal(channel_write(console, 1, 1, "x", 1), K_EIO);
        assert_int_equal(read_result(console), K_EIO);
        assert_int_equal(channel_write(console, 1, 1, "x", 1), K_EIO);
        assert_int_equal(channel_drain(console), K_EIO);
        drop(console);
    }
    console = console_sound(); /* a buffer that comes back empty */
    give_back(&model.queue[IN_QUEUE], 0, 0);
    assert_int_equal(read_result(console), K_EIO);
    drop(console);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void frames_are_sent_whole_and_in_order(void **state)
{
    struct console *console = console_sound();
    uint8_t *payload = calloc(1, CHANNEL_PAYLOAD_MAX);
    size_t at = 0;

    (void)state;
    for (uint8_t type = 0; type < 40; type++) {
        memset(payload, type, CHANNEL_PAYLOAD_MAX);
        assert_int_equal(channel_write(console, type, type % 3, payload,
                                       type % 5 == 0 ? 0 : type * 100u),
                         K_OK);
    }
    assert_int_equal(channel_drain(console), K_OK);
    assert_int_equal(console->out_given, 40);
    assert_int_equal(console->out_free, (1u << OUT_SLOTS) - 1);
    for (uint8_t type = 0; type < 40; type++) {
        uint32_t bytes = type % 5 == 0 ? 0 : type * 100u;

        assert_int_equal(le32_load(model.output + at), bytes);
        assert_int_equal(model.output[at + 4], type);
        assert_int_equal(model.output[at + 5], type % 3);
        assert_int_equal(le16_load(model.output + at + 6), 0);
        for (uint32_t i = 0; i < bytes; i++)
            assert_int_equal(model.output[at + 8 + i], type);
        at += 8 + bytes;
    }
    assert_int_equal(at, model.output_bytes);
    assert_int_equal(channel_write(console, 1, 1, payload, CHANNEL_PAYLOAD_MAX + 1), K_ETOOMUCH);
    free(payload);
    drop(console);
}

static void a_launcher_that_does_not_read_is_waited_for(void **state)
{
    struct console *console = console_sound();

    (void)state;
    model.keeps_output = true;
    for (uint32_t i = 0; i < OUT_SLOTS; i++)
        assert_int_equal(channel_write(console, 1, 1, "x", 1), K_OK);
    assert_false(model.queue[OUT_QUEUE].interrupts);
    assert_int_equal(channel_write(console, 2, 1, "x", 1), K_EABORT);
    assert_true(model.queue[OUT_QUEUE].interrupts);
    assert_int_equal(channel_drain(console), K_EABORT);
    assert_int_equal(console->out_sent, OUT_SLOTS);
    assert_true(model.queue[OUT_QUEUE].interrupts); /* two wait, and neither may turn them off */
    model.keeps_output = false;
    assert_int_equal(channel_write(console, 2, 1, "x", 1), K_OK);
    assert_int_equal(channel_drain(console), K_OK);
    assert_int_equal(console->out_given, OUT_SLOTS + 1);
    assert_false(model.queue[OUT_QUEUE].interrupts); /* nothing is under way */
    drop(console);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_port_is_opened),
        cmocka_unit_test(other_ports_are_refused),
        cmocka_unit_test(frames_are_read_whatever_the_pieces),
        cmocka_unit_test(what_nobody_reads_stays_with_the_launcher),
        cmocka_unit_test(one_reads_at_a_time_and_may_give_up),
        cmocka_unit_test(the_launchers_end_comes_after_its_frames),
        cmocka_unit_test(broken_streams_and_queues_are_told),
        cmocka_unit_test(frames_are_sent_whole_and_in_order),
        cmocka_unit_test(a_launcher_that_does_not_read_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
