/* SPDX-License-Identifier: Apache-2.0 */
/* A speaker without AI Core: its own packets, whatever the slices are that samples come in. */
#include "client/speaker.h"
#include "harness.h"

#include <string.h>

enum { FRAME = 960, MANY = 3000 };

struct seen {
    unsigned packets;
    uint32_t ts, gap;
};

static void on_packet(void *arg, const struct aura_live_frame *f) {
    struct seen *s = arg;
    s->gap = s->packets ? f->ts - s->ts : 0;
    s->ts = f->ts;
    s->packets++;
    assert_int_equal(f->codec, AURA_CODEC_OPUS);
    assert_true(f->len > 0 && f->len <= AURA_LIVE_PAYLOAD_MAX);
    assert_false(f->has_hints);
}

static int start(struct aura_speaker **out, struct seen *seen, uint32_t channels) {
    const struct aura_speaker_conf conf = {.clock = aura_clock_system(),
                                           .channels = channels,
                                           .name = "test",
                                           .packet = on_packet,
                                           .arg = seen};
    memset(seen, 0, sizeof(*seen));
    return aura_speaker_new(out, &conf);
}

static int slices(void) {
    static const int16_t samples[2 * MANY];
    static const size_t sizes[] = {1, 959, 480, 480, 1500, 420, MANY, 1};
    struct aura_speaker_stats stats;
    struct aura_speaker *s = NULL;
    struct seen seen;
    uint32_t ts = 0xfffffff0; /* wraps at once */
    int err = 0;
    TRY_OUT(start(&s, &seen, 2));
    for (size_t i = 0, sum = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        aura_speaker_samples(s, samples, sizes[i], ts + (i % 2 ? 5 : 0)); /* not quite exact */
        ts += (uint32_t)sizes[i];
        sum += sizes[i];
        assert_int_equal(seen.packets, sum / FRAME);
        assert_true(seen.packets < 2 || seen.gap == FRAME);
    }
    aura_speaker_stats(s, &stats);
    assert_int_equal(stats.state, AURA_AIC_OFF);
    assert_int_equal(stats.native, seen.packets);
    assert_int_equal(stats.aic + stats.fallbacks + stats.cut_ms, 0);
out:
    aura_speaker_free(s);
    return err;
}

/* Nothing came for a second: what was begun is forgotten, and time goes on. */
static int pause_of_a_second(void) {
    static const int16_t samples[MANY];
    struct aura_speaker *s = NULL;
    struct seen seen;
    int err = 0;
    TRY_OUT(start(&s, &seen, 1));
    aura_speaker_samples(s, samples, FRAME + 100, 0);
    assert_int_equal(seen.packets, 1);
    aura_speaker_samples(s, samples, FRAME, 48000);
    assert_int_equal(seen.packets, 2);
    assert_int_equal(seen.gap, 48000);
    aura_speaker_free(s);
    s = NULL;
    assert_int_equal(start(&s, &seen, 3), AURA_EINVAL);
out:
    aura_speaker_free(s);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(slices), AURA_PLAIN(pause_of_a_second)};
    return RUN_CASES("client/speaker", cases);
}
