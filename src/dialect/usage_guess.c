#include "dialect/usage_guess.h"

#include "dialect/answer_large.h"
#include "dialect/image_size.h"
#include "dialect/openai.h"

enum {
    PAGE_TOKENS = 1500,
    HEARD_A_SECOND = 10,
    SPOKEN_A_SECOND = 20,
    PCM_A_SECOND = 48000,
    SOUND_A_SECOND = 16000,
};

/* ---- what is no text ---- */

enum { LOW_DETAIL = 85, TILE = 170, TILE_SIDE = 512, LONG_SIDE = 2048, SHORT_SIDE = 768 };

static uint64_t tiles_of(double side) {
    uint64_t whole = (uint64_t)(side / TILE_SIDE);
    return whole + ((double)(whole * TILE_SIDE) < side);
}

static uint64_t tiled(double width, double height) {
    double longer = width > height ? width : height, shorter = width > height ? height : width;
    double scale = longer > LONG_SIDE ? LONG_SIDE / longer : 1;
    if (shorter * scale > SHORT_SIDE) scale = SHORT_SIDE / shorter;
    return LOW_DETAIL + TILE * tiles_of(longer * scale) * tiles_of(shorter * scale);
}

static uint64_t of_image(const outline_part *p) {
    json_value detail = json_get(p->source, SPAN_OF("detail"));
    if (detail.type == JSON_NONE)
        detail = json_get(json_get(p->source, SPAN_OF("image_url")), SPAN_OF("detail"));
    if (json_is(detail, SPAN_OF("low"))) return LOW_DETAIL;
    unsigned width = 1024, height = 1024;
    if (!image_size_read(p->value, &width, &height)) return tiled(1024, 1024);
    return tiled(width, height);
}

static uint64_t of_sound(size_t base64, unsigned bytes_a_second, unsigned tokens_a_second) {
    return (base64 * 3 / 4 * tokens_a_second + bytes_a_second - 1) / bytes_a_second;
}

static uint64_t of_audio(const outline_part *p) {
    json_value said = json_get(p->source, SPAN_OF("input_audio"));
    json_value format = json_get(said, SPAN_OF("format"));
    bool plain = json_is(format, SPAN_OF("wav")) || json_is(format, SPAN_OF("pcm16"));
    return of_sound(p->value.raw.len, plain ? PCM_A_SECOND : SOUND_A_SECOND, HEARD_A_SECOND);
}

/* ---- what was asked ---- */

/* What is being counted. */
typedef struct counting {
    token_count *count;
    const counted_texts *before; /* NULL: nothing was */
} counting;

/* Of a string what it says, of anything else its JSON, as a text of its own. */
static void add_value(counting *c, json_value v) {
    tokens_break(c->count);
    if (!c->before || !token_memo_takes(v)) {
        tokens_add_value(c->count, v);
        return;
    }
    token_memo **memo = c->before->memo;
    if (!*memo) *memo = token_memo_new();
    tokens_add_counted(c->count, token_memo_count(*memo, c->before->owner, c->count->family, v));
}

/* Models read it as JSON, or much like it; so also one that is a bare text, quotes and all, which
 * what is remembered of texts does not tell. */
static void add_tool(counting *c, json_value tool) {
    if (tool.type != JSON_STRING) {
        add_value(c, tool);
        return;
    }
    tokens_break(c->count);
    tokens_add(c->count, tool.raw);
}

static void add_text(counting *c, json_value text) {
    if (text.type == JSON_STRING) add_value(c, text);
}

/* A film, or what is new: its bytes are no text. */
static bool is_data(json_value text) {
    return span_istarts(span_slice(text.raw, 1, text.raw.len), SPAN_OF("data:"));
}

/* The strings within, and of an array of numbers, which are tokens, how many. */
static void add_opaque(counting *c, json_value source) {
    json_value first;
    json_iter elements = json_iter_of(source);
    if (source.type == JSON_ARRAY && json_next_element(&elements, &first) &&
        first.type == JSON_NUMBER) {
        tokens_add_fixed(c->count, json_count(source));
        return;
    }
    json_iter it = json_strings_of(source);
    for (json_value text; json_next_string(&it, &text);) {
        if (is_data(text))
            tokens_add_fixed(c->count, PAGE_TOKENS);
        else
            add_text(c, text);
    }
}

