#include "unit.h"

#include "config/problems.h"
#include "guard/file.h"
#include "guard/lead.h"
#include "guard/rule.h"
#include "heap.h"
#include "lanes.h"

#include <pthread.h>

static void note(void *ctx, size_t rule, const char *member, const char *message) {
    buf_addf(ctx, "%zu.%s %s\n", rule, member, message);
}

/* What is wrong with one rule; empty: nothing. */
static buf wrong_with(const guard_rule_text *rule) {
    buf text = BUF_EMPTY;
    guard_set *s = guard_set_new(true, rule, 1, note, &text);
    assert_int_equal(s == NULL, text.len > 0);
    guard_set_unref(s);
    (void)buf_cstr(&text);
    return text;
}

#define RULE(n, p, ...)                                                                            \
    { .name = SPAN(n), .pattern = SPAN(p), .show = -1, __VA_ARGS__ }

static void refuses_what_it_cannot_keep(void **state) {
    (void)state;
    static const span tick[] = {SPAN("TICK-")}, t[] = {SPAN("T")},
                      both[] = {SPAN("AB"), SPAN("CD")}, host[] = {SPAN("host"), SPAN(".vault")};
    static const struct {
        guard_rule_text rule;
        const char *why;
    } rows[] = {
        {RULE("a", "TICK-[0-9]+"), ""},
        {RULE("a", "TICK-[0-9]+", .leads = tick, .lead_count = 1), ""},
        {RULE("a", "(?:AB|CD)[0-9]+", .leads = both, .lead_count = 2), ""},
        {RULE("a", "(?:AB|CE)[0-9]+", .leads = both, .lead_count = 2),
         "0.lead is \"CD\", which no match of the pattern begins with\n"},
        {RULE("a", "(?:AB|CD|EF)[0-9]+", .leads = both, .lead_count = 2),
         "0.lead is \"AB\", but the pattern's matches may begin otherwise: with \"E\"\n"},
        /* what stands before decides whether they match, not how they begin */
        {RULE("a", "\\b(?:host|\\.vault)[0-9]+", .leads = host, .lead_count = 1),
         "0.lead is \"host\", but the pattern's matches may begin otherwise: with \".\"\n"},
        {RULE("a", "\\b(?:host|\\.vault)[0-9]+", .leads = host, .lead_count = 2), ""},
        {RULE("a", "(?:\\bhost|\\b\\.vault)[0-9]+", .leads = host, .lead_count = 1),
         "0.lead is \"host\", but the pattern's matches may begin otherwise: with \".\"\n"},
        {RULE("a", "(?:host|(?<=id=)\\x01)[0-9]+", .leads = host, .lead_count = 1),
         "0.lead is \"host\", but the pattern's matches may begin otherwise: with \"\\x01\"\n"},
        {RULE("a", "(?<=id=)(?:AB|CD)[0-9]+", .leads = both, .lead_count = 2), ""},
        {RULE("a", "(?<![A-Z])?(?:AB|CD)(?!\\b0)[0-9]+", .leads = both, .lead_count = 2), ""},
        {RULE("a", "TOCK-[0-9]+", .leads = tick, .lead_count = 1),
         "0.lead is \"TICK-\", which no match of the pattern begins with\n"},
        {RULE("a", "T[0-9]+", .leads = t, .lead_count = 1), "0.lead is shorter than 2 bytes\n"},
        {RULE("a", ".*x"),
         "0.pattern may begin with anything: name a literal of two bytes or more that its matches "
         "begin with (lead)\n"},
        {RULE("a", "x*"), "0.pattern matches where nothing is\n"},
        {RULE("a", "TICK-(a+)+b"), "0.pattern repeats without a bound what repeats without a bound "
                                   "itself, which can be tried "
                                   "in ways without number; write {0,100} for one of the two\n"},
        {RULE("a", "TICK-(?:(?:a|b)*c)*"),
         "0.pattern repeats without a bound what repeats without a bound itself, which can be "
         "tried "
         "in ways without number; write {0,100} for one of the two\n"},
        {RULE("a", "TICK-(?:a{2,}b){3,}"),
         "0.pattern repeats without a bound what repeats without a bound itself, which can be "
         "tried "
         "in ways without number; write {0,100} for one of the two\n"},
        {RULE("a", "TICK-(?:a++b)++"), ""},
        {RULE("a", "TICK-(?:a{1,9}b)+"), ""},
        {RULE("a", "TICK-(a)\\1"), "0.pattern refers back to a group, which rules may not\n"},
        {RULE("a", "TICK-(?R)?"), "0.pattern calls itself, which rules may not\n"},
        {RULE("a", "TICK-(a)(?1)"), "0.pattern calls a group, which rules may not\n"},
        {RULE("a", "(*UTF)TICK-"), "0.pattern has a verb, \"(*…)\", which rules may not have\n"},
        {RULE("a", "TICK-\\K[0-9]"), "0.pattern has \\K, which rules may not have\n"},
        {RULE("a", "TICK-[0-9"), "0.pattern is not a regular expression: missing terminating ] for "
                                 "character class, at its byte 10\n"},
        {RULE("a", "TICK-(.)(.)(.)(.)(.)(.)(.)(.)(.)"),
         "0.pattern has more than 8 groups; write (?:…) for those but the first\n"},
        {RULE("a b", "TICK-"),
         "0.name is \"a b\"; a name is up to 64 letters, digits, \"-\", \"_\", \".\"\n"},
        {RULE("a", "TICK-", .label = SPAN("a-b")),
         "0.label is \"a-b\"; a label is letters, digits and \"_\"\n"},
        {RULE("a", "TICK-", .check = SPAN("crc")), "0.check is \"crc\", which is no check\n"},
        {RULE("a", "TICK-", .start = SPAN("end")), "0.start is \"end\", which is no shape\n"},
        {RULE("a", ""), "0.pattern is missing\n"},
        {RULE("a", "TICK-", .score = 101), "0.score is 101; allowed 0 to 100\n"},
        {RULE("a", "TICK-", .score = 50, .has_action = true, .action = GUARD_REDACT),
         "0.score goes with block and flag alone: of many words none is the one to hide\n"},
        /* of a rule that is shipped nothing else need be said */
        {RULE("email", "", .has_action = true, .action = GUARD_BLOCK), ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf why = wrong_with(&rows[i].rule);
        if (strcmp(buf_cstr(&why), rows[i].why) != 0)
            fail_msg("row %zu: %s\n%s", i, why.ptr, rows[i].why);
        buf_done(&why);
    }
}

static void changes_what_is_shipped(void **state) {
    (void)state;
    static const guard_rule_text own[] = {
        RULE("email", "", .has_action = true, .action = GUARD_BLOCK, .label = SPAN("MAIL")),
        RULE("card", "CARD-[0-9]+"),
    };
    guard_set *plain = guard_set_new(true, NULL, 0, NULL, NULL);
    guard_set *s = guard_set_new(true, own, 2, NULL, NULL);
    assert_int_equal(guard_set_count(s), guard_set_count(plain));
    const guard_rule *email = guard_set_find(s, SPAN_OF("email"));
    assert_span(email->label, "MAIL");
    assert_true(email->has_action && email->action == GUARD_BLOCK);
    assert_true(span_eq(email->pattern, guard_set_find(plain, SPAN_OF("email"))->pattern));
    assert_span(guard_set_find(s, SPAN_OF("card"))->pattern, "CARD-[0-9]+");
    assert_null(guard_set_find(s, SPAN_OF("nobody")));
    assert_true(guard_set_knows(s, SPAN_OF("injection")));
    assert_false(guard_set_knows(s, SPAN_OF("nobody")));
    guard_set_unref(s);
    guard_set_unref(plain);
}

static void decides_by_rule_kind_and_direction(void **state) {
    (void)state;
    static const guard_rule_text own[] = {
        RULE("one", "ONE-[0-9]", .has_action = true, .action = GUARD_BLOCK),
        RULE("two", "TWO-[0-9]", .where = GUARD_IN),
        RULE("three", "THREE-[0-9]", .score = 50),
    };
    static const guard_override overrides[] = {
        {SPAN("jwt"), GUARD_REDACT}, {SPAN("card"), GUARD_BLOCK},   {SPAN("secret"), GUARD_BLOCK},
        {SPAN("jwt"), GUARD_FLAG},   {SPAN("nobody"), GUARD_BLOCK}, {SPAN("personal"), GUARD_FLAG}};
    static const struct {
        const char *rule;
        guard_where where;
        guard_action otherwise, action;
    } rows[] = {
        {"one", GUARD_OUT, GUARD_REDACT, GUARD_BLOCK},
        {"one", GUARD_OUT, GUARD_OFF, GUARD_OFF},
        {"two", GUARD_OUT, GUARD_REDACT, GUARD_OFF},
        {"two", GUARD_IN, GUARD_REDACT, GUARD_REDACT},
        {"three", GUARD_IN, GUARD_REDACT, GUARD_FLAG},
        {"three", GUARD_IN, GUARD_BLOCK, GUARD_BLOCK},
        {"email", GUARD_IN, GUARD_FLAG, GUARD_FLAG},
        {"jwt", GUARD_IN, GUARD_REDACT, GUARD_FLAG}, /* the last word, of its name or its kind */
        {"card", GUARD_IN, GUARD_REDACT, GUARD_FLAG},
        {"groq-key", GUARD_IN, GUARD_FLAG, GUARD_BLOCK},
    };
    guard_set *s = guard_set_new(true, own, ARRAY_LEN(own), NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        guard_policy *p =
            guard_policy_new(s, rows[i].where, rows[i].otherwise, overrides, ARRAY_LEN(overrides));
        const guard_rule *r = guard_set_find(s, span_cstr(rows[i].rule));
        if (guard_policy_action(p, r) != rows[i].action)
            fail_msg("row %zu: %s", i, guard_action_name(guard_policy_action(p, r)));
        assert_int_equal(guard_policy_looks(p), rows[i].otherwise != GUARD_OFF);
        guard_policy_free(p);
    }
    guard_set_unref(s);
}

/* Each of weir's own is as true as what an operator writes must be. */
/* A lead is let go before its rule speaks: of a phrase it shows how that begins, and not all. */
static void check_is_no_match(const guard_rule *rule, span lead) {
    int error;
    size_t at;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)rule->pattern.ptr, rule->pattern.len, 0, &error, &at, NULL);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(code, NULL);
    if (pcre2_match(code, (PCRE2_SPTR)lead.ptr, lead.len, 0, 0, data, NULL) >= 0)
        fail_msg("%.*s: \"%.*s\" is a whole match", SPAN_ARG(rule->name), SPAN_ARG(lead));
    pcre2_match_data_free(data);
    pcre2_code_free(code);
}

