#include "config/yaml.h"

#include "base/hash.h"
#include "base/mem.h"

#include "config/problems.h"
#include "config/shown.h"
#include "config/yaml_slip.h"

#include <ctype.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

typedef struct builder {
    struct fy_parser *parser;
    span file;
    span source;
    arena *arena;
    config_problems *problems;
    bool failed;
} builder;

bool yaml_is_null(const yaml_node *node) {
    if (node->kind != YAML_SCALAR || !node->plain) return false;
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (span_eq(node->text, span_cstr(words[i]))) return true;
    return false;
}

static bool text_has_reference(span text) {
    for (size_t at = 0; (at = span_find(text, at, '$')) + 1 < text.len; at += 2) {
        if (text.ptr[at + 1] == '{') return true;
        if (text.ptr[at + 1] != '$') at--;
    }
    return false;
}

bool yaml_has_reference(const yaml_node *node) {
    if (node->kind == YAML_SCALAR) return text_has_reference(node->text);
    for (const yaml_node *item = node->first; item; item = item->next)
        if (yaml_has_reference(node->kind == YAML_MAP ? item->value : item)) return true;
    return false;
}

const yaml_node *yaml_get(const yaml_node *map, span key) {
    if (!map || map->kind != YAML_MAP) return NULL;
    for (const yaml_node *k = map->first; k; k = k->next)
        if (span_eq(k->text, key)) return k->value;
    return NULL;
}

const char *yaml_kind_name(const yaml_node *node) {
    if (yaml_is_null(node)) return "nothing";
    return node->kind == YAML_LIST ? "a list" : node->kind == YAML_MAP ? "a mapping" : "a value";
}

static void refuse(builder *b, unsigned line, unsigned column, const char *text) {
    problems_add(b->problems, b->file, b->source, line, column, "%s", text);
    b->failed = true;
}

static void place(struct fy_event *event, yaml_node *node) {
    const struct fy_mark *mark = fy_event_start_mark(event);
    node->line = mark ? (unsigned)mark->line + 1 : 1;
    node->column = mark ? (unsigned)mark->column + 1 : 1;
}

/* The next event, or NULL at the end and after an error. The caller frees it. */
static struct fy_event *next_event(builder *b) {
    return b->failed ? NULL : fy_parser_parse(b->parser);
}

COLD static void read_scalar(builder *b, struct fy_event *event, yaml_node *node) {
    size_t len = 0;
    const char *text = fy_token_get_text(event->scalar.value, &len);
    node->kind = YAML_SCALAR;
    node->text = arena_dup(b->arena, span_from(text, text ? len : 0));
    enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
    node->plain = style == FYSS_PLAIN;
    bool quoted = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    if (quoted && node->column > 1) node->column--; /* the mark is behind the quote */
    if (memchr(node->text.ptr, '\0', node->text.len))
        refuse(b, node->line, node->column, "a value holds a NUL character");
}

static struct fy_token *event_tag(struct fy_event *event) {
    switch (event->type) {
    case FYET_SCALAR: return event->scalar.tag;
    case FYET_SEQUENCE_START: return event->sequence_start.tag;
    case FYET_MAPPING_START: return event->mapping_start.tag;
    default: return NULL;
    }
}

static yaml_node *read_node(builder *b, struct fy_event *event, unsigned depth);

/* The keys of a mapping as they come, so that one which is written twice is found without a look at
 * all before it: open addressing, at most half full; on the heap. */
typedef struct key_set {
    const yaml_node **slots;
    size_t room; /* a power of two, or 0 */
    size_t count;
} key_set;

static const yaml_node **slot_of(const key_set *set, span text) {
    size_t at = hash_span(text) & (set->room - 1);
    while (set->slots[at] && !span_eq(set->slots[at]->text, text))
        at = (at + 1) & (set->room - 1);
    return &set->slots[at];
}

static void grow(key_set *set) {
    key_set larger = {.room = set->room ? 2 * set->room : 16, .count = set->count};
    larger.slots = mem_zalloc_array(larger.room, sizeof *larger.slots);
    for (size_t i = 0; i < set->room; i++)
        if (set->slots[i]) *slot_of(&larger, set->slots[i]->text) = set->slots[i];
    free(set->slots);
    *set = larger;
}

/* NULL, or the key of the same text that is there already. */
static const yaml_node *key_set_add(key_set *set, const yaml_node *key) {
    if (2 * set->count >= set->room) grow(set);
    const yaml_node **slot = slot_of(set, key->text);
    if (*slot) return *slot;
    *slot = key;
    set->count++;
    return NULL;
}

/* What is not there has no place of its own: it gets that of what it belongs to. */
static void place_nothing(yaml_node *node, const yaml_node *owner) {
    if (!yaml_is_null(node) || node->text.len) return;
    node->line = owner->line;
    node->column = owner->column;
}

