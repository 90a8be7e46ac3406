"""lab: hosts, links, firewalls and listeners out of network namespaces, and rstprobe run in them.

It decides how a small network is built and torn down, and how the program's output is read back.
It knows nothing of what the answers should be: that is in the test files.
"""

import atexit
import collections
import contextlib
import ctypes
import functools
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time


def is_real_root():
    """Root of the machine, not of a user namespace where there is but one uid."""
    with open("/proc/self/uid_map", encoding="ascii") as f:
        return os.geteuid() == 0 and f.read().split() == ["0", "0", "4294967295"]


HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"
RSTPROBE = os.environ.get("RSTPROBE", "")
QUICK = os.environ.get("RSTPROBE_QUICK", "") not in ("", "0")
REAL_ROOT = is_real_root()
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
DEADLINE = 60.0

_serial = itertools.count(1)


def is_sanitized(*by):
    """Is the program built with AddressSanitizer, or one of these? It needs more memory then, and
    /proc, and wants to be the first in memory."""
    with open(RSTPROBE, "rb") as f:
        data = f.read()
    return any(b"__%s_init" % name.encode() in data for name in by or ("asan",))


class LabError(Exception):
    """The lab itself could not be built: never the fault of what is tested."""


def command(argv, check=True, **kw):
    """Run a tool to its end; its whole output belongs in the message where it fails."""
    kw.setdefault("timeout", DEADLINE)
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)
    if check and done.returncode != 0:
        raise LabError("%s: status %d: %s" % (" ".join(argv), done.returncode,
                                              (done.stderr or done.stdout).strip()))
    return done


def until(what, test, deadline=DEADLINE):
    """Poll `test` until it gives something true, which is returned; fail loudly at the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = test()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError("waited %.0f s in vain for %s" % (deadline, what))
        time.sleep(0.005)


# Names that one test of this machine at a time can have, whatever tree it belongs to: abstract
# sockets, made here, before enter() leads into a network namespace where nobody else would see them.
_unbound = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(8)]


def claim(name):
    """The name is ours, until what this gives is closed; None where another test has it."""
    try:
        _unbound[-1].bind("\0rstprobe-lab-" + name)
    except OSError:
        return None
    return _unbound.pop()


PORT_BLOCK = 249  # and none of them a round number: others listen there
_blocks = []


def claim_ports():
    """The first of PORT_BLOCK port numbers on which no other test of this machine listens while
    this process lives: what a tracepoint says of a listener names no address and no namespace.
    The scenarios of explain have 20000 to 22999."""
    firsts = [25001 + (os.getpid() + i) % 28 * 250 for i in range(28)]
    for first in firsts:
        held = claim("ports-%d" % first)
        if held:
            _blocks.append(held)
            return first
    raise LabError("no port numbers left: 28 tests at once have a block of them")


@contextlib.contextmanager
def many_neighbours():
    """For who has the kernel ask for hundreds of neighbours: its table is one for the whole machine
    (gc_thresh3: 1,024), and who finds it full can't send."""
    held = until("the table of neighbours", lambda: claim("neighbours"), 300)
    with held:
        yield


def give_capability(binary):
    """-> why not."""
    if not shutil.which("setcap"):
        return "needs setcap"
    done = command(["setcap", "cap_net_raw+ep", binary], check=False)
    return done.returncode and "file capabilities don't work here: " + done.stderr.strip()


@functools.cache
def writes_xml():
    """Was it built with libxml2?"""
    try:
        done = command([RSTPROBE, "scan", "--format", "xml"], check=False)
    except OSError:  # conftest says it better
        return True
    return "without libxml2" not in done.stderr


# --- the program's answer ------------------------------------------------------------------------

def expand(text):
    """"1-3,7" -> [1, 2, 3, 7]"""
    ports = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        ports.extend(range(int(first), int(last or first) + 1))
    return ports


