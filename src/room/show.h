/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file show.h  Rooms as those who run a server look at them: pages of views, series of samples,
 * and orders by sid.
 *
 * What views borrow is valid until the callback returns. Threading: control thread.
 */
#ifndef AURA_ROOM_SHOW_H
#define AURA_ROOM_SHOW_H

#include "room/rooms.h"

enum {
    AURA_ROOMS_STEP_S = 5,        /* between two samples, as the SFU reports */
    AURA_ROOMS_SAMPLES = 120,     /* of one series */
    AURA_ROOMS_SERIES_MAX = 4096, /* in all; later tracks and subscriptions have none */
};

/** What one look is at. Zeroed: all. */
struct aura_rooms_page {
    const char *after;  /* sid of the last one seen; NULL = from the first on */
    const char *search; /* that a room's name has in it; NULL = any */
    size_t limit;       /* 0 = all */
    bool more;          /* out: there are others behind */
};

struct aura_rooms_room_view {
    const char *sid, *name, *metadata;
    uint64_t created_us; /* wall clock */
    size_t participants, publishers, tracks;
    uint32_t max_participants; /* 0 = no limit */
    bool recording;
    uint64_t in_bps, out_bps;          /* of tracks, as reported last */
    uint64_t sent_bytes, native_bytes; /* of AI compression, of tracks that are there */
};
typedef void(aura_rooms_room_fn)(void *arg, const struct aura_rooms_room_view *view);
/** Oldest first. @return 0, AURA_ENOENT (page->after is gone) */
AURA_NODISCARD int aura_rooms_show_rooms(const struct aura_rooms *r, struct aura_rooms_page *page,
                                         aura_rooms_room_fn *fn, void *arg);
/** @return 0 or AURA_ENOENT */
AURA_NODISCARD int aura_rooms_show_room(const struct aura_rooms *r, const char *sid,
                                        aura_rooms_room_fn *fn, void *arg);

struct aura_rooms_track_view {
    const char *sid, *name, *codec; /* MIME type; "" = nothing came yet */
    int source;                     /* Livekit__TrackSource */
    bool video, muted, encrypted;
    uint32_t width, height; /* as announced; 0 = unknown */
    uint64_t in_bps;
    size_t subscribers;
};
typedef void(aura_rooms_track_fn)(void *arg, const struct aura_rooms_track_view *view);

struct aura_rooms_participant_view {
    const char *sid, *identity, *name, *metadata, *auraid, *api_key; /* auraid "" = none */
    const char *sdk, *sdk_version; /* the protocol's name of it; "" = unknown */
    int state, kind, quality;      /* the protocol's numbers */
    bool plays;                    /* WHEP */
    bool hidden, can_publish, can_subscribe, can_publish_data;
    uint64_t joined_us;      /* wall clock */
    const void *participant; /* for aura_rooms_show_tracks() */
};
typedef void(aura_rooms_participant_fn)(void *arg, const struct aura_rooms_participant_view *view);
/** @return 0, AURA_ENOENT (the room, or page->after, is not there) */
AURA_NODISCARD int aura_rooms_show_participants(const struct aura_rooms *r, const char *room,
                                                struct aura_rooms_page *page,
                                                aura_rooms_participant_fn *fn, void *arg);
AURA_NODISCARD int aura_rooms_show_participant(const struct aura_rooms *r, const char *room,
                                               const char *sid, aura_rooms_participant_fn *fn,
                                               void *arg);
/** Inside the callback of the view. */
void aura_rooms_show_tracks(const struct aura_rooms_participant_view *of, aura_rooms_track_fn *fn,
                            void *arg);
AURA_NODISCARD int aura_rooms_show_track(const struct aura_rooms *r, const char *room,
                                         const char *sid, aura_rooms_track_fn *fn, void *arg);

/** What a connection can carry, with whose it is. @return 0 or AURA_ENOENT */
typedef void(aura_rooms_show_link_fn)(void *arg, const char *sid,
                                      const struct aura_rooms_link_view *view);
AURA_NODISCARD int aura_rooms_show_links(const struct aura_rooms *r, const char *room,
                                         struct aura_rooms_page *page, aura_rooms_show_link_fn *fn,
                                         void *arg);

/** A few seconds of a track, or of a subscription. */
struct aura_rooms_sample {
    uint64_t at_us; /* wall clock */
    uint32_t bps, jitter_us, rtt_us;
    float loss;      /* 0…1 */
    const char *why; /* a constant: of the layer (subscriptions) */
    int8_t spatial, temporal;
    uint8_t layers; /* bits (tracks) */
    bool paused, aic;
};
struct aura_rooms_sub_series {
    const char *sid, *identity; /* of the subscriber */
    struct aura_rooms_sub_view now;
    const char *why; /* of the layer, a constant */
    size_t count;
    const void *series; /* for aura_rooms_sample_at() */
};
struct aura_rooms_series_look {
    struct aura_rooms_page page; /* of subscriptions; `after` is the subscriber's sid */
    const char *only;            /* sid of the one subscriber; NULL = all */
    /* @param backup  of the second codec */
    void (*published)(void *arg, const struct aura_rooms_sample *sample, bool backup);
    void (*subscription)(void *arg, const struct aura_rooms_sub_series *series);
    void *arg;
    bool complete; /* out: none was left out for AURA_ROOMS_SERIES_MAX */
};
/** @return 0 or AURA_ENOENT */
AURA_NODISCARD int aura_rooms_show_series(const struct aura_rooms *r, const char *room,
                                          const char *track, struct aura_rooms_series_look *look);
/** @param i  0 = the oldest */
const struct aura_rooms_sample *aura_rooms_sample_at(const void *series, size_t i);
/** Why a subscription has the layer that it has, also where no layers are chosen. A constant. */
const char *aura_rooms_why(const struct aura_rooms_sub_view *v);

/* ---- orders ---- */

/**
 * The names behind sids. @param sid  of a participant; NULL = of none. @param identity  out, or
 * NULL
 * @return 0 or AURA_ENOENT. Borrowed until the rooms change.
 */
AURA_NODISCARD int aura_rooms_place(const struct aura_rooms *r, const char *room, const char *sid,
                                    const char **name, const char **identity);
/** Whose a track is. @return 0 or AURA_ENOENT */
AURA_NODISCARD int aura_rooms_track_place(const struct aura_rooms *r, const char *room,
                                          const char *track, const char **name,
                                          const char **identity);
/**
 * Has a participant leave and join another room, by the protocol's own means: a new token, and the
 * order to connect anew. The other room is made if need be.
 * @return 0, AURA_ENOENT, AURA_EINVAL (its name), AURA_EPOLICY (no client that could), AURA_EEXISTS
 * (the identity is there already), AURA_ELIMIT (it is full), AURA_ENOMEM
 */
AURA_NODISCARD int aura_rooms_move(struct aura_rooms *r, const char *room, const char *identity,
                                   const char *destination);
/** Everybody whom a token of that API key let in leaves. @return how many */
size_t aura_rooms_disconnect_key(struct aura_rooms *r, const char *api_key);

#endif
