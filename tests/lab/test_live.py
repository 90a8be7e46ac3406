"""Listening live: the frames of an interface, and the kernel's own word on the RSTs it sends.

livekit opens both as a command does, drops all privilege, and prints what it hears. The sockets
are this process's own, in the namespaces of two hosts. The tracepoint is one for the whole machine
and does not tell namespaces apart: these addresses are used by no other test, nor by another copy
of this one.
"""

import contextlib
import ctypes
import fcntl
import os
import queue
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from lab import ACK, DEADLINE, REAL_ROOT, RST, SYN, LabError, until

NET, NET6 = "10.214.%d." % (os.getpid() & 255), "fd24:%x::" % (os.getpid() & 0xffff)
NEAR, NEAR6, FAR, FAR6 = NET + "1", NET6 + "1", NET + "2", NET6 + "2"
OURS = {NEAR, NEAR6, FAR, FAR6, "0.0.0.0", "::"}  # the last two: of a listener
ENDS = {socket.AF_INET: (NEAR, FAR), socket.AF_INET6: (NEAR6, FAR6)}
FAMILIES = pytest.mark.parametrize("family", list(ENDS), ids=["ipv4", "ipv6"])
NO_PRIVILEGE = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
KIT = os.path.join(os.environ.get("builddir", "."), "tests/lab/livekit")
TCP_REPAIR = 19
LIBC = ctypes.CDLL(None, use_errno=True)


class Kit:
    """livekit at work: what it said when it began, and what it has heard."""

    def __init__(self, host, *words, wrap=()):
        self.err = host.lab.scratch("livekit")
        self.process = subprocess.Popen(
            host.within([*wrap, KIT, *words]), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.err, text=True)
        host.lab.processes.append(self.process)
        self.queue, self.heard = queue.Queue(), []
        threading.Thread(target=self._pump, daemon=True).start()
        self.hello = {}
        for line in iter(self._line, "ready"):
            key, _, self.hello[key] = line.partition(" ")
        assert "drop" not in self.hello, self.hello
        self.kernel, _, self.kernel_why = self.hello["kernel"].partition(" ")

    def _pump(self):
        with contextlib.suppress(ValueError):  # closed with the lab
            for line in self.process.stdout:
                self.queue.put(line.rstrip("\n"))
        self.queue.put("")

    def _line(self):
        line = self.queue.get(timeout=DEADLINE)
        assert line, "livekit said no more; before: %s" % self.heard[-5:]
        return line

    def hear(self, what, **want):
        """The first line of the kind that has all of these values; of those heard before, too."""
        seen = 0
        while True:
            for kind, values in self.heard[seen:]:
                if kind == what and all(values.get(k) == str(v) for k, v in want.items()):
                    return values
            seen = len(self.heard)
            self._take(self._line())

    def _take(self, line):
        kind, _, rest = line.partition(" ")
        values = {} if kind == "dead" else dict(w.split("=", 1) for w in rest.split())
        values["text"] = rest
        # the kernel tells of every namespace: other tests reset by the ten thousand
        if kind != "kernel" or {values["src"], values["dst"]} & OURS:
            self.heard.append((kind, values))

    def end(self):
        """All that was heard, after it was asked to end."""
        self.process.stdin.close()
        while not self.heard or self.heard[-1][0] != "end":
            self._take(self._line())
        assert self.process.wait(10) == 0
        self.err.seek(0)
        assert self.err.read() == ""
        return self.heard


@contextlib.contextmanager
def inside(host):
    """This thread makes its sockets in the host's namespace."""
    with open("/proc/thread-self/ns/net", "rb") as home, \
            open("/run/netns/" + host.ns, "rb") as there:
        if LIBC.setns(there.fileno(), 0x40000000) != 0:
            raise LabError("setns: " + os.strerror(ctypes.get_errno()))
        try:
            yield
        finally:
            LIBC.setns(home.fileno(), 0x40000000)


