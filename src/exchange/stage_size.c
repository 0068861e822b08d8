/* size: is it too large or too complex, or asks for too much? What the file, the model and the
 * client say under limits.request holds, each for itself. */
#include "exchange/request_sizes.h"

#include "exchange/internal.h"

#include <inttypes.h>

enum { SOURCES = 3 };

typedef struct source {
    const config_sizes *sizes;
    const char *where; /* before limits.request */
    span name;         /* of a model */
} source;

/* Those that say anything. model may be NULL. */
static size_t sources_of(const exchange *x, const config_model *model, source ret[SOURCES]) {
    const source all[SOURCES] = {
        {x->client ? &x->client->sizes : NULL, "clients[].", SPAN_EMPTY},
        {model ? &model->sizes : NULL, "models.", model ? model->name : SPAN_EMPTY},
        {&exchange_config(x)->limits.sizes, "", SPAN_EMPTY},
    };
    size_t n = 0;
    for (size_t i = 0; i < SOURCES; i++)
        if (all[i].sizes && config_sizes_anything(all[i].sizes)) ret[n++] = all[i];
    return n;
}

static span option_of(exchange *x, const source *s, const char *name) {
    return arena_printf(&x->arena, "%s%.*s%slimits.request.%s", s->where, SPAN_ARG(s->name),
                        s->name.len ? "." : "", name);
}

/* ---- the body ---- */

static stage_result judge_body(exchange *x, const source *s, size_t count) {
    const size_t bytes = x->request->body.len;
    for (size_t i = 0; i < count; i++) {
        const size_t most = s[i].sizes->body_bytes;
        if (!most || bytes <= most) continue;
        const span option = option_of(x, &s[i], "body");
        return exchange_refuse(x, ERR_BODY_TOO_LARGE, NULL,
                               "The request body has %zu bytes; at most %zu are allowed (%.*s).",
                               bytes, most, SPAN_ARG(option));
    }
    return STAGE_NEXT;
}

/* ---- what is counted ---- */

/* The member that has what is counted. */
static const char *texts_of(const exchange *x) {
    if (x->form == &form_chat) return "message";
    switch (x->facts.endpoint) {
    case EP_CHAT_COMPLETIONS: return "messages";
    case EP_COMPLETIONS: return "prompt";
    default: return "input";
    }
}

static stage_result refuse(exchange *x, const source *s, config_size what, int64_t has) {
    const int64_t most = s->sizes->most[what];
    const span name = config_size_names[what], option = option_of(x, s, name.ptr);
    const char *texts = texts_of(x);
    if (has == SIZE_UNCOUNTED)
        return exchange_refuse(x, ERR_TOO_MANY_ITEMS, texts,
                               "This request has more parts than are looked through for its "
                               "%s; at most %" PRId64 " are allowed (%.*s).",
                               name.ptr, most, SPAN_ARG(option));
    if (what == SIZE_OF_N) {
        const char *member = request_sizes_n_member(&x->facts);
        return exchange_refuse(x, ERR_NUMBER_TOO_LARGE, member,
                               "'%s' is %" PRId64 "; at most %" PRId64 " is allowed (%.*s).",
                               member, has, most, SPAN_ARG(option));
    }
    if (what == SIZE_OF_DEPTH)
        return exchange_refuse(x, ERR_BAD_VALUE, NULL,
                               "The JSON of this request is nested %" PRId64
                               " deep; at most %" PRId64 " is allowed (%.*s).",
                               has, most, SPAN_ARG(option));
    const bool is_text = what == SIZE_OF_CHARACTERS;
    return exchange_refuse(x, is_text ? ERR_TOO_MANY_CHARACTERS : ERR_TOO_MANY_ITEMS,
                           what == SIZE_OF_TOOLS ? "tools" : texts,
                           "This request has %" PRId64 " %s; at most %" PRId64
                           " are allowed (%.*s).",
                           has, name.ptr, most, SPAN_ARG(option));
}

static unsigned wanted_by(const source *s, size_t count) {
    unsigned wanted = 0;
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < CONFIG_SIZES; k++)
            wanted |= s[i].sizes->most[k] ? 1u << k : 0;
    return wanted;
}

