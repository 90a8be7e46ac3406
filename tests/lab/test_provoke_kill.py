"""kill -9 of `provoke` at any moment leaves nothing in its namespace but what TCP itself winds up;
a signal that can be taken gives what is known.
"""

import os
import random
import signal
import subprocess
import time

import pytest

import provokes
from lab import QUICK, LabError, until
from provokes import Case, Net

FAMILIES = (4,) if QUICK else (4, 6)
ROUNDS = 2 if QUICK else 4
# of each scenario one that goes on for a while, with a kernel's own connections at the other end
NAMES = ["listen-ack-listen-silent", "half-open-gives-way", "early-close-stalls",
         "data-after-close-stays-open", "abort-others-live", "slow-handshake-retransmits",
         "idle-outlives", "lost-rst-never-resets", "challenge-challenges"]
CASES = [Case.table[name] for name in NAMES]
SEED = int(os.environ.get("RSTPROBE_SEED", random.randrange(1 << 32)))


@pytest.fixture(scope="module")
def net(lab):
    return Net(lab, CASES, FAMILIES)


def remains(net):
    return provokes.more(provokes.left(net.client), net.clean)


def gone(net):
    """What is still there in the end is said, for who looks into the log."""
    try:
        until("orphans to go", lambda: not remains(net))
    except LabError as e:
        raise LabError("%s: %s, seed %d" % (e, remains(net), SEED)) from None


def test_all_scenarios_are_here():
    assert {c.scenario for c in CASES} == set(provokes.findings()) - {"any"}


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kill_leaves_nothing(net, number):
    """All scenarios at once, and each is killed at a moment of its own."""
    dice = random.Random(SEED + number)
    print("seed %d" % SEED)
    runs = [net.start(c, f, hold="20s") for c in CASES for f in FAMILIES]
    moments = sorted((dice.uniform(0, 2.5), n) for n in range(len(runs)))
    killed = 0
    for after, n in moments:
        run = runs[n]
        try:
            run.process.wait(max(0.0, run.begun + after - time.monotonic()))
        except subprocess.TimeoutExpired:
            run.process.kill()
            killed += 1
        run.process.wait(10)
    assert killed > len(runs) / 3, (killed, SEED)
    # whoever helped has its end from the kernel, and comes to it in its turn
    until("helpers to go", lambda: not set(remains(net)) - {"sockets"})
    now = remains(net)
    assert not set(now) - {"sockets"}, (now, SEED)
    lasting = [s for s in now.get("sockets", ()) if s.split()[0] in ("ESTAB", "LISTEN")]
    assert not lasting, (lasting, SEED)
    # tcp_fin_timeout is 2 s there
    gone(net)


@pytest.mark.parametrize("name", NAMES)
def test_interrupted_says_what_it_knows(net, name):
    """Ctrl-C: the finding so far, or that it was cut short; the status says so."""
    case = Case.table[name]
    run = net.start(case, 4, "--format", "json", hold="20s")
    until("it to begin", lambda: '"run"' in run.text("out") or run.process.poll() is not None)
    run.process.send_signal(signal.SIGINT)
    result = run.wait()
    assert len(result.of("provoke")) == 1, result
    assert result.status in (0, 3), result
    if result.status == 3:
        assert result.summary["complete"] is False, result
    finding = result.of("provoke")[0]["finding"]
    table = provokes.findings()
    assert finding in table["any"] + table[case.scenario], result
    gone(net)
