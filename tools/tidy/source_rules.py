# SPDX-License-Identifier: BSD-2-Clause
"""Rules that read the text of files. Each takes a Tree and yields findings `path:line: message`."""

import functools
import os
import re

from tree import FREESTANDING, PORTABLE

LINE_COLUMNS = 100
FILE_LINES = 800
FILE_KIB = 512

SOURCE_SUFFIXES = (".c", ".h", ".S", ".ld", ".py", ".sh", ".mk", ".def", ".tbl", ".idl", ".conf")
LICENCE = "SPDX-License-Identifier: BSD-2-Clause"


def is_source(tree, name):
    return (name.endswith(SOURCE_SUFFIXES) or os.path.basename(name) == "Makefile"
            or tree.text(name).startswith("#!"))


def licence(tree):
    """SPDX line in the first three lines of each source file."""
    for name in tree.files:
        if is_source(tree, name) and LICENCE not in "\n".join(tree.text(name).splitlines()[:3]):
            yield f"{name}:1: no line '{LICENCE}'"


def size(tree):
    """Lines at most 100 columns, files at most 800 lines, nothing large."""
    for name in tree.files:
        kib = (tree.root / name).stat().st_size // 1024
        if kib > FILE_KIB:
            yield f"{name}:1: {kib} KiB; at most {FILE_KIB}"
        if not is_source(tree, name) or name.endswith(".tbl"):
            continue
        count = len(tree.text(name).splitlines())
        if count > FILE_LINES:
            yield f"{name}:{count}: {count} lines; at most {FILE_LINES}"
        for number, line in tree.lines(name):
            if len(line) > LINE_COLUMNS:
                yield f"{name}:{number}: {len(line)} columns; at most {LINE_COLUMNS}"
            if "\t" in line and name.endswith((".c", ".h", ".py")):
                yield f"{name}:{number}: a tab"


UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def words(tree):
    """Nothing is left open in the text."""
    for name in tree.files:
        if name.startswith(("tools/tidy/", "docs/style")):
            continue
        for number, line in tree.lines(name):
            if UNFINISHED.search(line):
                yield f"{name}:{number}: '{UNFINISHED.search(line).group(0)}'"


def places(tree):
    """No path of one machine, no name of a package registry's host."""
    bad = re.compile("|".join(
        [re.escape(str(tree.root)) + r"\b", r"\.\./shared/", r"(?<![\w.])/Users/\w",
         r"\bdeb\.debian\.org\b", r"\bpypi\.org\b", r"\bpypi\.python\.org\b"]))
    for name in tree.files:
        if name.startswith("tools/tidy/"):
            continue
        for number, line in tree.lines(name):
            if bad.search(line):
                yield f"{name}:{number}: '{bad.search(line).group(0)}' is a place of one machine"


DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*(\w*)(.*)")
MACHINE_MACRO = re.compile(
    r"\b(__x86_64__|__i386__|__aarch64__|__arm__|__riscv|__m68k__|__amd64__|_WIN32|__linux__|"
    r"__APPLE__|__SIZEOF_POINTER__|__LP64__|__BYTE_ORDER__)\b")
CONDITIONALS = ("if", "ifdef", "ifndef", "elif", "else", "endif")


def allowed_conditionals(tree, name):
    """Lines of the include guard, and of `#ifndef A / #define A value / #endif`, the default of a
    parameter that the build may set."""
    directives = []
    for number, line in tree.code_lines(name):
        found = DIRECTIVE.match(line)
        if found:
            directives.append((number, found.group(1), found.group(2)))
    allowed = set()
    if name.endswith(".h") and len(directives) >= 3:
        first, second, last = directives[0], directives[1], directives[-1]
        if first[1:] == ("ifndef", second[2]) and second[1] == "define" and last[1] == "endif" \
                and first[2].endswith("_H"):
            allowed |= {first[0], last[0]}
    for first, second, third in zip(directives, directives[1:], directives[2:]):
        if first[1] == "ifndef" and second[1:] == ("define", first[2]) and third[1] == "endif" \
                and not first[2].startswith("_") and third[0] == first[0] + 2:
            allowed |= {first[0], third[0]}
    return allowed


