/* SPDX-License-Identifier: Apache-2.0 */
/* The connection and the scripts, with a real redis-server. Skipped where there is none. */
#include "cluster/redis.h"
#include "cluster/scripts.h"
#include "harness.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_S = 60, ITEMS = 16, TEXT = 400 };

static struct aura_loop *loop;
static pid_t server;
static unsigned port;
static int changes;

struct got {
    int count, err;
    size_t items;
    char texts[ITEMS][TEXT];
};

static bool have_server(void) {
    return system("command -v redis-server >/dev/null") == 0; /* NOLINT(cert-env33-c): a test */
}

static unsigned free_port(void) {
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

static void server_start(const char *password, const char *cluster) {
    char number[8];
    (void)snprintf(number, sizeof(number), "%u", port);
    server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        char *const argv[] = {(char *)"redis-server",
                              (char *)"--port",
                              number,
                              (char *)"--bind",
                              (char *)"127.0.0.1",
                              (char *)"--save",
                              (char *)"",
                              (char *)"--appendonly",
                              (char *)"no",
                              (char *)"--loglevel",
                              (char *)"warning",
                              (char *)"--requirepass",
                              (char *)(uintptr_t)password,
                              (char *)"--cluster-enabled",
                              (char *)(uintptr_t)cluster,
                              (char *)"--cluster-config-file",
                              (char *)"/dev/null",
                              NULL};
        execvp(argv[0], argv);
        _exit(127);
    }
}

static void server_stop(int how) {
    kill(server, how);
    (void)waitpid(server, NULL, 0);
}

static void on_state(void *arg, bool connected) {
    (void)arg;
    (void)connected;
    changes++;
}

static void until(bool (*is)(const void *arg), const void *arg) {
    uint64_t end = aura_now_us(aura_clock_system()) + PATIENCE_S * AURA_US_PER_S;
    while (!is(arg)) {
        assert_true(aura_now_us(aura_clock_system()) < end);
        assert_int_equal(aura_loop_run_once(loop, 20000), 0);
    }
}

static bool is_ready(const void *arg) {
    return aura_redis_ready(arg);
}

static bool is_not_ready(const void *arg) {
    return !aura_redis_ready(arg);
}

static bool has_answer(const void *arg) {
    return ((const struct got *)arg)->count > 0;
}

static void on_reply(void *arg, const struct aura_store_reply *reply) {
    struct got *g = arg;
    g->count++;
    g->err = reply->err;
    for (size_t i = 0; !reply->err && i < reply->count && i < ITEMS; i++) {
        (void)snprintf(g->texts[g->items++], TEXT, "%s", reply->items[i]);
    }
}

static struct got ask(struct aura_redis *r, enum aura_script script, size_t n,
                      const char *const *args) {
    struct got g = {.count = 0};
    struct aura_store store = aura_redis_store(r);
    store.run(store.self, script, args, n, on_reply, &g);
    until(has_answer, &g);
    assert_int_equal(g.count, 1);
    return g;
}

static struct aura_redis *connect_to(const char *password, const char *host) {
    static const char *addresses[1];
    static char text[64];
    const char *why = "";
    struct aura_redis *r = NULL;
    (void)snprintf(text, sizeof(text), "%s:%u", host, port);
    addresses[0] = text;
    const struct aura_redis_conf conf = {.addresses = addresses,
                                         .address_count = 1,
                                         .sentinel_master = "",
                                         .sentinel_username = "",
                                         .sentinel_password = "",
                                         .username = "",
                                         .password = password,
                                         .db = 3,
                                         .tls_ca = "",
                                         .tls_certificate = "",
                                         .tls_key = "",
                                         .tls_server_name = "",
                                         .state = on_state};
    assert_int_equal(aura_redis_new(&r, &conf, loop, &why), 0);
    return r;
}

static void begin(void) {
    changes = 0;
    port = free_port();
    assert_int_equal(aura_loop_new(&loop, aura_clock_system()), 0);
}

static void end(struct aura_redis *r) {
    aura_redis_free(r);
    loop = aura_loop_free(loop);
}

#define ASK(r, script, ...)                                                                        \
    ask(r, script, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                         \
        (const char *[]){__VA_ARGS__})

static const char record_a[] = "{\"id\":\"a\",\"address\":\"1.1.1.1:1\",\"drain\":false}";
static const char drains_a[] = "{\"id\":\"a\",\"address\":\"1.1.1.1:1\",\"drain\":true}";
static const char record_b[] = "{\"id\":\"b\",\"address\":\"2.2.2.2:2\",\"drain\":false}";

/* The test need not wait until it has settled: the data set is made older. */
static void settle(struct aura_redis *r) {
    char command[160];
    (void)r;
    (void)snprintf(command, sizeof(command),
                   "redis-cli -p %u -a secret -n 3 set '{auralink}:born' 1 >/dev/null 2>&1", port);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test */
}

static void expire(const char *node) {
    char command[160];
    (void)snprintf(command, sizeof(command),
                   "redis-cli -p %u -a secret -n 3 del '{auralink}:node:%s' >/dev/null 2>&1", port,
                   node);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a test */
}

