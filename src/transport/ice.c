/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/ice_priv.h"

#include "base/mem.h"

enum {
    ERRORS_PER_S = 10, /* answers to requests that failed authentication */
    TICKS = 10,        /* looks within the time that a peer may be silent */
    HOLD_MS = 1000,    /* a worse path waits this long for the selected one's nominations to stop */
};

bool aura_path_equal(const struct aura_path *a, const struct aura_path *b) {
    return a->tcp == b->tcp && aura_addr_equal(&a->remote, &b->remote);
}

static int set_creds(struct aura__ice_creds *c, const char *ufrag, const char *pwd) {
    if (!ufrag || !pwd || !*ufrag || !*pwd || strlen(ufrag) > AURA_ICE_UFRAG_MAX ||
        strlen(pwd) > AURA_ICE_PWD_MAX) {
        return AURA_EINVAL;
    }
    memset(c, 0, sizeof(*c));
    memcpy(c->ufrag, ufrag, strlen(ufrag));
    memcpy(c->pwd, pwd, strlen(pwd));
    return 0;
}

int aura_ice_new(struct aura_ice **icep, struct aura_timers *timers, const char *ufrag,
                 const char *pwd, const struct aura_ice_handlers *handlers, void *arg) {
    struct aura_ice *ice = aura_zalloc(sizeof(*ice));
    if (!ice) {
        return AURA_ENOMEM;
    }
    ice->timers = timers;
    ice->handlers = *handlers;
    ice->arg = arg;
    ice->patience_ms = AURA_ICE_DISCONNECT_MS;
    int err = set_creds(&ice->local, ufrag, pwd);
    if (err) {
        aura_free(ice);
        return err;
    }
    *icep = ice;
    return 0;
}

struct aura_ice *aura_ice_free(struct aura_ice *ice) {
    if (ice) {
        aura_timer_stop(ice->timers, &ice->tick);
        aura__ice_dial_free(ice);
        aura_wipe(ice, sizeof(*ice));
        aura_free(ice);
    }
    return NULL;
}

int aura_ice_restart(struct aura_ice *ice, const char *ufrag, const char *pwd) {
    struct aura__ice_creds fresh;
    int err = set_creds(&fresh, ufrag, pwd);
    if (err) {
        return err;
    }
    /* A second restart before any check: what the peer may still use is the oldest pair. */
    if (!ice->previous.ufrag[0]) {
        ice->previous = ice->local;
    }
    ice->local = fresh;
    aura_wipe(&fresh, sizeof(fresh));
    return 0;
}

int aura_ice_set_remote(struct aura_ice *ice, const char *ufrag) {
    size_t len = ufrag ? strlen(ufrag) : 0;
    if (len == 0 || len > AURA_ICE_UFRAG_MAX) {
        return AURA_EINVAL;
    }
    if (ice->remote_known && strcmp(ice->remote_ufrag, ufrag) != 0) {
        memcpy(ice->remote_previous, ice->remote_ufrag, sizeof(ice->remote_previous));
    }
    memset(ice->remote_ufrag, 0, sizeof(ice->remote_ufrag));
    memcpy(ice->remote_ufrag, ufrag, len);
    ice->remote_known = true;
    return 0;
}

static struct aura__ice_path *find_path(const struct aura_ice *ice, const struct aura_path *path) {
    for (size_t i = 0; i < AURA_ICE_PATHS_MAX; i++) {
        const struct aura__ice_path *k = &ice->paths[i];
        if (k->seen_us && aura_path_equal(&k->path, path)) {
            return (struct aura__ice_path *)k;
        }
    }
    return NULL;
}

/* The one with this address, a free one, or the one unused for longest that is not selected. */
struct aura__ice_path *aura__ice_take(struct aura_ice *ice, const struct aura_path *path) {
    struct aura__ice_path *oldest = NULL, *found = find_path(ice, path);
    for (size_t i = 0; !found && i < AURA_ICE_PATHS_MAX; i++) {
        struct aura__ice_path *k = &ice->paths[i];
        if (k != ice->selected && (!oldest || k->seen_us < oldest->seen_us)) {
            oldest = k;
        }
    }
    if (!found) {
        found = oldest;
        *found = (struct aura__ice_path){.path = *path};
    }
    found->seen_us = aura__ice_now(ice);
    return found;
}

