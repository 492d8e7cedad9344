/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: written by all that changes something, read by pages. */
#include "api/dash_priv.h"

#include "base/log.h"

#include <string.h>

static json_t *entry(const struct aura_dash_entry *e) {
    return json_pack("{s:I, s:I, s:o, s:s, s:o, s:s, s:o}", "id", (json_int_t)e->id, "at_us",
                     (json_int_t)e->at_us, "operator", aura_rest_string(e->by, DASH_TEXT_MAX),
                     "action", e->action, "target", aura_rest_string(e->target, DASH_TEXT_MAX),
                     "from", e->from, "detail", aura_rest_string(e->detail, DASH_TEXT_MAX));
}

void aura__dash_audit_of(struct aura__dash *d, const char *by, const char *from, const char *action,
                         const char *target, const char *detail) {
    struct aura_dash_entry e = {
        .by = by, .action = action, .target = target, .from = from, .detail = detail};
    int err = aura_dash_audit_add(d->store, &e);
    /* In the log of the server too: that of the database may be lost with it. */
    AURA_LOG("audit", err ? AURA_LOG_ERROR : AURA_LOG_INFO, action, AURA_S("operator", by),
             AURA_S("target", target), AURA_S("from", from),
             AURA_S("why_not_stored", err ? aura_err_text(err) : NULL));
    if (!err) {
        aura__dash_tell(d, json_pack("{s:s, s:o}", "type", "audit", "entry", entry(&e)));
    }
}

void aura__dash_audit(struct dash_request *r, const char *action, const char *target,
                      const char *detail) {
    aura__dash_audit_of(r->d, r->who.name, r->from, action, target, detail);
}

struct page {
    json_t *list;
    size_t limit, count;
    uint64_t last;
    bool more;
};

static void add(void *arg, const struct aura_dash_entry *e) {
    struct page *p = arg;
    if (p->count == p->limit) {
        p->more = true;
        return;
    }
    json_array_append_new(p->list, entry(e));
    p->count++;
    p->last = e->id;
}

static void list(struct dash_request *r) {
    uint64_t limit = DASH_PAGE, before = 0;
    if (!aura__dash_number(r, "limit", 1, DASH_PAGE_MAX, &limit) ||
        !aura__dash_number(r, "before", 1, INT64_MAX, &before)) {
        return;
    }
    struct page p = {.list = json_array(), .limit = (size_t)limit};
    int err = aura_dash_audit(r->d->store, before, aura_http_query(r->req, "operator"),
                              aura_http_query(r->req, "action"), p.limit + 1, add, &p);
    if (err) {
        json_decref(p.list);
        aura__dash_refuse_err(r, err, "");
        return;
    }
    aura__dash_respond(r, 200,
                       json_pack("{s:o, s:o}", "entries", p.list, "next",
                                 p.more ? json_integer((json_int_t)p.last) : json_null()));
}

static const struct dash_route routes[] = {{"GET", "/api/v1/audit", DASH_VIEW, list}};
DASH_ROUTES(aura__dash_audit_routes, routes);
