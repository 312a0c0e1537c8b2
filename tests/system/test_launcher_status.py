# SPDX-License-Identifier: BSD-2-Clause
"""The exit status is PROGRAM's; every other end has its own, and one line that says why."""

import concurrent.futures
import re
import time

import pytest

from conftest import wait_for


def test_all_exit_statuses(launcher):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(launcher.run, "run", "exit", status) for status in range(256)]
        results = [run.result() for run in runs]
    assert [result.returncode for result in results] == list(range(256))
    assert all(result.stdout == result.stderr == b"" for result in results)


@pytest.mark.parametrize("number", [1, 9, 11, 15, 64])
def test_killed_by_a_signal(launcher, number):
    assert launcher.run("run", "kill", number).returncode == 128 + number


def test_not_found(launcher):
    result = launcher.run("run", "nosuch", "word")
    assert (result.returncode, result.stderr) == (127, b"chorus: nosuch: not found\n")


def test_not_executable(launcher):
    result = launcher.run("run", "data")
    assert (result.returncode, result.stderr) == (126, b"chorus: data: permission denied\n")


@pytest.mark.parametrize("program, why", [
    (["panic", "no", "more", "frames"], "died: panic: no more frames"),
    (["panic-late"], "died: panic: while ending"),
    (["panic", "\x1b[2J"], "died: panic: ?[2J"),
    (["reset"], "died: its machine was reset, as by a triple fault"),
    (["vanish"], "died: it ended its machine before PROGRAM had ended"),
    (["suicide"], "died: QEMU was killed by signal 9"),
    (["complain"], "died: qemu: something is wrong with the machine"),
    (["frame", "ffffffff01010000"],
     "died: it broke the channel's protocol: bytes that are no frame"),
    (["frame", "0100000001050000aa"],
     "died: it broke the channel's protocol: output without a stream or without bytes"),
    (["frame", "0000000001010000"],
     "died: it broke the channel's protocol: a frame of no known type and size"),
    (["frame", "0000000099000000"],
     "died: it broke the channel's protocol: a frame of no known type and size"),
    (["frame", "10000000040000000001000000000000" + "00" * 8],
     "died: it broke the channel's protocol: an exit status above 255"),
    (["frame", "04000000050000000c000000"],
     "died: it broke the channel's protocol: a failure that is none"),
    (["cut-frame", "0200"], "died: it broke the channel's protocol: bytes that are no frame"),
    (["cut-frame", "020000000101000041"],
     "died: it broke the channel's protocol: bytes that are no frame"),
    (["late-frame"], "died: it broke the channel's protocol: a frame after the last"),
])
def test_a_site_that_dies(launcher, program, why):
    result = launcher.run("run", *program)
    log = launcher.folder / "build/log/run.log"
    assert result.returncode == 125
    assert result.stderr.decode() == f"chorus: site 1 {why} (log: {log})\n"


def test_a_site_that_sends_without_credit(launcher):
    """Nobody reads the output until the launcher has noticed."""
    with launcher.start("run", "overrun") as process:
        wait_for(lambda: "site: up" in launcher.log(), "the site")
        wait_for(lambda: launcher.processes() == [process.pid], "the machine to be ended")
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 125
    assert b"more output than it had credit for" in errors


def test_output_before_the_death_is_not_lost(launcher):
    result = launcher.run("run", "frame", "0200000001010000" + b"ok".hex() + "ffffffffffffffff")
    assert (result.returncode, result.stdout) == (125, b"ok")


def test_a_panic_that_does_not_end_the_machine(launcher):
    begin = time.monotonic()
    result = launcher.run("run", "panic-hang")
    assert result.returncode == 125
    assert b"site 1 died: panic: and no end" in result.stderr
    assert time.monotonic() - begin < 8


def test_a_machine_that_outlives_the_program(launcher):
    with launcher.start("run", "linger") as process:
        assert process.wait(20) == 125
        assert b"site 1 died: it did not end its machine after PROGRAM" in process.stderr.read()


def test_the_emulator_is_missing(launcher):
    result = launcher.run("run", "true", env={"CHORUS_QEMU": "no-such-emulator"})
    assert (result.returncode, result.stderr) == \
        (125, b"chorus: no-such-emulator: No such file or directory\n")


def test_the_emulator_refuses(launcher):
    result = launcher.run("run", "true", env={"CHORUS_QEMU": "false"})
    assert result.returncode == 125
    assert re.fullmatch(rb"chorus: site 1 could not start: QEMU failed with status 1 \(log: .*\)\n",
                        result.stderr)


@pytest.mark.parametrize("missing", ["build/x86_64/chorus.elf", "build/x86_64/system.cpio"])
def test_nothing_has_been_built(launcher, missing):
    (launcher.folder / missing).unlink()
    result = launcher.run("run", "true")
    assert result.returncode == 125
    assert result.stderr.decode() == (f"chorus: {launcher.folder / missing}: No such file or "
                                      "directory; has everything been built, by make?\n")


@pytest.mark.parametrize("content", [b"", b"070701", b"\x7fELF" * 100, "reserved"])
def test_a_system_archive_that_is_none(launcher, content):
    archive = launcher.folder / "build/x86_64/system.cpio"
    if content == "reserved":
        content = archive.read_bytes().replace(b"bin/boot\0", b"launch\0\0\0")
        content = content.replace(b"00000009", b"00000007")
    archive.write_bytes(content)
    result = launcher.run("run", "true")
    assert result.returncode == 125
    assert b"not a system archive" in result.stderr


@pytest.mark.parametrize("program", [["sleep", "100"], ["hang"], ["yes"]])
def test_timeout(launcher, program):
    begin = time.monotonic()
    result = launcher.run("run", "--timeout", "0.5", *program)
    assert (result.returncode, result.stderr) == (124, b"")
    assert 0.5 <= time.monotonic() - begin < 5


def test_timeout_with_output_that_nobody_takes(launcher):
    with launcher.start("run", "--timeout", "0.3", "yes") as process:
        assert process.wait(10) == 124


def test_no_timeout_for_who_is_in_time(launcher):
    assert launcher.run("run", "--timeout", "10", "exit", "3").returncode == 3


def test_concurrent_launchers(launcher):
    """Several at once do not meet: each has its own output, and the log is one launcher's alone."""
    def one(i):
        return launcher.run("run", "cat", input=b"%d\n" % i * 10_000)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, range(8)))
    for i, result in enumerate(results):
        assert (result.returncode, result.stdout) == (0, b"%d\n" % i * 10_000)
    assert len(re.findall("site: up", launcher.log())) == 1
    assert [path.name for path in (launcher.folder / "build/log").iterdir()] == ["run.log"]
