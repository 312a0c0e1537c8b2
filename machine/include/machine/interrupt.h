/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt sources: small numbers below INTERRUPT_SOURCES, a machine's lines first, then
 * message-signalled ones. When a source fires the machine calls nucleus_interrupt(source) with
 * interrupts off and acknowledges the controller itself.
 */
#ifndef MACHINE_INTERRUPT_H
#define MACHINE_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#include "chorus/types.h"

#define INTERRUPT_SOURCES 128

void interrupt_unmask(uint32_t source);
void interrupt_mask(uint32_t source);

/* What a device writes where, for message->imSource to fire. false: the source is a line. */
bool interrupt_message(KnItMessage *message);

/* Lets pending interrupts in for a moment, in the middle of long Nucleus work. Neither here nor in
 * interrupt_wait does an interrupt leave by nucleus_leave(): the caller looks for what it made
 * ready. */
void interrupt_window(void);

/* Sleeps with interrupts on until one came; returns with interrupts off. */
void interrupt_wait(void);

#endif
