/* SPDX-License-Identifier: Apache-2.0 */
#include "client/client.h"

#include "base/mem.h"
#include "client/client_priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PING_MS_DEFAULT = 5000, SILENCE_MS_DEFAULT = 15000 };

static const char *const rids[AURA_MEDIA_LAYERS_MAX] = {"q", "h", "f"};

void aura__client_end(struct aura_client *c, int err, const char *why) {
    if (!c->ended) {
        c->ended = true;
        aura_timer_stop(aura_loop_timers(c->env.loop), &c->ping);
        c->handlers.ended(c->arg, err, why);
    }
}

/* ---- keep-alive ---- */

static int send_ping(struct aura_client *c) {
    int64_t now_ms = (int64_t)(aura_wall_us(aura_loop_clock(c->env.loop)) / AURA_US_PER_MS);
    Livekit__Ping ping = LIVEKIT__PING__INIT;
    Livekit__SignalRequest m = LIVEKIT__SIGNAL_REQUEST__INIT;
    ping.timestamp = now_ms;
    m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_PING_REQ;
    m.ping_req = &ping;
    return aura_signal_send(c->signal, &m);
}

static void on_ping(void *arg) {
    struct aura_client *c = arg;
    /* The heap has the place that this timer just left. */
    AURA_BUG_ON(aura_timer_start(aura_loop_timers(c->env.loop), &c->ping, c->ping_us, on_ping, c));
    if (aura__client_now(c) > c->heard_us + c->silence_us) {
        aura__client_end(c, AURA_ETIMEDOUT, "the server does not answer any more");
        return;
    }
    (void)send_ping(c); /* a connection that cannot take it says so itself */
}

/* ---- publishing ---- */

struct size {
    uint32_t width, height;
};

static struct size size_of(const struct aura__client_track *t, size_t layer) {
    const struct aura_client_live *live = &t->conf.live;
    const struct aura_clip *clip = t->conf.clips[layer];
    return live->on ? (struct size){live->width, live->height}
                    : (struct size){clip->width, clip->height};
}

static int send_add_track(struct aura_client *c, const struct aura__client_track *t) {
    Livekit__AddTrackRequest add = LIVEKIT__ADD_TRACK_REQUEST__INIT;
    Livekit__SignalRequest m = LIVEKIT__SIGNAL_REQUEST__INIT;
    Livekit__VideoLayer layers[AURA_MEDIA_LAYERS_MAX], *list[AURA_MEDIA_LAYERS_MAX];
    bool audio = t->desc.codec == AURA_CODEC_OPUS;
    const char *name = t->conf.live.on ? t->conf.live.name : audio ? "audio" : "video";
    struct size best = size_of(t, t->conf.layer_count - 1);
    add.cid = (char *)(uintptr_t)t->cid;
    add.name = (char *)(uintptr_t)name;
    add.type = audio ? LIVEKIT__TRACK_TYPE__AUDIO : LIVEKIT__TRACK_TYPE__VIDEO;
    add.source = audio ? (t->conf.screen ? LIVEKIT__TRACK_SOURCE__SCREEN_SHARE_AUDIO
                                         : LIVEKIT__TRACK_SOURCE__MICROPHONE)
                       : (t->conf.screen ? LIVEKIT__TRACK_SOURCE__SCREEN_SHARE
                                         : LIVEKIT__TRACK_SOURCE__CAMERA);
    add.disable_red = true;
    for (size_t i = 0; !audio && i < t->conf.layer_count; i++) {
        livekit__video_layer__init(&layers[i]);
        layers[i].quality =
            t->conf.layer_count == 1 ? LIVEKIT__VIDEO_QUALITY__HIGH : (Livekit__VideoQuality)i;
        layers[i].width = size_of(t, i).width;
        layers[i].height = size_of(t, i).height;
        list[i] = &layers[i];
    }
    if (!audio) {
        add.width = best.width;
        add.height = best.height;
        add.layers = list;
        add.n_layers = t->conf.layer_count;
    }
    m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_ADD_TRACK;
    m.add_track = &add;
    return aura_signal_send(c->signal, &m);
}

static int publish(struct aura_client *c) {
    int err = 0;
    for (size_t i = 0; !err && i < c->track_count; i++) {
        err = send_add_track(c, &c->tracks[i]);
    }
    return err || c->track_count == 0 ? err : aura__client_publish(c);
}