class Result:
    """What one run of the program gave: status, text, and the JSON lines where there are some."""

    def __init__(self, argv, status, out, err, elapsed):
        self.argv, self.status, self.out, self.err, self.elapsed = argv, status, out, err, elapsed
        self.records = []
        for line in out.splitlines():
            if line.startswith("{"):
                self.records.append(json.loads(line))

    def __repr__(self):
        return "%s\nstatus %s after %.2f s\n%s\n%s" % (
            " ".join(self.argv), self.status, self.elapsed, self.out[-3000:], self.err[-2000:])

    def of(self, kind):
        return [r for r in self.records if r["type"] == kind]

    @property
    def run(self):
        return self.of("run")[0]

    @property
    def summary(self):
        assert self.records and self.records[-1]["type"] == "summary", self
        return self.records[-1]

    def port(self, number, addr=None):
        """The last record about one port: a later one corrects an earlier one."""
        found = [r for r in self.of("port") if r["port"] == number and addr in (None, r["addr"])]
        assert found, "no record of port %d in %r" % (number, self)
        return found[-1]

    def states(self, addr=None):
        """port -> state, from single records and from ranges."""
        got = {}
        for r in self.records:
            if addr not in (None, r.get("addr")):
                continue
            if r["type"] == "ports":
                numbers = expand(r["ports"])
                assert len(numbers) == r["count"], r
                got.update(dict.fromkeys(numbers, r["state"]))
            elif r["type"] == "port":
                got[r["port"]] = r["state"]
        return got

    def count(self, addr=None):
        return collections.Counter(self.states(addr).values())

    def counts(self):
        """Sum of the hosts' counts, zeros left out."""
        total = collections.Counter()
        for host in self.of("host"):
            total.update(host["counts"])
        return {k: v for k, v in total.items() if v}


def exact(result, wanted, ports=65535, addr=None):
    """Every one of the ports 1 .. `ports` of one host has its answer, and the right one."""
    assert result.status == 0, result
    states = result.states(addr)
    assert len(states) == ports, (len(states), result)
    assert sorted(p for p, s in states.items() if s == "open") == sorted(wanted), result
    assert set(states.values()) <= {"open", "closed"}, (collections.Counter(states.values()),
                                                        result)
    assert result.counts() == {"open": len(wanted), "closed": ports - len(wanted)}, result
    assert result.summary["complete"] is True, result


