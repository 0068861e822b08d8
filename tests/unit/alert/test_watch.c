/* What is found in calls, under a virtual clock: each kind, its neighbours that are nothing, and
 * what is told again. */
#include "unit.h"

#include "alert/pauses.h"
#include "alert/repeats.h"
#include "alert/watch.h"

#include <string.h>

#define HOUR ((int64_t)60 * 60 * 1000)

/* Kinds and subjects as they were found: "loop.prompt app\n". */
typedef struct seen {
    buf text;
    buf paused, said; /* said: the last sentence, and whether it is paused */
    pause_word word;
    int64_t nano, period;
} seen;

static void on_found(void *user, const alert_finding *f) {
    seen *s = user;
    buf_addf(&s->text, "%s %.*s\n", alert_kind_name(f->kind), SPAN_ARG(f->subject));
    buf_clear(&s->said);
    buf_add(&s->said, f->sentence);
    for (size_t i = 0; i < f->fact_count; i++)
        if (strcmp(f->facts[i].name, "paused") == 0)
            buf_addf(&s->said, " paused: %.*s", SPAN_ARG(f->facts[i].value));
}

static pause_word on_pause(void *user, span client, span why) {
    seen *s = user;
    assert_true(why.len > 0);
    buf_addf(&s->paused, "%.*s;", SPAN_ARG(client));
    return s->word;
}

static void on_spent(void *user, const note_budget *b, int64_t *ret_nano, int64_t *ret_period) {
    const seen *s = user;
    (void)b;
    *ret_nano = s->nano;
    *ret_period = s->period;
}

static const watch_ops ops = {.found = on_found, .pause = on_pause, .spent = on_spent};

static const config_alerts options = {
    .on = true,
    .budget = {.items = {0.5, 0.8, 1.0}, .count = 3},
    .key_expiry_ms = 24 * HOUR,
    .learn_ms = HOUR,
    .factor = 2,
    .rate_least = 5,
    .spend_least = 100,
    .errors_share = 0.5,
    .errors_least = 4,
    .errors_ms = 60 * 1000,
    .same = 3,
    .same_ms = 60 * 1000,
    .guard = ALERT_GUARD_REDACT,
    .again_ms = HOUR,
};

/* Each is written and read again, as it comes from a worker. */
static void call(watch_house *w, const config_alerts *c, const alert_note *n) {
    buf bytes = BUF_EMPTY;
    alert_note got;
    note_put(n, &bytes);
    span rest = buf_span(&bytes);
    assert_true(note_take(&rest, &got));
    assert_int_equal(rest.len, 0);
    watch_call(w, c, &got, 1000 * n->at_ms);
    buf_done(&bytes);
}

static void expect(seen *s, const char *text) {
    assert_string_equal(s->text.len ? buf_cstr(&s->text) : "", text);
    buf_clear(&s->text);
}

static void done(watch_house *w, seen *s) {
    watch_house_free(w);
    buf_done(&s->text);
    buf_done(&s->paused);
    buf_done(&s->said);
}

/* Two workers' notes cross: nothing that was learnt or counted is lost by that. */
static void notes_may_come_out_of_order(void **state) {
    (void)state;
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    config_alerts c = options;
    c.learn_ms = 0;
    const span app = SPAN_OF("app"), m = SPAN_OF("m");
    call(w, &c, &(alert_note){.at_ms = HOUR, .client = app, .address = SPAN_OF("192.0.2.1:50")});
    expect(&s, "");
    call(w, &c,
         &(alert_note){.at_ms = HOUR - 1, .client = app, .address = SPAN_OF("192.0.2.2:50")});
    expect(&s, "key.new_address app 192.0.2.2:50\n");
    for (int i = 0; i < 3; i++) /* at the edge of a minute, and of a part of the window */
        call(w, &c, &(alert_note){.at_ms = HOUR - i % 2, .label = m, .failed = true});
    expect(&s, "");
    call(w, &c, &(alert_note){.at_ms = HOUR, .label = m, .failed = true});
    expect(&s, "errors.rate m\n");
    done(w, &s);
}

