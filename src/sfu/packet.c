/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/packet.h"

#include "base/mem.h"

enum { SLAB_PACKETS = 32 };

struct slab {
    struct slab *next;
    /* packets follow */
};

/* Index 0: small packets, 1: large ones. */
struct aura_packet_pool {
    struct aura_packet *free[2];         /* owner thread only */
    struct aura_packet *_Atomic back[2]; /* given back by other threads: taken whole by the owner */
    struct slab *slabs;
    size_t bytes, packets;
};

static size_t slot_bytes(bool large) {
    size_t n = sizeof(struct aura_packet) + (large ? AURA_PACKET_LARGE : AURA_PACKET_SMALL);
    return (n + 63) / 64 * 64;
}

int aura__packet_pool_new(struct aura_packet_pool **poolp) {
    struct aura_packet_pool *pool = aura_zalloc(sizeof(*pool));
    if (!pool) {
        return AURA_ENOMEM;
    }
    *poolp = pool;
    return 0;
}

struct aura_packet_pool *aura__packet_pool_free(struct aura_packet_pool *pool) {
    if (pool) {
        AURA_BUG_ON(aura__packet_pool_out(pool) != 0);
        while (pool->slabs) {
            struct slab *next = pool->slabs->next;
            aura_free(pool->slabs);
            pool->slabs = next;
        }
        aura_free(pool);
    }
    return NULL;
}

static void grow(struct aura_packet_pool *pool, bool large) {
    size_t slot = slot_bytes(large);
    size_t bytes = sizeof(struct slab) + 64 + slot * SLAB_PACKETS;
    if (pool->bytes + bytes > AURA_PACKET_POOL_BYTES) {
        return;
    }
    struct slab *slab = aura_zalloc(bytes);
    if (!slab) {
        return;
    }
    slab->next = pool->slabs;
    pool->slabs = slab;
    pool->bytes += bytes;
    pool->packets += SLAB_PACKETS;
    uintptr_t at = ((uintptr_t)(slab + 1) + 63) / 64 * 64;
    for (size_t i = 0; i < SLAB_PACKETS; i++) {
        struct aura_packet *p = (struct aura_packet *)(at + i * slot);
        p->pool = pool;
        p->large = large;
        p->next = pool->free[large];
        pool->free[large] = p;
    }
}

struct aura_packet *aura__packet_new(struct aura_packet_pool *pool, size_t len) {
    if (len > AURA_PACKET_LARGE) {
        return NULL;
    }
    bool large = len > AURA_PACKET_SMALL;
    if (!pool->free[large]) {
        pool->free[large] =
            atomic_exchange_explicit(&pool->back[large], NULL, memory_order_acquire);
    }
    if (!pool->free[large]) {
        grow(pool, large);
    }
    struct aura_packet *p = pool->free[large];
    if (p) {
        pool->free[large] = p->next;
        p->next = NULL;
        atomic_store_explicit(&p->refs, 1, memory_order_relaxed);
    }
    return p;
}

struct aura_packet *aura__packet_unref(struct aura_packet *p, struct aura_packet_pool *mine) {
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) {
        return NULL;
    }
    struct aura_packet_pool *pool = p->pool;
    if (pool == mine) {
        p->next = pool->free[p->large];
        pool->free[p->large] = p;
        return NULL;
    }
    /* Only pushes race here, and the owner takes the whole list: no ABA. */
    struct aura_packet *head = atomic_load_explicit(&pool->back[p->large], memory_order_relaxed);
    do {
        p->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&pool->back[p->large], &head, p,
                                                    memory_order_release, memory_order_relaxed));
    return NULL;
}

size_t aura__packet_pool_out(struct aura_packet_pool *pool) {
    size_t in = 0;
    for (size_t i = 0; i < 2; i++) {
        for (struct aura_packet *p = pool->free[i]; p; p = p->next) {
            in++;
        }
        for (struct aura_packet *p = atomic_load(&pool->back[i]); p; p = p->next) {
            in++;
        }
    }
    return pool->packets - in;
}
