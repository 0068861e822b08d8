/* What can be used, and is hardly meant: warnings that need the whole file. */
#include "config/reader.h"

/* ---- deadlines ---- */

/* Whose deadlines are in force: what is written of the two; NULL: nothing, or the file's own. */
typedef struct scope {
    const yaml_node *model_map, *provider_map;
} scope;

static const yaml_node *timeout_node(const yaml_node *map, const char *which) {
    const yaml_node *timeouts = map ? yaml_get(map, SPAN_OF("timeouts")) : NULL;
    return timeouts ? yaml_get(timeouts, span_cstr(which)) : NULL;
}

/* Where the narrowest word on one of the two stands; NULL: the defaults say both. */
static const yaml_node *place_of(const yaml_node *root, const scope *s, const char *which) {
    const yaml_node *maps[] = {s->model_map, s->provider_map, root};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++) {
        const yaml_node *total = i == 1 ? NULL : timeout_node(maps[i], "total");
        const yaml_node *node = total ? total : timeout_node(maps[i], which);
        if (node) return node;
    }
    return NULL;
}

/* A provider's or a model's own name may be no more than its place. */
static span name_of(reader *r, const yaml_node *root, const scope *s, config_timeout which) {
    static const char *const names[] = {
        [TIMEOUT_FIRST_BYTE] = "first_byte", [TIMEOUT_TOTAL] = "total"};
    bool total = which == TIMEOUT_TOTAL;
    const struct {
        const char *section;
        const yaml_node *map;
    } scopes[] = {{"models", s->model_map}, {"providers", total ? NULL : s->provider_map}};
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        if (!timeout_node(scopes[i].map, names[which])) continue;
        const yaml_node *all = yaml_get(root, span_cstr(scopes[i].section));
        for (const yaml_node *key = all->first; key; key = key->next)
            if (key->value == scopes[i].map)
                return reader_name(
                    r, "%.*s.timeouts.%s",
                    SPAN_ARG(reader_member(r, span_cstr(scopes[i].section), all, key)),
                    names[which]);
    }
    return reader_name(r, "timeouts.%s", names[which]);
}

/* A call is over before its target counts as silent: then no other is asked. */
COLD static void check_silence(reader *r, const yaml_node *root, const scope *s,
                               int64_t first_byte_ms, int64_t total_ms) {
    if (total_ms >= first_byte_ms) return;
    span total = name_of(r, root, s, TIMEOUT_TOTAL);
    span first = name_of(r, root, s, TIMEOUT_FIRST_BYTE);
    reader_warning(r, place_of(root, s, "first_byte"),
                   "%.*s is shorter than %.*s: a target that is silent takes all of a call's time, "
                   "and no other is asked",
                   SPAN_ARG(total), SPAN_ARG(first));
}

static const yaml_node *member(const yaml_node *root, const char *section, span name) {
    const yaml_node *all = yaml_get(root, span_cstr(section));
    return all ? yaml_get(all, name) : NULL;
}

static bool says_timeouts(const yaml_node *map) {
    return timeout_node(map, "total") || timeout_node(map, "first_byte");
}

/* model: where its entry is written; NULL: nowhere. */
COLD static void check_target(reader *r, const yaml_node *root, const yaml_node *model,
                              const config_target *t) {
    const scope s = {.model_map = model,
                     .provider_map = member(root, "providers", t->provider->name)};
    if (!says_timeouts(s.model_map) && !timeout_node(s.provider_map, "first_byte"))
        return; /* the file's own are in force, and have a warning of theirs */
    check_silence(r, root, &s, t->timeouts.first_byte_ms, t->timeouts.total_ms);
}

COLD static void check_deadlines(reader *r, const yaml_node *root) {
    const config *c = r->config;
    check_silence(r, root, &(scope){0}, c->timeouts.first_byte_ms, c->timeouts.total_ms);
    const yaml_node *models = yaml_get(root, SPAN_OF("models"));
    const yaml_node *key = models ? models->first : NULL; /* in the order of c->models */
    for (size_t i = 0; i < c->model_count; i++) {
        for (size_t k = 0; k < c->models[i].target_count; k++)
            check_target(r, root, key ? key->value : NULL, &c->models[i].targets[k]);
        if (key) key = key->next;
    }
}

/* ---- sentences ---- */

static bool is_word(span text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_') return false;
    }
    return text.len;
}

COLD static void check_sentence(reader *r, const yaml_node *node, const char *name, span sentence) {
    for (size_t at = 0; (at = span_find(sentence, at, '{')) < sentence.len; at++) {
        size_t end = span_find(sentence, at, '}');
        span word = span_slice(sentence, at + 1, end);
        if (end == sentence.len || !is_word(word) || span_eq(word, SPAN_OF("error"))) continue;
        span said = reader_quoted(r, word, "another word");
        reader_warning(r, node,
                       "%s has %.*s in braces, which stands as it is: {error} is the one word that "
                       "is filled in",
                       name, SPAN_ARG(said));
    }
}

COLD static void check_sentences(reader *r, const yaml_node *root) {
    const config_chat *chat = &r->config->chat;
    const struct {
        const char *name, *key;
        span sentence;
    } all[] = {{"chat.say.rate_limited", "rate_limited", chat->say_rate_limited},
               {"chat.say.unreachable", "unreachable", chat->say_unreachable},
               {"chat.say.invalid", "invalid", chat->say_invalid},
               {"chat.say.failed", "failed", chat->say_failed}};
    const yaml_node *say = member(root, "chat", SPAN_OF("say"));
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        check_sentence(r, say ? yaml_get(say, span_cstr(all[i].key)) : NULL, all[i].name,
                       all[i].sentence);
}

void advice_give(reader *r, const yaml_node *root) {
    check_deadlines(r, root);
    check_sentences(r, root);
    limit_advice_give(r, root);
    models_advice_give(r, root);
    budget_advice_give(r, root);
    unused_warn(r, root);
}
