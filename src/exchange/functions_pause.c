/* A run that waits for somebody's word: what it is goes into the ledger's store, and its exchange
 * ends; another exchange, on any worker, goes on with it. It stays in the store until all is known
 * and its calls are about to be made; then it is taken out, so that no call is made twice. */
#include "exchange/functions.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ledger/ledger.h"
#include "loop/aside.h"
#include "tools/talk_kept.h"

#include <stdlib.h>

enum { STATE_VERSION = 1 };

json_value functions_said(const functions_run *r, span id) {
    const json_value all = r->resume->approve;
    return all.type == JSON_OBJECT ? json_get(all, id) : all;
}

/* ---- what is kept ---- */

enum { USAGE_NUMBERS = 9 };

static void usage_places(token_usage *u, int64_t *ret[USAGE_NUMBERS]) {
    int64_t *const all[USAGE_NUMBERS] = {&u->prompt,       &u->completion,   &u->total,
                                         &u->cached,       &u->reasoning,    &u->cache_write,
                                         &u->audio_prompt, &u->image_prompt, &u->audio_completion};
    for (size_t i = 0; i < USAGE_NUMBERS; i++)
        ret[i] = all[i];
}

/* [steps, answers, cost, estimated, usage …] */
static void put_state(const run_state *s, json_writer *w) {
    token_usage u = s->usage;
    int64_t *places[USAGE_NUMBERS];
    usage_places(&u, places);
    json_open_array(w);
    json_put_u64(w, s->steps);
    json_put_u64(w, s->answers);
    json_put_i64(w, s->cost_nano);
    json_put_u64(w, u.estimated);
    for (size_t i = 0; i < USAGE_NUMBERS; i++)
        json_put_i64(w, *places[i]);
    json_close_array(w);
}

static bool read_state(json_value array, run_state *ret) {
    enum { BEFORE = 4 };
    int64_t n[BEFORE + USAGE_NUMBERS], *places[USAGE_NUMBERS];
    json_iter it = json_iter_of(array);
    json_value v;
    if (array.type != JSON_ARRAY || json_count(array) != ARRAY_LEN(n)) return false;
    for (size_t i = 0; i < ARRAY_LEN(n); i++)
        if (!json_next_element(&it, &v) || !json_i64(v, &n[i])) return false;
    *ret = (run_state){.steps = (unsigned)n[0], .answers = (unsigned)n[1], .cost_nano = n[2]};
    ret->usage.estimated = n[3] != 0;
    usage_places(&ret->usage, places);
    for (size_t i = 0; i < USAGE_NUMBERS; i++)
        *places[i] = n[BEFORE + i];
    return true;
}

static void write_run(const functions_run *r, buf *out) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "version");
    json_put_u64(&w, STATE_VERSION);
    json_key(&w, "request");
    json_put_raw(&w, r->x->facts.root.raw);
    json_key(&w, "state");
    put_state(&r->state, &w);
    json_key(&w, "words");
    json_put_string(&w, buf_span(&r->words));
    json_key(&w, "model");
    json_put_string(&w, r->model);
    talk_keep(&r->talk, &r->said, &w);
    json_close_object(&w);
}

/* ---- in the store, on another thread ---- */

struct pause_job {
    aside aside;
    functions_run *run;
    store_place place;
    atomic_bool dropped; /* nobody waits for it */
    bool durable;
    paused_act *act;
    void (*then)(functions_run *r, paused_outcome outcome);
    int64_t now_us, until_us;
    buf id, client, state;
    paused_outcome outcome;
};

static void act(aside *a) {
    struct pause_job *j = CONTAINER_OF(a, struct pause_job, aside);
    store *s;
    buf why = BUF_EMPTY;
    const paused_run row = {buf_span(&j->id), buf_span(&j->client), j->until_us,
                            buf_span(&j->state)};
    j->outcome = PAUSED_FAILED;
    if (store_open(&j->place, SQL_WRITES, j->durable, &s, &why) == STORE_OPEN) {
        j->outcome = j->act(s, &row, j->now_us);
        store_close(s);
    }
    buf_done(&why);
}

static void free_job(aside *a) {
    struct pause_job *j = CONTAINER_OF(a, struct pause_job, aside);
    buf_done(&j->id);
    buf_done(&j->client);
    buf_done(&j->state);
    free(j);
}

static void on_acted(aside *a) {
    const struct pause_job *j = CONTAINER_OF(a, struct pause_job, aside);
    functions_run *r = j->run;
    void (*const then)(functions_run *, paused_outcome) = j->then;
    const paused_outcome outcome = j->outcome;
    r->pausing = NULL;
    free_job(a);
    then(r, outcome);
}

/* The caller completes it, and has it begun. */
static struct pause_job *new_job(functions_run *r, paused_act *what,
                                 void (*then)(functions_run *r, paused_outcome outcome)) {
    const exchange *x = r->x;
    struct pause_job *j = mem_zalloc(sizeof *j);
    j->aside = (aside){.run = act, .done = on_acted, .free = free_job};
    j->run = r;
    j->act = what;
    j->then = then;
    j->place = ledger_place(x->env->runs);
    j->place.leaving = &j->dropped;
    j->durable = ledger_is_durable(x->env->runs);
    j->now_us = clock_wall_us();
    j->until_us = j->now_us + exchange_config(x)->functions.approval_time_ms * 1000;
    buf_add(&j->client, x->record.client);
    return j;
}

static void begin_job(struct pause_job *j) {
    const exchange *x = j->run->x;
    j->run->pausing = j;
    loop_aside_in(x->env->loop, x->env->runs_lane, &j->aside);
}

/* What could not be called back any more is done for nobody: a run that was kept is forgotten when
 * its time is over, and one that was claimed has gone on as far as its client was there. */
