"""resets_play: the hands of a scenario: sockets of any host of the lab in one process, forged
segments, firewall rules of its own, and the waiting for what kernels do.

It knows how to do things to TCP, never why a RST follows nor what is right to say of it.
"""

import contextlib
import ctypes
import errno
import os
import select
import signal
import socket
import struct
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
CLIENT, SERVER = {4: "10.203.1.2", 6: "fd03:1::2"}, {4: "10.203.3.2", 6: "fd03:3::2"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ESTABLISHED, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT = 1, 5, 6, 7, 8
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, REPAIR_OFF_NO_PROBE = 19, 20, 21, -1
SO_ATTACH_FILTER = 26
SIOCINQ, SIOCOUTQ = 0x541B, 0x5411
LINGER_0 = struct.pack("ii", 1, 0)
SYN_OPTIONS = bytes((2, 4, 5, 180, 4, 2, 8, 10)) + b"\0\0\1\1" + bytes(4) + bytes((1, 3, 3, 7))
WAIT = 20.0


def die_with_parent():
    LIBC.prctl(1, signal.SIGKILL)


def enter_netns(name):
    with open("/run/netns/" + name, "rb") as f:
        if LIBC.setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + name)


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Segment:
    """A segment as found on an interface; numbers as they are on the wire."""

    def __init__(self, data):
        if data[0] >> 4 == 4:
            self.version, head, self.ttl = 4, (data[0] & 15) * 4, data[8]
            self.ip_id, self.src, self.dst = data[4] << 8 | data[5], data[12:16], data[16:20]
            data = data[:data[2] << 8 | data[3]]
        else:
            self.version, head, self.ttl = 6, 40, data[7]
            self.ip_id, self.src, self.dst = 0, data[8:24], data[24:40]
            data = data[:40 + (data[4] << 8 | data[5])]
        (self.sport, self.dport, self.seq, self.ack, off, self.flags, self.win) = \
            struct.unpack_from("!HHIIBBH", data, head)
        self.options = data[head + 20:head + (off >> 4) * 4]
        self.payload = data[head + (off >> 4) * 4:]

    @property
    def end(self):
        """The sequence number behind it."""
        return (self.seq + len(self.payload) + bool(self.flags & SYN)
                + bool(self.flags & FIN)) & 0xFFFFFFFF


def is_tcp(data):
    """Does an IP packet hold the TCP header that Segment reads?"""
    if len(data) < 40:
        return False
    if data[0] >> 4 == 4:
        return data[9] == 6 and len(data) >= (data[0] & 15) * 4 + 20
    return data[0] >> 4 == 6 and data[6] == 6 and len(data) >= 60


