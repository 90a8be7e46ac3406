"""What each kind of target is called: the first table of the main job, exact, both families."""

import pytest

from lab import CLIENT, ROUTER, ROUTER6, SERVER, SERVER6, Host

LISTENERS = list(range(1001, 1011))
CLOSED = list(range(1101, 1111))
DROPPED = [1201, 1202]          # the router drops what goes to them; 1201 has a listener
REPLIES_DROPPED = [1301, 1302]  # the router drops what comes back; 1301 has a listener
LIMITED = list(range(1601, 1641))
RESET = 1650                    # the router resets what goes to it

# nftables' word -> what it is on the wire, and the token for it
REJECT4 = {
    "net-unreachable": (3, 0, "icmp-net", "net-unreachable"),
    "host-unreachable": (3, 1, "icmp-host", "host-unreachable"),
    "prot-unreachable": (3, 2, "icmp-other", "icmp-proto-unreachable"),
    "port-unreachable": (3, 3, "icmp-port", "icmp-port-unreachable"),
    "net-prohibited": (3, 9, "icmp-admin", "icmp-admin-prohibited"),
    "host-prohibited": (3, 10, "icmp-admin", "icmp-admin-prohibited"),
    "admin-prohibited": (3, 13, "icmp-admin", "icmp-admin-prohibited"),
}
REJECT6 = {
    "no-route": (1, 0, "icmp-net", "net-unreachable"),
    "admin-prohibited": (1, 1, "icmp-admin", "icmp-admin-prohibited"),
    "addr-unreachable": (1, 3, "icmp-host", "host-unreachable"),
    "port-unreachable": (1, 4, "icmp-port", "icmp-port-unreachable"),
}
BY_ROUTER, BY_HOST = 1401, 1501  # first port of each row, in the order of the tables
FAMILIES = [4, 6]
ADDR = {4: SERVER, 6: SERVER6}
SENDER = {(4, BY_ROUTER): ROUTER, (6, BY_ROUTER): ROUTER6,
          (4, BY_HOST): SERVER, (6, BY_HOST): SERVER6}
REJECTS = [(family, first, word) for family, table in ((4, REJECT4), (6, REJECT6))
           for first in (BY_ROUTER, BY_HOST) for word in table]


def ports(numbers):
    return "{ %s }" % ", ".join(map(str, numbers))


def reject_rules(first):
    rules = []
    for icmp, nfproto, table in (("icmp", "ipv4", REJECT4), ("icmpv6", "ipv6", REJECT6)):
        rules += ["meta nfproto %s tcp dport %d reject with %s type %s" % (
            nfproto, first + i, icmp, word) for i, word in enumerate(table)]
    return rules


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([*LISTENERS, DROPPED[0], REPLIES_DROPPED[0], BY_ROUTER, BY_HOST])
    path3.router.firewall(forward=[
        "tcp dport %s drop" % ports(DROPPED),
        "ip saddr %s tcp sport %s drop" % (SERVER, ports(REPLIES_DROPPED)),
        "ip6 saddr %s tcp sport %s drop" % (SERVER6, ports(REPLIES_DROPPED)),
        "meta nfproto ipv4 tcp dport 1601-1640 reject with icmp type admin-prohibited",
        "meta nfproto ipv6 tcp dport 1601-1640 reject with icmpv6 type admin-prohibited",
        "tcp dport %d reject with tcp reset" % RESET,
        "ip daddr 10.201.2.77 reject with icmp type host-unreachable",
        "ip6 daddr fd02::77 reject with icmpv6 type addr-unreachable",
        *reject_rules(BY_ROUTER)])
    path3.server.firewall(input=reject_rules(BY_HOST))
    return path3


@pytest.fixture(scope="module")
def scanned(net):
    """One scan of all rows for each family."""
    wanted = "1001-1010,1101-1110,1201-1202,1301-1302,1401-1407,1501-1507"
    results = {}
    for family in FAMILIES:
        results[family] = net.client.scan(ADDR[family], "-p", wanted, "--show", "all")
        assert results[family].status == 0, results[family]
    return results


@pytest.mark.parametrize("family", FAMILIES)
def test_listeners_are_open(scanned, family):
    for number in LISTENERS:
        port = scanned[family].port(number)
        assert (port["state"], port["reason"]) == ("open", "syn-ack")
        assert port["probes"]["syn"] == "syn-ack"
        assert port["addr"] == port["from"] == ADDR[family]
        assert port["ttl"] == 63
        assert 0 < port["rtt_us"] < 10000000
        assert port["origin"] == "endpoint"


@pytest.mark.parametrize("family", FAMILIES)
def test_ports_without_listener_are_closed(scanned, family):
    for number in CLOSED:
        port = scanned[family].port(number)
        assert (port["state"], port["reason"]) == ("closed", "rst-ack")
        assert port["probes"]["syn"] == "rst-ack-of-seq"
        assert port["ttl"] == 63
        assert 0 < port["rtt_us"] < 10000000


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("number", DROPPED + REPLIES_DROPPED)
def test_drops_are_filtered_after_the_retries(scanned, family, number):
    port = scanned[family].port(number)
    assert (port["state"], port["reason"]) == ("filtered", "no-response")
    assert port["probes"]["syn"] == "none"
    assert port["tries"] >= 3


