"""A host that rations its resets, as FreeBSD (200/s), illumos (40/s) and firewalls do.

Its closed ports are all found, in the time that it takes; none is called filtered; the result says
that there is a limit. Nobody else waits for it. The limiter is a firewall in the target's output.
"""

import concurrent.futures
import re

import pytest

from lab import QUICK
from wiretap import Tap

OPEN = [22, 80, 443, 1000]
NET, NET6 = "10.207.0.", "fd17::"
RULE = "%s saddr %s tcp flags & rst == rst limit rate over %d/second burst %d packets drop"
# last octet -> RSTs/s; each scan has a target, and so a limiter, of its own
RATES = {10: 1000, 11: 1000, 12: 200, 13: 1000, 14: 200, 15: 40, 16: 40, 17: 300, 18: 1000,
         19: 500, 20: 1000, 21: 1000, 22: 40, 23: 200, 24: 1000}
BURST = {23: 100, 24: 100}  # else 5, nft's own
FREE, FREE_TOO, HALF = 30, 31, 40
SCANS = {
    "thousand": (10, "1-3000", []),
    "thousand-max": (11, "1-3000", ["--rate", "max"]),
    "two-hundred": (12, "1-1000", []),
    "two-hundred-max": (14, "1-1000", ["--rate", "max"]),
    "thousand-20k": (18, "1-3000", ["--rate", "20k"]),
    "five-hundred-packet": (19, "1-1500", ["--rate", "max", "--tx", "packet"]),
    "ipv6": (13, "1-3000", []),
    "few-max": (20, "1-400", ["--rate", "max"]),
    "five-thousand-max": (21, "1-5000", ["--rate", "max"]),
    "forty-max": (22, "1-160", ["--rate", "max"]),
    "burst-max": (23, "1-700", ["--rate", "max"]),
    "burst-20k": (24, "1-3000", ["--rate", "20k"]),
}


def name(octet, six=False):
    return "%s%d" % (NET6 if six else NET, octet)


@pytest.fixture(scope="module")
def net(lab):
    near, far = lab.host("near"), lab.host("far")
    octets = [*RATES, FREE, FREE_TOO, HALF]
    lab.link(near, "wire0", far, "wire0", (name(1) + "/24", name(1, True) + "/64"),
             [name(o, six) + ("/64" if six else "/24") for o in octets for six in (False, True)])
    rules = [RULE % ("ip6" if six else "ip", name(octet, six), rate, BURST.get(octet, 5))
             for octet, rate in RATES.items() for six in (False, True)]
    silent = ["%s tcp dport 1001-2000 drop" % ("ip daddr " + name(HALF))]
    far.firewall(output=rules, input=silent)
    far.listen(OPEN)
    near.far = far
    return near


@pytest.fixture(scope="module")
def results(net):
    """All that take the limiter's time, at the same time."""
    def one(wish):
        octet, ports, words = SCANS[wish]
        try:
            return net.scan(name(octet, wish == "ipv6"), "-p", ports, *words)
        except AssertionError as e:  # one that does not end is not the others' failure
            return e

    wishes = list(SCANS)[:3] if QUICK else list(SCANS)
    with concurrent.futures.ThreadPoolExecutor(len(wishes)) as pool:
        return dict(zip(wishes, pool.map(one, wishes)))


@pytest.fixture
def outcome(results, wish):
    """The result, how many ports it should have, and the limit."""
    if wish not in results:
        pytest.skip("RSTPROBE_QUICK")
    if isinstance(results[wish], AssertionError):
        raise results[wish]
    octet, ports, _ = SCANS[wish]
    return results[wish], int(ports.partition("-")[2]), RATES[octet]


@pytest.mark.parametrize("wish", SCANS)
def test_all_closed_ports_are_found(outcome):
    result, total, _ = outcome
    assert result.status == 0, result
    listen = [p for p in OPEN if p <= total]
    assert result.counts() == {"open": len(listen), "closed": total - len(listen)}, result
    assert sorted(p for p, s in result.states().items() if s == "open") == listen, result
    assert result.summary["complete"] is True, result


def told(result):
    (host,) = result.of("host")
    return host.get("reset_limit", 0)


@pytest.mark.parametrize("wish", SCANS)
def test_the_limit_is_told(net, outcome, wish):
    """A busy machine answers late, which lowers what one scan sees: one of three is exact."""
    result, total, rate = outcome
    octet, ports, words = SCANS[wish]
    if result.summary["sent"] < 1.2 * total:
        pytest.skip("by chance it was asked as fast as it answers")
    for _ in range(2):
        if 0.6 * rate <= told(result) <= 1.3 * rate:
            break
        result = net.scan(name(octet, wish == "ipv6"), "-p", ports, *words)
    assert 0.6 * rate <= told(result) <= 1.3 * rate, result


