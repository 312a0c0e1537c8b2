/* SPDX-License-Identifier: BSD-2-Clause */
#include "subsystems/mix/om/ext2_fs.h"

#include "chorus/log.h"
#include "chorus/thread.h"
#include "kit/assert.h"
#include "kit/base.h"
#include "kit/string.h"
#include "mix/errno.h"
#include "subsystems/mix/om/device.h"

#define DISK_MAJOR 254u /* of virtio disks, as Linux has it */
#define DISK_MINORS 16u /* a disk has so many */
#define BUFFERS_MIN 96u /* a few operations at once, with what they pin */
#define BUFFERS_MAX 2048u
#define BUFFERS_SHARE 4u /* of the heap */
#define NODES_MIN 256u
#define NODES_MAX 2048u
#define NODE_SHARE_BYTES \
    4096u /* of the heap, for each node in memory: a node and an inode are some 500 bytes */
#define NODES_IN_USE 512u /* inodes for nodes that are held, beyond those that stay for a while */
#define DIRTY_SHARE 16u   /* of memory: data of new files that may wait to be written */
#define KEEPER_STACK_BYTES 16384u

void ext2_tell(const char *message)
{
    (void)log_print("om: ext2: %s\n", message);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void *core_allocate(void *context, size_t bytes)
{
    return heap_allocate(context, bytes);
}

static void core_release(void *context, void *memory, size_t bytes)
{
    heap_free(context, memory, bytes);
}

static void *secret_allocate(void *context)
{
    return heap_allocate(context, RADIX_NODE_BYTES);
}

static void secret_free(void *context, void *node)
{
    heap_free(context, node, RADIX_NODE_BYTES);
}

static uint32_t clamp(size_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : (uint32_t)MIN(value, (size_t)most);
}

/* ---- Mounting -------------------------------------------------------------------------------- */

static struct ext2_fs *fs_make(struct heap *heap, uint32_t disk, uint64_t seed)
{
    struct ext2_fs *self = heap_allocate_zeroed(heap, sizeof(*self));

    if (self == NULL)
        return NULL;
    self->fs.operations = &ext2_fs_operations;
    self->fs.device = device_number(DISK_MAJOR, disk * DISK_MINORS);
    self->heap = heap;
    self->memory = (struct fs_memory){core_allocate, core_release, heap};
    self->secret_memory = (struct radix_memory){secret_allocate, secret_free, heap};
    self->node_limit = clamp(heap->limit / NODE_SHARE_BYTES, NODES_MIN, NODES_MAX);
    self->inode_count = self->node_limit + NODES_IN_USE;
    hash_init(&self->nodes, self->bucket, EXT2_NODE_BUCKETS);
    list_init(&self->unused);
    list_init(&self->dead);
    list_init(&self->mapped);
    radix_init(&self->secrets, &self->secret_memory);
    random_init(&self->random, seed);
    return self;
}

void ext2_fs_free(struct fs *fs)
{
    struct ext2_fs *self = container_of(fs, struct ext2_fs, fs);
    struct heap *heap = self->heap;

    if (fs->root != NULL)
        ext2_node_drop(fs->root);
    ASSERT(self->runs == 0 && self->threads == 0);
    ext2_destroy(&self->core);
    if (self->has_cache)
        buffer_cache_destroy(&self->cache);
    radix_destroy(&self->secrets);
    heap_free(heap, self->inodes, self->inode_count * sizeof(*self->inodes));
    heap_free(heap, self, sizeof(*self));
}

/* What the superblock says, and memory for it. */
static int probe(struct ext2_fs *self)
{
    uint8_t super[EXT2_SUPER_BYTES];
    int status =
        medium_read(&self->medium, EXT2_SUPER_OFFSET, super, sizeof(super), MEDIUM_METADATA);

    if (status == 0)
        status = ext2_probe(&self->core, super, self->medium.bytes);
    if (status != 0)
        return status;
    status = buffer_cache_create(&self->cache, self->core.block_bytes,
                                 clamp(self->heap->limit / BUFFERS_SHARE / self->core.block_bytes,
                                       BUFFERS_MIN, BUFFERS_MAX),
                                 &self->memory);
    if (status != 0)
        return status;
    self->has_cache = true;
    self->inodes = heap_allocate(self->heap, self->inode_count * sizeof(*self->inodes));
    return self->inodes == NULL ? -ENOMEM : 0;
}

static uint32_t bits_of(uint32_t value)
{
    uint32_t bits = 0;

    while (value >> bits != 0 && bits < 32)
        bits++;
    return bits;
}

/* The core's part, and the root's node. */
static int mount(struct ext2_fs *self, bool is_read_only)
{
    struct ext2_config config = {
        .cache = &self->cache,
        .memory = &self->memory,
        .inodes = self->inodes,
        .inode_count = self->inode_count,
        .is_read_only = is_read_only || self->medium.is_read_only,
    };
    struct ext2_node *root;
    struct ext2_run run;
    int status = ext2_run_begin(&run, self, 0, 0);

    if (status != 0)
        return status;
    self->fs.is_read_only = true; /* so that a damage met now is not told twice */
    status = EXT2_RUN(&run, ext2_mount(run.op, &self->core, &config));
    self->number_bits = bits_of(self->core.inodes_count);
    if (status == 0)
        status = ext2_node_open(&run, EXT2_ROOT_INODE, &root);
    if (status == 0) {
        self->fs.root = &root->node;
        self->fs.is_read_only = self->core.is_read_only;
    }
    ext2_run_end(&run);
    return status;
}

static void keeper_work(uintptr_t argument);

static int threads_start(struct ext2_fs *self)
{
    KnSchedParms sched;
    KnResult status;
    int started = ext2_mappers_start(self);

    if (started != 0)
        return started;
    lock_take(&self->fs.lock);
    self->threads++;
    lock_give(&self->fs.lock);
    status = threadScheduler(K_MYACTOR, K_MYSELF, &sched, NULL);
    if (status == K_OK)
        status = thread_launch(NULL, keeper_work, (uintptr_t)self, KEEPER_STACK_BYTES, &sched);
    if (status == K_OK)
        return 0;
    lock_take(&self->fs.lock);
    self->threads--;
    lock_give(&self->fs.lock);
    return -ENOMEM;
}

int ext2_fs_create(struct heap *heap, uint32_t disk, uint64_t seed, bool is_read_only,
                   struct fs **out)
{
    struct ext2_fs *self = fs_make(heap, disk, seed);
    KnSiteStat site;
    int status = self == NULL || siteStat(&site) != K_OK ? -ENOMEM : 0;

    if (self == NULL)
        return status;
    self->page_bytes = site.ssPageBytes;
    if (status == 0)
        status = medium_open(&self->medium, disk);
    if (status == 0)
        status = probe(self);
    if (status == 0) {
        self->reserved_most =
            (uint64_t)site.ssFramesTotal * site.ssPageBytes / DIRTY_SHARE / self->core.block_bytes;
        status = mount(self, is_read_only);
    }
    if (status == 0)
        status = threads_start(self);
    if (self->core.message != NULL)
        ext2_tell(self->core.message);
    if (status == 0) {
        *out = &self->fs;
        return 0;
    }
    if (self->fs.root != NULL)
        (void)ext2_fs_end(&self->fs);
    ext2_fs_free(&self->fs);
    return status;
}

/* ---- Sync ------------------------------------------------------------------------------------ */

/* The node of the lowest number at or above `number` that has data out, held; NULL: no more. */
static struct ext2_node *next_with_data(struct ext2_fs *self, bool in_memory, uint64_t *number)
{
    struct ext2_node *node = NULL;
    struct ext2_run run;

    if (ext2_run_begin(&run, self, 0, 0) != 0)
        return NULL;
    while (node == NULL && radix_next(&self->secrets, *number, number) != NULL) {
        if (!in_memory || ext2_node_is_in_memory(self, (uint32_t)*number)) {
            if (ext2_node_open(&run, (uint32_t)*number, &node) != 0)
                node = NULL; /* it cannot be read, so it has nothing to write */
        }
        ++*number;
    }
    ext2_run_end(&run);
    return node;
}

/* Data of all files to the disk. With `in_memory` only of those used lately: the others were
 * written before they left memory. */
static int sync_data(struct ext2_fs *self, bool in_memory)
{
    struct ext2_node *node;
    uint64_t number = 0;
    int status = 0;

    while ((node = next_with_data(self, in_memory, &number)) != NULL) {
        int absorbed = ext2_data_absorb(node, true);

        status = status == 0 ? absorbed : status;
        ext2_node_drop(&node->node);
    }
    return status;
}

static int sync_metadata(struct ext2_fs *self, uint64_t limit)
{
    struct ext2_run run;
    int status = ext2_run_begin(&run, self, 0, 0);

    if (status != 0)
        return status;
    status = ext2_write_out(&run, limit);
    ext2_run_end(&run);
    return status;
}

int ext2_fs_sync(struct fs *fs)
{
    struct ext2_fs *self = container_of(fs, struct ext2_fs, fs);
    int status = sync_data(self, false);
    int written = sync_metadata(self, UINT64_MAX);

    if (status == 0)
        status = written;
    return status == 0 ? medium_flush(&self->medium) : status;
}

int ext2_fs_sync_node(struct node *node)
{
    struct ext2_fs *self = ext2_fs_of(node);
    struct ext2_node *own = ext2_node_of(node);
    uint64_t changed_by = 0;
    int status = ext2_data_absorb(own, true);

    lock_take(&self->fs.lock);
    if (own->inode != NULL)
        changed_by = own->inode->changed_by;
    lock_give(&self->fs.lock);
    if (status == 0)
        status = sync_metadata(self, changed_by);
    return status == 0 ? medium_flush(&self->medium) : status;
}

/* ---- The keeper ------------------------------------------------------------------------------ */

/* What is changed reaches the disk within seconds, so that a power cut costs no more. */
static void keeper_work(uintptr_t argument)
{
    struct ext2_fs *self = (struct ext2_fs *)argument;

    lock_take(&self->fs.lock);
    while (!self->is_ending) {
        if (list_is_empty(&self->dead) && !self->is_eager)
            signal_wait_for(&self->keeper, &self->fs.lock, EXT2_KEEPER_NS);
        bool works = !self->is_ending;

        self->is_eager = false;
        lock_give(&self->fs.lock);
        if (works) {
            ext2_nodes_end_dead(self);
            (void)sync_data(self, true);           /* errors meet who asks for a sync */
            (void)sync_metadata(self, UINT64_MAX); /* or make the file system read-only */
        }
        lock_take(&self->fs.lock);
    }
    self->threads--;
    signal_all(&self->changed);
    lock_give(&self->fs.lock);
}

/* ---- The end --------------------------------------------------------------------------------- */

/* Only the run that ends it all is left afterwards. */
static void wait_for_runs(struct ext2_run *run)
{
    struct ext2_fs *self = run->fs;

    self->is_ending = true;
    signal_all(&self->changed);
    signal_all(&self->keeper);
    while (self->runs > 1)
        signal_wait(&self->changed, &self->fs.lock);
}

static void wait_for_threads(struct ext2_fs *self)
{
    ext2_mappers_end(self);
    lock_take(&self->fs.lock);
    while (self->threads > 0)
        signal_wait(&self->changed, &self->fs.lock);
    lock_give(&self->fs.lock);
    for (uint32_t i = 0; i < EXT2_MAPPERS; i++)
        ext2_mapper_free(self, i);
}

/* Deleted files that were still open are freed; the disk is marked clean, and all of it written. */
static int close_core(struct ext2_run *run)
{
    struct ext2_fs *self = run->fs;
    int status = EXT2_RUN(run, ext2_reap(run->op, &self->core));

    if (status == 0 || status == -EROFS)
        status = EXT2_RUN(run, ext2_unmount(run->op, &self->core));
    if (status == 0)
        status = ext2_write_out(run, UINT64_MAX);
    return status;
}

int ext2_fs_end(struct fs *fs)
{
    struct ext2_fs *self = container_of(fs, struct ext2_fs, fs);
    int status = sync_data(self, false), flushed;
    struct ext2_run run;
    int begun = ext2_run_begin(&run, self, 0, 0);

    if (begun != 0)
        return self->is_ending ? 0 : begun;
    wait_for_runs(&run);
    ext2_nodes_detach(&run);
    begun = close_core(&run);
    self->fs.is_read_only = true;
    ext2_run_end(&run);
    wait_for_threads(self);
    flushed = medium_flush(&self->medium);
    if (status == 0)
        status = begun != 0 ? begun : flushed;
    return status;
}

static bool is_busy(struct ext2_fs *self)
{
    bool busy = false;

    lock_take(&self->fs.lock);
    for (uint32_t i = 0; i < EXT2_NODE_BUCKETS; i++) {
        struct ext2_node *node;

        HASH_FOR_EACH(node, &self->nodes, i, by_number)
            busy = busy || node->node.holds > (&node->node == self->fs.root ? 1u : 0u);
    }
    lock_give(&self->fs.lock);
    return busy;
}

static int ext2_fs_unmount(struct fs *fs)
{
    struct ext2_fs *self = container_of(fs, struct ext2_fs, fs);
    int status;

    ext2_nodes_end_dead(self);
    if (is_busy(self))
        return -EBUSY;
    status = ext2_fs_end(fs);
    if (!self->is_ending)
        return status;
    if (status != 0)
        ext2_tell("it could not be unmounted cleanly");
    ext2_fs_free(fs);
    return 0; /* it has ended, for better or worse */
}

/* ---- The table ------------------------------------------------------------------------------- */

static int ext2_fs_statistics(struct fs *fs, struct om_volume *volume)
{
    struct ext2_fs *self = container_of(fs, struct ext2_fs, fs);
    struct ext2_statistics found;
    int status = -EIO;

    lock_take(&fs->lock);
    if (!self->is_ending) {
        ext2_statistics_get(&self->core, &found);
        *volume = (struct om_volume){
            .type = EXT2_MAGIC_STATFS,
            .block_bytes = found.block_bytes,
            .blocks = found.blocks,
            .blocks_free = found.free_blocks - MIN(found.free_blocks, self->reserved),
            .blocks_available =
                found.available_blocks - MIN(found.available_blocks, self->reserved),
            .files = found.inodes,
            .files_free = found.free_inodes,
            .name_bytes = NAME_MAX,
        };
        status = 0;
    }
    lock_give(&fs->lock);
    return status;
}

const struct fs_operations ext2_fs_operations = {
    .hold = ext2_node_hold,
    .drop = ext2_node_drop,
    .owner = ext2_owner,
    .attributes = ext2_attributes,
    .change = ext2_change,
    .segment = ext2_data_segment,
    .readlink = ext2_fs_readlink,
    .sync_node = ext2_fs_sync_node,
    .lookup = ext2_fs_lookup,
    .parent = ext2_fs_parent,
    .name = ext2_fs_name,
    .readdir = ext2_fs_readdir,
    .create = ext2_fs_make,
    .link = ext2_fs_link,
    .unlink = ext2_fs_unlink,
    .rename = ext2_fs_rename,
    .statistics = ext2_fs_statistics,
    .sync = ext2_fs_sync,
    .unmount = ext2_fs_unmount,
    .end = ext2_fs_end,
};
