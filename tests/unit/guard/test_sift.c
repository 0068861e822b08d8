/* What the first filter passes over has no lead in it: with it, in each of its widths, and
 * without a lane says the same and is left in the same state. */
#include "unit.h"

#include "base/mem.h"
#include "guard/lane.h"
#include "heap.h"
#include "lanes.h"

static uint64_t draw(uint64_t *x) {
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x >> 11;
}

/* Pieces of leads, whole ones, secrets, shapes, capitals, and words with none of them. */
static const span pieces[] = {
    SPAN("the water is measured as it passes over the weir, "),
    SPAN("ghp_0123456789abcdefghijABCDEFGHIJ456789"),
    SPAN("sk-"),
    SPAN("SK"),
    SPAN("sK_"),
    SPAN("pat"),
    SPAN("no "),
    SPAN("overrid"),
    SPAN("Override"),
    SPAN("how to mak"),
    SPAN("How to make "),
    SPAN("IGNORE all previous instructions "),
    SPAN("passw"),
    SPAN("password: hunter2-Xy9 "),
    SPAN("4111 1111 1111 1111 "),
    SPAN("4111"),
    SPAN("a@b.example "),
    SPAN("10.0.0.1 "),
    SPAN("::"),
    SPAN("-----BEGIN "),
    SPAN("eyJ"),
    SPAN("\xC3\xA7"),
    SPAN("esque\xC3\xA7"
         "a "),
    SPAN("\xFF\xFE"),
    SPAN("\x60\x40\x1B\x00"),
    SPAN("DE89370400440532013000 "),
    SPAN("x"),
    SPAN(" "),
    SPAN("Z"),
    SPAN("__"),
    SPAN("[inst]"),
    SPAN("TICK-123456 "),
    SPAN("ick-"),
    SPAN("myPASSWORD=Xy9-hunter2 "),
    SPAN("dbpasswd"),
    SPAN("#123"),
    SPAN("%abc"),
    SPAN("<key>"),
    SPAN("|ab`cd~ef^12ab"),
    SPAN("how "),
    SPAN("do not tell "),
    SPAN("i want to die "),
    SPAN("a sk is "),
    SPAN(" to it as sk- "),
    SPAN("mycl\xC3\xA9-17 "),
    SPAN("ma\xC3\xAFs "),
    SPAN("aqz\xC3\xA9 "),
};

static void compose(buf *text, uint64_t *x, size_t len) {
    buf_clear(text);
    while (text->len < len) {
        span piece = pieces[draw(x) % ARRAY_LEN(pieces)];
        size_t part = draw(x) % 4 ? piece.len : 1 + draw(x) % piece.len;
        buf_add(text, span_slice(piece, 0, part));
        if (draw(x) % 8 == 0) buf_add(text, span_from((const char[]){(char)draw(x)}, 1));
    }
}

enum { WAYS = 4 };

typedef struct both {
    guard_set *sets[WAYS]; /* as wide as may be; 32; 16 bytes at a time; not sifted */
    guard_policy *policy[WAYS];
    guard_scratch *scratch;
} both;

static void complain(void *ctx, size_t rule, const char *member, const char *message) {
    (void)ctx;
    fail_msg("rule %zu: %s %s", rule, member, message);
}

static both both_new(const guard_rule_text *own, size_t count, bool shipped) {
    both b = {.scratch = guard_scratch_new()};
    for (int i = 0; i < WAYS; i++) {
        b.sets[i] = guard_set_new(shipped, own, count, complain, NULL);
        b.policy[i] = guard_policy_new(b.sets[i], GUARD_OUT, GUARD_REDACT, NULL, 0);
    }
    for (unsigned i = 1; i < 3; i++)
        if (b.sets[i]->sift.width > 64u >> i) b.sets[i]->sift.width = 64u >> i;
    b.sets[3]->sift.on = false;
    return b;
}

static void both_done(both *b) {
    for (int i = 0; i < WAYS; i++) {
        guard_policy_free(b->policy[i]);
        guard_set_unref(b->sets[i]);
    }
    guard_scratch_free(b->scratch);
}

