/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Well-known names: the stamps of the static ports at which the servers of a site are reached. A
 * server declares its port, its clients build the same identifier and find it:
 *
 *     uiBuild(&ui, K_UIPORT_STATPORT, (uint32_t)uiLocalSite(), SERVICE_OM)
 *
 * An identifier carries its site, so that each site has its own set; another site's number in place
 * of uiLocalSite() names the same service there.
 *
 * I1 A stamp is never used again for another service.
 */
#ifndef CHORUS_SERVICES_H
#define CHORUS_SERVICES_H

#include <stdint.h>

/* "chor", then the number of the service in 24 bits. */
#define SERVICE_STAMP(number) (UINT64_C(0x63686f72) << 24 | (number))

#define SERVICE_BOOT SERVICE_STAMP(0x01)    /* idl/boot.idl */
#define SERVICE_CONSOLE SERVICE_STAMP(0x02) /* idl/console.idl */
#define SERVICE_OM SERVICE_STAMP(0x03)
#define SERVICE_STM SERVICE_STAMP(0x04)
#define SERVICE_PM SERVICE_STAMP(0x05)

/* Disk `index`, in the order of their places on the bus; idl/disk.idl. */
#define SERVICE_DISKS 16
#define SERVICE_DISK(index) SERVICE_STAMP(0x100 + (index))

/* Ports that nobody sends to: their holder owns what they stand for, until it gives it back or
 * dies. */
#define SERVICE_PCI_SPACE SERVICE_STAMP(0x200) /* configuration space */
/* A place is bus 8, device 5, function 3 bits. */
#define SERVICE_PCI_FUNCTION(place) SERVICE_STAMP(0x10000 + (place))

/* What a composition tells a server, in dsArgument of its first thread: how many threads should
 * serve (0: as many as it likes), and which device it is for, where there are several. */
#define SERVICE_ARGUMENT(threads, device) ((uintptr_t)(threads) << 8 | (uintptr_t)(device))
#define SERVICE_ARGUMENT_THREADS(argument) ((uint32_t)((argument) >> 8))
#define SERVICE_ARGUMENT_DEVICE(argument) ((uint32_t)((argument)&0xff))

#endif
