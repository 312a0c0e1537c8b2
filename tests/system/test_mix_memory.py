# SPDX-License-Identifier: BSD-2-Clause
"""Memory of MiX as its programs see it, on a tmpfs and on ext2."""

import pathlib
import subprocess

import pytest

PROGRAMS = pathlib.Path(__file__).parent / "programs"


def build(folder, name):
    subprocess.run(["gcc", "-O1", "-static", "-Wall", "-Wextra", "-Werror", "-o", folder / name,
                    PROGRAMS / f"{name}.c"], check=True)


@pytest.mark.parametrize("folder", ["/tmp", "/files"])
def test_mappings(folder, chorus, tmp_path):
    """The program holds no more than what is so on the host too."""
    build(tmp_path, "maps")
    host = subprocess.run([tmp_path / "maps", tmp_path], stdout=subprocess.PIPE, check=False)
    assert (host.stdout.decode(), host.returncode) == ("0 differences\n", 0)
    result = chorus.run("run", "--timeout", "30", "--files", str(tmp_path), "--", "./maps", folder,
                        timeout=40)
    assert (result.stdout.decode(), result.returncode) == ("0 differences\n", 0)
