# SPDX-License-Identifier: BSD-2-Clause
"""/proc of MiX: what programs read there is compared with what is true."""

import pathlib
import re
import subprocess

import pytest

PROGRAMS = pathlib.Path(__file__).parent / "programs"


@pytest.fixture
def sh(chorus):
    """Runs a command in a domain's shell: its output as text."""
    def run(command, *words, status=0):
        result = chorus.run("run", "--timeout", "30", *words, "--", "/bin/sh", "-c", command,
                            timeout=40)
        assert (result.returncode, result.stderr) == (status, b"")
        return result.stdout.decode()
    return run


def test_a_program_finds_itself_there(chorus, tmp_path):
    source = PROGRAMS / "look_at_proc.c"
    subprocess.run(["gcc", "-O1", "-static", "-pthread", "-o", tmp_path / source.stem, source],
                   check=True)
    result = chorus.run("run", "--timeout", "30", "--files", str(tmp_path), "--",
                        "/files/look_at_proc", "one two", timeout=40)
    assert (result.stdout.decode(), result.returncode) == ("0 differences\n", 0)


def test_ps_shows_the_processes_there_are(sh):
    output = sh("/bin/sleep 111 & a=$!; /bin/sleep 222 & b=$!; sleep 0.2; "
                "/bin/ps -o pid,ppid,comm,args > /tmp/before; kill $a; wait $a 2>/dev/null; "
                "/bin/ps -o pid,comm > /tmp/after; kill $b; "
                "echo $$ $a $b; cat /tmp/before; echo; cat /tmp/after")
    shell, one, two = output.split("\n", 1)[0].split()
    before, after = ([line.split(None, 3) for line in part.splitlines()[1:]]
                     for part in output.split("\n", 1)[1].split("\n\n"))
    assert before[0] == ["1", "0", "init", "[init]"]
    assert before[1][:3] == [shell, "1", "sh"] and before[1][3].startswith("/bin/sh -c /bin/sleep")
    assert before[2:4] == [[one, shell, "sleep", "/bin/sleep 111"],
                           [two, shell, "sleep", "/bin/sleep 222"]]
    assert before[4][1:] == [shell, "ps", "/bin/ps -o pid,ppid,comm,args"] and len(before) == 5
    assert [row[0] for row in after[:3]] == ["1", shell, two] and len(after) == 4


@pytest.mark.parametrize("mebibytes", [40, 100])
def test_free_tells_the_memory_there_is(sh, mebibytes):
    words = sh("free -k", "-m", str(mebibytes)).split("Mem:")[1].split()
    total, used, free = (int(word) for word in words[:3])
    assert mebibytes * 1024 * 0.85 < total <= mebibytes * 1024
    assert 0 < used < total and abs(used + free + int(words[4]) - total) < 100


def test_memory_that_is_used_is_not_free(sh):
    command = "dd if=/dev/zero of=/tmp/x bs=1M count=8 2>/dev/null; "
    memory = "grep MemFree /proc/meminfo; "
    before, after = (int(number) for number in
                     re.findall(r"\d+", sh(memory + command + memory)))
    assert 8192 <= before - after < 10240


def test_df_and_mount_show_the_root(sh):
    rows = [line.split() for line in sh("df -k").splitlines()]
    root = next(row for row in rows if row[-1] == "/")
    size, used, free = (int(word) for word in root[1:4])
    assert size > 10000 and 0 < used < size and used + free <= size
    assert " on / type " in sh("mount") and " on /proc type proc " in sh("mount")
    assert sh("cat /proc/mounts /etc/mtab") == 2 * sh("cat /proc/self/mounts")


def test_uptime_and_idle_time_go_on(sh):
    output = sh("cat /proc/uptime; sleep 1; cat /proc/uptime; uptime; top -b -n1 | head -4")
    first, second = ([float(word) for word in line.split()] for line in output.splitlines()[:2])
    assert 1 <= second[0] - first[0] < 3
    assert 0.5 < second[1] - first[1] <= second[0] - first[0] + 0.02
    assert " up 0 min" in output and "Load average: 0.00" in output
    assert re.search(r"PID +PPID USER", output)


def test_processes_are_found_by_name(sh):
    output = sh("cp /bin/busybox /tmp/sleep; /tmp/sleep 100 & echo $!; sleep 0.2; pidof sleep; "
                "killall sleep; wait $! 2>/dev/null; echo $?; pidof sleep; echo $?")
    pid, found, killed, none = output.splitlines()
    assert found == pid and (killed, none) == ("143", "1")


def test_states_are_told(sh):
    output = sh("s() { sleep 0.2; grep State /proc/$1/status; }; sleep 100 & s $!; kill -STOP $!; "
                "s $!; kill -CONT $!; s $!; kill $!; while :; do :; done & s $!; kill $!")
    assert re.findall(r"\((\w+)\)", output) == ["sleeping", "stopped", "sleeping", "running"]


def test_links_lead_out_and_back(sh):
    output = sh("cd /tmp; echo here > f; cat /proc/self/cwd/f /proc/self/root/tmp/f; exec 5< f; "
                "rm f; cat /proc/self/fd/5; cd /proc/$$; pwd; cat comm; cd cwd/..; cat ../uptime "
                "> /dev/null && echo up; echo piped | cat /dev/stdin; echo out > /proc/self/fd/1")
    assert output.splitlines() == 3 * ["here"] + ["/proc/2", "sh", "up", "piped", "out"]


def test_nothing_can_be_changed(chorus):
    command = ("for c in 'mkdir /proc/x' 'rm /proc/stat' 'chmod 7 /proc/stat' 'touch /proc/new' "
               "'mv /proc/stat /tmp' 'ln -s a /proc/b' 'dd of=/proc/version'; do "
               "$c < /dev/null && echo done: $c; done; ls /proc/stat /proc/version")
    result = chorus.run("run", "--timeout", "30", "--", "/bin/sh", "-c", command, timeout=40)
    assert result.stdout == b"/proc/stat\n/proc/version\n"
    assert b"dd: can't open '/proc/version': Permission denied" in result.stderr


def test_others_see_what_is_public(sh):
    seen = ("id -u; cat /proc/2/comm; cat /proc/2/cmdline | wc -c; "
            "for f in environ maps fd/0 cwd/etc exe; do cat /proc/2/$f 2>&1; done; "
            "ls /proc/2/fd 2>&1; cat /proc/self/environ | wc -c; stat -c %u /proc/self/maps")
    output = sh(f"su -s /bin/sh nobody -c '{seen}'; true").splitlines()
    assert output[:2] == ["65534", "sh"] and int(output[2]) > 100
    assert len(output) == 11 and all("Permission denied" in line for line in output[3:9])
    assert int(output[9]) > 20 and output[10] == "65534"


def test_every_file_can_be_read(sh):
    output = sh("find /proc -type f | sort | while read f; do cat $f > /dev/null 2>&1 || "
                "[ ! -e $f ] || echo $f; done; find /proc -maxdepth 1 | wc -l")
    assert re.fullmatch(r"\d+\n", output) and int(output) > 12
