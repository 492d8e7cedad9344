/* SPDX-License-Identifier: Apache-2.0 */
/* Control links between nodes whose media is one: a WebSocket for each pair, on the port for other
 * nodes. The node with the lower id opens it, as soon as Redis tells of the other. */
#include "api/nodes.h"
#include "api/server_priv.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { LOOK_MS = 500 };

struct aura__fleet_links {
    struct aura_server *server;
    struct aura_list all; /* struct end */
    struct aura_timer timer;
};

/** Our end of one. */
struct end {
    const struct aura__ws_kind *kind; /* of one that was opened to us */
    struct aura_node node;
    struct aura_server *server;
    char id[AURA_NODE_ID_MAX]; /* of the other */
    struct aura_link *link;    /* we opened it; or NULL */
    struct aura_ws *ws;        /* it was opened to us; or NULL */
    struct aura_fleet_link *up;
};

static void end_free(struct end *e) {
    aura_node_remove(&e->node);
    aura_free(e);
}

/* ---- as the fleet's pipe ---- */

static int pipe_send(void *arg, const uint8_t *data, size_t len) {
    struct end *e = arg;
    return e->link ? aura_link_send(e->link, data, len, false)
                   : aura_ws_send(e->ws, data, len, false);
}

static size_t pipe_queued(void *arg) {
    const struct end *e = arg;
    return e->link ? aura_link_queued(e->link) : aura_ws_queued(e->ws);
}

static void pipe_close(void *arg) {
    struct end *e = arg;
    e->up = NULL;
    if (e->link) {
        aura_link_close(e->link);
        end_free(e);
    } else {
        aura_ws_close(e->ws, 1011, "given up"); /* and it is freed when that is done */
    }
}

static int go_up(struct end *e) {
    const struct aura_fleet_pipe pipe = {pipe_send, pipe_queued, pipe_close, e};
    int err = aura_fleet_link_up(&e->up, e->server->conf.fleet, e->id, &pipe);
    if (err) {
        e->up = NULL;
        AURA_LOG_LIMITED("fleet", AURA_LOG_WARN, "no_link", AURA_S("node", e->id),
                         AURA_S("why", aura_err_text(err)));
    }
    return err;
}

static void go_down(struct end *e) {
    struct aura_fleet_link *up = e->up;
    e->up = NULL;
    if (up) {
        aura_fleet_link_down(up);
    }
}

static struct end *end_new(struct aura_server *s, const char *id) {
    struct end *e = aura_zalloc(sizeof(*e));
    if (e) {
        e->server = s;
        snprintf(e->id, sizeof(e->id), "%s", id);
        aura_list_add(&s->fleet_links->all, &e->node);
    }
    return e;
}

static struct end *find(const struct aura__fleet_links *all, const char *id) {
    AURA_LIST_EACH(&all->all, struct end, e, node) {
        if (strcmp(e->id, id) == 0) {
            return e;
        }
    }
    return NULL;
}

/* ---- that we open ---- */

static void on_opened(void *arg) {
    struct end *e = arg;
    if (go_up(e)) {
        aura_link_close(e->link);
        end_free(e);
    }
}

static void on_message(void *arg, const uint8_t *data, size_t len, bool text) {
    struct end *e = arg;
    if (e->up && !text) {
        aura_fleet_recv(e->up, data, len);
    }
}

static void on_closed(void *arg, bool opened, int code, const char *reason) {
    struct end *e = arg;
    AURA_LOG_LIMITED("fleet", AURA_LOG_INFO, "link_closed", AURA_S("node", e->id),
                     AURA_I("opened", opened), AURA_I("code", code), AURA_S("why", reason));
    e->link = NULL;
    go_down(e);
    end_free(e);
}

static void on_drained(void *arg) {
    (void)arg;
}

