/* SPDX-License-Identifier: Apache-2.0 */
/** @file server_options.h  What auralink-server is told: defaults, file, environment, flags. */
#ifndef AURA_CMD_SERVER_OPTIONS_H
#define AURA_CMD_SERVER_OPTIONS_H

#include "api/config.h"
#include "net/addr.h"

enum { SERVER_BINDS_MAX = 8, SERVER_ADVERTISE_MAX = 64 };

struct server_options {
    struct aura_config config;
    struct aura_addr bind[SERVER_BINDS_MAX];
    size_t bind_count;
    struct aura_addr node_ip[SERVER_ADVERTISE_MAX]; /* that clients are told; none = our own */
    size_t node_ip_count;
    uint32_t codecs;                 /* bit per enum aura_codec; 0 = all */
    const char *dump_file, *dump_of; /* NULL = no dump; of everybody */
    uint64_t dump_mb;
};

/**
 * Reads everything; messages go to stderr. @param status  out: the exit status if it returns false
 * (--help, --version, --config-check, mistakes)
 */
bool server_options_read(struct server_options *o, int argc, char **argv, int *status);
void server_options_clear(struct server_options *o);

#endif
