/* SPDX-License-Identifier: BSD-2-Clause */
#include "chorus/calls.h"
#include "virtio/device.h"

KnResult dma_allocate(struct dma *dma, VmSize bytes)
{
    KnRgnDesc region = {.size = bytes, .options = K_ANYWHERE | K_READABLE | K_WRITABLE};
    KnResult status = svPagesAllocate(&region, &dma->physical);

    if (status != K_OK)
        return status;
    dma->address = region.startAddr;
    dma->bytes = region.size;
    return K_OK;
}
