/* SPDX-License-Identifier: Apache-2.0 */
/* We offer what the client subscribes to: role SUBSCRIBER. */
#include "base/mem.h"
#include "room/negotiation_priv.h"

#include <stdio.h>
#include <string.h>

static size_t count_waiting(const struct aura_neg *neg) {
    size_t n = 0;
    for (int kind = AURA_KIND_AUDIO; kind <= AURA_KIND_VIDEO; kind++) {
        const struct aura_neg_sub *sub = NULL;
        while ((sub = aura__neg_next_waiting(neg, (enum aura_kind)kind, sub))) {
            n++;
        }
    }
    return n;
}

/* A section that the client has answered as inactive, else a new one behind all. */
static struct aura__neg_section *take_section(struct aura__neg_section *sections, size_t *count,
                                              size_t old_count, enum aura_kind kind) {
    for (size_t i = 0; i < old_count; i++) {
        if (sections[i].use == NEG_OPEN && sections[i].kind == kind) {
            return &sections[i];
        }
    }
    if (*count == AURA_SDP_SECTIONS_MAX) {
        return NULL;
    }
    struct aura__neg_section *s = &sections[*count];
    s->kind = kind;
    snprintf(s->mid, sizeof(s->mid), "%zu", (*count)++);
    return s;
}

/* Sections of the next offer: those of before, then one for each waiting subscription. */
static struct aura__neg_section *plan(struct aura_neg *neg, size_t *count) {
    size_t old_count = neg->section_count;
    size_t most = (old_count ? old_count : 1) + count_waiting(neg);
    struct aura__neg_section *sections = aura_calloc(most, sizeof(*sections));
    if (!sections) {
        return NULL;
    }
    for (size_t i = 0; i < old_count; i++) {
        sections[i] = neg->sections[i];
    }
    *count = old_count;
    if (old_count == 0) {
        sections[0].use = NEG_DATA;
        snprintf(sections[0].mid, sizeof(sections[0].mid), "0");
        *count = 1;
    }
    for (int kind = AURA_KIND_AUDIO; kind <= AURA_KIND_VIDEO; kind++) {
        struct aura_neg_sub *sub = NULL;
        while ((sub = aura__neg_next_waiting(neg, (enum aura_kind)kind, sub))) {
            struct aura__neg_section *s =
                take_section(sections, count, old_count, (enum aura_kind)kind);
            if (s) {
                s->use = NEG_SUB;
                s->sub = sub;
                s->bound = false;
            }
        }
    }
    return sections;
}

static void write_section(const struct aura_neg *neg, const struct aura__neg_section *section,
                          bool first, struct aura_buf *out) {
    struct aura__neg_text t;
    struct aura_media media;
    static const struct aura_neg_sub none = {.red = false};
    aura__neg_text_begin(&t, neg, section);
    t.s.transport.setup = AURA_SDP_SETUP_ACTPASS;
    if (first) {
        t.s.candidates = neg->candidate_list;
        t.s.candidate_count = neg->candidate_count;
        t.s.end_of_candidates = neg->candidate_count > 0;
    }
    if (section->use != NEG_DATA) {
        const struct aura_neg_sub *sub = section->sub ? section->sub : &none;
        aura__neg_own_media(&media, section->kind, neg, sub);
        aura__neg_text_media(&t, &media, NULL);
    }
    if (section->use == NEG_SUB && section->sub) {
        aura__neg_text_sub(&t, section->sub, section->kind == AURA_KIND_VIDEO);
    }
    if (section->use == NEG_REJECTED) {
        t.s.port = 0;
    }
    aura_sdp_write_section(&t.s, out);
}

static int write_offer(const struct aura_neg *neg, const struct aura__neg_section *sections,
                       size_t count, struct aura_buf *out) {
    struct aura_sdp_section *heads = aura_calloc(count, sizeof(*heads));
    if (!heads) {
        return AURA_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        heads[i].mid = sections[i].mid;
        heads[i].bundle = sections[i].use != NEG_REJECTED;
    }
    struct aura_sdp head = {.origin_id = neg->origin_id,
                            .origin_version = neg->origin_version + 1,
                            .ice_lite = true,
                            .extmap_allow_mixed = true,
                            .sections = heads,
                            .section_count = count};
    aura_sdp_write_session(&head, out);
    aura_free(heads);
    for (size_t i = 0; i < count; i++) {
        write_section(neg, &sections[i], i == 0, out);
    }
    return out->err;
}

