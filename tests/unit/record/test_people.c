/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in a recorded room at a time, from its manifest; and the places of tiles. */
#include "harness.h"
#include "record/compose_priv.h"

#include <string.h>

static const char manifest_text[] =
    "{\"participants\": ["
    " {\"sid\": \"PA_1\", \"identity\": \"anna\", \"name\": \"Old\"},"
    " {\"sid\": \"PA_2\", \"identity\": \"bert\"},"
    " {\"sid\": \"PA_3\", \"identity\": \"anna\", \"name\": \"Anna\"},"
    " {\"sid\": \"PA_4\", \"identity\": \"viewer\", \"name\": \"V\"}],"
    "\"tracks\": ["
    " {\"sid\": \"A1\", \"kind\": \"audio\", \"source\": \"microphone\", \"identity\": \"anna\"},"
    " {\"sid\": \"V1\", \"kind\": \"video\", \"source\": \"camera\", \"identity\": \"anna\"},"
    " {\"sid\": \"S2\", \"kind\": \"video\", \"source\": \"screen_share\", \"identity\": \"bert\"},"
    " {\"sid\": \"A2\", \"kind\": \"audio\", \"source\": \"microphone\", \"identity\": \"bert\"}],"
    "\"events\": ["
    " {\"at_us\": 900, \"type\": \"track_published\", \"track\": \"S2\"},"
    " {\"at_us\": 950, \"type\": \"track_published\", \"track\": \"A1\", \"muted\": true},"
    " {\"at_us\": 1100, \"type\": \"track_unmuted\", \"track\": \"A1\"},"
    " {\"at_us\": 1150, \"type\": \"track_published\", \"track\": \"nobody's\"},"
    " {\"at_us\": 1200, \"type\": \"track_published\", \"track\": \"A2\"},"
    " {\"at_us\": 1300, \"type\": \"track_muted\", \"track\": \"A2\"},"
    " {\"at_us\": 1400, \"type\": \"track_unpublished\", \"track\": \"A2\"},"
    " {\"type\": 5}, 7]}";

static int people(void) {
    struct aura__people p = {.count = 0};
    json_t *manifest = json_loads(manifest_text, 0, NULL);
    assert_non_null(manifest);
    int err;
    TRY_OUT(aura__people_open(&p, manifest, 1000));
    assert_int_equal(p.count, 2); /* who sends nothing is not shown */
    assert_int_equal(p.lane_count, 4);
    struct aura__person *anna = &p.list[0], *bert = &p.list[1];
    assert_string_equal(anna->name, "Anna");
    assert_string_equal(bert->name, "");
    assert_string_equal(bert->identity, "bert");
    assert_true(p.lanes[2].screen && p.lanes[2].video && p.lanes[3].microphone);
    aura__people_at(&p, 0);
    assert_true(anna->here && anna->silent);
    assert_false(bert->here); /* with a screen alone */
    aura__people_at(&p, 100);
    assert_false(anna->silent);
    aura__people_at(&p, 250);
    assert_true(bert->here && !bert->silent);
    aura__people_at(&p, 399);
    assert_true(bert->here && bert->silent);
    aura__people_at(&p, 100000);
    assert_false(bert->here || bert->silent);
    assert_true(anna->here);
out:
    aura__people_close(&p);
    json_decref(manifest);
    return err;
}

/* Manifests of somebody else's making. */
static int strange(void) {
    static const char worst[] =
        "{\"tracks\": [1, {}, {\"sid\": 7}], \"participants\": [3, {\"name\": 4}],"
        " \"events\": [{\"track\": \"\"}, {\"track\": \"\", \"type\": \"track_published\"}]}";
    static const char *const texts[] = {"{}", "[]", "{\"tracks\": 5, \"events\": {}}", worst};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct aura__people p = {.count = 0};
        json_t *manifest = json_loads(texts[i], 0, NULL);
        assert_non_null(manifest);
        int err = aura__people_open(&p, manifest, 0);
        if (!err) {
            aura__people_at(&p, INT64_MAX);
        }
        aura__people_close(&p);
        json_decref(manifest);
        TRY(err);
    }
    return 0;
}

static bool apart(struct aura__tile a, struct aura__tile b) {
    return a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y ||
           b.y + b.height <= a.y;
}

/* All within the picture, on even numbers, none over another. */
static int tiles(void) {
    for (size_t n = 1; n <= 30; n++) {
        for (int main = -1; main < (int)n; main++) {
            struct aura__tile t[30];
            for (size_t i = 0; i < n; i++) {
                t[i] = aura__tile_of(640, 358, n, i, main);
                assert_true(t[i].width >= 2 && t[i].height >= 2);
                assert_true(t[i].x + t[i].width <= 640 && t[i].y + t[i].height <= 358);
                assert_int_equal((t[i].x | t[i].y | t[i].width | t[i].height) & 1, 0);
                for (size_t k = 0; k < i; k++) {
                    assert_true(apart(t[i], t[k]));
                }
            }
        }
    }
    struct aura__tile last = aura__tile_of(640, 360, 3, 2, -1);
    assert_int_equal(last.x, 160); /* alone in its row, in the middle */
    assert_int_equal(last.y, 180);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(people), AURA_CASE(strange), AURA_CASE(tiles)};
    return RUN_CASES("record/people", cases);
}
