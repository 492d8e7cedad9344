/* SPDX-License-Identifier: Apache-2.0 */
/** @file srtp_priv.h  What the files of the SRTP module share. */
#ifndef AURA_TRANSPORT_SRTP_PRIV_H
#define AURA_TRANSPORT_SRTP_PRIV_H

#include <stdbool.h>

/** Puts the faster AES-GCM into libsrtp. @return false if this machine or build has none */
bool aura__srtp_gcm_install(void);

#endif
