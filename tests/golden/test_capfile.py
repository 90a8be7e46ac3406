"""Capture files of every kind, made here octet by octet, read by capdump; tshark reads some of them too.

What was written must come out: numbers, times, link types, octets. What is cut must say so, after
everything that came before.
"""
import glob
import gzip
import lzma
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

import pytest

CAPDUMP = os.path.join(os.environ.get("builddir", "."), "tests", "golden", "capdump")
ETHERNET, RAW, SLL = 1, 101, 113
MICRO, NANO, MODIFIED = 0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34

# A RST of each family, as raw IP.
RST4 = bytes.fromhex("4500002800010000400600000a0000010a0000020050c35000000001000000005004000000000000")
RST6 = bytes.fromhex("6000000000140640" + "20010db8" + "00" * 11 + "01" + "20010db8" + "00" * 11 + "02"
                     "0050c350000000010000000050040000" "00000000")


class Frame:
    """A frame as it shall come out; by another number than its place where one is given."""

    def __init__(self, octets, linktype=RAW, ns=0, length=None, interface=0, number=None):
        self.number = number
        self.octets, self.linktype, self.ns, self.interface = octets, linktype, ns, interface
        self.len = len(octets) if length is None else length

    def line(self, number):
        return f"{self.number or number} {self.ns} {self.linktype} {len(self.octets)} {self.len} | {self.octets.hex()}"


def lines(frames):
    return [f.line(i) for i, f in enumerate(frames, 1)]


def some_frames(n, linktype=RAW, step=1_000_001_000, cut=40):
    rng = random.Random(n)
    begin = 1_700_000_000_000_000_000
    return [Frame(rng.randbytes(rng.randrange(cut, 200)), linktype, begin + i * step, 1500) for i in range(n)]


def pcap_head(linktype, order="<", magic=MICRO, snaplen=65535):
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, linktype)


def pcap_record(f, order="<", magic=MICRO):
    s, ns = divmod(f.ns, 10 ** 9)
    head = struct.pack(order + "IIII", s, ns if magic == NANO else ns // 1000, len(f.octets), f.len)
    if magic == MODIFIED:
        head += struct.pack(order + "IHBB", 2, 0x0800, 0, 0)
    return head + f.octets


def pcap(frames, order="<", magic=MICRO, linktype=None):
    linktype = frames[0].linktype if linktype is None else linktype
    return pcap_head(linktype, order, magic) + b"".join(pcap_record(f, order, magic) for f in frames)


def padded(b):
    return b + bytes(-len(b) % 4)


def block(kind, body, order="<"):
    n = len(body) + 12
    return struct.pack(order + "II", kind, n) + body + struct.pack(order + "I", n)


def section(order="<"):
    return block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1), order)


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + padded(value)


def interface(linktype, snaplen=0, tsresol=None, offset=None, order="<"):
    body = struct.pack(order + "HHI", linktype, 0, snaplen) + option(2, b"eth0", order)
    if tsresol is not None:
        body += option(9, bytes([tsresol]), order)
    if offset is not None:
        body += option(14, struct.pack(order + "q", offset), order)
    return block(1, body + option(0, b"", order), order)


def enhanced(f, units=10 ** 6, order="<", offset=0):
    ticks = (f.ns - offset * 10 ** 9) * units // 10 ** 9
    return block(6, struct.pack(order + "IIIII", f.interface, ticks >> 32, ticks & 0xffffffff, len(f.octets), f.len) +
                 padded(f.octets) + option(1, b"a comment", order) + option(0, b"", order), order)


def pcapng(frames, order="<"):
    return section(order) + interface(frames[0].linktype, order=order) + b"".join(enhanced(f, order=order) for f in frames)


def zstd(data):
    return subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout


def xz(data):
    return lzma.compress(data, format=lzma.FORMAT_XZ)


def plain(data):
    return data


