/* SPDX-License-Identifier: Apache-2.0 */
/* Twirp in a cluster: what is about a room goes to its owner, ListRooms to all nodes. */
#include "api/nodes.h"
#include "api/twirp.h"
#include "base/mem.h"

#include <string.h>

enum { ASK_TIMEOUT_MS = 5000 };

/* The name of the room that a request is about; NULL: it is about none. */
static const char *room_of(const struct aura__method *m, const ProtobufCMessage *request) {
    static const char *const fields[] = {"room", "room_name"};
    bool of_rooms = strncmp(m->name, "livekit.RoomService/", 20) == 0;
    if (strcmp(m->name, "livekit.RoomService/CreateRoom") == 0) {
        return ((const Livekit__CreateRoomRequest *)(const void *)request)->name;
    }
    if (!of_rooms && strncmp(m->name, "livekit.AgentDispatchService/", 29) != 0 &&
        strncmp(m->name, "livekit.Egress/Start", 20) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < 2; i++) {
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(request->descriptor, fields[i]);
        if (f && f->type == PROTOBUF_C_TYPE_STRING) {
            return *(char *const *)(const void *)((const char *)request + f->offset);
        }
    }
    return NULL;
}

/* ---- about one room ---- */

struct work {
    struct aura_server *server;
    const struct aura__method *method;
    struct aura_claims claims;
    ProtobufCMessage *request;
    struct aura__later *later;
};

static void work_free(struct work *w) {
    aura_claims_clear(&w->claims);
    protobuf_c_message_free_unpacked(w->request, aura_pb_allocator());
    aura_free(w);
}

static void on_here(void *arg) {
    struct work *w = arg;
    struct aura__call call = {.server = w->server, .claims = &w->claims, .request = w->request};
    if (w->method->run_later) {
        int err = w->method->run_later(&call, w->later);
        if (err) {
            aura__twirp_done(w->later, err, call.why, NULL, NULL);
        }
    } else {
        int err = w->method->run(&call);
        ProtobufCMessage *answer =
            err ? NULL
            : call.response
                ? call.response
                : protobuf_c_message_unpack(w->method->response, aura_pb_allocator(), 0, NULL);
        aura__twirp_done(w->later, err, call.why, NULL, answer);
    }
    work_free(w);
}

static void on_answered(void *arg, const struct aura_answer *a) {
    struct work *w = arg;
    if (a->status && a->body) {
        aura__twirp_raw(w->later, a->status, a->protobuf, a->body, a->len);
    } else if (a->status == 200) { /* an empty message of protobuf */
        aura__twirp_raw(w->later, 200, true, "", 0);
    } else {
        aura__twirp_done(w->later, AURA_EAGAIN, a->why, NULL, NULL);
    }
    work_free(w);
}

static bool about_room(struct aura_server *s, struct aura_http_req *req,
                       const struct aura__twirp_work *work, const char *room) {
    struct work *w = aura_zalloc(sizeof(*w));
    if (!w) {
        return false; /* here it is refused: the room is not ours, or there is no memory either */
    }
    w->later = aura__twirp_later(s, req, work->method, work->json, work->since_us);
    if (!w->later) {
        aura_free(w);
        return false;
    }
    w->server = s;
    w->method = work->method;
    w->claims = *work->claims;
    aura_claims_init(work->claims);
    w->request = work->request;
    const struct aura__nodes_wish wish = {
        .room = room,
        .create = strcmp(work->method->name, "livekit.RoomService/CreateRoom") == 0,
        .type = work->json ? "application/json" : "application/protobuf",
        .here = on_here,
        .answered = on_answered,
        .arg = w};
    if (aura__nodes_pass(s, req, &wish)) {
        aura__twirp_done(w->later, AURA_ENOMEM, NULL, NULL, NULL);
        work_free(w);
    }
    return true;
}

/* ---- ListRooms ---- */

struct listing {
    struct aura__later *later;
    Livekit__ListRoomsResponse *all; /* ours, then those of others behind */
    size_t waiting;
    int err;
};

