/* SPDX-License-Identifier: Apache-2.0 */
/* The peer connections of a participant: offers, answers, candidates, their state. */
#include "room/measure.h"
#include "room/player.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

/* ---- handlers of the negotiation: `arg` is the transport ---- */

static void on_pub_options(void *arg, const struct aura_neg_offered *offered,
                           struct aura_neg_pub_options *options) {
    aura__publish_options(((struct transport *)arg)->p, offered, options);
}

static void on_published(void *arg, const struct aura_neg_pub *pub, bool changed) {
    struct transport *t = arg;
    (void)changed;
    aura__publish_section(t->p, t->peer, pub);
}

static void on_unpublished(void *arg, const char *mid) {
    aura__publish_section_gone(((struct transport *)arg)->p, mid);
}

static void on_sub_ready(void *arg, struct aura_neg_sub *sub,
                         const struct aura_neg_sub_media *media) {
    struct participant *p = ((struct transport *)arg)->p;
    if (p->player) {
        aura__player_ready(p, sub, media);
        return;
    }
    aura__subscribe_ready(aura_neg_sub_user(sub), media);
}

static void on_sub_lost(void *arg, struct aura_neg_sub *sub) {
    if (((struct transport *)arg)->p->player) {
        aura__player_lost(sub);
        return;
    }
    aura__subscribe_lost(aura_neg_sub_user(sub));
}

static void on_sub_unsupported(void *arg, struct aura_neg_sub *sub) {
    if (((struct transport *)arg)->p->player) {
        return; /* the section is refused, and its place stays empty */
    }
    aura__subscribe_unsupported(aura_neg_sub_user(sub));
}

static const struct aura_neg_handlers neg_handlers = {.pub_options = on_pub_options,
                                                      .published = on_published,
                                                      .unpublished = on_unpublished,
                                                      .sub_ready = on_sub_ready,
                                                      .sub_lost = on_sub_lost,
                                                      .sub_unsupported = on_sub_unsupported};

/* ---- open and close ---- */

static int open_transport(struct participant *p, struct transport *t, enum aura_neg_role role) {
    struct aura_rooms *r = p->room->rooms;
    bool subscriber = role == AURA_NEG_SUBSCRIBER;
    const char *dump_of = r->conf.dump_of;
    struct aura_sfu_peer_conf conf = {.offerer = subscriber,
                                      .ceiling_kbps = subscriber ? 0 : r->conf.publisher_kbps,
                                      .open_data_channels = subscriber,
                                      .dump = !dump_of || strcmp(dump_of, p->claims.identity) == 0};
    char pwd[AURA_ICE_PWD_LEN + 1];
    struct aura_sfu_candidate candidates[AURA_SFU_CANDIDATES_MAX];
    aura__about(p, NULL, &conf.about);
    t->p = p;
    t->target = subscriber ? LIVEKIT__SIGNAL_TARGET__SUBSCRIBER : LIVEKIT__SIGNAL_TARGET__PUBLISHER;
    /* Both connections of a participant on one worker: else, made in turns, all that publish would
     * meet on one worker and all that subscribe on the other. */
    uint32_t affinity =
        p->pub.peer && t != &p->pub ? aura_sfu_peer_affinity(p->pub.peer) : UINT32_MAX;
    int err =
        aura_fleet_peer_new(&r->reach, p->media_node, &conf, affinity, &t->peer, t->ufrag, pwd);
    if (err && p->media_node && !p->pub.peer) { /* that node went this very moment */
        p->media_node = 0;
        err = aura_fleet_peer_new(&r->reach, 0, &conf, affinity, &t->peer, t->ufrag, pwd);
    }
    if (err) {
        return err;
    }
    struct aura_neg_conf neg = {.role = role,
                                .rand = r->conf.rand,
                                .ufrag = t->ufrag,
                                .pwd = pwd,
                                .fingerprint = aura_fleet_peer_fingerprint(&r->reach, t->peer),
                                .candidates = candidates,
                                .candidate_count =
                                    aura_fleet_peer_candidates(&r->reach, t->peer, candidates),
                                .plays = p->plays,
                                .playout = p->room->playout.on,
                                .codecs = r->conf.codecs};
    err = aura_neg_new(&t->neg, &neg, &neg_handlers, t);
    aura_wipe(pwd, sizeof(pwd));
    return err ? err : aura_map_put_u64(r->peers, t->peer, t);
}

