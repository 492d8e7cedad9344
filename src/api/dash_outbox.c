/* SPDX-License-Identifier: Apache-2.0 */
/* Webhooks and recordings. */
#include "api/dash_priv.h"

#include "api/recordings.h"
#include "api/webhooks.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- webhooks ---- */

/** Who waits for the outbox. */
struct asked {
    struct aura__dash *d;
    struct aura_http_later *later;
    size_t limit;
    char by[AURA_DASH_NAME_MAX + 1], from[AURA_ADDR_TEXT_MAX], detail[128];
};

static json_t *stats_of(const struct aura_webhooks *w) {
    struct aura_webhooks_stats s = {.lost = 0};
    if (w) {
        aura_webhooks_stats(w, &s);
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "events",
                     (json_int_t)s.outbox.events, "bytes", (json_int_t)s.outbox.bytes, "waiting",
                     (json_int_t)s.outbox.waiting, "dropped", (json_int_t)s.outbox.dropped,
                     "delivered", (json_int_t)s.delivered, "refused", (json_int_t)s.refused,
                     "expired", (json_int_t)s.expired, "failed_attempts", (json_int_t)s.failed,
                     "lost", (json_int_t)s.lost);
}

static json_t *listing(const struct aura__dash *d, json_t *events, json_t *next) {
    const struct aura_webhooks *w = d->s->conf.webhooks;
    return json_pack("{s:b, s:o, s:o, s:o}", "enabled", (int)(w != NULL), "stats", stats_of(w),
                     "events", events, "next", next);
}

/* As the outbox tells it, but for its milliseconds. */
static json_t *event_of(const json_t *e) {
    json_t *o = json_copy((json_t *)(uintptr_t)e);
    json_int_t ms = json_integer_value(json_object_get(o, "created_ms"));
    json_object_del(o, "created_ms");
    json_object_set_new(o, "created_us", json_integer(ms * (json_int_t)AURA_US_PER_MS));
    return o;
}

static void on_list(void *arg, int err, const json_t *answer) {
    struct asked *a = arg;
    const json_t *all = json_object_get(answer, "events");
    json_t *events = json_array(), *next = json_null();
    size_t n = json_array_size(all);
    for (size_t i = 0; i < n && i < a->limit; i++) {
        json_array_append_new(events, event_of(json_array_get(all, i)));
    }
    if (n > a->limit) {
        next = json_copy(json_object_get(json_array_get(all, a->limit - 1), "seq"));
    }
    if (err) {
        json_decref(events);
        json_decref(next);
        aura__dash_later_refuse(a->later, 503, "unavailable",
                                "the outbox does not answer: the server's log says why");
    } else {
        aura__dash_later(a->later, 200, listing(a->d, events, next));
    }
    aura_free(a);
}

static void on_replayed(void *arg, int err, const json_t *answer) {
    struct asked *a = arg;
    if (err) {
        aura__dash_later_refuse(a->later, 503, "unavailable",
                                "the outbox does not answer: the server's log says why");
    } else {
        aura__dash_audit_of(a->d, a->by, a->from, "webhook.replay", "", a->detail);
        aura__dash_later(a->later, 200, json_copy((json_t *)(uintptr_t)answer));
    }
    aura_free(a);
}

static void ask(struct dash_request *r, const struct aura_outbox_query *q, size_t limit,
                const char *detail, bool replay) {
    struct asked *a = aura_zalloc(sizeof(*a));
    int err = a ? 0 : AURA_ENOMEM;
    if (!err) {
        a->d = r->d;
        a->limit = limit;
        (void)snprintf(a->by, sizeof(a->by), "%s", r->who.name);
        (void)snprintf(a->from, sizeof(a->from), "%s", r->from);
        (void)snprintf(a->detail, sizeof(a->detail), "%s", detail);
        a->later = aura_http_later(r->req);
        err = a->later ? aura_webhooks_ask(r->s->conf.webhooks, q, replay,
                                           replay ? on_replayed : on_list, a)
                       : AURA_ENOMEM;
    }
    if (err && a && a->later) {
        aura__dash_later_refuse(a->later, 503, "unavailable",
                                "the server is busy: try again later");
    } else if (err) {
        aura__dash_refuse_err(r, err, "");
    }
    if (err) {
        aura_free(a);
    }
}

static void list_webhooks(struct dash_request *r) {
    uint64_t limit = DASH_PAGE, before = 0, waiting = 0;
    if (!aura__dash_number(r, "limit", 1, DASH_PAGE_MAX, &limit) ||
        !aura__dash_number(r, "before", 1, INT64_MAX, &before) ||
        !aura__dash_number(r, "waiting", 0, 1, &waiting)) {
        return;
    }
    if (!r->s->conf.webhooks) {
        aura__dash_respond(r, 200, listing(r->d, json_array(), json_null()));
        return;
    }
    const struct aura_outbox_query q = {.to = before ? before - 1 : UINT64_MAX,
                                        .room = aura_http_query(r->req, "room"),
                                        .limit = (size_t)limit + 1,
                                        .open_only = waiting != 0,
                                        .newest = true};
    ask(r, &q, (size_t)limit, "", false);
}

