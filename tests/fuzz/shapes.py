#!/usr/bin/python3
"""shapes.py FOLDER: for each cause of a reset a small capture of its shape, and a labels.tsv.

They are the seeds of the fuzzer (corpus/explain is what this script makes) and the smallest test
of the rules. The packets are ours, written by hand: what real stacks do is the lab's to show.
"""

import os
import struct
import sys

START = 1767225600 * 1000000  # microseconds
ISN = {"C": 0xfffff000, "S": 0x20000000}
SYN_OPTIONS = bytes.fromhex("020405b4" "01030307" "04020101")  # MSS, window scale, SACK
MP_TCPRST = bytes.fromhex("1e048001")
MP_FASTCLOSE = bytes.fromhex("1e0c70000102030405060708")
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}
TERSE_KERNEL = 7
REASONS = {"NO_SOCKET": 0, "TCP_ABORT_ON_CLOSE": 1, "TCP_STATE": 2, "TCP_FLAGS": 0x83,
           "INVALID_SYN": 0x84, "TCP_TIMEWAIT_SOCKET": 6, "TCP_KEEPALIVE_TIMEOUT": 7}


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Capture:
    """Frames in order, and labels of some of them."""

    def __init__(self):
        self.frames = []  # (microseconds, octets)
        self.labels = []  # (frame, cause, also)
        self.now = START

    def flow(self, **kw):
        return Flow(self, **kw)


