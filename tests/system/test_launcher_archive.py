# SPDX-License-Identifier: BSD-2-Clause
"""tools/mkarchive: the same files give the same bytes, whatever their times, owners and order."""

import os
import pathlib
import subprocess

import pytest

from fake_site import newc

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools/mkarchive"


def make(folder, *members, output="archive"):
    return subprocess.run([TOOL, "--output", folder / output, *members], capture_output=True,
                          check=False)


def members_of(path):
    return {name: (fields, data) for name, fields, data in newc(path.read_bytes())}


@pytest.fixture
def source(tmp_path):
    (tmp_path / "top/in").mkdir(parents=True)
    (tmp_path / "top/in/plain").write_bytes(b"abc")
    (tmp_path / "top/program").write_bytes(b"x" * 1001)
    (tmp_path / "top/program").chmod(0o700)
    (tmp_path / "top/link").symlink_to("in/plain")
    return tmp_path


def test_members(source):
    assert make(source, f"z/y={source}/top", f"a={source}/top/in/plain",
                source / "top/program").returncode == 0
    members = members_of(source / "archive")
    assert list(members) == ["a", "program", "z", "z/y", "z/y/in", "z/y/in/plain", "z/y/link",
                             "z/y/program"]
    assert {name: fields["mode"] for name, (fields, _) in members.items()} == {
        "a": 0o100644, "program": 0o100755, "z": 0o40755, "z/y": 0o40755, "z/y/in": 0o40755,
        "z/y/in/plain": 0o100644, "z/y/link": 0o120777, "z/y/program": 0o100755}
    assert members["z/y/link"][1] == b"in/plain" and members["program"][1] == b"x" * 1001
    for fields, _ in members.values():
        assert (fields["uid"], fields["gid"], fields["mtime"]) == (0, 0, 0)


def test_the_same_bytes(source):
    make(source, f"b={source}/top", f"a={source}/top/program")
    for path in source.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    (source / "top/in/plain").chmod(0o600)
    make(source, f"a={source}/top/program", f"b={source}/top", output="again")
    assert (source / "archive").read_bytes() == (source / "again").read_bytes()


def test_cpio_reads_it(source):
    make(source, f"top={source}/top")
    listing = subprocess.run(["busybox", "cpio", "-t"], stdin=open(source / "archive", "rb"),
                             capture_output=True, check=True).stdout
    assert listing.split() == [b"top", b"top/in", b"top/in/plain", b"top/link", b"top/program"]


def test_an_empty_archive(tmp_path):
    assert make(tmp_path).returncode == 0
    assert members_of(tmp_path / "archive") == {}


@pytest.mark.parametrize("members, why", [
    (["a=/nowhere"], "No such file or directory: '/nowhere'"),
    (["../x=/etc/passwd"], "'../x' is no name for a member"),
    (["=/etc/passwd"], "'' is no name for a member"),
    (["a=/etc/passwd", "./a=/etc/group"], "'a' is there twice: /etc/group, /etc/passwd"),
    (["a=/etc/passwd", "a/b=/etc/group"], "'a' is both a file and a folder"),
    (["a=/dev/null"], "/dev/null: neither a file nor a folder nor a symbolic link"),
    (["x" * 300 + "=/etc/passwd"], "longer than 255 bytes"),
])
def test_what_it_refuses(tmp_path, members, why):
    """One line, status 1, and neither an archive nor a part of one."""
    result = make(tmp_path, *members)
    assert result.returncode == 1
    assert result.stderr.startswith(b"mkarchive: ") and why in result.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_archive(source):
    make(source, f"a={source}/top/program")
    before = (source / "archive").read_bytes()
    assert make(source, "a=/nowhere").returncode == 1
    assert (source / "archive").read_bytes() == before
    assert sorted(os.listdir(source)) == ["archive", "top"]
