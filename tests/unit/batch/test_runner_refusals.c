/* Where every line would meet the same refusal the batch stops; where some are answered it does
 * not. */
#include "unit.h"

#include "runner.h"

#include "batch/refusals.h"

static weir_result refusal(weir_code code, int status) {
    return (weir_result){.code = code,
                         .status = status,
                         .body = "{\"error\":{}}",
                         .body_len = 12,
                         .error_message = "Incorrect API key",
                         .target = "main/m",
                         .request_id = "w",
                         .total_tokens = -1};
}

#define ALL_REFUSED                                                                                \
    "every line would be refused: main/m: 401 Incorrect API key; the lines that met this stay "    \
    "undone: mend it and run the same command again"

/* A key that is not accepted fails no line: the batch stops, and what it asked stays undone. */
static void stops_where_every_line_is_refused(void **state) {
    (void)state;
    put_lines(100);
    batch *b = begin();
    end_call(0, answer());
    turn(b);
    unsigned refused = 0;
    weir_call *first = client.calls[0];
    while (client.running > 1) { /* the one that was begun first takes its time */
        end_call(1, refusal(WEIR_UNAUTHENTICATED, 401));
        refused++;
        turn(b);
    }
    assert_int_equal(refused, 20 + 3); /* no more are begun after the twentieth */
    assert_false(batch_ended(b));
    assert_ptr_equal(client.calls[0], first);
    end_call(0, answer()); /* which says nothing of those that were begun later */
    turn(b);
    assert_true(batch_ended(b));
    assert_false(batch_complete(b));
    assert_int_equal(batch_count(b).failed, 0);
    finish(b, ALL_REFUSED);
    expect_results(out_path, 2, false);
    assert_int_not_equal(access(errors_path, F_OK), 0);
}

/* Some lines are refused quickly, others are answered slowly: the batch waits for those before it
 * thinks that all are refused, and is slower to think so again. */
static void goes_on_where_others_are_answered(void **state) {
    (void)state;
    put_lines(100);
    batch *b = begin();
    unsigned refused = 0;
    for (unsigned limit = 20; limit <= 40; limit *= 2) {
        while (client.running > 1) {
            end_call(0, refusal(WEIR_UNAUTHENTICATED, 401));
            refused++;
            turn(b);
        }
        assert_false(batch_ended(b));
        end_call(0, answer());
        turn(b);
        assert_int_equal(batch_count(b).failed, refused);
        assert_int_equal(client.running, 5);
    }
    assert_true(refused >= 20 + 40);
    while (client.running) {
        end_call(0, answer());
        turn(b);
    }
    assert_true(batch_complete(b));
    finish(b, "");
    expect_results(errors_path, refused, true);
}

/* While lines meet what every line would meet, none are taken beforehand. */
static void takes_nothing_beforehand_after_a_refusal(void **state) {
    (void)state;
    put_lines(40);
    batch *b = begin();
    client.waiting = 2;
    end_call(4, refusal(WEIR_UNAUTHENTICATED, 401));
    turn(b);
    assert_int_equal(client.running, 5);
    end_call(4, answer()); /* others are served */
    client.waiting = 2;
    turn(b);
    assert_int_equal(client.running, 7);
    batch_cancel(b);
    end_cancelled();
    turn(b);
    finish(b, "");
}

static void a_short_batch_is_refused_too(void **state) {
    (void)state;
    put_lines(2);
    batch *b = begin();
    end_call(0, refusal(WEIR_UNAUTHENTICATED, 401));
    end_call(0, refusal(WEIR_UNAUTHENTICATED, 401));
    assert_false(batch_ended(b));
    turn(b);
    assert_false(batch_complete(b));
    finish(b, ALL_REFUSED);
    assert_int_not_equal(access(errors_path, F_OK), 0);
}

/* Where others are answered, a refusal is the line's own failure. */
static void refusals_among_answers_are_failures(void **state) {
    (void)state;
    put_lines(7);
    batch *b = begin();
    end_call(0, refusal(WEIR_UNAUTHENTICATED, 401));
    turn(b); /* line 6 is begun */
    end_call(0, answer());
    assert_int_equal(batch_count(b).failed, 0); /* line 2 was asked before */
    end_call(3, answer());
    assert_int_equal(batch_count(b).failed, 1);
    turn(b);
    while (client.running > 1)
        end_call(0, answer());
    end_call(0, refusal(WEIR_NOT_FOUND, 404));
    turn(b);
    assert_true(batch_ended(b) && batch_complete(b));
    assert_int_equal(batch_count(b).failed, 2);
    finish(b, "");
    expect_results(errors_path, 2, true);
}

static void tells_general_refusals(void **state) {
    (void)state;
    weir_result quota = refusal(WEIR_RATE_LIMITED, 429);
    assert_false(refusal_is_general(&quota, false));
    quota.error_code = "insufficient_quota";
    assert_true(refusal_is_general(&quota, true));
    weir_result model = refusal(WEIR_NOT_FOUND, 404), money = refusal(WEIR_INVALID, 402);
    assert_true(refusal_is_general(&model, false));
    assert_false(refusal_is_general(&model, true));
    assert_true(refusal_is_general(&money, true));
    weir_result bad = refusal(WEIR_INVALID, 400);
    assert_false(refusal_is_general(&bad, false));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(stops_where_every_line_is_refused),        CASE(goes_on_where_others_are_answered),
        CASE(takes_nothing_beforehand_after_a_refusal), CASE(a_short_batch_is_refused_too),
        CASE(refusals_among_answers_are_failures),      CASE(tells_general_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
