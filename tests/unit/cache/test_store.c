/* Answers that are kept: which, for how long, and never more than the bound. */
#include "heap.h"
#include "unit.h"

#include "base/random.h"
#include "cache/store.h"

static cache_key key_of(unsigned n) {
    cache_key k = {{0}};
    memcpy(k.bytes, &n, sizeof n);
    return k;
}

static recording *said_of(cache_store *s, const char *text, size_t bytes) {
    buf data = BUF_EMPTY;
    buf_add_cstr(&data, text);
    while (data.len < bytes)
        buf_add_char(&data, (char)('a' + data.len % 26));
    recording *r = recording_new(cache_store_room(s));
    recording_add(r, SPAN_EMPTY, buf_span(&data), 0);
    recording_end(r);
    buf_done(&data);
    return r;
}

static void put(cache_store *s, cached_answer a, const char *text, size_t bytes, int64_t now_ms) {
    a.said = said_of(s, text, bytes);
    if (!a.expires_ms) a.expires_ms = INT64_MAX;
    a.asked_ms = a.stored_ms = now_ms;
    a.purges = cache_store_purges(s);
    cache_store_put(s, &a);
    recording_unref(a.said);
}

static bool find(cache_store *s, unsigned n, bool stream, int64_t now_ms, arena *a,
                 cached_answer *ret) {
    uint64_t seen;
    const cache_want want = {.key = key_of(n), .stream = stream, .max_age_ms = -1};
    return cache_store_find(s, &want, now_ms, a, ret, &seen);
}

static bool has(cache_store *s, unsigned n, int64_t now_ms, int64_t max_age_ms) {
    uint64_t seen;
    const cache_want want = {.key = key_of(n), .max_age_ms = max_age_ms};
    arena a;
    cached_answer got;
    arena_init(&a, 0);
    const bool found = cache_store_find(s, &want, now_ms, &a, &got, &seen);
    if (found) recording_unref(got.said);
    arena_done(&a);
    return found;
}

static void what_is_put_is_found(void **state) {
    (void)state;
    cache_store *s = cache_store_new(1024 * 1024);
    put(s,
        (cached_answer){.key = key_of(1),
                        .stream = true,
                        .model = SPAN("m"),
                        .client = SPAN("c"),
                        .target = SPAN("p/m")},
        "first", 0, 100);
    const cache_key one = key_of(1);
    arena a;
    cached_answer got;
    arena_init(&a, 0);
    assert_false(find(s, 2, true, 100, &a, &got));
    assert_false(find(s, 1, false, 100, &a, &got));
    assert_true(find(s, 1, true, 100, &a, &got));
    assert_true(span_eq(got.model, SPAN_OF("m")) && span_eq(got.client, SPAN_OF("c")) &&
                span_eq(got.target, SPAN_OF("p/m")));
    assert_int_equal(got.stored_ms, 100);
    /* Another one in its place; who has the old one reads on. */
    put(s, (cached_answer){.key = one, .stream = true}, "second", 0, 200);
    recording_reader at;
    recorded_event e;
    assert_true(recording_read(got.said, &at));
    assert_true(recording_next(&at, &e));
    assert_true(span_eq(e.data, SPAN_OF("first")));
    recording_reader_done(&at);
    recording_unref(got.said);
    assert_true(find(s, 1, true, 200, &a, &got));
    assert_int_equal(got.stored_ms, 200);
    recording_unref(got.said);
    assert_int_equal(cache_store_get_figures(s).entries, 1);
    arena_done(&a);
    cache_store_free(s);
}

static void in_which_form(void **state) {
    (void)state;
    cache_store *s = cache_store_new(1024 * 1024);
    uint64_t before, seen;
    arena a;
    cached_answer got;
    arena_init(&a, 0);
    cache_want want = {.key = key_of(1), .stream = true, .either = true, .max_age_ms = -1};
    assert_false(cache_store_find(s, &want, 0, &a, &got, &before));
    assert_true(cache_store_seen(s, &want.key) == before);
    put(s, (cached_answer){.key = key_of(1)}, "document", 0, 0);
    assert_true(cache_store_seen(s, &want.key) != before);
    assert_true(cache_store_find(s, &want, 0, &a, &got, &seen));
    assert_false(got.stream);
    recording_unref(got.said);
    put(s, (cached_answer){.key = key_of(1), .stream = true}, "stream", 0, 0);
    assert_true(cache_store_find(s, &want, 0, &a, &got, &seen));
    assert_true(got.stream);
    recording_unref(got.said);
    want.usage = true; /* which the stream does not tell; of the document one is made */
    assert_true(cache_store_find(s, &want, 0, &a, &got, &seen));
    assert_false(got.stream);
    recording_unref(got.said);
    want.either = false;
    assert_false(cache_store_find(s, &want, 0, &a, &got, &seen));
    arena_done(&a);
    cache_store_free(s);
}

