"""Several outputs of one run, however it ends: each is whole, or is not there; and what reads
nmap's XML reads ours."""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import xml.etree.ElementTree as ET

import pytest

from lab import (PYTHON, QUICK, SERVER, SERVER6, command, expand, is_sanitized, until,
                 writes_xml)

OPEN = [22, 80, 443, 2000]
DEAD = "10.202.0.0/23"
NOBODY = "10.201.2.77"         # an address that nobody has, as its router says now and then
DTD, XSL = "/usr/share/nmap/nmap.dtd", "/usr/share/nmap/nmap.xsl"
WORDS = {"rejected": "filtered", "suspect": "open|filtered", "inconsistent": "unknown",
         "indeterminate": "unknown", "not-probed": "unknown"}
OLD = "what the run before has found\n"


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen(OPEN)
    path3.router.firewall(
        counters=["syns"], forward=[
            "ip daddr %s drop" % DEAD,
            # not left to its neighbour table, which says nothing for three seconds
            "ip daddr %s numgen random mod 4 0 reject with icmp type host-unreachable" % NOBODY,
            "ip daddr %s drop" % NOBODY,
            "tcp dport 82 reject with icmp type admin-prohibited", "tcp dport 83 drop"],
        prerouting=["iifname down tcp flags & (syn | ack) == syn counter name syns"])
    path3.router.sh("ip", "route", "add", DEAD, "dev", "far")
    return path3


# --- one reader a format: what it says of each port, None where it can't --------------------------

def read_json(path):
    """-> the ports' states, and whether it came to an end."""
    states, ended = {}, False
    with open(path, encoding="utf-8") as f:
        for line in f.read().splitlines(keepends=True):
            if not line.endswith("\n"):
                break  # cut off
            record = json.loads(line)
            if record["type"] == "port":
                states[record["addr"], record["port"]] = record["state"]
            elif record["type"] == "ports":
                for p in expand(record["ports"]):
                    states[record["addr"], p] = record["state"]
            ended = record["type"] == "summary"
    return states, ended


def read_xml(path):
    root = ET.parse(path).getroot()
    states = {}
    for host in root.findall("host"):
        addr = host.find("address").get("addr")
        for extra in host.iter("extraports"):
            mine = [p for r in extra for p in expand(r.get("ports"))]
            assert len(mine) == len(set(mine)) == int(extra.get("count")), addr
            states.update(((addr, p), extra.get("state")) for p in mine)
        for port in host.iter("port"):
            key = addr, int(port.get("portid"))
            assert key not in states, key
            states[key] = port.find("state").get("state")
    assert root[-1].tag == "runstats"
    return states, True


def read_text(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    assert text.endswith("\n"), text
    return None, " in " in text.splitlines()[-1] or text.splitlines()[-1].startswith("INCOMPLETE")


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f, strict=True))
    states = {(r["addr"], int(r["port"])): r["state"] for r in rows}
    assert len(states) == len(rows)
    return states, True


# how it is asked for, how it is read, and whether it may be seen before it is whole
FORMATS = {
    "text": ("-o", read_text, False),
    "json": ("-oJ", read_json, True),
    "xml": ("-oX", read_xml, False),
    "csv": ("-oC", read_csv, False),
}
if not writes_xml():
    del FORMATS["xml"]


class Outputs:
    """One file a format, in a folder of their own."""

    def __init__(self, net, old=None):
        self.dir = net.lab.path("out")
        os.mkdir(self.dir)
        self.paths = {name: os.path.join(self.dir, "result." + name) for name in FORMATS}
        for path in self.paths.values() if old else ():
            with open(path, "w", encoding="utf-8") as f:
                f.write(old)

    def words(self, but=None):
        return [w for name in FORMATS if name != but for w in (FORMATS[name][0],
                                                               self.paths[name])]

    def read(self, name):
        return FORMATS[name][1](self.paths[name])

    def whole(self, but=None):
        """Each is there, came to its end, and says the same of each port."""
        for name in FORMATS:
            if name == but:
                continue
            states, ended = self.read(name)
            assert ended, (name, self.paths[name])
            if states is not None and "json" not in (name, but):
                assert nmaps(states) == nmaps(self.read("json")[0]), name
        assert sorted(os.listdir(self.dir)) == sorted(
            "result." + name for name in FORMATS if name != but), "litter"


def nmaps(states):
    return {k: WORDS.get(v, v) for k, v in states.items()}


def valid(path):
    """By nmap's own DTD, where both are installed."""
    if shutil.which("xmllint") and os.path.exists(DTD):
        command(["xmllint", "--noout", "--dtdvalid", DTD, path])


def told_end(out):
    """-> the attributes of the end that the XML tells; None where there is none."""
    if "xml" not in FORMATS:
        return None
    valid(out.paths["xml"])
    return ET.parse(out.paths["xml"]).getroot().find("runstats/finished").attrib


# --- endings ------------------------------------------------------------------------------------

