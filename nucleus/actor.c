/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/actor.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "machine/image.h"
#include "machine/system.h"
#include "nucleus/calls.h"
#include "nucleus/site.h"
#include "nucleus/status.h"
#include "nucleus_calls.h"

void actors_init(struct actors *actors)
{
    slab_pool_init(&actors->pool, sizeof(struct actor), ACTOR_LIMIT);
    slab_pool_init(&actors->threads, sizeof(struct thread), THREAD_LIMIT);
    list_init(&actors->all);
    list_init(&actors->dying);
    list_init(&actors->dead);
}

static void actor_free(struct actor *actor)
{
    struct site *site = site_self();

    if (!actor->context->supervisor)
        context_destroy_user(actor->context);
    ui_leave(&site->executive.names, &actor->name_entry);
    list_remove(&actor->in_site);
    site->actors.count--;
    slab_free(&site->actors.pool, actor);
}

struct actor *actor_create(KnActorPrivilege privilege)
{
    struct site *site = site_self();
    struct actor *actor = slab_allocate(&site->actors.pool);

    if (actor == NULL)
        return NULL;
    actor->context =
        privilege == K_SUPACTOR ? &site->vm.contexts.supervisor : context_create_user();
    if (actor->context == NULL) {
        slab_free(&site->actors.pool, actor);
        return NULL;
    }
    actor->privilege = privilege;
    actor->key = machine_random();
    actor->calls_granted = true;
    list_init(&actor->threads);
    list_init(&actor->ports);
    list_init(&actor->segments);
    list_init(&actor->in_site);
    list_init(&actor->in_dying);
    wait_queue_init(&actor->any_receivers);
    wait_queue_init(&actor->death);
    ui_enter(&site->executive.names, &actor->name_entry, ui_new(&site->executive.names, K_UIACTOR));
    list_add_tail(&site->actors.all, &actor->in_site);
    site->actors.count++;
    if (port_create(actor, (KnUniqueId){0, 0}) == NULL) {
        actor_free(actor);
        return NULL;
    }
    return actor;
}

static KnResult actor_of_cap(const KnCap *cap, struct actor **actor)
{
    struct ui_entry *entry =
        ui_type(cap->ui) == K_UIACTOR ? ui_find(&site_self()->executive.names, cap->ui) : NULL;

    if (entry == NULL)
        return K_EUNKNOWN;
    *actor = container_of(entry, struct actor, name_entry);
    return (*actor)->key == cap->key ? K_OK : K_EINVAL;
}

KnResult actor_argument(struct thread *self, VmAddr cap, struct actor **actor)
{
    KnCap copy;
    KnResult status;

    if (cap == (VmAddr)K_MYACTOR) {
        *actor = self->execution;
        return K_OK;
    }
    status = copy_in(&copy, cap, sizeof(copy));
    if (status == K_OK)
        status = actor_of_cap(&copy, actor);
    if (status == K_OK && (*actor)->killed)
        status = K_EUNKNOWN;
    return status;
}

/* ---- End --------------------------------------------------------------------------------- */

static void forget_handlers_of(struct actor *owner)
{
    struct actor *actor;

    LIST_FOR_EACH(actor, &site_self()->actors.all, in_site) {
        struct actor_handler *handlers[] = {&actor->trap, &actor->exception, &actor->abort};

        for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
            if (handlers[i]->owner == owner)
                *handlers[i] = (struct actor_handler){NULL, 0, NULL};
        }
    }
}

void actor_kill(struct actor *actor)
{
    struct thread *thread;
    struct list *link, *next;

    if (actor->killed)
        return;
    actor->killed = true;
    forget_handlers_of(actor);
    ipc_actor_end(actor);
    supervisor_forget(&site_self()->supervisor, actor);
    for (link = actor->threads.next; link != &actor->threads; link = next) {
        next = link->next; /* a thread that never ran leaves the list at once */
        thread = LIST_ENTRY(link, struct thread, in_actor);
        thread_kill(thread);
    }
    actor_bury(actor);
}

