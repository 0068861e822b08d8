#include "ledger/query.h"

#include "base/clock.h"
#include "config/callable.h"
#include "ledger/call.h"

#include <stddef.h>

const ledger_query ledger_query_all = {.to_us = INT64_MAX, .status = -1, .limit = QUERY_LIMIT};

/* ---- values ---- */

static bool bad(buf *why, span name, span value, const char *expected) {
    buf_addf(why, "'%.*s' is '", SPAN_ARG(name));
    buf_add_excerpt(why, value, 64);
    buf_addf(why, "'; expected %s.", expected);
    return false;
}

/* "90s", "24h", "7d": so long before now. */
static bool read_age(span value, int64_t now_us, int64_t *ret) {
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    uint64_t count;
    if (value.len < 2 || !span_u64(span_slice(value, 0, value.len - 1), &count)) return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (units[i].unit != value.ptr[value.len - 1]) continue;
        if (count > (uint64_t)INT64_MAX / 1000000 / (uint64_t)units[i].seconds) return false;
        *ret = now_us - (int64_t)count * units[i].seconds * 1000000;
        return true;
    }
    return false;
}

static bool read_date(span value, int64_t *ret) {
    enum { DATE_LEN = 10 };
    char text[CLOCK_RFC3339_LEN + 1] = "YYYY-MM-DDT00:00:00Z";
    if (value.len != DATE_LEN) return false;
    memcpy(text, value.ptr, DATE_LEN);
    return clock_parse_rfc3339(span_cstr(text), ret);
}

bool query_read_time(span value, int64_t now_us, int64_t *ret) {
    if (!clock_parse_rfc3339(value, ret) && !read_date(value, ret) && !read_age(value, now_us, ret))
        return false;
    if (*ret < 0) *ret = 0;
    return true;
}

static const char *const group_words[] = {"",     "hour",  "day",    "client",
                                          "user", "model", "target", "tag"};

const char *query_group_word(query_group g) {
    return g < ARRAY_LEN(group_words) ? group_words[g] : "";
}

static bool read_group(span value, query_group *ret) {
    for (size_t i = 1; i < ARRAY_LEN(group_words); i++) {
        if (!span_eq(value, span_cstr(group_words[i]))) continue;
        *ret = (query_group)i;
        return true;
    }
    return false;
}

/* How a call may have ended, by its record. */
static bool is_outcome(span value) {
    for (call_outcome o = 0; o < CALL_OUTCOMES; o++)
        if (span_eq(value, call_outcome_word(o))) return true;
    return span_eq(value, LEDGER_INTERRUPTED);
}

/* As weir makes them: "01a223c2-c0ee-7716-9773-ba8a0104b7f5". */
static bool is_request_id(span value) {
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (value.len != sizeof form - 1) return false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (form[i] == 'x' ? !hex : c != form[i]) return false;
    }
    return true;
}

/* ---- parameters ---- */

typedef enum value_kind {
    A_TIME,
    A_TEXT,
    A_TAG,
    AN_OUTCOME,
    AN_ENDPOINT,
    A_STATUS,
    A_LIMIT,
    A_CURSOR,
    A_GROUP
} value_kind;
enum {
    OF_SUMMARY = 1 << QUERY_SUMMARY,
    OF_CALLS = 1 << QUERY_CALLS,
    OF_PRICES = 1 << QUERY_PRICES,
};

#define FIELD_A_TIME(name)      offsetof(ledger_query, name##_us)
#define FIELD_A_TEXT(name)      offsetof(ledger_query, name)
#define FIELD_A_TAG(name)       offsetof(ledger_query, name)
#define FIELD_AN_OUTCOME(name)  offsetof(ledger_query, name)
#define FIELD_AN_ENDPOINT(name) offsetof(ledger_query, name)
#define FIELD_A_STATUS(name)    offsetof(ledger_query, name)
#define FIELD_A_LIMIT(name)     offsetof(ledger_query, name)
#define FIELD_A_CURSOR(name)    offsetof(ledger_query, name)
#define FIELD_A_GROUP(name)     offsetof(ledger_query, name)

static const struct {
    query_parameter shown;
    value_kind kind;
    size_t offset;
    unsigned of;
} parameters[] = {
#define ROW(kind, name, takes, about, of) {{#name, takes, about}, kind, FIELD_##kind(name), of},
#define BOTH(kind, name, option, takes, about, rare)                                               \
    ROW(kind, name, takes, about, OF_SUMMARY | OF_CALLS)
#define SUMMARY(kind, name, option, takes, about, rare) ROW(kind, name, takes, about, OF_SUMMARY)
#define CALLS(kind, name, option, takes, about, rare)   ROW(kind, name, takes, about, OF_CALLS)
#include "ledger/parameters.def"
#undef BOTH
#undef SUMMARY
#undef CALLS
    ROW(A_TEXT, pattern, "PATTERN", "Of one target, or of those whose name begins so", OF_PRICES)
#undef ROW
};

const query_parameter *query_parameter_at(query_kind kind, size_t i) {
    for (size_t k = 0; k < ARRAY_LEN(parameters); k++)
        if ((parameters[k].of >> kind & 1u) && !i--) return &parameters[k].shown;
    return NULL;
}

