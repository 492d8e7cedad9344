/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/media_file.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/pcm_slicer.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>

#include <stdio.h>
#include <string.h>

enum { FPS_DEFAULT = 30, FPS_LIMIT = 120 };

struct stream {
    int index; /* -1 = there is none */
    AVCodecContext *decoder;
    AVRational base;
};

/* Pictures that wait for their turn. */
struct pictures {
    AVFrame *frames[MEDIA_WAITING_MAX];
    uint64_t time_us[MEDIA_WAITING_MAX];
    unsigned first, count;
};

struct media_file {
    const char *path;
    AVFormatContext *format;
    AVPacket *packet;
    AVFrame *frame, *shown;
    struct stream video, audio;
    struct media_file_info info;
    struct SwsContext *scaler;
    AVFrame *scaled;
    struct pcm_slicer *pcm;
    struct pictures pictures;
    uint64_t round_us, last_us; /* where this round began, and what was read last */
    bool ended;
};

static int wrong(const struct media_file *m, const char *what, int code) {
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, text, sizeof(text));
    cli_error(NULL, "%s: %s%s%s", m->path, what, code ? ": " : "", text);
    return code == AVERROR(ENOENT) ? AURA_ENOENT : AURA_EUNSUPPORTED;
}

/* ---- opening ---- */

static int open_stream(struct media_file *m, enum AVMediaType type, struct stream *s) {
    const AVCodec *codec = NULL;
    s->index = av_find_best_stream(m->format, type, -1, -1, &codec, 0);
    if (s->index < 0 || !codec) {
        s->index = -1;
        return 0;
    }
    const AVStream *from = m->format->streams[s->index];
    s->base = from->time_base;
    s->decoder = avcodec_alloc_context3(codec);
    if (!s->decoder) {
        return AURA_ENOMEM;
    }
    int code = avcodec_parameters_to_context(s->decoder, from->codecpar);
    code = code < 0 ? code : avcodec_open2(s->decoder, codec, NULL);
    return code < 0 ? wrong(m, "its codec cannot be decoded", code) : 0;
}

static int describe(struct media_file *m) {
    m->info.video = m->video.index >= 0;
    m->info.audio = m->audio.index >= 0;
    if (!m->info.video) {
        return wrong(m, "there is no video in it", 0);
    }
    AVRational rate = m->format->streams[m->video.index]->avg_frame_rate;
    double fps = rate.num && rate.den ? av_q2d(rate) : FPS_DEFAULT;
    m->info.fps = fps < 1 ? 1 : fps > FPS_LIMIT ? FPS_LIMIT : (uint32_t)(fps + 0.5);
    m->info.width = (uint32_t)m->video.decoder->width & ~1u;
    m->info.height = (uint32_t)m->video.decoder->height & ~1u;
    if (m->info.width < 16 || m->info.height < 16 || m->info.width > MEDIA_SIDE_MAX ||
        m->info.height > MEDIA_SIDE_MAX) {
        return wrong(m, "its pictures must have sides of 16 to 4096 samples", 0);
    }
    return 0;
}

int media_file_open(struct media_file **out, const char *path, bool audio) {
    struct media_file *m = aura_zalloc(sizeof(*m));
    if (!m) {
        return AURA_ENOMEM;
    }
    m->path = path;
    m->video.index = m->audio.index = -1;
    m->packet = av_packet_alloc();
    m->frame = av_frame_alloc();
    m->shown = av_frame_alloc();
    m->scaled = av_frame_alloc();
    int code = avformat_open_input(&m->format, path, NULL, NULL);
    int err = !m->packet || !m->frame || !m->shown || !m->scaled ? AURA_ENOMEM
              : code < 0 ? wrong(m, "cannot be opened", code)
                         : 0;
    if (!err) {
        code = avformat_find_stream_info(m->format, NULL);
        err = code < 0 ? wrong(m, "cannot be read", code)
                       : open_stream(m, AVMEDIA_TYPE_VIDEO, &m->video);
    }
    err = err || !audio ? err : open_stream(m, AVMEDIA_TYPE_AUDIO, &m->audio);
    err = err ? err : describe(m);
    err = err || !m->info.audio ? err : pcm_slicer_new(&m->pcm);
    if (err) {
        media_file_close(m);
        return err;
    }
    *out = m;
    return 0;
}

