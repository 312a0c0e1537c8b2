# SPDX-License-Identifier: BSD-2-Clause
"""The root: folders laid over each other, packed or made into an image, and what comes back."""

import os
import pathlib
import socket
import stat
import subprocess

import pytest

from conftest import wait_for
from fake_site import newc

SBIN = "/usr/sbin"


@pytest.fixture
def files(tmp_path):
    """A folder with one of each kind of thing."""
    top = tmp_path / "files"
    (top / "a folder/deeper").mkdir(parents=True)
    (top / "empty").mkdir(mode=0o700)
    (top / "plain").write_bytes(b"plain\n")
    (top / "program").write_bytes(b"#!/bin/sh\n")
    (top / "program").chmod(0o4755)
    (top / "a folder/large").write_bytes(bytes(range(256)) * 5000)
    (top / "a folder/deeper/first").write_bytes(b"twice\n")
    os.link(top / "a folder/deeper/first", top / "second")
    (top / "link").symlink_to("a folder/deeper/first")
    (top / "dangling").symlink_to("/no where/\"quoted\"")
    (top / '"quotes" <2> \\ $x').write_bytes(b"odd\n")
    (top / "<2>").write_bytes(b"no inode\n")
    (top / "nothing").write_bytes(b"")
    os.mkfifo(top / "fifo", 0o620)
    os.utime(top / "plain", (1_000_000_000, 1_000_000_000))
    os.utime(top / "empty", (1_100_000_000, 1_100_000_000))
    if os.geteuid() == 0:
        os.mknod(top / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.chown(top / "nothing", 12, 70_000)
    return top


def packed(launcher, *options):
    """The members of root.cpio as the site gets it."""
    result = launcher.run("run", *options, "member", "root.cpio")
    assert result.returncode == 0, result.stderr
    return {name: (fields, data) for name, fields, data in newc(result.stdout)}


def test_the_root_is_packed(launcher):
    members = packed(launcher)
    assert list(members) == [".", "bin", "bin/sh", "etc", "etc/motd"]
    assert members["bin/sh"][1] == b"a shell\n" and members["bin/sh"][0]["mode"] == 0o100755


def test_files_of_every_kind_are_packed(launcher, files):
    members = packed(launcher, "--files", f"{files}:/a/b")
    for path in sorted(files.rglob("*")):
        status = path.lstat()
        fields, data = members.pop("a/b/" + str(path.relative_to(files)))
        assert fields["mode"] == status.st_mode
        assert (fields["uid"], fields["gid"]) == \
            (0 if status.st_uid == os.geteuid() else status.st_uid,
             0 if status.st_gid == os.getegid() else status.st_gid)
        assert fields["mtime"] == int(status.st_mtime)
        if path.is_symlink():
            assert data == os.fsencode(os.readlink(path))
        elif stat.S_ISREG(status.st_mode) and path.name != "second":
            assert data == path.read_bytes()
        if stat.S_ISCHR(status.st_mode):
            assert (fields["rmajor"], fields["rminor"]) == (1, 3)
    assert list(members) == [".", "a", "a/b", "bin", "bin/sh", "etc", "etc/motd"]


def test_hard_links_are_packed_as_links(launcher, files):
    members = packed(launcher, "--files", files)
    first, data = members["files/a folder/deeper/first"]
    second, nothing = members["files/second"]
    assert (first["ino"], first["nlink"]) == (second["ino"], 2) and second["nlink"] == 2
    assert (data, nothing) == (b"twice\n", b"")
    others = [fields["ino"] for name, (fields, _) in members.items() if name != "files/second"]
    assert len(set(others)) == len(others)


def test_busybox_unpacks_what_was_packed(launcher, files, tmp_path):
    archive = launcher.run("run", "--files", files, "member", "root.cpio").stdout
    target = tmp_path / "target"
    target.mkdir()
    result = subprocess.run(["busybox", "cpio", "-id"], input=archive, cwd=target, check=False,
                            capture_output=True)
    assert result.returncode == 0, result.stderr
    subprocess.run(["diff", "-r", "--no-dereference", "--exclude=fifo", "--exclude=null", files,
                    target / "files"], check=True)
    assert (target / "files/second").stat().st_ino == \
        (target / "files/a folder/deeper/first").stat().st_ino


def test_the_same_files_give_the_same_archive(launcher, files):
    first, second = (launcher.run("run", "--files", files, "member", "root.cpio").stdout
                     for _ in range(2))
    assert first == second and len(first) > 1_000_000


def test_later_files_win_and_folders_merge(launcher, tmp_path):
    for name, text in (("one", "1"), ("two", "2")):
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc" / name).write_text(text)
        (tmp_path / name / "etc/both").write_text(text)
    (tmp_path / "one/etc/motd").mkdir()
    (tmp_path / "one/etc/motd/inside").write_text("1")
    (tmp_path / "two/etc/motd").write_text("2")
    members = packed(launcher, "--files", f"{tmp_path}/one:/", "--files", f"{tmp_path}/two:/")
    assert {name: data for name, (_, data) in members.items() if name.startswith("etc/")} == \
        {"etc/both": b"2", "etc/motd": b"2", "etc/one": b"1", "etc/two": b"2"}


def test_files_below_what_is_no_folder(launcher, files):
    result = launcher.run("run", "--files", f"{files}:/bin/sh/x", "true")
    assert result.returncode == 125
    assert result.stderr.decode() == \
        f"chorus: {files}: cannot be put at /bin/sh/x, where sh is no folder\n"


def test_a_colon_in_a_folders_name(launcher, tmp_path):
    (tmp_path / "a:b").mkdir()
    (tmp_path / "a:b/c").write_text("c")
    assert "files/c" in packed(launcher, "--files", tmp_path / "a:b")
    assert "d/c" in packed(launcher, "--files", f"{tmp_path}/a:b:/d")


def test_another_root(launcher, files):
    members = packed(launcher, "--root", files)
    assert "plain" in members and "bin/sh" not in members


def test_a_missing_default_root(launcher):
    (launcher.folder / "build/root").rename(launcher.folder / "build/gone")
    result = launcher.run("run", "true")
    assert result.returncode == 125
    assert b"build/root: No such file or directory; has everything been built" in result.stderr


def test_what_the_site_gets(launcher):
    result = launcher.run("run", "members")
    lines = result.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["bin", "bin/boot", "composition", "launch",
                                                   "root.cpio"]
    assert launcher.run("run", "member", "composition").stdout == b"# the fake system\n"
    assert launcher.run("run", "member", "bin/boot").stdout == b"a program\n"
    assert launcher.run("run", "append").stdout == b"site=1 domain=1 root=tmpfs\n"


def test_a_composition_by_file(launcher, tmp_path):
    (tmp_path / "my.conf").write_text("# mine\n")
    result = launcher.run("run", "--system", tmp_path / "my.conf", "member", "composition")
    assert result.stdout == b"# mine\n"


# ---- On ext2 ----


def extracted(launcher, tmp_path, *options, program=("true",)):
    """What --save gives after the program."""
    target = tmp_path / "saved"
    result = launcher.run("run", "--system", "disk", *options, "--save", target, *program)
    assert (result.returncode, result.stderr) == (0, b""), result.stdout
    return target


def test_an_image_is_made_and_clean(launcher, files):
    result = launcher.run("run", "--system", "disk", "--files", files, "host", f"{SBIN}/e2fsck",
                          "-fn", "@")
    assert result.returncode == 0, result.stdout
    assert launcher.run("run", "--system", "disk", "record", "root").stdout == b"root=ext2\n"
    assert b"root.cpio" not in launcher.run("run", "--system", "disk", "members").stdout


def test_all_kinds_are_in_the_image(launcher, files):
    def debugfs(command):
        result = launcher.run("run", "--system", "disk", "--files", files, "host",
                              f"{SBIN}/debugfs", "-R", command, "@")
        return result.stdout.decode()
    listing = debugfs("ls -p /files")
    found = {line.split("/")[5]: line.split("/") for line in listing.splitlines()
             if line.startswith("/")}
    names = {path.name for path in files.iterdir()} | {".", ".."}
    assert names == set(found)
    for path in files.iterdir():
        status = path.lstat()
        _, _, mode, uid, gid, _, size, *_ = found[path.name]
        assert int(mode, 8) == status.st_mode, path
        assert int(uid) == (0 if status.st_uid == os.geteuid() else status.st_uid)
        assert int(gid) == (0 if status.st_gid == os.getegid() else status.st_gid)
        if path.is_file() and not path.is_symlink():
            assert int(size) == status.st_size
    assert "Links: 2" in debugfs("stat /files/second")
    assert "mtime: 0x3b9aca00" in debugfs("stat /files/plain")
    assert "mtime: 0x4190ab00" in debugfs("stat /files/empty")
    if os.geteuid() == 0:
        assert "Device major/minor number: 01:03" in debugfs("stat /files/null")
    assert '/no where/"quoted"' in debugfs("stat /files/dangling")


def test_save_gives_the_first_files(launcher, files, tmp_path):
    target = extracted(launcher, tmp_path, "--files", f"{files}:/data/x", "--files", files)
    subprocess.run(["diff", "-r", "--no-dereference", "--exclude=fifo", "--exclude=null", files,
                    target], check=True)
    assert (target / "plain").stat().st_mtime == 1_000_000_000
    assert stat.S_IMODE((target / "program").stat().st_mode) & 0o777 == 0o755


def test_save_gives_the_whole_root(launcher, tmp_path):
    target = extracted(launcher, tmp_path, program=("host", f"{SBIN}/debugfs", "-w", "-R",
                                                    "write /etc/hostname made", "@"))
    subprocess.run(["diff", "-r", launcher.folder / "build/root/etc", target / "etc"], check=True)
    assert (target / "made").read_bytes() == pathlib.Path("/etc/hostname").read_bytes()
    assert sorted(os.listdir(target)) == ["bin", "etc", "made"]


def test_save_keeps_the_programs_status(launcher, tmp_path):
    result = launcher.run("run", "--system", "disk", "--save", tmp_path / "s", "exit", 7)
    assert result.returncode == 7 and (tmp_path / "s/bin/sh").exists()


def test_save_after_a_death(launcher, tmp_path):
    result = launcher.run("run", "--system", "disk", "--save", tmp_path / "s", "panic", "x")
    assert result.returncode == 125
    assert b"nothing was extracted, for the disk was not written back\n" in result.stderr
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("prepare, why", [
    (lambda path: (path.mkdir(), (path / "x").touch()), "the folder is not empty"),
    (lambda path: path.touch(), "Not a directory"),
])
def test_save_never_overwrites(launcher, tmp_path, prepare, why):
    prepare(tmp_path / "s")
    result = launcher.run("run", "--system", "disk", "--save", tmp_path / "s", "true")
    assert result.returncode == 2
    assert result.stderr.decode() == f"chorus: --save '{tmp_path}/s': {why}\n"


def test_save_into_an_empty_folder(launcher, tmp_path):
    (tmp_path / "saved").mkdir()
    assert (extracted(launcher, tmp_path) / "bin/sh").exists()


def test_save_of_a_path_that_went(launcher, files, tmp_path):
    result = launcher.run("run", "--system", "disk", "--files", f"{files}:/data/x", "--save",
                          tmp_path / "s", "host", f"{SBIN}/debugfs", "-w", "-R",
                          "unlink /data/x", "@")
    assert result.returncode == 125
    assert b"chorus: debugfs: " in result.stderr and b"not found" in result.stderr


def test_a_name_that_no_image_can_have(launcher, tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/two\nlines").touch()
    result = launcher.run("run", "--system", "disk", "--files", tmp_path / "odd", "true")
    assert result.returncode == 125
    assert result.stderr.decode() == f"chorus: '{tmp_path}/odd/two?lines': a name with a line's " \
                                     "end in it cannot be put into an image\n"


def test_a_socket_is_left_out_of_an_image(launcher, tmp_path):
    (tmp_path / "odd").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "odd/socket"))
    result = launcher.run("run", "--system", "disk", "--files", tmp_path / "odd", "true")
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "disk, with a comma.img"
    path.touch()
    os.truncate(path, 8 << 20)
    subprocess.run([f"{SBIN}/mke2fs", "-q", "-F", "-t", "ext2", path], check=True)
    return path


