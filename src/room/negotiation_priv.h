/* SPDX-License-Identifier: Apache-2.0 */
/** @file negotiation_priv.h  Inside of the negotiation: sections, subscriptions, codec choice. */
#ifndef AURA_ROOM_NEGOTIATION_PRIV_H
#define AURA_ROOM_NEGOTIATION_PRIV_H

#include "base/list.h"
#include "room/negotiation.h"
#include "transport/sdp.h"

enum {
    NEG_CODECS_MAX = 2 * AURA_MEDIA_CODECS_MAX, /* each with its RTX */
    NEG_FMTP_MAX = 256,
};

enum aura__neg_use {
    NEG_REJECTED, /* port 0 */
    NEG_INACTIVE, /* nothing flows */
    NEG_OPEN,     /* nothing flows, a subscription may take it */
    NEG_PUB,
    NEG_SUB, /* `sub`, or NULL since it was removed: the peer has not been told yet */
    NEG_DATA,
};

/** One m-line, in its place, as described last. */
struct aura__neg_section {
    enum aura__neg_use use;
    enum aura_kind kind;
    char mid[AURA_MEDIA_MID_MAX + 1];
    struct aura_neg_sub *sub;        /* NEG_SUB */
    bool rebound;                    /* sub_ready is due */
    bool changed;                    /* published is due */
    struct aura_neg_pub pub;         /* NEG_PUB */
    struct aura_neg_sub_media media; /* NEG_SUB, when `bound` */
    bool bound;
    struct aura_neg_pub_options options; /* NEG_PUB */
};

struct aura_neg_sub {
    struct aura_node node;
    enum aura_kind kind;
    char participant_sid[AURA_NEG_SID_MAX + 1], stream[AURA_NEG_SID_MAX + 1];
    char track_sid[AURA_NEG_SID_MAX + 1];
    char cname[AURA_NEG_CNAME_MAX + 1];
    size_t codec_count;
    struct aura_media_codec codecs[AURA_MEDIA_CODECS_MAX];
    enum aura_codec backup;
    bool stereo, red, any;
    uint32_t ssrc, rtx_ssrc;
    void *user;
    bool placed;      /* a section of the last description is its own */
    bool ready;       /* sub_ready was called */
    bool lost;        /* sub_lost is due */
    bool unsupported; /* never to be placed again */
    bool refused;     /* sub_unsupported is due */
};

struct aura_neg {
    enum aura_neg_role role;
    struct aura_rand *rand;
    struct aura_neg_handlers handlers;
    void *arg;
    char *ufrag, *pwd;
    struct aura_fingerprint fingerprint;
    char candidates[AURA_SFU_CANDIDATES_MAX][AURA_NEG_CANDIDATE_TEXT_MAX];
    const char *candidate_list[AURA_SFU_CANDIDATES_MAX];
    size_t candidate_count;
    uint32_t codecs;
    bool plays, playout;
    uint64_t origin_id, origin_version;
    struct aura__neg_section *sections;
    size_t section_count;
    struct aura_list subs;
    size_t sub_count;
    struct aura_sdp *current; /* the peer's last description that is in force */
    struct aura_sdp *pending; /* an offer that was read and not answered yet */
    bool outstanding;         /* our offer waits for its answer */
    bool dirty;               /* credentials changed, or nothing was offered yet */
    uint32_t offer_id;
    char *remote_ufrag, *remote_pwd;
};

/** A section under construction, with room for what it points to. */
struct aura__neg_text {
    struct aura_sdp_section s;
    struct aura_sdp_codec codecs[NEG_CODECS_MAX];
    struct aura_sdp_extmap extmaps[AURA_EXT_COUNT];
    struct aura_sdp_rid rids[AURA_MEDIA_LAYERS_MAX];
    struct aura_sdp_layer layers[AURA_MEDIA_LAYERS_MAX];
    struct aura_sdp_msid msid;
    struct aura_sdp_ssrc ssrcs[2];
    struct aura_sdp_ssrc_group group;
    char stream[2 * AURA_NEG_SID_MAX + 2];
    char opus[NEG_FMTP_MAX];
};

