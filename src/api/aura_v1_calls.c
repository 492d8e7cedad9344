/* SPDX-License-Identifier: Apache-2.0 */
/* /aura/v1/calls: ringing people, and what they do about it. */
#include "api/aura_v1_priv.h"
#include "auraid/exchange.h"

#include <stdio.h>
#include <string.h>

static const char missing[] = "there is no such call of yours (any more)";
static const char unreachable[] = "nobody of that AuraID can be rung by you";

/* ---- answers ---- */

static void refuse_pace(struct aura_v1_request *r, uint32_t wait_s) {
    static const char often[] = "you ring too many people, or too many people ring there: try "
                                "again after Retry-After";
    const struct aura_v1_error why = {429, "limit", often, wait_s};
    aura__v1_respond_error(r->req, &why);
}

/* @param wait_s  with AURA_ELIMIT: 0 = it is no question of pace */
static void refuse(struct aura_v1_request *r, int err, const char *not_found, uint32_t wait_s) {
    switch (err) {
    case AURA_ECLOSED:
        aura__v1_refuse(r, 409, "not_connected",
                        "connect this device to /aura/v1/events first: what comes of it is told "
                        "there");
        break;
    case AURA_ESTATE:
        aura__v1_refuse(r, 409, "conflict",
                        "another of your devices has answered, or you are not in the call");
        break;
    case AURA_EEXISTS:
        aura__v1_refuse(r, 409, "conflict", "they are in the call, or are being rung for it");
        break;
    case AURA_EAGAIN:
        aura__v1_refuse(r, 503, "unavailable",
                        "the server has no media room to give now; the call rings on: try again");
        break;
    case AURA_EINVAL:
        aura__v1_refuse(r, 400, "bad_request",
                        "\"to\" holds 1 to 31 different AuraIDs, not your own; \"device\" is the "
                        "name that the device is connected with");
        break;
    case AURA_ELIMIT:
        if (wait_s) {
            refuse_pace(r, wait_s);
        } else {
            aura__v1_refuse(r, 429, "limit",
                            "too many calls at a time: hang up one that nobody has answered yet");
        }
        break;
    default:
        aura__v1_refuse_err(r, err, not_found);
    }
}

static struct aura_exchange *exchange(const struct aura_v1_request *r) {
    return aura__calls_exchange(r->s->calls);
}

static struct aura_exchange_caller caller(const struct aura_v1_request *r,
                                          const struct aura_v1_field *device) {
    return (struct aura_exchange_caller){&r->caller.who, r->caller.app,
                                         device ? aura__v1_text(device, "") : ""};
}

#define DEVICE                                                                                     \
    { "device", JSON_STRING, true, AURA_HUB_NAME_MAX, NULL }

/* ---- ringing ---- */

/* @return false: it has been answered */
static bool read_people(struct aura_v1_request *r, const json_t *list, struct aura_id *out,
                        size_t *count) {
    *count = json_array_size(list);
    for (size_t i = 0; i < *count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!aura__v1_id(r, text ? text : "", &out[i])) {
            return false;
        }
    }
    return true;
}

static void respond_rung(struct aura_v1_request *r, const struct aura_id *to, size_t count,
                         const struct aura_exchange_rung *rung) {
    char text[AURA_ID_BYTES_MAX];
    json_t *not = json_array();
    for (size_t i = 0; i < count; i++) {
        if (!rung->reached[i]) {
            json_array_append_new(not, json_string(aura_id_text(&to[i], text)));
        }
    }
    aura__v1_respond(r, 201, json_pack("{s:s, s:o}", "call", rung->call, "unreached", not ));
}

static void ring(struct aura_v1_request *r) {
    enum { TO, ON, VIDEO, FIELDS };
    struct aura_v1_field f[FIELDS] = {
        [TO] = {"to", JSON_ARRAY, true, AURA_CALL_PEOPLE_MAX - 1, NULL},
        [ON] = DEVICE,
        [VIDEO] = {"video", JSON_TRUE, false, 0, NULL}};
    struct aura_id to[AURA_CALL_PEOPLE_MAX];
    struct aura_exchange_rung rung;
    size_t count;
    if (!aura__v1_fields(r, f, FIELDS) || !read_people(r, f[TO].value, to, &count)) {
        return;
    }
    if (aura_rooms_draining(r->s->rooms)) {
        aura__v1_refuse(r, 503, "unavailable", "this server is going down: connect to another");
        return;
    }
    const struct aura_exchange_caller who = caller(r, &f[ON]);
    int err = aura_exchange_ring(exchange(r), &who, to, count, json_is_true(f[VIDEO].value), &rung);
    if (err) {
        refuse(r, err, unreachable, rung.wait_s);
    } else {
        respond_rung(r, to, count, &rung);
    }
}

