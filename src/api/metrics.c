/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics in Prometheus' text format: LiveKit's names where it has them, ours beside them. */
#include "api/base64.h"
#include "api/nodes.h"
#include "api/recordings.h"
#include "api/server_priv.h"
#include "api/tracing.h"
#include "api/webhooks.h"
#include "auraid/exchange.h"
#include "auraid/matrix/appservice.h"
#include "base/mem.h"
#include "base/tally.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { METRICS_BYTES_MAX = 8 << 20 };

/* What is written, and the labels that LiveKit gives to all that is its own. */
struct page {
    struct aura_buf buf;
    char common[160];
};

static void head(struct page *p, const char *name, const char *type, const char *help) {
    aura_tally_head(&p->buf, name, type, help);
}

/* @param labels  "" or "{a=\"x\"}" */
static void value(struct page *p, const char *name, const char *labels, double v) {
    static const char theirs[] = "livekit_";
    bool common = strncmp(name, theirs, sizeof(theirs) - 1) == 0;
    aura_buf_str(&p->buf, name);
    if (common) {
        aura_buf_printf(&p->buf, "{%s%s%s", p->common, labels[0] ? "," : "}", labels + !!labels[0]);
    } else {
        aura_buf_str(&p->buf, labels);
    }
    aura_buf_str(&p->buf, " ");
    aura_tally_number(&p->buf, v);
    aura_buf_str(&p->buf, "\n");
}

static void one(struct page *p, const char *name, const char *type, const char *help, double v) {
    head(p, name, type, help);
    value(p, name, "", v);
}

static void put_media(struct page *b, const struct aura_sfu_counters *c) {
    head(b, "livekit_packet_total", "counter", "Media packets, by direction.");
    value(b, "livekit_packet_total", "{direction=\"incoming\",transmission=\"initial\"}",
          (double)c->packets_in);
    value(b, "livekit_packet_total", "{direction=\"outgoing\",transmission=\"initial\"}",
          (double)(c->packets_out - c->retransmits_out));
    value(b, "livekit_packet_total", "{direction=\"outgoing\",transmission=\"retransmit\"}",
          (double)c->retransmits_out);
    head(b, "livekit_packet_bytes", "counter", "Media bytes, by direction.");
    value(b, "livekit_packet_bytes", "{direction=\"incoming\",transmission=\"initial\"}",
          (double)c->bytes_in);
    value(b, "livekit_packet_bytes", "{direction=\"outgoing\",transmission=\"initial\"}",
          (double)(c->bytes_out - c->retransmit_bytes_out));
    value(b, "livekit_packet_bytes", "{direction=\"outgoing\",transmission=\"retransmit\"}",
          (double)c->retransmit_bytes_out);
    head(b, "livekit_nack_total", "counter", "NACK messages.");
    value(b, "livekit_nack_total", "{direction=\"incoming\"}", (double)c->nack_in);
    value(b, "livekit_nack_total", "{direction=\"outgoing\"}", (double)c->nack_out);
    head(b, "livekit_pli_total", "counter", "Key frame requests.");
    value(b, "livekit_pli_total", "{direction=\"incoming\"}", (double)c->pli_in);
    value(b, "livekit_pli_total", "{direction=\"outgoing\"}", (double)c->pli_out);
    head(b, "livekit_fir_total", "counter", "Full intra requests.");
    value(b, "livekit_fir_total", "{direction=\"incoming\"}", (double)c->fir_in);
    head(b, "auralink_drops_total", "counter", "Packets dropped, by reason.");
    for (unsigned i = 0; i < AURA_DROP_COUNT; i++) {
        char label[64];
        snprintf(label, sizeof(label), "{reason=\"%s\"}",
                 aura_sfu_drop_name((enum aura_sfu_drop)i));
        value(b, "auralink_drops_total", label, (double)c->drops[i]);
    }
    head(b, "auralink_data_messages_total", "counter", "Data channel messages.");
    value(b, "auralink_data_messages_total", "{direction=\"incoming\"}", (double)c->data_in);
    value(b, "auralink_data_messages_total", "{direction=\"outgoing\"}", (double)c->data_out);
    head(b, "auralink_syscalls_total", "counter", "System calls of the media sockets.");
    value(b, "auralink_syscalls_total", "{direction=\"incoming\"}", (double)c->syscalls_in);
    value(b, "auralink_syscalls_total", "{direction=\"outgoing\"}", (double)c->syscalls_out);
    one(b, "auralink_datagrams_handed_over_total", "counter",
        "Datagrams that one media worker received for another (rtc.single_port).",
        (double)c->handed_over);
    one(b, "auralink_peer_connections", "gauge", "Peer connections now.", (double)c->peers);
    one(b, "auralink_media_loop_lag_seconds", "gauge",
        "Longest turn of a media worker since the last scrape.", (double)c->loop_lag_us_max / 1e6);
}

