/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/payload.h"

#include "rtp/av1.h"
#include "rtp/h264.h"
#include "rtp/h265.h"
#include "rtp/opus.h"
#include "rtp/vp9.h"

static void inspect_vp8(struct aura_payload *out, const struct aura_rtp *rtp) {
    struct aura_vp8 vp8;
    if (aura_vp8_parse(&vp8, rtp->payload, rtp->payload_len)) {
        return;
    }
    const struct aura_vp8 *v = &vp8;
    out->key_frame_start = v->key_frame;
    out->start_of_frame = v->start;
    out->end_of_frame = rtp->marker;
    out->discardable = v->non_reference;
    out->has_layers = v->has_tid;
    out->temporal = v->tid;
    if (v->has_tid && v->sync && v->tid > 0) {
        /* A sync frame depends on the base layer only; the frames between it and the base may
         * depend on more: layers are joined one at a time (RFC 7741 section 4.2, Y). */
        out->up_from = (uint8_t)(v->tid - 1);
        out->up_to[0] = (int8_t)v->tid;
    }
    out->pid_at = v->has_pid ? v->pid_at : 0;
    out->tl0_at = v->has_tl0 ? v->tl0_at : 0;
    out->keyidx_at = v->has_keyidx ? v->key_at : 0;
    out->pid_long = v->pid_long;
    out->pid = v->pid;
    out->tl0 = v->tl0;
    out->keyidx = v->keyidx;
    out->width = v->width;
    out->height = v->height;
}

static void inspect_vp9(struct aura_payload *out, const struct aura_rtp *rtp) {
    struct aura_vp9 v;
    if (aura_vp9_parse(&v, rtp->payload, rtp->payload_len)) {
        return;
    }
    out->key_frame_start = v.key_frame;
    out->start_of_frame = v.begin;
    out->end_of_frame = v.end;
    out->discardable = v.not_reference && v.inter;
    out->has_layers = v.layered;
    out->spatial = v.sid;
    out->temporal = v.tid;
    if (v.switching_up && v.sid < AURA_MEDIA_LAYERS_MAX) {
        /* RFC 9628 section 4.2, U: what follows needs nothing above this layer from before. */
        out->up_from = v.tid;
        out->up_to[v.sid] = INT8_MAX;
    }
    if (!v.inter && v.begin && v.sid < AURA_MEDIA_LAYERS_MAX) {
        out->up_spatial = true; /* depends on the layer below in the same picture at most */
        out->up_to[v.sid] = INT8_MAX;
    }
    out->pid_at = v.pid_at;
    out->tl0_at = v.tl0_at;
    out->pid_long = v.pid_long;
    out->pid = v.pid;
    out->tl0 = v.tl0;
    out->width = v.width;
    out->height = v.height;
}

/* Parameter sets count for the access unit (timestamp) that they came with. */
static void begin_unit(struct aura_payload_state *state, uint32_t ts) {
    if (state->ps_ts != ts) {
        state->sps = state->pps = state->vps = false;
        state->ps_ts = ts;
    }
}

static void inspect_h264(struct aura_payload_state *state, struct aura_payload *out,
                         const struct aura_rtp *rtp) {
    struct aura_h264 v;
    if (aura_h264_parse(&v, rtp->payload, rtp->payload_len)) {
        return;
    }
    begin_unit(state, rtp->ts);
    bool first_set = v.sps && !state->sps;
    bool had_sets = state->sps;
    state->sps |= v.sps;
    state->pps |= v.pps;
    /* A decoder starts at the SPS; an IDR without one can only follow sets sent before. */
    out->key_frame_start = first_set || (v.idr && v.slice_start && !had_sets);
    out->start_of_frame = v.slice_start || first_set;
    out->end_of_frame = rtp->marker;
    out->discardable = v.discardable && v.nal_count > 0;
    out->width = v.width;
    out->height = v.height;
}

