# SPDX-License-Identifier: BSD-2-Clause
"""NAME_server.c: the dispatcher. It takes requests apart where they were received: strings and
bytes point into the request's body, and what an operation gives back into the reply's."""

from idl.ctext import (BANNER, DISPATCHED, after, fixed, function, operation_code, plus, refuse_if,
                       refuse_size)


def begin(variables, base, spill, const):
    """Where the first variable argument stands, of its member's type."""
    place = plus(base, spill)
    if not variables[0].string:
        return place
    return f"({const}char *)({place})" if spill else f"({const}char *){place}"


# ---- Requests ------------------------------------------------------------------------------------

def decode_ins(protocol, operation):
    request, variables = operation.request, operation.request.variables
    lengths, limits, places, strings = "", [], "", []
    place = begin(variables, "body", request.spill, "const ") if variables else ""
    for v in variables:
        lengths += f"    in->{v.name}_bytes = le32_load(annex + {request.slot[v]});\n"
        limits.append(f"in->{v.name}_bytes > {protocol.limit_name(operation, v, 'IN')}")
        places += f"    in->{v.name} = {place};\n"
        if v.string:
            strings.append(f"!idl_string_check(in->{v.name}, in->{v.name}_bytes)")
        place = after(v, "in->")
    return (lengths + refuse_if(limits) + refuse_size("request", request, "in->") + places +
            refuse_if(strings) + fixed(request, "annex", "in->", "K_EINVAL") +
            fixed(request, "body", "in->", "K_EINVAL"))


def decode_rooms(protocol, operation):
    """Each output has its place in the reply's body as if all rooms before it were filled."""
    request, reply = operation.request, operation.reply
    rooms, limits, places = "", [], ""
    place = begin(reply.variables, "room", reply.spill, "") if reply.variables else ""
    for v in reply.variables:
        rooms += f"    out->{v.name}_room = le32_load(annex + {request.slot[v]});\n"
        limits.append(f"out->{v.name}_room > {protocol.limit_name(operation, v, 'OUT')}")
        places += f"    out->{v.name}_room += 1;\n" if v.string else ""
        places += f"    out->{v.name} = {place};\n"
        places += f"    out->{v.name}[0] = '\\0';\n" if v.string else ""
        place = after(v, "out->", "", "_room")
    return rooms + refuse_if(limits) + places


def decode(protocol, operation):
    request, reply, name = operation.request, operation.reply, operation.name
    parameters = ["const struct idl_message *request"]
    declarations = ""
    if request.slot or request.fixed_in("annex"):
        declarations += "    const uint8_t *annex = request->annex;\n"
    if request.variables or request.spill:
        declarations += "    const uint8_t *body = (const uint8_t *)request->body;\n"
    if reply.variables:
        parameters.append("const struct idl_message *reply")
        declarations += "    uint8_t *room = (uint8_t *)reply->body;\n"
    if operation.ins:
        parameters.append(f"struct {protocol.name}_{name}_in *in")
    if reply.variables:
        parameters.append(f"struct {protocol.name}_{name}_out *out")
    return function("static KnResult", f"decode_{name}_request", parameters, declarations,
                    decode_ins(protocol, operation) + decode_rooms(protocol, operation) +
                    "    return K_OK;\n")


# ---- Replies -------------------------------------------------------------------------------------

def encode(protocol, operation):
    """The outputs close up; one that the operation left in memory of its own is fetched from there
    or, if it is all there is, sent from there."""
    reply, name = operation.reply, operation.name
    declarations, lengths, asserts, moves = "", "", "", ""
    for v in reply.variables:
        length = f"out->{v.name}_bytes"
        if v.string:
            declarations += (f"    uint32_t {v.name}_bytes = idl_string_bytes(out->{v.name}, "
                             f"out->{v.name}_room - 1);\n")
            length = f"{v.name}_bytes"
            asserts += f"    ASSERT({length} < out->{v.name}_room);\n"
        else:
            asserts += f"    ASSERT({length} <= out->{v.name}_room);\n"
        lengths += f"    le32_store(annex + {reply.slot[v]}, {length});\n"
        whole = f"{length} + 1" if v.string else length
        if reply.direct:
            moves += f"    reply->body = (VmAddr)out->{v.name};\n    reply->body_bytes = {whole};\n"
        else:
            moves += f"    at = idl_put(body, at, out->{v.name}, {whole});\n"
    if reply.slot or reply.fixed_in("annex"):
        declarations += "    uint8_t *annex = reply->annex;\n"
    copied = bool(reply.spill or (reply.variables and not reply.direct))
    if copied:
        declarations += "    uint8_t *body = (uint8_t *)reply->body;\n"
        if reply.variables:
            declarations += f"    uint32_t at = {reply.spill};\n"
        moves += f"    reply->body_bytes = {'at' if reply.variables else reply.spill};\n"
    statements = asserts + lengths + fixed(reply, "annex", "out->")
    if reply.spill:
        statements += f"    memset(body, 0, {reply.spill});\n" + fixed(reply, "body", "out->")
    return function("static void", f"encode_{name}_reply", [
        f"const struct {protocol.name}_{name}_out *out", "struct idl_message *reply"],
                    declarations, statements + moves)