PACKERS = [plain, gzip.compress,
           pytest.param(zstd, marks=pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not installed")),
           pytest.param(xz, marks=pytest.mark.skipif(not shutil.which("xz"), reason="xz is not installed"))]


class Dump:
    def __init__(self, *args, timeout=300, **kwargs):
        p = subprocess.run([CAPDUMP, "-x", *map(str, args)], capture_output=True, text=True, timeout=timeout, **kwargs)
        self.status, self.lines, self.said = p.returncode, p.stdout.splitlines(), p.stderr.strip()


def dump(tmp_path, data, name="a.pcap"):
    path = tmp_path / name
    path.write_bytes(data)
    return Dump(path)


def whole(d, frames):
    assert (d.status, d.said) == (0, "")
    assert d.lines == lines(frames)


# --- whole files ---------------------------------------------------------------------------------

@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("magic", [MICRO, NANO, MODIFIED])
def test_pcap(tmp_path, order, magic):
    frames = some_frames(50, ETHERNET)
    if magic == NANO:
        for i, f in enumerate(frames):
            f.ns += i
    whole(dump(tmp_path, pcap(frames, order, magic)), frames)


@pytest.mark.parametrize("order", "<>")
def test_pcapng(tmp_path, order):
    frames = some_frames(50, SLL)
    whole(dump(tmp_path, pcapng(frames, order)), frames)


def test_a_file_without_frames(tmp_path):
    whole(dump(tmp_path, pcap_head(RAW)), [])
    whole(dump(tmp_path, section()), [])


@pytest.mark.parametrize("number", [12, 14, 101])
def test_raw_ip_has_one_number(tmp_path, number):
    frames = [Frame(RST4)]
    whole(dump(tmp_path, pcap(frames, linktype=number)), frames)


def test_times_after_2038(tmp_path):
    frames = [Frame(RST4, ns=0xf000_0000 * 10 ** 9 + 5000)]
    whole(dump(tmp_path, pcap(frames)), frames)
    whole(dump(tmp_path, pcapng(frames)), frames)


def test_a_frame_longer_than_it_was(tmp_path):
    d = dump(tmp_path, pcap([Frame(RST4, length=3)]))
    assert d.lines == [Frame(RST4).line(1)]


def many_interfaces():
    """Two sections of different byte order; interfaces that differ in all libpcap wants equal. The
    custom block is Wireshark's frame 4."""
    first = [Frame(RST4, RAW, 10 ** 18 + 1000, interface=0), Frame(RST6, ETHERNET, 10 ** 18 + 2, interface=1),
             Frame(RST4 + b"x", SLL, 10 ** 18 + 10 ** 9, 2000, interface=2)]
    second = [Frame(RST6, SLL, 10 ** 18 + 3 * 10 ** 9, interface=0, number=5)]
    data = section("<") + interface(RAW, 65535) + interface(ETHERNET, 96, tsresol=9)
    data += enhanced(first[0]) + enhanced(first[1], 10 ** 9)
    # an interface may come late, other blocks between frames
    data += interface(SLL, 0, tsresol=0x8a, offset=100) + block(4, bytes(4)) + enhanced(first[2], 1024, offset=100)
    data += block(5, struct.pack("<III", 0, 0, 0)) + block(0xbad, struct.pack("<I", 32473) + b"abcd")
    data += section(">") + interface(SLL, 1 << 18, order=">") + enhanced(second[0], order=">")
    return data, first + second


def test_interfaces_that_differ(tmp_path):
    data, frames = many_interfaces()
    whole(dump(tmp_path, data), frames)


def test_simple_and_old_packets(tmp_path):
    data = section() + interface(RAW, 40) + block(3, struct.pack("<I", 60) + RST4)
    data += block(2, struct.pack("<HHIIII", 0, 9, 0, 1500000, 40, 44) + RST4)
    whole(dump(tmp_path, data), [Frame(RST4, ns=0, length=60), Frame(RST4, ns=1_500_000_000, length=44)])


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_tshark_gives_the_same_numbers_and_times(tmp_path):
    data, _ = many_interfaces()
    # what is no packet may have a number: the custom block, and an entry of the journal
    data += block(9, padded(b"__REALTIME_TIMESTAMP=1\nMESSAGE=x\n"), ">")
    data += enhanced(Frame(RST4, SLL, 5 * 10 ** 18), order=">")
    path = tmp_path / "a.pcapng"
    path.write_bytes(data)
    fields = ["frame.number", "frame.time_epoch", "frame.cap_len", "frame.len", "frame.protocols"]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=|"]
    for f in fields:
        command += ["-e", f]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)})
    want = []
    for line in out.stdout.splitlines():
        number, epoch, captured, length, protocols = line.split("|")
        if protocols.split(":")[0] not in ("raw", "eth", "sll"):
            continue  # no packet, and yet it has a number
        s, ns = epoch.split(".")
        want.append((int(number), int(s) * 10 ** 9 + int(ns), int(captured), int(length)))
    got = []
    for line in Dump(path).lines:
        number, ns, _, captured, length = line.split(" | ")[0].split()
        got.append((int(number), int(ns), int(captured), int(length)))
    assert got == want and [g[0] for g in got] == [1, 2, 3, 5, 7]


