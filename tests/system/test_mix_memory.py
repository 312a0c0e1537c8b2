# SPDX-License-Identifier: BSD-2-Clause
"""Memory of MiX as its programs see it, and what reads and writes do with it."""

import os
import pathlib
import subprocess

import pytest

PROGRAMS = pathlib.Path(__file__).parent / "programs"
TOP = pathlib.Path(__file__).parents[2]
SBIN = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
SOAK = "CHORUS_SOAK" in os.environ
STORMS = 100 if SOAK else 2
STEPS = 4000 if SOAK else 1000


@pytest.fixture
def disk(tmp_path_factory):
    """An ext2 disk as root."""
    image = tmp_path_factory.mktemp("disk") / "root.img"
    subprocess.run(["mke2fs", "-q", "-t", "ext2", "-d", TOP / "build/root", image, "48M"],
                   check=True, env=SBIN)
    return image


def build(folder, name):
    subprocess.run(["gcc", "-O1", "-static", "-Wall", "-Wextra", "-Werror", "-o", folder / name,
                    PROGRAMS / f"{name}.c"], check=True)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("name", ["maps", "vectors"])
def test_as_on_the_host(name, on_disk, chorus, tmp_path, disk):
    """Mappings and vectors. What the programs hold is so on the host too."""
    build(tmp_path, name)
    host = subprocess.run([tmp_path / name, tmp_path], stdout=subprocess.PIPE, check=False)
    assert (host.stdout.decode(), host.returncode) == ("0 differences\n", 0)
    root = ["--root", str(disk)] if on_disk else []
    result = chorus.run("run", "--timeout", "30", *root, "--files", str(tmp_path), "--",
                        f"./{name}", "/root", timeout=40)
    assert (result.stdout.decode(), result.returncode) == ("0 differences\n", 0)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("seed", range(1, STORMS + 1))
def test_a_storm_of_calls(seed, on_disk, chorus, tmp_path, disk):
    """Random calls on memory show the same content, step by step, as on the host; on a disk with
    hardly more memory than the programs need."""
    build(tmp_path, "memory_storm")
    words = [str(seed), str(STEPS)]
    host = subprocess.run([tmp_path / "memory_storm", tmp_path, *words], stdout=subprocess.PIPE,
                          check=True)
    root = ["--root", str(disk), "-m", "28"] if on_disk else []
    result = chorus.run("run", "--timeout", "120", *root, "--files", str(tmp_path), "--",
                        "./memory_storm", "/root", *words, timeout=130)
    assert result.stdout.decode().splitlines() == host.stdout.decode().splitlines()
    assert result.returncode == 0
