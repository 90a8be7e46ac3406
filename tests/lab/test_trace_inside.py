"""Copies of one data segment within a real connection: boxes that reset or drop by content, or what
carries any octets, each router in turn; what the service itself does is told apart.
"""

import pytest

import chain
from chain import FAMILIES, HTTP, PLAIN, ROUTERS, TARGET
from lab import QUICK, LabError, until

TURN = [3] if QUICK else ROUTERS
AT_TARGET = {
    "answers": (HTTP, "hello"), "takes": (chain.FREE, "hello"), "aborts": (chain.ABORTING, "hello"),
    "plain": (HTTP, None), "plain-aborts": (chain.ABORTING, None),
    "closed": (chain.CLOSED, "hello"), "silent": (chain.SILENT, "hello"),
}
AT_ROUTER = {
    "reset": (HTTP, chain.SAID_RESET), "drop": (HTTP, chain.SAID_DROP),
    "reset-taken": (chain.FREE, chain.SAID_RESET),
    "octets-reset": (chain.OCTET_RESET, None), "octets-drop": (chain.OCTET_DROP, None),
    "syn-reset": (chain.RESET, "hello"), "syn-drop": (chain.DROP, "hello"),
    "ack-reset": (chain.ACK_RESET, "hello"),
}
# whose port is told by the router
OF_ROUTER = (chain.RESET, chain.DROP, chain.ACK_RESET, chain.OCTET_RESET, chain.OCTET_DROP)


@pytest.fixture(scope="module")
def net(lab):
    return chain.Chain(lab)


def words(family, port, said):
    return [chain.server(PLAIN, family), "-p", port, "--probe", "data"] + \
        (["--data-string", said] if said else [])


@pytest.fixture(scope="module")
def asked(net):
    wishes = {}
    for family in FAMILIES:
        for name, (port, said) in AT_TARGET.items():
            wishes[name, 0, family] = words(family, port, said)
        for k in TURN:
            for name, (port, said) in AT_ROUTER.items():
                wishes[name, k, family] = words(family, port + k if port in OF_ROUTER else port,
                                                said % k if said and "%" in said else said)
        for k in chain.FORGERS:
            wishes["forged", k, family] = words(family, chain.FORGED_DATA + k, "hello")
            wishes["forged-plain", k, family] = words(family, chain.FORGED_DATA + k, None)
    return net.trace_all(wishes)


@pytest.fixture
def traced(asked, name, k, family):
    return asked[name, k, family]


def at_target(*names):
    return chain.turns(names, [0])


def at_router(*names, turn=tuple(TURN)):
    return chain.turns(names, turn)


# --- the service ---------------------------------------------------------------------------------

@at_target("answers", "takes", "plain")
def test_a_service_that_takes_octets(traced, name, k, family):
    assert traced["verdict"] == "open", traced
    for ttl in ROUTERS:
        assert traced.by("inside").get(ttl) == chain.hop(ttl, family), traced


@at_target("aborts")
def test_the_reset_of_the_service(traced, name, k, family):
    assert traced["verdict"] == "reset-by-target", traced


@at_target("plain-aborts")
def test_octets_that_were_acknowledged_do_nothing(traced, name, k, family):
    """It would abort at the first octet that it reads: it reads none."""
    assert traced["verdict"] == "open", traced


@at_target("closed", "silent")
def test_no_connection_comes_about(traced, name, k, family):
    """Then the walk of the SYN tells."""
    if name == "closed":
        assert traced["verdict"] == "reset-by-target", traced
    else:
        assert traced["verdict"] == "dropped-after-hop", traced
        assert traced["addr_by"] == chain.hop(5, family), traced


# --- boxes that look at octets, each router in turn ----------------------------------------------

@at_router("reset", "reset-taken", "octets-reset")
def test_a_router_resets_by_content(traced, name, k, family):
    assert traced["verdict"] == "reset-by-hop", traced
    low, high = traced.between
    assert low <= k <= high and high - low <= 1, traced
    assert traced["addr_by"] == chain.hop(k, family), traced
    for ttl in range(1, TARGET):  # the SYN of the same port passes
        assert traced.by().get(ttl) == chain.hop(ttl, family), traced


@at_router("reset", "octets-reset")
def test_the_exact_hop(traced, name, k, family):
    """Its RST has come as far as its other messages do."""
    assert traced.between == (k, k), traced


@at_router("drop", "octets-drop")
def test_a_router_drops_by_content(traced, name, k, family):
    assert traced["verdict"] == "dropped-after-hop", traced
    assert traced["addr_by"] == chain.hop(k, family), traced
    assert traced.between[0] == k and traced.between[1] in (k + 1, chain.INFINITE), traced
    for ttl in range(1, TARGET):
        assert traced.by().get(ttl) == chain.hop(ttl, family), traced


@at_router("syn-reset", "syn-drop")
def test_a_router_lets_no_connection_come_about(traced, name, k, family):
    """The walk of the SYN tells as ever."""
    verdict = {"syn-reset": "reset-by-hop", "syn-drop": "dropped-after-hop"}[name]
    assert traced["verdict"] == verdict, traced
    assert traced.between[0] == k, traced
    assert traced["addr_by"] == chain.hop(k, family), traced


@at_router("ack-reset")
def test_a_router_resets_every_ack(traced, name, k, family):
    """The handshake's own is the first: the target has answered the SYN, and is not to blame."""
    assert traced["verdict"] == "reset-by-hop", traced
    low, high = traced.between
    assert low <= k <= high, traced


@at_router("forged", "forged-plain", turn=chain.FORGERS)
def test_a_forger_beside_the_connection(traced, name, k, family):
    """It answers what expires as well, in the target's own form, and the octets go on."""
    assert traced["verdict"] == "reset-by-hop", traced
    low, high = traced.between
    assert low <= k <= high and high - low <= 1, traced
    assert traced["origin"] == "middlebox", traced


def test_no_connection_is_left(net, asked):
    """All of the walks above are over: neither end holds one."""
    assert asked

    def left():
        return [host.sh("ss", "-Hnt", "state", "established").stdout
                for host in (net.client, net.server)]
    try:
        until("no connection to be left", lambda: not any(left()))
    except LabError:
        assert not any(left()), left()
