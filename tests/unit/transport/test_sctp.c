/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sctp.h"

#include "base/list.h"
#include "harness.h"
#include "transport/dtls.h"
#include "transport/sctp_channels.h"
#include "transport/sctp_dcep.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

static int dcep_round_trip(void) {
    /* RFC 8832 figure 1, with the label of a channel as a browser opens it. */
    static const uint8_t wire[] = {3, 0x81, 1, 0,   0,   0,   0,   0,   0,
                                   6, 0,    0, '_', 'l', 'o', 's', 's', 'y'};
    struct aura_dcep_open o;
    uint8_t out[64];
    size_t len = 0;
    assert_int_equal(aura_dcep_type(wire, sizeof(wire)), AURA_DCEP_OPEN);
    TRY(aura_dcep_parse_open(&o, wire, sizeof(wire)));
    assert_true(o.unordered && o.reliability == AURA_DCEP_REXMIT && o.parameter == 0);
    assert_int_equal(o.priority, 256);
    assert_int_equal(o.label_len, 6);
    assert_memory_equal(o.label, "_lossy", 6);
    TRY(aura_dcep_build_open(&o, out, sizeof(out), &len));
    assert_int_equal(len, sizeof(wire));
    assert_memory_equal(out, wire, len);
    for (size_t n = 0; n < sizeof(wire); n++) {
        assert_int_not_equal(aura_dcep_parse_open(&o, wire, n), 0);
        size_t unused = 0;
        TRY(aura_dcep_parse_open(&o, wire, sizeof(wire)));
        assert_int_equal(aura_dcep_build_open(&o, out, n, &unused), AURA_ELIMIT);
    }
    memcpy(out, wire, sizeof(wire));
    out[1] = 3;
    assert_int_equal(aura_dcep_parse_open(&o, out, sizeof(wire)), AURA_EMALFORMED);
    out[1] = 0x81;
    out[sizeof(wire)] = 0;
    assert_int_equal(aura_dcep_parse_open(&o, out, sizeof(wire) + 1), AURA_EMALFORMED);
    return 0;
}

static bool peer_opens(struct aura__channels *c, uint16_t stream, const char *label,
                       enum aura_data_channel *opened) {
    uint8_t out[AURA_DCEP_MAX];
    size_t len = 0;
    struct aura_dcep_open o = {.label = label, .label_len = strlen(label), .protocol = ""};
    assert_int_equal(aura_dcep_build_open(&o, out, sizeof(out), &len), 0);
    return aura__channels_dcep(c, stream, out, len, opened);
}

static int stream_table(void) {
    static struct aura__channels c;
    static const uint8_t ack[] = {AURA_DCEP_ACK};
    enum aura_data_channel opened;
    memset(&c, 0, sizeof(c));
    assert_int_equal(aura__channels_begin(&c, AURA_DATA_RELIABLE, true), 0);
    assert_int_equal(aura__channels_begin(&c, AURA_DATA_LOSSY, true), 2);
    assert_int_equal(aura__channels_begin(&c, AURA_DATA_LOSSY, false), 1);
    assert_int_equal(aura__channels_stream(&c, AURA_DATA_RELIABLE), -1);
    assert_false(aura__channels_dcep(&c, 0, ack, 1, &opened));
    assert_int_equal(opened, AURA_DATA_RELIABLE);
    assert_int_equal(aura__channels_stream(&c, AURA_DATA_RELIABLE), 0);
    assert_false(aura__channels_dcep(&c, 0, ack, 1, &opened)); /* again: no news */
    assert_int_equal(opened, AURA_DATA_CHANNELS);
    assert_true(peer_opens(&c, 5, "_reliable", &opened)); /* a second one: acknowledged, no news */
    assert_int_equal(opened, AURA_DATA_CHANNELS);
    assert_int_equal(aura__channels_data(&c, 5, &opened), AURA_DATA_RELIABLE);
    assert_false(peer_opens(&c, 5, "_lossy", &opened)); /* in use */
    assert_true(peer_opens(&c, 7, "_data_track", &opened));
    assert_int_equal(opened, AURA_DATA_TRACK);
    assert_true(peer_opens(&c, 9, "chat", &opened));
    assert_int_equal(opened, AURA_DATA_CHANNELS);
    assert_int_equal(aura__channels_data(&c, 9, &opened), AURA_DATA_CHANNELS);
    assert_int_equal(aura__channels_data(&c, 2, &opened), AURA_DATA_LOSSY); /* data is an answer */
    assert_int_equal(opened, AURA_DATA_LOSSY);
    assert_true(aura__channels_reset(&c, 0));
    assert_false(aura__channels_reset(&c, 0));
    assert_int_equal(aura__channels_stream(&c, AURA_DATA_RELIABLE), 5);
    assert_false(peer_opens(&c, 60000, "_lossy", &opened));
    assert_int_equal(aura__channels_data(&c, 60000, &opened), AURA_DATA_CHANNELS);
    assert_false(aura__channels_reset(&c, 60000));
    memset(&c, 0, sizeof(c));
    aura__channels_negotiated(&c);
    assert_int_equal(aura__channels_stream(&c, AURA_DATA_RELIABLE), 100);
    assert_int_equal(aura__channels_stream(&c, AURA_DATA_LOSSY), 101);
    assert_int_equal(aura__channels_stream(&c, AURA_DATA_TRACK), 102);
    return 0;
}

