/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include "base/buf.h"
#include "transport/sdp.h"

#include <string.h>

#include "sdp_fixture.h"

#define FP                                                                                         \
    "12:34:56:78:9A:BC:DE:F0:12:34:56:78:9a:bc:de:f0:12:34:56:78:9A:BC:DE:F0:12:34:56:78:9A:BC:"   \
    "DE:F0"
#define HEAD "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

static int parse(struct aura_sdp **sdp, const char *text) {
    return aura_sdp_parse(sdp, text, strlen(text));
}

/* Every attribute of RFC 8829 that we read, in one section or two. */
static const char full_text[] =
    HEAD "a=group:BUNDLE 0 data\r\n"
         "a=extmap-allow-mixed\r\n"
         "a=ice-lite\r\n"
         "a=fingerprint:SHA-256 " FP "\r\n"
         "a=unknown:thing\r\n"
         "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 0\r\n"
         "c=IN IP4 0.0.0.0\r\n"
         "b=AS:2000\r\n"
         "a=mid:0\r\n"
         "a=ice-ufrag:uf+/\r\n"
         "a=ice-pwd:secretsecretsecretsecret\r\n"
         "a=ice-options:trickle renomination\r\n"
         "a=setup:actpass\r\n"
         "a=sendonly\r\n"
         "a=rtcp-mux\r\n"
         "a=rtcp-rsize\r\n"
         "a=rtpmap:96 VP8/90000\r\n"
         "a=rtpmap:97 rtx/90000\r\n"
         "a=fmtp:97 apt=96\r\n"
         "a=rtpmap:98 H264/90000\r\n"
         "a=fmtp:98 level-asymmetry-allowed=1; Packetization-Mode=1;profile-level-id=42e01f\r\n"
         "a=rtcp-fb:* transport-cc\r\n"
         "a=rtcp-fb:96 nack\r\n"
         "a=rtcp-fb:96 nack pli\r\n"
         "a=rtcp-fb:98 ccm fir\r\n"
         "a=rtcp-fb:98 goog-remb\r\n"
         "a=rtcp-fb:98 ccm tmmbr\r\n"
         "a=extmap:4/sendonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
         "a=extmap:200 urn:example:unknown with attributes\r\n"
         "a=extmap:4096 urn:3gpp:video-orientation\r\n"
         "a=rid:q send max-width=320;max-height=180\r\n"
         "a=rid:h send\r\n"
         "a=rid:f send\r\n"
         "a=rid:x sideways\r\n"
         "a=simulcast:recv z send q;~h,hi;f\r\n"
         "a=msid:{5b1b6a2e} {0c7b}\r\n"
         "a=msid:other\r\n"
         "a=ssrc-group:FID 1 2\r\n"
         "a=ssrc:1 cname:me\r\n"
         "a=ssrc:1 msid:s t\r\n"
         "a=ssrc:4294967295 cname:me\r\n"
         "a=candidate:1 1 udp 2122260223 d7332ee4.local 54226 typ host\r\n"
         "a=candidate:0 2 UDP 2122187006 192.0.2.1 9 typ host\r\n"
         "a=end-of-candidates\r\n"
         "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
         "a=mid:data\r\n"
         "a=bundle-only\r\n"
         "a=setup:active\r\n"
         "a=sctp-port:5001\r\n"
         "a=max-message-size:1073741823\r\n";

static void check_codecs(const struct aura_sdp_section *v) {
    assert_int_equal(v->codec_count, 4);
    assert_string_equal(v->codecs[0].name, "VP8");
    assert_int_equal(v->codecs[0].clock_rate, 90000);
    assert_int_equal(v->codecs[0].feedback, AURA_FB_TWCC | AURA_FB_NACK | AURA_FB_PLI);
    assert_string_equal(v->codecs[1].fmtp, "apt=96");
    assert_int_equal(v->codecs[2].feedback, AURA_FB_TWCC | AURA_FB_FIR | AURA_FB_REMB);
    assert_int_equal(aura_sdp_fmtp_uint(v->codecs[2].fmtp, "packetization-mode", 10, 9), 1);
    assert_int_equal(aura_sdp_fmtp_uint(v->codecs[2].fmtp, "profile-level-id", 16, 0), 0x42e01f);
    assert_int_equal(aura_sdp_fmtp_uint(v->codecs[2].fmtp, "profile", 16, 7), 7);
    assert_string_equal(v->codecs[3].name, "PCMU"); /* static payload type */
    assert_ptr_equal(aura_sdp_find_codec(v, 98), &v->codecs[2]);
    assert_null(aura_sdp_find_codec(v, 99));
}

