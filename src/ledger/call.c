#include "ledger/call.h"

#include "ledger/tries.h"
#include "ledger/varint.h"

/* Of texts that others have written. */
enum { WORD_MAX = 256, SENTENCE_MAX = 1024 };

#define UNKNOWN_TEXT     SPAN_EMPTY
#define UNKNOWN_BYTES    SPAN_EMPTY
#define UNKNOWN_TAGS     SPAN_EMPTY
#define UNKNOWN_JSON     SPAN_EMPTY
#define UNKNOWN_COUNT    -1
#define UNKNOWN_MONEY    -1
#define UNKNOWN_FLAG     false
#define UNKNOWN_TIME     0
#define UNKNOWN_DURATION -1
#define UNKNOWN_RATIO    -1

#define MEMBER_TEXT(name)     name
#define MEMBER_BYTES(name)    name
#define MEMBER_TAGS(name)     name
#define MEMBER_JSON(name)     name
#define MEMBER_COUNT(name)    name
#define MEMBER_MONEY(name)    name
#define MEMBER_FLAG(name)     name
#define MEMBER_TIME(name)     name##_us
#define MEMBER_DURATION(name) name##_us
#define MEMBER_RATIO(name)    name##_ppm

const ledger_call ledger_call_unknown = {
#define X(number, kind, name) .MEMBER_##kind(name) = UNKNOWN_##kind,
#include "ledger/fields.def"
#undef X
};

/* ---- the code ---- */

enum { HAS_BYTES = 1, ID_NUMBER = 1, PROOF_NUMBER = 100 };

static void put_text(buf *out, unsigned number, span text) {
    if (!text.len) return;
    varint_add(out, number << 1 | HAS_BYTES);
    varint_add_bytes(out, text);
}

static void put_number(buf *out, unsigned number, int64_t value) {
    if (value < 0) return;
    (void)buf_reserve(out, 2 * VARINT_MAX);
    varint_put(out, number << 1);
    varint_put(out, (uint64_t)value);
}

static void put_flag(buf *out, unsigned number, bool value) {
    if (value) put_number(out, number, 1);
}

#define PUT_TEXT     put_text
#define PUT_BYTES    put_text
#define PUT_TAGS     put_text
#define PUT_JSON     put_text
#define PUT_COUNT    put_number
#define PUT_MONEY    put_number
#define PUT_FLAG     put_flag
#define PUT_TIME     put_number
#define PUT_DURATION put_number
#define PUT_RATIO    put_number

void ledger_call_write(const ledger_call *c, buf *out) {
#define X(number, kind, name) PUT_##kind(out, number, c->MEMBER_##kind(name));
#include "ledger/fields.def"
#undef X
    put_text(out, PROOF_NUMBER, c->proof);
}

static void set_text(span *field, bool has_bytes, span bytes, uint64_t value) {
    (void)value;
    if (has_bytes) *field = bytes;
}

static void set_number(int64_t *field, bool has_bytes, span bytes, uint64_t value) {
    (void)bytes;
    if (!has_bytes && value <= INT64_MAX) *field = (int64_t)value;
}

static void set_flag(bool *field, bool has_bytes, span bytes, uint64_t value) {
    (void)bytes;
    if (!has_bytes) *field = value != 0;
}

#define SET_TEXT     set_text
#define SET_BYTES    set_text
#define SET_TAGS     set_text
#define SET_JSON     set_text
#define SET_COUNT    set_number
#define SET_MONEY    set_number
#define SET_FLAG     set_flag
#define SET_TIME     set_number
#define SET_DURATION set_number
#define SET_RATIO    set_number

static void set(ledger_call *c, uint64_t number, bool has_bytes, span bytes, uint64_t value) {
    switch (number) {
#define X(n, kind, name)                                                                           \
    case n:                                                                                        \
        SET_##kind(&c->MEMBER_##kind(name), has_bytes, bytes, value);                              \
        break;
#include "ledger/fields.def"
#undef X
    case PROOF_NUMBER: set_text(&c->proof, has_bytes, bytes, value); break;
    default: break; /* a later weir's */
    }
}

