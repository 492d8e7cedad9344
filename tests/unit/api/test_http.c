/* SPDX-License-Identifier: Apache-2.0 */
/* The server on its own thread's loop; the client is a second thread with plain blocking sockets,
 * so that what is on the wire is ours to say byte by byte. */
#include "api/http.h"
#include "harness.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG = 1 << 20 };

struct rig {
    struct aura_loop *loop;
    struct aura_http *http;
    struct aura_ws *ws;
    size_t opened, closed, ticks;
    struct aura_timer timer;
    void (*client)(struct rig *r);
    pthread_t thread;
};

static atomic_uint_least64_t ahead_us; /* of the system's clock */

static uint64_t clock_ahead(const struct aura_clock *clock) {
    (void)clock;
    return aura_now_us(aura_clock_system()) + atomic_load(&ahead_us);
}

static uint64_t wall(const struct aura_clock *clock) {
    (void)clock;
    return aura_wall_us(aura_clock_system());
}

static const struct aura_clock quick_clock = {clock_ahead, wall};

/* ---- the server's side ---- */

static void on_request(void *arg, struct aura_http_req *req) {
    char text[256];
    size_t len;
    struct rig *r = arg;
    const char *long_one = aura_http_query(req, "long"), *a = aura_http_query(req, "a b");
    (void)aura_http_body(req, &len);
    snprintf(text, sizeof(text), "%s %s body=%zu long=%zu a=%s auth=%s timer=%s",
             aura_http_method(req), aura_http_path(req), len, long_one ? strlen(long_one) : 0,
             a ? a : "-",
             aura_http_header(req, "authorization") ? aura_http_header(req, "authorization") : "-",
             r->ticks >= 3 ? "runs" : "waits");
    aura_http_respond(req, 200, "text/plain", text, strlen(text));
}

static bool on_upgrade(void *arg, struct aura_http_req *req) {
    if (strcmp(aura_http_path(req), "/ws") != 0) {
        aura_http_respond(req, 401, "text/plain", "no, not here", 12);
        return false;
    }
    aura_http_accept(req, arg);
    return true;
}

static void on_open(void *arg, struct aura_ws *ws, void *user) {
    struct rig *r = arg;
    assert_ptr_equal(user, arg);
    r->opened++;
    r->ws = ws;
}

static void on_message(void *arg, void *user, const uint8_t *data, size_t len, bool text) {
    struct rig *r = arg;
    (void)user;
    if (len == 3 && memcmp(data, "bye", 3) == 0) {
        aura_ws_close(r->ws, 4001, "as you wish");
    } else {
        (void)!aura_ws_send(r->ws, data, len, text);
    }
}

static void on_closed(void *arg, void *user) {
    struct rig *r = arg;
    (void)user;
    r->closed++;
}

static void on_timer(void *arg) {
    struct rig *r = arg;
    r->ticks++;
    (void)!aura_timer_start(aura_loop_timers(r->loop), &r->timer, 1000, on_timer, r);
}

static void stop(void *arg) {
    aura_http_stop(((struct rig *)arg)->http);
}

static void *client_thread(void *arg) {
    struct rig *r = arg;
    r->client(r);
    AURA_BUG_ON(aura_loop_post(r->loop, stop, r));
    return NULL;
}

static void run(struct rig *r, void (*client)(struct rig *r)) {
    static const struct aura_http_handlers handlers = {.request = on_request,
                                                       .upgrade = on_upgrade,
                                                       .ws_open = on_open,
                                                       .ws_message = on_message,
                                                       .ws_closed = on_closed};
    struct aura_addr bind;
    assert_int_equal(aura_addr_parse(&bind, "127.0.0.1"), 0);
    struct aura_http_conf conf = {.bind = &bind, .bind_count = 1};
    *r = (struct rig){.client = client};
    assert_int_equal(aura_loop_new(&r->loop, &quick_clock), 0);
    assert_int_equal(aura_http_new(&r->http, &conf, r->loop, &handlers, r), 0);
    assert_int_equal(aura_timer_start(aura_loop_timers(r->loop), &r->timer, 1000, on_timer, r), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, client_thread, r), 0);
    aura_http_run(r->http);
    pthread_join(r->thread, NULL);
    aura_timer_stop(aura_loop_timers(r->loop), &r->timer);
    r->http = aura_http_free(r->http);
    r->loop = aura_loop_free(r->loop);
}

/* ---- the client's side ---- */

static int dial(const struct rig *r) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(aura_http_port(r->http))};
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "127.0.0.1", &sa.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    AURA_BUG_ON(connect(fd, (struct sockaddr *)&sa, sizeof(sa)));
    return fd;
}

static void put(int fd, const void *data, size_t len) {
    for (const char *at = data; len;) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return; /* the server may close on bad input; what it said is read next */
        }
        at += n;
        len -= (size_t)n;
    }
}

