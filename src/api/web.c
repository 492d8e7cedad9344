/* SPDX-License-Identifier: Apache-2.0 */
#include "api/web.h"

#include "base/map.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ETAG_BYTES = 8,   /* of the hash */
    PATH_BYTES = 512, /* a folder's and a file's name, "/" before each */
    PLAIN = 0,
    BROTLI,
    GZIP,
    FORMS
};

/* In the order of preference behind the plain one. */
static const struct {
    const char *suffix, *encoding;
} forms[FORMS] = {{"", NULL}, {".br", "br"}, {".gz", "gzip"}};

struct form {
    uint8_t *data; /* NULL: there is none */
    size_t len;
    char etag[2 * ETAG_BYTES + 3];
};

struct file {
    const char *type;
    bool hashed; /* its name changes with its content */
    struct form forms[FORMS];
};

struct aura_web {
    struct aura_map *files; /* by path */
    size_t bytes;
};

static const char *type_of(const char *path) {
    static const struct {
        const char *suffix, *type;
    } types[] = {{".html", "text/html; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".mjs", "text/javascript; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".json", "application/json"},
                 {".webmanifest", "application/manifest+json"},
                 {".svg", "image/svg+xml"},
                 {".png", "image/png"},
                 {".ico", "image/x-icon"},
                 {".woff2", "font/woff2"},
                 {".wasm", "application/wasm"},
                 {".mp3", "audio/mpeg"},
                 {".txt", "text/plain; charset=utf-8"}};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(dot, types[i].suffix) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

/* ---- reading ---- */

static void file_free(struct file *f) {
    for (size_t i = 0; i < FORMS; i++) {
        aura_free(f->forms[i].data);
    }
    aura_free(f);
}

static int read_all(int fd, uint8_t *to, size_t len) {
    for (size_t at = 0; at < len;) {
        ssize_t n = read(fd, to + at, len - at);
        if (n <= 0) {
            return AURA_EIO; /* also: it is shorter than it was a moment ago */
        }
        at += (size_t)n;
    }
    return 0;
}

static int make_etag(struct form *f) {
    uint8_t hash[EVP_MAX_MD_SIZE];
    if (!EVP_Digest(f->data, f->len, hash, NULL, EVP_sha256(), NULL)) {
        return AURA_ENOMEM;
    }
    char *at = f->etag;
    *at++ = '"';
    for (size_t i = 0; i < ETAG_BYTES; i++, at += 2) {
        (void)snprintf(at, 3, "%02x", hash[i]);
    }
    memcpy(at, "\"", 2);
    return 0;
}

static int read_form(struct aura_web *w, int fd, struct form *f) {
    struct stat about;
    if (fstat(fd, &about)) {
        return AURA_EIO;
    }
    if (about.st_size > AURA_WEB_FILE_BYTES_MAX ||
        w->bytes + (size_t)about.st_size > AURA_WEB_BYTES_MAX) {
        return AURA_ELIMIT;
    }
    f->len = (size_t)about.st_size;
    f->data = aura_zalloc(f->len + 1);
    if (!f->data) {
        return AURA_ENOMEM;
    }
    w->bytes += f->len;
    int err = read_all(fd, f->data, f->len);
    return err ? err : make_etag(f);
}

/* The file that is sent for `path`, made if it is the first of its forms. */
static int file_for(struct aura_web *w, const char *path, struct file **fp) {
    struct file *f = aura_map_get_str(w->files, path);
    if (!f) {
        f = aura_zalloc(sizeof(*f));
        int err = f ? aura_map_put_str(w->files, path, f) : AURA_ENOMEM;
        if (err) {
            aura_free(f);
            return err;
        }
        f->type = type_of(path);
        f->hashed = strncmp(path, "/assets/", 8) == 0;
    }
    *fp = f;
    return 0;
}

/* Takes the suffix of a compressed form off. */
static size_t form_of(char *path) {
    size_t len = strlen(path);
    for (size_t i = BROTLI; i < FORMS; i++) {
        size_t n = strlen(forms[i].suffix);
        if (len > n && strcmp(path + len - n, forms[i].suffix) == 0) {
            path[len - n] = 0;
            return i;
        }
    }
    return PLAIN;
}

static int take_file(struct aura_web *w, int folder, const char *name, const char *under) {
    char path[PATH_BYTES];
    struct file *f = NULL;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return AURA_EIO;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", under, name);
    size_t form = form_of(path);
    int err = file_for(w, path, &f);
    err = err ? err : read_form(w, fd, &f->forms[form]);
    close(fd);
    return err;
}

static int take_folder(struct aura_web *w, int at, const char *name, const char *under);

/* @param under  "" = the folder itself, whose folders are looked into as well */
static int take_entry(struct aura_web *w, int folder, const char *name, const char *under) {
    struct stat about;
    char inner[PATH_BYTES];
    if (name[0] == '.') {
        return 0;
    }
    if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW)) {
        return AURA_EIO;
    }
    if (strlen(name) > AURA_WEB_NAME_BYTES_MAX) {
        return AURA_ELIMIT;
    }
    if (S_ISDIR(about.st_mode) && !under[0]) {
        (void)snprintf(inner, sizeof(inner), "/%s", name);
        return take_folder(w, folder, name, inner);
    }
    return S_ISREG(about.st_mode) ? take_file(w, folder, name, under) : 0;
}

