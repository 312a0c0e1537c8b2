# SPDX-License-Identifier: BSD-2-Clause
"""The deterministic mode: nothing of the host reaches the site, and two runs are the same."""

import random
import time

MIB = 1 << 20


def test_the_machine_has_no_host_in_it(launcher):
    witness = launcher.folder / "words"
    assert launcher.run("run", "--icount", "true",
                        env={"FAKE_WORDS": str(witness)}).returncode == 0
    words = witness.read_text().splitlines()
    pairs = set(zip(words, words[1:]))
    assert {("-accel", "tcg,thread=single"), ("-icount", "shift=0,sleep=off"), ("-seed", "1"),
            ("-rtc", "clock=vm,base=2026-01-01T00:00:00"), ("-smp", "1"),
            ("-append", "site=1 domain=1 root=tmpfs icount=1")} <= pairs
    chardevs = [value for option, value in pairs if option == "-chardev"]
    assert len(chardevs) == 2 and all(value.startswith("file,") for value in chardevs)
    assert "virtio-serial-pci,id=serial,max_ports=2,disable-legacy=on,ioeventfd=off" in words
    assert not any("blk" in word or "socket" in word for word in words)


def test_two_runs_are_the_same(launcher):
    data = random.Random(1).randbytes(MIB)
    runs = []
    for _ in range(2):
        result = launcher.run("run", "--icount", "cat", input=data)
        runs.append((result.returncode, result.stdout, result.stderr, launcher.log()))
        time.sleep(0.01)
    assert runs[0] == runs[1]
    assert runs[0][:3] == (0, data, b"")
    assert runs[0][3].splitlines()[-1] == \
        "[1 0.000000] launcher: PROGRAM's first instruction is number 1000, its exit 2000"


def test_input_is_a_file_in_the_archive(launcher):
    result = launcher.run("run", "--icount", "members", input=b"123")
    assert b"stdin 100644 3\n" in result.stdout
    assert launcher.run("run", "--icount", "record", "stdin", "tty0", "icount").stdout == \
        b"stdin=archive\ntty0=0\nicount=1\n"


def test_both_streams_and_status(launcher):
    result = launcher.run("run", "--icount", "both", 1000)
    assert result.returncode == 0
    assert result.stdout.split() == [b"%d" % i for i in range(0, 1000, 2)]
    assert result.stderr.split() == [b"%d" % i for i in range(1, 1000, 2)]
    assert launcher.run("run", "--icount", "exit", 77).returncode == 77


def test_much_output_to_a_slow_reader(launcher):
    data = b"x" * (3 * MIB)
    with launcher.start("run", "--icount", "write", 1, len(data)) as process:
        time.sleep(0.5)
        assert process.stdout.read() == data + b"y"
        assert process.wait(10) == 0


def test_a_root_on_ext2_is_unpacked_from_the_archive(launcher):
    result = launcher.run("run", "--icount", "--system", "disk", "record", "root")
    assert result.stdout == b"root=tmpfs\n"


def test_timeout_gives_what_came_out(launcher):
    result = launcher.run("run", "--icount", "--timeout", "1", "half-then-hang")
    assert (result.returncode, result.stdout) == (124, b"half\n")


def test_a_death(launcher):
    result = launcher.run("run", "--icount", "panic", "early")
    assert result.returncode == 125
    assert b"site 1 died: panic: early" in result.stderr


def test_a_failure(launcher):
    assert launcher.run("run", "--icount", "nosuch").returncode == 127
