/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include "base/bytes.h"
#include "net/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A server on a loop, and plain blocking sockets as its peers. */
struct rig {
    struct aura_clock_manual clock;
    struct aura_loop *loop;
    struct aura_tcp_listener *listener;
    struct aura_tcp *last;
    size_t frames, closes, last_len;
    uint8_t last_byte;
    int why;
    enum { KEEP, ECHO, CLOSE, DETACH } on_frame;
};

static void on_frame(void *arg, struct aura_tcp *c, uint8_t *data, size_t len) {
    struct rig *r = arg;
    r->last = c;
    r->frames++;
    r->last_len = len;
    r->last_byte = len ? data[len - 1] : 0;
    if (r->on_frame == ECHO) {
        assert_int_equal(aura_tcp_send(c, data, len), 0);
    } else if (r->on_frame == CLOSE) {
        aura_tcp_close(c);
    } else if (r->on_frame == DETACH) {
        aura_tcp_detach(c);
    }
}

static void on_closed(void *arg, struct aura_tcp *c, int why) {
    struct rig *r = arg;
    (void)c;
    r->closes++;
    r->why = why;
    r->last = NULL;
}

static const struct aura_tcp_handlers handlers = {.frame = on_frame, .closed = on_closed};

static int rig_open(struct rig *r, size_t max_connections, const char *bind) {
    struct aura_tcp_conf conf = {.max_connections = max_connections};
    assert_int_equal(aura_addr_parse(&conf.bind, bind), 0);
    memset(r, 0, sizeof(*r));
    aura_clock_manual_init(&r->clock, 1, 1);
    TRY(aura_loop_new(&r->loop, &r->clock.clock));
    return aura_tcp_listen(&r->listener, r->loop, &conf, &handlers, r);
}

static void rig_close(struct rig *r) {
    aura_tcp_listener_free(r->listener);
    aura_loop_free(r->loop);
}

static int dial(struct rig *r) {
    struct sockaddr_storage sa;
    socklen_t len = (socklen_t)aura_addr_to_sockaddr(aura_tcp_listener_local(r->listener), &sa);
    int fd = socket(sa.ss_family, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
    return fd;
}

/* Runs turns until the loop has nothing to do (loopback delivers at once). */
static void settle(struct rig *r) {
    struct aura_loop_stats before, after;
    do {
        aura_loop_stats(r->loop, &before, false);
        assert_int_equal(aura_loop_run_once(r->loop, 0), 0);
        aura_loop_stats(r->loop, &after, false);
    } while (after.events != before.events);
}

static void send_frame(int fd, size_t len, uint8_t fill) {
    static uint8_t frame[2 + 65535];
    frame[0] = (uint8_t)(len >> 8);
    frame[1] = (uint8_t)len;
    memset(frame + 2, fill, len);
    assert_int_equal(send(fd, frame, len + 2, MSG_NOSIGNAL), len + 2);
}

static struct aura_tcp_stats stats_of(const struct rig *r) {
    struct aura_tcp_stats s;
    aura_tcp_listener_stats(r->listener, &s);
    return s;
}

/* In OOM mode accepting fails: the peer is hung up on, which is all that can be asked. */
static bool refused(const struct rig *r) {
    return stats_of(r).refused != 0;
}

static int frames_in_pieces(const char *bind) {
    struct rig r;
    int fd = -1, err = 0;
    TRY_OUT(rig_open(&r, 0, bind));
    fd = dial(&r);
    settle(&r);
    if (refused(&r)) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(r.frames, 0);
    static const uint8_t bytes[] = {0, 3, 'a', 'b', 'c', 0, 0, 0, 1, 'z'};
    static const size_t frames_after[sizeof(bytes)] = {0, 0, 0, 0, 1, 1, 2, 2, 2, 3};
    for (size_t i = 0; i < sizeof(bytes); i++) { /* byte by byte */
        assert_int_equal(send(fd, &bytes[i], 1, MSG_NOSIGNAL), 1);
        settle(&r);
        assert_int_equal(r.frames, frames_after[i]);
    }
    assert_int_equal(r.last_byte, 'z');
    assert_int_equal(send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL), sizeof(bytes));
    settle(&r); /* all at once */
    assert_int_equal(r.frames, 6);
    for (int i = 0; i < 8; i++) {
        send_frame(fd, AURA_TCP_FRAME_MAX, (uint8_t)i);
        settle(&r);
    }
    assert_int_equal(r.frames, 14);
    assert_int_equal(r.last_len, AURA_TCP_FRAME_MAX);
    assert_int_equal(r.last_byte, 7);
    close(fd);
    fd = -1;
    settle(&r);
    assert_int_equal(r.closes, 1);
    assert_int_equal(r.why, AURA_ECLOSED);
    assert_int_equal(stats_of(&r).open, 0);
out:
    close(fd);
    rig_close(&r);
    return err;
}

static int frames_in_pieces_v4(void) {
    return frames_in_pieces("127.0.0.1:0");
}

