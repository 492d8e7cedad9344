/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client_priv.h"

#include "base/mem.h"

#include <jansson.h>
#include <stdio.h>

static void mark_connected(struct aura_client *c, bool primary) {
    if (primary && !aura_count_get(&c->times.connected)) {
        aura_count_set(&c->times.connected, aura__client_now(c));
        c->handlers.connected(c->arg);
    }
}

static void wire_failed(void *arg, int err) {
    aura__client_end(arg, err,
                     err == AURA_ETIMEDOUT
                         ? "no answer to connectivity checks: is UDP to the server's "
                           "candidates open?"
                     : err == AURA_ECLOSED ? "the server closed the media connection"
                                           : "the media connection failed");
}

/* ---- publishing ---- */

static const struct aura_media_codec *codec_of(const struct aura__client_track *t) {
    for (size_t i = 0; i < t->answered.media.codec_count; i++) {
        if (t->answered.media.codecs[i].codec == t->desc.codec) {
            return &t->answered.media.codecs[i];
        }
    }
    return NULL;
}

static int start_track(struct aura_client *c, struct aura__client_track *t) {
    const struct aura_media_codec *codec = codec_of(t);
    if (t->conf.live.on) {
        return aura__client_live_start(c, t);
    }
    if (t->publisher || !codec || !t->answered.active) {
        return 0;
    }
    struct aura_publisher_conf conf = {.timers = aura_loop_timers(c->env.loop),
                                       .rand = c->env.rand,
                                       .wire = c->up,
                                       .meter = c->env.meter,
                                       .twcc_seq = &c->twcc_seq,
                                       .mid = t->desc.mid,
                                       .cname = c->cname,
                                       .layer_count = t->desc.layer_count,
                                       .pt = codec->pt,
                                       .rtx_pt = codec->rtx_pt,
                                       .ext = t->answered.media.ext};
    for (size_t i = 0; i < conf.layer_count; i++) {
        conf.layers[i] =
            (struct aura_publisher_layer){.clip = t->conf.clips[i],
                                          .rid = conf.layer_count > 1 ? t->desc.rids[i] : NULL,
                                          .ssrc = t->desc.ssrcs[i],
                                          .rtx_ssrc = t->desc.rtx_ssrcs[i]};
    }
    return aura_publisher_new(&t->publisher, &conf);
}

static void start_tracks(struct aura_client *c) {
    int err = 0;
    for (size_t i = 0; !err && i < c->track_count; i++) {
        err = start_track(c, &c->tracks[i]);
    }
    if (err) {
        aura__client_end(c, err, "a track could not be started");
    }
}

static void up_connected(void *arg) {
    struct aura_client *c = arg;
    start_tracks(c);
    mark_connected(c, !c->subscriber_primary);
}

static void up_rtp(void *arg, uint8_t *packet, size_t len, uint64_t now_us) {
    (void)arg; /* the server sends probes of bandwidth at most */
    (void)packet;
    (void)len;
    (void)now_us;
}

static void up_rtcp(void *arg, uint8_t *data, size_t len, uint64_t now_us) {
    struct aura_client *c = arg;
    struct aura_rtcp packet;
    struct aura_rtcp_iter it = aura_rtcp_packets(data, len);
    while (aura_rtcp_next(&it, &packet) == 1) {
        aura__client_live_rtcp(c, &packet, now_us);
        for (size_t i = 0; i < c->track_count; i++) {
            if (c->tracks[i].publisher) {
                aura_publisher_rtcp(c->tracks[i].publisher, &packet);
            }
        }
    }
}

static int open_wire(struct aura_client *c, struct aura_wire **wire,
                     const struct aura_wire_handlers *handlers, bool open_channels) {
    struct aura_wire_conf conf = {.loop = c->env.loop,
                                  .ports = c->env.ports,
                                  .rand = c->env.rand,
                                  .identity = c->env.identity,
                                  .open_channels = open_channels};
    return aura_wire_new(wire, &conf, handlers, c);
}

static struct aura_desc_local local_of(const struct aura_client *c, const struct aura_wire *wire,
                                       uint64_t version) {
    return (struct aura_desc_local){.ufrag = aura_wire_ufrag(wire),
                                    .pwd = aura_wire_pwd(wire),
                                    .fingerprint = aura_dtls_identity_fingerprint(c->env.identity),
                                    .id = aura_count_get(&c->times.started),
                                    .version = version};
}

static int send_description(struct aura_client *c, bool offer, const struct aura_buf *text,
                            uint32_t id) {
    char *sdp = (char *)(uintptr_t)aura_buf_text(text);
    Livekit__SessionDescription d = LIVEKIT__SESSION_DESCRIPTION__INIT;
    Livekit__SignalRequest m = LIVEKIT__SIGNAL_REQUEST__INIT;
    d.type = (char *)(uintptr_t)(offer ? "offer" : "answer");
    d.sdp = sdp;
    d.id = id;
    if (offer) {
        m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_OFFER;
        m.offer = &d;
    } else {
        m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_ANSWER;
        m.answer = &d;
    }
    return aura_signal_send(c->signal, &m);
}

