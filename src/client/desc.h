/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file desc.h  Session descriptions of a client: the offer of what it publishes, and the answer to
 * what the server offers it. Pure functions on text.
 */
#ifndef AURA_CLIENT_DESC_H
#define AURA_CLIENT_DESC_H

#include "base/buf.h"
#include "rtp/media.h"
#include "transport/sdp.h"

enum {
    AURA_DESC_TEXT_MAX = AURA_SDP_BYTES_MAX,
    AURA_DESC_TRACKS_MAX = 16, /* published by one client */
    AURA_DESC_CNAME_MAX = 31,
};

/** The ends of the connection, as written into a description. */
struct aura_desc_local {
    const char *ufrag, *pwd;
    const struct aura_fingerprint *fingerprint;
    uint64_t id, version; /* of the o-line */
};

/** One published track. */
struct aura_desc_track {
    enum aura_codec codec;
    enum aura_codec other; /* offered behind it, for the same SSRC; NONE = no other */
    bool live;             /* with AIC's hints, sending times and REMB */
    char mid[AURA_MEDIA_MID_MAX + 1];
    const char *cid; /* id of the track: as in AddTrackRequest */
    const char *cname;
    size_t layer_count; /* more than one: simulcast by rid, lowest first */
    const char *rids[AURA_MEDIA_LAYERS_MAX];
    uint32_t ssrcs[AURA_MEDIA_LAYERS_MAX], rtx_ssrcs[AURA_MEDIA_LAYERS_MAX]; /* rtx 0 = none */
};

/** Writes an offer that sends @p tracks and, as its last section, has data channels. */
AURA_NODISCARD int aura_desc_offer(struct aura_buf *out, const struct aura_desc_local *local,
                                   const struct aura_desc_track *tracks, size_t count);
/** Payload types that offers use. */
uint8_t aura_desc_pt(enum aura_codec codec);
uint8_t aura_desc_rtx_pt(enum aura_codec codec);

/** What the other end sends or takes in one media section. */
struct aura_desc_section {
    struct aura_media media; /* codecs and extensions that both know */
    bool active;             /* not rejected, not inactive */
    uint32_t ssrc, rtx_ssrc; /* of the sender, 0 = not told */
    char track[64];          /* second word of a=msid, else of its source attribute */
};
void aura_desc_section_read(struct aura_desc_section *out, const struct aura_sdp_section *s);

/** Transport part that holds for the whole bundle: that of the first section that has one. */
const struct aura_sdp_transport *aura_desc_transport(const struct aura_sdp *sdp);

/** Writes the answer to @p offer: everything known is taken, nothing is sent. */
AURA_NODISCARD int aura_desc_answer(struct aura_buf *out, const struct aura_desc_local *local,
                                    const struct aura_sdp *offer);

#endif
