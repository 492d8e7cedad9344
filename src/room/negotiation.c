/* SPDX-License-Identifier: Apache-2.0 */
#include "room/negotiation.h"

#include "base/mem.h"
#include "room/negotiation_priv.h"

#include <stdio.h>
#include <string.h>

static bool usable_credentials(const char *ufrag, const char *pwd) {
    return ufrag && pwd && *ufrag && *pwd && strlen(ufrag) <= AURA_ICE_UFRAG_MAX &&
           strlen(pwd) <= AURA_ICE_PWD_MAX;
}

/* Replaces both or none. */
static int copy_credentials(char **ufrag, char **pwd, const char *new_ufrag, const char *new_pwd) {
    char *u = aura_strdup(new_ufrag);
    char *p = aura_strdup(new_pwd);
    if (!u || !p) {
        aura_free(u);
        aura_free(p);
        return AURA_ENOMEM;
    }
    aura_free(*ufrag);
    aura_free(*pwd);
    *ufrag = u;
    *pwd = p;
    return 0;
}

int aura_neg_new(struct aura_neg **negp, const struct aura_neg_conf *conf,
                 const struct aura_neg_handlers *handlers, void *arg) {
    AURA_REQUIRE(negp && conf && conf->rand && conf->fingerprint && handlers, AURA_EINVAL);
    if (!usable_credentials(conf->ufrag, conf->pwd)) {
        return AURA_EINVAL;
    }
    struct aura_neg *neg = aura_zalloc(sizeof(*neg));
    if (!neg) {
        return AURA_ENOMEM;
    }
    neg->role = conf->role;
    neg->rand = conf->rand;
    neg->handlers = *handlers;
    neg->arg = arg;
    neg->fingerprint = *conf->fingerprint;
    neg->codecs = conf->codecs;
    neg->plays = conf->plays;
    neg->playout = conf->playout;
    neg->origin_id = aura_rand_u64(neg->rand) >> 2; /* RFC 9429 section 5.2.1: 62 bits */
    neg->offer_id = aura_rand_below(neg->rand, 256);
    neg->dirty = neg->role == AURA_NEG_SUBSCRIBER;
    aura_list_init(&neg->subs);
    int err = copy_credentials(&neg->ufrag, &neg->pwd, conf->ufrag, conf->pwd);
    err = err ? err : aura_neg_set_candidates(neg, conf->candidates, conf->candidate_count);
    if (err) {
        aura_neg_free(neg);
        return err;
    }
    *negp = neg;
    return 0;
}

struct aura_neg *aura_neg_free(struct aura_neg *neg) {
    if (!neg) {
        return NULL;
    }
    AURA_LIST_EACH(&neg->subs, struct aura_neg_sub, sub, node) {
        aura_node_remove(&sub->node);
        aura_free(sub);
    }
    aura_sdp_free(neg->current);
    aura_sdp_free(neg->pending);
    aura_free(neg->sections);
    aura_free(neg->ufrag);
    aura_free(neg->pwd);
    aura_free(neg->remote_ufrag);
    aura_free(neg->remote_pwd);
    aura_free(neg);
    return NULL;
}

int aura_neg_set_credentials(struct aura_neg *neg, const char *ufrag, const char *pwd) {
    if (!usable_credentials(ufrag, pwd)) {
        return AURA_EINVAL;
    }
    int err = copy_credentials(&neg->ufrag, &neg->pwd, ufrag, pwd);
    if (!err) {
        neg->dirty = neg->role == AURA_NEG_SUBSCRIBER;
    }
    return err;
}

int aura_neg_set_candidates(struct aura_neg *neg, const struct aura_sfu_candidate *candidates,
                            size_t count) {
    static const size_t prefix = sizeof("candidate:") - 1;
    if (count > AURA_SFU_CANDIDATES_MAX) {
        return AURA_ELIMIT;
    }
    neg->candidate_count = 0;
    for (size_t i = 0; i < count; i++) {
        int err = aura_neg_candidate_format(&candidates[i], i, neg->candidates[i],
                                            sizeof(neg->candidates[i]));
        if (err) {
            return err;
        }
        neg->candidate_list[i] = neg->candidates[i] + prefix;
        neg->candidate_count = i + 1;
    }
    return 0;
}

