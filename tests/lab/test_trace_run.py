"""A trace as a run: two paths, routers that ration or withhold their errors, names, bounds, output,
exit statuses, and what is left of one that was killed.
"""

import json
import re
import signal

import pytest

import chain
from chain import ADMIN, DROP, EARLY, FAMILIES, HTTP, MUTE, PLAIN, RESET, ROUTERS, TARGET
from lab import command, until

SILENT = chain.server(chain.WIDE_DROP + 3, 4)
OWN = {f: chain.server(PLAIN, f) for f in FAMILIES}
HOSTS = ("10.202.0.2 first.example\nfd02:90::2 first.example\n10.202.2.2 third.example\n"
         "fd02:92::2 third.example\n10.202.100.1 target.example\nfd02:100::1 target.example\n")
FILES_ONLY = {"/etc/nsswitch.conf": "hosts: files\nservices: files\n"}
NAMED = dict(FILES_ONLY, **{"/etc/hosts": HOSTS})


@pytest.fixture(scope="module")
def net(lab):
    built = chain.Chain(lab)
    rules = chain.router_rules(1)
    rules["prerouting"].append("iifname near ip daddr %s counter name asked" % SILENT)
    built.r[1].firewall(counters=["asked"], **rules)
    return built


@pytest.fixture(scope="module")
def asked(net):
    """What takes a router's seconds, at the same time."""
    wishes = {}
    for family in FAMILIES:
        for i in range(4):
            wishes["flow", i, family] = [chain.server(chain.BALANCED, family), "-p", HTTP]
        for i in range(2):
            wishes["flows", i, family] = [chain.server(chain.BALANCED, family), "-p", HTTP,
                                          "--flows", 8]
        wishes["limited", 8, family] = [chain.server(chain.LIMITED, family), "-p", HTTP,
                                        "--flows", 8]
        for k, first in ((4, 3), (1, 4)):
            wishes["first", k, family] = [OWN[family], "-p", RESET + k, "--first-ttl", first]
        for base in (0, RESET + 4, EARLY + 4, DROP + 4, ADMIN + 4):
            wishes["mute", base, family] = [chain.server(MUTE, family), "-p", base or HTTP]
    return net.trace_all(wishes)


def together(net, *wishes, **kw):
    """Several runs at the same time, each a list of words; their results in order."""
    runs = [net.client.start("trace", *words, **kw) for words in wishes]
    return [run.wait() for run in runs]


# --- paths ---------------------------------------------------------------------------------------

def lanes(family):
    return {(chain.hop(3, family), chain.hop(4, family)),
            (chain.hop("r3b", family), chain.hop("r4b", family))}


def lane(traced, flow=0):
    seen = traced.by(flow=flow)
    return seen[3], seen[4]


@pytest.mark.parametrize("family", FAMILIES)
def test_one_flow_is_one_path(asked, family):
    for i in range(4):
        traced = asked["flow", i, family]
        assert traced["verdict"] == "open", traced
        assert lane(traced) in lanes(family), traced


@pytest.mark.parametrize("family", FAMILIES)
def test_many_flows_see_both(asked, family):
    """Sixteen of them, in two runs: by chance all on one path once in 32,768 times."""
    seen = set()
    for i in range(2):
        traced = asked["flows", i, family]
        assert {h["flow"] for h in traced.hops} == set(range(8)), traced
        mine = {lane(traced, flow) for flow in range(8)}
        assert mine <= lanes(family), traced
        assert traced["verdict"] == "open", traced
        assert ("paths" in traced.clues) == (len(mine) == 2), traced
        seen |= mine
    assert seen == lanes(family)


# --- routers that say little ---------------------------------------------------------------------

@pytest.mark.parametrize("family", FAMILIES)
def test_a_limited_router_loses_no_hop(asked, family):
    """Eight flows want eight errors at once, of a router that gives six and then one a second."""
    traced = asked["limited", 8, family]
    assert traced["verdict"] == "open", traced
    for flow in range(8):
        seen = traced.by(flow=flow)
        assert seen.get(3) == chain.hop("r3c", family), (flow, traced)
        assert all(seen.get(ttl) for ttl in ROUTERS), (flow, traced)


@pytest.mark.parametrize("family", FAMILIES)
def test_that_it_was_asked_slowly_is_said(asked, family):
    traced = asked["limited", 8, family]
    assert "limit" in traced.clues, traced
    assert "limit" not in asked["flow", 0, family].clues


