#include "alert/watch.h"

#include "alert/past.h"
#include "alert/table.h"
#include "base/cidr.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "config/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is remembered of a client. */
typedef struct client_past {
    table_entry entry;
    int64_t first_ms;
    known addresses, models;
    pace calls, spending;
    requests requests;
} client_past;

typedef struct model_past {
    table_entry entry;
    window window;
} model_past;

typedef struct target_past {
    table_entry entry;
    bool open;
} target_past;

typedef struct budget_past {
    table_entry entry;
    note_budget budget; /* who: in name */
    char name[NOTE_TEXT_MAX];
    int64_t period;
    double told;  /* the highest share that was, in that period; 0: none */
    list touched; /* a call has counted in it since it was looked at */
} budget_past;

struct watch_house {
    const watch_ops *ops;
    void *user;
    table clients, models, targets, budgets;
    list touched;    /* budgets */
    int64_t last_ms; /* of the notes that have come */
};

static void free_client(table_entry *e) {
    free(CONTAINER_OF(e, client_past, entry));
}
static void free_model(table_entry *e) {
    free(CONTAINER_OF(e, model_past, entry));
}
static void free_target(table_entry *e) {
    free(CONTAINER_OF(e, target_past, entry));
}
static void free_budget(table_entry *e) {
    budget_past *b = CONTAINER_OF(e, budget_past, entry);
    list_remove(&b->touched);
    free(b);
}

watch_house *watch_house_new(const watch_ops *ops, void *user) {
    watch_house *w = mem_zalloc(sizeof *w);
    w->ops = ops;
    w->user = user;
    table_init(&w->clients, WATCH_CLIENTS, free_client);
    table_init(&w->models, WATCH_MODELS, free_model);
    table_init(&w->targets, WATCH_MODELS, free_target);
    table_init(&w->budgets, WATCH_CLIENTS, free_budget);
    list_init(&w->touched);
    return w;
}

void watch_house_free(watch_house *w) {
    if (!w) return;
    table_done(&w->clients);
    table_done(&w->models);
    table_done(&w->targets);
    table_done(&w->budgets);
    free(w);
}

/* ---- telling ---- */

enum { FACTS_MAX = 8, NUMBER_MAX = 32 };

/* A finding while it is made; freed by tell(). */
typedef struct draft {
    alert_finding finding;
    alert_fact facts[FACTS_MAX];
    char numbers[FACTS_MAX][NUMBER_MAX];
    buf sentence, subject;
} draft;

static void begin(draft *d, alert_kind kind) {
    memset(d, 0, sizeof *d);
    d->finding.kind = kind;
}

static void add_text(draft *d, const char *name, span value) {
    d->facts[d->finding.fact_count++] = (alert_fact){name, value, false};
}

static void add_number(draft *d, const char *name, int64_t value) {
    const size_t i = d->finding.fact_count++;
    const int len = snprintf(d->numbers[i], NUMBER_MAX, "%lld", (long long)value);
    d->facts[i] = (alert_fact){name, span_from(d->numbers[i], (size_t)len), true};
}

static void add_money(draft *d, const char *name, int64_t nano) {
    const size_t i = d->finding.fact_count++;
    buf text = BUF_EMPTY;
    unit_write_money(nano, &text);
    const size_t len = text.len < NUMBER_MAX ? text.len : NUMBER_MAX;
    memcpy(d->numbers[i], text.ptr, len);
    d->facts[i] = (alert_fact){name, span_from(d->numbers[i], len), true};
    buf_done(&text);
}

static void tell(watch_house *w, draft *d) {
    d->finding.sentence = buf_span(&d->sentence);
    d->finding.subject = buf_span(&d->subject);
    d->finding.facts = d->facts;
    w->ops->found(w->user, &d->finding);
    buf_done(&d->sentence);
    buf_done(&d->subject);
}

/* ---- a client's use ---- */

/* Who is meant where there are keys; where none are asked, an address. */
static void add_client(draft *d, const alert_note *n) {
    buf_add(&d->subject, n->client.len ? n->client : n->address);
    if (n->client.len) add_text(d, "client", n->client);
    if (n->address.len) add_text(d, "address", n->address);
}

/* Who has a network of IPv6 has at least 2^64 addresses (RFC 6177). */
static uint64_t address_hash(span address) {
    enum { NETWORK_BYTES = 8 };
    ip_address a;
    if (!ip_parse_peer(address, &a)) return hash_span(address);
    return hash_span(
        span_from((const char *)a.bytes, ip_is_v4(&a) ? sizeof a.bytes : NETWORK_BYTES));
}

