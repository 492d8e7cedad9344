/* SPDX-License-Identifier: Apache-2.0 */
#include "api/whip_session.h"

#include "base/log.h"
#include "base/mem.h"
#include "sfu/about.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct aura__whip_session {
    struct aura_timers *timers;
    struct aura_timer end_timer;
    aura__whip_ended_fn *ended;
    void *arg;
    struct aura_session *session;
    char id[AURA_WHIP_ID_LEN + 1];
    char *room, *identity;
    struct aura_sfu_about about;
    bool plays, left;
    char *offer;             /* the client's, as it came: an ICE restart repeats it */
    struct aura_buf answer;  /* ours, the newest */
    bool answered;           /* since the last offer */
    struct aura_buf refusal; /* why a track was refused */
    struct aura_whip_ice ice;
    char etag[AURA_WHIP_CREDENTIAL_MAX + 3];
    struct aura_buf links[AURA_WHIP_ICE_SERVERS_MAX];
    size_t link_count;
};

static int deny(struct aura_denial *d, int status, int err, const char *why) {
    d->status = status;
    snprintf(d->text, sizeof(d->text), "%s", why);
    return err;
}

/* ---- what the room says ---- */

/* RFC 9725 section 4.6. Texts are the operator's: one with a quote in it would end early. */
static void keep_link(struct aura__whip_session *s, const char *url, const char *username,
                      const char *credential) {
    if (s->link_count == AURA_WHIP_ICE_SERVERS_MAX || strpbrk(url, "<>\"\r\n") ||
        strpbrk(username, "\"\r\n") || strpbrk(credential, "\"\r\n")) {
        return;
    }
    struct aura_buf *link = &s->links[s->link_count];
    *link = AURA_BUF(AURA_WHIP_LINK_BYTES_MAX);
    (void)!aura_buf_printf(link, "<%s>; rel=\"ice-server\"", url);
    if (username[0]) {
        (void)!aura_buf_printf(link,
                               "; username=\"%s\"; credential=\"%s\"; credential-type=\"password\"",
                               username, credential);
    }
    if (link->err) {
        aura_buf_free(link);
        return;
    }
    s->link_count++;
}

static void on_join(struct aura__whip_session *s, const Livekit__JoinResponse *join) {
    for (size_t i = 0; i < join->n_ice_servers; i++) {
        const Livekit__ICEServer *server = join->ice_servers[i];
        for (size_t k = 0; k < server->n_urls; k++) {
            keep_link(s, server->urls[k], server->username, server->credential);
        }
    }
}

static void on_answer(struct aura__whip_session *s, const char *sdp) {
    struct aura_whip_ice ours;
    aura_buf_clear(&s->answer);
    s->answered =
        aura_buf_str(&s->answer, sdp) == 0 && aura_whip_ice_read(&ours, sdp, strlen(sdp)) == 0;
    if (s->answered) {
        snprintf(s->etag, sizeof(s->etag), "\"%s\"", ours.ufrag);
    }
}

static void on_end(void *arg) {
    struct aura__whip_session *s = arg;
    s->ended(s->arg, s);
}

/* Not from inside the room's call. */
static void end_soon(struct aura__whip_session *s) {
    if (s->ended && !aura_timer_running(&s->end_timer) &&
        aura_timer_start(s->timers, &s->end_timer, 0, on_end, s)) {
        AURA_LOG_LIMITED("whip", AURA_LOG_WARN, "no_memory_for_timer", LOG_ABOUT(&s->about),
                         AURA_S("session", s->id));
    }
}

static void sink_send(void *arg, const uint8_t *message, size_t len) {
    struct aura__whip_session *s = arg;
    Livekit__SignalResponse *m =
        livekit__signal_response__unpack(aura_pb_allocator(), len, message);
    if (!m) {
        return;
    }
    switch ((int)m->message_case) {
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_JOIN:
        on_join(s, m->join);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_ANSWER:
        on_answer(s, m->answer->sdp);
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_REQUEST_RESPONSE:
        if (m->request_response->reason != LIVEKIT__REQUEST_RESPONSE__REASON__OK &&
            !s->refusal.len) {
            (void)!aura_buf_str(&s->refusal, m->request_response->message);
        }
        break;
    case LIVEKIT__SIGNAL_RESPONSE__MESSAGE_LEAVE:
        end_soon(s); /* a client without signalling cannot be asked to come back */
        break;
    default:
        break;
    }
    livekit__signal_response__free_unpacked(m, aura_pb_allocator());
}

