"""The face of `explain`: options, exit statuses, messages, files of every kind, -w, live.

The captures are made here, of two plain stories whose causes leave no doubt: a SYN that a RST
refuses (a problem), and an abort after the other end has closed (benign). What else there is to
know of causes is tested elsewhere.
"""

import array
import fcntl
import gzip
import json
import os
import shutil
import signal
import subprocess
import termios
import threading
import time

import pytest

from lab import AS_NOBODY, DEADLINE, until
from procs import files_of, state_of

CLIENT, SERVER, OTHER = "192.0.2.1", "198.51.100.7", "203.0.113.9"
CLIENT6, SERVER6 = "2001:db8:1::1", "2001:db8:2::7"
NO_CAPS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


# --- captures -----------------------------------------------------------------------------------

def ip(src, dst):
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6
    return IPv6(src=src, dst=dst) if ":" in src else IP(src=src, dst=dst)


def tcp(src, sport, dst, dport, flags, seq, ack=0, data=b""):
    from scapy.layers.inet import TCP
    return ip(src, dst) / TCP(sport=sport, dport=dport, flags=flags, seq=seq, ack=ack,
                              window=64240) / data


def refused(sport, dport=81, client=CLIENT, server=SERVER):
    return [tcp(client, sport, server, dport, "S", 1000),
            tcp(server, dport, client, sport, "RA", 0, 1001)]


def aborted_after_fin(sport, dport=80, client=CLIENT, server=SERVER):
    """The client closes, the server aborts: nobody loses anything."""
    there, back = (client, sport, server, dport), (server, dport, client, sport)
    return [tcp(*there, "S", 100), tcp(*back, "SA", 500, 101), tcp(*there, "A", 101, 501),
            tcp(*there, "PA", 101, 501, b"question"), tcp(*back, "PA", 501, 109, b"answer"),
            tcp(*there, "A", 109, 507), tcp(*there, "FA", 109, 507),
            tcp(*back, "A", 507, 110), tcp(*back, "RA", 507, 110)]


def udp():
    from scapy.layers.inet import UDP
    return ip(CLIENT, SERVER) / UDP(sport=5353, dport=53) / b"no TCP"


class Made:
    """Captures of this module by name; a frame each 10 ms."""

    def __init__(self, lab):
        self.lab, self.at = lab, 1_700_000_000.0

    def stamp(self, frames, ether=True):
        from scapy.layers.l2 import Ether
        got = []
        for f in frames:
            f = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / f if ether else f
            self.at += 0.01
            f.time = self.at
            got.append(f)
        return got

    def write(self, name, frames, ether=True):
        from scapy.utils import PcapWriter
        path = self.lab.path(name)
        with PcapWriter(path, linktype=1 if ether else 101) as w:
            w.write_header(None)
            for f in self.stamp(frames, ether):
                w.write(f)
        os.chmod(path, 0o644)
        return path


def mixed_story():
    return refused(40001) + aborted_after_fin(40002) + [udp()] + refused(40003, 8080)


@pytest.fixture(scope="module")
def made(lab):
    return Made(lab)


@pytest.fixture(scope="module")
def host(lab):
    return lab.host("reader")


@pytest.fixture(scope="module")
def capture(made):
    return made.write("mixed.pcap", mixed_story())


@pytest.fixture(scope="module")
def explain(host):
    def run(*words, **kw):
        return host.rstprobe("explain", *words, **kw)
    return run


@pytest.fixture(scope="module")
def resets(explain):
    def run(*words, **kw):
        return explain(*words, "--format", "json", **kw)
    return run


def told(result):
    """(frame, cause) of each RST"""
    return [(r["frame"], r["cause"]) for r in result.of("reset")]


ALL = [(2, "refused"), (11, "abort-after-fin"), (14, "refused")]


# --- files --------------------------------------------------------------------------------------

def test_every_rst_has_a_record(resets, capture):
    result = resets(capture)
    assert result.status == 0 and not result.err, result
    assert told(result) == ALL, result
    assert result.records[0]["type"] == "run" and result.run["files"] == [capture]
    summary = result.summary
    assert summary["complete"] is True and summary["frames"] == 14 and summary["tcp"] == 13
    assert summary["resets"] == 3 and summary["shown"] == 3, summary
    assert summary["elapsed_s"] < DEADLINE