COLD static void read_list(builder *b, yaml_node *list, unsigned depth) {
    yaml_node **end = &list->first;
    for (struct fy_event *event; (event = next_event(b)) != NULL;) {
        bool last = event->type == FYET_SEQUENCE_END;
        if (!last && (*end = read_node(b, event, depth + 1)) != NULL) {
            place_nothing(*end, list);
            end = &(*end)->next;
            list->count++;
        }
        fy_parser_event_free(b->parser, event);
        if (last) return;
    }
}

static bool is_merge(const yaml_node *key) {
    return key->kind == YAML_SCALAR && key->plain && span_eq(key->text, SPAN_OF("<<"));
}

COLD static void check_key(builder *b, key_set *keys, const yaml_node *map, const yaml_node *key) {
    if (key->kind != YAML_SCALAR || key->text.len == 0 || key->text.len > YAML_KEY_MAX) {
        refuse(b, key->line, key->column, "expected the name of an option");
        return;
    }
    if (is_merge(key)) {
        refuse(b, key->line, key->column,
               "merge keys (<<) are not accepted; write the options out");
        return;
    }
    if (map->count >= YAML_KEYS_MAX) {
        refuse(b, key->line, key->column, "more than 10000 entries in one mapping");
        return;
    }
    const yaml_node *other = key_set_add(keys, key);
    if (!other) return;
    bool shown = shown_may(key->text);
    problems_add(b->problems, b->file, b->source, key->line, key->column,
                 "%s%.*s%s is written twice; the first is in line %u", shown ? "'" : "",
                 SPAN_ARG(shown ? key->text : SPAN_OF("this name")), shown ? "'" : "", other->line);
    b->failed = true;
}

COLD static void read_keys(builder *b, key_set *keys, yaml_node *map, unsigned depth) {
    yaml_node **end = &map->first;
    for (struct fy_event *event; (event = next_event(b)) != NULL;) {
        bool last = event->type == FYET_MAPPING_END;
        yaml_node *key = last ? NULL : read_node(b, event, depth + 1);
        fy_parser_event_free(b->parser, event);
        if (last) return;
        if (!key) continue;
        check_key(b, keys, map, key);
        struct fy_event *of_value = next_event(b);
        if (!of_value) return;
        key->value = read_node(b, of_value, depth + 1);
        fy_parser_event_free(b->parser, of_value);
        if (!key->value) return;
        place_nothing(key->value, key);
        *end = key;
        end = &key->next;
        map->count++;
    }
}

COLD static void read_map(builder *b, yaml_node *map, unsigned depth) {
    key_set keys = {0};
    read_keys(b, &keys, map, depth);
    free(keys.slots);
}

static yaml_node *read_node(builder *b, struct fy_event *event, unsigned depth) {
    yaml_node *node = arena_zalloc(b->arena, sizeof *node);
    yaml_slip slip;
    place(event, node);
    if (depth > YAML_DEPTH_MAX)
        refuse(b, node->line, node->column, "nested too deep for a configuration");
    else if (event_tag(event))
        refuse(b, node->line, node->column, "tags (!name) have no meaning here; leave it out");
    if (b->failed) return NULL;
    switch (event->type) {
    case FYET_SCALAR: read_scalar(b, event, node); break;
    case FYET_SEQUENCE_START:
        node->kind = YAML_LIST;
        read_list(b, node, depth);
        break;
    case FYET_MAPPING_START:
        node->kind = YAML_MAP;
        read_map(b, node, depth);
        break;
    case FYET_ALIAS:
        if (slip_find(b->source, node->line, node->column, &slip))
            refuse(b, slip.line, slip.column, slip.text);
        else
            refuse(b, node->line, node->column,
                   "aliases (*name) are not accepted; write the value out");
        break;
    default: refuse(b, node->line, node->column, "expected a value"); break;
    }
    return b->failed ? NULL : node;
}

/* The events of one document; what stands between them needs no attention. */
static yaml_node *read_stream(builder *b) {
    yaml_node *root = NULL;
    unsigned documents = 0;
    for (struct fy_event *event; (event = next_event(b)) != NULL;) {
        const bool end = event->type == FYET_STREAM_END;
        const bool begins = event->type == FYET_DOCUMENT_START;
        documents += begins;
        /* Behind `...` without a `---` of its own it begins with what stands there. */
        if (documents > 1 && !(begins && event->document_start.implicit)) {
            yaml_node at = {0};
            place(event, &at);
            refuse(b, at.line, at.column, "a second document begins here; only one is read");
        } else if (event->type == FYET_SCALAR || event->type == FYET_SEQUENCE_START ||
                   event->type == FYET_MAPPING_START || event->type == FYET_ALIAS) {
            root = read_node(b, event, 0);
        }
        fy_parser_event_free(b->parser, event);
        if (end) break;
    }
    return b->failed ? NULL : root;
}

