/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls that move data: between memory and a file, and from file to file. */
#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/syscalls.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/proc.h"
#include "subsystems/mix/pm/user.h"

#define MOST_BYTES 0x7ffff000u    /* what Linux moves in one call */
#define PIECE_BYTES (size_t)16384 /* that pass PM's memory at once: the heap's largest class */

enum direction { READ, WRITE };

static long may_move(const struct file *file, enum direction direction)
{
    uint32_t access = file->flags & O_ACCMODE;

    if ((file->flags & O_PATH) != 0 || (direction == READ && access == O_WRONLY) ||
        (direction == WRITE && access == O_RDONLY))
        return -EBADF;
    if (file->operations == &directory_operations || file->operations == &proc_directory_operations)
        return direction == READ ? -EISDIR : -EBADF;
    if ((direction == READ ? file->operations->read : file->operations->write) == NULL)
        return -EINVAL;
    return 0;
}

static long move(struct task *task, struct file *file, enum direction direction, VmAddr buffer,
                 size_t bytes, uint64_t *offset)
{
    bytes = MIN(bytes, MOST_BYTES);
    if (direction == READ)
        return file->operations->read(task, file, buffer, bytes, offset);
    return file->operations->write(task, file, buffer, bytes, offset);
}

/* At the description's own offset, which two tasks move one after the other. */
static long move_on(struct task *task, struct file *file, enum direction direction, VmAddr buffer,
                    size_t bytes)
{
    uint64_t none = 0;
    long result;

    if (!file->operations->seekable)
        return move(task, file, direction, buffer, bytes, &none);
    mutexGet(&file->offset_lock);
    result = move(task, file, direction, buffer, bytes, &file->offset);
    mutexRel(&file->offset_lock);
    return result;
}

static long move_fd(struct task *task, int32_t fd, enum direction direction, VmAddr buffer,
                    size_t bytes)
{
    struct file *file = descriptor_get(task->process, fd);
    long result;

    if (file == NULL)
        return -EBADF;
    result = may_move(file, direction);
    if (result == 0 && !is_user_range(buffer, bytes))
        result = -EFAULT;
    if (result == 0)
        result = move_on(task, file, direction, buffer, bytes);
    file_drop(task->process->pm, file);
    return result;
}

long sys_read(struct task *task, int32_t fd, VmAddr buffer, size_t bytes)
{
    return move_fd(task, fd, READ, buffer, bytes);
}

long sys_write(struct task *task, int32_t fd, VmAddr buffer, size_t bytes)
{
    return move_fd(task, fd, WRITE, buffer, bytes);
}

static long move_at(struct task *task, int32_t fd, enum direction direction, VmAddr buffer,
                    size_t bytes, int64_t offset)
{
    struct file *file = descriptor_get(task->process, fd);
    uint64_t at = (uint64_t)offset;
    long result;

    if (file == NULL)
        return -EBADF;
    if (!file->operations->seekable)
        result = -ESPIPE;
    else if (offset < 0)
        result = -EINVAL;
    else
        result = may_move(file, direction);
    if (result == 0 && !is_user_range(buffer, bytes))
        result = -EFAULT;
    if (result == 0)
        result = move(task, file, direction, buffer, bytes, &at);
    file_drop(task->process->pm, file);
    return result;
}

long sys_pread64(struct task *task, int32_t fd, VmAddr buffer, size_t bytes, int64_t offset)
{
    return move_at(task, fd, READ, buffer, bytes, offset);
}

long sys_pwrite64(struct task *task, int32_t fd, VmAddr buffer, size_t bytes, int64_t offset)
{
    return move_at(task, fd, WRITE, buffer, bytes, offset);
}

/* ---- Several buffers ---------------------------------------------------------------------- */

struct vector {
    struct linux_iovec *pieces; /* on PM's heap */
    uint32_t count;
    size_t bytes;
};

static size_t vector_room(uint32_t count)
{
    return MAX(count, 1u) * sizeof(struct linux_iovec);
}

static long vector_read(struct heap *heap, struct vector *vector, VmAddr from, uint32_t count)
{
    long result;

    if (count > IOV_MAX)
        return -EINVAL;
    *vector = (struct vector){heap_allocate(heap, vector_room(count)), count, 0};
    if (vector->pieces == NULL)
        return -ENOMEM;
    result = user_read(vector->pieces, from, count * sizeof(*vector->pieces));
    for (uint32_t i = 0; i < count && result == 0; i++) {
        if (vector->pieces[i].bytes > (uint64_t)INT64_MAX)
            result = -EINVAL;
        else if (!is_user_range(vector->pieces[i].base, vector->pieces[i].bytes))
            result = -EFAULT;
        vector->bytes = MIN(vector->bytes + vector->pieces[i].bytes, MOST_BYTES);
    }
    if (result < 0)
        heap_free(heap, vector->pieces, vector_room(count));
    return result;
}