static void put_kinds(struct page *b, const char *name, const char *help, size_t all,
                      size_t video) {
    head(b, name, "gauge", help);
    value(b, name, "{kind=\"AUDIO\"}", (double)(all - video));
    value(b, name, "{kind=\"VIDEO\"}", (double)video);
}

static void put_auraid(struct page *b, const struct aura_rooms_stats *r, uint64_t others) {
    one(b, "auralink_auraid_joins_total", "counter", "Joins of people who have an AuraID.",
        (double)r->auraids);
    one(b, "auralink_auraid_created_total", "counter", "AuraIDs made.",
        (double)(r->auraids_new + others));
}

static void put_calls(struct page *b, const struct aura__calls *calls) {
    struct aura_exchange_stats c = {.calls = 0};
    if (calls) {
        aura_exchange_stats(aura__calls_exchange(calls), &c);
    }
    one(b, "auralink_call_devices", "gauge", "Devices that are told of calls.", (double)c.devices);
    one(b, "auralink_calls", "gauge", "Calls between AuraIDs.", (double)c.calls);
    one(b, "auralink_call_rings_total", "counter", "People rung.", (double)c.rings);
    one(b, "auralink_call_accepts_total", "counter", "People who answered.", (double)c.accepted);
    one(b, "auralink_call_missed_total", "counter", "People who did not.", (double)c.missed);
    one(b, "auralink_call_refused_total", "counter", "Wishes to ring who may not be rung.",
        (double)c.refused);
    one(b, "auralink_call_limited_total", "counter", "Wishes to ring that came too often.",
        (double)c.paced);
    one(b, "auralink_call_slow_closed_total", "counter",
        "Devices that were disconnected because they did not read.", (double)c.slow_closed);
}

/* @param refused  joins without a valid token */
static void put_joins(struct page *b, const struct aura_rooms_stats *r, uint64_t refused) {
    static const char name[] = "livekit_participant_join_total";
    head(b, name, "counter", "Joins that came so far.");
    value(b, name, "{state=\"signal_connected\"}", (double)r->joins);
    value(b, name, "{state=\"signal_validation_failed\"}", (double)(refused + r->joins_refused));
    value(b, name, "{state=\"rtc_init\"}", (double)r->joins);
    value(b, name, "{state=\"rtc_connected\"}", (double)r->join_ms_count);
    value(b, name, "{state=\"rtc_active\",warp=\"false\"}", (double)r->join_ms_count);
    value(b, name, "{state=\"rtc_success\",warp=\"false\"}", (double)r->join_ms_count);
    value(b, name, "{state=\"rtc_canceled\",warp=\"false\"}", (double)r->joins_canceled);
    value(b, name, "{state=\"rtc_failure\",warp=\"false\"}", (double)r->joins_failed);
}

static void put_messages(struct page *b, const struct aura_rooms_stats *r) {
    static const char name[] = "livekit_node_messages";
    head(b, name, "counter", "Signalling messages, by outcome.");
    value(b, name, "{type=\"signal\",status=\"success\",direction=\"request\"}",
          (double)(r->signals_in - r->bad_signals));
    value(b, name, "{type=\"signal\",status=\"failure\",direction=\"request\"}",
          (double)r->bad_signals);
    value(b, name, "{type=\"signal\",status=\"success\",direction=\"response\"}",
          (double)r->signals_out);
}

