"""The same flood (lies.py) for those who converse, and for who listens: trace, stack, provoke and
explain -i. No verdict that is false, no memory for lies, and an end.
"""

import contextlib

import pytest

from lab import QUICK, SERVER, SERVER6, is_sanitized
from lies import ICMP, SOME_KB, Net, peak

TARGETS = [(SERVER, 80), (SERVER6, 81)][:1 if QUICK else 2]


@pytest.fixture(scope="module")
def net(path3):
    return Net(path3)


# --- those who converse -------------------------------------------------------------------------

@pytest.fixture(scope="module")
def gusher(net):
    """A target that sends octets for ever: 8090."""
    net.server.helper("gush", 8090)
    return 8090


def loud_and_quiet(net, lies, *words):
    """The records of one run in peace and of one under the flood."""
    got = []
    for lies_now in ((), lies):
        with net.liar(lies_now) if lies_now else contextlib.nullcontext():
            result = net.client.rstprobe(*words, "--format", "json")
        assert result.status == (0 if result.summary["complete"] else 3), result
        got.append(result)
    assert got[1].summary["foreign"] > 0, got[1]
    return got


@pytest.mark.parametrize("lies", [["rst"], ["syn-ack", "stray", "data"], ICMP],
                         ids=["rst", "others", "icmp"])
@pytest.mark.parametrize("target, port", TARGETS, ids=["open", "closed-6"][:len(TARGETS)])
def test_trace(net, lies, target, port):
    """Who resets without our numbers, but now and then, is believed; who does it by the thousand
    sees none of our segments. Hops that answer with nonsense are silent ones."""
    quiet, loud = loud_and_quiet(net, lies, "trace", target, "-p", port)
    a, b = quiet.of("trace")[0], loud.of("trace")[0]
    assert (a["verdict"], a["between"]) == (b["verdict"], b["between"]), (quiet, loud)


def test_stack(net):
    """Cells may stay untested; none is said to deviate that doesn't."""
    with net.liar(["rst"]):
        result = net.client.rstprobe("stack", SERVER, "-p", "80,81", "--format", "json")
    assert result.status == (0 if result.summary["complete"] else 3), result
    stack = result.of("stack")[0]
    deviate = [c for c in stack["cells"] if c["conforms"] is False]
    wrong = {(c["state"], c["probe"]) for c in deviate}
    assert wrong <= {("LISTEN", "syn-fin"), ("LISTEN", "syn-fin-psh-urg"),
                     ("SYN-RECEIVED", "syn-window")}, (deviate, result)
    assert stack["style"] == "rst" and result.summary["foreign"] > 0, result


def test_a_service_that_never_stops(net, gusher):
    """Nobody waits for the end of it, or keeps it."""
    result, most = peak(net, "trace", SERVER, "-p", gusher, "--probe", "data", "--format", "json")
    assert result.status == 0 and result.of("trace")[0]["verdict"] == "open", result
    result, least = peak(net, "trace", SERVER, "-p", 80, "--probe", "data", "--format", "json")
    assert is_sanitized() or most < least + SOME_KB, (most, least)
    with net.liar(["data", "rst"]):
        result, most = peak(net, "provoke", "early-close", SERVER, "-p", gusher, "--hold", "1s",
                            "--format", "json")
    assert result.status in (0, 3) and len(result.of("provoke")) == 1, result
    assert result.status == 0 or result.summary["why"], result
    assert is_sanitized() or most < least + 8 * SOME_KB, (most, least)


# --- explain ------------------------------------------------------------------------------------

def test_explain_live(net):
    """Each forged RST is a finding, as many as can be looked at; of the rest it says how many."""
    words = ["explain", "-i", "up", "--max-flows", "4096", "--deadline", "1s", "--no-kernel"]
    _, quiet = peak(net, *words)
    with net.liar(["rst", "syn-ack", "data"]):
        net.client.scan(SERVER, "-p", "1-50")  # the liar sees it, and knows whom to lie to
        begun = net.came()
        result, loud = peak(net, *words, "--format", "json")
        came = net.came() - begun
    s = result.summary
    assert s["frames"] > 0 and s["frames"] <= came, (s, came)
    lost = s["pcap_dropped"] > 0
    assert result.status == (3 if lost else 0) and s["complete"] is not lost, result
    assert not lost or "lost" in s["why"], s
    # AddressSanitizer keeps what is freed
    assert is_sanitized() or loud < quiet + SOME_KB, (quiet, loud)
