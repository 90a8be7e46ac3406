"""chain: a client, five routers in a row and a server, with a box of every kind on the way, and an
oracle that asks by plain packets what the chain itself does.

All is there at once, told apart by the port or the address that is asked for, so that many walks
can be under way at the same time. It decides which port meets what, never what a tracer should say.

    client - r1 - r2 --- r3 --- r4 --- r5 - server
                   |\\-- r3c -/         |       limited: as the kernel limits ICMP errors by itself
                   \\--- r3b -- r4b ----/       for what is balanced over two paths
"""

import collections
import concurrent.futures
import itertools
import socket
import struct
import time

import pytest

from forger import ear, packet, raw_sockets, send
from lab import DEADLINE, HERE, PYTHON, Host, LabError
from resets_play import (ACK, CLONE_NEWNET, FAMILY, LIBC, PSH, RST, SYN, SYN_OPTIONS, Segment,
                         enter_netns, is_tcp)

FAMILIES = [4, 6]
INFINITE = 255
TIME_EXCEEDED, PROHIBITED, NO_ROUTE = "time-exceeded", "prohibited", "no-route"
ROUTERS = [1, 2, 3, 4, 5]
TARGET = 6  # the distance of the server: the TTL that just gets there
LINK = {4: "10.202.%d.%d", 6: "fd02:9%d::%d"}
CLIENT = {f: LINK[f] % (0, 1) for f in LINK}
SERVER = {4: "10.202.100.%d", 6: "fd02:100::%d"}

# addresses of the server
PLAIN, BALANCED, LIMITED, MUTE = 1, 2, 3, 4
WIDE_RESET, WIDE_DROP, WIDE_ADMIN = 10, 20, 30  # + router: all ports
NOWHERE = {4: "10.203.1.1", 6: "fd03::1"}  # r3 has no way there
ABYSS = {4: "10.204.1.1", 6: "fd04::1"}    # nor has the client itself

# ports of the server, each a listener where not said otherwise
HTTP, ABORTING, CLOSED, FENCE = 80, 82, 83, 84  # answers; resets what it reads; none; none
RESET, DROP, ADMIN = 2000, 3000, 4000  # + router: to what it forwards
EARLY = 2100       # + router: reset as soon as it comes in
FREE = 2200        # nothing: a listener that never reads
ACK_RESET, SYN_RESET = 5000, 5100  # + router: segments with the one, not with the other
OCTET_RESET, OCTET_DROP = 5200, 5300  # + router: segments with octets, whatever they are
SILENT, OWN_ADMIN, OWN_RESET = 7000, 7001, 7002  # by the server's own firewall
FORGED = {"far": 6000, "near": 6010, "echo": 6020, "perfect": 6030, "mirror": 6040}  # + router
BESIDE = 6100      # + router: perfect, and the SYN goes on to the server
FORGED_DATA = 6200  # + router: perfect, only to octets, which go on
SAID_RESET, SAID_DROP = "reset-%d", "drop--%d"  # % router: octets that it does not like

MUTE_ROUTERS = (3, 4)   # say nothing of what expires there on its way to MUTE
FORGERS = (2, 3, 5)


def hop(router, family):
    """The address by which a router answers the client."""
    lane, k = ({"b": 10, "c": 20}[router[2]], int(router[1])) if isinstance(router, str) \
        else (0, router)
    return LINK[family] % (lane + k - 1, 2)


def server(n, family):
    return SERVER[family] % n


def payload(text):
    """nft's words for segments whose octets begin with a text."""
    return "@ih,0,%d 0x%s" % (8 * len(text), text.encode().hex())


ANY_OCTETS = "@ih,0,8 & 0x00 == 0x00"