/* In nanoseconds, as LiveKit's are. The gauges are of the packets since the last scrape. */
static void put_forward(struct page *b, const struct aura_sfu_forward *f,
                        struct aura_sfu_forward *told) {
    static const char name[] = "livekit_forward_latency_ns";
    uint64_t sum = 0;
    head(b, name, "histogram", "From a packet's arrival until it is made ready for a subscriber.");
    for (size_t i = 0; i < AURA_SFU_FORWARD_BUCKETS; i++) {
        char label[48] = "{le=\"+Inf\"}";
        sum += f->bucket[i];
        if (aura_sfu_forward_bounds_us[i] != UINT32_MAX) {
            snprintf(label, sizeof(label), "{le=\"%g\"}", aura_sfu_forward_bounds_us[i] * 1e3);
        }
        value(b, "livekit_forward_latency_ns_bucket", label, (double)sum);
    }
    value(b, "livekit_forward_latency_ns_sum", "", (double)f->us * 1e3);
    value(b, "livekit_forward_latency_ns_count", "", (double)sum);
    double n = (double)(f->count - told->count), us = (double)(f->us - told->us);
    double mean = n > 0 ? us / n : 0;
    double variance = n > 1 ? ((double)(f->us2 - told->us2) - us * mean) / (n - 1) : 0;
    one(b, "livekit_forward_latency", "gauge", "Mean of it since the last scrape.", mean * 1e3);
    one(b, "livekit_forward_jitter", "gauge", "Its standard deviation.",
        variance > 0 ? sqrt(variance) * 1e3 : 0);
    *told = *f;
}

static void put_rooms(struct page *b, const struct aura_rooms_stats *r) {
    one(b, "livekit_room_total", "gauge", "Rooms now.", (double)r->rooms);
    one(b, "livekit_participant_total", "gauge", "Participants now.", (double)r->participants);
    put_kinds(b, "livekit_track_published_total", "Published tracks now.", r->tracks,
              r->video_tracks);
    put_kinds(b, "livekit_track_subscribed_total", "Subscriptions now.", r->subscriptions,
              r->video_subscriptions);
    one(b, "auralink_resumes_total", "counter", "Sessions resumed.", (double)r->resumes);
    head(b, "auralink_signal_messages_total", "counter", "Signalling messages.");
    value(b, "auralink_signal_messages_total", "{direction=\"incoming\"}", (double)r->signals_in);
    value(b, "auralink_signal_messages_total", "{direction=\"outgoing\"}", (double)r->signals_out);
    one(b, "auralink_signal_malformed_total", "counter",
        "Signalling messages that made no sense, or were too many.", (double)r->bad_signals);
    one(b, "auralink_data_refused_total", "counter", "Data messages malformed or not permitted.",
        (double)r->data_refused);
    head(b, "auralink_join_duration_seconds", "histogram", "From the join to connected media.");
    uint64_t sum = 0;
    for (size_t i = 0; i < 10; i++) {
        char label[48];
        sum += r->join_ms_bucket[i];
        if (aura_rooms_join_bounds_ms[i] == UINT32_MAX) {
            snprintf(label, sizeof(label), "{le=\"+Inf\"}");
        } else {
            snprintf(label, sizeof(label), "{le=\"%g\"}", aura_rooms_join_bounds_ms[i] / 1000.0);
        }
        value(b, "auralink_join_duration_seconds_bucket", label, (double)sum);
    }
    value(b, "auralink_join_duration_seconds_sum", "", (double)r->join_ms_sum / 1000);
    value(b, "auralink_join_duration_seconds_count", "", (double)r->join_ms_count);
}

static void put_aic_latency(struct page *b, const struct aura_sfu_counters *c) {
    uint64_t sum = 0;
    head(b, "auralink_aic_latency_seconds", "histogram",
         "From a native frame's last packet to AI Core's answer.");
    for (size_t i = 0; i < AURA_SFU_AIC_BUCKETS; i++) {
        char label[48] = "{le=\"+Inf\"}";
        sum += c->aic_latency[i];
        if (aura_sfu_aic_bounds_us[i] != UINT32_MAX) {
            snprintf(label, sizeof(label), "{le=\"%g\"}", aura_sfu_aic_bounds_us[i] / 1e6);
        }
        value(b, "auralink_aic_latency_seconds_bucket", label, (double)sum);
    }
    value(b, "auralink_aic_latency_seconds_sum", "", (double)c->aic_latency_us / 1e6);
    value(b, "auralink_aic_latency_seconds_count", "", (double)sum);
}

