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
    bool announced, json;
    char core_address[ADDRESS_BYTES]; /* "" until AI Core says where it listens */
};

/* Programs say where they listen in one line of JSON behind the word "listening". */
static json_t *listening(const char *line) {
    static const char word[] = "listening ";
    bool is = strncmp(line, word, sizeof(word) - 1) == 0;
    return is ? json_loads(line + sizeof(word) - 1, 0, NULL) : NULL;
}

/* @return a token of the development key, or NULL after a message */
static char *guest_token(const struct cli *cli) {
    struct aura_claims claims; /* borrows its strings */
    aura_claims_init(&claims);
    claims.identity = (char *)(uintptr_t) "guest";
    claims.has_video = true;
    claims.video.room = (char *)(uintptr_t) "demo";
    claims.video.room_join = true;
    return cli_mint_join(&claims, cli->api_key, cli->api_secret, TOKEN_SECONDS);
}

static void print_json(const struct cli *cli, int port, const char *core, const char *token) {
    char url[ADDRESS_BYTES];
    snprintf(url, sizeof(url), "ws://localhost:%d", port);
    json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "url", url, "api_key",
                             cli->api_key, "api_secret", cli->api_secret, "token", token, "room",
                             "demo", "identity", "guest", "ai_core", core);
    json_dumpf(line, stdout, JSON_COMPACT);
    printf("\n");
    json_decref(line);
}

static void print_text(const struct cli *cli, int port, const char *core, const char *token,
                       const json_t *ports) {
    const char *setup = cli_text(ports, "setup");
    printf("\n  AuraLink is running (development keys: anyone who knows them may join)\n\n");
    if (json_is_true(json_object_get(ports, "pages"))) {
        printf("    Meet    http://localhost:%d/ in a browser: a call by name, without a token\n",
               port);
    }
    if (json_is_true(json_object_get(ports, "dashboard"))) {
        printf("    Admin   http://localhost:%d/dashboard/%s%s\n%s", port,
               setup[0] ? "#setup=" : "", setup,
               setup[0] ? "            (makes you its operator: once, within 15 minutes)\n" : "");
    }
    printf("    URL     ws://localhost:%d\n", port);
    printf("    Key     %s   Secret  %s\n", cli->api_key, cli->api_secret);
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
}

static void announce(const struct dev *dev, const json_t *ports) {
    int port = (int)cli_number(ports, "http");
    struct cli cli;
    cli_defaults(&cli);
    char *token = guest_token(&cli);
    if (token && dev->json) {
        print_json(&cli, port, dev->core_address, token);
    } else if (token) {
        print_text(&cli, port, dev->core_address, token, ports);
    }
    fflush(stdout);
    aura_free(token);
}

static void server_line(void *arg, const char *line) {
    struct dev *dev = arg;
    json_t *ports = dev->announced ? NULL : listening(line);
    if (ports) {
        announce(dev, ports);
        json_decref(ports);
        dev->announced = true;
    } else {
        FILE *out = dev->json ? stderr : stdout; /* where JSON is, nothing else is */
        fprintf(out, "%s\n", line);
        fflush(out);
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

static bool is_own(const char *word) {
    return strcmp(word, "--no-aic") == 0 || strcmp(word, "--json") == 0;
}

static int start_server(struct dev *dev, const char *const *words, size_t count) {
    char *args[DEV_ARGS_MAX + 1] = {(char *)(uintptr_t) "--dev"};
    size_t n = 1;
    if (dev->core_address[0]) {
        args[n++] = (char *)(uintptr_t) "--ai-core";
        args[n++] = dev->core_address;
    }
    for (size_t i = 0; i < count && n < DEV_ARGS_MAX; i++) {
        if (!is_own(words[i])) {
            args[n++] = (char *)(uintptr_t)words[i];
        }
    }
    int err = dev_child_start(&dev->server, "auralink-server", args);
    if (err) {
        cli_error("Build it with 'make build'.", "cannot start auralink-server: %s",
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
        cli_error(NULL, "cannot watch for signals: %s", strerror(errno));
        return AURA_EIO;
    }
    return 0;
}

static void pass_signal(struct dev *dev) {
    struct signalfd_siginfo info;
    if (read(dev->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGINT) {
            fprintf(dev->json ? stderr : stdout, "\nStopping (Ctrl-C again to stop at once)...\n");
            fflush(NULL);
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

static bool without;
static const struct aura_arg options[] = {
    {"no-aic", AURA_ARG_FLAG, &without, NULL, "without AI Core: nothing is compressed", NULL, 0},
};

static int dev(struct cli *cli, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        without = without || strcmp(words[i], "--no-aic") == 0;
    }
    struct dev dev = {.server = {.out = -1}, .core = {.out = -1}, .json = cli->json};
    if (watch_signals(&dev)) {
        return CLI_FAILED;
    }
    if (!without) {
        start_core(&dev);
    }
    int status = CLI_FAILED;
    if (start_server(&dev, words, count) == 0) {
        run(&dev);
        status = dev_child_wait(&dev.server);
        if (status) {
            cli_error("Its own words are above.", "auralink-server ended with status %d", status);
        }
    }
    if (dev.core.pid > 0) {
        kill(dev.core.pid, SIGTERM);
        (void)dev_child_wait(&dev.core);
    }
    close(dev.signals);
    return status;
}

static const struct cli_command commands[] = {
    {.name = "",
     .operands = "[OPTIONS OF auralink-server]",
     .summary = "start a server for development and print how to connect",
     .about = "Starts auralink-server --dev, and AI Core for it, and prints a URL, a join token "
              "and how\n"
              "to connect. Key 'devkey', secret 'secret'. See auralink-server --help.",
     CLI_OPTIONS(options),
     .flags = CLI_OWN_OPTIONS,
     .run = dev},
};

CLI_GROUP(cli_group_dev, "dev", "a server for development", commands);
