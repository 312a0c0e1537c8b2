# SPDX-License-Identifier: BSD-2-Clause
"""QEMU itself takes the launcher's words: a kernel of a few instructions boots, logs and ends.

The fake machine shows what the launcher does with a site; this shows that its command line is one
that QEMU starts, in each of its forms, and that the log and the end arrive.
"""

import os
import re
import subprocess
import time

import pytest

from conftest import wait_for

# Boots by PVH, writes a text to the log port, and does what the test wants.
KERNEL = """
    .section .note.pvh, "a", @note
    .long 4, 4, 18
    .asciz "Xen"
    .long start
    .text
    .code32
    .globl start
start:
    movl $text, %esi
next:
    lodsb
    testb %al, %al
    jz last
    outb %al, $0xe9
    jmp next
last:
    LAST
text:
    .asciz "TEXT"
"""


@pytest.fixture
def machine(launcher):
    """The launcher with the real QEMU; a function makes its kernel."""
    launcher.env.pop("CHORUS_QEMU")

    def make(text, last):
        source = KERNEL.replace("TEXT", text).replace("LAST", last)
        target = launcher.folder / "kernel.o"
        subprocess.run(["as", "--32", "-o", target], input=source.encode(), check=True)
        subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x1000000", "-e", "start", "-o",
                        launcher.folder / "build/x86_64/chorus.elf", target], check=True)
        return launcher
    return make


def end_with(value):
    """The instructions that end the machine."""
    return f"movl ${value}, %eax\n outl %eax, $0xf4\n hlt"


FORMS = [[], ["-v"], ["-m", "32"], ["--icount"], ["--system", "disk"], "image"]


@pytest.mark.parametrize("options", FORMS)
def test_a_panic_under_qemu(machine, tmp_path, options):
    launcher = machine(r"hello\npanic: of the test\n", end_with(0x11))
    if options == "image":
        path = tmp_path / "my, image"
        path.touch()
        os.truncate(path, 4 << 20)
        subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext2", path], check=True)
        options = ["--system", "disk", "--root", path]
    result = launcher.run("run", *options, "true")
    assert result.returncode == 125
    assert b"chorus: site 1 could not start: panic: of the test (log: " in result.stderr
    log = launcher.log()
    assert re.search(r"^\[1 \d+\.\d{6}\] hello\n\[1 \d+\.\d{6}\] panic: of the test$", log, re.M)
    assert (log in result.stderr.decode()) == ("-v" in options)


def test_an_orderly_end_too_early(machine):
    result = machine(r"hello\n", end_with(0x10)).run("run", "true")
    assert result.returncode == 125
    assert b"could not start: it ended its machine before PROGRAM had ended" in result.stderr


def test_a_triple_fault(machine):
    """An exception without a table to look it up in."""
    result = machine(r"hello\n", "ud2").run("run", "true")
    assert result.returncode == 125
    assert b"could not start: its machine was reset, as by a triple fault" in result.stderr


def test_qemus_own_complaint(machine):
    """A kernel that QEMU does not take; what it says of it is the reason."""
    launcher = machine(r"hello\n", end_with(0x10))
    (launcher.folder / "build/x86_64/chorus.elf").write_bytes(b"\x7fELF" + b"x" * 9000)
    result = launcher.run("run", "true")
    assert result.returncode == 125
    assert b"chorus: site 1 could not start: qemu" in result.stderr
    assert b"kernel" in result.stderr


def test_a_machine_that_does_nothing(machine):
    begin = time.monotonic()
    result = machine(r"hello\n", "cli\n hlt").run("run", "--timeout", "1", "true")
    assert result.returncode == 124 and time.monotonic() - begin < 5


def test_qemu_ends_with_the_launcher(machine):
    launcher = machine(r"hello\n", "cli\n hlt")
    with launcher.start("run", "true") as process:
        wait_for(lambda: "hello" in launcher.log(), "the kernel")
        assert len(launcher.processes()) == 2
        process.kill()
        process.wait()
        wait_for(lambda: not launcher.processes(), "QEMU to be gone")