static void how_long(void **state) {
    (void)state;
    cache_store *s = cache_store_new(1024 * 1024);
    put(s, (cached_answer){.key = key_of(1), .expires_ms = 1500}, "x", 0, 1000);
    assert_true(has(s, 1, 1000, 0));
    assert_true(has(s, 1, 1499, -1));
    assert_true(has(s, 1, 1400, 400));
    assert_false(has(s, 1, 1400, 399));
    assert_true(has(s, 1, 1400, -1)); /* too old for one is good for another */
    assert_false(has(s, 1, 1500, -1));
    assert_int_equal(cache_store_get_figures(s).expired, 1);
    assert_int_equal(cache_store_get_figures(s).entries, 0);
    cache_store_free(s);
}

/* A flood of large answers that are all different. */
static void the_bound_holds(void **state) {
    (void)state;
    enum { MOST = 2 * 1024 * 1024 };
    cache_store *s = cache_store_new(MOST);
    for (unsigned i = 0; i < 5000; i++) {
        put(s, (cached_answer){.key = key_of(i)}, "", 1000 + i * 37 % 20000, i);
        assert_true(cache_store_get_figures(s).bytes <= MOST);
    }
    const cache_store_figures f = cache_store_get_figures(s);
    assert_true(f.bytes > MOST / 2);
    assert_int_equal(f.stored, 5000);
    assert_int_equal(f.entries + f.evicted, 5000);
    cache_store_bound(s, MOST / 4);
    assert_true(cache_store_get_figures(s).bytes <= MOST / 4);
    cache_store_bound(s, 0);
    assert_int_equal(cache_store_get_figures(s).entries, 0);
    assert_int_equal(cache_store_get_figures(s).bytes, 0);
    cache_store_free(s);
}

/* What is being recorded has its room, and beyond all of it there is none. */
static void recordings_take_room(void **state) {
    (void)state;
    cache_store *s = cache_store_new(64 * 1024);
    for (unsigned i = 0; i < 100; i++)
        put(s, (cached_answer){.key = key_of(i)}, "", 500, i);
    assert_true(cache_store_get_figures(s).entries > 50);
    recording *r = said_of(s, "", 50 * 1024);
    assert_true(cache_store_trim(s));
    assert_true(cache_store_get_figures(s).entries < 30);
    recording *more = said_of(s, "", 50 * 1024);
    assert_false(cache_store_trim(s));
    assert_int_equal(cache_store_get_figures(s).entries, 0);
    recording_unref(r);
    recording_unref(more);
    cache_store_free(s);
}

/* What is asked for often outlasts a flood of what is asked for once. */
static void what_is_asked_often_stays(void **state) {
    (void)state;
    cache_store *s = cache_store_new(1024 * 1024);
    enum { OFTEN = 100, ONCE = 20000 };
    for (unsigned i = 0; i < OFTEN; i++)
        put(s, (cached_answer){.key = key_of(i)}, "", 1000, 0);
    for (int round = 0; round < 3; round++)
        for (unsigned i = 0; i < OFTEN; i++)
            assert_true(has(s, i, 0, -1));
    for (unsigned i = 0; i < ONCE; i++)
        put(s, (cached_answer){.key = key_of(1000 + i)}, "", 1000, 0);
    unsigned left = 0;
    for (unsigned i = 0; i < OFTEN; i++)
        left += has(s, i, 0, -1);
    assert_true(left > OFTEN * 9 / 10);
    cache_store_free(s);
}

static void purging(void **state) {
    (void)state;
    cache_store *s = cache_store_new(1024 * 1024);
    static const struct {
        span model, client;
        int64_t at_ms;
    } rows[] = {{SPAN("gpt-4o"), SPAN("a"), 1000},
                {SPAN("gpt-4o-mini"), SPAN("a"), 2000},
                {SPAN("gpt-4o"), SPAN("b"), 3000},
                {SPAN("o3"), SPAN("b"), 4000}};
    static const struct {
        cache_purge which;
        size_t gone;
    } asks[] = {{{.model = SPAN("none")}, 0},
                {{.model = SPAN("gpt-4o")}, 2},
                {{.model = SPAN("gpt-4o*")}, 3},
                {{.client = SPAN("a")}, 2},
                {{.client = SPAN("a"), .model = SPAN("gpt-4o")}, 1},
                {{.older_ms = 1500}, 3},
                {{.older_ms = 2000}, 2},
                {{.older_ms = 2000, .client = SPAN("b")}, 0},
                {{.older_ms = 0}, 4}};
    for (size_t k = 0; k < ARRAY_LEN(asks); k++) {
        for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
            put(s,
                (cached_answer){.key = key_of(i), .model = rows[i].model, .client = rows[i].client},
                "x", 0, rows[i].at_ms);
        assert_int_equal(cache_store_purge(s, &asks[k].which, 5000), asks[k].gone);
        assert_int_equal(cache_store_get_figures(s).entries, 4 - asks[k].gone);
    }
    cache_store_free(s);
}

