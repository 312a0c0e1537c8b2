# SPDX-License-Identifier: BSD-2-Clause
"""Disks that are damaged, full, or not ours to mount; and files in memory that is too small."""

import os
import pathlib
import random
import re
import struct
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
SBIN = "/usr/sbin"
MIB = 1 << 20
SOAK = "CHORUS_SOAK" in os.environ
SEEDS = range(200 if SOAK else 6)
BIG_MIB = 64
SCATTERED = 50000 if SOAK else 3000

# What people do with a disk, damaged or not.
EXERCISE = ("ls -lR / | wc -l; find / -type f | xargs cat | wc -c; cd /data; echo new > new; "
            "mkdir -p d/e; cp -r a b; mv b c; rm -r a; ln -s x y; cat new; dd if=/dev/zero of=z "
            "bs=1k count=300; sync; rm -r c z; echo alive")


def make_disk(path, size, *options, files=None):
    subprocess.run([f"{SBIN}/mke2fs", "-q", "-F", *options, "-d", files or TOP / "build/root",
                    path, size], check=True, stdout=subprocess.DEVNULL)


def check_disk(path):
    """Nothing is wrong, and whoever mounts it next is told so."""
    shown = subprocess.run([f"{SBIN}/dumpe2fs", "-h", path], check=True, capture_output=True).stdout
    assert re.search(rb"state: *clean\n", shown)
    result = subprocess.run([f"{SBIN}/e2fsck", "-fn", path], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    assert result.returncode == 0, result.stdout.decode()


def debugfs(path, command):
    subprocess.run([f"{SBIN}/debugfs", "-w", "-R", command, path], check=True, capture_output=True)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("programs")
    subprocess.run(["gcc", "-O1", "-static", "-Wall", "-Wextra", "-Werror", "-o",
                    folder / "paging", PROGRAMS / "paging.c"], check=True)
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory, programs):
    """A disk with something on it."""
    path = tmp_path_factory.mktemp("disk") / "sound"
    make_disk(path, "16M", "-t", "ext2", "-b", "1024", "-I", "256")
    subprocess.run([f"{SBIN}/debugfs", "-w", "-f", "-", path], check=True, capture_output=True,
                   input="".join(["mkdir data\n", "cd data\n", "mkdir a\n", "cd a\n"] +
                                 [f"write {PROGRAMS}/greedy.c f{i}\n" for i in range(40)]),
                   text=True)
    return path


def damage(path, seed):
    """Makes nonsense of metadata: group descriptors, bitmaps, inodes, directories, indirect blocks.
    The superblock stays, since without it there is no disk."""
    source = random.Random(seed)
    with open(path, "r+b") as disk:
        for _ in range(source.choice([3, 30, 300])):
            block = source.choice([2, source.randrange(2, 70), source.randrange(2, 2200),
                                   source.randrange(70, 600)])
            disk.seek(block * 1024 + source.randrange(1024))
            disk.write(source.choice([b"\0", b"\xff", b"\x01", source.randbytes(1),
                                      source.randbytes(4)]))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_damaged_disk(seed, chorus, sound, tmp_path):
    """It is refused, or calls fail; nothing hangs and nothing dies."""
    disk = tmp_path / "disk"
    disk.write_bytes(sound.read_bytes())
    damage(disk, seed)
    result = chorus.run("run", "--timeout", "50", "--root", disk, "--log", tmp_path / "log", "--",
                        "/bin/sh", "-c", EXERCISE, timeout=60, stdin=subprocess.DEVNULL)
    assert result.returncode != 124
    if result.returncode == 125:
        log = (tmp_path / "log").read_text(encoding="utf-8", errors="replace")
        assert "panic" not in log and "no access" not in log
        assert "om: ext2" in log


