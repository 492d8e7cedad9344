/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery. For each URL each room is a lane whose events leave one after the other; lanes run side
 * by side. A lane that fails waits longer each time. A URL that cannot be reached at all is asked
 * by one request at a time until it answers, however many rooms wait for it.
 */
#include "api/webhooks_priv.h"

#include "api/base64.h"
#include "base/log.h"
#include "base/mem.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

enum {
    FIRST_RETRY_MS = 250,
    LAST_RETRY_MS = 30000,
    RETRY_AFTER_MAX_S = 300, /* of what a receiver asks for */
    REDIRECTS_MAX = 3,
    TOKEN_TTL_S = 300,
    EXPIRED_PER_TURN = 64,
    SPARE_LANES = 1024,
};

int aura__lanes_new(struct aura_webhooks *w) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    w->multi = curl_multi_init();
    if (!w->multi) {
        return AURA_ENOMEM;
    }
    for (size_t i = 0; i < w->conf.outbox.url_count; i++) {
        struct target *t = &w->targets[i];
        *t = (struct target){.w = w, .url = i, .window = AURA_WEBHOOK_FLIGHTS_MAX};
        aura_list_init(&t->ready);
        /* Lanes whose events were dropped stay until their time to wait is over. */
        int err = aura_map_new(&t->lanes, (size_t)w->conf.outbox.max_events * 2 + SPARE_LANES);
        if (err) {
            return err;
        }
    }
    return 0;
}

static void flight_free(struct aura_webhooks *w, struct flight *f) {
    if (f->curl) {
        curl_multi_remove_handle(w->multi, f->curl);
        curl_easy_cleanup(f->curl);
    }
    curl_slist_free_all(f->headers);
    aura_node_remove(&f->node);
    aura_free(f);
}

static void lane_free(struct lane *l) {
    aura_timer_stop(l->target->w->timers, &l->timer);
    aura_node_remove(&l->node);
    aura_map_del_str(l->target->lanes, l->room);
    aura_free(l);
}

void aura__lanes_free(struct aura_webhooks *w) {
    for (struct flight *f; w->multi && (f = AURA_LIST_FIRST(&w->flights, struct flight, node));) {
        flight_free(w, f);
    }
    for (size_t i = 0; i < w->conf.outbox.url_count; i++) {
        struct target *t = &w->targets[i];
        size_t it = 0;
        for (struct lane *l; t->lanes && (l = aura_map_next(t->lanes, &it));) {
            lane_free(l);
        }
        aura_map_free(t->lanes);
    }
    if (w->multi) {
        curl_multi_cleanup(w->multi);
        curl_global_cleanup();
    }
}

static void make_ready(struct lane *l) {
    if (!l->busy && !aura_node_linked(&l->node) && !aura_timer_running(&l->timer)) {
        aura_list_add(&l->target->ready, &l->node);
    }
}

void aura__lanes_poke(struct target *t, const char *room) {
    struct lane *l = aura_map_get_str(t->lanes, room);
    if (!l) {
        size_t len = strlen(room) + 1;
        l = aura_zalloc(sizeof(*l) + len);
        if (!l || aura_map_put_str(t->lanes, room, l)) {
            aura_free(l);
            t->w->missed = true; /* a scan finds it */
            return;
        }
        l->target = t;
        memcpy(l->room, room, len);
    }
    make_ready(l);
}

static void on_scanned(void *arg, const char *room) {
    aura__lanes_poke(arg, room);
}

void aura__lanes_scan(struct aura_webhooks *w) {
    for (size_t i = 0; i < w->conf.outbox.url_count; i++) {
        (void)!aura_outbox_rooms(w->outbox, i, on_scanned, &w->targets[i]);
    }
}

/* ---- waiting ---- */

/* Doubles from the first to the last, each time a fifth more or less, so that many do not come back
 * together. */
static uint64_t backoff_us(struct aura_webhooks *w, uint32_t failures) {
    uint64_t ms =
        failures < 16 ? (uint64_t)FIRST_RETRY_MS << (failures ? failures - 1 : 0) : LAST_RETRY_MS;
    ms = ms < LAST_RETRY_MS ? ms : LAST_RETRY_MS;
    return (ms * 800 + aura_rand_below(w->conf.rand, (uint32_t)(ms * 400) + 1));
}

static void on_lane_timer(void *arg) {
    make_ready(arg);
}

static void on_target_timer(void *arg) {
    (void)arg; /* lanes_go looks whether it runs */
}

static void lane_wait(struct lane *l, uint64_t us) {
    if (aura_timer_start(l->target->w->timers, &l->timer, us, on_lane_timer, l)) {
        make_ready(l);
    }
}