@pytest.mark.parametrize("family", FAMILIES)
def test_mute_routers_are_gaps(asked, family):
    traced = asked["mute", 0, family]
    assert traced["verdict"] == "open", traced
    seen = traced.by()
    assert {ttl for ttl in ROUTERS if not seen.get(ttl)} == set(chain.MUTE_ROUTERS), traced
    assert all(seen[ttl] == chain.hop(ttl, family) for ttl in (1, 2, 5)), traced
    assert traced.silent() == set(chain.MUTE_ROUTERS), traced


@pytest.mark.parametrize("base", [RESET, EARLY])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_mute_router_that_resets(asked, base, family):
    """Hops 3 and 4 are unknown, 4 it is: an interval that holds it, and no other router's name."""
    traced = asked["mute", base + 4, family]
    assert traced["verdict"] == "reset-by-hop", traced
    low, high = traced.between
    assert low <= 4 <= high, traced
    assert traced.record.get("addr_by") in (None, chain.hop(4, family)) or low < high, traced


@pytest.mark.parametrize("family", FAMILIES)
def test_a_mute_router_that_drops(asked, family):
    """Who was heard last is far before it: the interval must reach it."""
    traced = asked["mute", DROP + 4, family]
    assert traced["verdict"] == "dropped-after-hop", traced
    assert traced["addr_by"] == chain.hop(2, family), traced
    low, high = traced.between
    assert low == 2 and high >= 4, traced


@pytest.mark.parametrize("family", FAMILIES)
def test_a_mute_router_that_rejects_gives_its_name(asked, family):
    traced = asked["mute", ADMIN + 4, family]
    assert traced["verdict"] == "rejected-by", traced
    assert traced["addr_by"] == chain.hop(4, family), traced
    low, high = traced.between
    assert low <= 4 <= high, traced


@pytest.mark.parametrize("family", FAMILIES)
def test_no_way_beyond_a_router(net, family):
    traced = net.trace(chain.NOWHERE[family], "-p", HTTP)
    assert traced["verdict"] == "rejected-by", traced
    assert traced["addr_by"] == chain.hop(3, family), traced
    assert traced.by().get(2) == chain.hop(2, family), traced


@pytest.mark.parametrize("family", FAMILIES)
def test_no_way_from_here(net, family):
    result = net.client.rstprobe("trace", chain.ABYSS[family], "-p", HTTP)
    assert result.status == 4, result
    assert chain.ABYSS[family] in result.err and "route" in result.err, result


# --- bounds --------------------------------------------------------------------------------------

def test_a_link_local_target(net):
    """On the wire it has no zone; here it does."""
    shown = command(net.r[1].within(["ip", "-j", "-6", "addr", "show", "dev", "near", "scope",
                                     "link"])).stdout
    target = json.loads(shown)[0]["addr_info"][-1]["local"] + "%far"
    traced = net.trace(target, "-p", chain.CLOSED)
    assert traced["verdict"] == "reset-by-target", traced
    assert {h["addr"] for h in traced.hops if h["addr"]} == {target}, traced


@pytest.mark.parametrize("family", FAMILIES)
def test_nobody_on_the_link(net, family):
    """The kernel gives the neighbour up after three seconds, and says so in its own name."""
    traced = net.trace(chain.LINK[family] % (0, 77), "-p", HTTP)
    assert traced["verdict"] == "rejected-by", traced
    assert (traced["addr_by"], traced["origin"]) == (chain.CLIENT[family], "local"), traced


@pytest.mark.parametrize("family", FAMILIES)
def test_first_ttl(asked, family):
    traced = asked["first", 4, family]
    assert min(h["ttl"] for h in traced.hops) == 3, traced
    assert traced["verdict"] == "reset-by-hop" and traced.between == (4, 4), traced
    # what was never asked is not known to be silent
    traced = asked["first", 1, family]
    assert traced["verdict"] == "reset-by-hop", traced
    low, high = traced.between
    assert low <= 1 <= high, traced


@pytest.mark.parametrize("family", FAMILIES)
def test_max_ttl(net, family):
    """All of them expire: nothing was dropped, and nothing else is known."""
    few, enough = together(net, *([OWN[family], "-p", HTTP, "--max-ttl", n, "-n", "--format",
                                   "json"] for n in (4, TARGET)))
    (record,) = few.of("trace")
    assert record["verdict"] == "indeterminate", few
    assert max(h["ttl"] for h in few.of("hop")) == 4, few
    (record,) = enough.of("trace")
    assert record["verdict"] == "open", enough


def test_several_targets_and_ports(net):
    result = net.client.rstprobe("trace", OWN[4], OWN[6], "-p", "%d,%d" % (HTTP, RESET + 2), "-n",
                                 "--format", "json")
    assert result.status == 0, result
    got = {(r["addr"], r["port"]): r["verdict"] for r in result.of("trace")}
    assert got == {(OWN[f], p): v for f in FAMILIES
                   for p, v in ((HTTP, "open"), (RESET + 2, "reset-by-hop"))}, result


