#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes, from the Process Manager's syscalls.tbl, its table of calls and their prototypes."""

import argparse
import pathlib
import re
import sys

LINE = re.compile(r"(\d+)\s+(\w+)(?:\s+(ctx\s+)?\((.*)\))?$")
BANNER = ("/* SPDX-License-Identifier: BSD-2-Clause */\n"
          "/* Made from syscalls.tbl; do not edit. */\n")


def parse(path):
    calls = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = LINE.match(line.strip())
        if not found:
            sys.exit(f"{path}:{number}: cannot read: {line}")
        arguments = [a.strip() for a in (found.group(4) or "").split(",") if a.strip()]
        calls.append({"number": int(found.group(1)), "name": found.group(2),
                      "context": found.group(3) is not None, "there": found.group(4) is not None,
                      "arguments": arguments})
    return calls


def prototype(call):
    head = ["struct task *task"] + (["KnThreadCtx *context"] if call["context"] else [])
    return f"long sys_{call['name']}({', '.join(head + call['arguments'])})"


def header(calls):
    lines = [f"{prototype(c)};\n" for c in calls if c["there"]]
    limit = max(c["number"] for c in calls) + 1
    return (BANNER + "#ifndef PM_SYSCALLS_H\n#define PM_SYSCALLS_H\n\n"
            '#include "subsystems/mix/pm/pm.h"\n\n' + f"#define SYSCALL_LIMIT {limit}\n\n" +
            "".join(lines) + "\n#endif\n")


def wrapper(call):
    words = ["task"] + (["context"] if call["context"] else [])
    for index, argument in enumerate(call["arguments"]):
        kind = re.sub(r"\w+$", "", argument).strip()
        words.append(f"({kind})word[{index}]")
    unused = [n for n in ("context", "word") if n not in
              (["context"] if call["context"] else []) + (["word"] if call["arguments"] else [])]
    return (f"static long word_{call['name']}(struct task *task, KnThreadCtx *context, "
            "const uintptr_t *word)\n{\n" + "".join(f"    (void){n};\n" for n in unused) +
            f"    return sys_{call['name']}({', '.join(words)});\n}}\n\n")


def table(calls):
    out = [BANNER, '#include "subsystems/mix/pm/syscall.h"\n#include "mix/syscalls.h"\n\n']
    out += [wrapper(c) for c in calls if c["there"]]
    out.append("const struct syscall_entry syscall_table[SYSCALL_LIMIT] = {\n")
    for call in calls:
        function = f"word_{call['name']}" if call["there"] else "NULL"
        out.append(f'    [{call["number"]}] = {{{function}, "{call["name"]}"}},\n')
    out.append("};\n\nconst uint32_t syscall_limit = SYSCALL_LIMIT;\n")
    return "".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    options = parser.parse_args()
    calls = parse(options.table)
    for name, text in {"mix/syscalls.h": header(calls), "mix/syscalls.c": table(calls)}.items():
        path = options.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    main()
