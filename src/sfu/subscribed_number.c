/* SPDX-License-Identifier: Apache-2.0 */
/* Sequence numbers, timestamps, picture ids and frame numbers of what one subscriber gets: one
 * continuous stream over switches of the source, over pauses and over layers that are left out. */
#include "sfu/subscribed.h"

#include "rtp/seq.h"

/* Where the output's timestamps would be now if the source had not changed. */
static uint32_t expected_ts(const struct aura_subscribed *sub, uint64_t now_us, uint32_t clock) {
    uint64_t passed_us = now_us > sub->newest_us ? now_us - sub->newest_us : 0;
    uint64_t ticks = passed_us * clock / AURA_US_PER_S;
    return sub->newest.ts + (ticks ? (uint32_t)ticks : 1);
}

/* Timestamp of the new layer's packet on the old layer's clock, through the sender reports of
 * both (RFC 3550 section 6.4.1): exact where the publisher gave both. */
static bool ts_by_reports(const struct aura_subscribed *sub, unsigned layer,
                          const struct aura_packet *p, uint32_t *ts) {
    const struct aura_sub_segment *old = &sub->seg[sub->seg_at];
    const struct aura_sr_source *from = &sub->source->layer[layer].sr;
    const struct aura_sr_source *to = &sub->source->layer[old->layer].sr;
    if (old->epoch != p->epoch || !from->has_sr || !to->has_sr ||
        !aura_sr_source_convert(from, p->ts, to, ts)) {
        return false;
    }
    *ts += old->ts_offset;
    return true;
}

static uint32_t first_ts(const struct aura_subscribed *sub, unsigned layer,
                         const struct aura_packet *p) {
    const struct aura_sub_segment *old = &sub->seg[sub->seg_at];
    if (sub->seg_count == 0 && !sub->moved) {
        return p->ts; /* nothing to be continuous with */
    }
    if (sub->seg_count && sub->source->kind == AURA_KIND_AUDIO && layer != old->layer &&
        p->epoch == old->epoch && (int32_t)(p->ts + old->ts_offset - sub->newest.ts) > 0) {
        return p->ts + old->ts_offset; /* AI Core's sound has the publisher's time stamps */
    }
    uint32_t clock = p->clock_rate ? p->clock_rate : 90000;
    uint32_t expected = expected_ts(sub, p->arrival_us, clock);
    uint32_t ts;
    /* Reports that disagree with the arrival times by over a second are not believed, and the
     * output must never step back: receivers drop frames then. */
    if (sub->seg_count && ts_by_reports(sub, layer, p, &ts) && (int32_t)(ts - sub->newest.ts) > 0) {
        int32_t off = (int32_t)(ts - expected);
        if (off < (int32_t)clock && off > -(int32_t)clock) {
            return ts;
        }
    }
    return expected;
}

bool aura__subscribed_is_behind(const struct aura_subscribed *sub, const struct aura_packet *p) {
    const struct aura_sub_segment *seg = &sub->seg[sub->seg_at];
    return sub->running && p->aic && seg->layer + 1 == sub->source->aic && seg->epoch == p->epoch &&
           (int32_t)(p->ts + seg->ts_offset - sub->newest.ts) < 0;
}

void aura__subscribed_open(struct aura_subscribed *sub, unsigned layer,
                           const struct aura_packet *p) {
    const struct aura_sub_out *last = &sub->newest;
    struct aura_sub_segment s = {.layer = (uint8_t)layer,
                                 .epoch = p->epoch,
                                 .codec = p->codec,
                                 .out_from = last->seq + 1,
                                 .in_from = p->eseq,
                                 .in_pid = p->pid,
                                 .ts_offset = first_ts(sub, layer, p) - p->ts,
                                 .pid_base = (uint16_t)(last->pid + 1),
                                 .dd_offset = (uint16_t)(last->dd_frame + 1 - p->dd_frame),
                                 .tl0_offset = (uint8_t)(last->tl0 + 1 - p->tl0),
                                 .keyidx_offset = (uint8_t)(last->keyidx + 1 - p->keyidx)};
    if (sub->seg_count) {
        sub->seg_at = (sub->seg_at + 1) % AURA_SUB_SEGMENTS;
    }
    sub->seg_count += sub->seg_count < AURA_SUB_SEGMENTS;
    sub->seg[sub->seg_at] = s;
    aura_gapmap_start(&sub->gaps, p->eseq);
    aura_gapmap_start(&sub->pid_gaps, p->pid);
    aura__filter_start(&sub->filter, p);
    sub->layer = (uint8_t)layer;
    sub->target = sub->source->kind == AURA_KIND_VIDEO ? (uint8_t)layer : sub->target;
    sub->epoch = p->epoch;
    sub->behind = 0;
    sub->running = true;
}

