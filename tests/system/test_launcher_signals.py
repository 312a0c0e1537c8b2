# SPDX-License-Identifier: BSD-2-Clause
"""Signals to the launcher, and that nothing stays when it ends, however it does."""

import os
import signal
import subprocess
import time

import pytest

from conftest import WAIT_S, wait_for



def expect_line(process, line):
    assert process.stdout.readline() == line


def test_interrupt_reaches_the_program(launcher):
    with launcher.start("run", "signals", "2") as process:
        expect_line(process, b"ready\n")
        process.send_signal(signal.SIGINT)
        expect_line(process, b"signal 2\n")
        time.sleep(1.1)  # a second one within a second would end the domain
        process.send_signal(signal.SIGINT)
        expect_line(process, b"signal 2\n")
        assert process.wait(WAIT_S) == 0


def test_quit_reaches_the_program(launcher):
    with launcher.start("run", "signals", "1") as process:
        expect_line(process, b"ready\n")
        process.send_signal(signal.SIGQUIT)
        expect_line(process, b"signal 3\n")
        assert process.wait(WAIT_S) == 0


def test_two_interrupts_end_the_domain(launcher):
    with launcher.start("run", "signals", "9") as process:
        expect_line(process, b"ready\n")
        process.send_signal(signal.SIGINT)
        expect_line(process, b"signal 2\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 130
        assert process.stderr.read() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("program", ["signals", "hang"])
def test_an_end_from_outside(launcher, number, program):
    with launcher.start("run", program, *(["9"] if program == "signals" else [])) as process:
        wait_for(lambda: len(launcher.processes()) >= 2, "the machine")
        if program == "signals":
            expect_line(process, b"ready\n")
        process.send_signal(number)
        assert process.wait(WAIT_S) == 128 + number
    assert launcher.processes() == []


def test_an_ignored_hangup_stays_ignored(launcher):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with launcher.start("run", "signals", "1", preexec_fn=ignore) as process:
        expect_line(process, b"ready\n")
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        expect_line(process, b"signal 2\n")
        assert process.wait(WAIT_S) == 0


def test_a_terminals_interrupt_does_not_reach_the_machine(launcher):
    """It goes to the whole process group; the machine is not in it."""
    with launcher.start("run", "signals", "1", start_new_session=True) as process:
        expect_line(process, b"ready\n")
        os.killpg(process.pid, signal.SIGINT)
        expect_line(process, b"signal 2\n")
        assert process.wait(WAIT_S) == 0


def test_the_program_sees_default_signals(launcher):
    """The machine's process starts without the launcher's blocked and ignored signals."""
    with launcher.start("run", "signals", "1") as process:
        expect_line(process, b"ready\n")
        child, = [pid for pid in launcher.processes() if pid != process.pid]
        with open(f"/proc/{child}/status", encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file if ":\t" in line)
        assert int(status["SigBlk"], 16) == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 0


@pytest.mark.parametrize("words", [
    ["run", "hang"],
    ["run", "yes"],
    ["run", "--system", "disk", "until-halt"],
    ["run", "--icount", "hang"],
])
def test_sigkill_leaves_nothing(launcher, words):
    with launcher.start(*words) as process:
        wait_for(lambda: len(launcher.processes()) >= 2, "the machine")
        process.kill()
        process.wait()
        wait_for(lambda: not launcher.processes(), "all processes to be gone", 5)
    assert list(launcher.temporary.iterdir()) == []


def test_sigkill_while_an_image_is_made(launcher):
    """mke2fs and debugfs end with the launcher, too."""
    big = launcher.folder / "big"
    big.mkdir()
    for i in range(3000):
        (big / f"{i}").write_bytes(b"x" * 2000)
    with launcher.start("run", "--system", "disk", "--files", big, "hang") as process:
        wait_for(lambda: len(launcher.processes()) >= 2, "a tool at work")
        process.kill()
        process.wait()
        wait_for(lambda: not launcher.processes(), "all processes to be gone", 5)
    assert list(launcher.temporary.iterdir()) == []


def test_the_machine_is_told_to_halt_when_its_disk_is_kept(launcher, tmp_path):
    image = tmp_path / "image"
    image.touch()
    os.truncate(image, 4 << 20)
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", image], check=True)
    with launcher.start("run", "--system", "disk", "--root", image, "until-halt") as process:
        wait_for(lambda: "waiting" in launcher.log(), "the program")
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 143
    assert "halted" in launcher.log()


def test_a_second_signal_does_not_wait(launcher, tmp_path):
    image = tmp_path / "image"
    image.touch()
    os.truncate(image, 4 << 20)
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", image], check=True)
    with launcher.start("run", "--system", "disk", "--root", image, "ignore-halt") as process:
        wait_for(lambda: "waiting" in launcher.log(), "the program")
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: "halt is ignored" in launcher.log(), "the first to be told")
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 143
        assert time.monotonic() - begin < 4
