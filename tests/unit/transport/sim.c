/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include "transport/demux.h"

#include <stdio.h>
#include <string.h>
#include <sys/time.h>

struct datagram {
    struct aura_node node;
    uint64_t due_us;
    int to;
    struct aura_path path;
    size_t len;
    uint8_t data[1500];
};

static _Thread_local const struct aura_clock *fake_clock;

__attribute__((visibility("default"))) int gettimeofday(struct timeval *restrict tv,
                                                        void *restrict zone);
int gettimeofday(struct timeval *restrict tv, void *restrict zone) {
    (void)zone;
    uint64_t us = aura_wall_us(fake_clock ? fake_clock : aura_clock_system());
    tv->tv_sec = (time_t)(us / AURA_US_PER_S);
    tv->tv_usec = (suseconds_t)(us % AURA_US_PER_S);
    return 0;
}

int sim_init(struct sim *s) {
    memset(s, 0, sizeof(*s));
    aura_clock_manual_init(&s->clock, AURA_US_PER_S, 1700000000 * AURA_US_PER_S);
    aura_rand_seeded_init(&s->rand, 42);
    aura_list_init(&s->wire);
    s->delay_us = 5000;
    fake_clock = &s->clock.clock;
    return aura_timers_new(&s->timers, &s->clock.clock);
}

void sim_fini(struct sim *s) {
    AURA_LIST_EACH(&s->wire, struct datagram, d, node) {
        aura_node_remove(&d->node);
        aura_free(d);
    }
    s->timers = aura_timers_free(s->timers);
    fake_clock = NULL;
}

void sim_send(struct sim *s, int to, const struct aura_path *path, const uint8_t *data,
              size_t len) {
    s->sent++;
    assert_true(len <= 1500);
    if ((s->drop && s->drop(data, len)) || aura_rand_below(&s->rand.rand, 100) < s->loss_percent) {
        return;
    }
    struct datagram *d = aura_zalloc(sizeof(*d));
    if (!d) {
        return; /* as lost */
    }
    d->due_us = s->clock.now_us + s->delay_us;
    d->due_us += s->jitter_us ? aura_rand_below(&s->rand.rand, s->jitter_us) : 0;
    d->to = to;
    d->path = *path;
    d->len = len;
    memcpy(d->data, data, len);
    aura_list_add(&s->wire, &d->node);
}

static void deliver(struct sim *s) {
    struct aura_list due;
    aura_list_init(&due);
    AURA_LIST_EACH(&s->wire, struct datagram, d, node) {
        if (d->due_us <= s->clock.now_us) {
            aura_node_remove(&d->node);
            aura_list_add(&due, &d->node);
        }
    }
    AURA_LIST_EACH(&due, struct datagram, d, node) {
        aura_node_remove(&d->node);
        if (s->ends[d->to].fn) {
            s->ends[d->to].fn(s->ends[d->to].arg, &d->path, d->data, d->len);
        }
        aura_free(d);
    }
}

void sim_run(struct sim *s, uint32_t ms) {
    for (uint32_t i = 0; i < ms; i++) {
        aura_clock_manual_advance(&s->clock, AURA_US_PER_MS);
        deliver(s);
        (void)aura_timers_run(s->timers);
    }
}

uint32_t sim_sum(const uint8_t *data, size_t len) {
    uint32_t sum = 17;
    for (size_t i = 0; i < len; i++) {
        sum = sum * 31 + data[i];
    }
    return sum;
}

/* ---- client ---- */

void client_check(struct client *c) {
    char username[80];
    uint8_t out[AURA_STUN_MAX];
    size_t len = 0;
    int n = snprintf(username, sizeof(username), "%s:%s", c->remote_ufrag, c->local_ufrag);
    struct aura_stun_msg m = {.cls = AURA_STUN_REQUEST,
                              .method = AURA_STUN_BINDING,
                              .username = username,
                              .username_len = (size_t)n,
                              .has_priority = true,
                              .priority = c->priority,
                              .use_candidate = c->nominate,
                              .controlling = !c->controlled,
                              .controlled = c->controlled,
                              .tie_breaker = 99};
    aura_rand_bytes(&c->sim->rand.rand, m.tid.b, sizeof(m.tid.b));
    if (aura_stun_build(&m, c->remote_pwd, out, sizeof(out), &len) == 0) {
        sim_send(c->sim, 0, &c->path, out, len);
    }
}

