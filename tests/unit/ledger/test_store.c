/* The store's calls: each is there once and whole, comes where it is asked for, and goes when it is
 * old. Over each database: a file, and a server of the test's own where PostgreSQL is installed. */
#include "base/clock.h"
#include "ledger/storing.h"

typedef struct listed {
    size_t count;
    buf ids; /* the last characters of each, in order */
} listed;

static void note(void *user, const ledger_call *c) {
    listed *l = user;
    l->count++;
    buf_addf(&l->ids, "%s%.*s", l->ids.len ? " " : "",
             SPAN_ARG(span_slice(c->request_id, 33, c->request_id.len)));
}

static void each_call_is_there_once(void **state) {
    world *w = *state;
    ledger_call calls[3] = {call_at(0, T0), call_at(1, T0 + 1000), call_at(2, T0 + 2000)};
    assert_int_equal(import(w, calls, 2), 2);
    assert_int_equal(import(w, calls, 3), 1); /* two of them again */
    assert_int_equal(total(w, &ledger_query_all).calls, 3);
    assert_int_equal(total(w, &ledger_query_all).cost_nano, 21);
    open_again(w);
    assert_int_equal(import(w, calls, 3), 0);
    assert_int_equal(total(w, &ledger_query_all).calls, 3);
    int64_t at;
    assert_true(store_mark_of(w->store, SPAN_OF("node"), SPAN_OF("a.journal"), &at));
    assert_int_equal(at, 3);
    assert_true(store_mark_of(w->store, SPAN_OF("another"), SPAN_OF("a.journal"), &at));
    assert_int_equal(at, 0);
}

static void a_call_comes_back_whole(void **state) {
    world *w = *state;
    ledger_call c = call_at(7, T0 + 123456);
    c.user = SPAN_OF("o'brien; DROP TABLE weir_calls --");
    c.tags = SPAN_OF("team=search");
    c.tries = SPAN_OF("\x01\x00\x02");
    c.stream = true;
    c.first_token_us = 0;
    c.cost_nano = -1;
    import(w, &c, 1);
    listed l = {0};
    bool found = false;
    assert_true(store_call(w->store, c.request_id, SPAN_EMPTY, note, &l, &found));
    assert_true(found);
    assert_true(store_call(w->store, SPAN_OF("none"), SPAN_EMPTY, note, &l, &found));
    assert_false(found);
    assert_true(store_call(w->store, c.request_id, SPAN_OF("somebody else"), note, &l, &found));
    assert_false(found); /* it is nobody's */
    assert_int_equal(l.count, 1);
    assert_int_equal(total(w, &ledger_query_all).unpriced_calls, 1);
    buf_done(&l.ids);
}

static void check_same(void *user, const ledger_call *c) {
    const ledger_call *wanted = user;
    buf a = BUF_EMPTY, b = BUF_EMPTY;
    ledger_call_write(wanted, &a);
    ledger_call_write(c, &b);
    assert_true(span_eq(buf_span(&a), buf_span(&b)));
    buf_done(&a);
    buf_done(&b);
}