/* Many come and go, of each the stream and the document: what is there is found, and nothing else.
 */
static void each_is_found_whoever_went(void **state) {
    (void)state;
    enum { KEYS = 3000, CLIENTS = 11, ROUNDS = 60 };
    static bool kept[KEYS][2];
    static const char names[CLIENTS + 1] = "abcdefghijk";
    cache_store *s = cache_store_new(64 * 1024 * 1024);
    arena a;
    arena_init(&a, 0);
    memset(kept, 0, sizeof kept);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < 400; i++) {
            unsigned n;
            random_bytes(&n, sizeof n);
            const bool stream = n & 1;
            n = n / 2 % KEYS;
            put(s,
                (cached_answer){.key = key_of(n),
                                .stream = stream,
                                .client = span_from(&names[n % CLIENTS], 1)},
                "x", 0, 0);
            kept[n][stream] = true;
        }
        const unsigned gone = round % CLIENTS;
        (void)cache_store_purge(s, &(cache_purge){.client = span_from(&names[gone], 1)}, 0);
        size_t count = 0;
        for (unsigned n = 0; n < KEYS; n++) {
            for (unsigned stream = 0; stream < 2; stream++) {
                cached_answer got;
                if (n % CLIENTS == gone) kept[n][stream] = false;
                const bool found = find(s, n, stream, 0, &a, &got);
                assert_int_equal(found, kept[n][stream]);
                if (found) recording_unref(got.said);
                count += found;
            }
        }
        assert_int_equal(cache_store_get_figures(s).entries, count);
        arena_reset(&a, 0);
    }
    arena_done(&a);
    cache_store_free(s);
}

/* What was asked for before a purge that means it, and comes after it, is not kept. */
static void what_is_purged_while_it_is_asked_for(void **state) {
    (void)state;
    static const struct {
        cache_purge which;
        bool kept;
    } rows[] = {{{.model = SPAN("gpt-4o")}, false},
                {{.model = SPAN("gpt-*"), .client = SPAN("a")}, false},
                {{.older_ms = 0}, false},
                {{.model = SPAN("gpt-4")}, true},
                {{.model = SPAN("gpt-4o"), .client = SPAN("b")}, true},
                {{.older_ms = 50}, false},
                {{.older_ms = 5000}, true}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cache_store *s = cache_store_new(1024 * 1024);
        cached_answer a = {.key = key_of(1),
                           .model = SPAN("gpt-4o"),
                           .client = SPAN("a"),
                           .said = said_of(s, "x", 0),
                           .expires_ms = INT64_MAX,
                           .asked_ms = 1000,
                           .purges = cache_store_purges(s)};
        assert_int_equal(cache_store_purge(s, &rows[i].which, 1100), 0);
        a.stored_ms = 1200;
        cache_store_put(s, &a);
        assert_int_equal(has(s, 1, 1200, -1), rows[i].kept);
        a.purges = cache_store_purges(s); /* asked for since */
        cache_store_put(s, &a);
        assert_true(has(s, 1, 1200, -1));
        recording_unref(a.said);
        cache_store_purge(s, &(cache_purge){0}, 2000);
        assert_int_equal(cache_store_get_figures(s).bytes, 0);
        cache_store_free(s);
    }
}

/* Of more purges than are known each may have meant it. */
static void of_many_purges_any_may_mean_it(void **state) {
    (void)state;
    purges *p = purges_new();
    const purge_facts facts = {SPAN("m"), SPAN("c"), 100};
    for (unsigned n = 0; n <= PURGES_KEPT; n++) {
        assert_int_equal(purges_count(p), n);
        assert_false(purges_mean(p, 0, &facts));
        if (n < PURGES_KEPT) purges_note(p, &(cache_purge){.model = SPAN("other")}, 200);
    }
    purges_note(p, &(cache_purge){.model = SPAN("other")}, 200);
    assert_true(purges_mean(p, 0, &facts));
    assert_false(purges_mean(p, 1, &facts));
    assert_false(purges_mean(p, PURGES_KEPT + 1, &facts));
    purges_free(p);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found),
        cmocka_unit_test(in_which_form),
        cmocka_unit_test(how_long),
        cmocka_unit_test(the_bound_holds),
        cmocka_unit_test(recordings_take_room),
        cmocka_unit_test(what_is_asked_often_stays),
        cmocka_unit_test(purging),
        cmocka_unit_test(each_is_found_whoever_went),
        cmocka_unit_test(what_is_purged_while_it_is_asked_for),
        cmocka_unit_test(of_many_purges_any_may_mean_it),
    };
    return run_watched(tests);
}
