/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker of agents that says anything, in protobuf and in JSON, while a room wants agents: the
 * dispatches come and go, offers are answered with the right ids or with bytes.
 *
 * Input: [op, length, bytes].
 */
#include "api/pbjson.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/mem.h"
#include "room/agents.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS_MAX = 200, ID_MAX = 32 };

static struct aura_clock_manual manual;
static struct aura_rand_seeded seeded;
static struct aura_loop *loop;
static struct aura_keys *keys;
static struct aura_rooms *rooms;
static struct aura_worker *worker;
static bool closed;
static char job[ID_MAX], dispatch[ID_MAX];

static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

static void on_send(void *arg, const uint8_t *message, size_t len) {
    Livekit__ServerMessage *m = livekit__server_message__unpack(aura_pb_allocator(), len, message);
    (void)arg;
    AURA_BUG_ON(!m);
    if (m->message_case == LIVEKIT__SERVER_MESSAGE__MESSAGE_AVAILABILITY) {
        snprintf(job, sizeof(job), "%s", m->availability->job->id);
    }
    livekit__server_message__free_unpacked(m, aura_pb_allocator());
}

static void on_close(void *arg, int code, const char *reason) {
    (void)arg;
    AURA_BUG_ON(code < 1000 || !reason);
    closed = true;
}

static void lose_worker(void) {
    if (worker) {
        aura_worker_closed(worker);
    }
    worker = NULL;
    closed = false;
}

static void receive(const uint8_t *bytes, size_t len) {
    static const struct aura_signal_sink sink = {on_send, on_close};
    if (!worker) {
        AURA_BUG_ON(aura_worker_new(&worker, rooms, "key", &sink, NULL));
    }
    if (aura_worker_recv(worker, bytes, len) || closed) {
        lose_worker();
    }
}

static void say(const ProtobufCMessage *m) {
    size_t len = protobuf_c_message_get_packed_size(m);
    uint8_t *bytes = aura_zalloc(len);
    AURA_BUG_ON(!bytes);
    protobuf_c_message_pack(m, bytes);
    receive(bytes, len);
    aura_free(bytes);
}

/* As src/api/agent_ws.c does with a text frame. */
static void say_json(const uint8_t *bytes, size_t len) {
    char why[160];
    ProtobufCMessage *m = NULL;
    json_t *json = json_loadb((const char *)bytes, len, 0, NULL);
    if (json && aura_pbjson_decode(&livekit__worker_message__descriptor, json, aura_pb_allocator(),
                                   &m, why, sizeof(why)) == 0) {
        say(m);
        protobuf_c_message_free_unpacked(m, aura_pb_allocator());
    }
    json_decref(json);
}

static void say_register(uint8_t how) {
    Livekit__RegisterWorkerRequest hello = LIVEKIT__REGISTER_WORKER_REQUEST__INIT;
    Livekit__WorkerMessage m = LIVEKIT__WORKER_MESSAGE__INIT;
    hello.type = (Livekit__JobType)(how & 3);
    hello.agent_name = text(how & 4 ? "agent" : "");
    m.message_case = LIVEKIT__WORKER_MESSAGE__MESSAGE_REGISTER;
    m.register_ = &hello;
    say(&m.base);
}

static void say_answer(uint8_t how) {
    Livekit__AvailabilityResponse answer = LIVEKIT__AVAILABILITY_RESPONSE__INIT;
    Livekit__WorkerMessage m = LIVEKIT__WORKER_MESSAGE__INIT;
    answer.job_id = job;
    answer.available = how & 1;
    answer.terminate = how >> 1 & 1;
    answer.participant_identity = text(how & 4 ? "agent-1" : "");
    m.message_case = LIVEKIT__WORKER_MESSAGE__MESSAGE_AVAILABILITY;
    m.availability = &answer;
    say(&m.base);
}

