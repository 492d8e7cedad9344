/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_reload.h  What SIGHUP does: the configuration is read again, and what may change
 * changes, without an end to any call. */
#ifndef AURA_CMD_SERVER_RELOAD_H
#define AURA_CMD_SERVER_RELOAD_H

#include "api/server.h"
#include "api/tls.h"
#include "cmd/server_options.h"
#include "room/rooms.h"

struct server_reload {
    int argc;
    char **argv;
    struct server_options *options; /* as the server runs now; borrowed */
    struct aura_rooms *rooms;
    struct aura_tls *tls; /* NULL: plain HTTP, until the server starts again */
    bool webhooks;        /* their key cannot change while they run */
    struct aura_server *server;
    struct aura_directory *directory; /* NULL: nobody has an AuraID */
};

/** Fills what both the start and SIGHUP set. */
void server_rooms_settings(struct aura_rooms_conf *conf, const struct aura_config *c);
/** Reads everything again; logs what changed, what cannot, or why all stays as it is. */
void server_reload(const struct server_reload *r);

#endif
