#!/usr/bin/env python3
"""Lost reset: two RSTs are lost on the way, and the client sends its data again.

A RST is never sent again by itself and never acknowledged. Only the next segment draws the next
one: the client's read() hangs until a retransmission's RST comes through. Seen from the server
there are three resets, from the client one, late.
"""

import calls

AT = "server"  # at the client only the last one is seen
RESETS = {"client": 1, "server": 3}
FIREWALL = "tcp flags & rst == rst numgen inc mod 3 < 2 counter drop"
NO_SOCKET = True
ADVICE = "Look for what drops RSTs on the way back, firewalls first."


def server(where):
    listener = calls.listen(where)
    conn = listener.accept()
    conn.read()
    conn.vanish()
    listener.close()
    calls.say("gone")


def client(where):
    conn = calls.connect(where)
    conn.write(5)
    calls.hear("gone")
    conn.write(5)  # succeeds
    conn.read()    # ECONNRESET, after two retransmissions
    conn.write(5)  # EPIPE


if __name__ == "__main__":
    calls.play(server, client)
