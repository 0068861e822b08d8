#include "gateway/routes.h"

#include "gateway/api_path.h"
#include "gateway/cache_page.h"
#include "gateway/calls.h"
#include "gateway/keys_api.h"
#include "gateway/mcp.h"
#include "gateway/models.h"
#include "gateway/pages.h"
#include "gateway/pauses_api.h"
#include "gateway/prices_page.h"
#include "gateway/records.h"
#include "gateway/resumed.h"
#include "http/plain_path.h"

#define GET   (1u << HTTP_GET_M | 1u << HTTP_HEAD_M)
#define POST  (1u << HTTP_POST_M)
#define PATCH (1u << HTTP_PATCH_M)
#define ANY   (GET | POST | 1u << HTTP_PUT_M | 1u << HTTP_DELETE_M | 1u << HTTP_PATCH_M)

#define CALL(p, f, e, ...)                                                                         \
    {                                                                                              \
        SPAN(p), POST, WHO_CLIENT, &call_ops, &(const call_row) {                                  \
            f, e, .takes_json = true, __VA_ARGS__                                                  \
        }                                                                                          \
    }
#define PAGE(p, who, handler)                                                                      \
    { SPAN(p), GET, who, &handler, NULL }

#define KEYS(p, methods, handler)                                                                  \
    { SPAN(p), methods, WHO_KEEPER, &handler, NULL }

static const route routes[] = {
#define X(id, path, ...)                                                                           \
    CALL("/v1" path, &form_openai, EP_##id,                                                        \
         .deployed = SPAN("/openai/deployments/{deployment}" path)),
#include "config/endpoints.def"
#undef X
    CALL("/chat", &form_chat, EP_CHAT_COMPLETIONS),
    CALL("/chat/functions", &form_functions, EP_CHAT_COMPLETIONS),
    {SPAN("/mcp"), 1u << HTTP_GET_M | POST, WHO_CLIENT, &mcp_ops, NULL},
    {SPAN("/chat/functions/*"), POST, WHO_CLIENT, &run_resumed, NULL},
    PAGE("/v1/models", WHO_CLIENT, models_list),
    PAGE("/v1/models/*", WHO_CLIENT, models_one),
    PAGE("/health/live", WHO_ANYONE, page_live),
    PAGE("/health/ready", WHO_ANYONE, page_ready),
    PAGE("/health", WHO_ANYONE, page_health),
    PAGE("/metrics", WHO_ANYONE, page_metrics),
    PAGE("/openapi.json", WHO_ANYONE, page_openapi),
    PAGE("/docs", WHO_ANYONE, page_docs),
    {SPAN("/admin/v1/cache"), GET | POST, WHO_ADMIN, &page_cache, NULL},
    PAGE("/usage/summary", WHO_READER, records_summary),
    PAGE("/usage/calls", WHO_READER, records_calls),
    PAGE("/usage/calls/*", WHO_READER, records_call),
    PAGE("/usage/prices", WHO_READER, page_prices),
    KEYS("/admin/v1/keys", GET | POST, keys_all),
    KEYS("/admin/v1/keys/*/rotate", POST, keys_rotate),
    KEYS("/admin/v1/keys/*/revoke", POST, keys_revoke),
    KEYS("/admin/v1/keys/*", GET | PATCH, keys_one),
    KEYS("/admin/v1/clients/paused", GET, pauses_all),
    KEYS("/admin/v1/clients/*/pause", POST, pauses_pause),
    KEYS("/admin/v1/clients/*/resume", POST, pauses_resume),
};

/* A configured path of /v1 that goes on as it is. */
static const call_row as_it_is = {&form_openai, EP_OTHER, .takes_json = false};
static const route passthrough = {{NULL, 0}, ANY, WHO_CLIENT, &call_ops, &as_it_is};

static bool matches(span pattern, span path) {
    const size_t star = span_find(pattern, 0, '*');
    if (star == pattern.len) return span_eq(pattern, path);
    const span stem = span_slice(pattern, 0, star);
    const span tail = span_slice(pattern, star + 1, pattern.len);
    return path.len > stem.len + tail.len && span_starts(path, stem) && span_ends(path, tail);
}

/* A row's path below /v1; empty: the row is none of the API's. */
static span below_v1(span pattern) {
    return span_starts(pattern, SPAN_OF("/v1/")) ? span_slice(pattern, 3, pattern.len) : SPAN_EMPTY;
}

/* The rows of the API by another spelling of their paths. A deployment is a model that is called,
 * so its paths are those of calls. */
static const route *find_spelt(const api_path *p) {
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (matches(below_v1(routes[i].path), p->below) && (routes[i].call || !p->deployment.len))
            return &routes[i];
    return NULL;
}