static void a_client_s_new_words_once_it_is_known(void **state) {
    (void)state;
    static const struct {
        int64_t at_ms;
        const char *client, *address, *model, *found;
        bool refused;
    } rows[] = {
        {0, "app", "192.0.2.1:50", "m", "", false},
        {1, "app", "192.0.2.2:50", "n", "", false}, /* it is being learnt */
        {HOUR, "app", "192.0.2.2:51", "m", "", false},
        {HOUR, "app", "192.0.2.3:50", "m", "key.new_address app 192.0.2.3:50\n", false},
        {HOUR, "app", "192.0.2.3:50", "m", "", false},
        {HOUR, "app", "192.0.2.1:50", "o", "", true}, /* a model that it may not have, or none */
        {HOUR, "app", "192.0.2.1:50", "o", "key.new_model app o\n", false},
        {HOUR, "new", "192.0.2.9:50", "m", "", false}, /* another one's first */
        {2 * HOUR, "new", "[2001:db8::1]:50", "m", "key.new_address new [2001:db8::1]:50\n", false},
        {2 * HOUR, "new", "[2001:db8::2:1]:50", "m", "", false}, /* the same network */
        {2 * HOUR, "new", "[2001:db8:0:1::1]:50", "m", "key.new_address new [2001:db8:0:1::1]:50\n",
         false},
        {2 * HOUR, "", "192.0.2.77:50", "z", "", false}, /* nobody's */
        {4 * HOUR, "", "192.0.2.78:50", "y", "", false},
    };
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    config_alerts c = options;
    c.rate_least = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const alert_note n = {.at_ms = rows[i].at_ms,
                              .client = span_cstr(rows[i].client),
                              .address = span_cstr(rows[i].address),
                              .model = span_cstr(rows[i].model),
                              .refused = rows[i].refused};
        call(w, &c, &n);
        expect(&s, rows[i].found);
    }
    done(w, &s);
}

static void rates_and_spending_beyond_the_past(void **state) {
    (void)state;
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    alert_note n = {.client = SPAN_OF("app"), .cost_nano = 30};
    for (int i = 0; i < 5; i++)
        call(w, &options, &n);
    expect(&s, "");
    n.at_ms = HOUR; /* five calls for 150 in its busiest minute, which is a while ago */
    for (int i = 0; i < 9; i++)
        call(w, &options, &n);
    expect(&s, "");
    call(w, &options, &n);
    expect(&s, "key.rate app\nloop.spend app\n");
    call(w, &options, &n);
    expect(&s, "");
    assert_int_equal(s.paused.len, 0);
    done(w, &s);
}

/* A run asks as often as it has to, and the cache a model for embeddings: the client has made one
 * call. What they cost is his. */
static void what_weir_asks_itself(void **state) {
    (void)state;
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    config_alerts c = options;
    c.learn_ms = 0;
    alert_note own = {.client = SPAN_OF("app"),
                      .address = SPAN_OF("192.0.2.1"),
                      .model = SPAN_OF("m"),
                      .label = SPAN_OF("m")};
    alert_note step = own;
    step.step = true;
    step.model = SPAN_OF("embeddings");
    for (int i = 0; i < 4; i++) {
        call(w, &c, &step); /* which ends before the call that it is for: nor is it the first */
        call(w, &c, &own);
    }
    expect(&s, "");
    own.at_ms = step.at_ms = HOUR;
    for (int i = 0; i < 8; i++)
        call(w, &c, &step);
    expect(&s, "");
    step.cost_nano = c.spend_least;
    call(w, &c, &step);
    expect(&s, "loop.spend app\n");
    own.model = SPAN_OF("embeddings");
    call(w, &c, &own);
    expect(&s, "key.new_model app embeddings\n");
    done(w, &s);
}

static void a_loop_and_the_pause(void **state) {
    (void)state;
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    config_alerts c = options;
    c.pause = true;
    alert_note n = {.client = SPAN_OF("app"), .request = 9},
               stranger = {.address = SPAN_OF("192.0.2.1"), .request = 9};
    alert_note step = {.client = SPAN_OF("run"), .request = 9, .step = true};
    for (int i = 0; i < 3; i++)
        call(w, &c, &step);
    expect(&s, "");
    for (int i = 0; i < 3; i++)
        call(w, &c, &n);
    expect(&s, "loop.prompt app\n");
    assert_string_equal(buf_cstr(&s.paused), "app;");
    for (int i = 0; i < 3; i++)
        call(w, &c, &stranger);
    expect(&s, "loop.prompt 192.0.2.1\n"); /* whom nobody can pause */
    assert_string_equal(buf_cstr(&s.paused), "app;");
    done(w, &s);
}

