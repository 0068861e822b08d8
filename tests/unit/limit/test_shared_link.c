/* Two loops' links to one server, of which one is late: what is taken without the server, and what
 * the server gives without knowing of it, is never more than the limit together. */
#include "../redis/server.h"
#include "unit.h"

#include "base/clock.h"
#include "config/config.h"
#include "limit/shared.h"

/* ---- a way to it, which lets through when it may ---- */

typedef struct way {
    int down, up; /* to the link, and to the server */
    bool stopped; /* questions stay where they are */
    bool mute;    /* and so do answers */
    bool refuses; /* answers of the script are errors instead */
} way;

static void pass(int from, int to) {
    char bytes[16384];
    const ssize_t n = recv(from, bytes, sizeof bytes, MSG_DONTWAIT);
    for (ssize_t at = 0; at < n;) {
        const ssize_t sent = send(to, bytes + at, (size_t)(n - at), MSG_NOSIGNAL);
        assert_true(sent > 0);
        at += sent;
    }
}

static void put(int to, const char *line, size_t len) {
    assert_int_equal(send(to, line, len, MSG_NOSIGNAL), len);
}

/* Texts become errors. A server that has the time sends whole ones. */
static void refuse(int from, int to) {
    char bytes[16384];
    const ssize_t n = recv(from, bytes, sizeof bytes - 1, MSG_DONTWAIT);
    bool of_text = false;
    if (n <= 0) return;
    bytes[n] = 0;
    for (char *line = bytes, *end; *line; line = end) {
        end = strchr(line, '\n') + 1;
        if (of_text)
            of_text = false;
        else if ((of_text = *line == '$'))
            put(to, "-ERR no\r\n", 9);
        else
            put(to, line, (size_t)(end - line));
    }
}

static void pump(const way *w) {
    if (w->down < 0) return;
    if (!w->stopped) pass(w->down, w->up);
    if (w->refuses)
        refuse(w->up, w->down);
    else if (!w->mute)
        pass(w->up, w->down);
}

/* ---- two loops of a process ---- */

enum { LATE, BUSY, LINKS };

typedef struct one_loop {
    loop l;
    shared_link *k;
    way way;
} one_loop;

typedef struct world {
    char folder[32], socket[64];
    int listener;
    metrics *metrics;
    limiter *own;
    shared_limits *shared;
    one_loop loops[LINKS];
    bool rests; /* BUSY does something else */
} world;

typedef struct one_call {
    shared_ticket ticket;
    limit_ask ask;
    bool done;
} one_call;

static void on_done(shared_ticket *t) {
    CONTAINER_OF(t, one_call, ticket)->done = true;
}

static void turn(world *w) {
    for (size_t i = 0; i < LINKS; i++) {
        if (i != BUSY || !w->rests) loop_turn(&w->loops[i].l);
        pump(&w->loops[i].way);
    }
    usleep(200);
}

#define turn_until(w, condition)                                                                   \
    do {                                                                                           \
        const int64_t until_ms = clock_mono_ms() + 30000;                                          \
        while (!(condition)) {                                                                     \
            if (clock_mono_ms() > until_ms) fail_msg("never: %s", #condition);                     \
            turn(w);                                                                               \
        }                                                                                          \
    } while (0)

static config *load(const char *socket) {
    char yaml[256];
    config_problems problems = {0};
    snprintf(yaml, sizeof yaml,
             "providers: {a: {kind: simulator}}\nshared: {url: \"unix:%s\", timeout: 200ms}\n",
             socket);
    config *c = config_parse(span_cstr(yaml), "test", &problems);
    config_problems_done(&problems);
    assert_non_null(c);
    return c;
}

static void listen_at(world *w) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(w->folder, sizeof w->folder, "/tmp/weir-link-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->socket, sizeof w->socket, "%s/socket", w->folder);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", w->socket);
    w->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(w->listener, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(w->listener, LINKS), 0);
}

static bool accepts(world *w, way *to) {
    to->down = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC);
    if (to->down >= 0) to->up = redis_server_connect(&server);
    return to->down >= 0;
}

