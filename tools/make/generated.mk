# SPDX-License-Identifier: BSD-2-Clause
#
# What is generated from the interface tables. The generators leave a file alone whose text is
# unchanged, so that a new comment in a table recompiles nothing; build/gen/stamp tells when they
# last ran.

CALL_TABLE := $(wildcard abi/calls.tbl)
GENERATED  := $(if $(CALL_TABLE),$(addprefix build/gen/,chorus/calls.h nucleus_calls.h \
                  stubs_trap.S stubs_gate.S stubs_sim.c dispatch.c trace_names.c reference.json))
IDL        := $(wildcard idl/*.idl)
IDL_NAMES  := $(patsubst idl/%.idl,%,$(IDL))
IDL_FILES  := $(foreach n,$(IDL_NAMES),$(addprefix build/gen/idl/$n,.h _client.c _server.c))
SYSCALLS   := $(wildcard subsystems/mix/pm/syscalls.tbl)
GENERATORS := $(wildcard tools/gen_calls.py tools/gen_idl.py tools/gen_syscalls.py tools/idl/*.py)

# What is generated for one program alone: PROGRAM_GENERATED_<name>.
PROGRAM_GENERATED_pm := $(if $(SYSCALLS),build/gen/mix/syscalls.c)

NUCLEUS_GENERATED := $(filter %/dispatch.c %/trace_names.c,$(GENERATED))

$(call remember,build/gen.list,$(IDL))
build/gen.list: ;

build/gen/stamp: $(CALL_TABLE) $(IDL) $(SYSCALLS) $(GENERATORS) build/gen.list
	$(call say,GEN,$(@D))
	@mkdir -p build/gen/idl
	$(if $(CALL_TABLE),$(Q)$(PYTHON) tools/gen_calls.py --table $(CALL_TABLE) --out build/gen)
	$(Q)set -e; for idl in $(IDL); do $(PYTHON) tools/gen_idl.py $$idl --out build/gen/idl; done
	$(if $(SYSCALLS),$(Q)$(PYTHON) tools/gen_syscalls.py --table $(SYSCALLS) --out build/gen)
	@touch $@

$(GENERATED) $(IDL_FILES) $(PROGRAM_GENERATED_pm): build/gen/stamp ;
