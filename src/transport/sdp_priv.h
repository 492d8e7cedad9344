/* SPDX-License-Identifier: Apache-2.0 */
/** @file sdp_priv.h  Inside of the SDP parser: the block of memory and the line readers. */
#ifndef AURA_TRANSPORT_SDP_PRIV_H
#define AURA_TRANSPORT_SDP_PRIV_H

#include "transport/sdp.h"

/** An array of the result, as long as the count of lines before parsing says. */
struct aura__sdp_pool {
    size_t elem, cap, used;
    char *base;
};

enum aura__sdp_pool_id {
    SDP_SECTIONS,
    SDP_CODECS,
    SDP_EXTMAPS,
    SDP_RIDS,
    SDP_LAYERS,
    SDP_MSIDS,
    SDP_SSRCS,
    SDP_GROUPS,
    SDP_CANDIDATES,
    SDP_FINGERPRINTS,
    SDP_POOLS
};

struct aura__sdp_parser {
    struct aura_sdp *sdp;
    struct aura__sdp_pool pools[SDP_POOLS];
    struct aura_sdp_section *section; /* NULL before the first m-line */
    enum aura_sdp_dir session_dir;
    char *bundles[AURA_SDP_BUNDLES_MAX];
    size_t bundle_count;
    uint8_t codec_at[128]; /* by payload type: 1 + index in the section's codecs */
};

/** A number up to @p max; *p moves behind it. @return false if there is none or it is greater */
bool aura__sdp_uint(const char **p, uint64_t max, uint64_t *out);
/** The next word, NUL-terminated in place; "" at the end. */
char *aura__sdp_word(char **p);
/** The next element of an array; @return NULL if the section, which has `count`, may have no more
 */
void *aura__sdp_push(struct aura__sdp_parser *ps, enum aura__sdp_pool_id id, size_t count,
                     size_t max);
/** m=. @p value and below: cut into strings in place. @return 0, AURA_ELIMIT, AURA_EMALFORMED */
AURA_NODISCARD int aura__sdp_media_line(struct aura__sdp_parser *ps, char *value);
/** An attribute of the session or of the current section; unknown ones are ignored. @param value
 * NULL if there is none */
AURA_NODISCARD int aura__sdp_attribute(struct aura__sdp_parser *ps, const char *name, char *value);

/** rtpmap, fmtp, rtcp-fb of the current section. @return false if it is none of those */
bool aura__sdp_codec_attribute(struct aura__sdp_parser *ps, const char *name, char *value);

#endif
