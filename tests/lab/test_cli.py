"""The face: exit statuses, messages, privilege, names, formats."""

import json
import os

import pytest

from lab import AS_NOBODY, CLIENT, RSTPROBE, SERVER, SERVER6, give_capability, overlay

OPEN, OPEN2, CLOSED = 80, 443, 81
NO_CAPS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
FILES_ONLY = {"/etc/nsswitch.conf": "hosts: files\nservices: files\n"}
HOSTS = "%s twin web1\n%s twin\n127.0.0.1 localhost\n" % (SERVER, SERVER6)


@pytest.fixture(scope="module")
def net(path3):
    path3.server.listen([OPEN, OPEN2])
    # counted on the router: what leaves by a packet socket passes no firewall of the sender
    path3.router.firewall(
        counters=["tcps"], forward=["tcp dport 82 drop"],
        prerouting=["iifname down meta l4proto tcp counter name tcps"])
    return path3


# --- exit statuses ------------------------------------------------------------------------------

BAD = {
    "no target": ["scan"],
    "nothing at all": [],
    "port 70000": ["scan", SERVER, "-p", "70000"],
    "port that is no number": ["scan", SERVER, "-p", "80,nosuchservice"],
    "backward range": ["scan", SERVER, "-p", "90-80"],
    "empty port list": ["scan", SERVER, "-p", ""],
    "all ports excluded": ["scan", SERVER, "-p", "80,!80"],
    "prefix 33": ["scan", "10.0.0.0/33", "-p", "80"],
    "prefix 129": ["scan", "fd00::/129", "-p", "80"],
    "absurdly many": ["scan", "fd00::/16", "-p", "80"],
    "octet 256": ["scan", "10.0.0.256", "-p", "80"],
    "empty target list": ["scan", "-iL", "/dev/null", "-p", "80"],
    "all targets excluded": ["scan", SERVER, "--exclude", SERVER, "-p", "80"],
    "bad exclude": ["scan", SERVER, "--exclude", "10.0.0.0/40", "-p", "80"],
    "unknown name": ["scan", "nosuchname", "-p", "80"],
    "unreadable targets": ["scan", "-iL", "/nonexistent/list", "-p", "80"],
    "unreadable excludes": ["scan", SERVER, "--exclude-file", "/nonexistent/list", "-p", "80"],
    "targets are a directory": ["scan", "-iL", "/", "-p", "80"],
    "unknown long option": ["scan", SERVER, "--nosuch"],
    "unknown short option": ["scan", SERVER, "-Z"],
    "missing value": ["scan", SERVER, "-p"],
    "stack without target": ["stack"],
    "an option of scan alone": ["stack", SERVER, "--probe", "syn"],
    "too many ports for stack": ["stack", SERVER, "-p", "-"],
    "too many hosts for stack": ["stack", "10.0.0.0/8"],
    "rate of stack by a word": ["stack", SERVER, "--rate", "max"],
    "a fixed port with --stack": ["scan", SERVER, "--stack", "-g", "53"],
    "mistyped command": ["scna"],
    "mistyped command with target": ["probs", SERVER],
    "unknown probe": ["scan", SERVER, "--probe", "syn,nosuch"],
    "unknown flag": ["scan", SERVER, "--flags", "SZ"],
    "unknown format": ["scan", SERVER, "--format", "nosuch"],
    "unknown state": ["scan", SERVER, "--expect", "ajar"],
    "duration without unit": ["scan", SERVER, "-T", "5"],
    "negative rate": ["scan", SERVER, "--rate", "-5"],
    "retries 99": ["scan", SERVER, "-r", "99"],
    "source port 0": ["scan", SERVER, "-g", "0"],
    "source port 70000": ["scan", SERVER, "-g", "70000"],
    "source that is no address": ["scan", SERVER, "-S", "here"],
    "multicast": ["scan", "224.0.0.1", "-p", "80"],
    "multicast 6": ["scan", "ff02::1%up", "-p", "80"],
    "broadcast": ["scan", "255.255.255.255", "-p", "80"],
    "unspecified": ["scan", "0.0.0.0", "-p", "80"],
    "unspecified 6": ["scan", "::", "-p", "80"],
    "both families forbidden": ["scan", SERVER, "-6", "-p", "80"],
    "nmap -T4": ["scan", SERVER, "-T4"],
    "nmap -A": ["scan", SERVER, "-A"],
    "nmap -oN": ["scan", SERVER, "-oN", "out"],
    "nmap -oG": ["scan", SERVER, "-oG", "out"],
}
NAMED = {"port 70000": "70000", "prefix 33": "10.0.0.0/33", "unknown name": "nosuchname",
         "unreadable targets": "/nonexistent/list", "unknown long option": "--nosuch",
         "mistyped command": "scan", "mistyped command with target": "probes",
         "multicast": "224.0.0.1", "nmap -T4": "-T", "duration without unit": "5s",
         "unknown probe": "nosuch", "octet 256": "10.0.0.256"}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(net, case):
    result = net.client.rstprobe(*BAD[case], files=FILES_ONLY)
    assert result.status == 2, result
    assert result.out == "", result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("rstprobe"), result
    assert NAMED.get(case, "") in lines[0], result