# --- packed, and by other ways than a file -------------------------------------------------------

def feed(write, data, step):
    try:
        for i in range(0, len(data), step):
            write(data[i:i + step])
    except BrokenPipeError:
        pass


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("make", [pcap, pcapng])
def test_each_way_in(tmp_path, pack, make):
    frames = some_frames(3000)
    path = tmp_path / "name-says-nothing.txt"
    path.write_bytes(pack(make(frames)))
    whole(Dump(path), frames)
    with open(path, "rb") as f:
        whole(Dump("-", stdin=f), frames)
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        whole(Dump("-", stdin=cat.stdout), frames)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cp", path, fifo]) as cp:
        d = Dump(fifo)
        cp.kill()  # if nobody reads, it waits for ever
    whole(d, frames)


@pytest.mark.parametrize("pack", PACKERS)
def test_octet_by_octet(pack):
    frames = some_frames(5)
    data = pack(pcap(frames))
    r, w = os.pipe()
    writer = threading.Thread(target=lambda: (feed(lambda b: os.write(w, b), data, 1), os.close(w)))
    writer.start()
    with os.fdopen(r) as f:
        whole(Dump("-", stdin=f), frames)
    writer.join()


def test_gzip_in_members(tmp_path):
    frames = some_frames(20)
    data = pcap(frames)
    packed = gzip.compress(data[:777]) + gzip.compress(b"") + gzip.compress(data[777:])
    whole(dump(tmp_path, packed), frames)
    # as tapes and some downloads leave it
    whole(dump(tmp_path, packed + bytes(512)), frames)


def test_a_large_one_packed_small(tmp_path):
    frames = [Frame(bytes(60000), ns=0)] * 400
    whole(dump(tmp_path, gzip.compress(pcap(frames))), frames)


# --- what is not whole ---------------------------------------------------------------------------

def boundaries(head, records):
    at = [len(head)]
    for r in records:
        at.append(at[-1] + len(r))
    return at


def check_every_cut(tmp_path, data, frames, whole_at, header):
    for cut in range(len(data) + 1):
        d = dump(tmp_path, data[:cut])
        done = sum(1 for at in whole_at[1:] if at <= cut)
        if cut < header:
            assert d.status == 2 and d.lines == []
            assert d.said.startswith(str(tmp_path / "a.pcap: ")), d.said
            word = "empty" if cut == 0 else "no capture file" if cut < 4 else "cut off inside its header"
            assert word in d.said
            continue
        assert d.lines == lines(frames)[:done], cut
        if cut in whole_at:
            assert (d.status, d.said) == (0, "")
        else:
            assert d.status == 3
            assert d.said == f"{tmp_path}/a.pcap: cut off after frame {done} (the file ends inside a record)"


def test_pcap_cut_at_every_octet(tmp_path):
    frames = [Frame(RST4, ns=10 ** 9), Frame(RST6, ns=2 * 10 ** 9), Frame(b"", ns=0)]
    at = boundaries(pcap_head(RAW), [pcap_record(f) for f in frames])
    check_every_cut(tmp_path, pcap(frames), frames, at, at[0])


def test_pcapng_cut_at_every_octet(tmp_path):
    frames = [Frame(RST4, ns=10 ** 9), Frame(RST6, ns=2 * 10 ** 9)]
    at = boundaries(section() + interface(RAW), [enhanced(f) for f in frames])
    data = pcapng(frames)
    d = dump(tmp_path, data[:4])
    assert d.status == 3 and "cut off after frame 0" in d.said
    for cut in range(5, len(data) + 1):
        d = dump(tmp_path, data[:cut])
        done = sum(1 for a in at[1:] if a <= cut)
        assert d.lines == lines(frames)[:done]
        if cut in at or cut == len(section()):
            assert (d.status, d.said) == (0, "")
        else:
            assert d.status == 3
            assert d.said == f"{tmp_path}/a.pcap: cut off after frame {done} (the file ends inside a record)"


@pytest.mark.parametrize("pack", PACKERS[1:])
def test_packed_and_cut(tmp_path, pack):
    frames = some_frames(2000)
    data = pack(pcap(frames))
    want = lines(frames)
    for cut in (2, 5, 7, 20, len(data) // 2, len(data) - 9, len(data) - 1):
        d = dump(tmp_path, data[:cut])
        with open(tmp_path / "a.pcap", "rb") as f, subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE) as cat:
            piped = Dump("-", stdin=cat.stdout)
        assert (piped.status, piped.lines) == (d.status, d.lines)
        assert d.lines == want[:len(d.lines)]
        assert d.status == (3 if d.lines or "after frame 0" in d.said else 2)
        assert any(w in d.said for w in ("data ends early", "data is cut or damaged", "no capture file")), d.said


