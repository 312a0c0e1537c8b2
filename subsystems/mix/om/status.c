/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/status.h"

#include "mix/errno.h"

int status_errno(KnResult status)
{
    if (status >= 0)
        return 0;
    switch (status) {
    case K_EINVAL:
        return -EINVAL;
    case K_ENOMEM:
        return -ENOMEM;
    case K_ENOSPC:
        return -ENOSPC;
    case K_EPROT:
        return -EROFS;
    case K_EABORT:
        return -EINTR;
    default:
        return -EIO;
    }
}
