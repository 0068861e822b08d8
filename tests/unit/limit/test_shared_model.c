/* Two loops' links to one server, in the orders in which things may happen to them: calls begin,
 * leave, give their place back and end; the server serves what has come, an answer is read, a link
 * is late, has no room for what it would send, loses its connection, or looks after what is owed;
 * what an earlier process has spent is read from the books, late, and once more.
 * The connection is played here (in place of redis/redis.c), and the server with it: two queues a
 * link.
 *
 * Of one weir never more is taken than the limit, whatever the order. In the end all that was not
 * used has come back, and the server and the process count the same. */
#include "unit.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "config/config.h"
#include "limit/shared.h"

#include <stdlib.h>

enum { LINKS = 2, CALLS = 4, LIMIT = 4, RESERVE = 2, BOOKS = 1, QUESTIONS = 48, ASKS = 2 };

/* ---- the server ---- */

typedef struct spec {
    limit_kind kind;
    bool sums; /* it is a limit's, not the one that counts weirs */
    int64_t most, amount;
    int64_t least_in, least; /* known to have been spent in that period */
} spec;

typedef struct question {
    char op[8], lease[64 * CALLS]; /* to settle, those of several */
    spec specs[ASKS];
    size_t count;
    bool tells; /* nobody waits */
} question;

typedef struct far {
    int64_t sum;
    bool heeds;                 /* what is known to have been spent: of books */
    char leases[CALLS + 1][64]; /* of calls at a time */
} far;

static far the_far;

static unsigned held(const far *f) {
    unsigned n = 0;
    for (size_t i = 0; i < ARRAY_LEN(f->leases); i++)
        n += f->leases[i][0] != 0;
    return n;
}

static void set_lease(far *f, const char *lease, bool there) {
    size_t at = ARRAY_LEN(f->leases);
    for (size_t i = 0; i < ARRAY_LEN(f->leases); i++)
        if (!strcmp(f->leases[i], lease)) at = i;
    for (size_t i = 0; i < ARRAY_LEN(f->leases) && at == ARRAY_LEN(f->leases); i++)
        if (!f->leases[i][0]) at = i;
    assert_true(at < ARRAY_LEN(f->leases));
    if (there)
        snprintf(f->leases[at], sizeof f->leases[at], "%s", lease);
    else if (!strcmp(f->leases[at], lease))
        f->leases[at][0] = 0;
}

/* Each of them. */
static void set_leases(far *f, const char *leases, bool there) {
    span rest = span_cstr(leases), one;
    while (rest.len && span_cut(&rest, ' ', &one)) {
        char lease[64];
        snprintf(lease, sizeof lease, "%.*s", SPAN_ARG(one));
        if (one.len) set_lease(f, lease, there);
    }
}

static bool is_full(const far *f, const spec *s) {
    if (s->kind == LIMIT_PARALLEL) return held(f) >= s->most;
    return f->sum >= s->most || f->sum + s->amount > s->most;
}

/* As limit/shared.lua would, without the time. */
static void serve(far *f, const question *q, buf *out) {
    const int64_t wall_us = clock_wall_us(), today = wall_us / 86400000000;
    const bool take = !strcmp(q->op, "take");
    bool taken = true;
    if (!q->specs[0].sums) {
        buf_add_cstr(out, "$7\r\n1 1 1 7\r\n");
        return;
    }
    for (size_t i = 0; i < q->count && f->heeds; i++)
        if (q->specs[i].least_in == today && q->specs[i].least > f->sum) f->sum = q->specs[i].least;
    for (size_t i = 0; i < q->count && take; i++)
        taken &= !is_full(f, &q->specs[i]);
    for (size_t i = 0; i < q->count && taken; i++) {
        const spec *s = &q->specs[i];
        if (s->kind == LIMIT_PARALLEL)
            set_leases(f, q->lease, s->amount > 0);
        else
            f->sum = f->sum + s->amount > 0 ? f->sum + s->amount : 0;
    }
    if (!take) {
        buf_add_cstr(out, ":1\r\n");
        return;
    }
    buf text = BUF_EMPTY;
    buf_addf(&text, "%d %lld", taken, (long long)wall_us);
    for (size_t i = 0; i < q->count; i++)
        if (q->specs[i].kind == LIMIT_PARALLEL)
            buf_addf(&text, " %u 0", held(f));
        else
            buf_addf(&text, " %lld %lld", (long long)today, (long long)f->sum);
    buf_addf(out, "$%zu\r\n%.*s\r\n", text.len, SPAN_ARG(buf_span(&text)));
    buf_done(&text);
}

