/* SPDX-License-Identifier: Apache-2.0 */
/* Workers: registration, what they say, and choosing one (livekit-protocol §8). */
#include "room/agents_priv.h"

#include "base/log.h"

#include <string.h>

enum { REGISTER_S = 10, AGENT_PROTOCOL = 1, WORKER_TEXT_MAX = 256 };

void aura__worker_send(struct aura_worker *w, const Livekit__ServerMessage *m) {
    size_t len = livekit__server_message__get_packed_size(m);
    uint8_t *bytes = w->closing ? NULL : aura_zalloc(len);
    if (bytes) {
        livekit__server_message__pack(m, bytes);
        w->sink.send(w->arg, bytes, len);
        aura_free(bytes);
    }
}

static void close_worker(struct aura_worker *w, int code, const char *why) {
    if (!w->closing) {
        w->closing = true;
        w->sink.close(w->arg, code, why);
    }
}

static void on_register_timeout(void *arg) {
    close_worker(arg, 1008, "no registration in 10 seconds");
}

int aura_worker_new(struct aura_worker **wp, struct aura_rooms *r, const char *api_key,
                    const struct aura_signal_sink *sink, void *arg) {
    if (r->worker_count >= AURA_AGENT_WORKERS_MAX) {
        return AURA_ELIMIT;
    }
    struct aura_worker *w = aura_zalloc(sizeof(*w));
    if (!w) {
        return AURA_ENOMEM;
    }
    w->rooms = r;
    w->sink = *sink;
    w->arg = arg;
    w->api_key = aura_strdup(api_key);
    aura__sid(r->conf.rand, "AW_", w->id);
    int err = w->api_key ? 0 : AURA_ENOMEM;
    err = err ? err
              : aura_timer_start(r->timers, &w->register_timer, REGISTER_S * AURA_US_PER_S,
                                 on_register_timeout, w);
    if (err) {
        aura_free(w->api_key);
        aura_free(w);
        return err;
    }
    aura_list_add(&r->workers, &w->node);
    r->worker_count++;
    *wp = w;
    return 0;
}

void aura_worker_closed(struct aura_worker *w) {
    struct aura_rooms *r = w->rooms;
    aura_timer_stop(r->timers, &w->register_timer);
    aura_node_remove(&w->node);
    r->worker_count--;
    if (w->info) {
        AURA_LOG("agent", AURA_LOG_INFO, "worker_gone", AURA_S("worker", w->id),
                 AURA_S("agent", w->info->agent_name));
        aura__jobs_worker_gone(w);
    }
    aura__pb_free(w->info);
    aura_free(w->api_key);
    aura_free(w);
}

/* ---- what it says ---- */

static bool sane(const Livekit__RegisterWorkerRequest *q) {
    const char *space = q->_namespace_case ? q->namespace_ : "";
    return (unsigned)q->type < JOB_TYPES && strlen(q->agent_name) <= WORKER_TEXT_MAX &&
           strlen(q->deployment) <= WORKER_TEXT_MAX && strlen(space) <= WORKER_TEXT_MAX;
}

static void answer_registration(struct aura_worker *w) {
    struct aura_rooms *r = w->rooms;
    Livekit__ServerInfo info = LIVEKIT__SERVER_INFO__INIT;
    info.version = (char *)(uintptr_t)r->conf.version;
    info.protocol = PROTOCOL_VERSION;
    info.region = (char *)(uintptr_t)r->conf.region;
    info.node_id = (char *)(uintptr_t)r->conf.node_id;
    info.agent_protocol = AGENT_PROTOCOL;
    Livekit__RegisterWorkerResponse response = LIVEKIT__REGISTER_WORKER_RESPONSE__INIT;
    response.worker_id = w->id;
    response.server_info = &info;
    Livekit__ServerMessage m = LIVEKIT__SERVER_MESSAGE__INIT;
    m.message_case = LIVEKIT__SERVER_MESSAGE__MESSAGE_REGISTER;
    m.register_ = &response;
    aura__worker_send(w, &m);
}

static int on_register(struct aura_worker *w, const Livekit__RegisterWorkerRequest *q) {
    if (w->info || !sane(q)) {
        return AURA_EMALFORMED;
    }
    w->info = aura__pb_copy(q);
    if (!w->info) {
        close_worker(w, 1013, "out of memory");
        return 0;
    }
    aura_timer_stop(w->rooms->timers, &w->register_timer);
    AURA_LOG("agent", AURA_LOG_INFO, "worker_registered", AURA_S("worker", w->id),
             AURA_S("agent", q->agent_name), AURA_I("type", q->type),
             AURA_S("version", q->version));
    answer_registration(w);
    aura__jobs_of_all(w->rooms);
    return 0;
}

