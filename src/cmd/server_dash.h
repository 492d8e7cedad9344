/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_dash.h  The dashboard of auralink-server, as its configuration says. */
#ifndef AURA_CMD_SERVER_DASH_H
#define AURA_CMD_SERVER_DASH_H

#include "api/config.h"
#include "api/dash.h"
#include "api/dash_store.h"

struct server_dash {
    struct aura_dash_store *store; /* NULL: there is none */
    struct aura_keys *keys;
    struct aura_dash_conf conf;
    char setup[AURA_DASH_SETUP_LEN + 1]; /* token of the set-up link; "" = an operator is there */
};

/** Opens what is kept. @return 0, else it has said why not */
AURA_NODISCARD int server_dash_open(struct server_dash *d, const struct aura_config *c);
/** For the server. @return NULL: there is none */
const struct aura_dash_conf *server_dash_conf(const struct server_dash *d);
/** Tells a person where to set it up, if nobody has: on a terminal alone. */
void server_dash_announce(const struct server_dash *d, const struct aura_config *c, uint16_t port);
void server_dash_close(struct server_dash *d);

#endif
