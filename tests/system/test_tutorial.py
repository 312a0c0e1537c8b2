# SPDX-License-Identifier: BSD-2-Clause
"""The commands of the tutorial, run as they stand, print what the tutorial shows."""

import pathlib
import re
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
CHAPTERS = sorted((TOP / "docs/tutorial").glob("[0-9]*.md"))
BLOCK = re.compile(r"^```(sh|output)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=[c.stem for c in CHAPTERS])
def test_chapter(chapter):
    printed = ""
    blocks = BLOCK.findall(chapter.read_text())
    assert any(kind == "sh" for kind, _ in blocks)
    for kind, text in blocks:
        if kind == "output":
            assert printed == text
            continue
        result = subprocess.run(["bash", "-e", "-c", text], cwd=TOP, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=300,
                                check=False)
        assert result.returncode == 0, result.stderr.decode()
        printed = result.stdout.decode()
