"""explained: the program run on captures, and its output read back, for the golden tests.

It decides what of the output is for comparing and what changes from run to run; what is right to
say is in the files beside the captures.
"""

import json
import os
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
BUILDDIR = os.environ.get("builddir", ".")
RSTPROBE = os.environ.get("RSTPROBE", "")
CAPTURES = os.path.join(HERE, "captures")
DEADLINE = 600  # only what hangs waits so long


def explain(folder, *words):
    """Status, stdout and stderr of `explain` run in the captures' folder: paths stay bare names."""
    done = subprocess.run([RSTPROBE, "explain", *words], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE,
                          check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def records(text):
    """JSON Lines that each parse, `run` first and `summary` last."""
    read = [json.loads(line) for line in text.splitlines()]
    assert read and read[0]["type"] == "run" and read[-1]["type"] == "summary", text[-500:]
    return read


def comparable(text):
    """Without what differs between two runs: when, how long, which version."""
    lines = []
    for r in records(text):
        if r["type"] == "run":
            continue
        for key in [k for k in r if k == "elapsed_s"]:
            del r[key]
        lines.append(json.dumps(r, sort_keys=True))
    return "\n".join(lines) + "\n"


def score(folder):
    """tests/score on a folder: status and what it says."""
    done = subprocess.run([sys.executable, os.path.join(TESTS, "score"), folder, "--program",
                           RSTPROBE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=DEADLINE, check=False)
    return done.returncode, done.stdout


def tool(name, *words):
    """A program of the tests, run to its end; what it wrote on stdout."""
    done = subprocess.run([os.path.join(BUILDDIR, "tests", *name.split("/")), *map(str, words)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, "%s: status %d\n%s" % (name, done.returncode, done.stderr[-2000:])
    return done.stdout


def record_edges(data):
    """Offsets between the records of a plain pcap file, of either byte order; [] for other files."""
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<",
             b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}.get(data[:4])
    edges, at = [], 24
    while order and at <= len(data):
        edges.append(at)
        if at + 16 > len(data):
            break
        at += 16 + struct.unpack_from(order + "I", data, at + 8)[0]
    return edges
