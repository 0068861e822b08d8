/* What an event or an answer in OpenAI's form says, read once and without copying. */
#include "dialect/openai.h"

/* More than any call can use is no figure, and could not be added up. */
enum { TOKENS_MAX = 1000 * 1000 * 1000 };

/* ---- usage ---- */

/* The members of a usage object: as chat completions name them, then as responses do; the details
 * as transcriptions name them; and what of the prompt was cached, where it stands beside it: at
 * DeepSeek, at Moonshot and Together. */
enum {
    PROMPT,
    COMPLETION,
    IN,
    OUT,
    RESPONSES = 4,
    TOTAL = 2 * RESPONSES,
    IN_SPOKEN,
    OUT_SPOKEN,
    CACHE_HIT,
    CACHED_BESIDE,
    USAGE_NAMES
};

static const span usage_names[USAGE_NAMES] = {
    [PROMPT] = SPAN("prompt_tokens"),
    [COMPLETION] = SPAN("completion_tokens"),
    [IN] = SPAN("prompt_tokens_details"),
    [OUT] = SPAN("completion_tokens_details"),
    [PROMPT + RESPONSES] = SPAN("input_tokens"),
    [COMPLETION + RESPONSES] = SPAN("output_tokens"),
    [IN + RESPONSES] = SPAN("input_tokens_details"),
    [OUT + RESPONSES] = SPAN("output_tokens_details"),
    [TOTAL] = SPAN("total_tokens"),
    [IN_SPOKEN] = SPAN("input_token_details"),
    [OUT_SPOKEN] = SPAN("output_token_details"),
    [CACHE_HIT] = SPAN("prompt_cache_hit_tokens"),
    [CACHED_BESIDE] = SPAN("cached_tokens"),
};

/* A whole number, however it is written: 12, 12.0, 1.2e1. */
static int64_t figure(json_value v) {
    int64_t value;
    double number;
    if (v.type != JSON_NUMBER) return -1;
    if (json_i64(v, &value)) return value >= 0 && value <= TOKENS_MAX ? value : -1;
    if (!json_double(v, &number) || !(number >= 0 && number <= TOKENS_MAX)) return -1;
    value = (int64_t)number;
    return (double)value == number ? value : -1;
}

/* A stream may tell some figures at its beginning and the others at its end, and write noughts for
 * what it has told before. */
static void take(int64_t *known, int64_t told) {
    if (told > 0 || *known < 0) *known = told;
}

static int64_t either_figure(const json_value *chat) {
    int64_t value = figure(*chat);
    return value >= 0 ? value : figure(chat[RESPONSES]);
}

static json_value first_object(json_value chat, json_value responses, json_value spoken) {
    if (chat.type == JSON_OBJECT) return chat;
    return responses.type == JSON_OBJECT ? responses : spoken;
}

/* cached_beside: the same as its details', of those who tell it beside them; -1: not told. */
static void read_prompt_details(token_usage *u, json_value details, int64_t cached_beside) {
    enum { CACHED, WRITTEN, AUDIO, IMAGE, NAMES };
    static const span names[NAMES] = {SPAN("cached_tokens"), SPAN("cache_write_tokens"),
                                      SPAN("audio_tokens"), SPAN("image_tokens")};
    json_value of[NAMES] = {{0}};
    if (details.type == JSON_OBJECT) json_get_each(details, names, NAMES, of);
    const int64_t cached = figure(of[CACHED]);
    take(&u->cached, cached >= 0 ? cached : cached_beside);
    take(&u->cache_write, figure(of[WRITTEN]));
    take(&u->audio_prompt, figure(of[AUDIO]));
    take(&u->image_prompt, figure(of[IMAGE]));
}

static void read_completion_details(token_usage *u, json_value details) {
    enum { REASONING, AUDIO, NAMES };
    static const span names[NAMES] = {SPAN("reasoning_tokens"), SPAN("audio_tokens")};
    if (details.type != JSON_OBJECT) return;
    json_value of[NAMES];
    json_get_each(details, names, NAMES, of);
    take(&u->reasoning, figure(of[REASONING]));
    take(&u->audio_completion, figure(of[AUDIO]));
}

/* What the total leaves out was used all the same, and what it has told before. */
static int64_t total_of(const token_usage *u, int64_t told) {
    const int64_t sum = u->prompt < 0 ? -1 : u->prompt + (u->completion > 0 ? u->completion : 0);
    const int64_t most = told > u->total ? told : u->total;
    return most > sum ? most : sum;
}

