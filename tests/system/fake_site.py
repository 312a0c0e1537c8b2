#!/usr/bin/env -S python3 -BES
# SPDX-License-Identifier: BSD-2-Clause
"""A site that is not there: takes QEMU's command line and speaks the channel's protocol.

The launcher's tests name it in CHORUS_QEMU. It reads the system archive as a site would, and "runs"
PROGRAM by a function of this file, found by its name; an unknown one is not found, with status 127.
It is strict: an option, a device or a record that it does not know makes it fail. It knows nothing
of the launcher's source; chorus/channel.h is what both follow.

FAKE_WORDS in its environment names a file that gets the command line, a word a line.
"""

import errno
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

PAYLOAD_MAX = 4096
OUT_CREDIT = 65536
OUT, CREDIT, STARTED, EXIT, FAIL = 1, 2, 3, 4, 5
IN, IN_END, WINDOW, SIGNAL, MORE_CREDIT, OUT_END, HALT = range(0x41, 0x48)
END_ORDERLY, END_DIED = 0x10, 0x11

# QEMU's options that have a value, and those that have none. Any other one is an error.
WITH_VALUE = {"-M", "-accel", "-cpu", "-smp", "-m", "-display", "-device", "-chardev", "-kernel",
              "-initrd", "-append", "-rtc", "-icount", "-seed", "-drive"}
WITHOUT_VALUE = {"-nodefaults", "-no-user-config", "-no-reboot"}
DEVICES = {"isa-debug-exit", "isa-debugcon", "virtio-serial-pci", "virtserialport",
           "virtio-blk-pci"}
RECORD_KEYS = {"channel", "icount", "root", "on", "cwd", "umask", "stdin", "tty0", "tty1", "tty2",
               "same12", "rows", "cols", "xpixel", "ypixel"}


def refuse(text):
    """Ends as QEMU does when it cannot start."""
    print(f"fake: {text}", file=sys.stderr)
    os._exit(1)


def end_machine(value):
    """What a write to isa-debug-exit does."""
    os._exit(2 * value + 1)


class Line:
    """QEMU's command line: option -> list of values; a value's parts after commas by name."""

    def __init__(self, words):
        self.options = {}
        words = iter(words)
        for word in words:
            if word in WITH_VALUE:
                self.options.setdefault(word, []).append(next(words))
            elif word in WITHOUT_VALUE:
                self.options.setdefault(word, []).append("")
            else:
                refuse(f"{word}: invalid option")
        for option in WITHOUT_VALUE | {"-M", "-m", "-kernel", "-initrd", "-append", "-cpu",
                                       "-accel"}:
            if option not in self.options:
                refuse(f"{option} is missing")

    def one(self, option):
        values = self.options[option]
        if len(values) != 1:
            refuse(f"{option} is there {len(values)} times")
        return values[0]

    @staticmethod
    def parts(value):
        first, *rest = value.split(",")
        return first, dict(part.split("=", 1) for part in rest)

    def find(self, option, first=None, **wanted):
        """The parts of the one value of this kind."""
        found = [parts for kind, parts in map(self.parts, self.options.get(option, []))
                 if first in (None, kind) and wanted.items() <= parts.items()]
        if len(found) != 1:
            refuse(f"{option} {first or ''} {wanted}: there {len(found)} times")
        return found[0]


def newc(data, offset=0):
    """The members of an archive as (name, fields, bytes); refuses one that is not quite right."""
    start = offset
    while True:
        if data[offset:offset + 6] != b"070701":
            refuse(f"no member at {offset}")
        fields = [int(data[offset + 6 + 8 * i:offset + 14 + 8 * i], 16) for i in range(13)]
        name_end = offset + 110 + fields[11]
        name = data[offset + 110:name_end - 1]
        if data[name_end - 1] != 0 or b"\0" in name:
            refuse(f"a name at {offset} has no end")
        begin = start + ((name_end - start + 3) & ~3)
        end = begin + fields[6]
        if name == b"TRAILER!!!":
            return
        yield os.fsdecode(name), dict(zip(("ino", "mode", "uid", "gid", "nlink", "mtime", "size",
                                           "devmajor", "devminor", "rmajor", "rminor"), fields)), \
            data[begin:end]
        offset = start + ((end - start + 3) & ~3)


