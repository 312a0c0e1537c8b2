/* SPDX-License-Identifier: BSD-2-Clause */
/* The world: virtual time, the alarm, chance, and the life of its site. */
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

/* Where virtual time begins: above zero, as on a machine whose clock ran before the Nucleus
 * started. */
#define START_NS UINT64_C(1000000000)
#define UNIVERSAL_NS UINT64_C(1767225600000000000) /* 2026-01-01 at the start of the time base */
#define ARCHIVE_SKEW 16 /* the archive starts this far into a page: its base need not be aligned */

/* The functions of machine/sim_host.h have no argument that tells the world, as instructions
 * have none. */
static struct world *running;

struct world *world_self(void)
{
    return running;
}

/* ---- Time -------------------------------------------------------------------------------- */

uint64_t sim_host_now_ns(void)
{
    return running->now_ns;
}

uint64_t sim_host_universal_base_ns(void)
{
    return UNIVERSAL_NS;
}

uint64_t sim_host_resolution_ns(void)
{
    return running->options->tick_ns == 0 ? 1 : running->options->tick_ns;
}

void sim_host_advance(uint64_t work_ns)
{
    running->now_ns += work_ns;
    running->progress++;
}

void sim_host_alarm(uint64_t deadline_ns)
{
    uint64_t tick_ns = running->options->tick_ns;
    uint64_t ring_ns = deadline_ns > running->now_ns ? deadline_ns : running->now_ns;

    if (deadline_ns != WORLD_NEVER && tick_ns != 0)
        ring_ns = (ring_ns + tick_ns - 1) / tick_ns * tick_ns;
    running->ring_ns = deadline_ns == WORLD_NEVER ? WORLD_NEVER : ring_ns;
}

uint64_t sim_host_alarm_ns(void)
{
    return running->ring_ns;
}

bool sim_host_alarm_take(void)
{
    if (running->ring_ns > running->now_ns)
        return false;
    running->ring_ns = WORLD_NEVER;
    return true;
}

void sim_host_idle(void)
{
    running->progress++;
    if (running->ring_ns == WORLD_NEVER) {
        log_flush(running);
        fprintf(stderr, "world: at %.6f s no thread can run, and no alarm is set\n",
                (double)running->now_ns / 1e9);
        sim_host_end(1);
    }
    if (running->ring_ns > running->now_ns)
        running->now_ns = running->ring_ns;
}

/* ---- Chance ------------------------------------------------------------------------------ */

/* A counter, mixed: splitmix64 (Steele, Lea, Flood 2014), whose period is 2^64 from any seed. */
uint64_t sim_host_random(void)
{
    uint64_t z = running->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* ---- The site's life --------------------------------------------------------------------- */

/* The first function on the boot stack. */
static void site_boot(void *argument)
{
    struct world *world = argument;
    const struct world_options *options = world->options;
    struct sim_start start = {.arena = world->arena,
                              .memory_count = options->memory_count,
                              .archive = world->archive,
                              .stack = world->boot.stack,
                              .stack_bytes = world->boot.bytes,
                              .site = 1,
                              .command_line = options->command_line};

    stack_switch_end(NULL, &world->host_stack, &world->host_stack_bytes);
    memcpy(start.memory, options->memory, sizeof(start.memory));
    sim_site_start(&start);
}

void sim_host_end(int status)
{
    struct world *world = running;
    void *unused;

    world->status = status;
    if (status != 0)
        sanitizer_backtrace();
    sim_host_switch_begin(NULL, world->host_stack, world->host_stack_bytes);
    sim_switch(&unused, world->host_pointer);
    abort(); /* an ended site has nowhere to return to */
}

/* The archive lies at the end of memory, as a boot loader might place it. */
static bool archive_place(struct world *world)
{
    const struct world_options *options = world->options;
    const struct sim_range *last = &options->memory[options->memory_count - 1];
    size_t bytes;
    char *archive = archive_make(options->boot_program, &bytes);
    size_t room = memory_page_round(bytes + ARCHIVE_SKEW);

    if (archive == NULL || room > last->bytes / 2) {
        free(archive);
        return false;
    }
    world->archive = (struct sim_range){last->base + last->bytes - room + ARCHIVE_SKEW, bytes};
    memcpy(world->arena + (world->archive.base - options->memory[0].base), archive, bytes);
    free(archive);
    return true;
}

static bool world_make(struct world *world, const struct world_options *options)
{
    const struct sim_range *last = &options->memory[options->memory_count - 1];

    *world = (struct world){.options = options,
                            .now_ns = START_NS,
                            .ring_ns = WORLD_NEVER,
                            .random = options->seed};
    world->arena_bytes = last->base + last->bytes - options->memory[0].base;
    world->arena = memory_reserve(world->arena_bytes);
    if (world->arena == NULL || !archive_place(world)) {
        fputs("world: the site's memory cannot be had, or is too small\n", stderr);
        return false;
    }
    if (options->trace_path != NULL) {
        world->trace = fopen(options->trace_path, "w");
        if (world->trace == NULL) {
            perror(options->trace_path);
            return false;
        }
    }
    world->boot.stack = sim_host_stack_take(&world->boot.bytes);
    return world->boot.stack != NULL;
}

int world_run(struct world *world, const struct world_options *options)
{
    running = world;
    if (!world_make(world, options))
        return 1;
    watchdog_start(world);
    void *pointer = sim_stack_prepare(world->boot.stack, world->boot.bytes, site_boot, world);

    sim_host_switch_begin(&world->host_fiber, world->boot.stack, world->boot.bytes);
    sim_switch(&world->host_pointer, pointer);
    sim_host_switch_end(world->host_fiber);
    watchdog_stop();
    log_flush(world);
    if (world->trace != NULL && fclose(world->trace) != 0) {
        perror(options->trace_path);
        world->status = 1;
    }
    stacks_release(world);
    return world->status;
}
