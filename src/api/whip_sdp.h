/* SPDX-License-Identifier: Apache-2.0 */
/** @file whip_sdp.h  Descriptions as WHIP and WHEP carry them (RFC 9725): pure functions on text.
 */
#ifndef AURA_API_WHIP_SDP_H
#define AURA_API_WHIP_SDP_H

#include "base/buf.h"
#include "livekit_rtc.pb-c.h"
#include "transport/sdp.h"

#include <stdbool.h>

enum {
    AURA_WHIP_CREDENTIAL_MAX = 256, /* RFC 8839 section 5.4 */
    AURA_WHIP_TRACKS_MAX = 8,       /* that one session publishes */
};

/** ICE credentials of a description or a fragment; "" = not written. */
struct aura_whip_ice {
    char ufrag[AURA_WHIP_CREDENTIAL_MAX + 1], pwd[AURA_WHIP_CREDENTIAL_MAX + 1];
};
/** The first of each in the text. @return 0 or AURA_EMALFORMED (too long) */
AURA_NODISCARD int aura_whip_ice_read(struct aura_whip_ice *ice, const char *text, size_t len);

/** The description with other ICE credentials wherever it has some. Failures stick in @p out. */
void aura_whip_ice_replace(struct aura_buf *out, const char *sdp, const struct aura_whip_ice *ice);

/** The trickle-ice-sdpfrag (RFC 8840 section 9) that tells our credentials and candidates, out of
 * an answer of ours. Failures stick in @p out. */
void aura_whip_fragment(struct aura_buf *out, const char *answer);

/** Does any section of an answer of ours let media flow? */
bool aura_whip_flows(const char *answer);

/** What a publisher's offer announces: one request for each section that it sends on. The texts in
 * it point into @p offer and into here. */
struct aura_whip_tracks {
    size_t count;
    Livekit__AddTrackRequest requests[AURA_WHIP_TRACKS_MAX], *list[AURA_WHIP_TRACKS_MAX];
    Livekit__VideoLayer layers[AURA_WHIP_TRACKS_MAX][3], *layer_list[AURA_WHIP_TRACKS_MAX][3];
};
/** @return 0, AURA_ELIMIT (more than AURA_WHIP_TRACKS_MAX) */
AURA_NODISCARD int aura_whip_tracks_read(struct aura_whip_tracks *tracks,
                                         const struct aura_sdp *offer);

#endif
