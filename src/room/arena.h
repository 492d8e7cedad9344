/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file arena.h  Memory for one message under construction: taken in pieces, given back at once.
 *
 * A failure is sticky: whoever builds checks `fail` before the result is used.
 * Private to src/room.
 */
#ifndef AURA_ROOM_ARENA_H
#define AURA_ROOM_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct aura__arena {
    struct aura__arena_block *blocks;
    bool fail;
};

/** Zeroed memory. @return NULL (and fail) without memory */
void *aura__arena_take(struct aura__arena *a, size_t bytes);
void aura__arena_free(struct aura__arena *a);

#endif
