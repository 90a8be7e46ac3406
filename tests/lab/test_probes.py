"""Probe kinds beside the SYN, and what they mean together: the second table, row by row.

One row needs two answers to different tries of one port: a responder of ours gives them, as no
firewall would. Answers that are late, mangled or of foreign stacks are for the virtual-time tests.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lab import QUICK, SERVER, SERVER6, segments
from test_states import ADDR, FAMILIES

# port -> (listener there, rules of the router in its forward chain)
FIN_ONLY = "tcp flags & (fin | syn | rst | ack) == fin"
SYN_ONLY = "tcp flags & (fin | syn | rst | ack) == syn"
ACK_ONLY = "tcp flags & (fin | syn | rst | ack) == ack"
ADMIN = ["meta nfproto ipv4 %s %s reject with icmp type admin-prohibited",
         "meta nfproto ipv6 %s %s reject with icmpv6 type admin-prohibited"]
PLAIN_OPEN, PLAIN_CLOSED, TWO_FACED, HALF_OPEN = 2001, 2002, 2090, 2091
SHAPED = {
    2011: (True, ["{port} " + ACK_ONLY + " drop", "{port} " + FIN_ONLY + " drop"]),
    2012: (True, ["{port} " + FIN_ONLY + " reject with tcp reset"]),
    2013: (False, ["{port} " + ACK_ONLY + " drop", "{port} " + FIN_ONLY + " drop"]),
    2014: (True, ["{port} " + SYN_ONLY + " drop"]),
    2015: (False, ["{port} " + SYN_ONLY + " drop"]),
    2016: (True, ["{port} drop"]),
    2017: (False, ["{port} drop"]),
    2018: (True, [r % ("{port}", SYN_ONLY) for r in ADMIN]),
    2019: (True, [r % ("{port}", SYN_ONLY) for r in ADMIN] + ["{port} " + ACK_ONLY + " drop"]),
    2020: (False, [r % ("{port}", SYN_ONLY) for r in ADMIN]),
}

NONE, SA, BARE, RA = "none", "syn-ack", "rst-seq-from-ack", "rst-ack-of-seq"
# port: syn, ack, fin, state, words of the clue ("" none asked)
TOGETHER = [
    (PLAIN_OPEN, SA, BARE, NONE, "open", ""),
    (2011, SA, NONE, NONE, "open", "stray segments are filtered"),
    (2012, SA, BARE, RA, "open", "resets FIN"),
    (PLAIN_CLOSED, RA, BARE, RA, "closed", ""),
    (2013, RA, NONE, NONE, "closed", "stray segments are filtered"),
    (2014, NONE, BARE, NONE, "filtered", "the path drops SYNs only"),
    (2015, NONE, BARE, RA, "closed", "the path drops SYNs"),
    (2016, NONE, NONE, NONE, "filtered", ""),
    (2017, NONE, NONE, NONE, "filtered", ""),
    (2018, "icmp-admin", BARE, NONE, "rejected", ""),
    (2019, "icmp-admin", NONE, NONE, "rejected", ""),
    (2020, "icmp-admin", BARE, RA, "rejected", ""),
]


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([PLAIN_OPEN, *(p for p, (listener, _) in SHAPED.items() if listener)])
    path3.router.firewall(forward=[
        rule.format(port="tcp dport %d" % port)
        for port, (_, rules) in SHAPED.items() for rule in rules] + [
            # else our kernel's RST to the challenge ACK would tidy the far end
            "tcp dport %d tcp flags rst drop" % HALF_OPEN])
    path3.server.firewall(input=["tcp dport %d drop" % TWO_FACED])
    path3.server.helper("twofaced", "up", TWO_FACED)
    return path3


def scan(net, family, kinds, numbers, *more):
    result = net.client.scan(ADDR[family], "-p", ",".join(map(str, numbers)), "--probe", kinds,
                             "--show", "all", "-r", "2", *more)
    assert result.status == 0, result
    return result


def has_clue(port, word):
    return any(word in clue for clue in port.get("clues", []))


@pytest.fixture(scope="module")
def together(net):
    numbers = [row[0] for row in TOGETHER]
    return {family: scan(net, family, "syn,ack,fin", numbers) for family in FAMILIES}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number,syn,ack,fin,state,clue", TOGETHER)
def test_syn_ack_and_fin_together(together, family, number, syn, ack, fin, state, clue):
    port = together[family].port(number)
    assert port["probes"] == {"syn": syn, "ack": ack, "fin": fin}
    assert port["state"] == state, port
    if clue:
        assert has_clue(port, clue), port


WITHOUT_SYN = [
    (PLAIN_OPEN, "ack", "unfiltered", ""),
    (PLAIN_CLOSED, "ack", "unfiltered", ""),
    (PLAIN_OPEN, "ack,fin", "unfiltered", "open, if"),
    (PLAIN_CLOSED, "ack,fin", "closed", "weak"),
    (2011, "ack", "filtered", ""),
    (PLAIN_OPEN, "fin", "open|filtered", ""),
    (PLAIN_CLOSED, "fin", "closed", "weak"),
]
LISTENER_IGNORES = ["fin", "null", "xmas", "null-data"]
NMAP = {"-sS": "open", "-sA": "unfiltered", "-sF": "open|filtered", "-sN": "open|filtered",
        "-sX": "open|filtered"}


@pytest.fixture(scope="module")
def waited(net):
    """The scans that wait for silence, side by side: {what: result, or why there is none}."""
    jobs = {("alone", f, number, kinds): (scan, net, f, kinds, [number])
            for f in FAMILIES for number, kinds, _, _ in WITHOUT_SYN}
    jobs.update({("ignored", f, kind): (scan, net, f, kind, [PLAIN_OPEN, PLAIN_CLOSED])
                 for f in FAMILIES for kind in LISTENER_IGNORES})
    jobs.update({("nmap", word): (net.client.scan, SERVER, word, "-Pn", "-p", PLAIN_OPEN, "-r", "2")
                 for word in NMAP})

    def one(job):
        try:
            return job[0](*job[1:])
        except AssertionError as why:
            return why

    with ThreadPoolExecutor(8) as pool:
        return dict(zip(jobs, pool.map(one, jobs.values())))


def result_of(waited, *what):
    if isinstance(waited[what], AssertionError):
        raise waited[what]
    return waited[what]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number,kinds,state,clue", WITHOUT_SYN)
def test_rows_without_a_syn(waited, family, number, kinds, state, clue):
    port = result_of(waited, "alone", family, number, kinds).port(number)
    assert port["state"] == state, port
    assert set(port["probes"]) == set(kinds.split(","))
    if clue:
        assert has_clue(port, clue), port


@pytest.mark.parametrize("family", FAMILIES)
def test_two_faced_port_is_inconsistent_and_shows_both(net, family):
    # both answers are under way at once: the scan lingers a few milliseconds for the second
    result = scan(net, family, "syn", [TWO_FACED])
    port = result.port(TWO_FACED)
    assert port["state"] == "inconsistent", result
    shown = net.client.rstprobe("scan", ADDR[family], "-p", TWO_FACED, "-r", "2")
    assert "S." in shown.out and "R." in shown.out, shown


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["ack", "data", "finack", "synack"])
def test_stray_segments_draw_the_rst_of_listen(net, family, kind):
    """LISTEN and CLOSED both answer: unfiltered, whatever the port is."""
    result = scan(net, family, kind, [PLAIN_OPEN, PLAIN_CLOSED])
    for number in (PLAIN_OPEN, PLAIN_CLOSED):
        port = result.port(number)
        assert port["state"] == "unfiltered", port
        assert port["probes"] == {kind: BARE}
        assert port["reason"] == "rst"
        assert port["ttl"] == 63


@pytest.mark.parametrize("kind", ["ack", "data"])
def test_the_clause_is_named(net, kind):
    shown = net.client.rstprobe("scan", SERVER, "-p", PLAIN_OPEN, "--probe", kind, "-v", "-r", "2")
    assert "unfiltered" in shown.out, shown
    assert "9293" in shown.out and "3.10.7" in shown.out, shown


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", LISTENER_IGNORES)
def test_segments_that_a_listener_ignores(waited, family, kind):
    result = result_of(waited, "ignored", family, kind)
    port = result.port(PLAIN_OPEN)
    assert (port["state"], port["probes"][kind]) == ("open|filtered", NONE)
    port = result.port(PLAIN_CLOSED)
    assert (port["state"], port["probes"][kind]) == ("closed", RA)
    assert has_clue(port, "weak"), port


@pytest.mark.parametrize("family", FAMILIES)
def test_syn_with_data(net, family):
    result = scan(net, family, "syn-data", [PLAIN_OPEN, PLAIN_CLOSED])
    assert result.states() == {PLAIN_OPEN: "open", PLAIN_CLOSED: "closed"}


def test_all_kinds_at_once(net):
    result = scan(net, 4, "all", [PLAIN_OPEN, PLAIN_CLOSED])
    assert result.states() == {PLAIN_OPEN: "open", PLAIN_CLOSED: "closed"}
    assert len(result.port(PLAIN_OPEN)["probes"]) >= 9


@pytest.mark.parametrize("flags,number,state", [
    ("S", PLAIN_OPEN, "open"), ("S", PLAIN_CLOSED, "closed"), ("A", PLAIN_OPEN, "unfiltered"),
    ("FPU", PLAIN_CLOSED, "closed"), ("SEC", PLAIN_OPEN, "open"),
])
def test_hand_made_probe(net, flags, number, state):
    result = net.client.scan(SERVER, "-p", number, "--flags", flags, "-r", "2")
    assert result.port(number)["state"] == state, result


@pytest.mark.parametrize("word", NMAP)
def test_nmap_spelling(waited, word):
    result = result_of(waited, "nmap", word)
    assert result.port(PLAIN_OPEN)["state"] == NMAP[word], result


def test_fixed_source_port_whose_tuple_is_in_use(net):
    """The far end believes in a connection from that port and answers with a challenge ACK."""
    ends = ["%s/%d" % (a, HALF_OPEN) for a in (SERVER, SERVER6)]
    net.client.helper("halfopen", net.client.ns, net.server.ns, 41000, *ends)
    for addr in (SERVER, SERVER6):
        fixed = net.client.scan(addr, "-p", HALF_OPEN, "-g", "41000", "-r", "2")
        port = fixed.port(HALF_OPEN)
        assert port["state"] == "indeterminate", fixed
        assert has_clue(port, "another connection"), fixed
    if not QUICK:
        free = net.client.scan(SERVER, "-p", HALF_OPEN)
        assert free.port(HALF_OPEN)["state"] == "open", free


def test_source_of_the_fixed_port(net):
    path = net.lab.path("fixed.pcap")
    net.client.scan(SERVER, "-p", "2001,2002,2016", "-g", "40000", "-r", "3", "-w", path)
    sent = [s for s in segments(path) if s.dst.hex() == "0ac90202"]
    assert sent and {s.sport for s in sent} == {40000}
    # every try of a SYN on one 4-tuple repeats its sequence number
    assert len([s for s in sent if s.dport == 2016]) == 4
    assert len({s.seq for s in sent if s.dport == 2016}) == 1
