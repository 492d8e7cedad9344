/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/decoder.h"

#include "base/mem.h"

#include <libavcodec/avcodec.h>
#include <string.h>

struct aura_decoder {
    AVCodecContext *context;
    AVFrame *frame, *next;
    AVPacket *packet;
    uint8_t *padded; /* the library reads beyond the end */
    size_t cap;
};

static const char *name_of(enum aura_codec_kind kind) {
    switch (kind) {
    case AURA_CODEC_KIND_VP8:
        return "vp8";
    case AURA_CODEC_KIND_VP9:
        return "vp9";
    case AURA_CODEC_KIND_H264:
        return "h264";
    case AURA_CODEC_KIND_AV1:
        return "libdav1d";
    case AURA_CODEC_KIND_NONE:
        break;
    }
    return "";
}

/* Before it takes memory for pictures: a header of a few bytes may promise any size. */
static int get_buffer(AVCodecContext *context, AVFrame *frame, int flags) {
    if (frame->width > AURA_PICTURE_SIDE_MAX || frame->height > AURA_PICTURE_SIDE_MAX) {
        return AVERROR(ERANGE);
    }
    return avcodec_default_get_buffer2(context, frame, flags);
}

int aura_decoder_new(struct aura_decoder **dp, enum aura_codec_kind kind) {
    const AVCodec *codec = avcodec_find_decoder_by_name(name_of(kind));
    if (!codec) {
        return AURA_EUNSUPPORTED;
    }
    struct aura_decoder *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return AURA_ENOMEM;
    }
    d->context = avcodec_alloc_context3(codec);
    d->frame = av_frame_alloc();
    d->next = av_frame_alloc();
    d->packet = av_packet_alloc();
    if (!d->context || !d->frame || !d->next || !d->packet) {
        aura_decoder_free(d);
        return AURA_ENOMEM;
    }
    d->context->thread_count = 1; /* more of them would add frames of delay */
    d->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
    d->context->max_pixels = (int64_t)AURA_PICTURE_SIDE_MAX * AURA_PICTURE_SIDE_MAX;
    d->context->get_buffer2 = get_buffer;
    if (avcodec_open2(d->context, codec, NULL) < 0) {
        aura_decoder_free(d);
        return AURA_ENOMEM;
    }
    *dp = d;
    return 0;
}

struct aura_decoder *aura_decoder_free(struct aura_decoder *d) {
    if (d) {
        avcodec_free_context(&d->context);
        av_frame_free(&d->frame);
        av_frame_free(&d->next);
        av_packet_free(&d->packet);
        aura_free(d->padded);
        aura_free(d);
    }
    return NULL;
}

static int pad(struct aura_decoder *d, const uint8_t *data, size_t len) {
    size_t need = len + AV_INPUT_BUFFER_PADDING_SIZE;
    if (need > d->cap) {
        uint8_t *more = aura_realloc(d->padded, need);
        if (!more) {
            return AURA_ENOMEM;
        }
        d->padded = more;
        d->cap = need;
    }
    memcpy(d->padded, data, len);
    memset(d->padded + len, 0, AV_INPUT_BUFFER_PADDING_SIZE);
    return 0;
}

static int err_of(int code) {
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) {
        return AURA_EAGAIN;
    }
    if (code == AVERROR(ERANGE) || code == AVERROR(EINVAL)) {
        return AURA_ELIMIT;
    }
    return code == AVERROR(ENOMEM) ? AURA_ENOMEM : AURA_EMALFORMED;
}

int aura_decoder_decode(struct aura_decoder *d, const uint8_t *data, size_t len,
                        struct aura_picture *out) {
    if (len == 0 || len > INT32_MAX - AV_INPUT_BUFFER_PADDING_SIZE) {
        return AURA_EMALFORMED;
    }
    int err = pad(d, data, len);
    if (err) {
        return err;
    }
    av_packet_unref(d->packet);
    d->packet->data = d->padded;
    d->packet->size = (int)len;
    int code = avcodec_send_packet(d->context, d->packet);
    if (code >= 0) {
        code = avcodec_receive_frame(d->context, d->frame);
    }
    if (code < 0) {
        return err_of(code);
    }
    /* Spatial layers in one superframe: the last one is the largest. */
    while (avcodec_receive_frame(d->context, d->next) >= 0) {
        av_frame_unref(d->frame);
        av_frame_move_ref(d->frame, d->next);
    }
    const AVFrame *f = d->frame;
    if (f->format != AV_PIX_FMT_YUV420P && f->format != AV_PIX_FMT_YUVJ420P) {
        return AURA_EUNSUPPORTED;
    }
    if (f->width < AURA_PICTURE_SIDE_MIN || f->height < AURA_PICTURE_SIDE_MIN ||
        f->linesize[0] <= 0) {
        return AURA_ELIMIT;
    }
    *out = (struct aura_picture){.width = (uint32_t)f->width, .height = (uint32_t)f->height};
    for (int i = 0; i < 3; i++) {
        out->plane[i] = f->data[i];
        out->stride[i] = (size_t)f->linesize[i];
    }
    return 0;
}
