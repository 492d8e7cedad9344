/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes other than codecs: transport, direction, streams, extensions. */
#include "transport/sdp_priv.h"

#include <string.h>
#include <strings.h>

/* A word without blanks: mids and rids go back to the peer inside lists. */
static bool is_token(const char *s) {
    return *s && !s[strcspn(s, " \t;,~")];
}

static bool dir_of(const char *name, enum aura_sdp_dir *dir) {
    static const char *const names[] = {[AURA_SDP_INACTIVE] = "inactive",
                                        [AURA_SDP_SENDONLY] = "sendonly",
                                        [AURA_SDP_RECVONLY] = "recvonly",
                                        [AURA_SDP_SENDRECV] = "sendrecv"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *dir = (enum aura_sdp_dir)i;
            return true;
        }
    }
    return false;
}

static enum aura_sdp_setup setup_of(const char *value) {
    if (strcasecmp(value, "actpass") == 0) {
        return AURA_SDP_SETUP_ACTPASS;
    }
    if (strcasecmp(value, "active") == 0) {
        return AURA_SDP_SETUP_ACTIVE;
    }
    return strcasecmp(value, "passive") == 0 ? AURA_SDP_SETUP_PASSIVE : AURA_SDP_SETUP_NONE;
}

static int fingerprint(struct aura__sdp_parser *ps, struct aura_sdp_transport *t,
                       const char *value) {
    struct aura_fingerprint fp;
    int err = aura_fingerprint_parse(&fp, value);
    if (err == AURA_EUNSUPPORTED) {
        return 0; /* RFC 8122 section 5: others of the list may do */
    }
    if (err) {
        return err;
    }
    struct aura_fingerprint *slot =
        aura__sdp_push(ps, SDP_FINGERPRINTS, t->fingerprint_count, AURA_SDP_FINGERPRINTS_MAX);
    if (!slot) {
        return AURA_ELIMIT;
    }
    *slot = fp;
    if (t->fingerprint_count++ == 0) {
        t->fingerprints = slot;
    }
    return 0;
}

/* Attributes that stand in the session or in a section. @return 1 if it was none of them */
static int transport_attribute(struct aura__sdp_parser *ps, const char *name, char *value) {
    struct aura_sdp_transport *t = ps->section ? &ps->section->transport : &ps->sdp->transport;
    if (strcmp(name, "ice-ufrag") == 0) {
        t->ufrag = value;
    } else if (strcmp(name, "ice-pwd") == 0) {
        t->pwd = value;
    } else if (strcmp(name, "ice-options") == 0) {
        t->ice_options = value;
    } else if (strcmp(name, "setup") == 0) {
        t->setup = setup_of(value);
    } else if (strcmp(name, "fingerprint") == 0) {
        return fingerprint(ps, t, value);
    } else {
        return 1;
    }
    return 0;
}

static bool flag(struct aura__sdp_parser *ps, const char *name) {
    struct aura_sdp_section *s = ps->section;
    if (dir_of(name, s ? &s->dir : &ps->session_dir)) {
        return true;
    }
    bool *at = NULL;
    if (strcmp(name, "extmap-allow-mixed") == 0) {
        at = s ? &s->extmap_allow_mixed : &ps->sdp->extmap_allow_mixed;
    } else if (strcmp(name, "ice-lite") == 0) {
        at = s ? NULL : &ps->sdp->ice_lite;
    } else if (s && strcmp(name, "rtcp-mux") == 0) {
        at = &s->rtcp_mux;
    } else if (s && strcmp(name, "rtcp-rsize") == 0) {
        at = &s->rtcp_rsize;
    } else if (s && strcmp(name, "bundle-only") == 0) {
        at = &s->bundle_only;
    } else if (s && strcmp(name, "end-of-candidates") == 0) {
        at = &s->end_of_candidates;
    }
    if (at) {
        *at = true;
    }
    return at != NULL;
}

/* "3/recvonly urn:… attributes" (RFC 8285 section 8) */
static int extmap(struct aura__sdp_parser *ps, char *value) {
    struct aura_sdp_section *s = ps->section;
    const char *p = aura__sdp_word(&value);
    const char *uri = aura__sdp_word(&value);
    struct aura_sdp_extmap e = {.uri = uri, .ext = aura_ext_parse(uri), .dir = AURA_SDP_SENDRECV};
    uint64_t id;
    if (!aura__sdp_uint(&p, UINT16_MAX, &id) || id == 0 || !*uri) {
        return AURA_EMALFORMED;
    }
    if (*p == '/') {
        e.has_dir = dir_of(p + 1, &e.dir);
    }
    if (id > UINT8_MAX) {
        return 0; /* ids from 4096 on ask for a number: we give none */
    }
    e.id = (uint8_t)id;
    struct aura_sdp_extmap *slot =
        aura__sdp_push(ps, SDP_EXTMAPS, s->extmap_count, AURA_SDP_EXTMAPS_MAX);
    if (!slot) {
        return AURA_ELIMIT;
    }
    *slot = e;
    s->extmap_count++;
    return 0;
}

