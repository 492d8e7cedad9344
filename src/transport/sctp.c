/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sctp.h"

#include "base/buf.h"
#include "base/mem.h"
#include "transport/sctp_channels.h"
#include "transport/sctp_dcep.h"
#include "transport/sctp_priv.h"

#include <string.h>

enum {
    DEFAULT_PORT = 5000,
    DEFAULT_MESSAGE = 65535,
    ASSEMBLIES_MAX = 4, /* messages that are being put together from parts at the same time */
};

struct queued {
    struct aura_node node;
    uint32_t ppid;
    size_t len; /* as the user counts it: 0 for the empty message, whose wire form is one byte */
    uint8_t data[];
};

struct channel {
    struct aura_list queue;
    size_t bytes;
    bool refused; /* AURA_EAGAIN was returned: data_drained is owed */
};

/* A message that came in parts; only very long ones do. */
struct assembly {
    bool used, too_long;
    uint16_t stream;
    struct aura_buf buf;
};

struct aura_sctp {
    struct aura__assoc *assoc;
    struct aura_sctp_handlers handlers;
    void *arg;
    struct aura_sctp_conf conf;
    struct aura__channels channels;
    struct channel out[AURA_DATA_CHANNELS];
    struct assembly assemblies[ASSEMBLIES_MAX];
    struct aura_list control; /* DCEP messages that wait for room, of struct control */
    bool up, closed, down;
};

struct control {
    struct aura_node node;
    uint16_t stream;
    size_t len;
    uint8_t data[];
};

/* What a queued message counts for: short ones cost memory too. */
static size_t cost_of(size_t len) {
    return len + sizeof(struct queued);
}

static void flush(struct aura_sctp *s) {
    struct aura__assoc_packet *p;
    while ((p = aura__assoc_next_packet(s->assoc))) {
        s->handlers.send(s->arg, p->data, p->len);
        aura_free(p);
    }
}

static int send_control(struct aura_sctp *s) {
    AURA_LIST_EACH(&s->control, struct control, c, node) {
        struct aura__assoc_message m = {
            .stream = c->stream, .ppid = AURA__PPID_DCEP, .data = c->data, .len = c->len};
        int err = aura__assoc_send(s->assoc, &m);
        if (err) {
            return err;
        }
        aura_node_remove(&c->node);
        aura_free(c);
    }
    return 0;
}

/* At most one OPEN and one ACK for each stream are ever queued. */
static void queue_control(struct aura_sctp *s, int stream, const uint8_t *data, size_t len) {
    struct control *c = aura_zalloc(sizeof(*c) + len);
    if (c) { /* without it the peer will not see the channel open; it can try again */
        c->stream = (uint16_t)stream;
        c->len = len;
        memcpy(c->data, data, len);
        aura_list_add(&s->control, &c->node);
    }
}

static void open_channel(struct aura_sctp *s, enum aura_data_channel channel) {
    uint8_t data[AURA_DCEP_MAX];
    size_t len = 0;
    const char *label = aura__channel_label(channel);
    struct aura_dcep_open open = {.label = label, .label_len = strlen(label), .protocol = ""};
    open.unordered = aura__channel_lossy(channel);
    open.reliability = aura__channel_lossy(channel) ? AURA_DCEP_REXMIT : AURA_DCEP_RELIABLE;
    int stream = aura__channels_begin(&s->channels, channel, s->conf.dtls_client);
    if (stream >= 0 && aura_dcep_build_open(&open, data, sizeof(data), &len) == 0) {
        queue_control(s, stream, data, len);
    }
}

static int send_message(struct aura_sctp *s, enum aura_data_channel channel, int stream,
                        uint32_t ppid, const uint8_t *data, size_t len) {
    struct aura__assoc_message m = {.stream = (uint16_t)stream,
                                    .ppid = ppid,
                                    .unordered = aura__channel_lossy(channel),
                                    .unreliable = aura__channel_lossy(channel),
                                    .data = data,
                                    .len = len};
    return aura__assoc_send(s->assoc, &m);
}

static bool drain_one(struct aura_sctp *s, enum aura_data_channel channel) {
    struct channel *c = &s->out[channel];
    struct queued *q = AURA_LIST_FIRST(&c->queue, struct queued, node);
    int stream = aura__channels_stream(&s->channels, channel);
    if (!q || stream < 0 ||
        send_message(s, channel, stream, q->ppid, q->data, q->len ? q->len : 1) == AURA_EAGAIN) {
        return false;
    }
    aura_node_remove(&q->node);
    c->bytes -= cost_of(q->len);
    aura_free(q);
    return true;
}

