/* SPDX-License-Identifier: Apache-2.0 */
/* Offers and answers of the client, read back with the parser. */
#include "client/desc.h"
#include "harness.h"

#include <string.h>

static const struct aura_fingerprint fingerprint = {
    .hash = "sha-256", .value = {1, 2, 3}, .len = 32};
static const struct aura_desc_local local = {
    .ufrag = "ufrag", .pwd = "passwordpasswordpassword", .fingerprint = &fingerprint, .id = 5};

static int parse(struct aura_sdp **sdp, struct aura_buf *text, int err) {
    if (!err) {
        err = aura_sdp_parse(sdp, aura_buf_text(text), text->len);
    }
    return err;
}

static int offers(void) {
    struct aura_desc_track tracks[] = {{.codec = AURA_CODEC_OPUS,
                                        .mid = "0",
                                        .cid = "mic",
                                        .cname = "me",
                                        .layer_count = 1,
                                        .ssrcs = {11}},
                                       {.codec = AURA_CODEC_VP8,
                                        .mid = "1",
                                        .cid = "cam",
                                        .cname = "me",
                                        .layer_count = 3,
                                        .rids = {"q", "h", "f"},
                                        .ssrcs = {21, 22, 23},
                                        .rtx_ssrcs = {31, 32, 33}},
                                       {.codec = AURA_CODEC_H264,
                                        .mid = "2",
                                        .cid = "screen",
                                        .cname = "me",
                                        .layer_count = 1,
                                        .ssrcs = {41},
                                        .rtx_ssrcs = {42}}};
    struct aura_buf text = AURA_BUF(AURA_DESC_TEXT_MAX);
    struct aura_sdp *sdp = NULL;
    struct aura_desc_section read;
    int err;
    TRY_OUT(parse(&sdp, &text, aura_desc_offer(&text, &local, tracks, 3)));
    assert_int_equal(sdp->section_count, 4);
    const struct aura_sdp_section *s = sdp->sections;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(s[i].bundle, 1);
        assert_int_equal(s[i].dir, AURA_SDP_SENDONLY);
        assert_string_equal(s[i].msids[0].track, tracks[i].cid);
        assert_int_equal(s[i].transport.setup, AURA_SDP_SETUP_ACTPASS);
    }
    aura_desc_section_read(&read, &s[0]);
    assert_int_equal(read.ssrc, 11);
    assert_int_equal(read.media.codecs[0].codec, AURA_CODEC_OPUS);
    assert_int_equal(read.media.codecs[0].clock_rate, 48000);
    assert_int_equal(s[1].rid_count, 3);
    assert_int_equal(s[1].layer_count, 3);
    assert_string_equal(s[1].layers[2].rid, "f");
    assert_int_equal(s[1].ssrc_count, 0);
    aura_desc_section_read(&read, &s[2]);
    assert_int_equal(read.ssrc, 41);
    assert_int_equal(read.rtx_ssrc, 42);
    assert_int_equal(read.media.codecs[0].rtx_pt, aura_desc_rtx_pt(AURA_CODEC_H264));
    assert_string_equal(read.track, "screen");
    assert_int_not_equal(read.media.ext.id[AURA_EXT_TWCC], 0);
    assert_int_equal(s[3].kind, AURA_SDP_APPLICATION);
    assert_int_equal(s[3].sctp_port, 5000);
    assert_string_equal(aura_desc_transport(sdp)->ufrag, "ufrag");
out:
    aura_sdp_free(sdp);
    aura_buf_free(&text);
    return err;
}

