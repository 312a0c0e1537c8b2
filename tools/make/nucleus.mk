# SPDX-License-Identifier: BSD-2-Clause
#
# The Nucleus: portable sources, the kit and one machine.

KIT_SOURCES     := $(call sources,kit)
NUCLEUS_SOURCES := $(call sources,nucleus) $(KIT_SOURCES) $(NUCLEUS_GENERATED)

# ---- x86-64 ----
#
# The image is linked twice. The first link has an empty symbol table; from it gen_symbols.py makes
# the table that a panic uses for its backtrace. The table stands at the end of the read-only data,
# so no function moves; gen_symbols.py --verify compares. The second image proves that no physical
# base is assumed: the same objects at 64 MiB.

X86_64_SOURCES := $(call sources,machine/x86_64)
X86_64_OBJECTS := $(call objects,x86_64,$(NUCLEUS_SOURCES) $(X86_64_SOURCES))
X86_64_SCRIPT  := machine/x86_64/nucleus.ld
X86_64_IMAGES  := $(if $(wildcard $(X86_64_SCRIPT)),build/x86_64/chorus.elf \
                     build/x86_64/chorus-64m.elf)
X86_64_LINK     = $(LD) -m elf_x86_64 -nostdlib -z max-page-size=4096 -z noexecstack --gc-sections \
                  --fatal-warnings --defsym=PHYSICAL_BASE=$(BASE) -T $(X86_64_SCRIPT)

LINK = build/x86_64/link/$*
build/x86_64/chorus.elf: BASE := 0x200000
build/x86_64/chorus-64m.elf: BASE := 0x4000000

$(call remember,build/x86_64/nucleus.list,$(X86_64_OBJECTS))
build/x86_64/nucleus.list: ;

$(X86_64_IMAGES): build/x86_64/%.elf: $(X86_64_OBJECTS) $(X86_64_SCRIPT) \
    build/x86_64/nucleus.list tools/gen_symbols.py
	$(call say,LD,$@)
	@mkdir -p build/x86_64/link
	$(Q)$(PYTHON) tools/gen_symbols.py --empty $(LINK)-1.S
	$(Q)$(CC) -c -o $(LINK)-1.o $(LINK)-1.S
	$(Q)$(X86_64_LINK) -o $(LINK)-1.elf $(X86_64_OBJECTS) $(LINK)-1.o
	$(Q)$(PYTHON) tools/gen_symbols.py --output $(LINK)-2.S --base IMAGE_ADDRESS $(LINK)-1.elf
	$(Q)$(CC) -c -o $(LINK)-2.o $(LINK)-2.S
	$(Q)$(X86_64_LINK) -Map $(LINK).map -o $(LINK)-2.elf $(X86_64_OBJECTS) $(LINK)-2.o
	$(Q)$(PYTHON) tools/gen_symbols.py --verify $(LINK)-1.elf $(LINK)-2.elf
	$(Q)cp $(LINK)-2.elf $@

# ---- null ----

NULL_SOURCES := $(call sources,machine/null)
NULL_OBJECTS := $(if $(NULL_SOURCES),$(call objects,null,$(NUCLEUS_SOURCES) $(NULL_SOURCES)))
NULL_IMAGE   := $(if $(NULL_SOURCES),build/null/chorus)

$(call remember,build/null/nucleus.list,$(NULL_OBJECTS))
build/null/nucleus.list: ;

build/null/chorus: $(NULL_OBJECTS) build/null/nucleus.list
	$(call say,LD,$@)
	$(Q)$(CC) -nostdlib -static -no-pie -o $@ $(NULL_OBJECTS)
