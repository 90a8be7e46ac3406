"""--tx xdp: what AF_XDP sends arrives octet by octet, and what it can't send goes another way or is
said; never lost, never twice.

xdpkit opens the wire as a command does, drops all privilege, and sends what it is told. The near
end has four TX queues. What goes by AF_XDP passes the queueing discipline by; all else is counted
there.
"""

import errno
import json
import os
import re
import socket
import struct
import subprocess
import threading

import pytest

from lab import DEADLINE, command, until
from resets_play import checksum, enter_netns

NEAR, NEAR6, FAR, FAR6 = "10.206.0.1", "fd16::1", "10.206.0.2", "fd16::2"
QUEUES, BATCH = 4, 64
FRAME = 2048 - 14  # what a packet must fit into
WITHOUT = "built without libxdp"
SO_RCVBUFFORCE, ROOM = 33, 1 << 24

# what a container leaves of it may be less than a ring takes
ROOMY = ["sh", "-c", 'ulimit -l unlimited 2>/dev/null; exec "$@"', "sh"]

COUNT_AND_DROP = """
table netdev t {
	counter seen { }
	chain ingress {
		type filter hook ingress device "x0" priority 0
		meta l4proto tcp counter name seen drop
	}
}
"""


class Kit:
    """xdpkit at work: its answer to each line."""

    def __init__(self, host, lanes, *targets, wrap=()):
        kit = os.path.join(os.environ["builddir"], "tests", "lab", "xdpkit")
        self.err = host.lab.scratch("kit")
        self.process = subprocess.Popen(
            host.within([*wrap, kit, lanes, *targets]), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.err, text=True)
        host.lab.processes.append(self.process)
        self.hello = self.process.stdout.readline().strip()

    def __enter__(self):
        assert self.hello == "ready", self.hello
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        status = self.process.wait(DEADLINE)
        self.err.seek(0)
        assert status == 0, (status, self.err.read())

    def refused(self):
        """Why it did not open, and whether that was for want of privilege."""
        assert self.process.wait(DEADLINE) == 1, self.hello
        word, denied, why = self.hello.split(" ", 2)
        assert word == "failed", self.hello
        return why, denied == "1"

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def send(self, lane, packets, path=0):
        """The errno of each, having looked that the sum is right."""
        answer = self.say("send", lane, *["%d:%s" % (path, p.hex()) for p in packets])
        got = re.fullmatch(r"sent (\d+) at=(\d)((?: -?\d+)+)", answer)
        assert got, answer
        errors = [int(word) for word in got.group(3).split()]
        assert len(errors) == len(packets) and errors.count(0) == int(got.group(1)), answer
        assert got.group(2) == "1" or 0 not in errors, answer
        return errors

    def flood(self, lanes, batches, packet):
        answer = self.say("flood", lanes, batches, "0:" + packet.hex())
        assert answer.startswith("sent "), answer
        return int(answer.split()[1])


class Tap:
    """All TCP that comes to an interface, as frames."""

    def __init__(self, ns, dev):
        self.socket = self.frames = None
        opened = threading.Thread(target=self._open, args=(ns, dev))  # it alone goes there
        opened.start()
        opened.join()
        assert self.frames == [], "no socket in " + ns

    def _open(self, ns, dev):
        enter_netns(ns)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setblocking(False)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        except PermissionError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        self.socket.bind((dev, 3))
        self.frames = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def look(self):
        try:
            while True:
                frame = self.socket.recv(65536)
                if (frame[12:14], frame[23]) == (b"\x08\0", 6) or (
                        frame[12:14], frame[20]) == (b"\x86\xdd", 6):
                    self.frames.append(frame)
        except BlockingIOError:
            return self.frames

    def take(self, n):
        """The next n, and whatever is there beyond."""
        until("%d frames" % n, lambda: len(self.look()) >= n)
        taken, self.frames = self.frames, []
        return taken


