/* SPDX-License-Identifier: Apache-2.0 */
/* Tracks that a participant publishes. AddTrack and the section of the offer come in either order.
 */
#include "room/measure.h"
#include "room/player.h"
#include "room/series.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

bool aura__publish_allowed(const struct participant *p, Livekit__TrackSource source) {
    bool listed = (unsigned)source < SOURCES && p->may.sources & 1u << source;
    return p->may.publish && (p->may.sources == 0 || listed);
}

uint32_t aura__publish_sources(const Livekit__TrackSource *list, size_t n) {
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        bits |= 1u << ((unsigned)list[i] < SOURCES ? list[i] : LIVEKIT__TRACK_SOURCE__UNKNOWN);
    }
    return bits;
}

struct track *aura__track_by_sid(const struct participant *p, const char *sid) {
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        if (strcmp(t->sid, sid) == 0) {
            return t;
        }
    }
    return NULL;
}

struct encoding *aura__encoding_of(const struct aura_rooms *r, aura_pub_id pub) {
    return aura_map_get_u64(r->pubs, pub);
}

static struct encoding *encoding_by_mid(const struct participant *p, const char *mid) {
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        for (size_t i = 0; i < ENCODINGS_MAX; i++) {
            if (t->enc[i].pub && strcmp(t->enc[i].mid, mid) == 0) {
                return &t->enc[i];
            }
        }
    }
    return NULL;
}

static enum aura_kind kind_of(const struct track *t) {
    return t->request->type == LIVEKIT__TRACK_TYPE__AUDIO ? AURA_KIND_AUDIO : AURA_KIND_VIDEO;
}

static bool asked_for_by(const struct encoding *e, const char *cid) {
    const Livekit__AddTrackRequest *q = e->t->request;
    bool main = e == &e->t->enc[0];
    return strcmp(e->cid, cid) == 0 || (main && cid[0] && q->n_simulcast_codecs &&
                                        strcmp(q->simulcast_codecs[0]->cid, cid) == 0);
}

/* By the client's id, which is the msid's track id; Firefox may give another one, so that the first
 * waiting track of the kind is the last resort (trap 12). */
static struct encoding *waiting(const struct participant *p, enum aura_kind kind, const char *cid) {
    struct encoding *first = NULL;
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        for (size_t i = 0; i < (t->has_backup ? ENCODINGS_MAX : 1u); i++) {
            if (t->enc[i].pub || kind_of(t) != kind) {
                continue;
            }
            if (asked_for_by(&t->enc[i], cid)) {
                return &t->enc[i];
            }
            first = first ? first : &t->enc[i];
        }
    }
    return first;
}

/* ---- TrackInfo ---- */

static Livekit__VideoLayer **copy_layers(struct aura__arena *a, const struct encoding *e,
                                         size_t *n) {
    const struct track *t = e->t;
    *n = t->request->n_layers;
    Livekit__VideoLayer **list = aura__arena_take(a, (*n + 1) * sizeof(*list));
    for (size_t i = 0; i < *n && !a->fail; i++) {
        list[i] = aura__arena_take(a, sizeof(**list));
        if (!list[i]) {
            break;
        }
        *list[i] = *t->request->layers[i];
        for (size_t k = 0; k < e->layer_count; k++) {
            static const char rids[] = "qhf";
            const struct aura_sfu_layer *layer = &e->layers[k];
            bool only = !layer->rid[0] && *n == 1;
            bool same = list[i]->quality <= LIVEKIT__VIDEO_QUALITY__HIGH &&
                        layer->rid[0] == rids[list[i]->quality];
            if (only || same) {
                list[i]->ssrc = layer->ssrc;
                list[i]->repair_ssrc = layer->rtx_ssrc;
                list[i]->rid = text(layer->rid);
                list[i]->spatial_layer = (int32_t)k;
            }
        }
    }
    /* Sorted LOW to HIGH, as clients expect them. */
    for (size_t i = 1; i < *n && !a->fail; i++) {
        for (size_t k = i; k > 0 && list[k]->quality < list[k - 1]->quality; k--) {
            Livekit__VideoLayer *swap = list[k];
            list[k] = list[k - 1];
            list[k - 1] = swap;
        }
    }
    return list;
}

