/* What is written in base64 or behind percent escapes is found where that is asked for, in a stream
 * as in a whole text, wherever it is cut. */
#include "unit.h"

#include "corpus_personal.h"
#include "corpus_words.h"
#include "lanes.h"

static guard_set *set;
static guard_policy *redact, *block, *flag, *blind;
static guard_scratch *scratch;

/* ---- codes ---- */

static void add_base64(buf *b, span text, bool url, size_t line) {
    static const char std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                      own[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t put = 0;
    for (size_t i = 0; i < text.len; i += 3) {
        const size_t n = text.len - i < 3 ? text.len - i : 3;
        const unsigned bits =
            (unsigned)p[i] << 16 | (n > 1 ? p[i + 1] : 0u) << 8 | (n > 2 ? p[i + 2] : 0u);
        for (unsigned k = 0; k < 4; k++) {
            if (k <= n)
                buf_add_char(b, (url ? own : std)[bits >> (18 - 6 * k) & 63]);
            else if (!url)
                buf_add_char(b, '=');
            if (line && ++put % line == 0) buf_add_cstr(b, "\r\n");
        }
    }
}

static void add_percent(buf *b, span text, bool all) {
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        const bool word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
        if (word && !all)
            buf_add_char(b, c);
        else
            buf_addf(b, i % 2 ? "%%%02x" : "%%%02X", (unsigned char)c);
    }
}

enum { STANDARD, URL, LINES, ODD_LINES, PERCENT, PERCENT_ALL, CODES };

static void encode(buf *b, span text, int code) {
    switch (code) {
    case STANDARD: add_base64(b, text, false, 0); break;
    case URL: add_base64(b, text, true, 0); break;
    case LINES: add_base64(b, text, false, 76); break;
    case ODD_LINES: add_base64(b, text, false, 61); break;
    case PERCENT: add_percent(b, text, false); break;
    default: add_percent(b, text, true); break;
    }
}

/* ---- what is found ---- */

static bool finds(const guard_policy *p, span text, const char *kind) {
    lane_result r = lane_run(p, scratch, (guard_form){.whole = true}, text, NULL, NULL);
    bool found = false;
    for (span rest = buf_span(&r.finds), line; span_cut(&rest, '\n', &line);) {
        span name;
        (void)!span_cut(&line, ' ', &name);
        const guard_rule *rule = guard_set_find(set, name);
        found |= rule && span_eq(rule->kind, span_cstr(kind));
    }
    lane_result_done(&r);
    return found;
}

static void what_is_coded_is_found_and_nothing_else(void **state) {
    (void)state;
    enum { TEXTS = 300 };
    static const struct {
        const char *kind;
        void (*yes)(buf *b, dice *d);
        void (*no)(buf *b, dice *d);
    } rows[] = {{"secret", secret_positive, secret_negative},
                {"personal", email_positive, email_negative},
                {"personal", card_positive, card_negative},
                {"personal", iban_positive, iban_negative}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int code = 0; code < CODES; code++) {
            dice d = {0x9E3779B97F4A7C15u + i};
            unsigned found = 0, wrong = 0, unasked = 0;
            for (size_t n = 0; n < TEXTS; n++) {
                buf plain = BUF_EMPTY, coded = BUF_EMPTY;
                rows[i].yes(&plain, &d);
                buf_add_cstr(&coded, "data: ");
                encode(&coded, buf_span(&plain), code);
                buf_add_cstr(&coded, " and more");
                found += finds(flag, buf_span(&coded), rows[i].kind);
                unasked += code <= ODD_LINES && finds(blind, buf_span(&coded), rows[i].kind);
                buf_clear(&plain);
                buf_clear(&coded);
                rows[i].no(&plain, &d);
                encode(&coded, buf_span(&plain), code);
                wrong += finds(flag, buf_span(&coded), rows[i].kind) &&
                         !finds(blind, buf_span(&plain), rows[i].kind);
                buf_done(&plain);
                buf_done(&coded);
            }
            if (found * 100 < TEXTS * 95 || wrong * 100 > TEXTS * 2 || unasked * 20 > TEXTS)
                fail_msg("row %zu code %d: %u found, %u wrong, %u unasked", i, code, found, wrong,
                         unasked);
        }
    }
}

