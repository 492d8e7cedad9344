/* SPDX-License-Identifier: Apache-2.0 */
/* The client offers, we answer. */
#include "negotiation_rig.h"

/* What every answer must hold, whatever it is about. */
static void check_answer(const struct rig *r) {
    const struct aura_sdp *sdp = r->sdp;
    bool first = true;
    assert_true(sdp->ice_lite);
    for (size_t i = 0; i < sdp->section_count; i++) {
        const struct aura_sdp_section *s = &sdp->sections[i];
        if (!s->port) {
            assert_int_equal(s->bundle, 0);
            continue;
        }
        assert_int_equal(s->bundle, 1);
        assert_int_equal(s->transport.setup, AURA_SDP_SETUP_PASSIVE);
        assert_string_equal(s->transport.ufrag, "ourufrag");
        assert_int_equal(s->transport.fingerprint_count, 1);
        assert_int_equal(s->candidate_count, first ? 2 : 0);
        assert_true(s->rtcp_mux == (s->kind != AURA_SDP_APPLICATION));
        first = false;
    }
}

static int answers_an_idle_client(void) {
    static const char *const clients[] = {"chromium_recvonly", "firefox_recvonly", "rust_sdk_join"};
    struct rig r;
    int err = 0;
    for (size_t i = 0; i < 3 && !err; i++) {
        err = rig_new(&r, AURA_NEG_SINGLE);
        if (err) {
            break;
        }
        err = answer(&r, clients[i]);
        if (!err) {
            check_answer(&r);
            assert_int_equal(r.sdp->section_count, 7);
            for (size_t s = 0; s < 6; s++) {
                assert_int_equal(r.sdp->sections[s].dir, AURA_SDP_INACTIVE);
                assert_true(r.sdp->sections[s].codec_count >= 2);
            }
            assert_int_equal(r.sdp->sections[6].max_message_size, AURA_NEG_MESSAGE_BYTES);
            assert_string_equal(r.sdp->sections[0].candidates[0],
                                "1 1 udp 2130706431 192.0.2.7 7882 typ host");
            assert_string_equal(r.sdp->sections[0].candidates[1],
                                "2 1 tcp 5 2001:db8::1 7881 typ host tcptype passive");
            assert_true(r.remote.pc.sctp && r.remote.pc.sctp_port == 5000);
            assert_true(!r.remote.ice_restart && !r.remote.pc.active);
            assert_string_equal(r.log, "");
            assert_false(aura_neg_needs_offer(r.neg));
        }
        rig_free(&r);
    }
    return err;
}

/* libwebrtc never offers again what one section refused: rids must survive idle sections. */
static int keeps_extensions_alive(void) {
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    TRY_OUT(answer(&r, "chromium_recvonly"));
    const struct aura_sdp_section *s = &r.sdp->sections[3];
    unsigned set = 0;
    for (size_t i = 0; i < s->extmap_count; i++) {
        set |= 1u << s->extmaps[i].ext;
    }
    assert_true(set & 1u << AURA_EXT_RID && set & 1u << AURA_EXT_REPAIRED_RID);
    assert_true(set & 1u << AURA_EXT_TWCC && set & 1u << AURA_EXT_ABS_SEND_TIME);
out:
    rig_free(&r);
    return err;
}

