/* An origin's connections: bounded in number, used last in first out, queued for in order. */
#include "http/client_internal.h"

enum { SHRINK_MS = 1000 /* idle for this long, a connection gives its parser's memory back */ };

/* ---- idle ---- */

/* From the oldest on: closes those whose time is over, and empties the pockets of the others. */
static void on_idle_timer(timer *t) {
    http_origin *o = CONTAINER_OF(t, http_origin, idle_timer);
    int64_t now_ms = o->client->loop->now_ms, keep_ms = o->client->limits.pool_idle_ms;
    int64_t next_ms = INT64_MAX;
    o->refs++;
    for (list *it = o->idle.prev, *newer; it != &o->idle; it = newer) {
        newer = it->prev;
        http_conn *conn = LIST_ENTRY(it, http_conn, link);
        int64_t idle_ms = now_ms - conn->idle_since_ms;
        if (idle_ms >= keep_ms) {
            client_conn_close(conn);
            continue;
        }
        if (idle_ms >= SHRINK_MS && !conn->shrunk) {
            http_codec_shrink(conn->codec);
            conn->shrunk = true;
        }
        int64_t due_ms = conn->shrunk ? keep_ms - idle_ms : SHRINK_MS - idle_ms;
        if (due_ms < next_ms) next_ms = due_ms;
    }
    if (next_ms < INT64_MAX) loop_timer_start(o->client->loop, t, next_ms);
    o->refs--;
    origin_free_if_unused(o);
}

void pool_init(http_origin *o) {
    list_init(&o->link);
    list_init(&o->busy);
    list_init(&o->idle);
    queue_init(o);
    list_init(&o->doomed);
    timer_init(&o->idle_timer, on_idle_timer);
}

static void make_idle(http_origin *o, http_conn *conn) {
    conn->state = CONN_IDLE;
    conn->shrunk = false;
    conn->idle_since_ms = o->client->loop->now_ms;
    list_push_front(&o->idle, &conn->link);
    o->client->stats.idle++;
    if (timer_active(&o->idle_timer)) return;
    int64_t keep_ms = o->client->limits.pool_idle_ms;
    loop_timer_start(o->client->loop, &o->idle_timer, keep_ms < SHRINK_MS ? keep_ms : SHRINK_MS);
}

void pool_close_idle(http_origin *o) {
    o->refs++;
    while (!list_empty(&o->idle))
        client_conn_close(LIST_ENTRY(o->idle.next, http_conn, link));
    if (o->client) loop_timer_stop(o->client->loop, &o->idle_timer);
    o->refs--;
}

static http_conn *longest_idle(const http_client *c) {
    http_conn *found = NULL;
    LIST_FOREACH(&c->origins, it) {
        const http_origin *o = LIST_ENTRY(it, http_origin, link);
        if (list_empty(&o->idle)) continue;
        http_conn *oldest = LIST_ENTRY(o->idle.prev, http_conn, link);
        if (!found || oldest->idle_since_ms < found->idle_since_ms) found = oldest;
    }
    return found;
}

/* A look-up needs some at a time, a connection one. */
bool pool_make_way(http_client *c) {
    enum { SOME = 4 };
    int closed = 0;
    for (http_conn *conn; closed < SOME && (conn = longest_idle(c)); closed++)
        client_conn_close(conn);
    return closed > 0;
}

/* ---- handing out ---- */

static void use(http_origin *o, http_conn *conn, http_call *call) {
    conn->reused = true;
    o->client->stats.reuses++;
    list_push_back(&o->busy, &conn->link);
    queue_hold(call);
    call_begin(call, conn);
}

static void connect_for(http_origin *o, http_call *call) {
    queue_hold(call);
    client_conn_connect(o, call);
}

static http_conn *take_idle(http_origin *o) {
    o->client->stats.idle--;
    return LIST_ENTRY(list_pop_front(&o->idle), http_conn, link);
}

void pool_take(http_origin *o, http_call *call) {
    if (!queue_may_hold(call)) {
        queue_wait(call);
    } else if (!list_empty(&o->idle)) {
        use(o, take_idle(o), call);
    } else if (o->open < o->max_connections) {
        connect_for(o, call);
    } else {
        queue_wait(call);
    }
}

/* There are more than a new configuration allows, or all that there may be while somebody waits who
 * can use a new one alone. */
static bool is_too_many(http_origin *o) {
    return o->open > o->max_connections || (o->open == o->max_connections && queue_waits(o));
}

/* Whose turn it is needs a new connection, and there is room for one only once others are closed:
 * handed on to those behind it, they would never be. */
static bool must_make_room(const http_origin *o) {
    return o->open >= o->max_connections && queue_wants_new(o);
}

void pool_return(http_origin *o, http_conn *conn) {
    list_remove(&conn->link);
    http_call *next = must_make_room(o) ? NULL : queue_next(o, false);
    if (next)
        use(o, conn, next);
    else if (is_too_many(o))
        client_conn_close(conn);
    else
        make_idle(o, conn);
}

static void close_oldest(http_origin *o) {
    client_conn_close(LIST_ENTRY(o->idle.prev, http_conn, link));
}

/* A connection that it closes asks for it again. */
void pool_serve(http_origin *o) {
    if (!o->client || o->client->closed || o->serving) return;
    http_call *next;
    o->serving = true;
    o->refs++;
    while (!list_empty(&o->idle) && (next = queue_next(o, false)))
        use(o, take_idle(o), next);
    while (!list_empty(&o->idle) && is_too_many(o))
        close_oldest(o);
    while (o->open < o->max_connections && (next = queue_next(o, true)))
        connect_for(o, next);
    o->refs--;
    o->serving = false;
}

void pool_lost(http_origin *o) {
    pool_serve(o);
    origin_free_if_unused(o);
}
