/* SPDX-License-Identifier: Apache-2.0 */
/* People who are in calls from Matrix: they have no connection, and somebody else speaks for them.
 */
#include "auraid/exchange_priv.h"

#include <string.h>

/* No app has an empty API key. */
const char aura_exchange_matrix_device[] = "/matrix";

uint64_t aura_exchange_grace_us(const struct aura_exchange *x) {
    return x->conf.rules.grace_us;
}

struct aura_reach aura_exchange_reach(const struct aura_exchange *x) {
    return x->conf.rules.reach;
}

int aura_exchange_matrix_ring(struct aura_exchange *x, const struct aura_id *who,
                              const struct aura_id *to, struct aura_exchange_rung *out) {
    const struct aura_exchange_caller c = {.who = who, .app = "", .device = "matrix"};
    /* That it is with pictures is not said there, and may not be. */
    return aura__exchange_ring(x, &c, aura_exchange_matrix_device, to, 1, true, out);
}

int aura_exchange_matrix_accept(struct aura_exchange *x, const char *call,
                                const struct aura_id *who) {
    if (x->conf.hooks->open(x->conf.arg, call)) {
        return AURA_EAGAIN;
    }
    int err = aura_calls_accept(x->calls, call, who, aura_exchange_matrix_device);
    x->stats.accepted += !err;
    return err;
}

int aura_exchange_matrix_decline(struct aura_exchange *x, const char *call,
                                 const struct aura_id *who) {
    return aura_calls_decline(x->calls, call, who, aura_exchange_matrix_device, AURA_CALL_DECLINED);
}

static void on_connected(void *arg, struct aura_hub_device *d) {
    (void)d;
    *(bool *)arg = true;
}

static void on_device(void *arg, const struct aura_device *device) {
    *(bool *)arg = *(bool *)arg || *device->push;
}

void aura_exchange_matrix_failed(struct aura_exchange *x, const char *call,
                                 const struct aura_id *who) {
    bool rings = false;
    aura_hub_each(x->hub, who, on_connected, &rings);
    int err = aura_directory_devices(x->conf.rules.reach.directory, who, on_device, &rings);
    if (!rings && !err) {
        err = aura_calls_decline(x->calls, call, who, aura_exchange_matrix_device,
                                 AURA_CALL_UNREACHABLE);
    }
    (void)err; /* the caller may have hung up meanwhile */
}

static void take_own(void *arg, const struct aura_leg_view *leg) {
    struct aura_leg_view *own = arg;
    if (!own->who) { /* it comes first */
        *own = *leg;
    }
}

void aura_exchange_matrix_left(struct aura_exchange *x, const char *call,
                               const struct aura_id *who) {
    struct aura_leg_view own = {.who = NULL};
    struct aura_call_view view;
    int err = aura_calls_look(x->calls, call, who, &view, take_own, &own);
    if (!err && own.state == AURA_LEG_ACCEPTED &&
        strcmp(own.device, aura_exchange_matrix_device) == 0) {
        err = aura_calls_leave(x->calls, call, who);
    }
    (void)err; /* the call may be over: that is why */
}
