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
    json_t *devices;
};

static void on_device(void *arg, const struct aura_device *device) {
    const struct waking *w = arg;
    char name[AURA_CALL_DEVICE_MAX];
    if (!*device->push || aura_hub_call_name(name, device->app, device->id) ||
        aura_hub_find(w->x->hub, w->e->to, name) ||
        (w->e->except && strcmp(name, w->e->except) == 0) ||
        !aura_reach_app(&w->x->conf.reach, w->from, device->app, w->stance)) {
        return;
    }
    json_array_append_new(w->devices, json_pack("{s:s, s:s, s:s}", "app", device->app, "device",
                                                device->id, "push", device->push));
}

void aura__exchange_push(struct aura_exchange *x, const char *event,
                         const struct aura_call_event *e, enum aura_stance stance) {
    struct waking w = {.x = x, .e = e, .stance = stance, .devices = json_array()};
    char to[AURA_ID_BYTES_MAX];
    aura__exchange_app(e->by_device, w.from);
    int err = aura_directory_devices(x->conf.reach.directory, e->to, on_device, &w);
    if (err || json_array_size(w.devices) == 0) {
        json_decref(w.devices);
        return;
    }
    json_t *body = json_pack(
        "{s:s, s:o, s:s, s:b, s:s*, s:o}", "id", e->call, "from", aura__exchange_person(x, e->by),
        "to", aura_id_text(e->to, to), "video", e->video, "reason",
        e->reason ? aura_call_reason_name(e->reason) : NULL, "devices", w.devices);
    if (body) {
        x->conf.hooks->push(x->conf.arg, event, e->call, body);
    }
    json_decref(body);
}
