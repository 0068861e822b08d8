/* Limits that are counted by the script of limit/shared.lua are those of the process's own limiter:
 * the same random calls through both, by one clock, which jumps. */
#include "../redis/server.h"
#include "unit.h"

#include "base/random.h"
#include "limit/gcra.h"
#include "limit/shared_wire.h"

#define NOON_US ((int64_t)1795867200 * 1000 * 1000) /* of 2026-11-28 */

/* ---- a blocking client, whose script's clock can be set on ---- */

typedef struct client {
    int fd;
    redis_reader *reader;
    shared_command command;
    buf script, out;
} client;

static void replace(buf *to, const char *what, const char *by) {
    const size_t at = span_find_span(buf_span(to), 0, span_cstr(what));
    buf whole = BUF_EMPTY;
    assert_true(at < to->len);
    buf_add(&whole, span_slice(buf_span(to), 0, at));
    buf_add_cstr(&whole, by);
    buf_add(&whole, span_slice(buf_span(to), at + strlen(what), to->len));
    buf_done(to);
    *to = whole;
}

/* Its clock is a key, and nothing goes by the real one. */
static void alter_script(buf *to) {
    buf_add(to, embedded_limit_script);
    replace(to, "redis.call('TIME')",
            "{math.floor(redis.call('GET', 'clock') / 1000000), redis.call('GET', 'clock') % "
            "1000000}");
    replace(to, "'PX', whole(math.floor(count.q / 1000) + 2)", "'PX', 100000000");
    replace(to, "redis.call('PEXPIRE', key, lasts)", "");
}

static void begin(client *c) {
    *c = (client){.fd = redis_server_connect(&server), .reader = redis_reader_new()};
    assert_true(c->fd >= 0);
    alter_script(&c->script);
}

static void end(client *c) {
    close(c->fd);
    redis_reader_free(c->reader);
    shared_command_done(&c->command);
    buf_done(&c->script);
    buf_done(&c->out);
}

static const redis_reply *ask(client *c, const span *args, size_t count) {
    char bytes[4096];
    bool bad = false;
    const redis_reply *reply;
    buf_clear(&c->out);
    redis_write(&c->out, args, count);
    assert_int_equal(write(c->fd, c->out.ptr, c->out.len), c->out.len);
    while (!(reply = redis_reader_next(c->reader, &bad))) {
        ssize_t n = read(c->fd, bytes, sizeof bytes);
        assert_true(n > 0 && redis_reader_feed(c->reader, span_from(bytes, (size_t)n)));
    }
    if (redis_reply_kind(reply) == REDIS_REFUSED)
        fail_msg("%.*s", SPAN_ARG(redis_reply_text(reply)));
    return reply;
}

static void set_clock(client *c, int64_t us) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)us);
    (void)ask(c, (span[]){SPAN_OF("SET"), SPAN_OF("clock"), span_cstr(text)}, 3);
}

static const redis_reply *run(client *c) {
    c->command.args[0] = SPAN_OF("EVAL");
    c->command.args[1] = buf_span(&c->script);
    return ask(c, c->command.args, shared_command_args(&c->command));
}

/* ---- the same calls through both ---- */

#define LASTS_MS ((int64_t)1000 * 1000 * 1000 * 1000) /* longer than the clock runs */
enum { ASKS_MAX = 4, OPEN_MAX = 8, CALLS = 20000 };

typedef struct one_call {
    limit_ask asks[ASKS_MAX];
    size_t count;
    char lease[16];
} one_call;

