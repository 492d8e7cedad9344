/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/srtp.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "transport/srtp_priv.h"

#include <limits.h>
#include <pthread.h>
#include <srtp2/srtp.h>

enum {
    RTP_HEADER = 12,
    RTCP_HEADER = 8,
    SSRC_SLOTS = AURA_SRTP_REMOTE_SSRCS_MAX * 2, /* power of two, at most half full */
};

struct aura_srtp {
    srtp_t out, in;
    uint32_t ssrcs[SSRC_SLOTS]; /* remote ones that authenticated; 0 = free (see has_zero) */
    size_t ssrc_count;
    bool has_zero;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready, fast_gcm;

static void init_library(void);

const char *aura_srtp_engine(void) {
    (void)pthread_once(&once, init_library);
    return fast_gcm ? "ipsec-mb" : "libsrtp";
}

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

static void init_library(void) {
    ready = srtp_init() == srtp_err_status_ok;
    fast_gcm = ready && aura__srtp_gcm_install();
    if (ready) {
        keep_library_loaded();
    }
}

int aura_srtp_new(struct aura_srtp **sp, const struct aura_srtp_keys *keys) {
    (void)pthread_once(&once, init_library);
    if (!ready) {
        return AURA_EBUG;
    }
    struct aura_srtp *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    int err = make_session(&s->out, keys->profile, &keys->local, ssrc_any_outbound);
    if (!err) {
        err = make_session(&s->in, keys->profile, &keys->remote, ssrc_any_inbound);
    }
    if (err) {
        aura_srtp_free(s);
        return err;
    }
    *sp = s;
    return 0;
}

struct aura_srtp *aura_srtp_free(struct aura_srtp *s) {
    if (s) {
        if (s->out) {
            (void)srtp_dealloc(s->out);
        }
        if (s->in) {
            (void)srtp_dealloc(s->in);
        }
        aura_free(s);
    }
    return NULL;
}

static bool fits(size_t len, size_t header, size_t cap) {
    return len >= header && len <= INT_MAX - AURA_SRTP_TAIL && cap >= len + AURA_SRTP_TAIL;
}

int aura_srtp_protect(struct aura_srtp *s, uint8_t *data, size_t *len, size_t cap) {
    if (!fits(*len, RTP_HEADER, cap)) {
        return *len < RTP_HEADER ? AURA_EMALFORMED : AURA_ELIMIT;
    }
    int n = (int)*len;
    int err = err_of(srtp_protect(s->out, data, &n));
    if (!err) {
        *len = (size_t)n;
    }
    return err;
}

int aura_srtcp_protect(struct aura_srtp *s, uint8_t *data, size_t *len, size_t cap) {
    if (!fits(*len, RTCP_HEADER, cap)) {
        return *len < RTCP_HEADER ? AURA_EMALFORMED : AURA_ELIMIT;
    }
    int n = (int)*len;
    int err = err_of(srtp_protect_rtcp(s->out, data, &n));
    if (!err) {
        *len = (size_t)n;
    }
    return err;
}

size_t aura_srtp_protect_batch(struct aura_srtp *s, struct aura_srtp_packet *packets, size_t n) {
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        packets[i].err = aura_srtp_protect(s, packets[i].data, &packets[i].len, packets[i].cap);
        done += packets[i].err == 0;
    }
    return done;
}

/* The place of an SSRC, or the free one where it would go. SSRCs are random by RFC 3550, and only
 * those of an authenticated peer get in, so that a plain multiplicative hash does. */
static size_t ssrc_slot(const struct aura_srtp *s, uint32_t ssrc) {
    size_t i = (ssrc * UINT32_C(2654435761)) >> 16 & (SSRC_SLOTS - 1);
    while (s->ssrcs[i] && s->ssrcs[i] != ssrc) {
        i = (i + 1) & (SSRC_SLOTS - 1);
    }
    return i;
}

static bool ssrc_known(const struct aura_srtp *s, uint32_t ssrc) {
    return ssrc ? s->ssrcs[ssrc_slot(s, ssrc)] == ssrc : s->has_zero;
}

static void ssrc_note(struct aura_srtp *s, uint32_t ssrc) {
    if (ssrc) {
        s->ssrcs[ssrc_slot(s, ssrc)] = ssrc;
    } else {
        s->has_zero = true;
    }
    s->ssrc_count++;
}

static int unprotect(struct aura_srtp *s, uint8_t *data, size_t *len, size_t header, size_t ssrc_at,
                     srtp_err_status_t (*fn)(srtp_t, void *, int *)) {
    if (*len < header || *len > INT_MAX) {
        return AURA_EMALFORMED;
    }
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

int aura_srtp_unprotect(struct aura_srtp *s, uint8_t *data, size_t *len) {
    return unprotect(s, data, len, RTP_HEADER, 8, srtp_unprotect);
}

int aura_srtcp_unprotect(struct aura_srtp *s, uint8_t *data, size_t *len) {
    return unprotect(s, data, len, RTCP_HEADER, 4, srtp_unprotect_rtcp);
}

void aura_srtp_forget(struct aura_srtp *s, uint32_t ssrc) {
    /* The library calls it an SSRC in network order. */
    uint8_t wire[4];
    uint32_t value;
    aura_put_u32(wire, ssrc);
    memcpy(&value, wire, sizeof(value));
    (void)srtp_remove_stream(s->out, value);
}
