/* parse: what is asked, and is it well formed? Anything that two readers could read differently is
 * refused here and never reaches a provider; what weir does not know is left alone. */
#include "exchange/internal.h"
#include "exchange/other_body.h"
#include "exchange/parse_form.h"

#include "cache/memo.h"
#include "dialect/field.h"
#include "dialect/openai.h"
#include "http/query.h"

#include <limits.h>

enum { MEMBERS = 64 };

/* The body's. Most names that are looked for are not there: that is seen from the kinds that are.
 */
typedef struct found_members {
    json_member items[MEMBERS];
    size_t count;
    uint64_t kinds; /* of their names, a bit for each */
} found_members;

/* Of a name without escapes, in 64 kinds. */
static inline uint64_t kind_of(span name) {
    return UINT64_C(1) << ((name.len ? (unsigned char)*name.ptr * 5u + name.len : 0) & 63u);
}

/* An escape may hide any name. */
static void note_kinds(found_members *m) {
    m->kinds = 0;
    for (size_t i = 0; i < m->count && i < MEMBERS; i++)
        m->kinds |= m->items[i].escaped ? UINT64_MAX : kind_of(m->items[i].key);
}

/* A member past MEMBERS is not recorded; it is found the slow way. */
static inline json_value member(const request_facts *f, const found_members *m, span key) {
    if (m->count > MEMBERS) return json_get(f->root, key);
    if (!(m->kinds & kind_of(key))) return (json_value){JSON_NONE, SPAN_EMPTY};
    return json_find(m->items, m->count, key);
}

static stage_result check_types(exchange *x, const found_members *m) {
    dialect d = endpoint_get(x->facts.endpoint)->dialect;
    size_t field_count;
    const field *fields = field_typed(&field_count);
    for (const field *f = fields; f < fields + field_count; f++) {
        if (!field_is_of(f, d)) continue;
        json_value v = member(&x->facts, m, f->name);
        if (v.type == JSON_NONE || field_may_be(f, v.type)) continue;
        return exchange_refuse(x, ERR_BAD_VALUE, f->name.ptr, "'%s' must be %s.", f->name.ptr,
                               f->expected);
    }
    return STAGE_NEXT;
}

/* The scan has counted the elements of recorded members; another member is gone through. */
static void count_elements(const json_member *members, size_t count, json_value array,
                           size_t *ret_n, size_t *ret_objects) {
    for (size_t i = 0; i < count; i++) {
        if (members[i].value.raw.ptr != array.raw.ptr) continue;
        *ret_n = members[i].elements;
        *ret_objects = members[i].objects;
        return;
    }
    size_t n = 0, objects = 0;
    json_iter it = json_iter_of(array);
    for (json_value m; json_next_element(&it, &m); n++)
        objects += m.type == JSON_OBJECT && objects == n;
    *ret_n = n;
    *ret_objects = objects;
}

static stage_result check_messages(exchange *x, size_t n, size_t objects) {
    unsigned most = exchange_config(x)->limits.messages;
    if (n == 0)
        return exchange_refuse(x, ERR_BAD_VALUE, "messages",
                               "'messages' is empty; it must have at least one item.");
    if (objects < n)
        return exchange_refuse(x, ERR_BAD_VALUE, "messages", "'messages[%zu]' must be an object.",
                               objects);
    if (n > most)
        return exchange_refuse(
            x, ERR_BAD_VALUE, "messages",
            "'messages' has %zu items; at most %u are allowed (limits.messages).", n, most);
    return STAGE_NEXT;
}

static stage_result check_choices(exchange *x, json_value n) {
    enum { CHOICES_MAX = 128 };
    x->facts.choices = 1;
    if (n.type != JSON_NUMBER) return STAGE_NEXT;
    int64_t value = 0;
    const bool fits = json_i64(n, &value) && value >= 1 && value <= CHOICES_MAX;
    if (!fits && x->endpoint == EP_OTHER) return STAGE_NEXT; /* it may mean anything there */
    if (!fits)
        return exchange_refuse(x, ERR_BAD_VALUE, "n", "'n' must be an integer from 1 to %d.",
                               CHOICES_MAX);
    x->facts.choices = (unsigned)value;
    return STAGE_NEXT;
}

