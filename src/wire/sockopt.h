/*
 * sockopt: what is asked of sockets that each system spells in its own way, or has not at all. On
 * another system one file beside sockopt.c says the same.
 */
#ifndef WIRE_SOCKOPT_H
#define WIRE_SOCKOPT_H

#include <stdbool.h>
#include <stdint.h>

/* All that it sends leaves by this interface; -1 with errno. */
int sockopt_interface(int fd, const char *ifname);
/* As much as may wait to be sent, past the system's limit where privilege allows. */
void sockopt_send_room(int fd, int octets);
/* A raw socket that hears of what the interface's queue had no room for. */
void sockopt_tell_no_room(int fd, uint8_t family);
/* A packet socket that shows only what comes in; false where this system has no such. */
bool sockopt_incoming_only(int fd);
/* The timestamp that the connection's next segment begins from. */
bool sockopt_tsval(int fd, uint32_t *tsval);

#endif