static void read_spec(span text, spec *ret) {
    long long n[8] = {0};
    char copy[256];
    snprintf(copy, sizeof copy, "%.*s", SPAN_ARG(text));
    (void)sscanf(copy + 1, "%lld %lld %lld %lld %lld %lld %lld", &n[0], &n[1], &n[2], &n[3], &n[4],
                 &n[5], &n[6]);
    if (copy[0] == 's')
        *ret = (spec){LIMIT_SPEND, true, n[1], n[3] * n[4], n[5], n[6]};
    else
        *ret = (spec){LIMIT_PARALLEL, n[1] > 0, n[1], n[2], 0, 0};
}

/* ---- the connection ---- */

struct redis {
    const redis_ops *ops;
    void *user;
    enum { READY, LATE, AWAY } state;
    bool full; /* it does not take what is to be sent */
    question sent[QUESTIONS];
    buf answers[QUESTIONS];
    size_t asked, served, answered;
    list waits, listeners;
};

static redis *connections[LINKS];

redis *redis_new(loop *l, const config_redis *to, tls_context *tls, const redis_ops *ops,
                 void *user) {
    (void)to;
    (void)tls;
    redis *r = calloc(1, sizeof *r);
    r->ops = ops;
    r->user = user;
    list_init(&r->waits);
    list_init(&r->listeners);
    connections[l->index] = r;
    return r;
}

static void forget_questions(redis *r) {
    for (size_t i = 0; i < r->asked; i++)
        buf_done(&r->answers[i]);
    r->asked = r->served = r->answered = 0;
}

void redis_free(redis *r) {
    forget_questions(r);
    free(r);
}

bool redis_is_ready(const redis *r) {
    return r->state == READY;
}

static void copy_to(char *to, size_t size, span from) {
    snprintf(to, size, "%.*s", SPAN_ARG(from));
}

static bool put(redis *r, const span *args, size_t count, bool tells) {
    if (r->state != READY || r->full) return false;
    question *q = &r->sent[r->asked];
    const size_t n = (count - 6) / 2;
    assert_true(r->asked < QUESTIONS && n >= 1 && n <= ASKS);
    copy_to(q->op, sizeof q->op, args[3 + n]);
    copy_to(q->lease, sizeof q->lease, args[4 + n]);
    for (size_t i = 0; i < n; i++)
        read_spec(args[6 + n + i], &q->specs[i]);
    q->count = n;
    q->tells = tells;
    r->answers[r->asked++] = BUF_EMPTY;
    return true;
}

bool redis_tell(redis *r, const span *args, size_t count) {
    return put(r, args, count, true);
}

bool redis_ask(redis *r, redis_wait *w, redis_done_fn *done, const span *args, size_t count) {
    if (!put(r, args, count, false)) return false;
    w->done = done;
    w->number = r->asked;
    list_push_back(&r->waits, &w->link);
    return true;
}

void redis_wait_init(redis_wait *w) {
    *w = (redis_wait){0};
    list_init(&w->link);
}

bool redis_wait_runs(const redis_wait *w) {
    return !list_empty(&w->link);
}

void redis_wait_cancel(redis_wait *w) {
    list_remove(&w->link);
}

void redis_wait_move(redis_wait *from, redis_wait *to, redis_done_fn *done) {
    *to = (redis_wait){.done = done, .number = from->number};
    list_push_back(&from->link, &to->link);
    list_remove(&from->link);
}

bool redis_listen(redis *r, redis_wait *w) {
    if (r->state != LATE) return false;
    list_push_back(&r->listeners, &w->link);
    return true;
}

void redis_script_sha(span script, char out[REDIS_SHA_LEN + 1]) {
    (void)script;
    memset(out, 'a', REDIS_SHA_LEN);
    out[REDIS_SHA_LEN] = 0;
}

static void let_go(list *waits) {
    list gone;
    list_init(&gone);
    for (list *link; (link = list_pop_front(waits));)
        list_push_back(&gone, link);
    for (list *link; (link = list_pop_front(&gone));) {
        redis_wait *w = LIST_ENTRY(link, redis_wait, link);
        w->done(w, NULL);
    }
}

static void hand_over(list *waits, uint64_t number, const redis_reply *reply) {
    redis_wait *w = list_empty(waits) ? NULL : LIST_ENTRY(waits->next, redis_wait, link);
    if (!w || w->number != number) return;
    list_remove(&w->link);
    w->done(w, reply);
}

