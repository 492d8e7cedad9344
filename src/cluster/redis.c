/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/redis.h"

#include "base/log.h"
#include "base/mem.h"
#include "cluster/redis_tls.h"
#include "cluster/resolve.h"
#include "cluster/scripts.h"

#include <hiredis/async.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MIN_MS = 100, ARGS_MAX = 1024, ITEMS_MAX = 4096, WHY_BYTES = 200 };

struct aura_redis {
    struct aura_redis_conf conf;
    struct aura_loop *loop;
    struct aura_timer retry, watchdog;
    struct aura_resolve *resolve;
    void *tls;
    const char *refused;   /* why a certificate was, since it was said last; NULL: none was */
    redisAsyncContext *ac; /* NULL: none */
    struct aura_watch watch;
    unsigned events;
    bool ready, freeing, asks_sentinel;
    char host[AURA_REDIS_HOST_MAX], server[AURA_REDIS_HOST_MAX];
    char elsewhere[AURA_REDIS_HOST_MAX]; /* named by a Sentinel or by MOVED; "" = none */
    unsigned short port;
    size_t next; /* address to try */
    uint32_t retry_ms;
    unsigned connections;
    size_t waiting; /* answers owed */
    char why[WHY_BYTES];
};

struct ask {
    struct aura_redis *r;
    aura_store_fn *fn;
    void *arg;
};

static void begin(struct aura_redis *r);
static void break_off(struct aura_redis *r, const char *why);

/* ---- hiredis in our loop ---- */

static void on_events(void *arg, struct aura_watch *watch, unsigned events) {
    struct aura_redis *r = arg;
    redisAsyncContext *ac = r->ac;
    (void)watch;
    if (events & (AURA_LOOP_READ | AURA_LOOP_HANGUP)) {
        redisAsyncHandleRead(ac);
    }
    if (events & AURA_LOOP_WRITE && r->ac == ac) { /* reading may have ended it */
        redisAsyncHandleWrite(ac);
    }
}

static void set_events(struct aura_redis *r, unsigned events) {
    if (events == r->events) {
        return;
    }
    int err = 0;
    if (!events) {
        aura_loop_remove_fd(&r->watch);
    } else if (!r->events) {
        err = aura_loop_add_fd(r->loop, &r->watch, r->ac->c.fd, events, on_events, r);
    } else {
        err = aura_loop_mod_fd(&r->watch, events);
    }
    r->events = err ? 0 : events; /* without events the watchdog ends it */
}

static void add_read(void *arg) {
    struct aura_redis *r = arg;
    set_events(r, r->events | AURA_LOOP_READ);
}

static void del_read(void *arg) {
    struct aura_redis *r = arg;
    set_events(r, r->events & ~(unsigned)AURA_LOOP_READ);
}

static void add_write(void *arg) {
    struct aura_redis *r = arg;
    set_events(r, r->events | AURA_LOOP_WRITE);
}

static void del_write(void *arg) {
    struct aura_redis *r = arg;
    set_events(r, r->events & ~(unsigned)AURA_LOOP_WRITE);
}

static void cleanup(void *arg) {
    set_events(arg, 0);
}

/* ---- breaking and trying again ---- */

static void on_retry(void *arg) {
    begin(arg);
}

static void retry_later(struct aura_redis *r) {
    if (r->freeing) {
        return;
    }
    r->retry_ms = r->retry_ms ? r->retry_ms * 2 : RETRY_MIN_MS;
    r->retry_ms = r->retry_ms < AURA_REDIS_RETRY_MAX_MS ? r->retry_ms : AURA_REDIS_RETRY_MAX_MS;
    if (aura_timer_start(aura_loop_timers(r->loop), &r->retry, r->retry_ms * AURA_US_PER_MS,
                         on_retry, r)) {
        AURA_LOG("cluster", AURA_LOG_ERROR, "no_memory_for_timer", AURA_S("for", "Redis"));
    }
}

/* The context is going, by whoever's doing. */
static void gone(struct aura_redis *r, const char *why) {
    bool was = r->ready;
    r->ac = NULL;
    r->ready = false;
    aura_timer_stop(aura_loop_timers(r->loop), &r->watchdog);
    why = r->refused ? r->refused : why;
    r->refused = NULL;
    if (!r->freeing) {
        AURA_LOG_LIMITED("cluster", AURA_LOG_WARN, was ? "redis_lost" : "redis_unreachable",
                         AURA_S("server", r->server), AURA_S("why", why));
    }
    if (was && r->conf.state && !r->freeing) {
        r->conf.state(r->conf.arg, false);
    }
    retry_later(r);
}

