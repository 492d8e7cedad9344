/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/server_tracing.h"

#include "base/log.h"
#include "cmd/pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { GRACE_MS = 1500 };

static const char program[] = "auralink-server", key[] = "tracing.headers_file";

static bool read_ratio(const char *text, double *ratio) {
    char *end = NULL;
    *ratio = strtod(text, &end);
    return end != text && !*end && *ratio >= 0 && *ratio <= 1; /* NaN is neither */
}

const char *server_tracing_problem(const struct aura_config *c) {
    double ratio;
    return read_ratio(c->tracing.sample_ratio, &ratio)
               ? NULL
               : "tracing.sample_ratio: a number from 0 to 1, such as 0.1";
}

/* Who reads it can write to the collector. @param text  out: NULL = none is wanted */
static int read_headers(const char *path, char **text) {
    struct stat st;
    *text = NULL;
    if (!path[0]) {
        return 0;
    }
    if (stat(path, &st) == 0 && (st.st_mode & S_IRWXO)) {
        fprintf(stderr, "%s: %s: everybody may read %s; run: chmod o-rwx %s\n", program, key, path,
                path);
        return AURA_EPOLICY;
    }
    *text = aura_pem_read(program, key, path);
    return *text ? 0 : AURA_EIO;
}

int server_tracing_start(struct aura_tracing **t, struct aura_trace_conf *conf,
                         const struct aura_config *c, const char *node_id) {
    char *headers;
    const char *why = NULL;
    *conf = (struct aura_trace_conf){.fn = NULL};
    if (!c->tracing.endpoint[0]) {
        return 0;
    }
    int err = read_headers(c->tracing.headers_file, &headers);
    if (err) {
        return err;
    }
    const struct aura_tracing_conf tracing = {.endpoint = c->tracing.endpoint,
                                              .headers = headers,
                                              .node_id = node_id,
                                              .version = AURA_VERSION,
                                              .timeout_us = c->tracing.timeout_s * AURA_US_PER_S,
                                              .grace_us = GRACE_MS * AURA_US_PER_MS,
                                              .clock = aura_clock_system()};
    err = aura_tracing_new(t, &tracing, &why);
    aura_pem_free(headers);
    if (err) {
        fprintf(stderr, "%s: %s\n", program, why ? why : aura_err_text(err));
        return err;
    }
    *conf = (struct aura_trace_conf){.fn = aura_tracing_span,
                                     .arg = *t,
                                     .clock = aura_clock_system(),
                                     .rand = aura_rand_system()};
    (void)read_ratio(c->tracing.sample_ratio, &conf->ratio); /* checked before */
    AURA_LOG("trace", AURA_LOG_INFO, "tracing", AURA_D("sample_ratio", conf->ratio));
    return 0;
}