static void check_streams(const struct aura_sdp_section *v) {
    assert_int_equal(v->extmap_count, 2);
    assert_int_equal(v->extmaps[0].ext, AURA_EXT_MID);
    assert_true(v->extmaps[0].has_dir && v->extmaps[0].dir == AURA_SDP_SENDONLY);
    assert_int_equal(v->extmaps[1].ext, AURA_EXT_COUNT);
    assert_int_equal(v->extmaps[1].id, 200);
    assert_int_equal(v->rid_count, 3);
    assert_string_equal(v->rids[0].params, "max-width=320;max-height=180");
    assert_int_equal(v->layer_count, 5);
    assert_true(!v->layers[0].send && strcmp(v->layers[0].rid, "z") == 0);
    assert_true(v->layers[2].paused && v->layers[2].stream == 1);
    assert_true(strcmp(v->layers[3].rid, "hi") == 0 && v->layers[3].stream == 1);
    assert_int_equal(v->layers[4].stream, 2);
    assert_int_equal(v->msid_count, 2);
    assert_string_equal(v->msids[0].stream, "{5b1b6a2e}");
    assert_string_equal(v->msids[0].track, "{0c7b}");
    assert_string_equal(v->msids[1].track, "");
    assert_int_equal(v->group_count, 1);
    assert_int_equal(v->groups[0].ssrcs[1], 2);
    assert_int_equal(v->ssrc_count, 2);
    assert_string_equal(v->ssrcs[0].cname, "me");
    assert_string_equal(v->ssrcs[0].msid_track, "t");
    assert_int_equal(v->ssrcs[1].ssrc, UINT32_MAX);
    assert_int_equal(v->candidate_count, 2);
    assert_true(v->end_of_candidates);
}

static int reads_everything(void) {
    struct aura_sdp *sdp;
    TRY(parse(&sdp, full_text));
    assert_true(sdp->ice_lite && sdp->extmap_allow_mixed);
    assert_true(sdp->origin_id == 4611731400430051336u && sdp->origin_version == 2);
    assert_int_equal(sdp->section_count, 2);
    const struct aura_sdp_section *v = &sdp->sections[0], *d = &sdp->sections[1];
    assert_int_equal(v->kind, AURA_SDP_VIDEO);
    assert_int_equal(v->port, 9);
    assert_int_equal(v->dir, AURA_SDP_SENDONLY);
    assert_true(v->rtcp_mux && v->rtcp_rsize && v->bundle == 1);
    assert_string_equal(v->transport.ufrag, "uf+/");
    assert_string_equal(v->transport.ice_options, "trickle renomination");
    assert_int_equal(v->transport.setup, AURA_SDP_SETUP_ACTPASS);
    assert_int_equal(v->transport.fingerprint_count, 1); /* the session's */
    assert_string_equal(v->transport.fingerprints[0].hash, "sha-256");
    check_codecs(v);
    check_streams(v);
    assert_int_equal(d->kind, AURA_SDP_APPLICATION);
    assert_true(d->bundle_only && d->bundle == 1 && d->port == 0);
    assert_int_equal(d->transport.setup, AURA_SDP_SETUP_ACTIVE);
    assert_string_equal(d->fmt, "webrtc-datachannel");
    assert_int_equal(d->sctp_port, 5001);
    assert_int_equal(d->max_message_size, 1073741823);
    aura_sdp_free(sdp);
    return 0;
}

