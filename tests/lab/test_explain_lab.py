"""Why was it reset? rstprobe explain on every scenario of the lab of resets, from every place where
a capture was taken, against what is true by construction (resets_truth).

The scenarios are played once, all side by side; each case here looks at one capture.
"""

import concurrent.futures
import os
import re

import pytest

import resets
from lab import QUICK, RSTPROBE, Result, command
from resets_truth import INJECTED, VANTAGES, read_pcap

FAMILIES = (4,) if QUICK else (4, 6)
SRCDIR = os.environ.get("srcdir", os.path.join(os.path.dirname(__file__), "..", ".."))
TABLE = resets.load()
KEYS = [(name, family) for name in TABLE for family in FAMILIES]
# What each cause is most easily taken for: both must be played.
NEIGHBOURS = {
    "unknown": "no-context", "refused": "firewall-reject", "firewall-reject": "half-open",
    "handshake-abandoned": "syn-ack-unexpected", "syn-ack-unexpected": "synack-unsolicited",
    "synack-unsolicited": "syn-ack-unexpected", "stale-connection": "bad-synack",
    "bad-synack": "stale-connection", "syn-cancelled": "handshake-abandoned",
    "backlog-overflow": "listen-ack", "listen-ack": "half-open",
    "unread-data-close": "abort-linger", "abort-linger": "unread-data-close",
    "abort-close": "abort-linger", "abort-pending": "abort-linger",
    "abort-no-data": "listener-closed", "listener-closed": "abort-no-data",
    "abort-idle": "keepalive-fail", "abort-after-fin": "fin-then-abort",
    "fin-then-abort": "data-after-close", "keepalive-fail": "abort-idle",
    "retransmit-giveup": "abort-linger", "sock-destroy": "abort-linger",
    "mptcp-reset": "refused", "mptcp-fastclose": "unread-data-close",
    "data-after-close": "late-after-close", "late-after-close": "time-wait",
    "half-open": "listen-ack", "rst-lost-repeat": "refused", "after-reset": "rst-lost-repeat",
    "time-wait": "late-after-close", "no-connection": "listen-ack",
    "middlebox-idle": "abort-idle", "injected-syn": "refused", "injected-race": "firewall-reject",
    "injected-multi": "after-reset", "injected-late": "data-after-close",
    "injected-ack": "injected-race", "injected-blind": "half-open",
    "vendor-reported": "no-context", "dup-frame": "rst-lost-repeat", "malformed": "no-context",
    "no-context": "no-connection",
}
# Nothing can be meant by these but one of their kind, of which the table names the right one.
UMBRELLAS = {"abort-close"}


# What blames somebody who is neither of the two ends.
ACCUSATIONS = INJECTED + ("firewall-reject", "middlebox-idle")
# Where all is in one file, other boxes have spoken in the server's name before.
NOT_IN_ONE_FILE = {"firewall_syn_known"}


def explain(*paths):
    done = command([RSTPROBE, "explain", *paths, "--format", "json"], check=False)
    return Result(list(paths), done.returncode, done.stdout, done.stderr, 0)


@pytest.fixture(scope="module")
def played(lab):
    """All of it: what happened, and what the program says of each capture."""
    done, missing = resets.play(lab, None, FAMILIES, RSTPROBE)
    files = [p.files[v] for p in done.values() for v in VANTAGES]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        said = dict(zip(files, pool.map(explain, files)))
    return done, missing, said


def name_of(key):
    return "%s-%d" % key


@pytest.mark.parametrize("key", KEYS, ids=name_of)
def test_it_happened_as_meant(played, key):
    """The captures, the application and the kernel agree with the truth about the scenario."""
    done, missing, _ = played
    assert resets.check(done[key], missing) == []


def test_the_kernel_was_heard(played):
    _, missing, _ = played
    if missing:
        pytest.skip("without the kernel's own reasons: " + missing)


@pytest.mark.parametrize("vantage", VANTAGES, ids=VANTAGES.get)
@pytest.mark.parametrize("key", KEYS, ids=name_of)
def test_explained(played, key, vantage):
    done, _, said = played
    each = done[key]
    assert not each.error, each.error
    result = said[each.files[vantage]]
    truth, packets = each.truth(vantage)
    wrong = compare(result, truth)
    assert not wrong, "%s\n%s\n%s" % ("\n".join(wrong), each.row.says, ladder(packets, result))


def compare(result, truth):
    """Every RST of the capture is told, once, in order, and rightly."""
    told = result.of("reset")
    wrong = [] if result.status == 0 else ["status %d: %s" % (result.status, result.err)]
    if [r["frame"] for r in told] != sorted(truth):
        wrong.append("told of frames %s, not %s" % ([r["frame"] for r in told], sorted(truth)))
    for r in told:
        if r["frame"] in truth:
            right, _, frames = truth[r["frame"]]
            wrong += ["frame %d: %s" % (r["frame"], w) for w in right.judge(r, frames)]
    return wrong


