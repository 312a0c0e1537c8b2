/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Object Manager with an ext2 on a disk: its mapper threads, the Nucleus' local caches and
 * several clients at once. The disk is memory of the case, behind idl/disk.idl, and slow enough
 * that transfers of several clients overlap. The case makes the file system itself, as small as it
 * can be.
 */
#include "chorus/sync.h"
#include "idl/disk.h"
#include "kit/endian.h"
#include "kit/format.h"
#include "kit/hash.h"
#include "server/server.h"
#include "tests/guest/om_user.h"

#define STACK_BYTES 16384u
#define DISK_THREADS 3
#define DISK_DELAY_NS ((int64_t)5000)
#define DISK_DELAYS 16 /* a transfer takes 1 to 16 times that */
#define BLOCK_BYTES 1024u
#define DISK_BLOCKS 4096u
#define INODES 128u
#define DATA_BYTES 200000u
#define CLIENTS 3
#define ROUNDS 12
#define FIGHTS 20
#define PARTY_BYTES 131072u

/* ---- The disk -------------------------------------------------------------------------------- */

struct disk {
    VmAddr bytes;
    uint64_t transfers;
    int32_t li;
    KnCap self;
};

struct disk_worker {
    struct disk *disk;
    VmAddr body;
};

static VmAddr region(VmSize bytes)
{
    KnRgnDesc desc = {.size = bytes, .options = K_WRITABLE | K_ANYWHERE | K_FILLZERO};

    return rgnAllocate(K_MYACTOR, &desc) == K_OK ? desc.startAddr : 0;
}

static KnResult move(struct disk *disk, VmAddr from, VmAddr to, uint32_t bytes)
{
    uint64_t random = hash_u64(__atomic_add_fetch(&disk->transfers, 1, __ATOMIC_RELAXED));

    threadDelay(DISK_DELAY_NS * (int64_t)(1 + random % DISK_DELAYS));
    return vmCopy(&disk->self, from, &disk->self, to, bytes);
}

static KnResult serve_geometry(void *server, const struct idl_context *context,
                               struct disk_geometry_out *out)
{
    (void)server;
    (void)context;
    *out = (struct disk_geometry_out){.sectors = DISK_BLOCKS * BLOCK_BYTES / DISK_SECTOR_BYTES,
                                      .block_bytes = BLOCK_BYTES,
                                      .flush_needed = 1};
    return K_OK;
}

static KnResult serve_read(void *server, const struct idl_context *context,
                           const struct disk_read_in *in, struct disk_read_out *out)
{
    struct disk *disk = server;

    (void)context;
    if (in->sector * DISK_SECTOR_BYTES + in->count > DISK_BLOCKS * BLOCK_BYTES ||
        in->count > out->data_room)
        return K_EEND;
    out->data_bytes = in->count;
    return move(disk, disk->bytes + (VmAddr)(in->sector * DISK_SECTOR_BYTES), (VmAddr)out->data,
                in->count);
}

static KnResult serve_write(void *server, const struct idl_context *context,
                            const struct disk_write_in *in)
{
    struct disk *disk = server;

    (void)context;
    if (in->sector * DISK_SECTOR_BYTES + in->data_bytes > DISK_BLOCKS * BLOCK_BYTES)
        return K_EEND;
    return move(disk, (VmAddr)in->data, disk->bytes + (VmAddr)(in->sector * DISK_SECTOR_BYTES),
                in->data_bytes);
}

static KnResult serve_flush(void *server, const struct idl_context *context,
                            const struct disk_flush_in *in)
{
    (void)server;
    (void)context;
    (void)in;
    return K_OK;
}

static const struct disk_server_ops disk_ops = {.geometry = serve_geometry,
                                                .read = serve_read,
                                                .write = serve_write,
                                                .flush = serve_flush};

static void disk_work(uintptr_t argument)
{
    struct disk_worker *worker = (struct disk_worker *)argument;
    struct disk *disk = worker->disk;
    struct server_buffers buffers = {(void *)worker->body, DISK_TRANSFER_BYTES,
                                     (void *)(worker->body + DISK_TRANSFER_BYTES),
                                     DISK_TRANSFER_BYTES};
    struct server server;

    server_init(&server);
    if (server_add(&server, disk->li, disk_service(&disk_ops, disk)) == K_OK)
        (void)server_work(&server, &buffers);
}

