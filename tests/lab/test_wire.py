"""The live wire itself: quiet ports, kernel connections with raw segments beside them, held ports.

wirekit opens the wire as a command does, drops all privilege, and then does one thing a line.
"""

import itertools
import os
import queue
import re
import shutil
import subprocess
import threading

import pytest

from lab import ACK, DEADLINE, REAL_ROOT, RST, SYN, until

FIN, PSH = 1, 8
NEAR, NEAR6, FAR, FAR6 = "10.205.0.1", "fd15::1", "10.205.0.2", "fd15::2"
OPEN, CLOSED, WITNESS, TALKER = 80, 81, 7, 9
MANY = "8000-8199"
RAW_ALONE = ["setpriv", "--inh-caps=-all,+net_raw", "--bounding-set=-all,+net_raw"]
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + RAW_ALONE[1:] + [
    "--ambient-caps=-all,+net_raw"]
WHO = {"root": [], "raw-alone": RAW_ALONE, "nobody": AS_NOBODY}


RSTS = """
table inet t {
	set rsts { type inet_service; flags dynamic; }
	chain prerouting {
		type filter hook prerouting priority 0
		tcp flags & rst == rst add @rsts { tcp sport }
	}
}
"""


class Lines:
    """What a process prints, line by line, each waited for with a deadline."""

    def __init__(self, stream):
        self.queue = queue.Queue()
        threading.Thread(target=self._pump, args=(stream,), daemon=True).start()

    def _pump(self, stream):
        try:
            for line in stream:
                self.queue.put(line.rstrip("\n"))
        except ValueError:
            pass  # closed with the lab
        self.queue.put(None)

    def get(self, deadline=DEADLINE):
        return self.queue.get(timeout=deadline)


