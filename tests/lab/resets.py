"""resets: plays every way in which a connection gets reset, between real kernels, and captures it.

client -- router A -- (delay) -- router B -- server, IPv4 and IPv6. All scenarios run side by side,
each on twenty ports of its own; each interface is captured once, and cut into a file a scenario.
What the kernel says of its RSTs is recorded. What is right to say of them is beside each scenario.

  python3 tests/lab/resets.py --out DIR [--only NAME[,NAME]] [--family 4|6] [--list]

writes the captures and a labels.tsv: file, frame, cause, also_right, why.
"""

import argparse
import contextlib
import heapq
import importlib
import json
import os
import re
import select
import signal
import socket
import sys
import tempfile
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as laboratory  # noqa: E402
from lab import LabError, command, until  # noqa: E402
from resets_capture import listen, no_offload  # noqa: E402
from resets_play import (CLIENT, SERVER, Play, Segment, die_with_parent, enter_netns,  # noqa: E402
                         is_tcp)
from resets_truth import (VANTAGES, TruthError, assign, read_capture, read_pcap)  # noqa: E402

FIRST_PORT, PORTS_EACH = 20000, 20
DELAY_MS = 5.0
AT_ONCE = 40
TRACEFS = "/sys/kernel/tracing"
EVENT = "events/tcp/tcp_send_reset"


class Scenario:
    """One row of the table: how it is played, and the truth about what is seen then."""

    table = {}

    def __init__(self, play, resets, delay_ms, seconds):
        self.name, self.play, self.resets = play.__name__, play, resets
        self.delay_ms, self.seconds = delay_ms, seconds
        self.port = FIRST_PORT + PORTS_EACH * len(self.table)
        self.says = " ".join((play.__doc__ or "").split())
        assert self.name not in self.table
        self.table[self.name] = self


def scenario(*resets, delay_ms=DELAY_MS, seconds=1):
    """Decorates a function that plays it and returns what the application got, call by call."""
    return lambda play: Scenario(play, resets, delay_ms, seconds) and play


def load():
    if not Scenario.table:
        # as the one module that the scenarios import, also where this file is the program
        sys.modules.setdefault("resets", sys.modules[__name__])
        for name in ("handshake", "abort", "answer", "third"):
            importlib.import_module("resets_" + name)
    return Scenario.table


# --- the delay -----------------------------------------------------------------------------------

def on_one_processor():
    """Who sends does so on one processor: veth pairs deliver where the sender runs, and two of them
    overtake each other."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def go_first():
    """However busy the processors are; only root of the machine may."""
    with contextlib.suppress(PermissionError):
        os.nice(-20)


def relay(ns, delays):
    """Between the interfaces a and b of a namespace: frames pass on after the delay that is meant
    for their port on the server's side. A whole process; never returns."""
    die_with_parent()
    on_one_processor()
    go_first()  # what it holds back for 200 ms is sent again, and may draw a RST more
    enter_netns(ns)
    ends = []
    for dev in ("a", "b"):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((dev, 3))
        s.setblocking(False)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        ends.append(s)
    due, number = [], 0
    while True:
        wait = max(0.0, due[0][0] - time.monotonic()) if due else None
        for s in select.select(ends, [], [], wait)[0]:
            frame, where = s.recvfrom(65536)
            if where[2] == socket.PACKET_OUTGOING:
                continue
            from_server = s is ends[1]
            number += 1
            heapq.heappush(due, (time.monotonic() + delay_of(frame, from_server, delays), number,
                                 ends[0] if from_server else ends[1], frame))
        while due and due[0][0] <= time.monotonic():
            _, _, out, frame = heapq.heappop(due)
            out.send(frame)


def delay_of(frame, from_server, delays):
    """Only what comes from the server is slower than the rest."""
    if from_server and is_tcp(frame[14:]):
        index = (Segment(frame[14:]).sport - FIRST_PORT) // PORTS_EACH
        return delays.get(index, DELAY_MS) / 1000
    return DELAY_MS / 1000


# --- the network ---------------------------------------------------------------------------------

