"""provoke at the command line: what is refused and how it is said, what a dry run says, which exit
status a finding gets. What scenarios find out is test_provoke's.
"""

import pytest

from lab import SERVER

NO_CAPS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
SCENARIOS = ("listen-ack", "half-open", "early-close", "data-after-close", "abort",
             "slow-handshake", "idle", "lost-rst", "challenge")
HTTP, CLOSED = "80", "81"


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([int(HTTP)])
    path3.router.firewall(
        counters=["tcps"], prerouting=["iifname down meta l4proto tcp counter name tcps"])
    return path3


def test_help_lists_the_scenarios(net):
    result = net.client.rstprobe("provoke", "--help", wrap=NO_CAPS)
    assert result.status == 0 and not result.err, result
    for name in SCENARIOS:
        assert "\n  %s " % name in result.out, name


@pytest.mark.parametrize("words,said", [
    ([], "--help"),
    (["early-clos", SERVER, "-p", HTTP], "'early-close'"),
    (["nonsense", SERVER, "-p", HTTP], ", ".join(SCENARIOS)),
    ([SERVER, "abort", "-p", HTTP], "no such scenario"),
    (["abort", "-p", HTTP], "target"),
    (["abort", SERVER], "-p"),
    (["abort", SERVER, "-p", "80,81"], "one port"),
    (["abort", SERVER, "-p", "0"], "port 0"),
    (["abort", SERVER + "/24", "-p", HTTP], "one target"),
    (["abort", SERVER, "192.0.2.9", "-p", HTTP], "one target"),
    (["abort", SERVER, "-p", HTTP, "--hold", "3s"], "--hold"),
    (["idle", SERVER, "-p", HTTP, "--http", "/"], "--http"),
    (["early-close", SERVER, "-p", HTTP, "--http", "x"], "/"),
    (["early-close", SERVER, "-p", HTTP, "--http", "/a b"], "%20"),
    (["early-close", SERVER, "-p", HTTP, "--http", "/", "--data", "00"], "exclude"),
    (["early-close", SERVER, "-p", HTTP, "--bytes", "2G"], "at most 1G"),
    (["early-close", SERVER, "-p", HTTP, "--bytes", "1kk"], "64k"),
    (["abort", SERVER, "-p", HTTP, "--expect", "outlives"], "others-live"),
    (["abort", SERVER, "-p", HTTP, "-g", "4000"], "-g"),
], ids=lambda v: " ".join(v) if isinstance(v, list) else "")
def test_refused(net, words, said):
    result = net.client.rstprobe("provoke", *words, wrap=NO_CAPS)
    assert result.status == 2 and not result.out and said in result.err, result
    assert len(result.err.splitlines()) == 1, result


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_dry_run(net, scenario):
    before = net.router.counter("tcps")
    result = net.client.rstprobe("provoke", scenario, SERVER, "-p", HTTP, "--dry-run",
                                 wrap=NO_CAPS)
    assert result.status == 0 and not result.err, result
    assert result.out.startswith(scenario + ": ") and "\n  1  " in result.out, result
    assert net.router.counter("tcps") == before


def test_without_privilege(net):
    result = net.client.rstprobe("provoke", "abort", SERVER, "-p", HTTP, wrap=NO_CAPS)
    assert result.status == 4 and "CAP_NET_RAW" in result.err and not result.out, result


@pytest.mark.parametrize("expect,status", [("listen-rst", 0), ("listen-silent,listen-rst", 0),
                                           ("listen-silent", 1)])
def test_expected(net, expect, status):
    result = net.client.rstprobe("provoke", "listen-ack", SERVER, "-p", HTTP, "--expect", expect)
    assert result.status == status and "listen-rst" in result.out, result


def test_closed_port_is_a_finding(net):
    result = net.client.rstprobe("provoke", "challenge", SERVER, "-p", CLOSED, "--format", "json")
    assert result.status == 0, result
    assert [r["finding"] for r in result.of("provoke")] == ["port-closed"], result


def test_deadline(net):
    result = net.client.rstprobe("provoke", "idle", SERVER, "-p", HTTP, "--deadline", "300ms",
                                 "--format", "json")
    assert result.status == 3 and result.summary["end"] == "deadline", result
