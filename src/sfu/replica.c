/* SPDX-License-Identifier: Apache-2.0 */
/* Published tracks of other workers. The replica asks the owner for the packets and keeps asking
 * until it is told what the track is: the owner may learn of the track later than of us. */
#include "base/mem.h"
#include "sfu/published.h"
#include "sfu/source.h"
#include "sfu/subscribed.h"

enum { ASK_AGAIN_US = 500000 };

struct replica {
    struct aura_source source;
    struct aura_due ask;
};

static struct replica *replica_of(struct aura_source *s) {
    return AURA_CONTAINER(s, struct replica, source);
}

static unsigned owner_of(const struct aura_source *s) {
    return (unsigned)(s->id & 0xff);
}

static void ask(void *arg, uint64_t now_us) {
    (void)now_us;
    struct replica *r = arg;
    struct aura_msg m = {.type = AURA_MSG_REPLICA_ADD, .id = r->source.id};
    aura__worker_tell_worker(r->source.worker, owner_of(&r->source), &m);
    aura__wheel_add(&r->source.worker->wheel, &r->ask, ASK_AGAIN_US, ask, r);
}

int aura__replica_new(struct aura_source **sp, struct aura_worker *w, aura_pub_id id,
                      enum aura_kind kind) {
    struct replica *r = aura_zalloc(sizeof(*r));
    if (!r) {
        return AURA_ENOMEM;
    }
    r->source.replica = true;
    r->source.layer_count = 1;
    r->source.kind = kind;
    int err = aura__source_init(&r->source, w, id);
    if (err) {
        aura_free(r);
        return err;
    }
    ask(r, 0);
    *sp = &r->source;
    return 0;
}

void aura__replica_free(struct aura_source *s) {
    struct aura_msg m = {.type = AURA_MSG_REPLICA_REMOVE, .id = s->id};
    aura__worker_tell_worker(s->worker, owner_of(s), &m);
    aura__wheel_remove(&replica_of(s)->ask);
    aura__source_end(s);
    aura_free(replica_of(s));
}

void aura__replica_ask_key(struct aura_source *s, unsigned layer) {
    struct aura_msg m = {.type = AURA_MSG_KEY_FRAME,
                         .id = s->id,
                         .a = (uint8_t)layer,
                         .b = aura__now(s->worker) < s->layer[layer].key_hurry_us};
    aura__worker_tell_worker(s->worker, owner_of(s), &m);
}

static void info(struct aura_source *s, const struct aura_msg *m) {
    bool first = aura__due_armed(&replica_of(s)->ask);
    aura__wheel_remove(&replica_of(s)->ask);
    s->kind = (enum aura_kind)m->a;
    s->encrypted = m->b;
    s->layer_count = (uint8_t)m->w[0];
    aura__source_set_aic(s, (uint8_t)m->w[1], (uint32_t)m->u);
    if (s->muted != (m->c != 0)) {
        aura__source_set_muted(s, m->c != 0);
    }
    if (first) {
        AURA_LIST_EACH(&s->subs, struct aura_subscribed, sub, source_node) {
            aura__subscribed_begin(sub);
        }
    }
}

void aura__replica_message(struct aura_worker *w, const struct aura_msg *m) {
    struct aura_source *s = aura__source_find(w, m->id);
    if (!s || !s->replica) {
        return; /* it ended while the message was on its way */
    }
    if (m->type == AURA_MSG_REPLICA_INFO) {
        info(s, m);
    } else if (m->type == AURA_MSG_REPLICA_SR && m->a < AURA_MEDIA_LAYERS_MAX) {
        struct aura_rtcp_sender sr = {.ntp = m->u, .rtp = m->w[0]};
        aura__source_sr(s, m->a, &sr, m->v);
    } else if (m->type == AURA_MSG_REPLICA_END) {
        aura__wheel_remove(&replica_of(s)->ask);
        aura__source_end(s);
        aura_free(replica_of(s));
    }
}
