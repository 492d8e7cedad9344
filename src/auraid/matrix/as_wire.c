/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/as_wire.h"

#include <string.h>

const char aura_as_member_type[] = "org.matrix.msc3401.call.member";
const char aura_as_ring_type[] = "org.matrix.msc4075.rtc.notification";
const char aura_as_decline_type[] = "org.matrix.msc4310.rtc.decline";
static const char encryption_type[] = "m.room.encryption";

/* ---- reading ---- */

static const char *text_at(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static bool is_id(const char *text, char sigil) {
    size_t len = strnlen(text, AURA_AS_TEXT_MAX);
    return len > 1 && len < AURA_AS_TEXT_MAX && text[0] == sigil;
}

static bool is_user(const char *text) {
    struct aura_mxid id;
    return is_id(text, '@') && aura_mxid_parse(&id, text, strlen(text)) == 0;
}

/* Numbers of strangers: what is no such number, or negative, is 0. */
static uint64_t number_at(const json_t *o, const char *key) {
    json_int_t n = json_integer_value(json_object_get(o, key));
    return n > 0 ? (uint64_t)n : 0;
}

static const char *related(const json_t *content) {
    const json_t *to = json_object_get(content, "m.relates_to");
    const char *id = text_at(to, "event_id");
    return strcmp(text_at(to, "rel_type"), "m.reference") == 0 && is_id(id, '$') ? id : "";
}

/* What somebody who is invited may know of the room before (Matrix specification, "Stripped
 * state").
 */
static bool is_encrypted(const json_t *json) {
    const json_t *state = json_object_get(json_object_get(json, "unsigned"), "invite_room_state");
    for (size_t i = 0; i < json_array_size(state); i++) {
        if (strcmp(text_at(json_array_get(state, i), "type"), encryption_type) == 0) {
            return true;
        }
    }
    return false;
}

static bool read_member(struct aura_as_event *e, const json_t *json, const json_t *content) {
    static const struct {
        const char *text;
        enum aura_as_membership is;
    } all[] = {{"invite", AURA_AS_INVITED},
               {"join", AURA_AS_JOINED},
               {"leave", AURA_AS_GONE},
               {"ban", AURA_AS_GONE}};
    const char *membership = text_at(content, "membership");
    e->kind = AURA_AS_MEMBER;
    e->who = text_at(json, "state_key");
    e->direct = json_is_true(json_object_get(content, "is_direct"));
    e->encrypted = is_encrypted(json);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].text, membership) == 0) {
            e->membership = all[i].is;
            return is_user(e->who);
        }
    }
    return false;
}

/* Whatever it says of itself, it is renewed before that. */
static uint64_t member_until(const json_t *json, const json_t *content) {
    uint64_t expires = number_at(content, "expires");
    return number_at(json, "origin_server_ts") +
           (expires && expires < AURA_AS_EXPIRES_MS ? expires : AURA_AS_EXPIRES_MS);
}

static bool take_key(struct aura_as_event *e, const json_t *key) {
    e->key = json_is_string(key) ? json_string_value(key) : "";
    return json_is_string(key) && strnlen(e->key, AURA_AS_TEXT_MAX) < AURA_AS_TEXT_MAX;
}

static bool read_call_member(struct aura_as_event *e, const json_t *json, const json_t *content) {
    e->kind = AURA_AS_CALL_MEMBER;
    e->in = json_object_size(content) > 0;
    e->until_ms = member_until(json, content);
    return take_key(e, json_object_get(json, "state_key"));
}

/* Who has left says no more than which slot, and under which key. */
static bool read_sticky_member(struct aura_as_event *e, const json_t *json, const json_t *content) {
    const json_t *key = json_object_get(content, "msc4354_sticky_key");
    e->kind = AURA_AS_CALL_MEMBER;
    e->in = json_is_object(json_object_get(content, "member"));
    e->until_ms = member_until(json, content);
    return take_key(e, key ? key : json_object_get(content, "sticky_key"));
}

static bool read_encryption(struct aura_as_event *e, const json_t *json, const json_t *content) {
    (void)content;
    e->kind = AURA_AS_ENCRYPTED;
    return json_is_string(json_object_get(json, "state_key")) && !text_at(json, "state_key")[0];
}

static void read_mentions(struct aura_as_event *e, const json_t *mentions) {
    const json_t *users = json_object_get(mentions, "user_ids");
    e->everybody = json_is_true(json_object_get(mentions, "room"));
    for (size_t i = 0; i < json_array_size(users) && e->mention_count < AURA_AS_MENTIONS_MAX; i++) {
        const char *user = json_string_value(json_array_get(users, i));
        if (user && is_user(user)) {
            e->mentions[e->mention_count++] = user;
        }
    }
}

