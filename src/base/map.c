/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/mem.h"
#include "base/rand.h"

#include <stdatomic.h>

/* Chained buckets: entries never move, so deleting while walking is simple. */
struct entry {
    struct entry *next;
    uint64_t hash;
    void *value;
    size_t len;
    uint8_t key[];
};

struct aura_map {
    struct entry **bucket;
    size_t buckets; /* a power of two */
    size_t count, max;
    uint64_t seed;
};

static uint64_t mix(uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

static uint64_t hash_of(uint64_t seed, const void *key, size_t len) {
    const uint8_t *p = key;
    uint64_t h = mix(seed ^ len);
    while (len >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        h = mix(h ^ w) + seed;
        p += 8;
        len -= 8;
    }
    uint64_t w = 0;
    if (len) {
        memcpy(&w, p, len);
    }
    return mix(h ^ w);
}

static uint64_t process_seed(void) {
    static _Atomic uint64_t seed;
    uint64_t s = atomic_load_explicit(&seed, memory_order_relaxed);
    if (s == 0) {
        uint64_t fresh = 0;
        aura_rand_bytes(aura_rand_system(), &fresh, sizeof(fresh));
        fresh |= 1;
        s = atomic_compare_exchange_strong(&seed, &s, fresh) ? fresh : s;
    }
    return s;
}

int aura_map_new(struct aura_map **mp, size_t max) {
    AURA_REQUIRE(mp && max, AURA_EINVAL);
    struct aura_map *m = aura_zalloc(sizeof(*m));
    if (!m) {
        return AURA_ENOMEM;
    }
    m->buckets = 16;
    m->max = max;
    m->seed = process_seed();
    m->bucket = aura_calloc(m->buckets, sizeof(struct entry *));
    if (!m->bucket) {
        aura_free(m);
        return AURA_ENOMEM;
    }
    *mp = m;
    return 0;
}

struct aura_map *aura_map_free(struct aura_map *m) {
    if (m) {
        for (size_t i = 0; i < m->buckets; i++) {
            for (struct entry *e = m->bucket[i], *next; e; e = next) {
                next = e->next;
                aura_free(e);
            }
        }
        aura_free(m->bucket);
        aura_free(m);
    }
    return NULL;
}

static struct entry **slot(const struct aura_map *m, uint64_t hash, const void *key, size_t len) {
    struct entry **at = &m->bucket[hash & (m->buckets - 1)];
    while (*at &&
           !((*at)->hash == hash && (*at)->len == len && memcmp((*at)->key, key, len) == 0)) {
        at = &(*at)->next;
    }
    return at;
}

/* Growing is only for speed: where there is no memory for it, chains get longer. */
static void grow(struct aura_map *m) {
    size_t buckets = m->buckets * 2;
    struct entry **bucket = aura_calloc(buckets, sizeof(struct entry *));
    if (!bucket) {
        return;
    }
    for (size_t i = 0; i < m->buckets; i++) {
        for (struct entry *e = m->bucket[i], *next; e; e = next) {
            next = e->next;
            e->next = bucket[e->hash & (buckets - 1)];
            bucket[e->hash & (buckets - 1)] = e;
        }
    }
    aura_free(m->bucket);
    m->bucket = bucket;
    m->buckets = buckets;
}

int aura_map_put(struct aura_map *m, const void *key, size_t len, void *value) {
    AURA_REQUIRE(m && value, AURA_EINVAL);
    uint64_t hash = hash_of(m->seed, key, len);
    struct entry **at = slot(m, hash, key, len);
    if (*at) {
        (*at)->value = value;
        return 0;
    }
    if (m->count >= m->max) {
        return AURA_ELIMIT;
    }
    struct entry *e = aura_zalloc(sizeof(*e) + len);
    if (!e) {
        return AURA_ENOMEM;
    }
    e->hash = hash;
    e->value = value;
    e->len = len;
    if (len) {
        memcpy(e->key, key, len);
    }
    *at = e;
    if (++m->count > m->buckets) {
        grow(m);
    }
    return 0;
}

void *aura_map_get(const struct aura_map *m, const void *key, size_t len) {
    struct entry *e = *slot(m, hash_of(m->seed, key, len), key, len);
    return e ? e->value : NULL;
}

void *aura_map_del(struct aura_map *m, const void *key, size_t len) {
    struct entry **at = slot(m, hash_of(m->seed, key, len), key, len);
    struct entry *e = *at;
    if (!e) {
        return NULL;
    }
    void *value = e->value;
    *at = e->next;
    aura_free(e);
    m->count--;
    return value;
}

size_t aura_map_count(const struct aura_map *m) {
    return m->count;
}

/* The iterator is bucket << 24 | depth+1 of the next entry's predecessor by count: since the caller
 * may delete the value just returned, the walk counts how many entries of the bucket are still
 * ahead. */
void *aura_map_next(const struct aura_map *m, size_t *it) {
    size_t index = *it >> 24;
    size_t ahead = *it & 0xffffff;
    while (index < m->buckets) {
        size_t n = 0;
        for (struct entry *e = m->bucket[index]; e; e = e->next) {
            n++;
        }
        size_t want = ahead ? ahead - 1 : n; /* entries from the end that are still to come */
        if (want == 0 || n == 0) {
            index++;
            ahead = 0;
            continue;
        }
        struct entry *e = m->bucket[index];
        for (size_t skip = n - want; skip > 0; skip--) {
            e = e->next;
        }
        *it = index << 24 | want; /* want - 1 remain; + 1 so that zero means "start of bucket" */
        return e->value;
    }
    *it = index << 24;
    return NULL;
}
