/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/vp8_encoder.h"

#include "base/clock.h"
#include "base/mem.h"

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

enum {
    KBPS_MIN = 20,
    KBPS_MAX = 50000,
    FPS_MAX = 120,
    SPEED = -8, /* real time: negative means by complexity, not by the clock */
    STATIC_THRESHOLD = 1,
    Q_MIN = 2,
    Q_MAX = 56,
    INTRA_RATE_PERCENT = 900, /* of a frame's share: a key frame's ceiling */
};

struct aura_vp8_encoder {
    vpx_codec_ctx_t codec;
    vpx_codec_enc_cfg_t cfg;
    bool open;
    uint64_t last_pts_us;
};

static bool sane(const struct aura_encoder_conf *c) {
    return c->width >= AURA_PICTURE_SIDE_MIN && c->width <= AURA_PICTURE_SIDE_MAX &&
           c->height >= AURA_PICTURE_SIDE_MIN && c->height <= AURA_PICTURE_SIDE_MAX &&
           c->kbps >= KBPS_MIN && c->kbps <= KBPS_MAX && c->fps > 0 && c->fps <= FPS_MAX;
}

static bool set_controls(struct aura_vp8_encoder *e) {
    return vpx_codec_control(&e->codec, VP8E_SET_CPUUSED, SPEED) == VPX_CODEC_OK &&
           vpx_codec_control(&e->codec, VP8E_SET_STATIC_THRESHOLD, STATIC_THRESHOLD) ==
               VPX_CODEC_OK &&
           vpx_codec_control(&e->codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, INTRA_RATE_PERCENT) ==
               VPX_CODEC_OK;
}

int aura_vp8_encoder_new(struct aura_vp8_encoder **ep, const struct aura_encoder_conf *conf) {
    if (!sane(conf)) {
        return AURA_ELIMIT;
    }
    struct aura_vp8_encoder *e = aura_zalloc(sizeof(*e));
    if (!e) {
        return AURA_ENOMEM;
    }
    vpx_codec_iface_t *vp8 = vpx_codec_vp8_cx();
    bool ok = vpx_codec_enc_config_default(vp8, &e->cfg, 0) == VPX_CODEC_OK;
    e->cfg.g_w = conf->width;
    e->cfg.g_h = conf->height;
    e->cfg.g_threads = 1;
    e->cfg.g_timebase = (struct vpx_rational){1, (int)AURA_US_PER_S};
    e->cfg.g_lag_in_frames = 0;
    e->cfg.g_error_resilient = 0;
    e->cfg.rc_end_usage = VPX_CBR;
    e->cfg.rc_target_bitrate = conf->kbps;
    e->cfg.rc_min_quantizer = Q_MIN;
    e->cfg.rc_max_quantizer = Q_MAX;
    e->cfg.rc_undershoot_pct = 100;
    e->cfg.rc_overshoot_pct = 15;
    e->cfg.rc_buf_sz = 1000;
    e->cfg.rc_buf_initial_sz = 500;
    e->cfg.rc_buf_optimal_sz = 600;
    e->cfg.rc_dropframe_thresh = 0;
    e->cfg.kf_mode = VPX_KF_DISABLED; /* only when asked */
    e->open = ok && vpx_codec_enc_init(&e->codec, vp8, &e->cfg, 0) == VPX_CODEC_OK;
    if (!e->open || !set_controls(e)) {
        aura_vp8_encoder_free(e);
        return AURA_ENOMEM;
    }
    *ep = e;
    return 0;
}

struct aura_vp8_encoder *aura_vp8_encoder_free(struct aura_vp8_encoder *e) {
    if (e) {
        if (e->open) {
            vpx_codec_destroy(&e->codec);
        }
        aura_free(e);
    }
    return NULL;
}

int aura_vp8_encoder_set(struct aura_vp8_encoder *e, uint32_t kbps) {
    if (kbps < KBPS_MIN || kbps > KBPS_MAX) {
        return AURA_ELIMIT;
    }
    if (kbps == e->cfg.rc_target_bitrate) {
        return 0;
    }
    e->cfg.rc_target_bitrate = kbps;
    return vpx_codec_enc_config_set(&e->codec, &e->cfg) == VPX_CODEC_OK ? 0 : AURA_ELIMIT;
}

static vpx_image_t image_of(const struct aura_picture *p) {
    vpx_image_t image = {.fmt = VPX_IMG_FMT_I420,
                         .w = p->width,
                         .h = p->height,
                         .d_w = p->width,
                         .d_h = p->height,
                         .bit_depth = 8,
                         .bps = 12,
                         .x_chroma_shift = 1,
                         .y_chroma_shift = 1};
    for (int i = 0; i < 3; i++) {
        image.planes[i] = (unsigned char *)(uintptr_t)p->plane[i];
        image.stride[i] = (int)p->stride[i];
    }
    return image;
}

int aura_vp8_encoder_encode(struct aura_vp8_encoder *e, const struct aura_picture *p,
                            uint64_t pts_us, bool key_frame, struct aura_coded *out) {
    vpx_image_t image = image_of(p);
    if (p->width != e->cfg.g_w || p->height != e->cfg.g_h ||
        (e->last_pts_us && pts_us <= e->last_pts_us)) {
        return AURA_EINVAL;
    }
    uint64_t step_us = e->last_pts_us ? pts_us - e->last_pts_us : AURA_US_PER_S / 30;
    step_us = step_us < AURA_US_PER_S ? step_us : AURA_US_PER_S;
    e->last_pts_us = pts_us;
    if (vpx_codec_encode(&e->codec, &image, (vpx_codec_pts_t)pts_us, (unsigned long)step_us,
                         key_frame ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME) != VPX_CODEC_OK) {
        return AURA_ENOMEM;
    }
    vpx_codec_iter_t it = NULL;
    const vpx_codec_cx_pkt_t *packet;
    int q = 0;
    *out = (struct aura_coded){.len = 0};
    while ((packet = vpx_codec_get_cx_data(&e->codec, &it))) {
        if (packet->kind == VPX_CODEC_CX_FRAME_PKT) {
            out->data = packet->data.frame.buf;
            out->len = packet->data.frame.sz;
            out->key_frame = packet->data.frame.flags & VPX_FRAME_IS_KEY;
        }
    }
    if (!out->len) {
        return AURA_EAGAIN;
    }
    (void)vpx_codec_control(&e->codec, VP8E_GET_LAST_QUANTIZER, &q);
    out->quantizer = (uint8_t)q;
    return 0;
}
