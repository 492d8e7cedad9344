/* SPDX-License-Identifier: Apache-2.0 */
/* Sound out of packets: order, losses, silence, redundancy, timestamps that jump. */
#include "client/listen.h"
#include "codec/opus_encoder.h"
#include "harness.h"
#include "rtp/red.h"

#include <math.h>
#include <string.h>

enum { PACKET = 2880, MS = 48, BYTES = AURA_OPUS_PACKET_BYTES_MAX, MANY = 40 };

static const uint32_t first_ts = 0xfffff000; /* wraps soon */

struct ear {
    struct aura_listen *l;
    uint64_t samples;
    double power; /* of the last samples */
};

struct voice {
    uint8_t data[MANY][BYTES];
    size_t len[MANY];
};

static void on_samples(void *arg, const int16_t *samples, uint32_t count) {
    struct ear *e = arg;
    e->samples += count;
    e->power = 0;
    for (uint32_t i = 0; i < count; i++) {
        e->power += (double)samples[i] * samples[i] / count;
    }
}

/* A vowel: its pitch moves, so that nothing repeats. */
static int speak(struct voice *v, bool redundancy) {
    static int16_t pcm[PACKET];
    const struct aura_opus_point point = {
        .bps = 24000, .voice = true, .redundancy = redundancy, .loss_percent = redundancy ? 20 : 0};
    struct aura_opus_encoder *e = NULL;
    double phase = 0;
    TRY(aura_opus_encoder_new(&e, 1));
    aura_opus_encoder_set(e, &point);
    int err = 0;
    for (unsigned n = 0; n < MANY && !err; n++) {
        for (unsigned i = 0; i < PACKET; i++) {
            double t = (n * PACKET + i) / 48000.0, s = 0;
            phase += 6.2831853 * (140 + 25 * sin(5 * t)) / 48000;
            for (int k = 1; k < 15; k++) {
                s += sin(k * phase) / (1 + pow((k * 140 - 600) / 400.0, 2));
            }
            pcm[i] = (int16_t)(2500 * s * (0.7 + 0.3 * sin(18 * t)));
        }
        err = aura_opus_encoder_encode(e, pcm, PACKET, v->data[n], &v->len[n]);
    }
    aura_opus_encoder_free(e);
    return err;
}

static int start(struct ear *e) {
    memset(e, 0, sizeof(*e));
    return aura_listen_new(&e->l, 1, on_samples, e);
}

/* Packet n of the voice, at its time but for `late_ms`. */
static void hear(struct ear *e, const struct voice *v, unsigned n, unsigned late_ms) {
    aura_listen_packet(e->l, first_ts + n * PACKET, v->data[n], v->len[n], false,
                       1000000 + (n * 60 + late_ms) * UINT64_C(1000));
}

static void end(struct ear *e, unsigned ms) {
    aura_listen_end(e->l, 1000000 + ms * UINT64_C(1000));
}

static struct aura_listen_stats stats(const struct ear *e) {
    struct aura_listen_stats s;
    aura_listen_stats(e->l, &s);
    return s;
}

static int order(void) {
    static struct voice v;
    struct ear e = {.l = NULL};
    int err = 0;
    TRY_OUT(speak(&v, false));
    TRY_OUT(start(&e));
    hear(&e, &v, 0, 0);
    assert_int_equal(e.samples, PACKET); /* nothing waits for nothing */
    hear(&e, &v, 2, 0);
    assert_int_equal(e.samples, PACKET);
    hear(&e, &v, 1, 80);
    assert_int_equal(e.samples, 3 * PACKET);
    hear(&e, &v, 1, 90); /* again */
    hear(&e, &v, 3, 0);
    assert_int_equal(e.samples, 4 * PACKET);
    assert_int_equal(stats(&e).packets, 4);
    assert_int_equal(stats(&e).guessed, 0);
    end(&e, 4 * 60);
    assert_int_equal(e.samples, 4 * PACKET);
    end(&e, 4 * 60 + 500); /* nothing comes any more */
    assert_int_equal(e.samples, 4 * PACKET + 500 * MS);
    assert_true(e.power == 0);
out:
    aura_listen_free(e.l);
    return err;
}

