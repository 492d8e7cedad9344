/* SPDX-License-Identifier: Apache-2.0 */
/** @file base64.h  Base64 as peers write it: standard or URL-safe, with or without padding. */
#ifndef AURA_API_BASE64_H
#define AURA_API_BASE64_H

#include "base/buf.h"

/** Appends the decoded bytes. @return 0, AURA_EMALFORMED, AURA_ENOMEM, AURA_ELIMIT */
AURA_NODISCARD int aura_base64_decode(struct aura_buf *out, const char *text, size_t len);
/** Appends the standard form with padding. */
int aura_base64_encode(struct aura_buf *out, const void *data, size_t len);

#endif
