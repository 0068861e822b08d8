#include "gateway/cache_page.h"

#include "cache/far.h"
#include "config/units.h"
#include "gateway/acts.h"
#include "gateway/admin_act.h"
#include "gateway/admin_order.h"
#include "gateway/reply.h"
#include "gateway/worker.h"

static const http_header fresh = {SPAN("cache-control"), SPAN("no-store")};

static void answer_figures(const request *q) {
    buf body = BUF_EMPTY, shared = BUF_EMPTY;
    const gateway *g = q->w->gateway;
    if (g->far) cache_far_write_figures(g->far, &shared);
    cache_write_figures(g->cache, buf_span(&shared), &body);
    buf_done(&shared);
    reply(q, 200, "application/json", buf_span(&body), (http_headers){&fresh, 1});
    buf_done(&body);
}

/* ---- what is to go ---- */

static bool bad(span name, const char *expected, span *ret_param, buf *ret_why) {
    *ret_param = name;
    buf_addf(ret_why, "'%.*s' must be %s.", SPAN_ARG(span_clip(name, 64)), expected);
    return false;
}

static bool read_text(json_value v, span name, arena *a, span *ret, span *ret_param, buf *ret_why) {
    if (v.type == JSON_NONE || v.type == JSON_NULL) return true;
    if (v.type != JSON_STRING) return bad(name, "a string", ret_param, ret_why);
    *ret = json_string(v, a);
    return ret->len > 0 || bad(name, "no empty string", ret_param, ret_why);
}

/* "10m", or a number of seconds. */
static bool read_older(json_value v, arena *a, int64_t *ret_ms, span *ret_param, buf *ret_why) {
    int64_t n;
    if (v.type == JSON_NONE || v.type == JSON_NULL) return true;
    if (v.type == JSON_NUMBER && json_i64(v, &n) && n >= 0 && n <= INT32_MAX)
        *ret_ms = n * 1000;
    else if (v.type != JSON_STRING || !unit_duration(json_string(v, a), ret_ms))
        return bad(SPAN_OF("older"), "a duration such as 10m, or a whole number of seconds",
                   ret_param, ret_why);
    return true;
}

/* A misspelt member must not take everything away. */
static bool names_fit(json_value root, span *ret_param, buf *ret_why) {
    json_iter it = json_iter_of(root);
    for (json_member m; json_next_member(&it, &m);) {
        const json_value name = json_member_name(&m);
        if (json_is(name, SPAN_OF("model")) || json_is(name, SPAN_OF("client")) ||
            json_is(name, SPAN_OF("older")))
            continue;
        *ret_param = m.key;
        buf_addf(ret_why, "'%.*s' is no member of a purge; they are model, client and older.",
                 SPAN_ARG(span_clip(m.key, 64)));
        return false;
    }
    return true;
}

static bool is_blank(span body) {
    for (size_t i = 0; i < body.len; i++)
        if (!strchr(" \t\r\n", body.ptr[i]) || !body.ptr[i]) return false;
    return true;
}

bool cache_purge_read(span body, arena *a, cache_purge *ret, span *ret_param, buf *ret_why) {
    json_value root;
    json_fault fault;
    *ret = (cache_purge){0};
    *ret_param = SPAN_EMPTY;
    if (is_blank(body)) return true;
    if (!json_scan(body, NULL, &root, &fault) || root.type != JSON_OBJECT) {
        buf_add_cstr(ret_why, "The request body is no JSON object.");
        return false;
    }
    static const span names[] = {SPAN("model"), SPAN("client"), SPAN("older")};
    json_value of[ARRAY_LEN(names)];
    json_get_each(root, names, ARRAY_LEN(names), of);
    return names_fit(root, ret_param, ret_why) &&
           read_text(of[0], names[0], a, &ret->model, ret_param, ret_why) &&
           read_text(of[1], names[1], a, &ret->client, ret_param, ret_why) &&
           read_older(of[2], a, &ret->older_ms, ret_param, ret_why);
}

/* "model gpt-4o*, client app, older 10m"; empty: all that there is. */
static span name_purge(const cache_purge *which, arena *a) {
    buf what = BUF_EMPTY;
    if (which->model.len) buf_addf(&what, "model %.*s", SPAN_ARG(which->model));
    if (which->client.len)
        buf_addf(&what, "%sclient %.*s", what.len ? ", " : "", SPAN_ARG(which->client));
    if (which->older_ms) {
        buf_addf(&what, "%solder ", what.len ? ", " : "");
        unit_write_duration(which->older_ms, &what);
    }
    const span name = arena_dup(a, buf_span(&what));
    buf_done(&what);
    return name;
}

/* ---- a purge ---- */