/* The section whose transport all the bundled ones use: the first that is not rejected. */
static bool find_carrier(const struct aura_sdp *sdp, size_t *carrier) {
    for (size_t i = 0; i < sdp->section_count; i++) {
        const struct aura_sdp_section *s = &sdp->sections[i];
        if (s->port != 0 || (s->bundle_only && s->bundle)) {
            *carrier = i;
            return true;
        }
    }
    return false;
}

static void remote_data(struct aura_pc_remote *pc, const struct aura_sdp *sdp) {
    for (size_t i = 0; i < sdp->section_count; i++) {
        const struct aura_sdp_section *s = &sdp->sections[i];
        if (s->kind == AURA_SDP_APPLICATION && (s->port || s->bundle_only)) {
            pc->sctp = true;
            pc->sctp_port = s->sctp_port ? s->sctp_port : 5000;
            pc->max_message_bytes = s->has_max_message_size ? s->max_message_size : 65536;
            return;
        }
    }
}

int aura__neg_read_transport(struct aura_neg *neg, const struct aura_sdp *sdp,
                             struct aura_neg_remote *remote, size_t *carrier) {
    if (!find_carrier(sdp, carrier)) {
        return AURA_EUNSUPPORTED;
    }
    const struct aura_sdp_transport *t = &sdp->sections[*carrier].transport;
    if (!usable_credentials(t->ufrag, t->pwd) || !t->fingerprint_count) {
        return AURA_EUNSUPPORTED;
    }
    *remote = (struct aura_neg_remote){.pc = {.ufrag = t->ufrag,
                                              .pwd = t->pwd,
                                              .fingerprints = t->fingerprints,
                                              .fingerprint_count = t->fingerprint_count,
                                              .active = t->setup == AURA_SDP_SETUP_PASSIVE}};
    remote_data(&remote->pc, sdp);
    bool same = neg->remote_ufrag && strcmp(neg->remote_ufrag, t->ufrag) == 0 &&
                strcmp(neg->remote_pwd, t->pwd) == 0;
    remote->ice_restart = neg->remote_ufrag && !same;
    return same ? 0 : copy_credentials(&neg->remote_ufrag, &neg->remote_pwd, t->ufrag, t->pwd);
}

static bool ssrc_in_sdp(const struct aura_sdp *sdp, uint32_t ssrc) {
    for (size_t i = 0; sdp && i < sdp->section_count; i++) {
        for (size_t j = 0; j < sdp->sections[i].ssrc_count; j++) {
            if (sdp->sections[i].ssrcs[j].ssrc == ssrc) {
                return true;
            }
        }
    }
    return false;
}

static bool ssrc_taken(const struct aura_neg *neg, uint32_t ssrc) {
    if (ssrc == 0 || ssrc_in_sdp(neg->current, ssrc) || ssrc_in_sdp(neg->pending, ssrc)) {
        return true;
    }
    AURA_LIST_EACH(&neg->subs, struct aura_neg_sub, sub, node) {
        if (sub->ssrc == ssrc || sub->rtx_ssrc == ssrc) {
            return true;
        }
    }
    return false;
}

static uint32_t new_ssrc(struct aura_neg *neg) {
    uint32_t ssrc;
    do {
        ssrc = aura_rand_u32(neg->rand);
    } while (ssrc_taken(neg, ssrc));
    return ssrc;
}

/* Ids go into SDP lines as they are. */
static bool usable_id(const char *id, size_t max) {
    size_t len = id ? strlen(id) : 0;
    return len > 0 && len <= max && !id[strcspn(id, " \t\r\n|")];
}

