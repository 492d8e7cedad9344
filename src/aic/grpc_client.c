/* SPDX-License-Identifier: Apache-2.0 */
#include "aic/grpc_client.h"

#include "base/mem.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    KEEPALIVE_MS = 2000, /* a peer that is gone without a word is noticed after two of these */
    RECONNECT_MIN_MS = 200,
    RECONNECT_MAX_MS = 2000,
    LOOK_UP_MIN_MS = 5000, /* between two questions to DNS; the library's own is half a minute */
};

enum op { OP_START, OP_RECEIVE, OP_SEND, OP_FINISH, OP_STATUS };

struct tag {
    enum op op;
    struct aura_grpc_stream *stream;
};

struct outgoing {
    struct outgoing *next;
    grpc_byte_buffer *buffer;
};

struct aura_grpc_stream {
    atomic_uint refs; /* the owner's, and one for each operation under way */
    struct aura_grpc_client *client;
    grpc_call *call;
    struct aura_grpc_stream_handlers handlers;
    void *arg;
    struct tag start, receive, send, finish, status_tag;
    grpc_metadata_array headers, trailers;
    grpc_byte_buffer *incoming;
    grpc_status_code status;
    grpc_slice status_text;

    pthread_mutex_t lock; /* of what follows */
    struct outgoing *outbox, **outbox_end;
    size_t outbox_len;
    bool sending, finish_wanted, finishing, over;
};

struct aura_grpc_client {
    grpc_channel *channel;
    grpc_completion_queue *cq;
    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    size_t streams; /* that have not ended */
};

static void unref(struct aura_grpc_stream *s) {
    if (atomic_fetch_sub(&s->refs, 1) > 1) {
        return;
    }
    while (s->outbox) {
        struct outgoing *o = s->outbox;
        s->outbox = o->next;
        grpc_byte_buffer_destroy(o->buffer);
        aura_free(o);
    }
    grpc_metadata_array_destroy(&s->headers);
    grpc_metadata_array_destroy(&s->trailers);
    grpc_slice_unref(s->status_text);
    if (s->call) {
        grpc_call_unref(s->call);
    }
    pthread_mutex_destroy(&s->lock);
    aura_free(s);
}

static bool start(struct aura_grpc_stream *s, const grpc_op *ops, size_t n, struct tag *tag) {
    atomic_fetch_add(&s->refs, 1);
    if (grpc_call_start_batch(s->call, ops, n, tag, NULL) != GRPC_CALL_OK) {
        unref(s);
        return false;
    }
    return true;
}

static void receive(struct aura_grpc_stream *s) {
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &s->incoming;
    pthread_mutex_lock(&s->lock);
    if (!s->over) {
        (void)start(s, &op, 1, &s->receive);
    }
    pthread_mutex_unlock(&s->lock);
}

/* With the lock: one message at a time, as the library wants it. */
static void push(struct aura_grpc_stream *s) {
    if (s->sending || s->finishing || s->over) {
        return;
    }
    if (s->outbox) {
        grpc_op op = {.op = GRPC_OP_SEND_MESSAGE};
        op.data.send_message.send_message = s->outbox->buffer;
        s->sending = start(s, &op, 1, &s->send);
        s->over |= !s->sending;
    } else if (s->finish_wanted) {
        const grpc_op op = {.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
        s->finishing = start(s, &op, 1, &s->finish);
    }
}

int aura_grpc_stream_send(struct aura_grpc_stream *s, const uint8_t *data, size_t len) {
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)data, len);
    struct outgoing *o = aura_zalloc(sizeof(*o));
    int err = o ? 0 : AURA_ENOMEM;
    if (o) {
        o->buffer = grpc_raw_byte_buffer_create(&slice, 1);
        pthread_mutex_lock(&s->lock);
        err = s->over || s->finish_wanted                    ? AURA_ECLOSED
              : s->outbox_len == AURA_GRPC_STREAM_OUTBOX_MAX ? AURA_ELIMIT
                                                             : 0;
        if (!err) {
            *s->outbox_end = o;
            s->outbox_end = &o->next;
            s->outbox_len++;
            push(s);
        }
        pthread_mutex_unlock(&s->lock);
    }
    grpc_slice_unref(slice);
    if (err && o) {
        grpc_byte_buffer_destroy(o->buffer);
        aura_free(o);
    }
    return err;
}

