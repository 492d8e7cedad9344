/* SPDX-License-Identifier: Apache-2.0 */
/* What AI compression saves, and how AI Core does. */
#include "api/dash_priv.h"

#include <string.h>

static json_t *states_of(const struct aura_rooms_stats *stats) {
    json_t *o = json_object();
    for (unsigned i = 0; i < AURA_AIC_STATES; i++) {
        json_object_set_new(o, aura_aic_state_name((enum aura_aic_state)i),
                            json_integer((json_int_t)stats->aic_tracks[i]));
    }
    return o;
}

static json_t *fallbacks_of(const uint64_t *by_reason) {
    json_t *o = json_object();
    for (unsigned i = AURA_AIC_FINE + 1; i < AURA_AIC_REASONS; i++) {
        if (by_reason[i]) {
            json_object_set_new(o, aura_aic_reason_name((enum aura_aic_reason)i),
                                json_integer((json_int_t)by_reason[i]));
        }
    }
    return o;
}

/* Upper bound of the histogram's step in which that share of the answers lies. */
static json_t *latency_ms(const struct aura_sfu_counters *c, double share) {
    uint64_t all = 0, sum = 0;
    for (size_t i = 0; i < AURA_SFU_AIC_BUCKETS; i++) {
        all += c->aic_latency[i];
    }
    for (size_t i = 0; all && i < AURA_SFU_AIC_BUCKETS; i++) {
        sum += c->aic_latency[i];
        bool last = aura_sfu_aic_bounds_us[i] == UINT32_MAX;
        if ((double)sum >= share * (double)all) {
            return json_real(aura_sfu_aic_bounds_us[last ? i - 1 : i] / 1000.0);
        }
    }
    return json_null();
}

static void get(struct dash_request *r) {
    const struct aura_dash_conf *conf = r->d->conf;
    struct aura_rooms_stats stats;
    struct aura_sfu_counters c;
    aura_rooms_stats(r->s->rooms, &stats);
    aura_sfu_peek(r->s->sfu, &c);
    aura__dash_respond(
        r, 200,
        json_pack("{s:b, s:s, s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:i, s:o}", "enabled",
                  (int)(conf->aic_address != NULL), "mode",
                  conf->aic_governs ? "governor" : "compress", "default_mode", conf->aic_default,
                  "saving", aura__dash_saving(c.aic_sent, c.aic_native), "tracks",
                  states_of(&stats), "frames", (json_int_t)c.aic_frames, "late_frames",
                  (json_int_t)c.aic_late, "fallbacks", fallbacks_of(c.aic_fallbacks),
                  "latency_p50_ms", latency_ms(&c, 0.5), "latency_p95_ms", latency_ms(&c, 0.95),
                  "step_s", AURA_ROOMS_STEP_S, "series", aura__dash_aic_series(r->d)));
}

/* One for now; a group of them will be a list. */
static json_t *instance(struct dash_request *r) {
    const struct aura_dash_conf *conf = r->d->conf;
    struct aura_rooms_stats stats;
    struct aura_sfu_counters c;
    size_t streams = 0;
    aura_rooms_stats(r->s->rooms, &stats);
    aura_sfu_peek(r->s->sfu, &c);
    for (unsigned i = 0; i < AURA_AIC_STATES; i++) {
        bool idle = i == AURA_AIC_OFF || i == AURA_AIC_FALLBACK;
        streams += idle ? 0 : stats.aic_tracks[i];
    }
    return json_pack("{s:s, s:b, s:I, s:I, s:o, s:I, s:I, s:o, s:o, s:o}", "address",
                     conf->aic_address, "tls", (int)conf->aic_tls, "max_streams",
                     (json_int_t)conf->aic_max_streams, "streams", (json_int_t)streams, "tracks",
                     states_of(&stats), "frames", (json_int_t)c.aic_frames, "late_frames",
                     (json_int_t)c.aic_late, "fallbacks", fallbacks_of(c.aic_fallbacks),
                     "latency_p50_ms", latency_ms(&c, 0.5), "latency_p95_ms", latency_ms(&c, 0.95));
}

static void list_instances(struct dash_request *r) {
    json_t *list = json_array();
    if (r->d->conf->aic_address) {
        json_array_append_new(list, instance(r));
    }
    aura__dash_respond(r, 200, json_pack("{s:o}", "instances", list));
}

/* ---- of a room ---- */

struct tracks {
    json_t *list;
    uint64_t sent, native;
};

static void add(void *arg, const struct aura_rooms_aic_view *v) {
    struct tracks *t = arg;
    const struct aura_sfu_aic *s = v->last;
    bool active = s->state == AURA_AIC_ACTIVE;
    t->sent += v->sent_bytes;
    t->native += v->native_bytes;
    if (json_array_size(t->list) == DASH_PAGE_MAX) {
        return;
    }
    json_array_append_new(
        t->list,
        json_pack(
            "{s:s, s:s, s:o, s:s, s:s, s:s, s:o, s:i, s:o, s:f, s:f, s:I, s:I, s:o, s:o, "
            "s:o, s:o}",
            "track", v->track_sid, "participant", v->publisher_sid, "identity",
            aura_rest_string(v->publisher, DASH_TEXT_MAX), "codec", v->codec, "state",
            aura_aic_state_name(s->state), "mode",
            aura_aic_mode_name(active ? s->hints.mode : AURA_AIC_NATIVE), "reason",
            aura__dash_maybe(s->state == AURA_AIC_FALLBACK ? aura_aic_reason_name(s->reason)
                                                           : NULL),
            "viewers", (int)v->viewers, "saving", aura__dash_saving(v->sent_bytes, v->native_bytes),
            "latency_p50_ms", s->p50_us / 1000.0, "latency_p95_ms", s->p95_us / 1000.0, "frames",
            (json_int_t)s->frames, "late", (json_int_t)s->late, "fallbacks",
            fallbacks_of(s->fallbacks), "model", aura_rest_string(s->model, DASH_TEXT_MAX), "vmaf",
            active && s->hints.vmaf >= 0 ? json_real((double)s->hints.vmaf) : json_null(),
            "cap_kbps", s->cap_kbps ? json_integer(s->cap_kbps) : json_null()));
}

static void of_room(struct dash_request *r) {
    const char *room;
    struct tracks t = {.list = json_array()};
    int err = aura_rooms_place(r->s->rooms, r->param[0], NULL, &room, NULL);
    err = err ? err : aura_rooms_inspect_aic(r->s->rooms, room, add, &t);
    if (err) {
        json_decref(t.list);
        aura__dash_refuse_err(r, err, "there is no such room, or no longer");
        return;
    }
    aura__dash_respond(
        r, 200,
        json_pack("{s:o, s:o}", "saving", aura__dash_saving(t.sent, t.native), "tracks", t.list));
}

static const struct dash_route routes[] = {
    {"GET", "/api/v1/aic", DASH_VIEW, get},
    {"GET", "/api/v1/aic/instances", DASH_VIEW, list_instances},
    {"GET", "/api/v1/rooms/{room}/aic", DASH_VIEW, of_room},
};
DASH_ROUTES(aura__dash_aic_routes, routes);