static void close_transport(struct participant *p, struct transport *t) {
    struct aura_rooms *r = p->room->rooms;
    if (t->peer) {
        aura_map_del_u64(r->peers, t->peer);
        aura_fleet_peer_close(&r->reach, t->peer);
    }
    t->neg = aura_neg_free(t->neg);
    t->peer = 0;
    t->connected = false;
}

int aura__connect_open(struct participant *p) {
    if (p->single) {
        return open_transport(p, &p->pub, AURA_NEG_SINGLE);
    }
    int err = open_transport(p, &p->pub, AURA_NEG_PUBLISHER);
    return err || !p->may.subscribe ? err : open_transport(p, &p->sub, AURA_NEG_SUBSCRIBER);
}

void aura__connect_subscriber(struct participant *p) {
    if (p->single || p->sub.peer) {
        return;
    }
    int err = open_transport(p, &p->sub, AURA_NEG_SUBSCRIBER);
    if (err) {
        close_transport(p, &p->sub);
        AURA_LOG_LIMITED("room", AURA_LOG_ERROR, "no_connection_for_subscriptions", LOG_WHO(p),
                         AURA_S("why", aura_err_text(err)));
        return;
    }
    aura__connect_negotiate(p);
}

void aura__connect_close(struct participant *p) {
    close_transport(p, &p->pub);
    close_transport(p, &p->sub);
}

struct transport *aura__connect_down(struct participant *p) {
    return p->single ? &p->pub : p->sub.peer ? &p->sub : &p->pub;
}

/* ---- messages ---- */

static void send_description(struct transport *t, bool offer, uint32_t id, struct aura_buf *sdp) {
    aura__measure_operation(t->p->room->rooms, offer ? "offer" : "answer", NULL);
    aura__measure_connection(t, AURA__STARTED);
    Livekit__SessionDescription d = LIVEKIT__SESSION_DESCRIPTION__INIT;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    d.type = (char *)(uintptr_t)(offer ? "offer" : "answer");
    d.sdp = (char *)sdp->data;
    d.id = id;
    m.message_case =
        offer ? LIVEKIT__SIGNAL_RESPONSE__MESSAGE_OFFER : LIVEKIT__SIGNAL_RESPONSE__MESSAGE_ANSWER;
    if (offer) {
        m.offer = &d;
    } else {
        m.answer = &d;
    }
    aura__send(t->p, &m);
}

struct mid_map {
    struct aura__arena *arena;
    Livekit__SessionDescription *d;
};

static void add_mid(void *arg, const char *mid, const char *track_sid) {
    struct mid_map *map = arg;
    Livekit__SessionDescription__MidToTrackIdEntry *e = aura__arena_take(map->arena, sizeof(*e));
    if (e && map->d->n_mid_to_track_id < AURA_NEG_SUBS_MAX) {
        livekit__session_description__mid_to_track_id_entry__init(e);
        e->key = (char *)(uintptr_t)mid;
        e->value = (char *)(uintptr_t)track_sid;
        map->d->mid_to_track_id[map->d->n_mid_to_track_id++] = e;
    }
}

/* The answer on a single connection names the track of each section: browsers there choose track
 * ids of their own (trap 8). */
static void send_single_answer(struct transport *t, uint32_t id, struct aura_buf *sdp) {
    struct aura__arena a = {.blocks = NULL};
    Livekit__SessionDescription d = LIVEKIT__SESSION_DESCRIPTION__INIT;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    d.type = (char *)(uintptr_t) "answer";
    d.sdp = (char *)sdp->data;
    d.id = id;
    d.mid_to_track_id = aura__arena_take(&a, AURA_NEG_SUBS_MAX * sizeof(void *));
    struct mid_map map = {&a, &d};
    if (d.mid_to_track_id) {
        aura_neg_mid_map(t->neg, add_mid, &map);
    }
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_ANSWER;
    m.answer = &d;
    if (!a.fail) {
        aura__measure_operation(t->p->room->rooms, "answer", NULL);
        aura__measure_connection(t, AURA__STARTED);
        aura__send(t->p, &m);
    }
    aura__arena_free(&a);
}

