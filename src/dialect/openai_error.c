/* Errors that stand where an answer should be, with status 200: in OpenAI's form, and in those of
 * the servers that speak it otherwise. */
#include "dialect/openai.h"

/* Of a number that says how an HTTP server would have answered; 0: it says nothing of that. */
static int status_of(json_value v) {
    int64_t status = 0;
    if (!json_i64(v, &status)) return 0;
    return status >= 400 && status <= 599 ? (int)status : 0;
}

enum { BAD_GATEWAY = 502 }; /* what it stands for where nothing better is told */

/* LiteLLM writes its numbers as texts. */
static int status_spelt(json_value v) {
    json_value number = {JSON_NUMBER, SPAN_EMPTY};
    if (v.type != JSON_STRING) return 0;
    number.raw = span_slice(v.raw, 1, v.raw.len - 1);
    return status_of(number);
}

/* The first of the two that is a number decides, then the first that spells one; 0: neither says
 * anything. */
static int told_status(json_value code, json_value status) {
    int64_t unused;
    if (json_i64(code, &unused)) return status_of(code);
    if (json_i64(status, &unused)) return status_of(status);
    const int spelt = status_spelt(code);
    return spelt ? spelt : status_spelt(status);
}

static int either_status(json_value code, json_value status) {
    int told = told_status(code, status);
    return told ? told : BAD_GATEWAY;
}

/* A response object carries `"error":null`. */
static bool is_truthy(json_value error) {
    return error.type == JSON_OBJECT || (error.type == JSON_STRING && error.raw.len > 2);
}

bool openai_fails_choice(json_value error) {
    return is_truthy(error) && openai_shows(error);
}

void openai_read_error(answer_event *e, json_value error) {
    if (!is_truthy(error)) return;
    e->sorts |= EVENT_ERROR;
    e->error = error;
    e->status = either_status(json_get(error, SPAN_OF("code")), json_get(error, SPAN_OF("status")));
}

static bool ends_with_error(json_value v) {
    static const span word = SPAN("error\"");
    return v.type == JSON_STRING && v.raw.len > word.len &&
           span_ieq(span_slice(v.raw, v.raw.len - word.len, v.raw.len), word);
}

/* What `errors` lists first, or is: JSON:API and Cloudflare have a list, Rails an object. */
static json_value first_error(const json_member *members, size_t count) {
    json_value errors = json_find(members, count, SPAN_OF("errors")), first = {JSON_NONE};
    json_iter it = json_iter_of(errors);
    if (errors.type == JSON_ARRAY) return json_next_element(&it, &first) ? first : errors;
    return errors;
}

/* What was asked for stands there; an empty list says nothing of that. */
static bool holds_answers(const json_member *members, size_t count) {
    static const span answers[] = {SPAN("data"), SPAN("results"), SPAN("output")};
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        json_value v = json_find(members, count, answers[i]);
        if (v.type == JSON_ARRAY && !json_is_empty(v)) return true;
    }
    return false;
}

static bool lists_errors(const json_member *members, size_t count) {
    json_value first = first_error(members, count);
    return (first.type == JSON_OBJECT || first.type == JSON_STRING) && openai_shows(first);
}

/* {"object":"error", …} of vLLM and Mistral, {"type":"error", …} of Anthropic, FastAPI's
 * {"detail": …}, {"errors":[…]}, and {"message": …} beside what says that it is one. But for the
 * first two they stand beside answers, too: of several things that were asked for some may have
 * failed, and of a good one {"code":0,"message":"Success"} says how it went. */
static bool is_error(const answer_event *e, const json_member *members, size_t count) {
    json_value type = json_find(members, count, SPAN_OF("type"));
    json_value message = json_find(members, count, SPAN_OF("message"));
    if (json_is(json_find(members, count, SPAN_OF("object")), SPAN_OF("error"))) return true;
    if (json_is(type, SPAN_OF("error"))) return true;
    if (holds_answers(members, count)) return false;
    if (openai_shows(json_find(members, count, SPAN_OF("detail")))) return true;
    if (lists_errors(members, count)) return true;
    if (message.type != JSON_STRING || !openai_shows(message)) return false;
    return e->kind == ANSWER_PLAIN || ends_with_error(type) ||
           openai_shows(json_find(members, count, SPAN_OF("code"))) ||
           openai_shows(json_find(members, count, SPAN_OF("status")));
}

void openai_look_for_error(answer_event *e, const json_member *members, size_t count) {
    bool bare = e->error.type != JSON_OBJECT; /* it has its number inside, or beside it */
    if (!(e->sorts & EVENT_ERROR) && !is_error(e, members, count)) return;
    e->sorts |= EVENT_ERROR;
    if (!bare) return;
    json_value first = first_error(members, count);
    int beside = told_status(json_find(members, count, SPAN_OF("code")),
                             json_find(members, count, SPAN_OF("status")));
    e->status = beside ? beside
                       : either_status(json_get(first, SPAN_OF("code")),
                                       json_get(first, SPAN_OF("status")));
}

/* Gemini's come as the elements of an array. */
void openai_look_for_listed_error(answer_event *e) {
    static const json_limits deep = {.depth = 512, .repeats = true};
    json_value root, element;
    json_fault fault;
    if (!json_scan(e->data, &deep, &root, &fault) || root.type != JSON_ARRAY) return;
    json_iter it = json_iter_of(root);
    if (json_next_element(&it, &element)) openai_read_error(e, json_get(element, SPAN_OF("error")));
}
