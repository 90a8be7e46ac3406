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
from resets_truth import VANTAGES

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


def explain(path):
    done = command([RSTPROBE, "explain", path, "--format", "json"], check=False)
    return Result([path], done.returncode, done.stdout, done.stderr, 0)


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
