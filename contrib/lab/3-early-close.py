#!/usr/bin/env python3
"""Early close: a forking server reads 4,096 of the 5,000 bytes sent, and closes.

904 bytes wait in its receive buffer. To close now is to throw them away, and TCP says so: a RST
instead of a FIN (RFC 9293, 3.6.1; RFC 1122, 4.2.2.13; RFC 2525, 2.17).
"""

import calls

ADVICE = "Read the request to its end before close(), or shutdown(SHUT_WR) and read until 0."


def server(where):
    listener = calls.listen(where)
    conn = listener.accept()
    if calls.fork():
        conn.unread(5000)  # the whole request is there ...
        conn.read(4096)    # ... and this is as large as the buffer was thought to need
        conn.close()
        return
    conn.close("(the parent's copy)")  # the connection is the child's now
    listener.accept()                  # and the parent waits for the next client


def client(where):
    conn = calls.connect(where)
    conn.write(5000)
    conn.read()    # ECONNRESET, where an answer was hoped for
    conn.write(5)  # EPIPE: the error was told once, what is left is a socket without a peer


if __name__ == "__main__":
    calls.play(server, client)
