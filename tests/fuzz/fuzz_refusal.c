/* openai_refuse(): what a provider's refusal means, and what a client is told of it.
 *
 * The first byte chooses the status. Holds: what a client gets is JSON with an error in OpenAI's
 * shape; one that has it passes byte for byte, and what was made is such a one; no byte of the key
 * comes out; the message is UTF-8.
 */
#include "fuzz.h"
#include "../unit/secrets.h"

#include "dialect/openai.h"

static const int statuses[] = {400, 401, 403, 404, 413, 422, 429, 500, 502, 302};

static secret_set *secrets;

static json_value read_error(span body) {
    json_value root;
    json_fault fault;
    HOLDS(json_scan(body, NULL, &root, &fault));
    json_value error = json_get(root, SPAN_OF("error"));
    HOLDS(error.type == JSON_OBJECT);
    return error;
}

static void check_shape(span body) {
    static const span names[] = {SPAN("type"), SPAN("param"), SPAN("code")};
    json_value error = read_error(body);
    HOLDS(json_get(error, SPAN_OF("message")).type == JSON_STRING);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        json_type type = json_get(error, names[i]).type;
        HOLDS(type == JSON_STRING || type == JSON_NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    if (!secrets) secrets = secret_set_of("sk-fuzz/1");
    int status = statuses[data[0] % ARRAY_LEN(statuses)];
    span body = span_from((const char *)data + 1, size - 1);
    refusal said, again;
    arena a;
    arena_init(&a, 0);
    openai_refuse(status, body, secrets, &a, &said);
    check_shape(said.body);
    HOLDS(!secret_set_found(secrets, said.body) && !secret_set_found(secrets, said.message));
    HOLDS(span_is_utf8(said.message));
    HOLDS(said.class != FAIL_NONE);
    openai_refuse(status, said.body, secrets, &a, &again);
    HOLDS(span_eq(again.body, said.body));
    arena_done(&a);
    return 0;
}