void aura__connect_trickle(struct participant *p, struct transport *t) {
    struct aura_sfu_candidate list[AURA_SFU_CANDIDATES_MAX];
    size_t n = aura_fleet_peer_candidates(&p->room->rooms->reach, t->peer, list);
    for (size_t i = 0; i < n; i++) {
        char ip[AURA_ADDR_TEXT_MAX], json[320];
        snprintf(
            json, sizeof(json),
            "{\"candidate\":\"candidate:%zu 1 %s %u %s %u typ host%s ufrag %s\",\"sdpMid\":\"0\","
            "\"sdpMLineIndex\":0,\"usernameFragment\":null}",
            i + 1, list[i].tcp ? "tcp" : "udp", list[i].priority,
            aura_addr_ip_text(&list[i].addr, ip), list[i].addr.port,
            list[i].tcp ? " tcptype passive" : "", t->ufrag);
        Livekit__TrickleRequest trickle = LIVEKIT__TRICKLE_REQUEST__INIT;
        trickle.candidateinit = json;
        trickle.target = t->target;
        trickle.final = i + 1 == n;
        Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
        m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_TRICKLE;
        m.trickle = &trickle;
        aura__send(p, &m);
    }
}

/* ---- negotiation ---- */

static void fail(struct transport *t, const char *what, int err) {
    struct participant *p = t->p;
    /* By LiveKit's names: reading theirs failed, or making ours. */
    bool answer = strcmp(what, "answer") == 0, offer = strcmp(what, "offer") == 0;
    aura__measure_operation(p->room->rooms, answer ? "answer" : "offer",
                            answer || offer ? "remote_description" : "create");
    AURA_LOG_LIMITED("room", AURA_LOG_WARN, "negotiation_failed", LOG_WHO(p), AURA_S("step", what),
                     AURA_S("why", aura_err_text(err)));
    aura__send_leave(p, LIVEKIT__DISCONNECT_REASON__JOIN_FAILURE,
                     LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT);
}

static int restart_ice(struct transport *t) {
    struct aura_rooms *r = t->p->room->rooms;
    char pwd[AURA_ICE_PWD_LEN + 1];
    int err = aura_fleet_peer_restart_ice(&r->reach, t->peer, t->ufrag, pwd);
    if (!err) {
        err = aura_neg_set_credentials(t->neg, t->ufrag, pwd);
    }
    aura_wipe(pwd, sizeof(pwd));
    return err;
}

static int answer_offer(struct transport *t, const Livekit__SessionDescription *d,
                        struct aura_buf *sdp, bool *trickle) {
    struct aura_neg_remote remote;
    int err = aura_neg_read_offer(t->neg, d->sdp, strlen(d->sdp), &remote);
    if (err) {
        return err;
    }
    *trickle = remote.ice_restart || t->offer_id == 0;
    if (remote.ice_restart) {
        err = restart_ice(t);
    }
    err = err ? err : aura_fleet_peer_set_remote(&t->p->room->rooms->reach, t->peer, &remote.pc);
    return err ? err : aura_neg_answer(t->neg, sdp);
}

void aura__connect_offer(struct participant *p, const Livekit__SessionDescription *d) {
    struct transport *t = &p->pub;
    struct aura_buf sdp = AURA_BUF(SDP_OUT_MAX);
    bool trickle = false;
    p->requirement_out = false;
    aura_trace_start(p->trace, AURA_TRACE_NEGOTIATION, AURA_TRACE_PUBLISHER);
    int err = answer_offer(t, d, &sdp, &trickle);
    if (err) {
        fail(t, "offer", err);
    } else {
        t->offer_id = d->id ? d->id : 1;
        if (p->single) {
            send_single_answer(t, d->id, &sdp);
        } else {
            send_description(t, false, d->id, &sdp);
        }
        aura_trace_stop(p->trace, AURA_TRACE_NEGOTIATION, AURA_TRACE_PUBLISHER);
        aura_trace_start(p->trace, AURA_TRACE_ICE, AURA_TRACE_PUBLISHER);
        if (trickle) {
            aura__connect_trickle(p, t);
        }
        aura__connect_negotiate(p); /* more may have come meanwhile */
    }
    aura_buf_free(&sdp);
}

void aura__connect_answer(struct participant *p, const Livekit__SessionDescription *d) {
    struct transport *t = &p->sub;
    struct aura_neg_remote remote;
    if (!t->neg) {
        return;
    }
    int err = aura_neg_read_answer(t->neg, d->id, d->sdp, strlen(d->sdp), &remote);
    if (err == AURA_ESTALE) {
        return;
    }
    err = err ? err : aura_fleet_peer_set_remote(&p->room->rooms->reach, t->peer, &remote.pc);
    if (err) {
        fail(t, "answer", err);
        return;
    }
    aura_trace_stop(p->trace, AURA_TRACE_NEGOTIATION, AURA_TRACE_SUBSCRIBER);
    aura_trace_start(p->trace, AURA_TRACE_ICE, AURA_TRACE_SUBSCRIBER);
    aura__connect_negotiate(p);
}