static void ships_rules_whose_leads_are_true(void **state) {
    (void)state;
    buf text = BUF_EMPTY;
    guard_set *s = guard_set_new(false, guard_shipped, guard_shipped_count, note, &text);
    if (!s) fail_msg("%s", buf_cstr(&text));
    size_t vendors = 0;
    for (size_t i = 0; i < guard_set_count(s); i++) {
        const guard_rule *r = guard_set_rule(s, i);
        bool words = span_eq(r->kind, SPAN_OF("injection")) || span_eq(r->kind, SPAN_OF("harmful"));
        if (!words && !r->source.len && !span_eq(r->name, SPAN_OF("assigned-secret")))
            fail_msg("%.*s has no source", SPAN_ARG(r->name));
        vendors += span_eq(r->kind, SPAN_OF("secret"));
        assert_true(s->rules[i].shape != SHAPE_FIRST); /* each has a lead or a shape */
        for (size_t k = 0; r->score && k < guard_shipped[i].lead_count; k++)
            check_is_no_match(r, guard_shipped[i].leads[k]);
    }
    printf("%zu rules, %zu of secrets; %zu states\n", guard_set_count(s), vendors, s->leads.states);
    assert_true(vendors >= 60);
    guard_set_unref(s);
    buf_done(&text);
}

