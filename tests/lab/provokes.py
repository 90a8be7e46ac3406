"""provokes: every scenario of `provoke` against services, paths and stacks that behave well and
badly, all side by side; beside each what is right to say of it.

Nothing here asks the program what is right. A case is a scenario, who answers, what stands between,
the finding, and what the kernel of the service says of the RSTs that it sends.
"""

import concurrent.futures
import os
import re
import struct
import subprocess

import lab as laboratory
from lab import HERE, PYTHON, command
from resets import Kernel
from resets_play import Segment, is_tcp
from stacks import OUR_LIMIT, Star, load

FIRST_PORT = laboratory.claim_ports()
SRCDIR = os.environ.get("srcdir", os.path.join(HERE, "..", ".."))
BUILD = os.environ.get("builddir", os.path.join(SRCDIR, "build"))
FAKEHOST = os.path.join(BUILD, "tests", "fake", "fakehost")
STACKS = os.path.join(SRCDIR, "tests", "fake", "stacks.conf")
AT_ONCE = 24
FORGETS_S = 3  # the tracker of the router
NOBODY = {4: "10.204.1.77", 6: "fd04:1::77"}

# What the kernel of a service says of its RSTs (enum sk_rst_reason), by what it was made to do.
STRAY = {"TCP_FLAGS"}                    # a segment met the listener, no connection
UNREAD = {"TCP_ABORT_ON_CLOSE"}          # close() with octets unread
LINGER = {"TCP_STATE"}                   # SO_LINGER 0
KEEPALIVE = {"TCP_KEEPALIVE_TIMEOUT"}
LATE = {"TCP_ABORT_ON_DATA", "TCP_TIMEWAIT_SOCKET"}  # octets after close()
NONE = set()


class Case:
    """One run in each family.

    service   of services.py; "nginx"; or "fake STACK/ENVIRONMENT"; None: nobody listens
    host      which host it lives on (HOSTS)
    path      rules of the router (RULES)
    kernel    reasons that the service's kernel must give, all of them
    either    reasons of which it must give one
    besides   reasons that it may give
    cause     what explain must say of the RST that the finding rests on, or name beside what it
              says; None: it rests on none; "": not asked
    lost      what must hold of the record's octets, or None: not asked
    status    of the program
    wrap      before the program's name
    """

    table = {}

    def __init__(self, scenario, finding, service, *words, **kw):
        self.scenario, self.finding, self.service, self.words = scenario, finding, service, words
        self.host, self.path, self.families = "plain", None, (4, 6)
        self.kernel, self.either, self.besides = NONE, NONE, NONE
        self.cause, self.lost, self.status, self.wrap, self.addr = None, None, 0, (), None
        self.seconds = 3
        for key, value in kw.items():
            assert hasattr(self, key), key
            setattr(self, key, value)
        number = sum(c.scenario == scenario and c.finding == finding for c in self.table.values())
        self.name = "%s-%s%s" % (scenario, finding, "-%d" % (number + 1) if number else "")
        self.index = len(self.table)
        self.table[self.name] = self

    def port(self, family):
        place = 2 * self.index + (family == 6)
        assert place < laboratory.PORT_BLOCK
        return FIRST_PORT + place

    @property
    def fake(self):
        return self.service[5:] if self.service and self.service.startswith("fake ") else None


HOLD = ("--hold", "2s")
SHORT = ("-T", "400ms")  # for an answer: where silence is what is to be found

