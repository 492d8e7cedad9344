/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file measure.h  What LiveKit measures of rooms, sessions, tracks and connections, under its
 * names, labels and buckets (docs/operating.md has the list). Threading: control thread. Private to
 * src/room.
 *
 * Values come with what happens anyway: with a join, with a worker's report of a track. Nothing is
 * recorded for a packet.
 */
#ifndef AURA_ROOM_MEASURE_H
#define AURA_ROOM_MEASURE_H

#include "room/room_priv.h"

/** @return 0, AURA_ENOMEM */
AURA_NODISCARD int aura__measure_new(struct aura_tally **mp);

/** One report of a track, from its publisher or to one subscriber, since the report before. */
struct aura__measured {
    bool outgoing;
    uint32_t packets, lost, reordered;
    uint32_t jitter_us, rtt_us; /* 0 = not known */
};
void aura__measure_stream(const struct track *t, const struct aura__measured *m);
/** A participant's score, each time that it is made. */
void aura__measure_quality(const struct participant *p);

void aura__measure_room_ends(const struct room *room);
/** The join response is sent; media is connected; it leaves. */
void aura__measure_joined(const struct participant *p);
void aura__measure_active(const struct participant *p);
void aura__measure_left(struct participant *p);

/** A track: it is asked for; it is to be had; it ends. Those that are there are counted. */
void aura__measure_publish(struct track *t);
void aura__measure_published(const struct track *t);
void aura__measure_unpublish(const struct track *t);
/** A subscription: begins; is negotiated (the first time counts); its media began; ends. Those that
 * are there are counted. */
void aura__measure_subscribe(struct subscription *s);
void aura__measure_subscribed(struct subscription *s);
void aura__measure_stream_started(const struct subscription *s);
void aura__measure_unsubscribe(const struct subscription *s);
/** It cannot be. @param why  name of a Livekit__SubscriptionError */
void aura__measure_subscribe_failed(const struct participant *p, const char *why);

/** A connection came so far: "started", "ice_connected", "connected" (the first time counts). */
void aura__measure_connection(struct transport *t, enum aura__reached reached);
/** "offer", "answer". @param error  the step that failed; NULL = it went well */
void aura__measure_operation(const struct aura_rooms *r, const char *what, const char *error);
/** A data stream begins. */
void aura__measure_data_stream(const struct aura_rooms *r, const Livekit__DataPacket *d);

#endif
