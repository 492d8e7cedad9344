/* SPDX-License-Identifier: Apache-2.0 */
/* AI Core's figures as Prometheus reads them. */
#include "harness.h"

#include "aicore/metrics.h"

#include <stdio.h>
#include <string.h>

enum { BYTES_MAX = 64 << 10 };

static int frames_become_histograms(void) {
    static struct aura_metrics m;
    struct aura_buf b = AURA_BUF(BYTES_MAX);
    uint32_t step_us[AURA_STEPS] = {0};
    memset(&m, 0, sizeof(m));
    step_us[AURA_STEP_DECODE] = 500; /* a bound belongs to its bucket */
    step_us[AURA_STEP_ENCODE] = 7000;
    aura_metrics_frame(&m, step_us, 1000, 200, 8000);
    aura_metrics_frame(&m, step_us, 1000, 200, 90000);
    aura_metrics_write(&m, NULL, &b);
    const char *text = aura_buf_text(&b);
    if (!b.err) {
        assert_non_null(strstr(text, "step_seconds_bucket{step=\"decode\",le=\"0.0005\"} 2\n"));
        assert_non_null(strstr(text, "step_seconds_bucket{step=\"encode\",le=\"0.006\"} 0\n"));
        assert_non_null(strstr(text, "step_seconds_bucket{step=\"encode\",le=\"0.008\"} 2\n"));
        assert_non_null(strstr(text, "step_seconds_sum{step=\"encode\"} 0.014000\n"));
        assert_non_null(strstr(text, "step_seconds_count{step=\"faces\"} 0\n")); /* no model */
        assert_non_null(strstr(text, "frame_seconds_bucket{le=\"0.05\"} 1\n"));
        assert_non_null(strstr(text, "frame_seconds_bucket{le=\"+Inf\"} 2\n"));
        assert_non_null(strstr(text, "auralink_aicore_frame_seconds_sum 0.098000\n"));
        assert_non_null(strstr(text, "auralink_aicore_saved_ratio 0.800000\n"));
    }
    int err = b.err;
    aura_buf_free(&b);
    return err;
}

static int refusals_have_reasons(void) {
    static struct aura_metrics m;
    struct aura_buf b = AURA_BUF(BYTES_MAX);
    static const int errors[] = {AURA_EMALFORMED,   AURA_EINVAL, AURA_ELIMIT,
                                 AURA_EUNSUPPORTED, AURA_ENOMEM, AURA_EIO};
    memset(&m, 0, sizeof(m));
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        aura_metrics_refused(&m, aura_metrics_why(errors[i]));
    }
    aura_metrics_refused(&m, AURA_REFUSED_ROOM);
    aura_metrics_write(&m, NULL, &b);
    const char *text = aura_buf_text(&b);
    if (!b.err) {
        assert_non_null(strstr(text, "{reason=\"malformed_frame\"} 2\n"));
        assert_non_null(strstr(text, "{reason=\"out_of_range\"} 1\n"));
        assert_non_null(strstr(text, "{reason=\"unsupported\"} 1\n"));
        assert_non_null(strstr(text, "{reason=\"out_of_memory\"} 1\n"));
        assert_non_null(strstr(text, "{reason=\"other\"} 1\n"));
        assert_non_null(strstr(text, "{reason=\"no_room\"} 1\n"));
        assert_non_null(strstr(text, "{reason=\"draining\"} 0\n"));
    }
    int err = b.err;
    aura_buf_free(&b);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(frames_become_histograms),
                                       AURA_CASE(refusals_have_reasons)};
    return RUN_CASES("aicore/metrics", cases);
}
