/* SPDX-License-Identifier: Apache-2.0 */
#include "aicore/grpc_server.h"

#include "base/list.h"
#include "base/mem.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { CONNECTION_AGE_MS = 30000 }; /* give or take a tenth, as the library has it */

/* What the library gives back when an operation is done. Each lives in its call or server. */
enum op { OP_ACCEPT, OP_RECEIVE, OP_SEND, OP_FINISH, OP_CLOSE, OP_SHUTDOWN };

struct tag {
    enum op op;
    void *of;
};

struct answer {
    struct answer *next;
    grpc_byte_buffer *buffer;
};

struct aura_grpc_call {
    atomic_uint refs;
    struct aura_grpc_server *server;
    struct aura_node node;
    grpc_call *call;
    char *peer;
    const struct aura_grpc_method *method;
    void *user;
    struct tag receive, send, finish, close;
    grpc_byte_buffer *incoming;
    int cancelled;

    pthread_mutex_t lock; /* of what follows */
    struct answer *outbox, **outbox_end;
    size_t outbox_len;
    bool headers_sent, sending, finish_wanted, finishing, over;
    enum aura_grpc_status status;
    char *status_text;
};

struct aura_grpc_server {
    grpc_server *server;
    grpc_completion_queue *cq;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    uint16_t port;
    const struct aura_grpc_method *methods;
    struct aura_urgent *urgent;
    struct tag accept, shutdown;
    grpc_call *next_call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    struct aura_list calls; /* of the server's thread */
    size_t call_count;
};

/* ---- calls ---- */

struct aura_grpc_call *aura_grpc_call_ref(struct aura_grpc_call *c) {
    atomic_fetch_add(&c->refs, 1);
    return c;
}

struct aura_grpc_call *aura_grpc_call_unref(struct aura_grpc_call *c) {
    if (c && atomic_fetch_sub(&c->refs, 1) == 1) {
        while (c->outbox) {
            struct answer *a = c->outbox;
            c->outbox = a->next;
            grpc_byte_buffer_destroy(a->buffer);
            aura_free(a);
        }
        grpc_call_unref(c->call);
        gpr_free(c->peer);
        pthread_mutex_destroy(&c->lock);
        aura_free(c->status_text);
        aura_free(c);
    }
    return NULL;
}

const char *aura_grpc_peer(const struct aura_grpc_call *c) {
    return c->peer;
}

/* Each operation under way holds a reference. @return false: the library refused it */
static bool start(struct aura_grpc_call *c, const grpc_op *ops, size_t n, struct tag *tag) {
    aura_grpc_call_ref(c);
    if (grpc_call_start_batch(c->call, ops, n, tag, NULL) != GRPC_CALL_OK) {
        aura_grpc_call_unref(c);
        return false;
    }
    return true;
}

static void receive(struct aura_grpc_call *c) {
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &c->incoming;
    (void)start(c, &op, 1, &c->receive);
}

/* With the lock: sends what is next, one answer at a time as the library wants it. */
static void push(struct aura_grpc_call *c) {
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}};
    size_t n = c->headers_sent ? 0 : 1;
    if (c->sending || c->finishing || c->over) {
        return;
    }
    if (c->outbox) {
        struct answer *a = c->outbox;
        ops[n] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
        ops[n++].data.send_message.send_message = a->buffer;
        c->sending = start(c, ops, n, &c->send);
        c->headers_sent |= c->sending;
        c->over |= !c->sending;
    } else if (c->finish_wanted) {
        grpc_slice text = grpc_slice_from_static_string(c->status_text ? c->status_text : "");
        ops[n] = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
        ops[n].data.send_status_from_server.status = (grpc_status_code)c->status;
        ops[n].data.send_status_from_server.status_details = &text;
        n++;
        c->finishing = start(c, ops, n, &c->finish);
        c->headers_sent |= c->finishing;
        c->over |= !c->finishing;
    }
}

int aura_grpc_send(struct aura_grpc_call *c, const uint8_t *data, size_t len) {
    grpc_slice slice = grpc_slice_from_copied_buffer((const char *)data, len);
    struct answer *a = aura_zalloc(sizeof(*a));
    int err = a ? 0 : AURA_ENOMEM;
    if (a) {
        a->buffer = grpc_raw_byte_buffer_create(&slice, 1);
        pthread_mutex_lock(&c->lock);
        err = c->over || c->finish_wanted             ? AURA_ECLOSED
              : c->outbox_len == AURA_GRPC_OUTBOX_MAX ? AURA_ELIMIT
                                                      : 0;
        if (!err) {
            *c->outbox_end = a;
            c->outbox_end = &a->next;
            c->outbox_len++;
            push(c);
        }
        pthread_mutex_unlock(&c->lock);
    }
    grpc_slice_unref(slice);
    if (err && a) {
        grpc_byte_buffer_destroy(a->buffer);
        aura_free(a);
    }
    return err;
}