def test_gzip_cut_between_frames(tmp_path):
    """All that came is whole, and yet it is not all: only the trailer of gzip could say so."""
    frames = some_frames(10)
    d = dump(tmp_path, gzip.compress(pcap(frames))[:-1], "a.pcap.gz")
    assert d.lines == lines(frames)
    assert d.status == 3
    # by zlib, or by the gzip program where it was built without
    assert d.said in (f"{tmp_path}/a.pcap.gz: cut off after frame 10 ({why})" for why in (
        "the gzip data ends early", "the gzip data is cut or damaged: gzip ended with status 1"))


def test_gzip_damaged(tmp_path):
    data = bytearray(gzip.compress(pcap(some_frames(2000))))
    data[-6] ^= 1  # of its checksum
    d = dump(tmp_path, bytes(data))
    assert d.status == 3 and len(d.lines) == 2000
    assert "after frame 2000 (the gzip data is " in d.said and "damaged: " in d.said


@pytest.mark.parametrize("pack", PACKERS)
def test_damage_in_a_record(tmp_path, pack):
    frames = some_frames(2000)
    bad = struct.pack("<IIII", 0, 0, 0x7fffffff, 0x7fffffff)
    d = dump(tmp_path, pack(pcap(frames) + bad + pcap(frames)))
    assert d.status == 3 and d.lines == lines(frames)
    assert "a.pcap: damaged after frame 2000: " in d.said
    for length in (0, 13, 0xfffffffc):
        d = dump(tmp_path, pack(pcapng(frames) + struct.pack("<III", 6, length, 0) + bytes(100000)))
        assert d.status == 3 and d.lines == lines(frames)
        assert "a.pcap: damaged after frame 2000: a block of type 0x6 with the impossible length" in d.said


def test_a_block_that_claims_much(tmp_path):
    frames = some_frames(3)
    d = dump(tmp_path, pcapng(frames) + struct.pack("<III", 6, 60 << 20, 0))
    assert d.lines == lines(frames) and "cut off after frame 3 (the file ends" in d.said


def test_an_interface_that_is_not_there(tmp_path):
    d = dump(tmp_path, section() + interface(RAW) + enhanced(Frame(RST4, interface=1)))
    assert d.status == 3 and "damaged after frame 0: a frame of interface 1" in d.said


# --- what is no capture, or out of reach ---------------------------------------------------------

def refused(d, *words):
    assert d.status == 2 and d.lines == []
    assert len(d.said.splitlines()) == 1
    for w in words:
        assert w in d.said


def test_what_is_no_capture(tmp_path):
    refused(dump(tmp_path, b"", "a"), f"{tmp_path}/a: empty")
    refused(dump(tmp_path, gzip.compress(b""), "a.gz"), f"{tmp_path}/a.gz: empty (gzip of nothing)")
    for data in (b"x", b"hello, world\n" * 100, gzip.compress(b"hello, world")):
        refused(dump(tmp_path, data, "x.txt"),
                f"{tmp_path}/x.txt: no capture file (neither pcap nor pcapng, and not gzip, zstd or xz)")
    refused(Dump(tmp_path), f"{tmp_path}: a directory")
    refused(Dump(tmp_path / "nope"), f"{tmp_path}/nope: cannot be opened: No such file")
    refused(Dump("-", stdin=subprocess.DEVNULL), "standard input: empty")


def test_a_long_path_leaves_room_for_the_reason(tmp_path):
    path = tmp_path / ("d" * 200) / ("f" * 200)
    path.parent.mkdir()
    path.write_bytes(b"hello")
    refused(Dump(path), "...ff", "ff: no capture file (neither pcap nor pcapng, and not gzip, zstd or xz)")