void actor_bury(struct actor *actor)
{
    if (!actor->killed || actor->thread_count > 0 || actor->visitors > 0)
        return;
    if (!list_is_linked(&actor->in_dying))
        list_add_tail(&site_self()->actors.dying, &actor->in_dying);
}

/* One step of taking an actor apart: a region, a segment, or the end. */
static void actor_dismantle(struct actor *actor)
{
    struct context *context = actor->context;
    KnResult status = region_free_range(context, actor, context->low, context->high);

    ASSERT(status == STATUS_AGAIN || status == K_OK);
    if (status == STATUS_AGAIN)
        return;
    if (!list_is_empty(&actor->segments)) {
        cache_end_segment(LIST_ENTRY(list_first(&actor->segments), struct cache, of_owner));
        return;
    }
    list_remove(&actor->in_dying);
    image_unload(actor);
    wait_queue_wake_all(&actor->death, K_OK);
    actor_free(actor);
}

void nucleus_reap(void)
{
    struct actors *actors = &site_self()->actors;

    threads_reap();
    while (!list_is_empty(&actors->dying)) {
        actor_dismantle(LIST_ENTRY(list_first(&actors->dying), struct actor, in_dying));
        executive_preemption_point();
    }
    caches_reap();
}

/* ---- Calls ------------------------------------------------------------------------------- */

KnResult call_actorCreate(struct thread *self, VmAddr init, VmAddr actor,
                          KnActorPrivilege privilege, KnActorStatus status)
{
    struct actor *model, *created;
    KnResult result = actor_argument(self, init, &model);
    KnCap cap = {{0, 0}, 0};

    if (result == K_OK)
        result = copy_out(actor, &cap, sizeof(cap));
    if (result != K_OK)
        return result;
    if (privilege > K_SUPACTOR || status > K_STOPPED)
        return K_EINVAL;
    if (privilege > self->execution->privilege)
        return K_EPRIV;
    created = actor_create(privilege);
    if (created == NULL)
        return K_ENOMEM;
    created->trap = model->trap;
    created->exception = model->exception;
    created->abort = model->abort;
    created->pi = model->pi;
    port_of_li(created, K_DEFAULTPORT)->pi = model->pi;
    created->calls_granted = model->calls_granted;
    created->stopped = status == K_STOPPED;
    cap = (KnCap){created->name_entry.ui, created->key};
    result = copy_out(actor, &cap, sizeof(cap));
    if (result != K_OK)
        actor_kill(created);
    return result;
}

KnResult call_actorDelete(struct thread *self, VmAddr cap)
{
    struct actor *actor;
    KnResult status;

    status = actor_argument(self, cap, &actor);
    if (status != K_OK)
        return status;
    actor_kill(actor);
    if (actor == self->home || actor == self->execution)
        return K_OK;
    return thread_wait(&actor->death, TIMER_NEVER, true); /* woken with K_OK by its end */
}

KnResult call_actorSelf(struct thread *self, VmAddr cap)
{
    KnCap own = {self->execution->name_entry.ui, self->execution->key};

    return copy_out(cap, &own, sizeof(own));
}

KnResult call_actorStop(struct thread *self, VmAddr cap)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = actor_argument(self, cap, &actor);

    if (status != K_OK)
        return status;
    actor->stopped = true;
    LIST_FOR_EACH(thread, &actor->threads, in_actor) {
        thread_stop(thread, THREAD_STOP_ACTOR);
    }
    return K_OK;
}

KnResult call_actorStart(struct thread *self, VmAddr cap)
{
    struct actor *actor;
    struct thread *thread;
    KnResult status = actor_argument(self, cap, &actor);

    if (status != K_OK)
        return status;
    actor->stopped = false;
    LIST_FOR_EACH(thread, &actor->threads, in_actor) {
        thread_start(thread, THREAD_STOP_ACTOR);
    }
    return K_OK;
}

