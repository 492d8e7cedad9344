/* SPDX-License-Identifier: Apache-2.0 */
/* What HTTP has to do with the cluster: requests passed on to a room's owner, what nodes ask each
 * other, and GET /debug/nodes. */
#include "api/nodes.h"
#include "api/server_priv.h"
#include "base/mem.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

enum { PASS_TIMEOUT_MS = 30000, TARGET_BYTES_MAX = 192 * 1024 };

bool aura__nodes_here(const struct aura_server *s, const char *room) {
    return !s->conf.nodes || (!aura_rooms_draining(s->rooms) &&
                              aura_cluster_owns(aura_nodes_cluster(s->conf.nodes), room));
}

const char *aura__nodes_bearer(const struct aura_http_req *req) {
    static const char bearer[] = "Bearer ";
    const char *header = aura_http_header(req, "authorization");
    const char *token = aura_http_query(req, "access_token");
    if (header) {
        return strncmp(header, bearer, sizeof(bearer) - 1) == 0 ? header + sizeof(bearer) - 1 : "";
    }
    return token ? token : "";
}

/* ---- passing a request on ---- */

struct pass {
    struct aura_server *server;
    struct aura__nodes_wish wish;
    struct aura_cluster_find find;
    char *room, *bearer;
    char forwarded[AURA_ADDR_TEXT_MAX];
    struct aura_buf target;
    uint8_t *body;
    size_t len;
};

static void pass_free(struct pass *p) {
    aura_cluster_find_stop(&p->find);
    if (p->bearer) {
        aura_wipe(p->bearer, strlen(p->bearer));
    }
    aura_free(p->room);
    aura_free(p->bearer);
    aura_buf_free(&p->target);
    aura_free(p->body);
    aura_free(p);
}

static void answered(struct pass *p, const struct aura_answer *a) {
    p->wish.answered(p->wish.arg, a);
    pass_free(p);
}

static void failed(struct pass *p, const char *why) {
    const struct aura_answer a = {.status = 503, .why = why};
    answered(p, &a);
}

static void on_answer(void *arg, const struct aura_answer *a) {
    struct pass *p = arg;
    if (a->refused && aura_cluster_find_again(&p->find)) {
        return; /* the owner may have died just now */
    }
    answered(p, a);
}

static void pass_to(struct pass *p, const char *address) {
    const struct aura_ask_conf conf = {.address = address,
                                       .target = aura_buf_text(&p->target),
                                       .bearer = p->bearer,
                                       .forwarded = p->forwarded,
                                       .type = p->wish.type,
                                       .body = p->body,
                                       .len = p->len,
                                       .timeout_ms = PASS_TIMEOUT_MS};
    if (aura_ask(aura_nodes_asker(p->server->conf.nodes), &conf, on_answer, p)) {
        failed(p, "out of memory");
    }
}

static void on_found(void *arg, const struct aura_cluster_answer *a) {
    struct pass *p = arg;
    switch (a->where) {
    case AURA_CLUSTER_THERE:
        if (p->find.relayed) {
            failed(p, "the room has moved to another node: try again");
        } else {
            pass_to(p, a->address);
        }
        break;
    case AURA_CLUSTER_UNKNOWN:
        failed(p, a->why);
        break;
    case AURA_CLUSTER_HERE:
    case AURA_CLUSTER_NOWHERE:
        p->wish.here(p->wish.arg);
        pass_free(p);
        break;
    }
}

int aura__nodes_pass(struct aura_server *s, const struct aura_http_req *req,
                     const struct aura__nodes_wish *wish) {
    struct aura_addr from = aura_http_remote(req);
    const uint8_t *body;
    size_t len;
    struct pass *p = aura_zalloc(sizeof(*p));
    if (!p) {
        return AURA_ENOMEM;
    }
    body = aura_http_body(req, &len);
    p->server = s;
    p->wish = *wish;
    p->target = AURA_BUF(TARGET_BYTES_MAX);
    p->room = aura_strdup(wish->room);
    p->bearer = aura_strdup(aura__nodes_bearer(req));
    p->body = aura_zalloc(len + 1);
    p->len = len;
    aura_addr_ip_text(&from, p->forwarded);
    if (!p->room || !p->bearer || !p->body || aura_http_target(req, "access_token", &p->target)) {
        pass_free(p);
        return AURA_ENOMEM;
    }
    if (len) {
        memcpy(p->body, body, len);
    }
    const struct aura_cluster_wish find = {
        .room = p->room, .region = "", .create = wish->create, .relayed = aura_http_is_near(req)};
    aura_cluster_find(aura_nodes_cluster(s->conf.nodes), &p->find, &find, on_found, p);
    return 0;
}