/* What an alert says of the pause is so. */
static void a_loop_says_whether_it_was_stopped(void **state) {
    (void)state;
    static const struct {
        pause_word word;
        const char *says;
    } rows[] = {
        {PAUSE_BEGUN, "Client app has sent the same request 3 times within 60s. It is paused until "
                      "an admin resumes it. paused: true"},
        {PAUSE_STANDS, "Client app has sent the same request 3 times within 60s."},
        {PAUSE_FULL, "Client app has sent the same request 3 times within 60s. It goes on: 1000 "
                     "clients are paused, and no more can be. paused: false"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        seen s = {.word = rows[i].word};
        watch_house *w = watch_house_new(&ops, &s);
        config_alerts c = options;
        c.pause = true;
        const alert_note n = {.client = SPAN_OF("app"), .request = 9};
        for (int k = 0; k < 3; k++)
            call(w, &c, &n);
        assert_string_equal(buf_cstr(&s.said), rows[i].says);
        done(w, &s);
    }
}

static void models_that_fail(void **state) {
    (void)state;
    static const struct {
        bool failed, refused;
        const char *found;
    } rows[] = {
        {true, false, ""},
        {true, false, ""},
        {true, true, ""},
        {true, false, ""},
        {true, false, "errors.rate m\n"},
        {false, false, ""},
        {false, false, ""},
        {false, false, ""},
        {false, false, ""},
        {true, false, "errors.rate m\n"},
        {false, false, ""},
        {false, false, ""},
        {true, false, "errors.rate m\n"},
        {false, false, ""},
        {false, false, ""},
        {false, false, ""},
        {true, false, ""},
    };
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const alert_note n = {
            .label = SPAN_OF("m"), .failed = rows[i].failed, .refused = rows[i].refused};
        call(w, &options, &n);
        expect(&s, rows[i].found);
    }
    done(w, &s);
}

static void verdicts_of_the_guard(void **state) {
    (void)state;
    static const struct {
        const char *guard;
        config_alert_guard verdict, from;
        const char *found;
    } rows[] = {
        {"", ALERT_GUARD_OFF, ALERT_GUARD_FLAG, ""},
        {"in.email.flag=2", ALERT_GUARD_FLAG, ALERT_GUARD_REDACT, ""},
        {"in.email.flag=2", ALERT_GUARD_FLAG, ALERT_GUARD_FLAG,
         "guard.verdict app in.email.flag\n"},
        {"in.email.redact=2", ALERT_GUARD_REDACT, ALERT_GUARD_BLOCK, ""},
        {"in.email.redact=2", ALERT_GUARD_REDACT, ALERT_GUARD_REDACT,
         "guard.verdict app in.email.redact\n"},
        {"out.card.block=1,in.email.redact=2", ALERT_GUARD_BLOCK, ALERT_GUARD_FLAG,
         "guard.verdict app out.card.block\n"},
        {"in.email.block=2", ALERT_GUARD_BLOCK, ALERT_GUARD_OFF, ""},
    };
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_alerts c = options;
        c.guard = rows[i].from;
        const alert_note n = {.client = SPAN_OF("app"),
                              .guard = span_cstr(rows[i].guard),
                              .verdict = rows[i].verdict};
        call(w, &c, &n);
        expect(&s, rows[i].found);
    }
    done(w, &s);
}

/* All that the record says of it is told, however much it is. */
static void verdicts_are_told_whole(void **state) {
    (void)state;
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    buf text = BUF_EMPTY;
    buf_add_cstr(&text, "in.ticket.block=1");
    while (text.len + 30 < NOTE_GUARD_MAX)
        buf_addf(&text, ",in.codeword-%03zu.flag=1", text.len);
    call(w, &options,
         &(alert_note){
             .client = SPAN_OF("app"), .guard = buf_span(&text), .verdict = ALERT_GUARD_BLOCK});
    expect(&s, "guard.verdict app in.ticket.block\n");
    assert_non_null(strstr(buf_cstr(&s.said), buf_cstr(&text)));
    buf_done(&text);
    done(w, &s);
}

static void shares_of_a_budget(void **state) {
    (void)state;
    static const struct {
        int64_t nano, period;
        const char *found;
    } rows[] = {
        {499, 1, ""},
        {500, 1, "budget.threshold app\n"},
        {799, 1, ""},
        {2000, 1, "budget.threshold app\n"},
        {3000, 1, ""},
        {100, 2, ""},
        {800, 2, "budget.threshold app\n"},
        {1000, 2, "budget.threshold app\n"},
        {400, 2, ""},
        {1000, 2, ""}, /* what was given back and spent again */
    };
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    alert_note n = {.client = SPAN_OF("app"), .budget_count = 1};
    n.budgets[0] = (note_budget){LIMIT_OF_CLIENT, PERIOD_DAY, 1000, 7, 1, SPAN_OF("app")};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        s.nano = rows[i].nano;
        s.period = rows[i].period;
        call(w, &options, &n);
        call(w, &options, &n);
        expect(&s, "");
        watch_budgets(w, &options);
        expect(&s, rows[i].found);
        watch_budgets(w, &options);
        expect(&s, "");
    }
    done(w, &s);
}

