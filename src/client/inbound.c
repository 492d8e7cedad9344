/* SPDX-License-Identifier: Apache-2.0 */
#include "client/inbound.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/clip.h"

enum {
    JUMP_MAX = AURA_RECV_DROPOUT_MAX,
    FREEZE_EXTRA_US = 150000, /* W3C webrtc-stats, freezeCount: max(3 avg, avg + 150 ms) */
    FREEZE_FACTOR = 3,
    AVERAGE_SHIFT = 4,
};

struct aura_inbound {
    struct aura_media media;
    uint32_t ssrc;
    struct aura_meter *meter;
    struct aura_frames *watched; /* NULL: nobody wants its frames */
    struct aura_recv_stats stats;
    struct aura_nack *nack; /* NULL: no retransmission */
    struct aura_sr_source sr;
    struct aura_payload_state payload;
    uint64_t packets;

    uint8_t seen[AURA_INBOUND_WINDOW / 8]; /* by eseq */
    bool started;
    uint64_t newest;     /* eseq */
    uint64_t frontier;   /* all before it came or was given up */
    uint64_t stalled_us; /* since when the frontier waits; 0 = it does not */
    bool waits_key;      /* nothing can be decoded before the next key frame */
    uint64_t asked_us;   /* last PLI */

    uint64_t frame_us, average_us; /* arrival of the last whole frame, and smoothed distance */
    uint64_t frames;
};

int aura_inbound_new(struct aura_inbound **out, const struct aura_media *media, uint32_t ssrc,
                     struct aura_meter *meter) {
    const struct aura_media_codec *codec = &media->codecs[0];
    struct aura_inbound *in = aura_zalloc(sizeof(*in));
    if (!in) {
        return AURA_ENOMEM;
    }
    in->media = *media;
    in->ssrc = ssrc;
    in->meter = meter;
    in->waits_key = media->kind == AURA_KIND_VIDEO;
    in->sr.clock_rate = codec->clock_rate;
    aura_recv_stats_init(&in->stats, codec->clock_rate);
    if (media->codec_count && (codec->feedback & AURA_FB_NACK) && aura_nack_new(&in->nack)) {
        return aura_inbound_free(in) ? 0 : AURA_ENOMEM;
    }
    *out = in;
    return 0;
}

struct aura_inbound *aura_inbound_free(struct aura_inbound *in) {
    if (in) {
        aura_nack_free(in->nack);
        aura_frames_free(in->watched);
        aura_free(in);
    }
    return NULL;
}

void aura_inbound_watch(struct aura_inbound *in, struct aura_frames *frames) {
    aura_frames_free(in->watched);
    in->watched = frames;
}

const struct aura_media *aura_inbound_media(const struct aura_inbound *in) {
    return &in->media;
}

uint32_t aura_inbound_ssrc(const struct aura_inbound *in) {
    return in->ssrc;
}

enum aura_kind aura_inbound_kind(const struct aura_inbound *in) {
    return in->media.kind;
}

uint64_t aura_inbound_packets(const struct aura_inbound *in) {
    return in->packets;
}

uint8_t aura_inbound_pt_of_rtx(const struct aura_inbound *in, uint8_t rtx_pt) {
    for (size_t i = 0; i < in->media.codec_count; i++) {
        if (in->media.codecs[i].rtx_pt == rtx_pt) {
            return in->media.codecs[i].pt;
        }
    }
    return 0;
}

/* ---- which numbers came ---- */

static bool has(const struct aura_inbound *in, uint64_t eseq) {
    return in->seen[eseq % AURA_INBOUND_WINDOW / 8] >> (eseq % 8) & 1;
}

static void mark(struct aura_inbound *in, uint64_t eseq, bool on) {
    uint8_t bit = (uint8_t)(1u << (eseq % 8)), *byte = &in->seen[eseq % AURA_INBOUND_WINDOW / 8];
    *byte = (uint8_t)(on ? *byte | bit : *byte & ~bit);
}

static void restart(struct aura_inbound *in, uint64_t eseq) {
    memset(in->seen, 0, sizeof(in->seen));
    in->started = true;
    in->newest = eseq;
    in->frontier = eseq;
    in->stalled_us = 0;
    aura_count_add(&in->meter->expected, 1);
}

