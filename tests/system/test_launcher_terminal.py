# SPDX-License-Identifier: BSD-2-Clause
"""On a terminal MiX's line discipline rules; the host's comes back however the launcher ends."""

import os
import pathlib
import signal
import subprocess
import termios
import time

import pytest

from conftest import wait_for

OFLAG, LFLAG = 1, 3


def is_raw(terminal):
    flags = terminal.attributes()
    return not flags[LFLAG] & (termios.ICANON | termios.ECHO | termios.ISIG) and \
        not flags[OFLAG] & termios.OPOST


def test_a_shell_on_a_terminal(launcher):
    terminal = launcher.terminal("shell")
    terminal.expect(b"$ ")
    assert is_raw(terminal)
    terminal.type(b"hello\r")
    assert terminal.expect(b"$ ") == b"hello\r\n[hello]\r\n"  # not one CR more
    terminal.type(b"exit 9\r")
    assert terminal.wait() == 9
    assert terminal.attributes() == terminal.before


def test_all_streams_are_terminals(launcher):
    terminal = launcher.terminal("run", "record", "tty0", "tty1", "tty2", "same12", "rows", "cols",
                                 rows=33, columns=101)
    terminal.expect(b"tty0=1\ntty1=1\ntty2=1\nsame12=1\nrows=33\ncols=101\n")
    assert terminal.wait() == 0


def test_term_is_passed_on(launcher):
    terminal = launcher.terminal("run", "env", env={"TERM": "screen-256color"})
    terminal.expect(b"TERM=screen-256color\n")
    assert terminal.wait() == 0


def test_control_c_is_a_byte_for_the_site(launcher):
    terminal = launcher.terminal("shell")
    terminal.expect(b"$ ")
    terminal.type(b"half\x03")
    terminal.expect(b"half^C\r\n$ ")
    terminal.type(b"\x03\x03")  # twice within a second: still the program's business
    terminal.expect(b"^C\r\n$ ^C\r\n$ ")
    terminal.type(b"exit\r")
    assert terminal.wait() == 0


def test_window_size_follows(launcher):
    terminal = launcher.terminal("run", "window", rows=24, columns=80)
    terminal.expect(b"24 80\r\n")
    terminal.resize(50, 132)
    terminal.process.send_signal(signal.SIGWINCH)  # not every test runner's session gets it
    terminal.expect(b"50 132\r\n")
    terminal.type(b"q")
    assert terminal.wait() == 0


def test_escape_ends_the_domain(launcher):
    terminal = launcher.terminal("shell")
    terminal.expect(b"$ ")
    terminal.type(b"\x1d")
    terminal.expect(b"\x1d")  # one alone is the program's
    time.sleep(1.1)
    terminal.type(b"\x1dx\x1d")  # too late, and not in a row
    terminal.expect(b"\x1dx\x1d")
    terminal.type(b"\x1d")
    assert terminal.wait() == 130
    assert terminal.attributes() == terminal.before


def test_escape_ends_a_site_that_does_not_listen(launcher):
    terminal = launcher.terminal("run", "hang")
    wait_for(lambda: is_raw(terminal), "the raw mode")
    terminal.type(b"x" * 100)
    terminal.type(b"\x1d\x1d")
    assert terminal.wait() == 130
    assert terminal.attributes() == terminal.before


@pytest.mark.parametrize("number, status", [
    (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -signal.SIGKILL),
    (signal.SIGUSR1, -signal.SIGUSR1)])
def test_the_terminal_comes_back(launcher, number, status):
    terminal = launcher.terminal("shell")
    terminal.expect(b"$ ")
    assert is_raw(terminal)
    terminal.process.send_signal(number)
    assert terminal.wait() == status
    wait_for(lambda: terminal.attributes() == terminal.before, "the terminal's mode")
    wait_for(lambda: not launcher.processes(), "all processes to be gone")


@pytest.mark.parametrize("program", ["panic", "nosuch", "reset"])
def test_the_terminal_comes_back_after_a_bad_end(launcher, program):
    terminal = launcher.terminal("run", program)
    terminal.expect(b"chorus: ")
    terminal.expect(b"\r\n")  # the message is written when the terminal is as it was
    assert terminal.wait() in (125, 127)
    assert terminal.attributes() == terminal.before


def test_stop_and_continue(launcher):
    """Stopped, the terminal is as it was; continued, it is raw again."""
    terminal = launcher.terminal("shell")
    terminal.expect(b"$ ")
    terminal.process.send_signal(signal.SIGTSTP)
    wait_for(lambda: terminal.attributes() == terminal.before, "the terminal's mode")
    terminal.process.send_signal(signal.SIGCONT)
    wait_for(lambda: is_raw(terminal), "the raw mode")
    terminal.type(b"exit 4\r")
    assert terminal.wait() == 4


def test_only_output_is_a_terminal(launcher):
    """Its output passes through; its input side, and with it Ctrl-C, stays the host's."""
    terminal = launcher.terminal("run", "signals", "1", streams=(1, 2), stdin=subprocess.DEVNULL)
    terminal.expect(b"ready\n")
    flags = terminal.attributes()
    assert flags[LFLAG] == terminal.before[LFLAG] and not flags[OFLAG] & termios.OPOST
    terminal.type(b"\x03")
    terminal.expect(b"signal 2\n")
    assert terminal.wait() == 0
    assert terminal.attributes() == terminal.before


def test_only_input_is_a_terminal(launcher, tmp_path):
    with open(tmp_path / "out", "wb") as out:
        terminal = launcher.terminal("run", "record", "tty0", "tty1", "tty2", "rows", rows=7,
                                     streams=(0,), stdout=out, stderr=out)
        assert terminal.wait() == 0
    assert (tmp_path / "out").read_bytes() == b"tty0=1\ntty1=0\ntty2=0\nrows=7\n"


def test_an_input_pasted_faster_than_it_is_read(launcher):
    """What finds no room is dropped, as by any terminal; the escape is still seen."""
    terminal = launcher.terminal("run", "hang")
    wait_for(lambda: is_raw(terminal), "the raw mode")
    for _ in range(40):
        terminal.type(b"x" * 1000)
        time.sleep(0.002)
    terminal.type(b"\x1d\x1d")
    assert terminal.wait() == 130


def test_the_log_on_a_raw_terminal(launcher):
    terminal = launcher.terminal("run", "-v", "log", "a line")
    before = terminal.expect(b"a line\r\n")
    assert before.endswith(b"] ") and b"\r\r" not in before
    assert terminal.wait() == 0


@pytest.mark.parametrize("words", [["--system", "disk"], []])
def test_progress_of_long_work(launcher, words):
    """Shown on a terminal, wiped when done, and nowhere to be seen in a pipe."""
    big = pathlib.Path(launcher.folder / "big")
    big.mkdir()
    for i in range(6_000 if words else 10):
        (big / f"{i}").write_bytes(b"x")
    terminal = launcher.terminal("run", *words, "--files", big, "true")
    assert terminal.wait() == 0
    while True:
        before = terminal.shown
        terminal.read_some(0.05)
        if before == terminal.shown:
            break
    if words:
        assert b"\rchorus: building the image, files: " in terminal.shown
        assert terminal.shown.endswith(b"\r\033[K")
    else:
        assert terminal.shown == b""
    assert launcher.run("run", *words, "--files", big, "true").stderr == b""
    assert os.listdir(launcher.temporary) == []
