"""audit: policies against hosts that fulfil them and hosts that don't: the checks, the exit status,
what is asked again, what could not be measured, in both families."""

import json
import re
import xml.etree.ElementTree as ET

import pytest

from lab import PYTHON, is_sanitized, until

WEB, WEB6 = "10.220.2.10", "fd22:2::10"
DB = "10.220.2.20"
MUTE = "10.220.2.30"        # silent but for its open port; its kernel resets stray ACKs there
MANY = "10.221.%d.%d"       # five hundred addresses of one host
GOOD = """
group web {web} {web6}
group db  {db}   # the shop's
web: 80,443   open within 5s      critical owner ops
web: 22       closed or blocked
web: 25       silent              note "mail: moves in March"
web: 99       rejected
web: listen-rst on 443
web: style rst
web: else 1-120 not-open
db: 5432 open
db: smtp silent
db: else closed
"""
# runs what follows, and writes how much memory that had at most
PEAK = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as f:
    f.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""
NAMES = {"web": WEB, "web6": WEB6, "db": DB, "mute": MUTE}


class Net:
    def __init__(self, lab):
        self.lab = lab
        self.client, self.router, self.far = lab.host("client"), lab.router("router"), \
            lab.host("far")
        lab.link(self.client, "up", self.router, "down", ("10.220.1.2/24", "fd22:1::2/64"),
                 ("10.220.1.1/24", "fd22:1::1/64"))
        lab.link(self.router, "out", self.far, "up", ("10.220.2.1/24", "fd22:2::1/64"),
                 (WEB + "/24", DB + "/24", MUTE + "/24", WEB6 + "/64"))
        self.client.route("default", "via", "10.220.1.1")
        self.client.route("default", "via", "fd22:1::1")
        self.far.route("default", "via", "10.220.2.1")
        self.far.route("default", "via", "fd22:2::1")
        self.router.route("10.221.0.0/16", "via", WEB)
        self.far.ip("route", "add", "local", "10.221.0.0/16", "dev", "lo")
        self.far.sysctl({"net.ipv4.icmp_ratelimit": 0, "net.ipv6.icmp.ratelimit": 0})
        self.far.listen([80, 443, 5432, 3389, 8080])
        self.far.firewall(
            counters=["acks"],
            input=["ip daddr %s tcp dport 3389 accept" % MUTE, "ip daddr %s drop" % MUTE,
                   "ip daddr %s tcp dport != 5432 tcp dport { 80, 443, 3389, 8080 } "
                   "reject with tcp reset" % DB,
                   "tcp dport 8080 ip daddr != 10.221.0.0/16 reject with tcp reset",
                   "tcp dport 3389 reject with tcp reset",
                   "ip daddr != 10.221.0.0/16 tcp dport 5432 ip daddr != %s "
                   "reject with tcp reset" % DB,
                   "meta nfproto ipv6 tcp dport 5432 reject with tcp reset",
                   "tcp dport 25 drop",
                   "tcp dport 99 reject with icmpx type admin-prohibited"])

    def policy(self, text):
        return self.lab.scratch("p.policy", text.format(**NAMES)).name

    def audit(self, text, *words, **kw):
        return self.client.rstprobe("audit", self.policy(text), *words, **kw)

    def checks(self, text, *words, status):
        result = self.audit(text, "--format", "json", *words)
        assert result.status == status, result
        return result, result.of("check")


@pytest.fixture(scope="module")
def net(lab):
    return Net(lab)


def one(checks, addr, port):
    (found,) = [c for c in checks if c["addr"] == addr and c.get("port") == port]
    return found


# --- what holds -----------------------------------------------------------------------------------

def test_all_holds(net):
    result, checks = net.checks(GOOD, status=0)
    assert all(c["ok"] is True for c in checks), [c for c in checks if c["ok"] is not True]
    assert {c["addr"] for c in checks} == {WEB, WEB6, DB}
    open443 = [c for c in checks if c["addr"] == WEB and c.get("port") == 443]
    assert [c["expect"] for c in open443] == [["open"], ["listen-rst"]], open443
    assert open443[0]["severity"] == "critical" and open443[0]["owner"] == "ops", open443
    assert open443[0]["line"] == 4, open443
    assert result.run["command"] == "audit" and result.summary["complete"] is True
    assert result.summary["checks"] == result.summary["passed"] > 200, result.summary
    assert result.summary["failed"] == result.summary["indeterminate"] == 0, result.summary


def test_text_of_all(net):
    result = net.audit(GOOD)
    assert result.status == 0, result
    assert len(result.out.strip().splitlines()) <= 3, result


def test_style_of_a_stealthy_host(net):
    text = "group m {mute}\nm: 3389 open\nm: style %s\nm: else silent\n"
    net.checks(text % "silent", status=0)
    _, checks = net.checks(text % "rst", status=1)
    (style,) = [c for c in checks if "style" in c]
    assert style["ok"] is False and style["style"] == "silent", style