/* ---- files ---- */

static void same_texts(const span *a, size_t n, const span *b, size_t m) {
    assert_int_equal(n, m);
    for (size_t i = 0; i < n; i++)
        assert_true(span_eq(a[i], b[i]));
}

/* In the order of src/guard/meson.build. */
static void says_the_same_in_the_program_and_in_the_files(void **state) {
    (void)state;
    static const char *const names[] = {"vendors",   "secrets", "personal",
                                        "injection", "harmful", "unicode"};
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char path[4096], name[64];
        snprintf(name, sizeof name, "data/guard/%s.yaml", names[i]);
        buf source = unit_read(unit_source(name, path));
        arena a;
        arena_init(&a, 0);
        config_problems problems;
        problems_init(&problems);
        guard_file file;
        assert_true(guard_file_read(buf_span(&source), span_cstr(name), &a, &file, &problems));
        for (size_t k = 0; k < file.count; k++, at++) {
            const guard_rule_text *f = &file.rules[k], *p = &guard_shipped[at];
            assert_true(at < guard_shipped_count && span_eq(f->name, p->name));
            if (!span_eq(f->pattern, p->pattern))
                fail_msg("%.*s\n%.*s\n%.*s", SPAN_ARG(f->name), SPAN_ARG(f->pattern),
                         SPAN_ARG(p->pattern));
            assert_true(span_eq(f->label, p->label) && span_eq(f->kind, p->kind));
            if (!span_eq(f->source, p->source))
                fail_msg("%.*s %.*s", SPAN_ARG(f->source), SPAN_ARG(p->source));
            assert_true(span_eq(f->start, p->start));
            assert_true(span_eq(f->check, p->check) && f->show == p->show && f->score == p->score);
            assert_true(f->has_action == p->has_action && f->action == p->action);
            assert_true(f->where == p->where && !(f->entropy < p->entropy) &&
                        !(f->entropy > p->entropy));
            same_texts(f->leads, f->lead_count, p->leads, p->lead_count);
            same_texts(f->near, f->near_count, p->near, p->near_count);
            same_texts(f->stop, f->stop_count, p->stop, p->stop_count);
        }
        config_problems_done(&problems);
        arena_done(&a);
        buf_done(&source);
    }
    assert_int_equal(at, guard_shipped_count);
}

