/* look up: has it been answered before, or is it being asked? A stored answer costs nobody
 * anything, so it comes before what limits a call. */
#include "exchange/cache_use.h"

#include "base/hash.h"
#include "cache/memo.h"
#include "dialect/turn.h"

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

/* A message that is no more than its text has no list; a chat completion's messages are one. */
static bool has_texts_alone(const exchange *x) {
    const span body = x->facts.root.raw;
    const size_t first = span_find(body, 0, '[');
    return x->facts.endpoint == EP_CHAT_COMPLETIONS && first < body.len &&
           span_find(body, first + 1, '[') == body.len;
}

/* What is no text, and what a model makes of it, is large. */
static bool has_images(exchange *x) {
    if (has_texts_alone(x)) return false;
    const request_outline *o = request_outline_of(&x->facts, &x->arena);
    return !o || outline_count(o, OUTLINE_IMAGE) || outline_count(o, OUTLINE_FILE) ||
           outline_count(o, OUTLINE_AUDIO);
}

static cache_traits traits_of(exchange *x) {
    enum {
        TOOLS,
        FUNCTIONS,
        SEARCH,
        N,
        BEST_OF,
        TEMPERATURE,
        STORE,
        BACKGROUND,
        TALK,
        MODES,
        NAMES
    };
    static const span names[NAMES] = {SPAN("tools"), SPAN("functions"),  SPAN("web_search_options"),
                                      SPAN("n"),     SPAN("best_of"),    SPAN("temperature"),
                                      SPAN("store"), SPAN("background"), SPAN("conversation"),
                                      SPAN("audio")};
    json_value of[NAMES];
    json_get_each(x->facts.root, names, NAMES, of);
    return (cache_traits){
        .temperature = temperature_of(of[TEMPERATURE]),
        .has_tools = is_filled(of[TOOLS]) || is_filled(of[FUNCTIONS]) || is_filled(of[SEARCH]),
        .several = is_above_one(of[N]) || is_above_one(of[BEST_OF]),
        .keeps_state = of[STORE].type == JSON_TRUE || is_filled(of[TALK]) ||
                       (of[BACKGROUND].type == JSON_TRUE),
        .has_images = is_filled(of[MODES]) || (!options_of(x)->images && has_images(x)),
    };
}

/* An endpoint whose answers weir can read, asked for a model that the configuration names. Not a
 * run: its tools may answer otherwise the next time. */
static bool is_cached(const exchange *x) {
    return !x->runs && x->facts.endpoint != EP_OTHER && x->facts.root.type == JSON_OBJECT &&
           cache_has_model(options_of(x), x->facts.model_name);
}

/* ---- the key ---- */

enum { FORWARDED = 2, MORE = FORWARDED + 2 };

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

/* What a key is made of. */
typedef struct question {
    cache_question q;
    span more[MORE];
    int64_t cap; /* of tokens: another answer may be cut off elsewhere */
    char rules[sizeof(double) + 3];
} question;

/* By which traits_of() is judged. */
static span write_rules(const config_cache *c, char *to) {
    char *at = to + sizeof c->max_temperature;
    memcpy(to, &c->max_temperature, sizeof c->max_temperature);
    *at++ = (char)c->tools;
    *at++ = (char)c->choices;
    *at++ = (char)c->images;
    return span_from(to, (size_t)(at - to));
}

static void pose(const exchange *x, question *ret) {
    static const span forwarded[FORWARDED] = {SPAN("openai-beta"), SPAN("anthropic-beta")};
    span *targets = arena_alloc(&x->env->event_arena, x->model->target_count * sizeof(span));
    ret->cap = x->facts.cap_tokens;
    for (size_t i = 0; i < FORWARDED; i++)
        ret->more[i] = http_header_get(x->facts.headers, forwarded[i]);
    ret->more[FORWARDED] = span_from((const char *)&x->shaped, sizeof x->shaped);
    ret->more[FORWARDED + 1] = span_from((const char *)&ret->cap, sizeof ret->cap);
    for (size_t i = 0; i < x->model->target_count; i++)
        targets[i] = x->model->targets[i].name;
    ret->q = (cache_question){.scope = scope_of(x),
                              .endpoint = span_cstr(endpoint_get(x->facts.endpoint)->name),
                              .query = x->facts.query,
                              .model = x->facts.path_named ? x->facts.model_name : SPAN_EMPTY,
                              .entry = x->model->name,
                              .targets = targets,
                              .target_count = x->model->target_count,
                              .more = ret->more,
                              .more_count = FORWARDED + (ret->cap ? 2 : x->shaped != 0),
                              .rules = write_rules(options_of(x), ret->rules),
                              .body = x->facts.root};
}

