/* SPDX-License-Identifier: Apache-2.0 */
/* LiveKit's requests, as the recorder understands them; what it cannot do is said. */
#include "api/egress_priv.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* What `auralink record compose` takes. */
enum {
    SIDE_MAX = 4096, /* pixels */
    FPS_MAX = 60,
    VIDEO_KBPS_MAX = 100000,
    AUDIO_KBPS_MAX = 510,
    KEY_FRAME_S_MAX = 60,
};

static const char only_files[] =
    "only file outputs on the server's own disk are supported (one per request): no streams, "
    "segments, images or uploads to S3, GCP, Azure or AliOSS";

int aura__egress_refuse(struct aura__egress_ask *a, const char *why) {
    a->why = why;
    return AURA_EUNSUPPORTED;
}

static int invalid(struct aura__egress_ask *a, const char *why) {
    a->why = why;
    return AURA_EINVAL;
}

/* ---- what is recorded ---- */

int aura__egress_room_is(struct aura__egress_ask *a, const char *room) {
    Livekit__ListRoomsRequest q = LIVEKIT__LIST_ROOMS_REQUEST__INIT;
    Livekit__ListRoomsResponse *found = NULL;
    char *names[] = {(char *)(uintptr_t)room};
    a->words.now_us = (int64_t)aura_wall_us(aura_clock_system());
    a->q.room = a->words.room_name = room;
    a->q.room_id = a->words.room_id = a->room_id;
    if (!room[0]) {
        a->missing = "room_name is required";
        return AURA_EINVAL;
    }
    q.names = names;
    q.n_names = 1;
    int err = aura_rooms_list_rooms(a->egress->rooms, &q, &found);
    if (!err && found->n_rooms == 0) {
        a->missing = "requested room does not exist";
        err = AURA_ENOENT;
    } else if (!err) {
        snprintf(a->room_id, sizeof(a->room_id), "%s", found->rooms[0]->sid);
    }
    if (found) {
        protobuf_c_message_free_unpacked(&found->base, aura_pb_allocator());
    }
    return err;
}

static void take_track(struct aura__egress_ask *a, const Livekit__ParticipantInfo *p,
                       const Livekit__TrackInfo *t) {
    static const char *const sources[] = {"unknown", "camera", "microphone", "screen_share",
                                          "screen_share_audio"};
    size_t source = (size_t)t->source < sizeof(sources) / sizeof(sources[0]) ? t->source : 0;
    snprintf(a->identity, sizeof(a->identity), "%s", p->identity);
    snprintf(a->source, sizeof(a->source), "%s", sources[source]);
    a->words.publisher_identity = a->q.publisher = a->identity;
    a->words.track_source = a->source;
    a->words.track_type = t->type == LIVEKIT__TRACK_TYPE__VIDEO ? "video" : "audio";
}

/* Clients may ask before its media came: the recorder waits for it, and words of it stay. */
int aura__egress_find_track(struct aura__egress_ask *a, const char *sid) {
    Livekit__ListParticipantsResponse *all = NULL;
    int err = aura_rooms_list_participants(a->egress->rooms, a->q.room, &all);
    bool found = false;
    for (size_t i = 0; !err && !found && i < all->n_participants; i++) {
        for (size_t j = 0; !found && j < all->participants[i]->n_tracks; j++) {
            found = strcmp(all->participants[i]->tracks[j]->sid, sid) == 0;
            if (found) {
                take_track(a, all->participants[i], all->participants[i]->tracks[j]);
            }
        }
    }
    if (all) {
        protobuf_c_message_free_unpacked(&all->base, aura_pb_allocator());
    }
    a->words.track_id = sid;
    return err;
}

/* By the beginning, as LiveKit's are "speaker-light" and "grid-dark", and by our own end. */
const char *aura__egress_layout(const char *name) {
    static const char *const names[][2] = {{"speaker", "speaker-nolabels"},
                                           {"single-speaker", "single-speaker-nolabels"},
                                           {"grid", "grid-nolabels"}};
    static const char none[] = "-nolabels";
    size_t len = strlen(name), i = 0;
    bool bare = len >= strlen(none) && strcmp(name + len - strlen(none), none) == 0;
    while (i < 2 && strncmp(name, names[i][0], strlen(names[i][0])) != 0) {
        i++;
    }
    return names[i][bare];
}

