"""The ways out: frames by packet sockets, the raw way for what has no known neighbour, gateways.

wirekit (test_wire.py says how) sends; what left by the kernel's own way is what its OUTPUT chain has
counted, which no packet socket's frame passes.
"""

import errno
import itertools
import os
import shutil

import pytest

from lab import SYN, many_neighbours, until
from test_wire import Kit, Lines

NEAR, NEAR6, FAR, FAR6 = "10.206.0.1", "fd16::1", "10.206.0.2", "fd16::2"
BEYOND, BEYOND6 = "10.207.0.9", "fd17::9"
NOWHERE, NOWHERE6 = "10.208.0.9", "fd18::9"  # by a gateway that isn't there
AWAY, AWAY6 = "10.206.0.99", "fd16::99"
PORT, PORT_FLOOD = 80, 9

SNIFF = """
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("wire0", 0))
print("READY", flush=True)
while True:
    frame, to = s.recvfrom(2048)
    ip = frame[14:]
    if to[2] != socket.PACKET_OUTGOING and 6 in (ip[9] if ip[0] >> 4 == 4 else None, ip[6]):
        print(frame.hex(), flush=True)
"""

_ports = itertools.count(46000)


class WayKit(Kit):
    """A kit that may be refused to send, and has no ears."""

    seq = 1000

    def attempt(self, octets=0):
        """0 or the errno of one SYN, never the same as another."""
        self.seq += 1
        answer = self.say("send", self.first, PORT, SYN, self.seq, 0, octets)
        return 0 if answer == "sent 1" else int(answer.split()[2])

    def tally(self, *words):
        """What became of many: errno's name -> how many; `sent` too."""
        _, sent, *rest = self.say(*words).split()
        return dict({k: int(v) for k, _, v in (w.partition("=") for w in rest)}, sent=int(sent))

    def hear(self):
        """Frames and news are taken in."""
        line = self.say("recv", 5)
        while line != "end":
            line = self.lines.get()

    def path(self):
        self.hear()
        return self.say("path")

    def neighs(self, n):
        return {k: int(v) for k, _, v in (w.partition("=")
                                          for w in self.say("neighs", n).split()[1:])}


class Net:
    """near -- far, where far is a gateway too."""

    def __init__(self, lab):
        self.lab = lab
        self.near, self.far = lab.host("near"), lab.router("far")
        lab.link(self.near, "wire0", self.far, "wire0", (NEAR + "/16", NEAR6 + "/64"),
                 (FAR + "/16", FAR6 + "/64"))
        self.routes()
        self.far.address("lo", BEYOND + "/32", BEYOND6 + "/128")
        self.near.kit = lab.path("wirekit")
        shutil.copy(os.path.join(os.environ["builddir"], "tests", "lab", "wirekit"),
                    self.near.kit)
        self.sniffer = None

    def routes(self):
        for net, gate in (("10.207.0.0/16", FAR), ("fd17::/64", FAR6),
                          ("10.208.0.0/16", AWAY), ("fd18::/64", AWAY6)):
            self.near.route(net, "via", gate)

    def kit(self, *words):
        return WayKit(self.near, *words, next(_ports), 1, 0, 0)

    def frames(self):
        """The TCP frames that arrive at far, from now on."""
        process = self.lab.helper(self.far.within(["/usr/bin/python3", "-c", SNIFF]))
        return Lines(process.stdout)

    def count_raw(self):
        """From now on count what near sends by its OUTPUT chain."""
        self.near.firewall(("raw",), output=["meta l4proto tcp counter name raw"])

    def lost(self):
        """Frames that far had no room for."""
        return self.near.read_int("/sys/class/net/wire0/statistics/tx_dropped")

    @property
    def raw(self):
        return self.near.counter("raw")

    def timing(self, retrans, reachable=30000, delay=5):
        for family in ("ipv4", "ipv6"):
            self.near.sysctl({"net.%s.neigh.wire0.%s" % (family, k): v for k, v in (
                ("retrans_time_ms", retrans), ("base_reachable_time_ms", reachable),
                ("delay_first_probe_time", delay))})

    def forget(self):
        self.near.ip("neigh", "flush", "all")

    def packet_sockets(self):
        """(protocol, running) of each of near's."""
        rows = self.near.sh("cat", "/proc/net/packet").stdout.splitlines()[1:]
        return [(row.split()[3], row.split()[5]) for row in rows]


@pytest.fixture(scope="module")
def built(lab):
    return Net(lab)


@pytest.fixture
def net(built):
    """As new: nobody knows anybody, the kernel takes a second for each question."""
    built.timing(1000)
    built.far.firewall()
    built.forget()
    built.count_raw()
    return built


both = pytest.mark.parametrize("target", [FAR, FAR6])


def send_frame(net, kit, octets=0):
    """One SYN by the packet socket: what was sent. The next hop is got to know first."""
    def attempt():
        before = net.raw
        assert kit.attempt(octets) == 0
        kit.hear()
        return net.raw == before
    until("a frame", attempt)
    return kit.say("last").split()[1]


# --- frames -------------------------------------------------------------------------------------

