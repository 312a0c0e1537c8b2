/* SPDX-License-Identifier: BSD-2-Clause */
/* interrupt.h. The controller: a bit a source to mask it, and the instruction that waits. */
#include "machine/interrupt.h"

#include "machine/system.h"

void interrupt_unmask(uint32_t source)
{
    (void)source;
}

void interrupt_mask(uint32_t source)
{
    (void)source;
}

bool interrupt_message(KnItMessage *message)
{
    (void)message;
    return false;
}

void interrupt_window(void)
{
}

/* No interrupt will ever come. */
void interrupt_wait(void)
{
    machine_end(1);
}
