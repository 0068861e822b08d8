/* The answer of a mixed run: a chat completion, or a stream of chunks, with one id, the usage of
 * all model calls, and calls of the client's tools alone.
 *
 * A plain answer is the last completion as it came, with what differs put in its place; of a run
 * that was one model call nothing does. A stream's chunks go out as they come, without calls: whose
 * those are is seen when the answer is whole.
 */
#include "exchange/mixed.h"

#include "dialect/dialect_writer.h"
#include "dialect/words.h"

static bool hands_out(const functions_run *r) {
    return r->stop == RUN_ENDS && r->handed;
}

/* ---- usage ---- */

static void put_count(json_writer *w, const char *key, int64_t n) {
    json_key(w, key);
    json_put_i64(w, n > 0 ? n : 0);
}

typedef struct detail {
    const char *key;
    int64_t n;
} detail;

/* Those that were told. */
static void put_details(json_writer *w, const char *object, const detail *details, size_t count) {
    bool open = false;
    for (size_t i = 0; i < count; i++) {
        if (details[i].n < 0) continue;
        if (!open) {
            json_key(w, object);
            json_open_object(w);
        }
        open = true;
        put_count(w, details[i].key, details[i].n);
    }
    if (open) json_close_object(w);
}

/* Of one answer it is what that tells, in its own words; of several their sum. */
static span usage_of(functions_run *r) {
    const token_usage *u = &r->state.usage;
    const json_value told = r->state.answers == 1
                                ? json_get(answer_root(r->answer), SPAN_OF("usage"))
                                : (json_value){JSON_NONE, SPAN_EMPTY};
    if (told.type == JSON_OBJECT) return told.raw;
    const detail prompt[] = {{"cached_tokens", u->cached},
                             {"cache_write_tokens", u->cache_write},
                             {"audio_tokens", u->audio_prompt},
                             {"image_tokens", u->image_prompt}},
                 completion[] = {{"reasoning_tokens", u->reasoning},
                                 {"audio_tokens", u->audio_completion}};
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    put_count(&w, "prompt_tokens", u->prompt);
    put_count(&w, "completion_tokens", u->completion);
    put_count(&w, "total_tokens", u->total);
    put_details(&w, "prompt_tokens_details", prompt, ARRAY_LEN(prompt));
    put_details(&w, "completion_tokens_details", completion, ARRAY_LEN(completion));
    json_close_object(&w);
    span text = arena_dup(&r->turn, buf_span(&out));
    buf_done(&out);
    return text;
}

/* ---- a plain answer ---- */

static json_value first_choice(json_value root) {
    json_value choices = json_get(root, SPAN_OF("choices")), first = {JSON_NONE, SPAN_EMPTY};
    json_iter it = json_iter_of(choices);
    if (choices.type == JSON_ARRAY) (void)json_next_element(&it, &first);
    return first;
}

static span handed_calls(functions_run *r) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_array(&w);
    mixed_put_calls(r, false, &w);
    json_close_array(&w);
    span calls = arena_dup(&r->turn, buf_span(&out));
    buf_done(&out);
    return calls;
}

/* The last completion, edited. */
static span edited(functions_run *r) {
    json_splice s;
    const json_value root = answer_root(r->answer);
    const json_value message = json_get(first_choice(root), SPAN_OF("message"));
    const json_value calls = json_get(message, SPAN_OF("tool_calls"));
    const json_value usage = json_get(root, SPAN_OF("usage"));
    size_t count;
    json_splice_init(&s, &r->turn);
    bool ok = true;
    if (hands_out(r) && calls.type == JSON_ARRAY)
        ok = json_splice_value(&s, r->answer, calls, handed_calls(r));
    if (r->state.answers > 1 && usage.type != JSON_NONE)
        ok = ok && json_splice_value(&s, r->answer, usage, usage_of(r));
    else if (r->state.answers > 1)
        ok = ok && json_splice_member(&s, r->answer, root, SPAN_OF("usage"), usage_of(r));
    const span *pieces = ok ? json_splice_pieces(&s, r->answer, &count) : NULL;
    return pieces ? arena_join(&r->x->arena, pieces, count) : arena_dup(&r->x->arena, r->answer);
}

