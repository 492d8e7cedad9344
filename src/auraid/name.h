/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file name.h  Names of people and servers: AuraIDs, Matrix user ids, Matrix server names.
 *
 *     @alice.aura                 AuraID, short: of this deployment
 *     @alice.aura:example.org     AuraID, global: a Matrix user id in the namespace *.aura
 *     @bob:example.org            any other Matrix user id
 *
 * Pure functions on text; what comes in is not trusted and need not end with a NUL.
 * (Matrix specification 1.11, appendices 4.1 Server Name and 4.2 Common Identifier Format)
 */
#ifndef AURA_AURAID_NAME_H
#define AURA_AURAID_NAME_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_NAME_MIN = 3, /* letters of an AuraID, without "@" and ".aura" */
    AURA_NAME_MAX = 32,
    AURA_ID_BYTES_MAX = AURA_NAME_MAX + 7, /* "@", ".aura" and the NUL */
    AURA_MXID_BYTES_MAX = 256,             /* 255 and the NUL; 4.2.2 User Identifiers */
    AURA_SERVER_BYTES_MAX = 256,
};

/** An AuraID's name: lower case letters, digits, "-" and "_", the first one a letter or digit. */
struct aura_id {
    char name[AURA_NAME_MAX + 1];
};

/** Points into the text that was read. */
struct aura_slice {
    const char *p;
    size_t len;
};

enum aura_host_kind { AURA_HOST_DNS, AURA_HOST_V4, AURA_HOST_V6 };

struct aura_server_name {
    struct aura_slice host; /* IPv6 without its brackets */
    enum aura_host_kind kind;
    uint16_t port; /* 0 = none given */
};

struct aura_mxid {
    struct aura_slice local, server;
    struct aura_server_name parsed; /* of `server` */
};

/**
 * "@alice.aura" or "alice.aura"; capitals become small. A server after it is not taken.
 * @return 0 or AURA_EMALFORMED
 */
AURA_NODISCARD int aura_id_parse(struct aura_id *out, const char *text, size_t len);
/** "@alice.aura". @return @p out */
const char *aura_id_text(const struct aura_id *id, char out[AURA_ID_BYTES_MAX]);
/**
 * A name made of any text that a person goes by elsewhere (an identity, a Matrix localpart, a mail
 * address): what is not allowed becomes "-", without it at the ends; @p tag (lower case hexadecimal
 * digits, or "") is appended, so that different people with one name differ.
 * Never fails: of nothing usable "guest" is made, which then needs a tag.
 */
void aura_id_suggest(struct aura_id *out, const char *text, size_t len, const char *tag);

/** @return 0 or AURA_EMALFORMED */
AURA_NODISCARD int aura_server_name_parse(struct aura_server_name *out, const char *text,
                                          size_t len);
/** Any user id, as old servers made them too: printable ASCII but ":". @return 0, AURA_EMALFORMED
 */
AURA_NODISCARD int aura_mxid_parse(struct aura_mxid *out, const char *text, size_t len);
/** Is it an AuraID's global form? @return 0 and its name, or AURA_ENOENT */
AURA_NODISCARD int aura_mxid_id(const struct aura_mxid *mxid, struct aura_id *out);
/** What a Matrix user goes by here, for aura_id_suggest(): the localpart, without ".aura".
 * @return @p out */
const char *aura_mxid_hint(const char *mxid, char out[AURA_MXID_BYTES_MAX]);
/** Server names are compared as they are written (4.1): case matters to nobody but DNS. */
bool aura_slice_equal(struct aura_slice a, const char *text);

#endif
