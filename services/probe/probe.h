/* SPDX-License-Identifier: BSD-2-Clause */
/* Probe's state, and its ways to use a disk. See main.c. */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

#include "chorus/channel.h"
#include "chorus/sync.h"
#include "idl/console.h"
#include "idl/disk.h"
#include "service/service.h"

#define PROBE_LINE_BYTES 128
#define PROBE_WORDS 5
#define PROBE_DATA_BYTES DISK_TRANSFER_BYTES

/* A storm: each thread has its own sectors. */
#define STORM_THREADS 12u
#define STORM_SECTORS 16u

struct storm_thread {
    struct probe *probe;
    uint32_t number;
    KnResult status; /* K_OK, or the first that failed */
    uint8_t data[STORM_SECTORS * DISK_SECTOR_BYTES];
};

struct probe {
    struct idl_client console;
    char line[CHANNEL_PAYLOAD_MAX + 1];
    char *word[PROBE_WORDS];
    uint32_t words;
    uint8_t data[PROBE_DATA_BYTES];
    struct storm_thread storm[STORM_THREADS];
    uint64_t storm_disk, storm_rounds;
    KnSem storm_done;
};

/* The client of disk `index`. K_EINVAL: there cannot be such a one. */
KnResult probe_disk(struct idl_client *client, uint64_t index);

/* Sectors of bytes that depend on seed and place; `data` has room for as many as a request can
 * have, and more are asked for without touching it. K_ELOST: what was read is not what was
 * written. */
KnResult probe_write(uint8_t *data, uint64_t disk, uint64_t sector, uint64_t count, uint64_t seed);
KnResult probe_read(uint8_t *data, uint64_t disk, uint64_t sector, uint64_t count, uint64_t seed);
KnResult probe_flush(uint64_t disk);

/* STORM_THREADS that write and read, `rounds` times. The first failure. */
KnResult probe_storm(struct probe *probe, uint64_t disk, uint64_t rounds);

#endif
