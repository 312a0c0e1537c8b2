# SPDX-License-Identifier: BSD-2-Clause
#
# Builds Chorus. Everything made lands in build/; `make clean` removes exactly that.
#
#   make run        set the machine up, build, and start a domain with a shell
#   make check      set the machine up, build, and run every test
#   make help       the other verbs
#
# Sources are found by folder: a new .c file needs no line here, and a folder that is missing or
# empty builds nothing. tools/make/*.mk says how each kind of thing is made; rules.mk explains the
# method. V=1 shows the commands.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables --no-print-directory
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j2
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

.DEFAULT_GOAL := all

include tools/make/flags.mk
include tools/make/rules.mk
include tools/make/generated.mk
include tools/make/nucleus.mk
include tools/make/programs.mk
include tools/make/sim.mk
include tools/make/host.mk
include tools/make/archive.mk
include tools/make/verbs.mk

# Header dependencies, as the compiler found them in the last build.
-include $(OBJECTS:.o=.d)
