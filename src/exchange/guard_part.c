#include "exchange/guard_part.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "config/problems.h"
#include "guard/file.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { USES = CONFIG_GUARD_BLOCK + 1 };

typedef struct made {
    pthread_mutex_t lock;            /* of making them later */
    _Atomic(int64_t) again_ms;       /* monotonic: before that nobody tries to */
    unsigned failures;               /* in a row, under the lock */
    uint64_t told;                   /* hash of the reason that was told last */
    uint64_t mark;                   /* of the rules: other ones have another */
    _Atomic(guard_set *) set;        /* NULL: nothing is looked at; there before */
    guard_policy *policies[2][USES]; /* in, out; not changed any more */
    guard_policy *kept;              /* of bodies that an audit trail keeps; NULL: it keeps none */
} made;

/* ---- the rules ---- */

static guard_rule_text text_of(const config_guard_rule *r) {
    return (guard_rule_text){
        .name = r->name,
        .label = r->label,
        .kind = r->kind,
        .pattern = r->pattern,
        .leads = r->leads,
        .lead_count = r->lead_count,
        .start = r->start,
        .near = r->near,
        .near_count = r->near_count,
        .stop = r->stop,
        .stop_count = r->stop_count,
        .check = r->check,
        .entropy = r->entropy,
        .action = r->action ? (guard_action)(r->action - CONFIG_GUARD_OFF) : GUARD_OFF,
        .has_action = r->action != CONFIG_GUARD_UNSET,
        .where = r->where,
        .show = (int)r->show - 1,
        .score = r->score,
        .source = r->source,
    };
}

typedef struct faults {
    const config *config;
    guard_fault *fault;
    void *ctx;
    size_t count;
} faults;

static void tell(faults *f, const void *field, buf *text) {
    f->fault(f->ctx, field, buf_span(text));
    f->count++;
    buf_done(text);
}

/* Hashes of the names of rules that are not weir's and say what to do, in their order. */
typedef struct own_names {
    uint64_t *hashes;
    size_t count;
    uint64_t mark; /* of all rules */
} own_names;

/* Those of files, then those of the configuration. */
typedef struct all_rules {
    faults *faults;
    arena arena;
    guard_rule_text *texts;
    const span **files; /* whose each is; NULL: the configuration's */
    size_t count, from; /* from: the first of the configuration */
} all_rules;

static void on_complaint(void *ctx, size_t rule, const char *member, const char *message) {
    const all_rules *all = ctx;
    const config *c = all->faults->config;
    buf text = BUF_EMPTY;
    if (rule >= all->from) {
        rule -= all->from;
        buf_addf(&text, "guard.rules[%zu].%s %s", rule, member, message);
        tell(all->faults, &c->guard.rules.items[rule], &text);
        return;
    }
    const span name = all->texts[rule].name, *file = all->files[rule];
    buf_addf(&text, "%.*s: %.*s: %s %s", SPAN_ARG(*file), SPAN_ARG(name), member, message);
    tell(all->faults, file, &text);
}

static void add_rules(all_rules *all, const guard_rule_text *texts, size_t count,
                      const span *file) {
    const size_t total = all->count + count;
    all->texts = mem_realloc(all->texts, (total + 1) * sizeof *all->texts);
    all->files = mem_realloc(all->files, (total + 1) * sizeof *all->files);
    for (size_t i = 0; i < count; i++) {
        all->texts[all->count] = texts[i];
        all->files[all->count++] = file;
    }
}

static bool slurp(span path, buf *out) {
    enum { FILE_MAX = 16 << 20, PIECE = 64 << 10 };
    buf name = BUF_EMPTY;
    buf_add(&name, path);
    FILE *f = fopen(buf_cstr(&name), "re");
    buf_done(&name);
    if (!f) return false;
    for (size_t n; out->len <= FILE_MAX && (n = fread(buf_reserve(out, PIECE), 1, PIECE, f)) > 0;)
        buf_grow(out, n);
    const bool good = !ferror(f) && out->len <= FILE_MAX;
    fclose(f);
    return good;
}

