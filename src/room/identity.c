/* SPDX-License-Identifier: Apache-2.0 */
#include "room/identity.h"

#include <stdio.h>
#include <string.h>

const char *aura_identity_provider(enum aura_namespace of, const char *api_key,
                                   char out[AURA_PROVIDER_BYTES]) {
    (void)snprintf(out, AURA_PROVIDER_BYTES, "%s/%s",
                   of == AURA_NAMESPACE_AGENTS ? "livekit-agent" : "livekit", api_key);
    return out;
}

/* The server puts it behind what the worker says of itself: the last one is ours. */
static const char *agent_name(const struct aura_claims *c) {
    const char *name = "";
    for (size_t i = 0; i < c->attribute_count; i++) {
        if (strcmp(c->attributes[i].key, "lk.agent_name") == 0) {
            name = c->attributes[i].value;
        }
    }
    return name;
}

/* Who records or watches unseen is nobody, and so is a bridge to another network. */
static bool is_nobody(const struct aura_claims *c, bool agent) {
    const struct aura_video_grant *v = &c->video;
    bool standard = !c->kind || !c->kind[0] || strcmp(c->kind, "standard") == 0;
    return v->hidden || v->recorder || !(standard || agent);
}

int aura_identity_proof(const struct aura_claims *c, struct aura_token_proof *out) {
    bool agent = c->kind ? strcmp(c->kind, "agent") == 0 : c->video.agent;
    const char *subject = agent ? agent_name(c) : c->identity ? c->identity : "";
    if (is_nobody(c, agent) || !*subject) {
        return AURA_EPOLICY;
    }
    out->kind = agent ? AURA_ID_AGENT : AURA_ID_USER;
    out->proof.provider = aura_identity_provider(
        agent ? AURA_NAMESPACE_AGENTS : AURA_NAMESPACE_PEOPLE, c->api_key, out->provider);
    out->proof.subject = subject;
    return 0;
}

/* A name may be longer than what is shown of it: it ends between two characters then (UTF-8). */
static const char *display_of(const char *name, char out[AURA_DIRECTORY_TEXT_MAX + 1]) {
    size_t n = name ? strnlen(name, AURA_DIRECTORY_TEXT_MAX + 1) : 0;
    if (n > AURA_DIRECTORY_TEXT_MAX) {
        n = AURA_DIRECTORY_TEXT_MAX;
        while (n && ((unsigned char)name[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    (void)snprintf(out, AURA_DIRECTORY_TEXT_MAX + 1, "%.*s", (int)n, name ? name : "");
    return out;
}

int aura_identity_of(struct aura_directory *d, const struct aura_claims *c,
                     struct aura_identity *out, bool *created) {
    struct aura_token_proof p;
    char display[AURA_DIRECTORY_TEXT_MAX + 1];
    *created = false;
    int err = aura_identity_proof(c, &p);
    return err ? err
               : aura_directory_join(d, &p.proof, p.proof.subject, display_of(c->name, display),
                                     p.kind, out, created);
}
