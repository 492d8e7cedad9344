/* SPDX-License-Identifier: Apache-2.0 */
/** @file scripts.h  The Lua that runs in Redis: all that is ever written there. */
#ifndef AURA_CLUSTER_SCRIPTS_H
#define AURA_CLUSTER_SCRIPTS_H

#include "cluster/store.h"

/** The key that says which hash slot all of them lie in. */
#define AURA_SCRIPT_KEY "{auralink}:epoch"

enum {
    AURA_NODE_TTL_MS = 5000,    /* a node that has not told of itself for so long is dead */
    AURA_ROOM_TTL_MS = 3600000, /* of a room that its owner does not renew */
    AURA_SETTLE_MS = 4000,      /* a new data set: nodes write their rooms, nobody places any */
};

/** Its source. Constant. */
const char *aura_script_text(enum aura_script script);

#endif
