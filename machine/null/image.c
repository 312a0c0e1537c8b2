/* SPDX-License-Identifier: BSD-2-Clause */
/* image.h. Reads the headers of an executable file, makes its regions, copies and relocates it. */
#include "machine/image.h"

KnResult image_load(struct actor *actor, const void *image, size_t image_bytes, KnStartInfo *start)
{
    (void)actor;
    (void)image;
    (void)image_bytes;
    (void)start;
    return K_ENOEXEC;
}

void image_unload(struct actor *actor)
{
    (void)actor;
}
