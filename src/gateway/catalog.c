#include "gateway/catalog.h"

#include "base/clock.h"
#include "base/mem.h"
#include "call/pick_key.h"
#include "http/decode.h"

#include <stdlib.h>

enum {
    FRESH_MS = 5 * 60 * 1000, /* a list serves so long before it is asked for again */
    REST_MS = 30 * 1000,      /* after a failure */
    FETCH_MS = 3000,
    ANSWER_BYTES_MAX = 4 * 1024 * 1024,
};

/* A provider's list. */
typedef struct entry {
    list link;
    catalog *catalog;
    buf name, url; /* of the provider: what another snapshot calls the same */
    model_list models;
    bool known;
    bool asked; /* before: due_ms counts */
    int64_t due_ms;
    size_t key; /* which of the provider's keys is sent */

    /* While it is asked for. */
    loop_snapshot *snapshot;   /* counted; given back when the call is not on the stack any more */
    http_call *http;           /* NULL: it is not */
    const secret_set *secrets; /* of the snapshot's */
    arena arena;
    buf body;
    timer deadline;
} entry;

struct catalog {
    loop *loop;
    log_shard *log;
    list entries;
    list waits;
};

static const config_provider *provider_of(const config *c, const entry *e) {
    for (size_t i = 0; i < c->provider_count; i++)
        if (span_eq(c->providers[i].name, buf_span(&e->name)) &&
            span_eq(c->providers[i].url.text, buf_span(&e->url)))
            return &c->providers[i];
    return NULL;
}

static entry *entry_find(const catalog *c, const config_provider *p) {
    LIST_FOREACH(&c->entries, it) {
        entry *e = LIST_ENTRY(it, entry, link);
        if (span_eq(p->name, buf_span(&e->name)) && span_eq(p->url.text, buf_span(&e->url)))
            return e;
    }
    return NULL;
}

const model_list *catalog_find(const catalog *c, const config_provider *p) {
    const entry *e = entry_find(c, p);
    return e && e->known ? &e->models : NULL;
}

bool catalog_serves(const config_target *t) {
    const config_provider *p = t->provider;
    return !t->model.len && !p->api_version.len &&
           span_find_span(p->url.path, 0, SPAN_OF("/deployments/")) == p->url.path.len;
}

/* ---- who waits ---- */

static bool still_asked(const catalog *c, const config *by) {
    LIST_FOREACH(&c->entries, it) {
        const entry *e = LIST_ENTRY(it, entry, link);
        if (e->http && provider_of(by, e)) return true;
    }
    return false;
}

static void tell(catalog *c) {
    list ready;
    list_init(&ready);
    LIST_FOREACH(&c->waits, it) {
        if (still_asked(c, LIST_ENTRY(it, catalog_wait, link)->config)) continue;
        list_remove(it);
        list_push_back(&ready, it);
    }
    for (list *node; (node = list_pop_front(&ready));) {
        catalog_wait *w = LIST_ENTRY(node, catalog_wait, link);
        w->ready(w);
    }
}

void catalog_leave(catalog_wait *w) {
    if (w->link.next) list_remove(&w->link);
}

/* ---- asking a provider ---- */

static void give_back(entry *e) {
    loop_timer_stop(e->catalog->loop, &e->deadline);
    if (e->http) http_call_cancel(e->http);
    e->http = NULL;
    loop_snapshot_unref(e->snapshot);
    e->snapshot = NULL;
    arena_done(&e->arena);
    buf_done(&e->body);
}

static void on_rest(timer *t) {
    give_back(CONTAINER_OF(t, entry, deadline));
}

static void log_failure(const entry *e, const char *why) {
    const log_field fields[] = {{"provider", buf_span(&e->name)}, {"why", span_cstr(why)}};
    log_event(e->catalog->log, LEVEL_DEBUG, "models_unknown",
              SPAN_OF("A provider did not tell which models it has."), fields, ARRAY_LEN(fields));
}

/* why: NULL: its list has come. */
static void end(entry *e, const char *why) {
    catalog *c = e->catalog;
    if (why) {
        e->key++; /* another one may be let in */
        log_failure(e, why);
    }
    e->due_ms = c->loop->now_ms + (why ? REST_MS : FRESH_MS);
    http_call *http = e->http;
    e->http = NULL;
    if (http) http_call_cancel(http);
    loop_timer_stop(c->loop, &e->deadline);
    timer_init(&e->deadline, on_rest);
    loop_timer_start(c->loop, &e->deadline, 0);
    tell(c);
}

static void on_late(timer *t) {
    end(CONTAINER_OF(t, entry, deadline), "it is late");
}

