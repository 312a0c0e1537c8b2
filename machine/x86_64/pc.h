/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of this machine share: the one object that holds what they know of the PC, and
 * their functions for one another. The machine contract's own functions are declared in
 * machine/include/machine.
 *
 * I1 Everything the machine writes stands in struct pc, in the processor's struct machine_cpu, in
 *    a thread's struct machine_thread, or in page tables; but for the tables of descriptors.c,
 *    which are sealed at boot.
 */
#ifndef X86_64_PC_H
#define X86_64_PC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/boot.h"
#include "machine/context.h"
#include "machine/interrupt.h"
#include "machine/x86_64/descriptors.h"
#include "machine/x86_64/offsets.h"

struct cpu;

#define LINES 24 /* of the I/O interrupt controller that we use: sources 0 to 23 */

/* How one line of the I/O interrupt controller is wired. */
struct line {
    uint32_t input;
    bool active_low;
    bool level;
};

/* What the firmware's tables told. */
struct acpi {
    uint64_t local_apic; /* physical addresses */
    uint64_t io_apic;
    struct line line[LINES];
    uint16_t power_port[2]; /* registers that switch the machine off; 0: unknown */
    uint16_t power_value[2];
};

enum log_device { LOG_UNKNOWN, LOG_DEBUG_PORT, LOG_SERIAL, LOG_NONE };

/* Supervisor stacks: which slots are taken, and a few stacks that stay mapped for the next
 * thread. */
struct stacks {
    uint64_t taken[MACHINE_STACK_SLOTS / 64];
    uint64_t kept; /* top of the first; each holds the next one's top in its last word. 0: none */
    uint32_t kept_count;
};

struct pc {
    struct boot_record record;
    struct acpi acpi;
    struct machine_space supervisor_space;
    struct task_state task;
    struct stacks stacks;
    enum log_device log;

    /* The processor. */
    bool has_smap, has_random, has_seed;
    bool random_told; /* the log says that there is no hardware source */
    uint64_t random_state;
    uint64_t extended_components; /* XCR0; 0: the processor has FXSAVE only */
    uint32_t extended_bytes;
    uint32_t mxcsr_mask; /* bits that may be set */

    /* The clock. Multipliers are 32.32 fixed point. */
    uint64_t ns_per_tick;   /* of the time stamp counter */
    uint64_t alarms_per_ns; /* ticks of the local controller's timer a nanosecond */
    uint64_t universal_base_ns;

    uint32_t apic_id;
    uint32_t lines; /* the I/O controller's inputs */
};

extern struct pc pc;

/* ---- boot ---------------------------------------------------------------------------------- */

/* Writes why on the log and ends the site: what cannot go on before there is a panic(). */
_Noreturn void boot_die(const char *why);

/* start.S */
_Noreturn void boot_switch(uint64_t root, uint64_t stack_top, void (*next)(void));

/* pvh.c: memory, archive and command line from a loader that speaks PVH. Returns the physical
 * address of the firmware's tables, 0 if unknown. */
uint64_t pvh_read(uint32_t information, struct boot_record *record);

/* record.c */
void record_add_memory(struct boot_record *record, uint64_t base, uint64_t bytes);
void record_reserve(struct boot_record *record, uint64_t base, uint64_t bytes);
void record_set_command_line(struct boot_record *record, const char *text);
const struct boot_range *record_range_of(const struct boot_record *record, uint64_t base,
                                         uint64_t bytes);

/* tables.c: the final page tables, from free memory above the image. Returns the top table. */
uint64_t tables_build(struct boot_record *record, uint64_t image_base);

/* acpi.c: fills pc.acpi; with root_pointer 0, or damaged tables, with what a PC has had since
 * 1996. */
void acpi_read(uint64_t root_pointer);

/* ---- processor ------------------------------------------------------------------------------- */

/* descriptors.c; the stacks are numbers of slots (stack.c). */
void descriptors_load(void);

/* extended.c */
void extended_init(void);
void extended_prepare(void *area);
void extended_store(void *area);
void extended_load(const void *area);

/* trap.c, called by entry.S. true: sysret is exact. */
bool trap_syscall(KnThreadCtx *context);
bool trap_user(KnThreadCtx *context);
bool trap_return(KnThreadCtx *context);
void trap_supervisor(KnThreadCtx *frame);
void trap_paranoid(KnThreadCtx *frame);

/* entry.S */
void nucleus_gate(void);
void entry_syscall(void);
void entry_vectors(void); /* a stub of 16 bytes for each vector */
void entry_debug(void);
void entry_nmi(void);
void entry_double_fault(void);
void entry_machine_check(void);
void return_iretq(void); /* the instruction whose fault is the user's */
_Noreturn void return_to_user(KnThreadCtx *context);
void switch_stacks(struct thread *from, struct thread *to);
void thread_begin_user(void);
void thread_begin_supervisor(void);

/* context.c, called by entry.S. */
_Noreturn void context_begin_supervisor(uintptr_t entry, uintptr_t argument);

/* ---- memory ---------------------------------------------------------------------------------- */

/* stack.c: slots that boot fills. */
enum {
    STACK_BOOT,
    STACK_DOUBLE_FAULT,
    STACK_NMI,
    STACK_MACHINE_CHECK,
    STACK_DEBUG,
    STACK_FIRST_FREE
};

uint64_t stack_top_of(uint32_t slot);
void stack_reserve(uint32_t slot);
uint64_t stack_take(void); /* its top; 0: no memory, or no slot */
void stack_give(uint64_t top);

/* ---- devices --------------------------------------------------------------------------------- */

void apic_init(void);
void apic_end_of_interrupt(void);
void apic_timer_start(uint32_t ticks); /* 0 stops it */
uint32_t apic_timer_count(void);

void ioapic_init(void);

void clock_init(void);
void clock_alarm(void); /* the timer's interrupt */
uint64_t clock_from_ticks(uint64_t ticks);

uint64_t rtc_seconds(void); /* since 1970-01-01; 0: no sensible time */

void entropy_init(void);

#endif
