/* SPDX-License-Identifier: Apache-2.0 */
/* The client offers, we answer: roles SINGLE and PUBLISHER. */
#include "base/mem.h"
#include "room/negotiation_priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define EXT(name) (1u << AURA_EXT_##name)

static const uint32_t pub_audio_ext =
    EXT(MID) | EXT(AUDIO_LEVEL) | EXT(TWCC) | EXT(ABS_CAPTURE_TIME) | EXT(AIC);
static const uint32_t pub_video_ext = EXT(MID) | EXT(RID) | EXT(REPAIRED_RID) | EXT(TWCC) |
                                      EXT(DEPENDENCY_DESCRIPTOR) | EXT(ABS_CAPTURE_TIME) |
                                      EXT(VIDEO_ORIENTATION) | EXT(COLOR_SPACE) | EXT(AIC);
static const uint32_t sub_audio_ext =
    EXT(MID) | EXT(AUDIO_LEVEL) | EXT(TWCC) | EXT(ABS_CAPTURE_TIME) | EXT(AIC);
static const uint32_t sub_video_ext = EXT(MID) | EXT(TWCC) | EXT(ABS_SEND_TIME) |
                                      EXT(DEPENDENCY_DESCRIPTOR) | EXT(ABS_CAPTURE_TIME) |
                                      EXT(VIDEO_ORIENTATION) | EXT(COLOR_SPACE) | EXT(AIC);

static uint32_t sub_ext(const struct aura_neg *neg, enum aura_kind kind) {
    return kind == AURA_KIND_AUDIO ? sub_audio_ext
                                   : sub_video_ext | (neg->playout ? EXT(PLAYOUT_DELAY) : 0);
}

/* RFC 8829 section 5.2.2: sections keep their places; a rejected one may get a new mid. */
static bool sections_kept(const struct aura_neg *neg, const struct aura_sdp *offer) {
    if (offer->section_count < neg->section_count) {
        return false;
    }
    for (size_t i = 0; i < neg->section_count; i++) {
        const struct aura__neg_section *old = &neg->sections[i];
        if (old->use != NEG_REJECTED && offer->sections[i].port != 0 &&
            strcmp(old->mid, offer->sections[i].mid) != 0) {
            return false;
        }
    }
    return true;
}

int aura_neg_read_offer(struct aura_neg *neg, const char *text, size_t len,
                        struct aura_neg_remote *remote) {
    AURA_REQUIRE(neg && text && remote, AURA_EINVAL);
    struct aura_sdp *offer;
    size_t carrier;
    if (neg->role == AURA_NEG_SUBSCRIBER) {
        return AURA_ESTATE;
    }
    int err = aura_sdp_parse(&offer, text, len);
    if (err) {
        return err;
    }
    err = sections_kept(neg, offer) ? aura__neg_read_transport(neg, offer, remote, &carrier)
                                    : AURA_EMALFORMED;
    if (err) {
        aura_sdp_free(offer);
        return err;
    }
    aura_sdp_free(neg->pending);
    neg->pending = offer;
    return 0;
}

/* What we can take at all: bundled with the section that carries the transport (RFC 9143; without
 * any group only that one), RTCP on the same port (RFC 8858), SCTP over DTLS. */
static bool acceptable(const struct aura_sdp *offer, size_t carrier, size_t at) {
    const struct aura_sdp_section *s = &offer->sections[at];
    const struct aura_sdp_section *first = &offer->sections[carrier];
    if ((s->port == 0 && !s->bundle_only) || !*s->mid || strlen(s->mid) > AURA_MEDIA_MID_MAX) {
        return false;
    }
    if (at != carrier && (!s->bundle || s->bundle != first->bundle)) {
        return false;
    }
    if (s->kind == AURA_SDP_APPLICATION) {
        return strstr(s->protocol, "DTLS/SCTP") != NULL;
    }
    return (s->kind == AURA_SDP_AUDIO || s->kind == AURA_SDP_VIDEO) && s->rtcp_mux &&
           aura__neg_codec_set(s) != 0;
}

static bool has_data(const struct aura__neg_section *sections, size_t before) {
    for (size_t i = 0; i < before; i++) {
        if (sections[i].use == NEG_DATA) {
            return true;
        }
    }
    return false;
}

