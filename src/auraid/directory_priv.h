/* SPDX-License-Identifier: Apache-2.0 */
/** @file directory_priv.h  The directory's tables and statements. Private to src/auraid. */
#ifndef AURA_AURAID_DIRECTORY_PRIV_H
#define AURA_AURAID_DIRECTORY_PRIV_H

#include "auraid/directory.h"
#include "auraid/share.h"
#include "base/sql.h"

enum aura__directory_statement {
    ST_COUNT_ALL,
    ST_COUNT_APPS,
    ST_ADD,
    ST_ADD_PROOF,
    ST_BY_ID,
    ST_BY_PROOF,
    ST_UPDATE,
    ST_OWNER,
    ST_PROOFS,
    ST_COUNT_PROOFS,
    ST_KNOWN_BY,
    ST_KNOWN,
    ST_REMOVE_PROOF,
    ST_DEVICE,
    ST_TRIM_DEVICES,
    ST_FORGET_DEVICE,
    ST_DEVICES,
    ST_STANCE_SET,
    ST_STANCE_DROP,
    ST_STANCE_GET,
    ST_STANCES,
    ST_COUNT_STANCES,
    ST_STRANGERS, /* what others think of it */
    ST_MISSED,
    ST_MISSED_ADD,
    ST_MISSED_TRIM,
    ST_MISSED_FORGET,
    ST_MISSED_OF, /* where others have it */
    ST_EVENT,     /* of Matrix, that were seen */
    ST_EVENT_TRIM,
    ST_ROOM, /* of Matrix, that its ghost is in */
    ST_ROOM_LEAVE,
    ST_ROOM_PEOPLE,
    ST_ROOMS,
    ST_ROOM_COUNT,
    ST_ROOM_DIRECT,
    ST_GONE, /* whose ghosts are still to be ended */
    ST_GONE_ADD,
    ST_GONE_DROP,
    ST_ACCOUNT_ADD, /* of the app: account.c */
    ST_ACCOUNT_BY_NAME,
    ST_ACCOUNT_BY_HANDLE,
    ST_ACCOUNT_PASSWORD,
    ST_ACCOUNT_TRIED,
    ST_PASSKEY_ADD,
    ST_PASSKEY_FIND,
    ST_PASSKEY_USED,
    ST_PASSKEY_COUNT,
    ST_PASSKEYS,
    ST_PASSKEY_NAME,
    ST_PASSKEY_DROP,
    ST_DELETE,
    ST_TOTAL,
};

extern const char aura__directory_schema[];
extern const char *const aura__directory_sql[ST_TOTAL];

struct aura_directory {
    struct aura_directory_conf conf;
    struct aura_sql *sql;
    uint64_t count;
    struct aura_share *apps; /* of its proofs */
};

/** @return 0, AURA_EEXISTS (the name is somebody's), AURA_EIO */
AURA_NODISCARD int aura__directory_add_named(struct aura_directory *d, const struct aura_id *id,
                                             const char *display, enum aura_id_kind kind);
AURA_NODISCARD int aura__directory_add_proof(struct aura_directory *d, const struct aura_id *id,
                                             const struct aura_proof *proof);

/* directory_share.c: how many proofs each app has */
/** @return 0, AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura__share_open(struct aura_directory *d);
/** May there be another identity by that proof? @return 0, AURA_ELIMIT */
AURA_NODISCARD int aura__share_fits(const struct aura_directory *d, const char *provider);
/** A proof has come, or gone. */
void aura__share_add(struct aura_directory *d, const char *provider);
void aura__share_drop(struct aura_directory *d, const char *provider);
/** All of somebody's go. */
void aura__share_drop_all(struct aura_directory *d, const struct aura_id *id);

#endif