static void forget_pictures(struct media_file *m) {
    for (size_t i = 0; i < MEDIA_WAITING_MAX; i++) {
        av_frame_free(&m->pictures.frames[i]);
    }
}

struct media_file *media_file_close(struct media_file *m) {
    if (m) {
        forget_pictures(m);
        pcm_slicer_free(m->pcm);
        sws_freeContext(m->scaler);
        av_packet_free(&m->packet);
        av_frame_free(&m->frame);
        av_frame_free(&m->shown);
        av_frame_free(&m->scaled);
        avcodec_free_context(&m->video.decoder);
        avcodec_free_context(&m->audio.decoder);
        avformat_close_input(&m->format);
        aura_free(m);
    }
    return NULL;
}

const struct media_file_info *media_file_info(const struct media_file *m) {
    return &m->info;
}

/* ---- reading ahead ---- */

static uint64_t time_of(struct media_file *m, const struct stream *s, const AVFrame *f) {
    int64_t start = m->format->start_time == AV_NOPTS_VALUE ? 0 : m->format->start_time;
    int64_t us = f->best_effort_timestamp == AV_NOPTS_VALUE
                     ? (int64_t)(m->last_us - m->round_us) + (int64_t)AURA_US_PER_S / m->info.fps
                     : av_rescale_q(f->best_effort_timestamp, s->base, AV_TIME_BASE_Q) - start;
    return m->round_us + (us > 0 ? (uint64_t)us : 0);
}

static int keep_picture(struct media_file *m) {
    struct pictures *p = &m->pictures;
    unsigned at = (p->first + p->count) % MEDIA_WAITING_MAX;
    p->frames[at] = p->frames[at] ? p->frames[at] : av_frame_alloc();
    if (!p->frames[at]) {
        return AURA_ENOMEM;
    }
    p->time_us[at] = time_of(m, &m->video, m->frame);
    m->last_us = p->time_us[at] > m->last_us ? p->time_us[at] : m->last_us;
    av_frame_move_ref(p->frames[at], m->frame);
    p->count++;
    return 0;
}

static bool is_full(const struct media_file *m) {
    return m->pictures.count == MEDIA_WAITING_MAX;
}

/* All that the decoder has by now. */
static int drain(struct media_file *m, struct stream *s) {
    int err = 0;
    while (!err && !is_full(m) && avcodec_receive_frame(s->decoder, m->frame) >= 0) {
        if (s == &m->video) {
            err = keep_picture(m);
        } else {
            uint64_t time_us = time_of(m, s, m->frame);
            m->last_us = time_us > m->last_us ? time_us : m->last_us;
            err = pcm_slicer_add(m->pcm, m->frame, time_us);
            av_frame_unref(m->frame);
        }
    }
    return err;
}

static int feed(struct media_file *m, struct stream *s, const AVPacket *packet) {
    if (s->index < 0) {
        return 0;
    }
    int code = avcodec_send_packet(s->decoder, packet);
    /* A damaged packet is a gap, as it would be in a player. */
    return code == AVERROR(ENOMEM) ? AURA_ENOMEM : drain(m, s);
}

static int read_more(struct media_file *m) {
    int code = av_read_frame(m->format, m->packet), err = 0;
    if (code < 0) {
        m->ended = true;
        err = feed(m, &m->video, NULL);
        return err ? err : feed(m, &m->audio, NULL);
    }
    if (m->packet->stream_index == m->video.index) {
        err = feed(m, &m->video, m->packet);
    } else if (m->packet->stream_index == m->audio.index) {
        err = feed(m, &m->audio, m->packet);
    }
    av_packet_unref(m->packet);
    return err;
}

