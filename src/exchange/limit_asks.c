#include "exchange/limit_asks.h"

#include "base/clock.h"
#include "base/hash.h"
#include "call/price_part.h"
#include "exchange/holder.h"
#include "exchange/request_sizes.h"

#include <string.h>

enum { ROOM = 8 }; /* for most calls */

typedef struct collector {
    exchange *x;
    limit_ask *items; /* the first ones on the stack */
    size_t count, room;
    int64_t answer, tokens, nano; /* -1: nobody has wanted to know yet */
    span target;                  /* whose limits are asked; empty: not a target's */
    bool budgets;                 /* alone are wanted */
    bool own;                     /* what is added is the token's, or the key's */
    span who;                     /* of what is added: limit_ask.who; empty: its name */
} collector;

/* ---- how much ---- */

/* How many answers are made: of a legacy completion those are paid, too, of which the best ones are
 * chosen. */
static int64_t answers_of(const request_facts *f) {
    int64_t found[CONFIG_SIZES], answers;
    if (f->endpoint != EP_COMPLETIONS) return f->choices;
    request_sizes_count(f, 1u << SIZE_OF_N, found);
    if (__builtin_mul_overflow(found[SIZE_OF_N], (int64_t)f->prompts, &answers)) return INT64_MAX;
    return answers;
}

/* What the answer may have, each of its choices. */
static int64_t most_answered_of(const exchange *x) {
    const endpoint e = x->facts.endpoint;
    int64_t most = exchange_config(x)->limits.assumed_tokens;
    if (e == EP_EMBEDDINGS || e == EP_MODERATIONS) return 0;
    if (!exchange_dialect(x)->is_json) return most;
    const int64_t bound = request_bounds_of(&x->facts).answer_tokens;
    if (bound >= 0) most = bound;
    if (__builtin_mul_overflow(most, answers_of(&x->facts), &most)) return INT64_MAX / 4;
    return most < INT64_MAX / 4 ? most : INT64_MAX / 4;
}

static int64_t most_answered(collector *c) {
    if (c->answer < 0) c->answer = most_answered_of(c->x);
    return c->answer;
}

static int64_t tokens_of(collector *c) {
    if (c->tokens >= 0) return c->tokens;
    const bool is_json = exchange_dialect(c->x)->is_json;
    c->tokens = (is_json ? estimate_prompt(c->x) : 0) + most_answered(c);
    return c->tokens;
}

/* At that target: one without a model asks for the client's. */
static span name_at(const exchange *x, const config_target *t) {
    if (t->model.len) return t->name;
    return arena_join(&x->env->event_arena,
                      (span[]){t->provider->name, SPAN_OF("/"), x->facts.model_name}, 3);
}

static int64_t cost_at(collector *c, span target) {
    exchange *x = c->x;
    const prices *known = snapshot_prices(x->snapshot->snapshot);
    if (!known || !exchange_dialect(x)->is_json) return 0;
    token_usage u = token_usage_unknown;
    u.prompt = estimate_prompt(x);
    u.completion = most_answered(c);
    u.total = u.prompt + u.completion;
    u.service = x->facts.service;
    const int64_t nano = prices_cost(known, target, &u, clock_wall_us());
    return nano > 0 ? nano : 0;
}

/* At the dearest of those that may be asked. */
static int64_t nano_of(collector *c) {
    exchange *x = c->x;
    if (c->nano >= 0) return c->nano;
    c->nano = c->target.len ? cost_at(c, c->target) : 0;
    for (size_t i = 0; !c->target.len && i < x->model->target_count; i++) {
        const int64_t nano = cost_at(c, name_at(x, &x->model->targets[i]));
        if (nano > c->nano) c->nano = nano;
    }
    return c->nano;
}

/* ---- of whom ---- */

static void make_room(collector *c) {
    const size_t room = 2 * c->room;
    limit_ask *items = arena_alloc(&c->x->arena, room * sizeof *items);
    memcpy(items, c->items, c->count * sizeof *items);
    c->items = items;
    c->room = room;
}

/* As many as there are: they stay as long as the call. */
static limit_asks keep(const collector *c) {
    if (!c->count) return (limit_asks){0};
    limit_ask *items = arena_alloc(&c->x->arena, c->count * sizeof *items);
    memcpy(items, c->items, c->count * sizeof *items);
    return (limit_asks){items, c->count};
}

static void add(collector *c, limit_scope scope, span name, uint64_t subject, limit_kind kind,
                config_quota quota, int64_t amount) {
    if (c->count == c->room) make_room(c);
    const span who = c->who.len ? c->who : name;
    c->items[c->count++] = (limit_ask){.scope = scope,
                                       .kind = kind,
                                       .name = name,
                                       .subject = subject,
                                       .who = who,
                                       .quota = quota,
                                       .amount = amount,
                                       .since = c->own ? 0 : c->x->snapshot->snapshot->number};
}

/* A run and its steps are one request; what it uses its steps use. A tool that a client calls asks
 * no model, and so uses nothing. */
static void add_set(collector *c, limit_scope scope, span name, uint64_t subject,
                    const config_limit_set *s) {
    const bool step = (c->x->parent && !c->target.len) || c->budgets;
    const bool run = c->x->runs || c->x->tool_use;
    for (unsigned i = 0; i < s->requests.count && !step; i++)
        add(c, scope, name, subject, LIMIT_REQUESTS, s->requests.items[i], 1);
    for (unsigned i = 0; i < s->tokens.count && !run && !c->budgets; i++)
        add(c, scope, name, subject, LIMIT_TOKENS, s->tokens.items[i], tokens_of(c));
    for (unsigned i = 0; i < s->spend.count && !run; i++)
        add(c, scope, name, subject, LIMIT_SPEND, s->spend.items[i], nano_of(c));
    if (s->parallel && !step)
        add(c, scope, name, subject, LIMIT_PARALLEL, (config_quota){s->parallel, 0}, 1);
}

