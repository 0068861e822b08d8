/* The store's sums: exactly those of its calls, in groups that are told apart and bounded. */
#include "ledger/storing.h"

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
    } rows[] = {{GROUP_NONE, 0},   {GROUP_HOUR, 3}, {GROUP_DAY, 2},
                {GROUP_CLIENT, 2}, {GROUP_USER, 1}, {GROUP_MODEL, 1},
                {GROUP_TARGET, 2}, {GROUP_TAG, 3},  {GROUP_CLIENT_USER, 2}};
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
    static const query_group groups[] = {GROUP_USER,   GROUP_MODEL,       GROUP_TAG,
                                         GROUP_CLIENT, GROUP_CLIENT_USER, GROUP_NONE};
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
                assert_int_equal(found.models.count,
                                 q.group != GROUP_CLIENT_USER ? SUMMARY_GROUPS_MAX : 0);
                if (q.group == GROUP_NONE) assert_int_equal(found.total.calls, n + 1);
                if (q.group == GROUP_NONE) assert_int_equal(found.more_models, many);
                summary_done(&found);
            }
        }
    }
}

/* Nor do they end the taking of records: in some currencies money is counted in millions. */
static void sums_do_not_overflow(void **state) {
    world *w = *state;
    enum { CALLS = 4 };
    ledger_call calls[CALLS];
    ledger_query part = ledger_query_all;
    part.to_us = T0 + 1000;
    for (unsigned i = 0; i < CALLS; i++) {
        calls[i] = call_at(i, T0 + i);
        calls[i].attempts = 1;
        calls[i].cost_nano = INT64_MAX / 2;
        import(w, &calls[i], 1);
        const int64_t expected = i ? i > 1 ? INT64_MAX : INT64_MAX - 1 : INT64_MAX / 2;
        assert_true(total(w, &ledger_query_all).cost_nano == expected);
        assert_true(total(w, &part).cost_nano == expected);
        assert_int_equal(total(w, &part).calls, i + 1);
    }
    calls[0] = call_at(CALLS, T0 + HOUR);
    calls[0].attempts = 1;
    calls[0].cost_nano = 1;
    import(w, calls, 1); /* another hour, of which all is less */
    assert_true(total(w, &ledger_query_all).cost_nano == INT64_MAX);
    part.from_us = T0 + HOUR;
    part.to_us = INT64_MAX;
    assert_int_equal(total(w, &part).cost_nano, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_run_is_not_added_to_its_steps),
        IN_FOLDER(sums_are_those_of_the_calls),
        IN_FOLDER(sums_do_not_overflow),
        IN_FOLDER(groups_are_bounded),
        IN_FOLDER(groups_are_told_apart),
    };
    const struct CMUnitTest at_a_server[] = {
        AT_SERVER(sums_are_those_of_the_calls),
        AT_SERVER(sums_do_not_overflow),
        AT_SERVER(groups_are_bounded),
        AT_SERVER(groups_are_told_apart),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed ? failed
                  : cmocka_run_group_tests(at_a_server, place_start_server, place_end_server);
}
