#include "unit.h"

#include "gateway/host_rule.h"
#include "http/chars.h"

static span configured[] = {SPAN("weir.internal"), SPAN("Box."), SPAN("*.lab.example")};
static const config bare = {0};
static const config named = {.server = {.hosts = configured, .host_count = 3}};

static void hold(const config *c, const char *const *hosts, size_t count, bool want) {
    for (size_t i = 0; i < count; i++) {
        assert_true(http_is_authority(span_cstr(hosts[i]))); /* or the codec had refused it */
        if (host_rule_allows(c, span_cstr(hosts[i])) != want)
            fail_msg("%s is %s", hosts[i], want ? "refused" : "answered");
    }
}

/* No record of anybody's leads here by these. */
static const char *const ours[] = {
    "127.0.0.1",
    "127.0.0.1:8080",
    "10.1.2.3:80",
    "0.0.0.0:8080",
    "[::1]",
    "[::1]:8080",
    "[::ffff:127.0.0.1]:8080",
    "[fe80::1]:8080",
    "localhost",
    "localhost:8080",
    "LocalHost:1",
    "localhost.",
    "localhost.:8080",
    "weir.localhost",
    "a.b.LOCALHOST:8080",
    "weir.localhost.:8080",
};

static const char *const foreign[] = {
    "evil.example",
    "evil.example:8080",
    "evil.example.",
    "weir",
    "weir.test:8080",
    "localhost.evil.example",
    "notlocalhost",
    "not-localhost:8080",
    "localhost-",
    ".localhost",
    "localhost..",
    "localhost.localdomain",
    "127.0.0.1.evil.example",
    "127.0.0.1.evil.example:8080",
    "127.0.0.1.nip.example",
    "127.0.0.256",
    "127.0.0",
    "127.0.0.1.",
    "1.2.3.4.5",
    "127.0.0.1_",
    "a127.0.0.1",
    "[::1::]",
    "[1::2::3]:80",
    "[::127.0.0.1.2]",
    "weir.internal:8080",
    "127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1.127.0.0.1",
    "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]",
};

/* A zone means something to its sender alone, and is not sent (RFC 6874 section 4). */
static void a_zone_is_no_part_of_a_host(void **state) {
    (void)state;
    static const char *const zoned[] = {"[fe80::1%25eth0]", "[fe80::1%25eth0]:8080",
                                        "[fe80::1%eth0]", "[fe80::1%]"};
    for (size_t i = 0; i < ARRAY_LEN(zoned); i++)
        assert_false(http_is_authority(span_cstr(zoned[i])));
}

static void addresses_and_localhost_are_ours(void **state) {
    (void)state;
    hold(&bare, ours, ARRAY_LEN(ours), true);
    hold(&named, ours, ARRAY_LEN(ours), true);
    assert_true(host_rule_allows(&bare, SPAN_EMPTY)); /* HTTP/1.0 */
}

static void other_names_are_not(void **state) {
    (void)state;
    hold(&bare, foreign, ARRAY_LEN(foreign), false);
}

static void configured_names_are_ours(void **state) {
    (void)state;
    static const char *const good[] = {
        "weir.internal", "WEIR.internal:8080", "weir.internal.",     "weir.internal.:1", "box",
        "BOX:8080",      "a.lab.example",      "a.b.LAB.example:80", "a.lab.example."};
    static const char *const bad[] = {"a.weir.internal",
                                      "weir.internal.evil.example",
                                      "weir",
                                      "xbox",
                                      "box.evil",
                                      "lab.example",
                                      ".lab.example",
                                      "xlab.example:80",
                                      "evil.example",
                                      "a.lab.example.evil"};
    hold(&named, good, ARRAY_LEN(good), true);
    hold(&named, bad, ARRAY_LEN(bad), false);
}

/* Where it was told to listen, people are told to ask. */
static void names_that_it_listens_at_are_ours(void **state) {
    (void)state;
    config_listener at[] = {
        {.host = SPAN("0.0.0.0")}, {.unix_path = SPAN("/run/weir")}, {.host = SPAN("Box.lan")}};
    const config c = {.listeners = at, .listener_count = ARRAY_LEN(at)};
    static const char *const good[] = {"box.lan", "BOX.lan:8080", "box.lan.", "127.0.0.1"};
    static const char *const bad[] = {"lan", "a.box.lan", ".", ".:80", "evil.example"};
    hold(&c, good, ARRAY_LEN(good), true);
    hold(&c, bad, ARRAY_LEN(bad), false);
}

static void a_star_is_anybody(void **state) {
    (void)state;
    static span star[] = {SPAN("*")};
    const config any = {.server = {.hosts = star, .host_count = 1}};
    static const char *const all[] = {"evil.example:8080", "weir", "localhost", "127.0.0.1"};
    hold(&any, all, ARRAY_LEN(all), true);
    assert_false(host_rule_allows(&any, SPAN_OF("[::1::]"))); /* no name and no address */
}

/* Who has a key is known by that. */
static void with_clients_all_are(void **state) {
    (void)state;
    const config keyed = {.client_count = 1};
    hold(&keyed, foreign, ARRAY_LEN(foreign), true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_is_no_part_of_a_host),
        cmocka_unit_test(addresses_and_localhost_are_ours),
        cmocka_unit_test(other_names_are_not),
        cmocka_unit_test(configured_names_are_ours),
        cmocka_unit_test(names_that_it_listens_at_are_ours),
        cmocka_unit_test(a_star_is_anybody),
        cmocka_unit_test(with_clients_all_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
