/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The x87 and vector registers. Supervisor code never touches them, so a user thread's stay in
 * the processor until another user thread is about to run there (trap.c, load_thread). A thread's
 * area is a page.
 *
 * I1 An area always holds an image that XRSTOR, or FXRSTOR, takes: context_extended_load checks
 *    first.
 */
#include "kit/assert.h"
#include "kit/string.h"
#include "machine/context.h"
#include "machine/x86_64/cpu.h"
#include "machine/x86_64/pc.h"
#include "nucleus/site.h"
#include "nucleus/vm/frame.h"

#define CPUID_1_ECX_XSAVE (1u << 26)
#define CPUID_XSAVE 0xd

#define COMPONENTS_X87_SSE UINT64_C(0x03)
#define COMPONENT_AVX UINT64_C(0x04)
#define COMPONENTS_AVX512 UINT64_C(0xe0)

#define LEGACY_BYTES 512
#define MXCSR_OFFSET 24
#define MXCSR_MASK_OFFSET 28
#define MXCSR_AT_START 0x1f80u
#define MXCSR_MASK_DEFAULT 0xffbfu /* where the processor reports none */
#define X87_CONTROL_AT_START 0x37fu

/* Behind the legacy part of an image. */
struct xsave_header {
    uint64_t components; /* in the image; the others are in their initial state */
    uint64_t compact;    /* zero: standard format */
    uint64_t reserved[6];
};

/* ---- Instructions ---------------------------------------------------------------------------- */

static void xsetbv(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

void extended_store(void *area)
{
    uint32_t low = (uint32_t)pc.extended_components;
    uint32_t high = (uint32_t)(pc.extended_components >> 32);

    if (pc.extended_components != 0)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void extended_load(const void *area)
{
    uint32_t low = (uint32_t)pc.extended_components;
    uint32_t high = (uint32_t)(pc.extended_components >> 32);

    if (pc.extended_components != 0)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(low), "d"(high) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

/* ---- Start ----------------------------------------------------------------------------------- */

/* AVX needs SSE's, and AVX-512's parts need one another; what else a processor may have is not
 * for us. */
static uint64_t choose_components(void)
{
    uint64_t offered = cpuid(CPUID_XSAVE, 0).eax;
    uint64_t chosen = COMPONENTS_X87_SSE;

    if ((offered & COMPONENT_AVX) == 0)
        return chosen;
    chosen |= COMPONENT_AVX;
    if ((offered & COMPONENTS_AVX512) == COMPONENTS_AVX512)
        chosen |= COMPONENTS_AVX512;
    return chosen;
}

static uint32_t probe_mxcsr_mask(void)
{
    uint8_t area[LEGACY_BYTES] __attribute__((aligned(16)));
    uint32_t mask;

    memset(area, 0, sizeof(area));
    __asm__ volatile("fxsave64 %0" : "+m"(area));
    memcpy(&mask, area + MXCSR_MASK_OFFSET, sizeof(mask));
    return mask != 0 ? mask : MXCSR_MASK_DEFAULT;
}

void extended_init(void)
{
    pc.mxcsr_mask = probe_mxcsr_mask();
    pc.extended_bytes = LEGACY_BYTES;
    if ((cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) == 0)
        return;
    write_cr4(read_cr4() | CR4_XSAVE);
    pc.extended_components = choose_components();
    xsetbv(pc.extended_components);
    pc.extended_bytes = cpuid(CPUID_XSAVE, 0).ebx;
    ASSERT(pc.extended_bytes >= LEGACY_BYTES + sizeof(struct xsave_header) &&
           pc.extended_bytes <= PAGE_BYTES);
}

/* The state in which a program starts. */
void extended_prepare(void *area)
{
    const uint16_t control = X87_CONTROL_AT_START;
    const uint32_t mxcsr = MXCSR_AT_START;

    memset(area, 0, pc.extended_bytes);
    memcpy(area, &control, sizeof(control));
    memcpy((char *)area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}

/* ---- Images ---------------------------------------------------------------------------------- */

size_t context_extended_bytes(void)
{
    return pc.extended_bytes;
}

void context_extended_save(struct thread *thread, void *image)
{
    ASSERT(thread->machine.extended != NULL);
    if (cpu_self()->machine.user_thread == thread)
        extended_store(thread->machine.extended);
    memcpy(image, thread->machine.extended, pc.extended_bytes);
}

static bool header_is_harmless(const struct xsave_header *header)
{
    uint64_t reserved = header->compact;

    for (size_t i = 0; i < sizeof(header->reserved) / sizeof(header->reserved[0]); i++)
        reserved |= header->reserved[i];
    return reserved == 0 && (header->components & ~pc.extended_components) == 0;
}

KnResult context_extended_load(struct thread *thread, const void *image)
{
    struct machine_cpu *cpu = &cpu_self()->machine;
    struct xsave_header header;
    uint32_t mxcsr;

    ASSERT(thread->machine.extended != NULL);
    memcpy(&mxcsr, (const char *)image + MXCSR_OFFSET, sizeof(mxcsr));
    if ((mxcsr & ~pc.mxcsr_mask) != 0)
        return K_EINVAL;
    if (pc.extended_components != 0) {
        memcpy(&header, (const char *)image + LEGACY_BYTES, sizeof(header));
        if (!header_is_harmless(&header))
            return K_EINVAL;
    }
    memcpy(thread->machine.extended, image, pc.extended_bytes);
    if (cpu->user_thread == thread)
        cpu->user_thread = NULL; /* what the processor holds is no longer the thread's */
    return K_OK;
}
