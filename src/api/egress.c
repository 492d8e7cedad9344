/* SPDX-License-Identifier: Apache-2.0 */
/* livekit.Egress, for files on this server's disk: rooms, participants, tracks. */
#include "api/recordings.h"
#include "api/twirp.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { NS_PER_US = 1000, LOCATION_BYTES = 1400 };

static const char only_files[] = "only file outputs on the server's own disk are supported: no "
                                 "streams, segments, images or uploads";

static bool may_record(const struct aura_claims *c, const ProtobufCMessage *request) {
    (void)request;
    return c->video.room_record;
}

/* ---- answers ---- */

static ProtobufCMessage *copy(const ProtobufCMessage *message) {
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = aura_zalloc(len ? len : 1);
    ProtobufCMessage *out = NULL;
    if (bytes) {
        protobuf_c_message_pack(message, bytes);
        out = protobuf_c_message_unpack(message->descriptor, aura_pb_allocator(), len, bytes);
        aura_free(bytes);
    }
    return out;
}

static ProtobufCMessage *info_of(const struct aura_recording *e) {
    static Livekit__FileInfo files[AURA_RECORDING_FILES_MAX]; /* the control thread's alone */
    static char locations[AURA_RECORDING_FILES_MAX][LOCATION_BYTES];
    Livekit__FileInfo *list[AURA_RECORDING_FILES_MAX];
    Livekit__EgressInfo info = LIVEKIT__EGRESS_INFO__INIT;
    for (size_t i = 0; i < e->file_count; i++) {
        const struct aura_recording_file *f = &e->files[i];
        snprintf(locations[i], LOCATION_BYTES, "%s/%s", e->folder, f->name);
        livekit__file_info__init(&files[i]);
        files[i].filename = (char *)(uintptr_t)f->name;
        files[i].location = locations[i];
        files[i].started_at = f->start_us * NS_PER_US;
        files[i].ended_at = (f->start_us + f->duration_us) * NS_PER_US;
        files[i].duration = f->duration_us * NS_PER_US;
        files[i].size = f->bytes;
        list[i] = &files[i];
    }
    info.egress_id = (char *)(uintptr_t)e->id;
    info.room_name = (char *)(uintptr_t)e->room;
    info.source_type = LIVEKIT__EGRESS_SOURCE_TYPE__EGRESS_SOURCE_TYPE_SDK;
    info.status = (Livekit__EgressStatus)e->state;
    info.started_at = e->started_us * NS_PER_US;
    info.updated_at = e->updated_us * NS_PER_US;
    info.ended_at = e->ended_us * NS_PER_US;
    info.error = (char *)(uintptr_t)e->error;
    info.file_results = list;
    info.n_file_results = e->file_count;
    return copy(&info.base);
}

static int start(struct aura__call *call, const struct aura_recording_request *q) {
    const struct aura_recording *e = NULL;
    int err = aura_recordings_start(call->server->conf.recordings, q, &e);
    call->why = err == AURA_ELIMIT         ? "too many recordings at a time"
                : err == AURA_EINVAL       ? "room_name is required"
                : err == AURA_EUNSUPPORTED ? "the file must end in .mp4 or .webm"
                : err == AURA_EIO          ? "the recorder could not be started"
                                           : NULL;
    if (!err) {
        call->response = info_of(e);
        err = call->response ? 0 : AURA_ENOMEM;
    }
    return err;
}

static int refuse(struct aura__call *call) {
    call->why = only_files;
    return AURA_EUNSUPPORTED;
}

/* ---- requests ---- */

/* The file that is asked for, in the old spelling (a oneof) or the new one (a list). */
static bool file_of(const Livekit__EncodedFileOutput *one, size_t count,
                    Livekit__EncodedFileOutput *const *list, const char **path) {
    const Livekit__EncodedFileOutput *f = one ? one : count == 1 ? list[0] : NULL;
    bool here = f && f->output_case == LIVEKIT__ENCODED_FILE_OUTPUT__OUTPUT__NOT_SET;
    *path = here ? f->filepath : NULL;
    return here;
}

