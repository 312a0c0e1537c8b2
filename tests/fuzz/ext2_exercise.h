/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damaged ext2 disks, for both fuzzers: small sound disks to damage, where their metadata is, and a
 * session of reading and changing that the core must survive.
 *
 * A session fails, by ending the program, if the core asserts, goes out of bounds, breaks an
 * invariant, needs more passes than a small disk can justify, or returns an error that damage does
 * not explain.
 */
#ifndef EXT2_EXERCISE_H
#define EXT2_EXERCISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXERCISE_DISKS 3u
#define EXERCISE_BLOCKS_MAX 1024u

/* One sound disk and the numbers of the blocks that hold its metadata. */
struct exercise_disk {
    uint8_t *bytes;
    size_t bytes_count;
    uint32_t block_bytes;
    uint32_t metadata[EXERCISE_BLOCKS_MAX];
    uint32_t metadata_count;
};

/* How often sessions ended in which way. */
struct exercise_outcome {
    uint32_t refused;   /* not mounted at all */
    uint32_t read_only; /* mounted, but damage was met then or later */
    uint32_t unnoticed; /* the damage did not matter to what was done */
};

/* Makes the disks: blocks of 1 KiB, of 4 KiB, and one that was left with deleted files open. */
void exercise_make(struct exercise_disk disks[EXERCISE_DISKS]);
void exercise_free(struct exercise_disk disks[EXERCISE_DISKS]);

/* Mounts the damaged bytes of a disk, which it changes, and works on it. */
void exercise_run(const struct exercise_disk *disk, uint8_t *bytes,
                  struct exercise_outcome *outcome);

#endif