/* @return false if the packet is of no use: seen before, or too old to know */
static bool enter(struct aura_inbound *in, uint64_t eseq) {
    if (!in->started || eseq > in->newest + JUMP_MAX || eseq + JUMP_MAX < in->newest) {
        restart(in, eseq);
    } else if (eseq > in->newest) {
        for (uint64_t i = in->newest + 1; i < eseq; i++) {
            mark(in, i, false);
        }
        aura_count_add(&in->meter->expected, eseq - in->newest);
        aura_count_add(&in->meter->missing, eseq - in->newest - 1);
        in->newest = eseq;
        if (in->newest - in->frontier >= AURA_INBOUND_WINDOW) {
            in->frontier = in->newest - AURA_INBOUND_WINDOW + 1;
        }
    } else if (eseq + AURA_INBOUND_WINDOW <= in->newest || has(in, eseq)) {
        return false;
    } else if (eseq < in->frontier && in->frontier - eseq > AURA_INBOUND_WINDOW) {
        return false;
    } else {
        aura_count_add(&in->meter->missing, UINT64_MAX); /* one less */
    }
    mark(in, eseq, true);
    return true;
}

static void advance(struct aura_inbound *in, uint64_t now_us) {
    while (in->frontier <= in->newest && has(in, in->frontier)) {
        in->frontier++;
    }
    bool stalled = in->frontier <= in->newest;
    in->stalled_us = !stalled ? 0 : in->stalled_us ? in->stalled_us : now_us;
}

/* ---- frames ---- */

static void count_frame(struct aura_inbound *in, uint64_t now_us) {
    uint64_t gap = in->frame_us ? now_us - in->frame_us : 0;
    aura_count_add(&in->meter->frames, 1);
    if (in->frames > 2 && gap > FREEZE_FACTOR * in->average_us &&
        gap > in->average_us + FREEZE_EXTRA_US) {
        aura_count_add(&in->meter->freezes, 1);
        aura_count_add(&in->meter->freeze_ms, gap / AURA_US_PER_MS);
    } else if (gap) {
        in->average_us = in->average_us ? in->average_us - (in->average_us >> AVERAGE_SHIFT) +
                                              (gap >> AVERAGE_SHIFT)
                                        : gap;
    }
    in->frame_us = now_us;
    in->frames++;
}

static const struct aura_media_codec *codec_of(const struct aura_inbound *in, uint8_t pt) {
    for (size_t i = 0; i < in->media.codec_count; i++) {
        if (in->media.codecs[i].pt == pt) {
            return &in->media.codecs[i];
        }
    }
    return NULL;
}

static void inspect_video(struct aura_inbound *in, const struct aura_rtp *rtp, uint64_t eseq,
                          uint64_t now_us) {
    struct aura_payload info;
    const struct aura_media_codec *codec = codec_of(in, rtp->pt);
    if (!codec || !rtp->payload_len) {
        return;
    }
    if (in->waits_key || in->stalled_us) {
        aura_payload_inspect(&in->payload, codec->codec, rtp, NULL, false, &info);
        if (info.key_frame_start && eseq >= in->frontier) {
            in->waits_key = false;
            in->frontier = eseq; /* what is older is not needed any more */
            if (in->nack) {
                aura_nack_key_frame(in->nack, eseq);
            }
        }
    }
    if (rtp->marker) {
        count_frame(in, now_us);
    }
}

/* ---- packets ---- */

static void measure(struct aura_inbound *in, const struct aura_rtp *rtp, uint64_t now_us) {
    uint64_t stamp;
    if (aura_stamp_read(rtp->payload, rtp->payload_len, &stamp) && stamp <= now_us) {
        aura_hist_add(in->media.kind == AURA_KIND_VIDEO ? &in->meter->video_us
                                                        : &in->meter->audio_us,
                      now_us - stamp);
    }
}