/* One message of each channel in turn, so that none starves. */
static void drain(struct aura_sctp *s) {
    bool any = s->up && send_control(s) == 0;
    while (any && !s->closed) {
        any = false;
        for (int i = 0; i < AURA_DATA_CHANNELS; i++) {
            any |= drain_one(s, (enum aura_data_channel)i);
        }
    }
    flush(s);
    for (int i = 0; i < AURA_DATA_CHANNELS && !s->closed; i++) {
        if (s->out[i].refused && s->out[i].bytes <= AURA_SCTP_BUFFER_LOW) {
            s->out[i].refused = false;
            s->handlers.data_drained(s->arg, (enum aura_data_channel)i);
        }
    }
}

static void announce(struct aura_sctp *s, enum aura_data_channel channel) {
    if (channel != AURA_DATA_CHANNELS && !s->closed) {
        s->handlers.data_open(s->arg, channel);
    }
}

static void on_up(struct aura_sctp *s) {
    s->up = true;
    if (s->conf.negotiated) {
        aura__channels_negotiated(&s->channels);
    }
    for (int i = 0; i < AURA_DATA_CHANNELS && !s->closed; i++) {
        if (s->conf.negotiated) {
            announce(s, (enum aura_data_channel)i);
        } else if (s->conf.open_channels) {
            open_channel(s, (enum aura_data_channel)i);
        }
    }
}

static void on_message(struct aura_sctp *s, uint16_t stream, uint32_t ppid, const uint8_t *data,
                       size_t len) {
    enum aura_data_channel opened = AURA_DATA_CHANNELS;
    if (ppid == AURA__PPID_DCEP) {
        static const uint8_t ack[] = {AURA_DCEP_ACK};
        if (aura__channels_dcep(&s->channels, stream, data, len, &opened)) {
            queue_control(s, stream, ack, sizeof(ack));
        }
        announce(s, opened);
        return;
    }
    if (ppid == AURA__PPID_STRING_EMPTY || ppid == AURA__PPID_BINARY_EMPTY) {
        len = 0;
    } else if (ppid != AURA__PPID_STRING && ppid != AURA__PPID_BINARY) {
        return;
    }
    enum aura_data_channel channel = aura__channels_data(&s->channels, stream, &opened);
    announce(s, opened);
    if (channel != AURA_DATA_CHANNELS && !s->closed) {
        s->handlers.data(s->arg, channel, data, len);
    }
}

static struct assembly *find_assembly(struct aura_sctp *s, uint16_t stream, bool make) {
    struct assembly *free_one = NULL;
    for (size_t i = 0; i < ASSEMBLIES_MAX; i++) {
        struct assembly *a = &s->assemblies[i];
        if (a->used && a->stream == stream) {
            return a;
        }
        if (!a->used) {
            free_one = a;
        }
    }
    if (!make || !free_one) {
        return NULL;
    }
    *free_one = (struct assembly){.used = true, .stream = stream};
    free_one->buf = AURA_BUF(s->conf.max_receive_bytes);
    return free_one;
}

static void end_assembly(struct assembly *a) {
    if (a) {
        aura_buf_free(&a->buf);
        a->used = false;
    }
}

static void on_data(struct aura_sctp *s, const struct aura__assoc_event *e) {
    struct assembly *a = find_assembly(s, e->stream, !e->last);
    if (!a) {
        if (e->last && e->len <= s->conf.max_receive_bytes) {
            on_message(s, e->stream, e->ppid, e->data, e->len);
        }
        return;
    }
    /* Too long, or no memory: the buffer remembers it and the message is dropped at its end. */
    (void)aura_buf_add(&a->buf, e->data, e->len);
    if (e->last) {
        struct aura_buf whole = a->buf;
        a->buf = AURA_BUF(0);
        a->used = false;
        if (!whole.err) {
            on_message(s, e->stream, e->ppid, whole.data, whole.len);
        }
        aura_buf_free(&whole);
    }
}

static void on_event(struct aura_sctp *s, const struct aura__assoc_event *e) {
    switch (e->kind) {
    case AURA__ASSOC_UP:
        on_up(s);
        break;
    case AURA__ASSOC_DOWN:
        if (!s->down) {
            s->down = true;
            s->up = false;
            s->handlers.closed(s->arg);
        }
        break;
    case AURA__ASSOC_DATA:
        on_data(s, e);
        break;
    case AURA__ASSOC_RESET:
        end_assembly(find_assembly(s, e->stream, false));
        if (aura__channels_reset(&s->channels, e->stream)) {
            aura__assoc_reset(s->assoc, e->stream);
        }
        break;
    case AURA__ASSOC_PARTIAL:
        end_assembly(find_assembly(s, e->stream, false));
        break;
    }
}

static void work(void *arg) {
    struct aura_sctp *s = arg;
    struct aura__assoc_event *e;
    flush(s);
    while (!s->closed && (e = aura__assoc_next_event(s->assoc))) {
        on_event(s, e);
        aura__assoc_event_free(e);
    }
    if (!s->closed) {
        drain(s);
    }
}