/* ---- a request ---- */

static int sign(struct aura_webhooks *w, const struct aura_outbox_event *e, struct aura_buf *out) {
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    struct aura_buf text = AURA_BUF(64);
    if (!EVP_Digest(e->body, e->len, hash, &len, EVP_sha256(), NULL) ||
        aura_base64_encode(&text, hash, len)) {
        aura_buf_free(&text);
        return AURA_ENOMEM;
    }
    struct aura_claims claims; /* borrows its text */
    aura_claims_init(&claims);
    claims.sha256 = (char *)text.data;
    int64_t now_s = (int64_t)(aura_wall_us(w->conf.clock) / AURA_US_PER_S);
    aura_buf_str(out, "Authorization: ");
    int err = aura_token_mint(out, &claims, w->key, w->secret, now_s, TOKEN_TTL_S);
    aura_buf_free(&text);
    return err;
}

static int add_header(struct flight *f, const char *text) {
    struct curl_slist *more = curl_slist_append(f->headers, text);
    f->headers = more ? more : f->headers;
    return more ? 0 : AURA_ENOMEM;
}

/* LiveKit's two headers, and ours: the numbers by which a receiver sees gaps and repetitions. */
static int add_headers(struct aura_webhooks *w, struct flight *f,
                       const struct aura_outbox_event *e) {
    struct aura_buf token = AURA_BUF(2048);
    char seq[64], room_seq[64];
    snprintf(seq, sizeof(seq), "X-Auralink-Sequence: %llu", (unsigned long long)e->seq);
    snprintf(room_seq, sizeof(room_seq), "X-Auralink-Room-Sequence: %llu",
             (unsigned long long)e->room_seq);
    int err = sign(w, e, &token);
    err = err ? err : add_header(f, "Content-Type: application/webhook+json");
    err = err ? err : add_header(f, aura_buf_text(&token));
    err = err ? err : add_header(f, seq);
    err = err ? err : add_header(f, room_seq);
    err = err ? err : add_header(f, "Expect:"); /* no question before the body */
    aura_buf_free(&token);
    return err;
}

static size_t ignore_body(char *data, size_t size, size_t n, void *arg) {
    (void)data;
    (void)arg;
    return size * n;
}

/* Redirects keep method and body; to other hosts libcurl leaves the Authorization out. */
static int set_up(struct aura_webhooks *w, struct flight *f, const struct aura_outbox_event *e) {
    CURL *c = f->curl = curl_easy_init();
    if (!c || add_headers(w, f, e)) {
        return AURA_ENOMEM;
    }
    CURLcode bad = curl_easy_setopt(c, CURLOPT_URL, w->conf.outbox.urls[f->lane->target->url]);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    curl_easy_setopt(c, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, f->headers);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "auralink");
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)e->len);
    bad = bad ? bad : curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, (const char *)e->body);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore_body);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(w->conf.timeout_us / AURA_US_PER_MS));
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PRIVATE, f);
    return bad || curl_multi_add_handle(w->multi, c) ? AURA_ENOMEM : 0;
}

static int start(struct lane *l, const struct aura_outbox_event *e) {
    struct aura_webhooks *w = l->target->w;
    struct flight *f = aura_zalloc(sizeof(*f));
    if (!f) {
        return AURA_ENOMEM;
    }
    f->lane = l;
    f->seq = e->seq;
    int err = set_up(w, f, e);
    if (err) {
        flight_free(w, f);
        return err;
    }
    aura_list_add(&w->flights, &f->node);
    l->busy = true;
    l->target->flights++;
    return 0;
}

static int settle(struct lane *l, uint64_t seq, enum aura_outbox_state state, long status) {
    struct aura_webhooks *w = l->target->w;
    int err = aura_outbox_begin(w->outbox);
    if (err) {
        return err;
    }
    err = aura_outbox_result(w->outbox, l->target->url, seq, state, status);
    if (err) {
        aura_outbox_rollback(w->outbox);
        return err;
    }
    return aura_outbox_commit(w->outbox);
}

static bool too_old(const struct aura_webhooks *w, const struct aura_outbox_event *e) {
    uint64_t now = aura_wall_us(w->conf.clock);
    return now > e->created_us && now - e->created_us > w->conf.max_age_us;
}

