/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/find.h"

#include "base/map.h"
#include "base/mem.h"

#include <arpa/nameser.h>
#include <jansson.h>
#include <pthread.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

enum { PORT = 8448, MIN_AGE_S = 300, NAME_MAX_LABELS = 280 };

struct known {
    uint64_t until_us;
    size_t name_len;
    char server[AURA_SERVER_BYTES_MAX]; /* "" = there is no .well-known */
    char name[AURA_SERVER_BYTES_MAX];
};

struct aura_find {
    const struct aura_fetch_conf *conf;
    pthread_mutex_t lock; /* of `known` */
    struct aura_map *known;
};

int aura_find_new(struct aura_find **fp, const struct aura_fetch_conf *conf) {
    struct aura_find *f = aura_zalloc(sizeof(*f));
    int err = f ? aura_map_new(&f->known, AURA_FIND_CACHE_MAX) : AURA_ENOMEM;
    if (err) {
        aura_free(f);
        return err;
    }
    f->conf = conf;
    pthread_mutex_init(&f->lock, NULL);
    *fp = f;
    return 0;
}

struct aura_find *aura_find_free(struct aura_find *f) {
    if (f) {
        size_t it = 0;
        for (void *k; (k = aura_map_next(f->known, &it));) {
            aura_free(k);
        }
        aura_map_free(f->known);
        pthread_mutex_destroy(&f->lock);
        aura_free(f);
    }
    return NULL;
}

/* ---- what was found before ---- */

static bool recall(struct aura_find *f, const char *name, char server[AURA_SERVER_BYTES_MAX]) {
    uint64_t now = aura_now_us(f->conf->clock);
    pthread_mutex_lock(&f->lock);
    const struct known *k = aura_map_get_str(f->known, name);
    bool fresh = k && now < k->until_us;
    if (fresh) {
        memcpy(server, k->server, AURA_SERVER_BYTES_MAX);
    }
    pthread_mutex_unlock(&f->lock);
    return fresh;
}

/* What has run out goes; if nothing has, what runs out first. */
static void make_room(struct aura_find *f, uint64_t now) {
    struct known *soonest = NULL;
    size_t it = 0;
    for (struct known *k; (k = aura_map_next(f->known, &it));) {
        if (k->until_us <= now) {
            aura_map_del_str(f->known, k->name);
            aura_free(k);
        } else if (!soonest || k->until_us < soonest->until_us) {
            soonest = k;
        }
    }
    if (soonest && aura_map_count(f->known) == AURA_FIND_CACHE_MAX) {
        aura_map_del_str(f->known, soonest->name);
        aura_free(soonest);
    }
}

/* Without memory it is asked for again, no more. */
static void remember(struct aura_find *f, const char *name, const char *server, int64_t age_s) {
    uint64_t now = aura_now_us(f->conf->clock);
    struct known *k = aura_zalloc(sizeof(*k));
    if (!k) {
        return;
    }
    k->until_us = now + (uint64_t)age_s * AURA_US_PER_S;
    snprintf(k->server, sizeof(k->server), "%s", server);
    snprintf(k->name, sizeof(k->name), "%s", name);
    pthread_mutex_lock(&f->lock);
    aura_free(aura_map_del_str(f->known, name));
    if (aura_map_count(f->known) == AURA_FIND_CACHE_MAX) {
        make_room(f, now);
    }
    if (aura_map_put_str(f->known, name, k)) {
        aura_free(k);
    }
    pthread_mutex_unlock(&f->lock);
}

/* ---- .well-known ---- */

int aura__find_well_known(const void *body, size_t len, char server[AURA_SERVER_BYTES_MAX]) {
    struct aura_server_name name;
    json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *m = json_object_get(json, "m.server");
    const char *text = json_string_value(m);
    size_t n = json_string_length(m);
    int err = text && n < AURA_SERVER_BYTES_MAX && aura_server_name_parse(&name, text, n) == 0
                  ? 0
                  : AURA_EMALFORMED;
    if (!err) {
        memcpy(server, text, n + 1);
    }
    json_decref(json);
    return err;
}

static int64_t clamp_age(int64_t asked_s) {
    int64_t age = asked_s < 0 ? AURA_FIND_AGE_S : asked_s;
    return age < MIN_AGE_S ? MIN_AGE_S : age > AURA_FIND_AGE_MAX_S ? AURA_FIND_AGE_MAX_S : age;
}

/* Follows redirects, but only to https. @return 0, or an error: there was no answer */
static int fetch_well_known(struct aura_find *f, const char *name, uint64_t until_us,
                            struct aura_fetched *got) {
    char url[AURA_FETCH_URL_BYTES_MAX];
    snprintf(url, sizeof(url), "https://%s/.well-known/matrix/server", name);
    for (int i = 0; i <= AURA_FIND_REDIRECTS_MAX; i++) {
        const struct aura_fetch q = {.url = url, .until_us = until_us};
        int err = aura_fetch(f->conf, &q, got);
        if (err || !got->location[0]) {
            return err;
        }
        if (strncmp(got->location, "https://", 8) != 0) {
            return AURA_EPOLICY;
        }
        snprintf(url, sizeof(url), "%s", got->location);
    }
    return AURA_ELIMIT;
}

/* @param server  out: "" = nobody else is named. A refusal is remembered, a silence is not: the
 * server may be starting. @return 0, AURA_ETIMEDOUT, AURA_ENOMEM */