KnResult call_actorPi(struct thread *self, VmAddr cap, VmAddr old, VmAddr new)
{
    struct actor *actor;
    KnProtId pi;
    KnResult status = actor_argument(self, cap, &actor);

    if (status == K_OK && new != 0)
        status =
            self->execution->privilege == K_USERACTOR ? K_EPRIV : copy_in(&pi, new, sizeof(pi));
    if (status == K_OK && old != 0)
        status = copy_out(old, &actor->pi, sizeof(actor->pi));
    if (status == K_OK && new != 0)
        actor->pi = pi;
    return status;
}

KnResult name_exchange(char *name, VmAddr old, VmAddr new)
{
    char copy[K_NAMEMAX + 1];
    KnResult status = K_OK;

    if (new != 0)
        status = copy_in_string(copy, new, sizeof(copy));
    if (status == K_ETOOMUCH)
        return K_EINVAL;
    if (status >= 0 && old != 0)
        status = copy_out(old, name, K_NAMEMAX + 1);
    if (status < 0)
        return status;
    if (new != 0)
        strlcpy(name, copy, K_NAMEMAX + 1);
    return K_OK;
}

KnResult call_actorName(struct thread *self, VmAddr cap, VmAddr old, VmAddr new)
{
    struct actor *actor;
    KnResult status = actor_argument(self, cap, &actor);

    return status == K_OK ? name_exchange(actor->name, old, new) : status;
}

static uint32_t resident_pages(struct actor *actor)
{
    struct region *region = region_at_or_above(actor->context, 0);
    uint32_t pages = 0;

    for (; region != NULL; region = region_at_or_above(actor->context, region->end)) {
        if (region->actor == actor && region->cache != NULL)
            pages += region->cache->resident;
    }
    return pages;
}

KnResult call_actorStat(struct thread *self, uint32_t index, VmAddr stat)
{
    struct actor *actor;

    LIST_FOR_EACH(actor, &site_self()->actors.all, in_site) {
        if (index-- > 0)
            continue;
        KnActorStat result = {
            .asUi = actor->name_entry.ui,
            .asKey = self->execution->privilege >= K_SYSTEMACTOR ? actor->key : 0,
            .asPrivilege = actor->privilege,
            .asThreads = actor->thread_count,
            .asPorts = actor->port_count,
            .asRegions = actor->context->region_count,
            .asResidentPages = resident_pages(actor),
        };
        strlcpy(result.asName, actor->name, sizeof(result.asName));
        return copy_out(stat, &result, sizeof(result));
    }
    return K_EEND;
}

KnResult call_svActorLoad(struct thread *self, VmAddr cap, VmAddr program, VmAddr start)
{
    struct actor *actor;
    char name[K_NAMEMAX + 1];
    KnStartInfo info = {0};
    const void *image;
    size_t image_bytes;
    KnResult status = actor_argument(self, cap, &actor);

    if (status != K_OK)
        return status;
    status = copy_in_string(name, program, sizeof(name));
    if (status >= 0)
        status = copy_out(start, &info, sizeof(info));
    if (status != K_OK)
        return status == K_ETOOMUCH ? K_EINVAL : status;
    if (actor->privilege > self->execution->privilege)
        return K_EPRIV;
    if (!archive_find(name, &image, &image_bytes))
        return K_EUNKNOWN;
    status = image_load(actor, image, image_bytes, &info);
    return status == K_OK ? copy_out(start, &info, sizeof(info)) : status;
}

KnResult call_svActorCalls(struct thread *self, VmAddr cap, uint32_t granted)
{
    struct actor *actor;
    KnResult status = actor_argument(self, cap, &actor);

    if (status != K_OK)
        return status;
    if (granted > 1)
        return K_EINVAL;
    actor->calls_granted = granted != 0;
    return K_OK;
}
