/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signalling sessions: up to four clients, an agent worker and an operator in one room, on a clock
 * that the input moves, with the SFU's workers run by hand. Each byte says who does what: joins
 * (with any grants), offers and answers made of a few bytes or of any text, requests that are right
 * or raw, lost sockets, resumes, data messages, what the media workers report, RoomService, and
 * time. After each step everything that is in the room must be permitted and counted; at the end
 * nothing may be left, not a block of memory.
 *
 * Input: [op, arguments …]; bytes that are missing count as 0.
 */
#include "base/log.h"
#include "session_world.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 200, MINUTE_S = 60 };

struct world w;

/* ---- what a client hears ---- */

static void look_at_update(const struct client *c, const Livekit__ParticipantUpdate *u) {
    for (size_t i = 0; i < u->n_participants; i++) {
        const struct participant *p = aura_map_get_str(w.rooms->by_sid, u->participants[i]->sid);
        bool gone = u->participants[i]->state == LIVEKIT__PARTICIPANT_INFO__STATE__DISCONNECTED;
        AURA_BUG_ON(p && p->may.hidden && !gone && strcmp(p->sid, c->sid) != 0);
    }
}

static void on_send(void *arg, const uint8_t *message, size_t len) {
    struct client *c = arg;
    Livekit__SignalResponse *m =
        livekit__signal_response__unpack(aura_pb_allocator(), len, message);
    AURA_BUG_ON(!m); /* what we send can be read */
    if (m->message_case == LIVEKIT__SIGNAL_RESPONSE__MESSAGE_JOIN) {
        snprintf(c->sid, sizeof(c->sid), "%s", m->join->participant->sid);
    } else if (m->message_case == LIVEKIT__SIGNAL_RESPONSE__MESSAGE_UPDATE) {
        look_at_update(c, m->update);
    } else if (m->message_case == LIVEKIT__SIGNAL_RESPONSE__MESSAGE_OFFER) {
        aura_free(c->offer);
        c->offer = aura_strdup(m->offer->sdp);
        c->offer_id = m->offer->id;
    }
    livekit__signal_response__free_unpacked(m, aura_pb_allocator());
}

static void on_close(void *arg, int code, const char *reason) {
    (void)code;
    (void)reason;
    ((struct client *)arg)->closed = true;
}

static void on_event(void *arg, const char *room, const Livekit__WebhookEvent *event) {
    (void)arg;
    AURA_BUG_ON(!event->event[0] || strcmp(event->room->name, room) != 0);
}

/* ---- what must be true at any time ---- */

static void check_participant(const struct participant *p, size_t *tracks, size_t *subs) {
    size_t n = 0;
    AURA_LIST_EACH(&p->tracks, struct track, track, node) {
        AURA_BUG_ON(!aura__publish_allowed(p, track->request->source));
        AURA_BUG_ON(track->p != p);
        *tracks += track->live;
        n++;
    }
    AURA_BUG_ON(n != p->track_count || n > w.rooms->conf.max_tracks);
    AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
        AURA_BUG_ON(!p->may.subscribe || !s->t->live || s->p != p || s->t->p == p);
        AURA_BUG_ON(s->sub && !aura__subscribe_permitted(p, s->t->p, s->t->sid));
        (*subs)++;
    }
}

static void check(void) {
    size_t participants = 0, tracks = 0, subs = 0;
    AURA_LIST_EACH(&w.rooms->rooms, struct room, room, node) {
        AURA_LIST_EACH(&room->participants, struct participant, p, node) {
            AURA_BUG_ON(aura_map_get_str(w.rooms->by_sid, p->sid) != p || p->room != room);
            check_participant(p, &tracks, &subs);
            participants++;
        }
    }
    AURA_BUG_ON(participants != w.rooms->stats.participants || tracks != w.rooms->stats.tracks ||
                subs != w.rooms->stats.subscriptions);
}

/* ---- joining ---- */

void let_go(struct client *c) {
    if (c->session) {
        aura_session_closed(c->session);
    }
    c->session = NULL;
    c->closed = false;
}

static void begin(struct client *c, struct aura_session *session) {
    static const struct aura_signal_sink sink = {on_send, on_close};
    let_go(c);
    c->session = session;
    aura_session_start(session, &sink, c);
}