def conditionals(tree):
    """No #if in portable code; a machine's macros nowhere but in machine/. Headers have guards."""
    for name in tree.c_files():
        if name.startswith("machine/") and "/include/machine/" not in name:
            continue
        for number, line in tree.code_lines(name):
            asked = MACHINE_MACRO.search(line)
            if asked:
                yield f"{name}:{number}: asks for a machine with {asked.group(0)}"
        if not name.startswith(PORTABLE + ("machine/include/",)):
            continue
        allowed = allowed_conditionals(tree, name)
        if name.endswith(".h") and not allowed:
            yield f"{name}:1: no include guard"
        for number, line in tree.code_lines(name):
            found = DIRECTIVE.match(line)
            if found and found.group(1) in CONDITIONALS and number not in allowed:
                yield f"{name}:{number}: #{found.group(1)} in portable code"


# ---- Include edges ---------------------------------------------------------------------------

INCLUDE = re.compile(r'\s*#\s*include\s+(["<])([^">]+)[">]')
COMPILER_HEADERS = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "limits.h"}
MACHINES = ("x86_64", "sim", "null")
LAYERS = ("executive", "supervisor", "vm", "ipc")

# What an area may include besides itself. `idl` is what is generated from idl/.
EDGES = {
    "abi": (),
    "kit": (),
    "idl": ("abi", "lib"),
    "machine-contract": ("abi", "kit", "machine"),
    "machine": ("abi", "kit", "machine-contract", "nucleus", *LAYERS),
    "nucleus": ("abi", "kit", "machine-contract", "machine", *LAYERS),
    "executive": ("abi", "kit", "machine-contract", "machine", "nucleus"),
    "supervisor": ("abi", "kit", "machine-contract", "machine", "nucleus", "executive"),
    "vm": ("abi", "kit", "machine-contract", "machine", "nucleus", "executive"),
    "ipc": ("abi", "kit", "machine-contract", "machine", "nucleus", "executive", "vm"),
    "lib": ("abi", "kit", "idl"),
    "server": ("abi", "kit", "lib", "idl"),
    "mix": ("abi", "kit", "lib", "idl", "mix-shared"),
    "mix-shared": ("abi", "kit"),
    "guest": ("abi", "kit", "lib", "idl", "mix-shared"),
}


def area(path):
    """(kind, name) of the part of the house that a file belongs to; two servers differ in name."""
    parts = path.split("/")
    if path.startswith("build/gen/idl/"):
        return "idl", ""
    if path.startswith("build/gen/chorus/"):
        return "abi", ""
    if path.startswith("build/gen/mix/"):
        return "mix", "mix/pm"
    if path.startswith("build/gen/"):
        return "nucleus", ""
    if path.startswith("machine/include/"):
        return "machine-contract", ""
    if path.startswith("machine/"):
        return "machine", parts[1]
    if path.startswith("lib/"):
        return "lib", parts[2] if len(parts) > 3 and parts[2] in MACHINES else ""
    if path.startswith("nucleus/"):
        # The black-box trace is written to by every layer; it stands beside the site.
        layer = parts[1] if len(parts) > 2 and parts[1] in LAYERS else "nucleus"
        return ("nucleus", "") if path.startswith("nucleus/supervisor/trace.") else (layer, "")
    if path.startswith("subsystems/"):
        if len(parts) > 3 and parts[2] == "include":
            return f"{parts[1]}-shared", ""
        return (parts[1] if parts[1] in EDGES else "server"), "/".join(parts[1:3])
    if path.startswith(("drivers/", "services/")):
        return "server", "/".join(parts[:2])
    if path.startswith("tests/guest/"):
        return "guest", ""
    return (parts[0] if parts[0] in EDGES else "host"), ""


