"""lies: the network whose router floods the client with forged answers, and what its ports are.

It runs tests/lab/liar and reads back how much it sent, which is printed and never judged: the flood
lasts as long as what is tested. It knows nothing of what should come of it.
"""

import contextlib
import json
import os
import signal

BUILD = os.environ.get("builddir", os.path.join(os.path.dirname(__file__), "..", "..", "build"))
RATE = 300000

OPEN = [22, 80, 443]
SILENT = range(1000, 1100)
REJECTED = range(1100, 1110)
PORTS = 1400
BLIND = ["syn-ack", "rst", "stray", "data"]
NEAR = ["near", "replay", "address", "port"]
ICMP = ["icmp-seq", "icmp-port", "icmp-address", "icmp-short", "icmp-nested", "icmp-protocol",
        "icmp-length"]
FRAGMENTS = ["fragment-later", "fragment-first", "fragment-tiny", "fragment-atomic"]
# these reach nobody's 4-tuple with a whole TCP header, or quote nothing that was asked
HARMLESS = ICMP + ["fragment-later", "fragment-tiny", "address"]
SOME_KB = 6 << 10


class Net:
    def __init__(self, path3):
        self.lab, self.client, self.router = path3.lab, path3.client, path3.router
        self.server = path3.server
        self.server.listen(OPEN)
        self.server.firewall(input=[
            "tcp dport %d-%d drop" % (SILENT[0], SILENT[-1]),
            "ip version 4 tcp dport %d-%d reject with icmp admin-prohibited" % (
                REJECTED[0], REJECTED[-1]),
            "ip6 version 6 tcp dport %d-%d reject with icmpv6 admin-prohibited" % (
                REJECTED[0], REJECTED[-1])])

    @contextlib.contextmanager
    def liar(self, lies, rate=RATE):
        """A flood for as long as the block lasts; `told` then has what was sent."""
        process = self.lab.helper(self.router.within(
            [os.path.join(BUILD, "tests", "lab", "liar"), "down", rate, ",".join(lies)]))
        told = {}
        try:
            yield told
        finally:
            process.send_signal(signal.SIGTERM)
            told.update(json.loads(process.stdout.read()))
            process.wait(10)
        print("%s: %d segments in %.2f s, %d/s" % (
            ",".join(lies), told["sent"], told["seconds"], told["sent"] / told["seconds"]))

    def came(self):
        return self.client.read_int("/sys/class/net/up/statistics/rx_packets")


def peak(net, *words, lies=(), **kw):
    """The result, and the most memory that it took, in KiB."""
    path = net.lab.path("meter.json")
    wrap = [os.path.join(BUILD, "tests", "bench", "meter"), "-o", path]
    with net.liar(lies) if lies else contextlib.nullcontext():
        result = net.client.rstprobe(*words, wrap=wrap, **kw)
    with open(path, encoding="ascii") as f:
        metered = json.load(f)
    result.status = metered["status"]
    return result, metered["peak_kb"]