class Site:
    """The machine, its channel, and what PROGRAM sees."""

    def __init__(self, line):
        self.line = line
        for device in line.options["-device"]:
            if Line.parts(device)[0] not in DEVICES:
                refuse(f"{device}: no such device")
        self.log_fd = os.open(line.find("-chardev", id="log")["path"], os.O_WRONLY)
        port = line.find("-device", "virtserialport")
        if (port["name"], port["nr"], port["chardev"]) != ("org.chorus.channel", "1", "ch"):
            refuse(f"the channel's port is {port}")
        channel = line.find("-chardev", id="ch")
        self.icount = "path" in channel
        if self.icount:
            self.file = os.open(channel["path"], os.O_WRONLY | os.O_TRUNC)
        else:
            self.socket = socket.socket(fileno=int(channel["fd"]))
            self.socket.setblocking(False)
        with open(line.one("-initrd"), "rb") as archive:
            self.members = {name: (fields, data) for name, fields, data in newc(archive.read())}
        self.record = {}
        self.env, self.arg = [], []
        self.read_record()
        self.credit = {1: OUT_CREDIT, 2: OUT_CREDIT}
        self.ended = {1: 0, 2: 0}
        self.incoming = b""
        self.input = b""
        self.input_asked = 0
        self.input_end = None
        self.windows, self.signals = [], []
        self.on_halt = lambda: end_machine(END_ORDERLY)
        if self.record["stdin"] == "archive":
            self.input, self.input_end = self.members["stdin"][1], 0
        if self.record["tty0"] == "1":
            self.ask(1 << 20)  # a terminal's input comes unasked

    def read_record(self):
        data = self.members["launch"][1]
        if not data.endswith(b"\0"):
            refuse("the launch record has no end")
        for item in data[:-1].split(b"\0"):
            key, _, value = os.fsdecode(item).partition("=")
            if key == "env":
                self.env.append(value)
            elif key == "arg":
                self.arg.append(value)
            elif key in RECORD_KEYS and key not in self.record:
                self.record[key] = value
            else:
                refuse(f"the launch record has {key} = {value}")
        if next(iter(self.record.items())) != ("channel", "1") or not self.arg:
            refuse("the launch record is incomplete")

    # ---- frames ----

    def send(self, kind, stream, payload):
        frame = struct.pack("<IBBH", len(payload), kind, stream, 0) + payload
        if self.icount:
            os.write(self.file, frame)
            return
        while frame:
            try:
                frame = frame[self.socket.send(frame):]
            except BlockingIOError:
                select.select([self.socket], [self.socket], [])
                self.receive(0)

    def receive(self, timeout=None):
        """Takes the frames that are there, waiting for one at most so long."""
        if self.icount:
            refuse("a deterministic site waits for the launcher")
        if not select.select([self.socket], [], [], timeout)[0]:
            return
        data = self.socket.recv(1 << 16)
        if not data:
            refuse("the launcher is gone")
        self.incoming += data
        while len(self.incoming) >= 8:
            length, kind, stream, zero = struct.unpack_from("<IBBH", self.incoming)
            if length > PAYLOAD_MAX or zero:
                refuse("a bad frame from the launcher")
            if len(self.incoming) < 8 + length:
                return
            payload, self.incoming = self.incoming[8:8 + length], self.incoming[8 + length:]
            self.take(kind, stream, payload)

    def take(self, kind, stream, payload):
        if kind == IN:
            self.input_asked -= len(payload)
            if self.input_asked < 0 or not payload:
                refuse("input without credit")
            self.input += payload
        elif kind == IN_END:
            self.input_end, = struct.unpack("<I", payload)
        elif kind == WINDOW:
            self.windows.append(struct.unpack("<HHHH", payload))
        elif kind == SIGNAL:
            self.signals.append(struct.unpack("<I", payload)[0])
        elif kind == MORE_CREDIT:
            self.credit[stream] += struct.unpack("<I", payload)[0]
            if self.credit[stream] > OUT_CREDIT:
                refuse("more credit back than was used")
        elif kind == OUT_END:
            self.ended[stream], = struct.unpack("<I", payload)
        elif kind == HALT:
            self.on_halt()
        else:
            refuse(f"a frame of type {kind}")

    # ---- what PROGRAM may do ----

    def ask(self, count):
        self.input_asked += count
        self.send(CREDIT, 0, struct.pack("<I", count))

    def read(self, most):
        """Input, b"" at its end; OSError where it cannot be read."""
        while not self.input and self.input_end is None:
            if self.input_asked == 0:
                self.ask(min(most, 65536))
            self.receive()
        if not self.input and self.input_end:
            raise OSError(self.input_end, os.strerror(self.input_end))
        data, self.input = self.input[:most], self.input[most:]
        return data

    def write(self, stream, data):
        """Output as it finds credit. OSError when nobody takes it; EPIPE kills, as SIGPIPE does."""
        if stream == 2 and self.record["same12"] == "1":
            stream = 1
        view = memoryview(data)
        while view:
            if not self.icount:
                self.receive(0)
                while not self.credit[stream] and not self.ended[stream]:
                    self.receive()
                if self.ended[stream] == errno.EPIPE:
                    self.exit(128 + signal.SIGPIPE)
                if self.ended[stream]:
                    raise OSError(self.ended[stream], os.strerror(self.ended[stream]))
            piece = len(view) if self.icount else self.credit[stream]
            piece = min(piece, len(view), PAYLOAD_MAX)
            self.send(OUT, stream, view[:piece])
            self.credit[stream] -= piece
            view = view[piece:]

    def print(self, text, stream=1):
        self.write(stream, os.fsencode(text) + b"\n")

    def log(self, text):
        os.write(self.log_fd, text.encode() + b"\n")

    def exit_frame(self, status):
        self.send(EXIT, 0, struct.pack("<IIQ", status, 0, 2000 if self.icount else 0))

    def exit(self, status):
        self.exit_frame(status)
        self.log("site: the end")
        end_machine(END_ORDERLY)

    def fail(self, status, text):
        self.send(FAIL, 0, struct.pack("<I", status) + text.encode())
        end_machine(END_ORDERLY)

    def image(self):
        """The root's image, as a file that a program of the host can open."""
        drive = self.line.find("-drive", id="root")
        disk = self.line.find("-device", "virtio-blk-pci")
        if drive["format"] != "raw" or disk["drive"] != "root":
            refuse(f"the disk is {drive}")
        return drive["file"].replace("self", str(os.getpid()))


