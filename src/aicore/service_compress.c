/* SPDX-License-Identifier: Apache-2.0 */
/* Compress, CompressStream and Analyze: messages in, a lane of the pool for each call, answers. */
#include "aicore/service_priv.h"

#include "aicore.pb-c.h"
#include "aicore/pace.h"
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
    BEHIND_US = 30000,     /* a frame that is at work for so long is followed by a late one */
    WINDOW = 64,           /* frames until its own times are known well enough */
    LATE_MOST = 6,         /* of them */
};

/* Of a thread, and of a packet's answer, until a stream's own times are known. */
static const struct aura_promise sound_promise = {.share = 0.05F, .answer_us = 2000};

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
    struct aura_track *track;    /* pictures … */
    struct aura_sound *sound;    /* … or sound, as the first message has it */
    uint32_t per_s;              /* frames */
    struct aura_promise promise; /* by the admission */
    bool admitted;
    bool shed;                          /* told to go: what still waits is not worth the time */
    float work_mean_us, answer_mean_us; /* of a frame */
    unsigned frames, late;              /* late: of this window */
    bool always_late;
    struct aura_pace pace;
    /* The frame whose answer is out, as long as something of it is left to do. */
    struct job *last;
    struct aura_frame_out out;
    uint32_t work_us;               /* so far */
    uint32_t answer_us, waiting_us; /* until the answer: work, and with the time it waited */
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
static void settle(struct stream *s) {
    float weight = 1 / (float)(s->frames < WINDOW ? s->frames + 1 : WINDOW);
    s->work_mean_us += ((float)s->work_us - s->work_mean_us) * weight;
    s->answer_mean_us += ((float)s->answer_us - s->answer_mean_us) * weight;
    s->late += s->waiting_us > AURA_ADMISSION_BUDGET_US;
    if (s->out.width && s->out.coded.len) {
        aura_admission_learn(s->core->admission, s->out.width, s->out.height, s->work_us,
                             s->answer_us);
    }
    if (s->admitted && ++s->frames % WINDOW == 0) {
        const struct aura_promise now = {.share = s->work_mean_us * (float)s->per_s / 1e6F,
                                         .answer_us = s->kind == ANALYZE ? 0 : s->answer_mean_us};
        aura_admission_change(s->core->admission, &s->promise, &now);
        s->promise = now;
        s->always_late = s->late > LATE_MOST && s->kind != ANALYZE;
        s->late = 0;
    }
}

/* Late because too much was promised, here or to other programs: with one less the others have
 * their time again. An encoder that can still be faster gets a chance first. */