/* In the place of an answer that the model has not given. */
static span made(functions_run *r) {
    buf out = BUF_EMPTY;
    json_writer w = json_writer_of(&out);
    json_open_object(&w);
    json_key(&w, "id");
    json_put_string(&w, exchange_completion_id(r->x, &r->x->arena));
    json_key(&w, "object");
    json_put_string(&w, SPAN_OF("chat.completion"));
    json_key(&w, "created");
    json_put_i64(&w, r->x->record.started_wall_us / 1000000);
    json_key(&w, "model");
    json_put_string(&w, r->model.len ? r->model : r->x->facts.model_name);
    json_key(&w, "choices");
    buf_add_cstr(&out, "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":");
    json_write_string(&out, r->words.len ? buf_span(&r->words)
                                         : functions_stop_sentence(r, r->stop, &r->turn));
    buf_add_cstr(&out, ",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"length\"}]");
    w.comma = true;
    json_key(&w, "usage");
    json_put_raw(&w, usage_of(r));
    mixed_put_stop(r, &w);
    json_close_object(&w);
    span text = arena_dup(&r->x->arena, buf_span(&out));
    buf_done(&out);
    return text;
}

static void answer_plain(functions_run *r) {
    exchange *x = r->x;
    mixed_tell_headers(r);
    functions_take_head(r, ANSWER_PLAIN);
    if (x->phase != PHASE_ANSWERING) return;
    exchange_take_event(x, &(answer_event){.kind = ANSWER_PLAIN,
                                           .sorts = EVENT_CONTENT | EVENT_FULL | EVENT_FINISH,
                                           .is_json = true,
                                           .data = r->stop == RUN_ENDS ? edited(r) : made(r)});
}

/* ---- chunks ---- */

static const json_value none = {JSON_NONE, {NULL, 0}};

static void keep_envelope(functions_run *r, json_value root) {
    enum { ID_BYTES_MAX = 512 };
    mixed *m = r->mixed;
    json_value id = json_get(root, SPAN_OF("id")), created = json_get(root, SPAN_OF("created")),
               model = json_get(root, SPAN_OF("model"));
    arena *a = &r->x->arena;
    if (!m->id.len && id.type == JSON_STRING && id.raw.len <= ID_BYTES_MAX)
        m->id = arena_dup(a, id.raw);
    if (!m->created.len && created.type == JSON_NUMBER) m->created = arena_dup(a, created.raw);
    if (!m->model.len && model.type == JSON_STRING && model.raw.len <= ID_BYTES_MAX)
        m->model = arena_dup(a, model.raw);
}

/* What a stream has not told of itself. */
static void make_envelope(functions_run *r) {
    mixed *m = r->mixed;
    buf out = BUF_EMPTY;
    arena *a = &r->x->arena;
    if (!m->id.len) {
        json_write_string(&out, exchange_completion_id(r->x, &r->x->arena));
        m->id = arena_dup(a, buf_span(&out));
    }
    buf_clear(&out);
    if (!m->model.len) {
        json_write_string(&out, r->x->facts.model_name);
        m->model = arena_dup(a, buf_span(&out));
    }
    if (!m->created.len)
        m->created = arena_u64(a, (uint64_t)(r->x->record.started_wall_us / 1000000));
    buf_done(&out);
}

static void open_chunk(functions_run *r, buf *out, json_writer *w) {
    const mixed *m = r->mixed;
    *w = json_writer_of(out);
    json_open_object(w);
    json_key(w, "id");
    json_put_raw(w, m->id);
    json_key(w, "object");
    json_put_string(w, SPAN_OF("chat.completion.chunk"));
    json_key(w, "created");
    json_put_raw(w, m->created);
    json_key(w, "model");
    json_put_raw(w, m->model);
}

/* What else a chunk of the model's tells of itself: its tier, what it has found. */
static void put_of_chunk(json_writer *w, json_value root) {
    static const span told[] = {SPAN("id"),      SPAN("object"), SPAN("created"), SPAN("model"),
                                SPAN("choices"), SPAN("usage"),  SPAN("error")};
    mixed_put_members(w, root, told, ARRAY_LEN(told));
}

static void open_delta(functions_run *r, json_writer *w) {
    mixed *m = r->mixed;
    json_key(w, "choices");
    buf_add_cstr(w->out, "[{\"index\":0,\"delta\":{");
    w->comma = false;
    if (m->role_told) return;
    json_key(w, "role");
    json_put_string(w, SPAN_OF("assistant"));
    m->role_told = true;
}

/* What else the model's choice tells, such as its tokens. */
static void put_of_choice(json_writer *w, json_value choice) {
    static const span told[] = {SPAN("index"), SPAN("delta"), SPAN("message"),
                                SPAN("finish_reason"), SPAN("usage")};
    mixed_put_members(w, choice, told, ARRAY_LEN(told));
}

/* of: the model's choice; JSON_NONE: it is weir that speaks. */
static void close_chunk(functions_run *r, json_writer *w, json_value of,
                        const char *finish_reason) {
    json_close_object(w);
    put_of_choice(w, of);
    json_key(w, "finish_reason");
    if (finish_reason)
        json_put_string(w, span_cstr(finish_reason));
    else
        json_put_null(w);
    buf_add_cstr(w->out, "}]");
    w->comma = true;
    if (!r->x->facts.usage_asked) return;
    json_key(w, "usage");
    json_put_null(w);
}

static void say(functions_run *r, json_writer *w, unsigned sorts) {
    exchange *x = r->x;
    json_close_object(w);
    functions_take_head(r, ANSWER_STREAM);
    if (x->phase == PHASE_ANSWERING)
        exchange_take_event(x, &(answer_event){.kind = ANSWER_STREAM,
                                               .sorts = sorts,
                                               .is_json = true,
                                               .data = buf_span(w->out)});
    buf_done(w->out);
}

/* ---- words ---- */

static bool is_call(const answer_part *p) {
    return p->kind == PART_TOOL_NAME || p->kind == PART_TOOL_ARGS;
}

static bool says_anything(const answer_event *e) {
    for (size_t i = 0; i < e->part_count; i++)
        if (!is_call(&e->parts[i]) && e->parts[i].kind != PART_FINISH) return true;
    return false;
}

static bool says_text(const answer_event *e) {
    for (size_t i = 0; i < e->part_count; i++)
        if (e->parts[i].kind == PART_TEXT && e->parts[i].value.raw.len > 2) return true;
    return false;
}

/* Between the words of two answers. */
static void say_gap(functions_run *r) {
    buf out = BUF_EMPTY;
    json_writer w;
    open_chunk(r, &out, &w);
    open_delta(r, &w);
    json_key(&w, "content");
    json_put_string(&w, SPAN_OF("\n\n"));
    close_chunk(r, &w, none, NULL);
    say(r, &w, EVENT_CONTENT);
}

/* But for the role, which is told once, and calls. */
static void tell_words(functions_run *r, const answer_event *event) {
    static const span left_out[] = {SPAN("role"), SPAN("tool_calls"), SPAN("function_call")};
    mixed *m = r->mixed;
    buf out = BUF_EMPTY;
    json_writer w;
    if (!(event->sorts & EVENT_CONTENT) || !says_anything(event)) return;
    const json_value root = answer_root(event->data);
    keep_envelope(r, root);
    make_envelope(r);
    if (says_text(event)) {
        if (m->spoke && m->apart) say_gap(r);
        m->spoke = true;
        m->apart = false;
        if (r->over) return;
    }
    open_chunk(r, &out, &w);
    put_of_chunk(&w, root);
    open_delta(r, &w);
    mixed_put_members(&w, json_get(first_choice(root), SPAN_OF("delta")), left_out,
                      ARRAY_LEN(left_out));
    close_chunk(r, &w, first_choice(root), NULL);
    say(r, &w, EVENT_CONTENT);
}

/* ---- the end of a stream ---- */

static void say_calls(functions_run *r) {
    buf out = BUF_EMPTY;
    json_writer w;
    open_chunk(r, &out, &w);
    open_delta(r, &w);
    json_key(&w, "tool_calls");
    json_open_array(&w);
    mixed_put_calls(r, true, &w);
    json_close_array(&w);
    close_chunk(r, &w, none, NULL);
    say(r, &w, EVENT_CONTENT);
}

static void say_finish(functions_run *r) {
    const bool ends = r->stop == RUN_ENDS;
    span reason = ends ? r->said.finish_reason : SPAN_OF("length");
    buf out = BUF_EMPTY;
    json_writer w;
    open_chunk(r, &out, &w);
    open_delta(r, &w);
    if (!ends && !r->mixed->spoke) {
        json_key(&w, "content");
        json_put_string(&w, functions_stop_sentence(r, r->stop, &r->turn));
    }
    const char *word = reason.len ? arena_printf(&r->turn, "%.*s", SPAN_ARG(reason)).ptr : "stop";
    close_chunk(r, &w, none, word);
    if (!ends) mixed_put_stop(r, &w);
    say(r, &w, EVENT_FINISH);
}

static void say_usage(functions_run *r) {
    buf out = BUF_EMPTY;
    json_writer w;
    open_chunk(r, &out, &w);
    json_key(&w, "choices");
    json_open_array(&w);
    json_close_array(&w);
    json_key(&w, "usage");
    json_put_raw(&w, usage_of(r));
    say(r, &w, EVENT_USAGE);
}

static void answer_stream(functions_run *r) {
    make_envelope(r);
    if (hands_out(r)) say_calls(r);
    if (r->x->phase == PHASE_ANSWERING) say_finish(r);
    if (r->x->phase == PHASE_ANSWERING && r->x->facts.usage_asked) say_usage(r);
}

/* ---- the way ---- */

static void tell_last(functions_run *r) {
    if (r->x->facts.stream)
        answer_stream(r);
    else
        answer_plain(r);
}

/* What follows is another answer. */
static void tell_step(functions_run *r, const functions_call *c) {
    (void)c;
    r->mixed->apart = true;
}

const functions_way mixed_chat = {.step_label = SPAN("chat.completions.step"),
                                  .read = model_said_read,
                                  .add_said = functions_add_message,
                                  .add_result = talk_add_result,
                                  .event = tell_words,
                                  .step = tell_step,
                                  .last = tell_last};