static void break_off(struct aura_redis *r, const char *why) {
    redisAsyncContext *ac = r->ac;
    snprintf(r->why, sizeof(r->why), "%s", why);
    if (ac) {
        ac->data = NULL; /* no more word of it */
        set_events(r, 0);
        gone(r, r->why);
        redisAsyncFree(ac); /* its callbacks come with NULL now */
    } else {
        retry_later(r);
    }
}

static void on_watchdog(void *arg) {
    struct aura_redis *r = arg;
    break_off(r, r->ready ? "it does not answer" : "it does not accept a connection");
}

static void wait_for_answer(struct aura_redis *r, unsigned seconds) {
    if (aura_timer_start(aura_loop_timers(r->loop), &r->watchdog, seconds * AURA_US_PER_S,
                         on_watchdog, r)) {
        AURA_LOG("cluster", AURA_LOG_ERROR, "no_memory_for_timer", AURA_S("for", "Redis"));
    }
}

static void on_connect(const redisAsyncContext *ac, int status) {
    struct aura_redis *r = ac->data;
    if (r && status != REDIS_OK) {
        gone(r, ac->errstr); /* hiredis frees it */
    }
}

static void on_disconnect(const redisAsyncContext *ac, int status) {
    struct aura_redis *r = ac->data;
    if (r) {
        gone(r, status == REDIS_OK ? "it closed the connection" : ac->errstr);
    }
}

/* ---- the beginning of a connection ---- */

static void on_setup(redisAsyncContext *ac, void *answer, void *arg) {
    struct aura_redis *r = ac->data;
    const redisReply *reply = answer;
    (void)arg;
    if (r && reply && reply->type == REDIS_REPLY_ERROR) {
        char why[WHY_BYTES];
        snprintf(why, sizeof(why), "%s", reply->str);
        break_off(r, why);
    }
}

static void on_ping(redisAsyncContext *ac, void *answer, void *arg) {
    struct aura_redis *r = ac->data;
    const redisReply *reply = answer;
    (void)arg;
    if (!r || !reply) {
        return;
    }
    if (reply->type == REDIS_REPLY_ERROR) {
        on_setup(ac, answer, NULL);
        return;
    }
    aura_timer_stop(aura_loop_timers(r->loop), &r->watchdog);
    r->ready = true;
    r->retry_ms = 0;
    r->connections++;
    AURA_LOG("cluster", AURA_LOG_INFO, "redis_connected", AURA_S("server", r->server));
    if (r->conf.state) {
        r->conf.state(r->conf.arg, true);
    }
}

static void on_master(redisAsyncContext *ac, void *answer, void *arg) {
    struct aura_redis *r = ac->data;
    const redisReply *reply = answer;
    (void)arg;
    if (!r || !reply) {
        return;
    }
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[0]->str &&
        reply->element[1]->str) {
        bool v6 = strchr(reply->element[0]->str, ':') != NULL;
        snprintf(r->elsewhere, sizeof(r->elsewhere), v6 ? "[%s]:%s" : "%s:%s",
                 reply->element[0]->str, reply->element[1]->str);
        ac->data = NULL;
        set_events(r, 0);
        r->ac = NULL;
        aura_timer_stop(aura_loop_timers(r->loop), &r->watchdog);
        redisAsyncFree(ac);
        begin(r);
    } else {
        break_off(r, reply->type == REDIS_REPLY_ERROR ? reply->str
                                                      : "this Sentinel does not know "
                                                        "redis.sentinel_master_name");
    }
}

static int command(struct aura_redis *r, redisCallbackFn *fn, const char *const *words) {
    int n = 0;
    while (words[n]) {
        n++;
    }
    return redisAsyncCommandArgv(r->ac, fn, NULL, n, (const char **)(uintptr_t)words, NULL);
}

static void log_in(struct aura_redis *r, const char *user, const char *password) {
    const char *const both[] = {"AUTH", user, password, NULL}, *const one[] = {"AUTH", password,
                                                                               NULL};
    if (*password) {
        (void)command(r, on_setup, *user ? both : one);
    }
}