static KnResult disk_begin(struct disk *disk, struct disk_worker worker[DISK_THREADS])
{
    KnResult status = actorSelf(&disk->self);
    KnSchedParms sched = {K_SCHED_RR, 40};

    if (status == K_OK)
        status = service_declare(SERVICE_DISK(0));
    disk->li = (int32_t)status;
    for (int i = 0; i < DISK_THREADS && status >= 0; i++) {
        worker[i] = (struct disk_worker){disk, region(2 * DISK_TRANSFER_BYTES)};
        status = thread_launch(NULL, disk_work, (uintptr_t)&worker[i], STACK_BYTES, &sched);
    }
    return status < 0 ? status : K_OK;
}

/* ---- The file system ------------------------------------------------------------------------- */

enum {
    GROUP_BLOCK = 2,
    BLOCK_MAP = 3,
    INODE_MAP = 4,
    INODE_TABLE = 5,
    ROOT_BLOCK = 21,
    DATA_BLOCK = 22
};

static void store16(const struct disk *disk, uint32_t block, uint32_t at, uint16_t value)
{
    uint8_t bytes[2];

    le16_store(bytes, value);
    mem_write(disk->bytes + block * BLOCK_BYTES + at, bytes, sizeof(bytes));
}

static void store32(const struct disk *disk, uint32_t block, uint32_t at, uint32_t value)
{
    uint8_t bytes[4];

    le32_store(bytes, value);
    mem_write(disk->bytes + block * BLOCK_BYTES + at, bytes, sizeof(bytes));
}

/* Marks all but bits [first, limit) of a map as in use. */
static void store_map(const struct disk *disk, uint32_t block, uint32_t first, uint32_t limit)
{
    for (uint32_t byte = 0; byte < BLOCK_BYTES; byte++) {
        uint8_t bits = 0;

        for (uint32_t bit = 0; bit < 8; bit++)
            bits |= (uint8_t)((byte * 8 + bit < first || byte * 8 + bit >= limit) << bit);
        mem_store8(disk->bytes + block * BLOCK_BYTES + byte, bits);
    }
}

static void make_super(const struct disk *disk)
{
    store32(disk, 1, 0, INODES);
    store32(disk, 1, 4, DISK_BLOCKS);
    store32(disk, 1, 12, DISK_BLOCKS - DATA_BLOCK);
    store32(disk, 1, 16, INODES - 10);
    store32(disk, 1, 20, 1);               /* first data block */
    store32(disk, 1, 32, 8 * BLOCK_BYTES); /* blocks, and fragments, of a group */
    store32(disk, 1, 36, 8 * BLOCK_BYTES);
    store32(disk, 1, 40, INODES);
    store16(disk, 1, 54, 0xffff); /* mounts without a check */
    store16(disk, 1, 56, 0xef53);
    store16(disk, 1, 58, 1); /* clean */
    store16(disk, 1, 60, 1);
    store32(disk, 1, 76, 1);  /* revision */
    store32(disk, 1, 84, 11); /* first inode */
    store16(disk, 1, 88, 128);
    store32(disk, 1, 96, 2); /* entries have file types */
}

static void make_root(const struct disk *disk)
{
    uint32_t inode = 128; /* the second one in the table */

    store16(disk, INODE_TABLE, inode + 0, S_IFDIR | 0755);
    store32(disk, INODE_TABLE, inode + 4, BLOCK_BYTES);
    store16(disk, INODE_TABLE, inode + 26, 2);
    store32(disk, INODE_TABLE, inode + 28, 2);
    store32(disk, INODE_TABLE, inode + 40, ROOT_BLOCK);
    store32(disk, ROOT_BLOCK, 0, 2);
    store16(disk, ROOT_BLOCK, 4, 12);
    store16(disk, ROOT_BLOCK, 6, 2 << 8 | 1);
    mem_write(disk->bytes + ROOT_BLOCK * BLOCK_BYTES + 8, ".", 1);
    store32(disk, ROOT_BLOCK, 12, 2);
    store16(disk, ROOT_BLOCK, 16, BLOCK_BYTES - 12);
    store16(disk, ROOT_BLOCK, 18, 2 << 8 | 2);
    mem_write(disk->bytes + ROOT_BLOCK * BLOCK_BYTES + 20, "..", 2);
}

