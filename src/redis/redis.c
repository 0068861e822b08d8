#include "redis/redis.h"

#include "base/digits.h"
#include "base/mem.h"
#include "http/resolve.h"
#include "http/transport.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    NAME_TTL_MS = 30 * 1000,
    CONNECT_MS = 2000, /* the handshake included */
    LATE_MS = 2000,    /* so long a late one is waited for before it is connected to anew */
    AGAIN_MIN_MS = 100,
    AGAIN_MAX_MS = 5000,
    /* What may wait for a server that does not read; beyond it is late. */
    UNSENT_BYTES = 4 * 1024 * 1024,
    WHY_MAX = 200,
    GREETING_BYTES = 256, /* beside user and password */
};

typedef enum redis_state {
    STATE_RESOLVING,
    STATE_CONNECTING,
    STATE_GREETING,
    STATE_READY,
    STATE_LATE,
    STATE_AWAY,
} redis_state;

struct redis {
    loop *loop;
    const config_redis *config;
    tls_context *tls;
    const redis_ops *ops;
    void *user;
    redis_state state;
    resolver *names; /* NULL: a Unix socket */
    resolve_wait resolving;
    transport *t;             /* NULL: there is none */
    redis_reader *reader;     /* likewise */
    buf greeting;             /* with the password: wiped when it is sent */
    span greeting_bytes;      /* all of it */
    buf early;                /* asked before the handshake was over */
    uint64_t asked, answered; /* on this connection: numbers of questions, from 1 on */
    uint64_t greeted;         /* the last question of the handshake */
    list waits;               /* in the order of their numbers */
    list listeners;           /* likewise: who has been told that there is no answer in time */
    timer due;                /* of the first that waits, or sooner */
    uint64_t due_seen;        /* of whom it is over; what has come meanwhile may still be unread */
    timer step;               /* ends the state */
    unsigned failures;        /* in a row */
    bool told_away;
    bool was_ready;
};

/* ---- what is written ---- */

static char *put_end(char *at) {
    memcpy(at, "\r\n", 2);
    return at + 2;
}

static char *put_count(char *at, char kind, size_t count) {
    char digits[DIGITS_MAX];
    const unsigned n = digits_u64(digits, count);
    *at++ = kind;
    memcpy(at, digits + n, DIGITS_MAX - n);
    return put_end(at + (DIGITS_MAX - n));
}

void redis_write(buf *out, const span *args, size_t count) {
    enum { COUNT_MOST = 1 + DIGITS_MAX + 2 };
    size_t most = COUNT_MOST;
    for (size_t i = 0; i < count; i++)
        most += COUNT_MOST + args[i].len + 2;
    char *const begin = buf_reserve(out, most), *at = put_count(begin, '*', count);
    for (size_t i = 0; i < count; i++) {
        at = put_count(at, '$', args[i].len);
        if (args[i].len) memcpy(at, args[i].ptr, args[i].len);
        at = put_end(at + args[i].len);
    }
    buf_grow(out, (size_t)(at - begin));
}

void redis_script_sha(span script, char out[REDIS_SHA_LEN + 1]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!EVP_Digest(script.ptr, script.len, digest, &len, EVP_sha1(), NULL)) len = 0;
    for (size_t i = 0; i < REDIS_SHA_LEN / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", i < len ? digest[i] : 0);
}

/* ---- who waits ---- */

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
    *to = (redis_wait){.done = done, .number = from->number, .due_ms = from->due_ms};
    list_push_back(&from->link, &to->link);
    list_remove(&from->link);
}

static redis_wait *first(const list *l) {
    return list_empty(l) ? NULL : LIST_ENTRY(l->next, redis_wait, link);
}

/* Whoever waits goes on without an answer. */
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

bool redis_listen(redis *r, redis_wait *w) {
    if (r->state != STATE_LATE) return false;
    list_push_back(&r->listeners, &w->link);
    return true;
}

