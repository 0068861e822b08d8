/* look up: has it been answered before, or is it being asked? A stored answer costs nobody
 * anything, so it comes before what limits a call. */
#include "exchange/cache_use.h"
#include "exchange/holder.h"
#include "exchange/limit_asks.h"

#include "dialect/turn.h"

/* ---- is it asked at all? ---- */

static const config_cache *options_of(const exchange *x) {
    return &exchange_config(x)->cache;
}

/* An endpoint whose answers weir can read, asked for a model that the configuration names. Not a
 * run: its tools may answer otherwise the next time. */
static bool is_cached(const exchange *x) {
    return !x->runs && x->facts.endpoint != EP_OTHER && x->facts.root.type == JSON_OBJECT &&
           cache_has_model(options_of(x), x->facts.model_name);
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
    cached_answer a;
    if (!cache_store_find(x->env->cache->store, &want, now_ms, &x->arena, &a, &u->seen))
        return false;
    if (!recording_read(a.said, &u->at)) {
        recording_unref(a.said);
        return false;
    }
    u->stored = arena_alloc(&x->arena, sizeof a);
    *u->stored = a;
    decide(u, CACHE_HIT);
    x->record.similarity = a.similarity;
    x->age_s = (now_ms - a.stored_ms) / 1000;
    return true;
}

/* A look into the store of several weirs. */
typedef struct look_out {
    far_look look;
    cache_use *use;
} look_out;

