/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration and secrets in files. */
#include "api/config_priv.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

int aura__config_read(const char *path, bool secret, struct aura_buf *out,
                      struct aura_buf *messages) {
    FILE *f = fopen(path, "re");
    struct stat st;
    char part[4096];
    if (!f) {
        aura_buf_printf(messages, "%s: %s\n", path, strerror(errno));
        return AURA_ENOENT;
    }
    int err = fstat(fileno(f), &st) ? AURA_EIO : 0;
    if (!err && secret && (st.st_mode & S_IRWXO)) {
        aura_buf_printf(messages, "%s: everybody may read it; run: chmod o-rwx %s\n", path, path);
        fclose(f);
        return AURA_EPOLICY;
    }
    for (size_t n; !err && (n = fread(part, 1, sizeof(part), f)) > 0;) {
        err = aura_buf_add(out, part, n);
    }
    if (!err && ferror(f)) {
        err = AURA_EIO;
    }
    if (err) {
        aura_buf_printf(messages, "%s: %s\n", path, aura_err_text(err));
    }
    fclose(f);
    return err;
}

int aura_config_file(struct aura_config *c, const char *path, struct aura_buf *messages) {
    struct aura_buf text = AURA_BUF(AURA_CONFIG_BYTES_MAX);
    int err = aura__config_read(path, false, &text, messages);
    err = err ? err : aura_config_text(c, path, aura_buf_text(&text), text.len, messages);
    if (text.data) {
        aura_wipe(text.data, text.len); /* may hold secrets */
    }
    aura_buf_free(&text);
    return err;
}

int aura_config_key_file(struct aura_config *c, const char *path, struct aura_buf *messages) {
    struct aura_buf text = AURA_BUF(AURA_CONFIG_BYTES_MAX);
    int err = aura__config_read(path, true, &text, messages);
    err = err ? err : aura_config_keys(c, path, aura_buf_text(&text), messages);
    if (text.data) {
        aura_wipe(text.data, text.len);
    }
    aura_buf_free(&text);
    return err;
}
