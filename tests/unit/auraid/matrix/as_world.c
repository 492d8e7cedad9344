/* SPDX-License-Identifier: Apache-2.0 */
#include "as_world.h"

#include <stdio.h>
#include <string.h>

const char ring_type[] = "org.matrix.msc4075.rtc.notification";
const char member_type[] = "org.matrix.msc3401.call.member";
const char decline_type[] = "org.matrix.msc4310.rtc.decline";

static int act(void *arg, uint64_t id, const struct aura_as_errand *e) {
    struct hs *h = arg;
    if (h->act_fails) {
        return h->act_fails;
    }
    assert_true(h->begun < ERRANDS);
    h->errands[h->begun] = *e;
    h->ids[h->begun++] = id;
    return 0;
}

static bool others(void *arg, const char *room) {
    const struct hs *h = arg;
    assert_true(aura_as_is_media(h->as, room));
    return h->others;
}

static void watch(void *arg, const struct aura_call_event *e) {
    aura_as_watch(arg, e);
}

static void ended(void *arg, const char *call) {
    aura_as_ended(arg, call);
}

void begin_again(struct hs *h) {
    const struct aura_as_conf conf = {.server = "example.org",
                                      .timers = h->w.timers,
                                      .directory = h->w.d,
                                      .exchange = h->w.x,
                                      .ring_ms = RING_S * 1000,
                                      .act = act,
                                      .others = others,
                                      .arg = h};
    aura_as_free(h->as);
    h->done = h->begun;
    assert_int_equal(aura_as_new(&h->as, &conf), 0);
    h->w.watcher = h->as;
}

void begin(struct hs *h) {
    *h = (struct hs){.begun = 0};
    world_begin(&h->w);
    begin_again(h);
    h->w.watch = watch;
    h->w.ended = ended;
}

void end(struct hs *h) {
    h->w.watch = NULL;
    h->w.ended = NULL;
    aura_as_free(h->as);
    world_end(&h->w);
}

/* The next errand that is under way. */
struct aura_as_errand *due(struct hs *h, enum aura_as_do what) {
    world_pass(&h->w, 0);
    assert_true(h->done < h->begun);
    assert_int_equal(h->errands[h->done].what, what);
    return &h->errands[h->done];
}

void finish(struct hs *h, enum aura_as_do what, int err) {
    struct aura_as_errand *e = due(h, what);
    e->err = err;
    e->why = "the test says so";
    aura_as_result(h->as, h->ids[h->done++], e);
}

void idle(struct hs *h) {
    world_pass(&h->w, 0);
    assert_int_equal(h->done, h->begun);
}

size_t links(const struct hs *h) {
    struct aura_as_stats s;
    aura_as_stats(h->as, &s);
    return s.links;
}

uint64_t wall_ms(const struct hs *h) {
    return aura_wall_us(&h->w.clock.clock) / 1000;
}

int push(struct hs *h, const char *txn, const char *event) {
    char body[4000];
    int n = snprintf(body, sizeof(body), "{\"events\":[%s]}", event);
    return aura_as_transaction(h->as, txn, body, (size_t)n);
}

/* One event in a transaction of its own. @param content  without its braces */
void tell_by(struct hs *h, const char *sender, const char *type, const char *key,
             const char *content) {
    char event[3000], txn[16];
    h->event++;
    (void)snprintf(event, sizeof(event),
                   "{\"type\":\"%s\",\"event_id\":\"$%u\",\"room_id\":\"" ROOM
                   "\",\"sender\":\"%s\",\"origin_server_ts\":%llu,%s%s%s\"content\":{%s}}",
                   type, h->event, sender, (unsigned long long)wall_ms(h),
                   key ? "\"state_key\":\"" : "", key ? key : "", key ? "\"," : "", content);
    (void)snprintf(txn, sizeof(txn), "%u", h->event);
    assert_int_equal(push(h, txn, event), 0);
}

void tell(struct hs *h, const char *type, const char *key, const char *content) {
    tell_by(h, MAT, type, key, content);
}

void ring(struct hs *h, const char *user, unsigned lifetime_ms) {
    char content[500];
    (void)snprintf(content, sizeof(content),
                   "\"notification_type\":\"ring\",\"sender_ts\":%llu,\"lifetime\":%u,"
                   "\"m.mentions\":{\"user_ids\":[\"%s\"]}",
                   (unsigned long long)wall_ms(h), lifetime_ms, user);
    tell(h, ring_type, NULL, content);
}

void come_in(struct hs *h) {
    tell(h, "m.room.member", BOB, "\"membership\":\"join\"");
}

/* A call that devices name: they learn it from "ring"; here it is taken from the watching. */
static struct hs *watching;
static void watch_name(void *arg, const struct aura_call_event *e) {
    memcpy(watching->w.call, e->call, sizeof(watching->w.call));
    aura_as_watch(arg, e);
}

void name_calls(struct hs *h) {
    watching = h;
    h->w.watch = watch_name;
}

void ring_named(struct hs *h) {
    begin(h);
    name_calls(h);
    come_in(h);
    ring(h, BOB, 60000);
    h->w.log[0] = 0;
}

void begin_outgoing(struct hs *h) {
    const struct aura_proof proof = {"matrix", MAT};
    begin(h);
    assert_int_equal(aura_directory_link(h->w.d, &h->w.cid, &proof), 0);
    world_go(&h->w, 3); /* no device of hers is connected */
    assert_int_equal(world_ring(&h->w, &h->w.ann, "one", "a1", &h->w.cid), 0);
    h->w.log[0] = 0;
}

void room_made(struct hs *h) {
    struct aura_as_errand *e = due(h, AURA_AS_DO_ROOM);
    assert_string_equal(e->ghost, "@ann.aura:example.org");
    assert_string_equal(e->peer, MAT);
    memcpy(e->room, ROOM, sizeof(ROOM));
    finish(h, AURA_AS_DO_ROOM, 0);
    memcpy(due(h, AURA_AS_DO_CALL)->ring, "$ours", 6);
}