/* ---- what nodes ask each other ---- */

void aura__nodes_owns(struct aura_server *s, struct aura_http_req *req) {
    const char *room = aura_http_query(req, "room");
    bool owns = room && s->conf.nodes && aura_cluster_owns(aura_nodes_cluster(s->conf.nodes), room);
    aura__respond_text(req, owns || !room ? 200 : 404, owns ? "yes" : "no");
}

/* ---- for people who look ---- */

static void add_room(void *arg, const struct aura_cluster_room_view *v) {
    json_array_append_new(arg, json_pack("{s:s, s:I, s:s}", "room", v->room, "epoch",
                                         (json_int_t)v->epoch, "why", v->why));
}

static json_t *nodes_of(const struct aura_server *s) {
    const struct aura_cluster *c = aura_nodes_cluster(s->conf.nodes);
    size_t count;
    const struct aura_cluster_node *n = aura_cluster_nodes(c, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:I, s:f, s:I, s:I, s:b, s:f}", "id", n[i].id,
                            "region", n[i].region, "address", n[i].address, "packets_s",
                            (json_int_t)n[i].packets_s, "cpu", n[i].cpu_permille / 1000.0, "rooms",
                            (json_int_t)n[i].rooms, "participants", (json_int_t)n[i].participants,
                            "drain", (int)n[i].drain, "rtt_ms", n[i].rtt_us / 1000.0));
    }
    return list;
}

/* What the media links do; null = there are none. */
static json_t *fleet_of(const struct aura_server *s) {
    struct aura_fleet_stats f;
    if (!s->conf.fleet) {
        return json_null();
    }
    aura_fleet_stats(s->conf.fleet, &f);
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "links", (json_int_t)f.links, "ready",
        (json_int_t)f.ready, "far_peers", (json_int_t)f.far_peers, "guests", (json_int_t)f.guests,
        "relays", (json_int_t)f.relays, "relays_wanted", (json_int_t)f.relays_wanted, "relays_made",
        (json_int_t)f.relays_made, "links_lost", (json_int_t)f.links_lost, "refused",
        (json_int_t)f.refused, "lossy_dropped", (json_int_t)f.lossy_dropped);
}

static json_t *describe(const struct aura_server *s) {
    const struct aura_cluster *c = aura_nodes_cluster(s->conf.nodes);
    struct aura_cluster_stats st;
    json_t *rooms = json_array();
    aura_cluster_stats(c, &st);
    aura_cluster_each_room(c, add_room, rooms);
    uint64_t now = aura_now_us(aura_loop_clock(s->loop));
    return json_pack("{s:s, s:b, s:b, s:s, s:f, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "node",
                     aura_rooms_node_id(s->rooms), "connected", (int)st.connected, "settling",
                     (int)st.settling, "redis", aura_redis_server(aura_nodes_redis(s->conf.nodes)),
                     "heartbeat_age_s", st.beat_us ? (double)(now - st.beat_us) / 1e6 : -1.0,
                     "nodes", nodes_of(s), "rooms", rooms, "placed", (json_int_t)st.placed,
                     "taken_over", (json_int_t)st.taken_over, "lost", (json_int_t)st.lost, "relays",
                     (json_int_t)s->relays, "relays_broken", (json_int_t)s->relays_broken, "media",
                     fleet_of(s));
}

void aura__nodes_debug(struct aura_server *s, struct aura_http_req *req) {
    struct aura_claims claims;
    const char *why = "";
    aura_claims_init(&claims);
    int err = aura__authorize(s, req, &claims, &why);
    bool may = !err && claims.video.room_list;
    aura_claims_clear(&claims);
    if (!may) {
        aura__respond_text(req, err ? 401 : 403, err ? why : "the token needs roomList");
        return;
    }
    if (!s->conf.nodes) {
        aura__respond_text(req, 404, "this server is alone: see redis in docs/config.md");
        return;
    }
    json_t *root = describe(s);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    if (text) {
        aura_http_respond(req, 200, "application/json", text, strlen(text));
    } else {
        aura__respond_text(req, 503, "out of memory");
    }
    free(text); /* library's memory */
    json_decref(root);
}
