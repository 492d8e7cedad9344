/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file token.h  LiveKit access tokens: JWT (RFC 7519) signed with HS256, and what they grant.
 *
 * Only HS256 is taken, whatever the header says; `iss` names the API key; `exp` and `nbf` are
 * checked with a leeway of a minute. Threading: none of its own.
 */
#ifndef AURA_ROOM_TOKEN_H
#define AURA_ROOM_TOKEN_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AURA_TOKEN_BYTES_MAX = 128 * 1024, /* own limit: metadata and room configuration lie inside */
    AURA_TOKEN_LEEWAY_S = 60,
    AURA_TOKEN_ATTRIBUTES_MAX = 256,
    AURA_KEYS_MAX = 4096,
};

/** The attribute by which a participant has its say in AI compression; also set by the claim `aic`.
 */
#define AURA_TOKEN_AIC "auralink.aic"

/** The API keys of a server. Secrets are wiped when it is freed. */
struct aura_keys;
AURA_NODISCARD int aura_keys_new(struct aura_keys **kp);
struct aura_keys *aura_keys_free(struct aura_keys *k);
/** Adds or replaces one. @return 0, AURA_EINVAL (empty), AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_keys_add(struct aura_keys *k, const char *key, const char *secret);
/** The secret of a key, or NULL. Borrowed. */
const char *aura_keys_secret(const struct aura_keys *k, const char *key);
/** Another secret for a key; tokens signed with the one before are believed until then (Unix time),
 * those signed with the one before that no more. @return 0, AURA_ENOENT, AURA_EINVAL, AURA_ENOMEM
 */
AURA_NODISCARD int aura_keys_rotate(struct aura_keys *k, const char *key, const char *secret,
                                    int64_t old_until_s);
/** The secret before a rotation while it is believed, or NULL. Borrowed. */
const char *aura_keys_old_secret(const struct aura_keys *k, const char *key, int64_t now_s);
/** Nothing that it signed is believed any more. Unknown ones are fine. */
void aura_keys_remove(struct aura_keys *k, const char *key);
/** Keys from another source, behind those of @p k: a name in both is that of @p k. Neither
 * aura_keys_swap() nor aura_keys_compare() touches them.
 * @param more  borrowed for the life of @p k; NULL = none */
void aura_keys_set_more(struct aura_keys *k, const struct aura_keys *more);
/** Each key, in the order in which they were added; not those behind it. */
void aura_keys_each(const struct aura_keys *k, void (*fn)(void *arg, const char *key), void *arg);
/** Both change their contents: who holds @p a sees the keys of @p b at once. */
void aura_keys_swap(struct aura_keys *a, struct aura_keys *b);
/** How @p now differs from @p before; never what the secrets are. */
struct aura_keys_change {
    size_t added, removed, changed;
};
struct aura_keys_change aura_keys_compare(const struct aura_keys *before,
                                          const struct aura_keys *now);
size_t aura_keys_count(const struct aura_keys *k);
/** Only of this key is it believed whose tokens are on Matrix (claims' matrix_user); NULL = of
 * none.
 * @param key  borrowed for the life of @p k; aura_keys_swap() does not move it */
void aura_keys_set_matrix(struct aura_keys *k, const char *key);
bool aura_keys_is_matrix(const struct aura_keys *k, const char *key);
/** The first key added, for tokens that the server makes of its own accord. */
const char *aura_keys_first(const struct aura_keys *k);

enum aura_tristate { AURA_UNSET = -1, AURA_NO = 0, AURA_YES = 1 };

/** LiveKit's VideoGrant. Sources are bits of Livekit__TrackSource. */
struct aura_video_grant {
    char *room, *destination_room; /* NULL = not given */
    bool room_create, room_list, room_record, room_admin, room_join;
    bool ingress_admin, hidden, recorder, agent;
    enum aura_tristate can_publish, can_subscribe, can_publish_data, can_update_own_metadata;
    enum aura_tristate can_subscribe_metrics;
    uint32_t sources; /* 0 = all */
};

struct aura_pair {
    char *key, *value;
};

struct aura_claims {
    char *api_key, *identity, *name, *metadata, *kind, *room_config,
        *room_preset;  /* NULL = not given */
    char *matrix_user; /* Matrix user id, see aura_keys_set_matrix() */
    char *sha256;      /* of the body that the token vouches for, base64 (webhooks) */
    int64_t expires_s; /* Unix time; 0 = never */
    bool has_video, sip_admin, sip_call;
    struct aura_video_grant video;
    size_t attribute_count;
    struct aura_pair *attributes;
};

void aura_claims_init(struct aura_claims *c);
void aura_claims_clear(struct aura_claims *c);
/** Adds an attribute; both are copied. @return 0, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_claims_attribute(struct aura_claims *c, const char *key, const char *value);

/**
 * Checks and reads a token. @param why  out: a text for the peer, never NULL
 * @return 0, AURA_EAUTH (see why), AURA_ENOMEM. On failure there is nothing to clear.
 */
AURA_NODISCARD int aura_token_verify(struct aura_claims *c, const struct aura_keys *keys,
                                     const char *token, size_t len, int64_t now_s,
                                     const char **why);

/** Makes a token; appends it to @p out. @param ttl_s  from now. @return 0, AURA_ENOMEM, AURA_ELIMIT
 */
AURA_NODISCARD int aura_token_mint(struct aura_buf *out, const struct aura_claims *c,
                                   const char *key, const char *secret, int64_t now_s,
                                   int64_t ttl_s);

#endif
