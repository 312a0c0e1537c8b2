/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling: run queues, switching, quanta. See executive.h for the interface and its invariants.
 */
#include "nucleus/executive/executive.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "machine/clock.h"
#include "machine/context.h"
#include "machine/interrupt.h"
#include "machine/mmu.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"

static void quantum_expire(struct timer *timer);

void executive_init(struct executive *executive)
{
    priomap_init(&executive->ready_map);
    for (size_t i = 0; i < EXECUTIVE_PRIORITIES; i++)
        list_init(&executive->ready[i]);
    timers_init(&executive->timers);
    timer_init(&executive->quantum, quantum_expire);
    executive->universal_offset_ns = clock_universal_base_ns();
    executive->switches = 0;
}

/* ---- Run queues ------------------------------------------------------------------------- */

static bool thread_is_eligible(const struct thread *thread)
{
    return thread->state == THREAD_READY && thread->stops == 0;
}

static bool has_quantum(const struct thread *thread)
{
    return thread->class != K_SCHED_FIFO;
}

/* The running thread has company from now on: its turn ends when what is left of its quantum is
 * used up. */
static void equal_waits(struct thread *running)
{
    uint64_t used_ns = clock_now_ns() - running->resumed_ns;
    uint64_t left_ns = running->quantum_left_ns - MIN(used_ns, running->quantum_left_ns);

    timer_set(&site_self()->executive.quantum, running->resumed_ns + used_ns + left_ns);
}

static void enqueue(struct thread *thread, bool head)
{
    struct site *site = site_self();
    struct executive *executive = &site->executive;
    struct list *queue = &executive->ready[thread->priority];

    ASSERT(thread_is_eligible(thread) && !list_is_linked(&thread->link));
    if (head)
        list_add_head(queue, &thread->link);
    else
        list_add_tail(queue, &thread->link);
    priomap_set(&executive->ready_map, thread->priority);
    if (thread->priority == site->cpu.current->priority && has_quantum(site->cpu.current) &&
        !executive->quantum.set)
        equal_waits(site->cpu.current);
    if (site->cpu.current == site->cpu.idle || thread->priority < site->cpu.current->priority)
        site->cpu.reschedule = true;
}

/* The thread that was handed takes its place among the others. */
static void handed_settle(struct executive *executive)
{
    struct thread *thread = executive->handed;

    if (likely(thread == NULL))
        return;
    executive->handed = NULL;
    enqueue(thread, false);
}

static void ready_insert(struct thread *thread, bool head)
{
    handed_settle(&site_self()->executive);
    enqueue(thread, head);
}

static void ready_remove(struct thread *thread)
{
    struct executive *executive = &site_self()->executive;

    ASSERT(list_is_linked(&thread->link));
    list_remove(&thread->link);
    if (list_is_empty(&executive->ready[thread->priority]))
        priomap_clear(&executive->ready_map, thread->priority);
}

static struct thread *ready_best(void)
{
    struct site *site = site_self();
    int priority = priomap_first(&site->executive.ready_map);

    if (priority < 0)
        return site->cpu.idle;
    return LIST_ENTRY(list_first(&site->executive.ready[priority]), struct thread, link);
}

/* ---- Switching -------------------------------------------------------------------------- */

/* The quantum is the thread's own: what a preempted one had left it goes on with (I2). */
static void charge(struct thread *thread, uint64_t now_ns)
{
    uint64_t ran_ns = now_ns - thread->resumed_ns;

    thread->used_ns += ran_ns;
    thread->quantum_left_ns -= MIN(ran_ns, thread->quantum_left_ns);
    thread->resumed_ns = now_ns;
}

/* A turn needs an end only while an equal waits for it: most switches are between threads of
 * different priorities, or to one that is alone, and need no timer. */
static void quantum_arm(const struct thread *running, uint64_t now_ns)
{
    struct executive *executive = &site_self()->executive;

    if (has_quantum(running) && priomap_test(&executive->ready_map, running->priority))
        timer_set(&executive->quantum, now_ns + running->quantum_left_ns);
    else if (executive->quantum.set)
        timer_cancel(&executive->quantum);
}

static void switch_to(struct thread *next)
{
    struct site *site = site_self();
    struct thread *previous = site->cpu.current;
    uint64_t now_ns = clock_now_ns();

    ASSERT(next != previous);
    charge(previous, now_ns);
    next->resumed_ns = now_ns;
    if (next->quantum_left_ns == 0)
        next->quantum_left_ns = EXECUTIVE_QUANTUM_NS;
    quantum_arm(next, now_ns);
    site->executive.switches++;
    site->cpu.current = next;
    trace_add(&site->trace, TRACE_SWITCH, (uint32_t)previous->lid, (uintptr_t)next->lid, 0, 0);
    if (next->space != NULL && next->space != site->cpu.space) {
        site->cpu.space = next->space;
        mmu_activate(next->space);
    }
    context_switch(previous, next);
}

