/* SPDX-License-Identifier: Apache-2.0 */
#include "client/roster.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct aura_roster {
    struct aura_roster_track *tracks;
    size_t count, cap;
};

int aura_roster_new(struct aura_roster **out) {
    *out = aura_zalloc(sizeof(**out));
    return *out ? 0 : AURA_ENOMEM;
}

struct aura_roster *aura_roster_free(struct aura_roster *r) {
    if (r) {
        aura_free(r->tracks);
        aura_free(r);
    }
    return NULL;
}

const struct aura_roster_track *aura_roster_find(const struct aura_roster *r, const char *sid) {
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->tracks[i].sid, sid) == 0) {
            return &r->tracks[i];
        }
    }
    return NULL;
}

static void copy(char out[AURA_ROSTER_TEXT_MAX + 1], const char *text) {
    snprintf(out, AURA_ROSTER_TEXT_MAX + 1, "%s", text);
}

static int put(struct aura_roster *r, const Livekit__ParticipantInfo *p,
               const Livekit__TrackInfo *track) {
    struct aura_roster_track *t =
        (struct aura_roster_track *)(uintptr_t)aura_roster_find(r, track->sid);
    if (!t && r->count == AURA_ROSTER_TRACKS_MAX) {
        return 0;
    }
    if (!t && r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct aura_roster_track *more = aura_realloc(r->tracks, cap * sizeof(*more));
        if (!more) {
            return AURA_ENOMEM;
        }
        r->tracks = more;
        r->cap = cap;
    }
    t = t ? t : &r->tracks[r->count++];
    copy(t->sid, track->sid);
    copy(t->owner, p->sid);
    copy(t->identity, p->identity);
    copy(t->name, track->name);
    t->video = track->type == LIVEKIT__TRACK_TYPE__VIDEO;
    t->keep = true;
    return 0;
}

static int update_one(struct aura_roster *r, const Livekit__ParticipantInfo *p) {
    int err = 0;
    size_t kept = 0;
    for (size_t i = 0; i < r->count; i++) {
        r->tracks[i].keep = strcmp(r->tracks[i].owner, p->sid) != 0;
    }
    bool gone = p->state == LIVEKIT__PARTICIPANT_INFO__STATE__DISCONNECTED;
    for (size_t i = 0; !err && !gone && i < p->n_tracks; i++) {
        err = put(r, p, p->tracks[i]);
    }
    for (size_t i = 0; i < r->count; i++) {
        if (r->tracks[i].keep) {
            r->tracks[kept++] = r->tracks[i];
        }
    }
    r->count = kept;
    return err;
}

int aura_roster_update(struct aura_roster *r, Livekit__ParticipantInfo *const *list, size_t count) {
    int err = 0;
    for (size_t i = 0; !err && i < count; i++) {
        err = update_one(r, list[i]);
    }
    return err;
}
