/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk format of ext2: what each byte of the metadata means.
 *
 * Every field is an array of bytes in little-endian order and is read and written with the loads
 * and stores of kit/endian.h, so that any machine can lay these structures over a buffer at any
 * address. Fields that this code neither reads nor writes are gathered under names that begin with
 * "other". Source: the layout that mke2fs and debugfs of e2fsprogs write and print.
 */
#ifndef EXT2_FORMAT_H
#define EXT2_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define EXT2_SUPER_OFFSET 1024u /* bytes from the start of the disk, whatever the block size */
#define EXT2_SUPER_BYTES 1024u
#define EXT2_MAGIC 0xef53u

#define EXT2_BLOCK_SHIFT_MIN 10u
#define EXT2_BLOCK_SHIFT_MAX 12u
#define EXT2_INODE_BYTES_OLD 128u /* in revision 0; later ones give the size in the superblock */
#define EXT2_FIRST_INODE_OLD 11u
#define EXT2_GROUP_BYTES 32u

#define EXT2_ROOT_INODE 2u
#define EXT2_JOURNAL_INODE 8u

/* s_state */
#define EXT2_STATE_VALID 0x0001u
#define EXT2_STATE_ERROR 0x0002u

/* s_feature_compat: a driver may ignore those it does not know. */
#define EXT2_COMPAT_HAS_JOURNAL 0x0004u

/* s_feature_incompat: a driver must refuse a file system with one it does not know. */
#define EXT2_INCOMPAT_FILETYPE 0x0002u
#define EXT2_INCOMPAT_RECOVER 0x0004u
#define EXT2_INCOMPAT_KNOWN EXT2_INCOMPAT_FILETYPE

/* s_feature_ro_compat: a driver must not write to a file system with one it does not know. */
#define EXT2_RO_COMPAT_SPARSE_SUPER 0x0001u
#define EXT2_RO_COMPAT_LARGE_FILE 0x0002u
#define EXT2_RO_COMPAT_EXTRA_ISIZE 0x0040u
#define EXT2_RO_COMPAT_KNOWN \
    (EXT2_RO_COMPAT_SPARSE_SUPER | EXT2_RO_COMPAT_LARGE_FILE | EXT2_RO_COMPAT_EXTRA_ISIZE)

struct ext2_disk_super {
    uint8_t inodes_count[4];
    uint8_t blocks_count[4];
    uint8_t reserved_blocks_count[4];
    uint8_t free_blocks_count[4];
    uint8_t free_inodes_count[4];
    uint8_t first_data_block[4];
    uint8_t log_block_size[4]; /* block size is 1024 << this */
    uint8_t other_log_cluster_size[4];
    uint8_t blocks_per_group[4];
    uint8_t other_clusters_per_group[4];
    uint8_t inodes_per_group[4];
    uint8_t mount_time[4];
    uint8_t write_time[4];
    uint8_t mount_count[2];
    uint8_t other_max_mount_count[2];
    uint8_t magic[2];
    uint8_t state[2];
    uint8_t other_errors[2];
    uint8_t other_minor_revision[2];
    uint8_t other_last_check[4];
    uint8_t other_check_interval[4];
    uint8_t other_creator_os[4];
    uint8_t revision[4];
    uint8_t reserved_uid[2];
    uint8_t reserved_gid[2];
    uint8_t first_inode[4]; /* this and what follows: from revision 1 */
    uint8_t inode_bytes[2];
    uint8_t other_block_group[2];
    uint8_t feature_compat[4];
    uint8_t feature_incompat[4];
    uint8_t feature_ro_compat[4];
    uint8_t uuid[16];
    uint8_t other_names[80];
    uint8_t other_compression[4];
    uint8_t other_preallocation[4];
    uint8_t other_journal[24];
    uint8_t last_orphan[4]; /* first inode of the list of inodes to delete or truncate */
    uint8_t other_hash[20];
    uint8_t other_default_options[4];
    uint8_t other_first_meta_group[4];
    uint8_t other_made_time[4];
    uint8_t other_journal_backup[68];
    uint8_t other_high_halves[12];
    uint8_t other_min_extra_bytes[2];
    uint8_t want_extra_bytes[2]; /* of a new inode, beyond the first 128 bytes */
    uint8_t other_tail[672];
};
_Static_assert(sizeof(struct ext2_disk_super) == EXT2_SUPER_BYTES, "superblock layout");
_Static_assert(offsetof(struct ext2_disk_super, magic) == 56, "superblock layout");
_Static_assert(offsetof(struct ext2_disk_super, uuid) == 104, "superblock layout");
_Static_assert(offsetof(struct ext2_disk_super, last_orphan) == 232, "superblock layout");
_Static_assert(offsetof(struct ext2_disk_super, want_extra_bytes) == 350, "superblock layout");

struct ext2_disk_group {
    uint8_t block_bitmap[4];
    uint8_t inode_bitmap[4];
    uint8_t inode_table[4];
    uint8_t free_blocks_count[2];
    uint8_t free_inodes_count[2];
    uint8_t used_directories_count[2];
    uint8_t other[14];
};
_Static_assert(sizeof(struct ext2_disk_group) == EXT2_GROUP_BYTES, "group descriptor layout");