uint64_t limit_user_of(const exchange *x) {
    return x->record.user.len ? limit_user_subject(x->record.client, x->record.user) : 0;
}

static void add_user(collector *c, const config_limit_set *s) {
    const exchange *x = c->x;
    if (!x->record.user.len || !config_limits_anything(s)) return;
    const span client = x->record.client, user = x->record.user;
    c->who =
        arena_printf(&c->x->arena, "%zu:%.*s:%.*s", client.len, SPAN_ARG(client), SPAN_ARG(user));
    add_set(c, LIMIT_OF_USER, SPAN_EMPTY, limit_user_of(x), s);
}

/* As several weirs name it to each other. In the arena, or the peer itself. */
static span address_who(arena *to, span peer) {
    ip_address a;
    char text[2 * sizeof a.bytes + 1];
    const span part = holder_part(peer, &a);
    if (part.ptr == peer.ptr) return peer;
    hex_encode((const unsigned char *)part.ptr, part.len, text);
    return arena_dup(to, span_from(text, 2 * part.len));
}

uint64_t limit_address_of(exchange *x) {
    const span peer = x->record.peer;
    return peer.len ? hash_span(address_who(&x->arena, peer)) : 0;
}

static void add_address(collector *c, const config_limit_set *s) {
    span peer = c->x->record.peer;
    if (!peer.len || !config_limits_anything(s)) return;
    c->who = address_who(&c->x->arena, peer);
    add_set(c, LIMIT_OF_ADDRESS, SPAN_EMPTY, hash_span(c->who), s);
}

static void add_model(collector *c, const config_limit_rules *rules) {
    if (c->x->tool_use) return;
    const config_limit_rule *r = config_find_limit(rules, c->x->facts.model_name);
    c->who = SPAN_EMPTY;
    if (r) add_set(c, LIMIT_OF_MODEL, r->pattern, hash_span(r->pattern), &r->limits);
}

static void add_tags(collector *c, const config_limit_rules *rules) {
    span rest = c->x->record.tags, tag;
    while (rules->count && span_cut(&rest, ',', &tag) && tag.len) {
        const config_limit_rule *r = config_find_limit(rules, tag);
        c->who = tag;
        if (r) add_set(c, LIMIT_OF_TAG, r->pattern, hash_span(tag), &r->limits);
    }
}

static limit_asks collect(collector *c) {
    exchange *x = c->x;
    const config_limits *l = &exchange_config(x)->limits;
    const config_client *client = x->client;
    const bool own = client && config_limits_anything(&client->limits);
    if (!own && !l->quotas) return (limit_asks){0};
    c->own = own && client->brought;
    if (own) add_set(c, LIMIT_OF_CLIENT, client->name, client->holder, &client->limits);
    c->own = false;
    add_user(c, &l->user);
    add_address(c, &l->address);
    add_model(c, &l->model);
    add_tags(c, &l->tag);
    return keep(c);
}

limit_asks limit_asks_of(exchange *x) {
    limit_ask first[ROOM];
    collector c = {.x = x, .items = first, .room = ROOM, .answer = -1, .tokens = -1, .nano = -1};
    return collect(&c);
}

bool limit_lets_through(exchange *x) {
    const limit_asks asks = limit_asks_of(x);
    if (!x->env->limiter || !asks.count) return true;
    const limit_now now = {loop_exact_us(x->env->loop), clock_wall_us()};
    const limit_verdict v = limiter_take(x->env->limiter, asks.items, asks.count, now);
    if (v.taken) limiter_settle(x->env->limiter, asks.items, asks.count, &(limit_used){0}, now);
    return v.taken;
}

limit_asks limit_budgets_of(exchange *x) {
    limit_ask first[ROOM];
    collector c = {.x = x, .items = first, .room = ROOM, .answer = -1, .budgets = true};
    return collect(&c);
}

limit_asks limit_asks_of_target(exchange *x, span target) {
    const config_limit_rule *r = config_find_limit(&exchange_config(x)->limits.target, target);
    if (!r) return (limit_asks){0};
    limit_ask first[ROOM];
    collector c = {.x = x,
                   .items = first,
                   .room = ROOM,
                   .answer = -1,
                   .tokens = -1,
                   .nano = -1,
                   .target = target};
    add_set(&c, LIMIT_OF_TARGET, r->pattern, hash_span(r->pattern), &r->limits);
    return keep(&c);
}

bool limit_goes_on(const exchange *x) {
    return x->facts.background && x->record.usage.estimated;
}

span limit_option(const limit_ask *a, arena *to) {
    const char *kind = limit_kind_word(a->kind);
    if (a->scope == LIMIT_OF_CLIENT) return arena_printf(to, "clients[].limits.%s", kind);
    if (a->scope == LIMIT_OF_USER || a->scope == LIMIT_OF_ADDRESS)
        return arena_printf(to, "limits.%s.%s", limit_scope_word(a->scope), kind);
    return arena_printf(to, "limits.%s.%.*s.%s", limit_scope_word(a->scope), SPAN_ARG(a->name),
                        kind);
}
