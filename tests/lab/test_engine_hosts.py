"""Many hosts, of which most don't exist: nobody waits for them, few probes are spent on them, and the
result says so. A host of which but one common port answers is found all the same.
"""

import concurrent.futures
import re

import pytest

from lab import QUICK
from wiretap import Tap

OPEN = [22, 80, 443, 3, 55]
PORTS = "1-90,443,445,993,1433,1723,3306,3389,5900,8080,8443"
N_PORTS = 100
CLOSED = N_PORTS - len(OPEN)

ROUTED = ["10.216.%d.%d" % (n // 250, 1 + n % 250) for n in range(1000)]
# 1,000 would fill the neighbour table, which is one for the whole machine (gc_thresh3: 1,024)
LINKED = ["10.208.%d.%d" % (n // 200, 10 + n % 200) for n in range(400)]
LIVE = {addr for part in (ROUTED, LINKED) for addr in part[7::10]}
SILENT6 = ["fd18::%x" % n for n in range(0x100, 0x100 + 100)]
LIVE6 = set(SILENT6[3::10])
# each lets through one port alone, next to nobody
LONELY = {443: "10.217.0.7", 80: "10.217.0.20", 22: "10.217.0.33"}


@pytest.fixture(scope="module")
def net(lab):
    """client - router - far; `far` has a tenth of each network, what is for others is lost in it.
    client - link - near, whose others do not exist: nobody answers for them."""
    client, router, far = lab.host("client"), lab.router("router"), lab.host("far")
    lab.link(client, "up", router, "down", ("10.209.1.2/24", "fd19:1::2/64"),
             ("10.209.1.1/24", "fd19:1::1/64"))
    lab.link(router, "far", far, "up", ("10.209.2.1/24", "fd19:2::1/64"),
             ("10.209.2.2/24", "fd19:2::2/64"))
    client.route("default", "via", "10.209.1.1")
    client.route("default", "via", "fd19:1::1")
    far.route("default", "via", "10.209.2.1")
    far.route("default", "via", "fd19:2::1")
    for network in ("10.216.0.0/22", "10.217.0.0/26"):
        router.route(network, "via", "10.209.2.2")
        far.route("blackhole", network)
    router.route("fd18::/64", "via", "fd19:2::2")
    near = lab.host("near")
    lab.link(client, "link", near, "link", ("10.208.0.1/22",), ("10.208.3.254/22",))
    batch = ["addr add %s/32 dev lo" % a for a in sorted(LIVE - set(LINKED)) +
             sorted(LONELY.values())]
    far.sh("ip", "-batch", "-", input="\n".join(batch) + "\n")
    far.sh("ip", "-batch", "-", input="\n".join(
        "addr add %s/128 dev lo nodad" % a for a in sorted(LIVE6)) + "\n")
    far.route("blackhole", "fd18::/64")
    near.sh("ip", "-batch", "-", input="\n".join(
        "addr add %s/32 dev lo" % a for a in sorted(LIVE & set(LINKED))) + "\n")
    far.firewall(input=["ip daddr %s tcp dport != %d drop" % (a, p) for p, a in LONELY.items()])
    for host in (far, near):
        host.listen(OPEN)
    client.far, client.near = far, near
    return client


def scan(net, hosts, *words, **kw):
    kw["stdin"] = net.lab.scratch("targets", "\n".join(hosts) + "\n")
    return net.scan("-iL", "-", *words, **kw)


def check_live(result, live):
    for addr in live:
        states = result.states(addr)
        assert len(states) == N_PORTS, (addr, len(states), result)
        assert sorted(p for p, s in states.items() if s == "open") == sorted(OPEN), (addr, result)
        assert set(states.values()) <= {"open", "closed"}, (addr, result)
    up = {h["addr"] for h in result.of("host") if h["up"]}
    assert up == set(live), (len(up), result)
    assert result.summary["hosts_up"] == len(live), result


def check_dead(result, n_hosts, n_dead):
    """They are said as what they are, and were hardly asked."""
    assert result.status == 0, result
    summary = result.summary
    assert summary["complete"] is True, result
    unreachable = sum(not h["up"] and "unreachable" in h.get("reason", "")
                      for h in result.of("host"))
    # where the link itself says that nobody is there, that may be said instead
    assert n_dead in (summary["hosts_given_up"], unreachable,
                      summary["hosts_given_up"] + unreachable), (unreachable, result)
    if not unreachable:
        assert 0.6 * n_dead * N_PORTS < summary["skipped"] < n_dead * N_PORTS, result
    # three tries of each would be twice that; a slow machine sends more before it has been told
    assert summary["sent"] < 1.5 * n_hosts * N_PORTS, result


@pytest.fixture(scope="module")
def routed(net):
    return scan(net, ROUTED, "-p", PORTS)


def test_routed_live_hosts_are_right(routed):
    check_live(routed, LIVE & set(ROUTED))


def test_routed_dead_hosts_are_given_up(routed):
    check_dead(routed, 1000, 900)
    # not a word of them by port: a tenth of the ports would be more lines than all that is known
    assert all(r["addr"] in LIVE for r in routed.of("port")), routed


def test_text_says_that_they_were_given_up(net):
    result = net.rstprobe("scan", "10.216.0.0/23", "-p", PORTS, "-T", "300ms")
    assert result.status == 0, result
    assert re.search(r"(?i)skip|given up|gave up|kept silent", result.out), result


def test_at_full_speed(net):
    result = scan(net, ROUTED, "-p", PORTS, "--rate", "max", "-T", "300ms")
    check_live(result, LIVE & set(ROUTED))
    check_dead(result, 1000, 900)


def test_on_the_link(net):
    """Nobody answers for them: the kernel asks three times, a second each, and then gives up."""
    hosts = LINKED[1::2]
    result = scan(net, hosts, "-p", PORTS)
    check_live(result, LIVE & set(hosts))
    check_dead(result, 200, 160)


@pytest.mark.parametrize("way", ["raw", "packet"])
def test_on_the_link_by(net, way):
    net.sysctl({"net.ipv4.neigh.link.retrans_time_ms": 200})
    result = scan(net, LINKED[:120], "-p", PORTS, "--tx", way, "--rate", "max")
    assert "rate limit" not in result.err, result  # it is our own kernel that calls them so
    check_live(result, LIVE & set(LINKED[:120]))
    check_dead(result, 120, 108)


def test_ipv6(net):
    result = scan(net, SILENT6, "-p", PORTS, "-T", "300ms")
    check_live(result, LIVE6)
    check_dead(result, 100, 90)


def asked(probes):
    return {(p.dst, p.dport) for p in probes}


@pytest.mark.parametrize("word", ["--no-skip-dead", "-Pn"])
def test_who_insists_has_all_asked(net, word):
    hosts = ROUTED[:60]
    tap = Tap(net.far, "up")
    result = scan(net, hosts, "-p", PORTS, word, "--rate", "20k", "-T", "200ms", "-r", "1")
    probes = tap.stop()
    assert result.status == 0, result
    check_live(result, LIVE & set(hosts))
    assert not result.summary.get("skipped") and not result.summary.get("hosts_given_up"), result
    if not tap.lost:
        assert len(asked(probes)) == 60 * N_PORTS, len(asked(probes))
    assert result.summary["sent"] >= (6 + 2 * 54) * N_PORTS, result


def test_of_a_few_hosts_the_skipped_ports_are_said(net):
    """Where hosts are listed, so is what was never asked: it is not called filtered. Of a few hosts
    every port is asked."""
    hosts = ROUTED[:20]
    result = scan(net, hosts, "-p", PORTS, "-T", "200ms")
    assert result.status == 0 and result.summary["complete"] is True, result
    check_live(result, LIVE & set(hosts))
    skipped = 0
    for addr in set(hosts) - LIVE:
        count = result.count(addr)
        assert set(count) <= {"filtered", "not-probed"}, (addr, count)
        reasons = {r["reason"] for r in result.records
                   if r.get("addr") == addr and r.get("state") == "not-probed"}
        assert reasons <= {"host-silent"}, (addr, reasons)
        skipped += count["not-probed"]
    assert result.summary["skipped"] == skipped, (skipped, result)


@pytest.mark.parametrize("words", [(), ("-p", "1-500", "--rate", "5k")])
def test_one_common_port_is_enough(net, words):
    """All else is dropped; and once it has answered, every port of it is asked."""
    result = net.scan("10.217.0.0/26", *words, "-T", "200ms")
    assert result.status == 0, result
    up = {h["addr"] for h in result.of("host") if h["up"]}
    assert up == set(LONELY.values()), result
    for port, addr in LONELY.items():
        states = result.states(addr)
        assert states.pop(port) == "open", result
        assert len(states) == result.summary["indices"] / 64 - 1, result
        assert set(states.values()) == {"filtered"}, (addr, result)


def test_one_common_port_of_the_only_host(net):
    result = net.scan(LONELY[443], "-p", "1-500", "--rate", "5k", "-T", "200ms")
    assert result.counts() == {"open": 1, "filtered": 499}, result
    assert result.status == 0, result


def test_nobody_at_all(net):
    """Every host silent: a handful of probes each, status 0, and no host is up."""
    hosts = ROUTED[1::20]
    result = scan(net, hosts, "-p", PORTS, "-T", "200ms")
    assert result.status == 0, result
    assert result.summary["hosts_up"] == 0 and not result.summary["answered"], result
    assert result.summary["hosts_given_up"] == len(hosts), result
    assert result.summary["sent"] < len(hosts) * N_PORTS, result


@pytest.mark.skipif(QUICK, reason="RSTPROBE_QUICK")
def test_two_at_once(net):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda _: scan(net, ROUTED[:300], "-p", PORTS, "-T", "300ms"),
                               range(2)):
            check_live(result, LIVE & set(ROUTED[:300]))
            check_dead(result, 300, 270)