/* The browser's id of it, 5, on all sections of video, busy or not. */
static int takes_a_playout_delay_where_asked(void) {
    int err = 0;
    for (unsigned asked = 0; asked <= 1 && !err; asked++) {
        struct rig r;
        struct aura_neg_sub *sub;
        err = rig_new_in(&r, AURA_NEG_SINGLE, asked);
        if (err) {
            break;
        }
        TRY_OUT(add(&r, &sub, "TR_a", AURA_CODEC_OPUS));
        TRY_OUT(add(&r, &sub, "TR_v", AURA_CODEC_VP8));
        TRY_OUT(answer(&r, "chromium_recvonly"));
        for (size_t i = 0; i < 6; i++) {
            bool video = r.sdp->sections[i].kind == AURA_SDP_VIDEO;
            assert_int_equal(ext_id(&r.sdp->sections[i], AURA_EXT_PLAYOUT_DELAY),
                             video && asked ? 5 : 0);
        }
        assert_int_equal(r.ready_count, 2);
        assert_int_equal(r.ready[0].media.ext.id[AURA_EXT_PLAYOUT_DELAY], 0);
        assert_int_equal(r.ready[1].media.ext.id[AURA_EXT_PLAYOUT_DELAY], asked ? 5 : 0);
    out:
        rig_free(&r);
    }
    return err;
}

static void check_publications(const struct rig *r, uint8_t opus, uint8_t vp8, uint8_t vp8_rtx) {
    const struct aura_neg_pub *a = &r->pubs[0], *v = &r->pubs[1];
    assert_int_equal(a->kind, AURA_KIND_AUDIO);
    assert_int_equal(a->stream_count, 1);
    assert_int_not_equal(a->streams[0].ssrc, 0);
    assert_int_equal(a->media.codecs[a->media.codecs[0].codec == AURA_CODEC_RED].pt, opus);
    assert_int_equal(v->kind, AURA_KIND_VIDEO);
    assert_string_equal(v->stream_id, a->stream_id);
    assert_int_equal(strlen(v->track_id), 36); /* without braces */
    assert_int_equal(v->media.codecs[0].codec, AURA_CODEC_VP8);
    assert_int_equal(v->media.codecs[0].pt, vp8);
    assert_int_equal(v->media.codecs[0].rtx_pt, vp8_rtx);
    assert_int_equal(v->stream_count, 3);
    assert_string_equal(v->streams[0].rid, "q");
    assert_string_equal(v->streams[2].rid, "f");
    assert_int_not_equal(v->media.ext.id[AURA_EXT_RID], 0);
    const struct aura_sdp_section *s = &r->sdp->sections[8];
    assert_int_equal(s->dir, AURA_SDP_RECVONLY);
    assert_true(s->rid_count == 3 && !s->rids[0].send);
    assert_true(s->layer_count == 3 && s->layers[2].stream == 2 && !s->layers[2].send);
    assert_string_equal(r->offered_track, v->track_id);
    assert_true(r->offered.simulcast);
}

static int publishes_and_subscribes(void) {
    static const struct {
        const char *idle, *busy;
        uint8_t opus, vp8, vp8_rtx;
    } clients[] = {{"chromium_recvonly", "chromium_publish_subscribe", 111, 96, 97},
                   {"firefox_recvonly", "firefox_publish_subscribe", 109, 120, 124}};
    int err = 0;
    for (size_t i = 0; i < 2 && !err; i++) {
        struct rig r;
        struct aura_neg_sub *sub;
        err = rig_new(&r, AURA_NEG_SINGLE);
        if (err) {
            break;
        }
        TRY_OUT(answer(&r, clients[i].idle));
        TRY_OUT(add(&r, &sub, "TR_a", AURA_CODEC_OPUS));
        TRY_OUT(add(&r, &sub, "TR_v", AURA_CODEC_VP8));
        TRY_OUT(add(&r, &sub, "TR_w", AURA_CODEC_AV1));
        assert_true(aura_neg_needs_offer(r.neg));
        TRY_OUT(answer(&r, clients[i].busy));
        check_answer(&r);
        assert_string_equal(r.log, "pub:7 pub:8 ready:TR_a@0 ready:TR_v@3 ready:TR_w@4 ");
        check_publications(&r, clients[i].opus, clients[i].vp8, clients[i].vp8_rtx);
        assert_int_equal(r.ready[1].media.codecs[0].codec, AURA_CODEC_VP8);
        assert_int_equal(r.ready[2].media.codecs[0].codec, AURA_CODEC_AV1);
        assert_int_equal(r.ready[2].media.ext.id[AURA_EXT_RID], 0); /* not ours to send */
        const struct aura_sdp_section *s = &r.sdp->sections[3];
        assert_int_equal(s->dir, AURA_SDP_SENDONLY);
        assert_string_equal(s->msids[0].stream, "PA_pub|TR_v");
        assert_string_equal(s->msids[0].track, "TR_v");
        assert_int_equal(s->groups[0].ssrcs[0], r.ready[1].ssrc);
        assert_int_equal(s->groups[0].ssrcs[1], r.ready[1].rtx_ssrc);
        assert_string_equal(s->ssrcs[0].cname, "cname");
        assert_int_equal(r.sdp->sections[1].dir, AURA_SDP_INACTIVE);
        assert_false(aura_neg_needs_offer(r.neg));
        TRY_OUT(answer(&r, clients[i].busy));
        assert_string_equal(r.log, ""); /* the same again: nothing new */
    out:
        rig_free(&r);
    }
    return err;
}

