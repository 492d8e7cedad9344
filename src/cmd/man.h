/* SPDX-License-Identifier: Apache-2.0 */
/** @file man.h  Manual pages, written from the tables that options are parsed with. */
#ifndef AURA_CMD_MAN_H
#define AURA_CMD_MAN_H

#include "cmd/args.h"

#include <stdio.h>

/** What a page has beside the options. Texts: paragraphs with an empty line between them. */
struct aura_man {
    const char *name; /* "auralink-server" */
    int section;
    const char *what;     /* behind the name: "a real-time media server" */
    const char *synopsis; /* behind the name: "[options]" */
    const char *description;
};

/** NAME, SYNOPSIS and DESCRIPTION. */
void aura_man_head(FILE *out, const struct aura_man *page);
/** A section's heading. */
void aura_man_section(FILE *out, const char *title);
/** Paragraphs. */
void aura_man_text(FILE *out, const char *text);
/** One term and what it means. */
void aura_man_item(FILE *out, const char *term, const char *text);
/** The options of a command line, under their headings, without those that all programs have. */
void aura_man_options(FILE *out, const struct aura_command_line *line);
/** Which variables of the environment are read. */
void aura_man_environment(FILE *out, const struct aura_command_line *line);
/** "SEE ALSO": "auralink(1), man(1)" and where the documents are. */
void aura_man_see_also(FILE *out, const char *pages);
/** A subheading: a command and its operands. */
void aura_man_command(FILE *out, const struct aura_command_line *line);

#endif
