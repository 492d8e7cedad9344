/* SPDX-License-Identifier: Apache-2.0 */
/* /aura/v1/devices: what rings when somebody is called. A device belongs to the app whose token
 * names it; what the app's push service knows it by is shown to that app alone. */
#include "api/aura_v1_priv.h"
#include "auraid/hub.h"

#include <string.h>

static const char missing[] = "this app has no such device of this AuraID";

struct listing {
    json_t *list;
    const char *app;
};

static void add_device(void *arg, const struct aura_device *device) {
    const struct listing *l = arg;
    json_t *o = json_pack("{s:s, s:s, s:I}", "id", device->id, "app", device->app, "seen_us",
                          (json_int_t)device->seen_us);
    if (o && strcmp(device->app, l->app) == 0) {
        json_object_set_new(o, "push", json_string(device->push));
    }
    json_array_append_new(l->list, o);
}

static void list_devices(struct aura_v1_request *r) {
    struct listing l = {json_array(), r->caller.app};
    int err = l.list ? aura_directory_devices(r->s->conf.directory, &r->caller.who, add_device, &l)
                     : AURA_ENOMEM;
    if (err) {
        json_decref(l.list);
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_respond(r, 200, json_pack("{s:o}", "devices", l.list));
    }
}

/* @return false: it has been answered */
static bool is_name(struct aura_v1_request *r) {
    if (!aura_hub_is_name(r->param[0])) {
        aura__v1_refuse(r, 400, "bad_request",
                        "a device's name is 1 to 63 letters, digits, \".\", \"_\" or \"-\"");
        return false;
    }
    return true;
}

static void put_device(struct aura_v1_request *r) {
    struct aura_v1_field push = {"push", JSON_STRING, false, AURA_DIRECTORY_TEXT_MAX, NULL};
    if (!is_name(r) || !aura__v1_fields(r, &push, 1)) {
        return;
    }
    int err = aura_directory_device(r->s->conf.directory, &r->caller.who, r->caller.app,
                                    r->param[0], aura__v1_text(&push, ""));
    if (err) {
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_done(r);
    }
}

static void drop_device(struct aura_v1_request *r) {
    if (!is_name(r)) {
        return;
    }
    int err = aura_directory_forget_device(r->s->conf.directory, &r->caller.who, r->caller.app,
                                           r->param[0]);
    if (err) {
        aura__v1_refuse_err(r, err, missing);
    } else {
        aura__v1_done(r);
    }
}

static const struct aura_v1_route list[] = {
    {"GET", "/aura/v1/devices", AURA_V1_SOMEBODY, list_devices},
    {"PUT", "/aura/v1/devices/{device}", AURA_V1_SOMEBODY, put_device},
    {"DELETE", "/aura/v1/devices/{device}", AURA_V1_SOMEBODY, drop_device},
};

const struct aura_v1_routes aura__v1_devices = {list, sizeof(list) / sizeof(list[0])};
