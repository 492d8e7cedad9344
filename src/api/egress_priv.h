/* SPDX-License-Identifier: Apache-2.0 */
/** @file egress_priv.h  Shared by the files of egress: what requests come to. */
#ifndef AURA_API_EGRESS_PRIV_H
#define AURA_API_EGRESS_PRIV_H

#include "api/egress.h"
#include "api/egress_path.h"

/** A request, as the recorder understands it. Borrows from the message. */
struct aura__egress_ask {
    const struct aura_egress *egress;
    struct aura_recording_request q;
    struct aura_egress_words words;
    char path[AURA_EGRESS_PATH_MAX + 1], room_id[64], identity[512], source[32];
    const char *why;     /* with an error, for the caller */
    const char *missing; /* what is not there, if nothing else is wrong */
};

/*
 * Each is zeroed but for `egress`. @return 0, AURA_EUNSUPPORTED, AURA_EINVAL, AURA_ENOENT
 */
int aura__egress_ask_room(struct aura__egress_ask *a, const Livekit__RoomCompositeEgressRequest *q);
int aura__egress_ask_participant(struct aura__egress_ask *a,
                                 const Livekit__ParticipantEgressRequest *q);
int aura__egress_ask_tracks(struct aura__egress_ask *a,
                            const Livekit__TrackCompositeEgressRequest *q);
int aura__egress_ask_track(struct aura__egress_ask *a, const Livekit__TrackEgressRequest *q);
/** The newer request for all of them (egress_media.c). */
int aura__egress_ask_any(struct aura__egress_ask *a, const Livekit__StartEgressRequest *q);

/* ---- parts of those, for egress_media.c ---- */

/** The options and outputs that all requests may have. */
struct aura__egress_output {
    bool unsupported; /* there is another output than one file */
    const Livekit__EncodedFileOutput *file;
    bool has_preset;
    Livekit__EncodingOptionsPreset preset;
    const Livekit__EncodingOptions *advanced; /* NULL = none */
    size_t webhooks;
};
/* These two: @return 0 or an error, with a->missing; to hand to aura__egress_set_output(). */
int aura__egress_room_is(struct aura__egress_ask *a, const char *room);
int aura__egress_find_track(struct aura__egress_ask *a, const char *sid);
/** @param missing  what comes of it if the output is fine */
int aura__egress_set_output(struct aura__egress_ask *a, const struct aura__egress_output *o,
                            const char *fallback, int missing);
int aura__egress_refuse(struct aura__egress_ask *a, const char *why);

/** "grid", "speaker" or "single-speaker", of any layout of LiveKit's. */
const char *aura__egress_layout(const char *name);
/** Starts what was asked. @return 0 or an error with a->why */
int aura__egress_start(struct aura__egress_ask *a, const struct aura_recording **out);
/** The newest of it, as LiveKit says it; the caller's. @return NULL without memory */
ProtobufCMessage *aura__egress_info(const struct aura_recording *e);

#endif
