"""Made-up captures with known truth: thousands of flows that overlap, and one flow for each cause."""

import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import explained  # noqa: E402


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder with a capture of 5,000 flows, 1,000 of them at once, and its labels.tsv."""
    folder = tmp_path_factory.mktemp("many")
    explained.tool("bench/mkcapture", "--packets", 50000, "--flows", 5000, "--at-once", 1000,
                   "--seed", 42, "--v6", 30, "--snap", 160, folder / "many.pcap")
    return folder


def labels(folder):
    with open(os.path.join(folder, "labels.tsv"), encoding="utf-8") as f:
        return [line.split("\t") for line in f.read().splitlines()[1:]]


def test_many_flows(many):
    causes = {row[2] for row in labels(many)}
    assert len(causes) >= 16 and len(labels(many)) > 2000, "the generator makes too little"
    status, text = explained.score(str(many))
    assert status == 0, text


def test_no_reset_is_left_out_or_made_up(many):
    """The generator labels every RST: so many records, no more, no less."""
    _, out, _ = explained.explain(many, "many.pcap", "--format", "json", "--all")
    told = [r["frame"] for r in explained.records(out) if r["type"] == "reset"]
    assert told == [int(row[1]) for row in labels(many)]


def test_a_small_table_loses_nothing_but_context(many):
    """With room for 300 of 1,000 flows: every RST has a record still, and what is said of a flow
    that was thrown out is that nothing is known, not a guess."""
    _, out, _ = explained.explain(many, "many.pcap", "--format", "json", "--all", "--max-flows",
                                  "300")
    read = explained.records(out)
    truth = {int(row[1]): [row[2]] + row[3].split(",") for row in labels(many)}
    told = {r["frame"]: r["cause"] for r in read if r["type"] == "reset"}
    assert sorted(told) == sorted(truth)
    assert read[-1]["evicted"] > 0
    assert "no-context" in told.values()


def test_one_flow_for_each_cause(tmp_path):
    shapes = os.path.join(explained.TESTS, "fuzz", "shapes.py")
    subprocess.run([sys.executable, shapes, str(tmp_path)], check=True, timeout=explained.DEADLINE)
    status, text = explained.score(str(tmp_path))
    assert status == 0, text


def test_the_corpus_is_what_the_script_makes(tmp_path):
    """The seeds of the fuzzer in git are these shapes, unchanged."""
    shapes = os.path.join(explained.TESTS, "fuzz", "shapes.py")
    subprocess.run([sys.executable, shapes, str(tmp_path)], check=True, timeout=explained.DEADLINE)
    corpus = os.path.join(explained.TESTS, "fuzz", "corpus", "explain")
    for name in sorted(os.listdir(tmp_path)):
        if name == "labels.tsv":
            continue
        with open(os.path.join(corpus, name), "rb") as f:
            assert f.read() == (tmp_path / name).read_bytes(), name
