#!/usr/bin/env python3
"""Power loss: the server's state is gone, and nobody told the client.

The client believes in a connection that only it has: a half-open one (RFC 9293, 3.5.1). It learns
the truth when it speaks, and not before.
"""

import calls

NO_SOCKET = True
ADVICE = "Did the server reboot? Keep-alives find a dead peer before the next request does."


def server(where):
    listener = calls.listen(where)
    conn = listener.accept()
    conn.read()
    conn.vanish()
    listener.close()  # the machine is up again, the service is not
    calls.say("gone")


def client(where):
    conn = calls.connect(where)
    conn.write(5)
    calls.hear("gone")
    conn.write(5)  # succeeds, and draws the RST
    conn.read()    # ECONNRESET
    conn.write(5)  # EPIPE


if __name__ == "__main__":
    calls.play(server, client)