static long move_pieces(struct task *task, struct file *file, enum direction direction,
                        const struct vector *vector, uint64_t *offset)
{
    long total = 0;

    for (uint32_t i = 0; i < vector->count; i++) {
        const struct linux_iovec *piece = &vector->pieces[i];
        size_t bytes = MIN(piece->bytes, MOST_BYTES - (size_t)total);
        long result = bytes == 0 ? 0 : move(task, file, direction, piece->base, bytes, offset);

        if (result < 0)
            return total > 0 ? total : result;
        total += result;
        if ((size_t)result < piece->bytes)
            break;
    }
    return total;
}

/* Copies the first bytes between a vector's pieces and PM's memory. */
static long copy_pieces(const struct vector *vector, enum direction direction, char *memory,
                        size_t bytes)
{
    long result = 0;

    for (uint32_t i = 0; i < vector->count && bytes > 0 && result == 0; i++) {
        size_t now = MIN(vector->pieces[i].bytes, bytes);

        result = direction == READ ? user_write(vector->pieces[i].base, memory, now)
                                   : user_read(memory, vector->pieces[i].base, now);
        memory += now;
        bytes -= now;
    }
    return result;
}

/* How much of a vector can be read into: up to the first byte that may not be written. */
static size_t room_of(struct process *process, const struct vector *vector)
{
    size_t room = 0;

    for (uint32_t i = 0; i < vector->count; i++) {
        const struct linux_iovec *piece = &vector->pieces[i];
        size_t writable = memory_writable(process, piece->base, piece->bytes);

        room += writable;
        if (writable < piece->bytes)
            break;
    }
    return MIN(room, vector->bytes);
}

/* The whole vector in one read or write: of a pipe or a terminal a second read would wait, and
 * others' writes, or appends, would come between two. */
static long move_as_one(struct task *task, struct file *file, enum direction direction,
                        const struct vector *vector, uint64_t *offset)
{
    struct heap *heap = &task->process->pm->heap;
    size_t bytes = direction == READ ? room_of(task->process, vector) : vector->bytes;
    char *whole;
    long result = 0;

    ASSERT(direction == READ || bytes <= PIECE_BYTES);
    if (bytes == 0)
        return -EFAULT;
    bytes = MIN(bytes, PIECE_BYTES);
    whole = heap_allocate(heap, bytes);
    if (whole == NULL)
        return -ENOMEM;
    if (direction == WRITE)
        result = copy_pieces(vector, WRITE, whole, bytes);
    if (result == 0)
        result = move(task, file, direction, (VmAddr)whole, bytes, offset);
    else
        result = move_pieces(task, file, direction, vector, offset); /* as far as it goes */
    if (result > 0 && direction == READ && copy_pieces(vector, READ, whole, (size_t)result) < 0)
        result = -EFAULT;
    heap_free(heap, whole, bytes);
    return result;
}

static long move_whole(struct task *task, struct file *file, enum direction direction,
                       const struct vector *vector, uint64_t *offset)
{
    bool is_one = direction == READ ? file->operations->pollable : vector->bytes <= PIECE_BYTES;
    uint32_t filled = 0;

    for (uint32_t i = 0; i < vector->count; i++)
        filled += vector->pieces[i].bytes > 0;
    if (is_one && filled > 1)
        return move_as_one(task, file, direction, vector, offset);
    return move_pieces(task, file, direction, vector, offset);
}

/* At `*at`; NULL: where the description stands. */
static long move_vector(struct task *task, struct file *file, enum direction direction,
                        const struct vector *vector, const int64_t *at)
{
    uint64_t offset = at != NULL ? (uint64_t)*at : 0;
    long result;

    ASSERT(vector->bytes <= MOST_BYTES && vector->count <= IOV_MAX);
    if (at != NULL || !file->operations->seekable)
        return move_whole(task, file, direction, vector, &offset);
    mutexGet(&file->offset_lock);
    result = move_whole(task, file, direction, vector, &file->offset);
    mutexRel(&file->offset_lock);
    return result;
}

