/* SPDX-License-Identifier: Apache-2.0 */
/* LiveKit's newer StartEgress: a template, or media of participants and tracks, into outputs. */
#include "api/egress_priv.h"

#include <string.h>

static const char media_wanted[] =
    "media: one participant (its video, its audio or both), one video and one audio track, or all "
    "audio are supported; data is not";

/* One participant: {video of X}, {audio of X}, or both. */
static bool take_participant(struct aura__egress_ask *a, const Livekit__ParticipantVideo *video,
                             const Livekit__AudioRoute *audio) {
    bool sound = audio && audio->match_case == LIVEKIT__AUDIO_ROUTE__MATCH_PARTICIPANT_IDENTITY;
    const char *who = video ? video->identity : sound ? audio->participant_identity : "";
    if (!who[0] || (audio && (!sound || strcmp(audio->participant_identity, who) != 0))) {
        return false;
    }
    a->q.kind = AURA_RECORDING_PARTICIPANT;
    a->q.identity = a->words.publisher_identity = who;
    a->q.source = video && video->prefer_screen_share ? AURA_RECORDING_ANY : AURA_RECORDING_CAMERA;
    a->q.audio_only = !video;
    a->q.video_only = !audio;
    return true;
}

/* Tracks by their ids. */
static bool take_tracks(struct aura__egress_ask *a, const char *video,
                        const Livekit__AudioRoute *audio) {
    bool sound = audio && audio->match_case == LIVEKIT__AUDIO_ROUTE__MATCH_TRACK_ID;
    if ((audio && !sound) || (!video && !sound)) {
        return false;
    }
    a->q.kind = AURA_RECORDING_TRACKS;
    a->q.track = video ? video : audio->track_id;
    a->q.track_2 = video && sound ? audio->track_id : NULL;
    a->q.audio_only = !video;
    a->q.video_only = !sound;
    return true;
}

static bool take_media(struct aura__egress_ask *a, const Livekit__MediaSource *m) {
    bool by_track = m->video_case == LIVEKIT__MEDIA_SOURCE__VIDEO_VIDEO_TRACK_ID;
    bool by_name = m->video_case == LIVEKIT__MEDIA_SOURCE__VIDEO_PARTICIPANT_VIDEO;
    size_t routes = m->audio ? m->audio->n_routes : 0;
    const Livekit__AudioRoute *route = routes == 1 ? m->audio->routes[0] : NULL;
    if (routes > 1 || (route && route->channel)) {
        return false;
    }
    if (m->audio && m->audio->capture_all) {
        a->q.kind = AURA_RECORDING_ROOM;
        a->q.audio_only = true;
        return !by_track && !by_name && !route;
    }
    return by_track  ? take_tracks(a, m->video_track_id, route)
           : by_name ? take_participant(a, m->participant_video, route)
                     : take_participant(a, NULL, route) || take_tracks(a, NULL, route);
}

static int take_source(struct aura__egress_ask *a, const Livekit__StartEgressRequest *q) {
    if (q->source_case == LIVEKIT__START_EGRESS_REQUEST__SOURCE_TEMPLATE) {
        const Livekit__TemplateSource *t = q->template_;
        if (t->custom_base_url[0]) {
            return aura__egress_refuse(a, "custom_base_url: web pages are not recorded");
        }
        a->q.kind = AURA_RECORDING_ROOM;
        a->q.layout = aura__egress_layout(t->layout);
        a->q.audio_only = t->audio_only;
        a->q.video_only = t->video_only && !t->audio_only;
        return 0;
    }
    if (q->source_case != LIVEKIT__START_EGRESS_REQUEST__SOURCE_MEDIA) {
        return aura__egress_refuse(a, "source: template or media; web pages are not recorded");
    }
    return take_media(a, q->media) ? 0 : aura__egress_refuse(a, media_wanted);
}

int aura__egress_ask_any(struct aura__egress_ask *a, const Livekit__StartEgressRequest *q) {
    Livekit__EncodedFileOutput file = LIVEKIT__ENCODED_FILE_OUTPUT__INIT;
    struct aura__egress_output o = {
        .unsupported = q->n_outputs != 1 || q->storage,
        .has_preset = q->encoding_case == LIVEKIT__START_EGRESS_REQUEST__ENCODING_PRESET,
        .preset = q->preset,
        .advanced = q->encoding_case == LIVEKIT__START_EGRESS_REQUEST__ENCODING_ADVANCED
                        ? q->advanced
                        : NULL,
        .webhooks = q->n_webhooks};
    if (!o.unsupported && q->outputs[0]->config_case == LIVEKIT__OUTPUT__CONFIG_FILE) {
        file.file_type = q->outputs[0]->file->file_type;
        file.filepath = q->outputs[0]->file->filepath;
        o.unsupported = q->outputs[0]->storage != NULL;
        o.file = &file;
    }
    int err = take_source(a, q);
    if (err) {
        return err;
    }
    err = aura__egress_room_is(a, q->room_name);
    if (!err && a->q.track_2) {
        err = aura__egress_find_track(a, a->q.track_2);
    }
    if (!err && a->q.track) {
        err = aura__egress_find_track(a, a->q.track);
    }
    a->q.asked = &q->base;
    return aura__egress_set_output(
        a, &o, a->q.identity ? "{publisher_identity}-{time}" : "{room_name}-{time}", err);
}
