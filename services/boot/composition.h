/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A composition: which actors a site is made of. systems/README.md tells the format; this is its
 * reader. It takes bytes and gives a struct, and knows neither Nucleus nor archive.
 *
 * I1 A composition is right as a whole or refused: the error tells the line and what is wrong with
 *    it. No line is passed over.
 * I2 A name is of small letters, digits, '-' and '_': an actor's of 1 to K_NAMEMAX, a program's of
 *    1 to COMPOSITION_PROGRAM_MAX, so that "bin/NAME.supervisor" is what the Nucleus takes for the
 *    name of a member of the archive.
 */
#ifndef BOOT_COMPOSITION_H
#define BOOT_COMPOSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chorus/types.h"

#define COMPOSITION_BYTES_MAX 65536u
#define COMPOSITION_ACTORS_MAX 32u
#define COMPOSITION_PROGRAM_MAX (K_NAMEMAX - (sizeof("bin/.supervisor") - 1))
#define COMPOSITION_ERROR_BYTES 128

enum composition_root { ROOT_UNSAID, ROOT_TMPFS, ROOT_EXT2 };
enum composition_protect { PROTECT_UNSAID, PROTECT_NONE, PROTECT_ALL };

/* Pools of the Nucleus whose size a composition may set. */
enum composition_pool { POOL_ACTORS, POOL_THREADS, POOL_PORTS, POOL_MESSAGES, POOL_REGIONS, POOLS };

struct composition_actor {
    char name[K_NAMEMAX + 1];
    char program[COMPOSITION_PROGRAM_MAX +
                 1]; /* its file is bin/PROGRAM.user or bin/PROGRAM.supervisor */
    uint32_t line;
    bool supervisor; /* in supervisor space, by the flavour that calls directly */
    uint32_t priority;
    uint32_t threads; /* that serve; 0: as many as the program likes */
    uint32_t device;  /* which one, where a driver has several to choose from */
    bool calls;       /* may call the Nucleus */
    bool mapper;      /* serves segments */
    bool trusted;     /* may make the calls of system actors */
    bool optional;    /* the site does without it */
};

struct composition {
    enum composition_root root;
    enum composition_protect protect;
    uint32_t pool[POOLS]; /* 0: unsaid */
    struct composition_actor actor[COMPOSITION_ACTORS_MAX];
    uint32_t actors;
};

struct composition_error {
    uint32_t line; /* 0: the composition as a whole */
    char text[COMPOSITION_ERROR_BYTES];
};

/* false: it is refused, and *error tells why. */
bool composition_read(struct composition *composition, const char *text, size_t bytes,
                      struct composition_error *error);

/* What the actor is created as. In user space, authority beyond calls makes it a system actor. */
KnActorPrivilege composition_privilege(const struct composition_actor *actor);

#endif