static void add(struct aura_v1_request *r, bool transfer) {
    struct aura_v1_field to = {"to", JSON_STRING, true, AURA_ID_BYTES_MAX, NULL};
    struct aura_id who;
    uint32_t wait_s = 0;
    if (!aura__v1_fields(r, &to, 1) || !aura__v1_id(r, aura__v1_text(&to, ""), &who)) {
        return;
    }
    const struct aura_exchange_caller by = caller(r, NULL);
    int err = aura_exchange_add(exchange(r), r->param[0], &by, &who, transfer, &wait_s);
    if (err) {
        refuse(r, err, "there is no such call of yours, or nobody of that AuraID that you can ring",
               wait_s);
    } else {
        aura__v1_done(r);
    }
}

static void add_one(struct aura_v1_request *r) {
    add(r, false);
}

static void transfer(struct aura_v1_request *r) {
    add(r, true);
}

/* ---- being rung ---- */

static void finish(struct aura_v1_request *r, int err) {
    if (err) {
        refuse(r, err, missing, 0);
    } else {
        aura__v1_done(r);
    }
}

static void accept_call(struct aura_v1_request *r) {
    struct aura_v1_field device = DEVICE;
    if (aura__v1_fields(r, &device, 1)) {
        const struct aura_exchange_caller who = caller(r, &device);
        finish(r, aura_exchange_accept(exchange(r), r->param[0], &who));
    }
}

static void decline(struct aura_v1_request *r) {
    enum { ON, BUSY, FIELDS };
    struct aura_v1_field f[FIELDS] = {[ON] = DEVICE, [BUSY] = {"busy", JSON_TRUE, false, 0, NULL}};
    if (aura__v1_fields(r, f, FIELDS)) {
        const struct aura_exchange_caller who = caller(r, &f[ON]);
        finish(r,
               aura_exchange_decline(exchange(r), r->param[0], &who, json_is_true(f[BUSY].value)));
    }
}

static void leave(struct aura_v1_request *r) {
    if (aura__v1_fields(r, NULL, 0)) {
        const struct aura_exchange_caller who = caller(r, NULL);
        finish(r, aura_exchange_leave(exchange(r), r->param[0], &who));
    }
}

/* ---- looking ---- */

static void show(struct aura_v1_request *r) {
    json_t *call = aura_exchange_show(exchange(r), r->param[0], &r->caller.who);
    if (call) {
        aura__v1_respond(r, 200, call);
    } else {
        aura__v1_refuse(r, 404, "not_found", missing);
    }
}

static void show_missed(struct aura_v1_request *r) {
    json_t *list = aura_exchange_missed(exchange(r), &r->caller.who);
    if (list) {
        aura__v1_respond(r, 200, json_pack("{s:o}", "missed", list));
    } else {
        aura__v1_refuse_err(r, AURA_EIO, missing);
    }
}

static void forget_missed(struct aura_v1_request *r) {
    finish(r, aura_directory_forget_missed(r->s->conf.directory, &r->caller.who));
}

static const struct aura_v1_route list[] = {
    {"POST", "/aura/v1/calls", AURA_V1_SOMEBODY, ring},
    {"GET", "/aura/v1/calls/missed", AURA_V1_SOMEBODY, show_missed},
    {"DELETE", "/aura/v1/calls/missed", AURA_V1_SOMEBODY, forget_missed},
    {"GET", "/aura/v1/calls/{call}", AURA_V1_SOMEBODY, show},
    {"POST", "/aura/v1/calls/{call}/accept", AURA_V1_SOMEBODY, accept_call},
    {"POST", "/aura/v1/calls/{call}/decline", AURA_V1_SOMEBODY, decline},
    {"POST", "/aura/v1/calls/{call}/leave", AURA_V1_SOMEBODY, leave},
    {"POST", "/aura/v1/calls/{call}/add", AURA_V1_SOMEBODY, add_one},
    {"POST", "/aura/v1/calls/{call}/transfer", AURA_V1_SOMEBODY, transfer},
};

const struct aura_v1_routes aura__v1_calls = {list, sizeof(list) / sizeof(list[0])};