static stage_result judge_counts(exchange *x, const source *s, size_t count) {
    const unsigned wanted = wanted_by(s, count);
    int64_t found[CONFIG_SIZES] = {0};
    const int64_t *has = x->large ? x->large->sizes : NULL;
    if (!wanted) return STAGE_NEXT;
    if (!has) {
        request_sizes_count(&x->facts, wanted, found);
        has = found;
    }
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < CONFIG_SIZES; k++)
            if (s[i].sizes->most[k] && has[k] > s[i].sizes->most[k])
                return refuse(x, &s[i], (config_size)k, has[k]);
    return STAGE_NEXT;
}

void stage_size_look_large(exchange *seen, large_request *l) {
    const request_facts *f = &seen->facts;
    const span name = f->model_name;
    source s[SOURCES];
    const config_model *model =
        config_find_model(exchange_config(seen), name.len ? name : SPAN_OF("*"));
    const unsigned wanted = wanted_by(s, sources_of(seen, model, s));
    if (!wanted || f->root.type != JSON_OBJECT) return;
    l->sizes = arena_zalloc(&seen->arena, CONFIG_SIZES * sizeof *l->sizes);
    request_sizes_count(f, wanted, l->sizes);
}

/* ---- how much is asked for ---- */

static stage_result refuse_tokens(exchange *x, const source *s, const json_member *m) {
    const span member = arena_dup(&x->arena, json_string(json_member_name(m), &x->arena));
    const span option = option_of(x, s, "max_tokens.at_most");
    return exchange_refuse(x, ERR_NUMBER_TOO_LARGE, member.ptr,
                           "'%.*s' is %.*s; at most %" PRId64 " is allowed (%.*s).",
                           SPAN_ARG(member), SPAN_ARG(span_clip(m->value.raw, 40)),
                           s->sizes->max_tokens, SPAN_ARG(option));
}

/* Of several the least holds, with what it says of those who ask for more. */
static const source *least_tokens(const source *s, size_t count) {
    const source *least = NULL;
    for (size_t i = 0; i < count; i++) {
        const int64_t most = s[i].sizes->max_tokens;
        const bool less = most && (!least || most < least->sizes->max_tokens);
        const bool harder =
            most && least && most == least->sizes->max_tokens && s[i].sizes->over == OVER_REFUSE;
        if (less || harder) least = &s[i];
    }
    return least;
}

static void cap(exchange *x, int64_t most) {
    request_bounds b = request_bounds_of(&x->facts);
    if (b.answer_tokens < 0 || b.answer_tokens > most) b.answer_tokens = most;
    x->facts.bounds = b;
    x->facts.cap_tokens = most;
}

/* Of a step that is the word of the request that it is a step of. */
static bool bound_by_weir(const exchange *x) {
    return x->facts.bound_by_weir || (x->parent && x->parent->facts.bound_by_weir);
}

/* What weir puts in itself is no more than may be asked for. */
static stage_result judge_tokens(exchange *x, const source *s, size_t count) {
    const source *least = least_tokens(s, count);
    if (!least) return STAGE_NEXT;
    const int64_t most = least->sizes->max_tokens;
    if (least->sizes->over == OVER_CAP) {
        cap(x, most);
        return STAGE_NEXT;
    }
    json_iter it = json_iter_of(x->facts.root);
    for (json_member m; json_next_member(&it, &m);) {
        const bool beyond = request_bounds_answer(json_member_name(&m)) &&
                            request_bound_says(m.value, most) == BOUND_BEYOND;
        if (beyond && !bound_by_weir(x)) return refuse_tokens(x, least, &m);
        if (beyond) cap(x, most);
    }
    return STAGE_NEXT;
}

/* ---- the row ---- */

/* A step's request is weir's own; what it may ask for is the client's. */
stage_result stage_size(exchange *x) {
    source s[SOURCES];
    const size_t count = sources_of(x, x->model, s);
    if (!count) return STAGE_NEXT;
    const bool own = !x->parent, is_object = x->facts.root.type == JSON_OBJECT;
    stage_result r = own ? judge_body(x, s, count) : STAGE_NEXT;
    if (r == STAGE_NEXT && own && (is_object || x->facts.form)) r = judge_counts(x, s, count);
    return r == STAGE_NEXT && is_object ? judge_tokens(x, s, count) : r;
}