const char *aura__track_stream(const struct track *t) {
    if (t->request->stream[0]) {
        return t->request->stream;
    }
    Livekit__TrackSource source = t->request->source;
    bool camera =
        source == LIVEKIT__TRACK_SOURCE__CAMERA || source == LIVEKIT__TRACK_SOURCE__MICROPHONE;
    bool screen = source == LIVEKIT__TRACK_SOURCE__SCREEN_SHARE ||
                  source == LIVEKIT__TRACK_SOURCE__SCREEN_SHARE_AUDIO;
    return camera ? "camera" : screen ? "screen" : "unknown";
}

static Livekit__SimulcastCodecInfo *codec_info(struct aura__arena *a, const struct encoding *e) {
    Livekit__SimulcastCodecInfo *codec = aura__arena_take(a, sizeof(*codec));
    const Livekit__AddTrackRequest *q = e->t->request;
    size_t at = (size_t)(e - e->t->enc);
    if (!codec) {
        return NULL;
    }
    livekit__simulcast_codec_info__init(codec);
    codec->mime_type = text(aura_codec_mime(e->codec));
    codec->mid = text(e->mid);
    codec->cid = text(e->cid);
    codec->layers = copy_layers(a, e, &codec->n_layers);
    if (at < q->n_simulcast_codecs) {
        codec->cid = at == 0 ? q->simulcast_codecs[0]->cid : codec->cid;
        codec->video_layer_mode = q->simulcast_codecs[at]->video_layer_mode;
    }
    return codec;
}

Livekit__TrackInfo *aura__track_info(struct aura__arena *a, const struct track *t) {
    Livekit__TrackInfo *info = aura__arena_take(a, sizeof(*info));
    Livekit__TimedVersion *version = aura__arena_take(a, sizeof(*version));
    Livekit__SimulcastCodecInfo **codecs = aura__arena_take(a, ENCODINGS_MAX * sizeof(*codecs));
    if (a->fail) {
        return NULL;
    }
    const Livekit__AddTrackRequest *q = t->request;
    livekit__track_info__init(info);
    livekit__timed_version__init(version);
    info->sid = text(t->sid);
    info->type = q->type;
    info->name = q->name;
    info->muted = t->muted;
    info->width = q->width;
    info->height = q->height;
    info->simulcast = t->enc[0].stream_count > 1 || q->n_layers > 1;
    info->disable_dtx = q->disable_dtx;
    info->source = q->source;
    info->mime_type = text(aura_codec_mime(t->enc[0].codec));
    info->mid = text(t->enc[0].mid);
    info->stereo = q->stereo;
    info->disable_red = q->disable_red;
    info->encryption = q->encryption;
    info->stream = text(aura__track_stream(t));
    info->backup_codec_policy = q->backup_codec_policy;
    info->n_audio_features = q->n_audio_features;
    info->audio_features = q->audio_features;
    info->n_packet_trailer_features = q->n_packet_trailer_features;
    info->packet_trailer_features = q->packet_trailer_features;
    version->unix_micro = t->version_us;
    info->version = version;
    for (size_t i = 0; i < (t->has_backup ? ENCODINGS_MAX : 1u); i++) {
        codecs[info->n_codecs++] = codec_info(a, &t->enc[i]);
    }
    info->codecs = codecs;
    if (!a->fail) {
        info->layers = codecs[0]->layers;
        info->n_layers = codecs[0]->n_layers;
    }
    return a->fail ? NULL : info;
}

static void changed(struct track *t) {
    t->version_us = (int64_t)aura_wall_us(t->p->room->rooms->clock);
}

/* ---- asking to publish ---- */

