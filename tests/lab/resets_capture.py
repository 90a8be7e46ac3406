"""resets_capture: one process listens on one interface, or on all of a host, and writes what it
hears as pcap; and interfaces are told to send what the stack gave them, as it was.

tcpdump would do, but where root is root of a user namespace it cannot drop to any user and stops.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct

from resets_play import die_with_parent, enter_netns

SO_RCVBUFFORCE, SO_TIMESTAMPNS, SOL_PACKET, PACKET_STATISTICS = 33, 35, 263, 6
LINKTYPE_ETHERNET, LINKTYPE_SLL2 = 1, 276
SIOCETHTOOL = 0x8946
OFFLOADS = (0x17, 0x1F, 0x24, 0x2C)  # ETHTOOL_S: TXCSUM, TSO, GSO, GRO


def no_offload(ns, devices):
    """What is captured is to be what goes over the wire: finished checksums, at most an MSS."""
    enter_netns(ns)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for dev in devices:
            for what in OFFLOADS:
                value = ctypes.create_string_buffer(struct.pack("II", what, 0))
                fcntl.ioctl(s, SIOCETHTOOL, struct.pack("16sP16x", dev.encode(),
                                                        ctypes.addressof(value)))
    os._exit(0)


def sll2(where):
    """The header of a capture of all interfaces, made of what recvmsg() says."""
    name, proto, kind, hardware, address = where
    return struct.pack("!HHIHBB8s", proto, 0, socket.if_nametoindex(name), hardware, kind,
                       len(address), address)


def listen(ns, dev, path, ready):
    """A whole process: says so on `ready` when it hears, ends by SIGTERM, with status 1 where
    frames were lost."""
    die_with_parent()
    enter_netns(ns)
    everything = dev == "any"
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM if everything else socket.SOCK_RAW,
                      socket.htons(3) if everything else 0)
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    try:
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
    except PermissionError:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 26)
    if not everything:
        s.bind((dev, 3))
    signal.signal(signal.SIGTERM, lambda *_: finish(s))
    with open(path, "wb", buffering=0) as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535,
                            LINKTYPE_SLL2 if everything else LINKTYPE_ETHERNET))
        os.write(ready, b"r")
        while True:
            frame, extra, _, where = s.recvmsg(65536, 128)
            if where[0] == "lo" or where[1] not in (0x0800, 0x86DD):
                continue
            sec, nsec = struct.unpack("qq", extra[0][2])
            if everything:
                frame = sll2(where) + frame
            f.write(struct.pack("<IIII", sec, nsec // 1000, len(frame), len(frame)) + frame)


def finish(s):
    _, lost = struct.unpack("II", s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    os._exit(1 if lost else 0)
