/* SPDX-License-Identifier: Apache-2.0 */
/** @file negotiation_rig.h  A negotiation that writes down what it tells, for the tests of it. */
#ifndef AURA_TESTS_NEGOTIATION_RIG_H
#define AURA_TESTS_NEGOTIATION_RIG_H

#include "harness.h"

#include "room/negotiation.h"
#include "transport/sdp.h"

#include <stdio.h>
#include <string.h>

#include "../transport/sdp_fixture.h"

/* One negotiation, what it told, and its last description read back. */
struct rig {
    struct aura_neg *neg;
    struct aura_rand_seeded rand;
    char log[4096]; /* one word per event, in order */
    struct aura_neg_pub pubs[8];
    size_t pub_count;
    struct aura_neg_sub_media ready[16];
    size_t ready_count;
    struct aura_neg_pub_options options;
    bool set_options, remove_unsupported;
    struct aura_neg_offered offered; /* of the last question; strings copied below */
    char offered_track[AURA_NEG_TRACK_ID_MAX + 1];
    struct aura_buf text;
    struct aura_sdp *sdp;
    struct aura_neg_remote remote;
};

__attribute__((format(printf, 2, 3))) static inline void note(struct rig *r, const char *fmt, ...) {
    size_t at = strlen(r->log);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->log + at, sizeof(r->log) - at, fmt, ap);
    va_end(ap);
}

static inline void on_options(void *arg, const struct aura_neg_offered *offered,
                              struct aura_neg_pub_options *options) {
    struct rig *r = arg;
    r->offered = *offered;
    snprintf(r->offered_track, sizeof(r->offered_track), "%s", offered->track_id);
    if (r->set_options) {
        *options = r->options;
    }
}
static inline void on_published(void *arg, const struct aura_neg_pub *pub, bool changed) {
    struct rig *r = arg;
    note(r, "%s:%s ", changed ? "changed" : "pub", pub->mid);
    r->pubs[r->pub_count++ % 8] = *pub;
}
static inline void on_unpublished(void *arg, const char *mid) {
    note(arg, "unpub:%s ", mid);
}
static inline void on_ready(void *arg, struct aura_neg_sub *sub,
                            const struct aura_neg_sub_media *media) {
    struct rig *r = arg;
    note(r, "ready:%s@%s ", (const char *)aura_neg_sub_user(sub), media->media.mid);
    r->ready[r->ready_count++ % 16] = *media;
}
static inline void on_lost(void *arg, struct aura_neg_sub *sub) {
    note(arg, "lost:%s ", (const char *)aura_neg_sub_user(sub));
}
static inline void on_unsupported(void *arg, struct aura_neg_sub *sub) {
    struct rig *r = arg;
    note(r, "unsupported:%s ", (const char *)aura_neg_sub_user(sub));
    if (r->remove_unsupported) {
        aura_neg_sub_remove(r->neg, sub);
    }
}

static const struct aura_neg_handlers handlers = {.pub_options = on_options,
                                                  .published = on_published,
                                                  .unpublished = on_unpublished,
                                                  .sub_ready = on_ready,
                                                  .sub_lost = on_lost,
                                                  .sub_unsupported = on_unsupported};

static inline int rig_new_in(struct rig *r, enum aura_neg_role role, bool playout) {
    *r = (struct rig){.text = AURA_BUF(1024 * 1024)};
    aura_rand_seeded_init(&r->rand, 7);
    struct aura_fingerprint fp = {.hash = "sha-256", .len = 32};
    struct aura_sfu_candidate candidates[2] = {{.priority = 2130706431}, {.priority = 5}};
    assert_int_equal(aura_addr_parse(&candidates[0].addr, "192.0.2.7:7882"), 0);
    assert_int_equal(aura_addr_parse(&candidates[1].addr, "[2001:db8::1]:7881"), 0);
    candidates[1].tcp = true;
    struct aura_neg_conf conf = {.role = role,
                                 .rand = &r->rand.rand,
                                 .ufrag = "ourufrag",
                                 .pwd = "ourpasswordourpassword",
                                 .fingerprint = &fp,
                                 .candidates = candidates,
                                 .candidate_count = 2,
                                 .codecs = ~AURA_NEG_CODEC(AURA_CODEC_H265),
                                 .playout = playout};
    return aura_neg_new(&r->neg, &conf, &handlers, r);
}
static inline int rig_new(struct rig *r, enum aura_neg_role role) {
    return rig_new_in(r, role, false);
}

static inline void rig_free(struct rig *r) {
    aura_neg_free(r->neg);
    aura_buf_free(&r->text);
    aura_sdp_free(r->sdp);
}

/* Forgets what was told and reads our description back. */
static inline int read_back(struct rig *r) {
    r->sdp = aura_sdp_free(r->sdp);
    return aura_sdp_parse(&r->sdp, aura_buf_text(&r->text), r->text.len);
}

static inline void forget(struct rig *r) {
    r->log[0] = '\0';
    r->pub_count = r->ready_count = 0;
    aura_buf_clear(&r->text);
}

static inline int answer_text(struct rig *r, const char *text, size_t len) {
    forget(r);
    TRY(aura_neg_read_offer(r->neg, text, len, &r->remote));
    TRY(aura_neg_answer(r->neg, &r->text));
    return read_back(r);
}

static inline int answer(struct rig *r, const char *fixture) {
    size_t len;
    const char *text = sdp_fixture(fixture, &len);
    return answer_text(r, text, len);
}

static inline int add(struct rig *r, struct aura_neg_sub **sub, const char *name,
                      enum aura_codec codec) {
    const struct aura_media_codec video = {
        .codec = codec, .h264_packetization_mode = 1, .h264_profile_level_id = 0x42e02a};
    const struct aura_media_codec audio[2] = {{.codec = AURA_CODEC_RED},
                                              {.codec = AURA_CODEC_OPUS}};
    bool is_audio = codec == AURA_CODEC_OPUS;
    struct aura_neg_sub_conf conf = {.kind = is_audio ? AURA_KIND_AUDIO : AURA_KIND_VIDEO,
                                     .participant_sid = "PA_pub",
                                     .track_sid = name,
                                     .cname = "cname",
                                     .codecs = is_audio ? audio : &video,
                                     .codec_count = is_audio ? 2 : 1,
                                     .red = true,
                                     .user = (void *)(uintptr_t)name};
    return aura_neg_sub_add(r->neg, sub, &conf);
}

/* The id of an extension in a section; 0 = it is not there. */
static inline unsigned ext_id(const struct aura_sdp_section *s, enum aura_ext ext) {
    for (size_t i = 0; i < s->extmap_count; i++) {
        if (s->extmaps[i].ext == ext) {
            return s->extmaps[i].id;
        }
    }
    return 0;
}

static const struct aura_sdp_codec *codec(const struct aura_sdp_section *s, const char *name) {
    for (size_t i = 0; i < s->codec_count; i++) {
        if (strcmp(s->codecs[i].name, name) == 0) {
            return &s->codecs[i];
        }
    }
    fail_msg("no %s", name);
    return NULL;
}

#endif