# --- output --------------------------------------------------------------------------------------

def test_records(net):
    """The keys that users rely on; `run` first, `summary` last."""
    path = net.lab.path("trace.json")
    result = net.client.rstprobe("trace", OWN[4], "-p", RESET + 3, "-n", "-oJ", path)
    assert result.status == 0, result
    with open(path, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f]
    assert lines[0]["type"] == "run" and lines[0]["command"] == "trace", lines
    assert lines[-1]["type"] == "summary" and lines[-1]["complete"] is True, lines
    assert lines[-1]["sent"] >= 4 and lines[-1]["answered"] >= 4, lines[-1]
    hops = [r for r in lines if r["type"] == "hop"]
    assert [h["ttl"] for h in hops if h["role"] == "main"][:4] == [1, 2, 3, 4], hops
    for h in hops:
        assert {"flow", "probe", "ttl", "addr", "rtt_us", "reply"} <= set(h), h
        assert h["reply"] in (chain.TIME_EXCEEDED, "none") or h["reply"].startswith("rst-"), h
        assert h["rtt_us"] is None or 0 < h["rtt_us"] < 5000000, h
    (record,) = [r for r in lines if r["type"] == "trace"]
    assert (record["addr"], record["port"]) == (OWN[4], RESET + 3), record
    assert record["verdict"] == "reset-by-hop" and record["between"] == [3, 3], record
    assert record["addr_by"] == chain.hop(3, 4), record
    assert record["clues"] and all(isinstance(c, str) and c for c in record["clues"]), record


def lines_of(text):
    """ttl -> the line of that hop, of the first walk."""
    got = {}
    for line in text.splitlines():
        found = re.match(r"\s*(\d+)\s+(\S.*)", line)
        if found:
            got.setdefault(int(found.group(1)), found.group(2))
    return got


@pytest.mark.parametrize("family", FAMILIES)
def test_text(net, family):
    """One line a hop, as from traceroute; the verdict underneath."""
    result = net.client.rstprobe("trace", OWN[family], "-p", RESET + 3, "-n")
    assert result.status == 0, result
    lines = lines_of(result.out)
    for ttl in (1, 2, 3):
        assert chain.hop(ttl, family) in lines[ttl] and " ms" in lines[ttl], result
    assert re.search(r"(?i)reset|rst", lines[4]), result
    after = result.out[result.out.index(lines[4]):]
    assert re.search(r"hop 3\b", after) and chain.hop(3, family) in after, result


def test_text_of_silence(net):
    result = net.client.rstprobe("trace", chain.server(MUTE, 4), "-p", HTTP, "-n")
    lines = lines_of(result.out)
    for ttl in chain.MUTE_ROUTERS:
        assert lines[ttl].startswith("*"), result
    assert "open" in result.out, result


@pytest.mark.parametrize("family", FAMILIES)
def test_names(net, family):
    words = [OWN[family], "-p", RESET + 3]
    result, numbers = together(net, words, words + ["-n"], files=NAMED)
    assert result.status == 0, result
    lines = lines_of(result.out)
    for ttl, name in ((1, "first.example"), (3, "third.example")):
        assert name in lines[ttl] and chain.hop(ttl, family) in lines[ttl], result
    assert chain.hop(2, family) in lines[2] and "example" not in lines[2], result
    assert numbers.status == 0 and "example" not in numbers.out, numbers


def test_a_name_is_a_target(net):
    result = net.client.rstprobe("trace", "target.example", "-4", "-p", HTTP, files=NAMED)
    assert result.status == 0 and "target.example" in result.out, result
    assert OWN[4] in result.out, result


def test_a_mute_resolver_holds_up_nobody(net):
    """No name server answers: the walk is told all the same, by numbers."""
    files = {"/etc/nsswitch.conf": "hosts: dns\n",
             "/etc/resolv.conf": "nameserver %s\noptions timeout:30 attempts:5\n" % SILENT}
    result = net.client.rstprobe("trace", OWN[4], "-p", HTTP, files=files)
    assert result.status == 0, result
    assert set(ROUTERS) <= set(lines_of(result.out)), result


# --- statuses ------------------------------------------------------------------------------------

def test_expected_and_not(net):
    wishes = {"reset-by-hop": 0, "open,reset-by-hop": 0, "open": 1}
    results = together(net, *([OWN[4], "-p", RESET + 2, "-n", "--expect", w] for w in wishes))
    assert [r.status for r in results] == list(wishes.values()), results


