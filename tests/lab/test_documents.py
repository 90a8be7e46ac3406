"""Every command that a manual or the README shows does what it says when it is typed as it stands.

The lab is a network where the addresses kept for documentation live: each answers as one Linux
host behind a router, with listeners on the ports that the examples name. All examples run side by
side, each after those that write the files which it reads.
"""

import os
import shutil
import subprocess
import threading

import pytest

import documents
from lab import HERE, PYTHON, RSTPROBE, overlay

EXAMPLES = documents.examples()
NETS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15", "10.0.0.0/16",
        "2001:db8::/32")
NAMES = "127.0.0.1 localhost\n192.0.2.7 www.example.net\n2001:db8::7 www.example.net\n"
PATIENCE = 240.0  # all at once may take long on a small machine
CAPTURES = os.path.join(HERE, "..", "golden", "captures")
# what the examples call their captures, and which of ours they get
FILES = {
    "trace.pcap": "refused-4-client.pcap",
    "demo.pcap": "refused-4-client.pcap",
    "a.pcap": "keepalive-rst-passes-4-client.pcap",
    "b.pcap": "keepalive-rst-passes-4-server.pcap",
    "ring1.pcap": "early-close-4-client.pcap",
    "ring2.pcap": "refused-4-client.pcap",
    "client.pcap": "keepalive-rst-passes-4-client.pcap",
    "server.pcap": "keepalive-rst-passes-4-server.pcap",
}


@pytest.fixture(scope="module")
def client(lab):
    client, router, server = lab.host("client"), lab.router("router"), lab.host("server")
    lab.link(client, "eth0", router, "down", ["172.16.1.2/24", "fd01::2/64"],
             ["172.16.1.1/24", "fd01::1/64"])
    lab.link(router, "far", server, "eth0", ["172.16.2.1/24", "fd02::1/64"],
             ["172.16.2.2/24", "fd02::2/64"])
    client.route("default", "via", "172.16.1.1")
    client.route("default", "via", "fd01::1")
    server.route("default", "via", "172.16.2.1")
    server.route("default", "via", "fd02::1")
    for net in NETS:
        server.route("local", net, "dev", "lo")
        router.route(net, "via", "fd02::2" if ":" in net else "172.16.2.2")
    # who listens to an interface must not drown in what the others send
    client.quiet = lab.host("quiet")
    lab.link(client.quiet, "eth0", router, "aside", ["172.16.3.2/24"], ["172.16.3.1/24"])
    server.listen([22, 443])
    lab.helper(server.within([PYTHON, os.path.join(HERE, "services.py"), "80:hasty", "8080:hasty",
                              "5432:echo"]))
    return client


def furnish(client, folder):
    """What an example names: captures, and results and a policy that it does not make itself."""
    os.makedirs(folder)
    for name, ours in FILES.items():
        shutil.copy(os.path.join(CAPTURES, ours), os.path.join(folder, name))
    with open(os.path.join(folder, "web.policy"), "w", encoding="ascii") as f:
        f.write("group web 192.0.2.7\nweb: 22,443 open\n")
    for name in ("monday.json", "tuesday.json", "a.json", "b.json"):
        done = client.rstprobe("scan", "192.0.2.7", "-p", "22,443", "-oJ",
                               os.path.join(folder, name))
        assert done.status == 0, done


@pytest.fixture(scope="module")
def shell(lab, client):
    """Types a command in the folder of its document, where what it reads is."""
    tools = lab.path("tools")
    os.makedirs(tools)
    os.symlink(RSTPROBE, os.path.join(tools, "rstprobe"))
    for name, text in (("sudo", 'exec "$@"'), ("mail", "cat")):
        path = os.path.join(tools, name)
        with open(path, "w", encoding="ascii") as f:
            f.write("#!/bin/sh\n%s\n" % text)
        os.chmod(path, 0o755)
    folders = {}
    for document in {e.document for e in EXAMPLES}:
        folders[document] = lab.path(document)
        furnish(client, folders[document])
    env = dict(os.environ, PATH=tools + ":" + os.environ["PATH"])

    def typed(document, text):
        where = client.quiet if " -i " in text else client
        argv = where.within(overlay(lab, {"/etc/hosts": NAMES}) + ["sh", "-c", text])
        return subprocess.run(argv, cwd=folders[document], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE)
    typed.folders = folders
    return typed


NO_XML = "built without libxml2"


@pytest.fixture(scope="module")
def results(shell):
    """Each example's end: all are begun at once, and each waits for the makers of its files."""
    ended = [threading.Event() for _ in EXAMPLES]
    got = [None] * len(EXAMPLES)

    def play(i):
        example = EXAMPLES[i]
        try:
            for j in range(i):
                if EXAMPLES[j].document == example.document and \
                        EXAMPLES[j].makes & (example.takes | example.makes):
                    ended[j].wait()
                    if got[j] is NO_XML and EXAMPLES[j].makes & example.takes:
                        got[i] = NO_XML
            if got[i]:
                return
            text, why = documents.to_run(example)
            got[i] = why if text is None else shell(example.document, text)
            if text is not None and "without libxml2" in got[i].stderr:
                got[i] = NO_XML
        except (OSError, subprocess.SubprocessError) as e:
            got[i] = e
        finally:
            ended[i].set()
    threads = [threading.Thread(target=play, args=[i]) for i in range(len(EXAMPLES))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return got


@pytest.mark.parametrize("i", range(len(EXAMPLES)), ids=[
    "%s:%d %s" % (e.document, e.line, e.text) for e in EXAMPLES])
def test_example(results, i):
    example, got = EXAMPLES[i], results[i]
    if isinstance(got, str):
        pytest.skip(got)
    assert isinstance(got, subprocess.CompletedProcess), got
    told = "%s\nstatus %d\n%s\n%s" % (example.text, got.returncode, got.stdout, got.stderr)
    assert got.returncode in documents.statuses(example), told
    if got.returncode == 4:
        pytest.skip(got.stderr.strip())
    assert got.stdout or example.makes or " -q" in example.text, told


@pytest.mark.parametrize("i", [i for i, e in enumerate(EXAMPLES) if e.makes])
def test_files_of_example(results, shell, i):
    """What an example says it writes is there, and not empty."""
    if isinstance(results[i], str):
        pytest.skip(results[i])
    for name in EXAMPLES[i].makes:
        path = os.path.join(shell.folders[EXAMPLES[i].document], name)
        assert os.path.getsize(path) > 0, EXAMPLES[i]


@pytest.mark.parametrize("document", ["rstprobe.1", "rstprobe-json.5", "README"])
def test_examples_were_found(document):
    assert len([e for e in EXAMPLES if e.document == document]) >= 5
