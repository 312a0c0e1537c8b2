# SPDX-License-Identifier: BSD-2-Clause
"""Debian's busybox, unmodified, on Chorus and on the host: the same files, the same output.

Each command runs twice with one and the same binary, in a copy of the same folder, and what comes
out is compared byte for byte.
"""

import os
import pathlib
import shutil
import subprocess

import pytest

BUSYBOX = "/bin/busybox"
FOLDERS = ("/usr/share/common-licenses", "/usr/include/linux", "/usr/share/dict",
           "/usr/share/perl5/Debconf", "/etc/alternatives")
FILES_MAX = 1200
BYTES_MAX = 12 << 20

COMMANDS = {
    "find_md5": "find . -type f | sort | xargs md5sum",
    "find_links": "find . -type l | sort",
    "grep": "grep -r struct . | sort",
    "grep_count": "grep -rc define . | sort",
    "sed": "find . -name '*.h' | sort | xargs sed -n 's/#define *//p'",
    "awk": "find . -type f | sort | xargs awk '{n[length($0) % 97]++} "
           "END {for (i = 0; i < 97; i++) print i, n[i]}'",
    "sort_uniq": "find . -name '*.h' | sort | head -150 | xargs cat | tr -cs A-Za-z '\\n' | sort | "
                 "uniq -c | sort -rn",
    "cut_paste": "find . -name '*.h' | sort | xargs cat | cut -c1-20 | paste - - -",
    "tar": "tar cf - $(find . -type f | sort) | md5sum",
    "tar_round": "tar cf /tmp/a.tar . && mkdir /tmp/x && tar xf /tmp/a.tar -C /tmp/x && "
                 "cd /tmp/x && find . -type f | sort | xargs md5sum",
    "gzip": "find . -type f | sort | xargs cat | gzip | gunzip | md5sum",
    "bzip2": "find . -name '*.h' | sort | xargs cat | bzip2 | bunzip2 | md5sum",
    "cpio": "find . -type f | sort | cpio -o -H newc 2>/dev/null | cpio -t",
    "od": "find . -type f | sort | head -20 | xargs od -x",
    "dd": "find . -type f | sort | xargs cat | dd bs=1000 2>/dev/null | md5sum",
    "diff": "cp -r . /tmp/copy && echo changed >> /tmp/copy/$(find . -type f | sort | head -1) && "
            "diff -r . /tmp/copy",
    "wc": "find . -type f | sort | xargs wc | tail -3",
    "du": "find . -type f | wc -l; ls -R . | wc -l",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A folder of real files of installed packages."""
    top = tmp_path_factory.mktemp("files")
    files = size = 0
    for folder in FOLDERS:
        for at, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                source = pathlib.Path(at, name)
                target = top / source.relative_to("/")
                if files >= FILES_MAX or size >= BYTES_MAX or not source.is_file():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                files += 1
                size += target.stat().st_size
    assert files > 500
    return top


def on_host(command, tree, scratch):
    copy = scratch / "host"
    shutil.copytree(tree, copy, symlinks=True)
    local = command.replace("/tmp/", f"{scratch}/")
    words = [BUSYBOX, "sh", "-c", local]
    links = scratch / "bin"
    links.mkdir()
    for name in subprocess.run([BUSYBOX, "--list"], stdout=subprocess.PIPE,
                               check=True).stdout.decode().split():
        (links / name).symlink_to(BUSYBOX)
    return subprocess.run(words, cwd=copy, env={"PATH": str(links)}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_same_as_on_the_host(name, tree, tmp_path, chorus):
    host = on_host(COMMANDS[name], tree, tmp_path)
    ours = chorus.run("run", "--timeout", "40", "--files", str(tree), "--", "/bin/sh", "-c",
                      COMMANDS[name], timeout=60)
    assert ours.stdout == host.stdout.replace(str(tmp_path).encode(), b"/tmp")
    assert ours.returncode == host.returncode
