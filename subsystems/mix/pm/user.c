/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/pm/user.h"

#include "chorus/calls.h"
#include "subsystems/mix/pm/memory.h"
#include "subsystems/mix/pm/pm.h"

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
        return MIX_RESTART;
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

bool is_user_range(VmAddr address, size_t bytes)
{
    return bytes <= MEMORY_TOP && address <= MEMORY_TOP - bytes;
}

long user_read(void *to, VmAddr from, size_t bytes)
{
    if (!is_user_range(from, bytes))
        return -EFAULT;
    return bytes == 0 ? 0 : result_of(svCopyIn(from, to, bytes));
}

long user_write(VmAddr to, const void *from, size_t bytes)
{
    if (!is_user_range(to, bytes))
        return -EFAULT;
    return bytes == 0 ? 0 : result_of(svCopyOut(from, to, bytes));
}

long user_string(char *to, VmAddr from, size_t bytes)
{
    KnResult status = is_user_range(from, 1) ? svCopyInString(from, to, bytes) : K_EFAULT;

    if (status == K_ETOOMUCH)
        return -ENAMETOOLONG;
    return status >= 0 ? status : errno_of(status);
}