# ---- Dispatching ---------------------------------------------------------------------------------

def right_mask(protocol, operation):
    return " | ".join(f"{protocol.upper}_RIGHT_{right}" for right in operation.rights)


def serve(protocol, operation):
    name, declarations, guard = operation.name, "", f"ops->{operation.name} == NULL"
    passed = ["server", "context"]
    taken_apart = ["request"] + (["reply"] if operation.reply.variables else [])
    if operation.ins:
        declarations += f"    struct {protocol.name}_{name}_in in;\n"
        passed.append("&in")
        taken_apart.append("&in")
    if operation.outs:
        declarations += f"    struct {protocol.name}_{name}_out out = {{0}};\n"
        passed.append("&out")
        taken_apart += ["&out"] if operation.reply.variables else []
    declarations += "    KnResult status;\n"
    statements = refuse_if([guard], "K_ENOTIMP")
    if not operation.oneway:
        statements += refuse_if(["!context->is_request"])
    then = "    if (status == K_OK)\n    "
    if operation.rights:
        statements += f"    context->rights = {right_mask(protocol, operation)};\n"
        statements += ("    status = ops->permit == NULL ? K_EPRIV : "
                       "ops->permit(server, context);\n") + then
    statements += f"    status = decode_{name}_request({', '.join(taken_apart)});\n"
    statements += f"{then}    status = ops->{name}({', '.join(passed)});\n"
    if operation.outs:
        statements += f"{then}    encode_{name}_reply(&out, reply);\n"
    parameters = [f"const struct {protocol.name}_server_ops *ops"] + DISPATCHED
    if not operation.outs:
        parameters.remove("struct idl_message *reply")
    return function("static KnResult", f"serve_{name}", parameters, declarations,
                    statements + "    return status;\n")


def dispatch(protocol):
    name, cases = protocol.name, ""
    replies = any(operation.outs for operation in protocol.operations)
    for operation in protocol.operations:
        passed = "ops, server, context, request" + (", reply" if operation.outs else "")
        cases += (f"    case {operation_code(protocol, operation)}:\n"
                  f"        return serve_{operation.name}({passed});\n")
    table = f"const struct {name}_server_ops *ops"
    text = function("static KnResult", "operate",
                    [table] + (DISPATCHED if replies else DISPATCHED[:-1]), "",
                    f"    switch (context->operation) {{\n{cases}    default:\n"
                    "        return K_ENOTIMP;\n    }\n")
    text += function("KnResult", f"{name}_dispatch", [table] + DISPATCHED,
                     f"    KnResult status = idl_request_check(&{name}_protocol, context, request, "
                     "reply);\n",
                     "    if (status == K_OK)\n"
                     "        status = operate(ops, server, context, request"
                     f"{', reply' if replies else ''});\n"
                     f"    return idl_reply_finish(&{name}_protocol, context, status, reply);\n")
    text += function("static KnResult", "dispatch", ["const void *ops"] + DISPATCHED, "",
                     f"    return {name}_dispatch(ops, server, context, request, reply);\n")
    return text + (
        f"const struct idl_protocol {name}_protocol = {{\n    .name = \"{name}\",\n"
        f"    .id = {protocol.upper}_PROTOCOL,\n    .version = {protocol.upper}_VERSION,\n"
        f"    .request_body_max = {protocol.upper}_REQUEST_BODY_MAX,\n"
        f"    .reply_body_max = {protocol.upper}_REPLY_BODY_MAX,\n    .dispatch = dispatch,\n}};\n")


def make(protocol):
    out = BANNER.format(source=protocol.source) + f"#include \"idl/{protocol.name}.h\"\n\n"
    for operation in protocol.operations:
        out += decode(protocol, operation)
        if operation.outs:
            out += encode(protocol, operation)
        out += serve(protocol, operation)
    return out + dispatch(protocol)
