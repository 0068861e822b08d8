/* The code of a call: what goes in comes out, and nothing else passes for one. */
#include "unit.h"

#include "base/mem.h"
#include "ledger/call.h"
#include "ledger/frame.h"
#include "ledger/tries.h"
#include "ledger/varint.h"

/* Each field has a value of its own. */
static ledger_call some_call(void) {
    ledger_call c = ledger_call_unknown;
    int64_t next = 1;
#define FILL_TEXT(name)       c.name = SPAN_OF("the " #name);
#define FILL_TAGS             FILL_TEXT
#define FILL_JSON             FILL_TEXT
#define FILL_BYTES(name)      c.name = SPAN_OF("\x03\x07" #name);
#define FILL_COUNT(name)      c.name = next++ * 300;
#define FILL_MONEY(name)      c.name = next++ * 1000000007;
#define FILL_FLAG(name)       c.name = true;
#define FILL_TIME(name)       c.name##_us = 1795890640836094 + next++;
#define FILL_DURATION(name)   c.name##_us = next++;
#define FILL_RATIO(name)      c.name##_ppm = next++;
#define X(number, kind, name) FILL_##kind(name)
#include "ledger/fields.def"
#undef X
    return c;
}

#define SAME_TEXT(a, b, name)     assert_true(span_eq((a)->name, (b)->name));
#define SAME_TAGS                 SAME_TEXT
#define SAME_JSON                 SAME_TEXT
#define SAME_BYTES(a, b, name)    assert_true(span_eq((a)->name, (b)->name));
#define SAME_COUNT(a, b, name)    assert_int_equal((a)->name, (b)->name);
#define SAME_MONEY(a, b, name)    assert_int_equal((a)->name, (b)->name);
#define SAME_FLAG(a, b, name)     assert_int_equal((a)->name, (b)->name);
#define SAME_TIME(a, b, name)     assert_int_equal((a)->name##_us, (b)->name##_us);
#define SAME_DURATION(a, b, name) assert_int_equal((a)->name##_us, (b)->name##_us);
#define SAME_RATIO(a, b, name)    assert_int_equal((a)->name##_ppm, (b)->name##_ppm);

static void assert_same(const ledger_call *a, const ledger_call *b) {
#define X(number, kind, name) SAME_##kind(a, b, name)
#include "ledger/fields.def"
#undef X
}

static void all_fields_come_back(void **state) {
    (void)state;
    const ledger_call c = some_call();
    ledger_call back;
    buf code = BUF_EMPTY;
    ledger_call_write(&c, &code);
    assert_true(ledger_call_read(buf_span(&code), &back));
    assert_same(&c, &back);
    buf_done(&code);
}

static void what_is_unknown_stays_so(void **state) {
    (void)state;
    ledger_call c = ledger_call_unknown, back;
    buf code = BUF_EMPTY;
    c.request_id = SPAN_OF("r");
    c.status = 0;
    ledger_call_write(&c, &code);
    assert_true(ledger_call_read(buf_span(&code), &back));
    assert_same(&c, &back);
    assert_int_equal(back.cost_nano, -1);
    assert_true(code.len < 10); /* the rest takes no room */
    buf_done(&code);
}

/* A later weir's fields are passed over, whether they are numbers or bytes. */
static void later_fields_are_passed_over(void **state) {
    (void)state;
    const ledger_call c = some_call();
    ledger_call back;
    buf code = BUF_EMPTY;
    varint_add(&code, 9000 << 1);
    varint_add(&code, 77);
    ledger_call_write(&c, &code);
    varint_add(&code, 9001 << 1 | 1);
    varint_add_bytes(&code, SPAN_OF("of tomorrow"));
    assert_true(ledger_call_read(buf_span(&code), &back));
    assert_same(&c, &back);
    buf_done(&code);
}

static void each_cut_is_refused_or_a_whole_field_less(void **state) {
    (void)state;
    const ledger_call c = some_call();
    ledger_call back;
    buf code = BUF_EMPTY;
    ledger_call_write(&c, &code);
    size_t refused = 0;
    for (size_t len = 0; len < code.len; len++) {
        char *exact = mem_alloc(len ? len : 1); /* a sanitizer sees what is read behind it */
        if (len) memcpy(exact, code.ptr, len);
        refused += !ledger_call_read(span_from(exact, len), &back);
        free(exact);
    }
    assert_true(refused > code.len / 2);
    buf_done(&code);
}

