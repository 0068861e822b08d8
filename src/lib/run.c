/* A run of a program: a model that is asked, the tools that it calls, the model again, until it
 * answers without calling. What follows what is decided where the gateway decides it (tools/run.h,
 * said.h, talk.h); who asks and who calls is the program, by weir_run_next(), or weir_run_wait().
 */
#include "lib/client.h"
#include "lib/request.h"
#include "lib/result.h"
#include "lib/run_talk.h"

#include "base/clock.h"
#include "base/mem.h"
#include "config/units.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_MOST = 1000, RESULT_BYTES = 64 * 1024 };

typedef struct run_call {
    weir_tool_call is; /* what the program sees of it */
    const said_call *said;
    const toolbox_tool *tool; /* NULL: there is none of that name */
    bool answered;
    talk_result result; /* answered: its text is in the turn's arena */
    int64_t began_ms;
} run_call;

struct weir_run {
    weir_client *client; /* NULL: there is none, and every call says so */
    toolbox *toolbox;    /* counted; NULL likewise */
    arena arena;
    weir_request request; /* of the next model call */
    bool ready;           /* it is, and waits for weir_run_take() */
    bool spoilt;          /* its request cannot be asked; the result of asking it says why */
    offer offer;
    talk talk;
    run_ends ends;
    run_limits limits;
    run_state state;
    size_t max_result;
    int64_t within_ms, due_ms; /* 0: it has not begun */
    int64_t own_timeout_ms;    /* of the request */
    /* The last answer. */
    arena turn;
    model_said said;
    run_call *calls;
    size_t call_count;
    const weir_tool_call **open;
    buf words, steps;
    weir_result *result; /* NULL: it goes on */
};

/* ---- the end ---- */

static span text_of(const char *text) {
    return text ? span_cstr(text) : SPAN_EMPTY;
}

/* What the last answer was, with what all have used. */
static call_record record_of(const weir_run *run, const weir_result *last) {
    return (call_record){.target = text_of(last->target),
                         .finish_reason = text_of(last->finish_reason),
                         .provider_request_id = text_of(last->provider_request_id),
                         .attempts = last->attempts,
                         .usage = run->state.usage,
                         .total_us = (int64_t)(last->response_seconds * 1e6),
                         .first_token_us = -1};
}

/* facts: code, text and failure; the rest is that of last. */
static void end(weir_run *run, const weir_result *last, result_facts facts) {
    const call_record record = record_of(run, last);
    http_header *h = arena_alloc(&run->turn, (last->header_count + 1) * sizeof *h);
    for (size_t i = 0; i < last->header_count; i++)
        h[i] = (http_header){span_cstr(last->headers[i].name), span_cstr(last->headers[i].value)};
    facts.status = last->status;
    facts.model = text_of(last->model);
    facts.retry_after_ms = last->retry_after_ms;
    facts.headers = (http_headers){h, last->header_count};
    facts.record = &record;
    facts.request_id = last->request_id;
    run->result = result_new(&facts);
    run->ready = false;
}

static void end_answered(weir_run *run, const weir_result *last) {
    const span body = span_from(last->body, last->body_len);
    end(run, last,
        (result_facts){.code = WEIR_OK,
                       .has_text = last->text != NULL,
                       .text = span_from(last->text, last->text_len),
                       .has_body = true,
                       .body = body});
}

static void end_failed(weir_run *run, const weir_result *last, weir_code code) {
    end(run, last,
        (result_facts){.code = code,
                       .failure = span_from(last->body, last->body_len),
                       .sentence = text_of(last->safe_text)});
}

static span limit_text(weir_run *run, run_stop stop) {
    buf out = BUF_EMPTY;
    switch (stop) {
    case RUN_MAX_TIME: unit_write_duration(run->within_ms, &out); break;
    case RUN_MAX_TOKENS: buf_add_i64(&out, run->limits.max_tokens); break;
    default: buf_add_u64(&out, run->limits.max_steps); break;
    }
    const span text = arena_dup(&run->turn, buf_span(&out));
    buf_done(&out);
    return text;
}

static span stop_sentence(weir_run *run, run_stop stop) {
    return run_stop_sentence(stop, limit_text(run, stop), &run->turn);
}

