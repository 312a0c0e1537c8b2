#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the symbol table that the Nucleus carries for its own backtraces.

    gen_symbols.py --empty FILE.S              a table of no symbols, for the first link
    gen_symbols.py --output FILE.S --base SYMBOL IMAGE
                                               the table of IMAGE's functions; offsets count
                                               from SYMBOL
    gen_symbols.py --verify PASS1 PASS2        fails unless every symbol kept its address

The table stands in section .symbols, at the end of the image's read-only data:

    symbols_count   32 bits: number of entries
    symbols_start   {offset from the base, offset into symbols_names}, 32 bits each, ascending
    symbols_names   NUL-terminated names

An address belongs to the last entry at or below it.
"""

import argparse
import subprocess
import sys

TABLE = ("symbols_count", "symbols_start", "symbols_names")


def symbols_of(image):
    """Every symbol with an address: (address, type, name), by address."""
    listing = subprocess.run(["nm", image], check=True, capture_output=True, text=True).stdout
    symbols = []
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) == 3:
            symbols.append((int(fields[0], 16), fields[1], fields[2]))
    return sorted(symbols)


def functions(symbols, base_name):
    """(offset, name) of everything in the text from the base on; one name an address, a global one
    if there is one."""
    base = next((address for address, _, name in symbols if name == base_name), None)
    if base is None:
        sys.exit(f"gen_symbols.py: the image has no symbol {base_name}")
    chosen = {}
    for address, kind, name in symbols:
        if kind not in "TtWw" or address < base or name.startswith("."):
            continue
        if address not in chosen or (kind == "T" and chosen[address][0] != "T"):
            chosen[address] = (kind, name)
    return [(address - base, chosen[address][1]) for address in sorted(chosen)]


def table(entries):
    """The assembly text of a table."""
    lines = ["# Made by tools/gen_symbols.py; do not edit.",
             '    .section .symbols, "a", @progbits', "    .balign 8",
             *(f"    .globl {name}" for name in TABLE),
             "symbols_count:", f"    .long {len(entries)}", "    .balign 8", "symbols_start:"]
    names, position = [], 0
    for offset, name in entries:
        lines.append(f"    .long {offset:#x}, {position}")
        names.append(f'    .asciz "{name}"')
        position += len(name) + 1
    lines += ["symbols_names:", *names, "    .byte 0",
              '    .section .note.GNU-stack, "", @progbits', ""]
    return "\n".join(lines)


def verify(first, second):
    """No function may have moved: what stands behind the table may."""
    before, after = ([symbol for symbol in symbols_of(path) if symbol[1] in "TtWw"]
                     for path in (first, second))
    moved = [name for (address, _, name), other in zip(before, after)
             if (address, name) != other[::2]]
    if moved or len(before) != len(after):
        sys.exit(f"gen_symbols.py: functions moved between the links: {' '.join(moved[:5])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--empty", metavar="FILE")
    choice.add_argument("--output", metavar="FILE")
    choice.add_argument("--verify", nargs=2, metavar="IMAGE")
    parser.add_argument("--base", metavar="SYMBOL")
    parser.add_argument("image", nargs="?")
    options = parser.parse_args()
    if options.verify:
        verify(*options.verify)
        return
    if options.output and not (options.base and options.image):
        parser.error("--output needs --base and an image")
    entries = functions(symbols_of(options.image), options.base) if options.output else []
    with open(options.output or options.empty, "w", encoding="ascii") as file:
        file.write(table(entries))


if __name__ == "__main__":
    main()
