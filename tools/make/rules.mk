# SPDX-License-Identifier: BSD-2-Clause
#
# The method. build/obj/FLAVOUR/DIR/FILE.o is made from DIR/FILE.c, and FILE.S.o from FILE.S, with
# the flags of FLAVOUR.
# Each object depends on build/obj/FLAVOUR/flags, which is written only when the flags change; a
# program likewise depends on a file that holds the list of its objects, so a removed source relinks
# it. Both are compared while make reads this file, by make itself: no process is started when
# nothing changed. Beside each object stand FILE.d (headers it read) and FILE.json (the command, for
# tools).

# Progress is one line a step on standard error; standard output belongs to the programs.
ifeq ($(V),1)
Q   :=
say  = @:
else
Q   := @
say  = @printf '  %-8s%s\n' '$1' '$2' >&2
endif

equal = $(and $(findstring x$1x,x$2x),$(findstring x$2x,x$1x))

# $(call remember,FILE,TEXT): FILE holds TEXT; its time of change is that of TEXT.
remember = $(if $(call equal,$(strip $(file <$1)),$(strip $2)),,\
               $(shell mkdir -p $(dir $1))$(file >$1,$(strip $2)))

# $(call sources,FOLDERS...): every .c and .S file below the folders, at most four deep.
sources = $(sort $(foreach d,$1,$(wildcard $d/*.[cS] $d/*/*.[cS] $d/*/*/*.[cS] $d/*/*/*/*.[cS])))

# $(call without,TEXT,FILES): the files whose path does not contain TEXT.
without = $(foreach f,$2,$(if $(findstring $1,$f),,$f))

# $(call objects,FLAVOUR,SOURCES): their objects. All objects ever asked for are in OBJECTS.
objects = $(eval OBJECTS += $(call object_names,$1,$2))$(call object_names,$1,$2)
object_names = $(patsubst %,build/obj/$1/%.o,$(patsubst %.c,%,$2))
OBJECTS :=

json_entry = {"directory": "$(CURDIR)", "file": "$<", "output": "$@", "command": "$1"}

define compile
$(call say,$1,$(@:build/obj/%=%))
@mkdir -p $(@D) && echo '$(call json_entry,$(CC) $2 -c -o $@ $<)' >$(@:.o=.json)
$(Q)$(CC) $2 -MMD -MP -c -o $@ $<
endef

define flavour_rules
$(call remember,build/obj/$1/flags,$(CC) $(FLAGS_$1))
build/obj/$1/%.o: %.c build/obj/$1/flags | build/gen/stamp
	$$(call compile,CC,$$(FLAGS_$1))
build/obj/$1/%.S.o: %.S build/obj/$1/flags | build/gen/stamp
	$$(call compile,AS,$$(FLAGS_$1))
build/obj/$1/flags: ;
endef
$(foreach f,$(FLAVOURS),$(eval $(call flavour_rules,$f)))

# $(eval $(call library,TARGET,OBJECTS)): an archive of objects.
define library
$(call remember,$1.list,$2)
$1: $2 $1.list
	$$(call say,AR,$$@)
	@mkdir -p $$(@D) && rm -f $$@
	$$(Q)$$(AR) rcsD $$@ $2
$1.list: ;
endef
