/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file negotiation.h  Offer and answer of one peer connection, in LiveKit's three roles.
 *
 * Pure: text in, text out, and events for who owns the media. Threading: control thread.
 *
 * Answering (SINGLE, PUBLISHER):
 *     aura_neg_read_offer()      checks the client's offer; tells ICE and DTLS parameters
 *     aura_neg_set_credentials() only if `ice_restart` was told
 *     aura_neg_answer()          calls pub_options; writes the answer; then published, unpublished,
 *                                sub_ready, sub_lost, sub_unsupported
 * Offering (SUBSCRIBER):
 *     aura_neg_make_offer()      when aura_neg_needs_offer()
 *     aura_neg_read_answer()     then sub_ready, sub_lost, sub_unsupported
 */
#ifndef AURA_ROOM_NEGOTIATION_H
#define AURA_ROOM_NEGOTIATION_H

#include "base/buf.h"
#include "base/rand.h"
#include "rtp/media.h"
#include "sfu/sfu.h"
#include "transport/pc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aura_neg;
struct aura_neg_sub;

enum aura_neg_role {
    AURA_NEG_SINGLE,     /* v1: the client offers, publications and subscriptions together */
    AURA_NEG_PUBLISHER,  /* v0: the client offers what it publishes */
    AURA_NEG_SUBSCRIBER, /* v0: we offer what it subscribes to */
};

enum {
    AURA_NEG_TRACK_ID_MAX = 128, /* longest msid part that we take */
    AURA_NEG_SID_MAX = 63,
    AURA_NEG_CNAME_MAX = 39, /* as in struct aura_sfu_sub_conf */
    AURA_NEG_SUBS_MAX = 480, /* own limit; leaves sections for publications */
    AURA_NEG_MESSAGE_BYTES = 65535,
};

/** Bit of a codec in the sets below. */
#define AURA_NEG_CODEC(codec) (1u << (codec))

struct aura_neg_conf {
    enum aura_neg_role role;
    struct aura_rand *rand; /* outlives it */
    const char *ufrag, *pwd;
    const struct aura_fingerprint *fingerprint;
    const struct aura_sfu_candidate *candidates; /* written into every description */
    size_t candidate_count;
    uint32_t codecs; /* set of AURA_NEG_CODEC(): enabled in the room */
    bool playout;    /* receivers of video shall hear of a playout delay */
    bool plays;      /* SINGLE: the client gets what it can get, also where it would send besides */
};

/** What a client wants to send on one section of its offer. Strings are "" where unknown. */
struct aura_neg_offered {
    const char *mid;
    enum aura_kind kind;
    const char *stream_id, *track_id; /* msid without braces; the track id is the cid, mostly */
    uint32_t codecs;                  /* set of AURA_NEG_CODEC() offered */
    bool simulcast;
};

/** How the section is answered; filled with defaults before pub_options is called. */
struct aura_neg_pub_options {
    bool accept;            /* default true; false answers `inactive` */
    bool dtx;               /* default true: usedtx=1 */
    bool stereo;            /* default false: stereo=1, high bitrate */
    bool red;               /* default true: RED first if offered and enabled */
    bool remb;              /* default false: goog-remb for video, for it will be sent */
    uint32_t codecs;        /* default: all enabled; the section is refused if none is left */
    enum aura_codec prefer; /* default AURA_CODEC_NONE: the client's order */
};

/** A section on which the client sends, as answered. */
struct aura_neg_pub {
    char mid[AURA_MEDIA_MID_MAX + 1];
    enum aura_kind kind;
    char stream_id[AURA_NEG_TRACK_ID_MAX + 1]; /* msid without braces, "" = none */
    char track_id[AURA_NEG_TRACK_ID_MAX + 1];
    struct aura_media media; /* the client's payload types and extension ids */
    size_t stream_count;     /* 0 = nothing signalled: bound by mid or payload type */
    struct aura_sfu_stream streams[AURA_MEDIA_LAYERS_MAX]; /* low layer first */
};

/** The publication to subscribe to. Strings are copied. */
struct aura_neg_sub_conf {
    enum aura_kind kind;
    const char *participant_sid, *track_sid; /* msid "PA_x|TR_y TR_y" */
    const char *stream; /* msid "PA_x|stream TR_y" instead: played in sync; NULL = not */
    const char *cname;  /* one for all that must play in sync */
    /* What the publisher sends: the first is being sent now, others may come later. RED counts
     * with its Opus: a subscriber without RED gets Opus. */
    const struct aura_media_codec *codecs;
    size_t codec_count;
    enum aura_codec backup; /* that a client without the first codec will do with; NONE = none */
    bool stereo;
    bool any;   /* whatever the client takes will do: tracks come and go behind the section */
    bool red;   /* RED may be sent to this subscriber (not for encrypted tracks) */
    void *user; /* aura_neg_sub_user() */
};

/** A subscription bound to a section: what struct aura_sfu_sub_conf wants. */
struct aura_neg_sub_media {
    struct aura_media media; /* payload types and extension ids of the subscriber; has the mid */
    uint32_t ssrc, rtx_ssrc; /* rtx 0 = none */
    char cname[AURA_NEG_CNAME_MAX + 1];
};

/**
 * All are called from inside aura_neg_answer() or aura_neg_read_answer(), and all but pub_options
 * after the description is complete. They may call aura_neg_sub_add(), and aura_neg_sub_remove()
 * for the subscription that they are about; nothing else on the same object.
 */
