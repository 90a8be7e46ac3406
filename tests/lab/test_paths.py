"""Every way out of a machine: the right source and interface, and the same verdicts."""

import socket

import pytest

from lab import many_neighbours, segments

OPEN, CLOSED = 3001, 3002


def check(host, target, iface, source, *more, addr=None):
    """Scan one listener and one closed port; the run says which way it went, the evidence proves
    the source."""
    path = host.lab.path("path.pcap")
    result = host.scan(target, "-p", "%d,%d" % (OPEN, CLOSED), "-w", path, *more)
    assert result.status == 0, result
    assert result.states(addr or target) == {OPEN: "open", CLOSED: "closed"}, result
    assert result.run["source"] == [{"addr": source, "iface": iface}], result
    to_target = [s for s in segments(path) if s.dport in (OPEN, CLOSED)]
    bare = source.partition("%")[0]
    packed = socket.inet_pton(socket.AF_INET6 if ":" in bare else socket.AF_INET, bare)
    assert to_target and {s.src for s in to_target} == {packed}
    return result


@pytest.fixture(scope="module")
def pair(lab):
    """Two hosts with nothing between them."""
    near, far = lab.host("near"), lab.host("far")
    lab.link(near, "wire0", far, "wire0", ("10.202.0.1/24", "fd12::1/64"),
             ("10.202.0.2/24", "fd12::2/64"))
    far.listen([OPEN])
    return near, far


@pytest.mark.parametrize("addr", ["127.0.0.1", "::1"])
def test_loopback(lab, addr):
    host = lab.host("lone")
    host.listen([OPEN])
    result = check(host, addr, "lo", addr)
    assert result.port(OPEN)["ttl"] == 64
    # loopback can show a frame twice; who is asked twice may answer twice
    assert result.summary["duplicates"] <= result.summary["sent"] - 2, result


@pytest.mark.parametrize("addr,source", [("10.202.0.2", "10.202.0.1"), ("fd12::2", "fd12::1")])
def test_veth(pair, addr, source):
    check(pair[0], addr, "wire0", source)


@pytest.mark.parametrize("addr", ["10.202.0.1", "fd12::1"])
def test_own_address_goes_by_loopback(pair, addr):
    near, _ = pair
    result = near.scan(addr, "-p", CLOSED)
    assert result.states() == {CLOSED: "closed"}, result
    assert result.run["source"] == [{"addr": addr, "iface": "lo"}], result


def test_link_local_with_zone(pair):
    near, far = pair
    source, target = near.link_local("wire0"), far.link_local("wire0")
    name = target + "%wire0"
    path = near.lab.path("ll.pcap")
    result = near.scan(name, "-p", "%d,%d" % (OPEN, CLOSED), "-w", path)
    assert result.status == 0, result
    assert result.states(name) == {OPEN: "open", CLOSED: "closed"}, result
    (way,) = result.run["source"]
    assert (way["addr"].partition("%")[0], way["iface"]) == (source, "wire0")


def test_link_local_without_zone_is_refused(pair):
    near, far = pair
    result = near.scan(far.link_local("wire0"), "-p", OPEN)
    assert result.status in (2, 4), result
    assert "%" in result.err, result  # says how to name the zone


@pytest.mark.parametrize("addr", ["10.203.0.2", "fd13::2"])
def test_bridge(lab, addr):
    """The route's interface is a bridge of ours, the wire a port of it."""
    near, far = lab.host("brnear"), lab.host("brfar")
    near.ip("link", "add", "name", "br0", "type", "bridge")
    lab.link(near, "port0", far, "wire0", (), ("10.203.0.2/24", "fd13::2/64"))
    near.ip("link", "set", "dev", "port0", "master", "br0")
    near.address("br0", "10.203.0.1/24", "fd13::1/64")
    near.link_local("br0")
    far.listen([OPEN])
    check(near, addr, "br0", "10.203.0.1" if "." in addr else "fd13::1")


@pytest.mark.parametrize("addr", ["10.204.0.2", "fd14::2"])
def test_tun(lab, real_root, addr):
    near, far = lab.host("tunnear"), lab.host("tunfar")
    near.helper("relay", near.ns, far.ns, "tun0")
    near.address("tun0", "10.204.0.1/24", "fd14::1/64")
    far.address("tun0", "10.204.0.2/24", "fd14::2/64")
    far.listen([OPEN])
    check(near, addr, "tun0", "10.204.0.1" if "." in addr else "fd14::1")


