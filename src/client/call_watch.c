/* SPDX-License-Identifier: Apache-2.0 */
/* The public client library: the video that is received. All on the call's thread. */
#include "base/mem.h"
#include "client/call_priv.h"
#include "codec/sharpen.h"

#include <stdio.h>
#include <string.h>

static const struct {
    enum aura_codec codec;
    enum aura_codec_kind kind;
    enum aura_call_codec name;
} codecs[] = {{AURA_CODEC_VP8, AURA_CODEC_KIND_VP8, AURA_CALL_VP8},
              {AURA_CODEC_VP9, AURA_CODEC_KIND_VP9, AURA_CALL_VP9},
              {AURA_CODEC_H264, AURA_CODEC_KIND_H264, AURA_CALL_H264},
              {AURA_CODEC_AV1, AURA_CODEC_KIND_AV1, AURA_CALL_AV1}};

static size_t row_of(enum aura_codec codec) {
    size_t i = 0;
    while (i < sizeof(codecs) / sizeof(*codecs) && codecs[i].codec != codec) {
        i++;
    }
    return i;
}

/* ---- which one ---- */

void aura__call_participants(void *arg, Livekit__ParticipantInfo *const *list, size_t count) {
    struct aura_call *call = arg;
    struct aura__call_watch *w = &call->watch;
    if (!w->roster || aura_roster_update(w->roster, list, count)) {
        return; /* without memory: tracks have no names for now */
    }
    if (w->known && !aura_roster_find(w->roster, w->chosen)) {
        w->known = false; /* it ended: the next one may come */
        w->chosen[0] = 0;
    }
    aura__call_listen_roster(call);
}

bool aura__call_matches(const struct aura_call *call, const char *which, const char *sid,
                        const struct aura_roster_track *t) {
    const char *who = call->watch_identity;
    if (who && (!t || strcmp(t->identity, who) != 0)) {
        return false;
    }
    return !which || strcmp(sid, which) == 0 || (t && strcmp(t->name, which) == 0);
}

bool aura__call_wants(void *arg, const char *sid) {
    struct aura_call *call = arg;
    struct aura__call_watch *w = &call->watch;
    const struct aura_roster_track *t = aura_roster_find(w->roster, sid);
    if (call->listen.line && (!t || !t->video)) {
        return t && aura__call_listen_wants(call, t); /* unknown: it is asked again */
    }
    if (!call->conf.watch || w->chosen[0] || !aura__call_matches(call, call->watch_track, sid, t)) {
        return false;
    }
    snprintf(w->chosen, sizeof(w->chosen), "%s", sid);
    snprintf(w->identity, sizeof(w->identity), "%s", t ? t->identity : "");
    snprintf(w->track, sizeof(w->track), "%s", t && t->name[0] ? t->name : sid);
    w->known = t != NULL;
    w->frame_us = 0;
    return true;
}

/* ---- pictures ---- */

static int ensure_decoder(struct aura__call_watch *w, enum aura_codec codec) {
    size_t row = row_of(codec);
    if (row == sizeof(codecs) / sizeof(*codecs)) {
        return AURA_EUNSUPPORTED;
    }
    if (w->decoder && w->codec == codec) {
        return 0;
    }
    w->decoder = aura_decoder_free(w->decoder);
    w->codec = codec;
    return aura_decoder_new(&w->decoder, codecs[row].kind);
}

/* Without memory for it the picture is shown as it is. */
static bool restore(struct aura__call_watch *w, struct aura_picture *p, uint8_t strength) {
    size_t need = (size_t)p->width * p->height;
    if (need > w->sharp_cap) {
        uint8_t *more = aura_realloc(w->sharp, need);
        if (!more) {
            return false;
        }
        w->sharp = more;
        w->sharp_cap = need;
    }
    aura_sharpen_luma(p, strength, w->sharp, p->width);
    p->plane[0] = w->sharp;
    p->stride[0] = p->width;
    return true;
}

static bool decode(struct aura_call *call, const struct aura_frame *in,
                   struct aura_call_frame *out) {
    struct aura__call_watch *w = &call->watch;
    struct aura_picture p;
    int err = ensure_decoder(w, in->codec);
    err = err ? err : aura_decoder_decode(w->decoder, in->data, in->len, &p);
    if (err) {
        return err == AURA_EAGAIN;
    }
    bool meant = in->has_hints && in->hints.mode >= AURA_AIC_COMPRESSED && in->hints.restore &&
                 !(in->hints.flags & AURA_AIC_SHARPENED);
    out->restored = call->conf.restore && meant && restore(w, &p, in->hints.restore);
    out->picture.width = p.width;
    out->picture.height = p.height;
    for (int i = 0; i < 3; i++) {
        out->picture.plane[i] = p.plane[i];
        out->picture.stride[i] = p.stride[i];
    }
    return true;
}

static void count(struct aura_call *call, const struct aura_frame *in,
                  const struct aura_call_frame *out, bool ok) {
    struct aura__call_watch *w = &call->watch;
    struct aura_call_stats *s = &call->stats;
    uint64_t gap_ms = w->frame_us ? (in->arrival_us - w->frame_us) / AURA_US_PER_MS : 0;
    w->frame_us = in->arrival_us;
    pthread_mutex_lock(&call->lock);
    s->frames++;
    s->frame_bytes += in->len;
    s->key_frames += in->key_frame;
    s->hinted += in->has_hints;
    s->restored += out->restored;
    s->undecodable += !ok;
    s->gap_ms_max = gap_ms > s->gap_ms_max ? (uint32_t)gap_ms : s->gap_ms_max;
    pthread_mutex_unlock(&call->lock);
}

bool aura__call_frame_in(void *arg, const struct aura_frame *in) {
    struct aura_call *call = arg;
    struct aura__call_watch *w = &call->watch;
    size_t row = row_of(in->codec);
    if (strcmp(in->track, w->chosen) != 0 || row == sizeof(codecs) / sizeof(*codecs)) {
        return true; /* one that was watched before */
    }
    struct aura_call_frame out = {.identity = w->identity,
                                  .track = w->track,
                                  .codec = codecs[row].name,
                                  .data = in->data,
                                  .len = in->len,
                                  .rtp_timestamp = in->ts,
                                  .key_frame = in->key_frame,
                                  .has_hints = in->has_hints,
                                  .hints = in->hints};
    bool ok = !call->conf.decode || decode(call, in, &out);
    count(call, in, &out, ok);
    if (ok && call->handlers.frame) {
        call->handlers.frame(call->arg, &out);
    }
    return ok;
}

/* ---- life ---- */

int aura__call_watch_init(struct aura_call *call) {
    bool any = call->conf.watch || call->conf.listen;
    return any ? aura_roster_new(&call->watch.roster) : 0;
}

int aura__call_watch_restart(struct aura_call *call) {
    struct aura__call_watch *w = &call->watch;
    w->roster = aura_roster_free(w->roster);
    w->known = false;
    w->chosen[0] = 0;
    w->decoder = aura_decoder_free(w->decoder);
    aura__call_listen_restart(call);
    return aura__call_watch_init(call);
}

void aura__call_watch_end(struct aura_call *call) {
    aura_decoder_free(call->watch.decoder);
    aura_roster_free(call->watch.roster);
    aura_free(call->watch.sharp);
}
