/* A question as the cache sees it: whether it may be there, and its keys. */
#include "exchange/cache_use.h"

#include "base/mem.h"
#include "cache/memo.h"
#include "exchange/holder.h"
#include "loop/aside.h"

#include <stdlib.h>

/* ---- may it be in the cache? ---- */

static const config_cache *options_of(const exchange *x) {
    return &exchange_config(x)->cache;
}

static bool is_filled(json_value v) {
    return v.type > JSON_NULL && !(v.type == JSON_ARRAY && json_is_empty(v));
}

static bool is_above_one(json_value v) {
    double n;
    return v.type == JSON_NUMBER && (!json_double(v, &n) || n > 1);
}

static double temperature_of(json_value v) {
    double t;
    return v.type == JSON_NUMBER && json_double(v, &t) ? t : 1;
}

/* Members of a request that tell whether its answer may be kept. */
enum {
    TOOLS,
    FUNCTIONS,
    SEARCH,
    N,
    BEST_OF,
    TEMPERATURE,
    BACKGROUND,
    TALK,
    PREVIOUS,
    MODES,
    TRAITS
};
static const span trait_names[TRAITS] = {
    SPAN("tools"),      SPAN("functions"),    SPAN("web_search_options"),
    SPAN("n"),          SPAN("best_of"),      SPAN("temperature"),
    SPAN("background"), SPAN("conversation"), SPAN("previous_response_id"),
    SPAN("audio")};

/* A message that is no more than its text has no list; a chat completion's messages are one. */
static bool may_have_images(endpoint e, size_t arrays) {
    return e != EP_CHAT_COMPLETIONS || arrays > 1;
}

/* What is no text, and what a model makes of it, is large. */
static bool has_images(const request_outline *o) {
    return !o || outline_count(o, OUTLINE_IMAGE) || outline_count(o, OUTLINE_FILE) ||
           outline_count(o, OUTLINE_AUDIO);
}

static cache_traits traits_of(const exchange *x, const json_sought *sought, bool images) {
    const json_value *of = sought->values;
    return (cache_traits){
        .temperature = temperature_of(of[TEMPERATURE]),
        .has_tools = is_filled(of[TOOLS]) || is_filled(of[FUNCTIONS]) || is_filled(of[SEARCH]),
        .several = is_above_one(of[N]) || is_above_one(of[BEST_OF]),
        /* What its provider keeps has an id, by which he who was answered may go on, or delete it.
         */
        .keeps_state = x->facts.stored || is_filled(of[TALK]) || is_filled(of[PREVIOUS]) ||
                       of[BACKGROUND].type == JSON_TRUE,
        .has_images = is_filled(of[MODES]) || images,
    };
}

/* ---- the key ---- */

enum { FORWARDED = 2 };

/* Whose answers he is given. A group's name begins as no client's does. */
static span scope_of(const exchange *x) {
    const config_cache *c = options_of(x);
    const config_client *client = x->client;
    if (!client || c->scope == CACHE_SCOPE_GLOBAL) return SPAN_EMPTY;
    for (size_t i = 0; c->scope == CACHE_SCOPE_GROUP && i < client->tag_count; i++)
        if (span_eq(client->tags[i].name, c->group))
            return arena_printf(&x->env->event_arena, "\n%.*s", SPAN_ARG(client->tags[i].value));
    return client->name;
}

/* By which traits_of() is judged. */
static span write_rules(const config_cache *c, char *to) {
    char *at = to + sizeof c->max_temperature;
    memcpy(to, &c->max_temperature, sizeof c->max_temperature);
    *at++ = (char)c->tools;
    *at++ = (char)c->choices;
    *at++ = (char)c->images;
    return span_from(to, (size_t)(at - to));
}

/* ---- headers ---- */

static bool is_named(const config_cache *c, span name) {
    for (size_t i = 0; i < c->header_count; i++) {
        const span by = c->headers[i];
        const bool star = span_ends(by, SPAN_OF("*"));
        if (star ? span_istarts(name, span_slice(by, 0, by.len - 1)) : span_ieq(name, by))
            return true;
    }
    return false;
}

/* It may make another answer, and has no place of its own in the key. */
static bool adds(const exchange *x, const http_header *h, const http_hops *named,
                 const posed_question *q) {
    for (size_t i = 0; i < FORWARDED; i++)
        if (h->value.ptr && h->value.ptr == q->more[i].ptr) return false;
    if (http_header_is_hop(h->name, named)) return false; /* it ends here: no answer is its */
    return provider_header_steers(h->name, named) || is_named(options_of(x), h->name);
}

