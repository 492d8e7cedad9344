/* SPDX-License-Identifier: Apache-2.0 */
/* What a compressed track costs and would have cost. */
#include "harness.h"

#include "sfu/derived_meter.h"

#include <string.h>

struct rig {
    struct aura_worker *w;
    struct aura_source s;
    struct aura_meter m;
    struct aura_aic_machine machine;
};

static int rig_new(struct rig *r) {
    const struct aura_aic_machine_conf conf = {.min_vmaf = 0};
    memset(r, 0, sizeof(*r));
    r->w = aura_zalloc(sizeof(*r->w));
    r->s.worker = r->w;
    r->s.id = 77;
    aura_aic_machine_init(&r->machine, &conf);
    return r->w ? 0 : AURA_ENOMEM;
}

static void native(struct rig *r, uint32_t ts, uint16_t bytes, unsigned packets) {
    struct aura_packet p = {.ts = ts, .payload_len = bytes};
    for (unsigned i = 0; i < packets; i++) {
        aura__meter_native(&r->m, &p);
    }
}

static struct aura_packet *answer(struct rig *r, struct aura_packet *p, uint32_t ts, bool key,
                                  bool shown) {
    const struct aura_aic_frame_out f = {.len = 100,
                                         .rtp_timestamp = ts,
                                         .key_frame = key,
                                         .hints = {.saved = 0.75F, .vmaf = 90, .model = 3},
                                         .model = "seg-1"};
    *p = (struct aura_packet){.aic = true, .payload_len = 100};
    aura__meter_answer(&r->m, r->w, &f, 5000, shown);
    aura__meter_stamp(&r->m, p);
    return p;
}

/* Frames that were sent natively are not saved; those that AI Core left out are. */
static int native_bytes_follow_the_frames(void) {
    struct aura_packet p;
    struct rig r;
    TRY(rig_new(&r));
    native(&r, 1000, 500, 2);
    native(&r, 4000, 700, 3);
    assert_int_equal(answer(&r, &p, 1000, true, false)->native_bytes, 0); /* warming */
    assert_int_equal(answer(&r, &p, 4000, true, true)->native_bytes, 2100);
    assert_int_equal(p.native_packets, 3);
    native(&r, 7000, 100, 1);
    native(&r, 10000, 200, 1); /* 7000 gets no answer with a picture */
    assert_int_equal(answer(&r, &p, 10000, false, true)->native_bytes, 300);
    assert_int_equal(p.native_packets, 2);
    aura_free(r.w);
    return 0;
}

/* A stream whose frames nobody answers must not make it grow, and the newest ones are known. */
static int old_frames_are_forgotten(void) {
    struct aura_packet p;
    struct rig r;
    TRY(rig_new(&r));
    for (uint32_t i = 1; i <= AURA_METER_FRAMES + 10; i++) {
        native(&r, i * 3000 + UINT32_MAX - 20000, 100, 1); /* timestamps wrap meanwhile */
    }
    uint32_t newest = (AURA_METER_FRAMES + 10) * 3000 + UINT32_MAX - 20000;
    assert_int_equal(answer(&r, &p, newest, true, true)->native_bytes, 100 * AURA_METER_FRAMES);
    aura_free(r.w);
    return 0;
}

static int bytes_on_the_wire(void) {
    enum { HEADERS = 12 + 28, TAG = 16 };
    struct aura_packet p = {.aic = true, .payload_len = 100};
    struct aura_sfu_aic report;
    struct rig r;
    TRY(rig_new(&r));
    p.native_bytes = 2000;
    p.native_packets = 2;
    aura__meter_sent(&r.s, &p, 100 + HEADERS);
    aura__meter_sent(&r.s, &p, 100 + HEADERS); /* another subscriber */
    memset(&report, 0, sizeof(report));
    aura__meter_bytes(&r.s, &report);
    assert_true(report.bytes);
    assert_int_equal(report.pub, 77);
    assert_int_equal(report.sent_bytes, 2 * (100 + HEADERS + TAG));
    assert_int_equal(report.native_bytes, 2 * (2000 + 2 * (HEADERS + TAG)));
    aura__meter_bytes(&r.s, &report); /* told once */
    assert_int_equal(report.sent_bytes + report.native_bytes, 0);
    assert_int_equal(r.w->counters.aic_sent, 2 * (100 + HEADERS + TAG));
    aura_free(r.w);
    return 0;
}

static int percentiles_and_counts(void) {
    const struct aura_aic_frame_out f = {.model = "m"};
    struct aura_sfu_aic report;
    struct rig r;
    TRY(rig_new(&r));
    for (uint32_t i = 0; i < 2 * AURA_METER_RECENT; i++) {
        aura__meter_answer(&r.m, r.w, &f, i < AURA_METER_RECENT ? 90000 : i % 100 * 100, true);
    }
    aura_aic_machine_want(&r.machine, true, 1);
    aura_aic_machine_stream_down(&r.machine, AURA_AIC_REFUSED, 2);
    aura__meter_count(&r.m, &r.machine, r.w);
    aura__meter_count(&r.m, &r.machine, r.w); /* nothing new */
    aura__meter_report(&r.m, &r.machine, &report);
    assert_true(report.p50_us >= 3500 && report.p50_us <= 5500);
    assert_true(report.p95_us >= 8500 && report.p95_us < 10000);
    assert_int_equal(report.reason, AURA_AIC_REFUSED);
    assert_int_equal(report.fallbacks[AURA_AIC_REFUSED], 1);
    assert_int_equal(r.w->counters.aic_fallbacks[AURA_AIC_REFUSED], 1);
    uint64_t in_histogram = 0;
    for (size_t i = 0; i < AURA_SFU_AIC_BUCKETS; i++) {
        in_histogram += r.w->counters.aic_latency[i];
    }
    assert_int_equal(in_histogram, 2 * AURA_METER_RECENT);
    assert_int_equal(r.w->counters.aic_latency[10], AURA_METER_RECENT); /* 50…100 ms */
    aura_free(r.w);
    return 0;
}

/* docs/aic-protocol.md section 2: each packet of the first frames after a change has hints. */
static int hints_where_they_belong(void) {
    uint8_t data[AURA_AIC_HINTS_BYTES_MAX];
    struct aura_aic_hints hints;
    struct aura_packet p;
    struct rig r;
    assert_string_equal(aura_ext_uri(AURA_EXT_AIC), AURA_AIC_URI);
    TRY(rig_new(&r));
    for (unsigned i = 0; i < 5; i++) {
        bool marked = i < AURA_METER_MARKED_FRAMES;
        (void)answer(&r, &p, i * 3000, i == 0, true);
        size_t n = aura__meter_hints(&r.m, true, data);
        assert_int_equal(n, AURA_AIC_HINTS_BYTES);
        assert_int_equal(aura_aic_hints_read(&hints, data, n), 0);
        assert_int_equal(hints.mode, AURA_AIC_COMPRESSED);
        assert_int_equal(hints.latency_us, 5000);
        assert_int_equal(hints.model, 3);
        assert_int_equal((hints.flags & AURA_AIC_SWITCHED) != 0, marked);
        assert_int_equal(aura__meter_hints(&r.m, false, data) > 0, marked);
    }
    aura_free(r.w);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(native_bytes_follow_the_frames),
        AURA_CASE(old_frames_are_forgotten),
        AURA_CASE(bytes_on_the_wire),
        AURA_CASE(percentiles_and_counts),
        AURA_CASE(hints_where_they_belong),
    };
    return RUN_CASES("sfu/meter", cases);
}