void openai_read_usage(reader *r, answer_event *e, json_value usage) {
    if (usage.type != JSON_OBJECT || r->spec.asks_no_model) return;
    json_value of[USAGE_NAMES];
    json_get_each(usage, usage_names, USAGE_NAMES, of);
    token_usage *u = &r->usage;
    take(&u->prompt, either_figure(&of[PROMPT]));
    take(&u->completion, either_figure(&of[COMPLETION]));
    u->total = total_of(u, figure(of[TOTAL]));
    const int64_t hit = figure(of[CACHE_HIT]);
    const json_value in = first_object(of[IN], of[IN + RESPONSES], of[IN_SPOKEN]);
    const json_value out = first_object(of[OUT], of[OUT + RESPONSES], of[OUT_SPOKEN]);
    read_prompt_details(u, in, hit >= 0 ? hit : figure(of[CACHED_BESIDE]));
    read_completion_details(u, out);
    e->usage = u;
    e->usage_text = usage.raw;
}

uint8_t openai_service(json_value service_tier) {
    if (service_tier.type != JSON_STRING) return SERVICE_STANDARD;
    const span word = span_slice(service_tier.raw, 1, service_tier.raw.len - 1);
    for (uint8_t s = SERVICE_STANDARD + 1; s < CONFIG_SERVICES; s++)
        if (span_eq(word, config_service_names[s])) return s;
    return SERVICE_STANDARD;
}

/* The last word counts: what a stream begins with may be what was asked for. */
void openai_read_service(reader *r, json_value service_tier) {
    if (service_tier.type == JSON_STRING) r->usage.service = openai_service(service_tier);
}

/* Who asks for the usage chunk is told in all others that they have none. */
static void read_usage(reader *r, answer_event *e, const json_member *m) {
    if (m->value.type == JSON_NULL && r->spec.usage_added && e->kind == ANSWER_STREAM) {
        const char *from = m->key.ptr - 1, *to = m->value.raw.ptr + m->value.raw.len;
        e->null_usage = span_from(from, (size_t)(to - from));
    }
    openai_read_usage(r, e, m->value);
}

/* ---- values ---- */

bool openai_shows_other(json_value v) {
    switch (v.type) {
    case JSON_ARRAY:
    case JSON_OBJECT: return json_count(v) > 0;
    case JSON_NONE:
    case JSON_NULL:
    case JSON_FALSE: return false;
    case JSON_STRING:
    case JSON_TRUE:
    case JSON_NUMBER: return true;
    }
    return false;
}

unsigned openai_index(json_value v, unsigned otherwise) {
    int64_t index = -1;
    if (v.type == JSON_NUMBER && v.raw.len == 1) return (unsigned)(v.raw.ptr[0] - '0');
    if (v.type != JSON_NUMBER || !json_i64(v, &index) || index < 0 || index >= ITEM_FUNCTION)
        return otherwise;
    return (unsigned)index;
}

bool openai_scan(const answer_event *e, json_member members[ANSWER_MEMBERS], size_t *ret_count) {
    /* Twice the same name is the provider's affair as long as it is JSON. */
    static const json_limits deep = {.depth = 512, .repeats = true};
    json_fault fault;
    size_t count = 0;
    if (!json_scan_object(e->data, &deep, members, ANSWER_MEMBERS, &count, &fault)) return false;
    *ret_count = count < ANSWER_MEMBERS ? count : ANSWER_MEMBERS;
    return true;
}

/* ---- choices ---- */

static void read_finish(reader *r, json_value reason, unsigned choice, answer_event *e) {
    e->sorts |= EVENT_FINISH;
    e->finish_reason = span_slice(reason.raw, 1, reason.raw.len - 1);
    r->foreign |= !openai_knows_finish(r->spec.dialect, e->finish_reason);
    reader_note_finished(r, choice);
}

/* Beside its delta some servers repeat in each chunk the whole message so far. */
static bool read_message(reader *r, json_cursor *c, bool repeats) {
    size_t first = r->part_count;
    bool shows = openai_read_message(r, c);
    for (size_t i = first; repeats && i < r->part_count; i++)
        r->parts[i].item += ITEM_BESIDE;
    return shows;
}

/* How it was made, and not what it says; `logprobs` tell that once more. */
static bool is_about_choice(span key) {
    static const span names[] = {SPAN("logprobs"),
                                 SPAN("native_finish_reason"),
                                 SPAN("stop_reason"),
                                 SPAN("matched_stop"),
                                 SPAN("content_filter_results"),
                                 SPAN("content_filter_result"),
                                 SPAN("content_filter_offsets"),
                                 SPAN("token_ids"),
                                 SPAN("prompt_token_ids"),
                                 SPAN("prompt_logprobs")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(key, names[i])) return true;
    return false;
}

/* Moonshot's streams tell it with the end of the choice. Of several nobody says what each has. */
static void read_choice_usage(reader *r, answer_event *e, json_value usage) {
    if (!e->usage && r->spec.choices == 1) openai_read_usage(r, e, usage);
}

