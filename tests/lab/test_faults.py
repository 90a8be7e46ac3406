"""Faults of the machine that measures: what is known then is told, nothing looks like silence of
theirs, and the status says how it ended. "here" is this file, or test_faults_process.

  fault                      of scan                              of the others
  -------------------------  -----------------------------------  ----------------------------------
  interface down, gone       test_engine_trouble, test_run        test_audit, test_live, here
  down and up again          here                                 here
  address removed            here                                 here (trace)
  route changed              here; gone: test_engine_trouble      -
  gateway gone, replaced     test_engine_trouble                  -
  ENOBUFS                    test_engine_trouble                  sim/test_stage
  EPERM of a firewall        here; of all: test_paths             here
  capture drops              here                                 -
  clock stepped              here                                 here (explain -i, --count)
  disk full                  here; /dev/full: test_outputs,       test_status, test_explain_cli,
                             test_beside, test_pcapng             test_diff, test_doctor
  stdout closed              here; a reader gone: test_cli        here
  stopped and continued      here                                 here
  memory runs out            here                                 here
  descriptors run out        test_wire                            test_doctor, test_provoke
  killed, then --resume      here; once: test_scale               test_provoke_kill
  killed, nothing left       test_engine_kill, test_beside        test_provoke_kill
"""

import signal

import pytest

from lab import exact, until
from test_engine_trouble import FAR, FAR6, GATE, OPEN, SLOW, WAYS, Net, check
from test_engine_trouble import net  # noqa: F401, a fixture

CLIENT, CLIENT6 = "10.211.1.2", "fd21:1::2"
TWO = ["raw", "packet"]
BRIEF = ["-p", "1-400", "--rate", "180"]  # two seconds to break something in


@pytest.fixture(scope="module")
def calm(lab):
    """One for those that break nothing in it."""
    return Net(lab)


# --- the link, the address, the route -------------------------------------------------------------

@pytest.mark.parametrize("way", TWO)
def test_interface_down_and_up_again(net, way):
    """What was lost meanwhile can't be told from silence: the run ends, and the next is whole."""
    run = net.start(FAR, *SLOW, *WAYS[way])
    net.client.ip("link", "set", "dev", "up", "down")
    net.client.ip("link", "set", "dev", "up", "up")
    net.client.route("default", "via", GATE)
    result = run.wait(30)
    check(result)
    assert "went down" in result.summary["why"], result
    exact(net.client.scan(FAR, "-p", "1-400", *WAYS[way]), OPEN, 400)


@pytest.mark.parametrize("way, target, addr", [("raw", FAR, CLIENT + "/24"),
                                               ("packet", FAR6, CLIENT6 + "/64")])
def test_address_removed(net, way, target, addr):
    """Nobody finds us with the answers any more."""
    run = net.start(target, *SLOW, *WAYS[way])
    net.client.ip("addr", "del", addr, "dev", "up")
    result = run.wait(30)
    check(result)
    assert addr.split("/")[0] in result.summary["why"], result


def test_another_address_removed(net):
    """It is none of ours."""
    net.client.address("up", "10.211.1.7/24", "fd21:1::7/64")
    run = net.start(FAR, *BRIEF)
    net.client.ip("addr", "del", "10.211.1.7/24", "dev", "up")
    net.client.ip("addr", "del", "fd21:1::7/64", "dev", "up")
    exact(run.wait(30), OPEN, 400)


@pytest.mark.parametrize("way", TWO)
def test_route_changed(net, way):
    """To another gateway, which leads there as well."""
    net.router.address("down", "10.211.1.9/24")
    run = net.start(FAR, *BRIEF, *WAYS[way])
    net.client.ip("route", "replace", "default", "via", "10.211.1.9")
    exact(run.wait(30), OPEN, 400)


@pytest.mark.parametrize("way, kind", [("raw", "blackhole"), ("raw", "unreachable"),
                                       ("raw", "prohibit"), ("packet", "blackhole")])
def test_route_changed_to_nowhere(net, way, kind):
    """By the raw socket nothing leaves any more; frames go where they went. Nothing is filtered,
    and what our own kernel says of it is not the target's."""
    run = net.start(FAR, *BRIEF, *WAYS[way])
    net.client.ip("route", "replace", kind, FAR)
    result = run.wait(30)
    if way == "packet" and result.status == 0:
        exact(result, OPEN, 400)
        return
    check(result, 400)


def test_trace_loses_its_address(net):
    net.far.firewall(counters=["asked"], prerouting=["tcp dport 9 counter name asked drop"])
    run = net.client.start("trace", FAR, "-p", 9, "--format", "json")
    until("segments to arrive", lambda: net.far.counter("asked") > 2)
    net.client.ip("addr", "del", CLIENT + "/24", "dev", "up")
    result = run.wait(30)
    assert result.status == 3 and CLIENT in result.summary["why"], result
    assert all(t["verdict"] == "indeterminate" for t in result.of("trace")), result