/* ---- encoding ---- */

static int set_preset(struct aura__egress_ask *a, Livekit__EncodingOptionsPreset preset) {
    if (preset >= LIVEKIT__ENCODING_OPTIONS_PRESET__PASSTHROUGH) {
        return aura__egress_refuse(a, "preset: one file is encoded anew; StartTrackEgress keeps "
                                      "tracks as they are");
    }
    bool large = preset & 2, portrait = preset & 4;
    uint32_t longer = large ? 1920 : 1280, shorter = large ? 1080 : 720;
    a->q.width = portrait ? shorter : longer;
    a->q.height = portrait ? longer : shorter;
    a->q.fps = preset & 1 ? 60 : 30;
    return 0;
}

static bool side_fits(int32_t side) {
    return side == 0 || (side >= 16 && side <= SIDE_MAX && side % 2 == 0);
}

static int set_advanced(struct aura__egress_ask *a, const Livekit__EncodingOptions *o) {
    if (!side_fits(o->width) || !side_fits(o->height) || !o->width != !o->height) {
        return invalid(a, "advanced: width and height must be even, 16 to 4096");
    }
    if (o->framerate < 0 || o->framerate > FPS_MAX) {
        return invalid(a, "advanced: framerate must be 1 to 60");
    }
    a->q.width = (uint32_t)o->width;
    a->q.height = (uint32_t)o->height;
    a->q.fps = (uint32_t)o->framerate;
    if (o->video_bitrate > VIDEO_KBPS_MAX) {
        return invalid(a, "advanced: video_bitrate must be 1 to 100000 (kbps)");
    }
    if (o->audio_bitrate < 0 || o->audio_bitrate > AUDIO_KBPS_MAX) {
        return invalid(a, "advanced: audio_bitrate must be 1 to 510 (kbps)");
    }
    /* Not a number is not within, either. */
    if (!(o->key_frame_interval >= 0 && o->key_frame_interval <= KEY_FRAME_S_MAX)) {
        return invalid(a, "advanced: key_frame_interval must be 0 to 60 (seconds)");
    }
    a->q.kbps = o->video_bitrate > 0 ? (uint32_t)o->video_bitrate : 0;
    a->q.audio_kbps = (uint32_t)o->audio_bitrate;
    a->q.key_frame_ms = (uint32_t)(o->key_frame_interval * 1000);
    return 0;
}

/* What a file of that kind holds is not to be chosen. */
static bool codecs_fit(const Livekit__EncodingOptions *o, const char *suffix) {
    bool mp4 = strcmp(suffix, ".mp4") == 0, webm = strcmp(suffix, ".webm") == 0;
    bool h264 = o->video_codec >= LIVEKIT__VIDEO_CODEC__H264_BASELINE &&
                o->video_codec <= LIVEKIT__VIDEO_CODEC__H264_HIGH;
    bool sound = o->audio_codec == LIVEKIT__AUDIO_CODEC__DEFAULT_AC ||
                 (o->audio_codec == LIVEKIT__AUDIO_CODEC__AAC && mp4) ||
                 (o->audio_codec == LIVEKIT__AUDIO_CODEC__OPUS && !mp4);
    bool picture = o->video_codec == LIVEKIT__VIDEO_CODEC__DEFAULT_VC || (h264 && mp4) ||
                   (o->video_codec == LIVEKIT__VIDEO_CODEC__VP8 && webm);
    return sound && picture;
}

/* ---- the file ---- */

static bool ends_in(const char *path, const char *suffix) {
    size_t n = strlen(path), m = strlen(suffix);
    return n > m && strcmp(path + n - m, suffix) == 0;
}