/* A picture, an archive. */
static void what_is_no_text_is_not_found(void **state) {
    (void)state;
    dice d = {7};
    for (size_t n = 0; n < 60; n++) {
        buf bytes = BUF_EMPTY, coded = BUF_EMPTY;
        for (size_t i = 0; i < 20000; i++)
            buf_add_char(&bytes, (char)roll(&d, 256));
        encode(&coded, buf_span(&bytes), n % 2);
        lane_result r = lane_run(flag, scratch, (guard_form){0}, buf_span(&coded), NULL, NULL);
        lane_result plain = lane_run(blind, scratch, (guard_form){0}, buf_span(&coded), NULL, NULL);
        if (!lane_results_same(&r, &plain)) fail_msg("%s", buf_cstr(&r.finds));
        lane_result_done(&r);
        lane_result_done(&plain);
        buf_done(&bytes);
        buf_done(&coded);
    }
}

/* ---- what is hidden ---- */

static const struct {
    unsigned json;
    const char *in, *out;
} rows[] = {
    {0, "to YW5uYUBleGFtcGxlLmNvbQ== now", "to [EMAIL_1]== now"},
    {0, "to anna%40example.com now", "to [EMAIL_1] now"},
    {0, "to %61nna%40example%2Ecom now", "to [EMAIL_1] now"},
    /* a plain one beside it, and the same one: each is put back as it was */
    {0, "anna@example.com, anna%40example.com, YW5uYUBleGFtcGxlLmNvbQ",
     "[EMAIL_1], [EMAIL_2], [EMAIL_3]"},
    /* only the groups that have it */
    {0, "eyJ0byI6ICJhbm5hQGV4YW1wbGUuY29tIiwgImF0IjogMX0=", "eyJ0byI6[EMAIL_1]IiwgImF0IjogMX0="},
    /* behind escapes of JSON, and over lines */
    {1, "YW5uYUBleGFt\\ncGxlLmNvbQ==", "[EMAIL_1]=="},
    {1, "YW5uYUBleGFt\\u0063GxlLmNvbQ==", "[EMAIL_1]=="},
    {2, "{\\\"to\\\":\\\"ann\\\\u0061\\\\u002540example.com\\\"}",
     "{\\\"to\\\":\\\"[EMAIL_1]\\\"}"},
    {1, "anna\\u00254\\u0030example.com", "[EMAIL_1]"},
    /* nothing of the sort */
    {0, "100% and 5%4 %zz %", "100% and 5%4 %zz %"},
    {0, "a b cd efg hijk lmnop qrstuv w/x y+z _ - = ==",
     "a b cd efg hijk lmnop qrstuv w/x y+z _ - = =="},
    /* in two codes, or from the middle of a run on: not */
    {0, "YW5uYSU0MGV4YW1wbGUuY29t", "YW5uYSU0MGV4YW1wbGUuY29t"},
    {0, "xYW5uYUBleGFtcGxlLmNvbQ==", "xYW5uYUBleGFtcGxlLmNvbQ=="},
};

static void same_cut(const guard_policy *p, guard_form form, span text, const char *what) {
    lane_result whole = lane_run(p, scratch, form, text, NULL, NULL);
    for (size_t i = 1; i < text.len + 60; i++) {
        uint64_t draws = 0x9E3779B97F4A7C15u * i;
        size_t even = i - text.len + 1;
        lane_result cut = i < text.len ? lane_run(p, scratch, form, text, lane_cut_once, &i)
                          : even <= 10
                              ? lane_run(p, scratch, form, text, lane_cut_evenly, &even)
                              : lane_run(p, scratch, form, text, lane_cut_randomly, &draws);
        if (!lane_results_same(&whole, &cut))
            fail_msg("%s, cut %zu of %zu\n%.*s\nwhole\n%.*s\n%.*scut\n%.*s\n%.*s", what, i,
                     text.len, SPAN_ARG(text), SPAN_ARG(buf_span(&whole.text)),
                     SPAN_ARG(buf_span(&whole.finds)), SPAN_ARG(buf_span(&cut.text)),
                     SPAN_ARG(buf_span(&cut.finds)));
        lane_result_done(&cut);
    }
    lane_result_done(&whole);
}

static void hides_what_has_it_and_no_more(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const guard_form form = {.json = rows[i].json, .whole = true};
        lane_result r = lane_run(redact, scratch, form, span_cstr(rows[i].in), NULL, NULL);
        assert_string_equal(buf_cstr(&r.text), rows[i].out);
        lane_result_done(&r);
        same_cut(redact, (guard_form){.json = rows[i].json}, span_cstr(rows[i].in), "stream");
        same_cut(block, (guard_form){.json = rows[i].json}, span_cstr(rows[i].in), "block");
    }
}

