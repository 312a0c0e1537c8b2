/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of the upper half that only the machine knows; the others stand in machine/arch.h. */
#ifndef X86_64_LAYOUT_H
#define X86_64_LAYOUT_H

#include "machine/gate.h"

#define IMAGE_ADDRESS MACHINE_GATE_ADDRESS
#define DIRECT_MAP_ADDRESS 0xffff800000000000
#define DEVICES_ADDRESS 0xffffc10000000000

#endif
