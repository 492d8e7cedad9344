/* SPDX-License-Identifier: Apache-2.0 */
#include "record/track.h"

#include "base/mem.h"
#include "codec/decoder.h"
#include "rtp/opus.h"

#include <stdio.h>
#include <string.h>

enum {
    FRAME_US_DEFAULT = 33333,
    FRAME_US_MAX = 200000, /* what a frame is believed to last */
    WORD_MAX = 48,         /* of an identity in a file's name */
};

int aura_record_track_new(struct aura_record_track **out, const char *sid, const char *folder) {
    struct aura_record_track *t = aura_zalloc(sizeof(*t));
    if (!t) {
        return AURA_ENOMEM;
    }
    snprintf(t->sid, sizeof(t->sid), "%s", sid);
    t->source = "unknown";
    t->folder = folder;
    t->frame_us = FRAME_US_DEFAULT;
    *out = t;
    return 0;
}

struct aura_record_track *aura_record_track_free(struct aura_record_track *t) {
    if (t) {
        aura_record_track_end(t);
        aura_sound_free(t->sound);
        aura_free(t->files);
        aura_free(t);
    }
    return NULL;
}

static struct aura_track_file *current(struct aura_record_track *t) {
    return &t->files[t->file_count - 1];
}

static void fail(struct aura_record_track *t, int err) {
    t->err = t->err ? t->err : err;
}

static void close_file(struct aura_record_track *t) {
    if (t->file) {
        struct aura_track_file *f = current(t);
        f->bytes = aura_file_bytes(t->file);
        f->open = false;
        f->captured = aura_timeline_captured(&t->timeline, f->begin_us, &f->captured_us);
        int err = aura_file_close(t->file);
        t->file = NULL;
        if (err) {
            fail(t, err);
        }
    }
}

void aura_record_track_end(struct aura_record_track *t) {
    if (t->sound) {
        aura_sound_flush(t->sound);
    }
    close_file(t);
    t->ended = true;
}

uint64_t aura_record_track_bytes(const struct aura_record_track *t) {
    uint64_t sum = t->file ? aura_file_bytes(t->file) : 0;
    for (size_t i = 0; i < t->file_count; i++) {
        sum += t->files[i].open ? 0 : t->files[i].bytes;
    }
    return sum;
}

/* Letters and digits stay: peers choose identities, and a name must not leave the folder. */
static void plain_word(char out[WORD_MAX + 1], const char *text) {
    size_t n = 0;
    for (; text[n] && n < WORD_MAX; n++) {
        char c = text[n];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        out[n] = plain || c == '-' ? c : '_';
    }
    out[n] = 0;
}

static struct aura_track_file *add_file(struct aura_record_track *t) {
    if (t->file_count == AURA_TRACK_FILES_MAX) {
        fail(t, AURA_ELIMIT);
        return NULL;
    }
    if (t->file_count == t->file_cap) {
        size_t cap = t->file_cap ? t->file_cap * 2 : 4;
        struct aura_track_file *more = aura_realloc(t->files, cap * sizeof(*more));
        if (!more) {
            fail(t, AURA_ENOMEM);
            return NULL;
        }
        t->files = more;
        t->file_cap = cap;
    }
    struct aura_track_file *f = &t->files[t->file_count];
    *f = (struct aura_track_file){.open = true};
    return f;
}

/* Opens the next file; its first frame has media time `us`. */
static bool open_file(struct aura_record_track *t, enum aura_codec codec, int64_t us) {
    char path[AURA_FILE_PATH_MAX], who[WORD_MAX + 1], sid[WORD_MAX + 1];
    struct aura_track_file *f = add_file(t);
    if (!f) {
        return false;
    }
    plain_word(who, t->identity);
    plain_word(sid, t->sid);
    snprintf(f->name, sizeof(f->name), "%s-%s-%s-%zu.%s", who, t->source, sid, t->file_count + 1,
             aura_file_suffix(codec, t->ogg));
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", t->folder, f->name) >= sizeof(path)) {
        fail(t, AURA_ELIMIT);
        return false;
    }
    const struct aura_file_conf conf = {.path = path,
                                        .codec = codec,
                                        .ogg = t->ogg,
                                        .head = &t->head,
                                        .width = t->width,
                                        .height = t->height};
    int err = aura_file_open(&t->file, &conf);
    if (err) {
        fail(t, err);
        return false;
    }
    f->codec = t->codec = codec;
    f->width = t->width;
    f->height = t->height;
    f->begin_us = us;
    f->arrival_us = t->wall_us;
    t->file_count++;
    return true;
}

static void write_packet(struct aura_record_track *t, const uint8_t *data, size_t len, int64_t us,
                         int64_t duration_us, bool key) {
    struct aura_track_file *f = current(t);
    int err = aura_file_write(t->file, data, len, us - f->begin_us, duration_us, key);
    if (err) {
        t->dropped++;
        fail(t, err);
        return;
    }
    int64_t gap = f->frames ? us - f->end_us : 0;
    if (gap > AURA_TRACK_GAP_MS * 1000) {
        f->gaps++;
        f->gap_us_max = gap > f->gap_us_max ? gap : f->gap_us_max;
    }
    f->frames++;
    f->key_frames += key;
    f->end_us = us + duration_us;
}

/* ---- video ---- */

