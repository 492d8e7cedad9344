/* SPDX-License-Identifier: Apache-2.0 */
#include "auraid/matrix/registration.h"

#include "base/mem.h"

#include <yaml.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- writing ---- */

void aura_registration_make(struct aura_registration *out, const char *server,
                            struct aura_rand *rand) {
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->server, sizeof(out->server), "%s", server);
    aura_rand_text(rand, out->as_token, AURA_REGISTRATION_TOKEN_CHARS);
    aura_rand_text(rand, out->hs_token, AURA_REGISTRATION_TOKEN_CHARS);
}

/* In YAML's single quotes nothing means anything but the quote, which is doubled. */
static void put_quoted(struct aura_buf *out, const char *key, const char *text) {
    aura_buf_printf(out, "%s: '", key);
    for (; *text; text++) {
        aura_buf_str(out, *text == '\'' ? "''" : (const char[]){*text, 0});
    }
    aura_buf_str(out, "'\n");
}

/* Of the letters of a server name these mean something in a regular expression. */
static void put_literal(struct aura_buf *out, const char *text) {
    for (; *text; text++) {
        aura_buf_printf(out, strchr(".[]", *text) ? "\\%c" : "%c", *text);
    }
}

int aura_registration_text(const struct aura_registration *r, const char *url,
                           struct aura_buf *out) {
    aura_buf_str(out, "# AuraLink's Application Service for AuraIDs. Holds secrets: only the\n"
                      "# homeserver and auralink-server may read it.\n"
                      "id: auralink\n");
    put_quoted(out, "url", url);
    put_quoted(out, "as_token", r->as_token);
    put_quoted(out, "hs_token", r->hs_token);
    aura_buf_str(out, "sender_localpart: auralink\n"
                      "rate_limited: false\n"
                      "io.element.msc4190: true\n"
                      "namespaces:\n"
                      "  users:\n"
                      "    - exclusive: true\n"
                      "      regex: '@[a-z0-9_\\-]+\\.aura:");
    put_literal(out, r->server);
    aura_buf_str(out, "'\n"
                      "  aliases: []\n"
                      "  rooms: []\n");
    put_quoted(out, "auralink_server_name", r->server);
    return out->err;
}

int aura_registration_write(const char *path, const char *text) {
    size_t len = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return errno == EEXIST ? AURA_EEXISTS : AURA_EIO;
    }
    /* Whatever the umask says: it is for its owner alone. */
    bool fine = fchmod(fd, S_IRUSR | S_IWUSR) == 0 && write(fd, text, len) == (ssize_t)len &&
                fsync(fd) == 0;
    int saved = errno;
    fine = close(fd) == 0 && fine;
    if (!fine) {
        (void)unlink(path);
        errno = saved;
    }
    return fine ? 0 : AURA_EIO;
}

/* ---- reading ---- */

struct wanted {
    const char *key;
    char *to;
    size_t bytes;
};

static const char *scalar(yaml_document_t *doc, int index, size_t *len) {
    const yaml_node_t *n = yaml_document_get_node(doc, index);
    if (!n || n->type != YAML_SCALAR_NODE) {
        return NULL;
    }
    *len = n->data.scalar.length;
    return (const char *)n->data.scalar.value;
}

static void take(yaml_document_t *doc, const yaml_node_t *root, const struct wanted *w) {
    const yaml_node_pair_t *end = root->data.mapping.pairs.top;
    for (const yaml_node_pair_t *p = root->data.mapping.pairs.start; p < end; p++) {
        size_t key_len, len;
        const char *key = scalar(doc, p->key, &key_len);
        const char *value = scalar(doc, p->value, &len);
        if (key && value && strcmp(key, w->key) == 0 && len < w->bytes && strlen(value) == len) {
            memcpy(w->to, value, len + 1);
        }
    }
}

static bool is_token(const char *token) {
    return strlen(token) >= AURA_REGISTRATION_TOKEN_LEAST;
}

static const char *problem_of(const struct aura_registration *r) {
    struct aura_server_name name;
    if (!is_token(r->as_token)) {
        return "as_token: it is missing, or shorter than 16 letters";
    }
    if (!is_token(r->hs_token)) {
        return "hs_token: it is missing, or shorter than 16 letters";
    }
    if (strcmp(r->as_token, r->hs_token) == 0) {
        return "as_token and hs_token are the same: who has one would be both";
    }
    if (aura_server_name_parse(&name, r->server, strlen(r->server))) {
        return "auralink_server_name: wanted the homeserver's name; auralink auraid appservice "
               "writes it";
    }
    return NULL;
}

int aura_registration_parse(struct aura_registration *out, const char *text, size_t len,
                            struct aura_buf *why) {
    yaml_parser_t parser;
    yaml_document_t doc;
    const struct wanted wanted[] = {{"as_token", out->as_token, sizeof(out->as_token)},
                                    {"hs_token", out->hs_token, sizeof(out->hs_token)},
                                    {"auralink_server_name", out->server, sizeof(out->server)}};
    memset(out, 0, sizeof(*out));
    if (!yaml_parser_initialize(&parser)) {
        return AURA_ENOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (!yaml_parser_load(&parser, &doc)) {
        aura_buf_printf(why, "line %zu: it is not YAML", parser.problem_mark.line + 1);
        yaml_parser_delete(&parser);
        return AURA_EMALFORMED;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&doc);
    const char *problem = "it is not a registration: keys with values are wanted";
    if (root && root->type == YAML_MAPPING_NODE) {
        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
            take(&doc, root, &wanted[i]);
        }
        problem = problem_of(out);
    }
    yaml_document_delete(&doc);
    yaml_parser_delete(&parser);
    if (problem) {
        aura_buf_str(why, problem);
        aura_registration_wipe(out);
    }
    return problem ? AURA_EMALFORMED : 0;
}

static int read_all(int fd, struct aura_buf *text) {
    char part[4096];
    ssize_t n;
    while ((n = read(fd, part, sizeof(part))) > 0 && !text->err) {
        (void)aura_buf_add(text, part, (size_t)n);
    }
    aura_wipe(part, sizeof(part));
    return n < 0 ? AURA_EIO : text->err;
}

int aura_registration_read(struct aura_registration *out, const char *path, struct aura_buf *why) {
    struct aura_buf text = AURA_BUF(AURA_REGISTRATION_BYTES_MAX);
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
    memset(out, 0, sizeof(*out));
    if (fd < 0 || fstat(fd, &st)) {
        aura_buf_str(why, strerror(errno));
        err = AURA_EIO;
    } else if (st.st_mode & S_IRWXO) {
        aura_buf_printf(why, "everybody may read it; run: chmod o-rwx %s", path);
        err = AURA_EPOLICY;
    } else if ((err = read_all(fd, &text))) {
        aura_buf_str(why, err == AURA_EIO ? strerror(errno) : aura_err_text(err));
    } else {
        err = aura_registration_parse(out, aura_buf_text(&text), text.len, why);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (text.data) {
        aura_wipe(text.data, text.len);
    }
    aura_buf_free(&text);
    return err;
}

void aura_registration_wipe(struct aura_registration *r) {
    aura_wipe(r, sizeof(*r));
}