static void tells_where_a_file_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *why;
    } rows[] = {
        {"- {name: a, pattern: 'AB[0-9]'}\n", ""},
        {"", "f: there is no rule in it; write [] where that is meant\n"},
        {"# all of them\n", "f: there is no rule in it; write [] where that is meant\n"},
        {"[]\n", ""},
        {"a: 1\n", "f:1:1: rules are a list, and this is a mapping\n"},
        {"- 3\n", "f:1:3: a rule is a mapping, and this is a value\n"},
        {"- name: a\n  patern: x\n", "f:2:3: unknown member patern; a rule has name, pattern, "
                                     "lead, start, near, check, entropy, "
                                     "stop, action, where, show, score, label, kind and source\n"},
        {"- name: [a]\n", "f:1:3: name is a list; it takes a text\n"},
        {"- {name: a, action: hide}\n",
         "f:1:21: action is hide; it is block, redact, flag or off\n"},
        {"- {name: a, where: up}\n", "f:1:20: where is up; it is in, out or both\n"},
        {"- {name: a, show: 65}\n", "f:1:19: show is 65; allowed 0 to 64\n"},
        {"- {name: a, entropy: x}\n", "f:1:22: entropy is x; allowed 0 to 8\n"},
        {"- {name: a, near: [[b]]}\n", "f:1:20: near has a list in it; it takes texts\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a, 0);
        config_problems problems;
        problems_init(&problems);
        guard_file file;
        bool good = guard_file_read(span_cstr(rows[i].yaml), SPAN_OF("f"), &a, &file, &problems);
        buf text = BUF_EMPTY;
        config_problems_print(&problems, &text);
        const char *end = strstr(buf_cstr(&text), "\n  "); /* the line that is shown */
        if (end) text.len = (size_t)(end + 1 - text.ptr);
        assert_string_equal(buf_cstr(&text), rows[i].why);
        assert_int_equal(good, !rows[i].why[0]);
        buf_done(&text);
        config_problems_done(&problems);
        arena_done(&a);
    }
}

