"""A box that sends RSTs in the target's name, well and badly: by one packet it is told from the
target where it gives itself away, never taken for it where it doesn't; a walk always finds it.
"""

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
    if isinstance(asked[way, k, family], AssertionError):
        raise asked[way, k, family]
    return asked[way, k, family]


@pytest.fixture(scope="module")
def scanned(net):
    """One port of each kind beside one that the target itself answers; the forgers of one router
    at a time."""
    return {(k, family): net.client.scan(
        chain.server(PLAIN, family), "-p",
        ",".join(str(p) for p in (HTTP, chain.CLOSED, *(base + k for base in FORGED.values()))))
            for k in TURN for family in FAMILIES}


@pytest.mark.parametrize("way,k,family", EACH)
def test_a_walk_finds_it(traced, way, k, family):
    assert traced["verdict"] == "reset-by-hop", traced
    assert traced["origin"] == "middlebox", traced
    low, high = traced.between
    # what mirrors the TTL is heard from farther away only
    assert low <= k <= high and high - low <= (k if way == "mirror" else 1), traced
    if low == high:
        assert traced["addr_by"] == chain.hop(k, family), traced
    for ttl in range(1, k + 1):  # what it answers goes on, and expires
        assert traced.by().get(ttl) == chain.hop(ttl, family), traced


@pytest.mark.parametrize("way,k,family", [e for e in EACH if e[0] == "mirror"])
def test_the_mirror_is_said(traced, way, k, family):
    assert "TTL" in traced.clues, traced
    low, high = traced.between
    assert (low, high) == (k, k), traced


@pytest.mark.parametrize("family", FAMILIES)
def test_the_targets_own_answer_is_said(asked, family):
    """Where the SYN goes on, a SYN-ACK comes after the RST."""
    traced = asked["beside", 3, family]
    assert "SYN-ACK" in traced.clues, traced


@pytest.mark.parametrize("way,k,family", [e for e in EACH if e[0] != "beside"])
def test_one_packet(scanned, way, k, family):
    """Clues where there are some; never `endpoint` where a perfect forgery looks the same."""
    result = scanned[k, family]
    got = result.port(port(way, k))
    assert got["state"] == "closed", (got, result)
    assert got["origin"] in {"far": ["middlebox"], "near": ["middlebox"], "echo": ["middlebox"],
                             "perfect": ["unknown"], "mirror": ["middlebox", "unknown"]}[way], got
    if got["origin"] == "middlebox":
        assert got["clues"] and got["reason"] == "rst-from-path", got


@pytest.mark.parametrize("k,family", [(k, f) for k in TURN for f in FAMILIES])
def test_the_target_is_not_blamed_for_its_neighbours(scanned, k, family):
    """Its own RST in the same run, as a perfect forgery would look: not a box, and not certain."""
    got = scanned[k, family].port(chain.CLOSED)
    assert got["state"] == "closed" and got["origin"] != "middlebox", got
