#include "gateway/pauses_api.h"

#include "access/key_store.h"
#include "base/clock.h"
#include "gateway/admin_act.h"
#include "gateway/admin_order.h"
#include "gateway/api_path.h"
#include "gateway/key_keeper.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/worker.h"
#include "json/json.h"
#include "loop/aside.h"

typedef struct order {
    request request;
    bool pause; /* or it is to go on */
    buf name;   /* as it was given */
    /* The store is asked for it. */
    aside aside;
    bool asking;
    key_keeper *keys;
    key_outcome outcome;
    buf client, why;
} order;

static const http_header fresh = {SPAN("cache-control"), SPAN("no-store")};

static void begin_all(request *q) {
    if (!admin_order_has_no_query(q)) return;
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"object\":\"list\",\"data\":");
    pauses_write(q->w->gateway->pauses, &body);
    buf_add_char(&body, '}');
    reply(q, 200, "application/json", buf_span(&body), (http_headers){&fresh, 1});
    buf_done(&body);
}

static void answer(const request *q, span client, bool paused) {
    buf body = BUF_EMPTY;
    buf_add_cstr(&body, "{\"client\":");
    json_write_string(&body, client);
    buf_addf(&body, ",\"paused\":%s}", paused ? "true" : "false");
    reply(q, 200, "application/json", buf_span(&body), (http_headers){&fresh, 1});
    buf_done(&body);
}

/* What was so already is so again, and is no act. */
static void note(const request *q, span client, bool paused) {
    const worker *w = q->w;
    const log_field of = {"client", client, false};
    admin_act_note(q, paused ? SPAN_OF("client_pause") : SPAN_OF("client_resume"), client, "ok");
    log_event(w->env.log, LEVEL_INFO, paused ? "client_paused" : "client_resumed",
              paused ? SPAN_OF("A client was paused by an admin.")
                     : SPAN_OF("A client may call again, says an admin."),
              &of, 1);
}

static void put(const order *o, span client) {
    const request *q = &o->request;
    pauses *p = q->w->gateway->pauses;
    if (o->pause) {
        const pause_word word = pauses_add(p, client, SPAN_OF("an admin"), clock_wall_us());
        if (word == PAUSE_BEGUN) note(q, client, true);
        if (word == PAUSE_FULL)
            reply_error_text(q, ERR_TOO_MANY_ITEMS, "%d clients are paused, and no more can be.",
                             PAUSES_MAX);
        else
            answer(q, client, true);
    } else {
        if (pauses_end(p, client)) note(q, client, false);
        answer(q, client, false);
    }
}

static void refuse(const order *o) {
    reply_error_text(&o->request, ERR_UNKNOWN_KEY, "There is no client '%.*s' here.",
                     SPAN_ARG(buf_span(&o->name)));
}

/* ---- keys of the store, on another thread ---- */

static void look_up(aside *a) {
    order *o = CONTAINER_OF(a, order, aside);
    store_key row;
    key_store *ks;
    arena memory;
    arena_init(&memory, 0);
    o->outcome = KEYS_FAILED;
    if (key_keeper_open(o->keys, &ks, &o->why) == STORE_OPEN) {
        o->outcome = key_store_get(ks, buf_span(&o->name), &memory, &row);
        if (o->outcome == KEYS_DONE) buf_add(&o->client, row.name);
        key_store_close(ks);
    }
    arena_done(&memory);
}

static void free_order(order *o) {
    buf_done(&o->name);
    buf_done(&o->client);
    buf_done(&o->why);
    request_free(&o->request);
}

static void on_dropped(aside *a) {
    free_order(CONTAINER_OF(a, order, aside));
}

/* Of tokens, whose names nobody lists. */
static bool any_may_come(const order *o) {
    return loop_snapshot_config(o->request.asked)->jwt.on;
}

/* Where the store is away its keys go on, as far as they are known, and one of them can be stopped:
 * the name is believed. Whose an id is the store alone knows. */
static void on_found(aside *a) {
    order *o = CONTAINER_OF(a, order, aside);
    const span name = buf_span(&o->name);
    o->asking = false;
    if (o->outcome == KEYS_DONE)
        put(o, buf_span(&o->client));
    else if (o->outcome == KEYS_UNKNOWN && !any_may_come(o))
        refuse(o);
    else if (o->outcome == KEYS_UNKNOWN || key_name_fits(name))
        put(o, name);
    else
        reply_error_text(&o->request, ERR_KEYS_UNAVAILABLE,
                         "The store of keys cannot be asked at the moment whose id that is. By its "
                         "name a client can be paused, and go on.");
}

static void ask_store(order *o) {
    worker *w = o->request.w;
    o->keys = w->gateway->keys;
    o->asking = true;
    o->aside = (aside){.run = look_up, .done = on_found, .free = on_dropped};
    loop_aside_in(&w->loop, &w->questions, &o->aside);
}

/* ---- what is wanted ---- */

/* Known without asking anybody. */
static bool is_known(const order *o, span name) {
    const config *c = loop_snapshot_config(o->request.asked);
    for (size_t i = 0; i < c->client_count; i++)
        if (span_eq(c->clients[i].name, name)) return true;
    return pauses_has(o->request.w->gateway->pauses, name);
}

static void begin(order *o, bool pause) {
    const request *q = &o->request;
    const gateway *g = q->w->gateway;
    if (!admin_order_has_no_query(q) || !admin_order_has_no_body(q)) return;
    const bool legible =
        api_path_decode(route_rest(q->row, http_request_head(q->http)->path), &o->name);
    const span name = buf_span(&o->name);
    o->pause = pause;
    if (!legible || !name.len || name.len > KEY_NAME_MAX)
        reply_error_text(q, ERR_UNKNOWN_KEY, "There is no such client here.");
    else if (is_known(o, name) || (any_may_come(o) && (!g->keys || key_name_fits(name))))
        put(o, name);
    else if (g->keys) /* a name of the store's, or an id */
        ask_store(o);
    else
        refuse(o);
}

static void begin_pause(request *q) {
    begin(CONTAINER_OF(q, order, request), true);
}

static void begin_resume(request *q) {
    begin(CONTAINER_OF(q, order, request), false);
}

static void done(request *q) {
    order *o = CONTAINER_OF(q, order, request);
    if (o->asking)
        aside_drop(&o->aside);
    else
        free_order(o);
}

#define ORDER_OPS(begin)                                                                           \
    { sizeof(order), begin, request_ignore, request_ignore, done }
const request_ops pauses_all = REQUEST_AT_ONCE(begin_all);
const request_ops pauses_pause = ORDER_OPS(begin_pause);
const request_ops pauses_resume = ORDER_OPS(begin_resume);
