/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions of homeservers that are not what they should be, and contents that we write. */
#include "auraid/matrix/as_wire.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    unsigned count;
    enum aura_as_kind kind;
    bool everybody, in, direct, encrypted;
    size_t mentions;
    uint64_t until_ms;
    char about[AURA_AS_TEXT_MAX];
    int answer;
} told;

static int note(void *arg, const struct aura_as_event *e) {
    (void)arg;
    told.count++;
    told.kind = e->kind;
    told.everybody = e->everybody;
    told.in = e->in;
    told.direct = e->direct;
    told.encrypted = e->encrypted;
    told.mentions = e->mention_count;
    told.until_ms = e->until_ms;
    (void)snprintf(told.about, sizeof(told.about), "%s", e->about);
    return told.answer;
}

static int read_text(const char *text) {
    memset(&told, 0, sizeof(told));
    return aura_as_read(text, strlen(text), note, NULL);
}

#define IDS "\"event_id\":\"$e\",\"room_id\":\"!r\",\"sender\":\"@a:b\""
#define EVENT(type, more) "{\"events\":[{" IDS ",\"type\":\"" type "\"," more "}]}"
#define RING "org.matrix.msc4075.rtc.notification"

static int no_transactions(void) {
    static const char *const bodies[] = {"",
                                         "{",
                                         "[]",
                                         "1",
                                         "null",
                                         "{\"events\":{}}",
                                         "{}",
                                         "{\"events\":null}",
                                         "{\"events\":[}",
                                         "\xff\xfe",
                                         "{\"events\":\"[]\"}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(read_text(bodies[i]), AURA_EMALFORMED);
        assert_int_equal(told.count, 0);
    }
    char *deep = malloc(100001);
    assert_non_null(deep);
    memset(deep, '[', 100000);
    deep[100000] = 0;
    assert_int_equal(read_text(deep), AURA_EMALFORMED);
    free(deep);
    assert_int_equal(read_text("{\"events\":[]}"), 0);
    return 0;
}

/* One that is no event does not keep the others from being read. */
static int no_events(void) {
    static const char *const bodies[] = {
        "{\"events\":[1,null,[],{},\"x\"]}",
        EVENT("m.room.message", "\"content\":{\"body\":\"x\"}"),
        EVENT("m.room.member", "\"state_key\":\"@c:d\",\"content\":{\"membership\":\"knock\"}"),
        EVENT("m.room.member", "\"state_key\":\"c\",\"content\":{\"membership\":\"join\"}"),
        EVENT("m.room.member", "\"content\":{\"membership\":\"join\"}"),
        EVENT("m.room.member", "\"state_key\":\"@c:d\",\"content\":[]"),
        EVENT("org.matrix.msc3401.call.member", "\"content\":{}"),
        EVENT("m.rtc.member", "\"content\":{\"member\":{}}"),
        EVENT("m.rtc.member", "\"content\":{\"member\":{},\"msc4354_sticky_key\":7}"),
        EVENT("m.room.encryption", "\"content\":{}"),
        EVENT("m.room.encryption", "\"state_key\":\"x\",\"content\":{}"),
        EVENT(RING, "\"content\":{}"),
        EVENT(RING, "\"content\":{\"notification_type\":\"notification\"}"),
        EVENT(RING, "\"content\":{\"notification_type\":7}"),
        EVENT("m.rtc.decline", "\"content\":{}"),
        EVENT("m.rtc.decline", "\"content\":{\"m.relates_to\":{\"event_id\":\"$x\"}}"),
        EVENT("m.rtc.decline",
              "\"content\":{\"m.relates_to\":{\"rel_type\":\"m.reference\",\"event_id\":\"x\"}}"),
        "{\"events\":[{\"event_id\":\"$\",\"room_id\":\"!r\",\"sender\":\"@a:b\",\"type\":\"" RING
        "\",\"content\":{\"notification_type\":\"ring\"}}]}",
        "{\"events\":[{\"event_id\":\"$e\",\"room_id\":\"r\",\"sender\":\"@a:b\",\"type\":\"" RING
        "\",\"content\":{\"notification_type\":\"ring\"}}]}",
        "{\"events\":[{\"event_id\":\"$e\",\"room_id\":\"!r\",\"sender\":\"a\",\"type\":\"" RING
        "\",\"content\":{\"notification_type\":\"ring\"}}]}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        assert_int_equal(read_text(bodies[i]), 0);
        assert_int_equal(told.count, 0);
    }
    assert_int_equal(read_text("{\"events\":[7,{" IDS ",\"type\":\"m.room.member\",\"state_key\":"
                               "\"@c:d\",\"content\":{\"membership\":\"ban\"}},null]}"),
                     0);
    assert_int_equal(told.count, 1);
    return 0;
}

