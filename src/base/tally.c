/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tally.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct series {
    char labels[AURA_TALLY_LABELS_MAX + 1];
    uint32_t hash;
    double sum; /* a counter's value */
    uint64_t count;
    uint64_t bucket[AURA_TALLY_BOUNDS_MAX];
};

struct family {
    size_t used; /* the oldest first */
    struct series series[AURA_TALLY_SERIES_MAX];
};

/* One block, of which the system gives only the pages that are written to. So a value that comes
 * for the first time after days takes no memory that would look like a leak, and none can be
 * missing. */
struct aura_tally {
    const struct aura_tally_family *list;
    size_t count;
    struct family family[];
};

int aura_tally_new(struct aura_tally **tp, const struct aura_tally_family *list, size_t count) {
    AURA_REQUIRE(tp && list && count, AURA_EINVAL);
    for (size_t i = 0; i < count; i++) {
        AURA_REQUIRE(list[i].bound_count <= AURA_TALLY_BOUNDS_MAX, AURA_EINVAL);
    }
    struct aura_tally *m = aura_zalloc(sizeof(*m) + count * sizeof(m->family[0]));
    if (!m) {
        return AURA_ENOMEM;
    }
    m->list = list;
    m->count = count;
    *tp = m;
    return 0;
}

struct aura_tally *aura_tally_free(struct aura_tally *m) {
    aura_free(m);
    return NULL;
}

/* FNV-1a: there are few series, and peers cannot add more of them than fit. */
static uint32_t hash_of(const char *text) {
    uint32_t h = 2166136261u;
    for (; *text; text++) {
        h = (h ^ (uint8_t)*text) * 16777619u;
    }
    return h;
}

/* @return NULL: there is no place for another */
static struct series *find(struct family *f, const char *labels) {
    uint32_t hash = hash_of(labels);
    for (size_t i = 0; i < f->used; i++) {
        if (f->series[i].hash == hash && strcmp(f->series[i].labels, labels) == 0) {
            return &f->series[i];
        }
    }
    size_t len = strlen(labels);
    if (f->used == AURA_TALLY_SERIES_MAX || len > AURA_TALLY_LABELS_MAX) {
        return NULL;
    }
    struct series *s = &f->series[f->used++];
    memcpy(s->labels, labels, len + 1);
    s->hash = hash;
    return s;
}

void aura_tally_add(struct aura_tally *m, size_t family, const char *labels, double n) {
    AURA_BUG_ON(family >= m->count || m->list[family].bounds);
    struct series *s = find(&m->family[family], labels);
    if (s) {
        s->sum += n;
    }
}

void aura_tally_observe(struct aura_tally *m, size_t family, const char *labels, double value) {
    AURA_BUG_ON(family >= m->count || !m->list[family].bounds);
    const struct aura_tally_family *what = &m->list[family];
    struct series *s = find(&m->family[family], labels);
    if (!s) {
        return;
    }
    for (size_t i = 0; i < what->bound_count; i++) {
        if (value <= what->bounds[i]) {
            s->bucket[i]++;
            break;
        }
    }
    s->count++;
    s->sum += value;
}

/* ---- text ---- */

void aura_tally_head(struct aura_buf *out, const char *name, const char *type, const char *help) {
    aura_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void aura_tally_number(struct aura_buf *out, double v) {
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, v);
        double back = strtod(text, NULL);
        if (back >= v && back <= v) {
            break;
        }
    }
    aura_buf_str(out, text);
}

void aura_tally_exponential(double *bounds, size_t count, double min, double max) {
    double factor = pow(max / min, 1.0 / (double)(count - 1));
    for (size_t i = 0; i < count; i++) {
        bounds[i] = min * pow(factor, (double)i);
    }
}

/* @param le  a bucket's bound; NULL = it is none */
static void line(struct aura_buf *out, const char *name, const char *suffix, const char *common,
                 const struct series *s, const double *le, double v) {
    const char *comma = common[0] && s->labels[0] ? "," : "";
    bool any = common[0] || s->labels[0];
    aura_buf_printf(out, "%s%s%s%s%s%s", name, suffix, any || le ? "{" : "", common, comma,
                    s->labels);
    if (le) {
        aura_buf_str(out, any ? ",le=\"" : "le=\"");
        if (isinf(*le)) {
            aura_buf_str(out, "+Inf");
        } else {
            aura_tally_number(out, *le);
        }
        aura_buf_str(out, "\"");
    }
    aura_buf_str(out, any || le ? "} " : " ");
    aura_tally_number(out, v);
    aura_buf_str(out, "\n");
}

static void write_histogram(const struct aura_tally_family *what, const struct series *s,
                            const char *common, struct aura_buf *out) {
    static const double infinite = INFINITY;
    uint64_t sum = 0;
    for (size_t i = 0; i < what->bound_count; i++) {
        sum += s->bucket[i];
        line(out, what->name, "_bucket", common, s, &what->bounds[i], (double)sum);
    }
    line(out, what->name, "_bucket", common, s, &infinite, (double)s->count);
    line(out, what->name, "_sum", common, s, NULL, s->sum);
    line(out, what->name, "_count", common, s, NULL, (double)s->count);
}

void aura_tally_write(const struct aura_tally *m, const char *common, struct aura_buf *out) {
    for (size_t i = 0; i < m->count; i++) {
        const struct aura_tally_family *what = &m->list[i];
        aura_tally_head(out, what->name, what->bounds ? "histogram" : "counter", what->help);
        for (size_t k = 0; k < m->family[i].used; k++) {
            const struct series *s = &m->family[i].series[k];
            if (what->bounds) {
                write_histogram(what, s, common, out);
            } else {
                line(out, what->name, "", common, s, NULL, s->sum);
            }
        }
    }
}
