/* SPDX-License-Identifier: Apache-2.0 */
/* Compress, CompressStream and Analyze: messages in, a lane of the pool for each call, answers. */
#include "aicore/service_priv.h"

#include "aicore.pb-c.h"
#include "aicore/track.h"
#include "base/log.h"
#include "base/mem.h"

#include <string.h>

typedef Auralink__Aicore__V1__CompressRequest request_t;
typedef Auralink__Aicore__V1__CompressResponse response_t;

enum kind { COMPRESS, COMPRESS_STREAM, ANALYZE };

enum {
    /* What a stream is taken for until its first frame has been seen. */
    WIDTH_ASSUMED = 1280,
    HEIGHT_ASSUMED = 720,
    FPS_ASSUMED = 30,
    ANALYZE_PERCENT = 40,  /* of a compressed stream's time: it decodes, but does not encode */
    SHED_WAIT_US = 150000, /* a frame that waits longer is of no use to anybody */
    SETTLE_FRAMES = 60,    /* until its own times are known well enough */
};

static const float sound_share = 0.05F; /* of a thread, until a stream's own times are known */

struct job {
    uint64_t arrived_us;
    request_t *request;
};

/* Two hold it: the call until it is closed, and the lane until its last frame is done. */
struct stream {
    atomic_uint refs;
    struct aura_aicore *core;
    enum kind kind;
    struct aura_grpc_call *call;
    struct aura_lane *lane;
    struct aura_track *track; /* pictures … */
    struct aura_sound *sound; /* … or sound, as the first message has it */
    uint32_t per_s;           /* frames */
    float share;              /* of a thread, promised by the admission */
    bool admitted;
    bool shed;     /* told to go: what still waits is not worth the time */
    float mean_us; /* of a frame */
    unsigned frames;
};

static enum aura_grpc_status status_of(int err) {
    switch (err) {
    case AURA_ENOMEM:
    case AURA_ELIMIT:
        return AURA_GRPC_RESOURCE_EXHAUSTED;
    case AURA_EUNSUPPORTED:
        return AURA_GRPC_UNIMPLEMENTED;
    case AURA_EMALFORMED:
    case AURA_EINVAL:
        return AURA_GRPC_INVALID_ARGUMENT;
    default:
        return AURA_GRPC_INTERNAL;
    }
}

static bool codec_of(const request_t *q, enum aura_codec_kind *kind) {
    switch (q->codec) {
    case AURALINK__AICORE__V1__CODEC__CODEC_VP8:
        *kind = AURA_CODEC_KIND_VP8;
        return true;
    case AURALINK__AICORE__V1__CODEC__CODEC_VP9:
        *kind = AURA_CODEC_KIND_VP9;
        return true;
    case AURALINK__AICORE__V1__CODEC__CODEC_H264:
        *kind = AURA_CODEC_KIND_H264;
        return true;
    case AURALINK__AICORE__V1__CODEC__CODEC_AV1:
        *kind = AURA_CODEC_KIND_AV1;
        return true;
    case AURALINK__AICORE__V1__CODEC__CODEC_I420:
        *kind = AURA_CODEC_KIND_NONE;
        return true;
    case AURALINK__AICORE__V1__CODEC__CODEC_OPUS:
    case AURALINK__AICORE__V1__CODEC__CODEC_PCM:
    case AURALINK__AICORE__V1__CODEC__CODEC_UNSPECIFIED:
    case _AURALINK__AICORE__V1__CODEC_IS_INT_SIZE:
    default:
        return false;
    }
}

/* ---- a frame, on a thread of the pool ---- */

size_t aura__service_steps(const uint32_t step_us[AURA_STEPS], bool sound,
                           Auralink__Aicore__V1__StepTime steps[AURA_STEPS],
                           Auralink__Aicore__V1__StepTime *list[AURA_STEPS]) {
    size_t n = 0;
    for (size_t i = 0; i < AURA_STEPS; i++) {
        bool both = i == AURA_STEP_DECODE || i == AURA_STEP_ENCODE;
        if (both || (i == AURA_STEP_SPEECH) == sound) {
            auralink__aicore__v1__step_time__init(&steps[n]);
            steps[n].step = (char *)(uintptr_t)aura_step_name((enum aura_step)i);
            steps[n].us = step_us[i];
            list[n] = &steps[n];
            n++;
        }
    }
    return n;
}

static void fill_statistics(Auralink__Aicore__V1__Statistics *to, const struct aura_statistics *s) {
    auralink__aicore__v1__statistics__init(to);
    to->motion = s->motion;
    to->residual = s->residual;
    to->texture = s->texture;
    to->noise = s->noise;
    to->flat = s->flat;
}

