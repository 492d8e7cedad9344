/* SPDX-License-Identifier: Apache-2.0 */
/* One track: its last minutes, and muting it. */
#include "api/dash_priv.h"

#include <stdio.h>
#include <string.h>

enum { TARGET_BYTES = 600 };

static const char missing[] = "there is no such track in the room, or no longer";

/* ---- series ---- */

struct series {
    json_t *track, *published, *subscriptions;
    char last[64];
};

static void take_track(void *arg, const struct aura_rooms_track_view *v) {
    struct series *s = arg;
    s->track = aura__dash_track(v);
}

static void add_published(void *arg, const struct aura_rooms_sample *v, bool backup) {
    struct series *s = arg;
    json_array_append_new(
        s->published,
        json_pack("{s:I, s:b, s:I, s:f, s:f, s:f, s:i}", "at_us", (json_int_t)v->at_us, "backup",
                  (int)backup, "bps", (json_int_t)v->bps, "loss", (double)v->loss, "jitter_ms",
                  v->jitter_us / 1000.0, "rtt_ms", v->rtt_us / 1000.0, "layers", (int)v->layers));
}

static json_t *samples_of(const struct aura_rooms_sub_series *of) {
    json_t *list = json_array();
    for (size_t i = 0; i < of->count; i++) {
        const struct aura_rooms_sample *v = aura_rooms_sample_at(of->series, i);
        json_array_append_new(list,
                              json_pack("{s:I, s:I, s:f, s:f, s:f, s:i, s:i, s:b, s:s, s:b}",
                                        "at_us", (json_int_t)v->at_us, "bps", (json_int_t)v->bps,
                                        "loss", (double)v->loss, "jitter_ms", v->jitter_us / 1000.0,
                                        "rtt_ms", v->rtt_us / 1000.0, "spatial", (int)v->spatial,
                                        "temporal", (int)v->temporal, "paused", (int)v->paused,
                                        "why", v->why, "aic", (int)v->aic));
    }
    return list;
}

static const char *wish_of(const struct aura_rooms_sub_view *v) {
    static const char *const names[] = {"low", "medium", "high"};
    bool known = v->wished_quality >= 0 && v->wished_quality < 3;
    return v->wished_off ? "off" : known ? names[v->wished_quality] : "unknown";
}

static void add_subscription(void *arg, const struct aura_rooms_sub_series *v) {
    struct series *s = arg;
    const struct aura_sfu_sub_state *state = v->now.state;
    (void)snprintf(s->last, sizeof(s->last), "%s", v->sid);
    json_array_append_new(
        s->subscriptions,
        json_pack("{s:s, s:o, s:s, s:s, s:b, s:b, s:i, s:i, s:b, s:s, s:I, s:o}", "participant",
                  v->sid, "identity", aura_rest_string(v->identity, DASH_TEXT_MAX), "codec",
                  v->now.codec, "wish", wish_of(&v->now), "bound", (int)v->now.bound, "aic",
                  (int)v->now.stats->aic, "spatial", state ? (int)state->spatial : -1, "temporal",
                  state ? (int)state->temporal : -1, "paused", (int)(state && state->paused), "why",
                  v->why, "layer_bps", (json_int_t)(state ? state->bps : 0), "samples",
                  samples_of(v)));
}

static void get_series(struct dash_request *r) {
    struct series s = {.track = NULL};
    struct aura_rooms_series_look look = {.published = add_published,
                                          .subscription = add_subscription,
                                          .arg = &s,
                                          .only = aura_http_query(r->req, "participant")};
    if (!aura__dash_page(r, &look.page)) {
        return;
    }
    int err = aura_rooms_show_track(r->s->rooms, r->param[0], r->param[1], take_track, &s);
    if (err) {
        aura__dash_refuse_err(r, err, missing);
        return;
    }
    s.published = json_array();
    s.subscriptions = json_array();
    err = aura_rooms_show_series(r->s->rooms, r->param[0], r->param[1], &look);
    if (err) {
        json_decref(s.track);
        json_decref(s.published);
        json_decref(s.subscriptions);
        aura__dash_refuse_err(r, err, "?after= is gone: begin the list anew");
        return;
    }
    aura__dash_respond(r, 200,
                       json_pack("{s:o, s:i, s:b, s:o, s:o, s:o}", "track", s.track, "step_s",
                                 AURA_ROOMS_STEP_S, "complete", (int)look.complete, "published",
                                 s.published, "subscriptions", s.subscriptions, "next",
                                 aura__dash_next(look.page.more ? s.last : NULL)));
}

/* ---- muting ---- */

static void show(void *arg, const struct aura_rooms_track_view *v) {
    aura__dash_respond(arg, 200, aura__dash_track(v));
}

static void mute(struct dash_request *r) {
    struct aura_rest_field f[] = {{"muted", JSON_TRUE, true, 0, NULL}};
    Livekit__MuteRoomTrackRequest q = LIVEKIT__MUTE_ROOM_TRACK_REQUEST__INIT;
    Livekit__TrackInfo *track = NULL;
    const char *room = "", *identity = "";
    char target[TARGET_BYTES];
    if (!aura__dash_fields(r, f, 1)) {
        return;
    }
    int err = aura_rooms_track_place(r->s->rooms, r->param[0], r->param[1], &room, &identity);
    (void)snprintf(target, sizeof(target), "%.250s / %.250s", room, identity);
    q.room = (char *)(uintptr_t)room;
    q.identity = (char *)(uintptr_t)identity;
    q.track_sid = r->param[1];
    q.muted = json_is_true(f[0].value);
    err = err ? err : aura_rooms_mute_track(r->s->rooms, &q, &track);
    if (track) {
        protobuf_c_message_free_unpacked(&track->base, aura_pb_allocator());
    }
    if (err == AURA_EPOLICY) {
        aura__dash_refuse(r, 409, "cannot",
                          "only they can unmute themselves: room.enable_remote_unmute is off");
        return;
    }
    if (!err) {
        aura__dash_audit(r, q.muted ? "track.mute" : "track.unmute", target, r->param[1]);
        err = aura_rooms_show_track(r->s->rooms, r->param[0], r->param[1], show, r);
    }
    if (err) {
        aura__dash_refuse_err(r, err, missing);
    }
}

static const struct dash_route routes[] = {
    {"GET", "/api/v1/rooms/{room}/tracks/{track}/series", DASH_VIEW, get_series},
    {"POST", "/api/v1/rooms/{room}/tracks/{track}/mute", DASH_CHANGE, mute},
};
DASH_ROUTES(aura__dash_track_routes, routes);