def packet(target, n, octets=0):
    """A SYN to port n that carries octets of its own."""
    data = bytes((n + i) & 0xFF for i in range(octets))
    tcp = struct.pack("!HHIIHHHH", 40000, n, 7 * n, 0, 0x5002, 1024, 0, 0) + data
    if ":" in target:
        return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + socket.inet_pton(
            socket.AF_INET6, NEAR6) + socket.inet_pton(socket.AF_INET6, target) + tcp
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), n, 0x4000, 64, 6, 0) + \
        socket.inet_aton(NEAR) + socket.inet_aton(target)
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp


def frame(net, ip):
    """As it must arrive."""
    return net.far_mac + net.mac + (b"\x86\xdd" if ip[0] >> 4 == 6 else b"\x08\0") + ip


def mac(host):
    text = host.sh("cat", "/sys/class/net/x0/address").stdout
    return bytes.fromhex(text.strip().replace(":", ""))


def past_xdp(net):
    """Frames so far that did not go by AF_XDP."""
    text = net.sh("tc", "-s", "-j", "qdisc", "show", "dev", "x0").stdout
    return sum(q["packets"] for q in json.loads(text))


def xdp_sockets(net):
    text = net.sh("cat", "/proc/net/protocols").stdout
    return int(re.search(r"^XDP +\d+ +(\d+)", text, re.M).group(1))


def lay(lab, near, far, **words):
    extra = [w for pair in words.items() for w in map(str, pair)]
    command(["ip", "link", "add", "name", "x0", "netns", near.ns, *extra, "type", "veth",
             "peer", "name", "x0", "netns", far.ns, *extra])


@pytest.fixture(scope="module")
def net(lab):
    near, far = lab.host("near"), lab.host("far")
    lay(lab, near, far, mtu=9000, numtxqueues=QUEUES, numrxqueues=QUEUES)
    near.address("x0", NEAR + "/24", NEAR6 + "/64")
    far.address("x0", FAR + "/24", FAR6 + "/64")
    for host in (near, far):
        host.link_local("x0")
    far.sh("nft", "-f", "-", input=COUNT_AND_DROP)
    near.sh("tc", "qdisc", "replace", "dev", "x0", "root", "pfifo")
    near.far, near.mac, near.far_mac = far, mac(near), mac(far)
    near.ip("neigh", "replace", FAR, "lladdr", far_text(near), "dev", "x0")
    near.ip("neigh", "replace", FAR6, "lladdr", far_text(near), "dev", "x0")
    return near


def far_text(net):
    return net.far_mac.hex(":")


@pytest.fixture(scope="module")
def why_not(net):
    """Why it can't be had here, or None."""
    kit = Kit(net, 1, FAR)
    if kit.hello != "ready":
        return kit.refused()
    with kit:
        return None


@pytest.fixture(scope="module")
def xdp(net, why_not):
    """The net, where AF_XDP is to be had."""
    if why_not:
        excuses = [WITHOUT, "locked memory", os.strerror(errno.EAFNOSUPPORT)]
        assert any(e in why_not[0] for e in excuses), why_not
        pytest.skip(why_not[0])
    return net


both = pytest.mark.parametrize("target", [FAR, FAR6])


def test_built_without(why_not):
    if not why_not or WITHOUT not in why_not[0]:
        pytest.skip("built with libxdp")
    why, denied = why_not
    assert "configure --with-xdp" in why and "libxdp-dev" in why and not denied


# --- what arrives -------------------------------------------------------------------------------

@both
def test_octet_by_octet(xdp, target):
    """More than a batch, of all lengths up to what fits, in order."""
    packets = [packet(target, 1 + i, i * 14) for i in range(2 * BATCH + 7)]
    packets.append(packet(target, 500, FRAME - len(packet(target, 500))))
    with Kit(xdp, 1, target) as kit, Tap(xdp.far.ns, "x0") as tap:
        before = past_xdp(xdp)
        assert kit.send(0, packets) == [0] * len(packets)
        assert tap.take(len(packets)) == [frame(xdp, p) for p in packets]
        # the kernel is shown now and then that the neighbour is in use: once, unless it is slow
        assert past_xdp(xdp) - before < len(packets) // 4


