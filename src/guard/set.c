#include "guard/rule.h"

#include "base/mem.h"

#include <stdlib.h>

/* ---- which rules there are ---- */

/* Shipped ones, changed and joined by an operator's. Whose it is is told by `own`: SIZE_MAX: weir's
 * alone. */
typedef struct gathered {
    guard_rule_text *texts;
    size_t *own;
    size_t count;
} gathered;

static guard_rule_text *named(gathered *g, span name) {
    for (size_t i = 0; i < g->count; i++)
        if (span_eq(g->texts[i].name, name)) return &g->texts[i];
    return NULL;
}

/* What is said of a rule beats what it said before. */
static void change(guard_rule_text *rule, const guard_rule_text *by) {
    if (by->label.len) rule->label = by->label;
    if (by->near_count) rule->near = by->near, rule->near_count = by->near_count;
    if (by->stop_count) rule->stop = by->stop, rule->stop_count = by->stop_count;
    if (by->check.len) rule->check = by->check;
    if (by->entropy > 0) rule->entropy = by->entropy;
    if (by->has_action) rule->action = by->action, rule->has_action = true;
    if (by->where) rule->where = by->where;
    if (by->show >= 0) rule->show = by->show;
    if (by->score) rule->score = by->score;
}

static void complain_at(guard_complain *tell, void *ctx, size_t i, const char *member,
                        const char *message, bool *ret_bad) {
    *ret_bad = true;
    if (tell) tell(ctx, i, member, message);
}

static bool is_twice(const guard_rule_text *own, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (span_eq(own[k].name, own[i].name)) return true;
    return false;
}

/* An operator's come first: they win a place that weir's would hide too. */
static bool gather(gathered *g, bool shipped, const guard_rule_text *own, size_t count,
                   guard_complain *tell, void *ctx) {
    bool bad = false;
    size_t ships = shipped ? guard_shipped_count : 0;
    g->texts = mem_zalloc_array(ships + count + 1, sizeof *g->texts);
    g->own = mem_zalloc_array(ships + count + 1, sizeof *g->own);
    gathered weirs = {guard_shipped_count ? mem_alloc(guard_shipped_count * sizeof *g->texts)
                                          : NULL,
                      NULL, ships};
    if (ships) memcpy(weirs.texts, guard_shipped, ships * sizeof *g->texts);
    size_t *changed_by = mem_zalloc_array(ships + 1, sizeof *changed_by);
    for (size_t i = 0; i < count; i++) {
        guard_rule_text *before = named(&weirs, own[i].name);
        if (count <= 1000 && is_twice(own, i))
            complain_at(tell, ctx, i, "name", "is another rule's too", &bad);
        bool whole = own[i].pattern.len || own[i].start.len;
        if (before) {
            changed_by[before - weirs.texts] = i + 1;
            if (whole)
                *before = own[i];
            else
                change(before, &own[i]);
        } else {
            g->texts[g->count] = own[i];
            g->own[g->count++] = i;
        }
    }
    for (size_t i = 0; i < ships; i++) {
        g->texts[g->count] = weirs.texts[i];
        g->own[g->count++] = changed_by[i] ? changed_by[i] - 1 : SIZE_MAX;
    }
    free(weirs.texts);
    free(changed_by);
    return !bad;
}

/* ---- the set ---- */

static void add_shapes(guard_set *s, rule_literals *l) {
    for (unsigned shape = SHAPE_FIRST + 1; shape < SHAPE_COUNT; shape++) {
        s->shaped[shape] = arena_alloc(&s->memory, (s->count + 1) * sizeof(uint32_t));
        for (size_t i = 0; i < s->count; i++)
            if (s->rules[i].shape == shape)
                s->shaped[shape][s->shaped_count[shape]++] = (uint32_t)i;
        span bytes = guard_shape_bytes((guard_shape)shape);
        if (!s->shaped_count[shape]) continue;
        l->items = mem_realloc(l->items, (l->count + bytes.len + 1) * sizeof *l->items);
        for (size_t i = 0; i < bytes.len; i++)
            l->items[l->count++] =
                (literal){span_slice(bytes, i, i + 1), SHAPE_OWNER + shape, 0, false};
        l->cap = l->count + 1;
    }
}