# --- what ends any scenario early
Case("early-close", "port-closed", None, cause="refused")
Case("half-open", "port-closed", None, cause="refused")
Case("listen-ack", "port-closed", None, cause="refused")
Case("idle", "port-rejected", "sink", path="reject")
Case("early-close", "port-rejected", None, addr=NOBODY)  # the router finds nobody there
Case("listen-ack", "port-rejected", None, addr=NOBODY)
Case("slow-handshake", "port-rejected", "sink", path="reject")
Case("challenge", "no-answer", "sink", *SHORT, path="drop")
Case("lost-rst", "no-answer", "sink", *SHORT, path="drop")
Case("abort", "no-answer", "full", *SHORT)
Case("slow-handshake", "no-answer", "full", *SHORT)
Case("half-open", "cut-short", "sink", "--hold", "30s", "--deadline", "1s", status=3)
Case("idle", "cut-short", "sink", "--hold", "30s", "--deadline", "1s", status=3)
Case("lost-rst", "no-quiet-port", "fake lwip/none", status=4,
     wrap=("setpriv", "--inh-caps=-net_admin", "--bounding-set=-net_admin"))
Case("early-close", "our-side-failed", "sink", path="prohibit", status=4,
     families=(6,))  # IPv4 takes a target that no route leads to for one on the link

# --- listen-ack
Case("listen-ack", "listen-rst", "sink", kernel=STRAY, cause="listen-ack")
Case("listen-ack", "listen-rst-from-path", "sink", path="ct-reset", cause="listen-ack")
Case("listen-ack", "listen-partly", "sink", *SHORT, path="no-syn-ack", kernel=STRAY,
     cause="listen-ack")
Case("listen-ack", "listen-rejected", "sink", path="ct-icmp")
Case("listen-ack", "listen-silent", "sink", *SHORT, path="ct-drop")

# --- half-open
Case("half-open", "keepalive-reset", "alert", "--hold", "6s", kernel=KEEPALIVE, besides=STRAY,
     cause="keepalive-fail", seconds=6)
Case("half-open", "reset-by-service", "idle:1:rst", "--hold", "4s", kernel=LINGER, besides=STRAY,
     cause="abort-linger")
Case("half-open", "closed-by-service", "idle:1", "--hold", "3s", besides=STRAY)
Case("half-open", "keepalive-probes", "alert:100", "--hold", "3s")
Case("half-open", "keepalive-unheard", "alert", "--hold", "6s", path="rst-lost", kernel=KEEPALIVE,
     besides=STRAY, seconds=6)
Case("half-open", "replaced", "forgets", *HOLD, besides=STRAY)
Case("half-open", "reset-to-syn", "sink", *HOLD, path="one-syn-or-rst", besides=STRAY,
     cause="firewall-reject")
Case("half-open", "gives-way", "sink", *HOLD, besides=STRAY)
Case("half-open", "gives-way", "fake linux26/none", *HOLD)
Case("half-open", "keeps", "sink", *HOLD, *SHORT, path="no-rst")
Case("half-open", "mute", "sink", *HOLD, *SHORT, path="one-syn", besides=STRAY)

# --- early-close
def all_of(octets, head=0):
    """The client has read some of an answer of that length, and is told that it lacks the rest."""
    return lambda r: 0 < r["bytes_lost"] and \
        0 <= r["bytes_lost"] + r.get("read", 0) - octets <= head


def nothing(r):
    return not r["bytes_lost"]


BIG = ("--bytes", "300000", "--hold", "4s")
Case("early-close", "answer-lost", "hasty", *BIG, kernel=UNREAD, besides=STRAY, lost=all_of(100062),
     cause="unread-data-close")
Case("early-close", "answer-lost", "nginx", "--http", "/big", "--bytes", "8M", "--hold", "4s",
     kernel=UNREAD, besides=STRAY, lost=all_of(500000, 600), cause="unread-data-close")
Case("early-close", "reset-unanswered", "dumb", *BIG, kernel=UNREAD, besides=STRAY,
     cause="unread-data-close")
Case("early-close", "answer-whole", "brief", *BIG, kernel=UNREAD, besides=STRAY, lost=nothing,
     cause="unread-data-close")
