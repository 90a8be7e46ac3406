"""The chain of routers itself, asked by an oracle that shares nothing with the program: what each
kind of box answers to which TTL, so that the tests of `trace` rest on what is so.
"""

import time

import pytest

import chain
from chain import (ADMIN, DROP, EARLY, FAMILIES, FORGED, HTTP, NO_ROUTE, PROHIBITED, RESET, ROUTERS,
                   TARGET, TIME_EXCEEDED)
from resets_play import ACK, PSH, SYN

EACH = [(k, family) for k in ROUTERS for family in FAMILIES]
SAYS = (ACK | PSH, b"nothing to see")


@pytest.fixture(scope="module")
def net(lab):
    return chain.Chain(lab)


@pytest.fixture(scope="module")
def oracle(net):
    asked = net.oracle()
    yield asked
    asked.close()


def expired(family, last, first=1):
    return {ttl: {(TIME_EXCEEDED, chain.hop(ttl, family))} for ttl in range(first, last + 1)}


def walk(oracle, family, dport, answer=None, since=None, n=chain.PLAIN, by=None, flags=SYN,
         octets=b"", last=None):
    """Ask TTL 1 .. 8. Up to `last` each has expired; from `since` on each has drawn the answer."""
    dst = chain.server(n, family)
    wanted = {ttl: set() for ttl in range(1, TARGET + 3)}
    wanted.update(expired(family, last if last is not None else since - 1))
    if answer:
        for ttl in range(since, TARGET + 3):
            wanted[ttl] = {(answer, by or dst)} | (wanted[ttl] if ttl == last else set())
    got = oracle.walk(dst, dport, wanted, flags, octets)
    for ttl, heard in got.items():
        assert {h[:2] for h in heard} == wanted[ttl], (ttl, got)
    return got


@pytest.mark.parametrize("family", FAMILIES)
def test_target(oracle, family):
    walk(oracle, family, HTTP, "syn-ack", TARGET)
    got = walk(oracle, family, chain.CLOSED, "rst-ack", TARGET)
    assert got[TARGET][0].ttl == 64 - len(ROUTERS), got
    walk(oracle, family, chain.CLOSED, "rst", TARGET, flags=ACK)
    walk(oracle, family, chain.SILENT, last=5)
    walk(oracle, family, chain.OWN_ADMIN, PROHIBITED, TARGET)
    walk(oracle, family, chain.OWN_RESET, "rst-ack", TARGET)


@pytest.mark.parametrize("k,family", EACH)
def test_a_box_that_forwards_answers_one_ttl_later(oracle, k, family):
    """And a RST of its own comes from its own distance; one port or all."""
    dst = chain.hop(k, family)
    for port, n in ((RESET + k, chain.PLAIN), (HTTP, chain.WIDE_RESET + k)):
        got = walk(oracle, family, port, "rst-ack", k + 1, n)
        assert got[TARGET][0].ttl == 65 - k, got
        walk(oracle, family, port, "rst", k + 1, n, flags=ACK)
    for port, n in ((DROP + k, chain.PLAIN), (HTTP, chain.WIDE_DROP + k)):
        walk(oracle, family, port, last=k, n=n)
    for port, n in ((ADMIN + k, chain.PLAIN), (HTTP, chain.WIDE_ADMIN + k)):
        walk(oracle, family, port, PROHIBITED, k + 1, n, by=dst)


@pytest.mark.parametrize("k,family", EACH)
def test_a_box_that_rejects_what_comes_in_answers_at_once(oracle, k, family):
    got = walk(oracle, family, EARLY + k, "rst-ack", k)
    assert got[TARGET][0].ttl == 65 - k, got


@pytest.mark.parametrize("k,family", EACH)
def test_one_flag_alone(oracle, k, family):
    walk(oracle, family, chain.ACK_RESET + k, "syn-ack", TARGET)
    walk(oracle, family, chain.ACK_RESET + k, "rst", k + 1, flags=ACK)
    walk(oracle, family, chain.SYN_RESET + k, "rst-ack", k + 1)
    walk(oracle, family, chain.SYN_RESET + k, "rst", TARGET, flags=ACK)


@pytest.mark.parametrize("k,family", EACH)
def test_octets_that_a_box_does_not_like(oracle, k, family):
    """Without a connection, so that the target resets all that passes."""
    flags, octets = SAYS
    walk(oracle, family, HTTP, "rst", TARGET, flags=flags, octets=octets)
    word = (chain.SAID_RESET % k).encode()
    got = walk(oracle, family, HTTP, "rst", k + 1, flags=flags, octets=word)
    assert got[TARGET][0].ttl == 65 - k, got
    word = (chain.SAID_DROP % k).encode()
    walk(oracle, family, HTTP, last=k, flags=flags, octets=word)
    for octets, since in ((b"x", k + 1), (b"", TARGET)):
        walk(oracle, family, chain.OCTET_RESET + k, "rst", since, flags=ACK, octets=octets)
    walk(oracle, family, chain.OCTET_DROP + k, "rst", TARGET, flags=ACK)
    walk(oracle, family, chain.OCTET_DROP + k, last=k, flags=ACK, octets=b"x")