static void finds_a_patterns_lead(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *lead;
        bool apart, parted, whole;
    } rows[] = {
        {"abc[0-9]", "abc", false, false, false},
        {"\\babc+", "ab", true, false, false},
        {"(?i)abc", "abc", false, false, true},
        {"a\\.b\\-c", "a.b-c", false, false, true},
        {"abc|d", "", false, false, false},
        {"(abc)", "", false, false, false},
        {"(?<![A-Za-z0-9])sk-x", "sk-x", true, true, true},
        {"(?<![A-Za-z0-9]x)sk", "sk", false, false, true},
        {"(?<![A-Za-z])sk", "sk", false, true, true},
        {"(?<![A-Za-z_-])\\bsk", "sk", true, true, true},
        {"\\b(?<![A-Za-z])-sk", "-sk", false, true, true},
        {"(?<![A-Za-z]x)sk", "sk", false, false, true},
        {"(?<![a-z])sk", "sk", false, false, true},
        {"(?<=[A-Za-z])sk", "sk", false, false, true},
        /* what may be there or not says nothing of what stands before */
        {"(?<![A-Za-z0-9])?sk", "", false, false, false},
        {"(?<![A-Za-z])*sk", "", false, false, false},
        {"(?<![A-Za-z]){0}sk", "", false, false, false},
        {"(?<![A-Za-z]){1}sk", "", false, false, false},
        {"(?<![A-Za-z])", "", false, true, false},
        {"ab?c", "a", false, false, false},
        {"[a]b", "", false, false, false},
        {"a{2}b", "", false, false, false},
        {"\\d", "", false, false, false},
        {"\\b--x", "--x", false, false, true},
        {"\\b[.@]corp", "", false, false, false},
        {"\\b_?\\.internal", "", false, false, false},
        {"(?<!x)\\b-abcdef", "-abcdef", false, false, true},
        {"(?<![A-Za-z0-9])\\b-abcdef", "-abcdef", true, true, true},
        {"(?<![A-Za-z0-9_])[.@]corp", "", true, true, false},
        {"a(?:b|c)", "a", false, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf lead = BUF_EMPTY;
        pattern_head head = pattern_head_of(span_cstr(rows[i].pattern), &lead);
        if (strcmp(buf_cstr(&lead), rows[i].lead) != 0 || head.apart != rows[i].apart ||
            head.parted != rows[i].parted || head.whole != rows[i].whole)
            fail_msg("%s: \"%s\" %d %d %d", rows[i].pattern, lead.ptr, head.apart, head.parted,
                     head.whole);
        buf_done(&lead);
    }
}