def test_a_damaged_group_makes_it_read_only(chorus, sound, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(sound.read_bytes())
    debugfs(disk, "set_super_value state 2")
    result = chorus.run("run", "--timeout", "20", "--root", disk, "--", "/bin/sh", "-c",
                        "echo x > /x; cat /data/a/f1 | wc -l", timeout=30)
    assert b"Read-only file system" in result.stderr
    assert int(result.stdout) > 100


def test_a_journal_that_needs_recovery_is_refused(chorus, tmp_path):
    disk = tmp_path / "disk"
    make_disk(disk, "16M", "-t", "ext3", "-b", "1024")
    with open(disk, "r+b") as file:
        file.seek(1024 + 0x60)
        incompatible, = struct.unpack("<I", file.read(4))
        file.seek(1024 + 0x60)
        file.write(struct.pack("<I", incompatible | 4))
    before = disk.read_bytes()
    result = chorus.run("run", "--timeout", "20", "--root", disk, "--log", tmp_path / "log", "--",
                        "/bin/true", timeout=30)
    assert result.returncode == 125
    assert b"its journal needs recovery" in (tmp_path / "log").read_bytes()
    assert disk.read_bytes() == before


def test_a_disk_with_a_clean_journal(chorus, tmp_path):
    disk = tmp_path / "disk"
    make_disk(disk, "16M", "-t", "ext3", "-b", "1024")
    result = chorus.run("run", "--timeout", "20", "--root", disk, "--", "/bin/sh", "-c",
                        "echo x > /x; cat /x", timeout=30)
    assert (result.stdout, result.returncode) == (b"x\n", 0)
    check_disk(disk)


# ---- More than fits into memory ------------------------------------------------------------------

@pytest.fixture(scope="module")
def big(tmp_path_factory, programs):
    """A folder with a file that is twice as large as the site's memory, half of it text."""
    folder = tmp_path_factory.mktemp("big")
    source = random.Random(1)
    lines = b"".join(b"%08x the quick brown fox\n" % source.getrandbits(32) for _ in range(32768))
    data = (lines + source.randbytes(MIB)) * BIG_MIB
    (folder / "big").write_bytes(data[:BIG_MIB * MIB])
    (folder / "paging").write_bytes((programs / "paging").read_bytes())
    (folder / "paging").chmod(0o755)
    return folder


def run_small(chorus, folder, command, *options):
    return chorus.run("run", "-m", "32", "--timeout", "100", "--files", folder, *options, "--",
                      "/bin/sh", "-c", command, timeout=110)


def test_grep_through_more_than_memory(chorus, big):
    command = "grep -rc fox ."
    expected = subprocess.run(["/bin/busybox", "sh", "-c", command], cwd=big, check=True,
                              stdout=subprocess.PIPE).stdout
    result = run_small(chorus, big, command)
    assert sorted(result.stdout.split(b"\n")) == sorted(expected.split(b"\n"))


def test_a_mapped_file_larger_than_memory(chorus, big, tmp_path):
    result = run_small(chorus, big, f"./paging scatter big 7 {SCATTERED}", "--save",
                       tmp_path / "saved")
    assert result.stdout == b"%d words\n" % SCATTERED
    expected, state = bytearray((big / "big").read_bytes()), 7
    for _ in range(SCATTERED):
        state = (state * 1664525 + 1013904223) % (1 << 32)
        at = state % (len(expected) // 4) * 4
        state = (state * 1664525 + 1013904223) % (1 << 32)
        expected[at:at + 4] = struct.pack("<I", state)
    assert (tmp_path / "saved/big").read_bytes() == expected


def test_a_mapped_write_meets_the_full_disk(chorus, programs, tmp_path):
    disk = tmp_path / "disk"
    make_disk(disk, "24M", "-t", "ext2")
    result = chorus.run("run", "-m", "32", "--timeout", "100", "--root", disk, "--files", programs,
                        "--", "/bin/sh", "-c", "./paging full f 40; echo more > more; "
                        "rm f; echo less > less; cat less", timeout=110)
    assert result.stdout == b"met the end: 1\nless\n"
    check_disk(disk)


def test_a_file_read_into_its_own_mapping(chorus, big):
    result = run_small(chorus, big, "head -c 6000000 big > part; ./paging onto part")
    assert result.stdout == b"read onto itself\n"


def test_a_mapped_file_without_a_name(chorus, programs, tmp_path):
    """It is there as long as memory shows it, and of what was its on the disk nothing stays."""
    disk = tmp_path / "disk"
    make_disk(disk, "96M", "-t", "ext2")
    result = chorus.run("run", "--timeout", "100", "--root", disk, "--files", programs,
                        "./paging", "unlinked", "f", BIG_MIB // 2, timeout=110)
    assert result.stdout == b"0 wrong\n"
    check_disk(disk)


def test_who_still_runs_at_the_end_does_no_harm(chorus, tmp_path):
    disk = tmp_path / "disk"
    make_disk(disk, "16M", "-t", "ext2")
    command = "while :; do echo >> /x; echo a; done & exec 3<> /gone; rm /gone; sleep 1; exit 3"
    result = chorus.run("run", "--timeout", "20", "--root", disk, "--", "/bin/sh", "-c", command,
                        timeout=30)
    assert (result.returncode, result.stderr, set(result.stdout.split())) == (3, b"", {b"a"})
    check_disk(disk)
