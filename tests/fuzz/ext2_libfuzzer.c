/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The same as ext2_mutate.c under libFuzzer: the input says where and how to damage a sound disk.
 * Its first byte chooses the disk; then each record of six bytes is the index of a block of
 * metadata (2), the offset in it (2), what to do (1) and a value (1).
 */
#include <stdlib.h>
#include <string.h>

#include "kit/endian.h"
#include "tests/fuzz/ext2_exercise.h"

#define RECORD_BYTES 6u
#define RECORDS_MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes_count);

/* Made at the first input and kept: making disks takes as long as a hundred sessions. */
static struct exercise_disk disks[EXERCISE_DISKS];

static void damage(const struct exercise_disk *disk, uint8_t *bytes, const uint8_t *record)
{
    uint32_t index = le16_load(record) % disk->metadata_count;
    uint32_t offset = le16_load(record + 2) % disk->block_bytes;
    uint8_t *block = bytes + (size_t)disk->metadata[index] * disk->block_bytes;
    uint8_t *word = block + (offset & ~3u);

    switch (record[4] % 4) {
    case 0:
        block[offset] = record[5];
        break;
    case 1:
        block[offset] ^= record[5];
        break;
    case 2:
        le32_store(word, le32_load(word) + (uint32_t)(int8_t)record[5]);
        break;
    default:
        le32_store(word, disk->metadata[record[5] % disk->metadata_count]);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes_count)
{
    struct exercise_outcome outcome = {0};
    const struct exercise_disk *disk = NULL;
    uint8_t *bytes = NULL;

    if (disks[0].bytes == NULL)
        exercise_make(disks);
    if (bytes_count == 0)
        return 0;
    disk = &disks[data[0] % EXERCISE_DISKS];
    bytes = malloc(disk->bytes_count);
    memcpy(bytes, disk->bytes, disk->bytes_count);
    for (size_t i = 0; i < RECORDS_MAX && 1 + (i + 1) * RECORD_BYTES <= bytes_count; i++)
        damage(disk, bytes, data + 1 + i * RECORD_BYTES);
    exercise_run(disk, bytes, &outcome);
    free(bytes);
    return 0;
}