static int rings(void) {
    assert_int_equal(read_text(EVENT(RING, "\"origin_server_ts\":1000000,\"content\":{"
                                           "\"notification_type\":\"ring\",\"sender_ts\":1000500,"
                                           "\"lifetime\":30000,\"m.mentions\":{\"room\":true}}")),
                     0);
    assert_true(told.count == 1 && told.kind == AURA_AS_RING && told.everybody);
    assert_int_equal(told.until_ms, 1030500);
    /* A clock that is far off is not believed, nor is a ring that never ends. */
    assert_int_equal(read_text(EVENT(RING, "\"origin_server_ts\":1000000,\"content\":{"
                                           "\"notification_type\":\"ring\",\"sender_ts\":"
                                           "9223372036854775807,\"lifetime\":"
                                           "9223372036854775807}")),
                     0);
    assert_int_equal(told.until_ms, 1000000 + AURA_AS_LIFETIME_MAX_MS);
    assert_int_equal(
        read_text(EVENT(RING, "\"origin_server_ts\":-5,\"content\":{\"lifetime\":-1,"
                              "\"notification_type\":\"ring\",\"sender_ts\":\"x\","
                              "\"m.mentions\":{\"user_ids\":[\"@a:b\",7,\"x\",null]}}")),
        0);
    assert_int_equal(told.until_ms, 0);
    assert_int_equal(told.mentions, 1);
    char body[4000];
    size_t n = (size_t)snprintf(body, sizeof(body),
                                "{\"events\":[{" IDS ",\"type\":\"" RING
                                "\",\"content\":{\"notification_type\":\"ring\",\"m.mentions\":{"
                                "\"user_ids\":[\"@a:b\"");
    for (int i = 0; i < 100; i++) {
        n += (size_t)snprintf(body + n, sizeof(body) - n, ",\"@c%d:d\"", i);
    }
    (void)snprintf(body + n, sizeof(body) - n, "]}}}]}");
    assert_int_equal(read_text(body), 0);
    assert_int_equal(told.mentions, AURA_AS_MENTIONS_MAX);
    return 0;
}

/* Memberships of both kinds, which end by themselves sooner or later, whatever they say. */
static int memberships(void) {
    static const struct {
        const char *body;
        bool in;
        uint64_t until_ms;
    } all[] = {
        {EVENT("org.matrix.msc3401.call.member",
               "\"origin_server_ts\":5,\"state_key\":\"\",\"content\":{\"expires\":1000}"),
         true, 1005},
        {EVENT("org.matrix.msc3401.call.member",
               "\"origin_server_ts\":5,\"state_key\":\"k\",\"content\":{\"expires\":"
               "9223372036854775807}"),
         true, 5 + AURA_AS_EXPIRES_MS},
        {EVENT("org.matrix.msc3401.call.member", "\"state_key\":\"k\",\"content\":{}"), false,
         AURA_AS_EXPIRES_MS},
        {EVENT("org.matrix.msc4143.rtc.member",
               "\"content\":{\"member\":{},\"msc4354_sticky_key\":\"k\"}"),
         true, AURA_AS_EXPIRES_MS},
        {EVENT("m.rtc.member", "\"content\":{\"slot_id\":\"m.call#ROOM\",\"sticky_key\":\"k\"}"),
         false, AURA_AS_EXPIRES_MS},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_int_equal(read_text(all[i].body), 0);
        assert_true(told.count == 1 && told.kind == AURA_AS_CALL_MEMBER);
        assert_int_equal(told.in, all[i].in);
        assert_int_equal(told.until_ms, all[i].until_ms);
    }
    return 0;
}

