/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says, handed to whoever it concerns. */
#include "room/room_priv.h"

#include "base/log.h"

#include <string.h>

/* LiveKit's ICE gives up after 10 + 5 s; without signalling and without media nobody is there. */
enum { GONE_S = 15 };

void aura__respond(struct participant *p, uint32_t request_id,
                   Livekit__RequestResponse__Reason reason, const char *text) {
    Livekit__RequestResponse response = LIVEKIT__REQUEST_RESPONSE__INIT;
    response.request_id = request_id;
    response.reason = reason;
    response.message = (char *)(uintptr_t)text;
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE;
    m.request_response = &response;
    aura__send(p, &m);
}

static int64_t wall_ms(const struct participant *p) {
    return (int64_t)(aura_wall_us(p->room->rooms->clock) / AURA_US_PER_MS);
}

static void on_ping(struct participant *p) {
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_PONG;
    m.pong = wall_ms(p);
    aura__send(p, &m);
}

static void on_ping_request(struct participant *p, const Livekit__Ping *ping) {
    Livekit__Pong pong = LIVEKIT__PONG__INIT;
    pong.last_ping_timestamp = ping->timestamp;
    pong.timestamp = wall_ms(p);
    Livekit__SignalResponse m = LIVEKIT__SIGNAL_RESPONSE__INIT;
    m.message_case = LIVEKIT__SIGNAL_RESPONSE__MESSAGE_PONG_RESP;
    m.pong_resp = &pong;
    aura__send(p, &m);
}

static void on_mute(struct participant *p, const Livekit__MuteTrackRequest *q) {
    struct track *t = aura__track_by_sid(p, q->sid);
    if (t) {
        aura__publish_mute(t, q->muted);
    }
}

static void on_metadata(struct participant *p, const Livekit__UpdateParticipantMetadata *q) {
    if (!p->may.update_metadata) {
        aura__respond(p, q->request_id, LIVEKIT__REQUEST_RESPONSE__REASON__NOT_ALLOWED,
                      "the token lacks canUpdateOwnMetadata");
        return;
    }
    const char *keys[AURA_TOKEN_ATTRIBUTES_MAX], *values[AURA_TOKEN_ATTRIBUTES_MAX];
    struct aura__change change = {
        .name = q->name, .metadata = q->metadata, .keys = keys, .values = values};
    int err = q->n_attributes > AURA_TOKEN_ATTRIBUTES_MAX ? AURA_ELIMIT : 0;
    for (size_t i = 0; !err && i < q->n_attributes; i++) {
        keys[i] = q->attributes[i]->key;
        values[i] = q->attributes[i]->value;
        change.attribute_count++;
    }
    err = err ? err : aura__participant_change(p, &change);
    if (err) {
        aura__respond(p, q->request_id, LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED,
                      "name, metadata or attributes exceed their limit");
        return;
    }
    aura__broadcast(p, true);
    aura__send_refresh_token(p);
    if (p->client && p->client->protocol > 14) {
        aura__respond(p, q->request_id, LIVEKIT__REQUEST_RESPONSE__REASON__OK, "");
    }
}

static void on_video_update(struct participant *p, const Livekit__UpdateLocalVideoTrack *q) {
    struct track *t = aura__track_by_sid(p, q->track_sid);
    if (t) {
        t->request->width = q->width;
        t->request->height = q->height;
        aura__broadcast(p, true);
    }
}

static void on_audio_update(struct participant *p, const Livekit__UpdateLocalAudioTrack *q) {
    struct track *t = aura__track_by_sid(p, q->track_sid);
    size_t n = q->n_features < 16 ? q->n_features : 16;
    Livekit__AudioTrackFeature *list = t ? aura_calloc(n, sizeof(*list)) : NULL;
    if (list) {
        memcpy(list, q->features, n * sizeof(*list));
        aura_free(t->request->audio_features);
        t->request->audio_features = list;
        t->request->n_audio_features = n;
        aura__broadcast(p, true);
    }
}

static void on_sync(struct participant *p, const Livekit__SyncState *q) {
    for (size_t i = 0; i < q->n_track_sids_disabled; i++) {
        char *sids[] = {q->track_sids_disabled[i]};
        Livekit__UpdateTrackSettings off = LIVEKIT__UPDATE_TRACK_SETTINGS__INIT;
        off.n_track_sids = 1;
        off.track_sids = sids;
        off.disabled = 1;
        aura__subscribe_settings(p, &off);
    }
    aura__replay_to(p, q);
}

static void on_simulate(struct participant *p, const Livekit__SimulateScenario *q) {
    if (q->scenario_case == LIVEKIT__SIMULATE_SCENARIO__SCENARIO_SERVER_LEAVE) {
        aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__SERVER_SHUTDOWN,
                                LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
    } else if (q->scenario_case == LIVEKIT__SIMULATE_SCENARIO__SCENARIO_MIGRATION ||
               q->scenario_case == LIVEKIT__SIMULATE_SCENARIO__SCENARIO_NODE_FAILURE ||
               q->scenario_case ==
                   LIVEKIT__SIMULATE_SCENARIO__SCENARIO_LEAVE_REQUEST_FULL_RECONNECT) {
        aura__send_leave(p, LIVEKIT__DISCONNECT_REASON__MIGRATION,
                         LIVEKIT__LEAVE_REQUEST__ACTION__RECONNECT);
    } /* scenarios of networks are played by the test's own network */
}

