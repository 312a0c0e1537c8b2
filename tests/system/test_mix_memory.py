# SPDX-License-Identifier: BSD-2-Clause
"""Memory of MiX as its programs see it, and what reads and writes do with it."""

import pathlib
import subprocess

import pytest

PROGRAMS = pathlib.Path(__file__).parent / "programs"


def build(folder, name):
    subprocess.run(["gcc", "-O1", "-static", "-Wall", "-Wextra", "-Werror", "-o", folder / name,
                    PROGRAMS / f"{name}.c"], check=True)


@pytest.mark.parametrize("folder", ["/tmp", "/files"])
@pytest.mark.parametrize("name", ["maps", "vectors"])
def test_as_on_the_host(name, folder, chorus, tmp_path):
    """Mappings and vectors. What the programs hold is so on the host too."""
    build(tmp_path, name)
    host = subprocess.run([tmp_path / name, tmp_path], stdout=subprocess.PIPE, check=False)
    assert (host.stdout.decode(), host.returncode) == ("0 differences\n", 0)
    result = chorus.run("run", "--timeout", "30", "--files", str(tmp_path), "--", f"./{name}",
                        folder, timeout=40)
    assert (result.stdout.decode(), result.returncode) == ("0 differences\n", 0)
