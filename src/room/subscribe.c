/* SPDX-License-Identifier: Apache-2.0 */
/* Who gets which track, by wish and by permission. */
#include "room/measure.h"
#include "room/player.h"
#include "room/series.h"

#include "base/log.h"

#include <string.h>

enum { H264_BASELINE_31 = 0x42e01f }; /* constrained baseline, level 3.1 */

static bool listed(const Livekit__SubscriptionPermission *list, const struct participant *p,
                   const char *track_sid) {
    for (size_t i = 0; i < list->n_track_permissions; i++) {
        const Livekit__TrackPermission *e = list->track_permissions[i];
        bool him = e->participant_identity[0]
                       ? strcmp(e->participant_identity, p->claims.identity) == 0
                       : strcmp(e->participant_sid, p->sid) == 0;
        if (!him) {
            continue;
        }
        if (e->all_tracks) {
            return true;
        }
        for (size_t k = 0; k < e->n_track_sids; k++) {
            if (strcmp(e->track_sids[k], track_sid) == 0) {
                return true;
            }
        }
    }
    return false;
}

bool aura__subscribe_permitted(const struct participant *p, const struct participant *publisher,
                               const char *track_sid) {
    const struct allowed *a = &publisher->allowed;
    return p->may.recorder || a->everyone || (a->list && listed(a->list, p, track_sid));
}

static void send_permission(struct participant *p, const struct track *t, bool allowed) {
    Livekit__SubscriptionPermissionUpdate update = LIVEKIT__SUBSCRIPTION_PERMISSION_UPDATE__INIT;
    update.participant_sid = t->p->sid;
    update.track_sid = (char *)(uintptr_t)t->sid;
    update.allowed = allowed;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_SUBSCRIPTION_PERMISSION_UPDATE;
    m.subscription_permission_update = &update;
    aura__send(p, &m);
}

struct subscription *aura__subscription_find(const struct participant *p, const struct track *t) {
    AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
        if (s->t == t) {
            return s;
        }
    }
    return NULL;
}

enum aura_codec aura__backup_codec(const struct track *t) {
    const Livekit__AddTrackRequest *q = t->request;
    if (t->has_backup) {
        return t->enc[1].codec;
    }
    return q->n_simulcast_codecs > 1 ? aura_codec_parse(q->simulcast_codecs[1]->codec)
                                     : AURA_CODEC_NONE;
}

/* What the track can also be had in: a client that cannot decode the main codec answers with that
 * one. */
static size_t add_backup(const struct track *t, struct aura_media_codec *list, size_t n) {
    enum aura_codec codec = aura__backup_codec(t);
    if (t->enc[1].pub) {
        for (size_t i = 0; i < t->enc[1].media.codec_count && n < AURA_MEDIA_CODECS_MAX; i++) {
            list[n++] = t->enc[1].media.codecs[i];
        }
    } else if (codec != AURA_CODEC_NONE && n < AURA_MEDIA_CODECS_MAX) {
        list[n++] = (struct aura_media_codec){.codec = codec,
                                              .clock_rate = 90000,
                                              .h264_packetization_mode = 1,
                                              .h264_profile_level_id = H264_BASELINE_31};
    }
    return n;
}

static int add_to_negotiation(struct subscription *s) {
    const struct track *t = s->t;
    const struct encoding *e = &t->enc[0];
    struct aura_media_codec first[AURA_MEDIA_CODECS_MAX];
    size_t n = 0;
    /* The codec in use comes first; others of the section may come later. */
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < e->media.codec_count; i++) {
            if ((e->media.codecs[i].codec == e->codec) == (round == 0)) {
                first[n++] = e->media.codecs[i];
            }
        }
    }
    struct aura_neg_sub_conf conf = {
        .kind = e->media.kind,
        .participant_sid = t->p->sid,
        .track_sid = t->sid,
        .stream = t->p->room->sync_streams ? aura__track_stream(t) : NULL,
        .cname = t->p->sid,
        .codecs = first,
        .codec_count = add_backup(t, first, n),
        .backup = aura__backup_codec(t),
        .stereo = t->request->stereo,
        .red = t->request->encryption == LIVEKIT__ENCRYPTION__TYPE__NONE,
        .user = s};
    return aura_neg_sub_add(aura__connect_down(s->p)->neg, &s->neg, &conf);
}

static void open_media(struct subscription *s);

/* A player's section is there already. */
static int enter_negotiation(struct subscription *s) {
    if (!s->p->player) {
        return add_to_negotiation(s);
    }
    aura__player_bind(s);
    s->enc = aura__media_takes(&s->media.media, s->t->enc[0].codec) ? 0 : 1;
    open_media(s);
    return 0;
}

