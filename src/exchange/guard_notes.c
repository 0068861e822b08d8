/* What guards have found: the call's record, the metrics. Never what it was. */
#include "exchange/guard.h"

#include "base/mem.h"

const guard_rule guard_external = {.name = SPAN("external"), .kind = SPAN("external")};

static span way_word(guard_where way) {
    return way == GUARD_IN ? SPAN_OF("in") : SPAN_OF("out");
}

/* Behind those that are as grave. Where there are too many the last makes room, or there is none:
 * nobody hides what was blocked behind what is noted alone. */
static guard_tally *make_place(guard_tallies *found, guard_action action) {
    size_t at = found->count;
    while (at && found->items[at - 1].action < action)
        at--;
    if (at == GUARD_TALLIES) return NULL;
    if (found->count < GUARD_TALLIES) found->count++;
    memmove(&found->items[at + 1], &found->items[at],
            (found->count - 1 - at) * sizeof(guard_tally));
    return &found->items[at];
}

/* NULL: there is none. */
static guard_tally *find(guard_tally *items, size_t count, const guard_tally *like) {
    for (size_t i = 0; i < count; i++)
        if (items[i].way == like->way && items[i].rule == like->rule &&
            items[i].action == like->action)
            return &items[i];
    return NULL;
}

static void tally(exchange_guard *g, const guard_tally *more) {
    if (!g->found) g->found = arena_zalloc(&g->x->arena, sizeof *g->found);
    guard_tally *t = find(g->found->items, g->found->count, more);
    if (t)
        t->count += more->count;
    else if ((t = make_place(g->found, more->action)))
        *t = *more;
}

static void tally_apart(guard_apart *all, const guard_tally *more) {
    guard_tally *t = find(all->items, all->count, more);
    if (t) {
        t->count += more->count;
        return;
    }
    if (all->count == all->cap) {
        all->cap = all->cap ? 2 * all->cap : 8;
        all->items = mem_realloc(all->items, all->cap * sizeof *all->items);
    }
    all->items[all->count++] = *more;
}

/* In its own place, since it is written anew at each verdict. */
static void write_notes(exchange_guard *g) {
    buf out = BUF_EMPTY;
    guard_tallies *found = g->found;
    for (size_t i = 0; i < found->count; i++) {
        const guard_tally *t = &found->items[i];
        const size_t before = out.len;
        buf_addf(&out, "%s%.*s.%.*s.%s=%u", i ? "," : "", SPAN_ARG(way_word(t->way)),
                 SPAN_ARG(t->rule->name), guard_action_name(t->action), t->count);
        if (out.len <= sizeof found->notes) continue;
        out.len = before;
        break;
    }
    memcpy(found->notes, out.ptr, out.len);
    g->x->record.guard = span_from(found->notes, out.len);
    buf_done(&out);
}

void guard_note(exchange_guard *g, guard_where way, const guard_rule *rule, guard_action action,
                unsigned count) {
    const guard_tally more = {way, rule, action, count};
    if (!g->x) {
        tally_apart(g->apart, &more);
        return;
    }
    tally(g, &more);
    if (action > g->x->guarded) g->x->guarded = (unsigned char)action;
    write_notes(g);
    if (!g->x->env->metrics) return;
    const call_record *r = &g->x->record;
    const span labels[] = {r->client, r->model_label, way_word(way), rule->name,
                           span_cstr(guard_action_name(action))};
    metric_add(metrics_series(g->x->env->metrics, METRIC_GUARDED, labels), count);
}

span guard_words(arena *a, const guard_rule *rule) {
    return arena_printf(a, "%.*s (%.*s)", SPAN_ARG(rule->kind), SPAN_ARG(rule->name));
}

/* Blanks may be escaped. */
bool guard_begins_json(span text) {
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.ptr[i];
        if (memchr(" \n\r\t", c, 4)) continue;
        if (c != '\\' || i + 1 == text.len || !memchr("nrt", text.ptr[i + 1], 3))
            return c == '{' || c == '[';
        i++;
    }
    return true;
}

bool guard_is_json(span text) {
    static const json_limits limits = {.repeats = true};
    json_value root;
    json_fault fault;
    return json_scan(text, &limits, &root, &fault);
}

bool guard_says_json(json_value string) {
    arena a;
    arena_init(&a, 0);
    const bool is = guard_is_json(json_string(string, &a));
    arena_wipe(&a);
    arena_done(&a);
    return is;
}

/* ---- what a loop's lanes match in ---- */

static void free_scratch(void *what) {
    guard_scratch_free(what);
}

guard_scratch *guard_scratch_of(exchange_env *env) {
    if (!env->guard) {
        env->guard = guard_scratch_new();
        env->guard_free = free_scratch;
    }
    return env->guard;
}
