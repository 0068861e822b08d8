#include "limit/wording.h"

#include "base/digits.h"
#include "base/hash.h"
#include "base/mem.h"
#include "limit/counter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 64 };

struct limit_wording {
    limit_scope scope;
    limit_kind kind;
    config_quota quota;
    size_t who_len, key_len, rule_len; /* no key: the place is free */
    char key[WORDING_KEY_BYTES], rule[WORDING_RULE_BYTES];
};

static void add(char *to, size_t *len, size_t most, span text) {
    assert(*len + text.len <= most);
    if (text.len) memcpy(to + *len, text.ptr, text.len);
    *len += text.len;
}

static void add_to_key(limit_wording *s, span text) {
    add(s->key, &s->key_len, sizeof s->key, text);
}

static void spell_key(limit_wording *s, const limit_ask *a) {
    add_to_key(s, SPAN_OF("{weir}:"));
    add_to_key(s, span_cstr(limit_scope_word(a->scope)));
    add_to_key(s, SPAN_OF(":"));
    add_to_key(s, span_cstr(limit_kind_word(a->kind)));
    add_to_key(s, SPAN_OF(":"));
    if (a->kind != LIMIT_PARALLEL) add_to_key(s, config_period_names[a->quota.per]);
    add_to_key(s, SPAN_OF(":"));
    if (a->who.len <= WORDING_WHO_MAX) {
        add_to_key(s, a->who);
    } else {
        unsigned char hash[SHA256_LEN];
        char hex[SHA256_HEX_LEN + 1];
        sha256(a->who, hash);
        hex_encode(hash, SHA256_LEN, hex);
        add_to_key(s, span_from(hex, SHA256_HEX_LEN));
    }
}

static void add_to_rule(limit_wording *s, int64_t n) {
    char digits[DIGITS_MAX];
    const unsigned at = digits_u64(digits, (uint64_t)n);
    add(s->rule, &s->rule_len, sizeof s->rule, SPAN_OF(" "));
    add(s->rule, &s->rule_len, sizeof s->rule, span_from(digits + at, DIGITS_MAX - at));
}

static void spell_rule(limit_wording *s, const limit_ask *a) {
    add_to_rule(s, a->quota.amount);
    if (a->kind == LIMIT_SPEND)
        add_to_rule(s, a->quota.per == PERIOD_MONTH);
    else if (a->kind != LIMIT_PARALLEL)
        add_to_rule(s, counter_rule(a->quota).period_us);
}

/* A long name is not kept: its key is made each time. */
static bool is_of(const limit_wording *s, const limit_ask *a) {
    return s->key_len && s->scope == a->scope && s->kind == a->kind &&
           s->quota.amount == a->quota.amount && s->quota.per == a->quota.per &&
           s->who_len == a->who.len && a->who.len <= WORDING_WHO_MAX &&
           span_eq(span_from(s->key + s->key_len - s->who_len, s->who_len), a->who);
}

void wordings_get(wordings *s, const limit_ask *a, span *ret_key, span *ret_rule) {
    if (!s->places) s->places = mem_zalloc(PLACES * sizeof *s->places);
    const uint64_t mixed = a->subject + 7 * (uint64_t)a->scope + 3 * (uint64_t)a->kind;
    limit_wording *at = &s->places[mixed % PLACES];
    if (!is_of(at, a)) {
        *at = (limit_wording){a->scope, a->kind, a->quota, .who_len = a->who.len};
        spell_key(at, a);
        spell_rule(at, a);
    }
    *ret_key = span_from(at->key, at->key_len);
    *ret_rule = span_from(at->rule, at->rule_len);
}

void wordings_done(wordings *s) {
    free(s->places);
    *s = (wordings){0};
}
