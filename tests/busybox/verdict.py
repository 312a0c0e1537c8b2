# SPDX-License-Identifier: BSD-2-Clause
"""What two runs of busybox' tests said, and what follows from it: no process, no file."""

import re
import signal

SHARE_NEEDED = 90  # of 100 cases that pass on the host
KILLED = 128 + signal.SIGKILL

CASE = re.compile(r"(PASS|FAIL|SKIPPED|UNTESTED): (.*)")
BEGIN = re.compile(r"BEGIN: (\S+)$")
END = re.compile(r"END: (\S+) (\d+)$")


class Results:
    """What a run of some applets' tests said: (applet, case) -> PASS, FAIL or what became of it."""

    def __init__(self, text=""):
        self.cases = {}
        self.ended = {}    # applet -> exit status
        self.current = None
        self.take(text)

    def take(self, text):
        """Reads all that `inside` printed. A name used again in an applet's tests gets a number."""
        times = {}
        for line in text.splitlines():
            if found := BEGIN.match(line):
                self.current = found.group(1)
            elif found := END.match(line):
                self.ended[found.group(1)] = int(found.group(2))
                self.current = None
            elif (found := CASE.match(line)) and self.current:
                name = f"{self.current}: {' '.join(found.group(2).split())}"
                times[name] = times.get(name, 0) + 1
                number = f" ({times[name]})" if times[name] > 1 else ""
                self.cases[name + number] = found.group(1)

    def passes(self):
        return [name for name, verdict in self.cases.items() if verdict == "PASS"]

    def why_not(self, name):
        """Why a case is not passed here."""
        applet = name.partition(":")[0]
        if name in self.cases:
            return {"FAIL": "the output differs"}.get(self.cases[name], "it was skipped")
        if applet not in self.ended:
            return "the site ended, or time was up, in this applet's tests or before"
        if self.ended[applet] == KILLED:
            return "it, or one before it, did not end in time"
        return f"it did not run; the applet's tests ended with status {self.ended[applet]}"


def known_cases(text, applets):
    """Names and reasons in the text of known.txt, of the applets that run."""
    known = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, bar, reason = line.rpartition(" | ")
            assert bar and reason, f"known.txt: no reason: {line}"
            if name.partition(":")[0] in applets:
                known[name] = reason
    return known


def verdict(name, ours, known):
    """The line for a case that passes on the host, and whether it is bad."""
    passed = ours.cases.get(name) == "PASS"
    if passed and name in known:
        return f"not ok {name}: it passes; remove it from known.txt", True
    if passed:
        return f"ok {name}", False
    if name in known:
        return f"ok {name} # known: {known[name]}", False
    return f"not ok {name}: {ours.why_not(name)}", True


def cut_short(host, applets):
    """The lines for applets whose tests the host did not bring to their end: they count nothing."""
    return [(f"not ok host: {name}: its tests did not end in time", True) for name in applets
            if host.ended.get(name, KILLED) == KILLED]


def compare(host, ours, known, applets):
    """Prints a line a case, and the share; returns 1 if one of them is bad, else 0."""
    passes = host.passes()
    verdicts = [verdict(name, ours, known) for name in passes] + cut_short(host, applets)
    good = sum(ours.cases.get(name) == "PASS" for name in passes)
    share = 100 * good / len(passes) if passes else 0
    for line, _ in verdicts:
        print(line)
    print(f"# {len(passes)} cases pass on the host, {good} of them here: {share:.1f} %")
    if share < SHARE_NEEDED:
        print(f"not ok share: {share:.1f} %, of at least {SHARE_NEEDED} %")
        return 1
    print("ok share")
    return 1 if any(bad for _, bad in verdicts) else 0
