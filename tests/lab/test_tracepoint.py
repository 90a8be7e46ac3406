"""The RST of LISTEN, seen from both ends: what the kernel's own tracepoint says of each RST that it
sends to our probes, and what the program says of it.

The tracepoint is one for the whole machine and does not tell namespaces apart: the ports are some
on which nobody else listens at the same time.
"""

import pytest

from lab import QUICK, SERVER, SERVER6, claim_ports, until
from resets import Kernel

OPEN = claim_ports()
CLOSED = OPEN + 1
ADDR = {4: SERVER, 6: SERVER6}
FAMILIES = [4] if QUICK else [4, 6]
LISTEN = ("TCP_LISTEN", "TCP_FLAGS")


class Trace(Kernel):
    """The kernel's word from now on, where now can be moved."""

    NETS = (b":%d dest=" % CLOSED,)
    begun = 0

    def begin(self, closed=False):
        """Others' closed ports may be flooded, and what is asked for get lost among them."""
        self.only(closed)
        self.begun = len(self.events())

    def of(self, port):
        """[(state, reason)] of the RSTs whose local port that is, in order."""
        return [e[4:] for e in self.events()[self.begun:] if e[1] == port]


@pytest.fixture(scope="module")
def trace(allowed):
    made = Trace()
    if made.missing:
        pytest.skip(made.missing)
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


def for_each_probe(said, one, result):
    """The kernel said one word to each of our probes, of which a slow machine sends more."""
    return set(said) == {one} and len(said) <= result.summary["sent"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["ack", "data", "finack", "synack"])
def test_each_probe_has_its_reset_of_listen(net, watched, family, kind):
    result = net.client.scan(ADDR[family], "-p", OPEN, "--probe", kind)
    assert result.port(OPEN)["probes"] == {kind: "rst-seq-from-ack"}, result
    said = watched.of(OPEN)
    assert for_each_probe(said, LISTEN, result), (said, result)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_closed_port_has_no_socket(net, trace, family):
    """Beside a flood the kernel's word may be lost: asked until it is heard."""
    trace.begin(closed=True)

    def heard():
        result = net.client.scan(ADDR[family], "-p", CLOSED, "--probe", "ack")
        assert result.port(CLOSED)["probes"] == {"ack": "rst-seq-from-ack"}, result
        return trace.of(CLOSED)
    assert {reason for _, reason in until("the kernel's word", heard, 60)} == {"NO_SOCKET"}


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
