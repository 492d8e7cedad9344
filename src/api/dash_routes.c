/* SPDX-License-Identifier: Apache-2.0 */
/* Which node has which room: of this one, and of another, which is asked for a page of its own. */
#include "api/dash_priv.h"

#include "api/nodes.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_TIMEOUT_MS = 5000, TARGET_BYTES = 160, SID_MAX = 63 };

static const char gone[] = "?after= is gone: begin the list anew";

struct listing {
    const char *node;
    json_t *list;
    char last[SID_MAX + 1];
};

static void add_route(void *arg, const struct aura_rooms_room_view *v) {
    struct listing *l = arg;
    (void)snprintf(l->last, sizeof(l->last), "%s", v->sid);
    json_array_append_new(l->list, json_pack("{s:o, s:s, s:s, s:I, s:s}", "room",
                                             aura_rest_string(v->name, DASH_TEXT_MAX), "sid",
                                             v->sid, "node", l->node, "since_us",
                                             (json_int_t)v->created_us, "kind", "home"));
}

/* @param out  an object, NULL without memory. @return 0 or AURA_ENOENT: page->after is gone */
static int own(const struct aura_server *s, struct aura_rooms_page *page, json_t **out) {
    struct listing l = {.node = aura_rooms_node_id(s->rooms), .list = json_array()};
    int err = aura_rooms_show_rooms(s->rooms, page, add_route, &l);
    if (err) {
        json_decref(l.list);
        return err;
    }
    *out = json_pack("{s:o, s:o}", "routes", l.list, "next",
                     aura__dash_next(page->more ? l.last : NULL));
    return 0;
}

/* ---- another node ---- */

/* A page as own() makes it: what else it may say is not for the page that asks. */
static json_t *read_page(const struct aura_answer *a) {
    json_t *root = json_loadb((const char *)a->body, a->len, JSON_REJECT_DUPLICATES, NULL);
    json_t *routes = NULL, *next = NULL;
    if (json_unpack(root, "{s:o, s:o}", "routes", &routes, "next", &next) ||
        !json_is_array(routes) || json_array_size(routes) > DASH_PAGE_MAX) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static void on_answer(void *arg, const struct aura_answer *a) {
    struct aura_http_later *later = arg;
    json_t *page = a->status == 200 ? read_page(a) : NULL;
    if (page) {
        aura__dash_later(later, 200, page);
    } else if (a->status == 404) {
        aura__dash_later_refuse(later, 404, "not_found", gone);
    } else {
        aura__dash_later_refuse(later, 503, "unavailable",
                                "that node does not answer: GET /api/v1/nodes says whether it is "
                                "still there");
    }
}

static bool is_sid(const char *text) {
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
    return n > 0 && n <= SID_MAX && !text[n];
}

static const struct aura_cluster_node *node_of(const struct aura_server *s, const char *id) {
    size_t count = 0;
    const struct aura_cluster_node *all =
        s->conf.nodes ? aura_cluster_nodes(aura_nodes_cluster(s->conf.nodes), &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].id, id) == 0) {
            return &all[i];
        }
    }
    return NULL;
}

static void ask(struct dash_request *r, const struct aura_cluster_node *node,
                const struct aura_rooms_page *page) {
    char target[TARGET_BYTES];
    (void)snprintf(target, sizeof(target), "/cluster/v1/routes?limit=%zu%s%s", page->limit,
                   page->after ? "&after=" : "", page->after ? page->after : "");
    const struct aura_ask_conf conf = {.address = node->address,
                                       .target = target,
                                       .bearer = "",
                                       .forwarded = "",
                                       .timeout_ms = ASK_TIMEOUT_MS};
    struct aura_http_later *later = aura_http_later(r->req);
    if (!later) {
        aura__dash_refuse_err(r, AURA_ENOMEM, "");
    } else if (aura_ask(aura_nodes_asker(r->s->conf.nodes), &conf, on_answer, later)) {
        aura__dash_later_refuse(later, 503, "unavailable", "the server is busy: try again later");
    }
}

/* ---- who asks ---- */

static void list_routes(struct dash_request *r) {
    struct aura_rooms_page page;
    const char *id = aura_http_query(r->req, "node");
    bool here = !id || strcmp(id, aura_rooms_node_id(r->s->rooms)) == 0;
    const struct aura_cluster_node *node = here ? NULL : node_of(r->s, id);
    json_t *routes = NULL;
    if (!aura__dash_page(r, &page)) {
        return;
    }
    if (!here && !node) {
        aura__dash_refuse(r, 404, "not_found",
                          "there is no such node, or no longer: GET /api/v1/nodes lists them");
    } else if (page.after && !is_sid(page.after)) {
        aura__dash_refuse(r, 404, "not_found", gone);
    } else if (node) {
        ask(r, node, &page);
    } else {
        int err = own(r->s, &page, &routes);
        if (err) {
            aura__dash_refuse_err(r, err, gone);
        } else {
            aura__dash_respond(r, 200, routes);
        }
    }
}

void aura__routes_near(struct aura_server *s, struct aura_http_req *req) {
    const char *limit = aura_http_query(req, "limit");
    unsigned long n = limit ? strtoul(limit, NULL, 10) : 0;
    struct aura_rooms_page page = {.after = aura_http_query(req, "after"),
                                   .limit = n && n <= DASH_PAGE_MAX ? n : DASH_PAGE_MAX};
    json_t *routes = NULL;
    if (own(s, &page, &routes)) {
        aura__respond_text(req, 404, gone);
        return;
    }
    char *text = routes ? json_dumps(routes, JSON_COMPACT) : NULL;
    json_decref(routes);
    if (text) {
        aura_http_respond(req, 200, "application/json", text, strlen(text));
    } else {
        aura__respond_text(req, 503, "out of memory");
    }
    free(text); /* library's memory */
}

static const struct dash_route routes[] = {
    {"GET", "/api/v1/routes", DASH_VIEW, list_routes},
};
DASH_ROUTES(aura__dash_map_routes, routes);