# what the forged RST comes in with, by the TTL that it answers
ARRIVES = {
    "far": lambda ttl, k: 129 - k, "near": lambda ttl, k: 65 - k, "echo": lambda ttl, k: 59,
    "perfect": lambda ttl, k: 59, "mirror": lambda ttl, k: ttl - 2 * (k - 1),
}


@pytest.mark.parametrize("way", FORGED)
@pytest.mark.parametrize("k", chain.FORGERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_forgers(oracle, family, k, way):
    """They answer what expires as well; what mirrors the TTL is heard from twice the way on."""
    since = 2 * k - 1 if way == "mirror" else k
    wanted = {ttl: set() for ttl in range(1, 13)}
    wanted.update(expired(family, k))
    dst = chain.server(chain.PLAIN, family)
    for ttl in range(since, 13):
        wanted[ttl] = wanted[ttl] | {("rst-ack", dst)}
    got = oracle.walk(dst, FORGED[way] + k, wanted)
    for ttl, heard in got.items():
        assert {h[:2] for h in heard} == wanted[ttl], (ttl, got)
        assert {h.ttl for h in heard if h.kind == "rst-ack"} <= {ARRIVES[way](ttl, k)}, got


@pytest.mark.parametrize("family", FAMILIES)
def test_a_forger_beside_the_path(oracle, family):
    dst = chain.server(chain.PLAIN, family)
    wanted = expired(family, 5)
    for ttl in range(3, 8):
        wanted[ttl] = wanted.get(ttl, set()) | {("rst-ack", dst)}
    wanted[6].add(("syn-ack", dst))
    got = oracle.walk(dst, chain.BESIDE + 3, wanted)
    assert all(h.ttl == 59 for ttl in (3, 4, 5, 6) for h in got[ttl] if h.by == dst), got


@pytest.mark.parametrize("family", FAMILIES)
def test_two_paths(oracle, family):
    """A flow keeps to one; many see both, and never one that is half this and half that."""
    dst, seen = chain.server(chain.BALANCED, family), set()
    lanes = {chain.hop(3, family): chain.hop(4, family),
             chain.hop("r3b", family): chain.hop("r4b", family)}
    for _ in range(40):
        got = oracle.walk(dst, HTTP, {3: set(), 4: set()}, one_flow=True)
        first, second = ({h.by for h in got[ttl]} for ttl in (3, 4))
        assert len(first) == len(second) == 1, got
        assert lanes[first.pop()] == second.copy().pop(), got
        seen |= second
        if len(seen) == 2:
            return
    pytest.fail("one path alone")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_limited_router(oracle, family):
    """It tells of a burst, and then of one a second."""
    dst = chain.server(chain.LIMITED, family)
    told, begun = 0, time.monotonic()
    for _ in range(40):
        told += len(oracle.walk(dst, HTTP, {3: set()}, one_flow=True)[3])
    assert 1 <= told <= 10 + time.monotonic() - begun, told


@pytest.mark.parametrize("family", FAMILIES)
def test_mute_routers(oracle, family):
    dst = chain.server(chain.MUTE, family)
    wanted = expired(family, 5)
    wanted.update({k: set() for k in chain.MUTE_ROUTERS})
    wanted[TARGET] = {("syn-ack", dst)}
    got = oracle.walk(dst, HTTP, wanted)
    assert not any(got[k] for k in chain.MUTE_ROUTERS), got


@pytest.mark.parametrize("family", FAMILIES)
def test_no_way_there(oracle, family):
    """Who knows no route says so before it looks at the TTL."""
    wanted = expired(family, 2)
    wanted.update(dict.fromkeys((3, 4), {(NO_ROUTE, chain.hop(3, family))}))
    oracle.walk(chain.NOWHERE[family], HTTP, wanted)


@pytest.mark.parametrize("family", FAMILIES)
def test_services(net, family):
    """Through real sockets: one answers, one resets, one is listening."""
    code = ("import socket,sys\n"
            "s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 50)\n"
            "s.sendall(b'hello')\n"
            "try: print(s.recv(100)[:8])\n"
            "except OSError as e: print(type(e).__name__)\n")
    for port, word in ((HTTP, "b'HTTP/1.1'"), (chain.ABORTING, "ConnectionResetError"),
                       (chain.FORGED_DATA + 3, "ConnectionResetError")):
        said = net.client.sh("/usr/bin/python3", "-c", code, chain.server(chain.PLAIN, family), port)
        assert said.stdout.strip() == word, said
