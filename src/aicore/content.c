/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/content.h"

#include <complex.h>
#include <math.h>
#include <string.h>

enum {
    POINTS = 2 * AURA_CONTENT_CHUNK, /* of the transform */
    LOG2_POINTS = 10,
    FIRST_BIN = 19, /* 300 Hz */
    NEIGHBOURS = 2, /* on each side, that a peak stands out of */
    LASTS = 6,      /* chunks: 0.2 s; no vowel stays that long where it is */
    HUMS = 60,      /* chunks: 1.9 s; nobody plays a note that long all the time */
    SURE = 10,      /* chunks with speech before it is called that: 0.3 s */
    DECIDE = 31,    /* chunks of sound without speech, before that is called anything: 1 s */
    FORGET = 1900,  /* chunks without speech: a minute. Then it may be another source */
    COUNT_MAX = 1 << 20,
};

static const float likely = 0.5F;        /* of speech */
static const float silent = 1e-6F;       /* power: −60 dB */
static const float stands_out = 4.95F;   /* 7 dB over its neighbours' power */
static const float far_below = 3e-5F;    /* of the loudest: −45 dB is not listened to */
static const float fades = 0.998F;       /* of the loudest in each chunk: 10 dB in 37 s */
static const float music_above = 0.025F; /* of the power, in notes … */
static const float music_below = 0.012F; /* … and until it is less than that */
static const float slow = 1 / 125.0F;    /* 4 s */
static const float quiet = 1e-4F;  /* power: −40 dB; what is louder is there to be heard … */
static const float steady = 0.35F; /* … and so is what changes by more than 1.5 dB */

void aura_content_init(struct aura_content *c) {
    *c = (struct aura_content){.now = AURA_SOUND_UNKNOWN, .since_speech = COUNT_MAX};
}

static unsigned mirrored(unsigned i) {
    unsigned m = 0;
    for (int bit = 0; bit < LOG2_POINTS; bit++, i >>= 1) {
        m = m << 1 | (i & 1);
    }
    return m;
}

/* Radix 2, in place of nothing: from `in` to `out`. */
static void transform(const float in[POINTS], float complex out[POINTS]) {
    const float pi = acosf(-1);
    for (unsigned i = 0; i < POINTS; i++) {
        float w = 0.5F - 0.5F * cosf(2 * pi * (float)i / POINTS);
        out[mirrored(i)] = in[i] * w;
    }
    for (unsigned half = 1; half < POINTS; half *= 2) {
        float complex step = cexpf(-I * pi / (float)half);
        for (unsigned from = 0; from < POINTS; from += 2 * half) {
            float complex turn = 1;
            for (unsigned k = from; k < from + half; k++, turn *= step) {
                float complex odd = out[k + half] * turn;
                out[k + half] = out[k] - odd;
                out[k] += odd;
            }
        }
    }
}

static float larger(float a, float b) {
    return a > b ? a : b;
}

/* @param p  power of the bins, NEIGHBOURS more at both ends. @return its share that lasts */
static float lasting(struct aura_content *c, const float *p) {
    float all = 0, notes = 0, before = 0;
    for (int i = 0; i < AURA_CONTENT_BINS; i++) {
        const float *b = p + NEIGHBOURS + i;
        float after = i + 1 < AURA_CONTENT_BINS ? c->age[i + 1] : 0;
        float age = larger(c->age[i], larger(before, after) - 0.5F);
        bool is_peak = b[0] >= b[-1] && b[0] >= b[1] && b[0] > b[-NEIGHBOURS] * stands_out &&
                       b[0] > b[NEIGHBOURS] * stands_out;
        before = c->age[i];
        c->age[i] = is_peak ? larger(age, 0) + 1 : 0;
        all += b[0];
        notes += c->age[i] >= LASTS && c->age[i] < HUMS ? b[0] : 0;
    }
    return all > 0 ? notes / all : 0;
}

static float power_of(const float *samples) {
    float sum = 0;
    for (int i = 0; i < AURA_CONTENT_CHUNK; i++) {
        sum += samples[i] * samples[i];
    }
    return sum / AURA_CONTENT_CHUNK;
}

static void count(uint32_t *n) {
    *n += *n < COUNT_MAX;
}

static enum aura_sound_content judge(const struct aura_content *c) {
    bool music = c->tonal > (c->now == AURA_SOUND_MUSIC ? music_below : music_above);
    bool person = c->spoken >= SURE && c->since_speech < FORGET;
    if (c->heard == 0 && (c->now != AURA_SOUND_MUSIC || !music)) {
        return AURA_SOUND_SILENCE;
    }
    if (music) {
        return AURA_SOUND_MUSIC;
    }
    if (person) {
        return AURA_SOUND_SPEECH;
    }
    if (c->heard >= DECIDE && c->level < quiet && c->strays < steady) {
        return AURA_SOUND_SILENCE; /* a room */
    }
    /* Drums, applause: no notes, no speech, but perhaps what this source is there for. */
    return c->heard >= DECIDE ? AURA_SOUND_MUSIC : AURA_SOUND_UNKNOWN;
}

enum aura_sound_content aura_content_add(struct aura_content *c, const float *samples,
                                         float speech) {
    float complex spectrum[POINTS];
    float power[AURA_CONTENT_BINS + 2 * NEIGHBOURS], now = power_of(samples);
    memmove(c->window, c->window + AURA_CONTENT_CHUNK, AURA_CONTENT_CHUNK * sizeof(*samples));
    memcpy(c->window + AURA_CONTENT_CHUNK, samples, AURA_CONTENT_CHUNK * sizeof(*samples));
    transform(c->window, spectrum);
    for (int i = 0; i < AURA_CONTENT_BINS + 2 * NEIGHBOURS; i++) {
        float complex v = spectrum[FIRST_BIN - NEIGHBOURS + i];
        power[i] = crealf(v) * crealf(v) + cimagf(v) * cimagf(v);
    }
    float share = lasting(c, power);
    c->level += (now - c->level) * 0.25F;
    float usual = logf(now + silent / 100);
    c->usual += (usual - c->usual) * slow * 4;
    c->strays += (fabsf(usual - c->usual) - c->strays) * slow * 4;
    c->peak = larger(c->peak * fades, now);
    if (c->level < silent) {
        c->heard = 0;
    } else {
        count(&c->heard);
    }
    if (now > silent && now > c->peak * far_below) {
        c->tonal += (share - c->tonal) * slow;
    }
    count(&c->since_speech);
    if (speech >= likely) {
        c->since_speech = 0;
        count(&c->spoken);
    } else if (c->since_speech >= FORGET) {
        c->spoken = 0;
    }
    c->now = judge(c);
    return c->now;
}
