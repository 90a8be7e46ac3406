"""Faults of this machine that are about the process: clock, disk, standard files, stops, memory,
kills. test_faults has those of the network, and the table of all.
"""

import json
import mmap
import os
import random
import signal
import struct
import subprocess
import time

import pytest

import test_scale
from lab import HERE, QUICK, RSTPROBE, command, exact, is_sanitized, until
from procs import state_of
from test_engine_trouble import FAR, OPEN, WAYS, Net

CAPTURE = os.path.join(HERE, "..", "golden", "captures", "abandoned-4-client.pcap")


@pytest.fixture(scope="module")
def calm(lab):
    return Net(lab)


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def whole_lines(text):
    """Every line that is complete is a record."""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def one_line(result):
    assert len(result.err.splitlines()) == 1 and result.err.startswith("rstprobe: "), result


# --- the clock ------------------------------------------------------------------------------------

HOUR = 3600 * 10 ** 9


class Clock:
    """The wall clock of one program, to be set by the test; see hitch.c."""

    def __init__(self, lab, hitch):
        self.file = lab.scratch("clock", "\0" * 16)
        self.wrap = ["env", "LD_PRELOAD=" + hitch, "HITCH_CLOCK=" + self.file.name]

    def set(self, by):
        with open(self.file.name, "r+b") as f, mmap.mmap(f.fileno(), 16) as m:
            m[8:16] = struct.pack("=q", by)
            m[0:8] = struct.pack("=q", time.time_ns())


@pytest.fixture(scope="module")
def hitch(lab):
    """The library, built."""
    if is_sanitized("asan", "tsan"):
        pytest.skip("a sanitizer wants to be the first in memory")
    to = lab.path("hitch.so")
    done = subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-fPIC", "-O1", "-o", to,
                           os.path.join(HERE, "hitch.c"), "-ldl"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("cannot be built here: " + done.stderr.strip()[-200:])
    os.chmod(to, 0o755)
    return to


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_the_clock_is_set(lab, calm, hitch, by):
    """Times are counted by another clock: no port is lost, no round trip takes an hour."""
    clock = Clock(lab, hitch)
    before = calm.client.sent_packets("up")
    run = calm.client.start("scan", FAR, "-p", "1-600", "--rate", "600", "--show", "all",
                            "--deadline", "5m", "--format", "json", wrap=clock.wrap)
    until("probes", lambda: calm.client.sent_packets("up") > before + 100)
    clock.set(by)
    result = run.wait(60)
    exact(result, OPEN, 600)
    assert max(p["rtt_us"] for p in result.of("port")) < 60 * 10 ** 6, result
    assert result.summary["elapsed_s"] < 60, result


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_the_clock_is_set_between_tries(lab, calm, hitch, by):
    """What is printed as the time follows it; what is measured does not."""
    clock = Clock(lab, hitch)
    run = calm.client.start("scan", FAR, "-p", "80", "--count", "40", "--interval", "60ms",
                            "--format", "json", wrap=clock.wrap)
    until("a try", lambda: '"n":5' in run.text("out"))
    clock.set(by)
    result = run.wait(60)
    assert result.status == 0 and len(result.of("try")) == 40, result
    tries, = result.of("tries")
    assert tries["states"] == {"open": 40} and tries["rtt_us"]["max"] < 60 * 10 ** 6, result
    hours = {t["time"][:14] for t in result.of("try")}
    assert len(hours) >= 2, "the clock was never set"


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["forward", "back"])
def test_the_clock_is_set_while_explain_listens(lab, calm, hitch, by):
    """A RST that waits for what comes after it does not wait for an hour; and a connection that
    stood before is not called idle for one."""
    clock = Clock(lab, hitch)
    run = calm.client.start("explain", "-i", "up", "--no-kernel", "--format", "json", "--all",
                            wrap=clock.wrap)
    until("it to listen", lambda: "listening" in run.text("err"))
    keep = calm.client.within(["/usr/bin/python3", "-c", HOLD, FAR])
    with subprocess.Popen(keep, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as talk:
        assert talk.stdout.readline() == "connected\n"
        calm.client.scan(FAR, "-p", "81")
        clock.set(by)
        until("the finding", lambda: '"sport":81' in run.text("out"))
        until("the note", lambda: "the clock was set" in run.text("err"))
        talk.communicate("abort\n", timeout=20)
    until("the other", lambda: '"dport":80' in run.text("out"))
    run.signal(signal.SIGINT)
    result = run.wait()
    assert result.status == 0, result
    abort, = [r for r in result.of("reset") if r["dport"] == 80]
    assert "idle" not in json.dumps(abort) and abort["cause"] != "stale-connection", abort


HOLD = """
import socket, struct, sys
s = socket.create_connection((sys.argv[1], 80), 10)
print("connected", flush=True)
sys.stdin.readline()
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
"""


# --- the disk -------------------------------------------------------------------------------------

@pytest.fixture
def small(lab):
    """A folder with room for 64 KB."""
    path = lab.path("small")
    os.mkdir(path)
    command(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "small", path])
    yield path
    command(["umount", "-l", path])


