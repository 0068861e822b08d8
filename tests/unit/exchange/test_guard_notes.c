/* What a call's record says of its guards: the gravest first, and whole as long as there is room.
 */
#include "heap.h"
#include "unit.h"

#include "exchange/guard.h"

static exchange_env env;

typedef struct noting {
    exchange x;
    exchange_guard g;
} noting;

static void begin(noting *n) {
    *n = (noting){.x = {.env = &env}};
    n->g.x = &n->x;
    arena_init(&n->x.arena, 0);
}

static void expect(noting *n, guard_action gravest, const char *text) {
    assert_span(n->x.record.guard, text);
    assert_int_equal(n->x.guarded, gravest);
}

static void the_gravest_stands_first(void **state) {
    (void)state;
    static const guard_rule card = {.name = SPAN("card")}, mail = {.name = SPAN("mail")};
    noting n;
    begin(&n);
    expect(&n, GUARD_OFF, "");
    guard_note(&n.g, GUARD_IN, &mail, GUARD_FLAG, 1);
    expect(&n, GUARD_FLAG, "in.mail.flag=1");
    guard_note(&n.g, GUARD_IN, &card, GUARD_FLAG, 2);
    guard_note(&n.g, GUARD_OUT, &mail, GUARD_BLOCK, 1);
    guard_note(&n.g, GUARD_IN, &mail, GUARD_REDACT, 1);
    guard_note(&n.g, GUARD_IN, &mail, GUARD_FLAG, 3);
    expect(&n, GUARD_BLOCK, "out.mail.block=1,in.mail.redact=1,in.mail.flag=4,in.card.flag=2");
    arena_done(&n.x.arena);
}

/* Whoever asks chooses how much is noted before what is blocked. */
static void what_is_graver_drives_out_what_is_less(void **state) {
    (void)state;
    guard_rule flags[GUARD_TALLIES + 2], blocks[GUARD_TALLIES + 2];
    char names[2][GUARD_TALLIES + 2][2];
    noting n;
    begin(&n);
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        names[0][i][0] = (char)('a' + i);
        names[1][i][0] = (char)('A' + i);
        flags[i] = (guard_rule){.name = span_from(names[0][i], 1)};
        blocks[i] = (guard_rule){.name = span_from(names[1][i], 1)};
        guard_note(&n.g, GUARD_IN, &flags[i], GUARD_FLAG, 1);
    }
    assert_span(span_slice(n.x.record.guard, 0, 23), "in.a.flag=1,in.b.flag=1");
    assert_true(span_ends(n.x.record.guard, SPAN_OF("in.p.flag=1")));
    guard_note(&n.g, GUARD_OUT, &blocks[0], GUARD_BLOCK, 1);
    assert_span(span_slice(n.x.record.guard, 0, 25), "out.A.block=1,in.a.flag=1");
    assert_true(span_ends(n.x.record.guard, SPAN_OF("in.o.flag=1")));
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        guard_note(&n.g, GUARD_OUT, &blocks[i], GUARD_BLOCK, 1);
    guard_note(&n.g, GUARD_IN, &flags[0], GUARD_REDACT, 1); /* no room, even for that */
    assert_span(span_slice(n.x.record.guard, 0, 27), "out.A.block=2,out.B.block=1");
    assert_true(span_ends(n.x.record.guard, SPAN_OF("out.P.block=1")));
    assert_int_equal(n.x.guarded, GUARD_BLOCK);
    arena_done(&n.x.arena);
}

/* Names may be long: then the text has no room for all of those that are kept. */
static void a_long_text_ends_with_a_whole_one(void **state) {
    (void)state;
    guard_rule rules[GUARD_TALLIES];
    char names[GUARD_TALLIES][60];
    noting n;
    begin(&n);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        memset(names[i], 'a' + (int)i, sizeof names[i]);
        rules[i] = (guard_rule){.name = span_from(names[i], sizeof names[i])};
        guard_note(&n.g, GUARD_IN, &rules[i], i + 1 < ARRAY_LEN(rules) ? GUARD_FLAG : GUARD_BLOCK,
                   1);
    }
    const span text = n.x.record.guard;
    assert_true(text.len <= GUARD_NOTES_MAX && text.len > GUARD_NOTES_MAX - 80);
    assert_true(span_starts(text, SPAN_OF("in.pppp")) && span_ends(text, SPAN_OF("f.flag=1")));
    arena_done(&n.x.arena);
}

/* Nothing is left out before it has come home: the metrics count all. */
static void on_another_thread_all_is_kept(void **state) {
    (void)state;
    guard_rule rules[GUARD_TALLIES + 4];
    guard_apart apart = {0};
    exchange_guard g = {.apart = &apart};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < ARRAY_LEN(rules); i++)
            guard_note(&g, GUARD_OUT, &rules[i], i % 2 ? GUARD_BLOCK : GUARD_FLAG, 1 + (unsigned)i);
    assert_int_equal(apart.count, ARRAY_LEN(rules));
    for (size_t i = 0; i < apart.count; i++) {
        assert_ptr_equal(apart.items[i].rule, &rules[i]);
        assert_int_equal(apart.items[i].count, 2 + 2 * i);
    }
    free(apart.items);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gravest_stands_first),
        cmocka_unit_test(what_is_graver_drives_out_what_is_less),
        cmocka_unit_test(a_long_text_ends_with_a_whole_one),
        cmocka_unit_test(on_another_thread_all_is_kept),
    };
    return run_watched(tests);
}