# ---- Programs. Each gets the site and its arguments, and returns its exit status, None for 0. ----

def run_true(_site):
    return 0


def run_exit(_site, status):
    return int(status)


def run_kill(_site, number):
    return 128 + int(number)


def run_cat(site, stream="1"):
    try:
        while data := site.read(1 << 16):
            site.write(int(stream), data)
    except OSError as error:
        site.print(f"cat: {error.strerror}", 2)
        return 1


def run_out(site, *words):
    site.print(" ".join(words))


def run_err(site, *words):
    site.print(" ".join(words), 2)


def run_both(site, count):
    """Lines on both streams by turns; on one open file their order shows."""
    for i in range(int(count)):
        site.print(f"{i}", 1 + i % 2)


def run_yes(site):
    while True:
        site.write(1, b"y\n" * 2048)


def run_write(site, stream, count):
    """Writes so many bytes; says on the other stream what error stopped it."""
    try:
        site.write(int(stream), b"x" * int(count))
        site.write(int(stream), b"y")
    except OSError as error:
        site.print(errno.errorcode[error.errno], 3 - int(stream))
        return 1


def run_stuck_output(site):
    """Fills standard output beyond its credit, but for standard error there must be room still."""
    site.write(1, b"x" * OUT_CREDIT)
    site.print("still here", 2)
    site.read(1)


def run_args(site, *words):
    for word in words:
        site.print(word)


def run_env(site):
    for setting in site.env:
        site.print(setting)


def run_record(site, *keys):
    for key in keys:
        site.print(f"{key}={site.record.get(key)}")


def run_members(site):
    for name, (fields, data) in site.members.items():
        site.print(f"{name} {fields['mode']:o} {len(data)}")


def run_member(site, name):
    site.write(1, site.members[name][1])


def run_append(site):
    site.print(site.line.one("-append"))


def run_sleep(site, seconds):
    site.log("sleeping")
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        site.receive(max(0, end - time.monotonic()))