static limit_ask random_ask(rng *r) {
    static const int64_t amounts[] = {1, 2, 3, 7, 60, 1000, 1000003, 2000000000, GCRA_MOST};
    static const span names[] = {SPAN("a"), SPAN("b"), SPAN("c")};
    limit_ask a = {.scope = (limit_scope)(rng_u64(r) % LIMIT_SCOPES),
                   .kind = (limit_kind)(rng_u64(r) % LIMIT_KINDS)};
    const size_t name = rng_u64(r) % ARRAY_LEN(names);
    a.who = names[name];
    a.subject = name + 1;
    a.quota.per = (config_period)(rng_u64(r) % CONFIG_PERIODS);
    /* One rule for each key: where it changes, what is owed is the same to a microsecond alone. */
    a.quota.amount =
        amounts[((size_t)a.scope * 7 + (size_t)a.quota.per + name) % ARRAY_LEN(amounts)];
    a.amount = 1;
    if (a.kind == LIMIT_PARALLEL) {
        a.quota = (config_quota){1 + (int64_t)name, 0};
    } else if (a.kind == LIMIT_SPEND) {
        a.quota.per = rng_u64(r) % 2 ? PERIOD_DAY : PERIOD_MONTH;
        a.quota.amount = 1000;
        a.amount = (int64_t)(rng_u64(r) % 400);
    } else if (a.kind == LIMIT_TOKENS) {
        a.amount = (int64_t)(rng_u64(r) % (uint64_t)(a.quota.amount + a.quota.amount / 8 + 1));
    }
    return a;
}

static void same_asks(const limit_ask *a, const limit_ask *b, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (a[i].left == b[i].left && a[i].reset_us == b[i].reset_us) continue;
        fail_msg("ask %zu, a %s of %lld, %lld: left %lld and %lld, reset %lld and %lld", i,
                 limit_kind_word(a[i].kind), (long long)a[i].quota.amount, (long long)a[i].amount,
                 (long long)a[i].left, (long long)b[i].left, (long long)a[i].reset_us,
                 (long long)b[i].reset_us);
    }
}

/* By the clock of the script's answer, to the microsecond. */
static bool take_both(client *c, limiter *own, one_call *call, limit_now *ret_now) {
    limit_ask asks[ASKS_MAX];
    limit_verdict there;
    memcpy(asks, call->asks, sizeof asks);
    shared_command_begin(&c->command, call->count, SPAN_OF("take"), span_cstr(call->lease),
                         LASTS_MS);
    for (size_t i = 0; i < call->count; i++)
        shared_command_add(&c->command, &asks[i], asks[i].amount, (shared_least){0});
    const redis_reply *reply = run(c);
    assert_true(shared_read_answer(reply, asks, call->count, &there));
    const int64_t us = strtoll(redis_reply_text(reply).ptr + 2, NULL, 10);
    *ret_now = (limit_now){us, us};
    limit_verdict here = limiter_take(own, call->asks, call->count, *ret_now);
    assert_int_equal(there.taken, here.taken);
    assert_int_equal(there.by, here.by);
    assert_int_equal(there.wait_us, here.wait_us);
    same_asks(call->asks, asks, call->count);
    return here.taken;
}

static void settle_both(client *c, limiter *own, one_call *call, rng *r) {
    const limit_used used = {.asked = rng_u64(r) % 4 > 0,
                             .tokens = (int64_t)(rng_u64(r) % 2000000),
                             .nano = (int64_t)(rng_u64(r) % 400)};
    shared_command_begin(&c->command, call->count, SPAN_OF("settle"), span_cstr(call->lease),
                         LASTS_MS);
    for (size_t i = 0; i < call->count; i++) {
        const limit_ask *a = &call->asks[i];
        const int64_t more = a->kind == LIMIT_PARALLEL ? -1 : limit_used_of(a, &used) - a->amount;
        shared_command_add(&c->command, a, more, (shared_least){.period = a->spent_in});
    }
    const int64_t us = redis_reply_number(run(c));
    limiter_settle(own, call->asks, call->count, &used, (limit_now){us, us});
}

/* Up to three different keys, and no two places in one call: a lease is one place of a key. */
static void make_call(one_call *call, rng *r, unsigned number) {
    call->count = 0;
    snprintf(call->lease, sizeof call->lease, "%u", number);
    const size_t wanted = 1 + rng_u64(r) % ASKS_MAX;
    while (call->count < wanted) {
        const limit_ask a = random_ask(r);
        bool again = false;
        for (size_t i = 0; i < call->count && a.kind == LIMIT_PARALLEL; i++)
            again |= call->asks[i].kind == LIMIT_PARALLEL;
        if (!again) call->asks[call->count++] = a;
    }
}

