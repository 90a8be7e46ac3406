"""peers: how each program is told to do the work, and how its answer is read.

It decides the command lines: each peer gets the settings that are best for it, and where several
may be the best all of them run. It knows nothing of what is measured.
"""

import collections
import functools
import json
import shutil
import subprocess

import net as networks
from contest import Entry
from net import DEV, NEAR, laboratory

RSTPROBE = laboratory.RSTPROBE
PEERS = ("nmap", "masscan", "zmap")


@functools.lru_cache(None)
def options():
    """What `rstprobe scan` of this build can be asked."""
    done = subprocess.run([RSTPROBE, "scan", "--help"], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, check=False)
    return done.stdout


def has(option):
    return option in options()


def versions():
    got = {}
    for program in PEERS:
        if shutil.which(program):
            done = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.STDOUT, check=False)
            lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
            got[program] = lines[0] if lines else "?"
    done = subprocess.run([RSTPROBE, "--version"], stdout=subprocess.PIPE, text=True, check=False)
    got["rstprobe"] = done.stdout.splitlines()[0] if done.stdout else "?"
    return got


# --- what was found: (address, port) -> state ----------------------------------------------------

def read_rstprobe(path):
    """A later record corrects an earlier one. Whether the run was whole its status says."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            r = json.loads(line)
            if r["type"] == "port":
                found[r["addr"], r["port"]] = r["state"]
            elif r["type"] == "ports":
                for port in laboratory.expand(r["ports"]):
                    found[r["addr"], port] = r["state"]
    return found


def read_nmap(path):
    """`Host: ADDR ()	Ports: 1000/open/tcp//...	Ignored State: closed (65485)`; the ports
    that it ignores it only counts."""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            if "Ports: " not in line:
                continue
            addr = line.split()[1]
            for part in line.split("Ports: ")[1].split("\t")[0].split(", "):
                port, state = part.split("/")[:2]
                found[addr, int(port)] = state
            if "Ignored State: " in line:
                state, count = line.split("Ignored State: ")[1].split("\t")[0].split()
                found.update(((addr, -n), state) for n in range(1, int(count.strip("()")) + 1))
    return found


def read_masscan(path):
    """`open tcp 80 10.0.0.1 1700000000`"""
    found = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            words = line.split()
            if len(words) >= 4 and words[0] in ("open", "closed"):
                found[words[3], int(words[2])] = words[0]
    return found


def read_zmap(path):
    """An address a line, whatever it answered; repeats count once."""
    with open(path, encoding="utf-8") as f:
        return {(line.strip(), 0): "answered" for line in f if line[:1].isdigit()}


def tally(found):
    return dict(collections.Counter(found.values()))


def read_tally(read, keep=()):
    """The reader whose answer is small enough to be kept: counts, and the ports of some states."""
    def reader(path):
        found = read(path)
        got = {"counts": tally(found)}
        for state in keep:
            got[state] = sorted(port for (_, port), s in found.items() if s == state)
        return got
    return reader


# --- what is asked -------------------------------------------------------------------------------

def rstprobe(*words, setting="", keep=()):
    return Entry("rstprobe", setting, [RSTPROBE, "scan", *words, "--format", "json"],
                 read_tally(read_rstprobe, keep))


def nmap(target, ports, *words):
    """Nothing where it isn't installed, as with the others: no entry, no row."""
    if not shutil.which("nmap"):
        return []
    return [Entry("nmap", "-T4", ["nmap", "-sS", "-Pn", "-n", "-T4", "-p", ports, *words, "-oG",
                                  "@OUT", target], read_tally(read_nmap, ("open",)))]


def masscan(pair, target, ports, rates):
    if not shutil.which("masscan"):
        return []
    return [Entry("masscan", "--rate %s" % r, [
        "masscan", target, "-p", ports, "-i", DEV, "--router-mac", pair.mac.replace(":", "-"),
        "--adapter-ip", NEAR, "--rate", r, "--wait", "1", "--show", "open,closed", "-oL", "@OUT"],
        read_tally(read_masscan)) for r in rates]


def zmap(pair, target, port, threads):
    """Its own list of forbidden networks has those of the bench: an empty one instead."""
    if not shutil.which("zmap"):
        return []
    return [Entry("zmap", "-T %d" % t, [
        "zmap", "-q", "-C", "/dev/null", "-b", "/dev/null", "-i", DEV, "-G", pair.mac, "-S", NEAR,
        "-O", "csv", "-f", "saddr", "-o", "@OUT", "-c", "1", "--output-filter=sport > 0",
        "-p", port, "-T", t, "-r", "0", target], read_tally(read_zmap)) for t in threads]


def read_nothing(_):
    return {}


def bare(pair, first, addresses, port, ports, threads):
    return Entry("bare", "threads %d" % threads, [
        networks.tool("bare"), "-i", DEV, "-m", pair.mac, "-s", NEAR, "-d", first, "-a", addresses,
        "-p", port, "-n", ports, "-t", threads], read_nothing)