/* The best thread, taken out of its queue; idle if there is none. */
static struct thread *take_best(struct site *site)
{
    struct thread *best = site->executive.handed;

    if (best != NULL) {
        site->executive.handed = NULL;
        return best;
    }
    best = ready_best();
    if (best != site->cpu.idle)
        ready_remove(best);
    return best;
}

void executive_switch_away(void)
{
    struct site *site = site_self();
    struct thread *next = take_best(site);

    site->cpu.reschedule = false;
    if (next != site->cpu.current)
        switch_to(next);
}

void executive_preempt(void)
{
    struct site *site = site_self();
    struct thread *current = site->cpu.current;

    if (!site->cpu.reschedule)
        return;
    if (current == site->cpu.idle) {
        executive_switch_away();
        return;
    }
    handed_settle(&site->executive);
    site->cpu.reschedule = false;
    if (thread_is_eligible(current)) {
        /* A coarse clock may preempt a thread whose turn is over before it says so. */
        if (has_quantum(current))
            charge(current, clock_now_ns());
        bool turn_over = has_quantum(current) && current->quantum_left_ns == 0;
        struct thread *best = ready_best();

        if (best == site->cpu.idle || best->priority > current->priority ||
            (best->priority == current->priority && !turn_over))
            return;
        ready_insert(current, !turn_over);
    }
    executive_switch_away();
}

void executive_yield(void)
{
    struct thread *current = thread_self();

    if (thread_is_eligible(current)) {
        current->quantum_left_ns = 0;
        ready_insert(current, false);
    }
    executive_switch_away();
}

void executive_preemption_point(void)
{
    interrupt_window();
    executive_preempt();
}

static void quantum_expire(struct timer *timer)
{
    struct site *site = container_of(timer, struct site, executive.quantum);
    struct thread *current = site->cpu.current;

    charge(current, clock_now_ns());
    current->quantum_left_ns = 0;
    if (priomap_test(&site->executive.ready_map, current->priority))
        site->cpu.reschedule = true;
}

void executive_clock(void)
{
    timers_run(&site_self()->executive.timers, clock_now_ns());
}

/* ---- Eligibility ------------------------------------------------------------------------ */

void thread_activate(struct thread *thread)
{
    ASSERT(thread->state == THREAD_NEW);
    thread->state = THREAD_READY;
    thread_make_ready(thread);
}

void thread_make_ready(struct thread *thread)
{
    struct site *site = site_self();
    int best = priomap_first(&site->executive.ready_map);

    if (!thread_is_eligible(thread))
        return;
    if (site->executive.handed != NULL || (best >= 0 && best <= thread->priority)) {
        ready_insert(thread, false);
        return;
    }
    site->executive.handed = thread;
    site->cpu.reschedule = true; /* who does not wait next looks at the queues */
}

void thread_stop(struct thread *thread, uint32_t why)
{
    bool runs = thread->stops == 0 && thread->state == THREAD_READY;

    if (thread->dying)
        return; /* nothing may keep it from its end */
    handed_settle(&site_self()->executive);
    thread->stops |= why;
    if (!runs)
        return;
    if (thread == thread_self())
        site_self()->cpu.reschedule = true;
    else
        ready_remove(thread);
}

void thread_start(struct thread *thread, uint32_t why)
{
    bool stopped = thread->stops != 0;

    thread->stops &= ~why;
    if (stopped && thread_is_eligible(thread) && thread != thread_self())
        ready_insert(thread, false);
}

KnResult thread_schedule_check(const KnSchedParms *parms)
{
    if (parms->schedClass > K_SCHED_TS)
        return K_EINVAL;
    return parms->schedPriority >= K_PRIO_MAX && parms->schedPriority <= K_PRIO_MIN ? K_OK
                                                                                    : K_EINVAL;
}

void thread_schedule_set(struct thread *thread, const KnSchedParms *parms)
{
    handed_settle(&site_self()->executive);
    bool queued = thread->state == THREAD_READY && list_is_linked(&thread->link);

    ASSERT(thread_schedule_check(parms) == K_OK);
    if (queued)
        ready_remove(thread);
    thread->class = parms->schedClass;
    thread->priority = (uint8_t)parms->schedPriority;
    thread->quantum_left_ns = EXECUTIVE_QUANTUM_NS;
    if (queued)
        ready_insert(thread, false);
    site_self()->cpu.reschedule = true;
}

void executive_exit_thread(void)
{
    ASSERT(thread_self()->state == THREAD_DEAD);
    executive_switch_away();
    panic("a dead thread was switched to");
}
