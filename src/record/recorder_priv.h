/* SPDX-License-Identifier: Apache-2.0 */
/** @file recorder_priv.h  Shared by recorder.c (its life), recorder_room.c and manifest.c. */
#ifndef AURA_RECORD_RECORDER_PRIV_H
#define AURA_RECORD_RECORDER_PRIV_H

#include "client/retry.h"
#include "client/thread.h"
#include "record/recorder.h"
#include "record/track.h"

#include <jansson.h>
#include <pthread.h>

enum { AURA__RECORD_FOLDER_MAX = 800, AURA__RECORD_WHY_MAX = 192 };

struct aura_recorder {
    struct aura_recorder_conf conf;
    char *token, *room, *only_identity, *only_track, *only_track_2;
    char folder[AURA__RECORD_FOLDER_MAX];
    struct aura_client_url url;
    struct aura_dtls_identity *identity;
    struct aura_client_thread on;
    struct aura_client *client;
    struct aura_task start;
    struct aura_timer tick, again;
    struct aura_receiver_watch watch;
    struct aura_retry retry;
    uint64_t lost_us; /* when the connection was, last */
    bool list_is_due; /* of participants, whole: the first of a connection */

    /* Of its thread. */
    int64_t begun_us; /* wall clock */
    uint64_t begun_mono_us, manifest_us;
    struct aura_record_track *tracks;
    size_t track_count;
    json_t *participants, *events, *interruptions; /* by sid; lists */
    uint64_t events_left_out;
    bool dirty, over;
    enum aura_record_end end;
    char why[AURA__RECORD_WHY_MAX];

    pthread_mutex_t lock;
    struct aura_recorder_status status;
};

int64_t aura__record_wall_us(const struct aura_recorder *r);
/** Adds an event to the manifest; @p more is taken over, NULL is fine. */
void aura__record_event(struct aura_recorder *r, const char *type, const char *participant,
                        const char *track, json_t *more);
/** Ends all files and writes the manifest; nothing happens after it. */
void aura__record_end(struct aura_recorder *r, enum aura_record_end why, const char *text);
/** What the client tells of media. */
const struct aura_receiver_watch *aura__record_watch(struct aura_recorder *r);
/** recorder_return.c: joins, for the first time or again. */
void aura__record_join(struct aura_recorder *r);
/** Who is not in that list, which is whole, has left. */
void aura__record_missing(struct aura_recorder *r, Livekit__ParticipantInfo *const *list,
                          size_t count);
/** There was something of what is asked for, and there is no more. */
bool aura__record_source_ended(const struct aura_recorder *r);
void aura__record_participants(void *arg, Livekit__ParticipantInfo *const *list, size_t count);
struct aura_record_track *aura__record_find(const struct aura_recorder *r, const char *sid);
/** Writes manifest.json anew, in one step. @return 0, AURA_EIO, AURA_ENOMEM */
int aura__record_manifest(struct aura_recorder *r, bool complete);

#endif