static void add_part(counting *c, const outline_part *p) {
    switch (p->kind) {
    case OUTLINE_TOOL_CALL:
        add_text(c, p->name);
        add_text(c, p->value);
        break;
    case OUTLINE_TEXT:
    case OUTLINE_TOOL_RESULT:
    case OUTLINE_REASONING:
    case OUTLINE_REFUSAL: add_text(c, p->value); break;
    case OUTLINE_IMAGE: tokens_add_fixed(c->count, of_image(p)); break;
    case OUTLINE_AUDIO: tokens_add_fixed(c->count, of_audio(p)); break;
    case OUTLINE_FILE: tokens_add_fixed(c->count, PAGE_TOKENS); break;
    case OUTLINE_OPAQUE: add_opaque(c, p->source); break;
    }
}

static token_speaker speaker_of(outline_role role) {
    return role == ROLE_USER        ? TOKENS_FROM_USER
           : role == ROLE_ASSISTANT ? TOKENS_FROM_MODEL
                                    : TOKENS_FROM_OTHER;
}

/* Whose prompts are put into a chat's form. */
static bool is_chat(dialect d) {
    return d == DIALECT_OPENAI_CHAT || d == DIALECT_OPENAI_RESPONSES || d == DIALECT_WEIR_CHAT;
}

static bool is_told(param_id id) {
    return id == PARAM_TEMPLATE || id == PARAM_PREDICTION || id == PARAM_SUFFIX;
}

/* A schema that the answer must keep to is told to the model, as a tool's is, with its name:
 * `response_format` has it in `json_schema`, or in itself, `text` of a response in `format`. */
static void add_format(counting *c, json_value said) {
    const json_value of[] = {json_get(said, SPAN_OF("json_schema")),
                             json_get(said, SPAN_OF("format")), said};
    for (size_t i = 0; i < ARRAY_LEN(of); i++) {
        if (json_get(of[i], SPAN_OF("schema")).type != JSON_OBJECT) continue;
        add_value(c, of[i]);
        return;
    }
    add_opaque(c, said);
}

static void add_param(counting *c, const outline_param *p) {
    if (p->id == PARAM_FORMAT)
        add_format(c, p->value);
    else if (is_told(p->id))
        add_opaque(c, p->value);
}

int64_t guess_prompt(const request_outline *o, dialect d, token_family family,
                     const counted_texts *before) {
    token_count count = tokens_begin(family);
    counting c = {&count, before};
    for (size_t i = 0; i < o->part_count; i++)
        add_part(&c, &o->parts[i]);
    for (size_t i = 0; i < o->tool_count; i++)
        add_tool(&c, o->tools[i].source);
    for (size_t i = 0; i < o->param_count; i++)
        add_param(&c, &o->params[i]);
    if (is_chat(d)) {
        for (size_t i = 0; i < o->turn_count; i++)
            tokens_add_fixed(&count, tokens_of_message(family, speaker_of(o->turns[i].role)));
        tokens_add_fixed(&count, tokens_of_chat(family));
    }
    return tokens_total(&count);
}

/* ---- by samples ---- */

enum { SAMPLES = 16, SAMPLE = 64 };

/* Of what is no text nothing but base64 has so many characters without any other. */
static bool is_base64(span sample) {
    for (size_t i = 0; i < sample.len; i++) {
        char c = sample.ptr[i];
        bool is = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/' || c == '-' || c == '_';
        if (!is) return false;
    }
    return true;
}

int64_t guess_prompt_roughly(span body, token_family family) {
    token_count c = tokens_begin(family);
    if (body.len <= SAMPLES * SAMPLE) {
        tokens_add(&c, body);
        return tokens_total(&c);
    }
    size_t step = (body.len - SAMPLE) / (SAMPLES - 1), texts = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        span sample = span_slice(body, i * step, i * step + SAMPLE);
        if (is_base64(sample)) continue;
        texts++;
        tokens_break(&c);
        tokens_add(&c, sample);
    }
    double text_bytes = (double)body.len / SAMPLES; /* for each sample that is text */
    double tokens = (double)tokens_total(&c) * text_bytes / SAMPLE;
    return (int64_t)(tokens + 0.5) + (texts < SAMPLES ? (int64_t)tiled(1024, 1024) : 0);
}

