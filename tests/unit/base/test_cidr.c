/* Networks, and who is in them. */
#include "unit.h"

#include "base/cidr.h"

static void what_is_an_address(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"10.1.2.3", true},
        {"::1", true},
        {"[2001:db8::1]", true},
        {"fe80::1%eth0", true},
        {"::ffff:1.2.3.4", true},
        {"", false},
        {"[]", false},
        {"10.1.2", false},
        {"10.1.2.3:80", false},
        {"10.01.2.3", false},
        {"localhost", false},
        {"10.1.2.256", false},
        {"1:2:3:4:5:6:7:8:9", false},
    };
    ip_address a;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (ip_parse(span_cstr(rows[i].text), &a) != rows[i].good) fail_msg("%s", rows[i].text);
    assert_false(ip_parse(span_from("::1\0", 4), &a));
}

static void a_port_does_not_count(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"10.1.2.3:80", "10.1.2.3"},
        {"10.1.2.3", "10.1.2.3"},
        {"[2001:db8::1]:443", "2001:db8::1"},
        {"[::1]", "::1"},
        {"::1", "::1"},
        {"[fe80::1%eth0]:1", "fe80::1"},
    };
    ip_address a, b;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(ip_parse_peer(span_cstr(rows[i][0]), &a));
        assert_true(ip_parse(span_cstr(rows[i][1]), &b));
        assert_memory_equal(&a, &b, sizeof a);
        const span bare = ip_without_port(span_cstr(rows[i][0]));
        if (!span_eq(span_slice(bare, 0, span_find(bare, 0, '%')), span_cstr(rows[i][1])))
            fail_msg("%s", rows[i][0]);
    }
    assert_true(span_eq(ip_without_port(SPAN_OF("unix")), SPAN_OF("unix")));
    assert_true(span_eq(ip_without_port(SPAN_OF("unknown:80")), SPAN_OF("unknown")));
    static const char *const none[] = {"unix", "", ":80", "unknown:80", "_hidden", "[::1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (ip_parse_peer(span_cstr(none[i]), &a)) fail_msg("%s", none[i]);
}

static void who_is_in_which_network(void **state) {
    (void)state;
    static const struct {
        const char *network, *address;
        bool in;
    } rows[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"::ffff:10.0.0.0/104", "10.1.1.1", true},
        {"10.0.0.0/8", "::10.1.1.1", false},
        {"192.168.1.128/25", "192.168.1.128", true},
        {"192.168.1.128/25", "192.168.1.127", false},
        {"192.168.1.7", "192.168.1.7", true},
        {"192.168.1.7/32", "192.168.1.6", false},
        {"0.0.0.0/0", "255.1.2.3", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "1.2.3.4", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"::1", "::2", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cidr c;
        ip_address a;
        assert_true(cidr_parse(span_cstr(rows[i].network), &c));
        assert_true(ip_parse(span_cstr(rows[i].address), &a));
        if (cidr_has(&c, &a) != rows[i].in) fail_msg("%s %s", rows[i].network, rows[i].address);
    }
}

static void what_is_no_network(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",        "/8",           "10.0.0.0/",   "10.0.0.0/33",   "10.0.0.1/8", "::/129",
        "::1/127", "10.0.0.0/8/8", "10.0.0.0/+8", "10.0.0.0/0008", "internal/8", "fe80::1%eth0/64"};
    cidr c;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (cidr_parse(span_cstr(texts[i]), &c)) fail_msg("%s", texts[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_an_address),
        cmocka_unit_test(a_port_does_not_count),
        cmocka_unit_test(who_is_in_which_network),
        cmocka_unit_test(what_is_no_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