def on_image(launcher, image, *words, options=()):
    return launcher.run("run", "--system", "disk", "--root", image, *options, *words)


def test_an_image_is_used_in_place_and_kept(launcher, image):
    result = on_image(launcher, image, "host", f"{SBIN}/debugfs", "-w", "-R",
                      "write /etc/hostname kept", "@")
    assert result.returncode == 0
    shown = subprocess.run([f"{SBIN}/debugfs", "-R", "cat kept", image], check=True,
                           capture_output=True).stdout
    assert shown == pathlib.Path("/etc/hostname").read_bytes()


def test_files_are_copied_into_an_image(launcher, image, files):
    for _ in range(2):  # the second time over what is there
        result = on_image(launcher, image, "host", f"{SBIN}/e2fsck", "-fn", "@",
                          options=("--files", files))
        assert result.returncode == 0, result.stderr + result.stdout
    shown = subprocess.run([f"{SBIN}/debugfs", "-R", "cat /files/second", image], check=True,
                           capture_output=True).stdout
    assert shown == b"twice\n"


def test_many_files_into_an_image(launcher, image, tmp_path):
    """Of each one debugfs says that the image has none yet, in more lines than a buffer holds."""
    for i in range(400):
        (tmp_path / f"many/{i:030}").mkdir(parents=True)
        (tmp_path / f"many/{i:030}/file").touch()
    result = on_image(launcher, image, "host", f"{SBIN}/e2fsck", "-fn", "@",
                      options=("--files", tmp_path / "many"))
    assert result.returncode == 0, result.stderr + result.stdout


