/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/hub.h"

#include "auraid/share.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES_MAX = 128 * 1024 };

struct owner {
    struct aura_id id;
    struct aura_list devices;
    size_t count;
};

struct aura_hub {
    size_t max_devices, max_of_app, count;
    struct aura_share *apps;
    uint64_t slow;
    struct aura_map *owners;
};

/* ---- names ---- */

bool aura_hub_is_name(const char *name) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    size_t len = strspn(name, allowed);
    return len > 0 && len <= AURA_HUB_NAME_MAX && !name[len];
}

int aura_hub_call_name(char out[AURA_CALL_DEVICE_MAX], const char *app, const char *name) {
    size_t len = strnlen(app, AURA_HUB_APP_MAX + 1);
    if (len == 0 || len > AURA_HUB_APP_MAX || !aura_hub_is_name(name)) {
        return AURA_EINVAL;
    }
    (void)snprintf(out, AURA_CALL_DEVICE_MAX, "%s/%s", app, name);
    return 0;
}

/* ---- devices ---- */

static struct owner *owner_find(const struct aura_hub *h, const struct aura_id *id) {
    return aura_map_get_str(h->owners, id->name);
}

static int owner_need(struct aura_hub *h, const struct aura_id *id, struct owner **out) {
    struct owner *o = owner_find(h, id);
    if (!o) {
        o = aura_zalloc(sizeof(*o));
        if (!o) {
            return AURA_ENOMEM;
        }
        o->id = *id;
        aura_list_init(&o->devices);
        int err = aura_map_put_str(h->owners, id->name, o);
        if (err) {
            aura_free(o);
            return err;
        }
    }
    *out = o;
    return 0;
}

static void owner_drop(struct aura_hub *h, struct owner *o) {
    if (o->count == 0) {
        aura_map_del_str(h->owners, o->id.name);
        aura_free(o);
    }
}

/* Nobody finds it any more; its memory stays until aura_hub_closed(). */
static void detach(struct aura_hub *h, struct aura_hub_device *d) {
    if (aura_node_linked(&d->node)) {
        struct owner *o = owner_find(h, &d->who);
        aura_node_remove(&d->node);
        o->count--;
        h->count--;
        aura_share_give(h->apps, d->app);
        owner_drop(h, o);
    }
}

void aura_hub_shut(struct aura_hub *h, struct aura_hub_device *d, int code, const char *reason) {
    detach(h, d);
    d->sink->close(d->arg, code, reason);
}

struct aura_hub_device *aura_hub_find(const struct aura_hub *h, const struct aura_id *who,
                                      const char *call_name) {
    const struct owner *o = owner_find(h, who);
    if (o) {
        AURA_LIST_EACH(&o->devices, struct aura_hub_device, d, node) {
            if (strcmp(d->call_name, call_name) == 0) {
                return d;
            }
        }
    }
    return NULL;
}

static int attach(struct aura_hub *h, struct aura_hub_device *d) {
    struct owner *o;
    struct aura_hub_device *older = aura_hub_find(h, &d->who, d->call_name);
    if (older) {
        aura_hub_shut(h, older, AURA_HUB_REPLACED, "the device has connected anew");
    }
    if (h->count >= h->max_devices || !aura_share_fits(h->apps, d->app, h->max_of_app)) {
        return AURA_ELIMIT;
    }
    int err = owner_need(h, &d->who, &o);
    if (err) {
        return err;
    }
    if (o->count >= AURA_HUB_OF_ONE_MAX) {
        return AURA_ELIMIT;
    }
    aura_list_add(&o->devices, &d->node);
    o->count++;
    h->count++;
    aura_share_take(h->apps, d->app, 1);
    return 0;
}

int aura_hub_open(struct aura_hub *h, const struct aura_id *who, const char *app, const char *name,
                  const struct aura_hub_sink *sink, void *arg, struct aura_hub_device **out) {
    struct aura_hub_device *d = aura_zalloc(sizeof(*d));
    int err = d ? aura_hub_call_name(d->call_name, app, name) : AURA_ENOMEM;
    if (!err) {
        d->who = *who;
        d->name = d->call_name + strlen(app) + 1;
        memcpy(d->app, app, strlen(app) + 1); /* it fits: call_name has been made of it */
        d->sink = sink;
        d->arg = arg;
        err = attach(h, d);
    }
    if (err) {
        aura_free(d);
        return err;
    }
    *out = d;
    return 0;
}

void aura_hub_closed(struct aura_hub *h, struct aura_hub_device *d) {
    detach(h, d);
    aura_free(d);
}

void aura_hub_each(const struct aura_hub *h, const struct aura_id *who,
                   void (*fn)(void *arg, struct aura_hub_device *d), void *arg) {
    struct aura_hub_device *list[AURA_HUB_OF_ONE_MAX]; /* telling one may take it off the list */
    size_t count = 0;
    const struct owner *o = owner_find(h, who);
    if (o) {
        AURA_LIST_EACH(&o->devices, struct aura_hub_device, d, node) {
            list[count++] = d;
        }
    }
    for (size_t i = 0; i < count; i++) {
        fn(arg, list[i]);
    }
}

void aura_hub_tell(struct aura_hub *h, struct aura_hub_device *d, const char *members) {
    struct aura_buf text = AURA_BUF(MESSAGE_BYTES_MAX);
    if (!aura_node_linked(&d->node)) {
        return; /* it is being closed */
    }
    if (d->sink->queued(d->arg) > AURA_HUB_QUEUE_BYTES_MAX) {
        h->slow++;
        aura_hub_shut(h, d, AURA_HUB_TOO_SLOW,
                      "too slow a reader: connect again to learn what is so");
        return;
    }
    int err = members ? 0 : AURA_ENOMEM;
    err = err ? err : aura_buf_printf(&text, "{\"seq\":%" PRIu64 ",%s", d->seq + 1, members);
    err = err ? err : d->sink->send(d->arg, aura_buf_text(&text), text.len);
    aura_buf_free(&text);
    if (err) {
        aura_hub_shut(h, d, AURA_HUB_NO_MEMORY, "something could not be told: connect again");
    } else {
        d->seq++;
    }
}

/* ---- all of them ---- */

int aura_hub_new(struct aura_hub **hp, size_t max_devices) {
    struct aura_hub *h = aura_zalloc(sizeof(*h));
    int err = h ? aura_map_new(&h->owners, max_devices) : AURA_ENOMEM;
    err = err ? err : aura_share_new(&h->apps);
    if (err) {
        aura_map_free(h ? h->owners : NULL);
        aura_free(h);
        return err;
    }
    h->max_devices = max_devices;
    *hp = h;
    return 0;
}

struct aura_hub *aura_hub_free(struct aura_hub *h) {
    if (h) {
        AURA_BUG_ON(h->count);
        aura_map_free(h->owners);
        aura_share_free(h->apps);
        aura_free(h);
    }
    return NULL;
}

void aura_hub_set_share(struct aura_hub *h, size_t max_of_app) {
    h->max_of_app = max_of_app;
}

size_t aura_hub_count(const struct aura_hub *h) {
    return h->count;
}

uint64_t aura_hub_slow(const struct aura_hub *h) {
    return h->slow;
}
