# SPDX-License-Identifier: BSD-2-Clause
"""Calls that no applet of busybox shows: programs that count what is not as in Linux, run there (if
the tests are root's, as on Chorus all are) and here."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

PROGRAMS = pathlib.Path(__file__).parent / "programs"
ALIKE = ["epolls", "event_files", "exec_at", "file_calls", "posix_timers", "record_locks", "rights",
         "site_calls", "text_busy"]


WRONG_ON_PURPOSE = ["-Wno-nonnull", "-Wno-stringop-overflow", "-Wno-stringop-overread"]


def build(name, folder):
    subprocess.run(["gcc", "-O1", "-static", "-pthread", "-Wall", "-Wextra", "-Werror",
                    *WRONG_ON_PURPOSE, "-o", folder / name, PROGRAMS / f"{name}.c"], check=True)


@pytest.mark.parametrize("name", ALIKE)
def test_as_on_linux(name, chorus, tmp_path):
    build(name, tmp_path)
    if os.geteuid() == 0:
        # Not pytest's folder, which is closed to others.
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            shutil.copy2(tmp_path / name, folder)
            host = subprocess.run([f"./{name}"], cwd=folder, capture_output=True, text=True,
                                  timeout=30, check=False)
        assert (host.stdout, host.returncode) == ("0 differences\n", 0)
    result = chorus.run("run", "--timeout", "30", "--files", str(tmp_path), "--", "/bin/sh", "-c",
                        f"mkdir -m 777 /tmp/d; cp {name} /tmp/d; cd /tmp/d; exec ./{name}",
                        timeout=40)
    assert (result.stdout.decode(), result.returncode) == ("0 differences\n", 0)


BOUNDS = {
    "event_files": "Too many open files in system\n",
    "posix_timers": "256 timers, Resource temporarily unavailable\n",
    "record_locks": "1024 locks, No locks available, another's 1, all at once 0\n",
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_process_cannot_have_all(name, chorus, tmp_path):
    build(name, tmp_path)
    result = chorus.run("run", "--timeout", "30", "--files", str(tmp_path), "--", f"./{name}",
                        "full", timeout=40)
    assert result.stdout.decode() == BOUNDS[name]


def test_names_and_clocks_change(chorus, tmp_path):
    build("site_calls", tmp_path)
    result = chorus.run("run", "--timeout", "30", "--files", str(tmp_path), "--", "/bin/sh", "-c",
                        "./site_calls change; hostname; cat /proc/sys/kernel/hostname; date +%Y; "
                        "renice -n 5 $$; cut -d' ' -f18,19 /proc/$$/stat; taskset -p 1 $$; nproc; "
                        "linux64 echo same", timeout=40)
    assert result.stdout.decode().splitlines() == [
        "0 differences", "one.two", "one.two", "2033", "25 5", "pid 2's current affinity mask: 1",
        "pid 2's new affinity mask: 1", "1", "same"]