Case("early-close", "closes-cleanly", "drains", *BIG, lost=nothing)
Case("early-close", "closes-cleanly", "courteous", *BIG, lost=nothing)
Case("early-close", "closes-cleanly", "nginx", "--http", "/lingers", *BIG, lost=nothing)
Case("early-close", "takes-all", "sink", "--bytes", "100000", "--hold", "2s")
Case("early-close", "stalls", "stalls", "--bytes", "20M", "--hold", "3s", seconds=8)

# --- data-after-close
Case("data-after-close", "resets", "closes", "--hold", "3s", either=LATE, besides=STRAY,
     cause="data-after-close")
Case("data-after-close", "resets", "says", "--hold", "3s", either=LATE, besides=STRAY,
     cause="data-after-close")
Case("data-after-close", "accepts", "half", "--hold", "3s")
Case("data-after-close", "ignores", "closes", "--hold", "3s", path="after-fin", besides=STRAY)
Case("data-after-close", "aborts", "idle:0.7:rst", "--hold", "3s", kernel=LINGER, besides=STRAY,
     cause="abort-linger")
Case("data-after-close", "stays-open", "sink", "--hold", "1500ms")

# --- abort
Case("abort", "listener-dies", "together:dies", cause="refused")
Case("abort", "listener-dies", "together:shuts", cause="refused")
Case("abort", "others-die", "together:leaves", kernel=LINGER, besides=STRAY,
     cause="abort-linger")
Case("abort", "others-live", "together:lives")
Case("abort", "others-live", "echo")
Case("abort", "others-silent", "together:lives", *SHORT, path="one-abort", besides=STRAY)
Case("abort", "reset-unasked", "rude", kernel=LINGER, besides=STRAY, cause="abort-linger")
Case("abort", "reset-unasked", "echo", path="ack-reset", cause="firewall-reject")

# --- slow-handshake
Case("slow-handshake", "listener-blocked", "narrow", "--hold", "3s", host="without-cookies",
     kernel=STRAY, seconds=11)
Case("slow-handshake", "ignores-rst", "sink", "--hold", "2s", *SHORT, path="no-rst")
Case("slow-handshake", "gives-up", "sink", "--hold", "4500ms", host="curt", kernel=STRAY,
     seconds=11)
Case("slow-handshake", "retransmits", "sink", "--hold", "2s", kernel=STRAY)
Case("slow-handshake", "does-not-retransmit", "sink", "--hold", "3s", host="cookies",
     seconds=11)

# --- idle
Case("idle", "ends-by-fin", "idle:1.5", "--hold", "4s", besides=STRAY, seconds=2)
Case("idle", "ends-by-fin", "nginx", "--hold", "4s", besides=STRAY, seconds=2)
# short of what explain calls a silence (1.5 s)
Case("idle", "ends-by-rst", "idle:1.2:rst", "--hold", "4s", kernel=LINGER, besides=STRAY,
     cause="abort-linger", seconds=2)
Case("idle", "reset-on-use", "sink", "--hold", "4s", path="ct-reset", cause="firewall-reject",
     seconds=8)
Case("idle", "silent-on-use", "sink", "--hold", "4s", *SHORT, path="ct-drop", seconds=9)
Case("idle", "outlives", "sink", "--hold", "2s")

# --- lost-rst
WORD = ("--data-string", "hello")
Case("lost-rst", "repeats", "aborts", *WORD, "--hold", "3s", kernel=LINGER | STRAY,
     cause="abort-linger")
Case("lost-rst", "repeats", "idle:0.5:rst", "--hold", "3s", kernel=LINGER | STRAY,
     cause="abort-linger")
Case("lost-rst", "sometimes", "aborts", *WORD, "--hold", "3s", path="odd-rst",
     kernel=LINGER | STRAY, cause="abort-linger")
Case("lost-rst", "once", "aborts", *WORD, *SHORT, path="once-rst", kernel=LINGER, besides=STRAY,
     cause="abort-linger")