static void on_track_published(struct aura_client *c, const Livekit__TrackPublishedResponse *r) {
    for (size_t i = 0; r->track && i < c->track_count; i++) {
        if (strcmp(c->tracks[i].cid, r->cid) == 0) {
            strncpy(c->tracks[i].sid, r->track->sid, AURA__CLIENT_SID_MAX);
        }
    }
}

static void on_qualities(struct aura_client *c, const Livekit__SubscribedQualityUpdate *u) {
    for (size_t i = 0; c->dynacast && i < c->track_count; i++) {
        struct aura__client_track *t = &c->tracks[i];
        if (!t->publisher || strcmp(t->sid, u->track_sid) != 0) {
            continue;
        }
        for (size_t j = 0; j < u->n_subscribed_codecs; j++) {
            const Livekit__SubscribedCodec *codec = u->subscribed_codecs[j];
            for (size_t k = 0;
                 aura_codec_parse(codec->codec) == t->desc.codec && k < codec->n_qualities; k++) {
                aura_publisher_enable(t->publisher, (size_t)codec->qualities[k]->quality,
                                      codec->qualities[k]->enabled);
            }
        }
    }
}

/* ---- signalling ---- */

static void tell_participants(struct aura_client *c, Livekit__ParticipantInfo *const *list,
                              size_t count) {
    if (c->handlers.participants) {
        c->handlers.participants(c->arg, list, count);
    }
}

static int on_join(struct aura_client *c, const Livekit__JoinResponse *join) {
    tell_participants(c, join->other_participants, join->n_other_participants);
    aura_count_set(&c->times.joined, aura__client_now(c));
    c->subscriber_primary = join->subscriber_primary;
    c->ping_us = join->ping_interval > 0 ? (uint64_t)join->ping_interval * AURA_US_PER_S
                                         : PING_MS_DEFAULT * AURA_US_PER_MS;
    c->silence_us = join->ping_timeout > 0 ? (uint64_t)join->ping_timeout * AURA_US_PER_S
                                           : SILENCE_MS_DEFAULT * AURA_US_PER_MS;
    int err = aura_timer_start(aura_loop_timers(c->env.loop), &c->ping, c->ping_us, on_ping, c);
    return err ? err : publish(c);
}

static void on_leave(struct aura_client *c, const Livekit__LeaveRequest *leave) {
    char why[96];
    c->sent_away = leave->action == LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT &&
                   !leave->can_reconnect &&
                   leave->reason != LIVEKIT__DISCONNECT_REASON__SERVER_SHUTDOWN;
    snprintf(why, sizeof(why), "the server ended the session (reason %d)", (int)leave->reason);
    aura__client_end(c, AURA_ECLOSED, why);
}

static void on_request_response(struct aura_client *c, const Livekit__RequestResponse *r) {
    char why[160];
    if (r->reason != LIVEKIT__REQUEST_RESPONSE__REASON__OK) {
        snprintf(why, sizeof(why), "the server refused a request (reason %d): %s", (int)r->reason,
                 r->message);
        aura__client_end(c, AURA_EPOLICY, why);
    }
}

static void signal_opened(void *arg) {
    (void)arg; /* the join response comes by itself */
}

static void signal_message(void *arg, const Livekit__SignalResponse *m) {
    struct aura_client *c = arg;
    int err = 0;
    if (c->ended) {
        /* The media connection may have ended first. */
        if (m->message_case == LIVEKIT__SIGNAL_RESPONSE__MESSAGE_LEAVE) {
            on_leave(c, m->leave);
        }
        return;
    }
    c->heard_us = aura__client_now(c);
    switch ((int)m->message_case) {
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_JOIN:
        err = on_join(c, m->join);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_ANSWER:
        err = aura__client_on_answer(c, m->answer->sdp);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_OFFER:
        err = aura__client_on_offer(c, m->offer->sdp, m->offer->id);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_TRICKLE:
        err = aura__client_on_trickle(c, m->trickle);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_TRACK_PUBLISHED:
        on_track_published(c, m->track_published);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_SUBSCRIBED_QUALITY_UPDATE:
        on_qualities(c, m->subscribed_quality_update);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE:
        on_request_response(c, m->request_response);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_UPDATE:
        tell_participants(c, m->update->participants, m->update->n_participants);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_REFRESH_TOKEN:
        if (c->handlers.token) {
            c->handlers.token(c->arg, m->refresh_token);
        }
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_LEAVE:
        on_leave(c, m->leave);
        break;
    default: /* what others do is of no interest here */
        break;
    }
    if (err) {
        aura__client_end(c, err, "a message of the server could not be followed");
    }
}