static int take_folder(struct aura_web *w, int at, const char *name, const char *under) {
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int why = errno;
        if (fd >= 0) {
            close(fd);
        }
        return why == ENOENT || why == ENOTDIR ? AURA_ENOENT : AURA_EIO;
    }
    int err = 0;
    for (const struct dirent *e; !err && (e = readdir(dir));) {
        err = take_entry(w, fd, e->d_name, under);
    }
    closedir(dir);
    return err;
}

/* A compressed form alone is nobody's: its plain one is what most clients could read. */
static void drop_halves(struct aura_web *w) {
    struct file *f;
    for (size_t it = 0; (f = aura_map_next(w->files, &it));) {
        for (size_t i = BROTLI; i < FORMS && !f->forms[PLAIN].data; i++) {
            aura_free(f->forms[i].data);
            f->forms[i].data = NULL;
        }
    }
}

int aura_web_open(struct aura_web **wp, const char *folder) {
    struct aura_web *w = aura_zalloc(sizeof(*w)), *done = NULL;
    if (!w) {
        return AURA_ENOMEM;
    }
    int err = aura_map_new(&w->files, AURA_WEB_FILES_MAX);
    err = err ? err : take_folder(w, AT_FDCWD, folder, "");
    if (!err) {
        drop_halves(w);
        const struct file *f = aura_map_get_str(w->files, "/index.html");
        err = f && f->forms[PLAIN].data ? 0 : AURA_ENOENT;
    }
    if (!err) {
        done = w;
        w = NULL;
        *wp = done;
    }
    aura_web_free(w);
    return err;
}

struct aura_web *aura_web_free(struct aura_web *w) {
    if (w) {
        struct file *f;
        for (size_t it = 0; w->files && (f = aura_map_next(w->files, &it));) {
            file_free(f);
        }
        aura_map_free(w->files);
        aura_free(w);
    }
    return NULL;
}

size_t aura_web_files(const struct aura_web *w) {
    return aura_map_count(w->files);
}

/* ---- looking up ---- */

/* "q=0", "q=0.0", …: it is not wanted (RFC 9110 section 12.4.2). */
static bool is_zero(const char *at, const char *end) {
    for (; at + 2 < end; at++) {
        if ((at[0] == 'q' || at[0] == 'Q') && at[1] == '=') {
            size_t n = strspn(at + 2, "0.");
            return n && (at + 2 + n >= end || !strchr("123456789", at[2 + n]));
        }
    }
    return false;
}

static bool accepts(const char *header, const char *encoding) {
    size_t n = strlen(encoding);
    for (const char *at = header; at && *at;) {
        at += strspn(at, ", \t");
        const char *end = at + strcspn(at, ",");
        size_t name = strcspn(at, ";, \t");
        if (name == n && strncasecmp(at, encoding, n) == 0) {
            return !is_zero(at + n, end);
        }
        at = end;
    }
    return false;
}

/* Weak comparison: the tag stands somewhere in the list, or the list is "*". */
static bool has_it(const char *list, const char *etag) {
    return list && (strcmp(list, "*") == 0 || strstr(list, etag));
}

/* Apps find their way by the address themselves: all addresses of one are the same page. */
static const char *page_of(const char *path) {
    static const char dashboard[] = "/dashboard";
    size_t n = sizeof(dashboard) - 1;
    if (strcmp(path, "/") == 0 || strncmp(path, "/r/", 3) == 0) {
        return "/index.html";
    }
    bool is_dashboard = strncmp(path, dashboard, n) == 0 && (!path[n] || path[n] == '/');
    return is_dashboard ? "/dashboard.html" : path;
}

bool aura_web_find(const struct aura_web *w, const char *path, const char *accept, const char *has,
                   struct aura_web_page *out) {
    const struct file *f = aura_map_get_str(w->files, page_of(path));
    if (!f || !f->forms[PLAIN].data) {
        return false;
    }
    size_t form = PLAIN;
    for (size_t i = FORMS - 1; i > PLAIN; i--) {
        form = f->forms[i].data && accepts(accept, forms[i].encoding) ? i : form;
    }
    *out = (struct aura_web_page){
        .type = f->type,
        .etag = f->forms[form].etag,
        .cache = f->hashed ? "public, max-age=31536000, immutable" : "no-cache",
        .encoding = forms[form].encoding,
        .body = f->forms[form].data,
        .len = f->forms[form].len,
        .unchanged = has_it(has, f->forms[form].etag),
    };
    return true;
}
