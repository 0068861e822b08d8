#include "unit.h"

#include "config/address.h"
#include "config/config.h"

typedef struct good_row {
    const char *text;
    bool tls;
    const char *host;
    unsigned port;
    const char *authority;
    const char *path;
    const char *unix_path;
    const char *canonical;
} good_row;

static const good_row good[] = {
    {"https://api.openai.com/v1", true, "api.openai.com", 443, "api.openai.com", "/v1", "",
     "https://api.openai.com/v1"},
    {"https://api.openai.com/v1///", true, "api.openai.com", 443, "api.openai.com", "/v1", "",
     "https://api.openai.com/v1"},
    {"http://127.0.0.1:8000", false, "127.0.0.1", 8000, "127.0.0.1:8000", "", "",
     "http://127.0.0.1:8000"},
    {"HTTP://LocalHost:80/", false, "localhost", 80, "localhost", "", "", "http://localhost"},
    {"http://h:443", false, "h", 443, "h:443", "", "", "http://h:443"},
    {"https://[::1]:8443/a/b", true, "::1", 8443, "[::1]:8443", "/a/b", "",
     "https://[::1]:8443/a/b"},
    {"https://[2001:DB8::1]", true, "2001:db8::1", 443, "[2001:db8::1]", "", "",
     "https://[2001:db8::1]"},
    {"https://h:65535/v1%20x", true, "h", 65535, "h:65535", "/v1%20x", "",
     "https://h:65535/v1%20x"},
    {"https://h:1", true, "h", 1, "h:1", "", "", "https://h:1"},
    {"unix:/run/llm.sock", false, "localhost", 0, "localhost", "", "/run/llm.sock",
     "unix:/run/llm.sock"},
    {"unix:/run/llm.sock:/v1/", false, "localhost", 0, "localhost", "/v1", "/run/llm.sock",
     "unix:/run/llm.sock:/v1"},
};

static void splits_good_urls(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        arena a;
        arena_init(&a, 0);
        config_url url;
        const char *why = NULL;
        if (!config_url_parse(span_cstr(good[i].text), &a, &url, &why))
            fail_msg("%s: %s", good[i].text, why);
        assert_int_equal(url.tls, good[i].tls);
        assert_span(url.host, good[i].host);
        assert_int_equal(url.port, good[i].port);
        assert_span(url.authority, good[i].authority);
        assert_span(url.path, good[i].path);
        assert_span(url.unix_path, good[i].unix_path);
        assert_span(url.text, good[i].canonical);
        arena_done(&a);
    }
}