def test_unreadable_file_of_an_ordinary_user(net, real_root):
    path = net.lab.scratch("secret", SERVER + "\n").name
    os.chmod(path, 0o600)
    result = net.client.rstprobe("scan", "-iL", path, "-p", "80", wrap=AS_NOBODY)
    assert result.status == 2 and path in result.err, result


@pytest.mark.parametrize("words,status", [
    (["-p", "80", "--expect", "open"], 0),
    (["-p", "81", "--expect", "open"], 1),
    (["-p", "80,81", "--expect", "open"], 1),
    (["-p", "80,81", "--expect", "open,closed"], 0),
    (["-p", "82", "--expect", "filtered", "-r", "1"], 0),
    (["-p", "80,81"], 0),
    (["-p", "1-2000", "--rate", "100", "--deadline", "300ms", "--expect", "open"], 3),
])
def test_status_of_a_run(net, words, status):
    result = net.client.scan(SERVER, *words)
    assert result.status == status, result


def test_first_word_may_be_the_target(net):
    result = net.client.rstprobe(SERVER, "-p", "80,81", "--format", "json")
    assert result.states() == {80: "open", 81: "closed"}, result


def test_options_and_targets_in_any_order(net):
    result = net.client.rstprobe("scan", "--format", "json", "-p", "80", "--", SERVER)
    assert result.states() == {80: "open"}, result
    result = net.client.rstprobe("scan", "-p80", SERVER, "--format=json")
    assert result.states() == {80: "open"}, result


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["scan", "--help"], ["probes", "-h"],
                                   ["doctor", "--help"], ["--version"], ["-V"]])
def test_help_and_version_on_stdout(net, words):
    result = net.client.rstprobe(*words, wrap=NO_CAPS)
    assert result.status == 0 and result.out and not result.err, result


@pytest.mark.parametrize("command", ["", "scan", "stack", "explain", "trace", "provoke", "audit",
                                     "diff", "doctor", "probes"])
def test_help_fits_a_terminal(net, command):
    result = net.client.rstprobe(*command.split(), "--help")
    assert not [line for line in result.out.splitlines() if len(line) > 80], result


# --- names --------------------------------------------------------------------------------------

def test_every_address_of_a_name(net):
    files = dict(FILES_ONLY, **{"/etc/hosts": HOSTS})
    result = net.client.scan("twin", "-p", "80,81", files=files)
    assert result.status == 0, result
    for addr in (SERVER, SERVER6):
        assert result.states(addr) == {80: "open", 81: "closed"}, result
    assert {p["name"] for p in result.of("port")} == {"twin"}
    for option, addr in (("-4", SERVER), ("-6", SERVER6)):
        only = net.client.scan("twin", option, "-p", "80", files=files)
        assert [p["addr"] for p in only.of("port")] == [addr], only
    first = net.client.scan("twin", "--first", "-p", "80", files=files)
    assert len(first.of("port")) == 1, first


def test_one_bad_name_among_many(net):
    result = net.client.scan("nosuchname", SERVER, "-p", "80", files=FILES_ONLY)
    assert result.status == 3, result
    assert result.states(SERVER) == {80: "open"}
    assert "nosuchname" in result.err and len(result.err.splitlines()) == 1, result


def test_resolver_that_fails_for_now(net):
    """Nobody answers at the name server's port: try later, not `unknown`."""
    files = {"/etc/nsswitch.conf": "hosts: files dns\n"}
    if os.path.exists("/etc/resolv.conf"):
        files["/etc/resolv.conf"] = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
    result = net.client.scan("some.example", SERVER, "-p", "80", files=files)
    assert result.status == 3, result
    assert result.states(SERVER) == {80: "open"}
    assert "some.example" in result.err, result
    alone = net.client.scan("some.example", "-p", "80", files=files)
    assert alone.status == 3, alone


