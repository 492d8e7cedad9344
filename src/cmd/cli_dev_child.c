/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cli_dev_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int path_of(const char *name, char *out, size_t cap) {
    ssize_t n = readlink("/proc/self/exe", out, cap - 1);
    if (n < 0) {
        return AURA_EIO;
    }
    out[n] = 0;
    char *slash = strrchr(out, '/');
    size_t room = slash ? cap - (size_t)(slash + 1 - out) : 0;
    if (!slash || snprintf(slash + 1, room, "%s", name) >= (int)room) {
        return AURA_EIO;
    }
    return access(out, X_OK) ? AURA_ENOENT : 0;
}

static void exec_child(const char *path, int out, char *const args[]) {
    char *argv[DEV_ARGS_MAX + 2] = {(char *)(uintptr_t)path};
    for (size_t i = 0; i < DEV_ARGS_MAX && args[i]; i++) {
        argv[i + 1] = args[i];
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(out, STDOUT_FILENO);
    execv(path, argv);
    fprintf(stderr, "auralink: cannot start %s: %s\n", path, strerror(errno));
    _exit(127);
}

int dev_child_start(struct dev_child *c, const char *name, char *const args[]) {
    char path[PATH_MAX];
    int pipe_fds[2];
    *c = (struct dev_child){.out = -1};
    int err = path_of(name, path, sizeof(path));
    if (err || pipe2(pipe_fds, O_CLOEXEC)) {
        return err ? err : AURA_EIO;
    }
    pid_t pid = fork();
    if (pid == 0) {
        exec_child(path, pipe_fds[1], args);
    }
    close(pipe_fds[1]);
    if (pid < 0) {
        close(pipe_fds[0]);
        return AURA_EIO;
    }
    c->pid = pid;
    c->out = pipe_fds[0];
    return 0;
}

bool dev_child_read(struct dev_child *c, dev_line_fn *on_line, void *arg) {
    ssize_t n = read(c->out, c->line + c->used, sizeof(c->line) - 1 - c->used);
    if (n <= 0) {
        return n < 0 && errno == EINTR;
    }
    c->used += (size_t)n;
    c->line[c->used] = 0;
    for (char *end; (end = strchr(c->line, '\n'));) {
        *end = 0;
        on_line(arg, c->line);
        c->used -= (size_t)(end + 1 - c->line);
        memmove(c->line, end + 1, c->used + 1);
    }
    if (c->used == sizeof(c->line) - 1) {
        c->used = 0; /* a line that long is not for us */
    }
    return true;
}

int dev_child_wait(struct dev_child *c) {
    int status = 0;
    if (c->pid <= 0) {
        return 0;
    }
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) {
    }
    c->pid = 0;
    if (c->out >= 0) {
        close(c->out);
        c->out = -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