static void put_aic(struct page *b, const struct aura_sfu_counters *c,
                    const struct aura_rooms_stats *r) {
    char label[48];
    head(b, "auralink_aic_tracks", "gauge", "Tracks that AI Core has to do with, by state.");
    for (unsigned i = 0; i < AURA_AIC_STATES; i++) {
        snprintf(label, sizeof(label), "{state=\"%s\"}",
                 aura_aic_state_name((enum aura_aic_state)i));
        value(b, "auralink_aic_tracks", label, (double)r->aic_tracks[i]);
    }
    one(b, "auralink_aic_sent_bytes_total", "counter",
        "Compressed media sent to subscribers, on the wire.", (double)c->aic_sent);
    one(b, "auralink_aic_native_bytes_total", "counter",
        "What the same frames had cost the same subscribers natively.", (double)c->aic_native);
    one(b, "auralink_aic_frames_total", "counter", "Frames that AI Core answered.",
        (double)c->aic_frames);
    one(b, "auralink_aic_late_frames_total", "counter", "Those of them that came too late.",
        (double)c->aic_late);
    head(b, "auralink_aic_fallbacks_total", "counter",
         "Tracks that went back to native, by reason.");
    for (unsigned i = AURA_AIC_FINE + 1; i < AURA_AIC_REASONS; i++) {
        snprintf(label, sizeof(label), "{reason=\"%s\"}",
                 aura_aic_reason_name((enum aura_aic_reason)i));
        value(b, "auralink_aic_fallbacks_total", label, (double)c->aic_fallbacks[i]);
    }
    put_aic_latency(b, c);
}

static void put_webhooks(struct page *b, const struct aura_webhooks *w) {
    struct aura_webhooks_stats s;
    aura_webhooks_stats(w, &s);
    head(b, "livekit_webhook_dispatch_total", "counter", "Webhooks that are done with.");
    value(b, "livekit_webhook_dispatch_total", "{status=\"success\"}", (double)s.delivered);
    value(b, "livekit_webhook_dispatch_total", "{status=\"failure\"}",
          (double)(s.refused + s.expired));
    value(b, "livekit_webhook_dispatch_total", "{status=\"drop\",reason=\"overflow\"}",
          (double)(s.outbox.dropped + s.lost));
    head(b, "auralink_webhooks_total", "counter", "Webhooks by what became of them, for each URL.");
    value(b, "auralink_webhooks_total", "{result=\"delivered\"}", (double)s.delivered);
    value(b, "auralink_webhooks_total", "{result=\"refused\"}", (double)s.refused);
    value(b, "auralink_webhooks_total", "{result=\"expired\"}", (double)s.expired);
    value(b, "auralink_webhooks_total", "{result=\"dropped\"}", (double)s.outbox.dropped);
    value(b, "auralink_webhooks_total", "{result=\"lost\"}", (double)s.lost);
    one(b, "auralink_webhook_failures_total", "counter", "Attempts that will be repeated.",
        (double)s.failed);
    one(b, "auralink_webhooks_waiting", "gauge", "Webhooks to be delivered, for each URL.",
        (double)s.outbox.waiting);
    one(b, "auralink_webhooks_stored", "gauge", "Events in the outbox.", (double)s.outbox.events);
    one(b, "auralink_webhook_outbox_bytes", "gauge", "Their bytes.", (double)s.outbox.bytes);
}