static bool read_value(value_kind kind, span name, span value, int64_t now_us, void *field,
                       buf *why) {
    uint64_t number;
    switch (kind) {
    case A_TIME:
        return query_read_time(value, now_us, field) || bad(why, name, value, QUERY_TIME_FORMS);
    case A_GROUP:
        return read_group(value, field) ||
               bad(why, name, value, "hour, day, client, user, model, target or tag");
    case A_STATUS:
        if (!span_u64(value, &number) || number > 999)
            return bad(why, name, value, "a status such as 200");
        *(int64_t *)field = (int64_t)number;
        return true;
    case A_LIMIT:
        if (!span_u64(value, &number) || number < 1 || number > QUERY_LIMIT_MAX)
            return bad(why, name, value, "a number from 1 to 1000");
        *(unsigned *)field = (unsigned)number;
        return true;
    case A_TAG:
        if (span_find(value, 0, '=') == value.len)
            return bad(why, name, value, "a tag's name and value, such as team=search");
        break;
    case AN_OUTCOME:
        if (!is_outcome(value))
            return bad(why, name, value, "ok, failed, cut, cancelled or interrupted");
        break;
    case AN_ENDPOINT: /* records have its name; who knows it by its path means the same */
        if (!span_starts(value, SPAN_OF("/"))) break;
        *(span *)field = callable_name_at(value);
        return ((span *)field)->len ||
               bad(why, name, value,
                   "an endpoint's name in records, such as chat.completions, or its path, such as "
                   "/v1/chat/completions");
    case A_CURSOR:
        if (!is_request_id(value)) return bad(why, name, value, "what next of a page said");
        break;
    case A_TEXT: break;
    }
    if (!value.len) return bad(why, name, value, "a text that is not empty");
    *(span *)field = value;
    return true;
}

bool query_set(ledger_query *q, query_kind kind, span name, span value, int64_t now_us,
               buf *ret_why) {
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
        if (!(parameters[i].of >> kind & 1u)) continue;
        if (!span_eq(name, span_cstr(parameters[i].shown.name))) continue;
        return read_value(parameters[i].kind, name, value, now_us, (char *)q + parameters[i].offset,
                          ret_why);
    }
    buf_add_cstr(ret_why, "There is no parameter '");
    buf_add_excerpt(ret_why, name, QUERY_NAME_MAX);
    const query_parameter *p = query_parameter_at(kind, 0);
    const bool several = query_parameter_at(kind, 1) != NULL;
    buf_addf(ret_why, "' here%s", p ? several ? "; there are" : "; there is" : "");
    for (size_t i = 0; (p = query_parameter_at(kind, i)); i++)
        buf_addf(ret_why, "%s %s", i ? "," : "", p->name);
    buf_add_char(ret_why, '.');
    return false;
}

bool query_check(const ledger_query *q, buf *ret_why) {
    if (q->from_us <= q->to_us) return true;
    buf_add_cstr(ret_why, "'from' is later than 'to': no call began after the one and before the "
                          "other.");
    return false;
}

/* ---- a query string ---- */

/* RFC 3986 section 2.1, and '+' for a blank as forms write it. false: no such encoding, or a NUL.
 */
static bool decode(span text, arena *a, span *ret) {
    char *out = arena_alloc(a, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i] == '+' ? ' ' : text.ptr[i];
        if (c == '%') {
            unsigned value = 0;
            for (int k = 0; k < 2; k++) {
                char h = ++i < text.len ? text.ptr[i] : 'x';
                bool digit = h >= '0' && h <= '9', letter = (h | 32) >= 'a' && (h | 32) <= 'f';
                if (!digit && !letter) return false;
                value = value * 16 + (unsigned)(digit ? h - '0' : (h | 32) - 'a' + 10);
            }
            c = (char)value;
        }
        if (!c) return false;
        out[len++] = c;
    }
    out[len] = '\0';
    *ret = span_from(out, len);
    return span_is_utf8(*ret);
}

bool query_parse(ledger_query *q, query_kind kind, span text, int64_t now_us, arena *a,
                 span *ret_name, buf *ret_why) {
    unsigned seen = 0;
    while (text.len) {
        span pair, name, value;
        (void)span_cut(&text, '&', &pair);
        if (!pair.len) continue;
        (void)span_cut(&pair, '=', &name);
        *ret_name = name;
        if (!decode(name, a, &name) || !decode(pair, a, &value)) {
            buf_add_cstr(ret_why, "The query has a malformed percent-encoding.");
            return false;
        }
        *ret_name = name;
        if (!query_set(q, kind, name, value, now_us, ret_why)) return false;
        for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
            if (!span_eq(name, span_cstr(parameters[i].shown.name))) continue;
            if (seen >> i & 1u) {
                buf_addf(ret_why, "'%.*s' is given twice.", SPAN_ARG(name));
                return false;
            }
            seen |= 1u << i;
        }
    }
    *ret_name = SPAN_OF("from");
    return query_check(q, ret_why);
}
