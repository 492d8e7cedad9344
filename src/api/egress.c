/* SPDX-License-Identifier: Apache-2.0 */
/* livekit.Egress, for files on this server's disk: rooms, participants, tracks. */
#include "api/egress_priv.h"
#include "api/twirp.h"
#include "base/mem.h"

#include <string.h>

static bool may_record(const struct aura_claims *c, const ProtobufCMessage *request) {
    (void)request;
    return c->video.room_record;
}

static struct aura_egress egress_of(const struct aura__call *call) {
    return (struct aura_egress){call->server->rooms, call->server->conf.recordings};
}

/* ---- starting ---- */

int aura__egress_start(struct aura__egress_ask *a, const struct aura_recording **out) {
    int err = aura_recordings_start(a->egress->recordings, &a->q, out);
    a->why = err == AURA_ELIMIT   ? "too many recordings at a time: record.max is how many"
             : err == AURA_EINVAL ? "the name of this room cannot be recorded"
             : err == AURA_EIO    ? "the recorder could not be started"
                                  : NULL;
    return err;
}

static int answer(struct aura__call *call, const struct aura_recording *e) {
    call->response = aura__egress_info(e);
    return call->response ? 0 : AURA_ENOMEM;
}

/* What all of them do once they understood: `ask` is one of the functions in egress_priv.h. */
#define START(name, ask, type)                                                                     \
    static int name(struct aura__call *call) {                                                     \
        const struct aura_egress egress = egress_of(call);                                         \
        struct aura__egress_ask a = {.egress = &egress};                                           \
        const struct aura_recording *e = NULL;                                                     \
        int err = ask(&a, (const type *)(const void *)call->request);                              \
        err = err ? err : aura__egress_start(&a, &e);                                              \
        call->why = a.why;                                                                         \
        return err ? err : answer(call, e);                                                        \
    }

START(start_any, aura__egress_ask_any, Livekit__StartEgressRequest)
START(start_room, aura__egress_ask_room, Livekit__RoomCompositeEgressRequest)
START(start_participant, aura__egress_ask_participant, Livekit__ParticipantEgressRequest)
START(start_tracks, aura__egress_ask_tracks, Livekit__TrackCompositeEgressRequest)
START(start_track, aura__egress_ask_track, Livekit__TrackEgressRequest)

static int refuse_web(struct aura__call *call) {
    call->why = "web pages are not recorded: StartRoomCompositeEgress records rooms without one";
    return AURA_EUNSUPPORTED;
}

static int refuse_streams(struct aura__call *call) {
    call->why = "streams are not supported: recordings go to files on the server's own disk";
    return AURA_EUNSUPPORTED;
}

/* ---- those that there are ---- */

static bool fits(const Livekit__ListEgressRequest *q, const struct aura_recording *e) {
    return (!q->room_name[0] || strcmp(q->room_name, e->room) == 0) &&
           (!q->egress_id[0] || strcmp(q->egress_id, e->id) == 0) &&
           (!q->active || e->state < AURA_RECORDING_COMPLETE);
}

static int list(struct aura__call *call) {
    const Livekit__ListEgressRequest *q = (const void *)call->request;
    const struct aura_recording *first = aura_recordings_first(call->server->conf.recordings);
    size_t count = 0, n = 0;
    for (const struct aura_recording *e = first; e; e = e->next) {
        count += fits(q, e);
    }
    Livekit__ListEgressResponse answer = LIVEKIT__LIST_EGRESS_RESPONSE__INIT;
    Livekit__EgressInfo **items = aura_calloc(count ? count : 1, sizeof(*items));
    int err = items ? 0 : AURA_ENOMEM;
    for (const struct aura_recording *e = first; !err && e; e = e->next) {
        if (fits(q, e)) {
            items[n] = (Livekit__EgressInfo *)(void *)aura__egress_info(e);
            err = items[n++] ? 0 : AURA_ENOMEM;
        }
    }
    answer.items = items;
    answer.n_items = n;
    call->response = err ? NULL : aura_pb_copy(&answer.base);
    for (size_t i = 0; items && i < n; i++) {
        if (items[i]) {
            protobuf_c_message_free_unpacked(&items[i]->base, aura_pb_allocator());
        }
    }
    aura_free(items);
    return call->response ? 0 : AURA_ENOMEM;
}

static int stop(struct aura__call *call) {
    const Livekit__StopEgressRequest *q = (const void *)call->request;
    const struct aura_recording *e = NULL;
    int err = aura_recordings_stop(call->server->conf.recordings, q->egress_id, &e);
    call->why = err == AURA_ENOENT ? "egress does not exist"
                : err              ? "egress has ended and cannot be stopped"
                                   : NULL;
    return err ? err : answer(call, e);
}

/* The composed file changes its layout where it was asked to. */
static int update_layout(struct aura__call *call) {
    const Livekit__UpdateLayoutRequest *q = (const void *)call->request;
    const struct aura_recording *e = NULL;
    int err = aura_recordings_set_layout(call->server->conf.recordings, q->egress_id,
                                         aura__egress_layout(q->layout), &e);
    call->why = err == AURA_ENOENT   ? "egress does not exist"
                : err == AURA_ELIMIT ? "the layout of this egress has changed too often"
                : err                ? "egress has ended, or has no layout"
                                     : NULL;
    return err ? err : answer(call, e);
}

#define EGRESS(name, request, response, run)                                                       \
    {                                                                                              \
        "livekit.Egress/" name, &livekit__##request##__descriptor,                                 \
            &livekit__##response##__descriptor, may_record, run, NULL                              \
    }

const struct aura__method aura__egress[] = {
    EGRESS("StartEgress", start_egress_request, egress_info, start_any),
    EGRESS("StartRoomCompositeEgress", room_composite_egress_request, egress_info, start_room),
    EGRESS("StartParticipantEgress", participant_egress_request, egress_info, start_participant),
    EGRESS("StartTrackCompositeEgress", track_composite_egress_request, egress_info, start_tracks),
    EGRESS("StartTrackEgress", track_egress_request, egress_info, start_track),
    EGRESS("StartWebEgress", web_egress_request, egress_info, refuse_web),
    EGRESS("UpdateLayout", update_layout_request, egress_info, update_layout),
    EGRESS("UpdateStream", update_stream_request, egress_info, refuse_streams),
    EGRESS("ListEgress", list_egress_request, list_egress_response, list),
    EGRESS("StopEgress", stop_egress_request, egress_info, stop),
    {.name = NULL},
};