static void inspect_h265(struct aura_payload_state *state, struct aura_payload *out,
                         const struct aura_rtp *rtp) {
    struct aura_h265 v;
    if (aura_h265_parse(&v, rtp->payload, rtp->payload_len)) {
        return;
    }
    begin_unit(state, rtp->ts);
    bool first_set = (v.vps || v.sps) && !state->vps && !state->sps;
    bool had_sets = state->vps || state->sps;
    state->vps |= v.vps;
    state->sps |= v.sps;
    state->pps |= v.pps;
    out->key_frame_start = first_set || (v.irap && v.slice_start && !had_sets);
    out->start_of_frame = v.slice_start || first_set;
    out->end_of_frame = rtp->marker;
    out->temporal = v.temporal;
}

static void inspect_av1(struct aura_payload *out, const struct aura_rtp *rtp) {
    struct aura_av1 v;
    if (aura_av1_parse(&v, rtp->payload, rtp->payload_len)) {
        return;
    }
    out->key_frame_start = v.key_frame;
    out->start_of_frame = !v.continues && v.frame;
    out->end_of_frame = rtp->marker;
    out->spatial = v.spatial;
    out->temporal = v.temporal;
    out->width = v.width;
    out->height = v.height;
}

static void use_dd(const struct aura_payload_state *state, struct aura_payload *out,
                   const struct aura_dd *dd) {
    out->start_of_frame = dd->start_of_frame;
    out->end_of_frame = dd->end_of_frame;
    if (!dd->has_frame) {
        return;
    }
    out->has_layers = true;
    out->spatial = dd->spatial;
    out->temporal = dd->temporal;
    out->key_frame_start = dd->has_structure && dd->start_of_frame && dd->diff_count == 0;
    if (dd->width) {
        out->width = dd->width;
        out->height = dd->height;
    }
    if (!state->dd) {
        return;
    }
    const struct aura_dd_structure *dds = state->dd;
    out->discardable = true;
    for (unsigned k = 0; k < dds->target_count; k++) {
        out->discardable &= dd->dtis[k] <= AURA_DTI_DISCARDABLE;
        unsigned s = dds->target_spatial[k];
        if (dd->dtis[k] == AURA_DTI_SWITCH && s < AURA_MEDIA_LAYERS_MAX &&
            out->up_to[s] < (int8_t)dds->target_temporal[k]) {
            out->up_to[s] = (int8_t)dds->target_temporal[k];
            out->up_spatial = true;
        }
    }
}

void aura_payload_inspect(struct aura_payload_state *state, enum aura_codec codec,
                          const struct aura_rtp *rtp, const struct aura_dd *dd, bool opaque,
                          struct aura_payload *out) {
    *out = (struct aura_payload){.up_to = {-1, -1, -1}};
    struct aura_opus opus;
    switch (codec) {
    case AURA_CODEC_VP8:
        inspect_vp8(out, rtp);
        break;
    case AURA_CODEC_VP9:
        inspect_vp9(out, rtp);
        break;
    case AURA_CODEC_H264:
        inspect_h264(state, out, rtp);
        break;
    case AURA_CODEC_H265:
        inspect_h265(state, out, rtp);
        break;
    case AURA_CODEC_AV1:
        /* Encrypted senders leave the OBU headers clear, but nothing behind them. */
        inspect_av1(out, rtp);
        break;
    case AURA_CODEC_OPUS:
        out->dtx =
            !opaque && aura_opus_parse(&opus, rtp->payload, rtp->payload_len) == 0 && opus.dtx;
        break;
    case AURA_CODEC_NONE:
    case AURA_CODEC_RED:
    case AURA_CODEC_PCMU:
    case AURA_CODEC_PCMA:
    case AURA_CODEC_COUNT:
        break;
    }
    if (opaque) {
        out->width = out->height = 0; /* may be noise */
    }
    if (dd) {
        use_dd(state, out, dd);
    }
    if (out->width) {
        state->width = out->width;
        state->height = out->height;
    }
}
