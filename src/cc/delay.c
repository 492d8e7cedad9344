/* SPDX-License-Identifier: Apache-2.0 */
#include "cc/delay.h"

#include "base/clock.h"

enum {
    BURST_US = 5000, /* GCC section 5.2 */
    LEAST_WINDOW_US = 10000000,
    JUMP_US = 3000000, /* the receiver's clock was set, or it slept */
    DELTAS_MAX = 60,
    UNUSUAL_US = 5000,
    USUAL_US = 4000000, /* time constant of the long run */
    USUAL_MAX_US = 100000,
    POINTS_MIN = 5, /* a queue that fills fast is seen before the window is full */
};
static const double smoothing = 0.9, gain = 4.0;
static const double over_time_ms = 10.0;
static const double threshold_start_ms = 12.5, threshold_min_ms = 6.0, threshold_max_ms = 600.0;
static const double threshold_up = 0.0087, threshold_down = 0.039; /* GCC section 5.4: K_u, K_d */
static const double threshold_jump_ms = 15.0;

void aura__delay_init(struct aura_delay *d) {
    *d = (struct aura_delay){.threshold_ms = threshold_start_ms};
}

/* Slope of the accumulated delay over time, by least squares. */
static bool slope_of(const struct aura_delay *d, double *slope) {
    double mean_x = 0, mean_y = 0, num = 0, den = 0;
    for (unsigned i = 0; i < d->count; i++) {
        mean_x += d->point[i].at_ms;
        mean_y += d->point[i].delay_ms;
    }
    mean_x /= d->count;
    mean_y /= d->count;
    for (unsigned i = 0; i < d->count; i++) {
        double x = d->point[i].at_ms - mean_x;
        num += x * (d->point[i].delay_ms - mean_y);
        den += x * x;
    }
    if (den <= 0) {
        return false;
    }
    *slope = num / den;
    return true;
}

static void adapt_threshold(struct aura_delay *d, double value_ms, int64_t now_us) {
    double size = value_ms < 0 ? -value_ms : value_ms;
    double passed_ms = d->threshold_at_us ? (double)(now_us - d->threshold_at_us) / 1000 : 0;
    d->threshold_at_us = now_us;
    if (size > d->threshold_ms + threshold_jump_ms) {
        return; /* one spike must not blind us to the next */
    }
    double k = size < d->threshold_ms ? threshold_down : threshold_up;
    passed_ms = passed_ms > 100 ? 100 : passed_ms;
    d->threshold_ms += k * (size - d->threshold_ms) * passed_ms;
    d->threshold_ms = d->threshold_ms < threshold_min_ms   ? threshold_min_ms
                      : d->threshold_ms > threshold_max_ms ? threshold_max_ms
                                                           : d->threshold_ms;
}

/* A trend in what is no longer than it mostly is comes from jitter, or from a queue that others
 * keep full: giving way to those would only leave them everything. */
static bool is_unusual(const struct aura_delay *d) {
    return d->queue_us > d->usual_us + d->usual_us / 4 + UNUSUAL_US;
}

static void detect(struct aura_delay *d, double trend, double delta_ms, int64_t now_us) {
    unsigned deltas = d->deltas < DELTAS_MAX ? d->deltas : DELTAS_MAX;
    double value_ms = deltas * trend * gain;
    if (value_ms > d->threshold_ms && is_unusual(d)) {
        d->over_ms += d->over_count ? delta_ms : delta_ms / 2;
        d->over_count++;
        if (d->over_ms > over_time_ms && d->over_count > 1 && trend >= d->trend) {
            d->over_ms = 0;
            d->over_count = 0;
            d->usage = AURA_USAGE_OVER;
        }
    } else {
        d->over_ms = 0;
        d->over_count = 0;
        d->usage = value_ms < -d->threshold_ms ? AURA_USAGE_UNDER : AURA_USAGE_NORMAL;
    }
    d->trend = trend;
    adapt_threshold(d, value_ms, now_us);
}

