"""Loss each way, over all ports of a host: nothing is missed, nothing is called what it is not.

One in twenty, one in five, and many in a row: a firewall drops at random what an unknown network might.
"""

import concurrent.futures

import pytest

from lab import QUICK, SERVER, SERVER6, exact

FIFTY = list(range(1000, 51000, 1000))
TRIES = range(1, 2) if QUICK else range(1, 4)
ALL = ["-p", "-"]
WISHES = {
    "default": [],
    "max": ["--rate", "max"],
    "raw": ["--rate", "max", "--tx", "raw"],
    "packet": ["--rate", "max", "--tx", "packet", "--threads", "3"],
}


class Lossy:
    def __init__(self, path3):
        self.path3, self.client = path3, path3.client
        self.now = None

    def lose(self, percent):
        """Neighbour discovery is spared: without a next hop nothing is lost, it is never sent."""
        if self.now == percent:
            return
        drop = "numgen random mod 100 < %d drop" % percent
        self.path3.router.firewall(prerouting=[
            "meta l4proto tcp iifname %s %s" % (dev, drop) for dev in ("down", "far")])
        self.now = percent

    def scans(self, percent, target, *words, tries=TRIES):
        """The same scan, once a seed; two at a time."""
        self.lose(percent)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(lambda seed: self.client.scan(
                target, *ALL, "--seed", seed, *words), tries))


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen(FIFTY)
    return Lossy(path3)


def check(results, percent):
    for result in results:
        exact(result, FIFTY)
        assert result.summary["retried"] > 65535 * percent // 100, result
        (host,) = result.of("host")
        assert not host.get("reset_limit"), result  # chance is no limiter


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("percent", [5, 20])
def test_every_port_is_right(net, percent, wish):
    check(net.scans(percent, SERVER, *WISHES[wish]), percent)


@pytest.mark.parametrize("percent", [5, 20])
def test_ipv6_too(net, percent):
    check(net.scans(percent, SERVER6, tries=[1]), percent)


@pytest.mark.parametrize("percent", [5, 20])
def test_loss_is_measured(net, percent):
    net.lose(percent)
    result = net.client.scan(SERVER, "-p", "1-10000", "--rate", "max")
    true = 1 - (1 - percent / 100) ** 2
    assert abs(result.summary["loss_estimate"] - true) < 0.05, result


def test_gaps(net):
    """A network that forwards nothing for a while, again and again: late is not never."""
    rule = "meta l4proto tcp iifname %s numgen inc mod 4000 < 600 drop"
    net.path3.router.firewall(prerouting=[rule % dev for dev in ("down", "far")])
    net.now = None
    exact(net.client.scan(SERVER, "-p", "1-20000"), FIFTY[:20], 20000)


def test_what_is_filtered_stays_so(net):
    """Among lost answers, ports that truly keep silent are still told apart from closed ones."""
    net.path3.router.firewall(
        prerouting=["meta l4proto tcp iifname %s numgen random mod 100 < 5 drop" % dev
                    for dev in ("down", "far")],
        forward=["tcp dport 20001-20100 drop"])
    net.now = None
    result = net.client.scan(SERVER, *ALL)
    assert result.status == 0, result
    assert result.counts() == {"open": 50, "closed": 65385, "filtered": 100}, result
    states = result.states()
    assert {p for p, s in states.items() if s == "filtered"} == set(range(20001, 20101))