/* Where the choice's number stands is not known before all of it was seen; its parts wait for it.
 */
static void read_choice(reader *r, json_cursor *c, unsigned position, answer_event *e) {
    size_t first = r->part_count;
    const char *from = c->at;
    bool shows = false;
    piece_list pieces;
    pieces.count = 0;
    r->pieces = &pieces;
    json_value index = {JSON_NONE}, finish = {JSON_NONE};
    json_cursor_enter(c);
    for (span key; json_cursor_member(c, &key);) {
        bool whole = span_eq(key, SPAN_OF("message"));
        if ((whole || span_eq(key, SPAN_OF("delta"))) && json_cursor_type(c) == JSON_OBJECT) {
            shows |= read_message(r, c, whole && e->kind == ANSWER_STREAM);
            continue;
        }
        json_value v = json_cursor_take(c);
        if (span_eq(key, SPAN_OF("index"))) {
            index = v;
        } else if (span_eq(key, SPAN_OF("text"))) {
            shows |= openai_shows(v);
            reader_note_piece(r, key, v);
            if (v.type == JSON_STRING)
                reader_add_part(r, PART_TEXT, 0, 0, v);
            else
                openai_read_beside(r, key, v, 0);
        } else if (span_eq(key, SPAN_OF("finish_reason"))) {
            if (v.type != JSON_STRING) continue;
            if (openai_is_no_finish(span_slice(v.raw, 1, v.raw.len - 1))) {
                r->foreign = true;
                continue;
            }
            finish = v;
            reader_add_part(r, PART_FINISH, 0, 0, v);
        } else if (span_eq(key, SPAN_OF("usage"))) {
            read_choice_usage(r, e, v);
        } else if (span_eq(key, SPAN_OF("error")) && openai_fails_choice(v)) {
            r->foreign = true;
        } else if (!is_about_choice(key)) {
            reader_note_piece(r, key, v);
            openai_read_beside(r, key, v, 0);
        }
    }
    r->pieces = NULL;
    if (!shows && finish.type == JSON_NONE && r->part_count == first) return;
    unsigned number = openai_index(index, position);
    reader_watch_pieces(r, number, &pieces,
                        (json_value){JSON_OBJECT, span_from(from, (size_t)(c->at - from))});
    if (shows) {
        e->sorts |= EVENT_CONTENT;
        reader_note_begun(r, number);
    }
    if (finish.type != JSON_NONE) read_finish(r, finish, number, e);
    for (size_t i = first; i < r->part_count; i++)
        r->parts[i].choice = number;
}

static void read_choices(reader *r, json_value choices, answer_event *e) {
    json_cursor c = json_cursor_of(choices);
    for (unsigned i = 0; json_cursor_element(&c); i++) {
        if (json_cursor_type(&c) == JSON_OBJECT)
            read_choice(r, &c, i, e);
        else
            (void)json_cursor_take(&c);
    }
}

/* One that says nothing is one all the same, if it has the place for it. */
static bool is_choice(json_value v) {
    return json_get(v, SPAN_OF("message")).type == JSON_OBJECT ||
           json_get(v, SPAN_OF("text")).type == JSON_STRING;
}

static bool has_choice(const json_member *choices) {
    if (!choices) return false;
    json_iter it = json_iter_of(choices->value);
    for (json_value v; json_next_element(&it, &v);)
        if (is_choice(v)) return true;
    return false;
}

/* Of a document with choices those members that say something of their own: what a server has found
 * (`search_results`, `citations`), and what weir does not know. */
static bool is_beside_choices(const json_member *m) {
    static const span names[] = {SPAN("choices"),
                                 SPAN("usage"),
                                 SPAN("error"),
                                 SPAN("metadata"),
                                 SPAN("timings"),
                                 SPAN("prompt_logprobs"),
                                 SPAN("prompt_token_ids"),
                                 SPAN("prompt_filter_results")};
    if (m->value.type != JSON_ARRAY && m->value.type != JSON_OBJECT) return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(m->key, names[i])) return false;
    return true;
}

/* In the order of their places, as all parts are. */
static void read_said(reader *r, answer_event *e, const json_member *members, size_t count,
                      const json_member *choices) {
    for (size_t i = 0; i < count; i++) {
        if (&members[i] == choices)
            read_choices(r, choices->value, e);
        else if (reader_wants_parts(r) && is_beside_choices(&members[i]))
            openai_read_beside(r, members[i].key, members[i].value, 0);
    }
}

static bool has_object(const json_member *members, size_t count, span name) {
    for (size_t i = 0; i < count; i++)
        if (span_eq(members[i].key, name) && members[i].objects) return true;
    return false;
}

