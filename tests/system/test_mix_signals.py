# SPDX-License-Identifier: BSD-2-Clause
"""Signals, beside what Linux does with the same program."""

import pathlib
import subprocess

import pytest

PROGRAM = pathlib.Path(__file__).parent / "programs/signals.c"
COLD = 6  # programs that nothing has read before


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("signals")
    subprocess.run(["gcc", "-O1", "-static", "-pthread", "-Wall", "-Wextra", "-Werror", "-o",
                    path / "signals", PROGRAM], check=True)
    for i in range(COLD):
        (path / f"cold{i}").write_bytes((path / "signals").read_bytes())
        (path / f"cold{i}").chmod(0o755)
    (path / "big").write_bytes(bytes(16 << 20))
    return path


def test_as_on_linux(chorus, folder):
    expected = subprocess.run(["./signals"], cwd=folder, check=True, stdout=subprocess.PIPE,
                              timeout=60).stdout.decode()
    result = chorus.run("run", "--timeout", "90", "--files", folder, "--", "./signals", timeout=100)
    assert (result.stdout.decode(), result.returncode) == (expected, 0)


def test_files_and_programs_on_a_disk(chorus, folder, tmp_path):
    """Where reading takes its time."""
    for case, expected in (("files", b"read 16777216, short or failed: 0 0 0\n"),
                           ("cold", b"cold programs that ended well: 6\n")):
        result = chorus.run("run", "--timeout", "60", "--files", folder, "--save",
                            tmp_path / case, "--", "./signals", case, timeout=70)
        assert result.stdout == expected


# ---- On a terminal -------------------------------------------------------------------------------

def test_the_foreground_of_a_session(chorus, folder):
    terminal = chorus.terminal("run", "--timeout", "30", "--files", folder, "--", "./signals",
                               "foreground")
    terminal.expect(b"-1 1 -1 1 0\r\n")
    terminal.expect(b"read 4 1\r\n")
    terminal.expect(b"mine: 1\r\n")
    terminal.expect(b"mine: 1\r\n")
    assert terminal.wait() == 0


def test_who_cannot_be_continued_is_not_stopped(chorus):
    terminal = chorus.terminal("run", "--timeout", "30", "--", "/bin/cat")
    terminal.type(b"one\r")
    terminal.expect(b"one\r\none\r\n")
    terminal.type(b"\x1a")
    terminal.type(b"two\r")
    terminal.expect(b"two\r\ntwo\r\n")
    terminal.type(b"\x04")
    assert terminal.wait() == 0
