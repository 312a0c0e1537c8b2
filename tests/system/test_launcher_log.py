# SPDX-License-Identifier: BSD-2-Clause
"""The log: each line with site and time, in a file of this run, or on standard error with -v."""

import re

import pytest

PREFIX = re.compile(r"\[1 (\d+\.\d{6})\] (.*)")


def lines_of(text):
    """(seconds, text) of each line; every one must have its prefix."""
    matches = [PREFIX.fullmatch(line) for line in text.splitlines()]
    assert all(matches), text
    return [(float(match[1]), match[2]) for match in matches]


def test_every_line_has_site_and_time(launcher):
    assert launcher.run("run", "log", "one", "two words", "").returncode == 0
    lines = lines_of(launcher.log())
    assert [text for _, text in lines] == ["site: up", "one", "two words", "", "site: the end"]
    times = [seconds for seconds, _ in lines]
    assert times == sorted(times) and 0 < times[0] < 10


def test_each_run_has_the_log_anew(launcher):
    launcher.run("run", "log", "first")
    launcher.run("run", "log", "second")
    assert "second" in launcher.log() and "first" not in launcher.log()


def test_a_named_log_is_added_to(launcher, tmp_path):
    for word in ("first", "second"):
        launcher.run("run", "--log", tmp_path / "my.log", "log", word)
    text = (tmp_path / "my.log").read_text()
    assert "first" in text and "second" in text
    assert len(lines_of(text)) == 6
    assert launcher.log() == ""


def test_a_log_that_cannot_be_opened(launcher):
    result = launcher.run("run", "--log", "/nowhere/x", "true")
    assert result.returncode == 125
    assert result.stderr == b"chorus: the log, '/nowhere/x': No such file or directory\n"


def test_a_log_that_cannot_be_written(launcher):
    result = launcher.run("run", "--log", "/dev/full", "exit", "3")
    assert result.returncode == 3
    assert result.stderr == b"chorus: the log, '/dev/full': No space left on device\n"


def test_verbose(launcher):
    result = launcher.run("run", "-v", "log", "one")
    assert result.stdout == b""
    assert result.stderr.decode() == launcher.log()
    assert [text for _, text in lines_of(launcher.log())] == ["site: up", "one", "site: the end"]


def test_a_flood_is_complete(launcher):
    result = launcher.run("run", "-v", "log-flood", 20_000)
    texts = [text for _, text in lines_of(launcher.log())]
    assert [text.split(" .")[0] for text in texts[1:-1]] == [f"line {i}" for i in range(20_000)]
    assert result.stderr.decode() == launcher.log()


def test_long_and_odd_lines(launcher):
    launcher.run("run", "log", "x" * 3000, "a\tb\x1b[1m\x7fc", "ä")
    texts = [text for _, text in lines_of(launcher.log())]
    assert texts[1:4] == ["x" * 1023, "x" * 1023, "x" * (3000 - 2046)]
    assert texts[4:6] == ["a\tb?[1m?c", "ä"]


def test_the_emulators_complaints_are_in_it(launcher):
    launcher.run("run", "complain")
    texts = [text for _, text in lines_of(launcher.log())]
    assert "qemu: something is wrong with the machine" in texts


@pytest.mark.parametrize("line, stamp, text", [
    ("[12.000345] mine", "12.000345", "mine"),
    ("[  3.000001] padded", "3.000001", "padded"),
    ("[3.1] other", "0.000000", "[3.1] other"),
    ("[x] other", "0.000000", "[x] other"),
    ("plain", "0.000000", "plain"),
    ("[", "0.000000", "["),
])
def test_own_times_under_icount(launcher, line, stamp, text):
    launcher.run("run", "--icount", "log", line)
    assert launcher.log().splitlines()[1] == f"[1 {stamp}] {text}"


def test_a_line_without_time_has_that_of_the_line_before(launcher):
    launcher.run("run", "--icount", "log", "[1.000001] a", "b", "[2.000000] c")
    assert launcher.log().splitlines()[1:4] == \
        ["[1 1.000001] a", "[1 1.000001] b", "[1 2.000000] c"]