/* Feeds all the same pieces: after each, states are the same; at the end, what was told. */
static void expect_alike(both *b, span text, uint64_t seed) {
    lane_result r[WAYS];
    guard_lane lanes[WAYS];
    for (int i = 0; i < WAYS; i++) {
        r[i] = (lane_result){.names = guard_names_new()};
        guard_lane_init(&lanes[i], b->policy[i], b->scratch, (guard_form){0});
    }
    for (size_t at = 0; at < text.len;) {
        size_t len = 1 + draw(&seed) % (draw(&seed) % 2 ? 2000 : 200);
        for (int i = 0; i < WAYS; i++)
            guard_lane_feed(&lanes[i], span_slice(text, at, at + len), at + len >= text.len,
                            &(guard_sink){&r[i], lane_result_pass, lane_result_find});
        at += len;
        for (int i = 1; i < WAYS; i++) {
            assert_int_equal(lanes[0].state, lanes[i].state);
            assert_int_equal(lanes[0].told, lanes[i].told);
        }
    }
    for (int i = 1; i < WAYS; i++)
        if (!lane_results_same(&r[0], &r[i]))
            fail_msg("of %.*s\nsifted\n%.*s%d\n%.*s", SPAN_ARG(text),
                     SPAN_ARG(buf_span(&r[0].finds)), i, SPAN_ARG(buf_span(&r[i].finds)));
    for (int i = 0; i < WAYS; i++) {
        guard_lane_done(&lanes[i]);
        lane_result_done(&r[i]);
    }
}

static void run(both *b, unsigned texts) {
    buf text = BUF_EMPTY;
    assert_true(b->sets[0]->sift.on);
    for (uint64_t n = 1; n <= texts; n++) {
        uint64_t seed = n * 0x9E3779B97F4A7C15u;
        compose(&text, &seed, 100 + draw(&seed) % 3000);
        expect_alike(b, buf_span(&text), seed);
    }
    buf_done(&text);
}

static void shipped_rules_say_the_same(void **state) {
    (void)state;
    both b = both_new(NULL, 0, true);
    run(&b, 400);
    both_done(&b);
}

/* Leads of one byte, of two, and some that share their first bytes. */
static void short_leads_say_the_same(void **state) {
    (void)state;
    const guard_rule_text own[] = {
        {.name = SPAN("one"), .pattern = SPAN("Z[0-9a-z ]"), .show = -1},
        {.name = SPAN("two"), .pattern = SPAN("no[ a-z]{3}"), .show = -1},
        {.name = SPAN("three"), .pattern = SPAN("ove[a-z]"), .show = -1},
        {.name = SPAN("more"), .pattern = SPAN("overr[a-z]+"), .show = -1},
        {.name = SPAN("high"), .pattern = SPAN("\xC3\xA7."), .show = -1},
    };
    both b = both_new(own, ARRAY_LEN(own), false);
    run(&b, 400);
    both_done(&b);
}

/* Short words with a blank behind them, of which nothing else is looked up than what begins so. */
static void short_words_say_the_same(void **state) {
    (void)state;
    const guard_rule_text own[] = {
        {.name = SPAN("one"), .pattern = SPAN("(?<![A-Za-z])a [a-z]+ is"), .show = -1},
        {.name = SPAN("two"), .pattern = SPAN("(?<![A-Za-z])to [a-z]{2}"), .show = -1},
        {.name = SPAN("three"), .pattern = SPAN("(?<![A-Za-z])how [a-z]"), .show = -1},
        {.name = SPAN("whole"), .pattern = SPAN("(?<![A-Za-z])sk[ -]"), .show = -1},
        {.name = SPAN("sign"), .pattern = SPAN("(?<![A-Za-z])sk-[a-z ]"), .show = -1},
        {.name = SPAN("long"), .pattern = SPAN("(?<![A-Za-z])overr[a-z]+"), .show = -1},
    };
    both b = both_new(own, ARRAY_LEN(own), false);
    run(&b, 400);
    both_done(&b);
}

