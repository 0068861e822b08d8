/* cache: what no single option of it can tell. */
#include "config/reader.h"

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

COLD void cache_check(reader *r, const yaml_node *root) {
    const config_cache *c = &r->config->cache;
    const yaml_node *section = yaml_get(root, SPAN_OF("cache"));
    if (!c->on) return;
    if (!c->model_count)
        reader_warning(r, section,
                       "cache.models names no model, so that no answer is kept; expected names of "
                       "models, or \"*\" for all");
    check_models(r, section, c);
    if (c->answer_bytes <= c->memory_bytes) return;
    const yaml_node *most = yaml_get(section, SPAN_OF("max_answer"));
    const yaml_node *memory = yaml_get(section, SPAN_OF("memory"));
    reader_problem(r, most ? most : memory,
                   "cache.max_answer is larger than cache.memory; expected at most as much");
}