/* Chromium has RED, Firefox not: RED first where both have it, else plain Opus. */
static int sends_red_to_those_who_have_it(void) {
    struct rig r;
    struct aura_neg_sub *sub;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    TRY_OUT(add(&r, &sub, "TR_a", AURA_CODEC_OPUS));
    TRY_OUT(answer(&r, "chromium_recvonly"));
    assert_int_equal(r.ready[0].media.codecs[0].codec, AURA_CODEC_RED);
    assert_int_equal(r.ready[0].media.codecs[0].pt, 63);
    assert_int_equal(r.ready[0].media.codecs[1].pt, 111);
    rig_free(&r);
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    TRY_OUT(add(&r, &sub, "TR_a", AURA_CODEC_OPUS));
    TRY_OUT(answer(&r, "firefox_recvonly"));
    assert_int_equal(r.ready[0].media.codec_count, 1);
    assert_int_equal(r.ready[0].media.codecs[0].pt, 109);
out:
    rig_free(&r);
    return err;
}

static int follows_the_options(void) {
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    TRY_OUT(answer(&r, "chromium_publish_subscribe"));
    const struct aura_sdp_section *a = &r.sdp->sections[7];
    assert_int_equal(a->codecs[0].pt, 63);
    assert_string_equal(codec(a, "opus")->fmtp, "minptime=10;useinbandfec=1;usedtx=1");
    assert_int_equal(codec(a, "opus")->feedback & AURA_FB_NACK, 0); /* RED repairs */
    r.set_options = true;
    r.options = (struct aura_neg_pub_options){
        .accept = true, .stereo = true, .codecs = ~0u, .prefer = AURA_CODEC_VP9};
    TRY_OUT(answer(&r, "chromium_publish_subscribe"));
    assert_string_equal(r.log, "changed:7 changed:8 ");
    a = &r.sdp->sections[7];
    assert_string_equal(a->codecs[0].name, "opus");
    assert_string_equal(a->codecs[0].fmtp,
                        "minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=510000");
    assert_string_equal(r.sdp->sections[8].codecs[0].name, "VP9");
    r.options.codecs = AURA_NEG_CODEC(AURA_CODEC_H264) | AURA_NEG_CODEC(AURA_CODEC_OPUS);
    TRY_OUT(answer(&r, "chromium_publish_subscribe"));
    assert_string_equal(r.sdp->sections[8].codecs[0].name, "H264");
    assert_string_equal(r.sdp->sections[8].codecs[1].name, "rtx");
    r.options.accept = false;
    TRY_OUT(answer(&r, "chromium_publish_subscribe"));
    assert_string_equal(r.log, "unpub:7 unpub:8 ");
    assert_int_equal(r.sdp->sections[8].dir, AURA_SDP_INACTIVE);
out:
    rig_free(&r);
    return err;
}

