/* SPDX-License-Identifier: Apache-2.0 */
/** @file webhooks_priv.h  Shared by the control side, the thread and its lanes. */
#ifndef AURA_API_WEBHOOKS_PRIV_H
#define AURA_API_WEBHOOKS_PRIV_H

#include "api/webhooks.h"
#include "base/list.h"
#include "base/map.h"
#include "base/timer.h"
#include "net/ring.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

/** An event on its way to the file: one block of memory. */
struct aura__webhook {
    struct aura__webhook *next;
    struct aura_outbox_event e;
    uint8_t bytes[]; /* id, name, room, body */
};

/** A question to the thread, and its answer. */
struct aura__webhook_ask {
    struct aura_outbox_query q;
    char *room;
    bool replay;
    aura_webhooks_answer_fn *fn;
    void *arg;
    int err;
    json_t *answer;
};

/** What the ring carries: one of the two. */
struct aura__webhook_command {
    struct aura__webhook *event;
    struct aura__webhook_ask *ask;
};

struct target;

/** Events of one room for one URL: they leave one after the other. */
struct lane {
    struct aura_node node; /* in target->ready */
    struct target *target;
    struct aura_timer timer; /* until it may try again */
    uint32_t failures;       /* in a row */
    bool busy;
    char room[];
};

struct target {
    struct aura_webhooks *w;
    size_t url;
    struct aura_map *lanes; /* by room */
    struct aura_list ready;
    struct aura_timer timer; /* the URL as a whole is left alone until then */
    uint32_t failures;       /* in a row, of connections */
    size_t flights, window;  /* requests now, and how many may be */
};

/** One request. */
struct flight {
    struct aura_node node; /* in w->flights */
    struct lane *lane;
    uint64_t seq;
    CURL *curl;
    struct curl_slist *headers;
};

struct aura_webhooks {
    struct aura_webhooks_conf conf;
    char *key, *secret;
    struct aura_loop *loop;
    struct aura_ring *ring;    /* to the thread */
    struct aura_ring *answers; /* struct aura__webhook_ask *, back */
    struct aura_watch watch;
    size_t asks; /* not answered yet */
    pthread_t thread;
    atomic_bool stopping;
    atomic_ullong lost, delivered, refused, expired, failed;
    atomic_ullong events, bytes, waiting, dropped; /* of the outbox */
    /* ---- of the thread alone ---- */
    struct aura_outbox *outbox;
    struct aura_timers *timers;
    struct aura_timer rescan_timer, store_timer;
    struct aura__webhook *held, **held_end; /* not stored yet */
    size_t held_count;
    bool missed; /* a lane that should be there is not: look again soon */
    struct target targets[AURA_OUTBOX_URLS_MAX];
    struct aura_list flights;
    CURLM *multi;
};

/* ---- webhooks.c ---- */
void aura__webhook_ask_free(struct aura__webhook_ask *ask);
/** Thread: the answer goes back. */
void aura__webhooks_answer(struct aura_webhooks *w, struct aura__webhook_ask *ask);

/* ---- webhooks_send.c ---- */
void *aura__webhooks_thread(void *arg);

/* ---- webhooks_lanes.c: the thread's ---- */
AURA_NODISCARD int aura__lanes_new(struct aura_webhooks *w);
void aura__lanes_free(struct aura_webhooks *w);
/** Something waits for this URL in this room. */
void aura__lanes_poke(struct target *t, const char *room);
/** Lanes for all that waits in the file. */
void aura__lanes_scan(struct aura_webhooks *w);
/** Starts what may start. */
void aura__lanes_go(struct aura_webhooks *w);
/** Takes the results of requests that have ended. */
void aura__lanes_done(struct aura_webhooks *w);
/** Is there anything that will be sent without waiting? */
bool aura__lanes_busy(const struct aura_webhooks *w);

#endif
