/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/medium.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/errno.h"
#include "service/service.h"

#define TRIES 5000u
#define WAIT_NS ((int64_t)1000000)

/*
 * A message may find no memory just when memory is what a transfer will make. Then it is tried
 * again for a while: a transfer that was made twice does no harm. false: the result stands.
 */
static bool try_again(KnResult status, uint32_t *tries)
{
    if ((status != K_ENOMEM && status != K_EFULL && status != K_ELOST) || ++*tries == TRIES)
        return false;
    (void)threadDelay(WAIT_NS);
    return true;
}

static KnResult read_piece(const struct medium *medium, const struct disk_read_in *in, void *to)
{
    struct disk_read_out out = {.data = to, .data_room = in->count};
    uint32_t tries = 0;
    KnResult status;

    do
        status = disk_read(&medium->client, in, &out);
    while (try_again(status, &tries));
    return status == K_OK && out.data_bytes != in->count ? K_EIO : status;
}

static KnResult write_piece(const struct medium *medium, const struct disk_write_in *in)
{
    uint32_t tries = 0;
    KnResult status;

    do
        status = disk_write(&medium->client, in);
    while (try_again(status, &tries));
    return status;
}

static int errno_of(KnResult status)
{
    if (status == K_OK)
        return 0;
    return status == K_EPROT ? -EROFS : -EIO;
}

int medium_open(struct medium *medium, uint32_t index)
{
    struct disk_geometry_out geometry;
    KnResult status = index < SERVICE_DISKS ? K_OK : K_EINVAL;

    if (status == K_OK)
        status = service_client(&medium->client, SERVICE_DISK(index), NULL, 0);
    if (status == K_OK)
        status = disk_geometry(&medium->client, &geometry);
    if (status != K_OK)
        return -ENXIO;
    medium->bytes = geometry.sectors * DISK_SECTOR_BYTES;
    medium->is_read_only = geometry.read_only != 0;
    medium->needs_flush = geometry.flush_needed != 0;
    return 0;
}

int medium_read(const struct medium *medium, uint64_t at, void *to, uint32_t bytes,
                enum medium_class class)
{
    uint8_t *next = to;
    KnResult status = K_OK;

    ASSERT(IS_ALIGNED(at, DISK_SECTOR_BYTES) && IS_ALIGNED(bytes, DISK_SECTOR_BYTES));
    while (bytes > 0 && status == K_OK) {
        struct disk_read_in in = {.sector = at / DISK_SECTOR_BYTES,
                                  .count = MIN(bytes, DISK_TRANSFER_BYTES),
                                  .class = class};

        status = read_piece(medium, &in, next);
        at += in.count;
        next += in.count;
        bytes -= in.count;
    }
    return errno_of(status);
}

int medium_write(const struct medium *medium, uint64_t at, const void *from, uint32_t bytes,
                 enum medium_class class)
{
    const uint8_t *next = from;
    KnResult status = K_OK;

    ASSERT(IS_ALIGNED(at, DISK_SECTOR_BYTES) && IS_ALIGNED(bytes, DISK_SECTOR_BYTES));
    while (bytes > 0 && status == K_OK) {
        uint32_t piece = MIN(bytes, DISK_TRANSFER_BYTES);
        struct disk_write_in in = {.sector = at / DISK_SECTOR_BYTES,
                                   .class = class,
                                   .data = next,
                                   .data_bytes = piece};

        status = write_piece(medium, &in);
        at += piece;
        next += piece;
        bytes -= piece;
    }
    return errno_of(status);
}

int medium_flush(const struct medium *medium)
{
    const struct disk_flush_in in = {.class = DISK_METADATA};
    uint32_t tries = 0;
    KnResult status;

    if (!medium->needs_flush)
        return 0;
    do
        status = disk_flush(&medium->client, &in);
    while (try_again(status, &tries));
    return errno_of(status);
}
