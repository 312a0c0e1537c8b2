# SPDX-License-Identifier: BSD-2-Clause
"""NAME.h: what clients and servers of a protocol include."""

from idl.ctext import (BANNER, COLUMNS, DISPATCHED, arguments, c_number, c_type, comment, function,
                       operation_code, prototype, stub_parameters, transfer, wrapped)
from idl.model import ANNEX_BYTES, Field, Variable, align_up


def section(title):
    return f"/* ---- {title} {'-' * (COLUMNS - len(title) - 13)} */\n\n"


# ---- Constants -----------------------------------------------------------------------------------

def client_body_bytes(operation):
    """What encoding a request and receiving its reply need of idl_client.body."""
    return (align_up(0 if operation.request.direct else operation.request.body_max, 8) +
            (0 if operation.reply.direct else operation.reply.body_max))


def constants(protocol):
    operations = protocol.operations
    lines = [
        ("PROTOCOL", f"0x{protocol.id:04x}u", ""),
        ("VERSION", f"{protocol.version}u", ""),
        ("REQUEST_BODY_MAX", f"{max(o.request.body_max for o in operations)}u",
         " /* what a server's buffers hold */"),
        ("REPLY_BODY_MAX", f"{max(o.reply.body_max for o in operations)}u", ""),
        ("CLIENT_BODY_BYTES", f"{max(map(client_body_bytes, operations))}u",
         " /* idl_client.body for any operation */")]
    out = "".join(f"#define {protocol.upper}_{name} {value}{doc}\n" for name, value, doc in lines)
    out += "\n" + wrapped("_Static_assert(", [
        f"K_CMSGANNEXSIZE == {ANNEX_BYTES}", f"{protocol.upper}_REQUEST_BODY_MAX <= K_CMSGBODYMAX",
        f"{protocol.upper}_REPLY_BODY_MAX <= K_CMSGBODYMAX"], ", \"as this layout assumes\");",
                           " && ", indent="")
    if protocol.constants:
        out += "\n" + "".join(
            comment(doc) + f"#define {protocol.upper}_{name} {c_number(value)}\n"
            for name, value, doc in protocol.constants)
    limits = "".join(
        f"#define {protocol.limit_name(operation, variable, direction)} {variable.limit}u\n"
        for operation in operations
        for direction, found in (("IN", operation.ins), ("OUT", operation.outs))
        for variable in found if isinstance(variable, Variable))
    return out + "\n" + (limits + "\n" if limits else "")


# ---- Types ---------------------------------------------------------------------------------------

def member(field):
    """A member's declaration with its comment behind it or, if too long, above."""
    count = f"[{field.count}]" if field.count else ""
    line = f"    {c_type(field.type)} {field.name}{count};"
    behind = f" /* {field.doc} */" if field.doc else ""
    if len(line + behind) > COLUMNS:
        return comment(field.doc, "    ") + line + "\n"
    return line + behind + "\n"


def enumeration(name, members):
    return f"enum {name} {{\n" + "".join(
        f"    {member_name} = {value},\n" for member_name, value in members) + "};\n\n"


def types(protocol):
    out = ""
    for of_type in protocol.types:
        out += comment(of_type.doc)
        if of_type.kind == "enum":
            out += enumeration(of_type.name, [(f"{of_type.name.upper()}_{name}", value)
                                              for name, value in of_type.members])
        else:
            out += f"struct {of_type.name} {{\n{''.join(map(member, of_type.members))}}};\n\n"
    out += enumeration(f"{protocol.name}_operation",
                       [(operation_code(protocol, o), o.number) for o in protocol.operations])
    if protocol.rights:
        out += "/* Bits of idl_context.rights. */\n" + enumeration(
            f"{protocol.name}_right", [(f"{protocol.upper}_RIGHT_{right}", f"0x{1 << i:x}")
                                       for i, right in enumerate(protocol.rights)])
    return out


def variable_members(variable, limit, direction):
    what = f"{variable.doc}; at" if variable.doc else "At"
    out = comment(f"{what} most {limit} bytes{' and a NUL' if variable.string else ''}.", "    ")
    const = "const " if direction == "in" else ""
    out += f"    {const}{'char' if variable.string else 'void'} *{variable.name};\n"
    if direction == "out":
        out += (f"    uint32_t {variable.name}_room; /* the client's"
                f"{', with the NUL' if variable.string else ''} */\n")
    if variable.string:
        who = "set for the server" if direction == "in" else "set for the client"
    else:
        who = "set by the client" if direction == "in" else "set by the server"
    return out + f"    uint32_t {variable.name}_bytes; /* {who} */\n"