static const char server_offer[] =
    "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n"
    "a=group:BUNDLE 0 1 2 3 4\r\n"
    "a=fingerprint:sha-256 "
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    "a=ice-ufrag:u\r\na=ice-pwd:pppppppppppppppppppppp\r\na=setup:actpass\r\na=sctp-port:5000\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sendrecv\r\n"
    "a=ice-ufrag:u\r\na=ice-pwd:pppppppppppppppppppppp\r\na=setup:actpass\r\n"
    "a=rtcp-mux\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=ssrc:100 cname:x\r\na=ssrc:100 msid:PA_a TR_audio\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 99 98\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sendonly\r\n"
    "a=ice-ufrag:u\r\na=ice-pwd:pppppppppppppppppppppp\r\na=setup:actpass\r\n"
    "a=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    "a=rtpmap:99 flexfec-03/90000\r\na=rtpmap:98 rtx/90000\r\na=fmtp:98 apt=99\r\n"
    "a=extmap:5 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=extmap:6 urn:unknown\r\na=msid:PA_a|TR_v TR_v\r\n"
    "a=ssrc-group:FID 200 201\r\na=ssrc:200 cname:x\r\na=ssrc:201 cname:x\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:3\r\na=inactive\r\n"
    "a=ice-ufrag:u\r\na=ice-pwd:pppppppppppppppppppppp\r\na=setup:actpass\r\n"
    "a=rtpmap:96 VP8/90000\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 50\r\nc=IN IP4 0.0.0.0\r\na=mid:4\r\na=sendonly\r\n"
    "a=ice-ufrag:u\r\na=ice-pwd:pppppppppppppppppppppp\r\na=setup:actpass\r\n"
    "a=rtpmap:50 x-own/90000\r\n";

static int answers(void) {
    struct aura_buf text = AURA_BUF(AURA_DESC_TEXT_MAX);
    struct aura_sdp *offer = NULL, *sdp = NULL;
    struct aura_desc_section read;
    int err;
    TRY_OUT(aura_sdp_parse(&offer, server_offer, sizeof(server_offer) - 1));
    TRY_OUT(parse(&sdp, &text, aura_desc_answer(&text, &local, offer)));
    const struct aura_sdp_section *s = sdp->sections;
    assert_int_equal(sdp->section_count, 5);
    assert_int_equal(s[0].sctp_port, 5000);
    assert_int_equal(s[0].transport.setup, AURA_SDP_SETUP_ACTIVE);
    assert_int_equal(s[1].dir, AURA_SDP_RECVONLY);
    assert_int_equal(s[1].codec_count, 1); /* no RED */
    assert_int_equal(s[1].codecs[0].pt, 111);
    assert_int_equal(s[2].dir, AURA_SDP_RECVONLY);
    assert_int_equal(s[2].codec_count, 2); /* no FEC, and no RTX of it */
    assert_int_equal(s[2].extmap_count, 1);
    assert_int_equal(s[2].extmaps[0].id, 5);
    assert_int_equal(s[3].dir, AURA_SDP_INACTIVE);
    assert_int_equal(s[4].port, 0); /* nothing known in it: rejected, and out of the bundle */
    assert_int_equal(s[4].bundle, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(s[i].bundle, 1);
        assert_string_equal(s[i].mid, offer->sections[i].mid);
    }
    aura_desc_section_read(&read, &offer->sections[1]);
    assert_int_equal(read.ssrc, 100);
    assert_string_equal(read.track, "TR_audio");
    aura_desc_section_read(&read, &offer->sections[2]);
    assert_int_equal(read.ssrc, 200);
    assert_int_equal(read.rtx_ssrc, 201);
    assert_int_equal(read.media.codecs[0].rtx_pt, 97);
    assert_int_equal(read.media.codecs[0].feedback, AURA_FB_NACK | AURA_FB_PLI);
    assert_string_equal(read.track, "TR_v");
    aura_desc_section_read(&read, &offer->sections[3]);
    assert_false(read.active);
out:
    aura_sdp_free(offer);
    aura_sdp_free(sdp);
    aura_buf_free(&text);
    return err;
}

static int too_many(void) {
    struct aura_buf text = AURA_BUF(AURA_DESC_TEXT_MAX);
    struct aura_desc_track none[1] = {{.codec = AURA_CODEC_OPUS}};
    assert_int_equal(aura_desc_offer(&text, &local, none, AURA_DESC_TRACKS_MAX + 1), AURA_ELIMIT);
    aura_buf_free(&text);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(offers), AURA_CASE(answers), AURA_CASE(too_many)};
    return RUN_CASES("client/desc", cases);
}
