#include "heap.h"

#include "base/public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

typedef struct row {
    const char *address;
    bool is_public;
} row;

static const row rows[] = {
    {"1.1.1.1", true},
    {"8.8.8.8", true},
    {"9.255.255.255", true},
    {"10.0.0.0", false},
    {"10.255.255.255", false},
    {"11.0.0.0", true},
    {"0.0.0.0", false},
    {"0.1.2.3", false},
    {"100.63.255.255", true},
    {"100.64.0.1", false},
    {"100.127.255.255", false},
    {"100.128.0.0", true},
    {"127.0.0.1", false},
    {"127.1.2.3", false},
    {"128.0.0.1", true},
    {"169.253.0.1", true},
    {"169.254.169.254", false},
    {"172.15.255.255", true},
    {"172.16.0.1", false},
    {"172.31.255.255", false},
    {"172.32.0.0", true},
    {"192.0.0.8", false},
    {"192.0.2.1", false},
    {"192.88.99.1", false},
    {"192.168.1.1", false},
    {"192.169.0.1", true},
    {"198.17.0.1", true},
    {"198.18.0.1", false},
    {"198.19.255.255", false},
    {"198.51.100.7", false},
    {"203.0.113.9", false},
    {"223.255.255.255", true},
    {"224.0.0.1", false},
    {"255.255.255.255", false},
    {"::", false},
    {"::1", false},
    {"::ffff:10.0.0.1", false},
    {"::ffff:1.1.1.1", true},
    {"::7f00:1", false},
    {"64:ff9b::7f00:1", false},
    {"64:ff9b::101:101", true},
    {"64:ff9b:1::101:101", false},
    {"100::1", false},
    {"fc00::1", false},
    {"fd12:3456::1", false},
    {"fe80::1", false},
    {"fec0::1", false},
    {"ff02::1", false},
    {"2001:db8::1", false},
    {"2001::1", false},
    {"2001:200::1", true},
    {"2002:7f00:1::", false},
    {"2606:4700::1111", true},
    {"3fff::1", false},
    {"3fff:1000::1", true},
    {"4000::1", false},
};

static void tells_the_internets_from_others(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        ip_address ip;
        bool four = inet_pton(AF_INET, rows[i].address, &v4.sin_addr) == 1;
        if (!four) assert_int_equal(inet_pton(AF_INET6, rows[i].address, &v6.sin6_addr), 1);
        const struct sockaddr *address = four ? (void *)&v4 : (void *)&v6;
        if (address_is_public(address) != rows[i].is_public) fail_msg("%s", rows[i].address);
        assert_true(ip_parse(span_cstr(rows[i].address), &ip));
        if (ip_is_public(&ip) != rows[i].is_public) fail_msg("%s", rows[i].address);
    }
}

static void nothing_else_is_public(void **state) {
    (void)state;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    assert_false(address_is_public((const void *)&un));
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_internets_from_others),
        cmocka_unit_test(nothing_else_is_public),
    };
    return run_watched(tests);
}
