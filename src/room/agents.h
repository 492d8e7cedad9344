/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file agents.h  Agent workers: who offers to run agents, and which jobs they get.
 *
 * A room has dispatches: names of agents that are wanted there. Each makes jobs: one for the room,
 * one for each participant or one for each publisher, as the workers of that name want it. A job is
 * offered to one available worker after the other until one takes it. Threading: control thread.
 */
#ifndef AURA_ROOM_AGENTS_H
#define AURA_ROOM_AGENTS_H

#include "livekit_agent.pb-c.h"
#include "livekit_agent_dispatch.pb-c.h"
#include "room/rooms.h"

enum {
    AURA_AGENT_WORKERS_MAX = 4096,
    AURA_AGENT_DISPATCHES_MAX = 64, /* of one room */
    AURA_AGENT_JOBS_MAX = 1024,     /* of one dispatch */
};

struct aura_worker;

/** A worker's WebSocket has opened; @p sink's calls go to it. @return 0, AURA_ENOMEM, AURA_ELIMIT
 */
AURA_NODISCARD int aura_worker_new(struct aura_worker **wp, struct aura_rooms *r,
                                   const char *api_key, const struct aura_signal_sink *sink,
                                   void *arg);
/** One WorkerMessage. @return 0 or AURA_EMALFORMED (the connection should be closed) */
AURA_NODISCARD int aura_worker_recv(struct aura_worker *w, const uint8_t *data, size_t len);
/** The WebSocket is gone: frees the worker. Its agents may go on; see agents_jobs.c. */
void aura_worker_closed(struct aura_worker *w);

/* AgentDispatchService. @return 0, AURA_ENOENT, AURA_EINVAL, AURA_ELIMIT, AURA_ENOMEM. Answers as
 * in rooms.h. */
AURA_NODISCARD int aura_rooms_create_dispatch(struct aura_rooms *r,
                                              const Livekit__CreateAgentDispatchRequest *q,
                                              Livekit__AgentDispatch **out);
/** One whose agent goes by that identity, whatever its worker says: others know it so. One with the
 * same identity that was in the room ends. */
AURA_NODISCARD int aura_rooms_dispatch_as(struct aura_rooms *r,
                                          const Livekit__CreateAgentDispatchRequest *q,
                                          const char *identity);
void aura_rooms_end_dispatch_as(struct aura_rooms *r, const char *room, const char *identity);
AURA_NODISCARD int aura_rooms_delete_dispatch(struct aura_rooms *r,
                                              const Livekit__DeleteAgentDispatchRequest *q,
                                              Livekit__AgentDispatch **out);
AURA_NODISCARD int aura_rooms_list_dispatch(struct aura_rooms *r,
                                            const Livekit__ListAgentDispatchRequest *q,
                                            Livekit__ListAgentDispatchResponse **out);

#endif