static client_past *past_of(watch_house *w, const alert_note *n) {
    const uint64_t key = n->client.len ? hash_span(n->client) : address_hash(n->address) + 1;
    table_entry *e = table_find(&w->clients, key);
    if (e) return CONTAINER_OF(e, client_past, entry);
    client_past *p = mem_zalloc(sizeof *p);
    p->first_ms = n->at_ms;
    table_put(&w->clients, &p->entry, key);
    return p;
}

static void tell_address(watch_house *w, const alert_note *n) {
    draft d;
    begin(&d, ALERT_ADDRESS);
    add_client(&d, n);
    buf_addf(&d.sentence, "Client %.*s calls from a new address, %.*s.", SPAN_ARG(n->client),
             SPAN_ARG(n->address));
    buf_addf(&d.subject, " %.*s", SPAN_ARG(n->address));
    tell(w, &d);
}

static void tell_model(watch_house *w, const alert_note *n) {
    draft d;
    begin(&d, ALERT_MODEL);
    add_client(&d, n);
    add_text(&d, "model", n->model);
    buf_addf(&d.sentence, "Client %.*s asks for a new model, ", SPAN_ARG(n->client));
    buf_add_excerpt(&d.sentence, n->model, NOTE_TEXT_MAX);
    buf_add_char(&d.sentence, '.');
    buf_addf(&d.subject, " %.*s", SPAN_ARG(n->model));
    tell(w, &d);
}

static void tell_rate(watch_house *w, const alert_note *n, const pace *p) {
    draft d;
    begin(&d, ALERT_RATE);
    add_client(&d, n);
    add_number(&d, "calls", p->amount);
    add_number(&d, "busiest", (int64_t)p->busiest);
    buf_addf(&d.sentence,
             "Client %.*s has made %lld calls in this minute; its busiest one before had %lld.",
             SPAN_ARG(buf_span(&d.subject)), (long long)p->amount, (long long)p->busiest);
    tell(w, &d);
}

/* ---- loops ---- */

static void add_pause(watch_house *w, const config_alerts *c, const alert_note *n, draft *d) {
    if (!c->pause || !n->client.len) return;
    const pause_word word = w->ops->pause(w->user, n->client, buf_span(&d->sentence));
    if (word == PAUSE_STANDS) return;
    const bool paused = word == PAUSE_BEGUN;
    if (paused)
        buf_add_cstr(&d->sentence, " It is paused until an admin resumes it.");
    else
        buf_addf(&d->sentence, " It goes on: %d clients are paused, and no more can be.",
                 PAUSES_MAX);
    const size_t i = d->finding.fact_count++;
    d->facts[i] = (alert_fact){"paused", paused ? SPAN_OF("true") : SPAN_OF("false"), true};
}

static void tell_same(watch_house *w, const config_alerts *c, const alert_note *n) {
    draft d;
    begin(&d, ALERT_SAME);
    add_client(&d, n);
    add_text(&d, "model", n->model);
    add_number(&d, "calls", c->same);
    add_number(&d, "seconds", c->same_ms / 1000);
    buf_addf(&d.sentence, "Client %.*s has sent the same request %u times within ",
             SPAN_ARG(buf_span(&d.subject)), c->same);
    unit_write_duration(c->same_ms, &d.sentence);
    buf_add_char(&d.sentence, '.');
    add_pause(w, c, n, &d);
    tell(w, &d);
}

static void tell_spending(watch_house *w, const config_alerts *c, const alert_note *n,
                          const pace *p) {
    draft d;
    begin(&d, ALERT_SPEND);
    add_client(&d, n);
    add_money(&d, "spent", p->amount);
    add_money(&d, "dearest", (int64_t)p->busiest);
    buf_addf(&d.sentence, "Client %.*s has spent ", SPAN_ARG(buf_span(&d.subject)));
    unit_write_money(p->amount, &d.sentence);
    buf_add_cstr(&d.sentence, " in this minute; its dearest one before came to ");
    unit_write_money((int64_t)p->busiest, &d.sentence);
    buf_add_char(&d.sentence, '.');
    add_pause(w, c, n, &d);
    tell(w, &d);
}

static void look_at_words(watch_house *w, const config_alerts *c, const alert_note *n,
                          client_past *p) {
    const bool learnt = n->at_ms - p->first_ms >= c->learn_ms;
    const bool first = !p->addresses.count;
    if (!n->client.len || n->step) return; /* its address is that of the call */
    if (n->address.len && known_add(&p->addresses, address_hash(n->address)) && learnt && !first)
        tell_address(w, n);
    if (n->model.len && !n->refused && known_add(&p->models, hash_span(n->model)) && learnt &&
        !first)
        tell_model(w, n);
}