def test_name_server_that_knows_no_such_name(net):
    if not os.path.exists("/etc/resolv.conf"):
        pytest.skip("no /etc/resolv.conf to lay ours over")
    files = {"/etc/nsswitch.conf": "hosts: files dns\n",
             "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"}
    net.client.helper("dns")
    result = net.client.scan("some.example", "-p", "80", files=files)
    assert result.status == 2 and "some.example" in result.err, result


def test_targets_from_file_and_stdin(net):
    text = "# comment\n%s   # the server\n\n[%s]:443\n" % (SERVER, SERVER6)
    path = net.lab.scratch("targets", text).name
    for result in (net.client.scan("-iL", path, "-p", "80"),
                   net.client.scan("-iL", "-", "-p", "80", text=text)):
        assert result.status == 0, result
        assert result.states(SERVER) == {80: "open"}
        assert result.states(SERVER6).get(443) == "open", result


def test_ranges_of_targets_and_excludes(net):
    excludes = net.lab.scratch("excludes", "10.201.2.3 # not that\n").name
    before = net.router.counter("tcps")
    result = net.client.scan("10.201.2.1-4", "--exclude", "10.201.2.0/31", "--exclude-file",
                             excludes, "-p", "80", "-r", "0", "-T", "200ms", "-g", "45000")
    assert result.status == 0, result
    assert result.states(SERVER) == {80: "open"}, result
    addrs = {r["addr"] for r in result.records if "addr" in r}
    assert not addrs & {"10.201.2.1", "10.201.2.3"}, result
    # .2 and .4 and our kernel's own RST to the SYN-ACK
    assert net.router.counter("tcps") - before <= 3


def test_port_lists(net):
    result = net.client.scan(SERVER, "-p", "http,https,79-82,!82", files=FILES_ONLY)
    assert sorted(result.states()) == [79, 80, 81, 443], result


# --- output -------------------------------------------------------------------------------------

def test_text_reads_as_a_table(net):
    result = net.client.rstprobe("scan", SERVER, "-p", "80,81,82", "-r", "1")
    assert result.status == 0, result
    head = next(line for line in result.out.splitlines() if line.startswith("PORT"))
    assert head.split()[:3] == ["PORT", "STATE", "REASON"]
    rows = [line.split() for line in result.out.splitlines() if "/tcp " in line]
    got = {int(row[0].partition("/")[0]): row[1:3] for row in rows}
    assert got[80] == ["open", "syn-ack"] and got[81] == ["closed", "rst-ack"], result
    assert got[82] == ["filtered", "no-response"]
    assert "\033" not in result.out
    assert result.err == "", result


def test_quiet_and_color(net):
    assert "\033" in net.client.rstprobe("scan", SERVER, "-p", "80", "--color", "always").out
    quiet = net.client.rstprobe("scan", SERVER, "-p", "80", "-q")
    assert quiet.status == 0 and quiet.err == "", quiet
    bare = net.client.rstprobe("scan", SERVER, "-p", "80", "--color", "auto",
                               env={"NO_COLOR": "1"})
    assert "\033" not in bare.out


def test_names_that_cannot_exist_ask_nobody(net):
    """RFC 6761, 6.4: with or without a resolver such a name is unknown, not a failure for now."""
    for name in ("nosuch.invalid", "nosuch.INVALID."):
        alone = net.client.rstprobe("scan", name, "-p", "80")
        assert alone.status == 2 and "no such name" in alone.err, alone
    among = net.client.rstprobe("scan", "nosuch.invalid", SERVER, "-p", "80")
    assert among.status == 3 and "80/tcp" in among.out, among


def test_source_that_is_not_ours_is_said(net):
    """Its silence would read as the target's."""
    foreign = net.client.rstprobe("scan", SERVER, "-p", "80", "-r", "0", "-S", "10.201.1.99")
    assert "10.201.1.99 is no address of this machine" in foreign.err, foreign
    ours = net.client.rstprobe("scan", SERVER, "-p", "80", "-S", CLIENT)
    assert ours.status == 0 and ours.err == "", ours


@pytest.mark.parametrize("words", [["--show", "open"], ["--open"]])
def test_show(net, words):
    result = net.client.scan(SERVER, "-p", "75-85", "-r", "1", *words)
    assert {p["state"] for p in result.of("port")} == {"open"}, result
    assert result.counts() == {"open": 1, "closed": 9, "filtered": 1}