def router_rules(k):
    """hook -> rules of router k."""
    reject = "reject with tcp reset"
    admin = "reject with icmpx type admin-prohibited"
    forward = [
        "tcp dport %d %s" % (RESET + k, reject), "tcp dport %d drop" % (DROP + k),
        "tcp dport %d %s" % (ADMIN + k, admin),
        "tcp dport %d tcp flags & (syn | ack) == ack %s" % (ACK_RESET + k, reject),
        "tcp dport %d tcp flags & (syn | ack) == syn %s" % (SYN_RESET + k, reject),
        "tcp dport %d %s %s" % (OCTET_RESET + k, ANY_OCTETS, reject),
        "tcp dport %d %s drop" % (OCTET_DROP + k, ANY_OCTETS),
        "meta l4proto tcp %s %s" % (payload(SAID_RESET % k), reject),
        "meta l4proto tcp %s drop" % payload(SAID_DROP % k)]
    forward += ["tcp dport %d drop" % (port + k) for port in FORGED.values() if k in FORGERS]
    output = []
    for family, ip, error, at in ((4, "ip", "icmp type time-exceeded", 24),
                                  (6, "ip6", "icmpv6 type time-exceeded", 32)):
        for base, verdict in ((WIDE_RESET, "meta l4proto tcp " + reject), (WIDE_DROP, "drop"),
                              (WIDE_ADMIN, admin)):
            forward.append("%s daddr %s %s" % (ip, server(base + k, family), verdict))
        if k in MUTE_ROUTERS:  # the destination that the error quotes
            dst = socket.inet_pton(FAMILY[family], server(MUTE, family))
            output.append("%s @th,%d,%d 0x%s drop" % (error, 8 * at, 8 * len(dst), dst.hex()))
    return {"forward": forward, "output": output,
            "prerouting": ["tcp dport %d %s" % (EARLY + k, reject)]}


OWN_RULES = ["tcp dport %d drop" % SILENT,
             "tcp dport %d reject with icmpx type admin-prohibited" % OWN_ADMIN,
             "tcp dport %d reject with tcp reset" % OWN_RESET]


class Chain:
    def __init__(self, lab):
        self.lab = lab
        self.client, self.server = lab.host("client"), lab.host("server")
        self.r = {k: lab.router("r%s" % k) for k in (*ROUTERS, "3b", "4b", "3c")}
        r = self.r
        row = [self.client, *(r[k] for k in ROUTERS), self.server]
        for i, (a, b) in enumerate(zip(row, row[1:])):
            self._link(i, a, "far", b, "near")
        self._link(12, r[2], "farb", r["3b"], "near")
        self._link(13, r["3b"], "far", r["4b"], "near")
        self._link(14, r["4b"], "far", r[5], "nearb")
        self._link(22, r[2], "farc", r["3c"], "near")
        self._link(23, r["3c"], "far", r[4], "nearc")
        for family in FAMILIES:
            self._routes(family)
        r[2].sysctl({"net.ipv4.fib_multipath_hash_policy": 1,
                     "net.ipv6.fib_multipath_hash_policy": 1})
        r["3c"].sysctl(Host.ICMP_LIMIT)
        for k in ROUTERS:
            r[k].firewall(**router_rules(k))
        self.server.firewall(input=OWN_RULES)
        self.server.listen(self.listening())
        self.server.helper("speak", HTTP, ABORTING)
        for k in FORGERS:
            self._forger(k)

    @staticmethod
    def listening():
        got = [SILENT, OWN_ADMIN, OWN_RESET, FREE]
        for base in (RESET, DROP, ADMIN, EARLY, ACK_RESET, SYN_RESET, OCTET_RESET,
                     OCTET_DROP, BESIDE, FORGED_DATA):
            got += [base + k for k in ROUTERS]
        return got

    def _link(self, i, a, dev_a, b, dev_b):
        ends = [[LINK[4] % (i, n) + "/24", LINK[6] % (i, n) + "/64"] for n in (1, 2)]
        self.lab.link(a, dev_a, b, dev_b, *ends)

    def _routes(self, family):
        far = {4: "10.202.100.0/24", 6: "fd02:100::/64"}[family]
        r = self.r
        for n in (PLAIN, BALANCED, LIMITED, MUTE, *(base + k for k in ROUTERS for base in (
                WIDE_RESET, WIDE_DROP, WIDE_ADMIN))):
            self.server.address("lo", server(n, family) + {4: "/32", 6: "/128"}[family])
        self.client.route("default", "via", LINK[family] % (0, 2))
        self.client.route("unreachable", ABYSS[family])
        r[3].route("unreachable", NOWHERE[family])
        self.server.route("default", "via", LINK[family] % (5, 1))
        for k in ROUTERS:
            if k > 1:
                r[k].route("default", "via", LINK[family] % (k - 1, 1))
            r[k].route(far, "via", LINK[family] % (k, 2))
        for k in (1, 2):
            r[k].route(NOWHERE[family], "via", LINK[family] % (k, 2))
        for k, near, on in (("3b", 12, 13), ("4b", 13, 14), ("3c", 22, 23)):
            r[k].route("default", "via", LINK[family] % (near, 1))
            r[k].route(far, "via", LINK[family] % (on, 2))
        r[2].route(server(BALANCED, family), "nexthop", "via", LINK[family] % (2, 2),
                   "nexthop", "via", LINK[family] % (12, 2))
        r[2].route(server(LIMITED, family), "via", LINK[family] % (22, 2))

    def _forger(self, k):
        ways = ["%d=%s" % (port + k, way) for way, port in FORGED.items()]
        ways += ["%d=perfect" % (BESIDE + k), "%d=perfect+data" % (FORGED_DATA + k)]
        self.lab.helper(self.r[k].within([PYTHON, HERE + "/forger.py", "near", TARGET - k, *ways]))

    def trace(self, *words, **kw):
        return Traced(self.client.rstprobe("trace", *words, "-n", "--format", "json", **kw))

    def trace_all(self, wishes, at_once=64):
        """key -> words, many at a time, since a walk mostly waits. Gives Asked."""
        def one(words):
            try:
                return self.trace(*words)
            except AssertionError as e:  # one that does not end is not the others' failure
                return e

        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            return Asked(zip(wishes, pool.map(one, wishes.values())))

    def oracle(self):
        return Oracle(self.client)


