# SPDX-License-Identifier: BSD-2-Clause
"""Pieces of C that more than one of the files made needs."""

COLUMNS = 100
BANNER = "/* SPDX-License-Identifier: BSD-2-Clause */\n/* Made from {source}; do not edit. */\n"

# What every dispatcher is given besides its table.
DISPATCHED = ["void *server", "struct idl_context *context", "const struct idl_message *request",
              "struct idl_message *reply"]


def wrapped(head, parts, tail, joint=", ", indent="    "):
    """head + parts + tail in one line, or in several that begin below the first part."""
    lines, hang = [indent + head], " " * len(indent + head)
    for index, part in enumerate(parts):
        text = part + (tail if index == len(parts) - 1 else joint)
        if index > 0 and len(lines[-1] + text.rstrip()) > COLUMNS:
            lines[-1] = lines[-1].rstrip()
            lines.append(hang)
        lines[-1] += text
    return "\n".join(lines) + "\n"


def comment(text, indent=""):
    """A C comment, wrapped, with its paragraphs; nothing for no text."""
    if not text:
        return ""
    lines = [indent + "/*"]
    for number, paragraph in enumerate(text.replace("*/", "* /").split("\n\n")):
        if number > 0:
            lines += [indent + " *", indent + " *"]
        for word in paragraph.split():
            if len(lines[-1] + " " + word) > COLUMNS - 3:
                lines.append(indent + " *")
            lines[-1] += " " + word
    return "\n".join(lines) + " */\n"


def prototype(kind, name, parameters):
    return wrapped(f"{kind} {name}(", parameters, ");", indent="")


def function(kind, name, parameters, declarations, statements):
    gap = "\n" if declarations and statements else ""
    return (wrapped(f"{kind} {name}(", parameters, ")", indent="") +
            f"{{\n{declarations}{gap}{statements}}}\n\n")


def refuse_if(conditions, status="K_EINVAL"):
    """Returns `status` where one of the conditions holds; nothing for no condition."""
    if not conditions:
        return ""
    return wrapped("if (", conditions, ")", " || ") + f"        return {status};\n"


def refuse_size(message, layout, owner):
    """Refuses a body of another size than its lengths say."""
    return wrapped(f"if ({message}->body_bytes != ", body_size(layout, owner=owner), ")", " + ") + (
        "        return K_EINVAL;\n")


def after(variable, owner, const="const ", suffix="_bytes"):
    """Where what follows a variable argument begins."""
    cast = "" if variable.string else f"({const}char *)"
    ending = " + 1" if variable.string and suffix == "_bytes" else ""
    return f"{cast}{owner}{variable.name} + {owner}{variable.name}{suffix}{ending}"


def plus(base, offset):
    return f"{base} + {offset}" if offset else base


def c_type(of_type):
    return f"{of_type.kind} {of_type.name}" if of_type.kind in ("enum", "struct") else of_type.name


def c_number(value):
    return f"{value}u" if value < 1 << 32 else f"UINT64_C({value})"


# ---- Values of fixed size, between C and the wire ------------------------------------------------

def store(of_type, place, value):
    if of_type.kind in ("integer", "enum"):
        bits = 8 * of_type.size
        cast = f"(uint{bits}_t)" if of_type.signed or of_type.kind == "enum" else ""
        return f"le{bits}_store({place}, {cast}{value});"
    owner = of_type.name if of_type.kind == "struct" else f"idl_{of_type.kind}"
    return f"{owner}_store({place}, &{value});"


def load(of_type, place, value, refusal):
    """`refusal` is what the function returns for bits that are no value of the type."""
    if of_type.kind == "integer":
        bits = 8 * of_type.size
        return f"{value} = {f'(int{bits}_t)' if of_type.signed else ''}le{bits}_load({place});"
    owner = of_type.name if of_type.kind in ("struct", "enum") else f"idl_{of_type.kind}"
    call = f"{owner}_load({place}, &{value})"
    return f"if (!{call})\n    return {refusal};" if of_type.checked else f"{call};"


def byte_transfer(field, base, offset, value, stores):
    if not field.count:
        to, origin = f"{base}[{offset}]", value
        return f"    {to} = {origin};\n" if stores else f"    {origin} = {to};\n"
    to, origin = plus(base, offset), value
    return f"    memcpy({f'{to}, {origin}' if stores else f'{origin}, {to}'}, {field.count});\n"


def transfer(field, base, offset, value, refusal=None):
    """Statements that store a field at base + offset or, where there is a refusal, load it."""
    def element(place, item):
        if refusal is None:
            return store(field.type, place, item)
        return load(field.type, place, item, refusal)

    if field.type.size == 1:
        return byte_transfer(field, base, offset, value, refusal is None)
    place = plus(base, offset)
    if not field.count:
        return "".join(f"    {line}\n" for line in element(place, value).split("\n"))
    text = element(f"{place} + {field.type.size} * i", f"{value}[i]").split("\n")
    several = len(text) > 1
    return (f"    for (uint32_t i = 0; i < {field.count}; i++){' {' if several else ''}\n" +
            "".join(f"        {line}\n" for line in text) + ("    }\n" if several else ""))


def fixed(layout, place, owner, refusal=None):
    """All fields of a layout that stand in `place`, "annex" or "body"."""
    return "".join(transfer(field, place, offset, f"{owner}{field.name}", refusal)
                   for field, offset in layout.fixed_in(place))


def body_size(layout, suffix="_bytes", owner=""):
    """The terms of the sum that a body with these lengths has."""
    terms = [str(layout.spill)] if layout.spill else []
    for variable in layout.variables:
        terms.append(f"{owner}{variable.name}{suffix}")
        if variable.string and suffix == "_bytes":
            terms.append("1")
    return terms or ["0"]


# ---- Names ---------------------------------------------------------------------------------------

def operation_code(protocol, operation):
    return f"{protocol.upper}_{operation.name.upper()}"


def arguments(protocol, operation):
    """The parameters `in` and `out`, as far as the operation has them."""
    found, name = [], f"{protocol.name}_{operation.name}"
    if operation.ins:
        found.append(f"const struct {name}_in *in")
    if operation.outs:
        found.append(f"struct {name}_out *out")
    return found


def stub_parameters(protocol, operation):
    return ["const struct idl_client *client"] + arguments(protocol, operation)
