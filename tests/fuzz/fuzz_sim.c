/* The simulator's mind: sim_plan_init, sim_plan_next, over all endpoints. The first byte picks the
 * endpoint, the rest is the body.
 *
 * Holds: a plan ends; without a fault in the model's name its body, or each of its events, is JSON.
 */
#include "fuzz.h"

#include "sim/plan.h"

enum { STEPS_MAX = 400000 };

static bool is_json(span text) {
    json_value root;
    json_fault fault;
    return json_scan(text, NULL, &root, &fault);
}

static void check_events(span text) {
    static const span data = SPAN("data: ");
    span line;
    while (span_cut(&text, '\n', &line)) {
        if (!span_starts(line, data)) continue;
        line = span_slice(line, data.len, line.len);
        HOLDS(span_eq(line, SPAN_OF("[DONE]")) || is_json(line));
    }
}

static void run(const sim_request *request, bool sound) {
    sim_settings settings = {.pace_ms = 0};
    sim_plan p;
    sim_plan_init(&p, &settings, request, NULL);
    HOLDS(p.status >= 200 && p.status < 600);
    for (size_t i = 0;; i++) {
        HOLDS(i < STEPS_MAX);
        sim_step step = sim_plan_next(&p);
        HOLDS(step.pause_ms >= 0);
        if (sound && step.kind == SIM_STEP_ANSWER) HOLDS(is_json(step.bytes));
        if (sound && step.kind == SIM_STEP_PIECE) check_events(step.bytes);
        if (step.kind != SIM_STEP_HEAD && step.kind != SIM_STEP_PIECE) break;
    }
    sim_plan_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const paths[] = {
        "/v1/chat/completions", "/v1/completions", "/v1/responses",
        "/v1/embeddings",       "/v1/moderations", "/openai/deployments/d/chat/completions"};
    if (size == 0) return 0;
    span body = span_from((const char *)data + 1, size - 1);
    sim_request request = {
        .method = HTTP_POST_M,
        .method_text = SPAN("POST"),
        .path = span_cstr(paths[data[0] % ARRAY_LEN(paths)]),
        .body = body,
    };
    run(&request, span_find_span(body, 0, SPAN_OF("sim")) == body.len &&
                      span_find(body, 0, '\\') == body.len);
    return 0;
}
