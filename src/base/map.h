/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file map.h  Hash map from bytes to pointers, with a ceiling. Keys are copied; values are
 * borrowed.
 *
 * The hash is keyed with a random seed per process, since peers choose many of the keys.
 */
#ifndef AURA_BASE_MAP_H
#define AURA_BASE_MAP_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct aura_map;

/** @param max  most entries it will hold. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_map_new(struct aura_map **mp, size_t max);
/** Frees the map, not the values; NULL is fine. Always returns NULL. */
struct aura_map *aura_map_free(struct aura_map *m);
/** Adds or replaces. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_map_put(struct aura_map *m, const void *key, size_t len, void *value);
/** The value, or NULL. Never allocates. */
void *aura_map_get(const struct aura_map *m, const void *key, size_t len);
/** Removes and returns the value, or NULL. */
void *aura_map_del(struct aura_map *m, const void *key, size_t len);
size_t aura_map_count(const struct aura_map *m);
/**
 * Walks the values: start with *it = 0; NULL at the end. Deleting the value just returned is
 * allowed, adding is not.
 */
void *aura_map_next(const struct aura_map *m, size_t *it);

static inline void *aura_map_get_str(const struct aura_map *m, const char *key) {
    return aura_map_get(m, key, strlen(key));
}
static inline void *aura_map_get_u64(const struct aura_map *m, uint64_t key) {
    return aura_map_get(m, &key, sizeof(key));
}
AURA_NODISCARD static inline int aura_map_put_str(struct aura_map *m, const char *key, void *v) {
    return aura_map_put(m, key, strlen(key), v);
}
AURA_NODISCARD static inline int aura_map_put_u64(struct aura_map *m, uint64_t key, void *v) {
    return aura_map_put(m, &key, sizeof(key), v);
}
static inline void *aura_map_del_str(struct aura_map *m, const char *key) {
    return aura_map_del(m, key, strlen(key));
}
static inline void *aura_map_del_u64(struct aura_map *m, uint64_t key) {
    return aura_map_del(m, &key, sizeof(key));
}

#endif
