/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sdp.h"

#include <inttypes.h>
#include <string.h>

static const char *const dir_names[] = {[AURA_SDP_INACTIVE] = "inactive",
                                        [AURA_SDP_SENDONLY] = "sendonly",
                                        [AURA_SDP_RECVONLY] = "recvonly",
                                        [AURA_SDP_SENDRECV] = "sendrecv"};
static const char *const setup_names[] = {[AURA_SDP_SETUP_NONE] = "",
                                          [AURA_SDP_SETUP_ACTPASS] = "actpass",
                                          [AURA_SDP_SETUP_ACTIVE] = "active",
                                          [AURA_SDP_SETUP_PASSIVE] = "passive"};

/* The buffer remembers its first failure, so that only the end has to look. */
static void put(struct aura_buf *out, const char *s) {
    (void)aura_buf_str(out, s);
}
__attribute__((format(printf, 2, 3))) static void putf(struct aura_buf *out, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    (void)aura_buf_vprintf(out, fmt, ap);
    va_end(ap);
}

static void put_if(struct aura_buf *out, const char *name, const char *value) {
    if (value && *value) {
        putf(out, "a=%s:%s\r\n", name, value);
    }
}

static void put_flag(struct aura_buf *out, const char *name, bool on) {
    if (on) {
        putf(out, "a=%s\r\n", name);
    }
}

static void put_transport(struct aura_buf *out, const struct aura_sdp_transport *t) {
    put_if(out, "ice-ufrag", t->ufrag);
    put_if(out, "ice-pwd", t->pwd);
    put_if(out, "ice-options", t->ice_options);
    for (size_t i = 0; i < t->fingerprint_count; i++) {
        char text[AURA_FINGERPRINT_TEXT_MAX];
        if (aura_fingerprint_format(&t->fingerprints[i], text, sizeof(text)) == 0) {
            put_if(out, "fingerprint", text);
        }
    }
    put_if(out, "setup", setup_names[t->setup]);
}

static void put_bundles(struct aura_buf *out, const struct aura_sdp *sdp) {
    uint16_t groups = 0;
    for (size_t i = 0; i < sdp->section_count; i++) {
        groups = sdp->sections[i].bundle > groups ? sdp->sections[i].bundle : groups;
    }
    for (uint16_t g = 1; g <= groups; g++) {
        put(out, "a=group:BUNDLE");
        for (size_t i = 0; i < sdp->section_count; i++) {
            if (sdp->sections[i].bundle == g) {
                putf(out, " %s", sdp->sections[i].mid);
            }
        }
        put(out, "\r\n");
    }
}

