/* SPDX-License-Identifier: Apache-2.0 */
/** @file stages.h  What a track does that is no model of its own, and can be left out by name. */
#ifndef AURA_AICORE_STAGES_H
#define AURA_AICORE_STAGES_H

enum aura_stage {
    AURA_STAGE_SCREEN = 1,    /* "screen-tools": the encoder's tools for drawn pictures */
    AURA_STAGE_STEADY = 2,    /* "steady": drawn pictures without their codec's noise (steady.h) */
    AURA_STAGE_QUANTIZER = 4, /* "quantizer": screens at a quantizer, not at a rate (quantizer.h) */
};

/** @param list  names with commas, others are ignored; NULL = none @return a set of aura_stage */
unsigned aura_stages_of(const char *list);

#endif
