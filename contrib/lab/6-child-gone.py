#!/usr/bin/env python3
"""Child gone: the parent listens, the child's connection is gone, the client sends on.

The kernel finds no connection for the segment, but a listener for its port. An ACK that reaches
LISTEN is answered by a RST (RFC 9293, 3.10.7.2). A child that merely dies does not do this: its
kernel closes for it. State is lost so in a container that is restored, or behind an address that
moved to another host with the same service.
"""

import calls

ADVICE = "The server lost the connection, not the service: look for what restarted or moved."


def server(where):
    listener = calls.listen(where)
    conn = listener.accept()
    if calls.fork():
        conn.read()
        calls.hear("handed-over")
        conn.vanish()
        calls.say("gone")
        return
    conn.close("(the parent's copy)")
    calls.say("handed-over")
    listener.accept()


def client(where):
    conn = calls.connect(where)
    conn.write(5)
    calls.hear("gone")
    conn.write(5)  # succeeds, and draws the RST
    conn.read()    # ECONNRESET
    conn.write(5)  # EPIPE


if __name__ == "__main__":
    calls.play(server, client)