static void look_at_rates(watch_house *w, const config_alerts *c, const alert_note *n,
                          client_past *p) {
    const bool learnt = n->at_ms - p->first_ms >= c->learn_ms;
    /* What weir has made itself is his in what it costs, and in nothing else. */
    const bool own = n->step;
    const bool often = !own && pace_add(&p->calls, 1, c->factor, c->rate_least, n->at_ms);
    const bool dear = pace_add(&p->spending, n->cost_nano, c->factor, c->spend_least, n->at_ms);
    if (often && learnt) tell_rate(w, n, &p->calls);
    if (dear && learnt) tell_spending(w, c, n, &p->spending);
    if (!own && requests_add(&p->requests, n->request, c->same, c->same_ms, n->at_ms))
        tell_same(w, c, n);
}

/* ---- failures ---- */

static void look_at_failures(watch_house *w, const config_alerts *c, const alert_note *n) {
    if (!c->errors_least || !n->label.len || n->refused) return;
    const uint64_t key = hash_span(n->label);
    table_entry *e = table_find(&w->models, key);
    model_past *m = e ? CONTAINER_OF(e, model_past, entry) : mem_zalloc(sizeof *m);
    if (!e) table_put(&w->models, &m->entry, key);
    const window_sum sum = window_add(&m->window, n->failed, c->errors_ms, n->at_ms);
    if (!n->failed || sum.calls < c->errors_least) return;
    if ((double)sum.failed < c->errors_share * (double)sum.calls) return;
    draft d;
    begin(&d, ALERT_ERRORS);
    buf_add(&d.subject, n->label);
    add_text(&d, "model", n->label);
    add_number(&d, "calls", sum.calls);
    add_number(&d, "failed", sum.failed);
    buf_addf(&d.sentence, "Of %u calls of model %.*s in the last ", sum.calls, SPAN_ARG(n->label));
    unit_write_duration(c->errors_ms, &d.sentence);
    buf_addf(&d.sentence, " %u have failed.", sum.failed);
    tell(w, &d);
}

/* ---- the guard ---- */

static void look_at_guard(watch_house *w, const config_alerts *c, const alert_note *n) {
    if (!n->verdict || n->verdict > c->guard) return;
    draft d;
    begin(&d, ALERT_GUARD);
    add_client(&d, n);
    add_text(&d, "model", n->model);
    add_text(&d, "verdicts", n->guard);
    const span gravest = span_slice(n->guard, 0, span_find(n->guard, 0, '='));
    buf_addf(&d.sentence, "The guard has found something in a call of %.*s: %.*s.",
             SPAN_ARG(buf_span(&d.subject)), SPAN_ARG(n->guard));
    buf_addf(&d.subject, " %.*s", SPAN_ARG(gravest));
    tell(w, &d);
}

/* ---- budgets ---- */

/* Those that tokens and keys bring are in force beside each other: each amount is another. */
static uint64_t budget_key(const note_budget *n) {
    const uint64_t own = n->since ? 0 : (uint64_t)n->amount * 0x9E3779B97F4A7C15u;
    return n->subject + (uint64_t)n->scope * 31 + (uint64_t)n->per + own;
}

/* Of what a reload makes another amount of nothing was told yet. A call that began before that
 * knows no more what it is, but counts in it. */
static void learn_budget(budget_past *b, const note_budget *n) {
    if (n->since < b->budget.since) return;
    if (n->amount != b->budget.amount) b->told = 0;
    const size_t len = n->who.len < sizeof b->name ? n->who.len : sizeof b->name;
    memcpy(b->name, n->who.ptr, len);
    b->budget = *n;
    b->budget.who = span_from(b->name, len);
}

static void touch(watch_house *w, const note_budget *n) {
    const uint64_t key = budget_key(n);
    table_entry *e = table_find(&w->budgets, key);
    budget_past *b = e ? CONTAINER_OF(e, budget_past, entry) : mem_zalloc(sizeof *b);
    if (!e) {
        table_put(&w->budgets, &b->entry, key);
        list_init(&b->touched);
    }
    learn_budget(b, n);
    list_remove(&b->touched);
    list_push_back(&w->touched, &b->touched);
}

