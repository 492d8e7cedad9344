/* SPDX-License-Identifier: Apache-2.0 */
/* The service and our own client of it over loopback: what the Python tests cannot see, such as
 * that nothing is left when either side goes in the middle. */
#include "aic/grpc_client.h"
#include "aicore.pb-c.h"
#include "aicore/service.h"
#include "harness.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef Auralink__Aicore__V1__CompressRequest request_t;
typedef Auralink__Aicore__V1__CompressResponse response_t;

enum { WIDTH = 64, HEIGHT = 64, BYTES = WIDTH * HEIGHT * 3 / 2, UNAVAILABLE = 14, CANCELLED = 1 };

static const char method[] = "/auralink.aicore.v1.AICore/CompressStream";

struct seen {
    pthread_mutex_t lock;
    pthread_cond_t news;
    size_t answers, closed;
    uint32_t last_timestamp;
    bool out_of_order;
    int status;
};

struct rig {
    struct aura_aicore *core;
    struct aura_grpc_client *client;
    struct seen seen;
    char address[32];
};

static void on_message(void *arg, const uint8_t *data, size_t len) {
    struct seen *s = arg;
    response_t *r = auralink__aicore__v1__compress_response__unpack(NULL, len, data);
    pthread_mutex_lock(&s->lock);
    s->out_of_order |= !r || r->rtp_timestamp != s->last_timestamp + 1;
    s->last_timestamp = r ? r->rtp_timestamp : 0;
    s->answers++;
    pthread_cond_signal(&s->news);
    pthread_mutex_unlock(&s->lock);
    if (r) {
        auralink__aicore__v1__compress_response__free_unpacked(r, NULL);
    }
}

static void on_closed(void *arg, int status, const char *text) {
    struct seen *s = arg;
    (void)text;
    pthread_mutex_lock(&s->lock);
    s->closed++;
    s->status = status;
    pthread_cond_signal(&s->news);
    pthread_mutex_unlock(&s->lock);
}

static const struct aura_grpc_stream_handlers handlers = {on_message, on_closed};

static void start_core(struct rig *r, const char *address) {
    const struct aura_aicore_conf conf = {.address = address, .threads = 2, .opens_per_s = 10000};
    assert_int_equal(aura_aicore_new(&r->core, &conf, aura_clock_system()), 0);
}

static void rig_start(struct rig *r) {
    *r = (struct rig){.core = NULL};
    pthread_mutex_init(&r->seen.lock, NULL);
    pthread_cond_init(&r->seen.news, NULL);
    start_core(r, "127.0.0.1:0");
    snprintf(r->address, sizeof(r->address), "127.0.0.1:%u", aura_aicore_port(r->core));
    const struct aura_grpc_client_conf conf = {.address = r->address, .message_bytes_max = 1 << 20};
    assert_int_equal(aura_grpc_client_new(&r->client, &conf), 0);
}

static void rig_stop(struct rig *r) {
    r->client = aura_grpc_client_free(r->client);
    r->core = aura_aicore_free(r->core);
    pthread_cond_destroy(&r->seen.news);
    pthread_mutex_destroy(&r->seen.lock);
}

