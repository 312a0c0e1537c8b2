# SPDX-License-Identifier: BSD-2-Clause
"""The files that the rules look at: a checkout, or a canary unpacked into a folder of its own."""

import functools
import os
import pathlib
import re
import subprocess

CANARY = "tools/tidy/canary/"

# Code that runs on the Nucleus or is the Nucleus: no host, no machine, no writable file-scope data.
PORTABLE = ("abi/", "kit/", "nucleus/", "lib/", "drivers/", "services/", "subsystems/")
FREESTANDING = PORTABLE + ("machine/", "tests/guest/")

COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(match):
    """A comment becomes spaces; a string keeps its quotes. Line ends stay."""
    text = match.group(0)
    if text[0] in "\"'":
        return text[0] + " " * (len(text) - 2) + text[0]
    return re.sub(r"[^\n]", " ", text)


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = [name for name in self._list() if not name.startswith(CANARY)]

    def _list(self):
        """What git tracks or would track; every file where there is no repository."""
        if (self.root / ".git").exists():
            found = subprocess.run(
                ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
                 "--exclude-standard"],
                cwd=self.root, check=True, capture_output=True, text=True).stdout.split("\0")
            return sorted(name for name in set(found) if name and self._is_file(name))
        return sorted(
            os.path.relpath(os.path.join(folder, name), self.root)
            for folder, _, names in os.walk(self.root) for name in names
            if not os.path.relpath(folder, self.root).startswith("build"))

    def _is_file(self, name):
        """A file of ours; a link is none, what it leads to may be built."""
        return (self.root / name).is_file() and not (self.root / name).is_symlink()

    @functools.lru_cache(maxsize=None)
    def text(self, name):
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def lines(self, name):
        """(number, line) pairs, from 1."""
        return enumerate(self.text(name).splitlines(), 1)

    @functools.lru_cache(maxsize=None)
    def code(self, name):
        """The C text without comments and without what strings say; same lines."""
        return COMMENT_OR_STRING.sub(blank, self.text(name))

    def code_lines(self, name):
        return enumerate(self.code(name).splitlines(), 1)

    def c_files(self, *prefixes):
        """.c and .h files below the prefixes, all if none is given."""
        return [name for name in self.files
                if name.endswith((".c", ".h")) and (not prefixes or name.startswith(prefixes))]

    def objects(self, flavour, *prefixes):
        """Objects of a flavour whose source still exists: (object, source)."""
        top = self.root / "build/obj" / flavour
        found = []
        for path in sorted(top.rglob("*.o")):
            source = str(path.relative_to(top).with_suffix(""))
            source = source if source.endswith(".S") else f"{source}.c"
            if (self.root / source).exists() and source.startswith(prefixes):
                found.append((path, source))
        return found
