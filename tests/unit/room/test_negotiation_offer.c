/* SPDX-License-Identifier: Apache-2.0 */
/* We offer, the client answers. */
#include "negotiation_rig.h"

static int checks_subscriptions(void) {
    struct aura_neg_sub *sub;
    struct rig r;
    TRY(rig_new(&r, AURA_NEG_SUBSCRIBER));
    struct aura_neg_sub_conf conf = {.participant_sid = "PA", .track_sid = "T", .cname = "c"};
    conf.cname = "0123456789012345678901234567890123456789";
    assert_int_equal(aura_neg_sub_add(r.neg, &sub, &conf), AURA_EINVAL);
    conf.cname = "c d";
    assert_int_equal(aura_neg_sub_add(r.neg, &sub, &conf), AURA_EINVAL);
    conf.cname = "c";
    conf.track_sid = "T\r\na=evil";
    assert_int_equal(aura_neg_sub_add(r.neg, &sub, &conf), AURA_EINVAL);
    conf.track_sid = "T";
    int err = 0;
    for (size_t i = 0; i < AURA_NEG_SUBS_MAX && !err; i++) {
        err = aura_neg_sub_add(r.neg, &sub, &conf);
    }
    if (!err) {
        assert_int_equal(aura_neg_sub_add(r.neg, &sub, &conf), AURA_ELIMIT);
    }
    rig_free(&r);
    return err;
}

static int offer(struct rig *r, uint32_t *id) {
    forget(r);
    TRY(aura_neg_make_offer(r->neg, &r->text, id));
    return read_back(r);
}

static int read_answer(struct rig *r, uint32_t id, const char *fixture) {
    size_t len;
    const char *text = sdp_fixture(fixture, &len);
    forget(r);
    return aura_neg_read_answer(r->neg, id, text, len, &r->remote);
}

static void check_first_offer(const struct rig *r) {
    const struct aura_sdp_section *s = &r->sdp->sections[0];
    assert_int_equal(r->sdp->section_count, 1);
    assert_int_equal(s->kind, AURA_SDP_APPLICATION);
    assert_string_equal(s->mid, "0");
    assert_int_equal(s->transport.setup, AURA_SDP_SETUP_ACTPASS);
    assert_int_equal(s->candidate_count, 2);
}

static void check_offered_tracks(const struct rig *r) {
    assert_int_equal(r->sdp->section_count, 4);
    const struct aura_sdp_section *a = &r->sdp->sections[1], *v = &r->sdp->sections[2];
    assert_int_equal(a->dir, AURA_SDP_SENDONLY);
    assert_string_equal(a->codecs[0].name, "red");
    assert_string_equal(a->codecs[0].fmtp, "111/111");
    assert_string_equal(codec(a, "opus")->fmtp, "minptime=10;useinbandfec=1");
    assert_int_equal(codec(v, "VP8")->pt, 96);
    assert_string_equal(v->codecs[1].fmtp, "apt=96");
    assert_string_equal(r->sdp->sections[3].codecs[0].name, "H264"); /* the publisher's first */
    assert_string_equal(v->msids[0].stream, "PA_pub|TR_v");
    for (size_t i = 1; i < 4; i++) {
        for (size_t j = 1; j < i; j++) {
            assert_int_not_equal(r->sdp->sections[i].ssrcs[0].ssrc,
                                 r->sdp->sections[j].ssrcs[0].ssrc);
        }
    }
}

static int offers_subscriptions(void) {
    struct aura_neg_sub *a, *v, *h, *x;
    struct rig r;
    uint32_t first, id;
    int err;
    TRY(rig_new(&r, AURA_NEG_SUBSCRIBER));
    assert_true(aura_neg_needs_offer(r.neg));
    TRY_OUT(offer(&r, &first));
    check_first_offer(&r);
    TRY_OUT(add(&r, &a, "TR_a", AURA_CODEC_OPUS));
    assert_false(aura_neg_needs_offer(r.neg)); /* the answer comes first */
    assert_int_equal(aura_neg_make_offer(r.neg, &r.text, &id), AURA_ESTATE);
    err = read_answer(&r, first + 1, "chromium_answer_data");
    assert_int_equal(err, AURA_ESTALE);
    TRY_OUT(read_answer(&r, first, "chromium_answer_data"));
    assert_true(r.remote.pc.sctp && !r.remote.pc.active);
    TRY_OUT(add(&r, &v, "TR_v", AURA_CODEC_VP8));
    TRY_OUT(add(&r, &h, "TR_h", AURA_CODEC_H264));
    TRY_OUT(offer(&r, &id));
    assert_int_equal(id, first + 1);
    check_offered_tracks(&r);
    err = read_answer(&r, id, "chromium_answer_data"); /* too few sections */
    if (err == AURA_ENOMEM) {
        goto out;
    }
    assert_int_equal(err, AURA_EMALFORMED);
    TRY_OUT(read_answer(&r, id, "chromium_answer_three"));
    assert_string_equal(r.log, "ready:TR_a@1 ready:TR_v@2 ready:TR_h@3 ");
    assert_int_equal(r.ready[0].media.codecs[0].codec, AURA_CODEC_RED);
    assert_int_equal(r.ready[2].media.codecs[0].codec, AURA_CODEC_H264);
    assert_int_not_equal(r.ready[1].media.ext.id[AURA_EXT_TWCC], 0);
    assert_false(aura_neg_needs_offer(r.neg));
    aura_neg_sub_remove(r.neg, v);
    TRY_OUT(add(&r, &x, "TR_x", AURA_CODEC_AV1));
    TRY_OUT(offer(&r, &id));
    assert_int_equal(r.sdp->section_count, 5); /* 2 is inactive first, so a new one */
    assert_int_equal(r.sdp->sections[2].dir, AURA_SDP_INACTIVE);
    TRY_OUT(read_answer(&r, id, "chromium_answer_reuse"));
    assert_string_equal(r.log, "ready:TR_x@4 ");
    TRY_OUT(add(&r, &x, "TR_y", AURA_CODEC_VP9));
    TRY_OUT(offer(&r, &id));
    assert_int_equal(r.sdp->section_count, 5);
    assert_string_equal(r.sdp->sections[2].msids[0].track, "TR_y");
    TRY_OUT(read_answer(&r, 0, "chromium_answer_reuse"));
    assert_string_equal(r.log, "ready:TR_y@2 ");
out:
    rig_free(&r);
    return err;
}

