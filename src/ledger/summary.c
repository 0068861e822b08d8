#include "ledger/summary.h"

#include "base/clock.h"

void summary_init(ledger_summary *s, query_group group) {
    *s = (ledger_summary){.group = group};
    sums_table_init(&s->models);
    sums_table_init(&s->groups);
}

void summary_done(ledger_summary *s) {
    sums_table_done(&s->models);
    sums_table_done(&s->groups);
}

/* What the group names, of the key, and nothing else. */
static sums_key group_of(const sums_key *k, query_group group) {
    switch (group) {
    case GROUP_HOUR:
    case GROUP_DAY: return (sums_key){.hour = k->hour};
    case GROUP_CLIENT: return (sums_key){.client = k->client};
    case GROUP_USER: return (sums_key){.user = k->user};
    case GROUP_MODEL: return (sums_key){.model = k->model};
    case GROUP_TARGET: return (sums_key){.target = k->target};
    case GROUP_TAG: return (sums_key){.tags = k->tags};
    case GROUP_CLIENT_USER: return (sums_key){.client = k->client, .user = k->user};
    case GROUP_NONE: break;
    }
    return (sums_key){0};
}

static void add_group(ledger_summary *s, const sums_key *key, const sums *more) {
    if (!sums_table_add(&s->groups, key, more, SUMMARY_GROUPS_MAX)) s->more_groups = true;
}

static void add_groups(ledger_summary *s, const sums_key *key, const sums *more) {
    sums_key group = group_of(key, s->group);
    span tags = group.tags;
    if (!tags.len) add_group(s, &group, more);
    while (tags.len && span_cut(&tags, ',', &group.tags))
        add_group(s, &group, more);
}

bool summary_add(ledger_summary *s, const sums_key *key, const sums *more) {
    const sums_key model = {.model = key->model};
    sums_add(&s->total, more);
    if (key->model.len && !sums_table_add(&s->models, &model, more, SUMMARY_GROUPS_MAX))
        s->more_models = true;
    if (s->group != GROUP_NONE) add_groups(s, key, more);
    return !s->more_groups;
}

void summary_sort(ledger_summary *s) {
    sums_table_sort(&s->models);
    sums_table_sort(&s->groups);
}

/* Of all but the group's own member nothing is there. */
static span text_of(const sums_key *k) {
    const span all[] = {k->client, k->user, k->model, k->target, k->tags};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].len) return all[i];
    return SPAN_EMPTY;
}

void summary_key(const sums_key *key, query_group group, buf *out) {
    enum { DATE = 10, TO_SECONDS = 19 };
    char text[CLOCK_RFC3339_LEN + 1];
    if (group != GROUP_HOUR && group != GROUP_DAY) {
        buf_add(out, text_of(key));
        return;
    }
    clock_rfc3339(key->hour * HOUR_US, text);
    buf_add(out, span_from(text, group == GROUP_DAY ? DATE : TO_SECONDS));
    if (group == GROUP_HOUR) buf_add_char(out, 'Z');
}

void summary_complain(query_group group, buf *out) {
    buf_addf(out,
             "'group' is '%s', and there are more than %d of them in what is asked for; narrow it "
             "by from, to, client, user, model, target or tag.",
             query_group_word(group), SUMMARY_GROUPS_MAX);
}