def run_signals(site, count):
    """Shows each signal; ends with the count-th."""
    shown = 0
    site.print("ready")
    while shown < int(count):
        while shown < len(site.signals):
            site.print(f"signal {site.signals[shown]}")
            shown += 1
        if shown < int(count):
            site.receive()


def run_window(site):
    """Shows the window's size at the start and whenever it changes, until it reads something."""
    site.print("{rows} {cols}\r".format(**site.record))
    shown = 0
    while not site.input:
        site.receive()
        for window in site.windows[shown:]:
            site.print(f"{window[0]} {window[1]}\r")
        shown = len(site.windows)


def run_shell(site, *_words):
    """Echoes each line as a terminal does, and ends with "exit N"."""
    site.write(1, b"$ ")
    line = b""
    while byte := site.read(1):
        if byte == b"\x03":
            site.write(1, b"^C\r\n$ ")
            line = b""
        elif byte in b"\r\n":
            site.write(1, b"\r\n")
            if line.startswith(b"exit"):
                return int(line[4:] or 0)
            site.write(1, b"[" + line + b"]\r\n$ ")
            line = b""
        else:
            site.write(1, byte)
            line += byte


def run_log(site, *lines):
    for line in lines:
        site.log(line)


def run_log_flood(site, count):
    for i in range(int(count)):
        site.log(f"line {i} " + "." * 60)


def run_panic(site, *words):
    site.log("something before")
    site.log("panic: " + " ".join(words))
    site.log("  at nowhere+0x10")
    end_machine(END_DIED)


def run_panic_late(site):
    site.exit_frame(0)
    site.log("panic: while ending")
    end_machine(END_DIED)


def run_panic_hang(site):
    site.log("panic: and no end")
    run_hang(site)


def run_hang(_site):
    while True:
        time.sleep(1000)


def run_half_then_hang(site):
    """Ends in the middle of a frame."""
    site.print("half")
    os.write(site.file, b"\x10\0\0\0\1\1")
    run_hang(site)


def run_linger(site):
    site.exit_frame(0)
    run_hang(site)


def run_reset(_site):
    os._exit(0)


def run_vanish(_site):
    end_machine(END_ORDERLY)


def run_suicide(_site):
    os.kill(os.getpid(), signal.SIGKILL)


def run_complain(_site):
    print("qemu: something is wrong with the machine", file=sys.stderr)
    os._exit(1)


def run_frame(site, text):
    """Sends bytes that may be no frame at all."""
    site.socket.send(bytes.fromhex(text))
    run_hang(site)


def run_cut_frame(site, text):
    """Ends the machine in the middle of a frame."""
    site.socket.send(bytes.fromhex(text))
    end_machine(END_ORDERLY)


def run_overrun(site):
    """Sends without regard to credit."""
    for _ in range(40):
        site.send(OUT, 1, b"x" * PAYLOAD_MAX)
    run_hang(site)


def run_late_frame(site):
    site.exit_frame(0)
    site.send(OUT, 1, b"late")
    run_hang(site)


def run_host(site, program, *words):
    """Runs a program of the host on the root's image, which stands for "@" in the words."""
    words = [site.image() if word == "@" else word for word in words]
    result = subprocess.run([program, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, check=False)
    site.write(1, result.stdout)
    return result.returncode


def run_until_halt(site):
    def halt():
        site.log("halted")
        end_machine(END_ORDERLY)
    site.on_halt = halt
    site.log("waiting")
    while True:
        site.receive()


def run_ignore_halt(site):
    site.on_halt = lambda: site.log("halt is ignored")
    site.log("waiting")
    while True:
        site.receive()


def main():
    if "FAKE_WORDS" in os.environ:
        with open(os.environ["FAKE_WORDS"], "w", encoding="utf-8") as file:
            file.write("\n".join(sys.argv[1:]))
    site = Site(Line(sys.argv[1:]))
    site.log("site: up")
    name, *words = site.arg
    if name == "data":
        site.fail(126, "data: permission denied")
    program = globals().get("run_" + ("shell" if name == "/bin/sh" else name.replace("-", "_")))
    if program is None:
        site.fail(127, f"{name}: not found")
    site.send(STARTED, 0, struct.pack("<Q", 1000 if site.icount else 0))
    site.exit(program(site, *words) or 0)


if __name__ == "__main__":
    main()
