/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/openid.h"

#include "base/map.h"
#include "base/mem.h"

#include <jansson.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

enum { HASH_BYTES = 32 };

struct aura_openid {
    struct aura_openid_conf conf;
    struct aura_map *seen;  /* by hash of server and token */
    struct aura_list order; /* oldest first */
    struct aura_openid_stats stats;
};

struct seen {
    struct aura_node node;
    uint8_t token[HASH_BYTES], use[HASH_BYTES];
    uint64_t fresh_until_us, until_us;
    char user[AURA_MXID_BYTES_MAX];
};

struct check {
    struct aura_job job;
    struct aura_timer timer;
    struct aura_openid *openid;
    aura_openid_fn *fn; /* NULL: it was told already */
    void *arg;
    uint64_t until_us;
    int64_t expires_in_s;
    uint8_t seen_token[HASH_BYTES], use[HASH_BYTES];
    char server[AURA_SERVER_BYTES_MAX], token[AURA_OPENID_TOKEN_BYTES_MAX];
    int err; /* written by the thread, as the two below */
    const char *why;
    char user[AURA_MXID_BYTES_MAX];
};

static int hash_pair(uint8_t out[HASH_BYTES], const char *a, const char *b) {
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int good = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) &&
               EVP_DigestUpdate(c, a, strlen(a) + 1) && EVP_DigestUpdate(c, b, strlen(b)) &&
               EVP_DigestFinal_ex(c, out, NULL);
    EVP_MD_CTX_free(c);
    return good ? 0 : AURA_ENOMEM;
}

/* ---- tokens that were seen ---- */

static void forget(struct aura_openid *o, struct seen *s) {
    aura_map_del(o->seen, s->token, HASH_BYTES);
    aura_node_remove(&s->node);
    aura_free(s);
}

/* In the order of their beginning, and all live as long: the oldest ends first. */
static void forget_old(struct aura_openid *o, uint64_t now) {
    struct seen *s;
    while ((s = AURA_LIST_FIRST(&o->order, struct seen, node)) &&
           (s->until_us <= now || aura_map_count(o->seen) >= AURA_OPENID_SEEN_MAX)) {
        forget(o, s);
    }
}

static uint64_t fresh_us(const struct check *c) {
    bool said = c->expires_in_s > 0 && c->expires_in_s < AURA_OPENID_SEEN_S;
    return (uint64_t)(said ? c->expires_in_s : AURA_OPENID_SEEN_S) * AURA_US_PER_S;
}

static int remember(struct aura_openid *o, const struct check *c) {
    uint64_t now = aura_now_us(aura_loop_clock(o->conf.loop));
    forget_old(o, now);
    struct seen *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    memcpy(s->token, c->seen_token, HASH_BYTES);
    memcpy(s->use, c->use, HASH_BYTES);
    memcpy(s->user, c->user, sizeof(s->user));
    s->fresh_until_us = now + fresh_us(c);
    s->until_us = now + AURA_OPENID_SEEN_S * AURA_US_PER_S;
    int err = aura_map_put(o->seen, s->token, HASH_BYTES, s);
    if (err) {
        aura_free(s);
        return err;
    }
    aura_list_add(&o->order, &s->node);
    return 0;
}

static struct seen *recall(struct aura_openid *o, const struct check *c) {
    struct seen *s = aura_map_get(o->seen, c->seen_token, HASH_BYTES);
    return s && aura_now_us(aura_loop_clock(o->conf.loop)) < s->until_us ? s : NULL;
}

static bool same_use(const struct seen *s, const struct check *c) {
    return memcmp(s->use, c->use, HASH_BYTES) == 0;
}

/* ---- asking, on a thread ---- */

int aura__openid_user(const void *body, size_t len, const char *server,
                      char user[AURA_MXID_BYTES_MAX]) {
    json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *sub = json_object_get(json, "sub");
    const char *text = json_string_value(sub);
    struct aura_mxid id;
    int err =
        text && aura_mxid_parse(&id, text, json_string_length(sub)) == 0 ? 0 : AURA_EMALFORMED;
    if (!err && !aura_slice_equal(id.server, server)) {
        err = AURA_EAUTH;
    }
    if (!err) {
        memcpy(user, text, json_string_length(sub) + 1);
    }
    json_decref(json);
    return err;
}

/* What may stand in a query as it is: RFC 3986's unreserved. */
static void add_escaped(struct aura_buf *out, const char *text) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++) {
        if (strchr(plain, *text)) {
            aura_buf_add(out, text, 1);
        } else {
            aura_buf_printf(out, "%%%02X", (unsigned char)*text);
        }
    }
}

static int judge(struct check *c, const struct aura_fetched *got) {
    static const char *const whys[] = {"its answer says nothing about a user",
                                       "it says that the token is of another server's user"};
    if (got->status == 200) {
        int err = aura__openid_user(aura_buf_text(&got->body), got->body.len, c->server, c->user);
        c->why = err == AURA_EAUTH ? whys[1] : whys[0];
        return err;
    }
    bool refused = got->status == 401 || got->status == 403;
    c->why = refused ? "it does not know this token: get a new one from it"
                     : "it answers with an error, or that it does not do this";
    return refused ? AURA_EAUTH : AURA_EIO;
}

