/* SPDX-License-Identifier: Apache-2.0 */
/** @file config_priv.h  The table of keys, shared by config.c and config_table.c. */
#ifndef AURA_API_CONFIG_PRIV_H
#define AURA_API_CONFIG_PRIV_H

#include "api/config.h"

enum aura__config_type {
    CONFIG_BOOL,
    CONFIG_UINT,    /* uint32_t */
    CONFIG_MS,      /* "500ms", "1s"; a bare number is taken as it is; → uint32_t */
    CONFIG_SECONDS, /* "10s", "5m"; a bare number is seconds; → uint32_t */
    CONFIG_TEXT,
    CONFIG_LIST,    /* of texts */
    CONFIG_CODECS,  /* of {mime: …, fmtp_line: …} → list of MIME types */
    CONFIG_PORTS,   /* "7882" or "7882-7892" → two uint32_t: first and count */
    CONFIG_TURN,    /* of {host: …, port: …, …} → rtc.turn_servers */
    CONFIG_KEYS,    /* map key → secret */
    CONFIG_PRESETS, /* map name → map → two lists: names and JSON texts */
    CONFIG_IGNORED, /* LiveKit's; whatever lies below has no effect */
};

struct aura__config_key {
    const char *path; /* "rtc.udp_port" */
    enum aura__config_type type;
    size_t offset;
    uint32_t min, max;           /* of numbers */
    const char *fallback, *help; /* default as text; meaning */
};

extern const struct aura__config_key aura__config_keys[];
extern const size_t aura__config_key_count;

/** A whole file. @param secret  others must not be able to read it
 * @return 0; else @p messages say why: AURA_ENOENT, AURA_EPOLICY, AURA_ELIMIT, AURA_EIO */
AURA_NODISCARD int aura__config_read(const char *path, bool secret, struct aura_buf *out,
                                     struct aura_buf *messages);

/** Does SIGHUP change it while the server runs? (config_compare.c) */
bool aura__config_live(const char *path);

#endif