static int ends_publications(void) {
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_PUBLISHER));
    TRY_OUT(answer(&r, "firefox_publish_subscribe"));
    assert_string_equal(r.log, "pub:7 pub:8 ");
    assert_int_equal(r.sdp->sections[0].dir, AURA_SDP_INACTIVE);
    assert_int_equal(r.pubs[1].media.codecs[0].feedback & AURA_FB_REMB, 0);
    TRY_OUT(answer(&r, "firefox_unpublish"));
    assert_string_equal(r.log, "unpub:7 ");
out:
    rig_free(&r);
    return err;
}

static int tells_ice_restarts(void) {
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    TRY_OUT(answer(&r, "chromium_vp9_svc"));
    size_t len;
    const char *text = sdp_fixture("chromium_ice_restart", &len);
    forget(&r);
    TRY_OUT(aura_neg_read_offer(r.neg, text, len, &r.remote));
    assert_true(r.remote.ice_restart);
    TRY_OUT(aura_neg_set_credentials(r.neg, "newufrag", "newpasswordnewpassword"));
    TRY_OUT(aura_neg_answer(r.neg, &r.text));
    TRY_OUT(read_back(&r));
    assert_string_equal(r.sdp->sections[0].transport.ufrag, "newufrag");
    assert_null(strstr(aura_buf_text(&r.text), "ourufrag"));
out:
    rig_free(&r);
    return err;
}

static int asks_for_sections(void) {
    static const char *const names[] = {"TR_0", "TR_1", "TR_2", "TR_3", "TR_4"};
    struct aura_neg_sub *subs[5], *video;
    uint32_t audios, videos;
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    TRY_OUT(answer(&r, "rust_sdk_join"));
    for (size_t i = 0; i < 5; i++) {
        TRY_OUT(add(&r, &subs[i], names[i], AURA_CODEC_OPUS));
    }
    TRY_OUT(add(&r, &video, "TR_v", AURA_CODEC_VP8));
    aura_neg_sections_needed(r.neg, &audios, &videos);
    assert_true(audios == 2 && videos == 0);
    assert_true(aura_neg_needs_offer(r.neg));
    TRY_OUT(answer(&r, "rust_sdk_join"));
    assert_string_equal(r.log, "ready:TR_0@0 ready:TR_1@1 ready:TR_2@2 ready:TR_v@3 ");
    aura_neg_sections_needed(r.neg, &audios, &videos);
    assert_true(audios == 2 && aura_neg_needs_offer(r.neg));
    for (size_t i = 2; i < 5; i++) {
        aura_neg_sub_remove(r.neg, subs[i]);
    }
    aura_neg_sections_needed(r.neg, &audios, &videos);
    assert_true(audios == 0 && aura_neg_needs_offer(r.neg)); /* to stop section 2 */
out:
    rig_free(&r);
    return err;
}

static void count_mid(void *arg, const char *mid, const char *track_sid) {
    note(arg, "%s=%s ", mid, track_sid);
}

/* A section goes inactive for one answer before another track takes it: else the client would not
 * see the new track begin. */
static int reuses_sections(void) {
    struct aura_neg_sub *a, *b;
    uint32_t audios, videos;
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    TRY_OUT(add(&r, &a, "TR_a", AURA_CODEC_VP8));
    TRY_OUT(answer(&r, "chromium_recvonly"));
    forget(&r);
    aura_neg_mid_map(r.neg, count_mid, &r);
    assert_string_equal(r.log, "3=TR_a ");
    aura_neg_sub_remove(r.neg, a);
    TRY_OUT(add(&r, &a, "TR_1", AURA_CODEC_VP8));
    TRY_OUT(add(&r, &b, "TR_2", AURA_CODEC_VP8));
    TRY_OUT(add(&r, &b, "TR_3", AURA_CODEC_VP8));
    aura_neg_sections_needed(r.neg, &audios, &videos);
    assert_true(audios == 0 && videos == 1); /* 4 and 5 are free, 3 not yet */
    TRY_OUT(answer(&r, "chromium_recvonly"));
    assert_string_equal(r.log, "ready:TR_1@4 ready:TR_2@5 ");
    assert_int_equal(r.sdp->sections[3].dir, AURA_SDP_INACTIVE);
    assert_int_equal(r.sdp->sections[3].msid_count, 0);
    TRY_OUT(answer(&r, "chromium_recvonly"));
    assert_string_equal(r.log, "ready:TR_3@3 ");
    assert_false(aura_neg_needs_offer(r.neg));
out:
    rig_free(&r);
    return err;
}

