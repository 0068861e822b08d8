/* keep: what was asked and what was answered, for an audit trail that has bodies (audit.bodies).
 * Secrets and personal data are taken out of both first, by the guard's rules; what is kept is
 * compressed, and encrypted where there is a key (audit/body.h), before any of it is written down.
 *
 * Of a request that weir could not read, or whose caller it does not know, nothing is kept: the row
 * stands behind those that find that out. Of an answer its texts are, as its client got them: of a
 * stream put together. One that has none (embeddings, a tool's result) is kept as the JSON it is.
 */
#include "exchange/guard_redact.h"
#include "exchange/keep.h"
#include "exchange/texts.h"
#include "exchange/tool_use.h"

#include "audit/body.h"
#include "ledger/frame.h"

/* Both, in base64, and the record that they travel with. */
_Static_assert(2 * (BODY_DATA_MAX / 3 * 4 + 256) + 24 * 1024 < FRAME_PAYLOAD_MAX,
               "a record fits into a frame");

typedef struct kept_bodies {
    filter filter;
    guard_redact redact;
    span prompt; /* its object; empty: there is none */
    answer_texts answer;
    buf document; /* redacted, in the place of texts */
} kept_bodies;

/* ---- one body ---- */

static span place_of(exchange *x, const char *which) {
    return arena_printf(&x->arena, "%s of %s", which, x->record.request_id);
}

static void begin(kept_bodies *k) {
    k->redact.left = BODY_TEXT_MAX;
    k->redact.cut = false;
}

static void seal(kept_bodies *k, const char *which, const buf *text, bool cut, buf *out) {
    exchange *x = k->filter.x;
    body_seal(x->env->packer, buf_span(text), cut, x->env->audit_key, place_of(x, which), out);
}

/* ---- what is asked ---- */

static json_value asked(exchange *x) {
    json_value root = x->facts.root;
    json_fault fault;
    const json_limits limits = parse_limits(x);
    if (x->tool_use && !json_scan(x->request->body, &limits, &root, &fault)) return (json_value){0};
    return root;
}

static void keep_prompt(kept_bodies *k, const guard_set *set, json_value root) {
    buf text = BUF_EMPTY, object = BUF_EMPTY;
    begin(k);
    const size_t some = root.raw.len < BODY_TEXT_MAX ? root.raw.len : BODY_TEXT_MAX;
    k->redact.names = guard_names_beside(span_slice(root.raw, 0, some), set);
    guard_redact_document(&k->redact, root, &text);
    seal(k, "prompt", &text, k->redact.cut, &object);
    k->prompt = arena_dup(&k->filter.x->arena, buf_span(&object));
    buf_done(&text);
    buf_done(&object);
}

/* ---- what is answered ---- */

static void keep_document(kept_bodies *k, span data) {
    json_value root = {JSON_STRING, SPAN_EMPTY};
    json_fault fault;
    begin(k);
    if (data.len <= BODY_TEXT_MAX && json_scan(data, NULL, &root, &fault))
        guard_redact_document(&k->redact, root, &k->document);
    else /* the loop does not read all of it */
        guard_redact_json(&k->redact, data, false, &k->document);
}

static void on_event(filter *f, const answer_event *event) {
    kept_bodies *k = CONTAINER_OF(f, kept_bodies, filter);
    answer_texts_take(&k->answer, event);
    if (event->kind == ANSWER_PLAIN && event->is_json && !k->answer.count)
        keep_document(k, event->data);
    filter_pass_event(f, event);
}

static const char *word_of(part_kind kind) {
    switch (kind) {
    case PART_TEXT: return "text";
    case PART_REFUSAL: return "refusal";
    case PART_REASONING: return "reasoning";
    case PART_TOOL_NAME: return "tool_name";
    case PART_TOOL_ARGS: return "tool_arguments";
    default: return "other";
    }
}