static void sink_close(void *arg, int code, const char *reason) {
    struct aura__whip_session *s = arg;
    (void)code;
    (void)reason;
    s->left = true;
    end_soon(s);
}

/* ---- joining ---- */

static int join_room(struct aura__whip_session *s, const struct aura__whip_conf *conf,
                     struct aura_whip_tracks *tracks, struct aura_denial *d) {
    static const struct aura_signal_sink sink = {sink_send, sink_close};
    Livekit__JoinRequest request = LIVEKIT__JOIN_REQUEST__INIT;
    Livekit__ConnectionSettings settings = LIVEKIT__CONNECTION_SETTINGS__INIT;
    Livekit__SessionDescription offer = LIVEKIT__SESSION_DESCRIPTION__INIT;
    Livekit__ClientInfo client = LIVEKIT__CLIENT_INFO__INIT;
    client.browser = (char *)(uintptr_t)(conf->play ? "WHEP" : "WHIP");
    offer.type = (char *)(uintptr_t) "offer";
    offer.sdp = s->offer;
    offer.id = 1;
    request.client_info = &client;
    request.connection_settings = &settings; /* subscribes to nothing by itself */
    request.publisher_offer = &offer;
    request.n_add_track_requests = tracks->count;
    Livekit__AddTrackRequest *list[AURA_WHIP_TRACKS_MAX];
    for (size_t i = 0; i < tracks->count; i++) {
        list[i] = tracks->list[i];
    }
    request.add_track_requests = list;
    const struct aura_join join = {.claims = conf->claims,
                                   .request = &request,
                                   .single = true,
                                   .play = conf->play,
                                   .user_agent = conf->user_agent};
    int err = aura_rooms_join(conf->rooms, &join, &s->session, d);
    if (!err) {
        aura_session_about(s->session, &s->about);
        aura_session_start(s->session, &sink, s);
    }
    return err;
}

static int check_answer(const struct aura__whip_session *s, struct aura_denial *d) {
    if (s->refusal.len) {
        return deny(d, 403, AURA_EAUTH, aura_buf_text(&s->refusal));
    }
    if (!s->answered) {
        return deny(d, 400, AURA_EMALFORMED,
                    "the offer cannot be answered: it needs ICE credentials, a DTLS fingerprint "
                    "and one BUNDLE group");
    }
    if (!aura_whip_flows(aura_buf_text(&s->answer))) {
        return deny(d, 422, AURA_EUNSUPPORTED,
                    "no media in common: offer Opus, and VP8, H.264, VP9, AV1 or H.265, with "
                    "rtcp-mux and all sections in one BUNDLE group");
    }
    return 0;
}

static int read_offer(struct aura__whip_session *s, const struct aura__whip_conf *conf,
                      struct aura_whip_tracks *tracks, struct aura_denial *d) {
    struct aura_sdp *sdp;
    int err = aura_sdp_parse(&sdp, conf->offer, strlen(conf->offer));
    if (err) {
        return deny(d, err == AURA_ENOMEM ? 503 : 400, err,
                    err == AURA_ELIMIT ? "the offer has too many or too long lines"
                                       : "the body is no SDP offer");
    }
    err = aura_whip_ice_read(&s->ice, conf->offer, strlen(conf->offer));
    if (err || !s->ice.ufrag[0] || !s->ice.pwd[0]) {
        err = deny(d, 400, AURA_EMALFORMED, "the offer has no ICE credentials");
    } else if (!conf->play) {
        err = aura_whip_tracks_read(tracks, sdp);
        if (err) {
            err = deny(d, 400, err, "the offer has more than 8 sections that send");
        } else if (!tracks->count) {
            err = deny(d, 422, AURA_EUNSUPPORTED,
                       "nothing to publish: the offer has no section that is sendonly or sendrecv");
        }
    }
    err = err ? err : join_room(s, conf, tracks, d); /* the tracks point into the description */
    aura_sdp_free(sdp);
    return err;
}

