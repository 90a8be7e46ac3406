"""doctor: each thing that can be broken in a namespace, broken, and the line that says so."""

import os

import pytest

from lab import AS_NOBODY, CLIENT, ROUTER, RSTPROBE, SERVER, SERVER6, until

OPEN, CLOSED, DROPPED, REJECTED, DEAF = 80, 81, 82, 83, 84
NO_CAPS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
NO_NEW = ["setpriv", "--no-new-privs"]
FEW_FILES = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]
IN_POD = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([OPEN, DEAF])
    path3.router.firewall(
        counters=["seen"],  # neighbours look for each other when they like
        prerouting=["iifname down meta l4proto != ipv6-icmp counter name seen"],
        forward=["tcp dport %d drop" % DROPPED,
                 "tcp dport %d reject with icmpx admin-prohibited" % REJECTED])
    return path3


@pytest.fixture
def client(net):
    yield net.client
    net.client.firewall()


def doctor(host, *words, **kw):
    return host.rstprobe("doctor", *words, "--format", "json", **kw)


def findings(result, check):
    return [f for f in result.of("finding") if f["check"] == check]


def finding(result, check):
    found = findings(result, check)
    assert len(found) == 1, (check, result)
    return found[0]


def check_form(result):
    """Whatever it finds: what is not ok has its fix, and the status follows from the lines."""
    assert result.records[0]["type"] == "run" and result.run["command"] == "doctor", result
    lines = result.of("finding")
    for f in lines:
        assert f["detail"] and (f["result"] == "ok") == (f["fix"] is None), result
    counts = result.summary["counts"]
    for word in ("ok", "warn", "fail"):
        assert counts[word] == sum(f["result"] == word for f in lines), result
    assert result.status == (4 if counts["fail"] else 0), result


# --- a machine that is well ---------------------------------------------------------------------

@pytest.mark.parametrize("target", [SERVER, SERVER6])
def test_well(client, target):
    result = doctor(client, target, "-p", OPEN)
    check_form(result)
    assert result.status == 0, result
    for check in ("cap-net-raw", "loopback-ipv4", "loopback-ipv6", "kernel-rst", "route", "link",
                  "capture", "connect-vs-raw"):
        assert {f["result"] for f in findings(result, check)} == {"ok"}, (check, result)
    assert "is open" in finding(result, "connect-vs-raw")["detail"], result
    assert target in finding(result, "route")["detail"], result
    assert len(findings(result, "kernel-rst")) == 2, "loopback's, and the target's"


def test_nothing_leaves_without_a_target(net, client):
    before = net.router.counter("seen")
    result = doctor(client)
    check_form(result)
    assert result.status == 0, result
    assert finding(result, "link")["detail"].startswith("up is up"), result
    assert [f["detail"] for f in findings(result, "capture")] == ["sends and captures on up"]
    assert not findings(result, "connect-vs-raw"), result
    assert net.router.counter("seen") == before


@pytest.mark.parametrize("family,other", [("-4", "loopback-ipv6"), ("-6", "loopback-ipv4")])
def test_one_family(client, family, other):
    result = doctor(client, family)
    assert not findings(result, other) and len(findings(result, "route")) == 1, result


def test_text(client):
    result = client.rstprobe("doctor", SERVER, "-p", OPEN)
    lines = result.out.splitlines()
    assert lines[0] == "ok    cap-net-raw     a raw socket opens", result
    assert lines[-1].startswith("This machine can probe"), result
    assert lines[-2] == "" and "wsl2" not in result.out, result
    assert "wsl2" in client.rstprobe("doctor", "-v").out
    quiet = client.rstprobe("doctor", "-q", wrap=FEW_FILES)
    assert "warn  open-files" in quiet.out and not quiet.out.startswith("ok"), quiet
    assert "\nok " not in quiet.out and not quiet.err, quiet


