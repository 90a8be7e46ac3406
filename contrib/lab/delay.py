#!/usr/bin/env python3
"""delay: on the router, holds back whatever comes from the server for some milliseconds.

usage: delay.py INTERFACE MILLISECONDS. A rule of the routing policy sends what comes in by the
interface to a TUN device instead of on its way; here it is read, kept, and written back, whereupon
the kernel forwards it as if nothing had happened. It says READY, and ends with its process.
"""

import collections
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
DEVICE, TABLE = "delay0", "110"


def open_tun():
    try:
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    except OSError as e:
        sys.exit("/dev/net/tun: %s (modprobe tun; for a container --device /dev/net/tun)"
                 % e.strerror)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def detour(ifname):
    subprocess.run(["ip", "link", "set", "dev", DEVICE, "up"], check=True)
    for family in ("-4", "-6"):
        subprocess.run(["ip", family, "route", "add", "default", "dev", DEVICE, "table", TABLE],
                       check=True)
        subprocess.run(["ip", family, "rule", "add", "iif", ifname, "lookup", TABLE], check=True)


def relay(tun, delay):
    kept = collections.deque()  # (when it is due, packet), in order
    while True:
        wait = max(0.0, kept[0][0] - time.monotonic()) if kept else None
        # select() may wake a little early: the packet is written when its time has come
        if select.select([tun], [], [], wait)[0]:
            kept.append((time.monotonic() + delay, os.read(tun, 65536)))
        while kept and kept[0][0] <= time.monotonic():
            os.write(tun, kept.popleft()[1])


def main(ifname, milliseconds):
    tun = open_tun()
    detour(ifname)
    print("READY", flush=True)
    relay(tun, int(milliseconds) / 1000)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.strip())
    main(*sys.argv[1:])
