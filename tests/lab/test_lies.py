"""A lying network: 200,000 forged segments a second and more while the program works.

liar.c floods; here is what must be true all the same: no verdict that is false, no memory for lies,
an end that doesn't wait for theirs, and a count of what was not ours. A port that keeps silent may
become `indeterminate`, since something did come in its name; it is never open, closed or rejected.
Who is on the path, sees the SYN and answers with the right number can't be told from the target:
test_who_sees_the_syn_is_believed says so.
"""

import contextlib
import json
import os
import signal

import pytest

from lab import SERVER, SERVER6, is_sanitized, until

BUILD = os.environ.get("builddir", os.path.join(os.path.dirname(__file__), "..", "..", "build"))
RATE = 300000

OPEN = [22, 80, 443]
SILENT = range(1000, 1100)
REJECTED = range(1100, 1110)
PORTS = 1400
BLIND = ["syn-ack", "rst", "stray", "data"]
NEAR = ["near", "replay", "address", "port"]
ICMP = ["icmp-seq", "icmp-port", "icmp-address", "icmp-short", "icmp-nested", "icmp-protocol",
        "icmp-length"]
FRAGMENTS = ["fragment-later", "fragment-first", "fragment-tiny", "fragment-atomic"]
# these reach nobody's 4-tuple with a whole TCP header, or quote nothing that was asked
HARMLESS = ICMP + ["fragment-later", "fragment-tiny", "address"]
SOME_KB = 6 << 10


class Net:
    def __init__(self, path3):
        self.lab, self.client, self.router = path3.lab, path3.client, path3.router
        self.server = path3.server
        self.server.listen(OPEN)
        self.server.firewall(input=[
            "tcp dport %d-%d drop" % (SILENT[0], SILENT[-1]),
            "ip version 4 tcp dport %d-%d reject with icmp admin-prohibited" % (
                REJECTED[0], REJECTED[-1]),
            "ip6 version 6 tcp dport %d-%d reject with icmpv6 admin-prohibited" % (
                REJECTED[0], REJECTED[-1])])

    @contextlib.contextmanager
    def liar(self, lies, rate=RATE):
        """A flood for as long as the block lasts; `told` then has what was sent."""
        process = self.lab.helper(self.router.within(
            [os.path.join(BUILD, "tests", "lab", "liar"), "down", rate, ",".join(lies)]))
        told = {}
        try:
            yield told
        finally:
            process.send_signal(signal.SIGTERM)
            told.update(json.loads(process.stdout.read()))
            process.wait(10)
        print("%s: %d segments in %.2f s, %d/s" % (
            ",".join(lies), told["sent"], told["seconds"], told["sent"] / told["seconds"]))

    def came(self):
        return self.client.read_int("/sys/class/net/up/statistics/rx_packets")


@pytest.fixture(scope="module")
def net(path3):
    return Net(path3)


def address(family):
    return SERVER if family == 4 else SERVER6


def truth(port):
    if port in OPEN:
        return "open"
    if port in SILENT:
        return "filtered"
    return "rejected" if port in REJECTED else "closed"


def may_be(port, complete, shy):
    """The states that are no lie. Where the run says itself that it missed something, what keeps
    silent to it may be what it missed."""
    is_so = truth(port)
    allowed = {is_so}
    if is_so == "filtered" and shy:
        allowed.add("indeterminate")
    if not complete:
        allowed |= {"filtered", "indeterminate", "not-probed"}
    return allowed


def honest(result, ports=range(1, PORTS + 1), shy=True):
    """No port is called what it is not; and `complete` means it."""
    complete = result.summary["complete"]
    assert result.status == (0 if complete else 3), result
    assert complete or result.summary["why"], result
    states = result.states()
    wrong = {p: states[p] for p in ports if states[p] not in may_be(p, complete, shy)}
    assert len(states) == len(ports) and not wrong, (wrong, result)
    # nothing was asked without end: three passes, and some more where the capture lost frames
    assert result.summary["sent"] <= 8 * len(ports), result


def counted(result, told, ports=PORTS):
    """`foreign` is what came and was not ours: all but the answers, and one of a form for each port
    and kind, which are kept as evidence."""
    s = result.summary
    ours = s["answered"] + s["duplicates"] + s["late"]
    assert told["sent"] > 0, told
    assert s["captured"] - ours - 4 * ports <= s["foreign"] <= s["captured"], (s, told)


# --- a scan -------------------------------------------------------------------------------------

@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("lies", [BLIND, NEAR, ICMP, FRAGMENTS],
                         ids=["blind", "near", "icmp", "fragments"])