@pytest.mark.parametrize("target", [SERVER, SERVER6])
def test_all_at_once(net, target):
    out = Outputs(net)
    result = net.client.rstprobe("scan", target, "-p", "1-300,443,2000", *out.words())
    assert result.status == 0 and not result.out, result
    out.whole()
    states, _ = out.read("csv")
    assert sorted(p for (_, p), s in states.items() if s == "open") == OPEN
    assert states[target, 83] == "filtered" and states[target, 81] == "closed"
    end = told_end(out)
    assert not end or end["exit"] == "success", end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(net, number):
    out = Outputs(net)
    before = net.router.counter("syns")
    run = net.client.start("scan", SERVER, "-p", "1-9000", "--rate", "3000", *out.words())
    until("some probes", lambda: net.router.counter("syns") - before > 300)
    run.signal(number)
    result = run.wait()
    assert result.status == 3, result
    out.whole()
    states = nmaps(out.read("csv")[0])
    assert len(states) == 9000 and set(states.values()) >= {"closed", "unknown"}
    end = told_end(out)
    assert not end or (end["exit"] == "error" and end["errormsg"]), end


@pytest.mark.parametrize("words", [[SERVER, "-p", "1-9", "--open"],
                                   [DEAD, "-p", "80", "-r", "0", "-T", "50ms"]])
def test_empty(net, words):
    out = Outputs(net)
    result = net.client.rstprobe("scan", *words, *out.words())
    assert result.status == 0, result
    out.whole()
    assert out.read("csv")[0] == {}
    told_end(out)


@pytest.mark.parametrize("name", FORMATS)
def test_full_disk(net, name):
    """One line that names the file; the others are whole."""
    out = Outputs(net)
    result = net.client.rstprobe("scan", SERVER, "-p", "1-300", FORMATS[name][0], "/dev/full",
                                 *out.words(but=name))
    assert result.status == 3, result
    assert len(result.err.splitlines()) == 1, result
    assert "/dev/full" in result.err and "No space left" in result.err, result
    out.whole(but=name)


def test_a_run_that_cannot_begin(net):
    """Nothing was measured: what is there stays."""
    out = Outputs(net, old=OLD)
    words = out.words(but="json") + ["-oJ", os.path.join(out.dir, "no", "such")]
    result = net.client.rstprobe("scan", SERVER, "-p", "80", *words)
    assert result.status == 2 and len(result.err.splitlines()) == 1, result
    for name in set(FORMATS) - {"json"}:
        with open(out.paths[name], encoding="utf-8") as f:
            assert f.read() == OLD
    assert len(os.listdir(out.dir)) == len(FORMATS), os.listdir(out.dir)


def pids(net):
    return set(command(["ip", "netns", "pids", net.client.ns]).stdout.split())


def killed(net, out, seconds, wrap=()):
    """Started, and killed after that time, unless it is over by then; `left` are the processes that
    were there then."""
    run = net.client.start("scan", SERVER, "-p", "1-400", "--rate", "8000", *out.words(),
                           wrap=wrap)
    try:
        run.process.wait(seconds)
    except subprocess.TimeoutExpired:
        run.process.kill()
    run.left = pids(net) - {str(run.process.pid)}
    run.process.wait(10)
    return run


def whole_or_old(out, name, old):
    """Whatever the moment was."""
    path = out.paths[name]
    if not os.path.exists(path):
        assert not old, name
        return
    with open(path, encoding="utf-8") as f:
        if old and f.read() == OLD:
            return
    states, ended = out.read(name)
    if not FORMATS[name][2]:
        assert ended and (states is None or len(states) == 400), (name, path)


# where a file without a name can be named, by /proc, and where it can't
NO_PROC = 'mount -t tmpfs none /proc && exec "$@"'
PROCS = {"nameless": (), "named": ("sh", "-c", NO_PROC, "sh")}


@pytest.mark.parametrize("proc", PROCS)
def test_fifty_kills(net, proc):
    if proc == "named" and is_sanitized():
        pytest.skip("AddressSanitizer needs /proc")
    chance = random.Random(20261121)
    wrap = PROCS[proc]
    before = pids(net)
    whole = killed(net, Outputs(net), 60, wrap).wait()
    assert whole.status == 0, whole
    took, kills, i = whole.elapsed, 0, 0
    while kills < (8 if QUICK else 25):
        i += 1
        moment = chance.uniform(0, took)
        out = Outputs(net, old=OLD if i % 2 else None)
        run = killed(net, out, moment, wrap)
        if run.process.returncode == -signal.SIGKILL:
            kills += 1
        else:  # it was over before
            took = moment
        until("no child is left", lambda: pids(net) <= before)
        for name in FORMATS:
            whole_or_old(out, name, i % 2)
        litter = set(os.listdir(out.dir)) - {os.path.basename(p) for p in out.paths.values()}
        # what was named is nobody's for the moment until its keeper is there
        early = proc == "named" and not run.left - before
        assert not litter or early, "after %.3f s: %s" % (moment, litter)