@pytest.mark.parametrize("words", [
    [OWN[4]], [OWN[4], "-p", "80", "--flows", "0"], [OWN[4], "-p", "80", "--max-ttl", "256"],
    [OWN[4], "-p", "80", "--first-ttl", "9", "--max-ttl", "3"],
    [OWN[4], "-p", "80", "--probe", "syn,ack"], [OWN[4], "-p", "80", "--probe", "nonsense"],
    [OWN[4], "-p", "80", "--expect", "closed"], [OWN[4], "-p", "80", "--format", "xml"],
    ["-p", "80"]], ids=" ".join)
def test_bad_command_lines(net, words):
    result = net.client.rstprobe("trace", *words)
    assert result.status == 2 and result.err and not result.out, result


def test_a_dry_run_sends_nothing(net):
    before = net.client.sent_packets("far")
    result = net.client.rstprobe("trace", OWN[4], "-p", HTTP, "--max-ttl", 5, "--dry-run",
                                 wrap=["setpriv", "--bounding-set=-all", "--inh-caps=-all"])
    assert result.status == 0 and result.out.count("\n") >= 5, result
    assert net.client.sent_packets("far") == before


def test_without_privilege(net):
    result = net.client.rstprobe("trace", OWN[4], "-p", HTTP,
                                 wrap=["setpriv", "--bounding-set=-all", "--inh-caps=-all"])
    assert result.status == 4 and "CAP_NET_RAW" in result.err, result


def test_cap_net_raw_is_enough(net):
    """For data in a connection too."""
    few = ["setpriv", "--bounding-set=-all,+net_raw", "--inh-caps=-all"]
    traced = net.trace(OWN[4], "-p", HTTP, "--probe", "data", "--data-string",
                       chain.SAID_RESET % 3, wrap=few)
    assert traced["verdict"] == "reset-by-hop" and traced.between == (3, 3), traced


# --- ends ----------------------------------------------------------------------------------------

def left(host):
    """What a run may leave: processes, sockets, rules."""
    got = {"pids": command(["ip", "netns", "pids", host.ns]).stdout.split(),
           "tcp": host.sh("ss", "-Hnt", "state", "established").stdout
           + host.sh("ss", "-Hntl").stdout, "nft": host.sh("nft", "list", "ruleset").stdout}
    for name in ("packet", "raw", "raw6"):
        got[name] = len(host.sh("cat", "/proc/net/" + name).stdout.splitlines())
    return got


def clean_of(host):
    """The same before a run begins: what helped the one before may end a little after it."""
    def look():
        got = left(host)
        return None if got["pids"] else got
    return until("nobody to be at work", look)


MOMENTS = {
    "silent": [SILENT, "-p", HTTP],
    "flows": [SILENT, "-p", HTTP, "--flows", 16],
    "ack": [SILENT, "-p", HTTP, "--probe", "ack"],
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_kill_leaves_nothing(net, moment):
    clean = clean_of(net.client)
    before = net.r[1].counter("asked")
    run = net.client.start("trace", *MOMENTS[moment], "-n")
    until("some segments", lambda: net.r[1].counter("asked") >= before + 5)
    run.process.send_signal(signal.SIGKILL)
    assert run.process.wait(10) == -signal.SIGKILL
    until("nothing to be left", lambda: left(net.client) == clean)


def connected(net):
    return net.client.sh("ss", "-Hnt", "state", "established").stdout.strip()


@pytest.mark.parametrize("family", FAMILIES)
def test_kill_in_a_connection(net, family):
    """While octets are dropped and sent again; the kernel's own end goes with the process."""
    clean = clean_of(net.client)
    run = net.client.start("trace", OWN[family], "-p", HTTP, "--probe", "data", "--data-string",
                           chain.SAID_DROP % 3, "-n", "-T", "2s")
    until("a connection", lambda: connected(net) or run.process.poll() is not None)
    assert run.process.poll() is None, run.wait()
    run.process.send_signal(signal.SIGKILL)
    run.process.wait(10)
    until("nothing to be left", lambda: left(net.client) == clean)


def test_interrupted_says_what_it_knows(net):
    before = net.r[1].counter("asked")
    run = net.client.start("trace", *MOMENTS["silent"], "-n", "-r", 20, "--format", "json")
    # the first tries have had their time: what expired was heard
    until("some segments again", lambda: net.r[1].counter("asked") >= before + 20)
    run.signal(signal.SIGINT)
    result = run.wait()
    assert result.status == 3, result
    assert result.summary["complete"] is False, result
    assert {h["ttl"] for h in result.of("hop")} >= {1, 2, 3}, result
