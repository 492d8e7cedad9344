/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/srtp.h"

#include "transport/srtp_priv.h"

#include <limits.h>

static const struct aura__srtp_engine *engine_for(enum aura_srtp_profile profile) {
    bool gcm = profile == AURA_SRTP_AEAD_AES_128_GCM || profile == AURA_SRTP_AEAD_AES_256_GCM;
    const struct aura__srtp_engine *fast = gcm ? aura__srtp_gcm() : NULL;
    return fast ? fast : aura__srtp_lib();
}

const char *aura_srtp_engine(void) {
    return aura__srtp_gcm() ? "ipsec-mb" : "libsrtp";
}

int aura__srtp_new_by(const struct aura__srtp_engine *engine, struct aura_srtp **sp,
                      const struct aura_srtp_keys *keys) {
    if (!engine) {
        return AURA_EBUG;
    }
    int err = engine->make(sp, keys);
    if (!err) {
        (*sp)->engine = engine;
    }
    return err;
}

int aura_srtp_new(struct aura_srtp **sp, const struct aura_srtp_keys *keys) {
    return aura__srtp_new_by(engine_for(keys->profile), sp, keys);
}

struct aura_srtp *aura_srtp_free(struct aura_srtp *s) {
    if (s) {
        s->engine->end(s);
    }
    return NULL;
}

static int check_room(size_t len, size_t header, size_t cap) {
    if (len < header) {
        return AURA_EMALFORMED;
    }
    return len <= INT_MAX - AURA_SRTP_TAIL && cap >= len + AURA_SRTP_TAIL ? 0 : AURA_ELIMIT;
}

int aura_srtp_protect(struct aura_srtp *s, uint8_t *data, size_t *len, size_t cap) {
    int err = check_room(*len, AURA__RTP_HEADER, cap);
    return err ? err : s->engine->protect(s, data, len);
}

int aura_srtcp_protect(struct aura_srtp *s, uint8_t *data, size_t *len, size_t cap) {
    int err = check_room(*len, AURA__RTCP_HEADER, cap);
    return err ? err : s->engine->protect_rtcp(s, data, len);
}

int aura_srtp_unprotect(struct aura_srtp *s, uint8_t *data, size_t *len) {
    bool possible = *len >= AURA__RTP_HEADER && *len <= INT_MAX;
    return possible ? s->engine->unprotect(s, data, len) : AURA_EMALFORMED;
}

int aura_srtcp_unprotect(struct aura_srtp *s, uint8_t *data, size_t *len) {
    bool possible = *len >= AURA__RTCP_HEADER && *len <= INT_MAX;
    return possible ? s->engine->unprotect_rtcp(s, data, len) : AURA_EMALFORMED;
}

void aura_srtp_prefetch(const struct aura_srtp *s) {
    if (s->engine->prefetch) {
        s->engine->prefetch(s);
    }
}

void aura_srtp_forget(struct aura_srtp *s, uint32_t ssrc) {
    s->engine->forget(s, ssrc);
}
