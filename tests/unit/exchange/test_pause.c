/* Which requests are the same to alerts, and which are none that a model is asked. */
#include "exchange/world.h"

static uint64_t hash; /* of the last one */

static stage_result stage_look(exchange *x) {
    hash = x->asked_hash;
    return exchange_refuse(x, ERR_BAD_REQUEST, NULL, NULL);
}

static const stage_row plan_rows[] = {{"pause", stage_pause, NULL, 0},
                                      {"look", stage_look, NULL, 0}};
static const exchange_plan plan = {plan_rows, ARRAY_LEN(plan_rows), NULL, 0};

static uint64_t hash_of(world *w, const exchange_request *r) {
    asked a;
    hash = 0;
    ask(w, &a, NULL, r);
    world_turn(w);
    asked_done(&a);
    return hash;
}

static void each_is_another(void **state) {
    (void)state;
    static const struct {
        const char *method, *path, *query, *model, *body;
    } rows[] = {
        {"POST", "/chat/completions", "", "", "{}"},
        {"POST", "/chat/completions", "", "", "{ }"},
        {"POST", "/chat/completions", "", "one", "{}"}, /* a deployment */
        {"POST", "/chat/completions", "", "two", "{}"},
        {"POST", "/chat/completions", "api-version=1", "", "{}"},
        {"POST", "/completions", "", "", "{}"},
        {"POST", "/threads/1/messages", "", "", "{}"},
        {"POST", "/threads/2/messages", "", "", "{}"},
        {"PATCH", "/threads/2/messages", "", "", "{}"},
        {"PUT", "/threads/2/messages", "", "", "{}"},
        {"PUT", "/threads/2/messages", "{}", "", "{}"},
    };
    uint64_t all[ARRAY_LEN(rows)];
    world *w = world_new(&plan, "alerts: {}\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        exchange_request r = world_request(&form_openai, rows[i].body);
        r.method = span_cstr(rows[i].method);
        r.path = span_cstr(rows[i].path);
        r.query = span_cstr(rows[i].query);
        r.model = span_cstr(rows[i].model);
        all[i] = hash_of(w, &r);
        assert_int_not_equal(all[i], 0);
        assert_int_equal(all[i], hash_of(w, &r)); /* and itself again */
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(all[k], all[i]);
    }
    world_free(w);
}

static void of_a_large_one_pieces_count(void **state) {
    (void)state;
    world *w = world_new(&plan, "alerts: {}\n");
    buf body = BUF_EMPTY;
    for (int i = 0; i < 40000; i++)
        buf_add_cstr(&body, "words ");
    const exchange_request r = world_request(&form_openai, buf_cstr(&body));
    const uint64_t first = hash_of(w, &r);
    body.ptr[0] = 'W';
    assert_int_not_equal(hash_of(w, &r), first);
    body.ptr[0] = 'w';
    assert_int_equal(hash_of(w, &r), first);
    buf_done(&body);
    world_free(w);
}

/* Who polls, deletes or lets a run go on asks no model anything. */
static void what_asks_no_model(void **state) {
    (void)state;
    static const run_resume resume;
    static const struct {
        const char *method, *body;
        const run_resume *resume;
    } rows[] = {
        {"GET", "", NULL},  {"GET", "{}", NULL},    {"DELETE", "", NULL},
        {"POST", "", NULL}, {"DELETE", "{}", NULL}, {"POST", "{}", &resume},
    };
    world *w = world_new(&plan, "alerts: {}\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        exchange_request r = world_request(&form_openai, rows[i].body);
        r.method = span_cstr(rows[i].method);
        r.resume = rows[i].resume;
        assert_int_equal(hash_of(w, &r), 0);
    }
    world_free(w);
}

static void nobody_wants_to_know(void **state) {
    (void)state;
    static const char *const options[] = {"", "alerts: false\n", "alerts: {loop: {same: off}}\n"};
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        world *w = world_new(&plan, options[i]);
        const exchange_request r = world_request(&form_openai, "{}");
        assert_int_equal(hash_of(w, &r), 0);
        world_free(w);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_another),
        cmocka_unit_test(of_a_large_one_pieces_count),
        cmocka_unit_test(what_asks_no_model),
        cmocka_unit_test(nobody_wants_to_know),
    };
    return run_watched(tests);
}