static void make_file_system(struct disk *disk)
{
    make_super(disk);
    store32(disk, GROUP_BLOCK, 0, BLOCK_MAP);
    store32(disk, GROUP_BLOCK, 4, INODE_MAP);
    store32(disk, GROUP_BLOCK, 8, INODE_TABLE);
    store16(disk, GROUP_BLOCK, 12, DISK_BLOCKS - DATA_BLOCK);
    store16(disk, GROUP_BLOCK, 14, INODES - 10);
    store16(disk, GROUP_BLOCK, 16, 1);
    store_map(disk, BLOCK_MAP, DATA_BLOCK - 1, DISK_BLOCKS - 1); /* bit 0 is block 1 */
    store_map(disk, INODE_MAP, 10, INODES);
    make_root(disk);
}

/* ---- Data ------------------------------------------------------------------------------------ */

static uint8_t pattern(uint32_t at, uint32_t seed)
{
    return (uint8_t)(at * 7 + (at >> 8) + seed + 1);
}

static void fill(VmAddr at, uint32_t bytes, uint32_t seed)
{
    for (uint32_t i = 0; i < bytes; i++)
        mem_store8(at + i, pattern(i, seed));
}

static bool matches(VmAddr at, uint32_t bytes, uint32_t seed)
{
    for (uint32_t i = 0; i < bytes; i++) {
        if (mem_load8(at + i) != pattern(i, seed))
            return false;
    }
    return true;
}

/* Everything out of memory, dirty pages by the disk. */
static KnResult forget(const KnCap *segment)
{
    KnObjDesc object = {*segment, 0, 0};

    return sgFlush(&object, K_FLUSH_NOACCESS);
}

static void use_data(struct guest *guest, struct user *user, VmAddr buffer)
{
    struct om_open_out file;
    struct om_stat_out stat;

    REQUIRE_EQ(user_open(user, "/mnt/f", O_RDWR | O_CREAT, &file), 0);
    KnObjDesc object = {file.segment, 0, DATA_BYTES};

    fill(buffer, DATA_BYTES, 1);
    EXPECT_EQ(sgWrite(&object, buffer, 0), DATA_BYTES);
    EXPECT_EQ(user_stat(user, "/mnt/f", &stat), 0);
    EXPECT_EQ(stat.attr.size, DATA_BYTES);
    EXPECT_EQ(forget(&file.segment), K_OK);
    mem_fill(buffer, 0, DATA_BYTES);
    EXPECT_EQ(sgRead(&object, buffer, 0), DATA_BYTES);
    EXPECT(matches(buffer, DATA_BYTES, 1));
    EXPECT_EQ(user_truncate(user, file.key, 5000), 0);
    EXPECT_EQ(user_truncate(user, file.key, 9000), 0);
    EXPECT_EQ(forget(&file.segment), K_OK);
    EXPECT_EQ(sgRead(&object, buffer, 0), 9000);
    EXPECT(matches(buffer, 5000, 1));
    EXPECT_EQ(mem_load8(buffer + 5000) + mem_load8(buffer + 8999), 0);
    EXPECT_EQ(user_close(user, file.key), 0);
}

/* What is written through a mapping is read through a call, and the other way round, from memory
 * and from the disk. */
static void use_mapping(struct guest *guest, struct user *user)
{
    KnRgnDesc mapped = {.size = 65536, .options = K_ANYWHERE | K_WRITABLE};
    struct om_open_out file;
    char byte = 0;

    REQUIRE_EQ(user_open(user, "/mnt/m", O_RDWR | O_CREAT, &file), 0);
    EXPECT_EQ(user_truncate(user, file.key, 65536), 0);
    KnObjDesc object = {file.segment, 0, 65536};

    REQUIRE_EQ(rgnMap(K_MYACTOR, &mapped, &object), K_OK);
    EXPECT_EQ(mem_load8(mapped.startAddr + 40000), 0);
    mem_store8(mapped.startAddr + 40000, 'm');
    object = (KnObjDesc){file.segment, 40000, 1};
    EXPECT_EQ(sgRead(&object, (VmAddr)&byte, 0), 1);
    EXPECT_EQ(byte, 'm');
    EXPECT_EQ(forget(&file.segment), K_OK);
    EXPECT_EQ(mem_load8(mapped.startAddr + 40000), 'm');
    byte = 'w';
    EXPECT_EQ(sgWrite(&object, (VmAddr)&byte, 0), 1);
    EXPECT_EQ(mem_load8(mapped.startAddr + 40000), 'w');
    EXPECT_EQ(user_close(user, file.key), 0);
    EXPECT_EQ(rgnFree(K_MYACTOR, &mapped), K_OK);
}

