"""stacks: hosts whose TCP the tests of `stack` ask, and the notation that those write answers in.

It decides how such a host is built, from a kernel with a firewall, from lwIP, slirp or gVisor, and
how a cell of the program's answer is read. It knows nothing of what the answers should be.

One answer is written as
    .       silence
    SA      SYN-ACK
    A       a bare ACK
    R,s,a   RST with SEQ s and ack field a; RA,s,a where its ACK bit is set. s: 0, a (our ack field)
            or ?; a: 0, n (our SEQ + LEN), n- (our SEQ + less than LEN) or ?
    else    the program's own token
"""

import os
import shutil

import pytest

import lab as laboratory
from lab import HERE, command, until

STRAY = ["syn", "syn-bare", "syn-ecn", "syn-data", "ack", "data", "finack", "synack", "null",
         "null-data", "fin", "xmas", "psh", "urg", "syn-fin", "syn-fin-psh-urg", "rst", "rst-ack",
         "syn-rst", "all"]
BUILD = os.environ.get("builddir", os.path.join(HERE, "..", "..", "build"))
ENDPOINT = {4: "10.204.%d.2", 6: "fd04:%d::2"}
GATE = {4: "10.204.%d.1", 6: "fd04:%d::1"}


# --- reading -------------------------------------------------------------------------------------

def written(cell):
    """A cell in the notation above; None where it could not be tested."""
    saw = cell["saw"]
    if saw is None:
        return None
    if not saw.startswith("rst-"):
        return {"none": ".", "syn-ack": "SA", "challenge-ack": "A"}.get(saw, saw)
    rst = cell["rst"]
    text = "%s,%s,%s" % ("RA" if has_ack(rst) else "R",
                         {"0": "0", "ack": "a"}.get(rst["seq"], "?"),
                         {"0": "0", "seq+len": "n", "seq+short": "n-"}.get(rst["ack"], "?"))
    assert saw == token(text), (text, cell)
    return text


def has_ack(rst):
    return rst["flags"] in ("RA", "R.")


def token(text):
    """What the program calls a RST that is written so."""
    flags, seq, ack = text.split(",")
    if flags == "RA" and ack in ("n", "n-"):
        return "rst-ack-of-seq"
    return "rst-seq-from-ack" if (flags, seq) == ("R", "a") else "rst-odd"


def rows(text):
    """A table of lines `form form ...: answer | answer`: one dict of form -> answer a column."""
    columns = None
    for line in text.strip().splitlines():
        forms, _, answers = line.partition(":")
        answers = [a.strip() for a in answers.split("|")]
        columns = columns or [{} for _ in answers]
        for column, answer in zip(columns, answers):
            column.update(dict.fromkeys(forms.split(), answer))
    return columns


class Stack:
    """The `stack` record of one run, and what stands around it."""

    def __init__(self, result):
        self.result = result
        assert result.status in (0, 3), result
        (self.record,) = result.of("stack")
        self.cells = {}
        for cell in self.record["cells"]:
            key = cell["state"], cell["probe"]
            assert key not in self.cells, "two cells of %s %s" % key
            self.cells[key] = cell
        print("%s: %s, %.2f s" % (self.record["addr"], result.status, self.elapsed))

    @property
    def elapsed(self):
        return self.result.summary["elapsed_s"]

    def __repr__(self):
        return repr(self.result)

    def __getitem__(self, key):
        return self.record[key]

    def cell(self, state, probe):
        return self.cells[state, probe]

    def column(self, state):
        """form -> answer, of one state; with `after` where the program looked for it."""
        got = {}
        for (of, probe), cell in self.cells.items():
            if of == state:
                after = cell.get("after") or "unknown"
                text = written(cell)
                got[probe] = text if after == "unknown" else "%s %s" % (text, after)
        return got

    def rsts(self):
        return [c["rst"] for c in self.cells.values() if (c["saw"] or "").startswith("rst-")]

    def deviations(self, *states):
        """(state, form) of all cells that do not conform."""
        return {k for k, c in self.cells.items()
                if c["conforms"] is False and (not states or k[0] in states)}

    def untested(self, *states):
        return {k: c["why"] for k, c in self.cells.items()
                if c["conforms"] is None and (not states or k[0] in states)}

    def verdict(self):
        return tuple(self.record[k] for k in ("style", "family", "confidence", "firewall"))


def ask_all(client, targets, at_once=8):
    """Run `stack` against many hosts at a time. targets: key -> list of words; gives key -> Stack.
    A battery mostly waits: in a row they would take minutes."""
    todo, got = list(targets.items()), {}
    while todo:
        batch, todo = todo[:at_once], todo[at_once:]
        runs = [(key, client.start("stack", *words, "--format", "json")) for key, words in batch]
        for key, run in runs:
            got[key] = Stack(run.wait())
    return got


# --- kernels -------------------------------------------------------------------------------------

