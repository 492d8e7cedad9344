/* SPDX-License-Identifier: Apache-2.0 */
/* How Twirp's requests went, as LiveKit counts them. */
#include "api/server_priv.h"
#include "base/tally.h"

#include <stdio.h>
#include <string.h>

enum { STATUS, LATENCY, FAMILIES, LABELS_MAX = 200 };

static const double latency_ms[] = {5,    10,   25,   50,    100,   250,  500,
                                    1000, 2500, 5000, 10000, 30000, 60000};

static const struct aura_tally_family families[FAMILIES] = {
    [STATUS] = {"livekit_node_twirp_request_status", "Requests of the API, by outcome.", NULL, 0},
    [LATENCY] = {"livekit_node_twirp_request_latency_ms",
                 "From a request of the API to its answer, in milliseconds.", latency_ms,
                 sizeof(latency_ms) / sizeof(latency_ms[0])},
};

int aura__twirp_measure_new(struct aura_tally **mp) {
    return aura_tally_new(mp, families, FAMILIES);
}

void aura__twirp_measure(struct aura_tally *m, const char *name, int status, const char *code,
                         uint64_t took_us) {
    const char *dot = strchr(name, '.'), *service = dot ? dot + 1 : name;
    int len = (int)strcspn(service, "/");
    const char *method = service[len] ? service + len + 1 : "";
    char family[12], labels[LABELS_MAX];
    snprintf(family, sizeof(family), status >= 400 && status < 600 ? "%dxx" : "%d",
             status >= 400 && status < 600 ? status / 100 : status);
    snprintf(labels, sizeof(labels), "service=\"%.*s\",method=\"%s\",status=\"%s\",code=\"%s\"",
             len, service, method, family, code);
    aura_tally_add(m, STATUS, labels, 1);
    snprintf(labels, sizeof(labels), "service=\"%.*s\",method=\"%s\",status=\"%s\"", len, service,
             method, family);
    aura_tally_observe(m, LATENCY, labels, (double)(took_us / AURA_US_PER_MS));
}
