# SPDX-License-Identifier: BSD-2-Clause
"""Job control and the line discipline of MiX, from a shell on a terminal."""

import pytest

PROMPT = b"# \x1b[6n"  # ash asks the terminal where the cursor stands


@pytest.fixture
def shell(chorus):
    terminal = chorus.terminal("shell", "--timeout", "40", rows=30, columns=90)
    terminal.expect(PROMPT)
    return terminal


def command(shell, line):
    """What a line typed at the prompt prints, without its echo."""
    shell.type(line.encode() + b"\r")
    return shell.expect(PROMPT).decode().split("\r\n", 1)[1].rsplit("\r\n", 1)[0]


def start(shell, program):
    """Runs a program in the foreground; keys typed from now on are no longer the shell's."""
    shell.type(f"sh -c 'echo sta\"\"rted; exec {program}'\r".encode())
    shell.expect(b"started\r\n")


def test_interrupt_ends_the_foreground(shell):
    start(shell, "sleep 1000")
    shell.type(b"\x03")
    shell.expect(PROMPT)
    assert command(shell, "echo $?") == "130"


def test_a_terminal_has_a_name(shell):
    assert command(shell, "tty; readlink /proc/self/fd/0").splitlines() == 2 * ["/dev/console"]
    assert command(shell, "stat -Lc '%F %t:%T' /dev/stdin") == "character special file 5:1"
    assert command(shell, "ls -l /dev/fd/3 3<>/dev/tty").endswith("-> /dev/tty")
    assert command(shell, "tty < /dev/null; tty | cat").splitlines() == ["not a tty",
                                                                         "/dev/console"]


def test_stop_and_continue(shell):
    shell.type(b"sh -c 'trap \"echo aga\"\"in\" CONT; echo sta\"\"rted; "
               b"while :; do sleep 0.1; done'\r")
    shell.expect(b"started\r\n")
    shell.type(b"\x1a")
    shell.expect(PROMPT)
    assert "Stopped" in command(shell, "jobs")
    shell.type(b"fg\r")
    shell.expect(b"again\r\n")
    shell.type(b"\x03")
    shell.expect(PROMPT)
    assert command(shell, "jobs; echo none") == "none"


def test_background_reads_stop(shell):
    command(shell, "cat &")
    assert "Stopped (tty input)" in command(shell, "sleep 0.2; jobs")
    command(shell, "kill %1")


def test_canonical_mode(shell):
    start(shell, "cat")
    shell.type(b"abc\x7f\x7fd\r")
    shell.expect(b"ad\r\n")
    shell.type(b"gone\x15kept\r")
    shell.expect(b"\r\nkept\r\n")
    shell.type(b"\x04")
    shell.expect(PROMPT)


def test_window_size(shell):
    assert command(shell, "stty size") == "30 90"
    shell.resize(20, 70)
    assert command(shell, "sleep 0.3; stty size") == "20 70"


def test_status_of_the_shell(shell):
    shell.type(b"exit 7\r")
    assert shell.wait() == 7
