/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/cli_mint.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct wish {
    const char *room, *identity, *name, *metadata, *kind, *valid_for;
    bool admin, list, create, no_publish, no_subscribe, no_data, own_metadata, hidden, recorder,
        agent;
    struct aura_arg_list sources, attributes;
};

static int add_sources(struct aura_claims *claims, const struct aura_arg_list *list) {
    static const char *const names[] = {"unknown", "camera", "microphone", "screen_share",
                                        "screen_share_audio"};
    for (size_t i = 0; i < list->count; i++) {
        size_t k = 1;
        while (k < COUNT(names) && strcmp(list->items[i], names[k]) != 0) {
            k++;
        }
        if (k == COUNT(names)) {
            fprintf(stderr,
                    "auralink: no source '%s' (camera, microphone, screen_share, "
                    "screen_share_audio)\n",
                    list->items[i]);
            return AURA_EINVAL;
        }
        claims->video.sources |= 1u << k;
    }
    return 0;
}

static int add_attributes(struct aura_claims *claims, const struct aura_arg_list *list) {
    json_t *pairs = cli_pairs(list), *value;
    const char *key;
    int err = pairs ? 0 : AURA_EINVAL;
    json_object_foreach(pairs, key, value) {
        err = err ? err : aura_claims_attribute(claims, key, json_string_value(value));
    }
    json_decref(pairs);
    return err;
}

static int fill(struct aura_claims *claims, const struct wish *w) {
    struct {
        char **to;
        const char *from;
    } texts[] = {{&claims->identity, w->identity},
                 {&claims->name, w->name},
                 {&claims->metadata, w->metadata},
                 {&claims->kind, w->kind},
                 {&claims->video.room, w->room}};
    for (size_t i = 0; i < COUNT(texts); i++) {
        *texts[i].to = aura_strdup(texts[i].from);
    }
    struct aura_video_grant *g = &claims->video;
    claims->has_video = true;
    g->room_join = w->room && w->identity;
    g->room_admin = w->admin;
    g->room_list = w->list;
    g->room_create = w->create;
    g->hidden = w->hidden;
    g->recorder = w->recorder;
    g->agent = w->agent;
    g->can_publish = w->no_publish ? AURA_NO : AURA_UNSET;
    g->can_subscribe = w->no_subscribe ? AURA_NO : AURA_UNSET;
    g->can_publish_data = w->no_data ? AURA_NO : AURA_UNSET;
    g->can_update_own_metadata = w->own_metadata ? AURA_YES : AURA_UNSET;
    int err = add_sources(claims, &w->sources);
    return err ? err : add_attributes(claims, &w->attributes);
}

static int print_token(const struct cli *cli, const struct aura_claims *claims, uint64_t seconds) {
    char *token = cli_mint_join(claims, cli->api_key, cli->api_secret, seconds);
    int status = token ? CLI_OK : CLI_FAILED;
    if (token && cli->json) {
        json_t *out = json_pack("{s:s, s:s, s:I}", "url", cli->url, "token", token, "valid_seconds",
                                (json_int_t)seconds);
        status = cli_print_json(out);
        json_decref(out);
    } else if (token) {
        printf("%s\n", token);
    }
    aura_free(token);
    return status;
}

int cli_token_create(int argc, char **argv) {
    struct cli cli = CLI_DEFAULTS;
    struct wish w = {.valid_for = "6h"};
    const struct aura_arg args[] = {
        {"room", AURA_ARG_STR, &w.room, "NAME", "room to join", NULL, 0},
        {"identity", AURA_ARG_STR, &w.identity, "ID", "who joins", NULL, 0},
        {"name", AURA_ARG_STR, &w.name, "TEXT", "display name", NULL, 0},
        {"metadata", AURA_ARG_STR, &w.metadata, "TEXT", "metadata of the participant", NULL, 0},
        {"attribute", AURA_ARG_LIST, &w.attributes, "K=V", "an attribute", NULL, 0},
        {"kind", AURA_ARG_STR, &w.kind, "KIND", "standard, agent, ingress, egress, sip", NULL, 0},
        {"valid-for", AURA_ARG_STR, &w.valid_for, "TIME", "90s, 15m, 6h (default), 30d", NULL, 0},
        {"", AURA_ARG_FLAG, NULL, NULL, "Rights:", NULL, 0},
        {"admin", AURA_ARG_FLAG, &w.admin, NULL, "manage the room (roomAdmin)", NULL, 0},
        {"list", AURA_ARG_FLAG, &w.list, NULL, "list rooms (roomList)", NULL, 0},
        {"create", AURA_ARG_FLAG, &w.create, NULL, "create and delete rooms (roomCreate)", NULL, 0},
        {"no-publish", AURA_ARG_FLAG, &w.no_publish, NULL, "may not publish tracks", NULL, 0},
        {"no-subscribe", AURA_ARG_FLAG, &w.no_subscribe, NULL, "may not receive tracks", NULL, 0},
        {"no-data", AURA_ARG_FLAG, &w.no_data, NULL, "may not send data", NULL, 0},
        {"source", AURA_ARG_LIST, &w.sources, "SOURCE", "publish only this source", NULL, 0},
        {"update-own-metadata", AURA_ARG_FLAG, &w.own_metadata, NULL,
         "may change own name, metadata, attributes", NULL, 0},
        {"hidden", AURA_ARG_FLAG, &w.hidden, NULL, "invisible to others", NULL, 0},
        {"recorder", AURA_ARG_FLAG, &w.recorder, NULL, "a recorder", NULL, 0},
        {"agent", AURA_ARG_FLAG, &w.agent, NULL, "an agent or its worker", NULL, 0},
        CLI_ARGS(&cli)};
    const struct aura_command_line line = {
        "auralink token create",
        "",
        "Makes an access token. It is signed here: the server is not "
        "asked.",
        args,
        COUNT(args),
        0,
        0};
    size_t n = 0;
    int status;
    if (cli_ends(aura_args_parse(&line, argc, argv, NULL, &n), &status)) {
        return status;
    }
    uint64_t seconds = 0;
    if (aura_args_seconds(w.valid_for, &seconds) || seconds == 0) {
        fprintf(stderr,
                "auralink token create: --valid-for wants a time such as 90s, 15m, 6h or 30d\n");
        return CLI_USAGE;
    }
    if (!w.room != !w.identity && !w.admin) {
        fprintf(stderr, "auralink token create: to join, give both --room and --identity\n");
        return CLI_USAGE;
    }
    struct aura_claims claims;
    aura_claims_init(&claims);
    status = fill(&claims, &w) ? CLI_USAGE : print_token(&cli, &claims, seconds);
    aura_claims_clear(&claims);
    return status;
}