/* A whole document that is no error: is it an answer? */
static void check_plain(reader *r, answer_event *e, const json_member *members, size_t count,
                        const json_member *choices) {
    span name = r->ops->answer_member;
    bool has = e->sorts & (EVENT_CONTENT | EVENT_FINISH) || count == ANSWER_MEMBERS;
    if (span_eq(name, SPAN_OF("choices"))) {
        has = has || has_choice(choices);
    } else {
        has = has || !name.len || has_object(members, count, name);
        e->sorts |= EVENT_CONTENT;
    }
    if (!has) r->no_answer = r->ops->no_answer;
}

/* An event that has none, where clients go through them: some servers (of Go, whose lists may be
 * null) have no empty list there, but null, or in the usage chunk nothing. */
static bool lacks_choices(const reader *r, const answer_event *e, bool null) {
    return r->ops->usage_chunk && e->kind == ANSWER_STREAM && !(e->sorts & EVENT_ERROR) &&
           (null || e->usage);
}

/* Of a known endpoint: its document is an object with choices, or, without any, itself content
 * (embeddings, moderations). */
static void read_document(reader *r, answer_event *e, const json_member *members, size_t count) {
    const json_member *choices = NULL;
    bool null = false;
    for (size_t i = 0; i < count; i++) {
        const json_member *m = &members[i];
        if (span_eq(m->key, SPAN_OF("choices"))) {
            choices = m->value.type == JSON_ARRAY ? m : NULL;
            null = m->value.type == JSON_NULL;
        } else if (span_eq(m->key, SPAN_OF("usage")))
            read_usage(r, e, m);
        else if (span_eq(m->key, SPAN_OF("error")))
            openai_read_error(e, m->value);
        else if (span_eq(m->key, SPAN_OF("service_tier")))
            openai_read_service(r, m->value);
        else if (openai_is_loose(m->key))
            reader_note_loose(r, m->value);
        else if (!e->envelope)
            continue;
        else if (span_eq(m->key, SPAN_OF("id")))
            r->envelope.id = m->value;
        else if (span_eq(m->key, SPAN_OF("model")))
            r->envelope.model = m->value;
        else if (span_eq(m->key, SPAN_OF("created")))
            r->envelope.created = m->value;
    }
    if (choices) {
        read_said(r, e, members, count, choices);
        if (e->usage && choices->elements == 0) e->sorts |= EVENT_USAGE;
    } else if (r->ops->is_json) {
        openai_look_for_error(e, members, count);
        r->foreign |= count < ANSWER_MEMBERS && lacks_choices(r, e, null);
    } else if (!e->error.raw.len) {
        e->sorts |= EVENT_CONTENT;
    }
    if (e->kind == ANSWER_PLAIN && !(e->sorts & EVENT_ERROR))
        check_plain(r, e, members, count, choices);
}

/* Returns its choices where they are not as clients know them: nobody else looks for them. */
static json_value read_completion(reader *r, answer_event *e) {
    json_member members[ANSWER_MEMBERS];
    size_t count = 0;
    e->is_json = openai_scan(e, members, &count);
    if (e->is_json)
        read_document(r, e, members, count);
    else
        openai_look_for_listed_error(e);
    if (!r->foreign) return (json_value){JSON_NONE, SPAN_EMPTY};
    return json_find(members, count, SPAN_OF("choices"));
}

/* Once more, from the bytes that are handed on. */
static void read_respelt(reader *r, answer_event *e, json_value choices) {
    buf_clear(&r->respelt);
    openai_respell(r->spec.dialect, e->data, choices, &r->respelt);
    *e = (answer_event){.kind = e->kind,
                        .sorts = e->kind == ANSWER_PLAIN ? EVENT_FULL : 0,
                        .name = e->name,
                        .data = buf_span(&r->respelt),
                        .envelope = e->envelope};
    r->envelope = (answer_envelope){{JSON_NONE}, {JSON_NONE}, {JSON_NONE}};
    r->part_count = 0;
    r->watched = false; /* the pieces have been seen */
    (void)read_completion(r, e);
}

void openai_read_completion(reader *r, answer_event *e) {
    r->foreign = false;
    json_value choices = read_completion(r, e);
    /* What is an error needs no other words, and has its own. */
    if (r->foreign && !(e->sorts & EVENT_ERROR)) read_respelt(r, e, choices);
}

/* Whether a plain document is an error is for the client to say. */
void openai_read_other(reader *r, answer_event *e) {
    json_member members[ANSWER_MEMBERS];
    size_t count;
    e->is_json = openai_scan(e, members, &count);
    if (e->is_json)
        read_document(r, e, members, count);
    else
        e->sorts |= EVENT_CONTENT;
    if (e->kind == ANSWER_PLAIN) e->sorts &= ~(unsigned)EVENT_ERROR;
}
