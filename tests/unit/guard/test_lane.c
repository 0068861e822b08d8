#include "unit.h"

#include "guard/lane.h"
#include "lanes.h"

/* A rule of a test's own: its name, pattern, and what else it says. */
#define RULE(n, p, ...)                                                                            \
    { .name = SPAN(n), .pattern = SPAN(p), .show = -1, __VA_ARGS__ }

static void complain(void *ctx, size_t rule, const char *member, const char *message) {
    (void)ctx;
    fail_msg("rule %zu: %s %s", rule, member, message);
}

static guard_policy *policy_of(bool shipped, const guard_rule_text *rules, size_t count,
                               guard_action action) {
    guard_set *s = guard_set_new(shipped, rules, count, complain, NULL);
    guard_policy *p = guard_policy_new(s, GUARD_OUT, action, NULL, 0);
    guard_set_unref(s);
    return p;
}

static void expect_same(const lane_result *whole, const lane_result *cut, const char *what,
                        size_t n) {
    if (!lane_results_same(whole, cut))
        fail_msg("%s %zu: whole\n%.*s\n%.*scut\n%.*s\n%.*s", what, n,
                 SPAN_ARG(buf_span(&whole->text)), SPAN_ARG(buf_span(&whole->finds)),
                 SPAN_ARG(buf_span(&cut->text)), SPAN_ARG(buf_span(&cut->finds)));
}

/* Whole, in two pieces at each byte, in even pieces and by seeds: the same. */
static lane_result run_all(const guard_policy *p, guard_form form, span text) {
    guard_scratch *scratch = guard_scratch_new();
    lane_result whole = lane_run(p, scratch, form, text, NULL, NULL);
    size_t step = text.len > 1000 ? 97 : 1;
    for (size_t i = 0; i <= text.len; i += step) {
        lane_result cut = lane_run(p, scratch, form, text, lane_cut_once, &(size_t){i ? i : 1});
        expect_same(&whole, &cut, "cut at", i);
        lane_result_done(&cut);
    }
    for (size_t n = 1; n < 12; n++) {
        lane_result cut = lane_run(p, scratch, form, text, lane_cut_evenly, &n);
        expect_same(&whole, &cut, "pieces of", n);
        lane_result_done(&cut);
    }
    for (size_t seed = 1; seed <= 20; seed++) {
        lane_result cut = lane_run(p, scratch, form, text, lane_cut_randomly,
                                   &(uint64_t){seed * 0x9E3779B97F4A7C15u});
        expect_same(&whole, &cut, "seed", seed);
        lane_result_done(&cut);
    }
    guard_scratch_free(scratch);
    return whole;
}

static void expect(const guard_policy *p, guard_form form, const char *in, const char *out) {
    lane_result r = run_all(p, form, span_cstr(in));
    assert_string_equal(buf_cstr(&r.text), out);
    lane_result_done(&r);
}

static void hides_what_its_rules_match(void **state) {
    (void)state;
    static const span pin[] = {SPAN("pin: ")};
    static const guard_rule_text rules[] = {
        RULE("ticket", "TICK-[0-9]{6}"),
        RULE("bird", "Project Bluebird"),
        RULE("overlap", "aba[ab]{2}"),
        RULE("code", "\\b[A-Z]{3}-[0-9]{4}\\b"),
        RULE("pin", "pin: ([0-9]{4})", .leads = pin, .lead_count = 1),
    };
    guard_policy *p = policy_of(false, rules, ARRAY_LEN(rules), GUARD_REDACT);
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"nothing here", "nothing here"},
        {"see TICK-123456, TICK-654321 and TICK-123456.",
         "see TICK-[TICKET_1], TICK-[TICKET_2] and TICK-[TICKET_1]."},
        {"TICK-12345", "TICK-12345"},
        /* a place within the match before, that becomes known behind it */
        {"abaababaab", "aba[OVERLAP_1]aba[OVERLAP_1]"},
        {"TICK-TICK-123456", "TICK-TICK-[TICKET_1]"},
        {"about Project Bluebird and Project Blue", "about [BIRD_1] and Project Blue"},
        {"ABC-1234 ABCD-1234 ABC-12345 XYZ-9999", "[CODE_1] ABCD-1234 ABC-12345 [CODE_2]"},
        {"pin: 1234 pin: 12 PIN: 1234", "pin: [PIN_1] pin: 12 PIN: 1234"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(p, (guard_form){0}, rows[i].in, rows[i].out);
    guard_policy_free(p);
}

