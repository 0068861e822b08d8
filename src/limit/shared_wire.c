#include "limit/shared_wire.h"

#include "base/hash.h"
#include "base/mem.h"
#include "limit/counter.h"

#include <stdlib.h>

enum {
    WHO_MAX = 64,
    /* What each takes at most: a key, and seven numbers. */
    LIMIT_BYTES = 64 + WHO_MAX + 64 + 7 * 21,
    FIXED_ARGS = 6, /* EVALSHA, its sha, how many keys; op, lease, lasts */
};

void shared_command_done(shared_command *c) {
    buf_done(&c->text);
    free(c->args);
    *c = (shared_command){0};
}

/* ---- putting a command together ----
 *
 * Arguments are keys first and then what is said of each: their places are known beforehand. */

static size_t limits_of(const shared_command *c) {
    return (c->room - FIXED_ARGS) / 2;
}

static size_t begin_text(const shared_command *c) {
    return c->text.len;
}

static span end_text(const shared_command *c, size_t from) {
    return span_from(c->text.ptr + from, c->text.len - from);
}

static span number_text(shared_command *c, int64_t n) {
    const size_t from = begin_text(c);
    buf_add_i64(&c->text, n);
    return end_text(c, from);
}

void shared_command_begin(shared_command *c, size_t limits, span op, span lease, int64_t lasts_ms) {
    const size_t room = FIXED_ARGS + 2 * limits;
    if (!c->sha[0]) redis_script_sha(embedded_limit_script, c->sha);
    if (room > c->most) c->args = mem_realloc(c->args, (c->most = room) * sizeof *c->args);
    c->room = room;
    c->count = 0;
    buf_clear(&c->text);
    (void)buf_reserve(&c->text, (limits + 1) * LIMIT_BYTES); /* so that it stays where it is */
    c->args[0] = c->whole ? SPAN_OF("EVAL") : SPAN_OF("EVALSHA");
    c->args[1] = c->whole ? embedded_limit_script : span_from(c->sha, REDIS_SHA_LEN);
    c->args[2] = number_text(c, (int64_t)limits);
    c->args[3 + limits] = op;
    c->args[4 + limits] = lease;
    c->args[5 + limits] = number_text(c, lasts_ms);
}

static span key_text(shared_command *c, const limit_ask *a) {
    const size_t from = begin_text(c);
    buf *out = &c->text;
    buf_add(out, SPAN_OF("{weir}:"));
    buf_add_cstr(out, limit_scope_word(a->scope));
    buf_add_char(out, ':');
    buf_add_cstr(out, limit_kind_word(a->kind));
    buf_add_char(out, ':');
    if (a->kind != LIMIT_PARALLEL) buf_add(out, config_period_names[a->quota.per]);
    buf_add_char(out, ':');
    if (a->who.len <= WHO_MAX) {
        buf_add(out, a->who);
    } else {
        unsigned char hash[SHA256_LEN];
        char hex[SHA256_HEX_LEN + 1];
        sha256(a->who, hash);
        hex_encode(hash, SHA256_LEN, hex);
        buf_add(out, span_from(hex, SHA256_HEX_LEN));
    }
    return end_text(c, from);
}

static void add_number(shared_command *c, int64_t n) {
    buf_add_char(&c->text, ' ');
    buf_add_i64(&c->text, n);
}

static void add_rate(shared_command *c, gcra_rule rule, gcra_debt cost) {
    add_number(c, rule.n);
    add_number(c, rule.period_us);
    add_number(c, cost.us);
    add_number(c, cost.rest);
}

/* What so much costs, in microseconds of the rule and n-ths of one: no number of it is beyond what
 * a double holds exactly, as the products of them would be. */
static gcra_debt cost_of(gcra_rule rule, int64_t size) {
    const __int128 units = (__int128)size * rule.period_us;
    const __int128 whole = units / rule.n;
    if (whole >= GCRA_DEBT_MAX_US) return (gcra_debt){GCRA_DEBT_MAX_US, 0};
    return (gcra_debt){(int64_t)whole, (int64_t)(units - whole * rule.n)};
}