/* The path loses its suffix, which is put behind a number if the name is taken. */
static int choose_suffix(struct aura__egress_ask *a, Livekit__EncodedFileType type) {
    static const char *const known[] = {".mp4", ".webm", ".ogg"};
    const char *named = NULL;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        named = ends_in(a->path, known[i]) ? known[i] : named;
    }
    if (type == LIVEKIT__ENCODED_FILE_TYPE__DEFAULT_FILETYPE) {
        a->q.suffix = named ? named : a->q.audio_only ? ".ogg" : ".mp4";
    } else if (type == LIVEKIT__ENCODED_FILE_TYPE__MP4) {
        a->q.suffix = ".mp4";
    } else if (type == LIVEKIT__ENCODED_FILE_TYPE__OGG) {
        a->q.suffix = ".ogg";
    } else {
        return aura__egress_refuse(a, "file_type: MP4, OGG, or a filepath in .webm");
    }
    if (strcmp(a->q.suffix, ".ogg") == 0 && !a->q.audio_only) {
        return aura__egress_refuse(a, "file_type: OGG is for sound alone (audio_only)");
    }
    if (named == a->q.suffix) {
        a->path[strlen(a->path) - strlen(named)] = 0;
    }
    return 0;
}

static int set_path(struct aura__egress_ask *a, const char *filepath, const char *fallback) {
    int err = aura_egress_path(a->path, aura_recordings_folder(a->egress->recordings), filepath,
                               fallback, &a->words, &a->why);
    a->q.output = a->path;
    return err;
}

/* What can never be done is said before what is not there. */
static int say(struct aura__egress_ask *a, int err, int missing) {
    a->why = err ? a->why : a->missing;
    return err ? err : missing;
}

int aura__egress_set_output(struct aura__egress_ask *a, const struct aura__egress_output *o,
                            const char *fallback, int missing) {
    if (o->unsupported || !o->file ||
        o->file->output_case != LIVEKIT__ENCODED_FILE_OUTPUT__OUTPUT__NOT_SET) {
        return aura__egress_refuse(a, only_files);
    }
    if (o->webhooks) {
        return aura__egress_refuse(a, "webhooks of one egress are not supported: webhook.urls of "
                                      "the configuration get all events");
    }
    int err = set_path(a, o->file->filepath, fallback);
    err = err ? err : choose_suffix(a, o->file->file_type);
    if (!err && o->has_preset) {
        err = set_preset(a, o->preset);
    }
    if (!err && o->advanced) {
        err = set_advanced(a, o->advanced);
        if (!err && !codecs_fit(o->advanced, a->q.suffix)) {
            err = aura__egress_refuse(
                a, "advanced: MP4 is H.264 and AAC, WebM is VP8 and Opus, Ogg is Opus");
        }
    }
    return say(a, err, missing);
}

/* ---- the requests ---- */

