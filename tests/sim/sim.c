/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Congestion control on virtual time: what a subscriber behind a changing link gets.
 *
 *   sim             runs all scenarios as tests
 *   sim --table     prints what happened as a Markdown table
 *   sim --trace N   prints scenario N, a line each 100 ms
 */
#include "call.h"
#include "harness.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OWN_DROPS_MAX = 10 }; /* packets, over a whole run */
enum { KBPS = 1000, MS = 1000, SEEDS = 3, SLOTS_A_SECOND = 1000 / CALL_SLOT_MS };

/** What must hold; 0 = not asked. Times in ms, shares in percent. */
struct bar {
    uint32_t down_ms, up_ms; /* until the estimate is right after each change of capacity */
    uint32_t queue_ms;       /* the link's queue, its 95th percentile */
    uint32_t least_use, from_s;
    uint32_t audio_wait_ms;
    uint32_t audio_loss; /* above the link's own; 0 = 3 */
};

struct scenario {
    const char *name;
    struct call_conf conf;
    struct bar bar;
};

#define STEPS(...)                                                                                 \
    .step = {__VA_ARGS__},                                                                         \
    .steps = sizeof((struct link_step[]){__VA_ARGS__}) / sizeof(struct link_step)

static const struct scenario scenarios[] = {
    {"3 Mbps, steady",
     {.down = {STEPS({0, 3000 * KBPS}), .delay_us = 20 * MS, .queue_us = 300 * MS},
      .up_delay_us = 20 * MS,
      .cameras = 3,
      .seconds = 30},
     {.up_ms = 8000, .queue_ms = 100, .least_use = 50, .from_s = 8, .audio_wait_ms = 60}},
    {"3 → 0.3 → 3 Mbps",
     {.down = {STEPS({0, 3000 * KBPS}, {20000 * MS, 300 * KBPS}, {40000 * MS, 3000 * KBPS}),
               .delay_us = 20 * MS, .queue_us = 300 * MS},
      .up_delay_us = 20 * MS,
      .cameras = 3,
      .seconds = 60},
     {.down_ms = 1000, .up_ms = 8000, .queue_ms = 200, .least_use = 50, .audio_wait_ms = 150}},
    {"starts on 0.3 Mbps",
     {.down = {STEPS({0, 300 * KBPS}), .delay_us = 20 * MS, .queue_us = 300 * MS},
      .up_delay_us = 20 * MS,
      .cameras = 2,
      .seconds = 30},
     {.down_ms = 1000, .queue_ms = 250, .least_use = 60, .from_s = 5, .audio_wait_ms = 180}},
    {"starts on 0.3 Mbps, queue of 60 ms",
     {.down = {STEPS({0, 300 * KBPS}), .delay_us = 20 * MS, .queue_us = 60 * MS},
      .up_delay_us = 20 * MS,
      .cameras = 2,
      .seconds = 30},
     {.down_ms = 1500,
      .queue_ms = 100,
      .least_use = 50,
      .from_s = 8,
      .audio_wait_ms = 100,
      .audio_loss = 4}}, /* what is sent before anything is known does not fit */
    {"5 % random loss",
     {.down = {STEPS({0, 3000 * KBPS}), .delay_us = 20 * MS, .queue_us = 300 * MS, .loss = 0.05},
      .up_delay_us = 20 * MS,
      .cameras = 3,
      .seconds = 30},
     {.queue_ms = 150, .least_use = 45, .from_s = 10, .audio_wait_ms = 70}},
    {"10 % random loss",
     {.down = {STEPS({0, 3000 * KBPS}), .delay_us = 20 * MS, .queue_us = 300 * MS, .loss = 0.10},
      .up_delay_us = 20 * MS,
      .cameras = 3,
      .seconds = 30},
     {.queue_ms = 100, .least_use = 40, .from_s = 12, .audio_wait_ms = 60}},
    {"bursts of loss, 3 %, mean 8",
     {.down = {STEPS({0, 3000 * KBPS}), .delay_us = 20 * MS, .queue_us = 300 * MS, .loss = 0.03,
               .burst = 8},
      .up_delay_us = 20 * MS,
      .cameras = 3,
      .seconds = 30},
     {.queue_ms = 120, .least_use = 45, .from_s = 10, .audio_wait_ms = 70}},
    {"jitter 30 ms",
     {.down = {STEPS({0, 3000 * KBPS}), .delay_us = 20 * MS, .queue_us = 300 * MS,
               .jitter_us = 30 * MS},
      .up_delay_us = 20 * MS,
      .cameras = 3,
      .seconds = 30},
     {.queue_ms = 310, .least_use = 45, .from_s = 10, .audio_wait_ms = 330}},
    {"jitter 50 ms, reordering 2 %",
     {.down = {STEPS({0, 3000 * KBPS}), .delay_us = 20 * MS, .queue_us = 300 * MS,
               .jitter_us = 50 * MS, .reorder = 0.02},
      .up_delay_us = 20 * MS,
      .cameras = 3,
      .seconds = 30},
     {.queue_ms = 310, .least_use = 45, .from_s = 10, .audio_wait_ms = 330}},
    {"200 ms round trip, 3 → 0.5 → 3",
     {.down = {STEPS({0, 3000 * KBPS}, {20000 * MS, 500 * KBPS}, {40000 * MS, 3000 * KBPS}),
               .delay_us = 100 * MS, .queue_us = 300 * MS},
      .up_delay_us = 100 * MS,
      .cameras = 3,
      .seconds = 60},
     {.down_ms = 1000, .up_ms = 8000, .queue_ms = 250, .least_use = 50, .audio_wait_ms = 180}},
    {"beside one TCP flow, 4 Mbps",
     {.down = {STEPS({0, 4000 * KBPS}), .delay_us = 25 * MS, .queue_us = 150 * MS},
      .up_delay_us = 25 * MS,
      .cameras = 2,
      .tcp_flows = 1,
      .seconds = 60},
     {.least_use = 20, .from_s = 20, .audio_wait_ms = 180}},
    {"beside 1.5 Mbps constant, 3 Mbps",
     {.down = {STEPS({0, 3000 * KBPS}), .delay_us = 20 * MS, .queue_us = 300 * MS},
      .up_delay_us = 20 * MS,
      .cameras = 3,
      .constant_bps = 1500 * KBPS,
      .seconds = 30},
     {.queue_ms = 310, .least_use = 40, .from_s = 10, .audio_wait_ms = 320}},
    {"feedback each 250 ms, a tenth lost, 3 → 0.5 → 3",
     {.down = {STEPS({0, 3000 * KBPS}, {20000 * MS, 500 * KBPS}, {40000 * MS, 3000 * KBPS}),
               .delay_us = 20 * MS, .queue_us = 300 * MS},
      .up_delay_us = 20 * MS,
      .up_loss = 0.1,
      .feedback_ms = 250,
      .cameras = 3,
      .seconds = 60},
     {.down_ms = 1000, .up_ms = 8000, .queue_ms = 280, .least_use = 50, .audio_wait_ms = 180}},
    {"dark for 10 s, without sound",
     {.down = {STEPS({0, 3000 * KBPS}, {10000 * MS, 20 * KBPS}, {20000 * MS, 3000 * KBPS}),
               .delay_us = 20 * MS, .queue_us = 300 * MS},
      .up_delay_us = 20 * MS,
      .cameras = 2,
      .no_audio = true,
      .seconds = 40},
     {.up_ms = 8000}},
    {"20 Mbps, five cameras",
     {.down = {STEPS({0, 20000 * KBPS}), .delay_us = 20 * MS, .queue_us = 200 * MS},
      .up_delay_us = 20 * MS,
      .cameras = 5,
      .seconds = 30},
     {.up_ms = 6000, .queue_ms = 40, .least_use = 95, .from_s = 8, .audio_wait_ms = 30}},
};
enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

