# SPDX-License-Identifier: BSD-2-Clause
"""Threads, cancellation and queued signals, of a program linked with the host's C library."""

import pathlib
import subprocess

PROGRAM = pathlib.Path(__file__).parent / "programs/threads.c"
EXPECTED = """counted 8000 and 8000
cancelled 1
timed out 1
queued 4000 4001 4002 1000
full 1
child 3
only the program that was executed is left
"""


def test_threads(chorus, tmp_path):
    subprocess.run(["gcc", "-static", "-pthread", "-o", tmp_path / "threads", PROGRAM], check=True)
    result = chorus.run("run", "--timeout", "20", "--files", str(tmp_path), "--", "./threads",
                        timeout=30)
    assert (result.stdout.decode(), result.returncode) == (EXPECTED, 0)


def test_robust_mutexes(chorus, tmp_path):
    program = PROGRAM.parent / "robust.c"
    subprocess.run(["gcc", "-static", "-pthread", "-o", tmp_path / "robust", program], check=True)
    result = chorus.run("run", "--timeout", "20", "--files", str(tmp_path), "--", "./robust",
                        timeout=30)
    assert (result.stdout, result.returncode) == (b"thread 1\nagain 0\nprocess 1\n", 0)
