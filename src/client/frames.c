/* SPDX-License-Identifier: Apache-2.0 */
#include "client/frames.h"

#include "base/mem.h"
#include "rtp/assemble.h"
#include "rtp/payload.h"

#include <string.h>

struct kept {
    bool used, marker, key_start;
    uint8_t codec; /* enum aura_codec */
    uint8_t hint_len;
    uint16_t len;
    uint32_t ts;
    uint64_t eseq, arrival_us;
    uint8_t hints[AURA_AIC_HINTS_BYTES_MAX];
    uint8_t payload[AURA_FRAMES_PACKET_MAX];
};

struct aura_frames {
    struct aura_media media;
    char track[AURA_FRAMES_TRACK_MAX + 1];
    aura_frames_fn *fn;
    void *arg;
    struct aura_assembler *assembler;
    struct aura_payload_state inspect;
    bool synced;
    enum aura_codec codec;
    uint64_t next, newest;   /* next: the packet that is wanted now */
    bool key_frame;          /* the frame under way is one */
    struct aura_frame frame; /* under way: its hints */
    struct kept kept[AURA_FRAMES_PACKETS];
};

int aura_frames_new(struct aura_frames **out, const struct aura_media *media, const char *track,
                    aura_frames_fn *fn, void *arg) {
    struct aura_frames *f = aura_zalloc(sizeof(*f));
    if (!f) {
        return AURA_ENOMEM;
    }
    f->media = *media;
    strncpy(f->track, track, AURA_FRAMES_TRACK_MAX);
    f->fn = fn;
    f->arg = arg;
    int err = aura_assembler_new(&f->assembler, AURA_FRAMES_BYTES_MAX);
    if (err) {
        aura_free(f);
        return err;
    }
    *out = f;
    return 0;
}

struct aura_frames *aura_frames_free(struct aura_frames *f) {
    if (f) {
        aura_assembler_free(f->assembler);
        aura_free(f);
    }
    return NULL;
}

bool aura_frames_wants_key(const struct aura_frames *f) {
    return !f->synced;
}

static enum aura_codec codec_of(const struct aura_frames *f, uint8_t pt) {
    for (size_t i = 0; i < f->media.codec_count; i++) {
        if (f->media.codecs[i].pt == pt) {
            return f->media.codecs[i].codec;
        }
    }
    return AURA_CODEC_NONE;
}

/* ---- frames ---- */

static void begin_at(struct aura_frames *f, const struct kept *k) {
    f->synced = true;
    f->codec = (enum aura_codec)k->codec;
    f->next = k->eseq;
    f->key_frame = false;
    f->frame = (struct aura_frame){.len = 0};
    aura_assembler_begin(f->assembler, f->codec);
}

static void finish(struct aura_frames *f, const struct kept *last) {
    struct aura_frame *frame = &f->frame;
    frame->track = f->track;
    frame->codec = f->codec;
    frame->ts = last->ts;
    frame->arrival_us = last->arrival_us;
    frame->key_frame = f->key_frame;
    int err = aura_assembler_end(f->assembler, &frame->data, &frame->len);
    /* Padding between frames carries a marker and nothing else: AURA_ETRUNC. */
    if (err && err != AURA_ETRUNC) {
        f->synced = false;
    } else if (!err && !f->fn(f->arg, frame)) {
        f->synced = false;
    }
    f->key_frame = false;
    f->frame = (struct aura_frame){.len = 0};
}

static void add(struct aura_frames *f, const struct kept *k) {
    f->key_frame |= k->key_start;
    if (k->hint_len && aura_aic_hints_read(&f->frame.hints, k->hints, k->hint_len) == 0) {
        f->frame.has_hints = true;
    }
    aura_assembler_add(f->assembler, k->payload, k->len);
    if (k->marker) {
        finish(f, k);
    }
}

/* The next packet is of another codec: only its key frame can be gone on with. */
static bool follow(struct aura_frames *f, const struct kept *k) {
    if (k->codec != f->codec) {
        if (!k->key_start) {
            f->synced = false;
            return false;
        }
        begin_at(f, k);
    }
    return true;
}

static void pump(struct aura_frames *f) {
    while (f->synced) {
        struct kept *k = &f->kept[f->next % AURA_FRAMES_PACKETS];
        if (!k->used || k->eseq != f->next) {
            return;
        }
        if (k->len && !follow(f, k)) {
            return;
        }
        k->used = false;
        f->next++;
        if (k->len) {
            add(f, k);
        }
    }
}

/* ---- packets ---- */

static void keep(struct aura_frames *f, struct kept *k, const struct aura_rtp *rtp, uint64_t eseq,
                 uint64_t now_us) {
    struct aura_payload info = {.key_frame_start = false};
    struct aura_rtp_item item;
    *k = (struct kept){.used = true,
                       .marker = rtp->marker,
                       .codec = (uint8_t)codec_of(f, rtp->pt),
                       .len = (uint16_t)rtp->payload_len,
                       .ts = rtp->ts,
                       .eseq = eseq,
                       .arrival_us = now_us};
    memcpy(k->payload, rtp->payload, rtp->payload_len);
    if (k->len) {
        aura_payload_inspect(&f->inspect, (enum aura_codec)k->codec, rtp, NULL, false, &info);
    }
    k->key_start = info.key_frame_start;
    uint8_t id = f->media.ext.id[AURA_EXT_AIC];
    if (id && aura_rtp_find(rtp, id, &item) && item.len <= sizeof(k->hints)) {
        memcpy(k->hints, item.data, item.len);
        k->hint_len = item.len;
    }
}

void aura_frames_packet(struct aura_frames *f, const struct aura_rtp *rtp, uint64_t eseq,
                        uint64_t now_us) {
    struct kept *k = &f->kept[eseq % AURA_FRAMES_PACKETS];
    if (eseq + AURA_FRAMES_PACKETS < f->next || eseq >= f->next + AURA_FRAMES_PACKETS) {
        f->synced = false; /* what is missing is out of reach, or the numbers began anew */
    }
    enum aura_codec codec = codec_of(f, rtp->pt);
    if (rtp->payload_len > AURA_FRAMES_PACKET_MAX ||
        (rtp->payload_len && !aura_assembler_takes(codec)) || (f->synced && eseq < f->next)) {
        return;
    }
    keep(f, k, rtp, eseq, now_us);
    f->newest = eseq > f->newest ? eseq : f->newest;
    /* Whoever waits for something goes on here: the frames before a key frame are not needed. */
    if (k->key_start && (!f->synced || eseq > f->next)) {
        begin_at(f, k);
    }
    pump(f);
}