cache_key cache_use_bucket(cache_use *u, json_value text, span apart) {
    question q;
    exchange_enter(u->x->env);
    pose(u->x, &q);
    span more[MORE + 1];
    memcpy(more, q.more, q.q.more_count * sizeof *more);
    more[q.q.more_count] = apart;
    q.q.more = more;
    q.q.more_count++;
    q.q.hole = text.raw.ptr;
    const cache_key key = cache_key_of(&q.q, &u->x->env->scratch);
    exchange_leave(u->x->env);
    return key;
}

static bool find_noted(cache_use *u, const question *q) {
    const key_memo *memo = u->x->env->memo;
    return memo && key_memo_find(memo, &q->q, &u->key);
}

static void note_key(const cache_use *u, const question *q) {
    exchange_env *env = u->x->env;
    if (!env->memo) env->memo = key_memo_new();
    key_memo_add(env->memo, &q->q, &u->key);
}

/* In a store that others have, too, whose targets of the same names may be elsewhere. What guards
 * and bounds have made of an answer is by this weir's rules alone: it stays in memory. */
static void find_far_key(cache_use *u) {
    const exchange *x = u->x;
    u->is_far = x->env->far && !x->shaped;
    if (!u->is_far) return;
    sha256_stream *s = sha256_stream_new();
    sha256_stream_add(s, span_from((const char *)u->key.bytes, sizeof u->key.bytes));
    for (size_t i = 0; i < x->model->target_count; i++) {
        const config_url *url = &x->model->targets[i].provider->url;
        sha256_stream_add(s, url->text);
        sha256_stream_add(s, SPAN_OF("\n"));
    }
    sha256_stream_end(s, u->far_key.bytes);
}

static bool wants_stream(const exchange *x) {
    return x->facts.stream && endpoint_get(x->facts.endpoint)->streams;
}

/* ---- what became of it ---- */

static void decide(cache_use *u, cache_verdict v) {
    u->verdict = v;
    u->x->record.cache = cache_verdict_word(v);
    u->x->given = v == CACHE_HIT || v == CACHE_COALESCED;
}

static stage_result refuse_uncached(exchange *x) {
    return exchange_refuse(x, ERR_NOT_CACHED, NULL, NULL);
}

/* The form that was asked for, or one of which it can be made. */
cache_want cache_use_want(const cache_use *u) {
    const exchange *x = u->x;
    return (cache_want){.key = u->key,
                        .stream = wants_stream(x),
                        .either = exchange_dialect(x)->turn != NULL,
                        .usage = x->facts.usage_asked,
                        .max_age_ms = u->max_age_ms};
}

static bool find(cache_use *u) {
    exchange *x = u->x;
    const int64_t now_ms = x->env->loop->now_ms;
    const cache_want want = cache_use_want(u);
    u->found =
        cache_store_find(x->env->cache->store, &want, now_ms, &x->arena, &u->stored, &u->seen);
    if (u->found && !recording_read(u->stored.said, &u->at)) {
        recording_unref(u->stored.said);
        u->found = false;
    }
    if (!u->found) return false;
    decide(u, CACHE_HIT);
    x->record.similarity = u->stored.similarity;
    x->age_s = (now_ms - u->stored.stored_ms) / 1000;
    return true;
}

/* ---- flights ---- */

void cache_use_leave(cache_use *u) {
    if (!u->sits) return;
    u->sits = false;
    flight_leave(&u->seat);
}

static void on_wait_cancelled(stage_wait *w) {
    cache_use *u = CONTAINER_OF(w, cache_use, wait);
    u->waits = false;
    far_look_cancel(&u->look);
    similar_look_cancel(u);
    if (u->sits && u->seat.leads) flight_fail(u->seat.of, &u->x->failure);
    cache_use_leave(u);
}

static void on_news(flight_seat *seat);
static bool look_far(cache_use *u);
static similar_looked_fn on_compared;