class Asked(dict):
    """key -> Traced, or to who looks it up, what the walk has raised."""

    def __getitem__(self, key):
        got = super().__getitem__(key)
        if isinstance(got, AssertionError):
            raise got
        return got


def turns(names, routers):
    """The parameters of a test: each walk of these names, at each router, in each family."""
    return pytest.mark.parametrize("name,k,family", list(itertools.product(
        names, routers, FAMILIES)))


# --- reading -------------------------------------------------------------------------------------

class Traced:
    """The records of a run with one target and one port."""

    def __init__(self, result):
        self.result = result
        assert result.status in (0, 1), result
        assert len(result.of("trace")) == 1, result
        (self.record,) = result.of("trace")
        self.hops = result.of("hop")
        print("%s port %s: %.2f s" % (self.record["addr"], self.record["port"], result.elapsed))

    def __repr__(self):
        return repr(self.result)

    def __getitem__(self, key):
        return self.record[key]

    @property
    def between(self):
        """(first, last), the latter infinite where it is not known; None where neither is."""
        pair = self.record.get("between")
        return pair and (pair[0], pair[1] or INFINITE)

    @property
    def clues(self):
        return " ".join(self.record["clues"])

    def answers(self, role="main", flow=0):
        """(ttl, address, reply) of all that came, and of silence, in the walks of that role."""
        for h in self.hops:
            if (h["role"], h["flow"]) == (role, flow):
                for said in (h, *h.get("also", ())):
                    yield h["ttl"], said["addr"], said["reply"]

    def by(self, role="main", flow=0):
        """ttl -> who says that it expired there."""
        return {ttl: addr for ttl, addr, reply in self.answers(role, flow)
                if reply == TIME_EXCEEDED}

    def silent(self, role="main", flow=0):
        return {ttl for ttl, _, reply in self.answers(role, flow) if reply == "none"}

    def reply(self, role="main", flow=0):
        """The first TTL that drew an answer which ends a way, and what it drew; Nones: none."""
        got = [(ttl, reply) for ttl, _, reply in self.answers(role, flow)
               if reply not in (TIME_EXCEEDED, "none")]
        return min(got) if got else (None, None)