DISK = ["-p", "1-3000", "--show", "all"]  # each of them takes more than there is


@pytest.mark.parametrize("option", ["-oJ", "-oC", "-oX", "-o", "-w", "-w.pcapng"])
def test_disk_full(calm, small, option, request):
    """One line that names the file; all else is whole."""
    if option == "-oX":
        request.getfixturevalue("xml")
    name = os.path.join(small, "file" + option[2:])
    words = {"-o": ["-o", name, "-oJ", "-"], "-oJ": ["-oJ", name]}.get(
        option, [option[:3].rstrip("."), name, "--format", "json"])
    result = calm.client.rstprobe("scan", FAR, *DISK, *words)
    assert result.status == 3, result
    one_line(result)
    assert name in result.err and "No space left" in result.err, result
    assert option == "-oJ" or result.counts() == {"open": 3, "closed": 2997}, result
    if option == "-oJ":
        assert whole_lines(text_of(name))[0]["type"] == "run"
    elif option in ("-oC", "-oX", "-o", "-w.pcapng"):
        assert not os.listdir(small), "half a file under the name that was asked for"


def test_disk_full_and_then_resumed(calm, small, lab):
    """What could be written is not asked again."""
    name = os.path.join(small, "file.json")
    open_ports = "1-2000"
    result = calm.client.rstprobe("scan", FAR, "-p", open_ports, "--show", "all", "-oJ", name,
                                  "--deadline", "20s")
    assert result.status == 3 and name in result.err, result
    text = text_of(name)
    assert len(text) > 32768 and whole_lines(text)
    out = lab.path("resumed.json")
    result = calm.client.rstprobe("scan", "--resume", name, "-oJ", out)
    assert result.status == 0, result
    got = test_scale.states(whole_lines(text_of(out)))
    assert len(got) == 2000 and set(got.values()) == {"open", "closed"}, result


# --- the standard files ---------------------------------------------------------------------------

CLOSED = {
    "scan": (["scan", FAR, "-p", "1-300"], 3),
    "trace": (["trace", FAR, "-p", "80"], 3),
    "provoke": (["provoke", "listen-ack", FAR, "-p", "80"], 3),
    "explain": (["explain", CAPTURE], 3),
    "doctor": (["doctor"], 3),
    "probes": (["probes"], 3),
    "help": (["--help"], 3),
}


@pytest.mark.parametrize("name", CLOSED)
def test_stdout_closed(calm, name):
    """Not a word of it gets into a socket that has taken the number."""
    words, status = CLOSED[name]
    result = calm.client.rstprobe(*words, wrap=["sh", "-c", 'exec "$@" >&-', "sh"])
    assert result.status == status, result
    assert "rstprobe: " in result.err.splitlines()[-1], result


