/* SPDX-License-Identifier: Apache-2.0 */
/* A recording as LiveKit's EgressInfo, for who asks and for webhooks. */
#include "api/egress_priv.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { NS_PER_US = 1000, LOCATION_BYTES = 2048 };

static char *text(const char *s) {
    return (char *)(uintptr_t)s;
}

static void fill_file(Livekit__FileInfo *f, const struct aura_recording_file *from, char *location,
                      const char *folder) {
    snprintf(location, LOCATION_BYTES, "%s/%s", folder, from->name);
    livekit__file_info__init(f);
    f->filename = from->name;
    f->location = location;
    f->started_at = from->start_us * NS_PER_US;
    f->ended_at = (from->start_us + from->duration_us) * NS_PER_US;
    f->duration = from->duration_us * NS_PER_US;
    f->size = from->bytes;
}

static void fill_request(Livekit__EgressInfo *info, ProtobufCMessage *asked) {
    const ProtobufCMessageDescriptor *is = asked ? asked->descriptor : NULL;
    if (is == &livekit__room_composite_egress_request__descriptor) {
        info->request_case = LIVEKIT__EGRESS_INFO__REQUEST_ROOM_COMPOSITE;
        info->room_composite = (void *)asked;
    } else if (is == &livekit__participant_egress_request__descriptor) {
        info->request_case = LIVEKIT__EGRESS_INFO__REQUEST_PARTICIPANT;
        info->participant = (void *)asked;
    } else if (is == &livekit__track_composite_egress_request__descriptor) {
        info->request_case = LIVEKIT__EGRESS_INFO__REQUEST_TRACK_COMPOSITE;
        info->track_composite = (void *)asked;
    } else if (is == &livekit__track_egress_request__descriptor) {
        info->request_case = LIVEKIT__EGRESS_INFO__REQUEST_TRACK;
        info->track = (void *)asked;
    } else if (is == &livekit__start_egress_request__descriptor) {
        info->request_case = LIVEKIT__EGRESS_INFO__REQUEST_EGRESS;
        info->egress = (void *)asked;
    }
}

static void fill(Livekit__EgressInfo *info, const struct aura_recording *e) {
    info->egress_id = text(e->id);
    info->room_id = text(e->room_id);
    info->room_name = text(e->room);
    info->source_type = LIVEKIT__EGRESS_SOURCE_TYPE__EGRESS_SOURCE_TYPE_SDK;
    info->status = (Livekit__EgressStatus)e->state;
    info->started_at = e->started_us * NS_PER_US;
    info->updated_at = e->updated_us * NS_PER_US;
    info->ended_at = e->ended_us * NS_PER_US;
    info->error = text(e->error);
    fill_request(info, e->asked);
}

ProtobufCMessage *aura__egress_info(const struct aura_recording *e) {
    const char *folder = aura_recordings_folder(e->owner);
    Livekit__EgressInfo info = LIVEKIT__EGRESS_INFO__INIT;
    char manifest[LOCATION_BYTES];
    size_t n = e->file_count;
    Livekit__FileInfo *files = aura_calloc(n + 1, sizeof(*files));
    Livekit__FileInfo **list = aura_calloc(n + 1, sizeof(struct Livekit__FileInfo *));
    char *locations = aura_calloc(n + 1, LOCATION_BYTES);
    ProtobufCMessage *copy = NULL;
    if (files && list && locations) {
        for (size_t i = 0; i < n; i++) {
            fill_file(&files[i], &e->files[i], locations + i * LOCATION_BYTES, folder);
            list[i] = &files[i];
        }
        fill(&info, e);
        info.file_results = list;
        info.n_file_results = n;
        if (n) {
            snprintf(manifest, sizeof(manifest), "%s/manifest.json", e->folder);
            info.manifest_location = manifest;
        }
        if (n == 1) { /* where older clients look */
            info.result_case = LIVEKIT__EGRESS_INFO__RESULT_FILE;
            info.file = &files[0];
        }
        copy = aura_pb_copy(&info.base);
    }
    aura_free(files);
    aura_free(list);
    aura_free(locations);
    return copy;
}

void aura_egress_changed(void *arg, const struct aura_recording *e,
                         enum aura_recording_event what) {
    static const char *const names[] = {[AURA_RECORDING_STARTED] = "egress_started",
                                        [AURA_RECORDING_UPDATED] = "egress_updated",
                                        [AURA_RECORDING_ENDED] = "egress_ended"};
    const struct aura_egress *g = arg;
    ProtobufCMessage *info = aura__egress_info(e);
    aura_rooms_tell_egress(g->rooms, e->room, names[what], (Livekit__EgressInfo *)(void *)info);
    if (info) {
        protobuf_c_message_free_unpacked(info, aura_pb_allocator());
    }
}
