/* A limit that holds for nothing is told of; one that may hold for something is not. */
#include "world.h"

#include "config/rights.h"

#define MODELS                                                                                     \
    "providers:\n"                                                                                 \
    "  openai: {key: \"${K}\"}\n"                                                                  \
    "  here: {kind: openai, url: \"http://127.0.0.1:1/v1\"}\n"                                     \
    "models: {gpt-4o: openai, \"o*\": openai, fast: here/m}\n"

static const world_pair env[] = {{"K", "sk-0123456789abcdef"}, {NULL, NULL}};

/* The warnings about limits, without their places. */
static buf said_of(const char *models, const char *section, const char *pattern) {
    world w;
    buf yaml = BUF_EMPTY, said = BUF_EMPTY;
    world_init(&w, env, NULL);
    buf_addf(&yaml, "%slimits:\n  %s:\n    \"%s\": {parallel: 1}\n", models, section, pattern);
    config *c = world_load(&w, buf_cstr(&yaml));
    if (!c) {
        buf text = world_text(NULL);
        fail_msg("%s", text.ptr);
    }
    for (size_t i = 0; i < c->warning_count; i++)
        if (span_starts(c->warnings[i].text, SPAN_OF("limits."))) {
            assert_true(c->warnings[i].line > 0);
            buf_add(&said, c->warnings[i].text);
        }
    (void)buf_cstr(&said);
    world_done(c);
    buf_done(&yaml);
    return said;
}

static void what_holds_for_nothing_is_told(void **state) {
    (void)state;
#define NO_MODEL  " holds for no call: the names that clients ask for stand under models"
#define NO_TARGET " holds for no call: a target is PROVIDER/MODEL, and PROVIDER/* all of a provider"
#define NO_TAG    " holds for no call: a tag is name=value, and name=* each of a name"
    static const struct {
        const char *models, *section, *pattern, *said;
    } rows[] = {
        {MODELS, "model", "gpt-4o", ""},
        {MODELS, "model", "gpt-4oo", "limits.model.gpt-4oo" NO_MODEL},
        {MODELS, "model", "o3", ""},
        {MODELS, "model", "gpt*", ""},
        {MODELS, "model", "o3-*", ""},
        {MODELS, "model", "*", ""},
        {MODELS, "model", "gpt-5*", "limits.model.gpt-5*" NO_MODEL},
        {MODELS, "model", "fas", "limits.model.fas" NO_MODEL},
        {"models: {\"*\": openai}\nproviders: {openai: {key: \"${K}\"}}\n", "model", "x", ""},
        {"providers: {openai: {key: \"${K}\"}}\n", "model", "x", ""},
        {MODELS, "target", "openai/gpt-4o", ""},
        {MODELS, "target", "openai/*", ""},
        {MODELS, "target", "here/m", ""},
        {MODELS, "target", "open*", ""},
        {MODELS, "target", "*", ""},
        {MODELS, "target", "opnai/*", "limits.target.opnai/*" NO_TARGET},
        {MODELS, "target", "opn*", "limits.target.opn*" NO_TARGET},
        {MODELS, "target", "openai", "limits.target.openai" NO_TARGET},
        {MODELS, "target", "open/gpt-4o", "limits.target.open/gpt-4o" NO_TARGET},
        {MODELS, "tag", "team=a", ""},
        {MODELS, "tag", "team=*", ""},
        {MODELS, "tag", "te*", ""},
        {MODELS, "tag", "team", "limits.tag.team" NO_TAG},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf said = said_of(rows[i].models, rows[i].section, rows[i].pattern);
        if (strcmp(said.ptr, rows[i].said) != 0)
            fail_msg("%s.%s: %s", rows[i].section, rows[i].pattern, said.ptr);
        buf_done(&said);
    }
}

#define NONE " fits no model: the names that clients ask for stand under models"

/* Of what a configuration with these models is warned of, what is told of the one subject. */
static void assert_warned(const char *more, bool (*is_of_it)(span), const char *said) {
    world w;
    buf yaml = BUF_EMPTY, told = BUF_EMPTY;
    world_init(&w, env, NULL);
    buf_addf(&yaml, "%s%s", MODELS, more);
    config *c = world_load(&w, buf_cstr(&yaml));
    assert_non_null(c);
    for (size_t i = 0; i < c->warning_count; i++)
        if (is_of_it(c->warnings[i].text)) buf_add(&told, c->warnings[i].text);
    assert_string_equal(buf_cstr(&told), said);
    buf_done(&told);
    buf_done(&yaml);
    world_done(c);
}

static bool is_of_lists(span warning) {
    return span_ends(warning, SPAN_OF(NONE));
}

static bool is_of_ledger(span warning) {
    return span_starts(warning, SPAN_OF("ledger"));
}

