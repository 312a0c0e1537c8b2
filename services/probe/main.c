/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Probe: uses the drivers and boot as it is told to, by lines of text that come in frames of the
 * channel, and answers each with a line. For tests of what no other server reaches yet, or not so
 * nakedly, and for bringing up a machine. systems/test.conf starts it.
 *
 *     echo TEXT                       TEXT
 *     flood COUNT                     frames of 4096 bytes on the other output stream, then "ok"
 *     geometry DISK                   sectors, bytes of a block, 0 or 1: read only, 0 or 1: flushes
 *     write DISK SECTOR COUNT SEED    COUNT sectors of bytes that SEED and their place decide
 *     read DISK SECTOR COUNT SEED     the same read and compared
 *     flush DISK
 *     storm DISK ROUNDS               threads that write and read their own sectors, all at once
 *     member NAME                     of the system archive: its bytes, and their sum
 *     fault                           ends as a program does that is wrong
 *     end                             ends the machine, when the answer is out
 *
 * An answer is "ok", or numbers, or "error N", N being what the call returned; "bad" to what is
 * none of these.
 */
#include "probe.h"

#include "chorus/calls.h"
#include "chorus/channel.h"
#include "chorus/log.h"
#include "chorus/memory.h"
#include "chorus/program.h"
#include "idl/boot.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/format.h"
#include "kit/string.h"

#define STATUS_STREAM CHANNEL_STDOUT
#define FLOOD_STREAM CHANNEL_STDERR

/* ---- Lines ----------------------------------------------------------------------------------- */

static KnResult frame_send(struct probe *probe, enum channel_stream stream, const void *bytes,
                           uint32_t count)
{
    const struct console_write_in in = {.type = CHANNEL_OUT,
                                        .stream = stream,
                                        .payload = bytes,
                                        .payload_bytes = count};

    return console_write(&probe->console, &in);
}

static KnResult answer(struct probe *probe, const char *text)
{
    return frame_send(probe, STATUS_STREAM, text, (uint32_t)strlen(text));
}

static KnResult answer_status(struct probe *probe, KnResult status)
{
    char text[PROBE_LINE_BYTES];

    ASSERT(status <= K_OK);
    if (status == K_OK)
        return answer(probe, "ok");
    format(text, sizeof(text), "error %ld", status);
    return answer(probe, text);
}

/* Splits the line at blanks, in place; the rest of the line is the last word. */
static void line_split(struct probe *probe)
{
    char *at = probe->line;

    probe->words = 0;
    while (*at != '\0' && probe->words < PROBE_WORDS) {
        probe->word[probe->words++] = at;
        at = probe->words < PROBE_WORDS ? strchr(at, ' ') : NULL;
        if (at == NULL)
            return;
        *at++ = '\0';
    }
}