static span lower(arena *a, span name) {
    char *to = arena_alloc(a, name.len);
    for (size_t i = 0; i < name.len; i++)
        to[i] = (char)(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] | 0x20 : name.ptr[i]);
    return span_from(to, name.len);
}

/* Most requests have none. They stand behind all else that there may be, so that no key is another
 * question's. */
static void add_headers(const exchange *x, const http_hops *named, posed_question *ret) {
    const http_headers in = x->facts.headers;
    size_t count = 0;
    for (size_t i = 0; i < in.count; i++)
        count += adds(x, &in.items[i], named, ret);
    if (!count) return;
    arena *a = &x->env->event_arena;
    span *more = arena_alloc(a, (POSED_MORE + 2 * count) * sizeof *more);
    memcpy(more, ret->more, sizeof ret->more);
    size_t n = POSED_MORE;
    for (size_t i = 0; i < in.count; i++) {
        if (!adds(x, &in.items[i], named, ret)) continue;
        more[n++] = lower(a, in.items[i].name);
        more[n++] = in.items[i].value;
    }
    ret->q.more = more;
    ret->q.more_count = n;
}

void cache_pose(const exchange *x, posed_question *ret) {
    static const span forwarded[FORWARDED] = {SPAN("openai-beta"), SPAN("anthropic-beta")};
    const size_t count = x->model->target_count;
    span *targets = arena_alloc(&x->env->event_arena, 2 * count * sizeof(span));
    http_hops named; /* these do not cross: nobody's answer depends on them */
    http_hops_of(x->facts.headers, &named);
    ret->cap = x->facts.cap_tokens;
    for (size_t i = 0; i < FORWARDED; i++)
        ret->more[i] = provider_header_out(forwarded[i], &named)
                           ? http_header_get(x->facts.headers, forwarded[i])
                           : SPAN_EMPTY;
    ret->more[FORWARDED] = span_from((const char *)&x->shaped, sizeof x->shaped);
    ret->more[FORWARDED + 1] = span_from((const char *)&ret->cap, sizeof ret->cap);
    for (size_t i = 0; i < count; i++) {
        targets[2 * i] = x->model->targets[i].name;
        targets[2 * i + 1] = x->model->targets[i].provider->url.text;
    }
    ret->q = (cache_question){.scope = scope_of(x),
                              .endpoint = span_cstr(endpoint_get(x->facts.endpoint)->name),
                              .query = x->facts.query,
                              .model = x->facts.path_named ? x->facts.model_name : SPAN_EMPTY,
                              .entry = x->model->name,
                              .targets = targets,
                              .target_count = 2 * count,
                              .more = ret->more,
                              .more_count = FORWARDED + (ret->cap ? 2 : x->shaped != 0),
                              .rules = write_rules(options_of(x), ret->rules),
                              .body = x->facts.root};
    add_headers(x, &named, ret);
}

cache_key cache_use_bucket(cache_use *u, json_value text, span apart) {
    posed_question q;
    exchange_enter(u->x->env);
    cache_pose(u->x, &q);
    span *more = arena_alloc(&u->x->env->event_arena, (q.q.more_count + 1) * sizeof *more);
    memcpy(more, q.q.more, q.q.more_count * sizeof *more);
    more[q.q.more_count] = apart;
    q.q.more = more;
    q.q.more_count++;
    q.q.hole = text.raw.ptr;
    const cache_key key = cache_key_of(&q.q, &u->x->env->scratch);
    exchange_leave(u->x->env);
    return key;
}

static bool may_keep(const exchange *x, const json_sought *sought, bool images) {
    const cache_traits traits = traits_of(x, sought, images);
    return cache_may_keep(options_of(x), &traits);
}

static bool looks_for_images(const exchange *x) {
    return !options_of(x)->images;
}

bool cache_find_key(cache_use *u, const posed_question *q, bool *ret_noted) {
    exchange_env *env = u->x->env;
    *ret_noted = env->memo && key_memo_find(env->memo, &q->q, &u->key);
    if (*ret_noted) return true;
    json_value traits[TRAITS];
    json_sought sought = {.names = trait_names, .count = TRAITS, .values = traits};
    cache_key_spell(&q->q, &sought, &env->scratch);
    const bool images = looks_for_images(u->x) &&
                        may_have_images(u->x->facts.endpoint, sought.arrays) &&
                        has_images(exchange_outline(u->x));
    if (!may_keep(u->x, &sought, images)) return false;
    u->key = cache_key_of_text(buf_span(&env->scratch));
    return true;
}

