/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: made, offered, assigned, ended.
 *
 * A job waits until a worker takes it, however late that registers; one that all available workers
 * have refused ends. When a worker's WebSocket is lost its agents may go on in their rooms, since
 * they are processes of their own: the job stays theirs while the agent is in the room, or the
 * worker comes back and says so in time. Else another worker gets it.
 */
#include "room/agents_priv.h"

#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_S = 10, LOST_S = 5, TOKEN_S = 3600 };

static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

static struct aura_rooms *rooms_of(const struct job *j) {
    return j->dispatch->room->rooms;
}

static struct participant *subject(const struct job *j) {
    AURA_LIST_EACH(&j->dispatch->room->participants, struct participant, p, node) {
        if (j->participant_sid[0] && strcmp(p->sid, j->participant_sid) == 0) {
            return p;
        }
    }
    return NULL;
}

/* ---- messages ---- */

static void put_attributes(struct aura__arena *a, const struct job *j, Livekit__Job *info) {
    const Livekit__RoomAgentDispatch *wish = j->dispatch->wish;
    info->attributes = aura__arena_take(a, (wish->n_attributes + 1) * sizeof(*info->attributes));
    for (size_t i = 0; i < wish->n_attributes && !a->fail; i++) {
        Livekit__Job__AttributesEntry *e = aura__arena_take(a, sizeof(*e));
        if (e) {
            livekit__job__attributes_entry__init(e);
            e->key = wish->attributes[i]->key;
            e->value = wish->attributes[i]->value;
            info->attributes[info->n_attributes++] = e;
        }
    }
}

static Livekit__JobState *state_info(struct aura__arena *a, const struct job *j) {
    Livekit__JobState *s = aura__arena_take(a, sizeof(*s));
    if (s) {
        livekit__job_state__init(s);
        s->status = j->status;
        s->reason = j->reason;
        s->error = text(j->error ? j->error : "");
        s->started_at = (int64_t)j->started_us * 1000; /* nanoseconds, as LiveKit's are */
        s->ended_at = (int64_t)j->ended_us * 1000;
        s->updated_at = (int64_t)j->updated_us * 1000;
        s->participant_identity = text(j->identity ? j->identity : "");
        s->worker_id = text(j->worker_id);
    }
    return s;
}

Livekit__Job *aura__job_info(struct aura__arena *a, const struct job *j) {
    Livekit__Job *info = aura__arena_take(a, sizeof(*info));
    if (!info) {
        return NULL;
    }
    livekit__job__init(info);
    info->id = text(j->id);
    info->dispatch_id = text(j->dispatch->id);
    info->type = j->type;
    info->room = aura__room_info(a, j->dispatch->room);
    info->metadata = j->dispatch->wish->metadata;
    info->agent_name = j->dispatch->wish->agent_name;
    info->deployment = j->dispatch->wish->deployment;
    info->state = state_info(a, j);
    put_attributes(a, j, info);
    struct participant *p = subject(j);
    if (p) {
        info->_participant_case = LIVEKIT__JOB___PARTICIPANT_PARTICIPANT;
        info->participant = aura__participant_info(a, p);
    }
    return a->fail ? NULL : info;
}

static void notify(struct job *j, const char *event) {
    struct aura__arena a = {.blocks = NULL};
    Livekit__Job *info = aura__job_info(&a, j);
    AURA_LOG("agent", AURA_LOG_INFO, event, AURA_S("job", j->id), LOG_ROOM(j->dispatch->room),
             AURA_S("agent", j->dispatch->wish->agent_name), AURA_S("worker", j->worker_id));
    if (info) {
        aura__notify_job(j->dispatch->room, event, info);
    }
    aura__arena_free(&a);
}

/* ---- a job's life ---- */

