/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that the Streams Manager has: pipes, terminals, the launcher's streams. */
#ifndef PM_STREAM_H
#define PM_STREAM_H

#include <stdint.h>

#include "mix/linux.h"

struct file;
struct process;
struct task;

/* Gives `file`, whose mode and rdev say what it is, its key at STM. device and inode name a
 * fifo. */
long stream_open(struct task *task, struct file *file, uint64_t device, uint64_t inode);

/* A stream of the launcher as a new file; `which` is STM_STDIN and so on. */
long stream_open_standard(struct task *task, uint32_t which, struct file **file);

/* A session's leader ends: its terminal is for others. */
void stream_session_end(const struct process *leader);

#endif