/* "q send max-width=320" */
static int rid(struct aura__sdp_parser *ps, char *value) {
    struct aura_sdp_section *s = ps->section;
    const char *id = aura__sdp_word(&value);
    const char *dir = aura__sdp_word(&value);
    bool send = strcmp(dir, "send") == 0;
    if (!is_token(id) || (!send && strcmp(dir, "recv") != 0)) {
        return 0; /* RFC 8851 section 6: a line that is not understood is as if not there */
    }
    struct aura_sdp_rid *slot = aura__sdp_push(ps, SDP_RIDS, s->rid_count, AURA_SDP_RIDS_MAX);
    if (!slot) {
        return AURA_ELIMIT;
    }
    *slot = (struct aura_sdp_rid){.id = id, .send = send, .params = value + strspn(value, " ")};
    s->rid_count++;
    return 0;
}

/* "q;~h,hi;f": streams between semicolons, alternatives between commas (RFC 8853 section 5.1) */
static int simulcast_list(struct aura__sdp_parser *ps, char *list, bool send) {
    struct aura_sdp_section *s = ps->section;
    uint8_t stream = 0;
    for (char *p = list; *p;) {
        size_t n = strcspn(p, ";,");
        char separator = p[n];
        p[n] = '\0';
        bool paused = *p == '~';
        const char *id = p + paused;
        if (is_token(id)) {
            struct aura_sdp_layer *slot =
                aura__sdp_push(ps, SDP_LAYERS, s->layer_count, AURA_SDP_LAYERS_MAX);
            if (!slot) {
                return AURA_ELIMIT;
            }
            *slot = (struct aura_sdp_layer){
                .rid = id, .paused = paused, .send = send, .stream = stream};
            s->layer_count++;
        }
        stream = (uint8_t)(stream + (separator == ';'));
        p += n + (separator != '\0');
    }
    return 0;
}

static int simulcast(struct aura__sdp_parser *ps, char *value) {
    for (char *word; *(word = aura__sdp_word(&value));) {
        bool send = strcmp(word, "send") == 0;
        if (!send && strcmp(word, "recv") != 0) {
            return 0;
        }
        int err = simulcast_list(ps, aura__sdp_word(&value), send);
        if (err) {
            return err;
        }
    }
    return 0;
}

static int msid(struct aura__sdp_parser *ps, char *value) {
    struct aura_sdp_section *s = ps->section;
    const char *stream = aura__sdp_word(&value);
    if (!*stream) {
        return 0;
    }
    struct aura_sdp_msid *slot = aura__sdp_push(ps, SDP_MSIDS, s->msid_count, AURA_SDP_MSIDS_MAX);
    if (!slot) {
        return AURA_ELIMIT;
    }
    *slot = (struct aura_sdp_msid){.stream = stream, .track = aura__sdp_word(&value)};
    s->msid_count++;
    return 0;
}

static struct aura_sdp_ssrc *find_ssrc(struct aura__sdp_parser *ps, uint32_t ssrc) {
    struct aura__sdp_pool *pool = &ps->pools[SDP_SSRCS];
    struct aura_sdp_ssrc *all = (struct aura_sdp_ssrc *)(void *)pool->base;
    for (size_t i = pool->used - ps->section->ssrc_count; i < pool->used; i++) {
        if (all[i].ssrc == ssrc) {
            return &all[i];
        }
    }
    return NULL;
}