static void counts_the_digits_that_a_pattern_begins_with(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        size_t digits;
    } rows[] = {
        {"[0-9]{9}(?![0-9])", 9},
        {"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}", 8},
        {"\\d\\d{3}", 4},
        {"12[3-7]", 3},
        {"[1-9][0-9][ ]?[0-9]{3}[ ]?[0-9]{3}", 8},
        {"[0-9]{2}\\.[0-9]{2}\\/[0-9]{2}-[0-9]", 7},
        {"(?!000|666|9)[0-9]{3}[ -](?!00)[0-9]{2}", 5},
        {"(?<![0-9][.,])0[0-9]{1,4}[ .\\/-]?[0-9](?:[ .\\/-]?[0-9]){5,9}", 8},
        {"(?:1[ .-])?[2-9][0-9]{2}", 3},
        {"(?:4(?:[ -]?[0-9]){12}(?:(?:[ -]?[0-9]){3}){0,2}|3[ -]?[47](?:[ -]?[0-9]){11})", 13},
        {"(?:19|20)[0-9]{6}-[0-9]{4}|[0-9]{6}-[0-9]{4}", 10},
        {"[12] ?[0-9]{2}(?:[0-9]{2}|2[AB]) ?[0-9]{3}", 4}, /* a letter ends what counts */
        {"[0-9]+[0-9]*[0-9]?[0-9]{0,3}", 1},
        {"[0-9]{2}+[0-9]{2}?[0-9]", 5},
        {"(?>[0-9]{3})([0-9]{2}){2}", 7},
        {"(?:[0-9]{3}x)?[0-9]{2}", 0},
        {"(?:[0-9]{3}x){2}[0-9]{2}", 3},
        {"[ -]{4}[0-9]{2}", 2},
        {"[0-9 ]{4}[0-9]{2}", 2}, /* blanks alone may be the first four */
        {"[0-9.]{4}7", 1},
        {"[0-9]{2}.[0-9]{9}", 2},
        {"[0-9]{2}[^a][0-9]{9}", 0},
        {"[0-9]{2}[0-\xff][0-9]{9}", 2},
        {"[0-9]{2}[0-9]{,3}[0-9]{9}", 2},
        {"[0-9]{2}[0-9A-F][0-9]{9}", 2},
        {"[0-9]{2}[+--][0-9]{9}", 2},
        {"[0-9]{2}\\s[0-9]{9}", 2},
        {"[0-9]{2}[\\d .][0-9]{9}", 11},
        {"[0-9]{2}[\\d\\s][0-9]{9}", 2},
        {"[0-9]{2}\\D[0-9]{9}", 2},
        {"[0-9]{2}[[:digit:]][0-9]{9}", 0},
        {"(?i)[0-9]{9}", 0},
        {"(?<name>[0-9]{9})", 0},
        {"(?=[0-9]{9})[0-9]{2}", 2},
        {"a[0-9]{9}", 0},
        {"[0-9]{9}|", 0},
        /* what hides where something ends, or that it is repeated */
        {"\\d{5}\\d(?#optional)?x", 0},
        {"\\d{5}\\d\\E?x", 0},
        {"\\d{12}(?x)|\\d{5}\\d ?x", 0},
        {"\\d{12}(?#()|\\d{5}x", 0},
        {"\\d{12}\\c(|\\d{5}x", 0},
        {"\\d{12}[x[:]|\\d{5}x", 0},
        {"\\d{12}[x[:y]|\\d{5}[z[:]", 0},
        {"\\d{12}[\\Q][[:\\E]|12345x:]", 0},
        {"\\d{12}[]|]x", 0},
        {"\\d{6}\\", 0},
        {"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const size_t digits = pattern_digits_of(span_cstr(rows[i].pattern)).all;
        if (digits != rows[i].digits) fail_msg("%s: %zu", rows[i].pattern, digits);
    }
}

