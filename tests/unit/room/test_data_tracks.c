/* SPDX-License-Identifier: Apache-2.0 */
/* Data tracks: who may have which, what each is told of it, and what a packet must look like. */
#include "rooms_rig.h"

#include "room/data_packet.h"
#include "room/room_priv.h"

struct scene {
    struct world w;
    struct client alice, bob;
    struct participant *a, *b;
};

static void start(struct scene *s) {
    static const struct aura_rooms_conf conf = {.auto_create = true, .max_tracks = 8};
    world_start(&s->w, &conf);
    enter(&s->w, &s->alice, &(struct wish){.identity = "alice"});
    enter(&s->w, &s->bob, &(struct wish){.identity = "bob"});
    struct room *room = aura__room_find(s->w.rooms, "room");
    s->a = aura__room_participant(room, "alice");
    s->b = aura__room_participant(room, "bob");
    client_clear(&s->alice);
    client_clear(&s->bob);
}

static void end(struct scene *s) {
    client_end(&s->bob);
    client_end(&s->alice);
    world_end(&s->w);
}

/* @return what she is answered with: its sid, or NULL */
static const char *publish(struct scene *s, uint32_t handle, const char *name, const char *custom) {
    Livekit__PublishDataTrackRequest p = LIVEKIT__PUBLISH_DATA_TRACK_REQUEST__INIT;
    Livekit__DataTrackFrameEncoding encoding = LIVEKIT__DATA_TRACK_FRAME_ENCODING__INIT;
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    p.pub_handle = handle;
    p.name = (char *)(uintptr_t)name;
    if (custom) {
        encoding.value_case = LIVEKIT__DATA_TRACK_FRAME_ENCODING__VALUE_CUSTOM;
        encoding.custom = (char *)(uintptr_t)custom;
        p._frame_encoding_case =
            LIVEKIT__PUBLISH_DATA_TRACK_REQUEST___FRAME_ENCODING_FRAME_ENCODING;
        p.frame_encoding = &encoding;
    }
    q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_PUBLISH_DATA_TRACK_REQUEST;
    q.publish_data_track_request = &p;
    client_clear(&s->alice);
    say(&s->alice, &q);
    const Livekit__SignalResponse *m = GOT(&s->alice, PUBLISH_DATA_TRACK_RESPONSE);
    return m ? m->publish_data_track_response->info->sid : NULL;
}

static Livekit__RequestResponse__Reason refused(struct scene *s, uint32_t handle, const char *name,
                                                const char *custom) {
    assert_null(publish(s, handle, name, custom));
    const Livekit__SignalResponse *m = GOT(&s->alice, REQUEST_RESPONSE);
    assert_non_null(m);
    assert_int_equal(m->request_response->request_case,
                     LIVEKIT__REQUEST_RESPONSE__REQUEST_PUBLISH_DATA_TRACK);
    assert_int_equal(m->request_response->publish_data_track->pub_handle, handle);
    assert_true(m->request_response->message[0]);
    return m->request_response->reason;
}

static void subscribe(struct scene *s, const char *sid, bool on) {
    Livekit__UpdateDataSubscription__Update one = LIVEKIT__UPDATE_DATA_SUBSCRIPTION__UPDATE__INIT;
    Livekit__UpdateDataSubscription__Update *list = &one;
    Livekit__UpdateDataSubscription u = LIVEKIT__UPDATE_DATA_SUBSCRIPTION__INIT;
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    one.track_sid = (char *)(uintptr_t)sid;
    one.subscribe = on;
    u.updates = &list;
    u.n_updates = 1;
    q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_UPDATE_DATA_SUBSCRIPTION;
    q.update_data_subscription = &u;
    client_clear(&s->bob);
    say(&s->bob, &q);
}

/* How many tracks bob was told last that he gets; -1 = he was told nothing. */
static int handles(const struct scene *s) {
    const Livekit__SignalResponse *m = GOT(&s->bob, DATA_TRACK_SUBSCRIBER_HANDLES);
    return m ? (int)m->data_track_subscriber_handles->n_sub_handles : -1;
}

static const Livekit__ParticipantInfo *told(const struct client *c) {
    const Livekit__SignalResponse *m = GOT(c, UPDATE);
    return m ? m->update->participants[0] : NULL;
}

