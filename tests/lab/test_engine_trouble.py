"""What breaks in mid-scan: status 3, `complete` false, and the truth. What could not be asked is not
called filtered, and what only came late or had to wait is not lost.
"""

import shutil

import pytest

from lab import QUICK, LabError, exact, until

OPEN = [22, 80, 333]
SLOW = ["-p", "1-2000", "--rate", "200"]  # ten seconds of work: none of it is waited for
BRIEF = ["-p", "1-400", "--rate", "400"]
WAYS = {
    "default": [],
    "raw": ["--tx", "raw"],
    "packet": ["--tx", "packet", "--threads", "2"],
}
BRIEF_WAYS = ["raw", "packet"]  # of so few probes the default is raw
FAR, FAR6 = "10.211.2.2", "fd21:2::2"
GATE, GATE6 = "10.211.1.1", "fd21:1::1"


class Net:
    """client - router - far, new for each test: what is broken need not be mended."""

    def __init__(self, lab):
        self.lab = lab
        self.client, self.router, self.far = lab.host("client"), lab.router("router"), \
            lab.host("far")
        lab.link(self.client, "up", self.router, "down", ("10.211.1.2/24", "fd21:1::2/64"),
                 (GATE + "/24", GATE6 + "/64"))
        lab.link(self.router, "out", self.far, "up", ("10.211.2.1/24", "fd21:2::1/64"),
                 (FAR + "/24", FAR6 + "/64"))
        for host, gate, gate6 in ((self.client, GATE, GATE6),
                                  (self.far, "10.211.2.1", "fd21:2::1")):
            host.route("default", "via", gate)
            host.route("default", "via", gate6)
        self.far.listen(OPEN)
        self.far.firewall(counters=["syns"], prerouting=[
            "tcp flags & (syn | ack) == syn counter name syns"])
        # a neighbour that keeps silent is given up after a third of a second, not after three
        for family in ("ipv4", "ipv6"):
            self.client.sysctl({"net.%s.neigh.up.retrans_time_ms" % family: 100})

    def start(self, *words, **kw):
        """A scan under way: fifty probes have arrived."""
        run = self.client.start("scan", *words, "--format", "json", **kw)

        def look():
            assert run.process.poll() is None, run.wait()
            return self.far.counter("syns") >= 50
        until("the first probes", look)
        return run


@pytest.fixture
def net(lab):
    """Built and taken down for each test."""
    built = Net(lab)
    yield built
    for host in (built.client, built.router, built.far):
        host.ip("link", "set", "dev", "lo", "down")


def check(result, total=2000, also=()):
    assert result.status == 3, result
    assert result.summary["complete"] is False, result
    assert result.summary["why"] and result.err.strip(), result
    count = result.count()
    assert count["filtered"] == 0, (count, result)  # our trouble is no silence of theirs
    assert set(count) <= {"open", "closed", "not-probed", "indeterminate", *also}, (count, result)
    assert sum(count.values()) == total, (count, result)
    assert count["not-probed"] > 0 and count["closed"] > 0, (count, result)


@pytest.mark.parametrize("way", WAYS)
def test_interface_down(net, way):
    run = net.start(FAR, *SLOW, *WAYS[way])
    net.client.ip("link", "set", "dev", "up", "down")
    result = run.wait()
    check(result)
    assert "up" in result.err, result


@pytest.mark.parametrize("way", WAYS)
def test_interface_deleted(net, way):
    run = net.start(FAR, *SLOW, *WAYS[way])
    net.client.ip("link", "del", "dev", "up")
    check(run.wait())


def test_interface_deleted_at_full_speed(net):
    """Many batches are under way when it goes."""
    run = net.start(FAR, "-p", "-", "--rate", "10k")
    net.client.ip("link", "del", "dev", "up")
    check(run.wait(), 65535)


@pytest.mark.parametrize("way", WAYS)
def test_cable_pulled_at_the_gateway(net, way):
    run = net.start(FAR, *SLOW, *WAYS[way])
    net.router.ip("link", "set", "dev", "down", "down")
    check(run.wait())


@pytest.mark.parametrize("target", [FAR, FAR6])
def test_interface_down_ipv6_alike(net, target):
    run = net.start(target, *SLOW)
    net.client.ip("link", "set", "dev", "up", "down")
    check(run.wait())


@pytest.mark.parametrize("way, target", [(way, FAR) for way in WAYS] + [("raw", FAR6)])
def test_gateway_gone(net, way, target):
    """The link is up, and nobody answers for the gateway any more. What waited for its address our
    own kernel calls unreachable, and so may we; the rest was never asked."""
    run = net.start(target, *SLOW, *WAYS[way])
    net.router.ip("link", "set", "dev", "down", "arp", "off", "address", "02:00:00:00:00:77")
    net.client.ip("neigh", "flush", "dev", "up")
    result = run.wait()
    check(result, also=["rejected"])
    assert (GATE if target == FAR else GATE6) in result.summary["why"], result