static struct job *job_new(struct dispatch *d, Livekit__JobType type, const struct participant *p) {
    struct job *j = d->job_count < AURA_AGENT_JOBS_MAX ? aura_zalloc(sizeof(*j)) : NULL;
    if (!j) {
        return NULL;
    }
    j->dispatch = d;
    j->type = type;
    j->status = LIVEKIT__JOB_STATUS__JS_PENDING;
    j->updated_us = aura_wall_us(d->room->rooms->clock);
    aura__sid(d->room->rooms->conf.rand, "AJ_", j->id);
    snprintf(j->participant_sid, sizeof(j->participant_sid), "%s", p ? p->sid : "");
    aura_list_add(&d->jobs, &j->node);
    d->job_count++;
    notify(j, "agent_job_pending");
    return j;
}

void aura__job_free(struct job *j) {
    aura_timer_stop(rooms_of(j)->timers, &j->timer);
    aura_node_remove(&j->node);
    j->dispatch->job_count--;
    aura_free(j->identity);
    aura_free(j->error);
    aura_free(j);
}

static void leave_worker(struct job *j) {
    aura_timer_stop(rooms_of(j)->timers, &j->timer);
    if (j->worker && j->state == JOB_OFFERED) {
        j->worker->offers--;
    }
    j->worker = NULL;
}

static void end(struct job *j, Livekit__JobStatus status, const char *error) {
    leave_worker(j);
    j->state = JOB_ENDED;
    j->status = status;
    j->ended_us = j->updated_us = aura_wall_us(rooms_of(j)->clock);
    aura_free(j->error);
    j->error = error && error[0] ? aura_strndup(error, strnlen(error, 1024)) : NULL;
    notify(j, "agent_job_ended");
}

static void send_termination(struct aura_worker *w, const char *job_id) {
    Livekit__JobTermination gone = LIVEKIT__JOB_TERMINATION__INIT;
    gone.job_id = text(job_id);
    Livekit__ServerMessage m = LIVEKIT__SERVER_MESSAGE__INIT;
    m.message_case = LIVEKIT__SERVER_MESSAGE__MESSAGE_TERMINATION;
    m.termination = &gone;
    aura__worker_send(w, &m);
}

void aura__job_cancel(struct job *j, Livekit__JobStateReason reason) {
    if (j->state == JOB_ENDED) {
        return;
    }
    if (j->state == JOB_RUNNING && j->worker) {
        send_termination(j->worker, j->id);
    }
    j->reason = reason;
    end(j, LIVEKIT__JOB_STATUS__JS_CANCELLED, "");
}

static void offer(struct job *j);

static void refused(struct job *j) {
    if (j->refusals < JOB_REFUSALS_MAX) {
        memcpy(j->refused[j->refusals++], j->worker_id, SID_CAP);
    }
    leave_worker(j);
    j->worker_id[0] = 0;
    j->state = JOB_WAITING;
    if (aura__worker_for(rooms_of(j), j)) {
        offer(j);
    } else {
        j->reason = LIVEKIT__JOB_STATE_REASON__JSR_NO_CAPACITY;
        end(j, LIVEKIT__JOB_STATUS__JS_FAILED, "no worker took the job");
    }
}

static void on_no_answer(void *arg) {
    struct job *j = arg;
    AURA_LOG("agent", AURA_LOG_WARN, "worker_did_not_answer", AURA_S("worker", j->worker_id),
             AURA_S("job", j->id), LOG_ROOM(j->dispatch->room));
    refused(j);
}

static void offer(struct job *j) {
    struct aura_rooms *r = rooms_of(j);
    struct aura_worker *w = r->draining ? NULL : aura__worker_for(r, j);
    if (!w || aura_timer_start(r->timers, &j->timer, ANSWER_S * AURA_US_PER_S, on_no_answer, j)) {
        return; /* it waits */
    }
    j->state = JOB_OFFERED;
    j->worker = w;
    memcpy(j->worker_id, w->id, SID_CAP);
    w->offers++;
    struct aura__arena a = {.blocks = NULL};
    Livekit__AvailabilityRequest request = LIVEKIT__AVAILABILITY_REQUEST__INIT;
    request.job = aura__job_info(&a, j);
    Livekit__ServerMessage m = LIVEKIT__SERVER_MESSAGE__INIT;
    m.message_case = LIVEKIT__SERVER_MESSAGE__MESSAGE_AVAILABILITY;
    m.availability = &request;
    if (request.job) {
        aura__worker_send(w, &m);
    }
    aura__arena_free(&a);
}