def socket_at(host, family):
    with inside(host):
        return socket.socket(family, socket.SOCK_STREAM)


class Connection:
    """near -> far, established, with the listener still there."""

    def __init__(self, net, family):
        near, far = ENDS[family]
        self.listener = socket_at(net.far, family)
        self.listener.bind((far, 0))
        self.listener.listen(8)
        self.client = socket_at(net.near, family)
        self.client.bind((near, 0))
        self.client.settimeout(10)
        self.client.connect(self.listener.getsockname()[:2])
        self.server, _ = self.listener.accept()
        self.ports = {"sport": self.listener.getsockname()[1],
                      "dport": self.client.getsockname()[1]}

    def send(self, octets=100):
        """Payload that has arrived, unread."""
        self.client.sendall(bytes(octets))
        until("the payload to arrive", lambda: struct.unpack(
            "i", fcntl.ioctl(self.server, 0x541B, bytes(4)))[0] == octets)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in (self.client, self.server, self.listener):
            s.close()


@pytest.fixture(scope="module")
def net(lab):
    class Net:
        near, far = lab.host("near"), lab.host("far")
    lab.link(Net.near, "toward", Net.far, "back", (NEAR + "/24", NEAR6 + "/64"),
             (FAR + "/24", FAR6 + "/64"))
    return Net


@pytest.fixture
def kit(net):
    kit = Kit(net.far, "back")
    assert kit.hello["sniff"] == "ok"
    yield kit
    kit.end()


@pytest.fixture
def told(kit):
    """Where the kernel tells its reasons, a way to ask for them."""
    if not REAL_ROOT:
        pytest.skip("needs real root")
    if kit.kernel != "ok":
        pytest.skip("the kernel does not say: %s %s" % (kit.kernel, kit.kernel_why))
    return kit


def reset_of(kit, family, flags, **ports):
    near, far = ENDS[family]
    return kit.hear("frame", src=far, dst=near, flags=flags, **ports)


# --- the reasons ---------------------------------------------------------------------------------

@FAMILIES
def test_a_closed_port(net, told, family):
    near, far = ENDS[family]
    begun = time.time_ns()
    with socket_at(net.near, family) as s:
        s.bind((near, 0))
        with pytest.raises(ConnectionRefusedError):
            s.connect((far, 9))
        port = s.getsockname()[1]
    frame = reset_of(told, family, RST | ACK, sport=9, dport=port)
    said = told.hear("kernel", src=far, sport=9, dst=near, dport=port)
    assert (said["reason"], said["pid"], said["comm"]) == ("NO_SOCKET", "0", "")
    for heard in (frame, said):
        assert begun <= int(heard["at"]) <= time.time_ns(), "not wall time"


