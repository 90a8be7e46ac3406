"""rstprobe-json(5) and the program say the same of each record: which keys it has, of what type,
and which of them are always there.

All commands are run once, on ports and hosts that draw whatever there is to write; the captures of
tests/golden give the resets. What no run here draws is listed below, with the reason.
"""

import concurrent.futures
import glob
import json
import os
import re

import pytest

from documents import TOP
from lab import HERE, PYTHON, SERVER, SERVER6

PATIENCE = 240.0  # all at once may take long on a small machine
PAGE = os.path.join(TOP, "man", "rstprobe-json.5")
CAPTURES = sorted(glob.glob(os.path.join(HERE, "..", "golden", "captures", "*.pcap")))
TYPES = {
    "text": lambda v: isinstance(v, str),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "object": lambda v: isinstance(v, dict),
    "list of texts": lambda v: isinstance(v, list) and all(isinstance(x, str) for x in v),
    "list of numbers": lambda v: isinstance(v, list) and all(
        x is None or TYPES["number"](x) for x in v),
    "list of objects": lambda v: isinstance(v, list) and all(isinstance(x, dict) for x in v),
}
# Documented, and drawn by nothing here.
NOT_DRAWN = {
    "change addr_last": "silent addresses in a row: tests/unit/test_changes",
    "vantage addr_last": "silent addresses, of which one run was to show more than another",
    "vantage count": "more than three ports alike: tests/lab/test_diff",
    "vantage ports": "more than three ports alike: tests/lab/test_diff",
    "check other": "a port with two faces: tests/sim/test_audit",
    "covers truncated": "of a list of targets with very many gaps",
    "try clues": "another box that answered: tests/lab/test_states",
    "hop also": "two answers to one TTL: test_trace_chain",
    "port segments": "a port with two faces: tests/unit/test_verdict",
    "provoke idle_dies_s": "test_provoke has services that forget",
    "provoke keepalive_ms": "a keep-alive takes its time: test_provoke",
    "provoke keepalives": "a keep-alive takes its time: test_provoke",
    "provoke strangers": "a forger on the way: tests/sim/test_stage_forged",
    "provoke syn_acks_after_rst": "test_provoke has such a stack",
    "reset bad_checksum": "test_explain_cli has such a frame",
    "stack family_like": "tests/unit/test_stack",
    "summary undecoded.*": "test_capfile has such frames",
    "host reset_limit": "test_engine_limit has hosts with a limit",
    "host given_up": "test_engine_hosts has hosts that keep silent",
    "summary unknown_linktype": "test_capfile has such a capture",
    "summary kernel_why": "of an interface: test_live",
    "reset iface": "of an interface: test_live",
    "reset kernel": "the kernel's word: test_tracepoint",
    "reset tunnel": "test_explain_cli has tunnels",
    "run iface": "of an interface: test_live",
}


class Key:
    """What the page says of one key."""

    def __init__(self, path, said):
        words = [w.strip() for w in said.split(",")]
        self.path, self.type = path, words[0]
        self.null, self.optional = "null" in words, "optional" in words
        assert self.type in TYPES and set(words[1:]) <= {"null", "optional"}, (path, said)

    def fits(self, value):
        return self.null if value is None else TYPES[self.type](value)


def page():
    """record -> path of a key -> Key"""
    schema, record = {}, None
    with open(PAGE, encoding="utf-8") as f:
        for line in f:
            if line.startswith(".Ss Record "):
                record = schema.setdefault(line.split()[2], {})
            elif line.startswith(".Sh "):
                record = None
            elif line.startswith(".It Cm ") and record is not None:
                found = re.match(r"\.It Cm (\S+) Pq (.*)$", line)
                assert found, line
                assert found.group(1) not in record, line
                record[found.group(1)] = Key(found.group(1), found.group(2))
    return schema


SCHEMA = page()


def walk(record, value, at, wrong):
    """Gives the paths of `value`, an object at path `at` of a record; complains into `wrong`."""
    schema = SCHEMA[record]
    free = at + "*" in schema
    for name, inner in value.items():
        if name == "type" and not at:
            continue
        path = at + ("*" if free else name)
        key = schema.get(path)
        if key is None:
            wrong.add("%s: %s is not in the page" % (record, path))
            continue
        if not key.fits(inner):
            wrong.add("%s: %s is no %s: %r" % (record, path, key.type, inner))
            continue
        yield path
        for child in inner if key.type == "list of objects" else []:
            yield from walk(record, child, path + "[].", wrong)
        if key.type == "object" and inner is not None:
            yield from walk(record, inner, path + ".", wrong)
    for path, key in schema.items():
        within, name = path[:len(at)], path[len(at):]
        if within == at and re.fullmatch(r"\w+", name) and not key.optional and name not in value:
            wrong.add("%s: %s is missing, and not called optional" % (record, path))


@pytest.fixture(scope="module")
def client(lab, path3):
    services = ["8080:hasty", "5432:echo", "9000:closes"]
    path3.server.listen([22, 443])
    lab.helper(path3.server.within([PYTHON, os.path.join(HERE, "services.py")] + services))
    path3.router.firewall(forward=[
        "tcp dport 23 drop", "tcp dport 25 reject with icmpx type admin-prohibited",
        "tcp dport 26-200 reject with icmpx type port-unreachable",
        "tcp dport 22 tcp flags & (fin | ack) == fin reject with icmpx type admin-prohibited",
        "tcp dport 135 reject with tcp reset"])
    return path3.client


