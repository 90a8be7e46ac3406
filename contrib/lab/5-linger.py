#!/usr/bin/env python3
"""Linger: the server has read all and answered, and closes with SO_LINGER 0.

A time of 0 s makes close() an ABORT (RFC 9293, 3.10.5): no FIN, no TIME-WAIT, a RST, and what was
not yet delivered is thrown away.
"""

import calls

ADVICE = "Don't set SO_LINGER 0 to be rid of TIME-WAIT: let the client close first."


def server(where):
    listener = calls.listen(where)
    conn = listener.accept()
    conn.read()
    conn.write(2)
    conn.delivered()
    conn.linger(0)
    conn.close()


def client(where):
    conn = calls.connect(where)
    conn.write(5)
    conn.read()    # the answer, complete
    conn.read()    # ECONNRESET, where 0 was due
    conn.write(5)  # EPIPE


if __name__ == "__main__":
    calls.play(server, client)
