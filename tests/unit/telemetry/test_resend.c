#include "unit.h"

#include "heap.h"
#include "telemetry/resend.h"

static void answers_are_judged_by_their_status(void **state) {
    (void)state;
    static const struct {
        int status;
        resend_verdict verdict;
    } rows[] = {
        {0, RESEND_WAIT},   {200, RESEND_DONE}, {202, RESEND_DONE}, {204, RESEND_DONE},
        {301, RESEND_DROP}, {307, RESEND_DROP}, {400, RESEND_DROP}, {401, RESEND_DROP},
        {403, RESEND_DROP}, {404, RESEND_DROP}, {408, RESEND_DROP}, {413, RESEND_DROP},
        {415, RESEND_DROP}, {422, RESEND_DROP}, {429, RESEND_WAIT}, {500, RESEND_DROP},
        {501, RESEND_DROP}, {502, RESEND_WAIT}, {503, RESEND_WAIT}, {504, RESEND_WAIT},
        {505, RESEND_DROP}, {599, RESEND_DROP},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const resend_facts f = {.status = rows[i].status, .hint_ms = -1, .tries = 1};
        int64_t wait_ms = -1;
        resend_verdict v = resend_decide(&f, &wait_ms);
        if (v != rows[i].verdict) fail_msg("%d", rows[i].status);
        assert_int_equal(wait_ms >= 0, v == RESEND_WAIT);
    }
}

static void waits(void **state) {
    (void)state;
    static const struct {
        unsigned tries;
        int64_t hint_ms, spent_ms;
        double random;
        int64_t wait_ms; /* -1: given up */
    } rows[] = {
        {1, -1, 0, 0.0, 500},
        {1, -1, 0, 0.999, 999},
        {2, -1, 0, 0.5, 1500},
        {5, -1, 0, 0.0, 8000},
        {6, -1, 0, 0.0, 15000},
        {60, -1, 0, 0.999, 29985},
        {1, 0, 0, 0.5, RESEND_LEAST_MS}, /* a word that would mean as fast as it refuses */
        {9, 0, 0, 0.0, RESEND_LEAST_MS},
        {2, 1, 0, 0.5, RESEND_LEAST_MS},
        {2, 501, 0, 0.5, 501},
        {9, 0, RESEND_MOST_MS - RESEND_LEAST_MS, 0, RESEND_LEAST_MS},
        {9, 0, RESEND_MOST_MS - RESEND_LEAST_MS + 1, 0, -1},
        {1, 7000, 0, 0.5, 7000}, /* the receiver's word, whatever comes of it */
        {1, 60000, 0, 0.5, 60000},
        {1, RESEND_MOST_MS, 0, 0, RESEND_MOST_MS},
        {1, RESEND_MOST_MS + 1, 0, 0, -1},
        {9, 1000, RESEND_MOST_MS - 1000, 0, 1000},
        {9, 1000, RESEND_MOST_MS - 999, 0, -1},
        {9, -1, RESEND_MOST_MS, 0, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const resend_facts f = {.status = 503,
                                .hint_ms = rows[i].hint_ms,
                                .tries = rows[i].tries,
                                .spent_ms = rows[i].spent_ms,
                                .random = rows[i].random};
        int64_t wait_ms = -1;
        resend_verdict v = resend_decide(&f, &wait_ms);
        if (wait_ms != rows[i].wait_ms) fail_msg("row %zu: %lld", i, (long long)wait_ms);
        assert_int_equal(v, wait_ms < 0 ? RESEND_DROP : RESEND_WAIT);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_judged_by_their_status),
        cmocka_unit_test(waits),
    };
    return run_watched(tests);
}