enum { PATIENCE_MS = 8 * 1000 };

typedef struct purging {
    request request;
    arena arena;
    act act;          /* for the trail, without its outcome: its request may be gone by then */
    far_sweep *sweep; /* of the store that several weirs share; NULL: none is under way */
    size_t dropped;   /* from memory */
    timer patience;
} purging;

/* What came of it, once. "goes_on": nobody waits for the store's any more. */
static void note_purge(purging *p, const char *outcome) {
    if (!admin_acts_kept(&p->request)) return;
    p->act.outcome = outcome;
    act_note(p->request.w->env.ledger, &p->act);
}

static void log_purged(worker *w, size_t dropped) {
    buf text = BUF_EMPTY;
    buf_addf(&text, "%zu", dropped);
    const log_field fields[] = {{.key = "entries", .value = buf_span(&text), .number = true}};
    log_event(w->env.log, LEVEL_INFO, "cache_purged",
              SPAN_OF("Answers were taken out of the cache by an admin."), fields, 1);
    buf_done(&text);
}

static void answer_purged(const purging *p, const uint64_t *in_store, bool whole) {
    buf body = BUF_EMPTY;
    buf_addf(&body, "{\"purged\":%zu", p->dropped);
    if (in_store) buf_addf(&body, ",\"purged_from_store\":%llu", (unsigned long long)*in_store);
    if (!whole) buf_add_cstr(&body, ",\"goes_on\":true");
    buf_add_char(&body, '}');
    reply(&p->request, 200, "application/json", buf_span(&body), (http_headers){&fresh, 1});
    buf_done(&body);
}

static void stop_waiting(purging *p) {
    loop_timer_stop(&p->request.w->loop, &p->patience);
    p->sweep = NULL;
}

static void answer_away(purging *p) {
    const error_row *away = error_get(ERR_CACHE_STORE_AWAY);
    note_purge(p, away->code);
    reply_error_text(&p->request, ERR_CACHE_STORE_AWAY, "%s", away->sentence);
}

static void on_swept(void *user, bool whole, uint64_t count) {
    purging *p = user;
    stop_waiting(p);
    if (!whole) {
        answer_away(p);
        return;
    }
    note_purge(p, "ok");
    answer_purged(p, &count, true);
}

static uint64_t leave_sweep(purging *p) {
    const uint64_t count = far_sweep_leave(p->sweep);
    stop_waiting(p);
    note_purge(p, "goes_on");
    return count;
}

/* Of a store with very much in it. */
static void on_impatient(timer *t) {
    purging *p = CONTAINER_OF(t, purging, patience);
    const uint64_t count = leave_sweep(p);
    answer_purged(p, &count, false);
}

/* The store first: what is dropped from memory must not be found there again. */
static void carry_out(purging *p, const cache_purge *which) {
    worker *w = p->request.w;
    p->act = (act){.who = admin_act_who(&p->request, &p->arena),
                   .what = SPAN_OF("cache_purge"),
                   .subject = name_purge(which, &p->arena),
                   .from = arena_dup(&p->arena, request_peer(&p->request))};
    if (w->env.far) p->sweep = far_purge(w->env.far, which, on_swept, p);
    p->dropped = cache_store_purge(w->gateway->cache->store, which, w->loop.now_ms);
    log_purged(w, p->dropped);
    if (p->sweep) {
        timer_init(&p->patience, on_impatient);
        loop_timer_start(&w->loop, &p->patience, PATIENCE_MS);
    } else if (w->env.far) {
        answer_away(p);
    } else {
        note_purge(p, "ok");
        answer_purged(p, NULL, true);
    }
}

static void purge(request *q) {
    purging *p = CONTAINER_OF(q, purging, request);
    cache_purge which;
    span param;
    buf why = BUF_EMPTY;
    arena_init(&p->arena, 0);
    if (cache_purge_read(http_request_body(q->http), &p->arena, &which, &param, &why)) {
        carry_out(p, &which);
    } else {
        weir_error e = error_of(ERR_BAD_VALUE);
        e.message = buf_span(&why);
        e.param = param;
        reply_error_with(q, &e, (http_headers){0});
    }
    buf_done(&why);
}

static void done(request *q) {
    purging *p = CONTAINER_OF(q, purging, request);
    if (p->sweep) (void)leave_sweep(p);
    arena_done(&p->arena);
    request_free(q);
}

static void begin(request *q) {
    if (!admin_order_has_no_query(q)) return;
    if (http_request_head(q->http)->method == HTTP_POST_M)
        purge(q);
    else
        answer_figures(q);
}

const request_ops page_cache = {sizeof(purging), begin, request_ignore, request_ignore, done};