void shared_command_add(shared_command *c, const limit_ask *a, int64_t amount, shared_least least) {
    static const char letters[LIMIT_KINDS] = {'r', 'r', 's', 'p'};
    const int64_t sign = amount < 0 ? -1 : 1;
    c->args[3 + c->count] = key_text(c, a);
    const size_t from = begin_text(c);
    buf_add_char(&c->text, letters[a->kind]);
    add_number(c, amount > a->quota.amount);
    if (a->kind == LIMIT_PARALLEL) {
        add_number(c, a->quota.amount);
        add_number(c, sign);
    } else if (a->kind == LIMIT_SPEND) {
        add_number(c, a->quota.amount);
        add_number(c, a->quota.per == PERIOD_MONTH);
        add_number(c, amount * sign);
        add_number(c, sign);
        add_number(c, least.period);
        add_number(c, least.nano);
    } else {
        add_rate(c, counter_rule(a->quota), cost_of(counter_rule(a->quota), amount * sign));
        add_number(c, sign);
    }
    c->args[6 + limits_of(c) + c->count++] = end_text(c, from);
}

void shared_command_add_debt(shared_command *c, const limit_ask *a, gcra_debt debt, bool back) {
    c->args[3 + c->count] = key_text(c, a);
    const size_t from = begin_text(c);
    buf_add(&c->text, SPAN_OF("r 0"));
    add_rate(c, counter_rule(a->quota), debt);
    add_number(c, back ? -1 : 1);
    c->args[6 + limits_of(c) + c->count++] = end_text(c, from);
}

void shared_command_here(shared_command *c, span node, int64_t lasts_ms) {
    c->whole = true;
    shared_command_begin(c, 1, SPAN_OF("here"), node, lasts_ms);
    c->whole = false;
    c->args[3] = SPAN_OF("{weir}:nodes");
    c->args[6 + limits_of(c) + c->count++] = SPAN_OF("p 0 0 1");
}

/* ---- the answer ---- */

static bool is_answer(const redis_reply *reply, size_t count) {
    return redis_reply_count(reply) == 2 + 2 * count;
}

static int64_t number_at(const redis_reply *reply, size_t i) {
    return redis_reply_number(redis_reply_at(reply, i));
}

/* As the process's own would be, by a clock that begins now. */
static counter counter_of(const limit_ask *a, int64_t first, int64_t second) {
    counter c = {.kind = a->kind, .per = a->quota.per};
    if (a->kind == LIMIT_PARALLEL)
        c.held = first;
    else if (a->kind == LIMIT_SPEND)
        c.spend = (spend){.nano = second, .period = first};
    else
        c.rate = (gcra){.full_us = first, .rest = second, .n = a->quota.amount};
    return c;
}

bool shared_read_answer(const redis_reply *reply, limit_ask *asks, size_t count,
                        limit_verdict *ret) {
    if (!is_answer(reply, count)) return false;
    const limit_now now = {.mono_us = 0, .wall_us = number_at(reply, 1)};
    limit_verdict v = {.taken = true};
    const bool taken = number_at(reply, 0) == 1;
    for (size_t i = 0; i < count; i++) {
        const counter c =
            counter_of(&asks[i], number_at(reply, 2 + 2 * i), number_at(reply, 3 + 2 * i));
        bool full;
        const int64_t wait_us = counter_wait(&c, &asks[i], now, &full);
        if (!taken && full) counter_judge(&v, i, wait_us);
        counter_tell(&c, &asks[i], now);
        if (asks[i].kind == LIMIT_SPEND) {
            asks[i].spent = c.spend.nano;
            asks[i].spent_in = c.spend.period;
        }
    }
    if (!taken && v.taken) return false; /* it says no for no reason */
    *ret = v;
    return true;
}

bool shared_read_taken(const redis_reply *reply) {
    return redis_reply_count(reply) >= 2 && number_at(reply, 0) == 1;
}

bool shared_read_here(const redis_reply *reply, int64_t *ret_holders, int64_t *ret_since) {
    if (!is_answer(reply, 1)) return false;
    *ret_holders = number_at(reply, 2);
    *ret_since = number_at(reply, 3);
    return true;
}
