/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of the hardware: PCI configuration space (PCI Local Bus 3.0, chapter 6; the MSI-X table
 * from 6.8.2) and the registers of a virtio device (Virtual I/O Device 1.2, sections 2.1 and 4.1).
 */
#ifndef LIB_VIRTIO_REGISTERS_H
#define LIB_VIRTIO_REGISTERS_H

/* ---- Configuration space --------------------------------------------------------------------- */

#define PCI_CONFIG_BYTES 256
#define PCI_BUS_PLACES 256 /* of a bus, and of a device on it */
#define PCI_DEVICE_PLACES 8

#define PCI_ID 0x00      /* vendor 16, device 16 */
#define PCI_COMMAND 0x04 /* command 16, status 16 */
#define PCI_HEADER 0x0c  /* byte 2: kind of header */
#define PCI_BAR_0 0x10
#define PCI_BRIDGE_BUSES 0x18 /* primary, secondary, subordinate bus, timer */
#define PCI_SUBSYSTEM 0x2c    /* vendor 16, device 16 */
#define PCI_CAPABILITIES 0x34

#define PCI_VENDOR_NONE 0xffffu
#define PCI_COMMAND_IO 0x0001u
#define PCI_COMMAND_MEMORY 0x0002u
#define PCI_COMMAND_MASTER 0x0004u
#define PCI_COMMAND_NO_LINE 0x0400u
#define PCI_STATUS_CAPABILITIES 0x0010u
#define PCI_HEADER_FUNCTIONS 0x80u /* the device has several */
#define PCI_HEADER_KIND 0x7fu
#define PCI_HEADER_PLAIN 0x00u
#define PCI_HEADER_BRIDGE 0x01u
#define PCI_BRIDGE_BARS 2

#define PCI_BAR_IO 0x1u
#define PCI_BAR_WIDTH 0x6u
#define PCI_BAR_32 0x0u
#define PCI_BAR_64 0x4u
#define PCI_BAR_FLAGS 0xfu

#define PCI_CAPABILITIES_LOW 0x40
#define PCI_CAPABILITY_VENDOR 0x09
#define PCI_CAPABILITY_MSIX 0x11

#define MSIX_CAPABILITY_BYTES 12
#define MSIX_COUNT 0x07ffu /* vectors, less one */
#define MSIX_MASKED 0x4000u
#define MSIX_ENABLED 0x8000u
#define MSIX_BAR 0x7u
#define MSIX_ENTRY_BYTES 16
#define MSIX_ENTRY_ADDRESS 0
#define MSIX_ENTRY_DATA 8
#define MSIX_ENTRY_CONTROL 12

/* ---- virtio over PCI ------------------------------------------------------------------------- */

#define VIRTIO_VENDOR 0x1af4u
#define VIRTIO_ID_MODERN 0x1040u /* plus the kind of device */
#define VIRTIO_ID_FIRST 0x1000u  /* up to VIRTIO_ID_MODERN: the kind stands in the subsystem */

/* A capability: id, next, length, then */
#define VIRTIO_CAPABILITY_KIND 3 /* offset of a byte */
#define VIRTIO_CAPABILITY_BAR 4  /* a byte */
#define VIRTIO_CAPABILITY_OFFSET 8
#define VIRTIO_CAPABILITY_LENGTH 12
#define VIRTIO_CAPABILITY_BYTES 16
#define VIRTIO_CAPABILITY_MULTIPLIER 16 /* kind NOTIFY has 4 bytes more */

enum virtio_capability_kind {
    VIRTIO_COMMON = 1,
    VIRTIO_NOTIFY = 2,
    VIRTIO_INTERRUPT = 3,
    VIRTIO_CONFIG = 4,
};

/* The common registers. */
#define COMMON_DEVICE_FEATURE_SELECT 0x00
#define COMMON_DEVICE_FEATURE 0x04
#define COMMON_DRIVER_FEATURE_SELECT 0x08
#define COMMON_DRIVER_FEATURE 0x0c
#define COMMON_CONFIG_VECTOR 0x10 /* 16 bits */
#define COMMON_QUEUES 0x12        /* 16 bits */
#define COMMON_STATUS 0x14        /* 8 bits */
#define COMMON_GENERATION 0x15    /* 8 bits */
#define COMMON_QUEUE_SELECT 0x16  /* 16 bits, as the next four */
#define COMMON_QUEUE_SIZE 0x18
#define COMMON_QUEUE_VECTOR 0x1a
#define COMMON_QUEUE_ENABLE 0x1c
#define COMMON_QUEUE_NOTIFY 0x1e
#define COMMON_QUEUE_DESCRIPTORS 0x20 /* 64 bits, as the next two */
#define COMMON_QUEUE_AVAILABLE 0x28
#define COMMON_QUEUE_USED 0x30
#define COMMON_BYTES 0x38

#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER 2u
#define STATUS_DRIVER_OK 4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 64u
#define STATUS_FAILED 128u

#define VECTOR_NONE 0xffffu

#endif