/* "1234 cname:x", "1234 msid:stream track" (RFC 5576) */
static int ssrc(struct aura__sdp_parser *ps, char *value) {
    struct aura_sdp_section *s = ps->section;
    const char *p = aura__sdp_word(&value);
    uint64_t number;
    if (!aura__sdp_uint(&p, UINT32_MAX, &number) || *p) {
        return AURA_EMALFORMED;
    }
    struct aura_sdp_ssrc *e = find_ssrc(ps, (uint32_t)number);
    if (!e) {
        e = aura__sdp_push(ps, SDP_SSRCS, s->ssrc_count, AURA_SDP_SSRCS_MAX);
        if (!e) {
            return AURA_ELIMIT;
        }
        *e = (struct aura_sdp_ssrc){
            .ssrc = (uint32_t)number, .cname = "", .msid_stream = "", .msid_track = ""};
        s->ssrc_count++;
    }
    if (strncmp(value, "cname:", 6) == 0) {
        e->cname = value + 6;
    } else if (strncmp(value, "msid:", 5) == 0) {
        char *ids = value + 5;
        e->msid_stream = aura__sdp_word(&ids);
        e->msid_track = aura__sdp_word(&ids);
    }
    return 0;
}

/* "FID 1 2" */
static int ssrc_group(struct aura__sdp_parser *ps, char *value) {
    struct aura_sdp_section *s = ps->section;
    struct aura_sdp_ssrc_group g = {.semantics = aura__sdp_word(&value)};
    for (char *word; *(word = aura__sdp_word(&value));) {
        const char *p = word;
        uint64_t number;
        if (!aura__sdp_uint(&p, UINT32_MAX, &number) || *p) {
            return AURA_EMALFORMED;
        }
        if (g.count == AURA_SDP_GROUP_SSRCS_MAX) {
            return AURA_ELIMIT;
        }
        g.ssrcs[g.count++] = (uint32_t)number;
    }
    struct aura_sdp_ssrc_group *slot =
        aura__sdp_push(ps, SDP_GROUPS, s->group_count, AURA_SDP_SSRC_GROUPS_MAX);
    if (!slot) {
        return AURA_ELIMIT;
    }
    *slot = g;
    s->group_count++;
    return 0;
}

static int candidate(struct aura__sdp_parser *ps, char *value) {
    struct aura_sdp_section *s = ps->section;
    const char **slot =
        aura__sdp_push(ps, SDP_CANDIDATES, s->candidate_count, AURA_SDP_CANDIDATES_MAX);
    if (!slot) {
        return AURA_ELIMIT;
    }
    *slot = value;
    s->candidate_count++;
    return 0;
}

static int mid(struct aura__sdp_parser *ps, char *value) {
    if (!is_token(value)) {
        return AURA_EMALFORMED;
    }
    ps->section->mid = value;
    return 0;
}

static int sctp_port(struct aura__sdp_parser *ps, char *value) {
    const char *p = value;
    uint64_t v;
    if (!aura__sdp_uint(&p, UINT16_MAX, &v)) {
        return AURA_EMALFORMED;
    }
    ps->section->sctp_port = (uint16_t)v;
    return 0;
}

static int max_message_size(struct aura__sdp_parser *ps, char *value) {
    const char *p = value;
    uint64_t v;
    if (!aura__sdp_uint(&p, UINT64_MAX, &v)) {
        return AURA_EMALFORMED;
    }
    ps->section->max_message_size = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
    ps->section->has_max_message_size = true;
    return 0;
}

static int section_attribute(struct aura__sdp_parser *ps, const char *name, char *value) {
    static const struct {
        const char *name;
        int (*read)(struct aura__sdp_parser *ps, char *value);
    } readers[] = {{"extmap", extmap},
                   {"ssrc", ssrc},
                   {"ssrc-group", ssrc_group},
                   {"candidate", candidate},
                   {"rid", rid},
                   {"simulcast", simulcast},
                   {"msid", msid},
                   {"mid", mid},
                   {"sctp-port", sctp_port},
                   {"max-message-size", max_message_size}};
    if (aura__sdp_codec_attribute(ps, name, value)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        if (strcmp(name, readers[i].name) == 0) {
            return readers[i].read(ps, value);
        }
    }
    return 0;
}

static int group(struct aura__sdp_parser *ps, char *value) {
    if (strncmp(value, "BUNDLE", 6) != 0 || (value[6] && value[6] != ' ')) {
        return 0;
    }
    if (ps->bundle_count == AURA_SDP_BUNDLES_MAX) {
        return AURA_ELIMIT;
    }
    ps->bundles[ps->bundle_count++] = value + 6;
    return 0;
}

int aura__sdp_attribute(struct aura__sdp_parser *ps, const char *name, char *value) {
    if (!value) {
        flag(ps, name);
        return 0;
    }
    int err = transport_attribute(ps, name, value);
    if (err <= 0) {
        return err;
    }
    if (ps->section) {
        return section_attribute(ps, name, value);
    }
    return strcmp(name, "group") == 0 ? group(ps, value) : 0;
}
