"""pcap: the RSTs in a file of capture.py, to know when a story is over. No judge of anything."""

import collections
import socket
import struct

RST = 4

Reset = collections.namedtuple("Reset", "frame time src dst")


def frames(path):
    """(time, frame) of all that is whole."""
    with open(path, "rb") as f:
        f.read(24)
        while True:
            head = f.read(16)
            if len(head) < 16:
                return
            sec, nsec, captured, _ = struct.unpack("=IIII", head)
            frame = f.read(captured)
            if len(frame) < captured:
                return
            yield sec + nsec * 1e-9, frame


def resets(path):
    """[Reset]; src and dst as the kernel writes them, "192.0.2.2:80" and "[2001:db8::2]:80"."""
    got = []
    for number, (when, frame) in enumerate(frames(path), 1):
        kind = struct.unpack_from("!H", frame, 12)[0]
        if kind == 0x0800 and frame[23] == socket.IPPROTO_TCP:
            tcp, ends = 14 + (frame[14] & 15) * 4, (frame[26:30], frame[30:34])
            family, form = socket.AF_INET, "%s:%d"
        elif kind == 0x86DD and frame[20] == socket.IPPROTO_TCP:
            tcp, ends = 54, (frame[22:38], frame[38:54])
            family, form = socket.AF_INET6, "[%s]:%d"
        else:
            continue
        if frame[tcp + 13] & RST:
            ports = struct.unpack_from("!HH", frame, tcp)
            got.append(Reset(number, when, *(form % (socket.inet_ntop(family, a), p)
                                             for a, p in zip(ends, ports))))
    return got
