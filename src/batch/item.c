#include "batch/item.h"

#include "dialect/endpoint.h"
#include "json/json.h"

#include <inttypes.h>

const char *const batch_format_names[] = {
    [FORMAT_AUTO] = "auto",       [FORMAT_JSON] = "json",
    [FORMAT_OPENAI] = "openai",   [FORMAT_MESSAGES] = "messages",
    [FORMAT_PROMPTS] = "prompts", [FORMAT_CSV] = "csv",
    [FORMAT_TSV] = "tsv",         NULL};

bool batch_format_of(span name, batch_format *ret) {
    for (size_t i = 0; batch_format_names[i]; i++) {
        if (!span_eq(name, span_cstr(batch_format_names[i]))) continue;
        *ret = (batch_format)i;
        return true;
    }
    return false;
}

const char *item_problem_code(item_problem problem) {
    static const char *const codes[] = {
        [ITEM_GOOD] = "",
#define X(name, code) [ITEM_##name] = code,
#include "batch/problems.def"
#undef X
    };
    return codes[problem];
}

bool batch_names_json(span path) {
    static const span ends[] = {SPAN(".jsonl"), SPAN(".ndjson"), SPAN(".json")};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (span_ends(path, ends[i])) return true;
    return false;
}

batch_format item_detect(const line *l, span path) {
    bool json = batch_names_json(path) || span_starts(span_trim(l->text), SPAN_OF("{"));
    return json ? FORMAT_JSON : FORMAT_PROMPTS;
}

/* What reading a line needs at hand. */
typedef struct reading {
    const line *line;
    const item_rules *rules;
    arena *arena;
    item *item;
} reading;

PRINTF_LIKE(3, 4)
static void fault(reading *r, item_problem problem, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    span what = arena_vprintf(r->arena, fmt, args);
    va_end(args);
    r->item->problem = problem;
    r->item->message =
        arena_printf(r->arena, "line %" PRIu64 ": %.*s", r->line->number, SPAN_ARG(what));
}

/* Lines of these name themselves, or weir does. */
static bool names_itself(const item_rules *rules) {
    if (rules->format == FORMAT_TABLE) return rules->table->id != TABLE_NO_COLUMN;
    return rules->format != FORMAT_PROMPTS && rules->format != FORMAT_MESSAGES;
}

static void make_id(reading *r) {
    span quoted = arena_printf(r->arena, "\"line-%" PRIu64 "\"", r->line->number);
    r->item->custom_id = quoted;
    r->item->id_text = span_slice(quoted, 1, quoted.len - 1);
    r->item->id_made = true;
}

/* A value as it stands in the line, cut to a length that fits a message. */
static span shown(reading *r, json_value value) {
    enum { SHOWN_MAX = 40 };
    buf text = BUF_EMPTY;
    buf_add_excerpt(&text, value.raw, SHOWN_MAX);
    span copy = arena_dup(r->arena, buf_span(&text));
    buf_done(&text);
    return copy;
}

/* ---- the parts of OpenAI's form ---- */

static void read_custom_id(reading *r, json_value root) {
    json_value id = json_get(root, SPAN_OF("custom_id"));
    if (id.type == JSON_NONE) {
        fault(r, ITEM_CUSTOM_ID, "has no custom_id");
        return;
    }
    if (id.type != JSON_STRING) {
        span value = shown(r, id);
        fault(r, ITEM_CUSTOM_ID, "custom_id is %.*s; expected a string", SPAN_ARG(value));
        return;
    }
    span text = json_string(id, r->arena);
    size_t characters = span_utf8_len(text);
    if (characters == 0 || characters > ITEM_ID_MAX) {
        fault(r, ITEM_CUSTOM_ID, "custom_id has %zu characters; allowed 1 to %d", characters,
              ITEM_ID_MAX);
        return;
    }
    r->item->custom_id = id.raw;
    r->item->id_text = text;
}

static void read_method(reading *r, json_value root) {
    json_value method = json_get(root, SPAN_OF("method"));
    span value = shown(r, method);
    if (method.type == JSON_NONE)
        fault(r, ITEM_METHOD, "has no method; expected \"POST\"");
    else if (!json_is(method, SPAN_OF("POST")))
        fault(r, ITEM_METHOD, "method is %.*s; expected \"POST\"", SPAN_ARG(value));
}

