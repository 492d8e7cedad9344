/* SPDX-License-Identifier: Apache-2.0 */
/* A client's WebSocket whose room may be on another node: looks for the owner, and passes messages
 * on both ways if it is not this one. */
#include "api/nodes.h"
#include "api/server_priv.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { EARLY_BYTES_MAX = 256 * 1024, GOING_AWAY = 1012, TRY_AGAIN = 1013 };

struct early {
    struct early *next;
    size_t len;
    bool text;
    uint8_t bytes[];
};

struct aura__relay {
    struct aura_server *server;
    struct aura__relay_join join;
    struct aura__relay_handlers handlers;
    void *arg;
    struct aura_timer start_timer;
    struct aura_cluster_find find;
    struct aura_link *link; /* NULL: none */
    bool open, ended;
    struct early *early, **early_end; /* until the link is there */
    size_t early_bytes;
    char node[AURA_NODE_ADDRESS_MAX];
};

static void end(struct aura__relay *r, int code, const char *reason) {
    if (!r->ended) {
        r->ended = true;
        r->handlers.closed(r->arg, code, reason); /* may free it */
    }
}

/* ---- the link ---- */

static void on_opened(void *arg) {
    struct aura__relay *r = arg;
    r->open = true;
    r->server->relayed++;
    AURA_LOG_LIMITED("cluster", AURA_LOG_INFO, "relayed", AURA_S("room", r->join.room),
                     AURA_S("to", r->node));
}

static void on_message(void *arg, const uint8_t *data, size_t len, bool text) {
    struct aura__relay *r = arg;
    r->handlers.message(r->arg, data, len, text);
}

static void on_drained(void *arg) {
    struct aura__relay *r = arg;
    r->handlers.drained(r->arg);
}

static void on_closed(void *arg, bool opened, int code, const char *reason) {
    struct aura__relay *r = arg;
    r->link = NULL;
    if (!opened && aura_cluster_find_again(&r->find)) {
        return; /* the owner may have died just now */
    }
    r->server->relays_broken += code == 0;
    if (!opened) {
        end(r, TRY_AGAIN, "the room's node does not answer: try again");
    } else if (code) {
        end(r, code, reason);
    } else {
        end(r, GOING_AWAY, "the link to the room's node broke");
    }
}

static int send_early(struct aura__relay *r) {
    int err = 0;
    for (const struct early *e = r->early; e && !err; e = e->next) {
        err = aura_link_send(r->link, e->bytes, e->len, e->text);
    }
    return err;
}

static void open_link(struct aura__relay *r, const char *address) {
    static const struct aura_link_handlers handlers = {on_opened, on_message, on_closed,
                                                       on_drained};
    const struct aura_link_conf conf = {.address = address,
                                        .target = r->join.target,
                                        .bearer = r->join.bearer,
                                        .forwarded = r->join.forwarded,
                                        .user_agent = r->join.user_agent,
                                        .node = aura_rooms_node_id(r->server->rooms)};
    snprintf(r->node, sizeof(r->node), "%s", address);
    int err = aura_link_open(&r->link, r->server->http, &conf, &handlers, r);
    if (err) {
        r->link = NULL;
        if (!aura_cluster_find_again(&r->find)) {
            end(r, TRY_AGAIN, "the room's node cannot be reached: try again");
        }
    } else if (send_early(r)) {
        aura_link_close(r->link);
        r->link = NULL;
        end(r, TRY_AGAIN, "out of memory");
    }
}

/* ---- the search ---- */

static void on_found(void *arg, const struct aura_cluster_answer *a) {
    struct aura__relay *r = arg;
    switch (a->where) {
    case AURA_CLUSTER_THERE:
        if (r->join.near) { /* no second hop: the first node looks again */
            end(r, GOING_AWAY, "the room has moved to another node");
        } else {
            open_link(r, a->address);
        }
        break;
    case AURA_CLUSTER_UNKNOWN:
        end(r, TRY_AGAIN, a->why);
        break;
    case AURA_CLUSTER_HERE:
    case AURA_CLUSTER_NOWHERE: /* the room's own rules say what then */
        r->ended = true;
        r->handlers.here(r->arg); /* may free it */
        break;
    }
}

static void on_start(void *arg) {
    struct aura__relay *r = arg;
    const struct aura_cluster_wish wish = {.room = r->join.room,
                                           .region = r->join.region,
                                           .create = r->join.create,
                                           .relayed = r->join.near};
    aura_cluster_find(aura_nodes_cluster(r->server->conf.nodes), &r->find, &wish, on_found, r);
}

void aura__relay_join_clear(struct aura__relay_join *j) {
    if (j->bearer) {
        aura_wipe(j->bearer, strlen(j->bearer));
    }
    aura_free(j->target);
    aura_free(j->bearer);
    aura_free(j->forwarded);
    aura_free(j->user_agent);
}

int aura__relay_new(struct aura__relay **out, struct aura_server *s,
                    const struct aura__relay_join *join,
                    const struct aura__relay_handlers *handlers, void *arg) {
    struct aura__relay *r = aura_zalloc(sizeof(*r));
    struct aura__relay_join taken = *join;
    bool whole = r && taken.target && taken.bearer && taken.forwarded && taken.user_agent;
    if (!whole || aura_timer_start(aura_loop_timers(s->loop), &r->start_timer, 0, on_start, r)) {
        aura__relay_join_clear(&taken);
        aura_free(r);
        return AURA_ENOMEM;
    }
    r->server = s;
    r->join = taken;
    r->handlers = *handlers;
    r->arg = arg;
    r->early_end = &r->early;
    s->relays++;
    *out = r;
    return 0;
}

int aura__relay_send(struct aura__relay *r, const uint8_t *data, size_t len, bool text) {
    if (r->link) {
        return aura_link_send(r->link, data, len, text);
    }
    if (r->early_bytes + len > EARLY_BYTES_MAX) {
        return AURA_ELIMIT;
    }
    struct early *e = aura_zalloc(sizeof(*e) + len);
    if (!e) {
        return AURA_ENOMEM;
    }
    e->len = len;
    e->text = text;
    memcpy(e->bytes, data, len);
    *r->early_end = e;
    r->early_end = &e->next;
    r->early_bytes += len;
    return 0;
}

size_t aura__relay_queued(const struct aura__relay *r) {
    return r->link ? aura_link_queued(r->link) : 0;
}

void aura__relay_pause(struct aura__relay *r, bool pause) {
    if (r->link) {
        aura_link_pause(r->link, pause);
    }
}

void aura__relay_each_early(const struct aura__relay *r,
                            void (*fn)(void *arg, const uint8_t *data, size_t len, bool text),
                            void *arg) {
    for (const struct early *e = r->early; e; e = e->next) {
        fn(arg, e->bytes, e->len, e->text);
    }
}

struct aura__relay *aura__relay_free(struct aura__relay *r) {
    if (r) {
        r->server->relays--;
        aura_timer_stop(aura_loop_timers(r->server->loop), &r->start_timer);
        aura_cluster_find_stop(&r->find);
        if (r->link) {
            aura_link_close(r->link);
        }
        for (struct early *e = r->early, *next; e; e = next) {
            next = e->next;
            aura_free(e);
        }
        aura__relay_join_clear(&r->join);
        aura_free(r);
    }
    return NULL;
}