def test_stdout_closed_and_a_file_beside_it(calm, lab):
    """With nothing for stdout, nothing is missed."""
    path = lab.path("scan.json")
    result = calm.client.rstprobe("scan", FAR, "-p", "1-300", "-oJ", path,
                                  wrap=["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"])
    assert result.status == 3, result  # the text was for stdout
    assert whole_lines(text_of(path))[-1]["complete"] is True


# --- stopped and continued ------------------------------------------------------------------------

def rest(seconds):
    """Time goes by; nothing else is waited for."""
    end = time.monotonic() + seconds
    until("time to go by", lambda: time.monotonic() > end, seconds + 10)


def stopped(run, seconds=1.0):
    run.process.send_signal(signal.SIGSTOP)
    until("it to stand", lambda: state_of(run.process.pid) == "T")
    rest(seconds)
    run.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("way, ports, rate", [("raw", 1500, 1000), ("packet", 30000, "15k")])
def test_stopped_and_continued(calm, way, ports, rate):
    """Longer than all time-outs: what came meanwhile lies in the ring, and counts. What is stopped
    has more than a second of work before it, since it is to be met in the midst."""
    before = calm.client.sent_packets("up")
    run = calm.client.start("scan", FAR, "-p", "1-%d" % ports, "-r", "0", "-T", "300ms", "--rate",
                            rate, *WAYS[way], "--format", "json")
    until("probes", lambda: calm.client.sent_packets("up") > before + 64)
    stopped(run)
    exact(run.wait(60), OPEN, ports)


@pytest.mark.parametrize("words, silent", [
    (["trace", FAR, "-p", "80"], '"verdict":"open"'),
    (["provoke", "half-open", FAR, "-p", "80", "--hold", "1500ms"], '"finding":'),
    (["scan", FAR, "-p", "80,81", "--count", "80", "--interval", "20ms", "-T", "300ms"],
     '"states":{"open":80}'),
], ids=["trace", "provoke", "count"])
def test_others_stopped_and_continued(calm, words, silent):
    """The router says nothing, so that a walk has somebody to wait for."""
    calm.router.firewall(output=["icmp type time-exceeded drop"])
    before = calm.client.sent_packets("up")
    run = calm.client.start(*words, "--format", "json")
    until("segments", lambda: calm.client.sent_packets("up") > before + 4)
    stopped(run, 1.5)
    result = run.wait(60)
    calm.router.sh("nft", "flush", "ruleset")
    assert result.status == 0 and silent in result.out, result
    assert result.summary["complete"] is True, result


# --- memory ---------------------------------------------------------------------------------------

MEMORY = {
    "scan": ["scan", FAR, "-p", "1-3000", "--format", "json"],
    # behind the gateway: a table of neighbours has room for few, and all tests share it
    "hosts": ["scan", FAR, "10.212.0.0/22", "-p", "80", "-r", "0", "-T", "20ms", "--rate", "max",
              "--format", "json"],
    "trace": ["trace", FAR, "-p", "80", "-n", "--format", "json"],
    "provoke": ["provoke", "listen-ack", FAR, "-p", "80", "--format", "json"],
    "explain": ["explain", CAPTURE, "--format", "json"],
}


def told_well(result, words):
    """It ended by itself; what it could not do is said in a line, and all that was told is whole."""
    whole_lines(result.out)
    if result.status in (0, 3) and result.out.endswith("\n") and "cannot write" not in result.err:
        assert '"type":"summary"' in result.out, result
    assert result.status in (0, 3, 4) or (result.status == 2 and "memory" in result.err.lower()), (
        words, result)
    if result.status in (2, 4):
        assert result.err.startswith("rstprobe: "), result
        assert len(result.err.splitlines()) <= 2, result
    if result.status == 0:
        assert result.summary["complete"] is True, result


