/* SPDX-License-Identifier: Apache-2.0 */
/* What a process inside can do, and cannot: in a child, for there is no way out. */
#include "aicore/sandbox.h"
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int opened; /* by a thread that was there before: errno, or 0 */
static pthread_barrier_t inside;

static void *early(void *arg) {
    (void)pthread_barrier_wait(&inside);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    atomic_store(&opened, fd < 0 ? errno : 0);
    return arg;
}

static void *late(void *arg) {
    return arg;
}

static bool forbidden(long result) {
    return result < 0 && errno == EPERM;
}

static int try_all(void) {
    pthread_t before, after;
    void *back = NULL;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int pair[2], fd = socket(AF_INET, SOCK_STREAM, 0);
    char *const argv[] = {(char *)(uintptr_t) "true", NULL};
    if (pthread_barrier_init(&inside, NULL, 2) || pthread_create(&before, NULL, early, NULL)) {
        return 100;
    }
    int err = aura_sandbox_enter();
    (void)pthread_barrier_wait(&inside);
    (void)pthread_join(before, NULL);
    if (err) {
        return err == AURA_EUNSUPPORTED ? 77 : 101;
    }
    /* What is taken away. */
    if (atomic_load(&opened) != EPERM || !forbidden(open("/etc/passwd", O_RDONLY))) {
        return 1;
    }
    if (!forbidden(open("/tmp/aura-sandbox", O_CREAT | O_WRONLY, 0600))) {
        return 2;
    }
    if (!forbidden(execv("/bin/true", argv)) || !forbidden(fork())) {
        return 3;
    }
    if (!forbidden(connect(fd, (struct sockaddr *)&to, sizeof(to))) ||
        !forbidden(sendto(fd, "", 1, MSG_FASTOPEN, (struct sockaddr *)&to, sizeof(to)))) {
        return 4;
    }
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET};
    for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
        if (!forbidden(socket(families[i], SOCK_DGRAM, 0))) {
            return 8;
        }
    }
    if (!forbidden(kill(getppid(), 0)) || !forbidden(setuid(0))) {
        return 5;
    }
    struct rlimit limit;
    if (!forbidden(getrlimit(RLIMIT_NOFILE, &limit)) || getrlimit(RLIMIT_RTTIME, &limit) ||
        setrlimit(RLIMIT_RTTIME, &limit) ||
        !forbidden(prlimit(getppid(), RLIMIT_RTTIME, &limit, NULL))) {
        return 9;
    }
    /* What is left: threads, memory, connections that are there. */
    if (pthread_create(&after, NULL, late, &to) || pthread_join(after, &back) || back != &to) {
        return 6;
    }
    void *memory = malloc(64 << 20);
    char word[4];
    if (!memory || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || write(pair[0], "abc", 4) != 4 ||
        read(pair[1], word, 4) != 4 || strcmp(word, "abc") != 0) {
        return 7;
    }
    free(memory);
    return 0;
}

static int nothing_but_computing_is_left(void) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(try_all());
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return 0;
}

int main(void) {
    const struct CMUnitTest cases[] = {
        AURA_PLAIN(nothing_but_computing_is_left),
    };
    return RUN_CASES("aicore/sandbox", cases);
}
