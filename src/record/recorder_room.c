/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in the recorded room, and with which tracks. */
#include "base/mem.h"
#include "record/recorder_priv.h"

#include <stdio.h>
#include <string.h>

struct aura_record_track *aura__record_find(const struct aura_recorder *r, const char *sid) {
    struct aura_record_track *t = r->tracks;
    while (t && strcmp(t->sid, sid) != 0) {
        t = t->next;
    }
    return t;
}

void aura__record_event(struct aura_recorder *r, const char *type, const char *participant,
                        const char *track, json_t *more) {
    json_t *event = more ? more : json_object();
    r->dirty = true;
    if (!event || json_array_size(r->events) >= AURA_RECORD_EVENTS_MAX) {
        json_decref(event);
        r->events_left_out++;
        return;
    }
    json_object_set_new(event, "at_us", json_integer(aura__record_wall_us(r)));
    json_object_set_new(event, "type", json_string(type));
    if (participant) {
        json_object_set_new(event, "participant", json_string(participant));
    }
    if (track) {
        json_object_set_new(event, "track", json_string(track));
    }
    json_array_append_new(r->events, event);
}

static const char *source_name(Livekit__TrackSource source) {
    switch ((int)source) {
    case LIVEKIT__TRACK_SOURCE__CAMERA:
        return "camera";
    case LIVEKIT__TRACK_SOURCE__MICROPHONE:
        return "microphone";
    case LIVEKIT__TRACK_SOURCE__SCREEN_SHARE:
        return "screen_share";
    case LIVEKIT__TRACK_SOURCE__SCREEN_SHARE_AUDIO:
        return "screen_share_audio";
    default:
        return "unknown";
    }
}

static bool wanted(const struct aura_recorder *r, const struct aura_record_track *t) {
    const struct aura_recorder_conf *c = &r->conf;
    if (t->encrypted || !(t->video ? c->video : c->audio) ||
        (c->only_identity && strcmp(c->only_identity, t->identity) != 0)) {
        return false;
    }
    return !c->only_track || strcmp(c->only_track, t->sid) == 0 ||
           (c->only_track_2 && strcmp(c->only_track_2, t->sid) == 0);
}

static struct aura_record_track *add_track(struct aura_recorder *r,
                                           const Livekit__ParticipantInfo *p,
                                           const Livekit__TrackInfo *info) {
    struct aura_record_track *t;
    if (r->track_count == AURA_RECORD_TRACKS_MAX ||
        aura_record_track_new(&t, info->sid, r->folder)) {
        return NULL;
    }
    snprintf(t->name, sizeof(t->name), "%s", info->name);
    snprintf(t->identity, sizeof(t->identity), "%s", p->identity);
    snprintf(t->owner, sizeof(t->owner), "%s", p->sid);
    t->source = source_name(info->source);
    t->video = info->type == LIVEKIT__TRACK_TYPE__VIDEO;
    t->encrypted = info->encryption != LIVEKIT__ENCRYPTION__TYPE__NONE;
    t->muted = info->muted;
    t->ogg = r->conf.ogg;
    t->wanted = wanted(r, t);
    t->next = r->tracks;
    r->tracks = t;
    r->track_count++;
    aura__record_event(r, t->encrypted ? "track_encrypted" : "track_published", p->identity, t->sid,
                       NULL);
    return t;
}

static void update_track(struct aura_recorder *r, const Livekit__ParticipantInfo *p,
                         const Livekit__TrackInfo *info) {
    struct aura_record_track *t = aura__record_find(r, info->sid);
    if (!t) {
        (void)add_track(r, p, info);
        return;
    }
    if (t->muted != info->muted) {
        t->muted = info->muted;
        aura__record_event(r, t->muted ? "track_muted" : "track_unmuted", p->identity, t->sid,
                           NULL);
    }
}

static bool lists(const Livekit__ParticipantInfo *p, const char *sid) {
    for (size_t i = 0; i < p->n_tracks; i++) {
        if (strcmp(p->tracks[i]->sid, sid) == 0) {
            return true;
        }
    }
    return false;
}

static void end_tracks(struct aura_recorder *r, const Livekit__ParticipantInfo *p, bool all) {
    for (struct aura_record_track *t = r->tracks; t; t = t->next) {
        if (!t->ended && strcmp(t->owner, p->sid) == 0 && (all || !lists(p, t->sid))) {
            aura_record_track_end(t);
            aura__record_event(r, "track_unpublished", p->identity, t->sid, NULL);
        }
    }
}

static void update_participant(struct aura_recorder *r, const Livekit__ParticipantInfo *p) {
    bool gone = p->state == LIVEKIT__PARTICIPANT_INFO__STATE__DISCONNECTED;
    json_t *known = json_object_get(r->participants, p->sid);
    if (!known && !gone && json_object_size(r->participants) < AURA_RECORD_TRACKS_MAX) {
        json_object_set_new(
            r->participants, p->sid,
            json_pack("{s:s, s:s, s:s}", "sid", p->sid, "identity", p->identity, "name", p->name));
        aura__record_event(r, "participant_joined", p->identity, NULL, NULL);
    }
    for (size_t i = 0; !gone && i < p->n_tracks; i++) {
        update_track(r, p, p->tracks[i]);
    }
    end_tracks(r, p, gone);
    if (known && gone && !json_object_get(known, "left_us")) {
        json_object_set_new(known, "left_us", json_integer(aura__record_wall_us(r)));
        aura__record_event(r, "participant_left", p->identity, NULL, NULL);
    }
}

void aura__record_participants(void *arg, Livekit__ParticipantInfo *const *list, size_t count) {
    struct aura_recorder *r = arg;
    for (size_t i = 0; !r->over && i < count; i++) {
        update_participant(r, list[i]);
    }
}
