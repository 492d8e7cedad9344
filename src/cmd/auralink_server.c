/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server.h"
#include "base/log.h"
#include "cmd/args.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

int main(int argc, char **argv) {
    bool dev = false;
    uint64_t port = 7880, udp = 7882, tcp = 7881, workers = 0;
    struct aura_arg_list binds = {.count = 0};
    const char *node_ip = NULL, *keys_text = NULL, *level = "info";
    const struct aura_arg args[] = {
        {"dev", AURA_ARG_FLAG, &dev, NULL, "dev", NULL, 0},
        {"port", AURA_ARG_UINT, &port, "PORT", "", NULL, 65535},
        {"udp-port", AURA_ARG_UINT, &udp, "PORT", "", NULL, 65535},
        {"tcp-port", AURA_ARG_UINT, &tcp, "PORT", "", NULL, 65535},
        {"workers", AURA_ARG_UINT, &workers, "N", "", NULL, 64},
        {"bind", AURA_ARG_LIST, &binds, "ADDR", "", NULL, 0},
        {"node-ip", AURA_ARG_STR, &node_ip, "IP", "", NULL, 0},
        {"keys", AURA_ARG_STR, &keys_text, "K", "", NULL, 0},
        {"log-level", AURA_ARG_STR, &level, "K", "", NULL, 0},
    };
    const struct aura_command_line line = {
        "auralink-server", "", "x", args, sizeof(args) / sizeof(args[0]), 0, 0};
    size_t n;
    if (aura_args_parse(&line, argc, argv, NULL, &n))
        return 2;
    enum aura_log_level l;
    if (aura_log_level_parse(level, &l) == 0)
        aura_log_setup(l, false);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct aura_keys *keys;
    if (aura_keys_new(&keys) || aura_keys_add(keys, "devkey", "secret"))
        return 1;
    struct aura_loop *loop;
    if (aura_loop_new(&loop, aura_clock_system()))
        return 1;
    struct aura_rooms_conf rc = {.keys = keys,
                                 .node_id = "ND_x",
                                 .region = "",
                                 .version = "1.13.11",
                                 .auto_create = true,
                                 .empty_timeout_s = 300,
                                 .departure_timeout_s = 20,
                                 .rand = aura_rand_system()};
    struct aura_rooms *rooms;
    if (aura_rooms_new(&rooms, &rc, loop))
        return 1;
    struct aura_addr bind[8];
    size_t nb = 0;
    for (size_t i = 0; i < binds.count && nb < 8; i++)
        if (aura_addr_parse(&bind[nb], binds.items[i]) == 0)
            nb++;
    struct aura_addr adv;
    size_t na = node_ip && aura_addr_parse(&adv, node_ip) == 0;
    struct aura_sfu_conf sc = {.workers = workers,
                               .udp_port = (uint16_t)udp,
                               .tcp_port = (uint16_t)tcp,
                               .bind = bind,
                               .bind_count = nb,
                               .advertise = &adv,
                               .advertise_count = na,
                               .loopback = true,
                               .clock = aura_clock_system(),
                               .rand = aura_rand_system()};
    struct aura_sfu *sfu;
    int err = aura_sfu_new(&sfu, &sc, loop, aura_rooms_sfu_handlers(), rooms);
    if (err) {
        fprintf(stderr, "sfu: %s\n", aura_err_text(err));
        return 1;
    }
    aura_rooms_attach(rooms, sfu);
    struct aura_server_conf hc = {.http = {.bind = bind, .bind_count = nb, .port = (uint16_t)port},
                                  .keys = keys};
    struct aura_server *server;
    err = aura_server_new(&server, &hc, loop, rooms, sfu);
    if (err) {
        fprintf(stderr, "http: %s\n", aura_err_text(err));
        return 1;
    }
    printf("listening {\"http\":%u}\n", aura_http_port(aura_server_http(server)));
    fflush(stdout);
    aura_http_run(aura_server_http(server));
    return 0;
}