Case("lost-rst", "goes-silent", "aborts", *WORD, "--hold", "1500ms", *SHORT, path="rst-lost",
     kernel=LINGER, besides=STRAY, seconds=7)
Case("lost-rst", "never-resets", "sink", "--hold", "1500ms")

# --- challenge
Case("challenge", "challenges", "sink", kernel=STRAY)
Case("challenge", "dies-by-syn", "fake linux26/none", cause="")
Case("challenge", "dies-by-near-rst", "fake lwipv6/none", cause="")
Case("challenge", "dies-by-near-rst", "fake gvisor/none", cause="")
Case("challenge", "dies-by-old-ack", "fake touchy/none", cause="")
Case("challenge", "survives-exact-rst", "sink", *SHORT, path="no-rst")
Case("challenge", "silent-but-lives", "fake mute/none", *SHORT)
Case("challenge", "falls-silent", "fake vanishing/none", *SHORT)
Case("challenge", "reset-unasked", "rude", kernel=LINGER, besides=STRAY, cause="abort-linger")

HOSTS = {
    "plain": {},
    "cookies": {"net.ipv4.tcp_syncookies": 2},
    "without-cookies": {"net.ipv4.tcp_syncookies": 0},
    "curt": {"net.ipv4.tcp_synack_retries": 1},
}

# In the router's forward chain, of a case's port P. A `notrack` keeps the tracker out of all else.
SYN, RST, FIN = "tcp flags & (syn | ack) == syn", "tcp flags & rst == rst", "tcp flags & fin == fin"
AGAIN = ("tcp dport P " + SYN + " tcp dport . tcp sport @opened %s\n"
         "tcp dport P " + SYN + " add @opened { tcp dport . tcp sport }")
RULES = {
    "drop": "tcp dport P drop",
    "reject": "tcp dport P reject with icmpx type admin-prohibited",
    "no-syn-ack": "tcp dport P tcp flags & (syn | ack) == (syn | ack) drop",
    "no-rst": "tcp dport P %s drop" % RST,
    "rst-lost": "tcp sport P %s drop" % RST,
    "one-syn": AGAIN % "drop",
    "one-syn-or-rst": AGAIN % "reject with tcp reset",
    "odd-rst": "tcp sport P %s numgen inc mod 8 > 1 drop" % RST,
    "once-rst": "tcp dport . tcp sport @ended drop\n"
                "tcp sport P %s add @ended { tcp sport . tcp dport }" % RST,
    "after-fin": "tcp dport . tcp sport @closed drop\n"
                 "tcp sport P %s add @closed { tcp sport . tcp dport }" % FIN,
    "one-abort": "tcp dport P tcp dport @aborted tcp flags & syn == 0 drop\n"
                 "tcp dport P %s add @aborted { tcp dport }" % RST,
    "ack-reset": "tcp dport P tcp flags == ack reject with tcp reset",
    "ct-drop": "tcp dport P ct state invalid drop\ntcp sport P ct state invalid drop",
    "ct-reset": "tcp dport P ct state invalid reject with tcp reset\n"
                "tcp sport P ct state invalid drop",
    "ct-icmp": "tcp dport P ct state invalid reject with icmpx type admin-prohibited\n"
               "tcp sport P ct state invalid drop",
}

NGINX = """
daemon off;
master_process off;
user root;
error_log %(dir)s/error.log;
pid %(dir)s/pid;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path %(dir)s/body;
  proxy_temp_path %(dir)s/proxy;
  fastcgi_temp_path %(dir)s/fastcgi;
  uwsgi_temp_path %(dir)s/uwsgi;
  scgi_temp_path %(dir)s/scgi;
  client_max_body_size 1k;
  client_header_timeout 2s;
  server {
    %(listen)s
    root %(dir)s;
    location /lingers { }
    location /big { lingering_time 0; error_page 413 /page; }
    location /page { internal; lingering_time 0; lingering_close off; }
  }
}
"""


