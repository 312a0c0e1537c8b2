/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers that nobody can tell in advance or afterwards: ChaCha20 (RFC 8439) with fast key
 * erasure (Bernstein, 2017). For secrets; kit/random.h is for what must repeat.
 *
 * I1 Each request ends with a key that neither the bytes given out nor the old key's are part of:
 *    who learns the state learns nothing of what was given before.
 * I2 What is stirred in adds to what is secret about the state and takes nothing from it.
 */
#ifndef KIT_CHACHA_H
#define KIT_CHACHA_H

#include <stddef.h>
#include <stdint.h>

#define CHACHA_KEY_WORDS 8
#define CHACHA_BLOCK_BYTES 64

struct chacha {
    uint32_t key[CHACHA_KEY_WORDS];
};

/* RFC 8439, section 2.3: a block of the key stream. */
void chacha_block(uint8_t block[CHACHA_BLOCK_BYTES], const uint32_t key[CHACHA_KEY_WORDS],
                  uint32_t counter, const uint32_t nonce[3]);

/* Begins with a zeroed state; what a source of random numbers gives is stirred in, at least 256
 * bits of it before anything is drawn. */
void chacha_stir(struct chacha *chacha, uint64_t seed);

/* Fewer than 2^38 bytes at once. */
void chacha_draw(struct chacha *chacha, void *to, size_t bytes);

#endif