static void tell_budget(watch_house *w, const budget_past *b, double share, int64_t nano) {
    const note_budget *n = &b->budget;
    const char *period = n->per == PERIOD_MONTH ? "month" : "day"; /* money has no others */
    draft d;
    begin(&d, ALERT_BUDGET);
    buf_add(&d.subject, n->who);
    add_text(&d, limit_scope_word(n->scope), n->who);
    add_number(&d, "percent", (int64_t)(share * 100 + 0.5));
    add_money(&d, "spent", nano);
    add_money(&d, "budget", n->amount);
    add_text(&d, "period", span_cstr(period));
    buf_addf(&d.sentence, "%lld%% of what %s %.*s may spend in a %s has been spent: ",
             (long long)(share * 100 + 0.5), limit_scope_word(n->scope), SPAN_ARG(n->who), period);
    unit_write_money(nano, &d.sentence);
    buf_add_cstr(&d.sentence, " of ");
    unit_write_money(n->amount, &d.sentence);
    buf_add_char(&d.sentence, '.');
    tell(w, &d);
}

/* Of several shares that were passed at once the highest is told. */
static void look_at_budget(watch_house *w, const config_alerts *c, budget_past *b) {
    int64_t nano = 0, period = 0;
    double passed = 0;
    w->ops->spent(w->user, &b->budget, &nano, &period);
    if (period != b->period) b->told = 0;
    b->period = period;
    for (size_t i = 0; i < c->budget.count; i++) { /* from the lowest on */
        const double share = c->budget.items[i];
        if ((double)nano >= share * (double)b->budget.amount) passed = share;
    }
    if (passed <= b->told) return;
    b->told = passed;
    tell_budget(w, b, passed, nano);
}

void watch_budgets(watch_house *w, const config_alerts *c) {
    for (list *node; (node = list_pop_front(&w->touched));) {
        budget_past *b = LIST_ENTRY(node, budget_past, touched);
        list_init(&b->touched);
        look_at_budget(w, c, b);
    }
}

/* ---- keys and breakers ---- */

void watch_expiry(watch_house *w, const config_alerts *c, span client, int64_t expires_us,
                  int64_t now_us) {
    const int64_t left_ms = (expires_us - now_us) / 1000;
    if (!c->key_expiry_ms || !expires_us || left_ms > c->key_expiry_ms || left_ms <= 0) return;
    char at[CLOCK_RFC3339_LEN + 1];
    draft d;
    clock_rfc3339(expires_us, at);
    begin(&d, ALERT_EXPIRY);
    buf_add(&d.subject, client);
    add_text(&d, "client", client);
    add_text(&d, "expires", span_cstr(at));
    buf_addf(&d.sentence, "The key of client %.*s expires at %s.", SPAN_ARG(client), at);
    tell(w, &d);
}

void watch_breaker(watch_house *w, span target, bool open) {
    const uint64_t key = hash_span(target);
    table_entry *e = table_find(&w->targets, key);
    target_past *t = e ? CONTAINER_OF(e, target_past, entry) : mem_zalloc(sizeof *t);
    if (!e) table_put(&w->targets, &t->entry, key);
    if (t->open == open) return;
    t->open = open;
    draft d;
    begin(&d, open ? ALERT_OPENED : ALERT_CLOSED);
    buf_add(&d.subject, target);
    add_text(&d, "target", target);
    buf_addf(&d.sentence,
             open ? "The circuit breaker of %.*s has opened: calls pass it over."
                  : "The circuit breaker of %.*s has closed: calls go there again.",
             SPAN_ARG(target));
    tell(w, &d);
}

/* Workers hand their notes over by themselves, so a later one may be of an earlier call. To what is
 * remembered time does not go back: it would lose a minute, or a window, or what it has learnt. */
static alert_note in_order(watch_house *w, const alert_note *n) {
    alert_note later = *n;
    if (later.at_ms < w->last_ms) later.at_ms = w->last_ms;
    w->last_ms = later.at_ms;
    return later;
}

void watch_call(watch_house *w, const config_alerts *c, const alert_note *note, int64_t now_us) {
    const alert_note own = in_order(w, note), *n = &own;
    client_past *p = past_of(w, n);
    look_at_words(w, c, n, p);
    look_at_rates(w, c, n, p);
    look_at_failures(w, c, n);
    look_at_guard(w, c, n);
    watch_expiry(w, c, n->client, n->client.len ? n->expires_us : 0, now_us);
    for (unsigned i = 0; i < n->budget_count && c->budget.count; i++)
        touch(w, &n->budgets[i]);
}
