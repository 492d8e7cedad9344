/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sdp.h  Session descriptions of WebRTC: RFC 8866 text with the attributes of RFC 8829.
 *
 * aura_sdp_parse() makes a struct of plain pointers: one block of memory that holds a copy of the
 * text, cut into strings, and arrays of exactly the needed size. Unknown lines and attributes are
 * ignored. The writer takes the same structs, also from arrays that the caller filled itself.
 * Threading: none kept. Pure: no sockets, no time.
 */
#ifndef AURA_TRANSPORT_SDP_H
#define AURA_TRANSPORT_SDP_H

#include "base/buf.h"
#include "base/err.h"
#include "rtp/media.h"
#include "transport/dtls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Own limits: what a peer can make us hold. A Chromium section that receives video has ~110 lines
 * and 5 kB, so a connection may have about 70 of those. */
enum {
    AURA_SDP_BYTES_MAX = 512 * 1024,
    AURA_SDP_LINES_MAX = 8192,
    AURA_SDP_LINE_BYTES_MAX = 4096,
    AURA_SDP_SECTIONS_MAX = 512,
    /* In one section: */
    AURA_SDP_CODECS_MAX = 128, /* payload types are 7 bits */
    AURA_SDP_EXTMAPS_MAX = 64,
    AURA_SDP_SSRCS_MAX = 64,
    AURA_SDP_SSRC_GROUPS_MAX = 32,
    AURA_SDP_GROUP_SSRCS_MAX = 8,
    AURA_SDP_RIDS_MAX = 16,
    AURA_SDP_LAYERS_MAX = 16,
    AURA_SDP_MSIDS_MAX = 8,
    AURA_SDP_CANDIDATES_MAX = 64,
    AURA_SDP_FINGERPRINTS_MAX = AURA_DTLS_FINGERPRINTS_MAX,
    /* In the session: */
    AURA_SDP_BUNDLES_MAX = 4,
};

enum aura_sdp_kind { AURA_SDP_AUDIO, AURA_SDP_VIDEO, AURA_SDP_APPLICATION, AURA_SDP_OTHER };

/** Bit 0: the writer of the description sends; bit 1: it receives. */
enum aura_sdp_dir {
    AURA_SDP_INACTIVE = 0,
    AURA_SDP_SENDONLY = 1,
    AURA_SDP_RECVONLY = 2,
    AURA_SDP_SENDRECV = 3
};

/** RFC 4145, 5763. */
enum aura_sdp_setup {
    AURA_SDP_SETUP_NONE,
    AURA_SDP_SETUP_ACTPASS,
    AURA_SDP_SETUP_ACTIVE,
    AURA_SDP_SETUP_PASSIVE
};

/** One payload type of the m-line, with its rtpmap, fmtp and rtcp-fb (those of '*' included). */
struct aura_sdp_codec {
    uint8_t pt;
    uint8_t channels; /* 0 = not written */
    uint8_t feedback; /* AURA_FB_* */
    uint32_t clock_rate;
    const char *name; /* encoding name, any case; "" if there is no rtpmap */
    const char *fmtp; /* "" = none */
};

/** RFC 8285. */
struct aura_sdp_extmap {
    uint8_t id; /* 1..255 */
    bool has_dir;
    enum aura_sdp_dir dir;
    enum aura_ext ext; /* AURA_EXT_COUNT: not one we know */
    const char *uri;
};

/** RFC 8851. */
struct aura_sdp_rid {
    const char *id;
    bool send;
    const char *params; /* "" = none */
};

/** One entry of a=simulcast (RFC 8853). Alternatives of one stream share `stream`. */
struct aura_sdp_layer {
    const char *rid;
    bool paused;
    bool send;
    uint8_t stream; /* 0, 1, … within its direction */
};

/** RFC 8830. */
struct aura_sdp_msid {
    const char *stream; /* "-" = none */
    const char *track;  /* "" = not written */
};

/** All a=ssrc lines of one source together (RFC 5576). */
struct aura_sdp_ssrc {
    uint32_t ssrc;
    const char *cname;                    /* "" = none */
    const char *msid_stream, *msid_track; /* from the old "msid:" source attribute; "" = none */
};