static void add_file(all_rules *all, const span *path) {
    buf source = BUF_EMPTY, text = BUF_EMPTY;
    config_problems problems;
    guard_file file;
    problems_init(&problems);
    if (!slurp(*path, &source)) {
        buf_addf(&text, "guard.files: cannot read %.*s", SPAN_ARG(*path));
        tell(all->faults, path, &text);
    } else {
        const span kept = arena_dup(&all->arena, buf_span(&source));
        if (guard_file_read(kept, *path, &all->arena, &file, &problems))
            add_rules(all, file.rules, file.count, path);
    }
    for (size_t i = 0; i < problems.count; i++) {
        const config_problem *p = &problems.items[i];
        buf_add(&text, *path);
        if (p->line) buf_addf(&text, ":%u:%u", p->line, p->column);
        buf_addf(&text, ": %.*s", SPAN_ARG(p->text));
        tell(all->faults, path, &text);
    }
    config_problems_done(&problems);
    buf_done(&source);
}

static void gather(all_rules *all) {
    const config_guard *g = &all->faults->config->guard;
    for (size_t i = 0; i < g->files.count; i++)
        add_file(all, &g->files.items[i]);
    all->from = all->count;
    for (size_t i = 0; i < g->rules.count; i++) {
        const guard_rule_text text = text_of(&g->rules.items[i]);
        add_rules(all, &text, 1, NULL);
    }
}

static void check_actions(const guard_set *set, faults *f) {
    const config_guard_overrides *all = &f->config->guard.actions;
    for (size_t i = 0; i < all->count; i++) {
        buf text = BUF_EMPTY;
        if (guard_set_knows(set, all->items[i].rule)) continue;
        buf_addf(
            &text,
            "guard.actions[%zu] is of no rule and no kind of rules; `weir guard list` names them",
            i);
        tell(f, &all->items[i], &text);
    }
}

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void note_own(own_names *own, const all_rules *all) {
    own->hashes = mem_zalloc_array(all->count + 1, sizeof *own->hashes);
    for (size_t i = 0; i < all->count; i++)
        if (all->texts[i].has_action) own->hashes[own->count++] = hash_span(all->texts[i].name);
    qsort(own->hashes, own->count, sizeof *own->hashes, by_value);
}

/* ---- which rules there are ---- */

static void mark_text(buf *out, span text) {
    buf_add_u64(out, text.len);
    buf_add(out, SPAN_OF(":"));
    buf_add(out, text);
}

static void mark_texts(buf *out, const span *texts, size_t count) {
    for (size_t i = 0; i < count; i++)
        mark_text(out, texts[i]);
    buf_add(out, SPAN_OF(";"));
}

/* Whatever decides what they find and do. The shipped ones are the program's. */
static uint64_t mark_of(const config *c, const all_rules *all) {
    buf text = BUF_EMPTY;
    buf_addf(&text, "%d;", c->guard.shipped);
    for (size_t i = 0; i < all->count; i++) {
        const guard_rule_text *t = &all->texts[i];
        const span parts[] = {t->name, t->label, t->kind, t->pattern, t->start, t->check};
        mark_texts(&text, parts, ARRAY_LEN(parts));
        mark_texts(&text, t->leads, t->lead_count);
        mark_texts(&text, t->near, t->near_count);
        mark_texts(&text, t->stop, t->stop_count);
        buf_addf(&text, "%g;%d;%d;%u;%d;%u;", t->entropy, t->action, t->has_action, t->where,
                 t->show, t->score);
    }
    for (size_t i = 0; i < c->guard.actions.count; i++) {
        mark_text(&text, c->guard.actions.items[i].rule);
        buf_addf(&text, "%d;", c->guard.actions.items[i].action);
    }
    const uint64_t mark = hash_span(buf_span(&text));
    buf_done(&text);
    return mark;
}

/* own, which may be NULL: the names of those that are not weir's and say what to do. */
static guard_set *compile(const config *c, faults *f, own_names *own) {
    all_rules all = {.faults = f};
    guard_set *set = NULL;
    arena_init(&all.arena, 0);
    gather(&all);
    if (!f->count) set = guard_set_new(c->guard.shipped, all.texts, all.count, on_complaint, &all);
    if (set) check_actions(set, f);
    if (set && own) {
        note_own(own, &all);
        own->mark = mark_of(c, &all);
    }
    free(all.texts);
    free(all.files);
    arena_done(&all.arena);
    if (!f->count) return set;
    guard_set_unref(set);
    return NULL;
}

