#!/usr/bin/env python3
"""Time-out: a client that waits 100 ms for a SYN-ACK that takes 110 ms.

The client gives up, and its socket is gone when the SYN-ACK comes: the client's kernel, not the
server's, answers it by a RST (RFC 9293, 3.10.7.1). The server's accept() never returns.
"""

import select

import calls

DELAY_MS = 110  # of whatever the server sends
TIME_OUT_MS = 100
NO_SOCKET = True
ADVICE = "Raise the client's connect time-out above the slowest handshake, or find what is slow."


def server(where):
    listener = calls.listen(where)
    listener.accept()


def client(where):
    sock = calls.Socket(calls.family_of(where))
    sock.nonblocking()
    sock.connect(where)  # EINPROGRESS: the SYN is on its way
    sock.poll(select.POLLOUT, TIME_OUT_MS)
    sock.close()


if __name__ == "__main__":
    calls.play(server, client)
