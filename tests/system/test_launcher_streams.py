# SPDX-License-Identifier: BSD-2-Clause
"""PROGRAM's streams come out as they are: byte for byte, each on its own, none in another's way."""

import errno
import os
import random
import select
import socket
import subprocess
import time

import pytest

from conftest import WAIT_S

MIB = 1 << 20


def noise(count, seed=1):
    return random.Random(seed).randbytes(count)


@pytest.mark.parametrize("stream", [1, 2])
def test_ten_mib_both_ways(launcher, stream):
    data = noise(10 * MIB)
    result = launcher.run("run", "cat", stream, input=data)
    assert result.returncode == 0
    assert (result.stdout, result.stderr) == ((data, b""), (b"", data))[stream - 1]


@pytest.mark.parametrize("count", [0, 1, 4095, 4096, 4097, 65535, 65536, 65537])
def test_sizes_around_the_buffers(launcher, count):
    data = noise(count)
    assert launcher.run("run", "cat", input=data).stdout == data


def test_input_from_a_file_and_output_to_a_file(launcher, tmp_path):
    (tmp_path / "in").write_bytes(noise(300_000))
    with open(tmp_path / "in", "rb") as source, open(tmp_path / "out", "wb") as target:
        assert launcher.run("run", "cat", stdin=source, stdout=target).returncode == 0
    assert (tmp_path / "out").read_bytes() == noise(300_000)


def test_nothing_is_added(launcher):
    result = launcher.run("run", "out", "a\nb\r\n\x00"[:-1])
    assert (result.stdout, result.stderr) == (b"a\nb\r\n\n", b"")


def test_streams_stay_apart(launcher):
    result = launcher.run("run", "both", 2000)
    assert result.stdout == b"".join(b"%d\n" % i for i in range(0, 2000, 2))
    assert result.stderr == b"".join(b"%d\n" % i for i in range(1, 2000, 2))


def in_order(count):
    return b"".join(b"%d\n" % i for i in range(count))


def test_one_pipe_keeps_the_order(launcher):
    assert launcher.run("run", "both", 2000, stderr=subprocess.STDOUT).stdout == in_order(2000)


def test_one_open_file_keeps_the_order(launcher, tmp_path):
    with open(tmp_path / "out", "wb") as target:
        launcher.run("run", "both", 2000, stdout=target, stderr=target)
    assert (tmp_path / "out").read_bytes() == in_order(2000)


def test_two_appending_files_keep_the_order(launcher, tmp_path):
    with open(tmp_path / "out", "ab") as one, open(tmp_path / "out", "ab") as other:
        launcher.run("run", "both", 100, stdout=one, stderr=other)
    assert (tmp_path / "out").read_bytes() == in_order(100)


@pytest.mark.parametrize("same", [0, 1])
def test_what_is_the_same(launcher, tmp_path, same):
    with open(tmp_path / "a", "wb") as one, open(tmp_path / "a", "wb") as other:
        launcher.run("run", "record", "same12", stdout=one, stderr=one if same else other)
    assert (tmp_path / "a").read_bytes() == b"same12=%d\n" % same


def test_no_stream_is_a_terminal(launcher):
    result = launcher.run("run", "record", "tty0", "tty1", "tty2", "rows")
    assert result.stdout == b"tty0=0\ntty1=0\ntty2=0\nrows=None\n"


def test_a_stream_without_reader_is_sigpipe(launcher):
    with launcher.start("run", "yes") as process:
        assert process.stdout.read(2) == b"y\n"
        process.stdout.close()
        assert process.wait(WAIT_S) == 128 + 13
        process.stdout = None


def test_yes_head(launcher):
    command = f"{launcher.program} run -- yes | head -1"
    result = subprocess.run(["sh", "-c", command], env=launcher.env, capture_output=True,
                            timeout=WAIT_S, check=False)
    assert (result.stdout, result.stderr) == (b"y\n", b"")


def test_a_stuck_output_does_not_hold_up_the_other(launcher):
    with launcher.start("run", "stuck-output", stdin=subprocess.PIPE) as process:
        assert select.select([process.stderr], [], [], WAIT_S)[0]
        assert process.stderr.readline() == b"still here\n"
        out, _ = process.communicate(b"\n", timeout=WAIT_S)
    assert out == b"x" * 65536


