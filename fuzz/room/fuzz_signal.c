/* SPDX-License-Identifier: Apache-2.0 */
/* A joined client that says anything: each input is a series of SignalRequests (16-bit length, then
 * the bytes) on a session of its own, on a server that goes on living. */
#include "base/bytes.h"
#include "base/log.h"
#include "room/rooms.h"

#include <string.h>

struct world {
    struct aura_clock_manual clock;
    struct aura_loop *loop;
    struct aura_keys *keys;
    struct aura_rooms *rooms;
    struct aura_sfu *sfu;
};

static void on_send(void *arg, const uint8_t *message, size_t len) {
    Livekit__SignalResponse *m =
        livekit__signal_response__unpack(aura_pb_allocator(), len, message);
    (void)arg;
    AURA_BUG_ON(!m); /* what we send can be read */
    livekit__signal_response__free_unpacked(m, aura_pb_allocator());
}

static void on_close(void *arg, int code, const char *reason) {
    (void)code;
    (void)reason;
    *(bool *)arg = true;
}

static struct world *make_world(void) {
    static struct world w;
    struct aura_addr bind;
    if (w.sfu) {
        return &w;
    }
    aura_log_setup(AURA_LOG_ERROR, false);
    aura_clock_manual_init(&w.clock, 1000000, UINT64_C(1700000000000000));
    struct aura_sfu_conf sfu = {.workers = 1,
                                .bind = &bind,
                                .bind_count = 1,
                                .clock = aura_clock_system(),
                                .rand = aura_rand_system()};
    AURA_BUG_ON(aura_addr_parse(&bind, "127.0.0.1") || aura_loop_new(&w.loop, &w.clock.clock) ||
                aura_keys_new(&w.keys) || aura_keys_add(w.keys, "key", "secret"));
    struct aura_rooms_conf conf = {.keys = w.keys,
                                   .node_id = "ND",
                                   .region = "",
                                   .version = "1.13.11",
                                   .auto_create = true,
                                   .rand = aura_rand_system()};
    AURA_BUG_ON(aura_rooms_new(&w.rooms, &conf, w.loop) ||
                aura_sfu_new(&w.sfu, &sfu, w.loop, aura_rooms_sfu_handlers(), w.rooms));
    aura_rooms_attach(w.rooms, w.sfu);
    return &w;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct aura_signal_sink sink = {on_send, on_close};
    struct world *w = make_world();
    struct aura_cur c = aura_cur_of(data, size);
    struct aura_claims claims;
    struct aura_denial denial;
    struct aura_session *session = NULL;
    Livekit__JoinRequest request = LIVEKIT__JOIN_REQUEST__INIT;
    bool closed = false;
    aura_claims_init(&claims);
    claims.api_key = (char *)(uintptr_t) "key";
    claims.identity = (char *)(uintptr_t) "fuzz";
    claims.has_video = claims.video.room_join = true;
    claims.video.room = (char *)(uintptr_t) "room";
    claims.video.can_update_own_metadata = AURA_YES;
    struct aura_join q = {.claims = &claims, .request = &request, .single = aura_cur_u8(&c) & 1};
    if (aura_rooms_join(w->rooms, &q, &session, &denial)) {
        return 0;
    }
    aura_session_start(session, &sink, &closed);
    while (!closed && aura_cur_left(&c) > 2) {
        size_t len = aura_cur_u16(&c);
        len = len < aura_cur_left(&c) ? len : aura_cur_left(&c);
        const uint8_t *at = aura_cur_take(&c, len);
        if (at && aura_session_recv(session, at, len)) {
            break;
        }
        aura_clock_manual_advance(&w->clock, 1000);
        aura_loop_run_once(w->loop, 0);
    }
    aura_session_closed(session);
    aura_loop_run_once(w->loop, 0);
    return 0;
}