static void refuse(struct participant *p, const Livekit__AddTrackRequest *q,
                   Livekit__RequestResponse__Reason reason, const char *why) {
    Livekit__RequestResponse response = LIVEKIT__REQUEST_RESPONSE__INIT;
    response.reason = reason;
    response.message = text(why);
    response.request_case = LIVEKIT__REQUEST_RESPONSE__REQUEST_ADD_TRACK;
    response.add_track = (Livekit__AddTrackRequest *)(uintptr_t)q;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE;
    m.request_response = &response;
    aura__send(p, &m);
}

static size_t waiting_count(const struct participant *p) {
    size_t n = 0;
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        n += !t->live;
    }
    return n;
}

static void send_published(struct track *t, const char *cid) {
    struct aura__arena a = {.blocks = NULL};
    Livekit__TrackPublishedResponse published = LIVEKIT__TRACK_PUBLISHED_RESPONSE__INIT;
    published.cid = text(cid);
    published.track = aura__track_info(&a, t);
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_TRACK_PUBLISHED;
    m.track_published = &published;
    if (published.track) {
        aura__send(t->p, &m);
    }
    aura__arena_free(&a);
}

/* TR_ + kind + source, as LiveKit's are (livekit-protocol §4.3). */
static void track_sid(struct aura_rooms *r, struct track *t) {
    static const char letters[] = "UCMSs";
    char prefix[] = "TR_AU";
    Livekit__TrackSource source = t->request->source;
    prefix[3] = kind_of(t) == AURA_KIND_AUDIO ? 'A' : 'V';
    prefix[4] = source < sizeof(letters) - 1 ? letters[source] : 'U';
    aura__sid(r->conf.rand, prefix, t->sid);
}

/* What it will be sent in, until packets tell: the first codec asked for, or LiveKit's default. */
static enum aura_codec likely_codec(const struct participant *p,
                                    const Livekit__AddTrackRequest *q) {
    uint32_t allowed = p->room->rooms->conf.codecs;
    enum aura_codec codec =
        q->n_simulcast_codecs ? aura_codec_parse(q->simulcast_codecs[0]->codec) : AURA_CODEC_NONE;
    bool audio = q->type == LIVEKIT__TRACK_TYPE__AUDIO;
    if (codec == AURA_CODEC_NONE || !(allowed & 1u << codec)) {
        bool red = (allowed & 1u << AURA_CODEC_RED) && !q->disable_red && !q->stereo &&
                   q->encryption == LIVEKIT__ENCRYPTION__TYPE__NONE;
        codec = audio ? (red ? AURA_CODEC_RED : AURA_CODEC_OPUS)
                      : (allowed & 1u << AURA_CODEC_VP8 ? AURA_CODEC_VP8 : AURA_CODEC_H264);
    }
    return codec;
}

static void set_cid(struct encoding *e, const char *cid) {
    snprintf(e->cid, sizeof(e->cid), "%s", cid);
}

static struct track *track_new(struct participant *p, const Livekit__AddTrackRequest *q) {
    struct track *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return NULL;
    }
    t->request = aura__pb_copy(q);
    if (!t->request) {
        aura_free(t);
        return NULL;
    }
    t->p = p;
    t->muted = q->muted;
    for (size_t i = 0; i < ENCODINGS_MAX; i++) {
        t->enc[i].t = t;
        t->wanted[i] = (struct wanted){.now = QUALITY_OFF, .said = QUALITY_OFF};
    }
    t->enc[0].codec = likely_codec(p, q);
    set_cid(&t->enc[0], q->cid);
    aura_list_init(&t->subs);
    aura_list_init(&t->waiting);
    track_sid(p->room->rooms, t);
    changed(t);
    aura_list_add(&p->tracks, &t->node);
    p->track_count++;
    aura__measure_publish(t);
    return t;
}