void aura_grpc_finish(struct aura_grpc_call *c, enum aura_grpc_status status, const char *text) {
    char *copy = aura_strdup(text); /* without memory the code alone must do */
    pthread_mutex_lock(&c->lock);
    if (!c->finish_wanted) {
        c->finish_wanted = true;
        c->status = status;
        c->status_text = copy;
        copy = NULL;
        push(c);
    }
    pthread_mutex_unlock(&c->lock);
    aura_free(copy);
}

static const struct aura_grpc_method *find_method(const struct aura_grpc_server *s,
                                                  grpc_slice path) {
    const struct aura_grpc_method *m = s->methods;
    while (m->path && grpc_slice_str_cmp(path, m->path) != 0) {
        m++;
    }
    return m->path ? m : NULL;
}

static struct aura_grpc_call *call_new(struct aura_grpc_server *s) {
    struct aura_grpc_call *c = aura_zalloc(sizeof(*c));
    if (!c) {
        return NULL;
    }
    atomic_init(&c->refs, 1);
    c->server = s;
    c->call = s->next_call;
    c->peer = grpc_call_get_peer(c->call);
    c->receive = (struct tag){OP_RECEIVE, c};
    c->send = (struct tag){OP_SEND, c};
    c->finish = (struct tag){OP_FINISH, c};
    c->close = (struct tag){OP_CLOSE, c};
    c->outbox_end = &c->outbox;
    pthread_mutex_init(&c->lock, NULL);
    aura_list_add(&s->calls, &c->node);
    s->call_count++;
    return c;
}

static void begin(struct aura_grpc_server *s) {
    struct aura_grpc_call *c = s->call_count < AURA_GRPC_CALLS_MAX ? call_new(s) : NULL;
    if (!c) {
        grpc_call_cancel_with_status(s->next_call, GRPC_STATUS_RESOURCE_EXHAUSTED,
                                     "too many calls at once", NULL);
        grpc_call_unref(s->next_call);
        return;
    }
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &c->cancelled;
    if (!start(c, &op, 1, &c->close)) {
        grpc_call_cancel(c->call, NULL);
        aura_node_remove(&c->node);
        s->call_count--;
        aura_grpc_call_unref(c);
        return;
    }
    c->method = find_method(s, s->details.method);
    if (!c->method) {
        aura_grpc_finish(c, AURA_GRPC_UNIMPLEMENTED, "no such method");
        return;
    }
    c->user = c->method->open(c->method->arg, c);
    if (c->user) {
        receive(c);
    }
}

/* ---- what comes back from the library, on the server's thread ---- */

static void accept_next(struct aura_grpc_server *s) {
    grpc_call_details_init(&s->details);
    grpc_metadata_array_init(&s->metadata);
    s->next_call = NULL;
    (void)grpc_server_request_call(s->server, &s->next_call, &s->details, &s->metadata, s->cq,
                                   s->cq, &s->accept);
}

static void accepted(struct aura_grpc_server *s, bool ok) {
    if (ok) {
        begin(s);
    }
    grpc_call_details_destroy(&s->details);
    grpc_metadata_array_destroy(&s->metadata);
    if (ok && !atomic_load(&s->stopping)) {
        accept_next(s);
    }
}

static void received(struct aura_grpc_call *c) {
    if (!c->incoming) {
        c->method->message(c->user, c, NULL, 0);
        return;
    }
    grpc_byte_buffer_reader reader;
    if (grpc_byte_buffer_reader_init(&reader, c->incoming)) {
        grpc_slice all = grpc_byte_buffer_reader_readall(&reader);
        c->method->message(c->user, c, GRPC_SLICE_START_PTR(all), GRPC_SLICE_LENGTH(all));
        grpc_slice_unref(all);
        grpc_byte_buffer_reader_destroy(&reader);
    } else {
        aura_grpc_finish(c, AURA_GRPC_INTERNAL, "the message cannot be read");
    }
    grpc_byte_buffer_destroy(c->incoming);
    c->incoming = NULL;
    receive(c);
}

static void sent(struct aura_grpc_call *c, bool ok) {
    pthread_mutex_lock(&c->lock);
    struct answer *a = c->outbox;
    c->outbox = a->next;
    c->outbox_end = c->outbox ? c->outbox_end : &c->outbox;
    c->outbox_len--;
    c->sending = false;
    c->over |= !ok;
    push(c);
    pthread_mutex_unlock(&c->lock);
    grpc_byte_buffer_destroy(a->buffer);
    aura_free(a);
}

/* The client is gone, or has our status. Nothing is sent any more. */
static void closed(struct aura_grpc_call *c) {
    pthread_mutex_lock(&c->lock);
    c->over = true;
    pthread_mutex_unlock(&c->lock);
    if (c->user) {
        c->method->closed(c->user, c);
        c->user = NULL;
    }
    aura_node_remove(&c->node);
    c->server->call_count--;
    aura_grpc_call_unref(c); /* the list's */
}

