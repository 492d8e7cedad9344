/* SPDX-License-Identifier: Apache-2.0 */
/* livekit.RoomService: who may call what (livekit-protocol §6), and the way into the rooms. */
#include "api/egress.h"
#include "api/twirp.h"
#include "room/show.h"

#include <string.h>

/* Every request that is about one room has its name in the first text field, called "room" or
 * "name". */
static const char *room_of(const ProtobufCMessage *request) {
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "room");
    return f && f->type == PROTOBUF_C_TYPE_STRING
               ? *(char *const *)(const void *)((const char *)request + f->offset)
               : "";
}

static bool may_create(const struct aura_claims *c, const ProtobufCMessage *request) {
    (void)request;
    return c->video.room_create;
}

static bool may_list(const struct aura_claims *c, const ProtobufCMessage *request) {
    (void)request;
    return c->video.room_list;
}

static bool may_admin(const struct aura_claims *c, const ProtobufCMessage *request) {
    return c->video.room_admin && c->video.room && strcmp(c->video.room, room_of(request)) == 0;
}

static bool may_move(const struct aura_claims *c, const ProtobufCMessage *request) {
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "destination_room");
    const char *to = f ? *(char *const *)(const void *)((const char *)request + f->offset) : "";
    return may_admin(c, request) && c->video.destination_room &&
           strcmp(c->video.destination_room, to) == 0;
}

static int create_room(struct aura__call *call) {
    const Livekit__CreateRoomRequest *q = (const void *)call->request;
    const struct aura_egress egress = {call->server->rooms, call->server->conf.recordings};
    if (q->egress && !egress.recordings) {
        call->why = "egress not connected (redis required)";
        return AURA_EIO;
    }
    int err = q->egress ? aura_egress_check(&egress, q->name, q->egress, &call->why) : 0;
    if (err) {
        return err;
    }
    call->why = !q->name[0]         ? "name is required"
                : q->room_preset[0] ? "name or metadata too long, or no such room_preset"
                                    : "name or metadata exceeds its limit";
    err = aura_rooms_create_room(call->server->rooms, q, (Livekit__Room **)&call->response);
    call->why = err == AURA_ELIMIT ? "the server has reached its limit of rooms" : call->why;
    return err;
}

static int list_rooms(struct aura__call *call) {
    return aura_rooms_list_rooms(call->server->rooms, (const void *)call->request,
                                 (Livekit__ListRoomsResponse **)&call->response);
}

static int delete_room(struct aura__call *call) {
    const Livekit__DeleteRoomRequest *q = (const void *)call->request;
    call->why = "requested room does not exist";
    return aura_rooms_delete_room(call->server->rooms, q->room);
}

static int list_participants(struct aura__call *call) {
    const Livekit__ListParticipantsRequest *q = (const void *)call->request;
    return aura_rooms_list_participants(call->server->rooms, q->room,
                                        (Livekit__ListParticipantsResponse **)&call->response);
}

static int get_participant(struct aura__call *call) {
    const Livekit__RoomParticipantIdentity *q = (const void *)call->request;
    call->why = "participant does not exist";
    return aura_rooms_get_participant(call->server->rooms, q->room, q->identity,
                                      (Livekit__ParticipantInfo **)&call->response);
}

static int remove_participant(struct aura__call *call) {
    const Livekit__RoomParticipantIdentity *q = (const void *)call->request;
    call->why = "participant does not exist";
    return aura_rooms_remove_participant(call->server->rooms, q->room, q->identity);
}

static int mute_track(struct aura__call *call) {
    const Livekit__MuteRoomTrackRequest *q = (const void *)call->request;
    Livekit__TrackInfo *track = NULL;
    int err = aura_rooms_mute_track(call->server->rooms, q, &track);
    if (err) {
        call->why = err == AURA_EPOLICY ? "remote unmute is off: see room.enable_remote_unmute"
                                        : "participant or track does not exist";
        return err;
    }
    Livekit__MuteRoomTrackResponse *response = (void *)protobuf_c_message_unpack(
        &livekit__mute_room_track_response__descriptor, aura_pb_allocator(), 0, NULL);
    if (!response) {
        protobuf_c_message_free_unpacked(&track->base, aura_pb_allocator());
        return AURA_ENOMEM;
    }
    response->track = track;
    call->response = &response->base;
    return 0;
}

static int update_participant(struct aura__call *call) {
    call->why = "participant does not exist";
    int err = aura_rooms_update_participant(call->server->rooms, (const void *)call->request,
                                            (Livekit__ParticipantInfo **)&call->response);
    call->why = err == AURA_EINVAL ? "name, metadata or attributes exceed their limit" : call->why;
    return err;
}

