/* From text to snapshot. */
#include "config/problems.h"
#include "config/reader.h"

#include "base/clock.h"
#include "base/mem.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

config *config_new(void) {
    config *c = mem_zalloc(sizeof *c);
    atomic_init(&c->refs, 1);
    arena_init(&c->arena, 8 << 10);
    c->own = arena_zalloc(&c->arena, sizeof *c->own);
    return c;
}

config *config_ref(config *c) {
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void config_unref(config *c) {
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < c->provider_count; i++)
        for (size_t k = 0; k < c->providers[i].key_count; k++)
            secret_unref(c->providers[i].keys[k]);
    for (size_t i = 0; i < c->alerts.webhook_count; i++)
        secret_unref(c->alerts.webhooks[i].secret);
    secret_unref(c->functions.approval.webhook.secret);
    secret_unref(c->audit.key);
    secret_unref(c->shared.password);
    secret_unref(c->cache.store.password);
    arena_done(&c->arena);
    free(c);
}

/* Cores that the process may use, which in a container are fewer than the machine has. */
static unsigned available_cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (unsigned)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 && online <= 1024 ? (unsigned)online : 1;
}

/* Models refer to providers, which may stand after them in the file. */
static void put_first(yaml_node *map, span name) {
    for (yaml_node **link = &map->first; *link; link = &(*link)->next) {
        yaml_node *key = *link;
        if (!span_eq(key->text, name)) continue;
        *link = key->next;
        key->next = map->first;
        map->first = key;
        return;
    }
}

static int by_place(const void *a, const void *b) {
    const config_problem *x = a, *y = b;
    if (x->setting != y->setting) return x->setting < y->setting ? -1 : 1;
    if (x->line != y->line) return x->line < y->line ? -1 : 1;
    if (x->column != y->column) return x->column < y->column ? -1 : 1;
    return x < y ? -1 : 1;
}

static void sort_problems(config_problems *p) {
    /* The last of too many has no place and stays last. */
    size_t count = p->count > PROBLEMS_MAX ? PROBLEMS_MAX : p->count;
    if (count > 1) qsort(p->items, count, sizeof *p->items, by_place);
}

static void keep_warnings(reader *r) {
    config *c = r->config;
    c->warning_count = r->warnings->count;
    c->warnings = arena_zalloc(r->arena, (c->warning_count + 1) * sizeof *c->warnings);
    for (size_t i = 0; i < c->warning_count; i++) {
        config_problem *w = &c->warnings[i];
        *w = r->warnings->items[i];
        w->file = arena_dup(r->arena, w->file);
        w->text = arena_dup(r->arena, w->text);
        w->excerpt = arena_dup(r->arena, w->excerpt);
    }
}

static void list_paths(const config_own *own, arena *a, span **ret) {
    size_t i = 0;
    *ret = arena_alloc(a, (own->watch_count + 1) * sizeof(span));
    for (const config_path *p = own->watch; p; p = p->next)
        (*ret)[i++] = arena_dup(a, p->path);
}

/* They may be what is wrong with it: one that is not there yet. */
static void tell_paths(const config *c, config_problems *ret) {
    span *paths;
    list_paths(c->own, &ret->arena, &paths);
    ret->paths = paths;
    ret->path_count = c->own->watch_count;
}

static void finish(reader *r) {
    config *c = r->config;
    if (c->server.workers == 0) c->server.workers = available_cores();
    list_paths(c->own, r->arena, &c->own->watch_paths);
    sort_problems(r->warnings);
    keep_warnings(r);
}

/* A file without providers works as no file does: with OpenAI, where its key is at hand. Where it
 * is not, the simulator is there without a file alone. */
static void derive_providers(reader *r) {
    const char *key = r->sources->env(r->sources, "OPENAI_API_KEY");
    if (key && *key) {
        yaml_node nothing = {.kind = YAML_SCALAR, .plain = true};
        yaml_node openai = {.kind = YAML_SCALAR, .text = SPAN_OF("openai"), .value = &nothing};
        yaml_node map = {.kind = YAML_MAP, .first = &openai, .count = 1};
        const option *o = option_find(&scope_file, SPAN_OF("providers"));
        (void)o->type->read(r, o, SPAN_OF("providers"), &map, NULL);
    } else if (!r->file.len) {
        reader_warning(r, NULL,
                       "there is no configuration file and no OPENAI_API_KEY: weir serve will "
                       "serve its built-in simulator, and no real model");
    } else {
        reader_warning(r, NULL,
                       "no provider is configured, so every call will be refused; add "
                       "providers, or set OPENAI_API_KEY");
    }
}

COLD static void read_root(reader *r, yaml_node *root) {
    reader_defaults(r, &scope_file, r->config);
    if (root->kind != YAML_MAP) {
        (void)reader_scope(r, &scope_file, SPAN_EMPTY, root, r->config); /* says so */
        return;
    }
    put_first(root, SPAN_OF("providers"));
    const yaml_node *providers = yaml_get(root, SPAN_OF("providers"));
    if (!providers || yaml_is_null(providers)) derive_providers(r);
    (void)reader_scope(r, &scope_file, SPAN_EMPTY, root, r->config); /* counted in problems */
    rules_check(r, root);
    advice_give(r, root);
}

config *config_build(const config_input *in, config_problems *ret_problems) {
    config_problems warnings;
    arena scratch;
    problems_init(ret_problems);
    problems_init(&warnings);
    arena_init(&scratch, 8 << 10);
    config *c = config_new();
    reader r = {.config = c,
                .arena = &c->arena,
                .scratch = &scratch,
                .problems = ret_problems,
                .warnings = &warnings,
                .sources = in->sources,
                .file = in->file,
                .source = in->yaml,
                .folder = in->folder,
                .exposed = in->exposed};
    c->own->file = arena_dup(r.arena, in->file);
    c->own->began_us = clock_wall_us();
    yaml_node *root = yaml_parse(in->yaml, in->file, &scratch, ret_problems);
    overlay_settings(&r, in->settings, in->setting_count, root);
    if (root) {
        if (in->watched) {
            c->path = arena_dup(r.arena, in->file);
            reader_watch(&r, c->path);
        }
        c->own->says_nothing = !root->count;
        read_root(&r, root);
        finish(&r);
    }
    sort_problems(ret_problems);
    config_problems_done(&warnings);
    arena_wipe(&scratch); /* keys may have passed through it */
    arena_done(&scratch);
    if (ret_problems->count == 0) return c;
    tell_paths(c, ret_problems);
    config_unref(c);
    return NULL;
}
