/* SPDX-License-Identifier: Apache-2.0 */
#include "client/agent.h"

#include "base/mem.h"
#include "transport/ice.h"
#include "transport/stun.h"

#include <stdio.h>

enum {
    TICK_MS = 20,      /* while checks run */
    CONSENT_MS = 4000, /* plus up to half of it: RFC 7675 section 5.1 asks for jitter */
    LOCAL_PRIORITY = 110 << 24 | 65535 << 8 | 255, /* of a peer-reflexive candidate */
};

struct pair {
    struct aura_addr remote;
    uint32_t priority;
    bool valid;      /* a check of ours was answered */
    bool nominating; /* the running check carries USE-CANDIDATE */
    bool nominated;  /* by the peer, when we are controlled */
    unsigned tries;  /* of the running check; 0 = none runs */
    uint64_t sent_us, due_us;
    struct aura_stun_tid tid;
};

struct aura_agent {
    struct aura_timers *timers;
    struct aura_rand *rand;
    struct aura_agent_handlers handlers;
    void *arg;
    char ufrag[AURA_AGENT_UFRAG_LEN + 1], pwd[AURA_AGENT_PWD_LEN + 1];
    char remote_ufrag[AURA_ICE_UFRAG_MAX + 1], remote_pwd[AURA_ICE_PWD_MAX + 1];
    bool remote_known, controlling, failed;
    uint64_t tie_breaker;
    struct aura_timer tick;
    struct pair pairs[AURA_AGENT_PAIRS_MAX];
    size_t pair_count;
    struct pair *selected;
    uint64_t started_us, consent_us; /* the last answer on the selected pair */
    uint32_t rtt_us;
};

static void run(struct aura_agent *a);

static uint64_t now_of(const struct aura_agent *a) {
    return aura_now_us(aura_timers_clock(a->timers));
}

static void make_credentials(struct aura_agent *a) {
    aura_rand_text(a->rand, a->ufrag, AURA_AGENT_UFRAG_LEN);
    aura_rand_text(a->rand, a->pwd, AURA_AGENT_PWD_LEN);
}

int aura_agent_new(struct aura_agent **out, const struct aura_agent_conf *conf,
                   const struct aura_agent_handlers *handlers, void *arg) {
    struct aura_agent *a = aura_zalloc(sizeof(*a));
    if (!a) {
        return AURA_ENOMEM;
    }
    a->timers = conf->timers;
    a->rand = conf->rand;
    a->handlers = *handlers;
    a->arg = arg;
    a->tie_breaker = aura_rand_u64(a->rand);
    make_credentials(a);
    *out = a;
    return 0;
}

struct aura_agent *aura_agent_free(struct aura_agent *a) {
    if (a) {
        aura_timer_stop(a->timers, &a->tick);
        aura_wipe(a, sizeof(*a));
        aura_free(a);
    }
    return NULL;
}

const char *aura_agent_ufrag(const struct aura_agent *a) {
    return a->ufrag;
}

const char *aura_agent_pwd(const struct aura_agent *a) {
    return a->pwd;
}

const struct aura_addr *aura_agent_selected(const struct aura_agent *a) {
    return a->selected && !a->failed ? &a->selected->remote : NULL;
}

uint32_t aura_agent_rtt_us(const struct aura_agent *a) {
    return a->rtt_us;
}

int aura_agent_set_remote(struct aura_agent *a, const char *ufrag, const char *pwd,
                          bool controlling) {
    size_t u = strlen(ufrag), p = strlen(pwd);
    if (u == 0 || p == 0 || u > AURA_ICE_UFRAG_MAX || p > AURA_ICE_PWD_MAX) {
        return AURA_EINVAL;
    }
    if (a->remote_known && strcmp(a->remote_ufrag, ufrag) == 0 && strcmp(a->remote_pwd, pwd) == 0) {
        return 0;
    }
    if (a->remote_known) {
        make_credentials(a);
        a->pair_count = 0;
        a->selected = NULL;
    }
    memcpy(a->remote_ufrag, ufrag, u + 1);
    memcpy(a->remote_pwd, pwd, p + 1);
    a->controlling = controlling;
    a->remote_known = true;
    a->started_us = now_of(a);
    run(a);
    return 0;
}

static struct pair *find(struct aura_agent *a, const struct aura_addr *remote) {
    for (size_t i = 0; i < a->pair_count; i++) {
        if (aura_addr_equal(&a->pairs[i].remote, remote)) {
            return &a->pairs[i];
        }
    }
    return NULL;
}

