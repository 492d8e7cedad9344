/* SPDX-License-Identifier: Apache-2.0 */
/** @file prefetch.h  Asks the processor for memory that will be needed soon. */
#ifndef AURA_BASE_PREFETCH_H
#define AURA_BASE_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

enum { AURA_CACHE_LINE = 64 };

/** @param p  any address; nothing happens for one that cannot be read */
static inline void aura_prefetch(const void *p, size_t bytes) {
    for (size_t i = 0; i < bytes; i += AURA_CACHE_LINE) {
        __builtin_prefetch((const void *)((uintptr_t)p + i));
    }
}

#endif