class Net:
    """The prober, the router and the hosts; and the fakes, each on a device of the prober's."""

    def __init__(self, lab, cases, families):
        self.lab, self.star, self.fakes = lab, Star(lab), {}
        self.client, self.router = self.star.client, self.star.router
        for name, sysctls in HOSTS.items():
            self.star.add(name).sysctl({**OUR_LIMIT, **sysctls})
        self.client.sysctl({**OUR_LIMIT, "net.ipv4.tcp_fin_timeout": 2})
        self.each = [(c, f) for c in cases for f in c.families if f in families]
        self.firewall()
        self.serve()
        self.play_fakes()
        self.clean = left(self.client)

    def firewall(self):
        ports = {path: [c.port(f) for c, f in self.each if c.path == path]
                 for path in (*RULES, "prohibit")}
        self.router.sysctl({"net.netfilter.nf_conntrack_tcp_loose": 0,
                            "net.netfilter.nf_conntrack_tcp_timeout_established": FORGETS_S})
        tracked = [p for path in ports if path.startswith("ct-") for p in ports[path]] or [1]
        set_of = "{ %s }" % ", ".join(map(str, tracked))
        text = "table inet t {\n"
        for name in ("opened", "ended", "closed"):
            text += "set %s { type inet_service . inet_service; flags dynamic; size 999; }\n" % name
        text += "set aborted { type inet_service; size 4096; flags dynamic; }\n"
        text += "chain raw { type filter hook prerouting priority raw;\n"
        text += "tcp dport != %s tcp sport != %s notrack\n}\n" % (set_of, set_of)
        text += "chain forward { type filter hook forward priority 0;\n"
        for path, rules in RULES.items():
            for port in ports[path]:
                text += re.sub(r"\bP\b", str(port), rules) + "\n"
        load(self.router, text + "}\n}\n")
        for port in ports["prohibit"]:
            for family in ("-4", "-6"):
                self.client.ip(family, "rule", "add", "ipproto", "tcp", "dport", port, "prohibit")

    def serve(self):
        for name, host in self.star.hosts.items():
            words = ["%d:%s" % (c.port(f), c.service) for c, f in self.each
                     if c.host == name and c.service and c.service != "nginx" and not c.fake]
            if words:
                self.lab.helper(host.within([PYTHON, os.path.join(HERE, "services.py"), *words]))
        ports = [c.port(f) for c, f in self.each if c.service == "nginx"]
        if ports:
            self.nginx(self.star.hosts["plain"], ports)

    def nginx(self, host, ports):
        where = os.path.join(self.lab.dir, "nginx")
        os.mkdir(where)
        with open(os.path.join(where, "page"), "wb") as f:
            f.write(bytes(500000))
        listen = " ".join("listen [::]:%d ipv6only=off sndbuf=1m;" % p for p in ports)
        conf = self.lab.scratch("nginx", NGINX % {"dir": where, "listen": listen})
        # its standard error is kept until the configuration is read
        self.lab.spawn(host.within(["nginx", "-c", conf.name, "-p", where]),
                       stdout=subprocess.DEVNULL)
        laboratory.until("nginx", lambda: (":%d " % ports[-1]) in host.sh("ss", "-Hnlt").stdout)

    def play_fakes(self):
        for n, variant in enumerate(sorted({c.fake for c, _ in self.each if c.fake}), 1):
            dev = "fake%d" % n
            self.lab.helper(self.client.within([FAKEHOST, "--tun", dev, "--variant", variant,
                                                "--open", "80", STACKS]))
            self.client.address(dev, "10.205.%d.1/24" % n, "fd05:%d::1/64" % n)
            self.fakes[variant] = {4: "10.205.%d.2" % n, 6: "fd05:%d::2" % n}

    def address(self, case, family):
        if case.addr:
            return case.addr[family]
        if case.fake:
            return self.fakes[case.fake][family]
        return self.star.hosts[case.host].addr[family]

    @staticmethod
    def port(case, family):
        return 80 if case.fake else case.port(family)

    def start(self, case, family, *words, hold=None):
        """`hold` instead of the case's own, where it has one."""
        own = list(case.words)
        if hold and "--hold" in own:
            own[own.index("--hold") + 1] = hold
        return self.client.start("provoke", case.scenario, self.address(case, family), "-p",
                                 self.port(case, family), *own, "-n", *words, wrap=case.wrap)


