# SPDX-License-Identifier: BSD-2-Clause
"""Files of MiX as its programs and disks see them: locks, sendfile, and what an end leaves."""

import os
import pathlib
import subprocess

PROGRAMS = pathlib.Path(__file__).parent / "programs"
TOP = pathlib.Path(__file__).parents[2]
SBIN = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}


def test_locks_and_sends(chorus, tmp_path):
    source = PROGRAMS / "locks_and_sends.c"
    subprocess.run(["gcc", "-O1", "-static", "-o", tmp_path / source.stem, source], check=True)
    result = chorus.run("run", "--timeout", "30", "--files", str(tmp_path), "--",
                        "/files/locks_and_sends", timeout=40)
    assert (result.stdout.decode(), result.returncode) == ("0 differences\n", 0)


def test_a_disk_is_clean_after_the_programs_end(chorus, tmp_path):
    image = tmp_path / "root.img"
    subprocess.run(["mke2fs", "-q", "-t", "ext2", "-d", TOP / "build/root", image, "48M"],
                   check=True, env=SBIN)
    result = chorus.run("run", "--timeout", "30", "--root", str(image), "--", "/bin/sh", "-c",
                        "while :; do echo more; done > /root/grows & echo kept > /root/kept; "
                        "exec 5> /root/open; sleep 0.3; exit 3", timeout=40)
    assert result.returncode == 3
    head = subprocess.run(["dumpe2fs", "-h", image], capture_output=True, check=True, env=SBIN)
    assert b"Filesystem state:         clean\n" in head.stdout
    subprocess.run(["e2fsck", "-fn", image], capture_output=True, check=True, env=SBIN)
    kept = subprocess.run(["debugfs", "-R", "cat /root/kept", image], capture_output=True,
                          check=True, env=SBIN)
    assert kept.stdout == b"kept\n"
