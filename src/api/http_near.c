/* SPDX-License-Identifier: Apache-2.0 */
/* The port for other nodes of a cluster. Who connects there and who is connected to proves by a
 * certificate of the cluster's own authority to be a node; names in it are not looked at. */
#include "api/http_priv.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <string.h>

static const char near_name[] = "near", links_name[] = "links";

static const struct lws_protocols link_protocols[] = {
    {.name = "link", .callback = aura__link_callback, .rx_buffer_size = 16 * 1024}, {.name = NULL}};

bool aura__http_near_is(const struct lws_vhost *vhost) {
    return vhost &&
           strcmp(lws_get_vhost_name((struct lws_vhost *)(uintptr_t)vhost), near_name) == 0;
}

int aura__http_near_equip(const struct aura_http_near *near, void *ssl_ctx, bool server) {
    SSL_CTX *ctx = ssl_ctx;
    ERR_clear_error();
    bool fine = SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
                SSL_CTX_use_certificate_chain_file(ctx, near->certificate) == 1 &&
                SSL_CTX_use_PrivateKey_file(ctx, near->key, SSL_FILETYPE_PEM) == 1;
    /* A store of its own: authorities of the system vouch for no node. */
    X509_STORE *store = fine ? X509_STORE_new() : NULL;
    if (store) {
        SSL_CTX_set_cert_store(ctx, store);
        fine = SSL_CTX_load_verify_locations(ctx, near->ca, NULL) == 1;
    }
    if (server) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    }
    ERR_clear_error(); /* libwebsockets would take what is left for its own */
    return fine && store ? 0 : AURA_EIO;
}

static int add_links(struct aura_http *h, struct lws_context_creation_info *info) {
    struct lws_context_creation_info client = *info;
    client.vhost_name = links_name;
    client.port = CONTEXT_PORT_NO_LISTEN;
    client.protocols = link_protocols;
    client.options &= ~(uint64_t)LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    client.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    h->links = lws_create_vhost(h->context, &client);
    if (!h->links) {
        return AURA_EIO;
    }
    return *h->near->ca && lws_init_vhost_client_ssl(&client, h->links) ? AURA_EIO : 0;
}

int aura__http_near(struct aura_http *h, struct lws_context_creation_info *info) {
    const struct aura_addr *bind = &h->near->bind;
    int err = bind->port ? aura__http_probe_port(bind, bind->port) : 0;
    if (err) {
        return err;
    }
    size_t index = HTTP_VHOSTS_MAX - 1;
    info->vhost_name = near_name;
    info->port = bind->port;
    info->iface = aura_addr_ip_text(bind, h->ifaces[index]);
    if (strcmp(info->iface, "0.0.0.0") == 0 || strcmp(info->iface, "::") == 0) {
        info->iface = NULL; /* all of them */
    }
    info->options &= ~(uint64_t)LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    if (*h->near->ca) {
        info->options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
    }
    struct lws_vhost *vhost = lws_create_vhost(h->context, info);
    if (!vhost) {
        return AURA_EIO;
    }
    h->near_port = (uint16_t)lws_get_vhost_listen_port(vhost);
    return add_links(h, info);
}
