/* Whose address counts: nobody can lend himself another than the last one that no trusted proxy
 * has. */
#include "unit.h"

#include "gateway/peer.h"

static void whose_address_counts(void **state) {
    (void)state;
    static const struct {
        const char *peer;
        http_header headers[3];
        const char *client;
    } rows[] = {
        {"10.0.0.1:80", {{SPAN("x-forwarded-for"), SPAN("192.0.2.1")}}, "192.0.2.1"},
        {"198.51.100.1:80", {{SPAN("x-forwarded-for"), SPAN("192.0.2.1")}}, "198.51.100.1:80"},
        {"unix", {{SPAN("x-forwarded-for"), SPAN("192.0.2.1")}}, "unix"},
        {"10.0.0.1:80", {{SPAN("host"), SPAN("a")}}, "10.0.0.1:80"},
        {"10.0.0.1:80",
         {{SPAN("x-forwarded-for"), SPAN("192.0.2.7, 192.0.2.1, 10.2.2.2")}},
         "192.0.2.1"},
        {"10.0.0.1:80",
         {{SPAN("x-forwarded-for"), SPAN("192.0.2.7")},
          {SPAN("X-Forwarded-For"), SPAN("192.0.2.1")}},
         "192.0.2.1"},
        {"10.0.0.1:80", {{SPAN("x-forwarded-for"), SPAN("10.3.3.3 , 10.2.2.2")}}, "10.3.3.3"},
        {"10.0.0.1:80",
         {{SPAN("x-forwarded-for"), SPAN("192.0.2.1, unknown, 10.2.2.2")}},
         "10.2.2.2"},
        {"10.0.0.1:80", {{SPAN("x-forwarded-for"), SPAN("192.0.2.1,")}}, "192.0.2.1"},
        {"10.0.0.1:80", {{SPAN("x-forwarded-for"), SPAN("192.0.2.1, ,")}}, "192.0.2.1"},
        {"10.0.0.1:80",
         {{SPAN("forwarded"), SPAN("for=192.0.2.7, for=192.0.2.1;proto=https")}},
         "192.0.2.1"},
        {"10.0.0.1:80",
         {{SPAN("forwarded"), SPAN("proto=https; For=\"[2001:db8::1]:4711\"")}},
         "[2001:db8::1]:4711"},
        {"10.0.0.1:80", {{SPAN("forwarded"), SPAN("for=_hidden")}}, "10.0.0.1:80"},
        {"10.0.0.1:80",
         {{SPAN("forwarded"), SPAN("for=192.0.2.7")}, {SPAN("x-forwarded-for"), SPAN("192.0.2.1")}},
         "192.0.2.1"},
    };
    cidr proxies[1];
    assert_true(cidr_parse(SPAN_OF("10.0.0.0/8"), proxies));
    config c = {.server = {.trusted_proxies = proxies, .trusted_proxy_count = 1}};
    const config none = {.server = {.trusted_proxy_count = 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t count = 0;
        while (count < ARRAY_LEN(rows[i].headers) && rows[i].headers[count].name.len)
            count++;
        const http_headers headers = {rows[i].headers, count};
        assert_span(peer_of(&c, headers, span_cstr(rows[i].peer)), rows[i].client);
        assert_span(peer_of(&none, headers, span_cstr(rows[i].peer)), rows[i].peer);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(whose_address_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