static void on_status(struct aura_worker *w, const Livekit__UpdateWorkerStatus *q) {
    bool was = w->full || w->draining;
    if (q->_status_case) {
        w->full = q->status == LIVEKIT__WORKER_STATUS__WS_FULL;
    }
    w->draining = q->draining;
    w->load = q->load >= 0 && q->load <= 1 ? q->load : q->load > 1 ? 1 : 0;
    if (was && !w->full && !w->draining) {
        aura__jobs_of_all(w->rooms);
    }
}

static void on_ping(struct aura_worker *w, const Livekit__WorkerPing *ping) {
    Livekit__WorkerPong pong = LIVEKIT__WORKER_PONG__INIT;
    pong.last_timestamp = ping->timestamp;
    pong.timestamp = (int64_t)(aura_wall_us(w->rooms->clock) / AURA_US_PER_MS);
    Livekit__ServerMessage m = LIVEKIT__SERVER_MESSAGE__INIT;
    m.message_case = LIVEKIT__SERVER_MESSAGE__MESSAGE_PONG;
    m.pong = &pong;
    aura__worker_send(w, &m);
}

static void on_migrate(struct aura_worker *w, const Livekit__MigrateJobRequest *q) {
    for (size_t i = 0; i < q->n_job_ids; i++) {
        aura__job_adopt(w, q->job_ids[i]);
    }
    for (size_t i = 0; i < q->n_jobs; i++) {
        aura__job_adopt(w, q->jobs[i]->id);
    }
}

static int take(struct aura_worker *w, const Livekit__WorkerMessage *m) {
    if (m->message_case == LIVEKIT__WORKER_MESSAGE__MESSAGE_REGISTER) {
        return on_register(w, m->register_);
    }
    if (m->message_case == LIVEKIT__WORKER_MESSAGE__MESSAGE_PING) {
        on_ping(w, m->ping);
    } else if (!w->info) {
        return AURA_EMALFORMED;
    } else if (m->message_case == LIVEKIT__WORKER_MESSAGE__MESSAGE_AVAILABILITY) {
        aura__job_answer(w, m->availability);
    } else if (m->message_case == LIVEKIT__WORKER_MESSAGE__MESSAGE_UPDATE_WORKER) {
        on_status(w, m->update_worker);
    } else if (m->message_case == LIVEKIT__WORKER_MESSAGE__MESSAGE_UPDATE_JOB) {
        aura__job_update(w, m->update_job);
    } else if (m->message_case == LIVEKIT__WORKER_MESSAGE__MESSAGE_MIGRATE_JOB) {
        on_migrate(w, m->migrate_job);
    } /* others are for LiveKit's cloud, or newer than we are */
    return 0;
}

int aura_worker_recv(struct aura_worker *w, const uint8_t *data, size_t len) {
    if (w->closing) {
        return 0;
    }
    Livekit__WorkerMessage *m = livekit__worker_message__unpack(aura_pb_allocator(), len, data);
    int err = m ? take(w, m) : AURA_EMALFORMED;
    aura__pb_free(m);
    return err;
}

/* ---- choosing ---- */

bool aura__worker_fits(const struct aura_worker *w, const struct dispatch *d) {
    return w->info && !w->closing && strcmp(w->info->agent_name, d->wish->agent_name) == 0 &&
           strcmp(w->info->deployment, d->wish->deployment) == 0;
}

static bool has_refused(const struct job *j, const char *worker_id) {
    for (size_t i = 0; i < j->refusals; i++) {
        if (strcmp(j->refused[i], worker_id) == 0) {
            return true;
        }
    }
    return false;
}

/* Parts of 1000 that are free; offers that are under way count as a fiftieth each. */
static uint32_t weight(const struct aura_worker *w, const struct job *j) {
    bool may = aura__worker_fits(w, j->dispatch) && w->info->type == j->type && !w->full &&
               !w->draining && !has_refused(j, w->id);
    float free = 1 - w->load - (float)w->offers / 50;
    return !may ? 0 : free > 0.01f ? (uint32_t)(free * 1000) : 10;
}

struct aura_worker *aura__worker_for(struct aura_rooms *r, const struct job *j) {
    uint32_t sum = 0;
    AURA_LIST_EACH(&r->workers, struct aura_worker, w, node) {
        sum += weight(w, j);
    }
    uint32_t at = sum ? aura_rand_below(r->conf.rand, sum) : 0;
    AURA_LIST_EACH(&r->workers, struct aura_worker, w, node) {
        uint32_t part = weight(w, j);
        if (at < part) {
            return w;
        }
        at -= part;
    }
    return NULL;
}
