/* What all kinds have in common: arguments are checked, time and size are bounded, and whoever
 * waits is told once, off the stack of whatever ended the call. */
#include "tools/runner_internal.h"
#include "tools/set.h"
#include "tools/strict.h"

#include "base/mem.h"
#include "config/units.h"
#include "json/json.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

struct tool_call {
    tool_runner *runner;
    const tool *tool; /* with a reference of its set */
    tool_waiter *waiter;
    tool_ask ask;
    buf arguments; /* in the place of those that were asked, where they were changed */
    timer due;     /* its time limit */
    list link;     /* in runner->ended: it is over, and whoever waits is to be told */
    int64_t due_ms;
    int64_t began_us;
    bool hurried; /* the asker's deadline comes before the tool's time limit */
    bool running; /* the kind has begun, and was not stopped */
    tool_outcome outcome;
    buf answer; /* or why not */
    max_align_t own[];
};

const char *tool_outcome_name(tool_outcome o) {
    static const char *const names[] = {
#define X(name, word, sentence) word,
#include "tools/outcomes.def"
#undef X
    };
    assert(o < TOOL_OUTCOMES);
    return names[o];
}

bool tool_allows(const tool *t, span client) {
    if (t->own) return false;
    for (size_t i = 0; i < t->client_count; i++)
        if (span_eq(t->clients[i], client)) return true;
    return t->client_count == 0;
}

/* ---- life ---- */

static void stop(tool_call *c) {
    loop_timer_stop(c->runner->loop, &c->due);
    if (!c->running) return;
    c->running = false;
    c->tool->kind->stop(c);
}

static void release(tool_call *c) {
    c->runner->calls--;
    buf_done(&c->answer);
    buf_done(&c->arguments);
    tool_set_unref(c->tool->set);
    free(c);
}

static void finish(tool_call *c, tool_outcome o) {
    c->outcome = o;
    stop(c);
    list_push_back(&c->runner->ended, &c->link);
}

/* Neither a secret that came back nor what is no text goes on from here. */
static void purge(tool_call *c) {
    buf clean = BUF_EMPTY;
    if (secret_set_redact(c->tool->secrets, buf_span(&c->answer), &clean)) {
        buf_done(&c->answer);
        c->answer = clean;
    }
    if (c->outcome == TOOL_DONE || span_is_utf8(buf_span(&c->answer))) return;
    for (size_t i = 0; i < c->answer.len; i++)
        if (c->answer.ptr[i] & 0x80) c->answer.ptr[i] = '?';
}

static void tell(tool_call *c) {
    purge(c);
    const tool_result result = {c->outcome, buf_span(&c->answer),
                                (loop_exact_us(c->runner->loop) - c->began_us) / 1000};
    c->waiter->done(c->waiter, &result);
    release(c);
}

/* At the end of the turn, off the stack of whatever ended the call, and not a tick of the clock
 * later: a tool that answers at once costs its run no wait. */
void tool_calls_tell(loop_hook *hook) {
    tool_runner *r = CONTAINER_OF(hook, tool_runner, tell);
    if (!r->loop->ending) return;
    for (list *node; (node = list_pop_front(&r->ended));)
        tell(LIST_ENTRY(node, tool_call, link));
}

COLD static void on_due(timer *t) {
    tool_call *c = CONTAINER_OF(t, tool_call, due);
    buf limit = BUF_EMPTY;
    unit_write_duration(c->tool->timeout_ms, &limit);
    if (c->hurried)
        tool_call_fail(c, TOOL_TIMED_OUT, "the tool did not answer in the time that was left");
    else
        tool_call_fail(c, TOOL_TIMED_OUT, "the tool did not answer within %.*s",
                       SPAN_ARG(buf_span(&limit)));
    buf_done(&limit);
}