void functions_drop_pause(functions_run *r) {
    struct pause_job *j = r->pausing;
    r->pausing = NULL;
    if (!j) return;
    atomic_store_explicit(&j->dropped, true, memory_order_relaxed);
    aside_drop(&j->aside);
}

/* ---- what was done there ---- */

static const char not_writable[] =
    "The run cannot wait for an approval: the ledger's store cannot be written at the moment.";
static const char not_claimable[] =
    "The run goes on waiting: the ledger's store cannot be written at the moment.";

static void on_kept(functions_run *r, paused_outcome outcome) {
    if (outcome == PAUSED_DONE)
        functions_paused(r);
    else
        functions_fail(r, ERR_LEDGER_UNAVAILABLE, not_writable);
}

/* Somebody else's word was first, or its time is over. */
static void fail_waiting(functions_run *r, paused_outcome outcome) {
    if (outcome == PAUSED_UNKNOWN)
        functions_fail(r, ERR_UNKNOWN_RUN, NULL);
    else
        functions_fail(r, ERR_LEDGER_UNAVAILABLE, not_claimable);
}

static void on_stays(functions_run *r, paused_outcome outcome) {
    if (outcome == PAUSED_DONE)
        functions_paused(r);
    else
        fail_waiting(r, outcome);
}

static void on_claimed(functions_run *r, paused_outcome outcome) {
    if (outcome == PAUSED_DONE)
        functions_make_calls(r);
    else
        fail_waiting(r, outcome);
}

static void keep(functions_run *r) {
    char id[PAUSED_ID_LEN + 1];
    struct pause_job *j = new_job(r, paused_put, on_kept);
    paused_id_new(id);
    buf_add(&j->id, span_from(id, PAUSED_ID_LEN));
    write_run(r, &j->state);
    r->id = arena_dup(&r->x->arena, buf_span(&j->id));
    r->until_us = j->until_us;
    begin_job(j);
}

/* Under its id: an answer that its client never gets does not lose it. */
static void stay(functions_run *r) {
    struct pause_job *j = new_job(r, paused_stay, on_stays);
    buf_add(&j->id, r->resume->id);
    r->id = r->resume->id;
    r->until_us = j->until_us;
    begin_job(j);
}

void functions_pause(functions_run *r) {
    if (r->resume)
        stay(r);
    else
        keep(r);
}

void functions_claim(functions_run *r) {
    struct pause_job *j = new_job(r, paused_claim, on_claimed);
    buf_add(&j->id, r->resume->id);
    begin_job(j);
}

/* ---- going on ---- */

static bool read_root(span state, json_value *ret) {
    json_fault fault;
    int64_t version;
    return json_scan(state, NULL, ret, &fault) &&
           json_i64(json_get(*ret, SPAN_OF("version")), &version) && version == STATE_VERSION;
}

span run_request_of(span state, arena *a) {
    json_value root;
    if (!read_root(state, &root)) return SPAN_EMPTY;
    const json_value request = json_get(root, SPAN_OF("request"));
    return request.type == JSON_OBJECT ? arena_dup(a, request.raw) : SPAN_EMPTY;
}

static bool read_run(functions_run *r, json_value root) {
    const json_value words = json_get(root, SPAN_OF("words"));
    const json_value model = json_get(root, SPAN_OF("model"));
    arena *a = &r->x->arena;
    if (words.type != JSON_STRING || model.type != JSON_STRING) return false;
    buf_add(&r->words, json_string(words, &r->turn));
    r->model = arena_dup(a, json_string(model, a));
    return read_state(json_get(root, SPAN_OF("state")), &r->state) &&
           talk_take(root, &r->turn, &r->talk, &r->said);
}

/* Each call of a tool that wants it has one; an operator's URL is asked about others again. */
static stage_result check_words(functions_run *r) {
    for (size_t i = 0; i < r->said.call_count; i++) {
        const said_call *c = &r->said.calls[i];
        const tool *t = offer_find(&r->offer, c->name);
        const json_type word = functions_said(r, c->id).type;
        if (!t || !tool_asks_approval(t) || word == JSON_TRUE || word == JSON_FALSE) continue;
        return exchange_refuse(r->x, ERR_UNPROCESSABLE, "approve",
                               "'approve' has no true or false for the call '%.*s' of %.*s.",
                               SPAN_ARG(span_clip(c->id, 100)), SPAN_ARG(t->name));
    }
    return STAGE_NEXT;
}

stage_result functions_take_over(functions_run *r) {
    const run_resume *resume = r->x->request->resume;
    json_value root;
    r->resume = resume;
    if (!read_root(resume->state, &root) || !read_run(r, root))
        return exchange_refuse(r->x, ERR_INTERNAL, NULL, "The run was kept by another weir.");
    return check_words(r);
}

/* ---- what its client is told ---- */

void functions_write_pause(const functions_run *r, json_writer *w) {
    char until[CLOCK_RFC3339_LEN + 1];
    clock_rfc3339(r->until_us, until);
    json_open_object(w);
    json_key(w, "id");
    json_put_string(w, r->id);
    json_key(w, "expires");
    json_put_string(w, span_cstr(until));
    json_key(w, "calls");
    json_open_array(w);
    for (size_t i = 0; i < r->call_count; i++) {
        const said_call *c = r->calls[i].said;
        if (!functions_needs_word(&r->calls[i])) continue;
        json_open_object(w);
        json_key(w, "id");
        json_put_string(w, c->id);
        json_key(w, "tool");
        json_put_string(w, c->name);
        json_key(w, "arguments");
        if (c->is_object)
            json_put_raw(w, c->arguments);
        else
            json_put_string(w, c->arguments);
        json_close_object(w);
    }
    json_close_array(w);
    json_close_object(w);
}
