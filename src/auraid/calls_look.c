/* SPDX-License-Identifier: Apache-2.0 */
/* Calls, looked at. */
#include "auraid/calls_priv.h"
#include "base/map.h"

#include <string.h>

const char *aura_call_reason_name(enum aura_call_reason reason) {
    static const char *const names[AURA_CALL_REASONS] = {
        "",     "answered_elsewhere", "declined",    "busy",       "timeout", "cancelled",
        "left", "transferred",        "device_gone", "unreachable"};
    return names[reason];
}

struct person *aura__calls_person(const struct aura_calls *c, const struct aura_id *id) {
    return aura_map_get_str(c->people, id->name);
}

struct leg *aura__call_leg(const struct call *k, const struct aura_id *who) {
    AURA_LIST_EACH(&k->legs, struct leg, leg, node) {
        if (strcmp(leg->person->id.name, who->name) == 0) {
            return leg;
        }
    }
    return NULL;
}

struct leg *aura__calls_held(const struct aura_calls *c, const struct aura_id *who,
                             const char *device) {
    const struct person *p = aura__calls_person(c, who);
    if (p) {
        AURA_LIST_EACH(&p->legs, struct leg, leg, person_node) {
            if (leg->state == AURA_LEG_ACCEPTED && strcmp(leg->device, device) == 0) {
                return leg;
            }
        }
    }
    return NULL;
}

void aura_calls_change(struct aura_calls *c, uint64_t ring_us, bool busy_in_call) {
    c->conf.ring_us = ring_us;
    c->conf.busy_in_call = busy_in_call;
}

size_t aura_calls_count(const struct aura_calls *c) {
    return aura_map_count(c->calls);
}

bool aura_calls_holds(const struct aura_calls *c, const struct aura_id *who, const char *device) {
    return aura__calls_held(c, who, device) != NULL;
}

bool aura_calls_rings(const struct aura_calls *c, const struct aura_id *by,
                      const struct aura_id *who) {
    const struct person *p = aura__calls_person(c, who);
    if (p) {
        AURA_LIST_EACH(&p->legs, struct leg, leg, person_node) {
            if (leg->state == AURA_LEG_RINGING && strcmp(leg->by.name, by->name) == 0) {
                return true;
            }
        }
    }
    return false;
}

static struct aura_leg_view view_of(const struct leg *leg) {
    return (struct aura_leg_view){.who = &leg->person->id,
                                  .by = &leg->by,
                                  .device = leg->device,
                                  .by_device = leg->by_device,
                                  .state = leg->state};
}

int aura_calls_look(const struct aura_calls *c, const char *call, const struct aura_id *who,
                    struct aura_call_view *out,
                    void (*leg)(void *arg, const struct aura_leg_view *leg), void *arg) {
    const struct call *k = aura_map_get_str(c->calls, call);
    const struct leg *own = k ? aura__call_leg(k, who) : NULL;
    if (!own) {
        return AURA_ENOENT;
    }
    *out = (struct aura_call_view){&k->initiator, k->video, k->connected};
    struct aura_leg_view view = view_of(own);
    if (leg) {
        leg(arg, &view);
        AURA_LIST_EACH(&k->legs, struct leg, other, node) {
            if (other != own) {
                view = view_of(other);
                leg(arg, &view);
            }
        }
    }
    return 0;
}
