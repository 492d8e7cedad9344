/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCTP packets [length (2 bytes), bytes] into an association that a real peer has opened, as an
 * authenticated but hostile peer can send them. Verification tag and checksum are put right.
 */
#include "base/bytes.h"
#include "transport/sctp.h"

#include <usrsctp.h>

enum { PACKETS_MAX = 64, HEADER = 12 };

struct end {
    struct aura_sctp *sctp;
    struct end *peer;
    uint8_t queue[PACKETS_MAX][1400];
    size_t lens[PACKETS_MAX], count;
    uint8_t tag[4]; /* of packets to this end */
};

static struct end ends[2];

static void on_send(void *arg, const uint8_t *packet, size_t len) {
    struct end *e = arg;
    struct end *to = e->peer;
    if (to->count < PACKETS_MAX && len <= sizeof(to->queue[0])) {
        memcpy(to->queue[to->count], packet, len);
        to->lens[to->count++] = len;
        if (packet[4] | packet[5] | packet[6] | packet[7]) {
            memcpy(to->tag, packet + 4, sizeof(to->tag));
        }
    }
}
static void on_open(void *arg, enum aura_data_channel channel) {
    (void)arg;
    AURA_BUG_ON(channel >= AURA_DATA_CHANNELS);
}
static void on_data(void *arg, enum aura_data_channel channel, const uint8_t *data, size_t len) {
    (void)arg;
    (void)data;
    AURA_BUG_ON(channel >= AURA_DATA_CHANNELS || len > AURA_SCTP_MESSAGE_MAX);
}
static void on_drained(void *arg, enum aura_data_channel channel) {
    (void)arg;
    (void)channel;
}
static void on_closed(void *arg) {
    (void)arg;
}

static void deliver(struct aura_clock_manual *clock, struct aura_timers *timers, int ms) {
    for (int i = 0; i < ms; i += 10) {
        aura_clock_manual_advance(clock, 10 * AURA_US_PER_MS);
        (void)aura_timers_run(timers);
        for (int side = 0; side < 2; side++) {
            for (size_t k = 0; k < ends[side].count; k++) {
                aura_sctp_recv(ends[side].sctp, ends[side].queue[k], ends[side].lens[k]);
            }
            ends[side].count = 0;
        }
    }
}

static void attack(const uint8_t *data, size_t len) {
    uint8_t p[HEADER + 1400] = {0x13, 0x88, 0x13, 0x88};
    memcpy(p + 4, ends[0].tag, 4);
    memcpy(p + HEADER, data, len);
    /* The library's sum is in the byte order of the wire. */
    uint32_t crc = usrsctp_crc32c(p, HEADER + len);
    memcpy(p + 8, &crc, sizeof(crc));
    aura_sctp_recv(ends[0].sctp, p, HEADER + len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct aura_sctp_handlers handlers = {on_send, on_open, on_data, on_drained,
                                                       on_closed};
    struct aura_cur c = aura_cur_of(data, size);
    struct aura_clock_manual clock;
    struct aura_timers *timers = NULL;
    aura_clock_manual_init(&clock, AURA_US_PER_S, AURA_US_PER_S);
    AURA_BUG_ON(aura_timers_new(&timers, &clock.clock));
    for (int i = 0; i < 2; i++) {
        struct aura_sctp_conf conf = {
            .timers = timers, .dtls_client = i == 1, .open_channels = i == 0};
        ends[i].peer = &ends[1 - i];
        ends[i].count = 0;
        AURA_BUG_ON(aura_sctp_new(&ends[i].sctp, &conf, &handlers, &ends[i]));
    }
    deliver(&clock, timers, 100);
    while (!c.fail && aura_cur_left(&c) > 0) {
        struct aura_cur body = aura_cur_sub(&c, aura_cur_u16(&c) % 1400);
        if (!body.fail) {
            attack(body.p, aura_cur_left(&body));
        }
        deliver(&clock, timers, 10);
    }
    deliver(&clock, timers, 50);
    for (int i = 0; i < 2; i++) {
        ends[i].sctp = aura_sctp_free(ends[i].sctp);
    }
    (void)aura_timers_run(timers);
    aura_timers_free(timers);
    return 0;
}