static int start_room(struct aura__call *call) {
    const Livekit__RoomCompositeEgressRequest *q = (const void *)call->request;
    const Livekit__EncodedFileOutput *one =
        q->output_case == LIVEKIT__ROOM_COMPOSITE_EGRESS_REQUEST__OUTPUT_FILE ? q->file : NULL;
    const char *path;
    if (q->n_stream_outputs || q->n_segment_outputs || q->n_image_outputs ||
        !file_of(one, q->n_file_outputs, q->file_outputs, &path)) {
        return refuse(call);
    }
    const struct aura_recording_request r = {.kind = AURA_RECORDING_ROOM,
                                             .room = q->room_name,
                                             .output = path,
                                             .speaker = strncmp(q->layout, "speaker", 7) == 0,
                                             .audio_only = q->audio_only,
                                             .video_only = q->video_only};
    return start(call, &r);
}

static int start_participant(struct aura__call *call) {
    const Livekit__ParticipantEgressRequest *q = (const void *)call->request;
    const char *path;
    if (q->n_stream_outputs || q->n_segment_outputs || q->n_image_outputs ||
        !file_of(NULL, q->n_file_outputs, q->file_outputs, &path)) {
        return refuse(call);
    }
    if (!q->identity[0]) {
        call->why = "identity is required";
        return AURA_EINVAL;
    }
    const struct aura_recording_request r = {.kind = AURA_RECORDING_PARTICIPANT,
                                             .room = q->room_name,
                                             .identity = q->identity,
                                             .output = path};
    return start(call, &r);
}

static int start_tracks(struct aura__call *call) {
    const Livekit__TrackCompositeEgressRequest *q = (const void *)call->request;
    const Livekit__EncodedFileOutput *one =
        q->output_case == LIVEKIT__TRACK_COMPOSITE_EGRESS_REQUEST__OUTPUT_FILE ? q->file : NULL;
    const char *path;
    if (q->n_stream_outputs || q->n_segment_outputs || q->n_image_outputs ||
        !file_of(one, q->n_file_outputs, q->file_outputs, &path)) {
        return refuse(call);
    }
    if (!q->audio_track_id[0] && !q->video_track_id[0]) {
        call->why = "audio_track_id or video_track_id is required";
        return AURA_EINVAL;
    }
    bool video = q->video_track_id[0];
    const struct aura_recording_request r = {.kind = AURA_RECORDING_TRACKS,
                                             .room = q->room_name,
                                             .track = video ? q->video_track_id : q->audio_track_id,
                                             .track_2 = video ? q->audio_track_id : NULL,
                                             .output = path};
    return start(call, &r);
}

static int start_track(struct aura__call *call) {
    const Livekit__TrackEgressRequest *q = (const void *)call->request;
    if (q->output_case != LIVEKIT__TRACK_EGRESS_REQUEST__OUTPUT_FILE ||
        q->file->output_case != LIVEKIT__DIRECT_FILE_OUTPUT__OUTPUT__NOT_SET) {
        return refuse(call);
    }
    if (!q->track_id[0]) {
        call->why = "track_id is required";
        return AURA_EINVAL;
    }
    const struct aura_recording_request r = {
        .kind = AURA_RECORDING_TRACK, .room = q->room_name, .track = q->track_id};
    return start(call, &r);
}

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
            items[n] = (Livekit__EgressInfo *)(void *)info_of(e);
            err = items[n++] ? 0 : AURA_ENOMEM;
        }
    }
    answer.items = items;
    answer.n_items = n;
    call->response = err ? NULL : copy(&answer.base);
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
    if (!err) {
        call->response = info_of(e);
        err = call->response ? 0 : AURA_ENOMEM;
    }
    return err;
}

#define EGRESS(name, request, response, run)                                                       \
    {                                                                                              \
        "livekit.Egress/" name, &livekit__##request##__descriptor,                                 \
            &livekit__##response##__descriptor, may_record, run, NULL                              \
    }

const struct aura__method aura__egress[] = {
    EGRESS("StartRoomCompositeEgress", room_composite_egress_request, egress_info, start_room),
    EGRESS("StartParticipantEgress", participant_egress_request, egress_info, start_participant),
    EGRESS("StartTrackCompositeEgress", track_composite_egress_request, egress_info, start_tracks),
    EGRESS("StartTrackEgress", track_egress_request, egress_info, start_track),
    EGRESS("StartWebEgress", web_egress_request, egress_info, refuse),
    EGRESS("UpdateLayout", update_layout_request, egress_info, refuse),
    EGRESS("UpdateStream", update_stream_request, egress_info, refuse),
    EGRESS("ListEgress", list_egress_request, list_egress_response, list),
    EGRESS("StopEgress", stop_egress_request, egress_info, stop),
    {.name = NULL},
};
