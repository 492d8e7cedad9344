/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file derived_meter.h  What is known of a track that AI Core compresses: bytes, times, hints.
 *
 * Bytes are counted where they leave (aura__meter_sent()), because only there it is known who got
 * which frame; the native size of a frame travels with its compressed packets for that. Threading:
 * worker-affine, but the worker's counters may be read anywhere. Private to src/sfu.
 */
#ifndef AURA_SFU_DERIVED_METER_H
#define AURA_SFU_DERIVED_METER_H

#include "aic/core.h"
#include "sfu/source.h"

enum {
    AURA_METER_FRAMES = 32,       /* native frames whose sizes are remembered */
    AURA_METER_RECENT = 128,      /* answers that the percentiles are made from */
    AURA_METER_MARKED_FRAMES = 3, /* from a key frame on: hints on each of their packets */
};

struct aura_meter {
    struct {
        uint32_t ts, bytes;
        uint16_t packets;
    } native[AURA_METER_FRAMES];
    unsigned native_first, native_count;
    uint32_t owed_bytes, owed_packets;  /* native frames that nothing was sent for yet */
    uint16_t recent[AURA_METER_RECENT]; /* latencies in 100 µs */
    unsigned recent_at, recent_count;
    unsigned marked; /* frames that are still marked as after a switch */
    struct aura_aic_hints hints;
    char model[AURA_SFU_AIC_MODEL_MAX + 1];
    uint64_t frames, late, fallbacks[AURA_AIC_REASONS]; /* as the worker's counters have them */
};

/** A native packet of the layer that is compressed. */
void aura__meter_native(struct aura_meter *m, const struct aura_packet *p);
/** AI Core's answer came after that time. @param shown  it goes to subscribers */
void aura__meter_answer(struct aura_meter *m, struct aura_worker *w,
                        const struct aura_aic_frame_out *f, uint32_t took_us, bool shown);
/** The hints of the newest answer, as they go on the wire. @return bytes, 0 = this packet has none
 * @param first  of its frame */
size_t aura__meter_hints(const struct aura_meter *m, bool first,
                         uint8_t out[AURA_AIC_HINTS_BYTES_MAX]);
/** Marks the first packet of a frame with what it stands for. */
void aura__meter_stamp(struct aura_meter *m, struct aura_packet *p);
/** A compressed packet left for a subscriber, for the first time. @param wire  bytes, with UDP and
 * IP */
void aura__meter_sent(struct aura_source *s, const struct aura_packet *p, size_t wire);
/** Adds how it goes to a report. */
void aura__meter_report(const struct aura_meter *m, const struct aura_aic_machine *machine,
                        struct aura_sfu_aic *out);
/** Adds the bytes since the last call. */
void aura__meter_bytes(struct aura_source *s, struct aura_sfu_aic *out);
/** The mode machine's counts since the last call go to the worker's. */
void aura__meter_count(struct aura_meter *m, const struct aura_aic_machine *machine,
                       struct aura_worker *w);

#endif