def test_a_slow_reader_gets_everything(launcher):
    data = noise(2 * MIB)
    got = b""
    with launcher.start("run", "cat", stdin=subprocess.PIPE) as process:
        os.set_blocking(process.stdout.fileno(), False)
        sent = 0
        os.set_blocking(process.stdin.fileno(), False)
        while len(got) < len(data):
            ready = select.select([process.stdout], [process.stdin] if sent < len(data) else [], [])
            if ready[1]:
                sent += os.write(process.stdin.fileno(), data[sent:sent + 65536])
                if sent == len(data):
                    process.stdin.close()
                    process.stdin = None
            if ready[0]:
                got += os.read(process.stdout.fileno(), 7919)
        assert process.wait(WAIT_S) == 0
    assert got == data


def test_a_full_disk_is_the_writers_error(launcher):
    with open("/dev/full", "wb") as full:
        result = launcher.run("run", "write", 1, 70_000, stdout=full)
    assert (result.returncode, result.stderr) == (1, b"ENOSPC\n")


def test_output_lost_after_the_programs_end_is_told(launcher):
    with open("/dev/full", "wb") as full:
        result = launcher.run("run", "out", "hello", stdout=full)
    assert result.returncode == 1
    assert result.stderr == b"chorus: standard output: No space left on device\n"


def test_closed_output_is_ebadf(launcher):
    result = subprocess.run(["sh", "-c", f"exec {launcher.program} run write 1 70000 >&-"],
                            env=launcher.env, capture_output=True, timeout=WAIT_S, check=False)
    assert (result.returncode, result.stderr) == (1, b"EBADF\n")


def test_closed_streams_take_nothing_from_the_launcher(launcher):
    result = subprocess.run(["sh", "-c", f"exec {launcher.program} run exit 7 <&- >&- 2>&-"],
                            env=launcher.env, timeout=WAIT_S, check=False)
    assert result.returncode == 7


@pytest.mark.parametrize("closed, error", [("<&-", errno.EBADF), ("</", errno.EISDIR)])
def test_input_that_cannot_be_read(launcher, closed, error):
    result = subprocess.run(["sh", "-c", f"exec {launcher.program} run cat {closed}"],
                            env=launcher.env, capture_output=True, timeout=WAIT_S, check=False)
    assert result.returncode == 1
    assert result.stderr == b"cat: %s\n" % os.strerror(error).encode()


def test_input_that_nobody_reads_stays_for_the_next(launcher):
    command = f"{launcher.program} run true; cat"
    result = subprocess.run(["sh", "-c", command], env=launcher.env, input=b"left\n",
                            capture_output=True, timeout=WAIT_S, check=False)
    assert result.stdout == b"left\n"


def test_the_standard_streams_keep_blocking(launcher):
    """O_NONBLOCK belongs to the open file, which others share."""
    read_end, write_end = os.pipe()
    with launcher.start("run", "cat", stdin=subprocess.PIPE, stdout=write_end) as process:
        process.stdin.write(b"x")
        process.stdin.flush()
        assert os.read(read_end, 1) == b"x"
        assert os.get_blocking(write_end) and os.get_blocking(process.stdin.fileno())
        process.stdin.close()
        process.stdin = None
        assert process.wait(WAIT_S) == 0
    os.close(write_end)
    assert os.read(read_end, 1) == b""
    os.close(read_end)


def test_output_to_a_socket(launcher):
    ours, theirs = socket.socketpair()
    with launcher.start("run", "cat", stdin=subprocess.PIPE, stdout=theirs) as process:
        theirs.close()
        process.stdin.write(noise(3000))
        process.stdin.close()
        process.stdin = None
        got = b""
        while piece := ours.recv(65536):
            got += piece
        assert process.wait(WAIT_S) == 0
    ours.close()
    assert got == noise(3000)


def test_input_arrives_as_it_comes(launcher):
    with launcher.start("run", "cat", stdin=subprocess.PIPE) as process:
        for word in (b"one", b"two", b"three"):
            process.stdin.write(word)
            process.stdin.flush()
            assert os.read(process.stdout.fileno(), 100) == word
            time.sleep(0.01)