static int update_subscriptions(struct aura__call *call) {
    call->why = "participant does not exist";
    return aura_rooms_update_subscriptions(call->server->rooms, (const void *)call->request);
}

static int send_data(struct aura__call *call) {
    int err = aura_rooms_send_data(call->server->rooms, (const void *)call->request);
    call->why =
        err == AURA_EINVAL ? "nonce must have 0 or 16 bytes" : "requested room does not exist";
    return err;
}

static int update_metadata(struct aura__call *call) {
    const Livekit__UpdateRoomMetadataRequest *q = (const void *)call->request;
    call->why = "requested room does not exist";
    return aura_rooms_update_metadata(call->server->rooms, q->room, q->metadata,
                                      (Livekit__Room **)&call->response);
}

static void on_rpc(void *arg, const struct aura_rpc_result *result) {
    if (result->err) {
        aura__twirp_done(arg, result->err, result->message,
                         json_pack("{s:o, s:s}", "rpc_code",
                                   json_sprintf("%u", (unsigned)result->code), "rpc_data",
                                   result->data),
                         NULL);
        return;
    }
    Livekit__PerformRpcResponse response = LIVEKIT__PERFORM_RPC_RESPONSE__INIT;
    response.payload = (char *)(uintptr_t)result->payload;
    aura__twirp_done(arg, 0, NULL, NULL, aura_pb_copy(&response.base));
}

static int perform_rpc(struct aura__call *call, struct aura__later *later) {
    int err =
        aura_rooms_perform_rpc(call->server->rooms, (const void *)call->request, on_rpc, later);
    call->why = err == AURA_ENOENT   ? "participant does not exist"
                : err == AURA_EINVAL ? "no method, or the payload is longer than 15 KiB"
                                     : NULL;
    return err;
}

static const char *why_not_moved(int err) {
    switch (err) {
    case AURA_ENOENT:
        return "participant does not exist";
    case AURA_EINVAL:
        return "the destination is this room, or no name of one";
    case AURA_EPOLICY:
        return "this participant's client cannot be moved, or its API key is revoked";
    case AURA_EEXISTS:
        return "somebody with this identity is in that room";
    case AURA_ELIMIT:
        return "that room, or the server, is full";
    default:
        return NULL;
    }
}

static int move_participant(struct aura__call *call) {
    const Livekit__MoveParticipantRequest *q = (const void *)call->request;
    int err = aura_rooms_move(call->server->rooms, q->room, q->identity, q->destination_room);
    call->why = why_not_moved(err);
    return err;
}

/* As LiveKit's open-source server answers it. */
static int unimplemented(struct aura__call *call) {
    call->why = "not implemented";
    return AURA_EUNSUPPORTED;
}

#define METHOD(name, request, response, allowed, run)                                              \
    {                                                                                              \
        "livekit.RoomService/" name, &livekit__##request##__descriptor,                            \
            &livekit__##response##__descriptor, allowed, run, NULL                                 \
    }

const struct aura__method aura__roomservice[] = {
    METHOD("CreateRoom", create_room_request, room, may_create, create_room),
    METHOD("ListRooms", list_rooms_request, list_rooms_response, may_list, list_rooms),
    METHOD("DeleteRoom", delete_room_request, delete_room_response, may_create, delete_room),
    METHOD("ListParticipants", list_participants_request, list_participants_response, may_admin,
           list_participants),
    METHOD("GetParticipant", room_participant_identity, participant_info, may_admin,
           get_participant),
    METHOD("RemoveParticipant", room_participant_identity, remove_participant_response, may_admin,
           remove_participant),
    METHOD("MutePublishedTrack", mute_room_track_request, mute_room_track_response, may_admin,
           mute_track),
    METHOD("UpdateParticipant", update_participant_request, participant_info, may_admin,
           update_participant),
    METHOD("UpdateSubscriptions", update_subscriptions_request, update_subscriptions_response,
           may_admin, update_subscriptions),
    METHOD("SendData", send_data_request, send_data_response, may_admin, send_data),
    METHOD("UpdateRoomMetadata", update_room_metadata_request, room, may_admin, update_metadata),
    METHOD("ForwardParticipant", forward_participant_request, forward_participant_response,
           may_move, unimplemented),
    METHOD("MoveParticipant", move_participant_request, move_participant_response, may_move,
           move_participant),
    {"livekit.RoomService/PerformRpc", &livekit__perform_rpc_request__descriptor,
     &livekit__perform_rpc_response__descriptor, may_admin, NULL, perform_rpc},
    {.name = NULL},
};