static int begin_again(struct media_file *m) {
    int code = av_seek_frame(m->format, -1,
                             m->format->start_time == AV_NOPTS_VALUE ? 0 : m->format->start_time,
                             AVSEEK_FLAG_BACKWARD);
    if (code < 0) {
        code = avformat_seek_file(m->format, -1, INT64_MIN, 0, INT64_MAX, AVSEEK_FLAG_BYTE);
    }
    if (code < 0) {
        return wrong(m, "cannot begin again (--loop)", code);
    }
    avcodec_flush_buffers(m->video.decoder);
    if (m->audio.decoder) {
        avcodec_flush_buffers(m->audio.decoder);
    }
    m->round_us = m->last_us + AURA_US_PER_S / m->info.fps;
    m->ended = false;
    return 0;
}

/* ---- handing out ---- */

static int scale(struct media_file *m, const AVFrame *f) {
    m->scaler = sws_getCachedContext(m->scaler, f->width, f->height, f->format, (int)m->info.width,
                                     (int)m->info.height, AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL,
                                     NULL, NULL);
    if (!m->scaler) {
        return AURA_EUNSUPPORTED;
    }
    if (!m->scaled->data[0]) {
        m->scaled->format = AV_PIX_FMT_YUV420P;
        m->scaled->width = (int)m->info.width;
        m->scaled->height = (int)m->info.height;
        if (av_frame_get_buffer(m->scaled, 0) < 0) {
            return AURA_ENOMEM;
        }
    }
    sws_scale(m->scaler, (const uint8_t *const *)f->data, f->linesize, 0, f->height,
              m->scaled->data, m->scaled->linesize);
    return 0;
}

static int show(struct media_file *m, struct media_item *out) {
    struct pictures *p = &m->pictures;
    av_frame_unref(m->shown);
    av_frame_move_ref(m->shown, p->frames[p->first]);
    *out = (struct media_item){.video = true, .time_us = p->time_us[p->first]};
    p->first = (p->first + 1) % MEDIA_WAITING_MAX;
    p->count--;
    const AVFrame *f = m->shown;
    bool as_is = (f->format == AV_PIX_FMT_YUV420P || f->format == AV_PIX_FMT_YUVJ420P) &&
                 ((uint32_t)f->width & ~1u) == m->info.width &&
                 ((uint32_t)f->height & ~1u) == m->info.height;
    int err = as_is ? 0 : scale(m, f);
    f = as_is ? f : m->scaled;
    for (int i = 0; !err && i < 3; i++) {
        out->plane[i] = f->data[i];
        out->stride[i] = (size_t)f->linesize[i];
    }
    return err;
}

int media_file_next(struct media_file *m, bool loop, struct media_item *out) {
    int err = drain(m, &m->video); /* what there was no room for */
    struct pcm_slice sound = {.time_us = 0};
    bool has_sound = m->pcm && pcm_slicer_peek(m->pcm, &sound);
    /* Both must be there to see which is first; but one may end before the other. */
    while (!err && !is_full(m) && (!m->pictures.count || (m->pcm && !has_sound))) {
        if (m->ended) {
            if (m->pictures.count || has_sound) {
                break;
            }
            if (!loop) {
                return AURA_ECLOSED;
            }
            err = begin_again(m);
        }
        err = err ? err : read_more(m);
        has_sound = m->pcm && pcm_slicer_peek(m->pcm, &sound);
    }
    if (err) {
        return err;
    }
    if (has_sound &&
        (!m->pictures.count || sound.time_us <= m->pictures.time_us[m->pictures.first])) {
        *out = (struct media_item){.time_us = sound.time_us, .samples = sound.samples};
        pcm_slicer_pop(m->pcm);
        return 0;
    }
    return show(m, out);
}