static void a_number_is_sixty_four_bits(void **state) {
    (void)state;
    static const struct {
        span bytes;
        bool good;
        uint64_t value;
    } rows[] = {
        {SPAN("\x00"), true, 0},
        {SPAN("\x7f"), true, 127},
        {SPAN("\x80\x01"), true, 128},
        {SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), true, UINT64_MAX},
        {SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), false, 0},
        {SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, 0},
        {SPAN("\x80"), false, 0},
        {SPAN(""), false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span rest = rows[i].bytes;
        uint64_t value = 0;
        assert_int_equal(varint_take(&rest, &value), rows[i].good);
        assert_int_equal(value, rows[i].value);
        if (rows[i].good) assert_int_equal(rest.len, 0);
    }
}

/* ---- attempts ---- */

static void attempts_come_back(void **state) {
    (void)state;
    const attempt_record tries[] = {
        {.target = SPAN("openai/gpt-4o"),
         .outcome = "overload",
         .status = 503,
         .usage = token_usage_unknown,
         .began_us = 1000,
         .sent_us = 1100,
         .head_us = 2000,
         .ended_us = 2100,
         .cost_nano = -1},
        {.target = SPAN("local/llama"),
         .outcome = "ok",
         .status = 200,
         .hedge = true,
         .provider_request_id = SPAN("req_1"),
         .usage = {8, 3, 11, 4, 1, .estimated = true},
         .began_us = 2200,
         .sent_us = 2300,
         .head_us = 3000,
         .first_content_us = 3100,
         .ended_us = 9000,
         .cost_nano = 1234},
    };
    const call_record r = {.started_us = 1000, .attempts = 2, .tries = tries};
    buf code = BUF_EMPTY, json = BUF_EMPTY;
    tries_write(&r, &code);
    span rest = buf_span(&code);
    ledger_try t;
    assert_true(tries_take(&rest, &t));
    assert_span(t.outcome, "overload");
    assert_int_equal(t.began_us, 0);
    assert_int_equal(t.ended_us, 1100);
    assert_int_equal(t.first_content_us, -1);
    assert_int_equal(t.prompt_tokens, -1);
    assert_true(tries_take(&rest, &t));
    assert_true(t.hedge && t.estimated);
    assert_int_equal(t.cost_nano, 1234);
    assert_false(tries_take(&rest, &t));
    json_writer w = json_writer_of(&json);
    tries_json(buf_span(&code), &w);
    assert_span(buf_span(&json),
                "[{\"target\":\"openai/gpt-4o\",\"outcome\":\"overload\",\"status\":503,\"hedge\":"
                "false,\"began_ms\":0.000,\"sent_ms\":0.100,\"head_ms\":1.000,\"ended_ms\":1.100,"
                "\"estimated\":false},"
                "{\"target\":\"local/llama\",\"outcome\":\"ok\",\"status\":200,"
                "\"provider_request_id\":\"req_1\",\"hedge\":true,\"began_ms\":1.200,\"sent_ms\":"
                "1.300,\"head_ms\":2.000,\"first_content_ms\":2.100,\"ended_ms\":8.000,"
                "\"prompt_tokens\":8,\"completion_tokens\":3,\"cached_tokens\":4,"
                "\"reasoning_tokens\":1,\"estimated\":true,\"cost_nano\":1234}]");
    buf_done(&code);
    buf_done(&json);
}

/* Two long names still have a length of two bytes. */
static void usage_is_told_in_the_records_words(void **state) {
    (void)state;
    static const struct {
        int64_t in, out, audio;
    } rows[] = {{-1, -1, -1}, {3, -1, 3}, {-1, 4, 4}, {3, 4, 7}, {0, 0, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        call_record r = {.usage = token_usage_unknown};
        buf tries = BUF_EMPTY;
        r.usage.cache_write = 5;
        r.usage.audio_prompt = rows[i].in;
        r.usage.audio_completion = rows[i].out;
        ledger_call c = ledger_call_of(&r, &tries);
        assert_int_equal(c.audio_tokens, rows[i].audio);
        assert_int_equal(c.cache_write_tokens, 5);
        buf_done(&tries);
    }
}

static void long_names_are_cut(void **state) {
    (void)state;
    char name[1000];
    memset(name, 'n', sizeof name);
    const attempt_record try = {
        .target = span_from(name, sizeof name),
        .outcome = "ok",
        .provider_request_id = span_from(name, sizeof name),
        .usage = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, .estimated = true},
        .began_us = 1,
        .ended_us = INT64_MAX,
        .cost_nano = INT64_MAX};
    const call_record r = {.attempts = 1, .tries = &try};
    buf code = BUF_EMPTY;
    tries_write(&r, &code);
    span rest = buf_span(&code);
    ledger_try t;
    assert_true(tries_take(&rest, &t));
    assert_int_equal(rest.len, 0);
    assert_int_equal(t.target.len, 256);
    assert_int_equal(t.cost_nano, INT64_MAX);
    buf_done(&code);
}

