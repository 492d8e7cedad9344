/* SPDX-License-Identifier: Apache-2.0 */
#include "api/server_priv.h"
void aura__twirp(struct aura_server *s, struct aura_http_req *req) {
    (void)s;
    aura__respond_text(req, 404, "");
}
