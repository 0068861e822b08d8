/* cache: where answers are kept together, and what no single option can tell. */
#include "config/reader.h"

#include "base/mem.h"
#include "config/header.h"
#include "config/redis.h"
#include "config/write.h"

/* ---- cache.store ---- */

static bool is_yes(const yaml_node *node) {
    static const char *const words[] = {"true", "on", "yes"};
    for (size_t i = 0; node->kind == YAML_SCALAR && i < ARRAY_LEN(words); i++)
        if (span_eq(node->text, span_cstr(words[i]))) return true;
    return false;
}

/* Whose address that is cannot be said before all has been read. */
COLD static bool read_store(reader *r, const option *o, span name, const yaml_node *node,
                            void *field) {
    config_cache *c = CONTAINER_OF(field, config_cache, store);
    const bool says_no = node->kind == YAML_SCALAR && (span_eq(node->text, SPAN_OF("false")) ||
                                                       span_eq(node->text, SPAN_OF("no")));
    if (says_no) return true;
    if (is_yes(node)) {
        reader_defaults(r, &scope_cache_store, &c->store);
        c->store_of_shared = true;
        return true;
    }
    if (!redis_read(r, &scope_cache_store, o, name, node, &c->store)) return false;
    c->store_of_shared = node->kind == YAML_MAP && !c->store.on;
    return true;
}

const option_type type_cache_store = {
    "address, mapping or true",
    "redis://HOST:PORT, rediss://USER:PASSWORD@HOST/DATABASE, unix:/path, a mapping {url, "
    "timeout}, true for the server of shared, or off",
    read_store, NULL, TELLS_PARTS};

/* Its place is that of `shared`; how long it is waited for is its own. */
COLD static void settle_store(reader *r, const yaml_node *section, config_cache *c) {
    const config_redis *shared = &r->config->shared;
    const yaml_node *node = yaml_get(section, SPAN_OF("store"));
    config_redis *to = &c->store;
    if (!c->store_of_shared) return;
    if (!shared->on) {
        reader_problem(r, node ? node : section,
                       "cache.store has no address, and there is no shared: whose it could be; "
                       "expected redis://HOST:PORT");
        return;
    }
    config_redis found = *shared;
    found.timeout_ms = to->timeout_ms;
    if (to->ca_file.len) found.ca_file = to->ca_file;
    if (to->password)
        found.password = to->password;
    else if (shared->password)
        found.password = secret_ref(shared->password);
    *to = found;
    (void)redis_check(r, SPAN_OF("cache.store"), node ? node : section, to);
}

/* ---- what no single option can tell ---- */

static bool is_pattern(span text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return text.len > 0 && span_find(text, 0, '*') + 1 >= text.len;
}

COLD static void check_models(reader *r, const yaml_node *section, const config_cache *c) {
    const yaml_node *models = yaml_get(section, SPAN_OF("models"));
    const yaml_node *item = models && models->kind == YAML_LIST ? models->first : models;
    for (size_t i = 0; i < c->model_count; i++) {
        if (!is_pattern(c->models[i])) {
            span said = reader_said(r, item, "another text");
            reader_problem(r, item,
                           "cache.models has %.*s; expected a model's name such as gpt-4o, or the "
                           "beginning of names with a * behind it",
                           SPAN_ARG(said));
        }
        if (item && models->kind == YAML_LIST) item = item->next;
    }
}

COLD static void check_headers(reader *r, const yaml_node *section, const config_cache *c) {
    const yaml_node *headers = yaml_get(section, SPAN_OF("headers"));
    const yaml_node *item = headers && headers->kind == YAML_LIST ? headers->first : headers;
    for (size_t i = 0; i < c->header_count; i++) {
        const span name = c->headers[i];
        if (!header_is_name(name) || span_find(name, 0, '*') + 1 < name.len) {
            span said = reader_said(r, item, "another text");
            reader_problem(r, item,
                           "cache.headers has %.*s; expected the name of a header field such as "
                           "x-variant, or the beginning of names with a * behind it",
                           SPAN_ARG(said));
        }
        if (item && headers->kind == YAML_LIST) item = item->next;
    }
}

/* Without a model it is off, as the cache is without models. */
COLD static void check_semantic(reader *r, const yaml_node *section, const config *c) {
    const span model = c->cache.semantic.model;
    const yaml_node *semantic = yaml_get(section, SPAN_OF("semantic"));
    const yaml_node *node = yaml_get(semantic, SPAN_OF("model"));
    if (!c->cache.semantic.on) return;
    if (!model.len) {
        reader_warning(r, semantic,
                       "cache.semantic names no model, so that nothing is compared; expected "
                       "`model:` with one for embeddings that `models` serves");
    } else if (c->model_count && !config_find_model(c, model)) {
        span said = reader_said(r, node, "a model");
        reader_problem(r, node,
                       "cache.semantic.model is %.*s, which no entry of models serves; expected a "
                       "model for embeddings",
                       SPAN_ARG(said));
    }
}

COLD void cache_check(reader *r, const yaml_node *root) {
    config_cache *c = &r->config->cache;
    const yaml_node *section = yaml_get(root, SPAN_OF("cache"));
    if (!c->on) return;
    settle_store(r, section, c);
    if (!c->model_count)
        reader_warning(r, section,
                       "cache.models names no model, so that no answer is kept; expected names of "
                       "models, or \"*\" for all");
    check_models(r, section, c);
    check_headers(r, section, c);
    check_semantic(r, section, r->config);
    if (c->answer_bytes <= c->memory_bytes) return;
    const yaml_node *most = yaml_get(section, SPAN_OF("max_answer"));
    const yaml_node *memory = yaml_get(section, SPAN_OF("memory"));
    reader_problem(r, most ? most : memory,
                   "cache.max_answer is larger than cache.memory; expected at most as much");
}
