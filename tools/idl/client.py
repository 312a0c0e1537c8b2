# SPDX-License-Identifier: BSD-2-Clause
"""NAME_client.c: each operation as a function that makes a request, calls, and takes the reply
apart. What the caller's structure says changes only when the whole reply was found good."""

from idl.ctext import (BANNER, body_size, fixed, function, operation_code, plus, refuse_if,
                       refuse_size, stub_parameters, wrapped)


# ---- Requests ------------------------------------------------------------------------------------

def places_bodies(operation):
    """Whether a body is put together, or taken apart, in the client's buffer."""
    return any(not layout.direct and layout.body_max > 0
               for layout in (operation.request, operation.reply))


def encode_arguments(protocol, operation):
    """Parameters and what is passed for them, as far as encoding needs them."""
    found = {}
    if places_bodies(operation):
        found["const struct idl_client *client"] = "client"
    if operation.ins:
        found[f"const struct {protocol.name}_{operation.name}_in *in"] = "in"
    if operation.reply.variables:
        found[f"const struct {protocol.name}_{operation.name}_out *out"] = "out"
    found["struct idl_message *request"] = "&request"
    if not operation.oneway:
        found["struct idl_message *reply"] = "&reply"
    return found


def encode_declarations(protocol, operation):
    """Lengths of what goes, room for what comes, within the limits."""
    request, out = operation.request, ""
    for variable in request.variables:
        limit = protocol.limit_name(operation, variable, "IN")
        value = (f"idl_string_bytes(in->{variable.name}, {limit})" if variable.string
                 else f"in->{variable.name}_bytes")
        out += f"    uint32_t {variable.name}_bytes = {value};\n"
    for variable in operation.reply.variables:
        limit = protocol.limit_name(operation, variable, "OUT")
        out += wrapped(f"uint32_t {variable.name}_room = MIN(", [
            f"out->{variable.name}_room", f"{limit}{' + 1' if variable.string else ''}"], ");")
    if request.slot or request.fixed_in("annex"):
        out += "    uint8_t *annex = request->annex;\n"
    if request.spill or (request.variables and not request.direct):
        out += "    uint8_t *body;\n"
    if request.variables and not request.direct:
        out += f"    uint32_t at = {request.spill};\n"
    return out


def encode_slots(operation):
    out = ""
    for variable, offset in operation.request.slot.items():
        if variable in operation.request.variables:
            value = f"{variable.name}_bytes"
        else:
            value = f"{variable.name}_room{' - 1' if variable.string else ''}"
        out += f"    le32_store(annex + {offset}, {value});\n"
    return out


def encode_bodies(operation):
    """Places both bodies in the client's buffer, except those that are sent from and received at
    where the caller has them."""
    request, reply, out = operation.request, operation.reply, ""
    if places_bodies(operation):
        asked = ["0"] if request.direct else body_size(request)
        answered = ["0"] if reply.direct else body_size(reply, "_room")
        out += wrapped("if (!idl_client_place(", ["client", " + ".join(asked),
                                                  " + ".join(answered), "request", "reply"], "))")
        out += "        return K_ETOOMUCH;\n"
    if request.direct:
        variable = request.variables[0]
        out += (f"    request->body = (VmAddr)in->{variable.name};\n    request->body_bytes = "
                f"{variable.name}_bytes{' + 1' if variable.string else ''};\n")
    if reply.direct:
        variable = reply.variables[0]
        out += (f"    reply->body = (VmAddr)out->{variable.name};\n"
                f"    reply->body_room = {variable.name}_room;\n")
    return out


def encode_body(operation):
    request = operation.request
    if request.direct or not (request.spill or request.variables):
        return ""
    out = "    body = (uint8_t *)request->body;\n"
    if request.spill:
        out += f"    memset(body, 0, {request.spill});\n" + fixed(request, "body", "in->")
    for variable in request.variables:
        out += (f"    at = idl_put(body, at, in->{variable.name}, {variable.name}_bytes"
                f"{' + 1' if variable.string else ''});\n")
    return out + ("    ASSERT(at == request->body_bytes);\n" if request.variables else "")