int aura_sctp_new(struct aura_sctp **sp, const struct aura_sctp_conf *conf,
                  const struct aura_sctp_handlers *handlers, void *arg) {
    struct aura_sctp *s = aura_zalloc(sizeof(*s));
    if (!s) {
        return AURA_ENOMEM;
    }
    s->conf = *conf;
    s->handlers = *handlers;
    s->arg = arg;
    aura_list_init(&s->control);
    for (int i = 0; i < AURA_DATA_CHANNELS; i++) {
        aura_list_init(&s->out[i].queue);
    }
    if (s->conf.max_receive_bytes == 0) {
        s->conf.max_receive_bytes = DEFAULT_MESSAGE;
    }
    if (s->conf.max_receive_bytes > AURA_SCTP_MESSAGE_MAX) {
        s->conf.max_receive_bytes = AURA_SCTP_MESSAGE_MAX;
    }
    if (s->conf.max_send_bytes == 0 || s->conf.max_send_bytes > AURA_SCTP_MESSAGE_MAX) {
        s->conf.max_send_bytes = AURA_SCTP_MESSAGE_MAX;
    }
    struct aura__assoc_conf assoc = {.timers = conf->timers,
                                     .local_port = conf->local_port,
                                     .remote_port = conf->remote_port,
                                     .message_bytes = s->conf.max_send_bytes,
                                     .work = work,
                                     .arg = s};
    assoc.local_port = assoc.local_port ? assoc.local_port : DEFAULT_PORT;
    assoc.remote_port = assoc.remote_port ? assoc.remote_port : DEFAULT_PORT;
    /* The INIT is sent by the first tick: no callback from inside. */
    int err = aura__assoc_new(&s->assoc, &assoc);
    if (err) {
        aura_free(s);
        return err;
    }
    *sp = s;
    return 0;
}

void aura_sctp_close(struct aura_sctp *s) {
    if (!s->closed) {
        s->closed = true;
        aura__assoc_close(s->assoc);
        flush(s);
    }
}

struct aura_sctp *aura_sctp_free(struct aura_sctp *s) {
    if (!s) {
        return NULL;
    }
    aura_sctp_close(s);
    aura__assoc_free(s->assoc);
    AURA_LIST_EACH(&s->control, struct control, c, node) {
        aura_node_remove(&c->node);
        aura_free(c);
    }
    for (int i = 0; i < AURA_DATA_CHANNELS; i++) {
        AURA_LIST_EACH(&s->out[i].queue, struct queued, q, node) {
            aura_node_remove(&q->node);
            aura_free(q);
        }
    }
    for (size_t i = 0; i < ASSEMBLIES_MAX; i++) {
        end_assembly(&s->assemblies[i]);
    }
    aura_free(s);
    return NULL;
}

void aura_sctp_recv(struct aura_sctp *s, const uint8_t *packet, size_t len) {
    if (!s->closed) {
        aura__assoc_input(s->assoc, packet, len);
        work(s);
    }
}

static int queue_message(struct channel *c, uint32_t ppid, const uint8_t *data, size_t len) {
    struct queued *q = aura_zalloc(sizeof(*q) + len + 1);
    if (!q) {
        return AURA_ENOMEM;
    }
    q->ppid = ppid;
    q->len = len;
    if (len) {
        memcpy(q->data, data, len);
    }
    aura_list_add(&c->queue, &q->node);
    c->bytes += cost_of(len);
    return 0;
}

int aura_sctp_send(struct aura_sctp *s, enum aura_data_channel channel, const uint8_t *data,
                   size_t len) {
    static const uint8_t empty[1];
    if (s->closed || !aura_sctp_open(s, channel)) {
        return AURA_ESTATE;
    }
    if (len > s->conf.max_send_bytes) {
        return AURA_ELIMIT;
    }
    struct channel *c = &s->out[channel];
    if (c->bytes + cost_of(len) > AURA_SCTP_BUFFER_MAX) {
        c->refused = true;
        return AURA_EAGAIN;
    }
    uint32_t ppid = len ? AURA__PPID_BINARY : AURA__PPID_BINARY_EMPTY;
    int err = AURA_EAGAIN;
    if (aura_list_empty(&c->queue)) {
        int stream = aura__channels_stream(&s->channels, channel);
        err = send_message(s, channel, stream, ppid, len ? data : empty, len ? len : 1);
    }
    if (err == AURA_EAGAIN) {
        err = queue_message(c, ppid, data, len);
    }
    flush(s);
    return err;
}

bool aura_sctp_open(const struct aura_sctp *s, enum aura_data_channel channel) {
    return s->up && aura__channels_stream(&s->channels, channel) >= 0;
}

size_t aura_sctp_buffered(const struct aura_sctp *s, enum aura_data_channel channel) {
    return s->out[channel].bytes;
}

uint32_t aura_sctp_rtt_us(const struct aura_sctp *s) {
    return s->closed ? 0 : aura__assoc_rtt_us(s->assoc);
}