class Running:
    """The program at work in a namespace, output going to files so that it never blocks."""

    def __init__(self, argv, process, out, err):
        self.argv, self.process, self.out, self.err = argv, process, out, err
        self.begun = time.monotonic()

    def signal(self, number):
        """Send it, and wait until the process has taken it: two must not melt into one."""
        self.process.send_signal(number)
        until("the signal to be taken", lambda: not self._pending(number))

    def _pending(self, number):
        try:
            with open("/proc/%d/status" % self.process.pid, encoding="ascii") as f:
                text = f.read()
        except OSError:
            return False
        masks = re.findall(r"^(?:ShdPnd|SigPnd):\s*([0-9a-f]+)", text, re.M)
        return any(int(m, 16) >> (number - 1) & 1 for m in masks)

    def text(self, which="err"):
        with open(getattr(self, which).name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait(self, deadline=DEADLINE):
        try:
            status = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("%s: still running after %.0f s\n%s" % (
                " ".join(self.argv), deadline, self.text()[-2000:])) from None
        elapsed = time.monotonic() - self.begun
        return Result(self.argv, status, self.text("out"), self.text("err"), elapsed)


# --- hosts ---------------------------------------------------------------------------------------

class Host:
    """A network namespace."""

    SYSCTLS = {
        "net.ipv6.conf.all.accept_dad": 0,
        "net.ipv6.conf.default.accept_dad": 0,
        "net.ipv6.conf.default.accept_ra": 0,
        "net.ipv6.conf.default.router_solicitations": 0,
        "net.ipv4.tcp_invalid_ratelimit": 0,
        "net.ipv4.tcp_max_syn_backlog": 8192,
        "net.core.somaxconn": 4096,
    }
    # facts of the kernel: its limit on ICMP errors hides rejected ports
    NO_ICMP_LIMIT = {"net.ipv4.icmp_ratelimit": 0, "net.ipv4.icmp_ratemask": 0,
                     "net.ipv6.icmp.ratelimit": 0, "net.ipv6.icmp.ratemask": 255}
    ICMP_LIMIT = {"net.ipv4.icmp_ratelimit": 1000, "net.ipv4.icmp_ratemask": 6168,
                  "net.ipv6.icmp.ratelimit": 1000, "net.ipv6.icmp.ratemask": "0-1,3-127"}

    def __init__(self, lab, name):
        self.lab = lab
        self.ns = "rp%d-%d-%s" % (os.getpid(), next(_serial), name)
        command(["ip", "netns", "add", self.ns])
        self.sysctl(dict(self.SYSCTLS, **self.NO_ICMP_LIMIT))
        self.ip("link", "set", "dev", "lo", "up")

    def within(self, argv):
        return ["ip", "netns", "exec", self.ns] + [str(a) for a in argv]

    def sh(self, *argv, **kw):
        return command(self.within(argv), **kw)

    def ip(self, *words, **kw):
        return command(["ip", "-n", self.ns] + [str(w) for w in words], **kw)

    def sysctl(self, values):
        """Keys that this kernel lacks are passed over: they can't matter there."""
        script = "".join("[ ! -e %s ] || echo '%s' > %s || exit 1\n" % (p, v, p) for p, v in (
            ("/proc/sys/" + k.replace(".", "/"), v) for k, v in values.items()))
        self.sh("sh", "-c", script)

    def address(self, dev, *addresses):
        self.ip("link", "set", "dev", dev, "up")
        for a in addresses:
            self.ip("addr", "add", a, "dev", dev, *(["nodad"] if ":" in a else []))

    def route(self, *words):
        family = "-6" if ":" in " ".join(map(str, words)) else "-4"
        self.ip(family, "route", "add", *words)

    def forward(self):
        self.sysctl({"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1})

    def firewall(self, counters=(), **chains):
        """Replace the firewall: one list of rules a hook, as `forward=["tcp dport 9 drop"]`."""
        text = "flush ruleset\ntable inet t {\n"
        text += "".join("counter %s { }\n" % c for c in counters)
        for hook, rules in chains.items():
            text += "chain %s {\ntype filter hook %s priority 0\n%s\n}\n" % (
                hook, hook, "\n".join(rules))
        self.sh("nft", "-f", "-", input=text + "}\n")

    def counter(self, name, table="inet t"):
        """Packets seen by a named nftables counter."""
        text = self.sh("nft", "list", "counter", *table.split(), name).stdout
        return int(re.search(r"packets (\d+)", text).group(1))

    def sent_packets(self, dev):
        return self.read_int("/sys/class/net/%s/statistics/tx_packets" % dev)

    def read_int(self, path):
        return int(self.sh("cat", path).stdout)

    def link_local(self, dev):
        """The link-local address, as soon as it can be used."""
        def look():
            text = self.ip("-6", "addr", "show", "dev", dev, "scope", "link").stdout
            found = re.search(r"inet6 (fe80[0-9a-f:]+)/", text)
            return found.group(1) if found and "tentative" not in text else None
        return until("a link-local address on " + dev, look)

    def helper(self, *words):
        """Start a helper of targets.py here and wait until it says READY."""
        return self.lab.helper(self.within([PYTHON, os.path.join(HERE, "targets.py")]
                                           + [str(w) for w in words]))

    def listen(self, ports):
        return self.helper("listen", ",".join(map(str, ports)))

    # --- rstprobe

    def public(self, path):
        """A copy that anybody may read and run, wherever the source lies."""
        copy = self.lab.path(os.path.basename(path))
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o755)
        return copy

    def start(self, *words, binary=None, wrap=(), files=None, stdin=None, stdout=None, env=None):
        """Start rstprobe. `files` lays files over those of /etc; `wrap` goes before its name."""
        argv = [str(w) for w in (*wrap, binary or RSTPROBE, *words)]
        if files:
            argv = overlay(self.lab, files) + argv
        out = stdout or self.lab.scratch("out")
        err = self.lab.scratch("err")
        process = subprocess.Popen(
            self.within(argv), stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=err,
            env=dict(os.environ, **(env or {})))
        self.lab.processes.append(process)
        return Running(argv, process, out, err)

    def rstprobe(self, *words, deadline=DEADLINE, text=None, stdout=None, **kw):
        """Run it to the end."""
        if text is not None:
            kw["stdin"] = self.lab.scratch("in", text)
        run = self.start(*words, stdout=stdout, **kw)
        if stdout is not None:
            run.out = self.lab.scratch("none")
        return run.wait(deadline)

    def scan(self, *words, **kw):
        return self.rstprobe("scan", *words, "--format", "json", **kw)


def overlay(lab, files):
    """A prefix to a command that binds files over those of the machine; `ip netns exec` has made a
    mount namespace of its own, so nothing is seen outside."""
    steps = []
    for path, text in files.items():
        steps.append("mount --bind %s %s" % (lab.scratch("etc", text).name, os.path.realpath(path)))
    return ["sh", "-c", " && ".join(steps + ['exec "$@"']), "sh"]


class Lab:
    """A network for one test module. A context manager: whatever happens, nothing stays behind."""

    def __init__(self):
        self.hosts, self.processes, self.files = [], [], []
        self.dir = "/run/lab-%d-%d" % (os.getpid(), next(_serial))
        os.mkdir(self.dir, 0o755)
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def host(self, name):
        h = Host(self, name)
        self.hosts.append(h)
        return h

    def router(self, name):
        h = self.host(name)
        h.forward()
        return h

    def link(self, a, dev_a, b, dev_b, addresses_a=(), addresses_b=(), queues=1):
        """A veth pair between two hosts, both ends up and addressed."""
        many = ["numtxqueues", str(queues), "numrxqueues", str(queues)] if queues > 1 else []
        command(["ip", "link", "add", "name", dev_a, "netns", a.ns, *many, "type", "veth",
                 "peer", "name", dev_b, "netns", b.ns, *many])
        a.address(dev_a, *addresses_a)
        b.address(dev_b, *addresses_b)
        a.link_local(dev_a)
        b.link_local(dev_b)

    def scratch(self, name, text=None):
        path = os.path.join(self.dir, "%s.%d" % (name, next(_serial)))
        f = open(path, "w+", encoding="utf-8")
        os.chmod(path, 0o644)
        if text is not None:
            f.write(text)
            f.flush()
            f.seek(0)
        self.files.append(f)
        return f

    def path(self, name):
        return os.path.join(self.dir, "%d-%s" % (next(_serial), name))

    def spawn(self, argv, **kw):
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=self.scratch("helper"),
                                   text=True, **kw)
        self.processes.append(process)
        return process

    def helper(self, argv):
        process = self.spawn(argv, stdout=subprocess.PIPE)
        line = process.stdout.readline()
        if line.strip() != "READY":
            process.wait(5)
            self.files[-1].seek(0)
            raise LabError("%s: said %r\n%s" % (" ".join(argv), line, self.files[-1].read()))
        return process

    def close(self):
        atexit.unregister(self.close)
        for p in self.processes:
            if p.poll() is None:
                p.kill()
        for p in self.processes:
            p.wait()
            if p.stdout:
                p.stdout.close()
        for h in self.hosts:
            pids = command(["ip", "netns", "pids", h.ns], check=False).stdout.split()
            for pid in map(int, pids):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            command(["ip", "netns", "del", h.ns], check=False)
        for f in self.files:
            f.close()
        self.hosts, self.processes, self.files = [], [], []
        command(["rm", "-rf", self.dir], check=False)


CLIENT, CLIENT6 = "10.201.1.2", "fd01::2"
ROUTER, ROUTER6 = "10.201.1.1", "fd01::1"
SERVER, SERVER6 = "10.201.2.2", "fd02::2"


class Path3:
    """client -- router -- server, both families: the topology of most tests."""

    def __init__(self, lab):
        self.lab = lab
        self.client, self.router, self.server = lab.host("client"), lab.router("router"), \
            lab.host("server")
        lab.link(self.client, "up", self.router, "down", (CLIENT + "/24", CLIENT6 + "/64"),
                 (ROUTER + "/24", ROUTER6 + "/64"))
        lab.link(self.router, "far", self.server, "up", ("10.201.2.1/24", "fd02::1/64"),
                 (SERVER + "/24", SERVER6 + "/64"))
        for host, gate, gate6 in ((self.client, ROUTER, ROUTER6),
                                  (self.server, "10.201.2.1", "fd02::1")):
            host.route("default", "via", gate)
            host.route("default", "via", gate6)


# --- evidence: what a -w file shows, read by a reader that is not ours --------------------------

Segment = collections.namedtuple("Segment", "time src dst sport dport flags seq ack")


def segments(path):
    """The TCP segments of a pcap of link type RAW, in order."""
    from scapy.utils import RawPcapReader  # takes a second to load: only where it is needed
    got = []
    reader = RawPcapReader(path)
    assert reader.linktype == 101, "link type %d, not RAW" % reader.linktype
    for data, meta in reader:
        at = meta.sec + meta.usec * (1e-9 if reader.nano else 1e-6)
        if data[0] >> 4 == 4:
            head, proto, src, dst = (data[0] & 15) * 4, data[9], data[12:16], data[16:20]
        else:
            head, proto, src, dst = 40, data[6], data[8:24], data[24:40]
        if proto != 6 or len(data) < head + 20:
            continue
        sport, dport, seq, ack, _, flags = struct.unpack_from("!HHIIBB", data, head)
        got.append(Segment(at, src, dst, sport, dport, flags, seq, ack))
    reader.close()
    return got


SYN, RST, ACK = 2, 4, 16


# --- into namespaces of our own -----------------------------------------------------------------

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000


def for_anybody(path):
    """A program that other users can run too: itself, or a copy where it or a folder above it is
    closed to them."""
    above = os.path.abspath(path)
    while os.stat(above).st_mode & 0o001:
        if above == "/":
            return path
        above = os.path.dirname(above)
    copy = shutil.copy(path, os.path.join("/run", os.path.basename(path)))
    os.chmod(copy, 0o755)
    return copy


def enter():
    """Move this process to where it may make namespaces; gives the reason where it can't.

    Real root gets private mount and network namespaces too, so that nothing outlives us. No exec:
    whoever runs us keeps the descriptors that he reports on.
    """
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET | (CLONE_NEWUSER if uid else 0)) != 0:
        return "namespaces are forbidden here: " + os.strerror(ctypes.get_errno())
    try:
        if uid:
            for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid),
                               ("gid_map", "0 %d 1" % gid)):
                with open("/proc/self/" + name, "w", encoding="ascii") as f:
                    f.write(text)
        command(["mount", "--make-rprivate", "/"])
        command(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])
        os.mkdir("/run/netns")
        # read-only in many containers, also where the rights are there
        if not os.access("/proc/sys/net/ipv4/ip_forward", os.W_OK):
            command(["mount", "-o", "remount,bind,rw", "/proc/sys"])
    except (OSError, LabError) as e:
        return "namespaces are of no use here: %s" % e
    return None
