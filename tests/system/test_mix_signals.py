# SPDX-License-Identifier: BSD-2-Clause
"""Signals, beside what Linux does with the same program; and what the launcher asks of MiX."""

import pathlib
import re
import signal
import subprocess

import pytest

from conftest import WAIT_S

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(__file__).parent / "programs/signals.c"
SBIN = "/usr/sbin"
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


# ---- From the launcher ---------------------------------------------------------------------------

def test_interrupt_without_a_terminal(chorus):
    command = "trap 'echo got; exit 3' INT; echo ready; while :; do sleep 0.1; done"
    with chorus.start("run", "--timeout", "30", "--", "/bin/sh", "-c", command) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 3
        assert process.stdout.read() == b"got\n"


def test_interrupt_by_default(chorus):
    with chorus.start("run", "--timeout", "30", "--", "/bin/sh", "-c", "echo ready; sleep 100"
                      ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 130


# A child of the shell that is told to end before it is `sleep` takes the signal with the shell's
# handler and forgets it: the shell then looks at its own only when the child ends, here soon.
BUSY = ("trap 'echo ending > /ending' TERM; echo synced > /kept; sync; "
        "(trap '' TERM; while :; do echo more >> /more; done) & "
        "(exec 3> /gone; rm /gone; echo x >&3; sleep 1000) & "
        "echo ready; while :; do sleep 0.1; done")


def check_disk(path):
    shown = subprocess.run([f"{SBIN}/dumpe2fs", "-h", path], check=True,
                           capture_output=True).stdout
    assert re.search(rb"state: *clean\n", shown)
    result = subprocess.run([f"{SBIN}/e2fsck", "-fn", path], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    assert result.returncode == 0, result.stdout.decode()


@pytest.mark.parametrize("by_timeout", [False, True])
def test_a_halt_writes_the_disk_back(by_timeout, chorus, tmp_path):
    disk = tmp_path / "disk"
    subprocess.run([f"{SBIN}/mke2fs", "-q", "-F", "-t", "ext2", "-d", TOP / "build/root", disk,
                    "32M"], check=True, stdout=subprocess.DEVNULL)
    with chorus.start("run", "--timeout", "8" if by_timeout else "60", "--root", disk, "--log",
                      tmp_path / "log", "--", "/bin/sh", "-c", BUSY) as process:
        assert process.stdout.readline() == b"ready\n"
        if not by_timeout:
            process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == (124 if by_timeout else 143)
    assert "ended by force" not in (tmp_path / "log").read_text()
    check_disk(disk)
    for name, text in (("kept", b"synced\n"), ("ending", b"ending\n")):
        shown = subprocess.run([f"{SBIN}/debugfs", "-R", f"cat /{name}", disk], check=True,
                               capture_output=True).stdout
        assert shown == text


def test_what_is_saved_after_the_user_ends_it(chorus, folder, tmp_path):
    with chorus.start("run", "--timeout", "60", "--files", folder, "--save", tmp_path / "saved",
                      "--", "/bin/sh", "-c", "echo x > made; echo ready; sleep 100") as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 143
        assert process.stderr.read() == b""
    assert (tmp_path / "saved/made").read_bytes() == b"x\n"
