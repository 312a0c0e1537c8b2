/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes of a disk's file system. A node stays in memory for a while after its last hold, since it
 * will be wanted again; the Nucleus may name the segment of a node that has left, which is then
 * found by its number.
 */
#include "kit/assert.h"
#include "kit/base.h"
#include "mix/errno.h"
#include "subsystems/mix/om/ext2_fs.h"

#define TRIM_AT_ONCE 8u
#define ENDED_AT_ONCE 64u

/* ---- Keys of segments ------------------------------------------------------------------------ */

/*
 * A key is the inode's number and, above it, a secret that is made when the segment is first given
 * out and forgotten when the inode is freed. So a key is good for as long as the file exists, in
 * memory or not, and the next file with that number has another one.
 */
static uint64_t secret_of(struct ext2_fs *self, uint32_t number)
{
    return (uint64_t)(uintptr_t)radix_get(&self->secrets, number);
}

KnCap ext2_segment(struct ext2_fs *self, uint32_t number)
{
    uint64_t secret = secret_of(self, number);

    ASSERT(secret != 0);
    return (KnCap){self->port, secret << self->number_bits | number};
}

int ext2_key_make(struct ext2_fs *self, struct ext2_node *node, KnCap *segment)
{
    uint32_t number = node->inode->number;

    if (!node->has_data) {
        uint64_t secret = random_next(&self->random) >> self->number_bits;

        if (!radix_set(&self->secrets, number, (void *)(uintptr_t)(secret == 0 ? 1 : secret)))
            return -ENOMEM;
        node->has_data = true;
    }
    *segment = ext2_segment(self, number);
    return 0;
}

bool ext2_key_check(struct ext2_fs *self, KnKey key, uint32_t *number)
{
    uint64_t secret;

    *number = (uint32_t)(key & ((UINT64_C(1) << self->number_bits) - 1));
    secret = secret_of(self, *number);
    return secret != 0 && secret == key >> self->number_bits;
}

/* ---- Finding --------------------------------------------------------------------------------- */

static struct ext2_node *find(struct ext2_fs *self, uint32_t number)
{
    struct ext2_node *node;

    HASH_FOR_EACH(node, &self->nodes, number, by_number) {
        if (node->inode->number == number)
            return node;
    }
    return NULL;
}

bool ext2_node_is_in_memory(struct ext2_fs *self, uint32_t number)
{
    return find(self, number) != NULL;
}

static void hold(struct ext2_node *node)
{
    ASSERT(node->node.holds < UINT32_MAX);
    if (node->node.holds++ == 0)
        list_remove(&node->unused);
}

static struct ext2_node *node_create(struct ext2_fs *self, struct ext2_inode *inode)
{
    struct ext2_node *node = heap_allocate_zeroed(self->heap, sizeof(*node));

    if (node == NULL)
        return NULL;
    node->node = (struct node){.fs = &self->fs,
                               .number = inode->number,
                               .type = inode->mode & S_IFMT,
                               .holds = 1};
    node->inode = inode;
    node->has_data = node->has_returned = secret_of(self, inode->number) != 0;
    list_init(&node->unused);
    hash_insert(&self->nodes, &node->by_number, inode->number);
    self->node_count++;
    return node;
}

int ext2_node_get(struct ext2_run *run, struct ext2_inode *inode, struct ext2_node **out)
{
    struct ext2_fs *self = run->fs;
    struct ext2_node *node = find(self, inode->number);
    bool reap = false;

    if (node != NULL) {
        reap = ext2_inode_release(&self->core, inode);
        ASSERT(!reap); /* the node's own reference is left */
        hold(node);
        *out = node;
        return 0;
    }
    node = node_create(self, inode);
    if (node != NULL) {
        *out = node;
        return 0;
    }
    if (ext2_inode_release(&self->core, inode))
        (void)EXT2_RUN(run, ext2_reap(run->op, &self->core));
    return -ENOMEM;
}

