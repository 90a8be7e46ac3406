"""targets: the far ends that the lab probes, each a process of its own that prints READY.

  listen PORTS           listeners of both families that never accept
  witness PORT [N]       a service that tells how each connection ends; sends N octets and its FIN
  relay PID-NS ...       two tun devices in two namespaces, joined by this process
  twofaced DEV PORT      a port that answers one SYN with SYN-ACK and the next with RST-ACK
  halfopen FROM-NS ...   a connection whose near end forgets it without a word
  serve PORT close|half  a service that closes what it accepts, wholly or its own direction alone
  speak PORT PORT        services that answer what they read: with a line of HTTP; with a reset
  gush PORT              a service that never reads, and never stops writing
  dns [NAME=ADDRESS]...  a name server that knows these, both ways, and no other; who asks for
                         mute.* gets no answer, for long.* one that is too long for UDP
"""

import ctypes
import fcntl
import ipaddress
import os
import select
import signal
import socket
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    LIBC.prctl(1, signal.SIGKILL)


def ready():
    print("READY", flush=True)


def enter_netns(name):
    with open("/run/netns/" + name, "rb") as f:
        if LIBC.setns(f.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns " + name)


def listen(ports):
    held = []
    for part in ports.split(","):
        first, _, last = part.partition("-")
        for port in range(int(first), int(last or first) + 1):
            s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("::", port))
            s.listen(4096)
            held.append(s)
    ready()
    signal.pause()


def witness(port, octets="0"):
    """One connection after the other, each read to its end: `eof N` or `reset`, a line each."""
    server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("::", int(port)))
    server.listen(64)
    ready()
    while True:
        s, _ = server.accept()
        got = 0
        try:
            if int(octets):
                s.sendall(bytes(int(octets)))
                s.shutdown(socket.SHUT_WR)
            while True:
                data = s.recv(4096)
                if not data:
                    break
                got += len(data)
            print("eof %d" % got, flush=True)
        except ConnectionResetError:
            print("reset", flush=True)
        s.close()


def relay(ns_a, ns_b, dev):
    """A tun device of the same name in both namespaces; what one sends the other receives."""
    ends = []
    for ns in (ns_a, ns_b):
        enter_netns(ns)
        fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", dev.encode(), 0x0001 | 0x1000))
        ends.append(fd)
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    ready()
    while True:
        for fd in select.select(ends, [], [])[0]:
            try:
                os.write(other[fd], os.read(fd, 65536))
            except OSError:
                pass  # that end is down: the packet is lost, as on any link


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def answer(eth, src, dst, family, sport, dport, seq, ack, flags):
    """An Ethernet frame with one bare segment."""
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags,
                      64240 if flags & 2 else 0, 0, 0)
    pseudo = src + dst + (struct.pack("!BBH", 0, 6, len(tcp)) if family == 4
                          else struct.pack("!IHBB", len(tcp), 0, 0, 6))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    if family == 4:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + src + dst
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    else:
        ip = struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + src + dst
    return eth[6:12] + eth[0:6] + eth[12:14] + ip + tcp


