/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file twirp.h  Twirp over HTTP: `POST /twirp/livekit.<Service>/<Method>`, JSON or protobuf.
 *
 * A service is a table of methods; this file does routes, bodies, authorisation and error shapes.
 */
#ifndef AURA_API_TWIRP_H
#define AURA_API_TWIRP_H

#include "api/server_priv.h"

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

/** A call whose answer is owed. */
struct aura__later;

/** One call while it is carried out. */
struct aura__call {
    struct aura_server *server;
    const struct aura_claims *claims;
    const ProtobufCMessage *request;
    ProtobufCMessage *response; /* from aura_pb_allocator(); NULL = an empty message */
    const char *why;            /* text for the peer with an error; NULL = the error's own */
};

struct aura__method {
    const char *name; /* "livekit.RoomService/CreateRoom" */
    const ProtobufCMessageDescriptor *request, *response;
    /* Grants are checked first: @return true if the caller may do this. */
    bool (*allowed)(const struct aura_claims *claims, const ProtobufCMessage *request);
    int (*run)(struct aura__call *call);
    /* Instead of run, for answers that come later: see aura__twirp_done(). */
    int (*run_later)(struct aura__call *call, struct aura__later *later);
};

/**
 * Ends it, once. @param response  from aura_pb_allocator(), taken; NULL with an error
 * @param meta  taken; may be NULL
 */
void aura__twirp_done(struct aura__later *later, int err, const char *why, json_t *meta,
                      ProtobufCMessage *response);

/** The answer to a request comes later. @return NULL without memory */
struct aura__later *aura__twirp_later(struct aura_server *s, struct aura_http_req *req,
                                      const struct aura__method *m, bool json, uint64_t since_us);
/** Ends it with what another node has answered. @param type  of the body: JSON or protobuf */
void aura__twirp_raw(struct aura__later *later, int status, bool protobuf, const void *body,
                     size_t len);

/** A request that has been read and allowed. */
struct aura__twirp_work {
    const struct aura__method *method;
    bool json;
    uint64_t since_us;
    struct aura_claims *claims;
    ProtobufCMessage *request; /* from aura_pb_allocator() */
};
/** In a cluster: answers if another node may have to do with it, and takes claims and request then.
 * (twirp_nodes.c) @return false: it is to be carried out here */
bool aura__twirp_nodes(struct aura_server *s, struct aura_http_req *req,
                       const struct aura__twirp_work *work);

/** All methods of a service, or of several; each table ends with a NULL name. */
extern const struct aura__method aura__roomservice[], aura__dispatchservice[], aura__absent[];
/** livekit.Egress, where recordings are configured. */
extern const struct aura__method aura__egress[];

#endif