/* ---- calls ---- */

static void ask(world *w, unsigned link, one_call *c, limit_ask a) {
    *c = (one_call){.ask = a};
    c->done = shared_take(w->loops[link].k, &c->ticket, &c->ask, 1, on_done);
}

static bool gets(world *w, unsigned link, one_call *c, limit_ask a) {
    ask(w, link, c, a);
    turn_until(w, c->done);
    return c->ticket.verdict.taken;
}

static void settle(one_call *c, bool asked) {
    shared_settle(&c->ticket, &(limit_used){.asked = asked, .nano = asked ? c->ask.amount : 0});
}

static limit_ask a_limit(limit_kind kind, const char *who, int64_t most) {
    static uint64_t subject;
    return (limit_ask){.kind = kind,
                       .who = span_cstr(who),
                       .subject = ++subject,
                       .quota = {most, PERIOD_DAY},
                       .amount = 1};
}

static bool is_calm(const world *w) {
    return limiter_season(w->own) % 2 == 0;
}

/* No weir of the test before is seen, and nothing of its calls counts. */
static void forget_all(void) {
    char ok[8];
    const int fd = redis_server_connect(&server);
    assert_int_equal(send(fd, "FLUSHALL\r\n", 10, 0), 10);
    assert_true(recv(fd, ok, sizeof ok, 0) > 0);
    close(fd);
}

static void begin(world *w) {
    one_call c;
    buf why = BUF_EMPTY;
    *w = (world){.metrics = metrics_new(), .own = limiter_new()};
    forget_all();
    listen_at(w);
    config *as_told = load(w->socket);
    w->shared = shared_limits_new(as_told, w->own, &why);
    config_unref(as_told);
    assert_non_null(w->shared);
    for (size_t i = 0; i < LINKS; i++)
        w->loops[i].way.down = w->loops[i].way.up = -1;
    for (unsigned i = 0; i < LINKS; i++) {
        one_loop *o = &w->loops[i];
        assert_int_equal(loop_init(&o->l, i), 0);
        o->k = shared_link_new(w->shared, &o->l, NULL, metrics_add_shard(w->metrics));
    }
    for (size_t i = 0; i < LINKS; i++)
        while (!accepts(w, &w->loops[i].way))
            turn(w);
    for (unsigned i = 0; i < LINKS; i++)
        assert_true(gets(w, i, &c, a_limit(LIMIT_REQUESTS, "begin", LINKS))); /* it is there */
}

static void end(world *w) {
    for (size_t i = 0; i < LINKS; i++) {
        one_loop *o = &w->loops[i];
        shared_link_free(o->k);
        loop_stop(&o->l);
        loop_run(&o->l);
        loop_done(&o->l);
        close(o->way.down);
        close(o->way.up);
    }
    shared_limits_free(w->shared);
    assert_true(is_calm(w)); /* also where nobody has come back */
    limiter_free(w->own);
    metrics_free(w->metrics);
    close(w->listener);
    (void)unlink(w->socket);
    (void)rmdir(w->folder);
}

/* One of LATE's is asked for, and does not arrive: it is let through without the server. */
static void become_late(world *w, one_call *c, limit_ask a) {
    w->loops[LATE].way.stopped = true;
    assert_true(gets(w, LATE, c, a));
    assert_false(is_calm(w));
}

static void come_back(world *w) {
    w->loops[LATE].way.stopped = false;
    turn_until(w, is_calm(w));
}

/* ---- what may happen, in the orders that matter ---- */

static const limit_kind kinds[] = {LIMIT_REQUESTS, LIMIT_TOKENS, LIMIT_SPEND, LIMIT_PARALLEL};

#define FOR_EACH_KIND(name)                                                                        \
    static void name(void **state) {                                                               \
        (void)state;                                                                               \
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {                                            \
            world w;                                                                               \
            begin(&w);                                                                             \
            name##_of(&w, kinds[i], limit_kind_word(kinds[i]));                                    \
            end(&w);                                                                               \
        }                                                                                          \
    }