static bool take_repaired(struct aura_inbound *in, uint16_t seq, uint64_t now_us, uint64_t *eseq) {
    *eseq = aura_recv_stats_eseq(&in->stats, seq);
    if (!in->started || *eseq > in->newest || !enter(in, *eseq)) {
        aura_count_add(&in->meter->duplicates, 1);
        return false;
    }
    if (in->nack) {
        (void)aura_nack_received(in->nack, *eseq, now_us);
    }
    aura_count_add(&in->meter->repaired, 1);
    return true;
}

static bool take_original(struct aura_inbound *in, const struct aura_rtp *rtp, size_t size,
                          uint64_t now_us, uint64_t *eseq) {
    enum aura_recv_verdict verdict =
        aura_recv_stats_packet(&in->stats, rtp->seq, rtp->ts, now_us, size, eseq);
    if (verdict != AURA_RECV_OK && verdict != AURA_RECV_RESTART) {
        aura_count_add(&in->meter->duplicates, 1);
        return false;
    }
    if (!enter(in, *eseq)) {
        aura_count_add(&in->meter->duplicates, 1);
        return false;
    }
    if (in->nack) {
        (void)aura_nack_received(in->nack, *eseq, now_us);
    }
    if (in->packets++ == 0) { /* the key frame may be under way */
        in->asked_us = now_us - (AURA_INBOUND_PLI_MS - AURA_INBOUND_STALL_MS) * AURA_US_PER_MS;
    }
    aura_count_add(&in->meter->packets, 1);
    aura_count_add(&in->meter->bytes, size);
    return true;
}

bool aura_inbound_packet(struct aura_inbound *in, const struct aura_rtp *rtp, size_t size,
                         bool repaired, uint64_t now_us) {
    uint64_t eseq = 0;
    if (repaired ? !take_repaired(in, rtp->seq, now_us, &eseq)
                 : !take_original(in, rtp, size, now_us, &eseq)) {
        return false;
    }
    if (in->media.kind == AURA_KIND_VIDEO) {
        inspect_video(in, rtp, eseq, now_us);
        if (rtp->marker) {
            measure(in, rtp, now_us);
        }
    } else {
        measure(in, rtp, now_us);
    }
    advance(in, now_us);
    if (in->watched) {
        aura_frames_packet(in->watched, rtp, eseq, now_us);
        in->waits_key |= aura_frames_wants_key(in->watched);
    }
    return true;
}

/* ---- what to tell the sender ---- */

void aura_inbound_sender_report(struct aura_inbound *in, const struct aura_rtcp_sender *sr,
                                uint64_t now_us) {
    aura_sr_source_report(&in->sr, sr, now_us);
}

bool aura_inbound_has_gaps(const struct aura_inbound *in) {
    return in->nack && aura_nack_outstanding(in->nack) > 0;
}

size_t aura_inbound_nacks(struct aura_inbound *in, uint64_t now_us, uint32_t rtt_us,
                          struct aura_rtcp_nack *out, size_t cap) {
    size_t n = in->nack ? aura_nack_poll(in->nack, now_us, rtt_us, out, cap) : 0;
    for (size_t i = 0; i < n; i++) {
        aura_count_add(&in->meter->nacks, 1 + (unsigned)__builtin_popcount(out[i].blp));
    }
    return n;
}

bool aura_inbound_wants_key(struct aura_inbound *in, uint64_t now_us) {
    if (in->media.kind != AURA_KIND_VIDEO || !in->started) {
        return false;
    }
    if (in->stalled_us && now_us - in->stalled_us > AURA_INBOUND_STALL_MS * AURA_US_PER_MS) {
        in->waits_key = true;
    }
    bool soon = in->asked_us && now_us - in->asked_us < AURA_INBOUND_PLI_MS * AURA_US_PER_MS;
    if (!in->waits_key || soon) {
        return false;
    }
    in->asked_us = now_us;
    aura_count_add(&in->meter->plis, 1);
    return true;
}

bool aura_inbound_report(struct aura_inbound *in, uint64_t now_us, struct aura_rtcp_block *out) {
    if (!in->started) {
        return false;
    }
    aura_recv_stats_block(&in->stats, in->ssrc, out);
    aura_sr_lsr(&in->sr, now_us, &out->lsr, &out->dlsr);
    return true;
}
