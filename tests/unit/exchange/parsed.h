/* A request that has been before the parse stage, under a configuration with small limits, and what
 * the stage made of it. */
#ifndef WEIR_TEST_PARSED_H
#define WEIR_TEST_PARSED_H

#include "unit.h"

#include "exchange/internal.h"

static config *conf;
static snapshot prepared;
static loop_snapshot ups;

static inline int setup(void **state) {
    (void)state;
    config_problems problems = {0};
    conf = config_parse(SPAN_OF("providers: {p: {kind: openai, url: 'http://127.0.0.1:9/v1'}}\n"
                                "models: {'*': p}\n"
                                "limits: {depth: 8, messages: 3, members: 512}\n"
                                "chat: {model: small, message_chars: 10, max_tokens: 100, "
                                "max_tokens_limit: 400, temperature: 0.5, system: Be brief.}\n"),
                        "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    assert_non_null(conf);
    prepared = (snapshot){.refs = 1, .config = conf};
    ups = (loop_snapshot){.refs = 1, .snapshot = &prepared};
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    config_unref(conf);
    return 0;
}

typedef struct parsed {
    exchange x;
    exchange_request request;
    stage_result result;
} parsed;

static inline parsed *parse_as(const exchange_form *form, endpoint e, http_headers headers,
                               span body, span path_model) {
    parsed *p = calloc(1, sizeof *p);
    p->x.snapshot = &ups;
    p->x.failure = (failure){.error = ERR_NONE};
    arena_init(&p->x.arena, 0);
    p->request = (exchange_request){.form = form,
                                    .endpoint = e,
                                    .method = SPAN("POST"),
                                    .path = SPAN("/chat/completions"),
                                    .headers = headers,
                                    .body = body,
                                    .model = path_model};
    p->x.request = &p->request;
    p->x.form = form;
    p->x.endpoint = e;
    p->result = stage_parse(&p->x);
    return p;
}

static inline parsed *parse_with(const exchange_form *form, endpoint e, http_headers headers,
                                 span body) {
    return parse_as(form, e, headers, body, SPAN_EMPTY);
}

static inline parsed *parse(const exchange_form *form, endpoint e, span body) {
    return parse_with(form, e, (http_headers){NULL, 0}, body);
}

static inline void done(parsed *p) {
    arena_done(&p->x.arena);
    free(p);
}

typedef struct row {
    endpoint endpoint;
    const char *body;
    error_id error;
    const char *param;
    const char *message;
} row;

static inline void check(const exchange_form *form, const row *r) {
    parsed *p = parse(form, r->endpoint, span_cstr(r->body));
    if (p->result != STAGE_ANSWER || p->x.failure.error != r->error) print_error("%s\n", r->body);
    assert_int_equal(p->result, STAGE_ANSWER);
    assert_int_equal(p->x.failure.error, r->error);
    assert_span(p->x.failure.param, r->param);
    assert_span(p->x.failure.text, r->message);
    done(p);
}

#define CHAT EP_CHAT_COMPLETIONS
#define M    "\"model\":\"m\",\"messages\":[{}]"

#endif
