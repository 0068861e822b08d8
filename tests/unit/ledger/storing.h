/* A store at an empty place of its own, and calls for it: a file, or a server of the test's own
 * where PostgreSQL is installed.
 */
#ifndef WEIR_UNIT_LEDGER_STORING_H
#define WEIR_UNIT_LEDGER_STORING_H

#include "unit.h"

#include "ledger/places.h"
#include "ledger/store_sql.h"

#define HOUR ((int64_t)HOUR_US)
#define T0   (498858 * HOUR) /* 2026-11-28T18:00:00Z */

typedef struct world {
    own_place at;
    store *store;
} world;

static inline void open_again(world *w) {
    buf why = BUF_EMPTY;
    store_close(w->store);
    store_state s = store_open(&w->at.place, SQL_WRITES, false, &w->store, &why);
    if (s != STORE_OPEN) fail_msg("%s", buf_cstr(&why));
    buf_done(&why);
}

static inline int begin(void **state, bool at_server) {
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

static inline int set_up(void **state) {
    return begin(state, false);
}

static inline int set_up_postgres(void **state) {
    return begin(state, true);
}

static inline int tear_down(void **state) {
    world *w = *state;
    store_close(w->store);
    place_done(&w->at);
    return 0;
}

static char ids[SUMMARY_GROUPS_MAX + 1][STORE_ID_LEN + 1];

static inline ledger_call call_at(unsigned number, int64_t wall_us) {
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

static inline size_t import(world *w, const ledger_call *calls, size_t count) {
    const store_mark mark = {SPAN("a.journal"), (int64_t)count};
    const store_batch b = {calls, count, SPAN("node"), &mark, 1};
    size_t fresh = 0;
    if (!store_import(w->store, &b, &fresh)) fail_msg("%.*s", SPAN_ARG(store_why(w->store)));
    return fresh;
}

static inline sums total(world *w, const ledger_query *q) {
    ledger_summary found;
    sums s = {0};
    summary_init(&found, q->group);
    assert_true(store_sums(w->store, q, &found));
    s = found.total;
    summary_done(&found);
    return s;
}

#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define AT_SERVER(name) cmocka_unit_test_setup_teardown(name, set_up_postgres, tear_down)

#endif