/* ---- what was answered ---- */

answer_guess guess_begin(token_family family, bool roughly) {
    return (answer_guess){.tokens = tokens_begin(family), .roughly = roughly};
}

static void add_answered(answer_guess *g, const answer_part *p) {
    if (p->kind == PART_FINISH) return;
    if (g->kind != p->kind || g->choice != p->choice || g->item != p->item)
        tokens_break(&g->tokens);
    g->kind = p->kind;
    g->choice = p->choice;
    g->item = p->item;
    switch (p->kind) {
    case PART_TEXT:
    case PART_REFUSAL:
    case PART_REASONING:
    case PART_TOOL_NAME:
    case PART_TOOL_ARGS:
    case PART_OTHER: tokens_add_json(&g->tokens, p->value); break;
    case PART_AUDIO:
        tokens_add_fixed(&g->tokens, of_sound(p->value.raw.len, PCM_A_SECOND, SPOKEN_A_SECOND));
        break;
    case PART_OPAQUE: add_opaque(&(counting){&g->tokens, NULL}, p->value); break;
    case PART_FINISH: break;
    }
}

/* Choices whose reasoning is told where it belongs, and those where it is by another name. */
typedef struct reasoned {
    choice_set known, beside;
} reasoned;

/* What stands beside a text says it once more, but reasoning that is told under another name, and
 * what nobody knows by another. */
static bool is_repeat(const answer_part *p, const reasoned *of) {
    if (p->item < ITEM_BESIDE || p->kind == PART_OTHER) return false;
    if (p->kind != PART_REASONING || choice_set_has(&of->known, p->choice)) return true;
    return p->item >= ITEM_NAMED && choice_set_has(&of->beside, p->choice);
}

/* Where nothing stands beside a text, nobody asks. */
static reasoned with_reasoning(const answer_event *e) {
    reasoned of = {0};
    if (e->part_count < 2) return of;
    for (size_t i = 0; i < e->part_count; i++) {
        const answer_part *p = &e->parts[i];
        if (p->kind != PART_REASONING || p->item >= ITEM_NAMED) continue;
        choice_set_add(p->item < ITEM_BESIDE ? &of.known : &of.beside, p->choice);
    }
    return of;
}

enum { COUNTED_FIRST = 16, COUNTED_EVERY = 8 };

static bool stands_for_others(answer_guess *g) {
    unsigned event = g->events++;
    return event < COUNTED_FIRST || event % COUNTED_EVERY == 0;
}

uint64_t guess_bytes(const answer_event *event) {
    const reasoned of = with_reasoning(event);
    uint64_t bytes = 0;
    for (size_t i = 0; i < event->part_count; i++) {
        const answer_part *p = &event->parts[i];
        if (p->kind != PART_FINISH && !is_repeat(p, &of)) bytes += p->value.raw.len;
    }
    return bytes;
}

static void count_event(answer_guess *g, const answer_event *event) {
    const reasoned of = with_reasoning(event);
    for (size_t i = 0; i < event->part_count; i++)
        if (!is_repeat(&event->parts[i], &of)) add_answered(g, &event->parts[i]);
}

static void add_large(answer_guess *g, const answer_large *l) {
    tokens_break(&g->tokens);
    g->tokens.hundredths += l->guess.tokens.hundredths;
    if (!g->roughly || l->event.kind != ANSWER_STREAM) return;
    g->events++;
    g->counted += l->text_bytes;
}

void guess_add(answer_guess *g, const answer_event *event) {
    if (event->kind == ANSWER_STREAM && event->sorts & EVENT_FULL) return;
    if (event->large) {
        add_large(g, event->large);
        return;
    }
    if (!g->roughly || event->kind != ANSWER_STREAM) {
        count_event(g, event);
    } else if (stands_for_others(g)) {
        g->counted += guess_bytes(event);
        count_event(g, event);
    } else {
        g->skipped += guess_bytes(event);
    }
}

int64_t guess_total(const answer_guess *g) {
    token_count all = g->tokens;
    if (g->counted)
        all.hundredths +=
            (uint64_t)((double)all.hundredths * (double)g->skipped / (double)g->counted);
    return tokens_total(&all);
}
