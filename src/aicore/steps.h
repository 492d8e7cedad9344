/* SPDX-License-Identifier: Apache-2.0 */
/** @file steps.h  What AI Core does with a frame, for measuring its time. */
#ifndef AURA_AICORE_STEPS_H
#define AURA_AICORE_STEPS_H

enum aura_step {
    AURA_STEP_DECODE,
    AURA_STEP_ANALYSE,
    AURA_STEP_FACES,
    AURA_STEP_PERSON,
    AURA_STEP_SPEECH,
    AURA_STEP_CONDITION, /* of screens: steady.h */
    AURA_STEP_ENCODE,
    AURA_STEP_LEARN, /* how much is left of the picture, and the governor */
    AURA_STEPS,
};

#endif