static void dispatch(struct participant *p, const Livekit__SignalRequest *q) {
    switch (q->message_case) {
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_OFFER:
        aura__connect_offer(p, q->offer);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_ANSWER:
        aura__connect_answer(p, q->answer);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_ADD_TRACK:
        aura__publish_request(p, q->add_track);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_MUTE:
        on_mute(p, q->mute);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_SUBSCRIPTION:
        aura__subscribe_request(p, q->subscription);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_TRACK_SETTING:
        aura__subscribe_settings(p, q->track_setting);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_LEAVE:
        aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__CLIENT_INITIATED,
                                LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_SUBSCRIPTION_PERMISSION:
        aura__subscribe_permission(p, q->subscription_permission);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_SYNC_STATE:
        on_sync(p, q->sync_state);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_SIMULATE:
        on_simulate(p, q->simulate);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_PING:
        on_ping(p);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_PING_REQ:
        on_ping_request(p, q->ping_req);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_UPDATE_METADATA:
        on_metadata(p, q->update_metadata);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_UPDATE_AUDIO_TRACK:
        on_audio_update(p, q->update_audio_track);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_UPDATE_VIDEO_TRACK:
        on_video_update(p, q->update_video_track);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_PUBLISH_DATA_TRACK_REQUEST:
        aura__data_track_publish(p, q->publish_data_track_request);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_UNPUBLISH_DATA_TRACK_REQUEST:
        aura__data_track_unpublish(p, q->unpublish_data_track_request);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_UPDATE_DATA_SUBSCRIPTION:
        aura__data_track_subscribe(p, q->update_data_subscription);
        break;
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_TRICKLE:       /* ICE-lite learns addresses from checks */
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_UPDATE_LAYERS: /* deprecated */
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE__NOT_SET:      /* from a newer client */
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_STORE_DATA_BLOB_REQUEST:
    case LIVEKIT__SIGNAL_REQUEST__MESSAGE_GET_DATA_BLOB_REQUEST:
    case _LIVEKIT__SIGNAL_REQUEST__MESSAGE__CASE_IS_INT_SIZE:
        break;
    }
}

static void complain(const struct aura_session *s, enum aura_log_level level, const char *event,
                     size_t len) {
    if (s->p) {
        AURA_LOG_LIMITED("room", level, event, LOG_WHO(s->p), AURA_I("bytes", len));
    } else { /* nobody to resume */
        AURA_LOG_LIMITED("room", level, event, AURA_I("bytes", len));
    }
}

int aura_session_recv(struct aura_session *s, const uint8_t *data, size_t len) {
    struct aura_rooms *r = s->rooms;
    r->stats.signals_in++;
    uint32_t weight = 1 + (uint32_t)(len / SIGNAL_WEIGHT_BYTES);
    if (!aura__pace_take(&s->pace, r->conf.signal_rate, weight, aura_now_us(r->clock))) {
        r->stats.bad_signals++;
        complain(s, AURA_LOG_INFO, "too_many_signals", len);
        return AURA_ELIMIT;
    }
    Livekit__SignalRequest *q =
        len <= SIGNAL_IN_MAX ? livekit__signal_request__unpack(aura_pb_allocator(), len, data)
                             : NULL;
    if (!q) {
        r->stats.bad_signals++;
        complain(s, AURA_LOG_DEBUG, "bad_signal", len);
        return AURA_EMALFORMED;
    }
    if (s->p && s->started) {
        dispatch(s->p, q);
    }
    aura__pb_free(q);
    return 0;
}

static void on_gone(void *arg) {
    struct participant *p = arg;
    const struct transport *primary = p->single || !p->sub.peer ? &p->pub : &p->sub;
    if (primary->connected) { /* media still flows: ICE decides */
        return;
    }
    aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__SIGNAL_CLOSE,
                            LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
}

void aura_session_closed(struct aura_session *s) {
    struct participant *p = s->p;
    if (p) {
        p->session = NULL;
        const struct transport *primary = p->single || !p->sub.peer ? &p->pub : &p->sub;
        bool early = !s->started || p->state != LIVEKIT__PARTICIPANT_INFO__STATE__ACTIVE;
        /* Some SDKs close both connections without waiting for their leave to be sent. */
        if (early || primary->dead || s->rooms->draining ||
            aura_timer_start(p->room->rooms->timers, &p->gone_timer, GONE_S * AURA_US_PER_S,
                             on_gone, p)) {
            aura__participant_leave(p, LIVEKIT__DISCONNECT_REASON__SIGNAL_CLOSE,
                                    LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
        }
    }
    aura__pb_free(s->request);
    aura_free(s);
}