@pytest.mark.parametrize("target", [FAR, FAR6, BEYOND, BEYOND6])
def test_frames_are_right_to_the_octet(net, target):
    near, far = ("".join(h.sh("cat", "/sys/class/net/wire0/address").stdout.strip().split(":"))
                 for h in (net.near, net.far))
    frames = net.frames()
    with net.kit("tx=packet", target) as kit:
        for octets in (0, 7):
            packet = send_frame(net, kit, octets)
            frame = next(f for f in iter(frames.get, None) if f.endswith(packet))
            assert frame == far + near + ("86dd" if ":" in target else "0800") + packet


def test_link_local_target(net):
    with net.kit("tx=packet", net.far.link_local("wire0") + "%wire0") as kit:
        send_frame(net, kit)


def test_packet_sockets_are_no_taps(net):
    """Protocol 0: the kernel hands them nothing. The other one listens."""
    with net.kit("tx=packet", "lanes=4", FAR) as kit:
        send_frame(net, kit)
        sockets = net.packet_sockets()
        assert sockets.count(("0000", "0")) == 4
        assert len(sockets) == 5


@both
def test_lanes_send_at_once(net, target):
    net.far.firewall(("syns",), prerouting=["tcp dport %d counter name syns drop" % PORT_FLOOD])
    with net.kit("tx=packet", "lanes=4", target) as kit:
        send_frame(net, kit)
        before, lost = net.raw, net.lost()
        tally = kit.tally("flood", 20000)
        assert tally["EAGAIN"] == tally["EHOSTUNREACH"] == tally["other"] == 0
        assert tally["sent"] + tally["ENOBUFS"] == 80000
        # what finds the far end's queue full is lost, as on any link, and counted there
        until("all to arrive", lambda: net.far.counter("syns") + net.lost() - lost
              >= tally["sent"])
        assert net.far.counter("syns") <= tally["sent"]
        # the kernel is shown now and then that the neighbour is in use
        assert net.raw - before < 1000


@pytest.mark.parametrize("words,packets", [
    (("tx=raw", "probes=100000", FAR), 0),
    (("tx=auto", "probes=100", FAR), 0),
    (("tx=auto", "probes=100000", FAR), 1),
    (("tx=auto", "probes=100000", "127.0.0.1"), 0),
    (("tx=auto", "probes=100000", NEAR6), 0),
])
def test_way_by_itself(net, words, packets):
    with net.kit(*words) as kit:
        assert net.packet_sockets().count(("0000", "0")) == packets
        assert kit.attempt() == 0


@pytest.mark.parametrize("way", ["packet", "xdp"])
def test_no_frames_to_ourselves(net, way):
    kit = net.kit("tx=" + way, "127.0.0.1")
    assert kit.hello.startswith("failed sending: lo: --tx " + way), kit.hello
    assert "--tx raw" in kit.hello


def test_interface_goes_down(net):
    kit = net.kit("tx=packet", FAR)
    send_frame(net, kit)
    net.near.ip("link", "set", "wire0", "down")
    try:
        assert kit.attempt() in (errno.ENETDOWN, errno.ENETUNREACH)
        with pytest.raises(AssertionError, match="failed wire0: the interface went down"):
            kit.hear()
    finally:
        net.near.address("wire0", NEAR6 + "/64")
        net.routes()


# --- neighbours ---------------------------------------------------------------------------------

ABSENT, ABSENT6 = "10.206.1.0", "fd16::1:0"
absent = pytest.mark.parametrize("target", [ABSENT, ABSENT6])


@absent
def test_who_is_not_there_gets_a_few_packets(net, target):
    with net.kit("tx=packet", target) as kit:
        assert kit.tally("spread", 1, 100) == {
            "sent": 4, "EAGAIN": 96, "EHOSTUNREACH": 0, "ENOBUFS": 0, "other": 0}
        assert net.raw == 4


@absent
def test_so_many_are_asked_for_at_once(net, target):
    """And whoever is known is not held up by them."""
    there = target[:-1] + "64"
    net.far.ip("addr", "add", there + ("/128" if ":" in there else "/32"), "dev", "wire0",
               *(["nodad"] if ":" in there else []))
    try:
        with net.kit("tx=packet", there) as kit:
            send_frame(net, kit)
        with many_neighbours(), net.kit("tx=packet", target) as kit:
            before = net.raw
            tally = kit.tally("spread", 1000, 10)
            shown = net.raw - before
            net.forget()
        assert tally["EHOSTUNREACH"] == tally["ENOBUFS"] == tally["other"] == 0
        assert tally["sent"] == 512 * 4 + 10
        # all but those to the one who is there; the kernel itself was shown one of them
        assert 512 * 4 <= shown < tally["sent"]
    finally:
        net.far.ip("addr", "del", there + ("/128" if ":" in there else "/32"), "dev", "wire0")


