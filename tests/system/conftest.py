# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the system tests, which use ./chorus as a user does.

`chorus` is the launcher with the system as built. `launcher` is the same program in a house of its
own, where fake_site.py stands for the machine: for what the launcher does by itself.
"""

import contextlib
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SYSTEM = pathlib.Path(__file__).resolve().parent
BINARY = pathlib.Path(os.environ.get("CHORUS_LAUNCHER", TOP / "build/bin/chorus"))
WAIT_S = 20  # longer than any wait here takes; a test that waits so long has failed
TEST_S = 3600 if "CHORUS_SOAK" in os.environ else 300  # longer than any test here takes


@pytest.fixture(scope="session", autouse=True)
def default_signals():
    """The launcher leaves ignored signals ignored, and a shell in the background ignores some."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def bounded():
    """Fails a test that hangs, wherever it does."""
    def expire(_number, _frame):
        pytest.fail(f"not done after {TEST_S} s")
    signal.signal(signal.SIGALRM, expire)
    signal.alarm(TEST_S)
    yield
    signal.alarm(0)


def wait_for(condition, what, wait_s=WAIT_S):
    """Waits until the condition holds, and returns what it gives."""
    end = time.monotonic() + wait_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"waited {wait_s} s for {what}")
        time.sleep(0.01)


class Terminal:
    """A launcher on a pseudo-terminal: what it shows, and keys for it."""

    def __init__(self, argv, env, rows=24, columns=80, streams=(0, 1, 2), **others):
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, (rows, columns))
        self.shown = b""
        self.before = termios.tcgetattr(self.slave)
        fds = {name: self.slave if i in streams else others[name]
               for i, name in enumerate(("stdin", "stdout", "stderr"))}
        self.process = subprocess.Popen(argv, env=env, start_new_session=True, **fds,
                                        preexec_fn=self.take_terminal)

    def take_terminal(self):
        """Makes it the controlling terminal, as a login does."""
        fd = os.open(os.ttyname(self.slave), os.O_RDWR)
        os.close(fd)

    def attributes(self):
        return termios.tcgetattr(self.slave)

    def resize(self, rows, columns):
        termios.tcsetwinsize(self.master, (rows, columns))

    def type(self, keys):
        os.write(self.master, keys)

    def read_some(self, wait_s):
        if select.select([self.master], [], [], wait_s)[0]:
            self.shown += os.read(self.master, 65536)

    def expect(self, text):
        """Waits until the text has been shown, and forgets all up to its end."""
        end = time.monotonic() + WAIT_S
        while text not in self.shown:
            if time.monotonic() > end:
                pytest.fail(f"waited for {text!r}; shown: {self.shown!r}")
            self.read_some(0.1)
        before, _, self.shown = self.shown.partition(text)
        return before

    def wait(self):
        """The launcher's exit status."""
        end = time.monotonic() + WAIT_S
        while self.process.poll() is None:
            if time.monotonic() > end:
                pytest.fail(f"the launcher does not end; shown: {self.shown!r}")
            self.read_some(0.01)
        self.read_some(0)
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class Launcher:
    """A launcher program, and ways to run it."""

    def __init__(self, program, env):
        self.program = str(program)
        self.env = env
        self.terminals = []

    def command(self, *words):
        return [self.program, *map(str, words)]

    def environment(self, more):
        return {**self.env, **(more or {})}

    def run(self, *words, env=None, timeout=WAIT_S, **options):
        """Runs to the end; output is captured unless it is given a place."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        if "input" not in options:
            options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(self.command(*words), env=self.environment(env), timeout=timeout,
                              check=False, **options)

    @contextlib.contextmanager
    def start(self, *words, env=None, **options):
        """Starts it; it is killed when the block ends, should it still run."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(self.command(*words), env=self.environment(env), **options)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def terminal(self, *words, env=None, **options):
        terminal = Terminal(self.command(*words), self.environment(env), **options)
        self.terminals.append(terminal)
        return terminal

    def close(self):
        for terminal in self.terminals:
            terminal.close()


class FakeHouse(Launcher):
    """A house with the launcher and the fake machine, and folders to look into."""

    def __init__(self, folder, archive):
        self.folder = folder
        self.temporary = folder / "tmp"
        for name in ("build/bin", "build/x86_64", "build/root/bin", "build/root/etc", "systems",
                     "tmp"):
            (folder / name).mkdir(parents=True)
        shutil.copy2(BINARY, folder / "build/bin/chorus")
        (folder / "build/x86_64/chorus.elf").write_bytes(b"a kernel\n")
        (folder / "build/root/bin/sh").write_bytes(b"a shell\n")
        (folder / "build/root/bin/sh").chmod(0o755)
        (folder / "build/root/etc/motd").write_text("hello\n")
        (folder / "systems/mix.conf").write_text("# the fake system\n")
        (folder / "systems/disk.conf").write_text("root ext2 # on a disk\n")
        shutil.copy2(archive, folder / "build/x86_64/system.cpio")
        env = {name: value for name, value in os.environ.items() if name not in ("TERM", "COLUMNS")}
        env |= {"CHORUS_QEMU": str(SYSTEM / "fake_site.py"), "TMPDIR": str(self.temporary),
                "PATH": os.path.dirname(sys.executable) + ":" + env.get("PATH", "/usr/bin:/bin")}
        super().__init__(folder / "build/bin/chorus", env)

    def processes(self):
        """What was started from here and still lives, by its TMPDIR; zombies not counted."""
        mark = b"TMPDIR=" + os.fsencode(self.temporary) + b"\0"
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/environ", "rb") as file:
                    if mark in file.read():
                        found.append(int(entry))
            except OSError:
                continue  # it has ended, or is another user's
        return found

    def log(self):
        """The last run's log; empty while there is none."""
        path = self.folder / "build/log/run.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.fixture(scope="session")
def fake_archive(tmp_path_factory):
    """A system archive with one program."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "boot").write_bytes(b"a program\n")
    subprocess.run([TOP / "tools/mkarchive", "--output", folder / "system.cpio",
                    f"bin/boot={folder}/boot"], check=True)
    return folder / "system.cpio"


@pytest.fixture
def launcher(tmp_path, fake_archive):
    """The launcher with a fake machine, in a house of this test's own."""
    if not BINARY.exists():
        pytest.fail(f"{BINARY} has not been built")
    house = FakeHouse(tmp_path / "house", fake_archive)
    yield house
    house.close()
    try:
        wait_for(lambda: not house.processes(), "all processes to be gone", 5)
    finally:
        for pid in house.processes():
            os.kill(pid, signal.SIGKILL)
    assert list(house.temporary.iterdir()) == []


@pytest.fixture
def chorus():
    """The launcher with the system as built."""
    if not BINARY.exists():
        pytest.fail(f"{BINARY} has not been built")
    house = Launcher(TOP / "chorus", dict(os.environ))
    yield house
    house.close()
