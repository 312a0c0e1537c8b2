/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers in memory of a given byte order, at any address: le is least significant byte first, be
 * most significant first. Nothing is assumed of the processor; compilers make one instruction of
 * each.
 */
#ifndef KIT_ENDIAN_H
#define KIT_ENDIAN_H

#include <stdint.h>

static inline uint16_t le16_load(const void *from)
{
    const uint8_t *byte = from;

    return (uint16_t)(byte[0] | byte[1] << 8);
}

static inline uint32_t le32_load(const void *from)
{
    const uint8_t *byte = from;

    return byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16 | (uint32_t)byte[3] << 24;
}

static inline uint64_t le64_load(const void *from)
{
    const uint8_t *byte = from;

    return le32_load(byte) | (uint64_t)le32_load(byte + 4) << 32;
}

static inline uint16_t be16_load(const void *from)
{
    const uint8_t *byte = from;

    return (uint16_t)(byte[0] << 8 | byte[1]);
}

static inline uint32_t be32_load(const void *from)
{
    const uint8_t *byte = from;

    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

static inline uint64_t be64_load(const void *from)
{
    const uint8_t *byte = from;

    return (uint64_t)be32_load(byte) << 32 | be32_load(byte + 4);
}

static inline void le16_store(void *to, uint16_t value)
{
    uint8_t *byte = to;

    byte[0] = (uint8_t)value;
    byte[1] = (uint8_t)(value >> 8);
}

static inline void le32_store(void *to, uint32_t value)
{
    uint8_t *byte = to;

    byte[0] = (uint8_t)value;
    byte[1] = (uint8_t)(value >> 8);
    byte[2] = (uint8_t)(value >> 16);
    byte[3] = (uint8_t)(value >> 24);
}

static inline void le64_store(void *to, uint64_t value)
{
    uint8_t *byte = to;

    le32_store(byte, (uint32_t)value);
    le32_store(byte + 4, (uint32_t)(value >> 32));
}

static inline void be16_store(void *to, uint16_t value)
{
    uint8_t *byte = to;

    byte[0] = (uint8_t)(value >> 8);
    byte[1] = (uint8_t)value;
}

static inline void be32_store(void *to, uint32_t value)
{
    uint8_t *byte = to;

    byte[0] = (uint8_t)(value >> 24);
    byte[1] = (uint8_t)(value >> 16);
    byte[2] = (uint8_t)(value >> 8);
    byte[3] = (uint8_t)value;
}

static inline void be64_store(void *to, uint64_t value)
{
    uint8_t *byte = to;

    be32_store(byte, (uint32_t)(value >> 32));
    be32_store(byte + 4, (uint32_t)value);
}

#endif
