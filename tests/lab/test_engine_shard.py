"""--shard: parts of one permutation, disjoint and together all, whoever runs them and when."""

import concurrent.futures

import pytest

from lab import QUICK, SERVER, SERVER6, SYN, segments

LISTENERS = [80, 443, 700]


@pytest.fixture(scope="module")
def client(path3):
    path3.server.listen(LISTENERS)
    return path3.client


def shards(client, target, n, *words):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda i: client.scan(
            target, "--shard", "%d/%d" % (i, n), "--show", "all", *words), range(1, n + 1)))


def asked(states):
    return {port for port, state in states.items() if state != "not-probed"}


@pytest.mark.parametrize("target", [SERVER, SERVER6])
@pytest.mark.parametrize("n,ports", [(3, 1000), (7, 1001), (1, 100)])
def test_disjoint_and_together_complete(client, target, n, ports):
    parts = shards(client, target, n, "-p", "1-%d" % ports, "--seed", "11")
    seen = {}
    for result in parts:
        assert result.status == 0, result
        assert result.summary["complete"] is True, result
        states = result.states()
        mine = asked(states)
        assert not mine & set(seen), "asked twice: %s" % sorted(mine & set(seen))[:9]
        assert abs(len(mine) - ports / n) <= 1, (len(mine), result)
        seen.update((p, s) for p, s in states.items() if p in mine)
    assert set(seen) == set(range(1, ports + 1))
    assert sorted(p for p, s in seen.items() if s == "open") == [
        p for p in LISTENERS if p <= ports]
    assert set(seen.values()) <= {"open", "closed"}


def test_only_its_own_ports_are_sent(client):
    """Not the records alone: what leaves the machine."""
    sent = []
    for i in (1, 2, 3):
        path = client.lab.path("shard.pcap")
        result = client.scan(SERVER, "--shard", "%d/3" % i, "--seed", "5", "-p", "1-300", "-w",
                             path)
        assert result.status == 0, result
        sent.append({s.dport for s in segments(path) if s.flags & 0x17 == SYN})
        assert result.summary["sent"] >= len(sent[-1]) > 0
    assert sum(map(len, sent)) == 300 and len(set().union(*sent)) == 300, [*map(len, sent)]


def test_shard_of_many_hosts(client):
    """Over hosts and ports alike: every pair in one part and no other."""
    pairs = []
    for result in shards(client, "10.201.2.1-2", 3, "-p", "1-200", "--seed", "3"):
        assert result.status == 0, result
        pairs += [(a, p) for a in ("10.201.2.1", SERVER) for p in asked(result.states(a))]
    assert len(pairs) == len(set(pairs)) == 400, len(pairs)


def test_seed_decides_whose_port_it_is(client):
    def mine(seed):
        return asked(shards(client, SERVER, 3, "-p", "1-300", "--seed", seed)[0].states())

    assert mine(1) == mine(1)
    assert mine(1) != mine(2)


@pytest.mark.parametrize("words", [
    ["--shard", "0/3", "--seed", "1"],
    ["--shard", "4/3", "--seed", "1"],
    ["--shard", "1/0", "--seed", "1"],
    ["--shard", "1", "--seed", "1"],
    ["--shard", "1/", "--seed", "1"],
    ["--shard", "a/b", "--seed", "1"],
    ["--shard", "-1/3", "--seed", "1"],
])
def test_refused(client, words):
    result = client.scan(SERVER, "-p", "80", *words)
    assert result.status == 2, result
    assert "shard" in result.err and "unknown option" not in result.err, result


@pytest.mark.skipif(QUICK, reason="RSTPROBE_QUICK")
def test_all_ports_in_parts(client):
    parts = shards(client, SERVER, 4, "-p", "-", "--seed", "9", "--rate", "max")
    got = [asked(r.states()) for r in parts]
    assert max(map(len, got)) - min(map(len, got)) <= 1
    assert len(set().union(*got)) == 65535 == sum(map(len, got))