/* Two ends with nothing but a queue between them, on one thread and one set of timers. */
struct packet {
    struct aura_node node;
    size_t len;
    uint8_t data[1500];
};

struct end {
    struct aura_sctp *sctp;
    struct aura_list in; /* what the other end sent */
    struct end *peer;
    size_t messages, bytes, opened, closed, rounds;
    uint8_t last;
    bool ordered;
};

static void on_send(void *arg, const uint8_t *packet, size_t len) {
    struct end *e = arg;
    struct packet *p = aura_zalloc(sizeof(*p));
    assert_true(len <= AURA_DTLS_MTU - AURA_DTLS_OVERHEAD);
    if (p) {
        p->len = len;
        memcpy(p->data, packet, len);
        aura_list_add(&e->peer->in, &p->node);
    }
}
static void on_open(void *arg, enum aura_data_channel channel) {
    struct end *e = arg;
    (void)channel;
    e->opened++;
}
static void on_data(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len) {
    struct end *e = arg;
    (void)channel;
    e->ordered = e->ordered && data[0] == (uint8_t)e->messages;
    e->messages++;
    e->bytes += len;
}
static void on_drained(void *arg, enum aura_data_channel channel) {
    (void)arg;
    (void)channel;
}
static void on_closed(void *arg) {
    struct end *e = arg;
    e->closed++;
}
static const struct aura_sctp_handlers handlers = {on_send, on_open, on_data, on_drained,
                                                   on_closed};

struct pair {
    struct aura_timers *timers;
    struct end ends[2];
};

static int pair_start(struct pair *p, const struct aura_clock *clock, size_t max_receive) {
    memset(p, 0, sizeof(*p));
    for (int i = 0; i < 2; i++) {
        aura_list_init(&p->ends[i].in);
        p->ends[i].peer = &p->ends[1 - i];
        p->ends[i].ordered = true;
    }
    TRY(aura_timers_new(&p->timers, clock));
    for (int i = 0; i < 2; i++) {
        struct aura_sctp_conf conf = {.timers = p->timers,
                                      .dtls_client = i == 1,
                                      .open_channels = i == 0,
                                      .max_receive_bytes = max_receive};
        TRY(aura_sctp_new(&p->ends[i].sctp, &conf, &handlers, &p->ends[i]));
    }
    return 0;
}

static size_t pair_deliver(struct pair *p) {
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        AURA_LIST_EACH(&p->ends[i].in, struct packet, packet, node) {
            aura_node_remove(&packet->node);
            aura_sctp_recv(p->ends[i].sctp, packet->data, packet->len);
            aura_free(packet);
            n++;
        }
    }
    return n;
}

static void pair_end(struct pair *p) {
    for (int i = 0; i < 2; i++) {
        p->ends[i].sctp = aura_sctp_free(p->ends[i].sctp);
    }
    for (int i = 0; i < 2; i++) {
        AURA_LIST_EACH(&p->ends[i].in, struct packet, packet, node) {
            aura_node_remove(&packet->node);
            aura_free(packet);
        }
    }
    p->timers = aura_timers_free(p->timers);
}

