/* SPDX-License-Identifier: BSD-2-Clause */
/* Putting a native actor's program into its (new) actor. */
#ifndef MACHINE_IMAGE_H
#define MACHINE_IMAGE_H

#include <stddef.h>

#include "chorus/types.h"

struct actor;

/*
 * Makes the regions of the program whose file is `image` in `actor` and fills `start` for its first
 * thread (entry, stack, argument). x86_64: a static-pie ELF. sim: the name of a linked-in program.
 * Errors: K_ENOEXEC, K_ENOMEM, K_EOVERLAP. After an error the actor may hold regions; the caller
 * deletes it.
 */
KnResult image_load(struct actor *actor, const void *image, size_t image_bytes, KnStartInfo *start);

/* The actor is being freed, its threads are gone: gives back what image_load took beside
 * regions. x86_64: nothing. */
void image_unload(struct actor *actor);

#endif