/* Mostly not at all, or to where a rate gives just one back. */
static int64_t moved(int64_t us, rng *r) {
    static const int64_t steps[] = {1,       20000,    60000,       1000000,
                                    3600000, 50000000, 86400000000, 40 * 86400000000};
    const uint64_t at = rng_u64(r) % 64;
    return at < ARRAY_LEN(steps) ? us + steps[at] : us;
}

static void as_the_processs_own(void **state) {
    (void)state;
    client c;
    limiter *own = limiter_new();
    one_call calls[OPEN_MAX];
    bool open[OPEN_MAX] = {0};
    rng r;
    int64_t us = NOON_US;
    unsigned taken = 0;
    limit_now now;
    rng_seed(&r, 14);
    begin(&c);
    for (unsigned i = 0; i < CALLS; i++) {
        const size_t at = rng_u64(&r) % OPEN_MAX;
        set_clock(&c, us = moved(us, &r));
        if (open[at]) {
            settle_both(&c, own, &calls[at], &r);
            open[at] = false;
            continue;
        }
        make_call(&calls[at], &r, i);
        open[at] = take_both(&c, own, &calls[at], &now);
        taken += open[at];
    }
    assert_in_range(taken, CALLS / 8, CALLS * 7 / 8); /* of both kinds there were enough */
    end(&c);
    limiter_free(own);
}

/* ---- what only the server knows ---- */

static limit_ask place(void) {
    return (limit_ask){.kind = LIMIT_PARALLEL, .who = SPAN_OF("p"), .quota = {2, 0}, .amount = 1};
}

static bool take_place(client *c, const char *lease, int64_t lasts_ms, const char *op) {
    limit_ask a = place();
    limit_verdict v;
    shared_command_begin(&c->command, 1, span_cstr(op), span_cstr(lease), lasts_ms);
    shared_command_add(&c->command, &a, 1, (shared_least){0});
    const redis_reply *reply = run(c);
    if (span_eq(span_cstr(op), SPAN_OF("hold"))) return redis_reply_kind(reply) == REDIS_NUMBER;
    assert_true(shared_read_answer(reply, &a, 1, &v));
    return v.taken;
}

static void a_lease_runs_out_unless_it_is_renewed(void **state) {
    (void)state;
    client c;
    begin(&c);
    set_clock(&c, NOON_US);
    assert_true(take_place(&c, "1", 60000, "take"));
    assert_true(take_place(&c, "2", 60000, "take"));
    assert_false(take_place(&c, "3", 60000, "take"));
    set_clock(&c, NOON_US + 40000000);
    assert_true(take_place(&c, "2", 60000, "hold"));
    set_clock(&c, NOON_US + 70000000);
    assert_true(take_place(&c, "3", 60000, "take"));
    assert_false(take_place(&c, "4", 60000, "take"));
    set_clock(&c, NOON_US + 101000000);
    assert_true(take_place(&c, "4", 60000, "take"));
    end(&c);
}

/* ---- places, in every order of what may happen ---- */

enum { M_CALLS = 3, M_TICKS = 2, M_PLACES = 2, M_LEASE_MS = 1000, M_TICK_MS = 600 };
typedef enum m_event { M_BEGIN, M_END, M_KILL, M_TICK } m_event;
typedef enum m_state { M_FRESH, M_RUNS, M_DEAD, M_OVER } m_state;

typedef struct m_step {
    m_event event;
    unsigned call;
} m_step;

typedef struct model {
    m_state states[M_CALLS];
    bool holds[M_CALLS];
    int64_t until_ms[M_CALLS]; /* of its lease */
    int64_t now_ms;
} model;

static unsigned long m_orders;

static limit_ask m_place(void) {
    return (limit_ask){
        .kind = LIMIT_PARALLEL, .who = SPAN_OF("model"), .quota = {M_PLACES, 0}, .amount = 1};
}

