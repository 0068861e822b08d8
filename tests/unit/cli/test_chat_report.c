/* cli/chat_report: what is said of an answer. */
#include "cli/chat_report.h"
#include "unit.h"

static const weir_result good = {.code = WEIR_OK,
                                 .status = 200,
                                 .text = "Hi.",
                                 .text_len = 3,
                                 .safe_text = "Hi.",
                                 .retry_after_ms = -1,
                                 .model = "gpt-4o-mini",
                                 .target = "openai/gpt-4o-mini",
                                 .finish_reason = "stop",
                                 .request_id = "r-1",
                                 .attempts = 1,
                                 .prompt_tokens = 12,
                                 .completion_tokens = 34,
                                 .total_tokens = 46,
                                 .cached_tokens = -1,
                                 .reasoning_tokens = -1,
                                 .response_seconds = 1.25,
                                 .first_token_seconds = 0.5};

static void says_usage(weir_result r, const char *text) {
    buf out = BUF_EMPTY;
    chat_report_usage(&r, &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_done(&out);
}

static void usage(void **state) {
    (void)state;
    weir_result r = good;
    says_usage(r, "12 + 34 tokens, 1.2 s, first token after 0.5 s, openai/gpt-4o-mini");
    r.model = "gpt-4o-mini-2026\033[2J", r.attempts = 3, r.cached_tokens = 8,
    r.reasoning_tokens = 20;
    says_usage(r, "12 + 34 tokens, 8 cached, 20 reasoning, 1.2 s, first token after 0.5 s, "
                  "gpt-4o-mini-2026 by openai/gpt-4o-mini, 3 attempts");
    r = good, r.tokens_estimated = 1, r.first_token_seconds = -1, r.target = NULL;
    says_usage(r, "about 12 + 34 tokens, 1.2 s, gpt-4o-mini");
    r.prompt_tokens = -1, r.model = NULL;
    says_usage(r, "tokens unknown, 1.2 s");
}

static void remarks(void **state) {
    (void)state;
    weir_result r = good;
    assert_null(chat_report_remark(&r));
    r.finish_reason = NULL;
    assert_null(chat_report_remark(&r));
    r.text = NULL, r.text_len = 0;
    assert_string_equal(chat_report_remark(&r), "the answer is empty");
    r.finish_reason = "tool_calls";
    assert_string_equal(chat_report_remark(&r),
                        "the model wants to call a tool, and there is none");
    r = good, r.finish_reason = "length";
    assert_string_equal(chat_report_remark(&r),
                        "the answer stops here because it has reached its limit of tokens");
    r.finish_reason = "content_filter";
    assert_string_equal(chat_report_remark(&r),
                        "the answer stops here because the provider's filter has cut it");
    r.finish_reason = "unfinished";
    assert_string_equal(chat_report_remark(&r),
                        "the provider does not say why the answer stops here");
}

static weir_result bad(void) {
    weir_result r = good;
    r.code = WEIR_RATE_LIMITED, r.status = 429, r.text = NULL, r.text_len = 0, r.attempts = 4;
    r.safe_text = "Too many requests.", r.error_message = "Slow \033[31mdown.",
    r.request_id = "r-2";
    r.error_type = "requests", r.error_code = "rate_limit_exceeded", r.retry_after_ms = 2000;
    return r;
}

static void failures(void **state) {
    (void)state;
    weir_result r = bad();
    buf out = BUF_EMPTY;
    chat_report_failure(&r, &out);
    assert_string_equal(
        buf_cstr(&out),
        "Too many requests.\nreason: Slow down. (rate_limited, HTTP status 429, from "
        "openai/gpt-4o-mini, 4 attempts, request r-2)");
    buf_done(&out);
}

static void says_json(weir_result r, const char *text) {
    buf out = BUF_EMPTY;
    chat_report_json(&r, &out);
    assert_string_equal(buf_cstr(&out), text);
    buf_done(&out);
}

static void objects(void **state) {
    (void)state;
    weir_result r = good;
    r.text = "\"\0\n", r.cached_tokens = 8;
    says_json(
        r,
        "{\"text\":\"\\\"\\u0000\\n\",\"model\":\"gpt-4o-mini\",\"target\":\"openai/gpt-4o-mini\","
        "\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":34,"
        "\"total_tokens\":46,\"cached_tokens\":8,\"reasoning_tokens\":null,"
        "\"estimated\":false},\"seconds\":1.250000,\"first_token_seconds\":0.500000,\"attempts\":1,"
        "\"request_id\":\"r-1\",\"provider_request_id\":null,\"error\":null}");
    r = bad(), r.first_token_seconds = -1, r.prompt_tokens = -1;
    says_json(
        r, "{\"text\":null,\"model\":\"gpt-4o-mini\",\"target\":\"openai/gpt-4o-mini\","
           "\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":null,\"completion_tokens\":34,"
           "\"total_tokens\":46,\"cached_tokens\":null,\"reasoning_tokens\":null,"
           "\"estimated\":false},\"seconds\":1.250000,\"first_token_seconds\":null,\"attempts\":4,"
           "\"request_id\":\"r-2\",\"provider_request_id\":null,\"error\":{\"kind\":"
           "\"rate_limited\",\"message\":\"Slow \\u001b[31mdown.\",\"type\":\"requests\","
           "\"code\":\"rate_limit_exceeded\",\"param\":null,\"status\":429,"
           "\"retry_after_ms\":2000}}");
}

static void waits(void **state) {
    (void)state;
    static const struct {
        weir_code code;
        int64_t wait_ms;
        const char *said;
    } rows[] = {
        {WEIR_RATE_LIMITED, 20000, "rate limited, again in 20 s"},
        {WEIR_RATE_LIMITED, 1001, "rate limited, again in 2 s"},
        {WEIR_UNREACHABLE, 1000, "no connection, again in 1 s"},
        {WEIR_TIMEOUT, 59001, "no answer in time, again in 1 min 0 s"},
        {WEIR_PROVIDER, 125000, "the provider failed, again in 2 min 5 s"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        chat_report_wait(&(weir_wait){.code = rows[i].code, .wait_ms = rows[i].wait_ms}, &out);
        assert_string_equal(buf_cstr(&out), rows[i].said);
        buf_done(&out);
    }
}

static void summaries(void **state) {
    (void)state;
    static const char *const models[] = {"a", "b\a"};
    weir_summary s = {.total_calls = 3,
                      .successful_calls = 2,
                      .failed_calls = 1,
                      .prompt_tokens = 20,
                      .completion_tokens = 5,
                      .average_response_time = 1.5,
                      .retries = 2,
                      .models_used = models,
                      .models_used_count = 2};
    buf out = BUF_EMPTY;
    chat_report_summary(&s, &out);
    assert_string_equal(buf_cstr(&out),
                        "3 calls, 1 of them failed, 20 + 5 tokens, 1.5 s on average, "
                        "retries: 2, models: a, b");
    buf_clear(&out);
    s.total_calls = 5, s.failed_calls = 3, s.cancelled_calls = 2, s.estimated_tokens = 4;
    chat_report_summary(&s, &out);
    assert_string_equal(buf_cstr(&out),
                        "5 calls, 2 of them stopped, 1 of them failed, about 20 + 5 tokens, 1.5 s "
                        "on average, retries: 2, models: a, b");
    buf_clear(&out);
    chat_report_summary(&(weir_summary){.total_calls = 0}, &out);
    assert_string_equal(buf_cstr(&out), "0 calls, 0 + 0 tokens");
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usage),   cmocka_unit_test(remarks), cmocka_unit_test(failures),
        cmocka_unit_test(objects), cmocka_unit_test(waits),   cmocka_unit_test(summaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