static void ask_options(struct aura_neg *neg, const struct aura_sdp_section *offer,
                        const struct aura__neg_section *section,
                        struct aura_neg_pub_options *options) {
    char stream_id[AURA_NEG_TRACK_ID_MAX + 1], track_id[AURA_NEG_TRACK_ID_MAX + 1];
    const char *stream, *track, *rids[AURA_MEDIA_LAYERS_MAX];
    aura__neg_msid(offer, &stream, &track);
    aura__neg_copy_id(stream_id, stream);
    aura__neg_copy_id(track_id, track);
    struct aura_neg_offered offered = {.mid = section->mid,
                                       .kind = section->kind,
                                       .stream_id = stream_id,
                                       .track_id = track_id,
                                       .codecs = aura__neg_codec_set(offer),
                                       .simulcast = aura__neg_send_rids(offer, rids) > 1};
    *options = (struct aura_neg_pub_options){
        .accept = true, .dtx = true, .red = true, .codecs = neg->codecs};
    if (neg->handlers.pub_options) {
        neg->handlers.pub_options(neg->arg, &offered, options);
    }
}

/* The client sends on it. */
static void plan_pub(struct aura_neg *neg, const struct aura_sdp_section *offer,
                     struct aura__neg_section *section) {
    bool single = neg->role == AURA_NEG_SINGLE;
    bool video = section->kind == AURA_KIND_VIDEO;
    struct aura_neg_pub *pub = &section->pub;
    ask_options(neg, offer, section, &section->options);
    section->use = NEG_INACTIVE;
    if (!section->options.accept ||
        !aura__neg_pub_codecs(&pub->media, offer, neg->codecs, &section->options,
                              single || section->options.remb)) {
        return;
    }
    section->use = NEG_PUB;
    pub->kind = pub->media.kind = section->kind;
    memcpy(pub->mid, section->mid, sizeof(pub->mid));
    memcpy(pub->media.mid, section->mid, sizeof(pub->media.mid));
    uint32_t ext = video ? pub_video_ext | (single ? EXT(ABS_SEND_TIME) : 0) : pub_audio_ext;
    aura__neg_extensions(&pub->media.ext, offer, ext, AURA_SDP_RECVONLY);
    aura__neg_read_streams(pub, offer);
}

/* Binds a subscription, or leaves the section open. @return false if it has no codec in common */
static bool plan_sub(struct aura_neg *neg, const struct aura_sdp_section *offer,
                     struct aura__neg_section *section, struct aura_neg_sub *sub) {
    struct aura_neg_sub_media *m = &section->media;
    if (!aura__neg_sub_codecs(&m->media, offer, neg->codecs, sub)) {
        return false;
    }
    section->use = NEG_SUB;
    section->sub = sub;
    m->media.kind = section->kind;
    memcpy(m->media.mid, section->mid, sizeof(m->media.mid));
    aura__neg_extensions(&m->media.ext, offer, sub_ext(neg, section->kind), AURA_SDP_SENDONLY);
    m->ssrc = sub->ssrc;
    for (size_t i = 0; i < m->media.codec_count; i++) {
        m->rtx_ssrc = m->media.codecs[i].rtx_pt ? sub->rtx_ssrc : m->rtx_ssrc;
    }
    memcpy(m->cname, sub->cname, sizeof(m->cname));
    return true;
}

static void refuse(struct aura_neg_sub *sub) {
    sub->unsupported = sub->refused = true;
}

/* The client only receives on it: what was bound stays; a subscription that was removed leaves it
 * inactive once, so that the client sees the next one begin. */
static void plan_receiver(struct aura_neg *neg, const struct aura_sdp_section *offer,
                          struct aura__neg_section *section, const struct aura__neg_section *old) {
    section->use = neg->role == AURA_NEG_SINGLE ? NEG_OPEN : NEG_INACTIVE;
    if (!old || old->use != NEG_SUB || !old->sub) {
        return;
    }
    if (!plan_sub(neg, offer, section, old->sub)) {
        refuse(old->sub);
        return;
    }
    section->rebound = !aura__neg_same_media(&section->media.media, &old->media.media);
}