int aura_neg_sub_add(struct aura_neg *neg, struct aura_neg_sub **subp,
                     const struct aura_neg_sub_conf *conf) {
    AURA_REQUIRE(neg && subp && conf, AURA_EINVAL);
    if (neg->role == AURA_NEG_PUBLISHER) {
        return AURA_ESTATE;
    }
    if (!usable_id(conf->participant_sid, AURA_NEG_SID_MAX) ||
        !usable_id(conf->track_sid, AURA_NEG_SID_MAX) ||
        !usable_id(conf->cname, AURA_NEG_CNAME_MAX) || conf->codec_count > AURA_MEDIA_CODECS_MAX) {
        return AURA_EINVAL;
    }
    if (neg->sub_count == AURA_NEG_SUBS_MAX) {
        return AURA_ELIMIT;
    }
    const char *stream =
        conf->stream && usable_id(conf->stream, AURA_NEG_SID_MAX) ? conf->stream : conf->track_sid;
    struct aura_neg_sub *sub = aura_zalloc(sizeof(*sub));
    if (!sub) {
        return AURA_ENOMEM;
    }
    sub->kind = conf->kind;
    snprintf(sub->participant_sid, sizeof(sub->participant_sid), "%s", conf->participant_sid);
    snprintf(sub->track_sid, sizeof(sub->track_sid), "%s", conf->track_sid);
    snprintf(sub->cname, sizeof(sub->cname), "%s", conf->cname);
    snprintf(sub->stream, sizeof(sub->stream), "%s", stream);
    for (size_t i = 0; i < conf->codec_count; i++) {
        sub->codecs[i] = conf->codecs[i];
    }
    sub->codec_count = conf->codec_count;
    sub->backup = conf->backup;
    sub->stereo = conf->stereo;
    sub->red = conf->red;
    sub->any = conf->any;
    sub->user = conf->user;
    sub->ssrc = new_ssrc(neg);
    aura_list_add(&neg->subs, &sub->node);
    sub->rtx_ssrc = sub->kind == AURA_KIND_VIDEO ? new_ssrc(neg) : 0;
    neg->sub_count++;
    *subp = sub;
    return 0;
}

struct aura_neg_sub *aura_neg_sub_remove(struct aura_neg *neg, struct aura_neg_sub *sub) {
    if (!sub) {
        return NULL;
    }
    for (size_t i = 0; i < neg->section_count; i++) {
        if (neg->sections[i].sub == sub) {
            neg->sections[i].sub = NULL;
        }
    }
    aura_node_remove(&sub->node);
    neg->sub_count--;
    aura_free(sub);
    return NULL;
}

void *aura_neg_sub_user(const struct aura_neg_sub *sub) {
    return sub->user;
}

struct aura_neg_sub *aura__neg_next_waiting(const struct aura_neg *neg, enum aura_kind kind,
                                            const struct aura_neg_sub *after) {
    const struct aura_node *n = after ? after->node.next : neg->subs.head.next;
    for (; n != &neg->subs.head; n = n->next) {
        struct aura_neg_sub *sub = AURA_CONTAINER(n, struct aura_neg_sub, node);
        if (sub->kind == kind && !sub->placed && !sub->unsupported) {
            return sub;
        }
    }
    return NULL;
}

bool aura_neg_needs_offer(const struct aura_neg *neg) {
    if (neg->role == AURA_NEG_PUBLISHER || neg->outstanding || neg->pending) {
        return false;
    }
    if (neg->dirty || aura__neg_next_waiting(neg, AURA_KIND_AUDIO, NULL) ||
        aura__neg_next_waiting(neg, AURA_KIND_VIDEO, NULL)) {
        return true;
    }
    for (size_t i = 0; i < neg->section_count; i++) {
        if (neg->sections[i].use == NEG_SUB && !neg->sections[i].sub) {
            return true;
        }
    }
    return false;
}