/* Leads that other bytes than ASCII follow, and such as have some. */
static void other_bytes_say_the_same(void **state) {
    (void)state;
    const guard_rule_text own[] = {
        {.name = SPAN("before"), .pattern = SPAN("qz[\x80-\xFF]+"), .show = -1},
        {.name = SPAN("begin"), .pattern = SPAN("(?<![A-Za-z])ma\xC3\xAFs"), .show = -1},
        {.name = SPAN("within"), .pattern = SPAN("cl\xC3\xA9-[0-9]+"), .show = -1},
    };
    for (size_t count = 1; count <= ARRAY_LEN(own); count++) {
        both b = both_new(own, count, false);
        run(&b, 200);
        both_done(&b);
    }
}

/* Leads that may begin within a word, looked for at every second place, and such that may not. */
static void within_words_says_the_same(void **state) {
    (void)state;
    const guard_rule_text own[] = {
        {.name = SPAN("ticket"), .pattern = SPAN("(?i)TICK-[0-9]{3}"), .show = -1},
        {.name = SPAN("apart"), .pattern = SPAN("\\bpat[a-z]*"), .show = -1},
        {.name = SPAN("parted"), .pattern = SPAN("(?<![A-Za-z])over[a-z]+"), .show = -1},
        {.name = SPAN("maybe"), .pattern = SPAN("(?<![A-Za-z])?ghp_"), .show = -1},
    };
    both b = both_new(own, ARRAY_LEN(own), false);
    assert_int_equal(b.sets[0]->sift.stride, 2);
    run(&b, 400);
    both_done(&b);
}

/* By each width next to nothing of such a text is looked at. */
static void expect_few_places(const both *b, span piece) {
    buf text = BUF_EMPTY;
    while (text.len < 10000)
        buf_add(&text, piece);
    for (int i = 0; i < WAYS - 1; i++) {
        sifting s = sifting_of(&b->sets[i]->sift, buf_span(&text), i == 0);
        size_t places = 0;
        for (size_t at = 0; (at = sift_next(&s, at)) < s.tail; at++)
            places++;
        if (places > text.len / 50) fail_msg("%d: %zu places of %zu", i, places, text.len);
    }
    buf_done(&text);
}

/* Signs that begin leads, more of them and further apart than there are ranges for: all are found,
 * and of prose next to nothing is looked at. */
static void many_signs_say_the_same(void **state) {
    (void)state;
    const guard_rule_text own[] = {
        {.name = SPAN("hash"), .pattern = SPAN("#[0-9]{3}[a-z]*"), .show = -1},
        {.name = SPAN("percent"), .pattern = SPAN("%[a-z]{3}"), .show = -1},
        {.name = SPAN("plus"), .pattern = SPAN("\\+x[a-z]{3}"), .show = -1},
        {.name = SPAN("less"), .pattern = SPAN("<key>"), .show = 0},
        {.name = SPAN("hat"), .pattern = SPAN("\\^[0-9a-z]{4}"), .show = -1},
        {.name = SPAN("tick"), .pattern = SPAN("`[a-z]{2}"), .show = -1},
        {.name = SPAN("bar"), .pattern = SPAN("\\|[a-z]{2}"), .show = -1},
        {.name = SPAN("tilde"), .pattern = SPAN("~[a-z]{2}"), .show = -1},
        {.name = SPAN("null"), .pattern = SPAN("\\x00."), .show = -1},
        {.name = SPAN("high"), .pattern = SPAN("\xFF\xFE"), .show = -1},
        {.name = SPAN("cedilla"), .pattern = SPAN("\xC3\xA7."), .show = -1},
    };
    both b = both_new(own, ARRAY_LEN(own), true);
    assert_int_equal(b.sets[0]->sift.range_count, SIFT_RANGES);
    run(&b, 400);
    expect_few_places(&b, pieces[0]);
    both_done(&b);
}

/* Also where bytes that are no ASCII have the lower bits of signs, as those of "\xC3\xA9" have. */
static void prose_is_passed_over(void **state) {
    (void)state;
    both b = both_new(NULL, 0, true);
    expect_few_places(&b, pieces[0]);
    expect_few_places(&b, SPAN_OF("le d\xC3\xA9"
                                  "bit est mesur\xC3\xA9, l'\xC3\xA9t\xC3\xA9 aussi, "));
    both_done(&b);
}

