/* Runs of a model, the tools that it calls, and what the client is answered. Who answers the model
 * calls is a script, the tools are the test's own, and time is moved by hand. */
#ifndef WEIR_UNIT_EXCHANGE_RUN_SCENE_H
#define WEIR_UNIT_EXCHANGE_RUN_SCENE_H

#include "exchange/world.h"

#include "exchange/functions.h"
#include "tools/runner.h"
#include "tools/set.h"

/* ---- the models: one script for each model call, in their order ---- */

enum { SCRIPTS = 8 };
static script scripts[SCRIPTS];
static char *bodies[SCRIPTS]; /* what each was asked */
static size_t asked_count;

static inline stage_result stage_scripts(exchange *x) {
    assert_true(asked_count < SCRIPTS);
    bodies[asked_count] = strndup(x->request->body.ptr, x->request->body.len);
    script_next = &scripts[asked_count++];
    return stage_script(x);
}

static inline void forget_models(void) {
    for (size_t i = 0; i < asked_count; i++)
        free(bodies[i]);
    asked_count = 0;
}

static inline stage_result refuse_steps(exchange *x) {
    return exchange_refuse(x, ERR_OVER_BUDGET, NULL, "No more money.");
}

static const stage_row rows[] = {
    {"parse", stage_parse, NULL, STAGE_CHILD},
    {"functions", stage_functions, stage_functions_done, 0},
    {"scripts", stage_scripts, NULL, STAGE_CHILD},
    {"settle", stage_settle, NULL, STAGE_ALWAYS | STAGE_CHILD},
    {"price", stage_price, NULL, STAGE_ALWAYS | STAGE_CHILD},
};
static filter_add_fn *const filters[] = {filter_meter_add, filter_usage_add};
static const exchange_plan plan = {rows, ARRAY_LEN(rows), filters, ARRAY_LEN(filters)};

/* ---- the tools: the test says what comes of each call ---- */

enum { CALLS = 32 };
static tool_call *calls[CALLS]; /* that were started; NULL: over */
static char names[CALLS][16];
static size_t call_count;

static inline void start_call(tool_call *c) {
    assert_true(call_count < CALLS);
    const tool *t = tool_call_tool(c);
    snprintf(names[call_count], sizeof names[0], "%.*s", SPAN_ARG(t->name));
    *(size_t *)tool_call_own(c) = call_count;
    calls[call_count++] = c;
}

static inline void stop_call(tool_call *c) {
    calls[*(size_t *)tool_call_own(c)] = NULL;
}

static const tool_kind_ops by_test = {
    .name = "by_test", .call_size = sizeof(size_t), .start = start_call, .stop = stop_call};

static inline void answer_call(size_t i, const char *text) {
    assert_true(i < call_count);
    assert_non_null(calls[i]);
    assert_true(tool_call_add(calls[i], span_cstr(text)));
    tool_call_done(calls[i]);
}

static inline size_t under_way(void) {
    size_t n = 0;
    for (size_t i = 0; i < call_count; i++)
        n += calls[i] != NULL;
    return n;
}

static inline tool make_tool(tool_set *set, const char *name, bool parallel, bool repeatable) {
    buf why = BUF_EMPTY;
    span parameters =
        SPAN_OF("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}");
    tool t = {.name = span_cstr(name),
              .parameters = parameters,
              .checker = schema_new(parameters, &why),
              .kind = &by_test,
              .timeout_ms = 60000,
              .max_result = 1000,
              .parallel = parallel,
              .repeatable = repeatable,
              .set = set};
    assert_non_null(t.checker);
    buf_done(&why);
    return t;
}

static inline tool_set *make_tools(config *c) {
    tool_set *s = tool_set_new(c, 3);
    s->items[0] = make_tool(s, "beside", true, false);
    s->items[1] = make_tool(s, "alone", false, false);
    s->items[2] = make_tool(s, "again", true, true);
    return s;
}

/* ---- the scene ---- */

typedef struct scene {
    world *w;
    asked a;
    loop_snapshot *usual;
} scene;

