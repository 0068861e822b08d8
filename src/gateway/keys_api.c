#include "gateway/keys_api.h"

#include "access/key_store.h"
#include "base/clock.h"
#include "base/mem.h"
#include "gateway/admin_act.h"
#include "gateway/admin_order.h"
#include "gateway/api_path.h"
#include "gateway/key_keeper.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/worker.h"
#include "json/json.h"
#include "loop/aside.h"

enum { LIST_MAX = 1000, LIST_STANDARD = 1000 };

typedef struct order order;

/* What can be ordered. */
typedef struct deed {
    key_outcome (*carry_out)(order *o, key_store *ks);
    const char *act; /* in the trail; NULL: it only tells */
} deed;

struct order {
    request request;
    aside aside;
    bool asking;
    arena arena; /* of what is asked and of what is found; wiped */
    key_keeper *keys;
    /* What is wanted. */
    const deed *deed;
    span by, from; /* of an act; by empty: no trail is kept */
    span who;      /* name or id */
    span after;    /* of a list */
    unsigned limit;
    key_wish wish;
    int64_t overlap_us;
    int64_t now_us;
    /* What came of it. */
    key_outcome outcome;
    store_key row;
    char text[KEY_TEXT_LEN + 1]; /* of a key that has just got one; "": none */
    buf body;
    buf why;
};

static order *of(request *q) {
    return CONTAINER_OF(q, order, request);
}

/* ---- on another thread ---- */

static key_outcome make(order *o, key_store *ks) {
    return key_store_create(ks, &o->wish, o->now_us, &o->arena, &o->row, o->text);
}

static key_outcome show(order *o, key_store *ks) {
    return key_store_get(ks, o->who, &o->arena, &o->row);
}

static key_outcome change(order *o, key_store *ks) {
    return key_store_change(ks, o->who, &o->wish, &o->arena, &o->row);
}

static key_outcome rotate(order *o, key_store *ks) {
    return key_store_rotate(ks, o->who, o->overlap_us, o->now_us, &o->arena, &o->row, o->text);
}

static key_outcome end(order *o, key_store *ks) {
    return key_store_revoke(ks, o->who, o->now_us, &o->arena, &o->row);
}

typedef struct listing {
    order *order;
    unsigned count;
} listing;

/* One more is asked for than is told: whether there are more. */
static bool put_row(void *user, const store_key *row) {
    listing *l = user;
    buf *out = &l->order->body;
    if (l->count++ == l->order->limit) return false;
    if (l->count > 1) buf_add_char(out, ',');
    store_key_write(row, NULL, l->order->now_us, out);
    return true;
}

static key_outcome list_some(order *o, key_store *ks) {
    listing l = {o, 0};
    buf_add_cstr(&o->body, "{\"object\":\"list\",\"data\":[");
    key_outcome outcome = key_store_list(ks, o->after, o->limit + 1, put_row, &l);
    buf_addf(&o->body, "],\"has_more\":%s}", l.count > o->limit ? "true" : "false");
    return outcome;
}

/* What this process knows of a key that was changed is forgotten before the change is answered. */
static bool forget(void *user, const unsigned char hash[SHA256_LEN]) {
    order *o = user;
    key_keeper_forget(o->keys, hash);
    return true;
}

static void run(aside *a) {
    order *o = CONTAINER_OF(a, order, aside);
    key_store *ks;
    o->outcome = KEYS_FAILED;
    if (key_keeper_open(o->keys, &ks, &o->why) != STORE_OPEN) return;
    key_store_act_as(ks, o->by, o->from);
    o->outcome = o->deed->carry_out(o, ks);
    if (o->outcome == KEYS_FAILED || o->outcome == KEYS_BAD) buf_add(&o->why, key_store_why(ks));
    if (o->outcome == KEYS_DONE && o->deed->act && !key_store_hashes(ks, o->row.id, forget, o))
        key_keeper_forget(o->keys, NULL);
    key_store_close(ks);
}

/* ---- the answer, on the loop ---- */

static const http_header fresh = {SPAN("cache-control"), SPAN("no-store")};

static void tell_failure(const order *o) {
    const request *q = &o->request;
    const log_field reason = {.key = "reason", .value = buf_span(&o->why)};
    log_event(q->w->env.log, LEVEL_WARN, "keys_not_answered",
              SPAN_OF("The store of keys could not be asked, or changed, for an admin."), &reason,
              1);
    reply_error_text(q, ERR_KEYS_UNAVAILABLE,
                     "The store of keys cannot be read or changed at the moment.");
}

