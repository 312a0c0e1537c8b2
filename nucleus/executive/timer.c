/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/executive/timer.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "machine/clock.h"
#include "nucleus/site.h"

void timers_init(struct timers *timers)
{
    tree_init(&timers->tree);
    timers->armed_ns = TIMER_NEVER;
    timers->count = 0;
}

void timer_init(struct timer *timer, void (*expire)(struct timer *))
{
    timer->expire = expire;
    timer->set = false;
    timer->deadline_ns = TIMER_NEVER;
}

/* Equal deadlines are told apart by address, so each node has one place in the tree. */
static int timer_compare(const void *key, const struct tree_node *node)
{
    const struct timer *a = key;
    const struct timer *b = container_of(node, struct timer, node);

    if (a->deadline_ns != b->deadline_ns)
        return a->deadline_ns < b->deadline_ns ? -1 : 1;
    if (a == b)
        return 0;
    return (uintptr_t)a < (uintptr_t)b ? -1 : 1;
}

static void timers_arm(struct timers *timers)
{
    struct tree_node *first = tree_first(&timers->tree);
    uint64_t next_ns = first ? container_of(first, struct timer, node)->deadline_ns : TIMER_NEVER;

    if (next_ns != timers->armed_ns) {
        timers->armed_ns = next_ns;
        clock_arm(next_ns);
    }
}

void timer_set(struct timer *timer, uint64_t deadline_ns)
{
    struct timers *timers = &site_self()->executive.timers;

    if (timer->set)
        timer_cancel(timer);
    if (deadline_ns == TIMER_NEVER)
        return;
    timer->deadline_ns = deadline_ns;
    timer->set = true;
    timers->count++;
    tree_insert(&timers->tree, &timer->node, timer, timer_compare);
    if (deadline_ns < timers->armed_ns)
        timers_arm(timers);
}

/* The alarm stays armed: a needless one costs less than arming at every cancel. */
void timer_cancel(struct timer *timer)
{
    struct timers *timers = &site_self()->executive.timers;

    if (!timer->set)
        return;
    ASSERT(timers->count > 0);
    tree_remove(&timers->tree, &timer->node);
    timers->count--;
    timer->set = false;
}

void timers_run(struct timers *timers, uint64_t now_ns)
{
    struct tree_node *first;

    timers->armed_ns = TIMER_NEVER;
    while ((first = tree_first(&timers->tree)) != NULL) {
        struct timer *timer = container_of(first, struct timer, node);

        if (timer->deadline_ns > now_ns)
            break;
        timer_cancel(timer);
        timer->expire(timer);
    }
    timers_arm(timers);
}

uint64_t deadline_after(int64_t delay_ns)
{
    uint64_t now_ns = clock_now_ns();

    if (delay_ns < 0 || (uint64_t)delay_ns >= TIMER_NEVER - now_ns)
        return TIMER_NEVER;
    return now_ns + (uint64_t)delay_ns;
}
