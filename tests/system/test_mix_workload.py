# SPDX-License-Identifier: BSD-2-Clause
"""Debian's busybox, unmodified, on Chorus and on the host: the same files, the same output.

A shell runs all commands in one folder of real files, each with its output and status in a file of
its own; the host's does the same with one and the same binary, and the outputs are compared byte
for byte. So on a tmpfs, on ext2, and on ext2 where memory is short and OM is in user space.
"""

import bz2
import gzip
import io
import lzma
import os
import pathlib
import shutil
import subprocess
import tarfile

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUSYBOX = "/bin/busybox"
FOLDERS = ("/usr/share/common-licenses", "/usr/share/dict", "/usr/include/linux",
           "/usr/share/perl5/Debconf", "/usr/share/doc", "/usr/include")
SOAK = "CHORUS_SOAK" in os.environ  # all of it, not the slice that `make check` has time for
FILES_MAX = 8000 if SOAK else 2000
BYTES_MAX = (24 if SOAK else 7) << 20
LIMIT_S = 1500 if SOAK else 150
TMPFS_MIB = "512" if SOAK else "128"
FILE_BYTES_MAX = BYTES_MAX // 120
PACKED_BYTES_MAX = BYTES_MAX // 5  # as much of it goes into the archives that the host packs

# What a shell whose folder is the tree runs; beside it are `packed`, `out` and the empty `work`.
COMMANDS = {
    "find_md5": "find . -type f | sort | xargs md5sum",
    "find_size": "find . -type f -size +20k -name '*.h' | sort",
    "ls": "ls -R . | wc; ls | head",
    "grep": "grep -r struct . | sort",
    "grep_count": "grep -rc define . | sort",
    "grep_regular": "grep -rniE '(free|open)[a-z]* (software|source)' . | sort",
    "sed": "find . -name '*.h' | sort | xargs sed -n 's/#define *//p'",
    "sed_in_place": "cp -r usr/include/linux/netfilter ../work/s && cd ../work/s && "
                    "find . -type f | sort | xargs sed -i -e 's/struct/class/g' -e '/^$/d' && "
                    "find . -type f | sort | xargs md5sum",
    "awk": "find . -type f | sort | xargs awk '{n[length($0) % 97]++} "
           "END {for (i = 0; i < 97; i++) print i, n[i]}'",
    "words": "find . -name '*.h' | sort | head -150 | xargs cat | tr -cs A-Za-z '\\n' | sort | "
             "uniq -c | sort -rn",
    "sort_keys": "find . -name '*.h' | sort | head -99 | xargs cat | sort -k2,2 -k1,1r -s | uniq",
    "uniq": "find . -name copyright | sort | head -200 | xargs cat | sort > ../work/lines; "
            "uniq -d ../work/lines; uniq -u ../work/lines | wc",
    "cut": "find . -name '*.h' | sort | xargs cut -d ' ' -f 2-3",
    "cut_paste": "find . -name '*.h' | sort | xargs cat | cut -c1-20 | paste - - -",
    "paste": "find . -type f | sort > ../work/a; sort -r ../work/a | paste -d: ../work/a -",
    "tr": "find . -type f | sort | xargs cat | tr -d '\\r' | tr a-z A-Z | md5sum",
    "tar": "tar cf - $(find . -type f | sort) | md5sum",
    "tar_round": "tar cf ../work/a.tar . && mkdir ../work/x && "
                 "tar xf ../work/a.tar -C ../work/x && cd ../work/x && "
                 "find . -type f | sort | xargs md5sum; find . -type d | wc -l",
    "tar_away": "rm -r ../work/x ../work/a.tar && ls ../work",
    "tar_xz": "mkdir ../work/p && tar xJf ../packed/tree.tar.xz -C ../work/p && cd ../work/p && "
              "find . -type f | sort | xargs md5sum",
    "tar_gz": "tar tzvf ../packed/tree.tar.gz | wc; tar xzOf ../packed/tree.tar.gz | md5sum",
    "tar_bz2": "tar xjOf ../packed/tree.tar.bz2 | md5sum",
    "xz": "xz -dc ../packed/tree.tar.xz | md5sum; cp ../packed/tree.tar.xz ../work/b.xz && "
          "xz -d ../work/b.xz && md5sum ../work/b",
    "lzma": "lzma -dc ../packed/tree.tar.lzma | md5sum; unlzma < ../packed/tree.tar.lzma | wc -c",
    "xz_damaged": "head -c 100000 ../packed/tree.tar.xz | xz -dc | md5sum",
    "gzip": "find . -type f | sort | xargs cat | gzip > ../work/all.gz; md5sum < ../work/all.gz; "
            "gunzip < ../work/all.gz | md5sum; rm ../work/all.gz",
    "bzip2": "find . -name '*.h' | sort | head -100 | xargs cat | bzip2 > ../work/h.bz2; "
             "md5sum < ../work/h.bz2; bunzip2 < ../work/h.bz2 | md5sum",
    "cpio": "find . -type f | sort | cpio -o -H newc 2>/dev/null > ../work/c; cpio -t < ../work/c;"
            "mkdir ../work/d && cd ../work/d && cpio -idm < ../c && "
            "find . -type f | sort | xargs md5sum; rm ../c",
    "diff": "diff -r . ../work/d && echo same; f=$(find . -name '*.h' | sort | head -1); "
            "sed -i 3d ../work/d/$f; echo more >> ../work/d/$f; diff -r . ../work/d",
    "diff_unified": "f=$(find . -name '*.h' | sort | head -1); "
                    "diff -u $f ../work/d/$f | tail -n +3",
    "od": "find . -type f | sort | head -40 | xargs od -x; od -c usr/include/linux/a.out.h",
    "dd": "find . -type f | sort | xargs cat | dd bs=1000 2>/dev/null | md5sum; "
          "dd if=../packed/tree.tar.gz bs=1777 skip=11 count=77 2>/dev/null | md5sum",
    "dd_seek": "dd if=../packed/tree.tar.gz of=../work/s.gz bs=513 seek=99 count=400 2>/dev/null; "
               "dd if=../packed/tree.tar.xz of=../work/s.gz bs=7 seek=1000 count=300 conv=notrunc "
               "2>/dev/null; md5sum < ../work/s.gz",
    "wc": "find . -type f | sort | xargs wc | tail -3",
    "rename": "cd ../work/p && find . -name '*.h' | sort | while read -r f; do mv $f ${f%.h}.x; "
              "done; find . -name '*.[hx]' | sort | md5sum; find . -name '*.x' | xargs cat | wc",
    "links": "cd ../work && mkdir l && for f in $(cd p; find . -name '*.x' | head -200); do "
             "ln p/$f l/$(echo $f | tr / _); done; cat l/* | wc; rm -r p; cat l/* | wc; ls l | wc",
}

