/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that negotiates: one byte chooses the role, then descriptions between zero bytes. The
 * first byte of each says what happens to the subscriptions before it. Whatever comes, we write
 * only what our own parser reads, with as many sections as the offer has.
 */
#include "base/mem.h"
#include "room/negotiation.h"
#include "transport/sdp.h"

#include <string.h>

enum { SUBS = 6, DESCRIPTIONS = 12 };

struct peer {
    struct aura_neg *neg;
    struct aura_neg_sub *subs[SUBS];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_options(void *arg, const struct aura_neg_offered *offered,
                       struct aura_neg_pub_options *options) {
    (void)arg;
    options->stereo = offered->simulcast;
    options->prefer = offered->mid[0] & 1 ? AURA_CODEC_H264 : AURA_CODEC_NONE;
    options->accept = offered->mid[0] != 'x';
}

static void on_published(void *arg, const struct aura_neg_pub *pub, bool changed) {
    (void)arg;
    (void)changed;
    AURA_BUG_ON(pub->media.codec_count == 0 || pub->stream_count > AURA_MEDIA_LAYERS_MAX);
}

static void on_ready(void *arg, struct aura_neg_sub *sub, const struct aura_neg_sub_media *media) {
    (void)arg;
    AURA_BUG_ON(media->media.codec_count == 0 || media->ssrc == 0 || !aura_neg_sub_user(sub));
}

static void on_unsupported(void *arg, struct aura_neg_sub *sub) {
    struct peer *p = arg;
    struct aura_neg_sub **slot = aura_neg_sub_user(sub);
    *slot = aura_neg_sub_remove(p->neg, sub);
}

static const struct aura_neg_handlers handlers = {.pub_options = on_options,
                                                  .published = on_published,
                                                  .sub_ready = on_ready,
                                                  .sub_unsupported = on_unsupported};

static void change_subs(struct peer *p, uint8_t choice) {
    struct aura_neg_sub **slot = &p->subs[choice % SUBS];
    struct aura_media_codec codecs[2] = {
        {.codec = (enum aura_codec)(choice / SUBS % AURA_CODEC_COUNT),
         .h264_packetization_mode = 1},
        {.codec = AURA_CODEC_RED}};
    struct aura_neg_sub_conf conf = {.kind = codecs[0].codec >= AURA_CODEC_VP8 ? AURA_KIND_VIDEO
                                                                               : AURA_KIND_AUDIO,
                                     .participant_sid = "PA_x",
                                     .track_sid = "TR_x",
                                     .cname = "x",
                                     .codecs = codecs,
                                     .codec_count = choice & 1 ? 2 : 1,
                                     .stereo = choice & 2,
                                     .red = choice & 4,
                                     .user = slot};
    *slot = aura_neg_sub_remove(p->neg, *slot);
    if (choice & 0x80) {
        int err = aura_neg_sub_add(p->neg, slot, &conf);
        AURA_BUG_ON(err && err != AURA_ESTATE); /* publishers have none */
    }
}

/* @param sections  how many there must be; SIZE_MAX = any */
static void check(const struct aura_buf *text, size_t sections) {
    struct aura_sdp *sdp = NULL;
    int err = aura_sdp_parse(&sdp, aura_buf_text(text), text->len);
    AURA_BUG_ON(err == AURA_EMALFORMED);
    AURA_BUG_ON(!err && sections != SIZE_MAX && sdp->section_count != sections);
    aura_sdp_free(sdp);
}

static void describe(struct peer *p, const char *text, size_t len, bool subscriber) {
    struct aura_buf out = AURA_BUF(1024 * 1024);
    struct aura_neg_remote remote;
    uint32_t id, audios, videos;
    if (subscriber) {
        if (aura_neg_make_offer(p->neg, &out, &id) == 0) {
            check(&out, SIZE_MAX);
        }
        int err = aura_neg_read_answer(p->neg, 0, text, len, &remote);
        AURA_BUG_ON(err == AURA_ESTALE);
    } else if (aura_neg_read_offer(p->neg, text, len, &remote) == 0 &&
               aura_neg_answer(p->neg, &out) == 0) {
        struct aura_sdp *offer = NULL;
        AURA_BUG_ON(aura_sdp_parse(&offer, text, len) != 0);
        check(&out, offer->section_count);
        aura_sdp_free(offer);
    }
    aura_neg_sections_needed(p->neg, &audios, &videos);
    AURA_BUG_ON(audios + videos > SUBS);
    aura_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct peer p = {.neg = NULL};
    struct aura_rand_seeded rand;
    const struct aura_fingerprint fp = {.hash = "sha-256", .len = 32};
    aura_rand_seeded_init(&rand, size);
    if (size < 2) {
        return 0;
    }
    enum aura_neg_role role = (enum aura_neg_role)(data[0] % 3);
    struct aura_neg_conf conf = {.role = role,
                                 .rand = &rand.rand,
                                 .ufrag = "ufrag",
                                 .pwd = "passwordpasswordpassword",
                                 .fingerprint = &fp,
                                 .codecs = ~AURA_NEG_CODEC(AURA_CODEC_H265)};
    if (aura_neg_new(&p.neg, &conf, &handlers, &p) != 0) {
        return 0;
    }
    size_t at = 1;
    for (int i = 0; i < DESCRIPTIONS && at < size; i++) {
        const uint8_t *end = memchr(data + at, 0, size - at);
        size_t len = end ? (size_t)(end - (data + at)) : size - at;
        if (len > 0) {
            change_subs(&p, data[at]);
            describe(&p, (const char *)data + at + 1, len - 1, role == AURA_NEG_SUBSCRIBER);
        }
        at += len + 1;
    }
    aura_neg_free(p.neg);
    return 0;
}
