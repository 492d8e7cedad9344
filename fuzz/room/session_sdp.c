/* SPDX-License-Identifier: Apache-2.0 */
#include "session_sdp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *out;
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->out + t->len, SDP_BYTES - t->len, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < SDP_BYTES - t->len) {
        t->len += (size_t)n;
    }
}

static void put_connection(struct text *t, bool restart) {
    put(t, "c=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n",
        restart ? "again" : "first");
    put(t, "a=fingerprint:sha-256 66:20:E2:D0:C9:0C:0F:BB:36:12:6A:AD:ED:3E:E8:44:36:A8:96:E5:C3:"
           "15:EC:77:92:BA:67:8A:58:BE:8D:AB\r\na=setup:actpass\r\na=rtcp-mux\r\na=rtcp-rsize\r\n");
}

static void put_exts(struct text *t, bool video) {
    put(t, "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
           "a=extmap:3 "
           "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n");
    put(t, "%s",
        video ? "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
                "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
                "a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/"
                "#dependency-descriptor-rtp-header-extension\r\n"
              : "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
}

static void put_codecs(struct text *t, bool video) {
    put(t, "%s",
        video ? "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
                "a=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
                "a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\na=rtpmap:102 H264/90000\r\n"
                "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;"
                "profile-level-id=42e01f\r\na=rtpmap:45 AV1/90000\r\n"
              : "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
                "a=rtcp-fb:111 transport-cc\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n");
}

static void put_section(struct text *t, const struct sections *s, size_t i, bool restart) {
    static const char *const directions[] = {"sendonly", "recvonly", "inactive", "sendrecv"};
    unsigned shape = s->at[i].shape;
    bool video = s->at[i].kind == 1, sends = (shape & 3) == 0 || (shape & 3) == 3;
    if (s->at[i].kind == 2) {
        put(t, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
        put_connection(t, restart);
        put(t, "a=mid:%zu\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n", i);
        return;
    }
    put(t, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\n", video ? "video" : "audio",
        video ? "96 97 98 102 45" : "111 63");
    put_connection(t, restart);
    put(t, "a=mid:%zu\r\na=%s\r\n", i, directions[shape & 3]);
    put_exts(t, video);
    put_codecs(t, video);
    if (sends) {
        put(t, "a=msid:stream c%u\r\n", shape >> 4 & 7);
    }
    if (sends && video && shape & 4) {
        put(t, "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n");
    } else if (sends && shape & 8) {
        put(t, "a=ssrc:%u cname:c\r\n", 100 + (unsigned)i);
        if (video) {
            put(t, "a=ssrc:%u cname:c\r\na=ssrc-group:FID %u %u\r\n", 200 + (unsigned)i,
                100 + (unsigned)i, 200 + (unsigned)i);
        }
    }
}

size_t session_offer(char *out, const struct sections *s, bool restart) {
    struct text t = {.out = out};
    put(&t, "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE");
    for (size_t i = 0; i < s->count; i++) {
        put(&t, " %zu", i);
    }
    put(&t, "\r\na=extmap-allow-mixed\r\n");
    for (size_t i = 0; i < s->count; i++) {
        put_section(&t, s, i, restart);
    }
    return t.len;
}

static bool begins(const char *line, const char *with) {
    return strncmp(line, with, strlen(with)) == 0;
}

/* The offer's lines, seen from the other side. */
static void answer_line(struct text *t, const char *line, size_t len, bool refused) {
    if (begins(line, "a=setup:")) {
        put(t, "a=setup:active\r\n");
    } else if (begins(line, "a=sendrecv") || begins(line, "a=sendonly")) {
        put(t, refused ? "a=inactive\r\n" : "a=recvonly\r\n");
    } else if (!begins(line, "a=msid:") && !begins(line, "a=ssrc") &&
               !begins(line, "a=candidate")) {
        put(t, "%.*s\r\n", (int)len, line);
    }
}

size_t session_answer(char *out, const char *offer, uint8_t refuse) {
    struct text t = {.out = out};
    unsigned section = 0;
    for (const char *line = offer; *line;) {
        size_t len = strcspn(line, "\r\n");
        section += begins(line, "m=");
        answer_line(&t, line, len, refuse >> section % 8 & 1);
        line += len;
        line += strspn(line, "\r\n");
    }
    return t.len;
}