SCRIPT = "\n".join(f"( {command} ) > ../out/{name} 2>&1; echo $? >> ../out/{name}"
                   for name, command in COMMANDS.items())

USER_SPACE = """
actor console supervisor priority 32 calls
actor virtio_disk supervisor priority 32 calls optional
actor om user priority 48 calls mapper
actor stm user priority 48 calls trusted
actor pm supervisor priority 56 calls trusted
"""


def copy_real_files(top):
    """Copies files of installed packages; the number of them and of their bytes is bounded."""
    files = size = 0
    for folder in FOLDERS:
        for at, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                source = pathlib.Path(at, name)
                target = top / source.relative_to("/")
                if files >= FILES_MAX or not source.is_file() or target.exists():
                    continue
                if not 0 < source.stat().st_size <= min(FILE_BYTES_MAX, BYTES_MAX - size):
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                files += 1
                size += target.stat().st_size
    return files


def pack(tree, packed):
    """The first files of the tree, packed as others pack them."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path in sorted(tree.rglob("*")):
            if path.is_file() and data.tell() < PACKED_BYTES_MAX:
                archive.add(path, arcname=path.relative_to(tree))
    packed.mkdir()
    for suffix, packer in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress),
                           ("lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE))):
        (packed / f"tree.tar.{suffix}").write_bytes(packer(data.getvalue()))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The folder that is given to both."""
    top = tmp_path_factory.mktemp("files")
    assert copy_real_files(top / "tree") > 1000
    pack(top / "tree", top / "packed")
    (top / "out").mkdir()
    (top / "work").mkdir()
    return top


@pytest.fixture(scope="module")
def expected(files, tmp_path_factory):
    """What each command gives on the host."""
    copy = tmp_path_factory.mktemp("host") / "files"
    shutil.copytree(files, copy, symlinks=True)
    links = tmp_path_factory.mktemp("bin")
    for name in subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE,
                               check=True).stdout.decode().split():
        (links / name).symlink_to(BUSYBOX)
    subprocess.run([BUSYBOX, "sh", "-c", SCRIPT], cwd=copy / "tree", env={"PATH": str(links)},
                   stdin=subprocess.DEVNULL, check=True)
    return {name: (copy / "out" / name).read_bytes() for name in COMMANDS}


def compare(stdout, expected):
    """The archive of outputs that the site wrote, with what the host has."""
    with tarfile.open(fileobj=io.BytesIO(stdout)) as archive:
        ours = {name: archive.extractfile(f"out/{name}").read() for name in COMMANDS}
    assert [name for name in COMMANDS if ours[name] != expected[name]] == []


def run_workload(chorus, files, *options):
    result = chorus.run("run", "--timeout", LIMIT_S, "--files", files, "--cwd", "/files/tree",
                        *options, "--", "/bin/sh", "-c", SCRIPT + "\ncd ..; exec tar cf - out",
                        timeout=LIMIT_S + 10)
    assert (result.stderr, result.returncode) == (b"", 0)
    return result.stdout


def test_on_tmpfs(chorus, files, expected, tmp_path):
    composition = tmp_path / "tmpfs.conf"
    composition.write_text((TOP / "systems/mix.conf").read_text() + "root tmpfs\n")
    compare(run_workload(chorus, files, "-m", TMPFS_MIB, "--system", composition), expected)


@pytest.mark.parametrize("how", ["roomy", "short_of_memory"])
def test_on_ext2(how, chorus, files, expected, tmp_path):
    options = ["--root", tmp_path / "root.ext2"]
    if how == "short_of_memory":
        (tmp_path / "user.conf").write_text(USER_SPACE)
        options += ["-m", "32", "--system", tmp_path / "user.conf"]
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", "-d", TOP / "build/root",
                    tmp_path / "root.ext2", "160M"], check=True)
    compare(run_workload(chorus, files, *options), expected)
    check = subprocess.run(["/usr/sbin/e2fsck", "-fn", tmp_path / "root.ext2"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert check.returncode == 0, check.stdout.decode()
