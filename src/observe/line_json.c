/* JSON lines. Written on the way of every call, so by hand and without printf. */
#include "observe/line.h"

#include "json/json.h"

#include <assert.h>
#include <string.h>

/* `,"key":` is one literal, so that a field is one copy and its value. */
#define KEY(name) SPAN_OF(",\"" name "\":")

/* Neither DEL nor anything beyond ASCII, as nearly every text. Either shows in the top bit of the
 * byte or of the next number; what goes over into the byte beside it comes of 0xFF alone. */
static bool is_plain(span text) {
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t any = 0, word;
    size_t at = 0;
    for (; text.len - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text.ptr + at, sizeof word);
        any |= word | (word + ones);
    }
    if (at && at < text.len) {
        memcpy(&word, text.ptr + text.len - sizeof word, sizeof word); /* some of them once more */
        return !((any | word | (word + ones)) & tops);
    }
    for (; at < text.len; at++)
        any |= (unsigned char)text.ptr[at] | ((unsigned char)text.ptr[at] + 1u);
    return !(any & tops);
}

/* JSON lets DEL, C1's controls and the marks of writing direction stand as they are. */
static void escape_unsafe(buf *out, size_t from) {
    buf all = BUF_EMPTY;
    buf_add(&all, span_from(out->ptr + from, out->len - from));
    out->len = from;
    for (size_t at = 0; at < all.len;) {
        uint32_t code = 0;
        size_t len = span_utf8_at(buf_span(&all), at, &code);
        assert(len > 0); /* what was written is UTF-8 */
        if (utf8_is_unsafe(code))
            buf_addf(out, "\\u%04x", (unsigned)code);
        else
            buf_add(out, span_from(all.ptr + at, len));
        at += len;
    }
    buf_done(&all);
}

static void add_string(buf *out, span text, size_t max) {
    size_t from = out->len;
    text = span_clip(text, max);
    json_write_string(out, text);
    if (!is_plain(text)) escape_unsafe(out, from);
}

static void add_text(buf *out, span key, span text, size_t max) {
    if (text.len == 0) return;
    buf_add(out, key);
    add_string(out, text, max);
}

/* One of weir's own words, in which nothing needs an escape. */
static void add_word(buf *out, span key, span word) {
    if (word.len == 0) return;
    buf_add(out, key);
    buf_add_char(out, '"');
    buf_add(out, word);
    buf_add_char(out, '"');
}

static void add_count(buf *out, span key, int64_t value) {
    if (value < 0) return;
    buf_add(out, key);
    buf_add_u64(out, (uint64_t)value);
}

static void add_flag(buf *out, span key, bool value) {
    buf_add(out, key);
    buf_add(out, value ? SPAN_OF("true") : SPAN_OF("false"));
}

/* Milliseconds with three decimals: every microsecond shows. */
static void add_duration(buf *out, int64_t us) {
    buf_add_u64(out, (uint64_t)us / 1000);
    unsigned rest = (unsigned)(us % 1000);
    char decimals[4] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
                        (char)('0' + rest % 10)};
    buf_add(out, span_from(decimals, sizeof decimals));
}

static void add_ms(buf *out, span key, int64_t us) {
    if (us < 0) return;
    buf_add(out, key);
    add_duration(out, us);
}

/* `"tries":[["openai/gpt-4o-mini","overload",12.345],["local","ok",801.000]]` */
static void add_tries(buf *out, const call_record *r) {
    unsigned first = line_first_try(r);
    if (first == r->attempts) return;
    buf_add(out, KEY("tries"));
    for (unsigned i = first; i < r->attempts; i++) {
        const attempt_record *t = &r->tries[i];
        buf_add(out, i == first ? SPAN_OF("[[") : SPAN_OF(",["));
        add_string(out, t->target, LINE_WORD_MAX);
        buf_add(out, SPAN_OF(",\""));
        buf_add_cstr(out, t->outcome);
        buf_add(out, SPAN_OF("\","));
        add_duration(out, t->ended_us - t->began_us);
        buf_add_char(out, ']');
    }
    buf_add_char(out, ']');
}

/* From 0 to 1, with four decimals. */
static void add_ratio(buf *out, span key, double ratio) {
    buf_add(out, key);
    buf_addf(out, "%.4f", ratio);
}