/* A completion's prompt may be several at once: an array of strings, or of arrays of tokens. An
 * array of tokens is one. */
static size_t count_prompts(const json_member *members, size_t count, json_value prompt) {
    json_value first;
    json_iter it = json_iter_of(prompt);
    if (prompt.type != JSON_ARRAY || !json_next_element(&it, &first) || first.type == JSON_NUMBER)
        return 1;
    size_t n, objects;
    count_elements(members, count, prompt, &n, &objects);
    return n;
}

/* Each prompt gets as many choices as `n` says. */
static void note_prompts(request_facts *f, size_t prompts) {
    size_t choices = prompts * f->choices;
    f->prompts = prompts < UINT_MAX ? (unsigned)prompts : UINT_MAX;
    f->choices = choices < UINT_MAX ? (unsigned)choices : UINT_MAX;
}

/* A prompt that the provider keeps says which model is asked, too. */
static bool asks_stored_prompt(const request_facts *f) {
    if (f->endpoint != EP_RESPONSES) return false;
    json_value id = json_get(json_get(f->root, SPAN_OF("prompt")), SPAN_OF("id"));
    return id.type == JSON_STRING && !json_is(id, SPAN_EMPTY);
}

stage_result parse_model(exchange *x) {
    request_facts *f = &x->facts;
    enum { MODEL_BYTES_MAX = 256 };
    const bool in_form = f->form && f->form->model.raw.ptr;
    f->path_named = x->request->model.len > 0;
    if (f->path_named || in_form || f->model.type == JSON_STRING) {
        f->model_name = f->path_named ? x->request->model
                        : in_form     ? f->form->model.text
                                      : json_string(f->model, &x->arena);
        if (!f->model_name.len)
            return exchange_refuse(x, ERR_BAD_VALUE, "model", "'model' is empty.");
        if (f->model_name.len > MODEL_BYTES_MAX)
            return exchange_refuse(x, ERR_BAD_VALUE, "model",
                                   "'model' has %zu bytes; at most %d are allowed.",
                                   f->model_name.len, MODEL_BYTES_MAX);
        x->record.model = f->model_name;
    } else if (endpoint_get(f->endpoint)->needs_model && !asks_stored_prompt(f)) {
        return exchange_refuse(x, ERR_MISSING_FIELD, "model", "'model' is missing.");
    }
    return STAGE_NEXT;
}

json_limits parse_limits(const exchange *x) {
    const config_limits *limits = &exchange_config(x)->limits;
    return (json_limits){.depth = limits->depth, .members = limits->members};
}

/* A sentence. */
static span bad_json(exchange *x, span body, const json_fault *fault) {
    if (fault->kind == JSON_TOO_MANY)
        return arena_printf(&x->arena,
                            "An object of the request body has, with those around it, more than "
                            "%u members (limits.members).",
                            exchange_config(x)->limits.members);
    const span text = json_fault_text(&x->arena, body, fault);
    return arena_printf(&x->arena, "The request body is not acceptable JSON: %.*s.",
                        SPAN_ARG(text));
}

stage_result parse_bad_json(exchange *x, span body, const json_fault *fault) {
    const span text = bad_json(x, body, fault);
    return exchange_refuse(x, ERR_BAD_JSON, NULL, "%.*s", SPAN_ARG(text));
}

/* A response is kept unless it is said otherwise, a chat completion where it is asked for. */
static bool stores(endpoint e, json_value store) {
    return e == EP_RESPONSES ? store.type != JSON_FALSE : store.type == JSON_TRUE;
}

/* Whom the client calls for, where nobody has said so before. What is no string is the provider's
 * to judge. */
static void note_user(exchange *x, const found_members *m) {
    static const span names[] = {SPAN("safety_identifier"), SPAN("user")};
    for (size_t i = 0; i < ARRAY_LEN(names) && !x->record.user.len; i++) {
        json_value v = member(&x->facts, m, names[i]);
        if (v.type == JSON_STRING)
            x->record.user = span_clip(json_string(v, &x->arena), RECORD_USER_MAX);
    }
}

_Static_assert((int)MEMO_MEMBERS <= (int)MEMBERS, "what is noted has room");