static int refuses_unknown_codecs(void) {
    struct aura_neg_sub *sub;
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    r.remove_unsupported = true;
    TRY_OUT(add(&r, &sub, "TR_h", AURA_CODEC_H264)); /* this Firefox has none */
    TRY_OUT(add(&r, &sub, "TR_v", AURA_CODEC_VP8));
    TRY_OUT(answer(&r, "firefox_recvonly"));
    assert_string_equal(r.log, "ready:TR_v@3 unsupported:TR_h ");
    assert_false(aura_neg_needs_offer(r.neg));
out:
    rig_free(&r);
    return err;
}

static int matches_h264_profiles(void) {
    struct aura_neg_sub *sub;
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    TRY_OUT(add(&r, &sub, "TR_h", AURA_CODEC_H264)); /* 42e02a: another level */
    TRY_OUT(answer(&r, "chromium_recvonly"));
    const struct aura_media_codec *c = &r.ready[0].media.codecs[0];
    assert_int_equal(c->codec, AURA_CODEC_H264);
    assert_int_equal(c->h264_packetization_mode, 1);
    assert_int_equal(c->h264_profile_level_id >> 16, 0x42);
    assert_int_not_equal(c->rtx_pt, 0);
out:
    rig_free(&r);
    return err;
}

/* A publisher that takes back a section where a track was sent to it. */
static int loses_sections(void) {
    static char text[64 * 1024];
    struct aura_neg_sub *sub;
    struct rig r;
    size_t len;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    TRY_OUT(add(&r, &sub, "TR_v", AURA_CODEC_VP8));
    TRY_OUT(answer(&r, "firefox_recvonly"));
    const char *offer = sdp_fixture("firefox_recvonly", &len);
    const char *at = strstr(offer, "m=video");
    at = strstr(at, "a=recvonly");
    snprintf(text, sizeof(text), "%.*sa=inactive%s", (int)(at - offer), offer,
             at + strlen("a=recvonly"));
    TRY_OUT(answer_text(&r, text, strlen(text)));
    assert_string_equal(r.log, "lost:TR_v ");
    assert_int_equal(r.sdp->sections[3].dir, AURA_SDP_INACTIVE);
    assert_true(aura_neg_needs_offer(r.neg));
    TRY_OUT(answer_text(&r, text, strlen(text)));
    assert_string_equal(r.log, "ready:TR_v@4 ");
out:
    rig_free(&r);
    return err;
}

#define OFFER_HEAD                                                                                 \
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"                                          \
    "a=fingerprint:sha-256 "                                                                       \
    "12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:"   \
    "DE:F0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
#define AUDIO(mid)                                                                                 \
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:" mid                                                \
    "\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"

/* Rejected sections stay in their places with port 0 and outside of the bundle. */
static int rejects_sections(void) {
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    const char *text = OFFER_HEAD "a=group:BUNDLE a b e\r\n" AUDIO(
        "a") "a=sendonly\r\na=setup:passive\r\n"
             "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:b\r\na=rtcp-mux\r\na=rtpmap:96 "
             "speex/16000\r\n" AUDIO(
                 "c") "m=text 9 RTP/AVP 98\r\na=mid:d\r\n"
                      "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:e\r\na=rtpmap:111 opus/48000/2\r\n";
    TRY_OUT(answer_text(&r, text, strlen(text)));
    assert_string_equal(r.log, "pub:a ");
    assert_string_equal(r.pubs[0].track_id, "");
    assert_int_equal(r.pubs[0].stream_count, 0);
    assert_true(r.remote.pc.active); /* it insists on being the DTLS server */
    assert_int_equal(r.sdp->sections[0].transport.setup, AURA_SDP_SETUP_ACTIVE);
    assert_int_equal(r.sdp->section_count, 5);
    for (size_t i = 1; i < 5; i++) {
        assert_int_equal(r.sdp->sections[i].port, 0);
        assert_int_equal(r.sdp->sections[i].bundle, 0);
    }
    assert_string_equal(r.sdp->sections[3].media, "text");
    assert_false(r.remote.pc.sctp);
out:
    rig_free(&r);
    return err;
}

