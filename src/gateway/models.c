#include "gateway/models.h"

#include "access/permit.h"
#include "base/hash.h"
#include "base/mem.h"
#include "gateway/api_path.h"
#include "gateway/catalog.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "gateway/worker.h"

#include <stdlib.h>

static bool is_pattern(const config_model *m) {
    return span_ends(m->name, SPAN_OF("*"));
}

/* The target of an entry that is asked for what this provider lists. */
static bool serves(const config_model *m, const config_provider *p) {
    for (size_t i = 0; i < m->target_count; i++)
        if (m->targets[i].provider == p && catalog_serves(&m->targets[i])) return true;
    return false;
}

static bool is_open(const config_model *m) {
    for (size_t i = 0; i < m->target_count; i++)
        if (is_pattern(m) && catalog_serves(&m->targets[i])) return true;
    return false;
}

bool models_are_open(const config *c) {
    for (size_t i = 0; i < c->model_count; i++)
        if (is_open(&c->models[i])) return true;
    return false;
}

/* ---- one model ---- */

/* What a provider says of it beside what OpenAI's clients need: its context length, its prices … */
static void add_more(buf *out, json_value object) {
    static const span own[] = {SPAN("id"), SPAN("object"), SPAN("created"), SPAN("owned_by")};
    json_iter it = json_iter_of(object);
    for (json_member m; json_next_member(&it, &m);) {
        const json_value name = json_member_name(&m);
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(own); i++)
            known |= json_is(name, own[i]);
        if (known) continue;
        const span parts[] = {SPAN(","), name.raw, SPAN(":"), m.value.raw};
        for (size_t i = 0; i < ARRAY_LEN(parts); i++)
            buf_add(out, parts[i]);
    }
}

/* object: a provider's description; JSON_NONE: none is known. */
static void write_model(buf *out, span id, json_value object, int64_t created, span owner) {
    json_value since = json_get(object, SPAN_OF("created"));
    json_value owned = json_get(object, SPAN_OF("owned_by"));
    json_writer w = json_writer_of(out);
    json_open_object(&w);
    json_key(&w, "id");
    json_put_string(&w, id);
    json_key(&w, "object");
    json_put_string(&w, SPAN_OF("model"));
    json_key(&w, "created");
    int64_t then = 0;
    json_put_i64(&w, since.type == JSON_NUMBER && json_i64(since, &then) ? then : created);
    json_key(&w, "owned_by");
    if (owned.type == JSON_STRING)
        json_put_raw(&w, owned.raw);
    else
        json_put_string(&w, owner);
    add_more(out, object);
    json_close_object(&w);
}

static span owner_of(const config_model *m) {
    return m->target_count ? m->targets[0].provider->name : SPAN_OF("weir");
}

static const json_value unknown = {JSON_NONE};

void models_write_one(const config_model *m, const models_known *known, span id, int64_t created,
                      buf *out) {
    for (size_t i = 0; known && is_pattern(m) && i < m->target_count; i++) {
        const config_provider *p = m->targets[i].provider;
        const model_list *l = catalog_serves(&m->targets[i]) ? known->of(known->user, p) : NULL;
        const listed_model *listed = l ? model_list_find(l, id) : NULL;
        if (!listed) continue;
        write_model(out, id, listed->object, created, p->name);
        return;
    }
    write_model(out, id, unknown, created, owner_of(m));
}

/* ---- the list ---- */

/* A table of names, each of which is known once. */
typedef struct names {
    span *slots;
    size_t cap; /* a power of two, more than the names */
} names;

static bool add_name(names *n, span name) {
    size_t at = hash_span(name) & (n->cap - 1);
    for (; n->slots[at].len; at = (at + 1) & (n->cap - 1))
        if (span_eq(n->slots[at], name)) return false;
    n->slots[at] = name;
    return true;
}

typedef struct listing {
    const config *config;
    const config_client *who;
    const models_known *known;
    int64_t created;
    names names;
    buf *out;
    bool comma;
} listing;

static void list_model(listing *l, span id, json_value object, span owner) {
    if (l->who && !permit_has_model(l->who, id)) return;
    if (!id.len || !add_name(&l->names, id)) return;
    if (l->comma) buf_add_char(l->out, ',');
    l->comma = true;
    write_model(l->out, id, object, l->created, owner);
}

static const model_list *known_of(const listing *l, const config_provider *p) {
    return l->known ? l->known->of(l->known->user, p) : NULL;
}

static void list_names(listing *l) {
    for (size_t i = 0; i < l->config->model_count; i++) {
        const config_model *m = &l->config->models[i];
        if (!is_pattern(m)) list_model(l, m->name, unknown, owner_of(m));
    }
}

/* What a call for it would come to: an entry of its own, a longer pattern, or this provider. */
static void list_provider(listing *l, const config_provider *p) {
    const model_list *lists = known_of(l, p);
    for (size_t i = 0; lists && i < lists->count; i++) {
        const listed_model *m = &lists->items[i];
        const config_model *entry = config_find_model(l->config, m->id);
        if (entry && is_pattern(entry) && serves(entry, p))
            list_model(l, m->id, m->object, p->name);
    }
}