/* All in one turn, and all that they had is there for who asks next in the same. */
static void who_ends_makes_room_for_who_asks_then(void **state) {
    static const limit_kind counted[] = {LIMIT_REQUESTS, LIMIT_TOKENS, LIMIT_PARALLEL};
    enum { MOST = 3 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
        world w;
        one_call before[MOST], after[MOST], other;
        begin(&w);
        const limit_ask a = a_limit(counted[i], "in turn", MOST);
        for (size_t n = 0; n < MOST; n++)
            assert_true(gets(&w, BUSY, &before[n], a));
        assert_false(gets(&w, BUSY, &other, a));
        for (size_t n = 0; n < MOST; n++)
            settle(&before[n], false);
        for (size_t n = 0; n < MOST; n++)
            ask(&w, BUSY, &after[n], a);
        for (size_t n = 0; n < MOST; n++) {
            turn_until(&w, after[n].done);
            if (!after[n].ticket.verdict.taken)
                fail_msg("%s of %zu", limit_kind_word(counted[i]), n);
        }
        assert_false(gets(&w, BUSY, &other, a));
        end(&w);
    }
}

/* The server hears of it while it still runs, not when it is over. */
static void a_call_that_runs_is_told_of(world *w, limit_kind kind, const char *word) {
    char who[32];
    one_call first, second, other;
    snprintf(who, sizeof who, "runs %s", word);
    const limit_ask a = a_limit(kind, who, 2);
    become_late(w, &first, a);
    assert_true(gets(w, LATE, &second, a)); /* at once: it is known to be late */
    come_back(w);
    if (gets(w, BUSY, &other, a)) fail_msg("a third one of %s", word);
    settle(&first, false);
    settle(&second, false);
    turn_until(w, (gets(w, BUSY, &other, a))); /* and it is given back once */
    assert_true(gets(w, BUSY, &first, a));
    assert_false(gets(w, BUSY, &second, a));
}

/* The server, which has heard of none, has room; the process has none, and the server gets back
 * what it has counted. */
static void another_loop_gets_no_more_meanwhile_of(world *w, limit_kind kind, const char *word) {
    char who[32];
    one_call first, second, other;
    snprintf(who, sizeof who, "meanwhile %s", word);
    const limit_ask a = a_limit(kind, who, 2);
    become_late(w, &first, a);
    assert_true(gets(w, LATE, &second, a));
    for (int i = 0; i < 3; i++)
        if (gets(w, BUSY, &other, a)) fail_msg("a third one of %s", word);
    assert_int_equal(other.ask.left, 0);
    come_back(w);
    settle(&first, false);
    turn_until(w, (gets(w, BUSY, &other, a)));
    assert_false(gets(w, BUSY, &first, a));
}

/* It was given before the server was told, and is read when it has been. */
static void an_answer_of_before_is_judged_too_of(world *w, limit_kind kind, const char *word) {
    char who[32];
    one_call first, second, other;
    snprintf(who, sizeof who, "before %s", word);
    const limit_ask a = a_limit(kind, who, 2);
    ask(w, BUSY, &other, a);
    assert_false(other.done);
    loop_turn(&w->loops[BUSY].l); /* it writes */
    w->rests = true;
    turn(w);
    become_late(w, &first, a);
    assert_true(gets(w, LATE, &second, a));
    come_back(w);
    w->rests = false;
    turn_until(w, other.done);
    if (other.ticket.verdict.taken) fail_msg("a third one of %s", word);
}

/* It is told, and has not heard it yet. */
static void what_is_told_is_not_heard_yet_of(world *w, limit_kind kind, const char *word) {
    char who[32];
    one_call first, second, other;
    snprintf(who, sizeof who, "unheard %s", word);
    const limit_ask a = a_limit(kind, who, 2);
    become_late(w, &first, a);
    assert_true(gets(w, LATE, &second, a));
    w->loops[LATE].way.stopped = false;
    pump(&w->loops[LATE].way);
    w->loops[LATE].way.stopped = true;
    turn_until(w, !metrics_total(w->metrics, METRIC_SHARED_AWAY));
    if (gets(w, BUSY, &other, a)) fail_msg("a third one of %s", word);
    come_back(w);
}