static int refuses_offers(void) {
    static const struct {
        const char *text;
        int err;
    } bad[] = {
        {"v=0\r\n", AURA_EUNSUPPORTED},
        {"v=0\r\n" AUDIO("0"), AURA_EUNSUPPORTED},
        {OFFER_HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n", AURA_EUNSUPPORTED},
        {OFFER_HEAD AUDIO("other"), AURA_EMALFORMED}, /* not the section of before */
        {OFFER_HEAD, AURA_EMALFORMED},
        {"nonsense", AURA_EMALFORMED},
    };
    struct rig r;
    int err;
    TRY(rig_new(&r, AURA_NEG_PUBLISHER));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (i == 3) {
            TRY_OUT(answer_text(&r, OFFER_HEAD AUDIO("0"), strlen(OFFER_HEAD AUDIO("0"))));
        }
        int got = aura_neg_read_offer(r.neg, bad[i].text, strlen(bad[i].text), &r.remote);
        if (got == AURA_ENOMEM) {
            err = got;
            goto out;
        }
        assert_int_equal(got, bad[i].err);
        assert_int_equal(aura_neg_answer(r.neg, &r.text), AURA_ESTATE);
    }
    struct aura_neg_sub *sub;
    uint32_t id;
    assert_int_equal(add(&r, &sub, "TR_a", AURA_CODEC_OPUS), AURA_ESTATE);
    assert_int_equal(aura_neg_make_offer(r.neg, &r.text, &id), AURA_ESTATE);
out:
    rig_free(&r);
    return err;
}

/* No room for the answer: nothing has changed, and it can be written again. */
static int fails_whole(void) {
    struct aura_buf small = AURA_BUF(2000);
    struct rig r;
    size_t len;
    int err;
    TRY(rig_new(&r, AURA_NEG_SINGLE));
    const char *text = sdp_fixture("chromium_publish_subscribe", &len);
    TRY_OUT(aura_neg_read_offer(r.neg, text, len, &r.remote));
    int got = aura_neg_answer(r.neg, &small);
    if (got == AURA_ENOMEM) {
        err = got;
        goto out;
    }
    assert_int_equal(got, AURA_ELIMIT);
    assert_string_equal(r.log, "");
    TRY_OUT(aura_neg_answer(r.neg, &r.text));
    assert_string_equal(r.log, "pub:7 pub:8 ");
out:
    aura_buf_free(&small);
    rig_free(&r);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(answers_an_idle_client),
        AURA_CASE(keeps_extensions_alive),
        AURA_CASE(takes_a_playout_delay_where_asked),
        AURA_CASE(publishes_and_subscribes),
        AURA_CASE(sends_red_to_those_who_have_it),
        AURA_CASE(follows_the_options),
        AURA_CASE(ends_publications),
        AURA_CASE(tells_ice_restarts),
        AURA_CASE(asks_for_sections),
        AURA_CASE(reuses_sections),
        AURA_CASE(refuses_unknown_codecs),
        AURA_CASE(matches_h264_profiles),
        AURA_CASE(loses_sections),
        AURA_CASE(rejects_sections),
        AURA_CASE(refuses_offers),
        AURA_CASE(fails_whole),
    };
    return RUN_CASES("negotiation", cases);
}
