/* SPDX-License-Identifier: BSD-2-Clause */
#include "chorus/log.h"

const char *strSysError(KnResult error)
{
    switch (error) {
    case K_OK:
        return "success";
#define K_ERROR(name, value, text) \
    case name:                     \
        return text;
#include "abi/errors.def"
#undef K_ERROR
    default:
        return "unknown error";
    }
}
