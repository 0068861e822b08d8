/* Tools of a configuration on a loop of the test's. */
#ifndef WEIR_TEST_TOOLS_KIT_H
#define WEIR_TEST_TOOLS_KIT_H

#include "heap.h"

#include "call/loop_snapshot.h"
#include "tools/registry.h"
#include "tools/runner.h"

#include <signal.h>

typedef struct kit {
    loop l;
    http_client *client;
    tool_runner *runner;
    snapshot *snapshot;
    tool_list *list;
} kit;

typedef struct kit_call {
    tool_waiter waiter;
    kit *kit;
    tool_call *call; /* NULL: it is over */
    tool_outcome outcome;
    buf text;
    int64_t ms;
    int told;
} kit_call;

/* yaml: what stands in the file. */
static inline void kit_begin(kit *k, const char *yaml) {
    static const snapshot_part *const parts[] = {&tools_part};
    config_problems problems;
    buf why = BUF_EMPTY;
    signal(SIGPIPE, SIG_IGN);
    config *c = config_parse(span_cstr(yaml), "test", &problems);
    if (!c) {
        config_problems_print(&problems, &why);
        fail_msg("%s", buf_cstr(&why));
    }
    config_problems_done(&problems);
    k->snapshot = snapshot_new(c, parts, ARRAY_LEN(parts), &why);
    if (!k->snapshot) fail_msg("%s", buf_cstr(&why));
    config_unref(c);
    k->list = tool_registry_list(snapshot_tools(k->snapshot));
    assert_int_equal(loop_init(&k->l, 0), 0);
    k->client = http_client_new(&k->l, &upstream_limits);
    k->runner = tool_runner_new(&k->l, k->client);
}

static inline void kit_end(kit *k) {
    assert_int_equal(tool_runner_calls(k->runner), 0);
    tool_list_unref(k->list);
    snapshot_unref(k->snapshot);
    tool_runner_close(k->runner);
    http_client_close(k->client);
    loop_stop(&k->l);
    loop_run(&k->l);
    tool_runner_free(k->runner);
    http_client_free(k->client);
    loop_done(&k->l);
}

static inline void kit_told(tool_waiter *w, const tool_result *result) {
    kit_call *c = CONTAINER_OF(w, kit_call, waiter);
    c->told++;
    c->call = NULL;
    c->outcome = result->outcome;
    c->ms = result->ms;
    buf_add(&c->text, result->text);
    uv_stop(&c->kit->l.uv); /* told before the loop waits, which nothing else may end */
}

static inline void kit_start(kit *k, kit_call *c, const char *name, const char *arguments) {
    const tool *t = tool_list_find(k->list, span_cstr(name));
    assert_non_null(t);
    *c = (kit_call){.waiter = {kit_told}, .kit = k};
    const tool_ask ask = {.arguments = span_cstr(arguments)};
    loop_read_clock(&k->l);
    c->call = tool_start(k->runner, t, &ask, &c->waiter);
    assert_int_equal(c->told, 0);
}

static inline void kit_wait(kit_call *c) {
    while (c->call)
        uv_run(&c->kit->l.uv, UV_RUN_ONCE);
    assert_int_equal(c->told, 1);
    (void)buf_cstr(&c->text);
}

/* The outcome's name, ": " and the text; the caller frees it. */
static inline char *kit_ask(kit *k, const char *name, const char *arguments) {
    kit_call c;
    buf said = BUF_EMPTY;
    kit_start(k, &c, name, arguments);
    kit_wait(&c);
    buf_addf(&said, "%s: %.*s", tool_outcome_name(c.outcome), SPAN_ARG(buf_span(&c.text)));
    buf_done(&c.text);
    char *text = strndup(buf_cstr(&said), said.len);
    buf_done(&said);
    return text;
}

static inline void kit_expect(kit *k, const char *name, const char *arguments, const char *want) {
    char *said = kit_ask(k, name, arguments);
    assert_string_equal(said, want);
    free(said);
}

#endif
