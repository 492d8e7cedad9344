/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of the load test: each runs a loop with its share of the participants. */
#include "base/mem.h"
#include "base/rand.h"
#include "client/thread.h"
#include "cmd/cli_mint.h"
#include "cmd/load_test.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

enum {
    TOKEN_SECONDS = 6 * 3600,
    NAME_BYTES = 128,
};

struct load_thread {
    struct load *load;
    struct aura_client_thread on;
    struct aura_rand_seeded rand;
    struct aura_task poll;
    sem_t done;
};

/* ---- on the thread ---- */

static void on_connected(void *arg) {
    struct load_participant *p = arg;
    load_set_state(p, LOAD_CONNECTED);
}

static void on_ended(void *arg, int err, const char *why) {
    struct load_participant *p = arg;
    p->err = err;
    snprintf(p->why, sizeof(p->why), "%s", why);
    load_set_state(p, LOAD_ENDED);
}

static void start_client(void *arg) {
    static const struct aura_client_handlers handlers = {.connected = on_connected,
                                                         .ended = on_ended};
    struct load_participant *p = arg;
    load_set_state(p, LOAD_STARTED);
    int err = aura_client_new(&p->client, &p->thread->on.env, &p->conf, &handlers, p);
    if (err) {
        on_ended(p, err, "no connection could be opened");
    }
}

static void poll_one(struct load_participant *p) {
    if (!p->client) {
        return;
    }
    const struct aura_client_times *t = aura_client_times(p->client);
    size_t described, flowing;
    aura_client_streams(p->client, &described, &flowing);
    aura_count_set(&p->started, aura_count_get(&t->started));
    aura_count_set(&p->joined, aura_count_get(&t->joined));
    aura_count_set(&p->connected, aura_count_get(&t->connected));
    aura_count_set(&p->first_audio, aura_count_get(&t->first_audio));
    aura_count_set(&p->first_video, aura_count_get(&t->first_video));
    aura_count_set(&p->flowing, flowing);
}

static void on_poll(void *arg) {
    struct load_thread *t = arg;
    for (size_t i = 0; i < t->load->count; i++) {
        if (t->load->participants[i].thread == t) {
            poll_one(&t->load->participants[i]);
        }
    }
    sem_post(&t->done);
}

static void leave(void *arg) {
    struct load_thread *t = arg;
    for (size_t i = 0; i < t->load->count; i++) {
        if (t->load->participants[i].thread == t) {
            t->load->participants[i].client = aura_client_free(t->load->participants[i].client);
        }
    }
}

/* ---- from the main thread ---- */

static int thread_init(struct load *l, size_t index) {
    struct load_thread *t = &l->threads[index];
    t->load = l;
    aura_rand_seeded_init(&t->rand, l->options->seed * LOAD_THREADS_MAX + index);
    sem_init(&t->done, 0, 0);
    const struct aura_client_thread_conf conf = {.tls = !l->options->url.tls ? AURA_SIGNAL_PLAIN
                                                        : l->options->insecure
                                                            ? AURA_SIGNAL_TLS_ANYONE
                                                            : AURA_SIGNAL_TLS,
                                                 .sharing = (unsigned)l->options->sharing,
                                                 .gro = l->options->gro,
                                                 .rand = &t->rand.rand,
                                                 .identity = l->identity};
    return aura_client_thread_start(&t->on, &conf);
}

static void thread_free(struct load_thread *t) {
    if (t->on.loop) {
        aura_client_thread_end(&t->on, leave, t);
        sem_destroy(&t->done);
    }
}

static int make_token(struct load_participant *p, const struct load_options *o, const char *room,
                      const char *identity, bool publish, bool subscribe) {
    struct aura_claims claims; /* borrows its strings */
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t)identity;
    claims.has_video = true;
    claims.video.room = (char *)(uintptr_t)room;
    claims.video.room_join = true;
    claims.video.can_publish = publish ? AURA_YES : AURA_NO;
    claims.video.can_subscribe = subscribe ? AURA_YES : AURA_NO;
    p->token = cli_mint_join(&claims, o->cli.api_key, o->cli.api_secret, TOKEN_SECONDS);
    return p->token ? 0 : AURA_ENOMEM;
}

