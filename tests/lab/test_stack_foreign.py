"""The matrix of `stack` against TCPs that are no kernel: lwIP, slirp, gVisor. Each is wrong in ways of
its own, and each way is a cell."""

import pytest

import stacks
from lab import QUICK

LWIP = """
    syn syn-bare syn-ecn syn-data:          SA     | RA,a,n
    ack data finack synack:                 RA,a,n | RA,a,n
    null null-data fin xmas psh urg:        .      | RA,a,n
    syn-fin syn-fin-psh-urg:                SA     | RA,a,n-
    rst rst-ack syn-rst all:                .      | .
    """
# no listener of its own: without a connection every port is the same to it
SLIRP = """
    syn syn-bare syn-ecn:                   SA      | RA,0,n
    syn-data:                               SA      | RA,0,n-
    ack data finack synack:                 R,a,0   | R,a,0
    null null-data psh urg:                 RA,0,n  | RA,0,n
    fin xmas syn-fin syn-fin-psh-urg:       RA,0,n- | RA,0,n-
    rst syn-rst:                            RA,0,n  | RA,0,n
    rst-ack all:                            R,a,0   | R,a,0
    """
GVISOR = """
    syn syn-bare syn-ecn syn-data:          SA    | RA,0,n
    ack data finack synack:                 R,a,0 | R,a,0
    null null-data fin xmas psh urg:        .     | RA,0,n
    syn-fin syn-fin-psh-urg:                SA    | RA,0,n
    rst rst-ack syn-rst:                    .     | .
    all:                                    R,a,0 | .
    """
# built by, LISTEN and CLOSED, connections, (style, family, confidence, firewall) of IPv4 and IPv6
STACKS = {
    "lwip": (stacks.lwip, LWIP, {
        ("ESTABLISHED", "rst-exact"): ". gone",
        ("ESTABLISHED", "rst-window"): "A alive",
        ("ESTABLISHED", "rst-outside"): ". alive",
        ("ESTABLISHED", "syn-window"): "A alive",
        ("ESTABLISHED", "data-no-ack"): "A accepted",
        ("ESTABLISHED", "fin-no-ack"): "A accepted",
        ("ESTABLISHED", "ack-unsent"): "A alive",
        ("ESTABLISHED", "data-old-ack"): "A accepted",
        ("SYN-RECEIVED", "ack-unsent"): "RA,a,n alive",
        ("SYN-RECEIVED", "rst-window"): "A alive",
        ("SYN-RECEIVED", "syn-window"): ". alive",
    }, {4: ("rst", "embedded", "high", "none"), 6: ("rst", "embedded", "high", "none")}),
    "slirp": (stacks.Slirp, SLIRP, {
        ("ESTABLISHED", "rst-exact"): ". gone",
        ("ESTABLISHED", "rst-window"): ". gone",
        ("ESTABLISHED", "rst-outside"): ". alive",
        ("ESTABLISHED", "syn-window"): "RA,a,? gone",
        ("ESTABLISHED", "data-no-ack"): ". alive",
        ("ESTABLISHED", "fin-no-ack"): ". alive",
        ("ESTABLISHED", "ack-unsent"): "A alive",
        ("ESTABLISHED", "data-old-ack"): "A accepted",
    }, {4: ("rst", "other", "high", "none"), 6: ("rst", "other", "high", "none")}),
    "gvisor": (stacks.gvisor, GVISOR, {
        ("ESTABLISHED", "rst-exact"): ". gone",
        ("ESTABLISHED", "rst-window"): ". gone",
        ("ESTABLISHED", "rst-outside"): ". alive",
        ("ESTABLISHED", "syn-window"): "A alive",
        ("ESTABLISHED", "data-no-ack"): ". alive",
        ("ESTABLISHED", "fin-no-ack"): ". alive",
        ("ESTABLISHED", "ack-unsent"): ". alive",
        ("ESTABLISHED", "data-old-ack"): "A accepted",
        ("SYN-RECEIVED", "ack-unsent"): "R,a,0 alive",
        ("SYN-RECEIVED", "rst-window"): ". gone",
        ("SYN-RECEIVED", "syn-window"): "RA,0,n gone",
    }, {4: ("rst", "embedded", "high", "none"), 6: ("rst", "linux", "high", "none")}),
}
if QUICK:
    STACKS = {"lwip": STACKS["lwip"]}
FAMILIES = [4] if QUICK else [4, 6]


@pytest.fixture(scope="module", params=STACKS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def asked(lab, name):
    host = STACKS[name][0](lab)
    return stacks.ask_all(host.client, {
        family: [host.addr[family], "-p", host.port] for family in FAMILIES})


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


def test_listen_and_closed(asked, name, family):
    listen, closed = stacks.rows(STACKS[name][1])
    assert asked[family].column("LISTEN") == listen
    assert asked[family].column("CLOSED") == closed


def test_connections(asked, name, family):
    expected = STACKS[name][2]
    got = {(state, form): asked[family].column(state)[form] for state, form in expected}
    assert got == expected, asked[family]


def test_verdict(asked, name, family):
    assert asked[family].verdict() == STACKS[name][3][family], asked[family]
