/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that are not connected are woken by their app's own push service: it is told whom it
 * rings, and when it does not any more. */
#include "auraid/exchange_priv.h"

#include <stdio.h>
#include <string.h>

void aura__exchange_app(const char *call_name, char app[AURA_CALL_DEVICE_MAX]) {
    const char *slash = strrchr(call_name, '/');
    size_t len = slash ? (size_t)(slash - call_name) : 0;
    memcpy(app, call_name, len);
    app[len] = 0;
}

struct waking {
    const struct aura_exchange *x;
    const struct aura_call_event *e;
    char from[AURA_CALL_DEVICE_MAX]; /* app that it rings from */
    enum aura_stance stance;
    json_t *apps; /* devices by their app */
};

static void on_device(void *arg, const struct aura_device *device) {
    const struct waking *w = arg;
    char name[AURA_CALL_DEVICE_MAX];
    if (!*device->push || aura_hub_call_name(name, device->app, device->id) ||
        aura_hub_find(w->x->hub, w->e->to, name) ||
        (w->e->except && strcmp(name, w->e->except) == 0) ||
        !aura_reach_app(&w->x->conf.rules.reach, w->from, device->app, w->stance)) {
        return;
    }
    json_t *of_app = json_object_get(w->apps, device->app);
    if (!of_app) {
        of_app = json_array();
        if (json_object_set_new(w->apps, device->app, of_app)) {
            return; /* no memory */
        }
    }
    json_array_append_new(of_app,
                          json_pack("{s:s, s:s}", "device", device->id, "push", device->push));
}

/* One event for each app: what its own push service is told is no matter of another one's. */
static void tell_app(const struct waking *w, const char *event, const char *app, json_t *devices) {
    const struct aura_call_event *e = w->e;
    const struct aura_exchange *x = w->x;
    char to[AURA_ID_BYTES_MAX];
    json_t *body = json_pack(
        "{s:s, s:o, s:s, s:b, s:s*, s:s, s:O}", "id", e->call, "from",
        aura__exchange_person(x, e->by), "to", aura_id_text(e->to, to), "video", e->video, "reason",
        e->reason ? aura_call_reason_name(e->reason) : NULL, "app", app, "devices", devices);
    if (body) {
        x->conf.hooks->push(x->conf.arg, event, e->call, body);
    }
    json_decref(body);
}

void aura__exchange_push(struct aura_exchange *x, const char *event,
                         const struct aura_call_event *e, enum aura_stance stance) {
    struct waking w = {.x = x, .e = e, .stance = stance, .apps = json_object()};
    const char *app;
    json_t *devices;
    aura__exchange_app(e->by_device, w.from);
    int err = aura_directory_devices(x->conf.rules.reach.directory, e->to, on_device, &w);
    if (!err) {
        json_object_foreach(w.apps, app, devices) {
            tell_app(&w, event, app, devices);
        }
    }
    json_decref(w.apps);
}