def abort(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


@FAMILIES
@pytest.mark.parametrize("reason, unread", [("TCP_STATE", False), ("TCP_ABORT_ON_CLOSE", True)])
def test_a_process_aborts(net, told, family, reason, unread):
    near, far = ENDS[family]
    with Connection(net, family) as c:
        if unread:
            c.send()
            c.server.close()
        else:
            abort(c.server)
        reset_of(told, family, RST | ACK, **c.ports)
        said = told.hear("kernel", src=far, dst=near, **c.ports)
    assert (said["reason"], said["state"]) == (reason, "TCP_CLOSE")
    assert int(said["pid"]) == os.getpid()
    with open("/proc/self/comm", encoding="ascii") as f:
        assert said["comm"] == f.read().strip()


@FAMILIES
def test_a_listener_refuses_data(net, told, family):
    """The event names the listener, and no other end."""
    with Connection(net, family) as c:
        c.server.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        c.server.close()  # without a word on the wire
        c.client.sendall(b"x")
        reset_of(told, family, RST, **c.ports)
        said = told.hear("kernel", sport=c.ports["sport"])
    assert (said["reason"], said["state"]) == ("TCP_FLAGS", "TCP_LISTEN")
    assert (said["dst"], said["dport"], said["pid"]) == ("none", "0", "0")


def test_ipv4_of_a_dual_stack_socket(net, told):
    """The wire has IPv4, and so must the event."""
    with socket_at(net.far, socket.AF_INET6) as listener, \
            socket_at(net.near, socket.AF_INET) as client:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", 0))
        listener.listen(8)
        client.bind((NEAR, 0))
        client.connect((FAR, listener.getsockname()[1]))
        abort(listener.accept()[0])
        ports = {"sport": listener.getsockname()[1], "dport": client.getsockname()[1]}
        reset_of(told, socket.AF_INET, RST | ACK, **ports)
        assert told.hear("kernel", src=FAR, dst=NEAR, **ports)["reason"] == "TCP_STATE"


def test_events_come_in_the_order_of_time(net, told):
    for _ in range(50):
        with Connection(net, socket.AF_INET) as c:
            abort(c.server)
            told.hear("kernel", src=FAR, dst=NEAR, **c.ports)
    # of listeners others may be told, side by side with ours
    times = [int(v["at"]) for kind, v in told.heard if kind == "kernel" and v["src"] == FAR]
    assert len(times) >= 50
    assert times == sorted(times)


def test_the_kernel_without_an_interface(net, told):
    alone = Kit(net.near, "-")
    assert alone.kernel == "ok" and "sniff" not in alone.hello
    with Connection(net, socket.AF_INET) as c:
        abort(c.server)
        alone.hear("kernel", src=FAR, dst=NEAR, **c.ports)
    alone.end()


# --- the frames ----------------------------------------------------------------------------------

@FAMILIES
def test_both_directions(net, kit, family):
    near, far = ENDS[family]
    with Connection(net, family) as c:
        kit.hear("frame", src=near, dst=far, dport=c.ports["sport"], flags=SYN)
        kit.hear("frame", src=far, dst=near, flags=SYN | ACK, **c.ports)


@pytest.mark.parametrize("ifname", ["lo", "any"])
@FAMILIES
def test_loopback_shows_each_frame_once(net, family, ifname):
    kit = Kit(net.far, ifname)
    addr = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}[family]
    with socket_at(net.far, family) as s:
        s.bind((addr, 0))
        with pytest.raises(ConnectionRefusedError):
            s.connect((addr, 9))
        port = s.getsockname()[1]
    kit.hear("frame", sport=9, dport=port)
    frames = [v for kind, v in kit.end() if kind == "frame" and str(port) in (v["sport"],
                                                                              v["dport"])]
    assert [(int(f["flags"]), f["ifindex"]) for f in frames] == [(SYN, "1"), (RST | ACK, "1")]


def test_any_names_the_interface(net):
    kit = Kit(net.far, "any")
    index = net.far.read_int("/sys/class/net/back/ifindex")
    with Connection(net, socket.AF_INET) as c:
        heard = kit.hear("frame", src=FAR, flags=SYN | ACK, **c.ports)
    assert (heard["ifindex"], heard["linktype"]) == (str(index), "276")
    kit.end()


