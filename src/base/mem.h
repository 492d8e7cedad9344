/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mem.h  Allocation with failure injection, and worker-affine reference counts.
 *
 * Every allocation of the project passes through here, so that tests can make the n-th one fail and
 * check that each error path gives back what it took. Reference counts are plain integers: an
 * object belongs to one thread. Objects that cross threads (struct aura_pkt) carry their own atomic
 * count.
 */
#ifndef AURA_BASE_MEM_H
#define AURA_BASE_MEM_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/** Zeroed memory, or NULL. Free with aura_free(). */
AURA_NODISCARD void *aura_zalloc(size_t bytes);
/** Zeroed array of @p n elements, or NULL (also when n * bytes overflows). */
AURA_NODISCARD void *aura_calloc(size_t n, size_t bytes);
/** As realloc(3): the new part is not zeroed; on NULL the old block is untouched. */
AURA_NODISCARD void *aura_realloc(void *p, size_t bytes);
/** Frees a block; NULL is fine. */
void aura_free(void *p);
/** Copy of a string, or NULL on no memory or NULL input. */
AURA_NODISCARD char *aura_strdup(const char *s);
/** Copy of @p n bytes with a NUL behind them. */
AURA_NODISCARD char *aura_strndup(const char *s, size_t n);

typedef void(aura_dtor_fn)(void *obj);

/** Zeroed object with one reference; @p dtor (may be NULL) runs before its memory goes. */
AURA_NODISCARD void *aura_ref_new(size_t bytes, aura_dtor_fn *dtor);
/** Takes a reference; returns @p obj; NULL is fine. */
void *aura_ref(void *obj);
/** Drops a reference; always returns NULL, so that `x = aura_unref(x)` clears the owner. */
void *aura_unref(void *obj);
/** References held now (for tests and dumps). */
uint32_t aura_refs(const void *obj);

/** Blocks alive in the process. */
int64_t aura_mem_live(void);
/** Allocations made by this thread so far: the packet path must not move it. */
uint64_t aura_mem_count(void);
/** This thread's allocation number @p n from now on (0 = the next) and all after it fail; -1 ends
 * that. */
void aura_mem_fail_at(int64_t n);
/** True if an allocation of this thread failed by injection since the last aura_mem_fail_at(). */
bool aura_mem_failed(void);

/** Overwrites secrets in a way that the compiler may not drop. */
void aura_wipe(void *p, size_t n);
/** Constant-time equality, for secrets and MACs. */
bool aura_secret_equal(const void *a, const void *b, size_t n);

#endif
