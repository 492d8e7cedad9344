/* SPDX-License-Identifier: Apache-2.0 */
#include "sfu/aic_inbox.h"

#include "base/log.h"
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

struct aura_aic_inbox {
    struct aura_worker *worker;
    struct aura_task task;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t idle;
    struct aura_aic_event *first, **end;
    size_t count, origins;
};

static struct aura_aic_event *take_all(struct aura_aic_inbox *inbox) {
    pthread_mutex_lock(&inbox->lock);
    struct aura_aic_event *all = inbox->first;
    inbox->first = NULL;
    inbox->end = &inbox->first;
    inbox->count = 0;
    pthread_mutex_unlock(&inbox->lock);
    return all;
}

static void drain(void *arg) {
    struct aura_aic_inbox *inbox = arg;
    for (struct aura_aic_event *e = take_all(inbox), *next; e; e = next) {
        next = e->next;
        e->from.handle(inbox->worker, e);
        aura_free(e);
    }
}

static void post(struct aura_aic_inbox *inbox, struct aura_aic_event *e) {
    pthread_mutex_lock(&inbox->lock);
    /* Ends are never dropped: the mode machine waits for frames, but not for these. */
    bool room = e->closed || inbox->count < AURA_AIC_INBOX_MAX;
    if (room) {
        *inbox->end = e;
        inbox->end = &e->next;
        inbox->count++;
    }
    pthread_mutex_unlock(&inbox->lock);
    if (room) {
        aura_loop_post_task(inbox->worker->loop, &inbox->task, drain, inbox);
    } else {
        aura_free(e);
    }
}

static struct aura_aic_event *new_event(const struct aura_aic_origin *from, size_t bytes) {
    struct aura_aic_event *e = aura_zalloc(sizeof(*e) + bytes);
    if (e) {
        e->from = *from;
    }
    return e; /* without memory: as if AI Core had not answered */
}

static void on_frame(void *arg, const struct aura_aic_frame_out *frame) {
    const struct aura_aic_origin *o = arg;
    struct aura_aic_event *e = new_event(o, frame->len);
    if (e) {
        e->frame = *frame;
        if (frame->len) {
            memcpy(e->bytes, frame->data, frame->len);
        }
        e->frame.data = e->bytes;
        post(o->inbox, e);
    }
}

static void on_look(void *arg, const struct aura_aic_look *look) {
    const struct aura_aic_origin *o = arg;
    struct aura_aic_event *e = new_event(o, 0);
    if (e) {
        e->look = *look;
        post(o->inbox, e);
    }
}

static void forget_origin(struct aura_aic_origin *o) {
    struct aura_aic_inbox *inbox = o->inbox;
    aura_free(o);
    pthread_mutex_lock(&inbox->lock);
    if (--inbox->origins == 0) {
        pthread_cond_signal(&inbox->idle);
    }
    pthread_mutex_unlock(&inbox->lock);
}

static void on_closed(void *arg, enum aura_aic_reason why, const char *text) {
    struct aura_aic_origin *o = arg;
    struct aura_aic_event *e = new_event(o, 0);
    /* Without a text it was ended by us. What is broken is for the operator to mend. */
    if (why == AURA_AIC_BROKEN && text[0]) {
        AURA_LOG_LIMITED("aic", AURA_LOG_WARN, "ai_core_fails", AURA_S("text", text),
                         AURA_S("so", "calls stay native until it answers again"));
    }
    if (e) {
        e->closed = true;
        e->why = why;
        post(o->inbox, e);
    }
    forget_origin(o);
}

int aura__aic_open(struct aura_aic_stream **sp, const struct aura_aic_origin *from,
                   enum aura_aic_call call) {
    static const struct aura_aic_stream_handlers handlers = {on_frame, on_look, on_closed};
    struct aura_aic_inbox *inbox = from->inbox;
    struct aura_aic_origin *o = aura_zalloc(sizeof(*o));
    if (!o) {
        return AURA_ENOMEM;
    }
    *o = *from;
    pthread_mutex_lock(&inbox->lock);
    inbox->origins++;
    pthread_mutex_unlock(&inbox->lock);
    int err = aura_aic_stream_open(sp, inbox->worker->shared->conf.aic, call, &handlers, o);
    if (err) {
        forget_origin(o);
    }
    return err;
}

int aura__aic_inbox_new(struct aura_aic_inbox **ip, struct aura_worker *w) {
    struct aura_aic_inbox *inbox = aura_zalloc(sizeof(*inbox));
    if (!inbox) {
        return AURA_ENOMEM;
    }
    inbox->worker = w;
    inbox->end = &inbox->first;
    pthread_mutex_init(&inbox->lock, NULL);
    pthread_cond_init(&inbox->idle, NULL);
    *ip = inbox;
    return 0;
}

struct aura_aic_inbox *aura__aic_inbox_free(struct aura_aic_inbox *inbox) {
    if (!inbox) {
        return NULL;
    }
    pthread_mutex_lock(&inbox->lock);
    while (inbox->origins) {
        pthread_cond_wait(&inbox->idle, &inbox->lock);
    }
    pthread_mutex_unlock(&inbox->lock);
    for (struct aura_aic_event *e = take_all(inbox), *next; e; e = next) {
        next = e->next;
        aura_free(e);
    }
    pthread_cond_destroy(&inbox->idle);
    pthread_mutex_destroy(&inbox->lock);
    aura_free(inbox);
    return NULL;
}
