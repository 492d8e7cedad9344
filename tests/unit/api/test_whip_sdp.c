/* SPDX-License-Identifier: Apache-2.0 */
#include "api/whip_sdp.h"
#include "harness.h"

#include <string.h>

static const char offer[] =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=sendonly\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789012345678901\r\na=rtpmap:111 opus/48000/2\r\na=msid:s sound\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendrecv\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789012345678901\r\na=rtpmap:96 VP8/90000\r\na=rid:h send\r\n"
    "a=rid:q send\r\na=rid:f send\r\na=simulcast:send h;q;f\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=recvonly\r\na=rtpmap:96 VP8/90000\r\n";

static int credentials_are_read_and_replaced(void) {
    struct aura_whip_ice ice;
    struct aura_buf out = AURA_BUF(8192);
    TRY(aura_whip_ice_read(&ice, offer, strlen(offer)));
    assert_string_equal(ice.ufrag, "abcd");
    assert_string_equal(ice.pwd, "0123456789012345678901");
    const struct aura_whip_ice other = {.ufrag = "wxyz", .pwd = "p"};
    aura_whip_ice_replace(&out, offer, &other);
    int err = out.err;
    if (!err) {
        const char *text = aura_buf_text(&out), *first = strstr(text, "a=ice-ufrag:wxyz\r\n");
        assert_non_null(first);
        assert_non_null(strstr(first + 1, "a=ice-ufrag:wxyz\r\n"));
        assert_non_null(strstr(first, "a=ice-pwd:p\r\n"));
        assert_null(strstr(text, "abcd"));
        assert_non_null(strstr(text, "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\n"));
    }
    aura_buf_free(&out);
    return err;
}

static int too_long_credentials_are_refused(void) {
    char text[400] = "a=ice-ufrag:";
    struct aura_whip_ice ice;
    size_t n = strlen(text);
    memset(text + n, 'u', AURA_WHIP_CREDENTIAL_MAX);
    assert_int_equal(aura_whip_ice_read(&ice, text, n + AURA_WHIP_CREDENTIAL_MAX), 0);
    assert_int_equal(strlen(ice.ufrag), AURA_WHIP_CREDENTIAL_MAX);
    text[n + AURA_WHIP_CREDENTIAL_MAX] = 'u';
    assert_int_equal(aura_whip_ice_read(&ice, text, n + AURA_WHIP_CREDENTIAL_MAX + 1),
                     AURA_EMALFORMED);
    return 0;
}

static int a_fragment_has_the_transport_of_the_first_section(void) {
    static const char answer[] =
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\n"
        "a=ice-ufrag:us\r\na=ice-pwd:secret\r\na=candidate:1 1 udp 1 192.0.2.1 7 typ host\r\n"
        "a=end-of-candidates\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:us\r\n";
    static const char want[] =
        "a=ice-lite\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:us\r\n"
        "a=ice-pwd:secret\r\na=candidate:1 1 udp 1 192.0.2.1 7 typ host\r\n"
        "a=end-of-candidates\r\n";
    struct aura_buf out = AURA_BUF(8192);
    aura_whip_fragment(&out, answer);
    int err = out.err;
    if (!err) {
        assert_string_equal(aura_buf_text(&out), want);
    }
    aura_buf_free(&out);
    assert_true(aura_whip_flows(answer));
    assert_false(aura_whip_flows("a=inactive"));
    return err;
}

static int what_an_offer_sends_is_announced(void) {
    struct aura_sdp *sdp;
    struct aura_whip_tracks tracks;
    TRY(aura_sdp_parse(&sdp, offer, strlen(offer)));
    assert_int_equal(aura_whip_tracks_read(&tracks, sdp), 0);
    assert_int_equal(tracks.count, 2);
    assert_string_equal(tracks.list[0]->cid, "sound");
    assert_int_equal(tracks.list[0]->source, LIVEKIT__TRACK_SOURCE__MICROPHONE);
    assert_int_equal(tracks.list[0]->n_layers, 0);
    const Livekit__AddTrackRequest *video = tracks.list[1];
    assert_int_equal(video->type, LIVEKIT__TRACK_TYPE__VIDEO);
    assert_int_equal(video->n_layers, 3);
    assert_string_equal(video->layers[0]->rid, "h");
    assert_int_equal(video->layers[0]->quality, LIVEKIT__VIDEO_QUALITY__MEDIUM);
    assert_int_equal(video->layers[1]->quality, LIVEKIT__VIDEO_QUALITY__LOW);
    aura_sdp_free(sdp);
    return 0;
}

static int nine_tracks_are_too_many(void) {
    struct aura_buf text = AURA_BUF(8192);
    struct aura_whip_tracks tracks;
    struct aura_sdp *sdp = NULL;
    (void)!aura_buf_str(&text, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    for (int i = 0; i <= AURA_WHIP_TRACKS_MAX; i++) {
        (void)!aura_buf_printf(&text, "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:%d\r\na=sendonly\r\n",
                               i);
    }
    int err = text.err ? text.err : aura_sdp_parse(&sdp, aura_buf_text(&text), text.len);
    if (!err) {
        assert_int_equal(aura_whip_tracks_read(&tracks, sdp), AURA_ELIMIT);
    }
    aura_sdp_free(sdp);
    aura_buf_free(&text);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(credentials_are_read_and_replaced),
        AURA_CASE(too_long_credentials_are_refused),
        AURA_CASE(a_fragment_has_the_transport_of_the_first_section),
        AURA_CASE(what_an_offer_sends_is_announced),
        AURA_CASE(nine_tracks_are_too_many),
    };
    return RUN_CASES("descriptions of WHIP", cases);
}
