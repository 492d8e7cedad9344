/* SPDX-License-Identifier: Apache-2.0 */
/** @file identity.h  Whose AuraID a LiveKit token proves. Threading: control thread. */
#ifndef AURA_ROOM_IDENTITY_H
#define AURA_ROOM_IDENTITY_H

#include "auraid/directory.h"
#include "room/token.h"

enum { AURA_PROVIDER_BYTES = AURA_DIRECTORY_TEXT_MAX + 2 };

/** What an app's names are known under in the directory: of people, or of agents. */
enum aura_namespace { AURA_NAMESPACE_PEOPLE, AURA_NAMESPACE_AGENTS };

/**
 * "livekit/KEY" or "livekit-agent/KEY"; one that is cut is too long for the directory, which says
 * so. @return @p out
 */
const char *aura_identity_provider(enum aura_namespace of, const char *api_key,
                                   char out[AURA_PROVIDER_BYTES]);

/** What a token proves. `proof` points into the claims and into `provider`: not to be copied. */
struct aura_token_proof {
    struct aura_proof proof;
    enum aura_id_kind kind;
    char provider[AURA_PROVIDER_BYTES];
};
/** @return 0 or AURA_EPOLICY: nobody's, see below */
AURA_NODISCARD int aura_identity_proof(const struct aura_claims *c, struct aura_token_proof *out);

/**
 * The identity of a token that is valid, made at its first use: a join and the REST API give the
 * same. Of people `sub` counts, of an agent the name that it is dispatched by, as each of its jobs
 * has another `sub`.
 * @param created  it was made now
 * @return 0, AURA_EPOLICY (nobody's: of a recorder, of who is hidden, without a name), or as
 *         aura_directory_join()
 */
AURA_NODISCARD int aura_identity_of(struct aura_directory *d, const struct aura_claims *c,
                                    struct aura_identity *out, bool *created);

#endif
