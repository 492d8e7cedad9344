/* SPDX-License-Identifier: Apache-2.0 */
/* The course of a load test: publishers join, then subscribers, then a window is measured. */
#include "base/mem.h"
#include "cmd/load_test.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    STEP_MS = 20,
    JOIN_WAIT_MS = 20000, /* after the last start */
    FLOW_WAIT_MS = 15000,
    SETTLE_MS = 1000,
    LATE_MS = 500, /* retransmissions under way at the end of the window */
    HINT_BYTES = 192,
};

static volatile sig_atomic_t interrupted;

struct run {
    struct load *load;
    const struct load_options *options;
    struct load_result *result;
    bool tty;
    uint64_t shown_us;
    struct aura_meter *shown, *meter; /* too big for a stack frame */
    struct load_process idle, joined, begin;
    uint64_t joined_packets; /* forwarded while the subscribers joined */
};

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

static uint64_t now_us(void) {
    return aura_now_us(aura_clock_system());
}

static uint64_t forwarded(const struct aura_meter *m) {
    return aura_count_get(&m->packets) + aura_count_get(&m->rtx_packets);
}

/* ---- looking ---- */

static size_t count_state(const struct load *l, size_t from, size_t to, enum load_state state) {
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        n += load_state_of(&l->participants[i]) == state;
    }
    return n;
}

static size_t count_flowing(const struct load *l, size_t *expected) {
    size_t flowing = 0;
    *expected = 0;
    for (size_t i = 0; i < l->count; i++) {
        *expected += l->participants[i].expected_streams;
        flowing += aura_count_get(&l->participants[i].flowing);
    }
    return flowing;
}

static void show(struct run *r, const char *phase) {
    uint64_t now = now_us();
    if (!r->tty || now - r->shown_us < AURA_US_PER_S) {
        return;
    }
    load_meter(r->load, r->meter);
    double s = (double)(now - r->shown_us) / 1e6;
    uint64_t packets = aura_count_get(&r->meter->packets) - aura_count_get(&r->shown->packets);
    uint64_t bytes = aura_count_get(&r->meter->bytes) - aura_count_get(&r->shown->bytes);
    uint64_t expected = aura_count_get(&r->meter->expected) - aura_count_get(&r->shown->expected);
    int64_t missing =
        (int64_t)(aura_count_get(&r->meter->missing) - aura_count_get(&r->shown->missing));
    if (r->shown_us) {
        fprintf(stderr, "\r\033[K%-10s joined %zu/%zu  %.0f packets/s  %.0f kbps  loss %.2f %%",
                phase, count_state(r->load, 0, r->load->count, LOAD_CONNECTED), r->load->count,
                (double)packets / s, (double)bytes * 8 / 1000 / s,
                expected && missing > 0 ? 100.0 * (double)missing / (double)expected : 0.0);
        fflush(stderr);
    }
    memcpy(r->shown, r->meter, sizeof(*r->shown));
    r->shown_us = now;
}

static void nap(struct run *r, const char *phase) {
    struct timespec t = {.tv_nsec = STEP_MS * 1000000L};
    (void)nanosleep(&t, NULL);
    show(r, phase);
}

static const struct load_participant *first_ended(const struct load *l) {
    for (size_t i = 0; i < l->count; i++) {
        if (load_state_of(&l->participants[i]) == LOAD_ENDED) {
            return &l->participants[i];
        }
    }
    return NULL;
}

/* ---- joining ---- */

/* Everybody from..to starts, `ramp` a second; then we wait until each is connected or has failed.
 */
static void join_all(struct run *r, size_t from, size_t to, const char *phase) {
    uint64_t begin = now_us();
    size_t next = from;
    while (next < to && !interrupted) {
        uint64_t due = from + (now_us() - begin) * r->options->ramp / AURA_US_PER_S + 1;
        for (; next < to && next < due; next++) {
            load_start(&r->load->participants[next]);
        }
        nap(r, phase);
    }
    uint64_t until = now_us() + JOIN_WAIT_MS * AURA_US_PER_MS;
    while (now_us() < until && !interrupted) {
        size_t done = count_state(r->load, from, to, LOAD_CONNECTED) +
                      count_state(r->load, from, to, LOAD_ENDED);
        if (done == to - from) {
            break;
        }
        nap(r, phase);
    }
}

static void wait_for_media(struct run *r) {
    uint64_t until = now_us() + FLOW_WAIT_MS * AURA_US_PER_MS;
    size_t expected = 1, flowing = 0;
    while (flowing < expected && now_us() < until && !interrupted) {
        nap(r, "waiting");
        load_poll(r->load);
        flowing = count_flowing(r->load, &expected);
    }
    r->result->flowing = flowing;
    r->result->expected_flowing = expected;
}