/* ---- assignment ---- */

static void grants_of(const struct aura_worker *w, struct aura_video_grant *g) {
    const Livekit__ParticipantPermission *p = w->info->allowed_permissions;
    g->room_join = g->agent = true;
    g->can_publish = !p || p->can_publish ? AURA_YES : AURA_NO;
    g->can_subscribe = !p || p->can_subscribe ? AURA_YES : AURA_NO;
    g->can_publish_data = !p || p->can_publish_data ? AURA_YES : AURA_NO;
    g->can_update_own_metadata = !p || p->can_update_metadata ? AURA_YES : AURA_NO;
    g->can_subscribe_metrics = p && p->can_subscribe_metrics ? AURA_YES : AURA_NO;
    g->hidden = p && p->hidden;
    g->sources = p ? aura__publish_sources(p->can_publish_sources, p->n_can_publish_sources) : 0;
}

/* @param claims  its own strings are borrowed, attributes are not */
static int make_token(const struct job *j, const Livekit__AvailabilityResponse *m,
                      struct aura_claims *claims, struct aura_buf *out) {
    struct aura_rooms *r = rooms_of(j);
    const char *secret = aura_keys_secret(r->conf.keys, j->worker->api_key);
    int err = secret ? 0 : AURA_EAUTH;
    claims->identity = j->identity;
    claims->name = m->participant_name;
    claims->metadata = m->participant_metadata;
    claims->kind = text("agent");
    claims->has_video = true;
    claims->video.room = j->dispatch->room->name;
    grants_of(j->worker, &claims->video);
    for (size_t i = 0; !err && i < m->n_participant_attributes; i++) {
        err = aura_claims_attribute(claims, m->participant_attributes[i]->key,
                                    m->participant_attributes[i]->value);
    }
    err = err ? err : aura_claims_attribute(claims, "lk.agent_name", j->dispatch->wish->agent_name);
    return err ? err
               : aura_token_mint(out, claims, j->worker->api_key, secret,
                                 (int64_t)(aura_wall_us(r->clock) / AURA_US_PER_S), TOKEN_S);
}

static void drop_claims(struct aura_claims *claims) {
    claims->identity = claims->name = claims->metadata = claims->kind = claims->video.room = NULL;
    aura_claims_clear(claims);
}

static int send_assignment(struct job *j, const Livekit__AvailabilityResponse *m) {
    struct aura_claims claims;
    struct aura_buf token = AURA_BUF(AURA_TOKEN_BYTES_MAX);
    struct aura__arena a = {.blocks = NULL};
    Livekit__JobAssignment assignment = LIVEKIT__JOB_ASSIGNMENT__INIT;
    aura_claims_init(&claims);
    int err = make_token(j, m, &claims, &token);
    assignment.job = aura__job_info(&a, j);
    assignment.token = (char *)token.data;
    Livekit__ServerMessage message = LIVEKIT__SERVER_MESSAGE__INIT;
    message.message_case = LIVEKIT__SERVER_MESSAGE__MESSAGE_ASSIGNMENT;
    message.assignment = &assignment;
    err = err ? err : assignment.job ? 0 : AURA_ENOMEM;
    if (!err) {
        aura__worker_send(j->worker, &message);
    }
    if (token.data) {
        aura_wipe(token.data, token.len);
    }
    aura_buf_free(&token);
    drop_claims(&claims);
    aura__arena_free(&a);
    return err;
}

