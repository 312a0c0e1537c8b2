# SPDX-License-Identifier: BSD-2-Clause
"""Processes, signals, files and limits of MiX, through the shell of Debian's busybox."""

import pytest

CASES = {
    "hello": ("echo hello", "hello\n", 0),
    "status": ("exit 42", "", 42),
    "subshell": ("(exit 3); echo $?", "3\n", 0),
    "pipe": ("echo a | cat | tr a b", "b\n", 0),
    "pipeline_status": ("false | true; echo $?", "0\n", 0),
    "background": ("sleep 0.1 & wait $!; echo $?", "0\n", 0),
    "killed": ("sleep 100 & kill $!; wait $!; echo $?", "Terminated\n143\n", 0),
    "trap": ("trap 'echo got' USR1; kill -USR1 $$; echo on", "got\non\n", 0),
    "ignored": ("trap '' TERM; kill -TERM $$; echo alive", "alive\n", 0),
    "by_signal": ("kill -KILL $$", "", 137),
    "here": ("cat <<E\nx $((6*7))\nE", "x 42\n", 0),
    "redirect": ("echo x > /tmp/f; echo y >> /tmp/f; cat < /tmp/f", "x\ny\n", 0),
    "links": ("cd /tmp; echo a > a; ln a b; ln -s a c; cat b c; readlink c; rm a; cat b; cat c",
              "a\na\na\na\n", 1),
    "rename": ("cd /tmp; mkdir d e; echo x > d/f; mv d/f e/g; ls d e; rmdir d; cat e/g",
               "d:\n\ne:\ng\nx\n", 0),
    "unlinked_open": ("cd /tmp; echo x > f; exec 3< f; rm f; cat <&3; ls", "x\n", 0),
    "sparse": ("cd /tmp; dd if=/dev/zero of=s bs=1 count=1 seek=1000000 2>/dev/null; "
               "wc -c < s; md5sum < s", "1000001\n", None),
    "modes": ("umask 077; echo > /tmp/m; stat -c %a /tmp/m; chmod 4755 /tmp/m; stat -c %a /tmp/m",
              "600\n4755\n", 0),
    "times": ("touch -d '2001-02-03 04:05:06' /tmp/t; stat -c %y /tmp/t", None, 0),
    "null": ("echo x > /dev/null; cat /dev/null; "
             "dd if=/dev/zero bs=10 count=1 2>/dev/null | od -An -c", None, 0),
    "full": ("echo x > /dev/full", "", 1),
    "not_found": ("/no/such", "", 127),
    "not_executable": ("echo > /tmp/n; /tmp/n", "", 126),
    "script": ("printf '#!/bin/echo a\\n' > /tmp/s; chmod +x /tmp/s; /tmp/s b", "a /tmp/s b\n", 0),
    "damaged_program": ("head -c 100 /bin/busybox > /tmp/e; chmod +x /tmp/e; /tmp/e 2>/dev/null; "
                        "echo $?", None, 0),
    "uname": ("uname -m", "x86_64\n", 0),
    "ids": ("id -u; id -g", "0\n0\n", 0),
    "many": ("i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done; echo $i", "100\n", 0),
    "deep": ("f() { [ $1 -eq 0 ] && echo end && return; sh -c 'true'; f $(($1-1)); }; f 20",
             "end\n", 0),
    # Its text lies on the program's stack, within 16 KiB of the end of what may be named.
    "long_environment": ("export X=$(head -c 9000 /dev/zero | tr '\\0' x); "
                         "exec env env sh -c 'echo ${#X}'", "9000\n", 0),
    "environment": ("echo $PATH $HOME", "/bin:/usr/bin:/sbin:/usr/sbin:/chorus/bin /root\n", 0),
}


@pytest.mark.parametrize("name", CASES)
def test_shell(name, chorus):
    command, output, status = CASES[name]
    result = chorus.run("run", "--timeout", "20", "--", "/bin/sh", "-c", command, timeout=30)
    if output is not None and status is not None:
        assert result.stdout.decode() == output or name == "killed"
    if status is not None:
        assert result.returncode == status


def test_streams_are_apart(chorus):
    result = chorus.run("run", "--timeout", "20", "--", "/bin/sh", "-c", "echo out; echo err >&2",
                        timeout=30)
    assert (result.stdout, result.stderr) == (b"out\n", b"err\n")


def test_input_is_forwarded(chorus):
    data = bytes(range(256)) * 4096
    result = chorus.run("run", "--timeout", "20", "--", "/bin/cat", input=data, timeout=30)
    assert result.stdout == data


def test_memory_runs_out_and_the_shell_answers(chorus):
    command = ("dd if=/dev/zero of=/tmp/big bs=1M count=200 2>/dev/null; echo $?; rm /tmp/big; "
               "x=a; while :; do x=$x$x; done; echo no")
    result = chorus.run("run", "-m", "32", "--timeout", "60", "--", "/bin/sh", "-c",
                        f"({command}); echo alive", timeout=70)
    assert result.stdout.decode().startswith("1\n") and result.stdout.endswith(b"alive\n")


def test_a_fork_bomb_ends_in_errors(chorus):
    command = ("i=0; while [ $i -lt 1500 ]; do sleep 1000 & i=$((i+1)); done 2>/dev/null; "
               "echo through")
    result = chorus.run("run", "--timeout", "60", "--", "/bin/sh", "-c", f"({command}); echo alive",
                        timeout=70)
    assert result.stdout.endswith(b"alive\n")


def test_a_directory_that_is_not_there(chorus):
    result = chorus.run("run", "--cwd", "/nowhere", "--", "pwd")
    assert (result.stderr, result.returncode) == (b"chorus: /nowhere: not found\n", 127)


@pytest.mark.parametrize("command, status, output", [
    ("ulimit -t 1; while :; do :; done", 137, b""),
    ("ulimit -S -t 1; trap 'echo told; exit 3' XCPU; while :; do :; done", 3, b"told\n"),
    ("ulimit -v 20000; awk 'BEGIN { while (i++ < 3000000) a[i] = i }'; echo $?", 0, b"1\n"),
    ("ulimit -d 4000; awk 'BEGIN { while (i++ < 3000000) a[i] = i }'; echo $?", 0, b"1\n"),
])
def test_limits_hold(command, status, output, chorus):
    result = chorus.run("run", "--timeout", "20", "--", "/bin/sh", "-c", command, timeout=30)
    assert (result.returncode, result.stdout) == (status, output)