static void plan_section(struct aura_neg *neg, const struct aura_sdp *offer, size_t carrier,
                         struct aura__neg_section *sections, size_t at) {
    const struct aura_sdp_section *s = &offer->sections[at];
    struct aura__neg_section *section = &sections[at];
    const struct aura__neg_section *old = at < neg->section_count ? &neg->sections[at] : NULL;
    section->kind = s->kind == AURA_SDP_VIDEO ? AURA_KIND_VIDEO : AURA_KIND_AUDIO;
    snprintf(section->mid, sizeof(section->mid), "%.*s", AURA_MEDIA_MID_MAX, s->mid);
    section->use = NEG_REJECTED;
    if (!acceptable(offer, carrier, at)) {
        return;
    }
    if (s->kind == AURA_SDP_APPLICATION) {
        section->use = has_data(sections, at) ? NEG_REJECTED : NEG_DATA;
    } else if (neg->plays && (s->dir & AURA_SDP_RECVONLY)) {
        plan_receiver(neg, s, section, old);
    } else if (s->dir & AURA_SDP_SENDONLY) {
        plan_pub(neg, s, section);
    } else if (s->dir == AURA_SDP_RECVONLY) {
        plan_receiver(neg, s, section, old);
    } else {
        section->use = NEG_INACTIVE;
    }
}

/* Waiting subscriptions in their order onto the sections that were free already. */
static void plan_waiting(struct aura_neg *neg, const struct aura_sdp *offer,
                         struct aura__neg_section *sections, enum aura_kind kind) {
    struct aura_neg_sub *sub = aura__neg_next_waiting(neg, kind, NULL);
    for (size_t i = 0; i < offer->section_count && sub; i++) {
        const struct aura__neg_section *old = i < neg->section_count ? &neg->sections[i] : NULL;
        if (sections[i].use != NEG_OPEN || sections[i].kind != kind ||
            (old && old->use == NEG_SUB)) {
            continue;
        }
        while (sub) {
            struct aura_neg_sub *this = sub;
            sub = aura__neg_next_waiting(neg, kind, sub);
            if (plan_sub(neg, &offer->sections[i], &sections[i], this)) {
                sections[i].rebound = true;
                break;
            }
            refuse(this);
        }
    }
}

/* An extension that one section refuses is gone from all later sections of libwebrtc's offers: so
 * every section takes all that any section of its kind may use. */
static uint32_t text_ext(const struct aura_neg *neg, enum aura_kind kind) {
    if (kind == AURA_KIND_AUDIO) {
        return pub_audio_ext | sub_ext(neg, kind);
    }
    return neg->role == AURA_NEG_SINGLE ? pub_video_ext | sub_ext(neg, kind) : pub_video_ext;
}

/* All that we know of the offer's codecs: an inactive section must still name some. */
static void idle_codecs(struct aura_media *media, const struct aura_neg *neg,
                        const struct aura_sdp_section *offer) {
    struct aura_neg_pub_options options = {.codecs = ~0u, .red = true};
    uint32_t enabled = neg->codecs & aura__neg_codec_set(offer);
    aura__neg_pub_codecs(media, offer, enabled ? enabled : ~0u, &options, true);
}

static void text_of(struct aura__neg_text *t, const struct aura_neg *neg,
                    const struct aura_sdp_section *offer, const struct aura__neg_section *section) {
    struct aura_media media = {0};
    if (section->use == NEG_PUB) {
        media = section->pub.media;
    } else if (section->use == NEG_SUB) {
        media = section->media.media;
    } else {
        idle_codecs(&media, neg, offer);
    }
    aura__neg_extensions(&media.ext, offer, text_ext(neg, section->kind), AURA_SDP_SENDRECV);
    aura__neg_text_media(t, &media, offer);
    if (section->use == NEG_PUB) {
        aura__neg_text_pub(t, &section->options, offer, &section->pub);
    } else if (section->use == NEG_SUB) {
        aura__neg_text_sub(t, section->sub, section->media.rtx_ssrc != 0);
    }
}

