/* SPDX-License-Identifier: Apache-2.0 */
#include "api/pbjson.h"
#include "harness.h"
#include "room/rooms.h"

#include <stdlib.h>
#include <string.h>

static int decode(const ProtobufCMessageDescriptor *d, const char *text, void *out, char why[160]) {
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    int err = aura_pbjson_decode(d, json, aura_pb_allocator(), out, why, 160);
    json_decref(json);
    return err;
}

static int names_numbers_and_maps_are_read(void) {
    char why[160];
    Livekit__UpdateParticipantRequest *q = NULL;
    TRY(decode(&livekit__update_participant_request__descriptor,
               "{\"room\":\"r\",\"identity\":\"i\",\"unknown\":[1,{}],\"metadata\":null,"
               "\"permission\":{\"canPublish\":true,\"can_subscribe\":true,"
               "\"canPublishSources\":[\"CAMERA\",3]},\"attributes\":{\"a\":\"1\",\"b\":\"\"}}",
               &q, why));
    assert_string_equal(q->room, "r");
    assert_string_equal(q->metadata, "");
    assert_true(q->permission->can_publish && q->permission->can_subscribe);
    assert_int_equal(q->permission->n_can_publish_sources, 2);
    assert_int_equal(q->permission->can_publish_sources[1], LIVEKIT__TRACK_SOURCE__SCREEN_SHARE);
    assert_int_equal(q->n_attributes, 2);
    livekit__update_participant_request__free_unpacked(q, aura_pb_allocator());
    return 0;
}

static int bytes_and_optional_fields_are_read(void) {
    char why[160];
    Livekit__SendDataRequest *q = NULL;
    TRY(decode(&livekit__send_data_request__descriptor,
               "{\"room\":\"r\",\"data\":\"AQID\",\"kind\":\"LOSSY\",\"topic\":\"t\"}", &q, why));
    assert_int_equal(q->data.len, 3);
    assert_int_equal(q->data.data[2], 3);
    assert_int_equal(q->kind, LIVEKIT__DATA_PACKET__KIND__LOSSY);
    assert_int_equal(q->_topic_case, LIVEKIT__SEND_DATA_REQUEST___TOPIC_TOPIC);
    assert_string_equal(q->topic, "t");
    livekit__send_data_request__free_unpacked(q, aura_pb_allocator());
    return 0;
}

static int mistakes_name_the_field(void) {
    static const struct {
        const char *json, *field;
    } bad[] = {{"{\"empty_timeout\":-1}", "empty_timeout"},
               {"{\"emptyTimeout\":4294967296}", "empty_timeout"},
               {"{\"empty_timeout\":1.5}", "empty_timeout"},
               {"{\"empty_timeout\":\"1x\"}", "empty_timeout"},
               {"{\"name\":1}", "name"},
               {"{\"name\":\"a\\u0000b\"}", "name"},
               {"{\"agents\":{}}", "agents"},
               {"{\"agents\":[1]}", "object"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char why[160] = "";
        Livekit__CreateRoomRequest *q = NULL;
        json_t *json = json_loads(bad[i].json, JSON_ALLOW_NUL, NULL);
        assert_non_null(json);
        assert_int_equal(aura_pbjson_decode(&livekit__create_room_request__descriptor, json,
                                            aura_pb_allocator(), (ProtobufCMessage **)&q, why,
                                            sizeof(why)),
                         AURA_EMALFORMED);
        assert_non_null(strstr(why, bad[i].field));
        json_decref(json);
    }
    return 0;
}

static int twirp_writes_defaults_and_compact_does_not(void) {
    Livekit__Room room = LIVEKIT__ROOM__INIT;
    room.sid = (char *)(uintptr_t) "RM_1";
    room.creation_time = INT64_C(1700000000000);
    room.num_participants = 2;
    json_t *json = aura_pbjson_encode(&room.base, AURA_PBJSON_TWIRP);
    assert_string_equal(json_string_value(json_object_get(json, "creation_time")), "1700000000000");
    assert_string_equal(json_string_value(json_object_get(json, "metadata")), "");
    assert_int_equal(json_integer_value(json_object_get(json, "num_participants")), 2);
    assert_true(json_is_array(json_object_get(json, "enabled_codecs")));
    assert_true(json_is_false(json_object_get(json, "active_recording")));
    json_decref(json);
    json = aura_pbjson_encode(&room.base, AURA_PBJSON_COMPACT);
    assert_int_equal(json_object_size(json), 3);
    assert_int_equal(json_integer_value(json_object_get(json, "numParticipants")), 2);
    json_decref(json);
    return 0;
}

/* decode → encode → decode changes nothing. */
static int a_message_survives_the_round_trip(void) {
    char why[160];
    Livekit__ParticipantInfo *p = NULL, *again = NULL;
    TRY(decode(
        &livekit__participant_info__descriptor,
        "{\"sid\":\"PA_1\",\"state\":\"ACTIVE\",\"joined_at\":\"123456789012\",\"version\":7,"
        "\"tracks\":[{\"sid\":\"TR_1\",\"type\":\"VIDEO\",\"layers\":[{\"quality\":\"HIGH\","
        "\"width\":1280}]}],\"attributes\":{\"k\":\"v\"},\"kind\":\"AGENT\"}",
        &p, why));
    json_t *json = aura_pbjson_encode(&p->base, AURA_PBJSON_TWIRP);
    int err =
        json ? aura_pbjson_decode(&livekit__participant_info__descriptor, json, aura_pb_allocator(),
                                  (ProtobufCMessage **)&again, why, sizeof(why))
             : AURA_ENOMEM;
    json_decref(json);
    if (!err) {
        assert_int_equal(livekit__participant_info__get_packed_size(p),
                         livekit__participant_info__get_packed_size(again));
        assert_string_equal(again->attributes[0]->value, "v");
        assert_int_equal(again->tracks[0]->layers[0]->width, 1280);
        livekit__participant_info__free_unpacked(again, aura_pb_allocator());
    }
    livekit__participant_info__free_unpacked(p, aura_pb_allocator());
    return err;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(names_numbers_and_maps_are_read),
        AURA_CASE(bytes_and_optional_fields_are_read),
        AURA_PLAIN(mistakes_name_the_field),
        AURA_PLAIN(twirp_writes_defaults_and_compact_does_not),
        AURA_CASE(a_message_survives_the_round_trip),
    };
    return RUN_CASES("pbjson", cases);
}