static void refuse(const order *o, error_id id, span param, span message) {
    weir_error e = error_of(id);
    e.message = message;
    e.param = param;
    reply_error_with(&o->request, &e, (http_headers){0});
}

/* What was done stands in the store, with the change. */
static void note_not_done(const order *o) {
    static const error_id why[] = {
        [KEYS_DONE] = ERR_NONE,           [KEYS_FAILED] = ERR_KEYS_UNAVAILABLE,
        [KEYS_BAD] = ERR_BAD_VALUE,       [KEYS_TAKEN] = ERR_KEY_EXISTS,
        [KEYS_UNKNOWN] = ERR_UNKNOWN_KEY, [KEYS_REVOKED] = ERR_KEY_ENDED};
    if (!o->deed->act || o->outcome == KEYS_DONE) return;
    admin_act_note(&o->request, span_cstr(o->deed->act), o->who.len ? o->who : o->wish.name,
                   error_get(why[o->outcome])->code);
}

static void answer(order *o) {
    const request *q = &o->request;
    const span who = span_clip(o->who, KEY_NAME_MAX);
    switch (o->outcome) {
    case KEYS_DONE:
        if (!o->body.len)
            store_key_write(&o->row, o->text[0] ? o->text : NULL, o->now_us, &o->body);
        reply(q, 200, "application/json", buf_span(&o->body), (http_headers){&fresh, 1});
        break;
    case KEYS_FAILED: tell_failure(o); break;
    case KEYS_BAD: refuse(o, ERR_BAD_VALUE, SPAN_EMPTY, buf_span(&o->why)); break;
    case KEYS_TAKEN:
        reply_error_text(q, ERR_KEY_EXISTS, "There is a key named '%.*s' already.",
                         SPAN_ARG(o->wish.name));
        break;
    case KEYS_UNKNOWN:
        reply_error_text(q, ERR_UNKNOWN_KEY, "There is no key '%.*s' here.", SPAN_ARG(who));
        break;
    case KEYS_REVOKED: reply_error_text(q, ERR_KEY_ENDED, "%s", error_get(ERR_KEY_ENDED)->sentence);
    }
}

static void free_order(order *o) {
    arena_wipe(&o->arena);
    arena_done(&o->arena);
    mem_wipe(o->text, sizeof o->text);
    if (o->body.ptr) mem_wipe(o->body.ptr, o->body.len);
    buf_done(&o->body);
    buf_done(&o->why);
    request_free(&o->request);
}

static void on_dropped(aside *a) {
    free_order(CONTAINER_OF(a, order, aside));
}

static void on_done(aside *a) {
    order *o = CONTAINER_OF(a, order, aside);
    o->asking = false;
    note_not_done(o);
    answer(o);
}

/* ---- what is wanted ---- */

static bool prepare(order *o) {
    arena_init(&o->arena, 0);
    o->keys = o->request.w->gateway->keys;
    o->now_us = clock_wall_us();
    if (o->keys) return true;
    reply_error_text(&o->request, ERR_UNKNOWN_PATH,
                     "This gateway has no store for keys (ledger: off).");
    return false;
}

static void ask(order *o, const deed *what) {
    worker *w = o->request.w;
    o->deed = what;
    if (what->act && admin_acts_kept(&o->request)) {
        o->by = admin_act_who(&o->request, &o->arena);
        o->from = arena_dup(&o->arena, request_peer(&o->request));
    }
    o->asking = true;
    o->aside = (aside){.run = run, .done = on_done, .free = on_dropped};
    loop_aside_in(&w->loop, &w->questions, &o->aside);
}

static const http_head *head_of(const order *o) {
    return http_request_head(o->request.http);
}

/* false: answered. */
static bool read_who(order *o) {
    buf name = BUF_EMPTY;
    const bool legible = api_path_decode(route_rest(o->request.row, head_of(o)->path), &name);
    if (legible) o->who = arena_dup(&o->arena, buf_span(&name));
    buf_done(&name);
    if (!legible) reply_error_text(&o->request, ERR_UNKNOWN_KEY, "There is no such key here.");
    return legible;
}

static bool read_wish(order *o, key_wish_kind kind) {
    buf why = BUF_EMPTY;
    span param = SPAN_EMPTY;
    const config *c = loop_snapshot_config(o->request.asked);
    const bool good = key_wish_read(http_request_body(o->request.http), kind, o->now_us, &o->arena,
                                    &o->wish, &param, &why) &&
                      key_wish_fits(&o->wish, c, &o->arena, &param, &why);
    if (!good) refuse(o, ERR_BAD_VALUE, param, buf_span(&why));
    buf_done(&why);
    return good;
}