static void write_section(const struct aura_neg *neg, const struct aura_sdp_section *offer,
                          const struct aura__neg_section *section, bool first,
                          struct aura_buf *out) {
    struct aura__neg_text t;
    aura__neg_text_begin(&t, neg, section);
    t.s.protocol = offer->protocol;
    t.s.transport.setup = offer->transport.setup == AURA_SDP_SETUP_PASSIVE ? AURA_SDP_SETUP_ACTIVE
                                                                           : AURA_SDP_SETUP_PASSIVE;
    if (first) {
        t.s.candidates = neg->candidate_list;
        t.s.candidate_count = neg->candidate_count;
        t.s.end_of_candidates = neg->candidate_count > 0;
    }
    if (section->use == NEG_DATA) {
        t.s.fmt = *offer->fmt ? offer->fmt : t.s.fmt;
    } else {
        t.s.rtcp_rsize = offer->rtcp_rsize;
        t.s.extmap_allow_mixed = offer->extmap_allow_mixed;
        text_of(&t, neg, offer, section);
    }
    aura_sdp_write_section(&t.s, out);
}

/* RFC 3264 section 6: a refused stream is answered with port 0 and at least one format. */
static void write_rejected(const struct aura_sdp_section *offer, struct aura_buf *out) {
    struct aura_sdp_section s = {.kind = offer->kind,
                                 .media = offer->media,
                                 .protocol = offer->protocol,
                                 .fmt = offer->fmt,
                                 .mid = offer->mid,
                                 .dir = AURA_SDP_INACTIVE,
                                 .codecs = offer->codecs,
                                 .codec_count = offer->codec_count ? 1 : 0};
    aura_sdp_write_section(&s, out);
}

static int write_answer(struct aura_neg *neg, const struct aura_sdp *offer,
                        const struct aura__neg_section *sections, struct aura_buf *out) {
    struct aura_sdp_section *heads = aura_calloc(offer->section_count, sizeof(*heads));
    if (!heads) {
        return AURA_ENOMEM;
    }
    for (size_t i = 0; i < offer->section_count; i++) {
        heads[i].mid = offer->sections[i].mid;
        heads[i].bundle = sections[i].use != NEG_REJECTED && offer->sections[i].bundle ? 1 : 0;
    }
    struct aura_sdp head = {.origin_id = neg->origin_id,
                            .origin_version = neg->origin_version + 1,
                            .ice_lite = true,
                            .extmap_allow_mixed = offer->extmap_allow_mixed,
                            .sections = heads,
                            .section_count = offer->section_count};
    size_t before = out->len;
    aura_sdp_write_session(&head, out);
    aura_free(heads);
    bool first = true;
    for (size_t i = 0; i < offer->section_count; i++) {
        if (sections[i].use == NEG_REJECTED) {
            write_rejected(&offer->sections[i], out);
        } else {
            write_section(neg, &offer->sections[i], &sections[i], first, out);
            first = false;
        }
    }
    if (out->err) {
        out->len = out->len < before ? out->len : before;
    }
    return out->err;
}

int aura_neg_answer(struct aura_neg *neg, struct aura_buf *out) {
    AURA_REQUIRE(neg && out, AURA_EINVAL);
    struct aura_sdp *offer = neg->pending;
    struct aura_neg_remote remote;
    size_t carrier;
    if (!offer) {
        return AURA_ESTATE;
    }
    int err = aura__neg_read_transport(neg, offer, &remote, &carrier);
    if (err) {
        return err;
    }
    struct aura__neg_section *sections = aura_calloc(offer->section_count, sizeof(*sections));
    if (!sections) {
        return AURA_ENOMEM;
    }
    for (size_t i = 0; i < offer->section_count; i++) {
        plan_section(neg, offer, carrier, sections, i);
    }
    if (neg->role == AURA_NEG_SINGLE) {
        plan_waiting(neg, offer, sections, AURA_KIND_AUDIO);
        plan_waiting(neg, offer, sections, AURA_KIND_VIDEO);
    }
    err = write_answer(neg, offer, sections, out);
    if (err) {
        aura_free(sections);
        return err;
    }
    neg->origin_version++;
    aura_sdp_free(neg->current);
    neg->current = offer;
    neg->pending = NULL;
    aura__neg_commit(neg, sections, offer->section_count);
    return 0;
}