static inline scene *scene_of(const exchange_plan *p, const char *options) {
    static const snapshot_part *const parts[] = {&provider_tls_part, &tools_part};
    scene *s = calloc(1, sizeof *s);
    buf why = BUF_EMPTY, yaml = BUF_EMPTY;
    buf_addf(&yaml, "tools: {get_current_time: {kind: builtin}}\n%s", options);
    s->w = world_new(p, buf_cstr(&yaml));
    snapshot *made = snapshot_new(s->w->config, parts, ARRAY_LEN(parts), &why);
    assert_non_null(made);
    tool_registry_publish(snapshot_tools(made), 0, make_tools(s->w->config));
    s->usual = s->w->env.snapshot;
    s->w->env.snapshot = loop_snapshot_new(s->w->client, made, s->w->targets);
    s->w->env.tools = tool_runner_new(&s->w->loop, s->w->client);
    snapshot_unref(made);
    buf_done(&why);
    buf_done(&yaml);
    call_count = 0;
    forget_models();
    return s;
}

/* What is put off to the next turn comes about. */
static inline void turn(scene *s) {
    world_pass(s->w, 1);
}

static inline scene *scene_new(const char *options, const char *body) {
    scene *s = scene_of(&plan, options);
    const exchange_request r = world_request(&form_functions, body);
    ask(s->w, &s->a, NULL, &r);
    assert_int_equal(s->a.said.len, 0); /* nothing from inside the start */
    turn(s);
    return s;
}

static inline void scene_done(scene *s) {
    turn(s);
    assert_null(s->a.x);
    assert_int_equal(under_way(), 0);
    assert_int_equal(tool_runner_calls(s->w->env.tools), 0);
    assert_int_equal(s->w->loop.timers.count, 0);
    asked_done(&s->a);
    tool_runner *tools = s->w->env.tools;
    tool_runner_close(tools);
    assert_int_equal(s->w->env.snapshot->refs, 1);
    loop_snapshot_unref(s->w->env.snapshot);
    s->w->env.snapshot = s->usual;
    world_free(s->w);
    tool_runner_free(tools);
    free(s);
    forget_models();
}

/* What the client heard, with N for how long a tool took. */
static inline void assert_heard(scene *s, const char *expected) {
    buf out = BUF_EMPTY;
    span rest = buf_span(&s->a.said);
    static const span ms = SPAN("\"ms\":");
    for (size_t at; (at = span_find_span(rest, 0, ms)) < rest.len;) {
        buf_add(&out, span_slice(rest, 0, at + ms.len));
        buf_add_char(&out, 'N');
        rest = span_slice(rest, at + ms.len, rest.len);
        while (rest.len && rest.ptr[0] >= '0' && rest.ptr[0] <= '9')
            rest = span_slice(rest, 1, rest.len);
    }
    buf_add(&out, rest);
    assert_text(&s->a, &out, expected);
    buf_done(&out);
}

/* The model calls what it was asked last for. */
static inline void model_says(size_t i, const char *body) {
    script *s = &scripts[i];
    assert_true(i < asked_count);
    script_head(s, ANSWER_PLAIN);
    script_say_plain(s, body);
    script_end(s);
}

#define USAGE ",\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15}"
#define SAYS(text)                                                                                 \
    "{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":\"" text                            \
    "\"},\"finish_reason\":\"stop\"}]" USAGE "}"
#define CALLS_(text, list)                                                                         \
    "{\"model\":\"m-1\",\"choices\":[{\"message\":{\"content\":" text ",\"tool_calls\":[" list     \
    "]},\"finish_reason\":\"tool_calls\"}]" USAGE "}"
#define CALL(id, name, arguments)                                                                  \
    "{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":\"" name                      \
    "\",\"arguments\":\"" arguments "\"}}"
#define FIGURES(p, c, t)                                                                           \
    "\"usage\":{\"prompt_tokens\":" p ",\"completion_tokens\":" c ",\"total_tokens\":" t           \
    "},\"model\":\"m-1\",\"request_id\":\"ID\"}"
#define STEP(name, arguments, what)                                                                \
    "{\"tool\":\"" name "\",\"arguments\":" arguments "," what ",\"ms\":N}"

static inline void stream_head(size_t i) {
    script_head(&scripts[i], ANSWER_STREAM);
}

#define DELTA(members) "{\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{" members "}}]}"
#define FINISH(reason)                                                                             \
    "{\"model\":\"m-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]" \
    "}"
#define USED        "{\"model\":\"m-1\",\"choices\":[]" USAGE "}"
#define PIECE(json) "|piece data: " json "\n\n"

#endif
