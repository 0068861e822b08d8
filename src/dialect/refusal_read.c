/* Takes a refusal apart, whatever its shape. */
#include "dialect/refusal.h"

enum {
    DEPTH_MAX = 4, /* objects within which an explanation is looked for */
    CODE_MAX = 64, /* digits of a number that is a code */
};

typedef struct taker {
    const secret_set *secrets;
    arena *arena;
    refusal_said *said;
} taker;

static span explain(taker *t, json_value v, unsigned depth);

/* ---- codes and texts beside the message ---- */

span refusal_word(json_value v, arena *a) {
    if (v.type == JSON_STRING) return json_string(v, a);
    return v.type == JSON_NUMBER && v.raw.len <= CODE_MAX ? v.raw : SPAN_EMPTY;
}

static void note_code(taker *t, json_value v) {
    refusal_said *said = t->said;
    if (said->code_count == REFUSAL_CODES_MAX) return;
    span word = refusal_word(v, t->arena);
    if (word.len) said->codes[said->code_count++] = word;
}

static void note_text(taker *t, span text) {
    refusal_said *said = t->said;
    if (text.len && said->text_count < REFUSAL_TEXTS_MAX) said->texts[said->text_count++] = text;
}

/* What stands outside is said of the same error: the inmost word counts. */
static void note(span *ret, json_value v, arena *a) {
    if (!ret->len) *ret = refusal_word(v, a);
}

/* ---- texts from several ---- */

/* false: there is no room for more. */
static bool add_to_list(const taker *t, buf *list, span text) {
    text = span_strip(secret_set_without(t->secrets, text, t->arena));
    if (!text.len) return true;
    span between = list->len ? SPAN_OF(FAILURE_BETWEEN) : SPAN_EMPTY;
    bool fits = list->len + between.len + text.len <= REFUSAL_LIST_MAX;
    t->said->cut |= !fits && !list->len;
    if (!fits) text = list->len ? SPAN_EMPTY : span_clip(text, REFUSAL_LIST_MAX);
    buf_add(list, between);
    buf_add(list, text);
    if (!fits) buf_add_cstr(list, FAILURE_MORE);
    return fits;
}

/* ["body","messages",0,"content"]: body.messages.0.content */
static span place_of(const taker *t, json_value loc) {
    if (loc.type != JSON_ARRAY) return refusal_word(loc, t->arena);
    buf place = BUF_EMPTY;
    json_iter it = json_iter_of(loc);
    for (json_value step; place.len < REFUSAL_LIST_MAX && json_next_element(&it, &step);) {
        if (place.len) buf_add_char(&place, '.');
        buf_add(&place, refusal_word(step, t->arena));
    }
    span result = arena_dup(t->arena, buf_span(&place));
    buf_done(&place);
    return result;
}

/* An element of a list of errors: FastAPI's {"loc":[...],"msg":"..."}, or whatever explains. */
static span explain_element(taker *t, json_value v, unsigned depth) {
    static const span pair[] = {SPAN("loc"), SPAN("msg")};
    json_value of[ARRAY_LEN(pair)];
    if (v.type == JSON_OBJECT) {
        json_get_each(v, pair, ARRAY_LEN(pair), of);
        span parts[] = {place_of(t, of[0]), SPAN_OF(": "), SPAN_EMPTY};
        if (of[1].type == JSON_STRING) parts[2] = json_string(of[1], t->arena);
        if (parts[0].len && parts[2].len) return arena_join(t->arena, parts, ARRAY_LEN(parts));
    }
    return explain(t, v, depth);
}

static span explain_list(taker *t, json_value v, unsigned depth) {
    buf list = BUF_EMPTY;
    json_iter it = json_iter_of(v);
    for (json_value element; json_next_element(&it, &element);)
        if (!add_to_list(t, &list, explain_element(t, element, depth))) break;
    span result = arena_dup(t->arena, buf_span(&list));
    buf_done(&list);
    return result;
}

/* ---- objects ---- */

enum {
    CODE,
    TYPE,
    PARAM,
    STATUS,
    REASON,
    ERROR_CODE,
    ERROR_TYPE,
    ERRCODE,
    AWS_TYPE,
    DETAILS,
    INNER,
    METADATA,
    ERROR,
    EXPLAINS, /* from here on, in the order in which they are taken */
    MESSAGE = EXPLAINS,
    MSG,
    DETAIL,
    ERRORS,
    ERROR_MESSAGE,
    ERROR_MSG,
    ERROR_DESCRIPTION,
    AWS_MESSAGE,
    TITLE,
    MEMBERS
};

static const span names[MEMBERS] = {
    [CODE] = SPAN("code"),
    [TYPE] = SPAN("type"),
    [PARAM] = SPAN("param"),
    [STATUS] = SPAN("status"),
    [REASON] = SPAN("reason"),
    [ERROR_CODE] = SPAN("error_code"),
    [ERROR_TYPE] = SPAN("error_type"),
    [ERRCODE] = SPAN("errcode"),
    [AWS_TYPE] = SPAN("__type"),
    [DETAILS] = SPAN("details"),   /* Google */
    [INNER] = SPAN("innererror"),  /* Azure */
    [METADATA] = SPAN("metadata"), /* OpenRouter: what the provider behind it said, as `raw` */
    [ERROR] = SPAN("error"),
    [MESSAGE] = SPAN("message"),
    [MSG] = SPAN("msg"),
    [DETAIL] = SPAN("detail"),
    [ERRORS] = SPAN("errors"),
    [ERROR_MESSAGE] = SPAN("error_message"),
    [ERROR_MSG] = SPAN("error_msg"),
    [ERROR_DESCRIPTION] = SPAN("error_description"),
    [AWS_MESSAGE] = SPAN("Message"),
    [TITLE] = SPAN("title"),
};