FOR_EACH_KIND(a_call_that_runs_is_told)
FOR_EACH_KIND(what_is_told_is_not_heard_yet)
FOR_EACH_KIND(another_loop_gets_no_more_meanwhile)
FOR_EACH_KIND(an_answer_of_before_is_judged_too)

/* The reserve was counted while the server was there, and what is not used of it comes back. */
static void what_comes_back_late_is_owed_of(world *w, limit_kind kind, const char *word) {
    char who[32];
    one_call first, second, other;
    snprintf(who, sizeof who, "owed %s", word);
    const limit_ask a = a_limit(kind, who, 2);
    assert_true(gets(w, LATE, &first, a) && gets(w, LATE, &second, a));
    become_late(w, &other, a_limit(LIMIT_REQUESTS, "another", 9));
    settle(&first, false);
    come_back(w);
    turn_until(w, (gets(w, BUSY, &first, a))); /* a place is given back by its lease alone */
    assert_false(gets(w, BUSY, &other, a));
}

static const limit_kind amounts[] = {LIMIT_REQUESTS, LIMIT_TOKENS, LIMIT_SPEND};

static void what_comes_back_late_is_owed(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
        world w;
        begin(&w);
        what_comes_back_late_is_owed_of(&w, amounts[i], limit_kind_word(amounts[i]));
        end(&w);
    }
}

/* Two clients' that leave before their answers, which come late: each has back its own. */
static void who_has_left_is_owed_his_own(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(amounts); i++) {
        world w;
        one_call calls[2], other;
        limit_ask asks[2];
        begin(&w);
        for (unsigned n = 0; n < 2; n++) {
            asks[n] = a_limit(amounts[i], n ? "left, too" : "left", 10);
            asks[n].amount = 4 + 4 * n;
            ask(&w, LATE, &calls[n], asks[n]);
        }
        w.loops[LATE].way.mute = true;
        for (unsigned n = 0; n < 2; n++)
            shared_cancel(&calls[n].ticket);
        ask(&w, LATE, &other, a_limit(LIMIT_REQUESTS, "another", 9));
        turn_until(&w, other.done);
        w.loops[LATE].way.mute = false;
        turn_until(&w, is_calm(&w));
        for (unsigned n = 0; n < 2; n++) {
            asks[n].amount = 10;
            if (!gets(&w, BUSY, &other, asks[n]))
                fail_msg("%s of %u", limit_kind_word(amounts[i]), n);
        }
        end(&w);
    }
}

static limit_spent known_of(const world *w, const limit_ask *a) {
    return limiter_spent(w->own, a, (limit_now){clock_mono_us(), clock_wall_us()});
}

static limit_ask a_budget(const char *who, int64_t most, int64_t amount) {
    limit_ask a = a_limit(LIMIT_SPEND, who, most);
    a.amount = amount;
    return a;
}

/* One has given back 99 of 100 when the other had asked, and its answer does not have that yet. */
static void what_came_back_meanwhile_counts_once(void **state) {
    (void)state;
    world w;
    one_call late, first, second;
    begin(&w);
    become_late(&w, &late, a_limit(LIMIT_REQUESTS, "another", 9));
    limit_ask a = a_budget("back", 1000, 100);
    assert_true(gets(&w, BUSY, &first, a));
    a.amount = 200;
    ask(&w, BUSY, &second, a);
    shared_settle(&first.ticket, &(limit_used){.asked = true, .nano = 1});
    turn_until(&w, second.done);
    assert_false(is_calm(&w));
    assert_int_equal(known_of(&w, &a).nano, 201);
    assert_int_equal(known_of(&w, &a).told, 201);
    end(&w);
}

/* The answer that comes late says that it was counted: it is not counted besides. settled: the call
 * was over by then. */