/* ---- what may happen ---- */

typedef enum event {
    BEGIN,
    LEAVE,
    GIVE,
    END,
    SERVE,
    READ,
    BE_LATE,
    FILL,
    CUT,
    BACK,
    BEAT,
    LOOK_UP, /* the books */
    TURN,    /* ends: what calls that have ended gave back is told */
    EVENTS
} event;

typedef struct step {
    event event;
    unsigned of; /* a call, or a link */
} step;

typedef struct one_call {
    enum { FRESH, ASKING, RUNS, PLACELESS, OVER } state;
    shared_ticket ticket;
    limit_ask asks[ASKS];
} one_call;

typedef struct sort {
    const char *name;
    limit_kind kind;
    unsigned calls;
    bool both;                /* money, and a place that is given back before the end */
    unsigned late, full, cut; /* how often */
    unsigned books;           /* are looked up */
    bool leaves;
    bool plain; /* weirs have been counted, and nobody looks after it again before the end */
} sort;

typedef struct model {
    const sort *sort;
    limiter *own;
    shared_limits *shared;
    loop loops[LINKS];
    shared_link *links[LINKS];
    one_call calls[CALLS];
    unsigned late, full, cut, books;
    unsigned beats[LINKS];
    bool ended[LINKS]; /* a call, in this turn */
    bool lost;         /* a connection ended with something on its way */
    int64_t used;
    const step *steps;
    size_t count;
} model;

static const config *the_config;

static void fail_at(const model *m, const char *why) {
    static const char *const words[EVENTS] = {"begin", "leave", "give", "end", "serve",
                                              "read",  "late",  "fill", "cut", "back",
                                              "beat",  "books", "turn"};
    buf text = BUF_EMPTY;
    for (size_t i = 0; i < m->count; i++)
        buf_addf(&text, " %s %u", words[m->steps[i].event], m->steps[i].of);
    fail_msg("%s: %s, after%s", m->sort->name, why, buf_cstr(&text));
}

static unsigned link_of(unsigned call) {
    return call % LINKS;
}

static void go(model *m, step s);

/* Beside places there is money for all. */
static limit_ask ask_of(const sort *s, limit_kind kind) {
    const bool money = kind == LIMIT_SPEND;
    const int64_t most = s->both ? RESERVE * CALLS : LIMIT;
    return (limit_ask){.kind = kind,
                       .subject = 1,
                       .who = SPAN_OF("who"),
                       .quota = {money ? most : LIMIT / RESERVE, money ? PERIOD_DAY : 0},
                       .amount = money ? RESERVE : 1};
}

static void model_init(model *m, const sort *s) {
    buf why = BUF_EMPTY;
    *m = (model){.sort = s, .own = limiter_new()};
    m->shared = shared_limits_new((config *)the_config, m->own, &why);
    the_far = (far){0};
    for (unsigned i = 0; i < LINKS; i++) {
        timers_init(&m->loops[i].timers, 0);
        m->loops[i].index = i;
        list_init(&m->loops[i].hooks);
        m->links[i] = shared_link_new(m->shared, &m->loops[i], NULL, NULL);
        redis *r = connections[i];
        r->ops->on_ready(r->user);
        while (s->plain && r->answered < r->asked) {
            go(m, (step){SERVE, i});
            go(m, (step){READ, i});
        }
        m->beats[i] = !s->plain;
    }
    for (unsigned i = 0; i < s->calls; i++) {
        m->calls[i].asks[0] = ask_of(s, s->kind);
        m->calls[i].asks[1] = ask_of(s, LIMIT_PARALLEL);
    }
}

static void model_done(model *m) {
    for (unsigned i = 0; i < LINKS; i++) {
        let_go(&connections[i]->listeners);
        let_go(&connections[i]->waits);
        shared_link_free(m->links[i]);
    }
    shared_limits_free(m->shared);
    limiter_free(m->own);
}

static void check_kind(const model *m, limit_kind kind, int64_t taken, int64_t there) {
    if (taken > ask_of(m->sort, kind).quota.amount && !m->lost) fail_at(m, "more than the limit");
    if (limiter_season(m->own) % 2 == 0 && there < taken && !m->lost)
        fail_at(m, "nobody doubts, and the server lacks something");
}

/* What calls hold and have used is no more than there is; the server has all of it, or is doubted.
 */
