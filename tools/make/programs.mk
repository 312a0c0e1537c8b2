# SPDX-License-Identifier: BSD-2-Clause
#
# Actors on x86-64. A folder with a main.c is one program, made of every source below it; its name
# is the folder's. The same objects are linked twice: against stubs that trap (NAME.user) and
# against stubs that call the gate (NAME.supervisor). A guest case is one source file and one
# program. A program is a static-pie whose only relocations are relative.

PROGRAM_PARENTS := services drivers subsystems/mix
PROGRAM_FOLDERS := $(patsubst %/main.c,%,$(wildcard $(addsuffix /*/main.c,$(PROGRAM_PARENTS))))
PROGRAMS        := $(notdir $(PROGRAM_FOLDERS))

CASE_SOURCES    := $(wildcard tests/guest/*.c)
CASE_X86_64     := $(wildcard tests/guest/x86_64/*.c)
CASES           := $(basename $(notdir $(CASE_SOURCES) $(CASE_X86_64)))
NAMES           := $(PROGRAMS) $(CASES)
$(if $(call equal,$(words $(sort $(NAMES))),$(words $(NAMES))),,\
    $(error two programs have one name: $(sort $(NAMES))))

RUNNER_FOLDER   := $(if $(wildcard tests/guest/runner/main.c),tests/guest/runner)

# The library. Below lib, a folder x86_64 or sim holds what one machine needs, a folder user or
# supervisor what one flavour needs.
LIB_ONLY        := $(call sources,lib) $(filter %_client.c %_server.c,$(IDL_FILES))
LIB_NO_GATE     := $(call without,/supervisor/,$(LIB_ONLY))
LIB_ACTOR       := $(call without,/sim/,$(LIB_ONLY)) $(KIT_SOURCES)
LIB_user        := $(call without,/supervisor/,$(LIB_ACTOR)) $(filter %/stubs_trap.S,$(GENERATED))
LIB_supervisor  := $(call without,/user/,$(LIB_ACTOR)) $(filter %/stubs_gate.S,$(GENERATED))
LIBRARY_user       := build/x86_64/lib/libchorus-user.a
LIBRARY_supervisor := build/x86_64/lib/libchorus-supervisor.a
$(foreach f,user supervisor,$(eval $(call library,$(LIBRARY_$f),$(call objects,actor,$(LIB_$f)))))

# $(call link_program,OBJECTS,FLAVOUR). readelf's list of relocations may name no other kind.
define link_program
$(call say,LD,$@)
@mkdir -p $(@D)
$(Q)$(CC) -static-pie -nostdlib -Wl,-e,_start -Wl,--no-dynamic-linker -Wl,-z,noexecstack \
    -Wl,-z,separate-code -Wl,-z,norelro -Wl,-z,max-page-size=4096 -Wl,--gc-sections \
    -Wl,--build-id=none -Wl,--fatal-warnings -o $@.new $1 $(LIBRARY_$2)
$(Q)if $(READELF) -rW $@.new | grep R_X86_64_ | grep -v R_X86_64_RELATIVE >&2; then exit 1; fi
$(Q)mv $@.new $@
endef

# $(eval $(call program,NAME,FOLDER))
define program
PROGRAM_OBJECTS_$1 := $(call objects,actor,$(call sources,$2) $(PROGRAM_GENERATED_$1))
$$(call remember,build/x86_64/bin/$1.list,$$(PROGRAM_OBJECTS_$1))
build/x86_64/bin/$1.list: ;
build/x86_64/bin/$1.user: $$(PROGRAM_OBJECTS_$1) build/x86_64/bin/$1.list $(LIBRARY_user)
	$$(call link_program,$$(PROGRAM_OBJECTS_$1),user)
build/x86_64/bin/$1.supervisor: $$(PROGRAM_OBJECTS_$1) build/x86_64/bin/$1.list \
    $(LIBRARY_supervisor)
	$$(call link_program,$$(PROGRAM_OBJECTS_$1),supervisor)
endef
$(foreach d,$(PROGRAM_FOLDERS) $(RUNNER_FOLDER),$(eval $(call program,$(notdir $d),$d)))

# Guest cases, case/NAME for user space and case/NAME.supervisor; what several share stands in
# tests/guest/support/.
CASE_SHARED := $(call objects,actor,$(call sources,tests/guest/support))
define case
build/x86_64/case/$(basename $(notdir $1)): $(call objects,actor,$1) $(CASE_SHARED) \
    $(LIBRARY_user)
	$$(call link_program,$$(filter %.o,$$^),user)
build/x86_64/case/$(basename $(notdir $1)).supervisor: $(call objects,actor,$1) $(CASE_SHARED) \
    $(LIBRARY_supervisor)
	$$(call link_program,$$(filter %.o,$$^),supervisor)
endef
$(foreach s,$(CASE_SOURCES) $(CASE_X86_64),$(eval $(call case,$s)))

PROGRAM_FILES := $(foreach n,$(PROGRAMS),build/x86_64/bin/$n.user build/x86_64/bin/$n.supervisor)
RUNNER_FILES  := $(if $(RUNNER_FOLDER),$(addprefix build/x86_64/bin/runner.,user supervisor))
CASE_FILES    := $(foreach n,$(CASES),build/x86_64/case/$n build/x86_64/case/$n.supervisor)