def test_outputs(net, client):
    path = net.lab.path("doctor.json")
    result = client.rstprobe("doctor", "-oJ", path, "-o", "-")
    assert "cap-net-raw" in result.out, result
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    assert '"type":"run"' in lines[0] and '"type":"summary"' in lines[-1]
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = client.rstprobe("doctor", stdout=full)
    assert result.status == 3 and len(result.err.splitlines()) == 1, result


@pytest.mark.parametrize("words", [
    ["one", "two"], ["--nosuch"], ["-p", "0", SERVER], ["-p", "80"], ["224.0.0.1"], ["0.0.0.0"],
    ["255.255.255.255"], ["--format", "xml"]])
def test_wrong_words(client, words):
    result = client.rstprobe("doctor", *words)
    assert result.status == 2 and not result.out, result
    assert len(result.err.splitlines()) == 1, result


# --- privilege ----------------------------------------------------------------------------------

@pytest.mark.parametrize("wrap,env,detail,fix", [
    (AS_NOBODY, {}, "needs CAP_NET_RAW", "sudo setcap cap_net_raw+ep "),
    (AS_NOBODY + NO_NEW, {}, "no_new_privs", "AmbientCapabilities=CAP_NET_RAW"),
    (NO_CAPS, IN_POD, "within the container", "securityContext"),
])
def test_no_privilege(client, real_root, wrap, env, detail, fix):
    result = doctor(client, SERVER, "-p", OPEN, wrap=wrap, env=env,
                    binary=client.public(RSTPROBE))
    check_form(result)
    cap = finding(result, "cap-net-raw")
    assert cap["result"] == "fail" and detail in cap["detail"] and fix in cap["fix"], result
    assert result.summary["says"].startswith("This machine cannot probe: cap-net-raw"), result
    # what needs no privilege is looked at all the same, and what does is not said to fail too
    assert finding(result, "route")["result"] == "ok", result
    assert not findings(result, "loopback-ipv4") and not findings(result, "capture"), result
    pod = finding(result, "container")
    assert (pod["result"] == "fail") == bool(env), result


def test_capability_alone_does(client, real_root):
    wrap = AS_NOBODY + ["--inh-caps=+net_raw", "--ambient-caps=+net_raw"]
    result = doctor(client, SERVER, "-p", OPEN, wrap=wrap)
    check_form(result)
    assert result.status == 0 and finding(result, "connect-vs-raw")["result"] == "ok", result


# --- rules of this machine ----------------------------------------------------------------------

def test_dropped_resets(client):
    client.firewall(output=["tcp flags rst drop"])
    result = doctor(client, "-6")
    check_form(result)
    line = finding(result, "kernel-rst")
    assert line["result"] == "warn" and "do not leave (IPv6)" in line["detail"], result
    assert "OUTPUT" in line["fix"] and result.status == 0, result


def test_dropped_resets_by_one_interface(client):
    client.firewall(output=["oifname up tcp flags rst drop"])
    result = doctor(client, SERVER, "-p", OPEN)
    check_form(result)
    lines = findings(result, "kernel-rst")
    assert [f["result"] for f in lines] == ["ok", "warn"], result
    assert "left by up" in lines[1]["detail"], result


def test_syn_acks_dropped_on_their_way_in(client):
    """Capture sees them, TCP does not: no RST, and no connection."""
    client.firewall(input=["iifname != up tcp flags syn,ack / syn,ack drop"])
    result = doctor(client, "-4")
    check_form(result)
    line = findings(result, "kernel-rst")[0]
    assert line["result"] == "warn" and "on its way in" in line["detail"], result


def test_loopback_dropped(client):
    client.firewall(input=["iifname lo drop"])
    result = doctor(client, "-4")
    check_form(result)
    line = finding(result, "loopback-ipv4")
    assert line["result"] == "fail" and "no SYN-ACK" in line["detail"], result
    assert not findings(result, "kernel-rst"), result
    assert result.summary["says"] == "This machine cannot probe: loopback-ipv4.", result