def test_no_false_verdict(net, lies, family):
    with net.liar(lies) as told:
        result = net.client.scan(address(family), "-p", "1-%d" % PORTS, "--show", "all",
                                 "--rate", "4k")
    honest(result, shy=not set(lies) <= set(HARMLESS))
    assert result.summary["foreign"] > 0, (result.summary, told)
    assert result.summary["hosts_up"] == 1, result


@pytest.mark.parametrize("lie", ["rst", "syn-ack", "address", "icmp-seq"])
def test_what_is_not_ours_is_counted(net, lie):
    with net.liar([lie]) as told:
        result = net.client.scan(SERVER, "-p", "1-%d" % PORTS, "--show", "all")
    honest(result, shy=lie not in HARMLESS)
    counted(result, told)


@pytest.mark.parametrize("family", [4, 6])
def test_replays_of_an_earlier_scan(net, family):
    """From the same source port, so that they fit the ports of this one exactly."""
    words = [address(family), "-p", "1-%d" % PORTS, "--show", "all", "-g", "47123"]
    with net.liar(["replay"]):
        for seed in (1, 2):
            honest(net.client.scan(*words, "--seed", seed))


def test_who_sees_the_syn_is_believed(net):
    """A control of the flood, too: what is forged well does arrive, and is taken."""
    with net.liar(["on-path"]):
        result = net.client.scan(SERVER, "-p", "1000-1019", "--show", "all")
    assert set(result.states().values()) == {"closed"}, result


def test_hosts_that_are_not_there(net):
    """Lies in the name of the dead don't make them live, nor have all their ports asked."""
    words = ["10.201.77.0/26", "-p", "1-100", "-T", "100ms", "--rate", "20k", "--seed", "1"]
    net.router.firewall(prerouting=["ip daddr 10.201.77.0/26 drop"])
    quiet = net.client.scan(*words)
    with net.liar(["rst", "syn-ack"]):
        loud = net.client.scan(*words)
    net.router.firewall()
    assert quiet.summary["hosts_up"] == loud.summary["hosts_up"] == 0, (quiet, loud)
    assert set(loud.counts()) <= {"filtered", "indeterminate", "not-probed"}, loud
    assert loud.summary["skipped"] == quiet.summary["skipped"] > 5000, (quiet, loud)


def test_tries(net):
    """scan --count: guesses crowd no answer out."""
    with net.liar(BLIND):
        result = net.client.scan(SERVER, "-p", "80,81,1000", "--count", "5", "--interval", "50ms")
    assert result.status in (0, 3), result
    for t in result.of("try"):
        assert t["state"] in may_be(t["port"], result.summary["complete"], True), (t, result)
    assert len(result.of("try")) == 15 and result.summary["foreign"] > 0, result


# --- memory, files, time ------------------------------------------------------------------------

def peak(net, *words, lies=(), **kw):
    """The result, and the most memory that it took, in KiB."""
    path = net.lab.path("meter.json")
    wrap = [os.path.join(BUILD, "tests", "bench", "meter"), "-o", path]
    with net.liar(lies) if lies else contextlib.nullcontext():
        result = net.client.rstprobe(*words, wrap=wrap, **kw)
    with open(path, encoding="ascii") as f:
        metered = json.load(f)
    result.status = metered["status"]
    return result, metered["peak_kb"]


@pytest.mark.parametrize("family", [4, 6])
def test_no_memory_for_lies(net, family):
    words = ["scan", address(family), "-p", "1-%d" % PORTS, "--rate", "2500", "--format", "json",
             "--show", "all"]
    result, quiet = peak(net, *words)
    honest(result)
    result, loud = peak(net, *words, lies=BLIND + ICMP + FRAGMENTS)
    honest(result)
    print("peak: %d KiB, under the flood %d KiB" % (quiet, loud))
    assert loud < quiet + SOME_KB * (4 if is_sanitized() else 1), (quiet, loud)


def test_no_disk_for_lies(net):
    """-w has what was sent and what was taken, not what anybody throws at us."""
    pcap = net.lab.path("flood.pcap")
    with net.liar(BLIND) as told:
        result = net.client.scan(SERVER, "-p", "1-%d" % PORTS, "--show", "all", "-w", pcap)
    honest(result)
    size = os.path.getsize(pcap)
    assert size <= 24 + 100 * (result.summary["sent"] + 8 * PORTS), (size, told, result.summary)


def test_deadline(net):
    with net.liar(BLIND + ICMP):
        result = net.client.scan(SERVER, "-p", "1-%d" % PORTS, "--rate", "100", "--show", "all",
                                 "--deadline", "1s")
    assert result.status == 3 and "deadline" in result.summary["why"], result
    honest(result)