static int the_scripts(void) {
    if (!have_server()) {
        skip();
    }
    begin();
    server_start("secret", "no");
    struct aura_redis *r = connect_to("secret", "localhost");
    until(is_ready, r);

    struct got g = ASK(r, AURA_SCRIPT_BEAT, "a", record_a, "1.1.1.1:1");
    assert_string_equal(g.texts[0], "settling");
    assert_string_equal(g.texts[1], "0");
    assert_string_equal(g.texts[2], record_a);
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "a", "0");
    assert_string_equal(g.texts[0], "settling");
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "", "0");
    assert_string_equal(g.texts[0], "none");
    settle(r);

    g = ASK(r, AURA_SCRIPT_PLACE, "room", "b", "0");
    assert_string_equal(g.texts[0], "unfit");
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "a", "0");
    assert_string_equal(g.texts[0], "placed");
    assert_string_equal(g.texts[1], "a");
    assert_string_equal(g.texts[3], "1.1.1.1:1");
    char first[TEXT], second[TEXT];
    (void)snprintf(first, sizeof(first), "%s", g.texts[2]);
    g = ASK(r, AURA_SCRIPT_BEAT, "b", record_b, "2.2.2.2:2");
    assert_int_equal(g.items, 4);
    assert_string_equal(g.texts[0], "settled");
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "b", first); /* a is well */
    assert_string_equal(g.texts[0], "is");
    assert_string_equal(g.texts[2], first);

    expire("a");
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "b", "0");
    assert_string_equal(g.texts[0], "dead");
    assert_string_equal(g.texts[3], "1.1.1.1:1");
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "b", first);
    assert_string_equal(g.texts[0], "placed");
    (void)snprintf(second, sizeof(second), "%s", g.texts[2]);
    assert_true(strtoull(second, NULL, 10) > strtoull(first, NULL, 10));
    g = ASK(r, AURA_SCRIPT_BEAT, "a", record_a, "1.1.1.1:1", "room", first); /* fenced */
    assert_string_equal(g.texts[1], "1");
    assert_string_equal(g.texts[2], "room");
    g = ASK(r, AURA_SCRIPT_RELEASE, "room", "a", first);
    assert_string_equal(g.texts[0], "not yours");

    g = ASK(r, AURA_SCRIPT_BEAT, "b", record_b, "2.2.2.2:2", "lost", second); /* restored */
    assert_string_equal(g.texts[1], "0");
    g = ASK(r, AURA_SCRIPT_PLACE, "lost", "", "0");
    assert_string_equal(g.texts[0], "is");
    assert_string_equal(g.texts[1], "b");
    g = ASK(r, AURA_SCRIPT_RELEASE, "room", "b", second);
    assert_string_equal(g.texts[0], "released");

    g = ASK(r, AURA_SCRIPT_PLACE, "room", "a", "0");
    (void)snprintf(first, sizeof(first), "%s", g.texts[2]);
    (void)ASK(r, AURA_SCRIPT_BEAT, "a", drains_a, "1.1.1.1:1");
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "b", "0");
    assert_string_equal(g.texts[0], "draining");
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "a", first);
    assert_string_equal(g.texts[0], "unfit");
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "b", first);
    assert_string_equal(g.texts[0], "placed");
    (void)ASK(r, AURA_SCRIPT_LEAVE, "b");
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "", "0");
    assert_string_equal(g.texts[0], "dead");
    end(r);
    server_stop(SIGKILL);
    return 0;
}

static int it_comes_back(void) {
    if (!have_server()) {
        skip();
    }
    begin();
    struct aura_redis *r = connect_to("secret", "127.0.0.1"); /* before it is there */
    struct got g = ASK(r, AURA_SCRIPT_PLACE, "room", "", "0");
    assert_int_equal(g.err, AURA_EAGAIN);
    server_start("secret", "no");
    until(is_ready, r);
    server_stop(SIGKILL);
    until(is_not_ready, r);
    server_start("secret", "no");
    until(is_ready, r);
    assert_int_equal(changes, 3);
    kill(server, SIGSTOP); /* it accepts and does not answer */
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "", "0");
    assert_int_equal(g.err, AURA_EAGAIN);
    kill(server, SIGCONT);
    until(is_ready, r);
    g = ASK(r, AURA_SCRIPT_PLACE, "room", "", "0");
    assert_string_equal(g.texts[0], "none");
    end(r);
    server_stop(SIGKILL);
    return 0;
}

static int who_has_no_password_is_not_let_in(void) {
    if (!have_server()) {
        skip();
    }
    begin();
    server_start("secret", "no");
    struct aura_redis *good = connect_to("secret", "127.0.0.1");
    until(is_ready, good); /* it is up */
    struct aura_redis *bad = connect_to("guessed", "127.0.0.1");
    uint64_t turns = 0;
    while (turns++ < 50) {
        assert_int_equal(aura_loop_run_once(loop, 20000), 0);
        assert_false(aura_redis_ready(bad));
    }
    aura_redis_free(bad);
    end(good);
    server_stop(SIGKILL);
    return 0;
}

static int bad_addresses(void) {
    static const char *const bad[] = {"", "host", "host:", "host:0", "host:70000", ":1"};
    const char *why = "";
    begin();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct aura_redis *r = NULL;
        const struct aura_redis_conf conf = {.addresses = &bad[i],
                                             .address_count = 1,
                                             .sentinel_master = "",
                                             .username = "",
                                             .password = ""};
        assert_int_equal(aura_redis_new(&r, &conf, loop, &why), AURA_EINVAL);
        assert_non_null(strstr(why, "host:port"));
    }
    loop = aura_loop_free(loop);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {AURA_PLAIN(the_scripts), AURA_PLAIN(it_comes_back),
                                       AURA_PLAIN(who_has_no_password_is_not_let_in),
                                       AURA_PLAIN(bad_addresses)};
    return RUN_CASES("redis", cases);
}
