/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/pm/user.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/pm.h"
#include "subsystems/mix/pm/shortage.h"

long errno_of(KnResult error)
{
    switch (error) {
    case K_EFAULT:
    case K_EADDR:
    case K_EPROT:
        return -EFAULT;
    case K_ENOMEM:
        return -ENOMEM;
    case K_EABORT:
        return MIX_AGAIN;
    case K_ENOSPC:
        return -ENOSPC;
    case K_EFULL:
        return -EAGAIN;
    case K_EINVAL:
        return -EINVAL;
    case K_ENOTIMP:
        return -ENOSYS;
    case K_ETIMEOUT:
        return -ETIMEDOUT;
    default:
        return -EIO;
    }
}

static long result_of(KnResult status)
{
    return status == K_OK ? 0 : errno_of(status);
}

/* An abort is used up by now; whoever waits next looks for signals first. */
bool user_again(KnResult status)
{
    uintptr_t soft_register = 0;

    if ((status != K_ENOMEM && status != K_EABORT) || threadLoadR(&soft_register) != K_OK ||
        soft_register == 0)
        return false;
    struct task *task = (struct task *)soft_register;

    ASSERT(task->process != NULL);
    return !task_is_ending(task) && (status == K_EABORT || shortage_relieve(task));
}

bool is_user_range(VmAddr address, size_t bytes)
{
    return bytes <= MEMORY_TOP && address <= MEMORY_TOP - bytes;
}

long user_read(void *to, VmAddr from, size_t bytes)
{
    KnResult status = K_OK;

    if (!is_user_range(from, bytes))
        return -EFAULT;
    if (bytes == 0)
        return 0;
    do
        status = svCopyIn(from, to, bytes);
    while (user_again(status));
    return result_of(status);
}

long user_write(VmAddr to, const void *from, size_t bytes)
{
    KnResult status = K_OK;

    if (!is_user_range(to, bytes))
        return -EFAULT;
    if (bytes == 0)
        return 0;
    do
        status = svCopyOut(from, to, bytes);
    while (user_again(status));
    return result_of(status);
}

long user_string(char *to, VmAddr from, size_t bytes)
{
    KnResult status;

    if (!is_user_range(from, 1))
        return -EFAULT;
    do
        status = svCopyInString(from, to, bytes);
    while (user_again(status));
    if (status == K_ETOOMUCH)
        return -ENAMETOOLONG;
    return status >= 0 ? status : errno_of(status);
}
