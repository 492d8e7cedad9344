/* SPDX-License-Identifier: Apache-2.0 */
#include "room/show.h"

#include "room/series.h"

#include <string.h>

/* ---- pages ---- */

/* @return true: this one is to be shown; the page is full when its `more` is set */
static bool take(struct aura_rooms_page *page, size_t *shown, bool *behind, const char *sid) {
    if (!*behind) {
        *behind = strcmp(sid, page->after) == 0;
        return false;
    }
    if (page->limit && *shown == page->limit) {
        page->more = true;
        return false;
    }
    ++*shown;
    return true;
}

static struct room *room_of(const struct aura_rooms *r, const char *sid) {
    AURA_LIST_EACH(&r->rooms, struct room, room, node) {
        if (strcmp(room->sid, sid) == 0) {
            return room;
        }
    }
    return NULL;
}

static struct participant *who_is(const struct aura_rooms *r, const char *room, const char *sid) {
    struct participant *p = aura_map_get_str(r->by_sid, sid);
    return p && strcmp(p->room->sid, room) == 0 ? p : NULL;
}

static struct track *track_of(const struct aura_rooms *r, const char *room_sid, const char *sid) {
    struct room *room = room_of(r, room_sid);
    if (room) {
        AURA_LIST_EACH(&room->participants, struct participant, p, node) {
            struct track *t = aura__track_by_sid(p, sid);
            if (t) {
                return t;
            }
        }
    }
    return NULL;
}

/* ---- rooms ---- */

static void add_track(struct aura_rooms_room_view *v, const struct track *t) {
    v->tracks++;
    for (size_t i = 0; i < ENCODINGS_MAX; i++) {
        v->in_bps += t->enc[i].in_bps;
        v->sent_bytes += t->enc[i].aic.sent_bytes;
        v->native_bytes += t->enc[i].aic.native_bytes;
    }
}

static void show_room(const struct room *room, aura_rooms_room_fn *fn, void *arg) {
    struct aura_rooms_room_view v = {.sid = room->sid,
                                     .name = room->name,
                                     .metadata = room->metadata,
                                     .created_us = room->created_wall_us,
                                     .participants = aura__room_count(room, false),
                                     .publishers = aura__room_count(room, true),
                                     .max_participants = room->max_participants,
                                     .recording = room->recording};
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        AURA_LIST_EACH(&p->tracks, struct track, t, node) {
            add_track(&v, t);
        }
        AURA_LIST_EACH(&p->subs, struct subscription, s, node) {
            v.out_bps += s->stats.bitrate_bps;
        }
    }
    fn(arg, &v);
}

int aura_rooms_show_rooms(const struct aura_rooms *r, struct aura_rooms_page *page,
                          aura_rooms_room_fn *fn, void *arg) {
    bool behind = !page->after;
    size_t shown = 0;
    page->more = false;
    AURA_LIST_EACH(&r->rooms, struct room, room, node) {
        bool fits = !page->search || strstr(room->name, page->search);
        if (page->more) {
            break;
        }
        /* The one that was seen last need not fit any more. */
        if ((fits || !behind) && take(page, &shown, &behind, room->sid)) {
            show_room(room, fn, arg);
        }
    }
    return behind ? 0 : AURA_ENOENT;
}

int aura_rooms_show_room(const struct aura_rooms *r, const char *sid, aura_rooms_room_fn *fn,
                         void *arg) {
    const struct room *room = room_of(r, sid);
    if (room) {
        show_room(room, fn, arg);
    }
    return room ? 0 : AURA_ENOENT;
}

/* ---- participants ---- */

static void show_participant(const struct participant *p, aura_rooms_participant_fn *fn,
                             void *arg) {
    const ProtobufCEnumValue *sdk =
        p->client && p->client->sdk
            ? protobuf_c_enum_descriptor_get_value(&livekit__client_info__sdk__descriptor,
                                                   (int)p->client->sdk)
            : NULL;
    const struct aura_rooms_participant_view v = {
        .sid = p->sid,
        .identity = p->claims.identity,
        .name = p->claims.name ? p->claims.name : "",
        .metadata = p->claims.metadata ? p->claims.metadata : "",
        .auraid = p->auraid,
        .api_key = p->claims.api_key ? p->claims.api_key : "",
        .sdk = sdk ? sdk->name : "",
        .sdk_version = p->client ? p->client->version : "",
        .state = (int)p->state,
        .kind = aura__participant_kind(p),
        .quality = (int)p->quality,
        .plays = p->plays,
        .hidden = p->may.hidden,
        .can_publish = p->may.publish,
        .can_subscribe = p->may.subscribe,
        .can_publish_data = p->may.publish_data,
        .joined_us = p->joined_wall_us,
        .participant = p};
    fn(arg, &v);
}

int aura_rooms_show_participants(const struct aura_rooms *r, const char *sid,
                                 struct aura_rooms_page *page, aura_rooms_participant_fn *fn,
                                 void *arg) {
    const struct room *room = room_of(r, sid);
    bool behind = !page->after;
    size_t shown = 0;
    page->more = false;
    if (!room) {
        return AURA_ENOENT;
    }
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        if (page->more) {
            break;
        }
        if (take(page, &shown, &behind, p->sid)) {
            show_participant(p, fn, arg);
        }
    }
    return behind ? 0 : AURA_ENOENT;
}

