/* SPDX-License-Identifier: Apache-2.0 */
/* Opus packets in order: late ones, lost ones, RED. */
#include "harness.h"
#include "record/sound.h"

#include "rtp/red.h"

#include <string.h>

enum { FRAME_US = 20000, TOC = 31 << 3 /* 20 ms */ };

struct heard {
    struct aura_sound_order *order;
    size_t count;
    int numbers[200]; /* second byte of each */
    int64_t end_us;
};

static void on_sound(void *arg, int64_t us, int64_t duration_us, const uint8_t *data, size_t len) {
    struct heard *h = arg;
    assert_int_equal(len, 4);
    assert_true(us >= h->end_us && duration_us == FRAME_US && h->count < 200);
    assert_int_equal(us, data[1] * FRAME_US);
    h->numbers[h->count++] = data[1];
    h->end_us = us + duration_us;
}

static void add(struct heard *h, int number) {
    const uint8_t packet[4] = {TOC, (uint8_t)number, 1, 2};
    aura_sound_add(h->order, number * (int64_t)FRAME_US, packet, sizeof(packet), false);
}

static int order(void) {
    struct heard h = {.count = 0};
    int err;
    TRY_OUT(aura_sound_new(&h.order, on_sound, &h));
    add(&h, 1);
    add(&h, 0);
    add(&h, 0);
    add(&h, 3);
    assert_int_equal(h.count, 0); /* the first waits: one before it may come */
    for (int i = 4; i <= AURA_SOUND_WAIT_MS / 20; i++) {
        add(&h, i);
    }
    assert_int_equal(h.count, 2); /* nothing came before it; 2 is missing */
    add(&h, 2);
    assert_int_equal(h.count, 16);
    add(&h, 5); /* gone long since */
    assert_int_equal(h.count, 16);
    add(&h, 17); /* 16 is lost */
    assert_int_equal(h.count, 16);
    for (int i = 18; i <= 17 + AURA_SOUND_WAIT_MS / 20; i++) {
        add(&h, i);
    }
    assert_true(h.count > 17);
    assert_int_equal(h.numbers[16], 17);
    aura_sound_flush(h.order);
    assert_int_equal(h.numbers[h.count - 1], 17 + AURA_SOUND_WAIT_MS / 20);
out:
    aura_sound_free(h.order);
    return err;
}

static int redundant(void) {
    struct heard h = {.count = 0};
    int err;
    TRY_OUT(aura_sound_new(&h.order, on_sound, &h));
    for (int i = 0; i < 100; i += 2) { /* every other packet is lost */
        const uint8_t before[4] = {TOC, (uint8_t)(i - 1), 1, 2}, now[4] = {TOC, (uint8_t)i, 1, 2};
        const struct aura_red_block blocks[2] = {
            {.pt = 111, .ts_offset = 960, .data = before, .len = 4},
            {.pt = 111, .data = now, .len = 4}};
        uint8_t payload[64];
        size_t len;
        assert_int_equal(
            aura_red_write(payload, sizeof(payload), &len, i ? blocks : blocks + 1, i ? 2 : 1), 0);
        aura_sound_add(h.order, i * (int64_t)FRAME_US, payload, len, true);
    }
    aura_sound_flush(h.order);
    assert_int_equal(h.count, 99);
    for (int i = 0; i < 99; i++) {
        assert_int_equal(h.numbers[i], i);
    }
    /* Nonsense is dropped. */
    aura_sound_add(h.order, 1000 * FRAME_US, (const uint8_t *)"\xff\xff", 2, true);
    aura_sound_add(h.order, 1000 * FRAME_US, (const uint8_t *)"", 0, false);
    aura_sound_flush(h.order);
    assert_int_equal(h.count, 99);
out:
    aura_sound_free(h.order);
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_CASE(order), AURA_CASE(redundant)};
    return RUN_CASES("record/sound", cases);
}
