/* SPDX-License-Identifier: Apache-2.0 */
/* Written in man(7)'s macros. */
#include "cmd/man.h"

#include <ctype.h>
#include <string.h>

enum { COLUMNS = 70 }; /* as it is without what roff needs in between */

/* For roff a dash is a dash, quotes are as they are, and no line is a request. */
static void put_part(FILE *out, const char *text, size_t len) {
    bool begins = true;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (begins && (c == '.' || c == '\'')) {
            fputs("\\&", out);
        }
        begins = c == '\n';
        if (c == '-') {
            fputs("\\-", out);
        } else if (c == '\\') {
            fputs("\\e", out);
        } else if (c == '\'') {
            fputs("\\(aq", out);
        } else if (c == '`') {
            fputs("\\(ga", out);
        } else {
            fputc(c, out);
        }
    }
}

static void put(FILE *out, const char *text) {
    put_part(out, text, strlen(text));
}

/* In lines of a moderate length, which roff fills again. */
static void put_text(FILE *out, const char *text, size_t len) {
    const char *end = text + len;
    for (size_t column = 0; text < end;) {
        size_t word = strcspn(text, " \n"), left = (size_t)(end - text);
        word = word < left ? word : left;
        if (column) {
            bool fits = column + 1 + word <= COLUMNS;
            fputc(fits ? ' ' : '\n', out);
            column = fits ? column + 1 : 0;
        }
        put_part(out, text, word);
        column += word;
        text += word + (word < left);
    }
}

static void put_upper(FILE *out, const char *text) {
    for (; *text; text++) {
        char c = (char)toupper((unsigned char)*text);
        put_part(out, &c, 1);
    }
}

void aura_man_section(FILE *out, const char *title) {
    fprintf(out, ".SH %s\n", title);
}

void aura_man_text(FILE *out, const char *text) {
    for (bool first = true; *text; first = false) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        if (!first) {
            fputs(".PP\n", out);
        }
        put_text(out, text, len);
        fputc('\n', out);
        text += len + (end ? 2 : 0);
    }
}

void aura_man_head(FILE *out, const struct aura_man *page) {
    fputs(".TH ", out);
    put_upper(out, page->name);
    fprintf(out, " %d \"\" \"AuraLink %s\" \"%s\"\n", page->section, AURA_VERSION,
            page->section == 1 ? "User Commands" : "System Administration");
    aura_man_section(out, "NAME");
    put(out, page->name);
    fputs(" \\- ", out);
    put(out, page->what);
    fputc('\n', out);
    aura_man_section(out, "SYNOPSIS");
    fputs(".B ", out);
    put(out, page->name);
    fputs("\n", out);
    put(out, page->synopsis);
    fputc('\n', out);
    aura_man_section(out, "DESCRIPTION");
    aura_man_text(out, page->description);
}

void aura_man_item(FILE *out, const char *term, const char *text) {
    fputs(".TP\n.B ", out);
    put(out, term);
    fputc('\n', out);
    aura_man_text(out, text);
}

static void put_option(FILE *out, const struct aura_arg *a) {
    fprintf(out, ".TP\n.B %s", a->name[1] ? "\\-\\-" : "\\-");
    put(out, a->name);
    if (a->meta) {
        fputs(" \\fI", out);
        put(out, a->meta);
        fputs("\\fR", out);
    }
    fputc('\n', out);
    put_text(out, a->help, strlen(a->help));
    if (a->kind == AURA_ARG_LIST) {
        fputs("\n(repeatable)", out);
    }
    if (a->env) {
        fputs("\n[environment ", out);
        put(out, a->env);
        fputs("]", out);
    }
    fputc('\n', out);
}

void aura_man_options(FILE *out, const struct aura_command_line *line) {
    for (size_t i = 0; i < line->arg_count; i++) {
        const struct aura_arg *a = &line->args[i];
        if (a->name[0]) {
            put_option(out, a);
        } else {
            fputs(i ? ".PP\n.I " : ".I ", out);
            put(out, a->help);
            fputc('\n', out);
        }
    }
}

void aura_man_environment(FILE *out, const struct aura_command_line *line) {
    aura_man_section(out, "ENVIRONMENT");
    aura_man_text(out, "Read where the option is not given:");
    for (size_t i = 0; i < line->arg_count; i++) {
        const struct aura_arg *a = &line->args[i];
        if (a->env) {
            fputs(".TP\n.B ", out);
            put(out, a->env);
            fputs("\n\\-\\-", out);
            put(out, a->name);
            fputc('\n', out);
        }
    }
}

void aura_man_see_also(FILE *out, const char *pages) {
    aura_man_section(out, "SEE ALSO");
    aura_man_text(out, pages);
}

void aura_man_command(FILE *out, const struct aura_command_line *line) {
    fputs(".SS ", out);
    put(out, line->program);
    fputs(line->operands[0] ? " " : "", out);
    put(out, line->operands);
    fputc('\n', out);
    aura_man_text(out, line->about);
}