static void check(const model *m) {
    int64_t places = 0, money = m->used;
    for (unsigned i = 0; i < m->sort->calls; i++) {
        places += m->calls[i].state == RUNS;
        if (m->calls[i].state == RUNS || m->calls[i].state == PLACELESS) money += RESERVE;
    }
    if (m->sort->kind == LIMIT_SPEND) check_kind(m, LIMIT_SPEND, money, the_far.sum);
    if (m->sort->kind == LIMIT_PARALLEL || m->sort->both)
        check_kind(m, LIMIT_PARALLEL, places, held(&the_far));
}

static void told(one_call *c) {
    c->state = c->ticket.verdict.taken ? RUNS : OVER;
}

static void on_done(shared_ticket *t) {
    told(CONTAINER_OF(t, one_call, ticket));
}

static void read_answer(redis *r) {
    redis_reader *reader = redis_reader_new();
    bool bad = false;
    assert_true(redis_reader_feed(reader, buf_span(&r->answers[r->answered])));
    const redis_reply *reply = redis_reader_next(reader, &bad);
    assert_non_null(reply);
    r->answered++;
    hand_over(&r->listeners, r->answered, reply);
    hand_over(&r->waits, r->answered, reply);
    redis_reader_free(reader);
    if (r->state != LATE || r->answered < r->asked) return;
    r->state = READY;
    r->ops->on_ready(r->user);
}

/* What is used of a reserve: all, or nothing, in turns. */
static limit_used used_of(const model *m, unsigned call) {
    if (m->sort->kind != LIMIT_SPEND) return (limit_used){.asked = true};
    return (limit_used){.asked = true, .nano = call % 2 ? RESERVE : 1};
}

static void cut(model *m, redis *r) {
    for (size_t i = r->answered; i < r->asked; i++)
        m->lost |= r->sent[i].specs[0].sums;
    const bool was_ready = r->state == READY;
    forget_questions(r);
    r->state = AWAY;
    r->full = false;
    if (was_ready) r->ops->on_away(r->user, "cut");
    let_go(&r->listeners);
    let_go(&r->waits);
}

static void go(model *m, step s) {
    one_call *c = &m->calls[s.of];
    redis *r = connections[s.of % LINKS];
    switch (s.event) {
    case BEGIN:
        c->state = ASKING;
        if (shared_take(m->links[link_of(s.of)], &c->ticket, c->asks, 1 + m->sort->both, on_done))
            told(c);
        break;
    case LEAVE:
        shared_cancel(&c->ticket);
        c->state = OVER;
        break;
    case GIVE:
        c->state = PLACELESS;
        m->ended[link_of(s.of)] = true;
        shared_leave(&c->ticket);
        break;
    case END: {
        const limit_used used = used_of(m, s.of);
        c->state = OVER;
        if (m->sort->kind == LIMIT_PARALLEL)
            m->ended[link_of(s.of)] = true; /* money is told at once */
        m->used += used.nano;
        shared_settle(&c->ticket, &used);
        break;
    }
    case SERVE:
        serve(&the_far, &r->sent[r->served], &r->answers[r->served]);
        r->served++;
        r->full = false;
        if (m->sort->plain && r->sent[r->served - 1].tells && r->answered == r->served - 1)
            read_answer(r); /* nobody waits for it: sooner or later is the same */
        break;
    case READ: read_answer(r); break;
    case BE_LATE:
        m->late++;
        r->state = LATE;
        r->ops->on_away(r->user, "late");
        let_go(&r->waits);
        break;
    case FILL:
        m->full++;
        r->full = true;
        break;
    case CUT:
        m->cut++;
        cut(m, r);
        break;
    case BACK:
        r->state = READY;
        r->ops->on_ready(r->user);
        m->beats[s.of] = 1;
        break;
    case BEAT: {
        loop *l = &m->loops[s.of];
        m->beats[s.of]--;
        l->now_ms += SHARED_BEAT_MS + 2;
        timers_advance(&l->timers, l->now_ms);
        break;
    }
    case LOOK_UP: {
        const limit_ask a = ask_of(m->sort, LIMIT_SPEND);
        m->books++;
        the_far.heeds = true;
        limiter_raise_spend(m->own, a.scope, a.subject, a.quota.per, BOOKS + m->used,
                            (limit_now){clock_mono_us(), clock_wall_us()});
        break;
    }
    case TURN:
        m->ended[s.of] = false;
        loop_run_hooks(&m->loops[s.of], true);
        break;
    default: break;
    }
    check(m);
}