static bool m_ask(client *c, const char *op, unsigned call, int64_t amount) {
    char lease[8];
    limit_ask a = m_place();
    limit_verdict v;
    snprintf(lease, sizeof lease, "m%u", call);
    shared_command_begin(&c->command, 1, span_cstr(op), span_cstr(lease), M_LEASE_MS);
    shared_command_add(&c->command, &a, amount, (shared_least){0});
    const redis_reply *reply = run(c);
    if (strcmp(op, "take")) return true;
    assert_true(shared_read_answer(reply, &a, 1, &v));
    return v.taken;
}

/* Places that count there: of calls that run, and of the dead until their leases are over. */
static unsigned m_held(const model *m) {
    unsigned n = 0;
    for (unsigned i = 0; i < M_CALLS; i++)
        n += m->holds[i] &&
             (m->states[i] == M_RUNS || (m->states[i] == M_DEAD && m->until_ms[i] > m->now_ms));
    return n;
}

static void m_step_on(client *c, model *m, m_step s) {
    if (s.event == M_BEGIN) {
        const bool room = m_held(m) < M_PLACES;
        m->holds[s.call] = m_ask(c, "take", s.call, 1);
        assert_int_equal(m->holds[s.call], room);
        m->until_ms[s.call] = m->now_ms + M_LEASE_MS;
        m->states[s.call] = M_RUNS;
    } else if (s.event == M_END) {
        if (m->holds[s.call]) (void)m_ask(c, "settle", s.call, -1);
        m->states[s.call] = M_OVER;
    } else if (s.event == M_KILL) {
        m->states[s.call] = M_DEAD; /* nobody renews it, and nobody gives it back */
    } else {
        m->now_ms += M_TICK_MS;
        set_clock(c, NOON_US + m->now_ms * 1000);
        for (unsigned i = 0; i < M_CALLS; i++) {
            if (m->states[i] != M_RUNS || !m->holds[i]) continue;
            (void)m_ask(c, "hold", i, 1);
            m->until_ms[i] = m->now_ms + M_LEASE_MS;
        }
    }
}

/* In the end all has come back, once the leases of the dead are over. */
static void m_play(client *c, const m_step *steps, unsigned count) {
    model m = {.now_ms = 0};
    set_clock(c, NOON_US);
    (void)ask(c, (span[]){SPAN_OF("DEL"), c->command.args[3]}, 2);
    for (unsigned i = 0; i < count; i++)
        m_step_on(c, &m, steps[i]);
    set_clock(c, NOON_US + (m.now_ms + M_LEASE_MS + 1) * 1000);
    assert_true(m_ask(c, "take", 7, 1) && m_ask(c, "take", 8, 1) && !m_ask(c, "take", 9, 1));
    m_orders++;
}

static void m_go_on(client *c, m_step *steps, unsigned count, m_state *states, unsigned ticks) {
    bool any = false;
    for (unsigned i = 0; i < M_CALLS; i++) {
        if (states[i] == M_OVER) continue;
        const bool fresh = states[i] == M_FRESH;
        any = true;
        states[i] = fresh ? M_RUNS : M_OVER;
        for (unsigned how = fresh ? M_BEGIN : M_END; how <= (fresh ? M_BEGIN : M_KILL); how++) {
            steps[count] = (m_step){(m_event)how, i};
            m_go_on(c, steps, count + 1, states, ticks);
        }
        states[i] = fresh ? M_FRESH : M_RUNS;
        if (fresh) break; /* those that have not begun are alike */
    }
    if (ticks < M_TICKS && any) {
        steps[count] = (m_step){M_TICK, 0};
        m_go_on(c, steps, count + 1, states, ticks + 1);
    }
    if (!any) m_play(c, steps, count);
}

static void places_in_every_order(void **state) {
    (void)state;
    client c;
    m_step steps[2 * M_CALLS + M_TICKS];
    m_state states[M_CALLS] = {M_FRESH};
    begin(&c);
    set_clock(&c, NOON_US);
    (void)m_ask(&c, "take", 0, 1); /* the key's name */
    m_go_on(&c, steps, 0, states, 0);
    assert_true(m_orders > 2000);
    end(&c);
}

