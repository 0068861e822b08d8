/* models: what clients ask for and where it goes. Read after the providers, which it refers to. */
#include "config/model_index.h"
#include "config/reader.h"
#include "config/shown.h"
#include "config/write.h"

#include <string.h>

static span provider_name_at(const void *list, size_t i) {
    return ((const config_provider *)list)[i].name;
}

static const config_provider *find_provider(const config *c, span name) {
    for (size_t i = 0; i < c->provider_count; i++)
        if (span_eq(c->providers[i].name, name)) return &c->providers[i];
    return NULL;
}

COLD static bool report_no_provider(reader *r, span name, const yaml_node *node, span provider) {
    const config *c = r->config;
    span said = reader_quoted(r, span_slice(node->text, 0, span_find(node->text, 0, '/')), "so");
    span near = reader_nearest(provider, provider_name_at, c->providers, c->provider_count);
    if (c->provider_count == 0)
        reader_problem(r, node, "%.*s: no provider is named %.*s, for there are no providers",
                       SPAN_ARG(name), SPAN_ARG(said));
    else if (near.len && shown_may(near))
        reader_problem(r, node, "%.*s: no provider is named %.*s; did you mean '%.*s'?",
                       SPAN_ARG(name), SPAN_ARG(said), SPAN_ARG(near));
    else
        reader_problem(r, node,
                       "%.*s: no provider is named %.*s; expected PROVIDER/MODEL or PROVIDER",
                       SPAN_ARG(name), SPAN_ARG(said));
    return false;
}

static bool printable(span text) {
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == 0x7F) return false;
    return true;
}

/* "local/meta/llama" is the model meta/llama of the provider local. */
COLD static bool read_target_name(reader *r, const option *o, span name, const yaml_node *node,
                                  void *field) {
    config_target *target = field;
    span text;
    if (!reader_text(r, o, name, node, &text)) return false;
    size_t slash = span_find(text, 0, '/');
    span provider = span_slice(text, 0, slash), model = span_slice(text, slash + 1, text.len);
    if (provider.len == 0 || (slash < text.len && model.len == 0) ||
        text.len > CONFIG_MODEL_NAME_MAX || !printable(text))
        return reader_expected(r, o, name, node);
    if (span_find(model, 0, '*') < model.len) {
        span said = reader_said(r, node, "another text");
        reader_problem(
            r, node,
            "%.*s is %.*s; a * has no meaning here: PROVIDER alone stands for the client's own "
            "word",
            SPAN_ARG(name), SPAN_ARG(said));
        return false;
    }
    target->provider = find_provider(r->config, provider);
    if (!target->provider) return report_no_provider(r, name, node, provider);
    target->model = model;
    target->name = text;
    return true;
}
COLD static void write_target_name(const option *o, const void *field, buf *out) {
    (void)o;
    write_string(((const config_target *)field)->name, out);
}
const option_type type_target_name = {"target", "PROVIDER/MODEL or PROVIDER", read_target_name,
                                      write_target_name, TELLS_TEXT};

COLD static bool read_target(reader *r, span name, const yaml_node *node, config_target *target) {
    reader_defaults(r, &scope_target, target);
    if (node->kind == YAML_MAP)
        return reader_scope(r, &scope_target, reader_name(r, "%.*s.", SPAN_ARG(name)), node,
                            target);
    return read_target_name(r, option_find(&scope_target, SPAN_OF("to")), name, node, target);
}

