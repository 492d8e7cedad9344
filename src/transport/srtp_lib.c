/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP by libsrtp. */
#include "base/bytes.h"
#include "base/mem.h"
#include "transport/srtp_priv.h"

#include <pthread.h>
#include <srtp2/srtp.h>

enum { SSRC_SLOTS = AURA_SRTP_REMOTE_SSRCS_MAX * 2 }; /* power of two, at most half full */

struct session {
    struct aura_srtp base;
    srtp_t out, in;
    uint32_t ssrcs[SSRC_SLOTS]; /* remote ones that authenticated; 0 = free (see has_zero) */
    size_t ssrc_count;
    bool has_zero;
};

static int err_of(srtp_err_status_t status) {
    /* The rest of that enum says that a packet is not one. */
    if (status == srtp_err_status_ok) {
        return 0;
    }
    if (status == srtp_err_status_auth_fail || status == srtp_err_status_cipher_fail) {
        return AURA_EAUTH;
    }
    if (status == srtp_err_status_replay_fail || status == srtp_err_status_replay_old) {
        return AURA_ESTALE;
    }
    if (status == srtp_err_status_key_expired) {
        return AURA_ELIMIT;
    }
    return status == srtp_err_status_alloc_fail ? AURA_ENOMEM : AURA_EMALFORMED;
}

static int make_session(srtp_t *session, enum aura_srtp_profile profile,
                        const struct aura_srtp_key *key, srtp_ssrc_type_t direction) {
    uint8_t master[AURA_SRTP_KEY_MAX + AURA_SRTP_SALT_MAX];
    size_t key_len = aura_srtp_profile_key_bytes(profile);
    srtp_profile_t id = (srtp_profile_t)profile;
    srtp_policy_t policy = {.ssrc.type = direction,
                            .key = master,
                            .window_size = AURA_SRTP_WINDOW,
                            .allow_repeat_tx = 1};
    if (key_len == 0 ||
        srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, id) != srtp_err_status_ok ||
        srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, id) != srtp_err_status_ok) {
        return AURA_EINVAL;
    }
    memcpy(master, key->key, key_len);
    memcpy(master + key_len, key->salt, aura_srtp_profile_salt_bytes(profile));
    srtp_err_status_t status = srtp_create(session, &policy);
    aura_wipe(master, sizeof(master));
    return status == srtp_err_status_ok ? 0 : AURA_ENOMEM;
}

/* Debian's libsrtp derives keys with NSS, which it loads with the first session that needs it and
 * unloads with the last: a millisecond each time. This session is never used and stays. */
static void keep_library_loaded(void) {
    static srtp_t keeper;
    const struct aura_srtp_key none = {.key = {0}};
    (void)!make_session(&keeper, AURA_SRTP_AES128_CM_SHA1_80, &none, ssrc_any_outbound);
}

static void end(struct aura_srtp *base) {
    struct session *s = (struct session *)base;
    if (s->out) {
        (void)srtp_dealloc(s->out);
    }
    if (s->in) {
        (void)srtp_dealloc(s->in);
    }
    aura_free(s);
}

static int make(struct aura_srtp **sp, const struct aura_srtp_keys *keys) {
    struct session *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    int err = make_session(&s->out, keys->profile, &keys->local, ssrc_any_outbound);
    err = err ? err : make_session(&s->in, keys->profile, &keys->remote, ssrc_any_inbound);
    if (err) {
        end(&s->base);
        return err;
    }
    *sp = &s->base;
    return 0;
}

static int protect_by(struct aura_srtp *base, uint8_t *data, size_t *len,
                      srtp_err_status_t (*fn)(srtp_t, void *, int *)) {
    struct session *s = (struct session *)base;
    int n = (int)*len;
    int err = err_of(fn(s->out, data, &n));
    if (!err) {
        *len = (size_t)n;
    }
    return err;
}

static int protect(struct aura_srtp *s, uint8_t *data, size_t *len) {
    return protect_by(s, data, len, srtp_protect);
}

static int protect_rtcp(struct aura_srtp *s, uint8_t *data, size_t *len) {
    return protect_by(s, data, len, srtp_protect_rtcp);
}

/* The place of an SSRC, or the free one where it would go. SSRCs are random by RFC 3550, and only
 * those of an authenticated peer get in, so that a plain multiplicative hash does. */
static size_t ssrc_slot(const struct session *s, uint32_t ssrc) {
    size_t i = (ssrc * UINT32_C(2654435761)) >> 16 & (SSRC_SLOTS - 1);
    while (s->ssrcs[i] && s->ssrcs[i] != ssrc) {
        i = (i + 1) & (SSRC_SLOTS - 1);
    }
    return i;
}

static bool ssrc_known(const struct session *s, uint32_t ssrc) {
    return ssrc ? s->ssrcs[ssrc_slot(s, ssrc)] == ssrc : s->has_zero;
}

static void ssrc_note(struct session *s, uint32_t ssrc) {
    if (ssrc) {
        s->ssrcs[ssrc_slot(s, ssrc)] = ssrc;
    } else {
        s->has_zero = true;
    }
    s->ssrc_count++;
}

static int unprotect_by(struct aura_srtp *base, uint8_t *data, size_t *len, size_t ssrc_at,
                        srtp_err_status_t (*fn)(srtp_t, void *, int *)) {
    struct session *s = (struct session *)base;
    uint32_t ssrc = aura_get_u32(data + ssrc_at);
    bool known = ssrc_known(s, ssrc);
    if (!known && s->ssrc_count >= AURA_SRTP_REMOTE_SSRCS_MAX) {
        return AURA_ELIMIT;
    }
    int n = (int)*len;
    int err = err_of(fn(s->in, data, &n));
    if (err) {
        return err;
    }
    if (!known) {
        ssrc_note(s, ssrc);
    }
    *len = (size_t)n;
    return 0;
}

static int unprotect(struct aura_srtp *s, uint8_t *data, size_t *len) {
    return unprotect_by(s, data, len, 8, srtp_unprotect);
}

static int unprotect_rtcp(struct aura_srtp *s, uint8_t *data, size_t *len) {
    return unprotect_by(s, data, len, 4, srtp_unprotect_rtcp);
}

static void forget(struct aura_srtp *base, uint32_t ssrc) {
    struct session *s = (struct session *)base;
    /* The library calls it an SSRC in network order. */
    uint8_t wire[4];
    uint32_t value;
    aura_put_u32(wire, ssrc);
    memcpy(&value, wire, sizeof(value));
    (void)srtp_remove_stream(s->out, value);
}

static const struct aura__srtp_engine engine = {
    .make = make,
    .end = end,
    .protect = protect,
    .protect_rtcp = protect_rtcp,
    .unprotect = unprotect,
    .unprotect_rtcp = unprotect_rtcp,
    .forget = forget,
};

static bool ready;

static void init_library(void) {
    ready = srtp_init() == srtp_err_status_ok;
    if (ready) {
        keep_library_loaded();
    }
}

const struct aura__srtp_engine *aura__srtp_lib(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, init_library);
    return ready ? &engine : NULL;
}
