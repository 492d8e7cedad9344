/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server_priv.h"

#include "api/aura_v1_priv.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tally.h"

#include <stdio.h>
#include <string.h>

void aura__respond_text(struct aura_http_req *req, int status, const char *text) {
    aura_http_respond(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

int64_t aura__now_s(const struct aura_server *s) {
    return (int64_t)(aura_wall_us(aura_loop_clock(s->loop)) / AURA_US_PER_S);
}

void aura__refused(const struct aura_server *s, const struct aura_http_req *req) {
    struct aura_addr from = aura_http_remote(req);
    (void)aura_gate_take(s->gate, &from, AURA_GATE_REFUSALS, s->conf.rates,
                         aura_now_us(aura_loop_clock(s->loop)));
}

/* Who has used up its share gets a short answer and no more; so does who guesses tokens. */
static bool admit(struct aura_server *s, struct aura_http_req *req) {
    struct aura_addr from = aura_http_remote(req);
    uint64_t now_us = aura_now_us(aura_loop_clock(s->loop));
    const char *of = "refused tokens";
    uint32_t wait_s = aura_gate_wait_s(s->gate, &from, AURA_GATE_REFUSALS, s->conf.rates, now_us);
    if (!wait_s) {
        of = "requests";
        wait_s = aura_gate_take(s->gate, &from, AURA_GATE_REQUESTS, s->conf.rates, now_us);
    }
    if (!wait_s) {
        return true;
    }
    char seconds[16], text[96], who[AURA_ADDR_TEXT_MAX];
    s->gate_closed++;
    AURA_LOG_LIMITED("api", AURA_LOG_WARN, "address_limited",
                     AURA_S("from", aura_addr_ip_text(&from, who)), AURA_S("of", of));
    snprintf(seconds, sizeof(seconds), "%u", wait_s);
    snprintf(text, sizeof(text), "too many %s from your address: try again in %u s", of, wait_s);
    (void)aura_http_answer_header(req, "retry-after", seconds);
    aura__respond_text(req, 429, text);
    return false;
}

int aura__authorize(const struct aura_server *s, const struct aura_http_req *req,
                    struct aura_claims *claims, const char **why) {
    static const char bearer[] = "Bearer ";
    const char *header = aura_http_header(req, "authorization");
    const char *token = aura_http_query(req, "access_token");
    if (header && strncmp(header, bearer, sizeof(bearer) - 1) != 0) {
        *why = "invalid authorization header. Must start with Bearer ";
        return AURA_EAUTH;
    }
    token = header ? header + sizeof(bearer) - 1 : token;
    if (!token || !token[0]) {
        *why = "no permissions to access the room";
        return AURA_EAUTH;
    }
    int err = aura_token_verify(claims, s->conf.keys, token, strlen(token), aura__now_s(s), why);
    if (err == AURA_EAUTH) {
        aura__refused(s, req);
    }
    return err;
}

/* Readiness is for load balancers: who drains gets nobody new, though its calls go on. */
static bool health(struct aura_server *s, struct aura_http_req *req, const char *path) {
    if (strcmp(path, "/healthz") == 0 || (strcmp(path, "/") == 0 && !aura__web_wanted(s, req))) {
        aura__respond_text(req, 200, "OK");
    } else if (strcmp(path, "/readyz") == 0) {
        bool drains = aura_rooms_draining(s->rooms);
        aura__respond_text(req, drains ? 503 : 200, drains ? "draining" : "OK");
    } else {
        return false;
    }
    return true;
}

static void aside(struct aura_server *s, struct aura_http_req *req, bool metrics) {
    if (metrics) {
        aura__metrics(s, req);
    } else {
        aura__respond_text(req, 404, "only /metrics is on this port (prometheus.port)");
    }
}

/* The port for other nodes. They have looked already how much who asks them asks. */
static void from_node(struct aura_server *s, struct aura_http_req *req, const char *path,
                      bool get) {
    if (get && strcmp(path, "/cluster/v1/owns") == 0) {
        aura__nodes_owns(s, req);
    } else if (get && strcmp(path, "/cluster/v1/routes") == 0) {
        aura__routes_near(s, req);
    } else if (get &&
               (strcmp(path, "/rtc/validate") == 0 || strcmp(path, "/rtc/v1/validate") == 0)) {
        aura__rtc_validate(s, req);
    } else if (strncmp(path, "/twirp/", 7) == 0) {
        aura__twirp(s, req);
    } else {
        aura__respond_text(req, 404, "this port is for other nodes (cluster.port)");
    }
}

static void on_request(void *arg, struct aura_http_req *req) {
    struct aura_server *s = arg;
    const char *path = aura_http_path(req), *method = aura_http_method(req);
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (aura_http_is_near(req)) {
        from_node(s, req, path, get);
        return;
    }
    if (!admit(s, req)) {
        return;
    }
    if (aura_http_is_aside(req)) {
        aside(s, req, get && strcmp(path, "/metrics") == 0);
        return;
    }
    if (get && health(s, req, path)) {
        return;
    }
    if (get && (strcmp(path, "/rtc/validate") == 0 || strcmp(path, "/rtc/v1/validate") == 0)) {
        aura__rtc_validate(s, req);
    } else if (get && strcmp(path, "/metrics") == 0 && !s->conf.http.aside_port) {
        aura__metrics(s, req);
    } else if (get && strncmp(path, "/debug/rooms/", 13) == 0) {
        aura__debug_room(s, req, path + 13);
    } else if (get && strcmp(path, "/debug/nodes") == 0) {
        aura__nodes_debug(s, req);
    } else if (get && strcmp(path, "/debug/aic") == 0) {
        aura__debug_aic(s, req);
    } else if (get && strcmp(path, "/webhooks") == 0) {
        aura__webhooks_request(s, req, false);
    } else if (strcmp(path, "/webhooks/replay") == 0 && strcmp(method, "POST") == 0) {
        aura__webhooks_request(s, req, true);
    } else if (strncmp(path, "/twirp/", 7) == 0) {
        aura__twirp(s, req);
    } else if (aura__whip_path(path)) {
        aura__whip(s, req);
    } else if (aura__v1_path(path)) {
        aura__v1(s, req);
    } else if (aura__dash_path(path)) {
        aura__dash_request(s, req);
    } else if (aura__matrix_path(s, path)) {
        aura__matrix_request(s, req);
    } else if (aura__appservice_path(s, path)) {
        aura__appservice_request(s, req);
    } else if (aura__meet_path(path)) {
        aura__meet(s, req);
    } else if (strcmp(path, "/rtc") == 0 || strcmp(path, "/rtc/v1") == 0 ||
               strcmp(path, "/agent") == 0) {
        aura__respond_text(req, 404, ""); /* only WebSockets live there */
    } else if (!get || !aura__web(s, req)) {
        aura__respond_text(req, 404, "404 page not found");
    }
}

static void on_options(void *arg, struct aura_http_req *req) {
    if (aura__matrix_path(arg, aura_http_path(req))) {
        aura_http_respond(req, 200, "text/plain", "", 0); /* as lk-jwt-service does */
    } else if (aura__whip_path(aura_http_path(req))) {
        aura__whip_options(req);
    }
}

static bool on_upgrade(void *arg, struct aura_http_req *req) {
    const char *path = aura_http_path(req);
    bool near = aura_http_is_near(req);
    if (!near && !admit(arg, req)) {
        return false;
    }
    if (aura_http_is_aside(req)) {
        aside(arg, req, false);
        return false;
    }
    if (strcmp(path, "/rtc") == 0 || strcmp(path, "/rtc/v1") == 0) {
        return aura__rtc_upgrade(arg, req);
    }
    if (near && strcmp(path, AURA__FLEET_PATH) == 0) {
        return aura__fleet_upgrade(arg, req);
    }
    if (near) {
        aura__respond_text(req, 404, "this port is for other nodes (cluster.port)");
        return false;
    }
    if (strcmp(path, "/agent") == 0) {
        return aura__agent_upgrade(arg, req);
    }
    if (strcmp(path, "/aura/v1/events") == 0) {
        return aura__events_upgrade(arg, req);
    }
    if (strcmp(path, "/api/v1/events") == 0) {
        return aura__dash_upgrade(arg, req);
    }
    aura__respond_text(req, 404, "404 page not found");
    return false;
}

static const struct aura__ws_kind *kind_of(void *user) {
    return *(const struct aura__ws_kind **)user;
}

static void on_open(void *arg, struct aura_ws *ws, void *user) {
    (void)arg;
    kind_of(user)->open(user, ws);
}

static void on_message(void *arg, void *user, const uint8_t *data, size_t len, bool text) {
    (void)arg;
    kind_of(user)->message(user, data, len, text);
}

static void on_closed(void *arg, void *user) {
    (void)arg;
    kind_of(user)->closed(user);
}

int aura_server_new(struct aura_server **sp, const struct aura_server_conf *conf,
                    struct aura_loop *loop, struct aura_rooms *rooms, struct aura_sfu *sfu) {
    static const struct aura_http_handlers handlers = {.request = on_request,
                                                       .options = on_options,
                                                       .upgrade = on_upgrade,
                                                       .ws_open = on_open,
                                                       .ws_message = on_message,
                                                       .ws_closed = on_closed};
    struct aura_server *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->conf = *conf;
    s->loop = loop;
    s->rooms = rooms;
    s->sfu = sfu;
    s->started_us = aura_now_us(aura_loop_clock(loop));
    int err = aura__whips_new(&s->whips);
    err = err ? err : aura__twirp_measure_new(&s->twirp_metrics);
    err = err ? err : aura_gate_new(&s->gate, conf->rand);
    if (!err && conf->directory) {
        err = aura__calls_new(&s->calls, s);
    }
    err = err ? err : aura__matrix_new(&s->matrix, s, conf->matrix);
    err = err ? err : aura__appservice_new(&s->appservice, s, conf->appservice);
    err = err ? err : aura_http_new(&s->http, &conf->http, loop, &handlers, s);
    err = err ? err : aura__dash_new(&s->dash, s, conf->dash);
    err = err ? err : aura__accounts_new(&s->accounts, s);
    err = err ? err : aura__fleet_links_new(&s->fleet_links, s);
    if (err) {
        aura__dash_stop(s->dash);
        s->http = s->http ? aura_http_free(s->http) : NULL;
        s->dash = aura__dash_free(s->dash);
        s->appservice = aura__appservice_free(s->appservice);
        aura__calls_free(s->calls);
        aura__matrix_free(s->matrix);
        aura_gate_free(s->gate);
        aura_tally_free(s->twirp_metrics);
        aura__whips_free(s->whips);
        aura_free(s);
        return err;
    }
    *sp = s;
    return 0;
}

struct aura_server *aura_server_free(struct aura_server *s) {
    if (s) {
        aura__dash_stop(s->dash); /* what it hashes ends while HTTP's loop runs out */
        s->accounts = aura__accounts_free(s->accounts);
        aura__fleet_links_stop(s->fleet_links);
        aura_http_free(s->http);
        s->fleet_links = aura__fleet_links_free(s->fleet_links);
        s->dash = aura__dash_free(s->dash);
        s->appservice = aura__appservice_free(s->appservice);
        s->calls = aura__calls_free(s->calls); /* rooms may yet tell of agents */
        aura__matrix_free(s->matrix);
        aura_gate_free(s->gate);
        aura__whips_free(s->whips);
        aura_tally_free(s->twirp_metrics);
        aura_free(s);
    }
    return NULL;
}

struct aura_http *aura_server_http(struct aura_server *s) {
    return s->http;
}