int aura__client_publish(struct aura_client *c) {
    static const struct aura_wire_handlers handlers = {
        .connected = up_connected, .failed = wire_failed, .rtp = up_rtp, .rtcp = up_rtcp};
    struct aura_desc_track descs[AURA_CLIENT_TRACKS_MAX];
    struct aura_buf text = AURA_BUF(AURA_DESC_TEXT_MAX);
    int err = open_wire(c, &c->up, &handlers, true);
    if (err) {
        return err;
    }
    for (size_t i = 0; i < c->track_count; i++) {
        descs[i] = c->tracks[i].desc;
    }
    struct aura_desc_local local = local_of(c, c->up, ++c->offer_version);
    err = aura_desc_offer(&text, &local, descs, c->track_count);
    if (!err) {
        err = send_description(c, true, &text, (uint32_t)c->offer_version);
    }
    aura_buf_free(&text);
    return err;
}

/* ---- receiving ---- */

static void down_connected(void *arg) {
    struct aura_client *c = arg;
    mark_connected(c, c->subscriber_primary);
}

static void down_rtp(void *arg, uint8_t *packet, size_t len, uint64_t now_us) {
    struct aura_client *c = arg;
    aura_receiver_rtp(c->receiver, packet, len, now_us);
}

static void down_rtcp(void *arg, uint8_t *data, size_t len, uint64_t now_us) {
    struct aura_client *c = arg;
    struct aura_rtcp packet;
    struct aura_rtcp_iter it = aura_rtcp_packets(data, len);
    while (aura_rtcp_next(&it, &packet) == 1) {
        aura_receiver_rtcp(c->receiver, &packet, now_us);
    }
}

static void first_packet(void *arg, enum aura_kind kind) {
    struct aura_client *c = arg;
    aura_count *when = kind == AURA_KIND_VIDEO ? &c->times.first_video : &c->times.first_audio;
    if (!aura_count_get(when)) {
        aura_count_set(when, aura__client_now(c));
    }
}

static int open_down(struct aura_client *c) {
    static const struct aura_wire_handlers handlers = {
        .connected = down_connected, .failed = wire_failed, .rtp = down_rtp, .rtcp = down_rtcp};
    if (c->down) {
        return 0;
    }
    int err = open_wire(c, &c->down, &handlers, false);
    if (!err) {
        struct aura_receiver_conf conf = {.timers = aura_loop_timers(c->env.loop),
                                          .rand = c->env.rand,
                                          .wire = c->down,
                                          .meter = c->env.meter,
                                          .first = first_packet,
                                          .arg = c,
                                          .watch = c->watch};
        err = aura_receiver_new(&c->receiver, &conf);
    }
    return err;
}

/* ---- descriptions ---- */

static int tell_candidates(struct aura_client *c, bool publisher) {
    struct aura_wire *wire = publisher ? c->up : c->down;
    char text[AURA_WIRE_CANDIDATE_MAX], init[AURA_WIRE_CANDIDATE_MAX + 64];
    int err = 0;
    if (!wire || (publisher ? c->up_lite || !c->answered : c->down_lite || !c->answer_version)) {
        return 0;
    }
    while (!err && aura_wire_next_candidate(wire, text)) {
        Livekit__TrickleRequest trickle = LIVEKIT__TRICKLE_REQUEST__INIT;
        Livekit__SignalRequest m = LIVEKIT__SIGNAL_REQUEST__INIT;
        snprintf(init, sizeof(init), "{\"candidate\":\"%s\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0}",
                 text);
        trickle.candidateinit = init;
        trickle.target =
            publisher ? LIVEKIT__SIGNAL_TARGET__PUBLISHER : LIVEKIT__SIGNAL_TARGET__SUBSCRIBER;
        m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_TRICKLE;
        m.trickle = &trickle;
        err = aura_signal_send(c->signal, &m);
    }
    return err;
}

static int take_remote(struct aura_wire *wire, const struct aura_sdp *sdp, bool we_offered) {
    const struct aura_sdp_transport *t = aura_desc_transport(sdp);
    if (!t) {
        return AURA_EMALFORMED;
    }
    struct aura_wire_remote remote = {
        .ufrag = t->ufrag,
        .pwd = t->pwd,
        .fingerprints = t->fingerprints,
        .fingerprint_count = t->fingerprint_count,
        .controlling = we_offered || sdp->ice_lite,
        /* As the answerer we always take the active part. */
        .active = !we_offered || t->setup == AURA_SDP_SETUP_PASSIVE,
    };
    for (size_t i = 0; i < sdp->section_count; i++) {
        if (sdp->sections[i].kind == AURA_SDP_APPLICATION && sdp->sections[i].port) {
            remote.sctp = true;
            remote.sctp_port = sdp->sections[i].sctp_port;
        }
    }
    int err = aura_wire_set_remote(wire, &remote);
    for (size_t i = 0; !err && i < sdp->section_count; i++) {
        for (size_t j = 0; !err && j < sdp->sections[i].candidate_count; j++) {
            err = aura_wire_add_candidate(wire, sdp->sections[i].candidates[j]);
        }
    }
    return err;
}

