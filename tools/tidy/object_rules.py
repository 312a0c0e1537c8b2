# SPDX-License-Identifier: BSD-2-Clause
"""Rules that read what was built: objects and the Nucleus image."""

import re
import subprocess

from source_rules import LAYERS, area, edge_allowed

NUCLEUS_READ_ONLY_KIB = 256
NUCLEUS_LINES = 15000
BUDGET_IMAGE = "build/x86_64/chorus.elf"

# Where objects without writable file-scope data are looked for: (flavour, folders of sources).
STATELESS = (("x86_64", ("nucleus/", "kit/", "build/gen/")),
             ("actor", ("kit/", "lib/", "drivers/", "services/", "subsystems/", "tests/guest/")))

SYMBOL = re.compile(r"^[0-9a-f]+ (.{7}) (\S+)\t([0-9a-f]+) (?:\.\w+ )?(.*)$")


def symbols(paths):
    """objdump's symbols: yields (object, flags, section, bytes, name)."""
    if not paths:
        return
    listing = subprocess.run(["objdump", "-t", *paths], check=True, capture_output=True, text=True)
    current = None
    for line in listing.stdout.splitlines():
        if line.endswith(":     file format elf64-x86-64"):
            current = line.rsplit(":", 1)[0]
            continue
        found = SYMBOL.match(line)
        if found:
            flags, section, size, name = found.groups()
            yield current, flags, section, int(size, 16), name


def is_writable(section):
    """.data.rel.ro is constant once the loader has relocated it."""
    return section == "*COM*" or section.startswith((".bss", ".tbss", ".tdata")) or (
        section.startswith(".data") and not section.startswith(".data.rel.ro"))


def stateless(tree):
    """No writable file-scope data in the portable Nucleus, the kit, the library and the servers."""
    for flavour, folders in STATELESS:
        objects = tree.objects(flavour, *folders)
        sources = {str(path): source for path, source in objects}
        for path, _, section, size, name in symbols(list(sources)):
            if size and is_writable(section):
                yield f"{sources[path]}:1: '{name}' ({size} bytes in {section}) can be written"


def call_edges(tree):
    """executive <- vm <- ipc, supervisor uses executive only: by the symbols objects refer to."""
    objects = tree.objects("x86_64", "nucleus/")
    sources = {str(path): source for path, source in objects}
    defined, referred = {}, []
    for path, flags, section, _, name in symbols(list(sources)):
        if section == "*UND*":
            referred.append((sources[path], name))
        elif "g" in flags:
            defined[name] = sources[path]
    for source, name in sorted(referred):
        here, there = area(source), area(defined.get(name, source))
        if here[0] in LAYERS and not edge_allowed(here, there):
            yield f"{source}:1: {here[0]} refers to {name} of {defined[name]}"


SOURCE_LISTS = ("build/x86_64/nucleus.list", "build/null/nucleus.list", "build/sim/objects.list")
HOST_HAS_ITS_OWN = {"kit/string"}


def same_sources(tree):
    """Every machine's Nucleus is made of the same portable sources."""
    lists = {}
    for path in SOURCE_LISTS:
        if (tree.root / path).exists():
            found = re.findall(r"build/obj/[^/\s]+/((?:nucleus|kit|build/gen)/\S+)\.o",
                               (tree.root / path).read_text())
            if found:
                lists[path] = set(found) - HOST_HAS_ITS_OWN
    for path, names in lists.items():
        for missing in sorted(set().union(*lists.values()) - names):
            yield f"{path}:1: lacks {missing}"


def budget_figures(tree):
    """(bytes of text and read-only data, lines of portable C); bytes is None before a build."""
    lines = sum(len(tree.text(name).splitlines()) for name in tree.c_files("nucleus/"))
    if not (tree.root / BUDGET_IMAGE).exists():
        return None, lines
    listing = subprocess.run(["objdump", "-h", tree.root / BUDGET_IMAGE], check=True,
                             capture_output=True, text=True).stdout
    section = re.compile(r"^\s*\d+ (\S+)\s+([0-9a-f]+) .*\n\s+(.*)$", re.MULTILINE)
    return sum(int(size, 16) for _, size, flags in section.findall(listing)
               if "ALLOC" in flags and "READONLY" in flags), lines


def budget(tree):
    """The Nucleus' budget: text and read-only data, and lines."""
    read_only, lines = budget_figures(tree)
    if read_only is not None and read_only > NUCLEUS_READ_ONLY_KIB * 1024:
        yield (f"{BUDGET_IMAGE}:1: {read_only / 1024:.0f} KiB of text and read-only data; "
               f"at most {NUCLEUS_READ_ONLY_KIB}")
    if lines > NUCLEUS_LINES:
        yield f"nucleus:1: {lines} lines of portable C; at most {NUCLEUS_LINES}"


RULES = {"stateless": stateless, "call-edges": call_edges, "same-sources": same_sources,
         "budget": budget}
