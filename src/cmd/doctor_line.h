/* SPDX-License-Identifier: Apache-2.0 */
/** @file doctor_line.h  Questions and answers over UDP, TCP or TLS, with a limit on the waiting. */
#ifndef AURA_CMD_DOCTOR_LINE_H
#define AURA_CMD_DOCTOR_LINE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { DOCTOR_WAIT_MS = 3000, DOCTOR_MESSAGE_MAX = 1500 };

enum doctor_kind {
    DOCTOR_UDP,
    DOCTOR_TCP,        /* STUN messages one after the other (TURN) */
    DOCTOR_TCP_FRAMED, /* each behind its length (ICE, RFC 4571) */
    DOCTOR_TLS,        /* as DOCTOR_TCP */
};

struct doctor_line {
    enum doctor_kind kind;
    int fd;
    void *tls, *context; /* SSL *, SSL_CTX * */
    char why[256];       /* of the last failure, for people */
};

/** @param insecure  TLS: any certificate will do. @return 0 or an error, with `why` filled */
AURA_NODISCARD int doctor_line_open(struct doctor_line *l, enum doctor_kind kind, const char *host,
                                    const char *port, bool insecure);
void doctor_line_close(struct doctor_line *l);
/**
 * Sends a STUN message, again on UDP, until one with its transaction id comes back.
 * @return its length, or an error with `why` filled
 */
int doctor_line_ask(struct doctor_line *l, const uint8_t *message, size_t len,
                    uint8_t answer[DOCTOR_MESSAGE_MAX]);

#endif
