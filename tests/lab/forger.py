"""forger: a box beside the path that sees what comes to an interface and sends RSTs in the name of
whom it was meant for.

It decides what a segment of ours looks like as octets, and which way of forging belongs to which
port. It knows nothing of what a prober should make of it.

    forger.py DEVICE HOPS PORT=WAY ...      HOPS: routers from here to the target, this one too

Each segment is answered that comes in with a SYN or with octets, whatever its TTL, and goes on;
where it is not to arrive, a firewall drops it behind us. WAY, with `+data`: only where octets are:
    far      begins with a TTL of 128, as no stack of the lab does
    near     begins with 64, here
    echo     has the TTL of the target, but our IP ID, our window
    perfect  has all that the target's own RST would have
    mirror   goes with the TTL that the segment came with
"""

import contextlib
import os
import socket
import struct
import sys

from resets_play import ACK, FAMILY, RST, SYN, Segment, checksum, die_with_parent, is_tcp

PACKET_IGNORE_OUTGOING, SOL_PACKET = 23, 263
WAYS = ("far", "near", "echo", "perfect", "mirror")


def packet(src, dst, sport, dport, seq=0, ack=0, flags=SYN, win=0, ttl=64, ip_id=0, options=b"",
           payload=b""):
    """An IP packet with one segment, between addresses of 4 or 16 octets."""
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                      5 + len(options) // 4 << 4, flags, win, 0, 0) + options + payload
    total = checksum(src + dst + struct.pack("!II", len(tcp), 6) + tcp)
    tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
    if len(src) == 4:
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), ip_id, 0x4000, ttl, 6, 0) \
            + src + dst + tcp
    return struct.pack("!IHBB", 6 << 28, len(tcp), 6, ttl) + src + dst + tcp


def raw_sockets():
    """family -> a socket that takes whole packets."""
    return {f: socket.socket(FAMILY[f], socket.SOCK_RAW, socket.IPPROTO_RAW) for f in FAMILY}


def send(raw, data):
    dst = data[16:20] if data[0] >> 4 == 4 else data[24:40]
    family = 4 if len(dst) == 4 else 6
    raw[family].sendto(data, (socket.inet_ntop(FAMILY[family], dst), 0))


def ear(dev):
    """What comes to an interface, from the IP header on."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.bind((dev, 3))
    return s


def forged(seg, way, hops):
    """The answer to a segment, or None."""
    way, _, only = way.partition("+")
    if seg.flags & RST or not (seg.payload or (seg.flags & SYN and not only)):
        return None
    kw = {"ttl": {"far": 128, "near": 64, "mirror": seg.ttl}.get(way, 64 - hops)}
    if way == "echo":
        kw.update(ip_id=seg.ip_id, win=seg.win)
    if seg.flags & ACK:
        kw.update(seq=seg.ack, flags=RST)
    else:
        kw.update(ack=seg.end, flags=RST | ACK)
    if not kw["ttl"]:
        return None
    return packet(seg.dst, seg.src, seg.dport, seg.sport, **kw)


def hurry():
    """A box has processors of its own: what it says comes before it is asked the next thing."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        with contextlib.suppress(OSError):
            os.nice(-15)


def main():
    die_with_parent()
    hurry()
    dev, hops = sys.argv[1], int(sys.argv[2])
    ways = {int(port): way for port, way in (a.split("=") for a in sys.argv[3:])}
    assert {w.partition("+")[0] for w in ways.values()} <= set(WAYS), ways
    raw, heard = raw_sockets(), ear(dev)
    print("READY", flush=True)
    while True:
        data = heard.recv(65536)
        seg = Segment(data) if is_tcp(data) else None
        answer = forged(seg, ways[seg.dport], hops) if seg and seg.dport in ways else None
        if answer:
            send(raw, answer)


if __name__ == "__main__":
    main()