static bool may(const model *m, step s) {
    const one_call *c = &m->calls[s.of % CALLS];
    const redis *r = connections[s.of % LINKS];
    const sort *of = m->sort;
    switch (s.event) {
    case BEGIN:
        for (unsigned i = 0; i < s.of; i++) /* in their order: they are alike */
            if (i % LINKS == s.of % LINKS && m->calls[i].state == FRESH) return false;
        return s.of < of->calls && c->state == FRESH;
    case LEAVE: return s.of < of->calls && of->leaves && c->state == ASKING;
    case GIVE: return s.of < of->calls && of->both && c->state == RUNS;
    case END: return s.of < of->calls && (c->state == RUNS || c->state == PLACELESS);
    case SERVE: return s.of < LINKS && r->served < r->asked;
    case READ: return s.of < LINKS && r->answered < r->served;
    case BE_LATE:
        return s.of < (of->plain ? 1 : LINKS) && r->state == READY && !list_empty(&r->waits) &&
               m->late < of->late;
    case FILL:
        return s.of < LINKS && r->state == READY && !r->full && r->served < r->asked &&
               m->full < of->full;
    case CUT: return s.of < LINKS && r->state != AWAY && m->cut < of->cut;
    case BACK: return s.of < LINKS && r->state == AWAY;
    case BEAT: return s.of < LINKS && m->beats[s.of] > 0;
    case LOOK_UP: return !s.of && m->books < of->books;
    case TURN: return s.of < LINKS && m->ended[s.of];
    default: return false;
    }
}

/* ---- the end ---- */

static bool is_at_rest(const model *m) {
    for (unsigned i = 0; i < LINKS; i++)
        if (connections[i]->state != READY || connections[i]->answered < connections[i]->asked)
            return false;
    return limiter_season(m->own) % 2 == 0;
}

static void end_all(model *m) {
    for (unsigned i = 0; i < m->sort->calls; i++)
        if (m->calls[i].state == RUNS || m->calls[i].state == PLACELESS) go(m, (step){END, i});
}

/* Whoever runs ends, all is served and read, and each link looks after what it owes. */
static void come_to_rest(model *m) {
    end_all(m);
    for (int round = 0; !round || (round < 4 && !is_at_rest(m)); round++) {
        for (unsigned i = 0; i < LINKS; i++) {
            redis *r = connections[i];
            if (r->state == AWAY) go(m, (step){BACK, i});
            if (round) m->beats[i] = 1;
            if (round) go(m, (step){BEAT, i});
            go(m, (step){TURN, i});
            while (r->answered < r->asked) {
                while (r->served < r->asked)
                    go(m, (step){SERVE, i});
                if (r->answered < r->asked) go(m, (step){READ, i});
            }
        }
        end_all(m);
    }
}

static void check_end(model *m) {
    const limit_now now = {clock_mono_us(), clock_wall_us()};
    come_to_rest(m);
    if (!m->late && !m->full && !m->cut && held(&the_far)) fail_at(m, "a place was not given back");
    memset(the_far.leases, 0, sizeof the_far.leases); /* what could not be given back runs out */
    for (unsigned i = 0; i < LINKS; i++)
        go(m, (step){BEAT, i});
    come_to_rest(m);
    if (limiter_season(m->own) % 2) fail_at(m, "doubts for ever");
    if (held(&the_far)) fail_at(m, "the server has places that nobody holds");
    limit_ask places = ask_of(m->sort, LIMIT_PARALLEL);
    places.amount = places.quota.amount;
    places.quota.amount++;
    if (!limiter_take(m->own, &places, 1, now).taken) fail_at(m, "a place is held here");
    if (m->sort->kind != LIMIT_SPEND) return;
    const limit_ask look = m->calls[0].asks[0];
    const int64_t books = m->books ? BOOKS : 0;
    const int64_t most = books && !m->sort->plain ? INT64_MAX : m->used + books;
    if (m->lost ? the_far.sum < 0 : the_far.sum < m->used || the_far.sum > most) {
        char text[64];
        snprintf(text, sizeof text, "the server counts %lld, and %lld were used",
                 (long long)the_far.sum, (long long)m->used);
        fail_at(m, text);
    }
    const limit_spent known = limiter_spent(m->own, &look, now);
    if (!m->lost && known.nano != known.told) fail_at(m, "something was never told");
    if (known.nano < m->used + books) fail_at(m, "the process counts less than was used");
}

/* ---- at random, and each order of fewer ---- */

enum { STEPS = 200 };