/* Leads that part within a character, where a word begins and within words, are two. */
static void characters_that_begin_alike(void **state) {
    (void)state;
    const guard_rule_text own[] = {
        {.name = SPAN("card"), .pattern = SPAN("ID\xE3\x82\xAB[0-9]+"), .show = -1},
        {.name = SPAN("number"), .pattern = SPAN("ID\xE7\x95\xAA[0-9]+"), .show = -1},
        {.name = SPAN("tag"), .pattern = SPAN("(?<![A-Za-z])th\xE1\xBA\xBB[0-9]+"), .show = -1},
        {.name = SPAN("time"), .pattern = SPAN("(?<![A-Za-z])th\xE1\xBB\x9D[0-9]+"), .show = -1},
        {.name = SPAN("secret"), .pattern = SPAN("m\xE1\xBA\xADt [0-9]+"), .show = -1},
        {.name = SPAN("open"), .pattern = SPAN("m\xE1\xBB\x9F kh[0-9]+"), .show = -1},
    };
    static const span leads[] = {SPAN("ID\xE3\x82\xAB"
                                      "12"),
                                 SPAN("ID\xE7\x95\xAA"
                                      "12"),
                                 SPAN("th\xE1\xBA\xBB"
                                      "12"),
                                 SPAN("th\xE1\xBB\x9D"
                                      "12"),
                                 SPAN("m\xE1\xBA\xADt 12"),
                                 SPAN("m\xE1\xBB\x9F kh12")};
    both b = both_new(own, ARRAY_LEN(own), false);
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(leads); i++) {
        buf_clear(&text);
        for (size_t k = 0; k < 4; k++)
            buf_add(&text, pieces[0]);
        buf_add(&text, leads[i]);
        for (int k = 0; k < WAYS; k++) {
            lane_result r =
                lane_run(b.policy[k], b.scratch, (guard_form){0}, buf_span(&text), NULL, NULL);
            if (!r.finds.len) fail_msg("%zu is not found in way %d", i, k);
            lane_result_done(&r);
        }
    }
    buf_done(&text);
    both_done(&b);
}

/* A lead is found at each place of a block, at the text's begin and at its end. */
static void each_place_counts(void **state) {
    (void)state;
    both b = both_new(NULL, 0, true);
    buf text = BUF_EMPTY;
    for (size_t at = 0; at < 300; at++) {
        buf_clear(&text);
        for (size_t i = 0; i < 300; i++)
            buf_add(&text, SPAN_OF("."));
        memcpy(text.ptr + at, "ghp_", 300 - at < 4 ? 300 - at : 4);
        if (at + 40 < 300) memcpy(text.ptr + at, pieces[1].ptr, 40);
        lane_result r =
            lane_run(b.policy[0], b.scratch, (guard_form){0}, buf_span(&text), NULL, NULL);
        assert_int_equal(r.finds.len > 0, at + 40 < 300);
        lane_result_done(&r);
        expect_alike(&b, buf_span(&text), at + 1);
    }
    buf_done(&text);
    both_done(&b);
}

/* A text that does not go on is sifted as far as it goes, and no further: a lead is found whose
 * match ends with it, and none that would go on behind it. */
static void ended_texts_are_sifted_whole(void **state) {
    (void)state;
    both b = both_new(NULL, 0, true);
    buf text = BUF_EMPTY;
    for (size_t len = 0; len < 200; len++) {
        for (size_t cut = 0; cut < 2; cut++) {
            buf_clear(&text);
            for (size_t i = 0; i < len; i++)
                buf_add_char(&text, "a.b "[i % 4]);
            buf_add_char(&text, ' ');
            buf_add(&text, cut ? SPAN_OF("ghp") : pieces[1]);
            for (int i = 0; i < WAYS; i++) {
                lane_result r =
                    lane_run(b.policy[i], b.scratch, (guard_form){0}, buf_span(&text), NULL, NULL);
                assert_int_equal(r.finds.len > 0, !cut);
                lane_result_done(&r);
            }
            expect_alike(&b, buf_span(&text), len + 1);
        }
    }
    for (uint64_t n = 1; n <= 3000; n++) {
        uint64_t seed = n * 0x9E3779B97F4A7C15u;
        compose(&text, &seed, 1 + draw(&seed) % 200);
        expect_alike(&b, buf_span(&text), seed);
    }
    buf_done(&text);
    both_done(&b);
}