static long move_vector_fd(struct task *task, int32_t fd, enum direction direction, VmAddr from,
                           uint32_t count, const int64_t *at)
{
    struct pm *pm = task->process->pm;
    struct file *file = descriptor_get(task->process, fd);
    struct vector vector;
    long result = file == NULL ? -EBADF : 0;

    if (result == 0 && at != NULL && !file->operations->seekable)
        result = -ESPIPE;
    if (result == 0)
        result = may_move(file, direction);
    if (result == 0)
        result = vector_read(&pm->heap, &vector, from, count);
    if (result == 0) {
        result = move_vector(task, file, direction, &vector, at);
        heap_free(&pm->heap, vector.pieces, vector_room(count));
    }
    if (file != NULL)
        file_drop(pm, file);
    return result;
}

long sys_readv(struct task *task, int32_t fd, VmAddr vector, uint32_t count)
{
    return move_vector_fd(task, fd, READ, vector, count, NULL);
}

long sys_writev(struct task *task, int32_t fd, VmAddr vector, uint32_t count)
{
    return move_vector_fd(task, fd, WRITE, vector, count, NULL);
}

long sys_preadv(struct task *task, int32_t fd, VmAddr vector, uint32_t count, int64_t offset)
{
    return offset < 0 ? -EINVAL : move_vector_fd(task, fd, READ, vector, count, &offset);
}

long sys_pwritev(struct task *task, int32_t fd, VmAddr vector, uint32_t count, int64_t offset)
{
    return offset < 0 ? -EINVAL : move_vector_fd(task, fd, WRITE, vector, count, &offset);
}

/* The offset's upper half, `high`, is that of machines with smaller words. An offset of -1 is the
 * description's own. Flags are wishes that MiX knows none of. */
static long move_vector_flags(struct task *task, int32_t fd, enum direction direction,
                              VmAddr vector, uint32_t count, int64_t offset, uint32_t flags)
{
    if (flags != 0)
        return -EOPNOTSUPP;
    if (offset < -1)
        return -EINVAL;
    return move_vector_fd(task, fd, direction, vector, count, offset == -1 ? NULL : &offset);
}

long sys_preadv2(struct task *task, int32_t fd, VmAddr vector, uint32_t count, int64_t offset,
                 uintptr_t high, uint32_t flags)
{
    (void)high;
    return move_vector_flags(task, fd, READ, vector, count, offset, flags);
}

long sys_pwritev2(struct task *task, int32_t fd, VmAddr vector, uint32_t count, int64_t offset,
                  uintptr_t high, uint32_t flags)
{
    (void)high;
    return move_vector_flags(task, fd, WRITE, vector, count, offset, flags);
}

/* ---- From file to file -------------------------------------------------------------------- */

/* A piece of `in`, from `*offset` or, where that is NULL, from its own. */
static long piece_read(struct task *task, struct file *in, char *piece, size_t bytes,
                       uint64_t *offset)
{
    if (offset != NULL)
        return move(task, in, READ, (VmAddr)piece, bytes, offset);
    return move_on(task, in, READ, (VmAddr)piece, bytes);
}

/* What was read but not written is there to be read again. */
static void piece_return(struct file *in, size_t bytes, uint64_t *offset)
{
    if (offset != NULL) {
        *offset -= bytes;
        return;
    }
    mutexGet(&in->offset_lock);
    in->offset -= bytes;
    mutexRel(&in->offset_lock);
}

static long piece_write(struct task *task, struct file *out, char *piece, size_t bytes,
                        uint64_t *offset)
{
    if (offset != NULL)
        return move(task, out, WRITE, (VmAddr)piece, bytes, offset);
    return move_on(task, out, WRITE, (VmAddr)piece, bytes);
}

/* The data passes PM's memory: two copies, but no trap a piece. Offsets that are NULL are the
 * descriptions' own. */
static long send_pieces(struct task *task, struct file *out, uint64_t *out_offset, struct file *in,
                        uint64_t *in_offset, size_t bytes)
{
    struct heap *heap = &task->process->pm->heap;
    char *piece = heap_allocate(heap, PIECE_BYTES);
    size_t done = 0;
    long result = piece == NULL ? -ENOMEM : 0;

    while (result >= 0 && done < bytes && !(done > 0 && signal_is_pending(task))) {
        long got = piece_read(task, in, piece, MIN(bytes - done, PIECE_BYTES), in_offset);

        if (got <= 0) {
            result = got;
            break;
        }
        result = piece_write(task, out, piece, (size_t)got, out_offset);
        if (result < got)
            piece_return(in, (size_t)(got - MAX(result, 0)), in_offset);
        done += (size_t)MAX(result, 0);
        if (result < got)
            break;
    }
    heap_free(heap, piece, PIECE_BYTES);
    return done > 0 ? (long)done : result;
}

