#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes, from server protocols in idl/, all that clients and servers need of them.

    gen_idl.py idl/NAME.idl... --out FOLDER

    NAME.h          constants, structures, the client's functions, the server's table
    NAME_client.c   functions that make a request, call, and take the reply apart
    NAME_server.c   the dispatcher: takes a request apart, calls the table, makes the reply
    NAME.md         the protocol as a page

idl/README.md describes the language and the wire. The parts stand in tools/idl/:

    model.py    a protocol as it was read, and where its arguments travel
    reader.py   reads the language
    ctext.py    pieces of C
    header.py client.py server.py page.py   one for each file made
"""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from idl import client, header, page, reader, server


def write_if_changed(path, text):
    """An old file of the same text keeps its time, so that nothing is compiled again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def generate(protocol, folder):
    for suffix, make in {".h": header.make, "_client.c": client.make, "_server.c": server.make,
                         ".md": page.make}.items():
        write_if_changed(folder / f"{protocol.name}{suffix}", make(protocol))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("protocols", nargs="+", type=pathlib.Path, help="idl/NAME.idl")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for what is made")
    options = parser.parse_args()
    status = 0
    for path in options.protocols:
        try:
            generate(reader.Reader(path).protocol(), options.out)
        except reader.IdlError as error:
            print(error, file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
