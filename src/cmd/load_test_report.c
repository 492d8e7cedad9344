/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/load_test.h"

#include <inttypes.h>
#include <stdio.h>

enum { CELL_BYTES = 96 };

static json_t *times_json(const struct load_percentiles *p) {
    return json_pack("{s:f, s:f, s:I}", "p50", p->p50, "p95", p->p95, "count",
                     (json_int_t)p->count);
}

static json_t *latency_json(const double v[3], const struct aura_hist *h) {
    return json_pack("{s:f, s:f, s:f, s:I}", "p50", v[0] / 1000, "p95", v[1] / 1000, "p99",
                     v[2] / 1000, "count", (json_int_t)aura_hist_total(h));
}

static json_t *counts_json(const struct aura_meter *m) {
    json_t *o = json_object();
#define PUT(name) json_object_set_new(o, #name, json_integer((json_int_t)aura_count_get(&m->name)));
    AURA_METER_TABLE(PUT)
#undef PUT
    return o;
}

static int report_json(const struct load_result *r) {
    json_t *o = json_pack(
        "{s:I, s:I, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "connected", (json_int_t)r->connected,
        "failed", (json_int_t)r->failed, "first_failure", r->first_failure, "tracks_flowing",
        (json_int_t)r->flowing, "tracks_expected", (json_int_t)r->expected_flowing, "join_ms",
        times_json(&r->join_ms), "connect_ms", times_json(&r->connect_ms), "first_audio_ms",
        times_json(&r->audio_ms), "first_video_ms", times_json(&r->video_ms));
    json_t *media =
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:f, s:I}", "seconds", r->seconds,
                  "sent_packets_per_s", r->sent_pps, "received_packets_per_s", r->received_pps,
                  "received_kbps", r->received_kbps, "loss_before_repair", r->loss_before,
                  "loss_after_repair", r->loss_after, "audio_latency_ms",
                  latency_json(r->audio_us, &r->window.audio_us), "video_latency_ms",
                  latency_json(r->video_us, &r->window.video_us), "counts", counts_json(&r->window),
                  "client_cpu", r->own_cpu, "udp_buffer_errors", (json_int_t)r->receive_errors);
    json_object_update(o, media);
    json_decref(media);
    if (r->has_server) {
        json_object_set_new(o, "server",
                            json_pack("{s:f, s:f, s:f, s:f, s:I}", "cpu_us_per_packet",
                                      r->cpu_us_per_packet, "cpu_ms_per_join", r->cpu_ms_per_join,
                                      "rss_kb_per_subscriber", r->rss_kb_per_subscriber, "cpu",
                                      r->server_cpu, "rss_bytes", (json_int_t)r->rss_bytes));
    }
    int status = cli_print_json(o);
    json_decref(o);
    return status;
}

__attribute__((format(printf, 3, 4))) static void row(struct cli_table *t, const char *name,
                                                      const char *fmt, ...) {
    char cell[CELL_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(cell, sizeof(cell), fmt, ap);
    va_end(ap);
    const char *cells[] = {name, cell};
    cli_table_row(t, cells);
}

static void times_row(struct cli_table *t, const char *name, const struct load_percentiles *p) {
    if (p->count) {
        row(t, name, "p50 %.1f ms, p95 %.1f ms", p->p50, p->p95);
    }
}

static void latency_row(struct cli_table *t, const char *name, const double us[3],
                        const struct aura_hist *h) {
    if (aura_hist_total(h)) {
        row(t, name, "p50 %.2f ms, p95 %.2f ms, p99 %.2f ms", us[0] / 1000, us[1] / 1000,
            us[2] / 1000);
    }
}

static void report_media(struct cli_table *t, const struct load_result *r) {
    const struct aura_meter *w = &r->window;
    row(t, "window", "%.1f s", r->seconds);
    row(t, "sent", "%" PRIu64 " packets (%.0f/s), %" PRIu64 " sent again",
        aura_count_get(&w->packets_sent), r->sent_pps, aura_count_get(&w->resent));
    row(t, "received", "%" PRIu64 " of %" PRIu64 " packets (%.0f/s)", aura_count_get(&w->packets),
        aura_count_get(&w->expected), r->received_pps);
    row(t, "bitrate", "%.0f kbps", r->received_kbps);
    row(t, "loss", "%.4f %%, after repair %.4f %%", r->loss_before * 100, r->loss_after * 100);
    row(t, "repair",
        "%" PRIu64 " asked for, %" PRIu64 " repaired, %" PRIu64 " key frames asked for",
        aura_count_get(&w->nacks), aura_count_get(&w->repaired), aura_count_get(&w->plis));
    row(t, "freezes", "%" PRIu64 " (%.1f s) in %" PRIu64 " frames", aura_count_get(&w->freezes),
        (double)aura_count_get(&w->freeze_ms) / 1000, aura_count_get(&w->frames));
    latency_row(t, "audio latency", r->audio_us, &w->audio_us);
    latency_row(t, "video latency", r->video_us, &w->video_us);
    if (r->receive_errors) {
        row(t, "dropped here", "%" PRIu64 " UDP packets found a full buffer on this machine",
            r->receive_errors);
    }
    row(t, "client CPU", "%.2f cores", r->own_cpu);
}

int load_report(const struct load_options *o, const struct load_result *r) {
    if (o->cli.json) {
        return report_json(r);
    }
    const char *headings[] = {"WHAT", "RESULT"};
    struct cli_table *t = cli_table_new(2, headings);
    row(t, "joined", "%zu of %zu", r->connected, r->connected + r->failed);
    if (r->failed) {
        row(t, "first failure", "%s", r->first_failure);
    }
    times_row(t, "join response", &r->join_ms);
    times_row(t, "connected", &r->connect_ms);
    times_row(t, "first audio packet", &r->audio_ms);
    times_row(t, "first video packet", &r->video_ms);
    row(t, "tracks received", "%zu of %zu", r->flowing, r->expected_flowing);
    report_media(t, r);
    if (r->has_server) {
        row(t, "server CPU", "%.2f us a packet, %.2f cores", r->cpu_us_per_packet, r->server_cpu);
        row(t, "server CPU of a join", "%.2f ms", r->cpu_ms_per_join);
        row(t, "server memory", "%.0f kB a subscriber, %.1f MB in all", r->rss_kb_per_subscriber,
            (double)r->rss_bytes / 1e6);
    }
    cli_table_print(t);
    return CLI_OK;
}