static enum aura_codec_kind kind_of(enum aura_codec codec) {
    switch ((int)codec) {
    case AURA_CODEC_VP8:
        return AURA_CODEC_KIND_VP8;
    case AURA_CODEC_VP9:
        return AURA_CODEC_KIND_VP9;
    case AURA_CODEC_H264:
        return AURA_CODEC_KIND_H264;
    case AURA_CODEC_AV1:
        return AURA_CODEC_KIND_AV1;
    default:
        return AURA_CODEC_KIND_NONE;
    }
}

/* Key frames are few: decoding one tells its size, whatever the codec, and that it is whole. */
static bool size_of(const struct aura_frame *frame, uint32_t *width, uint32_t *height) {
    struct aura_decoder *d = NULL;
    struct aura_picture p;
    int err = aura_decoder_new(&d, kind_of(frame->codec));
    err = err ? err : aura_decoder_decode(d, frame->data, frame->len, &p);
    if (!err) {
        *width = p.width;
        *height = p.height;
    }
    aura_decoder_free(d);
    return !err;
}

static bool same_head(const struct aura_head *a, const struct aura_head *b) {
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* A key frame: the same file goes on, or another begins. @return false: it cannot be used */
static bool take_key(struct aura_record_track *t, const struct aura_frame *frame, int64_t us) {
    struct aura_head head;
    uint32_t width, height;
    if (aura_head_read(&head, frame->codec, frame->data, frame->len) ||
        !size_of(frame, &width, &height)) {
        return false;
    }
    bool sized = width != t->width || height != t->height;
    if (t->file && (frame->codec != t->codec || !same_head(&head, &t->head))) {
        close_file(t);
    }
    t->head = head;
    t->width = width;
    t->height = height;
    if (!t->file) {
        return open_file(t, frame->codec, us);
    }
    struct aura_track_file *f = current(t);
    f->sizes += sized;
    f->width = width > f->width ? width : f->width;
    f->height = height > f->height ? height : f->height;
    return true;
}

bool aura_record_track_frame(struct aura_record_track *t, const struct aura_frame *frame,
                             int64_t wall_us) {
    if (t->err || t->ended) {
        t->dropped += t->err != 0;
        return true;
    }
    t->timeline.rate = 90000;
    t->wall_us = wall_us;
    int64_t us = aura_timeline_packet(&t->timeline, frame->ts, (int64_t)frame->arrival_us);
    aura_timeline_seen(&t->timeline, us, wall_us);
    if (frame->key_frame && !take_key(t, frame, us)) {
        t->dropped++;
        return t->err != 0;
    }
    if (!t->file || frame->codec != t->codec) {
        t->dropped++;
        return false;
    }
    int64_t since = us - t->last_us;
    if (current(t)->frames && since > 0 && since < FRAME_US_MAX) {
        t->frame_us = since;
    }
    t->last_us = us;
    write_packet(t, frame->data, frame->len, us, t->frame_us, frame->key_frame);
    return true;
}

/* ---- sound ---- */

/* Ogg has no times of packets, only sums of durations: what is missing is filled with packets
 * without content, as RFC 7845 section 4.1 says. */
static void fill_gap(struct aura_record_track *t, int64_t until_us, uint8_t toc) {
    const uint8_t empty = toc & 0xfc; /* one frame */
    struct aura_opus opus;
    if (aura_opus_parse(&opus, &empty, 1)) {
        return;
    }
    for (int64_t at = current(t)->end_us; !t->err && until_us - at >= (int64_t)opus.duration_us;
         at += opus.duration_us) {
        write_packet(t, &empty, 1, at, opus.duration_us, true);
    }
}

static void on_sound(void *arg, int64_t us, int64_t duration_us, const uint8_t *data, size_t len) {
    struct aura_record_track *t = arg;
    if (t->file && t->ogg && us - current(t)->end_us > AURA_TRACK_OGG_GAP_S * INT64_C(1000000)) {
        close_file(t);
    }
    if (!t->file) {
        aura_head_opus(&t->head);
        if (t->err || !open_file(t, AURA_CODEC_OPUS, us)) {
            t->dropped++;
            return;
        }
    }
    if (t->ogg && current(t)->frames) {
        int64_t gap = us - current(t)->end_us;
        if (gap > AURA_TRACK_GAP_MS * 1000) {
            current(t)->gaps++;
            current(t)->gap_us_max = gap > current(t)->gap_us_max ? gap : current(t)->gap_us_max;
        }
        fill_gap(t, us, data[0]);
    }
    if (t->err) {
        t->dropped++;
        return;
    }
    write_packet(t, data, len, us, duration_us, true);
}

void aura_record_track_sound(struct aura_record_track *t, enum aura_codec codec, uint32_t ts,
                             uint32_t rate, const uint8_t *payload, size_t len, int64_t arrival_us,
                             int64_t wall_us) {
    bool red = codec == AURA_CODEC_RED;
    if (t->err || t->ended || !rate || (!red && codec != AURA_CODEC_OPUS)) {
        t->dropped += !t->ended;
        return;
    }
    if (!t->sound && aura_sound_new(&t->sound, on_sound, t)) {
        t->dropped++;
        return; /* without memory: the next packet tries again */
    }
    t->timeline.rate = rate;
    t->wall_us = wall_us;
    int64_t us = aura_timeline_packet(&t->timeline, ts, arrival_us);
    aura_timeline_seen(&t->timeline, us, wall_us);
    aura_sound_add(t->sound, us, payload, len, red);
}