/* What follows a look into memory, or a failure of another's call. */
typedef enum boarded {
    BOARD_GO_ON, /* it leads, and goes on as a call; or there is an answer by now */
    BOARD_LOOK,  /* it leads, and looks into the store of several weirs, or for something like it */
    BOARD_FOLLOW, /* it waits for another's call */
} boarded;

/* It leads, and has found the answer without a call: whoever follows will find it, too. */
static void land_found(cache_use *u) {
    flight_fail(u->seat.of, &u->x->failure);
    cache_use_leave(u);
}

static boarded board(cache_use *u) {
    exchange *x = u->x;
    flights *t = x->env->cache->flights;
    const bool stream = wants_stream(x);
    u->seat.news = on_news;
    flights_join(t, &u->key, stream, cache_store_purges(x->env->cache->store), x->env->desk,
                 &u->seat);
    u->sits = true;
    if (!u->seat.leads) {
        decide(u, CACHE_COALESCED);
        return BOARD_FOLLOW;
    }
    /* One who had the same may have landed since it was looked up. */
    if (cache_store_seen(x->env->cache->store, &u->key) != u->seen && find(u)) {
        land_found(u);
        return BOARD_GO_ON;
    }
    if (look_far(u) || similar_look_begin(u, on_compared)) return BOARD_LOOK;
    decide(u, CACHE_MISS);
    record_answer(u, NULL);
    return BOARD_GO_ON;
}

/* What the failure of another's call means for one who heard nothing of it yet: it is of this
 * call too if a provider, asked a second time, has failed. What the other alone had to do with (his
 * client, his limits) is not. */
static bool is_shared(const cache_use *u, const failure *why) {
    return u->failures > 1 && why->error != ERR_CLIENT_GONE && why->error != ERR_NONE &&
           (why->class != FAIL_NONE || why->error == ERR_TOTAL_TIMEOUT);
}

static void take_failure(exchange *x, const failure *why) {
    arena *a = &x->arena;
    x->failure = *why;
    x->failure.text = arena_dup(a, why->text);
    x->failure.param = arena_dup(a, why->param);
    x->failure.code = arena_dup(a, why->code);
    x->failure.body = arena_dup(a, why->body);
    x->failure.request_id = arena_dup(a, why->request_id);
    x->failure.headers = exchange_headers_dup(a, why->headers);
}

/* The flight that was waited for has failed. */
static void board_again(cache_use *u) {
    exchange *x = u->x;
    const failure *why = flight_failure(u->seat.of);
    u->failures++;
    stage_result result = STAGE_NEXT;
    if (is_shared(u, why)) {
        take_failure(x, why);
        result = STAGE_ANSWER;
        cache_use_leave(u);
    } else {
        cache_use_leave(u);
        if (board(u) != BOARD_GO_ON) return;
    }
    u->waits = false;
    exchange_resume(&u->wait, result);
}

/* ---- the store of several weirs ---- */

/* It leads, or would not make the call. got: there is an answer now. */
static void go_on(cache_use *u, bool got) {
    exchange *x = u->x;
    stage_result result = STAGE_NEXT;
    if (got && u->sits) land_found(u);
    if (!got) {
        decide(u, CACHE_MISS);
        if (u->only_cached)
            result = refuse_uncached(x);
        else
            record_answer(u, NULL);
    }
    u->waits = false;
    exchange_resume(&u->wait, result);
}

static void on_compared(cache_use *u, bool found) {
    go_on(u, found && find(u));
}

static void on_looked(far_look *l, bool found) {
    cache_use *u = CONTAINER_OF(l, cache_use, look);
    const bool got = found && find(u);
    if (got || u->only_cached || !similar_look_begin(u, on_compared)) go_on(u, got);
}

/* false: it is of no use. */
static bool look_far(cache_use *u) {
    const cache_want want = cache_use_want(u);
    return u->is_far && far_look_up(u->x->env->far, &u->look, &want, &u->far_key, on_looked);
}

/* Of a stream the first event; a document when it is whole. */
static bool has_said(const cache_use *u) {
    const flight *f = u->seat.of;
    if (flight_get_state(f) == FLIGHT_FAILED) return false;
    return wants_stream(u->x) ? recording_events(flight_recording(u->seat.of)) > 0
                              : flight_get_state(f) == FLIGHT_LANDED;
}