/* Plain and coded ones of all kinds in one text. */
static void is_the_same_wherever_it_is_cut(void **state) {
    (void)state;
    dice d = {3};
    for (size_t n = 0; n < 60; n++) {
        buf text = BUF_EMPTY;
        for (size_t i = 0; i < 3; i++) {
            buf one = BUF_EMPTY;
            (roll(&d, 2) ? secret_positive : email_positive)(&one, &d);
            const int code = (int)roll(&d, CODES + 1);
            if (one.len > 300) one.len = 300;
            if (code == CODES)
                buf_add(&text, buf_span(&one));
            else
                encode(&text, buf_span(&one), code);
            buf_add_cstr(&text, PICK(&d, "", " ", "\n", ", ", "==", "%", "/", "%4"));
            buf_done(&one);
        }
        same_cut(redact, (guard_form){0}, buf_span(&text), "stream");
        same_cut(block, (guard_form){0}, buf_span(&text), "block");
        buf_done(&text);
    }
}

/* However it is gone about: no byte of a secret's own gets out, whole or in pieces. */
static void nothing_of_it_gets_out(void **state) {
    (void)state;
    dice d = {11};
    for (size_t n = 0; n < 300; n++) {
        buf plain = BUF_EMPTY, coded = BUF_EMPTY;
        put_form(&plain, &d, "ghp_{a36}");
        buf_add_cstr(&coded, "x ");
        encode(&coded, buf_span(&plain), (int)(n % CODES));
        const size_t at = 2 + (n % CODES >= PERCENT ? 15 : 9); /* behind what may be seen */
        span tail = span_slice(buf_span(&coded), at, coded.len);
        uint64_t draws = d.x;
        lane_result r =
            lane_run(redact, scratch, (guard_form){0}, buf_span(&coded), lane_cut_randomly, &draws);
        span seen = buf_span(&r.text);
        for (size_t i = 0; i + 6 <= tail.len && i + 6 < seen.len; i++)
            for (size_t k = 0; k + 6 <= seen.len; k++)
                if (span_eq(span_slice(tail, i, i + 6), span_slice(seen, k, k + 6)))
                    fail_msg("%s: %s", buf_cstr(&coded), buf_cstr(&r.text));
        lane_result_done(&r);
        buf_done(&plain);
        buf_done(&coded);
    }
}

/* A text that only begins what never comes is not held on to, and is no slower to the end. */
static void holds_no_more_than_a_little(void **state) {
    (void)state;
    static const char *const pieces[] = {"\n", "a\n", "%", "%2", "abcd", "=", "\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        lane_result r = {.names = guard_names_new()};
        guard_sink sink = {&r, lane_result_pass, lane_result_find};
        guard_lane lane;
        size_t most = 0;
        guard_lane_init(&lane, redact, scratch, (guard_form){0});
        for (size_t n = 0; n < 2000; n++) {
            guard_lane_feed(&lane, span_cstr(pieces[i]), false, &sink);
            if (guard_lane_held(&lane) > most) most = guard_lane_held(&lane);
        }
        guard_lane_feed(&lane, SPAN_EMPTY, true, &sink);
        assert_int_equal(r.text.len, 2000 * strlen(pieces[i]));
        assert_true(most <= 100); /* a mailbox, a group */
        guard_lane_done(&lane);
        lane_result_done(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hides_what_has_it_and_no_more),
        cmocka_unit_test(what_is_coded_is_found_and_nothing_else),
        cmocka_unit_test(what_is_no_text_is_not_found),
        cmocka_unit_test(is_the_same_wherever_it_is_cut),
        cmocka_unit_test(nothing_of_it_gets_out),
        cmocka_unit_test(holds_no_more_than_a_little),
    };
    set = guard_set_new(true, NULL, 0, NULL, NULL);
    const guard_override off[] = {{SPAN("unicode"), GUARD_OFF}};
    redact = guard_policy_new(set, GUARD_OUT, GUARD_REDACT, off, 1);
    block = guard_policy_new(set, GUARD_OUT, GUARD_BLOCK, off, 1);
    flag = guard_policy_new(set, GUARD_OUT, GUARD_FLAG, off, 1);
    blind = guard_policy_new(set, GUARD_OUT, GUARD_FLAG, off, 1);
    guard_policy_decode(redact);
    guard_policy_decode(block);
    guard_policy_decode(flag);
    scratch = guard_scratch_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    guard_scratch_free(scratch);
    guard_policy_free(redact);
    guard_policy_free(block);
    guard_policy_free(flag);
    guard_policy_free(blind);
    guard_set_unref(set);
    return failed;
}
