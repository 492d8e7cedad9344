/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/sdp.h"

#include "base/mem.h"
#include "transport/sdp_priv.h"

#include <stdalign.h>
#include <string.h>

static const size_t elem_bytes[SDP_POOLS] = {
    [SDP_SECTIONS] = sizeof(struct aura_sdp_section),
    [SDP_CODECS] = sizeof(struct aura_sdp_codec),
    [SDP_EXTMAPS] = sizeof(struct aura_sdp_extmap),
    [SDP_RIDS] = sizeof(struct aura_sdp_rid),
    [SDP_LAYERS] = sizeof(struct aura_sdp_layer),
    [SDP_MSIDS] = sizeof(struct aura_sdp_msid),
    [SDP_SSRCS] = sizeof(struct aura_sdp_ssrc),
    [SDP_GROUPS] = sizeof(struct aura_sdp_ssrc_group),
    [SDP_CANDIDATES] = sizeof(const char *),
    [SDP_FINGERPRINTS] = sizeof(struct aura_fingerprint),
};

/* A line begins so: it may need one element of that pool. */
static const struct {
    const char *prefix;
    enum aura__sdp_pool_id pool;
} counted[] = {
    {"m=", SDP_SECTIONS},
    {"a=extmap:", SDP_EXTMAPS},
    {"a=rid:", SDP_RIDS},
    {"a=msid:", SDP_MSIDS},
    {"a=ssrc:", SDP_SSRCS},
    {"a=ssrc-group:", SDP_GROUPS},
    {"a=candidate:", SDP_CANDIDATES},
    {"a=fingerprint:", SDP_FINGERPRINTS},
};

bool aura__sdp_uint(const char **p, uint64_t max, uint64_t *out) {
    const char *c = *p;
    uint64_t v = 0;
    if (*c < '0' || *c > '9') {
        return false;
    }
    for (; *c >= '0' && *c <= '9'; c++) {
        uint64_t digit = (uint64_t)(*c - '0');
        if (digit > max || v > (max - digit) / 10) {
            return false;
        }
        v = v * 10 + digit;
    }
    *p = c;
    *out = v;
    return true;
}

char *aura__sdp_word(char **p) {
    char *word = *p + strspn(*p, " \t");
    char *end = word + strcspn(word, " \t");
    if (*end) {
        *end++ = '\0';
    }
    *p = end;
    return word;
}

void *aura__sdp_push(struct aura__sdp_parser *ps, enum aura__sdp_pool_id id, size_t count,
                     size_t max) {
    struct aura__sdp_pool *pool = &ps->pools[id];
    if (count >= max) {
        return NULL;
    }
    AURA_BUG_ON(pool->used >= pool->cap);
    return pool->base + pool->used++ * pool->elem;
}

/* Counts what one line may need, so that the arrays never have to grow. */
static void count_line(const char *line, size_t len, size_t *need) {
    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
        size_t n = strlen(counted[i].prefix);
        if (len >= n && memcmp(line, counted[i].prefix, n) == 0) {
            need[counted[i].pool]++;
        }
    }
    bool media = len >= 2 && memcmp(line, "m=", 2) == 0;
    bool simulcast = len >= 12 && memcmp(line, "a=simulcast:", 12) == 0;
    if (!media && !simulcast) {
        return;
    }
    size_t separators = 0;
    for (size_t i = 0; i < len; i++) {
        separators += line[i] == ' ' || line[i] == '\t' || line[i] == ';' || line[i] == ',';
    }
    size_t *n = media ? &need[SDP_CODECS] : &need[SDP_LAYERS];
    *n += separators + 1;
}

/* Checks the shape of the text and counts what it needs. */
static int scan(const char *text, size_t len, size_t *need) {
    size_t lines = 0;
    if (len > AURA_SDP_BYTES_MAX) {
        return AURA_ELIMIT;
    }
    if (len < 3 || memcmp(text, "v=0", 3) != 0 || memchr(text, '\0', len)) {
        return AURA_EMALFORMED;
    }
    for (size_t at = 0; at < len; lines++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - text) - at : len - at;
        if (n > AURA_SDP_LINE_BYTES_MAX || lines == AURA_SDP_LINES_MAX) {
            return AURA_ELIMIT;
        }
        count_line(text + at, n, need);
        at += n + 1;
    }
    return need[SDP_SECTIONS] > AURA_SDP_SECTIONS_MAX ? AURA_ELIMIT : 0;
}

static size_t aligned(size_t n) {
    size_t a = alignof(max_align_t);
    return (n + a - 1) / a * a;
}

/* One block: the result, its arrays, the text. @return the copy of the text, or NULL */
static char *reserve(struct aura__sdp_parser *ps, const size_t *need, const char *text,
                     size_t len) {
    size_t bytes = aligned(sizeof(struct aura_sdp));
    for (size_t i = 0; i < SDP_POOLS; i++) {
        bytes += aligned(need[i] * elem_bytes[i]);
    }
    char *block = aura_zalloc(bytes + len + 1);
    if (!block) {
        return NULL;
    }
    ps->sdp = (struct aura_sdp *)(void *)block;
    char *at = block + aligned(sizeof(struct aura_sdp));
    for (size_t i = 0; i < SDP_POOLS; i++) {
        ps->pools[i] = (struct aura__sdp_pool){.elem = elem_bytes[i], .cap = need[i], .base = at};
        at += aligned(need[i] * elem_bytes[i]);
    }
    memcpy(at, text, len);
    return at;
}

