# SPDX-License-Identifier: BSD-2-Clause
"""Ratchets: figures that may only get better. tools/tidy/ratchet.json keeps the best so far; a
worse figure is a finding, and `tools/tidy/run --ratchet` writes better ones."""

import json
import re

from tree import PORTABLE

FILE = "tools/tidy/ratchet.json"
FUNCTION_LINES = 70
COUNTED = PORTABLE + ("machine/", "sim/", "tools/chorus/")
# Servers have a figure of their own: most of what they check comes from others, who get an error.
ASSERTED = {"asserts_per_1000_lines": ("kit/", "nucleus/", "machine/"),
            "server_asserts_per_1000_lines": ("drivers/", "services/", "subsystems/")}
ASSERT = re.compile(r"\b(ASSERT|_Static_assert|static_assert)\s*\(")


def functions(tree, name):
    """(first line, lines of the body) of each function: `{` to `}`, both in the first column."""
    start = None
    for number, line in tree.code_lines(name):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def figures(tree):
    lengths = [length for name in tree.c_files(*COUNTED) for _, length in functions(tree, name)]
    return {"functions_over_70_lines": sum(1 for length in lengths if length > FUNCTION_LINES),
            "longest_function_lines": max(lengths, default=0),
            **{key: assert_density(tree, places) for key, places in ASSERTED.items()}}


def assert_density(tree, places):
    """Assertions for each 1,000 lines of code in the sources of some places."""
    code, asserts = 0, 0
    for name in tree.c_files(*places):
        if name.endswith(".c"):
            code += sum(1 for _, line in tree.code_lines(name) if line.strip())
            asserts += len(ASSERT.findall(tree.code(name)))
    return round(1000 * asserts / code, 1) if code else 0.0


def better(key, new, old):
    return new > old if key in ASSERTED else new < old


def ratchet(tree):
    kept, now = json.loads(tree.text(FILE)), figures(tree)
    for key, value in now.items():
        if better(key, kept[key], value):
            yield f"{FILE}:1: {key} was {kept[key]}, is {value}"
            if key.startswith("functions"):
                for name in tree.c_files(*COUNTED):
                    for number, length in functions(tree, name):
                        if length > FUNCTION_LINES:
                            yield f"{name}:{number}: a function of {length} lines"


def tighten(tree):
    kept, now = json.loads(tree.text(FILE)), figures(tree)
    best = {key: value if better(key, value, kept[key]) else kept[key]
            for key, value in now.items()}
    (tree.root / FILE).write_text(json.dumps(best, indent=4) + "\n")
    return best


RULES = {"ratchet": ratchet}