static void a_late_word_is_told(bool settled) {
    world w;
    one_call first, other;
    begin(&w);
    way *late = &w.loops[LATE].way;
    const limit_ask a = a_budget("late", 3, 1);
    late->mute = true;
    assert_true(gets(&w, LATE, &first, a));
    if (settled) settle(&first, true);
    late->stopped = true;
    late->mute = false;
    turn_until(&w, !metrics_total(w.metrics, METRIC_SHARED_AWAY));
    assert_int_equal(known_of(&w, &a).told, 1);
    assert_true(gets(&w, BUSY, &other, a) && gets(&w, BUSY, &other, a));
    assert_false(gets(&w, BUSY, &other, a));
    assert_false(is_calm(&w));
    end(&w);
}

static void a_late_word_is_told_of_a_call(void **state) {
    (void)state;
    a_late_word_is_told(false);
    a_late_word_is_told(true);
}

/* An error says nothing of what the server has heard. */
static void an_error_ends_no_doubt(void **state) {
    (void)state;
    world w;
    one_call first, other;
    begin(&w);
    way *late = &w.loops[LATE].way;
    const limit_ask a = a_limit(LIMIT_REQUESTS, "error", 1);
    become_late(&w, &first, a);
    late->stopped = false;
    late->refuses = true;
    turn_until(&w, !metrics_total(w.metrics, METRIC_SHARED_AWAY));
    for (int i = 0; i < 50; i++) /* ways there and back */
        turn(&w);
    assert_false(is_calm(&w));
    late->refuses = false;
    assert_true(gets(&w, LATE, &other, a_limit(LIMIT_REQUESTS, "another", 1)));
    assert_false(is_calm(&w));
    end(&w);
}

/* What the server has heard in the end is counted once, not as told besides. */
static void what_was_heard_late_is_not_told_again(void **state) {
    (void)state;
    world w;
    one_call first, other;
    begin(&w);
    const limit_ask a = a_limit(LIMIT_REQUESTS, "once", 3);
    become_late(&w, &first, a);
    come_back(&w);
    assert_true(gets(&w, BUSY, &other, a) && gets(&w, BUSY, &other, a));
    assert_false(gets(&w, BUSY, &other, a));
    settle(&first, true);
    end(&w);
}

/* Nobody is away, and nobody asks for more than one way round. */
static void nobody_doubts_a_server_that_answers(void **state) {
    (void)state;
    world w;
    one_call c;
    begin(&w);
    const limit_ask a = a_limit(LIMIT_REQUESTS, "calm", 5);
    for (unsigned i = 0; i < 5; i++)
        assert_true(gets(&w, i % LINKS, &c, a));
    assert_false(gets(&w, LATE, &c, a));
    assert_int_equal(limiter_season(w.own), 0);
    end(&w);
}

static void one_that_ends_doubts_no_more(void **state) {
    (void)state;
    world w;
    one_call c;
    begin(&w);
    become_late(&w, &c, a_limit(LIMIT_REQUESTS, "ends", 5));
    settle(&c, true);
    end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_ends_makes_room_for_who_asks_then),
        cmocka_unit_test(a_call_that_runs_is_told),
        cmocka_unit_test(another_loop_gets_no_more_meanwhile),
        cmocka_unit_test(what_is_told_is_not_heard_yet),
        cmocka_unit_test(an_answer_of_before_is_judged_too),
        cmocka_unit_test(what_was_heard_late_is_not_told_again),
        cmocka_unit_test(what_comes_back_late_is_owed),
        cmocka_unit_test(who_has_left_is_owed_his_own),
        cmocka_unit_test(what_came_back_meanwhile_counts_once),
        cmocka_unit_test(a_late_word_is_told_of_a_call),
        cmocka_unit_test(an_error_ends_no_doubt),
        cmocka_unit_test(nobody_doubts_a_server_that_answers),
        cmocka_unit_test(one_that_ends_doubts_no_more),
    };
    return cmocka_run_group_tests(tests, redis_server_set_up, redis_server_tear_down);
}
