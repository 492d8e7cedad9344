/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/ice.h"

#include "base/mem.h"
#include "transport/stun.h"

enum {
    ERRORS_PER_S = 10, /* answers to requests that failed authentication */
    TICK_MS = 1000,
    HOLD_MS = 1000, /* a worse path waits this long for the selected one's nominations to stop */
};

struct creds {
    char ufrag[AURA_ICE_UFRAG_MAX + 1];
    char pwd[AURA_ICE_PWD_MAX + 1];
};

struct known_path {
    struct aura_path path;
    uint64_t seen_us;      /* last valid check; 0 = this place is free */
    uint64_t nominated_us; /* last check with USE-CANDIDATE; 0 = none */
    uint32_t priority;
};

struct aura_ice {
    struct aura_timers *timers;
    struct aura_timer tick;
    struct aura_ice_handlers handlers;
    void *arg;
    struct creds local, previous; /* `previous` is empty unless a restart is under way */
    char remote_ufrag[AURA_ICE_UFRAG_MAX + 1], remote_previous[AURA_ICE_UFRAG_MAX + 1];
    bool remote_known;
    struct known_path paths[AURA_ICE_PATHS_MAX];
    struct known_path *selected; /* one of `paths` */
    enum aura_ice_state state;
    uint64_t error_second;
    uint32_t errors_sent;
};

bool aura_path_equal(const struct aura_path *a, const struct aura_path *b) {
    return a->tcp == b->tcp && aura_addr_equal(&a->remote, &b->remote);
}

static uint64_t now_of(const struct aura_ice *ice) {
    return aura_now_us(aura_timers_clock(ice->timers));
}

static int set_creds(struct creds *c, const char *ufrag, const char *pwd) {
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
        aura_wipe(ice, sizeof(*ice));
        aura_free(ice);
    }
    return NULL;
}

int aura_ice_restart(struct aura_ice *ice, const char *ufrag, const char *pwd) {
    struct creds fresh;
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

static struct known_path *find_path(const struct aura_ice *ice, const struct aura_path *path) {
    for (size_t i = 0; i < AURA_ICE_PATHS_MAX; i++) {
        const struct known_path *k = &ice->paths[i];
        if (k->seen_us && aura_path_equal(&k->path, path)) {
            return (struct known_path *)k;
        }
    }
    return NULL;
}

/* The one with this address, a free one, or the one unused for longest that is not selected. */
static struct known_path *take_path(struct aura_ice *ice, const struct aura_path *path) {
    struct known_path *oldest = NULL, *found = find_path(ice, path);
    for (size_t i = 0; !found && i < AURA_ICE_PATHS_MAX; i++) {
        struct known_path *k = &ice->paths[i];
        if (k != ice->selected && (!oldest || k->seen_us < oldest->seen_us)) {
            oldest = k;
        }
    }
    if (!found) {
        found = oldest;
        *found = (struct known_path){.path = *path};
    }
    found->seen_us = now_of(ice);
    return found;
}

bool aura_ice_path_valid(const struct aura_ice *ice, const struct aura_path *path) {
    return find_path(ice, path) != NULL;
}

const struct aura_path *aura_ice_selected(const struct aura_ice *ice) {
    return ice->selected ? &ice->selected->path : NULL;
}

enum aura_ice_state aura_ice_state(const struct aura_ice *ice) {
    return ice->state;
}

static uint64_t silence_us(const struct aura_ice *ice) {
    return ice->selected ? now_of(ice) - ice->selected->seen_us : UINT64_MAX;
}

bool aura_ice_consent(const struct aura_ice *ice) {
    return silence_us(ice) < AURA_ICE_CONSENT_MS * AURA_US_PER_MS;
}

static void set_state(struct aura_ice *ice, enum aura_ice_state state) {
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
        uint64_t second = now_of(ice) / AURA_US_PER_S;
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
static struct creds *match_creds(struct aura_ice *ice, const struct aura_stun_msg *m) {
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
static bool should_select(const struct aura_ice *ice, const struct known_path *path) {
    const struct known_path *old = ice->selected;
    if (!old || !old->nominated_us) {
        return true;
    }
    return path->nominated_us >= old->nominated_us &&
           (path->priority >= old->priority ||
            now_of(ice) - old->nominated_us > HOLD_MS * AURA_US_PER_MS);
}

static void select_path(struct aura_ice *ice, struct known_path *path) {
    struct aura_path copy = path->path;
    ice->selected = path;
    ice->handlers.selected(ice->arg, &copy);
}

static void on_tick(void *arg) {
    struct aura_ice *ice = arg;
    /* First of all, while the heap has the place that this timer just left: it cannot fail. */
    AURA_BUG_ON(aura_timer_start(ice->timers, &ice->tick, TICK_MS * AURA_US_PER_MS, on_tick, ice));
    for (size_t i = 0; i < AURA_ICE_PATHS_MAX; i++) {
        struct known_path *path = &ice->paths[i];
        if (path->nominated_us && path != ice->selected && should_select(ice, path)) {
            select_path(ice, path);
        }
    }
    uint64_t silence = silence_us(ice);
    if (silence >= AURA_ICE_CONSENT_MS * AURA_US_PER_MS) {
        set_state(ice, AURA_ICE_FAILED);
    } else if (silence >= AURA_ICE_DISCONNECT_MS * AURA_US_PER_MS) {
        set_state(ice, AURA_ICE_DISCONNECTED);
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
                         const struct aura_stun_msg *m, const struct creds *creds) {
    if (creds == &ice->local && ice->previous.ufrag[0]) {
        finish_restart(ice);
    }
    /* Before the path is taken: without the timer consent would never expire. Out of memory: the
     * next check tries again. */
    if (!aura_timer_running(&ice->tick) && m->use_candidate &&
        aura_timer_start(ice->timers, &ice->tick, TICK_MS * AURA_US_PER_MS, on_tick, ice)) {
        return;
    }
    struct known_path *known = take_path(ice, path);
    known->priority = m->priority;
    if (m->use_candidate) {
        known->nominated_us = known->seen_us;
        if (known != ice->selected && should_select(ice, known)) {
            select_path(ice, known);
        }
    }
    if (known == ice->selected) {
        set_state(ice, AURA_ICE_CONNECTED);
    }
}

static void on_request(struct aura_ice *ice, const struct aura_path *path,
                       const struct aura_stun_msg *m) {
    /* RFC 8489 section 9.1.3: 400 without credentials, 401 with wrong ones. */
    if (!m->username || !m->integrity_at) {
        reply_error(ice, path, m, 400, NULL);
        return;
    }
    struct creds *creds = match_creds(ice, m);
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
     * we send no requests, so that responses mean nothing. */
    if (aura_stun_parse(&m, data, len) || !m.has_fingerprint || m.method != AURA_STUN_BINDING ||
        m.cls != AURA_STUN_REQUEST) {
        return;
    }
    on_request(ice, path, &m);
}
