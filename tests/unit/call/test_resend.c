/* What is sent again, and when: by the policies of telemetry and of alerts. */
#include "unit.h"

#include "alert/webhook.h"
#include "heap.h"
#include "telemetry/sender.h"

static void answers_are_judged_by_their_status(void **state) {
    (void)state;
    const resend_verdict D = RESEND_DONE, W = RESEND_WAIT, N = RESEND_DROP;
    const struct {
        int status;
        resend_verdict telemetry, alerts;
    } rows[] = {
        {0, W, W},   {200, D, D}, {202, D, D}, {204, D, D}, {301, N, N}, {302, N, N}, {307, N, N},
        {400, N, N}, {401, N, N}, {403, N, N}, {404, N, N}, {408, N, W}, {410, N, N}, {413, N, N},
        {415, N, N}, {422, N, N}, {425, N, W}, {429, W, W}, {500, N, W}, {501, N, W}, {502, W, W},
        {503, W, W}, {504, W, W}, {505, N, W}, {599, N, W},
    };
    static const resend_policy *const policies[] = {&sender_resend, &webhook_resend};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const resend_verdict wanted[] = {rows[i].telemetry, rows[i].alerts};
        for (size_t p = 0; p < ARRAY_LEN(policies); p++) {
            resend_facts f = {.status = rows[i].status, .hint_ms = -1, .tries = 1};
            int64_t wait_ms = -1;
            const resend_verdict v = resend_decide(policies[p], &f, &wait_ms);
            if (v != wanted[p]) fail_msg("%d", rows[i].status);
            assert_int_equal(wait_ms >= 0, v == RESEND_WAIT);
            f.last = true;
            assert_int_equal(resend_decide(policies[p], &f, &wait_ms),
                             v == RESEND_DONE ? RESEND_DONE : RESEND_DROP);
        }
    }
}

typedef struct wait_row {
    unsigned tries;
    int64_t hint_ms, spent_ms;
    double random;
    int64_t wait_ms; /* -1: given up */
} wait_row;

static void plays(const resend_policy *p, const wait_row *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const resend_facts f = {.status = 503,
                                .hint_ms = rows[i].hint_ms,
                                .tries = rows[i].tries,
                                .spent_ms = rows[i].spent_ms,
                                .random = rows[i].random};
        int64_t wait_ms = -1;
        const resend_verdict v = resend_decide(p, &f, &wait_ms);
        if (wait_ms != rows[i].wait_ms) fail_msg("row %zu: %lld", i, (long long)wait_ms);
        assert_int_equal(v, wait_ms < 0 ? RESEND_DROP : RESEND_WAIT);
    }
}

static void waits_of_telemetry(void **state) {
    (void)state;
    enum { MOST_MS = 5 * 60 * 1000 };
    static const wait_row rows[] = {
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
        {9, 0, MOST_MS - RESEND_LEAST_MS, 0, RESEND_LEAST_MS},
        {9, 0, MOST_MS - RESEND_LEAST_MS + 1, 0, -1},
        {1, 7000, 0, 0.5, 7000}, /* the receiver's word, whatever comes of it */
        {1, 60000, 0, 0.5, 60000},
        {1, MOST_MS, 0, 0, MOST_MS},
        {1, MOST_MS + 1, 0, 0, -1},
        {9, 1000, MOST_MS - 1000, 0, 1000},
        {9, 1000, MOST_MS - 999, 0, -1},
        {9, -1, MOST_MS, 0, -1},
    };
    plays(&sender_resend, rows, ARRAY_LEN(rows));
}

static void waits_of_alerts(void **state) {
    (void)state;
    enum { CAP_MS = 5 * 60 * 1000, MOST_MS = 30 * 60 * 1000 };
    static const wait_row rows[] = {
        {1, -1, 0, 0.0, 500},
        {1, -1, 0, 0.5, 750},
        {3, -1, 0, 0.0, 2000},
        {60, -1, 0, 0.0, CAP_MS / 2},
        {1, 0, 0, 0.5, RESEND_LEAST_MS},
        {1, 7000, 0, 0.5, 7000},
        {9, 1000, MOST_MS - 1000, 0, 1000},
        {9, 1000, MOST_MS - 999, 0, -1},
        {1, MOST_MS + 1, 0, 0, -1},
    };
    plays(&webhook_resend, rows, ARRAY_LEN(rows));
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_judged_by_their_status),
        cmocka_unit_test(waits_of_telemetry),
        cmocka_unit_test(waits_of_alerts),
    };
    return run_watched(tests);
}
