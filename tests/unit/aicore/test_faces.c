/* SPDX-License-Identifier: Apache-2.0 */
/* The detector's output, made by hand: places are 16 × 16 × 2, then 8 × 8 × 6. */
#include "aicore/masks.h"
#include "harness.h"

#include <math.h>
#include <string.h>

enum { ANCHORS = 896, VALUES = 16, FINE = 512 };

static float boxes[ANCHORS * VALUES], scores[ANCHORS];

static void nothing(void) {
    memset(boxes, 0, sizeof(boxes));
    for (size_t i = 0; i < ANCHORS; i++) {
        scores[i] = -20;
    }
}

static void put(size_t anchor, float dx, float dy, float side, float score) {
    float *box = boxes + anchor * VALUES;
    box[0] = dx;
    box[1] = dy;
    box[2] = box[3] = side;
    scores[anchor] = score;
}

static int nothing_is_no_face(void) {
    struct aura_faces f;
    nothing();
    aura_faces_decode(boxes, scores, 1, 1, &f);
    assert_int_equal(f.count, 0);
    return 0;
}

static int boxes_are_where_their_places_say(void) {
    struct aura_faces f;
    nothing();
    put(2 * (3 * 16 + 5), 0, 0, 32, 3);        /* row 3, column 5 of 16 */
    put(FINE + 6 * (6 * 8 + 2), 4, -4, 16, 2); /* row 6, column 2 of 8 */
    aura_faces_decode(boxes, scores, 1, 1, &f);
    assert_int_equal(f.count, 2);
    assert_true(fabsf(f.face[0].x + f.face[0].width / 2 - 5.5F / 16) < 1e-4F);
    assert_true(fabsf(f.face[0].y + f.face[0].height / 2 - 3.5F / 16) < 1e-4F);
    assert_true(fabsf(f.face[0].width - 0.25F) < 1e-4F);
    assert_true(fabsf(f.face[1].x + f.face[1].width / 2 - (2.5F / 8 + 4 / 128.0F)) < 1e-4F);
    assert_true(fabsf(f.face[1].y + f.face[1].height / 2 - (6.5F / 8 - 4 / 128.0F)) < 1e-4F);
    assert_true(f.face[0].score > f.face[1].score);
    /* A picture that fills the upper 9/16 of the square only: the same box is a larger share. */
    aura_faces_decode(boxes, scores, 1, 0.5625F, &f);
    assert_true(fabsf(f.face[0].height - 0.25F / 0.5625F) < 1e-4F);
    return 0;
}

static int one_face_is_found_once(void) {
    struct aura_faces f;
    nothing();
    for (size_t i = 0; i < 6; i++) {
        put(2 * (8 * 16 + 8) + i, 0, 0, 40, 2 + (float)i / 10);
    }
    aura_faces_decode(boxes, scores, 1, 1, &f);
    assert_int_equal(f.count, 1);
    assert_true(fabsf(f.face[0].score - 1 / (1 + expf(-2.5F))) < 1e-4F);
    return 0;
}

/* Every place shouts, and some say what is no number. */
static int any_output_is_bounded(void) {
    struct aura_faces f;
    nothing();
    for (size_t i = 0; i < ANCHORS; i++) {
        put(i, 0, 0, 2, 1 + (float)(i % 7));
    }
    put(3, 0, 0, NAN, 9);
    put(4, NAN, 0, 8, NAN);
    put(5, 0, 0, -8, 9);
    aura_faces_decode(boxes, scores, 1, 1, &f);
    assert_int_equal(f.count, AURA_FACES_MAX);
    for (size_t i = 1; i < f.count; i++) {
        assert_true(f.face[i].score <= f.face[i - 1].score);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(nothing_is_no_face),
        AURA_CASE(boxes_are_where_their_places_say),
        AURA_CASE(one_face_is_found_once),
        AURA_CASE(any_output_is_bounded),
    };
    return RUN_CASES("aicore/faces", cases);
}
