# SPDX-License-Identifier: BSD-2-Clause
"""The command line: what PROGRAM gets, and one clear line with status 2 for bad use."""

import os

import pytest


@pytest.mark.parametrize("words, line", [
    ([], "no command was given; see ./chorus help"),
    (["fly"], "unknown command 'fly'; see ./chorus help"),
    (["run"], "run: no PROGRAM was given; see ./chorus help"),
    (["run", "--"], "run: no PROGRAM was given; see ./chorus help"),
    (["run", ""], "run: PROGRAM is '', an empty word"),
    (["run", "--colour", "true"], "unknown option '--colour'; see ./chorus help"),
    (["run", "--colour=red", "true"], "unknown option '--colour=red'; see ./chorus help"),
    (["run", "-x", "true"], "unknown option '-x' in '-x'; see ./chorus help"),
    (["run", "-vx", "true"], "unknown option '-x' in '-vx'; see ./chorus help"),
    (["run", "-m"], "--memory: needs a value, MIB"),
    (["run", "--root"], "--root: needs a value, DIR|IMAGE"),
    (["run", "--icount=1", "true"], "--icount: takes no value, but was given '1'"),
    (["run", "-m", "lots", "true"], "--memory: 'lots' is not a number from 16 to 1048576"),
    (["run", "-m", "-5", "true"], "--memory: '-5' is not a number from 16 to 1048576"),
    (["run", "-m8", "true"], "--memory: '8' is not a number from 16 to 1048576"),
    (["run", "-m", "64k", "true"], "--memory: '64k' is not a number from 16 to 1048576"),
    (["run", "-m", "99999999999999999999", "true"],
     "--memory: '99999999999999999999' is not a number from 16 to 1048576"),
    (["run", "-n", "0", "true"], "--sites: '0' is not a number from 1 to 1000"),
    (["run", "-n", "2", "true"], "--sites 2: more than one site is not there yet"),
    (["run", "--on", "2", "true"], "--on 2: there is no such site"),
    (["run", "--env", "PATH", "true"], "--env: 'PATH' is not NAME=VALUE"),
    (["run", "--env", "=x", "true"], "--env: '=x' is not NAME=VALUE"),
    (["run", "--accel", "xen", "true"], "--accel: 'xen' is neither tcg nor kvm"),
    (["run", "--timeout", "soon", "true"], "--timeout: 'soon' is not a number of seconds"),
    (["run", "--timeout", "0", "true"], "--timeout: '0' is not a number of seconds"),
    (["run", "--timeout", "1e3", "true"], "--timeout: '1e3' is not a number of seconds"),
    (["run", "--timeout", "-1", "true"], "--timeout: '-1' is not a number of seconds"),
    (["run", "--timeout", ".", "true"], "--timeout: '.' is not a number of seconds"),
    (["run", "--files", "", "true"], "--files: '' names no folder"),
    (["run", "--files", "/nowhere", "true"], "--files '/nowhere': No such file or directory"),
    (["run", "--files", "/etc/passwd:/x", "true"], "--files '/etc/passwd': Not a directory"),
    (["run", "--root", "/nowhere", "true"], "--root '/nowhere': No such file or directory"),
    (["run", "--root", "/etc/passwd", "true"],
     "--root '/etc/passwd': neither a folder nor an ext2 image"),
    (["run", "--root", "/dev/null", "true"],
     "--root '/dev/null': neither a folder nor an ext2 image"),
    (["run", "--system", "./none.conf", "true"],
     "--system './none.conf': ./none.conf: No such file or directory"),
    (["run", "--icount", "--save", "/tmp/x", "true"], "--save '/tmp/x': not with --icount"),
    (["run", "--icount", "--accel", "kvm", "true"], "--accel kvm: not with --icount"),
    (["run", "--kill", "1@2", "true"], "--kill 1@2: not there yet"),
    (["run", "--cut", "1@2:3", "true"], "--cut 1@2:3: not there yet"),
    (["run", "--pcap", "f", "true"], "--pcap f: not there yet"),
    (["run", "--pcap-raw=f", "true"], "--pcap-raw f: not there yet"),
    (["shell", "ls"], "shell: takes no PROGRAM, but was given 'ls'; see ./chorus help"),
    (["sim", "ring"], "sim: not there yet"),
    (["run", "--bad\n\x1b[1m", "true"], "unknown option '--bad??[1m'; see ./chorus help"),
])
def test_bad_use(launcher, words, line):
    """One line with the word, status 2, and nothing is started."""
    witness = launcher.folder / "started"
    result = launcher.run(*words, env={"FAKE_WORDS": str(witness)})
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode() == f"chorus: {line}\n"
    assert not witness.exists() and not (launcher.folder / "build/log").exists()


