/* SPDX-License-Identifier: Apache-2.0 */
/* livekit.AgentDispatchService. */
#include "api/twirp.h"
#include "room/agents.h"

#include <string.h>

static bool is_admin(const struct aura_claims *c, const char *room) {
    return c->video.room_admin && c->video.room && strcmp(c->video.room, room) == 0;
}

static bool may_create(const struct aura_claims *c, const ProtobufCMessage *request) {
    return is_admin(c, ((const Livekit__CreateAgentDispatchRequest *)request)->room);
}

static bool may_delete(const struct aura_claims *c, const ProtobufCMessage *request) {
    return is_admin(c, ((const Livekit__DeleteAgentDispatchRequest *)request)->room);
}

static bool may_list(const struct aura_claims *c, const ProtobufCMessage *request) {
    return is_admin(c, ((const Livekit__ListAgentDispatchRequest *)request)->room);
}

static int create(struct aura__call *call) {
    Livekit__AgentDispatch *out = NULL;
    int err = aura_rooms_create_dispatch(call->server->rooms, (const void *)call->request, &out);
    call->why = err == AURA_ENOENT   ? "requested room does not exist"
                : err == AURA_ELIMIT ? "the room has as many dispatches as it may"
                                     : NULL;
    call->response = out ? &out->base : NULL;
    return err;
}

static int delete (struct aura__call *call) {
    Livekit__AgentDispatch *out = NULL;
    int err = aura_rooms_delete_dispatch(call->server->rooms, (const void *)call->request, &out);
    call->why = "dispatch does not exist";
    call->response = out ? &out->base : NULL;
    return err;
}

static int list(struct aura__call *call) {
    Livekit__ListAgentDispatchResponse *out = NULL;
    int err = aura_rooms_list_dispatch(call->server->rooms, (const void *)call->request, &out);
    call->why = "requested room does not exist";
    call->response = out ? &out->base : NULL;
    return err;
}

#define METHOD(name, request, response, allowed, run)                                              \
    {                                                                                              \
        "livekit.AgentDispatchService/" name, &livekit__##request##__descriptor,                   \
            &livekit__##response##__descriptor, allowed, run, NULL                                 \
    }

const struct aura__method aura__dispatchservice[] = {
    METHOD("CreateDispatch", create_agent_dispatch_request, agent_dispatch, may_create, create),
    METHOD("DeleteDispatch", delete_agent_dispatch_request, agent_dispatch, may_delete, delete),
    METHOD("ListDispatch", list_agent_dispatch_request, list_agent_dispatch_response, may_list,
           list),
    {.name = NULL},
};
