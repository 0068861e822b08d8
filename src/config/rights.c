/* What a client may do, from a text of its own. */
#include "config/rights.h"

#include "config/problems.h"
#include "config/reader.h"
#include "json/json.h"

static void tell_first(const config_problems *p, buf *ret_why) {
    if (p->count) buf_add(ret_why, p->items[0].text);
}

bool config_rights_parse(span text, arena *a, config_client *ret, buf *ret_why) {
    config_problems problems, warnings;
    arena scratch;
    problems_init(&problems);
    problems_init(&warnings);
    arena_init(&scratch, 0);
    config *c = config_new(); /* has the notes of where values stand, and goes with them */
    reader r = {.config = c,
                .arena = &c->arena,
                .scratch = &scratch,
                .problems = &problems,
                .warnings = &warnings,
                .sources = &config_sources_none,
                .source = text,
                .hidden = true,
                .sealed = true};
    config_client read = *ret;
    yaml_node *root = yaml_parse(text, SPAN_EMPTY, &scratch, &problems);
    reader_defaults(&r, &scope_rights, &read);
    bool good = root && reader_scope(&r, &scope_rights, SPAN_EMPTY, root, &read) && !problems.count;
    read.brought = true;
    if (good)
        *ret = config_client_copy(&read, a);
    else
        tell_first(&problems, ret_why);
    config_problems_done(&problems);
    config_problems_done(&warnings);
    arena_done(&scratch);
    config_unref(c);
    return good;
}

/* {"limits": {"spent": null}} */
static void write_nested(span mapping, span name, buf *out) {
    size_t depth = 1;
    span part;
    buf_add_char(out, '{');
    for (; mapping.len && span_cut(&mapping, '.', &part); depth++) {
        json_write_string(out, part);
        buf_add_cstr(out, ": {");
    }
    json_write_string(out, name);
    buf_add_cstr(out, ": null");
    while (depth--)
        buf_add_char(out, '}');
}

bool config_rights_has(span mapping, span name, buf *ret_why) {
    const option_scope *scope = &scope_rights;
    buf path = BUF_EMPTY, text = BUF_EMPTY;
    buf_addf(&path, "%.*s%s%.*s", SPAN_ARG(mapping), mapping.len ? "." : "", SPAN_ARG(name));
    bool has = span_find(name, 0, '.') == name.len &&
               (option_find(scope, buf_span(&path)) || option_is_section(scope, buf_span(&path)));
    /* In tags are names that whoever writes them has chosen. */
    has = has || option_find(scope, mapping);
    if (!has) {
        arena a;
        config_client none = {0};
        arena_init(&a, 0);
        write_nested(mapping, name, &text);
        has = config_rights_parse(buf_span(&text), &a, &none, ret_why);
        arena_done(&a);
    }
    buf_done(&path);
    buf_done(&text);
    return has;
}

/* ---- copying ---- */

static void *copy_items(arena *a, const void *items, size_t bytes) {
    if (!bytes) return NULL;
    void *copy = arena_alloc(a, bytes);
    memcpy(copy, items, bytes);
    return copy;
}

static span *copy_texts(arena *a, const span *items, size_t count) {
    span *copy = copy_items(a, items, count * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = arena_dup(a, items[i]);
    return copy;
}

static config_header *copy_labels(arena *a, const config_header *items, size_t count) {
    config_header *copy = copy_items(a, items, count * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = (config_header){arena_dup(a, items[i].name), arena_dup(a, items[i].value)};
    return copy;
}

static span copy_text(arena *a, span text) {
    return text.len ? arena_dup(a, text) : SPAN_EMPTY;
}

config_client config_client_copy(const config_client *c, arena *a) {
    config_client copy = *c;
    copy.name = copy_text(a, c->name);
    copy.environment = copy_text(a, c->environment);
    copy.owner = copy_text(a, c->owner);
    copy.keys = copy_items(a, c->keys, c->key_count * sizeof *c->keys);
    copy.models = copy_texts(a, c->models, c->model_count);
    copy.endpoints = copy_texts(a, c->endpoints, c->endpoint_count);
    copy.addresses = copy_items(a, c->addresses, c->address_count * sizeof *c->addresses);
    copy.tags = copy_labels(a, c->tags, c->tag_count);
    copy.metadata = copy_labels(a, c->metadata, c->metadata_count);
    return copy;
}
