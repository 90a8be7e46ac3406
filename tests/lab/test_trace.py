"""Where a SYN or an ACK ends: at the target, at each of five routers in turn, by a RST, an ICMP
error or silence; for one port and for all; both families. All walks are under way at once.
"""

import pytest

import chain
from chain import ADMIN, DROP, EARLY, FAMILIES, HTTP, INFINITE, PLAIN, RESET, ROUTERS, TARGET
from lab import QUICK

TURN = [1, 3, 5] if QUICK else ROUTERS
# name -> port, address of the server, probe
AT_TARGET = {
    "open": (HTTP, PLAIN, "syn"), "closed": (chain.CLOSED, PLAIN, "syn"),
    "silent": (chain.SILENT, PLAIN, "syn"), "rejects": (chain.OWN_ADMIN, PLAIN, "syn"),
    "resets": (chain.OWN_RESET, PLAIN, "syn"), "open-ack": (HTTP, PLAIN, "ack"),
    "closed-ack": (chain.CLOSED, PLAIN, "ack"), "silent-ack": (chain.SILENT, PLAIN, "ack"),
}
AT_ROUTER = {
    "reset": (RESET, PLAIN, "syn"), "early": (EARLY, PLAIN, "syn"), "drop": (DROP, PLAIN, "syn"),
    "admin": (ADMIN, PLAIN, "syn"), "reset-ack": (RESET, PLAIN, "ack"),
    "drop-ack": (DROP, PLAIN, "ack"), "admin-ack": (ADMIN, PLAIN, "ack"),
    "early-ack": (EARLY, PLAIN, "ack"),
    "wide-reset": (HTTP, chain.WIDE_RESET, "syn"), "wide-drop": (HTTP, chain.WIDE_DROP, "syn"),
    "wide-admin": (HTTP, chain.WIDE_ADMIN, "syn"),
    "wide-reset-ack": (HTTP, chain.WIDE_RESET, "ack"),
    "syn-alone": (chain.SYN_RESET, PLAIN, "syn"), "syn-alone-ack": (chain.SYN_RESET, PLAIN, "ack"),
    "ack-alone": (chain.ACK_RESET, PLAIN, "syn"), "ack-alone-ack": (chain.ACK_RESET, PLAIN, "ack"),
}


@pytest.fixture(scope="module")
def net(lab):
    return chain.Chain(lab)


@pytest.fixture(scope="module")
def asked(net):
    wishes = {}
    for family in FAMILIES:
        for name, (port, n, probe) in AT_TARGET.items():
            wishes[name, 0, family] = [chain.server(n, family), "-p", port, "--probe", probe]
        for k in TURN:
            for name, (port, n, probe) in AT_ROUTER.items():
                one = n == PLAIN
                wishes[name, k, family] = [chain.server(n if one else n + k, family), "-p",
                                           port + k if one else port, "--probe", probe]
    return net.trace_all(wishes)


@pytest.fixture
def traced(asked, name, k, family):
    return asked[name, k, family]


def at_target(*names):
    return chain.turns(names, [0])


def at_router(*names):
    return chain.turns(names, TURN)


def check_hops(traced, family, last):
    """Every router up to `last` has its line, by its own name."""
    seen = traced.by()
    for ttl in range(1, last + 1):
        assert seen.get(ttl) == chain.hop(ttl, family), (ttl, traced)


# --- the target ----------------------------------------------------------------------------------

@at_target("open", "closed", "resets", "open-ack", "closed-ack", "rejects")
def test_the_target_answers(traced, name, k, family):
    check_hops(traced, family, 5)
    verdict, token = {
        "open": ("open", "syn-ack"), "closed": ("reset-by-target", "rst-ack-of-seq"),
        "resets": ("reset-by-target", "rst-ack-of-seq"),
        "open-ack": ("reset-by-target", "rst-seq-from-ack"),
        "closed-ack": ("reset-by-target", "rst-seq-from-ack"),
        "rejects": ("rejected-by", "icmp-admin")}[name]
    assert traced["verdict"] == verdict, traced
    assert traced.reply() == (TARGET, token), traced
    assert traced.between in (None, (TARGET, TARGET)) or name != "open", traced
    assert traced["addr_by"] == chain.server(PLAIN, family) or name != "rejects", traced


@at_target("silent", "silent-ack")
def test_a_silent_target(traced, name, k, family):
    """The box may be the last router or the target itself: that isn't hidden."""
    check_hops(traced, family, 5)
    assert traced["verdict"] == "dropped-after-hop", traced
    assert traced["addr_by"] == chain.hop(5, family), traced
    assert traced.between[0] == 5 and traced.between[1] >= TARGET, traced
    assert traced.reply() == (None, None), traced


# --- the routers, each in turn -------------------------------------------------------------------

@at_router("reset", "reset-ack", "wide-reset", "wide-reset-ack", "syn-alone", "ack-alone-ack")
def test_a_router_resets(traced, name, k, family):
    """What it forwards: TTL k expires there, k + 1 is reset, and that RST began with the TTL that
    the router's other messages begin with: one hop is known."""
    check_hops(traced, family, k)
    assert traced["verdict"] == "reset-by-hop", traced
    assert traced.between == (k, k), traced
    assert traced["addr_by"] == chain.hop(k, family), traced
    token = "rst-seq-from-ack" if AT_ROUTER[name][2] == "ack" else "rst-ack-of-seq"
    assert traced.reply() == (k + 1, token), traced
    assert traced["clues"], traced


@at_router("early", "early-ack")
def test_a_router_resets_what_comes_in(traced, name, k, family):
    """The same walk as that of the hop before it, and still no wrong one is named."""
    check_hops(traced, family, k - 1)
    assert traced["verdict"] == "reset-by-hop", traced
    low, high = traced.between
    assert low <= k <= high and high - low <= 1, traced
    assert traced.reply()[0] == k, traced
    if low == high:
        assert traced["addr_by"] in (None, chain.hop(k, family)), traced


@at_router("drop", "drop-ack", "wide-drop")
def test_a_router_drops(traced, name, k, family):
    check_hops(traced, family, k)
    assert traced["verdict"] == "dropped-after-hop", traced
    assert traced["addr_by"] == chain.hop(k, family), traced
    assert traced.between[0] == k, traced
    assert traced.reply() == (None, None), traced
    # where others get through, it is known where the silence ends
    assert traced.between[1] == (INFINITE if name == "wide-drop" else k + 1), traced


@at_router("admin", "admin-ack", "wide-admin")
def test_a_router_rejects(traced, name, k, family):
    check_hops(traced, family, k)
    assert traced["verdict"] == "rejected-by", traced
    assert traced["addr_by"] == chain.hop(k, family), traced
    low, high = traced.between
    assert low <= k <= high and high - low <= 1, traced
    assert traced.reply() == (k + 1, "icmp-admin"), traced


@at_router("ack-alone", "syn-alone-ack")
def test_the_kind_that_passes(traced, name, k, family):
    check_hops(traced, family, 5)
    verdict = "open" if name == "ack-alone" else "reset-by-target"
    assert traced["verdict"] == verdict, traced


@at_router("syn-alone", "ack-alone-ack")
def test_another_hop_for_the_other_kind_is_said(traced, name, k, family):
    other = "ACK" if name == "syn-alone" else "SYN"
    assert traced.reply()[0] == k + 1, traced
    assert traced.reply("other")[0] == TARGET, traced
    assert other in traced.clues and str(TARGET) in traced.clues, traced