static void hand_over(list *waits, uint64_t number, const redis_reply *reply) {
    redis_wait *w = first(waits);
    if (!w || w->number != number) return;
    list_remove(&w->link);
    w->done(w, reply);
}

/* ---- the state ---- */

static void tell_away(redis *r, const char *why) {
    if (r->told_away) return;
    r->told_away = true;
    r->ops->on_away(r->user, why);
}

static int64_t again_ms(redis *r) {
    const unsigned doublings = r->failures < 6 ? r->failures : 6;
    int64_t wait = (int64_t)AGAIN_MIN_MS << doublings;
    if (wait > AGAIN_MAX_MS) wait = AGAIN_MAX_MS;
    return (int64_t)((double)wait * (0.75 + rng_unit(&r->loop->rng) / 2));
}

static void wipe_greeting(redis *r) {
    if (r->greeting.ptr) mem_wipe(r->greeting.ptr, r->greeting.cap);
    buf_done(&r->greeting);
}

static void drop_connection(redis *r) {
    resolve_wait_cancel(&r->resolving);
    if (r->t) transport_close(r->t);
    r->t = NULL;
    redis_reader_free(r->reader);
    r->reader = NULL;
    buf_done(&r->early);
    wipe_greeting(r);
    r->asked = r->answered = r->greeted = 0;
    r->due_seen = 0;
    loop_timer_stop(r->loop, &r->due);
}

static void enter_away(redis *r, const char *why) {
    char text[WHY_MAX]; /* what it lies in may go with the connection */
    (void)snprintf(text, sizeof text, "%s", why);
    drop_connection(r);
    r->state = STATE_AWAY;
    loop_timer_start(r->loop, &r->step, again_ms(r));
    r->failures++;
    tell_away(r, text);
    let_go(&r->listeners);
    let_go(&r->waits);
}

static void enter_away_refused(redis *r, const redis_reply *reply) {
    buf text = BUF_EMPTY;
    buf_add_excerpt(&text, redis_reply_text(reply), WHY_MAX - 1);
    enter_away(r, buf_cstr(&text));
    buf_done(&text);
}

static void enter_ready(redis *r) {
    r->state = STATE_READY;
    loop_timer_stop(r->loop, &r->step);
    if (r->was_ready && !r->told_away) return;
    r->was_ready = true;
    r->told_away = false;
    r->ops->on_ready(r->user);
}

/* What was not sent yet never is. */
static void enter_late(redis *r) {
    if (r->state == STATE_READY) {
        r->state = STATE_LATE;
        loop_timer_start(r->loop, &r->step, LATE_MS);
    } else {
        buf_done(&r->early);
        r->asked = r->greeted;
    }
    char text[WHY_MAX];
    (void)snprintf(text, sizeof text, "no answer within %lld ms", (long long)r->config->timeout_ms);
    tell_away(r, text);
    let_go(&r->waits);
}

/* ---- answers ---- */

/* The server as a whole cannot be used, whatever it is asked. */
static bool is_out_of_order(const redis *r, const redis_reply *reply) {
    static const span words[] = {SPAN("LOADING "),     SPAN("MASTERDOWN "), SPAN("NOAUTH "),
                                 SPAN("CLUSTERDOWN "), SPAN("BUSY "),       SPAN("NOPERM "),
                                 SPAN("TRYAGAIN "),    SPAN("UNKILLABLE ")};
    static const span unwritable[] = {SPAN("READONLY "), SPAN("MISCONF "), SPAN("NOREPLICAS "),
                                      SPAN("OOM ")};
    if (redis_reply_kind(reply) != REDIS_REFUSED) return false;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (redis_reply_refuses(reply, words[i])) return true;
    for (size_t i = 0; i < ARRAY_LEN(unwritable) && !r->ops->reads_will_do; i++)
        if (redis_reply_refuses(reply, unwritable[i])) return true;
    return false;
}