static int a_track_is_announced_and_ends(void) {
    struct scene s = {0};
    start(&s);
    char sid[SID_CAP];
    snprintf(sid, sizeof(sid), "%s", publish(&s, 7, "lidar", "points"));
    assert_memory_equal(sid, "DTR_", 4);
    const Livekit__ParticipantInfo *info = told(&s.bob);
    assert_non_null(info);
    assert_int_equal(info->n_data_tracks, 1);
    assert_true(info->is_publisher);
    assert_string_equal(info->data_tracks[0]->sid, sid);
    assert_string_equal(info->data_tracks[0]->name, "lidar");
    assert_string_equal(info->data_tracks[0]->frame_encoding->custom, "points");

    subscribe(&s, sid, true);
    assert_int_equal(handles(&s), 1);
    const Livekit__DataTrackSubscriberHandles__SubHandlesEntry *e =
        GOT(&s.bob, DATA_TRACK_SUBSCRIBER_HANDLES)->data_track_subscriber_handles->sub_handles[0];
    assert_true(e->key >= 1 && e->key <= 65535);
    assert_string_equal(e->value->publisher_identity, "alice");
    assert_string_equal(e->value->track_sid, sid);
    subscribe(&s, sid, true); /* again, as after a resume: told again, and it is one */
    assert_int_equal(handles(&s), 1);
    assert_int_equal(s.b->data_sub_count, 1);
    subscribe(&s, "DTR_none", true);
    assert_int_equal(handles(&s), 1);

    Livekit__UnpublishDataTrackRequest u = LIVEKIT__UNPUBLISH_DATA_TRACK_REQUEST__INIT;
    Livekit__SignalRequest q = LIVEKIT__SIGNAL_REQUEST__INIT;
    u.pub_handle = 7;
    q.message_case = LIVEKIT__SIGNAL_REQUEST__MESSAGE_UNPUBLISH_DATA_TRACK_REQUEST;
    q.unpublish_data_track_request = &u;
    client_clear(&s.bob);
    say(&s.alice, &q);
    assert_string_equal(
        GOT(&s.alice, UNPUBLISH_DATA_TRACK_RESPONSE)->unpublish_data_track_response->info->sid,
        sid);
    assert_int_equal(handles(&s), 0);
    assert_int_equal(told(&s.bob)->n_data_tracks, 0);
    assert_int_equal(s.b->data_sub_count, 0);
    client_clear(&s.alice);
    say(&s.alice, &q);
    assert_int_equal(GOT(&s.alice, REQUEST_RESPONSE)->request_response->reason,
                     LIVEKIT__REQUEST_RESPONSE__REASON__NOT_FOUND);
    end(&s);
    return 0;
}

static int what_cannot_be_published_is_said(void) {
    struct scene s = {0};
    char long_name[258];
    start(&s);
    memset(long_name, 'x', sizeof(long_name));
    long_name[257] = '\0';
    assert_int_equal(refused(&s, 0, "a", NULL), LIVEKIT__REQUEST_RESPONSE__REASON__INVALID_HANDLE);
    assert_int_equal(refused(&s, 65536, "a", NULL),
                     LIVEKIT__REQUEST_RESPONSE__REASON__INVALID_HANDLE);
    assert_int_equal(refused(&s, 1, "", NULL), LIVEKIT__REQUEST_RESPONSE__REASON__INVALID_NAME);
    assert_int_equal(refused(&s, 1, long_name, NULL),
                     LIVEKIT__REQUEST_RESPONSE__REASON__INVALID_NAME);
    assert_int_equal(refused(&s, 1, "a", ""), LIVEKIT__REQUEST_RESPONSE__REASON__INVALID_REQUEST);
    assert_int_equal(refused(&s, 1, "a", "abcdefghijklmnopqrstuvwxyzabcdefg"),
                     LIVEKIT__REQUEST_RESPONSE__REASON__INVALID_REQUEST);
    assert_non_null(publish(&s, 65535, "a", NULL));
    assert_int_equal(refused(&s, 65535, "b", NULL),
                     LIVEKIT__REQUEST_RESPONSE__REASON__DUPLICATE_HANDLE);
    assert_int_equal(refused(&s, 1, "a", NULL), LIVEKIT__REQUEST_RESPONSE__REASON__DUPLICATE_NAME);
    for (unsigned i = 1; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n%u", i);
        assert_non_null(publish(&s, i, name, NULL));
        client_clear(&s.bob);
    }
    assert_int_equal(refused(&s, 100, "more", NULL),
                     LIVEKIT__REQUEST_RESPONSE__REASON__LIMIT_EXCEEDED);
    struct permission may = s.a->may;
    may.publish_data = false;
    client_clear(&s.bob);
    aura__participant_permit(s.a, &may); /* what she has ends with the right */
    assert_int_equal(told(&s.bob)->n_data_tracks, 0);
    assert_int_equal(refused(&s, 1, "a", NULL), LIVEKIT__REQUEST_RESPONSE__REASON__NOT_ALLOWED);
    end(&s);
    return 0;
}