static bool is_shed(struct stream *s, uint64_t waited_us) {
    bool hopeless = waited_us >= SHED_WAIT_US;
    bool late = s->always_late && s->pace.hurry == AURA_PACE_HURRY_MAX;
    if (s->shed || !s->admitted || (!hopeless && !late) ||
        !aura_admission_shed(s->core->admission, hopeless)) {
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

static void free_job(struct job *j) {
    if (j) {
        auralink__aicore__v1__compress_request__free_unpacked(j->request, NULL);
        aura_free(j);
    }
}

static void count_frame(struct stream *s, const uint32_t step_us[AURA_STEPS], size_t in, size_t out,
                        bool compressed) {
    atomic_fetch_add(&s->core->frames, 1);
    atomic_fetch_add(&s->core->bytes_in, in);
    atomic_fetch_add(&s->core->bytes_out, out);
    aura_metrics_frame(&s->core->metrics, step_us, compressed ? in : 0, out, s->waiting_us);
}

static void clock_answer(struct stream *s, const struct job *j, uint64_t began_us) {
    uint64_t now_us = aura_now_us(s->core->clock);
    s->work_us = s->answer_us = (uint32_t)(now_us - began_us);
    s->waiting_us = (uint32_t)(now_us - j->arrived_us);
}

static int do_picture(struct stream *s, const struct job *j, uint64_t began_us, int *unsent) {
    const request_t *q = j->request;
    struct aura_frame_in in = {.data = q->frame.data,
                               .len = q->frame.len,
                               .width = q->width,
                               .height = q->height,
                               .max_kbps = q->point ? q->point->max_kbps : 0,
                               .rtp_timestamp = q->rtp_timestamp,
                               .exact_kbps = q->point ? q->point->exact_kbps : 0,
                               .exact_quantizer = q->point ? q->point->exact_quantizer : 0,
                               .fps = q->point ? q->point->fps : 0,
                               .target_quality = q->point ? q->point->target_quality : 0,
                               .key_frame = q->key_frame || s->kind == COMPRESS,
                               .hurry = s->pace.hurry};
    int err = codec_of(q, &in.codec) && !s->sound ? 0 : AURA_EINVAL;
    err = err || s->track
              ? err
              : aura_track_new(&s->track, s->core->clock, s->core->models, s->core->without);
    if (err) {
        return err;
    }
    err = s->kind == ANALYZE ? aura_track_look(s->track, &in, &s->out)
                             : aura_track_frame(s->track, &in, &s->out);
    clock_answer(s, j, began_us);
    if (err) {
        return err;
    }
    *unsent = s->kind == ANALYZE ? answer_look(s, q, &s->out, s->waiting_us)
                                 : answer(s, q, &s->out, s->waiting_us);
    count_frame(s, s->out.step_us, q->frame.len, s->out.coded.len, s->out.coded.len > 0);
    if (s->kind == COMPRESS_STREAM && s->out.coded.len) {
        (void)aura_pace_frame(&s->pace, s->waiting_us);
    }
    return 0;
}

static int do_sound(struct stream *s, const struct job *j, uint64_t began_us, int *unsent) {
    const request_t *q = j->request;
    struct aura_sound_out out;
    int err = s->track ? AURA_EINVAL : 0;
    err = err || s->sound ? err : aura_sound_new(&s->sound, s->core->clock, s->core->models);
    err = err ? err : aura__sound_take(s->sound, q, s->kind == ANALYZE, s->kind == COMPRESS, &out);
    clock_answer(s, j, began_us);
    if (err) {
        return err;
    }
    *unsent = s->kind == ANALYZE ? aura__sound_answer_look(s->call, q, &out, s->waiting_us)
                                 : aura__sound_answer(s->core, s->call, q, &out, s->waiting_us);
    count_frame(s, out.step_us, q->frame.len, out.len, s->kind != ANALYZE && !out.keep);
    return 0;
}

/* @return something is left to do for it, when nobody waits */
static bool run_frame(void *arg, void *data) {
    struct stream *s = arg;
    struct job *j = data;
    uint64_t began_us = aura_now_us(s->core->clock);
    if (is_shed(s, began_us - j->arrived_us)) {
        free_job(j);
        return false;
    }
    bool sound = aura__sound_is(j->request);
    int unsent = 0;
    int err = sound ? do_sound(s, j, began_us, &unsent) : do_picture(s, j, began_us, &unsent);
    if (err) {
        fail(s, err);
    } else if (unsent == AURA_ELIMIT) {
        aura_metrics_refused(&s->core->metrics, AURA_REFUSED_SLOW);
        aura_grpc_finish(s->call, AURA_GRPC_RESOURCE_EXHAUSTED, "answers are read too slowly");
    }
    if (s->kind == COMPRESS) {
        aura_grpc_finish(s->call, AURA_GRPC_OK, "");
    }
    if (err || sound || s->kind != COMPRESS_STREAM) {
        if (!err) {
            settle(s);
        }
        free_job(j);
        return false;
    }
    s->last = j;
    return true;
}

/* The answer is out: what the next frame needs is found out when nobody waits. */
static bool run_rest(void *arg, bool hurry) {
    struct stream *s = arg;
    uint64_t began_us = aura_now_us(s->core->clock);
    /* A caller that sends as soon as it is answered always has one waiting: that is no hurry. */
    bool behind = hurry && began_us > s->last->arrived_us + BEHIND_US;
    bool more = aura_track_rest(s->track, behind);
    s->work_us += (uint32_t)(aura_now_us(s->core->clock) - began_us);
    if (!more) {
        settle(s);
        free_job(s->last);
        s->last = NULL;
    }
    return more;
}

static void unref(struct stream *s) {
    if (atomic_fetch_sub(&s->refs, 1) == 1) {
        aura_free(s);
    }
}

static void ended(void *arg) {
    struct stream *s = arg;
    if (s->admitted) {
        aura_admission_leave(s->core->admission, &s->promise);
    }
    aura_track_free(s->track);
    aura_sound_free(s->sound);
    free_job(s->last);
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

static const struct aura_lane_handlers lane_handlers = {run_frame, run_rest, ended};

static void *open_call(struct aura_aicore *core, struct aura_grpc_call *call, enum kind kind) {
    enum aura_grpc_status status;
    const char *why = refusal(core, call, &status);
    struct stream *s = why ? NULL : aura_zalloc(sizeof(*s));
    if (!why && (!s || aura_lane_new(&s->lane, core->pool, &lane_handlers, s))) {
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
    aura_pace_init(&s->pace);
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

static struct aura_promise promise_of(struct stream *s, const request_t *q) {
    struct aura_promise p = sound_promise;
    s->per_s = FPS_ASSUMED;
    if (aura__sound_is(q)) {
        s->per_s = 1000 / aura__sound_ms(q);
    } else {
        bool known = q->width && q->height && q->width <= AURA_PICTURE_SIDE_MAX &&
                     q->height <= AURA_PICTURE_SIDE_MAX;
        uint32_t fps =
            q->point && q->point->fps && q->point->fps <= 120 ? q->point->fps : FPS_ASSUMED;
        p = aura_admission_expect(s->core->admission, known ? q->width : WIDTH_ASSUMED,
                                  known ? q->height : HEIGHT_ASSUMED, fps);
    }
    if (s->kind == ANALYZE) {
        p.share = p.share * ANALYZE_PERCENT / 100;
        p.answer_us = 0; /* nobody waits for it */
    }
    return p;
}

/* With its first message a stream says how large it will be. */
static bool admit(struct stream *s, const request_t *q) {
    if (s->kind == COMPRESS || s->admitted) {
        return true;
    }
    s->promise = promise_of(s, q);
    s->admitted = aura_admission_enter(s->core->admission, &s->promise) == 0;
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
        free_job(j);
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