static int encryption(void) {
#define INVITE(state)                                                                              \
    EVENT("m.room.member", "\"state_key\":\"@c:d\",\"content\":{\"membership\":\"invite\"},"       \
                           "\"unsigned\":{\"invite_room_state\":" state "}")
    assert_int_equal(read_text(INVITE("[7,{\"type\":\"m.room.encryption\"}]")), 0);
    assert_true(told.kind == AURA_AS_MEMBER && told.encrypted);
    assert_int_equal(read_text(INVITE("[null,{\"type\":\"m.room.name\"}]")), 0);
    assert_true(told.count == 1 && !told.encrypted);
    assert_int_equal(read_text(INVITE("7")), 0);
    assert_true(told.count == 1 && !told.encrypted);
    assert_int_equal(read_text(EVENT("m.room.encryption", "\"state_key\":\"\",\"content\":{}")), 0);
    assert_true(told.count == 1 && told.kind == AURA_AS_ENCRYPTED);
    return 0;
}

/* What we write is read as what it is meant to be. */
static int own_contents(void) {
    const struct {
        const char *type;
        json_t *content;
        enum aura_as_kind kind;
    } all[] = {
        {aura_as_member_type, aura_as_member("D", "!r", "https://x", 0), AURA_AS_CALL_MEMBER},
        {aura_as_ring_type, aura_as_ring("@a:b", "$m", 5000, 30000), AURA_AS_RING},
        {aura_as_decline_type, aura_as_decline("$m"), AURA_AS_DECLINE}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_non_null(all[i].content);
        json_t *body =
            json_pack("{s:[{s:s, s:s, s:s, s:s, s:s, s:I, s:o}]}", "events", "event_id", "$e",
                      "room_id", "!r", "sender", "@a:b", "type", all[i].type, "state_key", "k",
                      "origin_server_ts", (json_int_t)5000, "content", all[i].content);
        char *text = json_dumps(body, 0);
        assert_int_equal(read_text(text), 0);
        assert_true(told.count == 1 && told.kind == all[i].kind);
        assert_true(all[i].kind == AURA_AS_CALL_MEMBER ? told.in : !strcmp(told.about, "$m"));
        assert_true(all[i].kind != AURA_AS_RING ||
                    (told.mentions == 1 && !told.everybody && told.until_ms == 35000));
        free(text);
        json_decref(body);
    }
    return 0;
}

static int an_error_ends_it(void) {
    memset(&told, 0, sizeof(told));
    told.answer = AURA_EIO;
    static const char two[] =
        "{\"events\":[{" IDS ",\"type\":\"" RING
        "\",\"content\":{\"notification_type\":\"ring\"}},{" IDS ",\"type\":\"" RING
        "\",\"content\":{\"notification_type\":\"ring\"}}]}";
    assert_int_equal(aura_as_read(two, strlen(two), note, NULL), AURA_EIO);
    assert_int_equal(told.count, 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(no_transactions), AURA_PLAIN(no_events),
                                       AURA_PLAIN(rings),           AURA_PLAIN(memberships),
                                       AURA_PLAIN(encryption),      AURA_PLAIN(own_contents),
                                       AURA_PLAIN(an_error_ends_it)};
    return RUN_CASES("auraid/matrix_as_wire", cases);
}
