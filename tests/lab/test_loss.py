"""Loss: nothing open is missed or miscalled, and the loss itself is measured."""

import concurrent.futures

import pytest

from lab import QUICK, SERVER, SERVER6, SYN, segments

LISTENERS = list(range(5010, 6010, 20))  # 50 of the thousand 5001-6000
WANTED = "5001-6000"
SEEDS = range(1, 4) if QUICK else range(1, 11)
TRUE_LOSS = 1 - 0.8 * 0.8


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen(LISTENERS)
    lose = "numgen random mod 100 < 20 drop"
    # neighbour discovery is spared: without a next hop nothing is lost, it is never sent
    path3.router.firewall(prerouting=["meta l4proto tcp iifname down " + lose,
                                      "meta l4proto tcp iifname far " + lose])
    return path3


@pytest.fixture(scope="module")
def ten(net):
    """All seeds at default settings, two at a time; the first leaves its evidence."""
    evidence = net.lab.path("evidence.pcap")

    def one(seed):
        more = ["-w", evidence] if seed == SEEDS[0] else []
        return net.client.scan(SERVER, "-p", WANTED, "--seed", seed, *more)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return dict(zip(SEEDS, pool.map(one, SEEDS))), evidence


@pytest.mark.parametrize("seed", SEEDS)
def test_every_listener_is_found(ten, seed):
    result = ten[0][seed]
    assert result.status == 0, result
    states = result.states()
    assert len(states) == 1000
    assert sorted(p for p, s in states.items() if s == "open") == LISTENERS, result
    assert set(states.values()) <= {"open", "closed", "filtered"}, result
    # each silent port had its tries: 0.001 is what may be left over of a thousand
    assert sum(s == "filtered" for s in states.values()) <= 1, result


@pytest.mark.parametrize("seed", SEEDS)
def test_loss_is_measured(ten, seed):
    assert abs(ten[0][seed].summary["loss_estimate"] - TRUE_LOSS) <= 0.10


def test_each_retry_leaves_a_fresh_source_port(ten):
    tries = {}
    for s in segments(ten[1]):
        if s.flags & 0x17 == SYN and 5001 <= s.dport <= 6000:
            tries.setdefault(s.dport, []).append(s.sport)
    assert len(tries) == 1000
    assert sum(len(t) > 1 for t in tries.values()) > 200, "hardly a retry at 36 % loss"
    for number, sports in tries.items():
        assert len(set(sports)) == len(sports), (number, sports)


def test_ipv6_too(net):
    result = net.client.scan(SERVER6, "-p", WANTED, "--seed", "1")
    assert sorted(p for p, s in result.states().items() if s == "open") == LISTENERS, result
    assert abs(result.summary["loss_estimate"] - TRUE_LOSS) <= 0.10


@pytest.mark.parametrize("addr", [SERVER] if QUICK else [SERVER, SERVER6])
def test_fixed_source_port_calls_no_open_port_closed(net, addr):
    result = net.client.scan(addr, "-p", ",".join(map(str, LISTENERS)), "-g", "40000")
    states = result.states()
    assert len(states) == 50
    assert "closed" not in states.values(), result
    assert "inconsistent" not in states.values(), result
