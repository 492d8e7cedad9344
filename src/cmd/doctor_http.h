/* SPDX-License-Identifier: Apache-2.0 */
/** @file doctor_http.h  HTTP requests of `auralink doctor`, with what it wants to see of answers.
 */
#ifndef AURA_CMD_DOCTOR_HTTP_H
#define AURA_CMD_DOCTOR_HTTP_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { DOCTOR_LINKS_MAX = 16, DOCTOR_LINK_BYTES = 1024 };

enum doctor_trouble {
    DOCTOR_NONE,
    DOCTOR_NAME,        /* the host's name does not resolve */
    DOCTOR_UNREACHABLE, /* nothing listens there, or a firewall */
    DOCTOR_CERTIFICATE,
    DOCTOR_OTHER,
};

struct doctor_answer {
    enum doctor_trouble trouble; /* then only `why` is valid */
    char why[256];
    long status;
    int64_t date_s; /* of the server, Unix time; 0 = not told */
    char location[256];
    size_t link_count;
    char links[DOCTOR_LINKS_MAX][DOCTOR_LINK_BYTES];
    struct aura_buf body;
};

struct doctor_request {
    const char *method, *path; /* path with its '/' */
    const char *token;         /* NULL = none */
    const char *body, *type;   /* NULL = none */
    bool insecure;
};

/** @param base  "https://host:port", without a slash at its end. Free out->body. */
void doctor_http(const char *base, const struct doctor_request *q, struct doctor_answer *out);

#endif