static span write_stop(weir_run *run, run_stop stop, span sentence) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "error");
    json_open_object(&w);
    json_key(&w, "message");
    json_put_string(&w, sentence);
    json_key(&w, "type");
    json_put_string(&w, SPAN_OF("run_stopped"));
    json_key(&w, "code");
    json_put_string(&w, span_cstr(run_stop_code(stop)));
    json_close_object(&w);
    json_close_object(&w);
    const span text = arena_dup(&run->turn, buf_span(&out));
    buf_done(&out);
    return text;
}

static void end_stopped(weir_run *run, const weir_result *last, run_stop stop) {
    const span sentence = stop_sentence(run, stop), words = buf_span(&run->words);
    end(run, last,
        (result_facts){.code = WEIR_STOPPED,
                       .has_text = words.len > 0,
                       .text = words,
                       .failure = write_stop(run, stop, sentence),
                       .sentence = words.len ? words : sentence});
}

/* ---- what the model has said ---- */

static token_usage usage_of(const weir_result *r) {
    token_usage u = run_nothing.usage;
    u.prompt = r->prompt_tokens;
    u.completion = r->completion_tokens;
    u.total = r->total_tokens;
    u.cached = r->cached_tokens;
    u.reasoning = r->reasoning_tokens;
    u.estimated = r->tokens_estimated != 0;
    return u;
}

static void answer(weir_run *run, run_call *c, bool failed, span text) {
    c->answered = true;
    c->result = (talk_result){failed, arena_dup(&run->turn, text), clock_mono_ms() - c->began_ms};
}

/* What the program is not asked about. */
static void answer_odd(weir_run *run, run_call *c) {
    buf why = BUF_EMPTY;
    if (!c->tool)
        offer_write_unknown(&run->offer, c->said->name, &why);
    else if (tool_check(&c->tool->is, c->said->arguments, &why))
        return;
    answer(run, c, true, buf_span(&why));
    buf_done(&why);
}

static const toolbox_tool *find(const weir_run *run, span name) {
    const tool *t = offer_find(&run->offer, name);
    return t ? toolbox_of(t) : NULL;
}

static void read_calls(weir_run *run) {
    run->call_count = run->said.call_count;
    run->calls = arena_zalloc(&run->turn, run->call_count * sizeof *run->calls);
    run->open = arena_zalloc(&run->turn, run->call_count * sizeof *run->open);
    for (size_t i = 0; i < run->call_count; i++) {
        run_call *c = &run->calls[i];
        c->said = &run->said.calls[i];
        c->tool = find(run, c->said->name);
        c->began_ms = clock_mono_ms();
        const span arguments = arena_dup(&run->turn, c->said->arguments);
        c->is = (weir_tool_call){.tool = c->tool ? c->tool->name : "",
                                 .id = arena_dup(&run->turn, c->said->id).ptr,
                                 .arguments = arguments.ptr,
                                 .arguments_len = arguments.len,
                                 .user = c->tool ? c->tool->user : NULL};
        answer_odd(run, c);
    }
}

static void note_words(weir_run *run) {
    if (!run->said.words.len && run->said.call_count) return;
    buf_clear(&run->words);
    buf_add(&run->words, run->said.words);
}

static void read_answer(weir_run *run, const weir_result *last) {
    arena_reset(&run->turn, 0);
    model_said_read(arena_dup(&run->turn, span_from(last->body, last->body_len)), &run->turn,
                    &run->said);
    run->state.answers++;
    note_words(run);
    const run_stop next = run_after_answer(&run->limits, &run->state, run->said.call_count);
    if (next == RUN_ENDS) {
        end_answered(run, last);
    } else if (next != RUN_GOES_ON) {
        end_stopped(run, last, next);
    } else {
        talk_add_said(&run->talk, &run->said, &run->turn);
        read_calls(run);
    }
}

static bool is_json(const weir_result *r) {
    json_value root;
    json_fault fault;
    return r->body && json_scan(span_from(r->body, r->body_len), NULL, &root, &fault);
}

static bool is_late(const weir_run *run) {
    return run->due_ms && clock_mono_ms() >= run->due_ms;
}

