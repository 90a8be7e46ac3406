"""A box that sends RSTs in the target's name, well and badly: by one packet it is told from the
target where it gives itself away, never taken for it where it doesn't; a walk always finds it.
"""

import re

import pytest

import chain
from chain import BESIDE, FAMILIES, FORGED, HTTP, PLAIN
from lab import QUICK

TURN = (3,) if QUICK else chain.FORGERS
EACH = [(way, k, family) for way in (*FORGED, "beside") for k in TURN for family in FAMILIES]


@pytest.fixture(scope="module")
def net(lab):
    return chain.Chain(lab)


def port(way, k):
    return dict(FORGED, beside=BESIDE)[way] + k


@pytest.fixture(scope="module")
def asked(net):
    return net.trace_all({(way, k, family): [chain.server(PLAIN, family), "-p", port(way, k)]
                          for way, k, family in EACH})


@pytest.fixture
def traced(asked, way, k, family):
    return asked[way, k, family]


@pytest.fixture(scope="module")
def scanned(net):
    """One port of each kind beside two that the target itself answers."""
    return {(k, family): net.client.scan(
        chain.server(PLAIN, family), "-p",
        ",".join(str(p) for p in (HTTP, chain.CLOSED, *(base + k for base in FORGED.values()))))
            for k in TURN for family in FAMILIES}


@pytest.mark.parametrize("way,k,family", EACH)
def test_a_walk_finds_it(traced, way, k, family):
    assert traced["verdict"] == "reset-by-hop", traced
    assert traced["origin"] == "middlebox", traced
    low, high = traced.between
    assert low <= k <= high and high - low <= 1, traced
    if low == high:
        assert traced["addr_by"] == chain.hop(k, family), traced
    for ttl in range(1, k + 1):  # what it answers goes on, and expires
        assert traced.by().get(ttl) == chain.hop(ttl, family), traced
    assert traced.reply() == (2 * k - 1 if way == "mirror" else k, "rst-ack-of-seq"), traced


@pytest.mark.parametrize("way,k,family", [e for e in EACH if e[0] == "mirror"])
def test_the_mirror_is_said(traced, way, k, family):
    """By that alone it is put where it is, though it is heard from twice the way on only."""
    assert re.search(r"TTL.*hop %d\b" % k, traced.clues), traced


@pytest.mark.parametrize("family", FAMILIES)
def test_the_targets_own_answer_is_said(asked, family):
    """Where the SYN goes on, a SYN-ACK comes after the RST."""
    traced = asked["beside", 3, family]
    assert "SYN-ACK" in traced.clues, traced


@pytest.mark.parametrize("way", FORGED)
@pytest.mark.parametrize("family", FAMILIES)
def test_one_packet(net, way, family):
    """Nothing to compare it with: what is copied from our own segment gives it away, if anything.
    (IPv6 has no ID, and a window may be equal by chance.)"""
    got = net.client.scan(chain.server(PLAIN, family), "-p", FORGED[way] + 3).port(FORGED[way] + 3)
    assert got["state"] == "closed", got
    assert got["origin"] == ("middlebox" if (way, family) == ("echo", 4) else "unknown"), got


@pytest.mark.parametrize("way,k,family", [e for e in EACH if e[0] != "beside"])
def test_among_others(scanned, way, k, family):
    """Beside the target's own answers the clumsy are found: two hops off is no chance."""
    result = scanned[k, family]
    got = result.port(port(way, k))
    assert got["state"] == "closed", (got, result)
    off = abs({"far": k - 1, "near": k - 1, "mirror": 2 * (k - 1)}.get(way, 5) - 5)
    if off >= 2 or (way, family) == ("echo", 4):
        # farther than the target: its other answers could be a box's as well
        assert got["origin"] == "middlebox" or (way, k) == ("mirror", 5), (got, result)
    elif off == 1:
        assert got["origin"] == "unknown", (got, result)
    else:
        assert got["origin"] in ("unknown", "endpoint"), (got, result)
    assert (got["reason"] == "rst-from-path") == (got["origin"] == "middlebox"), got
    assert got["clues"] or off == 0, got


@pytest.mark.parametrize("k,family", [(k, f) for k in TURN for f in FAMILIES])
def test_the_target_is_not_blamed_for_its_neighbours(scanned, k, family):
    got = scanned[k, family].port(chain.CLOSED)
    assert got["state"] == "closed" and got["origin"] == "endpoint", got