/* parse, write, parse, write: the two written texts are the same. */
static int round_trip(const char *text, size_t len) {
    struct aura_buf once = AURA_BUF(AURA_SDP_BYTES_MAX), twice = AURA_BUF(AURA_SDP_BYTES_MAX);
    struct aura_sdp *sdp = NULL, *again = NULL;
    int err;
    TRY_OUT(aura_sdp_parse(&sdp, text, len));
    TRY_OUT(aura_sdp_write(sdp, &once));
    TRY_OUT(aura_sdp_parse(&again, aura_buf_text(&once), once.len));
    TRY_OUT(aura_sdp_write(again, &twice));
    assert_int_equal(sdp->section_count, again->section_count);
    assert_string_equal(aura_buf_text(&once), aura_buf_text(&twice));
out:
    aura_sdp_free(sdp);
    aura_sdp_free(again);
    aura_buf_free(&once);
    aura_buf_free(&twice);
    return err;
}

static int writes_what_it_read(void) {
    TRY(round_trip(full_text, strlen(full_text)));
    for (size_t i = 0; i < SDP_FIXTURES; i++) {
        size_t len;
        const char *text = sdp_fixture(sdp_fixtures[i], &len);
        TRY(round_trip(text, len));
    }
    return 0;
}

/* All lines of real clients that we know come back; only their order and spelling may differ. */
static int keeps_the_lines_of_clients(void) {
    static const char *const kept[] = {
        "m=",           "a=mid:",  "a=rtpmap:",    "a=fmtp:",       "a=extmap:",    "a=rid:",
        "a=simulcast:", "a=msid:", "a=ice-ufrag:", "a=ssrc-group:", "a=sctp-port:", "a=rtcp-fb:"};
    for (size_t i = 0; i < SDP_FIXTURES; i++) {
        struct aura_buf out = AURA_BUF(AURA_SDP_BYTES_MAX);
        struct aura_sdp *sdp;
        size_t len;
        const char *text = sdp_fixture(sdp_fixtures[i], &len);
        TRY(aura_sdp_parse(&sdp, text, len));
        int err = aura_sdp_write(sdp, &out);
        for (const char *p = text; !err && *p; p += strcspn(p, "\n") + 1) {
            char line[AURA_SDP_LINE_BYTES_MAX];
            snprintf(line, sizeof(line), "%.*s\n", (int)strcspn(p, "\n"), p);
            bool known = false;
            for (size_t k = 0; k < sizeof(kept) / sizeof(kept[0]); k++) {
                known |= strncmp(line, kept[k], strlen(kept[k])) == 0;
            }
            known &= !strstr(line, "rrtr") && !strstr(line, "tmmbr");
            if (known && !strstr(aura_buf_text(&out), line)) {
                fail_msg("%s: lost %s", sdp_fixtures[i], line);
            }
        }
        aura_sdp_free(sdp);
        aura_buf_free(&out);
        TRY(err);
    }
    return 0;
}

static int refuses_malformed(void) {
    static const char *const texts[] = {
        "",
        "v=",
        "hello",
        HEAD "m=audio\r\n",
        HEAD "m=audio x UDP/TLS/RTP/SAVPF 111\r\n",
        HEAD "m=audio 70000 UDP/TLS/RTP/SAVPF 111\r\n",
        HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 128\r\n",
        HEAD "m=audio 9 UDP/TLS/RTP/SAVPF one\r\n",
        HEAD "m=audio 9 X 1\r\na=mid:a b\r\n",
        HEAD "m=audio 9 X 1\r\na=mid:\r\n",
        HEAD "m=audio 9 X 1\r\na=mid:0\r\nm=audio 9 X 1\r\na=mid:0\r\n",
        HEAD "m=audio 9 X 1\r\na=extmap:0 urn:x\r\n",
        HEAD "m=audio 9 X 1\r\na=extmap:x\r\n",
        HEAD "m=audio 9 X 1\r\na=ssrc:4294967296 cname:x\r\n",
        HEAD "m=audio 9 X 1\r\na=ssrc:-1 cname:x\r\n",
        HEAD "m=audio 9 X 1\r\na=ssrc-group:FID 1 x\r\n",
        HEAD "m=audio 9 X 1\r\na=fingerprint:sha-256 12:34\r\n",
        HEAD "m=audio 9 X 1\r\na=mi\rd:0\r\n",
        HEAD "m=application 9 UDP/DTLS/SCTP x\r\na=sctp-port:99999\r\n",
        HEAD "m=application 9 UDP/DTLS/SCTP x\r\na=max-message-size:lots\r\n",
    };
    struct aura_sdp *sdp = NULL;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int err = parse(&sdp, texts[i]);
        if (err == AURA_ENOMEM) {
            return err;
        }
        if (err != AURA_EMALFORMED) {
            fail_msg("%d for %s", err, texts[i]);
        }
    }
    assert_int_equal(aura_sdp_parse(&sdp, "v=0\r\n\0\r\n", 8), AURA_EMALFORMED);
    assert_null(sdp);
    return 0;
}

