"""`diff`: two results as files, what is told of them, and how it ends; then results of real scans.

The files are made here, record by record; which changes there are to be told apart is tested in
test_changes.
"""

import json
import os
import re
import signal
import subprocess

import pytest

from lab import AS_NOBODY, DEADLINE, RSTPROBE, SERVER, until

WEB, DB = "192.0.2.7", "192.0.2.9"


# --- results --------------------------------------------------------------------------------------

def run(command="scan", at="2026-11-20T02:00:00.000000Z", **more):
    return dict(type="run", schema=1, tool="rstprobe", version="0.1.0", command=command, argv=[],
                started=at, seed=1, **more)


def port(number, state, reason="", addr=WEB, **more):
    return dict(type="port", addr=addr, port=number, proto="tcp", state=state, reason=reason, **more)


def ports(numbers, state, reason="", addr=WEB):
    return dict(type="ports", addr=addr, state=state, reason=reason, ports=numbers)


def host(addr=WEB, up=True, **more):
    return dict(type="host", addr=addr, up=up, counts={}, **more)


def covers(first, last, numbers):
    return dict(type="covers", first=first, last=last, ports=numbers)


def summary(complete=True, **more):
    return dict(type="summary", complete=complete, **more)


def lines(*records):
    return "".join(json.dumps(r, separators=(",", ":")) + "\n" for r in records)


OLD = lines(run(), port(22, "open", "syn-ack", name="web1"), port(80, "closed", "rst-ack"),
            port(25, "filtered", "no-response"), port(443, "open", "syn-ack"),
            ports("1000-1999", "closed", "rst-ack"), host(), summary())
NEW = lines(run(at="2026-11-21T02:00:00.000000Z"), port(22, "closed", "rst-ack", name="web1"),
            port(80, "open", "syn-ack"), port(25, "rejected", "icmp-admin-prohibited"),
            port(443, "open", "syn-ack"), port(8443, "open", "syn-ack"),
            ports("1000-1499", "closed", "rst-ack"), ports("1500-1999", "filtered", "no-response"),
            host(), summary())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    d = tmp_path_factory.mktemp("diff")
    os.chmod(d, 0o755)
    return d


