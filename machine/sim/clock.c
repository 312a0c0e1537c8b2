/* SPDX-License-Identifier: BSD-2-Clause */
/* Time is the world's; work is time that passes. */
#include "machine/clock.h"

#include "machine/interrupt.h"
#include "machine/sim_host.h"
#include "machine/system.h"

#define SLICE_NS UINT64_C(1000000)

uint64_t clock_now_ns(void)
{
    return sim_host_now_ns();
}

void clock_arm(uint64_t deadline_ns)
{
    sim_host_alarm(deadline_ns);
}

uint64_t clock_resolution_ns(void)
{
    return sim_host_resolution_ns();
}

uint64_t clock_universal_base_ns(void)
{
    return sim_host_universal_base_ns();
}

/* An alarm in the middle of the slice ends it, so that it comes on time; the rest of the work
 * follows. */
void machine_work(uint64_t work_ns)
{
    uint64_t end_ns = sim_host_now_ns() + (work_ns < SLICE_NS ? work_ns : SLICE_NS);

    while (sim_host_now_ns() < end_ns) {
        uint64_t now_ns = sim_host_now_ns(), alarm_ns = sim_host_alarm_ns();
        uint64_t until_ns = alarm_ns > now_ns && alarm_ns < end_ns ? alarm_ns : end_ns;

        sim_host_advance(until_ns - now_ns);
        interrupt_window();
    }
}
