/* SPDX-License-Identifier: BSD-2-Clause */
/* What start.S and boot.c agree on. */
#ifndef X86_64_BOOT_H
#define X86_64_BOOT_H

/* Boot protocols. */
#define BOOT_PVH 1

/* What the test device at port 0xf4 is told: it makes QEMU exit with twice the value, plus one. */
#define BOOT_END_STATUS 0x10
#define BOOT_DIED_STATUS 0x11

#endif