static void on_head(void *user, const http_head *head) {
    if (head->status != 200)
        end(user, "its answer has another status than 200");
    else if (http_coding_of(head->headers) == HTTP_CODING_UNKNOWN)
        end(user, "its answer is in a content coding that is not understood");
}

static void on_body(void *user, span piece) {
    entry *e = user;
    if (e->body.len + piece.len > ANSWER_BYTES_MAX)
        end(e, "its list is too long");
    else
        buf_add(&e->body, piece);
}

static void on_end(void *user) {
    entry *e = user;
    model_list fresh;
    e->http = NULL;
    if (!model_list_read(buf_span(&e->body), e->secrets, &fresh)) {
        end(e, "its answer is no list");
        return;
    }
    model_list_done(&e->models);
    e->models = fresh;
    e->known = true;
    end(e, NULL);
}

static void on_fail(void *user, const http_fail *fail) {
    entry *e = user;
    e->http = NULL;
    end(e, secret_set_without(e->secrets, span_cstr(fail->text), &e->arena).ptr);
}

static const http_call_ops http_ops = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_fail = on_fail};

static void ask(entry *e, loop_snapshot *s, const config_provider *p) {
    loop *l = e->catalog->loop;
    const upstream *u = loop_snapshot_find(s, p);
    const request_facts facts = {
        .endpoint = EP_OTHER, .method = SPAN("GET"), .path = SPAN("/models")};
    provider_request request = {0};
    weir_error error;
    e->asked = true;
    e->snapshot = loop_snapshot_ref(s);
    credential *key = keys_first_free(u, e->key, l->now_ms);
    e->secrets = u->secrets;
    const provider_ask spec = {.provider = p,
                               .facts = &facts,
                               .credential = key,
                               .wall_us = clock_wall_us(),
                               .arena = &e->arena};
    if (!u->ops->build(&spec, &request, &error)) {
        e->due_ms = l->now_ms + REST_MS;
        give_back(e);
        return;
    }
    const http_call_spec http = {.method = request.method,
                                 .path = request.path,
                                 .headers = request.headers,
                                 .connect_ms = FETCH_MS,
                                 .first_byte_ms = FETCH_MS,
                                 .idle_ms = FETCH_MS};
    timer_init(&e->deadline, on_late);
    loop_timer_start(l, &e->deadline, FETCH_MS);
    e->http = http_client_send(s->client, u->origin, &http, &http_ops, e);
}

/* ---- the whole ---- */

static void entry_free(entry *e) {
    give_back(e);
    list_remove(&e->link);
    model_list_done(&e->models);
    buf_done(&e->name);
    buf_done(&e->url);
    free(e);
}

static entry *entry_get(catalog *c, const config_provider *p) {
    entry *e = entry_find(c, p);
    if (e) return e;
    e = mem_zalloc(sizeof *e);
    e->catalog = c;
    arena_init(&e->arena, 0);
    timer_init(&e->deadline, on_late);
    buf_add(&e->name, p->name);
    buf_add(&e->url, p->url.text);
    list_push_back(&c->entries, &e->link);
    return e;
}

/* Those that the configuration does not have any more. */
static void forget(catalog *c, const config *by) {
    LIST_FOREACH(&c->entries, it) {
        entry *e = LIST_ENTRY(it, entry, link);
        if (!e->snapshot && !provider_of(by, e)) entry_free(e);
    }
}

static void ask_for(catalog *c, loop_snapshot *s, const config_target *t) {
    if (!catalog_serves(t)) return;
    entry *e = entry_get(c, t->provider);
    bool due = !e->asked || c->loop->now_ms >= e->due_ms;
    if (due && !e->snapshot) ask(e, s, t->provider);
}

bool catalog_ask(catalog *c, loop_snapshot *s, catalog_wait *w) {
    const config *by = loop_snapshot_config(s);
    forget(c, by);
    for (size_t i = 0; i < by->model_count; i++) {
        const config_model *m = &by->models[i];
        if (!span_ends(m->name, SPAN_OF("*"))) continue;
        for (size_t k = 0; k < m->target_count; k++)
            ask_for(c, s, &m->targets[k]);
    }
    if (!still_asked(c, by)) return true;
    w->config = by;
    list_push_back(&c->waits, &w->link);
    return false;
}

catalog *catalog_new(loop *l, log_shard *log) {
    catalog *c = mem_zalloc(sizeof *c);
    c->loop = l;
    c->log = log;
    list_init(&c->entries);
    list_init(&c->waits);
    return c;
}

void catalog_free(catalog *c) {
    if (!c) return;
    while (list_pop_front(&c->waits))
        ;
    for (list *node; (node = list_pop_front(&c->entries));)
        entry_free(LIST_ENTRY(node, entry, link));
    free(c);
}