@absent
def test_nobody_there(net, target):
    """Asked for, then said so; and believed again when the kernel hears of him."""
    net.timing(30)
    with net.kit("tx=packet", target) as kit:
        errors = set()

        def unreachable():
            kit.hear()
            errors.add(kit.attempt())
            return errno.EHOSTUNREACH in errors
        until("EHOSTUNREACH", unreachable)
        assert errors <= {0, errno.EAGAIN, errno.EHOSTUNREACH}
        assert 1 <= net.raw <= 4
        assert kit.attempt() == errno.EHOSTUNREACH
        bits = "/128" if ":" in target else "/32"
        net.far.ip("addr", "add", target + bits, "dev", "wire0",
                   *(["nodad"] if bits == "/128" else []))
        try:
            net.far.sh("ping", "-c", "1", "-W", "5", "-I", target,
                       NEAR6 if ":" in target else NEAR)
            until("him to be known", lambda: (kit.hear(), kit.attempt() == 0)[1])
        finally:
            net.far.ip("addr", "del", target + bits, "dev", "wire0")


NO_ANSWERS = """
table arp a {
	chain i {
		type filter hook input priority 0
		drop
	}
}
table ip6 n {
	chain i {
		type filter hook input priority 0
		icmpv6 type nd-neighbor-solicit drop
	}
}
"""


@pytest.mark.parametrize("target,gate,what", [
    (BEYOND, FAR, "ARP"), (BEYOND6, FAR6, "neighbour discovery")])
def test_gateway_goes_silent_in_the_middle(net, target, gate, what):
    net.timing(30, reachable=100, delay=0)
    with net.kit("tx=packet", target) as kit:
        send_frame(net, kit)
        # taken out by hand is not gone
        net.forget()
        assert kit.path() == "up"
        send_frame(net, kit)
        # frames alone would leave it at that: the kernel must be shown that it is in use
        until("the kernel to have no need of it", lambda: "STALE" in net.near.ip(
            "neigh", "show", gate, "dev", "wire0").stdout)
        net.far.sh("nft", "-f", "-", input=NO_ANSWERS)

        def lost():
            kit.attempt()
            path = kit.path()
            return path != "up" and path
        assert until("the loss", lost) == (
            "down wire0: the gateway %s no longer answers %s (neighbour failed)" % (gate, what))


@pytest.mark.parametrize("target,gate,what", [
    (NOWHERE, AWAY, "ARP"), (NOWHERE6, AWAY6, "neighbour discovery")])
def test_gateway_that_never_answers(net, target, gate, what):
    """Believed when it has failed twice."""
    net.timing(30)
    with net.kit("tx=packet", target) as kit:
        def lost():
            kit.attempt()
            path = kit.path()
            return path != "up" and path
        assert until("the loss", lost) == (
            "down wire0: the gateway %s does not answer %s (neighbour failed)" % (gate, what))
        assert 2 <= net.raw <= 8
        assert kit.attempt() == errno.EHOSTUNREACH


# --- the kernel's table -------------------------------------------------------------------------

def mac_of(target, i):
    """What wirekit calls right: 02:00 and the last four octets of the address."""
    if ":" in target:
        return "fd16::1:%x" % i, "02:00:00:01:%02x:%02x" % (i >> 8, i & 255)
    return ("10.206.%d.%d" % (1 + (i >> 8), i & 255),
            "02:00:0a:ce:%02x:%02x" % (1 + (i >> 8), i & 255))


@absent
def test_neighbours_of_the_kernel(net, target):
    """By the first dump, by notices, and by the dump after so many that notices were lost."""
    def change(verb, numbers, mac=None):
        lines = ("neigh %s %s dev wire0%s" % (
            verb, mac_of(target, i)[0], " lladdr %s nud permanent" % (mac or mac_of(target, i)[1])
            if verb == "replace" else "") for i in numbers)
        net.near.sh("ip", "-batch", "-", input="\n".join(lines) + "\n")

    with net.kit("tx=raw", target) as kit:
        try:
            change("replace", range(0, 700))
            now = kit.neighs(4000)
            assert (now["known"], now["right"], now["unknown"]) == (700, 700, 3300)
            change("replace", range(700, 900))
            change("replace", range(0, 10), "02:ff:00:00:00:00")
            change("del", range(100, 150))
            now = kit.neighs(4000)
            assert (now["known"], now["right"], now["unknown"]) == (850, 840, 3150)
            change("replace", range(0, 4000))
            change("del", range(500, 3000))
            change("replace", range(10, 20), "02:ff:00:00:00:00")
            now = kit.neighs(4000)
            assert (now["known"], now["right"], now["unknown"]) == (1500, 1490, 2500)
            assert now["failures"] == 0
        finally:
            net.forget()
            net.near.ip("neigh", "flush", "nud", "permanent", "dev", "wire0")


# --- the end ------------------------------------------------------------------------------------

def test_rest_gives_back_what_listens_while_the_run_goes_on(net):
    with net.kit("tx=packet", "lanes=4", FAR) as kit:
        until("frames", lambda: kit.attempt() == 0 and kit.hear() is None and
              kit.say("stats") != "stats 0")
        before = kit.say("stats")
        assert kit.say("rest") == "ok"
        until("the sockets to go", lambda: not net.packet_sockets())
        assert kit.say("stats") == before
        assert kit.say("path") == "up"
        assert kit.say("rest") == "ok"
