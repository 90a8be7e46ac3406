#!/usr/bin/env python3
"""Write after close: the server closes, and the client writes again a second later.

The server's FIN says only that it will not write. But its program has closed the whole socket, and
what comes now has no reader: a RST (RFC 9293, 3.6.1; RFC 1122, 4.2.2.13). The client's write
succeeds, for it only fills a buffer; the one after it fails.
"""

import time

import calls

ADVICE = "Read: 0 is the peer's end. A connection from a pool may have ended while it lay there."


def server(where):
    listener = calls.listen(where)
    conn = listener.accept()
    conn.read()
    conn.close()


def client(where):
    conn = calls.connect(where)
    conn.write(5)
    time.sleep(1)  # the client thinks. A read() here would return 0, and tell it the end
    conn.write(5)  # succeeds, and draws the RST
    conn.poll()
    conn.write(5)  # EPIPE and SIGPIPE


if __name__ == "__main__":
    calls.play(server, client)