static void add_tracks(struct load_participant *p, const struct load *l) {
    struct aura_client_conf *conf = &p->conf;
    if (l->media.audio && l->options->audio) {
        conf->tracks[conf->track_count++] =
            (struct aura_client_track){.layer_count = 1, .clips = {l->media.audio}};
    }
    if (l->media.layers && l->options->video) {
        struct aura_client_track *t = &conf->tracks[conf->track_count++];
        t->layer_count = l->media.layers;
        memcpy(t->clips, l->media.video, sizeof(t->clips));
    }
}

/* Publishers that do not subscribe have the first thread for themselves, so that their packets
 * leave on time however busy the subscribers are. */
static struct load_thread *thread_of(const struct load *l, size_t index) {
    const struct load_options *o = l->options;
    if (o->meeting) {
        return &l->threads[index % l->thread_count];
    }
    bool publish = index < l->publisher_count;
    return &l->threads[publish ? 0 : 1 + (index - l->publisher_count) % o->threads];
}

static int add_participant(struct load *l, size_t index) {
    const struct load_options *o = l->options;
    struct load_participant *p = &l->participants[index];
    bool publish = index < l->publisher_count, subscribe = !publish || o->meeting;
    size_t nth = publish ? index : index - l->publisher_count, room_no = nth % o->rooms;
    char room[NAME_BYTES], identity[NAME_BYTES];
    snprintf(room, sizeof(room), o->rooms > 1 ? "%s-%zu" : "%s", o->room, room_no);
    snprintf(identity, sizeof(identity), "%s-%zu", publish ? "pub" : "sub", nth);
    int err = make_token(p, o, room, identity, publish, subscribe);
    if (err) {
        return err;
    }
    p->thread = thread_of(l, index);
    p->conf.url = &o->url;
    p->conf.token = p->token;
    p->conf.subscribe = subscribe;
    p->conf.dynacast = o->dynacast;
    p->conf.quality = o->quality;
    p->subscriber = subscribe;
    if (publish) {
        add_tracks(p, l);
    }
    size_t each = (size_t)(o->audio && l->media.audio) + (size_t)(o->video && l->media.layers);
    p->expected_streams = subscribe ? each * (o->publishers - publish) : 0;
    return 0;
}

int load_new(struct load *l, const struct load_options *o) {
    memset(l, 0, sizeof(*l));
    l->options = o;
    l->publisher_count = (size_t)(o->publishers * o->rooms);
    l->count = l->publisher_count + (size_t)(o->subscribers * o->rooms);
    l->thread_count = (size_t)o->threads + (o->meeting ? 0 : 1);
    int err = load_media_open(&l->media, o);
    if (err) {
        return err;
    }
    err = aura_dtls_identity_new(&l->identity);
    l->threads = aura_calloc(l->thread_count, sizeof(*l->threads));
    l->participants = aura_calloc(l->count, sizeof(*l->participants));
    if (!l->threads || !l->participants) {
        err = AURA_ENOMEM;
    }
    for (size_t i = 0; !err && i < l->count; i++) {
        err = add_participant(l, i);
    }
    for (size_t i = 0; !err && i < l->thread_count; i++) {
        err = thread_init(l, i);
    }
    if (err) {
        cli_error(NULL, "cannot start: %s", aura_err_text(err));
        load_free(l);
    }
    return err;
}

void load_stop(struct load *l) {
    for (size_t i = 0; l->threads && i < l->thread_count; i++) {
        thread_free(&l->threads[i]);
    }
}

void load_free(struct load *l) {
    load_stop(l);
    for (size_t i = 0; l->participants && i < l->count; i++) {
        aura_free(l->participants[i].token);
    }
    aura_free(l->participants);
    aura_free(l->threads);
    aura_dtls_identity_free(l->identity);
    load_media_close(&l->media);
    memset(l, 0, sizeof(*l));
}

void load_start(struct load_participant *p) {
    aura_loop_post_task(p->thread->on.loop, &p->start, start_client, p);
}

void load_meter(const struct load *l, struct aura_meter *sum) {
    memset(sum, 0, sizeof(*sum));
    for (size_t i = 0; i < l->thread_count; i++) {
        aura_meter_sum(sum, &l->threads[i].on.meter);
    }
}

void load_poll(struct load *l) {
    for (size_t i = 0; i < l->thread_count; i++) {
        aura_loop_post_task(l->threads[i].on.loop, &l->threads[i].poll, on_poll, &l->threads[i]);
    }
    for (size_t i = 0; i < l->thread_count; i++) {
        while (sem_wait(&l->threads[i].done) != 0) {
        }
    }
}