static void close_media(struct subscription *s) {
    struct aura_rooms *r = s->p->room->rooms;
    if (s->sub) {
        aura_map_del_u64(r->sub_ids, s->sub);
        if (s->p->player) {
            aura__player_stop(s);
        } else {
            aura_fleet_sub_close(&r->reach, s->sub);
        }
        s->sub = 0;
        s->state_known = false;
    }
}

static void leave_negotiation(struct subscription *s) {
    struct aura_neg *neg = aura__connect_down(s->p)->neg;
    close_media(s);
    s->bound = false;
    if (s->p->player) {
        aura__player_unbind(s);
    } else if (s->neg && neg) {
        s->neg = aura_neg_sub_remove(neg, s->neg);
        aura__connect_negotiate(s->p);
    }
}

void aura__subscribe(struct participant *p, struct track *t) {
    if (p == t->p || !t->live || !p->may.subscribe || aura__subscription_find(p, t)) {
        return;
    }
    if (p->player && !aura__player_admits(p, t)) {
        return;
    }
    if (!p->single && !p->sub.neg) {
        return; /* there was no memory for that connection when the right came */
    }
    bool allowed = aura__subscribe_permitted(p, t->p, t->sid);
    if (!p->player && allowed && aura__waiting_full(p, t)) {
        aura__waiting_add(p, t);
        return;
    }
    struct subscription *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return;
    }
    aura__waiting_drop(p, t);
    s->p = p;
    s->t = t;
    s->settings = (struct aura_sfu_sub_settings){.max_layer = 2,
                                                 .native = !aura__aic_wanted(p),
                                                 /* A player that gets nothing reports nothing:
                                                  * with REMB alone it would stay so. */
                                                 .essential = p->player || !p->pauses,
                                                 .saver = aura__aic_saves(p),
                                                 .screen = t->request->source ==
                                                           LIVEKIT__TRACK_SOURCE__SCREEN_SHARE};
    s->quality = LIVEKIT__VIDEO_QUALITY__HIGH;
    s->allowed = allowed;
    aura_list_add(&t->subs, &s->track_node);
    aura_list_add(&p->subs, &s->node);
    aura__measure_subscribe(s);
    send_permission(p, t, s->allowed);
    if (s->allowed && enter_negotiation(s) == 0) {
        aura__connect_negotiate(p);
    }
    aura__dynacast(t);
}

void aura__unsubscribe(struct subscription *s) {
    leave_negotiation(s);
    aura_node_remove(&s->node);
    aura_node_remove(&s->track_node);
    aura__measure_unsubscribe(s);
    aura__dynacast(s->t);
    aura__waiting_soon(s->p);
    aura__series_free(s->series);
    aura_free(s);
}

/* In v1 right at the join, in v0 with "fast start" too (livekit-protocol §3.1). */
void aura__subscribe_all(struct participant *p) {
    if (!p->auto_subscribe || !p->may.subscribe) {
        return;
    }
    AURA_LIST_EACH(&p->room->participants, struct participant, other, node) {
        AURA_LIST_EACH(&other->tracks, struct track, t, node) {
            aura__subscribe(p, t);
        }
    }
}

void aura__subscribe_everybody(struct track *t) {
    aura__player_look(t->p->room);
    AURA_LIST_EACH(&t->p->room->participants, struct participant, p, node) {
        bool ready = p->state >= LIVEKIT__PARTICIPANT_INFO__STATE__JOINED;
        if (p->auto_subscribe && ready) {
            aura__subscribe(p, t);
        }
    }
}

static struct track *track_in_room(const struct room *room, const char *sid) {
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        struct track *t = aura__track_by_sid(p, sid);
        if (t) {
            return t;
        }
    }
    return NULL;
}

static void send_error(struct participant *p, const char *sid, Livekit__SubscriptionError err) {
    Livekit__SubscriptionResponse response = LIVEKIT__SUBSCRIPTION_RESPONSE__INIT;
    const ProtobufCEnumValue *why =
        protobuf_c_enum_descriptor_get_value(&livekit__subscription_error__descriptor, (int)err);
    aura__measure_subscribe_failed(p, why ? why->name : "");
    response.track_sid = (char *)(uintptr_t)sid;
    response.err = err;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_SUBSCRIPTION_RESPONSE;
    m.subscription_response = &response;
    aura__send(p, &m);
}

