/* SPDX-License-Identifier: Apache-2.0 */
/** @file call_priv.h  Shared by call.c (its life), call_send.c, call_watch.c and call_listen.c. */
#ifndef AURA_CLIENT_CALL_PRIV_H
#define AURA_CLIENT_CALL_PRIV_H

#include "aic/core.h"
#include "auralink/client.h"
#include "client/listen.h"
#include "client/retry.h"
#include "client/roster.h"
#include "client/sender.h"
#include "client/speaker.h"
#include "client/thread.h"
#include "codec/decoder.h"

#include <semaphore.h>
#include <stdatomic.h>

enum {
    AURA__CALL_QUEUE_MAX = 64,             /* frames on their way to the call's thread */
    AURA__CALL_QUEUE_BYTES_MAX = 16 << 20, /* of those */
};

/** A frame on its way from who encoded it to the call's thread. */
struct aura__call_frame {
    struct aura__call_frame *next;
    size_t track;
    struct aura_live_frame frame; /* its data lies behind */
    uint8_t bytes[];
};

struct aura_call_track {
    struct aura_call *call;
    size_t index;
    bool audio;
    struct aura_call_video_conf video; /* its texts are not ours */
    char name[AURA_CALL_NAME_MAX + 1];
    struct aura_sender *sender;   /* of video */
    struct aura_speaker *speaker; /* of sound that comes as samples */
    atomic_bool started;
    bool timed; /* the first frame's time is known */
    uint64_t first_us;
};

/** The video that is watched; of the call's thread, but for `stats`. */
struct aura__call_watch {
    struct aura_roster *roster;
    bool known;                             /* the roster has it */
    char chosen[AURA_FRAMES_TRACK_MAX + 1]; /* the server's id of it; "" = none yet */
    char identity[AURA_CALL_NAME_MAX + 1], track[AURA_CALL_NAME_MAX + 1];
    struct aura_decoder *decoder;
    enum aura_codec codec; /* of the decoder */
    uint8_t *sharp;
    size_t sharp_cap;
    uint64_t frame_us; /* arrival of the frame before */
};

/** The sound that is listened to; of the call's thread. */
struct aura__call_listen {
    struct aura_listen *line; /* NULL: nothing is listened to */
    char chosen[AURA_ROSTER_TEXT_MAX + 1];
    char identity[AURA_CALL_NAME_MAX + 1], track[AURA_CALL_NAME_MAX + 1];
    uint64_t position, bytes;
};

struct aura_call {
    struct aura_call_conf conf;
    struct aura_call_handlers handlers;
    void *arg;
    struct aura_client_url url;
    char *token, *ai_core, *watch_identity, *watch_track, *listen_track;
    struct aura_client_thread on;
    struct aura_dtls_identity *identity;
    struct aura_aic_core *core;
    struct aura_client *client;
    struct aura_client_conf client_conf;
    struct aura_retry retry;
    struct aura_timer again;
    size_t track_count;
    struct aura_call_track tracks[AURA_CLIENT_TRACKS_MAX];
    struct aura__call_watch watch; /* its roster serves `listen` too */
    struct aura__call_listen listen;
    struct aura_task start, drain, look;
    sem_t looked;

    pthread_mutex_t lock; /* for what follows */
    struct aura__call_frame *queue, **queue_end;
    size_t queued, queued_bytes;
    struct aura_call_stats stats; /* what is counted, as it happens */
};

/** On any thread: hands a frame over to the call's. */
void aura__call_queue(struct aura_call *call, size_t track, const struct aura_live_frame *frame);
/** The row of the client's configuration for a track. */
void aura__call_track_conf(struct aura_call_track *t, struct aura_client_track *out);
void aura__call_send_stats(struct aura_call *call, struct aura_call_stats *out);

/** Joining, and joining again (call_return.c). */
void aura__call_join(struct aura_call *call);
void aura__call_leave(struct aura_call *call);
void aura__call_connected(void *arg);
void aura__call_lost(void *arg, int err, const char *why);
void aura__call_token(void *arg, const char *token);
void aura__call_over(struct aura_call *call, int err, const char *why);

/** What was watched is gone; the next that fits is. @return 0 or AURA_ENOMEM */
int aura__call_watch_restart(struct aura_call *call);
int aura__call_watch_init(struct aura_call *call);
void aura__call_watch_end(struct aura_call *call);
bool aura__call_wants(void *arg, const char *track);
bool aura__call_frame_in(void *arg, const struct aura_frame *frame);
/** It is the one that the configuration means. @param t  what is known of it; may be NULL */
bool aura__call_matches(const struct aura_call *call, const char *which, const char *sid,
                        const struct aura_roster_track *t);
void aura__call_participants(void *arg, Livekit__ParticipantInfo *const *list, size_t count);

int aura__call_listen_init(struct aura_call *call);
/** The next track that fits goes on where this one ended. */
void aura__call_listen_restart(struct aura_call *call);
/** Nothing more comes: what waits is handed out. On the call's thread. */
void aura__call_listen_end(struct aura_call *call);
void aura__call_listen_roster(struct aura_call *call);
bool aura__call_listen_wants(struct aura_call *call, const struct aura_roster_track *t);
void aura__call_sound_in(void *arg, const struct aura_sound *sound);
/** With the call's lock. */
void aura__call_listen_stats(const struct aura_call *call, struct aura_call_stats *out);

#endif
