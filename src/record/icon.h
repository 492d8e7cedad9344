/* SPDX-License-Identifier: Apache-2.0 */
/** @file icon.h  Masks of simple shapes: plates, a microphone, a screen. */
#ifndef AURA_RECORD_ICON_H
#define AURA_RECORD_ICON_H

#include "record/canvas.h"

enum aura_icon {
    AURA_ICON_MICROPHONE,
    AURA_ICON_SLASH, /* goes over the microphone */
    AURA_ICON_SCREEN,
};

/** A rectangle with round corners. @return as aura_mask_new() */
AURA_NODISCARD int aura_icon_plate(struct aura_mask **out, uint32_t width, uint32_t height,
                                   uint32_t radius);
/** Square, of that side. @return as aura_mask_new() */
AURA_NODISCARD int aura_icon_new(struct aura_mask **out, enum aura_icon icon, uint32_t side);

#endif
