/* SPDX-License-Identifier: Apache-2.0 */
/* GET /debug/rooms/NAME: who gets which layer of what, and why, as JSON. For tokens with roomAdmin
 * for that room. */
#include "api/server_priv.h"
#include "base/mem.h"
#include "room/show.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void add_link(void *arg, const struct aura_rooms_link_view *v) {
    const struct aura_sfu_peer_stats *s = v->stats;
    json_t *o = json_pack(
        "{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:b, s:I, s:I, s:I, s:I, s:I}",
        "participant", v->identity, "estimate_bps", (json_int_t)s->bwe.target_bps, "limited_by",
        aura_bwe_limit_name(s->bwe.limit), "acked_bps", (json_int_t)s->bwe.acked_bps, "video_bps",
        (json_int_t)s->given_bps, "wanted_bps", (json_int_t)s->wanted_bps, "audio_bps",
        (json_int_t)s->audio_bps, "loss", (double)s->bwe.loss, "rtt_ms", s->bwe.rtt_us / 1000.0,
        "queue_ms", s->bwe.queue_us / 1000.0, "overusing", (int)s->bwe.overusing, "probes",
        (json_int_t)s->bwe.probes, "probes_answered", (json_int_t)s->bwe.probes_answered,
        "backoffs", (json_int_t)s->bwe.backoffs, "paced_packets", (json_int_t)s->queued_packets,
        "paced_drops", (json_int_t)s->queue_drops);
    json_array_append_new(json_object_get(arg, "links"), o);
}

static void add_sub(void *arg, const struct aura_rooms_sub_view *v) {
    static const char *const qualities[] = {"low", "medium", "high"};
    bool known = v->wished_quality >= 0 && v->wished_quality < 3;
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:b}", "subscriber", v->subscriber,
                  "publisher", v->publisher, "track", v->track_sid, "codec", v->codec, "wish",
                  v->wished_off ? "off"
                  : known       ? qualities[v->wished_quality]
                                : "",
                  "why", aura_rooms_why(v), "sent_bps", (json_int_t)v->stats->bitrate_bps,
                  "packets", (json_int_t)v->stats->packets, "aic", (int)v->stats->aic);
    if (v->state && o) {
        json_object_set_new(o, "spatial", json_integer(v->state->spatial));
        json_object_set_new(o, "temporal", json_integer(v->state->temporal));
        json_object_set_new(o, "paused", json_boolean(v->state->paused));
        json_object_set_new(o, "layer_bps", json_integer(v->state->bps));
    }
    json_array_append_new(json_object_get(arg, "subscriptions"), o);
}

static json_t *fallbacks_of(const struct aura_sfu_aic *s) {
    json_t *o = json_object();
    for (unsigned i = AURA_AIC_FINE + 1; o && i < AURA_AIC_REASONS; i++) {
        if (s->fallbacks[i]) {
            json_object_set_new(o, aura_aic_reason_name((enum aura_aic_reason)i),
                                json_integer((json_int_t)s->fallbacks[i]));
        }
    }
    return o;
}

static void add_aic(void *arg, const struct aura_rooms_aic_view *v) {
    const struct aura_sfu_aic *s = v->last;
    bool active = s->state == AURA_AIC_ACTIVE;
    json_int_t saved = (json_int_t)v->native_bytes - (json_int_t)v->sent_bytes;
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:I, s:o, "
        "s:s}",
        "room", v->room, "publisher", v->publisher, "track", v->track_sid, "codec", v->codec,
        "state", aura_aic_state_name(s->state), "mode",
        aura_aic_mode_name(active ? s->hints.mode : AURA_AIC_NATIVE), "viewers", (int)v->viewers,
        "native_bytes", (json_int_t)v->native_bytes, "sent_bytes", (json_int_t)v->sent_bytes,
        "saved_bytes", saved, "counted_us", (json_int_t)v->bytes_us, "ratio",
        v->native_bytes ? (double)saved / (double)v->native_bytes : 0.0, "latency_p50_ms",
        s->p50_us / 1000.0, "latency_p95_ms", s->p95_us / 1000.0, "frames", (json_int_t)s->frames,
        "late", (json_int_t)s->late, "fallbacks", fallbacks_of(s), "model", s->model);
    if (o && s->state == AURA_AIC_FALLBACK) {
        json_object_set_new(o, "reason", json_string(aura_aic_reason_name(s->reason)));
    }
    if (o && s->cap_kbps) {
        json_object_set_new(o, "cap_kbps", json_integer(s->cap_kbps));
    }
    if (o && active && s->hints.vmaf >= 0) {
        json_object_set_new(o, "vmaf", json_real((double)s->hints.vmaf));
    }
    json_array_append_new(json_object_get(arg, "aic"), o);
}

static void respond_json(struct aura_http_req *req, const json_t *root) {
    char *text = json_dumps(root, JSON_INDENT(1));
    if (text) {
        aura_http_respond(req, 200, "application/json", text, strlen(text));
    } else {
        aura__respond_text(req, 503, "out of memory");
    }
    free(text); /* library's memory */
}

/* GET /debug/aic: all tracks that AI Core has to do with, for tokens with roomList. */
void aura__debug_aic(struct aura_server *s, struct aura_http_req *req) {
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
    json_t *root = json_pack("{s:[]}", "aic");
    if (!root || aura_rooms_inspect_aic(s->rooms, NULL, add_aic, root)) {
        aura__respond_text(req, 503, "out of memory");
    } else {
        respond_json(req, root);
    }
    json_decref(root);
}

void aura__debug_room(struct aura_server *s, struct aura_http_req *req, const char *room) {
    struct aura_claims claims;
    const char *why = "";
    aura_claims_init(&claims);
    int err = aura__authorize(s, req, &claims, &why);
    bool may = !err && claims.video.room_admin && claims.video.room &&
               strcmp(claims.video.room, room) == 0;
    aura_claims_clear(&claims);
    if (!may) {
        aura__respond_text(req, err ? 401 : 403,
                           err ? why : "the token needs roomAdmin for this room");
        return;
    }
    json_t *root =
        json_pack("{s:s, s:[], s:[], s:[]}", "room", room, "links", "subscriptions", "aic");
    if (!root) {
        aura__respond_text(req, 503, "out of memory");
    } else if (aura_rooms_inspect_aic(s->rooms, room, add_aic, root) ||
               aura_rooms_inspect(s->rooms, room, add_link, add_sub, root)) {
        aura__respond_text(req, 404, "there is no such room");
    } else {
        respond_json(req, root);
    }
    json_decref(root);
}