static int frames_in_pieces_v6(void) {
    return frames_in_pieces("[::1]:0");
}

static int too_long_frames_end_it(void) {
    struct rig r;
    int fd = -1, err = 0;
    TRY_OUT(rig_open(&r, 0, "127.0.0.1:0"));
    fd = dial(&r);
    send_frame(fd, AURA_TCP_FRAME_MAX + 1, 1);
    settle(&r);
    if (refused(&r)) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(r.frames, 0);
    assert_int_equal(r.closes, 1);
    assert_int_equal(r.why, AURA_ELIMIT);
out:
    close(fd);
    rig_close(&r);
    return err;
}

static int close_inside_a_callback(void) {
    struct rig r;
    int fd = -1, err = 0;
    TRY_OUT(rig_open(&r, 0, "127.0.0.1:0"));
    r.on_frame = CLOSE;
    fd = dial(&r);
    send_frame(fd, 1, 1);
    send_frame(fd, 1, 2);
    settle(&r);
    if (refused(&r)) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(r.frames, 1); /* no callback after close */
    assert_int_equal(r.closes, 0);
    assert_int_equal(stats_of(&r).open, 0);
out:
    close(fd);
    rig_close(&r);
    return err;
}

static int connections_have_a_ceiling(void) {
    struct rig r;
    int fds[3] = {-1, -1, -1}, err = 0;
    TRY_OUT(rig_open(&r, 2, "127.0.0.1:0"));
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(&r);
    }
    settle(&r);
    struct aura_tcp_stats s = stats_of(&r);
    if (s.accepted < 2) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(s.open, 2);
    assert_int_equal(s.refused, 1);
    char byte;
    assert_int_equal(recv(fds[2], &byte, 1, 0), 0);
    close(fds[0]);
    settle(&r);
    close(fds[2]);
    fds[2] = dial(&r); /* there is room again */
    settle(&r);
    fds[0] = -1;
    if (aura_mem_failed()) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(stats_of(&r).refused, 1);
    assert_int_equal(stats_of(&r).open, 2);
out:
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
    rig_close(&r);
    return err;
}

