#include "guard/file.h"

#include "config/problems.h"
#include "config/yaml.h"

#include <stdlib.h>

typedef struct reading {
    span source, name;
    arena *a;
    config_problems *problems;
    guard_rule_text *rule;
    bool bad;
} reading;

static void complain(reading *r, const yaml_node *at, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void complain(reading *r, const yaml_node *at, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    problems_vadd(r->problems, r->name, r->source, at->line, at->column, fmt, args);
    va_end(args);
    r->bad = true;
}

/* ---- members ---- */

static span text_of(reading *r, const yaml_node *key) {
    if (key->value->kind == YAML_SCALAR && !yaml_is_null(key->value)) return key->value->text;
    complain(r, key, "%.*s is %s; it takes a text", SPAN_ARG(key->text),
             yaml_kind_name(key->value));
    return SPAN_EMPTY;
}

static const span *texts_of(reading *r, const yaml_node *key, size_t *ret_count) {
    const yaml_node *value = key->value;
    size_t count = value->kind == YAML_LIST ? value->count : 1, i = 0;
    span *items = arena_alloc(r->a, (count + 1) * sizeof *items);
    if (value->kind != YAML_LIST) {
        items[i++] = text_of(r, key);
    } else {
        for (const yaml_node *item = value->first; item; item = item->next) {
            if (item->kind == YAML_SCALAR)
                items[i++] = item->text;
            else
                complain(r, item, "%.*s has %s in it; it takes texts", SPAN_ARG(key->text),
                         yaml_kind_name(item));
        }
    }
    *ret_count = i;
    return items;
}

static double number_of(reading *r, const yaml_node *key, double max) {
    span text = text_of(r, key);
    char *end = NULL;
    double value = text.len ? strtod(text.ptr, &end) : -1;
    if (text.len && end == text.ptr + text.len && value >= 0 && value <= max) return value;
    if (text.len)
        complain(r, key->value, "%.*s is %.*s; allowed 0 to %g", SPAN_ARG(key->text),
                 SPAN_ARG(text), max);
    return 0;
}

static void read_action(reading *r, const yaml_node *key) {
    span word = text_of(r, key);
    r->rule->has_action = word.len && guard_action_read(word, &r->rule->action);
    if (word.len && !r->rule->has_action)
        complain(r, key->value, "action is %.*s; it is block, redact, flag or off", SPAN_ARG(word));
}

static void read_where(reading *r, const yaml_node *key) {
    static const struct {
        span word;
        unsigned where;
    } rows[] = {{SPAN("in"), GUARD_IN}, {SPAN("out"), GUARD_OUT}, {SPAN("both"), GUARD_BOTH}};
    span word = text_of(r, key);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (span_eq(word, rows[i].word)) r->rule->where = rows[i].where;
    if (word.len && !r->rule->where)
        complain(r, key->value, "where is %.*s; it is in, out or both", SPAN_ARG(word));
}

enum { ENTROPY_MAX = 8, SCORE_MAX = 100 };

static void read_member(reading *r, const yaml_node *key) {
    guard_rule_text *t = r->rule;
    const struct {
        span name;
        span *text;
    } texts[] = {{SPAN("name"), &t->name},       {SPAN("label"), &t->label},
                 {SPAN("kind"), &t->kind},       {SPAN("source"), &t->source},
                 {SPAN("pattern"), &t->pattern}, {SPAN("start"), &t->start},
                 {SPAN("check"), &t->check}};
    const struct {
        span name;
        const span **items;
        size_t *count;
    } lists[] = {{SPAN("lead"), &t->leads, &t->lead_count},
                 {SPAN("near"), &t->near, &t->near_count},
                 {SPAN("stop"), &t->stop, &t->stop_count}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (span_eq(key->text, texts[i].name)) {
            *texts[i].text = text_of(r, key);
            return;
        }
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        if (span_eq(key->text, lists[i].name)) {
            *lists[i].items = texts_of(r, key, lists[i].count);
            return;
        }
    if (span_eq(key->text, SPAN_OF("entropy")))
        t->entropy = number_of(r, key, ENTROPY_MAX);
    else if (span_eq(key->text, SPAN_OF("show")))
        t->show = (int)number_of(r, key, GUARD_SHOW_MAX);
    else if (span_eq(key->text, SPAN_OF("score")))
        t->score = (unsigned)number_of(r, key, SCORE_MAX);
    else if (span_eq(key->text, SPAN_OF("action")))
        read_action(r, key);
    else if (span_eq(key->text, SPAN_OF("where")))
        read_where(r, key);
    else
        complain(r, key,
                 "unknown member %.*s; a rule has name, pattern, lead, start, near, check, "
                 "entropy, stop, action, where, show, score, label, kind and source",
                 SPAN_ARG(key->text));
}

bool guard_file_read(span source, span name, arena *a, guard_file *ret, config_problems *problems) {
    reading r = {.source = source, .name = name, .a = a, .problems = problems};
    const yaml_node *root = yaml_parse(source, name, a, problems);
    if (!root) return false;
    if (root->kind != YAML_LIST && !root->count) { /* it may have been cut to nothing */
        complain(&r, root, "there is no rule in it; write [] where that is meant");
        return false;
    }
    if (root->kind != YAML_LIST) {
        complain(&r, root, "rules are a list, and this is %s", yaml_kind_name(root));
        return false;
    }
    guard_file file = {.rules = arena_zalloc(a, (root->count + 1) * sizeof *file.rules),
                       .lines = arena_zalloc(a, (root->count + 1) * sizeof *file.lines)};
    for (const yaml_node *item = root->first; item; item = item->next) {
        r.rule = &file.rules[file.count];
        r.rule->show = -1;
        file.lines[file.count++] = item->line;
        if (item->kind != YAML_MAP) {
            complain(&r, item, "a rule is a mapping, and this is %s", yaml_kind_name(item));
            continue;
        }
        for (const yaml_node *key = item->first; key; key = key->next)
            read_member(&r, key);
    }
    if (r.bad) return false;
    *ret = file;
    return true;
}