static void request_one(struct participant *p, const char *sid, bool subscribe) {
    struct track *t = track_in_room(p->room, sid);
    struct subscription *s = t ? aura__subscription_find(p, t) : NULL;
    if (subscribe && !t) {
        send_error(p, sid, LIVEKIT__SUBSCRIPTION_ERROR__SE_TRACK_NOTFOUND);
        return;
    }
    if (subscribe) {
        aura__subscribe(p, t);
        if (aura__waiting_is(p, t)) { /* there is no other error for it */
            send_error(p, sid, LIVEKIT__SUBSCRIPTION_ERROR__SE_UNKNOWN);
        }
    } else if (s) {
        aura__unsubscribe(s);
    } else if (t) {
        aura__waiting_drop(p, t);
    }
}

void aura__subscribe_request(struct participant *p, const Livekit__UpdateSubscription *q) {
    for (size_t i = 0; i < q->n_track_sids; i++) {
        request_one(p, q->track_sids[i], q->subscribe);
    }
    for (size_t i = 0; i < q->n_participant_tracks; i++) {
        for (size_t k = 0; k < q->participant_tracks[i]->n_track_sids; k++) {
            request_one(p, q->participant_tracks[i]->track_sids[k], q->subscribe);
        }
    }
}

/* The smallest layer that is as tall as asked (portrait: as wide); size wins over quality (§4.4).
 */
static uint8_t wanted_layer(const struct track *t, const Livekit__UpdateTrackSettings *q) {
    uint8_t best = 2;
    if (q->width && q->height && t->request->n_layers) {
        uint32_t least = UINT32_MAX;
        for (size_t i = 0; i < t->request->n_layers; i++) {
            const Livekit__VideoLayer *l = t->request->layers[i];
            bool portrait = l->width < l->height;
            bool enough = portrait ? l->width >= q->width : l->height >= q->height;
            if (enough && l->height < least && l->quality <= LIVEKIT__VIDEO_QUALITY__HIGH) {
                least = l->height;
                best = (uint8_t)l->quality;
            }
        }
        return best;
    }
    return q->quality <= LIVEKIT__VIDEO_QUALITY__HIGH ? (uint8_t)q->quality : 2;
}

/* Qualities are q, h, f; the SFU counts the layers that are really sent: streams, or where there is
 * only one, the spatial layers in it. */
static uint8_t layer_index(const struct encoding *e, uint8_t quality) {
    static const char rids[] = "qhf";
    uint8_t best = 0;
    for (size_t i = 0; i < e->stream_count; i++) {
        const char *at = e->streams[i].rid[0] ? strchr(rids, e->streams[i].rid[0]) : NULL;
        if (!at || at - rids <= quality) {
            best = (uint8_t)i;
        }
    }
    return e->stream_count > 1 ? best : quality;
}

static void set_one(struct subscription *s, const Livekit__UpdateTrackSettings *q) {
    struct aura_sfu_sub_settings *set = &s->settings;
    uint64_t pixels = (uint64_t)q->width * q->height;
    set->paused = q->disabled || q->quality == LIVEKIT__VIDEO_QUALITY__OFF;
    s->quality = wanted_layer(s->t, q);
    set->max_layer = layer_index(&s->t->enc[s->enc], s->quality);
    set->max_fps = q->fps < 255 ? (uint8_t)q->fps : 0;
    set->priority = q->priority < 255 ? (uint8_t)q->priority : 255;
    set->pixels = pixels < UINT32_MAX ? (uint32_t)pixels : UINT32_MAX;
    if (s->sub) {
        aura_fleet_sub_set(&s->p->room->rooms->reach, s->sub, set);
    }
    aura__dynacast(s->t);
}

void aura__subscribe_settings(struct participant *p, const Livekit__UpdateTrackSettings *q) {
    for (size_t i = 0; i < q->n_track_sids; i++) {
        struct track *t = track_in_room(p->room, q->track_sids[i]);
        struct subscription *s = t ? aura__subscription_find(p, t) : NULL;
        if (s) {
            set_one(s, q);
        }
    }
}

/* A publisher's rights changed: those who lost theirs lose the track, others get it back. */
void aura__subscribe_recheck(struct participant *publisher) {
    aura__player_look(publisher->room);
    aura__data_track_recheck(publisher);
    AURA_LIST_EACH(&publisher->tracks, struct track, t, node) {
        AURA_LIST_EACH(&t->subs, struct subscription, s, track_node) {
            bool allowed = aura__subscribe_permitted(s->p, publisher, t->sid);
            if (allowed == s->allowed) {
                continue;
            }
            if (s->p->player) {
                aura__unsubscribe(s);
                continue;
            }
            bool full = allowed && aura__waiting_full(s->p, t);
            s->allowed = allowed;
            send_permission(s->p, t, allowed);
            if (!allowed) {
                leave_negotiation(s);
                aura__waiting_soon(s->p);
            } else if (full) {
                aura__waiting_add(s->p, t);
                aura__unsubscribe(s);
            } else if (enter_negotiation(s) == 0) {
                aura__connect_negotiate(s->p);
            }
        }
    }
}

