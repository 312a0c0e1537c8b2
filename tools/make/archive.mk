# SPDX-License-Identifier: BSD-2-Clause
#
# The system archive (newc cpio): programs without debug information as bin/NAME.user and
# bin/NAME.supervisor, compositions as conf/NAME.conf. Member `boot` is what the Nucleus starts: the
# boot service, or in the archive for guest tests the runner. That one also holds the cases as
# case/NAME and case/NAME.supervisor, and the compositions of tests/guest.

MKARCHIVE    := $(wildcard tools/mkarchive)
ARCHIVES     := $(if $(MKARCHIVE),$(if $(filter boot,$(PROGRAMS)),build/x86_64/system.cpio) \
                    $(if $(CASES),build/x86_64/test.cpio))
CONFS        := $(wildcard systems/*.conf)
TEST_CONFS   := $(wildcard tests/guest/*.conf)

build/x86_64/strip/%: build/x86_64/%
	@mkdir -p $(@D)
	$(Q)$(OBJCOPY) --strip-debug $< $@

# $(call members,PREFIX,FILES): NAME=PATH words.
members      = $(foreach f,$2,$1/$(notdir $f)=$f)
stripped     = $(patsubst build/x86_64/%,build/x86_64/strip/%,$1)

SYSTEM_MEMBERS := $(call members,bin,$(call stripped,$(PROGRAM_FILES))) \
                  $(call members,conf,$(CONFS))
TEST_MEMBERS   := boot=build/x86_64/strip/bin/runner.supervisor $(SYSTEM_MEMBERS) \
                  $(call members,bin,$(call stripped,$(RUNNER_FILES))) \
                  $(call members,case,$(call stripped,$(CASE_FILES))) \
                  $(call members,conf,$(TEST_CONFS))

# $(eval $(call archive,FILE,MEMBERS))
define archive
$$(call remember,$1.list,$2)
$1.list: ;
$1: $(foreach m,$2,$(lastword $(subst =, ,$m))) $1.list $(MKARCHIVE)
	$$(call say,CPIO,$$@)
	$$(Q)$(MKARCHIVE) --output $$@ $2
endef
$(eval $(call archive,build/x86_64/system.cpio,boot=build/x86_64/strip/bin/boot.supervisor \
    $(SYSTEM_MEMBERS)))
$(eval $(call archive,build/x86_64/test.cpio,$(TEST_MEMBERS)))