def test_show_all_and_ranges(net):
    brief = net.client.scan(SERVER, "-p", "1000-1200")
    assert not brief.of("port") and brief.of("ports")[0]["ports"] == "1000-1200", brief
    whole = net.client.scan(SERVER, "-p", "1000-1200", "--show", "all")
    assert len(whole.of("port")) == 201 and not whole.of("ports")


def test_several_outputs(net):
    text, lines = net.lab.path("out.txt"), net.lab.path("out.json")
    result = net.client.rstprobe("scan", SERVER, "-p", "80", "-o", text, "-oJ", lines)
    assert result.status == 0, result
    with open(text, encoding="utf-8") as f:
        assert "80" in f.read()
    with open(lines, encoding="utf-8") as f:
        records = [json.loads(line) for line in f]
    assert records[0]["type"] == "run" and records[-1]["type"] == "summary"
    both = net.client.rstprobe("scan", SERVER, "-p", "80", "-oJ", "-")
    assert both.records and both.summary["complete"] is True, both


def test_argv_is_recorded(net):
    result = net.client.scan(SERVER, "-p", "80", "--seed", "3")
    assert result.run["argv"][1:] == ["scan", SERVER, "-p", "80", "--seed", "3",
                                      "--format", "json"]


@pytest.mark.parametrize("where", ["stdout", "-o", "-oJ", "-w"])
def test_output_that_cannot_be_written(net, where):
    words = ["scan", SERVER, "-p", "1-300", "--format", "json"]
    if where == "stdout":
        with open("/dev/full", "w", encoding="ascii") as full:
            result = net.client.rstprobe(*words, stdout=full)
    else:
        result = net.client.rstprobe(*words, where, "/dev/full")
    assert result.status == 3, result
    assert len(result.err.splitlines()) == 1, result


def test_reader_that_goes_away(net):
    """As `| head -1` does: incomplete output, no death without a word, no endless run."""
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as pipe:
        result = net.client.rstprobe("scan", SERVER, "-p", "1-300", "--format", "json",
                                     stdout=pipe)
    assert result.status == 3, result


# --- privilege ----------------------------------------------------------------------------------

def test_without_cap_net_raw(net):
    result = net.client.rstprobe("scan", SERVER, "-p", "80", wrap=NO_CAPS)
    assert result.status == 4, result
    assert result.out == "", result
    assert "CAP_NET_RAW" in result.err.upper()
    for word in ("setcap", "sudo", "--cap-add"):
        assert word in result.err, result


def test_as_nobody(net, real_root):
    result = net.client.rstprobe("scan", SERVER, "-p", "80", wrap=AS_NOBODY)
    assert result.status == 4 and "setcap" in result.err, result


def test_file_capability_of_an_ordinary_user(net, real_root):
    copy = net.client.public(RSTPROBE)
    why = give_capability(copy)
    if why:
        pytest.skip(why)
    for addr in (SERVER, SERVER6, "127.0.0.1"):
        result = net.client.scan(addr, "-p", "80,81", binary=copy, wrap=AS_NOBODY)
        assert result.status == 0, result
        assert result.states()[81] == "closed"


def test_dry_run_needs_nothing_and_sends_nothing(net):
    before = net.router.counter("tcps")
    result = net.client.rstprobe("scan", SERVER, "-p", "80,81", "--dry-run", wrap=NO_CAPS)
    assert result.status == 0, result
    assert SERVER in result.out and "mss" in result.out, result
    assert net.router.counter("tcps") == before


def test_bad_input_is_told_before_privilege(net):
    result = net.client.rstprobe("scan", SERVER, "-p", "70000", wrap=NO_CAPS)
    assert result.status == 2, result


# --- the other commands -------------------------------------------------------------------------

def test_probes(net):
    result = net.client.rstprobe("probes", wrap=NO_CAPS)
    assert result.status == 0, result
    for word in ("syn", "ack", "data", "finack", "synack", "null", "null-data", "fin", "xmas",
                 "syn-data", "rst-seq-from-ack", "challenge-ack", "9293"):
        assert word in result.out, word


def test_overlay_stays_inside(net):
    """The lab's own promise: a file laid over one of /etc is seen by nobody else."""
    with open("/etc/hosts", encoding="utf-8") as f:
        before = f.read()
    seen = net.client.sh(*overlay(net.lab, {"/etc/hosts": HOSTS}), "cat", "/etc/hosts").stdout
    with open("/etc/hosts", encoding="utf-8") as f:
        assert f.read() == before
    assert seen == HOSTS
