"""resets_truth: what is right to say of each RST of a scenario, by construction, and the reading of
captures to find which frame that is.

Nothing here asks the program. A truth is a cause, what else may be said instead, and where; the
cause that is true must always be named, and nothing else may be said to be certain.
"""

import socket
import struct

from resets_play import ACK, FAMILY, FIN, RST, SERVER, SYN, Segment, is_tcp

CLIENT_SIDE, SERVER_SIDE = "C", "S"
# where a capture was taken: at both ends, at both routers, and all interfaces of router A at once
VANTAGES = {"c": "client", "a": "routera", "b": "routerb", "s": "server", "y": "any"}
EVERYWHERE = "cabsy"
INJECTED = ("injected-syn", "injected-race", "injected-multi", "injected-late", "injected-ack",
            "injected-blind")
ALL = 10 ** 6
RESET = ["ECONNRESET", "EPIPE"]  # the next read or write, and the next write
LINK_HEADER = {1: (14, 12), 276: (20, 0)}  # Ethernet, SLL2: octets, and where the ethertype is


def read_pcap(path):
    """(header, [(record, seconds, IP octets or None)])"""
    with open(path, "rb") as f:
        data = f.read()
    magic, link = struct.unpack_from("<I", data)[0], struct.unpack_from("<I", data, 20)[0]
    assert magic == 0xA1B2C3D4, "%s: magic %#x" % (path, magic)
    skip, kind = LINK_HEADER[link]
    records, at = [], 24
    while at + 16 <= len(data):
        sec, usec, caplen, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + caplen]
        ip = frame[skip:] if frame[kind:kind + 2] in (b"\x08\x00", b"\x86\xdd") else None
        records.append((data[at:at + 16 + caplen], sec + usec * 1e-6, ip))
        at += 16 + caplen
    return data[:24], records


class Packet(Segment):
    """A segment of a capture: its frame number, its time, whose it says it is."""

    def __init__(self, frame, when, data):
        super().__init__(data)
        self.frame, self.when = frame, when
        family = FAMILY[self.version]
        server = socket.inet_pton(family, SERVER[self.version])
        self.by = SERVER_SIDE if self.src == server else CLIENT_SIDE
        self.original = self  # or the packet that it is a second sight of

    def same(self, other):
        """Equal but for what a router changes."""
        return all(getattr(self, k) == getattr(other, k) for k in (
            "version", "ip_id", "src", "dst", "sport", "dport", "seq", "ack", "flags", "win",
            "options", "payload"))

    def flow(self):
        return (self.sport, self.dport) if self.by == CLIENT_SIDE else (self.dport, self.sport)


def read_capture(path):
    packets = []
    for i, (_, when, ip) in enumerate(read_pcap(path)[1], 1):
        if ip is not None and is_tcp(ip):
            packets.append(Packet(i, when, ip))
    return packets


def mark_second_sights(packets):
    """In a capture of all interfaces of a router each forwarded packet is there twice."""
    recent = []
    for p in packets:
        recent = [q for q in recent if p.when - q.when < 0.005]
        for q in recent:
            if q.ttl == p.ttl + 1 and p.same(q):
                p.original = q
                break
        else:
            recent.append(p)


# --- what provoked it: predicates on a packet of the other side, newest first --------------------

def syn(p):
    return p.flags & (SYN | ACK) == SYN


def syn_ack(p):
    return p.flags & (SYN | ACK) == SYN | ACK


def data(p):
    return bool(p.payload)


def fin(p):
    return bool(p.flags & FIN)


def pure_ack(p):
    return p.flags & (SYN | FIN | RST | ACK) == ACK and not p.payload


def at_most(predicate):
    """Such a packet may be called the trigger, or none."""
    def test(p):
        return predicate(p)
    test.optional = True
    return test


def one_of(predicate):
    """Not the newest alone: each such packet with the number that was answered."""
    def test(p):
        return predicate(p)
    test.each = True
    return test


def anything(_):
    return True


def nothing(_):
    return False


