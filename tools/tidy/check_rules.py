# SPDX-License-Identifier: BSD-2-Clause
"""The canary of tools/check: commands that end badly in every way, and what it must count."""

import importlib.machinery
import importlib.util
import io
import sys
import time

# What a command does, and (passed, failed, skipped) that check must count.
CASES = {
    "passes": ("echo ok a; echo 'ok 2 - b'; echo 1..2", (2, 0, 0)),
    "fails": ("echo ok a; echo 'not ok b: why'; exit 1", (1, 1, 0)),
    "skips": ("echo ok a; echo 'not ok 2 # SKIP later'", (1, 0, 1)),
    "silent": ("true", (0, 1, 0)),
    "dies": ("echo ok a; kill -SEGV $$", (1, 1, 0)),
    "stops early": ("echo 1..3; echo ok a", (1, 1, 0)),
    "lies about its end": ("echo ok a; exit 3", (1, 1, 0)),
    "hangs": ("echo ok a; sleep 60", (1, 1, 0)),
}


def load(top):
    loader = importlib.machinery.SourceFileLoader("check", str(top / "tools/check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check", loader))
    loader.exec_module(module)
    return module


def faults(top):
    check, found = load(top), []
    for name, (script, expected) in CASES.items():
        report = check.Reporter(io.StringIO())
        report.write = lambda line, show=False: None
        count = check.run_command(check.Command("canary", ["/bin/sh", "-c", script]),
                                  time.monotonic() + 1.0, report)
        got = (count.passed, count.failed, count.skipped)
        if got != expected:
            found.append(f"tools/check:1: a command that {name} counts {got}, not {expected}")
    return found


if __name__ == "__main__":
    sys.exit("this is a part of tools/tidy/run")