class Play:
    """What one run of one scenario has in its hands. Ports port .. port + 19 are its own."""

    def __init__(self, net, family, port, rstprobe):
        self.net, self.family, self.port, self.rstprobe = net, family, port, rstprobe
        self.client, self.server = CLIENT[family], SERVER[family]
        self.held, self.tables = [], []

    # --- where

    @contextlib.contextmanager
    def at(self, node):
        """Sockets made inside belong to that host."""
        enter_netns(self.net.names[node])
        try:
            yield
        finally:
            enter_netns(self.net.names["client"])

    def socket(self, node="client", proto=0):
        with self.at(node):
            s = socket.socket(FAMILY[self.family], socket.SOCK_STREAM, proto)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.append(s)
        return s

    def listen(self, n=0, backlog=64, rcvbuf=None, proto=0):
        s = self.socket("server", proto)
        if rcvbuf:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        s.bind((self.server, self.port + n))
        s.listen(backlog)
        s.settimeout(WAIT)
        return s

    def begin(self, n=0, sport=0, proto=0):
        """A connect() that doesn't wait."""
        s = self.socket("client", proto)
        s.bind((self.client, sport))
        s.setblocking(False)
        result = s.connect_ex((self.server, self.port + n))
        assert result == errno.EINPROGRESS, os.strerror(result)
        return s

    def connected(self, s, timeout=WAIT):
        """Wait for connect(): its error's name, or "ok"."""
        poll = select.poll()
        poll.register(s, select.POLLOUT)
        if not poll.poll(timeout * 1000):
            return "timeout"
        result = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        s.settimeout(WAIT)
        return errno.errorcode[result] if result else "ok"

    def connect(self, n=0, sport=0, proto=0):
        s = self.begin(n, sport, proto)
        result = self.connected(s)
        assert result == "ok", result
        return s

    def accept(self, listener):
        s = listener.accept()[0]
        s.settimeout(WAIT)
        self.held.append(s)
        return s

    def pair(self, n=0, listener=None, sport=0):
        """An established connection: its client's end and its server's, and the listener."""
        listener = listener or self.listen(n)
        c = self.connect(n, sport)
        return c, self.accept(listener), listener

    def talk(self, c, s, rounds=2, size=300):
        """Requests and responses, all read and all acknowledged."""
        for i in range(rounds):
            c.sendall(b"q" * (size + i))
            self.take(s, size + i)
            s.sendall(b"r" * (2 * size + i))
            self.take(c, 2 * size + i)
        self.acked(c)
        self.acked(s)

    # --- what sockets say

    @staticmethod
    def take(s, octets):
        got = b""
        while len(got) < octets:
            more = s.recv(octets - len(got))
            assert more, "EOF after %d of %d" % (len(got), octets)
            got += more
        return got

    @staticmethod
    def until(what, test, deadline=WAIT):
        end = time.monotonic() + deadline
        while True:
            value = test()
            if value:
                return value
            if time.monotonic() > end:
                raise TimeoutError("waited in vain for " + what)
            time.sleep(0.002)

    @staticmethod
    def count(s, request):
        """Octets that wait in a socket: SIOCINQ to be read, SIOCOUTQ to be acknowledged."""
        import fcntl
        return struct.unpack("i", fcntl.ioctl(s, request, bytes(4)))[0]

    @staticmethod
    def state(s):
        return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0]

    @staticmethod
    def unacked(s):
        """Segments in flight; of a listener, connections that wait for accept()."""
        return struct.unpack_from("I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28), 24)[0]

    @staticmethod
    def backoff(s):
        """How often it was sent again, or the window asked for, in vain."""
        return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[4]

    def acked(self, s):
        self.until("all to be acknowledged", lambda: self.count(s, SIOCOUTQ) == 0)

    def waiting(self, s, octets):
        """Until so many octets can be read."""
        self.until("%d octets" % octets, lambda: self.count(s, SIOCINQ) >= octets)

    def in_state(self, s, *states):
        self.until("state %s" % (states,), lambda: self.state(s) in states)

    def gone(self, s):
        """Until a RST has taken the connection."""
        self.in_state(s, CLOSE)

    @staticmethod
    def call(function, *arguments):
        """What a call of a program gave, by the words of the program's app_sees."""
        try:
            result = function(*arguments)
        except OSError as e:
            return errno.errorcode[e.errno] if e.errno else "timeout"
        if isinstance(result, bytes):
            return "data" if result else "EOF"
        return "write-ok"

    def read(self, s):
        return self.call(s.recv, 65536)

    def write(self, s, octets=b"w" * 100):
        return self.call(s.send, octets)

    def after(self, s):
        """What a program sees of a connection that is over: at its next read, and at its next
        write."""
        first = self.read(s)
        while first == "data":
            first = self.read(s)
        return [first, self.write(s)]

    # --- ways to end

    @staticmethod
    def abort(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        s.close()

    @staticmethod
    def vanish(s):
        """The connection is forgotten without a word, as by a loss of power."""
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        s.close()

    @staticmethod
    def numbers(s):
        """(SND.NXT, RCV.NXT) of a connection at rest."""
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        got = []
        for queue in (2, 1):
            s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
            got.append(struct.unpack("I", s.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, 4))[0])
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, 0)
        s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_NO_PROBE)
        return tuple(got)

    def process(self, s, *others):
        """Hand a socket to a process of its own: killed, it is the only one to close it."""
        pid = os.fork()
        if pid == 0:
            die_with_parent()
            while True:
                signal.pause()
        for each in (s, *others):
            each.close()

        def kill():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        return kill

    # --- the path

    def rules(self, node, hook, *rules):
        """A firewall table of this scenario alone; what is returned takes it away."""
        name = "s%d_%d_%d" % (self.port, self.family, len(self.tables))
        kind = "nat hook %s priority 100" % hook if hook == "postrouting" else \
            "filter hook %s priority 0" % hook
        text = "table inet %s {\nchain c {\ntype %s\n%s\n}\n}\n" % (name, kind, "\n".join(
            "meta nfproto ipv%d %s" % (self.family, r) for r in rules))
        argv = ["ip", "netns", "exec", self.net.names[node], "nft"]
        subprocess.run(argv + ["-f", "-"], input=text, text=True, check=True)
        self.tables.append(name)
        return lambda: subprocess.run(argv + ["delete", "table", "inet", name], check=True)

    def run(self, node, *argv):
        return subprocess.run(["ip", "netns", "exec", self.net.names[node], *map(str, argv)],
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=WAIT)

    # --- forged segments

    def forge(self, node, by="S", flags=RST, seq=0, ack=0, win=0, ttl=64, ip_id=0, df=True,
              options=b"", payload=b"", sport=None, dport=None, n=0, peer=None):
        """Send a segment that says it comes from the server ("S") or the client ("C")."""
        src, dst = (self.server, self.client) if by == "S" else (self.client, self.server)
        own = self.port + n
        if by == "S":
            sport, dport = sport or own, dport or peer
        else:
            sport, dport = sport or peer, dport or own
        options += bytes(-len(options) % 4)
        tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                          5 + len(options) // 4 << 4, flags, win, 0, 0) + options + payload
        ends = b"".join(socket.inet_pton(FAMILY[self.family], a) for a in (src, dst))
        pseudo = ends + struct.pack("!II", len(tcp), 6)
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        if self.family == 4:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), ip_id, 0x4000 if df else 0, ttl,
                               6, 0) + ends
        else:
            head = struct.pack("!IHBB", 6 << 28, len(tcp), 6, ttl) + ends
        with self.at(node):
            with socket.socket(FAMILY[self.family], socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
                raw.sendto(head + tcp, (dst, 0))

    def own_ports(self):
        """A socket filter for this scenario's segments: the lab has much else to hear."""
        at, low, high = 20 if self.family == 4 else 40, self.port, self.port + 20
        code = [(0x30, 0, 0, 0), (0x74, 0, 0, 4), (0x15, 0, 7, self.family),  # the version
                (0x28, 0, 0, at), (0x35, 0, 1, low), (0x35, 0, 3, high),
                (0x28, 0, 0, at + 2), (0x35, 0, 2, low), (0x35, 1, 0, high),
                (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
        self.held.append(program)
        return struct.pack("HP", len(code), ctypes.addressof(program))

    def ear(self, node="client"):
        """Segments of this scenario as they pass a host: a function that gives the next one for
        which `test` holds."""
        with self.at(node):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, self.own_ports())
        s.settimeout(WAIT)

        def hear(test):
            while True:
                data = s.recv(65536)
                if not is_tcp(data) or data[0] >> 4 != self.family:
                    continue
                seg = Segment(data)
                if any(0 <= q - self.port < 20 for q in (seg.sport, seg.dport)) and test(seg):
                    return seg
        return hear