def ladder(packets, result):
    """The end of a capture, for who has to find out why."""
    lines = ["%4d %9.6f %s %5d>%-5d %-6s seq %d ack %d len %d win %d ttl %d id %d" % (
        p.frame, p.when - packets[0].when, p.by, p.sport, p.dport,
        "".join(c for i, c in enumerate("FSRPAU") if p.flags >> i & 1), p.seq, p.ack,
        len(p.payload), p.win, p.ttl, p.ip_id) for p in packets[-20:]]
    return "\n".join(lines + [str(r) for r in result.of("reset")])


@pytest.mark.parametrize("vantage", VANTAGES, ids=VANTAGES.get)
def test_all_in_one_file(played, vantage):
    """A hundred connections at once, one capture: nothing of one is taken for another's."""
    done, _, _ = played
    result = explain(next(iter(done.values())).whole[vantage])
    told = {r["frame"]: r for r in result.of("reset")}
    wrong = []
    for each in done.values():
        places = [0] + each.places[vantage]
        for frame, (right, _, frames) in each.truth(vantage)[0].items():
            r = told.pop(places[frame])
            if each.row.name not in NOT_IN_ONE_FILE:
                wrong += ["%s: %s, frame %d there" % (each.key, w, frame) for w in right.judge(
                    r, frames and {places[f] for f in frames})]
    assert not wrong, "\n".join(wrong)
    assert not told, "of nobody: %s" % told


# --- captures that lack something: who knows less must not say more ------------------------------

def only(side):
    return lambda packets: [p for p in packets if p.by == side]


VIEWS = {"only-client": only("C"), "only-server": only("S"),
         "begun-late": lambda packets: packets[4:]}


@pytest.mark.parametrize("view", VIEWS)
def test_who_knows_less_accuses_nobody(played, lab, view):
    done, _, _ = played
    wrong = []
    for each in done.values():
        truth, packets = each.truth("c")
        kept = VIEWS[view](packets)
        if not any(p.frame in truth for p in kept):
            continue
        head, records = read_pcap(each.files["c"])
        path = lab.path("view.pcap")
        with open(path, "wb") as f:
            f.write(head + b"".join(records[p.frame - 1][0] for p in kept))
        told = explain(path).of("reset")
        assert len(told) == sum(p.frame in truth for p in kept), each.key
        for r in told:
            right = truth[kept[r["frame"] - 1].frame][0]
            if right.blind or r["cause"] in (right.cause,) + tuple(right.also):
                continue
            if r["cause"] in ACCUSATIONS and right.cause not in ACCUSATIONS:
                wrong.append("%s: %s is blamed for %s" % (each.key, r["cause"], right.cause))
            elif r["confidence"] == "certain":
                wrong.append("%s: certain of %s, %s is true" % (each.key, r["cause"], right.cause))
    assert not wrong, "\n".join(wrong)


# --- both ends at once ---------------------------------------------------------------------------

# name: what both captures together say of each RST, in order: cause, frame's file, and a clue
JOINED = {
    "firewall_mid_stream": [("firewall-reject", "c", None), ("after-reset", "c", None)],
    "injected_race": [("injected-race", "c", None), ("after-reset", "c", None)],
    "injected_late": [("injected-late", "c", None)],
    "balancer_idle": [("middlebox-idle", "c", None), ("middlebox-idle", "s", None)],
    "rst_lost": [("half-open", "s", "lost on the way")],
    "keepalive_rst_passes": [("keepalive-fail", "c", None)],
    "refused": [("refused", "s", None)],
    "linger_server": [("abort-close", "s", None)],
    "idle": [("abort-idle", "s", None)],
}


@pytest.mark.parametrize("name", JOINED)
@pytest.mark.parametrize("family", FAMILIES)
def test_both_ends_joined(played, family, name):
    done, _, _ = played
    each = done[name, family]
    result = explain("--join", each.files["c"], each.files["s"])
    assert result.status == 0, result
    told = result.of("reset")
    for r, (cause, vantage, clue) in zip(told, JOINED[name], strict=False):
        assert r["cause"] == cause, r
        assert r["file"] == each.files[vantage], r
        assert clue is None or any(clue in c for c in r["clues"]), r
        if cause in ACCUSATIONS:
            assert r["origin"] == "middlebox", r
    assert len(told) >= len(JOINED[name]), result


def test_no_cause_without_its_neighbour():
    """Each cause that the program knows is played, and so is what it is most easily taken for."""
    with open(os.path.join(SRCDIR, "src/judge/cause.c"), encoding="utf-8") as f:
        known = set(re.findall(r"\{CAUSE_\w+,\s*\"([a-z-]+)\"", f.read()))
    assert len(known) >= 43, known
    ours = {"dup-frame"} | UMBRELLAS
    for row in TABLE.values():
        for r in row.resets:
            ours.add(r.cause)
            ours.update(other["cause"] for other in r.at.values() if "cause" in other)
    assert known - ours == set(), "not played"
    assert ours - known == set(), "not known"
    assert set(NEIGHBOURS) == known
    assert set(NEIGHBOURS.values()) <= ours


def test_there_are_scenarios_enough():
    assert len(TABLE) >= 44
    assert sum(not row.resets for row in TABLE.values()) >= 4, "controls without a RST"