struct outcome {
    uint32_t down_ms, up_ms, queue_ms, use, audio_wait_ms;
    double audio_loss, video_loss;
    uint64_t own_drops;
};

static uint32_t wanted_bps(const struct call_conf *c) {
    return c->cameras * 1785u * KBPS + 70 * KBPS;
}

static uint32_t reachable(const struct call *c, size_t i) {
    uint32_t bps = c->slot[i].capacity_bps, want = wanted_bps(&c->conf);
    return bps < want ? bps : want;
}

/* From a change of capacity until the estimate stays right for a second. */
static uint32_t settle_ms(const struct call *c, size_t from, bool down) {
    unsigned good = 0;
    for (size_t i = from; i < c->slots; i++) {
        uint32_t target = c->slot[i].target_bps, cap = c->slot[i].capacity_bps;
        bool right = down ? target <= cap + cap / 20 : target >= reachable(c, i) / 5 * 4;
        good = right ? good + 1 : 0;
        if (good == (down ? SLOTS_A_SECOND : 1)) {
            return (uint32_t)((i - from + 1 - good) * CALL_SLOT_MS);
        }
    }
    return UINT32_MAX;
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void judge(const struct call *c, const struct bar *bar, struct outcome *o) {
    uint64_t bytes = 0, could = 0;
    uint32_t queues[CALL_SLOTS_MAX];
    const struct link *l = &c->conf.down;
    *o = (struct outcome){.up_ms = 0};
    for (size_t s = 0; s < l->steps; s++) {
        size_t from = (size_t)(l->step[s].at_us / AURA_US_PER_MS / CALL_SLOT_MS) + 1;
        bool down = s == 0 ? l->step[0].bps < 1000 * KBPS : l->step[s].bps < l->step[s - 1].bps;
        uint32_t ms = settle_ms(c, from, down), *worst = down ? &o->down_ms : &o->up_ms;
        *worst = ms > *worst ? ms : *worst;
    }
    for (size_t i = 0; i < c->slots; i++) {
        queues[i] = c->slot[i].queue_us;
        if (i >= bar->from_s * SLOTS_A_SECOND) {
            bytes += c->slot[i].video_bytes + c->slot[i].audio_bytes;
            could += (uint64_t)reachable(c, i) * CALL_SLOT_MS / 8000;
        }
    }
    qsort(queues, c->slots, sizeof(queues[0]), by_size);
    o->queue_ms = queues[c->slots * 95 / 100] / 1000;
    o->use = could ? (uint32_t)(bytes * 100 / could) : 0;
    o->audio_wait_ms = c->audio_wait_p95_us / 1000;
    o->audio_loss = c->audio_sent ? 100.0 * (double)c->audio_lost / (double)c->audio_sent : 0;
    o->video_loss = c->video_sent ? 100.0 * (double)c->video_lost / (double)c->video_sent : 0;
    o->own_drops = c->own_drops;
}

static void worst_of(struct outcome *o, const struct outcome *x) {
#define MAX_OF(f) o->f = x->f > o->f ? x->f : o->f
    MAX_OF(down_ms);
    MAX_OF(up_ms);
    MAX_OF(queue_ms);
    MAX_OF(audio_wait_ms);
    MAX_OF(audio_loss);
    MAX_OF(video_loss);
    MAX_OF(own_drops);
#undef MAX_OF
    o->use = x->use < o->use ? x->use : o->use;
}

static void run(const struct scenario *s, struct outcome *o) {
    static struct call c;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct outcome x;
        memset(&c, 0, sizeof(c));
        c.conf = s->conf;
        c.conf.seed = seed * 1000;
        call_run(&c);
        judge(&c, &s->bar, &x);
        if (seed == 1) {
            *o = x;
        }
        worst_of(o, &x);
    }
}

