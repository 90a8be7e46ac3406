"""A lying network: 200,000 forged segments a second and more while the program works.

liar.c floods; here is what must be true all the same: no verdict that is false, no memory for lies,
an end that doesn't wait for theirs, and a count of what was not ours. A port that keeps silent may
become `indeterminate`, since something did come in its name; it is never open, closed or rejected.
Who is on the path, sees the SYN and answers with the right number can't be told from the target:
test_who_sees_the_syn_is_believed says so.
"""

import os
import signal

import pytest

from lab import QUICK, SERVER, SERVER6, is_sanitized, until
from lies import BLIND, FRAGMENTS, HARMLESS, ICMP, NEAR, OPEN, PORTS, REJECTED, SILENT, SOME_KB, \
    Net, peak

FAMILIES = [4] if QUICK else [4, 6]


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

@pytest.mark.parametrize("family", FAMILIES)
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


@pytest.mark.parametrize("family", FAMILIES)
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

@pytest.mark.parametrize("family", FAMILIES)
def test_no_memory_for_lies(net, family):
    words = ["scan", address(family), "-p", "1-%d" % PORTS, "--rate", "2500", "--format", "json",
             "--show", "all"]
    result, quiet = peak(net, *words)
    honest(result)
    result, loud = peak(net, *words, lies=BLIND + ICMP + FRAGMENTS)
    honest(result)
    print("peak: %d KiB, under the flood %d KiB" % (quiet, loud))
    assert is_sanitized() or loud < quiet + SOME_KB, (quiet, loud)


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
        until("a ring that is full", lambda: net.came() > begun + 120000)
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