static long send_file(struct task *task, struct file *out, struct file *in, VmAddr offset,
                      size_t bytes)
{
    uint64_t at = 0;
    long result = may_move(in, READ);

    if (result == 0)
        result = may_move(out, WRITE);
    if (result == 0 && (in->operations != &regular_operations || (out->flags & O_APPEND) != 0))
        result = -EINVAL;
    if (result == 0 && offset != 0)
        result = user_read(&at, offset, sizeof(at));
    if (result == 0 && (int64_t)at < 0)
        result = -EINVAL;
    if (result < 0)
        return result;
    result = send_pieces(task, out, NULL, in, offset != 0 ? &at : NULL, MIN(bytes, MOST_BYTES));
    if (result >= 0 && offset != 0 && user_write(offset, &at, sizeof(at)) < 0)
        return -EFAULT;
    return result;
}

long sys_sendfile(struct task *task, int32_t out_fd, int32_t in_fd, VmAddr offset, size_t bytes)
{
    struct pm *pm = task->process->pm;
    struct file *in = descriptor_get(task->process, in_fd);
    struct file *out = descriptor_get(task->process, out_fd);
    long result = in == NULL || out == NULL ? -EBADF : send_file(task, out, in, offset, bytes);

    if (in != NULL)
        file_drop(pm, in);
    if (out != NULL)
        file_drop(pm, out);
    return result;
}

/* One side of copy_file_range. */
struct side {
    struct file *file;
    VmAddr at; /* where the caller keeps the offset; 0: it is the description's */
    uint64_t offset;
};

static long side_begin(struct side *side, enum direction direction)
{
    long result = may_move(side->file, direction);

    if (result == -EBADF && side->file->operations == &directory_operations)
        result = -EISDIR;
    if (result == 0 && side->file->operations != &regular_operations)
        result = -EINVAL;
    side->offset = side->file->offset;
    if (result == 0 && side->at != 0)
        result = user_read(&side->offset, side->at, sizeof(side->offset));
    return result == 0 && (int64_t)side->offset < 0 ? -EINVAL : result;
}

/* Within one file the ranges must be apart, as far as there is something to copy. */
static bool is_apart(const struct side *in, const struct side *out, uint64_t bytes)
{
    return in->file->device != out->file->device || in->file->inode != out->file->inode ||
           in->offset + bytes <= out->offset || out->offset + bytes <= in->offset;
}

static long copy_range(struct task *task, struct side *in, struct side *out, size_t bytes)
{
    struct linux_stat stat;

    ASSERT(in->file->operations == &regular_operations && (int64_t)in->offset >= 0);
    ASSERT(out->file->operations == &regular_operations && (int64_t)out->offset >= 0);
    long result = in->file->operations->stat(task, in->file, &stat);

    if (result < 0)
        return result;
    if ((out->file->flags & O_APPEND) != 0)
        return -EBADF;
    if (bytes > (uint64_t)INT64_MAX - MAX(in->offset, out->offset))
        return -EOVERFLOW;
    bytes = MIN(MIN(bytes, MOST_BYTES), (uint64_t)stat.size - MIN(in->offset, (uint64_t)stat.size));
    if (!is_apart(in, out, bytes))
        return -EINVAL;
    result = send_pieces(task, out->file, out->at != 0 ? &out->offset : NULL, in->file,
                         in->at != 0 ? &in->offset : NULL, bytes);
    if (result < 0)
        return result;
    if ((in->at != 0 && user_write(in->at, &in->offset, sizeof(in->offset)) < 0) ||
        (out->at != 0 && user_write(out->at, &out->offset, sizeof(out->offset)) < 0))
        return -EFAULT;
    return result;
}

long sys_copy_file_range(struct task *task, int32_t in_fd, VmAddr in_offset, int32_t out_fd,
                         VmAddr out_offset, size_t bytes, uint32_t flags)
{
    struct pm *pm = task->process->pm;
    struct side in = {.file = descriptor_get(task->process, in_fd), .at = in_offset};
    struct side out = {.file = descriptor_get(task->process, out_fd), .at = out_offset};
    long result = in.file == NULL || out.file == NULL ? -EBADF : 0;

    if (result == 0 && flags != 0)
        result = -EINVAL;
    if (result == 0)
        result = side_begin(&in, READ);
    if (result == 0)
        result = side_begin(&out, WRITE);
    if (result == 0)
        result = copy_range(task, &in, &out, bytes);
    if (in.file != NULL)
        file_drop(pm, in.file);
    if (out.file != NULL)
        file_drop(pm, out.file);
    return result;
}