static void send_early(redis *r) {
    if (r->early.len) transport_write(r->t, buf_span(&r->early));
    buf_done(&r->early);
}

static void take_greeting(redis *r, const redis_reply *reply) {
    if (redis_reply_kind(reply) == REDIS_REFUSED) {
        enter_away_refused(r, reply);
        return;
    }
    if (r->answered < r->greeted) return;
    send_early(r);
    enter_ready(r);
}

static void take_answer(redis *r, const redis_reply *reply) {
    r->answered++;
    if (r->state == STATE_GREETING) {
        take_greeting(r, reply);
        return;
    }
    if (is_out_of_order(r, reply)) {
        enter_away_refused(r, reply);
        return;
    }
    const uint64_t number = r->answered;
    if (redis_reply_kind(reply) != REDIS_REFUSED) r->failures = 0;
    hand_over(&r->listeners, number, reply);
    hand_over(&r->waits, number, reply);
    if (r->state == STATE_LATE && r->answered == r->asked) enter_ready(r);
}

static void on_data(void *user, span bytes) {
    redis *r = user;
    const transport *t = r->t;
    bool bad = !redis_reader_feed(r->reader, bytes);
    while (!bad) {
        const redis_reply *reply = redis_reader_next(r->reader, &bad);
        if (!reply) break;
        if (r->answered == r->asked) bad = true; /* nobody has asked for that */
        if (bad) break;
        take_answer(r, reply);
        if (r->t != t) return;
    }
    if (bad) enter_away(r, "what it answers is no Redis's protocol");
}

/* ---- the way to it ---- */

static void ask_greeting(redis *r, const span *args, size_t count) {
    redis_write(&r->greeting, args, count);
    r->greeted = ++r->asked;
}

/* Questions that wait already come after the greeting's: they are numbered anew. */
static void on_open(void *user) {
    redis *r = user;
    const config_redis *c = r->config;
    char database[16];
    const uint64_t waiting = r->asked;
    r->state = STATE_GREETING;
    r->asked = 0;
    /* At once, so that no copy stays behind in freed memory. */
    (void)buf_reserve(&r->greeting, GREETING_BYTES + c->user.len +
                                        (c->password ? secret_reveal(c->password).len : 0));
    if (c->password && c->user.len)
        ask_greeting(r, (span[]){SPAN_OF("AUTH"), c->user, secret_reveal(c->password)}, 3);
    else if (c->password)
        ask_greeting(r, (span[]){SPAN_OF("AUTH"), secret_reveal(c->password)}, 2);
    if (c->database) {
        (void)snprintf(database, sizeof database, "%u", c->database);
        ask_greeting(r, (span[]){SPAN_OF("SELECT"), span_cstr(database)}, 2);
    }
    if (r->ops->reads_will_do)
        ask_greeting(r, (span[]){SPAN_OF("PING")}, 1);
    else
        ask_greeting(r,
                     (span[]){SPAN_OF("SET"), SPAN_OF("{weir}:here"), SPAN_OF("1"), SPAN_OF("EX"),
                              SPAN_OF("60")},
                     5);
    r->greeting_bytes = buf_span(&r->greeting);
    transport_lend(r->t, &r->greeting_bytes, 1);
    LIST_FOREACH(&r->waits, it) LIST_ENTRY(it, redis_wait, link)->number += r->greeted;
    r->asked = r->greeted + waiting;
}

static void on_fail(void *user, transport_fail why, const char *text) {
    (void)why;
    enter_away(user, text);
}

static void on_sent(void *user) {
    wipe_greeting(user);
}

static const transport_ops transport_callbacks = {
    .on_open = on_open, .on_data = on_data, .on_sent = on_sent, .on_fail = on_fail};

