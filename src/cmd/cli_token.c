/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cmd/cli.h"
#include "cmd/cli_mint.h"

#include <stdio.h>
#include <string.h>

static struct wish {
    const char *room, *identity, *name, *metadata, *kind, *valid_for, *preset, *config;
    bool admin, list, create, record, no_publish, no_subscribe, no_data, own_metadata, hidden,
        recorder, agent;
    struct aura_arg_list sources, attributes;
} wish = {.valid_for = "6h"};

static int add_sources(struct aura_claims *claims, const struct aura_arg_list *list) {
    static const char *const names[] = {"unknown", "camera", "microphone", "screen_share",
                                        "screen_share_audio"};
    for (size_t i = 0; i < list->count; i++) {
        size_t k = 1;
        while (k < CLI_COUNT(names) && strcmp(list->items[i], names[k]) != 0) {
            k++;
        }
        if (k == CLI_COUNT(names)) {
            cli_error("There are camera, microphone, screen_share, screen_share_audio.",
                      "no source '%s'", list->items[i]);
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
    } texts[] = {{&claims->identity, w->identity},  {&claims->name, w->name},
                 {&claims->metadata, w->metadata},  {&claims->kind, w->kind},
                 {&claims->room_preset, w->preset}, {&claims->room_config, w->config},
                 {&claims->video.room, w->room}};
    for (size_t i = 0; i < CLI_COUNT(texts); i++) {
        *texts[i].to = aura_strdup(texts[i].from);
    }
    struct aura_video_grant *g = &claims->video;
    claims->has_video = true;
    g->room_join = w->room && w->identity;
    g->room_admin = w->admin;
    g->room_list = w->list;
    g->room_create = w->create;
    g->room_record = w->record;
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

static const struct aura_arg options[] = {
    {"room", AURA_ARG_STR, &wish.room, "NAME", "room to join", NULL, 0},
    {"identity", AURA_ARG_STR, &wish.identity, "ID", "who joins", NULL, 0},
    {"name", AURA_ARG_STR, &wish.name, "TEXT", "display name", NULL, 0},
    {"metadata", AURA_ARG_STR, &wish.metadata, "TEXT", "metadata of the participant", NULL, 0},
    {"attribute", AURA_ARG_LIST, &wish.attributes, "K=V", "an attribute", NULL, 0},
    {"kind", AURA_ARG_STR, &wish.kind, "KIND", "standard, agent, ingress, egress, sip", NULL, 0},
    {"preset", AURA_ARG_STR, &wish.preset, "NAME",
     "make the room by this one of room.room_configurations", NULL, 0},
    {"room-config", AURA_ARG_STR, &wish.config, "JSON",
     "make the room so, such as {\"agents\": [{\"agentName\": \"helper\"}]}", NULL, 0},
    {"valid-for", AURA_ARG_STR, &wish.valid_for, "TIME", "90s, 15m, 6h (default), 30d", NULL, 0},
    {"", AURA_ARG_FLAG, NULL, NULL, "Rights:", NULL, 0},
    {"admin", AURA_ARG_FLAG, &wish.admin, NULL, "manage the room (roomAdmin)", NULL, 0},
    {"list", AURA_ARG_FLAG, &wish.list, NULL, "list rooms (roomList)", NULL, 0},
    {"create", AURA_ARG_FLAG, &wish.create, NULL, "create and delete rooms (roomCreate)", NULL, 0},
    {"record", AURA_ARG_FLAG, &wish.record, NULL, "record by the Egress API (roomRecord)", NULL, 0},
    {"no-publish", AURA_ARG_FLAG, &wish.no_publish, NULL, "may not publish tracks", NULL, 0},
    {"no-subscribe", AURA_ARG_FLAG, &wish.no_subscribe, NULL, "may not receive tracks", NULL, 0},
    {"no-data", AURA_ARG_FLAG, &wish.no_data, NULL, "may not send data", NULL, 0},
    {"source", AURA_ARG_LIST, &wish.sources, "SOURCE", "publish only this source", NULL, 0},
    {"update-own-metadata", AURA_ARG_FLAG, &wish.own_metadata, NULL,
     "may change own name, metadata, attributes", NULL, 0},
    {"hidden", AURA_ARG_FLAG, &wish.hidden, NULL, "invisible to others", NULL, 0},
    {"recorder", AURA_ARG_FLAG, &wish.recorder, NULL, "a recorder", NULL, 0},
    {"agent", AURA_ARG_FLAG, &wish.agent, NULL, "an agent or its worker", NULL, 0},
};

/* @return the seconds, or 0 after a message */
static uint64_t check(const struct wish *w) {
    uint64_t seconds = 0;
    if (aura_args_seconds(w->valid_for, &seconds) || seconds == 0) {
        cli_error(NULL, "--valid-for wants a time such as 90s, 15m, 6h or 30d");
        return 0;
    }
    if (!w->room != !w->identity && !w->admin) {
        cli_error(NULL, "to join, give both --room and --identity");
        return 0;
    }
    json_t *config = w->config ? cli_object("--room-config", w->config) : NULL;
    bool fine = !w->config || config;
    json_decref(config);
    return fine ? seconds : 0;
}

static int create(struct cli *cli, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    struct aura_claims claims;
    uint64_t seconds = check(&wish);
    if (!seconds) {
        return CLI_USAGE;
    }
    aura_claims_init(&claims);
    int status = fill(&claims, &wish) ? CLI_USAGE : print_token(cli, &claims, seconds);
    aura_claims_clear(&claims);
    return status;
}

static const struct cli_command commands[] = {
    {.name = "create",
     .operands = "",
     .summary = "make a join token",
     .about = "Makes an access token. It is signed here: the server is not asked.",
     CLI_OPTIONS(options),
     .flags = CLI_SERVER,
     .run = create},
};

CLI_GROUP(cli_group_token, "token", "access tokens", commands);