static bool read_ring(struct aura_as_event *e, const json_t *json, const json_t *content) {
    uint64_t origin = number_at(json, "origin_server_ts"), at = number_at(content, "sender_ts");
    uint64_t lifetime = number_at(content, "lifetime");
    uint64_t skew = at > origin ? at - origin : origin - at;
    e->kind = AURA_AS_RING;
    e->about = related(content);
    e->until_ms = (skew > AURA_AS_SKEW_MAX_MS ? origin : at) +
                  (lifetime > AURA_AS_LIFETIME_MAX_MS ? AURA_AS_LIFETIME_MAX_MS : lifetime);
    read_mentions(e, json_object_get(content, "m.mentions"));
    return strcmp(text_at(content, "notification_type"), "ring") == 0;
}

static bool read_decline(struct aura_as_event *e, const json_t *json, const json_t *content) {
    (void)json;
    e->kind = AURA_AS_DECLINE;
    e->about = related(content);
    return e->about[0];
}

static bool read_event(struct aura_as_event *e, const json_t *json) {
    static const struct {
        const char *type;
        bool (*read)(struct aura_as_event *e, const json_t *json, const json_t *content);
    } types[] = {{"m.room.member", read_member},
                 {encryption_type, read_encryption},
                 {aura_as_member_type, read_call_member},
                 {"org.matrix.msc4143.rtc.member", read_sticky_member},
                 {"m.rtc.member", read_sticky_member},
                 {aura_as_ring_type, read_ring},
                 {"m.rtc.notification", read_ring},
                 {aura_as_decline_type, read_decline},
                 {"m.rtc.decline", read_decline}};
    const char *type = text_at(json, "type");
    const json_t *content = json_object_get(json, "content");
    *e = (struct aura_as_event){.id = text_at(json, "event_id"),
                                .room = text_at(json, "room_id"),
                                .sender = text_at(json, "sender"),
                                .who = "",
                                .key = "",
                                .about = ""};
    if (!json_is_object(content) || !is_id(e->id, '$') || !is_id(e->room, '!') ||
        !is_user(e->sender)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].type, type) == 0) {
            return types[i].read(e, json, content);
        }
    }
    return false;
}

int aura_as_read(const void *body, size_t len, int (*fn)(void *arg, const struct aura_as_event *e),
                 void *arg) {
    json_t *json = len <= AURA_AS_BODY_BYTES_MAX ? json_loadb(body, len, 0, NULL) : NULL;
    const json_t *events = json_object_get(json, "events");
    struct aura_as_event e;
    int err = json_is_array(events) ? 0 : AURA_EMALFORMED;
    for (size_t i = 0; i < json_array_size(events) && !err; i++) {
        err = read_event(&e, json_array_get(events, i)) ? fn(arg, &e) : 0;
    }
    json_decref(json);
    return err;
}

/* ---- writing ---- */

json_t *aura_as_member(const char *device, const char *room, const char *service, uint32_t term) {
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:{s:s, s:s}, s:[{s:s, s:s, s:s}]}", "application",
                     "m.call", "call_id", "", "scope", "m.room", "device_id", device, "expires",
                     (json_int_t)AURA_AS_EXPIRES_MS + term, "focus_active", "type", "livekit",
                     "focus_selection", "oldest_membership", "foci_preferred", "type", "livekit",
                     "livekit_service_url", service, "livekit_alias", room);
}

json_t *aura_as_ring(const char *user, const char *member, uint64_t now_ms, uint32_t lifetime_ms) {
    return json_pack("{s:s, s:I, s:I, s:{s:[s], s:b}, s:{s:s, s:s}}", "notification_type", "ring",
                     "sender_ts", (json_int_t)now_ms, "lifetime", (json_int_t)lifetime_ms,
                     "m.mentions", "user_ids", user, "room", 0, "m.relates_to", "rel_type",
                     "m.reference", "event_id", member);
}

json_t *aura_as_decline(const char *ring) {
    return json_pack("{s:{s:s, s:s}}", "m.relates_to", "rel_type", "m.reference", "event_id", ring);
}

json_t *aura_as_direct_room(const char *user) {
    return json_pack("{s:b, s:[s], s:s, s:{s:{s:i, s:i, s:i}}}", "is_direct", 1, "invite", user,
                     "preset", "trusted_private_chat", "power_level_content_override", "events",
                     aura_as_member_type, 0, aura_as_ring_type, 0, aura_as_decline_type, 0);
}

json_t *aura_as_group_room(void) {
    return json_pack("{s:s, s:{s:i, s:{s:i, s:i, s:i}}}", "preset", "private_chat",
                     "power_level_content_override", "invite", 0, "events", aura_as_member_type, 0,
                     aura_as_ring_type, 0, aura_as_decline_type, 0);
}