/* A backup codec of a track: the same track in another encoding, on a section of its own. */
static bool known_track(struct participant *p, const Livekit__AddTrackRequest *q) {
    struct track *t = q->sid[0] ? aura__track_by_sid(p, q->sid) : NULL;
    if (!t) {
        return false;
    }
    const char *cid = q->cid[0] || !q->n_simulcast_codecs ? q->cid : q->simulcast_codecs[0]->cid;
    enum aura_codec codec =
        q->n_simulcast_codecs ? aura_codec_parse(q->simulcast_codecs[0]->codec) : AURA_CODEC_NONE;
    if (codec != AURA_CODEC_NONE && codec != t->enc[0].codec && !t->enc[1].pub &&
        kind_of(t) == AURA_KIND_VIDEO && q->type == t->request->type) {
        t->has_backup = true;
        t->enc[1].codec = codec;
        set_cid(&t->enc[1], cid);
    }
    send_published(t, cid);
    if (t->has_backup) {
        aura__publish_claim(p, t);
    }
    return true;
}

void aura__publish_request(struct participant *p, const Livekit__AddTrackRequest *q) {
    if (!aura__publish_allowed(p, q->source)) {
        refuse(p, q, LIVEKIT__REQUEST_RESPONSE__REASON__NOT_ALLOWED,
               "the token does not allow publishing this source");
        return;
    }
    if (q->type != LIVEKIT__TRACK_TYPE__AUDIO && q->type != LIVEKIT__TRACK_TYPE__VIDEO) {
        refuse(p, q, LIVEKIT__REQUEST_RESPONSE__REASON__UNSUPPORTED_TYPE, "unknown track type");
        return;
    }
    if (waiting_count(p) >= PENDING_TRACKS_MAX ||
        p->track_count >= p->room->rooms->conf.max_tracks) {
        refuse(p, q, LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED, "too many tracks");
        return;
    }
    if (livekit__add_track_request__get_packed_size(q) > TRACK_REQUEST_BYTES_MAX) {
        refuse(p, q, LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED,
               "the description of the track is too long");
        return;
    }
    if (known_track(p, q)) {
        return;
    }
    struct track *t = track_new(p, q);
    if (!t) {
        refuse(p, q, LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED, "out of memory");
        return;
    }
    send_published(t, q->cid);
    /* Its section may have been offered before. */
    aura__publish_claim(p, t);
}

void aura__publish_options(struct participant *p, const struct aura_neg_offered *offered,
                           struct aura_neg_pub_options *out) {
    const struct encoding *e = encoding_by_mid(p, offered->mid);
    e = e ? e : waiting(p, offered->kind, offered->track_id);
    out->accept = p->may.publish;
    out->remb = aura__aic_governs(p, AURA_CODEC_AV1) || p->room->rooms->conf.publisher_kbps;
    if (!e) {
        return;
    }
    const Livekit__AddTrackRequest *q = e->t->request;
    out->dtx = !q->disable_dtx;
    out->stereo = q->stereo;
    out->red = !q->disable_red && q->encryption == LIVEKIT__ENCRYPTION__TYPE__NONE;
    if (q->type == LIVEKIT__TRACK_TYPE__VIDEO && (q->n_simulcast_codecs || e != &e->t->enc[0])) {
        out->prefer = e->codec; /* the client sends the first codec of the answer */
    }
}

/* ---- media ---- */

static void go_live(struct encoding *e) {
    struct track *t = e->t;
    struct participant *p = t->p;
    if (e != &t->enc[0]) {
        aura__subscribe_backup(t);
        return;
    }
    if (t->live) {
        return;
    }
    t->live = true;
    aura__measure_published(t);
    AURA_LOG("room", AURA_LOG_INFO, "track_published", LOG_TRACK(t),
             AURA_S("codec", aura_codec_mime(e->codec)));
    aura__audible_add(t);
    aura__notify_track(t, "track_published");
    aura__broadcast(p, true);
    aura__subscribe_everybody(t);
    aura__dynacast_repeat(t);
    aura__agents_changed(p->room);
    aura__auto_egress_track(t);
}

