# SPDX-License-Identifier: BSD-2-Clause
#
# The simulator: the Nucleus, its half of the machine, the host's half and every native program, in
# one Linux process. A program is joined with the library into one object in which all names but
# program_NAME (chorus/program.h) are local, so that programs do not meet;
# build/gen/sim_programs.def lists the names as SIM_SERVER(NAME) and SIM_CASE(NAME). kit/string.c is
# left out: the host's mem* and str* serve, which the sanitizers watch.

SIM_KIT      := $(filter-out kit/string.c,$(KIT_SOURCES))
SIM_NUCLEUS  := $(call sources,nucleus machine/sim) $(NUCLEUS_GENERATED) $(SIM_KIT)
SIM_WORLD    := $(call sources,sim)
SIM_LIBRARY  := $(call without,/x86_64/,$(call without,/user/,$(LIB_NO_GATE))) \
                $(filter build/gen/stubs_sim.c,$(GENERATED))
# A program with an x86_64 folder and no sim folder of its own is for that machine alone.
SIM_FOLDERS  := $(foreach d,$(PROGRAM_FOLDERS),$(if $(wildcard $d/x86_64),$(wildcard $d/sim/..),$d))
SIM_SERVERS  := $(notdir $(SIM_FOLDERS))
SIM_CASES    := $(basename $(notdir $(CASE_SOURCES)))
SIM_NATIVE   := $(SIM_SERVERS) $(SIM_CASES) $(notdir $(RUNNER_FOLDER))
SIM_BINARIES := $(if $(SIM_WORLD),$(foreach v,$(SIM_VARIANTS),build/$v/chorus-sim))

define newline


endef
$(call remember,build/gen/sim_programs.def,/* Made by make. Programs in the simulator. */ \
    $(patsubst %,SIM_SERVER(%),$(SIM_SERVERS)) $(patsubst %,SIM_CASE(%),$(SIM_CASES)))

# $(eval $(call sim_program,VARIANT,NAME,SOURCES))
define sim_program
build/$1/program/$2.o: $(call objects,$1,$3) build/$1/libchorus.a
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(LD) -r -o $$@.new $$(filter %.o,$$^) build/$1/libchorus.a
	$$(Q)$$(OBJCOPY) --keep-global-symbol=program_$2 $$@.new $$@
	@rm $$@.new
endef

# $(eval $(call sim_variant,VARIANT))
define sim_variant
$(call library,build/$1/libchorus.a,$(call objects,$1,$(SIM_LIBRARY)))
$(foreach d,$(SIM_FOLDERS) $(RUNNER_FOLDER),$(call sim_program,$1,$(notdir $d),\
    $(call sources,$d))$(newline))
$(foreach s,$(CASE_SOURCES),$(call sim_program,$1,$(basename $(notdir $s)),\
    $s $(call sources,tests/guest/support))$(newline))
SIM_OBJECTS_$1 := $(call objects,$1,$(SIM_NUCLEUS)) $(call objects,world-$1,$(SIM_WORLD)) \
                  $(patsubst %,build/$1/program/%.o,$(SIM_NATIVE))
$$(call remember,build/$1/objects.list,$$(SIM_OBJECTS_$1))
build/$1/objects.list: ;
build/$1/chorus-sim: $$(SIM_OBJECTS_$1) build/$1/objects.list
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(VARIANT_$1) -o $$@ $$(SIM_OBJECTS_$1)
endef
$(if $(SIM_WORLD),$(foreach v,$(SIM_VARIANTS),$(eval $(call sim_variant,$v))))
