/* SPDX-License-Identifier: Apache-2.0 */
/* Speech, music and silence, by sounds that are made here; real ones are in test_aicore_sound.py.
 */
#include "aicore/content.h"
#include "base/rand.h"
#include "harness.h"

#include <math.h>
#include <string.h>

enum { CHUNK = AURA_CONTENT_CHUNK, RATE = 16000 };

typedef float sound_fn(unsigned at, struct aura_rand *rand);

static float none(unsigned at, struct aura_rand *rand) {
    (void)at;
    return (float)aura_rand_below(rand, 3) * 1e-4F;
}

static float hiss(unsigned at, struct aura_rand *rand) {
    (void)at;
    return ((float)aura_rand_below(rand, 2001) - 1000) * 3e-5F;
}

/* Three notes, others each half second. */
static float chords(unsigned at, struct aura_rand *rand) {
    static const float root[] = {440, 523.25F, 587.33F, 392};
    float f = root[at / (RATE / 2) % 4], t = (float)(at % RATE) / RATE, sum = 0;
    for (int i = 0; i < 3; i++) {
        sum += sinf(6.2831853F * f * (1 + 0.25F * (float)i) * t);
    }
    return 0.1F * sum + hiss(at, rand) * 0.1F;
}

/* Harmonics that glide up and down, as a voice's do. */
static float glides(unsigned at, struct aura_rand *rand) {
    double t = (double)at / RATE, phase = 2 * 3.14159265 * (170 * t - 9 / 3.0 * cos(20 * t));
    float sum = 0;
    for (int k = 1; k < 20; k++) {
        sum += (float)sin(k * phase) / (float)k;
    }
    return 0.1F * sum + hiss(at, rand) * 0.1F;
}

/* One tone that never ends: a fan, a lamp. */
static float whine(unsigned at, struct aura_rand *rand) {
    return 0.05F * sinf(6.2831853F * 1000 * (float)(at % RATE) / RATE) + hiss(at, rand);
}

static enum aura_sound_content play(struct aura_content *c, sound_fn *sound, float speech,
                                    unsigned seconds) {
    float chunk[CHUNK];
    struct aura_rand_seeded r;
    aura_rand_seeded_init(&r, 1);
    for (unsigned at = 0; at < seconds * RATE; at += CHUNK) {
        for (unsigned i = 0; i < CHUNK; i++) {
            chunk[i] = sound(at + i, &r.rand);
        }
        (void)aura_content_add(c, chunk, speech);
    }
    return c->now;
}

static int each_is_what_it_is(void) {
    struct aura_content c;
    aura_content_init(&c);
    assert_int_equal(play(&c, none, 0, 2), AURA_SOUND_SILENCE);
    assert_int_equal(play(&c, glides, 0.9F, 3), AURA_SOUND_SPEECH);
    assert_int_equal(play(&c, hiss, 0.05F, 20), AURA_SOUND_SPEECH); /* the same person's room */
    assert_int_equal(play(&c, hiss, 0.05F, 60), AURA_SOUND_MUSIC);  /* nobody is there any more */
    assert_int_equal(play(&c, glides, 0.9F, 3), AURA_SOUND_SPEECH);
    assert_int_equal(play(&c, chords, 0.05F, 4), AURA_SOUND_MUSIC);
    return 0;
}

static int singing_is_music(void) {
    struct aura_content c;
    aura_content_init(&c);
    assert_int_equal(play(&c, chords, 0.9F, 3), AURA_SOUND_MUSIC);
    assert_int_equal(play(&c, none, 0, 20), AURA_SOUND_SILENCE);
    return 0;
}

static int a_whine_is_no_music(void) {
    struct aura_content c;
    aura_content_init(&c);
    (void)play(&c, glides, 0.9F, 3);
    (void)play(&c, whine, 0.05F, 10); /* its beginning could be a note */
    assert_int_equal(play(&c, whine, 0.05F, 20), AURA_SOUND_SPEECH);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(each_is_what_it_is), AURA_CASE(singing_is_music),
                                       AURA_CASE(a_whine_is_no_music)};
    return RUN_CASES("aicore/content", cases);
}