static void set_up(struct aura_redis *r) {
    char db[16];
    const struct aura_redis_conf *c = &r->conf;
    const char *const master[] = {"SENTINEL", "get-master-addr-by-name", c->sentinel_master, NULL};
    const char *const select[] = {"SELECT", db, NULL}, *const ping[] = {"PING", NULL};
    wait_for_answer(r, AURA_REDIS_CONNECT_S);
    if (r->asks_sentinel) {
        log_in(r, c->sentinel_username, c->sentinel_password);
        (void)command(r, on_master, master);
        return;
    }
    log_in(r, c->username, c->password);
    snprintf(db, sizeof(db), "%u", c->db);
    if (c->db) {
        (void)command(r, on_setup, select);
    }
    (void)command(r, on_ping, ping);
}

static void on_resolved(void *arg, const char *ip) {
    struct aura_redis *r = arg;
    if (!ip) {
        r->resolve = aura_resolve_free(r->resolve);
        break_off(r, "its name has no address in DNS");
        AURA_LOG_LIMITED("cluster", AURA_LOG_WARN, "redis_unreachable", AURA_S("server", r->server),
                         AURA_S("why", r->why));
        return;
    }
    redisAsyncContext *ac = redisAsyncConnect(ip, r->port);
    r->resolve = aura_resolve_free(r->resolve);
    if (!ac || ac->err) {
        break_off(r, ac ? ac->errstr : "out of memory");
        if (ac) {
            redisAsyncFree(ac);
        }
        return;
    }
    r->ac = ac;
    ac->data = r;
    ac->ev.data = r;
    ac->ev.addRead = add_read;
    ac->ev.delRead = del_read;
    ac->ev.addWrite = add_write;
    ac->ev.delWrite = del_write;
    ac->ev.cleanup = cleanup;
    const char *name = *r->conf.tls_server_name ? r->conf.tls_server_name : r->host;
    if (r->tls && aura__redis_tls_start(r->tls, ac, name)) {
        break_off(r, "TLS cannot begin");
        return;
    }
    redisAsyncSetConnectCallback(ac, on_connect);
    redisAsyncSetDisconnectCallback(ac, on_disconnect);
    set_up(r);
}

/* "host:port", "[::1]:port". @return false: it is not one */
static bool split(struct aura_redis *r, const char *address) {
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : 0;
    bool brackets = len > 2 && address[0] == '[' && colon[-1] == ']';
    unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;
    if (len == 0 || len >= sizeof(r->host) || port == 0 || port > 65535) {
        return false;
    }
    snprintf(r->host, sizeof(r->host), "%.*s", (int)(brackets ? len - 2 : len),
             address + (brackets ? 1 : 0));
    r->port = (unsigned short)port;
    return true;
}

static void begin(struct aura_redis *r) {
    const char *address = r->conf.addresses[r->next % r->conf.address_count];
    r->asks_sentinel = *r->conf.sentinel_master && !*r->elsewhere;
    if (*r->elsewhere) {
        snprintf(r->server, sizeof(r->server), "%s", r->elsewhere);
        r->elsewhere[0] = 0; /* once: if it fails, the others are asked again */
    } else {
        snprintf(r->server, sizeof(r->server), "%s", address);
        r->next++;
    }
    if (!split(r, r->server) || aura_resolve_start(&r->resolve, r->loop, r->host, on_resolved, r)) {
        break_off(r, "its address cannot be used");
    }
}

/* ---- asking ---- */

static void tell(struct ask *ask, int err, const char *why, const redisReply *reply) {
    const char *items[ITEMS_MAX];
    struct aura_store_reply out = {.err = err, .why = why, .items = items};
    for (size_t i = 0; !err && i < reply->elements && i < ITEMS_MAX; i++) {
        items[out.count++] = reply->element[i]->str ? reply->element[i]->str : "";
    }
    ask->fn(ask->arg, &out);
    aura_free(ask);
}