void aura_grpc_stream_finish(struct aura_grpc_stream *s) {
    pthread_mutex_lock(&s->lock);
    s->finish_wanted = true;
    push(s);
    pthread_mutex_unlock(&s->lock);
}

void aura_grpc_stream_cancel(struct aura_grpc_stream *s) {
    pthread_mutex_lock(&s->lock);
    bool over = s->over;
    pthread_mutex_unlock(&s->lock);
    if (!over) {
        (void)grpc_call_cancel(s->call, NULL);
    }
}

struct aura_grpc_stream *aura_grpc_stream_free(struct aura_grpc_stream *s) {
    if (s) {
        aura_grpc_stream_cancel(s);
        unref(s);
    }
    return NULL;
}

static void count(struct aura_grpc_client *c, int more) {
    pthread_mutex_lock(&c->lock);
    c->streams += (size_t)more;
    if (!c->streams) {
        pthread_cond_signal(&c->idle);
    }
    pthread_mutex_unlock(&c->lock);
}

int aura_grpc_stream_open(struct aura_grpc_stream **sp, struct aura_grpc_client *c,
                          const char *method, const struct aura_grpc_stream_handlers *handlers,
                          void *arg) {
    struct aura_grpc_stream *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    atomic_init(&s->refs, 1);
    s->client = c;
    s->handlers = *handlers;
    s->arg = arg;
    s->start = (struct tag){OP_START, s};
    s->receive = (struct tag){OP_RECEIVE, s};
    s->send = (struct tag){OP_SEND, s};
    s->finish = (struct tag){OP_FINISH, s};
    s->status_tag = (struct tag){OP_STATUS, s};
    s->outbox_end = &s->outbox;
    s->status_text = grpc_empty_slice();
    grpc_metadata_array_init(&s->headers);
    grpc_metadata_array_init(&s->trailers);
    pthread_mutex_init(&s->lock, NULL);
    grpc_slice path = grpc_slice_from_copied_string(method);
    s->call = grpc_channel_create_call(c->channel, NULL, GRPC_PROPAGATE_DEFAULTS, c->cq, path, NULL,
                                       gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
    grpc_slice_unref(path);
    grpc_op begin[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA},
                        {.op = GRPC_OP_RECV_INITIAL_METADATA}};
    grpc_op end = {.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    begin[1].data.recv_initial_metadata.recv_initial_metadata = &s->headers;
    end.data.recv_status_on_client.trailing_metadata = &s->trailers;
    end.data.recv_status_on_client.status = &s->status;
    end.data.recv_status_on_client.status_details = &s->status_text;
    /* `closed` must come for what is handed out: the status is asked for first. */
    count(c, 1);
    if (!start(s, &end, 1, &s->status_tag)) {
        count(c, -1);
        unref(s);
        return AURA_ENOMEM;
    }
    *sp = s;
    if (start(s, begin, 2, &s->start)) {
        receive(s);
    } else {
        (void)grpc_call_cancel(s->call, NULL);
    }
    return 0;
}

/* ---- what comes back, on the client's thread ---- */

static void received(struct aura_grpc_stream *s) {
    grpc_byte_buffer_reader reader;
    if (!s->incoming) {
        return; /* the last one was before */
    }
    if (grpc_byte_buffer_reader_init(&reader, s->incoming)) {
        grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
        s->handlers.message(s->arg, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
        grpc_slice_unref(all);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(s->incoming);
    s->incoming = NULL;
    receive(s);
}

static void sent(struct aura_grpc_stream *s, bool ok) {
    pthread_mutex_lock(&s->lock);
    struct outgoing *o = s->outbox;
    s->outbox = o->next;
    s->outbox_end = s->outbox ? s->outbox_end : &s->outbox;
    s->outbox_len--;
    s->sending = false;
    s->over |= !ok;
    push(s);
    pthread_mutex_unlock(&s->lock);
    grpc_byte_buffer_destroy(o->buffer);
    aura_free(o);
}

static void ended(struct aura_grpc_stream *s) {
    char text[256];
    size_t n = GRPC_SLICE_LENGTH(s->status_text);
    n = n < sizeof(text) ? n : sizeof(text) - 1;
    memcpy(text, GRPC_SLICE_START_PTR(s->status_text), n);
    text[n] = 0;
    pthread_mutex_lock(&s->lock);
    s->over = true;
    pthread_mutex_unlock(&s->lock);
    s->handlers.closed(s->arg, (int)s->status, text);
    count(s->client, -1);
}

static void done(const struct tag *tag, bool ok) {
    struct aura_grpc_stream *s = tag->stream;
    switch (tag->op) {
    case OP_RECEIVE:
        if (ok) {
            received(s);
        }
        break;
    case OP_SEND:
        sent(s, ok);
        break;
    case OP_STATUS:
        ended(s);
        break;
    case OP_START:
    case OP_FINISH:
        break;
    }
    unref(s);
}

static void *run(void *arg) {
    struct aura_grpc_client *c = arg;
    for (;;) {
        grpc_event e = grpc_completion_queue_next(c->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (e.type == GRPC_QUEUE_SHUTDOWN) {
            return NULL;
        }
        done(e.tag, e.success);
    }
}

/* ---- the client ---- */

static grpc_arg number(const char *key, int value) {
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key, .value.integer = value};
}

static int open_channel(struct aura_grpc_client *c, const struct aura_grpc_client_conf *conf) {
    grpc_arg args[] = {
        number(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)conf->message_bytes_max),
        number(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
        number(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_MS),
        number(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        number(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_MIN_MS),
        number(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, RECONNECT_MIN_MS),
        number(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MAX_MS),
        number(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, LOOK_UP_MIN_MS),
        /* A name with several addresses is several AI Cores: each stream goes to the next one. The
         * library's own choice is the first that answers, for all. */
        {.type = GRPC_ARG_STRING,
         .key = (char *)(uintptr_t)GRPC_ARG_LB_POLICY_NAME,
         .value.string = (char *)(uintptr_t) "round_robin"},
    };
    const grpc_channel_args channel = {.num_args = sizeof(args) / sizeof(*args), .args = args};
    grpc_ssl_pem_key_cert_pair pair = {.private_key = conf->key, .cert_chain = conf->certificate};
    grpc_channel_credentials *creds =
        conf->ca
            ? grpc_ssl_credentials_create_ex(conf->ca, conf->certificate ? &pair : NULL, NULL, NULL)
            : grpc_insecure_credentials_create();
    if (!creds) {
        return AURA_EINVAL;
    }
    c->channel = grpc_channel_create(conf->address, creds, &channel);
    grpc_channel_credentials_release(creds);
    return c->channel ? 0 : AURA_EINVAL;
}

int aura_grpc_client_new(struct aura_grpc_client **cp, const struct aura_grpc_client_conf *conf) {
    struct aura_grpc_client *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return AURA_ENOMEM;
    }
    grpc_init();
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->idle, NULL);
    c->cq = grpc_completion_queue_create_for_next(NULL);
    int err = open_channel(c, conf);
    if (!err) {
        c->running = pthread_create(&c->thread, NULL, run, c) == 0;
        err = c->running ? 0 : AURA_ENOMEM;
    }
    if (err) {
        aura_grpc_client_free(c);
        return err;
    }
    *cp = c;
    return 0;
}

struct aura_grpc_client *aura_grpc_client_free(struct aura_grpc_client *c) {
    if (c) {
        /* Nothing may be begun on a queue that shuts down: their ends are waited for. */
        pthread_mutex_lock(&c->lock);
        while (c->streams) {
            pthread_cond_wait(&c->idle, &c->lock);
        }
        pthread_mutex_unlock(&c->lock);
        if (c->channel) {
            grpc_channel_destroy(c->channel);
        }
        grpc_completion_queue_shutdown(c->cq);
        if (c->running) {
            pthread_join(c->thread, NULL);
        } else {
            (void)run(c);
        }
        grpc_completion_queue_destroy(c->cq);
        pthread_cond_destroy(&c->idle);
        pthread_mutex_destroy(&c->lock);
        aura_free(c);
        grpc_shutdown();
    }
    return NULL;
}
