"""-w FILE.pcapng: each frame with what was found out of it, as Wireshark's own reader shows it."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from lab import SERVER, until

OPEN, CLOSED, DROPPED = 80, 81, 82
pytestmark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([OPEN])
    path3.router.firewall(counters=["syns"],
                          prerouting=["iifname down tcp flags & (syn | ack) == syn counter name syns"],
                          forward=["iifname down tcp dport %d drop" % DROPPED])
    return path3


class Frame:
    def __init__(self, line):
        _, self.flags, self.sport, self.dport, self.way, self.says = line.split("|", 5)
        self.ours = self.way.endswith("2")


def frames(path):
    done = subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f",
         "-e", "frame.number", "-e", "tcp.flags", "-e", "tcp.srcport", "-e", "tcp.dstport",
         "-e", "frame.packet_flags_direction", "-e", "frame.comment"],
        capture_output=True, text=True, check=True, timeout=60)
    return [Frame(line) for line in done.stdout.splitlines()]


def pairs_up(got):
    """Probes are numbered in order; a reply names one that was sent to where it comes from."""
    sent = {}
    for f in got:
        number = int(re.match(r"(?:reply to )?probe (\d+)", f.says).group(1))
        assert f.ours == f.says.startswith("probe"), f.says
        if f.ours:
            assert number == len(sent) + 1
            sent[number] = f
        else:
            assert (sent[number].sport, sent[number].dport) == (f.dport, f.sport), f.says
    return sent


def test_scan(net):
    path = net.lab.path("scan.pcapng")
    result = net.client.scan(SERVER, "-p", "80-82", "-r", 1, "-T", "1s", "-w", path)
    assert result.status == 0, result
    got = frames(path)
    pairs_up(got)
    s = result.summary
    # of what was asked again there may be two answers
    assert 0 <= len(got) - s["sent"] - s["answered"] <= s["duplicates"] + s["late"], (len(got), s)
    says = {OPEN: "open (syn-ack)", CLOSED: "closed (rst-ack)", DROPPED: "filtered (no-response)"}
    for f in got:
        port = int(f.dport if f.ours else f.sport)
        assert f.says.split(": ")[1] == says[port], f.says
    # read back by our own
    back = net.client.rstprobe("explain", path, "--all", "--format", "json")
    assert {r["sport"] for r in back.of("reset")} == {CLOSED}, back


def test_tries(net):
    path = net.lab.path("tries.pcapng")
    net.client.scan(SERVER, "-p", "%d,%d" % (OPEN, DROPPED), "--count", 4, "--interval", "20ms",
                    "-g", 45678, "-T", "1s", "-w", path)
    got = frames(path)
    assert len(pairs_up(got)) == 8
    assert {f.says.split(": ")[1] for f in got if f.dport == str(DROPPED)} == {
        "filtered (no-response)"}
    assert {f.says.split(": ")[1] for f in got if f.sport == str(OPEN)} == {"open (syn-ack)"}


def test_trace(net):
    path = net.lab.path("trace.pcapng")
    result = net.client.rstprobe("trace", SERVER, "-p", OPEN, "-n", "-w", path)
    assert result.status == 0, result
    says = {f.says for f in frames(path)}
    for what in ("ttl 1: time-exceeded from 10.201.1.1", "ttl 2: syn-ack; open"):
        # which of them, depends on what had to be asked again
        asked = {n.removesuffix(": " + what) for n in says
                 if re.fullmatch(r"probe \d+: " + what, n)}
        assert asked and {"reply to %s: %s" % (n, what) for n in asked} & says, says


@pytest.mark.parametrize("suffix", ["pcap", "pcapng"])
def test_trace_in_a_connection(net, suffix):
    """The connection is the kernel's: its handshake and its end are in the file as well."""
    path = net.lab.path("inside." + suffix)
    result = net.client.rstprobe("trace", SERVER, "-p", OPEN, "--probe", "data", "-n", "-w", path)
    assert result.status == 0, result
    got = [(int(f.flags, 16), f.dport == str(OPEN)) for f in frames(path) if f.flags]
    last = len(got) - got[::-1].index((0x12, False)) - 1
    assert got[last - 1:last + 2] == [(0x02, True), (0x12, False), (0x10, True)], got
    assert got[-1][0] & 0x04 and got[-1][1], got


def test_stack(net):
    path = net.lab.path("stack.pcapng")
    result = net.client.rstprobe("stack", SERVER, "-p", OPEN, "--rate", "400", "-w", path)
    assert result.status == 0, result
    says = [re.sub(r"probe \d+", "probe", f.says) for f in frames(path)]
    assert "probe: LISTEN, ack: rst-seq-from-ack, conforms" in says, says
    assert "reply to probe: CLOSED, syn: rst-ack-of-seq, conforms" in says


def test_provoke(net):
    path = net.lab.path("provoke.pcapng")
    result = net.client.rstprobe("provoke", "listen-ack", SERVER, "-p", OPEN, "--format", "json",
                                 "-w", path)
    told, = result.of("provoke")
    assert told["frames"], result
    got = frames(path)
    for i, f in enumerate(got, 1):
        assert f.says.endswith(": " + told["finding"]) == (i in told["frames"]), (i, f.says, told)


# --- how it ends ---------------------------------------------------------------------------------

def begun(net, path):
    """A run in the middle of it, its file in a folder of its own: nothing may be left in there."""
    os.mkdir(os.path.dirname(path))
    before = net.router.counter("syns")
    run = net.client.start("scan", SERVER, "-p", "1-2000", "--rate", "200", "--format", "json",
                           "-w", path)
    until("the first probes", lambda: net.router.counter("syns") > before + 20)
    return run


def test_interrupted(net):
    path = os.path.join(net.lab.path("int"), "x.pcapng")
    run = begun(net, path)
    run.signal(signal.SIGINT)
    result = run.wait()
    assert result.status == 3, result
    got = frames(path)
    assert len(pairs_up(got)) == result.summary["sent"] > 0
    assert all(": " in f.says for f in got)
    assert os.listdir(os.path.dirname(path)) == ["x.pcapng"]


def test_killed(net):
    path = os.path.join(net.lab.path("kill"), "x.pcapng")
    run = begun(net, path)
    run.process.kill()
    run.process.wait()
    until("nothing to be left behind", lambda: not os.listdir(os.path.dirname(path)))


def test_disk_full(net):
    path = net.lab.path("full.pcapng")
    os.symlink("/dev/full", path)
    result = net.client.scan(SERVER, "-p", OPEN, "-w", path)
    assert result.status == 3 and result.err.count("\n") == 1, result
    assert path in result.err and "No space left" in result.err


def test_explain_says_what_it_writes(net):
    result = net.client.rstprobe("explain", "-w", "x.pcapng", "y.pcap")
    assert result.status == 2 and ".pcap" in result.err, result