static void put_appservice(struct page *b, const struct aura__appservice *a) {
    struct aura_as_stats s;
    uint64_t refused;
    aura__appservice_stats(a, &s, &refused);
    one(b, "auralink_appservice_calls", "gauge", "Calls with people of Matrix.", (double)s.links);
    one(b, "auralink_appservice_transactions_total", "counter", "Transactions of the homeserver.",
        (double)s.transactions);
    one(b, "auralink_appservice_replayed_total", "counter",
        "Transactions and events that had come before.", (double)s.replayed);
    one(b, "auralink_appservice_refused_total", "counter", "Requests with a wrong hs_token.",
        (double)refused);
    head(b, "auralink_appservice_rings_total", "counter", "Rings, by who rings whom.");
    value(b, "auralink_appservice_rings_total", "{by=\"matrix\"}", (double)s.rung);
    value(b, "auralink_appservice_rings_total", "{by=\"us\"}", (double)s.ringing);
    one(b, "auralink_appservice_errands_total", "counter", "What ghosts did at the homeserver.",
        (double)s.errands);
    one(b, "auralink_appservice_failed_total", "counter", "What they could not do there.",
        (double)s.failed);
}

static void put_matrix(struct page *b, const struct aura__matrix *m) {
    struct aura__matrix_stats s;
    aura__matrix_stats(m, &s);
    one(b, "auralink_matrix_tokens_total", "counter", "Tokens given to users of Matrix.",
        (double)s.given);
    one(b, "auralink_matrix_refused_total", "counter", "Requests for them that were refused.",
        (double)s.refused);
    head(b, "auralink_matrix_openid_total", "counter", "OpenID tokens by what was found.");
    value(b, "auralink_matrix_openid_total", "{result=\"verified\"}", (double)s.openid.verified);
    value(b, "auralink_matrix_openid_total", "{result=\"known\"}", (double)s.openid.known);
    value(b, "auralink_matrix_openid_total", "{result=\"refused\"}", (double)s.openid.refused);
    value(b, "auralink_matrix_openid_total", "{result=\"failed\"}", (double)s.openid.failed);
    value(b, "auralink_matrix_openid_total", "{result=\"bound_elsewhere\"}",
          (double)s.openid.bound_elsewhere);
    one(b, "auralink_matrix_leaves", "gauge", "Delayed leaves that are kept off now.",
        (double)s.leaving);
    head(b, "auralink_matrix_leave_total", "counter", "What was done about delayed leaves.");
    value(b, "auralink_matrix_leave_total", "{did=\"taken\"}", (double)s.leaves.taken);
    value(b, "auralink_matrix_leave_total", "{did=\"restarted\"}", (double)s.leaves.restarts);
    value(b, "auralink_matrix_leave_total", "{did=\"sent\"}", (double)s.leaves.sent);
    value(b, "auralink_matrix_leave_total", "{did=\"retried\"}", (double)s.leaves.retries);
    value(b, "auralink_matrix_leave_total", "{did=\"unknown\"}", (double)s.leaves.unknown);
    value(b, "auralink_matrix_leave_total", "{did=\"given_up\"}", (double)s.leaves.given_up);
}

static void put_recordings(struct page *b, const struct aura_recordings *r) {
    struct aura_recordings_stats s;
    char label[48];
    aura_recordings_stats(r, &s);
    head(b, "auralink_recordings", "gauge", "Recordings that the API started and that run now.");
    for (unsigned i = AURA_RECORDING_STARTING; i <= AURA_RECORDING_ENDING; i++) {
        snprintf(label, sizeof(label), "{state=\"%s\"}",
                 aura_recording_state_name((enum aura_recording_state)i));
        value(b, "auralink_recordings", label, (double)s.now[i]);
    }
    one(b, "auralink_recordings_started_total", "counter", "Recordings that the API started.",
        (double)s.started);
    head(b, "auralink_recordings_ended_total", "counter", "Those that ended, by how.");
    for (unsigned i = AURA_RECORDING_COMPLETE; i <= AURA_RECORDING_LIMIT; i++) {
        snprintf(label, sizeof(label), "{result=\"%s\"}",
                 aura_recording_state_name((enum aura_recording_state)i));
        value(b, "auralink_recordings_ended_total", label, (double)s.ended[i]);
    }
    head(b, "auralink_recording_bytes_total", "counter",
         "Bytes written of tracks as they came, and of files composed of them.");
    value(b, "auralink_recording_bytes_total", "{stage=\"recorded\"}", (double)s.bytes);
    value(b, "auralink_recording_bytes_total", "{stage=\"composed\"}", (double)s.composed_bytes);
    one(b, "auralink_recording_frames_total", "counter",
        "Frames and packets of sound written to tracks' files.", (double)s.frames);
    one(b, "auralink_recording_dropped_frames_total", "counter",
        "Those that came to a recorder and could not be written or played.", (double)s.dropped);
}