@pytest.mark.parametrize("way", BRIEF_WAYS)
def test_gateway_replaced(net, way):
    """Another box takes over its address: the kernel learns it, and so must we."""
    run = net.start(FAR, *BRIEF, *WAYS[way])
    net.router.ip("link", "set", "dev", "down", "address", "02:00:00:00:00:99")
    net.client.ip("neigh", "flush", "dev", "up")
    exact(run.wait(), OPEN, 400)


@pytest.mark.parametrize("words", [(FAR, "-p", "1-100"), ("10.211.2.0/24", "-p", "80,443"),
                                   (FAR, "-p", "1-100", "--tx", "packet")])
def test_gateway_never_there(net, words):
    """Not one probe leaves: that is no network full of filtered ports, and no target that rejects.
    Of many the kernel loses most without a word."""
    net.router.ip("link", "set", "dev", "down", "arp", "off")
    net.client.ip("neigh", "flush", "dev", "up")
    result = net.client.scan(*words)
    assert result.status == 3 and result.summary["complete"] is False, result
    assert GATE in result.summary["why"], result
    assert set(result.counts()) <= {"not-probed", "indeterminate"}, result


@pytest.mark.parametrize("way", BRIEF_WAYS)
def test_route_gone(net, way):
    """By the raw socket the kernel's routes hold, by others the way that was asked for at first:
    either is right, but nothing may look like silence."""
    run = net.start(FAR, *BRIEF, *WAYS[way])
    net.client.ip("route", "del", "default")
    result = run.wait()
    count = result.count()
    assert result.status in (0, 3) and sum(count.values()) == 400, result
    assert count["filtered"] == 0, (count, result)
    if result.status == 0:
        assert set(count) <= {"open", "closed", "rejected"}, (count, result)


# --- no room ------------------------------------------------------------------------------------

def queue(host, *words):
    if not shutil.which("tc"):
        pytest.skip("no tc")
    try:
        host.sh("tc", "qdisc", "replace", "dev", "up", "root", *words)
    except LabError as e:
        pytest.skip("this kernel has no such queue: %s" % e)


@pytest.mark.parametrize("way", WAYS)
def test_a_queue_that_is_mostly_full(net, way):
    """A slow uplink: ENOBUFS is `not now`, and what the queue dropped unsaid is loss, which makes
    the automatic rate go down."""
    queue(net.client, "tbf", "rate", "8mbit", "burst", "2k", "limit", "6000")
    exact(net.client.scan(FAR, "-p", "1-5000", *WAYS[way]), OPEN, 5000)


@pytest.mark.parametrize("way", WAYS)
def test_a_queue_that_is_mostly_full_and_no_mercy(net, way):
    """Who insists on the highest rate loses most of it: all right, or said to be too much loss."""
    queue(net.client, "tbf", "rate", "8mbit", "burst", "2k", "limit", "6000")
    result = net.client.scan(FAR, "-p", "1-5000", "--rate", "max", *WAYS[way])
    if result.status == 0:
        exact(result, OPEN, 5000)
    else:
        assert result.status == 3 and result.summary["complete"] is False, result
        assert result.summary["why"], result
        assert not set(result.counts()) - {"open", "closed", "filtered", "indeterminate"}, result


@pytest.mark.parametrize("way", BRIEF_WAYS[:1] if QUICK else BRIEF_WAYS)
def test_a_queue_that_is_full_for_good(net, way):
    run = net.start(FAR, "-p", "1-400", "--rate", "100", *WAYS[way])
    queue(net.client, "bfifo", "limit", "10")
    check(run.wait(), 400)


# --- who can't be reached at all, beside one who can ---------------------------------------------

def test_one_of_two_links_goes_down(net):
    """The other target is scanned to its end."""
    other = net.lab.host("other")
    net.lab.link(net.client, "side", other, "side", ("10.212.0.1/24",), ("10.212.0.2/24",))
    other.listen(OPEN)
    run = net.start(FAR, "10.212.0.2", "-p", "1-600", "--rate", "200")
    net.client.ip("link", "set", "dev", "side", "down")
    result = run.wait()
    assert result.status == 3 and result.summary["complete"] is False, result
    assert result.count(FAR) == {"open": 3, "closed": 597}, result
    count = result.count("10.212.0.2")
    assert count["not-probed"] > 0 and not count["filtered"], (count, result)