static void pair_run(struct pair *p, struct aura_clock_manual *clock, uint32_t ms) {
    for (uint32_t i = 0; i < ms; i++) {
        aura_clock_manual_advance(clock, AURA_US_PER_MS);
        (void)aura_timers_run(p->timers);
        (void)pair_deliver(p);
    }
}

static int too_long_is_dropped(void) {
    static uint8_t data[150000];
    struct aura_clock_manual clock;
    struct pair p;
    aura_clock_manual_init(&clock, AURA_US_PER_S, 1);
    int err = pair_start(&p, &clock.clock, 100000);
    if (!err) {
        pair_run(&p, &clock, 500);
        assert_int_equal(p.ends[0].opened, 3);
        assert_int_equal(p.ends[1].opened, 3);
        assert_int_equal(aura_sctp_send(p.ends[0].sctp, AURA_DATA_RELIABLE, data, sizeof(data)), 0);
        assert_int_equal(aura_sctp_send(p.ends[0].sctp, AURA_DATA_RELIABLE, data, 100000), 0);
        pair_run(&p, &clock, 3000);
        assert_int_equal(p.ends[1].messages, 1);
        assert_int_equal(p.ends[1].bytes, 100000);
        assert_true(aura_sctp_open(p.ends[1].sctp, AURA_DATA_LOSSY));
    }
    pair_end(&p);
    return err;
}

static int abort_is_seen(void) {
    struct aura_clock_manual clock;
    struct pair p;
    aura_clock_manual_init(&clock, AURA_US_PER_S, 1);
    int err = pair_start(&p, &clock.clock, 0);
    if (!err) {
        pair_run(&p, &clock, 500);
        aura_sctp_close(p.ends[0].sctp);
        pair_run(&p, &clock, 100);
        assert_int_equal(p.ends[1].closed, 1);
        assert_int_equal(p.ends[0].closed, 0);
        assert_int_equal(aura_sctp_send(p.ends[1].sctp, AURA_DATA_LOSSY, (const uint8_t *)"x", 1),
                         AURA_ESTATE);
    }
    pair_end(&p);
    return err;
}

static int no_memory(void) {
    struct aura_clock_manual clock;
    struct pair p;
    aura_clock_manual_init(&clock, AURA_US_PER_S, 1);
    int err = pair_start(&p, &clock.clock, 0);
    if (!err) {
        pair_run(&p, &clock, 30);
    }
    pair_end(&p);
    return err;
}

/* Several workers, each with its own pairs and timers, on the one stack. */
enum { THREADS = 4, MESSAGES = 200, ROUNDS_MAX = 20000 };

static void *worker(void *arg) {
    struct pair p;
    size_t *done = arg;
    uint8_t data[3000] = {0};
    if (pair_start(&p, aura_clock_system(), 0) == 0) {
        size_t sent = 0;
        for (int i = 0; i < ROUNDS_MAX && p.ends[1].messages < MESSAGES; i++) {
            uint64_t wait = aura_timers_next_us(p.timers);
            data[0] = (uint8_t)sent;
            if (sent < MESSAGES &&
                aura_sctp_send(p.ends[0].sctp, AURA_DATA_RELIABLE, data, sizeof(data)) == 0) {
                sent++;
            } else if (pair_deliver(&p) == 0 && wait > 0) {
                (void)usleep((useconds_t)(wait < 5000 ? wait : 5000)); /* until a timer is due */
            }
            (void)pair_deliver(&p);
            (void)aura_timers_run(p.timers);
        }
        *done = p.ends[1].ordered ? p.ends[1].messages : 0;
        pair_end(&p);
    }
    return NULL;
}

static int workers_share_the_stack(void) {
    pthread_t threads[THREADS];
    size_t done[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, worker, &done[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(done[i], MESSAGES);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(dcep_round_trip), AURA_CASE(stream_table),
        AURA_PLAIN(no_memory),      AURA_PLAIN(too_long_is_dropped),
        AURA_PLAIN(abort_is_seen),  AURA_PLAIN(workers_share_the_stack),
    };
    return RUN_CASES("sctp", cases);
}