static void assign(struct job *j, const Livekit__AvailabilityResponse *m) {
    struct aura_rooms *r = rooms_of(j);
    char own[SID_CAP + 8];
    snprintf(own, sizeof(own), "agent-%s", j->id);
    bool given = j->dispatch->identity && j->type == LIVEKIT__JOB_TYPE__JT_ROOM;
    const char *identity = given                        ? j->dispatch->identity
                           : m->participant_identity[0] ? m->participant_identity
                                                        : own;
    aura_free(j->identity);
    j->identity = strlen(identity) <= r->conf.max_identity_length ? aura_strdup(identity) : NULL;
    if (!j->identity || send_assignment(j, m)) {
        refused(j);
        return;
    }
    aura_timer_stop(r->timers, &j->timer);
    j->worker->offers--;
    j->state = JOB_RUNNING;
    j->status = LIVEKIT__JOB_STATUS__JS_RUNNING;
    j->reason = LIVEKIT__JOB_STATE_REASON__JSR_UNSPECIFIED;
    j->started_us = j->updated_us = aura_wall_us(r->clock);
    notify(j, "agent_job_started");
}

static struct job *find(struct aura_rooms *r, const char *id) {
    AURA_LIST_EACH(&r->rooms, struct room, room, node) {
        AURA_LIST_EACH(&room->dispatches, struct dispatch, d, node) {
            AURA_LIST_EACH(&d->jobs, struct job, j, node) {
                if (strcmp(j->id, id) == 0) {
                    return j;
                }
            }
        }
    }
    return NULL;
}

void aura__job_answer(struct aura_worker *w, const Livekit__AvailabilityResponse *m) {
    struct job *j = find(w->rooms, m->job_id);
    if (!j || j->worker != w || j->state != JOB_OFFERED) {
        return; /* too late: it is somebody else's */
    }
    if (m->available) {
        assign(j, m);
    } else if (m->terminate) {
        end(j, LIVEKIT__JOB_STATUS__JS_CANCELLED, "the worker ended the job");
    } else {
        refused(j);
    }
}

void aura__job_adopt(struct aura_worker *w, const char *id) {
    struct job *j = find(w->rooms, id);
    if (!j || j->state != JOB_RUNNING) {
        send_termination(w, id);
    } else if (!j->worker && aura__worker_fits(w, j->dispatch)) {
        aura_timer_stop(w->rooms->timers, &j->timer);
        j->worker = w;
        memcpy(j->worker_id, w->id, SID_CAP);
    }
}

void aura__job_update(struct aura_worker *w, const Livekit__UpdateJobStatus *m) {
    struct job *j = find(w->rooms, m->job_id);
    if (j && !j->worker && m->status == LIVEKIT__JOB_STATUS__JS_RUNNING) {
        aura__job_adopt(w, m->job_id);
    }
    if (!j || j->worker != w || j->state != JOB_RUNNING) {
        return;
    }
    j->updated_us = aura_wall_us(w->rooms->clock);
    if (m->status == LIVEKIT__JOB_STATUS__JS_SUCCESS ||
        m->status == LIVEKIT__JOB_STATUS__JS_FAILED ||
        m->status == LIVEKIT__JOB_STATUS__JS_CANCELLED) {
        end(j, m->status, m->error);
    }
}

/* ---- loss ---- */

static void on_lost(void *arg) {
    struct job *j = arg;
    struct room *room = j->dispatch->room;
    if (j->identity && aura__room_participant(room, j->identity)) {
        return; /* the agent is there without its worker */
    }
    AURA_LOG("agent", AURA_LOG_WARN, "job_reassigned", AURA_S("job", j->id),
             AURA_S("lost", j->worker_id), LOG_ROOM(j->dispatch->room));
    j->worker_id[0] = 0;
    j->state = JOB_WAITING;
    j->status = LIVEKIT__JOB_STATUS__JS_PENDING;
    j->reason = LIVEKIT__JOB_STATE_REASON__JSR_RETRYING;
    j->refusals = 0;
    offer(j);
}

static void lost(struct job *j) {
    if (aura_timer_start(rooms_of(j)->timers, &j->timer, LOST_S * AURA_US_PER_S, on_lost, j)) {
        on_lost(j);
    }
}

