/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/bytes.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/timer.h"
#include "harness.h"

#include <stdio.h>

static int buf_has_a_ceiling(void) {
    struct aura_buf b = AURA_BUF(10);
    int err = aura_buf_printf(&b, "%s", "12345");
    if (!err) {
        assert_string_equal(aura_buf_text(&b), "12345");
        assert_int_equal(aura_buf_str(&b, "123456"), AURA_ELIMIT);
        assert_int_equal(aura_buf_str(&b, "1"), AURA_ELIMIT);
        aura_buf_clear(&b);
        err = aura_buf_str(&b, "0123456789");
    }
    aura_buf_free(&b);
    return err;
}

static int cursor_fails_once_and_stays(void) {
    static const uint8_t in[] = {1, 2, 3, 4, 5};
    struct aura_cur c = aura_cur_of(in, sizeof(in));
    assert_int_equal(aura_cur_u16(&c), 0x0102);
    assert_int_equal(aura_cur_u32(&c), 0);
    assert_true(c.fail);
    assert_int_equal(aura_cur_u8(&c), 0);
    uint8_t out[3];
    struct aura_wr w = aura_wr_of(out, sizeof(out));
    aura_wr_u16(&w, 0xabcd);
    aura_wr_u16(&w, 1);
    assert_true(w.fail);
    aura_wr_u8(&w, 1);
    assert_int_equal(aura_wr_len(&w), 2);
    return 0;
}

static int map_puts_gets_walks_and_deletes(void) {
    struct aura_map *m = NULL;
    TRY(aura_map_new(&m, 100));
    static int values[101];
    int err = 0;
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        TRY_OUT(aura_map_put_str(m, key, &values[i]));
    }
    assert_int_equal(aura_map_put_str(m, "one too many", &values[100]), AURA_ELIMIT);
    assert_ptr_equal(aura_map_get_str(m, "k42"), &values[42]);
    assert_null(aura_map_get_str(m, "k100"));
    size_t it = 0, seen = 0;
    for (int *v; (v = aura_map_next(m, &it));) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", (int)(v - values));
        if (seen++ % 2) {
            assert_ptr_equal(aura_map_del_str(m, key), v);
        }
    }
    assert_int_equal(seen, 100);
    assert_int_equal(aura_map_count(m), 50);
out:
    aura_map_free(m);
    return err;
}

struct fired {
    int order[8], n;
};
static struct fired log_;
static void fire(void *arg) {
    log_.order[log_.n++] = (int)(intptr_t)arg;
}

static int timers_fire_in_order_on_a_manual_clock(void) {
    struct aura_clock_manual clock;
    aura_clock_manual_init(&clock, 1000, 5000);
    struct aura_timers *t = NULL;
    TRY(aura_timers_new(&t, &clock.clock));
    struct aura_timer a = {0}, b = {0}, c = {0}, d = {0};
    log_.n = 0;
    int err;
    TRY_OUT(aura_timer_start(t, &a, 300, fire, (void *)1));
    TRY_OUT(aura_timer_start(t, &b, 100, fire, (void *)2));
    TRY_OUT(aura_timer_start(t, &c, 100, fire, (void *)3));
    TRY_OUT(aura_timer_start(t, &d, 50, fire, (void *)4));
    aura_timer_stop(t, &d);
    assert_int_equal(aura_timers_next_us(t), 100);
    aura_clock_manual_advance(&clock, 100);
    assert_int_equal(aura_timers_run(t), 2);
    aura_clock_manual_advance(&clock, 1000);
    assert_int_equal(aura_timers_run(t), 1);
    assert_true(aura_timers_next_us(t) == UINT64_MAX);
    assert_int_equal(log_.order[0], 2);
    assert_int_equal(log_.order[1], 3);
    assert_int_equal(log_.order[2], 1);
out:
    aura_timers_free(t);
    return err;
}

static int seeded_random_repeats(void) {
    struct aura_rand_seeded a, b;
    aura_rand_seeded_init(&a, 7);
    aura_rand_seeded_init(&b, 7);
    for (int i = 0; i < 100; i++) {
        uint32_t v = aura_rand_below(&a.rand, 10);
        assert_true(v < 10);
        assert_int_equal(v, aura_rand_below(&b.rand, 10));
    }
    return 0;
}

static int dtors;
static void count_dtor(void *obj) {
    (void)obj;
    dtors++;
}

static int references_free_at_zero(void) {
    dtors = 0;
    int *obj = aura_ref_new(sizeof(int), count_dtor);
    if (!obj) {
        return AURA_ENOMEM;
    }
    int *other = aura_ref(obj);
    assert_int_equal(aura_refs(obj), 2);
    obj = aura_unref(obj);
    assert_null(obj);
    assert_int_equal(dtors, 0);
    aura_unref(other);
    assert_int_equal(dtors, 1);
    return 0;
}

static int list_walk_may_remove_the_current(void) {
    struct item {
        int v;
        struct aura_node node;
    } items[3] = {{1, {0}}, {2, {0}}, {3, {0}}};
    struct aura_list l;
    aura_list_init(&l);
    for (int i = 0; i < 3; i++) {
        aura_list_add(&l, &items[i].node);
    }
    int sum = 0;
    AURA_LIST_EACH(&l, struct item, it, node) {
        sum += it->v;
        aura_node_remove(&it->node);
    }
    assert_int_equal(sum, 6);
    assert_true(aura_list_empty(&l));
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(buf_has_a_ceiling),
        AURA_CASE(cursor_fails_once_and_stays),
        AURA_CASE(map_puts_gets_walks_and_deletes),
        AURA_CASE(timers_fire_in_order_on_a_manual_clock),
        AURA_CASE(seeded_random_repeats),
        AURA_CASE(references_free_at_zero),
        AURA_CASE(list_walk_may_remove_the_current),
    };
    return RUN_CASES("base", cases);
}