def least_memory(host):
    """KB of address space that the program takes before it does anything."""
    low, high = 4096, 1 << 20
    while high - low > 1024:
        middle = (low + high) // 2
        done = host.rstprobe("--version", wrap=["prlimit", "--as=%d" % (middle << 10)])
        low, high = (low, middle) if done.status == 0 else (middle, high)
    return high


@pytest.mark.parametrize("name", ["scan", "provoke", "explain"])
def test_memory_is_limited(calm, name):
    """ulimit -v: from where the program can hardly be loaded to where it has enough."""
    if is_sanitized("asan", "tsan"):
        pytest.skip("a sanitizer takes all address space")
    least = least_memory(calm.client)
    steps = range(0, 24000, 8000 if QUICK else 3700)
    results = [calm.client.rstprobe(*MEMORY[name], wrap=["prlimit", "--as=%d" % (kb << 10)])
               for kb in (least + step for step in steps)]
    for result in results:
        told_well(result, MEMORY[name])
    assert any(r.status == 4 and "memory" in r.err.lower() for r in results) or name == "explain"


@pytest.mark.parametrize("name", MEMORY)
def test_memory_runs_out(calm, hitch, name):
    """At any piece that is asked for, and for good."""
    step = {"scan": 37, "hosts": 61, "trace": 67, "provoke": 59, "explain": 29}[name]
    seen = set()
    for piece in range(1, (3 if QUICK else 7) * step, step):
        result = calm.client.rstprobe(*MEMORY[name], wrap=[
            "env", "LD_PRELOAD=" + hitch, "HITCH_PIECE=%d" % piece])
        told_well(result, MEMORY[name])
        seen.add(result.status)
    assert seen - {0}, "memory never ran out"


# --- killed, again and again ----------------------------------------------------------------------

def test_killed_again_and_again(calm, lab):
    """Each run goes on from what the last one left under its own name; none of it is lost."""
    seed = int(os.environ.get("RSTPROBE_SEED", random.randrange(1 << 32)))
    dice = random.Random(seed)
    path, known = lab.path("killed.json"), {}
    words = ["scan", FAR, "-p", "1-6000", "--show", "all", "-oJ", path, "--rate", "4000"]
    for _ in range(3 if QUICK else 5):
        run = calm.client.start(*words)
        after = dice.uniform(0, 0.9)
        try:
            run.process.wait(after)
        except subprocess.TimeoutExpired:
            run.process.kill()
        run.process.wait(10)
        for name in (path, path + ".new"):
            if os.path.exists(name):
                whole_lines(text_of(name))
        if os.path.exists(path) and text_of(path).count("\n") > 0:
            got = test_scale.states(whole_lines(text_of(path)))
            found = {k: v for k, v in got.items() if v in ("open", "closed")}
            assert known.items() <= found.items(), (seed, len(known), len(found))
            known = found
            words = ["scan", "--resume", path, "-oJ", path, "--rate", "4000"]
    result = calm.client.rstprobe(*words)
    assert result.status == 0, (seed, result)
    got = test_scale.states(whole_lines(text_of(path)))
    assert len(got) == 6000 and set(got.values()) == {"open", "closed"}, seed
    assert sorted(p for (_, p), s in got.items() if s == "open") == OPEN, seed


def test_killed_while_the_keeper_begins(lab, calm, hitch):
    """Where /proc is not there files have hidden names until they are whole: who takes those away
    begins with nobody to tell that it is there."""
    folder = lab.path("kept")
    os.mkdir(folder)
    wrap = ["sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh",
            "env", "LD_PRELOAD=" + hitch, "HITCH_FORK=1"]
    run = calm.client.start("scan", FAR, "-p", "80", "-n", "-o", os.path.join(folder, "text"),
                            "-oC", os.path.join(folder, "csv"), wrap=wrap)
    assert run.process.wait(30) == -signal.SIGKILL
    until("nothing to be left", lambda: os.listdir(folder) == [], 30)
