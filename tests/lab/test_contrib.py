"""contrib/lab: each of its nine situations played, and its three voices held against each other:
what the programs saw call by call, what the kernel said of each RST that it sent, and what rstprobe
says, live and from the file.

The truth is the situation's own: the program was made to do what it does. A fourth reader, scapy,
says which frame a RST answered.
"""

import collections
import glob
import itertools
import json
import os
import re
import subprocess

import pytest

from lab import HERE, PYTHON, QUICK, REAL_ROOT, RSTPROBE

RUN = os.path.join(HERE, "..", "..", "contrib", "lab", "run")
FAMILIES = [4] if QUICK else [4, 6]

# Of one RST: its cause, what fits as well from the wire alone, the kernel's reason, which segment
# provoked it (None: none), what the program got, octets that nobody acknowledged.
Truth = collections.namedtuple("Truth", "cause else_fits kernel provoked sees lost")

# the data that nobody read provoked it
UNREAD = Truth("unread-data-close", {"abort-close", "abort-linger"}, {"TCP_ABORT_ON_CLOSE"}, "data",
               ["ECONNRESET", "EPIPE"], 0)
AFTER_CLOSE = Truth("data-after-close", set(), {"TCP_TIMEWAIT_SOCKET", "TCP_ABORT_ON_DATA"}, "data",
                    ["write-ok", "EPIPE"], 5)
HALF_OPEN = Truth("half-open", set(), {"NO_SOCKET"}, "data", ["ECONNRESET", "EPIPE"], 5)
TRUTH = {
    "refused": [Truth("refused", set(), {"NO_SOCKET"}, "syn", ["ECONNREFUSED"], 0)],
    "time-out": [Truth("handshake-abandoned", set(), {"NO_SOCKET"}, "syn-ack", ["ETIMEDOUT"], 0)],
    "early-close": [UNREAD],
    "write-after-close": [AFTER_CLOSE],
    "linger": [Truth("abort-linger", {"abort-close"}, {"TCP_STATE"}, None, ["ECONNRESET", "EPIPE"],
                     0)],
    "child-gone": [HALF_OPEN._replace(kernel={"TCP_FLAGS"})],
    "power-loss": [HALF_OPEN],
    # the program gets nothing of a RST that is lost
    "lost-reset": [HALF_OPEN._replace(sees=["none"]),
                   HALF_OPEN._replace(cause="rst-lost-repeat", sees=["none"]),
                   HALF_OPEN._replace(cause="rst-lost-repeat")],
    "call-by-call": [UNREAD, UNREAD, AFTER_CLOSE],
}
# The client's calls on each of its sockets, as "name = result".
STORY = {
    "refused": ["connect = ECONNREFUSED"],
    "time-out": ["connect = EINPROGRESS", "poll = 0", "close = 0"],
    "early-close": ["connect = 0", "write = 5000", "read = ECONNRESET", "write = EPIPE SIGPIPE"],
    "write-after-close": ["connect = 0", "write = 5", "write = 5", "poll = 1",
                          "write = EPIPE SIGPIPE"],
    "linger": ["connect = 0", "write = 5", "read = 2", "read = ECONNRESET",
               "write = EPIPE SIGPIPE"],
    "child-gone": ["connect = 0", "write = 5", "write = 5", "read = ECONNRESET",
                   "write = EPIPE SIGPIPE"],
    "call-by-call": [
        "connect = 0", "write = 5", "poll = 1", "read = ECONNRESET", "write = EPIPE SIGPIPE",
        "read = 0",
        "connect = 0", "write = 5", "poll = 1", "write = ECONNRESET", "write = EPIPE SIGPIPE",
        "read = 0",
        "connect = 0", "write = 5", "read = 0", "write = 5", "poll = 1", "write = EPIPE SIGPIPE",
        "read = 0"],
}
STORY["power-loss"] = STORY["lost-reset"] = STORY["child-gone"]
CASES = [(family, name) for family in FAMILIES for name in TRUTH]