/* One is lost: its time is kept, with sound in it. */
static int lose_one(bool redundancy, struct aura_listen_stats *out) {
    static struct voice v;
    struct ear e = {.l = NULL};
    int err = 0;
    TRY_OUT(speak(&v, redundancy));
    TRY_OUT(start(&e));
    for (unsigned n = 0; n < 30; n++) {
        if (n == 20) {
            continue;
        }
        hear(&e, &v, n, 0);
        if (n >= 21 && n < 24) {
            assert_int_equal(e.samples, 20 * PACKET); /* it may still come */
        }
    }
    assert_int_equal(e.samples, 30 * PACKET);
    *out = stats(&e);
    hear(&e, &v, 20, 700); /* too late */
    assert_int_equal(e.samples, 30 * PACKET);
    assert_int_equal(out->packets, 29);
    assert_int_equal(out->samples, e.samples);
out:
    aura_listen_free(e.l);
    return err;
}

static int guessed(void) {
    struct aura_listen_stats s;
    TRY(lose_one(false, &s));
    assert_int_equal(s.guessed, PACKET);
    assert_int_equal(s.recovered, 0);
    return 0;
}

static int recovered(void) {
    struct aura_listen_stats s;
    TRY(lose_one(true, &s));
    assert_int_equal(s.recovered, aura_opus_has_redundancy() ? PACKET : 0);
    return 0;
}

/* Three seconds are gone: the voice fades, then it is still, then it is there again. */
static int long_gap(void) {
    static struct voice v;
    struct ear e = {.l = NULL};
    int err = 0;
    TRY_OUT(speak(&v, false));
    TRY_OUT(start(&e));
    for (unsigned n = 0; n < 10; n++) {
        hear(&e, &v, n, 0);
    }
    const unsigned gap_ms = 3000;
    for (unsigned n = 10; n < 20; n++) {
        aura_listen_packet(e.l, first_ts + n * PACKET + gap_ms * MS, v.data[n], v.len[n], false,
                           1000000 + (n * 60 + gap_ms) * UINT64_C(1000));
    }
    end(&e, 20 * 60 + gap_ms);
    assert_int_equal(e.samples, 20 * PACKET + gap_ms * MS);
    assert_int_equal(stats(&e).guessed, AURA_LISTEN_INVENT_MS_MAX * MS);
    assert_int_equal(stats(&e).silent, (gap_ms - AURA_LISTEN_INVENT_MS_MAX) * MS);
    assert_true(e.power > 1e4);
out:
    aura_listen_free(e.l);
    return err;
}

/* Somebody pauses: a packet of a byte or two, then none for 400 ms. */
static int silence(void) {
    static struct voice v;
    struct ear e = {.l = NULL};
    uint8_t quiet[2];
    size_t len = 0;
    int err = 0;
    TRY_OUT(speak(&v, false));
    TRY_OUT(start(&e));
    for (unsigned n = 0; n < 10; n++) {
        hear(&e, &v, n, 0);
    }
    TRY_OUT(aura_opus_silence(v.data[9], v.len[9], quiet, &len));
    aura_listen_packet(e.l, first_ts + 10 * PACKET, quiet, len, false, 1600000);
    for (unsigned n = 18; n < 30; n++) {
        hear(&e, &v, n, 0);
    }
    assert_int_equal(e.samples, 30 * PACKET);
    assert_int_equal(stats(&e).silent, 8 * PACKET);
    assert_int_equal(stats(&e).guessed, 0);
out:
    aura_listen_free(e.l);
    return err;
}

