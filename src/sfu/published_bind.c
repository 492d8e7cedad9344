/* SPDX-License-Identifier: Apache-2.0 */
/* What an SSRC is: by signalling, else by the mid and rid extensions, else by its payload type
 * (RFC 8843 section 9.2, RFC 8852). */
#include "sfu/published.h"

#include "base/mem.h"

#include <string.h>

static void forget(struct aura_peer *peer, uint32_t ssrc) {
    struct aura_ssrc *e = ssrc ? aura_map_del_u64(peer->remote, ssrc) : NULL;
    if (e) {
        if (peer->last == e) {
            peer->last = NULL;
        }
        aura_free(e);
    }
}

void aura__published_unbind(struct aura_stream *s) {
    forget(s->pub->peer, s->ssrc);
    forget(s->pub->peer, s->rtx_ssrc);
    s->ssrc = s->rtx_ssrc = 0;
}

/* The stream goes on under a new SSRC: another sequence, another clock. */
static void restart(struct aura_stream *s) {
    s->epoch++;
    s->stats.started = false;
    s->payload = (struct aura_payload_state){.width = 0};
    s->pid = 0;
}

int aura__published_set_ssrc(struct aura_stream *s, uint32_t ssrc, bool rtx,
                             struct aura_ssrc **out) {
    struct aura_peer *peer = s->pub->peer;
    struct aura_ssrc *e = aura_zalloc(sizeof(*e));
    if (!e) {
        return AURA_ENOMEM;
    }
    *e = (struct aura_ssrc){.ssrc = ssrc, .rtx = rtx, .stream = s};
    struct aura_ssrc *other = aura_map_get_u64(peer->remote, ssrc);
    if (other) {
        /* Signalled twice or moved between sections: the newest word counts. */
        if (other->rtx) {
            other->stream->rtx_ssrc = 0;
        } else {
            other->stream->ssrc = 0;
        }
        forget(peer, ssrc);
    }
    uint32_t old = rtx ? s->rtx_ssrc : s->ssrc;
    forget(peer, old);
    int err = aura_map_put_u64(peer->remote, ssrc, e);
    if (err) {
        aura_free(e);
        ssrc = 0;
    }
    if (rtx) {
        s->rtx_ssrc = ssrc;
    } else {
        if (s->stats.started) {
            restart(s);
        }
        s->ssrc = ssrc;
    }
    if (out) {
        *out = err ? NULL : e;
    }
    return err;
}

static bool same_text(const char *text, const struct aura_rtp_exts *x, enum aura_ext ext) {
    size_t len = strlen(text);
    return aura_rtp_has(x, ext) && x->at[ext].len == len && memcmp(text, x->at[ext].data, len) == 0;
}

static bool takes_pt(const struct aura_published *pub, uint8_t pt) {
    return pub->codec_of_pt[pt] >= 0 || pub->rtx_of_pt[pt] >= 0;
}

/* The only track of the peer that uses this payload type. */
static struct aura_published *only_with_pt(struct aura_peer *peer, uint8_t pt) {
    struct aura_published *found = NULL;
    AURA_LIST_EACH(&peer->pubs, struct aura_published, pub, peer_node) {
        if (takes_pt(pub, pt)) {
            if (found) {
                return NULL;
            }
            found = pub;
        }
    }
    return found;
}

static struct aura_published *track_of(struct aura_peer *peer, const struct aura_rtp *rtp,
                                       struct aura_rtp_exts *x) {
    bool has_mid = false;
    AURA_LIST_EACH(&peer->pubs, struct aura_published, pub, peer_node) {
        aura_rtp_ext_parse_all(rtp, &pub->conf.media.ext, x);
        has_mid |= aura_rtp_has(x, AURA_EXT_MID);
        if (pub->conf.media.mid[0] && same_text(pub->conf.media.mid, x, AURA_EXT_MID) &&
            takes_pt(pub, rtp->pt)) {
            return pub;
        }
    }
    struct aura_published *pub = has_mid ? NULL : only_with_pt(peer, rtp->pt);
    if (pub) {
        aura_rtp_ext_parse_all(rtp, &pub->conf.media.ext, x);
    }
    return pub;
}

static struct aura_stream *stream_of(struct aura_published *pub, const struct aura_rtp_exts *x,
                                     bool rtx) {
    bool named = aura_rtp_has(x, AURA_EXT_RID) || aura_rtp_has(x, AURA_EXT_REPAIRED_RID);
    for (size_t i = 0; named && i < pub->conf.stream_count; i++) {
        const char *rid = pub->conf.streams[i].rid;
        if (rid[0] && (same_text(rid, x, rtx ? AURA_EXT_REPAIRED_RID : AURA_EXT_RID) ||
                       (rtx && same_text(rid, x, AURA_EXT_RID)))) {
            return &pub->stream[i];
        }
    }
    /* Without rids there is one stream. (With them an RTX packet may lack its name: unknown.) */
    return pub->conf.stream_count <= 1 ? &pub->stream[0] : NULL;
}

struct aura_ssrc *aura__published_bind(struct aura_peer *peer, const struct aura_rtp *rtp) {
    struct aura_rtp_exts x;
    /* SSRC 0 is "none" here. It is legal, but one of four billion, and senders avoid it. */
    struct aura_published *pub = rtp->ssrc ? track_of(peer, rtp, &x) : NULL;
    if (!pub) {
        return NULL;
    }
    bool rtx = pub->codec_of_pt[rtp->pt] < 0;
    struct aura_stream *s = stream_of(pub, &x, rtx);
    struct aura_ssrc *e = NULL;
    if (!s || aura__published_set_ssrc(s, rtp->ssrc, rtx, &e)) {
        return NULL;
    }
    return e;
}
