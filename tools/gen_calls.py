#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes, from abi/calls.tbl, all that follows from the table of Nucleus calls.

    chorus/calls.h     numbers and prototypes, for actors
    stubs_trap.S       stubs that trap (user flavour, x86-64)
    stubs_gate.S       stubs that call the gate (supervisor flavour, x86-64)
    stubs_sim.c        stubs of the simulator, and of host tests
    nucleus_calls.h    prototypes of the Nucleus' handlers, call_NAME()
    dispatch.c         the dispatcher's table
    trace_names.c      call numbers to names, for the trace decoder
    reference.json     arguments and errors, for the reference pages
"""

import argparse
import json
import pathlib
import re
import sys

CALL = re.compile(r"call\s+(0x[0-9a-f]+)\s+(\w+)\s+(user|system|supervisor)\s+(waits|-)"
                  r"\s*\((.*?)\)\s*(?::\s*(.*))?$")
GROUP = re.compile(r'group\s+(\w+)\s+"(.*)"$')
BANNER = ("/* SPDX-License-Identifier: BSD-2-Clause */\n"
          "/* Made from abi/calls.tbl; do not edit. */\n")


class TableError(Exception):
    """A line of the table that does not parse, with its number."""


def split_argument(text):
    """'KnCap *actor' -> ('KnCap *', 'actor', is_pointer)."""
    match = re.fullmatch(r"(.*?)(\w+)", text.strip())
    kind, name = match.group(1).strip(), match.group(2)
    return kind, name, kind.endswith("*") or kind.endswith("Hdl")


def parse(path):
    calls, group, numbers = [], None, set()
    for line_number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        found = GROUP.match(line)
        if found:
            group = {"name": found.group(1), "title": found.group(2)}
            continue
        found = CALL.match(line)
        if not found or group is None:
            raise TableError(f"{path}:{line_number}: cannot read: {line}")
        number, name, who, waits, arguments, errors = found.groups()
        arguments = [split_argument(a) for a in arguments.split(",")] if arguments.strip() else []
        if len(arguments) > 6:
            raise TableError(f"{path}:{line_number}: {name} has more than six arguments")
        if number in numbers:
            raise TableError(f"{path}:{line_number}: number {number} is taken")
        numbers.add(number)
        calls.append({"number": int(number, 16), "name": name, "who": who,
                      "waits": waits == "waits", "arguments": arguments,
                      "errors": (errors or "").split(), "group": group["name"],
                      "title": group["title"]})
    return calls


def prototype(call, nucleus):
    parts = []
    for kind, name, is_pointer in call["arguments"]:
        if nucleus and kind.endswith("*"):
            parts.append(f"VmAddr {name}")
        else:
            parts.append(f"{kind}{'' if kind.endswith('*') else ' '}{name}")
    if nucleus:
        parts.insert(0, "struct thread *self")
    return ", ".join(parts) or "void"


def declaration(call):
    return f"KnResult {call['name']}({prototype(call, False)});"


def calls_header(calls):
    out = [BANNER, "#ifndef CHORUS_CALLS_H\n#define CHORUS_CALLS_H\n\n",
           "#include \"chorus/types.h\"\n\n", "#define K_CALLBASE 0x4b000000u\n\nenum {\n"]
    out += [f"    K_CALL_{c['name']} = 0x{c['number']:03x},\n" for c in calls]
    top = max(c["number"] for c in calls) + 1
    out.append(f"    K_CALL_LIMIT = 0x{top:03x},\n}};\n\n")
    for call in calls:
        out.append(f"{declaration(call)}\n")
    out.append("\n/* Any call, by its number: for tests that call at random and for tracers. */\n"
               "KnResult nucleusCall(uint32_t number, const uintptr_t words[6]);\n\n#endif\n")
    return "".join(out)


def nucleus_header(calls):
    out = [BANNER, "#ifndef NUCLEUS_CALLS_H\n#define NUCLEUS_CALLS_H\n\n",
           "#include \"chorus/calls.h\"\n\n", "struct thread;\n\n"]
    out += [f"KnResult call_{c['name']}({prototype(c, True)});\n" for c in calls]
    out.append("\n#endif\n")
    return "".join(out)


def error_mask(call):
    return " | ".join(f"CALL_ERROR({name})" for name in sorted(set(call["errors"]))) or "0"


def dispatch(calls):
    """A wrapper a call turns argument words into typed values; the compiler makes it a jump."""
    out = [BANNER, "#include \"nucleus_calls.h\"\n#include \"nucleus/calls.h\"\n\n"]
    for call in calls:
        words = ["self"]
        for index, (kind, _, is_pointer) in enumerate(call["arguments"]):
            cast = "VmAddr" if kind.endswith("*") else kind
            words.append(f"({cast})words[{index}]")
        unused = "" if call["arguments"] else "    (void)words;\n"
        out.append(f"static KnResult word_{call['name']}(struct thread *self, "
                   f"const uintptr_t *words)\n{{\n{unused}"
                   f"    return call_{call['name']}({', '.join(words)});\n}}\n\n")
    out.append("const struct call_entry call_table[K_CALL_LIMIT] = {\n")
    who = {"user": "K_USERACTOR", "system": "K_SYSTEMACTOR", "supervisor": "K_SUPACTOR"}
    for call in calls:
        out.append(f"    [K_CALL_{call['name']}] = {{word_{call['name']}, {who[call['who']]}, "
                   f"{'true' if call['waits'] else 'false'},\n        {error_mask(call)}}},\n")
    out.append("};\n")
    return "".join(out)


def symbol(name, code):
    return (f"    .globl {name}\n    .type {name}, @function\n{name}:\n{code}"
            f"    .size {name}, . - {name}\n\n")


def stubs_trap(calls):
    out = [BANNER, "    .text\n"]
    for call in calls:
        number = 0x4B000000 + call["number"]
        out.append(symbol(call["name"], f"    movq %rcx, %r10\n    movl $0x{number:x}, %eax\n"
                                        "    syscall\n    ret\n"))
    out.append(symbol("nucleusCall", "    leal 0x4b000000(%rdi), %eax\n" + loads("%r10") +
                      "    syscall\n    ret\n"))
    out.append("    .section .note.GNU-stack, \"\", @progbits\n")
    return "".join(out)


def loads(fourth):
    """The words at %rsi into the registers of arguments; %r11 is free."""
    registers = ("%rdi", None, "%rdx", fourth, "%r8", "%r9")
    return ("    movq %rsi, %r11\n" + "".join(
        f"    movq {8 * i}(%r11), {r}\n" for i, r in enumerate(registers) if r) +
            "    movq 8(%r11), %rsi\n")


def stubs_gate(calls):
    out = [BANNER, "#include \"machine/gate.h\"\n\n    .text\n"]
    for call in calls:
        out.append(symbol(call["name"], f"    movl $0x{call['number']:x}, %eax\n"
                                        "    movq $MACHINE_GATE_ADDRESS, %r11\n    jmp *%r11\n"))
    out.append(symbol("nucleusCall", "    movl %edi, %eax\n" + loads("%rcx") +
                      "    movq $MACHINE_GATE_ADDRESS, %r11\n    jmp *%r11\n"))
    out.append("    .section .note.GNU-stack, \"\", @progbits\n")
    return "".join(out)


def stubs_sim(calls):
    out = [BANNER, "#include \"chorus/calls.h\"\n#include \"machine/sim_gate.h\"\n\n"]
    for call in calls:
        names = [f"(uintptr_t){name}" for _, name, _ in call["arguments"]]
        names += ["0"] * (6 - len(names))
        out.append(f"KnResult {call['name']}({prototype(call, False)})\n{{\n"
                   f"    const uintptr_t words[6] = {{{', '.join(names)}}};\n\n"
                   f"    return sim_gate(K_CALL_{call['name']}, words);\n}}\n\n")
    out.append("KnResult nucleusCall(uint32_t number, const uintptr_t words[6])\n{\n"
               "    return sim_gate(number, words);\n}\n")
    return "".join(out)


def trace_names(calls):
    out = [BANNER, "#include \"nucleus/calls.h\"\n\n",
           "const char *const call_names[K_CALL_LIMIT] = {\n"]
    out += [f"    [K_CALL_{c['name']}] = \"{c['name']}\",\n" for c in calls]
    out.append("};\n")
    return "".join(out)


def reference(calls):
    return json.dumps([{**c, "arguments": [{"type": k, "name": n} for k, n, _ in c["arguments"]],
                        "declaration": declaration(c)} for c in calls], indent=1) + "\n"


def write_if_changed(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    options = parser.parse_args()
    try:
        calls = parse(options.table)
    except TableError as error:
        sys.exit(str(error))
    for name, make in {"chorus/calls.h": calls_header, "nucleus_calls.h": nucleus_header,
                       "dispatch.c": dispatch, "stubs_trap.S": stubs_trap,
                       "stubs_gate.S": stubs_gate, "stubs_sim.c": stubs_sim,
                       "trace_names.c": trace_names, "reference.json": reference}.items():
        write_if_changed(options.out / name, make(calls))


if __name__ == "__main__":
    main()