struct aura_sdp_ssrc_group {
    const char *semantics; /* "FID", "SIM", … */
    uint8_t count;
    uint32_t ssrcs[AURA_SDP_GROUP_SSRCS_MAX];
};

/** ICE and DTLS part, of the session or of one section. */
struct aura_sdp_transport {
    const char *ufrag, *pwd, *ice_options; /* "" = none */
    enum aura_sdp_setup setup;
    const struct aura_fingerprint *fingerprints;
    size_t fingerprint_count;
};

struct aura_sdp_section {
    enum aura_sdp_kind kind;
    const char *media;    /* first word of the m-line */
    const char *protocol; /* "UDP/TLS/RTP/SAVPF" */
    const char *fmt;      /* not audio or video: the rest of the m-line; "" = none */
    uint16_t port;        /* 0 = rejected, or bundle-only */
    const char *mid;      /* "" = none */
    uint16_t bundle;      /* number of its a=group:BUNDLE line, from 1; 0 = in none */
    enum aura_sdp_dir dir;
    bool bundle_only, rtcp_mux, rtcp_rsize, extmap_allow_mixed, end_of_candidates;
    struct aura_sdp_transport transport; /* what the section lacks is the session's */
    const struct aura_sdp_codec *codecs; /* audio and video: in the order of the m-line */
    size_t codec_count;
    const struct aura_sdp_extmap *extmaps;
    size_t extmap_count;
    const struct aura_sdp_rid *rids;
    size_t rid_count;
    const struct aura_sdp_layer *layers;
    size_t layer_count;
    const struct aura_sdp_msid *msids;
    size_t msid_count;
    const struct aura_sdp_ssrc *ssrcs;
    size_t ssrc_count;
    const struct aura_sdp_ssrc_group *groups;
    size_t group_count;
    const char *const *candidates; /* values of a=candidate, not looked into */
    size_t candidate_count;
    uint16_t sctp_port;        /* 0 = not written */
    uint32_t max_message_size; /* RFC 8841; 0 = any size if `has_max_message_size` */
    bool has_max_message_size;
};

struct aura_sdp {
    uint64_t origin_id, origin_version; /* of the o-line */
    bool ice_lite, extmap_allow_mixed;
    struct aura_sdp_transport transport;
    const struct aura_sdp_section *sections;
    size_t section_count;
};

/**
 * Parses `len` bytes of text (CRLF or LF). Free with aura_sdp_free().
 * @return 0, AURA_ENOMEM, AURA_ELIMIT (a limit above), AURA_EMALFORMED
 */
AURA_NODISCARD int aura_sdp_parse(struct aura_sdp **sdpp, const char *text, size_t len);
/** Frees what aura_sdp_parse() gave; NULL is fine. Returns NULL. */
struct aura_sdp *aura_sdp_free(struct aura_sdp *sdp);

/** Appends the whole description. @return 0 or the buffer's AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_sdp_write(const struct aura_sdp *sdp, struct aura_buf *out);
/** Only what stands before the sections: of those it looks at `mid` and `bundle`. The sections may
 * then be written one by one. Failures stick in the buffer. */
void aura_sdp_write_session(const struct aura_sdp *sdp, struct aura_buf *out);
void aura_sdp_write_section(const struct aura_sdp_section *section, struct aura_buf *out);

/** The payload type's entry, or NULL. */
const struct aura_sdp_codec *aura_sdp_find_codec(const struct aura_sdp_section *s, uint8_t pt);
/**
 * A parameter of an fmtp text ("a=1;b=2"), name in any case. @return its value's first byte with
 * `*len` bytes, or NULL if it is not there
 */
const char *aura_sdp_fmtp_get(const char *fmtp, const char *name, size_t *len);
/** The same as an unsigned number of the given base; `fallback` if absent or not a number. */
uint32_t aura_sdp_fmtp_uint(const char *fmtp, const char *name, int base, uint32_t fallback);

#endif
