/* SPDX-License-Identifier: Apache-2.0 */
/* Who checks a lite agent at one known address: two nodes of a cluster, of which one dials. */
#include "transport/ice_priv.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { PRIORITY = 126 << 24 | 65535 << 8 | 255 }; /* of a host candidate: RFC 8445 5.1.2.1 */

struct check {
    struct aura_stun_tid tid;
    uint64_t sent_us; /* 0: none */
};

struct aura__ice_dial {
    struct aura_path to;
    struct aura_rand *rand;
    struct aura_timer turn;
    char username[2 * AURA_ICE_UFRAG_MAX + 2], pwd[AURA_ICE_PWD_MAX + 1];
    uint64_t tie_breaker;
    struct check sent[AURA_ICE_DIAL_KEPT];
    unsigned next;
    uint32_t rtt_us;
};

static void send_check(struct aura_ice *ice) {
    struct aura__ice_dial *d = ice->dial;
    struct check *c = &d->sent[d->next++ % AURA_ICE_DIAL_KEPT];
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    aura_rand_bytes(d->rand, c->tid.b, sizeof(c->tid.b));
    c->sent_us = aura__ice_now(ice);
    const struct aura_stun_msg m = {.cls = AURA_STUN_REQUEST,
                                    .method = AURA_STUN_BINDING,
                                    .tid = c->tid,
                                    .username = d->username,
                                    .username_len = strlen(d->username),
                                    .has_priority = true,
                                    .priority = PRIORITY,
                                    .use_candidate = true,
                                    .controlling = true,
                                    .tie_breaker = d->tie_breaker};
    if (aura_stun_build(&m, d->pwd, out, sizeof(out), &len) == 0) {
        ice->handlers.send(ice->arg, &d->to, out, len);
    }
}

static void on_turn(void *arg) {
    struct aura_ice *ice = arg;
    /* First of all, while the heap has the place that this timer just left: it cannot fail. */
    AURA_BUG_ON(aura_timer_start(ice->timers, &ice->dial->turn, AURA_ICE_DIAL_MS * AURA_US_PER_MS,
                                 on_turn, ice));
    send_check(ice);
    uint64_t silence = aura__ice_silence_us(ice);
    if (silence == UINT64_MAX) {
        return; /* there never was an answer */
    }
    if (silence >= AURA_ICE_CONSENT_MS * AURA_US_PER_MS) {
        aura__ice_set_state(ice, AURA_ICE_FAILED);
    } else if (silence >= ice->patience_ms * AURA_US_PER_MS) {
        aura__ice_set_state(ice, AURA_ICE_DISCONNECTED);
    }
}

int aura_ice_dial(struct aura_ice *ice, const struct aura_path *to, const char *ufrag,
                  const char *pwd, struct aura_rand *rand) {
    size_t u = strlen(ufrag), p = strlen(pwd);
    if (!u || !p || u > AURA_ICE_UFRAG_MAX || p > AURA_ICE_PWD_MAX) {
        return AURA_EINVAL;
    }
    if (ice->dial) {
        return AURA_ESTATE;
    }
    struct aura__ice_dial *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    d->to = *to;
    d->rand = rand;
    d->tie_breaker = aura_rand_u64(rand);
    memcpy(d->pwd, pwd, p);
    (void)snprintf(d->username, sizeof(d->username), "%s:%s", ufrag, ice->local.ufrag);
    int err = aura_timer_start(ice->timers, &d->turn, 0, on_turn, ice);
    if (err) {
        aura_free(d);
        return err;
    }
    ice->dial = d;
    return 0;
}

void aura__ice_dial_free(struct aura_ice *ice) {
    if (ice->dial) {
        aura_timer_stop(ice->timers, &ice->dial->turn);
        aura_wipe(ice->dial, sizeof(*ice->dial));
        aura_free(ice->dial);
        ice->dial = NULL;
    }
}

static struct check *check_of(struct aura__ice_dial *d, const struct aura_stun_msg *m) {
    for (size_t i = 0; i < AURA_ICE_DIAL_KEPT; i++) {
        struct check *c = &d->sent[i];
        if (c->sent_us && memcmp(c->tid.b, m->tid.b, sizeof(m->tid.b)) == 0) {
            return c;
        }
    }
    return NULL;
}

void aura__ice_dial_answer(struct aura_ice *ice, const struct aura_path *path,
                           const struct aura_stun_msg *m) {
    struct aura__ice_dial *d = ice->dial;
    struct check *c =
        m->cls == AURA_STUN_SUCCESS && aura_path_equal(path, &d->to) ? check_of(d, m) : NULL;
    if (!c || aura_stun_check_integrity(m, d->pwd)) {
        return;
    }
    d->rtt_us = (uint32_t)(aura__ice_now(ice) - c->sent_us);
    c->sent_us = 0;
    struct aura__ice_path *known = aura__ice_take(ice, path);
    if (known != ice->selected) {
        aura__ice_select(ice, known);
    }
    aura__ice_set_state(ice, AURA_ICE_CONNECTED);
}

uint32_t aura_ice_rtt_us(const struct aura_ice *ice) {
    return ice->dial ? ice->dial->rtt_us : 0;
}