/* Attributes whose value is missing or strange are as if they were not there. */
static int ignores_the_strange(void) {
    struct aura_sdp *sdp;
    TRY(parse(&sdp, HEAD "a=group:LS 0 1\r\na=group:BUNDLE 9 0 0\r\na=rid\r\na=candidate\r\n"
                         "m=audio 9/2 RTP/AVP 0 0 111\na=mid:0\na=rtpmap:111 opus\na=rtpmap:5 x/1\n"
                         "a=rtpmap:111\na=fmtp:111\na=msid\na=ssrc\na=extmap\na=simulcast\na=rid:\n"
                         "a=rtcp-fb:*\na=fingerprint:md99 12\na=simulcast:both q\nnonsense\nz\n\n"
                         "m=application 9 DTLS/SCTP 5000\na=sctpmap:5000 webrtc-datachannel 1024"));
    const struct aura_sdp_section *s = &sdp->sections[0];
    assert_int_equal(sdp->section_count, 2);
    assert_int_equal(s->codec_count, 2); /* 0 was named twice */
    assert_string_equal(s->codecs[1].name, "");
    assert_int_equal(s->dir, AURA_SDP_SENDRECV);
    assert_int_equal(s->bundle, 1);
    assert_int_equal(s->msid_count + s->ssrc_count + s->extmap_count + s->rid_count, 0);
    assert_int_equal(s->transport.fingerprint_count + s->layer_count, 0);
    assert_int_equal(sdp->sections[1].sctp_port, 5000);
    aura_sdp_free(sdp);
    return 0;
}

/* `n` times `line` behind a head and a section; '#' becomes 1, 2, … */
static int parse_many(const char *line, size_t n) {
    struct aura_buf text = AURA_BUF(4 * 1024 * 1024);
    struct aura_sdp *sdp = NULL;
    aura_buf_str(&text, HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:first\r\n");
    for (size_t i = 0; i < n; i++) {
        size_t before = strcspn(line, "#");
        aura_buf_add(&text, line, before);
        if (line[before]) {
            aura_buf_printf(&text, "%zu%s", i + 1, line + before + 1);
        }
    }
    int err = text.err ? text.err : aura_sdp_parse(&sdp, aura_buf_text(&text), text.len);
    aura_sdp_free(sdp);
    aura_buf_free(&text);
    return err;
}

static int has_limits(void) {
    static const struct {
        const char *line;
        size_t most;
    } limits[] = {
        {"a=x#\r\n", AURA_SDP_LINES_MAX - 6},
        {"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:#\r\n", AURA_SDP_SECTIONS_MAX - 1},
        {"a=ssrc:# cname:x\r\n", AURA_SDP_SSRCS_MAX},
        {"a=ssrc-group:FID # 2\r\n", AURA_SDP_SSRC_GROUPS_MAX},
        {"a=extmap:# urn:x\r\n", AURA_SDP_EXTMAPS_MAX},
        {"a=rid:# send\r\n", AURA_SDP_RIDS_MAX},
        {"a=simulcast:send #\r\n", AURA_SDP_LAYERS_MAX},
        {"a=msid:# t\r\n", AURA_SDP_MSIDS_MAX},
        {"a=candidate:#\r\n", AURA_SDP_CANDIDATES_MAX},
        {"a=fingerprint:sha-256 " FP "\r\n", AURA_SDP_FINGERPRINTS_MAX},
    };
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        TRY(parse_many(limits[i].line, limits[i].most));
        int err = parse_many(limits[i].line, limits[i].most + 1);
        if (err == AURA_ENOMEM) {
            return err;
        }
        if (err != AURA_ELIMIT) {
            fail_msg("%d for one more than %zu of %s", err, limits[i].most, limits[i].line);
        }
    }
    int err = parse_many("a=ssrc-group:SIM 1 2 3 4 5 6 7 8 9 #\r\n", 1);
    assert_true(err == AURA_ELIMIT || err == AURA_ENOMEM);
    err = parse_many("a=rtpmap:111 opus/48000/2\r\na=x-line:#\r\n", 5000); /* 10 000 lines */
    assert_true(err == AURA_ELIMIT || err == AURA_ENOMEM);
    return err == AURA_ENOMEM ? err : 0;
}

