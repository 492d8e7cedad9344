/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the server describes: the answer is written, and can be read again. */
#include "base/mem.h"
#include "client/agent.h"
#include "client/desc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct aura_fingerprint fingerprint = {.hash = "sha-256", .len = 32};
    const struct aura_desc_local local = {.ufrag = "u", .pwd = "p", .fingerprint = &fingerprint};
    struct aura_sdp *offer = NULL, *answer = NULL;
    struct aura_buf text = AURA_BUF(8 * AURA_DESC_TEXT_MAX);
    struct aura_desc_section section;
    struct aura_addr addr;
    uint32_t priority;
    if (aura_sdp_parse(&offer, (const char *)data, size) != 0) {
        return 0;
    }
    (void)aura_desc_transport(offer);
    for (size_t i = 0; i < offer->section_count; i++) {
        const struct aura_sdp_section *s = &offer->sections[i];
        aura_desc_section_read(&section, s);
        for (size_t j = 0; j < s->candidate_count; j++) {
            (void)!aura_agent_candidate_parse(s->candidates[j], &addr, &priority);
        }
    }
    if (aura_desc_answer(&text, &local, offer) == 0 &&
        aura_sdp_parse(&answer, aura_buf_text(&text), text.len) == 0) {
        AURA_BUG_ON(answer->section_count != offer->section_count);
    }
    aura_sdp_free(answer);
    aura_sdp_free(offer);
    aura_buf_free(&text);
    return 0;
}