class Flow:
    """Two ends, C and S, whose numbers go on by themselves; every one of them can be overruled."""

    def __init__(self, capture, port=40000, to=80, client=1, v6=False):
        self.capture, self.v6 = capture, v6
        self.port = {"C": port, "S": to}
        self.host = {"C": client, "S": 200}
        self.next = dict(ISN)
        self.heard = {"C": 0, "S": 0}
        self.ip_id = {"C": 0x1000, "S": 0x5000}
        self.ttl = {"C": 64, "S": 57}
        self.window = {"C": 502, "S": 509}

    def address(self, end):
        if self.v6:
            return struct.pack(">4I", 0x20010db8, 0, 0, self.host[end])
        return bytes([192, 0, 2, self.host[end]])

    def ip(self, end, tcp, ttl, ip_id, df):
        other = "S" if end == "C" else "C"
        src, dst = self.address(end), self.address(other)
        pseudo = src + dst + struct.pack(">IHBB", len(tcp), 0, 0, 6) if self.v6 else \
            src + dst + struct.pack(">BBH", 0, 6, len(tcp))
        tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
        if self.v6:
            return struct.pack(">IHBB", 6 << 28, len(tcp), 6, ttl) + src + dst + tcp
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), ip_id, 0x4000 if df else 0, ttl, 6,
                           0) + src + dst
        return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + tcp

    def octets(self, end, flags, seq, ack, win, options, payload, ttl, ip_id, df):
        other = "S" if end == "C" else "C"
        bits = sum(FLAGS[f] for f in flags)
        tcp = struct.pack(">HHIIBBHHH", self.port[end], self.port[other], seq & 0xffffffff,
                          ack & 0xffffffff, (20 + len(options)) // 4 << 4, bits, win, 0, 0)
        return self.ip(end, tcp + options + payload, ttl, ip_id, df)

    def send(self, end, flags, length=0, wait=0.01, lost=False, cause=None, also="-", **kw):
        """A segment of a socket's `wait` seconds later. `lost`: its peer never sees it."""
        other = "S" if end == "C" else "C"
        payload = kw.pop("payload", b"x" * length)
        seq = kw.pop("seq", self.next[end])
        win = kw.pop("win", 64240 if "S" in flags else self.window[end])
        options = kw.pop("options", SYN_OPTIONS if "S" in flags else b"")
        ack = kw.pop("ack", self.heard[end] if "A" in flags else 0)
        ttl, df = kw.pop("ttl", self.ttl[end]), kw.pop("df", True)
        ip_id = kw.pop("ip_id", None)
        assert not kw, kw
        if ip_id is None:
            ip_id = self.ip_id[end]
            self.ip_id[end] += 1
        self.capture.now += round(wait * 1000000)
        self.capture.frames.append((self.capture.now, self.octets(
            end, flags, seq, ack, win, options, payload, ttl, ip_id, df)))
        if cause:
            self.capture.labels.append((len(self.capture.frames), cause, also))
        if "R" not in flags:
            end_seq = (seq + len(payload) + ("S" in flags) + ("F" in flags)) & 0xffffffff
            if (end_seq - self.next[end]) & 0xffffffff < 0x80000000:
                self.next[end] = end_seq
            if not lost:
                self.heard[other] = end_seq

    def reject(self, end, cause, also="-", wait=0.001, **kw):
        """A bare RST that answers the peer's last segment."""
        kw.setdefault("seq", self.heard["S" if end == "C" else "C"])
        self.send(end, "R", wait=wait, cause=cause, also=also, win=kw.pop("win", 0),
                  ip_id=kw.pop("ip_id", 0), **kw)

    def forge(self, end, flags, cause, wait=0.0001, **kw):
        """Not from `end`, though it says so."""
        kw.setdefault("ip_id", 0x7777)
        self.send(end, flags, wait=wait, cause=cause, also="injected", ttl=250,
                  win=kw.pop("win", 0), **kw)

    def handshake(self):
        self.send("C", "S")
        self.send("S", "SA", wait=0.012, ip_id=0)
        self.send("C", "A", wait=0.0001)

    def talk(self):
        self.handshake()
        self.send("C", "PA", 300)
        self.send("S", "A", wait=0.012)
        self.send("S", "PA", 900)
        self.send("C", "A", wait=0.0001)

    def goes_on(self):
        self.send("S", "PA", 500, wait=0.012)
        self.send("S", "PA", 500, wait=0.0001)


# --- the shapes: one function a file, by the file's name ------------------------------------------

def refused(c):
    f = c.flow()
    f.send("C", "S")
    f.send("S", "RA", wait=0.012, seq=0, win=0, ip_id=0, cause="refused")


def firewall_reject(c):
    f = c.flow()
    f.talk()
    f.send("C", "PA", 100, lost=True)
    f.reject("S", "firewall-reject", wait=0.0001, ttl=64)
    f.heard["C"] = f.next["S"]
    f.goes_on()


def handshake_abandoned(c):
    f = c.flow()
    f.send("C", "S")
    f.send("S", "SA", wait=0.110, ip_id=0)
    f.reject("C", "handshake-abandoned", seq=f.next["C"])


def syn_ack_unexpected(c):
    for n in range(8):
        f = c.flow(port=54321, to=20 + n)
        f.send("C", "S", options=b"", win=1024, ip_id=54321, df=False, ttl=250)
        f.send("S", "SA", wait=0.012, ip_id=0)
        f.reject("C", "syn-ack-unexpected", seq=f.next["C"])


def synack_unsolicited(c):
    f = c.flow()
    f.heard["S"] = f.next["C"]
    f.send("S", "SA", ip_id=0)
    f.reject("C", "synack-unsolicited", seq=f.next["C"])


def stale_connection(c):
    f = c.flow()
    f.send("C", "S")
    f.send("S", "A", wait=0.012, seq=0x77000000, ack=0x66000000, ip_id=0)
    f.reject("C", "stale-connection", seq=0x66000000)
    f.next["C"] = ISN["C"]
    f.send("C", "S", wait=1.0)
    f.send("S", "SA", wait=0.012, seq=ISN["S"], ip_id=0)
    f.send("C", "A", wait=0.0001)


def bad_synack(c):
    f = c.flow()
    f.send("C", "S")
    f.send("S", "SA", wait=0.012, ack=0x66000000, ip_id=0)
    f.reject("C", "bad-synack", seq=0x66000000)


def syn_cancelled(c):
    f = c.flow()
    f.send("C", "S")
    f.reject("C", "syn-cancelled", wait=0.2, seq=f.next["C"])


def backlog_overflow(c):
    f = c.flow()
    f.handshake()
    f.reject("S", "backlog-overflow", wait=0.012, seq=f.next["S"])


def listen_ack(c):
    c.flow(client=7).talk()
    f = c.flow()
    f.heard["C"] = f.next["S"]
    f.send("C", "PA", 100)
    f.reject("S", "listen-ack", wait=0.012, seq=f.next["S"])


def unread_data_close(c):
    f = c.flow()
    f.handshake()
    for n in range(5):
        f.send("C", "PA", 1448)
        f.send("S", "A", wait=0.012, win=509 - 12 * (n + 1))
    f.send("S", "RA", wait=0.5, cause="unread-data-close")


def abort_close(c):
    f = c.flow()
    f.talk()
    f.send("C", "RA", wait=0.5, cause="abort-close", also="abort-linger")


def abort_pending(c):
    f = c.flow()
    f.talk()
    f.send("S", "A", 1448)
    f.send("C", "A", wait=0.001, win=0)
    f.send("S", "A", 1448, lost=True)
    f.send("S", "RA", wait=2.0, cause="abort-pending")


def abort_no_data(c):
    f = c.flow()
    f.handshake()
    f.send("C", "RA", cause="abort-no-data")


def listener_closed(c):
    flows = [c.flow(port=40000 + n, client=n + 1) for n in range(5)]
    for f in flows:
        f.handshake()
    c.now += 1000000
    for f in flows:
        f.send("S", "RA", wait=0.00003, cause="listener-closed", also="abort-no-data")


def abort_idle(c):
    f = c.flow()
    f.talk()
    f.send("S", "RA", wait=60.0, cause="abort-idle")


def abort_after_fin(c):
    f = c.flow()
    f.talk()
    f.send("S", "FA")
    f.send("C", "A", wait=0.0001)
    f.send("C", "RA", wait=1.3, cause="abort-after-fin")


def fin_then_abort(c):
    f = c.flow()
    f.talk()
    f.send("S", "FA")
    f.send("C", "A", wait=0.0001)
    f.send("S", "RA", wait=1.3, cause="fin-then-abort")


def keepalive_fail(c):
    f = c.flow()
    f.talk()
    for n in range(4):
        f.send("S", "A", wait=7.0 if n else 60.0, seq=f.next["S"] - 1, lost=True)
    f.send("S", "RA", wait=7.0, cause="keepalive-fail")


def retransmit_giveup(c):
    f = c.flow()
    f.talk()
    first = f.next["S"]
    for n in range(5):
        f.send("S", "PA", 100, wait=0.3 * 2 ** n, seq=first, lost=True)
    f.send("S", "RA", wait=9.6, cause="retransmit-giveup")


def mptcp_reset(c):
    c.flow().send("S", "RA", options=MP_TCPRST, cause="mptcp-reset", also="no-context")


def mptcp_fastclose(c):
    c.flow().send("S", "RA", options=MP_FASTCLOSE, cause="mptcp-fastclose", also="no-context")


def data_after_close(c):
    f = c.flow(v6=True)
    f.talk()
    f.send("S", "FA")
    f.send("C", "A", wait=0.0001)
    f.send("C", "PA", 100, wait=1.0)
    f.reject("S", "data-after-close", wait=0.012, seq=f.next["S"])


def late_after_close(c):
    f = c.flow()
    f.talk()
    f.send("S", "FA")
    f.send("C", "A", wait=0.0001)
    f.send("C", "FA", wait=130.0)
    f.reject("S", "late-after-close", wait=0.012, seq=f.next["S"])


def half_open(c):
    f = c.flow()
    f.talk()
    f.send("C", "PA", 100, wait=300.0)
    f.reject("S", "half-open", wait=0.012, seq=f.next["S"])


def rst_lost_repeat(c):
    f = c.flow()
    f.talk()
    first = f.next["C"]
    for n in range(3):
        f.send("C", "PA", 100, wait=0.3 * 2 ** n if n else 300.0, seq=first)
        f.reject("S", "rst-lost-repeat" if n else "half-open", wait=0.012, seq=f.next["S"])


def after_reset(c):
    f = c.flow()
    f.talk()
    f.send("S", "RA", wait=0.5, cause="abort-close", also="abort-linger")
    f.send("C", "PA", 100, wait=0.001)
    f.reject("S", "after-reset", wait=0.012, seq=f.next["S"])


def time_wait(c):
    f = c.flow()
    f.talk()
    f.send("S", "FA")
    f.send("C", "FA", wait=0.0001)
    f.send("S", "A", wait=0.012)
    f.send("S", "A", wait=5.0, ip_id=0)
    f.reject("C", "time-wait", seq=f.next["C"])


def no_connection(c):
    f = c.flow()
    f.heard["C"] = f.next["S"]
    f.send("C", "PA", 100)
    f.reject("S", "no-connection", wait=0.012, seq=f.next["S"])


def middlebox_idle(c):
    f = c.flow()
    f.talk()
    f.send("S", "RA", wait=240.0, ttl=254, ip_id=0x7777, cause="middlebox-idle", also="injected")
    f.send("C", "RA", wait=0.0002, ttl=254, ip_id=0x7778, cause="middlebox-idle", also="injected")


def injected_syn(c):
    f = c.flow()
    f.send("C", "S")
    f.forge("S", "RA", "injected-syn", seq=0)
    f.send("S", "SA", wait=0.012, ip_id=0)
    f.send("C", "A", wait=0.0001)
    f.send("C", "PA", 100)


def injected_race(c):
    f = c.flow()
    f.talk()
    f.send("C", "PA", 100)
    f.forge("S", "RA", "injected-race")
    f.goes_on()


def injected_multi(c):
    f = c.flow()
    f.talk()
    f.send("C", "PA", 100)
    for n in range(3):
        f.forge("S", "RA", "injected-multi", seq=f.next["S"] + 1460 * n * n, ip_id=0x7777 + 99 * n)
    f.goes_on()


def injected_late(c):
    f = c.flow()
    f.talk()
    f.forge("S", "RA", "injected-late", wait=0.3, seq=f.next["S"] - 407)
    f.goes_on()


def injected_ack(c):
    f = c.flow()
    f.talk()
    f.forge("S", "RA", "injected-ack", wait=0.3, ack=f.next["C"] + 5000)
    f.goes_on()


def injected_blind(c):
    f = c.flow()
    f.talk()
    f.forge("S", "R", "injected-blind", wait=0.3, seq=f.next["S"] + 5000)
    f.send("C", "A", wait=0.0001, ip_id=0)
    f.goes_on()


def vendor_reported(c):
    c.flow().send("S", "RA", payload=b"[F0:12] TCP RST: no flow found", cause="vendor-reported",
                  also="no-context")


def dup_frame(c):
    f = c.flow()
    f.talk()
    f.send("C", "RA", wait=0.5, cause="abort-close", also="abort-linger")
    at, octets = c.frames[-1]
    c.frames.append((at + 10, octets))
    c.labels.append((len(c.frames), "dup-frame", "-"))


def malformed(c):
    f = c.flow()
    f.talk()
    f.send("S", "SRA", wait=0.5, options=b"", cause="malformed")


def no_context(c):
    f = c.flow()
    f.send("S", "R", seq=ISN["S"], win=0, ip_id=0, cause="no-context")


SHAPES = [refused, firewall_reject, handshake_abandoned, syn_ack_unexpected, synack_unsolicited,
          stale_connection, bad_synack, syn_cancelled, backlog_overflow, listen_ack,
          unread_data_close, abort_close, abort_pending, abort_no_data, listener_closed, abort_idle,
          abort_after_fin, fin_then_abort, keepalive_fail, retransmit_giveup, mptcp_reset,
          mptcp_fastclose, data_after_close, late_after_close, half_open, rst_lost_repeat,
          after_reset, time_wait, no_connection, middlebox_idle, injected_syn, injected_race,
          injected_multi, injected_late, injected_ack, injected_blind, vendor_reported, dup_frame,
          malformed, no_context]


# --- the forms a capture comes in -----------------------------------------------------------------

def pcap(c, order="<", nano=False):
    """LINKTYPE_RAW."""
    out = struct.pack(order + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    for at, octets in c.frames:
        part = at % 1000000 * (1000 if nano else 1)
        out += struct.pack(order + "IIII", at // 1000000, part, len(octets), len(octets)) + octets
    return out


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def pcapng(c, order="<"):
    """Two interfaces: raw IP in microseconds, Ethernet in nanoseconds, in turn."""
    out = block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(order, 1, struct.pack(order + "HHI", 101, 0, 0))
    out += block(order, 1, struct.pack(order + "HHI", 1, 0, 128) +
                 struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0))
    for n, (at, octets) in enumerate(c.frames):
        ether = n % 2
        if ether:
            octets = bytes(12) + b"\x08\0" + octets
        ticks = at * (1000 if ether else 1)
        kept = octets[:128] if ether else octets
        out += block(order, 6, struct.pack(order + "IIIII", ether, ticks >> 32,
                                           ticks & 0xffffffff, len(kept), len(octets)) + kept)
    return out


def terse(c, reason):
    """The fuzzer's own form (memcap.c), with the kernel's word on the last RST."""
    out = b"\0"
    for _, octets in c.frames:
        out += struct.pack(">BBH", 10 << 3, 10, len(octets)) + octets
    said = bytes([REASONS[reason]]) + c.frames[-1][1]
    return out + struct.pack(">BBH", TERSE_KERNEL, 1, len(said)) + said


def made(shape):
    c = Capture()
    shape(c)
    return c


def write(folder, name, data):
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def main(folder):
    with open(os.path.join(folder, "labels.tsv"), "w", encoding="utf-8") as f:
        f.write("file\tframe\tcause\talso_right\twhy\n")
        for shape in SHAPES:
            c = made(shape)
            name = shape.__name__.replace("_", "-") + ".pcap"
            write(folder, name, pcap(c))
            for frame, cause, also in c.labels:
                f.write("%s\t%d\t%s\t%s\tits shape\n" % (name, frame, cause, also))
    write(folder, "other-order", pcap(made(half_open), order=">", nano=True))
    write(folder, "blocks", pcapng(made(rst_lost_repeat)))
    write(folder, "blocks-other-order", pcapng(made(injected_race), order=">"))
    for reason, shape in (("TCP_STATE", abort_close), ("TCP_ABORT_ON_CLOSE", unread_data_close),
                          ("NO_SOCKET", refused), ("TCP_FLAGS", listen_ack),
                          ("INVALID_SYN", backlog_overflow), ("TCP_TIMEWAIT_SOCKET", time_wait),
                          ("TCP_KEEPALIVE_TIMEOUT", keepalive_fail)):
        write(folder, "kernel-" + reason.lower().replace("_", "-"), terse(made(shape), reason))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: shapes.py FOLDER")
    main(sys.argv[1])
