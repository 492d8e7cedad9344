/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/encoder.h"

#include "base/clock.h"
#include "base/mem.h"

#include <aom/aom_encoder.h>
#include <aom/aomcx.h>
#include <string.h>

enum {
    KBPS_MIN = 20,
    KBPS_MAX = 50000,
    FPS_MAX = 120,
    BUFFER_MS = 1000,
    HD_PIXELS = 1280 * 720,
};

struct aura_encoder {
    aom_codec_ctx_t codec;
    aom_codec_enc_cfg_t cfg;
    bool open;
    int speed;
    unsigned hurry;
    uint64_t last_pts_us;
};

struct control {
    int id, value;
};

/* What each tool of AV1 gains at these speeds is not worth its time; the choice is the one that
 * real-time use of libaom has settled on (libaom's examples/svc_encoder_rtc). */
static bool set_controls(struct aura_encoder *e, const struct aura_encoder_conf *conf) {
    e->speed = conf->speed                                               ? conf->speed
               : conf->width * conf->height >= HD_PIXELS || conf->screen ? 10
                                                                         : 9;
    const struct control controls[] = {
        {AOME_SET_CPUUSED, e->speed},
        {AV1E_SET_AQ_MODE, 0}, /* 3, as in the examples, costs 1.4 VMAF and as much NEG */
        {AV1E_SET_TUNE_CONTENT, conf->screen ? AOM_CONTENT_SCREEN : AOM_CONTENT_DEFAULT},
        {AV1E_SET_ENABLE_PALETTE, conf->screen},
        {AV1E_SET_ENABLE_INTRABC, conf->screen},
        {AV1E_SET_COEFF_COST_UPD_FREQ, 3},
        {AV1E_SET_MODE_COST_UPD_FREQ, 3},
        {AV1E_SET_MV_COST_UPD_FREQ, 3},
        {AV1E_SET_CDF_UPDATE_MODE, 1},
        {AV1E_SET_ENABLE_CDEF, 1},
        {AV1E_SET_ENABLE_ORDER_HINT, 0},
        {AV1E_SET_ENABLE_OBMC, 0},
        {AV1E_SET_ENABLE_WARPED_MOTION, 0},
        {AV1E_SET_ENABLE_GLOBAL_MOTION, 0},
        {AV1E_SET_ENABLE_REF_FRAME_MVS, 0},
        {AV1E_SET_ENABLE_CFL_INTRA, 0},
        {AV1E_SET_ENABLE_SMOOTH_INTRA, 0},
        {AV1E_SET_ENABLE_ANGLE_DELTA, 0},
        {AV1E_SET_ENABLE_FILTER_INTRA, 0},
        {AV1E_SET_INTRA_DEFAULT_TX_ONLY, 1},
        {AV1E_SET_DISABLE_TRELLIS_QUANT, 1},
        {AV1E_SET_MAX_REFERENCE_FRAMES, 3},
        {AV1E_SET_ERROR_RESILIENT_MODE, 0},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); i++) {
        ok &= aom_codec_control(&e->codec, controls[i].id, controls[i].value) == AOM_CODEC_OK;
    }
    return ok;
}

static bool sane(const struct aura_encoder_conf *c) {
    return c->width >= AURA_PICTURE_SIDE_MIN && c->width <= AURA_PICTURE_SIDE_MAX &&
           c->height >= AURA_PICTURE_SIDE_MIN && c->height <= AURA_PICTURE_SIDE_MAX &&
           c->kbps >= KBPS_MIN && c->kbps <= KBPS_MAX && c->fps > 0 && c->fps <= FPS_MAX;
}

int aura_encoder_new(struct aura_encoder **ep, const struct aura_encoder_conf *conf) {
    if (!sane(conf)) {
        return AURA_ELIMIT;
    }
    struct aura_encoder *e = aura_zalloc(sizeof(*e));
    if (!e) {
        return AURA_ENOMEM;
    }
    aom_codec_iface_t *av1 = aom_codec_av1_cx();
    bool ok = aom_codec_enc_config_default(av1, &e->cfg, AOM_USAGE_REALTIME) == AOM_CODEC_OK;
    e->cfg.g_w = conf->width;
    e->cfg.g_h = conf->height;
    e->cfg.g_threads = 1;
    e->cfg.g_timebase = (struct aom_rational){1, (int)AURA_US_PER_S};
    e->cfg.g_lag_in_frames = 0;
    e->cfg.rc_end_usage = AOM_CBR;
    e->cfg.rc_target_bitrate = conf->kbps;
    e->cfg.rc_min_quantizer = AURA_ENCODER_QUANTIZER_BEST;
    e->cfg.rc_max_quantizer = AURA_ENCODER_QUANTIZER_WORST;
    e->cfg.rc_undershoot_pct = 50;
    e->cfg.rc_overshoot_pct = 50;
    e->cfg.rc_buf_sz = BUFFER_MS;
    e->cfg.rc_buf_initial_sz = BUFFER_MS * 6 / 10;
    e->cfg.rc_buf_optimal_sz = BUFFER_MS * 6 / 10;
    e->cfg.kf_mode = AOM_KF_DISABLED; /* only when asked */
    e->open = ok && aom_codec_enc_init(&e->codec, av1, &e->cfg, 0) == AOM_CODEC_OK;
    if (!e->open || !set_controls(e, conf)) {
        aura_encoder_free(e);
        return AURA_ENOMEM;
    }
    *ep = e;
    return 0;
}

