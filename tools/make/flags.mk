# SPDX-License-Identifier: BSD-2-Clause
#
# Tools, and the flags of each flavour. A flavour is one way to compile: flags and a folder of
# objects. rules.mk makes the rules of every name in FLAVOURS; FLAGS_<flavour> are its flags.

CC      := gcc
AR      := ar
LD      := ld
OBJCOPY := objcopy
READELF := readelf
PYTHON  := python3 -B

WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla
LANGUAGE := -std=gnu11 -fno-common -g $(WARNINGS)

# Freestanding code sees the compiler's own headers and ours, never the host's. Defining
# _LIBC_LIMITS_H_ keeps the compiler's <limits.h> from looking for a C library's.
FREESTANDING := -ffreestanding -nostdinc -D_LIBC_LIMITS_H_ \
                -isystem $(shell $(CC) -print-file-name=include 2>/dev/null)
COMMON       := $(LANGUAGE) $(FREESTANDING) -O2 -fno-strict-aliasing -fno-omit-frame-pointer \
                -fno-tree-loop-distribute-patterns

HOSTED       := $(LANGUAGE) -D_GNU_SOURCE=

# A sanitized flavour stops at the first report and keeps red zones between the objects of a pool.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -DKIT_POOL_RED_ZONE_BYTES=16

# Headers: ours by path from the top, the interface as "chorus/...", the machine as "machine/...".
INCLUDE_ABI     := -I. -Iabi/include -Ibuild/gen
INCLUDE_NUCLEUS := $(INCLUDE_ABI) -Imachine/include -Inucleus
INCLUDE_SHARED  := -Ilib/include $(patsubst %,-I%,$(wildcard lib/*/include subsystems/*/include))
INCLUDE_SERVER  := $(INCLUDE_ABI) $(INCLUDE_SHARED)

X86_64 := -m64 -mno-red-zone -mgeneral-regs-only -fno-stack-protector -fcf-protection=none \
          -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables

# The Nucleus on x86-64, linked at the top of the address space.
FLAVOURS      := x86_64
FLAGS_x86_64  := $(COMMON) $(X86_64) -fno-pic -mcmodel=kernel $(INCLUDE_NUCLEUS) -Iabi/x86_64 \
                 -Imachine/x86_64/include

# The Nucleus on the smallest machine that links.
FLAVOURS      += null
FLAGS_null    := $(COMMON) -fno-pic -fno-stack-protector $(INCLUDE_NUCLEUS) -Iabi/null -Iabi/sim \
                 -Imachine/null/include

# Actors on x86-64; one set of objects serves the user and the supervisor flavour of a program.
FLAVOURS      += actor
FLAGS_actor   := $(COMMON) $(X86_64) -fPIE $(INCLUDE_SERVER) -Iabi/x86_64 -Imachine/x86_64/include

# The simulator. A variant is a flavour of that name for the freestanding side (Nucleus, kit,
# actors) and world-<variant> for the host's side; VARIANT_<variant> are the flags of both.
SIM_VARIANTS     := sim sim-asan sim-8k
VARIANT_sim      := -O2
VARIANT_sim-asan := -O1 $(SANITIZE)
VARIANT_sim-8k   := -O1 $(SANITIZE) -DSIM_PAGE_SHIFT=13
INCLUDE_SIM      := $(INCLUDE_NUCLEUS) -Iabi/sim -Imachine/sim/include $(INCLUDE_SHARED)
FLAVOURS         += $(foreach v,$(SIM_VARIANTS),$v world-$v)
$(foreach v,$(SIM_VARIANTS),$(eval FLAGS_$v := $(COMMON) $(VARIANT_$v) $(INCLUDE_SIM)))
$(foreach v,$(SIM_VARIANTS),$(eval FLAGS_world-$v := $(HOSTED) $(VARIANT_$v) $(INCLUDE_SIM)))

# Host programs: the launcher, and unit tests under the sanitizers.
FLAVOURS      += host unit
FLAGS_host    := $(HOSTED) -O2 $(INCLUDE_ABI) -Iabi/x86_64
FLAGS_unit    := $(HOSTED) -O1 -fno-omit-frame-pointer $(SANITIZE) $(INCLUDE_SERVER) -Iabi/sim