/* A group is complete: its delay against the one before. */
static void add_delta(struct aura_delay *d) {
    const struct aura_delay_group *a = &d->before, *b = &d->group;
    double sent_ms = (double)(int64_t)(b->sent_us - a->sent_us) / 1000;
    double arrived_ms = (double)(b->arrival_us - a->arrival_us) / 1000;
    double slope = d->trend;
    d->deltas++;
    d->accumulated_ms += arrived_ms - sent_ms;
    d->smoothed_ms = smoothing * d->smoothed_ms + (1 - smoothing) * d->accumulated_ms;
    if (!d->origin_us) {
        d->origin_us = b->arrival_us;
    }
    d->point[d->next].at_ms = (double)(b->arrival_us - d->origin_us) / 1000;
    d->point[d->next].delay_ms = d->smoothed_ms;
    d->next = (d->next + 1) % AURA_DELAY_WINDOW;
    d->count += d->count < AURA_DELAY_WINDOW;
    if (d->count >= POINTS_MIN) {
        (void)slope_of(d, &slope);
    }
    detect(d, slope, sent_ms, b->arrival_us);
}

static void note_queue(struct aura_delay *d, uint64_t sent_us, int64_t arrival_us) {
    int64_t delay_us = arrival_us - (int64_t)sent_us;
    if (!d->has_least || sent_us > d->least_since_us + LEAST_WINDOW_US) {
        d->least_us[1] = d->has_least ? d->least_us[0] : delay_us;
        d->least_us[0] = delay_us;
        d->least_since_us = sent_us;
        d->has_least = true;
    }
    d->least_us[0] = delay_us < d->least_us[0] ? delay_us : d->least_us[0];
    int64_t least = d->least_us[0] < d->least_us[1] ? d->least_us[0] : d->least_us[1];
    int64_t over = delay_us - least;
    over = over < 0 ? 0 : over > UINT32_MAX / 8 ? UINT32_MAX / 8 : over;
    d->queue_us = (uint32_t)(((int64_t)d->queue_us * 7 + over) / 8);
    uint64_t passed_us = d->usual_at_us && sent_us > d->usual_at_us ? sent_us - d->usual_at_us : 0;
    passed_us = passed_us > USUAL_US ? USUAL_US : passed_us;
    int64_t away = (int64_t)(d->queue_us < USUAL_MAX_US ? d->queue_us : USUAL_MAX_US) - d->usual_us;
    d->usual_us = (uint32_t)(d->usual_us + away * (int64_t)passed_us / USUAL_US);
    d->usual_at_us = sent_us;
}

void aura__delay_packet(struct aura_delay *d, uint64_t sent_us, int64_t arrival_us) {
    struct aura_delay_group *g = &d->group;
    int64_t gap_us = g->started ? arrival_us - g->arrival_us : 0;
    if (g->started && (gap_us > JUMP_US || gap_us < -JUMP_US)) {
        double threshold_ms = d->threshold_ms;
        aura__delay_init(d);
        d->threshold_ms = threshold_ms;
    }
    note_queue(d, sent_us, arrival_us);
    if (!g->started) {
        *g = (struct aura_delay_group){true, sent_us, sent_us, arrival_us, arrival_us};
        return;
    }
    if (sent_us < g->first_sent_us) {
        return; /* out of order: says nothing about the queue now */
    }
    bool burst = sent_us - g->first_sent_us <= BURST_US;
    /* What a slow hop (Wi-Fi) held back and let go at once arrives faster than it was sent. */
    bool let_go = arrival_us - g->arrival_us <= BURST_US &&
                  arrival_us - g->arrival_us < (int64_t)(sent_us - g->sent_us) &&
                  arrival_us - g->first_arrival_us < 100000;
    if (burst || let_go) {
        g->sent_us = sent_us > g->sent_us ? sent_us : g->sent_us;
        g->arrival_us = arrival_us > g->arrival_us ? arrival_us : g->arrival_us;
        return;
    }
    if (d->before.started) {
        add_delta(d);
    }
    d->before = *g;
    *g = (struct aura_delay_group){true, sent_us, sent_us, arrival_us, arrival_us};
}
