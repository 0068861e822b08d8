/* Who has how many of a server's connections: each machine, and each client once its first request
 * has told who it is. */
#include "http/server_internal.h"

/* 0: no bound. */
static uint64_t most(unsigned bound) {
    return bound ? bound : UINT64_MAX;
}

static bool take(shares *s, uint64_t holder, unsigned bound) {
    return shares_take(s, holder, 1, UINT64_MAX, most(bound)) == SHARE_TAKEN;
}

bool server_take_address(http_server *s, conn *c) {
    const uint64_t machine = transport_holder(c->io);
    if (machine && !take(&s->addresses, machine, s->limits.address_connections)) return false;
    c->address = machine;
    return true;
}

/* A connection may be another's from one request to the next: that of a proxy. */
bool server_take_client(http_server *s, conn *c, uint64_t client) {
    if (c->client == client) return true;
    if (client && !take(&s->clients, client, s->limits.client_connections)) return false;
    if (c->client) shares_give(&s->clients, c->client, 1);
    c->client = client;
    return true;
}

void server_give_shares(http_server *s, conn *c) {
    if (c->address) shares_give(&s->addresses, c->address, 1);
    if (c->client) shares_give(&s->clients, c->client, 1);
    c->address = c->client = 0;
}
