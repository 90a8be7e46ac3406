#!/usr/bin/env python3
"""capture: all frames of one interface to a pcap file, written as they come.

usage: capture.py INTERFACE FILE. It says READY when it hears, and ends at SIGTERM with all that was
heard before. Offloads are switched off first: the frames of a file are then those of a wire, of at
most 1,500 bytes, with checksums.
"""

import array
import fcntl
import os
import select
import signal
import socket
import struct
import sys

ETH_P_ALL = 3
SIOCETHTOOL = 0x8946
# ETHTOOL_S... of linux/ethtool.h
OFFLOADS = {"tx checksum": 0x17, "tso": 0x1F, "gso": 0x24, "gro": 0x2C}
SO_TIMESTAMPNS = 35
LINKTYPE_ETHERNET = 1


def offloads_off(ifname):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for number in OFFLOADS.values():
            value = array.array("I", [number, 0])
            request = struct.pack("16sP8x", ifname.encode(), value.buffer_info()[0])
            try:
                fcntl.ioctl(s, SIOCETHTOOL, request)
            except OSError:
                pass  # a device without it: nothing to switch off


def frames(heard, out):
    """Write what is there, until nothing is."""
    while True:
        try:
            frame, control, _, _ = heard.recvmsg(65536, 64)
        except BlockingIOError:
            return
        stamps = [struct.unpack("qq", data[:16]) for level, kind, data in control
                  if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)]
        out.write(struct.pack("=IIII", *stamps[0], len(frame), len(frame)) + frame)


def main(ifname, path):
    offloads_off(ifname)
    heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    heard.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    heard.bind((ifname, ETH_P_ALL))
    heard.setblocking(False)
    # a signal ends the wait for frames, also one that comes just before it
    told, tell = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(tell)
    signal.signal(signal.SIGTERM, lambda *_: None)
    with open(path, "wb", buffering=0) as out:
        out.write(struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65536, LINKTYPE_ETHERNET))
        print("READY", flush=True)
        while told not in select.select([heard, told], [], [])[0]:
            frames(heard, out)
        frames(heard, out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    main(*sys.argv[1:])