static int has_limits_of_size(void) {
    static char text[AURA_SDP_BYTES_MAX + 2];
    struct aura_sdp *sdp = NULL;
    memset(text, '\n', sizeof(text));
    memcpy(text, "v=0", 3);
    assert_int_equal(aura_sdp_parse(&sdp, text, sizeof(text)), AURA_ELIMIT);
    assert_int_equal(aura_sdp_parse(&sdp, text, AURA_SDP_BYTES_MAX), AURA_ELIMIT); /* lines */
    memset(text + 4, 'a', AURA_SDP_LINE_BYTES_MAX + 1);
    assert_int_equal(aura_sdp_parse(&sdp, text, AURA_SDP_LINE_BYTES_MAX + 6), AURA_ELIMIT);
    text[4 + AURA_SDP_LINE_BYTES_MAX] = '\n';
    TRY(aura_sdp_parse(&sdp, text, AURA_SDP_LINE_BYTES_MAX + 6));
    aura_sdp_free(sdp);
    return 0;
}

/* Cut anywhere and with any byte damaged, a description is read or refused, never read beyond. */
static int survives_damage(void) {
    size_t len;
    const char *text = sdp_fixture("firefox_publish_subscribe", &len);
    for (size_t cut = 0; cut < len; cut += 37) {
        char *copy = aura_strndup(text, cut);
        if (!copy) {
            return AURA_ENOMEM;
        }
        struct aura_sdp *sdp = NULL;
        int err = aura_sdp_parse(&sdp, copy, cut);
        aura_sdp_free(sdp);
        if (!err || err == AURA_EMALFORMED) {
            copy[cut / 2] ^= 0x1f;
            sdp = NULL;
            err = aura_sdp_parse(&sdp, copy, cut);
            aura_sdp_free(sdp);
        }
        aura_free(copy);
        if (err == AURA_ENOMEM) {
            return err;
        }
    }
    return 0;
}

static int finds_parameters(void) {
    size_t len;
    assert_null(aura_sdp_fmtp_get("", "a", &len));
    assert_null(aura_sdp_fmtp_get("ab=1", "a", &len));
    assert_null(aura_sdp_fmtp_get("a;b=1", "a", &len));
    const char *v = aura_sdp_fmtp_get("b=1; A=xyz;c=2", "a", &len);
    assert_true(v && len == 3 && memcmp(v, "xyz", 3) == 0);
    assert_true(aura_sdp_fmtp_get("a=", "a", &len) && len == 0);
    assert_int_equal(aura_sdp_fmtp_uint("a=", "a", 10, 5), 5);
    assert_int_equal(aura_sdp_fmtp_uint("a=4294967295", "a", 10, 5), UINT32_MAX);
    assert_int_equal(aura_sdp_fmtp_uint("a=4294967296", "a", 10, 5), 5);
    assert_int_equal(aura_sdp_fmtp_uint("a=1f", "a", 10, 5), 5);
    assert_int_equal(aura_sdp_fmtp_uint("a=1F", "a", 16, 5), 31);
    assert_int_equal(aura_sdp_fmtp_uint("111/111", "apt", 10, 5), 5);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(reads_everything),
        AURA_CASE(writes_what_it_read),
        AURA_PLAIN(keeps_the_lines_of_clients),
        AURA_CASE(refuses_malformed),
        AURA_CASE(ignores_the_strange),
        AURA_PLAIN(has_limits),
        AURA_CASE(has_limits_of_size),
        AURA_PLAIN(survives_damage),
        AURA_CASE(finds_parameters),
    };
    return RUN_CASES("sdp", cases);
}
