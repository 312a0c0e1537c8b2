/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The site's log: QEMU's debug port where there is one (it reads back its own number), else the
 * first serial line, polled.
 */
#include "machine/system.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/pc.h"

#define DEBUG_PORT 0xe9

#define SERIAL_DATA 0x3f8
#define SERIAL_INTERRUPTS 0x3f9
#define SERIAL_FIFO 0x3fa
#define SERIAL_LINE 0x3fb
#define SERIAL_STATUS 0x3fd
#define SERIAL_SCRATCH 0x3ff

#define LINE_DIVISOR 0x80
#define LINE_8N1 0x03
#define FIFO_ON 0x07
#define STATUS_ROOM 0x20u
#define POLLS_MAX 100000 /* a character takes 87 us at 115200 baud */

static bool serial_init(void)
{
    outb(SERIAL_SCRATCH, 0x5a);
    if (inb(SERIAL_SCRATCH) != 0x5a)
        return false;
    outb(SERIAL_INTERRUPTS, 0);
    outb(SERIAL_LINE, LINE_DIVISOR);
    outb(SERIAL_DATA, 1); /* 115200 baud */
    outb(SERIAL_INTERRUPTS, 0);
    outb(SERIAL_LINE, LINE_8N1);
    outb(SERIAL_FIFO, FIFO_ON);
    return true;
}

static void serial_write(char c)
{
    for (uint32_t polls = 0; polls < POLLS_MAX && (inb(SERIAL_STATUS) & STATUS_ROOM) == 0; polls++)
        continue;
    outb(SERIAL_DATA, (uint8_t)c);
}

static enum log_device log_find(void)
{
    if (inb(DEBUG_PORT) == DEBUG_PORT)
        return LOG_DEBUG_PORT;
    return serial_init() ? LOG_SERIAL : LOG_NONE;
}

void machine_log(const char *text, size_t bytes)
{
    if (pc.log == LOG_UNKNOWN)
        pc.log = log_find();
    if (pc.log == LOG_DEBUG_PORT) {
        __asm__ volatile("rep outsb"
                         : "+S"(text), "+c"(bytes)
                         : "d"((uint16_t)DEBUG_PORT)
                         : "memory");
    } else if (pc.log == LOG_SERIAL) {
        for (size_t i = 0; i < bytes; i++) {
            if (text[i] == '\n')
                serial_write('\r');
            serial_write(text[i]);
        }
    }
}