static tool_call *call_new(tool_runner *r, const tool *t, const tool_ask *ask, tool_waiter *w) {
    tool_call *c = mem_zalloc(sizeof *c + t->kind->call_size);
    tool_set_ref(t->set);
    r->calls++;
    c->runner = r;
    c->tool = t;
    c->waiter = w;
    c->ask = *ask;
    if (!c->ask.arguments.len) c->ask.arguments = SPAN_OF("{}");
    c->began_us = loop_exact_us(r->loop);
    timer_init(&c->due, on_due);
    list_init(&c->link);
    c->due_ms = r->loop->now_ms + t->timeout_ms;
    c->hurried = ask->due_ms && ask->due_ms < c->due_ms;
    if (c->hurried) c->due_ms = ask->due_ms;
    return c;
}

/* What a model writes by the strict form of the schema, made what the schema allows; in the arena,
 * or the same. */
static span loosened(const tool *t, span arguments, arena *a) {
    const json_value wanted = {JSON_OBJECT, span_strip(t->parameters)};
    return t->strict.len ? strict_drop_nulls(wanted, arguments, a) : arguments;
}

bool tool_would_start(const tool *t, span arguments) {
    buf why = BUF_EMPTY;
    arena a;
    arena_init(&a, 0);
    if (!arguments.len) arguments = SPAN_OF("{}");
    const bool fits = tool_check(t, loosened(t, arguments, &a), &why);
    arena_done(&a);
    buf_done(&why);
    return fits;
}

static void loosen(tool_call *c) {
    arena a;
    arena_init(&a, 0);
    span arguments = loosened(c->tool, c->ask.arguments, &a);
    if (arguments.ptr != c->ask.arguments.ptr) {
        buf_add(&c->arguments, arguments);
        c->ask.arguments = buf_span(&c->arguments);
    }
    arena_done(&a);
}

tool_call *tool_start(tool_runner *r, const tool *t, const tool_ask *ask, tool_waiter *w) {
    tool_call *c = call_new(r, t, ask, w);
    loosen(c);
    if (!tool_check(t, c->ask.arguments, &c->answer)) {
        finish(c, TOOL_BAD_ARGUMENTS);
        return c;
    }
    loop_timer_start(r->loop, &c->due, c->due_ms - r->loop->now_ms);
    c->running = true;
    t->kind->start(c);
    return c;
}

void tool_cancel(tool_call *c) {
    stop(c);
    list_remove(&c->link);
    release(c);
}

/* ---- for kinds ---- */

const tool *tool_call_tool(const tool_call *c) {
    return c->tool;
}
tool_runner *tool_call_runner(const tool_call *c) {
    return c->runner;
}
loop *tool_call_loop(const tool_call *c) {
    return c->runner->loop;
}
const tool_ask *tool_call_ask(const tool_call *c) {
    return &c->ask;
}
void *tool_call_own(tool_call *c) {
    return c->own;
}
buf *tool_call_answer(tool_call *c) {
    return &c->answer;
}

bool tool_call_add(tool_call *c, span piece) {
    if (piece.len <= c->tool->max_result - c->answer.len) {
        buf_add(&c->answer, piece);
        return true;
    }
    buf limit = BUF_EMPTY;
    unit_write_size((int64_t)c->tool->max_result, &limit);
    tool_call_fail(c, TOOL_TOO_LARGE, "the tool's answer is larger than %.*s",
                   SPAN_ARG(buf_span(&limit)));
    buf_done(&limit);
    return false;
}

void tool_call_done(tool_call *c) {
    if (span_is_utf8(buf_span(&c->answer)))
        finish(c, TOOL_DONE);
    else
        tool_call_fail(c, TOOL_GARBLED, "the tool's answer is not text in UTF-8");
}

void tool_call_fail(tool_call *c, tool_outcome o, const char *fmt, ...) {
    va_list args;
    buf why = BUF_EMPTY;
    va_start(args, fmt);
    buf_vaddf(&why, fmt, args);
    va_end(args);
    buf_done(&c->answer);
    c->answer = why;
    finish(c, o);
}
