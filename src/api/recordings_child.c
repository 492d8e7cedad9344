/* SPDX-License-Identifier: Apache-2.0 */
#include "api/recordings_child.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TOKEN_BYTES = 16384, NOT_STARTED = 127 };

/* Between fork and exec only what is safe in a process that had threads. */
static _Noreturn void become(const char *program, const char *const *argv, char *const *environment,
                             int out, pid_t parent) {
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    bool orphan = getppid() != parent; /* it ended before we asked to be told */
    if (!orphan && null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0) {
        (void)execve(program, (char *const *)(uintptr_t)argv, environment);
    }
    _exit(NOT_STARTED);
}

static int open_pidfd(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int aura__child_start(struct aura__child *out, const char *program, const char *const *argv,
                      const char *token) {
    static char path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
    char secret[TOKEN_BYTES] = "";
    char trust[PATH_MAX + sizeof("SSL_CERT_FILE=")];
    char *environment[5] = {path, lang, NULL, NULL, NULL};
    size_t count = 2;
    const char *authorities = getenv("SSL_CERT_FILE");
    int ends[2];
    if (token) {
        int n = snprintf(secret, sizeof(secret), "AURALINK_RECORD_TOKEN=%s", token);
        if (n < 0 || (size_t)n >= sizeof(secret)) {
            return AURA_EIO;
        }
        environment[count++] = secret;
    }
    if (authorities && strlen(authorities) < PATH_MAX) {
        snprintf(trust, sizeof(trust), "SSL_CERT_FILE=%s", authorities);
        environment[count++] = trust;
    }
    if (access(program, X_OK) || pipe2(ends, O_CLOEXEC)) {
        explicit_bzero(secret, sizeof(secret));
        return AURA_EIO;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        become(program, argv, environment, ends[1], parent);
    }
    explicit_bzero(secret, sizeof(secret));
    close(ends[1]);
    int pidfd = pid > 0 ? open_pidfd(pid) : -1;
    if (pidfd < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK)) {
        if (pid > 0) {
            (void)kill(pid, SIGKILL);
        }
        close(ends[0]);
        return AURA_EIO;
    }
    *out = (struct aura__child){.pid = pid, .pidfd = pidfd, .out = ends[0]};
    return 0;
}
