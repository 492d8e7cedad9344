/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file client.h  A LiveKit participant without devices: joins, publishes clips, receives tracks.
 *
 * It speaks protocol v0: a peer connection for each direction, the server offers what it sends.
 * Many clients share a thread's struct aura_client_env. Threading: the env's thread, but for the
 * times, which any thread may read.
 */
#ifndef AURA_CLIENT_CLIENT_H
#define AURA_CLIENT_CLIENT_H

#include "client/clip.h"
#include "client/live.h"
#include "client/meter.h"
#include "client/ports.h"
#include "client/receiver.h"
#include "client/signal.h"
#include "transport/dtls.h"

struct aura_client;

/** What the clients of one thread share; everything is borrowed. */
struct aura_client_env {
    struct aura_loop *loop;
    struct aura_signals *signals;
    struct aura_ports *ports;
    struct aura_rand *rand;
    const struct aura_dtls_identity *identity;
    struct aura_meter *meter;
};

enum { AURA_CLIENT_TRACKS_MAX = 4 };

/** A track whose frames come while it runs. Its callbacks come on the env's thread. */
struct aura_client_live {
    bool on; /* this is one; there are no clips then */
    bool audio;
    bool av1; /* video: AV1 before VP8, else VP8 only */
    uint32_t width, height;
    const char *name; /* shown to others; outlives the client */
    /* Frames are sent from now on. @param knows_aic  the server negotiated hints */
    void (*started)(void *arg, bool knows_aic);
    void (*key_wanted)(void *arg);           /* video only */
    void (*target)(void *arg, uint32_t bps); /* what the connection bears; video only */
    void *arg;
};

struct aura_client_track {
    bool screen; /* screen share instead of camera or microphone */
    struct aura_client_live live;
    size_t layer_count; /* lowest first */
    const struct aura_clip *clips[AURA_MEDIA_LAYERS_MAX];
};

enum aura_client_quality {
    AURA_CLIENT_QUALITY_ANY, /* nothing is asked for: the server sends its best */
    AURA_CLIENT_QUALITY_LOW,
    AURA_CLIENT_QUALITY_MEDIUM,
    AURA_CLIENT_QUALITY_HIGH,
};

struct aura_client_conf {
    const struct aura_client_url *url;
    const char *token;
    bool subscribe;                   /* to everything */
    bool dynacast;                    /* layers that the server says nobody takes are not sent */
    enum aura_client_quality quality; /* asked for of every video track */
    size_t track_count;
    struct aura_client_track tracks[AURA_CLIENT_TRACKS_MAX];
    struct aura_receiver_watch watch; /* zeroed: nobody looks at frames */
};

/** Microseconds of the monotonic clock, 0 = not yet. */
struct aura_client_times {
    aura_count started, joined, connected, first_audio, first_video;
};

struct aura_client_handlers {
    /* The primary connection is up. */
    void (*connected)(void *arg);
    /* Final, from any cause but aura_client_free(). `why` is for people, borrowed. */
    void (*ended)(void *arg, int err, const char *why);
    /* Who is in the room, or has changed or left; NULL = of no interest. Borrowed. */
    void (*participants)(void *arg, Livekit__ParticipantInfo *const *list, size_t count);
    /* A newer token for this participant; NULL = of no interest. Borrowed. */
    void (*token)(void *arg, const char *token);
};

/** Starts to join. @return 0, AURA_ENOMEM, AURA_EIO */
AURA_NODISCARD int aura_client_new(struct aura_client **out, const struct aura_client_env *env,
                                   const struct aura_client_conf *conf,
                                   const struct aura_client_handlers *handlers, void *arg);
/** Leaves the room. Not from inside a callback. NULL is fine; returns NULL. The env must run one
 * more turn of its loop before it goes. */
struct aura_client *aura_client_free(struct aura_client *c);

/** The server does not want it any more: it was removed, the room ended, another took its place. */
bool aura_client_was_sent_away(const struct aura_client *c);

/** Sends a frame of a live track. @return as aura_live_send(); AURA_ESTATE before `started` */
int aura_client_send(struct aura_client *c, size_t track, const struct aura_live_frame *frame);
/** Zeros before `started`. */
void aura_client_live_stats(const struct aura_client *c, size_t track, struct aura_live_stats *out);
/** Round trip to the server in µs, of the last connectivity check; 0 = not known. */
uint32_t aura_client_rtt_us(const struct aura_client *c);

const struct aura_client_times *aura_client_times(const struct aura_client *c);
/** Streams that the server described, and those of which packets came. */
void aura_client_streams(const struct aura_client *c, size_t *described, size_t *flowing);

#endif
