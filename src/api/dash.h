/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dash.h  The dashboard's REST API below /api (docs/dashboard.md): what the server is given
 * for it.
 */
#ifndef AURA_API_DASH_H
#define AURA_API_DASH_H

#include "room/token.h"

struct aura_dash_store;

struct aura_dash_conf {
    struct aura_dash_store *store; /* outlives the server */
    struct aura_keys *config_keys; /* of the configuration, the same that the server verifies with;
                                      outlive the server */
    struct aura_keys *keys;        /* of the store, behind those; the same */
    uint64_t idle_us, all_us;      /* of a session: unused, and at most */
    const char *aic_address;       /* of AI Core; NULL = none */
    bool aic_tls, aic_governs;
    uint32_t aic_max_streams;
    const char *aic_default;      /* "on", "off", "saver" */
    const char *version, *region; /* of this server */
};

/** Fills @p keys with those of @p store that are not revoked. @return 0, AURA_EIO, AURA_ENOMEM,
 * AURA_ELIMIT */
AURA_NODISCARD int aura_dash_load_keys(struct aura_dash_store *store, struct aura_keys *keys);

#endif
