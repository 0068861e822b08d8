#include "unit.h"

#include "base/buf.h"
#include "json/json.h"
#include "observe/line.h"
#include "observe/records.h"

#include <stdio.h>
#include <time.h>

static line_clock clock_;
static buf out;

static int set_up(void **state) {
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    memset(&clock_, 0, sizeof clock_);
    buf_clear(&out);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    buf_done(&out);
    return 0;
}

static void assert_line(const char *expected) {
    assert_string_equal(buf_cstr(&out), expected);
}

static attempt_record try_of(const char *target, const char *outcome, int64_t us) {
    return (attempt_record){.target = span_cstr(target),
                            .outcome = outcome,
                            .began_us = 5000000,
                            .ended_us = 5000000 + us};
}

/* As little as a record may hold: refused before anything was known. */
static call_record refused(void) {
    return (call_record){
        .request_id = "019ab123-0000-7000-8000-000000000002",
        .started_wall_us = 1796126400000042,
        .endpoint = SPAN("chat"),
        .outcome = CALL_FAILED,
        .status = 401,
        .error = ERR_UNAUTHENTICATED,
        .usage = {-1, -1, -1, -1, -1, false},
        .first_byte_us = -1,
        .first_token_us = -1,
        .own_us = 9,
        .total_us = 12,
    };
}

static void json_has_every_field(void **state) {
    (void)state;
    call_record r = record_of_stream();
    line_json_call(&out, &clock_, &r);
    assert_line(
        "{\"time\":\"2026-12-01T12:00:01.500042Z\",\"level\":\"info\",\"event\":\"call\","
        "\"request_id\":\"019ab123-0000-7000-8000-000000000001\","
        "\"client_request_id\":\"mine-7\",\"client\":\"ci\",\"environment\":\"dev\",\"endpoint\":"
        "\"chat.completions\",\"model\":\"fast\","
        "\"target\":\"openai/"
        "gpt-4o-mini\",\"attempts\":2,\"hedges\":1,\"outcome\":\"ok\",\"status\":200,"
        "\"stream\":true,\"bytes_in\":1024,\"bytes_out\":700,\"prompt_tokens\":12,"
        "\"completion_tokens\":34,\"total_tokens\":46,\"cached_tokens\":0,"
        "\"cost_nano\":345000,"
        "\"first_byte_ms\":100.000,\"first_token_ms\":210.005,\"overhead_ms\":0.057,"
        "\"total_ms\":1500.000,\"provider_request_id\":\"req_1\",\"finish_reason\":\"stop\","
        "\"skipped_events\":1}\n");
}

/* docs/logs.md explains each field that a line may have. */
static void the_page_of_the_docs_names_every_field(void **state) {
    (void)state;
    char path[4096];
    buf page = unit_read(unit_source("docs/logs.md", path));

    call_record r = record_of_stream();
    r.error = ERR_STREAM_CUT;
    r.usage.reasoning = 1;
    r.usage.estimated = true;
    const attempt_record try = try_of("a", "ok", 1);
    r.tries = &try;
    r.attempts = 1;
    line_json_call(&out, &clock_, &r);
    json_value root;
    json_fault fault;
    assert_true(json_scan(buf_span(&out), NULL, &root, &fault));
    json_iter it = json_iter_of(root);
    json_member m;
    size_t fields = 0;
    for (; json_next_member(&it, &m); fields++) {
        char name[64];
        (void)snprintf(name, sizeof name, "`%.*s`", SPAN_ARG(m.key));
        if (!strstr(page.ptr, name)) fail_msg("docs/logs.md does not explain %s", name);
    }
    assert_int_equal(fields, 34);
    buf_done(&page);
}

static bool line_has(const char *text) {
    return strstr(buf_cstr(&out), text) != NULL;
}

/* Where it was asked, in which order, what came of it and how long that took. */
static void each_try_is_told(void **state) {
    (void)state;
    const attempt_record tries[] = {try_of("a/x", "overload", 12345), try_of("b", "ok", 801000)};
    call_record r = record_of_stream();
    r.tries = tries;
    line_json_call(&out, &clock_, &r);
    assert_true(line_has("\"attempts\":2,\"tries\":[[\"a/"
                         "x\",\"overload\",12.345],[\"b\",\"ok\",801.000]],\"hedges\":1"));
    buf_clear(&out);
    line_text_call(&out, &clock_, &r, false);
    assert_true(line_has(", 2 attempts (a/x overload 12ms, b ok 801ms), 1 events skipped"));

    r.attempts = 1; /* what there is to say of one the line says anyhow, to people */
    buf_clear(&out);
    line_json_call(&out, &clock_, &r);
    assert_true(line_has("\"attempts\":1,\"tries\":[[\"a/x\",\"overload\",12.345]],"));
    buf_clear(&out);
    line_text_call(&out, &clock_, &r, false);
    assert_false(line_has("attempts"));
}

