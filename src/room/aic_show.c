/* SPDX-License-Identifier: Apache-2.0 */
/* What AI compression does to a track, shown: to operators (aura_rooms_inspect_aic), to everybody
 * as an attribute of the publisher, and to those who ask as data messages (docs/aic-protocol.md
 * section 10). */
#include "room/room_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    JSON_BYTES = 512,
    PEERS_MAX = 1024, /* that get a track's data messages */
};

#define PREFIX "auralink.aic."
#define TOPIC "auralink.aic"
static const char ask[] = "auralink.aic.hints";

/* Changes that people would notice. */
static const float ratio_step = 0.05F, vmaf_step = 3, latency_step = 0.3F;

bool aura__aic_hints_wanted(const struct participant *p) {
    const struct aura_claims *c = &p->claims;
    for (size_t i = 0; i < c->attribute_count; i++) {
        if (strcmp(c->attributes[i].key, ask) == 0) {
            return strcmp(c->attributes[i].value, "on") == 0;
        }
    }
    return false;
}

/* ---- the attribute ---- */

static bool noticeable(const struct aic_view *v, const struct aura_sfu_aic *now) {
    const struct aura_sfu_aic *old = &v->shown;
    bool active = now->state == AURA_AIC_ACTIVE;
    if (active != (old->state == AURA_AIC_ACTIVE) ||
        (now->state == AURA_AIC_OFF) != (old->state == AURA_AIC_OFF) ||
        strcmp(now->model, old->model) != 0) {
        return true;
    }
    float before_us = (float)old->p50_us, us = (float)now->p50_us;
    uint32_t cap = old->cap_kbps, kbps = now->cap_kbps;
    if ((kbps > cap ? kbps - cap : cap - kbps) * 10 > cap) {
        return true;
    }
    return active && (fabsf(now->hints.saved - old->hints.saved) >= ratio_step ||
                      fabsf(now->hints.vmaf - old->hints.vmaf) >= vmaf_step ||
                      fabsf(us - before_us) >= latency_step * before_us + 1000);
}

static void write_text(struct aic_view *v) {
    struct aura_aic_hints hints = v->shown.hints;
    hints.latency_us = v->shown.p50_us;
    hints.latency_known = v->shown.p50_us > 0;
    if (v->shown.state == AURA_AIC_OFF) {
        v->text[0] = 0;
    } else if (v->shown.cap_kbps && v->shown.state == AURA_AIC_ACTIVE) {
        char quality[16] = "";
        if (hints.vmaf >= 0) {
            snprintf(quality, sizeof(quality), " vmaf:%.0f", (double)hints.vmaf);
        }
        snprintf(v->text, sizeof(v->text), "governed cap:%ukbps%s", v->shown.cap_kbps, quality);
    } else if (v->shown.state == AURA_AIC_ACTIVE) {
        (void)aura_aic_hints_text(&hints, v->shown.model, v->text);
    } else {
        snprintf(v->text, sizeof(v->text), "native");
    }
}

/* Of the two encodings of a track one is compressed at most: AV1 as backup stays as it is. */
static const struct aic_view *view_of(const struct track *t) {
    for (size_t i = 0; i < ENCODINGS_MAX; i++) {
        if (t->enc[i].aic.text[0]) {
            return &t->enc[i].aic;
        }
    }
    return NULL;
}

size_t aura__aic_attributes(struct aura__arena *a, const struct participant *p, size_t room_bytes,
                            Livekit__ParticipantInfo__AttributesEntry **list) {
    size_t n = 0;
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        const struct aic_view *v = t->live ? view_of(t) : NULL;
        size_t bytes = v ? sizeof(PREFIX) - 1 + strlen(t->sid) + strlen(v->text) : 0;
        if (!v || bytes > room_bytes || n >= p->track_count) {
            continue;
        }
        Livekit__ParticipantInfo__AttributesEntry *e = aura__arena_take(a, sizeof(*e));
        char *key = aura__arena_take(a, sizeof(PREFIX) + strlen(t->sid));
        if (!e || !key) {
            break;
        }
        livekit__participant_info__attributes_entry__init(e);
        snprintf(key, sizeof(PREFIX) + strlen(t->sid), PREFIX "%s", t->sid);
        e->key = key;
        e->value = (char *)(uintptr_t)v->text;
        list[n++] = e;
        room_bytes -= bytes;
    }
    return n;
}

bool aura__aic_attribute_is_wish(const char *key) {
    return strcmp(key, AURA_TOKEN_AIC) == 0 || strcmp(key, ask) == 0;
}

/* ---- data messages ---- */

static size_t write_json(const struct encoding *e, char out[JSON_BYTES]) {
    const struct aura_sfu_aic *s = &e->aic.last;
    char quality[32] = "", reason[48] = "", cap[32] = "";
    bool active = s->state == AURA_AIC_ACTIVE;
    if (s->hints.vmaf >= 0) {
        snprintf(quality, sizeof(quality), ",\"vmaf\":%.1f", (double)s->hints.vmaf);
    }
    if (s->cap_kbps) {
        snprintf(cap, sizeof(cap), ",\"cap_kbps\":%u", s->cap_kbps);
    }
    if (s->state == AURA_AIC_FALLBACK) {
        snprintf(reason, sizeof(reason), ",\"reason\":\"%s\"", aura_aic_reason_name(s->reason));
    }
    /* AI Core chose the model's name: it must not break the JSON. */
    char model[AURA_SFU_AIC_MODEL_MAX + 1];
    size_t n = 0;
    for (const char *c = s->model; *c; c++) {
        model[n++] = (unsigned char)*c < 0x20 || *c == '"' || *c == '\\' || *c == 0x7f ? '_' : *c;
    }
    model[n] = 0;
    int len = snprintf(
        out, JSON_BYTES,
        "{\"track\":\"%s\",\"state\":\"%s\",\"mode\":\"%s\"%s%s,\"ratio\":%.3f%s,\"model\":\"%s\","
        "\"latency_ms\":%.1f,\"latency_p95_ms\":%.1f,\"screen\":%s,\"faces\":%s}",
        e->t->sid, aura_aic_state_name(s->state),
        aura_aic_mode_name(active ? s->hints.mode : AURA_AIC_NATIVE), reason, cap,
        active ? (double)s->hints.saved : 0, quality, model, s->p50_us / 1000.0, s->p95_us / 1000.0,
        s->hints.flags & AURA_AIC_SCREEN ? "true" : "false",
        s->hints.flags & AURA_AIC_FACES ? "true" : "false");
    return len > 0 && len < JSON_BYTES ? (size_t)len : 0;
}