/* `{"time":"2026-11-24T16:59:39.123456Z","level":"info","event":"call"` */
static void add_head(buf *out, line_clock *clock, int64_t wall_us, config_log_level level,
                     span event) {
    unsigned us = line_clock_set(clock, wall_us);
    char digits[6];
    for (int i = 5; i >= 0; i--, us /= 10)
        digits[i] = (char)('0' + us % 10);
    buf_add(out, SPAN_OF("{\"time\":\""));
    buf_add(out, span_from(clock->utc, 20)); /* up to the point */
    buf_add(out, span_from(digits, sizeof digits));
    buf_add(out, SPAN_OF("Z\",\"level\":\""));
    buf_add_cstr(out, line_level(level));
    buf_add(out, SPAN_OF("\",\"event\":"));
    json_write_string(out, event);
}

static void add_usage(buf *out, const token_usage *u) {
    add_count(out, KEY("prompt_tokens"), u->prompt);
    add_count(out, KEY("completion_tokens"), u->completion);
    add_count(out, KEY("total_tokens"), u->total);
    add_count(out, KEY("cached_tokens"), u->cached);
    add_count(out, KEY("reasoning_tokens"), u->reasoning);
    if (u->estimated) add_flag(out, KEY("estimated"), true);
}

void line_json_call(buf *out, line_clock *clock, const call_record *r) {
    (void)buf_reserve(out, 1024); /* most lines fit: the buffer grows once, if at all */
    add_head(out, clock, line_call_wall_us(r), line_call_level(r), SPAN_OF("call"));
    add_word(out, KEY("request_id"), span_cstr(r->request_id));
    add_word(out, KEY("trace_id"), span_cstr(r->trace_id));
    add_text(out, KEY("client_request_id"), r->client_request_id, LINE_TEXT_MAX);
    add_text(out, KEY("client"), r->client, LINE_WORD_MAX);
    add_text(out, KEY("environment"), r->environment, LINE_WORD_MAX);
    add_text(out, KEY("user"), r->user, LINE_WORD_MAX);
    add_text(out, KEY("tags"), r->tags, LINE_TEXT_MAX);
    add_text(out, KEY("endpoint"), r->endpoint, LINE_WORD_MAX);
    add_text(out, KEY("model"), r->model, LINE_WORD_MAX);
    add_text(out, KEY("target"), r->target, LINE_WORD_MAX);
    add_count(out, KEY("attempts"), r->attempts);
    add_tries(out, r);
    if (r->hedges) add_count(out, KEY("hedges"), r->hedges);
    add_word(out, KEY("outcome"), call_outcome_word(r->outcome));
    add_count(out, KEY("status"), r->status);
    add_word(out, KEY("error"), error_word(r->error));
    add_text(out, KEY("message"), line_call_message(r), LINE_TEXT_MAX);
    add_flag(out, KEY("stream"), r->stream);
    add_count(out, KEY("bytes_in"), (int64_t)r->bytes_in);
    add_count(out, KEY("bytes_out"), (int64_t)r->bytes_out);
    add_usage(out, &r->usage);
    add_text(out, KEY("guard"), r->guard, LINE_TEXT_MAX);
    if (r->attempts) add_count(out, KEY("cost_nano"), r->cost_nano);
    add_word(out, KEY("cache"), r->cache);
    if (r->similarity > 0) add_ratio(out, KEY("cache_similarity"), r->similarity);
    if (r->saved_nano) add_count(out, KEY("saved_nano"), r->saved_nano);
    add_ms(out, KEY("first_byte_ms"), r->first_byte_us);
    add_ms(out, KEY("first_token_ms"), r->first_token_us);
    add_ms(out, KEY("overhead_ms"), r->own_us);
    add_ms(out, KEY("total_ms"), r->total_us);
    add_text(out, KEY("provider_request_id"), r->provider_request_id, LINE_WORD_MAX);
    add_text(out, KEY("finish_reason"), r->finish_reason, LINE_WORD_MAX);
    if (r->skipped_events) add_count(out, KEY("skipped_events"), r->skipped_events);
    buf_add(out, SPAN_OF("}\n"));
}

void line_json_event(buf *out, line_clock *clock, const line_event *e) {
    add_head(out, clock, e->wall_us, e->level, span_cstr(e->name));
    add_text(out, KEY("message"), e->sentence, LINE_TEXT_MAX);
    for (size_t i = 0; i < e->count; i++) {
        buf_add_char(out, ',');
        json_write_string(out, span_cstr(e->fields[i].key));
        buf_add_char(out, ':');
        if (e->fields[i].number)
            buf_add(out, e->fields[i].value);
        else
            add_string(out, e->fields[i].value, LINE_TEXT_MAX);
    }
    buf_add(out, SPAN_OF("}\n"));
}
