/* The store: each call once, sums exactly those of the calls, and what is asked of both. Over each
 * database: a file, and a server of the test's own where PostgreSQL is installed. */
#include "unit.h"

#include "ledger/places.h"
#include "ledger/store_sql.h"

#define HOUR ((int64_t)HOUR_US)
#define T0   (498858 * HOUR) /* 2026-11-28T18:00:00Z */

typedef struct world {
    own_place at;
    store *store;
} world;

static void open_again(world *w) {
    buf why = BUF_EMPTY;
    store_close(w->store);
    store_state s = store_open(&w->at.place, SQL_WRITES, false, &w->store, &why);
    if (s != STORE_OPEN) fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
}

static int begin(void **state, bool at_server) {
    static world w;
    w = (world){0};
    if (at_server)
        place_at_server(&w.at);
    else
        place_in_folder(&w.at);
    open_again(&w);
    *state = &w;
    return 0;
}

static int set_up(void **state) {
    return begin(state, false);
}

static int set_up_postgres(void **state) {
    return begin(state, true);
}

static int tear_down(void **state) {
    world *w = *state;
    store_close(w->store);
    place_done(&w->at);
    return 0;
}

/* ---- calls ---- */

static char ids[SUMMARY_GROUPS_MAX + 1][STORE_ID_LEN + 1];

static ledger_call call_at(unsigned number, int64_t wall_us) {
    ledger_call c = ledger_call_unknown;
    store_sql_first_id(wall_us, ids[number]);
    snprintf(ids[number] + 24, 13, "%012u", number);
    c.request_id = span_cstr(ids[number]);
    c.timestamp_us = wall_us;
    c.model = SPAN_OF("gpt-4o");
    c.target = SPAN_OF("openai/gpt-4o");
    c.outcome = SPAN_OF("ok");
    c.status = 200;
    c.prompt_tokens = 10;
    c.completion_tokens = 5;
    c.total_tokens = 15;
    c.response_time_us = 1000;
    c.cost_nano = 7;
    return c;
}

static size_t import(world *w, const ledger_call *calls, size_t count) {
    const store_mark mark = {SPAN("a.journal"), (int64_t)count};
    const store_batch b = {calls, count, SPAN("node"), &mark, 1};
    size_t fresh = 0;
    if (!store_import(w->store, &b, &fresh)) fail_msg("%.*s", SPAN_ARG(store_why(w->store)));
    return fresh;
}

static sums total(world *w, const ledger_query *q) {
    ledger_summary found;
    sums s = {0};
    summary_init(&found, q->group);
    assert_true(store_sums(w->store, q, &found));
    s = found.total;
    summary_done(&found);
    return s;
}

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

/* ---- tests ---- */

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