@both
def test_what_is_too_long_for_a_frame(xdp, target):
    """It goes another way, and the order stays."""
    packets = [packet(target, 1 + i, 20) for i in range(9)]
    for i in (3, 4, 7):
        packets[i] = packet(target, 1 + i, FRAME - len(packet(target, 1)) + i - 2)
    with Kit(xdp, 1, target) as kit, Tap(xdp.far.ns, "x0") as tap:
        assert kit.send(0, packets) == [0] * 9
        assert tap.take(9) == [frame(xdp, p) for p in packets]


@both
def test_lanes_beyond_the_queues(xdp, target):
    with Kit(xdp, QUEUES + 2, target) as kit, Tap(xdp.far.ns, "x0") as tap:
        assert xdp_sockets(xdp) == QUEUES
        for lane in range(QUEUES + 2):
            packets = [packet(target, 100 * lane + i) for i in range(BATCH)]
            before = past_xdp(xdp)
            assert kit.send(lane, packets) == [0] * BATCH
            assert tap.take(BATCH) == [frame(xdp, p) for p in packets]
            # the kernel's own word to the neighbour goes that way, too
            other = past_xdp(xdp) - before - (BATCH if lane >= QUEUES else 0)
            assert 0 <= other < BATCH // 4


def test_fewer_lanes_than_queues(xdp):
    with Kit(xdp, 2, FAR):
        assert xdp_sockets(xdp) == 2


def test_paths_of_an_interface_share_its_queues(xdp):
    with Kit(xdp, QUEUES + 1, FAR, FAR6) as kit, Tap(xdp.far.ns, "x0") as tap:
        assert xdp_sockets(xdp) == QUEUES
        for lane in range(QUEUES + 1):
            for path, target in enumerate((FAR, FAR6)):
                packets = [packet(target, 100 * lane + i) for i in range(3)]
                assert kit.send(lane, packets, path) == [0] * 3
                assert tap.take(3) == [frame(xdp, p) for p in packets]


def test_all_lanes_at_the_same_time(xdp):
    """All is sent that is said to be, and nothing twice: frames come back into use many times."""
    batches = 100
    with Kit(xdp, QUEUES + 2, FAR) as kit:
        def arrived():
            return xdp.far.counter("seen", "netdev t")

        # what finds the far end's queue full is lost, as on any link, and counted there
        def lost():
            return xdp.read_int("/sys/class/net/x0/statistics/tx_dropped")
        before, gone = arrived(), lost()
        sent = kit.flood(QUEUES + 2, batches, packet(FAR, 9))
        assert sent == (QUEUES + 2) * batches * BATCH
        until("all to arrive", lambda: arrived() - before + lost() - gone >= sent)
        assert arrived() - before <= sent


@both
def test_a_neighbour_that_is_not_known_yet(xdp, target):
    """The kernel asks for it; then AF_XDP is what is used."""
    xdp.ip("neigh", "del", target, "dev", "x0")
    try:
        with Kit(xdp, 1, target) as kit, Tap(xdp.far.ns, "x0") as tap:
            assert kit.send(0, [packet(target, 1)]) == [0]
            assert tap.take(1) == [frame(xdp, packet(target, 1))]
            packets = [packet(target, i) for i in range(BATCH)]

            def by_xdp():
                kit.say("recv", 20)
                before = past_xdp(xdp)
                return 0 in kit.send(0, packets) and past_xdp(xdp) - before < BATCH // 4
            until("frames to go by AF_XDP", by_xdp)
    finally:
        xdp.ip("neigh", "replace", target, "lladdr", far_text(xdp), "dev", "x0")