static void lists_of_models_that_name_none_are_told(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *said;
    } rows[] = {
        {"cache: {models: gpt-4o}\n", ""},
        {"cache: {models: [gpt-4o, \"o3*\", \"*\"]}\n", ""},
        {"cache: {models: gpt-5}\n", "cache.models" NONE},
        {"cache: {models: [gpt-4o, gpt-5]}\n", "cache.models[1]" NONE},
        {"cache: {models: [\"${M:-gpt-5}\"]}\n", ""},
        {"cache: on\n", ""},
        {"clients: [{name: a, key: \"${K}\", models: fast}]\n", ""},
        {"clients: [{name: a, key: \"${K}\", models: [fast, slow]}]\n",
         "clients[0].models[1]" NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_warned(rows[i].yaml, is_of_lists, rows[i].said);
    }
}

static void budgets_that_a_start_forgets_are_told(void **state) {
    (void)state;
#define FORGETS(keep, name, per)                                                                   \
    "ledger.keep is " keep ", and " name " is for a " per                                          \
    ": whenever weir is started, what was spent before that is forgotten"
#define JWT(claims)                                                                                \
    "auth: {jwt: {jwks: \"https://localhost/k\", issuer: i, audience: a, claims: " claims "}}\n"
#define ANEW(name) "ledger is off: a budget (" name ") begins anew whenever weir is started"
    static const struct {
        const char *yaml, *said;
    } rows[] = {
        {"limits: {user: {spend: 5/d}}\n", ""},
        {"limits: {user: {spend: 5/month}}\n", ""},
        {"limits: {user: {requests: 5/month}}\nledger: off\n", ""},
        {"limits: {address: {spend: 5/month}}\nledger: off\n", ""},
        {"limits: {user: {spend: 5/d}}\nledger: off\n", ANEW("limits.user.spend")},
        {"limits: {user: {spend: 5/d}}\nledger: {keep: 24h}\n", ""},
        {"limits: {user: {spend: 5/d}}\nledger: {keep: forever}\n", ""},
        {"limits: {user: {spend: 5/d}}\nledger: {keep: 23h}\n",
         FORGETS("23h", "limits.user.spend", "day")},
        {"limits: {tag: {\"team=*\": {spend: [5/d, 50/month]}}}\nledger: {keep: 31d}\n", ""},
        {"limits: {tag: {\"team=*\": {spend: [5/d, 50/month]}}}\nledger: {keep: 30d}\n",
         FORGETS("30d", "limits.tag.team=*.spend", "month")},
        {"limits: {user: {spend: 5/d}}\nledger: {keep: 30d}\n"
         "clients: [{name: a, key: \"${K}\", limits: {spend: 5/month}}]\n",
         FORGETS("30d", "clients[0].limits.spend", "month")},
        {"limits: {user: {spend: 5/d}}\nledger: off\nshared: redis://127.0.0.1:1\n", ""},
        {"limits: {user: {spend: 5/month}}\nledger: {keep: 23h}\nshared: redis://127.0.0.1:1\n",
         ""},
        {JWT("{}") "ledger: off\n", ""},
        {JWT("{limits: l}") "ledger: {keep: 31d}\n", ""},
        {JWT("{limits: l}") "ledger: off\n", ANEW("auth.jwt.claims.limits")},
        {JWT("{limits: l}") "ledger: {keep: 30d}\nlimits: {user: {spend: 5/d}}\n",
         "ledger.keep is 30d, and auth.jwt.claims.limits may be for a month: whenever weir is "
         "started, what was spent before that is forgotten"},
        {JWT("{limits: l}") "ledger: {keep: 30d}\nlimits: {user: {spend: 5/month}}\n",
         FORGETS("30d", "limits.user.spend", "month")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_warned(rows[i].yaml, is_of_ledger, rows[i].said);
    }
}

static void budgets_of_a_key_that_a_start_forgets_are_told(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *rights, *said;
    } rows[] = {
        {"ledger: {keep: 30d}\n", "{}", ""},
        {"ledger: {keep: 30d}\n", "{limits: {spend: 5/d, requests: 5/m}}", ""},
        {"ledger: {keep: 30d}\n", "{limits: {spend: [5/d, 50/month]}}",
         FORGETS("30d", "limits.spend", "month")},
        {"ledger: {keep: 31d}\n", "{limits: {spend: 50/month}}", ""},
        {"ledger: {keep: 30d}\nshared: redis://127.0.0.1:1\n", "{limits: {spend: 50/month}}", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        world w;
        arena a;
        config_client rights = {0};
        buf yaml = BUF_EMPTY, said = BUF_EMPTY;
        arena_init(&a, 0);
        world_init(&w, env, NULL);
        buf_addf(&yaml, "%s%s", MODELS, rows[i].yaml);
        config *c = world_load(&w, buf_cstr(&yaml));
        assert_non_null(c);
        assert_true(config_rights_parse(span_cstr(rows[i].rights), &a, &rights, &said));
        assert_int_equal(config_rights_are_forgotten(c, &rights, &said), *rows[i].said != 0);
        assert_string_equal(buf_cstr(&said), rows[i].said);
        buf_done(&said);
        buf_done(&yaml);
        arena_done(&a);
        world_done(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_for_nothing_is_told),
        cmocka_unit_test(lists_of_models_that_name_none_are_told),
        cmocka_unit_test(budgets_that_a_start_forgets_are_told),
        cmocka_unit_test(budgets_of_a_key_that_a_start_forgets_are_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