static size_t most_names(const listing *l) {
    size_t most = l->config->model_count;
    for (size_t i = 0; i < l->config->provider_count; i++) {
        const model_list *lists = known_of(l, &l->config->providers[i]);
        if (lists) most += lists->count;
    }
    return most;
}

void models_write_list(const config *c, const config_client *who, const models_known *known,
                       int64_t created, buf *out) {
    listing l = {c, who, known, created, .out = out};
    l.names.cap = 16;
    while (l.names.cap < 2 * most_names(&l))
        l.names.cap *= 2;
    l.names.slots = mem_zalloc_array(l.names.cap, sizeof *l.names.slots);
    buf_add_cstr(out, "{\"object\":\"list\",\"data\":[");
    list_names(&l);
    for (size_t i = 0; i < c->provider_count; i++)
        list_provider(&l, &c->providers[i]);
    buf_add_cstr(out, "]}");
    free(l.names.slots);
}

/* ---- requests ---- */

typedef struct models_request {
    request request;
    catalog_wait wait;
} models_request;

static const model_list *of_catalog(const void *user, const config_provider *p) {
    return catalog_find(user, p);
}

/* That was in force when its key was looked at. */
static const config *config_of(const request *q) {
    return loop_snapshot_config(q->asked);
}

static models_known known_to(const request *q) {
    return (models_known){of_catalog, q->w->catalog};
}

static int64_t created(const request *q) {
    return q->w->gateway->started_wall_us / 1000000;
}

static bool wants_catalog(const config *c) {
    return c->server.list_models == LIST_MODELS_ALL && models_are_open(c);
}

/* Answers, now or when the providers have told what they list. */
static void answer_with_catalog(request *q, void (*ready)(catalog_wait *w)) {
    models_request *m = CONTAINER_OF(q, models_request, request);
    m->wait.ready = ready;
    if (!wants_catalog(config_of(q)) || catalog_ask(q->w->catalog, q->asked, &m->wait))
        ready(&m->wait);
}

static request *request_of(catalog_wait *w) {
    return &CONTAINER_OF(w, models_request, wait)->request;
}

static void answer_list(catalog_wait *w) {
    const request *q = request_of(w);
    const config *c = config_of(q);
    const models_known known = known_to(q);
    buf body = BUF_EMPTY;
    models_write_list(c, q->caller.client, wants_catalog(c) ? &known : NULL, created(q), &body);
    reply_json(q, 200, buf_span(&body));
    buf_done(&body);
}

static void begin_list(request *q) {
    answer_with_catalog(q, answer_list);
}

static span id_sent(const request *q) {
    return route_rest(q->row, http_request_head(q->http)->path);
}

static const config_model *find_model(const request *q, buf *ret_id) {
    bool legible = api_path_decode(id_sent(q), ret_id);
    return legible ? config_find_model(config_of(q), buf_span(ret_id)) : NULL;
}

static void answer_one(catalog_wait *w) {
    const request *q = request_of(w);
    const models_known known = known_to(q);
    buf id = BUF_EMPTY, body = BUF_EMPTY;
    const config_model *m = find_model(q, &id);
    models_write_one(m, wants_catalog(config_of(q)) ? &known : NULL, buf_span(&id), created(q),
                     &body);
    reply_json(q, 200, buf_span(&body));
    buf_done(&id);
    buf_done(&body);
}

/* false: answered. */
static bool may_ask_for(const request *q, const buf *id) {
    buf why = BUF_EMPTY;
    const config_client *who = q->caller.client;
    const error_id e = who ? permit_model(who, buf_span(id), &why) : ERR_NONE;
    if (e != ERR_NONE) reply_error_text(q, e, "%.*s", SPAN_ARG(buf_span(&why)));
    buf_done(&why);
    return e == ERR_NONE;
}

static void begin_one(request *q) {
    buf id = BUF_EMPTY;
    const config_model *m = find_model(q, &id);
    catalog_wait *w = &CONTAINER_OF(q, models_request, request)->wait;
    if (m && !may_ask_for(q, &id)) {
        buf_done(&id);
        return;
    }
    if (!m)
        reply_error_text(q, ERR_UNKNOWN_MODEL, "The model '%.*s' does not exist here.",
                         SPAN_ARG(id_sent(q)));
    else if (is_open(m))
        answer_with_catalog(q, answer_one);
    else
        answer_one(w);
    buf_done(&id);
}

static void leave(request *q) {
    catalog_leave(&CONTAINER_OF(q, models_request, request)->wait);
}

static void done(request *q) {
    leave(q);
    request_free(q);
}

#define MODELS_OPS(begin)                                                                          \
    { sizeof(models_request), begin, leave, request_ignore, done }
const request_ops models_list = MODELS_OPS(begin_list);
const request_ops models_one = MODELS_OPS(begin_one);
