/* SPDX-License-Identifier: Apache-2.0 */
/** @file aura_calls.h  Calls across apps, as a server has them: see docs/auraid-calls.md. */
#ifndef AURA_API_AURA_CALLS_H
#define AURA_API_AURA_CALLS_H

#include "auraid/directory.h"
#include "livekit_webhook.pb-c.h"

struct aura_server;

/** Texts are borrowed; the server copies them. */
struct aura_calls_settings {
    const char *url; /* that media rooms are joined at; "" = where a device is connected */
    uint64_t ring_us, grace_us;
    bool busy_in_call;
    enum aura_privacy cross_app;
    const char *const *allow; /* see auraid/reach.h */
    size_t allow_count;
    uint32_t rings_per_minute, strangers_per_minute;
    size_t max_calls, max_devices;
    size_t max_calls_of_app, max_devices_of_app; /* 0 = all of them */
};

/** While it runs: all but max_calls and max_devices. @return 0 or AURA_ENOMEM: all is as it was */
AURA_NODISCARD int aura_server_change_calls(struct aura_server *s,
                                            const struct aura_calls_settings *set);

/** What happens in rooms: agents that are called answer by coming into the call's, and so may
 * people of Matrix. May be called from inside the rooms; what follows from it happens behind that.
 */
void aura_server_room_event(struct aura_server *s, const char *room,
                            const Livekit__WebhookEvent *event);

#endif