static bool is_newest(const struct aura_subscribed *sub, const struct aura_sub_segment *seg) {
    return seg == &sub->seg[sub->seg_at];
}

/* VP8 receivers wait for frames whose id is missing, so ids close up over frames left out. VP9's
 * ids say what a frame refers to (RFC 9628 section 4.2, P_DIFF) and must keep their distances. */
static bool number_picture(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                           const struct aura_packet *p, struct aura_sub_out *out) {
    uint64_t mapped = p->pid - seg->in_pid;
    if (p->codec == AURA_CODEC_VP8 && is_newest(sub, seg) && sub->pid_gaps.dropped &&
        !aura_gapmap_map(&sub->pid_gaps, p->pid, &mapped)) {
        return false;
    }
    out->pid = (uint16_t)(seg->pid_base + mapped);
    out->tl0 = (uint8_t)(p->tl0 + seg->tl0_offset);
    out->keyidx = (uint8_t)((p->keyidx + seg->keyidx_offset) & 0x1f);
    return true;
}

bool aura__subscribed_number(struct aura_subscribed *sub, const struct aura_sub_segment *seg,
                             const struct aura_packet *p, struct aura_sub_out *out) {
    uint64_t mapped = p->eseq - seg->in_from;
    bool newest = is_newest(sub, seg);
    if (p->eseq < seg->in_from || (seg->gapped && !newest) ||
        (newest && !aura_gapmap_map(&sub->gaps, p->eseq, &mapped))) {
        return false;
    }
    *out = (struct aura_sub_out){.seq = seg->out_from + mapped,
                                 .ts = p->ts + seg->ts_offset,
                                 .dd_frame = (uint16_t)(p->dd_frame + seg->dd_offset),
                                 .marker = p->marker};
    if (p->pid_at && !number_picture(sub, seg, p, out)) {
        return false;
    }
    if (newest && sub->source->kind == AURA_KIND_VIDEO) {
        out->marker = aura__filter_ends_picture(&sub->filter, p);
    }
    return true;
}

bool aura__subscribed_leave_out(struct aura_subscribed *sub, const struct aura_packet *p) {
    struct aura_sub_segment *seg = &sub->seg[sub->seg_at];
    if (!aura_gapmap_drop(&sub->gaps, p->eseq)) {
        return false;
    }
    seg->gapped = true;
    if (p->codec == AURA_CODEC_VP8 && p->pid_at) {
        if (!sub->pid_gaps.dropped) {
            /* Not counted so far: begin where the ids are. */
            uint64_t mapped;
            (void)aura_gapmap_map(&sub->pid_gaps, p->pid - 1, &mapped);
        }
        (void)aura_gapmap_drop(&sub->pid_gaps, p->pid);
    }
    return true;
}

const struct aura_packet *aura__subscribed_sent_as(const struct aura_subscribed *sub, uint64_t seq,
                                                   const struct aura_sub_segment **segp) {
    for (unsigned i = 0; sub->source && i < sub->seg_count; i++) {
        unsigned at = (sub->seg_at + AURA_SUB_SEGMENTS - i) % AURA_SUB_SEGMENTS;
        const struct aura_sub_segment *seg = &sub->seg[at];
        if (seq < seg->out_from) {
            continue;
        }
        uint64_t in = seg->in_from + (seq - seg->out_from);
        if (seg->gapped && (i > 0 || !aura_gapmap_inverse(&sub->gaps, seq - seg->out_from, &in))) {
            return NULL;
        }
        const struct aura_packet *p = aura__source_kept(sub->source, seg->layer, in);
        *segp = seg;
        return p && p->epoch == seg->epoch ? p : NULL;
    }
    return NULL;
}