/* negotiation_codecs.c */

/** Codecs for a section on which the client sends, out of those it offers. @return how many */
size_t aura__neg_pub_codecs(struct aura_media *media, const struct aura_sdp_section *offer,
                            uint32_t enabled, const struct aura_neg_pub_options *options,
                            bool remb);
/** Codecs in which `sub` can be sent on the section; 0 if the one being sent is not among them. */
size_t aura__neg_sub_codecs(struct aura_media *media, const struct aura_sdp_section *offer,
                            uint32_t enabled, const struct aura_neg_sub *sub);
/** Set of AURA_NEG_CODEC() that a section offers. */
uint32_t aura__neg_codec_set(const struct aura_sdp_section *offer);
/** Extensions of the section out of a set of bits (1 << enum aura_ext).
 * @param ours  our direction: SENDONLY, RECVONLY, or SENDRECV for any */
void aura__neg_extensions(struct aura_ext_map *map, const struct aura_sdp_section *offer,
                          uint32_t allowed, enum aura_sdp_dir ours);
/** Our codecs and extensions for tracks of the subscriber's when we offer, with our numbers. */
void aura__neg_own_media(struct aura_media *media, enum aura_kind kind, const struct aura_neg *neg,
                         const struct aura_neg_sub *sub);

bool aura__neg_same_media(const struct aura_media *a, const struct aura_media *b);

/* negotiation_text.c */

/** Writes codecs and extensions of `media` into the section. @param offer  the peer's, from which
 * names and parameters are echoed; NULL if we offer */
void aura__neg_text_media(struct aura__neg_text *t, const struct aura_media *media,
                          const struct aura_sdp_section *offer);
/** Direction, rids, and usedtx and stereo of Opus, of a published section. */
void aura__neg_text_pub(struct aura__neg_text *t, const struct aura_neg_pub_options *options,
                        const struct aura_sdp_section *offer, const struct aura_neg_pub *pub);
/** Direction, msid, sources and stereo of a subscribed section. */
void aura__neg_text_sub(struct aura__neg_text *t, const struct aura_neg_sub *sub, bool rtx);
/** Starts a section: what all of them have. */
void aura__neg_text_begin(struct aura__neg_text *t, const struct aura_neg *neg,
                          const struct aura__neg_section *section);

/* negotiation_pub.c */

/** What the client says about the streams of a section on which it sends. */
void aura__neg_read_streams(struct aura_neg_pub *pub, const struct aura_sdp_section *offer);
/** The rids of the streams that are sent, in the client's order; alternatives and doubles left out.
 */
size_t aura__neg_send_rids(const struct aura_sdp_section *offer,
                           const char *rids[AURA_MEDIA_LAYERS_MAX]);
/** Stream and track id of a section, not NULL, with braces if it has them. */
void aura__neg_msid(const struct aura_sdp_section *offer, const char **stream, const char **track);
/** Copies an id without braces; too long ones become "". */
void aura__neg_copy_id(char out[AURA_NEG_TRACK_ID_MAX + 1], const char *id);

bool aura__neg_same_pub(const struct aura_neg_pub *a, const struct aura_neg_pub *b);

/* negotiation.c */

/** The section that carries the transport, and its parameters checked.
 * @return 0, AURA_EUNSUPPORTED, AURA_ENOMEM */
AURA_NODISCARD int aura__neg_read_transport(struct aura_neg *neg, const struct aura_sdp *sdp,
                                            struct aura_neg_remote *remote, size_t *carrier);
/** Puts new sections in force and calls the handlers. `sections` is taken. */
void aura__neg_commit(struct aura_neg *neg, struct aura__neg_section *sections, size_t count);
/** The next waiting subscription of a kind behind `after` (NULL: the first). */
struct aura_neg_sub *aura__neg_next_waiting(const struct aura_neg *neg, enum aura_kind kind,
                                            const struct aura_neg_sub *after);

#endif
