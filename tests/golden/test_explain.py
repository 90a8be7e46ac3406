#!/usr/bin/python3
"""What explain says of the captures in captures/, word for word, and of each of them cut short.

Beside NAME.pcap lie NAME.json (JSON Lines, without what changes from run to run) and NAME.txt (what
people read); labels.tsv has the truth. `test_explain.py --update` writes the two anew from what the
program says now: read the difference before it is committed.
"""

import concurrent.futures
import difflib
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import explained  # noqa: E402

OUTPUTS = {".json": ["--format", "json", "--all"], ".txt": ["--all", "--color", "never"]}
QUICK = os.environ.get("RSTPROBE_QUICK", "") not in ("", "0")
CUTS_IN_PROCESS = 6000 if QUICK else 20000
CUTS_OF_PROGRAM = 2 if QUICK else 4
HURRIED = QUICK and "RSTPROBE_EMULATED" in os.environ
if HURRIED:
    CUTS_IN_PROCESS = 200


def fixtures():
    if not os.path.isdir(explained.CAPTURES):
        return []
    return sorted(n for n in os.listdir(explained.CAPTURES) if n.endswith((".pcap", ".pcapng")))


def expected_path(name, ending):
    return os.path.join(explained.CAPTURES, os.path.splitext(name)[0] + ending)


def said_of(name, ending):
    status, out, err = explained.explain(explained.CAPTURES, name, *OUTPUTS[ending])
    assert status == 0, err
    return explained.comparable(out) if ending == ".json" else out


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    """The golden ones, and one of made-up flows, so that there is always one to cut."""
    folder = tmp_path_factory.mktemp("cut")
    made = str(folder / "made.pcap")
    explained.tool("bench/mkcapture", "--packets", 200, "--flows", 22, "--at-once", 6, "--seed", 8,
                   "--snap", 160, made)
    return [made] + [os.path.join(explained.CAPTURES, n) for n in fixtures()]


@pytest.mark.parametrize("ending", sorted(OUTPUTS))
def test_says_what_it_said(ending):
    if not fixtures():
        pytest.skip("no captures in tests/golden/captures")
    differ = []
    for name in fixtures():
        with open(expected_path(name, ending), encoding="utf-8") as f:
            want = f.read().splitlines()
        lines = difflib.unified_diff(want, said_of(name, ending).splitlines(), name, "now", n=1)
        differ += list(lines)
    assert not differ, "\n".join(differ)


def test_labels_are_hit():
    if not fixtures():
        pytest.skip("no captures in tests/golden/captures")
    status, text = explained.score(explained.CAPTURES)
    assert status == 0, text


def test_every_capture_has_its_answers():
    stems = {os.path.splitext(n)[0] for n in fixtures()}
    for name in os.listdir(explained.CAPTURES) if stems else []:
        stem, ending = os.path.splitext(name)
        assert ending not in OUTPUTS or stem in stems, name + ": of which capture?"
    for stem in stems:
        for ending in OUTPUTS:
            assert os.path.exists(os.path.join(explained.CAPTURES, stem + ending)), stem + ending


def test_cut_at_every_octet(captures):
    for path in captures:
        stride = max(1, os.path.getsize(path) // CUTS_IN_PROCESS)
        words = explained.tool("golden/cutter", stride, path).split()
        assert words[0] == "frames" and int(words[1]) > 0, path


def cut_places(data):
    """A few, since the cutter cuts at each octet: spread over the file, with the last octet, and the
    edges of two records and beside them."""
    places = {len(data) * i // CUTS_OF_PROGRAM for i in range(CUTS_OF_PROGRAM)}
    edges = explained.record_edges(data)
    for edge in edges[:1] + edges[-2:-1]:
        places |= {edge - 1, edge, edge + 16}
    return sorted(p for p in places | {len(data) - 1} if 0 <= p < len(data))


def explain_cut(path, data, edges, place, folder):
    name = "%s.%d" % (os.path.basename(path), place)
    (folder / name).write_bytes(data[:place])
    status, out, err = explained.explain(folder, name, "--format", "json", "--all",
                                         "--max-flows", "4k")
    where = "%s cut at %d: status %d: %s" % (path, place, status, err)
    assert status in (0, 2, 3), where
    assert status == 0 or err, where
    if edges and place >= edges[0]:
        assert status == (0 if place in edges else 3), where
    if status == 2:
        return
    read = explained.records(out)
    assert read[-1]["complete"] == (status == 0), where
    frames = sum(1 for e in edges if e <= place) - 1
    for r in read if edges else []:
        assert r["type"] != "reset" or 1 <= r["frame"] <= frames, where


@pytest.mark.skipif(HURRIED, reason="slow under qemu; the same cuts are tried in process")
def test_the_program_on_cut_files(captures, tmp_path):
    runs = []
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for path in captures:
            with open(path, "rb") as f:
                data = f.read()
            edges = explained.record_edges(data)
            runs += [pool.submit(explain_cut, path, data, edges, place, tmp_path)
                     for place in cut_places(data)]
    assert len(runs) > 5
    for run in runs:
        run.result()


def update():
    for name in fixtures():
        for ending in OUTPUTS:
            with open(expected_path(name, ending), "w", encoding="utf-8") as f:
                f.write(said_of(name, ending))


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"] or not explained.RSTPROBE:
        sys.exit("usage: RSTPROBE=/path/to/rstprobe test_explain.py --update")
    update()
