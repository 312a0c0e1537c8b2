# SPDX-License-Identifier: BSD-2-Clause
#
# What runs on the host: the launcher, the unit tests, and the default root's files.

# ---- Launcher ----

LAUNCHER_OBJECTS := $(call objects,host,$(wildcard tools/chorus/*.c))
LAUNCHER         := $(if $(LAUNCHER_OBJECTS),build/bin/chorus)

$(call remember,build/bin/chorus.list,$(LAUNCHER_OBJECTS))
build/bin/chorus.list: ;

build/bin/chorus: $(LAUNCHER_OBJECTS) build/bin/chorus.list
	$(call say,LD,$@)
	$(Q)$(CC) -o $@ $(LAUNCHER_OBJECTS)

# ---- Unit tests: each file of tests/unit is one cmocka program ----
#
# The name's first word, up to the underscore, says what else is linked: UNIT_<word>, below. Every
# program gets support.c and the kit without its string.c: the sanitizers watch the host's.

UNIT_ext2    := $(wildcard tests/unit/ext2_host.c) $(call sources,subsystems/mix/om/ext2)
UNIT_om      := $(wildcard tests/unit/om_*host.c) lib/chorus/mutex.c \
    $(call sources,subsystems/mix/om/ext2) \
    $(filter-out $(addprefix subsystems/mix/om/,ext2_threads.c heap.c main.c medium.c serve.c), \
        $(wildcard subsystems/mix/om/*.c))
UNIT_heap    := subsystems/mix/om/heap.c lib/chorus/mutex.c
UNIT_chorus  := $(filter-out %/main.c,$(wildcard tools/chorus/*.c))

UNIT_COMMON  := $(wildcard tests/unit/support.c) $(filter-out kit/string.c,$(KIT_SOURCES))
UNIT_SOURCES := $(filter-out tests/unit/support.c %_host.c,$(wildcard tests/unit/*.c))
UNIT_TESTS   := $(patsubst tests/unit/%.c,build/unit/%,$(UNIT_SOURCES))
unit_word     = $(firstword $(subst _, ,$(notdir $1)))

# $(eval $(call unit_test,NAME,OBJECTS))
define unit_test
$(call remember,build/unit/$1.list,$2)
build/unit/$1.list: ;
build/unit/$1: $2 build/unit/$1.list
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(SANITIZE) -o $$@ $2 -lcmocka
endef
$(foreach s,$(UNIT_SOURCES),$(eval $(call unit_test,$(basename $(notdir $s)),$(strip \
    $(call objects,unit,$s $(UNIT_COMMON) $(UNIT_$(call unit_word,$s)))))))

# ---- ext2 on damaged disks ----
#
# ext2_mutate is one of the tests; tests/fuzz/run links ext2_libfuzzer.c, which is clang's.

FUZZ_COMMON  := $(strip $(wildcard tests/fuzz/ext2_exercise.c) $(UNIT_COMMON) $(UNIT_ext2))
FUZZ_OBJECTS := $(call objects,unit,$(wildcard tests/fuzz/ext2_mutate.c) $(FUZZ_COMMON))
FUZZ_TESTS   := build/fuzz/ext2_mutate $(call objects,unit,$(wildcard tests/fuzz/ext2_libfuzzer.c))

$(call remember,build/fuzz/ext2_mutate.list,$(FUZZ_OBJECTS))
build/fuzz/ext2_mutate.list: ;
build/fuzz/ext2_mutate: $(FUZZ_OBJECTS) build/fuzz/ext2_mutate.list
	$(call say,LD,$@)
	$(Q)$(CC) $(SANITIZE) -o $@ $(FUZZ_OBJECTS) -lcmocka

# ---- The default root ----

ROOT_STAMP := $(if $(wildcard tools/mkroot),build/root.stamp)

build/root.stamp: tools/mkroot $(wildcard /bin/busybox)
	$(call say,ROOT,build/root)
	$(Q)tools/mkroot --output build/root
	@touch $@