static struct pair *add(struct aura_agent *a, const struct aura_addr *remote, uint32_t priority) {
    struct pair *p = find(a, remote);
    if (!p && a->pair_count < AURA_AGENT_PAIRS_MAX) {
        p = &a->pairs[a->pair_count++];
        uint64_t wait_ms = aura_addr_is_loopback(remote) ? 0 : AURA_AGENT_HEAD_START_MS;
        *p = (struct pair){.remote = *remote,
                           .priority = priority,
                           .due_us = now_of(a) + wait_ms * AURA_US_PER_MS};
    }
    return p;
}

void aura_agent_add(struct aura_agent *a, const struct aura_addr *remote, uint32_t priority) {
    if (add(a, remote, priority)) {
        run(a);
    }
}

/* ---- sending ---- */

static void send_check(struct aura_agent *a, struct pair *p) {
    char username[AURA_STUN_USERNAME_MAX];
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    int n = snprintf(username, sizeof(username), "%s:%s", a->remote_ufrag, a->ufrag);
    if (p->tries == 0) {
        aura_rand_bytes(a->rand, p->tid.b, sizeof(p->tid.b));
        p->sent_us = now_of(a);
    }
    struct aura_stun_msg m = {.cls = AURA_STUN_REQUEST,
                              .method = AURA_STUN_BINDING,
                              .tid = p->tid,
                              .username = username,
                              .username_len = (size_t)n,
                              .has_priority = true,
                              .priority = LOCAL_PRIORITY,
                              .use_candidate = p->nominating,
                              .controlling = a->controlling,
                              .controlled = !a->controlling,
                              .tie_breaker = a->tie_breaker};
    uint64_t wait_ms = (uint64_t)AURA_AGENT_RTO_MS << p->tries;
    wait_ms = wait_ms < AURA_AGENT_RTO_MAX_MS ? wait_ms : AURA_AGENT_RTO_MAX_MS;
    p->due_us = now_of(a) + wait_ms * AURA_US_PER_MS;
    p->tries++;
    if (aura_stun_build(&m, a->remote_pwd, out, sizeof(out), &len) == 0) {
        a->handlers.send(a->arg, &p->remote, out, len);
    }
}

static void fail(struct aura_agent *a) {
    if (!a->failed) {
        a->failed = true;
        aura_timer_stop(a->timers, &a->tick);
        a->handlers.failed(a->arg);
    }
}

/* A running check: again, or given up. */
static void drive(struct aura_agent *a, struct pair *p, uint64_t now) {
    if (now < p->due_us) {
        return;
    }
    if (p->tries >= AURA_AGENT_TRIES) {
        p->tries = 0;
        p->valid = p->valid && p == a->selected; /* so that it is checked again */
        p->nominating = false;
        p->due_us = now + CONSENT_MS * AURA_US_PER_MS;
        return;
    }
    if (p->tries > 0 || !p->valid || p == a->selected) {
        send_check(a, p);
    }
}

static void on_tick(void *arg) {
    run(arg);
}

static void run(struct aura_agent *a) {
    uint64_t now = now_of(a);
    if (a->failed || !a->remote_known) {
        return;
    }
    if (a->selected ? now - a->consent_us > AURA_AGENT_CONSENT_MS * AURA_US_PER_MS
                    : now - a->started_us > AURA_AGENT_START_MS * AURA_US_PER_MS) {
        fail(a);
        return;
    }
    uint64_t next = now + (a->selected ? 1000 : TICK_MS) * AURA_US_PER_MS;
    for (size_t i = 0; i < a->pair_count; i++) {
        /* Once a pair is selected the others are of no use. */
        if (!a->selected || a->selected == &a->pairs[i]) {
            drive(a, &a->pairs[i], now);
            bool waits = a->selected || (a->pairs[i].tries == 0 && !a->pairs[i].valid);
            next = waits && a->pairs[i].due_us < next ? a->pairs[i].due_us : next;
        }
    }
    /* Out of memory: the agent stands still, and its owner's time limit ends the connection. */
    (void)!aura_timer_start(a->timers, &a->tick, next > now ? next - now : 0, on_tick, a);
}

/* ---- receiving ---- */