COLD static bool read_targets(reader *r, const option *o, span name, const yaml_node *node,
                              void *field) {
    config_model *model = CONTAINER_OF(field, config_model, targets);
    bool list = node->kind == YAML_LIST, ok = true;
    size_t count = list ? node->count : 1;
    if (yaml_is_null(node)) return reader_expected(r, o, name, node);
    if (count == 0 || count > CONFIG_TARGETS_MAX) {
        reader_problem(r, node, "%.*s has %zu targets; allowed 1 to %d", SPAN_ARG(name), count,
                       CONFIG_TARGETS_MAX);
        return false;
    }
    model->targets = arena_zalloc(r->arena, count * sizeof *model->targets);
    for (const yaml_node *item = list ? node->first : node; item; item = list ? item->next : NULL) {
        span at = list ? reader_name(r, "%.*s[%zu]", SPAN_ARG(name), model->target_count) : name;
        config_target *target = &model->targets[model->target_count];
        if (!read_target(r, at, item, target)) {
            ok = false;
            continue;
        }
        reader_written(r, NULL, target, item);
        for (size_t i = 0; i < model->target_count; i++) {
            if (!span_eq(model->targets[i].name, target->name)) continue;
            const yaml_node *to = item->kind == YAML_MAP ? yaml_get(item, SPAN_OF("to")) : item;
            span said = reader_said(r, to, "another");
            reader_problem(r, item, "%.*s is %.*s, like %.*s[%zu]; a target stands once",
                           SPAN_ARG(at), SPAN_ARG(said), SPAN_ARG(name), i);
            ok = false;
        }
        model->target_count++;
    }
    return ok;
}
const option_type type_targets = {"target or targets", "a target or a list of targets",
                                  read_targets, NULL, TELLS_PARTS};

/* A weight that nobody reads would mislead. */
COLD static bool check_weights(reader *r, span name, const yaml_node *targets,
                               const config_model *model) {
    if (model->pick == PICK_WEIGHTED || targets->kind == YAML_SCALAR) return true;
    const yaml_node *item = targets->kind == YAML_LIST ? targets->first : targets;
    for (; item; item = targets->kind == YAML_LIST ? item->next : NULL) {
        const yaml_node *weight = yaml_get(item, SPAN_OF("weight"));
        if (!weight) continue;
        reader_problem(
            r, weight,
            "%.*s has a weight, which only pick: weighted reads; expected pick: weighted, "
            "or no weight",
            SPAN_ARG(name));
        return false;
    }
    return true;
}

static bool good_model_name(span name) {
    size_t star = span_find(name, 0, '*');
    return name.len <= CONFIG_MODEL_NAME_MAX && printable(name) && star + 1 >= name.len;
}

COLD static bool read_model(reader *r, const yaml_node *map, const yaml_node *key,
                            config_model *model) {
    model->name = arena_dup(r->arena, key->text);
    reader_origin(r, model, key);
    span name = reader_member(r, SPAN_OF("models"), map, key);
    if (!good_model_name(model->name)) {
        span said = reader_quoted(r, key->text, "something else");
        reader_problem(
            r, key, "a model is named %.*s; expected up to 200 characters, and a * only at the end",
            SPAN_ARG(said));
        return false;
    }
    const yaml_node *targets = key->value;
    if (targets->kind == YAML_MAP) {
        span prefix = reader_name(r, "%.*s.", SPAN_ARG(name));
        if (!reader_scope(r, &scope_model, prefix, targets, model) ||
            !sizes_check(r, prefix, targets))
            return false;
        targets = yaml_get(targets, SPAN_OF("targets"));
    } else {
        const option *o = option_find(&scope_model, SPAN_OF("targets"));
        if (!o->type->read(r, o, name, targets, &model->targets)) return false;
    }
    return check_weights(r, name, targets, model);
}

COLD static bool read_models(reader *r, const option *o, span name, const yaml_node *node,
                             void *field) {
    (void)field;
    if (yaml_is_null(node)) return true;
    if (node->kind != YAML_MAP) return reader_expected(r, o, name, node);
    if (node->count == 0) {
        reader_problem(
            r, node,
            "models has no entries; leave it out to send everything to the first provider");
        return false;
    }
    config *c = r->config;
    c->models = arena_zalloc(r->arena, (node->count + 1) * sizeof *c->models);
    bool ok = true;
    for (const yaml_node *key = node->first; key; key = key->next) {
        config_model *model = &c->models[c->model_count++];
        reader_defaults(r, &scope_model, model);
        ok &= read_model(r, node, key, model);
    }
    c->model_index = model_index_new(r->arena, c->models, c->model_count);
    return ok;
}
const option_type type_models = {"mapping of models", "a mapping from models to targets",
                                 read_models, NULL, TELLS_PARTS};
