/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"
#include "harness.h"
#include "rtp/gapmap.h"

static int gaps_of_ours_close(void) {
    struct aura_gapmap g;
    uint64_t out;
    aura_gapmap_start(&g, 0);
    assert_true(aura_gapmap_map(&g, 0, &out));
    assert_int_equal(out, 0);
    assert_true(aura_gapmap_drop(&g, 1));
    assert_true(aura_gapmap_drop(&g, 1));      /* its second packet */
    assert_true(aura_gapmap_map(&g, 4, &out)); /* 2 and 3 are late */
    assert_int_equal(out, 3);
    assert_false(aura_gapmap_drop(&g, 3)); /* too late to close */
    assert_true(aura_gapmap_map(&g, 2, &out));
    assert_int_equal(out, 1);
    assert_false(aura_gapmap_map(&g, 1, &out));
    assert_true(aura_gapmap_map(&g, 4 + AURA_GAPMAP_WINDOW, &out));
    assert_int_equal(out, 3 + AURA_GAPMAP_WINDOW);
    assert_false(aura_gapmap_map(&g, 4, &out));
    assert_true(aura_gapmap_map(&g, 5, &out));
    aura_gapmap_start(&g, 100);
    assert_false(aura_gapmap_map(&g, 99, &out));
    return 0;
}

/* Numbers come a little out of order, some never, some are dropped: those that go out are in the
 * order of the originals, each is found again, and without losses there is no gap. */
static int mapped_numbers_are_found_again(void) {
    enum { N = 5000, REACH = 20 };
    uint64_t mapped[N] = {0};
    bool went_out[N] = {false};
    struct aura_rand_seeded seeded;
    struct aura_gapmap g;
    size_t drops = 0;
    aura_rand_seeded_init(&seeded, 11);
    aura_gapmap_start(&g, 1000);
    for (uint64_t i = 0; i < N; i++) {
        uint64_t back =
            aura_rand_below(&seeded.rand, 10) == 0 ? aura_rand_below(&seeded.rand, REACH) : 0;
        uint64_t n = i < back ? i : i - back, found = 0;
        if (went_out[n]) {
            continue;
        }
        if (n == i && aura_rand_below(&seeded.rand, 4) == 0) {
            assert_true(aura_gapmap_drop(&g, 1000 + n));
            drops++;
            continue;
        }
        went_out[n] = aura_gapmap_map(&g, 1000 + n, &mapped[n]);
        if (went_out[n]) {
            assert_true(aura_gapmap_inverse(&g, mapped[n], &found));
            assert_int_equal(found, 1000 + n);
        }
    }
    uint64_t last = 0;
    bool any = false;
    for (uint64_t n = 0; n < N; n++) {
        if (went_out[n]) {
            assert_true(!any || mapped[n] > last);
            last = mapped[n];
            any = true;
        }
    }
    assert_true(drops > N / 6);
    assert_true(last + drops < N + 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(gaps_of_ours_close),
        AURA_CASE(mapped_numbers_are_found_again),
    };
    return RUN_CASES("gapmap", cases);
}