/* A file that does not fit: the writer learns it, and all that was taken from him gets to the
 * disk. */
static void fill_disk(struct guest *guest, struct user *user, VmAddr buffer)
{
    struct om_open_out file;
    KnResult moved = 1;
    uint64_t size = 0;

    REQUIRE_EQ(user_open(user, "/mnt/full", O_RDWR | O_CREAT, &file), 0);
    fill(buffer, DATA_BYTES, 5);
    while (moved > 0 && size < 2 * DISK_BLOCKS * BLOCK_BYTES) {
        KnObjDesc object = {file.segment, size, DATA_BYTES};

        moved = sgWrite(&object, buffer, 0);
        size += moved > 0 ? (uint64_t)moved : 0;
    }
    EXPECT_EQ(moved, K_ENOSPC);
    EXPECT(size > 3000000);
    EXPECT_EQ(user_fsync(user, file.key), 0);
    EXPECT_EQ(user_close(user, file.key), 0);
    EXPECT_EQ(user_unlink(user, "/mnt/full", false), 0);
}

/* ---- Several clients ------------------------------------------------------------------------- */

struct party {
    struct guest *guest;
    uint32_t number;
    VmAddr buffer;
    KnSem *done;
};

/* Writes a file of its own, syncs it, has it read from the disk, cuts it, moves it over one that
 * all use. */
static void party_round(struct guest *guest, struct user *user, const struct party *party,
                        uint32_t round)
{
    uint32_t bytes = 3000 + 7001 * ((party->number + round) % 6), seed = party->number * 16 + round;
    struct om_open_out file;
    char own[32];

    format(own, sizeof(own), "/mnt/own%u", party->number);
    REQUIRE_EQ(user_open(user, own, O_RDWR | O_CREAT | O_TRUNC, &file), 0);
    KnObjDesc object = {file.segment, 0, bytes};

    fill(party->buffer, bytes, seed);
    EXPECT_EQ(sgWrite(&object, party->buffer, 0), bytes);
    if (round % 3 == 0)
        EXPECT_EQ(user_fsync(user, file.key), 0);
    EXPECT_EQ(forget(&file.segment), K_OK);
    mem_fill(party->buffer, 0, bytes);
    EXPECT_EQ(sgRead(&object, party->buffer, 0), bytes);
    EXPECT(matches(party->buffer, bytes, seed));
    EXPECT_EQ(user_truncate(user, file.key, bytes / 2), 0);
    EXPECT_EQ(sgRead(&object, party->buffer, 0), bytes / 2);
    EXPECT_EQ(user_rename(user, own, "/mnt/shared"), 0);
    if (round % 2 == 0) {
        int status = user_unlink(user, "/mnt/shared", false);

        EXPECT(status == 0 || status == -ENOENT);
    }
    EXPECT_EQ(sgRead(&object, party->buffer, 0), bytes / 2); /* open beyond its name */
    EXPECT(matches(party->buffer, bytes / 2, seed));
    EXPECT_EQ(user_close(user, file.key), 0);
}

/* All write, cut and sync one file at once: each of its bytes is 0 or one of theirs, whatever
 * they do. */