/* ---- any leads ---- */

enum { LEADS_MOST = 6, SIGNS_MOST = 4, SIGN_BYTES = 3, ANY_TEXT = 300 };

/* So few signs that leads begin alike, part within a character, and stand in the text. */
static span draw_text(uint64_t *x, char *room, size_t signs) {
    static const span all[] = {SPAN("a"),
                               SPAN("A"),
                               SPAN("b"),
                               SPAN(" "),
                               SPAN("-"),
                               SPAN("1"),
                               SPAN("\xC3\xA9"),
                               SPAN("\xC3\xA8"),
                               SPAN("\xE1\xBA\xBB"),
                               SPAN("\xE1\xBB\x9D"),
                               SPAN("\xBB")};
    size_t len = 0;
    for (size_t i = 0; i < signs; i++) {
        const span sign = all[draw(x) % ARRAY_LEN(all)];
        memcpy(room + len, sign.ptr, sign.len);
        len += sign.len;
    }
    return span_from(room, len);
}

/* Leads, and signs between them. */
static span draw_some(uint64_t *x, char room[ANY_TEXT], const literal *leads, size_t count) {
    size_t len = 0;
    while (len < ANY_TEXT - SIGN_BYTES * (SIGNS_MOST + 1)) {
        const span lead = leads[draw(x) % count].text;
        memcpy(room + len, lead.ptr, lead.len);
        len += lead.len + draw_text(x, room + len + lead.len, draw(x) % 2).len;
    }
    return span_from(room, len);
}

static bool is_letter_at(span text, size_t at) {
    return (text.ptr[at] | 0x20) >= 'a' && (text.ptr[at] | 0x20) <= 'z';
}

static bool counts_at(const literal *l, span text, size_t at) {
    const bool parted = at == 0 || !is_letter_at(text, at - 1);
    return at + l->text.len <= text.len && (parted || !l->parted) &&
           span_ieq(span_slice(text, at, at + l->text.len), l->text);
}

static bool is_looked_at(const sift *s, span text, size_t at) {
    sifting from = sifting_of(s, text, true);
    return sift_next(&from, at) == at;
}

/* Whatever the leads are, no width passes over a place where one counts. */
static void any_leads_are_found(void **state) {
    (void)state;
    static const unsigned widths[] = {64, 32, 16};
    sift *s = mem_alloc(sizeof *s);
    char rooms[LEADS_MOST][SIGN_BYTES * SIGNS_MOST], room[ANY_TEXT];
    for (uint64_t n = 1; n <= 3000; n++) {
        uint64_t seed = n * 0x9E3779B97F4A7C15u;
        literal leads[LEADS_MOST];
        const size_t count = 1 + draw(&seed) % LEADS_MOST;
        for (size_t i = 0; i < count; i++) {
            const span lead = draw_text(&seed, rooms[i], 1 + draw(&seed) % SIGNS_MOST);
            leads[i] = (literal){.text = lead, .parted = draw(&seed) % 2};
        }
        const span text = draw_some(&seed, room, leads, count);
        sift_init(s, leads, count);
        const unsigned most = s->width;
        for (size_t w = 0; s->on && w < ARRAY_LEN(widths); w++) {
            if (widths[w] > most) continue;
            s->width = widths[w];
            for (size_t at = 0; at < text.len; at++)
                for (size_t i = 0; i < count; i++)
                    if (counts_at(&leads[i], text, at) && !is_looked_at(s, text, at))
                        fail_msg("seed %d, width %u: lead %zu at %zu", (int)n, s->width, i, at);
        }
    }
    free(s);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_rules_say_the_same),
        cmocka_unit_test(short_leads_say_the_same),
        cmocka_unit_test(within_words_says_the_same),
        cmocka_unit_test(many_signs_say_the_same),
        cmocka_unit_test(prose_is_passed_over),
        cmocka_unit_test(characters_that_begin_alike),
        cmocka_unit_test(any_leads_are_found),
        cmocka_unit_test(each_place_counts),
        cmocka_unit_test(short_words_say_the_same),
        cmocka_unit_test(other_bytes_say_the_same),
        cmocka_unit_test(ended_texts_are_sifted_whole),
    };
    return run_watched(tests);
}
