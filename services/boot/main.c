/* SPDX-License-Identifier: BSD-2-Clause */
/* The program: reads the composition, starts its actors in their order, and serves idl/boot.idl.
 * See boot.h. */
#include "boot.h"
#include "chorus/calls.h"
#include "chorus/log.h"
#include "chorus/program.h"
#include "chorus/thread.h"
#include "idl/boot.h"
#include "kit/assert.h"
#include "kit/string.h"
#include "server/server.h"
#include "service/service.h"

#define COMPOSITION_MEMBER "composition"

struct boot_state {
    struct boot boot;
    struct server server;
    uint8_t request[BOOT_REQUEST_BODY_MAX + 1];
    uint8_t reply[BOOT_REPLY_BODY_MAX]; /* before anything is served: the composition's text */
};

_Static_assert(BOOT_REPLY_BODY_MAX >= COMPOSITION_BYTES_MAX, "a composition has room");

/* ---- Operations ------------------------------------------------------------------------------ */

static KnResult serve_ready(void *server, const struct idl_context *context,
                            const struct boot_ready_in *in)
{
    struct boot *boot = server;
    struct child *child = __atomic_load_n(&boot->starting, __ATOMIC_ACQUIRE);

    (void)context;
    ASSERT(child == NULL || child->line != NULL);
    if (child == NULL || strcmp(child->line->name, in->name) != 0)
        return K_EINVAL;
    return child_change(child, CHILD_STARTING, CHILD_READY) ? K_OK : K_EINVAL;
}

static KnResult serve_find(void *server, const struct idl_context *context,
                           const struct boot_find_in *in, struct boot_find_out *out)
{
    const struct boot *boot = server;
    struct archive_member member;
    KnResult status;

    (void)context;
    if (in->name[0] == '\0')
        return K_EINVAL;
    status = archive_find(&boot->archive, in->name, &member);
    if (status != K_OK)
        return status;
    out->offset = member.offset;
    out->bytes = member.bytes;
    out->mode = member.mode;
    return K_OK;
}

static KnResult serve_read(void *server, const struct idl_context *context,
                           const struct boot_read_in *in, struct boot_read_out *out)
{
    const struct boot *boot = server;

    (void)context;
    if (in->count > out->data_room)
        return K_EINVAL;
    out->data_bytes = in->count;
    return archive_read(&boot->archive, in->offset, out->data, in->count);
}

static const struct boot_server_ops operations = {
    .ready = serve_ready,
    .find = serve_find,
    .read = serve_read,
};

static void work(uintptr_t argument)
{
    struct boot_state *state = (struct boot_state *)argument;
    const struct server_buffers buffers = {state->request, sizeof(state->request), state->reply,
                                           sizeof(state->reply)};
    KnResult status = server_work(&state->server, &buffers);

    log_print("boot: serving ends: %s\n", strSysError(status));
}

static KnResult server_start(struct boot_state *state)
{
    KnResult status = service_declare(SERVICE_BOOT);

    if (status < 0)
        return status;
    server_init(&state->server);
    status = server_add(&state->server, (int32_t)status, boot_service(&operations, &state->boot));
    if (status == K_OK)
        status = thread_launch(NULL, work, (uintptr_t)state, 0, &state->boot.sched);
    return status;
}

/* ---- The composition ------------------------------------------------------------------------- */

static bool composition_load(struct boot_state *state)
{
    struct boot *boot = &state->boot;
    char *text = (char *)state->reply;
    struct archive_member member;
    struct composition_error error;
    KnResult status = archive_find(&boot->archive, COMPOSITION_MEMBER, &member);

    if (status == K_OK && member.bytes > COMPOSITION_BYTES_MAX)
        status = K_ETOOMUCH;
    if (status == K_OK)
        status = archive_read(&boot->archive, member.offset, text, member.bytes);
    if (status != K_OK) {
        log_print("boot: member '%s' of the system archive: %s\n", COMPOSITION_MEMBER,
                  strSysError(status));
        return false;
    }
    if (composition_read(&boot->composition, text, (size_t)member.bytes, &error))
        return true;
    if (error.line > 0)
        log_print("boot: %s:%u: %s\n", COMPOSITION_MEMBER, error.line, error.text);
    else
        log_print("boot: %s: %s\n", COMPOSITION_MEMBER, error.text);
    return false;
}

/* Whether the word is among those of the command line. */
static bool command_line_has(const char *line, const char *word)
{
    size_t length = strlen(word);

    ASSERT(length > 0);
    for (const char *at = line; at != NULL; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, word, length) == 0 && (at[length] == ' ' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* ---- The order ------------------------------------------------------------------------------- */

/* One after another. false: the site cannot do without one that did not start. */
static bool children_start(struct boot *boot)
{
    for (uint32_t i = 0; i < boot->composition.actors; i++) {
        struct child *child = &boot->child[i];
        const char *doing = "";
        KnResult status;

        ASSERT(i < COMPOSITION_ACTORS_MAX && child->state == CHILD_NONE);
        child->line = &boot->composition.actor[i];
        child->boot = boot;
        __atomic_store_n(&boot->starting, child, __ATOMIC_RELEASE);
        status = child_start(child, boot->ready_ns, &doing);
        __atomic_store_n(&boot->starting, NULL, __ATOMIC_RELEASE);
        if (status == K_OK)
            continue;
        if (child->line->optional && status == K_ELOST) {
            log_print("boot: going on without actor '%s'\n", child->line->name);
            continue;
        }
        log_print("boot: %s:%u: actor '%s': cannot %s: %s\n", COMPOSITION_MEMBER, child->line->line,
                  child->line->name, doing,
                  status == K_ELOST ? "it has ended" : strSysError(status));
        if (!child->line->optional)
            return false;
    }
    return true;
}

/* All that starting actors needs. */
static KnResult start(struct boot_state *state)
{
    struct boot *boot = &state->boot;
    KnBootInfo info;
    KnResult status = svBootInfo(&info);

    if (status == K_OK)
        status = archive_open(&boot->archive);
    if (status == K_OK)
        status = threadScheduler(K_MYACTOR, K_MYSELF, &boot->sched, NULL);
    if (status == K_OK)
        boot->ready_ns =
            command_line_has(info.biCommandLine, "icount=1") ? K_NOTIMEOUT : BOOT_READY_NS;
    return status;
}

static void fail(const char *doing, KnResult status)
{
    log_print("boot: cannot %s: %s\n", doing, strSysError(status));
    svShutdown(1);
}

static void boot_main(struct boot_state *state, uintptr_t argument)
{
    KnResult status = start(state);

    (void)argument;
    if (status != K_OK)
        fail("start", status);
    if (!composition_load(state))
        svShutdown(1);
    status = server_start(state);
    if (status != K_OK)
        fail("serve", status);
    if (!children_start(&state->boot))
        svShutdown(1);
    for (;;) /* the actor lives as long as the site */
        (void)threadDelay(K_NOTIMEOUT);
}

ACTOR_PROGRAM(boot, struct boot_state, boot_main);