static void fill_conf(const struct encoding *e, aura_peer_id peer, struct aura_sfu_pub_conf *conf) {
    *conf = (struct aura_sfu_pub_conf){
        .peer = peer,
        .media = e->media,
        .stream_count = e->stream_count,
        .width = e->t->request->width,
        .height = e->t->request->height,
        .spatial_layers = (uint32_t)e->t->request->n_layers,
        .aic = aura__aic_wanted(e->t->p) && aura__aic_has_takers(e->t->p) &&
               (e->t->request->type == LIVEKIT__TRACK_TYPE__VIDEO ||
                e->t->p->room->rooms->conf.aic_audio),
        .savers = e->t->p->room->savers,
        .frugal = aura__aic_all_save(e->t->p),
        .govern = aura__aic_governs(e->t->p, e->codec),
        .encrypted = e->t->request->encryption != LIVEKIT__ENCRYPTION__TYPE__NONE};
    memcpy(conf->streams, e->streams, sizeof(conf->streams));
    aura__about(e->t->p, e->t, &conf->about);
}

static void take_section(struct encoding *e, const struct aura_neg_pub *pub) {
    memcpy(e->mid, pub->mid, sizeof(e->mid));
    e->media = pub->media;
    e->stream_count = pub->stream_count;
    memcpy(e->streams, pub->streams, sizeof(e->streams));
    /* The first codec of the section is what browsers send, unless they asked for one by name. */
    bool has = false;
    for (size_t i = 0; i < e->media.codec_count; i++) {
        has = has || e->media.codecs[i].codec == e->codec;
    }
    if (!has && e->media.codec_count) {
        e->codec = e->media.codecs[0].codec;
    }
}

static void start_media(struct encoding *e, aura_peer_id peer, const struct aura_neg_pub *pub) {
    struct track *t = e->t;
    struct aura_rooms *r = t->p->room->rooms;
    struct aura_sfu_pub_conf conf;
    take_section(e, pub);
    fill_conf(e, peer, &conf);
    if (e->pub) {
        (void)!aura_fleet_pub_update(&r->reach, e->pub, &conf); /* failing: the old one goes on */
        return;
    }
    int err = aura_fleet_pub_new(&r->reach, &conf, &e->pub);
    if (!err) {
        err = aura_map_put_u64(r->pubs, e->pub, e);
    }
    if (err) {
        AURA_LOG("room", AURA_LOG_ERROR, "publish_failed", LOG_TRACK(t),
                 AURA_S("why", aura_err_text(err)));
        aura__publish_end(t, true);
        return;
    }
    aura_fleet_pub_set_muted(&r->reach, e->pub, t->muted);
    changed(t);
    go_live(e);
}

void aura__publish_renew(struct track *t) {
    for (size_t i = 0; i < sizeof(t->enc) / sizeof(t->enc[0]); i++) {
        struct aura_sfu_pub_conf conf;
        if (t->enc[i].pub) {
            fill_conf(&t->enc[i], 0, &conf); /* the connection stays what it is */
            (void)!aura_fleet_pub_update(&t->p->room->rooms->reach, t->enc[i].pub, &conf);
        }
    }
}

void aura__publish_section(struct participant *p, aura_peer_id peer,
                           const struct aura_neg_pub *pub) {
    struct encoding *e = encoding_by_mid(p, pub->mid);
    e = e ? e : waiting(p, pub->kind, pub->track_id);
    if (e) {
        start_media(e, peer, pub);
        return;
    }
    /* The section came first: kept until AddTrack names it. */
    for (size_t i = 0; i < sizeof(p->unclaimed) / sizeof(p->unclaimed[0]); i++) {
        struct unclaimed *u = &p->unclaimed[i];
        if (!u->used || strcmp(u->pub.mid, pub->mid) == 0) {
            *u = (struct unclaimed){.used = true, .peer = peer, .pub = *pub};
            return;
        }
    }
}

void aura__publish_claim(struct participant *p, struct track *t) {
    struct encoding *e = t->has_backup && t->enc[0].pub ? &t->enc[1] : &t->enc[0];
    struct unclaimed *found = NULL;
    for (size_t i = 0; i < sizeof(p->unclaimed) / sizeof(p->unclaimed[0]); i++) {
        struct unclaimed *u = &p->unclaimed[i];
        if (!u->used || u->pub.kind != kind_of(t)) {
            continue;
        }
        if (strcmp(u->pub.track_id, e->cid) == 0) {
            found = u;
            break;
        }
        found = found ? found : u;
    }
    if (found) {
        found->used = false;
        start_media(e, found->peer, &found->pub);
    }
}

