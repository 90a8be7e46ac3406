"""net: the networks of the bench, and one command measured in them.

It decides what lies between the scanner and its target: a veth pair, loss, a limit, a sink, a long
line. It knows nothing of who scans, nor what a good figure is.
"""

import collections
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lab"))
import lab as laboratory  # noqa: E402

NEAR, FAR = "192.168.9.1", "192.168.9.2"
NEAR6, FAR6 = "fd09::1", "fd09::2"
# all of it answers, or (the larger ones) all of it goes into a sink
SLASH16, SLASH112 = "10.99.0.0/16", "fd99::/112"
SLASH12, SLASH8 = "10.96.0.0/12", "10.0.0.0/8"
FIFTY = list(range(1000, 51000, 1000))
QUEUES = 4
DEV = "wire0"
TICK_PORT = 9

Measured = collections.namedtuple("Measured", "figures out err")


def tool(name):
    """One of the bench's own programs, where the build has put it."""
    top = os.path.join(HERE, "..", "..")
    places = [os.path.dirname(laboratory.RSTPROBE), os.path.join(top, "build"), top]
    for place in places:
        path = os.path.join(place, "tests", "bench", name)
        if os.access(path, os.X_OK):
            return os.path.abspath(path)
    sys.exit("bench: tests/bench/%s isn't built: make tests/bench/%s" % (name, name))


class Tick:
    """20 datagrams a second towards the scanner: some peers end on a frame, not on a clock."""

    def __init__(self, near, far):
        self.ended = threading.Event()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(near.ns, far.ns), daemon=True)
        self.thread.start()
        if not self.ready.wait(10):
            raise laboratory.LabError("the tick did not start")

    def run(self, near, far):
        deaf = self.socket_in(near)
        deaf.bind(("", TICK_PORT))  # nobody reads it; without it there were an ICMP error for each
        with deaf, self.socket_in(far) as s:
            self.ready.set()
            while not self.ended.wait(0.05):
                s.sendto(b"tick", (NEAR, TICK_PORT))

    @staticmethod
    def socket_in(ns):
        # setns moves this thread alone
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/run/netns/" + ns, "rb") as f:
            if libc.setns(f.fileno(), laboratory.CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns " + ns)
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def close(self):
        self.ended.set()
        self.thread.join()


class Pair:
    """near and far, and all that near doesn't know lies behind far. A context manager."""

    def __init__(self):
        self.lab = laboratory.Lab()
        self.tick = None
        try:
            self.near, self.far = self.lab.host("near"), self.lab.host("far")
            self.join()
            self.near.route("default", "via", FAR)
            self.near.route("default", "via", FAR6)
            self.mac = self.mac_of(self.far)
            self.near.sh("ping", "-q", "-c1", "-W5", FAR, check=False)
            self.tick = Tick(self.near, self.far)
        except BaseException:
            self.close()
            raise

    def join(self):
        self.lab.link(self.near, DEV, self.far, DEV, (NEAR + "/24", NEAR6 + "/64"),
                      (FAR + "/24", FAR6 + "/64"), queues=QUEUES)

    @staticmethod
    def mac_of(host):
        return json.loads(host.ip("-j", "link", "show", "dev", DEV).stdout)[0]["address"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.tick:
            self.tick.close()
        self.lab.close()

    # --- what the far end does

    def listen(self, ports):
        self.far.listen(ports)

    def answer_all(self):
        """Each address of the /16 and of the /112 is far's own."""
        self.far.ip("route", "add", "local", SLASH16, "dev", "lo")
        self.far.ip("-6", "route", "add", "local", SLASH112, "dev", "lo")

    def lose(self, percent):
        """At random, each way."""
        rule = "meta l4proto tcp numgen random mod 1000 < %d drop" % round(percent * 10)
        self.far.firewall(input=[rule], output=[rule])

    def limit_resets(self, rate):
        self.far.firewall(output=["tcp flags & rst == rst limit rate over %d/second drop" % rate])

    def watch(self, sink=False):
        """Count SYNs where they arrive; in a sink nothing of TCP gets any further."""
        rules = ["tcp flags & (syn | ack) == syn counter name syns" + (" drop" if sink else "")]
        if sink:
            rules.append("meta l4proto tcp drop")
        self.far.sh("nft", "-f", "-", input="table netdev bench {\ncounter syns { }\nchain in {\n"
                    "type filter hook ingress device %s priority 0;\n%s\n}\n}\n" % (
                        DEV, "\n".join(rules)))

    def syns(self):
        return self.far.counter("syns", "netdev bench")

    # --- one command

    def measure(self, argv, watched=False, limit=180):
        """Run it near; `watched` adds the frames that reached far, and how fast."""
        figures, out, err = (self.lab.path(n) for n in ("figures", "out", "err"))
        meter = [tool("meter"), "-o", figures, "-l", str(limit)]
        if watched:
            meter += ["-n", "/run/netns/" + self.far.ns, "-i", DEV]
        before = self.syns() if watched else 0
        # who writes a file of his own has nothing else to say
        with open(os.devnull if "@OUT" in argv else out, "wb") as to, open(err, "wb") as complaints:
            done = subprocess.run(
                self.near.within(meter + [out if a == "@OUT" else a for a in argv]),
                stdin=subprocess.DEVNULL, stdout=to, stderr=complaints, check=False)
        if done.returncode != 0:
            with open(err, encoding="utf-8", errors="replace") as f:
                raise laboratory.LabError("%s: %s" % (argv[0], f.read()[-500:]))
        with open(figures, encoding="utf-8") as f:
            got = json.load(f)
        if watched:
            got["syns"] = self.syns() - before
        return Measured(got, out, err)


class Line(Pair):
    """The same, with a long line between: each frame takes its time, some never arrive."""

    def __init__(self, one_way_ms, loss):
        self.one_way_ms, self.loss = one_way_ms, loss
        self.relay = None
        super().__init__()

    def join(self):
        middle = self.lab.host("middle")
        self.lab.link(self.near, DEV, middle, "left", (NEAR + "/24",), ())
        self.lab.link(self.far, DEV, middle, "right", (FAR + "/24",), ())
        self.near.address(DEV, NEAR6 + "/64")
        self.far.address(DEV, FAR6 + "/64")
        # who is lost here are segments, not neighbours
        for host, other, addr in ((self.near, self.far, FAR), (self.far, self.near, NEAR)):
            host.ip("neigh", "replace", addr, "lladdr", self.mac_of(other), "dev", DEV,
                    "nud", "permanent")
        self.relay = self.lab.helper(middle.within(
            [tool("relay"), "left", "right", round(self.one_way_ms * 1000), self.loss]))

    def relayed(self):
        """What the relay did, in its own words; it ends."""
        self.relay.send_signal(signal.SIGTERM)
        return self.relay.stdout.read().splitlines()
