/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tally.h  Families of labelled counters and histograms, written in Prometheus' text format.
 *
 * For what is measured now and then (a join, a track's report): a series is found by its labels.
 * What happens for each packet is counted by its worker in plain numbers instead. Recording takes
 * no memory and cannot fail; what finds no place among the series is not counted. Threading:
 * belongs to one thread.
 */
#ifndef AURA_BASE_TALLY_H
#define AURA_BASE_TALLY_H

#include "base/buf.h"

enum {
    AURA_TALLY_SERIES_MAX = 256, /* of one family: peers choose some of the labels */
    AURA_TALLY_LABELS_MAX = 175, /* bytes of a series' labels; longer ones are not counted */
    AURA_TALLY_BOUNDS_MAX = 16,
};

/** A counter where there are no bounds, else a histogram. All is borrowed. */
struct aura_tally_family {
    const char *name, *help;
    const double *bounds; /* upper ones, growing, without +Inf; NULL = a counter */
    size_t bound_count;
};

struct aura_tally;

/** @param list  outlives it; its index names a family. @return 0, AURA_ENOMEM, AURA_EINVAL */
AURA_NODISCARD int aura_tally_new(struct aura_tally **mp, const struct aura_tally_family *list,
                                  size_t count);
/** NULL is fine. Returns NULL. */
struct aura_tally *aura_tally_free(struct aura_tally *m);

/** @param labels  `a="x",b="y"`, always in the same order and with escaped values; "" = none */
void aura_tally_add(struct aura_tally *m, size_t family, const char *labels, double n);
/** Into a histogram. */
void aura_tally_observe(struct aura_tally *m, size_t family, const char *labels, double value);
/**
 * All families, those without a series as HELP and TYPE alone.
 * @param common  labels that each series gets besides; "" = none
 */
void aura_tally_write(const struct aura_tally *m, const char *common, struct aura_buf *out);

/** One family's head. */
void aura_tally_head(struct aura_buf *out, const char *name, const char *type, const char *help);
/** A number as short as it is still read back as the same. */
void aura_tally_number(struct aura_buf *out, double v);
/** @p count bounds from @p min to @p max, each the same factor above the one before it. */
void aura_tally_exponential(double *bounds, size_t count, double min, double max);

#endif