def test_loopback_refused(client):
    client.firewall(output=["oifname lo drop"])
    result = doctor(client, "-6")
    check_form(result)
    line = finding(result, "loopback-ipv6")
    assert line["result"] == "fail" and "not permitted" in line["detail"], result


# --- connect() against a raw SYN ----------------------------------------------------------------

def test_ports(client):
    """Side by side, since silence takes its time."""
    cases = [(CLOSED, "ok", "is closed"), (REJECTED, "ok", "is rejected"),
             (DROPPED, "warn", "nothing to compare")]
    runs = [(case, client.start("doctor", target, "-p", case[0], "--format", "json"))
            for case in cases for target in (SERVER, SERVER6)]
    for (_, result, words), run in runs:
        got = run.wait()
        check_form(got)
        line = finding(got, "connect-vs-raw")
        assert line["result"] == result and words in line["detail"], got


def test_usual_ports(client):
    """443 is closed, 80 is open: the open one says more."""
    result = doctor(client, SERVER)
    assert "port 80 is open" in finding(result, "connect-vs-raw")["detail"], result


def test_raw_refused_here(client):
    client.firewall(output=["oifname up meta l4proto tcp drop"])
    result = doctor(client, SERVER, "-p", OPEN)
    check_form(result)
    line = finding(result, "connect-vs-raw")
    assert line["result"] == "fail" and "not permitted" in line["detail"], result
    assert result.summary["says"].endswith("but not %s: connect-vs-raw." % SERVER), result


def test_connections_blocked_here(client):
    """The SYN-ACK of a connection is dropped before TCP; a raw SYN's is captured all the same."""
    client.firewall(input=["iifname up tcp sport %d drop" % DEAF])
    result = doctor(client, SERVER, "-p", DEAF)
    check_form(result)
    line = finding(result, "connect-vs-raw")
    assert line["result"] == "warn" and "connect() fails (silent)" in line["detail"], result


def test_raw_dropped_on_the_way(net, client):
    """What the raw SYN is known by here: it has no ECN bits nor the kernel's TTL of this host."""
    client.sysctl({"net.ipv4.ip_default_ttl": 77})
    net.router.sh("nft", "insert rule inet t forward ip saddr %s ip ttl 63 drop" % CLIENT)
    try:
        result = doctor(client, SERVER, "-p", OPEN)
    finally:
        client.sysctl({"net.ipv4.ip_default_ttl": 64})
        net.router.sh("nft", "flush chain inet t forward")
        net.router.sh("nft", "add rule inet t forward tcp dport %d drop" % DROPPED)
    check_form(result)
    line = finding(result, "connect-vs-raw")
    assert line["result"] == "fail" and "a raw SYN draws nothing" in line["detail"], result


def test_connections_are_reset_not_left(net, client):
    """Who looks at a host leaves nothing behind there: its connection ends by a RST."""
    def left():
        return net.server.sh("ss", "-tanH", "state", "established", "state", "syn-recv").stdout
    before = left()  # of those whose RSTs were dropped
    doctor(client, SERVER, "-p", OPEN)
    # half-open ones would stay for a minute, whole ones for good
    until("its end", lambda: set(left().splitlines()) <= set(before.splitlines()), 20)


# --- the way ------------------------------------------------------------------------------------

def test_no_route(net, client):
    client.ip("route", "del", "default")
    try:
        there, world = doctor(client, SERVER), doctor(client, "-4")
    finally:
        client.route("default", "via", ROUTER)
    check_form(there)
    line = finding(there, "route")
    assert line["result"] == "fail" and "ip route add default" in line["fix"], there
    assert there.summary["says"].endswith("but not %s: route." % SERVER), there
    check_form(world)
    assert finding(world, "route")["result"] == "warn" and world.status == 0, world


def test_interface_down(net, client):
    client.ip("link", "add", "idle", "type", "veth", "peer", "name", "idle-end")
    try:
        result = doctor(client, "-i", "idle")
    finally:
        client.ip("link", "del", "idle")
    check_form(result)
    line = finding(result, "link")
    assert line["result"] == "fail" and line["fix"] == "ip link set dev idle up", result
    assert not findings(result, "capture"), result