/* A budget that a reload has raised or lowered, and shares of which others are told, begin anew:
 * what was told was of what it was before. */
static void shares_of_a_budget_that_is_changed(void **state) {
    (void)state;
    static const double few[] = {0.8}, many[] = {0.1, 0.2, 0.3, 0.5, 0.9};
    static const struct {
        uint64_t since;
        int64_t amount, nano;
        const double *shares;
        size_t count;
        const char *said;
    } rows[] = {
        {1, 1000, 1000, options.budget.items, 3, "100%"},
        {2, 10000, 1000, options.budget.items, 3, ""}, /* raised, as it was used up */
        {2, 10000, 5000, options.budget.items, 3, "50%"},
        {2, 10000, 8000, options.budget.items, 3, "80%"},
        {1, 1000, 8100, options.budget.items, 3, ""}, /* a call that began before that */
        {2, 10000, 8200, options.budget.items, 3, ""},
        {3, 8200, 8200, options.budget.items, 3, "100%"}, /* lowered */
        {4, 20000, 8200, options.budget.items, 3, ""},    /* raised */
        {4, 20000, 10000, options.budget.items, 3, "50%"},
        {5, 100000, 10000, options.budget.items, 3, ""},   /* raised in time: */
        {4, 20000, 21000, options.budget.items, 3, ""},    /* nobody is told of what it was */
        {4, 20000, 50000, options.budget.items, 3, "50%"}, /* but of what it is */
        {5, 100000, 80000, options.budget.items, 3, "80%"},
        {6, 100000, 81000, options.budget.items, 3, ""}, /* another reload */
        {6, 100000, 90000, few, 1, ""},                  /* 80% have been told */
        {6, 100000, 90000, many, 5, "90%"},
        {6, 100000, 99999, options.budget.items, 3, ""},
        {6, 100000, 100000, options.budget.items, 3, "100%"},
        {0, 200000, 120000, options.budget.items, 3, "50%"}, /* tokens' own */
        {0, 150000, 120000, options.budget.items, 3, "80%"},
        {0, 200000, 120000, options.budget.items, 3, ""},
    };
    seen s = {.period = 1};
    watch_house *w = watch_house_new(&ops, &s);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        alert_note n = {.client = SPAN_OF("app"), .budget_count = 1};
        config_alerts c = options;
        n.budgets[0] = (note_budget){LIMIT_OF_CLIENT, PERIOD_DAY,    rows[i].amount, 7,
                                     rows[i].since,   SPAN_OF("app")};
        memcpy(c.budget.items, rows[i].shares, rows[i].count * sizeof *rows[i].shares);
        c.budget.count = rows[i].count;
        s.nano = rows[i].nano;
        buf_clear(&s.said);
        call(w, &c, &n);
        watch_budgets(w, &c);
        const span said = buf_span(&s.said), share = span_cstr(rows[i].said);
        if (!share.len ? said.len : !span_starts(said, share))
            fail_msg("row %zu: %.*s", i, SPAN_ARG(said));
    }
    done(w, &s);
}

static void keys_near_their_end_and_breakers(void **state) {
    (void)state;
    seen s = {.nano = 0};
    const int64_t now_us = 1000 * HOUR;
    watch_house *w = watch_house_new(&ops, &s);
    watch_expiry(w, &options, SPAN_OF("never"), 0, now_us);
    watch_expiry(w, &options, SPAN_OF("later"), now_us + 25 * HOUR * 1000, now_us);
    watch_expiry(w, &options, SPAN_OF("over"), now_us, now_us);
    expect(&s, "");
    watch_expiry(w, &options, SPAN_OF("soon"), now_us + 24 * HOUR * 1000, now_us);
    expect(&s, "key.expiring soon\n");
    watch_breaker(w, SPAN_OF("t"), false);
    expect(&s, "");
    watch_breaker(w, SPAN_OF("t"), true);
    watch_breaker(w, SPAN_OF("t"), true);
    watch_breaker(w, SPAN_OF("u"), true);
    watch_breaker(w, SPAN_OF("t"), false);
    expect(&s, "breaker.opened t\nbreaker.opened u\nbreaker.closed t\n");
    done(w, &s);
}

