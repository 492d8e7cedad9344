/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"
#include "record/track.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint8_t broken[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x00, 0x00, 0x00, 0x00};
static const uint8_t silence[] = {0xf8, 0xff, 0xfe}; /* Opus: 20 ms */

static struct aura_frame frame_of(const uint8_t *data, size_t len, bool key) {
    return (struct aura_frame){
        .track = "t", .codec = AURA_CODEC_VP8, .data = data, .len = len, .key_frame = key};
}

/* A picture that no file can begin with, and what follows it: all came, nothing is written. */
static int pictures_without_a_beginning_are_dropped(void) {
    struct aura_record_track *t = NULL;
    TRY(aura_record_track_new(&t, "TR_x", "/nowhere"));
    struct aura_frame key = frame_of(broken, sizeof(broken), true);
    struct aura_frame next = frame_of(broken + 1, sizeof(broken) - 1, false);
    assert_false(aura_record_track_frame(t, &key, 1));
    assert_int_equal(t->dropped, 1);
    assert_false(aura_record_track_frame(t, &next, 2));
    assert_int_equal(t->dropped, 2);
    assert_int_equal(t->file_count, 0);
    aura_record_track_end(t);
    (void)aura_record_track_frame(t, &next, 3); /* nobody wants it any more */
    assert_int_equal(t->dropped, 2);
    aura_record_track_free(t);
    return 0;
}

static void sounds(struct aura_record_track *t, unsigned from, unsigned count) {
    for (unsigned i = from; i < from + count; i++) {
        aura_record_track_sound(t, AURA_CODEC_OPUS, i * 960, 48000, silence, sizeof(silence),
                                i * 20000, i * 20000);
    }
}

static int sound_that_cannot_be_written_is_dropped(void) {
    char folder[] = "/tmp/aura-track-XXXXXX", path[300];
    struct aura_record_track *t = NULL;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(aura_record_track_new(&t, "TR_x", folder), 0);
    sounds(t, 0, 100);
    aura_record_track_end(t);
    assert_int_equal(t->err, 0);
    assert_int_equal(t->dropped, 0);
    assert_int_equal(t->file_count, 1);
    assert_int_equal(t->files[0].frames, 100);
    snprintf(path, sizeof(path), "%s/%s", folder, t->files[0].name);
    assert_int_equal(unlink(path), 0);
    aura_record_track_free(t);

    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(aura_record_track_new(&t, "TR_x", folder), 0);
    sounds(t, 0, 100);
    aura_record_track_end(t);
    assert_int_not_equal(t->err, 0);
    assert_int_equal(t->file_count, 0);
    assert_int_equal(t->dropped, 100);
    aura_record_track_free(t);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(pictures_without_a_beginning_are_dropped),
        AURA_PLAIN(sound_that_cannot_be_written_is_dropped),
    };
    return RUN_CASES("record/track", cases);
}
