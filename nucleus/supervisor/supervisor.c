/* SPDX-License-Identifier: BSD-2-Clause */
#include "nucleus/supervisor/supervisor.h"

#include "kit/assert.h"
#include "kit/base.h"
#include "nucleus/site.h"

void supervisor_init(struct supervisor *supervisor)
{
    for (size_t i = 0; i < INTERRUPT_SOURCES; i++)
        list_init(&supervisor->sequence[i]);
    slab_pool_init(&supervisor->handlers, sizeof(struct interrupt_handler), SUPERVISOR_HANDLERS);
}

void supervisor_interrupt(struct supervisor *supervisor, uint32_t source)
{
    struct interrupt_handler *handler;

    ASSERT(source < INTERRUPT_SOURCES);
    supervisor->interrupts++;
    LIST_FOR_EACH(handler, &supervisor->sequence[source], in_sequence) {
        if (handler->routine(handler->cookie) == K_IT_BREAK)
            return;
    }
}

static void disconnect(struct supervisor *supervisor, struct interrupt_handler *handler)
{
    list_remove(&handler->in_sequence);
    if (list_is_empty(&supervisor->sequence[handler->source]))
        interrupt_mask(handler->source);
    slab_free(&supervisor->handlers, handler);
}

void supervisor_forget(struct supervisor *supervisor, const struct actor *actor)
{
    for (size_t i = 0; i < INTERRUPT_SOURCES; i++) {
        struct interrupt_handler *handler;

        if (supervisor->message_owner[i] == actor)
            supervisor->message_owner[i] = NULL;
        LIST_FOR_EACH_SAFE(handler, &supervisor->sequence[i], in_sequence) {
            if (handler->actor == actor)
                disconnect(supervisor, handler);
        }
    }
}

KnResult supervisor_connect(struct supervisor *supervisor, const struct interrupt_handler *model)
{
    struct list *sequence = &supervisor->sequence[model->source];
    struct interrupt_handler *handler = slab_allocate(&supervisor->handlers);
    struct interrupt_handler *other;
    struct list *position = sequence;
    bool first = list_is_empty(sequence);

    if (handler == NULL)
        return K_ENOMEM;
    *handler = *model;
    list_init(&handler->in_sequence);
    LIST_FOR_EACH(other, sequence, in_sequence) {
        if (other->priority > model->priority) {
            position = &other->in_sequence;
            break;
        }
    }
    list_insert_before(position, &handler->in_sequence);
    if (first)
        interrupt_unmask(model->source);
    return K_OK;
}

KnResult supervisor_disconnect(struct supervisor *supervisor, const struct interrupt_handler *model)
{
    struct interrupt_handler *handler;

    LIST_FOR_EACH(handler, &supervisor->sequence[model->source], in_sequence) {
        if (handler->actor == model->actor && handler->routine == model->routine &&
            handler->cookie == model->cookie) {
            disconnect(supervisor, handler);
            return K_OK;
        }
    }
    return K_EUNKNOWN;
}

KnResult supervisor_message(struct supervisor *supervisor, const struct actor *actor,
                            KnItMessage *message)
{
    for (uint32_t i = 0; i < INTERRUPT_SOURCES; i++) {
        uint32_t source = (supervisor->next_message + i) % INTERRUPT_SOURCES;

        message->imSource = source;
        if (supervisor->message_owner[source] != NULL || !interrupt_message(message))
            continue;
        supervisor->message_owner[source] = actor;
        supervisor->next_message = source + 1;
        return K_OK;
    }
    return K_ENOMEM;
}