static int answer(struct stream *s, const request_t *q, const struct aura_frame_out *out,
                  uint32_t total_us) {
    Auralink__Aicore__V1__StepTime steps[AURA_STEPS], *list[AURA_STEPS];
    Auralink__Aicore__V1__Statistics statistics;
    Auralink__Aicore__V1__Coding coding = AURALINK__AICORE__V1__CODING__INIT;
    response_t r = AURALINK__AICORE__V1__COMPRESS_RESPONSE__INIT;
    r.frame.data = (uint8_t *)(uintptr_t)out->coded.data;
    r.frame.len = out->coded.len;
    r.codec = AURALINK__AICORE__V1__CODEC__CODEC_AV1;
    r.rtp_timestamp = q->rtp_timestamp;
    r.key_frame = out->coded.key_frame;
    r.width = out->width;
    r.height = out->height;
    r.bytes_in = (uint32_t)q->frame.len;
    r.bytes_out = (uint32_t)out->coded.len;
    r.ratio = out->ratio;
    r.quality = out->quality;
    r.model = (char *)(uintptr_t)(out->model ? out->model : "");
    r.model_id = out->model_number;
    r.content = out->screen ? AURALINK__AICORE__V1__CONTENT__CONTENT_SCREEN
                            : AURALINK__AICORE__V1__CONTENT__CONTENT_CAMERA;
    fill_statistics(&statistics, &out->statistics);
    r.statistics = &statistics;
    coding.kbps = out->kbps;
    coding.quantizer = out->coded.quantizer;
    coding.fine = out->likeness.fine;
    coding.coarse = out->likeness.coarse;
    coding.edges = out->likeness.edges;
    r.coding = &coding;
    r.faces = out->faces.count;
    r.total_us = total_us;
    r.draining = atomic_load(&s->core->draining);
    r.n_steps = aura__service_steps(out->step_us, false, steps, list);
    r.steps = list;
    return aura__service_send(s->call, &r.base);
}

static int answer_look(struct stream *s, const request_t *q, const struct aura_frame_out *out,
                       uint32_t total_us) {
    Auralink__Aicore__V1__Statistics statistics;
    Auralink__Aicore__V1__AnalyzeResponse r = AURALINK__AICORE__V1__ANALYZE_RESPONSE__INIT;
    r.rtp_timestamp = q->rtp_timestamp;
    r.content = out->screen ? AURALINK__AICORE__V1__CONTENT__CONTENT_SCREEN
                            : AURALINK__AICORE__V1__CONTENT__CONTENT_CAMERA;
    fill_statistics(&statistics, &out->statistics);
    r.statistics = &statistics;
    r.faces = out->faces.count;
    r.person_share = out->person_share;
    r.recommended_kbps = out->kbps;
    r.quality = out->quality;
    r.total_us = total_us;
    return aura__service_send(s->call, &r.base);
}

/* What the stream takes of a thread's time, when that is known better than at its beginning. */
static void settle(struct stream *s, uint32_t us) {
    s->frames++;
    s->mean_us +=
        ((float)us - s->mean_us) / (float)(s->frames < SETTLE_FRAMES ? s->frames : SETTLE_FRAMES);
    if (s->admitted && s->frames % SETTLE_FRAMES == 0) {
        float share = s->mean_us * (float)s->per_s / 1e6F;
        aura_admission_change(s->core->admission, s->share, share);
        s->share = share;
    }
}

static bool is_shed(struct stream *s, uint64_t waited_us) {
    if (s->shed || !s->admitted || waited_us < SHED_WAIT_US ||
        !aura_admission_shed(s->core->admission)) {
        return s->shed;
    }
    s->shed = true;
    aura_metrics_refused(&s->core->metrics, AURA_REFUSED_ROOM);
    aura_grpc_finish(s->call, AURA_GRPC_RESOURCE_EXHAUSTED,
                     "no time left for this stream: the others need what it was promised");
    return true;
}

static void fail(struct stream *s, int err) {
    static const char *const texts[] = {
        "the frame cannot be decoded as the codec it is said to be",
        "its sides or its rate are out of range (16 to 4096 samples)",
        "this codec or pixel format is not supported here",
    };
    const char *text = err == AURA_EMALFORMED     ? texts[0]
                       : err == AURA_ELIMIT       ? texts[1]
                       : err == AURA_EUNSUPPORTED ? texts[2]
                                                  : aura_err_text(err);
    atomic_fetch_add(&s->core->frames_failed, 1);
    aura_metrics_refused(&s->core->metrics, aura_metrics_why(err));
    aura_grpc_finish(s->call, status_of(err), text);
}

static void count_frame(struct stream *s, const uint32_t step_us[AURA_STEPS], size_t in, size_t out,
                        uint32_t total_us, bool compressed) {
    atomic_fetch_add(&s->core->frames, 1);
    atomic_fetch_add(&s->core->bytes_in, in);
    atomic_fetch_add(&s->core->bytes_out, out);
    aura_metrics_frame(&s->core->metrics, step_us, compressed ? in : 0, out, total_us);
}

