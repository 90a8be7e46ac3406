"""`stack` where there is little to be told: no open port, no closed port, no answer at all, a host that
dies half-way, services that close. What isn't known is called so, with the reason."""

import re
import signal

import pytest

import stacks
from lab import QUICK, until
from test_stack_firewall import chain, table

FAMILIES = [4] if QUICK else [4, 6]
# a TCP connection of the battery reaches these states only where the service lets it
CONNECTED = ["SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-2", "TIME-WAIT"]

# everything is sent to one listener: each port answers with SYN-ACK, and so do those at random
EVERY_PORT = table(chain("prerouting", "meta l4proto tcp redirect to :80", kind="nat",
                         priority="dstnat"))
NOTHING = table(chain("input", "meta l4proto tcp drop"))


@pytest.fixture(scope="module")
def star(lab):
    built = stacks.Star(lab)
    for name in ("every", "nothing", "closed", "dying"):
        built.add(name)
    for name in ("every", "nothing", "dying"):
        built.hosts[name].listen([80])
    stacks.load(built.hosts["every"], EVERY_PORT)
    stacks.load(built.hosts["nothing"], NOTHING)
    return built


@pytest.fixture(scope="module")
def asked(star):
    return stacks.ask_all(star.client, {
        (name, family): [star.hosts[name].addr[family], "-p", "80"]
        for name in ("every", "nothing", "closed") for family in FAMILIES})


@pytest.mark.parametrize("family", FAMILIES)
def test_every_port_accepts(asked, family):
    stack = asked["every", family]
    assert (stack["style"], stack["family"]) == ("proxied", "unknown"), stack
    assert stack["suspect"] is True
    assert all(why for why in stack.untested("CLOSED").values())
    assert len(stack.untested("CLOSED")) == len(stacks.STRAY), stack


@pytest.mark.parametrize("family", FAMILIES)
def test_no_open_port(asked, family):
    """The closed ports alone: the style is known, the family at most likely."""
    stack = asked["closed", family]
    assert stack["style"] == "rst" and stack["family"] in ("linux", "unknown"), stack
    assert not stack.deviations() and not stack.untested("CLOSED"), stack
    whys = stack.untested("LISTEN", *CONNECTED)
    assert {s for s, _ in whys} == {"LISTEN", *CONNECTED}
    assert all("open" in why for why in whys.values()), whys
    for state in ("LISTEN", *CONNECTED):
        assert set(stack.column(state).values()) == {None}


@pytest.mark.parametrize("family", FAMILIES)
def test_silent_to_everything(asked, family):
    stack = asked["nothing", family]
    assert stack.verdict() == ("filtered", "unknown", "low", "unknown"), stack
    assert len(stack.untested()) == len(stack.cells), stack
    assert all(stack.untested().values())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_host_that_dies_half_way(star, family):
    """A power cut, played by the router: what was seen before counts, what came after says nothing."""
    host = star.hosts["dying"]
    word = {4: "ip", 6: "ip6"}[family]
    passed = "%s daddr %s meta l4proto tcp" % (word, host.addr[family])
    star.router.firewall(forward=[passed + " limit rate 1/day burst 25 packets accept",
                                  passed + " drop"])
    try:
        stack = stacks.Stack(star.client.rstprobe("stack", host.addr[family], "-p", "80",
                                                  "--format", "json"))
    finally:
        star.router.sh("nft", "flush", "ruleset")
    assert stack["stopped"] is True and stack["complete"] is False, stack
    assert not stack.deviations(), stack
    whys = stack.untested()
    assert any("stopped" in why for why in whys.values()), whys
    assert any(c["conforms"] for c in stack.cells.values()), stack
    assert stack["style"] != "silent" and "windows" not in str(stack["family"]), stack


def test_no_host_there(star):
    """A router that says so, and an address that nobody has on the link."""
    star.router.firewall(forward=["ip daddr 10.204.1.77 reject with icmp type host-unreachable"])
    try:
        result = star.client.rstprobe("stack", "10.204.1.77", "-p", "80", "--format", "json")
    finally:
        star.router.sh("nft", "flush", "ruleset")
    stack = stacks.Stack(result)
    assert stack["family"] == "unknown" and stack["style"] in ("filtered", "unknown"), stack
    assert len(stack.untested()) == len(stack.cells)


@pytest.mark.parametrize("words", [["stack"], ["stack", "--no-such-option", "10.204.1.2"],
                                   ["stack", "10.204.1.2", "-p", "0"]])
def test_wrong_command_lines(star, words):
    result = star.client.rstprobe(*words)
    assert result.status == 2 and result.err and not result.out, result


def test_interrupted(star):
    """Ctrl-C in the middle: what is known is told, and it isn't passed off as all."""
    host = star.hosts["every"]
    star.router.firewall(counters=["probes"], forward=[
        "ip daddr %s meta l4proto tcp counter name probes" % host.addr[4]])
    run = star.client.start("stack", host.addr[4], "-p", "80", "--rate", 20, "--format", "json")
    until("the first probes", lambda: star.router.counter("probes") >= 8)
    run.signal(signal.SIGINT)
    result = run.wait()
    star.router.sh("nft", "flush", "ruleset")
    assert result.status == 3, result
    assert result.summary["complete"] is False
    stack = stacks.Stack(result)
    assert stack["complete"] is False and stack.untested(), stack


def test_nothing_stays_behind(star):
    """Connections of ours are closed, and the far end has none half open for long."""
    host = star.hosts["closed"]
    result = star.client.rstprobe("stack", host.addr[4], "-p", "80")
    assert result.status == 0, result
    # who helped it may end a little after it
    until("nothing to be left", lambda: not re.search(
        "LISTEN|ESTAB", star.client.sh("ss", "-Htan").stdout))