class Kit:
    """wirekit at work: its answer to each word."""

    def __init__(self, host, *words, wrap=()):
        self.err = host.lab.scratch("kit")
        self.process = subprocess.Popen(
            host.within([*wrap, host.kit, *words]), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.err, text=True)
        host.lab.processes.append(self.process)
        self.lines = Lines(self.process.stdout)
        self.frames = []
        self.hello = self.lines.get() or ""
        for word in self.hello.split()[1:] if self.ready else ():
            key, _, value = word.partition("=")
            setattr(self, key, int(value))

    @property
    def ready(self):
        return self.hello.startswith("ready ")

    def __enter__(self):
        assert self.ready, self.hello
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """It ends when there is nothing more to do, and must end well: no signal, no error."""
        if not self.process.stdin.closed:
            self.process.stdin.close()
            status = self.process.wait(DEADLINE)
            self.err.seek(0)
            assert status == 0, (status, self.err.read())

    def say(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.lines.get()
        assert answer and not answer.startswith("failed"), answer
        return answer

    def send(self, sport, dport, flags, seq=1000, ack=0, octets=0):
        assert self.say("send", sport, dport, flags, seq, ack, octets) == "sent 1"

    def open(self, sport, dport):
        answer = self.say("open", sport, dport)
        assert answer.startswith("conn "), answer
        return int(answer.split()[1])

    def receive(self):
        line = self.say("recv", 50)
        while line != "end":
            words = line.partition(" text=")[0].split()
            self.frames.append({k: int(v) for k, v in (w.split("=") for w in words[1:])})
            line = self.lines.get()

    def frame(self, what, test, count=1):
        """The count-th of the frames so far and to come that passes the test."""
        def look():
            found = [f for f in self.frames if test(f)]
            return found[count - 1:] or self.receive()
        return until(what, look)[0]

    def syn_ack(self, sport, count=1):
        return self.frame("a SYN-ACK", lambda f: f["dport"] == sport
                          and f["flags"] & (SYN | ACK) == SYN | ACK, count)


@pytest.fixture(scope="module")
def net(lab):
    """Two hosts with nothing between them: what one sends arrives with its first TTL."""
    near, far = lab.host("near"), lab.host("far")
    lab.link(near, "wire0", far, "wire0", (NEAR + "/24", NEAR6 + "/64"),
             (FAR + "/24", FAR6 + "/64"))
    near.far = far
    # where nobody, too, may run it
    near.kit = far.kit = lab.path("wirekit")
    shutil.copy(os.path.join(os.environ["builddir"], "tests", "lab", "wirekit"), near.kit)
    os.chmod(near.kit, 0o755)
    os.chmod(lab.dir, 0o755)
    far.listen([OPEN, MANY])
    # by port: what an earlier test left half-open is reset whenever the far end asks again
    far.sh("nft", "-f", "-", input=RSTS)
    far.witness = Lines(far.helper("witness", WITNESS).stdout)
    far.talker = Lines(far.helper("witness", TALKER, 40000).stdout)
    return near


@pytest.fixture(params=WHO)
def wrap(request):
    if request.param == "nobody" and not REAL_ROOT:
        pytest.skip("needs real root")
    return WHO[request.param]


@pytest.fixture
def ttl255(net):
    def set_both(value):
        net.far.sysctl({"net.ipv4.ip_default_ttl": value,
                        "net.ipv6.conf.wire0.hop_limit": value})
    set_both(255)
    yield
    set_both(64)


both = pytest.mark.parametrize("target", [FAR, FAR6])


_blocks = itertools.count(45000, 16)


def fresh():
    """Ports that no test before has used: what is said of them is said by this one."""
    return next(_blocks)


def reset_from(net, port):
    """Has a RST from this port of ours come to the far end?"""
    text = net.far.sh("nft", "list", "set", "inet", "t", "rsts").stdout
    return str(port) in re.findall(r"\d+", text.partition("elements")[2])


def half_open(net, port):
    """Has the far end an entry in SYN-RECEIVED with this port of ours?"""
    text = net.far.sh("ss", "-Htn", "state", "syn-recv", "dport", "=", ":%d" % port).stdout
    return bool(text.strip())


# --- quiet ports --------------------------------------------------------------------------------

def stays_half_open(net, kit):
    """A raw SYN from a quiet port; the SYN-ACK is sent again, because nobody said a word."""
    kit.send(kit.quiet_first, OPEN, SYN)
    first = kit.syn_ack(kit.quiet_first)
    assert first["ack"] == 1001
    kit.syn_ack(kit.quiet_first, 2)
    assert not reset_from(net, kit.quiet_first)
    assert half_open(net, kit.quiet_first)
    return first


@both
def test_quiet_port_leaves_the_peer_in_syn_received(net, wrap, target):
    with Kit(net, target, fresh(), 4, 2, 0, wrap=wrap) as kit:
        assert (kit.quiet_first, kit.n_quiet, kit.conns_max) == (kit.first + 2, 2, 0)
        assert kit.ttl255 == (not wrap)  # the filter is for CAP_NET_ADMIN alone
        assert stays_half_open(net, kit)["ttl"] == 64


@both
def test_filter_is_quiet_at_ttl_255(net, ttl255, target):
    with Kit(net, target, fresh(), 4, 2, 0) as kit:
        assert kit.ttl255 == 1
        assert stays_half_open(net, kit)["ttl"] == 255


@both
def test_without_the_filter_ttl_255_is_answered(net, ttl255, target):
    """Why quiet_ttl255 must be looked at."""
    with Kit(net, target, fresh(), 4, 2, 0, wrap=RAW_ALONE) as kit:
        assert kit.n_quiet == 2 and kit.ttl255 == 0
        kit.send(kit.quiet_first, OPEN, SYN)
        assert kit.syn_ack(kit.quiet_first)["ttl"] == 255
        until("our kernel's RST", lambda: reset_from(net, kit.quiet_first))
        until("the half-open entry to go", lambda: not half_open(net, kit.quiet_first))


@both
def test_held_port_is_not_quiet(net, target):
    """The ports beside the quiet ones: the kernel tidies up, as a scan wants it."""
    with Kit(net, target, fresh(), 4, 2, 0) as kit:
        kit.send(kit.first, OPEN, SYN)
        kit.syn_ack(kit.first)
        until("our kernel's RST", lambda: reset_from(net, kit.first))
        until("the half-open entry to go", lambda: not half_open(net, kit.first))


@pytest.mark.parametrize("source,target", [(NEAR, FAR), (NEAR6, FAR6)])
def test_quiet_port_answers_nothing_at_all(net, wrap, source, target):
    """All kinds from outside: only what was sent last, to a port that answers, is answered."""
    with Kit(net, target, fresh(), 2, 1, 0, wrap=wrap) as kit, \
            Kit(net.far, source, fresh(), 1, 0, 0) as other:
        for flags in (SYN, ACK, 0, FIN, SYN | ACK):
            other.send(other.first, kit.quiet_first, flags, ack=77)
        other.send(other.first, kit.first, ACK, ack=77)
        other.frame("the last one's RST", lambda f: f["flags"] & RST)
        assert [f["sport"] for f in other.frames] == [kit.first]


def test_quiet_ports_leave_nothing_behind(net):
    with Kit(net, FAR, fresh(), 4, 2, 0) as kit:
        stays_half_open(net, kit)
    until("the half-open entry to go", lambda: not half_open(net, kit.quiet_first))
    assert net.sh("ss", "-Htln").stdout == ""


def test_without_ipv6(net):
    with Kit(net, "no-v6", FAR, fresh(), 4, 2, 4) as kit:
        assert kit.n_quiet == 2 and kit.ttl255 == 1
        stays_half_open(net, kit)
        conn = kit.open(kit.first, OPEN)
        kit.syn_ack(kit.first)
        kit.say("reset", conn)


# --- kernel connections -------------------------------------------------------------------------

@both
def test_raw_segment_beside_a_connection(net, wrap, target):
    """An octet that the peer has had: it says so, and nothing else happens."""
    with Kit(net, target, fresh(), 4, 0, 4, wrap=wrap) as kit:
        assert kit.conns_max == 4
        sport = kit.first
        conn = kit.open(sport, WITNESS)
        syn_ack = kit.syn_ack(sport)
        ours, theirs = syn_ack["ack"], syn_ack["seq"] + 1 & 0xFFFFFFFF
        for count in (1, 2, 3):
            kit.send(sport, WITNESS, PSH | ACK, ours - 1 & 0xFFFFFFFF, theirs, 1)
            ack = kit.frame("its ACK", lambda f: f["flags"] == ACK, count)
            assert (ack["seq"], ack["ack"], ack["len"]) == (theirs, ours, 0)
        kit.say("shutdown", conn)
        assert net.far.witness.get() == "eof 0"
        fin = kit.frame("its FIN", lambda f: f["flags"] & FIN)
        assert fin["ack"] == ours + 1 & 0xFFFFFFFF
        kit.say("close", conn)
        assert not reset_from(net, kit.first)


@both
def test_close_with_reset(net, target):
    with Kit(net, target, fresh(), 4, 0, 4) as kit:
        conn = kit.open(kit.first, WITNESS)
        kit.syn_ack(kit.first)
        kit.say("reset", conn)
        assert net.far.witness.get() == "reset"


@both
def test_close_with_octets_unread_is_a_fin(net, target):
    with Kit(net, target, fresh(), 4, 0, 4) as kit:
        conn = kit.open(kit.first, TALKER)
        fin = kit.frame("its FIN", lambda f: f["flags"] & FIN)
        first = kit.syn_ack(kit.first)["seq"] + 1
        # by numbers: a slow machine sends some of them twice
        assert fin["seq"] + fin["len"] - first & 0xFFFFFFFF == 40000
        kit.say("close", conn)
        assert net.far.talker.get() == "eof 0"
        assert not reset_from(net, kit.first)


def test_the_end_of_the_wire_resets_what_is_open(net):
    with Kit(net, FAR, fresh(), 4, 0, 4) as kit:
        kit.open(kit.first, WITNESS)
        kit.syn_ack(kit.first)
    assert net.far.witness.get() == "reset"


@pytest.mark.parametrize("target", [FAR, FAR6, "127.0.0.1", "::1"])
def test_refused_connection(net, target):
    """The RST is told as any frame is; what is done to the dead socket does no harm."""
    with Kit(net, target, fresh(), 4, 0, 4) as kit:
        for way in ("close", "reset"):
            conn = kit.open(kit.first, CLOSED)
            kit.frame("the RST", lambda f: f["flags"] == RST | ACK, 1)
            kit.say("shutdown", conn)
            kit.say(way, conn)
        assert kit.open(kit.first, CLOSED) == conn


def test_connection_to_a_link_local_address(net):
    with Kit(net, net.far.link_local("wire0") + "%wire0", fresh(), 4, 1, 4) as kit:
        conn = kit.open(kit.first, WITNESS)
        kit.syn_ack(kit.first)
        kit.say("shutdown", conn)
        assert net.far.witness.get() == "eof 0"
        kit.say("close", conn)


def test_connection_from_a_quiet_port(net):
    """The listener that keeps it quiet does not take the port from connections of ours."""
    with Kit(net, FAR, fresh(), 4, 2, 4) as kit:
        assert kit.open(kit.quiet_first, OPEN) == 0


def test_same_ends_twice(net):
    """A second connection between the same ends: not now, perhaps later."""
    with Kit(net, FAR, fresh(), 4, 0, 4) as kit:
        kit.open(kit.first, OPEN)
        assert kit.say("open", kit.first, OPEN).startswith("no full")
        kit.open(kit.first + 1, OPEN)


def test_descriptors_are_raised_and_their_end_is_told(net):
    with Kit(net, FAR, fresh(), 2, 0, 1000, wrap=["prlimit", "--nofile=64:160"]) as kit:
        assert 64 < kit.conns_max < 160
        conns = [kit.open(kit.first, 8000 + i) for i in range(kit.conns_max)]
        assert sorted(conns) == list(range(kit.conns_max))
        assert kit.say("open", kit.first + 1, OPEN).startswith("no full")
        kit.say("reset", conns[5])
        assert kit.open(kit.first + 1, OPEN) == conns[5]


def test_descriptors_where_there_are_enough(net):
    with Kit(net, FAR, fresh(), 2, 0, 1000, wrap=["prlimit", "--nofile=64:4096"]) as kit:
        assert kit.conns_max == 1000


# --- held ports ---------------------------------------------------------------------------------

def test_holders_do_not_collide(net):
    with Kit(net, FAR, 0, 64, 16, 4) as one, Kit(net, FAR, 0, 64, 16, 4) as two:
        assert abs(one.first - two.first) >= 64
        for port in (one.first, one.first + 63):  # shared, and quiet
            third = Kit(net, FAR, port, 1, 0, 0)
            assert "in use" in third.hello, third.hello
        # and each still can do what it held them for
        for kit in (one, two):
            kit.open(kit.first, OPEN)
            kit.syn_ack(kit.first)


CHOOSE = """
import errno, socket, sys
def attempt(reuse, act):
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    try:
        act(s)
        return str(s.getsockname()[1])
    except OSError as e:
        return errno.errorcode[e.errno]
for reuse in (0, 1):
    print(attempt(reuse, lambda s: s.bind((sys.argv[1], 0))),
          attempt(reuse, lambda s: s.connect((sys.argv[2], 80))))
"""


@pytest.mark.parametrize("own,target", [(NEAR, FAR), (NEAR6, FAR6)])
def test_nobody_is_given_a_held_port(net, own, target):
    """With every port that the kernel may choose held, it has none to give."""
    def choose(last):
        net.sysctl({"net.ipv4.ip_local_port_range": "42000 %d" % last})
        return net.sh("/usr/bin/python3", "-c", CHOOSE, own, target).stdout.split()

    with Kit(net, target, 42000, 8, 2, 4):
        try:
            assert choose(42007) == ["EADDRINUSE", "EADDRNOTAVAIL"] * 2
            # others may be in TIME-WAIT after earlier tests: one free one is enough
            given = [int(word) for word in choose(42207) if word.isdigit()]
            assert given and min(given) > 42007
        finally:
            net.sysctl({"net.ipv4.ip_local_port_range": "32768 60999"})