static int permissions_come_and_go(void) {
    struct scene s = {0};
    Livekit__SubscriptionPermission rule = LIVEKIT__SUBSCRIPTION_PERMISSION__INIT;
    char sid[SID_CAP];
    start(&s);
    snprintf(sid, sizeof(sid), "%s", publish(&s, 1, "a", NULL));
    aura__subscribe_permission(s.a, &rule); /* nobody */
    subscribe(&s, sid, true);
    assert_int_equal(handles(&s), 0);
    client_clear(&s.bob);
    rule.all_participants = true;
    aura__subscribe_permission(s.a, &rule);
    assert_int_equal(handles(&s), 1); /* he gets what he had asked for */
    rule.all_participants = false;
    aura__subscribe_permission(s.a, &rule);
    assert_int_equal(handles(&s), 0);

    struct permission may = s.b->may;
    may.subscribe = false;
    aura__participant_permit(s.b, &may);
    assert_int_equal(s.b->data_sub_count, 0);
    subscribe(&s, sid, true);
    assert_int_equal(s.b->data_sub_count, 0);
    end(&s);
    return 0;
}

static int who_leaves_takes_all_along(void) {
    struct scene s = {0};
    char sid[SID_CAP];
    start(&s);
    snprintf(sid, sizeof(sid), "%s", publish(&s, 1, "a", NULL));
    subscribe(&s, sid, true);
    client_clear(&s.bob);
    aura__participant_leave(s.a, LIVEKIT__DISCONNECT_REASON__CLIENT_INITIATED,
                            LIVEKIT__LEAVE_REQUEST__ACTION__DISCONNECT);
    assert_int_equal(handles(&s), 0);
    assert_int_equal(s.b->data_sub_count, 0);
    assert_int_equal(s.b->room->data_track_count, 0);
    end(&s);
    return 0;
}

static int packets_belong_to_tracks(void) {
    struct scene s = {0};
    uint8_t packet[AURA_DATA_PACKET_HEADER + 8] = {0x18, 0, 0, 9};
    uint16_t handle = 0;
    start(&s);
    assert_non_null(publish(&s, 9, "a", NULL));
    assert_true(aura__data_track_packet(s.a, packet, sizeof(packet)));
    assert_false(aura__data_track_packet(s.b, packet, sizeof(packet)));
    packet[3] = 8;
    assert_false(aura__data_track_packet(s.a, packet, sizeof(packet)));
    assert_int_equal(aura_data_packet_read(packet, AURA_DATA_PACKET_HEADER, &handle), 0);
    assert_int_equal(handle, 8);
    assert_int_equal(aura_data_packet_read(packet, AURA_DATA_PACKET_HEADER - 1, &handle),
                     AURA_EMALFORMED);
    packet[0] = 0x38; /* another version */
    assert_int_equal(aura_data_packet_read(packet, sizeof(packet), &handle), AURA_EMALFORMED);
    packet[0] = 0x1c; /* extensions: one word, of which the size takes the half */
    packet[14] = 2;
    packet[15] = 0;
    assert_int_equal(aura_data_packet_read(packet, sizeof(packet), &handle), 0);
    packet[15] = 1;
    assert_int_equal(aura_data_packet_read(packet, sizeof(packet), &handle), AURA_EMALFORMED);
    packet[13] = 2; /* three words, and there are two */
    assert_int_equal(aura_data_packet_read(packet, sizeof(packet), &handle), AURA_EMALFORMED);
    end(&s);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(a_track_is_announced_and_ends), AURA_PLAIN(what_cannot_be_published_is_said),
        AURA_PLAIN(permissions_come_and_go),       AURA_PLAIN(who_leaves_takes_all_along),
        AURA_PLAIN(packets_belong_to_tracks),
    };
    return RUN_CASES("data_tracks", cases);
}
