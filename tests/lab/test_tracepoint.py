"""The RST of LISTEN, seen from both ends: what the kernel's own tracepoint says of each RST that it
sends to our probes, and what the program says of it.

The tracepoint is one for the whole machine and does not tell namespaces apart: the listener's port
is one that nobody else will use at the same time.
"""

import os
import re

import pytest

from lab import QUICK, REAL_ROOT, SERVER, SERVER6, command

TRACEFS = "/sys/kernel/tracing"
EVENT = "events/tcp/tcp_send_reset"
OPEN, CLOSED = 20000 + os.getpid() % 20000, 41000 + os.getpid() % 20000
ADDR = {4: SERVER, 6: SERVER6}
FAMILIES = [4] if QUICK else [4, 6]
LISTEN = ("TCP_LISTEN", "TCP_FLAGS")


class Trace:
    """An instance of the trace ring of our own, taken away at the end."""

    def __init__(self):
        self.dir = os.path.join(TRACEFS, "instances", "rstprobe-%d" % os.getpid())
        os.mkdir(self.dir)

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="ascii") as f:
            f.write(text)

    def begin(self):
        self.write("trace", "")
        self.write(EVENT + "/enable", "1")

    def of(self, port):
        """[(state, reason)] of the RSTs whose local port that is, in order."""
        with open(os.path.join(self.dir, "trace"), encoding="ascii") as f:
            lines = [l for l in f if "tcp_send_reset:" in l]
        found = [re.search(r" src=\S*:(\d+) .* state=(\w+) reason=(\w+)", l) for l in lines]
        return [m.groups()[1:] for m in found if m and int(m.group(1)) == port]

    def close(self):
        self.write(EVENT + "/enable", "0")
        os.rmdir(self.dir)


@pytest.fixture(scope="module")
def trace(allowed):
    if not REAL_ROOT:
        pytest.skip("needs real root")
    # in this process's own mount namespace: gone with it
    if not os.path.isdir(TRACEFS + "/instances"):
        done = command(["mount", "-t", "tracefs", "tracefs", TRACEFS], check=False)
        if done.returncode != 0:
            pytest.skip("no tracefs: " + done.stderr.strip())
    try:
        with open(os.path.join(TRACEFS, EVENT, "format"), encoding="ascii") as f:
            text = f.read()
    except OSError as e:
        pytest.skip("no tracepoint tcp:tcp_send_reset: %s" % e)
    if " reason;" not in text:
        pytest.skip("this kernel's tcp:tcp_send_reset has no reason (6.10 and later have)")
    made = Trace()
    yield made
    made.close()


@pytest.fixture
def watched(trace):
    trace.begin()
    return trace


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([OPEN])
    return path3


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["ack", "data", "finack", "synack"])
def test_one_probe_one_reset_of_listen(net, watched, family, kind):
    result = net.client.scan(ADDR[family], "-p", OPEN, "--probe", kind)
    assert result.port(OPEN)["probes"] == {kind: "rst-seq-from-ack"}, result
    assert watched.of(OPEN) == [LISTEN]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_closed_port_has_no_socket(net, watched, family):
    result = net.client.scan(ADDR[family], "-p", CLOSED, "--probe", "ack")
    assert result.port(CLOSED)["probes"] == {"ack": "rst-seq-from-ack"}, result
    assert [reason for _, reason in watched.of(CLOSED)] == ["NO_SOCKET"]


@pytest.fixture(scope="module")
def batteries(net, trace):
    """All at once, since they mostly wait: both families, and the text for people; and what the
    kernel said of the open port meanwhile."""
    trace.begin()
    runs = {family: net.client.start("stack", ADDR[family], "-p", OPEN, "--format", "json")
            for family in FAMILIES}
    runs["text"] = net.client.start("stack", SERVER, "-p", OPEN)
    results = {key: run.wait() for key, run in runs.items()}
    for result in results.values():
        assert result.status == 0, result
    return results, trace.of(OPEN)


def test_the_cells_of_listen(batteries):
    """Every RST that the program lays to LISTEN is one that the kernel lays to LISTEN."""
    results, said = batteries
    ours = 0
    for family in FAMILIES:
        (record,) = results[family].of("stack")
        cells = {c["probe"]: c for c in record["cells"] if c["state"] == "LISTEN"}
        for kind in ("ack", "data"):
            assert cells[kind]["port"] == OPEN
            assert cells[kind]["saw"] == cells[kind]["expect"] == "rst-seq-from-ack"
            assert cells[kind]["conforms"] is True
            assert "3.10.7.2" in cells[kind]["rfc"]
        resets = [c for c in cells.values() if (c["saw"] or "").startswith("rst-")]
        assert len(resets) >= 4, cells
        ours += len(resets)
        assert any("RST from the LISTEN state" in clue for clue in record["clues"]), record
    # probes that look for the open port, or ask again at the end, draw the same RST
    assert said.count(LISTEN) >= ours, said


def test_the_text_says_where_it_came_from(batteries):
    shown = batteries[0]["text"]
    assert "a RST from the LISTEN state" in " ".join(shown.out.split()), shown
