# SPDX-License-Identifier: BSD-2-Clause
"""Canaries: for each rule a small tree with faults that the rule must report, and nothing else.

tools/tidy/canary/RULE.txt holds the tree as text: `== PATH` begins a file, `== expect` the
findings, each by its beginning; `%repeat N TEXT` stands for N lines and `%root%` for the tree's
place. Files of the configuration are taken from the checkout. For rules that read what was built,
sources are compiled into build/obj/FLAVOUR; the first folder chooses the flavour.
"""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile

from tree import Tree

CONFIGURATION = (".clang-format", ".clang-tidy")
FLAGS = ["-std=gnu11", "-ffreestanding", "-fno-common", "-O1", "-I."]


def parse(text):
    """path -> content; the findings stand under 'expect'."""
    files, current = {}, None
    for line in text.splitlines():
        if line.startswith("== "):
            current = line[3:].strip()
            files[current] = []
        elif current:
            repeat = re.match(r"%repeat (\d+) (.*)", line)
            files[current] += [repeat.group(2)] * int(repeat.group(1)) if repeat else [line]
    return {path: "\n".join(lines).strip("\n") + "\n" for path, lines in files.items()}


def compile_sources(root, files):
    """Objects, dependency files and records as the Makefile leaves them."""
    for name in files:
        if not name.endswith(".c"):
            continue
        flavour = "x86_64" if name.startswith(("nucleus/", "kit/")) else "actor"
        output = pathlib.Path("build/obj", flavour, name).with_suffix(".o")
        (root / output).parent.mkdir(parents=True, exist_ok=True)
        command = ["gcc", *FLAGS, "-c", "-o", str(output), name]
        subprocess.run([*command, "-MMD", "-w"], cwd=root, check=True)
        record = {"directory": str(root), "file": name, "output": str(output),
                  "command": " ".join(command)}
        (root / output).with_suffix(".json").write_text(json.dumps(record))
        if name == "nucleus/image.c":
            (root / "build/x86_64").mkdir(parents=True, exist_ok=True)
            shutil.copy(root / output, root / "build/x86_64/chorus.elf")


def sing(top, name, rule, compiled):
    """What is wrong with the rule, judged by its canary: a list of sentences, empty if it works."""
    path = top / "tools/tidy/canary" / f"{name}.txt"
    if not path.exists():
        return [f"{path.relative_to(top)} is missing"]
    files = parse(path.read_text())
    expected = files.pop("expect", "").split("\n")[:-1]
    if not expected:
        return [f"{path.relative_to(top)} expects nothing"]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for file, content in files.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(content.replace("%root%", folder))
        for file in CONFIGURATION:
            shutil.copy(top / file, root / file)
        if compiled:
            compile_sources(root, files)
        found = list(rule(Tree(root)))
    missed = [want for want in expected if not any(f.startswith(want) for f in found)]
    false = [f for f in found if not any(f.startswith(want) for want in expected)]
    return [f"did not report {want}" for want in missed] + [f"wrongly reported {f}" for f in false]