/* limit=100&after=NAME */
static bool read_page(order *o) {
    span rest = head_of(o)->query, part;
    bool limited = false;
    o->limit = LIST_STANDARD;
    while (rest.len && span_cut(&rest, '&', &part)) {
        span value = part, name;
        uint64_t number;
        buf after = BUF_EMPTY;
        (void)span_cut(&value, '=', &name);
        bool good = false;
        if (span_eq(name, SPAN_OF("limit")) && !limited) {
            good = span_u64(value, &number) && number >= 1 && number <= LIST_MAX;
            if (good) o->limit = (unsigned)number;
            limited = true;
        } else if (span_eq(name, SPAN_OF("after")) && !o->after.ptr) {
            good = api_path_decode(value, &after);
            if (good) o->after = arena_dup(&o->arena, buf_span(&after));
        }
        buf_done(&after);
        if (good) continue;
        refuse(o, ERR_BAD_VALUE, arena_dup(&o->arena, span_clip(name, KEY_NAME_MAX)),
               SPAN_OF("A list takes limit, from 1 to 1000, and after, the last name that was "
                       "told; each once."));
        return false;
    }
    return true;
}

/* Records and limits go by the name, and could not tell the two apart. */
static bool is_free(order *o) {
    const config *c = loop_snapshot_config(o->request.asked);
    for (size_t i = 0; i < c->client_count; i++) {
        if (!span_eq(c->clients[i].name, o->wish.name)) continue;
        refuse(o, ERR_KEY_EXISTS, SPAN_OF("name"),
               SPAN_OF("The configuration has a client of that name."));
        return false;
    }
    return true;
}

static bool read_overlap(order *o) {
    static const json_limits limits = {.depth = 4};
    const span body = span_trim(http_request_body(o->request.http));
    json_value root, overlap = {JSON_NONE, SPAN_EMPTY};
    json_fault fault;
    int64_t ms = 0;
    bool good = true;
    if (body.len) {
        good = json_scan(body, &limits, &root, &fault) && root.type == JSON_OBJECT;
        if (good) overlap = json_get(root, SPAN_OF("overlap"));
        good = good && json_count(root) == (overlap.type != JSON_NONE);
    }
    if (good && overlap.type != JSON_NONE && overlap.type != JSON_NULL)
        good =
            overlap.type == JSON_STRING && key_overlap_parse(json_string(overlap, &o->arena), &ms);
    o->overlap_us = ms * 1000;
    if (!good)
        refuse(o, ERR_BAD_VALUE, SPAN_OF("overlap"),
               SPAN_OF("Expected {\"overlap\": TIME}, such as 30m, 1h or 0s, up to a year, or no "
                       "body."));
    return good;
}

static const deed listing_of = {list_some, NULL}, showing = {show, NULL},
                  making = {make, "key_create"}, changing = {change, "key_change"},
                  rotating = {rotate, "key_rotate"}, ending = {end, "key_revoke"};

static void begin_all(request *q) {
    order *o = of(q);
    if (!prepare(o)) return;
    if (head_of(o)->method != HTTP_POST_M) {
        if (read_page(o)) ask(o, &listing_of);
    } else if (admin_order_has_no_query(q) && read_wish(o, WISH_NEW) && is_free(o)) {
        ask(o, &making);
    }
}

static void begin_one(request *q) {
    order *o = of(q);
    if (!prepare(o) || !admin_order_has_no_query(q) || !read_who(o)) return;
    if (head_of(o)->method != HTTP_PATCH_M)
        ask(o, &showing);
    else if (read_wish(o, WISH_CHANGE))
        ask(o, &changing);
}

static void begin_rotate(request *q) {
    order *o = of(q);
    if (prepare(o) && admin_order_has_no_query(q) && read_who(o) && read_overlap(o))
        ask(o, &rotating);
}

static void begin_revoke(request *q) {
    order *o = of(q);
    if (prepare(o) && admin_order_has_no_query(q) && admin_order_has_no_body(q) && read_who(o))
        ask(o, &ending);
}

static void done(request *q) {
    order *o = of(q);
    if (o->asking)
        aside_drop(&o->aside);
    else
        free_order(o);
}

#define ORDER_OPS(begin)                                                                           \
    { sizeof(order), begin, request_ignore, request_ignore, done }
const request_ops keys_all = ORDER_OPS(begin_all);
const request_ops keys_one = ORDER_OPS(begin_one);
const request_ops keys_rotate = ORDER_OPS(begin_rotate);
const request_ops keys_revoke = ORDER_OPS(begin_revoke);
