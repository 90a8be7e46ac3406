#!/usr/bin/env python3
"""Call by call: what a program gets of a RST, three times.

1, 2: the RST meets an ESTABLISHED connection. The first call, read() or write(), gets ECONNRESET; a
later write() gets EPIPE and SIGPIPE, a later read() 0.
3: the peer's FIN came first (CLOSE-WAIT). The first write() succeeds and draws the RST, the next
gets EPIPE and SIGPIPE. There is no ECONNRESET at all.
"""

import calls

RESETS = {"client": 3, "server": 3}
ADVICE = "EPIPE after a good write: the peer had closed. ECONNRESET: it aborted, or had forgotten."


def server(where):
    listener = calls.listen(where)
    for _ in range(2):
        conn = listener.accept()
        conn.unread(5)
        conn.close()  # with 5 bytes unread: a RST
    conn = listener.accept()
    conn.read()
    conn.close()      # with all read: a FIN


def reset_then_read(conn):
    conn.write(5)
    conn.poll()    # until the RST is there
    conn.read()    # ECONNRESET
    conn.write(5)  # EPIPE and SIGPIPE
    conn.read()    # 0


def reset_then_write(conn):
    conn.write(5)
    conn.poll()
    conn.write(5)  # ECONNRESET
    conn.write(5)  # EPIPE and SIGPIPE
    conn.read()    # 0


def fin_then_write(conn):
    conn.write(5)
    conn.read()    # 0: the FIN
    conn.write(5)  # succeeds, and draws the RST
    conn.poll()
    conn.write(5)  # EPIPE and SIGPIPE
    conn.read()    # 0


def client(where):
    for story in (reset_then_read, reset_then_write, fin_then_write):
        story(calls.connect(where))


if __name__ == "__main__":
    calls.play(server, client)
