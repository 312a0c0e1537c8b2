# SPDX-License-Identifier: BSD-2-Clause
"""Boot, its compositions and the drivers, on the machines that QEMU has.

A site boots with a composition of the test's; services/probe is told through the channel what to
do, and answers. What is sent and what comes are frames as chorus/channel.h has them.
"""

import contextlib
import pathlib
import socket
import struct
import subprocess
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / "build/x86_64"
WAIT_S = 20
IN, OUT = 0x41, 0x01
STDOUT, STDERR = 1, 2
ORDERLY, DIED = 2 * 0x10 + 1, 2 * 0x11 + 1  # QEMU's status by what the site wrote to end it
PAYLOAD_MAX = 4096
SECTOR = 512
EINVAL, EUNKNOWN, ETOOMUCH, EPROT, EIO, EEND, ELOST = 1, 4, 8, 15, 18, 19, 21

DRIVERS = """
actor console supervisor priority 32 calls
actor disk0 supervisor program virtio_disk device 0 priority 32 calls optional
actor disk1 supervisor program virtio_disk device 1 priority 32 calls optional
"""
PROBE = DRIVERS + "actor probe user priority 64 calls trusted\n"
Q35 = "q35,sata=off,smbus=off,i8042=off,vmport=off,graphics=off"


def pattern(sector, count, seed):
    """What probe writes."""
    return bytes((seed + sector * 7 + at * 13 + (at >> 8)) & 0xff for at in range(count * SECTOR))


