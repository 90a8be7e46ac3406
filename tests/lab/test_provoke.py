"""What does a service do where connections end in a reset? Every scenario of `provoke` against
services, paths and stacks that behave well and badly (provokes.py), in both families: the finding,
what the kernel of the service says of its RSTs, and what is left behind.

All are played once, side by side, since they mostly wait; each case here looks at one.
"""

import shutil

import pytest

import provokes
from lab import QUICK, until
from provokes import Case
from resets_truth import RST
from stacks import tap_open

FAMILIES = (4,) if QUICK else (4, 6)
EACH = [(c.name, f) for c in Case.table.values() for f in FAMILIES if f in c.families]
EACH_CASE = pytest.mark.parametrize("name,family", EACH, ids=["%s-%d" % e for e in EACH])
KEYS = {"type", "scenario", "addr", "port", "finding", "cause", "frames", "bytes_lost", "clues"}


def missing(case):
    """Why a case can't be played here, or None."""
    if case.fake:
        return tap_open()
    if case.service == "nginx" and not shutil.which("nginx"):
        return "no nginx (Debian: nginx-light)"
    return None


@pytest.fixture(scope="module")
def net(lab):
    cases = [c for c in Case.table.values() if not missing(c)]
    return provokes.Net(lab, cases, FAMILIES)


@pytest.fixture(scope="module")
def played(net):
    return provokes.play(net)


def one(played, name, family):
    if (name, family) not in played[0]:
        pytest.skip(missing(Case.table[name]))
    return played[0][name, family]


@EACH_CASE
def test_finding(net, played, name, family):
    each = one(played, name, family)
    case, result = each.case, each.result
    assert len(result.of("provoke")) == 1, result
    record = each.record
    assert record["finding"] == case.finding, (record, result)
    assert result.status == case.status, result
    assert KEYS <= set(record), record
    assert record["scenario"] == case.scenario
    assert record["addr"] == net.address(case, family)
    assert record["port"] == net.port(case, family)
    if case.cause != "":
        assert case.cause in [record["cause"], *record.get("alternatives", [])], record
    assert not case.lost or case.lost(record), record
    assert result.run["command"] == "provoke"


@EACH_CASE
def test_frames(played, name, family):
    """The frames that are named are in the evidence, and where a RST decided one of them is it."""
    each = one(played, name, family)
    frames = each.record["frames"]
    packets = {p.frame: p for p in provokes.read_evidence(each.pcap)}
    assert frames == sorted(set(frames)), frames
    assert set(frames) <= set(packets), (frames, len(packets))
    if each.record["cause"]:
        assert any(packets[f].flags & RST for f in frames), (frames, each.record)


@EACH_CASE
def test_kernel_agrees(played, name, family):
    """Where a kernel resets it says why: all that it must say, and nothing that it may not."""
    each = one(played, name, family)
    if played[1]:
        pytest.skip(played[1])
    if each.case.fake:
        pytest.skip("no kernel")
    said = set(each.reasons)
    case = each.case
    assert case.kernel <= said, (said, each.result)
    assert not case.either or said & case.either, (said, each.result)
    assert said <= case.kernel | case.either | case.besides, (said, each.result)


# --- the closed list -----------------------------------------------------------------------------

def test_every_finding_is_reached(played):
    """Each id of the program's table, at least once, by what was measured here."""
    table = provokes.findings()
    wanted = {(s, i) for s, ids in table.items() for i in ids}
    assert len(wanted) > 40, table

    def where(scenario, finding):
        return "any" if finding in table["any"] else scenario, finding
    cases = set(Case.table.values())
    cases -= {e.case for e in played[0].values()}
    cannot = {where(c.scenario, c.finding) for c in cases}  # no fakes, or one family only
    reached = {where(e.case.scenario, e.record["finding"]) for e in played[0].values()}
    assert not wanted - reached - cannot, sorted(wanted - reached - cannot)
    assert not reached - wanted, sorted(reached - wanted)


def test_good_and_bad():
    """Each scenario has a service that does well and one that does not."""
    table = provokes.findings()
    for scenario in set(table) - {"any"}:
        found = {c.finding for c in Case.table.values() if c.scenario == scenario}
        assert len(found & set(table[scenario])) >= 2, scenario


# --- for people, and for scripts ------------------------------------------------------------------

def test_text(net):
    """What will be done stands first, then what came of it, the RST, and its ladder."""
    result = net.start(Case.table["data-after-close-resets"], 4).wait()
    assert result.status == 0, result
    text = " ".join(result.out.split())
    parts = ["waits until the service closes", "benign resets", "had closed both directions",
             "data-after-close (certain)", "<< provoked", "<< RESET"]
    places = [text.find(p) for p in parts]
    assert -1 not in places and places == sorted(places), (places, result)


def test_expect(net):
    case = Case.table["data-after-close-resets"]
    assert net.start(case, 4, "--expect", "resets,accepts").wait().status == 0
    assert net.start(case, 4, "--expect", "accepts").wait().status == 1


def test_no_route(net):
    """This machine can't: that is no word about the service."""
    alone = net.lab.host("alone")
    result = alone.rstprobe("provoke", "early-close", "10.204.1.2", "-p", "80", "--format", "json")
    assert result.status == 4 and not result.of("provoke"), result
    assert "route" in result.err, result


# --- what is left --------------------------------------------------------------------------------

def test_nothing_is_left(net, played):
    """All have ended by themselves: what still lingers is gone within tcp_fin_timeout."""
    until("nothing left behind",
          lambda: not provokes.more(provokes.left(net.client), net.clean))
