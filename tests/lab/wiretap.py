"""wiretap: when each SYN came to an interface, by the kernel's clock, and how many came at once.

It decides what is written down of a packet: time, destination, ports. A process of its own listens
(`wiretap.py NAMESPACE DEVICE FILE`, ended by SIGTERM), so that no packet waits for a test. It knows
nothing of what the rates should be.
"""

import collections
import ctypes
import gc
import ipaddress
import os
import signal
import socket
import struct
import sys

SO_RCVBUFFORCE, SO_TIMESTAMPNS, SOL_PACKET, PACKET_IGNORE_OUTGOING = 33, 35, 263, 23
PACKET_STATISTICS, LOST = 6, 7
RECORD = struct.Struct("=Q16sHH")
V4 = b"\0" * 12  # before an IPv4 address, to make 16 octets of it

Probe = collections.namedtuple("Probe", "ns dst sport dport")


class Tap:
    """Listens from when it is made until `stop`, which gives the probes in order. Then `lost` tells
    whether the socket had no room for some."""

    def __init__(self, host, dev):
        self.lost = None
        self.path = host.lab.path("tap")
        self.process = host.lab.helper([sys.executable, os.path.abspath(__file__), host.ns, dev,
                                        self.path])

    def stop(self):
        self.process.terminate()
        status = self.process.wait(30)
        assert status in (0, LOST), status
        self.lost = status == LOST
        with open(self.path, "rb") as f:
            got = [Probe(ns, text(dst), sport, dport)
                   for ns, dst, sport, dport in RECORD.iter_unpack(f.read())]
        return sorted(got)


def text(dst):
    return str(ipaddress.ip_address(dst[12:] if dst.startswith(V4) else dst))


def most(probes, window_ns):
    """The most probes that came in any stretch of time of that length."""
    first = best = 0
    for last, p in enumerate(probes):
        while probes[first].ns <= p.ns - window_ns:
            first += 1
        best = max(best, last + 1 - first)
    return best


def syn(packet):
    """(destination, source port, port) of a SYN; None for all else."""
    if len(packet) < 40:
        return None
    if packet[0] >> 4 == 4:
        at, proto, dst = (packet[0] & 15) * 4, packet[9], V4 + packet[16:20]
    else:
        at, proto, dst = 40, packet[6], packet[24:40]
    if proto != 6 or len(packet) < at + 20 or packet[at + 13] & 0x17 != 2:
        return None
    return (dst, *struct.unpack_from("!HH", packet, at))


def listen(dev, path):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    try:
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 27)
    except PermissionError:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 27)
    s.bind((dev, 3))
    # what has come is read to the end, then there is nothing to wait for
    signal.signal(signal.SIGTERM, lambda *_: s.setblocking(False))
    gc.disable()
    with open(path, "wb") as f:
        print("READY", flush=True)
        while True:
            try:
                packet, extra, _, _ = s.recvmsg(128, 64)
            except BlockingIOError:
                return s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
            found = syn(packet)
            if found:
                sec, nsec = struct.unpack("qq", extra[0][2])
                f.write(RECORD.pack(sec * 10**9 + nsec, *found))


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, signal.SIGKILL)  # with who started it
    with open("/run/netns/" + sys.argv[1], "rb") as f:
        if libc.setns(f.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    _, lost = struct.unpack("II", listen(*sys.argv[2:]))
    sys.exit(LOST if lost else 0)


if __name__ == "__main__":
    main()