static void of_many_tries_the_last(void **state) {
    (void)state;
    attempt_record tries[1000];
    char names[ARRAY_LEN(tries)][8];
    call_record r = record_of_stream();
    r.tries = tries;
    r.attempts = ARRAY_LEN(tries);
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        (void)snprintf(names[i], sizeof names[i], "t%zu", i);
        tries[i] = try_of(names[i], "silent", 0);
    }
    line_json_call(&out, &clock_, &r);
    assert_true(line_has("\"attempts\":1000,\"tries\":[[\"t984\",\"silent\",0.000],[\"t985\","));
    assert_true(line_has("[\"t999\",\"silent\",0.000]],\"hedges\""));
    buf_clear(&out);
    line_text_call(&out, &clock_, &r, false);
    assert_true(line_has("1000 attempts (t984 silent 0.0ms, t985 "));
    assert_false(line_has("t983"));
}

static void json_leaves_out_what_does_not_apply(void **state) {
    (void)state;
    call_record r = refused();
    line_json_call(&out, &clock_, &r);
    assert_line(
        "{\"time\":\"2026-12-01T12:00:00.000054Z\",\"level\":\"info\",\"event\":\"call\","
        "\"request_id\":\"019ab123-0000-7000-8000-000000000002\",\"endpoint\":\"chat\","
        "\"attempts\":0,\"outcome\":\"failed\",\"status\":401,\"error\":\"invalid_api_key\","
        "\"message\":\"The API key is "
        "missing or not known to this gateway.\",\"stream\":false,\"bytes_in\":0,\"bytes_out\":0,"
        "\"overhead_ms\":0.009,\"total_ms\":0.012}\n");
}

static void a_failed_call_is_a_warning(void **state) {
    (void)state;
    call_record r = refused();
    r.status = 502;
    r.outcome = CALL_FAILED;
    r.error = ERR_CONNECTION_LOST;
    r.error_text = SPAN_OF("local closed after 3 bytes");
    r.usage.prompt = 7;
    r.usage.estimated = true;
    line_json_call(&out, &clock_, &r);
    assert_non_null(strstr(buf_cstr(&out), "\"level\":\"warn\""));
    assert_non_null(strstr(buf_cstr(&out),
                           "\"error\":\"provider_connection_lost\",\"message\":\"local "
                           "closed after 3 bytes\""));
    assert_non_null(strstr(buf_cstr(&out), "\"prompt_tokens\":7,\"estimated\":true"));
}

static void events_have_their_pairs(void **state) {
    (void)state;
    log_field fields[] = {{"address", SPAN("127.0.0.1:8080")}, {"why", SPAN("a \"b\"\n")}};
    line_event e = {1796126400123456, LEVEL_ERROR, "listening", SPAN("weir listens."), fields, 2};
    line_json_event(&out, &clock_, &e);
    assert_line("{\"time\":\"2026-12-01T12:00:00.123456Z\",\"level\":\"error\","
                "\"event\":\"listening\",\"message\":\"weir listens.\","
                "\"address\":\"127.0.0.1:8080\",\"why\":\"a \\\"b\\\"\\n\"}\n");
    buf_clear(&out);
    line_text_event(&out, &clock_, &e, false);
    assert_line("12:00:00.123  error  listening: weir listens.  address=127.0.0.1:8080  "
                "why=\"a \"b\"\\x0a\"\n");
}

static void people_read_columns(void **state) {
    (void)state;
    call_record r = record_of_stream();
    line_text_call(&out, &clock_, &r, false);
    r = refused();
    line_text_call(&out, &clock_, &r, false);
    assert_line(
        "12:00:01.500  200  chat.completions   1500ms  fast -> openai/gpt-4o-mini  12+34 tokens, "
        "cost 0.000345000, "
        "first 210ms, 2 attempts, 1 events skipped, for ci  019ab123-0000-7000-8000-000000000001\n"
        "12:00:00.000  401  chat                0.0ms    invalid_api_key: The API key is missing "
        "or not known to this gateway.  019ab123-0000-7000-8000-000000000002\n");
}

static void colour_changes_no_column(void **state) {
    (void)state;
    call_record r = record_of_stream();
    line_event e = {1796126400123456, LEVEL_WARN, "drain", SPAN("Going."), NULL, 0};
    line_text_call(&out, &clock_, &r, false);
    line_text_event(&out, &clock_, &e, false);
    buf coloured = BUF_EMPTY, bare = BUF_EMPTY;
    line_text_call(&coloured, &clock_, &r, true);
    line_text_event(&coloured, &clock_, &e, true);
    for (size_t i = 0; i < coloured.len; i++) {
        if (coloured.ptr[i] == '\033')
            while (coloured.ptr[i] != 'm')
                i++;
        else
            buf_add_char(&bare, coloured.ptr[i]);
    }
    assert_true(coloured.len > bare.len);
    assert_string_equal(buf_cstr(&bare), buf_cstr(&out));
    buf_done(&coloured);
    buf_done(&bare);
}

