/* SPDX-License-Identifier: Apache-2.0 */
/* The public client library: a call's life. */
#include "base/mem.h"
#include "client/call_priv.h"

#include <stdio.h>
#include <string.h>

const char *aura_call_error_text(int err) {
    return aura_err_text(err);
}

/* ---- on the call's thread ---- */

static void on_start(void *arg) {
    aura__call_join(arg);
}

static void on_leave(void *arg) {
    aura__call_leave(arg);
    aura__call_listen_end(arg);
}

static uint64_t count_of(const aura_count *c) {
    return aura_count_get(c);
}

static void look(struct aura_call *call) {
    const struct aura_meter *m = &call->on.meter;
    struct aura_call_stats *s = &call->stats;
    pthread_mutex_lock(&call->lock);
    s->plis = count_of(&m->plis);
    s->nacks = count_of(&m->nacks);
    s->repaired = count_of(&m->repaired);
    s->missing = count_of(&m->missing);
    s->reconnects = call->retry.count;
    snprintf(s->identity, sizeof(s->identity), "%s", call->watch.identity);
    snprintf(s->track, sizeof(s->track), "%s", call->watch.track);
    aura__call_send_stats(call, s);
    aura__call_listen_stats(call, s);
    s->rtt_us = call->client ? aura_client_rtt_us(call->client) : 0;
    pthread_mutex_unlock(&call->lock);
}

static void on_look(void *arg) {
    struct aura_call *call = arg;
    look(call);
    sem_post(&call->looked);
}

/* ---- from outside ---- */

static int copy_text(char **to, const char *from) {
    *to = from ? aura_strdup(from) : NULL;
    return from && !*to ? AURA_ENOMEM : 0;
}

static int copy_conf(struct aura_call *call, const struct aura_call_conf *conf) {
    call->conf = *conf;
    int err = copy_text(&call->token, conf->token);
    err = err ? err : copy_text(&call->ai_core, conf->ai_core);
    err = err ? err : copy_text(&call->watch_identity, conf->watch_identity);
    err = err ? err : copy_text(&call->watch_track, conf->watch_track);
    err = err ? err : copy_text(&call->listen_track, conf->listen_track);
    err = err ? err : aura_client_url_parse(&call->url, conf->url);
    /* Frames in the clear stay on this machine. */
    return !err && conf->ai_core && !aura_aic_address_is_near(conf->ai_core) ? AURA_EPOLICY : err;
}

static int open_core(struct aura_call *call) {
    const struct aura_aic_core_conf conf = {.address = call->ai_core};
    return call->ai_core ? aura_aic_core_new(&call->core, &conf) : 0;
}

int aura_call_new(struct aura_call **out, const struct aura_call_conf *conf,
                  const struct aura_call_handlers *handlers, void *arg) {
    if (!conf->url || !conf->token) {
        return AURA_EINVAL;
    }
    struct aura_call *call = aura_zalloc(sizeof(*call));
    if (!call) {
        return AURA_ENOMEM;
    }
    call->handlers = *handlers;
    call->arg = arg;
    call->queue_end = &call->queue;
    call->stats.vmaf = -1;
    pthread_mutex_init(&call->lock, NULL);
    sem_init(&call->looked, 0, 0);
    int err = copy_conf(call, conf);
    err = err ? err : aura_dtls_identity_new(&call->identity);
    err = err ? err : open_core(call);
    err = err ? err : aura__call_watch_init(call);
    err = err ? err : aura__call_listen_init(call);
    if (err) {
        aura_call_free(call);
        return err;
    }
    *out = call;
    return 0;
}

static void fill_conf(struct aura_call *call) {
    struct aura_client_conf *c = &call->client_conf;
    *c = (struct aura_client_conf){.url = &call->url,
                                   .token = call->token,
                                   .subscribe = call->conf.watch || call->conf.listen,
                                   .track_count = call->track_count};
    if (c->subscribe) {
        c->quality = AURA_CLIENT_QUALITY_HIGH;
        c->watch =
            (struct aura_receiver_watch){.wants = aura__call_wants,
                                         .frame = aura__call_frame_in,
                                         .sound = call->conf.listen ? aura__call_sound_in : NULL,
                                         .arg = call};
    }
    for (size_t i = 0; i < call->track_count; i++) {
        aura__call_track_conf(&call->tracks[i], &c->tracks[i]);
    }
}

int aura_call_connect(struct aura_call *call) {
    if (call->on.loop) {
        return AURA_ESTATE;
    }
    fill_conf(call);
    const struct aura_client_thread_conf conf = {.tls = !call->url.tls ? AURA_SIGNAL_PLAIN
                                                        : call->conf.insecure
                                                            ? AURA_SIGNAL_TLS_ANYONE
                                                            : AURA_SIGNAL_TLS,
                                                 .sharing = 1,
                                                 .rand = aura_rand_system(),
                                                 .identity = call->identity};
    int err = aura_client_thread_start(&call->on, &conf);
    if (err) {
        aura_client_thread_end(&call->on, on_leave, call);
        return err;
    }
    aura_loop_post_task(call->on.loop, &call->start, on_start, call);
    return 0;
}

void aura_call_stats(struct aura_call *call, struct aura_call_stats *out) {
    if (call->on.running) {
        aura_loop_post_task(call->on.loop, &call->look, on_look, call);
        while (sem_wait(&call->looked) != 0) {
        }
    } else {
        look(call);
    }
    pthread_mutex_lock(&call->lock);
    *out = call->stats;
    pthread_mutex_unlock(&call->lock);
}

void aura_call_free(struct aura_call *call) {
    if (!call) {
        return;
    }
    /* Senders first: nothing is handed to the thread after that. */
    for (size_t i = 0; i < call->track_count; i++) {
        call->tracks[i].sender = aura_sender_free(call->tracks[i].sender);
        call->tracks[i].speaker = aura_speaker_free(call->tracks[i].speaker);
    }
    aura_client_thread_end(&call->on, on_leave, call);
    aura_aic_core_free(call->core);
    aura__call_watch_end(call);
    aura_listen_free(call->listen.line);
    for (struct aura__call_frame *f = call->queue, *next; f; f = next) {
        next = f->next;
        aura_free(f);
    }
    aura_dtls_identity_free(call->identity);
    if (call->token) {
        aura_wipe(call->token, strlen(call->token));
    }
    aura_free(call->token);
    aura_free(call->ai_core);
    aura_free(call->watch_identity);
    aura_free(call->watch_track);
    aura_free(call->listen_track);
    sem_destroy(&call->looked);
    pthread_mutex_destroy(&call->lock);
    aura_free(call);
}
