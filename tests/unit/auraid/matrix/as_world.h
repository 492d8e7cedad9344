/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file as_world.h  The Application Service between a homeserver that says what the test wants and
 * an exchange, on a clock that stands still. Errands are written down, and done when the test says
 * so.
 */
#ifndef AURA_TESTS_AS_WORLD_H
#define AURA_TESTS_AS_WORLD_H

#include "../exchange_world.h"
#include "auraid/matrix/appservice.h"

enum { ERRANDS = 16 };

#define ROOM "!room:example.org"
#define MAT "@mat:example.org"
#define BOB "@bob.aura:example.org"

extern const char ring_type[], member_type[], decline_type[];

struct hs {
    struct world w;
    struct aura_as *as;
    struct aura_as_errand errands[ERRANDS]; /* begun; done up to `done` */
    uint64_t ids[ERRANDS];
    size_t begun, done;
    unsigned event;
    int act_fails;
    bool others; /* somebody of Matrix is in the media room */
};

void begin(struct hs *h);
/** As begin(), but for the world and what was written down: as after a restart. */
void begin_again(struct hs *h);
void end(struct hs *h);
/** The next errand that is under way. */
struct aura_as_errand *due(struct hs *h, enum aura_as_do what);
void finish(struct hs *h, enum aura_as_do what, int err);
/** Nothing is under way. */
void idle(struct hs *h);
size_t links(const struct hs *h);
uint64_t wall_ms(const struct hs *h);
int push(struct hs *h, const char *txn, const char *event);
/** One event in a transaction of its own. @param content  without its braces */
void tell_by(struct hs *h, const char *sender, const char *type, const char *key,
             const char *content);
void tell(struct hs *h, const char *type, const char *key, const char *content);
void ring(struct hs *h, const char *user, unsigned lifetime_ms);
/** Bob's ghost is in the room. */
void come_in(struct hs *h);
/** From here on h->w.call is the call that was begun last. */
void name_calls(struct hs *h);
/** Mat rings Bob. */
void ring_named(struct hs *h);
/** Ann rings Cid, who is only Mat. */
void begin_outgoing(struct hs *h);
void room_made(struct hs *h);

#endif