static void counts_those_that_nothing_parts(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        size_t run;
    } patterns[] = {
        {"[0-9]{9}(?![0-9])", 9},
        {"\\d\\d{3}", 4},
        {"[1-9][0-9][ ]?[0-9]{3}[ ]?[0-9]{3}", 2},
        {"[0-9]{2}\\.[0-9]{2}", 2},
        {"(?!000)[0-9]{3}[ -](?!00)[0-9]{2}", 3},
        {"(?:1[ .-])?[2-9][0-9]{2}", 0}, /* less than it could be: a part may end with it */
        {"(?:12)?34", 2},
        {"(?:19|20)[0-9]{6}-[0-9]{4}|[0-9]{7}-", 7},
        {"(?:[0-9]{3}){2,4}x", 6},
        {"(?:[0-9]{3} ?){2}", 3},
        {"(?:1|2 )[0-9]{4}", 1},
        {"[0-9]{2}[0-9]{,3}[0-9]{9}", 2},
        {"[0-9 ]{4}[0-9]{2}", 0},
        {"[0-9]{9}|", 0},
        {"(?i)[0-9]{9}", 0},
        {"", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        const size_t run = pattern_digits_of(span_cstr(patterns[i].pattern)).run;
        if (run != patterns[i].run) fail_msg("%s: %zu", patterns[i].pattern, run);
    }
    static const struct {
        const char *text;
        size_t ended, goes_on;
    } texts[] = {
        {"12 34 x", 2, 2}, {"12x", 2, 2}, {"12", 2, SIZE_MAX}, {"12 ", 2, 2}, {"", 0, SIZE_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const span text = span_cstr(texts[i].text);
        assert_int_equal(guard_digits_from(text, 0, true).run, texts[i].ended);
        assert_int_equal(guard_digits_from(text, 0, false).run, texts[i].goes_on);
    }
}

static void counts_the_digits_of_a_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t ended, goes_on;
    } rows[] = {
        {"0.9731 x", 5, 5},   {"a12-34/56,7", 6, 6},  {"x127.0.0.1:80", 6, 6},
        {"a12", 2, SIZE_MAX}, {"a1 2 ", 2, SIZE_MAX}, {"abc", 0, 0},
        {"a", 0, SIZE_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const span text = span_cstr(rows[i].text);
        const size_t at = text.ptr[0] == '0' ? 0 : 1;
        assert_int_equal(guard_digits_from(text, at, true).all, rows[i].ended);
        assert_int_equal(guard_digits_from(text, at, false).all, rows[i].goes_on);
    }
    char many[200]; /* it does not look further than it has to */
    memset(many, '-', sizeof many);
    assert_int_equal(guard_digits_from(span_from(many, sizeof many), 0, true).all, SIZE_MAX);
}

/* Patterns that are shipped are compiled where a text needs them: by whichever thread is first. */
enum { LOOKING = 4 };

static void *look_for_one(void *policy) {
    guard_scratch *scratch = guard_scratch_new();
    lane_result r = lane_run(policy, scratch, (guard_form){.whole = true},
                             SPAN_OF("her card is 4111 1111 1111 1111."), NULL, NULL);
    const bool found = span_eq(buf_span(&r.text), SPAN_OF("her card is [CARD_1]."));
    lane_result_done(&r);
    guard_scratch_free(scratch);
    return found ? policy : NULL;
}

static void compiles_a_pattern_once_for_all_threads(void **state) {
    (void)state;
    guard_set *s = guard_set_new(true, NULL, 0, NULL, NULL);
    guard_policy *p = guard_policy_new(s, GUARD_IN, GUARD_REDACT, NULL, 0);
    pthread_t threads[LOOKING];
    for (unsigned i = 0; i < LOOKING; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, look_for_one, p), 0);
    for (unsigned i = 0; i < LOOKING; i++) {
        void *found;
        assert_int_equal(pthread_join(threads[i], &found), 0);
        assert_ptr_equal(found, p);
    }
    guard_policy_free(p);
    guard_set_unref(s);
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_it_cannot_keep),
        cmocka_unit_test(changes_what_is_shipped),
        cmocka_unit_test(decides_by_rule_kind_and_direction),
        cmocka_unit_test(ships_rules_whose_leads_are_true),
        cmocka_unit_test(says_the_same_in_the_program_and_in_the_files),
        cmocka_unit_test(tells_where_a_file_is_wrong),
        cmocka_unit_test(finds_a_patterns_lead),
        cmocka_unit_test(counts_the_digits_that_a_pattern_begins_with),
        cmocka_unit_test(counts_those_that_nothing_parts),
        cmocka_unit_test(counts_the_digits_of_a_text),
        cmocka_unit_test(compiles_a_pattern_once_for_all_threads),
    };
    return run_watched(tests);
}