def test_files_over_a_file_in_an_image(launcher, image, files, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/plain").mkdir()
    assert on_image(launcher, image, "true", options=("--files", files)).returncode == 0
    result = on_image(launcher, image, "true", options=("--files", tmp_path / "other"))
    assert result.returncode == 125
    assert result.stderr == b"chorus: --files: /files/plain is no folder in the image\n"
    subprocess.run([f"{SBIN}/e2fsck", "-fn", image], check=True, capture_output=True)


def test_a_root_with_a_lost_and_found(launcher, tmp_path):
    """Every file system of its kind has that folder already."""
    (tmp_path / "top/lost+found").mkdir(parents=True)
    (tmp_path / "top/lost+found/#12").write_text("found")
    result = launcher.run("run", "--system", "disk", "--root", tmp_path / "top", "host",
                          f"{SBIN}/e2fsck", "-fn", "@")
    assert result.returncode == 0, result.stdout


def test_files_that_do_not_fit_into_an_image(launcher, image, tmp_path):
    (tmp_path / "big").mkdir()
    (tmp_path / "big/file").write_bytes(b"x" * (16 << 20))
    result = on_image(launcher, image, "true", options=("--files", tmp_path / "big"))
    assert result.returncode == 125
    assert result.stderr.startswith(b"chorus: debugfs: write: ")
    assert result.stderr.count(b"\n") == 1
    subprocess.run([f"{SBIN}/e2fsck", "-fn", image], check=True, capture_output=True)


def test_an_image_is_one_launchers_at_a_time(launcher, image):
    with launcher.start("run", "--system", "disk", "--root", image, "cat",
                        stdin=subprocess.PIPE) as process:
        process.stdin.write(b"x")
        process.stdin.flush()
        assert process.stdout.read(1) == b"x"
        result = on_image(launcher, image, "true")
        assert result.returncode == 125
        assert result.stderr.decode() == f"chorus: --root '{image}': in use by another launcher\n"
    # The machine of a launcher that was killed lives a moment longer.
    wait_for(lambda: on_image(launcher, image, "true").returncode == 0, "the image to be free")


def test_an_image_is_used_whatever_the_composition_says(launcher, image):
    result = launcher.run("run", "--root", image, "true")
    assert (result.returncode, result.stderr) == (0, b"")


def test_an_image_is_refused_with_icount(launcher, image):
    result = launcher.run("run", "--icount", "--system", "disk", "--root", image, "true")
    assert result.returncode == 2
    assert b"an image is refused with --icount" in result.stderr


def test_the_drive(launcher, image):
    witness = launcher.folder / "words"
    on_image(launcher, image, "true").check_returncode()
    launcher.run("run", "--system", "disk", "true", env={"FAKE_WORDS": str(witness)})
    assert "cache=unsafe" in witness.read_text()
    launcher.run("run", "--system", "disk", "--root", image, "true",
                 env={"FAKE_WORDS": str(witness)})
    words = witness.read_text()
    assert "cache=writeback" in words and "virtio-blk-pci,drive=root,disable-legacy=on" in words


def test_folders_too_deep_or_gone(launcher, tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/closed").mkdir(mode=0)
    if os.geteuid() != 0:
        result = launcher.run("run", "--files", tmp_path / "odd", "true")
        assert result.returncode == 125 and b"closed: Permission denied" in result.stderr
    deep = "/".join("d" * 5 for _ in range(600))
    subprocess.run(["mkdir", "-p", tmp_path / "deep" / deep], check=True)
    result = launcher.run("run", "--files", tmp_path / "deep", "true")
    assert result.returncode == 125
    assert b"folders lie too deep\n" in result.stderr or b"File name too long\n" in result.stderr