static void on_news(flight_seat *seat) {
    cache_use *u = CONTAINER_OF(seat, cache_use, seat);
    flight *f = seat->of;
    if (seat->leads) {
        if (u->recorder) recorder_news(u->recorder);
    } else if (!u->waits) {
        replay_go_on(u->replay);
    } else if (has_said(u) && recording_read(flight_recording(f), &u->at)) {
        u->waits = false;
        exchange_resume(&u->wait, STAGE_NEXT);
    } else if (has_said(u) || flight_get_state(f) == FLIGHT_FAILED) {
        board_again(u); /* also where it has gone too far to be heard from its beginning */
    }
}

/* Somebody who waits for another's answer is told that he is not forgotten. */
static void begin_silence(exchange *x) {
    filter *form = x->filters;
    while (form->next)
        form = form->next;
    form->ops->begin(form);
}

static stage_result wait_for(cache_use *u, boarded what) {
    u->waits = true;
    exchange_wait(u->x, &u->wait, on_wait_cancelled);
    if (what == BOARD_FOLLOW) begin_silence(u->x);
    return STAGE_WAIT;
}

/* ---- the row ---- */

/* What is known of a question. */
typedef enum known {
    KNOWN_UNFIT, /* it is none for the cache */
    KNOWN_KEY,
    KNOWN_ANSWER, /* that is in memory, and will do */
} known;

static bool may_keep(exchange *x) {
    const cache_traits traits = traits_of(x);
    return cache_may_keep(options_of(x), &traits);
}

static known look_near(cache_use *u, bool will_do) {
    exchange *x = u->x;
    question q;
    pose(x, &q);
    const bool noted = find_noted(u, &q);
    if (!noted && !may_keep(x)) return KNOWN_UNFIT;
    if (!noted) u->key = cache_key_of(&q.q, &x->env->scratch);
    if (!will_do || !find(u)) return KNOWN_KEY;
    if (!noted) note_key(u, &q);
    return KNOWN_ANSWER;
}

static stage_result pass_by(cache_use *u, const cache_wish *wish) {
    decide(u, CACHE_BYPASS);
    return wish->only_if_cached ? refuse_uncached(u->x) : STAGE_NEXT;
}

static stage_result look_up(cache_use *u, const cache_wish *wish) {
    exchange *x = u->x;
    if (wish->no_store) return pass_by(u, wish);
    u->max_age_ms = wish->max_age_ms;
    u->ttl_ms = wish->ttl_ms >= 0 ? wish->ttl_ms : options_of(x)->ttl_ms;
    exchange_enter(x->env);
    const known is = look_near(u, !wish->no_cache);
    exchange_leave(x->env);
    if (is == KNOWN_UNFIT) return pass_by(u, wish);
    if (is == KNOWN_ANSWER) return STAGE_NEXT;
    find_far_key(u);
    u->only_cached = wish->only_if_cached;
    if (u->only_cached && !wish->no_cache && look_far(u)) return wait_for(u, BOARD_LOOK);
    decide(u, CACHE_MISS);
    if (u->only_cached) return refuse_uncached(x);
    if (wish->no_cache) {
        record_answer(u, recording_new(cache_store_room(x->env->cache->store)));
        return STAGE_NEXT;
    }
    const boarded what = board(u);
    return what == BOARD_GO_ON ? STAGE_NEXT : wait_for(u, what);
}

stage_result stage_look_up(exchange *x) {
    if (!options_of(x)->on) return STAGE_NEXT;
    cache_wish wish;
    span header;
    if (!cache_wish_read(x->facts.headers, &wish, &header))
        return exchange_refuse(x, ERR_BAD_VALUE, NULL,
                               "The header %.*s has a value that is no number of whole seconds.",
                               SPAN_ARG(header));
    if (!is_cached(x)) return wish.only_if_cached ? refuse_uncached(x) : STAGE_NEXT;
    cache_use *u = arena_zalloc(&x->arena, sizeof *u);
    u->x = x;
    x->cache = u;
    x->age_s = -1;
    return look_up(u, &wish);
}

void stage_look_up_done(exchange *x) {
    cache_use *u = x->cache;
    if (!u) return;
    if (u->recorder) recorder_over(u->recorder);
    if (u->replay) replay_over(u->replay);
    far_look_cancel(&u->look);
    similar_look_over(u);
    cache_use_leave(u);
    recording_reader_done(&u->at);
    if (u->found) recording_unref(u->stored.said);
}