bool aura_ice_path_valid(const struct aura_ice *ice, const struct aura_path *path) {
    return find_path(ice, path) != NULL;
}

const struct aura_path *aura_ice_selected(const struct aura_ice *ice) {
    return ice->selected ? &ice->selected->path : NULL;
}

void aura_ice_set_patience(struct aura_ice *ice, uint32_t ms) {
    ice->patience_ms = ms;
}

enum aura_ice_state aura_ice_state(const struct aura_ice *ice) {
    return ice->state;
}

uint64_t aura__ice_silence_us(const struct aura_ice *ice) {
    return ice->selected ? aura__ice_now(ice) - ice->selected->seen_us : UINT64_MAX;
}

bool aura_ice_consent(const struct aura_ice *ice) {
    return aura__ice_silence_us(ice) < AURA_ICE_CONSENT_MS * AURA_US_PER_MS;
}

void aura__ice_set_state(struct aura_ice *ice, enum aura_ice_state state) {
    if (ice->state != state) {
        ice->state = state;
        ice->handlers.state(ice->arg, state);
    }
}

static void reply(struct aura_ice *ice, const struct aura_path *path, struct aura_stun_msg *m,
                  const struct aura_stun_msg *req, const char *pwd) {
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    m->method = AURA_STUN_BINDING;
    m->tid = req->tid;
    /* A stranger must not get more bytes out of us than it put in. */
    size_t cap = pwd ? sizeof(out) : req->raw_len;
    if (aura_stun_build(m, pwd, out, cap < sizeof(out) ? cap : sizeof(out), &len) == 0) {
        ice->handlers.send(ice->arg, path, out, len);
    }
}

static void reply_error(struct aura_ice *ice, const struct aura_path *path,
                        const struct aura_stun_msg *req, uint16_t code, const char *pwd) {
    struct aura_stun_msg m = {.cls = AURA_STUN_ERROR, .error_code = code};
    if (!pwd) {
        uint64_t second = aura__ice_now(ice) / AURA_US_PER_S;
        if (second != ice->error_second) {
            ice->error_second = second;
            ice->errors_sent = 0;
        }
        if (ice->errors_sent++ >= ERRORS_PER_S) {
            return;
        }
    }
    if (code == 420) {
        m.unknown_count = req->unknown_count;
        memcpy(m.unknown, req->unknown, sizeof(m.unknown));
    }
    reply(ice, path, &m, req, pwd);
}

static bool ufrag_is(const char *ufrag, const char *text, size_t len) {
    return ufrag[0] && strlen(ufrag) == len && memcmp(ufrag, text, len) == 0;
}

/* Which of our credentials a request uses; NULL = none. */
static struct aura__ice_creds *match_creds(struct aura_ice *ice, const struct aura_stun_msg *m) {
    const char *colon = m->username ? memchr(m->username, ':', m->username_len) : NULL;
    if (!colon) {
        return NULL;
    }
    size_t local = (size_t)(colon - m->username), remote = m->username_len - local - 1;
    if (ice->remote_known && !ufrag_is(ice->remote_ufrag, colon + 1, remote) &&
        !ufrag_is(ice->remote_previous, colon + 1, remote)) {
        /* While we restart, the peer's new name may come before its description does. */
        if (!ice->previous.ufrag[0]) {
            return NULL;
        }
    }
    if (ufrag_is(ice->local.ufrag, m->username, local)) {
        return &ice->local;
    }
    return ufrag_is(ice->previous.ufrag, m->username, local) ? &ice->previous : NULL;
}

/* The latest nomination wins, so that the peer can move us. But where several paths are nominated
 * in turns (aggressive nomination, RFC 5245 section 8.1.1.2), the best priority wins. */
static bool should_select(const struct aura_ice *ice, const struct aura__ice_path *path) {
    const struct aura__ice_path *old = ice->selected;
    if (!old || !old->nominated_us) {
        return true;
    }
    return path->nominated_us >= old->nominated_us &&
           (path->priority >= old->priority ||
            aura__ice_now(ice) - old->nominated_us > HOLD_MS * AURA_US_PER_MS);
}

void aura__ice_select(struct aura_ice *ice, struct aura__ice_path *path) {
    struct aura_path copy = path->path;
    ice->selected = path;
    ice->handlers.selected(ice->arg, &copy);
}

