/* Whose the memory is in which a transport's output waits. */
#include "http/transport_internal.h"

#include "base/hash.h"

#include <netinet/in.h>

/* A line has a /64 of its own at least (RFC 6177), and may use any address of it. */
static span machine_of(const struct sockaddr_storage *addr) {
    enum { LINE_BYTES = 8 };
    if (addr->ss_family == AF_INET) {
        const struct in_addr *in = &((const struct sockaddr_in *)addr)->sin_addr;
        bool loopback = ntohl(in->s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
        return loopback ? SPAN_EMPTY : span_from((const char *)in, sizeof *in);
    }
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)addr)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in6) ? SPAN_EMPTY : span_from((const char *)in6, LINE_BYTES);
}

uint64_t holder_of_address(const struct sockaddr_storage *addr) {
    span machine = machine_of(addr);
    return machine.len ? hash_span(machine) : 0;
}

uint64_t transport_holder(const transport *t) {
    return t->hold.holder;
}

void transport_set_holder(transport *t, uint64_t holder) {
    if (!t->hold.bytes) t->hold.holder = holder;
}

/* What is small is the connection's own, as its heads are. */
void output_count(transport *t) {
    size_t bytes = t->out.cap + t->tls_backlog.cap;
    if (t->in_flight) bytes += t->in_flight->bytes.cap;
    LIST_FOREACH(&t->kept, it) bytes += LIST_ENTRY(it, kept_output, link)->after.cap;
    if (bytes <= MEMORY_SMALL) bytes = 0;
    if (bytes != t->hold.bytes) memory_set(&t->loop->memory, &t->hold, bytes);
}