static size_t open_to(const model *m, step ret[EVENTS * CALLS]) {
    size_t n = 0;
    for (unsigned e = 0; e < EVENTS; e++)
        for (unsigned of = 0; of < CALLS; of++)
            if (may(m, (step){e, of})) ret[n++] = (step){e, of};
    return n;
}

static bool pick(const model *m, rng *r, step *ret) {
    step open[EVENTS * CALLS];
    const size_t n = open_to(m, open);
    if (n) *ret = open[rng_u64(r) % n];
    return n > 0;
}

static void walk(const sort *s, rng *r) {
    model m;
    step steps[STEPS];
    model_init(&m, s);
    m.steps = steps;
    while (m.count < STEPS && pick(&m, r, &steps[m.count])) {
        m.count++;
        go(&m, steps[m.count - 1]);
    }
    check_end(&m);
    model_done(&m);
}

static const sort sorts[] = {
    {"money, late", LIMIT_SPEND, 4, .late = 2, .leaves = true},
    {"money, full", LIMIT_SPEND, 4, .late = 1, .full = 2, .leaves = true},
    {"money, cut", LIMIT_SPEND, 4, .late = 1, .cut = 1, .leaves = true},
    {"places, late", LIMIT_PARALLEL, 4, .late = 2, .leaves = true},
    {"places, full", LIMIT_PARALLEL, 4, .late = 1, .full = 2, .leaves = true},
    {"both, late", LIMIT_SPEND, 4, .both = true, .late = 2, .leaves = true},
    {"both, full", LIMIT_SPEND, 4, .both = true, .late = 1, .full = 2, .leaves = true},
    {"both, cut", LIMIT_SPEND, 4, .both = true, .late = 1, .cut = 1, .leaves = true},
    {"books, late", LIMIT_SPEND, 4, .late = 2, .books = 2, .leaves = true},
    {"books, full", LIMIT_SPEND, 4, .late = 1, .full = 2, .books = 2, .leaves = true},
    {"books, cut", LIMIT_SPEND, 4, .late = 1, .cut = 1, .books = 2, .leaves = true},
};

static void orders_at_random(void **state) {
    (void)state;
    rng r;
    rng_seed(&r, 14);
    for (size_t i = 0; i < ARRAY_LEN(sorts); i++)
        for (unsigned n = 0; n < 5000; n++)
            walk(&sorts[i], &r);
}

static const sort plain_sorts[] = {
    {"money, one", LIMIT_SPEND, 1, .late = 1, .full = 1, .leaves = true, .plain = true},
    {"money, two", LIMIT_SPEND, 2, .late = 1, .plain = true},
    {"books, one", LIMIT_SPEND, 1, .late = 1, .full = 1, .books = 2, .leaves = true, .plain = true},
    {"places, one", LIMIT_PARALLEL, 1, .late = 1, .full = 1, .leaves = true, .plain = true},
    {"both, one", LIMIT_SPEND, 1, .both = true, .late = 1, .full = 1, .leaves = true,
     .plain = true},
};

/* Plays one to its end, by these choices and then the first there is; then the next choices.
 * false: there are no others. */
static bool play_next(const sort *s, unsigned choices[STEPS]) {
    step open[EVENTS * CALLS], steps[STEPS];
    size_t counts[STEPS], n;
    model m;
    model_init(&m, s);
    m.steps = steps;
    while ((n = open_to(&m, open))) {
        assert_true(m.count < STEPS);
        steps[m.count] = open[choices[m.count]];
        counts[m.count++] = n;
        go(&m, steps[m.count - 1]);
    }
    const size_t count = m.count;
    check_end(&m);
    model_done(&m);
    for (size_t i = count; i-- > 0; choices[i] = 0)
        if (++choices[i] < counts[i]) return true;
    return false;
}

static void every_order_of_few(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plain_sorts); i++) {
        unsigned choices[STEPS] = {0};
        unsigned long orders = 1;
        while (play_next(&plain_sorts[i], choices))
            orders++;
        print_message("%s: %lu orders\n", plain_sorts[i].name, orders);
        assert_true(orders > 100);
    }
}

static int start(void **state) {
    (void)state;
    config_problems problems = {0};
    the_config = config_parse(
        SPAN_OF("providers: {a: {kind: simulator}}\nshared: {url: \"unix:/nowhere\"}\n"), "test",
        &problems);
    config_problems_done(&problems);
    return the_config ? 0 : -1;
}

static int stop(void **state) {
    (void)state;
    config_unref((config *)the_config);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_order_of_few),
                                       cmocka_unit_test(orders_at_random)};
    return cmocka_run_group_tests(tests, start, stop);
}