static void put_feedback(struct aura_buf *out, const struct aura_sdp_codec *c) {
    static const struct {
        uint8_t bit;
        const char *text;
    } known[] = {{AURA_FB_TWCC, "transport-cc"},
                 {AURA_FB_FIR, "ccm fir"},
                 {AURA_FB_NACK, "nack"},
                 {AURA_FB_PLI, "nack pli"},
                 {AURA_FB_REMB, "goog-remb"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (c->feedback & known[i].bit) {
            putf(out, "a=rtcp-fb:%u %s\r\n", c->pt, known[i].text);
        }
    }
}

static void put_codecs(struct aura_buf *out, const struct aura_sdp_section *s) {
    for (size_t i = 0; i < s->codec_count; i++) {
        const struct aura_sdp_codec *c = &s->codecs[i];
        if (*c->name) {
            putf(out, "a=rtpmap:%u %s/%" PRIu32, c->pt, c->name, c->clock_rate);
            if (c->channels) {
                putf(out, "/%u", c->channels);
            }
            put(out, "\r\n");
        }
        put_feedback(out, c);
        if (c->fmtp && *c->fmtp) {
            putf(out, "a=fmtp:%u %s\r\n", c->pt, c->fmtp);
        }
    }
}

static void put_simulcast(struct aura_buf *out, const struct aura_sdp_section *s) {
    bool any = false;
    for (int send = 1; send >= 0; send--) {
        const struct aura_sdp_layer *last = NULL;
        for (size_t i = 0; i < s->layer_count; i++) {
            const struct aura_sdp_layer *l = &s->layers[i];
            if (l->send != (send == 1)) {
                continue;
            }
            if (!last) {
                putf(out, "%s%s ", any ? " " : "a=simulcast:", send ? "send" : "recv");
            } else {
                put(out, l->stream == last->stream ? "," : ";");
            }
            putf(out, "%s%s", l->paused ? "~" : "", l->rid);
            last = l;
            any = true;
        }
    }
    if (any) {
        put(out, "\r\n");
    }
}

static void put_sources(struct aura_buf *out, const struct aura_sdp_section *s) {
    for (size_t i = 0; i < s->msid_count; i++) {
        const char *track = s->msids[i].track;
        putf(out, "a=msid:%s%s%s\r\n", s->msids[i].stream, *track ? " " : "", track);
    }
    for (size_t i = 0; i < s->group_count; i++) {
        putf(out, "a=ssrc-group:%s", s->groups[i].semantics);
        for (size_t j = 0; j < s->groups[i].count; j++) {
            putf(out, " %" PRIu32, s->groups[i].ssrcs[j]);
        }
        put(out, "\r\n");
    }
    for (size_t i = 0; i < s->ssrc_count; i++) {
        const struct aura_sdp_ssrc *e = &s->ssrcs[i];
        putf(out, "a=ssrc:%" PRIu32 " cname:%s\r\n", e->ssrc, e->cname);
        if (*e->msid_stream) {
            putf(out, "a=ssrc:%" PRIu32 " msid:%s %s\r\n", e->ssrc, e->msid_stream, e->msid_track);
        }
    }
}

static void put_rtp(struct aura_buf *out, const struct aura_sdp_section *s) {
    put_flag(out, "rtcp-mux", s->rtcp_mux);
    put_flag(out, "rtcp-rsize", s->rtcp_rsize);
    put_codecs(out, s);
    for (size_t i = 0; i < s->extmap_count; i++) {
        const struct aura_sdp_extmap *e = &s->extmaps[i];
        putf(out, "a=extmap:%u%s%s %s\r\n", e->id, e->has_dir ? "/" : "",
             e->has_dir ? dir_names[e->dir] : "", e->uri);
    }
    for (size_t i = 0; i < s->rid_count; i++) {
        const struct aura_sdp_rid *r = &s->rids[i];
        bool params = r->params && *r->params;
        putf(out, "a=rid:%s %s%s%s\r\n", r->id, r->send ? "send" : "recv", params ? " " : "",
             params ? r->params : "");
    }
    put_simulcast(out, s);
    put_sources(out, s);
}

static void put_media_line(struct aura_buf *out, const struct aura_sdp_section *s) {
    putf(out, "m=%s %u %s", s->media, s->port, s->protocol);
    for (size_t i = 0; i < s->codec_count; i++) {
        putf(out, " %u", s->codecs[i].pt);
    }
    if (!s->codec_count) {
        bool rtp = s->kind == AURA_SDP_AUDIO || s->kind == AURA_SDP_VIDEO;
        putf(out, " %s", rtp ? "0" : s->fmt && *s->fmt ? s->fmt : "-");
    }
    put(out, "\r\nc=IN IP4 0.0.0.0\r\n");
}

void aura_sdp_write_section(const struct aura_sdp_section *s, struct aura_buf *out) {
    put_media_line(out, s);
    put_if(out, "mid", s->mid);
    put_flag(out, "bundle-only", s->bundle_only);
    put_flag(out, dir_names[s->dir], s->kind != AURA_SDP_APPLICATION);
    put_transport(out, &s->transport);
    for (size_t i = 0; i < s->candidate_count; i++) {
        put_if(out, "candidate", s->candidates[i]);
    }
    put_flag(out, "end-of-candidates", s->end_of_candidates);
    put_flag(out, "extmap-allow-mixed", s->extmap_allow_mixed);
    put_rtp(out, s);
    if (s->kind == AURA_SDP_APPLICATION) {
        if (s->sctp_port) {
            putf(out, "a=sctp-port:%u\r\n", s->sctp_port);
        }
        if (s->has_max_message_size) {
            putf(out, "a=max-message-size:%" PRIu32 "\r\n", s->max_message_size);
        }
    }
}

void aura_sdp_write_session(const struct aura_sdp *sdp, struct aura_buf *out) {
    putf(out, "v=0\r\no=- %" PRIu64 " %" PRIu64 " IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
         sdp->origin_id, sdp->origin_version);
    put_bundles(out, sdp);
    put_flag(out, "ice-lite", sdp->ice_lite);
    put_flag(out, "extmap-allow-mixed", sdp->extmap_allow_mixed);
    put_transport(out, &sdp->transport);
}

int aura_sdp_write(const struct aura_sdp *sdp, struct aura_buf *out) {
    aura_sdp_write_session(sdp, out);
    for (size_t i = 0; i < sdp->section_count; i++) {
        aura_sdp_write_section(&sdp->sections[i], out);
    }
    return out->err;
}