def test_nobody_on_the_link(client):
    """ARP and ND are tried once here: three times take as long as doctor waits."""
    client.sysctl({"net.ipv4.neigh.up.mcast_solicit": 1, "net.ipv6.neigh.up.mcast_solicit": 1})
    runs = [client.start("doctor", target, "-p", OPEN, "--format", "json")
            for target in ("10.201.1.77", "fd01::77")]
    for run in runs:
        result = run.wait()
        check_form(result)
        line = finding(result, "connect-vs-raw")
        assert line["result"] == "warn" and "nobody on up" in line["detail"], result


def test_no_carrier(net, client):
    net.router.ip("link", "set", "dev", "down", "down")
    try:
        result = doctor(client, "-i", "up")
    finally:
        net.router.ip("link", "set", "dev", "down", "up")
        net.router.ip("addr", "replace", "fd01::1/64", "dev", "down", "nodad")
    check_form(result)
    line = finding(result, "link")
    assert line["result"] == "fail" and "no carrier" in line["detail"], result


def test_no_such_interface(client):
    result = client.rstprobe("doctor", "-i", "nosuch")
    assert result.status == 4 and "ip -br link" in result.err and not result.out, result


def test_loopback_down(lab):
    host = lab.host("bare")
    host.ip("link", "set", "dev", "lo", "down")
    result = doctor(host)
    check_form(result)
    line = finding(result, "loopback-ipv4")
    assert line["result"] == "fail" and line["fix"] == "ip link set dev lo up", result
    assert finding(result, "loopback-ipv6")["detail"] == "lo is down", result


def test_unknown_name(client):
    result = doctor(client, "nosuchname.invalid", files={
        "/etc/nsswitch.conf": "hosts: files\n"})
    check_form(result)
    assert finding(result, "target")["result"] == "fail", result


# --- settings -----------------------------------------------------------------------------------

def test_rp_filter(lab):
    host = lab.host("two")
    for name, addr in (("a", "10.9.1.1/24"), ("b", "10.9.2.1/24")):
        host.ip("link", "add", "dev", name, "type", "veth", "peer", "name", name + "-end")
        host.address(name, addr)
        host.ip("link", "set", "dev", name + "-end", "up")
    host.route("default", "via", "10.9.1.2")
    host.sysctl({"net.ipv4.conf.all.rp_filter": 0, "net.ipv4.conf.a.rp_filter": 1})
    line = finding(doctor(host, "-4"), "rp-filter")
    assert line["result"] == "warn" and "one of 2 interfaces" in line["detail"], line
    assert line["fix"] == "sysctl -w net/ipv4/conf/a/rp_filter=2"
    host.sh("sh", "-c", line["fix"].replace("sysctl -w net/ipv4/conf/a/rp_filter=2",
                                            "echo 2 >/proc/sys/net/ipv4/conf/a/rp_filter"))
    assert finding(doctor(host, "-4"), "rp-filter")["result"] == "ok"
    host.sysctl({"net.ipv4.conf.a.rp_filter": 1})
    host.ip("link", "set", "dev", "b", "down")
    line = finding(doctor(host, "-4"), "rp-filter")
    assert line["result"] == "ok" and "the only way" in line["detail"], line


def test_descriptors(client):
    line = finding(doctor(client, wrap=FEW_FILES), "open-files")
    assert line["result"] == "warn" and "ulimit -n" in line["fix"], line


def test_tracking(client):
    """The kernel counts our probes where a rule has it track them, and not where none has."""
    if not os.path.exists("/proc/sys/net/netfilter/nf_conntrack_max"):
        pytest.skip("this kernel tracks no connections")
    line = finding(doctor(client), "conntrack")
    assert line["detail"] == "no probe was tracked", line
    client.firewall(input=["ct state invalid accept"])
    line = finding(doctor(client), "conntrack")
    assert "entries are taken" in line["detail"] or "room for" in line["detail"], line