static void money_is_at_least_what_is_known(void **state) {
    (void)state;
    client c;
    limit_ask a = {.kind = LIMIT_SPEND, .who = SPAN_OF("m"), .quota = {100, PERIOD_DAY}};
    limit_verdict v;
    begin(&c);
    set_clock(&c, NOON_US);
    a.amount = 10;
    for (int i = 0; i < 3; i++) {
        shared_command_begin(&c.command, 1, SPAN_OF("take"), SPAN_EMPTY, 1);
        shared_command_add(&c.command, &a, 10, (shared_least){i ? 60 : 0, a.spent_in});
        assert_true(shared_read_answer(run(&c), &a, 1, &v));
        assert_int_equal(a.spent, i == 0 ? 10 : i == 1 ? 70 : 80);
    }
    /* Of another day it is none. */
    shared_command_begin(&c.command, 1, SPAN_OF("take"), SPAN_EMPTY, 1);
    shared_command_add(&c.command, &a, 10, (shared_least){95, a.spent_in - 1});
    assert_true(shared_read_answer(run(&c), &a, 1, &v));
    assert_int_equal(a.spent, 90);
    end(&c);
}

/* To the microsecond, and to the last unit. */
static void edges(void **state) {
    (void)state;
    static const struct {
        limit_kind kind;
        config_quota quota;
        int64_t amount, after_us;
        bool taken;
    } rows[] = {
        {LIMIT_TOKENS, {7, PERIOD_MINUTE}, 7, 0, true},
        {LIMIT_TOKENS, {7, PERIOD_MINUTE}, 1, 8571428, false}, /* 4/7 of a microsecond too early */
        {LIMIT_TOKENS, {7, PERIOD_MINUTE}, 1, 8571429, true},
        {LIMIT_TOKENS, {7, PERIOD_MINUTE}, 8, 90000000, false}, /* never */
        {LIMIT_SPEND, {1000, PERIOD_DAY}, 1001, 0, false},
        {LIMIT_SPEND, {1000, PERIOD_DAY}, 1000, 0, true},
        {LIMIT_SPEND, {1000, PERIOD_DAY}, 0, 0, false},
    };
    client c;
    limiter *own = limiter_new();
    limit_now now;
    begin(&c);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        one_call call = {.count = 1};
        call.asks[0] = (limit_ask){.kind = rows[i].kind,
                                   .who = SPAN_OF("edge"),
                                   .subject = 98,
                                   .quota = rows[i].quota,
                                   .amount = rows[i].amount};
        set_clock(&c, NOON_US + rows[i].after_us);
        if (take_both(&c, own, &call, &now) != rows[i].taken) fail_msg("row %zu", i);
    }
    end(&c);
    limiter_free(own);
}

/* A clock that is put back over midnight gives no budget out twice; one that was a month ahead was
 * wrong. */
static void money_when_the_clock_is_put_back(void **state) {
    (void)state;
    static const int64_t days[] = {0, 1, 0, 1, 0, 30, 0, 30};
    client c;
    limiter *own = limiter_new();
    limit_now now;
    begin(&c);
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        one_call call = {.count = 1};
        call.asks[0] = (limit_ask){.kind = LIMIT_SPEND,
                                   .who = SPAN_OF("back"),
                                   .subject = 99,
                                   .quota = {1000, PERIOD_DAY},
                                   .amount = 10};
        set_clock(&c, NOON_US + days[i] * 86400000000);
        assert_true(take_both(&c, own, &call, &now));
    }
    end(&c);
    limiter_free(own);
}

