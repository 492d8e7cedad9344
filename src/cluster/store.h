/* SPDX-License-Identifier: Apache-2.0 */
/** @file store.h  What the cluster keeps in Redis, as calls of scripts; tests have a store of their
 * own. Threading: control thread. */
#ifndef AURA_CLUSTER_STORE_H
#define AURA_CLUSTER_STORE_H

#include <stddef.h>

/** docs/cluster.md says what each does; their arguments and answers stand in scripts.c. */
enum aura_script { AURA_SCRIPT_BEAT, AURA_SCRIPT_PLACE, AURA_SCRIPT_RELEASE, AURA_SCRIPT_LEAVE };

/** Borrowed until the callback returns. */
struct aura_store_reply {
    int err;         /* AURA_EAGAIN: there is no connection; AURA_EIO: see `why`; AURA_ENOMEM */
    const char *why; /* never NULL with an error */
    const char *const *items;
    size_t count;
};
typedef void(aura_store_fn)(void *arg, const struct aura_store_reply *reply);

struct aura_store {
    void *self;
    /** Calls @p fn exactly once: later, or before it returns if that is known at once. Copies
     * @p args. */
    void (*run)(void *self, enum aura_script script, const char *const *args, size_t count,
                aura_store_fn *fn, void *arg);
};

#endif