static void select_pair(struct aura_agent *a, struct pair *p) {
    a->consent_us = now_of(a);
    if (a->selected != p) {
        a->selected = p;
        p->due_us = a->consent_us + CONSENT_MS * AURA_US_PER_MS;
        struct aura_addr remote = p->remote;
        a->handlers.selected(a->arg, &remote);
    }
}

/* One nomination at a time: the peer would follow the last one, and we the first that is answered.
 */
static bool is_nominating(const struct aura_agent *a) {
    for (size_t i = 0; i < a->pair_count; i++) {
        if (a->pairs[i].nominating) {
            return true;
        }
    }
    return false;
}

static void on_success(struct aura_agent *a, struct pair *p) {
    uint64_t now = now_of(a);
    a->rtt_us = (uint32_t)(now - p->sent_us);
    p->tries = 0;
    p->valid = true;
    p->due_us = now + (CONSENT_MS + aura_rand_below(a->rand, CONSENT_MS / 2)) * AURA_US_PER_MS;
    if (p == a->selected) {
        a->consent_us = now;
    } else if (a->controlling ? p->nominating && !a->selected : p->nominated) {
        select_pair(a, p);
    } else if (a->controlling && !a->selected && !is_nominating(a)) {
        p->nominating = true;
        send_check(a, p);
    }
}

static void on_response(struct aura_agent *a, const struct aura_addr *from,
                        const struct aura_stun_msg *m) {
    struct pair *p = find(a, from);
    if (!p || p->tries == 0 || memcmp(p->tid.b, m->tid.b, sizeof(p->tid.b)) != 0 ||
        aura_stun_check_integrity(m, a->remote_pwd)) {
        return;
    }
    if (m->cls == AURA_STUN_SUCCESS) {
        on_success(a, p);
    }
}

static bool is_for_us(const struct aura_agent *a, const struct aura_stun_msg *m) {
    size_t len = strlen(a->ufrag);
    return m->username && m->username_len > len && memcmp(m->username, a->ufrag, len) == 0 &&
           m->username[len] == ':' && m->integrity_at && aura_stun_check_integrity(m, a->pwd) == 0;
}

static void on_request(struct aura_agent *a, const struct aura_addr *from,
                       const struct aura_stun_msg *m) {
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    if (!is_for_us(a, m)) {
        return;
    }
    struct aura_stun_msg ok = {.cls = AURA_STUN_SUCCESS,
                               .method = AURA_STUN_BINDING,
                               .tid = m->tid,
                               .has_mapped = true,
                               .mapped = *from};
    if (aura_stun_build(&ok, a->pwd, out, sizeof(out), &len) == 0) {
        a->handlers.send(a->arg, from, out, len);
    }
    struct pair *p = add(a, from, m->priority);
    if (!p || !a->remote_known) {
        return;
    }
    if (m->use_candidate && !a->controlling) {
        p->nominated = true;
        if (p->valid) {
            select_pair(a, p);
        }
    }
    if (!p->valid && p->tries == 0) {
        p->due_us = 0; /* the triggered check */
        run(a);
    }
}

void aura_agent_recv(struct aura_agent *a, const struct aura_addr *from, const uint8_t *data,
                     size_t len) {
    struct aura_stun_msg m;
    if (a->failed || aura_stun_parse(&m, data, len) || m.method != AURA_STUN_BINDING) {
        return;
    }
    if (m.cls == AURA_STUN_REQUEST) {
        on_request(a, from, &m);
    } else if (m.cls == AURA_STUN_SUCCESS) {
        on_response(a, from, &m);
    }
}

/* ---- candidates ---- */

int aura_agent_candidate_parse(const char *text, struct aura_addr *addr, uint32_t *priority) {
    char protocol[8], ip[64], type[16];
    unsigned component, port;
    unsigned long prio;
    if (strncmp(text, "candidate:", 10) == 0) {
        text += 10;
    }
    if (sscanf(text, "%*32s %3u %7s %10lu %63s %5u typ %15s", &component, protocol, &prio, ip,
               &port, type) != 6 ||
        port > UINT16_MAX || prio > UINT32_MAX) {
        return AURA_EMALFORMED;
    }
    bool udp = strcmp(protocol, "udp") == 0 || strcmp(protocol, "UDP") == 0;
    if (!udp || component != 1 || strcmp(type, "relay") == 0 || aura_addr_parse(addr, ip)) {
        return AURA_EIGNORED;
    }
    addr->port = (uint16_t)port;
    *priority = (uint32_t)prio;
    return port ? 0 : AURA_EMALFORMED;
}
