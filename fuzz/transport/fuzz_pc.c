/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole connection fed with a script: [op, length (2 bytes), bytes]. op's low bits choose what
 * the bytes are: a raw datagram, a STUN check with the right credentials (so that deeper states are
 * reached), a step of time, an API call. The first byte chooses the configuration.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "transport/pc.h"
#include "transport/stun.h"

static struct aura_pc *current;

static void on_send(void *arg, const struct aura_path *path, const uint8_t *data, size_t len) {
    (void)arg;
    (void)path;
    AURA_BUG_ON(len == 0 || len > AURA_STUN_MAX || !data);
}
static void on_state(void *arg, enum aura_pc_state state) {
    bool *close_on_failure = arg;
    if (state == AURA_PC_FAILED && *close_on_failure) {
        aura_pc_close(current);
    }
}
static void on_path(void *arg, const struct aura_path *path) {
    (void)arg;
    (void)path;
}

static void send_check(const struct aura_path *path, const uint8_t *data, size_t len) {
    uint8_t out[AURA_STUN_MAX];
    size_t n = 0;
    struct aura_stun_msg m = {.cls = AURA_STUN_REQUEST,
                              .method = AURA_STUN_BINDING,
                              .username = "lo:re",
                              .username_len = 5,
                              .has_priority = true,
                              .priority = len > 0 ? data[0] : 0,
                              .use_candidate = len > 1 && data[1] & 1,
                              .controlling = true};
    if (aura_stun_build(&m, "pw", out, sizeof(out), &n) == 0) {
        aura_pc_recv(current, path, out, n);
    }
}

static void set_remote(const struct aura_dtls_identity *identity, bool active) {
    struct aura_pc_remote remote = {.ufrag = "re",
                                    .pwd = "pw",
                                    .fingerprints = aura_dtls_identity_fingerprint(identity),
                                    .fingerprint_count = 1,
                                    .active = active,
                                    .sctp = true};
    (void)!aura_pc_set_remote(current, &remote);
}

static void step(struct aura_cur *c, struct aura_clock_manual *clock, struct aura_timers *timers,
                 const struct aura_dtls_identity *identity) {
    uint8_t op = aura_cur_u8(c);
    struct aura_cur body = aura_cur_sub(c, aura_cur_u16(c) & 0x7FF);
    struct aura_path path = {.remote = {.ip = {127, 0, 0, op >> 4}, .port = 9, .family = 4}};
    size_t len = aura_cur_left(&body);
    uint8_t copy[0x800];
    if (body.fail) {
        return;
    }
    if (len) {
        memcpy(copy, body.p, len);
    }
    switch (op & 7) {
    case 0:
    case 1:
        aura_pc_recv(current, &path, copy, len);
        break;
    case 2:
        send_check(&path, copy, len);
        break;
    case 3:
        aura_clock_manual_advance(clock, (len ? copy[0] : 1) * 100 * AURA_US_PER_MS);
        (void)aura_timers_run(timers);
        break;
    case 4:
        set_remote(identity, op & 8);
        break;
    case 5:
        (void)!aura_pc_restart_ice(current, "lo", "pw");
        break;
    case 6:
        (void)!aura_pc_send_data(current, AURA_DATA_LOSSY, copy, len);
        break;
    default:
        (void)!aura_pc_protect_rtp(current, copy, &len, sizeof(copy));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct aura_dtls_identity *identity;
    static const struct aura_pc_handlers handlers = {
        .send = on_send, .state = on_state, .path = on_path};
    struct aura_cur c = aura_cur_of(data, size);
    struct aura_clock_manual clock;
    struct aura_timers *timers = NULL;
    uint8_t flags = aura_cur_u8(&c);
    bool close_on_failure = flags & 1;
    aura_clock_manual_init(&clock, AURA_US_PER_S, AURA_US_PER_S);
    AURA_BUG_ON(!identity && aura_dtls_identity_new(&identity));
    AURA_BUG_ON(aura_timers_new(&timers, &clock.clock));
    struct aura_pc_conf conf = {.local_ufrag = "lo",
                                .local_pwd = "pw",
                                .identity = identity,
                                .timers = timers,
                                .rand = aura_rand_system(),
                                .open_data_channels = flags & 2,
                                .negotiated_channels = flags & 4};
    AURA_BUG_ON(aura_pc_new(&current, &conf, &handlers, &close_on_failure));
    if (flags & 8) {
        set_remote(identity, flags & 16);
    }
    for (int i = 0; i < 64 && aura_cur_left(&c) > 0; i++) {
        step(&c, &clock, timers, identity);
    }
    aura_pc_close(current);
    current = aura_unref(current);
    (void)aura_timers_run(timers);
    aura_timers_free(timers);
    return 0;
}
