/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_tls.h  The server's certificate: read at the start, and again when its files are
 * others. */
#ifndef AURA_CMD_SERVER_TLS_H
#define AURA_CMD_SERVER_TLS_H

#include "api/config.h"
#include "api/tls.h"
#include "net/loop.h"

/** Zeroed before server_tls_start(). */
struct server_tls {
    struct aura_tls *tls; /* NULL: plain HTTP */
    struct aura_timers *timers;
    struct aura_timer timer;
    uint32_t every_s;
};

/** Says on stderr what is wrong with tls.cert_file and tls.key_file. From then on they are looked
 * at every tls.check_interval. @return 0 or an error */
AURA_NODISCARD int server_tls_start(struct server_tls *t, const struct aura_config *c,
                                    struct aura_loop *loop);
void server_tls_end(struct server_tls *t);
/** Logs that a certificate was read. */
void server_tls_tell(const struct aura_tls *tls);

#endif