static int well_known(struct aura_find *f, const char *name, uint64_t until_us,
                      char server[AURA_SERVER_BYTES_MAX]) {
    struct aura_fetched got = {.body = AURA_BUF(AURA_FETCH_BODY_BYTES_MAX)};
    server[0] = 0;
    if (recall(f, name, server)) {
        return 0;
    }
    int err = fetch_well_known(f, name, until_us, &got);
    if (!err && got.status == 200 &&
        aura__find_well_known(aura_buf_text(&got.body), got.body.len, server) == 0) {
        remember(f, name, server, clamp_age(got.max_age_s));
    } else if (!err && got.status < 500) {
        remember(f, name, "", AURA_FIND_ABSENT_AGE_S);
    }
    aura_buf_free(&got.body);
    return err == AURA_ETIMEDOUT || err == AURA_ENOMEM ? err : 0;
}

/* ---- SRV ---- */

/* RFC 2782: priority, weight, port, target. */
static int read_record(const ns_msg *m, const ns_rr *rr, unsigned *rank, unsigned *port,
                       char target[AURA_SERVER_BYTES_MAX]) {
    char name[NS_MAXDNAME];
    const uint8_t *d = ns_rr_rdata(*rr);
    if (ns_rr_type(*rr) != ns_t_srv || ns_rr_rdlen(*rr) < 7 ||
        dn_expand(ns_msg_base(*m), ns_msg_end(*m), d + 6, name, sizeof(name)) < 0 ||
        strlen(name) >= AURA_SERVER_BYTES_MAX) {
        return AURA_EMALFORMED;
    }
    *rank = (unsigned)ns_get16(d) << 16 | (0xFFFFu - (unsigned)ns_get16(d + 2));
    *port = ns_get16(d + 4);
    memcpy(target, name, strlen(name) + 1);
    return 0;
}

static bool is_host(const char *name, struct aura_server_name *parsed) {
    return aura_server_name_parse(parsed, name, strlen(name)) == 0 && !parsed->port &&
           parsed->kind == AURA_HOST_DNS;
}

int aura__find_srv(const uint8_t *answer, size_t len, char target[AURA_SERVER_BYTES_MAX],
                   uint16_t *port) {
    ns_msg m;
    ns_rr rr;
    unsigned best = 0;
    bool any = false;
    if (len > INT32_MAX || ns_initparse(answer, (int)len, &m) < 0) {
        return AURA_EMALFORMED;
    }
    for (int i = 0; i < ns_msg_count(m, ns_s_an); i++) {
        unsigned rank, to;
        char name[AURA_SERVER_BYTES_MAX];
        struct aura_server_name parsed;
        if (ns_parserr(&m, ns_s_an, i, &rr) < 0) {
            return AURA_EMALFORMED;
        }
        if (read_record(&m, &rr, &rank, &to, name) == 0 && to && is_host(name, &parsed) &&
            (!any || rank < best)) {
            any = true;
            best = rank;
            *port = (uint16_t)to;
            memcpy(target, name, sizeof(name));
        }
    }
    return any ? 0 : AURA_ENOENT;
}

static int ask_srv(const char *service, const char *host, struct aura_route *out) {
    uint8_t answer[AURA_FIND_DNS_BYTES_MAX];
    char name[NAME_MAX_LABELS];
    int n = snprintf(name, sizeof(name), "%s.%s", service, host);
    if (n < 0 || (size_t)n >= sizeof(name)) {
        return AURA_ENOENT;
    }
    n = res_query(name, ns_c_in, ns_t_srv, answer, sizeof(answer));
    return n <= 0 || (size_t)n > sizeof(answer)
               ? AURA_ENOENT
               : aura__find_srv(answer, (size_t)n, out->dial, &out->port);
}

/* ---- all of it ---- */

bool aura__find_is_direct(const struct aura_server_name *name) {
    return name->kind != AURA_HOST_DNS || name->port;
}

void aura__find_direct(struct aura_route *out, const struct aura_server_name *name) {
    const char *open = name->kind == AURA_HOST_V6 ? "[" : "";
    const char *close = name->kind == AURA_HOST_V6 ? "]" : "";
    int n = (int)name->host.len;
    *out = (struct aura_route){.port = name->port ? name->port : PORT};
    snprintf(out->host, sizeof(out->host), "%s%.*s%s", open, n, name->host.p, close);
    if (name->port) {
        snprintf(out->header, sizeof(out->header), "%s%.*s%s:%u", open, n, name->host.p, close,
                 name->port);
    } else {
        snprintf(out->header, sizeof(out->header), "%s%.*s%s", open, n, name->host.p, close);
    }
}

static void by_dns(struct aura_route *out, const struct aura_server_name *name) {
    aura__find_direct(out, name);
    if (!aura__find_is_direct(name) && ask_srv("_matrix-fed._tcp", out->host, out) &&
        ask_srv("_matrix._tcp", out->host, out)) {
        out->dial[0] = 0;
        out->port = PORT;
    }
}

int aura_find_server(struct aura_find *f, const char *server, uint64_t until_us,
                     struct aura_route *out, const char **why) {
    char named[AURA_SERVER_BYTES_MAX];
    struct aura_server_name name;
    *why = "its name is not one of a Matrix server";
    if (aura_server_name_parse(&name, server, strlen(server))) {
        return AURA_EMALFORMED;
    }
    if (!aura__find_is_direct(&name)) {
        int err = well_known(f, server, until_us, named);
        if (err) {
            *why = "its .well-known/matrix/server does not answer in time";
            return err;
        }
        if (named[0] && aura_server_name_parse(&name, named, strlen(named))) {
            return AURA_EMALFORMED;
        }
    }
    by_dns(out, &name);
    return 0;
}
