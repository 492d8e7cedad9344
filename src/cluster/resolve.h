/* SPDX-License-Identifier: Apache-2.0 */
/** @file resolve.h  A host's address, asked of the system in a thread: DNS must not hold up the
 * control thread. */
#ifndef AURA_CLUSTER_RESOLVE_H
#define AURA_CLUSTER_RESOLVE_H

#include "net/addr.h"
#include "net/loop.h"

struct aura_resolve;

/** @param ip  its first address as text; NULL = it has none. Called on the loop. */
typedef void(aura_resolve_fn)(void *arg, const char *ip);

/** Numbers too; then no thread is started. @p fn is called later, never before it returns.
 * @return 0, AURA_ENOMEM, AURA_EAGAIN (no thread) */
AURA_NODISCARD int aura_resolve_start(struct aura_resolve **out, struct aura_loop *loop,
                                      const char *host, aura_resolve_fn *fn, void *arg);
/** Ends it, also after @p fn was called; waits for the thread. NULL is fine. Returns NULL. */
struct aura_resolve *aura_resolve_free(struct aura_resolve *r);

#endif
