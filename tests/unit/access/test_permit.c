/* Who may do what, as tables of rows. */
#include "unit.h"

#include "access/permit.h"
#include "config/rights.h"

static arena memory;

static config_client client_of(const char *rights) {
    config_client c = {.name = SPAN("ci")};
    buf why = BUF_EMPTY;
    if (!config_rights_parse(span_cstr(rights), &memory, &c, &why))
        fail_msg("%s: %s", rights, buf_cstr(&why));
    buf_done(&why);
    return c;
}

static void check(error_id id, error_id wanted, buf *why, const char *says) {
    assert_int_equal(id, wanted);
    assert_string_equal(buf_cstr(why), says);
    buf_done(why);
}

#define T0 ((int64_t)1796083200000000) /* 2026-12-01T00:00:00Z */

static void when_where_and_for_which_weir(void **state) {
    (void)state;
    static const struct {
        const char *rights, *environment, *peer;
        int64_t now_us;
        error_id id;
        const char *says;
    } rows[] = {
        {"{}", "", "unix", T0, ERR_NONE, ""},
        {"{expires: 2026-12-01}", "", "10.1.1.1:80", T0 - 1, ERR_NONE, ""},
        {"{expires: never}", "", "10.1.1.1:80", INT64_MAX, ERR_NONE, ""},
        {"{expires: 2026-12-01}", "", "10.1.1.1:80", T0, ERR_KEY_EXPIRED,
         "This API key has expired (2026-12-01T00:00:00.000000Z)."},
        {"{environment: prod}", "prod", "10.1.1.1:80", T0, ERR_NONE, ""},
        {"{environment: prod}", "", "10.1.1.1:80", T0, ERR_NONE, ""},
        {"{environment: dev}", "prod", "10.1.1.1:80", T0, ERR_KEY_ENVIRONMENT,
         "This API key is for the environment 'dev'; this gateway serves 'prod'."},
        {"{}", "prod", "10.1.1.1:80", T0, ERR_KEY_ENVIRONMENT,
         "This API key is for no environment; this gateway serves 'prod'."},
        {"{addresses: [10.0.0.0/8, '::1']}", "", "10.1.1.1:80", T0, ERR_NONE, ""},
        {"{addresses: [10.0.0.0/8, '::1']}", "", "[::1]:80", T0, ERR_NONE, ""},
        {"{addresses: 10.0.0.0/8}", "", "[::ffff:10.1.1.1]:80", T0, ERR_NONE, ""},
        {"{addresses: 10.0.0.0/8}", "", "11.1.1.1:80", T0, ERR_KEY_ADDRESS,
         "This API key may not be used from 11.1.1.1:80."},
        {"{addresses: ['0.0.0.0/0', '::/0']}", "", "unix", T0, ERR_KEY_ADDRESS,
         "This API key may not be used from unix."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const config_client c = client_of(rows[i].rights);
        buf why = BUF_EMPTY;
        error_id id = permit_caller(&c, rows[i].now_us, span_cstr(rows[i].environment),
                                    span_cstr(rows[i].peer), &why);
        check(id, rows[i].id, &why, rows[i].says);
    }
}

static void which_endpoint(void **state) {
    (void)state;
    static const struct {
        const char *rights, *name, *path;
        bool may;
    } rows[] = {
        {"{}", "chat.completions", "/chat/completions", true},
        {"{endpoints: /v1/chat/completions}", "chat.completions", "/chat/completions", true},
        {"{endpoints: chat.completions}", "chat.completions", "/chat/completions", true},
        {"{endpoints: [chat/completions]}", "chat.completions", "/chat/completions", true},
        {"{endpoints: [embeddings]}", "chat.completions", "/chat/completions", false},
        {"{endpoints: [chat]}", "chat.completions", "/chat/completions", false},
        {"{endpoints: [/chat]}", "chat", "/chat", true},
        {"{endpoints: [/v1/audio/*]}", "other", "/audio/speech", true},
        {"{endpoints: [/v1/audio/*]}", "other", "/images/generations", false},
        {"{endpoints: ['*']}", "embeddings", "/embeddings", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const config_client c = client_of(rows[i].rights);
        buf why = BUF_EMPTY, says = BUF_EMPTY;
        if (!rows[i].may) buf_addf(&says, "This API key may not be used for %s.", rows[i].name);
        error_id id = permit_endpoint(&c, span_cstr(rows[i].name), span_cstr(rows[i].path), &why);
        check(id, rows[i].may ? ERR_NONE : ERR_KEY_ENDPOINT, &why, buf_cstr(&says));
        buf_done(&says);
    }
}

static void which_model(void **state) {
    (void)state;
    static const struct {
        const char *rights, *model;
        const char *says;
    } rows[] = {
        {"{}", "gpt-4o", ""},
        {"{}", "", ""},
        {"{models: gpt-4o}", "gpt-4o", ""},
        {"{models: gpt-4o}", "gpt-4o-mini",
         "This API key may not be used for the model 'gpt-4o-mini'."},
        {"{models: [o1, 'gpt-4o*']}", "gpt-4o-mini", ""},
        {"{models: [o1, 'gpt-4o*']}", "GPT-4o",
         "This API key may not be used for the model 'GPT-4o'."},
        {"{models: gpt-4o}", "", "This API key is for certain models, and the request names none."},
        {"{models: '*'}", "", "This API key is for certain models, and the request names none."},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const config_client c = client_of(rows[i].rights);
        buf why = BUF_EMPTY;
        error_id id = permit_model(&c, span_cstr(rows[i].model), &why);
        check(id, *rows[i].says ? ERR_KEY_MODEL : ERR_NONE, &why, rows[i].says);
    }
}

#define NO_REFERENCE                                                                               \
    " has a ${…}, which stands for an environment variable in the configuration's file alone; "  \
    "write $$ for a $"

/* What is wrong with a text that says what a key may do. */
static void what_cannot_be_read(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"{addresses: 10.0.0.1/8}",
         "addresses is '10.0.0.1/8'; expected an address or a network such as 10.0.0.0/8 or "
         "2001:db8::/32, or a list of up to 256"},
        {"{expires: soon}", "expires is another value; expected an instant such as "
                            "2026-12-31T00:00:00Z, a date, or never"},
        {"[]", "the configuration is a list; expected a mapping of options"},
        {"{owner: '${HOME}'}", "owner" NO_REFERENCE},
        {"{owner: '${HOME:-me}'}", "owner" NO_REFERENCE},
        {"{metadata: {ticket: 'a ${HOME}'}}", "metadata.ticket" NO_REFERENCE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        config_client c = {.name = SPAN("ci")};
        buf why = BUF_EMPTY;
        assert_false(config_rights_parse(span_cstr(rows[i][0]), &memory, &c, &why));
        assert_string_equal(buf_cstr(&why), rows[i][1]);
        assert_span(c.name, "ci");
        buf_done(&why);
    }
}

/* All that is read lives in the arena that is given. */
static void all_of_it_is_kept(void **state) {
    (void)state;
    const config_client c =
        client_of("{\"owner\":\"search\",\"models\":[\"a\",\"b\"],\"endpoints\":[\"chat\"],"
                  "\"metadata\":{\"ticket\":\"A-1\"},\"environment\":\"prod\"}");
    assert_span(c.owner, "search");
    assert_span(c.environment, "prod");
    assert_int_equal(c.model_count, 2);
    assert_span(c.models[1], "b");
    assert_span(c.endpoints[0], "chat");
    assert_int_equal(c.metadata_count, 1);
    assert_span(c.metadata[0].name, "ticket");
    assert_span(c.metadata[0].value, "A-1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(when_where_and_for_which_weir),
        cmocka_unit_test(which_endpoint),
        cmocka_unit_test(which_model),
        cmocka_unit_test(what_cannot_be_read),
        cmocka_unit_test(all_of_it_is_kept),
    };
    arena_init(&memory, 0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&memory);
    return failed;
}