int ext2_node_open(struct ext2_run *run, uint32_t number, struct ext2_node **out)
{
    struct ext2_fs *self = run->fs;
    struct ext2_node *node = find(self, number);
    struct ext2_inode *inode;
    int status;

    if (node != NULL) {
        hold(node);
        *out = node;
        return 0;
    }
    status = EXT2_RUN(run, ext2_inode_open(run->op, &self->core, number, &inode));
    return status == 0 ? ext2_node_get(run, inode, out) : status;
}

/* ---- Keeping and ending ---------------------------------------------------------------------- */

void ext2_node_hold(struct node *node)
{
    lock_take(&node->fs->lock);
    ASSERT(node->holds > 0);
    hold(ext2_node_of(node));
    lock_give(&node->fs->lock);
}

/* Takes a node without users out of memory. Its inode's reference is still to be released. */
static void node_free(struct ext2_fs *self, struct ext2_node *node)
{
    ASSERT(node->node.holds == 0 && node->node.mounts == 0 && node->pushing == 0 &&
           node->granting == 0);
    ASSERT(self->reserved >= node->reserved && self->node_count > 0);
    self->reserved -= node->reserved;
    hash_remove(&self->nodes, &node->by_number, node->node.number);
    self->node_count--;
    heap_free(self->heap, node, sizeof(*node));
}

/* The lock is held, and so is the node, once, by the list from now on. */
static void leave_to_keeper(struct ext2_fs *self, struct ext2_node *node)
{
    list_add_tail(&self->dead, &node->unused);
    signal_all(&self->keeper);
}

/* With the lock, and for the last hold: false if somebody else has come to hold it again. */
static bool end_unlinked(struct ext2_run *run, struct ext2_node *node)
{
    struct ext2_fs *self = run->fs;
    struct ext2_inode *inode = node->inode;

    while (node->pushing > 0 || node->granting > 0)
        signal_wait(&self->changed, &self->fs.lock);
    node->node.holds--;
    if (node->node.holds > 0)
        return false;
    (void)radix_clear(&self->secrets, inode->number);
    node_free(self, node);
    if (ext2_inode_release(&self->core, inode))
        /* what fails stays on the disk's orphan list */
        (void)EXT2_RUN(run, ext2_reap(run->op, &self->core));
    return true;
}

/* A file without links: what the Nucleus has of it goes, and its blocks are freed, unless memory
 * still shows it. The caller's hold is the last. */
static void node_end_unlinked(struct ext2_fs *self, struct ext2_node *node)
{
    struct ext2_node *parent = node->parent;
    struct ext2_run run;
    bool ended;

    if (node->has_data && ext2_data_is_mapped(node)) {
        lock_take(&self->fs.lock);
        list_add_tail(&self->mapped, &node->unused);
        lock_give(&self->fs.lock);
        return;
    }
    if (node->has_data)
        ext2_data_forget(node);
    if (ext2_run_begin(&run, self, 0, 0) != 0) {
        lock_take(&self->fs.lock);
        leave_to_keeper(self, node);
        lock_give(&self->fs.lock);
        return;
    }
    ended = end_unlinked(&run, node);
    ext2_run_end(&run);
    if (ended && parent != NULL)
        ext2_node_drop(&parent->node);
}

/* Frees a node that outlived its file system, when nobody holds it any more, and what it held. */
static void free_detached(struct ext2_fs *self, struct ext2_node *node)
{
    while (node != NULL && node->node.holds == 0 && node->inode == NULL) {
        struct ext2_node *parent = node->parent;

        heap_free(self->heap, node, sizeof(*node));
        if (parent != NULL)
            parent->node.holds--;
        node = parent;
    }
}

