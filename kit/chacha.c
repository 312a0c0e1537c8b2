/* SPDX-License-Identifier: BSD-2-Clause */
#include "kit/chacha.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/endian.h"
#include "kit/string.h"

#define KEY_BYTES (CHACHA_KEY_WORDS * sizeof(uint32_t))
#define STATE_WORDS 16
#define DOUBLE_ROUNDS 10

/* The first word of a nonce: what is drawn and what is stirred in never meet in one block. */
enum { DRAWS = 0, STIRS = 1 };

static uint32_t rotate(uint32_t value, int bits)
{
    return value << bits | value >> (32 - bits);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 12);
    *a += *b;
    *d = rotate(*d ^ *a, 8);
    *c += *d;
    *b = rotate(*b ^ *c, 7);
}

void chacha_block(uint8_t block[CHACHA_BLOCK_BYTES], const uint32_t key[CHACHA_KEY_WORDS],
                  uint32_t counter, const uint32_t nonce[3])
{
    const uint32_t start[STATE_WORDS] = {
        0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, /* "expand 32-byte k" */
        key[0],     key[1],     key[2],     key[3],     key[4],   key[5],
        key[6],     key[7],     counter,    nonce[0],   nonce[1], nonce[2],
    };
    uint32_t word[STATE_WORDS];

    memcpy(word, start, sizeof(word));
    for (int round = 0; round < DOUBLE_ROUNDS; round++) {
        for (int i = 0; i < 4; i++) /* the columns, then the diagonals */
            quarter_round(&word[i], &word[4 + i], &word[8 + i], &word[12 + i]);
        for (int i = 0; i < 4; i++)
            quarter_round(&word[i], &word[4 + (i + 1) % 4], &word[8 + (i + 2) % 4],
                          &word[12 + (i + 3) % 4]);
    }
    for (int i = 0; i < STATE_WORDS; i++)
        le32_store(block + 4 * i, word[i] + start[i]);
}

static void key_load(struct chacha *chacha, const uint8_t *from)
{
    for (int i = 0; i < CHACHA_KEY_WORDS; i++)
        chacha->key[i] = le32_load(from + 4 * i);
}

void chacha_stir(struct chacha *chacha, uint64_t seed)
{
    const uint32_t nonce[3] = {STIRS, (uint32_t)seed, (uint32_t)(seed >> 32)};
    uint8_t block[CHACHA_BLOCK_BYTES];

    chacha_block(block, chacha->key, 0, nonce);
    key_load(chacha, block);
}

/* The first block's first half becomes the key; all else is given out. */
void chacha_draw(struct chacha *chacha, void *to, size_t bytes)
{
    static const uint32_t nonce[3] = {DRAWS, 0, 0};
    uint8_t next[KEY_BYTES], block[CHACHA_BLOCK_BYTES];
    size_t done = 0, skip = KEY_BYTES;

    ASSERT(bytes / CHACHA_BLOCK_BYTES < UINT32_MAX);
    chacha_block(block, chacha->key, 0, nonce);
    memcpy(next, block, KEY_BYTES);
    for (uint32_t counter = 1; done < bytes; counter++) {
        size_t piece = MIN(bytes - done, CHACHA_BLOCK_BYTES - skip);

        memcpy((uint8_t *)to + done, block + skip, piece);
        done += piece;
        skip = 0;
        if (done < bytes)
            chacha_block(block, chacha->key, counter, nonce);
    }
    key_load(chacha, next);
}
