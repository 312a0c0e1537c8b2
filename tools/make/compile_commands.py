#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Joins the commands recorded beside the objects into one compile_commands.json.

compile_commands.py OBJECTS OUTPUT

Records whose object or source is gone are left out. A source compiled in several flavours appears
once for each; clang tools take the first, so the flavours are put in a fixed order.
"""

import json
import pathlib
import sys

ORDER = ("x86_64", "actor", "sim-asan", "world-asan", "unit", "host")


def main():
    objects, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    entries = []
    for record in objects.rglob("*.json"):
        entry = json.loads(record.read_text())
        if not record.with_suffix(".o").exists() or not pathlib.Path(entry["file"]).exists():
            continue
        flavour = record.relative_to(objects).parts[0]
        rank = ORDER.index(flavour) if flavour in ORDER else len(ORDER)
        entries.append((entry["file"], rank, flavour, entry))
    entries.sort(key=lambda item: item[:3])
    output.write_text(json.dumps([entry for *_, entry in entries], indent=1) + "\n")


if __name__ == "__main__":
    main()