def start(*words, **kw):
    return subprocess.Popen([PYTHON, RUN, *map(str, words)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True,
                            env=dict(os.environ, RSTPROBE=RSTPROBE), **kw)


@pytest.fixture(scope="module")
def kept(allowed, tmp_path_factory):
    return {family: tmp_path_factory.mktemp("v%d" % family) for family in FAMILIES}


def told_of(run, family):
    """name -> what a run told."""
    out, err = run.communicate(timeout=240)
    told = {one["name"]: one for one in map(json.loads, out.splitlines())}
    assert {one["family"] for one in told.values()} == {family}, (run.returncode, err)
    return told


def forgot(one):
    """Was a word of the kernel lost? Its rings are everybody's: a flood of another test fills them."""
    if one["kernel"]["why"]:
        return False
    return (len(one["kernel"]["resets"]) < len(TRUTH[one["name"]])
            or not all(r.get("kernel_reason") for r in resets(one, "live")))


@pytest.fixture(scope="module")
def played(kept):
    """(family, name) -> what `run all --json` told; both families side by side."""
    def run_of(what, family):
        return start(what, "--file", "--live", "--json", "-%d" % family, "--keep", kept[family])

    runs = {family: run_of("all", family) for family in FAMILIES}
    told = {}
    for family, run in runs.items():
        each = told_of(run, family)
        assert list(each) == list(TRUTH)
        for name in filter(lambda n: forgot(each[n]), TRUTH):
            for _ in range(5):
                each.update(told_of(run_of(name, family), family))
                if not forgot(each[name]):
                    break
        told.update(((family, name), one) for name, one in each.items())
    return told


@pytest.fixture(params=CASES, ids=lambda c: "%s-v%d" % (c[1], c[0]))
def case(request, played):
    """(name, what was told): one situation over one family."""
    return request.param[1], played[request.param]


def client_calls(told):
    return [c for c in told["calls"] if c["who"] == "client"]


def in_short(c):
    name = re.match(r"\w+", c["call"]).group(0)
    return " ".join(filter(None, [name, "=", c["errno"] or str(c["result"]), c["signal"]]))


def token(c):
    """A call as app_sees would name it, or None."""
    name = re.match(r"\w+", c["call"]).group(0)
    if name == "poll" and c["result"] == 0:
        return "ETIMEDOUT"
    if name == "read":
        return c["errno"] or (None if c["result"] else "EOF")
    if name == "write":
        return c["errno"] or "write-ok"
    return c["errno"] if name == "connect" else None


def saw(told):
    """[[token, ...], ...]: a list for each socket of the client, in their order."""
    got = collections.defaultdict(list)
    for c in client_calls(told):
        if token(c) and c["errno"] != "EINPROGRESS":
            got[c["socket"]].append(token(c))
    return [got[k] for k in sorted(got)]


def resets(told, which):
    assert told[which]["status"] == 0, told[which]["text"]
    return [r for r in told[which]["records"] if r["type"] == "reset"]


# --- the programs' own voice, which needs no rstprobe ---------------------------------------------

def test_the_client_saw_what_the_text_says(case):
    name, told = case
    assert [in_short(c) for c in client_calls(told)] == STORY[name]


def test_each_end_saw_its_resets(case):
    name, told = case
    assert len(told["resets"][told["at"]]) == len(TRUTH[name])
    other = {"client": "server", "server": "client"}[told["at"]]
    # two of them are lost on the way to the client
    assert len(told["resets"][other]) == (1 if name == "lost-reset" else len(TRUTH[name]))


def test_the_kernel_says_why(case):
    name, told = case
    why = told["kernel"]["why"]
    if why:
        # whoever is root of the machine has a tracepoint, or a kernel that is too old
        assert not REAL_ROOT or "6.10" in why or "no tracepoint" in why, why
        pytest.skip("the kernel cannot be asked: " + why)
    said = told["kernel"]["resets"]
    # a slow machine sends a segment once more, and it draws its RST once more
    assert len(said) >= len(TRUTH[name]), said
    last = TRUTH[name][-1]
    for k, t in itertools.zip_longest(said, TRUTH[name], fillvalue=last):
        assert k["reason"] in t.kernel, said


@pytest.mark.parametrize("family", FAMILIES)
def test_the_server_that_timed_out_never_accepted(played, family):
    (accept,) = [c for c in played[family, "time-out"]["calls"] if c["call"].startswith("accept")]
    assert "end" not in accept


@pytest.mark.parametrize("family", FAMILIES)
def test_the_child_read_what_the_text_says(played, family):
    calls = played[family, "early-close"]["calls"]
    assert [in_short(c) for c in calls if c["who"] == "child"] == \
        ["ioctl = 5000", "read = 4096", "close = 0"]


# --- rstprobe's voice, against both --------------------------------------------------------------

@pytest.mark.parametrize("which", ["file", "live"])
def test_the_cause(case, which):
    name, told = case
    got = resets(told, which)
    assert len(got) == len(TRUTH[name]), told[which]["text"]
    for r, truth in zip(got, TRUTH[name]):
        assert r["cause"] == truth.cause or r["cause"] in truth.else_fits, r
        # where the wire cannot tell, the truth is among what is said to fit as well
        assert r["cause"] == truth.cause or truth.cause in r["alternatives"], r
        assert r["cause"] == truth.cause or r["confidence"] != "certain", r


def test_the_kernels_word_settles_the_cause(case):
    """Live, joined with the kernel's reason, the undecidable pair is told apart."""
    name, told = case
    if told["kernel"]["why"]:
        pytest.skip("the kernel cannot be asked: " + told["kernel"]["why"])
    for r, truth in zip(resets(told, "live"), TRUTH[name]):
        assert r["cause"] == truth.cause, r
        assert r["kernel_reason"] in truth.kernel, r


def test_nobody_asks_the_kernel_about_a_file(case):
    assert not any(r.get("kernel_reason") for r in resets(case[1], "file"))


@pytest.mark.parametrize("which", ["file", "live"])
def test_what_the_program_gets(case, which):
    name, told = case
    programs = saw(told)
    for i, (r, truth) in enumerate(zip(resets(told, which), TRUTH[name])):
        assert r["app_sees"] == truth.sees, r
        # one socket a RST, but where several RSTs are for one
        program = programs[min(i, len(programs) - 1)]
        if truth.sees == ["none"]:
            continue
        n = len(truth.sees)
        assert any(program[k:k + n] == r["app_sees"] for k in range(len(program))), (program, r)
        if truth.cause == "data-after-close":
            assert "ECONNRESET" not in program


@pytest.mark.parametrize("which", ["file", "live"])
def test_octets_lost(case, which):
    name, told = case
    assert [r["bytes_lost"] for r in resets(told, which)] == [t.lost for t in TRUTH[name]]


# --- a fourth reader ----------------------------------------------------------------------------

Frame = collections.namedtuple("Frame", "number time sport dport flags seq ack payload")


def read_frames(path):
    from scapy.layers.inet import TCP
    from scapy.layers.inet6 import IPv6  # noqa: F401 (its import teaches scapy the type)
    from scapy.utils import PcapReader
    got = []
    with PcapReader(path) as reader:
        for number, packet in enumerate(reader, 1):
            if TCP in packet:
                t = packet[TCP]
                flags = str(t.flags)
                got.append(Frame(number, float(packet.time), t.sport, t.dport, flags, t.seq, t.ack,
                                 len(t.payload)))
    return got


def provoker(frames, reset, kind):
    """The newest segment the other way that the RST answers, and that is of the kind expected."""
    if kind is None:
        return None
    before = [f for f in frames if f.number < reset.number and "R" not in f.flags
              and (f.sport, f.dport) == (reset.dport, reset.sport)]
    is_kind = {"syn": lambda f: f.flags == "S", "syn-ack": lambda f: f.flags == "SA",
               "data": lambda f: f.payload > 0}[kind]
    assert is_kind(before[-1]), before
    return before[-1].number


def test_the_frames(case, kept):
    """Each RST of the file is told, by its number, with the frame that provoked it."""
    name, told = case
    frames = read_frames(str(kept[told["family"]] / ("%s-%s.pcap" % (name, told["at"]))))
    in_file = [f for f in frames if "R" in f.flags]
    got = resets(told, "file")
    assert [r["frame"] for r in got] == [f.number for f in in_file]
    assert [r["provoked_by"] for r in got] == \
        [provoker(frames, f, t.provoked) for f, t in zip(in_file, TRUTH[name])]


@pytest.mark.parametrize("which", ["file", "live"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_delay_of_the_syn_ack(played, family, which):
    (r,) = resets(played[family, "time-out"], which)
    (ms,) = [float(m) for clue in r["clues"] for m in re.findall(r"SYN-ACK came ([\d.]+) ms", clue)]
    assert ms >= 110
    assert r["sender"] == "client"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_other_cause_that_fits_a_lost_connection(played, family):
    """A parent that listens on is named in words: LISTEN would answer the same."""
    (r,) = resets(played[family, "child-gone"], "file")
    assert "listen-ack" in r["alternatives"]


@pytest.mark.parametrize("family", FAMILIES)
def test_repeats_hang_on_the_first(played, family):
    first, *others = resets(played[family, "lost-reset"], "file")
    assert first["root"] is None
    assert [r["root"] for r in others] == [first["frame"]] * len(others)


# --- the script itself ---------------------------------------------------------------------------

def finish(run):
    out, err = run.communicate(timeout=120)
    return run.returncode, out, err


def test_the_text_has_three_voices(played):
    status, out, err = finish(start("3"))
    assert (status, err) == (0, "")
    for words in ("What the programs saw", "read(4096)", "= -1 ECONNRESET",
                  "= -1 EPIPE, and SIGPIPE", "What the kernel says", "What rstprobe says",
                  "$ rstprobe explain", "Advice: "):
        assert words in out, out
    if REAL_ROOT:
        assert "TCP_ABORT_ON_CLOSE" in out or "6.10" in out or "no tracepoint" in out, out


def test_the_list(allowed):
    status, out, _ = finish(start("--list"))
    assert status == 0
    assert [line.split()[:2] for line in out.splitlines()] == \
        [[str(i), name] for i, name in enumerate(TRUTH, 1)]
    with open(os.path.join(os.path.dirname(RUN), "README"), encoding="utf-8") as f:
        assert re.findall(r"^(\d)  ([a-z-]+):", f.read(), re.M) == \
            [(str(i), name) for i, name in enumerate(TRUTH, 1)]


@pytest.mark.parametrize("words", [[], ["10"], ["nonsense"], ["3", "--keep", "/nowhere"]])
def test_words_it_does_not_know(allowed, words):
    status, out, err = finish(start(*words))
    assert status == 2
    assert not out and "usage" in err


def test_nothing_stays(played, tmp_path):
    """Neither files here, nor a ring of the kernel's."""
    status, _, _ = finish(start("refused", cwd=tmp_path))
    assert status == 0
    assert os.listdir(tmp_path) == []
    # a ring belongs to the process of its name; other copies of this lab may run
    rings = glob.glob("/sys/kernel/tracing/instances/rstprobe-lab-*")
    assert not [r for r in rings if not os.path.exists("/proc/" + r.rpartition("-")[2])
                and os.path.exists(r)]


def test_keep_before_the_situation(played, tmp_path):
    """A situation behind --keep is no directory."""
    status, _, err = finish(start("--keep", "1", cwd=tmp_path))
    assert status == 0, err
    assert len(os.listdir(tmp_path)) == 2


def test_the_programs_alone(lab):
    """By hand, on loopback: what contrib/lab/run adds is not needed to read them."""
    host = lab.host("alone")
    (program,) = glob.glob(os.path.join(os.path.dirname(RUN), "3-*.py"))
    server = lab.spawn(host.within([PYTHON, program, "server", "127.0.0.1", 8080]),
                       stdout=subprocess.PIPE)
    said = ""
    while "ready" not in said:
        said = server.stdout.readline()
        assert said, "the server ended"
    client = host.sh(PYTHON, program, "client", "127.0.0.1", 8080)
    results = [line.partition(" = ")[2] for line in client.stdout.splitlines()]
    assert results == ["0", "5000", "-1 ECONNRESET", "-1 EPIPE, and SIGPIPE"], client.stdout