def argument_struct(protocol, operation, direction):
    found = operation.ins if direction == "in" else operation.outs
    if not found:
        return ""
    out = f"struct {protocol.name}_{operation.name}_{direction} {{\n"
    for argument in found:
        if isinstance(argument, Field):
            out += member(argument)
        else:
            limit = protocol.limit_name(operation, argument, direction.upper())
            out += variable_members(argument, limit, direction)
    return out + "};\n\n"


# ---- Functions -----------------------------------------------------------------------------------

def clients_side(protocol):
    out = section("The client's side")
    for operation in protocol.operations:
        out += comment(operation.doc) + prototype(
            "KnResult", f"{protocol.name}_{operation.name}", stub_parameters(protocol, operation))
    return out + "\n"


def servers_side(protocol):
    name, shared = protocol.name, ["void *server", "const struct idl_context *context"]
    table = f"const struct {name}_server_ops *ops"
    out = section("The server's side")
    out += f"/* What is NULL is answered with K_ENOTIMP. */\nstruct {name}_server_ops {{\n"
    if protocol.rights:
        out += comment("Comes first where context->rights is not 0. NULL: all these are refused "
                       "with K_EPRIV.", "    ")
        out += wrapped("KnResult (*permit)(", shared, ");")
    for operation in protocol.operations:
        out += wrapped(f"KnResult (*{operation.name})(", shared + arguments(protocol, operation),
                       ");")
    out += f"}};\n\nextern const struct idl_protocol {name}_protocol;\n\n"
    out += comment("Takes the request apart, calls the operation and makes the reply, whose diag "
                   "it returns. reply->body is a buffer of reply->body_room bytes.")
    out += prototype("KnResult", f"{name}_dispatch", [table] + DISPATCHED) + "\n"
    return out + function("static inline struct idl_service", f"{name}_service",
                          [table, "void *server"], "",
                          f"    return (struct idl_service){{&{name}_protocol, ops, server}};\n")


# ---- The wire ------------------------------------------------------------------------------------

def enum_load(of_type):
    cases = "".join(f"    case {of_type.name.upper()}_{value}:\n" for value, _ in of_type.members)
    return function(
        "static inline bool", f"{of_type.name}_load",
        ["const uint8_t *from", f"enum {of_type.name} *to"],
        "    uint32_t value = le32_load(from);\n",
        f"    switch (value) {{\n{cases}        *to = (enum {of_type.name})value;\n"
        "        return true;\n    default:\n        return false;\n    }\n")


def struct_codec(of_type):
    size, stores, loads = 0, "", ""
    for field in of_type.members:
        size = align_up(size, field.align)
        stores += transfer(field, "to", size, f"from->{field.name}")
        loads += transfer(field, "from", size, f"to->{field.name}", "false")
        size += field.size
    total = f"{of_type.name.upper()}_BYTES"
    if sum(field.size for field in of_type.members) != of_type.size:
        stores = f"    memset(to, 0, {total});\n" + stores
    kind, result = ("bool", "    return true;\n") if of_type.checked else ("void", "")
    return f"#define {total} {of_type.size}u\n\n" + function(
        "static inline void", f"{of_type.name}_store",
        ["uint8_t *to", f"const struct {of_type.name} *from"], "", stores) + function(
            f"static inline {kind}", f"{of_type.name}_load",
            ["const uint8_t *from", f"struct {of_type.name} *to"], "", loads + result)


def the_wire(protocol):
    if not protocol.types:
        return ""
    return section("The wire: little-endian; false: no value of the type") + "".join(
        enum_load(t) if t.kind == "enum" else struct_codec(t) for t in protocol.types)


def make(protocol):
    guard = f"IDL_{protocol.upper}_H"
    return (BANNER.format(source=protocol.source) + comment(protocol.doc) +
            f"#ifndef {guard}\n#define {guard}\n\n#include \"idl/idl.h\"\n\n" +
            constants(protocol) + types(protocol) +
            "".join(argument_struct(protocol, operation, direction)
                    for operation in protocol.operations for direction in ("in", "out")) +
            clients_side(protocol) + servers_side(protocol) + the_wire(protocol) + "#endif\n")
