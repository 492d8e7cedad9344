/* SPDX-License-Identifier: Apache-2.0 */
/** @file matrix.h  The MatrixRTC authorisation service on the HTTP port: what it is to do. */
#ifndef AURA_API_MATRIX_H
#define AURA_API_MATRIX_H

#include "auraid/matrix/fetch.h"

enum { AURA_MATRIX_TOKEN_TTL_S = 3600 };

/** Everything is borrowed and outlives the server. */
struct aura_matrix_conf {
    const char *url;                /* that clients get with their token, ws:// or wss:// */
    const char *api_key;            /* whose secret signs those tokens; "" = the first */
    const char *const *full_access; /* servers whose users make rooms; {"*"} = all */
    size_t full_access_count;
    struct aura_fetch_conf fetch;
    uint64_t timeout_us; /* for a homeserver to answer */
};

#endif