int aura_rooms_show_participant(const struct aura_rooms *r, const char *room, const char *sid,
                                aura_rooms_participant_fn *fn, void *arg) {
    const struct participant *p = who_is(r, room, sid);
    if (p) {
        show_participant(p, fn, arg);
    }
    return p ? 0 : AURA_ENOENT;
}

/* ---- tracks ---- */

static size_t subscribers_of(const struct track *t) {
    size_t n = 0;
    AURA_LIST_EACH(&t->subs, struct subscription, s, track_node) {
        n++;
    }
    return n;
}

static void show_track(const struct track *t, aura_rooms_track_fn *fn, void *arg) {
    const struct aura_rooms_track_view v = {
        .sid = t->sid,
        .name = t->request->name,
        .codec = t->enc[0].pub ? aura_codec_mime(t->enc[0].codec) : "",
        .source = (int)t->request->source,
        .video = t->request->type == LIVEKIT__TRACK_TYPE__VIDEO,
        .muted = t->muted,
        .encrypted = t->request->encryption != LIVEKIT__ENCRYPTION__TYPE__NONE,
        .width = t->request->width,
        .height = t->request->height,
        .in_bps = (uint64_t)t->enc[0].in_bps + t->enc[1].in_bps,
        .subscribers = subscribers_of(t)};
    fn(arg, &v);
}

void aura_rooms_show_tracks(const struct aura_rooms_participant_view *of, aura_rooms_track_fn *fn,
                            void *arg) {
    const struct participant *p = of->participant;
    AURA_LIST_EACH(&p->tracks, struct track, t, node) {
        show_track(t, fn, arg);
    }
}

int aura_rooms_show_track(const struct aura_rooms *r, const char *room, const char *sid,
                          aura_rooms_track_fn *fn, void *arg) {
    const struct track *t = track_of(r, room, sid);
    if (t) {
        show_track(t, fn, arg);
    }
    return t ? 0 : AURA_ENOENT;
}

/* ---- links ---- */

int aura_rooms_show_links(const struct aura_rooms *r, const char *sid, struct aura_rooms_page *page,
                          aura_rooms_show_link_fn *fn, void *arg) {
    const struct room *room = room_of(r, sid);
    bool behind = !page->after;
    size_t shown = 0;
    page->more = false;
    if (!room) {
        return AURA_ENOENT;
    }
    AURA_LIST_EACH(&room->participants, struct participant, p, node) {
        const struct transport *t = p->single || !p->sub.peer ? &p->pub : &p->sub;
        const struct aura_rooms_link_view v = {.identity = p->claims.identity, .stats = &t->stats};
        if (page->more) {
            break;
        }
        if ((t->stats.peer || !behind) && take(page, &shown, &behind, p->sid)) {
            fn(arg, p->sid, &v);
        }
    }
    return behind ? 0 : AURA_ENOENT;
}

/* ---- series ---- */

static void show_published(const struct track *t, struct aura_rooms_series_look *look) {
    for (size_t i = 0; i < ENCODINGS_MAX; i++) {
        const struct encoding *e = &t->enc[i];
        look->complete = look->complete && (e->series || !e->pub);
        for (size_t k = 0; k < aura__series_count(e->series); k++) {
            look->published(look->arg, aura_rooms_sample_at(e->series, k), i > 0);
        }
    }
}

static void show_subscription(const struct subscription *s, struct aura_rooms_series_look *look) {
    struct aura_rooms_sub_series v = {.sid = s->p->sid,
                                      .identity = s->p->claims.identity,
                                      .count = aura__series_count(s->series),
                                      .series = s->series};
    aura__sub_view(s, &v.now);
    v.why = aura_rooms_why(&v.now);
    look->complete = look->complete && (s->series || !s->sub);
    look->subscription(look->arg, &v);
}

int aura_rooms_show_series(const struct aura_rooms *r, const char *room, const char *track,
                           struct aura_rooms_series_look *look) {
    const struct track *t = track_of(r, room, track);
    bool behind = !look->page.after;
    size_t shown = 0;
    look->page.more = false;
    if (!t) {
        return AURA_ENOENT;
    }
    look->complete = true;
    show_published(t, look);
    AURA_LIST_EACH(&t->subs, struct subscription, s, track_node) {
        if (look->page.more) {
            break;
        }
        if ((!look->only || strcmp(look->only, s->p->sid) == 0) &&
            take(&look->page, &shown, &behind, s->p->sid)) {
            show_subscription(s, look);
        }
    }
    /* A series begins with the first report: it is missing for long only if there is no room. */
    look->complete = look->complete || r->series_count < AURA_ROOMS_SERIES_MAX;
    return behind ? 0 : AURA_ENOENT;
}

/* ---- by sid ---- */

int aura_rooms_place(const struct aura_rooms *r, const char *room_sid, const char *sid,
                     const char **name, const char **identity) {
    const struct room *room = room_of(r, room_sid);
    const struct participant *p = sid ? who_is(r, room_sid, sid) : NULL;
    if (!room || (sid && !p)) {
        return AURA_ENOENT;
    }
    *name = room->name;
    if (identity) {
        *identity = p ? p->claims.identity : "";
    }
    return 0;
}

int aura_rooms_track_place(const struct aura_rooms *r, const char *room, const char *track,
                           const char **name, const char **identity) {
    const struct track *t = track_of(r, room, track);
    if (!t) {
        return AURA_ENOENT;
    }
    *name = t->p->room->name;
    *identity = t->p->claims.identity;
    return 0;
}