# --- what doesn't ---------------------------------------------------------------------------------

def test_one_wrong_port(net, xml):
    """Exit status 1, one failing case with what was expected, what is, and by what evidence."""
    junit = net.lab.path("audit.xml")
    result = net.audit(GOOD.replace("22       closed", "80  silent owner ann\nweb: 22  closed")
                       .replace("web: 80,443", "web: 443"), "-4", "--format", "junit", "-o", junit)
    assert result.status == 1, result
    cases = ET.parse(junit).getroot().iter("testcase")
    failed = [c for c in cases if c.find("failure") is not None]
    assert len(failed) == 1, result
    said = ET.tostring(failed[0], encoding="unicode")
    for word in (WEB, "80", "silent", "open", "SYN-ACK"):
        assert word in said, said


def test_failure_is_asked_again_from_other_ports(net):
    pcap = net.lab.path("audit.pcap")
    text = "group w {web}\nw: 80 closed\nw: 443 open\n"
    for retries, probings in (("0", 1), ("1", 2), ("3", 4)):
        _, checks = net.checks(text, "--retry-failed", retries, "-w", pcap, status=1)
        failed = one(checks, WEB, 80)
        assert failed["ok"] is False and failed["state"] == "open", failed
        assert failed["probings"] == probings, failed
        assert failed["confirmed"] is (probings > 1), failed
        assert one(checks, WEB, 443)["probings"] == 1, checks


def test_an_answer_outweighs_silence(net):
    """The first SYN is lost, the second probing comes through."""
    net.router.sh("nft", "-f", "-", input="""table inet lossy {
        chain forward { type filter hook forward priority 5;
            tcp dport 443 tcp flags & (syn | ack) == syn limit rate 1/hour burst 1 packets drop
        }
        }""")
    try:
        _, checks = net.checks("group w {web}\nw: 443 open\n", "-r", "0", "-T", "1s",
                               "--retry-failed", "1", status=0)
        asked = one(checks, WEB, 443)
        assert asked["ok"] is True and asked["probings"] == 2, asked
    finally:
        net.router.sh("nft", "delete", "table", "inet", "lossy")


def test_listen_rst_swallowed(net):
    """A filter in the path that is for SYNs alone passes them, and swallows the stray ACK."""
    net.router.sh("nft", "-f", "-", input="""table inet strict {
        chain forward { type filter hook forward priority 5;
            tcp dport 443 tcp flags & (syn | ack) == ack drop
        }
        }""")
    try:
        _, checks = net.checks("group w {web}\nw: listen-rst on 443\n", "-T", "400ms", status=1)
        silent = one(checks, WEB, 443)
        assert silent["ok"] is False and silent["confirmed"] is True, silent
        assert silent["probings"] == 2 and silent["tries"] > 1, silent
        assert "2 probings agree" in silent["evidence"], silent
        _, checks = net.checks("group w {web}\nw: listen-rst on 80,22\n", status=1)
        assert one(checks, WEB, 80)["ok"] is True, checks
        assert one(checks, WEB, 22)["ok"] is False and \
            one(checks, WEB, 22)["state"] == "closed", checks
    finally:
        net.router.sh("nft", "delete", "table", "inet", "strict")


def test_slower_than_demanded(net):
    _, checks = net.checks("group w {web}\nw: 80 open within 1us\nw: 443 open within 10s\n",
                           status=1)
    assert one(checks, WEB, 80)["ok"] is False and one(checks, WEB, 80)["state"] == "open"
    assert one(checks, WEB, 443)["ok"] is True


def test_text_has_failures_first(net):
    result = net.audit("group w {web}\nw: 443 open\nw: 80 closed info\nw: 22 open critical "
                       "owner ann note \"jump host\"\n")
    assert result.status == 1, result
    lines = [line for line in result.out.splitlines() if line.strip()]
    told = [i for i, line in enumerate(lines) if WEB in line]
    assert "22" in lines[told[0]] and "80" in lines[told[1]], result
    assert "ann" in result.out and "jump host" in result.out, result
    assert "2 of 3" in lines[-1], result


# --- dates ----------------------------------------------------------------------------------------

def test_exceptions_end(net):
    text = "group w {web}\nw: 80 open until %s\nw: 443,5432,3389,8080 closed or open\n" \
           "w: else 1-1000 not-open\n"
    net.checks(text % "2199-01-01", "-4", status=0)
    result, checks = net.checks(text % "2026-01-31", "-4", status=1)
    assert one(checks, WEB, 80)["line"] == 4 and one(checks, WEB, 80)["ok"] is False, checks
    assert "2026-01-31" in result.err and result.summary["lines_ended"] == 1, result


# --- what could not be measured -------------------------------------------------------------------