static void done(const struct tag *tag, bool ok) {
    struct aura_grpc_call *c = tag->of;
    switch (tag->op) {
    case OP_ACCEPT:
        accepted(tag->of, ok);
        return;
    case OP_SHUTDOWN:
        return;
    case OP_RECEIVE:
        if (ok && c->user) {
            received(c);
        } else if (c->incoming) {
            grpc_byte_buffer_destroy(c->incoming);
            c->incoming = NULL;
        }
        break;
    case OP_SEND:
        sent(c, ok);
        break;
    case OP_FINISH:
        break;
    case OP_CLOSE:
        closed(c);
        break;
    }
    aura_grpc_call_unref(c); /* the operation's */
}

static void *serve(void *arg) {
    struct aura_grpc_server *s = arg;
    struct aura_urgent_thread urgent;
    aura_urgent_join(s->urgent, &urgent);
    for (;;) {
        aura_urgent_turn(s->urgent, &urgent);
        grpc_event e = grpc_completion_queue_next(s->cq, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (e.type == GRPC_QUEUE_SHUTDOWN) {
            aura_urgent_leave(s->urgent, &urgent);
            return NULL;
        }
        bool last = ((struct tag *)e.tag)->op == OP_SHUTDOWN;
        done(e.tag, e.success);
        if (last) {
            grpc_completion_queue_shutdown(s->cq);
        }
    }
}

/* ---- the server ---- */

static grpc_server_credentials *credentials(const struct aura_grpc_server_conf *conf) {
    if (!conf->certificate) {
        return grpc_insecure_server_credentials_create();
    }
    grpc_ssl_pem_key_cert_pair pair = {.private_key = conf->key, .cert_chain = conf->certificate};
    return grpc_ssl_server_credentials_create_ex(
        conf->client_ca, &pair, 1,
        conf->client_ca ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                        : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
        NULL);
}

static int open_server(struct aura_grpc_server *s, const struct aura_grpc_server_conf *conf) {
    grpc_arg args[] = {
        /* Whoever is connected asks DNS again only when it connects again: that is how it hears of
         * AI Cores that were added. Calls that run stay on the connection that they are on. */
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)(uintptr_t)GRPC_ARG_MAX_CONNECTION_AGE_MS,
         .value.integer = CONNECTION_AGE_MS},
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)(uintptr_t)GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH,
         .value.integer = (int)conf->message_bytes_max},
        /* Else a second server could share the port, and half of the calls would go there. */
        {.type = GRPC_ARG_INTEGER,
         .key = (char *)(uintptr_t)GRPC_ARG_ALLOW_REUSEPORT,
         .value.integer = 0},
    };
    const grpc_channel_args channel = {.num_args = sizeof(args) / sizeof(*args), .args = args};
    s->server = grpc_server_create(&channel, NULL);
    s->cq = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(s->server, s->cq, NULL);
    grpc_server_credentials *creds = credentials(conf);
    if (!creds) {
        return AURA_EINVAL;
    }
    int port = grpc_server_add_http2_port(s->server, conf->address, creds);
    grpc_server_credentials_release(creds);
    s->port = (uint16_t)port;
    return port ? 0 : AURA_EEXISTS;
}

int aura_grpc_server_new(struct aura_grpc_server **sp, const struct aura_grpc_server_conf *conf) {
    struct aura_grpc_server *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    grpc_init();
    aura_list_init(&s->calls);
    s->methods = conf->methods;
    s->urgent = conf->urgent;
    s->accept = (struct tag){OP_ACCEPT, s};
    s->shutdown = (struct tag){OP_SHUTDOWN, s};
    int err = open_server(s, conf);
    if (!err) {
        grpc_server_start(s->server);
        accept_next(s);
        s->running = pthread_create(&s->thread, NULL, serve, s) == 0;
        err = s->running ? 0 : AURA_ENOMEM;
    }
    if (err) {
        aura_grpc_server_free(s);
        return err;
    }
    *sp = s;
    return 0;
}

uint16_t aura_grpc_server_port(const struct aura_grpc_server *s) {
    return s->port;
}

struct aura_grpc_server *aura_grpc_server_free(struct aura_grpc_server *s) {
    if (!s) {
        return NULL;
    }
    if (!s->running) { /* nobody waits on the queue: here */
        grpc_server_shutdown_and_notify(s->server, s->cq, &s->shutdown);
        (void)serve(s);
    } else {
        atomic_store(&s->stopping, true);
        grpc_server_shutdown_and_notify(s->server, s->cq, &s->shutdown);
        grpc_server_cancel_all_calls(s->server);
        pthread_join(s->thread, NULL);
    }
    grpc_server_destroy(s->server);
    grpc_completion_queue_destroy(s->cq);
    aura_free(s);
    grpc_shutdown();
    return NULL;
}