/* i_mode */
#define EXT2_TYPE_MASK 0xf000u
#define EXT2_TYPE_FIFO 0x1000u
#define EXT2_TYPE_CHARACTER 0x2000u
#define EXT2_TYPE_DIRECTORY 0x4000u
#define EXT2_TYPE_BLOCK 0x6000u
#define EXT2_TYPE_REGULAR 0x8000u
#define EXT2_TYPE_SYMLINK 0xa000u
#define EXT2_TYPE_SOCKET 0xc000u
#define EXT2_PERMISSION_MASK 0x0fffu

/* i_flags */
#define EXT2_FLAG_IMMUTABLE 0x00000010u
#define EXT2_FLAG_APPEND 0x00000020u
#define EXT2_FLAG_INDEX 0x00001000u /* a directory with a hash tree hidden inside its blocks */

#define EXT2_FLAG_EXTENTS 0x00080000u     /* of ext4: the pointers are something else */
#define EXT2_FLAG_INLINE_DATA 0x10000000u /* of ext4 too */
#define EXT2_FLAGS_FOREIGN (EXT2_FLAG_EXTENTS | EXT2_FLAG_INLINE_DATA)

#define EXT2_DIRECT_BLOCKS 12u
#define EXT2_INDIRECT_LEVELS 3u
#define EXT2_POINTERS (EXT2_DIRECT_BLOCKS + EXT2_INDIRECT_LEVELS)
#define EXT2_FAST_SYMLINK_BYTES 60u /* a target shorter than this stands in the pointers' place */
#define EXT2_LINKS_MAX 32000u
#define EXT2_SECTOR_SHIFT 9u /* i_blocks counts units of 512 bytes */

struct ext2_disk_inode {
    uint8_t mode[2];
    uint8_t uid_low[2];
    uint8_t size_low[4];
    uint8_t access_time[4];
    uint8_t change_time[4];
    uint8_t modify_time[4];
    uint8_t delete_time[4]; /* or, on the orphan list, the next inode's number */
    uint8_t gid_low[2];
    uint8_t links[2];
    uint8_t sectors[4];
    uint8_t flags[4];
    uint8_t other_version_low[4];
    uint8_t pointers[EXT2_POINTERS][4];
    uint8_t generation[4];
    uint8_t xattr_block[4];
    uint8_t size_high[4]; /* of regular files only */
    uint8_t other_fragment[4];
    uint8_t other_sectors_high[2];
    uint8_t other_xattr_block_high[2];
    uint8_t uid_high[2];
    uint8_t gid_high[2];
    uint8_t other_checksum_low[2];
    uint8_t other_reserved[2];
};
_Static_assert(sizeof(struct ext2_disk_inode) == EXT2_INODE_BYTES_OLD, "inode layout");
_Static_assert(offsetof(struct ext2_disk_inode, pointers) == 40, "inode layout");
_Static_assert(offsetof(struct ext2_disk_inode, uid_high) == 120, "inode layout");

/* What follows the first 128 bytes where inodes are larger; `bytes` says how much of it is
 * there. */
struct ext2_disk_inode_extra {
    uint8_t bytes[2];
    uint8_t other_checksum_high[2];
    uint8_t change_time[4]; /* 30 bits of nanoseconds above 2 bits that extend the seconds */
    uint8_t modify_time[4];
    uint8_t access_time[4];
    uint8_t create_time_low[4];
    uint8_t create_time[4];
    uint8_t other_version_high[4];
    uint8_t other_project[4];
};
_Static_assert(sizeof(struct ext2_disk_inode_extra) == 32, "inode layout");

#define EXT2_EXTRA_BYTES_USED 24u /* up to the creation time: what a new inode has at least */

#define EXT2_NAME_MAX 255u
#define EXT2_ENTRY_ALIGN 4u

/* The head of a directory entry; the name follows. An entry whose inode is 0 is empty space. */
struct ext2_disk_entry {
    uint8_t inode[4];
    uint8_t record_bytes[2]; /* to the next entry; the entries of a block fill it exactly */
    uint8_t name_bytes[1];
    uint8_t file_type[1]; /* with feature FILETYPE; else zero */
};
_Static_assert(sizeof(struct ext2_disk_entry) == 8, "directory entry layout");
#define EXT2_ENTRY_HEAD_BYTES ((uint32_t)sizeof(struct ext2_disk_entry))

/* file_type */
#define EXT2_ENTRY_UNKNOWN 0u
#define EXT2_ENTRY_REGULAR 1u
#define EXT2_ENTRY_DIRECTORY 2u
#define EXT2_ENTRY_CHARACTER 3u
#define EXT2_ENTRY_BLOCK 4u
#define EXT2_ENTRY_FIFO 5u
#define EXT2_ENTRY_SOCKET 6u
#define EXT2_ENTRY_SYMLINK 7u

/* The head of a block of extended attributes, which several inodes may share. */
struct ext2_disk_xattr {
    uint8_t magic[4];
    uint8_t references[4];
    uint8_t blocks[4];
    uint8_t other[20];
};
_Static_assert(sizeof(struct ext2_disk_xattr) == 32, "extended attribute layout");
#define EXT2_XATTR_MAGIC 0xea020000u

#endif
