/* A large event: all that is asked of it is what would be found in a small one. */
#include "unit.h"

#include "heap.h"

#include "dialect/answer_large.h"
#include "dialect/reader.h"
#include "dialect/words.h"
#include "http/sse.h"

enum { TEXT_BYTES = 300 * 1000 };

/* The event as a reader tells it; *text has its bytes. */
static void read_event(reader *r, const char *before, const char *after, buf *text,
                       answer_event *ret) {
    const reader_spec spec = {
        .dialect = DIALECT_OPENAI_CHAT, .want = WANT_PARTS | WANT_ENVELOPE, .usage_added = true};
    buf_add_cstr(text, before);
    while (text->len < TEXT_BYTES)
        buf_add_cstr(text, "the quick brown fox ");
    buf_add_cstr(text, after);
    reader_init(r, &spec, SPAN_OF("text/event-stream"), -1);
    reader_take_made(r, SPAN_OF("said"), buf_span(text), ret);
}

static const struct {
    const char *before, *after;
    bool counted;
} rows[] = {
    {"{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", "\"}}]}", true},
    {"{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"",
     "\"}},{\"index\":0,\"delta\":{\"content\":\"and so on\"}}],\n\"usage\":null}", true},
    {"{\"choices\":[],\"x\":\"",
     "\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4,\"total_tokens\":7}}", false},
};

static void all_is_found_as_in_a_small_one(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        reader r;
        buf text = BUF_EMPTY, framed = BUF_EMPTY;
        answer_event e, small;
        arena a;
        arena_init(&a, 0);
        read_event(&r, rows[i].before, rows[i].after, &text, &e);
        small = e;
        if (e.null_usage.len) answer_cut_usage(&e, &a, &small);
        const answer_event *wanted = answer_dup(&small, &a);
        const answer_large_spec spec = {WANT_WORDS, true, TOKENS_LLAMA};
        answer_large *l = answer_large_new(&e, &spec);
        reader_done(&r);
        memset(text.ptr, 'x', text.len); /* nothing of it is borrowed */
        buf_done(&text);

        assert_ptr_equal(l->event.large, l);
        assert_true(span_eq(l->event.data, wanted->data));
        assert_true(span_eq(l->event.name, SPAN_OF("said")));
        assert_int_equal(l->event.null_usage.len, 0);
        assert_int_equal(l->event.part_count, wanted->part_count);
        json_value words = answer_words_json(wanted, false, &a);
        assert_int_equal(l->words.type, words.type);
        assert_true(span_eq(l->words.raw, words.raw));
        answer_guess here = guess_begin(TOKENS_LLAMA, false), there = here;
        guess_add(&here, wanted);
        guess_add(&there, &l->event);
        assert_int_equal(guess_total(&there), rows[i].counted ? guess_total(&here) : 0);
        sse_write(&framed, &(sse_event){wanted->name, wanted->data});
        bool line = sse_is_line(wanted->data);
        assert_true(line ? !l->framed.len : span_eq(l->framed, buf_span(&framed)));
        keeper_unref(&l->keeper);
        buf_done(&framed);
        arena_done(&a);
    }
}

/* A copy is a reference, and whoever lets go last frees it. */
static void a_copy_is_none(void **state) {
    (void)state;
    reader r;
    buf text = BUF_EMPTY;
    answer_event e;
    answer_queue q;
    read_event(&r, rows[0].before, rows[0].after, &text, &e);
    const answer_large_spec spec = {0};
    answer_large *l = answer_large_new(&e, &spec);
    reader_done(&r);
    buf_done(&text);
    answer_event *copy = answer_copy(&l->event);
    answer_queue_init(&q);
    answer_queue_add(&q, &l->event);
    assert_true(q.bytes > TEXT_BYTES);
    assert_int_equal(l->keeper.refs, 3);
    keeper_unref(&l->keeper);
    answer_event *taken = answer_queue_take(&q);
    assert_ptr_equal(taken->data.ptr, copy->data.ptr);
    answer_free(copy);
    assert_true(span_ends(taken->data, SPAN_OF("\"}}]}")));
    answer_free(taken);
}

/* What is made of it is another event, which owns its bytes. */
static void what_is_made_of_it_is_small(void **state) {
    (void)state;
    reader r;
    buf text = BUF_EMPTY;
    answer_event e, made;
    arena a;
    arena_init(&a, 0);
    read_event(&r, rows[0].before, rows[0].after, &text, &e);
    const answer_large_spec spec = {0};
    answer_large *l = answer_large_new(&e, &spec);
    const answer_edit edit = {0, SPAN("short")};
    answer_rewrite(&l->event, &edit, 1, &a, &made);
    assert_null(made.large);
    const answer_event *dup = answer_dup(&l->event, &a);
    assert_null(dup->large);
    keeper_unref(&l->keeper);
    assert_true(span_ends(dup->data, SPAN_OF("\"}}]}")));
    reader_done(&r);
    buf_done(&text);
    arena_done(&a);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_found_as_in_a_small_one),
        cmocka_unit_test(a_copy_is_none),
        cmocka_unit_test(what_is_made_of_it_is_small),
    };
    return run_watched(tests);
}
