/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink dev`: the server beside this program with its development defaults, explained to a
 * person. */
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/cli_mint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, TOKEN_SECONDS = 24 * 3600, SERVER_ARGS_MAX = 64 };

struct dev {
    pid_t server;
    int out, signals;
    bool announced;
    size_t used;
    char line[LINE_MAX_BYTES];
};

static int server_path(char *out, size_t cap) {
    ssize_t n = readlink("/proc/self/exe", out, cap - 1);
    if (n < 0) {
        return AURA_EIO;
    }
    out[n] = 0;
    char *slash = strrchr(out, '/');
    size_t room = slash ? cap - (size_t)(slash + 1 - out) : 0;
    if (!slash || snprintf(slash + 1, room, "auralink-server") >= (int)room) {
        return AURA_ELIMIT;
    }
    return 0;
}

/* The server gets a process group of its own, so that one Ctrl-C reaches it once: through us. */
static void exec_server(const char *path, int out, int argc, char **argv) {
    char *args[SERVER_ARGS_MAX + 3] = {(char *)(uintptr_t)path, (char *)(uintptr_t) "--dev"};
    for (int i = 1; i < argc && i < SERVER_ARGS_MAX; i++) {
        args[i + 1] = argv[i];
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(out, STDOUT_FILENO);
    execv(path, args);
    fprintf(stderr, "auralink: cannot start %s: %s\nBuild it with 'make build'.\n", path,
            strerror(errno));
    _exit(127);
}

static int start(struct dev *dev, int argc, char **argv) {
    char path[PATH_MAX];
    int pipe_fds[2];
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGTERM);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    dev->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (dev->signals < 0 || server_path(path, sizeof(path)) || pipe2(pipe_fds, O_CLOEXEC)) {
        fprintf(stderr, "auralink: cannot prepare to start the server: %s\n", strerror(errno));
        return AURA_EIO;
    }
    dev->server = fork();
    if (dev->server == 0) {
        exec_server(path, pipe_fds[1], argc, argv);
    }
    close(pipe_fds[1]);
    dev->out = pipe_fds[0];
    if (dev->server < 0) {
        fprintf(stderr, "auralink: cannot fork: %s\n", strerror(errno));
        return AURA_EIO;
    }
    return 0;
}

static void announce(int port) {
    struct cli cli = CLI_DEFAULTS;
    struct aura_claims claims; /* borrows its strings */
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t) "guest";
    claims.has_video = true;
    claims.video.room = (char *)(uintptr_t) "demo";
    claims.video.room_join = true;
    char *token = cli_mint_join(&claims, cli.api_key, cli.api_secret, TOKEN_SECONDS);
    if (!token) {
        return;
    }
    printf("\n  AuraLink is running (development keys: anyone who knows them may join)\n\n");
    printf("    URL     ws://localhost:%d\n", port);
    printf("    Key     %s   Secret  %s\n", cli.api_key, cli.api_secret);
    printf("    Token   %s\n", token);
    printf("            (room 'demo', identity 'guest', 24 h; more: auralink token create "
           "--help)\n\n");
    printf("  Connect a LiveKit client:\n\n");
    printf(
        "    JS      const room = new Room(); await room.connect('ws://localhost:%d', '<token>')\n",
        port);
    printf("    Python  room = rtc.Room(); await room.connect('ws://localhost:%d', '<token>')\n\n",
           port);
    printf("  Metrics   http://localhost:%d/metrics\n  Stop      Ctrl-C\n\n", port);
    fflush(stdout);
    aura_free(token);
}

/* The server says where it listens in one line of JSON behind the word "listening". */
static void take_line(struct dev *dev, const char *line) {
    static const char word[] = "listening ";
    if (dev->announced || strncmp(line, word, sizeof(word) - 1) != 0) {
        printf("%s\n", line);
        fflush(stdout);
        return;
    }
    json_t *ports = json_loads(line + sizeof(word) - 1, 0, NULL);
    announce((int)cli_number(ports, "http"));
    json_decref(ports);
    dev->announced = true;
}

/* @return false at the end of the server's output */
static bool read_output(struct dev *dev) {
    ssize_t n = read(dev->out, dev->line + dev->used, sizeof(dev->line) - 1 - dev->used);
    if (n <= 0) {
        return n < 0 && errno == EINTR;
    }
    dev->used += (size_t)n;
    dev->line[dev->used] = 0;
    for (char *end; (end = strchr(dev->line, '\n'));) {
        *end = 0;
        take_line(dev, dev->line);
        dev->used -= (size_t)(end + 1 - dev->line);
        memmove(dev->line, end + 1, dev->used + 1);
    }
    if (dev->used == sizeof(dev->line) - 1) {
        dev->used = 0; /* a line that long is not for us */
    }
    return true;
}

static void pass_signal(struct dev *dev) {
    struct signalfd_siginfo info;
    if (read(dev->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGINT) {
            printf("\nStopping (Ctrl-C again to stop at once)...\n");
            fflush(stdout);
        }
        kill(dev->server, (int)info.ssi_signo);
    }
}

int cli_dev(int argc, char **argv) {
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        printf("Usage: auralink dev [options of auralink-server]\n\n"
               "Starts auralink-server --dev and prints a URL, a join token and how to connect.\n"
               "Key 'devkey', secret 'secret'. Options go to the server: see auralink-server "
               "--help.\n");
        return CLI_OK;
    }
    struct dev dev = {.server = -1};
    if (start(&dev, argc, argv)) {
        return CLI_FAILED;
    }
    struct pollfd fds[] = {{.fd = dev.out, .events = POLLIN},
                           {.fd = dev.signals, .events = POLLIN}};
    for (bool open = true; open;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR) {
            break;
        }
        if (fds[1].revents) {
            pass_signal(&dev);
        }
        if (fds[0].revents) {
            open = read_output(&dev);
        }
    }
    int status = 0;
    while (waitpid(dev.server, &status, 0) < 0 && errno == EINTR) {
    }
    close(dev.out);
    close(dev.signals);
    return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
}