void aura__subscribe_permission(struct participant *p, const Livekit__SubscriptionPermission *q) {
    if (q->n_track_permissions > TRACK_PERMISSIONS_MAX ||
        livekit__subscription_permission__get_packed_size(q) > PERMISSION_BYTES_MAX) {
        return;
    }
    Livekit__SubscriptionPermission *copy = q->all_participants ? NULL : aura__pb_copy(q);
    if (!q->all_participants && !copy) {
        return;
    }
    aura__pb_free(p->allowed.list);
    p->allowed.list = copy;
    p->allowed.everyone = q->all_participants;
    aura__subscribe_recheck(p);
}

/* ---- from the negotiation ---- */

static void tell_publisher(struct track *t) {
    if (t->told_subscribed) {
        return;
    }
    t->told_subscribed = true;
    Livekit__TrackSubscribed told = LIVEKIT__TRACK_SUBSCRIBED__INIT;
    told.track_sid = t->sid;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_TRACK_SUBSCRIBED;
    m.track_subscribed = &told;
    aura__send(t->p, &m);
}

bool aura__media_takes(const struct aura_media *m, enum aura_codec codec) {
    for (size_t i = 0; i < m->codec_count; i++) {
        bool red = codec == AURA_CODEC_RED && m->codecs[i].codec == AURA_CODEC_OPUS;
        if (m->codecs[i].codec == codec || red) {
            return true;
        }
    }
    return false;
}

/* Joins the subscription, once bound to a section, with the encoding that its client can decode. */
static void open_media(struct subscription *s) {
    struct aura_rooms *r = s->p->room->rooms;
    const struct encoding *e = &s->t->enc[s->enc];
    if (!e->pub) {
        return; /* the backup codec has to be sent first: aura__subscribe_backup() */
    }
    struct aura_sfu_sub_conf conf = {.peer = aura__connect_down(s->p)->peer,
                                     .pub = e->pub,
                                     .media = s->media.media,
                                     .ssrc = s->media.ssrc,
                                     .rtx_ssrc = s->media.rtx_ssrc,
                                     .send_mid = true,
                                     .playout = s->p->room->playout};
    memcpy(conf.cname, s->media.cname, sizeof(conf.cname));
    s->settings.max_layer = layer_index(e, s->quality);
    int err = s->p->player ? aura__player_start(s, &conf)
                           : aura_fleet_sub_new(&r->reach, &conf, &s->settings, &s->sub);
    if (!err) {
        err = aura_map_put_u64(r->sub_ids, s->sub, s);
    }
    if (err) {
        AURA_LOG("room", AURA_LOG_ERROR, "subscribe_failed", LOG_WHO(s->p),
                 AURA_S("track_sid", s->t->sid), AURA_S("why", aura_err_text(err)));
        return;
    }
    tell_publisher(s->t);
}

void aura__subscribe_ready(struct subscription *s, const struct aura_neg_sub_media *m) {
    close_media(s); /* if it was bound before, to other parameters */
    s->media = *m;
    s->bound = true;
    s->enc = aura__media_takes(&m->media, s->t->enc[0].codec) ? 0 : 1;
    aura__measure_subscribed(s);
    open_media(s);
    aura__dynacast(s->t);
}

void aura__subscribe_backup(struct track *t) {
    AURA_LIST_EACH(&t->subs, struct subscription, s, track_node) {
        if (s->bound && s->enc == 1 && !s->sub) {
            open_media(s);
        }
    }
}

void aura__subscribe_backup_gone(struct track *t) {
    AURA_LIST_EACH(&t->subs, struct subscription, s, track_node) {
        if (s->enc == 1) {
            close_media(s);
        }
    }
}

void aura__subscribe_lost(struct subscription *s) {
    close_media(s);
    s->bound = false;
}

void aura__subscribe_unsupported(struct subscription *s) {
    send_error(s->p, s->t->sid, LIVEKIT__SUBSCRIPTION_ERROR__SE_CODEC_UNSUPPORTED);
    aura__unsubscribe(s);
}