/* Word `index` as a number; 0 if it is none. */
static uint64_t number(const struct probe *probe, uint32_t index)
{
    uint64_t value = 0;

    if (index >= probe->words)
        return 0;
    for (const char *digit = probe->word[index]; *digit >= '0' && *digit <= '9'; digit++)
        value = value * 10 + (uint64_t)(*digit - '0');
    return value;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static KnResult do_echo(struct probe *probe)
{
    return answer(probe, probe->words > 1 ? probe->word[1] : "");
}

static KnResult do_flood(struct probe *probe)
{
    KnResult status = K_OK;

    memset(probe->data, 'f', CHANNEL_PAYLOAD_MAX);
    for (uint64_t left = number(probe, 1); left > 0 && status == K_OK; left--)
        status = frame_send(probe, FLOOD_STREAM, probe->data, CHANNEL_PAYLOAD_MAX);
    return answer_status(probe, status);
}

static KnResult do_geometry(struct probe *probe)
{
    struct disk_geometry_out out = {0};
    struct idl_client disk;
    char text[PROBE_LINE_BYTES];
    KnResult status = probe_disk(&disk, number(probe, 1));

    if (status == K_OK)
        status = disk_geometry(&disk, &out);
    if (status != K_OK)
        return answer_status(probe, status);
    format(text, sizeof(text), "%lu %u %u %u", (unsigned long)out.sectors, out.block_bytes,
           out.read_only, out.flush_needed);
    return answer(probe, text);
}

static KnResult do_write(struct probe *probe)
{
    return answer_status(probe, probe_write(probe->data, number(probe, 1), number(probe, 2),
                                            number(probe, 3), number(probe, 4)));
}

static KnResult do_read(struct probe *probe)
{
    return answer_status(probe, probe_read(probe->data, number(probe, 1), number(probe, 2),
                                           number(probe, 3), number(probe, 4)));
}

static KnResult do_flush(struct probe *probe)
{
    return answer_status(probe, probe_flush(number(probe, 1)));
}

static KnResult do_storm(struct probe *probe)
{
    return answer_status(probe, probe_storm(probe, number(probe, 1), number(probe, 2)));
}

static KnResult member_sum(struct probe *probe, const struct boot_find_out *member, uint64_t *sum)
{
    struct idl_client boot;
    KnResult status = service_client(&boot, SERVICE_BOOT, NULL, 0);

    *sum = 0;
    for (uint64_t at = 0; at < member->bytes && status == K_OK; at += BOOT_READ_OUT_DATA_MAX) {
        const struct boot_read_in in = {.offset = member->offset + at,
                                        .count = (uint32_t)MIN(member->bytes - at,
                                                               (uint64_t)BOOT_READ_OUT_DATA_MAX)};
        struct boot_read_out out = {.data = probe->data, .data_room = PROBE_DATA_BYTES};

        status = boot_read(&boot, &in, &out);
        for (uint32_t i = 0; i < out.data_bytes && status == K_OK; i++)
            *sum += probe->data[i];
    }
    return status;
}

static KnResult do_member(struct probe *probe)
{
    const struct boot_find_in in = {.name = probe->words > 1 ? probe->word[1] : ""};
    struct boot_find_out member = {0};
    struct idl_client boot;
    char text[PROBE_LINE_BYTES];
    uint64_t sum = 0;
    KnResult status = service_client(&boot, SERVICE_BOOT, NULL, 0);

    if (status == K_OK)
        status = boot_find(&boot, &in, &member);
    if (status == K_OK)
        status = member_sum(probe, &member, &sum);
    if (status != K_OK)
        return answer_status(probe, status);
    format(text, sizeof(text), "%lu %lu", (unsigned long)member.bytes, (unsigned long)sum);
    return answer(probe, text);
}

static KnResult do_fault(struct probe *probe)
{
    (void)probe;
    mem_store8(8, 1);
    return K_OK;
}

static KnResult do_end(struct probe *probe)
{
    KnResult status = answer(probe, "ok");

    if (status == K_OK)
        status = console_drain(&probe->console);
    log_print("probe: the machine ends: %s\n", strSysError(status));
    return svShutdown(status != K_OK);
}

static const struct {
    const char *word;
    KnResult (*run)(struct probe *probe);
} commands[] = {
    {"echo", do_echo},   {"flood", do_flood}, {"geometry", do_geometry}, {"write", do_write},
    {"read", do_read},   {"flush", do_flush}, {"storm", do_storm},       {"member", do_member},
    {"fault", do_fault}, {"end", do_end},
};

static KnResult command_run(struct probe *probe)
{
    line_split(probe);
    for (size_t i = 0; i < ARRAY_SIZE(commands) && probe->words > 0; i++)
        if (strcmp(commands[i].word, probe->word[0]) == 0)
            return commands[i].run(probe);
    return answer(probe, "bad");
}

/* ---- The program ----------------------------------------------------------------------------- */

static KnResult line_read(struct probe *probe)
{
    struct console_read_out out = {.payload = probe->line, .payload_room = sizeof(probe->line) - 1};
    KnResult status;

    do {
        status = console_read(&probe->console, &out);
    } while (status == K_OK && out.type != CHANNEL_IN);
    ASSERT(out.payload_bytes < sizeof(probe->line));
    if (status == K_OK)
        probe->line[out.payload_bytes] = '\0';
    return status;
}

static void probe_main(struct probe *probe, uintptr_t argument)
{
    KnResult status = service_client(&probe->console, SERVICE_CONSOLE, NULL, 0);

    (void)argument;
    if (status == K_OK)
        status = service_ready();
    while (status == K_OK) {
        status = line_read(probe);
        if (status == K_OK)
            status = command_run(probe);
    }
    log_print("probe: %s\n", strSysError(status));
}

ACTOR_PROGRAM(probe, struct probe, probe_main);
