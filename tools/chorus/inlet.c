/* SPDX-License-Identifier: BSD-2-Clause */
/* Standard input, on its way to PROGRAM. See inlet.h. */
#include "inlet.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define ESCAPE_BYTE 0x1d /* Ctrl-] */

void inlet_create(struct inlet *inlet, bool terminal)
{
    *inlet = (struct inlet){.terminal = terminal, .credit = CHANNEL_IN_CREDIT_INITIAL};
}

bool inlet_wants(const struct inlet *inlet)
{
    if (inlet->ended)
        return false;
    return inlet->terminal || (inlet->count == 0 && inlet->credit > 0);
}

/* Looks for two escapes in a row, and not more than a second apart. */
static void escape_look(struct inlet *inlet, const uint8_t *bytes, size_t count, int64_t now_ns)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != ESCAPE_BYTE) {
            inlet->escape_ns = 0;
            continue;
        }
        if (inlet->escape_ns != 0 && now_ns - inlet->escape_ns <= CLOCK_SECOND_NS)
            inlet->escaped = true;
        inlet->escape_ns = now_ns;
    }
}

void inlet_read(struct inlet *inlet, int64_t now_ns)
{
    uint8_t bytes[CHANNEL_PAYLOAD_MAX];
    size_t want = sizeof(bytes);

    assert(inlet_wants(inlet));
    if (!inlet->terminal && inlet->credit < want)
        want = (size_t)inlet->credit;
    ssize_t count = read(STDIN_FILENO, bytes, want);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (count <= 0) {
        inlet->ended = true;
        inlet->error = count < 0 ? errno : 0;
        return;
    }
    if (inlet->terminal)
        escape_look(inlet, bytes, (size_t)count, now_ns);
    size_t room = sizeof(inlet->bytes) - inlet->count;
    size_t kept = (size_t)count < room ? (size_t)count : room;
    memcpy(inlet->bytes + inlet->count, bytes, kept);
    inlet->count += kept;
}

size_t inlet_ready(const struct inlet *inlet)
{
    return inlet->credit < inlet->count ? (size_t)inlet->credit : inlet->count;
}

void inlet_sent(struct inlet *inlet, size_t count)
{
    assert(count <= inlet_ready(inlet));
    inlet->count -= count;
    inlet->credit -= count;
    memmove(inlet->bytes, inlet->bytes + count, inlet->count);
}