static void say_status(uint8_t how) {
    Livekit__UpdateJobStatus status = LIVEKIT__UPDATE_JOB_STATUS__INIT;
    Livekit__MigrateJobRequest migrate = LIVEKIT__MIGRATE_JOB_REQUEST__INIT;
    Livekit__WorkerMessage m = LIVEKIT__WORKER_MESSAGE__INIT;
    char *ids[] = {job};
    if (how & 8) {
        migrate.job_ids = ids;
        migrate.n_job_ids = 1;
        m.message_case = LIVEKIT__WORKER_MESSAGE__MESSAGE_MIGRATE_JOB;
        m.migrate_job = &migrate;
    } else {
        status.job_id = job;
        status.status = (Livekit__JobStatus)(how & 7);
        m.message_case = LIVEKIT__WORKER_MESSAGE__MESSAGE_UPDATE_JOB;
        m.update_job = &status;
    }
    say(&m.base);
}

static void operate(uint8_t how) {
    Livekit__CreateAgentDispatchRequest make = LIVEKIT__CREATE_AGENT_DISPATCH_REQUEST__INIT;
    Livekit__DeleteAgentDispatchRequest drop = LIVEKIT__DELETE_AGENT_DISPATCH_REQUEST__INIT;
    Livekit__ListAgentDispatchRequest list = LIVEKIT__LIST_AGENT_DISPATCH_REQUEST__INIT;
    Livekit__ListAgentDispatchResponse *listed = NULL;
    Livekit__AgentDispatch *one = NULL;
    make.room = drop.room = list.room = text("room");
    if ((how & 3) == 0) {
        make.agent_name = text(how & 4 ? "agent" : "");
        if (aura_rooms_create_dispatch(rooms, &make, &one) == 0) {
            snprintf(dispatch, sizeof(dispatch), "%s", one->id);
        }
    } else if ((how & 3) == 1) {
        drop.dispatch_id = dispatch;
        (void)!aura_rooms_delete_dispatch(rooms, &drop, &one);
    } else {
        (void)!aura_rooms_list_dispatch(rooms, &list, &listed);
    }
    if (one) {
        livekit__agent_dispatch__free_unpacked(one, aura_pb_allocator());
    }
    if (listed) {
        livekit__list_agent_dispatch_response__free_unpacked(listed, aura_pb_allocator());
    }
}

static void step(struct aura_cur *c) {
    uint8_t op = aura_cur_u8(c), len = aura_cur_u8(c);
    const uint8_t *at;
    switch (op & 7) {
    case 0:
    case 1:
        at = aura_cur_take(c, len);
        if (at) {
            (op & 1 ? say_json : receive)(at, len);
        }
        break;
    case 2:
        say_register(len);
        break;
    case 3:
        say_answer(len);
        break;
    case 4:
        say_status(len);
        break;
    case 5:
        operate(len);
        break;
    case 6:
        lose_worker();
        break;
    default:
        aura_clock_manual_advance(&manual, len * (AURA_US_PER_S / 4));
        (void)aura_loop_run_once(loop, 0);
        break;
    }
}

static void set_up(void) {
    if (!loop) {
        aura_log_setup(AURA_LOG_ERROR + 1, false);
        aura_clock_manual_init(&manual, AURA_US_PER_S, UINT64_C(1700000000000000));
        AURA_BUG_ON(aura_loop_new(&loop, &manual.clock) || aura_keys_new(&keys) ||
                    aura_keys_add(keys, "key", "secret"));
    }
    aura_rand_seeded_init(&seeded, 1);
    struct aura_rooms_conf conf = {.keys = keys,
                                   .node_id = "ND",
                                   .region = "",
                                   .version = "1.13.11",
                                   .empty_timeout_s = 3000,
                                   .rand = &seeded.rand};
    Livekit__CreateRoomRequest make = LIVEKIT__CREATE_ROOM_REQUEST__INIT;
    Livekit__Room *room = NULL;
    make.name = text("room");
    AURA_BUG_ON(aura_rooms_new(&rooms, &conf, loop) || aura_rooms_create_room(rooms, &make, &room));
    livekit__room__free_unpacked(room, aura_pb_allocator());
    job[0] = dispatch[0] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct aura_cur c = aura_cur_of(data, size);
    set_up();
    for (unsigned i = 0; i < STEPS_MAX && aura_cur_left(&c) && !c.fail; i++) {
        step(&c);
    }
    lose_worker();
    rooms = aura_rooms_free(rooms);
    return 0;
}