static void signal_closed(void *arg, int err, const char *why) {
    aura__client_end(arg, err, why);
}

/* ---- life ---- */

static void init_track(struct aura_client *c, size_t i, const struct aura_client_track *conf) {
    struct aura__client_track *t = &c->tracks[i];
    const struct aura_client_live *live = &conf->live;
    t->conf = *conf;
    t->conf.layer_count = live->on ? 1 : conf->layer_count;
    if (live->on) {
        t->desc.live = true;
        t->desc.codec = live->audio ? AURA_CODEC_OPUS : live->av1 ? AURA_CODEC_AV1 : AURA_CODEC_VP8;
        t->desc.other = !live->audio && live->av1 ? AURA_CODEC_VP8 : AURA_CODEC_NONE;
    } else {
        t->desc.codec = conf->clips[0]->codec;
    }
    t->desc.layer_count = t->conf.layer_count;
    t->desc.cname = c->cname;
    t->desc.cid = t->cid;
    aura_rand_text(c->env.rand, t->cid, AURA__CLIENT_ID_LEN);
    snprintf(t->desc.mid, sizeof(t->desc.mid), "%u", (unsigned)i);
    for (size_t k = 0; k < t->conf.layer_count; k++) {
        t->desc.rids[k] = rids[k];
        t->desc.ssrcs[k] = aura_rand_u32(c->env.rand) | 1;
        t->desc.rtx_ssrcs[k] = aura_desc_rtx_pt(t->desc.codec) ? aura_rand_u32(c->env.rand) | 1 : 0;
    }
}

int aura_client_new(struct aura_client **out, const struct aura_client_env *env,
                    const struct aura_client_conf *conf,
                    const struct aura_client_handlers *handlers, void *arg) {
    static const struct aura_signal_handlers signal_handlers = {signal_opened, signal_message,
                                                                signal_closed};
    AURA_REQUIRE(conf->track_count <= AURA_CLIENT_TRACKS_MAX, AURA_EINVAL);
    struct aura_client *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return AURA_ENOMEM;
    }
    c->env = *env;
    c->handlers = *handlers;
    c->arg = arg;
    c->subscribe = conf->subscribe;
    c->dynacast = conf->dynacast;
    c->quality = conf->quality;
    c->twcc_seq = (uint16_t)aura_rand_u32(env->rand);
    aura_rand_text(env->rand, c->cname, AURA__CLIENT_ID_LEN);
    c->track_count = conf->track_count;
    for (size_t i = 0; i < c->track_count; i++) {
        init_track(c, i, &conf->tracks[i]);
    }
    c->watch = conf->watch;
    aura_count_set(&c->times.started, aura__client_now(c));
    int err = aura__client_live_init(c);
    if (!err) {
        err = aura_signal_open(&c->signal, env->signals, conf->url, conf->token, conf->subscribe,
                               &signal_handlers, c);
    }
    if (err) {
        aura__client_live_close(c);
        aura_free(c);
        return err;
    }
    *out = c;
    return 0;
}

struct aura_client *aura_client_free(struct aura_client *c) {
    if (!c) {
        return NULL;
    }
    Livekit__LeaveRequest leave = LIVEKIT__LEAVE_REQUEST__INIT;
    Livekit__SignalRequest m = LIVEKIT__SIGNAL_REQUEST__INIT;
    leave.reason = LIVEKIT__DISCONNECT_REASON__CLIENT_INITIATED;
    m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_LEAVE;
    m.leave = &leave;
    (void)aura_signal_send(c->signal, &m); /* closed already: then nobody needs it */
    aura_signal_close(c->signal);
    aura__client_close_media(c);
    aura_timer_stop(aura_loop_timers(c->env.loop), &c->ping);
    aura_free(c);
    return NULL;
}

bool aura_client_was_sent_away(const struct aura_client *c) {
    return c->sent_away;
}

const struct aura_client_times *aura_client_times(const struct aura_client *c) {
    return &c->times;
}

void aura_client_streams(const struct aura_client *c, size_t *described, size_t *flowing) {
    *described = c->receiver ? aura_receiver_streams(c->receiver) : 0;
    *flowing = c->receiver ? aura_receiver_flowing(c->receiver) : 0;
}