def test_a_named_composition_is_missing(launcher):
    result = launcher.run("run", "--system", "big", "true")
    assert result.returncode == 2
    big = launcher.folder / "systems/big.conf"
    assert result.stderr.decode() == (f"chorus: --system 'big': {big}: "
                                      "No such file or directory\n")


def test_a_composition_with_an_impossible_root(launcher, tmp_path):
    (tmp_path / "odd.conf").write_text("actor boot\n  root   floppy # no\n")
    result = launcher.run("run", "--system", tmp_path / "odd.conf", "true")
    assert result.returncode == 2
    assert b"'root floppy': the root is on tmpfs or on ext2" in result.stderr


@pytest.mark.parametrize("verb", ["help", "--help", "-h"])
def test_help_names_every_option(launcher, verb):
    result = launcher.run(verb)
    assert (result.returncode, result.stderr) == (0, b"")
    for option in ("--sites", "--memory", "--root", "--files", "--cwd", "--save", "--on", "--env",
                   "--system", "--accel", "--icount", "--timeout", "--log", "--pcap", "--pcap-raw",
                   "--kill", "--cut", "-v", "run", "shell", "sim", "version"):
        assert option.encode() in result.stdout


def test_version(launcher):
    assert launcher.run("version").stdout.startswith(b"Chorus ")


def test_help_into_a_full_disk(launcher):
    with open("/dev/full", "wb") as full:
        assert launcher.run("help", stdout=full).returncode == 1


@pytest.mark.parametrize("words", [
    ["a", "", " b ", "-n", "--", "--root"],
    ["x" * 100_000],
    ["ä\udcff", "*", "'\"\\"],
])
def test_arguments_arrive_as_they_are(launcher, words):
    result = launcher.run("run", "--", "args", *words)
    assert result.stdout == b"".join(os.fsencode(word) + b"\n" for word in words)


def test_options_end_at_the_program(launcher):
    assert launcher.run("run", "-m", "64", "args", "-m", "--bad").stdout == b"-m\n--bad\n"


def test_default_environment(launcher):
    result = launcher.run("run", "env", env={"TERM": "vt52", "SECRET": "1"})
    assert result.stdout == (b"PATH=/bin:/usr/bin:/sbin:/usr/sbin:/chorus/bin\n"
                             b"HOME=/root\nTERM=vt52\n")


def test_environment_options(launcher):
    result = launcher.run("run", "--env", "A=1", "--env=HOME=/h", "--env", "A=2=3", "--env", "B=",
                          "env")
    assert result.stdout.splitlines()[1:] == [b"HOME=/h", b"TERM=dumb", b"A=2=3", b"B="]


@pytest.mark.parametrize("path, normal", [
    ("/", "/"), ("usr/../etc/./", "/etc"), ("/../..", "/"), ("//a//b/", "/a/b"), ("a/..", "/"),
    ("/a/b/../../c", "/c"), ("...", "/..."), ("", "/"), ("/.hidden/x..", "/.hidden/x.."),
])
def test_cwd_is_normalised(launcher, path, normal):
    assert launcher.run("run", "--cwd", path, "record", "cwd").stdout == f"cwd={normal}\n".encode()


def test_default_cwd(launcher, tmp_path):
    (tmp_path / "a").mkdir()
    assert launcher.run("run", "record", "cwd").stdout == b"cwd=/\n"
    result = launcher.run("run", "--files", f"{tmp_path}/a:/x/../work/", "--files", tmp_path / "a",
                          "record", "cwd", "umask", "on", "root")
    assert result.stdout == b"cwd=/work\numask=022\non=1\nroot=tmpfs\n"


def words_of(launcher, *options):
    """QEMU's words, as option and value where it has one."""
    witness = launcher.folder / "words"
    assert launcher.run("run", *options, "true", env={"FAKE_WORDS": str(witness)}).returncode == 0
    return witness.read_text().splitlines()


def value_of(words, option):
    return words[words.index(option) + 1]


def test_the_machine(launcher):
    words = words_of(launcher)
    assert value_of(words, "-accel") == "tcg" and value_of(words, "-m") == "128"
    assert value_of(words, "-cpu") == "max,-erms,-pku,-la57"
    assert value_of(words, "-append") == "site=1 domain=1 root=tmpfs"
    assert "virtio-serial-pci,id=serial,max_ports=2,disable-legacy=on" in words
    assert not any("virtio-blk" in word for word in words)


def test_machine_options(launcher):
    words = words_of(launcher, "-m32", "--accel=kvm", "-v")
    assert value_of(words, "-accel") == "kvm" and value_of(words, "-m") == "32"


def test_shell(launcher):
    result = launcher.run("shell", input=b"one\nexit 5\n")
    assert (result.returncode, result.stdout) == (5, b"$ one\r\n[one]\r\n$ exit 5\r\n")
