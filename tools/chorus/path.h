/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of files: inside (always absolute and normalised) and in the launcher's own house.
 */
#ifndef LAUNCHER_PATH_H
#define LAUNCHER_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The normal form of a path inside: absolute, without ".", "..", and slashes that do nothing. A
 * relative one starts at "/", and "/.." is "/". To be freed. */
char *path_normalize(const char *path);

/* A path below the folder that the launcher was built in, which it finds from its own name:
 * build/bin/chorus lies two folders down. To be freed. Does not return without /proc. */
char *path_house(const char *below);

/* A regular file without a name, open for reading and writing: when its last descriptor goes, it
 * goes, however its users end. In TMPDIR or /var/tmp; in memory where the file system cannot do
 * it. */
int file_unnamed(void);

/* Writes or reads all of it, at the descriptor's offset. False, with errno, if that failed; reading
 * less than was asked for is EIO. */
bool file_write(int fd, const void *bytes, size_t length);
bool file_read(int fd, void *bytes, size_t length);

/* Another open file for the same file, with an offset of its own. -1, with errno, if that
 * failed. */
int file_reopen(int fd, int flags);

#endif