/* Of a result that is not there, or is no plain answer. */
static void end_misused(weir_run *run, const weir_result *last, const char *why) {
    static const weir_result none = {.retry_after_ms = -1, .request_id = ""};
    buf body = BUF_EMPTY;
    weir_error e = error_of(ERR_BAD_REQUEST);
    e.message = span_cstr(why);
    exchange_error_body(&e, &body);
    end(run, last ? last : &none,
        (result_facts){.code = WEIR_MISUSE, .failure = buf_span(&body), .sentence = e.message});
    buf_done(&body);
}

void weir_run_take(weir_run *run, const weir_result *result) {
    if (run->result) return;
    if (!run->ready || !result) {
        end_misused(run, result, "weir_run_take() takes the result of weir_run_request(), once.");
        return;
    }
    const token_usage used = usage_of(result);
    run->ready = false;
    run_count(&run->state, &used, -1);
    if (result->code == WEIR_TIMEOUT && is_late(run))
        end_stopped(run, result, RUN_MAX_TIME);
    else if (result->code != WEIR_OK)
        end_failed(run, result, result->code);
    else if (!is_json(result))
        end_misused(run, result, "weir_run_take() takes a plain answer, and no stream's result.");
    else
        read_answer(run, result);
}

/* ---- what follows ---- */

static bool has_open(const weir_run *run) {
    for (size_t i = 0; i < run->call_count; i++)
        if (!run->calls[i].answered) return true;
    return false;
}

static void add_results(weir_run *run) {
    if (!run->call_count) return;
    for (size_t i = 0; i < run->call_count; i++)
        talk_add_result(&run->talk, run->calls[i].said, &run->calls[i].result);
    run->call_count = 0;
    run->state.steps++;
}

static void stop_late(weir_run *run) {
    const weir_result none = {.retry_after_ms = -1, .request_id = ""};
    for (size_t i = 0; i < run->call_count; i++)
        if (!run->calls[i].answered)
            answer(run, &run->calls[i], true, SPAN_OF("the time of the run was over"));
    add_results(run);
    end_stopped(run, &none, RUN_MAX_TIME);
}

static void make_ready(weir_run *run) {
    const int64_t left_ms = run->due_ms - clock_mono_ms();
    const span end = run_is_last(&run->limits, &run->state) ? run->ends.last
                     : run->state.answers                   ? run->ends.usual
                                                            : run->ends.first;
    run->ready = true;
    if (run->spoilt) return;
    buf_clear(&run->request.body);
    buf_add(&run->request.body, talk_body(&run->talk, end));
    run->request.has_body = true;
    run->request.timeout_ms = left_ms > 1 ? left_ms : 1;
    if (run->own_timeout_ms && run->own_timeout_ms < run->request.timeout_ms)
        run->request.timeout_ms = run->own_timeout_ms;
}

weir_run_state weir_run_next(weir_run *run) {
    if (run->result) return WEIR_RUN_ENDED;
    if (!run->due_ms) run->due_ms = clock_mono_ms() + run->within_ms;
    if (run->ready) return WEIR_RUN_ASK;
    if (is_late(run)) {
        stop_late(run);
        return WEIR_RUN_ENDED;
    }
    if (has_open(run)) return WEIR_RUN_CALLS;
    add_results(run);
    make_ready(run);
    return WEIR_RUN_ASK;
}

const weir_request *weir_run_request(const weir_run *run) {
    return &run->request;
}

const weir_result *weir_run_result(const weir_run *run) {
    return run->result;
}

const weir_tool_call *const *weir_run_calls(weir_run *run, size_t *ret_count) {
    size_t n = 0;
    for (size_t i = 0; i < run->call_count; i++)
        if (!run->calls[i].answered) run->open[n++] = &run->calls[i].is;
    *ret_count = n;
    return run->open;
}

/* ---- what tools have said ---- */

/* NULL: it is none that is to be answered. */
static run_call *call_of(weir_run *run, const weir_tool_call *call) {
    for (size_t i = 0; i < run->call_count; i++)
        if (&run->calls[i].is == call && !run->calls[i].answered) return &run->calls[i];
    return NULL;
}