static void open_to(struct aura_server *s, const struct aura_cluster_node *n) {
    static const struct aura_link_handlers handlers = {on_opened, on_message, on_closed,
                                                       on_drained};
    const struct aura_link_conf conf = {.address = n->address,
                                        .target = AURA__FLEET_PATH,
                                        .bearer = "",
                                        .forwarded = "",
                                        .user_agent = "",
                                        .node = aura_rooms_node_id(s->rooms)};
    struct end *e = end_new(s, n->id);
    if (e && aura_link_open(&e->link, s->http, &conf, &handlers, e)) {
        end_free(e); /* it is tried again with the next look */
    }
}

static void look(void *arg) {
    struct aura_server *s = arg;
    const char *own = aura_rooms_node_id(s->rooms);
    size_t count;
    const struct aura_cluster_node *nodes =
        aura_cluster_nodes(aura_nodes_cluster(s->conf.nodes), &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(own, nodes[i].id) < 0 && !find(s->fleet_links, nodes[i].id)) {
            open_to(s, &nodes[i]);
        }
    }
    if (aura_timer_start(aura_loop_timers(s->loop), &s->fleet_links->timer,
                         LOOK_MS * AURA_US_PER_MS, look, s)) {
        AURA_LOG("fleet", AURA_LOG_ERROR, "no_memory_for_timer", AURA_S("for", "links"));
    }
}

/* ---- that is opened to us ---- */

static void ws_open(void *user, struct aura_ws *ws) {
    struct end *e = user;
    e->ws = ws;
    if (go_up(e)) {
        aura_ws_close(ws, 1013, "try again");
    }
}

static void ws_message(void *user, const uint8_t *data, size_t len, bool text) {
    on_message(user, data, len, text);
}

static void ws_closed(void *user) {
    struct end *e = user;
    go_down(e);
    end_free(e);
}

/* The other side has given up the old one, or it would not open another. */
static void replace(struct aura_server *s, const char *id) {
    struct end *old = find(s->fleet_links, id);
    if (old) {
        go_down(old);
        aura_node_remove(&old->node);
        if (old->ws) {
            aura_ws_close(old->ws, 1000, "replaced");
        }
    }
}

bool aura__fleet_upgrade(struct aura_server *s, struct aura_http_req *req) {
    static const struct aura__ws_kind kind = {ws_open, ws_message, ws_closed};
    const char *id = aura_http_near_node(req);
    if (!s->fleet_links || !*id || strcmp(id, aura_rooms_node_id(s->rooms)) >= 0) {
        aura__respond_text(req, 404, "no media links here: see cluster.media_links");
        return false;
    }
    replace(s, id);
    struct end *e = end_new(s, id);
    if (!e) {
        aura__respond_text(req, 503, "out of memory");
        return false;
    }
    e->kind = &kind;
    aura_http_accept(req, e);
    return true;
}

/* ---- life ---- */

int aura__fleet_links_new(struct aura__fleet_links **out, struct aura_server *s) {
    if (!s->conf.fleet || !s->conf.nodes) {
        *out = NULL;
        return 0;
    }
    struct aura__fleet_links *l = aura_zalloc(sizeof(*l));
    if (!l) {
        return AURA_ENOMEM;
    }
    l->server = s;
    aura_list_init(&l->all);
    int err =
        aura_timer_start(aura_loop_timers(s->loop), &l->timer, LOOK_MS * AURA_US_PER_MS, look, s);
    if (err) {
        aura_free(l);
        return err;
    }
    *out = l;
    return 0;
}

void aura__fleet_links_stop(struct aura__fleet_links *l) {
    if (!l) {
        return;
    }
    aura_timer_stop(aura_loop_timers(l->server->loop), &l->timer);
    AURA_LIST_EACH(&l->all, struct end, e, node) {
        go_down(e);
        if (e->link) {
            aura_link_close(e->link);
            end_free(e);
        } /* else it ends with its WebSocket */
    }
}

struct aura__fleet_links *aura__fleet_links_free(struct aura__fleet_links *l) {
    aura_free(l);
    return NULL;
}