static int compute_picture(struct stream *s, const struct job *j) {
    const request_t *q = j->request;
    struct aura_frame_in in = {.data = q->frame.data,
                               .len = q->frame.len,
                               .width = q->width,
                               .height = q->height,
                               .max_kbps = q->point ? q->point->max_kbps : 0,
                               .rtp_timestamp = q->rtp_timestamp,
                               .exact_kbps = q->point ? q->point->exact_kbps : 0,
                               .fps = q->point ? q->point->fps : 0,
                               .target_quality = q->point ? q->point->target_quality : 0,
                               .key_frame = q->key_frame || s->kind == COMPRESS};
    struct aura_frame_out out;
    int err = codec_of(q, &in.codec) && !s->sound ? 0 : AURA_EINVAL;
    err = err || s->track ? err : aura_track_new(&s->track, s->core->clock, s->core->models);
    uint64_t began_us = aura_now_us(s->core->clock);
    if (!err) {
        err = s->kind == ANALYZE ? aura_track_look(s->track, &in, &out)
                                 : aura_track_frame(s->track, &in, &out);
    }
    if (err) {
        fail(s, err);
        return 0;
    }
    uint64_t now_us = aura_now_us(s->core->clock);
    uint32_t total_us = (uint32_t)(now_us - j->arrived_us), us = (uint32_t)(now_us - began_us);
    if (out.width && out.coded.len) {
        aura_admission_learn(s->core->admission, out.width, out.height, us);
    }
    settle(s, us);
    count_frame(s, out.step_us, q->frame.len, out.coded.len, total_us, out.coded.len > 0);
    return s->kind == ANALYZE ? answer_look(s, q, &out, total_us) : answer(s, q, &out, total_us);
}

static int compute_sound(struct stream *s, const struct job *j) {
    const request_t *q = j->request;
    struct aura_sound_out out;
    int err = s->track ? AURA_EINVAL : 0;
    err = err || s->sound ? err : aura_sound_new(&s->sound, s->core->clock, s->core->models);
    uint64_t began_us = aura_now_us(s->core->clock);
    err = err ? err : aura__sound_take(s->sound, q, s->kind == ANALYZE, s->kind == COMPRESS, &out);
    if (err) {
        fail(s, err);
        return 0;
    }
    uint64_t now_us = aura_now_us(s->core->clock);
    uint32_t total_us = (uint32_t)(now_us - j->arrived_us);
    settle(s, (uint32_t)(now_us - began_us));
    count_frame(s, out.step_us, q->frame.len, out.len, total_us, s->kind != ANALYZE && !out.keep);
    return s->kind == ANALYZE ? aura__sound_answer_look(s->call, q, &out, total_us)
                              : aura__sound_answer(s->core, s->call, q, &out, total_us);
}

static void compute(struct stream *s, const struct job *j) {
    int err = aura__sound_is(j->request) ? compute_sound(s, j) : compute_picture(s, j);
    if (err == AURA_ELIMIT) {
        aura_metrics_refused(&s->core->metrics, AURA_REFUSED_SLOW);
        aura_grpc_finish(s->call, AURA_GRPC_RESOURCE_EXHAUSTED, "answers are read too slowly");
    }
    if (s->kind == COMPRESS) {
        aura_grpc_finish(s->call, AURA_GRPC_OK, "");
    }
}

static void run_frame(void *arg, void *data) {
    struct stream *s = arg;
    struct job *j = data;
    if (!is_shed(s, aura_now_us(s->core->clock) - j->arrived_us)) {
        compute(s, j);
    }
    auralink__aicore__v1__compress_request__free_unpacked(j->request, NULL);
    aura_free(j);
}

static void unref(struct stream *s) {
    if (atomic_fetch_sub(&s->refs, 1) == 1) {
        aura_free(s);
    }
}

static void ended(void *arg) {
    struct stream *s = arg;
    if (s->admitted) {
        aura_admission_leave(s->core->admission, s->share);
    }
    aura_track_free(s->track);
    aura_sound_free(s->sound);
    aura_grpc_finish(s->call, AURA_GRPC_OK, "");
    aura_grpc_call_unref(s->call);
    unref(s);
}

/* ---- a call, on the server's thread ---- */

static const char *refusal(struct aura_aicore *core, struct aura_grpc_call *call,
                           enum aura_grpc_status *status) {
    if (atomic_load(&core->draining)) {
        *status = AURA_GRPC_UNAVAILABLE;
        aura_metrics_refused(&core->metrics, AURA_REFUSED_DRAINING);
        return "AI Core is draining: call another one";
    }
    if (!aura_admission_may_open(core->admission, aura_grpc_peer(call))) {
        *status = AURA_GRPC_RESOURCE_EXHAUSTED;
        aura_metrics_refused(&core->metrics, AURA_REFUSED_RATE);
        return "too many calls from this client: wait a second";
    }
    return NULL;
}