@functools.lru_cache(maxsize=None)
def include_folders(tree):
    """Where the build looks for headers, all flavours together."""
    found = {"", "build/gen", "nucleus"}
    for name in tree.files:
        if re.match(r"abi/\w+/chorus/", name):
            found.add(os.path.dirname(os.path.dirname(name)))
        parts = name.split("/")
        if "include" in parts:
            found.add("/".join(parts[:parts.index("include") + 1]))
    return sorted(found)


def resolve(tree, name, target):
    """The file that an #include "target" in `name` means, from the top; None if none is there."""
    own = [f"machine/{machine}/include" for machine in MACHINES if f"/{machine}/" in name]
    for folder in (os.path.dirname(name), *own, *include_folders(tree)):
        path = os.path.normpath(os.path.join(folder, target))
        if (tree.root / path).exists():
            return path
    return None


def includes(tree, name):
    for number, line in tree.lines(name):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1) == "<", found.group(2)


def edge_allowed(source, target):
    if source == target or source[0] == "host":
        return True
    if source == ("machine", "sim") and target[0] == "lib":
        return True  # it starts native programs, and so knows what one is
    if source[0] == "lib" and (target[0] == "lib" or target == ("machine", source[1])):
        return True  # lib/*/MACHINE/ knows its machine
    return source[0] != target[0] and target[0] in EDGES[source[0]]


def edges(tree):
    """Who may include whom (architecture, section 3); freestanding code sees no host header."""
    for name in tree.c_files():
        source = area(name)
        for number, system, target in includes(tree, name):
            if system:
                if name.startswith(FREESTANDING) and target not in COMPILER_HEADERS:
                    yield f"{name}:{number}: <{target}> is a host's header"
                continue
            path = resolve(tree, name, target)
            if path and not edge_allowed(source, area(path)):
                yield f"{name}:{number}: {'/'.join(filter(None, source))} includes {path}"


def cycles(tree):
    """No header includes itself, over whatever way round."""
    graph = {}
    for name in tree.c_files():
        if name.endswith(".h"):
            graph[name] = [path for _, system, target in includes(tree, name) if not system
                           for path in [resolve(tree, name, target)] if path]
    done = set()

    def visit(name, trail):
        if name in trail:
            yield f"{name}:1: includes itself: {' > '.join(trail[trail.index(name):] + [name])}"
            return
        if name in done:
            return
        for target in graph.get(name, []):
            yield from visit(target, trail + [name])
        done.add(name)

    for name in sorted(graph):
        yield from visit(name, [])


# ---- The map and the links -------------------------------------------------------------------

MAP_ROW = re.compile(r"\|\s*`([^`]+)/`\s*\|\s*(\S.*?)\s*\|\s*$")
MAP_DEPTH = {"subsystems": 3}


def house_map(tree):
    """README's map names every folder to the second level (subsystems: third), and any that is
    deeper if it is there."""
    rows = {}
    if "README.md" in tree.files:
        for number, line in tree.lines("README.md"):
            found = MAP_ROW.match(line)
            if found:
                rows[found.group(1)] = number
    folders, deeper = set(), set()
    for name in tree.files:
        parts = name.split("/")[:-1]
        deeper.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        for depth in range(1, min(len(parts), MAP_DEPTH.get(parts[0] if parts else "", 2)) + 1):
            folders.add("/".join(parts[:depth]))
    for folder in sorted(folders - set(rows)):
        yield f"README.md:1: the map lacks {folder}/"
    for folder in sorted(set(rows) - deeper):
        yield f"README.md:{rows[folder]}: the map names {folder}/, which is not there"


LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)")


def links(tree):
    """Links between our pages lead somewhere."""
    for name in tree.files:
        if not name.endswith(".md"):
            continue
        for number, line in tree.lines(name):
            for target in LINK.findall(line):
                if "://" in target or target.startswith("mailto:"):
                    continue
                if not (tree.root / os.path.dirname(name) / target).exists():
                    yield f"{name}:{number}: {target} is not there"


RULES = {"licence": licence, "size": size, "words": words, "places": places,
         "conditionals": conditionals, "edges": edges, "cycles": cycles, "map": house_map,
         "links": links}