class Site:
    """A running site, and the launcher's end of its channel."""

    def __init__(self, process, channel, log):
        self.process, self.channel, self.log_path = process, channel, log
        self.incoming = b""
        channel.settimeout(WAIT_S)

    def log(self):
        """What it has logged; nothing before QEMU has made the file."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def send(self, payload, kind=IN):
        if isinstance(payload, str):
            payload = payload.encode()
        self.channel.sendall(struct.pack("<IBBH", len(payload), kind, 0, 0) + payload)

    def take(self, count):
        while len(self.incoming) < count:
            piece = self.channel.recv(65536)
            if not piece:
                pytest.fail(f"the channel ended; log:\n{self.log()}")
            self.incoming += piece
        taken, self.incoming = self.incoming[:count], self.incoming[count:]
        return taken

    def frame(self):
        """(type, stream, payload) of the next frame."""
        size, kind, stream, zero = struct.unpack("<IBBH", self.take(8))
        assert size <= PAYLOAD_MAX and zero == 0
        return kind, stream, self.take(size)

    def answer(self):
        kind, stream, payload = self.frame()
        assert (kind, stream) == (OUT, STDOUT)
        return payload.decode()

    def ask(self, line):
        self.send(line)
        return self.answer()

    def wait_status(self):
        try:
            return self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the site does not end; log:\n{self.log()}")

    def wait_log(self, text):
        end = time.monotonic() + WAIT_S
        while text not in self.log():
            if time.monotonic() > end:
                pytest.fail(f"waited for '{text}'; log:\n{self.log()}")
            time.sleep(0.01)


@pytest.fixture
def boot(tmp_path):
    """A function that boots a composition, as a context."""
    if not (BUILD / "bin/boot.supervisor").exists():
        pytest.fail("boot has not been built")

    def archive(composition):
        (tmp_path / "composition").write_text(composition)
        programs = [f"bin/{path.name}={path}" for path in sorted((BUILD / "strip/bin").iterdir())
                    if path.name.split(".")[0] in ("console", "virtio_disk", "probe")]
        subprocess.run([TOP / "tools/mkarchive", "--output", tmp_path / "archive.cpio",
                        f"boot={BUILD}/strip/bin/boot.supervisor",
                        f"composition={tmp_path}/composition", *programs], check=True)
        return tmp_path / "archive.cpio"

    @contextlib.contextmanager
    def run(composition=PROBE, disks=(), machine=Q35, before=(), serial="",
            name="org.chorus.channel", chardev=None):
        ours, theirs = socket.socketpair()
        log = tmp_path / "log"
        words = ["qemu-system-x86_64", "-M", machine, "-accel", "tcg",
                 "-cpu", "max,-erms,-pku,-la57", "-m", "64", "-nodefaults", "-no-user-config",
                 "-display", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                 "-chardev", f"file,id=log,path={log}",
                 "-device", "isa-debugcon,iobase=0xe9,chardev=log",
                 "-chardev", chardev or f"socket,id=ch,fd={theirs.fileno()}", *before,
                 "-device", f"virtio-serial-pci,id=serial,max_ports=2,disable-legacy=on{serial}",
                 "-device", f"virtserialport,bus=serial.0,nr=1,chardev=ch,name={name}"]
        for number, (drive, device) in enumerate(disks):
            words += ["-drive", f"if=none,id=d{number},{drive}",
                      "-device", f"virtio-blk-pci,drive=d{number},disable-legacy=on{device}"]
        words += ["-kernel", str(BUILD / "chorus.elf"), "-initrd", str(archive(composition)),
                  "-append", "site=1"]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        theirs.close()
        try:
            yield Site(process, ours, log)
        finally:
            ours.close()
            process.kill()
            process.wait()
    return run


@pytest.fixture
def image(tmp_path):
    """A function that makes the image of a disk; its words for QEMU."""
    def make(number=0, mib=4, options="", device=""):
        path = tmp_path / f"disk{number}"
        with open(path, "wb") as file:
            file.truncate(mib << 20)
        return f"format=raw,cache=unsafe,file={path}{options}", device
    return make


# ---- The channel -----------------------------------------------------------------------------


def test_frames_of_all_sizes_go_both_ways(boot):
    with boot() as site:
        for size in (0, 1, 7, 4000, PAYLOAD_MAX - 5):
            assert site.ask("echo " + "x" * size) == "x" * size
        site.send("ignored", kind=0x43)
        assert site.ask("none of them") == "bad"
        assert site.ask("end") == "ok"
        assert site.wait_status() == ORDERLY


def test_frames_come_whole_however_they_are_cut(boot):
    with boot() as site:
        stream = b"".join(struct.pack("<IBBH", 5 + i, IN, 0, 0) + b"echo " + b"y" * i
                          for i in range(100))
        for at in range(0, len(stream), 97):
            site.channel.sendall(stream[at:at + 97])
        for size in range(100):
            assert site.answer() == "y" * size


def test_a_launcher_that_reads_slowly_loses_nothing(boot):
    with boot() as site:
        site.send("flood 400")
        time.sleep(0.3)
        for _ in range(400):
            assert site.frame() == (OUT, STDERR, b"f" * PAYLOAD_MAX)
        assert site.answer() == "ok"


def test_what_was_sent_is_out_when_the_machine_ends(boot):
    with boot() as site:
        site.send("flood 100")
        site.send("end")
        for _ in range(100):
            assert site.frame()[1] == STDERR
        assert [site.answer(), site.answer()] == ["ok", "ok"]
        assert site.wait_status() == ORDERLY


@pytest.mark.parametrize("head", [struct.pack("<IBBH", PAYLOAD_MAX + 1, IN, 0, 0),
                                  struct.pack("<IBBH", 0xffffffff, IN, 0, 0),
                                  struct.pack("<IBBH", 0, IN, 0, 1)])
def test_a_header_that_cannot_be_ends_the_channel(boot, head):
    with boot() as site:
        assert site.ask("echo before") == "before"
        site.channel.sendall(head + b"x" * 64)
        site.wait_log("console: the channel is out of order")
        assert site.wait_status() == DIED  # probe ends, and the site cannot do without it


def test_a_launcher_that_goes_away_is_noticed(boot):
    with boot(PROBE.replace("trusted\n", "trusted optional\n")) as site:
        assert site.ask("echo before") == "before"
        site.channel.shutdown(socket.SHUT_RDWR)
        site.wait_log("probe: the range lies beyond the end")
        site.wait_log("boot: actor 'probe' has ended\n")
        assert site.process.poll() is None


# ---- Disks -----------------------------------------------------------------------------------


def test_what_is_written_is_on_the_disk(boot, image, tmp_path):
    with boot(disks=[image()]) as site:
        assert site.ask("geometry 0") == "8192 512 0 1"
        assert site.ask("write 0 0 1 3") == "ok"
        assert site.ask("write 0 8064 128 9") == "ok"
        assert site.ask("flush 0") == "ok"
        assert site.ask("read 0 0 1 3") == "ok"
        assert site.ask("read 0 8064 128 9") == "ok"
        assert site.ask("end") == "ok"
        assert site.wait_status() == ORDERLY
    data = (tmp_path / "disk0").read_bytes()
    assert data[:SECTOR] == pattern(0, 1, 3)
    assert data[8064 * SECTOR:] == pattern(8064, 128, 9)
    assert not any(data[SECTOR:8064 * SECTOR])


def test_requests_that_cannot_be_are_refused(boot, image):
    with boot(disks=[image()]) as site:
        assert site.ask("read 0 8192 1 0") == f"error -{EEND}"
        assert site.ask("write 0 8191 2 0") == f"error -{EEND}"
        assert site.ask("read 0 18446744073709551615 1 0") == f"error -{EEND}"
        assert site.ask("read 0 0 0 0") == f"error -{EINVAL}"
        assert site.ask("write 0 0 0 0") == f"error -{EINVAL}"
        assert site.ask("read 0 0 129 0") == f"error -{EINVAL}"
        assert site.ask("write 0 0 129 0") == f"error -{ETOOMUCH}"
        assert site.ask("read 1 0 1 0") == f"error -{EUNKNOWN}"
        assert site.ask("read 16 0 1 0") == f"error -{EINVAL}"
        assert site.ask("write 0 0 1 1") == "ok"


def test_many_requests_at_once_get_their_own(boot, image):
    with boot(disks=[image()]) as site:
        assert site.ask("storm 0 40") == "ok"


def test_two_disks_are_told_apart(boot, image, tmp_path):
    with boot(disks=[image(0, mib=4), image(1, mib=8, device=",logical_block_size=4096,"
                                                             "physical_block_size=4096")]) as site:
        assert site.ask("geometry 0") == "8192 512 0 1"
        assert site.ask("geometry 1") == "16384 4096 0 1"
        assert site.ask("write 1 8 8 5") == "ok"
        assert site.ask("read 0 8 8 5") != "ok"
        assert site.ask("storm 1 5") == "error -18"  # sectors of 512 bytes on blocks of 4096
        assert site.ask("storm 0 5") == "ok"
        assert site.ask("end") == "ok"
        site.wait_status()
    assert (tmp_path / "disk1").read_bytes()[8 * SECTOR:16 * SECTOR] == pattern(8, 8, 5)


def test_a_disk_that_cannot_be_written(boot, image):
    with boot(disks=[image(options=",readonly=on")]) as site:
        assert site.ask("geometry 0").split()[2] == "1"
        assert site.ask("write 0 0 1 1") == f"error -{EPROT}"
        assert site.ask("read 0 0 1 1") == f"error -{ELOST}"  # zeros, not what probe expects
        assert site.ask("flush 0") == "ok"


def test_errors_of_the_medium_are_told(boot, image):
    drive, device = image()
    drive = drive.replace("file=", "file.driver=blkdebug,file.image.driver=file,"
                                   "file.image.filename=") \
        + ",file.inject-error.0.event=none,file.inject-error.0.sector=64" \
        + ",file.inject-error.0.errno=5,rerror=report,werror=report"
    with boot(disks=[(drive, device)]) as site:
        assert site.ask("write 0 0 8 1") == "ok"
        assert site.ask("read 0 0 8 1") == "ok"
        assert site.ask("read 0 60 8 1") == f"error -{EIO}"
        assert site.ask("write 0 64 1 1") == f"error -{EIO}"
        assert site.ask("write 0 65 1 1") == "ok"
        assert site.ask("read 0 65 1 1") == "ok"


# ---- Machines --------------------------------------------------------------------------------


def exercise(site):
    assert site.ask("storm 0 3") == "ok"
    assert site.ask("echo done") == "done"
    assert site.ask("end") == "ok"
    assert site.wait_status() == ORDERLY


@pytest.mark.parametrize("firmware", ["seabios", "qboot"])
@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_machines_and_firmware(boot, image, machine, firmware):
    """qboot gives the devices no addresses; the drivers do."""
    qboot = pathlib.Path("/usr/share/qemu/qboot.rom")
    before = []
    if firmware == "qboot":
        if not qboot.exists():
            pytest.skip("no qboot here")
        before = ["-bios", str(qboot)]
    with boot(disks=[image()], machine=machine, before=before) as site:
        exercise(site)


def test_devices_behind_bridges(boot, image):
    before = ["-device", "pcie-root-port,id=rp1,chassis=1,addr=8.0,multifunction=on",
              "-device", "pcie-root-port,id=rp2,chassis=2,addr=8.1"]
    with boot(disks=[image(device=",bus=rp2")], machine="q35", before=before,
              serial=",bus=rp1") as site:
        exercise(site)


def test_devices_of_the_older_numbers(boot, image):
    with boot(disks=[image(device=",disable-modern=off,disable-legacy=off")], machine="pc") as site:
        exercise(site)


@pytest.mark.parametrize("device", [",vectors=0", ",queue-size=8",
                                    ",disable-legacy=off,disable-modern=on"])
def test_devices_that_do_not_do_are_told(boot, image, device):
    drive, _ = image()
    with boot(disks=[(drive, device)], machine="pc") as site:
        assert site.ask("read 0 0 1 0") == f"error -{EUNKNOWN}"
        assert "virtio_disk: disk 0: the mapper could not transfer the data" in site.log()
        assert "boot: going on without actor 'disk0'" in site.log()


# ---- Boot ------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", ["user", "supervisor"])
def test_one_word_moves_a_server(boot, image, flavour):
    with boot(PROBE.replace("actor probe user", f"actor probe {flavour}"), [image()]) as site:
        exercise(site)


def test_members_of_the_archive_are_given_out(boot):
    with boot() as site:
        assert site.ask("member composition") == f"{len(PROBE)} {sum(PROBE.encode())}"
        data = (BUILD / "strip/bin/probe.user").read_bytes()
        assert site.ask("member bin/probe.user") == f"{len(data)} {sum(data)}"
        assert site.ask("member bin/probe") == f"error -{EUNKNOWN}"
        assert site.ask("member") == f"error -{EINVAL}"


@pytest.mark.parametrize("composition, told", [
    ("root tmpfs\n\nactors x\n",
     "composition:3: 'actors' begins no line: actor, root, protect and pool do"),
    ("# nothing\n", "composition: no actor"),
    ("actor nobody user priority 1 calls\n",
     "composition:1: actor 'nobody': cannot load its program: the name denotes nothing"),
    ("actor console user priority 32 calls trusted\n",
     "composition:1: actor 'console': cannot wait until it is ready: it has ended"),
    ("actor virtio_disk supervisor priority 32 calls\n",
     "composition:1: actor 'virtio_disk': cannot wait until it is ready: it has ended"),
    (PROBE.replace("priority 64", "priority 64 restart always"),
     "composition:5: 'restart': a server that dies is reported"),
])
def test_what_cannot_start_ends_the_site(boot, composition, told):
    with boot(composition) as site:
        assert site.wait_status() == DIED
        assert f"boot: {told}" in site.log()


def test_a_port_of_another_name_is_refused(boot):
    with boot(name="org.example") as site:
        assert site.wait_status() == DIED
        assert "console: port 1 is not called org.chorus.channel" in site.log()


def test_who_is_never_ready_is_not_waited_for(boot, tmp_path):
    """Nobody opens the channel. Virtual time runs ahead while everybody waits."""
    with boot(before=["-icount", "shift=0,sleep=off"],
              chardev=f"socket,id=ch,path={tmp_path}/socket,server=on,wait=off") as site:
        assert site.wait_status() == DIED
        assert ("boot: composition:2: actor 'console': cannot wait until it is ready: "
                "the delay passed first") in site.log()


def test_the_end_of_a_server_is_told(boot):
    with boot(PROBE.replace("trusted\n", "trusted optional\n")) as site:
        site.send("fault")
        site.wait_log("boot: actor 'probe' has ended\n")
        assert site.process.poll() is None
    with boot() as site:
        site.send("fault")
        assert site.wait_status() == DIED
        assert "boot: actor 'probe' has ended; the site cannot do without it\n" in site.log()


def test_compositions_of_the_house_start(boot, image):
    with boot((TOP / "systems/test.conf").read_text(), [image()]) as site:
        exercise(site)