class Star:
    """A client, a router, and any number of hosts behind it, each on a link of its own."""

    def __init__(self, lab):
        self.lab, self.hosts = lab, {}
        self.client, self.router = lab.host("client"), lab.router("router")
        lab.link(self.client, "up", self.router, "down",
                 ("10.201.1.2/24", "fd01::2/64"), ("10.201.1.1/24", "fd01::1/64"))
        for gate in ("10.201.1.1", "fd01::1"):
            self.client.route("default", "via", gate)

    def add(self, name):
        n = len(self.hosts) + 1
        host = self.hosts[name] = self.lab.host(name[:8])
        host.number = n
        host.addr = {family: ENDPOINT[family] % n for family in (4, 6)}
        self.lab.link(self.router, "h%d" % n, host, "up", (GATE[4] % n + "/24", GATE[6] % n + "/64"),
                      (host.addr[4] + "/24", host.addr[6] + "/64"))
        for family in (4, 6):
            host.route("default", "via", GATE[family] % n)
        return host


def load(host, rules):
    """Replace the firewall by a whole ruleset in nftables' words."""
    host.sh("nft", "-f", "-", input="flush ruleset\n" + rules)


# --- stacks that are no kernel -------------------------------------------------------------------

def tap_open():
    """Reason why no tap device can be made, or None."""
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "no access to /dev/net/tun"
    return None


def settle(client, addr):
    """Until it answers a ping. That also moves the IP IDs on: a first packet with ID 0 would be
    taken for a stack that always sends 0."""
    until("a pong of " + addr, lambda: client.sh("ping", "-c", "1", "-W", "1", addr,
                                                 check=False).returncode == 0)


# A stack that takes octets which our kernel never sent acknowledges them, and our kernel answers
# that: thousands of ACKs a second without the kernel's own limit, which the lab else lifts.
OUR_LIMIT = {"net.ipv4.tcp_invalid_ratelimit": 500}


class TapHost:
    """A program that plays a host on a tap device of the client's."""
    addr = {4: "10.203.1.2", 6: "fd03::2"}
    port = 80

    def __init__(self, lab, argv):
        why = tap_open()
        if why:
            pytest.skip(why)
        self.client = lab.host("client")
        self.client.sysctl(OUR_LIMIT)
        lab.helper(self.client.within(argv))
        self.client.address("tp0", "10.203.1.1/24", "fd03::1/64")
        self.client.link_local("tp0")
        for addr in self.addr.values():
            settle(self.client, addr)


def lwip(lab):
    program = os.path.join(BUILD, "tests", "lab", "lwip_host")
    if not os.access(program, os.X_OK):
        pytest.skip("lwIP was not there at configure (Debian: liblwip-dev)")
    return TapHost(lab, [program, "tp0", "80", "10.203.1.2", "255.255.255.0", "10.203.1.1",
                         "fd03::2"])


GOCODE = "/usr/share/gocode"


def gvisor(lab):
    """Built by Debian's go from Debian's sources, offline; the build directory keeps the result."""
    if not shutil.which("go"):
        pytest.skip("no go (Debian: golang-go)")
    if not os.path.isdir(GOCODE + "/src/gvisor.dev/gvisor/pkg/tcpip"):
        pytest.skip("no sources of gVisor (Debian: golang-gvisor-gvisor-dev)")
    top = os.path.join(os.path.abspath(BUILD), "tests", "lab", "gvisor")
    program = os.path.join(top, "gvisor_host")
    os.makedirs(top, exist_ok=True)
    env = dict(os.environ, GOPATH=GOCODE, GO111MODULE="off", GOCACHE=os.path.join(top, "cache"),
               GOFLAGS="", GOPROXY="off", CGO_ENABLED="0")
    command(["go", "build", "-o", program, os.path.join(HERE, "gvisor_host", "main.go")],
            env=env, timeout=1800)
    return TapHost(lab, [program, "tp0", "80", "10.203.1.2/24", "fd03::2/64"])


class Slirp:
    """slirp4netns: the client's tap ends in a process that plays TCP for a namespace beyond. Its
    10.0.2.2 is the loopback of that namespace, where the listener is."""
    addr = {4: "10.0.2.2", 6: "fd00::2"}
    port = 80

    def __init__(self, lab):
        if not shutil.which("slirp4netns"):
            pytest.skip("no slirp4netns (Debian: slirp4netns)")
        why = tap_open()
        if why:
            pytest.skip(why)
        self.client, self.outer = lab.host("client"), lab.host("outer")
        self.client.sysctl(OUR_LIMIT)
        self.outer.listen([self.port])
        ready, told = os.pipe()
        watched, self.alive = os.pipe()  # it ends when we do
        lab.spawn(self.outer.within(["slirp4netns", "-c", "-6", "-r", told, "-e", watched,
                                     "--netns-type=path", "/run/netns/" + self.client.ns, "tp0"]),
                  stdout=lab.scratch("slirp"), pass_fds=[told, watched])
        os.close(told)
        os.close(watched)
        with os.fdopen(ready, "rb") as f:
            if f.read(1) != b"1":
                raise laboratory.LabError("slirp4netns did not come up")
        self.client.address("tp0", "fd00::100/64")
        self.client.link_local("tp0")
        settle(self.client, self.addr[4])