void ext2_node_drop(struct node *node)
{
    struct ext2_fs *self = ext2_fs_of(node);
    struct ext2_node *own = ext2_node_of(node);
    bool ends = false;

    lock_take(&self->fs.lock);
    ASSERT(node->holds > 0);
    if (own->inode == NULL) {
        node->holds--;
        free_detached(self, own);
    } else if (node->holds > 1) {
        node->holds--;
    } else if (own->inode->links > 0) {
        node->holds = 0;
        list_add_tail(&self->unused, &own->unused);
    } else {
        ends = true;
    }
    lock_give(&self->fs.lock);
    if (ends)
        node_end_unlinked(self, own);
}

void ext2_node_drop_by_mapper(struct ext2_node *node)
{
    struct ext2_fs *self = ext2_fs_of(&node->node);

    ASSERT(node->node.holds > 0);
    if (node->node.holds > 1) {
        node->node.holds--;
    } else if (node->inode->links > 0) {
        node->node.holds = 0;
        list_add_tail(&self->unused, &node->unused);
    } else {
        leave_to_keeper(self, node);
    }
}

void ext2_nodes_end_dead(struct ext2_fs *self)
{
    struct list *link = NULL;

    lock_take(&self->fs.lock);
    while ((link = list_pop_head(&self->mapped)) != NULL)
        list_add_tail(&self->dead, link);
    lock_give(&self->fs.lock);
    for (uint32_t i = 0; i < ENDED_AT_ONCE; i++) { /* the next round takes more */
        lock_take(&self->fs.lock);
        link = list_pop_head(&self->dead);
        lock_give(&self->fs.lock);
        if (link == NULL)
            return;
        node_end_unlinked(self, LIST_ENTRY(link, struct ext2_node, unused));
    }
}

/* The node that was without holds longest, held; NULL: few enough are in memory. */
static struct ext2_node *oldest_unused(struct ext2_fs *self)
{
    struct ext2_node *node = NULL;

    lock_take(&self->fs.lock);
    if (self->node_count > self->node_limit && !list_is_empty(&self->unused) && !self->is_ending) {
        node = LIST_ENTRY(list_first(&self->unused), struct ext2_node, unused);
        hold(node);
    }
    lock_give(&self->fs.lock);
    return node;
}

static void trim(struct ext2_fs *self, struct ext2_node *node)
{
    lock_take(&self->fs.lock);
    bool goes = node->node.holds == 1 && node->inode != NULL && node->inode->links > 0 &&
                node->reserved == 0 && node->pushing == 0 && node->granting == 0;

    if (goes) {
        struct ext2_inode *inode = node->inode;
        bool reap;

        node->node.holds = 0;
        node_free(self, node);
        reap = ext2_inode_release(&self->core, inode);
        ASSERT(!reap); /* it has links */
    }
    lock_give(&self->fs.lock);
    if (!goes)
        ext2_node_drop(&node->node);
}

void ext2_nodes_trim(struct ext2_fs *self)
{
    struct ext2_node *node;

    for (uint32_t i = 0; i < TRIM_AT_ONCE && (node = oldest_unused(self)) != NULL; i++) {
        if (node->has_data && ext2_data_absorb(node, true) != 0)
            ext2_node_drop(&node->node);
        else
            trim(self, node);
    }
}

/* ---- The end of all -------------------------------------------------------------------------- */

static void detach(struct ext2_run *run, struct ext2_node *node)
{
    struct ext2_fs *self = run->fs;

    (void)ext2_inode_release(&self->core, node->inode);
    node->inode = NULL;
    hash_remove(&self->nodes, &node->by_number, node->node.number);
    self->node_count--;
    if (list_is_linked(&node->unused)) {
        list_remove(&node->unused);
        node->node.holds = 0; /* the keeper's */
    }
    free_detached(self, node);
}

void ext2_nodes_detach(struct ext2_run *run)
{
    struct ext2_fs *self = run->fs;
    struct ext2_node *node;

    for (uint32_t i = 0; i < EXT2_NODE_BUCKETS; i++) {
        HASH_FOR_EACH_SAFE(node, &self->nodes, i, by_number)
            detach(run, node);
    }
    ASSERT(self->node_count == 0);
    self->reserved = 0;
}
