# SPDX-License-Identifier: BSD-2-Clause
"""What programs may do to a site: system calls at random, wild pointers, programs that are none,
and whatever takes all there is of something. The site lives, and the shell answers.
"""

import os
import pathlib
import subprocess

import pytest

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
SOAK = "CHORUS_SOAK" in os.environ
CALLS = 1000000 if SOAK else 20000
DAMAGED_PROGRAMS = 100000 if SOAK else 1000
LEAK_KIB_MAX = 64  # pools keep a page here and there

ENDS = {
    "loops": ("timeout -s KILL 1 sh -c 'while :; do :; done'; echo $?", "137\n"),
    "faults": ("./greedy fault; echo $?", "139\n"),
    "jumps_wild": ("./greedy jump; echo $?", "139\n"),
    "divides_by_zero": ("./greedy divide; echo $?", "136\n"),
    "overflows_the_stack": ("./greedy recurse; echo $?", "139\n"),
    "privileged": ("./greedy privileged; echo $?", "139\n"),
    "maps_all": ("./greedy map", "Cannot allocate memory\n"),
    "opens_all": ("./greedy open", "Too many open files\n"),
    "pipes_all": ("./greedy pipe", "Too many open files\n"),
    "forks_all": ("./greedy fork", "Resource temporarily unavailable\n"),
    "bombs": ("./greedy bomb >/dev/null 2>&1; sleep 3", ""), # its memory may go to a child
    "fills_memory": ("./greedy touch; echo $?", "135\n"),
    "spares_others": ("./greedy touch & i=0; while [ $i -lt 200 ]; do /bin/true || echo failed; "
                      "i=$((i+1)); done; wait $!; [ $? -gt 128 ] && echo ended", "ended\n"),
    "fills_tmp": ("./greedy fill /dev/shm/big; rm /dev/shm/big", "No space left on device\n"),
    "fills_the_disk": ("./greedy fill /big; ls -l /big | wc -l; rm /big",
                       "No space left on device\n1\n"),
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The programs that tests need, built as any program is."""
    folder = tmp_path_factory.mktemp("programs")
    for name in ("random_syscalls", "wild_pointers", "hostile_elf", "free_memory", "greedy"):
        subprocess.run(["gcc", "-O1", "-static", "-Wall", "-Wextra", "-Werror", "-o",
                        folder / name, PROGRAMS / f"{name}.c"], check=True)
    return folder


def test_random_system_calls(chorus, programs):
    """As much memory is free after the second time as after the first: pools keep what it took."""
    command = "for i in 1 2; do ./random_syscalls 3 $CALLS; rm -rf /tmp/*; ./free_memory; done"
    result = chorus.run("run", "--timeout", CALLS / 100, "--files", programs, "--env",
                        f"CALLS={CALLS}", "--", "/bin/sh", "-c", command, timeout=CALLS / 80)
    assert result.returncode == 0, result.stderr
    _, before, batches, after = result.stdout.decode().splitlines()
    assert batches == f"{CALLS // 500} batches"
    assert int(before) - int(after) <= LEAK_KIB_MAX


def test_wild_pointers(chorus, programs):
    result = chorus.run("run", "--timeout", "20", "--files", programs, "./wild_pointers",
                        timeout=30)
    assert (result.stdout, result.returncode) == (b"1040 tries\n", 0)


@pytest.mark.parametrize("options", [[], ["-m", "32", "--save"]])
def test_programs_that_are_none(options, chorus, programs, tmp_path):
    options = [*options, tmp_path / "saved"] if options else []
    result = chorus.run("run", "--timeout", DAMAGED_PROGRAMS / 10, "--files", programs, *options,
                        "./hostile_elf", 1, DAMAGED_PROGRAMS, timeout=DAMAGED_PROGRAMS / 5)
    assert (result.stdout, result.returncode) == (b"done\n", 0)


@pytest.mark.parametrize("name", ENDS)
def test_a_program_takes_all(name, chorus, programs, tmp_path):
    """On a small machine; the shell has something to say afterwards, and all is as before."""
    command, output = ENDS[name]
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", "-d",
                    PROGRAMS.parents[2] / "build/root", tmp_path / "root", "48M"], check=True,
                   stdout=subprocess.DEVNULL)
    result = chorus.run("run", "-m", "32", "--timeout", "120", "--root", tmp_path / "root",
                        "--files", programs, "--", "/bin/sh", "-c",
                        f"{command}; echo alive; find / -name sh", timeout=130)
    assert result.returncode == 0
    assert result.stdout.decode() == output + "alive\n/bin/sh\n"
    subprocess.run(["/usr/sbin/e2fsck", "-fn", tmp_path / "root"], check=True,
                   stdout=subprocess.DEVNULL)