# --- links that fail ----------------------------------------------------------------------------

@pytest.fixture
def alone(lab, xdp):
    """A link that may be broken."""
    near, far = lab.host("near"), lab.host("far")
    lay(lab, near, far)
    near.address("x0", NEAR + "/24")
    far.address("x0", FAR + "/24")
    near.link_local("x0")
    near.far, near.mac, near.far_mac = far, mac(near), mac(far)
    near.ip("neigh", "replace", FAR, "lladdr", far_text(near), "dev", "x0")
    return near


@pytest.mark.parametrize("end", ["near", "far"])
def test_what_did_not_leave_is_said_and_never_leaves(alone, end):
    host = alone if end == "near" else alone.far
    late = [packet(FAR, 100 + i) for i in range(BATCH)]
    with Kit(alone, 1, FAR) as kit:
        assert kit.send(0, [packet(FAR, 1), packet(FAR, 2)]) == [0, 0]  # the kernel was shown
        host.ip("link", "set", "dev", "x0", "down")
        for _ in range(5):
            errors = kit.send(0, late)
            # of the two the first may be the kernel's again, which has words of its own
            assert set(errors[1:]) == {errno.ENETDOWN if end == "near" else errno.ENOBUFS}, errors
        host.ip("link", "set", "dev", "x0", "up")
        alone.link_local("x0")
        with Tap(alone.far.ns, "x0") as tap:
            packets = [packet(FAR, 1 + i) for i in range(BATCH)]
            until("the link", lambda: kit.send(0, packets[:1]) == [0] and tap.look())
            del tap.frames[:]
            for _ in range(5):
                errors = kit.send(0, packets)
                sent = [frame(alone, p) for p, e in zip(packets, errors) if e == 0]
                assert len(sent) > BATCH // 2, errors
                assert tap.take(len(sent)) == sent


def test_an_interface_that_goes(alone):
    with Kit(alone, 1, FAR) as kit:
        assert kit.send(0, [packet(FAR, 1), packet(FAR, 2)]) == [0, 0]
        alone.ip("link", "del", "x0")
        assert kit.send(0, [packet(FAR, i) for i in range(3)]).count(0) == 0


# --- what is refused ----------------------------------------------------------------------------

def test_a_queue_that_another_program_has(xdp):
    with Kit(xdp, 2, FAR):
        why, denied = Kit(xdp, 4, FAR).refused()
        assert "x0" in why and "another program" in why and "queue 0" in why, why
        assert "--tx packet" in why and not denied
    for _ in range(3):  # and given back it is there at once
        with Kit(xdp, 4, FAR):
            pass


def test_without_privilege(xdp):
    why, denied = Kit(xdp, 1, FAR, wrap=["setpriv", "--inh-caps=-net_raw",
                                         "--bounding-set=-net_raw"]).refused()
    assert denied and "CAP_NET_RAW" in why, why


def test_raw_alone_is_enough(xdp):
    kit = Kit(xdp, 1, FAR, wrap=[*ROOMY, "setpriv", "--inh-caps=-all,+net_raw",
                                 "--bounding-set=-all,+net_raw"])
    if "locked memory" in kit.hello:
        pytest.skip(kit.refused()[0])
    with kit:
        assert kit.send(0, [packet(FAR, i) for i in range(3)]) == [0] * 3


def test_too_little_locked_memory(xdp):
    why, denied = Kit(xdp, 1, FAR, wrap=["setpriv", "--inh-caps=-ipc_lock",
                                         "--bounding-set=-ipc_lock", "prlimit",
                                         "--memlock=65536"]).refused()
    assert "locked memory" in why and "ulimit -l" in why and not denied, why


def test_what_is_no_ethernet(xdp):
    why, denied = Kit(xdp, 1, "127.0.0.1").refused()
    assert "Ethernet" in why and "--tx raw" in why and not denied, why