struct aura_neg_handlers {
    /* Asked for each published section on each offer; NULL = defaults. */
    void (*pub_options)(void *arg, const struct aura_neg_offered *offered,
                        struct aura_neg_pub_options *options);
    /* A new publication, or (`changed`) other codecs, extensions or streams of a known mid. */
    void (*published)(void *arg, const struct aura_neg_pub *pub, bool changed);
    void (*unpublished)(void *arg, const char *mid);
    /* Bound, or bound again with other parameters (then also after an ICE restart: no). */
    void (*sub_ready)(void *arg, struct aura_neg_sub *sub, const struct aura_neg_sub_media *media);
    /* The client stopped its section; sub_ready comes again when it finds another. */
    void (*sub_lost)(void *arg, struct aura_neg_sub *sub);
    /* No codec in common: it will not be tried again; to be removed. */
    void (*sub_unsupported)(void *arg, struct aura_neg_sub *sub);
};

/** Strings and arrays of @p conf are copied. @return 0, AURA_ENOMEM, AURA_EINVAL */
AURA_NODISCARD int aura_neg_new(struct aura_neg **negp, const struct aura_neg_conf *conf,
                                const struct aura_neg_handlers *handlers, void *arg);
/** Frees it with its subscriptions; no handler is called. NULL is fine. Returns NULL. */
struct aura_neg *aura_neg_free(struct aura_neg *neg);

/** New local ICE credentials (ICE restart); in the SUBSCRIBER role this makes an offer needed.
 * @return 0, AURA_ENOMEM, AURA_EINVAL */
AURA_NODISCARD int aura_neg_set_credentials(struct aura_neg *neg, const char *ufrag,
                                            const char *pwd);
/** Other candidates for the next description. @return 0, AURA_ELIMIT */
AURA_NODISCARD int aura_neg_set_candidates(struct aura_neg *neg,
                                           const struct aura_sfu_candidate *candidates,
                                           size_t count);

/** What the peer's description says about the transport. */
struct aura_neg_remote {
    struct aura_pc_remote pc; /* points into the object: valid until the next description */
    bool ice_restart;         /* other ICE credentials than in the description before */
};

/**
 * Checks the client's offer and keeps it for aura_neg_answer(); what was negotiated stays valid
 * until then. Not in the SUBSCRIBER role.
 * @return 0, AURA_ENOMEM, AURA_ELIMIT, AURA_EMALFORMED (also sections that moved),
 * AURA_EUNSUPPORTED (no ICE, no DTLS), AURA_ESTATE (wrong role)
 */
AURA_NODISCARD int aura_neg_read_offer(struct aura_neg *neg, const char *text, size_t len,
                                       struct aura_neg_remote *remote);
/**
 * Answers the offer read last: appends to @p out, then calls the handlers.
 * @return 0, AURA_ESTATE (no offer was read), AURA_ENOMEM, AURA_ELIMIT (then nothing has changed
 * and no handler but pub_options was called)
 */
AURA_NODISCARD int aura_neg_answer(struct aura_neg *neg, struct aura_buf *out);

/** A subscription has changed and no offer is outstanding (SUBSCRIBER), or subscriptions wait for
 * the client's next offer (SINGLE: send media_sections_requirement). */
bool aura_neg_needs_offer(const struct aura_neg *neg);
/** Recvonly sections that the client must add in its next offer; both 0: what it has suffices. */
void aura_neg_sections_needed(const struct aura_neg *neg, uint32_t *audios, uint32_t *videos);

/**
 * Writes our offer. @param id  out: to be sent with it; grows by one each time from a random start
 * @return 0, AURA_ESTATE (wrong role, or an offer is outstanding), AURA_ENOMEM, AURA_ELIMIT
 */
AURA_NODISCARD int aura_neg_make_offer(struct aura_neg *neg, struct aura_buf *out, uint32_t *id);
/**
 * The client's answer to offer `id` (0 = not told: the outstanding one).
 * @return 0, AURA_ESTALE (not the outstanding offer's), AURA_ESTATE, AURA_ENOMEM, AURA_ELIMIT,
 * AURA_EMALFORMED, AURA_EUNSUPPORTED; after an error the offer is still outstanding
 */
AURA_NODISCARD int aura_neg_read_answer(struct aura_neg *neg, uint32_t id, const char *text,
                                        size_t len, struct aura_neg_remote *remote);

/** @return 0, AURA_ENOMEM, AURA_ELIMIT, AURA_EINVAL (strings too long), AURA_ESTATE (PUBLISHER) */
AURA_NODISCARD int aura_neg_sub_add(struct aura_neg *neg, struct aura_neg_sub **subp,
                                    const struct aura_neg_sub_conf *conf);
/** Ends and frees it. Its section is inactive from the next description on, then reused. NULL is
 * fine; returns NULL. */
struct aura_neg_sub *aura_neg_sub_remove(struct aura_neg *neg, struct aura_neg_sub *sub);
void *aura_neg_sub_user(const struct aura_neg_sub *sub);

/**
 * The text of a candidate of ours, "candidate:1 1 udp …", for trickling.
 * @param index  its place in the list. @return 0 or AURA_ELIMIT (`cap` is too small)
 */
enum { AURA_NEG_CANDIDATE_TEXT_MAX = 160 };
AURA_NODISCARD int aura_neg_candidate_format(const struct aura_sfu_candidate *candidate,
                                             size_t index, char *out, size_t cap);

/** Every subscription that the last answer carries (SessionDescription.mid_to_track_id). */
void aura_neg_mid_map(const struct aura_neg *neg,
                      void (*each)(void *arg, const char *mid, const char *track_sid), void *arg);

#endif
