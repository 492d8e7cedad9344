/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file account.h  Accounts of the Meet app: passkeys and passwords that lead to an AuraID.
 *
 * An account is one more proof of an identity: provider "local", and as subject a handle, which is
 * random and never given twice. So nothing that was true of an account (a session, a passkey) is
 * ever true of somebody who gets its name later. It goes with the proof, and with the identity.
 *
 * Threading: as the directory's.
 */
#ifndef AURA_AURAID_ACCOUNT_H
#define AURA_AURAID_ACCOUNT_H

#include "auraid/directory.h"

enum {
    AURA_ACCOUNT_HANDLE_BYTES = 32 + 1, /* lower case hexadecimal digits and the NUL */
    AURA_ACCOUNT_HASH_BYTES = 128,      /* of a password, and the NUL: see base/password.h */
    AURA_ACCOUNT_PASSKEYS_MAX = 16,     /* of one account */
    AURA_PASSKEY_ID_BYTES_MAX = 512,
    AURA_PASSKEY_KEY_BYTES_MAX = 600, /* RSA with 4096 bits, as libfido2 keeps it */
    AURA_PASSKEY_RP_BYTES_MAX = 253,  /* a name of DNS */
    AURA_PASSKEY_NAME_BYTES_MAX = 64, /* that its person gives it */
};

extern const char aura_account_provider[]; /* "local" */

struct aura_account {
    char handle[AURA_ACCOUNT_HANDLE_BYTES];
    struct aura_id id;
    char password[AURA_ACCOUNT_HASH_BYTES]; /* a hash; "" = none */
    unsigned failures;                      /* wrong passwords since the last right one */
    uint64_t tried_us;                      /* the last wrong one; since the Unix epoch */
    uint64_t created_us;
};

/** What one signs in with. Borrowed, or until the directory's next call. */
struct aura_passkey {
    const uint8_t *id, *key;
    size_t id_len, key_len;
    int alg;          /* of COSE */
    const char *rp;   /* that it was made for */
    const char *name; /* that its person gave it; NULL or "" = none */
    uint32_t count;   /* of signatures, as the authenticator says; 0 = it does not count */
    uint64_t created_us, used_us; /* set by the directory */
};

struct aura_account_new {
    struct aura_id id;
    const char *display, *handle;
    const char *password;               /* a hash; NULL = none */
    const struct aura_passkey *passkey; /* NULL = none */
};

/** Makes an identity with just that name, and its account. @return 0, AURA_EEXISTS (the name or the
 * passkey is somebody's), AURA_ELIMIT (max_identities), AURA_EINVAL, AURA_EIO */
AURA_NODISCARD int aura_account_create(struct aura_directory *d, const struct aura_account_new *a);
/** @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_account_by_name(struct aura_directory *d, const struct aura_id *id,
                                        struct aura_account *out);
AURA_NODISCARD int aura_account_by_handle(struct aura_directory *d, const char *handle,
                                          struct aura_account *out);
/** @param hash  "" = none any more. @return 0, AURA_ENOENT, AURA_EINVAL, AURA_EIO */
AURA_NODISCARD int aura_account_set_password(struct aura_directory *d, const char *handle,
                                             const char *hash);
/** A password was tried. @return 0 or AURA_EIO */
AURA_NODISCARD int aura_account_tried(struct aura_directory *d, const char *handle, bool right);

/** @return 0, AURA_EEXISTS (it is somebody's), AURA_ELIMIT, AURA_ENOENT, AURA_EINVAL, AURA_EIO */
AURA_NODISCARD int aura_passkey_add(struct aura_directory *d, const char *handle,
                                    const struct aura_passkey *passkey);
/** Whose it is. @return 0, AURA_ENOENT, AURA_EIO */
AURA_NODISCARD int aura_passkey_find(struct aura_directory *d, const uint8_t *id, size_t len,
                                     struct aura_passkey *out,
                                     char handle[AURA_ACCOUNT_HANDLE_BYTES]);
/** It was signed in with. */
AURA_NODISCARD int aura_passkey_used(struct aura_directory *d, const uint8_t *id, size_t len,
                                     uint32_t count);
/** Gives one of an account's a name. @return 0, AURA_ENOENT, AURA_EINVAL, AURA_EIO */
AURA_NODISCARD int aura_passkey_rename(struct aura_directory *d, const char *handle,
                                       const uint8_t *id, size_t len, const char *name);
/** @return 0, AURA_ENOENT, AURA_ESTATE (the last one of an account without a password, whose person
 * could not come back), AURA_EIO */
AURA_NODISCARD int aura_passkey_drop(struct aura_directory *d, const char *handle,
                                     const uint8_t *id, size_t len);
/** The oldest first; borrowed inside @p fn, which asks nothing of the directory. */
AURA_NODISCARD int aura_passkeys(struct aura_directory *d, const char *handle,
                                 void (*fn)(void *arg, const struct aura_passkey *passkey),
                                 void *arg);

#endif
