/* SPDX-License-Identifier: Apache-2.0 */
#include "record/file.h"

#include "base/mem.h"

#include <libavformat/avformat.h>

#include <string.h>

struct aura_file {
    AVFormatContext *format;
    AVStream *stream;
    AVPacket *packet;
    int64_t last; /* timestamp, in the stream's unit */
    bool began, any, written;
};

const char *aura_file_suffix(enum aura_codec codec, bool ogg) {
    return codec == AURA_CODEC_H264 ? "mp4" : codec == AURA_CODEC_OPUS && ogg ? "ogg" : "webm";
}

static enum AVCodecID id_of(enum aura_codec codec) {
    switch ((int)codec) {
    case AURA_CODEC_OPUS:
        return AV_CODEC_ID_OPUS;
    case AURA_CODEC_VP8:
        return AV_CODEC_ID_VP8;
    case AURA_CODEC_VP9:
        return AV_CODEC_ID_VP9;
    case AURA_CODEC_AV1:
        return AV_CODEC_ID_AV1;
    case AURA_CODEC_H264:
        return AV_CODEC_ID_H264;
    default:
        return AV_CODEC_ID_NONE;
    }
}

static int error_of(int averror) {
    return averror == AVERROR(ENOMEM) ? AURA_ENOMEM : averror < 0 ? AURA_EIO : 0;
}

static int describe(struct aura_file *f, const struct aura_file_conf *conf) {
    AVCodecParameters *p = f->stream->codecpar;
    p->codec_id = id_of(conf->codec);
    p->codec_type = conf->codec == AURA_CODEC_OPUS ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
    if (conf->codec == AURA_CODEC_OPUS) {
        p->sample_rate = 48000;
        av_channel_layout_default(&p->ch_layout, 2);
        p->frame_size = 960;
        f->stream->time_base = (AVRational){1, 48000};
    } else {
        p->width = (int)conf->width;
        p->height = (int)conf->height;
        p->format = 0; /* 4:2:0, 8 bits */
        f->stream->time_base = (AVRational){1, 90000};
    }
    if (conf->head->len) {
        p->extradata = av_mallocz(conf->head->len + AV_INPUT_BUFFER_PADDING_SIZE);
        if (!p->extradata) {
            return AURA_ENOMEM;
        }
        memcpy(p->extradata, conf->head->bytes, conf->head->len);
        p->extradata_size = (int)conf->head->len;
    }
    return 0;
}

/* Clusters, fragments and pages are short, so that what is lost with the process is. */
static int begin(struct aura_file *f, const char *path) {
    AVDictionary *options = NULL;
    int err = avio_open(&f->format->pb, path, AVIO_FLAG_WRITE);
    if (err < 0) {
        return error_of(err);
    }
    av_dict_set_int(&options, "cluster_time_limit", AURA_FILE_FLUSH_MS, 0);
    av_dict_set(&options, "movflags", "+frag_keyframe+empty_moov+default_base_moof", 0);
    av_dict_set_int(&options, "frag_duration", AURA_FILE_FLUSH_MS * 1000, 0);
    av_dict_set_int(&options, "page_duration", AURA_FILE_FLUSH_MS * 1000, 0);
    f->format->flags |= AVFMT_FLAG_FLUSH_PACKETS;
    err = avformat_write_header(f->format, &options);
    av_dict_free(&options); /* what this format does not know */
    f->began = err >= 0;
    return error_of(err);
}

int aura_file_open(struct aura_file **out, const struct aura_file_conf *conf) {
    const char *name = aura_file_suffix(conf->codec, conf->ogg);
    if (id_of(conf->codec) == AV_CODEC_ID_NONE) {
        return AURA_EUNSUPPORTED;
    }
    struct aura_file *f = aura_zalloc(sizeof(*f));
    if (!f) {
        return AURA_ENOMEM;
    }
    int err = error_of(avformat_alloc_output_context2(&f->format, NULL, name, conf->path));
    if (!err) {
        f->stream = avformat_new_stream(f->format, NULL);
        f->packet = av_packet_alloc();
        err = f->stream && f->packet ? describe(f, conf) : AURA_ENOMEM;
    }
    err = err ? err : begin(f, conf->path);
    if (err) {
        (void)aura_file_close(f);
        return err;
    }
    *out = f;
    return 0;
}

int aura_file_write(struct aura_file *f, const uint8_t *data, size_t len, int64_t time_us,
                    int64_t duration_us, bool key) {
    const AVRational us = {1, 1000000};
    AVPacket *p = f->packet;
    int64_t at = av_rescale_q(time_us, us, f->stream->time_base);
    if (f->any && at <= f->last) {
        at = f->last + 1;
    }
    /* Libraries read past the end, and some write into what they get. */
    int err = av_new_packet(p, (int)len);
    if (err < 0) {
        return error_of(err);
    }
    memcpy(p->data, data, len);
    p->pts = p->dts = at;
    p->duration = av_rescale_q(duration_us, us, f->stream->time_base);
    p->flags = key ? AV_PKT_FLAG_KEY : 0;
    p->stream_index = 0;
    err = av_write_frame(f->format, p);
    av_packet_unref(p);
    f->any = true;
    f->last = at;
    if (err >= 0 && f->format->pb && f->format->pb->error < 0) {
        err = f->format->pb->error;
    }
    return error_of(err);
}

uint64_t aura_file_bytes(const struct aura_file *f) {
    int64_t at = f->format && f->format->pb ? avio_tell(f->format->pb) : 0;
    return at > 0 ? (uint64_t)at : 0;
}

int aura_file_close(struct aura_file *f) {
    int err = 0;
    if (!f) {
        return 0;
    }
    if (f->began) {
        err = error_of(av_write_trailer(f->format));
    }
    if (f->format && f->format->pb && avio_closep(&f->format->pb) < 0) {
        err = err ? err : AURA_EIO;
    }
    avformat_free_context(f->format);
    av_packet_free(&f->packet);
    aura_free(f);
    return err;
}
