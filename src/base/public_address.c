#include "base/public_address.h"

#include <netinet/in.h>

/* Of IPv4: no host of the internet's. */
static const struct {
    unsigned char bytes[4];
    unsigned bits;
} special4[] = {
    {{0, 0, 0, 0}, 8},       /* this network */
    {{10, 0, 0, 0}, 8},      /* private */
    {{100, 64, 0, 0}, 10},   /* shared by a provider's customers */
    {{127, 0, 0, 0}, 8},     /* this machine */
    {{169, 254, 0, 0}, 16},  /* this link; clouds tell secrets there */
    {{172, 16, 0, 0}, 12},   /* private */
    {{192, 0, 0, 0}, 24},    /* protocols */
    {{192, 0, 2, 0}, 24},    /* examples */
    {{192, 88, 99, 0}, 24},  /* once 6to4's relays */
    {{192, 168, 0, 0}, 16},  /* private */
    {{198, 18, 0, 0}, 15},   /* benchmarks */
    {{198, 51, 100, 0}, 24}, /* examples */
    {{203, 0, 113, 0}, 24},  /* examples */
    {{224, 0, 0, 0}, 4},     /* many hosts */
    {{240, 0, 0, 0}, 4},     /* reserved, and all hosts */
};

/* Of IPv6 what is public lies in 2000::/3, apart from these. */
static const struct {
    unsigned char bytes[6];
    unsigned bits;
} special6[] = {
    {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocols, Teredo */
    {{0x20, 0x01, 0x0D, 0xB8}, 32}, /* examples */
    {{0x20, 0x02}, 16},             /* 6to4 */
    {{0x3F, 0xFF, 0x00}, 20},       /* examples */
    {{0x5F, 0x00}, 16},             /* segment routing */
};

static bool begins_with(const unsigned char *bytes, const unsigned char *prefix, unsigned bits) {
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(bytes, prefix, whole) != 0) return false;
    return !rest || ((bytes[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

static bool is_public4(const unsigned char *bytes) {
    for (size_t i = 0; i < ARRAY_LEN(special4); i++)
        if (begins_with(bytes, special4[i].bytes, special4[i].bits)) return false;
    return true;
}

bool ip_is_public(const ip_address *address) {
    static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    static const unsigned char translated[12] = {0x00, 0x64, 0xFF, 0x9B}; /* NAT64 */
    const unsigned char *bytes = address->bytes;
    if (memcmp(bytes, mapped, sizeof mapped) == 0) return is_public4(bytes + 12);
    if (memcmp(bytes, translated, sizeof translated) == 0) return is_public4(bytes + 12);
    if (bytes[0] >> 5 != 1) return false;
    for (size_t i = 0; i < ARRAY_LEN(special6); i++)
        if (begins_with(bytes, special6[i].bytes, special6[i].bits)) return false;
    return true;
}

bool address_is_public(const struct sockaddr *address) {
    ip_address ip = {{[10] = 0xFF, [11] = 0xFF}};
    if (address->sa_family == AF_INET)
        memcpy(ip.bytes + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    else if (address->sa_family == AF_INET6)
        memcpy(ip.bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    else
        return false;
    return ip_is_public(&ip);
}