/* Texts that a client or a provider chooses. */
static const span hostile[] = {
    SPAN("a\nb\r{\"level\":\"error\"}"),
    SPAN("\033[2J\033]0;title\007"),
    SPAN("\xFF\xC3"),
    SPAN("\xC2\x9B"
         "31m"), /* CSI as one character */
    SPAN("\xE2\x80\xAE"
         "gnp.exe"), /* right to left from here */
    SPAN("nul\0byte"),
    SPAN("\"}\\"),
    SPAN("del\177"),
};

static void no_text_leaves_its_line(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        call_record r = record_of_stream();
        attempt_record tries[] = {try_of("", "ok", 1), try_of("b", "ok", 1)};
        tries[0].target = hostile[i];
        r.tries = tries;
        r.model = r.target = r.client = r.provider_request_id = r.finish_reason = r.error_text =
            r.tags = r.user = r.peer = hostile[i];
        log_field field = {"k", hostile[i]};
        line_event e = {1796126400123456, LEVEL_INFO, "e", hostile[i], &field, 1};
        json_value root;
        json_fault fault;

        line_json_call(&out, &clock_, &r);
        assert_true(json_scan(buf_span(&out), NULL, &root, &fault));
        assert_int_equal(span_find(buf_span(&out), 0, '\n'), out.len - 1);
        buf_clear(&out);
        line_json_event(&out, &clock_, &e);
        assert_true(json_scan(buf_span(&out), NULL, &root, &fault));
        assert_null(strstr(buf_cstr(&out), "\xC2\x9B"));
        assert_null(strstr(buf_cstr(&out), "\xE2\x80\xAE"));
        assert_null(strchr(buf_cstr(&out), 0x7F));
        buf_clear(&out);

        line_text_call(&out, &clock_, &r, false);
        line_text_event(&out, &clock_, &e, false);
        assert_true(span_is_utf8(buf_span(&out)));
        size_t feeds = 0;
        for (size_t at = 0; at < out.len; at++) {
            feeds += out.ptr[at] == '\n';
            assert_true((unsigned char)out.ptr[at] >= 0x20 || out.ptr[at] == '\n');
            assert_true(out.ptr[at] != 0x7F);
        }
        assert_int_equal(feeds, 2);
        assert_null(strstr(buf_cstr(&out), "\xC2\x9B"));
        assert_null(strstr(buf_cstr(&out), "\xE2\x80\xAE"));
        buf_clear(&out);
    }
}

/* At each place of texts of each length: what JSON would let stand is escaped, and nothing else. */
static void wherever_it_stands_it_is_escaped(void **state) {
    (void)state;
    static const char *const unsafe[] = {"\x7F", "\xC2\x9B", "\xE2\x80\xAE"};
    static const char *const escaped[] = {"\\u007f", "\\u009b", "\\u202e"};
    char text[64], expected[64];
    log_field field = {"k", SPAN_EMPTY};
    line_event e = {1796126400123456, LEVEL_INFO, "e", SPAN("x"), &field, 1};
    for (size_t i = 0; i < ARRAY_LEN(unsafe); i++)
        for (int before = 0; before < 20; before++)
            for (int behind = 0; behind < 20; behind++) {
                static const char plain[] = "~~~~~~~~~~~~~~~~~~~~";
                (void)snprintf(text, sizeof text, "%.*s%s%.*s", before, plain, unsafe[i], behind,
                               plain);
                (void)snprintf(expected, sizeof expected, "\"%.*s%s%.*s\"", before, plain,
                               escaped[i], behind, plain);
                field.value = span_cstr(text);
                line_json_event(&out, &clock_, &e);
                assert_non_null(strstr(buf_cstr(&out), expected));
                buf_clear(&out);
            }
}

static void long_texts_are_cut_between_characters(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    buf_add_char(&text, 'x');
    while (text.len < 100000)
        buf_add(&text, SPAN_OF("\xC3\xA9"));
    call_record r = record_of_stream();
    r.model = r.error_text = buf_span(&text);
    line_json_call(&out, &clock_, &r);
    assert_true(out.len < LINE_WORD_MAX + LINE_TEXT_MAX + 1000);
    assert_null(strstr(buf_cstr(&out), "\xEF\xBF\xBD"));
    buf_done(&text);
}

static void durations_are_short(void **state) {
    (void)state;
    static const struct {
        int64_t us;
        const char *shown;
    } rows[] = {{0, "   0.0ms"},        {999, "   0.9ms"},     {9999, "   9.9ms"},
                {10000, "    10ms"},    {9999999, "  9999ms"}, {10000000, "   10.0s"},
                {600000000, "  600.0s"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call_record r = record_of_stream();
        r.total_us = rows[i].us;
        buf_clear(&out);
        line_text_call(&out, &clock_, &r, false);
        if (!strstr(buf_cstr(&out), rows[i].shown)) fail_msg("%s", buf_cstr(&out));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_has_every_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_page_of_the_docs_names_every_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_try_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_many_tries_the_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_leaves_out_what_does_not_apply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_call_is_a_warning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_have_their_pairs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(people_read_columns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(colour_changes_no_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wherever_it_stands_it_is_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_text_leaves_its_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_texts_are_cut_between_characters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(durations_are_short, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