def test_ctrl_c_of_a_terminal_spares_the_keeper(net):
    """It goes to the whole group: the files are named nevertheless."""
    out, others = Outputs(net), pids(net)
    before = net.router.counter("syns")
    run = net.client.start("scan", SERVER, "-p", "1-9000", "--rate", "3000", *out.words())
    until("some probes", lambda: net.router.counter("syns") - before > 300)
    for pid in pids(net) - others:
        os.kill(int(pid), signal.SIGINT)
    result = run.wait()
    assert result.status == 3, result
    out.whole()


# --- --resume -----------------------------------------------------------------------------------

def interrupted(net, *words):
    """JSON Lines of a run that was stopped in its midst."""
    path = net.lab.path("first.json")
    before = net.router.counter("syns")
    run = net.client.start("scan", SERVER, *words, "--rate", "1000", "-oJ", path)
    until("some probes", lambda: net.router.counter("syns") - before > 500)
    run.signal(signal.SIGINT)
    result = run.wait()
    assert result.status == 3, result
    return path


PORTS = ["-p", "1-3000", "--seed", "4"]


@pytest.fixture(scope="module")
def full(net):
    out = Outputs(net)
    result = net.client.rstprobe("scan", SERVER, *PORTS, *out.words())
    assert result.status == 0, result
    out.whole()
    return out


def test_resume_says_all_of_both(net, full):
    first = interrupted(net, *PORTS)
    out = Outputs(net)
    result = net.client.rstprobe("scan", "--resume", first, "--rate", "auto", *out.words())
    assert result.status == 0, result
    out.whole()
    assert read_json(first)[0] != full.read("json")[0]
    for name in FORMATS:
        assert out.read(name)[0] == full.read(name)[0], name
    if told_end(out):
        root = ET.parse(out.paths["xml"]).getroot()
        assert len(root.findall("host")) == 1, "a host stands there once"


def test_resume_twice_over_one_file(net, full):
    """The result that is gone on with is the one that is written, and the others beside it."""
    first = interrupted(net, *PORTS)
    rows = net.lab.path("both.csv")
    result = net.client.rstprobe("scan", "--resume", first, "--rate", "auto", "-oJ", first, "-oC",
                                 rows)
    assert result.status == 0, result
    assert read_json(first) == full.read("json")
    assert read_csv(rows) == full.read("csv")
    assert not [n for n in os.listdir(os.path.dirname(first)) if n.startswith(".")]


# --- what reads nmap's XML ----------------------------------------------------------------------

def needs(*tools):
    for t in tools:
        if not shutil.which(t) and not os.path.exists(t):
            pytest.skip("needs " + t)


@pytest.fixture(scope="module")
def pair(net, xml):
    """Two results of one host, between which a port was opened."""
    paths = []
    for port in (None, 777):
        if port:
            net.server.listen([port])
        paths.append(net.lab.path("seen.xml"))
        result = net.client.rstprobe("scan", SERVER, "-p", "1-900,2000", "-oX", paths[-1])
        assert result.status == 0, result
    return paths


def test_ndiff(pair):
    needs("ndiff")
    same = command(["ndiff", pair[0], pair[0]], check=False)
    assert same.returncode == 0 and not same.stderr, same
    other = command(["ndiff", *pair], check=False)
    assert other.returncode == 1 and not other.stderr, other
    changed = [line.split()[0] for line in other.stdout.splitlines() if line[:1] in "+-"
               and "/tcp" in line]
    assert changed == ["+777/tcp"], other.stdout


def test_ndiff_of_who_is_not_there(net, xml):
    """Which of the ports drew one of the few ICMP errors is no difference."""
    needs("ndiff")
    paths = [net.lab.path("gone.xml") for _ in range(2)]
    for path in paths:
        net.client.rstprobe("scan", NOBODY, "-p", "1-150", "-T", "200ms", "-oX", path)
        valid(path)
    done = command(["ndiff", *paths], check=False)
    changed = [line for line in done.stdout.splitlines()[2:] if line[:1] in "+-"]
    assert not done.stderr and not changed, done


def test_dtd(pair):
    needs("xmllint", DTD)
    for path in pair:
        valid(path)


def test_xsltproc(pair):
    needs("xsltproc", XSL)
    page = command(["xsltproc", XSL, pair[1]])
    assert not page.stderr and SERVER in page.stdout and ">777<" in page.stdout, page


def test_libnmap(pair):
    if command([PYTHON, "-c", "import libnmap.parser"], check=False).returncode != 0:
        pytest.skip("needs python3-libnmap")
    code = ("import sys\n"
            "from libnmap.parser import NmapParser\n"
            "r = NmapParser.parse_fromfile(sys.argv[1])\n"
            "h, = r.hosts\n"
            "print(h.address, h.is_up(), sorted(p for p, _ in h.get_open_ports()), r.hosts_up,\n"
            "      r.hosts_total, h.get_service(22).service)\n")
    got = command([PYTHON, "-c", code, pair[1]])
    assert got.stdout.split(maxsplit=2) == [
        SERVER, "True", "[22, 80, 443, 777, 2000] 1 1 ssh\n"], got
