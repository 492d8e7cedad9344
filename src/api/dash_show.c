/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms, people and tracks as JSON. */
#include "api/dash_priv.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 1024 };

json_t *aura__dash_time(uint64_t us) {
    return us ? json_integer((json_int_t)us) : json_null();
}

json_t *aura__dash_maybe(const char *text) {
    return text && text[0] ? aura_rest_string(text, SHOWN_MAX) : json_null();
}

json_t *aura__dash_saving(uint64_t sent, uint64_t native) {
    json_int_t saved = (json_int_t)native - (json_int_t)sent;
    return json_pack("{s:I, s:I, s:I, s:f}", "sent_bytes", (json_int_t)sent, "native_bytes",
                     (json_int_t)native, "saved_bytes", saved, "ratio",
                     native ? (double)saved / (double)native : 0.0);
}

json_t *aura__dash_room(const struct aura__dash *d, const struct aura_rooms_room_view *v) {
    return json_pack(
        "{s:s, s:o, s:I, s:o, s:I, s:I, s:I, s:I, s:b, s:s, s:I, s:I, s:o}", "sid", v->sid, "name",
        aura_rest_string(v->name, SHOWN_MAX), "created_us", (json_int_t)v->created_us, "metadata",
        aura_rest_string(v->metadata, DASH_TEXT_MAX), "participants", (json_int_t)v->participants,
        "publishers", (json_int_t)v->publishers, "tracks", (json_int_t)v->tracks,
        "max_participants", (json_int_t)v->max_participants, "recording", (int)v->recording, "node",
        aura_rooms_node_id(d->s->rooms), "in_bps", (json_int_t)v->in_bps, "out_bps",
        (json_int_t)v->out_bps, "saving", aura__dash_saving(v->sent_bytes, v->native_bytes));
}

/* ---- people ---- */

static const char *name_in(const char *const *list, size_t count, int i, const char *other) {
    return i >= 0 && (size_t)i < count && list[i] ? list[i] : other;
}

#define NAME_IN(list, i, other) name_in((list), sizeof(list) / sizeof((list)[0]), (i), (other))

const char *aura__dash_source(int source) {
    static const char *const names[] = {"unknown", "camera", "microphone", "screen_share",
                                        "screen_share_audio"};
    return NAME_IN(names, source, "unknown");
}

static const char *kind_of(const struct aura_rooms_participant_view *v) {
    static const char *const names[] = {[LIVEKIT__PARTICIPANT_INFO__KIND__STANDARD] = "standard",
                                        [LIVEKIT__PARTICIPANT_INFO__KIND__INGRESS] = "ingress",
                                        [LIVEKIT__PARTICIPANT_INFO__KIND__EGRESS] = "egress",
                                        [LIVEKIT__PARTICIPANT_INFO__KIND__SIP] = "sip",
                                        [LIVEKIT__PARTICIPANT_INFO__KIND__AGENT] = "agent",
                                        [LIVEKIT__PARTICIPANT_INFO__KIND__CONNECTOR] = "connector",
                                        [LIVEKIT__PARTICIPANT_INFO__KIND__BRIDGE] = "bridge"};
    return v->plays ? "player" : NAME_IN(names, v->kind, "standard");
}

static void add_track(void *arg, const struct aura_rooms_track_view *v) {
    json_array_append_new(arg, aura__dash_track(v));
}

json_t *aura__dash_participant(const struct aura_rooms_participant_view *v) {
    static const char *const states[] = {"joining", "joined", "active", "disconnected"};
    static const char *const qualities[] = {"poor", "good", "excellent", "lost"};
    char sdk[128];
    (void)snprintf(sdk, sizeof(sdk), "%s%s%s", v->sdk, v->sdk[0] && v->sdk_version[0] ? " " : "",
                   v->sdk[0] ? v->sdk_version : "");
    json_t *tracks = json_array();
    aura_rooms_show_tracks(v, add_track, tracks);
    return json_pack(
        "{s:s, s:o, s:o, s:s, s:s, s:I, s:b, s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:b, s:o}", "sid",
        v->sid, "identity", aura_rest_string(v->identity, SHOWN_MAX), "name",
        aura_rest_string(v->name, SHOWN_MAX), "state", NAME_IN(states, v->state, "disconnected"),
        "kind", kind_of(v), "joined_us", (json_int_t)v->joined_us, "hidden", (int)v->hidden,
        "auraid", aura__dash_maybe(v->auraid), "app_key", aura_rest_string(v->api_key, SHOWN_MAX),
        "sdk", aura_rest_string(sdk, sizeof(sdk)), "metadata",
        aura_rest_string(v->metadata, DASH_TEXT_MAX), "quality",
        NAME_IN(qualities, v->quality, "lost"), "can_publish", (int)v->can_publish, "can_subscribe",
        (int)v->can_subscribe, "can_publish_data", (int)v->can_publish_data, "tracks", tracks);
}

json_t *aura__dash_track(const struct aura_rooms_track_view *v) {
    return json_pack("{s:s, s:o, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:b}", "sid", v->sid,
                     "name", aura_rest_string(v->name, SHOWN_MAX), "kind",
                     v->video ? "video" : "audio", "source", aura__dash_source(v->source), "muted",
                     (int)v->muted, "codec", v->codec, "width", (json_int_t)v->width, "height",
                     (json_int_t)v->height, "in_bps", (json_int_t)v->in_bps, "subscribers",
                     (json_int_t)v->subscribers, "encrypted", (int)v->encrypted);
}
