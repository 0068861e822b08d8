/* The TLS contexts of a snapshot's providers: which of them share one, and what is said of a file
 * that is none. */
#include "heap.h"

#include "call/provider_tls.h"
#include "http/certs.h"

static const snapshot_part *const parts[] = {&provider_tls_part};
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

/* A configuration with four providers, of which the second has no TLS. */
static config *providers(const char *first, const char *third, const char *fourth) {
    buf yaml = BUF_EMPTY;
    config_problems problems = {0};
    buf_addf(&yaml,
             "providers:\n"
             "  a: {kind: openai, url: 'https://weir.test/v1', ca_file: '%s'}\n"
             "  b: {kind: openai, url: 'http://127.0.0.1:9/v1'}\n"
             "  c: {kind: openai, url: 'https://weir.test/v1', ca_file: '%s'}\n"
             "  d: {kind: openai, url: 'https://weir.test/v1', ca_file: '%s'}\n",
             first, third, fourth);
    config *c = config_parse(buf_span(&yaml), "test", &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%.*s\n", SPAN_ARG(problems.items[i].text));
    config_problems_done(&problems);
    buf_done(&yaml);
    assert_non_null(c);
    return c;
}

static void providers_share_by_their_file(void **state) {
    (void)state;
    buf why = BUF_EMPTY;
    config *c = providers(files.ca, files.other_ca, files.ca);
    snapshot *s = snapshot_new(c, parts, ARRAY_LEN(parts), &why);
    assert_non_null(s);
    assert_non_null(snapshot_provider_tls(s, 0));
    assert_null(snapshot_provider_tls(s, 1));
    assert_non_null(snapshot_provider_tls(s, 2));
    assert_ptr_not_equal(snapshot_provider_tls(s, 2), snapshot_provider_tls(s, 0));
    assert_ptr_equal(snapshot_provider_tls(s, 3), snapshot_provider_tls(s, 0));
    snapshot_unref(s);
    config_unref(c);
}

/* Wherever it stands: the contexts before it are given back. */
static void a_file_that_is_none_is_named(void **state) {
    (void)state;
    const char *none = files.key;
    char want[160];
    snprintf(want, sizeof want, "CA certificates %s: ", none);
    for (int at = 0; at < 3; at++) {
        buf why = BUF_EMPTY;
        config *c = providers(at == 0 ? none : files.ca, at == 1 ? none : files.other_ca,
                              at == 2 ? none : files.ca);
        assert_null(snapshot_new(c, parts, ARRAY_LEN(parts), &why));
        assert_true(span_starts(buf_span(&why), span_cstr(want)));
        buf_done(&why);
        config_unref(c);
    }
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(providers_share_by_their_file),
        cmocka_unit_test(a_file_that_is_none_is_named),
    };
    return run_watched_in(tests, set_up, tear_down);
}
