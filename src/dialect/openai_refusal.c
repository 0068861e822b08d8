/* A provider's refusal, put into OpenAI's shape: {"error":{"message","type","param","code"}}, each
 * a string or null (the message always a string). One that has it passes byte for byte. */
#include "dialect/openai.h"

#include "base/masked.h"
#include "dialect/refusal.h"

/* Text that a person can read in one line: no control bytes, no markup soup, bounded. */
static span readable(span text, arena *a, bool *ret_cut) {
    enum { LONGEST = 200 };
    char *out = arena_alloc(a, LONGEST + 1); /* with the byte that tells where a cut may fall */
    size_t n = 0;
    bool in_tag = false, blank = true;
    for (size_t i = 0; i < text.len && n <= LONGEST; i++) {
        char c = text.ptr[i];
        if (c == '<') in_tag = true;
        if (!in_tag && (unsigned char)c > ' ' && c != 0x7f) {
            out[n++] = c;
            blank = false;
        } else if (!blank) {
            out[n++] = ' ';
            blank = true;
        }
        if (c == '>') in_tag = false;
    }
    *ret_cut = n > LONGEST;
    span result = span_trim(span_clip(span_from(out, n), LONGEST));
    return span_is_utf8(result) ? result : SPAN_EMPTY;
}

static span type_of_status(int status) {
    return status >= 500 ? SPAN_OF("server_error") : SPAN_OF("invalid_request_error");
}

/* ---- an error that is an object: what does not fit in it is mended ---- */

enum { MESSAGE, TYPE, PARAM, CODE, MEMBERS };
static const span names[MEMBERS] = {SPAN("message"), SPAN("type"), SPAN("param"), SPAN("code")};

static bool is_text_or_null(json_value v) {
    return v.type == JSON_STRING || v.type == JSON_NULL;
}

static bool fits(const json_value of[MEMBERS], int member) {
    return member == MESSAGE ? of[MESSAGE].type == JSON_STRING : is_text_or_null(of[member]);
}

static span quoted(span text, arena *a) {
    if (!text.len) return SPAN_OF("null");
    buf out = BUF_EMPTY;
    json_write_string(&out, text);
    span result = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return result;
}

/* Its other members, and what stands beside it, stay as they are. */
static span mended(const refusal_said *said, const json_value of[MEMBERS],
                   const span values[MEMBERS], arena *a) {
    json_splice s;
    json_splice_init(&s, a);
    bool ok = true;
    for (int i = 0; i < MEMBERS && ok; i++) {
        if (fits(of, i)) continue;
        span by = quoted(values[i], a);
        ok = of[i].type == JSON_NONE
                 ? json_splice_member(&s, said->document, said->error, names[i], by)
                 : json_splice_value(&s, said->document, of[i], by);
    }
    size_t count;
    const span *pieces = json_splice_pieces(&s, said->document, &count);
    return ok ? arena_join(a, pieces, count) : SPAN_EMPTY;
}

/* ---- any other: one is made ---- */

static span shaped(const span values[MEMBERS], arena *a) {
    buf out = BUF_EMPTY;
    buf_add_cstr(&out, "{\"error\":{");
    for (int i = 0; i < MEMBERS; i++) {
        if (i) buf_add_char(&out, ',');
        json_write_string(&out, names[i]);
        buf_add_char(&out, ':');
        buf_add(&out, quoted(values[i], a));
    }
    buf_add_cstr(&out, "}}");
    span result = arena_dup(a, buf_span(&out));
    buf_done(&out);
    return result;
}

static span answered(int status, span with, arena *a) {
    if (!with.len)
        return arena_printf(a, "The provider answered with status %d and no explanation.", status);
    span parts[] = {arena_printf(a, "The provider answered with status %d: ", status), with};
    return arena_join(a, parts, ARRAY_LEN(parts)); /* it may hold a NUL */
}

static span either(span first, span second) {
    return first.len ? first : second;
}

/* Whole or in part: keys are quoted in errors about all kinds of things. */
static span without_secrets(const secret_set *secrets, span text, arena *a) {
    return masked_without(secrets, secret_set_without(secrets, text, a), a);
}

static void refuse_with_object(int status, const refusal_said *said, const secret_set *secrets,
                               arena *a, refusal *ret) {
    json_value of[MEMBERS];
    json_get_each(said->error, names, MEMBERS, of);
    const span values[MEMBERS] = {
        [MESSAGE] = either(said->message, answered(status, SPAN_EMPTY, a)),
        [TYPE] = either(refusal_word(of[TYPE], a), either(said->type, type_of_status(status))),
        [PARAM] = said->param,
        [CODE] = either(refusal_word(of[CODE], a), said->code),
    };
    ret->code = values[CODE];
    span message = fits(of, MESSAGE) ? json_string(of[MESSAGE], a) : values[MESSAGE];
    ret->message = arena_dup(a, without_secrets(secrets, message, a));
    ret->cut = said->cut && !fits(of, MESSAGE);
    ret->body = without_secrets(secrets, mended(said, of, values, a), a);
}

static void refuse_with_text(int status, const refusal_said *said, const secret_set *secrets,
                             arena *a, span body, refusal *ret) {
    span text = either(said->message, said->rest);
    ret->cut = said->cut;
    if (!text.len && !said->json) /* before it is cut */
        text = readable(without_secrets(secrets, body, a), a, &ret->cut);
    ret->code = said->code;
    ret->message = without_secrets(secrets, answered(status, text, a), a);
    const span values[MEMBERS] = {
        [MESSAGE] = ret->message,
        [TYPE] = either(said->type, type_of_status(status)),
        [PARAM] = said->param,
        [CODE] = either(said->code, SPAN_OF("provider_error")),
    };
    ret->body = without_secrets(secrets, shaped(values, a), a);
}

void openai_refuse(int status, span body, const secret_set *secrets, arena *a, refusal *ret) {
    refusal_said said;
    refusal_read(body, secrets, a, &said);
    ret->class = refusal_classify(status, &said, a);
    ret->delay = said.delay;
    if (said.document.len)
        refuse_with_object(status, &said, secrets, a, ret);
    else
        refuse_with_text(status, &said, secrets, a, body, ret);
}
