# SPDX-License-Identifier: BSD-2-Clause
"""A pytest plugin that prints what tools/check counts: `ok NAME` or `not ok NAME: WHY`."""

import os

# pytest captures standard output later; this is the one that check reads.
LINES = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8", errors="replace")


def name_of(nodeid):
    """'tests/system/test_run.py::test_echo[a b]' -> 'run/echo[a_b]'."""
    file, _, test = nodeid.partition("::")
    stem = os.path.basename(file).removesuffix(".py").removeprefix("test_")
    return f"{stem}/{test.removeprefix('test_')}".replace(" ", "_")


def pytest_report_teststatus(report):
    """Keeps pytest from printing its own dots among the lines."""
    if report.when == "call" or report.outcome != "passed":
        return report.outcome, "", ""
    return "", "", ""


def pytest_runtest_logreport(report):
    name = name_of(report.nodeid)
    if report.skipped:
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else "expected to fail"
        print(f"ok {name} # SKIP {why}", file=LINES)
    elif report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = (crash.message if crash else str(report.longrepr)).strip().splitlines() or [""]
        print(f"not ok {name}: {report.when}: {why[0][:200]}", file=LINES)
    elif report.when == "call":
        print(f"ok {name}", file=LINES)


def pytest_collectreport(report):
    if report.failed:
        print(f"not ok {name_of(report.nodeid)}: cannot be collected", file=LINES)