static void print_row(const struct scenario *s, const struct outcome *o) {
    printf("| %s | %u | %u | %u %% | %u | %u | %.2f | %.2f | %llu |\n", s->name, o->down_ms,
           o->up_ms, o->use, o->queue_ms, o->audio_wait_ms, o->audio_loss, o->video_loss,
           (unsigned long long)o->own_drops);
}

static int table(void) {
    printf("| scenario | down ms | up ms | use | queue p95 ms | audio wait p95 ms | audio lost %% |"
           " video lost %% | dropped by us |\n|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < SCENARIOS; i++) {
        struct outcome o;
        run(&scenarios[i], &o);
        print_row(&scenarios[i], &o);
    }
    return 0;
}

static int trace(size_t n) {
    static struct call c;
    c.conf = scenarios[n % SCENARIOS].conf;
    c.conf.seed = 1000;
    call_run(&c);
    for (size_t i = 0; i < c.slots; i++) {
        const struct call_slot *s = &c.slot[i];
        printf(
            "%5.1f s  target %5u  capacity %5u  video %5u  cross %5u kbps  queue %3u ms  layers %d"
            " %d %d\n",
            (double)i / SLOTS_A_SECOND, s->target_bps / KBPS, s->capacity_bps / KBPS,
            s->video_bytes * 8 / CALL_SLOT_MS, s->cross_bytes * 8 / CALL_SLOT_MS,
            s->queue_us / 1000, s->layers[0], s->layers[1], s->layers[2]);
    }
    printf("limit %s, %u probes, %u answered, %u back-offs\n", aura_bwe_limit_name(c.info.limit),
           c.info.probes, c.info.probes_answered, c.info.backoffs);
    return 0;
}

static void case_of(void **state) {
    const struct scenario *s = *state;
    const struct bar *bar = &s->bar;
    struct outcome o;
    run(s, &o);
    print_row(s, &o);
    assert_true(!bar->down_ms || o.down_ms <= bar->down_ms);
    assert_true(!bar->up_ms || o.up_ms <= bar->up_ms);
    assert_true(!bar->queue_ms || o.queue_ms <= bar->queue_ms);
    assert_true(o.use >= bar->least_use);
    assert_true(o.audio_wait_ms <= bar->audio_wait_ms);
    assert_true(o.audio_loss <= s->conf.down.loss * 130 + (bar->audio_loss ? bar->audio_loss : 3));
    assert_true(o.own_drops <= OWN_DROPS_MAX);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--table") == 0) {
        return table();
    }
    if (argc > 2 && strcmp(argv[1], "--trace") == 0) {
        return trace(strtoul(argv[2], NULL, 10));
    }
    struct CMUnitTest cases[SCENARIOS];
    for (size_t i = 0; i < SCENARIOS; i++) {
        cases[i] = (struct CMUnitTest){.name = scenarios[i].name,
                                       .test_func = case_of,
                                       .initial_state = (void *)(uintptr_t)&scenarios[i]};
    }
    return RUN_CASES("sim", cases);
}