static const char *const bad[][2] = {
    {"", "a URL begins with https://, http:// or unix:/"},
    {"api.openai.com", "a URL begins with https://, http:// or unix:/"},
    {"ftp://h", "a URL begins with https://, http:// or unix:/"},
    {"https:/h", "a URL begins with https://, http:// or unix:/"},
    {"https://", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https:///v1", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://user:pw@h", "a URL must not hold a user name or password"},
    {"https://user@h", "a URL must not hold a user name or password"},
    {"https://h@evil/", "a URL must not hold a user name or password"},
    {"https://h /v1", "a URL holds no spaces, control characters or letters beyond ASCII"},
    {" https://h", "a URL holds no spaces, control characters or letters beyond ASCII"},
    {"https://h\r\nX: y", "a URL holds no spaces, control characters or letters beyond ASCII"},
    {"https://h\n", "a URL holds no spaces, control characters or letters beyond ASCII"},
    {"https://h\tx", "a URL holds no spaces, control characters or letters beyond ASCII"},
    {"https://h\x7f", "a URL holds no spaces, control characters or letters beyond ASCII"},
    {"https://h\xc3\xa9", "a URL holds no spaces, control characters or letters beyond ASCII"},
    {"https://h:0", "the port is no number from 1 to 65535"},
    {"https://h:65536", "the port is no number from 1 to 65535"},
    {"https://h:99999999999", "the port is no number from 1 to 65535"},
    {"https://h:+80", "the port is no number from 1 to 65535"},
    {"https://h:80:80", "the port is no number from 1 to 65535"},
    {"https://h:x", "the port is no number from 1 to 65535"},
    {"https://h:", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://::1", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://[::1", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://[::1]8080", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://[]", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://[127.0.0.1]", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://[fe80::1%25eth0]", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://.h", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://h%41", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://h\\x", "the host is no name, IPv4 address or IPv6 address in brackets"},
    {"https://h?x=1", "a base URL has no query and no fragment"},
    {"https://h/v1#x", "a base URL has no query and no fragment"},
    {"https://h/a/../b", "the path holds characters that need an escape, or . or .. as a part"},
    {"https://h/.", "the path holds characters that need an escape, or . or .. as a part"},
    {"https://h/%zz", "the path holds characters that need an escape, or . or .. as a part"},
    {"https://h/%4", "the path holds characters that need an escape, or . or .. as a part"},
    {"https://h/<x>", "the path holds characters that need an escape, or . or .. as a part"},
    {"unix:run/x", "the path of a Unix socket must begin with a slash"},
    {"unix:/", "the path of a Unix socket must begin with a slash"},
    {"unix:/x:v1", "the path after the socket must begin with a slash and hold only characters "
                   "that need no escape"},
    {"unix:/"
     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
     "xxxxxxxxxxxxxxxxxxxxxxxxx",
     "the path of a Unix socket may have 107 bytes"},
};

static void refuses_bad_urls(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        arena a;
        arena_init(&a, 0);
        config_url url = {.port = 7};
        const char *why = NULL;
        if (config_url_parse(span_cstr(bad[i][0]), &a, &url, &why))
            fail_msg("accepted %s", bad[i][0]);
        assert_string_equal(why, bad[i][1]);
        assert_int_equal(url.port, 7);
        arena_done(&a);
    }
}

static void refuses_long_urls(void **state) {
    (void)state;
    char text[3000] = "https://h/";
    memset(text + 10, 'a', sizeof text - 11);
    text[sizeof text - 1] = '\0';
    arena a;
    arena_init(&a, 0);
    config_url url;
    const char *why = NULL;
    assert_false(config_url_parse(span_cstr(text), &a, &url, &why));
    assert_string_equal(why, "a URL may have 2048 bytes");
    /* A NUL is a byte like others to a span. */
    assert_false(config_url_parse(span_from("https://h\0x", 11), &a, &url, &why));
    arena_done(&a);
}

static void reads_addresses(void **state) {
    (void)state;
    static const struct {
        const char *text, *host, *unix_path;
        unsigned port;
        bool loopback;
    } rows[] = {
        {"127.0.0.1:8080", "127.0.0.1", "", 8080, true},
        {"127.9.9.9:0", "127.9.9.9", "", 0, true},
        {"[::1]:65535", "::1", "", 65535, true},
        {"localhost:80", "localhost", "", 80, true},
        {"[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", "", 1, true},
        {"0.0.0.0:80", "0.0.0.0", "", 80, false},
        {"[::]:80", "::", "", 80, false},
        {"10.0.0.1:80", "10.0.0.1", "", 80, false},
        {"example.com:80", "example.com", "", 80, false},
        {"127.0.0.1.evil.com:80", "127.0.0.1.evil.com", "", 80, false},
        {"unix:/run/weir.sock", "", "/run/weir.sock", 0, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a, 0);
        config_listener l = {0};
        const char *why = address_parse(span_cstr(rows[i].text), &a, &l);
        if (why) fail_msg("%s: %s", rows[i].text, why);
        assert_span(l.text, rows[i].text);
        assert_span(l.host, rows[i].host);
        assert_span(l.unix_path, rows[i].unix_path);
        assert_int_equal(l.port, rows[i].port);
        assert_int_equal(l.loopback, rows[i].loopback);
        arena_done(&a);
    }
}

static void refuses_addresses(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"8080", "there is no port"},
        {"localhost", "there is no port"},
        {":8080", "the address is missing (0.0.0.0 stands for every IPv4 address, [::] for every "
                  "address)"},
        {"h:", "the port is no number from 0 to 65535"},
        {"h:65536", "the port is no number from 0 to 65535"},
        {"h:-1", "the port is no number from 0 to 65535"},
        {"::1:80", "an IPv6 address stands in brackets"},
        {"[nope]:80", "this is no IPv6 address"},
        {"http://h:80", "this is a URL, of which HOST:PORT alone is written"},
        {"https://h:80/", "this is a URL, of which HOST:PORT alone is written"},
        {"a b:80", "this is no address"},
        {"unix:x", "the path of a Unix socket begins with a slash"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        arena a;
        arena_init(&a, 0);
        config_listener l = {0};
        const char *why = address_parse(span_cstr(rows[i][0]), &a, &l);
        if (!why) fail_msg("accepted %s", rows[i][0]);
        assert_string_equal(why, rows[i][1]);
        arena_done(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_good_urls),  cmocka_unit_test(refuses_bad_urls),
        cmocka_unit_test(refuses_long_urls), cmocka_unit_test(reads_addresses),
        cmocka_unit_test(refuses_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