class Net:
    """The four hosts, the wire between the routers, and the five captures."""

    INTERFACES = {"c": ("client", "up"), "a": ("a", "down"), "b": ("b", "far"),
                  "s": ("server", "up"), "y": ("a", "any")}
    # no tail loss probe, which a slow machine draws where nothing is lost
    STACK = {"net.ipv4.tcp_early_retrans": 0,
             "net.ipv4.ip_local_port_range": "40000 60999", "net.ipv4.tcp_no_metrics_save": 1,
             "net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.default.rp_filter": 0,
             "net.ipv4.tcp_congestion_control": "reno", "net.ipv4.tcp_abort_on_overflow": 1,
             "net.ipv4.tcp_rfc1337": 0, "net.mptcp.enabled": 1}

    def __init__(self, lab, delays):
        self.lab = lab
        client, server = lab.host("client"), lab.host("server")
        a, b, wire = lab.router("a"), lab.router("b"), lab.host("wire")
        self.hosts = {"client": client, "a": a, "b": b, "server": server}
        self.names = {k: h.ns for k, h in self.hosts.items()}
        for h in self.hosts.values():
            h.sysctl(self.STACK)
        wire.sysctl({"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1})
        lab.link(client, "up", a, "down", (CLIENT[4] + "/24", CLIENT[6] + "/64"),
                 ("10.203.1.1/24", "fd03:1::1/64"))
        lab.link(b, "far", server, "up", ("10.203.3.1/24", "fd03:3::1/64"),
                 (SERVER[4] + "/24", SERVER[6] + "/64"))
        for host, dev, end, addresses in ((a, "mid", "a", ("10.203.2.1/24", "fd03:2::1/64")),
                                          (b, "near", "b", ("10.203.2.2/24", "fd03:2::2/64"))):
            command(["ip", "link", "add", "name", dev, "netns", host.ns, "type", "veth",
                     "peer", "name", end, "netns", wire.ns])
            host.address(dev, *addresses)
            wire.ip("link", "set", "dev", end, "up")
        for host, gate, gate6 in ((client, "10.203.1.1", "fd03:1::1"),
                                  (a, "10.203.2.2", "fd03:2::2"), (b, "10.203.2.1", "fd03:2::1"),
                                  (server, "10.203.3.1", "fd03:3::1")):
            host.route("default", "via", gate)
            host.route("default", "via", gate6)
        for host, devices in ((client, ["up"]), (server, ["up"]), (a, ["down", "mid"]),
                              (b, ["near", "far"])):
            if os.waitpid(fork(no_offload, host.ns, devices), 0)[1]:
                raise LabError("offloads cannot be turned off")
        self.pids = [fork(relay, wire.ns, delays)]
        self.captures = {}

    def capture(self):
        for v, (node, dev) in self.INTERFACES.items():
            path = self.lab.path(VANTAGES[v] + ".pcap")
            mine, theirs = os.pipe()
            self.captures[v] = path
            self.pids.append(fork(listen, self.names[node], dev, path, theirs))
            os.close(theirs)
            if os.read(mine, 1) != b"r":
                raise LabError("no capture on %s of %s" % (dev, node))
            os.close(mine)
        # neighbours are found and the relay is awake before anything is timed
        self.mark("the beginning")

    def stop(self):
        """When what comes after everything else is in all the files."""
        self.mark("the end")
        while len(self.pids) > 1:  # the first is the relay
            pid = self.pids.pop()
            os.kill(pid, signal.SIGTERM)
            if os.waitpid(pid, 0)[1]:
                raise LabError("a capture lost frames")

    def mark(self, words):
        """Send words in both directions by both families until all captures have them."""
        wanted = ["%s, %s %d" % (words, node, f) for node in ("client", "server") for f in (4, 6)]

        def arrived():
            for node, to in (("client", SERVER), ("server", CLIENT)):
                os.waitpid(fork(self.say, words, node, to), 0)
            time.sleep(0.05)
            return all(w.encode() in octets_of(path) for path in self.captures.values()
                       for w in wanted)
        until("the words %r in all captures" % words, arrived)

    def say(self, words, node, to):
        """A process of its own, since it goes to another host."""
        enter_netns(self.names[node])
        for family, kind in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            with socket.socket(kind, socket.SOCK_DGRAM) as s:
                s.sendto(("%s, %s %d" % (words, node, family)).encode(), (to[family], 9))
        os._exit(0)

    def close(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def octets_of(path):
    with open(path, "rb") as f:
        return f.read()


def fork(function, *arguments):
    pid = os.fork()
    if pid == 0:
        try:
            function(*arguments)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return pid


# --- what the kernel says ------------------------------------------------------------------------

def pick(pipe, nets, out):
    """Writes down the kernel's words as they come, but for those on closed ports of others: a flood
    of these pushes all else out of a ring that is read at the end. Never returns."""
    die_with_parent()
    go_first()  # a flood does not wait
    rest = b""
    while True:
        *lines, rest = (rest + os.read(pipe, 1 << 16)).split(b"\n")
        os.write(out, b"".join(line + b"\n" for line in lines if b"reason=NO_SOCKET" not in line
                               or any(net in line for net in nets)))


class Kernel:
    """tcp:tcp_send_reset in a trace instance of our own: [(src, sport, dst, dport, state, reason)]
    of the lab's ports. One for the machine; why it is not there is in `missing`."""

    NETS = (b"=10.203.", b"=[fd03:")  # whose closed ports are ours

    LINE = re.compile(r"tcp_send_reset:.* src=(\S+):(\d+) dest=(\S+):(\d+) state=(\w+)"
                      r"(?: reason=(\w+))?")

    def __init__(self):
        self.missing, self.dir, self.marks = self.look(), None, 0
        if not self.missing:
            self.dir = os.path.join(TRACEFS, "instances", "rstprobe-test-%d" % os.getpid())
            os.mkdir(self.dir)
            self.write("buffer_size_kb", "8192")
            self.heard = tempfile.TemporaryFile()
            pipe = os.open(os.path.join(self.dir, "trace_pipe"), os.O_RDONLY)
            self.reader = fork(pick, pipe, self.NETS, self.heard.fileno())
            os.close(pipe)
            self.write(EVENT + "/enable", "1")

    @staticmethod
    def look():
        if not laboratory.REAL_ROOT:
            return "the tracepoint needs real root"
        if not os.path.isdir(TRACEFS + "/instances"):
            done = command(["mount", "-t", "tracefs", "tracefs", TRACEFS], check=False)
            if done.returncode != 0:
                return "no tracefs: " + done.stderr.strip()
        try:
            text = text_of(os.path.join(TRACEFS, EVENT, "format"))
        except OSError as e:
            return "no tracepoint tcp:tcp_send_reset: %s" % e
        return None if " reason;" in text else "this kernel's tcp:tcp_send_reset has no reason"

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="ascii") as f:
            f.write(text)

    def only(self, closed):
        """From now on of closed ports alone, or of all others."""
        text = text_of(os.path.join(self.dir, EVENT, "format"))
        number = re.search(r'(\d+), "NO_SOCKET"', text).group(1)
        self.write(EVENT + "/filter", "reason %s %s" % ("==" if closed else "!=", number))

    def events(self):
        if not self.dir:
            return []
        self.marks += 1
        mark = "mark %d of the lab" % self.marks
        self.write("trace_marker", mark)
        until("the kernel's words up to now", lambda: mark in self.text(), 30)
        got = []
        for found in map(self.LINE.search, self.text().splitlines()):
            if found:
                src, sport, dst, dport, state, reason = found.groups()
                got.append((src.strip("[]"), int(sport), dst.strip("[]"), int(dport), state,
                            reason))
        return got

    def text(self):
        return os.pread(self.heard.fileno(), os.fstat(self.heard.fileno()).st_size, 0).decode()

    def close(self):
        if self.dir:
            self.write(EVENT + "/enable", "0")
            os.kill(self.reader, signal.SIGKILL)
            os.waitpid(self.reader, 0)
            self.heard.close()
            os.rmdir(self.dir)


# --- playing -------------------------------------------------------------------------------------

class Played:
    """One scenario played in one family."""

    def __init__(self, row, family):
        self.row, self.family = row, family
        self.app, self.error, self.files, self.events = None, None, {}, []
        # by vantage point: the capture of everything, and the frames there that are in our file
        self.whole, self.places = {}, {}
        self.key = "%s-%d" % (row.name.replace("_", "-"), family)

    def truth(self, vantage):
        """{frame: (truth, packet, trigger frames)}, and all the packets."""
        packets = read_capture(self.files[vantage])
        return assign(self.row.resets, packets, vantage), packets

    def reasons(self, packet, strictly=False):
        """What the kernel said of the RST that this packet is. It names a listener alone where a
        listener was matched; that could be another host's, since it tells none apart."""
        return [e[5] for e in self.events if e[1] == packet.sport
                and (e[3] == packet.dport or e[3] == 0 and not strictly)]


class Actors:
    """A process for each scenario and family; it stays, sockets open, until the captures end."""

    def __init__(self, net, rstprobe):
        self.net, self.rstprobe = net, rstprobe
        self.waiting, self.pids = {}, []

    def start(self, played):
        mine, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            self.act(played, theirs)
        os.close(theirs)
        self.waiting[mine] = played
        self.pids.append(pid)

    def act(self, played, out):
        """The process of one actor; never returns."""
        try:
            die_with_parent()
            on_one_processor()
            os.nice(5)  # the relay goes first
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            enter_netns(self.net.names["client"])
            play = Play(self.net, played.family, played.row.port, self.rstprobe)
            try:
                told = {"app": played.row.play(play)}
            except BaseException:
                told = {"error": traceback.format_exc()}
            os.write(out, json.dumps(told).encode())
            os.close(out)
            while True:
                signal.pause()
        finally:
            os._exit(1)

    def reap(self, deadline):
        """Wait until one has played its part."""
        for fd in select.select(list(self.waiting), [], [], deadline)[0]:
            told = b""
            while more := os.read(fd, 65536):
                told += more
            os.close(fd)
            played = self.waiting.pop(fd)
            told = json.loads(told or b'{"error": "the actor died"}')
            played.app, played.error = told.get("app"), told.get("error")
            return
        for played in self.waiting.values():
            played.error = "not over after %d s" % deadline
        raise LabError("these don't end: %s" % [p.key for p in self.waiting.values()])

    def dismiss(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def play(lab, names=None, families=(4, 6), rstprobe=""):
    """Play scenarios; {(name, family): Played}, and why the kernel's word is missing, or None."""
    table = load()
    rows = sorted((table[n] for n in (names or table)), key=lambda r: -r.seconds)
    done = {(r.name, f): Played(r, f) for r in rows for f in families}
    kernel = Kernel()
    try:
        net = Net(lab, {(r.port - FIRST_PORT) // PORTS_EACH: r.delay_ms for r in rows})
        actors = Actors(net, rstprobe)
        try:
            net.capture()
            for each in done.values():
                if len(actors.waiting) >= AT_ONCE:
                    actors.reap(60)
                actors.start(each)
            while actors.waiting:
                actors.reap(60)
            net.stop()
            events = kernel.events()
        finally:
            actors.dismiss()  # whose sockets now say what nobody is to hear
            net.close()
    finally:
        kernel.close()
    for each in done.values():
        low, high = each.row.port, each.row.port + PORTS_EACH
        ours = "10.203." if each.family == 4 else "fd03:"
        each.events = [e for e in events if (low <= e[1] < high or low <= e[3] < high)
                       and (e[0].startswith(ours) or e[3] == 0)]
    cut(net, done, lab.dir)
    return done, kernel.missing


def cut(net, done, where):
    """One file a scenario, family and vantage point, frames in their order."""
    by_place = {((p.row.port - FIRST_PORT) // PORTS_EACH, p.family): p for p in done.values()}
    for v, path in net.captures.items():
        head, records = read_pcap(path)
        kept = {p: [head] for p in done.values()}
        for p in done.values():
            p.whole[v], p.places[v] = path, []
        for number, (record, _, ip) in enumerate(records, 1):
            if ip is None or not is_tcp(ip):
                continue
            seg = Segment(ip)
            for port in (seg.sport, seg.dport):
                p = by_place.get(((port - FIRST_PORT) // PORTS_EACH, seg.version))
                if p:
                    kept[p].append(record)
                    p.places[v].append(number)
                    break
        for p, chunks in kept.items():
            p.files[v] = os.path.join(where, "%s-%s.pcap" % (p.key, VANTAGES[v]))
            with open(p.files[v], "wb") as f:
                f.write(b"".join(chunks))


# --- captures with labels ------------------------------------------------------------------------

def check(each, missing=None):
    """Did it happen as meant? The truth against the captures and the kernel: complaints."""
    if each.error:
        return [each.error]
    wrong = []
    told = [r.app for r in each.row.resets if r.app is not None][:1]
    if told and each.app is not None and each.app != told[0]:
        wrong.append("the application got %s, not %s" % (each.app, told[0]))
    for v in VANTAGES:
        try:
            found, _ = each.truth(v)
        except TruthError as e:
            wrong.append(str(e))
            continue
        for truth, packet, _ in found.values():
            reasons = each.reasons(packet, truth.kernel == "")
            if not missing and not truth.kernel_agrees(reasons):
                wrong.append("the kernel said %s of frame %d at %s, not %r" % (
                    reasons, packet.frame, VANTAGES[v], truth.kernel))
    return wrong


def write_labels(done, where):
    """The captures that hold something, and what is right to say of each RST in them."""
    lines = ["file\tframe\tcause\talso_right\twhy\n"]
    for each in sorted(done.values(), key=lambda p: p.key):
        for v in VANTAGES:
            found, packets = each.truth(v)
            if not packets:
                continue
            name = os.path.basename(each.files[v])
            with open(os.path.join(where, name), "wb") as f:
                f.write(octets_of(each.files[v]))
            for frame, (truth, packet, _) in sorted(found.items()):
                said = each.reasons(packet, truth.kernel == "")
                why = [truth.why or each.row.says]
                if said and truth.cause != "dup-frame":
                    why.append("Kernel: %s." % ", ".join(sorted(set(said))))
                lines.append("\t".join((name, str(frame), truth.cause, ",".join(truth.also) or "-",
                                        " ".join(why))) + "\n")
    with open(os.path.join(where, "labels.tsv"), "w", encoding="utf-8") as f:
        f.writelines(lines)


def main():
    options = argparse.ArgumentParser(description="every way to be reset, captured and labelled")
    options.add_argument("--out", metavar="DIR")
    options.add_argument("--only", metavar="NAME[,NAME]")
    options.add_argument("--family", type=int, choices=(4, 6))
    options.add_argument("--list", action="store_true")
    o = options.parse_args()
    table = load()
    if o.list or not o.out:
        for row in table.values():
            print("%-28s %s" % (row.name, row.says))
        return 0
    names = o.only.replace("-", "_").split(",") if o.only else None
    unknown = [n for n in names or () if n not in table]
    if unknown:
        options.error("no such scenario: %s" % ", ".join(unknown))
    os.makedirs(o.out, exist_ok=True)
    where = os.open(o.out, os.O_PATH)
    why = laboratory.enter()
    if why:
        print("resets: " + why, file=sys.stderr)
        return 4
    with laboratory.Lab() as lab:
        done, missing = play(lab, names, (o.family,) if o.family else (4, 6),
                             os.path.abspath(laboratory.RSTPROBE) if laboratory.RSTPROBE else "")
        bad = 0
        for each in done.values():
            for complaint in check(each, missing):
                bad += 1
                print("%s: %s" % (each.key, complaint), file=sys.stderr)
        if missing:
            print("resets: without the kernel's reasons: " + missing, file=sys.stderr)
        if not bad:
            write_labels(done, "/proc/self/fd/%d" % where)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