/* Each packet holds the one before: every other one may go. */
static int red(void) {
    static struct voice v;
    struct ear e = {.l = NULL};
    uint8_t packet[2 * BYTES];
    size_t len = 0;
    int err = 0;
    TRY_OUT(speak(&v, false));
    TRY_OUT(start(&e));
    for (unsigned n = 1; n < 21; n += 2) {
        const struct aura_red_block blocks[] = {{111, PACKET, v.data[n - 1], v.len[n - 1]},
                                                {111, 0, v.data[n], v.len[n]}};
        TRY_OUT(aura_red_write(packet, sizeof(packet), &len, blocks, 2));
        aura_listen_packet(e.l, first_ts + n * PACKET, packet, len, true,
                           1000000 + n * UINT64_C(60000));
    }
    assert_int_equal(stats(&e).guessed, 0);
    /* What was before the first packet is not heard. */
    assert_int_equal(stats(&e).packets, 19);
    assert_int_equal(e.samples, 19 * PACKET);
out:
    aura_listen_free(e.l);
    return err;
}

/* Timestamps of hours, forward and back, and another stream: the clock of arrival holds. */
static int jumps(void) {
    static struct voice v;
    static const uint32_t away[] = {1u << 30, 0x80000000, 1, 48000 * 60};
    struct ear e = {.l = NULL};
    int err = 0;
    TRY_OUT(speak(&v, false));
    TRY_OUT(start(&e));
    for (unsigned n = 0; n < 40; n++) {
        if (n == 30) {
            aura_listen_restart(e.l);
        }
        aura_listen_packet(e.l, first_ts + away[n / 10] + n * PACKET, v.data[n], v.len[n], false,
                           1000000 + n * UINT64_C(60000));
    }
    end(&e, 40 * 60);
    assert_int_equal(e.samples, 40 * PACKET);
    assert_int_equal(stats(&e).packets, 40);
    /* A timestamp runs five times as fast as it should. */
    for (unsigned n = 40; n < 400; n++) {
        aura_listen_packet(e.l, first_ts + 5 * n * PACKET, v.data[n % 40], v.len[n % 40], false,
                           1000000 + n * UINT64_C(60000));
    }
    assert_true(e.samples <= 400 * PACKET + AURA_LISTEN_JUMP_MS_MAX * MS + PACKET);
out:
    aura_listen_free(e.l);
    return err;
}

/* Nonsense leaves gaps, and more packets than can wait push the first ones out. */
static int nonsense(void) {
    static struct voice v;
    struct ear e = {.l = NULL};
    uint8_t large[AURA_LISTEN_PACKET_BYTES_MAX + 1] = {0x78};
    int err = 0;
    TRY_OUT(speak(&v, false));
    TRY_OUT(start(&e));
    hear(&e, &v, 0, 0);
    aura_listen_packet(e.l, first_ts + PACKET, large, sizeof(large), false, 1060000);
    aura_listen_packet(e.l, first_ts + PACKET, large, 0, false, 1060000);
    aura_listen_packet(e.l, first_ts + PACKET, (const uint8_t *)"\xff\xff\xff", 3, false, 1060000);
    aura_listen_packet(e.l, first_ts + PACKET, (const uint8_t *)"\xff\xff\xff", 3, true, 1060000);
    assert_int_equal(e.samples, PACKET);
    for (unsigned i = 0; i < AURA_LISTEN_PACKETS_MAX; i++) { /* all overtook, none waited long */
        aura_listen_packet(e.l, first_ts + 2 * PACKET + i * 120, v.data[1], v.len[1], false,
                           1060000);
    }
    assert_int_equal(e.samples > PACKET, true);
    assert_int_equal(stats(&e).broken, 0);
out:
    aura_listen_free(e.l);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(order),    AURA_CASE(guessed), AURA_PLAIN(recovered), AURA_PLAIN(long_gap),
        AURA_PLAIN(silence), AURA_PLAIN(red),    AURA_PLAIN(jumps),     AURA_PLAIN(nonsense)};
    return RUN_CASES("listen", cases);
}
