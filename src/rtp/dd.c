/* SPDX-License-Identifier: Apache-2.0 */
#include "rtp/dd.h"

#include "rtp/bits.h"

#include <string.h>

enum { MANDATORY_LEN = 3, ID_RANGE = 64 };

/* Function names follow the specification's syntax tables (A.8.2, A.8.3). */

static int template_layers(struct aura_dd_structure *s, struct aura_bits *b) {
    unsigned spatial = 0, temporal = 0, next;
    do {
        if (s->template_count == AURA_DD_TEMPLATES_MAX || b->fail) {
            return b->fail ? AURA_ETRUNC : AURA_ELIMIT;
        }
        struct aura_dd_template *t = &s->templates[s->template_count++];
        t->spatial = (uint8_t)spatial;
        t->temporal = (uint8_t)temporal;
        s->max_temporal = temporal > s->max_temporal ? (uint8_t)temporal : s->max_temporal;
        next = aura_bits_get(b, 2);
        if (next == 1) {
            temporal++;
        } else if (next == 2) {
            temporal = 0;
            spatial++;
        }
        if (spatial >= AURA_DD_SPATIAL_MAX || temporal >= AURA_DD_TEMPORAL_MAX) {
            return AURA_EMALFORMED;
        }
    } while (next != 3);
    s->max_spatial = (uint8_t)spatial;
    return 0;
}

static int template_fdiffs(struct aura_dd_template *t, struct aura_bits *b) {
    while (aura_bits_get(b, 1)) {
        if (t->diff_count == AURA_DD_DIFFS_MAX) {
            return AURA_ELIMIT;
        }
        t->diffs[t->diff_count++] = (uint8_t)(aura_bits_get(b, 4) + 1);
    }
    return 0;
}

static int template_chains(struct aura_dd_structure *s, struct aura_bits *b) {
    s->chain_count = (uint8_t)aura_bits_ns(b, s->target_count + 1u);
    if (s->chain_count == 0) {
        return 0;
    }
    for (unsigned i = 0; i < s->target_count; i++) {
        s->protected_by[i] = (uint8_t)aura_bits_ns(b, s->chain_count);
    }
    for (unsigned i = 0; i < s->template_count; i++) {
        for (unsigned k = 0; k < s->chain_count; k++) {
            s->templates[i].chain_diffs[k] = (uint8_t)aura_bits_get(b, 4);
        }
    }
    return 0;
}

/* A target's layer is the highest of the templates that belong to it. */
static void decode_target_layers(struct aura_dd_structure *s) {
    for (unsigned k = 0; k < s->target_count; k++) {
        for (unsigned i = 0; i < s->template_count; i++) {
            const struct aura_dd_template *t = &s->templates[i];
            if (t->dtis[k] == AURA_DTI_NOT_PRESENT) {
                continue;
            }
            if (t->spatial > s->target_spatial[k]) {
                s->target_spatial[k] = t->spatial;
            }
            if (t->temporal > s->target_temporal[k]) {
                s->target_temporal[k] = t->temporal;
            }
        }
    }
}

static int template_structure(struct aura_dd_structure *s, struct aura_bits *b) {
    memset(s, 0, sizeof(*s));
    s->id_offset = (uint8_t)aura_bits_get(b, 6);
    s->target_count = (uint8_t)(aura_bits_get(b, 5) + 1);
    int err = template_layers(s, b);
    if (err) {
        return err;
    }
    for (unsigned i = 0; i < s->template_count; i++) {
        for (unsigned k = 0; k < s->target_count; k++) {
            s->templates[i].dtis[k] = (uint8_t)aura_bits_get(b, 2);
        }
    }
    for (unsigned i = 0; i < s->template_count; i++) {
        err = template_fdiffs(&s->templates[i], b);
        if (err) {
            return err;
        }
    }
    err = template_chains(s, b);
    if (err) {
        return err;
    }
    decode_target_layers(s);
    s->has_resolutions = aura_bits_get(b, 1);
    for (unsigned i = 0; s->has_resolutions && i <= s->max_spatial; i++) {
        uint32_t w = aura_bits_get(b, 16) + 1, h = aura_bits_get(b, 16) + 1;
        s->width[i] = (uint16_t)(w > UINT16_MAX ? UINT16_MAX : w);
        s->height[i] = (uint16_t)(h > UINT16_MAX ? UINT16_MAX : h);
    }
    return b->fail ? AURA_ETRUNC : 0;
}