/* The old spelling (a oneof) or the new one (a list), whose messages have the same names. */
#define OUTPUT_OF(q, NAME)                                                                         \
    {                                                                                              \
        .unsupported = (q)->n_stream_outputs || (q)->n_segment_outputs || (q)->n_image_outputs ||  \
                       (q)->n_file_outputs > 1 ||                                                  \
                       ((q)->output_case != LIVEKIT__##NAME##__OUTPUT__NOT_SET &&                  \
                        (q)->output_case != LIVEKIT__##NAME##__OUTPUT_FILE),                       \
        .file = (q)->output_case == LIVEKIT__##NAME##__OUTPUT_FILE ? (q)->file                     \
                : (q)->n_file_outputs                              ? (q)->file_outputs[0]          \
                                                                   : NULL,                                                      \
        .has_preset = (q)->options_case == LIVEKIT__##NAME##__OPTIONS_PRESET,                      \
        .preset = (q)->preset,                                                                     \
        .advanced =                                                                                \
            (q)->options_case == LIVEKIT__##NAME##__OPTIONS_ADVANCED ? (q)->advanced : NULL,       \
        .webhooks = (q)->n_webhooks,                                                               \
    }

int aura__egress_ask_room(struct aura__egress_ask *a,
                          const Livekit__RoomCompositeEgressRequest *q) {
    const struct aura__egress_output o = OUTPUT_OF(q, ROOM_COMPOSITE_EGRESS_REQUEST);
    if (q->custom_base_url[0]) {
        return aura__egress_refuse(a, "custom_base_url: web pages are not recorded");
    }
    if (q->audio_mixing) {
        return aura__egress_refuse(a, "audio_mixing: all sound is mixed into one");
    }
    if (q->audio_only && q->video_only) {
        return invalid(a, "audio_only and video_only leave nothing");
    }
    a->q.kind = AURA_RECORDING_ROOM;
    a->q.layout = aura__egress_layout(q->layout);
    a->q.audio_only = q->audio_only;
    a->q.video_only = q->video_only;
    a->q.asked = &q->base;
    return aura__egress_set_output(a, &o, "{room_name}-{time}",
                                   aura__egress_room_is(a, q->room_name));
}

int aura__egress_ask_participant(struct aura__egress_ask *a,
                                 const Livekit__ParticipantEgressRequest *q) {
    const struct aura__egress_output o = {
        .unsupported = q->n_stream_outputs || q->n_segment_outputs || q->n_image_outputs ||
                       q->n_file_outputs > 1,
        .file = q->n_file_outputs ? q->file_outputs[0] : NULL,
        .has_preset = q->options_case == LIVEKIT__PARTICIPANT_EGRESS_REQUEST__OPTIONS_PRESET,
        .preset = q->preset,
        .advanced = q->options_case == LIVEKIT__PARTICIPANT_EGRESS_REQUEST__OPTIONS_ADVANCED
                        ? q->advanced
                        : NULL,
        .webhooks = q->n_webhooks};
    if (!q->identity[0]) {
        return invalid(a, "identity is required");
    }
    a->q.kind = AURA_RECORDING_PARTICIPANT;
    a->q.identity = a->words.publisher_identity = q->identity;
    a->q.source = q->screen_share ? AURA_RECORDING_SCREEN : AURA_RECORDING_CAMERA;
    a->q.asked = &q->base;
    return aura__egress_set_output(a, &o, "{publisher_identity}-{time}",
                                   aura__egress_room_is(a, q->room_name));
}

int aura__egress_ask_tracks(struct aura__egress_ask *a,
                            const Livekit__TrackCompositeEgressRequest *q) {
    const struct aura__egress_output o = OUTPUT_OF(q, TRACK_COMPOSITE_EGRESS_REQUEST);
    bool video = q->video_track_id[0], audio = q->audio_track_id[0];
    if (!audio && !video) {
        return invalid(a, "audio_track_id or video_track_id is required");
    }
    a->q.kind = AURA_RECORDING_TRACKS;
    a->q.track = video ? q->video_track_id : q->audio_track_id;
    a->q.track_2 = video ? q->audio_track_id : NULL;
    a->q.audio_only = !video;
    a->q.video_only = !audio;
    a->q.asked = &q->base;
    int err = aura__egress_room_is(a, q->room_name);
    if (!err && audio) {
        err = aura__egress_find_track(a, q->audio_track_id);
    }
    if (!err && video) {
        err = aura__egress_find_track(a, q->video_track_id);
    }
    return aura__egress_set_output(a, &o, "{room_name}-{time}", err);
}

int aura__egress_ask_track(struct aura__egress_ask *a, const Livekit__TrackEgressRequest *q) {
    if (q->output_case != LIVEKIT__TRACK_EGRESS_REQUEST__OUTPUT_FILE ||
        q->file->output_case != LIVEKIT__DIRECT_FILE_OUTPUT__OUTPUT__NOT_SET || q->n_webhooks) {
        return aura__egress_refuse(a, only_files);
    }
    if (!q->track_id[0]) {
        return invalid(a, "track_id is required");
    }
    a->q.kind = AURA_RECORDING_TRACK;
    a->q.track = q->track_id;
    a->q.asked = &q->base;
    int err = aura__egress_room_is(a, q->room_name);
    int missing = err ? err : aura__egress_find_track(a, q->track_id);
    err = set_path(a, q->file->filepath, "{track_id}-{time}");
    if (!err &&
        (ends_in(a->path, ".webm") || ends_in(a->path, ".mp4") || ends_in(a->path, ".ogg"))) {
        *strrchr(a->path, '.') = 0; /* the right one is known when the codec is */
    }
    return say(a, err, missing);
}