static void connect_socket(redis *r) {
    const config_redis *c = r->config;
    transport_target target = {.unix_path = c->unix_path};
    if (r->names) target.addresses = resolver_addresses(r->names, &target.address_count);
    target.tls = (transport_tls){.context = r->tls, .name = c->host, .port = c->port};
    r->state = STATE_CONNECTING;
    r->reader = redis_reader_new();
    r->t = transport_connect(r->loop, &target, &transport_callbacks, r);
    transport_set_first(r->t); /* a place is given back before its client can ask elsewhere */
}

static void on_resolved(resolve_wait *w) {
    redis *r = CONTAINER_OF(w, redis, resolving);
    size_t count;
    (void)resolver_addresses(r->names, &count);
    if (count)
        connect_socket(r);
    else
        enter_away(r, resolver_why(r->names));
}

static void begin(redis *r) {
    r->state = STATE_RESOLVING;
    loop_timer_start(r->loop, &r->step, CONNECT_MS);
    if (!r->names || resolver_get(r->names, &r->resolving)) connect_socket(r);
}

static void on_step(timer *t) {
    redis *r = CONTAINER_OF(t, redis, step);
    switch (r->state) {
    case STATE_AWAY: begin(r); break;
    case STATE_LATE: enter_away(r, "it does not answer"); break;
    default: enter_away(r, "it could not be connected to within 2 s"); break;
    }
}

/* ---- deadlines ---- */

/* A loop that stood still itself may find the answers only after its timers: it reads once more. */
static void on_due(timer *t) {
    redis *r = CONTAINER_OF(t, redis, due);
    const redis_wait *w = first(&r->waits);
    if (!w) return;
    if (w->due_ms > r->loop->now_ms) {
        loop_timer_start(r->loop, t, w->due_ms - r->loop->now_ms);
    } else if (r->due_seen != w->number) {
        r->due_seen = w->number;
        loop_timer_start(r->loop, t, 1); /* 0 could be now */
    } else {
        enter_late(r);
    }
}

/* ---- asking ---- */

static bool may_ask(const redis *r) {
    if (r->state == STATE_READY) return transport_pending(r->t) < UNSENT_BYTES;
    return r->state < STATE_READY && !r->told_away;
}

static bool put(redis *r, const span *args, size_t count) {
    if (!may_ask(r)) return false;
    if (r->state == STATE_READY) {
        redis_write(transport_out(r->t), args, count);
        transport_wrote(r->t);
    } else {
        redis_write(&r->early, args, count);
    }
    r->asked++;
    return true;
}

bool redis_ask(redis *r, redis_wait *w, redis_done_fn *done, const span *args, size_t count) {
    if (!put(r, args, count)) return false;
    loop_enter(r->loop);
    w->done = done;
    w->number = r->asked;
    w->due_ms = r->loop->now_ms + r->config->timeout_ms;
    list_push_back(&r->waits, &w->link);
    if (!timer_active(&r->due)) loop_timer_start(r->loop, &r->due, r->config->timeout_ms);
    return true;
}

bool redis_tell(redis *r, const span *args, size_t count) {
    return put(r, args, count);
}

bool redis_is_ready(const redis *r) {
    return r->state == STATE_READY;
}

/* ---- life ---- */

redis *redis_new(loop *l, const config_redis *config, tls_context *tls, const redis_ops *ops,
                 void *user) {
    redis *r = mem_zalloc(sizeof *r);
    *r = (redis){.loop = l, .config = config, .ops = ops, .user = user};
    r->tls = tls ? tls_context_ref(tls) : NULL;
    list_init(&r->waits);
    list_init(&r->listeners);
    timer_init(&r->due, on_due);
    timer_init(&r->step, on_step);
    resolve_wait_init(&r->resolving, on_resolved);
    if (!config->unix_path.len) r->names = resolver_new(l, config->host, config->port, NAME_TTL_MS);
    loop_enter(l);
    begin(r);
    return r;
}

void redis_free(redis *r) {
    if (!r) return;
    drop_connection(r);
    loop_timer_stop(r->loop, &r->step);
    if (r->names) resolver_free(r->names);
    tls_context_unref(r->tls);
    free(r);
}
