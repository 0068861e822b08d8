/* The reference page and the example file, from the option table. */
#include "config/option.h"

#include <string.h>

/* ---- the reference page ---- */

static const char intro[] =
    "# Configuration\n"
    "\n"
    "<!-- Made from the option tables in src/config (options_file.c, options.c) by `weir "
    "reference`; do not edit. -->\n"
    "\n"
    "weir works without a file: it listens on 127.0.0.1:8080 and serves OpenAI where "
    "`OPENAI_API_KEY` "
    "is set. A file is YAML, given by `-c FILE` or found as the first of `./weir.yaml`, "
    "`$XDG_CONFIG_HOME/weir/weir.yaml` (`~/.config/weir/weir.yaml`), `weir/weir.yaml` in each of "
    "`$XDG_CONFIG_DIRS` (`/etc/xdg`), and `/etc/weir/weir.yaml`.\n"
    "\n"
    "`weir check` tells every problem of a file with its line; `weir check --explain` prints what "
    "each "
    "option comes to and where it was set, without secrets: a text with a `${…}` as it is written, "
    "or as `(set)`. A running weir reads the file again when it "
    "changes and on SIGHUP; a file with problems is not taken, and the configuration before it "
    "stays. "
    "Options marked *start* take effect when weir is started next.\n"
    "\n"
    "What is said about a file, on a terminal or in the log, can be shown to anyone: it names the "
    "option, "
    "the place and what is allowed there, and quotes only what cannot be a secret (numbers, the "
    "words "
    "of "
    "this page, short words that were mistyped). No line below `providers` or `clients` is shown, "
    "and "
    "nothing that came from the environment, a file or a command.\n"
    "\n"
    "## Values\n"
    "\n"
    "| kind | written |\n"
    "| --- | --- |\n"
    "| duration | `250ms`, `5s`, `10m`, `2h`, `7d`; the unit is part of it |\n"
    "| size | `512B`, `64KB`, `20MB`, `1GB`; 1KB is 1024 bytes |\n"
    "| percentage | `20%` |\n"
    "| text | `${NAME}` in it becomes the environment variable of that name, which must be set; "
    "`${NAME:-other}` becomes `other` where it is not set or empty; `$$` is a `$` |\n"
    "| file | a path; a relative one begins at the folder of the configuration file |\n"
    "\n"
    "YAML's aliases (`*name`) and tags (`!name`) are not accepted, nor is a name written twice. "
    "Where "
    "a value holds one of `{}[]#:` or begins with `*`, `&`, `!` or `%`, put it in double quotes.\n";

COLD static void add_code(const char *text, buf *out) {
    buf_addf(out, "`%s`", text);
}

COLD static void add_words(const option *o, buf *out) {
    const size_t first = !o->words[0][0]; /* what cannot be written has no word */
    for (size_t i = first; o->words[i]; i++) {
        if (i > first) buf_add_cstr(out, ", ");
        add_code(o->words[i], out);
    }
}

COLD static void add_allowed(const option *o, buf *out) {
    if (o->words) {
        add_words(o, out);
        return;
    }
    buf_add_cstr(out, o->type->name);
    if (o->min) {
        buf_add_cstr(out, ", ");
        add_code(o->min, out);
        buf_add_cstr(out, " to ");
        add_code(o->max, out);
    }
    if (o->zero) {
        buf_add_cstr(out, ", or ");
        add_code(o->zero, out);
    }
}

/* A vertical bar would end the cell. */
COLD static void add_cell(const char *text, buf *out) {
    for (; *text; text++) {
        if (*text == '|') buf_add_char(out, '\\');
        buf_add_char(out, *text);
    }
}

COLD static void add_row(const option *o, buf *out) {
    buf_add_cstr(out, "| ");
    add_code(o->path, out);
    buf_add_cstr(out, " | ");
    if (o->required)
        buf_add_cstr(out, "*needed*");
    else if (o->standard && *o->standard)
        add_code(o->standard, out);
    else
        buf_add_cstr(out, "–");
    buf_add_cstr(out, " | ");
    add_allowed(o, out);
    buf_add_cstr(out, " | ");
    add_cell(o->sentence, out);
    if (o->restart) buf_add_cstr(out, " *start*");
    buf_add_cstr(out, " |\n");
}

