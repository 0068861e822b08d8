/* What the gateway prepares of a configuration, and what is said where a file cannot be used. */
#include "unit.h"

#include "call/provider_tls.h"
#include "gateway/listener_tls.h"
#include "gateway/parts.h"
#include "http/certs.h"

static certs files;

static int set_up(void **state) {
    (void)state;
    certs_begin(&files);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    certs_end(&files);
    return 0;
}

/* Listeners with TLS, without, and with TLS; one provider. */
static config *gateway_config(const char *key, const char *ca) {
    buf yaml = BUF_EMPTY;
    config_problems problems = {0};
    buf_addf(&yaml,
             "listen:\n"
             "  - {address: '127.0.0.1:1', tls: {cert: '%s', key: '%s'}}\n"
             "  - '127.0.0.1:2'\n"
             "  - {address: '127.0.0.1:3', tls: {cert: '%s', key: '%s'}}\n"
             "providers: {p: {kind: openai, url: 'https://weir.test/v1', ca_file: '%s'}}\n",
             files.cert, files.key, files.cert, key, ca);
    config *c = config_parse(buf_span(&yaml), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    buf_done(&yaml);
    assert_non_null(c);
    return c;
}

static void certificates_of_both_sides(void **state) {
    (void)state;
    buf why = BUF_EMPTY;
    config *c = gateway_config(files.key, files.ca);
    snapshot *s = gateway_snapshot(c, &why);
    assert_non_null(s);
    config_unref(c); /* it has its own */
    assert_non_null(snapshot_listener_tls(s, 0));
    assert_null(snapshot_listener_tls(s, 1));
    assert_non_null(snapshot_listener_tls(s, 2));
    assert_non_null(snapshot_provider_tls(s, 0));
    snapshot_unref(s);
}

static void what_cannot_be_used_is_named(void **state) {
    (void)state;
    static const struct {
        bool key, ca; /* usable */
        const char *what, *file;
    } rows[] = {
        {false, true, "TLS key", files.other_key},
        {true, false, "CA certificates", files.key},
        {false, false, "TLS key", files.other_key},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf why = BUF_EMPTY, want = BUF_EMPTY;
        config *c = gateway_config(rows[i].key ? files.key : files.other_key,
                                   rows[i].ca ? files.ca : files.key);
        assert_null(gateway_snapshot(c, &why));
        buf_addf(&want, "%s %s: ", rows[i].what, rows[i].file);
        assert_true(span_starts(buf_span(&why), buf_span(&want)));
        buf_done(&why);
        buf_done(&want);
        config_unref(c);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_of_both_sides),
        cmocka_unit_test(what_cannot_be_used_is_named),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
