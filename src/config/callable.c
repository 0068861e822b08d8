#include "config/callable.h"

#include "config/pattern.h"

typedef struct callable {
    span name; /* in records; empty: it has none */
    span path; /* bare; empty: any */
    bool api;  /* it is below /v1, where passthrough may have other methods of it */
} callable;

/* The API's endpoints, weir's own, and what is passed through. Models are told to everybody. */
static const callable all[] = {
#define X(id, path, name, dialect, streams, needs_model) {SPAN(name), SPAN(path), true},
#include "config/endpoints.def"
#undef X
    {SPAN("chat"), SPAN("/chat"), false},
    {SPAN("chat.functions"), SPAN("/chat/functions"), false},
    {SPAN("mcp"), SPAN("/mcp"), false},
    {SPAN("other"), SPAN(""), false},
    {SPAN(""), SPAN("/chat/functions/*"), false},
    {SPAN(""), SPAN("/models"), true},
    {SPAN(""), SPAN("/models/*"), true},
};

static span without_slash(span path) {
    return span_starts(path, SPAN_OF("/")) ? span_slice(path, 1, path.len) : path;
}

static bool is_below_v1(span path) {
    return span_starts(without_slash(path), SPAN_OF("v1/"));
}

/* "/v1/audio/speech" and "/audio/speech" are "audio/speech". */
static span bare(span path) {
    const span rest = without_slash(path);
    return is_below_v1(path) ? span_slice(rest, 3, rest.len) : rest;
}

/* One model's, and nothing that is below it. */
static bool is_of_one_model(span entry) {
    const span models = SPAN_OF("models/");
    return span_starts(entry, models) && !pattern_is_open(entry) &&
           span_find(entry, models.len, '/') == entry.len;
}

/* An entry that is the name or the path of something that weir has means that, and not what
 * passthrough has beside it: who may ask a model may not therefore list what it has told others.
 * Beside weir's own calls passthrough has nothing: its "/v1/chat" is another path than "/chat", and
 * who may call this may not therefore call that. */
static bool is_own(span entry) {
    const span below = bare(entry);
    if (is_of_one_model(below)) return true;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const callable *one = &all[i];
        if (!one->path.len || (!one->api && is_below_v1(entry))) continue;
        if (span_eq(below, bare(one->path)) || (one->name.len && span_eq(below, one->name)))
            return true;
    }
    return false;
}

bool callable_fits(span entry, span name, span path) {
    if (span_eq(name, SPAN_OF("other")) && is_own(entry)) return false;
    entry = bare(entry);
    return pattern_fits(entry, name) || pattern_fits(entry, bare(path));
}

bool callable_is_any(const config *c, span entry) {
    entry = bare(entry);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i].name.len && pattern_fits(entry, all[i].name)) return true;
        if (all[i].path.len && patterns_meet(entry, bare(all[i].path))) return true;
    }
    for (size_t i = 0; i < c->passthrough_count; i++)
        if (patterns_meet(entry, bare(c->passthrough[i]))) return true;
    return false;
}

span callable_name_at(span path) {
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].name.len && all[i].path.len && span_eq(bare(path), bare(all[i].path)))
            return all[i].name;
    return SPAN_EMPTY;
}

void callable_add_expected(buf *out) {
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].name.len) buf_addf(out, "%s%.*s", i ? ", " : "", SPAN_ARG(all[i].name));
    buf_add_cstr(out, ", a path of these such as /v1/chat/completions, one that passthrough lets "
                      "through, or a beginning of these and *");
}
