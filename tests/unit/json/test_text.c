/* The quick ways through strings against slow ones that are plainly right. */
#include "unit.h"

#include "base/random.h"
#include "json/token.h"
#include "json/utf8.h"

/* Each stop byte at each place of a run, with every other byte value before it. */
static void skips_to_each_stop(void **state) {
    (void)state;
    char text[80];
    for (int byte = 0; byte < 256; byte++) {
        bool stops_text = byte < 0x20 || byte == '"' || byte == '\\';
        bool stops_plain = stops_text || byte >= 0x80;
        for (size_t len = 0; len < sizeof text; len++) {
            for (size_t at = 0; at <= len; at++) {
                memset(text, 'x', sizeof text);
                memset(text + at / 2, '\x7F', at - at / 2);
                if (at < len) text[at] = (char)byte;
                memset(text + len, '"', sizeof text - len);
                const char *end = text + len;
                const char *plain = at < len && stops_plain ? text + at : end;
                const char *any = at < len && stops_text ? text + at : end;
                assert_ptr_equal(json_skip_plain_bytes(text, end), plain);
                assert_ptr_equal(json_skip_plain_swar(text, end), plain);
                assert_ptr_equal(json_skip_plain(text, end), plain);
                assert_ptr_equal(json_skip_text_bytes(text, end), any);
                assert_ptr_equal(json_skip_text_swar(text, end), any);
                assert_ptr_equal(json_skip_text(text, end), any);
            }
        }
    }
}

/* Each place of runs of several blocks, from each alignment of the blocks to the end. */
static void skips_through_long_runs(void **state) {
    (void)state;
    static const char stops[] = "x\"\\\x1F\x80\xFF";
    char text[480];
    for (size_t stop = 0; stop < sizeof stops; stop++) { /* the NUL is one of them */
        for (size_t len = 60; len < sizeof text; len++) {
            for (size_t at = 0; at < len; at++) {
                memset(text, ' ', sizeof text);
                text[at] = stops[stop];
                memset(text + len, '"', sizeof text - len);
                const char *end = text + len;
                assert_ptr_equal(json_skip_plain(text, end), json_skip_plain_bytes(text, end));
                assert_ptr_equal(json_skip_text(text, end), json_skip_text_bytes(text, end));
            }
        }
    }
}

/* Stops close to one another, where a carry between bytes could hide one or make one up. */
static void skips_through_noise(void **state) {
    (void)state;
    static const char alphabet[] = "\"\\\x1F\x20!#[]\x7F\x80\xFF\x01\xA2\xDC"
                                   "ab";
    rng r;
    rng_seed(&r, 1);
    char text[64];
    for (int round = 0; round < 100000; round++) {
        size_t len = (size_t)(rng_u64(&r) % sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[rng_u64(&r) % (sizeof alphabet - 1)];
        for (size_t from = 0; from <= len; from += 1 + len / 3) {
            const char *p = text + from, *end = text + len;
            const char *plain = json_skip_plain_bytes(p, end), *any = json_skip_text_bytes(p, end);
            assert_ptr_equal(json_skip_plain_swar(p, end), plain);
            assert_ptr_equal(json_skip_plain(p, end), plain);
            assert_ptr_equal(json_skip_text_swar(p, end), any);
            assert_ptr_equal(json_skip_text(p, end), any);
        }
    }
}

/* The longest valid beginning by the table of RFC 3629, section 4. */
static size_t valid_len(const unsigned char *p, size_t len) {
    static const struct {
        unsigned char from, to, low, high, tails;
    } rows[] = {
        {0x00, 0x7F, 0, 0, 0},       {0xC2, 0xDF, 0x80, 0xBF, 1}, {0xE0, 0xE0, 0xA0, 0xBF, 2},
        {0xE1, 0xEC, 0x80, 0xBF, 2}, {0xED, 0xED, 0x80, 0x9F, 2}, {0xEE, 0xEF, 0x80, 0xBF, 2},
        {0xF0, 0xF0, 0x90, 0xBF, 3}, {0xF1, 0xF3, 0x80, 0xBF, 3}, {0xF4, 0xF4, 0x80, 0x8F, 3}};
    size_t at = 0;
    while (at < len) {
        size_t row = 0, tails = 0;
        while (row < ARRAY_LEN(rows) && (p[at] < rows[row].from || p[at] > rows[row].to))
            row++;
        if (row == ARRAY_LEN(rows)) return at;
        while (tails < rows[row].tails && at + 1 + tails < len) {
            unsigned char c = p[at + 1 + tails];
            if (c < (tails ? 0x80 : rows[row].low) || c > (tails ? 0xBF : rows[row].high)) break;
            tails++;
        }
        if (tails < rows[row].tails) return at;
        at += 1 + tails;
    }
    return at;
}

static void assert_valid_len(const char *text, size_t len) {
    char *copy = malloc(len ? len : 1); /* to the byte, so that sanitizers see one too many */
    memcpy(copy, text, len);
    size_t skipped = (size_t)(json_utf8_skip(copy, copy + len) - copy);
    size_t expected = valid_len((const unsigned char *)copy, len);
    if (skipped != expected) {
        for (size_t i = 0; i < len; i++)
            print_error("%02x ", (unsigned char)copy[i]);
        fail_msg("\nvalid up to %zu, expected %zu", skipped, expected);
    }
    free(copy);
}

/* Every pair of bytes, alone and with what makes many of them valid, in front of, across and behind
 * the border of a block. */
static void checks_every_pair(void **state) {
    (void)state;
    static const char *const behind[] = {"", "\x80", "\xBF\x80", "a"};
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char text[64];
        size_t tail = pair % ARRAY_LEN(behind) + (pair >> 8) % ARRAY_LEN(behind);
        for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
            size_t at = 12 + (tail + i) % 6;
            memset(text, 'x', sizeof text);
            text[at] = (char)(pair >> 8);
            text[at + 1] = (char)pair;
            memcpy(text + at + 2, behind[i], strlen(behind[i]));
            assert_valid_len(text, sizeof text);
            assert_valid_len(text, at + 2 + strlen(behind[i]));
        }
    }
}