static uint64_t tick_us(const struct aura_ice *ice) {
    return ice->patience_ms / TICKS * AURA_US_PER_MS;
}

static void on_tick(void *arg) {
    struct aura_ice *ice = arg;
    /* First of all, while the heap has the place that this timer just left: it cannot fail. */
    AURA_BUG_ON(aura_timer_start(ice->timers, &ice->tick, tick_us(ice), on_tick, ice));
    for (size_t i = 0; i < AURA_ICE_PATHS_MAX; i++) {
        struct aura__ice_path *path = &ice->paths[i];
        if (path->nominated_us && path != ice->selected && should_select(ice, path)) {
            aura__ice_select(ice, path);
        }
    }
    uint64_t silence = aura__ice_silence_us(ice);
    if (silence >= AURA_ICE_CONSENT_MS * AURA_US_PER_MS) {
        aura__ice_set_state(ice, AURA_ICE_FAILED);
    } else if (silence >= ice->patience_ms * AURA_US_PER_MS) {
        aura__ice_set_state(ice, AURA_ICE_DISCONNECTED);
    }
}

/* The first check after a restart ends the life of the old credentials and nominations. */
static void finish_restart(struct aura_ice *ice) {
    aura_wipe(&ice->previous, sizeof(ice->previous));
    for (size_t i = 0; i < AURA_ICE_PATHS_MAX; i++) {
        ice->paths[i].nominated_us = 0;
    }
}

static void accept_check(struct aura_ice *ice, const struct aura_path *path,
                         const struct aura_stun_msg *m, const struct aura__ice_creds *creds) {
    if (creds == &ice->local && ice->previous.ufrag[0]) {
        finish_restart(ice);
    }
    /* Before the path is taken: without the timer consent would never expire. Out of memory: the
     * next check tries again. */
    if (!aura_timer_running(&ice->tick) && m->use_candidate &&
        aura_timer_start(ice->timers, &ice->tick, tick_us(ice), on_tick, ice)) {
        return;
    }
    struct aura__ice_path *known = aura__ice_take(ice, path);
    known->priority = m->priority;
    if (m->use_candidate) {
        known->nominated_us = known->seen_us;
        if (known != ice->selected && should_select(ice, known)) {
            aura__ice_select(ice, known);
        }
    }
    if (known == ice->selected) {
        aura__ice_set_state(ice, AURA_ICE_CONNECTED);
    }
}

static void on_request(struct aura_ice *ice, const struct aura_path *path,
                       const struct aura_stun_msg *m) {
    /* RFC 8489 section 9.1.3: 400 without credentials, 401 with wrong ones. */
    if (!m->username || !m->integrity_at) {
        reply_error(ice, path, m, 400, NULL);
        return;
    }
    struct aura__ice_creds *creds = match_creds(ice, m);
    if (!creds || aura_stun_check_integrity(m, creds->pwd)) {
        reply_error(ice, path, m, 401, NULL);
        return;
    }
    if (m->unknown_count) {
        reply_error(ice, path, m, 420, creds->pwd);
        return;
    }
    /* A lite agent is always controlled (RFC 8445 section 6.1.1), whatever the tie-breakers. */
    if (m->controlled) {
        reply_error(ice, path, m, 487, creds->pwd);
        return;
    }
    struct aura_stun_msg ok = {.cls = AURA_STUN_SUCCESS, .has_mapped = true};
    ok.mapped = path->remote;
    reply(ice, path, &ok, m, creds->pwd);
    accept_check(ice, path, m, creds);
}

void aura_ice_recv(struct aura_ice *ice, const struct aura_path *path, const uint8_t *data,
                   size_t len) {
    struct aura_stun_msg m;
    /* RFC 8445 section 7.1: checks carry FINGERPRINT. Indications only keep NAT bindings open, and
     * who sends no requests gets no responses that mean anything. */
    if (aura_stun_parse(&m, data, len) || !m.has_fingerprint || m.method != AURA_STUN_BINDING) {
        return;
    }
    if (ice->dial) {
        aura__ice_dial_answer(ice, path, &m);
    } else if (m.cls == AURA_STUN_REQUEST) {
        on_request(ice, path, &m);
    }
}