/* "o=- 4611 2 IN IP4 127.0.0.1" */
static void origin_line(struct aura_sdp *sdp, char *value) {
    aura__sdp_word(&value);
    const char *id = aura__sdp_word(&value);
    const char *version = aura__sdp_word(&value);
    uint64_t v;
    sdp->origin_id = aura__sdp_uint(&id, UINT64_MAX, &v) ? v : 0;
    sdp->origin_version = aura__sdp_uint(&version, UINT64_MAX, &v) ? v : 0;
}

static int parse_line(struct aura__sdp_parser *ps, char *line) {
    size_t len = strlen(line);
    while (len && (line[len - 1] == '\r' || line[len - 1] == ' ')) {
        line[--len] = '\0';
    }
    if (memchr(line, '\r', len)) {
        return AURA_EMALFORMED;
    }
    if (len < 2 || line[1] != '=') {
        return 0;
    }
    char *value = line + 2;
    if (line[0] == 'm') {
        return aura__sdp_media_line(ps, value);
    }
    if (line[0] == 'o' && !ps->section) {
        origin_line(ps->sdp, value);
    }
    if (line[0] != 'a') {
        return 0;
    }
    char *colon = strchr(value, ':');
    if (colon) {
        *colon++ = '\0';
    }
    return aura__sdp_attribute(ps, value, colon);
}

static bool same_mid_before(const struct aura_sdp *sdp, size_t at) {
    for (size_t i = 0; i < at; i++) {
        if (strcmp(sdp->sections[i].mid, sdp->sections[at].mid) == 0) {
            return true;
        }
    }
    return false;
}

static struct aura_sdp_section *section_of_mid(struct aura__sdp_parser *ps, const char *mid) {
    struct aura_sdp_section *sections =
        (struct aura_sdp_section *)(void *)ps->pools[SDP_SECTIONS].base;
    for (size_t i = 0; i < ps->sdp->section_count; i++) {
        if (strcmp(sections[i].mid, mid) == 0) {
            return &sections[i];
        }
    }
    return NULL;
}

/* RFC 9143: a mid is in one group at most; the first one counts. */
static int resolve_bundles(struct aura__sdp_parser *ps) {
    for (size_t g = 0; g < ps->bundle_count; g++) {
        size_t mids = 0;
        for (char *p = ps->bundles[g], *mid; *(mid = aura__sdp_word(&p));) {
            if (++mids > AURA_SDP_SECTIONS_MAX) {
                return AURA_ELIMIT;
            }
            struct aura_sdp_section *s = section_of_mid(ps, mid);
            if (s && !s->bundle) {
                s->bundle = (uint16_t)(g + 1);
            }
        }
    }
    return 0;
}

/* What a section does not say itself, the session says (RFC 8839 section 5, RFC 8122). */
static void inherit(struct aura_sdp_transport *own, const struct aura_sdp_transport *session) {
    if (!*own->ufrag && !*own->pwd) {
        own->ufrag = session->ufrag;
        own->pwd = session->pwd;
    }
    if (!*own->ice_options) {
        own->ice_options = session->ice_options;
    }
    if (own->setup == AURA_SDP_SETUP_NONE) {
        own->setup = session->setup;
    }
    if (!own->fingerprint_count) {
        own->fingerprints = session->fingerprints;
        own->fingerprint_count = session->fingerprint_count;
    }
}

static int finish(struct aura__sdp_parser *ps) {
    struct aura_sdp *sdp = ps->sdp;
    struct aura_sdp_section *sections =
        (struct aura_sdp_section *)(void *)ps->pools[SDP_SECTIONS].base;
    sdp->sections = sections;
    sdp->section_count = ps->pools[SDP_SECTIONS].used;
    for (size_t i = 0; i < sdp->section_count; i++) {
        inherit(&sections[i].transport, &sdp->transport);
        sections[i].extmap_allow_mixed |= sdp->extmap_allow_mixed;
        if (*sections[i].mid && same_mid_before(sdp, i)) {
            return AURA_EMALFORMED;
        }
    }
    return resolve_bundles(ps);
}

int aura_sdp_parse(struct aura_sdp **sdpp, const char *text, size_t len) {
    AURA_REQUIRE(sdpp && text, AURA_EINVAL);
    struct aura__sdp_parser ps = {.session_dir = AURA_SDP_SENDRECV};
    size_t need[SDP_POOLS] = {0};
    int err = scan(text, len, need);
    if (err) {
        return err;
    }
    char *p = reserve(&ps, need, text, len);
    if (!p) {
        return AURA_ENOMEM;
    }
    ps.sdp->transport = (struct aura_sdp_transport){.ufrag = "", .pwd = "", .ice_options = ""};
    while (!err && *p) {
        char *end = p + strcspn(p, "\n");
        char *next = *end ? end + 1 : end;
        *end = '\0';
        err = parse_line(&ps, p);
        p = next;
    }
    err = err ? err : finish(&ps);
    if (err) {
        aura_sdp_free(ps.sdp);
        return err;
    }
    *sdpp = ps.sdp;
    return 0;
}

struct aura_sdp *aura_sdp_free(struct aura_sdp *sdp) {
    aura_free(sdp);
    return NULL;
}

const struct aura_sdp_codec *aura_sdp_find_codec(const struct aura_sdp_section *s, uint8_t pt) {
    for (size_t i = 0; i < s->codec_count; i++) {
        if (s->codecs[i].pt == pt) {
            return &s->codecs[i];
        }
    }
    return NULL;
}