/* By an hour either way: what was taken stays so, and no more than that. */
static void a_rate_when_the_clock_jumps(void **state) {
    (void)state;
    static const struct {
        int64_t at_s;
        bool taken;
    } rows[] = {
        {0, true},     {0, true},      {0, false},    {-3600, false}, /* no second limit, and no
                                                                         hour without any */
        {-3540, true}, /* half a minute's worth is there again after that time */
        {-3540, true}, {-3540, false}, {60, true},    {60, true},     {60, false},
        {3660, true},  {3660, true},   {3660, false}, {60, false},    {120, true},
    };
    client c;
    limit_ask a = {.kind = LIMIT_REQUESTS, .who = SPAN_OF("jump"), .quota = {2, PERIOD_MINUTE}};
    limit_verdict v;
    begin(&c);
    a.amount = 1;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        set_clock(&c, NOON_US + rows[i].at_s * 1000000);
        shared_command_begin(&c.command, 1, SPAN_OF("take"), SPAN_EMPTY, 1);
        shared_command_add(&c.command, &a, 1, (shared_least){0});
        assert_true(shared_read_answer(run(&c), &a, 1, &v));
        if (v.taken != rows[i].taken) fail_msg("row %zu", i);
        if (!v.taken) assert_in_range(v.wait_us, 1, 60000000);
    }
    end(&c);
}

/* A place that nobody renews is free after a lease's time by any clock, and not before. */
static void places_when_the_clock_jumps(void **state) {
    (void)state;
    client c;
    begin(&c);
    set_clock(&c, NOON_US + 3 * 3600000000);
    assert_true(take_place(&c, "j1", 60000, "take"));
    assert_true(take_place(&c, "j2", 60000, "take"));
    set_clock(&c, NOON_US + 2 * 3600000000);
    assert_false(take_place(&c, "j3", 60000, "take"));
    set_clock(&c, NOON_US + 2 * 3600000000 + 40000000);
    assert_true(take_place(&c, "j2", 60000, "hold"));
    set_clock(&c, NOON_US + 2 * 3600000000 + 61000000);
    assert_true(take_place(&c, "j3", 60000, "take"));
    assert_false(take_place(&c, "j4", 60000, "take"));
    end(&c);
}

/* What was taken by one rule is owed by another. */
static void a_rule_that_changes_keeps_what_was_taken(void **state) {
    (void)state;
    client c;
    limit_ask a = {.kind = LIMIT_TOKENS, .who = SPAN_OF("t"), .quota = {1000, PERIOD_DAY}};
    limit_verdict v;
    begin(&c);
    set_clock(&c, NOON_US);
    a.amount = 600;
    for (int i = 0; i < 2; i++) {
        shared_command_begin(&c.command, 1, SPAN_OF("take"), SPAN_EMPTY, 1);
        shared_command_add(&c.command, &a, a.amount, (shared_least){0});
        assert_true(shared_read_answer(run(&c), &a, 1, &v));
        assert_true(v.taken);
        assert_in_range(a.left, i ? 1390 : 400, i ? 1400 : 400);
        a.quota.amount = 2100;
        a.amount = 100;
    }
    end(&c);
}

static void long_names_are_hashed(void **state) {
    (void)state;
    char name[1000];
    memset(name, 'x', sizeof name);
    shared_command c = {0};
    limit_ask a = {.who = span_from(name, sizeof name), .quota = {1, PERIOD_DAY}};
    shared_command_begin(&c, 1, SPAN_OF("take"), SPAN_EMPTY, 1);
    shared_command_add(&c, &a, 1, (shared_least){0});
    assert_int_equal(c.args[3].len, strlen("{weir}:client:requests:d:") + 64);
    shared_command_done(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_processs_own),
        cmocka_unit_test(a_lease_runs_out_unless_it_is_renewed),
        cmocka_unit_test(money_is_at_least_what_is_known),
        cmocka_unit_test(places_in_every_order),
        cmocka_unit_test(edges),
        cmocka_unit_test(money_when_the_clock_is_put_back),
        cmocka_unit_test(a_rate_when_the_clock_jumps),
        cmocka_unit_test(places_when_the_clock_jumps),
        cmocka_unit_test(a_rule_that_changes_keeps_what_was_taken),
        cmocka_unit_test(long_names_are_hashed),
    };
    return cmocka_run_group_tests(tests, redis_server_set_up, redis_server_tear_down);
}
