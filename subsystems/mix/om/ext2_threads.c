/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads that answer the Nucleus, each with a buffer of its own. They have a port and a loop
 * of their own, because they have to know when an answer has been sent.
 */
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/thread.h"
#include "kit/assert.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/ext2_fs.h"

#define ANSWER_NS UINT64_C(10000000000) /* after which the Nucleus gives an answer up */
#define STACK_BYTES 16384u

static KnResult work_once(struct ext2_mapper *mapper)
{
    union {
        KnMpRequest request;
        uint8_t annex[K_CMSGANNEXSIZE];
    } asked;
    union {
        KnMpReply reply;
        uint8_t annex[K_CMSGANNEXSIZE];
    } answered;
    KnMsgDesc receive = {.bodySize = EXT2_MAPPER_BODY_BYTES,
                         .bodyAddr = (VmAddr)mapper->body,
                         .annexAddr = (VmAddr)asked.annex};
    KnMsgDesc answer = {.bodyAddr = (VmAddr)mapper->body, .annexAddr = (VmAddr)answered.annex};
    int32_t li = mapper->fs->li;
    KnResult got = ipcReceive(&receive, &li, K_NOTIMEOUT);

    if (got < 0)
        return got;
    memset(&answered, 0, sizeof(answered));
    ext2_mapper_serve(mapper, &asked.request, (uint32_t)got, &answered.reply, &answer.bodySize);
    /* A Nucleus that gave up waits no more. One that waits gets an answer, if need be without data,
     * which needs no memory. */
    if (ipcReply(&answer) == K_ENOMEM) {
        answered.reply.mpDiag = K_ENOMEM;
        answer.bodySize = 0;
        (void)ipcReply(&answer);
    }
    ext2_mapper_sent(mapper);
    return K_OK;
}

static void mapper_work(uintptr_t argument)
{
    struct ext2_mapper *mapper = (struct ext2_mapper *)argument;
    struct ext2_fs *self = mapper->fs;
    KnCap port = {self->port, 0};
    KnResult status = svMapper(&port, ANSWER_NS);

    if (status != K_OK)
        ext2_tell("a thread cannot be a mapper's");
    do
        status = work_once(mapper);
    while (status == K_OK || status == K_EABORT || status == K_ENOMEM);
    lock_take(&self->fs.lock);
    self->threads--;
    signal_all(&self->changed);
    lock_give(&self->fs.lock);
}

static int mapper_make(struct ext2_fs *self, uint32_t index)
{
    struct ext2_mapper *mapper = heap_allocate_zeroed(self->heap, sizeof(*mapper));

    if (mapper == NULL)
        return -ENOMEM;
    self->mapper[index] = mapper;
    mapper->fs = self;
    mapper->copy = heap_allocate_zeroed(self->heap, self->cache.block_bytes);
    mapper->body = heap_allocate_zeroed(self->heap, EXT2_MAPPER_BODY_BYTES);
    return mapper->copy == NULL || mapper->body == NULL ? -ENOMEM : 0;
}

void ext2_mapper_free(struct ext2_fs *self, uint32_t index)
{
    struct ext2_mapper *mapper = self->mapper[index];

    if (mapper == NULL)
        return;
    heap_free(self->heap, mapper->copy, self->cache.block_bytes);
    heap_free(self->heap, mapper->body, EXT2_MAPPER_BODY_BYTES);
    heap_free(self->heap, mapper, sizeof(*mapper));
    self->mapper[index] = NULL;
}

static KnResult thread_start(struct ext2_fs *self, uint32_t index, KnSchedParms *sched)
{
    KnResult status;

    lock_take(&self->fs.lock);
    self->threads++;
    lock_give(&self->fs.lock);
    status = thread_launch(NULL, mapper_work, (uintptr_t)self->mapper[index], STACK_BYTES, sched);
    if (status != K_OK) {
        lock_take(&self->fs.lock);
        self->threads--;
        lock_give(&self->fs.lock);
    }
    return status;
}

int ext2_mappers_start(struct ext2_fs *self)
{
    KnSchedParms sched;
    KnResult status = portCreate(K_MYACTOR, &self->port);

    if (status < 0)
        return -ENOMEM;
    self->li = (int32_t)status; /* not enabled: OM's workers take from any port that is */
    status = threadScheduler(K_MYACTOR, K_MYSELF, &sched, NULL);
    for (uint32_t i = 0; i < EXT2_MAPPERS && status == K_OK; i++)
        status = mapper_make(self, i) == 0 ? thread_start(self, i, &sched) : K_ENOMEM;
    return status == K_OK ? 0 : -ENOMEM;
}

void ext2_mappers_end(struct ext2_fs *self)
{
    KnResult status;

    if (self->li == 0)
        return;
    status = portDelete(K_MYACTOR, self->li); /* ends their waiting */
    ASSERT(status == K_OK);
    self->li = 0;
}