/* ---- the policies ---- */

static bool says_what_to_do(const own_names *own, span rule) {
    const uint64_t hash = hash_span(rule);
    return own->count && bsearch(&hash, own->hashes, own->count, sizeof hash, by_value);
}

/* Where nothing is said of a text's own action, only rules that have one are looked for. */
static guard_policy *policy_of(const config *c, guard_set *set, const own_names *own,
                               guard_where way, config_guard_action use) {
    const config_guard_overrides *all = &c->guard.actions;
    guard_override *overrides =
        mem_zalloc_array(guard_set_count(set) + all->count + 1, sizeof *overrides);
    size_t n = 0;
    for (size_t i = 0; use == CONFIG_GUARD_UNSET && i < guard_set_count(set); i++) {
        const span name = guard_set_rule(set, i)->name;
        if (!says_what_to_do(own, name)) overrides[n++] = (guard_override){name, GUARD_OFF};
    }
    for (size_t i = 0; i < all->count; i++)
        overrides[n++] = (guard_override){all->items[i].rule,
                                          (guard_action)(all->items[i].action - CONFIG_GUARD_OFF)};
    const guard_action otherwise =
        use == CONFIG_GUARD_UNSET ? GUARD_FLAG : (guard_action)(use - CONFIG_GUARD_OFF);
    guard_policy *p = guard_policy_new(set, way, otherwise, overrides, n);
    if (c->guard.encoded) guard_policy_decode(p);
    free(overrides);
    return p;
}

/* What is kept shows what was harmful in it, and neither secrets nor whom it was about. A rule that
 * is off by name stays off: it finds what is neither. */
static guard_policy *policy_of_kept(const config *c, guard_set *set) {
    static const guard_override kinds[] = {
        {SPAN("secret"), GUARD_REDACT}, {SPAN("personal"), GUARD_REDACT},
        {SPAN("own"), GUARD_REDACT},    {SPAN("harmful"), GUARD_OFF},
        {SPAN("injection"), GUARD_OFF}, {SPAN("unicode"), GUARD_OFF},
    };
    const config_guard_overrides *all = &c->guard.actions;
    const size_t rules = guard_set_count(set);
    guard_override *overrides =
        mem_zalloc_array(ARRAY_LEN(kinds) + rules + all->count, sizeof *overrides);
    size_t n = ARRAY_LEN(kinds);
    memcpy(overrides, kinds, sizeof kinds);
    for (size_t i = 0; i < rules; i++) {
        const guard_rule *r = guard_set_rule(set, i);
        if (r->has_action && r->action == GUARD_OFF)
            overrides[n++] = (guard_override){r->name, GUARD_OFF};
    }
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].action == CONFIG_GUARD_OFF)
            overrides[n++] = (guard_override){all->items[i].rule, GUARD_OFF};
    guard_policy *p = guard_policy_new(set, GUARD_BOTH, GUARD_REDACT, overrides, n);
    if (c->guard.encoded) guard_policy_decode(p);
    free(overrides);
    return p;
}

static void free_guard(void *what, const config *c) {
    made *m = what;
    (void)c;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < USES; k++)
            guard_policy_free(m->policies[i][k]);
    guard_policy_free(m->kept);
    guard_set_unref(atomic_load_explicit(&m->set, memory_order_relaxed));
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

static void on_first(void *ctx, const void *field, span text) {
    buf *why = ctx;
    (void)field;
    if (!why->len) buf_add(why, text);
}

static bool make_rules(made *m, const config *c, buf *ret_why) {
    faults f = {.config = c, .fault = on_first, .ctx = ret_why};
    own_names own = {0};
    guard_set *set = compile(c, &f, &own);
    m->mark = own.mark;
    if (set && config_keeps_bodies(c)) m->kept = policy_of_kept(c, set);
    for (size_t i = 0; set && i < 2; i++)
        for (size_t k = 0; k < USES; k++)
            if (k != CONFIG_GUARD_OFF)
                m->policies[i][k] =
                    policy_of(c, set, &own, i ? GUARD_OUT : GUARD_IN, (config_guard_action)k);
    free(own.hashes);
    atomic_store_explicit(&m->set, set, memory_order_release);
    return set;
}