# --- the oracle ----------------------------------------------------------------------------------

ICMP = {(4, 11, 0): TIME_EXCEEDED, (6, 3, 0): TIME_EXCEEDED, (4, 3, 13): PROHIBITED,
        (6, 1, 1): PROHIBITED, (4, 3, 1): NO_ROUTE, (6, 1, 0): NO_ROUTE}
KINDS = {SYN | ACK: "syn-ack", RST: "rst", RST | ACK: "rst-ack", ACK: "ack", ACK | PSH: "data"}

SPORTS = 16  # of one walk
Heard = collections.namedtuple("Heard", "kind by ttl")


class Oracle:
    """Sends single segments from the client and says what came back to each. Its own few lines of
    TCP: nothing of it is shared with what is tested."""

    _sports = itertools.count(20000, SPORTS)

    def __init__(self, client):
        self.client = client
        home = open("/proc/self/ns/net", "rb")
        enter_netns(client.ns)
        try:
            self.raw, self.ear = raw_sockets(), ear("far")
        finally:
            LIBC.setns(home.fileno(), CLONE_NEWNET)
            home.close()
        self.ear.settimeout(0.05)

    def close(self):
        for s in (self.ear, *self.raw.values()):
            s.close()

    def walk(self, dst, dport, wanted, flags=SYN, octets=b"", one_flow=False):
        """One segment a TTL for each key of `wanted`; until each has drawn what it says, a set of
        (kind, by), and a segment to the fence that left after them has been answered. Gives
        ttl -> [Heard]. With `one_flow` from one port: then none should arrive at the target, where
        each would be judged by the one before it."""
        family = 6 if ":" in dst else 4
        base = next(self._sports)
        ends = [socket.inet_pton(FAMILY[family], a) for a in (CLIENT[family], dst)]
        for ttl in wanted:
            number = 1000 * ttl
            send(self.raw, packet(*ends, base + (0 if one_flow else ttl), dport, number,
                                  number if flags & ACK else 0, flags, 1111, ttl, 4321,
                                  SYN_OPTIONS if flags == SYN else b"", octets))
        if not one_flow:  # some addresses answer nothing
            ends[1] = socket.inet_pton(FAMILY[family], server(PLAIN, family))
        send(self.raw, packet(*ends, base, FENCE))
        got = {ttl: [] for ttl in wanted}
        end, fenced = time.monotonic() + DEADLINE, False
        while not fenced or any(not wanted[t] <= {h[:2] for h in got[t]} for t in wanted):
            if time.monotonic() > end:
                raise LabError("%s port %d: %s, not %s" % (dst, dport, got, wanted))
            try:
                data = self.ear.recv(65536)
            except TimeoutError:
                continue
            sport, to, number, heard = read(data)
            if (sport, to) == (base, FENCE):
                fenced = True
            elif to == dport and sport is not None and 0 <= sport - base < SPORTS:
                got[number // 1000].append(heard)
        return got


def read(data):
    """(our source port, the port asked, the number of ours that it names, Heard) of what comes in;
    Nones where it is none of ours."""
    family = data[0] >> 4
    if family not in FAMILIES or len(data) < 40:
        return None, None, None, None
    head, proto = ((data[0] & 15) * 4, data[9]) if family == 4 else (40, data[6])
    source = data[12:16] if family == 4 else data[8:24]
    by, ttl = socket.inet_ntop(FAMILY[family], source), data[8 if family == 4 else 7]
    if is_tcp(data):
        seg = Segment(data)
        heard = Heard(KINDS.get(seg.flags, hex(seg.flags)), by, ttl)
        return seg.dport, seg.sport, seg.ack if seg.flags & ACK else seg.seq, heard
    if proto == (1 if family == 4 else 58) and len(data) >= head + 8:
        kind = ICMP.get((family, data[head], data[head + 1]), "icmp")
        quoted = data[head + 8 + (20 if family == 4 else 40):]
        if len(quoted) >= 8:
            return (*struct.unpack("!HHI", quoted[:8]), Heard(kind, by, ttl))
    return None, None, None, None