bool ledger_call_read(span code, ledger_call *ret) {
    *ret = ledger_call_unknown;
    while (code.len) {
        uint64_t head, value = 0;
        span bytes = SPAN_EMPTY;
        if (!varint_take(&code, &head)) return false;
        bool has_bytes = head & HAS_BYTES;
        if (has_bytes ? !varint_take_bytes(&code, &bytes) : !varint_take(&code, &value))
            return false;
        set(ret, head >> 1, has_bytes, bytes, value);
    }
    return ret->request_id.len > 0;
}

bool ledger_call_read_id(span code, span *ret) {
    uint64_t head;
    return varint_take(&code, &head) && head == (ID_NUMBER << 1 | HAS_BYTES) &&
           varint_take_bytes(&code, ret) && ret->len > 0;
}

/* ---- from the record ---- */

ledger_call ledger_call_begun(const call_record *r) {
    ledger_call c = ledger_call_unknown;
    c.request_id = span_cstr(r->request_id);
    c.parent_id = span_cstr(r->parent_id);
    c.timestamp_us = r->started_wall_us;
    c.client = r->client;
    c.environment = r->environment;
    c.user = span_clip(r->user, WORD_MAX);
    c.peer = r->peer;
    c.client_request_id = r->client_request_id;
    c.endpoint = r->endpoint;
    c.model = span_clip(r->model, WORD_MAX);
    c.stream = r->stream;
    c.bytes_in = (int64_t)r->bytes_in;
    c.tags = r->tags;
    c.saved_nano = 0;
    return c;
}

/* Of what is known of either. */
static int64_t both(int64_t in, int64_t out) {
    if (in < 0 || out < 0) return in < 0 ? out : in;
    return in + out;
}

static void note_usage(ledger_call *c, const token_usage *u) {
    c->prompt_tokens = u->prompt;
    c->completion_tokens = u->completion;
    c->total_tokens = u->total;
    c->cached_tokens = u->cached;
    c->reasoning_tokens = u->reasoning;
    c->cache_write_tokens = u->cache_write;
    c->audio_tokens = both(u->audio_prompt, u->audio_completion);
    c->estimated = u->estimated;
}

ledger_call ledger_call_of(const call_record *r, buf *tries) {
    ledger_call c = ledger_call_begun(r);
    c.target = span_clip(r->target, WORD_MAX); /* a client may have named it */
    c.provider_request_id = span_clip(r->provider_request_id, WORD_MAX);
    c.finish_reason = span_clip(r->finish_reason, WORD_MAX);
    c.outcome = call_outcome_word(r->outcome);
    c.status = r->status;
    if (r->error != ERR_NONE) {
        c.error_code = error_word(r->error);
        c.error_message = span_clip(r->error_text, SENTENCE_MAX);
    }
    c.attempts = r->attempts;
    c.fallbacks = tries_fallbacks(r);
    c.hedges = r->hedges;
    c.bytes_out = (int64_t)r->bytes_out;
    note_usage(&c, &r->usage);
    c.guard = r->guard;
    c.usage = r->usage_text;
    c.response_time_us = r->total_us;
    c.first_byte_us = r->first_byte_us;
    c.first_token_us = r->first_token_us;
    c.own_time_us = r->own_us;
    c.cost_nano = r->cost_nano;
    c.proof = r->proof;
    c.saved_nano = r->saved_nano;
    c.cache = r->cache;
    if (r->similarity > 0) c.cache_similarity_ppm = (int64_t)(r->similarity * 1000000 + 0.5);
    tries_write(r, tries);
    c.tries = buf_span(tries);
    return c;
}

void ledger_call_interrupt(ledger_call *c) {
    c->outcome = LEDGER_INTERRUPTED;
    c->error_code = LEDGER_INTERRUPTED;
    c->error_message = SPAN_OF("The gateway ended before the call did.");
}
