#!/usr/bin/env python3
"""Refused: a client connects to port 40000, where nobody listens.

A SYN for a port without a listener is answered by a RST that acknowledges it (RFC 9293, 3.10.7.1:
CLOSED). No server program: that there is none is the point.
"""

import calls

PORT = 40000
NO_SOCKET = True
ADVICE = "Does the service run, on that address and port? `ss -ltnp` on the server tells."

server = None


def client(where):
    calls.connect(where)  # ECONNREFUSED: the one error that comes from connect() itself


if __name__ == "__main__":
    calls.play(server, client)
