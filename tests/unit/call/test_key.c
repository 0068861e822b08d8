/* What is remembered of a key: its rests, what is told of it, and for how long. */
#include "heap.h"

#include "base/clock.h"
#include "base/mem.h"
#include "call/key.h"

#include <limits.h>
#include <pthread.h>

static secret *secret_of(const char *text) {
    return secret_new(span_cstr(text));
}

/* ---- how long ---- */

static void rests_grow_and_end(void **state) {
    (void)state;
    static const struct {
        int status;
        unsigned in_row;
        int64_t rest_ms;
    } rows[] = {
        {401, 1, 1000},
        {401, 2, 2000},
        {401, 3, 4000},
        {401, 6, 32000},
        {401, 7, 60000},
        {401, 8, 60000},
        {401, UINT_MAX, 60000},
        {402, 1, 1000},
        {429, 1, 1000},
        {403, 1, 0},
        {403, 2, 0},
        {403, 3, 1000},
        {403, 4, 2000},
        {403, 9, 60000},
        {403, UINT_MAX, 60000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(key_rest_ms(rows[i].status, rows[i].in_row), rows[i].rest_ms);
}

/* ---- one key ---- */

typedef struct one {
    key_table *table;
    key_state *key;
} one;

static one one_new(void) {
    key_table *t = key_table_new();
    return (one){t, key_get(t, SPAN_OF("p"), NULL)};
}

static void one_done(one *o) {
    key_unref(o->key);
    key_table_free(o->table);
}

static void one_call_looks_after_a_rest(void **state) {
    (void)state;
    one o = one_new();
    assert_int_equal(key_look(o.key, 5000), KEY_FREE);
    key_take(o.key, 5000);
    assert_int_equal(key_look(o.key, 5000), KEY_FREE); /* a key that is well is any number's */
    (void)key_refused(o.key, 401, SPAN_EMPTY, 0, 5000);
    assert_int_equal(key_look(o.key, 5999), KEY_LAST);
    key_take(o.key, 5500); /* there was no other way: its rest stays what it is */
    assert_int_equal(key_look(o.key, 6000), KEY_FREE);
    key_take(o.key, 6000);
    assert_int_equal(key_look(o.key, 6999), KEY_LAST); /* others wait for what becomes of it */
    assert_int_equal(key_look(o.key, 7000), KEY_FREE); /* it has told nothing */
    key_take(o.key, 7000);
    (void)key_refused(o.key, 401, SPAN_EMPTY, 0, 7010);
    assert_int_equal(key_look(o.key, 9009), KEY_LAST);
    assert_int_equal(key_look(o.key, 9010), KEY_FREE);
    key_take(o.key, 9010);
    assert_true(key_accepted(o.key));
    assert_int_equal(key_look(o.key, 9010), KEY_FREE);
    (void)key_refused(o.key, 401, SPAN_EMPTY, 0, 9020);
    assert_int_equal(key_look(o.key, 10019), KEY_LAST); /* the rests begin anew */
    assert_int_equal(key_look(o.key, 10020), KEY_FREE);
    one_done(&o);
}

static void a_few_403s_are_no_refusal(void **state) {
    (void)state;
    one o = one_new();
    key_refusal r;
    for (int i = 0; i < 2; i++) {
        (void)key_refused(o.key, 403, SPAN_EMPTY, 0, 1000);
        assert_int_equal(key_look(o.key, 1000), KEY_FREE);
        assert_false(key_get_refusal(o.key, &r));
    }
    (void)key_accepted(o.key);
    for (int i = 0; i < 3; i++)
        (void)key_refused(o.key, 403, SPAN_EMPTY, 0, 1000);
    assert_int_equal(key_look(o.key, 1999), KEY_LAST);
    assert_int_equal(key_look(o.key, 2000), KEY_FREE);
    assert_true(key_get_refusal(o.key, &r));
    assert_int_equal(r.status, 403);
    one_done(&o);
}

/* Of several clients: what was asked, as far as the 403s of one alone tell. */
static void one_clients_403s_are_no_refusal(void **state) {
    (void)state;
    static const struct {
        const char *refusals; /* by A and B: a 403, b 403; A 401 */
        int64_t rest_ms;
    } rows[] = {
        {"aaaaaaaaaaaaaaaaaaaa", 0},
        {"ab", 0},
        {"aab", 1000},
        {"aaaaaaaaab", 1000},
        {"aaba", 2000},
        {"abb", 1000},
        {"aabaa", 4000},
        {"A", 1000},
        {"aaA", 4000},
        {"aaaaaaaA", 4000},
        {"aab.aaaa", 0},
        {"aaa.b", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        one o = one_new();
        for (const char *at = rows[i].refusals; *at; at++) {
            if (*at == '.')
                (void)key_accepted(o.key);
            else
                (void)key_refused(o.key, *at == 'A' ? 401 : 403, SPAN_EMPTY, *at == 'b' ? 2 : 1,
                                  1000);
        }
        int64_t rest_ms = 0;
        while (key_look(o.key, 1000 + rest_ms) == KEY_LAST)
            rest_ms += 500;
        if (rest_ms != rows[i].rest_ms) fail_msg("%s: %d", rows[i].refusals, (int)rest_ms);
        one_done(&o);
    }
}

static void it_is_told_once_a_minute(void **state) {
    (void)state;
    enum { ACCEPTED = 0 };
    static const struct {
        int64_t at_ms;
        int status;
        bool told;
    } rows[] = {
        {1000, ACCEPTED, false}, /* well all along: no news */
        {1000, 401, true},       {1001, 401, false},       {60999, 402, false},
        {61000, 401, true},      {61001, ACCEPTED, true},  {61002, ACCEPTED, false},
        {61003, 401, false},     {61004, ACCEPTED, false}, /* nobody was told of that one */
        {121000, 403, true},     {121001, ACCEPTED, true},
    };
    one o = one_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool told = rows[i].status == ACCEPTED
                        ? key_accepted(o.key)
                        : key_refused(o.key, rows[i].status, SPAN_EMPTY, 0, rows[i].at_ms);
        if (told != rows[i].told) print_error("in row %zu\n", i);
        assert_int_equal(told, rows[i].told);
    }
    one_done(&o);
}

static void a_refusal_is_kept_as_it_may_be_shown(void **state) {
    (void)state;
    static const struct {
        span code;
        const char *kept;
    } rows[] = {
        {SPAN(""), ""},
        {SPAN("invalid_api_key"), "invalid_api_key"},
        {SPAN("a b\n\xc3\xbc\x7f"), "a?b????"},
        {SPAN("123456789012345678901234567890123456789012345678and more"),
         "123456789012345678901234567890123456789012345678"},
    };
    one o = one_new();
    key_refusal r;
    assert_false(key_get_refusal(o.key, &r));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        (void)key_refused(o.key, 402, rows[i].code, 0, 1000);
        assert_true(key_get_refusal(o.key, &r));
        assert_int_equal(r.status, 402);
        assert_span(span_from(r.code, r.code_len), rows[i].kept);
    }
    (void)key_accepted(o.key);
    assert_false(key_get_refusal(o.key, &r));
    one_done(&o);
}

/* ---- the table ---- */

static void keys_are_known_by_provider_and_text(void **state) {
    (void)state;
    key_table *t = key_table_new();
    secret *x = secret_of("sk-one"), *again = secret_of("sk-one"), *y = secret_of("sk-two");
    key_state *a = key_get(t, SPAN_OF("a"), x);
    key_state *same = key_get(t, SPAN_OF("a"), again);
    key_state *others[] = {key_get(t, SPAN_OF("b"), x), key_get(t, SPAN_OF("a"), y),
                           key_get(t, SPAN_OF("a"), NULL)};
    assert_ptr_equal(a, same);
    (void)key_refused(a, 401, SPAN_EMPTY, 0, 1000);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_ptr_not_equal(others[i], a);
        assert_int_not_equal(key_id(others[i]), key_id(a));
        assert_int_equal(key_look(others[i], 1000), KEY_FREE);
        key_unref(others[i]);
    }
    /* Kept as long as anyone holds it: the new configuration takes it before the old one goes. */
    key_unref(a);
    assert_int_equal(key_look(same, 1000), KEY_LAST);
    key_unref(same);
    same = key_get(t, SPAN_OF("a"), x);
    assert_int_equal(key_look(same, 1000), KEY_FREE);
    key_unref(same);
    key_unref(NULL);
    key_table_free(t);
    key_table_free(NULL);
    secret_unref(x);
    secret_unref(again);
    secret_unref(y);
}