static void read_url(reading *r, json_value root) {
    json_value url = json_get(root, SPAN_OF("url"));
    span text = url.type == JSON_STRING ? json_string(url, r->arena) : SPAN_EMPTY;
    endpoint e = EP_OTHER;
    if (span_starts(text, SPAN_OF("/v1"))) e = endpoint_of_path(span_slice(text, 3, text.len));
    if (e != EP_OTHER) {
        r->item->path = endpoint_get(e)->path.ptr;
        return;
    }
    buf paths = BUF_EMPTY;
    endpoint_add_paths(&paths, "\"/v1", "\"");
    span value = shown(r, url);
    if (url.type == JSON_NONE)
        fault(r, ITEM_URL, "has no url; expected %s", buf_cstr(&paths));
    else
        fault(r, ITEM_URL, "url is %.*s; expected %s", SPAN_ARG(value), buf_cstr(&paths));
    buf_done(&paths);
}

/* What a body must be for a batch, whichever form it came in. */
static void check_body(reading *r, json_value body) {
    json_value model = json_get(body, SPAN_OF("model"));
    if (model.type == JSON_STRING) r->item->model = json_string(model, r->arena);
    r->item->body = body.raw;
    if (json_get(body, SPAN_OF("stream")).type == JSON_TRUE)
        fault(r, ITEM_STREAM, "asks for a stream (\"stream\": true), which a batch cannot give");
}

static void read_body(reading *r, json_value root) {
    json_value body = json_get(root, SPAN_OF("body"));
    span value = shown(r, body);
    if (body.type == JSON_NONE)
        fault(r, ITEM_BODY, "has no body");
    else if (body.type != JSON_OBJECT)
        fault(r, ITEM_BODY, "body is %.*s; expected an object", SPAN_ARG(value));
    else
        check_body(r, body);
}

static void read_openai(reading *r, json_value root) {
    static void (*const parts[])(reading *, json_value) = {read_custom_id, read_method, read_url,
                                                           read_body};
    for (size_t i = 0; i < ARRAY_LEN(parts) && r->item->problem == ITEM_GOOD; i++)
        parts[i](r, root);
}

/* ---- plain bodies ---- */

static void write_message(buf *out, const char *role, span content) {
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "role");
    json_put_string(&w, span_cstr(role));
    json_key(&w, "content");
    json_put_string(&w, content);
    json_close_object(&w);
}

/* The body with the system's message before the others, where it has none of its own. */
static span with_system(reading *r, span body, json_value messages) {
    json_value first = {0};
    json_iter it = json_iter_of(messages);
    bool any = json_next_element(&it, &first);
    json_value role = json_get(first, SPAN_OF("role"));
    if (json_is(role, SPAN_OF("system")) || json_is(role, SPAN_OF("developer"))) return body;
    buf text = BUF_EMPTY;
    size_t at = (size_t)(messages.raw.ptr - body.ptr) + 1;
    buf_add(&text, span_slice(body, 0, at));
    write_message(&text, "system", r->rules->system);
    if (any) buf_add_char(&text, ',');
    buf_add(&text, span_slice(body, at, body.len));
    span result = arena_dup(r->arena, buf_span(&text));
    buf_done(&text);
    return result;
}

/* Each with a comma behind it. root: of a body that may have them already. */
static void write_members(const item_rules *rules, json_value root, buf *out) {
    for (size_t i = 0; i < rules->member_count; i++) {
        const item_member *m = &rules->members[i];
        if (json_get(root, m->name).type != JSON_NONE) continue;
        if (m->other.len && json_get(root, m->other).type != JSON_NONE) continue;
        json_write_string(out, m->name);
        buf_add_char(out, ':');
        buf_add(out, m->json);
        buf_add_char(out, ',');
    }
}

/* The body with what it lacks before the rest, which is not empty. */
static span with_members(reading *r, span body, json_value root) {
    buf text = BUF_EMPTY;
    buf_add_char(&text, '{');
    write_members(r->rules, root, &text);
    buf_add(&text, span_slice(body, 1, body.len));
    span result = arena_dup(r->arena, buf_span(&text));
    buf_done(&text);
    return result;
}

static void read_plain(reading *r, json_value root) {
    json_value messages = json_get(root, SPAN_OF("messages"));
    make_id(r);
    r->item->path = "/chat/completions";
    if (messages.type == JSON_NONE) {
        fault(r, ITEM_BODY, "has no messages");
        return;
    }
    check_body(r, root);
    if (r->item->problem == ITEM_GOOD && r->rules->system.len && messages.type == JSON_ARRAY)
        r->item->body = with_system(r, root.raw, messages);
    if (r->item->problem == ITEM_GOOD && r->rules->member_count)
        r->item->body = with_members(r, r->item->body, root);
}

static void write_prompt(reading *r, span prompt) {
    buf text = BUF_EMPTY;
    buf_add_char(&text, '{');
    write_members(r->rules, (json_value){.type = JSON_NONE}, &text);
    buf_add_cstr(&text, "\"messages\":[");
    if (r->rules->system.len) {
        write_message(&text, "system", r->rules->system);
        buf_add_char(&text, ',');
    }
    write_message(&text, "user", prompt);
    buf_add_cstr(&text, "]}");
    r->item->path = "/chat/completions";
    r->item->body = arena_dup(r->arena, buf_span(&text));
    buf_done(&text);
}