/* A cluster's node that has not our slot, or a master that is one no more. */
static bool not_here(struct aura_redis *r, const char *text) {
    const char *space = strrchr(text, ' ');
    if (strncmp(text, "MOVED ", 6) == 0 && space) {
        snprintf(r->elsewhere, sizeof(r->elsewhere), "%s", space + 1);
        return true;
    }
    return strncmp(text, "READONLY", 8) == 0 || strncmp(text, "CLUSTERDOWN", 11) == 0 ||
           strncmp(text, "LOADING", 7) == 0 || strncmp(text, "MASTERDOWN", 10) == 0;
}

static void on_answer(redisAsyncContext *ac, void *answer, void *arg) {
    struct ask *ask = arg;
    struct aura_redis *r = ask->r;
    const redisReply *reply = answer;
    bool current = ac->data != NULL;
    r->waiting--;
    if (current && reply) {
        if (r->waiting) {
            wait_for_answer(r, AURA_REDIS_ANSWER_S);
        } else {
            aura_timer_stop(aura_loop_timers(r->loop), &r->watchdog);
        }
    }
    if (!reply) {
        tell(ask, r->freeing ? AURA_ECLOSED : AURA_EAGAIN, "the connection to Redis broke", NULL);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        bool elsewhere = not_here(r, reply->str);
        char text[WHY_BYTES];
        snprintf(text, sizeof(text), "%s", reply->str);
        tell(ask, elsewhere ? AURA_EAGAIN : AURA_EIO, text, NULL);
        if (elsewhere && current && r->ac == ac) {
            break_off(r, text);
        }
    } else if (reply->type != REDIS_REPLY_ARRAY) {
        tell(ask, AURA_EIO, "Redis gave an answer of another kind", NULL);
    } else {
        tell(ask, 0, "", reply);
    }
}

static void run(void *self, enum aura_script script, const char *const *args, size_t count,
                aura_store_fn *fn, void *arg) {
    struct aura_redis *r = self;
    const char *words[ARGS_MAX + 4] = {"EVAL", aura_script_text(script), "1", AURA_SCRIPT_KEY};
    struct aura_store_reply failed = {.err = AURA_EAGAIN, .why = "Redis cannot be reached"};
    struct ask *ask = r->ready && count <= ARGS_MAX ? aura_zalloc(sizeof(*ask)) : NULL;
    if (!ask) {
        fn(arg, &failed);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        words[4 + i] = args[i];
    }
    *ask = (struct ask){r, fn, arg};
    if (redisAsyncCommandArgv(r->ac, on_answer, ask, (int)count + 4, words, NULL) != REDIS_OK) {
        aura_free(ask);
        fn(arg, &failed);
        return;
    }
    if (r->waiting++ == 0) {
        wait_for_answer(r, AURA_REDIS_ANSWER_S);
    }
}

/* ---- life ---- */

int aura_redis_new(struct aura_redis **out, const struct aura_redis_conf *conf,
                   struct aura_loop *loop, const char **why) {
    AURA_REQUIRE(conf->address_count > 0, AURA_EINVAL);
    struct aura_redis *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    r->conf = *conf;
    r->loop = loop;
    int err = conf->tls ? aura__redis_tls_new(&r->tls, conf, &r->refused, why) : 0;
    for (size_t i = 0; !err && i < conf->address_count; i++) {
        if (!split(r, conf->addresses[i])) {
            *why = "redis: an address is not host:port";
            err = AURA_EINVAL;
        }
    }
    if (err) {
        aura_redis_free(r);
        return err;
    }
    begin(r);
    *out = r;
    return 0;
}

struct aura_redis *aura_redis_free(struct aura_redis *r) {
    if (!r) {
        return NULL;
    }
    r->freeing = true;
    aura_timer_stop(aura_loop_timers(r->loop), &r->retry);
    aura_timer_stop(aura_loop_timers(r->loop), &r->watchdog);
    r->resolve = aura_resolve_free(r->resolve);
    if (r->ready) { /* what was said last leaves, if it can at once */
        redisAsyncHandleWrite(r->ac);
    }
    if (r->ac) {
        break_off(r, "");
    }
    aura__redis_tls_free(r->tls);
    aura_free(r);
    return NULL;
}

struct aura_store aura_redis_store(struct aura_redis *r) {
    return (struct aura_store){r, run};
}

const char *aura_redis_server(const struct aura_redis *r) {
    return r->server;
}

bool aura_redis_ready(const struct aura_redis *r) {
    return r->ready;
}

unsigned aura_redis_connections(const struct aura_redis *r) {
    return r->connections;
}