/* A call's arguments are JSON, mostly; a custom tool's input may begin as that does. */
static void put_text(kept_bodies *k, const answer_text *t, json_writer *w) {
    buf text = BUF_EMPTY;
    const span said = buf_span(&t->text);
    const bool json = t->kind == PART_TOOL_ARGS && guard_begins_json(said);
    if (json && guard_is_json(said))
        guard_redact_json(&k->redact, said, k->answer.cut, &text);
    else
        guard_redact_text(&k->redact, said, json, k->answer.cut, &text);
    json_open_object(w);
    json_key(w, "choice");
    json_put_i64(w, t->choice);
    json_key(w, "item");
    json_put_i64(w, t->item);
    json_key(w, "kind");
    json_put_string(w, span_cstr(word_of(t->kind)));
    json_key(w, "text");
    json_put_string(w, buf_span(&text));
    json_close_object(w);
    buf_done(&text);
}

static void write_texts(kept_bodies *k, buf *out) {
    json_writer w = json_writer_of(out);
    begin(k);
    json_open_array(&w);
    for (size_t i = 0; i < k->answer.count; i++)
        put_text(k, &k->answer.items[i], &w);
    json_close_array(&w);
}

static void on_done(filter *f) {
    kept_bodies *k = CONTAINER_OF(f, kept_bodies, filter);
    answer_texts_done(&k->answer);
    guard_names_free(k->redact.names);
    buf_done(&k->document);
    filter_pass_done(f);
}

/* ---- the row ---- */

stage_result stage_keep(exchange *x) {
    static const filter_ops ops = {.name = "keep",
                                   .place = PLACE_KEEP,
                                   .want = WANT_PARTS,
                                   FILTER_PASSES,
                                   .event = on_event,
                                   .end = filter_pass_end,
                                   .done = on_done};
    if (!x->proof || !x->env->packer) return STAGE_NEXT;
    const snapshot *s = x->snapshot->snapshot;
    const guard_policy *policy = snapshot_guard_kept(s);
    if (!policy) return STAGE_NEXT; /* a reload has switched it off */
    kept_bodies *k = arena_zalloc(&x->arena, sizeof *k);
    k->redact = (guard_redact){.policy = policy, .scratch = guard_scratch_of(x->env)};
    k->answer.left = BODY_TEXT_MAX;
    filter_add(x, &k->filter, &ops);
    x->proof->bodies = k;
    const json_value root = asked(x);
    if (root.type == JSON_OBJECT) keep_prompt(k, snapshot_guard_set(s), root);
    return STAGE_NEXT;
}

/* A provider's may repeat what it was asked. */
static void redact_error(kept_bodies *k) {
    exchange *x = k->filter.x;
    buf text = BUF_EMPTY;
    if (!x->failure.body.len || !x->record.error_text.len) return;
    const span said = x->record.error_text;
    const size_t marks = x->failure.cut ? failure_cut_marks(said) : 0;
    begin(k);
    guard_redact_text(&k->redact, span_slice(said, 0, said.len - marks), 0, x->failure.cut, &text);
    buf_add(&text, span_slice(said, said.len - marks, said.len));
    x->record.error_text = arena_dup(&x->arena, buf_span(&text));
    buf_done(&text);
}

void kept_bodies_write(kept_bodies *k, buf *out) {
    buf text = BUF_EMPTY;
    redact_error(k);
    const char *comma = k->prompt.len ? "," : "";
    if (k->answer.count) write_texts(k, &text);
    const buf *answer = k->answer.count ? &text : &k->document;
    if (k->prompt.len || answer->len) buf_add_cstr(out, ",\"bodies\":{");
    if (k->prompt.len) buf_addf(out, "\"prompt\":%.*s", SPAN_ARG(k->prompt));
    if (answer->len) {
        buf_addf(out, "%s\"answer\":", comma);
        seal(k, "answer", answer, k->redact.cut || k->answer.cut, out);
    }
    if (k->prompt.len || answer->len) buf_add_char(out, '}');
    buf_done(&text);
}