static void checks_noise(void **state) {
    (void)state;
    static const char *const bits[] = {
        "a",        "abcdefgh",         "\xC3\xA9",         "\xE5\xA0\xB0",     "\xF0\x9F\x98\x80",
        "\xDF\xBF", "\xE0\xA0\x80",     "\xED\x9F\xBF",     "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF",
        "\x80",     "\xC0\x80",         "\xE0\x9F\xBF",     "\xED\xA0\x80",     "\xF0\x8F\xBF\xBF",
        "\xC3",     "\xE5\xA0",         "\xF0\x9F\x98",     "\xF4\x90\x80\x80", "\xF8\x88\x80\x80",
        "\xFF",     "\xF5\x80\x80\x80", "\xF1\x80\x80\x80", "\xEE\x80\x80",     "\xC1\xBF"};
    enum { VALID = 10 };
    rng r;
    rng_seed(&r, 2);
    for (int round = 0; round < 200000; round++) {
        char text[160];
        size_t len = 0, want = (size_t)(rng_u64(&r) % 150);
        while (len < want) {
            bool bad = rng_u64(&r) % 40 == 0;
            const char *bit = bits[rng_u64(&r) % (bad ? ARRAY_LEN(bits) : VALID)];
            memcpy(text + len, bit, strlen(bit));
            len += strlen(bit);
        }
        assert_valid_len(text, want); /* which may cut the last one */
    }
}

static void measures_what_is_bad(void **state) {
    (void)state;
    static const struct {
        span text;
        size_t len;
    } rows[] = {{SPAN("\x80\x80"), 1},         {SPAN("\xFF"), 1},
                {SPAN("\xC0\x80"), 1},         {SPAN("\xC3"), 1},
                {SPAN("\xC3(\x80"), 1},        {SPAN("\xE2\x82"), 2},
                {SPAN("\xE2\x82("), 2},        {SPAN("\xE0\x80\x80"), 1},
                {SPAN("\xED\xA0\x80"), 1},     {SPAN("\xF0\x9F\x98"), 3},
                {SPAN("\xF0\x9F\x98("), 3},    {SPAN("\xF0\x80\x80\x80"), 1},
                {SPAN("\xF4\x90\x80\x80"), 1}, {SPAN("\xF5\x80"), 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(json_utf8_bad_len(rows[i].text.ptr, rows[i].text.ptr + rows[i].text.len),
                         rows[i].len);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skips_to_each_stop),  cmocka_unit_test(skips_through_long_runs),
        cmocka_unit_test(skips_through_noise), cmocka_unit_test(checks_every_pair),
        cmocka_unit_test(checks_noise),        cmocka_unit_test(measures_what_is_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