def test_explain_live_goes_on_after_a_link_that_comes_back(net):
    """Of `any` nothing ends; of the one interface the run says that it went down."""
    runs = {i: net.client.start("explain", "-i", i, "--no-kernel", "--format", "json")
            for i in ("any", "up")}
    until("both to listen", lambda: all("listening" in r.text("err") for r in runs.values()))
    net.client.ip("link", "set", "dev", "up", "down")
    result = runs["up"].wait()
    assert result.status == 3 and "went down" in result.summary["why"], result
    net.client.ip("link", "set", "dev", "up", "up")
    net.client.route("default", "via", GATE)
    until("a RST", lambda: net.client.scan(FAR, "-p", "81").status == 0
          and '"type":"reset"' in runs["any"].text("out"))
    runs["any"].signal(signal.SIGINT)
    assert runs["any"].wait().status == 0


# --- what our own firewall does not let out --------------------------------------------------------

FIREWALLS = ["drop", "reject", "reject with icmpx type host-unreachable",
             "reject with icmpx type admin-prohibited"]


@pytest.mark.parametrize("target, verdict", [(FAR, v) for v in FIREWALLS] + [(FAR6, "reject")])
def test_a_firewall_that_comes_in_between(net, target, verdict):
    """EPERM, and with `reject` an ICMP error from ourselves: neither is an answer, nor silence."""
    run = net.start(target, *BRIEF, "--tx", "raw")
    net.client.firewall(output=["meta l4proto tcp " + verdict])
    result = run.wait(30)
    check(result, 400)
    assert "nft list ruleset" in result.summary["why"], result
    assert result.summary["send_errors"] > 0, result


def test_a_firewall_for_one_port(net):
    net.client.firewall(output=["tcp dport 7 drop"])
    result = net.client.scan(FAR, "-p", "1-400", "--tx", "raw")
    assert result.status == 3 and result.port(7)["state"] == "not-probed", result
    assert result.counts() == {"open": 3, "closed": 396, "not-probed": 1}, result


@pytest.mark.parametrize("words, status, says", [
    (["scan", FAR, "-p", "80", "--count", "3", "--interval", "20ms"], 3, "nft list ruleset"),
    (["stack", FAR, "-p", "80"], 3, "nft list ruleset"),
    (["trace", FAR, "-p", "80", "--max-ttl", "4"], 3, "nft list ruleset"),
    (["provoke", "early-close", FAR, "-p", "80", "-T", "300ms"], 4, ""),
    (["provoke", "listen-ack", FAR, "-p", "80", "-T", "100ms"], 3, "nft list ruleset"),
], ids=["count", "stack", "trace", "provoke", "provoke raw"])
def test_a_firewall_of_ours(calm, words, status, says):
    verdict = "reject" if words[0] == "scan" else "drop"
    calm.client.firewall(output=["ip protocol tcp " + verdict])
    try:
        result = calm.client.rstprobe(*words, "--format", "json")
    finally:
        calm.client.sh("nft", "flush", "ruleset")
    assert result.status == status and says in result.err, result
    for record in result.of("try"):
        assert record["state"] == "not-probed", record
    for record in result.of("stack"):
        assert record["style"] == "unknown", record
    for record in result.of("trace"):
        assert record["verdict"] == "indeterminate", record
    for record in result.of("provoke"):
        assert record["finding"] == "our-side-failed", record


# --- capture drops --------------------------------------------------------------------------------

FLOOD = """
import socket, struct, sys
us, them, port = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
for i in range(60000):
    s.sendto(struct.pack("!HHIIBBHHH", 1024 + i % 60000, int(port), i, 7, 5 << 4, 0x12, 9, 0, 0),
             (them, 0))
"""


def flood(net, port):
    net.far.sh("/usr/bin/python3", "-c", FLOOD, FAR, CLIENT, port)


def deaf_for_a_while(net, retries):
    """Who is stopped while strangers fill the ring has lost answers."""
    before = net.client.sent_packets("up")
    run = net.client.start("scan", FAR, "-p", "1-1500", "--rate", "500", "-g", "40000", "-r",
                           retries, "--format", "json")
    until("probes", lambda: net.client.sent_packets("up") > before + 100)
    run.process.send_signal(signal.SIGSTOP)
    flood(net, 40000)
    run.process.send_signal(signal.SIGCONT)
    result = run.wait(60)
    assert result.summary["pcap_dropped"] > 0, result
    return result


def test_capture_drops(calm):
    """They are asked for again."""
    result = deaf_for_a_while(calm, "3")
    assert result.summary["foreign"] > 0 and "capture dropped" in result.err, result
    exact(result, OPEN, 1500)


def test_capture_drops_with_nobody_to_ask_again(calm):
    """All that was asked once and is unheard may be in what was lost: incomplete, and said."""
    result = deaf_for_a_while(calm, "0")
    if "filtered" in result.states().values():
        assert result.status == 3 and "dropped" in result.summary["why"], result
