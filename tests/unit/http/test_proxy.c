#include "unit.h"

#include "http/proxy.h"

/* ---- NO_PROXY ---- */

static void no_proxy_as_with_curl(void **state) {
    (void)state;
    static const struct {
        const char *list, *host;
        uint16_t port;
        bool excepts;
    } rows[] = {
        {"", "api.test", 443, false},
        {"*", "api.test", 443, true},
        {"api.test", "api.test", 443, true},
        {"api.test", "API.Test", 443, true},
        {"api.test", "api.test.", 443, true},
        {"api.test.", "api.test", 443, true},
        {"api.test", "eu.api.test", 443, true},
        {".api.test", "eu.api.test", 443, true},
        {".api.test", "api.test", 443, true},
        {"api.test", "myapi.test", 443, false},
        {"pi.test", "api.test", 443, false},
        {"api.test.evil", "api.test", 443, false},
        {"other, api.test ,third", "api.test", 443, true},
        {"other api.test third", "api.test", 443, true},
        {"other,,  ,third", "api.test", 443, false},
        {"api.test:443", "api.test", 443, true},
        {"api.test:8443", "api.test", 443, false},
        {"127.0.0.1", "127.0.0.1", 80, true},
        {"127.0.0.1:81", "127.0.0.1", 80, false},
        {"0.0.1", "127.0.0.1", 80, false},
        {"127.0.0.1", "localhost", 80, false},
        {"::1", "::1", 80, true},
        {"[::1]", "::1", 80, true},
        {"[::1]", "[::1]", 80, true},
        {"[::1]:80", "::1", 80, true},
        {"[::1]:81", "::1", 80, false},
        {"[::1", "::1", 80, false},
        {"api.test:", "api.test", 443, false},
        {"api.test:x", "api.test", 443, false},
        {".", "api.test", 443, false},
        {"other\tapi.test\tthird", "api.test", 443, true},
        {"api.test,*", "else.test", 443, true},
        {"*.test", "api.test", 443, false},
        {"EXAMPLE.COM", "api.example.com", 443, true},
        {"localhost", "LOCALHOST", 80, true},
        /* networks */
        {"10.0.0.0/8", "10.1.2.3", 80, true},
        {"10.0.0.0/8", "11.0.0.1", 80, false},
        {"10.9.9.9/8", "10.1.2.3", 443, true},
        {"192.168.16.0/20", "192.168.31.255", 80, true},
        {"192.168.16.0/20", "192.168.32.0", 80, false},
        {"127.0.0.1/32", "127.0.0.1", 80, true},
        {"127.0.0.0/32", "127.0.0.1", 80, false},
        {"127.0.0.0/31", "127.0.0.1", 80, true},
        {"0.0.0.0/0", "127.0.0.1", 80, true},
        {"0.0.0.0/0", "::1", 80, false},
        {"::/0", "::1", 80, true},
        {"::/0", "127.0.0.1", 80, false},
        {"fd00::/8", "fd12:3456::1", 80, true},
        {"fd00::/8", "[fd12:3456::1]", 80, true},
        {"FD00::/8", "fd12:3456::1", 80, true},
        {"fd00::/8", "fe80::1", 80, false},
        {"2001:db8:8000::/33", "2001:db8:ffff::1", 80, true},
        {"2001:db8:8000::/33", "2001:db8:7fff::1", 80, false},
        {"::1/128", "::1", 80, true},
        {"[fd00::]/8", "fd12::1", 80, true},
        {"localhost, 10.0.0.0/8 ,fd00::/8", "10.0.0.1", 80, true},
        {"10.0.0.0/8", "ten.test", 80, false},
        {"10.0.0.0/8", "10.0.0.1.test", 80, false},
        {"api.test/8", "api.test", 80, false},
        {"10.0.0.0/33", "10.0.0.0", 80, false},
        {"fd00::/129", "fd00::", 80, false},
        {"10.0.0.0/", "10.0.0.0", 80, false},
        {"10.0.0.0/-1", "10.0.0.0", 80, false},
        {"10.0.0.0/8x", "10.0.0.0", 80, false},
        {"10.0.0.0/4294967304", "10.0.0.1", 80, false},
        {"10.0.0/8", "10.0.0.1", 80, false},
        {"/8", "10.0.0.1", 80, false},
        {"10.0.0.0/8:80", "10.0.0.1", 80, false},
        /* one address in two spellings */
        {"0:0:0:0:0:0:0:1", "::1", 80, true},
        {"2001:DB8::1", "2001:db8:0::1", 80, true},
        {"[0:0::1]:80", "::1", 80, true},
        {"::2", "::1", 80, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool got =
            http_proxy_excepts(span_cstr(rows[i].list), span_cstr(rows[i].host), rows[i].port);
        if (got != rows[i].excepts)
            fail_msg("row %zu: %s and %s:%u", i, rows[i].list, rows[i].host, rows[i].port);
    }
}

/* ---- the choice ---- */

static const char *const (*environment)[2];

static const char *env(const char *name) {
    for (size_t i = 0; environment && environment[i][0]; i++)
        if (strcmp(environment[i][0], name) == 0) return environment[i][1];
    return NULL;
}

/* "host:port", with " authorization" if any; "" for none; "! why" when it cannot be used. */
static void chosen(const char *option, bool tls, const char *const (*vars)[2], const char *want) {
    environment = vars;
    http_proxy p;
    http_proxy_choose(span_cstr(option), tls, SPAN_OF("api.test"), 443, env, &p);
    buf got = BUF_EMPTY;
    if (p.kind == PROXY_UNUSABLE) buf_addf(&got, "! %s", buf_cstr(&p.why));
    if (p.kind == PROXY_CONNECT) buf_addf(&got, "%s:%u", p.host, p.port);
    if (p.authorization) {
        buf_add_char(&got, ' ');
        buf_add(&got, secret_reveal(p.authorization));
    }
    assert_string_equal(buf_cstr(&got), want);
    buf_done(&got);
    http_proxy_done(&p);
}

#define VARS(...)                                                                                  \
    (const char *const[][2]) {                                                                     \
        __VA_ARGS__, {                                                                             \
            NULL, NULL                                                                             \
        }                                                                                          \
    }

static void the_option_comes_first(void **state) {
    (void)state;
    const char *const(*vars)[2] = VARS({"HTTPS_PROXY", "http://env:1"}, {"NO_PROXY", "*"});
    chosen("http://opt:2", true, vars, "opt:2");
    chosen("none", true, vars, "");
    chosen("", true, vars, "");
    chosen("", true, NULL, "");
}

static void the_environment_decides(void **state) {
    (void)state;
    chosen("", true, VARS({"HTTPS_PROXY", "http://a:1"}), "a:1");
    chosen("", false, VARS({"HTTPS_PROXY", "http://a:1"}), "");
    chosen("", true, VARS({"https_proxy", "http://b:1"}, {"HTTPS_PROXY", "http://a:1"}), "b:1");
    chosen("", true, VARS({"https_proxy", ""}, {"HTTPS_PROXY", "http://a:1"}), "");
    chosen("", false, VARS({"HTTP_PROXY", "http://a:1"}), "a:1");
    chosen("", true, VARS({"HTTP_PROXY", "http://a:1"}), "");
    chosen("", true, VARS({"ALL_PROXY", "http://c:1"}), "c:1");
    chosen("", false, VARS({"all_proxy", "http://c:1"}), "c:1");
    chosen("", true, VARS({"HTTPS_PROXY", "http://a:1"}, {"NO_PROXY", "x,api.test"}), "");
    chosen("", true,
           VARS({"HTTPS_PROXY", "http://a:1"}, {"no_proxy", ""}, {"NO_PROXY", "api.test"}), "a:1");
}

static void urls_of_proxies(void **state) {
    (void)state;
    chosen("http://a", true, NULL, "a:1080");
    chosen("http://a:3128/", true, NULL, "a:3128");
    chosen("a:3128", true, NULL, "a:3128");
    chosen("HTTP://a:1", true, NULL, "a:1");
    chosen("http://[::1]:8", true, NULL, "::1:8");
    chosen("http://user:pass@a:1", true, NULL, "a:1 Basic dXNlcjpwYXNz");
    chosen("http://user@a:1", true, NULL, "a:1 Basic dXNlcjo=");
    chosen("http://u%40x:p%3a%2@a:1", true, NULL, "a:1 Basic dUB4OnA6JTI=");
    chosen("http://u:p@ss@a:1", true, NULL, "a:1 Basic dTpwQHNz");
    chosen("socks5://a:1", true, NULL,
           "! the proxy cannot be used: weir speaks to proxies by http:// alone, not by socks5");
    chosen("https://u:secret@a:1", true, NULL,
           "! the proxy cannot be used: weir speaks to proxies by http:// alone, not by https");
    chosen("Zq7xM2pW://a:1", true, NULL,
           "! the proxy cannot be used: weir speaks to proxies by http:// alone, not by another "
           "scheme");
    chosen("SOCKS5H://a:1", true, NULL,
           "! the proxy cannot be used: weir speaks to proxies by http:// alone, not by socks5h");
    const char *invalid = "! the proxy cannot be used: its URL names no valid host and port";
    chosen("http://", true, NULL, invalid);
    chosen("http://:80", true, NULL, invalid);
    chosen("http://a:0", true, NULL, invalid);
    chosen("http://a:65536", true, NULL, invalid);
    chosen("http://a:1x", true, NULL, invalid);
    chosen("http://[::1", true, NULL, invalid);
    chosen("http://[::1]8", true, NULL, invalid);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_proxy_as_with_curl),
        cmocka_unit_test(the_option_comes_first),
        cmocka_unit_test(the_environment_decides),
        cmocka_unit_test(urls_of_proxies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