struct custom {
    bool dtis, fdiffs, chains;
};

static int frame_dependency(struct aura_dd *out, struct aura_bits *b,
                            const struct aura_dd_structure *s, struct custom custom) {
    unsigned index = (out->template_id + ID_RANGE - s->id_offset) % ID_RANGE;
    if (index >= s->template_count) {
        return AURA_EMALFORMED;
    }
    const struct aura_dd_template *t = &s->templates[index];
    out->spatial = t->spatial;
    out->temporal = t->temporal;
    for (unsigned k = 0; k < s->target_count; k++) {
        out->dtis[k] = custom.dtis ? (uint8_t)aura_bits_get(b, 2) : t->dtis[k];
    }
    if (custom.fdiffs) {
        unsigned size;
        while ((size = aura_bits_get(b, 2)) != 0) {
            if (out->diff_count == AURA_DD_DIFFS_MAX) {
                return AURA_ELIMIT;
            }
            out->diffs[out->diff_count++] = (uint16_t)(aura_bits_get(b, 4 * size) + 1);
        }
    } else {
        for (; out->diff_count < t->diff_count; out->diff_count++) {
            out->diffs[out->diff_count] = t->diffs[out->diff_count];
        }
    }
    for (unsigned k = 0; k < s->chain_count; k++) {
        out->chain_diffs[k] = custom.chains ? (uint8_t)aura_bits_get(b, 8) : t->chain_diffs[k];
    }
    out->width = s->has_resolutions ? s->width[t->spatial] : 0;
    out->height = s->has_resolutions ? s->height[t->spatial] : 0;
    return 0;
}

static void mandatory(struct aura_dd *out, struct aura_bits *b) {
    *out = (struct aura_dd){0};
    out->start_of_frame = aura_bits_get(b, 1);
    out->end_of_frame = aura_bits_get(b, 1);
    out->template_id = (uint8_t)aura_bits_get(b, 6);
    out->frame_number = (uint16_t)aura_bits_get(b, 16);
}

int aura_dd_parse_mandatory(struct aura_dd *out, const uint8_t *data, size_t len) {
    struct aura_bits b = aura_bits_of(data, len);
    mandatory(out, &b);
    if (!b.fail && len > MANDATORY_LEN) {
        out->has_structure = aura_bits_get(&b, 1);
    }
    return b.fail ? AURA_ETRUNC : 0;
}

static uint32_t all_targets(const struct aura_dd_structure *s) {
    return s->target_count >= 32 ? UINT32_MAX : (UINT32_C(1) << s->target_count) - 1;
}

int aura_dd_parse(struct aura_dd *out, const uint8_t *data, size_t len,
                  const struct aura_dd_structure *have, struct aura_dd_structure *next) {
    struct aura_bits b = aura_bits_of(data, len);
    mandatory(out, &b);
    struct custom custom = {0};
    bool structure = false, mask = false;
    if (b.fail) {
        return AURA_ETRUNC;
    }
    if (len > MANDATORY_LEN) {
        structure = aura_bits_get(&b, 1);
        mask = aura_bits_get(&b, 1);
        custom.dtis = aura_bits_get(&b, 1);
        custom.fdiffs = aura_bits_get(&b, 1);
        custom.chains = aura_bits_get(&b, 1);
    }
    const struct aura_dd_structure *s = have;
    if (structure) {
        int err = template_structure(next, &b);
        if (err) {
            return err;
        }
        s = next;
        out->active_mask = all_targets(s);
    }
    if (!s) {
        return 0; /* a frame before the first structure: only its number is known */
    }
    if (len > MANDATORY_LEN) {
        out->active_bit = (uint16_t)b.bit;
    }
    if (mask) {
        out->active_mask = aura_bits_get(&b, s->target_count);
    }
    int err = frame_dependency(out, &b, s, custom);
    if (err || b.fail) {
        return err ? err : AURA_ETRUNC;
    }
    out->has_active_mask = mask;
    out->has_structure = structure;
    out->has_frame = true;
    out->end_bit = (uint16_t)b.bit;
    return 0;
}