int aura__whip_session_new(struct aura__whip_session **out, const struct aura__whip_conf *conf,
                           struct aura_denial *d) {
    struct aura__whip_session *s = aura_zalloc(sizeof(*s));
    struct aura_whip_tracks *tracks = aura_zalloc(sizeof(*tracks));
    if (!s || !tracks) {
        aura_free(s);
        aura_free(tracks);
        return deny(d, 503, AURA_ENOMEM, "out of memory");
    }
    s->timers = aura_loop_timers(conf->loop);
    s->plays = conf->play != NULL;
    s->answer = AURA_BUF(AURA_SDP_BYTES_MAX);
    s->refusal = AURA_BUF(sizeof(d->text));
    aura_rand_text(conf->rand, s->id, AURA_WHIP_ID_LEN);
    s->offer = aura_strdup(conf->offer);
    s->room = aura_strdup(conf->claims->video.room ? conf->claims->video.room : "");
    s->identity = aura_strdup(conf->claims->identity ? conf->claims->identity : "");
    bool copied = s->offer && s->room && s->identity;
    int err = copied ? 0 : deny(d, 503, AURA_ENOMEM, "out of memory");
    err = err ? err : read_offer(s, conf, tracks, d);
    err = err ? err : check_answer(s, d);
    aura_free(tracks);
    if (err) {
        aura__whip_session_free(s);
        return err;
    }
    s->ended = conf->ended;
    s->arg = conf->arg;
    *out = s;
    return 0;
}

static void leave(struct aura__whip_session *s) {
    Livekit__LeaveRequest leave = LIVEKIT__LEAVE_REQUEST__INIT;
    Livekit__SignalRequest m = LIVEKIT__SIGNAL_REQUEST__INIT;
    uint8_t bytes[64];
    m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_LEAVE;
    m.leave = &leave;
    AURA_BUG_ON(livekit__signal_request__get_packed_size(&m) > sizeof(bytes));
    (void)!aura_session_recv(s->session, bytes, livekit__signal_request__pack(&m, bytes));
}

void aura__whip_session_free(struct aura__whip_session *s) {
    if (!s) {
        return;
    }
    s->ended = NULL;
    if (s->session && !s->left) {
        leave(s);
    }
    if (s->session) {
        aura_session_closed(s->session);
    }
    aura_timer_stop(s->timers, &s->end_timer);
    for (size_t i = 0; i < s->link_count; i++) {
        aura_buf_free(&s->links[i]);
    }
    aura_buf_free(&s->answer);
    aura_buf_free(&s->refusal);
    aura_wipe(&s->ice, sizeof(s->ice));
    aura_free(s->offer);
    aura_free(s->room);
    aura_free(s->identity);
    aura_free(s);
}

/* ---- afterwards ---- */

static int send_offer(struct aura__whip_session *s, const char *sdp) {
    Livekit__SessionDescription offer = LIVEKIT__SESSION_DESCRIPTION__INIT;
    Livekit__SignalRequest m = LIVEKIT__SIGNAL_REQUEST__INIT;
    offer.type = (char *)(uintptr_t) "offer";
    offer.sdp = (char *)(uintptr_t)sdp;
    offer.id = 1;
    m.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_OFFER;
    m.offer = &offer;
    size_t len = livekit__signal_request__get_packed_size(&m);
    uint8_t *bytes = aura_zalloc(len);
    if (!bytes) {
        return AURA_ENOMEM;
    }
    livekit__signal_request__pack(&m, bytes);
    int err = aura_session_recv(s->session, bytes, len);
    aura_free(bytes);
    return err;
}

int aura__whip_session_restart(struct aura__whip_session *s, const struct aura_whip_ice *ice,
                               struct aura_denial *d) {
    struct aura_buf sdp = AURA_BUF(AURA_SDP_BYTES_MAX);
    aura_whip_ice_replace(&sdp, s->offer, ice);
    s->answered = false;
    int err = sdp.err ? sdp.err : send_offer(s, aura_buf_text(&sdp));
    aura_buf_free(&sdp);
    if (err || !s->answered) {
        return deny(d, 400, err ? err : AURA_EMALFORMED,
                    "the new ICE credentials cannot be used: DELETE the session and POST anew");
    }
    s->ice = *ice;
    return 0;
}

const struct aura_sfu_about *aura__whip_session_about(const struct aura__whip_session *s) {
    return &s->about;
}

const char *aura__whip_session_id(const struct aura__whip_session *s) {
    return s->id;
}

const char *aura__whip_session_answer(const struct aura__whip_session *s) {
    return aura_buf_text(&s->answer);
}

const struct aura_whip_ice *aura__whip_session_ice(const struct aura__whip_session *s) {
    return &s->ice;
}

const char *aura__whip_session_etag(const struct aura__whip_session *s) {
    return s->etag;
}

const char *aura__whip_session_link(const struct aura__whip_session *s, size_t index) {
    return index < s->link_count ? aura_buf_text(&s->links[index]) : NULL;
}

bool aura__whip_session_is(const struct aura__whip_session *s, const struct aura_claims *claims,
                           bool plays) {
    return s->plays == plays && claims->identity && strcmp(claims->identity, s->identity) == 0 &&
           claims->video.room && strcmp(claims->video.room, s->room) == 0;
}
