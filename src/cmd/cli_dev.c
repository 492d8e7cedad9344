/* SPDX-License-Identifier: Apache-2.0 */
/* `auralink dev`: the server beside this program with its development defaults, explained to a
 * person. */
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/cli_dev_child.h"
#include "cmd/cli_mint.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TOKEN_SECONDS = 24 * 3600, ADDRESS_BYTES = 32 };

struct dev {
    struct dev_child server, core;
    int signals;
    bool announced;
    char core_address[ADDRESS_BYTES]; /* "" until AI Core says where it listens */
};

/* Programs say where they listen in one line of JSON behind the word "listening". */
static json_t *listening(const char *line) {
    static const char word[] = "listening ";
    bool is = strncmp(line, word, sizeof(word) - 1) == 0;
    return is ? json_loads(line + sizeof(word) - 1, 0, NULL) : NULL;
}

static void announce(int port, const char *core) {
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
    printf("  AI Core   %s\n", core[0] ? core : "none: calls are native");
    printf("  Metrics   http://localhost:%d/metrics\n  Stop      Ctrl-C\n\n", port);
    fflush(stdout);
    aura_free(token);
}

static void server_line(void *arg, const char *line) {
    struct dev *dev = arg;
    json_t *ports = dev->announced ? NULL : listening(line);
    if (ports) {
        announce((int)cli_number(ports, "http"), dev->core_address);
        json_decref(ports);
        dev->announced = true;
    } else {
        printf("%s\n", line);
        fflush(stdout);
    }
}

static void core_line(void *arg, const char *line) {
    struct dev *dev = arg;
    json_t *ports = listening(line);
    if (ports) {
        (void)snprintf(dev->core_address, sizeof(dev->core_address), "127.0.0.1:%d",
                       (int)cli_number(ports, "grpc"));
        json_decref(ports);
    }
}

/* AI Core first: the server is told its address. Without it calls are native, which is no reason
 * not to start. */
static void start_core(struct dev *dev) {
    char *args[] = {(char *)(uintptr_t) "--listen", (char *)(uintptr_t) "127.0.0.1:0", NULL};
    int err = dev_child_start(&dev->core, "auralink-aicore", args);
    while (!err && !dev->core_address[0]) {
        if (!dev_child_read(&dev->core, core_line, dev)) {
            (void)dev_child_wait(&dev->core);
            err = AURA_ECLOSED;
        }
    }
    if (err) {
        fprintf(stderr,
                "auralink: no AI Core (%s): calls will be native. 'make build' builds it.\n",
                err == AURA_ENOENT    ? "auralink-aicore is not beside this program"
                : err == AURA_ECLOSED ? "it ended, see above"
                                      : aura_err_text(err));
    }
}

static int start_server(struct dev *dev, int argc, char **argv) {
    char *args[DEV_ARGS_MAX + 1] = {(char *)(uintptr_t) "--dev"};
    size_t n = 1;
    if (dev->core_address[0]) {
        args[n++] = (char *)(uintptr_t) "--ai-core";
        args[n++] = dev->core_address;
    }
    for (int i = 1; i < argc && n < DEV_ARGS_MAX; i++) {
        if (strcmp(argv[i], "--no-aic") != 0) {
            args[n++] = argv[i];
        }
    }
    int err = dev_child_start(&dev->server, "auralink-server", args);
    if (err) {
        fprintf(stderr, "auralink: cannot start auralink-server: %s\nBuild it with 'make build'.\n",
                err == AURA_ENOENT ? "it is not beside this program" : strerror(errno));
    }
    return err;
}

static int watch_signals(struct dev *dev) {
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGTERM);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    dev->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    if (dev->signals < 0) {
        fprintf(stderr, "auralink: cannot watch for signals: %s\n", strerror(errno));
        return AURA_EIO;
    }
    return 0;
}

static void pass_signal(struct dev *dev) {
    struct signalfd_siginfo info;
    if (read(dev->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGINT) {
            printf("\nStopping (Ctrl-C again to stop at once)...\n");
            fflush(stdout);
        }
        kill(dev->server.pid, (int)info.ssi_signo);
    }
}

/* Until the server ends; AI Core may go before. */
static void run(struct dev *dev) {
    struct pollfd fds[] = {{.fd = dev->server.out, .events = POLLIN},
                           {.fd = dev->signals, .events = POLLIN},
                           {.fd = dev->core.out, .events = POLLIN}};
    for (bool open = true; open;) {
        if (poll(fds, 3, -1) < 0 && errno != EINTR) {
            break;
        }
        if (fds[1].revents) {
            pass_signal(dev);
        }
        if (fds[2].revents && !dev_child_read(&dev->core, core_line, dev)) {
            fds[2].fd = -1;
            (void)dev_child_wait(&dev->core);
            fprintf(stderr, "auralink: AI Core ended: calls go on natively\n");
        }
        if (fds[0].revents) {
            open = dev_child_read(&dev->server, server_line, dev);
        }
    }
}

int cli_dev(int argc, char **argv) {
    bool without = false;
    const struct aura_arg args[] = {{"no-aic", AURA_ARG_FLAG, &without, NULL,
                                     "without AI Core: nothing is compressed", NULL, 0}};
    const struct aura_command_line line = {
        "auralink dev",
        "[OPTIONS OF auralink-server]",
        "Starts auralink-server --dev, and AI Core for it, and prints a URL, a join token and how\n"
        "to connect. Key 'devkey', secret 'secret'. See auralink-server --help.",
        args,
        1,
        0,
        0};
    if (aura_args_visited(&line)) {
        return CLI_OK;
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        size_t n = 0;
        int status;
        (void)cli_ends(aura_args_parse(&line, 2, argv, NULL, &n), &status);
        return status;
    }
    bool aic = true;
    for (int i = 1; i < argc; i++) {
        aic = aic && strcmp(argv[i], "--no-aic") != 0;
    }
    struct dev dev = {.server = {.out = -1}, .core = {.out = -1}};
    if (watch_signals(&dev)) {
        return CLI_FAILED;
    }
    if (aic) {
        start_core(&dev);
    }
    int status = CLI_FAILED;
    if (start_server(&dev, argc, argv) == 0) {
        run(&dev);
        status = dev_child_wait(&dev.server);
    }
    if (dev.core.pid > 0) {
        kill(dev.core.pid, SIGTERM);
        (void)dev_child_wait(&dev.core);
    }
    close(dev.signals);
    return status;
}