static int ask_at(struct check *c, const struct aura_route *route) {
    struct aura_buf url = AURA_BUF(AURA_FETCH_URL_BYTES_MAX * 4);
    struct aura_fetched got = {.body = AURA_BUF(AURA_FETCH_BODY_BYTES_MAX)};
    aura_buf_printf(&url, "https://%s:%u/_matrix/federation/v1/openid/userinfo?access_token=",
                    route->host, route->port);
    add_escaped(&url, c->token);
    const struct aura_fetch q = {.url = aura_buf_text(&url),
                                 .dial = route->dial[0] ? route->dial : NULL,
                                 .host_header = route->header,
                                 .until_us = c->until_us};
    int err = url.err;
    if (!err) {
        err = aura_fetch(c->openid->conf.fetch, &q, &got);
        c->why = got.why;
    }
    err = err ? err : judge(c, &got);
    aura_wipe(url.data, url.len);
    aura_buf_free(&url);
    aura_buf_free(&got.body);
    return err;
}

static void run(void *arg) {
    struct check *c = arg;
    struct aura_route route;
    c->err = aura_find_server(c->openid->conf.find, c->server, c->until_us, &route, &c->why);
    if (!c->err) {
        c->err = ask_at(c, &route);
    }
}

/* ---- the answer, on the loop ---- */

static void tell(struct check *c, int err, const char *why) {
    aura_openid_fn *fn = c->fn;
    c->fn = NULL;
    if (fn) {
        fn(c->arg, err, err ? NULL : c->user, why);
    }
}

static void on_timeout(void *arg) {
    struct check *c = arg;
    c->openid->stats.failed++;
    tell(c, AURA_ETIMEDOUT, "it does not answer in time");
}

static void check_free(struct check *c) {
    aura_timer_stop(aura_loop_timers(c->openid->conf.loop), &c->timer);
    aura_wipe(c->token, sizeof(c->token));
    aura_free(c);
}

/* While it was asked another request with the same token may have got its answer. */
static int bind_use(struct check *c) {
    struct aura_openid *o = c->openid;
    struct seen *s = recall(o, c);
    if (s && !same_use(s, c)) {
        o->stats.bound_elsewhere++;
        c->why = "the token was used for another room or device: get a new one";
        return AURA_EPOLICY;
    }
    if (s) {
        forget(o, s);
    }
    return remember(o, c);
}

static void done(void *arg) {
    struct check *c = arg;
    struct aura_openid *o = c->openid;
    if (!c->job.ran) {
        c->err = AURA_ECLOSED;
        c->why = "this server is stopping";
    }
    if (c->fn) {
        o->stats.refused += c->err == AURA_EAUTH;
        o->stats.failed += c->err && c->err != AURA_EAUTH;
        c->err = c->err ? c->err : bind_use(c);
        o->stats.verified += !c->err;
    }
    tell(c, c->err, c->why);
    check_free(c);
}

/* @return false: the homeserver must be asked */
static bool tell_known(struct check *c) {
    struct aura_openid *o = c->openid;
    const struct seen *s = recall(o, c);
    if (!s) {
        return false;
    }
    if (!same_use(s, c)) {
        o->stats.bound_elsewhere++;
        tell(c, AURA_EPOLICY, "the token was used for another room or device: get a new one");
        return true;
    }
    if (aura_now_us(aura_loop_clock(o->conf.loop)) >= s->fresh_until_us) {
        return false;
    }
    o->stats.known++;
    memcpy(c->user, s->user, sizeof(c->user));
    tell(c, 0, "");
    return true;
}

static int begin(struct check *c) {
    struct aura_openid *o = c->openid;
    int err = aura_timer_start(aura_loop_timers(o->conf.loop), &c->timer, o->conf.timeout_us,
                               on_timeout, c);
    c->until_us = aura_now_us(aura_loop_clock(o->conf.loop)) + o->conf.timeout_us;
    return err ? err : aura_pool_add(o->conf.pool, &c->job);
}

int aura_openid_verify(struct aura_openid *o, const struct aura_openid_ask *ask, aura_openid_fn *fn,
                       void *arg) {
    struct check *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return AURA_ENOMEM;
    }
    c->openid = o;
    c->fn = fn;
    c->arg = arg;
    c->why = "";
    c->expires_in_s = ask->expires_in_s;
    c->job =
        (struct aura_job){.run = run, .done = done, .arg = c, .key = c->server, .own = ask->own};
    int fits = snprintf(c->server, sizeof(c->server), "%s", ask->server) < (int)sizeof(c->server) &&
               snprintf(c->token, sizeof(c->token), "%s", ask->token) < (int)sizeof(c->token);
    int err = fits ? hash_pair(c->seen_token, ask->server, ask->token) : AURA_ELIMIT;
    err = err ? err : hash_pair(c->use, ask->room, ask->device);
    if (!err && tell_known(c)) {
        check_free(c);
        return 0;
    }
    err = err ? err : begin(c);
    if (err) {
        check_free(c);
    }
    return err;
}

int aura_openid_new(struct aura_openid **op, const struct aura_openid_conf *conf) {
    struct aura_openid *o = aura_zalloc(sizeof(*o));
    int err = o ? aura_map_new(&o->seen, AURA_OPENID_SEEN_MAX) : AURA_ENOMEM;
    if (err) {
        aura_free(o);
        return err;
    }
    o->conf = *conf;
    aura_list_init(&o->order);
    *op = o;
    return 0;
}

struct aura_openid *aura_openid_free(struct aura_openid *o) {
    if (o) {
        for (struct seen *s; (s = AURA_LIST_FIRST(&o->order, struct seen, node));) {
            forget(o, s);
        }
        aura_map_free(o->seen);
        aura_free(o);
    }
    return NULL;
}

void aura_openid_stats(const struct aura_openid *o, struct aura_openid_stats *out) {
    *out = o->stats;
}