static void put_services(const struct aura_server *s, struct page *b,
                         const struct aura_rooms_stats *r) {
    one(b, "auralink_agent_workers", "gauge", "Agent workers that are connected.",
        (double)r->agent_workers);
    one(b, "auralink_whip_sessions", "gauge", "WHIP and WHEP sessions now.",
        (double)aura__whips_count(s->whips));
    if (s->conf.recordings) {
        put_recordings(b, s->conf.recordings);
    }
}

static void put_tracing(struct page *b, const struct aura_tracing *t) {
    struct aura_tracing_stats s;
    aura_tracing_stats(t, &s);
    head(b, "auralink_trace_spans_total", "counter", "Spans of traces, by what became of them.");
    value(b, "auralink_trace_spans_total", "{result=\"exported\"}", (double)s.exported);
    value(b, "auralink_trace_spans_total", "{result=\"dropped\"}", (double)s.dropped);
    value(b, "auralink_trace_spans_total", "{result=\"failed\"}", (double)s.failed);
    one(b, "auralink_trace_retries_total", "counter",
        "Requests to the collector that are repeated.", (double)s.retries);
}

static double resident_bytes(void) {
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long total = 0, resident = 0;
    if (f) {
        if (fscanf(f, "%lu %lu", &total, &resident) != 2) {
            resident = 0;
        }
        fclose(f);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void put_process(struct aura_server *s, struct page *b) {
    struct rusage usage;
    struct aura_http_stats http;
    struct aura_loop_stats loop;
    getrusage(RUSAGE_SELF, &usage);
    aura_http_stats(s->http, &http);
    aura_loop_stats(s->loop, &loop, true);
    one(b, "process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
    one(b, "process_cpu_seconds_total", "counter", "CPU time of the process.",
        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    one(b, "auralink_uptime_seconds", "gauge", "Time since the start.",
        (double)(aura_now_us(aura_loop_clock(s->loop)) - s->started_us) / 1e6);
    one(b, "auralink_http_requests_total", "counter", "HTTP requests.", (double)http.requests);
    one(b, "auralink_http_limited_total", "counter", "Requests of addresses that asked too often.",
        (double)s->gate_closed);
    one(b, "auralink_meet_guests_total", "counter", "Tokens given to guests of the app.",
        (double)s->meet_given);
    one(b, "auralink_meet_refused_total", "counter", "Guests who got no token.",
        (double)s->meet_refused);
    struct aura__accounts_stats accounts;
    aura__accounts_stats(s, &accounts);
    one(b, "auralink_meet_sessions", "gauge", "Browsers that are signed in with an account.",
        (double)accounts.sessions);
    one(b, "auralink_meet_sign_ups_total", "counter", "Accounts made.", (double)accounts.signed_up);
    one(b, "auralink_meet_sign_ins_total", "counter", "Sign-ins, those of new accounts among them.",
        (double)accounts.signed_in);
    one(b, "auralink_meet_sign_ins_refused_total", "counter", "Wrong passwords and passkeys.",
        (double)accounts.refused);
    one(b, "auralink_http_refused_total", "counter", "Requests answered with an error.",
        (double)http.refused);
    one(b, "auralink_websockets", "gauge", "Open WebSockets.", (double)http.open);
    one(b, "auralink_websocket_slow_total", "counter", "WebSockets closed for reading too slowly.",
        (double)http.slow_closed);
    one(b, "auralink_control_loop_lag_seconds", "gauge",
        "Longest turn of the control loop since the last scrape.", (double)loop.turn_us_max / 1e6);
    one(b, "auralink_allocations_live", "gauge", "Blocks of memory held by our own code.",
        (double)aura_mem_live());
}

static bool may_read(const struct aura_server *s, const struct aura_http_req *req) {
    if (!s->conf.metrics_user) {
        return true;
    }
    static const char basic[] = "Basic ";
    const char *header = aura_http_header(req, "authorization");
    struct aura_buf want = AURA_BUF(512), got = AURA_BUF(512);
    aura_buf_printf(&want, "%s:%s", s->conf.metrics_user, s->conf.metrics_password);
    bool ok = header && strncmp(header, basic, sizeof(basic) - 1) == 0 &&
              aura_base64_decode(&got, header + 6, strlen(header + 6)) == 0 &&
              got.len == want.len && aura_secret_equal(got.data, want.data, want.len);
    aura_buf_free(&want);
    aura_buf_free(&got);
    return ok;
}

static void put_cluster(const struct aura_server *s, struct page *b) {
    const struct aura_cluster *c = aura_nodes_cluster(s->conf.nodes);
    struct aura_cluster_stats st;
    size_t nodes;
    aura_cluster_stats(c, &st);
    (void)aura_cluster_nodes(c, &nodes);
    one(b, "auralink_cluster_connected", "gauge", "1: Redis is there.", st.connected ? 1 : 0);
    one(b, "auralink_cluster_nodes", "gauge", "Nodes, this one too.", (double)nodes);
    one(b, "auralink_cluster_rooms", "gauge", "Rooms that this node owns.", (double)st.rooms);
    one(b, "auralink_cluster_placed_total", "counter", "Rooms that it has placed.",
        (double)st.placed);
    one(b, "auralink_cluster_taken_over_total", "counter",
        "Of those, from an owner that was gone or drained.", (double)st.taken_over);
    one(b, "auralink_cluster_lost_total", "counter", "Rooms that another node took from it.",
        (double)st.lost);
    one(b, "auralink_cluster_unknown_total", "counter", "Searches for a room without a result.",
        (double)st.unknown);
    one(b, "auralink_cluster_relays", "gauge", "WebSockets passed on to other nodes.",
        (double)s->relays);
    one(b, "auralink_cluster_relays_broken_total", "counter", "Of those, links that broke.",
        (double)s->relays_broken);
}

void aura__metrics(struct aura_server *s, struct aura_http_req *req) {
    struct page p = {.buf = AURA_BUF(METRICS_BYTES_MAX)};
    struct aura_sfu_counters media;
    struct aura_rooms_stats rooms;
    if (!may_read(s, req)) {
        aura__refused(s, req);
        aura__respond_text(req, 401, "wrong user or password for /metrics");
        return;
    }
    snprintf(p.common, sizeof(p.common), "node_id=\"%s\",node_type=\"SERVER\"",
             aura_rooms_node_id(s->rooms));
    aura_sfu_counters(s->sfu, &media);
    aura_rooms_stats(s->rooms, &rooms);
    put_media(&p, &media);
    put_forward(&p, &media.forward, &s->forward_told);
    put_rooms(&p, &rooms);
    put_joins(&p, &rooms, s->joins_refused);
    put_auraid(&p, &rooms, s->auraids_created);
    put_calls(&p, s->calls);
    put_messages(&p, &rooms);
    aura_rooms_write_metrics(s->rooms, p.common, &p.buf);
    aura_tally_write(s->twirp_metrics, p.common, &p.buf);
    put_aic(&p, &media, &rooms);
    put_services(s, &p, &rooms);
    if (s->conf.webhooks) {
        put_webhooks(&p, s->conf.webhooks);
    }
    if (s->conf.nodes) {
        put_cluster(s, &p);
    }
    if (s->matrix) {
        put_matrix(&p, s->matrix);
    }
    if (s->appservice) {
        put_appservice(&p, s->appservice);
    }
    if (s->conf.tracing) {
        put_tracing(&p, s->conf.tracing);
    }
    put_process(s, &p);
    aura_http_respond(req, p.buf.err ? 500 : 200, "text/plain; version=0.0.4; charset=utf-8",
                      p.buf.data, p.buf.len);
    aura_buf_free(&p.buf);
}
