/* One attempt that fails: connections, answers that are none, and refusals. */
#include "attempt_rows.h"

/* ---- failures ---- */

static void connections_fail(void **state) {
    (void)state;
    static const row rows[] = {
        {.script = "refuse",
         .heard = "connection provider_unreachable 502",
         .text = "The provider could not be reached. (a: as told)"},
        {.script = "tls", .heard = "tls provider_tls_failed 502"},
        {.script = "unconnected",
         .heard = "silent connect_timeout 504",
         .text = "Connecting to the provider took too long. (a: as told, as timeouts.connect "
                 "says)"},
        {.script = "mute",
         .heard = "silent first_byte_timeout 504",
         .text = "The provider did not begin to answer in time. (a: as told, as "
                 "timeouts.first_byte says)"},
        {.script = "reset", .heard = "connection provider_connection_lost 502"},
        {.script = "garbage", .heard = "malformed provider_bad_answer 502"},
        {.script = "short pool",
         .heard = "our_way no_free_connection 503",
         .text = "The gateway's connections to the provider are all busy. (a: as told)"},
        {.script = "short share", .heard = "our_way no_free_connection 503"},
        {.script = "short descriptors",
         .heard = "our_shortage out_of_resources 503",
         .text = "The gateway has not what it needs to reach the provider. (a: as told)"},
        {.script = "short files", .heard = "our_shortage out_of_resources 503"},
        {.script = "short memory", .heard = "our_shortage out_of_resources 503"},
        {.script = "short ports", .heard = "our_way out_of_resources 503"},
        {.script = "short network", .heard = "our_way out_of_resources 503"},
        {.script = "short barred", .heard = "our_way out_of_resources 503"},
        {.script = "short names", .heard = "our_way out_of_resources 503"},
        {.script = "short proxy",
         .heard = "our_way proxy_failed 503",
         .text = "The gateway's proxy did not lead to the provider. (a: as told)"},
        {.script = "large",
         .heard = "our_limit provider_answer_too_large 503",
         .text = "The provider's answer is larger than the configured limit. (a: as told)"},
        {.script = "unsendable", .heard = "target internal_error 500"},
        /* The kernel's memory may go at any time. */
        {.script = "200 stream|say Hi|short memory",
         .heard = "stream 200; Hi; our_shortage out_of_resources 503"},
        {.options = "timeouts: {first_token: 50ms}\n",
         .script = "queued",
         .heard = "our_way no_free_connection 503",
         .text = "The gateway's connections to the provider are all busy. (a: nothing could be "
                 "sent within timeouts.first_token (50 ms))"},
        {.plain = true,
         .script = "200|bytes {|short memory",
         .heard = "plain 200; our_shortage out_of_resources 503"},
        {.plain = true,
         .script = "200|bytes {|cut",
         .heard = "plain 200; connection provider_connection_lost 502"},
        {.plain = true,
         .script = "200|bytes {|idle",
         .heard = "plain 200; silent stream_stalled 504"},
        {.endpoint = EP_OTHER,
         .script = "200 raw|bytes x sk-p|cut",
         .heard = "raw 200; x ; sk-p; connection provider_connection_lost 502"},
        {.script = "200 stream|say Hi|cut",
         .heard = "stream 200; Hi; connection stream_interrupted 502",
         .text = "The provider's stream ended before the answer was complete. (a: as told)"},
        {.script = "200 stream|say Hi|idle", .heard = "stream 200; Hi; silent stream_stalled 504"},
        {.script = "200 stream|say Hi|end",
         .heard = "stream 200; Hi; connection stream_interrupted 502",
         .text = "The provider's stream ended before the answer was complete."},
        {.script = "200 stream|finish|cut", .heard = "stream 200; .stop; end"},
        {.endpoint = EP_RESPONSES,
         .script = "200 stream|event {\"type\":\"response.completed\",\"response\":{}}|cut",
         .heard = "stream 200; -; end"},
        {.endpoint = EP_OTHER,
         .script = "200 stream|event x|cut",
         .heard = "stream 200; -; connection stream_interrupted 502"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void answers_that_are_none(void **state) {
    (void)state;
    static const row rows[] = {
        {.plain = true,
         .script = "200|bytes <html>|end",
         .heard = "plain 200; malformed provider_bad_answer 502",
         .text = "The provider's answer is not valid JSON."},
        {.plain = true,
         .script = "200|end",
         .heard = "plain 200; malformed provider_bad_answer 502"},
        {.plain = true,
         .script = "200|bytes {}|end",
         .heard = "plain 200; malformed provider_bad_answer 502",
         .text = "The provider's answer has no choices."},
        {.script = "200|bytes {\"choices\":[]}|end", /* for a stream */
         .heard = "stream 200; malformed provider_bad_answer 502"},
        {.plain = true,
         .endpoint = EP_EMBEDDINGS,
         .script = "200|bytes {\"data\":[]}|end",
         .heard = "plain 200; malformed provider_bad_answer 502",
         .text = "The provider's answer has no embeddings."},
        {.plain = true,
         .endpoint = EP_RESPONSES,
         .script = "200|bytes {\"status\":\"failed\",\"output\":[]}|end",
         .heard = "plain 200; malformed provider_bad_answer 502",
         .text = "The provider's response failed, and does not say why."},
        {.script = "200 stream|done|end", .heard = "stream 200; malformed provider_bad_answer 502"},
        {.script = "200 stream|end", .heard = "stream 200; malformed provider_bad_answer 502"},
        {.script = "200 stream|role|usage|done",
         .heard = "stream 200; -; usage; malformed provider_bad_answer 502"},
        {.script = "200 stream|event {\"choices\":[],\"prompt_filter_results\":[]}|bytes data: "
                   "[DONE]|end",
         .heard = "stream 200; -; malformed provider_bad_answer 502"},
        {.endpoint = EP_RESPONSES,
         .script = "200 stream|event {\"type\":\"response.created\",\"response\":{}}|done",
         .heard = "stream 200; -; malformed provider_bad_answer 502"},
        /* Not its own end: that is a broken connection, whatever has come. */
        {.script = "200 stream|role|cut",
         .heard = "stream 200; -; connection stream_interrupted 502"},
        /* What nobody reads may be empty. */
        {.endpoint = EP_OTHER, .script = "200 stream|end", .heard = "stream 200; end"},
        {.script = "200 stream|bytes data: [\\n\\n|end",
         .heard = "stream 200; malformed provider_bad_answer 502",
         .text = "The provider's stream ended without an answer."},
        {.plain = true,
         .script = "200 content-encoding: compress|end",
         .heard = "target provider_bad_encoding 502",
         .text = "The provider sent its answer with Content-Encoding: compress; of gzip, deflate, "
                 "br, zstd one is understood."},
        {.script = "200 content-encoding: gzip; content-encoding: br|end",
         .heard = "target provider_bad_encoding 502",
         .text = "The provider sent its answer with Content-Encoding: gzip, br; of gzip, deflate, "
                 "br, zstd one is understood."},
        /* 39 bytes, then a character of two: it is not cut in half. */
        {.plain = true,
         .script = "200 content-encoding: 123456789012345678901234567890123456789\xC3\xA9|end",
         .heard = "target provider_bad_encoding 502",
         .text = "The provider sent its answer with Content-Encoding: "
                 "123456789012345678901234567890123456789; of gzip, deflate, br, zstd one is "
                 "understood."},
        {.plain = true,
         .script = "200 content-encoding: \xFF\xFE|end",
         .heard = "target provider_bad_encoding 502"},
        /* Undone where it comes from (http/client.h). */
        {.plain = true,
         .script = "200 content-encoding: identity|bytes " HI "|end",
         .heard = "plain 200; Hi; end " HI},
        {.plain = true,
         .script = "200 content-encoding: GZIP|bytes " HI "|end",
         .heard = "plain 200; Hi; end " HI},
        {.script = "200 stream|say Hi|dense",
         .heard = "stream 200; Hi; our_limit provider_answer_too_large 503",
         .text = "The provider's answer is larger than the configured limit. (a: as told)"},
        {.options = "limits: {event: 1KB}\n",
         .script = "200 stream|say " TOO_MUCH,
         .heard = "stream 200; our_limit provider_answer_too_large 503",
         .text = "An event of the provider's stream is larger than limits.event (1024 bytes)."},
        {.options = "limits: {answer: 1KB}\n",
         .plain = true,
         .script = "200|bytes " TOO_MUCH "|end",
         .heard = "plain 200; our_limit provider_answer_too_large 503",
         .text = "The provider's answer is larger than limits.answer (1024 bytes)."},
        /* Told by the end of the body alone: of events that are put together, the last; of a
         * document, what is made of it. */
        {.options = "limits: {answer: 1KB}\n",
         .plain = true,
         .script = "200 stream|bytes data: {\"choices\":[{\"delta\":{\"content\":\"" TOO_MUCH
                   "\"}}]}|end",
         .heard = "plain 200; our_limit provider_answer_too_large 503",
         .text = "The provider's answer is larger than limits.answer (1024 bytes)."},
        {.options = "limits: {answer: 1KB}\n",
         .script = "200|bytes {\"choices\":[{\"message\":{}},{\"message\":{}},{\"message\":{}},"
                   "{\"message\":{}},{\"message\":{}},{\"message\":{}},{\"message\":{}},"
                   "{\"message\":{}},{\"message\":{}},{\"message\":{}},{\"message\":{}},"
                   "{\"message\":{}},{\"message\":{}},{\"message\":{}},{\"message\":{}}]}|end",
         .heard = "stream 200; our_limit provider_answer_too_large 503"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

static void refusals(void **state) {
    (void)state;
#define ERROR_OF(code)                                                                             \
    "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"param\":null,\"code\":" code "}}"
    static const row rows[] = {
        {.script = "429|bytes " ERROR_OF("\"x\"") "|end",
         .heard = "limit provider_error 429 " ERROR_OF("\"x\"")},
        {.plain = true, .script = "299|bytes " HI "|end", .heard = "plain 299; Hi; end " HI},
        {.plain = true,
         .script = "300|bytes " ERROR_OF("\"x\"") "|end",
         .heard = "target provider_redirected 502"},
        {.script = "302 location: https://b.test/v1?key=s3cret; content-encoding: gzip",
         .heard = "target provider_redirected 502",
         .text = "The url of provider a redirects elsewhere (status 302). weir follows no "
                 "redirects; the configuration must name the place itself."},
        {.plain = true,
         .script = "399|bytes " HI "|end",
         .heard = "target provider_redirected 502"},
        {.script = "400 location: https://b.test/|bytes " ERROR_OF("\"x\"") "|end",
         .heard = "request provider_error 400 " ERROR_OF("\"x\"")},
        /* Its status alone says enough. */
        {.script = "503 content-encoding: compress|bytes junk|end",
         .heard =
             "overload provider_error 503 {\"error\":{\"message\":\"The provider answered with "
             "status 503 and no explanation.\",\"type\":\"server_error\",\"param\":null,\"code\":"
             "\"provider_error\"}}"},
        {.script = "503|dense",
         .heard =
             "overload provider_error 503 {\"error\":{\"message\":\"The provider answered with "
             "status 503 and no explanation.\",\"type\":\"server_error\",\"param\":null,\"code\":"
             "\"provider_error\"}}"},
        {.script = "503|bytes {|cut",
         .heard =
             "overload provider_error 503 {\"error\":{\"message\":\"The provider answered with "
             "status 503: {\",\"type\":\"server_error\",\"param\":null,\"code\":"
             "\"provider_error\"}}"},
        {.plain = true,
         .script = "200|bytes " ERROR_OF("429") "|end",
         .heard = "plain 200; limit provider_error 429 " ERROR_OF("\"429\"")},
        {.script = "200 stream|event " ERROR_OF("429"),
         .heard = "stream 200; limit provider_error 429 " ERROR_OF("\"429\"")},
        {.script = "200 stream|say Hi|event " ERROR_OF("\"context_length_exceeded\""),
         .heard = "stream 200; Hi; context_length provider_error 502 " ERROR_OF(
             "\"context_length_exceeded\"")},
        {.script = "200 stream|event {\"error\":{\"message\":\"sk-provider-a\"}}",
         .heard = "stream 200; overload provider_error 502 {\"error\":{\"message\":"
                  "\"[redacted]\",\"type\":\"server_error\",\"param\":null,\"code\":null}}"},
    /* In whatever form it comes: its own words, in OpenAI's shape. */
#define SHAPED(text, type, code)                                                                   \
    "{\"error\":{\"message\":\"The provider answered with status " text "\",\"type\":\"" type      \
    "\",\"param\":null,\"code\":\"" code "\"}}"
        {.plain = true,
         .script = "200|bytes "
                   "{\"object\":\"error\",\"message\":\"slow\",\"type\":\"t\",\"code\":429}|end",
         .heard = "plain 200; limit provider_error 429 " SHAPED("429: slow", "t", "429")},
        {.plain = true,
         .script = "200|bytes {\"detail\":\"prompt is too long\",\"status\":400}|end",
         .heard = "plain 200; context_length provider_error 400 " SHAPED(
             "400: prompt is too long", "invalid_request_error", "provider_error")},
        {.script = "200 stream|role|event {\"detail\":\"it broke\"}",
         .heard = "stream 200; -; overload provider_error 502 " SHAPED(
             "502: it broke", "server_error", "provider_error")},
        {.script = "200 stream|say Hi|bytes event: error\\ndata: it broke\\n\\n|wait 900",
         .heard = "stream 200; Hi; overload provider_error 502 " SHAPED(
             "502: it broke", "server_error", "provider_error"),
         .took_ms = 1},
        {.endpoint = EP_RESPONSES,
         .plain = true,
         .script =
             "200|bytes {\"status\":\"failed\",\"error\":{\"code\":\"context_length_exceeded\","
             "\"message\":\"long\"}}|end",
         .heard = "plain 200; context_length provider_error 502 " SHAPED(
             "502: long", "server_error", "context_length_exceeded")},
        /* Plain JSON on a path that weir does not know is the client's to read. */
        {.endpoint = EP_OTHER,
         .script = "200|bytes " ERROR_OF("429") "|end",
         .heard = "plain 200; -; end " ERROR_OF("429")},
        {.endpoint = EP_OTHER,
         .script = "200 stream|event " ERROR_OF("429"),
         .heard = "stream 200; limit provider_error 429 " ERROR_OF("\"429\"")},
        {.endpoint = EP_RESPONSES,
         .plain = true,
         .script = "200|bytes " ERROR_OF("429") "|end",
         .heard = "plain 200; limit provider_error 429 " ERROR_OF("\"429\"")},
#define RESPONSE_FAILED                                                                            \
    "event "                                                                                       \
    "{\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"rate_limit_exceeded\","     \
    "\"message\":\"slow\"}}}"
        /* Before any content another may answer; after it the client has it as it came. */
        {.endpoint = EP_RESPONSES,
         .script = "200 stream|" RESPONSE_FAILED,
         .heard = "stream 200; limit provider_error 502 {\"error\":{\"message\":\"The provider "
                  "answered with status 502: slow\",\"type\":\"server_error\",\"param\":null,"
                  "\"code\":\"rate_limit_exceeded\"}}"},
        {.endpoint = EP_RESPONSES,
         .script =
             "200 stream|event "
             "{\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}|" RESPONSE_FAILED "|end",
         .heard =
             "stream 200; Hi; failed\"code\":\"rate_limit_exceeded\",\"message\":\"slow\"; end"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        plays(&rows[i]);
}

/* A refusal of any size is read no further than to a bound. */
static void a_refusal_without_end(void **state) {
    (void)state;
    buf script = BUF_EMPTY;
    buf_add_cstr(&script, "500");
    for (int i = 0; i < 260; i++)
        buf_add_cstr(&script, "|bytes " TOO_MUCH);
    const row r = {.script = buf_cstr(&script)};
    owner o;
    const request_facts facts = facts_for(&r);
    owner_start(&o, &r, &facts);
    world_run_until(&o.w, o.w.began_ms + 10);
    assert_true(o.over);
    assert_int_equal(o.last.class, FAIL_OVERLOAD);
    assert_string_equal(buf_cstr(&o.w.asking), "aA");
    owner_done(&o);
    buf_done(&script);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_fail),
        cmocka_unit_test(answers_that_are_none),
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_refusal_without_end),
    };
    return run_watched(tests);
}
