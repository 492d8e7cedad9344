/* SPDX-License-Identifier: Apache-2.0 */
/** @file matrix.h  Matrix on the HTTP port: the MatrixRTC authorisation service, and the
 * Application Service. */
#ifndef AURA_API_MATRIX_H
#define AURA_API_MATRIX_H

#include "auraid/matrix/as_errand.h"
#include "auraid/matrix/registration.h"

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

/** Outlives the server. */
struct aura_appservice_conf {
    const char *server, *hs_token; /* of the registration */
    struct aura_as_home home;
};

#endif