static void stop_looking(cache_use *u) {
    if (u->far) far_look_cancel(&u->far->look);
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
    cache_spell_cancel(u);
    stop_looking(u);
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

/* weir itself asks for the usage chunk, whoever leads, unless a provider is not to be asked. */
static flight_form form_of(const exchange *x) {
    if (!wants_stream(x)) return FLIGHT_DOCUMENT;
    for (size_t i = 0; x->facts.usage_asked && i < x->model->target_count; i++)
        if (x->model->targets[i].provider->stream_usage == STREAM_USAGE_NEVER)
            return FLIGHT_STREAM_USAGE;
    return FLIGHT_STREAM;
}

static boarded board(cache_use *u) {
    exchange *x = u->x;
    flights *t = x->env->cache->flights;
    const flight_ticket ticket = {.key = &u->key,
                                  .form = form_of(x),
                                  .purges = cache_store_purges(x->env->cache->store),
                                  .holders = u->holders};
    u->seat.news = on_news;
    flights_join(t, &ticket, x->env->desk, &u->seat);
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
    record_answer(u, false);
    return BOARD_GO_ON;
}

/* What the failure of another's call means for one who heard nothing of it yet: it is of this
 * call too if a provider, asked a second time, has failed. What the other alone had to do with (his
 * client, his limits) is not. */
static bool is_shared(const cache_use *u, const failure *why) {
    return u->failures > 1 && !error_is_parting(why->error) && why->error != ERR_NONE &&
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

/* The client who makes the call that is waited for waits for what he may have himself. */
static void go_own_way(cache_use *u) {
    cache_use_leave(u);
    if (board(u) != BOARD_GO_ON) return;
    u->waits = false;
    exchange_resume(&u->wait, STAGE_NEXT);
}

void cache_use_hold(cache_use *u, uint64_t holder) {
    if (u->sits && u->seat.leads) flight_hold(u->seat.of, holder);
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
            record_answer(u, false);
    }
    u->waits = false;
    exchange_resume(&u->wait, result);
}

static void on_compared(cache_use *u, bool found) {
    go_on(u, found && find(u));
}

static void on_looked(far_look *l, bool found) {
    cache_use *u = CONTAINER_OF(l, look_out, look)->use;
    const bool got = found && find(u);
    if (got || u->only_cached || !similar_look_begin(u, on_compared)) go_on(u, got);
}

/* false: it is of no use. */
static bool look_far(cache_use *u) {
    exchange *x = u->x;
    if (!u->is_far) return false;
    const cache_want want = cache_use_want(u);
    if (!u->far) u->far = arena_zalloc(&x->arena, sizeof *u->far);
    u->far->use = u;
    return far_look_up(x->env->far, &u->far->look, &want, on_looked);
}

/* Of a stream the first event; a document when it is whole. */
static bool has_said(const cache_use *u) {
    const flight *f = u->seat.of;
    const recording *said = flight_recording(f);
    if (!said || flight_get_state(f) == FLIGHT_FAILED) return false;
    return wants_stream(u->x) ? recording_events(said) > 0 : flight_get_state(f) == FLIGHT_LANDED;
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
    } else if (flight_is_held(f, &u->holders)) {
        go_own_way(u);
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
    if (!u->waits) exchange_wait(u->x, &u->wait, on_wait_cancelled); /* else it does for its key */
    u->waits = true;
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

static known look_near(cache_use *u, bool will_do) {
    posed_question q;
    bool noted;
    cache_pose(u->x, &q);
    if (!cache_find_key(u, &q, &noted)) return KNOWN_UNFIT;
    if (!will_do || !find(u)) return KNOWN_KEY;
    if (!noted) cache_note_key(u, &q);
    return KNOWN_ANSWER;
}

static stage_result pass_by(cache_use *u) {
    decide(u, CACHE_BYPASS);
    return u->wish.only_if_cached ? refuse_uncached(u->x) : STAGE_NEXT;
}

/* It is known whether there is an answer in memory. */
static stage_result look_further(cache_use *u, known is) {
    exchange *x = u->x;
    if (is == KNOWN_UNFIT) return pass_by(u);
    if (is == KNOWN_ANSWER) return STAGE_NEXT;
    /* What guards and bounds have made of an answer is by this weir's rules alone: it stays here.
     */
    u->is_far = x->env->far && !x->shaped;
    u->only_cached = u->wish.only_if_cached;
    if (u->only_cached && !u->wish.no_cache && look_far(u)) return wait_for(u, BOARD_LOOK);
    decide(u, CACHE_MISS);
    if (u->only_cached) return refuse_uncached(x);
    if (u->wish.no_cache) {
        record_answer(u, true);
        return STAGE_NEXT;
    }
    if (exchange_config(x)->limits.wait) /* else none is held */
        u->holders = (flight_holders){{exchange_holder(x), limit_user_of(x), limit_address_of(x)}};
    const boarded what = board(u);
    return what == BOARD_GO_ON ? STAGE_NEXT : wait_for(u, what);
}

static void on_key(cache_use *u, bool fits) {
    const known is = !fits ? KNOWN_UNFIT : !u->wish.no_cache && find(u) ? KNOWN_ANSWER : KNOWN_KEY;
    const stage_result r = look_further(u, is);
    if (r == STAGE_WAIT) return;
    u->waits = false;
    exchange_resume(&u->wait, r);
}

static stage_result look_up(cache_use *u) {
    exchange *x = u->x;
    if (u->wish.no_store) return pass_by(u);
    u->max_age_ms = u->wish.max_age_ms;
    u->ttl_ms = u->wish.ttl_ms >= 0 ? u->wish.ttl_ms : options_of(x)->ttl_ms;
    if (x->large) {
        cache_spell_aside(u, on_key);
        u->waits = true;
        exchange_wait(x, &u->wait, on_wait_cancelled);
        return STAGE_WAIT;
    }
    exchange_enter(x->env);
    const known is = look_near(u, !u->wish.no_cache);
    exchange_leave(x->env);
    return look_further(u, is);
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
    u->wish = wish;
    return look_up(u);
}

void stage_look_up_done(exchange *x) {
    cache_use *u = x->cache;
    if (!u) return;
    if (u->recorder) recorder_over(u->recorder);
    if (u->replay) replay_over(u->replay);
    stop_looking(u);
    similar_look_over(u);
    cache_use_leave(u);
    recording_reader_done(&u->at);
    if (u->stored) recording_unref(u->stored->said);
}
