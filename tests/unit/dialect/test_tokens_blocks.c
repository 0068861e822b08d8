/* What is told of sixty-four bytes at once is what is told byte by byte, in either width: texts of
 * many scripts, long runs and broken characters, cut anywhere. */
#include "heap.h"

#include "dialect/tokens.h"
#include "dialect/tokens_blocks.h"

static uint64_t draw(uint64_t *x) {
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x >> 11;
}

static const span pieces[] = {
    SPAN("the water is measured as it passes over the weir, "),
    SPAN("The Harbour Was Quiet. "),
    SPAN("HTTPServer2XMLReader"),
    SPAN("aBcDeFgHiJkL"),
    SPAN("incomprehensibilities"),
    SPAN("INCOMPREHENSIBILITIES"),
    SPAN("A"),
    SPAN("b"),
    SPAN(" "),
    SPAN("\t"),
    SPAN("\n"),
    SPAN("\r\n\r\n"),
    SPAN("\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"),
    SPAN(
        "                                                                                        "),
    SPAN("7"),
    SPAN("12.503,8.117,904.2,33.871 "),
    SPAN("31415926535897932384626433832795028841971"),
    SPAN("{\"id\":17,\"name\":\"harbour\",\"open\":true}"),
    SPAN("...............!!!!!!!!!!!!!!!??"),
    SPAN("`@[/:{\x7F\x00\x1F_^~"),
    SPAN("für Männer, Größe "),
    SPAN("przypłynął "),
    SPAN("bến cảng đã yên tĩnh "),
    SPAN("ớ"),
    SPAN("Привет, мир 7 "),
    SPAN("λιμάνι"),
    SPAN("المطر "),
    SPAN("שלום"),
    SPAN("बंदरगाह शांत था।"),
    SPAN("ท่าเรือ"),
    SPAN("საქართველო Հայաստան ខ្មែរ"),
    SPAN("港口已经很安静了。"),
    SPAN("フェリー"),
    SPAN("항구는 "),
    SPAN("😀👩‍👩‍👧"),
    SPAN("\xC3"),
    SPAN("\xE1\xBB"),
    SPAN("\xF0\x9F\x98"),
    SPAN("\x80\xBF"),
    SPAN("\xFF\xFE\xC0"),
};

/* Mostly whole ones, some in parts: characters are cut as well. Of some texts few pieces. */
static void compose(buf *text, uint64_t *x, size_t len) {
    const size_t few = draw(x) % 2 ? 1 + draw(x) % 4 : ARRAY_LEN(pieces);
    const size_t first = draw(x) % ARRAY_LEN(pieces);
    buf_clear(text);
    while (text->len < len) {
        const span piece = pieces[(first + draw(x) % few) % ARRAY_LEN(pieces)];
        const size_t part = draw(x) % 4 ? piece.len : 1 + draw(x) % piece.len;
        buf_add(text, span_slice(piece, 0, part));
    }
}

static uint64_t counted(token_family family, const span *parts, size_t count) {
    token_count c = tokens_begin(family);
    for (size_t i = 0; i < count; i++)
        tokens_add(&c, parts[i]);
    tokens_add(&c, SPAN_OF("aB")); /* what was kept counts, too */
    return c.hundredths;
}

static uint64_t byte_by_byte(token_family family, span text) {
    token_count c = tokens_begin(family);
    for (size_t i = 0; i < text.len; i++)
        tokens_add(&c, span_slice(text, i, i + 1));
    tokens_add(&c, SPAN_OF("aB"));
    return c.hundredths;
}

static void any_text_counts_as_byte_by_byte(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    for (uint64_t n = 1; n <= 6000; n++) {
        uint64_t seed = n * 0x9E3779B97F4A7C15u;
        const token_family family = (token_family)(n % TOKENS_FAMILIES);
        compose(&text, &seed, 1 + draw(&seed) % 600);
        const span all = buf_span(&text);
        if (counted(family, &all, 1) != byte_by_byte(family, all))
            fail_msg("of text %d: %.*s", (int)n, SPAN_ARG(all));
    }
    buf_done(&text);
}

static void cut_anywhere_it_counts_the_same(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    for (uint64_t n = 1; n <= 300; n++) {
        uint64_t seed = n * 0xD1342543DE82EF95u;
        const token_family family = (token_family)(n % TOKENS_FAMILIES);
        compose(&text, &seed, 1 + draw(&seed) % 400);
        const span all = buf_span(&text);
        const uint64_t expected = byte_by_byte(family, all);
        for (size_t at = 0; at <= all.len; at++) {
            const span parts[] = {span_slice(all, 0, at), span_slice(all, at, all.len)};
            if (counted(family, parts, 2) != expected)
                fail_msg("of text %d, cut at %d: %.*s", (int)n, (int)at, SPAN_ARG(all));
        }
    }
    buf_done(&text);
}

/* Each behind what it may follow: a run that goes on, or another. */
static void both_widths_tell_the_same(void **state) {
    (void)state;
    if (!token_blocks_can_be_wide()) skip();
    buf text = BUF_EMPTY;
    size_t taken = 0;
    for (uint64_t n = 1; n <= 6000; n++) {
        uint64_t seed = n * 0x9E3779B97F4A7C15u;
        compose(&text, &seed, 1 + draw(&seed) % 600);
        const token_blocks before = {.run = (unsigned char)(draw(&seed) % (RUN_WIDE + 1)),
                                     .length = (unsigned char)(1 + draw(&seed) % 3)};
        token_blocks narrow = before, wide = before;
        const unsigned char *p = (const unsigned char *)text.ptr;
        const size_t some = token_blocks_take(&narrow, p, text.len, false);
        assert_int_equal(token_blocks_take(&wide, p, text.len, true), some);
        assert_memory_equal(wide.pieces, narrow.pieces, sizeof wide.pieces);
        assert_int_equal(wide.run, narrow.run);
        assert_int_equal(wide.length, narrow.length);
        taken += some;
    }
    assert_true(taken > 100000); /* blocks they were */
    buf_done(&text);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(any_text_counts_as_byte_by_byte),
        cmocka_unit_test(cut_anywhere_it_counts_the_same),
        cmocka_unit_test(both_widths_tell_the_same),
    };
    return run_watched(tests);
}