void aura__jobs_worker_gone(struct aura_worker *w) {
    AURA_LIST_EACH(&w->rooms->rooms, struct room, room, node) {
        AURA_LIST_EACH(&room->dispatches, struct dispatch, d, node) {
            AURA_LIST_EACH(&d->jobs, struct job, j, node) {
                if (j->worker != w) {
                    continue;
                }
                if (j->state == JOB_OFFERED) {
                    refused(j);
                } else {
                    j->worker = NULL;
                    lost(j);
                }
            }
        }
    }
}

void aura__agents_left(struct participant *p) {
    AURA_LIST_EACH(&p->room->dispatches, struct dispatch, d, node) {
        AURA_LIST_EACH(&d->jobs, struct job, j, node) {
            bool about = strcmp(j->participant_sid, p->sid) == 0;
            bool agent = j->identity && strcmp(j->identity, p->claims.identity) == 0;
            if (about) {
                aura__job_cancel(j, LIVEKIT__JOB_STATE_REASON__JSR_UNSPECIFIED);
            } else if (agent && j->state == JOB_RUNNING && !j->worker && !p->room->closing) {
                lost(j); /* its worker is gone too */
            }
        }
    }
}

/* ---- which jobs there should be ---- */

static bool has_job(const struct dispatch *d, Livekit__JobType type, const struct participant *p) {
    AURA_LIST_EACH(&d->jobs, struct job, j, node) {
        if (j->type == type && strcmp(j->participant_sid, p ? p->sid : "") == 0) {
            return true;
        }
    }
    return false;
}

/* Agents, recorders and hidden ones get no agents of their own. */
static bool dependent(const struct participant *p) {
    const char *kind = p->claims.kind;
    return p->may.agent || p->may.recorder || p->may.hidden ||
           (kind && (strcmp(kind, "agent") == 0 || strcmp(kind, "egress") == 0));
}

static bool publishes(const struct participant *p) {
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        if (t->live) {
            return true;
        }
    }
    return false;
}

static void want(struct dispatch *d, Livekit__JobType type, const struct participant *p) {
    struct job *j = has_job(d, type, p) ? NULL : job_new(d, type, p);
    if (j) {
        offer(j);
    }
}

static void consider_people(struct dispatch *d, bool participants, bool publishers) {
    AURA_LIST_EACH(&d->room->participants, struct participant, p, node) {
        if (dependent(p) || p->closing || !p->was_active) {
            continue;
        }
        if (participants) {
            want(d, LIVEKIT__JOB_TYPE__JT_PARTICIPANT, p);
        }
        if (publishers && publishes(p)) {
            want(d, LIVEKIT__JOB_TYPE__JT_PUBLISHER, p);
        }
    }
}

static void consider(struct dispatch *d) {
    bool types[JOB_TYPES] = {false};
    AURA_LIST_EACH(&d->room->rooms->workers, struct aura_worker, w, node) {
        if (aura__worker_fits(w, d)) {
            types[w->info->type] = true;
        }
    }
    AURA_LIST_EACH(&d->jobs, struct job, j, node) {
        if (j->state == JOB_WAITING) {
            offer(j);
        }
    }
    if (types[LIVEKIT__JOB_TYPE__JT_ROOM]) {
        want(d, LIVEKIT__JOB_TYPE__JT_ROOM, NULL);
    }
    if (types[LIVEKIT__JOB_TYPE__JT_PARTICIPANT] || types[LIVEKIT__JOB_TYPE__JT_PUBLISHER]) {
        consider_people(d, types[LIVEKIT__JOB_TYPE__JT_PARTICIPANT],
                        types[LIVEKIT__JOB_TYPE__JT_PUBLISHER]);
    }
}

void aura__jobs_consider(struct room *room) {
    if (aura_list_empty(&room->rooms->workers) || room->closing || room->rooms->draining) {
        return;
    }
    AURA_LIST_EACH(&room->dispatches, struct dispatch, d, node) {
        consider(d);
    }
}

void aura__jobs_of_all(struct aura_rooms *r) {
    AURA_LIST_EACH(&r->rooms, struct room, room, node) {
        aura__jobs_consider(room);
    }
}