static void read_answered(struct aura_client *c, const struct aura_sdp *sdp) {
    for (size_t i = 0; i < sdp->section_count; i++) {
        for (size_t j = 0; j < c->track_count; j++) {
            if (strcmp(sdp->sections[i].mid, c->tracks[j].desc.mid) == 0) {
                aura_desc_section_read(&c->tracks[j].answered, &sdp->sections[i]);
            }
        }
    }
}

int aura__client_on_answer(struct aura_client *c, const char *text) {
    struct aura_sdp *sdp = NULL;
    if (!c->up) {
        return 0;
    }
    int err = aura_sdp_parse(&sdp, text, strlen(text));
    if (!err) {
        read_answered(c, sdp);
        c->answered = true;
        c->up_lite = sdp->ice_lite;
        err = take_remote(c->up, sdp, true);
    }
    if (!err) {
        err = tell_candidates(c, true);
    }
    if (!err && aura_wire_connected(c->up)) {
        start_tracks(c);
    }
    aura_sdp_free(sdp);
    return err;
}

/* For every video track of the offer: the server keeps what it knows already. */
static int ask_quality(struct aura_client *c, const struct aura_sdp *offer) {
    int err = 0;
    for (size_t i = 0; !err && i < offer->section_count; i++) {
        struct aura_desc_section s;
        if (offer->sections[i].kind != AURA_SDP_VIDEO) {
            continue;
        }
        aura_desc_section_read(&s, &offer->sections[i]);
        if (!s.active || !s.track[0]) {
            continue;
        }
        char *sids[1] = {s.track};
        Livekit__UpdateTrackSettings settings = LIVEKIT__UPDATE_TRACK_SETTINGS__INIT;
        Livekit__SignalRequest m = LIVEKIT__SIGNAL_REQUEST__INIT;
        settings.n_track_sids = 1;
        settings.track_sids = sids;
        settings.quality = (Livekit__VideoQuality)(c->quality - AURA_CLIENT_QUALITY_LOW);
        m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_TRACK_SETTING;
        m.track_setting = &settings;
        err = aura_signal_send(c->signal, &m);
    }
    return err;
}

int aura__client_on_offer(struct aura_client *c, const char *text, uint32_t id) {
    struct aura_buf answer = AURA_BUF(AURA_DESC_TEXT_MAX);
    struct aura_sdp *sdp = NULL;
    int err = aura_sdp_parse(&sdp, text, strlen(text));
    if (!err) {
        err = open_down(c);
    }
    if (!err) {
        err = aura_receiver_update(c->receiver, sdp);
    }
    if (!err) {
        c->down_lite = sdp->ice_lite;
        err = take_remote(c->down, sdp, false);
    }
    if (!err) {
        struct aura_desc_local local = local_of(c, c->down, ++c->answer_version);
        err = aura_desc_answer(&answer, &local, sdp);
    }
    if (!err) {
        err = send_description(c, false, &answer, id);
    }
    if (!err) {
        err = tell_candidates(c, false);
    }
    if (!err && c->quality != AURA_CLIENT_QUALITY_ANY) {
        err = ask_quality(c, sdp);
    }
    aura_buf_free(&answer);
    aura_sdp_free(sdp);
    return err;
}

int aura__client_on_trickle(struct aura_client *c, const Livekit__TrickleRequest *t) {
    bool publisher = t->target == LIVEKIT__SIGNAL_TARGET__PUBLISHER;
    struct aura_wire *wire = publisher ? c->up : c->down;
    if (!publisher && !wire && open_down(c) == 0) {
        wire = c->down; /* before the first offer */
    }
    json_t *init = json_loads(t->candidateinit, 0, NULL);
    const char *text = json_string_value(json_object_get(init, "candidate"));
    int err = wire && text ? aura_wire_add_candidate(wire, text) : 0;
    json_decref(init);
    return err ? err : tell_candidates(c, publisher);
}

void aura__client_close_media(struct aura_client *c) {
    aura__client_live_close(c);
    for (size_t i = 0; i < c->track_count; i++) {
        c->tracks[i].publisher = aura_publisher_free(c->tracks[i].publisher);
    }
    aura_wire_close(c->up);
    aura_wire_close(c->down);
    c->receiver = aura_receiver_free(c->receiver);
}
