/* SPDX-License-Identifier: Apache-2.0 */
/* Workers and jobs on a clock that stands still, each case again with every allocation failing. */
#include "harness.h"
#include "room/agents.h"

#include <stdio.h>
#include <string.h>

enum { INBOX = 32 };

struct world {
    struct aura_clock_manual clock;
    struct aura_rand_seeded rand;
    struct aura_loop *loop;
    struct aura_keys *keys;
    struct aura_rooms *rooms;
    size_t events;
};

struct hand {
    struct aura_worker *worker;
    Livekit__ServerMessage *inbox[INBOX];
    size_t count;
    bool closed;
};

static void on_event(void *arg, const char *room, const Livekit__WebhookEvent *event) {
    struct world *w = arg;
    assert_string_equal(event->room->name, room);
    w->events++;
}

static int start(struct world *w) {
    memset(w, 0, sizeof(*w));
    aura_clock_manual_init(&w->clock, 1000000, UINT64_C(1700000000000000));
    aura_rand_seeded_init(&w->rand, 7);
    TRY(aura_loop_new(&w->loop, &w->clock.clock));
    TRY(aura_keys_new(&w->keys));
    TRY(aura_keys_add(w->keys, "key", "secret"));
    struct aura_rooms_conf conf = {.keys = w->keys,
                                   .node_id = "ND_test",
                                   .region = "",
                                   .version = "1.13.11",
                                   .auto_create = true,
                                   .empty_timeout_s = 300,
                                   .on_event = on_event,
                                   .on_event_arg = w,
                                   .rand = &w->rand.rand};
    return aura_rooms_new(&w->rooms, &conf, w->loop);
}

static int stop(struct world *w, int err) {
    aura_rooms_free(w->rooms);
    aura_loop_free(w->loop);
    aura_keys_free(w->keys);
    return err;
}

static void pass(struct world *w, uint64_t ms) {
    aura_clock_manual_advance(&w->clock, ms * AURA_US_PER_MS);
    (void)aura_loop_run_once(w->loop, 0);
}

static void on_send(void *arg, const uint8_t *message, size_t len) {
    struct hand *h = arg;
    Livekit__ServerMessage *m = livekit__server_message__unpack(NULL, len, message);
    assert_non_null(m); /* the test's own memory: it does not fail */
    assert_true(h->count < INBOX);
    h->inbox[h->count++] = m;
}

static void on_close(void *arg, int code, const char *reason) {
    struct hand *h = arg;
    (void)code;
    (void)reason;
    h->closed = true;
}

static int say(struct hand *h, const Livekit__WorkerMessage *m) {
    uint8_t bytes[512];
    assert_true(livekit__worker_message__get_packed_size(m) <= sizeof(bytes));
    return aura_worker_recv(h->worker, bytes, livekit__worker_message__pack(m, bytes));
}

/* @return AURA_ENOMEM too if the server could not take the registration */
static int hire(struct world *w, struct hand *h, const char *name) {
    static const struct aura_signal_sink sink = {on_send, on_close};
    memset(h, 0, sizeof(*h));
    TRY(aura_worker_new(&h->worker, w->rooms, "key", &sink, h));
    Livekit__RegisterWorkerRequest q = LIVEKIT__REGISTER_WORKER_REQUEST__INIT;
    Livekit__WorkerMessage m = LIVEKIT__WORKER_MESSAGE__INIT;
    q.agent_name = (char *)(uintptr_t)name;
    m.message_case = LIVEKIT__WORKER_MESSAGE__MESSAGE_REGISTER;
    m.register_ = &q;
    int err = say(h, &m);
    if (!err && (h->closed || h->count == 0)) {
        err = AURA_ENOMEM;
    }
    return err == AURA_EMALFORMED && aura_mem_failed() ? AURA_ENOMEM : err;
}

static void fire(struct hand *h) {
    if (h->worker) {
        aura_worker_closed(h->worker);
    }
    for (size_t i = 0; i < h->count; i++) {
        livekit__server_message__free_unpacked(h->inbox[i], NULL);
    }
    memset(h, 0, sizeof(*h));
}

static const Livekit__ServerMessage *last(const struct hand *h,
                                          Livekit__ServerMessage__MessageCase which) {
    for (size_t i = h->count; i > 0; i--) {
        if (h->inbox[i - 1]->message_case == which) {
            return h->inbox[i - 1];
        }
    }
    return NULL;
}

#define GOT(h, name) last(h, LIVEKIT__SERVER_MESSAGE__MESSAGE_##name)

static int make_room(struct world *w, const char *name, const char *agent) {
    Livekit__RoomAgentDispatch wish = LIVEKIT__ROOM_AGENT_DISPATCH__INIT, *list[] = {&wish};
    Livekit__CreateRoomRequest q = LIVEKIT__CREATE_ROOM_REQUEST__INIT;
    Livekit__Room *room = NULL;
    wish.agent_name = (char *)(uintptr_t)agent;
    q.name = (char *)(uintptr_t)name;
    q.n_agents = 1;
    q.agents = list;
    TRY(aura_rooms_create_room(w->rooms, &q, &room));
    livekit__room__free_unpacked(room, aura_pb_allocator());
    return 0;
}

