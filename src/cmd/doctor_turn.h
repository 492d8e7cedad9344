/* SPDX-License-Identifier: Apache-2.0 */
/** @file doctor_turn.h  Does a TURN server relay to our media? (RFC 8656) */
#ifndef AURA_CMD_DOCTOR_TURN_H
#define AURA_CMD_DOCTOR_TURN_H

#include "cmd/doctor_line.h"
#include "net/addr.h"

/** A Link header of WHIP's. */
struct doctor_turn {
    char url[300], host[256], port[8], username[160], credential[160];
    enum doctor_kind kind;
};

/** `<turn:host:port?transport=udp>; rel="ice-server"; username="…"; credential="…"`.
 * @return false: it is no TURN server */
bool doctor_turn_read(struct doctor_turn *t, const char *link);
/**
 * Allocates a relay and asks for the permission to reach @p peer.
 * @param why  out: a sentence on failure
 * @return 0 or an error; AURA_EAUTH: credentials refused; AURA_EPOLICY: it does not relay to there
 */
AURA_NODISCARD int doctor_turn_try(const struct doctor_turn *t, const struct aura_addr *peer,
                                   bool insecure, char *why, size_t cap);

#endif