@pytest.fixture(scope="module")
def uplinks(lab):
    """Two uplinks; 10.91/fd91 goes by the second, and so does whatever has its source address."""
    near, far = lab.host("multi"), lab.router("core")
    for n in ("1", "2"):
        lab.link(near, "up" + n, far, "down" + n, ("10.8%s.0.2/24" % n, "fd8%s::2/64" % n),
                 ("10.8%s.0.1/24" % n, "fd8%s::1/64" % n))
    for family, any_, gate, far_net, source in (
            ("-4", "0.0.0.0/0", "10.8%d.0.1", "10.91.0.0/24", "10.82.0.2"),
            ("-6", "::/0", "fd8%d::1", "fd91::/64", "fd82::2")):
        near.ip(family, "route", "add", any_, "via", gate % 1)
        near.ip(family, "route", "add", any_, "via", gate % 2, "src", source, "table", "102")
        # a worse default by the second, for who asks for that interface
        near.ip(family, "route", "add", any_, "via", gate % 2, "metric", "5000")
        near.ip(family, "rule", "add", "to", far_net, "table", "102")
        near.ip(family, "rule", "add", "from", source, "table", "102")
    far.address("lo", "10.90.0.1/32", "10.91.0.1/32", "fd90::1/128", "fd91::1/128")
    far.listen([OPEN])
    return near


@pytest.mark.parametrize("target,iface,source,more", [
    ("10.90.0.1", "up1", "10.81.0.2", ()),
    ("10.91.0.1", "up2", "10.82.0.2", ()),
    ("10.90.0.1", "up2", "10.82.0.2", ("-S", "10.82.0.2")),
    ("10.90.0.1", "up2", "10.82.0.2", ("-i", "up2")),
    ("fd90::1", "up1", "fd81::2", ()),
    ("fd91::1", "up2", "fd82::2", ()),
    ("fd90::1", "up2", "fd82::2", ("-S", "fd82::2")),
    ("fd90::1", "up2", "fd82::2", ("-i", "up2")),
])
def test_policy_routing(uplinks, target, iface, source, more):
    check(uplinks, target, iface, source, *more)


def test_both_uplinks_in_one_run(uplinks):
    result = uplinks.scan("10.90.0.1", "10.91.0.1", "-p", "%d,%d" % (OPEN, CLOSED))
    assert result.status == 0, result
    for addr in ("10.90.0.1", "10.91.0.1"):
        assert result.states(addr) == {OPEN: "open", CLOSED: "closed"}, result
    ways = sorted((w["iface"], w["addr"]) for w in result.run["source"])
    assert ways == [("up1", "10.81.0.2"), ("up2", "10.82.0.2")]


def test_no_route(lab):
    """An isolated machine cannot: status 4, and the message names the target."""
    host = lab.host("island")
    result = host.scan("198.51.100.1", "-p", "80")
    assert result.status == 4, result
    assert "198.51.100.1" in result.err and "route" in result.err, result


def test_no_such_interface(pair):
    result = pair[0].scan("10.202.0.2", "-p", "80", "-i", "nosuch0")
    assert result.status in (2, 4), result
    assert "nosuch0" in result.err, result


def test_broadcast_is_left_out(pair):
    """Only the kernel knows a network's broadcast address: no target, and nothing is missing."""
    result = pair[0].scan("10.202.0.255", "-p", "80")
    assert result.status == 2 and "broadcast" in result.err, result
    with many_neighbours():
        result = pair[0].scan("10.202.0.0/24", "-p", "80", "-r", "0", "-T", "100ms")
        pair[0].ip("neigh", "flush", "all")
    assert result.status == 0, result
    assert result.summary["hosts"] == 255, result
    assert "10.202.0.255" not in [h["addr"] for h in result.of("host")], result


def test_own_firewall_is_no_silence(pair):
    """EPERM for every probe, among so many hosts that silent ones have no record of their own."""
    client = pair[0]
    client.sh("ip", "route", "add", "10.203.0.0/16", "via", "10.202.0.2")
    client.firewall(output=["ip daddr 10.203.0.0/16 drop"])
    try:
        result = client.scan("10.203.0.0/23", "-p", "80", "-r", "0", "-T", "100ms", "--yes")
    finally:
        client.sh("nft", "flush", "ruleset")
        client.sh("ip", "route", "del", "10.203.0.0/16")
    assert result.status == 3, result
    assert result.summary["not_probed"] == 512 and result.summary["silent"] == 0, result
    assert result.summary["complete"] is False and result.summary["why"], result
    assert not any(w["complete"] for w in result.of("window")), result
