# SPDX-License-Identifier: BSD-2-Clause
#
# The verbs. `run` and `check` first see to it that the Debian packages they need are there; a
# second make then builds, since this one may have been read before there was a compiler.

VERBS := all run check unit sim guest system bench soak fuzz debug tidy format clean help
.PHONY: $(VERBS) tests

# What a user needs, and what the tests need besides.
SYSTEM_FILES := $(X86_64_IMAGES) $(NULL_IMAGE) $(PROGRAM_FILES) $(ARCHIVES) $(LAUNCHER) \
                $(ROOT_STAMP)
TEST_FILES   := $(UNIT_TESTS) $(FUZZ_TESTS) $(SIM_BINARIES) $(CASE_FILES)

all: $(SYSTEM_FILES) build/gen/stamp
	@:

tests: all $(TEST_FILES) build/compile_commands.json
	@:

run:
	@tools/setup run
	@$(MAKE) all
	@exec ./chorus shell

check:
	@tools/setup
	@$(MAKE) tests
	@exec tools/check

unit: $(UNIT_TESTS) $(FUZZ_TESTS)
sim: $(SIM_BINARIES)
guest system: all $(CASE_FILES)
unit sim guest system:
	@exec tools/check $@

tidy: tests
	@exec tools/tidy/run

bench soak fuzz: tests
	@if [ -x tests/$@/run ]; then exec tests/$@/run; elif [ -x $@/run ]; then exec $@/run; \
	else echo 'make $@: nothing there yet' >&2; exit 2; fi

debug: all
	@exec tools/debug

format:
	@tools/tidy/reflow
	@git ls-files -z --cached --others --exclude-standard '*.c' '*.h' \
	    | xargs -0r clang-format -i

clean:
	@rm -rf build

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile
	@echo 'Verbs: $(VERBS)'

build/compile_commands.json: tools/make/compile_commands.py $(OBJECTS)
	$(call say,JSON,$@)
	$(Q)$(PYTHON) tools/make/compile_commands.py build/obj $@
