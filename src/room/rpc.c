/* SPDX-License-Identifier: Apache-2.0 */
/* RPC calls that the server makes for its operator (RoomService.PerformRpc): a request over the
 * data channel, an acknowledgement, a response, each with a time limit. */
#include "room/room_priv.h"

#include <stdio.h>
#include <string.h>

enum {
    RPC_MAX = 4096, /* in progress at a time */
    RPC_ID_LEN = 32,
    RPC_PAYLOAD_BYTES_MAX = 15 * 1024, /* what SDKs take */
    ACK_S = 7,
    RESPONSE_DEFAULT_MS = 15000,
    RESPONSE_MOST_MS = 300000,
};

/* Who the participant sees as its caller: no identity of a participant begins so. */
static const char caller[] = "auralink.server";

struct rpc {
    struct aura_node node;
    struct participant *p;
    char id[RPC_ID_LEN + 1];
    struct aura_timer ack_timer, timer;
    aura_rooms_rpc_fn *fn;
    void *arg;
};

static void end(struct rpc *rpc, const struct aura_rpc_result *result) {
    struct aura_rooms *r = rpc->p->room->rooms;
    aura_timer_stop(r->timers, &rpc->timer);
    aura_timer_stop(r->timers, &rpc->ack_timer);
    aura_node_remove(&rpc->node);
    r->rpc_count--;
    rpc->fn(rpc->arg, result);
    aura_free(rpc);
}

static void fail(struct rpc *rpc, int err, uint32_t code, const char *message) {
    end(rpc, &(struct aura_rpc_result){.err = err, .code = code, .message = message, .data = ""});
}

static void on_no_ack(void *arg) {
    fail(arg, AURA_ETIMEDOUT, AURA_RPC_CONNECTION_TIMEOUT, "Connection timeout");
}

static void on_no_response(void *arg) {
    fail(arg, AURA_ETIMEDOUT, AURA_RPC_RESPONSE_TIMEOUT, "Response timeout");
}

static int send_request(const struct rpc *rpc, const Livekit__PerformRpcRequest *q, uint32_t ms) {
    Livekit__RpcRequest request = LIVEKIT__RPC_REQUEST__INIT;
    char *to[] = {rpc->p->claims.identity};
    request.id = (char *)(uintptr_t)rpc->id;
    request.method = q->method;
    request.payload = q->payload;
    request.response_timeout_ms = ms;
    request.version = 1;
    Livekit__DataPacket d = LIVEKIT__DATA_PACKET__INIT;
    d.participant_identity = (char *)(uintptr_t)caller;
    d.n_destination_identities = 1;
    d.destination_identities = to;
    d.value_case = LIVEKIT__DATA_PACKET__VALUE_RPC_REQUEST;
    d.rpc_request = &request;
    size_t len = livekit__data_packet__get_packed_size(&d);
    uint8_t *bytes = aura_zalloc(len);
    if (!bytes) {
        return AURA_ENOMEM;
    }
    livekit__data_packet__pack(&d, bytes);
    aura_peer_id peer = aura__connect_down(rpc->p)->peer;
    int err =
        aura_fleet_data_send(&rpc->p->room->rooms->reach, &peer, 1, AURA_DATA_RELIABLE, bytes, len);
    aura_free(bytes);
    return err;
}

int aura_rooms_perform_rpc(struct aura_rooms *r, const Livekit__PerformRpcRequest *q,
                           aura_rooms_rpc_fn *fn, void *arg) {
    struct room *room = aura__room_find(r, q->room);
    struct participant *p = room ? aura__room_participant(room, q->destination_identity) : NULL;
    if (!p || p->state != LIVEKIT__PARTICIPANT_INFO__STATE__ACTIVE) {
        return AURA_ENOENT;
    }
    if (!q->method[0] || strlen(q->payload) > RPC_PAYLOAD_BYTES_MAX) {
        return AURA_EINVAL;
    }
    struct rpc *rpc = r->rpc_count < RPC_MAX ? aura_zalloc(sizeof(*rpc)) : NULL;
    if (!rpc) {
        return r->rpc_count < RPC_MAX ? AURA_ENOMEM : AURA_ELIMIT;
    }
    uint32_t ms = q->response_timeout_ms ? q->response_timeout_ms : RESPONSE_DEFAULT_MS;
    ms = ms < RESPONSE_MOST_MS ? ms : RESPONSE_MOST_MS;
    *rpc = (struct rpc){.p = p, .fn = fn, .arg = arg};
    aura_rand_text(r->conf.rand, rpc->id, RPC_ID_LEN);
    int err = aura_timer_start(r->timers, &rpc->timer, ms * AURA_US_PER_MS, on_no_response, rpc);
    err = err ? err
              : aura_timer_start(r->timers, &rpc->ack_timer, ACK_S * AURA_US_PER_S, on_no_ack, rpc);
    err = err ? err : send_request(rpc, q, ms);
    if (err) {
        aura_timer_stop(r->timers, &rpc->timer);
        aura_timer_stop(r->timers, &rpc->ack_timer);
        aura_free(rpc);
        return err;
    }
    aura_list_add(&r->rpcs, &rpc->node);
    r->rpc_count++;
    return 0;
}

/* By the id, and only from the one who was asked. */
static struct rpc *find(const struct participant *p, const char *id) {
    AURA_LIST_EACH(&p->room->rooms->rpcs, struct rpc, rpc, node) {
        if (rpc->p == p && strcmp(rpc->id, id) == 0) {
            return rpc;
        }
    }
    return NULL;
}

static void take_response(struct rpc *rpc, const Livekit__RpcResponse *m) {
    if (m->value_case == LIVEKIT__RPC_RESPONSE__VALUE_PAYLOAD) {
        end(rpc, &(struct aura_rpc_result){.payload = m->payload});
    } else if (m->value_case == LIVEKIT__RPC_RESPONSE__VALUE_ERROR) {
        end(rpc, &(struct aura_rpc_result){.err = AURA_EPOLICY,
                                           .code = m->error->code,
                                           .message = m->error->message,
                                           .data = m->error->data});
    } else {
        fail(rpc, AURA_EUNSUPPORTED, AURA_RPC_APPLICATION_ERROR, "unknown kind of response");
    }
}

bool aura__rpc_receive(struct participant *p, const Livekit__DataPacket *d) {
    const char *id = d->value_case == LIVEKIT__DATA_PACKET__VALUE_RPC_ACK ? d->rpc_ack->request_id
                     : d->value_case == LIVEKIT__DATA_PACKET__VALUE_RPC_RESPONSE
                         ? d->rpc_response->request_id
                         : NULL;
    struct rpc *rpc = id && p->room->rooms->rpc_count ? find(p, id) : NULL;
    if (!rpc) {
        return false;
    }
    if (d->value_case == LIVEKIT__DATA_PACKET__VALUE_RPC_ACK) {
        aura_timer_stop(p->room->rooms->timers, &rpc->ack_timer);
    } else {
        take_response(rpc, d->rpc_response);
    }
    return true;
}

void aura__rpc_gone(struct participant *p) {
    if (p->room->rooms->rpc_count == 0) {
        return;
    }
    AURA_LIST_EACH(&p->room->rooms->rpcs, struct rpc, rpc, node) {
        if (rpc->p == p) {
            fail(rpc, AURA_ECLOSED, AURA_RPC_RECIPIENT_DISCONNECTED, "Recipient disconnected");
        }
    }
}
