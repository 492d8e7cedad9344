/* SPDX-License-Identifier: Apache-2.0 */
/* The composed file: encoders and the muxer. */
#include "record/compose_priv.h"

#include <libavutil/opt.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { AUDIO_KBPS = 96, KEY_FRAME_MS = 2000, PIXELS_PER_KBIT = 400, KBPS_MIN = 200, BLOCK = 960 };

static int error_of(int averror) {
    return averror == AVERROR(ENOMEM) ? AURA_ENOMEM : averror < 0 ? AURA_EIO : 0;
}

static const AVCodec *encoder(const char *name, char *why, size_t why_size) {
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    if (!codec) {
        snprintf(why, why_size, "this libavcodec has no encoder %s", name);
    }
    return codec;
}

static int open_video(struct aura__sink *k, const struct aura_compose_conf *c,
                      const AVCodec *codec) {
    uint32_t kbps = c->kbps ? c->kbps : c->width * c->height / PIXELS_PER_KBIT + KBPS_MIN;
    AVCodecContext *v = k->video = avcodec_alloc_context3(codec);
    if (!v) {
        return AURA_ENOMEM;
    }
    v->width = (int)c->width;
    v->height = (int)c->height;
    v->pix_fmt = AV_PIX_FMT_YUV420P;
    v->time_base = (AVRational){1, (int)c->fps};
    v->framerate = (AVRational){(int)c->fps, 1};
    uint32_t pictures = c->fps * (c->key_frame_ms ? c->key_frame_ms : KEY_FRAME_MS) / 1000;
    v->gop_size = pictures ? (int)pictures : 1;
    v->bit_rate = (int64_t)kbps * 1000;
    v->thread_count = 2;
    /* Each encoder knows some of them. */
    (void)av_opt_set(v->priv_data, "preset", "veryfast", 0);
    (void)av_opt_set(v->priv_data, "deadline", "realtime", 0);
    (void)av_opt_set(v->priv_data, "cpu-used", "6", 0);
    if (k->format->oformat->flags & AVFMT_GLOBALHEADER) {
        v->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    return avcodec_open2(v, codec, NULL) < 0 ? AURA_EUNSUPPORTED : 0;
}

static int open_audio(struct aura__sink *k, const struct aura_compose_conf *c,
                      const AVCodec *codec) {
    AVCodecContext *a = k->audio = avcodec_alloc_context3(codec);
    if (!a) {
        return AURA_ENOMEM;
    }
    a->sample_rate = AURA__SOUND_RATE;
    a->sample_fmt = codec->sample_fmts ? codec->sample_fmts[0] : AV_SAMPLE_FMT_FLTP;
    for (int i = 0; codec->sample_fmts && codec->sample_fmts[i] >= 0; i++) {
        if (codec->sample_fmts[i] == AV_SAMPLE_FMT_FLT) {
            a->sample_fmt = AV_SAMPLE_FMT_FLT;
        }
    }
    av_channel_layout_default(&a->ch_layout, 2);
    a->bit_rate = (int64_t)(c->audio_kbps ? c->audio_kbps : AUDIO_KBPS) * 1000;
    a->time_base = (AVRational){1, AURA__SOUND_RATE};
    if (k->format->oformat->flags & AVFMT_GLOBALHEADER) {
        a->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    if (avcodec_open2(a, codec, NULL) < 0) {
        return AURA_EUNSUPPORTED;
    }
    return a->sample_fmt == AV_SAMPLE_FMT_FLT || a->sample_fmt == AV_SAMPLE_FMT_FLTP
               ? 0
               : AURA_EUNSUPPORTED;
}

static int make_picture(struct aura__sink *k) {
    k->picture = av_frame_alloc();
    if (!k->picture) {
        return AURA_ENOMEM;
    }
    k->picture->format = k->video->pix_fmt;
    k->picture->width = k->video->width;
    k->picture->height = k->video->height;
    return av_frame_get_buffer(k->picture, 0) < 0 ? AURA_ENOMEM : 0;
}

static int make_sound(struct aura__sink *k) {
    k->sound = av_frame_alloc();
    if (!k->sound) {
        return AURA_ENOMEM;
    }
    k->sound->format = k->audio->sample_fmt;
    k->sound->sample_rate = AURA__SOUND_RATE;
    k->sound->nb_samples = k->audio->frame_size ? k->audio->frame_size : BLOCK;
    return av_channel_layout_copy(&k->sound->ch_layout, &k->audio->ch_layout) < 0 ||
                   av_frame_get_buffer(k->sound, 0) < 0
               ? AURA_ENOMEM
               : 0;
}

static int make_frames(struct aura__sink *k) {
    k->packet = av_packet_alloc();
    int err = k->packet ? 0 : AURA_ENOMEM;
    if (!err && k->video) {
        err = make_picture(k);
    }
    return !err && k->audio ? make_sound(k) : err;
}

static int add_stream(const struct aura__sink *k, const AVCodecContext *codec, AVStream **out) {
    AVStream *s = *out = codec ? avformat_new_stream(k->format, NULL) : NULL;
    if (!s) {
        return codec ? AURA_ENOMEM : 0;
    }
    s->time_base = codec->time_base;
    s->avg_frame_rate = codec->framerate;
    return error_of(avcodec_parameters_from_context(s->codecpar, codec));
}

static int add_streams(struct aura__sink *k) {
    int err = add_stream(k, k->video, &k->video_stream);
    return err ? err : add_stream(k, k->audio, &k->audio_stream);
}

int aura__sink_open(struct aura__sink *k, const struct aura_compose_conf *conf, char *why,
                    size_t why_size) {
    const char *dot = strrchr(conf->output, '.');
    bool mp4 = dot && strcmp(dot, ".mp4") == 0, webm = dot && strcmp(dot, ".webm") == 0;
    bool ogg = dot && strcmp(dot, ".ogg") == 0 && conf->no_picture;
    if (!mp4 && !webm && !ogg) {
        snprintf(why, why_size, "the output must end in .mp4 or .webm, or .ogg for sound alone");
        return AURA_EINVAL;
    }
    const AVCodec *video = encoder(mp4 ? "libx264" : "libvpx", why, why_size);
    const AVCodec *audio = encoder(mp4 ? "aac" : "libopus", why, why_size);
    if (!video || !audio) {
        return AURA_EUNSUPPORTED;
    }
    int err = error_of(avformat_alloc_output_context2(&k->format, NULL,
                                                      mp4   ? "mp4"
                                                      : ogg ? "ogg"
                                                            : "webm",
                                                      conf->output));
    if (!err && !conf->no_picture) {
        err = open_video(k, conf, video);
    }
    if (!err && !conf->no_sound) {
        err = open_audio(k, conf, audio);
    }
    err = err ? err : make_frames(k);
    err = err ? err : add_streams(k);
    if (!err && avio_open(&k->format->pb, conf->output, AVIO_FLAG_WRITE) < 0) {
        snprintf(why, why_size, "%.120s cannot be written", conf->output);
        err = AURA_EIO;
    }
    err = err ? err : error_of(avformat_write_header(k->format, NULL));
    k->began = !err;
    return err;
}

static int drain(struct aura__sink *k, AVCodecContext *codec, const AVStream *stream) {
    int err = 0;
    while (err >= 0) {
        err = avcodec_receive_packet(codec, k->packet);
        if (err == AVERROR(EAGAIN) || err == AVERROR_EOF) {
            return 0;
        }
        if (err >= 0) {
            av_packet_rescale_ts(k->packet, codec->time_base, stream->time_base);
            k->packet->stream_index = stream->index;
            err = av_interleaved_write_frame(k->format, k->packet);
        }
    }
    return error_of(err);
}

static int encode(struct aura__sink *k, AVCodecContext *codec, const AVStream *stream,
                  const AVFrame *frame) {
    int err = error_of(avcodec_send_frame(codec, frame));
    return err ? err : drain(k, codec, stream);
}

int aura__sink_picture(struct aura__sink *k, int64_t number) {
    k->picture->pts = number;
    return encode(k, k->video, k->video_stream, k->picture);
}

/* Many voices at once may be louder than what can be said. */
static float limit(float v) {
    return fabsf(v) <= 0.7f ? v : tanhf(v);
}

int aura__sink_sound(struct aura__sink *k, int64_t sample, const float *mix, int samples) {
    if (av_frame_make_writable(k->sound) < 0) {
        return AURA_ENOMEM;
    }
    bool planar = k->sound->format == AV_SAMPLE_FMT_FLTP;
    for (int i = 0; i < samples; i++) {
        for (int c = 0; c < 2; c++) {
            float *to = (float *)(void *)k->sound->data[planar ? c : 0];
            to[planar ? i : i * 2 + c] = limit(mix[i * 2 + c]);
        }
    }
    k->sound->pts = sample;
    return encode(k, k->audio, k->audio_stream, k->sound);
}

int aura__sink_close(struct aura__sink *k, bool whole) {
    int err = 0;
    if (k->began && whole) {
        err = k->video ? encode(k, k->video, k->video_stream, NULL) : 0;
        err = err || !k->audio ? err : encode(k, k->audio, k->audio_stream, NULL);
    }
    if (k->began) {
        int ended = error_of(av_write_trailer(k->format));
        err = err ? err : ended;
    }
    if (k->format && k->format->pb && avio_closep(&k->format->pb) < 0) {
        err = err ? err : AURA_EIO;
    }
    avformat_free_context(k->format);
    avcodec_free_context(&k->video);
    avcodec_free_context(&k->audio);
    av_frame_free(&k->picture);
    av_frame_free(&k->sound);
    av_packet_free(&k->packet);
    return err;
}