/* A body that came from him before in the same bytes, and had a stored answer (the loop's own; what
 * is large is parsed on another thread, which has no memo). */
static bool is_noted(const exchange *x, span body, found_members *ret) {
    return x->env && x->env->known_members &&
           x->env->known_members(x, body, ret->items, &ret->count);
}

static bool scan_body(const exchange *x, span body, found_members *ret, json_fault *ret_fault) {
    const json_limits limits = parse_limits(x);
    ret->count = 0; /* its items are not to be cleared */
    if (!is_noted(x, body, ret) &&
        !json_scan_object(body, &limits, ret->items, MEMBERS, &ret->count, ret_fault))
        return false;
    note_kinds(ret);
    return true;
}

static stage_result read_members(exchange *x, span body, const found_members *found) {
    request_facts *f = &x->facts;
    f->body = body;
    span whole = body;
    size_t from = span_find(whole, 0, '{'), to = whole.len;
    while (to > from && whole.ptr[to - 1] != '}')
        to--;
    f->root = (json_value){JSON_OBJECT, span_slice(whole, from, to)};
    if (found->count <= MEMBERS) f->bounds = request_bounds_in(found->items, found->count);
    note_user(x, found);
    stage_result r = check_types(x, found);
    if (r != STAGE_NEXT) return r;
    f->model = member(f, found, SPAN_OF("model"));
    f->stream = member(f, found, SPAN_OF("stream")).type == JSON_TRUE;
    f->background =
        f->endpoint == EP_RESPONSES && member(f, found, SPAN_OF("background")).type == JSON_TRUE;
    f->stream_options = member(f, found, SPAN_OF("stream_options"));
    f->include_usage = json_get(f->stream_options, SPAN_OF("include_usage"));
    f->usage_asked = f->include_usage.type == JSON_TRUE;
    f->stored = stores(f->endpoint, member(f, found, SPAN_OF("store")));
    f->service = openai_service(member(f, found, SPAN_OF("service_tier")));
    if ((r = parse_model(x)) != STAGE_NEXT) return r;
    if ((r = check_choices(x, member(f, found, SPAN_OF("n")))) != STAGE_NEXT) return r;
    size_t recorded = found->count < MEMBERS ? found->count : MEMBERS;
    if (f->endpoint == EP_COMPLETIONS)
        note_prompts(f, count_prompts(found->items, recorded, member(f, found, SPAN_OF("prompt"))));
    if (f->endpoint != EP_CHAT_COMPLETIONS) return STAGE_NEXT;
    json_value messages = member(f, found, SPAN_OF("messages"));
    if (messages.type == JSON_NONE)
        return exchange_refuse(x, ERR_MISSING_FIELD, "messages", "'messages' is missing.");
    size_t n, objects;
    count_elements(found->items, recorded, messages, &n, &objects);
    return check_messages(x, n, objects);
}

static stage_result read_body(exchange *x, span body) {
    found_members m;
    json_fault fault;
    return scan_body(x, body, &m, &fault) ? read_members(x, body, &m)
                                          : parse_bad_json(x, body, &fault);
}

/* ---- of a path that is passed through ---- */

bool parse_model_matters(const exchange *x) {
    return (x->client && x->client->model_count) || exchange_config(x)->limits.model.count;
}

/* Whether it matters to somebody what a body has that names its model itself, if it names one. */
static bool is_asked_about(const exchange *x) {
    const config *c = exchange_config(x);
    const span named = x->request->model;
    if (parse_model_matters(x)) return true;
    if (named.len) return config_guard_looks(c, config_find_model(c, named), x->client);
    for (size_t i = 0; i < c->model_count; i++)
        if (config_guard_looks(c, &c->models[i], x->client)) return true;
    return false;
}

/* fault: NULL where it is not in UTF-8, or has a mark before it. */
static stage_result refuse_unseen(exchange *x, span body, const json_fault *fault) {
    const span what =
        fault ? bad_json(x, body, fault)
              : SPAN_OF("The request body is not JSON in UTF-8 without a byte order mark.");
    return exchange_refuse(x, ERR_BAD_JSON, NULL,
                           "%.*s A body that begins as JSON and is none is not taken here, "
                           "whatever its type, because it cannot be looked at.",
                           SPAN_ARG(what));
}

