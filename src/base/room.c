/*
 * room: takes a piece and gives it back; the allocator keeps what is so small, so that the next
 * small pieces come out of it. It refuses to know what they are for.
 */
#include "base/room.h"

#include <stdlib.h>

enum { ROOM = 100 << 10 }; /* below what allocators ask the kernel for, and give back, by itself */

bool room_for(size_t octets)
{
	void *volatile piece = malloc(octets); /* volatile: else the compiler leaves both out */
	bool had = piece != NULL;

	free(piece);
	return had;
}

bool room_at_hand(void)
{
	return room_for(ROOM);
}
