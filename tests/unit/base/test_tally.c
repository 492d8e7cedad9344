/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tally.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

enum { COUNT, TIME, FAMILIES };

static const double bounds[] = {0, 0.1, 1000000};
static const struct aura_tally_family families[FAMILIES] = {
    [COUNT] = {"x_things_total", "Things.", NULL, 0},
    [TIME] = {"x_time_us", "Time.", bounds, 3},
};

static int text_is(const struct aura_tally *t, const char *common, const char *wanted) {
    struct aura_buf out = AURA_BUF(4096);
    aura_tally_write(t, common, &out);
    int err = out.err;
    if (!err) {
        assert_string_equal(aura_buf_text(&out), wanted);
    }
    aura_buf_free(&out);
    return err;
}

static int families_without_series_have_a_head(void) {
    struct aura_tally *t = NULL;
    TRY(aura_tally_new(&t, families, FAMILIES));
    int err = text_is(t, "node=\"a\"",
                      "# HELP x_things_total Things.\n# TYPE x_things_total counter\n"
                      "# HELP x_time_us Time.\n# TYPE x_time_us histogram\n");
    aura_tally_free(t);
    return err;
}

static void record(struct aura_tally *t) {
    uint64_t before = aura_mem_count();
    aura_tally_add(t, COUNT, "kind=\"a\"", 2);
    aura_tally_add(t, COUNT, "kind=\"a\"", 1.5);
    aura_tally_add(t, COUNT, "", 7);
    aura_tally_observe(t, TIME, "", 0);
    aura_tally_observe(t, TIME, "", 0.05);
    aura_tally_observe(t, TIME, "", 0.1); /* a bound belongs to what is below it */
    aura_tally_observe(t, TIME, "", 2e6);
    assert_int_equal(aura_mem_count(), before);
}

static int values_come_out_cumulated_and_labelled(void) {
    static const char plain[] =
        "# HELP x_things_total Things.\n# TYPE x_things_total counter\n"
        "x_things_total{kind=\"a\"} 3.5\nx_things_total 7\n"
        "# HELP x_time_us Time.\n# TYPE x_time_us histogram\n"
        "x_time_us_bucket{le=\"0\"} 1\nx_time_us_bucket{le=\"0.1\"} 3\n"
        "x_time_us_bucket{le=\"1e+06\"} 3\nx_time_us_bucket{le=\"+Inf\"} 4\n"
        "x_time_us_sum 2000000.15\nx_time_us_count 4\n";
    static const char common[] =
        "# HELP x_things_total Things.\n# TYPE x_things_total counter\n"
        "x_things_total{node=\"n\",kind=\"a\"} 3.5\nx_things_total{node=\"n\"} 7\n"
        "# HELP x_time_us Time.\n# TYPE x_time_us histogram\n"
        "x_time_us_bucket{node=\"n\",le=\"0\"} 1\nx_time_us_bucket{node=\"n\",le=\"0.1\"} 3\n"
        "x_time_us_bucket{node=\"n\",le=\"1e+06\"} 3\nx_time_us_bucket{node=\"n\",le=\"+Inf\"} 4\n"
        "x_time_us_sum{node=\"n\"} 2000000.15\nx_time_us_count{node=\"n\"} 4\n";
    struct aura_tally *t = NULL;
    TRY(aura_tally_new(&t, families, FAMILIES));
    record(t);
    int err = text_is(t, "", plain);
    err = err ? err : text_is(t, "node=\"n\"", common);
    aura_tally_free(t);
    return err;
}

static int series_have_a_ceiling(void) {
    struct aura_tally *t = NULL;
    struct aura_buf out = AURA_BUF(1 << 20);
    char labels[32], longest[AURA_TALLY_LABELS_MAX + 2];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    assert_int_equal(aura_tally_new(&t, families, FAMILIES), 0);
    aura_tally_add(t, COUNT, longest, 1); /* one byte too long */
    for (int i = 0; i < AURA_TALLY_SERIES_MAX + 10; i++) {
        snprintf(labels, sizeof(labels), "n=\"%d\"", i);
        aura_tally_add(t, COUNT, labels, 1);
    }
    snprintf(labels, sizeof(labels), "n=\"%d\"", 0);
    aura_tally_add(t, COUNT, labels, 1); /* one that is there goes on */
    aura_tally_write(t, "", &out);
    assert_int_equal(out.err, 0);
    size_t lines = 0;
    for (const char *at = aura_buf_text(&out); (at = strstr(at, "\nx_things_total{")); at++) {
        lines++;
    }
    assert_int_equal(lines, AURA_TALLY_SERIES_MAX);
    assert_non_null(strstr(aura_buf_text(&out), "x_things_total{n=\"0\"} 2\n"));
    aura_buf_free(&out);
    aura_tally_free(t);
    return 0;
}

static int numbers_are_read_back_as_they_were(void) {
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0"},       {1e6, "1e+06"},           {0.1, "0.1"},
                 {3600, "3600"}, {123456789, "123456789"}, {1.0 / 3, "0.3333333333333333"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct aura_buf out = AURA_BUF(64);
        aura_tally_number(&out, cases[i].v);
        int err = out.err;
        if (!err) {
            assert_string_equal(aura_buf_text(&out), cases[i].text);
        }
        aura_buf_free(&out);
        TRY(err);
    }
    return 0;
}

static int exponential_bounds_reach_from_end_to_end(void) {
    double b[15];
    aura_tally_exponential(b, 15, 10, 10000);
    assert_true(b[0] >= 10 && b[0] <= 10 && b[14] > 9999.999 && b[14] < 10000.001);
    for (size_t i = 1; i < 15; i++) {
        assert_true(b[i] / b[i - 1] > 1.637 && b[i] / b[i - 1] < 1.638); /* 1000 ^ (1/14) */
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(families_without_series_have_a_head),
        AURA_CASE(values_come_out_cumulated_and_labelled),
        AURA_PLAIN(series_have_a_ceiling),
        AURA_CASE(numbers_are_read_back_as_they_were),
        AURA_CASE(exponential_bounds_reach_from_end_to_end),
    };
    return RUN_CASES("base/tally", cases);
}