static size_t who_asks(const struct track *t, aura_peer_id peers[PEERS_MAX]) {
    size_t n = 0;
    AURA_LIST_EACH(&t->subs, struct subscription, s, track_node) {
        const struct transport *down = s->p->hints ? aura__connect_down(s->p) : NULL;
        if (down && n < PEERS_MAX && s->p->state >= LIVEKIT__PARTICIPANT_INFO__STATE__JOINED) {
            peers[n++] = down->peer;
        }
    }
    return n;
}

static void tell_viewers(const struct encoding *e) {
    aura_peer_id peers[PEERS_MAX];
    char json[JSON_BYTES];
    size_t count = who_asks(e->t, peers), len = count ? write_json(e, json) : 0;
    if (!len) {
        return;
    }
    Livekit__UserPacket user = LIVEKIT__USER_PACKET__INIT;
    Livekit__DataPacket d = LIVEKIT__DATA_PACKET__INIT;
    uint8_t bytes[JSON_BYTES + 256];
    user.payload.data = (uint8_t *)json;
    user.payload.len = len;
    user._topic_case = LIVEKIT__USER_PACKET___TOPIC_TOPIC;
    user.topic = (char *)(uintptr_t)TOPIC;
    d.kind = LIVEKIT__DATA_PACKET__KIND__LOSSY;
    d.value_case = LIVEKIT__DATA_PACKET__VALUE_USER;
    d.user = &user;
    if (livekit__data_packet__get_packed_size(&d) <= sizeof(bytes)) {
        size_t n = livekit__data_packet__pack(&d, bytes);
        /* Without memory for it the next second tells. */
        (void)!aura_fleet_data_send(&e->t->p->room->rooms->reach, peers, count, AURA_DATA_LOSSY,
                                    bytes, n);
    }
}

/* ---- what the SFU tells ---- */

static void count_state(struct aura_rooms *r, struct aic_view *v, bool known) {
    if (v->known) {
        r->stats.aic_tracks[v->last.state]--;
    }
    v->known = known;
    if (known) {
        r->stats.aic_tracks[v->last.state]++;
    }
}

void aura__aic_report(struct encoding *e, const struct aura_sfu_aic *report) {
    struct aura_rooms *r = e->t->p->room->rooms;
    struct aic_view *v = &e->aic;
    v->sent_bytes += report->sent_bytes;
    v->native_bytes += report->native_bytes;
    if (!report->owner) {
        return;
    }
    if (report->bytes) {
        v->bytes_us = aura_now_us(r->clock);
    }
    count_state(r, v, false);
    v->last = *report;
    count_state(r, v, true);
    if (noticeable(v, report)) {
        v->shown = *report;
        write_text(v);
        aura__broadcast(e->t->p, false); /* with the next batch: not more than one in 3 s */
    }
    tell_viewers(e);
}

void aura__aic_forget(struct encoding *e) {
    count_state(e->t->p->room->rooms, &e->aic, false);
}

/* ---- operators ---- */

static unsigned viewers_of(const struct encoding *e) {
    unsigned n = 0;
    AURA_LIST_EACH(&e->t->subs, struct subscription, s, track_node) {
        n += &e->t->enc[s->enc] == e && s->stats.aic;
    }
    return n;
}

static void inspect_room(struct room *room, aura_rooms_aic_fn *fn, void *arg) {
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        AURA_LIST_EACH(&p->tracks, struct track, t, node) {
            for (size_t i = 0; i < ENCODINGS_MAX; i++) {
                const struct encoding *e = &t->enc[i];
                struct aura_rooms_aic_view view = {.room = room->name,
                                                   .publisher = p->claims.identity,
                                                   .publisher_sid = p->sid,
                                                   .track_sid = t->sid,
                                                   .codec = aura_codec_mime(e->codec),
                                                   .sent_bytes = e->aic.sent_bytes,
                                                   .native_bytes = e->aic.native_bytes,
                                                   .bytes_us = e->aic.bytes_us,
                                                   .last = &e->aic.last};
                if (e->aic.known) {
                    view.viewers = viewers_of(e);
                    fn(arg, &view);
                }
            }
        }
    }
}

int aura_rooms_inspect_aic(struct aura_rooms *r, const char *name, aura_rooms_aic_fn *fn,
                           void *arg) {
    struct room *one = name ? aura_map_get_str(r->by_name, name) : NULL;
    if (name && !one) {
        return AURA_ENOENT;
    }
    if (one) {
        inspect_room(one, fn, arg);
    } else {
        AURA_LIST_EACH(&r->rooms, struct room, room, node) {
            inspect_room(room, fn, arg);
        }
    }
    aura_fleet_poll_stats(&r->reach);
    return 0;
}