POLICY = """group web web1 %s
web: 22,443 open within 5s critical
web: 80 closed owner ops
web: 25 silent until 2999-12-31 note "mail moves"
web: listen-rst on 443
web: style rst
web: else 300-600 not-open
""" % SERVER6


def change(path):
    """What `diff` is to find: the port that is open here is closed in the file named so."""
    if not path.endswith("full.json"):
        return
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace('"open","reason":"syn-ack"', '"closed","reason":"rst-ack"'))


def commands(lab):
    """Lists of command lines: those of one list are run one after the other."""
    part, full, less = lab.path("part.json"), lab.path("full.json"), lab.path("less.json")
    policy, cut = lab.scratch("policy", POLICY).name, lab.path("cut.pcap")
    with open(CAPTURES[0], "rb") as whole, open(cut, "wb") as f:
        f.write(whole.read()[:-8])
    return [
        [["scan", "web1", "-p", "22,23,25,26-200,443,1000-1200", "--probe", "all"]],
        [["scan", SERVER, SERVER6, "10.201.1.99", "192.0.2.1-2", "-p", "1-300,443", "--probe",
          "syn,ack"]],
        [["scan", SERVER + "/29", "-p", "1-1000", "--show", "all", "--shard", "1/2", "--seed", "1",
          "-oJ", part],
         ["scan", "--resume", part, "--format", "json"]],
        [["scan", "web1", "-p", "22,23,443", "--count", "3", "--interval", "10ms"]],
        [["scan", "web1", "-p", "22,23,25,300-500", "-oJ", full],
         ["scan", "web1", "10.201.2.64/28", "-p", "22,81,300-700", "-oJ", less],
         ["diff", full, less], ["diff", "--by-vantage", full, less]],
        [["stack", "web1", "-p", "443", "--rate", "200"]],
        [["stack", SERVER, SERVER6, "-p", "22", "--rate", "200"]],
        [["scan", SERVER, "-p", "443,1000-1200", "--probe", "fin"]],
        [["scan", SERVER, "-p", "1000-1003", "--probe", "fin"]],
        [["explain", cut]],
        [["trace", "web1", "-p", "443,25,135,23", "--flows", "2"]],
        [["trace", SERVER, "-p", "8080", "--data-string", "GET / HTTP/1.0"]],
        [["provoke", "early-close", "web1", "-p", "8080", "--http", "/", "--bytes", "64k"]],
        [["provoke", "data-after-close", SERVER, "-p", "9000"]],
        [["provoke", "idle", SERVER, "-p", "5432", "--hold", "2s"]],
        [["provoke", "slow-handshake", SERVER, "-p", "443", "--hold", "2s"]],
        [["provoke", "listen-ack", SERVER, "-p", "25"]],
        [["audit", policy]],
        [["doctor", SERVER]],
        [["probes"]],
    ]


@pytest.fixture(scope="module")
def records(lab, client):
    hosts = {"/etc/hosts": "%s web1\n127.0.0.1 localhost\n" % SERVER,
             "/etc/nsswitch.conf": "hosts: files\nservices: files\n"}

    def play(lines):
        got = []
        for words in lines:
            silent = "-oJ" in words or "--format" in words
            run = client.rstprobe(*words, *([] if silent else ["--format", "json"]), files=hosts,
                                  deadline=PATIENCE)
            assert run.status in (0, 1, 3), run
            if "-oJ" in words:
                with open(words[words.index("-oJ") + 1], encoding="utf-8") as f:
                    got += [json.loads(line) for line in f]
            got += run.records
            if "-oJ" in words:
                change(words[words.index("-oJ") + 1])
        return got
    explains = [[["explain", "--all", c]] for c in CAPTURES] + [[["explain", *CAPTURES]]]
    got = []
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        for part in pool.map(play, commands(lab) + explains):
            got += part
    return got


@pytest.fixture(scope="module")
def told(records):
    """(what is wrong, the keys that were written)"""
    wrong, seen = set(), set()
    for r in records:
        if r["type"] not in SCHEMA:
            wrong.add("%s: no such record in the page" % r["type"])
            continue
        seen.add(r["type"])
        seen.update("%s %s" % (r["type"], p) for p in walk(r["type"], r, "", wrong))
    return wrong, seen


def test_what_is_written_is_as_the_page_says(told):
    assert not told[0], "\n".join(sorted(told[0]))


def test_every_record_is_written(told):
    assert not set(SCHEMA) - told[1]


def test_every_key_is_written(told):
    known = {"%s %s" % (record, path) for record, keys in SCHEMA.items() for path in keys}
    missing = {k for k in known - told[1] if re.split(r"[.\[]", k)[0] not in NOT_DRAWN
               and k not in NOT_DRAWN}
    assert not missing, "\n".join(sorted(missing))


def test_what_is_said_not_to_be_drawn_is_in_the_page():
    known = {"%s %s" % (record, path) for record, keys in SCHEMA.items() for path in keys}
    assert set(NOT_DRAWN) <= known


def test_the_type_is_first(records):
    assert all(next(iter(r)) == "type" for r in records)
