/* SPDX-License-Identifier: BSD-2-Clause */
/* Advisory locks of files: keeping them, waiting for them. See lock.h. */
#include "subsystems/mix/pm/lock.h"

#include "chorus/calls.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "subsystems/mix/pm/pm.h"

#define DEADLOCK_STEPS_MAX 32u /* of who waits for whom; longer circles are not found */
#define SPARE 2                /* a lock within another's range makes three of one */

void locks_init(struct locks *locks)
{
    list_init(&locks->all);
    list_init(&locks->waiting);
}

/* ---- Comparing --------------------------------------------------------------------------- */

static bool same_object(const struct lock *a, const struct lock *b)
{
    return a->is_flock == b->is_flock && a->device == b->device && a->inode == b->inode;
}

static bool overlaps(const struct lock *a, const struct lock *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* LOCK_END is far below the wrap of a word. */
static bool touches(const struct lock *a, const struct lock *b)
{
    return a->first <= b->last + 1 && b->first <= a->last + 1;
}

/* The first lock that is in the way of what is wanted. */
static struct lock *blocker(struct locks *locks, const struct lock *wanted)
{
    struct lock *lock;

    ASSERT(wanted->kind != LOCK_NONE && wanted->first <= wanted->last);
    LIST_FOR_EACH(lock, &locks->all, link) {
        if (lock->owner != wanted->owner && same_object(lock, wanted) && overlaps(lock, wanted) &&
            (lock->kind == LOCK_EXCLUSIVE || wanted->kind == LOCK_EXCLUSIVE))
            return lock;
    }
    return NULL;
}

bool lock_conflict(struct pm *pm, const struct lock *wanted, struct lock *found)
{
    mutexGet(&pm->lock);
    struct lock *lock = blocker(&pm->locks, wanted);

    if (lock != NULL)
        *found = *lock;
    mutexRel(&pm->lock);
    return lock != NULL;
}

/* ---- Changing ---------------------------------------------------------------------------- */

static void let_go(struct pm *pm, struct lock *lock)
{
    list_remove(&lock->link);
    heap_free(&pm->heap, lock, sizeof(*lock));
}

static void wake(struct locks *locks)
{
    locks->word++;
    (void)syncWake((VmAddr)&locks->word, UINT32_MAX);
}

/* A further lock, from what was allocated before anything changed. */
static void add(struct locks *locks, const struct lock *what, struct lock **spare)
{
    struct lock *lock = spare[0] != NULL ? spare[0] : spare[1];

    ASSERT(lock != NULL && what->first <= what->last);
    spare[spare[0] != NULL ? 0 : 1] = NULL;
    *lock = *what;
    list_init(&lock->link);
    list_add_tail(&locks->all, &lock->link);
}

/* Takes the wanted range out of a lock that reaches into it. */
static void cut(struct pm *pm, struct lock *lock, const struct lock *wanted, struct lock **spare)
{
    ASSERT(overlaps(lock, wanted));
    if (lock->first < wanted->first && lock->last > wanted->last) {
        struct lock tail = *lock;

        tail.first = wanted->last + 1;
        add(&pm->locks, &tail, spare);
        lock->last = wanted->first - 1;
    } else if (lock->first < wanted->first) {
        lock->last = wanted->first - 1;
    } else if (lock->last > wanted->last) {
        lock->first = wanted->last + 1;
    } else {
        let_go(pm, lock);
    }
}

/* The range becomes what is wanted, whatever the owner had there; it may grow by what it touches
 * (I1). */
static void replace(struct pm *pm, const struct lock *wanted, struct lock **spare)
{
    struct lock whole = *wanted, *lock;
    bool changed = false;

    LIST_FOR_EACH_SAFE(lock, &pm->locks.all, link) {
        if (lock->owner != wanted->owner || !same_object(lock, wanted))
            continue;
        if (lock->kind == wanted->kind && touches(lock, &whole)) {
            whole.first = MIN(whole.first, lock->first);
            whole.last = MAX(whole.last, lock->last);
            let_go(pm, lock);
        } else if (overlaps(lock, wanted)) {
            cut(pm, lock, wanted, spare);
            changed = true;
        }
    }
    if (wanted->kind != LOCK_NONE)
        add(&pm->locks, &whole, spare);
    if (changed)
        wake(&pm->locks);
}

static uint32_t count_of(struct locks *locks, const void *owner)
{
    uint32_t count = 0;
    struct lock *lock;

    LIST_FOR_EACH(lock, &locks->all, link) {
        count += lock->owner == owner;
    }
    return count;
}

/* As in Linux an flock that changes its kind is let go first, so it may be lost. */
static void flock_prepare(struct pm *pm, const struct lock *wanted)
{
    struct lock *lock;

    LIST_FOR_EACH_SAFE(lock, &pm->locks.all, link) {
        if (lock->owner == wanted->owner && same_object(lock, wanted) &&
            lock->kind != wanted->kind) {
            let_go(pm, lock);
            wake(&pm->locks);
        }
    }
}

/* ---- Taking ------------------------------------------------------------------------------ */

/* Whether who wants it would wait for itself in the end: its blocker waits for another's, whose
 * owner does so too, and so on back to it. A description is no one who waits. */
static bool is_deadlock(struct locks *locks, const struct lock *wanted)
{
    const struct lock *wish = wanted, *waiting;

    for (uint32_t step = 0; step < DEADLOCK_STEPS_MAX && wanted->pid > 0; step++) {
        const struct lock *held = blocker(locks, wish);

        if (held == NULL || held->owner == wanted->owner)
            return held != NULL;
        wish = NULL;
        LIST_FOR_EACH(waiting, &locks->waiting, link) {
            if (waiting->owner == held->owner && waiting->pid > 0)
                wish = waiting;
        }
        if (wish == NULL)
            return false;
    }
    return false;
}

/* pm->lock is held. */
static long try(struct pm *pm, const struct lock *wanted, bool waits, struct lock **spare)
{
    if (wanted->is_flock)
        flock_prepare(pm, wanted);
    if (wanted->kind != LOCK_NONE && blocker(&pm->locks, wanted) != NULL)
        return waits && is_deadlock(&pm->locks, wanted) ? -EDEADLK : -EAGAIN;
    if (count_of(&pm->locks, wanted->owner) >= LOCKS_OF_OWNER_MAX && wanted->kind != LOCK_NONE)
        return -ENOLCK;
    replace(pm, wanted, spare);
    return 0;
}

/* pm->lock is held, but for the wait itself. */
static long wait_and_try(struct task *task, struct lock *wish, bool waits, struct lock **spare)
{
    struct pm *pm = task->process->pm;
    long result;

    list_init(&wish->link);
    while ((result = try(pm, wish, waits, spare)) == -EAGAIN && waits) {
        uint32_t word = pm->locks.word;

        if (!list_is_linked(&wish->link))
            list_add_tail(&pm->locks.waiting, &wish->link);
        mutexRel(&pm->lock);
        bool aborted = signal_is_pending(task) || syncWait((VmAddr)&pm->locks.word, word,
                                                           K_NOTIMEOUT, K_ABORTABLE) == K_EABORT;

        mutexGet(&pm->lock);
        if (aborted) {
            result = MIX_RESTART;
            break;
        }
    }
    if (list_is_linked(&wish->link))
        list_remove(&wish->link);
    return result;
}

long lock_set(struct task *task, struct file *file, int32_t fd, const struct lock *wanted,
              bool waits)
{
    struct process *process = task->process;
    struct pm *pm = process->pm;
    struct lock wish = *wanted;
    struct lock *spare[SPARE] = {heap_allocate(&pm->heap, sizeof(wish)),
                                 heap_allocate(&pm->heap, sizeof(wish))};
    long result = spare[0] == NULL || spare[1] == NULL ? -ENOLCK : 0;

    ASSERT(wanted->owner == file || wanted->owner == process);
    ASSERT(wanted->last <= LOCK_END && wanted->is_flock <= (wanted->owner == file));
    if (result == 0) {
        mutexGet(&pm->lock);
        result = wait_and_try(task, &wish, waits, spare);
        /* Who closes the descriptor looks for locks afterwards, and would not find this one. */
        if (result == 0 && wanted->owner == process && !descriptor_is(process, fd, file)) {
            wish.kind = LOCK_NONE;
            replace(pm, &wish, spare);
            result = -EBADF;
        }
        if (result == 0 && wanted->kind != LOCK_NONE)
            *(wanted->owner == file ? &file->has_locks : &process->has_locks) = true;
        mutexRel(&pm->lock);
    }
    for (int i = 0; i < SPARE; i++)
        heap_free(&pm->heap, spare[i], sizeof(wish));
    return result;
}

/* ---- Ends -------------------------------------------------------------------------------- */

void locks_end_of_file(struct pm *pm, struct file *file)
{
    struct lock *lock;

    if (!file->has_locks)
        return;
    mutexGet(&pm->lock);
    LIST_FOR_EACH_SAFE(lock, &pm->locks.all, link) {
        if (lock->owner == file)
            let_go(pm, lock);
    }
    wake(&pm->locks);
    mutexRel(&pm->lock);
}

void locks_close(struct process *process, const struct file *file)
{
    struct pm *pm = process->pm;
    bool more = false;
    struct lock *lock;

    if (!process->has_locks)
        return;
    mutexGet(&pm->lock);
    LIST_FOR_EACH_SAFE(lock, &pm->locks.all, link) {
        if (lock->owner != process)
            continue;
        if (lock->device == file->device && lock->inode == file->inode)
            let_go(pm, lock);
        else
            more = true;
    }
    process->has_locks = more;
    wake(&pm->locks);
    mutexRel(&pm->lock);
}