/* Whoever lets through all of /v1 has not asked for the rest of the server. */
static bool passes(span pattern, const api_path *p) {
    span below = below_v1(pattern);
    return matches(below, p->below) && !(p->base == API_BARE && span_eq(below, SPAN_OF("/*")));
}

/* Without what clients put before the paths of the API, and before deployments' names. */
static span without_bases(span path) {
    static const span bases[] = {SPAN("/v1"), SPAN("/openai"), SPAN("/deployments")};
    for (size_t i = 0; i < ARRAY_LEN(bases);) {
        if (!span_starts(path, bases[i]) || path.len == bases[i].len ||
            path.ptr[bases[i].len] != '/') {
            i++;
            continue;
        }
        path = span_slice(path, bases[i].len, path.len);
        if (i == 2) path = span_slice(path, span_find(path, 1, '/'), path.len);
        i = 0;
    }
    return path;
}

/* A row of the API in a spelling that weir does not know, and the server behind it may: what the
 * row asks of a request (its rights, its limits, the guard) nobody would have asked. */
static bool is_disguised(span path) {
    buf loose = BUF_EMPTY;
    http_path_loosely(path, &loose);
    const span below = without_bases(buf_span(&loose));
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(routes) && below.len && !found; i++)
        found = matches(below_v1(routes[i].path), below);
    buf_done(&loose);
    return found;
}

/* A configured path, spelt in whatever way. */
static const route *find_passed(const config *c, const api_path *p, span path) {
    for (size_t i = 0; i < c->passthrough_count; i++)
        if (passes(c->passthrough[i], p) && http_path_is_plain(path)) return &passthrough;
    return NULL;
}

const route *route_find(const config *c, span path) {
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (matches(routes[i].path, path)) return &routes[i];
    const api_path p = api_path_of(path);
    if (p.base == API_NONE) return NULL;
    const route *row = p.base == API_V1 ? NULL : find_spelt(&p);
    if (row) return row;
    row = find_passed(c, &p, path);
    return row && is_disguised(path) ? NULL : row;
}

/* What the configuration has beside a row of the API; NULL: nothing. */
static const route *find_beside(const config *c, const route *row, span path) {
    if (!below_v1(row->path).len) return NULL;
    const api_path p = api_path_of(path);
    return find_passed(c, &p, path);
}

const route *route_for(const config *c, http_method method, span path) {
    const route *row = route_find(c, path);
    if (!row || route_allows(row, method)) return row;
    const route *further = find_beside(c, row, path);
    return further && route_allows(further, method) ? further : row;
}

/* A page or a call of that very path, with /v1 before it or without. */
static span exactly(span path) {
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (span_eq(routes[i].path, path) || span_eq(below_v1(routes[i].path), path))
            return routes[i].path;
    return SPAN_EMPTY;
}

span route_meant(span path) {
    enum { LONGEST = 256 }; /* who writes more has not mistaken himself */
    if (path.len > LONGEST) return SPAN_EMPTY;
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    for (size_t at = 0; at < path.len; at++) {
        if (path.ptr[at] != '/') continue;
        span meant = exactly(span_slice(path, at, path.len));
        if (meant.len) return meant;
    }
    return SPAN_EMPTY;
}

const route *route_table(size_t *ret_count) {
    *ret_count = ARRAY_LEN(routes);
    return routes;
}

bool route_allows(const route *row, http_method method) {
    return method == HTTP_OPTIONS_M || (row->methods >> method & 1u);
}

void route_allow(const config *c, const route *row, span path, buf *out) {
    static const struct {
        http_method method;
        const char *name;
    } names[] = {
        {HTTP_GET_M, "GET"}, {HTTP_HEAD_M, "HEAD"},   {HTTP_POST_M, "POST"},
        {HTTP_PUT_M, "PUT"}, {HTTP_PATCH_M, "PATCH"}, {HTTP_DELETE_M, "DELETE"},
    };
    const route *further = find_beside(c, row, path);
    const unsigned methods = row->methods | (further ? further->methods : 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (methods >> names[i].method & 1u) buf_addf(out, "%s, ", names[i].name);
    buf_add_cstr(out, "OPTIONS");
}

span route_name(const route *row, span path) {
    if (!row->call || row->call->endpoint == EP_OTHER) return SPAN_EMPTY;
    return api_path_of(path).deployment.len ? row->call->deployed : path;
}

span route_rest(const route *row, span path) {
    span below = below_v1(row->path);
    if (!below.len) {
        const size_t star = span_find(row->path, 0, '*');
        return span_slice(path, star, path.len - (row->path.len - star - 1));
    }
    const api_path p = api_path_of(path);
    return span_slice(p.below, below.len - 1, p.below.len);
}
