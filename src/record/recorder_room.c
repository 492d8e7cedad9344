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

/* A server that was restarted knows the track by another id: it is the one of the same source of
 * the same person, if the one asked for has ended. */
static bool is_track(const struct aura_recorder *r, const struct aura_record_track *t,
                     const char *sid) {
    const struct aura_record_track *asked = aura__record_find(r, sid);
    return strcmp(t->sid, sid) == 0 ||
           (asked && asked != t && asked->ended && r->retry.count > 0 && asked->video == t->video &&
            strcmp(asked->identity, t->identity) == 0 && strcmp(asked->source, t->source) == 0);
}

static bool fits_source(const struct aura_recorder_conf *c, const struct aura_record_track *t) {
    bool screen = strncmp(t->source, "screen_share", 12) == 0;
    return c->screen ? screen : !c->camera || !screen;
}

static bool wanted(const struct aura_recorder *r, const struct aura_record_track *t) {
    const struct aura_recorder_conf *c = &r->conf;
    if (t->encrypted || !(t->video ? c->video : c->audio) || !fits_source(c, t) ||
        (c->only_identity && strcmp(c->only_identity, t->identity) != 0)) {
        return false;
    }
    return !c->only_track || is_track(r, t, c->only_track) ||
           (c->only_track_2 && is_track(r, t, c->only_track_2));
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
                       t->muted ? json_pack("{s:b}", "muted", 1) : NULL);
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
    if (known && !gone) { /* they may be called otherwise by now */
        json_object_set_new(known, "name", json_string(p->name));
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

static bool is_in(const char *sid, Livekit__ParticipantInfo *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i]->sid, sid) == 0) {
            return true;
        }
    }
    return false;
}

void aura__record_missing(struct aura_recorder *r, Livekit__ParticipantInfo *const *list,
                          size_t count) {
    Livekit__ParticipantInfo gone = LIVEKIT__PARTICIPANT_INFO__INIT;
    const char *sid;
    json_t *p;
    gone.state = LIVEKIT__PARTICIPANT_INFO__STATE__DISCONNECTED;
    json_object_foreach(r->participants, sid, p) {
        if (!json_object_get(p, "left_us") && !is_in(sid, list, count)) {
            gone.sid = (char *)(uintptr_t)sid;
            gone.identity = (char *)(uintptr_t)json_string_value(json_object_get(p, "identity"));
            update_participant(r, &gone);
        }
    }
}

/* While the connection is away nobody knows; and who left may be back after a server's restart. */
bool aura__record_source_ended(const struct aura_recorder *r) {
    const struct aura_recorder_conf *c = &r->conf;
    const char *sid;
    json_t *p;
    bool seen = false;
    if (r->retry.away || r->list_is_due || (!c->only_track && !c->only_identity)) {
        return false;
    }
    for (const struct aura_record_track *t = r->tracks; c->only_track && t; t = t->next) {
        if (t->wanted && !t->ended) {
            return false;
        }
        seen = seen || t->wanted;
    }
    json_object_foreach(r->participants, sid, p) {
        const char *who = json_string_value(json_object_get(p, "identity"));
        if (!c->only_track && who && strcmp(who, c->only_identity) == 0) {
            if (!json_object_get(p, "left_us")) {
                return false;
            }
            seen = true;
        }
    }
    return seen;
}