static void read_prompt(reading *r) {
    make_id(r);
    if (span_is_utf8(r->line->text))
        write_prompt(r, r->line->text);
    else
        fault(r, ITEM_NOT_UTF8, "is not UTF-8");
}

/* ---- records of a table ---- */

static void take_id(reading *r, span id) {
    size_t characters = span_utf8_len(id);
    if (characters == 0 || characters > ITEM_ID_MAX) {
        fault(r, ITEM_CUSTOM_ID, "custom_id has %zu characters; allowed 1 to %d", characters,
              ITEM_ID_MAX);
        return;
    }
    buf quoted = BUF_EMPTY;
    json_write_string(&quoted, id);
    r->item->custom_id = arena_dup(r->arena, buf_span(&quoted));
    r->item->id_text = id;
    r->item->id_made = false;
    buf_done(&quoted);
}

static void take_record(reading *r, const span *fields, size_t count) {
    const table *t = r->rules->table;
    if (count != t->columns) {
        fault(r, ITEM_NOT_A_RECORD, "has %zu columns; the header has %zu", count, t->columns);
        return;
    }
    if (t->id != TABLE_NO_COLUMN) take_id(r, fields[t->id]);
    if (r->item->problem != ITEM_GOOD) return;
    if (fields[t->prompt].len)
        write_prompt(r, fields[t->prompt]);
    else
        fault(r, ITEM_BODY, "has no prompt");
}

static void read_record(reading *r) {
    span *fields;
    size_t count;
    if (!names_itself(r->rules)) make_id(r);
    if (!span_is_utf8(r->line->text)) {
        fault(r, ITEM_NOT_UTF8, "is not UTF-8");
        return;
    }
    csv_fault wrong =
        csv_read(r->line->text, r->rules->table->separator, r->arena, &fields, &count);
    if (wrong == CSV_GOOD)
        take_record(r, fields, count);
    else
        fault(r, ITEM_NOT_A_RECORD, "has %s", csv_fault_text(wrong));
}

/* ---- which form is it? ---- */

static void read_either(reading *r, json_value root) {
    static const span of_openai[] = {SPAN("custom_id"), SPAN("method"), SPAN("url"), SPAN("body")};
    for (size_t i = 0; i < ARRAY_LEN(of_openai); i++) {
        if (json_get(root, of_openai[i]).type == JSON_NONE) continue;
        read_openai(r, root);
        return;
    }
    if (json_get(root, SPAN_OF("messages")).type != JSON_NONE)
        read_plain(r, root);
    else
        fault(r, ITEM_NOT_A_REQUEST, "has neither custom_id, method, url and body, nor messages");
}

static void read_json(reading *r) {
    json_value root;
    json_fault wrong;
    if (!json_scan(r->line->text, NULL, &root, &wrong)) {
        bool utf8 = wrong.kind == JSON_UTF8;
        fault(r, utf8 ? ITEM_NOT_UTF8 : ITEM_NOT_JSON, "is not %s: %s, at byte %zu",
              utf8 ? "UTF-8" : "JSON", wrong.what, wrong.offset + 1);
        return;
    }
    if (root.type != JSON_OBJECT) {
        span value = shown(r, root);
        fault(r, ITEM_NOT_A_REQUEST, "is %.*s; expected an object", SPAN_ARG(value));
        return;
    }
    switch (r->rules->format) {
    case FORMAT_OPENAI: read_openai(r, root); break;
    case FORMAT_MESSAGES: read_plain(r, root); break;
    default: read_either(r, root); break;
    }
}

void item_read(const line *l, const item_rules *rules, arena *a, item *ret) {
    reading r = {l, rules, a, ret};
    *ret = (item){.problem = ITEM_GOOD};
    if (l->too_long) {
        if (!names_itself(rules)) make_id(&r);
        fault(&r, ITEM_TOO_LONG, "has %" PRIu64 " bytes; allowed are %zu (--max-line)", l->len,
              l->text.len);
    } else if (rules->format == FORMAT_PROMPTS) {
        read_prompt(&r);
    } else if (rules->format == FORMAT_TABLE) {
        read_record(&r);
    } else {
        read_json(&r);
    }
}

void item_set_duplicate(item *it, const line *l, uint64_t earlier, arena *a) {
    reading r = {.line = l, .arena = a, .item = it};
    span id = shown(&r, (json_value){JSON_STRING, it->custom_id});
    fault(&r, ITEM_DUPLICATE, "custom_id %.*s is that of line %" PRIu64 " too", SPAN_ARG(id),
          earlier);
}