def test_text_lists_problems_and_counts_the_rest(explain, capture):
    result = explain(capture)
    assert result.status == 0 and not result.err, result
    assert result.out.count("FRAME ") == 2 and "3 RSTs in 14 frames" in result.out, result
    assert "abort-after-fin" in result.out, "counted at least"


def test_all_and_summary(explain, capture):
    assert explain(capture, "--all").out.count("FRAME ") == 3
    result = explain(capture, "--summary")
    assert "FRAME " not in result.out and "3 RSTs" in result.out, result


def test_options_and_files_in_any_order(resets, capture):
    for words in (["--all", capture, "-n"], ["-nr", capture], ["--", capture],
                  ["-n", "--max-flows", "10k", capture]):
        result = resets(*words) if words[0] != "--" else \
            resets("-n", *words[1:])
        assert told(result) == ALL, result


def test_stdin(resets, capture):
    with open(capture, "rb") as f:
        result = resets("-", stdin=f)
    assert result.status == 0 and told(result) == ALL, result
    with open(capture, "rb") as f:
        assert told(resets("-r", "-", stdin=f)) == ALL


def test_fifo_that_ends(lab, resets, capture):
    path = lab.path("fifo")
    os.mkfifo(path, 0o644)

    def feed():
        with open(path, "wb") as to, open(capture, "rb") as f:
            shutil.copyfileobj(f, to)

    writer = threading.Thread(target=feed)
    writer.start()
    result = resets(path)
    writer.join()
    assert result.status == 0 and told(result) == ALL, result


def test_several_files_are_one_stream(made, resets):
    story = aborted_after_fin(40010)
    a, b = made.write("a.pcap", story[:5]), made.write("b.pcap", story[5:])
    result = resets(a, b)
    assert told(result) == [(4, "abort-after-fin")], result
    assert result.of("reset")[0]["file"] == b, "frames are counted per file"
    # by itself the second knows neither data nor handshake
    apart = resets("--separate", a, b)
    alone = resets(b)
    assert told(apart)[0][0] == 4
    assert apart.of("reset")[0]["cause"] == alone.of("reset")[0]["cause"], apart
    assert apart.of("reset")[0]["clues"] == alone.of("reset")[0]["clues"], apart


def test_hundreds_of_ring_files(made, resets):
    """More than a process may have open at once."""
    paths = [made.write("ring.pcap", refused(41000 + i)) for i in range(40)] * 30
    result = resets(*paths)
    assert result.status == 0 and len(told(result)) == 1200, result.err


def test_mixed_link_types(made, resets):
    a = made.write("ether.pcap", refused(40020))
    b = made.write("raw.pcap", refused(40021), ether=False)
    assert [c for _, c in told(resets(a, b))] == ["refused", "refused"]


def test_link_type_that_nobody_reads(made, resets, capture):
    """Radio frames: nothing of them is judged, and that is no "nothing found"."""
    from scapy.utils import PcapWriter
    path = made.lab.path("radio.pcap")
    with PcapWriter(path, linktype=127) as w:
        w.write_header(None)
        for f in made.stamp(refused(40022)):
            w.write(bytes(f))
    result = resets(path)
    check_one_line(result, 2, "2 of 2 frames", "127")
    assert result.summary["complete"] is False, result
    result = resets(path, capture)
    check_one_line(result, 3, "2 of 16 frames")
    assert told(result) == ALL, result


# --- files that are none ------------------------------------------------------------------------

def check_one_line(result, status, *has):
    assert result.status == status, result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("rstprobe: "), result
    for word in has:
        assert word in lines[0], result