/* Words that only say that it is an error. */
static bool says_error_alone(json_value v) {
    return json_is(v, SPAN_OF("error"));
}

static void note_words(taker *t, const json_value of[MEMBERS]) {
    static const int words[] = {CODE,       TYPE,       STATUS,  REASON,
                                ERROR_CODE, ERROR_TYPE, ERRCODE, AWS_TYPE};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        note_code(t, of[words[i]]);
    json_iter it = json_iter_of(of[DETAILS]);
    json_value detail;
    for (int n = 0; of[DETAILS].type == JSON_ARRAY && n < 8 && json_next_element(&it, &detail);
         n++) {
        note_code(t, json_get(detail, names[REASON]));
        note(&t->said->delay, json_get(detail, SPAN_OF("retryDelay")), t->arena);
    }
    note_code(t, json_get(of[INNER], names[CODE]));
    json_value raw = json_get(of[METADATA], SPAN_OF("raw"));
    if (raw.type == JSON_STRING) note_text(t, json_string(raw, t->arena));
}

static void note_members(taker *t, const json_value of[MEMBERS]) {
    refusal_said *said = t->said;
    note(&said->number, of[CODE], t->arena);
    note(&said->code, of[CODE], t->arena);
    note(&said->code, of[ERROR_CODE], t->arena);
    note(&said->code, of[ERRCODE], t->arena);
    if (!says_error_alone(of[TYPE])) note(&said->type, of[TYPE], t->arena);
    note(&said->type, of[ERROR_TYPE], t->arena);
    note(&said->type, of[AWS_TYPE], t->arena);
    if (!said->param.len) said->param = place_of(t, of[PARAM]);
}

/* A string beside the message: a name for the error ("Bad Request", "model_not_available"). */
static void note_name(taker *t, json_value error) {
    if (error.type != JSON_STRING) return;
    span name = json_string(error, t->arena);
    note_text(t, name);
    if (memchr(name.ptr, ' ', name.len)) return;
    note_code(t, error);
    note(&t->said->code, error, t->arena);
}

/* `error` where it is more than a name, then the first that explains. */
static span explain_object(taker *t, json_value v, unsigned depth) {
    json_value of[MEMBERS];
    json_get_each(v, names, MEMBERS, of);
    bool named = of[ERROR].type == JSON_STRING;
    span text = named ? SPAN_EMPTY : explain(t, of[ERROR], depth);
    for (int i = EXPLAINS; i < MEMBERS; i++) {
        if (!text.len)
            text = explain(t, of[i], depth);
        else if (of[i].type == JSON_STRING)
            note_text(t, json_string(of[i], t->arena));
    }
    note_words(t, of);
    note_members(t, of);
    if (!named) return text;
    if (!text.len) return json_string(of[ERROR], t->arena);
    note_name(t, of[ERROR]);
    return text;
}

static span explain(taker *t, json_value v, unsigned depth) {
    if (v.type == JSON_STRING) return json_string(v, t->arena);
    if (depth == DEPTH_MAX) return SPAN_EMPTY;
    if (v.type == JSON_ARRAY) return explain_list(t, v, depth + 1);
    if (v.type == JSON_OBJECT) return explain_object(t, v, depth + 1);
    return SPAN_EMPTY;
}

/* On one line. */
static span one_line(const taker *t, span json) {
    char *out = arena_alloc(t->arena, json.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < json.len; i++) {
        bool blank = (unsigned char)json.ptr[i] <= ' ';
        if (!blank)
            out[n++] = json.ptr[i];
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    return span_from(out, n);
}

/* What no member explains: itself where it is short, else the strings in it. */
static span shown(const taker *t, json_value v) {
    enum { SHORT = 200 };
    if (v.raw.len <= SHORT) return one_line(t, v.raw);
    buf list = BUF_EMPTY;
    json_iter it = json_strings_of(v);
    for (json_value s; json_next_string(&it, &s);)
        if (!add_to_list(t, &list, json_string(s, t->arena))) break;
    span result = arena_dup(t->arena, buf_span(&list));
    buf_done(&list);
    return result;
}

/* ---- the body ---- */

/* Of an array, the first object. */
static json_value unpacked(json_value root) {
    json_iter it = json_iter_of(root);
    if (root.type != JSON_ARRAY) return root;
    for (json_value element; json_next_element(&it, &element);)
        if (element.type == JSON_OBJECT) return element;
    return root;
}

void refusal_read(span body, const secret_set *secrets, arena *a, refusal_said *ret) {
    json_value root;
    json_fault fault;
    *ret = (refusal_said){.error = {JSON_NONE, SPAN_EMPTY}};
    taker t = {.secrets = secrets, .arena = a, .said = ret};
    body = json_behind_mark(body);
    if (!json_scan(body, NULL, &root, &fault)) {
        note_text(&t, body);
        return;
    }
    ret->json = true;
    json_value list = root;
    root = unpacked(root);
    json_value error = json_get(root, names[ERROR]);
    if (error.type == JSON_OBJECT && json_count(error)) {
        ret->document = list.type == JSON_ARRAY ? root.raw : body;
        ret->error = error;
    }
    bool several = list.type == JSON_ARRAY && !ret->document.len;
    ret->message = explain(&t, several ? list : root, 0);
    if (!ret->message.len) ret->rest = shown(&t, list);
    if (ret->text_count == REFUSAL_TEXTS_MAX) ret->text_count--; /* the message in any case */
    note_text(&t, ret->message.len ? ret->message : ret->rest);
}
