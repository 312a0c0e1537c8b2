# SPDX-License-Identifier: BSD-2-Clause
"""The machine a domain runs on: where its memory is, how soon it is up, and that it repeats."""

import pathlib
import random
import re
import statistics
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
MIB = 1 << 20
START_S_MAX = 1.0

# QEMU with a boot record that has nothing but 24 MiB at 64 MiB, and the Nucleus linked for it.
SMALL_AND_HIGH = """#!/usr/bin/python3
import os, sys
words = sys.argv[1:]
words[words.index("-m") + 1] = "88"
words[words.index("-kernel") + 1] = "{kernel}"
words[words.index("-append") + 1] += " mem=24M@64M"
os.execvp("qemu-system-x86_64", ["qemu-system-x86_64", *words])
"""


def test_24_mib_at_64_mib(chorus, tmp_path):
    qemu = tmp_path / "qemu"
    qemu.write_text(SMALL_AND_HIGH.format(kernel=TOP / "build/x86_64/chorus-64m.elf"))
    qemu.chmod(0o755)
    result = chorus.run("run", "--timeout", "30", "--log", tmp_path / "log", "--", "/bin/sh", "-c",
                        "ls /bin | wc -l; seq 1 1000 | sort -rn | head -1; echo up", timeout=40,
                        env={"CHORUS_QEMU": str(qemu)})
    assert result.returncode == 0, (tmp_path / "log").read_text()
    assert result.stdout.endswith(b"1000\nup\n")
    of_kib, = re.findall(r"Chorus site 1: \d+ of (\d+) KiB free", (tmp_path / "log").read_text())
    assert 16 * 1024 < int(of_kib) <= 24 * 1024


def test_two_exact_runs_with_input_are_the_same(chorus, tmp_path):
    data = random.Random(2).randbytes(MIB)
    runs = []
    for run in range(2):
        log = tmp_path / f"log{run}"
        result = chorus.run("run", "--icount", "--log", log, "--", "/bin/sh", "-c",
                            "tee /tmp/copy; md5sum < /tmp/copy >&2; date >&2", input=data,
                            timeout=60)
        runs.append((result.returncode, result.stdout, result.stderr,
                     log.read_text().splitlines()[-1]))
        time.sleep(0.3)
    assert runs[0] == runs[1]
    assert runs[0][:2] == (0, data)
    assert re.search("first instruction is number [0-9]+, its exit [0-9]+$", runs[0][3])


def test_a_program_runs_within_a_second(chorus):
    times = []
    for _ in range(5):
        start = time.monotonic()
        assert chorus.run("run", "--", "true").returncode == 0
        times.append(time.monotonic() - start)
    assert statistics.median(times) <= START_S_MAX