/* Patterns are of bytes; what they hide and what they leave is of characters. */
static void leaves_no_half_of_a_character(void **state) {
    (void)state;
    static const span umlauts[] = {SPAN("ÄÖÜ")};
    static const guard_rule_text rules[] = {
        RULE("four", "ID:.{4}"),
        RULE("class", "Herr [ÄÖÜ][a-z]*"),
        RULE("inner", "no. [^0-9]([0-9]{2}|[é])"),
        {.name = SPAN("shown"),
         .pattern = SPAN("ÄÖÜ[0-9]+"),
         .leads = umlauts,
         .lead_count = 1,
         .show = 3},
        RULE("begins", "[ßé]-[0-9]+"),
    };
    guard_policy *p = policy_of(false, rules, ARRAY_LEN(rules), GUARD_REDACT);
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"see ID:abcéfg", "see ID:[FOUR_1]fg"},
        {"see ID:abcéfg, ID:abcèfg", "see ID:[FOUR_1]fg, ID:[FOUR_2]fg"},
        {"ID:a\u00e9😀x", "ID:[FOUR_1]x"},
        {"Herr Östler, Herr Ä, Herr Öl", "Herr [CLASS_1]stler, Herr [CLASS_2], Herr [CLASS_1]l"},
        {"no. xé", "no. x[INNER_1]"},
        {"ÄÖÜ12", "Ä[SHOWN_1]"},
        {"ß-1 é-1 \u00e9-1", "[BEGINS_1] [BEGINS_2] [BEGINS_2]"},
    };
    guard_scratch *scratch = guard_scratch_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const guard_form form = {.json = 1};
        const span in = span_cstr(rows[i].in);
        expect(p, form, rows[i].in, rows[i].out);
        for (size_t at = 1; at <= in.len; at++) {
            lane_result cut = lane_run(p, scratch, form, in, lane_cut_once, &at);
            assert_int_equal(cut.halves, 0);
            lane_result_done(&cut);
        }
    }
    /* what is no character stays what it is */
    expect(p, (guard_form){0}, "ID:abc\xC3\x28 \x80ID:\xA9\xA9\xA9\xA9\xA9",
           "ID:[FOUR_1]\x28 \x80ID:[FOUR_2]\xA9");
    guard_scratch_free(scratch);
    guard_policy_free(p);
}

static void hides_what_is_shipped(void **state) {
    (void)state;
    guard_policy *p = policy_of(true, NULL, 0, GUARD_REDACT);
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"Write to john.smith@example.com or bob@example.org, please.",
         "Write to john.smi[EMAIL_1] or bob[EMAIL_2], please."},
        {"Card 4111 1111 1111 1111, not 4111 1111 1111 1112.",
         "Card 4111 [CARD_1], not 4111 1111 1111 1112."},
        {"DE89 3704 0044 0532 0130 00 and then", "DE89 [IBAN_1] and then"},
        {"token ghp_16C7e42F292c6912E7710c838347Ae178B4a in use",
         "token ghp_[GITHUB_TOKEN_1] in use"},
        {"sk-proj-aB3dE6gH9jK2mN5pQ8sT1vW4yZ7", "sk-proj-[OPENAI_KEY_1]"},
        {"from 192.168.17.23, to fe8(?:0::1f", "from 192.168.[IP_1], to fe8(?:0::1f"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(p, (guard_form){0}, rows[i].in, rows[i].out);
    guard_policy_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hides_what_its_rules_match),
        cmocka_unit_test(leaves_no_half_of_a_character),
        cmocka_unit_test(hides_what_is_shipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
