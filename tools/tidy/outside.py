# SPDX-License-Identifier: BSD-2-Clause
"""Rules that other programs check: clang-format, cppcheck, clang-tidy.

A source that was found clean is not looked at again until it, a header it reads, its flags, the
tool or the tool's configuration changes: build/tidy/clean holds a hash of all these for each clean
source.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess

JOBS = 2
TIMEOUT_S = 300
FLAVOURS = ("x86_64", "actor", "sim-asan", "world-sim-asan", "unit", "host")

# clang has its own freestanding headers, and does not know all of gcc's options.
GCC_ONLY = re.compile(r"-fno-tree-loop-distribute-patterns|-nostdinc|-D_LIBC_LIMITS_H_|-Werror|"
                      r"-fsanitize\S*|-fno-sanitize\S*")


class Clean:
    """The hashes of what was found clean."""

    def __init__(self, tree):
        self.path = tree.root / "build/tidy/clean"
        self.known = set(self.path.read_text().split()) if self.path.exists() else set()

    def add(self, keys):
        fresh = set(keys) - self.known
        if fresh:
            self.known |= fresh
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("\n".join(sorted(self.known)) + "\n")


def digest(*parts):
    state = hashlib.sha256()
    for part in parts:
        state.update(part if isinstance(part, bytes) else str(part).encode())
        state.update(b"\0")
    return state.hexdigest()


def version(tool):
    return subprocess.run([tool, "--version"], check=True, capture_output=True, text=True).stdout


def read(path):
    return path.read_bytes() if path.exists() else b""


FINDING = re.compile(r"([^\s:]+):(\d+):(?:\d+:)? (error|warning|performance|portability): (.*)")


def findings(output, root):
    """The complaints in a tool's output, with paths from the top."""
    for path, line, _, message in FINDING.findall(output):
        yield f"{os.path.relpath(os.path.join(root, path), root)}:{line}: {message}"


def formatted(tree):
    """clang-format would change nothing."""
    names, clean = tree.c_files(), Clean(tree)
    common = digest(version("clang-format"), read(tree.root / ".clang-format"))
    keys = {name: digest(common, read(tree.root / name)) for name in names}
    dirty = [name for name in names if keys[name] not in clean.known]
    if not dirty:
        return
    run = subprocess.run(["clang-format", "--dry-run", "-Werror", "--ferror-limit=1", *dirty],
                         cwd=tree.root, capture_output=True, text=True, timeout=TIMEOUT_S,
                         check=False)
    found = list(findings(run.stderr, tree.root))
    bad = {line.split(":")[0] for line in found}
    if run.returncode and not bad:
        yield f".clang-format:1: clang-format failed: {run.stderr.strip()[:200]}"
        return
    clean.add(keys[name] for name in dirty if name not in bad)
    for name in sorted(bad):
        yield next(line for line in found if line.startswith(f"{name}:"))


# ---- One translation unit at a time ----------------------------------------------------------


def records(tree):
    """source -> (words of its compile command, headers it reads), one flavour a source."""
    chosen = {}
    for flavour in FLAVOURS:
        top = tree.root / "build/obj" / flavour
        for path in sorted(top.rglob("*.json")):
            entry = json.loads(path.read_text())
            name = entry["file"]
            if name in chosen or not name.endswith(".c") or name not in tree.files:
                continue
            depends = read(path.with_suffix(".d")).decode().replace("\\\n", " ").split("\n")[0]
            headers = [word for word in depends.split(":")[-1].split() if not word.startswith("/")]
            chosen[name] = (entry["command"].split(), headers)
    return chosen


def arguments(command):
    """The flags of a compile command that tools understand."""
    words, skip = [], False
    for word, following in zip(command[1:], command[2:] + [""]):
        if skip or GCC_ONLY.fullmatch(word) or word in ("-c", "-g"):
            skip = False
        elif word in ("-o", "-isystem"):
            skip = True
        elif following == "" and not word.startswith("-"):
            pass
        else:
            words.append(word)
    return words


def each_source(tree, tool, configuration, command_of):
    """Runs a tool over each source that is not known to be clean; yields findings."""
    clean = Clean(tree)
    common = digest(version(tool), configuration)
    work = []
    for name, (command, headers) in sorted(records(tree).items()):
        flags = arguments(command)
        key = digest(common, *flags, *(read(tree.root / path) for path in [name, *headers]))
        if key not in clean.known:
            work.append((name, key, command_of(name, flags)))

    def run(item):
        name, key, words = item
        done = subprocess.run(words, cwd=tree.root, capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)
        if not done.returncode:
            return key, []
        found = sorted(set(findings(done.stdout + "\n" + done.stderr, tree.root)))
        why = (done.stderr or done.stdout).strip()[-300:]
        return key, found or [f"{name}:1: {tool} failed: {why}"]

    seen = set()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for key, found in pool.map(run, work):
            # What is generated is judged by its generator's tests.
            found = [line for line in found if not line.startswith("build/")]
            if not found:
                clean.add([key])
            yield from (line for line in found if line not in seen)
            seen.update(found)


CPPCHECK = ["--quiet", "--std=c11", "--enable=warning,performance,portability",
            "--error-exitcode=1", "--template={file}:{line}: {severity}: {message} [{id}]",
            # The processor's structure is at offset 0 of the gs segment: no null pointer.
            "--suppress=nullPointer:machine/x86_64/include/machine/arch.h",
            # Linker symbols bound the image's parts.
            "--suppress=comparePointers",
            # Reported where an earlier panic() has excluded it; clang's analyzer sees that.
            "--suppress=nullPointerRedundantCheck",
            # Reported where a pointer was passed to be filled; the compilers know better.
            "--suppress=uninitvar", "--suppress=uninitStructMember",
            # GNU C that cppcheck cannot parse: registers bound by asm, __typeof__ in a conditional.
            "--suppress=constStatement", "--suppress=internalAstError",
            # The compiler resolves includes; headers of the host are not read.
            "--suppress=missingInclude", "--suppress=missingIncludeSystem"]


def cppcheck(tree):
    """cppcheck reports nothing."""
    def command(name, flags):
        seen = [word for word in flags if word.startswith(("-I", "-D"))]
        return ["cppcheck", *CPPCHECK, *seen, name]
    return each_source(tree, "cppcheck", " ".join(CPPCHECK), command)


def clang_tidy(tree):
    """clang-tidy reports nothing of what .clang-tidy asks for."""
    def command(name, flags):
        return ["clang-tidy", "--quiet", name, "--", *flags, "-Wno-unknown-warning-option"]
    return each_source(tree, "clang-tidy", read(tree.root / ".clang-tidy"), command)


RULES = {"clang-format": formatted, "cppcheck": cppcheck, "clang-tidy": clang_tidy}
