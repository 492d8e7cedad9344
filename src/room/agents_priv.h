/* SPDX-License-Identifier: Apache-2.0 */
/** @file agents_priv.h  Workers, dispatches and jobs, shared by the files of agents. */
#ifndef AURA_ROOM_AGENTS_PRIV_H
#define AURA_ROOM_AGENTS_PRIV_H

#include "room/agents.h"
#include "room/room_priv.h"

enum { JOB_TYPES = 3, JOB_REFUSALS_MAX = 32 };

struct aura_worker {
    struct aura_node node; /* in rooms->workers */
    struct aura_rooms *rooms;
    char id[SID_CAP];
    char *api_key;
    struct aura_signal_sink sink;
    void *arg;
    Livekit__RegisterWorkerRequest *info; /* NULL: not registered yet */
    bool full, draining, closing;
    float load;
    unsigned offers; /* not answered yet: they will add to its load */
    struct aura_timer register_timer;
};

enum job_state {
    JOB_WAITING, /* for a worker */
    JOB_OFFERED, /* to `worker` */
    JOB_RUNNING, /* assigned to `worker`, or (NULL) to one that has gone */
    JOB_ENDED,
};

struct job {
    struct aura_node node; /* in dispatch->jobs */
    struct dispatch *dispatch;
    char id[SID_CAP];
    Livekit__JobType type;
    char participant_sid[SID_CAP]; /* "" for jobs of the room */
    enum job_state state;
    Livekit__JobStatus status;
    Livekit__JobStateReason reason;
    struct aura_worker *worker;
    char worker_id[SID_CAP]; /* also of one that has gone */
    char *identity;          /* of the agent in the room; NULL before */
    char *error;
    struct aura_timer timer;                 /* for an answer; for the return of a lost worker */
    char refused[JOB_REFUSALS_MAX][SID_CAP]; /* workers that do not want it */
    size_t refusals;
    uint64_t started_us, ended_us, updated_us; /* since the Unix epoch; 0 = not yet */
};

struct dispatch {
    struct aura_node node; /* in room->dispatches */
    struct room *room;
    char id[SID_CAP];
    Livekit__RoomAgentDispatch *wish; /* name, metadata, attributes, deployment */
    char *identity;                   /* of the agent in the room; NULL = its worker's choice */
    uint64_t created_us;
    struct aura_list jobs;
    size_t job_count;
};

/* ---- agents_workers.c ---- */
void aura__worker_send(struct aura_worker *w, const Livekit__ServerMessage *m);
/** An available worker for a job, by chance, the less loaded rather. @return NULL: none */
struct aura_worker *aura__worker_for(struct aura_rooms *r, const struct job *j);
/** May it ever run jobs of this dispatch? */
bool aura__worker_fits(const struct aura_worker *w, const struct dispatch *d);

/* ---- agents_jobs.c ---- */
Livekit__Job *aura__job_info(struct aura__arena *a, const struct job *j);
/** Makes jobs that are missing in the room, offers those that wait. */
void aura__jobs_consider(struct room *room);
void aura__jobs_of_all(struct aura_rooms *r);
void aura__job_answer(struct aura_worker *w, const Livekit__AvailabilityResponse *m);
void aura__job_update(struct aura_worker *w, const Livekit__UpdateJobStatus *m);
/** A worker that has come back says that it runs this one. */
void aura__job_adopt(struct aura_worker *w, const char *id);
void aura__jobs_worker_gone(struct aura_worker *w);
/** Ends it and tells its worker. Frees nothing. */
void aura__job_cancel(struct job *j, Livekit__JobStateReason reason);
void aura__job_free(struct job *j);

/* ---- agents_dispatch.c ---- */
void aura__dispatch_free(struct dispatch *d, Livekit__JobStateReason reason);

#endif
