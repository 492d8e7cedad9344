/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_tracing.h  Traces as the server's configuration wants them. */
#ifndef AURA_CMD_SERVER_TRACING_H
#define AURA_CMD_SERVER_TRACING_H

#include "api/config.h"
#include "api/tracing.h"

/** What is wrong with the configuration, for a person; NULL = nothing. */
const char *server_tracing_problem(const struct aura_config *c);
/**
 * Starts the export, if it is configured. Says on stderr what is wrong.
 * @param conf  out: for the HTTP server; of no effect where nothing is traced
 */
AURA_NODISCARD int server_tracing_start(struct aura_tracing **t, struct aura_trace_conf *conf,
                                        const struct aura_config *c, const char *node_id);

#endif