def encode(protocol, operation):
    request, reply = operation.request, operation.reply
    statements = refuse_if(
        [f"{v.name}_bytes > {protocol.limit_name(operation, v, 'IN')}" for v in request.variables],
        "K_ETOOMUCH")
    statements += refuse_if(
        [f"(in->{v.name} == NULL && {v.name}_bytes > 0)" for v in request.variables
         if not v.string] +
        [f"out->{v.name} == NULL || {v.name}_room == 0" if v.string
         else f"(out->{v.name} == NULL && {v.name}_room > 0)" for v in reply.variables])
    statements += wrapped("idl_request_begin(", [
        "request", "NULL" if operation.oneway else "reply", f"{protocol.upper}_PROTOCOL",
        f"{protocol.upper}_VERSION",
        operation_code(protocol, operation)], ");")
    statements += encode_slots(operation) + fixed(request, "annex", "in->")
    statements += encode_bodies(operation) + encode_body(operation) + "    return K_OK;\n"
    return function("static KnResult", f"encode_{operation.name}_request",
                    list(encode_arguments(protocol, operation)),
                    encode_declarations(protocol, operation), statements)


# ---- Replies -------------------------------------------------------------------------------------

def decode_variables(protocol, operation):
    """What checks the variable arguments, and what then copies them to where the caller wants them.
    Those received there are only checked."""
    reply, lengths, limits, places, strings, commit = operation.reply, "", [], "", [], ""
    base = plus("body", reply.spill)
    for v in reply.variables:
        length = f"decoded.{v.name}_bytes"
        lengths += f"    {length} = le32_load(annex + {reply.slot[v]});\n"
        limits += [f"{length} > {protocol.limit_name(operation, v, 'OUT')}",
                   f"{length} {'>=' if v.string else '>'} out->{v.name}_room"]
        whole = f"{length} + 1" if v.string else length
        if v.string:
            strings.append(f"!idl_string_check({'body' if reply.direct else f'{v.name}_at'}, "
                           f"{length})")
        if not reply.direct:
            places += f"    {v.name}_at = {base};\n"
            commit += wrapped("(void)idl_put(", [f"(uint8_t *)out->{v.name}", "0", f"{v.name}_at",
                                                 whole], ");")
        base = f"{v.name}_at + {whole}"
    return (lengths + refuse_if(limits) + refuse_size("reply", reply, "decoded.") + places +
            refuse_if(strings)), commit


def decode(protocol, operation):
    reply, name = operation.reply, f"{protocol.name}_{operation.name}_out"
    checks, commit = decode_variables(protocol, operation)
    start = " = *out" if reply.variables else ""  # pointers and rooms are the caller's
    declarations = f"    struct {name} decoded{start};\n"
    if reply.slot or reply.fixed_in("annex"):
        declarations += "    const uint8_t *annex = reply->annex;\n"
    if reply.spill or commit or any(v.string for v in reply.variables):
        declarations += "    const uint8_t *body = (const uint8_t *)reply->body;\n"
    if commit:
        pointers = ", ".join(f"*{v.name}_at" for v in reply.variables)
        declarations += f"    const uint8_t {pointers};\n"
    loads = "".join(fixed(reply, place, "decoded.", "K_EINVAL") for place in ("annex", "body"))
    return function("static KnResult", f"decode_{operation.name}_reply",
                    ["const struct idl_message *reply", f"struct {name} *out"], declarations,
                    checks + loads + commit + "    *out = decoded;\n    return K_OK;\n")


# ---- Functions -----------------------------------------------------------------------------------

def stub(protocol, operation):
    declarations = f"    struct idl_message request{'' if operation.oneway else ', reply'};\n"
    declarations += wrapped(f"KnResult status = encode_{operation.name}_request(",
                            list(encode_arguments(protocol, operation).values()), ");")
    statements = "    if (status == K_OK)\n"
    if operation.oneway:
        statements += "        status = client->call(client, &request, NULL);\n"
    else:
        statements += "        status = client->call(client, &request, &reply);\n"
        statements += "    if (status == K_OK)\n" + wrapped("status = idl_reply_check(", [
            "&reply", f"{protocol.upper}_PROTOCOL", operation_code(protocol, operation)], ");",
                                                            indent=" " * 8)
        if operation.outs:
            statements += "    if (status == K_OK)\n"
            statements += f"        status = decode_{operation.name}_reply(&reply, out);\n"
        else:
            statements += ("    if (status == K_OK && reply.body_bytes != 0)\n"
                           "        status = K_EINVAL;\n")
    return function("KnResult", f"{protocol.name}_{operation.name}",
                    stub_parameters(protocol, operation), declarations,
                    statements + "    return status;\n")


def make(protocol):
    out = BANNER.format(source=protocol.source) + f"#include \"idl/{protocol.name}.h\"\n\n"
    for operation in protocol.operations:
        out += encode(protocol, operation)
        if operation.outs:
            out += decode(protocol, operation)
        out += stub(protocol, operation)
    return out.rstrip("\n") + "\n"