/* Two bits for each grant of three values, one for the others. */
static void grants(struct aura_claims *claims, uint32_t bits) {
    static const enum aura_tristate values[4] = {AURA_UNSET, AURA_YES, AURA_NO, AURA_UNSET};
    struct aura_video_grant *g = &claims->video;
    claims->has_video = g->room_join = true;
    g->can_publish = values[bits & 3];
    g->can_subscribe = values[bits >> 2 & 3];
    g->can_publish_data = values[bits >> 4 & 3];
    g->can_update_own_metadata = values[bits >> 6 & 3];
    g->can_subscribe_metrics = values[bits >> 8 & 3];
    g->sources = bits >> 10 & 1 ? bits >> 16 & 31 : 0;
    g->hidden = bits >> 11 & 1 && bits >> 12 & 1;
    g->recorder = bits >> 13 & 1 && bits >> 14 & 1;
    g->agent = bits >> 15 & 1;
    claims->kind = bits >> 15 & 1 ? text("agent") : NULL;
}

void random_sections(struct client *c, struct aura_cur *cur) {
    uint8_t more = aura_cur_u8(cur) & 7;
    for (; more && c->sections.count < SECTIONS_MAX; more--) {
        uint8_t kind = aura_cur_u8(cur);
        c->sections.at[c->sections.count].kind = kind % 3;
        c->sections.at[c->sections.count++].shape = kind;
    }
    uint8_t turn = aura_cur_u8(cur);
    if (c->sections.count && turn & 128) {
        c->sections.at[turn % c->sections.count].shape = aura_cur_u8(cur);
    }
}

static void join(struct client *c, struct aura_cur *cur) {
    static const char *const names[] = {"alice", "bob", "carol", "dave"};
    struct aura_claims claims;
    struct aura_denial denial;
    struct aura_session *session = NULL;
    Livekit__JoinRequest q = LIVEKIT__JOIN_REQUEST__INIT;
    Livekit__ConnectionSettings settings = LIVEKIT__CONNECTION_SETTINGS__INIT;
    Livekit__ClientInfo info = LIVEKIT__CLIENT_INFO__INIT;
    Livekit__SessionDescription offer = LIVEKIT__SESSION_DESCRIPTION__INIT;
    uint8_t how = aura_cur_u8(cur);
    struct aura_play play = {.publisher = how & 16 ? "alice" : NULL};
    aura_claims_init(&claims);
    grants(&claims, aura_cur_u32(cur));
    claims.api_key = text("key");
    claims.identity = text(names[how & 3]);
    claims.video.room = text("room");
    claims.expires_s = (int64_t)(aura_wall_us(w.t.sfu.shared.clock) / AURA_US_PER_S) + MINUTE_S;
    settings.auto_subscribe = how >> 2 & 1;
    info.protocol = 17;
    info.sdk = how >> 6;
    q.connection_settings = &settings;
    q.client_info = &info;
    struct aura_join j = {.claims = &claims, .request = &q, .single = how >> 3 & 1};
    if ((how & 0x60) == 0x60) {
        j.play = &play;
        j.single = true;
    }
    c->single = j.single;
    c->sections = (struct sections){.count = 0};
    if (how & 128 || j.play) {
        random_sections(c, cur);
        session_offer(w.sdp, &c->sections, false);
        offer.type = text("offer");
        offer.sdp = w.sdp;
        offer.id = 1;
        q.publisher_offer = &offer;
    }
    if (aura_rooms_join(w.rooms, &j, &session, &denial)) {
        AURA_BUG_ON(denial.status < 400 || !denial.text[0]);
        return;
    }
    c->sid[0] = '\0';
    begin(c, session);
}

static void resume(struct client *c, uint8_t how) {
    struct aura_claims claims;
    struct aura_denial denial;
    struct aura_session *session = NULL;
    Livekit__JoinRequest q = LIVEKIT__JOIN_REQUEST__INIT;
    const struct participant *p = participant_of(c);
    aura_claims_init(&claims);
    grants(&claims, 0);
    claims.api_key = text("key");
    claims.identity = text(p && !(how & 1) ? p->claims.identity : "mallory");
    claims.video.room = text("room");
    q.reconnect = 1;
    q.participant_sid = how & 2 ? text("PA_none") : c->sid;
    struct aura_join j = {.claims = &claims, .request = &q, .single = c->single != (how >> 7)};
    if (!aura_rooms_join(w.rooms, &j, &session, &denial)) {
        begin(c, session);
    }
}

