/* cli/chat_filter: what reaches the terminal, whole and at every cut. */
#include "cli/chat_filter.h"
#include "unit.h"

typedef struct row {
    const char *in, *out;
} row;

static const row rows[] = {
    {"Plain text,\n\twith a tab.", "Plain text,\n\twith a tab."},
    {"Grüße, 日本語, 🙂", "Grüße, 日本語, 🙂"},
    /* single control characters */
    {"a\rb\bc\ad\x7f"
     "e\x0e",
     "abcde"},
    {"line\r\nline", "line\nline"},
    {"a\xc2\x85"
     "b\xc2\x8d"
     "c",
     "abc"}, /* C1: next line, reverse line feed */
    /* CSI */
    {"\033[31mred\033[0m", "red"},
    {"\033[2J\033[1;1Htop", "top"},
    {"\033[?1049hscreen", "screen"},
    {"\033[38;2;1;2;3mx\033[4 q", "x"},
    {"\xc2\x9b"
     "31mred",
     "red"},                                      /* its 8-bit form */
    {"\033[3\nnot swallowed", "\nnot swallowed"}, /* broken off by a line end */
    {"\033[3\033[31mx", "x"},
    /* OSC, DCS, APC, PM, SOS */
    {"\033]0;title\ax", "x"},
    {"\033]0;title\033\\x", "x"},
    {"\xc2\x9d"
     "0;title\xc2\x9cx",
     "x"},
    {"\033]52;c;bHM=\ax", "x"}, /* would set the clipboard */
    {"\033]8;;http://a.test\033\\link\033]8;;\033\\", "link"},
    {"\033P$q\"p\033\\x\033_apc\033\\y\033^pm\033\\z\033Xsos\033\\", "xyz"},
    {"\033]0;never\nends", "\nends"},
    {"\033]0;t\033[31mx", "x"}, /* a sequence in a string ends it */
    {"\033]0;t\x18x", "x"},
    /* others */
    {"\033cx", "x"}, /* full reset */
    {"\033(0x\033(B", "x"},
    {"\033 Fx\033#8y", "xy"},
    {"a\033\033[1mb", "ab"},
    {"\033\nx", "\nx"},
    {"\033\xc3\xa4", "\xc3\xa4"},
    /* direction */
    {"a\xe2\x80\xae"
     "b\xe2\x80\xac\xe2\x81\xa6"
     "c",
     "abc"},
    {"a\xe2\x80\x8f"
     "b",
     "a\xe2\x80\x8f"
     "b"}, /* a mark alone turns nothing around */
    /* broken UTF-8 */
    {"a\x80"
     "b",
     "a\xef\xbf\xbd"
     "b"},
    {"a\x9b"
     "31mb",
     "a\xef\xbf\xbd"
     "31mb"},
    {"\xc0\x9b", "\xef\xbf\xbd\xef\xbf\xbd"}, /* an overlong ESC is none */
    {"\xe2\x82", "\xef\xbf\xbd"},
    {"\xe2\x82x", "\xef\xbf\xbdx"},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

static void filters(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf out = BUF_EMPTY;
        chat_filter_text(span_cstr(rows[i].in), &out);
        assert_string_equal(buf_cstr(&out), rows[i].out);
        buf_done(&out);
    }
}

static void does_not_depend_on_the_cuts(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        span in = span_cstr(rows[i].in);
        for (size_t cut = 0; cut <= in.len; cut++) {
            chat_filter f = {0};
            buf out = BUF_EMPTY;
            chat_filter_add(&f, span_slice(in, 0, cut), &out);
            chat_filter_add(&f, span_slice(in, cut, in.len), &out);
            chat_filter_end(&f, &out);
            assert_string_equal(buf_cstr(&out), rows[i].out);
            buf_done(&out);
        }
    }
}

static void shows_at_once_what_is_whole(void **state) {
    (void)state;
    chat_filter f = {0};
    buf out = BUF_EMPTY;
    chat_filter_add(&f, SPAN_OF("now \xe2\x82"), &out);
    assert_span(buf_span(&out), "now ");
    chat_filter_add(&f, SPAN_OF("\xac"), &out);
    assert_span(buf_span(&out), "now €");
    buf_done(&out);
}

static void an_endless_sequence_hides_little(void **state) {
    (void)state;
    static const char *const begins[] = {"\033]0;", "\033[", "\033P", "\033 "};
    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        chat_filter f = {0};
        buf out = BUF_EMPTY;
        chat_filter_add(&f, span_cstr(begins[i]), &out);
        for (int n = 0; n < 2 * CHAT_FILTER_HIDDEN_MAX; n++)
            chat_filter_add(&f, SPAN_OF(" "), &out);
        chat_filter_add(&f, SPAN_OF("seen"), &out);
        assert_in_range(out.len, CHAT_FILTER_HIDDEN_MAX, 2 * CHAT_FILTER_HIDDEN_MAX);
        assert_true(span_ends(buf_span(&out), SPAN_OF("seen")));
        buf_done(&out);
    }
}

static void begins_anew_after_the_end(void **state) {
    (void)state;
    chat_filter f = {0};
    buf out = BUF_EMPTY;
    chat_filter_add(&f, SPAN_OF("\033]0;"), &out);
    chat_filter_end(&f, &out);
    chat_filter_add(&f, SPAN_OF("next"), &out);
    assert_span(buf_span(&out), "next");
    buf_done(&out);
}

static void writes_escapes_into_json(void **state) {
    (void)state;
    static const row cases[] = {
        {"{\"a\":\"b\\u001b[1m\"}\n{\"\":\t\"Gr\xc3\xbc\xc3\x9f\x65, \xf0\x9f\x99\x82\"}\n",
         "{\"a\":\"b\\u001b[1m\"}\n{\"\":\t\"Gr\xc3\xbc\xc3\x9f\x65, \xf0\x9f\x99\x82\"}\n"},
        {"\"\x7f\xc2\x80\xc2\x9b[2J\xc2\x9f\xc2\xa0\"",
         "\"\\u007f\\u0080\\u009b[2J\\u009f\xc2\xa0\""},
        {"\"\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xae\xe2\x81\xa6\xe2\x81\xa9\"",
         "\"\xe2\x80\xa9\\u202a\\u202e\\u2066\\u2069\""},
        {"\"\033]0;x\a\r\"", "\"\\u001b]0;x\\u0007\\u000d\""},
        {"\"\x9b\xc2", "\"\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf out = BUF_EMPTY;
        chat_filter_json(span_cstr(cases[i].in), &out);
        assert_span(buf_span(&out), cases[i].out);
        buf_done(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters),
        cmocka_unit_test(does_not_depend_on_the_cuts),
        cmocka_unit_test(shows_at_once_what_is_whole),
        cmocka_unit_test(an_endless_sequence_hides_little),
        cmocka_unit_test(begins_anew_after_the_end),
        cmocka_unit_test(writes_escapes_into_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
