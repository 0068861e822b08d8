#include "limit/shared_wire.h"

#include "base/mem.h"
#include "limit/counter.h"

#include <stdlib.h>

enum {
    /* What each takes at most: a key, a rule, and five numbers. */
    LIMIT_BYTES = WORDING_KEY_BYTES + WORDING_RULE_BYTES + 64 + 5 * 21,
    FIXED_ARGS = 6, /* EVALSHA, its sha, how many keys; op, lease, lasts */
};

void shared_command_done(shared_command *c) {
    buf_done(&c->text);
    free(c->args);
    wordings_done(&c->wordings);
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

static void add_number(shared_command *c, int64_t n) {
    buf_add_char(&c->text, ' ');
    buf_add_i64(&c->text, n);
}

static void add_debt(shared_command *c, gcra_debt debt, int64_t sign) {
    add_number(c, debt.us);
    add_number(c, debt.rest);
    add_number(c, sign);
}

/* Its key, and of what is said of it what comes first. */
static size_t begin_limit(shared_command *c, const limit_ask *a, bool never) {
    static const span kinds[LIMIT_KINDS][2] = {{SPAN("r 0"), SPAN("r 1")},
                                               {SPAN("r 0"), SPAN("r 1")},
                                               {SPAN("s 0"), SPAN("s 1")},
                                               {SPAN("p 0"), SPAN("p 1")}};
    span key, rule;
    wordings_get(&c->wordings, a, &key, &rule);
    const size_t key_from = begin_text(c);
    buf_add(&c->text, key);
    c->args[3 + c->count] = end_text(c, key_from);
    const size_t from = begin_text(c);
    buf_add(&c->text, kinds[a->kind][never]);
    buf_add(&c->text, rule);
    return from;
}

static void end_limit(shared_command *c, size_t from) {
    c->args[6 + limits_of(c) + c->count++] = end_text(c, from);
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
    const int64_t sign = amount < 0 ? -1 : 1;
    const size_t from = begin_limit(c, a, amount > a->quota.amount);
    if (a->kind == LIMIT_PARALLEL) {
        add_number(c, sign);
    } else if (a->kind == LIMIT_SPEND) {
        add_number(c, amount * sign);
        add_number(c, sign);
        add_number(c, least.period);
        add_number(c, least.nano);
    } else {
        add_debt(c, cost_of(counter_rule(a->quota), amount * sign), sign);
    }
    end_limit(c, from);
}

void shared_command_add_debt(shared_command *c, const limit_ask *a, gcra_debt debt, bool back) {
    const size_t from = begin_limit(c, a, false);
    add_debt(c, debt, back ? -1 : 1);
    end_limit(c, from);
}

void shared_command_here(shared_command *c, span node, int64_t lasts_ms) {
    c->whole = true;
    shared_command_begin(c, 1, SPAN_OF("here"), node, lasts_ms);
    c->whole = false;
    c->args[3] = SPAN_OF("{weir}:nodes");
    c->args[6 + limits_of(c) + c->count++] = SPAN_OF("p 0 0 1");
}

/* ---- the answer ---- */

/* Numbers with a blank between them, which the server makes of doubles: none is longer. */
enum { NUMBER_DIGITS_MAX = 18 };

static span text_of(const redis_reply *reply) {
    return redis_reply_kind(reply) == REDIS_TEXT ? redis_reply_text(reply) : SPAN_EMPTY;
}

/* -1: there is none. */
static int64_t next_number(span *rest) {
    int64_t n = 0;
    size_t at = 0;
    for (; at < rest->len && rest->ptr[at] >= '0' && rest->ptr[at] <= '9'; at++) {
        if (at == NUMBER_DIGITS_MAX) return -1;
        n = n * 10 + (rest->ptr[at] - '0');
    }
    if (!at || (at < rest->len && rest->ptr[at] != ' ')) return -1;
    *rest = span_slice(*rest, at + 1, rest->len);
    return n;
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
    span rest = text_of(reply);
    const int64_t word = next_number(&rest);
    const limit_now now = {.mono_us = 0, .wall_us = next_number(&rest)};
    limit_verdict v = {.taken = true};
    const bool taken = word == 1;
    if (word < 0 || now.wall_us < 0) return false;
    for (size_t i = 0; i < count; i++) {
        const int64_t first = next_number(&rest), second = next_number(&rest);
        if (first < 0 || second < 0) return false;
        const counter c = counter_of(&asks[i], first, second);
        bool full;
        const int64_t wait_us = counter_wait(&c, &asks[i], now, &full);
        if (!taken && full) counter_judge(&v, i, wait_us);
        counter_tell(&c, &asks[i], now);
        if (asks[i].kind == LIMIT_SPEND) {
            asks[i].spent = c.spend.nano;
            asks[i].spent_in = c.spend.period;
        }
    }
    if (rest.len) return false;
    if (!taken && v.taken) return false; /* it says no for no reason */
    *ret = v;
    return true;
}

bool shared_read_taken(const redis_reply *reply) {
    span rest = text_of(reply);
    return next_number(&rest) == 1 && next_number(&rest) >= 0;
}

bool shared_read_here(const redis_reply *reply, int64_t *ret_holders, int64_t *ret_since) {
    span rest = text_of(reply);
    for (int i = 0; i < 2; i++)
        if (next_number(&rest) < 0) return false;
    *ret_holders = next_number(&rest);
    *ret_since = next_number(&rest);
    return *ret_holders >= 0 && *ret_since >= 0 && !rest.len;
}