static void take(int fd, void *out, size_t len) {
    for (char *at = out; len;) {
        ssize_t n = recv(fd, at, len, 0);
        AURA_BUG_ON(n <= 0);
        at += n;
        len -= (size_t)n;
    }
}

/* One response: headers up to the empty line, then content-length bytes. */
static void response(int fd, char *out, size_t cap) {
    size_t n = 0;
    while (n < 4 || memcmp(out + n - 4, "\r\n\r\n", 4) != 0) {
        AURA_BUG_ON(n + 1 >= cap);
        take(fd, out + n++, 1);
    }
    out[n] = 0;
    const char *length = strcasestr(out, "content-length: ");
    size_t body = length ? strtoul(length + 16, NULL, 10) : 0;
    AURA_BUG_ON(n + body >= cap);
    take(fd, out + n, body);
    out[n + body] = 0;
}

static void expect(const char *got, const char *part) {
    if (!strcasestr(got, part)) {
        fprintf(stderr, "wanted '%s' in:\n%s\n", part, got);
        abort();
    }
}

static void ask(int fd, const char *request, char *out, size_t cap) {
    put(fd, request, strlen(request));
    response(fd, out, cap);
}

static void plain_requests(struct rig *r) {
    char out[4096];
    int fd = dial(r);
    ask(fd, "GET //x//y?a+b=c%20d HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t\r\n\r\n", out,
        sizeof(out));
    expect(out, "HTTP/1.1 200");
    expect(out, "access-control-allow-origin: *");
    expect(out, "GET /x/y body=0 long=0 a=c d auth=Bearer t");
    /* The same connection again. */
    ask(fd, "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", out, sizeof(out));
    expect(out, "POST /p body=5");
    ask(fd, "OPTIONS /p HTTP/1.1\r\nHost: h\r\nAccess-Control-Request-Headers: X-One\r\n\r\n", out,
        sizeof(out));
    expect(out, "HTTP/1.1 204");
    expect(out, "access-control-allow-headers: X-One");
    expect(out, "access-control-max-age: 86400");
    do { /* the nested loop goes on meanwhile */
        ask(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", out, sizeof(out));
    } while (!strstr(out, "timer=runs"));
    close(fd);
}

static void long_urls(struct rig *r) {
    static const char start[] = "GET /rtc/v1?long=", end[] = " HTTP/1.1\r\nHost: h\r\n\r\n";
    size_t len = 20000;
    char *value = malloc(len), out[4096];
    int fd = dial(r);
    memset(value, 'A', len);
    put(fd, start, sizeof(start) - 1);
    put(fd, value, len);
    ask(fd, end, out, sizeof(out));
    expect(out, "long=20000");
    free(value);
    close(fd);
}

static void bodies_too_large(struct rig *r) {
    char out[4096];
    int fd = dial(r);
    ask(fd, "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", out, sizeof(out));
    expect(out, "HTTP/1.1 413");
    close(fd);
}

static const char upgrade_ws[] = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static void refused_upgrades(struct rig *r) {
    char out[4096], request[512];
    int fd = dial(r);
    snprintf(request, sizeof(request), "GET /no%s", upgrade_ws + strlen("GET /ws"));
    ask(fd, request, out, sizeof(out));
    expect(out, "HTTP/1.1 401");
    expect(out, "no, not here");
    close(fd);
}

/* RFC 6455 section 5.2, masked with zeros: the mask must be there, its value is ours. */
static void frame(int fd, unsigned opcode, bool final, const void *data, size_t len) {
    uint8_t head[14] = {(uint8_t)((final ? 0x80 : 0) | opcode)};
    size_t n = 2;
    if (len < 126) {
        head[1] = (uint8_t)(0x80 | len);
    } else {
        head[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++) {
            head[n++] = (uint8_t)(len >> (8 * (7 - i)));
        }
    }
    n += 4;
    put(fd, head, n);
    put(fd, data, len);
}

/* @return the opcode; the payload in out */
static unsigned read_frame(int fd, uint8_t *out, size_t cap, size_t *len) {
    uint8_t head[10];
    take(fd, head, 2);
    size_t extra = (head[1] & 0x7f) == 126 ? 2 : (head[1] & 0x7f) == 127 ? 8 : 0;
    *len = extra ? 0 : head[1] & 0x7f;
    take(fd, head + 2, extra);
    for (size_t i = 0; i < extra; i++) {
        *len = *len << 8 | head[2 + i];
    }
    AURA_BUG_ON(*len > cap);
    take(fd, out, *len);
    return head[0] & 0x0f;
}

static int open_ws(struct rig *r) {
    char out[1024];
    int fd = dial(r);
    ask(fd, upgrade_ws, out, sizeof(out));
    expect(out, "HTTP/1.1 101");
    expect(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="); /* RFC 6455 section 1.3's example */
    AURA_BUG_ON(strcasestr(out, "permessage-deflate") != NULL);
    return fd;
}

static void messages(struct rig *r) {
    uint8_t *big = malloc(BIG), *back = malloc(BIG + 1);
    size_t len;
    int fd = open_ws(r);
    for (size_t i = 0; i < BIG; i++) {
        big[i] = (uint8_t)(i * 7);
    }
    frame(fd, 2, true, big, BIG);
    size_t got = 0;
    unsigned opcode = read_frame(fd, back, BIG, &len);
    AURA_BUG_ON(opcode != 2);
    got = len;
    AURA_BUG_ON(got != BIG || memcmp(big, back, BIG) != 0);
    frame(fd, 1, false, "he", 2); /* in fragments */
    frame(fd, 0, false, "ll", 2);
    frame(fd, 0, true, "o", 1);
    AURA_BUG_ON(read_frame(fd, back, BIG, &len) != 1 || len != 5 || memcmp(back, "hello", 5) != 0);
    frame(fd, 2, true, "bye", 3);
    AURA_BUG_ON(read_frame(fd, back, BIG, &len) != 8 || len < 2);
    AURA_BUG_ON((back[0] << 8 | back[1]) != 4001);
    close(fd);
    free(big);
    free(back);
}

static void messages_too_large(struct rig *r) {
    uint8_t *big = calloc(1, AURA_WS_MESSAGE_BYTES_MAX + 1), back[256];
    size_t len;
    int fd = open_ws(r);
    frame(fd, 2, true, big, AURA_WS_MESSAGE_BYTES_MAX + 1);
    AURA_BUG_ON(read_frame(fd, back, sizeof(back), &len) != 8 || (back[0] << 8 | back[1]) != 1009);
    close(fd);
    free(big);
}

static int left_open;
static void one_stays_open(struct rig *r) {
    uint8_t back[16];
    size_t len;
    left_open = open_ws(r);
    frame(left_open, 2, true, "x", 1);
    AURA_BUG_ON(read_frame(left_open, back, sizeof(back), &len) != 2);
}

static void silent_one(struct rig *r) {
    uint8_t back[16];
    size_t len;
    int fd = open_ws(r);
    for (int i = 0; i < 4; i++) { /* who answers stays, however long */
        atomic_fetch_add(&ahead_us, (AURA_HTTP_PING_S + 1) * AURA_US_PER_S);
        AURA_BUG_ON(read_frame(fd, back, sizeof(back), &len) != 9);
        frame(fd, 10, true, back, len); /* and does nothing else: a ping of its own is no answer */
        frame(fd, 9, true, "x", 1);
        AURA_BUG_ON(read_frame(fd, back, sizeof(back), &len) != 10);
    }
    atomic_fetch_add(&ahead_us, (AURA_HTTP_PING_S + 1) * AURA_US_PER_S);
    AURA_BUG_ON(read_frame(fd, back, sizeof(back), &len) != 9);
    atomic_fetch_add(&ahead_us, AURA_HTTP_IDLE_S * AURA_US_PER_S);
    AURA_BUG_ON(recv(fd, back, sizeof(back), 0) != 0);
    close(fd);
}

/* ---- cases ---- */

static int requests_are_answered(void) {
    struct rig r;
    run(&r, plain_requests);
    return 0;
}

static int urls_of_20_kb_are_taken(void) {
    struct rig r;
    run(&r, long_urls);
    return 0;
}

static int large_bodies_are_refused(void) {
    struct rig r;
    run(&r, bodies_too_large);
    return 0;
}

static int upgrades_are_refused_before_they_happen(void) {
    struct rig r;
    run(&r, refused_upgrades);
    assert_int_equal(r.opened, 0);
    assert_int_equal(r.closed, 0);
    return 0;
}

static int messages_pass_whole(void) {
    struct rig r;
    run(&r, messages);
    assert_int_equal(r.opened, 1);
    assert_int_equal(r.closed, 1);
    return 0;
}

static int large_messages_close_the_connection(void) {
    struct rig r;
    run(&r, messages_too_large);
    assert_int_equal(r.closed, 1);
    return 0;
}

static int open_connections_end_with_the_server(void) {
    struct rig r;
    run(&r, one_stays_open);
    assert_int_equal(r.opened, 1);
    assert_int_equal(r.closed, 1);
    close(left_open);
    return 0;
}

static int silent_connections_are_pinged_and_closed(void) {
    struct rig r;
    run(&r, silent_one);
    assert_int_equal(r.opened, 1);
    assert_int_equal(r.closed, 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(requests_are_answered),
        AURA_PLAIN(urls_of_20_kb_are_taken),
        AURA_PLAIN(large_bodies_are_refused),
        AURA_PLAIN(upgrades_are_refused_before_they_happen),
        AURA_PLAIN(messages_pass_whole),
        AURA_PLAIN(large_messages_close_the_connection),
        AURA_PLAIN(open_connections_end_with_the_server),
        AURA_PLAIN(silent_connections_are_pinged_and_closed),
    };
    return RUN_CASES("http", cases);
}
