/* Many texts in the pieces of a stream: each is found without looking through the others, and what
 * they keep of an event is kept once, and bounded. */
#include "heap.h"

#include "exchange/guard_lanes.h"

enum { SOME = 4 };

static exchange_guard nothing_guarded;

static answer_part part_of(unsigned item) {
    return (answer_part){.kind = PART_REASONING,
                         .choice = item % 3,
                         .item = item,
                         .value = {JSON_STRING, SPAN("\"a\"")}};
}

static void fill(guard_lanes *s, unsigned count) {
    guard_lanes_init(s);
    for (unsigned i = 0; i < count; i++) {
        const answer_part p = part_of(i);
        assert_non_null(guard_lanes_get(s, &nothing_guarded, &p));
    }
}

static void each_is_found_by_kind_choice_and_item(void **state) {
    (void)state;
    for (unsigned count = 0; count <= GUARD_LANES_MAX; count = 2 * count + 1) {
        guard_lanes s;
        fill(&s, count);
        for (unsigned i = 0; i < count; i++) {
            answer_part p = part_of(i);
            const guard_piece_lane *l = guard_lanes_find(&s, &p);
            assert_int_equal(l->item, i);
            assert_ptr_equal(guard_lanes_get(&s, &nothing_guarded, &p), l);
            assert_ptr_equal(s.all.next, &l->link);
            p.kind = PART_TEXT;
            assert_null(guard_lanes_find(&s, &p));
        }
        for (unsigned i = 0; i < count; i += 2) {
            const answer_part p = part_of(i);
            guard_lanes_drop(&s, guard_lanes_find(&s, &p));
            assert_null(guard_lanes_find(&s, &p));
        }
        assert_int_equal(s.count, count / 2);
        guard_lanes_done(&s);
    }
}

static void there_are_no_more_than_that(void **state) {
    (void)state;
    guard_lanes s;
    fill(&s, GUARD_LANES_MAX);
    const answer_part more = part_of(GUARD_LANES_MAX), known = part_of(7);
    assert_null(guard_lanes_get(&s, &nothing_guarded, &more));
    assert_non_null(guard_lanes_get(&s, &nothing_guarded, &known));
    guard_lanes_done(&s);
}

/* Of an event with all of them: by the hundred for each, were they looked through. */
static void the_others_are_not_looked_through(void **state) {
    (void)state;
    guard_lanes s;
    answer_part parts[GUARD_LANES_MAX];
    fill(&s, GUARD_LANES_MAX);
    for (unsigned i = 0; i < GUARD_LANES_MAX; i++)
        parts[i] = part_of(i);
    s.looked = 0;
    guard_lanes_mark(&s, &(answer_event){.parts = parts, .part_count = GUARD_LANES_MAX / 2});
    assert_in_range(s.looked, GUARD_LANES_MAX / 2, 16 * GUARD_LANES_MAX);
    for (unsigned i = 0; i < GUARD_LANES_MAX; i++)
        assert_int_equal(guard_lanes_find(&s, &parts[i])->here, i < GUARD_LANES_MAX / 2);
    guard_lanes_mark(&s, &(answer_event){.part_count = 0});
    assert_false(guard_lanes_find(&s, &parts[0])->here);
    guard_lanes_done(&s);
}

static bool keep(guard_lanes *s, unsigned item, const answer_event *e, guard_like **kept) {
    const answer_part p = part_of(item);
    return guard_lanes_keep(s, guard_lanes_find(s, &p), e, item, kept);
}

static void an_event_is_kept_once(void **state) {
    (void)state;
    guard_lanes s;
    guard_like *kept = NULL;
    const answer_event e = {.kind = ANSWER_STREAM, .data = SPAN("{}")};
    fill(&s, SOME);
    for (unsigned i = 0; i < SOME; i++)
        assert_true(keep(&s, i, &e, &kept));
    assert_int_equal(kept->refs, SOME + 1);
    assert_true(span_eq(kept->event->data, e.data));
    guard_like_unref(kept);
    for (unsigned i = 0; i < SOME; i++) {
        const answer_part p = part_of(i);
        const guard_piece_lane *l = guard_lanes_find(&s, &p);
        assert_ptr_equal(l->like, kept);
        assert_int_equal(l->like_part, i);
    }
    guard_like *other = NULL;
    for (unsigned i = 0; i < SOME; i++)
        assert_true(keep(&s, i, &e, &other)); /* in place of the one before, which goes */
    guard_like_unref(other);
    assert_int_equal(s.keeping, SOME);
    guard_lanes_done(&s);
    assert_int_equal(s.keeping, 0);
    assert_int_equal(s.kept, 0);
}

/* A few may keep any event, and any number small ones. */
static void what_is_kept_is_bounded(void **state) {
    (void)state;
    guard_lanes s;
    guard_like *large = NULL, *small = NULL;
    buf data = BUF_EMPTY;
    while (data.len <= GUARD_LIKES_BYTES / (GUARD_LIKES_FEW - 1))
        buf_add(&data, SPAN_OF("so many bytes of one event, "));
    const answer_event e = {.kind = ANSWER_STREAM, .data = buf_span(&data)},
                       brief = {.kind = ANSWER_STREAM, .data = SPAN("{}")};
    fill(&s, GUARD_LANES_MAX);
    for (unsigned i = 0; i < GUARD_LANES_MAX; i++)
        assert_true(keep(&s, i, &brief, &small));
    guard_like_unref(small);
    for (unsigned i = 0; i < GUARD_LIKES_FEW - 2; i++)
        assert_true(keep(&s, i, &e, &large));
    assert_false(keep(&s, GUARD_LIKES_FEW, &e, &large));
    guard_lanes_done(&s);
    fill(&s, GUARD_LANES_MAX);
    for (unsigned i = 0; i < GUARD_LIKES_FEW; i++)
        assert_true(keep(&s, i, &e, &large));
    assert_false(keep(&s, GUARD_LIKES_FEW, &e, &large));
    assert_int_equal(s.keeping, GUARD_LIKES_FEW);
    guard_like_unref(large);
    guard_lanes_done(&s);
    buf_done(&data);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_by_kind_choice_and_item),
        cmocka_unit_test(there_are_no_more_than_that),
        cmocka_unit_test(the_others_are_not_looked_through),
        cmocka_unit_test(an_event_is_kept_once),
        cmocka_unit_test(what_is_kept_is_bounded),
    };
    return run_watched(tests);
}