class Reset:
    """The truth about the next RST, or the next few, that one side is said to have sent.

    cause   the id that is right
    also    ids that may be given instead, if the right one is then among the alternatives
    named   ids that must be among the alternatives whatever the cause
    by      whose it says it is: "S", "C"; the program's "sender" must agree, or, where `sender`
            is False, be "unknown"
    take    how many RSTs of that side, in order; ALL: the rest, at least `least`
    seen    the vantage points that have it
    after   what provoked it: a predicate, the newest packet counts; or `nothing`; or
            `at_most(predicate)`, that or nothing; or `one_of(predicate)`, where the RSTs to several
            look alike; None is not asked
    app     what the application got, measured, call by call; the program may say the first of
            them only; None is not asked
    severity the worst word that may be said
    origin  endpoint, middlebox, or None: not asked
    kernel  the reason of the sending kernel, or several that may be; "" says that no kernel sent
            it; None is not asked
    at      {"ca": {...}}: other values of all that, for some vantage points
    blind   from here nobody can know: any of cause and also will do, and none as certain
    """

    WORST = ("benign", "notice", "problem", "suspicious")

    NO_CONNECTION = ("no-connection", "no-context", "vendor-reported", "malformed", "mptcp-reset",
                     "mptcp-fastclose", "unknown")

    def __init__(self, cause, **kw):
        self.cause, self.also, self.named, self.by = cause, (), (), SERVER_SIDE
        self.take, self.least, self.seen = 1, 1, EVERYWHERE
        self.after, self.app, self.origin, self.kernel = None, None, None, None
        self.severity, self.at, self.why, self.sender = "problem", {}, "", True
        self.blind = False
        for key, value in kw.items():
            assert hasattr(self, key), key
            setattr(self, key, value)

    def kernel_agrees(self, reasons):
        if self.kernel is None:
            return True
        if self.kernel == "":
            return not reasons
        return bool(set(reasons) & ({self.kernel} if isinstance(self.kernel, str)
                                    else set(self.kernel)))

    def where(self, vantage):
        """The truth as this vantage point can know it."""
        for letters, other in self.at.items():
            if vantage in letters:
                known = Reset(self.cause, **{k: v for k, v in vars(self).items() if k != "cause"})
                for key, value in other.items():
                    assert hasattr(known, key), key
                    setattr(known, key, value)
                return known
        return self

    def judge(self, said, trigger_frames=None):
        """What is wrong with a record of type "reset": a list of complaints."""
        wrong = []
        named = [said["cause"]] + said["alternatives"]
        if said["cause"] != self.cause:
            if said["cause"] not in self.also:
                wrong.append("cause %s, not %s" % (said["cause"], self.cause))
            elif self.cause not in named and not self.blind:
                wrong.append("cause %s, and %s is not among %s" % (
                    said["cause"], self.cause, said["alternatives"]))
        if said["confidence"] == "certain" and (self.blind or said["cause"] != self.cause):
            wrong.append("certain of " + said["cause"])
        for other in self.named:
            if other not in named:
                wrong.append("%s is not among %s" % (other, named))
        senders = [{"S": "server", "C": "client"}[self.by]] + ["unknown"] * (not self.sender)
        if said["sender"] not in senders:
            wrong.append("sender " + said["sender"])
        if self.origin and said["origin"] not in (self.origin, "unknown"):
            wrong.append("origin " + said["origin"])
        sees = said["app_sees"]
        if self.app is not None and (not sees or sees != self.app[:len(sees)]):
            wrong.append("app_sees %s, measured %s" % (sees, self.app))
        if self.WORST.index(said["severity"]) > self.WORST.index(self.severity):
            wrong.append("severity " + said["severity"])
        if trigger_frames is not None and (said["provoked_by"] or 0) not in trigger_frames:
            wrong.append("provoked_by %s, not %s" % (said["provoked_by"], sorted(trigger_frames)))
        return wrong


class TruthError(Exception):
    """The scenario did not do what it is there for."""


def assign(resets, packets, vantage):
    """{frame: (truth there, packet, frames that may be called its trigger, or None)}"""
    if vantage == "y":
        mark_second_sights(packets)
    left = [p for p in packets if p.flags & RST and p.original is p]
    found = {}
    for r in resets:
        if vantage not in r.seen:
            continue
        r = r.where(vantage)
        mine = [p for p in left if p.by == r.by][:r.take]
        if len(mine) < (r.take if r.take != ALL else r.least):
            raise TruthError("%s: %d RST of %s at %s, not %s" % (
                r.cause, len(mine), r.by, VANTAGES[vantage], r.take))
        for p in mine:
            left.remove(p)
            found[p.frame] = (r, p, triggers(r, p, packets))
    if left:
        raise TruthError("at %s a RST that nobody foretold: frame %s" % (
            VANTAGES[vantage], [p.frame for p in left]))
    copies = [p for p in packets if p.flags & RST and p.original is not p]
    for p in copies:
        found[p.frame] = (Reset("dup-frame", by=p.by, severity="suspicious", sender=False,
                                why="the second sight of frame %d" % p.original.frame), p, None)
    return found


def again(p, q):
    """Do two packets carry the same octets?"""
    return bool(q.payload) and p.flow() == q.flow() and p.by == q.by and p.seq == q.seq and \
        p.payload == q.payload


def triggers(reset, rst, packets):
    """The frames of the newest packet of the other side that fits, of its copies, and of what was
    sent with it: several in flight draw as many RSTs, all alike."""
    if reset.after is None:
        return None
    if reset.after is nothing:
        return {0}
    fitting = [q for q in packets if q.frame < rst.frame and q.by != rst.by
               and q.flow() == rst.flow() and not q.flags & RST and reset.after(q)]
    if not fitting and not hasattr(reset.after, "optional"):
        raise TruthError("no trigger of frame %d" % rst.frame)
    if hasattr(reset.after, "each"):
        fitting = [q for q in fitting if q.ack == rst.seq]
    else:  # the newest, and what flew beside it: which of them drew this RST is not to be seen
        fitting = [q for q in fitting if q.ack == fitting[-1].ack
                   and fitting[-1].when - q.when < 0.005]
    # where the machine was slow it was sent twice: either is right
    frames = {p.frame for q in fitting for p in packets
              if p.original is q.original or (p.frame < rst.frame and again(p, q))}
    return frames | ({0} if hasattr(reset.after, "optional") else set())
