/* What is read out of a provider's answer: facts, refusals, texts for people.
 *
 * The first byte chooses the endpoint and whether the rest is an answer, an event or a refusal.
 * Holds: what counts as an answer has a text that is UTF-8, or none; a refusal is JSON with an
 * error in it and holds no key.
 */
#include "fuzz.h"

#include "exchange/words.h"
#include "provider/provider.h"

static void check_text(span document, bool is_delta, arena *a) {
    span text;
    if (!answer_text(document, is_delta, a, &text)) return;
    HOLDS(span_is_utf8(text));
}

static void check_answer(const provider_ops *ops, const request_facts *facts, span body, arena *a) {
    answer_facts said;
    span own = SPAN_EMPTY;
    if (!ops->plain(facts, body, a, &own, &said)) return;
    check_text(own, false, a);
}

static void check_event(const provider_ops *ops, const request_facts *facts, span data, arena *a) {
    const sse_event event = {.data = data};
    answer_facts said;
    sse_event own;
    if (ops->event(facts, &event, a, &own, &said) && said.is_json) check_text(own.data, true, a);
}

static void check_refusal(const provider_ops *ops, span body, const secret *key, arena *a) {
    provider_refusal refusal = {0};
    json_value root;
    json_fault fault;
    ops->refuse(500, (http_headers){NULL, 0}, body, key, a, &refusal);
    HOLDS(json_scan(refusal.body, NULL, &root, &fault));
    HOLDS(json_get(answer_root(refusal.body), SPAN_OF("error")).type == JSON_OBJECT);
    HOLDS(!secret_found(key, refusal.body) && !secret_found(key, refusal.message));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const provider_ops *ops = provider_find(SPAN_OF("openai"));
    const request_facts facts = {.endpoint = (endpoint)(data[0] % EP_COUNT), .choices = 1};
    secret *key = secret_new(SPAN_OF("sk-fuzz"));
    span rest = span_from((const char *)data + 1, size - 1);
    arena a;
    arena_init(&a, 0);
    switch (data[0] / EP_COUNT % 3) {
    case 0: check_answer(ops, &facts, rest, &a); break;
    case 1: check_event(ops, &facts, rest, &a); break;
    case 2: check_refusal(ops, rest, key, &a); break;
    }
    arena_done(&a);
    secret_unref(key);
    return 0;
}