COLD static void add_scope(const option_scope *scope, buf *out) {
    if (*scope->name)
        buf_addf(out, "\n## `%s`\n\n%s\n", scope->name, scope->about);
    else
        buf_addf(out, "\n## Options\n\n%s\n", scope->about);
    buf_add_cstr(out, "\n| option | default | allowed | |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < scope->count; i++)
        add_row(&scope->options[i], out);
}

void config_write_reference(buf *out) {
    buf_add_cstr(out, intro);
    for (size_t i = 0; option_scopes[i]; i++)
        add_scope(option_scopes[i], out);
    buf_add_cstr(out, "\n## Example\n\n```yaml\n");
    config_write_example(out);
    buf_add_cstr(out, "```\n");
}

/* ---- the example ---- */

static const char example_head[] =
    "# weir.yaml. Every option has a default; what is commented out shows it.\n"
    "# `weir check` tells what is wrong, `weir check --explain` what each option comes to.\n"
    "\n"
    "providers:\n"
    "  openai: {}   # with the key in OPENAI_API_KEY; or key: \"${NAME}\", {file: path}, {command: "
    "[...]}\n"
    "  local: {url: http://127.0.0.1:8000/v1}   # anything that imitates OpenAI: vLLM, Ollama, "
    "llama.cpp\n"
    "  # azure: {url: \"https://NAME.openai.azure.com/openai/deployments/NAME\", auth: api-key,\n"
    "  #         api_version: 2024-10-21, key: {file: azure.key}}\n"
    "\n"
    "models:   # what clients ask for and where it goes, tried in order\n"
    "  gpt-4o-mini: [openai, local/llama-3.1-8b]\n"
    "  fast: {pick: weighted, targets: [{to: openai/gpt-4o-mini, weight: 9}, "
    "{to: local/llama-3.1-8b, weight: 1}]}\n"
    "  \"*\": openai   # anything else, under its own name\n"
    "\n"
    "# clients:   # who may call; without clients weir serves its own machine alone\n"
    "#   - {name: ci, key: \"${CI_KEY}\", environment: dev}\n"
    "#   - {name: app, key: {sha256: 64 hex digits}, environment: prod}\n"
    "\n"
    "# listen:\n"
    "#   - 127.0.0.1:8080\n"
    "#   - {address: \"0.0.0.0:8443\", tls: {cert: weir.crt, key: weir.key}}\n"
    "#   - unix:/run/weir.sock\n";

COLD static void add_example_value(const option *o, buf *out) {
    bool quoted = (o->type == &type_text || o->type == &type_jwks) && !o->words;
    if (o->standard)
        buf_addf(out, quoted ? "\"%s\"" : "%s", o->standard);
    else
        buf_add_cstr(out,
                     o->type == &type_limit_rules || o->type == &type_guard_actions ? "{}" : "[]");
}

static void indent(unsigned depth, buf *out) {
    buf_add_cstr(out, "#");
    for (unsigned i = 0; i < depth; i++)
        buf_add_cstr(out, "  ");
    buf_add_char(out, ' ');
}

COLD static void add_headings(span path, span *section, buf *out) {
    size_t dot = 0;
    for (unsigned depth = 0; (dot = span_find(path, dot, '.')) < path.len; depth++, dot++) {
        span head = span_slice(path, 0, dot);
        bool open = span_starts(*section, head) &&
                    (section->len == head.len || section->ptr[head.len] == '.');
        if (open) continue;
        if (depth == 0) buf_add_char(out, '\n');
        indent(depth, out);
        size_t from = dot;
        while (from && path.ptr[from - 1] != '.')
            from--;
        buf_addf(out, "%.*s:\n", SPAN_ARG(span_slice(path, from, dot)));
        *section = head;
    }
}

static unsigned depth_of(span path) {
    unsigned depth = 0;
    for (size_t i = 0; i < path.len; i++)
        depth += path.ptr[i] == '.';
    return depth;
}

void config_write_example(buf *out) {
    span section = SPAN_EMPTY;
    buf_add_cstr(out, example_head);
    for (size_t i = 0; i < scope_file.count; i++) {
        const option *o = &scope_file.options[i];
        span path = span_cstr(o->path);
        if (depth_of(path) == 0 || o->type == &type_section)
            continue;                        /* shown above, or a heading of what follows */
        if (o->type == &type_file) continue; /* there is no file that anybody has */
        add_headings(path, &section, out);
        const char *dot = strrchr(o->path, '.');
        indent(depth_of(path), out);
        size_t start = out->len;
        buf_addf(out, "%s: ", dot + 1);
        add_example_value(o, out);
        while (out->len - start < 30)
            buf_add_char(out, ' ');
        buf_addf(out, "  # %s\n", o->sentence);
    }
}
