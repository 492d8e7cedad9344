/* SPDX-License-Identifier: Apache-2.0 */
#include "aic/core.h"

#include "aic/grpc_client.h"
#include "aicore.pb-c.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

typedef Auralink__Aicore__V1__CompressRequest request_t;
typedef Auralink__Aicore__V1__CompressResponse response_t;
typedef Auralink__Aicore__V1__AnalyzeResponse look_t;

enum {
    REQUEST_OVERHEAD = 128,
    STATUS_CANCELLED = 1, /* by aura_aic_stream_free() */
    STATUS_RESOURCE_EXHAUSTED = 8,
    STATUS_UNIMPLEMENTED = 12,
};

struct aura_aic_core {
    struct aura_grpc_client *client;
    uint32_t max_streams;
    atomic_uint streams;
};

/* Two hold it: the owner, and the connection until `closed`. */
struct aura_aic_stream {
    atomic_uint refs;
    struct aura_aic_core *core;
    struct aura_grpc_stream *stream;
    struct aura_aic_stream_handlers handlers;
    void *arg;
    bool draining; /* of the connection's thread */
};

bool aura_aic_address_is_near(const char *address) {
    static const char *const near[] = {"127.", "localhost:", "[::1]:", "unix:", "unix-abstract:"};
    for (size_t i = 0; i < sizeof(near) / sizeof(*near); i++) {
        if (strncmp(address, near[i], strlen(near[i])) == 0) {
            return true;
        }
    }
    return false;
}

int aura_aic_core_new(struct aura_aic_core **cp, const struct aura_aic_core_conf *conf) {
    struct aura_aic_core *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return AURA_ENOMEM;
    }
    const struct aura_grpc_client_conf client = {
        .address = conf->address,
        .ca = conf->ca,
        .certificate = conf->certificate,
        .key = conf->key,
        .message_bytes_max = AURA_AIC_FRAME_BYTES_MAX + REQUEST_OVERHEAD,
    };
    c->max_streams = conf->max_streams ? conf->max_streams : UINT32_MAX;
    atomic_init(&c->streams, 0);
    int err = aura_grpc_client_new(&c->client, &client);
    if (err) {
        aura_free(c);
        return err;
    }
    *cp = c;
    return 0;
}

struct aura_aic_core *aura_aic_core_free(struct aura_aic_core *c) {
    if (c) {
        aura_grpc_client_free(c->client);
        aura_free(c);
    }
    return NULL;
}

static void unref(struct aura_aic_stream *s) {
    if (atomic_fetch_sub(&s->refs, 1) == 1) {
        aura_free(s);
    }
}

static void on_message(void *arg, const uint8_t *data, size_t len) {
    struct aura_aic_stream *s = arg;
    response_t *r = auralink__aicore__v1__compress_response__unpack(NULL, len, data);
    if (!r) {
        return; /* a frame that never comes: the mode machine deals with that */
    }
    struct aura_aic_frame_out out = {
        .data = r->frame.data,
        .len = r->frame.len,
        .rtp_timestamp = r->rtp_timestamp,
        .key_frame = r->key_frame,
        .draining = r->draining,
        .bytes_in = r->bytes_in,
        .samples = r->samples,
        .keep = r->keep,
        .speech = r->speech,
        .hints = {.model = (uint16_t)r->model_id,
                  .saved = r->ratio,
                  .vmaf = r->quality,
                  .scale_q4 = AURA_AIC_SCALE_ONE},
    };
    if (r->content == AURALINK__AICORE__V1__CONTENT__CONTENT_SCREEN) {
        out.hints.flags |= AURA_AIC_SCREEN;
    }
    if (r->content == AURALINK__AICORE__V1__CONTENT__CONTENT_SILENCE) {
        out.hints.flags |= AURA_AIC_SILENCE;
    }
    if (r->faces) {
        out.hints.flags |= AURA_AIC_FACES;
    }
    snprintf(out.model, sizeof(out.model), "%s", r->model);
    s->draining = r->draining;
    s->handlers.frame(s->arg, &out);
    auralink__aicore__v1__compress_response__free_unpacked(r, NULL);
}

