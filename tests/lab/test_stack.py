"""The matrix of `stack` against the kernel itself: every cell of LISTEN, CLOSED and the connections.

What Linux answers was measured beside RFC 9293; the tables below are in stacks.py's notation, with
what is left of the connection after it. A host whose service stays, one whose service closes at
once and one that closes its own direction alone reach different states.
"""

import pytest

import stacks
from lab import QUICK

FAMILIES = [4] if QUICK else [4, 6]
STAY, CLOSE, HALF = 80, 81, 82

LISTEN, CLOSED = stacks.rows("""
    syn syn-bare syn-ecn syn-data:          SA    | RA,0,n
    ack data finack synack:                 R,a,0 | R,a,0
    null null-data fin xmas psh urg:        .     | RA,0,n
    syn-fin syn-fin-psh-urg:                .     | RA,0,n
    rst rst-ack syn-rst all:                .     | .
    """)
# where the service stays open
(ESTABLISHED,) = stacks.rows("""
    rst-exact:                              . gone
    rst-window syn-window ack-unsent:       A alive
    data-old-ack:                           A alive
    rst-outside data-no-ack fin-no-ack:     . alive
    """)
(SYN_RECEIVED,) = stacks.rows("""
    rst-exact:                              . gone
    rst-window:                             A alive
    rst-outside data-no-ack fin-no-ack:     . alive
    syn-window:                             RA,0,n gone
    ack-unsent:                             R,a,0 alive
    """)
(CLOSE_WAIT,) = stacks.rows("""
    rst-exact:                              . gone
    rst-window syn-window ack-unsent:       A alive
    rst-outside:                            . alive
    """)
# where the service closes first: its own direction alone, so that its socket lives on
FIN_WAIT_2 = CLOSE_WAIT
# ... or wholly: the kernel keeps but a stub of it, which knows no RFC 5961, is reset by a SYN, and
# acknowledges even a RST from outside the window
(ORPHAN,) = stacks.rows("""
    rst-exact rst-window:                   . gone
    rst-outside:                            A alive
    syn-window:                             RA,0,n gone
    ack-unsent:                             . alive
    """)
(TIME_WAIT,) = stacks.rows("""
    rst-exact:                              . gone
    rst-window rst-outside ack-unsent:      . alive
    syn-window:                             SA
    """)


@pytest.fixture(scope="module")
def star(lab):
    built = stacks.Star(lab)
    built.add("stay").listen([STAY])
    built.add("close").helper("serve", CLOSE, "close")
    built.add("found").listen([22])
    built.add("half").helper("serve", HALF, "half")
    return built


@pytest.fixture(scope="module")
def asked(star):
    hosts = {STAY: "stay", CLOSE: "close", HALF: "half"}
    targets = {(port, family): [star.hosts[name].addr[family], "-p", port]
               for port, name in hosts.items() for family in FAMILIES}
    targets["found"] = [star.hosts["found"].addr[4]]
    return stacks.ask_all(star.client, targets)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("port", [STAY, CLOSE, HALF])
def test_listen_and_closed(asked, port, family):
    stack = asked[port, family]
    assert stack.column("LISTEN") == LISTEN
    assert stack.column("CLOSED") == CLOSED
    assert set(LISTEN) == set(stacks.STRAY)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("port,state,expected", [
    (STAY, "SYN-RECEIVED", SYN_RECEIVED), (CLOSE, "SYN-RECEIVED", SYN_RECEIVED),
    (STAY, "ESTABLISHED", ESTABLISHED), (STAY, "CLOSE-WAIT", CLOSE_WAIT),
    (HALF, "FIN-WAIT-2", FIN_WAIT_2), (CLOSE, "FIN-WAIT-2", ORPHAN),
    (HALF, "TIME-WAIT", TIME_WAIT), (CLOSE, "TIME-WAIT", TIME_WAIT),
])
def test_connections(asked, port, state, expected, family):
    assert asked[port, family].column(state) == expected, asked[port, family]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("port,state,why", [
    (STAY, "FIN-WAIT-2", "does not close first"), (STAY, "TIME-WAIT", "does not close first"),
    (CLOSE, "ESTABLISHED", "closes at once"), (CLOSE, "CLOSE-WAIT", "closes as soon as we do"),
    (HALF, "ESTABLISHED", "closes at once"), (HALF, "CLOSE-WAIT", "closes as soon as we do"),
])
def test_states_that_the_service_does_not_reach(asked, port, state, why, family):
    """But for what a service that was slow to close let be asked: that is answered as ever."""
    stack = asked[port, family]
    untested, column = stack.untested(state), stack.column(state)
    assert untested and all(why in text for text in untested.values()), stack
    reached = {"ESTABLISHED": ESTABLISHED, "CLOSE-WAIT": CLOSE_WAIT}.get(state, {})
    for probe in set(column) - {probe for _, probe in untested}:
        assert column[probe] == reached.get(probe), (probe, stack)


@pytest.mark.parametrize("family", FAMILIES)
def test_verdict(asked, family):
    stack = asked[STAY, family]
    assert stack.verdict() == ("rst", "linux", "high", "none"), stack
    assert stack["origin"] == "endpoint"
    assert stack["rfc5961"] == "full"
    assert stack["reset_limited"] is False and stack["suspect"] is False


@pytest.mark.parametrize("family", FAMILIES)
def test_the_form_of_its_rsts(asked, family):
    for rst in asked[STAY, family].rsts():
        assert rst["win"] == 0 and rst["ttl"] == 63
        if family == 4:
            assert rst["df"] is True and rst["ip_id"] == 0
        else:
            assert "df" not in rst and "ip_id" not in rst


def test_it_finds_the_open_port_itself(asked):
    stack = asked["found"]
    assert stack.result.status == 0, stack
    assert stack.result.run["command"] == "stack"
    assert stack.result.summary["complete"] is True
    assert {c["port"] for (state, _), c in stack.cells.items() if state == "LISTEN"} == {22}
    assert stack.column("LISTEN") == LISTEN and stack.column("CLOSED") == CLOSED