/* Another key of that provider begins anew; one that is configured still goes on. */
static void its_times_are_known(void **state) {
    (void)state;
    one o = one_new();
    key_times times = key_get_times(o.key);
    assert_true(times.since_us > 0 && times.since_us <= clock_wall_us());
    assert_int_equal(times.used_ms, 0);
    (void)key_look(o.key, 5000);
    assert_int_equal(key_get_times(o.key).used_ms, 0);
    key_take(o.key, 7000);
    assert_int_equal(key_get_times(o.key).used_ms, 7000);
    assert_int_equal(key_get_times(o.key).since_us, times.since_us);
    one_done(&o);
}

/* ---- threads ---- */

enum { WORKERS = 4, ROUNDS = 5000 };

typedef struct worker {
    key_table *table;
    key_state *shared;
    unsigned told;
} worker;

static void *work(void *arg) {
    worker *w = arg;
    for (int i = 0; i < ROUNDS; i++) {
        key_state *k = key_get(w->table, SPAN_OF("come and go"), NULL);
        if (key_look(w->shared, i) == KEY_FREE) key_take(w->shared, i);
        w->told += key_refused(w->shared, 401, SPAN_OF("revoked"), 0, 1000);
        (void)key_refused(k, 403, SPAN_EMPTY, 0, i);
        (void)key_accepted(k);
        key_refusal r;
        assert_true(key_get_refusal(w->shared, &r));
        assert_int_equal(r.code_len, 7);
        key_unref(k);
    }
    return NULL;
}

/* Whatever workers do at once, one of them tells. */
static void workers_share_a_key(void **state) {
    (void)state;
    one o = one_new();
    pthread_t threads[WORKERS];
    worker workers[WORKERS];
    unsigned told = 0;
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (worker){o.table, o.key, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        told += workers[i].told;
    }
    assert_int_equal(told, 1);
    assert_true(key_accepted(o.key));
    one_done(&o);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(rests_grow_and_end),
        cmocka_unit_test(one_call_looks_after_a_rest),
        cmocka_unit_test(a_few_403s_are_no_refusal),
        cmocka_unit_test(one_clients_403s_are_no_refusal),
        cmocka_unit_test(it_is_told_once_a_minute),
        cmocka_unit_test(a_refusal_is_kept_as_it_may_be_shown),
        cmocka_unit_test(keys_are_known_by_provider_and_text),
        cmocka_unit_test(its_times_are_known),
        cmocka_unit_test(workers_share_a_key),
    };
    return run_watched(tests);
}