static memo_reading reading_of(const exchange *x) {
    return (memo_reading){parse_limits(x), exchange_holder(x)};
}

static bool known_members(const exchange *x, span body, json_member *ret_members,
                          size_t *ret_count) {
    const memo_reading how = reading_of(x);
    return key_memo_members(x->env->memo, body, &how, ret_members, ret_count);
}

void cache_note_key(const cache_use *u, const posed_question *q) {
    exchange_env *env = u->x->env;
    if (!env->memo) env->memo = key_memo_new();
    env->known_members = known_members;
    const memo_reading how = reading_of(u->x);
    key_memo_add(env->memo, &q->q, &u->key, &how);
}

/* ---- of a large question, on another thread ---- */

struct cache_spelling {
    aside aside;
    cache_use *use;
    cache_spelt_fn *done;
    large_request *large; /* counted: the body is its */
    arena arena;          /* of all else that the question has */
    cache_question q;
    endpoint endpoint;
    bool looks_for_images;
    /* What came of it. */
    json_value traits[TRAITS];
    json_sought sought;
    bool images;
    cache_key key;
};

static void spell(aside *a) {
    cache_spelling *s = CONTAINER_OF(a, cache_spelling, aside);
    buf text = BUF_EMPTY;
    outline_slot slot = {0};
    cache_key_spell(&s->q, &s->sought, &text);
    s->key = cache_key_of_text(buf_span(&text));
    buf_done(&text);
    if (s->looks_for_images && may_have_images(s->endpoint, s->sought.arrays))
        s->images = has_images(
            outline_ask(&slot, endpoint_get(s->endpoint)->dialect, s->q.body, &s->arena));
}

static void free_spelling(aside *a) {
    cache_spelling *s = CONTAINER_OF(a, cache_spelling, aside);
    large_request_free(s->large);
    arena_done(&s->arena);
    free(s);
}

static void on_spelt(aside *a) {
    cache_spelling *s = CONTAINER_OF(a, cache_spelling, aside);
    cache_use *u = s->use;
    cache_spelt_fn *done = s->done;
    const bool fits = may_keep(u->x, &s->sought, s->images);
    u->key = s->key;
    u->spelling = NULL;
    free_spelling(a);
    done(u, fits);
}

static span *dup_each(arena *a, const span *from, size_t count) {
    span *own = arena_alloc(a, (count + 1) * sizeof *own);
    for (size_t i = 0; i < count; i++)
        own[i] = arena_dup(a, from[i]);
    return own;
}

/* But for the body. */
static cache_question dup_question(const cache_question *q, arena *a) {
    return (cache_question){.scope = arena_dup(a, q->scope),
                            .endpoint = q->endpoint,
                            .query = arena_dup(a, q->query),
                            .model = arena_dup(a, q->model),
                            .entry = arena_dup(a, q->entry),
                            .targets = dup_each(a, q->targets, q->target_count),
                            .target_count = q->target_count,
                            .more = dup_each(a, q->more, q->more_count),
                            .more_count = q->more_count,
                            .body = q->body};
}

void cache_spell_aside(cache_use *u, cache_spelt_fn *done) {
    exchange *x = u->x;
    posed_question q;
    cache_spelling *s = mem_zalloc(sizeof *s);
    s->aside = (aside){.run = spell, .done = on_spelt, .free = free_spelling};
    s->use = u;
    s->done = done;
    s->large = large_request_ref(x->large);
    s->endpoint = x->facts.endpoint;
    s->looks_for_images = looks_for_images(x);
    s->sought = (json_sought){.names = trait_names, .count = TRAITS, .values = s->traits};
    arena_init(&s->arena, 0);
    exchange_enter(x->env);
    cache_pose(x, &q);
    s->q = dup_question(&q.q, &s->arena);
    exchange_leave(x->env);
    u->spelling = s;
    loop_aside(x->env->loop, &s->aside);
}

void cache_spell_cancel(cache_use *u) {
    if (u->spelling) aside_drop(&u->spelling->aside);
    u->spelling = NULL;
}
