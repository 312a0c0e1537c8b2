/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs of e2fsprogs on an image in memory. It stands alone, since the host's headers and
 * mix/linux.h do not mix. */
#ifndef TESTS_UNIT_OM_IMAGE_HOST_H
#define TESTS_UNIT_OM_IMAGE_HOST_H

#include <stddef.h>
#include <stdint.h>

/* Runs a command with the image's file for %s; the image is what the file is afterwards. Returns
 * the exit status, and what was printed, ended by NUL. */
int image_command(uint8_t *bytes, uint64_t size, const char *command, char *output, size_t room);

#endif