/* Moves the rooms over. */
static int append(Livekit__ListRoomsResponse *to, Livekit__ListRoomsResponse *from) {
    size_t n = to->n_rooms + from->n_rooms;
    Livekit__Room **list = aura_calloc(n ? n : 1, sizeof(Livekit__Room *));
    if (!list) {
        return AURA_ENOMEM;
    }
    if (to->n_rooms) {
        memcpy(list, to->rooms, to->n_rooms * sizeof(Livekit__Room *));
    }
    if (from->n_rooms) {
        memcpy(list + to->n_rooms, from->rooms, from->n_rooms * sizeof(Livekit__Room *));
    }
    aura_free(to->rooms);
    to->rooms = list;
    to->n_rooms = n;
    from->n_rooms = 0;
    return 0;
}

static void listed(struct listing *l) {
    if (--l->waiting == 0) {
        if (l->err) {
            livekit__list_rooms_response__free_unpacked(l->all, aura_pb_allocator());
            l->all = NULL;
        }
        aura__twirp_done(l->later, l->err, NULL, NULL, l->all ? &l->all->base : NULL);
        aura_free(l);
    }
}

/* A node that does not answer has no rooms that anybody could reach. */
static void on_list(void *arg, const struct aura_answer *a) {
    struct listing *l = arg;
    Livekit__ListRoomsResponse *more =
        a->status == 200 && a->protobuf && a->len
            ? livekit__list_rooms_response__unpack(aura_pb_allocator(), a->len, a->body)
            : NULL;
    if (more) {
        l->err = l->err ? l->err : append(l->all, more);
        livekit__list_rooms_response__free_unpacked(more, aura_pb_allocator());
    }
    listed(l);
}

static void ask_others(struct aura_server *s, const struct aura_http_req *req, struct listing *l,
                       const ProtobufCMessage *request) {
    size_t count, len = protobuf_c_message_get_packed_size(request);
    const struct aura_cluster_node *n =
        aura_cluster_nodes(aura_nodes_cluster(s->conf.nodes), &count);
    uint8_t *body = aura_zalloc(len + 1);
    l->err = body ? 0 : AURA_ENOMEM;
    if (body) {
        protobuf_c_message_pack(request, body);
    }
    for (size_t i = 0; i < count && !l->err; i++) {
        const struct aura_ask_conf conf = {.address = n[i].address,
                                           .target = "/twirp/livekit.RoomService/ListRooms",
                                           .bearer = aura__nodes_bearer(req),
                                           .forwarded = "",
                                           .type = "application/protobuf",
                                           .body = body,
                                           .len = len,
                                           .timeout_ms = ASK_TIMEOUT_MS};
        if (strcmp(n[i].id, aura_rooms_node_id(s->rooms)) != 0) {
            l->err = aura_ask(aura_nodes_asker(s->conf.nodes), &conf, on_list, l);
            l->waiting += !l->err;
        }
    }
    aura_free(body);
}

static bool list_all(struct aura_server *s, struct aura_http_req *req,
                     const struct aura__twirp_work *work) {
    struct listing *l = aura_zalloc(sizeof(*l));
    if (!l || aura_rooms_list_rooms(s->rooms, (const void *)work->request, &l->all)) {
        aura_free(l);
        return false;
    }
    l->later = aura__twirp_later(s, req, work->method, work->json, work->since_us);
    if (!l->later) {
        livekit__list_rooms_response__free_unpacked(l->all, aura_pb_allocator());
        aura_free(l);
        return false;
    }
    l->waiting = 1; /* ourselves */
    ask_others(s, req, l, work->request);
    listed(l);
    protobuf_c_message_free_unpacked(work->request, aura_pb_allocator());
    return true;
}

bool aura__twirp_nodes(struct aura_server *s, struct aura_http_req *req,
                       const struct aura__twirp_work *work) {
    if (!s->conf.nodes) {
        return false;
    }
    if (strcmp(work->method->name, "livekit.RoomService/ListRooms") == 0) {
        return !aura_http_is_near(req) && list_all(s, req, work);
    }
    const char *room = room_of(work->method, work->request);
    return room && *room && !aura__nodes_here(s, room) && about_room(s, req, work, room);
}