def tcp_frame(tags, port):
    """A SYN of ours from NEAR to FAR, behind so many VLAN tags."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 64, 6, 0, socket.inet_aton(NEAR),
                     socket.inet_aton(FAR))
    tcp = struct.pack("!HHIIBBHHH", port, 7, 1, 0, 0x50, SYN, 1024, 0, 0)
    vlan = b"".join(struct.pack("!HH", 0x8100, 5 + i) for i in range(tags))
    return bytes(6) + b"\2" + bytes(5) + vlan + b"\x08\0" + ip + tcp


@pytest.mark.parametrize("tags", [0, 1, 2])
def test_tagged_frames_pass_the_filter(net, kit, tags):
    with inside(net.near):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("toward", 0))
    with raw:
        raw.send(tcp_frame(tags, 4000 + tags))
    assert kit.hear("frame", sport=4000 + tags, dport=7)["vlan"] == str(tags)


def test_a_filter_of_the_users_replaces_ours(net):
    with Connection(net, socket.AF_INET) as wanted, Connection(net, socket.AF_INET) as other:
        kit = Kit(net.far, "back", "tcp port %d" % wanted.ports["sport"])
        other.send()
        wanted.send()
        kit.hear("frame", dport=wanted.ports["sport"], len=166)
        ports = {v["dport"] for kind, v in kit.end() if kind == "frame"}
    assert str(other.ports["sport"]) not in ports


def test_a_tun_has_no_link_header(net, real_root):
    if not os.access("/dev/net/tun", os.W_OK):
        pytest.skip("no /dev/net/tun")
    with inside(net.far), open("/dev/net/tun", "r+b", buffering=0) as tun:
        fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"tunnel", 0x1001))
        net.far.ip("link", "set", "dev", "tunnel", "up")
        kit = Kit(net.far, "tunnel")
        tun.write(tcp_frame(0, 4100)[14:])
        assert kit.hear("frame", sport=4100, dport=7)["linktype"] == "101"
        kit.end()


# --- what can be wrong ---------------------------------------------------------------------------

@pytest.mark.parametrize("words, flags, text", [
    (("nosuch",), "denied=0 usage=0", "nosuch: no such interface"),
    (("back", "tcp prt 80"), "denied=0 usage=1", "syntax error"),
    (("back", "tcp port nosuchservice"), "denied=0 usage=1", "nosuchservice"),
])
def test_it_says_what_is_wrong(net, words, flags, text):
    said = Kit(net.far, *words).hello["sniff"]
    assert said.startswith(flags) and text in said


def test_without_privilege(net):
    kit = Kit(net.far, "back", wrap=NO_PRIVILEGE)
    assert kit.hello["sniff"].startswith("denied=1 usage=0 ")
    assert "permission denied (needs CAP_NET_RAW)" in kit.hello["sniff"]
    assert kit.kernel in ("denied", "no-tracefs", "no-tracepoint")
    assert kit.kernel_why


@pytest.fixture
def spare(lab, net):
    """A link of its own, to be taken away."""
    lab.link(net.near, "spare-n", net.far, "spare-f")
    yield "spare-f"
    net.far.ip("link", "del", "spare-f", check=False)


@pytest.mark.parametrize("words, text", [
    (("set", "dev", "spare-f", "down"), "spare-f: the interface went down"),
    (("del", "spare-f"), "spare-f: [Tt]he interface (went down|disappeared)"),  # it goes down first
])
def test_an_interface_that_goes(net, spare, words, text):
    kit = Kit(net.far, spare)
    net.far.ip("link", *words)
    assert re.search(text, kit.hear("dead")["text"])
    kit.end()


def test_an_interface_that_is_down(net, spare):
    net.far.ip("link", "set", "dev", spare, "down")
    said = Kit(net.far, spare).hello["sniff"]
    assert "%s: the interface is down (ip link set dev %s up)" % (spare, spare) in said


# --- and leaves nothing behind -------------------------------------------------------------------

def promiscuity(net):
    return int(re.search(r"promiscuity (\d+)", net.far.ip("-d", "link", "show", "back").stdout)[1])


def test_kill_leaves_nothing_behind(net):
    kit = Kit(net.far, "back")
    assert promiscuity(net) == 1
    with open("/proc/%d/mountinfo" % kit.process.pid, encoding="ascii") as f:
        mounts = f.read()
    with open("/proc/self/mountinfo", encoding="ascii") as f:
        ours = f.read()
    # what this process sees mounted is all that livekit, which mounts nothing, may see
    assert mounts.count(" tracefs ") <= ours.count(" tracefs ")
    assert len(net.far.sh("cat", "/proc/net/packet").stdout.splitlines()) == 2
    kit.process.send_signal(signal.SIGKILL)
    kit.process.wait(10)
    until("the kernel to tidy up", lambda: promiscuity(net) == 0)
    assert len(net.far.sh("cat", "/proc/net/packet").stdout.splitlines()) == 1