static void every_field_comes_back(void **state) {
    world *w = *state;
    ledger_call c = call_at(8, T0);
#define FILL_TEXT(name)                                                                            \
    if (!c.name.len) c.name = SPAN_OF(#name);
#define FILL_TAGS        FILL_TEXT
#define FILL_JSON        FILL_TEXT
#define FILL_BYTES(name) c.name = SPAN_OF("\x01\x00" #name);
#define FILL_COUNT(name) c.name = INT64_MAX;
#define FILL_MONEY(name) c.name = INT64_MAX - 1;
#define FILL_FLAG(name)  c.name = true;
#define FILL_TIME(name)
#define FILL_DURATION(name)   c.name##_us = 0;
#define FILL_RATIO(name)      c.name##_ppm = 973100;
#define X(number, kind, name) FILL_##kind(name)
#include "ledger/fields.def"
#undef X
    import(w, &c, 1);
    bool found = false;
    assert_true(store_call(w->store, c.request_id, SPAN_EMPTY, check_same, &c, &found));
    assert_true(found);
}

static void pages_neither_skip_nor_double(void **state) {
    world *w = *state;
    ledger_call calls[10];
    for (unsigned i = 0; i < 10; i++)
        calls[i] = call_at(i, T0 + i * 1000);
    import(w, calls, 8);
    ledger_query q = ledger_query_all;
    q.limit = 3;
    listed l = {0};
    bool more;
    assert_true(store_calls(w->store, &q, note, &l, &more));
    assert_true(more);
    import(w, calls, 10); /* newer ones arrive */
    q.cursor = calls[5].request_id;
    assert_true(store_calls(w->store, &q, note, &l, &more));
    q.cursor = calls[2].request_id;
    assert_true(store_calls(w->store, &q, note, &l, &more));
    assert_false(more);
    assert_string_equal(buf_cstr(&l.ids), "007 006 005 004 003 002 001 000");
    buf_done(&l.ids);
}

static void what_is_asked_is_what_comes(void **state) {
    world *w = *state;
    ledger_call calls[6];
    for (unsigned i = 0; i < 6; i++)
        calls[i] = call_at(i, T0 + i * HOUR / 2);
    calls[1].client = SPAN_OF("app");
    calls[2].tags = SPAN_OF("team=search,feature=chat");
    calls[3].tags = SPAN_OF("team=search_2");
    calls[4].outcome = SPAN_OF("failed");
    calls[4].error_code = SPAN_OF("overloaded");
    calls[4].status = 503;
    calls[5].user = SPAN_OF("A");
    import(w, calls, 6);
    static const struct {
        const char *query, *ids;
    } rows[] = {
        {"", "005 004 003 002 001 000"},
        {"client=app", "001"},
        {"client=APP", ""},
        {"user=A", "005"},
        {"user=a", ""},
        {"tag=team=search", "002"},
        {"tag=team%3Dsearch", "002"},
        {"tag=feature=chat", "002"},
        {"tag=team=search_2", "003"},
        {"tag=team=searchX2", ""},
        {"tag=team=%25", ""},
        {"tag=am=search", ""},
        {"outcome=failed", "004"},
        {"status=503", "004"},
        {"error_code=overloaded&status=200", ""},
        {"model=gpt-4o&limit=2", "005 004"},
        {"from=2026-11-28T19:00:00Z", "005 004 003 002"},
        {"from=2026-11-28T19:00:00.000001Z", "005 004 003"},
        {"to=2026-11-28T19:00:00Z", "001 000"},
        {"from=2026-11-28&to=2026-11-29", "005 004 003 002 001 000"},
        {"from=2026-11-28T18:30:00Z&to=2026-11-28T20:00:00Z", "003 002 001"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ledger_query q = ledger_query_all;
        arena a;
        arena_init(&a, 0);
        span name;
        buf why = BUF_EMPTY;
        listed l = {0};
        bool more;
        if (!query_parse(&q, QUERY_CALLS, span_cstr(rows[i].query), T0 + 24 * HOUR, &a, &name,
                         &why))
            fail_msg("%s: %s", rows[i].query, buf_cstr(&why));
        assert_true(store_calls(w->store, &q, note, &l, &more));
        assert_string_equal(buf_cstr(&l.ids), rows[i].ids);
        buf_done(&l.ids);
        buf_done(&why);
        arena_done(&a);
    }
}

static void what_is_old_goes_in_steps(void **state) {
    world *w = *state;
    ledger_call calls[6];
    for (unsigned i = 0; i < 6; i++)
        calls[i] = call_at(i, T0 + i * HOUR);
    import(w, calls, 6);
    bool more;
    assert_true(store_prune(w->store, T0 + 2 * HOUR + HOUR / 2, &more));
    assert_false(more);
    assert_int_equal(total(w, &ledger_query_all).calls, 4); /* whole hours go */
    listed l = {0};
    assert_true(store_calls(w->store, &ledger_query_all, note, &l, &more));
    assert_string_equal(buf_cstr(&l.ids), "005 004 003 002");
    assert_true(store_prune(w->store, T0, &more)); /* earlier than what has gone: nothing */
    assert_int_equal(total(w, &ledger_query_all).calls, 4);
    buf_done(&l.ids);
}

static void the_newest_call_is_known(void **state) {
    world *w = *state;
    int64_t us = -1;
    assert_true(store_newest(w->store, CLOCK_WALL_MAX_US, &us));
    assert_int_equal(us, 0);
    ledger_call calls[2] = {call_at(1, T0 + 5 * HOUR), call_at(2, T0)};
    import(w, calls, 2);
    assert_true(store_newest(w->store, CLOCK_WALL_MAX_US, &us));
    assert_int_equal(us / 1000, (T0 + 5 * HOUR) / 1000);
}

/* A clock was a century ahead when records were pruned: nothing would be shown for as long. */
static void a_floor_that_has_not_come_yet_is_mended(void **state) {
    world *w = *state;
    ledger_call old = call_at(0, T0), hidden = call_at(1, T0 + HOUR / 4),
                next = call_at(2, T0 + 2 * HOUR);
    bool more, mended;
    import(w, &old, 1);
    assert_true(store_prune(w->store, T0 + 876000 * HOUR, &more));
    import(w, &hidden, 1);
    import(w, &next, 1);
    assert_int_equal(total(w, &ledger_query_all).calls, 0);
    assert_true(store_mend_floor(w->store, T0 + HOUR / 2, &mended));
    assert_true(mended);
    assert_int_equal(total(w, &ledger_query_all).calls, 1); /* sums and calls agree */
    listed l = {0};
    assert_true(store_calls(w->store, &ledger_query_all, note, &l, &more));
    assert_string_equal(buf_cstr(&l.ids), "002");
    buf_done(&l.ids);
    assert_true(store_mend_floor(w->store, T0 + HOUR / 2, &mended));
    assert_false(mended);
}

/* What no database is sure to take is replaced, in calls and sums alike, and can be asked for. */
static void texts_that_are_none_cost_no_batch(void **state) {
    world *w = *state;
#define BAD "\xEF\xBF\xBD"
    static const struct {
        span text, kept;
    } rows[] = {
        {SPAN("a\0b"), SPAN("a" BAD "b")},
        {SPAN("\0"), SPAN(BAD)},
        {SPAN("caf\xE9"), SPAN("caf" BAD)},
        {SPAN("\xC3"), SPAN(BAD)},
        {SPAN("\xED\xA0\x80"), SPAN(BAD BAD BAD)}, /* a surrogate */
        {SPAN("\xC0\x80"), SPAN(BAD BAD)},         /* overlong */
        {SPAN("\xF4\x90\x80\x80"), SPAN(BAD BAD BAD BAD)},
        {SPAN("caf\xC3\xA9 \xF0\x9F\x99\x82"), SPAN("caf\xC3\xA9 \xF0\x9F\x99\x82")},
        {SPAN("'; \\x00 \\ \"$1\""), SPAN("'; \\x00 \\ \"$1\"")},
    };
#undef BAD
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        ledger_call c = call_at(i, T0);
        c.model = c.user = c.error_message = c.usage = c.tags = rows[i].text;
        assert_int_equal(import(w, &c, 1), 1);
        assert_int_equal(import(w, &c, 1), 0);
        bool found;
        ledger_call kept = c;
        kept.model = kept.user = kept.error_message = kept.usage = kept.tags = rows[i].kept;
        assert_true(store_call(w->store, c.request_id, SPAN_EMPTY, check_same, &kept, &found));
        assert_true(found);
        ledger_query q = ledger_query_all;
        q.user = rows[i].text;
        assert_true(total(w, &q).calls > 0);
    }
    assert_int_equal(total(w, &ledger_query_all).calls, ARRAY_LEN(rows));
}

/* Of many rows at once each has its own, whatever stood there before. */
static void rows_of_a_batch_keep_their_own(void **state) {
    world *w = *state;
    static const struct {
        span text, kept;
    } rows[] = {
        {SPAN("a"), SPAN("a")},
        {SPAN("a"), SPAN("a")},
        {SPAN("b"), SPAN("b")},
        {SPAN("caf\xE9"), SPAN("caf\xEF\xBF\xBD")},
        {SPAN("na\xEF"), SPAN("na\xEF\xBF\xBD")},
        {SPAN("caf\xE9"), SPAN("caf\xEF\xBF\xBD")},
        {SPAN("caf\xE9"), SPAN("caf\xEF\xBF\xBD")},
        {SPAN(""), SPAN("")},
        {SPAN(""), SPAN("")},
        {SPAN("a"), SPAN("a")},
    };
    ledger_call calls[ARRAY_LEN(rows)];
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        calls[i] = call_at(i, T0);
        calls[i].user = calls[i].usage = calls[i].tries = rows[i].text;
        calls[i].cost_nano = i / 3;
    }
    assert_int_equal(import(w, calls, ARRAY_LEN(rows)), ARRAY_LEN(rows));
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        bool found;
        ledger_call kept = calls[i];
        kept.user = kept.usage = rows[i].kept;
        assert_true(store_call(w->store, kept.request_id, SPAN_EMPTY, check_same, &kept, &found));
        assert_true(found);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(each_call_is_there_once),
        IN_FOLDER(a_call_comes_back_whole),
        IN_FOLDER(every_field_comes_back),
        IN_FOLDER(pages_neither_skip_nor_double),
        IN_FOLDER(what_is_asked_is_what_comes),
        IN_FOLDER(what_is_old_goes_in_steps),
        IN_FOLDER(the_newest_call_is_known),
        IN_FOLDER(a_floor_that_has_not_come_yet_is_mended),
        IN_FOLDER(texts_that_are_none_cost_no_batch),
        IN_FOLDER(rows_of_a_batch_keep_their_own),
    };
    const struct CMUnitTest at_a_server[] = {
        AT_SERVER(each_call_is_there_once),
        AT_SERVER(a_call_comes_back_whole),
        AT_SERVER(every_field_comes_back),
        AT_SERVER(pages_neither_skip_nor_double),
        AT_SERVER(what_is_asked_is_what_comes),
        AT_SERVER(what_is_old_goes_in_steps),
        AT_SERVER(the_newest_call_is_known),
        AT_SERVER(a_floor_that_has_not_come_yet_is_mended),
        AT_SERVER(texts_that_are_none_cost_no_batch),
        AT_SERVER(rows_of_a_batch_keep_their_own),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed
                  : cmocka_run_group_tests(at_a_server, place_start_server, place_end_server);
}
