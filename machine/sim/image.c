/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs. The image of a native program is the text "native NAME": its code is linked into the
 * simulator, and loading it gives the actor a fresh state struct in host memory.
 *
 * I1 An actor has at most one program; its state lives as long as the actor.
 */
#include "machine/image.h"

#include "chorus/calls.h"
#include "chorus/program.h"
#include "kit/assert.h"
#include "kit/string.h"
#include "machine/sim/internal.h"
#include "machine/sim_gate.h"
#include "machine/sim_host.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"

#define NAME_BYTES 64
#define STATE_OFFSET 128 /* in the block; poison between the header and the state */

_Static_assert(sizeof(struct native) + 16 <= STATE_OFFSET,
               "the header has its place, and a gap after it");

struct native *native_of(const struct actor *actor)
{
    struct native *native = cpu_self()->machine.natives;

    while (native != NULL && native->actor != actor)
        native = native->next;
    return native;
}

/* The first thread of an actor starts here; when the program's main returns, the actor is done. */
static void native_begin(uintptr_t argument)
{
    static const uintptr_t self_words[SIM_GATE_WORDS] = {(uintptr_t)K_MYACTOR};
    struct native *native = native_of(thread_self()->home);

    ASSERT(native != NULL);
    native->program->main(native->state, argument);
    sim_gate(K_CALL_actorDelete, self_words);
    panic("an actor lives on after its end");
}

static KnResult name_parse(const char *image, size_t image_bytes, char *name)
{
    static const char word[] = "native ";
    size_t skip = sizeof(word) - 1, length = 0;

    if (image_bytes <= skip || memcmp(image, word, skip) != 0)
        return K_ENOEXEC;
    while (skip + length < image_bytes && image[skip + length] != '\n')
        length++;
    if (length == 0 || length >= NAME_BYTES)
        return K_ENOEXEC;
    memcpy(name, image + skip, length);
    name[length] = '\0';
    return K_OK;
}

KnResult image_load(struct actor *actor, const void *image, size_t image_bytes, KnStartInfo *start)
{
    struct machine_cpu *machine = &cpu_self()->machine;
    const struct actor_program *program;
    struct native *native;
    char name[NAME_BYTES];
    size_t bytes;

    if (name_parse(image, image_bytes, name) != K_OK)
        return K_ENOEXEC;
    program = sim_host_program(name);
    if (program == NULL)
        return K_ENOEXEC;
    if (native_of(actor) != NULL)
        return K_EOVERLAP;
    bytes = STATE_OFFSET + program->state_bytes;
    native = frames_fail(&site_self()->vm.frames) ? NULL : sim_host_memory_take(bytes);
    if (native == NULL)
        return K_ENOMEM;
    *native = (struct native){.next = machine->natives,
                              .actor = actor,
                              .program = program,
                              .state = (char *)native + STATE_OFFSET,
                              .state_bytes = program->state_bytes,
                              .block_bytes = bytes};
    sim_host_poison(native + 1, STATE_OFFSET - sizeof(struct native));
    machine->natives = native;
    *start =
        (KnStartInfo){.dsEntry = (VmAddr)native_begin,
                      .dsPrivilege = actor->privilege == K_SUPACTOR ? K_SUPTHREAD : K_USERTHREAD};
    return K_OK;
}

void image_unload(struct actor *actor)
{
    struct native **link = &cpu_self()->machine.natives;

    while (*link != NULL && (*link)->actor != actor)
        link = &(*link)->next;
    if (*link == NULL)
        return;
    struct native *native = *link;

    *link = native->next;
    sim_host_memory_give(native, native->block_bytes);
}