static void wait_for(struct seen *s, const size_t *what, size_t count) {
    pthread_mutex_lock(&s->lock);
    while (*what < count) {
        pthread_cond_wait(&s->news, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
}

static int send_picture(struct aura_grpc_stream *stream, uint32_t timestamp) {
    uint8_t pixels[BYTES], packed[BYTES + 64];
    request_t q = AURALINK__AICORE__V1__COMPRESS_REQUEST__INIT;
    memset(pixels, (int)timestamp, sizeof(pixels));
    q.frame = (ProtobufCBinaryData){.len = sizeof(pixels), .data = pixels};
    q.codec = AURALINK__AICORE__V1__CODEC__CODEC_I420;
    q.width = WIDTH;
    q.height = HEIGHT;
    q.rtp_timestamp = timestamp;
    size_t n = auralink__aicore__v1__compress_request__pack(&q, packed);
    return aura_grpc_stream_send(stream, packed, n);
}

static int answers_come_in_order(void) {
    struct rig r;
    struct aura_grpc_stream *stream = NULL;
    rig_start(&r);
    assert_int_equal(aura_grpc_stream_open(&stream, r.client, method, &handlers, &r.seen), 0);
    for (uint32_t i = 1; i <= 100; i++) {
        assert_int_equal(send_picture(stream, i), 0);
        wait_for(&r.seen, &r.seen.answers, i > 5 ? i - 5 : 0); /* some are always under way */
    }
    aura_grpc_stream_finish(stream);
    assert_int_equal(send_picture(stream, 101), AURA_ECLOSED);
    wait_for(&r.seen, &r.seen.closed, 1);
    assert_int_equal(r.seen.answers, 100);
    assert_int_equal(r.seen.status, 0);
    assert_false(r.seen.out_of_order);
    stream = aura_grpc_stream_free(stream);
    struct aura_aicore_stats stats;
    aura_aicore_stats(r.core, &stats);
    assert_int_equal(stats.frames, 100);
    assert_int_equal(stats.streams_opened, 1);
    rig_stop(&r);
    return 0;
}

static int clients_may_go_at_any_time(void) {
    struct rig r;
    rig_start(&r);
    for (uint32_t i = 0; i < 40; i++) {
        struct aura_grpc_stream *stream = NULL;
        assert_int_equal(aura_grpc_stream_open(&stream, r.client, method, &handlers, &r.seen), 0);
        for (uint32_t k = 0; k < i % 4; k++) {
            (void)send_picture(stream, k);
        }
        if (i % 5 == 0) {
            wait_for(&r.seen, &r.seen.answers, r.seen.answers + (i % 4 ? 1 : 0));
        }
        aura_grpc_stream_free(stream);
        wait_for(&r.seen, &r.seen.closed, i + 1);
    }
    rig_stop(&r);
    return 0;
}

static int the_service_may_go_and_come_back(void) {
    struct rig r;
    struct aura_grpc_stream *stream = NULL;
    rig_start(&r);
    assert_int_equal(aura_grpc_stream_open(&stream, r.client, method, &handlers, &r.seen), 0);
    assert_int_equal(send_picture(stream, 1), 0);
    wait_for(&r.seen, &r.seen.answers, 1);
    r.core = aura_aicore_free(r.core);
    wait_for(&r.seen, &r.seen.closed, 1);
    assert_true(r.seen.status == UNAVAILABLE || r.seen.status == CANCELLED);
    assert_int_equal(send_picture(stream, 2), AURA_ECLOSED);
    aura_grpc_stream_free(stream);
    start_core(&r, r.address);
    size_t closed = 1;
    r.seen.answers = 0;
    /* The connection takes its time to come back; streams fail at once until then. */
    while (!r.seen.answers) {
        assert_int_equal(aura_grpc_stream_open(&stream, r.client, method, &handlers, &r.seen), 0);
        (void)send_picture(stream, 1);
        pthread_mutex_lock(&r.seen.lock);
        while (r.seen.closed == closed && !r.seen.answers) {
            pthread_cond_wait(&r.seen.news, &r.seen.lock);
        }
        pthread_mutex_unlock(&r.seen.lock);
        aura_grpc_stream_free(stream);
        wait_for(&r.seen, &r.seen.closed, ++closed);
    }
    rig_stop(&r);
    return 0;
}

static int a_taken_address_is_an_error(void) {
    struct rig r;
    struct aura_aicore *second = NULL;
    rig_start(&r);
    const struct aura_aicore_conf conf = {.address = r.address};
    assert_int_equal(aura_aicore_new(&second, &conf, aura_clock_system()), AURA_EEXISTS);
    const struct aura_aicore_conf bad = {.address = "127.0.0.1:0", .certificate = "x", .key = "y"};
    assert_true(aura_aicore_new(&second, &bad, aura_clock_system()) != 0);
    rig_stop(&r);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(answers_come_in_order),
        AURA_PLAIN(clients_may_go_at_any_time),
        AURA_PLAIN(the_service_may_go_and_come_back),
        AURA_PLAIN(a_taken_address_is_an_error),
    };
    return RUN_CASES("service", cases);
}