/* Most of the parser's sentences are the same for every text; one that quotes the text is not
 * passed on, unless it is a sign that it stumbled over: '@'. */
static bool is_fixed(const char *sentence) {
    for (const char *p = sentence; *p; p++) {
        bool sign = p[0] == '\'' && p[1] && ispunct((unsigned char)p[1]) && p[2] == '\'';
        if (sign)
            p += 2;
        else if (!isalpha((unsigned char)*p) && !strchr(" -,[]{}/", *p))
            return false;
    }
    return true;
}

COLD static void report_syntax(builder *b, struct fy_diag *diag) {
    void *iter = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iter);
    if (!error) return;
    b->failed = true;
    /* Unlike marks, these count from 1. */
    unsigned line = error->line > 0 ? (unsigned)error->line : 0;
    unsigned column = error->column > 0 ? (unsigned)error->column : 1;
    yaml_slip slip;
    if (line && slip_find(b->source, line, column, &slip)) {
        refuse(b, slip.line, slip.column, slip.text);
        return;
    }
    problems_add(b->problems, b->file, b->source, line, column, "not valid YAML: %s",
                 error->msg && is_fixed(error->msg) ? error->msg : "syntax error");
}

/* 0: there is but one. No character of UTF-8 goes over the end of a line. */
static unsigned line_of_bad_utf8(span text) {
    span rest = text, line;
    unsigned number = 1;
    if (span_find(text, 0, '\n') == text.len) return 0;
    for (; span_cut(&rest, '\n', &line) && span_is_utf8(line); number++) {}
    return number;
}

/* What libfyaml would take but no configuration may hold. */
COLD static bool check_bytes(builder *b) {
    if (b->source.len > YAML_BYTES_MAX) {
        problems_add(b->problems, b->file, SPAN_EMPTY, 0, 0,
                     "the text has %zu bytes; allowed are %d", b->source.len, YAML_BYTES_MAX);
        return false;
    }
    unsigned line = 1;
    for (size_t i = 0; i < b->source.len; i++) {
        unsigned char c = (unsigned char)b->source.ptr[i];
        if (c == '\n') line++;
        bool line_end = c == '\r' && i + 1 < b->source.len && b->source.ptr[i + 1] == '\n';
        if ((c >= ' ' && c != 0x7F) || c == '\t' || c == '\n' || line_end) continue;
        problems_add(b->problems, b->file, SPAN_EMPTY, line, 1,
                     "the line holds the control character 0x%02x; a configuration is plain text",
                     c);
        return false;
    }
    if (span_is_utf8(b->source)) return true;
    line = line_of_bad_utf8(b->source);
    problems_add(b->problems, b->file, SPAN_EMPTY, line, line ? 1 : 0,
                 "the text is not valid UTF-8");
    return false;
}

/* false after reporting. *ret NULL: nothing is written. */
static bool parse(span source, span file, arena *a, config_problems *problems, yaml_node **ret) {
    if (span_starts(source, SPAN_OF("\xef\xbb\xbf"))) source = span_slice(source, 3, source.len);
    builder b = {.file = file, .source = source, .arena = a, .problems = problems};
    if (!check_bytes(&b)) return false;

    struct fy_diag_cfg quiet;
    fy_diag_cfg_default(&quiet);
    quiet.fp = NULL;
    quiet.colorize = false;
    struct fy_diag *diag = fy_diag_create(&quiet);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
                               .diag = diag};
    b.parser = fy_parser_create(&cfg);
    *ret = NULL;
    if (source.len && fy_parser_set_string(b.parser, source.ptr, source.len) == 0)
        *ret = read_stream(&b);
    if (!b.failed) report_syntax(&b, diag);
    fy_parser_destroy(b.parser);
    fy_diag_destroy(diag);
    return !b.failed;
}

yaml_node *yaml_parse(span source, span file, arena *a, config_problems *problems) {
    yaml_node *root;
    if (!parse(source, file, a, problems, &root)) return NULL;
    if (!root || yaml_is_null(root)) {
        root = arena_zalloc(a, sizeof *root);
        root->kind = YAML_MAP;
    }
    return root;
}

yaml_node *yaml_parse_value(span source, span name, arena *a, config_problems *problems) {
    yaml_node *value;
    if (!parse(source, name, a, problems, &value)) return NULL;
    if (!value) {
        value = arena_zalloc(a, sizeof *value);
        *value = (yaml_node){.plain = true, .line = 1, .column = 1};
    }
    return value;
}
