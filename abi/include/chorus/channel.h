/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channel: what the launcher and its first site say to each other about PROGRAM.
 *
 * One virtio-serial port, "org.chorus.channel", carries frames both ways: a header, then its
 * payload. The site sends PROGRAM's output, its exit status and credit for input; the launcher
 * sends input, end of file, window sizes, signals and credit for output. Every number is
 * little-endian. What to run does not travel here but in the system archive, as its member
 * "launch", described at the end of this file.
 *
 * I1  A payload has at most CHANNEL_PAYLOAD_MAX bytes, so a fixed buffer holds any frame.
 * I2  No side sends data that the other gave no credit for, so neither ever has to refuse a
 *     frame, and a stream that nobody reads never holds up another one.
 * I3  CHANNEL_EXIT or CHANNEL_FAIL is the site's last frame, after all output.
 * I4  The site ends the machine only when the device has given back the buffer of its last
 *     frame: what a port still holds when the machine ends is lost.
 */
#ifndef CHORUS_CHANNEL_H
#define CHORUS_CHANNEL_H

#include <stdint.h>

#define CHANNEL_PORT_NAME "org.chorus.channel"
#define CHANNEL_PORT_NUMBER \
    1                     /* on the virtio-serial device; 0 is kept for a console by the device */
#define CHANNEL_VERSION 1 /* the value of "channel=" in the launch record */

#define CHANNEL_PAYLOAD_MAX 4096

/* Bytes of each output stream that the site may send before the first CHANNEL_OUT_CREDIT. */
#define CHANNEL_OUT_CREDIT_INITIAL 65536
/* Bytes of input that the launcher may send before the first CHANNEL_CREDIT. None: a site that asks
 * only when a process reads leaves the rest of a shared input to the command after this one. For a
 * terminal a site gives credit at once and renews it always, for Ctrl-C must arrive unread. */
#define CHANNEL_IN_CREDIT_INITIAL 0

/* What the site writes to the isa-debug-exit device to end the machine. Not 0, for QEMU's exit
 * status is then 2 * value + 1, and 1 is its status when it cannot start. */
#define CHANNEL_END_ORDERLY 0x10
#define CHANNEL_END_DIED 0x11

struct channel_header {
    uint32_t payload_bytes;
    uint8_t type;   /* enum channel_type */
    uint8_t stream; /* enum channel_stream, where the type says so; else 0 */
    uint16_t zero;
};
_Static_assert(sizeof(struct channel_header) == 8, "the header is part of the protocol");

enum channel_stream {
    CHANNEL_STDIN = 0,
    CHANNEL_STDOUT = 1,
    CHANNEL_STDERR = 2,
};

enum channel_type {
    /* site -> launcher */
    CHANNEL_OUT = 0x01,     /* stream 1 or 2; bytes, at least one */
    CHANNEL_CREDIT = 0x02,  /* stream 0; struct channel_credit: more input may come */
    CHANNEL_STARTED = 0x03, /* struct channel_started: PROGRAM runs its first instruction next */
    CHANNEL_EXIT = 0x04,    /* struct channel_exit: PROGRAM ended */
    CHANNEL_FAIL = 0x05,    /* struct channel_fail, then text: PROGRAM could not run */

    /* launcher -> site */
    CHANNEL_IN = 0x41,         /* stream 0; bytes, at least one */
    CHANNEL_IN_END = 0x42,     /* stream 0; struct channel_end: no more input */
    CHANNEL_WINDOW = 0x43,     /* struct channel_window: the terminal's size changed */
    CHANNEL_SIGNAL = 0x44,     /* struct channel_signal: for PROGRAM's process group */
    CHANNEL_OUT_CREDIT = 0x45, /* stream 1 or 2; struct channel_credit: more output may come */
    CHANNEL_OUT_END = 0x46,    /* stream 1 or 2; struct channel_end: output is dropped from now on;
                                  writers get the error, and SIGPIPE where it is EPIPE */
    CHANNEL_HALT = 0x47,       /* empty: write the disks back and end the machine; no EXIT needed */
};

struct channel_credit {
    uint32_t more_bytes;
};
_Static_assert(sizeof(struct channel_credit) == 4, "part of the protocol");

struct channel_started {
    uint64_t instructions; /* since the Nucleus' entry, under icount; else 0 */
};
_Static_assert(sizeof(struct channel_started) == 8, "part of the protocol");

struct channel_exit {
    uint32_t status; /* 0..255: PROGRAM's exit code, or 128 + the signal that killed it */
    uint32_t zero;
    uint64_t instructions; /* as in struct channel_started */
};
_Static_assert(sizeof(struct channel_exit) == 16, "part of the protocol");

struct channel_fail {
    uint32_t status; /* 125: the system is at fault; 126: not executable; 127: not found */
    /* then the rest of the payload: one line of text without its end, for the user */
};
_Static_assert(sizeof(struct channel_fail) == 4, "part of the protocol");

struct channel_end {
    uint32_t error; /* a Linux errno, as MiX has them; 0 for a plain end of file */
};
_Static_assert(sizeof(struct channel_end) == 4, "part of the protocol");

struct channel_window {
    uint16_t rows;
    uint16_t columns;
    uint16_t x_pixels;
    uint16_t y_pixels;
};
_Static_assert(sizeof(struct channel_window) == 8, "part of the protocol");

struct channel_signal {
    uint32_t number; /* a Linux signal number */
};
_Static_assert(sizeof(struct channel_signal) == 4, "part of the protocol");

/*
 * The launch record: member "launch" of the system archive. Records KEY=VALUE, each ended by a NUL
 * byte, in this order; a key that a site does not know makes it fail with 125, for it was asked for
 * something that it cannot do.
 *
 *   channel=1          CHANNEL_VERSION; always first
 *   icount=1           only in the deterministic mode: the launcher sends no frame at all, so the
 *                      site waits for no credit, and no time-out guards a local device
 *   root=tmpfs|ext2    tmpfs: unpack member "root.cpio" (newc) into a tmpfs at /; ext2: mount the
 *                      first virtio disk at /
 *   on=K               the site where PROGRAM starts, from 1
 *   cwd=PATH           absolute, normalised
 *   umask=OCTAL
 *   stdin=channel|archive   archive: standard input is member "stdin", a file that is read once
 *   tty0=0|1 tty1=0|1 tty2=0|1   whether the stream is a terminal; all that are are one terminal
 *   same12=0|1         1: standard output and error are one open file outside. They are one open
 *                      file inside too, sent as stream 1, which keeps the order of writes
 *   rows=N cols=N xpixel=N ypixel=N   only where one of the streams is a terminal
 *   env=NAME=VALUE     one for each variable; NAMEs differ
 *   arg=WORD           PROGRAM and its arguments; at least one. A PROGRAM without "/" is looked for
 *                      along PATH
 *
 * Members of newc archives that the launcher writes: a file with several names has its data at the
 * first of them; the others follow with the same inode number and size 0.
 */

#endif