static void on_check(void *arg) {
    struct client *c = arg;
    if (!c->silent) {
        client_check(c);
    }
    (void)!aura_timer_start(c->sim->timers, &c->check, 500 * AURA_US_PER_MS, on_check, c);
}

static void on_send(void *arg, const uint8_t *data, size_t len) {
    struct client *c = arg;
    sim_send(c->sim, 0, &c->path, data, len);
}

static void sctp_out(void *arg, const uint8_t *packet, size_t len) {
    struct client *c = arg;
    (void)!aura_dtls_send(c->dtls, packet, len);
}

static void on_open(void *arg, enum aura_data_channel channel) {
    struct client *c = arg;
    c->opened[channel] = true;
}

static void on_message(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len) {
    struct client *c = arg;
    c->messages[channel]++;
    c->bytes[channel] += len;
    c->sum[channel] += sim_sum(data, len);
}

static void on_drained(void *arg, enum aura_data_channel channel) {
    struct client *c = arg;
    (void)channel;
    c->drained++;
}

static void on_sctp_closed(void *arg) {
    (void)arg;
}

static void on_connected(void *arg) {
    static const struct aura_sctp_handlers handlers = {sctp_out, on_open, on_message, on_drained,
                                                       on_sctp_closed};
    struct client *c = arg;
    struct aura_srtp_keys keys;
    struct aura_sctp_conf conf = {.timers = c->sim->timers,
                                  .dtls_client = c->dtls_client,
                                  .open_channels = c->open_channels,
                                  .negotiated = c->negotiated,
                                  .max_receive_bytes = AURA_SCTP_MESSAGE_MAX};
    if (aura_dtls_srtp_keys(c->dtls, &keys) == 0) {
        (void)!aura_srtp_new(&c->srtp, &keys);
    }
    if (!c->no_sctp) {
        (void)!aura_sctp_new(&c->sctp, &conf, &handlers, c);
    }
}

static void on_data(void *arg, const uint8_t *data, size_t len) {
    struct client *c = arg;
    if (c->sctp) {
        aura_sctp_recv(c->sctp, data, len);
    }
}

static void on_failed(void *arg, int err) {
    struct client *c = arg;
    c->dtls_error = err;
}

int client_start(struct client *c, struct sim *s, const struct aura_dtls_identity *identity,
                 const struct aura_fingerprint *server) {
    static const struct aura_dtls_handlers handlers = {on_send, on_connected, on_data, on_failed};
    struct aura_dtls_conf conf = {.identity = identity,
                                  .timers = s->timers,
                                  .active = c->dtls_client,
                                  .fingerprints = server,
                                  .fingerprint_count = 1};
    c->sim = s;
    s->ends[1].fn = client_deliver;
    s->ends[1].arg = c;
    int err = aura_dtls_new(&c->dtls, &conf, &handlers, c);
    if (!err) {
        on_check(c);
    }
    return err;
}

void client_stop(struct client *c) {
    if (c->sim) {
        aura_timer_stop(c->sim->timers, &c->check);
        c->sctp = aura_sctp_free(c->sctp);
        c->dtls = aura_dtls_free(c->dtls);
        c->srtp = aura_srtp_free(c->srtp);
    }
}

static void deliver_stun(struct client *c, const uint8_t *data, size_t len) {
    struct aura_stun_msg m;
    assert_int_equal(aura_stun_parse(&m, data, len), 0);
    if (m.cls == AURA_STUN_SUCCESS) {
        assert_int_equal(aura_stun_check_integrity(&m, c->remote_pwd), 0);
        c->ok++;
        c->mapped = m.mapped;
        aura_dtls_start(c->dtls);
    } else {
        c->errors++;
        c->last_error = m.error_code;
        c->controlled = m.error_code == 487 ? false : c->controlled;
    }
}

void client_deliver(void *arg, const struct aura_path *path, uint8_t *data, size_t len) {
    struct client *c = arg;
    (void)path;
    switch (aura_datagram_kind(data, len)) {
    case AURA_DATAGRAM_STUN:
        deliver_stun(c, data, len);
        break;
    case AURA_DATAGRAM_DTLS:
        aura_dtls_recv(c->dtls, data, len);
        break;
    case AURA_DATAGRAM_RTP:
        if (c->srtp && aura_srtp_unprotect(c->srtp, data, &len) == 0) {
            memcpy(c->rtp, data, len);
            c->rtp_len = len;
            c->rtp_count++;
        }
        break;
    case AURA_DATAGRAM_RTCP:
    case AURA_DATAGRAM_OTHER:
        break;
    }
}