static void wait_ms(struct run *r, uint64_t ms, const char *phase) {
    for (uint64_t until = now_us() + ms * AURA_US_PER_MS; now_us() < until && !interrupted;) {
        nap(r, phase);
    }
}

static void read_server(const struct run *r, struct load_process *out) {
    if (r->result->has_server && load_process_read(out, r->options->server_pid)) {
        fprintf(stderr, "\nauralink load-test: process %" PRIu64 " is gone\n",
                r->options->server_pid);
        r->result->has_server = false;
    }
}

static uint64_t forwarded_now(struct run *r) {
    load_meter(r->load, r->meter);
    return forwarded(r->meter);
}

static const char *advice(int err, const struct load_options *o) {
    return err == AURA_EAUTH       ? "Check --api-key and --api-secret against the server's keys."
           : err == AURA_ENOENT    ? "Is this a LiveKit-compatible server? It has no /rtc there."
           : err == AURA_ETIMEDOUT ? "Check that the server's UDP port is reachable from here."
           : o->url.tls && !o->insecure
               ? "Is the server running there, with a certificate that this system trusts? "
                 "--ca-file names another authority, --insecure takes any."
               : "Is the server running there? Name another one with --url.";
}

static int explain_start(const struct load *l, const struct load_options *o) {
    const struct load_participant *p = first_ended(l);
    int err = p ? p->err : AURA_ETIMEDOUT;
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r\033[K");
    }
    cli_error(advice(err, o), "nobody could join %s: %s", o->cli.url,
              p ? p->why : "no answer in time");
    return err;
}

static int join_everybody(struct run *r) {
    struct load *l = r->load;
    /* In a meeting everybody is a subscriber. */
    size_t alone = r->options->meeting ? 0 : l->publisher_count;
    join_all(r, 0, alone, "publishers");
    if (alone && !interrupted && count_state(l, 0, alone, LOAD_CONNECTED) == 0) {
        return explain_start(l, r->options);
    }
    wait_ms(r, alone ? SETTLE_MS : 0, "publishers");
    read_server(r, &r->idle);
    uint64_t before = forwarded_now(r);
    join_all(r, alone, l->count, "joining");
    if (!interrupted && count_state(l, 0, l->count, LOAD_CONNECTED) == 0) {
        return explain_start(l, r->options);
    }
    wait_for_media(r);
    read_server(r, &r->joined);
    r->joined_packets = forwarded_now(r) - before;
    wait_ms(r, r->options->warmup_s * 1000, "settling");
    return 0;
}

/* ---- measuring ---- */

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct load_percentiles percentiles(double *values, size_t n) {
    struct load_percentiles p = {.count = n};
    if (n) {
        qsort(values, n, sizeof(*values), compare);
        p.p50 = values[n / 2];
        p.p95 = values[n * 95 / 100];
    }
    return p;
}

/* Times since the start of each, of the kind that lies `at` bytes into a participant. */
static struct load_percentiles times(const struct load *l, size_t at, bool subscribers_only,
                                     double *scratch) {
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct load_participant *p = &l->participants[i];
        const aura_count *when = (const aura_count *)(const void *)((const char *)p + at);
        uint64_t t = aura_count_get(when), from = aura_count_get(&p->started);
        if (t && from && (p->subscriber || !subscribers_only)) {
            scratch[n++] = (double)(t - from) / 1000;
        }
    }
    return percentiles(scratch, n);
}

static int take_times(struct run *r) {
    const struct load *l = r->load;
    struct load_result *out = r->result;
    double *scratch = aura_calloc(l->count + 1, sizeof(*scratch));
    if (!scratch) {
        return AURA_ENOMEM;
    }
    out->join_ms = times(l, offsetof(struct load_participant, joined), false, scratch);
    out->connect_ms = times(l, offsetof(struct load_participant, connected), false, scratch);
    out->audio_ms = times(l, offsetof(struct load_participant, first_audio), true, scratch);
    out->video_ms = times(l, offsetof(struct load_participant, first_video), true, scratch);
    aura_free(scratch);
    const struct load_participant *ended = first_ended(l);
    out->connected = count_state(l, 0, l->count, LOAD_CONNECTED);
    out->failed = l->count - out->connected;
    out->first_failure = ended ? ended->why : out->failed ? "no answer in time" : "";
    return 0;
}

static void fill_latency(double out[3], const struct aura_hist *h) {
    out[0] = (double)aura_hist_quantile(h, 0.50);
    out[1] = (double)aura_hist_quantile(h, 0.95);
    out[2] = (double)aura_hist_quantile(h, 0.99);
}

static double share(uint64_t part, uint64_t whole) {
    return whole ? (double)part / (double)whole : 0;
}

