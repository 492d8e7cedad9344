/* SPDX-License-Identifier: Apache-2.0 */
/* What a client tells about the streams that it sends: msid, rids, sources. */
#include "room/negotiation_priv.h"

#include <stdio.h>
#include <string.h>

void aura__neg_copy_id(char out[AURA_NEG_TRACK_ID_MAX + 1], const char *id) {
    size_t len = strlen(id);
    if (len >= 2 && id[0] == '{' && id[len - 1] == '}') { /* Firefox */
        id++;
        len -= 2;
    }
    if (len > AURA_NEG_TRACK_ID_MAX || (len == 1 && *id == '-')) {
        len = 0;
    }
    memcpy(out, id, len);
    out[len] = '\0';
}

void aura__neg_msid(const struct aura_sdp_section *offer, const char **stream, const char **track) {
    *stream = *track = "";
    if (offer->msid_count) {
        *stream = offer->msids[0].stream;
        *track = offer->msids[0].track;
        return;
    }
    for (size_t i = 0; i < offer->ssrc_count; i++) {
        if (*offer->ssrcs[i].msid_stream) {
            *stream = offer->ssrcs[i].msid_stream;
            *track = offer->ssrcs[i].msid_track;
            return;
        }
    }
}

/* LiveKit's names of layers, low first; -1 for others. */
static int rid_rank(const char *rid) {
    static const char order[] = "qhf";
    const char *at = rid[0] && !rid[1] ? strchr(order, rid[0]) : NULL;
    return at ? (int)(at - order) : -1;
}

static bool rid_declared(const struct aura_sdp_section *s, const char *id) {
    for (size_t i = 0; i < s->rid_count; i++) {
        if (s->rids[i].send && strcmp(s->rids[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

static bool listed(const char *const *rids, size_t n, const char *id) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static void sort_rids(const char **rids, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (rid_rank(rids[i]) < 0) {
            return; /* names that mean nothing to us: the client's order */
        }
    }
    for (size_t i = 1; i < n; i++) {
        for (size_t j = i; j > 0 && rid_rank(rids[j]) < rid_rank(rids[j - 1]); j--) {
            const char *t = rids[j];
            rids[j] = rids[j - 1];
            rids[j - 1] = t;
        }
    }
}

static bool take_rid(const struct aura_sdp_section *offer, const char **rids, size_t *n,
                     const char *id) {
    if (strlen(id) > AURA_MEDIA_RID_MAX || !rid_declared(offer, id) || listed(rids, *n, id)) {
        return true;
    }
    if (*n == AURA_MEDIA_LAYERS_MAX) {
        return false;
    }
    rids[(*n)++] = id;
    return true;
}

size_t aura__neg_send_rids(const struct aura_sdp_section *offer,
                           const char *rids[AURA_MEDIA_LAYERS_MAX]) {
    size_t n = 0;
    int last_stream = -1;
    for (size_t i = 0; i < offer->layer_count; i++) {
        const struct aura_sdp_layer *l = &offer->layers[i];
        if (!l->send || l->stream == last_stream) {
            continue;
        }
        last_stream = l->stream; /* the first of the alternatives */
        if (!take_rid(offer, rids, &n, l->rid)) {
            break;
        }
    }
    if (n == 0 && offer->layer_count == 0) { /* rids without a=simulcast: one stream with a name */
        for (size_t i = 0; i < offer->rid_count && n == 0; i++) {
            take_rid(offer, rids, &n, offer->rids[i].send ? offer->rids[i].id : "");
        }
    }
    return n;
}

static uint32_t rtx_of(const struct aura_sdp_section *offer, uint32_t ssrc) {
    for (size_t i = 0; i < offer->group_count; i++) {
        const struct aura_sdp_ssrc_group *g = &offer->groups[i];
        if (strcmp(g->semantics, "FID") == 0 && g->count == 2 && g->ssrcs[0] == ssrc) {
            return g->ssrcs[1];
        }
    }
    return 0;
}

static bool is_repair(const struct aura_sdp_section *offer, uint32_t ssrc) {
    for (size_t i = 0; i < offer->group_count; i++) {
        const struct aura_sdp_ssrc_group *g = &offer->groups[i];
        bool pairs = strcmp(g->semantics, "FID") == 0 || strncmp(g->semantics, "FEC", 3) == 0;
        for (size_t j = 1; pairs && j < g->count; j++) {
            if (g->ssrcs[j] == ssrc) {
                return true;
            }
        }
    }
    return false;
}

static void add_stream(struct aura_neg_pub *pub, const struct aura_sdp_section *offer,
                       uint32_t ssrc) {
    if (pub->stream_count < AURA_MEDIA_LAYERS_MAX && ssrc) {
        struct aura_sfu_stream *stream = &pub->streams[pub->stream_count++];
        stream->ssrc = ssrc;
        stream->rtx_ssrc = rtx_of(offer, ssrc);
    }
}

void aura__neg_read_streams(struct aura_neg_pub *pub, const struct aura_sdp_section *offer) {
    const char *rids[AURA_MEDIA_LAYERS_MAX];
    const char *stream, *track;
    aura__neg_msid(offer, &stream, &track);
    aura__neg_copy_id(pub->stream_id, stream);
    aura__neg_copy_id(pub->track_id, track);
    size_t rid_count = aura__neg_send_rids(offer, rids);
    if (rid_count) {
        sort_rids(rids, rid_count);
        /* Sources that are signalled besides are in no known order: rids bind them all. */
        for (size_t i = 0; i < rid_count; i++) {
            snprintf(pub->streams[i].rid, sizeof(pub->streams[i].rid), "%s", rids[i]);
        }
        pub->stream_count = rid_count;
        return;
    }
    for (size_t i = 0; i < offer->group_count; i++) {
        if (strcmp(offer->groups[i].semantics, "SIM") == 0) {
            for (size_t j = 0; j < offer->groups[i].count; j++) {
                add_stream(pub, offer, offer->groups[i].ssrcs[j]);
            }
            return;
        }
    }
    for (size_t i = 0; i < offer->ssrc_count && pub->stream_count == 0; i++) {
        if (!is_repair(offer, offer->ssrcs[i].ssrc)) {
            add_stream(pub, offer, offer->ssrcs[i].ssrc);
        }
    }
}

bool aura__neg_same_pub(const struct aura_neg_pub *a, const struct aura_neg_pub *b) {
    if (strcmp(a->stream_id, b->stream_id) != 0 || strcmp(a->track_id, b->track_id) != 0 ||
        a->stream_count != b->stream_count || !aura__neg_same_media(&a->media, &b->media)) {
        return false;
    }
    for (size_t i = 0; i < a->stream_count; i++) {
        const struct aura_sfu_stream *x = &a->streams[i], *y = &b->streams[i];
        if (x->ssrc != y->ssrc || x->rtx_ssrc != y->rtx_ssrc || strcmp(x->rid, y->rid) != 0) {
            return false;
        }
    }
    return true;
}
