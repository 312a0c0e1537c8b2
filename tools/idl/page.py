# SPDX-License-Identifier: BSD-2-Clause
"""NAME.md: the protocol as a page."""

from idl.model import Field, Variable


def type_text(argument):
    if isinstance(argument, Variable):
        return f"{'string' if argument.string else 'bytes'}, at most {argument.limit}"
    kind = argument.type.kind
    name = argument.type.name if kind in ("integer", "enum", "struct") else kind
    return f"{name}[{argument.count}]" if argument.count else name


def places(layout):
    """argument -> where it travels."""
    found = {id(field): f"{where} {offset}" for field, where, offset in layout.fixed}
    for variable in layout.variables:
        found[id(variable)] = f"body, length at annex {layout.slot[variable]}" + (
            ", not copied" if layout.direct else "")
    return found


def operation_text(protocol, operation):
    out = f"## {operation.number} {operation.name}\n\n"
    if operation.doc:
        out += operation.doc + "\n\n"
    rows = [(direction, argument, places(layout)[id(argument)])
            for direction, found, layout in (("in", operation.ins, operation.request),
                                             ("out", operation.outs, operation.reply))
            for argument in found]
    if rows:
        out += "| | argument | type | place | |\n|---|---|---|---|---|\n"
        for direction, argument, place in rows:
            out += (f"| {direction} | `{argument.name}` | {type_text(argument)} | {place} | "
                    f"{argument.doc} |\n")
        out += "\n"
    if operation.oneway:
        out += "One-way: nothing comes back.\n\n"
    out += f"Rights: {', '.join(operation.rights) or 'none'}. "
    return out + f"Errors: {', '.join(operation.errors) or 'none of its own'}.\n\n"


def type_section(protocol):
    out = ""
    for of_type in protocol.types:
        out += f"## {of_type.kind} {of_type.name}\n\n"
        out += f"{of_type.doc}\n\n" if of_type.doc else ""
        out += "| name | value |\n|---|---|\n" if of_type.kind == "enum" else \
            "| member | type | |\n|---|---|---|\n"
        for entry in of_type.members:
            if isinstance(entry, Field):
                out += f"| `{entry.name}` | {type_text(entry)} | {entry.doc} |\n"
            else:
                out += f"| {entry[0]} | {entry[1]} |\n"
        out += "\n"
    return out


def make(protocol):
    out = (f"<!-- Made from {protocol.source}; do not edit. -->\n\n# {protocol.name}, "
           f"version {protocol.version}\n\n")
    out += protocol.doc + "\n\n" if protocol.doc else ""
    out += f"Protocol id 0x{protocol.id:04x}.\n\n"
    if protocol.constants:
        out += "| constant | value | |\n|---|---|---|\n" + "".join(
            f"| {name} | {value} | {doc} |\n" for name, value, doc in protocol.constants) + "\n"
    out += "".join(operation_text(protocol, operation) for operation in protocol.operations)
    return (out + type_section(protocol)).rstrip("\n") + "\n"