static int idle_connections_end(void) {
    struct rig r;
    int half = -1, fd = -1, err = 0;
    TRY_OUT(rig_open(&r, 0, "127.0.0.1:0"));
    half = dial(&r);
    fd = dial(&r);
    send_frame(fd, 1, 1);
    settle(&r);
    if (refused(&r)) {
        err = AURA_ENOMEM;
        goto out;
    }
    for (int i = 0; i < 9; i++) { /* trickling bytes do not keep a connection without frames */
        aura_clock_manual_advance(&r.clock, AURA_US_PER_S);
        assert_int_equal(send(half, "\x0f", 1, MSG_NOSIGNAL), 1);
        settle(&r);
    }
    assert_int_equal(r.closes, 0);
    aura_clock_manual_advance(&r.clock, 2 * AURA_US_PER_S);
    settle(&r);
    if (r.closes != 1) { /* in OOM mode the timer of the other may have failed too */
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(r.why, AURA_ETIMEDOUT);
    aura_clock_manual_advance(&r.clock, 40 * AURA_US_PER_S);
    settle(&r);
    send_frame(fd, 1, 1);
    settle(&r);
    aura_clock_manual_advance(&r.clock, 40 * AURA_US_PER_S);
    settle(&r);
    if (r.closes != 1) {
        err = AURA_ENOMEM;
        goto out;
    }
    aura_clock_manual_advance(&r.clock, 21 * AURA_US_PER_S);
    settle(&r);
    assert_int_equal(r.closes, 2);
out:
    close(half);
    close(fd);
    rig_close(&r);
    return err;
}

/* A reader that does not read: the queue fills up to its ceiling, then frames are refused; later
 * everything that was taken arrives whole. */
static int slow_readers(void) {
    static uint8_t data[8000];
    struct rig r;
    int fd = -1, err = 0;
    size_t taken = 0, got = 0;
    TRY_OUT(rig_open(&r, 0, "127.0.0.1:0"));
    fd = dial(&r);
    send_frame(fd, 1, 1);
    settle(&r);
    if (!r.last) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(aura_tcp_send(r.last, data, 65536), AURA_ELIMIT);
    int sent;
    while ((sent = aura_tcp_send(r.last, data, sizeof(data))) == 0) {
        taken++;
        assert_true(taken < 100000);
    }
    if (sent == AURA_ECLOSED || aura_mem_failed()) { /* no memory in the middle of a frame */
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(sent, AURA_EAGAIN);
    assert_true(taken * (sizeof(data) + 2) > AURA_TCP_OUT_MAX - sizeof(data));
    static uint8_t buf[65536];
    while (got < taken * (sizeof(data) + 2)) {
        settle(&r);
        ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            continue;
        }
        assert_true(n > 0);
        for (ssize_t i = 0; i < n; i++) { /* each frame's header is where it must be */
            size_t in_frame = (got + (size_t)i) % (sizeof(data) + 2);
            uint8_t want = in_frame == 0   ? sizeof(data) >> 8
                           : in_frame == 1 ? sizeof(data) & 255
                                           : 0;
            assert_int_equal(buf[i], want);
        }
        got += (size_t)n;
    }
    assert_int_equal(aura_tcp_send(r.last, data, 1), 0);
out:
    close(fd);
    rig_close(&r);
    return err;
}

/* The first frame decides where the connection lives on; it must be seen there again. */
static int moves_to_another_loop(void) {
    struct rig r, other = {0};
    struct aura_tcp *c = NULL;
    int fd = -1, err = 0;
    TRY_OUT(rig_open(&r, 0, "127.0.0.1:0"));
    aura_clock_manual_init(&other.clock, 1, 1);
    TRY_OUT(aura_loop_new(&other.loop, &other.clock.clock));
    other.on_frame = ECHO;
    r.on_frame = DETACH;
    fd = dial(&r);
    send_frame(fd, 5, 'a');
    send_frame(fd, 6, 'b');
    settle(&r);
    if (refused(&r)) {
        err = AURA_ENOMEM;
        goto out;
    }
    assert_int_equal(r.frames, 1);
    c = r.last;
    assert_int_equal(stats_of(&r).open, 1); /* still counts */
    r.listener = aura_tcp_listener_free(r.listener);
    TRY_OUT(aura_tcp_attach(c, other.loop, &handlers, &other));
    c = NULL;
    assert_int_equal(other.frames, 0);
    settle(&other);
    assert_int_equal(other.frames, 2);
    assert_int_equal(other.last_byte, 'b');
    uint8_t echo[32];
    assert_int_equal(recv(fd, echo, 15, MSG_WAITALL), 15);
    assert_memory_equal(echo, "\0\5aaaaa\0\6bbbbbb", 15);
    close(fd);
    fd = -1;
    settle(&other);
    assert_int_equal(other.closes, 1);
out:
    close(fd);
    aura_tcp_close(c);
    aura_tcp_close(other.closes ? NULL : other.last);
    aura_loop_free(other.loop);
    rig_close(&r);
    return err;
}

struct mover {
    struct aura_loop *loop;
    struct rig *rig;
    struct aura_tcp *connection;
};

static void echo_and_stop(void *arg, struct aura_tcp *c, uint8_t *data, size_t len) {
    struct mover *m = arg;
    assert_int_equal(aura_tcp_send(c, data, len), 0);
    aura_tcp_close(c);
    aura_loop_stop(m->loop);
}

static void adopt(void *arg) {
    static const struct aura_tcp_handlers h = {.frame = echo_and_stop};
    struct mover *m = arg;
    assert_int_equal(aura_tcp_attach(m->connection, m->loop, &h, m), 0);
}

static void hand_over(void *arg, struct aura_tcp *c, uint8_t *data, size_t len) {
    struct mover *m = arg;
    (void)data;
    (void)len;
    aura_tcp_detach(c);
    m->connection = c;
    assert_int_equal(aura_loop_post(m->loop, adopt, m), 0);
}

static void *run_loop(void *arg) {
    struct mover *m = arg;
    return aura_loop_run(m->loop) ? m : NULL;
}

static int moves_to_another_thread(void) {
    const struct aura_tcp_handlers h = {.frame = hand_over};
    struct aura_tcp_conf conf = {.max_connections = 1};
    struct rig r = {0};
    struct mover m = {.rig = &r};
    pthread_t thread;
    void *failed;
    assert_int_equal(aura_addr_parse(&conf.bind, "127.0.0.1:0"), 0);
    TRY(aura_loop_new(&m.loop, aura_clock_system()));
    TRY(aura_loop_new(&r.loop, aura_clock_system()));
    TRY(aura_tcp_listen(&r.listener, r.loop, &conf, &h, &m));
    assert_int_equal(pthread_create(&thread, NULL, run_loop, &m), 0);
    int fd = dial(&r);
    send_frame(fd, 3, 'x');
    while (stats_of(&r).accepted == 0 || stats_of(&r).open == 1) {
        assert_int_equal(aura_loop_run_once(r.loop, 1000), 0);
    }
    pthread_join(thread, &failed);
    assert_null(failed);
    char echo[8];
    assert_int_equal(recv(fd, echo, 5, MSG_WAITALL), 5);
    assert_memory_equal(echo, "\0\3xxx", 5);
    close(fd);
    rig_close(&r);
    aura_loop_free(m.loop);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_CASE(frames_in_pieces_v4),
        AURA_CASE(frames_in_pieces_v6),
        AURA_CASE(too_long_frames_end_it),
        AURA_CASE(close_inside_a_callback),
        AURA_CASE(connections_have_a_ceiling),
        AURA_CASE(idle_connections_end),
        AURA_CASE(slow_readers),
        AURA_CASE(moves_to_another_loop),
        AURA_PLAIN(moves_to_another_thread),
    };
    return RUN_CASES("net/tcp", cases);
}