static void *open_call(struct aura_aicore *core, struct aura_grpc_call *call, enum kind kind) {
    enum aura_grpc_status status;
    const char *why = refusal(core, call, &status);
    struct stream *s = why ? NULL : aura_zalloc(sizeof(*s));
    if (!why && (!s || aura_lane_new(&s->lane, core->pool, run_frame, ended, s))) {
        aura_free(s);
        s = NULL;
        status = AURA_GRPC_RESOURCE_EXHAUSTED;
        why = "out of memory";
        aura_metrics_refused(&core->metrics, AURA_REFUSED_MEMORY);
    }
    if (why) {
        aura_grpc_finish(call, status, why);
        return NULL;
    }
    atomic_init(&s->refs, 2);
    s->core = core;
    s->kind = kind;
    s->call = aura_grpc_call_ref(call);
    return s;
}

static void *open_compress(void *arg, struct aura_grpc_call *call) {
    return open_call(arg, call, COMPRESS);
}
static void *open_stream(void *arg, struct aura_grpc_call *call) {
    return open_call(arg, call, COMPRESS_STREAM);
}
static void *open_analyze(void *arg, struct aura_grpc_call *call) {
    return open_call(arg, call, ANALYZE);
}

static float share_of(struct stream *s, const request_t *q) {
    if (aura__sound_is(q)) {
        s->per_s = 1000 / aura__sound_ms(q);
        return sound_share;
    }
    bool known = q->width && q->height && q->width <= AURA_PICTURE_SIDE_MAX &&
                 q->height <= AURA_PICTURE_SIDE_MAX;
    uint32_t fps = q->point && q->point->fps && q->point->fps <= 120 ? q->point->fps : FPS_ASSUMED;
    s->per_s = FPS_ASSUMED;
    float share = aura_admission_expect(s->core->admission, known ? q->width : WIDTH_ASSUMED,
                                        known ? q->height : HEIGHT_ASSUMED, fps);
    return s->kind == ANALYZE ? share * ANALYZE_PERCENT / 100 : share;
}

/* With its first message a stream says how large it will be. */
static bool admit(struct stream *s, const request_t *q) {
    if (s->kind == COMPRESS || s->admitted) {
        return true;
    }
    s->share = share_of(s, q);
    s->admitted = aura_admission_enter(s->core->admission, s->share) == 0;
    atomic_fetch_add(s->admitted ? &s->core->streams_opened : &s->core->streams_refused, 1);
    return s->admitted;
}

static void on_message(void *user, struct aura_grpc_call *call, const uint8_t *data, size_t len) {
    struct stream *s = user;
    if (!data) {
        if (s->kind != COMPRESS) {
            aura_lane_close(s->lane);
            s->lane = NULL;
        }
        return;
    }
    struct job *j = aura_zalloc(sizeof(*j));
    request_t *q = j ? auralink__aicore__v1__compress_request__unpack(NULL, len, data) : NULL;
    if (!q) {
        aura_metrics_refused(&s->core->metrics, j ? AURA_REFUSED_MESSAGE : AURA_REFUSED_MEMORY);
        aura_free(j);
        aura_grpc_finish(call, j ? AURA_GRPC_INVALID_ARGUMENT : AURA_GRPC_RESOURCE_EXHAUSTED,
                         j ? "not a CompressRequest" : "out of memory");
        return;
    }
    *j = (struct job){.arrived_us = aura_now_us(s->core->clock), .request = q};
    int err = admit(s, q) ? (s->lane ? aura_lane_add(s->lane, j) : AURA_ECLOSED) : AURA_ELIMIT;
    if (err) {
        bool in = s->admitted || s->kind == COMPRESS;
        aura_metrics_refused(&s->core->metrics, in ? AURA_REFUSED_FAST : AURA_REFUSED_ROOM);
        aura_grpc_finish(call, AURA_GRPC_RESOURCE_EXHAUSTED,
                         in ? "frames come faster than they can be compressed"
                            : "no room for another stream: its time is promised to others");
        auralink__aicore__v1__compress_request__free_unpacked(q, NULL);
        aura_free(j);
    }
}

static void on_closed(void *user, struct aura_grpc_call *call) {
    struct stream *s = user;
    (void)call;
    if (s->lane) {
        aura_lane_close(s->lane);
    }
    unref(s);
}

#define SERVICE "/auralink.aicore.v1.AICore/"

const struct aura_grpc_method aura__compress_methods[3] = {
    {SERVICE "Compress", NULL, open_compress, on_message, on_closed},
    {SERVICE "CompressStream", NULL, open_stream, on_message, on_closed},
    {SERVICE "Analyze", NULL, open_analyze, on_message, on_closed},
};
