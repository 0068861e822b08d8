/* The stage that asks whether a client may ask that: what comes of it for the call. */
#include "exchange/world.h"

static const stage_row plan_rows[] = {{"identify", stage_identify, NULL, 0},
                                      {"parse", stage_parse, NULL, 0},
                                      {"route", stage_route, NULL, 0},
                                      {"permit", stage_permit, NULL, 0},
                                      {"script", stage_script, NULL, 0},
                                      {"settle", stage_settle, NULL, STAGE_ALWAYS},
                                      {"record", stage_record, NULL, STAGE_ALWAYS}};
static const exchange_plan plan = {plan_rows, ARRAY_LEN(plan_rows), NULL, 0};

#define REFUSED(message, param, code)                                                              \
    "answer 403 {\"error\":{\"message\":\"" message "\",\"type\":\"invalid_request_error\","       \
    "\"param\":" param ",\"code\":\"" code "\"}}|done"

static void what_a_client_may_ask_is_asked_and_the_rest_refused(void **state) {
    (void)state;
    static const struct {
        const char *rights, *refused; /* NULL: it is asked */
    } rows[] = {
        {"", NULL},
        {", models: m", NULL},
        {", models: [x, 'm*'], endpoints: [chat.completions]", NULL},
        {", models: [x]", REFUSED("This API key may not be used for the model 'm'.", "\"model\"",
                                  "model_not_allowed")},
        {", endpoints: /v1/embeddings",
         REFUSED("This API key may not be used for chat.completions.", "null",
                 "endpoint_not_allowed")},
        /* of two the endpoint is told */
        {", endpoints: embeddings, models: x",
         REFUSED("This API key may not be used for chat.completions.", "null",
                 "endpoint_not_allowed")},
    };
    static const http_header key = {SPAN("api-key"), SPAN("sk-ci-0123456789")};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char yaml[256];
        snprintf(yaml, sizeof yaml, "clients: [{name: ci, key: sk-ci-0123456789%s}]\n",
                 rows[i].rights);
        world *w = world_new(&plan, yaml);
        asked a;
        script s = {.x = NULL};
        exchange_request r = world_request(&form_openai, ASK_PLAIN);
        r.identified = false;
        r.headers = (http_headers){&key, 1};
        ask(w, &a, &s, &r);
        assert_int_equal(s.x != NULL, !rows[i].refused);
        if (s.x) exchange_cancel(a.x);
        world_turn(w);
        if (rows[i].refused) assert_said(&a, rows[i].refused);
        asked_done(&a);
        world_free(w);
    }
}

static void nobody_is_held_to_anything_without_clients(void **state) {
    (void)state;
    world *w = world_new(&plan, "");
    asked a;
    script s = {.x = NULL};
    exchange_request r = world_request(&form_openai, ASK_PLAIN);
    ask(w, &a, &s, &r);
    assert_non_null(s.x);
    exchange_cancel(a.x);
    world_turn(w);
    asked_done(&a);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_client_may_ask_is_asked_and_the_rest_refused),
        cmocka_unit_test(nobody_is_held_to_anything_without_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