@pytest.mark.parametrize("family", FAMILIES)
def test_retries_and_timeout_bound_the_silence(net, family):
    result = net.client.scan(ADDR[family], "-p", "1201,1202", "-r", "3", "-T", "50ms")
    assert result.status == 0, result
    assert set(result.states().values()) == {"filtered"}
    assert result.port(1201)["tries"] == 4
    assert result.summary["sent"] == 8
    # room for a slow machine, and still less than four times the default of a second
    assert result.summary["elapsed_s"] < 3.5, result


@pytest.mark.parametrize("family,first,word", REJECTS)
def test_rejects_name_type_and_sender(scanned, family, first, word):
    table = REJECT4 if family == 4 else REJECT6
    kind, code, token, reason = table[word]
    port = scanned[family].port(first + list(table).index(word))
    assert port["state"] == "rejected", port
    assert (port["icmp_type"], port["icmp_code"]) == (kind, code)
    assert port["from"] == SENDER[family, first]
    assert port["probes"]["syn"] == token
    assert port["reason"] == reason


@pytest.mark.parametrize("family", FAMILIES)
def test_counts_add_up(scanned, family):
    result = scanned[family]
    rejected = 14 if family == 4 else 8
    closed = 10 + (0 if family == 4 else 6)
    assert result.counts() == {"open": 10, "closed": closed, "filtered": 4, "rejected": rejected}
    assert len(result.states()) == 38
    assert result.summary["complete"] is True


@pytest.mark.parametrize("family", FAMILIES)
def test_a_router_that_resets_is_told(net, family):
    """One hop nearer than all else that the host says: closed, and not by the host."""
    result = net.client.scan(ADDR[family], "-p", "1001-1010,1101-1110,%d" % RESET,
                             "--show", "all")
    reset, closed = result.port(RESET), result.port(1101)
    assert (reset["state"], reset["reason"]) == ("closed", "rst-from-path"), result
    assert (reset["origin"], reset["ttl"], reset["from"]) == ("middlebox", 64, ADDR[family])
    assert any("travelled 0 hops" in c for c in reset["clues"]), reset
    assert (closed["reason"], closed["origin"]) == ("rst-ack", "endpoint"), closed


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reset_alone_is_nobodys(net, family):
    """With nothing to hold it against, and one hop off from too little."""
    for ports, clues in ((str(RESET), 0), ("1001,%d" % RESET, 1)):
        reset = net.client.scan(ADDR[family], "-p", ports, "--show", "all").port(RESET)
        assert (reset["reason"], reset["origin"]) == ("rst-ack", "unknown"), reset
        assert len(reset["clues"]) == clues, reset


@pytest.mark.parametrize("family", FAMILIES)
def test_kernel_icmp_limit_is_noted(net, family):
    """One ICMP error a second: the first rejected port is seen, and the rest is not passed off as
    mere silence."""
    net.router.sysctl(Host.ICMP_LIMIT)
    try:
        result = net.client.scan(ADDR[family], "-p", "1601-1640", "--show", "all", "-r", "2")
    finally:
        net.router.sysctl(Host.NO_ICMP_LIMIT)
    count = result.count()
    assert count["rejected"] >= 1, result
    assert count["rejected"] + count["filtered"] == len(LIMITED), result
    if count["filtered"]:
        said = result.err + " ".join(c for p in result.records if p.get("state") == "filtered"
                                     for c in p.get("clues", []))
        assert "limit" in said.lower(), result


@pytest.mark.parametrize("addr,reason", [("10.201.2.77", "host-unreachable"),
                                         ("fd02::77", "host-unreachable")])
def test_unreachable_host_is_one_record(net, addr, reason):
    result = net.client.scan(addr, "-p", "1-50")
    assert not result.of("port"), result
    (ports_record,) = result.of("ports")
    assert (ports_record["reason"], ports_record["count"]) == (reason, 50)
    (host,) = result.of("host")
    assert host["up"] is False


def test_run_and_host_records(scanned):
    run = scanned[4].run
    assert (run["schema"], run["tool"], run["command"]) == (1, "rstprobe", "scan")
    assert run["source"] == [{"addr": CLIENT, "iface": "up"}]
    assert isinstance(run["seed"], int)
    (host,) = scanned[4].of("host")
    assert (host["addr"], host["up"], host["style"]) == (SERVER, True, "rst")
    summary = scanned[4].summary
    for key in ("sent", "answered", "retried", "late", "duplicates", "foreign", "pcap_dropped",
                "send_errors", "loss_estimate", "rate_pps", "elapsed_s"):
        assert key in summary
    assert summary["pcap_dropped"] == summary["send_errors"] == 0


def test_window_record_follows(scanned):
    kinds = [r["type"] for r in scanned[6].records]
    assert kinds[0] == "run" and kinds[-2:] == ["window", "summary"]
    (window,) = scanned[6].of("window")
    assert (window["first"], window["last"], window["complete"]) == (0, 37, True)
    assert window["probes"] == ["syn"]