static uint32_t missing(const struct aura_neg *neg, enum aura_kind kind) {
    uint32_t waiting = 0, open = 0;
    const struct aura_neg_sub *sub = NULL;
    while ((sub = aura__neg_next_waiting(neg, kind, sub))) {
        waiting++;
    }
    for (size_t i = 0; i < neg->section_count; i++) {
        open += neg->sections[i].use == NEG_OPEN && neg->sections[i].kind == kind;
    }
    return waiting > open ? waiting - open : 0;
}

void aura_neg_sections_needed(const struct aura_neg *neg, uint32_t *audios, uint32_t *videos) {
    bool single = neg->role == AURA_NEG_SINGLE;
    *audios = single ? missing(neg, AURA_KIND_AUDIO) : 0;
    *videos = single ? missing(neg, AURA_KIND_VIDEO) : 0;
}

void aura_neg_mid_map(const struct aura_neg *neg,
                      void (*each)(void *arg, const char *mid, const char *track_sid), void *arg) {
    for (size_t i = 0; i < neg->section_count; i++) {
        const struct aura__neg_section *s = &neg->sections[i];
        if (s->use == NEG_SUB && s->sub) {
            each(arg, s->mid, s->sub->track_sid);
        }
    }
}

static bool published_as(const struct aura__neg_section *sections, size_t count, size_t at,
                         const char *mid) {
    return at < count && sections[at].use == NEG_PUB && strcmp(sections[at].mid, mid) == 0;
}

/* After the new sections are in force: a handler may take out the subscription it is told of. */
static void tell_subs(struct aura_neg *neg) {
    AURA_LIST_EACH(&neg->subs, struct aura_neg_sub, sub, node) {
        if (sub->lost) {
            sub->lost = false;
            if (neg->handlers.sub_lost) {
                neg->handlers.sub_lost(neg->arg, sub);
            }
        }
    }
    for (size_t i = 0; i < neg->section_count; i++) {
        struct aura__neg_section *s = &neg->sections[i];
        if (s->rebound && s->sub && neg->handlers.sub_ready) {
            neg->handlers.sub_ready(neg->arg, s->sub, &s->media);
        }
        s->rebound = false;
    }
    AURA_LIST_EACH(&neg->subs, struct aura_neg_sub, sub, node) {
        if (sub->refused) {
            sub->refused = false;
            if (neg->handlers.sub_unsupported) {
                neg->handlers.sub_unsupported(neg->arg, sub);
            }
        }
    }
}

/* Marks subscriptions by where the new sections put them. */
static void place_subs(struct aura_neg *neg) {
    AURA_LIST_EACH(&neg->subs, struct aura_neg_sub, sub, node) {
        sub->placed = false;
    }
    for (size_t i = 0; i < neg->section_count; i++) {
        if (neg->sections[i].sub) {
            neg->sections[i].sub->placed = true;
        }
    }
    AURA_LIST_EACH(&neg->subs, struct aura_neg_sub, sub, node) {
        sub->lost = sub->ready && !sub->placed && !sub->refused;
        sub->ready = sub->placed;
    }
}

void aura__neg_commit(struct aura_neg *neg, struct aura__neg_section *sections, size_t count) {
    struct aura__neg_section *old = neg->sections;
    size_t old_count = neg->section_count;
    for (size_t i = 0; i < count; i++) {
        bool was = published_as(old, old_count, i, sections[i].mid);
        sections[i].changed = sections[i].use == NEG_PUB &&
                              !(was && aura__neg_same_pub(&old[i].pub, &sections[i].pub));
    }
    neg->sections = sections;
    neg->section_count = count;
    place_subs(neg);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].use == NEG_PUB && !published_as(sections, count, i, old[i].mid) &&
            neg->handlers.unpublished) {
            neg->handlers.unpublished(neg->arg, old[i].mid);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (sections[i].changed && neg->handlers.published) {
            neg->handlers.published(neg->arg, &sections[i].pub,
                                    published_as(old, old_count, i, sections[i].mid));
        }
    }
    aura_free(old);
    tell_subs(neg);
}