/* More clients than are remembered: the one that has not called for longest is learnt anew. */
static void what_is_remembered_is_bounded(void **state) {
    (void)state;
    seen s = {.nano = 0};
    watch_house *w = watch_house_new(&ops, &s);
    alert_note n = {.request = 3};
    for (int round = 0; round < 2; round++)
        for (int i = 0; i <= WATCH_CLIENTS; i++) {
            buf name = BUF_EMPTY;
            buf_addf(&name, "c%d", i);
            n.client = buf_span(&name);
            call(w, &options, &n);
            call(w, &options, &n);
            buf_done(&name);
        }
    expect(&s, ""); /* remembered, the second two would make four */
    done(w, &s);
}

static void what_was_told_is_not_told_again_at_once(void **state) {
    (void)state;
    static const struct {
        alert_kind kind;
        const char *subject;
        int64_t at_ms;
        bool due;
        uint64_t passed_over;
    } rows[] = {
        {ALERT_RATE, "a", 0, true, 0},
        {ALERT_RATE, "a", 1, false, 0},
        {ALERT_RATE, "b", 1, true, 0},
        {ALERT_SAME, "a", 1, true, 0},
        {ALERT_RATE, "a", 99, false, 0},
        {ALERT_RATE, "a", 100, true, 2},
        {ALERT_RATE, "a", 101, false, 0},
        {ALERT_OPENED, "a", 1, true, 0},
        {ALERT_OPENED, "a", 1, true, 0},
        {ALERT_EXPIRY, "a", 0, true, 0},
        {ALERT_EXPIRY, "a", 24 * HOUR - 1, false, 0},
        {ALERT_EXPIRY, "a", 24 * HOUR, true, 1},
    };
    repeats r;
    repeats_init(&r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t passed_over = 99;
        const bool due = repeats_due(&r, rows[i].kind, span_cstr(rows[i].subject), 100,
                                     rows[i].at_ms, &passed_over);
        if (due != rows[i].due || passed_over != rows[i].passed_over) fail_msg("row %zu", i);
    }
    repeats_done(&r);
}

static void who_is_paused(void **state) {
    (void)state;
    pauses *p = pauses_new();
    buf out = BUF_EMPTY, name = BUF_EMPTY;
    assert_false(pauses_has(p, SPAN_OF("app")));
    assert_int_equal(pauses_add(p, SPAN_OF("app"), SPAN_OF("why"), 0), PAUSE_BEGUN);
    assert_int_equal(pauses_add(p, SPAN_OF("app"), SPAN_OF("again"), 0), PAUSE_STANDS);
    assert_true(pauses_has(p, SPAN_OF("app")));
    assert_false(pauses_has(p, SPAN_OF("ap")));
    pauses_write(p, &out);
    assert_string_equal(
        buf_cstr(&out),
        "[{\"client\":\"app\",\"since\":\"1970-01-01T00:00:00.000000Z\",\"reason\":\"why\"}]");
    for (int i = 1; i < PAUSES_MAX; i++) {
        buf_clear(&name);
        buf_addf(&name, "%d", i);
        assert_int_equal(pauses_add(p, buf_span(&name), SPAN_EMPTY, 0), PAUSE_BEGUN);
    }
    assert_int_equal(pauses_add(p, SPAN_OF("one too many"), SPAN_EMPTY, 0), PAUSE_FULL);
    assert_int_equal(pauses_add(p, SPAN_OF("app"), SPAN_EMPTY, 0), PAUSE_STANDS);
    assert_false(pauses_has(p, SPAN_OF("one too many")));
    assert_true(pauses_end(p, SPAN_OF("app")));
    assert_false(pauses_end(p, SPAN_OF("app")));
    assert_false(pauses_has(p, SPAN_OF("app")));
    assert_true(pauses_has(p, SPAN_OF("999")));
    assert_int_equal(pauses_add(p, SPAN_OF("one too many"), SPAN_EMPTY, 0), PAUSE_BEGUN);
    pauses_free(p);
    buf_done(&out);
    buf_done(&name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_s_new_words_once_it_is_known),
        cmocka_unit_test(notes_may_come_out_of_order),
        cmocka_unit_test(rates_and_spending_beyond_the_past),
        cmocka_unit_test(what_weir_asks_itself),
        cmocka_unit_test(a_loop_and_the_pause),
        cmocka_unit_test(a_loop_says_whether_it_was_stopped),
        cmocka_unit_test(models_that_fail),
        cmocka_unit_test(verdicts_of_the_guard),
        cmocka_unit_test(verdicts_are_told_whole),
        cmocka_unit_test(shares_of_a_budget),
        cmocka_unit_test(shares_of_a_budget_that_is_changed),
        cmocka_unit_test(keys_near_their_end_and_breakers),
        cmocka_unit_test(what_is_remembered_is_bounded),
        cmocka_unit_test(what_was_told_is_not_told_again_at_once),
        cmocka_unit_test(who_is_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
