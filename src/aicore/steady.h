/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file steady.h  What a drawn picture is without the noise of the codec that it came in.
 *
 * A native encoder goes on refining a screen that stands still, and draws scrolled text anew with
 * other errors in each picture: noise to whoever encodes it again. Here each block stays as it was
 * first shown, in its place or scrolled with its column, until it really changes or has come to
 * rest as something better. One thread at a time each.
 */
#ifndef AURA_AICORE_STEADY_H
#define AURA_AICORE_STEADY_H

#include "base/err.h"
#include "codec/picture.h"

struct aura_steady;

/** Takes memory with the first picture: about four bytes a pixel. @return 0 or AURA_ENOMEM */
AURA_NODISCARD int aura_steady_new(struct aura_steady **sp);
struct aura_steady *aura_steady_free(struct aura_steady *s);
/**
 * @param in   as it was decoded; another size begins anew
 * @param out  what is to be shown instead, borrowed until the next call
 * @return 0 or AURA_ENOMEM
 */
AURA_NODISCARD int aura_steady_picture(struct aura_steady *s, const struct aura_picture *in,
                                       struct aura_picture *out);
/** Nothing of what was seen so far is held any longer. */
void aura_steady_forget(struct aura_steady *s);

#endif