/* A backup codec's section ends alone; without the main one the track ends. */
static void encoding_gone(struct encoding *e) {
    struct track *t = e->t;
    if (e == &t->enc[0]) {
        aura__publish_end(t, true);
        return;
    }
    struct aura_rooms *r = t->p->room->rooms;
    aura__subscribe_backup_gone(t);
    aura_map_del_u64(r->pubs, e->pub);
    aura_fleet_pub_close(&r->reach, e->pub);
    *e = (struct encoding){.t = t};
    t->has_backup = false;
    changed(t);
    aura__broadcast(t->p, true);
}

void aura__publish_section_gone(struct participant *p, const char *mid) {
    for (size_t i = 0; i < sizeof(p->unclaimed) / sizeof(p->unclaimed[0]); i++) {
        if (p->unclaimed[i].used && strcmp(p->unclaimed[i].pub.mid, mid) == 0) {
            p->unclaimed[i].used = false;
        }
    }
    struct encoding *e = encoding_by_mid(p, mid);
    if (e) {
        encoding_gone(e);
    }
}

void aura__publish_layer(struct encoding *e, const struct aura_sfu_layer *layer) {
    size_t at = 0;
    aura_trace_stop(e->t->p->trace, AURA_TRACE_MEDIA, AURA_TRACE_PUBLISHER);
    while (at < e->layer_count && strcmp(e->layers[at].rid, layer->rid) != 0) {
        at++;
    }
    if (at == AURA_MEDIA_LAYERS_MAX) {
        return;
    }
    e->layers[at] = *layer;
    e->layer_count = at == e->layer_count ? at + 1 : e->layer_count;
    e->codec = layer->codec;
    changed(e->t);
    aura__broadcast(e->t->p, true);
    aura__dynacast(e->t);
    aura__player_look(e->t->p->room); /* its codec is known for sure now */
}

void aura__publish_mute(struct track *t, bool muted) {
    if (t->muted == muted) {
        return;
    }
    t->muted = muted;
    changed(t);
    for (size_t i = 0; i < ENCODINGS_MAX; i++) {
        if (t->enc[i].pub) {
            aura_fleet_pub_set_muted(&t->p->room->rooms->reach, t->enc[i].pub, muted);
        }
    }
    aura__broadcast(t->p, true);
    aura__player_look(t->p->room);
}

static void send_unpublished(struct track *t) {
    Livekit__TrackUnpublishedResponse gone = LIVEKIT__TRACK_UNPUBLISHED_RESPONSE__INIT;
    gone.track_sid = t->sid;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_TRACK_UNPUBLISHED;
    m.track_unpublished = &gone;
    aura__send(t->p, &m);
}

void aura__publish_end(struct track *t, bool announce) {
    struct participant *p = t->p;
    struct aura_rooms *r = p->room->rooms;
    aura__waiting_track_ends(t);
    for (struct subscription *s;
         (s = AURA_LIST_FIRST(&t->subs, struct subscription, track_node));) {
        aura__unsubscribe(s);
    }
    for (size_t i = 0; i < ENCODINGS_MAX; i++) {
        aura__aic_forget(&t->enc[i]);
        t->enc[i].series = aura__series_free(t->enc[i].series);
        if (t->enc[i].pub) {
            aura_map_del_u64(r->pubs, t->enc[i].pub);
            aura_fleet_pub_close(&r->reach, t->enc[i].pub);
        }
    }
    aura_timer_stop(r->timers, &t->wanted_timer);
    if (t->live) {
        aura__notify_track(t, "track_unpublished");
    }
    aura_node_remove(&t->node);
    p->track_count--;
    aura__measure_unpublish(t);
    if (announce) {
        send_unpublished(t);
        aura__broadcast(p, true);
    }
    aura__pb_free(t->request);
    aura_free(t);
}