def deaf(net, *words):
    """A scan that is stopped while a flood fills its ring, and goes on after."""
    with net.liar(["rst", "syn-ack"]):
        run = net.client.start("scan", SERVER, "-p", "1-%d" % PORTS, "--show", "all", *words,
                               "--format", "json")
        begun = net.came()
        until("the flood", lambda: net.came() > begun + 5000)
        run.signal(signal.SIGSTOP)
        begun = net.came()
        until("a ring that is full", lambda: net.came() > begun + 120000, 30)
        run.signal(signal.SIGCONT)
        return run.wait()


def test_what_a_full_ring_lost_is_asked_again(net):
    result = deaf(net, "--rate", "1k")
    honest(result)
    assert result.summary["pcap_dropped"] > 0, result


def test_what_a_full_ring_lost_is_not_called_silent(net):
    """Nobody may ask again: then it is said."""
    result = deaf(net, "--rate", "1k", "-r", "0")
    honest(result)
    assert result.summary["pcap_dropped"] > 0 and result.summary["complete"] is False, result
    assert "dropped" in result.summary["why"], result


# --- those who converse -------------------------------------------------------------------------

@pytest.fixture(scope="module")
def gusher(net):
    """A target that sends octets for ever: 8090."""
    net.server.helper("gush", 8090)
    return 8090


def loud_and_quiet(net, lies, *words):
    """The records of one run in peace and of one under the flood."""
    got = []
    for lies_now in ((), lies):
        with net.liar(lies_now) if lies_now else contextlib.nullcontext():
            result = net.client.rstprobe(*words, "--format", "json")
        assert result.status == (0 if result.summary["complete"] else 3), result
        got.append(result)
    assert got[1].summary["foreign"] > 0, got[1]
    return got


@pytest.mark.parametrize("lies", [["rst"], ["syn-ack", "stray", "data"], ICMP],
                         ids=["rst", "others", "icmp"])
@pytest.mark.parametrize("target, port", [(SERVER, 80), (SERVER6, 81)],
                         ids=["open", "closed-6"])
def test_trace(net, lies, target, port):
    """Who resets without our numbers, but now and then, is believed; who does it by the thousand
    sees none of our segments. Hops that answer with nonsense are silent ones."""
    quiet, loud = loud_and_quiet(net, lies, "trace", target, "-p", port)
    a, b = quiet.of("trace")[0], loud.of("trace")[0]
    assert (a["verdict"], a["between"]) == (b["verdict"], b["between"]), (quiet, loud)


def test_stack(net):
    """Cells may stay untested; none is said to deviate that doesn't."""
    with net.liar(["rst"]):
        result = net.client.rstprobe("stack", SERVER, "-p", "80,81", "--format", "json")
    assert result.status == (0 if result.summary["complete"] else 3), result
    stack = result.of("stack")[0]
    wrong = {(c["state"], c["probe"]) for c in stack["cells"] if c["conforms"] is False}
    assert wrong <= {("LISTEN", "syn-fin"), ("LISTEN", "syn-fin-psh-urg"),
                     ("SYN-RECEIVED", "syn-window")}, (wrong, result)
    assert stack["style"] == "rst" and result.summary["foreign"] > 0, result


def test_a_service_that_never_stops(net, gusher):
    """Nobody waits for the end of it, or keeps it."""
    result, most = peak(net, "trace", SERVER, "-p", gusher, "--probe", "data", "--format", "json")
    assert result.status == 0 and result.of("trace")[0]["verdict"] == "open", result
    result, least = peak(net, "trace", SERVER, "-p", 80, "--probe", "data", "--format", "json")
    assert most < least + SOME_KB, (most, least)
    with net.liar(["data", "rst"]):
        result, most = peak(net, "provoke", "early-close", SERVER, "-p", gusher, "--hold", "1s",
                            "--format", "json")
    assert result.status in (0, 3) and len(result.of("provoke")) == 1, result
    assert result.status == 0 or result.summary["why"], result
    assert most < least + 8 * SOME_KB, (most, least)


# --- explain ------------------------------------------------------------------------------------

def test_explain_live(net):
    """Each forged RST is a finding, as many as can be looked at; of the rest it says how many."""
    words = ["explain", "-i", "up", "--max-flows", "4096", "--deadline", "1s", "--no-kernel"]
    _, quiet = peak(net, *words)
    with net.liar(["rst", "syn-ack", "data"]):
        net.client.scan(SERVER, "-p", "1-50")  # the liar sees it, and knows whom to lie to
        begun = net.came()
        result, loud = peak(net, *words, "--format", "json")
        came = net.came() - begun
    s = result.summary
    assert s["frames"] > 0 and s["frames"] <= came, (s, came)
    lost = s["pcap_dropped"] > 0
    assert result.status == (3 if lost else 0) and s["complete"] is not lost, result
    assert not lost or "lost" in s["why"], s
    assert loud < quiet + SOME_KB, (quiet, loud)