static void say(weir_run *run, run_call *c, bool failed, span text) {
    buf limit = BUF_EMPTY;
    unit_write_size((int64_t)run->max_result, &limit);
    if (!span_is_utf8(text))
        answer(run, c, true, SPAN_OF("the tool's answer is not text in UTF-8"));
    else if (text.len > run->max_result)
        answer(run, c, true,
               arena_printf(&run->turn, "the tool's answer is larger than %.*s",
                            SPAN_ARG(buf_span(&limit))));
    else
        answer(run, c, failed, text);
    buf_done(&limit);
}

void weir_run_answer(weir_run *run, const weir_tool_call *call, const char *text, size_t len) {
    run_call *c = call_of(run, call);
    if (c) say(run, c, false, span_from(text, text ? len : 0));
}

void weir_run_fail(weir_run *run, const weir_tool_call *call, const char *why, size_t len) {
    run_call *c = call_of(run, call);
    if (c) say(run, c, true, span_from(why, why ? len : 0));
}

const char *weir_run_steps(weir_run *run, size_t *ret_len) {
    buf_clear(&run->steps);
    json_writer w = json_writer_of(&run->steps);
    talk_write_steps(&run->talk, &w);
    if (ret_len) *ret_len = run->steps.len;
    return buf_cstr(&run->steps);
}

/* ---- waiting ---- */

static void call_functions(weir_run *run) {
    for (size_t i = 0; i < run->call_count && !is_late(run); i++) {
        run_call *c = &run->calls[i];
        if (c->answered) continue;
        c->began_ms = clock_mono_ms();
        if (c->tool->function) c->tool->function(c->tool->user, run, &c->is);
        if (!c->answered) answer(run, c, true, SPAN_OF("the tool gave no answer"));
    }
}

const weir_result *weir_run_wait(weir_run *run) {
    for (;;) {
        switch (weir_run_next(run)) {
        case WEIR_RUN_ASK: {
            weir_result *r = weir_chat(run->client, &run->request);
            weir_run_take(run, r);
            weir_result_free(r);
            break;
        }
        case WEIR_RUN_CALLS: call_functions(run); break;
        case WEIR_RUN_ENDED: return run->result;
        }
    }
}

/* ---- life ---- */

static weir_run *begin(weir_client *c, const weir_request *request) {
    buf why = BUF_EMPTY;
    weir_run *run = mem_zalloc(sizeof *run);
    arena_init(&run->arena, 0);
    arena_init(&run->turn, 0);
    run->client = c;
    run->state = run_nothing;
    run->max_result = RESULT_BYTES;
    run->limits = c ? c->run_limits : (run_limits){.max_steps = 1};
    run->within_ms = c ? c->run_ms : 1;
    if (c) run->toolbox = toolbox_ref(c->toolbox);
    if (c) toolbox_offer(run->toolbox, &run->arena, &run->offer);
    request_copy_way(request, &run->request);
    run->own_timeout_ms = run->request.timeout_ms;
    run->spoilt = !run_talk_begin(request, &run->offer, &run->arena, &run->talk, &run->ends, &why);
    if (run->spoilt) request_spoil(&run->request, buf_span(&why));
    buf_done(&why);
    return run;
}

weir_run *weir_run_new(weir_client *c, const weir_request *request) {
    weir_request *none = request ? NULL : request_none();
    weir_run *run = begin(c, none ? none : request);
    weir_request_free(none);
    return run;
}

void weir_run_free(weir_run *run) {
    if (!run) return;
    weir_result_free(run->result);
    talk_done(&run->talk);
    request_done(&run->request);
    buf_done(&run->words);
    buf_done(&run->steps);
    arena_done(&run->turn);
    arena_done(&run->arena);
    toolbox_unref(run->toolbox);
    free(run);
}

void weir_run_set_max_steps(weir_run *run, unsigned steps) {
    run->limits.max_steps = steps < 1 ? 1 : steps > STEPS_MOST ? STEPS_MOST : steps;
}

void weir_run_set_timeout_ms(weir_run *run, int64_t timeout_ms) {
    static const int64_t longest_ms = 24LL * 3600 * 1000;
    run->within_ms = timeout_ms < 1 ? 1 : timeout_ms > longest_ms ? longest_ms : timeout_ms;
}

void weir_run_set_max_result(weir_run *run, size_t bytes) {
    run->max_result = bytes;
}