/* What the steps of a run used stands in its record, too, and counts once. */
static void a_run_is_not_added_to_its_steps(void **state) {
    world *w = *state;
    ledger_call calls[4] = {call_at(0, T0), call_at(1, T0 + 1), call_at(2, T0 + 2),
                            call_at(3, T0 + 3)};
    calls[0].attempts = calls[1].attempts = 1;
    calls[2].attempts = 0; /* asked nobody itself */
    calls[2].prompt_tokens = 20, calls[2].completion_tokens = 10, calls[2].total_tokens = 30;
    calls[2].cost_nano = 14;
    calls[2].estimated = true;
    calls[3] = calls[2];
    calls[3].request_id = call_at(3, T0 + 3).request_id;
    calls[3].cost_nano = -1;
    import(w, calls, 4);
    ledger_query part = ledger_query_all;
    part.to_us = T0 + 1000; /* of calls, where all is of hours */
    for (int way = 0; way < 2; way++) {
        const sums all = total(w, way ? &part : &ledger_query_all);
        assert_int_equal(all.calls, 4);
        assert_int_equal(all.successful, 4);
        assert_int_equal(all.prompt_tokens, 20);
        assert_int_equal(all.completion_tokens, 10);
        assert_int_equal(all.total_tokens, 30);
        assert_int_equal(all.cost_nano, 14);
        assert_int_equal(all.unpriced_calls, 0);
        assert_int_equal(all.estimated_calls, 0);
    }
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

/* However a time is cut into parts, its sums are those of its calls. */
static void sums_are_those_of_the_calls(void **state) {
    world *w = *state;
    enum { CALLS = 200 };
    static ledger_call calls[CALLS];
    uint64_t seed = 42;
    for (unsigned i = 0; i < CALLS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        calls[i] = call_at(i, T0 + (int64_t)(seed >> 33) % (5 * HOUR));
        calls[i].prompt_tokens = (int64_t)(seed >> 40) % 1000;
        calls[i].cost_nano = (int64_t)(seed >> 50) % 100 - 5;
        if (calls[i].cost_nano < 0) calls[i].cost_nano = -1;
        calls[i].attempts = (int64_t)(seed >> 56 & 1);
        if (seed >> 62) calls[i].outcome = SPAN_OF("cut");
        calls[i].estimated = seed >> 61 & 1;
        if (seed >> 60 & 1) calls[i].model = SPAN_EMPTY;
        if (seed >> 59 & 1) calls[i].client = SPAN_OF("app");
        if (seed >> 58 & 1) calls[i].cache = SPAN_OF("hit"), calls[i].saved_nano = 3;
    }
    for (unsigned i = 0; i < CALLS; i += 50)
        import(w, calls + i, 50);
    for (int64_t from = T0 - HOUR; from < T0 + 6 * HOUR; from += HOUR / 3)
        for (int64_t to = from - 1; to < T0 + 7 * HOUR; to += HOUR / 2 + 12345) {
            ledger_query q = ledger_query_all;
            q.from_us = from;
            q.to_us = to;
            sums wanted = {0}, got = total(w, &q);
            for (unsigned i = 0; i < CALLS; i++) {
                const sums one = sums_of(&calls[i]);
                if (calls[i].timestamp_us >= from && calls[i].timestamp_us < to)
                    sums_add(&wanted, &one);
            }
            assert_memory_equal(&got, &wanted, sizeof got);
        }
    const sums all = total(w, &ledger_query_all);
    assert_int_equal(all.calls, CALLS);
    assert_true(all.unpriced_calls && all.estimated_calls && all.cached_calls);
    assert_true(all.successful < CALLS);
}

static void groups_are_told_apart(void **state) {
    world *w = *state;
    ledger_call calls[4] = {call_at(0, T0), call_at(1, T0 + HOUR), call_at(2, T0 + 24 * HOUR),
                            call_at(3, T0 + 24 * HOUR + 1)};
    calls[1].client = SPAN_OF("app");
    calls[2].target = SPAN_OF("local/llama");
    calls[3].tags = SPAN_OF("a=1,b=2");
    import(w, calls, 4);
    static const struct {
        query_group group;
        size_t rows;
    } rows[] = {{GROUP_NONE, 0}, {GROUP_HOUR, 3},  {GROUP_DAY, 2},    {GROUP_CLIENT, 2},
                {GROUP_USER, 1}, {GROUP_MODEL, 1}, {GROUP_TARGET, 2}, {GROUP_TAG, 3}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ledger_query q = ledger_query_all;
        q.group = rows[i].group;
        /* Both ways: of whole hours, and of calls. */
        for (int half = 0; half < 2; half++) {
            ledger_summary found;
            summary_init(&found, q.group);
            q.from_us = half ? T0 - HOUR / 2 : 0;
            q.to_us = half ? T0 + 24 * HOUR + HOUR / 2 : INT64_MAX;
            assert_true(store_sums(w->store, &q, &found));
            assert_int_equal(found.groups.count, rows[i].rows);
            sums all = {0};
            for (size_t k = 0; k < found.groups.count; k++)
                sums_add(&all, &found.groups.rows[k].sums);
            assert_int_equal(found.total.calls, 4);
            if (q.group != GROUP_TAG && q.group != GROUP_NONE)
                assert_memory_equal(&all, &found.total, sizeof all);
            summary_done(&found);
        }
    }
}

/* As many users and models as clients like to name. Whether there are too many is known on the way,
 * the total and the first models are told all the same. */
static void groups_are_bounded(void **state) {
    world *w = *state;
    enum { MORE = 1, BATCH = 500 };
    static char users[SUMMARY_GROUPS_MAX + MORE][12];
    static ledger_call calls[BATCH];
    static const query_group groups[] = {GROUP_USER, GROUP_MODEL, GROUP_TAG, GROUP_CLIENT,
                                         GROUP_NONE};
    for (unsigned n = 0; n < SUMMARY_GROUPS_MAX + MORE; n++) {
        ledger_call *c = &calls[n % BATCH];
        *c = call_at(n, T0 + n % 7);
        snprintf(users[n], sizeof users[n], "u=%u", n);
        c->user = c->model = c->client = c->tags = span_cstr(users[n]);
        bool full = n % BATCH == BATCH - 1;
        if (full || n == SUMMARY_GROUPS_MAX) import(w, calls, n % BATCH + 1);
        if (n < SUMMARY_GROUPS_MAX - 1) continue;
        const bool many = n == SUMMARY_GROUPS_MAX;
        for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
            ledger_query q = ledger_query_all;
            ledger_summary found;
            q.group = groups[i];
            /* Of whole hours, and of calls. */
            for (int half = 0; half < 2; half++) {
                q.from_us = half ? T0 - HOUR / 2 : 0;
                q.to_us = half ? T0 + HOUR / 2 : INT64_MAX;
                summary_init(&found, q.group);
                assert_true(store_sums(w->store, &q, &found));
                assert_int_equal(found.more_groups, many && q.group != GROUP_NONE);
                assert_int_equal(found.groups.count,
                                 q.group != GROUP_NONE ? SUMMARY_GROUPS_MAX : 0);
                assert_int_equal(found.models.count, SUMMARY_GROUPS_MAX);
                if (q.group == GROUP_NONE) assert_int_equal(found.total.calls, n + 1);
                if (q.group == GROUP_NONE) assert_int_equal(found.more_models, many);
                summary_done(&found);
            }
        }
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
    assert_true(store_newest(w->store, &us));
    assert_int_equal(us, 0);
    ledger_call calls[2] = {call_at(1, T0 + 5 * HOUR), call_at(2, T0)};
    import(w, calls, 2);
    assert_true(store_newest(w->store, &us));
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

static void a_later_weirs_store_is_refused(void **state) {
    world *w = *state;
    buf why = BUF_EMPTY;
    place_run(&w->at, "UPDATE weir_meta SET value = 99 WHERE name = 'schema'");
    store *s;
    assert_int_equal(store_open(&w->at.place, SQL_WRITES, false, &s, &why), STORE_NEVER);
    assert_null(s);
    assert_span(buf_span(&why),
                "its schema has version 99 and this weir knows 2: it was written by "
                "a later weir");
    buf_done(&why);
}

static bool note_text(void *user, const sql_value *values, size_t count) {
    if (count) buf_add(user, values[0].text);
    return false;
}

/* Weirs before have made SQLite's rows a part of their key's tree. */
static void make_rows_part_of_the_key(const world *w) {
    buf text = BUF_EMPTY;
    if (w->at.place.driver != &sql_sqlite) return;
    sql *db = store_sql(w->store);
    assert_true(db->driver->run(db, "SELECT sql FROM sqlite_master WHERE name = 'weir_calls'", NULL,
                                0, note_text, &text));
    buf_add_cstr(&text, " WITHOUT ROWID");
    place_run(&w->at, "ALTER TABLE weir_calls RENAME TO before");
    place_run(&w->at, buf_cstr(&text));
    place_run(&w->at, "INSERT INTO weir_calls SELECT * FROM before");
    place_run(&w->at, "DROP TABLE before");
    buf_done(&text);
}

/* As the weir before left it: without what has come since. */
static void make_version_1(const world *w) {
    make_rows_part_of_the_key(w);
    place_run(&w->at, "ALTER TABLE weir_calls DROP COLUMN cache_similarity_ppm");
    place_run(&w->at, "UPDATE weir_meta SET value = 1 WHERE name = 'schema'");
}

static void note_similarity(void *user, const ledger_call *c) {
    *(int64_t *)user = c->cache_similarity_ppm;
}

static int64_t similarity_of(store *s, const ledger_call *c) {
    int64_t ppm = -2, in_list = -2;
    bool found, more;
    ledger_query q = ledger_query_all; /* it is the first of its time */
    q.to_us = c->timestamp_us + 1;
    assert_true(store_call(s, c->request_id, SPAN_EMPTY, note_similarity, &ppm, &found));
    assert_true(found);
    q.limit = 1;
    assert_true(store_calls(s, &q, note_similarity, &in_list, &more));
    assert_int_equal(in_list, ppm);
    return ppm;
}

static void an_earlier_weirs_store_is_read_and_brought_up(void **state) {
    world *w = *state;
    buf why = BUF_EMPTY;
    ledger_call old = call_at(0, T0), new = call_at(1, T0 + 1000);
    new.cache_similarity_ppm = 973100;
    import(w, &old, 1);
    make_version_1(w);
    store *reader;
    assert_int_equal(store_open(&w->at.place, SQL_READS, false, &reader, &why), STORE_OPEN);
    assert_int_equal(similarity_of(reader, &old), -1);
    open_again(w);
    open_again(w); /* that is done once */
    const store_batch b = {&new, 1, SPAN("node"), NULL, 0};
    size_t fresh;
    assert_true(store_import(w->store, &b, &fresh));
    assert_int_equal(total(w, &ledger_query_all).calls, 2);
    store *const both[] = {w->store, reader}; /* who was there before sees it, too */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(similarity_of(both[i], &old), -1);
        assert_int_equal(similarity_of(both[i], &new), 973100);
    }
    store_close(reader);
    buf_done(&why);
}

static void what_is_no_database_is_refused(void **state) {
    world *w = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/notes.db", w->at.folder.path);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 200; i++)
        fputs("this is no database at all\n", f);
    fclose(f);
    const store_place place = {.driver = &sql_sqlite, .where = span_cstr(path)};
    store *s;
    buf why = BUF_EMPTY;
    assert_int_equal(store_open(&place, SQL_WRITES, false, &s, &why), STORE_NEVER);
    assert_span(buf_span(&why), "file is not a database");
    buf_done(&why);
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

/* A file that was taken away is noticed before what goes into it is believed to be kept. */
static void a_file_that_is_gone_is_noticed(void **state) {
    world *w = *state;
    ledger_call c = call_at(0, T0);
    size_t fresh;
    const store_batch b = {&c, 1, SPAN("node"), NULL, 0};
    unlink(w->at.place.where.ptr);
    assert_false(store_import(w->store, &b, &fresh));
    assert_true(store_is_lost(w->store));
    open_again(w);
    assert_true(store_import(w->store, &b, &fresh));
    assert_int_equal(fresh, 1);
}

/* Two that read first and then write: the second waits for its turn to begin, as it could not wait
 * once it has read. */
static void who_will_write_begins_in_turn(void **state) {
    const world *w = *state;
    static const char read[] = "SELECT count(*) FROM weir_meta",
                      put[] = "INSERT INTO weir_meta VALUES ($1, '1')";
    static const span names[] = {SPAN("first"), SPAN("second")};
    buf why = BUF_EMPTY;
    bool never;
    sql *dbs[2];
    for (size_t i = 0; i < 2; i++)
        dbs[i] = sql_sqlite.open(w->at.place.where.ptr, SQL_WRITES, false, &why, &never);
    assert_true(sql_sqlite.run(dbs[0], sql_sqlite.begin_write, NULL, 0, NULL, NULL));
    assert_true(sql_sqlite.run(dbs[0], read, NULL, 0, NULL, NULL));
    assert_false(sql_sqlite.run(dbs[1], sql_sqlite.begin_write, NULL, 0, NULL, NULL));
    for (size_t i = 0; i < 2; i++) {
        const sql_value name = sql_text(names[i]);
        if (i) assert_true(sql_sqlite.run(dbs[i], sql_sqlite.begin_write, NULL, 0, NULL, NULL));
        if (i) assert_true(sql_sqlite.run(dbs[i], read, NULL, 0, NULL, NULL));
        if (!sql_sqlite.run(dbs[i], put, &name, 1, NULL, NULL) ||
            !sql_sqlite.run(dbs[i], "COMMIT", NULL, 0, NULL, NULL))
            fail_msg("%zu: %s", i, buf_cstr(&dbs[i]->why));
    }
    for (size_t i = 0; i < 2; i++)
        sql_sqlite.close(dbs[i]);
    buf_done(&why);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define P(name) cmocka_unit_test_setup_teardown(name, set_up_postgres, tear_down)
    const struct CMUnitTest tests[] = {
        T(each_call_is_there_once),
        T(a_run_is_not_added_to_its_steps),
        T(a_call_comes_back_whole),
        T(every_field_comes_back),
        T(pages_neither_skip_nor_double),
        T(what_is_asked_is_what_comes),
        T(sums_are_those_of_the_calls),
        T(groups_are_bounded),
        T(groups_are_told_apart),
        T(what_is_old_goes_in_steps),
        T(the_newest_call_is_known),
        T(a_floor_that_has_not_come_yet_is_mended),
        T(a_later_weirs_store_is_refused),
        T(what_is_no_database_is_refused),
        T(a_file_that_is_gone_is_noticed),
        T(who_will_write_begins_in_turn),
        T(texts_that_are_none_cost_no_batch),
        T(rows_of_a_batch_keep_their_own),
        T(an_earlier_weirs_store_is_read_and_brought_up),
    };
    const struct CMUnitTest at_a_server[] = {
        P(each_call_is_there_once),
        P(a_call_comes_back_whole),
        P(every_field_comes_back),
        P(pages_neither_skip_nor_double),
        P(what_is_asked_is_what_comes),
        P(sums_are_those_of_the_calls),
        P(groups_are_bounded),
        P(groups_are_told_apart),
        P(what_is_old_goes_in_steps),
        P(the_newest_call_is_known),
        P(a_floor_that_has_not_come_yet_is_mended),
        P(a_later_weirs_store_is_refused),
        P(texts_that_are_none_cost_no_batch),
        P(rows_of_a_batch_keep_their_own),
        P(an_earlier_weirs_store_is_read_and_brought_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed
                  : cmocka_run_group_tests(at_a_server, place_start_server, place_end_server);
}