static void negotiate_single(struct participant *p) {
    if (!aura_neg_needs_offer(p->pub.neg) || p->requirement_out || p->pub.offer_id == 0) {
        return;
    }
    Livekit__MediaSectionsRequirement need = LIVEKIT__MEDIA_SECTIONS_REQUIREMENT__INIT;
    aura_neg_sections_needed(p->pub.neg, &need.num_audios, &need.num_videos);
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_MEDIA_SECTIONS_REQUIREMENT;
    m.media_sections_requirement = &need;
    p->requirement_out = true;
    aura__send(p, &m);
}

static void negotiate_subscriber(struct participant *p) {
    struct transport *t = &p->sub;
    if (!t->neg || !aura_neg_needs_offer(t->neg)) {
        return;
    }
    struct aura_buf sdp = AURA_BUF(SDP_OUT_MAX);
    uint32_t id = 0;
    aura_trace_start(p->trace, AURA_TRACE_NEGOTIATION, AURA_TRACE_SUBSCRIBER);
    int err = aura_neg_make_offer(t->neg, &sdp, &id);
    if (!err) {
        bool first = t->offer_id == 0;
        t->offer_id = id;
        send_description(t, true, id, &sdp);
        if (first) {
            aura__connect_trickle(p, t);
        }
    } else {
        fail(t, "make offer", err);
    }
    aura_buf_free(&sdp);
}

static void on_negotiate(void *arg) {
    struct participant *p = arg;
    if (!p->session) {
        return; /* a resume does it */
    }
    if (p->single) {
        negotiate_single(p);
    } else {
        negotiate_subscriber(p);
    }
}

void aura__connect_negotiate(struct participant *p) {
    struct aura_rooms *r = p->room->rooms;
    if (!p->closing && !aura_timer_running(&p->negotiate_timer) &&
        aura_timer_start(r->timers, &p->negotiate_timer, 0, on_negotiate, p)) {
        on_negotiate(p);
    }
}

void aura__connect_resume(struct participant *p) {
    p->requirement_out = false;
    if (!p->single && p->sub.neg) {
        /* Here we offer, so the restart is ours to begin. */
        if (restart_ice(&p->sub) == 0) {
            aura__connect_trickle(p, &p->sub);
        }
    }
    aura__connect_negotiate(p);
}

/* ---- state ---- */

static void trace_state(struct transport *t, enum aura_pc_state state) {
    struct aura_trace *trace = t->p->trace;
    enum aura_trace_end end = t == &t->p->sub ? AURA_TRACE_SUBSCRIBER : AURA_TRACE_PUBLISHER;
    if (state == AURA_PC_CONNECTING || state == AURA_PC_CONNECTED) {
        aura_trace_stop(trace, AURA_TRACE_ICE, end);
        aura_trace_start(trace, AURA_TRACE_DTLS, end);
    }
    if (state == AURA_PC_CONNECTED) {
        aura_trace_stop(trace, AURA_TRACE_DTLS, end);
        aura_trace_start(trace, AURA_TRACE_MEDIA, end);
        if (t->p->single) {
            aura_trace_start(trace, AURA_TRACE_MEDIA, AURA_TRACE_SUBSCRIBER);
        }
    }
}

void aura__connect_state(struct transport *t, enum aura_pc_state state) {
    struct participant *p = t->p;
    struct transport *primary = p->single || !p->sub.peer ? &p->pub : &p->sub;
    t->connected = state == AURA_PC_CONNECTED;
    t->dead = state == AURA_PC_FAILED;
    trace_state(t, state);
    if (state == AURA_PC_CONNECTING || state == AURA_PC_CONNECTED) {
        aura__measure_connection(t, t->connected ? AURA__CONNECTED : AURA__ICE_CONNECTED);
    }
    if (state == AURA_PC_CONNECTED && t == primary) {
        aura__participant_active(p);
    } else if (state == AURA_PC_FAILED && t == primary && !p->session) {
        aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__CONNECTION_TIMEOUT,
                                LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
    } else if (state == AURA_PC_FAILED) {
        aura__send_leave(p, LIVEKIT__DISCONNECT_REASON__MEDIA_FAILURE,
                         LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT);
    }
}