/* The lane's oldest event leaves, unless there is none, or it has waited for too long. */
static void go(struct lane *l) {
    struct aura_webhooks *w = l->target->w;
    struct aura_outbox_event e;
    aura_node_remove(&l->node);
    for (int i = 0; i < EXPIRED_PER_TURN; i++) {
        int err = aura_outbox_head(w->outbox, l->target->url, l->room, &e);
        if (err == AURA_ENOENT) {
            lane_free(l);
            return;
        }
        if (err || !too_old(w, &e)) {
            if (err || start(l, &e)) {
                lane_wait(l, AURA_US_PER_S);
            }
            return;
        }
        AURA_LOG_LIMITED("webhook", AURA_LOG_WARN, "event_expired", AURA_I("seq", e.seq),
                         AURA_S("room", l->room));
        if (settle(l, e.seq, AURA_OUTBOX_EXPIRED, 0)) {
            lane_wait(l, AURA_US_PER_S);
            return;
        }
        atomic_fetch_add(&w->expired, 1);
    }
    make_ready(l);
}

void aura__lanes_go(struct aura_webhooks *w) {
    for (size_t i = 0; i < w->conf.outbox.url_count; i++) {
        struct target *t = &w->targets[i];
        struct lane *l;
        while (!aura_timer_running(&t->timer) && t->flights < t->window &&
               (l = AURA_LIST_FIRST(&t->ready, struct lane, node))) {
            go(l);
        }
    }
}

/* ---- results ---- */

static bool worth_another_try(long status) {
    return status < 200 || status >= 500 || status == 408 || status == 425 || status == 429 ||
           (status >= 300 && status < 400);
}

static void target_answered(struct target *t) {
    t->failures = 0;
    t->window = t->window * 2 < AURA_WEBHOOK_FLIGHTS_MAX ? t->window * 2 : AURA_WEBHOOK_FLIGHTS_MAX;
}

static void target_unreachable(struct target *t) {
    t->failures++;
    t->window = 1;
    (void)!aura_timer_start(t->w->timers, &t->timer, backoff_us(t->w, t->failures), on_target_timer,
                            t);
}

static void retry(struct flight *f, long status, const char *why) {
    struct lane *l = f->lane;
    struct aura_webhooks *w = l->target->w;
    curl_off_t asked_s = 0;
    curl_easy_getinfo(f->curl, CURLINFO_RETRY_AFTER, &asked_s);
    asked_s = asked_s < RETRY_AFTER_MAX_S ? asked_s : RETRY_AFTER_MAX_S;
    l->failures++;
    atomic_fetch_add(&w->failed, 1);
    AURA_LOG_LIMITED("webhook", AURA_LOG_WARN, "not_delivered", AURA_I("seq", f->seq),
                     AURA_S("room", l->room), AURA_I("status", status), AURA_S("why", why));
    (void)!settle(l, f->seq, AURA_OUTBOX_WAITING, status); /* counts the attempt, no more */
    uint64_t us = backoff_us(w, l->failures);
    uint64_t asked_us = asked_s > 0 ? (uint64_t)asked_s * AURA_US_PER_S : 0;
    lane_wait(l, us > asked_us ? us : asked_us);
}

static void landed(struct flight *f, CURLcode code) {
    struct lane *l = f->lane;
    struct target *t = l->target;
    struct aura_webhooks *w = t->w;
    long status = 0;
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
    l->busy = false;
    t->flights--;
    if (code != CURLE_OK && status == 0) {
        target_unreachable(t);
    } else {
        target_answered(t);
    }
    if (code != CURLE_OK || worth_another_try(status)) {
        retry(f, status, code == CURLE_OK ? "" : curl_easy_strerror(code));
    } else {
        bool taken = status < 300;
        l->failures = 0;
        if (settle(l, f->seq, taken ? AURA_OUTBOX_DELIVERED : AURA_OUTBOX_REFUSED, status)) {
            lane_wait(l, AURA_US_PER_S); /* it goes again: at least once */
        } else {
            atomic_fetch_add(taken ? &w->delivered : &w->refused, 1);
            make_ready(l);
        }
    }
    flight_free(w, f);
}

static bool take_results(struct aura_webhooks *w) {
    CURLMsg *m;
    int left;
    bool any = false;
    while ((m = curl_multi_info_read(w->multi, &left))) {
        struct flight *f = NULL;
        if (m->msg == CURLMSG_DONE) {
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&f);
            landed(f, m->data.result);
            any = true;
        }
    }
    return any;
}

/* What ends while the next ones are started must be taken too: no socket would tell of it. */
void aura__lanes_done(struct aura_webhooks *w) {
    int running;
    while (take_results(w)) {
        aura__lanes_go(w);
        curl_multi_perform(w->multi, &running);
    }
}

bool aura__lanes_busy(const struct aura_webhooks *w) {
    for (size_t i = 0; i < w->conf.outbox.url_count; i++) {
        const struct target *t = &w->targets[i];
        if (t->flights || (!aura_list_empty(&t->ready) && !aura_timer_running(&t->timer))) {
            return true;
        }
    }
    return false;
}