static void fight_round(struct guest *guest, struct user *user, const struct party *party,
                        uint32_t round)
{
    uint64_t random = hash_u64(party->number * 1000 + round);
    uint32_t bytes = 1 + (uint32_t)(random % 20000), got;
    struct om_open_out file;

    REQUIRE_EQ(user_open(user, "/mnt/common", O_RDWR | O_CREAT, &file), 0);
    KnObjDesc object = {file.segment, random >> 32 & 0xffff, bytes};

    mem_fill(party->buffer, (uint8_t)(1 + party->number), bytes);
    EXPECT_EQ(sgWrite(&object, party->buffer, 0), bytes);
    EXPECT_EQ(user_truncate(user, file.key, random >> 20 & 0xffff), 0);
    if (random % 3 == 0)
        EXPECT_EQ(user_fsync(user, file.key), 0);
    if (random % 5 == 0)
        EXPECT_EQ(forget(&file.segment), K_OK);
    object = (KnObjDesc){file.segment, 0, PARTY_BYTES};
    got = (uint32_t)sgRead(&object, party->buffer, 0);
    EXPECT(got <= PARTY_BYTES);
    for (uint32_t i = 0; i < got && i < PARTY_BYTES; i += 61)
        EXPECT(mem_load8(party->buffer + i) <= CLIENTS);
    EXPECT_EQ(user_close(user, file.key), 0);
}

static void party_run(uintptr_t argument)
{
    const struct party *party = (const struct party *)argument;
    struct guest *guest = party->guest;
    struct user user;

    if (EXPECT_EQ(user_begin(&user), K_OK)) {
        for (uint32_t i = 0; i < ROUNDS; i++)
            party_round(guest, &user, party, i);
        for (uint32_t i = 0; i < FIGHTS; i++)
            fight_round(guest, &user, party, i);
        EXPECT_EQ(user_close(&user, user.root), 0);
    }
    semV(party->done);
}

static void use_together(struct guest *guest, struct user *user)
{
    struct party party[CLIENTS];
    KnSem done;

    semInit(&done, 0);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        party[i] = (struct party){guest, i, region(PARTY_BYTES), &done};
        EXPECT_EQ(thread_launch(NULL, party_run, (uintptr_t)&party[i], STACK_BYTES, NULL), K_OK);
    }
    for (uint32_t i = 0; i < CLIENTS; i++)
        EXPECT_EQ(semP(&done, K_NOTIMEOUT), K_OK);
    (void)user_unlink(user, "/mnt/shared", false);
}

/* ---- The cases ------------------------------------------------------------------------------- */

static void use_disk(struct guest *guest, struct user *user)
{
    VmAddr buffer = region(DATA_BYTES);
    struct om_stat_out stat;

    EXPECT_EQ(user_mkdir(user, "/mnt"), 0);
    EXPECT_EQ(user_mount(user, "/dev/vdb", "/mnt", "ext2"), -ENXIO);
    REQUIRE_EQ(user_mount(user, "/dev/vda", "/mnt", "ext2"), 0);
    use_data(guest, user, buffer);
    use_mapping(guest, user);
    fill_disk(guest, user, buffer);
    use_together(guest, user);
    EXPECT_EQ(user_umount(user, "/mnt"), 0);
    EXPECT_EQ(user_stat(user, "/mnt/f", &stat), -ENOENT);
    REQUIRE_EQ(user_mount(user, "/dev/vda", "/mnt", "ext2"), 0);
    EXPECT_EQ(user_stat(user, "/mnt/f", &stat), 0);
    EXPECT_EQ(stat.attr.size, 9000);
    EXPECT_EQ(user_stat(user, "/mnt/full", &stat), -ENOENT);
    EXPECT_EQ(user_umount(user, "/"), 0); /* the site's end */
    EXPECT_EQ(user_stat(user, "/mnt/f", &stat), -EIO);
}

static void serves_a_disk(struct guest *guest, KnActorPrivilege privilege)
{
    struct disk_worker worker[DISK_THREADS];
    struct disk disk = {.bytes = region(DISK_BLOCKS * BLOCK_BYTES)};
    struct user user;
    KnCap actor;

    make_file_system(&disk);
    REQUIRE_EQ(disk_begin(&disk, worker), K_OK);
    REQUIRE_EQ(om_begin(&actor, privilege), K_OK);
    if (EXPECT_EQ(user_begin(&user), K_OK))
        use_disk(guest, &user);
    om_end(guest, &actor);
}

CASE(disk_in_user_space)
{
    serves_a_disk(guest, K_SYSTEMACTOR);
}

CASE(disk_in_supervisor_space)
{
    serves_a_disk(guest, K_SUPACTOR);
}

static const struct guest_entry entries[] = {
    CASE_SUPERVISOR(disk_in_user_space),
    CASE_SUPERVISOR(disk_in_supervisor_space),
};

GUEST_PROGRAM(om_disk, entries);