int aura_neg_make_offer(struct aura_neg *neg, struct aura_buf *out, uint32_t *id) {
    AURA_REQUIRE(neg && out && id, AURA_EINVAL);
    size_t count;
    if (neg->role != AURA_NEG_SUBSCRIBER || neg->outstanding) {
        return AURA_ESTATE;
    }
    struct aura__neg_section *sections = plan(neg, &count);
    if (!sections) {
        return AURA_ENOMEM;
    }
    size_t before = out->len;
    int err = write_offer(neg, sections, count, out);
    if (err) {
        out->len = out->len < before ? out->len : before;
        aura_free(sections);
        return err;
    }
    for (size_t i = 0; i < count; i++) {
        if (sections[i].use == NEG_SUB && !sections[i].sub) {
            sections[i].use = NEG_INACTIVE; /* written so; open again once that is answered */
        } else if (sections[i].sub) {
            sections[i].sub->placed = true;
        }
    }
    aura_free(neg->sections);
    neg->sections = sections;
    neg->section_count = count;
    neg->origin_version++;
    neg->outstanding = true;
    neg->dirty = false;
    *id = ++neg->offer_id;
    return 0;
}

/* RFC 3264: the answer has our sections, in our order. */
static bool answers_us(const struct aura_neg *neg, const struct aura_sdp *answer) {
    if (answer->section_count != neg->section_count) {
        return false;
    }
    for (size_t i = 0; i < neg->section_count; i++) {
        const struct aura__neg_section *s = &neg->sections[i];
        const struct aura_sdp_section *a = &answer->sections[i];
        enum aura_sdp_kind kind = s->use == NEG_DATA           ? AURA_SDP_APPLICATION
                                  : s->kind == AURA_KIND_VIDEO ? AURA_SDP_VIDEO
                                                               : AURA_SDP_AUDIO;
        if (a->kind != kind || (a->port != 0 && strcmp(a->mid, s->mid) != 0)) {
            return false;
        }
    }
    return true;
}

/* What the client takes of the offered section. @return false if not this track */
static bool read_media(const struct aura_neg *neg, const struct aura_sdp_section *answer,
                       const struct aura__neg_section *s, struct aura_neg_sub_media *out) {
    struct aura_media own;
    uint32_t ext = 0;
    if (answer->port == 0 || !(answer->dir & AURA_SDP_RECVONLY) ||
        !aura__neg_sub_codecs(&out->media, answer, neg->codecs, s->sub)) {
        return false;
    }
    aura__neg_own_media(&own, s->kind, neg, s->sub);
    for (unsigned e = 0; e < AURA_EXT_COUNT; e++) {
        ext |= own.ext.id[e] ? 1u << e : 0;
    }
    aura__neg_extensions(&out->media.ext, answer, ext, AURA_SDP_SENDONLY);
    out->media.kind = s->kind;
    memcpy(out->media.mid, s->mid, sizeof(s->mid));
    out->ssrc = s->sub->ssrc;
    for (size_t i = 0; i < out->media.codec_count; i++) {
        out->rtx_ssrc = out->media.codecs[i].rtx_pt ? s->sub->rtx_ssrc : out->rtx_ssrc;
    }
    memcpy(out->cname, s->sub->cname, sizeof(out->cname));
    return true;
}

static void read_section(const struct aura_neg *neg, const struct aura_sdp_section *answer,
                         struct aura__neg_section *s) {
    struct aura_neg_sub_media media = {.ssrc = 0};
    if (s->use == NEG_INACTIVE) {
        s->use = answer->port ? NEG_OPEN : NEG_REJECTED;
        return;
    }
    if (s->use != NEG_SUB || !s->sub) {
        return; /* removed since: the next offer tells */
    }
    if (!read_media(neg, answer, s, &media)) {
        s->sub->unsupported = s->sub->refused = true;
        s->sub = NULL; /* the next offer makes it inactive */
        s->use = answer->port ? NEG_SUB : NEG_REJECTED;
        s->bound = false;
        return;
    }
    s->rebound = !s->bound || !aura__neg_same_media(&s->media.media, &media.media);
    s->media = media;
    s->bound = true;
}

int aura_neg_read_answer(struct aura_neg *neg, uint32_t id, const char *text, size_t len,
                         struct aura_neg_remote *remote) {
    AURA_REQUIRE(neg && text && remote, AURA_EINVAL);
    struct aura_sdp *answer = NULL;
    struct aura__neg_section *sections = NULL;
    size_t carrier;
    if (neg->role != AURA_NEG_SUBSCRIBER || !neg->outstanding) {
        return AURA_ESTATE;
    }
    if (id != 0 && id != neg->offer_id) {
        return AURA_ESTALE;
    }
    int err = aura_sdp_parse(&answer, text, len);
    if (err) {
        return err;
    }
    if (!answers_us(neg, answer)) {
        err = AURA_EMALFORMED;
        goto out;
    }
    sections = aura_calloc(neg->section_count, sizeof(*sections));
    if (!sections) {
        err = AURA_ENOMEM;
        goto out;
    }
    err = aura__neg_read_transport(neg, answer, remote, &carrier);
    if (err) {
        goto out;
    }
    for (size_t i = 0; i < neg->section_count; i++) {
        sections[i] = neg->sections[i];
        read_section(neg, &answer->sections[i], &sections[i]);
    }
    aura_sdp_free(neg->current);
    neg->current = answer;
    neg->outstanding = false;
    aura__neg_commit(neg, sections, neg->section_count);
    return 0;
out:
    aura_free(sections);
    aura_sdp_free(answer);
    return err;
}
