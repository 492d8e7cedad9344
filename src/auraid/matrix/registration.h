/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file registration.h  The file by which a homeserver and this server know each other as
 * homeserver and Application Service.
 *
 * Both read the same file: `as_token` proves us to the homeserver, `hs_token` the homeserver to us.
 * Homeservers pay no heed to fields that they do not know; `auralink_server_name` is ours.
 * (Matrix specification 1.11, Application Service API, "Registration")
 */
#ifndef AURA_AURAID_MATRIX_REGISTRATION_H
#define AURA_AURAID_MATRIX_REGISTRATION_H

#include "auraid/name.h"
#include "base/buf.h"
#include "base/rand.h"

enum {
    AURA_REGISTRATION_BYTES_MAX = 64 * 1024,
    AURA_REGISTRATION_TOKEN_MAX = 256,  /* with the NUL */
    AURA_REGISTRATION_TOKEN_CHARS = 64, /* that are written: 381 bits */
    AURA_REGISTRATION_TOKEN_LEAST = 16, /* that are believed */
};

struct aura_registration {
    char server[AURA_SERVER_BYTES_MAX]; /* of the ghosts: @name.aura:server */
    char as_token[AURA_REGISTRATION_TOKEN_MAX], hs_token[AURA_REGISTRATION_TOKEN_MAX];
};

/** Two new tokens. */
void aura_registration_make(struct aura_registration *out, const char *server,
                            struct aura_rand *rand);
/** The file's text. @param url  where the homeserver finds us. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_registration_text(const struct aura_registration *r, const char *url,
                                          struct aura_buf *out);
/** Writes it, for nobody else to read. @return 0, AURA_EEXISTS (there is a file: its tokens are in
 * use), AURA_EIO; errno tells */
AURA_NODISCARD int aura_registration_write(const char *path, const char *text);
/** @param why  out, for people: what is wrong with the file. @return 0, AURA_EIO, AURA_EMALFORMED,
 * AURA_EPOLICY (everybody may read it), AURA_ENOMEM */
AURA_NODISCARD int aura_registration_read(struct aura_registration *out, const char *path,
                                          struct aura_buf *why);
/** As that, of a text. */
AURA_NODISCARD int aura_registration_parse(struct aura_registration *out, const char *text,
                                           size_t len, struct aura_buf *why);
void aura_registration_wipe(struct aura_registration *r);

#endif