def open_to_all():
    """A folder for temporary files that every user gets to, whatever TMPDIR names."""
    for path in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        parents = [os.path.abspath(path)]
        while parents[-1] != "/":
            parents.append(os.path.dirname(parents[-1]))
        if all(os.path.isdir(p) and os.stat(p).st_mode & 0o001 for p in parents):
            return path
    return pytest.skip("no folder for temporary files is open to other users")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap([Frame(RST4)]))
    path.chmod(0)
    if os.geteuid() != 0:
        refused(Dump(path), "cannot be opened: Permission denied")
        return
    with open(CAPDUMP, "rb") as program:
        if program.read(4) != b"\x7fELF":
            pytest.skip("a script here, which starts what lies in the build")
    # the build may lie where another user can't go
    with tempfile.TemporaryDirectory(dir=open_to_all()) as public:
        os.chmod(public, 0o755)
        path = shutil.copy(path, public)
        os.chmod(path, 0)
        monkeypatch.setitem(globals(), "CAPDUMP", shutil.copy(CAPDUMP, public))
        refused(Dump(path, user=65534, group=65534, extra_groups=[]),
                "cannot be opened: Permission denied")


@pytest.mark.skipif("RSTPROBE_EMULATED" in os.environ,
                    reason="qemu-user's posix_spawn does not tell that a program is missing")
def test_a_tool_that_is_missing(tmp_path):
    path = tmp_path / "a.pcap.xz"
    path.write_bytes(xz(pcap([Frame(RST4)])))
    refused(Dump(path, env={**os.environ, "PATH": str(tmp_path)}),
            f"{path}: packed by xz, which is needed to read it: install xz")


def has_open(pid, path):
    for fd in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            if os.path.samefile(fd, path):
                return True
        except FileNotFoundError:
            pass  # closed meanwhile
    return False


@pytest.fixture
def started():
    """Starts capdump; what a test leaves of it is killed."""
    running = []

    def start(*args, **kwargs):
        running.append(subprocess.Popen([CAPDUMP, "-x", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs))
        return running[-1]
    yield start
    for p in running:
        p.kill()
        p.communicate()


def test_a_signal_ends_the_wait_for_a_pipe(started):
    frames = some_frames(2)
    p = started(stdin=subprocess.PIPE)
    p.stdin.write(pcap(frames))
    p.stdin.flush()
    got = [p.stdout.readline().decode().rstrip() for _ in frames]
    p.send_signal(signal.SIGTERM)
    assert p.wait(300) == 3
    assert got == lines(frames)
    assert p.stderr.read().decode() == "standard input: cut off after frame 2 (interrupted)\n"


def test_a_signal_ends_the_wait_for_a_writer(tmp_path, started):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    p = started(fifo)
    deadline = time.monotonic() + 300
    while not has_open(p.pid, fifo):
        assert time.monotonic() < deadline
    p.send_signal(signal.SIGTERM)
    assert p.wait(300) == 2
    assert p.stderr.read().decode() == f"{fifo}: cannot be read: interrupted\n"


# --- written -------------------------------------------------------------------------------------

@pytest.mark.parametrize("linktype", [RAW, ETHERNET, SLL, 10])
def test_written_and_read_again(tmp_path, linktype):
    frames = some_frames(20, linktype, step=1_234_567_891)
    copy = tmp_path / "copy.pcap"
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(frames, magic=NANO))
    whole(Dump("-w", copy, path), frames)
    # libpcap writes in the order of the machine, which may be another one than ours
    assert copy.read_bytes()[20:] in [pcap(frames, order, NANO)[20:] for order in "<>"]
    whole(Dump(copy), frames)


def test_writing_that_fails(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(some_frames(100)))
    d = Dump("-w", "/dev/full", path)
    assert d.status == 2 and d.said == "/dev/full: evidence is incomplete: No space left on device"
    d = Dump("-w", tmp_path / "no" / "where", path)
    assert d.status == 2 and "where: cannot write evidence there: No such file" in d.said


# --- and decoded ---------------------------------------------------------------------------------

def test_capture_to_packet(tmp_path):
    path = tmp_path / "a.pcapng"
    ipip = bytes.fromhex("4500003c0001000040040000c6336401c6336402") + RST4
    path.write_bytes(section() + interface(RAW) + interface(147) + enhanced(Frame(RST4)) + enhanced(Frame(ipip)) +
                     enhanced(Frame(RST4, interface=1)) + enhanced(Frame(RST6[:50], length=60)))
    out = subprocess.run([CAPDUMP, path], check=True, capture_output=True, text=True).stdout.splitlines()
    rst4 = "10.0.0.1.80 > 10.0.0.2.50000: R 1:1(0) win 0 ttl 64 id 1"
    assert [line.split(" | ", 1)[1] for line in out] == [
        f"ok | 0 - | {rst4}", f"ok | 1 IP in IP | {rst4}", "unknown link type", "truncated"]
