/* SPDX-License-Identifier: BSD-2-Clause */
/* Device numbers as Linux packs them into 64 bits. */
#ifndef OM_DEVICE_H
#define OM_DEVICE_H

#include <stdint.h>

static inline uint64_t device_number(uint32_t major, uint32_t minor)
{
    return (uint64_t)(major & 0xfffff000u) << 32 | (uint64_t)(major & 0xfffu) << 8 |
           (uint64_t)(minor & 0xffffff00u) << 12 | (minor & 0xffu);
}

static inline uint32_t device_major(uint64_t number)
{
    return (uint32_t)(number >> 32 & 0xfffff000u) | (uint32_t)(number >> 8 & 0xfffu);
}

static inline uint32_t device_minor(uint64_t number)
{
    return (uint32_t)(number >> 12 & 0xffffff00u) | (uint32_t)(number & 0xffu);
}

#endif