const char *aura_encoder_version(void) {
    return aom_codec_version_str();
}

struct aura_encoder *aura_encoder_free(struct aura_encoder *e) {
    if (e) {
        if (e->open) {
            aom_codec_destroy(&e->codec);
        }
        aura_free(e);
    }
    return NULL;
}

int aura_encoder_set(struct aura_encoder *e, uint32_t kbps, uint32_t fps) {
    (void)fps; /* the time stamps tell it */
    if (kbps < KBPS_MIN || kbps > KBPS_MAX) {
        return AURA_ELIMIT;
    }
    if (kbps == e->cfg.rc_target_bitrate) {
        return 0;
    }
    e->cfg.rc_target_bitrate = kbps;
    return aom_codec_enc_config_set(&e->codec, &e->cfg) == AOM_CODEC_OK ? 0 : AURA_ELIMIT;
}

int aura_encoder_hold(struct aura_encoder *e, unsigned quantizer) {
    unsigned best = quantizer ? quantizer : AURA_ENCODER_QUANTIZER_BEST;
    unsigned worst = quantizer ? quantizer : AURA_ENCODER_QUANTIZER_WORST;
    if (best < AURA_ENCODER_QUANTIZER_BEST || worst > AURA_ENCODER_QUANTIZER_WORST) {
        return AURA_ELIMIT;
    }
    if (best == e->cfg.rc_min_quantizer && worst == e->cfg.rc_max_quantizer) {
        return 0;
    }
    e->cfg.rc_min_quantizer = best;
    e->cfg.rc_max_quantizer = worst;
    return aom_codec_enc_config_set(&e->codec, &e->cfg) == AOM_CODEC_OK ? 0 : AURA_ELIMIT;
}

void aura_encoder_hurry(struct aura_encoder *e, unsigned steps) {
    if (steps == e->hurry) {
        return;
    }
    e->hurry = steps;
    /* Which speeds there are depends on the library's version. */
    for (int speed = e->speed + (int)steps; speed >= e->speed; speed--) {
        if (aom_codec_control(&e->codec, AOME_SET_CPUUSED, speed) == AOM_CODEC_OK) {
            return;
        }
    }
}

/* Temporal delimiters do not travel in RTP (AV1 RTP section 5). */
static void skip_delimiter(struct aura_coded *c) {
    if (c->len >= 2 && c->data[0] == 0x12 && c->data[1] == 0) {
        c->data += 2;
        c->len -= 2;
    }
}

int aura_encoder_encode(struct aura_encoder *e, const struct aura_picture *p, uint64_t pts_us,
                        bool key_frame, struct aura_coded *out) {
    aom_image_t image = {.fmt = AOM_IMG_FMT_I420,
                         .w = p->width,
                         .h = p->height,
                         .d_w = p->width,
                         .d_h = p->height,
                         .bit_depth = 8,
                         .bps = 12,
                         .x_chroma_shift = 1,
                         .y_chroma_shift = 1};
    if (p->width != e->cfg.g_w || p->height != e->cfg.g_h ||
        (e->last_pts_us && pts_us <= e->last_pts_us)) {
        return AURA_EINVAL;
    }
    for (int i = 0; i < 3; i++) {
        image.planes[i] = (unsigned char *)(uintptr_t)p->plane[i];
        image.stride[i] = (int)p->stride[i];
    }
    uint64_t step_us = e->last_pts_us ? pts_us - e->last_pts_us : AURA_US_PER_S / 30;
    step_us = step_us < AURA_US_PER_S ? step_us : AURA_US_PER_S;
    e->last_pts_us = pts_us;
    if (aom_codec_encode(&e->codec, &image, (aom_codec_pts_t)pts_us, step_us,
                         key_frame ? AOM_EFLAG_FORCE_KF : 0) != AOM_CODEC_OK) {
        return AURA_ENOMEM;
    }
    aom_codec_iter_t it = NULL;
    const aom_codec_cx_pkt_t *packet;
    int q = 0;
    *out = (struct aura_coded){.len = 0};
    while ((packet = aom_codec_get_cx_data(&e->codec, &it))) {
        if (packet->kind == AOM_CODEC_CX_FRAME_PKT) {
            out->data = packet->data.frame.buf;
            out->len = packet->data.frame.sz;
            out->key_frame = packet->data.frame.flags & AOM_FRAME_IS_KEY;
        }
    }
    if (!out->len) {
        return AURA_EAGAIN;
    }
    skip_delimiter(out);
    (void)aom_codec_control(&e->codec, AOME_GET_LAST_QUANTIZER, &q);
    out->quantizer = (uint8_t)q;
    return 0;
}

bool aura_encoder_seen(struct aura_encoder *e, struct aura_picture *out) {
    const aom_image_t *image = aom_codec_get_preview_frame(&e->codec);
    if (!image || image->fmt != AOM_IMG_FMT_I420) {
        return false;
    }
    *out = (struct aura_picture){.width = image->d_w, .height = image->d_h};
    for (int i = 0; i < 3; i++) {
        out->plane[i] = image->planes[i];
        out->stride[i] = (size_t)image->stride[i];
    }
    return true;
}
