"""The pace on the wire, by when the kernel of the far end saw each SYN: upper bounds alone, because
any machine may be slower than it was asked to be.

A machine that stalls delivers late what was sent in time, and all at once. So a bound must hold in
one capture of a few: what the program does, it does in each of them.
"""

import pytest

from lab import QUICK
from wiretap import Tap, most

MS = 1000 * 1000
S = 1000 * MS
ATTEMPTS = 4
FAR, FAR6 = "10.213.0.2", "fd20::2"
HOST_RATE, SILENT_RATE = 1000, 10000  # auto: to who never answered, to all of them
SLACK = 64  # a batch


@pytest.fixture(scope="module")
def net(lab):
    """near - far. Of far's own addresses one keeps silent; to what is routed to it and nobody's, it
    says nothing either."""
    near, far = lab.host("near"), lab.host("far")
    lab.link(near, "wire0", far, "wire0", ("10.213.0.1/24", "fd20::1/64"),
             (FAR + "/24", FAR6 + "/64", "10.213.0.3/24", "fd20::3/64"))
    for network, gate in (("10.214.0.0/16", FAR), ("fd20:1::/48", FAR6)):
        near.route(network, "via", gate)
        far.route("blackhole", network)
    far.firewall(input=["ip daddr 10.213.0.3 tcp dport 1-65535 drop",
                        "ip6 daddr fd20::3 tcp dport 1-65535 drop"])
    far.listen([80])
    near.far = far
    return near


def held(net, bounds, *words):
    """Scans until a capture keeps all bounds: [(what, of which probes, window, how many), ...].
    Gives the last result and its probes."""
    broken = []
    for _ in range(ATTEMPTS):
        tap = Tap(net.far, "wire0")
        result = net.scan(*words)
        probes = tap.stop()
        assert result.status == 0, result
        found = [(what, seen, limit) for what, chosen, window, limit in bounds
                 for seen in [most(list(filter(chosen, probes)), window)] if seen > limit]
        if not found:
            return result, probes
        broken.append(found)
    pytest.fail("in each of %d captures (what, seen, allowed): %r" % (ATTEMPTS, broken))


def every(_):
    return True


def bounds_of(rate):
    """Even: bursts of a millisecond's worth; and over any time no more than was asked for."""
    return [("in 10 ms", every, 10 * MS, rate * 11 // 1000 + SLACK),
            ("in 100 ms", every, 100 * MS, rate * 110 // 1000 + SLACK),
            ("in 1 s", every, S, rate * 102 // 100 + SLACK)]


@pytest.mark.parametrize("target", [FAR] if QUICK else [FAR, FAR6])
@pytest.mark.parametrize("rate,ports,words", [
    ("1000", 1200, []),
    ("20k", 20000, []),
    ("20k", 20000, ["--tx", "raw"]),
    ("20k", 20000, ["--tx", "packet", "--threads", "4"]),
    ("100", 60, []),
    ("7", 12, []),
])
def test_rate_is_kept(net, rate, ports, words, target):
    number = int(rate.replace("k", "000"))
    result, probes = held(net, bounds_of(number), target, "-p", "1-%d" % ports, "--rate", rate,
                          *words)
    assert result.counts() == {"open": ports >= 80, "closed": ports - (ports >= 80)} or \
        result.counts() == {"closed": ports}, result
    assert result.summary["sent"] >= len(probes) >= ports * 0.9, result


def test_rate_is_kept_over_retries(net):
    """Silence: passes and their ends make no bursts."""
    held(net, bounds_of(2000), "10.213.0.3", "-p", "1-300", "--rate", "2000", "-T", "100ms")


def test_rate_is_kept_over_many_hosts(net):
    held(net, bounds_of(5000), "10.214.7.0/26", FAR, "-p", "1-60", "--rate", "5k", "-r", "1", "-T",
         "200ms", "--no-skip-dead")


# --- auto ---------------------------------------------------------------------------------------

def to(addr):
    return lambda p: p.dst == addr


def of_silent(addr):
    return [("%s in 100 ms" % addr, to(addr), 100 * MS, HOST_RATE // 10 * 11 // 10 + SLACK),
            ("%s in 1 s" % addr, to(addr), S, HOST_RATE * 102 // 100 + SLACK)]


@pytest.mark.parametrize("target", ["10.213.0.3", "fd20::3"])
def test_who_never_answered_gets_a_thousand(net, target):
    _, probes = held(net, of_silent(target), target, "-p", "1-700", "-r", "1", "-T", "200ms",
                     "--no-skip-dead")
    assert len(probes) >= 700


def test_beside_one_who_answers(net):
    """The rate grows with the answers of one; the other gets no more for that."""
    result, _ = held(net, of_silent("10.213.0.3"), FAR, "10.213.0.3", "-p", "1-800", "-r", "1",
                     "-T", "200ms", "--no-skip-dead")
    assert result.count(FAR) == {"open": 1, "closed": 799}, result


@pytest.mark.parametrize("targets", [
    ["10.214.%d.0/29" % n for n in range(16)],
    ["fd20:1:0:%x::%x" % (n, host) for n in range(16) for host in range(1, 9)],
])
def test_without_any_answer_ten_thousand_in_all(net, targets):
    """Of sixteen networks each may have its thousand, and all together no more than this."""
    _, probes = held(net, [
        ("in 100 ms", every, 100 * MS, SILENT_RATE // 10 * 11 // 10 + SLACK),
        ("in 1 s", every, S, SILENT_RATE * 102 // 100 + SLACK),
    ], *targets, "-p", "1-60", "-r", "0", "-T", "200ms", "--no-skip-dead")
    assert len({p.dst for p in probes}) == 128


def test_a_network_without_answers_gets_a_thousand(net):
    """A /24 is one router's: its silent hosts share what one would get."""
    network = ("10.214.9.0/24 in 100 ms", lambda p: p.dst.startswith("10.214.9."), 100 * MS,
               HOST_RATE // 10 * 11 // 10 + SLACK)
    held(net, [network], "10.214.9.0/28", "10.214.10.0/28", "-p", "1-50", "-r", "0", "-T", "200ms",
         "--no-skip-dead")


def test_the_first_moment_is_gentle(net):
    """A host that answers everything: nobody knows that before it has answered."""
    _, probes = held(net, [], FAR, "-p", "1-20000")
    begun = probes[0].ns
    # doubling each round trip may be quick; what leaves in the first 100 us is not much
    assert sum(p.ns < begun + MS // 10 for p in probes) <= SLACK


def test_max_is_not_held_back(net):
    """A bound from below, in probes and not in time: no pause between passes, no probe twice."""
    _, probes = held(net, [], FAR, "-p", "1-20000", "--rate", "max")
    assert len(probes) <= 20000 * 1.2, "asked again what was on its way"