static void replay(struct dash_request *r) {
    struct aura_rest_field f[] = {{"from", JSON_INTEGER, true, 0, NULL},
                                  {"to", JSON_INTEGER, false, 0, NULL},
                                  {"room", JSON_STRING, false, DASH_TEXT_MAX, NULL}};
    char detail[128];
    if (!aura__dash_fields(r, f, 3)) {
        return;
    }
    json_int_t from = json_integer_value(f[0].value), to = json_integer_value(f[1].value);
    if (from < 1 || (f[1].value && to < from)) {
        aura__dash_refuse(r, 400, "bad_request", "\"from\" is at least 1, \"to\" not before it");
        return;
    }
    if (!r->s->conf.webhooks) {
        aura__dash_refuse(r, 409, "disabled", "no webhook.urls are configured");
        return;
    }
    const struct aura_outbox_query q = {.from = (uint64_t)from,
                                        .to = f[1].value ? (uint64_t)to : UINT64_MAX,
                                        .room = aura_rest_text(&f[2], NULL)};
    (void)snprintf(detail, sizeof(detail), "%lld to %lld%s%.60s", (long long)from,
                   f[1].value ? (long long)to : -1LL, f[2].value ? " of " : "",
                   aura_rest_text(&f[2], ""));
    ask(r, &q, 0, detail, true);
}

/* ---- recordings ---- */

static json_t *files_of(const struct aura_recording *e) {
    json_t *list = json_array();
    for (size_t i = 0; i < e->file_count; i++) {
        int64_t bytes = e->files[i].bytes, us = e->files[i].duration_us;
        json_array_append_new(list,
                              json_pack("{s:o, s:I, s:I}", "name",
                                        aura_rest_string(e->files[i].name, AURA_RECORDING_PATH_MAX),
                                        "bytes", (json_int_t)(bytes > 0 ? bytes : 0), "duration_us",
                                        (json_int_t)(us > 0 ? us : 0)));
    }
    return list;
}

static json_t *recording(const struct aura_recording *e) {
    static const char *const kinds[] = {"room", "participant", "tracks", "track"};
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:I, s:o}", "id", e->id,
                     "kind", kinds[e->kind], "room", aura_rest_string(e->room, DASH_TEXT_MAX),
                     "room_sid", e->room_id, "identity", aura__dash_maybe(e->identity), "track",
                     aura__dash_maybe(e->track), "state", aura_recording_state_name(e->state),
                     "error", aura__dash_maybe(e->error), "started_us",
                     aura__dash_time((uint64_t)(e->started_us > 0 ? e->started_us : 0)), "ended_us",
                     aura__dash_time((uint64_t)(e->ended_us > 0 ? e->ended_us : 0)), "bytes",
                     (json_int_t)e->bytes, "files", files_of(e));
}

static void list_recordings(struct dash_request *r) {
    const struct aura_recordings *all = r->s->conf.recordings;
    struct aura_rooms_page page;
    if (!aura__dash_page(r, &page)) {
        return;
    }
    bool behind = !page.after;
    const char *last = NULL;
    json_t *list = json_array();
    for (const struct aura_recording *e = all ? aura_recordings_first(all) : NULL; e && !page.more;
         e = e->next) {
        if (!behind) {
            behind = strcmp(e->id, page.after) == 0;
        } else if (json_array_size(list) == page.limit) {
            page.more = true;
        } else {
            json_array_append_new(list, recording(e));
            last = e->id;
        }
    }
    if (!behind) {
        json_decref(list);
        aura__dash_refuse(r, 404, "not_found", "?after= is gone: begin the list anew");
        return;
    }
    aura__dash_respond(r, 200,
                       json_pack("{s:b, s:o, s:o}", "enabled", (int)(all != NULL), "recordings",
                                 list, "next", aura__dash_next(page.more ? last : NULL)));
}

static void stop_recording(struct dash_request *r) {
    const struct aura_recording *e = NULL;
    struct aura_recordings *all = r->s->conf.recordings;
    int err = all ? aura_recordings_stop(all, r->param[0], &e) : AURA_ENOENT;
    if (err == AURA_ESTATE) {
        aura__dash_refuse(r, 409, "conflict", "the recording has ended");
    } else if (err) {
        aura__dash_refuse_err(r, err, "there is no such recording: GET /api/v1/recordings");
    } else {
        aura__dash_audit(r, "recording.stop", e->room, e->id);
        aura__dash_respond(r, 200, recording(e));
    }
}

static const struct dash_route routes[] = {
    {"GET", "/api/v1/webhooks", DASH_VIEW, list_webhooks},
    {"POST", "/api/v1/webhooks/replay", DASH_CHANGE, replay},
    {"GET", "/api/v1/recordings", DASH_VIEW, list_recordings},
    {"POST", "/api/v1/recordings/{recording}/stop", DASH_CHANGE, stop_recording},
    {"GET", "/api/v1/events", DASH_VIEW, aura__dash_no_socket},
};
DASH_ROUTES(aura__dash_outbox_routes, routes);