/* Firefox takes neither RED nor H264 here. */
static int follows_the_answer(void) {
    struct aura_neg_sub *sub;
    struct rig r;
    uint32_t id;
    int err;
    TRY(rig_new(&r, AURA_NEG_SUBSCRIBER));
    TRY_OUT(add(&r, &sub, "TR_a", AURA_CODEC_OPUS));
    TRY_OUT(add(&r, &sub, "TR_h", AURA_CODEC_H264));
    TRY_OUT(add(&r, &sub, "TR_x", AURA_CODEC_AV1));
    TRY_OUT(offer(&r, &id));
    TRY_OUT(read_answer(&r, id, "firefox_answer_three"));
    assert_string_equal(r.log, "ready:TR_a@1 ready:TR_x@3 unsupported:TR_h ");
    assert_int_equal(r.ready[0].media.codecs[0].codec, AURA_CODEC_OPUS);
    assert_int_equal(r.ready[1].media.codecs[0].codec, AURA_CODEC_AV1);
    assert_int_equal(r.ready[1].media.ext.id[AURA_EXT_DEPENDENCY_DESCRIPTOR], 0);
    assert_true(aura_neg_needs_offer(r.neg)); /* section 2 must stop */
    TRY_OUT(offer(&r, &id));
    assert_int_equal(r.sdp->sections[2].dir, AURA_SDP_INACTIVE);
    assert_false(aura_neg_needs_offer(r.neg));
out:
    rig_free(&r);
    return err;
}

static int restarts_ice_when_offering(void) {
    struct rig r;
    uint32_t id;
    int err;
    TRY(rig_new(&r, AURA_NEG_SUBSCRIBER));
    TRY_OUT(offer(&r, &id));
    TRY_OUT(read_answer(&r, id, "firefox_answer_data"));
    assert_false(aura_neg_needs_offer(r.neg));
    TRY_OUT(aura_neg_set_credentials(r.neg, "fresh", "freshpasswordfreshpassword"));
    assert_true(aura_neg_needs_offer(r.neg));
    TRY_OUT(offer(&r, &id));
    assert_string_equal(r.sdp->sections[0].transport.ufrag, "fresh");
    TRY_OUT(read_answer(&r, id, "chromium_answer_data"));
    assert_true(r.remote.ice_restart);
out:
    rig_free(&r);
    return err;
}

static int offers_a_playout_delay_where_asked(void) {
    int err = 0;
    for (unsigned asked = 0; asked <= 1 && !err; asked++) {
        struct rig r;
        struct aura_neg_sub *sub;
        uint32_t id;
        err = rig_new_in(&r, AURA_NEG_SUBSCRIBER, asked);
        if (err) {
            break;
        }
        TRY_OUT(add(&r, &sub, "TR_a", AURA_CODEC_OPUS));
        TRY_OUT(add(&r, &sub, "TR_v", AURA_CODEC_VP8));
        TRY_OUT(offer(&r, &id));
        assert_int_equal(ext_id(&r.sdp->sections[1], AURA_EXT_PLAYOUT_DELAY), 0); /* of sound */
        assert_int_equal(ext_id(&r.sdp->sections[2], AURA_EXT_PLAYOUT_DELAY), asked ? 9 : 0);
    out:
        rig_free(&r);
    }
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(checks_subscriptions),
        AURA_CASE(offers_subscriptions),
        AURA_CASE(follows_the_answer),
        AURA_CASE(restarts_ice_when_offering),
        AURA_CASE(offers_a_playout_delay_where_asked),
    };
    return RUN_CASES("negotiation_offer", cases);
}