/* ---- an input ---- */

static void let_time_pass(uint8_t a) {
    static const uint32_t steps_ms[8] = {1, 20, 400, 3000, 6000, 16000, 61000, 310000};
    threadless_pass(&w.t, steps_ms[a & 7] * AURA_US_PER_MS);
}

static void step(struct aura_cur *cur) {
    uint8_t op = aura_cur_u8(cur);
    struct client *c = &w.clients[op >> 6];
    switch (op & 15) {
    case 0:
        join(c, cur);
        break;
    case 1:
        if (op & 16) {
            resume(c, aura_cur_u8(cur));
        } else {
            let_go(c);
        }
        break;
    case 8:
    case 9:
        media_event(c, cur);
        break;
    case 10:
        data_message(c, cur);
        break;
    case 11:
    case 12:
        room_service(cur);
        break;
    case 13:
        agent_message(cur);
        break;
    case 14:
    case 15:
        let_time_pass(op >> 4);
        break;
    default:
        if (c->session) {
            step_of_client(c, op, cur);
        }
        break;
    }
    threadless_pass(&w.t, 0);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (w.clients[i].closed) {
            let_go(&w.clients[i]);
        }
    }
}

static void set_up(uint8_t flags) {
    if (!w.t.loop) {
        aura_log_setup(AURA_LOG_ERROR + 1, false);
        threadless_start(&w.t, 1, aura_rooms_sfu_handlers());
        AURA_BUG_ON(aura_keys_new(&w.keys) || aura_keys_add(w.keys, "key", "secret"));
    }
    threadless_reset(&w.t);
    struct aura_rooms_conf conf = {.keys = w.keys,
                                   .node_id = "ND",
                                   .region = "",
                                   .version = "1.13.11",
                                   .auto_create = true,
                                   .enable_remote_unmute = flags & 1,
                                   .sync_streams = flags & 2,
                                   .max_audible = flags & 4 ? 2 : 0,
                                   .max_participants = flags & 8 ? 3 : 0,
                                   .empty_timeout_s = 300,
                                   .departure_timeout_s = 20,
                                   .on_event = on_event,
                                   .rand = &w.t.rand.rand};
    AURA_BUG_ON(aura_rooms_new(&w.rooms, &conf, w.t.loop));
    aura_rooms_attach(w.rooms, &w.t.sfu);
    w.t.sfu.arg = w.rooms;
}

static void tear_down(void) {
    for (size_t i = 0; i < CLIENTS; i++) {
        let_go(&w.clients[i]);
        aura_free(w.clients[i].offer);
        w.clients[i] = (struct client){.session = NULL};
    }
    if (w.agent) {
        aura_worker_closed(w.agent);
        w.agent = NULL;
    }
    w.rooms = aura_rooms_free(w.rooms);
    threadless_pass(&w.t, 0);
    threadless_pass(&w.t, AURA_US_PER_S);
    threadless_check_empty(&w.t);
    AURA_BUG_ON(w.rpcs_out != 0);
}

static void run(const uint8_t *data, size_t size) {
    struct aura_cur cur = aura_cur_of(data, size);
    set_up(aura_cur_u8(&cur));
    for (unsigned i = 0; i < STEPS_MAX && aura_cur_left(&cur) && !cur.fail; i++) {
        step(&cur);
        check();
    }
    tear_down();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Joins and lets time pass: what is made on first use and then kept is there after it. */
    static const uint8_t first[] = {0, 0, 4, 0, 0, 0, 0, 13, 0, 0, 0x3e};
    static int64_t blocks; /* alive between inputs */
    if (!blocks) {
        run(first, sizeof(first));
        blocks = aura_mem_live();
    }
    run(data, size);
    AURA_BUG_ON(blocks != aura_mem_live());
    return 0;
}
