#include "unit.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"

static void keeps_what_it_gave(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 64);
    span texts[300];
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        texts[i] = arena_printf(&a, "%zu:%0*d", i, (int)(i % 120), 7);
    char *big = arena_alloc(&a, 100000);
    memset(big, 'x', 100000);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char want[160];
        (void)snprintf(want, sizeof want, "%zu:%0*d", i, (int)(i % 120), 7);
        assert_span(texts[i], want);
        assert_int_equal((uintptr_t)texts[i].ptr % _Alignof(max_align_t), 0);
    }
    span parts[] = {SPAN("a"), {NULL, 0}, SPAN("bc")};
    assert_string_equal(arena_join(&a, parts, 3).ptr, "abc");
    arena_done(&a);
    assert_string_equal(arena_dup(&a, SPAN_OF("again")).ptr, "again");
    arena_done(&a);
}

/* Used again, an arena keeps its first block and gives the rest back. */
static void is_used_again(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 128);
    const char *first = arena_alloc(&a, 16);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 50; i++)
            memset(arena_alloc(&a, 64), 'x', 64);
        memset(arena_alloc(&a, 5000), 'y', 5000);
        arena_reset(&a, 128);
        assert_int_equal(a.used, 0);
        assert_ptr_equal(arena_alloc(&a, 16), first);
    }
    arena_done(&a);
    arena_reset(&a, 128); /* an empty one is fine too */
    assert_non_null(arena_alloc(&a, 16));
    arena_done(&a);
}

/* The bytes of the block that the next allocation begins, by when the one after it begins. */
static size_t next_block_bytes(arena *a) {
    const arena_block *block = a->block;
    while (a->block == block)
        memset(arena_alloc(a, 16), 0, 16);
    size_t bytes = 0;
    for (block = a->block; a->block == block; bytes += 16)
        memset(arena_alloc(a, 16), 0, 16);
    return bytes;
}

static void goes_on_as_it_is_told(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 512);
    memset(arena_alloc(&a, 16), 0, 16);
    arena_go_on_with(&a, 512);
    assert_int_equal(next_block_bytes(&a), 512);
    arena_done(&a);
    arena_init(&a, 512);
    memset(arena_alloc(&a, 16), 0, 16);
    assert_int_equal(next_block_bytes(&a), 1024);
    arena_done(&a);
}

static void writes_digits(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 0);
    assert_string_equal(arena_u64(&a, 0).ptr, "0");
    assert_string_equal(arena_u64(&a, 1234567890).ptr, "1234567890");
    assert_string_equal(arena_u64(&a, UINT64_MAX).ptr, "18446744073709551615");
    arena_done(&a);
}

static void buffers_grow(void **state) {
    (void)state;
    buf b = BUF_EMPTY;
    for (int i = 0; i < 1000; i++)
        buf_addf(&b, "%d,", i);
    assert_true(span_starts(buf_span(&b), SPAN_OF("0,1,2,")));
    assert_true(span_ends(buf_span(&b), SPAN_OF("998,999,")));
    buf_drop_front(&b, b.len - 4);
    assert_string_equal(buf_cstr(&b), "999,");
    buf_clear(&b);
    buf_add_i64(&b, INT64_MIN);
    buf_add_char(&b, ' ');
    buf_add_u64(&b, UINT64_MAX);
    buf_add_char(&b, ' ');
    buf_add_u64(&b, 0);
    assert_string_equal(buf_cstr(&b), "-9223372036854775808 18446744073709551615 0");
    buf_done(&b);
}

static void excerpts_are_one_line_and_whole_characters(void **state) {
    (void)state;
    static const struct {
        span text;
        size_t max;
        const char *want;
    } rows[] = {
        {SPAN("two\r\nlines"), 10, "> two  lines"},
        {SPAN("exactly"), 7, "> exactly"},
        {SPAN("exactly"), 6, "> exactl…"},
        {SPAN("aé"), 2, "> a…"},
        {SPAN("aé"), 3, "> aé"},
        {SPAN(""), 0, "> "},
        {SPAN("\x80\x80"), 1, "> …"},
        {SPAN("\x1b[2Jgone\a\0\x7f."), 20, ">  [2Jgone   ."},
        {SPAN("\xc2\x9b"
              "2J\xc2\xa0\xc2"),
         20, ">   2J\xc2\xa0\xc2"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf b = BUF_EMPTY;
        buf_add_cstr(&b, "> ");
        buf_add_excerpt(&b, rows[i].text, rows[i].max);
        assert_string_equal(buf_cstr(&b), rows[i].want);
        buf_done(&b);
    }
}

static void a_wiped_one_holds_nothing(void **state) {
    (void)state;
    arena a;
    arena_init(&a, 64);
    char *kept[40];
    for (int i = 0; i < 40; i++)
        kept[i] = (char *)(uintptr_t)arena_dup(&a, SPAN_OF("a secret of some length")).ptr;
    arena_wipe(&a);
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 23; k++)
            assert_int_equal(kept[i][k], 0);
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(keeps_what_it_gave),
                                       cmocka_unit_test(is_used_again),
                                       cmocka_unit_test(goes_on_as_it_is_told),
                                       cmocka_unit_test(writes_digits),
                                       cmocka_unit_test(buffers_grow),
                                       cmocka_unit_test(excerpts_are_one_line_and_whole_characters),
                                       cmocka_unit_test(a_wiped_one_holds_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