static void *make_guard(const config *c, buf *ret_why) {
    made *m = mem_zalloc(sizeof *m);
    (void)pthread_mutex_init(&m->lock, NULL);
    if ((!c->guard.any && !config_keeps_bodies(c)) || make_rules(m, c, ret_why)) return m;
    free_guard(m, c);
    return NULL;
}

const snapshot_part guard_part = {"guard", make_guard, free_guard};

static guard_set *set_of(const made *m) {
    return m ? atomic_load_explicit(&m->set, memory_order_acquire) : NULL;
}

bool snapshot_guard_is_due(const snapshot *s, int64_t now_ms) {
    made *m = (made *)snapshot_made(s, &guard_part); /* for its atomics */
    return m && !set_of(m) && now_ms >= atomic_load_explicit(&m->again_ms, memory_order_relaxed);
}

int64_t guard_rules_pause_ms(unsigned failures) {
    enum { FIRST_MS = 1000, MOST_MS = 60 * 1000, DOUBLINGS = 6 };
    const int64_t pause = (int64_t)FIRST_MS << (failures > DOUBLINGS ? DOUBLINGS : failures - 1);
    return pause < MOST_MS ? pause : MOST_MS;
}

/* Of a reason that lasts one line is enough. */
static guard_making note_failure(made *m, span why) {
    const uint64_t reason = hash_span(why);
    const bool is_new = !m->failures || reason != m->told;
    m->failures++;
    m->told = reason;
    atomic_store_explicit(&m->again_ms, clock_mono_ms() + guard_rules_pause_ms(m->failures),
                          memory_order_relaxed);
    return is_new ? GUARD_RULES_FAILED : GUARD_RULES_AS_BEFORE;
}

guard_making snapshot_guard_make(const snapshot *s, int64_t now_ms, buf *ret_why) {
    made *m = (made *)snapshot_made(s, &guard_part); /* under its lock where it changes */
    guard_making came = GUARD_RULES_AS_BEFORE;
    (void)pthread_mutex_lock(&m->lock);
    if (snapshot_guard_is_due(s, now_ms)) {
        if (!make_rules(m, s->config, ret_why))
            came = note_failure(m, buf_span(ret_why));
        else if (m->failures)
            came = GUARD_RULES_MENDED;
    }
    (void)pthread_mutex_unlock(&m->lock);
    return came;
}

const guard_policy *snapshot_guard(const snapshot *s, guard_where way, config_guard_action use) {
    const made *m = snapshot_made(s, &guard_part);
    const guard_policy *p = set_of(m) ? m->policies[way == GUARD_OUT][use] : NULL;
    return p && guard_policy_looks(p) ? p : NULL;
}

const guard_policy *snapshot_guard_kept(const snapshot *s) {
    const made *m = snapshot_made(s, &guard_part);
    return m ? m->kept : NULL;
}

uint64_t snapshot_guard_mark(const snapshot *s) {
    const made *m = snapshot_made(s, &guard_part);
    return set_of(m) ? m->mark : 0;
}

const guard_set *snapshot_guard_set(const snapshot *s) {
    return set_of(snapshot_made(s, &guard_part));
}

void guard_check(const config *c, guard_fault *fault, void *ctx) {
    faults f = {.config = c, .fault = fault, .ctx = ctx};
    if (c->guard.rules.count || c->guard.actions.count || c->guard.files.count || c->guard.any)
        guard_set_unref(compile(c, &f, NULL));
}

guard_set *guard_compile(const config *c, guard_where way, guard_policy **ret, guard_fault *fault,
                         void *ctx) {
    faults f = {.config = c, .fault = fault, .ctx = ctx};
    own_names own = {0};
    const config_guard_action use = way == GUARD_OUT ? c->guard.use.out : c->guard.use.in;
    guard_set *set = compile(c, &f, &own);
    *ret = set && use != CONFIG_GUARD_OFF ? policy_of(c, set, &own, way, use) : NULL;
    free(own.hashes);
    return set;
}