typedef struct other_scan {
    bool is_object;
    found_members members; /* its */
    json_value root;       /* what else it is */
    json_fault fault;
} other_scan;

/* Or is nothing but blanks: that is no object where one is wanted. */
static bool begins_as_object(span body) {
    size_t at = 0;
    while (at < body.len && (body.ptr[at] == ' ' || (body.ptr[at] >= '\t' && body.ptr[at] <= '\r')))
        at++;
    return at == body.len || body.ptr[at] == '{';
}

static bool scan_other(const exchange *x, other_body b, span body, other_scan *s) {
    const json_limits limits = parse_limits(x);
    s->is_object = begins_as_object(body);
    if (s->is_object) return scan_body(x, body, &s->members, &s->fault);
    if (b == OTHER_BODY_MARKED) body = json_behind_mark(body);
    return json_scan(body, &limits, &s->root, &s->fault);
}

/* One that is JSON but no object has no members to act on; it is only checked. */
static stage_result parse_other(exchange *x, span body) {
    const span type = http_header_get(x->request->headers, SPAN_OF("content-type"));
    const other_body b = other_body_of(type, body);
    const stage_result r = parse_form(x, type, body, b != OTHER_BODY_BYTES);
    if (r != STAGE_NEXT) return r;
    if (b == OTHER_BODY_BYTES) return parse_model(x);
    other_scan s; /* its members are not to be cleared */
    s.fault = (json_fault){.kind = JSON_OK};
    const bool scanned = b != OTHER_BODY_CODED && scan_other(x, b, body, &s);
    const bool as_is = b == OTHER_BODY_MARKED || b == OTHER_BODY_CODED;
    const bool asked = b != OTHER_BODY_TYPED && (as_is || !scanned) && is_asked_about(x);
    switch (other_body_judge(b, s.fault.kind, asked)) {
    case OTHER_BODY_PASSED: return parse_model(x);
    case OTHER_BODY_REFUSED: return refuse_unseen(x, body, as_is ? NULL : &s.fault);
    case OTHER_BODY_READ: break;
    }
    if (!scanned) return parse_bad_json(x, body, &s.fault);
    if (s.is_object) return read_members(x, body, &s.members);
    x->facts.root = s.root;
    return parse_model(x);
}

/* Of a further path: a stored response, a batch. What is told there to have been used was used by
 * the call that made it, however often it is looked at. Other POSTs may ask a model that they do
 * not name: a run of an assistant's asks the assistant's own. */
static bool asks_no_model(const request_facts *f) {
    const span path = f->path;
    return !span_eq(f->method, SPAN_OF("POST")) || !f->body.len ||
           span_ends(path, SPAN_OF("/cancel")) || span_ends(path, SPAN_OF("/batches"));
}

/* Where something names the model the query's word for it does not go on (provider/openai.c). */
static stage_result check_query(exchange *x) {
    const request_facts *f = &x->facts;
    const bool named = !f->model_name.len && http_query_has(f->query, SPAN_OF("model"));
    if (!named || !parse_model_matters(x)) return STAGE_NEXT;
    return exchange_refuse(x, ERR_BAD_VALUE, "model",
                           "'model' stands in the query, where it is not read: name it in the "
                           "body.");
}

stage_result parse_openai(exchange *x) {
    if (x->endpoint != EP_OTHER) return read_body(x, x->request->body);
    const stage_result r = parse_other(x, x->request->body);
    x->facts.asks_no_model = asks_no_model(&x->facts);
    return r == STAGE_NEXT ? check_query(x) : r;
}

stage_result parse_request(exchange *x) {
    x->facts = (request_facts){.endpoint = x->endpoint,
                               .method = x->request->method,
                               .path = x->request->path,
                               .query = x->request->query,
                               .headers = x->request->headers,
                               .client_request_id = x->record.client_request_id,
                               .body = x->request->body,
                               .own = x->parent ? x->parent->facts.own : 0,
                               .prompts = 1,
                               .choices = 1};
    stage_result r = x->form->parse(x);
    x->record.stream = x->facts.stream;
    return r;
}

stage_result stage_parse(exchange *x) {
    return parse_is_large(x) ? parse_large(x) : parse_request(x);
}