/* A client names the model, and with it the target where the configuration leaves that to it. A
 * record of whatever it says, through as many attempts as there may be, is one that is read back.
 */
static void no_word_makes_a_record_too_long(void **state) {
    (void)state;
    enum { WORD = 100 * 1000, ATTEMPTS = 40 };
    static char text[WORD];
    memset(text, 'w', sizeof text);
    const span word = span_from(text, sizeof text);
    static attempt_record tries[ATTEMPTS];
    for (size_t i = 0; i < ATTEMPTS; i++)
        tries[i] = (attempt_record){
            .target = word, .outcome = "rate limited", .provider_request_id = word};
    const call_record r = {.request_id = "01943f2c-1b2e-7abc-8def-0123456789ab",
                           .user = word,
                           .model = word,
                           .target = word,
                           .provider_request_id = word,
                           .finish_reason = word,
                           .error = ERR_INTERNAL,
                           .error_text = word,
                           .usage_text = span_clip(word, RECORD_USAGE_MAX),
                           .attempts = ATTEMPTS,
                           .tries = tries};
    buf of_tries = BUF_EMPTY, code = BUF_EMPTY;
    const ledger_call c = ledger_call_of(&r, &of_tries);
    ledger_call_write(&c, &code);
    assert_in_range(code.len, 1, FRAME_PAYLOAD_MAX);
    assert_int_equal(c.target.len, 256); /* a part of a key in the store */
    buf_done(&of_tries);
    buf_done(&code);
}

static void fallbacks_are_targets_that_were_left(void **state) {
    (void)state;
    const attempt_record tries[] = {{.target = SPAN("a")},
                                    {.target = SPAN("a")},
                                    {.target = SPAN("b"), .hedge = true},
                                    {.target = SPAN("c")},
                                    {.target = SPAN("a")}};
    const call_record r = {.attempts = 5, .tries = tries};
    assert_int_equal(tries_fallbacks(&r), 2);
    assert_int_equal(tries_fallbacks(&(call_record){0}), 0);
}

/* As the importer reads reserves: whatever else is in them. */
static void an_id_is_read_alone(void **state) {
    (void)state;
    ledger_call c = some_call();
    buf whole = BUF_EMPTY, nameless = BUF_EMPTY;
    span id;
    ledger_call_write(&c, &whole);
    assert_true(ledger_call_read_id(buf_span(&whole), &id));
    assert_true(span_eq(id, c.request_id));
    size_t end = (size_t)(id.ptr + id.len - whole.ptr);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(ledger_call_read_id(span_from(whole.ptr, len), &id), len >= end);
    c.request_id = SPAN_EMPTY;
    ledger_call_write(&c, &nameless);
    assert_false(ledger_call_read_id(buf_span(&nameless), &id));
    static const char empty[] = {1 << 1 | 1, 0}, number[] = {1 << 1, 5};
    assert_false(ledger_call_read_id(span_from(empty, sizeof empty), &id));
    assert_false(ledger_call_read_id(span_from(number, sizeof number), &id));
    buf_done(&whole);
    buf_done(&nameless);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_fields_come_back),
        cmocka_unit_test(an_id_is_read_alone),
        cmocka_unit_test(what_is_unknown_stays_so),
        cmocka_unit_test(later_fields_are_passed_over),
        cmocka_unit_test(each_cut_is_refused_or_a_whole_field_less),
        cmocka_unit_test(a_number_is_sixty_four_bits),
        cmocka_unit_test(attempts_come_back),
        cmocka_unit_test(usage_is_told_in_the_records_words),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(no_word_makes_a_record_too_long),
        cmocka_unit_test(fallbacks_are_targets_that_were_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
