/* Of texts of each kind, how many are found and how many others are; and of each that is cut
 * anywhere, that the same is found, the same bytes come out, and none of what is hidden.
 * GUARD_SEEDS=1000: as many random cuts of each text; otherwise some. */
#include "unit.h"

#include "corpus_personal.h"
#include "corpus_words.h"
#include "lanes.h"

enum { TEXTS = 500, SEEDS = 6 };

typedef void make_text(buf *b, dice *d);

typedef struct category {
    const char *name, *kind; /* kind: of the rules that count */
    const char *rules[8];    /* of a kind, these alone; none: all */
    make_text *positive, *negative;
} category;

static const category categories[] = {
    {"secrets", "secret", {NULL}, secret_positive, secret_negative},
    {"cards", "personal", {"card"}, card_positive, card_negative},
    {"e-mail", "personal", {"email"}, email_positive, email_negative},
    {"IBAN", "personal", {"iban"}, iban_positive, iban_negative},
    {"telephones",
     "personal",
     {"phone-international", "phone-north-american", "phone-area", "phone-national"},
     phone_positive,
     phone_negative},
    {"machines",
     "personal",
     {"ip-address", "ipv6-address", "mac-address"},
     machine_positive,
     machine_negative},
    {"state ids", "personal", {NULL}, id_positive, id_negative},
    {"injection", "injection", {NULL}, injection_positive, injection_negative},
    {"harmful", "harmful", {NULL}, harmful_positive, harmful_negative},
};

static guard_set *set;
static guard_policy *redact, *block, *flag;
static guard_scratch *scratch;

static bool counts(const category *c, const guard_rule *r) {
    if (!span_eq(r->kind, span_cstr(c->kind))) return false;
    if (!c->rules[0]) return true;
    for (size_t i = 0; i < ARRAY_LEN(c->rules) && c->rules[i]; i++)
        if (span_eq(r->name, span_cstr(c->rules[i]))) return true;
    return false;
}

typedef struct counting {
    const category *category;
    bool found;
} counting;

static void ignore_pass(void *ctx, span bytes) {
    (void)ctx, (void)bytes;
}

static void count_find(void *ctx, const guard_find *f) {
    counting *c = ctx;
    c->found = c->found || counts(c->category, f->rule);
}

static bool is_found(const category *c, span text) {
    counting counted = {c, false};
    guard_sink sink = {&counted, ignore_pass, count_find};
    guard_lane lane;
    guard_lane_init(&lane, flag, scratch, (guard_form){.whole = true});
    guard_lane_feed(&lane, text, true, &sink);
    guard_lane_done(&lane);
    return counted.found;
}

static void show(const char *what, const category *c, span text) {
    if (getenv("GUARD_SHOW")) printf("%s %s: %.*s\n", c->name, what, SPAN_ARG(text));
}

static void finds_what_is_there_and_nothing_else(void **state) {
    (void)state;
    bool good = true;
    for (size_t i = 0; i < ARRAY_LEN(categories); i++) {
        const category *c = &categories[i];
        dice d = {0x9E3779B97F4A7C15u + i};
        size_t found = 0, wrong = 0;
        for (size_t n = 0; n < TEXTS; n++) {
            buf yes = BUF_EMPTY, no = BUF_EMPTY;
            c->positive(&yes, &d);
            c->negative(&no, &d);
            bool hit = is_found(c, buf_span(&yes)), miss = is_found(c, buf_span(&no));
            if (!hit) show("is not found", c, buf_span(&yes));
            if (miss) show("is found", c, buf_span(&no));
            found += hit;
            wrong += miss;
            buf_done(&yes);
            buf_done(&no);
        }
        double recall = 100.0 * (double)found / TEXTS, false_ones = 100.0 * (double)wrong / TEXTS;
        printf("%-12s %u texts: recall %.1f %%, false positives %.1f %%\n", c->name, TEXTS, recall,
               false_ones);
        good = good && recall >= 95 && false_ones <= 2;
    }
    assert_true(good);
}

static void check_cuts(const guard_policy *p, span text, dice *d, size_t seeds) {
    lane_result whole = lane_run(p, scratch, (guard_form){0}, text, NULL, NULL);
    for (size_t i = 1; i <= text.len + seeds; i++) {
        uint64_t draws = d->x + 2 * i + 1;
        lane_result cut =
            i <= text.len ? lane_run(p, scratch, (guard_form){0}, text, lane_cut_once, &i)
                          : lane_run(p, scratch, (guard_form){0}, text, lane_cut_randomly, &draws);
        if (!lane_results_same(&whole, &cut))
            fail_msg("%.*s\nwhole\n%.*s\n%.*scut %zu\n%.*s\n%.*s", SPAN_ARG(text),
                     SPAN_ARG(buf_span(&whole.text)), SPAN_ARG(buf_span(&whole.finds)), i,
                     SPAN_ARG(buf_span(&cut.text)), SPAN_ARG(buf_span(&cut.finds)));
        lane_result_done(&cut);
    }
    lane_result_done(&whole);
}

static void says_the_same_wherever_it_is_cut(void **state) {
    (void)state;
    const char *asked = getenv("GUARD_SEEDS");
    size_t seeds = asked ? strtoul(asked, NULL, 10) : SEEDS;
    const guard_policy *const policies[] = {redact, block, flag};
    size_t texts = 0;
    for (size_t i = 0; i < ARRAY_LEN(categories); i++) {
        dice d = {0x9E3779B97F4A7C15u + i};
        for (size_t n = 0; n < TEXTS; n++) {
            buf text = BUF_EMPTY;
            categories[i].positive(&text, &d);
            check_cuts(policies[n % 3 == 2 ? n / 3 % 3 : 0], buf_span(&text), &d, seeds);
            buf_done(&text);
            texts++;
        }
    }
    printf("%zu texts cut at each byte and by %zu seeds\n", texts, seeds);
}

/* Of each vendor's form, by name, and none of what is hidden comes out. */
static void finds_each_form_by_its_rule(void **state) {
    (void)state;
    dice d = {42};
    for (size_t i = 0; i < ARRAY_LEN(key_forms); i++) {
        for (size_t n = 0; n < 20; n++) {
            buf text = BUF_EMPTY, name = BUF_EMPTY;
            put_form(&text, &d, key_forms[i].form);
            lane_result r =
                lane_run(redact, scratch, (guard_form){.whole = true}, buf_span(&text), NULL, NULL);
            buf_addf(&name, "%s redact ", key_forms[i].rule);
            if (!strstr(buf_cstr(&r.finds), buf_cstr(&name)))
                fail_msg("%s: %s\n%s", key_forms[i].rule, buf_cstr(&text), buf_cstr(&r.finds));
            buf_done(&text);
            buf_done(&name);
            lane_result_done(&r);
        }
    }
    printf("%zu forms of keys\n", ARRAY_LEN(key_forms));
}

static int set_up(void **state) {
    (void)state;
    set = guard_set_new(true, NULL, 0, NULL, NULL);
    redact = guard_policy_new(set, GUARD_OUT, GUARD_REDACT, NULL, 0);
    block = guard_policy_new(set, GUARD_OUT, GUARD_BLOCK, NULL, 0);
    flag = guard_policy_new(set, GUARD_OUT, GUARD_FLAG, NULL, 0);
    scratch = guard_scratch_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    guard_policy_free(redact);
    guard_policy_free(block);
    guard_policy_free(flag);
    guard_set_unref(set);
    guard_scratch_free(scratch);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there_and_nothing_else),
        cmocka_unit_test(finds_each_form_by_its_rule),
        cmocka_unit_test(says_the_same_wherever_it_is_cut),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
