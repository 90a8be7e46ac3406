"""A run as a whole: how it ends, what it says while it runs, how it bears size and company."""

import concurrent.futures
import json
import signal
import time

import pytest

from lab import CLIENT, DEADLINE, QUICK, SERVER, SERVER6, SYN, segments, until

FIFTY = list(range(1000, 51000, 1000))
SLOW = ["-p", "1-2000", "--rate", "200"]  # ten seconds of work: none of it is waited for


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen(FIFTY)
    # counted on the router: what leaves by a packet socket passes no firewall of the sender
    path3.router.firewall(
        counters=["syns"], forward=["ip daddr 10.201.2.88 drop"],
        prerouting=["iifname down tcp flags & (syn | ack) == syn counter name syns"])
    return path3


def begun(net, run, packets=50):
    """Wait until so many of our SYNs have left since the run began."""
    def look():
        assert run.process.poll() is None, run.wait()
        return net.router.counter("syns") - run.before >= packets
    until("the first probes", look)


def start(net, *words, **kw):
    before = net.router.counter("syns")
    run = net.client.start("scan", *words, "--format", "json", **kw)
    run.before = before
    return run


def check_incomplete(result):
    """Never looks like `nothing open`: every line parses, the summary says that it isn't all."""
    assert result.status == 3, result
    for line in result.out.splitlines():
        json.loads(line)
    assert result.out.endswith("\n")
    assert result.summary["complete"] is False, result


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_drains(net, number):
    run = start(net, SERVER, *SLOW)
    begun(net, run)
    run.signal(number)
    result = run.wait()
    check_incomplete(result)
    states = result.states()
    assert len(states) == 2000
    count = result.count()
    assert count["not-probed"] > 0 and count["closed"] > 0, result
    assert set(count) <= {"open", "closed", "not-probed", "indeterminate"}, result
    assert result.summary["sent"] < 2000


def test_a_signal_told_twice_is_one(net):
    run = start(net, SERVER, *SLOW)
    begun(net, run)
    run.signal(signal.SIGTERM)
    run.signal(signal.SIGTERM)
    check_incomplete(run.wait())


def test_second_signal_ends_at_once(net):
    # nothing answers, so that the drain has something to wait for
    run = start(net, "10.201.2.88", *SLOW, "-T", "5s")
    begun(net, run)
    run.signal(signal.SIGINT)
    # within 0.1 s it would be the same wish told twice, as `timeout` tells it
    begun_at = time.monotonic()
    until("the echo to be over", lambda: time.monotonic() > begun_at + 0.15)
    run.signal(signal.SIGINT)
    result = run.wait()
    assert result.status in (130, -signal.SIGINT), result
    for line in result.out.splitlines(keepends=True):
        if line.endswith("\n"):
            json.loads(line)


def test_usr1_tells_progress(net):
    run = start(net, SERVER, *SLOW)
    begun(net, run)
    assert run.text().strip() == "", "progress without a terminal: " + run.text()
    run.signal(signal.SIGUSR1)
    line = until("a progress line", lambda: run.text().endswith("\n") and run.text())
    assert line.count("\n") == 1 and any(c.isdigit() for c in line), line
    run.signal(signal.SIGINT)
    assert run.wait().status == 3


def test_deadline(net):
    result = net.client.scan(SERVER, *SLOW, "--deadline", "700ms")
    check_incomplete(result)
    assert result.elapsed > 0.6 and "deadline" in result.summary["why"], result
    assert result.count()["not-probed"] > 0


@pytest.mark.parametrize("target", [SERVER, SERVER6])
def test_link_down_in_the_middle(net, target):
    run = start(net, target, *SLOW)
    begun(net, run)
    net.client.ip("link", "set", "dev", "up", "down")
    try:
        result = run.wait()
    finally:
        net.client.address("up", "fd01::2/64")  # the kernel forgets the IPv6 one
        for gate in ("10.201.1.1", "fd01::1"):
            net.client.route("default", "via", gate)
        net.client.link_local("up")
    check_incomplete(result)
    count = result.count()
    assert count["not-probed"] > 0 and count["closed"] > 0, result
    assert sum(count.values()) == 2000
    assert count["filtered"] == 0, result  # a dead link of ours is no silence of theirs
    assert "up" in result.err, result


@pytest.mark.parametrize("target", [SERVER] if QUICK else [SERVER, SERVER6])
def test_every_port_of_a_host(net, target):
    result = net.client.scan(target, "-p", "-")
    assert result.status == 0, result
    assert result.counts() == {"open": 50, "closed": 65485}, result
    states = result.states()
    assert len(states) == 65535
    assert sorted(p for p, s in states.items() if s == "open") == FIFTY
    (host,) = result.of("host")
    assert host["style"] == "rst"
    assert result.summary["pcap_dropped"] == 0, result


def test_without_a_port_list_about_two_hundred(net):
    result = net.client.scan(SERVER)
    assert result.status == 0, result
    assert 150 <= len(result.states()) <= 300


def test_two_instances_do_not_mix(net):
    """Same target, same ports, same seed, at the same time; each sees its own answers only."""
    def one(_):
        return net.client.scan(SERVER, "-p", "1-10000", "--seed", "5")

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        results = list(pool.map(one, range(3)))
    for result in results:
        assert result.status == 0, result
        assert result.counts() == {"open": 10, "closed": 9990}, result
        # of what was asked again there may be two answers
        assert result.summary["duplicates"] <= result.summary["sent"] - 10000, result


def test_two_machines_do_not_mix(net):
    """The far end scans back meanwhile: what comes in is not all an answer."""
    def one(way):
        host, target = way
        return host.scan(target, "-p", "1-5000")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        there, back = pool.map(one, [(net.client, SERVER), (net.server, CLIENT)])
    assert there.counts() == {"open": 5, "closed": 4995}, there
    assert back.counts() == {"closed": 5000}, back


def test_seed_repeats_the_order(net):
    def order(seed):
        path = net.lab.path("order.pcap")
        result = net.client.scan(SERVER, "-p", "1-300", "--seed", seed, "-w", path)
        assert result.run["seed"] == seed
        return list(dict.fromkeys(s.dport for s in segments(path) if s.flags & 0x17 == SYN))

    first = order(7)
    assert sorted(first) == list(range(1, 301)) and first != sorted(first)
    assert order(7) == first and order(8) != first


def test_rate_is_kept(net):
    result = net.client.scan(SERVER, "-p", "1-200", "--rate", "400")
    assert result.status == 0
    assert 200 <= result.summary["sent"] < 250, result
    assert 0.4 < result.summary["elapsed_s"] < DEADLINE / 4, result
    assert result.summary["rate_pps"] < 600


def test_many_hosts_silent_and_not(net):
    """A net with one live host: the silence of the others costs no record each by port."""
    result = net.client.scan("10.201.2.0/28", "--exclude", "10.201.2.1", "-p", "998-1002",
                             "-r", "1", "-T", "1s")
    assert result.status == 0, result
    assert result.states(SERVER) == {998: "closed", 999: "closed", 1000: "open",
                                     1001: "closed", 1002: "closed"}
    assert not [r for r in result.records if r.get("addr") == "10.201.2.1"]