/* Repairs that came after the window count as repaired. */
static void fill_media(struct load_result *out, uint64_t missing_late) {
    const struct aura_meter *w = &out->window;
    uint64_t expected = aura_count_get(&w->expected), packets = aura_count_get(&w->packets);
    int64_t missing = (int64_t)aura_count_get(&w->missing), late = (int64_t)missing_late;
    missing = late < missing ? late : missing;
    aura_count_set(&out->window.missing, missing > 0 ? (uint64_t)missing : 0);
    out->loss_before = share(expected > packets ? expected - packets : 0, expected);
    out->loss_after = share(aura_count_get(&w->missing), expected);
    out->sent_pps = (double)aura_count_get(&w->packets_sent) / out->seconds;
    out->received_pps = (double)packets / out->seconds;
    out->received_kbps = (double)aura_count_get(&w->bytes) * 8 / 1000 / out->seconds;
    fill_latency(out->audio_us, &w->audio_us);
    fill_latency(out->video_us, &w->video_us);
}

static void fill_server(const struct run *r, const struct load_process *end) {
    struct load_result *out = r->result;
    uint64_t packets = forwarded(&out->window), cpu = end->cpu_us - r->begin.cpu_us;
    size_t subscribers = r->load->count - (r->options->meeting ? 0 : r->load->publisher_count);
    if (!out->has_server) {
        return;
    }
    out->cpu_us_per_packet = share(cpu, packets);
    out->server_cpu = (double)cpu / 1e6 / out->seconds;
    out->rss_bytes = end->rss_bytes;
    if (subscribers) {
        /* What forwarding cost meanwhile is not the joins'. */
        double join_us = (double)(r->joined.cpu_us - r->idle.cpu_us) -
                         out->cpu_us_per_packet * (double)r->joined_packets;
        out->cpu_ms_per_join = join_us > 0 ? join_us / 1000 / (double)subscribers : 0;
        out->rss_kb_per_subscriber =
            ((double)end->rss_bytes - (double)r->idle.rss_bytes) / 1000 / (double)subscribers;
    }
}

static int measure(struct run *r) {
    struct load_result *out = r->result;
    struct load_process end = {0, 0};
    struct aura_meter *begin = aura_zalloc(sizeof(*begin));
    if (!begin) {
        return AURA_ENOMEM;
    }
    read_server(r, &r->begin);
    uint64_t own = load_own_cpu_us(), errors = load_receive_errors(), from = now_us();
    load_meter(r->load, begin);
    wait_ms(r, r->options->duration_s * 1000, "measuring");
    load_meter(r->load, &out->window);
    read_server(r, &end);
    out->seconds = (double)(now_us() - from) / 1e6;
    out->own_cpu = (double)(load_own_cpu_us() - own) / 1e6 / out->seconds;
    out->receive_errors = load_receive_errors() - errors;
    aura_meter_since(&out->window, begin);
    wait_ms(r, LATE_MS, "measuring");
    load_meter(r->load, r->meter);
    aura_meter_since(r->meter, begin);
    fill_media(out, aura_count_get(&r->meter->missing));
    fill_server(r, &end);
    aura_free(begin);
    load_poll(r->load);
    size_t expected;
    out->flowing = count_flowing(r->load, &expected);
    return take_times(r);
}

/* @return AURA_ECLOSED if Ctrl-C came when there was nothing to show yet, otherwise 0 */
static int explain_interrupt(const struct run *r) {
    const struct load *l = r->load;
    const struct load_options *o = r->options;
    if (!interrupted || r->result->seconds * 1000 >= STEP_MS) {
        return 0;
    }
    char hint[HINT_BYTES];
    snprintf(hint, sizeof(hint),
             "Let it run on: once everybody has media, it waits --warmup (%" PRIu64
             " s) and measures for --duration (%" PRIu64 " s).",
             o->warmup_s, o->duration_s);
    cli_error(hint, "nothing was measured: it was ended early, with %zu of %zu joined",
              count_state(l, 0, l->count, LOAD_CONNECTED), l->count);
    return AURA_ECLOSED;
}

int load_run(struct load *l, struct load_result *out) {
    struct run r = {.load = l,
                    .options = l->options,
                    .result = out,
                    .tty = isatty(STDERR_FILENO),
                    .shown = aura_zalloc(sizeof(*r.shown)),
                    .meter = aura_zalloc(sizeof(*r.meter))};
    struct sigaction action = {.sa_handler = on_interrupt};
    memset(out, 0, sizeof(*out));
    out->has_server = l->options->server_pid != 0;
    int err = r.shown && r.meter ? 0 : AURA_ENOMEM;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (!err) {
        err = join_everybody(&r);
    }
    if (!err && !interrupted) {
        err = measure(&r);
    }
    if (r.tty && r.shown_us) {
        fprintf(stderr, "\r\033[K");
    }
    if (!err) {
        err = explain_interrupt(&r);
    }
    aura_free(r.shown);
    aura_free(r.meter);
    return err;
}
