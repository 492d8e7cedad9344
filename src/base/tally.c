/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tally.h"

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct series {
    struct aura_node node;
    char *labels;
    double sum; /* a counter's value */
    uint64_t count;
    uint64_t bucket[AURA_TALLY_BOUNDS_MAX];
};

struct family {
    struct aura_map *by_labels;
    struct aura_list series; /* the oldest first */
};

struct aura_tally {
    const struct aura_tally_family *list;
    size_t count;
    struct family family[];
};

int aura_tally_new(struct aura_tally **mp, const struct aura_tally_family *list, size_t count) {
    AURA_REQUIRE(mp && list && count, AURA_EINVAL);
    struct aura_tally *m = aura_zalloc(sizeof(*m) + count * sizeof(m->family[0]));
    if (!m) {
        return AURA_ENOMEM;
    }
    m->list = list;
    m->count = count;
    for (size_t i = 0; i < count; i++) {
        aura_list_init(&m->family[i].series);
    }
    int err = 0;
    for (size_t i = 0; i < count && !err; i++) {
        err = list[i].bound_count > AURA_TALLY_BOUNDS_MAX
                  ? AURA_EINVAL
                  : aura_map_new(&m->family[i].by_labels, AURA_TALLY_SERIES_MAX);
    }
    if (err) {
        aura_tally_free(m);
        return err;
    }
    *mp = m;
    return 0;
}

static void series_free(struct series *s) {
    aura_free(s->labels);
    aura_free(s);
}

struct aura_tally *aura_tally_free(struct aura_tally *m) {
    for (size_t i = 0; m && i < m->count; i++) {
        AURA_LIST_EACH(&m->family[i].series, struct series, s, node) {
            aura_node_remove(&s->node);
            series_free(s);
        }
        aura_map_free(m->family[i].by_labels);
    }
    aura_free(m);
    return NULL;
}

/* @return NULL: there is no memory, or no place for another */
static struct series *find(struct family *f, const char *labels) {
    struct series *s = aura_map_get_str(f->by_labels, labels);
    if (s) {
        return s;
    }
    s = aura_zalloc(sizeof(*s));
    if (!s) {
        return NULL;
    }
    s->labels = aura_strdup(labels);
    if (!s->labels || aura_map_put_str(f->by_labels, labels, s)) {
        series_free(s);
        return NULL;
    }
    aura_list_add(&f->series, &s->node);
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
        AURA_LIST_EACH(&m->family[i].series, struct series, s, node) {
            if (what->bounds) {
                write_histogram(what, s, common, out);
            } else {
                line(out, what->name, "", common, s, NULL, s->sum);
            }
        }
    }
}
