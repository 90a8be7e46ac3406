/* room: is memory left for those who cannot do without? Libraries that abort, or write half a text,
 * where memory runs out are asked for little at a time, and only after this. */
#ifndef BASE_ROOM_H
#define BASE_ROOM_H

#include <stdbool.h>
#include <stddef.h>

bool room_for(size_t octets); /* could so many be had just now? */
bool room_at_hand(void);      /* ... 100 KB, which do for most */

#endif