class Played:
    """One run: its result, its evidence, and what the kernel said of the service's RSTs."""

    def __init__(self, case, family):
        self.case, self.family, self.result, self.pcap = case, family, None, None
        self.reasons = []

    @property
    def record(self):
        (record,) = self.result.of("provoke")
        return record


class Reasons(Kernel):
    """The kernel's word on the RSTs of this lab's services, but for those of closed ports: others
    draw them by the hundred thousand, and ours would be forgotten."""

    def __init__(self, net):
        super().__init__()
        self.addresses = {a for h in net.star.hosts.values() for a in h.addr.values()}
        if not self.missing:
            self.only(closed=False)

    def of(self, port):
        """Where a listener was met it names no address."""
        return [reason for src, sport, _, _, _, reason in self.events()
                if sport == port
                and src.replace("::ffff:", "") in self.addresses | {"0.0.0.0", "::"}]


def play(net):
    """All cases, the longest first, so many at once: {(name, family): Played}, and why the kernel's
    word is missing, or None."""
    kernel = Reasons(net)
    done = {(c.name, f): Played(c, f) for c, f in net.each}

    def run(each):
        each.pcap = net.lab.path("provoke.pcap")
        each.result = net.start(each.case, each.family, "--format", "json", "-w",
                                each.pcap).wait()

    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(run, sorted(done.values(), key=lambda p: -p.case.seconds)))
        for each in done.values():
            each.reasons = kernel.of(each.case.port(each.family))
    finally:
        kernel.close()
    return done, kernel.missing


def read_evidence(path):
    """The segments of a file of -w, whose frames are numbered from 1."""
    with open(path, "rb") as f:
        data = f.read()
    order, at, number, got = "<" if data[:1] in b"\xd4\x4d" else ">", 24, 0, []
    while at + 16 <= len(data):
        sec, part, caplen, _ = struct.unpack_from(order + "IIII", data, at)
        number += 1
        ip = data[at + 16:at + 16 + caplen]
        if is_tcp(ip):
            seg = Segment(ip)
            seg.frame = number
            got.append(seg)
        at += 16 + caplen
    return got


def left(host):
    """What a prober may not leave in its namespace: sockets but TIME-WAIT, and all that is there
    besides the lab's own."""
    got = {"pids": set(command(["ip", "netns", "pids", host.ns]).stdout.split()),
           "sockets": set(host.sh("ss", "-Hnat", "exclude", "time-wait").stdout.splitlines()),
           "firewall": set(host.sh("nft", "list", "ruleset").stdout.splitlines()),
           "rules": set(host.sh("ip", "rule").stdout.splitlines())}
    for name in ("packet", "raw", "raw6"):
        got[name] = set(host.sh("cat", "/proc/net/" + name).stdout.splitlines()[1:])
    return got


def more(now, clean):
    return {k: now[k] - clean[k] for k in now if now[k] - clean[k]}


def findings():
    """scenario -> its finding ids, and those of any scenario, from the program's own table."""
    with open(os.path.join(SRCDIR, "src", "judge", "provoke_rows.c"), encoding="utf-8") as f:
        rows = re.findall(r'\{"([a-z-]+)",\s*(\w+),', f.read())
    got = {}
    for finding, scenario in rows:
        scenario = scenario.replace("SCENARIO_", "").lower().replace("_", "-")
        got.setdefault(scenario, []).append(finding)
    return got