@pytest.mark.parametrize("wish", SCANS)
def test_it_is_asked_only_a_little_faster_than_it_answers(outcome):
    """A flood would find all in the end as well; what a limited host gets is a few tries a port."""
    result, total, _ = outcome
    assert result.summary["sent"] <= 8 * total, result


def test_the_text_says_so(net):
    for _ in range(3):
        result = net.rstprobe("scan", name(17), "-p", "1-600")
        assert result.status == 0, result
        assert "filtered" not in result.out, result
        said = re.findall(r"(?i)at most (\d+) resets? a second", result.out)
        if len(said) == 1 and 180 <= int(said[0]) <= 390:
            break
    assert len(said) == 1 and 180 <= int(said[0]) <= 390, result


# --- who asks for open ports alone ---------------------------------------------------------------

@pytest.mark.parametrize("octet,words,listed", [
    (15, ["--open"], False),
    (16, ["--show", "open,indeterminate"], True),
])
def test_open_ports_alone_take_no_time(net, octet, words, listed):
    """At 40/s, 4,000 closed ports would take 100 s: nobody waits for them, nobody is lied to."""
    result = net.scan(name(octet), "-p", "1-4000", *words, deadline=60)
    assert result.summary["elapsed_s"] < 50, result  # it is ready in a few
    assert result.status == (0 if result.summary["complete"] else 3), result
    counts = result.counts()
    assert counts["open"] == len(OPEN), result
    assert not set(counts) - {"open", "closed", "indeterminate"}, result
    assert counts["indeterminate"] > 0 and sum(counts.values()) == 4000, result
    (host,) = result.of("host")
    assert host.get("reset_limit"), result
    unknown = [r for r in result.records if r.get("state") == "indeterminate"]
    assert {r["reason"] for r in unknown} <= {"reset-limited"}, result
    if listed:
        assert sum(r.get("count", 1) for r in unknown) == counts["indeterminate"], result
    assert sorted(p for p, s in result.states().items() if s == "open") == OPEN, result


def test_open_ports_alone_in_text(net):
    result = net.rstprobe("scan", name(15), "-p", "1-4000", "--open", deadline=60)
    assert re.search(r"(?i)at most \d+ resets? a second", result.out), result
    assert re.search(r"\d+ indeterminate", result.out), result
    for port in OPEN:
        assert re.search(r"^%d/tcp +open" % port, result.out, re.M), result


# --- and who has no limit -----------------------------------------------------------------------

def test_nobody_else_is_slowed(net):
    """The other host of the same scan is done long before: by when its probes came."""
    tap = Tap(net.far, "wire0")
    slow, fast = name(12), name(FREE)
    result = net.scan(slow, fast, "-p", "1-800", "--rate", "20k")
    probes = tap.stop()
    assert result.status == 0, result
    for addr in (slow, fast):
        count = result.count(addr)
        assert count == {"open": 3, "closed": 797}, (addr, count, result)
    limits = {h["addr"]: h.get("reset_limit") for h in result.of("host")}
    assert limits[slow] and not limits[fast], result
    begun = min(p.ns for p in probes)
    # each port's first probe: whoever answers is asked again now and then, as a canary
    asked = {p.dport: p.ns for p in reversed(probes) if p.dst == fast}
    all_asked = max(asked.values()) - begun
    last = max(p.ns for p in probes if p.dst == slow) - begun
    # four seconds for one, a fraction of one for the other
    assert len(asked) >= 800 and all_asked < last / 2, (all_asked, last)
    assert sum(p.dst == fast for p in probes) <= 2 * 800, "asked again what had answered"


def test_no_limit_is_claimed_where_there_is_none(net):
    result = net.scan(name(FREE_TOO), "-p", "1-20000", "--rate", "max")
    assert result.counts() == {"open": len(OPEN), "closed": 20000 - len(OPEN)}, result
    (host,) = result.of("host")
    assert not host.get("reset_limit"), result
    assert not result.summary.get("hosts_limited"), result


def test_a_filter_is_no_limiter(net):
    """The same ports keep silent each time: that is a rule on ports, not on the rate."""
    result = net.scan(name(HALF), "-p", "1-3000")
    assert result.status == 0, result
    assert result.counts() == {"open": len(OPEN), "closed": 2000 - len(OPEN), "filtered": 1000}, \
        result
    (host,) = result.of("host")
    assert not host.get("reset_limit"), result
