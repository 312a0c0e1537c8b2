/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream that leaves the launcher. See outlet.h.
 *
 * The standard streams are shared with other processes, so O_NONBLOCK is never set on them, where
 * it would outlive a launcher that is killed. A pipe or a terminal is opened once more instead.
 *
 * I1  count <= OUTLET_BYTES; the bytes are those from head on, around the end.
 */
#include "outlet.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"

/* A terminal takes so much when poll() says that it can be written, however slowly it is read. */
#define TERMINAL_PIECE_BYTES 128
/* Pieces for one call, so that the other descriptors get their turn. */
#define PIECES_MAX 8

void outlet_create(struct outlet *outlet, int original)
{
    struct stat status;

    memset(outlet, 0, sizeof(*outlet));
    outlet->fd = original;
    outlet->original = original;
    outlet->way = OUTLET_PLAIN;
    outlet->piece_bytes = OUTLET_BYTES;
    /* One that is open for reading only, as a stream that was closed outside is, gives its
     * error. */
    if (fstat(original, &status) < 0 || (fcntl(original, F_GETFL) & O_ACCMODE) == O_RDONLY)
        return;
    if (S_ISSOCK(status.st_mode)) {
        outlet->way = OUTLET_SOCKET;
    } else if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
        int fd = file_reopen(original, O_WRONLY | O_NONBLOCK | O_NOCTTY);
        outlet->way = fd >= 0 ? OUTLET_OWN : OUTLET_SMALL;
        outlet->fd = fd >= 0 ? fd : original;
        if (fd < 0) /* somebody else's pipe or terminal, as after su */
            outlet->piece_bytes = S_ISFIFO(status.st_mode) ? PIPE_BUF : TERMINAL_PIECE_BYTES;
    }
}

void outlet_drop(struct outlet *outlet)
{
    if (outlet->fd != outlet->original)
        close(outlet->fd);
    outlet->fd = outlet->original;
}

size_t outlet_room(const struct outlet *outlet)
{
    return OUTLET_BYTES - outlet->count;
}

void outlet_add(struct outlet *outlet, const void *bytes, size_t length)
{
    const uint8_t *next = bytes;

    if (outlet->error != 0)
        return;
    assert(length <= outlet_room(outlet));
    while (length > 0) {
        size_t tail = (outlet->head + outlet->count) % OUTLET_BYTES;
        size_t piece = OUTLET_BYTES - tail < length ? OUTLET_BYTES - tail : length;
        memcpy(outlet->bytes + tail, next, piece);
        outlet->count += piece;
        next += piece;
        length -= piece;
    }
}

static ssize_t outlet_write(const struct outlet *outlet, const uint8_t *bytes, size_t length)
{
    if (length > outlet->piece_bytes)
        length = outlet->piece_bytes;
    if (outlet->way == OUTLET_SOCKET)
        return send(outlet->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return write(outlet->fd, bytes, length);
}

void outlet_flush(struct outlet *outlet)
{
    for (int i = 0; i < PIECES_MAX && outlet->count > 0; i++) {
        size_t piece = OUTLET_BYTES - outlet->head;
        if (piece > outlet->count)
            piece = outlet->count;
        ssize_t count = outlet_write(outlet, outlet->bytes + outlet->head, piece);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count < 0) {
            outlet->error = errno;
            outlet->count = 0;
            return;
        }
        outlet->head = (outlet->head + (size_t)count) % OUTLET_BYTES;
        outlet->count -= (size_t)count;
        outlet->credit_due += (uint32_t)count;
        if (outlet->way == OUTLET_SMALL)
            return; /* only poll() tells whether more fits */
    }
}