@pytest.mark.parametrize("what", ["missing", "directory", "empty", "text", "short"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_unreadable_file(lab, explain, capture, what, form):
    path = lab.path(what)
    if what == "directory":
        os.mkdir(path, 0o755)
    elif what != "missing":
        with open(path, "wb") as f:
            f.write({"empty": b"", "text": b"this is no capture\n" * 9, "short": b"\xd4\xc3"}[what])
    result = explain(path, "--format", form)
    check_one_line(result, 2, os.path.basename(path))
    assert result.out == "", result
    # the others are read all the same, and the status stays
    result = explain(path, capture, "--format", "json")
    check_one_line(result, 2, os.path.basename(path))
    assert told(result) == ALL and {r["file"] for r in result.of("reset")} == {capture}, result
    result = explain(capture, path, "--format", "json")
    assert result.status == 2 and told(result) == ALL, result


def test_empty_stdin(explain):
    result = explain("-", text="")
    assert result.status == 2 and len(result.err.splitlines()) == 1 and not result.out, result


def test_file_of_somebody_else(made, explain, real_root):
    path = made.write("secret.pcap", refused(40030))
    os.chmod(path, 0o600)
    check_one_line(explain(path, wrap=AS_NOBODY), 2, path)


def test_sudo_reads_what_its_user_may_not_share(lab, made, explain, real_root):
    """The files, and the place to write, are opened before the privilege to pass by modes goes."""
    path, home = made.write("private.pcap", refused(40031)), lab.path("home")
    os.mkdir(home, 0o700)
    os.chmod(path, 0o600)
    for p in (path, home):
        os.chown(p, 65534, 65534)
    result = explain(path, "--format", "json", "-w", home + "/found.pcap", "-o",
                     home + "/lines")
    assert result.status == 0 and not result.err, result
    with open(home + "/lines", encoding="utf-8") as f:
        assert '"refused"' in f.read()
    assert len(frames_of(home + "/found.pcap")) == 2


def test_cut_file_tells_what_it_has(lab, resets, capture, explain):
    with open(capture, "rb") as f:
        whole = f.read()
    path = lab.path("cut.pcap")
    with open(path, "wb") as f:
        f.write(whole[:-7])  # into the last frame, the second refusal
    result = resets(path)
    check_one_line(result, 3, path, "13")
    assert told(result) == ALL[:2], result
    assert result.summary["complete"] is False and path in result.summary["why"], result
    result = explain(path)
    assert result.status == 3 and "refused" in result.out, result
    # the next file is read
    result = resets(path, capture)
    assert result.status == 3 and len(told(result)) == 5, result


def test_cut_gzip(lab, resets, made):
    path = made.write("long.pcap", [f for i in range(200) for f in refused(42000 + i)])
    with open(path, "rb") as f:
        packed = gzip.compress(f.read())
    for name, data, status in (("whole.gz", packed, 0), ("cut.gz", packed[:-200], 3)):
        to = lab.path(name)
        with open(to, "wb") as f:
            f.write(data)
        result = resets(to)
        assert result.status == status and told(result)[0] == (2, "refused"), result


def test_a_capture_without_tcp(made, resets):
    path = made.write("udp.pcap", [udp(), udp()])
    result = resets(path)
    assert result.status == 0 and told(result) == [] and result.summary["frames"] == 2, result


# --- bad words ----------------------------------------------------------------------------------

BAD = {
    "nothing": ([], "-i"),
    "no such option": (["x", "--sumary"], "--summary"),
    "unknown cause": (["x", "--cause", "refsued"], "refused"),
    "unknown cause, far off": (["x", "--cause", "gremlins"], "CAUSES"),
    "unknown umbrella": (["x", "--cause", "injectd"], "injected"),
    "empty cause": (["x", "--cause", "refused,"], "''"),
    "fail-on nothing known": (["x", "--fail-on", "problems"], "problem"),
    "flow of nothing": (["x", "--flow", ""], "192.0.2.7"),
    "flow of a name": (["x", "--flow", "web1"], "web1"),
    "flow with a bad port": (["x", "--flow", ":70000"], ":70000"),
    "flow with a bad prefix": (["x", "--flow", "192.0.2.0/33"], "/33"),
    "flow with one end missing": (["x", "--flow", "192.0.2.1-"], "192.0.2.1-"),
    "flow with three ends": (["x", "--flow", "192.0.2.1-192.0.2.2-192.0.2.3"], "two ends"),
    "flow without bracket": (["x", "--flow", "[2001:db8::1:443"], "2001:db8::1"),
    "max-flows 0": (["x", "--max-flows", "0"], "10k"),
    "max-flows of a word": (["x", "--max-flows", "many"], "many"),
    "max-flows beyond memory": (["x", "--max-flows", "999M"], "100M"),
    "file and interface": (["x", "-i", "lo"], "x"),
    "two interfaces": (["-i", "lo", "-i", "eth0"], "any"),
    "a filter for files": (["x", "-f", "tcp"], "--flow"),
    "kernel for files": (["x", "--kernel"], "-i"),
    "count for files": (["x", "--count", "3"], "-i"),
    "count 0": (["-i", "lo", "--count", "0"], "0"),
    "deadline without unit": (["x", "--deadline", "5"], "5s"),
    "stdin twice": (["-", "-"], "once"),
    "join of one": (["x", "--join"], "two"),
    "join of three": (["x", "y", "z", "--join"], "two"),
    "join of stdin": (["x", "-", "--join"], "more than once"),
    "join and separate": (["x", "y", "--join", "--separate"], "--separate"),
    "join and -w": (["x", "y", "--join", "-w", "o"], "-w"),
    "join of an interface": (["-i", "lo", "--join"], "--join"),
    "separate of an interface": (["-i", "lo", "--separate"], "--separate"),
    "all and summary": (["x", "--all", "--summary"], "--summary"),
    "format of another command": (["x", "--format", "xml"], "html"),
    "two outputs to one file": (["x", "-o", "f", "-oJ", "f"], "f"),
    "two outputs to stdout": (["x", "--format", "html", "-oJ", "-"], "stdout"),
    "-w where the text goes": (["x", "-w", "-"], "stdout"),
    "-w of pcapng": (["x", "-w", "o.pcapng"], ".pcap"),
    "an interface too long": (["-i", "sixteen-letters-"], "15"),
    "nmap -oN": (["x", "-oN", "f"], "-o FILE"),
    "nmap -oG": (["x", "-oG", "f"], "json"),
    "tcpdump -c": (["x", "-c", "5"], "--count"),
    "tshark -Y": (["x", "-Y", "tcp"], "--flow"),
    "a file without name": ([""], "empty"),
    "an output that is an input": (["{capture}", "-w", "{capture}"], "another file"),
    "a report that is an input": (["{capture}", "-o", "{capture}"], "another file"),
    "an output nowhere": (["{capture}", "-o", "/nonexistent/out"], "/nonexistent/out"),
    "a pcap nowhere": (["{capture}", "-w", "/nonexistent/out"], "/nonexistent/out"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(explain, capture, case):
    words, has = BAD[case]
    with open(capture, "rb") as f:
        before = f.read()
    result = explain(*(w.format(capture=capture) for w in words))
    check_one_line(result, 2, has)
    assert result.out == "", result
    with open(capture, "rb") as f:
        assert f.read() == before


def test_help_names_every_form_of_a_flow(explain):
    result = explain("--help", wrap=NO_CAPS)
    assert result.status == 0 and not result.err and "[2001:db8::1]:443" in result.out, result


# --- what is told -------------------------------------------------------------------------------

@pytest.mark.parametrize("causes,frames", [
    ("refused", [2, 14]), ("abort-after-fin", [11]), ("refused,abort-after-fin", [2, 11, 14]),
    ("half-open", []), ("injected", []),
])
def test_cause(resets, explain, capture, causes, frames):
    result = resets(capture, "--cause", causes)
    assert result.status == 0 and [f for f, _ in told(result)] == frames, result
    assert result.summary["resets"] == 3 and result.summary["shown"] == len(frames), result
    # in text too, however benign
    assert explain(capture, "--cause", causes).out.count("FRAME ") == len(frames)


@pytest.fixture(scope="module")
def flows(made):
    return made.write("flows.pcap", refused(40001) + refused(40002, 8080)
                      + refused(40003, 443, CLIENT, OTHER)
                      + refused(40004, 443, CLIENT6, SERVER6))


@pytest.mark.parametrize("flow,frames", [
    (SERVER, [2, 4]), (CLIENT, [2, 4, 6]), (OTHER, [6]), ("192.0.2.99", []),
    (":443", [6, 8]), (":40002", [4]), (":9", []),
    (SERVER + ":8080", [4]), (SERVER + ":443", []),
    ("198.51.100.0/24", [2, 4]), ("198.51.100.0/29:81", [2]), ("0.0.0.0/0", [2, 4, 6]),
    ("[%s]:443" % SERVER6, [8]), ("[%s]" % SERVER6, [8]), (SERVER6, [8]), ("2001:db8::/32", [8]),
    ("[2001:db8::/32]:443", [8]), ("::/0", [8]),
    ("%s:40001-%s:81" % (CLIENT, SERVER), [2]), ("%s:81-%s:40001" % (SERVER, CLIENT), [2]),
    ("%s:81-%s:40001" % (CLIENT, SERVER), []), ("%s-%s" % (OTHER, CLIENT), [6]),
    (":40004-:443", [8]), ("%s-%s" % (OTHER, SERVER), []),
    ("%s,%s" % (OTHER, SERVER6), [6, 8]),
])
def test_flow(resets, flows, flow, frames):
    result = resets(flows, "--flow", flow)
    assert result.status == 0 and [f for f, _ in told(result)] == frames, result


def test_several_flows_add_up(resets, flows):
    result = resets(flows, "--flow", OTHER, "--flow", ":8080")
    assert [f for f, _ in told(result)] == [4, 6], result
    result = resets(flows, "--flow", CLIENT, "--cause", "half-open")
    assert told(result) == [], "both must hold"


@pytest.mark.parametrize("words,status", [
    (["--fail-on", "problem"], 1), (["--fail-on", "suspicious"], 0), (["--fail-on", "benign"], 1),
    (["--fail-on", "suspicious,problem"], 1), (["--fail-on", "refused"], 1),
    (["--fail-on", "half-open,injected"], 0), (["--fail-on", "half-open,abort-after-fin"], 1),
    (["--fail-on", "problem", "--cause", "abort-after-fin"], 0),
    (["--fail-on", "problem", "--flow", ":9"], 0),
    (["--fail-on", "problem", "--flow", ":8080"], 1),
    (["--fail-on", "problem", "--summary"], 1),
    (["--fail-on", "problem", "-q", "-o", "/dev/null"], 1),
    ([], 0),
])
def test_fail_on(explain, capture, words, status):
    result = explain(capture, *words)
    assert result.status == status and not result.err, result


def test_graver_statuses_win_over_fail_on(lab, explain, capture):
    path = lab.path("cut.pcap")
    with open(capture, "rb") as f, open(path, "wb") as to:
        to.write(f.read()[:-7])
    assert explain(path, "--fail-on", "problem").status == 3
    assert explain(capture, "/nonexistent", "--fail-on", "problem").status == 2


# --- both ends ----------------------------------------------------------------------------------

def test_join_tells_a_rst_once(made, resets):
    """Seen at both ends: where it was sent. Seen by one: whatever the other is silent about."""
    stories = [refused(40060), aborted_after_fin(40061), refused(40062, 8080)]
    client = made.write("client.pcap", [f for s in stories for f in s])
    server = made.write("server.pcap", [f for s in stories[:2] for f in s])
    result = resets("--join", client, server)
    assert result.status == 0 and not result.err, result
    assert [(r["file"], r["sport"]) for r in result.of("reset")] == [
        (client, 8080), (server, 81), (server, 80)], result
    assert result.summary["shown"] == 3, result
    # ... and is counted once
    assert result.summary["resets"] == sum(result.summary["causes"].values()) == 3, result
    assert result.summary["flows"] == 3, result


def test_join_of_strangers(made, explain):
    a, b = made.write("a.pcap", refused(40070)), made.write("b.pcap", refused(40071, 82, OTHER))
    result = explain("--join", a, b)
    check_one_line(result, 2, "no packet in common")
    assert result.out == "", "nothing that looks like a result"


def test_join_says_once_what_is_wrong(lab, made, resets):
    story = aborted_after_fin(40080) + refused(40081)
    client, server = made.write("client.pcap", story), made.write("server.pcap", story)
    with open(server, "r+b") as f:
        f.truncate(os.path.getsize(server) - 7)
    result = resets(client, server, "--join")
    check_one_line(result, 3, server)
    assert len(told(result)) == 2, result
    result = resets(client, lab.path("missing"), "--join")
    check_one_line(result, 2, "missing")
    assert result.out == "", result


# --- outputs ------------------------------------------------------------------------------------

def test_several_outputs_at_once(lab, explain, capture):
    text, lines = lab.path("text"), lab.path("lines")
    result = explain(capture, "-o", text, "-oJ", lines)
    assert result.status == 0 and result.out == "" and not result.err, result
    with open(text, encoding="utf-8") as f:
        assert "refused" in f.read()
    with open(lines, encoding="utf-8") as f:
        kinds = [json.loads(line)["type"] for line in f]
    assert kinds == ["run", "reset", "reset", "reset", "summary"]
    result = explain(capture, "-oJ", "-", "-o", text)
    assert told(result) == ALL, result


def test_html(lab, explain, capture):
    page = lab.path("page.html")
    result = explain(capture, "--format", "html", "-o", page)
    assert result.status == 0 and result.out == "", result
    with open(page, encoding="utf-8") as f:
        assert "refused" in f.read()


def test_color(explain, capture):
    assert "\033[" not in explain(capture).out
    assert "\033[" in explain(capture, "--color", "always").out


def test_a_full_disk_is_said(explain, capture):
    result = explain(capture, "-o", "/dev/full")
    check_one_line(result, 3, "No space left")
    result = explain(capture, "-w", "/dev/full", "-o", "/dev/null")
    check_one_line(result, 3, "/dev/full")


def test_a_reader_that_leaves_is_no_matter(host, made):
    """`| head` ends it without a word."""
    path = made.write("many.pcap", [f for i in range(3000) for f in refused(10000 + i)])
    argv = host.within([os.environ["RSTPROBE"], "explain", path, "--all"])
    run = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout.read(5) == b"FRAME"
    run.stdout.close()
    try:
        assert run.wait(DEADLINE) == 3
        assert run.stderr.read() == b""
    finally:
        run.kill()
        run.stderr.close()


def test_progress_only_where_asked(explain, capture):
    assert explain(capture).err == ""
    assert "frames" in explain(capture, "--stats-every", "1us").err


# --- -w -----------------------------------------------------------------------------------------

def frames_of(path):
    """(stream's ports, flags) of a pcap, by tshark."""
    if not shutil.which("tshark"):
        pytest.skip("no tshark")
    done = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "tcp.srcport", "-e",
                           "tcp.dstport", "-e", "frame.time_epoch"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=DEADLINE, check=False,
                          env=dict(os.environ, HOME="/nonexistent"))  # no settings of a person's
    assert done.returncode == 0, done.stderr
    return [tuple(line.split("\t")) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("words,n", [
    ([], 4), (["--all"], 13), (["--cause", "abort-after-fin"], 9), (["--flow", ":8080"], 2),
    (["--cause", "half-open"], 0), (["--summary"], 4), (["--format", "json"], 4),
])
def test_write_the_flows_of_findings(lab, explain, capture, words, n):
    path = lab.path("found.pcap")
    result = explain(capture, "-w", path, *words)
    assert result.status == 0 and not result.err, result
    assert len(frames_of(path)) == n, result


def test_write_keeps_frames_as_they_are(lab, explain, capture):
    path = lab.path("found.pcap")
    explain(capture, "-w", path, "--all")
    again = explain(path, "--format", "json")
    assert told(again) == [(2, "refused"), (11, "abort-after-fin"), (13, "refused")], again
    first, last = frames_of(path)[0][2], frames_of(path)[-1][2]
    want = frames_of(capture)
    assert (first, last) == (want[0][2], want[-1][2])


def test_write_from_stdin(lab, explain, capture):
    """What can't be read twice is put aside first, and leaves nothing behind."""
    path, tmp = lab.path("found.pcap"), lab.path("tmp")
    os.mkdir(tmp, 0o700)
    with open(capture, "rb") as f:
        result = explain("-", capture, "-w", path, stdin=f, env={"TMPDIR": tmp})
    assert result.status == 0 and not result.err, result
    assert len(frames_of(path)) == 8 and os.listdir(tmp) == []
    with open(capture, "rb") as f:
        result = explain("-", "-w", path, stdin=f, env={"TMPDIR": "/nonexistent"})
    check_one_line(result, 2, "TMPDIR")
    assert not result.out, result


def test_write_of_mixed_link_types_is_ip_alone(lab, made, explain):
    a = made.write("ether.pcap", refused(40020))
    b = made.write("raw.pcap", refused(40021), ether=False)
    path = lab.path("found.pcap")
    result = explain(a, b, "-w", path)
    assert result.status == 0, result
    assert [f[:2] for f in frames_of(path)] == [("40020", "81"), ("81", "40020"),
                                                ("40021", "81"), ("81", "40021")]


def test_write_has_the_icmp_errors_of_a_flow(lab, made, explain):
    from scapy.layers.inet import ICMP
    story = refused(40040)
    error = ip(OTHER, CLIENT) / ICMP(type=3, code=1) / bytes(story[0])[:28]
    path = lab.path("found.pcap")
    explain(made.write("icmp.pcap", [story[0], error, udp(), story[1]]), "-w", path)
    assert len(frames_of(path)) == 3


def test_write_to_stdout(host, capture):
    argv = host.within([os.environ["RSTPROBE"], "explain", capture, "-w", "-", "-o", "/dev/null"])
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=DEADLINE, check=True)
    assert done.stdout[:4] == b"\x4d\x3c\xb2\xa1" and len(done.stdout) > 24


# --- ends ---------------------------------------------------------------------------------------

def test_interrupted_while_reading(lab, host, capture):
    """A pipe that nobody writes into: what came before is told."""
    path = lab.path("fifo")
    os.mkfifo(path, 0o644)
    run = host.start("explain", path, "--all", "--format", "json", "--stats-every", "1us")
    with open(path, "wb") as to, open(capture, "rb") as f:
        to.write(f.read())
        to.flush()
        until("the frames to be read", lambda: waiting_in(to.fileno()) == 0)
        until("it to wait for more", lambda: state_of(run.process.pid) == "S")
        run.signal(signal.SIGINT)
        result = run.wait()
    assert result.status == 3, result
    assert told(result) == ALL and result.summary["complete"] is False, result
    assert "interrupted" in result.summary["why"], result


def test_interrupted_in_a_file(lab, host, made):
    """Held up by a pipe that takes no more until the signal is there."""
    path, n = lab.path("fifo"), 2000
    capture = made.write("many.pcap", [f for i in range(n) for f in refused(10000 + i)])
    os.mkfifo(path, 0o644)
    keep = os.open(path, os.O_RDWR)
    run = host.start("explain", "--format", "json", "-o", path, capture)
    until("the pipe to be full", lambda: waiting_in(keep) > 60000)
    run.signal(signal.SIGINT)
    with open(path, "rb") as f:
        os.close(keep)
        records = [json.loads(line) for line in f.read().splitlines()]
    result = run.wait()
    check_one_line(result, 3, "interrupted")
    summary = records[-1]
    assert "interrupted" in summary["why"] and 0 < summary["resets"] < n, summary


def test_interrupted_before_anybody_writes(lab, host):
    path = lab.path("fifo")
    os.mkfifo(path, 0o644)
    run = host.start("explain", path)
    until("it to wait", lambda: path in files_of(run.process.pid).values())
    run.signal(signal.SIGINT)
    result = run.wait()
    check_one_line(result, 3, "interrupted")
    assert result.out == "", result


def waiting_in(fd):
    """Octets in a pipe."""
    n = array.array("i", [0])
    fcntl.ioctl(fd, termios.FIONREAD, n)
    return n[0]


def test_deadline_of_files(made, resets):
    path = made.write("one.pcap", refused(40050))
    result = resets(*[path] * 5, "--deadline", "1us")
    assert result.status == 3 and "--deadline" in result.summary["why"], result


# --- live ---------------------------------------------------------------------------------------

CONNECT = """
import socket, sys
for port in map(int, sys.argv[2:]):
    try:
        socket.create_connection((sys.argv[1], port), 5)
    except ConnectionRefusedError:
        pass
"""


def connect(host, *ports):
    host.sh("/usr/bin/python3", "-c", CONNECT, "127.0.0.1", *map(str, ports))


def start(host, *words, **kw):
    run = host.start("explain", *words, **kw)

    def look():
        assert run.process.poll() is None, run.wait()
        return "listening" in run.text("err")
    until("it to listen", look)
    return run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("iface", ["lo", "any"])
def test_live_until_it_is_enough(host, number, iface):
    run = start(host, "-i", iface, "--format", "json", "--no-kernel")
    connect(host, 4001, 4002)
    until("findings as they happen", lambda: run.text("out").count('"type":"reset"') == 2)
    run.signal(number)
    result = run.wait()
    assert result.status == 0, result
    assert [(r["sport"], r["cause"]) for r in result.of("reset")] == [
        (4001, "refused"), (4002, "refused")], result
    assert result.summary["complete"] is True and result.summary["pcap_dropped"] == 0, result


def test_live_text_says_what_it_does(host):
    run = start(host, "-i", "lo", "--no-kernel")
    connect(host, 4003)
    until("a finding", lambda: "refused" in run.text("out"))
    run.signal(signal.SIGINT)
    result = run.wait()
    assert result.status == 0 and "1 RST in" in result.out, result


@pytest.mark.parametrize("words", [["--count", "2"], ["--deadline", "4s"]])
def test_live_ends_by_itself(host, words):
    argv = host.within(["/usr/bin/python3", "-c", "print(flush=True)\ninput()" + CONNECT,
                        "127.0.0.1", "4004", "4005", "4006"])
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ready:
        ready.stdout.readline()  # what takes long is over before the time begins
        run = start(host, "-i", "lo", "--no-kernel", "--format", "json", "--fail-on", "refused",
                    *words)
        ready.communicate(b"\n")
    result = run.wait()
    assert result.status == 1, result
    assert len(told(result)) == (2 if "--count" in words else 3), result
    assert result.summary["complete"] is True, result


def test_live_filter(host):
    run = start(host, "-i", "lo", "--no-kernel", "--format", "json", "-f", "port 4008",
                "--count", "1")
    connect(host, 4007, 4008)
    result = run.wait()
    assert [r["sport"] for r in result.of("reset")] == [4008] and result.status == 0, result


def test_live_write(lab, host):
    path, tmp = lab.path("live.pcap"), lab.path("tmp")
    os.mkdir(tmp, 0o700)
    listener = host.listen([4010])
    run = start(host, "-i", "lo", "--no-kernel", "-w", path, "--count", "1", env={"TMPDIR": tmp})
    connect(host, 4010, 4009)
    result = run.wait()
    listener.kill()
    assert result.status == 0, result
    got = frames_of(path)
    assert len(got) == 2 and {"4009"} < {p for f in got for p in f[:2]}, got
    assert os.listdir(tmp) == []


def test_live_interface_goes_down(lab, host):
    host.ip("link", "add", "gone0", "type", "veth", "peer", "name", "gone1")
    for name in ("gone0", "gone1"):
        host.ip("link", "set", name, "up")
    run = start(host, "-i", "gone0", "--no-kernel", "--format", "json")
    host.ip("link", "del", "gone0")
    result = run.wait()
    assert result.status == 3 and result.summary["complete"] is False, result
    assert "gone0" in result.err and "gone0" in result.summary["why"], result


def test_live_no_such_interface(explain):
    check_one_line(explain("-i", "nosuch0"), 4, "nosuch0")


def test_live_bad_filter(explain):
    check_one_line(explain("-i", "lo", "-f", "port teapot and"), 2, "filter")


def test_live_without_privilege(explain):
    result = explain("-i", "lo", wrap=NO_CAPS)
    assert result.status == 4 and result.out == "", result
    assert "CAP_NET_RAW" in result.err and "setcap cap_net_raw" in result.err, result


def test_live_second_signal_ends_at_once(host, capture, lab):
    """While the first is being obeyed: a pipe that takes no more holds it up."""
    path = lab.path("fifo")
    os.mkfifo(path, 0o644)
    keep = os.open(path, os.O_RDWR)
    run = host.start("explain", capture, "--all", "-o", path, *[capture] * 200)
    until("the pipe to be full", lambda: waiting_in(keep) > 60000)
    run.signal(signal.SIGINT)
    # within 0.1 s it would be the same wish told twice
    begun = time.monotonic()
    until("the echo to be over", lambda: time.monotonic() > begun + 0.15)
    run.signal(signal.SIGINT)
    result = run.wait()
    os.close(keep)
    assert result.status in (130, -signal.SIGINT), result


def test_kernel_joins_its_reason(host, real_root):
    run = start(host, "-i", "lo", "--format", "json")
    if "without the kernel" in run.text("err"):
        run.signal(signal.SIGINT)
        why = run.text("err")
        assert run.wait().status == 0
        assert host.rstprobe("explain", "-i", "lo", "--kernel").status == 4, why
        pytest.skip(why)

    def heard():
        connect(host, 4011)
        return '"kernel_reason":"' in run.text("out")
    until("the kernel's word, which others' floods may push out", heard)
    run.signal(signal.SIGINT)
    result = run.wait()
    resets = result.of("reset")
    assert resets and {r["cause"] for r in resets} == {"refused"}, result
    assert {r["kernel_reason"] for r in resets if r.get("kernel_reason")} == {"NO_SOCKET"}, result


def test_kernel_that_keeps_silent_is_one_note(host, real_root):
    """Without the rights on the tracepoint it still listens; asked for by name it is an error."""
    wrap = ["setpriv", "--bounding-set=-all,+net_raw,+setuid,+setgid", "--inh-caps=-all"]
    run = start(host, "-i", "lo", "--format", "json", wrap=wrap)
    run.signal(signal.SIGINT)
    result = run.wait()
    assert result.status == 0 and result.err.count("kernel") >= 1, result
    assert len(result.err.splitlines()) == 2, result
    result = host.rstprobe("explain", "-i", "lo", "--kernel", wrap=wrap)
    check_one_line(result, 4, "--kernel")