class Header(ctypes.Structure):
    """struct msghdr"""
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint32),
                ("iov", ctypes.POINTER(ctypes.c_size_t * 2)), ("iovlen", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Message(ctypes.Structure):
    """struct mmsghdr"""
    _fields_ = [("header", Header), ("len", ctypes.c_uint)]


def send_together(s, frames):
    """By one call: nobody gets the processor between them."""
    held = [ctypes.create_string_buffer(f, len(f)) for f in frames]
    pieces = [(ctypes.c_size_t * 2)(ctypes.addressof(h), len(h)) for h in held]
    messages = (Message * len(frames))(*(
        Message(Header(iov=ctypes.pointer(piece), iovlen=1)) for piece in pieces))
    if LIBC.sendmmsg(s.fileno(), messages, len(frames), 0) != len(frames):
        raise OSError(ctypes.get_errno(), "sendmmsg")


def twofaced(dev, port):
    """The kernel of this host must be kept silent on that port by a firewall. Nothing is answered
    before two SYNs with different source ports have come, and then both at once: a scanner stops
    a moment after the first answer."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((dev, 0))
    waiting = {}
    ready()
    while True:
        frame, who = s.recvfrom(65536)
        if who[2] == socket.PACKET_OUTGOING:
            continue
        kind = frame[12:14]
        if kind == b"\x08\x00" and frame[23] == 6:
            family, at, src, dst = 4, 14 + (frame[14] & 15) * 4, frame[26:30], frame[30:34]
        elif kind == b"\x86\xdd" and frame[20] == 6:
            family, at, src, dst = 6, 54, frame[22:38], frame[38:54]
        else:
            continue
        sport, dport, seq, _, _, flags = struct.unpack_from("!HHIIBB", frame, at)
        if dport != int(port) or flags & 0x17 != 2:
            continue
        tries = waiting.setdefault((src, dst), {})
        tries.setdefault(sport, (frame, seq))
        if len(tries) < 2:
            continue
        del waiting[src, dst]
        send_together(s, [
            answer(asked, dst, src, family, dport, to, own, isn + 1 & 0xFFFFFFFF, reply)
            for (to, (asked, isn)), reply, own in zip(tries.items(), (0x12, 0x14), (7000, 0))])


def halfopen(ns_client, ns_server, sport, *ends):
    """For each `addr:port` of a listener: connect from `sport`, then forget our end by TCP_REPAIR:
    the far end stays ESTABLISHED and never learns."""
    enter_netns(ns_server)
    held = []
    for end in ends:
        addr, _, port = end.rpartition("/")
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET
        server = socket.socket(family, socket.SOCK_STREAM)
        server.bind((addr, int(port)))
        server.listen(1)
        enter_netns(ns_client)
        client = socket.socket(family, socket.SOCK_STREAM)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind(("::" if ":" in addr else "0.0.0.0", int(sport)))
        client.connect((addr, int(port)))
        client.setsockopt(socket.IPPROTO_TCP, 19, 1)
        client.close()
        held.append((server, server.accept()))
        enter_netns(ns_server)
    ready()
    signal.pause()


def serve(port, way):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", int(port)))
    s.listen(4096)
    kept = []
    ready()
    while True:
        conn, _ = s.accept()
        if way == "close":
            conn.close()
            continue
        try:
            conn.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # reset before we came to it
        kept.append(conn)


def speak(answering, aborting):
    ways, kept = {}, {}
    poll = select.poll()
    for port in (answering, aborting):
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("::", int(port)))
        s.listen(4096)
        poll.register(s, select.POLLIN)
        ways[s.fileno()] = s, port == aborting
    ready()
    while True:
        for fd, _ in poll.poll():
            if fd in ways:
                conn, _ = ways[fd][0].accept()
                poll.register(conn, select.POLLIN)
                kept[conn.fileno()] = conn, ways[fd][1]
                continue
            conn, abort = kept[fd]
            try:
                if abort and conn.recv(65536):
                    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif not abort and conn.recv(65536):
                    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    continue
            except OSError:
                pass  # reset by the other end
            poll.unregister(conn)
            del kept[fd]
            conn.close()


def gush(port):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", int(port)))
    s.listen(4096)
    poll, conns = select.poll(), {}
    poll.register(s, select.POLLIN)
    ready()
    while True:
        for fd, _ in poll.poll():
            if fd == s.fileno():
                conn, _ = s.accept()
                conn.setblocking(False)
                conns[conn.fileno()] = conn
                poll.register(conn, select.POLLOUT)
                continue
            try:
                conns[fd].send(b"x" * 65536)
            except OSError:
                poll.unregister(fd)
                conns.pop(fd).close()


A, PTR, AAAA = 1, 12, 28
NO_SUCH, CUT = 0x8183, 0x8380


def dns_word(name):
    """A name as labels; \\xNN in the words of the command line is that octet."""
    labels = name.encode().decode("unicode_escape").encode("latin-1").split(b".")
    return b"".join(bytes([len(part)]) + part for part in labels) + b"\0"


def dns_zone(words):
    """(lower name as labels, type) -> what the answers hold."""
    zone = {}
    for word in words:
        name, _, address = word.partition("=")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        at = dns_word(name), AAAA if ":" in address else A
        zone.setdefault(at, []).append(socket.inet_pton(family, address))
        back = ipaddress.ip_address(address).reverse_pointer
        zone.setdefault((dns_word(back), PTR), []).append(dns_word(name))
    return zone


def dns_answer(zone, query, stream):
    """The answer, or None: never."""
    at = 12
    while query[at]:
        at += query[at] + 1
    name, kind = query[12:at + 1].lower(), struct.unpack_from("!H", query, at + 1)[0]
    found = zone.get((name, kind), [])
    known = found or any(n == name for n, _ in zone)
    if b"\4mute" in name or any(b"\4mute" in data for data in found):
        return None
    question = query[12:at + 5]
    if b"\4long" in name and not stream:
        return query[:2] + struct.pack("!HHHHH", CUT, 1, 0, 0, 0) + question
    head = struct.pack("!HHHHH", 0x8180 if known else NO_SUCH, 1, len(found), 0, 0)
    return query[:2] + head + question + b"".join(
        struct.pack("!HHHIH", 0xc00c, kind, 1, 60, len(data)) + data for data in found)


def dns(*words):
    zone = dns_zone(words)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for s in (udp, tcp):
        s.bind(("127.0.0.1", 53))
    tcp.listen(16)
    ready()
    while True:
        if udp in select.select([udp, tcp], [], [])[0]:
            query, peer = udp.recvfrom(4096)
            answer = dns_answer(zone, query, False) if len(query) >= 17 else None
            if answer:
                udp.sendto(answer, peer)
            continue
        conn = tcp.accept()[0]
        with conn, conn.makefile("rb") as stream:
            while len(size := stream.read(2)) == 2:
                answer = dns_answer(zone, stream.read(*struct.unpack("!H", size)), True)
                conn.sendall(struct.pack("!H", len(answer)) + answer)


def main():
    die_with_parent()
    kinds = {f.__name__: f for f in (listen, witness, relay, twofaced, halfopen, serve, speak, gush,
                                     dns)}
    kinds[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