def test_link_down_in_the_middle(lab):
    broken = Net(lab)
    text = "group w {web}\nw: else 1-3000 not-open\n"
    run = broken.client.start("audit", broken.policy(text), "--rate", "200", "--format", "tap",
                              "-oJ", lab.path("down.json"))
    until("probes", lambda: broken.router.sent_packets("out") > 60)
    broken.client.ip("link", "set", "dev", "up", "down")
    result = run.wait()
    assert result.status == 3, result
    with open(result.argv[result.argv.index("-oJ") + 1], encoding="utf-8") as f:
        records = [json.loads(line) for line in f]
    assert records[-1]["complete"] is False and records[-1]["indeterminate"] > 2000, records[-1]
    assert records[-1]["passed"] == 0, records[-1]
    assert not [c for c in records if c["type"] == "check" and c["ok"]], records
    assert not re.findall(r"^ok ", result.out, re.M), result
    assert [c for c in records if c["type"] == "check" and c["state"] == "closed"], records


def test_unknown_name(net):
    result, checks = net.checks("group w {web} no-such-host.invalid\nw: 80 open\n", status=3)
    assert one(checks, WEB, 80)["ok"] is True
    (lost,) = [c for c in checks if c.get("name") == "no-such-host.invalid"]
    assert lost["ok"] is None and lost["addr"] is None, lost
    assert re.search(r"p\.policy[.\d]*:1:21: no-such-host", result.err), result


def test_host_is_down(net):
    """Nobody has the address: what must be open fails, the rest is not known."""
    net.client.sysctl({"net.ipv4.neigh.up.retrans_time_ms": 50})
    _, checks = net.checks("group w 10.220.1.77\nw: 80 open\nw: 22 silent\n", status=3)
    assert one(checks, "10.220.1.77", 80)["ok"] is False, checks
    assert one(checks, "10.220.1.77", 22)["ok"] is None, checks


def test_interrupted(net):
    run = net.client.start("audit", net.policy("group w {web}\nw: else 1-60000 not-open\n"),
                           "--rate", "300", "--format", "json")
    before = net.router.sent_packets("out")
    until("probes", lambda: net.router.sent_packets("out") > before + 60)
    run.signal(2)
    result = run.wait()
    assert result.status == 3, result
    assert result.summary["complete"] is False, result


# --- reading only ---------------------------------------------------------------------------------

def test_check_sends_nothing(net):
    result = net.audit(GOOD, "--check", wrap=("setpriv", "--bounding-set=-all", "--inh-caps=-all"))
    assert result.status == 0, result
    assert re.search(r"10 lines?, 2 groups?: \d+ checks of 3 hosts", result.out), result


@pytest.mark.parametrize("text,where", [
    ("group w {web}\nw: 80 opne\n", ":2:7: "),
    ("w: 80 open\n", ":1:1: "),
    ("group w {web}\nw: 80 open until tomorrow\n", ":2:"),
])
def test_what_is_wrong(net, text, where):
    for words in ((), ("--check",)):
        result = net.audit(text, *words)
        assert result.status == 2 and not result.out, result
        assert re.search(r"p\.policy[.\d]*" + where, result.err), result


def test_several_files_and_includes(net):
    inner = net.policy("web: 80 open\n")
    text = "group web {web}\ninclude \"%s\"\n" % inner
    net.checks(text, status=0)
    result = net.client.rstprobe("audit", net.policy("group web {web}\n"), inner, "--format",
                                 "json")
    assert result.status == 0 and len(result.of("check")) == 1, result


# --- record ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("targets", [(WEB,), (WEB, WEB6, DB), (MUTE,)], ids=" ".join)
def test_record_and_audit(net, targets):
    recorded = net.client.rstprobe("audit", *(w for t in targets for w in ("--record", t)), "-p",
                                   "20-30,80,99,443,3389,5432")
    assert recorded.status == 0, recorded
    path = net.lab.scratch("r.policy", recorded.out).name
    again = net.client.rstprobe("audit", path, "--format", "json")
    assert again.status == 0, (recorded, again)


# --- size -----------------------------------------------------------------------------------------

def test_ten_thousand_checks(net):
    text = "group many 10.221.1.1-10.221.1.250 10.221.2.1-10.221.2.250\n" \
           "many: 80,443,5432 open\nmany: 99 rejected\nmany: 25 silent\nmany: else 1-17 closed\n"
    peak = net.lab.path("peak")
    result = net.audit(text, "--format", "json", wrap=(PYTHON, "-c", PEAK, peak))
    checks = result.of("check")
    assert len(checks) == 500 * 22, len(checks)
    with open(peak, encoding="ascii") as f:
        assert is_sanitized() or int(f.read()) < 64 * 1024, "kB of memory at its peak"
    failed = [c for c in checks if c["ok"] is not True]
    assert not failed and result.status == 0, (failed[:3], result.err, result.summary)


def test_more_checks_than_can_be_made(net):
    """A port may be named by any number of lines; told at once, and not after hours."""
    text = "group many 10.221.0.0/24\n" + "many: 1-65535 open\n" * 20
    result = net.audit(text, "--check")
    assert result.status == 2 and "more than 268435456 checks" in result.err, result
