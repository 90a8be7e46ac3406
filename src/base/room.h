/* room: is memory left for those who cannot do without? Libraries that abort, or write half a text,
 * where memory runs out are asked for little at a time, and only after this. */
#ifndef BASE_ROOM_H
#define BASE_ROOM_H

#include <stdbool.h>

/* Some 100 KB could be had just now. */
bool room_at_hand(void);

#endif
