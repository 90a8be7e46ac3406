"""All ports of a host, by every way to send and any number of threads: each answer right."""

import pytest

from lab import QUICK, ROUTER, ROUTER6, SERVER, SERVER6, exact

FIFTY = list(range(1000, 51000, 1000))
NEAR, NEAR6, FAR, FAR6 = "10.206.0.1", "fd16::1", "10.206.0.2", "fd16::2"
WAYS = {
    "default": [],
    "max": ["--rate", "max"],
    "one-thread": ["--rate", "max", "--threads", "1"],
    "two-threads": ["--rate", "max", "--threads", "2"],
    "eight-threads": ["--rate", "max", "--threads", "8"],
    "raw": ["--tx", "raw"],
    "raw-max": ["--tx", "raw", "--rate", "max", "--threads", "3"],
    "packet": ["--tx", "packet"],
    "packet-max": ["--tx", "packet", "--rate", "max", "--threads", "3"],
    "in-order": ["--rate", "max", "--in-order"],
    "fixed-port": ["--rate", "max", "-g", "40000"],
}


@pytest.fixture(scope="module")
def near(lab):
    """Two hosts on one link."""
    near, far = lab.host("near"), lab.host("far")
    lab.link(near, "wire0", far, "wire0", (NEAR + "/24", NEAR6 + "/64"),
             (FAR + "/24", FAR6 + "/64"))
    far.listen(FIFTY)
    near.far = far
    near.zoned = far.link_local("wire0") + "%wire0"
    return near


@pytest.fixture(scope="module")
def client(path3):
    """A host with a router between it and its target."""
    path3.server.listen(FIFTY)
    return path3.client


@pytest.mark.parametrize("way", WAYS)
def test_by_a_gateway(client, way):
    exact(client.scan(SERVER, "-p", "-", *WAYS[way]), FIFTY)


@pytest.mark.parametrize("way", ["default", "max", "raw-max", "packet-max"])
def test_by_a_gateway_ipv6(client, way):
    exact(client.scan(SERVER6, "-p", "-", *WAYS[way]), FIFTY)


@pytest.mark.parametrize("way", ["default", "max", "packet-max"])
@pytest.mark.parametrize("target", [FAR] if QUICK else [FAR, FAR6])
def test_on_the_link(near, target, way):
    exact(near.scan(target, "-p", "-", *WAYS[way]), FIFTY)


@pytest.mark.parametrize("way", ["default", "raw-max", "packet-max"])
@pytest.mark.parametrize("gate,target", [(ROUTER, SERVER), (ROUTER6, SERVER6)])
def test_on_the_link_and_beyond(client, gate, target, way):
    """One interface and one source, and yet two next hops: each target by its own."""
    for order in ((gate, target), (target, gate)):
        result = client.scan(*order, "-p", "1-2000", *WAYS[way])
        assert result.status == 0, result
        assert result.count(gate) == {"closed": 2000}, result
        assert result.count(target) == {"open": 2, "closed": 1998}, result


@pytest.mark.parametrize("way", ["default", "packet-max"])
def test_link_local_with_zone(near, way):
    exact(near.scan(near.zoned, "-p", "-", *WAYS[way]), FIFTY, addr=near.zoned)


@pytest.mark.parametrize("target", ["127.0.0.1", FAR6])
def test_own_address(near, target):
    """What is local goes by the raw socket, whatever the route seems to be."""
    host = near if target == "127.0.0.1" else near.far
    result = host.scan(target, "-p", "-", "--rate", "max")
    assert result.status == 0, result
    assert sum(result.counts().values()) == 65535, result
    assert not set(result.counts()) & {"filtered", "indeterminate", "not-probed"}, result


def test_xdp(near):
    result = near.scan(FAR, "-p", "-", "--tx", "xdp", "--rate", "max")
    if result.status in (2, 4) and "libxdp" in result.err.lower():
        pytest.skip("built without libxdp")
    exact(result, FIFTY)


def test_three_at_once(near):
    """Three instances, all threads each: they share the machine and take nothing from another."""
    runs = [near.start("scan", FAR, "-p", "-", "--rate", "max", "--format", "json")
            for _ in range(3)]
    for result in [run.wait() for run in runs]:
        exact(result, FIFTY)