/* How much is held of a lead that is not all there, by rules that show less of it. */
static void find_strict(guard_set *s, const rule_literals *l) {
    automaton *a = &s->leads;
    s->strict = mem_zalloc_array(a->states, 1);
    for (size_t i = 0; i < l->count; i++) {
        span text = span_slice(l->items[i].text, 0, LITERAL_MAX);
        if (l->items[i].len >= text.len) continue;
        uint16_t state = 0;
        for (size_t k = 1; k < text.len; k++) {
            state =
                a->next[(unsigned)state << a->shift | a->classes[(unsigned char)text.ptr[k - 1]]];
            size_t hold = k > l->items[i].len ? k - l->items[i].len : 0;
            if (a->depths[state] == k && s->strict[state] < hold) s->strict[state] = (uint8_t)hold;
        }
    }
    for (unsigned depth = 1; depth <= LITERAL_MAX; depth++)
        for (size_t i = 0; i < a->states; i++)
            if (a->depths[i] == depth && s->strict[i] < s->strict[a->falls[i]])
                s->strict[i] = s->strict[a->falls[i]];
}

static void find_digits(guard_set *s) {
    s->digits = SIZE_MAX;
    for (size_t i = 0; i < s->shaped_count[SHAPE_DIGITS]; i++) {
        const size_t digits = s->rules[s->shaped[SHAPE_DIGITS][i]].digits.all;
        if (digits < s->digits) s->digits = digits;
    }
}

static void note_parted(const guard_set *s, rule_literals *l) {
    for (size_t i = 0; i < l->count; i++) {
        const rule_code *r = l->items[i].owner < SHAPE_OWNER ? &s->rules[l->items[i].owner] : NULL;
        l->items[i].parted = r && (r->apart || r->parted);
    }
}

static bool compile_all(guard_set *s, const gathered *g, rule_literals *l, guard_complain *tell,
                        void *ctx) {
    bool bad = false;
    for (size_t i = 0; i < g->count; i++) {
        const bool shipped = g->own[i] == SIZE_MAX;
        rule_complaints c = {shipped ? NULL : tell, ctx, g->own[i], shipped, false};
        rule_code *r = &s->rules[i];
        r->says.index = (unsigned)i;
        s->count = i + 1;
        if (!rule_compile(s, &g->texts[i], r, l, &c)) bad = true;
    }
    return !bad;
}

guard_set *guard_set_new(bool shipped, const guard_rule_text *own, size_t count,
                         guard_complain *complain, void *ctx) {
    bool good = true;
    if (count > GUARD_RULES_MAX) {
        complain_at(complain, ctx, GUARD_RULES_MAX, "name", "is one rule too many", &good);
        return NULL;
    }
    gathered g = {0};
    rule_literals literals = {0};
    good = gather(&g, shipped, own, count, complain, ctx);
    guard_set *s = mem_zalloc(sizeof *s);
    atomic_init(&s->refs, 1);
    arena_init(&s->memory, 32 << 10);
    s->rules = mem_zalloc_array(g.count + 1, sizeof *s->rules);
    s->kinds = mem_zalloc_array(g.count + 1, sizeof *s->kinds);
    good = compile_all(s, &g, &literals, complain, ctx) && good;
    if (good) {
        add_shapes(s, &literals);
        find_digits(s);
        note_parted(s, &literals);
        automaton_init(&s->leads, literals.items, literals.count);
        sift_init(&s->sift, literals.items, literals.count);
        find_strict(s, &literals);
    }
    free(literals.items);
    free(g.texts);
    free(g.own);
    if (good) return s;
    guard_set_unref(s);
    return NULL;
}

guard_set *guard_set_ref(guard_set *s) {
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void guard_set_unref(guard_set *s) {
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < s->count; i++)
        rule_done(&s->rules[i]);
    automaton_done(&s->leads);
    free(s->strict);
    free(s->rules);
    free(s->kinds);
    arena_done(&s->memory);
    free(s);
}

size_t guard_set_count(const guard_set *s) {
    return s->count;
}

const guard_rule *guard_set_rule(const guard_set *s, size_t i) {
    return &s->rules[i].says;
}

const guard_rule *guard_set_find(const guard_set *s, span name) {
    for (size_t i = 0; i < s->count; i++)
        if (span_eq(s->rules[i].says.name, name)) return &s->rules[i].says;
    return NULL;
}

bool guard_set_knows(const guard_set *s, span name) {
    for (size_t i = 0; i < s->kind_count; i++)
        if (span_eq(s->kinds[i], name)) return true;
    return guard_set_find(s, name);
}