static void on_look(void *arg, const uint8_t *data, size_t len) {
    struct aura_aic_stream *s = arg;
    look_t *r = auralink__aicore__v1__analyze_response__unpack(NULL, len, data);
    if (!r) {
        return;
    }
    const struct aura_aic_look look = {
        .rtp_timestamp = r->rtp_timestamp,
        .recommended_kbps = r->recommended_kbps,
        .vmaf = r->quality,
        .screen = r->content == AURALINK__AICORE__V1__CONTENT__CONTENT_SCREEN,
    };
    s->handlers.look(s->arg, &look);
    auralink__aicore__v1__analyze_response__free_unpacked(r, NULL);
}

static void on_closed(void *arg, int status, const char *text) {
    struct aura_aic_stream *s = arg;
    bool refused = status == STATUS_RESOURCE_EXHAUSTED || status == STATUS_UNIMPLEMENTED;
    s->handlers.closed(s->arg,
                       s->draining ? AURA_AIC_DRAINING
                       : refused   ? AURA_AIC_REFUSED
                                   : AURA_AIC_BROKEN,
                       status == STATUS_CANCELLED ? "" : text);
    atomic_fetch_sub(&s->core->streams, 1);
    unref(s);
}

static bool has_room(struct aura_aic_core *c) {
    bool room = atomic_fetch_add(&c->streams, 1) < c->max_streams;
    if (!room) {
        atomic_fetch_sub(&c->streams, 1);
    }
    return room;
}

int aura_aic_stream_open(struct aura_aic_stream **sp, struct aura_aic_core *c,
                         enum aura_aic_call call, const struct aura_aic_stream_handlers *handlers,
                         void *arg) {
    static const struct aura_grpc_stream_handlers grpc[] = {
        [AURA_AIC_CALL_COMPRESS] = {on_message, on_closed},
        [AURA_AIC_CALL_ANALYZE] = {on_look, on_closed},
    };
    static const char *const paths[] = {
        [AURA_AIC_CALL_COMPRESS] = "/auralink.aicore.v1.AICore/CompressStream",
        [AURA_AIC_CALL_ANALYZE] = "/auralink.aicore.v1.AICore/Analyze",
    };
    if (!has_room(c)) {
        return AURA_ELIMIT;
    }
    struct aura_aic_stream *s = aura_zalloc(sizeof(*s));
    if (!s) {
        atomic_fetch_sub(&c->streams, 1);
        return AURA_ENOMEM;
    }
    atomic_init(&s->refs, 2);
    s->core = c;
    s->handlers = *handlers;
    s->arg = arg;
    int err = aura_grpc_stream_open(&s->stream, c->client, paths[call], &grpc[call], s);
    if (err) {
        atomic_fetch_sub(&c->streams, 1);
        aura_free(s);
        return err;
    }
    *sp = s;
    return 0;
}

int aura_aic_stream_send(struct aura_aic_stream *s, const struct aura_aic_frame_in *f) {
    request_t q = AURALINK__AICORE__V1__COMPRESS_REQUEST__INIT;
    Auralink__Aicore__V1__OperatingPoint point = AURALINK__AICORE__V1__OPERATING_POINT__INIT;
    bool raw = f->codec == AURA_AIC_I420;
    if (f->len > (raw ? AURA_AIC_PICTURE_BYTES_MAX : AURA_AIC_FRAME_BYTES_MAX)) {
        return AURA_ELIMIT;
    }
    point.target_quality = f->target_quality;
    point.max_kbps = f->max_kbps;
    point.fps = f->fps;
    point.packet_ms = f->packet_ms;
    point.loss_percent = f->loss_percent;
    point.redundancy = f->redundancy;
    q.frame = (ProtobufCBinaryData){.len = f->len, .data = (uint8_t *)(uintptr_t)f->data};
    q.codec = (Auralink__Aicore__V1__Codec)f->codec;
    q.width = f->width;
    q.height = f->height;
    q.rtp_timestamp = f->rtp_timestamp;
    q.key_frame = f->key_frame;
    q.channels = f->channels;
    q.point = &point;
    size_t len = auralink__aicore__v1__compress_request__get_packed_size(&q);
    uint8_t *bytes = aura_zalloc(len);
    if (!bytes) {
        return AURA_ENOMEM;
    }
    auralink__aicore__v1__compress_request__pack(&q, bytes);
    int err = aura_grpc_stream_send(s->stream, bytes, len);
    aura_free(bytes);
    return err;
}

struct aura_aic_stream *aura_aic_stream_free(struct aura_aic_stream *s) {
    if (s) {
        aura_grpc_stream_free(s->stream);
        unref(s);
    }
    return NULL;
}
