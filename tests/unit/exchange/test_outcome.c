/* What a call came to for its client, by the form it was answered in: the outcome of its record. */
#include "exchange/scene.h"

typedef struct row {
    const char *name;
    const exchange_form *form;
    const char *ask;
    const char *steps; /* of the provider and the client, one letter each: see play() */
    call_outcome outcome;
    int status;
} row;

/* h: head of a stream, p: of a plain answer, r: of bytes that nobody reads. c: content, P: a whole
 * body. e: the end, x: it breaks off, f: the provider refuses. k: long silence, which sends a
 * comment. l: the client leaves; d: the process ends. */
static void step(scene *c, char what) {
    const failure refused = refused_by_provider();
    switch (what) {
    case 'h': script_head(&c->s, ANSWER_STREAM); return;
    case 'p': script_head(&c->s, ANSWER_PLAIN); return;
    case 'r': script_head(&c->s, ANSWER_RAW); return;
    case 'c':
        script_say(&c->s, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}");
        return;
    case 'P':
        script_say_as(&c->s, ANSWER_PLAIN,
                      "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"Hi\"}}]}");
        return;
    case 'R': script_say_as(&c->s, ANSWER_RAW, "bytes"); return;
    case 'e': script_end(&c->s); return;
    case 'x': script_fail(&c->s, ERR_STREAM_CUT); return;
    case 'f': scene_fail(c, &refused); return;
    case 'k': world_pass(c->w, 20 * 1000); return;
    case 'l': exchange_cancel(c->s.x); return;
    case 'd': exchange_env_fail_all(&c->w->env, ERR_DRAINING); return;
    default: fail_msg("no step is called %c", what);
    }
}

static void each_way_to_end(void **state) {
    (void)state;
    static const row rows[] = {
        {"a stream that ends", &form_openai, ASK_STREAM, "hce", CALL_OK, 200},
        {"a plain answer", &form_openai, ASK_PLAIN, "pPe", CALL_OK, 200},
        {"an empty stream", &form_openai, ASK_STREAM, "he", CALL_OK, 200},
        {"a stream that breaks off", &form_openai, ASK_STREAM, "hcx", CALL_CUT, 200},
        {"bytes that break off", &form_openai, ASK_PLAIN, "rRx", CALL_CUT, 200},
        {"a stream that the process ends", &form_openai, ASK_STREAM, "hcd", CALL_CUT, 200},
        {"a stream to a program", &form_direct, ASK_STREAM, "hcx", CALL_CUT, 200},
        {"a refusal", &form_openai, ASK_PLAIN, "f", CALL_FAILED, 429},
        {"a refusal of a stream", &form_openai, ASK_STREAM, "f", CALL_FAILED, 429},
        {"a refusal to a program", &form_direct, ASK_STREAM, "f", CALL_FAILED, 429},
        {"no answer before the process ends", &form_openai, ASK_PLAIN, "d", CALL_FAILED, 503},
        {"a failure behind a comment", &form_openai, ASK_STREAM, "kf", CALL_FAILED, 200},
        {"an answer behind a comment", &form_openai, ASK_STREAM, "khce", CALL_OK, 200},
        {"a cut behind a comment", &form_openai, ASK_STREAM, "khcx", CALL_CUT, 200},
        {"a client that leaves its stream", &form_openai, ASK_STREAM, "hcl", CALL_CANCELLED, 499},
        {"a client that leaves before", &form_openai, ASK_PLAIN, "l", CALL_CANCELLED, 499},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        exchange_request r = world_request(rows[i].form, rows[i].ask);
        scene *c = scene_new(&r, "");
        for (const char *at = rows[i].steps; *at; at++)
            step(c, *at);
        world_pass(c->w, 0);
        if (c->a.record.outcome != rows[i].outcome || c->a.record.status != rows[i].status)
            fail_msg("%s: %.*s with %d", rows[i].name,
                     SPAN_ARG(call_outcome_word(c->a.record.outcome)), c->a.record.status);
        buf_clear(&c->a.said);
        scene_done(c, "");
    }
}

/* A response may say in its last event that it has failed, after some of it was told. */
static void a_response_that_failed(void **state) {
    (void)state;
    static const struct {
        const char *last;
        call_outcome outcome;
        error_id error;
    } rows[] = {
        {"{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
         "\"server_error\",\"message\":\"No.\"}}}",
         CALL_CUT, ERR_PROVIDER_ERROR},
        {"{\"type\":\"response.completed\",\"response\":{\"status\":\"completed\"}}", CALL_OK,
         ERR_NONE},
        {"{\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\"}}", CALL_OK,
         ERR_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        exchange_request r =
            world_request(&form_openai, "{\"model\":\"m\",\"stream\":true,\"input\":\"x\"}");
        r.endpoint = EP_RESPONSES;
        r.path = SPAN_OF("/responses");
        scene *c = scene_new(&r, "");
        script_head(&c->s, ANSWER_STREAM);
        script_say(&c->s, "{\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}");
        script_say(&c->s, rows[i].last);
        script_end(&c->s);
        world_pass(c->w, 0);
        assert_int_equal(c->a.record.outcome, rows[i].outcome);
        assert_int_equal(c->a.record.error, rows[i].error);
        assert_int_equal(c->a.record.status, 200);
        buf_clear(&c->a.said);
        scene_done(c, "");
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_to_end),
        cmocka_unit_test(a_response_that_failed),
    };
    return run_watched(tests);
}