class Diff:
    """Runs it on two texts, or names of files."""

    def __init__(self, place, old, new, *words, wrap=(), stdin=None, stdout=subprocess.PIPE):
        os.chdir(place)
        names = []
        for name, text in (("mon", old), ("tue", new)):
            if isinstance(text, bytes) or "\n" in text or not text:
                with open(name, "wb") as f:
                    f.write(text if isinstance(text, bytes) else text.encode())
                text = name
            names.append(text)
        done = subprocess.run([*wrap, RSTPROBE, "diff", *names, *map(str, words)], input=stdin,
                              stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return "status %d\n%s\n%s" % (self.status, self.out, self.err)

    @property
    def records(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def changes(self):
        return [r for r in self.records if r["type"] == "change"]

    @property
    def summary(self):
        assert self.records[-1]["type"] == "summary", self
        return self.records[-1]


@pytest.fixture
def diff(place):
    return lambda *a, **kw: Diff(place, *a, **kw)


# --- what is told ---------------------------------------------------------------------------------

TEXT = """\
mon (2026-11-20 02:00:00 UTC) -> tue (2026-11-21 02:00:00 UTC)

192.0.2.7 (web1)
  - 22/tcp      closed (was open)
  + 80/tcp      open (was closed)
  ~ 25/tcp      filtered -> rejected, icmp-admin-prohibited
  ~ 500 ports   closed -> filtered: 1500-1999

Newly covered: asked in tue alone, 1 port
  192.0.2.7 (web1)  8443/tcp    open

1 opened, 1 closed, 501 changed otherwise, 1 newly covered; 1,004 ports measured
  by both
"""


def test_text(diff):
    got = diff(OLD, NEW)
    assert (got.status, got.out, got.err) == (1, TEXT, "")


def test_json(diff):
    got = diff(OLD, NEW, "--format", "json")
    assert got.status == 1 and got.err == "", got
    assert got.records[0]["command"] == "diff" and got.records[0]["files"] == ["mon", "tue"]
    who = {"type": "change", "addr": WEB, "name": "web1"}
    assert got.changes == [
        dict(who, port=22, change="closed", old="open", old_reason="syn-ack", new="closed",
             new_reason="rst-ack"),
        dict(who, port=25, change="state", old="filtered", old_reason="no-response",
             new="rejected", new_reason="icmp-admin-prohibited"),
        dict(who, port=80, change="opened", old="closed", old_reason="rst-ack", new="open",
             new_reason="syn-ack"),
        dict(who, count=500, ports="1500-1999", change="state", old="closed",
             old_reason="rst-ack", new="filtered", new_reason="no-response"),
        dict(who, port=8443, change="newly-covered", old=None, new="open", new_reason="syn-ack"),
    ]
    assert got.summary == {
        "type": "summary", "complete": True,
        "old": {"file": "mon", "started": "2026-11-20T02:00:00.000000Z", "complete": True},
        "new": {"file": "tue", "started": "2026-11-21T02:00:00.000000Z", "complete": True},
        "changes": {"opened": 1, "closed": 1, "state": 501, "reason": 0, "style": 0,
                    "newly-covered": 1, "no-longer-covered": 0},
        "compared": 1004, "ignored": 0, "hosts_down": 0, "hosts_up": 0}


def test_no_change(diff):
    got = diff(OLD, OLD.replace("11-20", "11-21"))
    assert got.status == 0
    assert got.out.splitlines()[1:] == ["", "no change: 1,004 ports measured by both"], got


def test_only(diff):
    got = diff(OLD, NEW, "--only", "opened,closed", "--format", "json")
    assert got.status == 1
    assert [(c["port"], c["change"]) for c in got.changes] == [(22, "closed"), (80, "opened")]
    assert got.summary["changes"]["state"] == 0
    got = diff(OLD, NEW, "--only", "style")
    assert got.status == 0 and "no change: 1,004 ports" in got.out, got


def test_a_host_that_went_down_is_one_line(diff):
    new = lines(run(), ports("22,25,80,443,1000-1999", "not-probed", "host-unreachable"),
                host(up=False, reason="host-unreachable"), summary())
    got = diff(OLD, new)
    assert got.out.split("\n\n")[1].splitlines() == [
        "192.0.2.7 (web1)",
        "  - host        down, host-unreachable (was up); 1,002 ports that were not open went with "
        "it",
        "  - 22/tcp      host-unreachable (was open)",
        "  - 443/tcp     host-unreachable (was open)"], got
    assert "1 host down, 2 closed" in got.out


def test_alike_is_one_line(diff):
    """Whatever opened or closed stands above it, port by port."""
    old = lines(run(), ports("1-40", "closed", "rst-ack"), summary())
    new = lines(run(), ports("1-40", "filtered", "no-response"), port(9, "open", "syn-ack"),
                port(20, "rejected", "icmp-admin-prohibited"), summary())
    got = diff(old, new)
    assert got.out.split("\n\n")[1].splitlines() == [
        "192.0.2.7", "  + 9/tcp       open (was closed)",
        "  ~ 38 ports    closed -> filtered: 1-8,10-19,21-40",
        "  ~ 20/tcp      closed -> rejected, icmp-admin-prohibited"], got
    assert len(diff(old, new, "--format", "json").changes) == 40


def test_styles(diff):
    def stack(style):
        return lines(run("stack"), dict(type="stack", addr=WEB, style=style, cells=[]), summary())
    got = diff(stack("rst"), stack("silent"))
    assert got.status == 1 and "  ~ resets      rst -> silent\n" in got.out, got
    assert diff(stack("rst"), stack("unknown")).status == 0


def test_reasons(diff):
    new = OLD.replace('"closed","reason":"rst-ack"', '"closed","reason":"rst-from-path"')
    got = diff(OLD, new)
    assert got.status == 1
    assert "  ~ 1,001 ports closed: rst-ack -> rst-from-path: 80,1000-1999\n" in got.out, got
    assert "1,001 for another reason" in got.out


def check(number, state, **more):
    return dict(type="check", policy="p", line=1, addr=WEB, expect=["open"], state=state,
                port=number, **more)


def test_audits(diff):
    old = lines(run("audit"), check(22, "open"), check(80, "open", other="closed"),
                check(443, None), dict(check(0, None, style="rst"), port=None),
                dict(type="check", addr=None, name="gone", state=None), summary())
    new = lines(run("audit"), check(22, "closed"), check(80, "closed"), check(443, "open"),
                dict(check(0, None, style="silent"), port=None), summary())
    got = diff(old, new, "--format", "json")
    assert [(c.get("port"), c["change"]) for c in got.changes] == [
        (None, "style"), (22, "closed"), (443, "newly-covered")], got
    assert got.summary["ignored"] == 1


def test_verbose_tells_all(diff):
    numbers = ",".join(str(n) for n in range(1, 600, 2))
    old = lines(run(), ports(numbers, "closed", "rst-ack"), summary())
    new = lines(run(), ports(numbers, "filtered", "no-response"), summary())
    assert ",..." in diff(old, new).out
    got = diff(old, new, "-v").out
    assert ",597,599\n" in got and ", no-response" in got, got


def test_scope_is_told_as_ranges(diff):
    old = lines(run(), covers("192.0.2.0", "192.0.2.255", "22"), summary())
    new = lines(run(), covers("192.0.2.0", "192.0.2.255", "22,8000-8099"),
                port(8000, "open"), summary())
    got = diff(old, new)
    assert got.status == 1
    assert got.out.split("\n\n")[1] == (
        "Newly covered: asked in tue alone, 25,600 ports\n"
        "  192.0.2.7              8000/tcp    open\n"
        "  192.0.2.0-192.0.2.255  8000-8099"), got


# --- what both measured ---------------------------------------------------------------------------

def test_cut_short(diff):
    """Neither closed nor no longer covered: nobody knows."""
    old = lines(run(), covers(WEB, WEB, "1-9"), ports("1-9", "open"), summary())
    cut = lines(run(), covers(WEB, WEB, "1-9"), port(1, "open"))
    got = diff(old, cut)
    assert got.status == 3, got
    assert got.out.endswith("no change: 1 port measured by both, 8 ignored, as one of the two could "
                            "not\n  measure them\nINCOMPLETE: tue ended early: what it did not "
                            "measure is ignored\n"), got
    got = diff(old, cut + '{"type":"port","addr":"192.0')
    assert got.status == 3
    assert got.err == "rstprobe: tue: the last line is cut off and left out\n", got
    # its own end says that it ended early: all that it says is there
    got = diff(old, cut + lines(summary(False)))
    assert got.status == 0 and "INCOMPLETE: tue" in got.out, got


@pytest.mark.parametrize("said", ["yes", "false", 1, [False], {}])
def test_only_true_is_complete(diff, said):
    """Whatever else stands there, silence is not taken for measured."""
    old = lines(run(), covers(WEB, WEB, "1-9"), ports("1-9", "open"), summary())
    new = lines(run(), covers(WEB, WEB, "1-9"), dict(type="summary", complete=said))
    assert "INCOMPLETE: tue" in diff(old, new).out


def test_nothing_to_compare(diff):
    """An audit every night must not call it a quiet night."""
    old = lines(run(), ports("1-9", "open"), summary())
    new = lines(run(), ports("1-9", "not-probed", "not-probed"), summary(False))
    got = diff(old, new)
    assert got.status == 3 and "nothing could be compared: 0 ports" in got.out, got
    assert got.err == "rstprobe: nothing could be compared: no port was measured by both\n"


def test_two_runs_in_one(diff):
    first = lines(run(), port(22, "open"), port(80, "open"), summary(False))
    got = diff(first + lines(run(), port(80, "closed"), summary()), lines(
        run(), port(22, "open"), port(80, "closed"), summary()))
    assert got.status == 0 and "2 ports measured" in got.out, got


def test_shards(diff):
    """Silence counts where all parts of a scan are there."""
    def part(i, number):
        return lines(run(space="aa", shard=i, shards=2), covers(WEB, WEB, "1-9"),
                     port(number, "open"), summary())
    whole = lines(run(), covers(WEB, WEB, "1-9"), port(1, "open"), port(2, "open"), summary())
    assert "9 ports measured by both\n" in diff(part(1, 1) + part(2, 2), whole).out
    assert "1 port measured by both, 8 ignored" in diff(part(1, 1), whole).out
    assert "1 port measured by both, 8 ignored" in diff(part(1, 1) + part(1, 1), whole).out


def part(i, number, of=3, space="aa", **more):
    return lines(run(space=space, shard=i, shards=of), covers(WEB, WEB, "1-9"),
                 port(number, "open"), summary(**more))


WHOLE = lines(run(), covers(WEB, WEB, "1-9"), *(port(n, "open") for n in (1, 2, 3)), summary())


def test_a_shard_is_missing(diff):
    got = diff(part(1, 1) + part(3, 3), WHOLE)
    assert got.status == 3, got
    assert got.err == ("rstprobe: mon: of 3 shards 1 is missing or cut off (2): what kept silent "
                       "is not compared\n")
    assert "2 ports measured by both, 7 ignored" in got.out
    assert "INCOMPLETE: mon ended early" in got.out, got
    got = diff(part(9, 1, of=20) + part(12, 2, of=20), WHOLE)
    assert "of 20 shards 18 are missing or cut off (1-8,10-11,13-20)" in got.err, got


def test_so_many_shards_that_not_all_are_named(diff):
    text = "".join(part(i, 1, of=4000000000) for i in range(3, 200, 2))
    got = diff(text, WHOLE)
    assert got.status == 3 and re.search(r"\(1-2,4,6,(\d+,)+\.\.\.\)", got.err), got


@pytest.mark.parametrize("half", ["", '{"type":"po', '{"type":"port","addr":"192.0.2.7","port":7,'])
def test_a_shard_that_was_retried(diff, half):
    """Its first try was cut off, perhaps within a line; the next stands right behind it."""
    cut = lines(run(space="aa", shard=2, shards=3), covers(WEB, WEB, "1-9")) + half
    for text in (part(1, 1) + cut + part(2, 2) + part(3, 3), cut + part(1, 1) + part(3, 3)
                 + part(2, 2), part(2, 2) + cut + part(1, 1) + part(3, 3)):
        got = diff(text, WHOLE)
        assert (got.status, got.err) == (0, ""), got
        assert "no change: 9 ports measured by both\n" in got.out, got
        assert "INCOMPLETE" not in got.out, got
    assert diff(part(1, 1) + part(3, 3) + cut, WHOLE).status == 3


def test_two_sweeps_in_parts(diff):
    """By turns, as one night's files come."""
    def other(i):
        return lines(run(space="bb", shard=i, shards=2), covers(DB, DB, "1-9"), summary())
    text = part(1, 1) + other(2) + part(2, 2) + other(1) + part(3, 3)
    whole = WHOLE + lines(run(), covers(DB, DB, "1-9"), summary())
    got = diff(text, whole)
    assert got.status == 0 and "18 ports measured by both\n" in got.out, got


def test_a_shard_that_skipped_speaks_for_all(diff):
    """What one of them did not ask, since the host kept silent, is not silent for the others."""
    text = part(1, 1) + part(2, 2, skipped=5) + part(3, 3)
    old = lines(run(), covers(WEB, DB, "1-9"), ports("1-9", "closed", addr=DB), summary())
    got = diff(old, text.replace('"last":"%s"' % WEB, '"last":"%s"' % DB), "--format", "json")
    # 9 of DB are not-probed, host-silent; so the host went down, and its ports are not "filtered"
    assert [(c["old"], c["new"], c.get("new_reason")) for c in got.changes if c["addr"] == DB
            ] == [("up", "down", "host-silent")], got


# --- several files --------------------------------------------------------------------------------

@pytest.fixture
def files(place):
    """mon/ and tue/: three parts each, and what is no result; wed.json is whole."""
    for day in ("mon", "tue"):
        d = place / ("files-" + day)
        d.mkdir(exist_ok=True)
        for i in (1, 2, 3):
            number = 9 if (day, i) == ("tue", 3) else i
            (d / ("part-%d-of-3.json%s" % (i, "l" * (i == 2)))).write_text(part(i, number))
        (d / "joblog").write_text("no result\n")
        (d / ".part.json").write_text("nor this\n")
    (place / "wed.json").write_text(WHOLE)
    os.chdir(place)

    def run_diff(*words, status=0):
        done = subprocess.run([RSTPROBE, "diff", *map(str, words)], capture_output=True,
                              text=True, timeout=DEADLINE, check=False)
        assert done.returncode == status, (words, done)
        return done.stdout + done.stderr
    return run_diff


def some(day, *numbers):
    return ["files-%s/part-%d-of-3.json%s" % (day, i, "l" * (i == 2)) for i in numbers]


def test_several_files_a_side(files):
    said = "no change: 9 ports measured by both\n"
    got = files(*some("mon", 1, 2, 3), "--new", "wed.json")
    assert said in got and got.startswith("files-mon/part-1-of-3.json and 2 more (2026"), got
    assert said in files("wed.json", "--new", *some("mon", 3, 1, 2))
    assert said in files("files-mon", "wed.json")
    assert said in files("files-mon/", "--new", *some("mon", 3, 1, 2))
    got = files("files-mon", "files-tue/", status=1)
    assert "  - 3/tcp " in got and "  + 9/tcp " in got and "9 ports measured by both" in got, got
    got = files(*some("mon", 1, 3), "--new", "wed.json", status=3)
    assert "files-mon/part-1-of-3.json and 1 more: of 3 shards 1 is missing" in got, got


def test_directories(files, place):
    (place / "empty").mkdir(exist_ok=True)
    assert "empty: no file there ends in .json or .jsonl\n" in files("empty", "wed.json", status=2)
    got = files("files-mon", "files-tue", "-o", "files-mon/part-1-of-3.json", status=2)
    assert "is compared, and would be written over" in got
    (place / "files-mon" / "part-9.json").write_text("no JSON\n")
    got = files("files-mon", "wed.json", status=2)
    (place / "files-mon" / "part-9.json").unlink()
    assert got == "rstprobe: files-mon/part-9.json:1: no record of rstprobe stands there\n"


def test_many_files_are_open_at_once(files):
    """As many as the limit can be raised to; what is more is said before any is read."""
    many = ["wed.json"] * 150
    limit = ["prlimit", "--nofile=64:%d", RSTPROBE, "diff", *many, "--new", "wed.json"]
    for hard, status in ((400, 0), (100, 2)):
        done = subprocess.run([w % hard if "%d" in w else w for w in limit], capture_output=True,
                              text=True, timeout=DEADLINE, check=False)
        assert done.returncode == status, done
    assert done.stderr.startswith("rstprobe: 150 files, of which only "), done
    assert "ulimit -n " in done.stderr and not done.stdout, done


def test_fifos_one_after_the_other(files, place):
    """A writer that comes to the second one late holds up nobody."""
    for name in ("first", "second"):
        os.mkfifo(place / name)
    with subprocess.Popen(["sh", "-c", "cat wed.json >first && cat wed.json >second"]):
        assert "no change: 9 ports" in files("first", "second")


def test_an_output_stays_until_there_is_another(files, place):
    out = place / "changes.json"
    out.write_text("yesterday's\n")
    (place / "damaged.json").write_text(WHOLE + "no JSON\n")
    files("wed.json", "damaged.json", "-oJ", out, status=2)
    assert out.read_text() == "yesterday's\n"
    files("wed.json", "wed.json", "-oJ", out)
    assert '"type":"summary"' in out.read_text()


# --- by vantage -----------------------------------------------------------------------------------

def seen(*records, at="2026-11-20T02:00:00.000000Z", end=True):
    return lines(run(at=at), covers(WEB, DB, "22,25,80,1000-1999"), *records,
                 *([summary()] if end else []))


PARIS = seen(port(22, "open", "syn-ack", name="web1"), port(25, "closed", "rst-ack"),
             port(80, "open", "syn-ack"), ports("1000-1999", "closed", "rst-ack"), host(),
             port(22, "open", "syn-ack", addr=DB), ports("25,80,1000-1999", "closed", addr=DB),
             host(DB))
TOKYO = PARIS.replace('"port":22,"proto":"tcp","state":"open","reason":"syn-ack","name"',
                      '"port":22,"proto":"tcp","state":"filtered","reason":"no-response","name"', 1)
LIMA = seen(port(22, "open", "syn-ack", name="web1"), port(25, "indeterminate", "loss"),
            port(80, "rejected", "icmp-admin-prohibited"),
            ports("1000-1499", "filtered", "no-response"), ports("1500-1999", "closed", "rst-ack"),
            host(), ports("22,25,80,1000-1999", "filtered", addr=DB),
            host(DB, False, reason="no-response"), at="2026-11-20T02:00:04.000000Z")

VANTAGES = """\
paris (2026-11-20 02:00:00 UTC), tokyo (2026-11-20 02:00:00 UTC), lima
  (2026-11-20 02:00:04 UTC)

              paris        tokyo        lima
192.0.2.7 (web1)
  22/tcp      open         filtered*    open
  80/tcp      open         open         rejected*
  500 ports   closed       closed       filtered*    1000-1499
192.0.2.9
  host        up           up           down*        and with it 1,002 ports that are not open
  22/tcp      open         open         down*

* unlike most

1,505 ports of 2 hosts depend on where one looks from; 3,009 ports measured by
  two of the 3 at least, 3,008 ports by all
"""


@pytest.fixture
def points(files, place):
    (place / "from").mkdir(exist_ok=True)
    for name, text in (("paris", PARIS), ("tokyo", TOKYO), ("lima", LIMA)):
        (place / "from" / (name + ".json")).write_text(text)
    return lambda *words, **kw: files("--by-vantage", *words, **kw)


def test_by_vantage(points):
    names = ["from/paris.json", "from/tokyo.json", "from/lima.json"]
    assert points(*names, status=1) == VANTAGES
    got = points(*names, "-v", status=1)
    assert ("  80/tcp      open         open         rejected*\n    paris: syn-ack, tokyo: syn-ack, "
            "lima: icmp-admin-prohibited\n") in got, got
    got = points(*names[:2], status=1)
    assert "22/tcp      open         filtered\n" in got and "unlike" not in got, got
    assert "3,009 ports measured by both\n" in got, got
    got = points(names[0], names[0])
    assert got.startswith("from/paris.json (2026") and "no difference: 3,009 ports" in got, got


def test_by_vantage_json(points):
    out = points("from/paris.json", "from/tokyo.json", "from/lima.json", "--format", "json",
                 status=1)
    records = [json.loads(line) for line in out.splitlines()]
    found = [r for r in records if r["type"] == "vantage"]
    assert [(r["addr"], r.get("port"), r.get("ports"), r.get("count"), r["majority"])
            for r in found] == [
        (WEB, 22, None, None, "open"), (WEB, 80, None, None, "open"),
        (WEB, None, "1000-1499", 500, "closed"), (DB, None, None, 1002, "up"),
        (DB, 22, None, None, "open")], found
    assert [(v["vantage"], v["state"], v["exception"]) for v in found[0]["views"]] == [
        ("paris", "open", False), ("tokyo", "filtered", True), ("lima", "open", False)]
    assert records[-1] == {
        "type": "summary", "complete": True, "vantages": [
            {"name": n, "started": "2026-11-20T02:00:0%d.000000Z" % at, "complete": True}
            for n, at in (("paris", 0), ("tokyo", 0), ("lima", 4))],
        "differ": 1505, "hosts": 2, "hosts_down": 1, "compared": 3009, "compared_by_all": 3008,
        "ignored": 0}


def test_by_vantage_cut_off(points, place):
    (place / "from" / "cut.json").write_text(seen(port(22, "closed", "rst-ack"), end=False))
    got = points("from/paris.json", "from/cut.json", status=3)
    assert "  22/tcp      open         closed\n" in got, got
    assert "1 port of 1 host depends on where" in got and "INCOMPLETE: cut ended early" in got, got


def test_a_vantage_point_in_parts(points):
    """A directory is one; names are those of directories."""
    got = points("files-mon/", "files-tue", "wed.json", status=1)
    assert "\n              files-mon    files-tue    wed\n" in got, got
    assert "  3/tcp       open         filtered*    open\n" in got, got
    assert "  9/tcp       filtered     open*        filtered\n" in got, got


def test_too_many_spans(diff):
    old = lines(run(), dict(type="covers", truncated=True), port(1, "open"), summary())
    got = diff(old, old)
    assert got.status == 0
    assert got.err.startswith("rstprobe: mon does not name all that it asked"), got
    assert diff(old, old, "-q").err == ""


def test_other_probes(diff):
    def by(kind):
        return lines(run(), dict(type="window", first=0, last=0, probes=[kind], complete=True),
                     summary())
    assert "asked by different probes" in diff(by("syn"), by("ack")).err


# --- files ----------------------------------------------------------------------------------------

BAD = {
    "empty": ("", "mon: empty: no result stands there"),
    "half a line": ('{"type":"run"', "mon: empty: no result stands there"),
    "text": ("no JSON\n", "mon:1: no record of rstprobe stands there"),
    "no run": (lines(port(1, "open")), "mon:1: a result begins with a run record"),
    "another tool": (lines(dict(run(), tool="x")), "mon:1: no run record of rstprobe"),
    "explain": (lines(run("explain")),
                "mon:1: a result of explain: diff compares those of scan, stack and audit"),
    "damaged": (lines(run()) + '{"type":"port","addr"\n', "mon:2: the record is damaged"),
    "state": (lines(run(), port(1, "ajar")), "mon:2: a port in no known state"),
    "port": (lines(run(), port(65536, "open")), "mon:2: no port of TCP"),
    "range": (lines(run(), ports("9-1", "open")), "mon:2: no list of ports"),
    "list": (lines(run(), ports("1,,2", "open")), "mon:2: no list of ports"),
    "twice": (lines(run(), ports("1-9," * 9 + "1", "open")), "mon:2: no list of ports"),
    "no port": (lines(run(), dict(type="port", addr=WEB, state="open")),
                "mon:2: a record without a port"),
    "address": (lines(run(), port(1, "open", addr="web1")), "mon:2: 'web1' is no address"),
    "no address": (lines(run(), dict(type="host", up=True)), "mon:2: a record without an address"),
    "span": (lines(run(), covers("192.0.2.9", "192.0.2.1", "1")),
             "mon:2: the last address stands before the first"),
    "families": (lines(run(), covers("192.0.2.9", "::1", "1")),
                 "mon:2: the last address stands before the first"),
    "NUL": (lines(run()) + '{"type":"port"\0}\n', "mon:2: no record of rstprobe stands there"),
    "deep": (lines(run()) + '{"type":"x","a":' + "[" * 99 + "]" * 99 + "}\n",
             "mon:2: the record is damaged"),
    "shard": (lines(run(space="a", shard=3, shards=2)), "mon:1: no such shard"),
}


@pytest.mark.parametrize("what", BAD)
def test_no_result(diff, what):
    text, message = BAD[what]
    got = diff(text.encode(), OLD)
    assert (got.status, got.out, got.err) == (2, "", "rstprobe: %s\n" % message)


def test_not_there(diff):
    got = diff(OLD, "nowhere")
    assert got.status == 2
    assert got.err == "rstprobe: cannot read nowhere: No such file or directory\n"


def test_unknown_types_and_keys(diff):
    more = OLD.replace('{"type":"host"', '{"type":"horse","legs":4}\n{"type":"host"').replace(
        '"proto":"tcp"', '"proto":"tcp","colour":{"of":["grey"]}')
    assert diff(OLD, more).status == 0


def test_nothing_of_a_file_reaches_the_terminal(diff):
    evil = "\x1b[2J\x07\x9b\u202e\u2066"
    new = lines(run(at=evil), port(22, "rejected", evil, name=evil), summary()).encode()
    got = diff(OLD, new.replace(b"\\u009b", b"\xc2\x9b\x9b"), "-v", "--color", "never")
    assert got.status == 1 and "?[2J???" in got.out, got
    commands = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
    assert not re.search(commands, got.out), got
    got = diff(lines(run("\x1b[2J\x9b\u202e\u2066é")), OLD)
    assert got.status == 2 and "é: diff compares" in got.err and not re.search(commands, got.err), got


def test_stdin(diff):
    got = diff("-", NEW, stdin=OLD)
    assert got.status == 1 and got.out.startswith("stdin (2026-11-20 02:00:00 UTC) -> tue"), got
    assert diff("-", "-", stdin=OLD).status == 2


def test_as_nobody(diff, real_root):
    assert diff(OLD, NEW, wrap=AS_NOBODY).out == TEXT


def test_what_only_who_asks_may_read(diff, place):
    """Files are opened before the rights to them are gone."""
    diff(OLD, NEW)
    os.chmod(place / "mon", 0o600)
    try:
        assert diff("mon", NEW).out == TEXT
    finally:
        os.chmod(place / "mon", 0o644)


def test_outputs(diff, place):
    got = diff(OLD, NEW, "-o", "text", "-oJ", "json")
    assert (got.status, got.out) == (1, "")
    assert (place / "text").read_text() == TEXT
    assert json.loads((place / "json").read_text().splitlines()[-1])["compared"] == 1004
    with open("/dev/full", "w", encoding="ascii") as full:
        got = diff(OLD, NEW, stdout=full)
    assert got.status == 3
    assert got.err == "rstprobe: cannot write the text output: No space left on device\n"
    assert diff(OLD, NEW, "-o", "tue").status == 2
    assert (place / "tue").read_text() == NEW


WORDS = {
    (): "takes two results",
    ("mon",): "takes two results",
    ("mon", "tue", "wed"): "rstprobe diff OLD... --new NEW...",
    ("mon", "--new"): "takes two results",
    ("--new", "mon", "tue"): "takes two results",
    ("mon", "--new", "tue", "--new", "wed"): "--new stands between",
    ("--by-vantage", "mon"): "takes two results or more",
    ("--by-vantage", "mon", "--new", "tue"): "leave --new out",
    ("--by-vantage", "mon", "tue", "--only", "opened"): "--only is about",
    ("--by-vantage", *["mon"] * 33): "at most 32 vantage points",
    ("mon", ""): "a file has an empty name",
    ("mon", "tue", "--only", "opend"): "did you mean opened?",
    ("mon", "tue", "--only", "x"): "there are opened, closed, state",
    ("mon", "tue", "--format", "xml"): "--format",
    ("mon", "tue", "-oX", "f"): "diff writes text and JSON",
    ("mon", "tue", "--colour", "never"): "--color",
}


@pytest.mark.parametrize("words", WORDS, ids=lambda w: " ".join(w[:6]))
def test_words(words):
    done = subprocess.run([RSTPROBE, "diff", *words], capture_output=True, text=True,
                          timeout=DEADLINE, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert WORDS[words] in done.stderr and done.stderr.count("\n") == 1, done.stderr


def test_help(place):
    done = subprocess.run([RSTPROBE, "diff", "--help"], capture_output=True, text=True,
                          timeout=DEADLINE, check=False)
    assert done.returncode == 0 and "no-longer-covered" in done.stdout


# --- results of real scans ------------------------------------------------------------------------

@pytest.fixture(scope="module")
def net(path3):
    """Two listeners, one of which goes, and another that comes; silence beyond."""
    path3.router.firewall(
        counters=["syns"], prerouting=[
            "iifname down tcp flags & (syn | ack) == syn counter name syns",
            "ip daddr 10.202.0.0/16 drop"])
    path3.stays = path3.server.listen([22])
    return path3


def result(net, *words):
    path = net.lab.path("scan.json")
    got = net.client.rstprobe("scan", *words, "-oJ", path, "-o", "/dev/null", "-q")
    assert got.status == 0, got
    return path


def listening(net, numbers, work):
    helper = net.server.listen(numbers)
    try:
        return work()
    finally:
        helper.kill()
        helper.wait()


FEW = [SERVER, "-p", "22,80,443,9000-9200", "--rate", "max"]
# more hosts than are listed one by one: those that keep silent have no record
MANY = [SERVER, "10.202.0.0/23", "-p", "22,80,443", "--rate", "max", "-r", "2", "-T", "400ms"]


@pytest.mark.parametrize("words,measured", [(FEW, 204), (MANY, None)], ids=["few", "many"])
def test_real(net, diff, words, measured):
    old = listening(net, [80], lambda: result(net, *words))
    new = listening(net, [443], lambda: result(net, *words))
    got = diff(old, new, "--only", "opened,closed,state,newly-covered,no-longer-covered",
               "--format", "json")
    assert got.status == 1, got
    assert [(c["addr"], c["port"], c["change"]) for c in got.changes] == [
        (SERVER, 80, "closed"), (SERVER, 443, "opened")], got
    if measured:
        assert got.summary["compared"] == measured and got.summary["ignored"] == 0, got
    got = diff(new, new)
    assert got.status == 0 and "no change" in got.out, got


def test_real_with_other_ports(net, diff):
    """443 was not asked before: no new exposure, whatever it is."""
    old = listening(net, [80], lambda: result(net, SERVER, "-p", "22,80"))
    new = listening(net, [80, 443], lambda: result(net, SERVER, "-p", "22,443"))
    got = diff(old, new, "--format", "json")
    assert [(c["port"], c["change"], c["old"], c["new"]) for c in got.changes] == [
        (80, "no-longer-covered", "open", None), (443, "newly-covered", None, "open")], got


def test_real_open_alone(net, diff):
    """Results that hold open ports alone still tell what opened and what closed."""
    words = [SERVER, "-p", "22,80,443,9000-9200", "--open", "--rate", "max"]
    old = listening(net, [80], lambda: result(net, *words))
    new = listening(net, [443], lambda: result(net, *words))
    got = diff(old, new, "--only", "opened,closed,state", "--format", "json")
    assert [(c["port"], c["change"], c["old"], c["new"]) for c in got.changes] == [
        (80, "closed", "open", "not-shown"), (443, "opened", "not-shown", "open")], got


def test_real_resumed(net, diff):
    """A scan that was broken off changed nothing, nor did it when it went on."""
    whole = result(net, SERVER, "-p", "1-1000", "--rate", "max")
    path = net.lab.path("resumed.json")
    before = net.router.counter("syns")
    begun = net.client.start("scan", SERVER, "-p", "1-1000", "--rate", "100", "-oJ", path)
    until("some probes", lambda: net.router.counter("syns") - before > 100)
    begun.signal(signal.SIGINT)
    assert begun.wait().status == 3
    got = diff(whole, path, "--format", "json")
    assert got.status == 0 and got.summary["new"]["complete"] is False, got
    assert got.summary["compared"] + got.summary["ignored"] == 1000
    assert got.summary["compared"] > 50 and got.summary["ignored"] > 0
    done = net.client.rstprobe("scan", "--resume", path, "--rate", "max", "-oJ", path)
    assert done.status == 0, done
    got = diff(whole, path, "--format", "json")
    assert got.status == 0 and got.summary["compared"] == 1000, got


@pytest.mark.parametrize("half", ["", '{"type":"po'])
def test_joined_results_are_not_resumed(net, half):
    """Places of one mean nothing in another; it is said which line begins it."""
    with open(result(net, SERVER, "-p", "1-20", "--seed", "1"), encoding="utf-8") as f:
        one = f.read()
    two = net.lab.scratch("joined", one + half + one).name
    got = net.client.rstprobe("scan", "--resume", two, "-oJ", two)
    assert got.status == 2, got
    assert got.err == "rstprobe: %s:%d: another run begins here: resume from the result of one\n" % (
        two, len(one.splitlines()) + 1)
    with open(two, encoding="utf-8") as f:
        assert f.read() == one + half + one


def test_real_audits(net, diff):
    policy = net.lab.scratch("policy", "group web %s\nweb: 22,80 open\nweb: 443,9000-9200 closed\n"
                                       "web: style rst\n" % SERVER).name

    def audit():
        path = net.lab.path("audit.json")
        net.client.rstprobe("audit", policy, "-oJ", path, "-o", "/dev/null", "-q")
        return path
    old, new = listening(net, [80], audit), listening(net, [443], audit)
    got = diff(old, new, "--format", "json")
    assert [(c["addr"], c["port"], c["change"]) for c in got.changes] == [
        (SERVER, 80, "closed"), (SERVER, 443, "opened")], got
    assert got.summary["compared"] == 204 and got.summary["ignored"] == 0, got


def test_scan_says_what_it_asks(net):
    path = result(net, *MANY)
    with open(path, encoding="utf-8") as f:
        records = [json.loads(line) for line in f]
    assert [(r["first"], r["last"], r["ports"]) for r in records if r["type"] == "covers"] == [
        (SERVER, SERVER, "22,80,443"), ("10.202.0.0", "10.202.1.255", "22,80,443")]
    assert [r["type"] for r in records[:3]] == ["run", "covers", "covers"]
