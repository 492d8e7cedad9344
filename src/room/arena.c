/* SPDX-License-Identifier: Apache-2.0 */
#include "room/arena.h"

#include "base/mem.h"

enum { BLOCK_BYTES = 4000 };

struct aura__arena_block {
    struct aura__arena_block *next;
    size_t used, cap;
    _Alignas(max_align_t) unsigned char bytes[];
};

void *aura__arena_take(struct aura__arena *a, size_t bytes) {
    bytes = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    if (!a->blocks || a->blocks->cap - a->blocks->used < bytes) {
        size_t cap = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        struct aura__arena_block *block = aura_zalloc(sizeof(*block) + cap);
        if (!block) {
            a->fail = true;
            return NULL;
        }
        block->cap = cap;
        block->next = a->blocks;
        a->blocks = block;
    }
    void *at = a->blocks->bytes + a->blocks->used;
    a->blocks->used += bytes;
    return at;
}

void aura__arena_free(struct aura__arena *a) {
    for (struct aura__arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        aura_free(b);
    }
    *a = (struct aura__arena){.blocks = NULL};
}
