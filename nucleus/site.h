/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All state of the Nucleus hangs off one struct site, so that many sites fit in one simulator. What
 * belongs to a processor stands in struct cpu; a site has one of them today.
 */
#ifndef NUCLEUS_SITE_H
#define NUCLEUS_SITE_H

#include "chorus/calls.h"
#include "chorus/types.h"
#include "machine/arch.h"
#include "machine/boot.h"
#include "nucleus/actor.h"
#include "nucleus/executive/executive.h"
#include "nucleus/ipc/ipc.h"
#include "nucleus/supervisor/supervisor.h"
#include "nucleus/supervisor/trace.h"
#include "nucleus/vm/vm.h"

struct cpu {
    struct machine_cpu machine; /* first: the machine's entry code knows its offsets */
    struct site *site;
    struct thread *current;
    struct thread *idle;
    struct machine_space *space; /* active user space */
    bool reschedule;             /* a better thread than current may be ready */
    uint32_t interrupt_depth;    /* handlers running; calls that wait are refused */
};

struct site {
    struct cpu cpu;
    struct boot_record boot;
    uint32_t number; /* site number, part of every UI made here */
    uint32_t epoch;  /* of this start of the site */
    struct supervisor supervisor;
    struct executive executive;
    struct vm vm;
    struct ipc ipc;
    struct actors actors;
    struct trace trace;
    uint64_t calls;                      /* Nucleus calls so far */
    uint32_t stray_errors;               /* results that the table of calls does not list */
    uint32_t errors_given[K_CALL_LIMIT]; /* CALL_ERROR of each that the call has returned */
    bool panicking;
};

/* A line, or a piece of one, for the site's log. */
void site_log(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* Universal time, ns since 1970-01-01. */
uint64_t universal_now_ns(void);

/* Finds a file of the system archive. */
bool archive_find(const char *name, const void **data, size_t *bytes);

/* The site and the thread that run: the machine's cpu_self() finds the processor. */
static inline struct site *site_self(void)
{
    return cpu_self()->site;
}

static inline struct thread *thread_self(void)
{
    return cpu_self()->current;
}

#endif