static int answer(struct hand *h, bool yes) {
    const Livekit__ServerMessage *offer = GOT(h, AVAILABILITY);
    if (!offer) {
        return AURA_ENOMEM;
    }
    Livekit__AvailabilityResponse q = LIVEKIT__AVAILABILITY_RESPONSE__INIT;
    Livekit__WorkerMessage m = LIVEKIT__WORKER_MESSAGE__INIT;
    q.job_id = offer->availability->job->id;
    q.available = yes;
    q.participant_identity = (char *)(uintptr_t) "robot";
    m.message_case = LIVEKIT__WORKER_MESSAGE__MESSAGE_AVAILABILITY;
    m.availability = &q;
    int err = say(h, &m);
    return err == AURA_EMALFORMED && aura_mem_failed() ? AURA_ENOMEM : err;
}

/* A failing allocation may leave a job waiting: that is the case's AURA_ENOMEM. */
static int missed(const void *message) {
    return message ? 0 : aura_mem_failed() ? AURA_ENOMEM : AURA_EBUG;
}

static int refuse_and_take(struct world *w, struct hand *one, struct hand *two) {
    TRY(hire(w, one, "a"));
    TRY(make_room(w, "r", "a"));
    TRY(missed(GOT(one, AVAILABILITY)));
    TRY(hire(w, two, "a"));
    assert_null(GOT(two, AVAILABILITY));
    TRY(answer(one, false));
    TRY(missed(GOT(two, AVAILABILITY)));
    TRY(answer(two, true));
    TRY(missed(GOT(two, ASSIGNMENT)));
    assert_string_equal(GOT(two, ASSIGNMENT)->assignment->job->state->participant_identity,
                        "robot");
    TRY(aura_rooms_delete_room(w->rooms, "r"));
    return missed(GOT(two, TERMINATION));
}

static int case_refused_then_taken(void) {
    struct world w;
    struct hand one = {.worker = NULL}, two = {.worker = NULL};
    int err = start(&w);
    err = err ? err : refuse_and_take(&w, &one, &two);
    fire(&one);
    fire(&two);
    return stop(&w, err);
}

static int lose(struct world *w, struct hand *one, struct hand *two) {
    TRY(hire(w, one, ""));
    TRY(make_room(w, "r", ""));
    TRY(missed(GOT(one, AVAILABILITY)));
    TRY(answer(one, true));
    TRY(missed(GOT(one, ASSIGNMENT)));
    TRY(hire(w, two, ""));
    fire(one);
    assert_null(GOT(two, AVAILABILITY)); /* it may come back */
    pass(w, 5001);
    TRY(missed(GOT(two, AVAILABILITY)));
    pass(w, 10001); /* no answer: refused, and nobody else is there */
    Livekit__ListAgentDispatchRequest q = LIVEKIT__LIST_AGENT_DISPATCH_REQUEST__INIT;
    Livekit__ListAgentDispatchResponse *list = NULL;
    q.room = (char *)(uintptr_t) "r";
    TRY(aura_rooms_list_dispatch(w->rooms, &q, &list));
    assert_int_equal(list->n_agent_dispatches, 1);
    assert_int_equal(list->agent_dispatches[0]->state->n_jobs, 1);
    assert_int_equal(list->agent_dispatches[0]->state->jobs[0]->state->status,
                     LIVEKIT__JOB_STATUS__JS_FAILED);
    livekit__list_agent_dispatch_response__free_unpacked(list, aura_pb_allocator());
    return 0;
}

static int case_lost_worker(void) {
    struct world w;
    struct hand one = {.worker = NULL}, two = {.worker = NULL};
    int err = start(&w);
    err = err ? err : lose(&w, &one, &two);
    fire(&one);
    fire(&two);
    return stop(&w, err);
}

static int dispatches(struct world *w) {
    Livekit__CreateAgentDispatchRequest q = LIVEKIT__CREATE_AGENT_DISPATCH_REQUEST__INIT;
    Livekit__AgentDispatch *made = NULL;
    q.room = (char *)(uintptr_t) "r";
    q.agent_name = (char *)(uintptr_t) "x";
    TRY(make_room(w, "r", "first"));
    for (int i = 1; i < AURA_AGENT_DISPATCHES_MAX; i++) {
        TRY(aura_rooms_create_dispatch(w->rooms, &q, &made));
        livekit__agent_dispatch__free_unpacked(made, aura_pb_allocator());
    }
    int err = aura_rooms_create_dispatch(w->rooms, &q, &made);
    if (err == AURA_ENOMEM) {
        return err;
    }
    assert_int_equal(err, AURA_ELIMIT);
    Livekit__DeleteAgentDispatchRequest gone = LIVEKIT__DELETE_AGENT_DISPATCH_REQUEST__INIT;
    gone.room = q.room;
    gone.dispatch_id = (char *)(uintptr_t) "AD_none";
    assert_int_equal(aura_rooms_delete_dispatch(w->rooms, &gone, &made), AURA_ENOENT);
    return 0;
}

static int case_dispatch_ceiling(void) {
    struct world w;
    int err = start(&w);
    err = err ? err : dispatches(&w);
    return stop(&w, err);
}

static int case_registration(void) {
    struct world w;
    struct hand h = {.worker = NULL};
    static const struct aura_signal_sink sink = {on_send, on_close};
    int err = start(&w);
    err = err ? err : aura_worker_new(&h.worker, w.rooms, "key", &sink, &h);
    if (!err) {
        assert_int_equal(aura_worker_recv(h.worker, (const uint8_t *)"\xff\xff", 2),
                         AURA_EMALFORMED);
        pass(&w, 10001);
        assert_true(h.closed); /* it has said nothing in ten seconds */
    }
    fire(&h);
    return stop(&w, err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        AURA_CASE(case_refused_then_taken),
        AURA_CASE(case_lost_worker),
        AURA_CASE(case_dispatch_ceiling),
        AURA_CASE(case_registration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
