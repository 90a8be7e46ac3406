"""What craft builds, read by scapy and by tshark: two decoders that share no code with ours.

Each packet's fields must be those asked for, and its checksums those the others compute.
"""
import os
import shutil
import struct
import subprocess

import pytest
from scapy.all import IP, TCP, IPv6, raw

BUILDDIR = os.environ.get("builddir", ".")
LINKTYPE_RAW = 101


class Sample:
    """One line of craft_samples: name, bytes, and the fields as they were asked for."""

    def __init__(self, line):
        self.name, octets, *fields = line.split(" ")
        self.raw = bytes.fromhex(octets)
        self.want = dict(f.split("=", 1) for f in fields)
        self.v6 = self.name.endswith("-v6")

    def number(self, field):
        return int(self.want[field])


def load_samples():
    program = os.path.join(BUILDDIR, "tests", "golden", "craft_samples")
    out = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return [Sample(line) for line in out.splitlines()]


@pytest.fixture(scope="module")
def samples():
    return load_samples()


def test_every_kind_is_there(samples):
    names = {s.name for s in samples}
    assert len(names) == len(samples) >= 50
    for need in ("syn-linux", "syn-windows", "syn-mss", "syn-none", "data", "fin", "xmas", "null",
                 "nine-flags", "opt-sack", "opt-ts"):
        assert {need + "-v4", need + "-v6"} <= names


def test_scapy_reads_the_fields_asked_for(samples):
    for s in samples:
        ip = (IPv6 if s.v6 else IP)(s.raw)
        tcp = ip[TCP]
        assert (ip.src, ip.dst) == (s.want["src"], s.want["dst"]), s.name
        if s.v6:
            assert (ip.hlim, ip.tc, ip.fl) == (s.number("ttl"), s.number("tos"), 0), s.name
            assert ip.plen == len(s.raw) - 40, s.name
        else:
            assert (ip.ttl, ip.tos, ip.id) == (s.number("ttl"), s.number("tos"), s.number("id")), s.name
            assert (ip.ihl, ip.len, ip.frag) == (5, len(s.raw), 0), s.name
            assert bool(ip.flags.DF) == bool(s.number("df")), s.name
        got = (tcp.sport, tcp.dport, tcp.seq, tcp.ack, int(tcp.flags), tcp.window, tcp.urgptr)
        want = ("sport", "dport", "seq", "ack", "flags", "win", "urg")
        assert got == tuple(s.number(f) for f in want), s.name
        assert len(raw(tcp.payload)) == s.number("payload"), s.name
        header = raw(s.raw)[20 if not s.v6 else 40:][:tcp.dataofs * 4]
        assert header[20:].hex() == s.want["options"], s.name


def test_scapy_reads_the_options_of_a_syn(samples):
    by_name = {s.name: s for s in samples}
    linux = IP(by_name["syn-linux-v4"].raw)[TCP].options
    assert linux == [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (0xdeadbeef, 0)),
                     ("NOP", None), ("WScale", 7)]
    windows = IPv6(by_name["syn-windows-v6"].raw)[TCP].options
    assert windows == [("MSS", 1440), ("NOP", None), ("WScale", 8), ("NOP", None), ("NOP", None),
                       ("SAckOK", b"")]
    assert IP(by_name["opt-sack-v4"].raw)[TCP].options[-1] == ("SAck", (5, 9))


def test_scapy_computes_the_same_checksums(samples):
    for s in samples:
        ip = (IPv6 if s.v6 else IP)(s.raw)
        del ip[TCP].chksum
        if not s.v6:
            del ip.chksum
        assert raw(ip) == s.raw, s.name


def write_pcap(path, packets):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
        for i, p in enumerate(packets):
            f.write(struct.pack("<IIII", i, 0, len(p), len(p)) + p)


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_tshark_agrees(samples, tmp_path):
    path = tmp_path / "samples.pcap"
    write_pcap(path, [s.raw for s in samples])
    fields = ["tcp.checksum.status", "ip.checksum.status", "tcp.flags", "tcp.seq_raw",
              "tcp.ack_raw", "tcp.window_size_value", "tcp.urgent_pointer", "tcp.len",
              "tcp.options", "_ws.malformed"]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=|",
               "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
               "-o", "tcp.relative_sequence_numbers:FALSE"]
    for f in fields:
        command += ["-e", f]
    out = subprocess.run(command, check=True, capture_output=True, text=True,
                         env={**os.environ, "HOME": str(tmp_path)}).stdout
    lines = out.splitlines()
    assert len(lines) == len(samples)
    for s, line in zip(samples, lines):
        got = dict(zip(fields, line.split("|")))
        assert got["tcp.checksum.status"] in ("1", "Good"), s.name
        if not s.v6:
            assert got["ip.checksum.status"] in ("1", "Good"), s.name
        assert int(got["tcp.flags"], 16) == s.number("flags"), s.name
        assert int(got["tcp.seq_raw"]) == s.number("seq"), s.name
        assert int(got["tcp.ack_raw"]) == s.number("ack"), s.name
        assert int(got["tcp.window_size_value"]) == s.number("win"), s.name
        assert int(got["tcp.urgent_pointer"]) == s.number("urg"), s.name
        assert int(got["tcp.len"]) == s.number("payload"), s.name
        assert got["tcp.options"].replace(":", "") == s.want["options"], s.name
        assert got["_ws.malformed"] == "", s.name
