#include "gateway/listeners.h"

#include "base/mem.h"
#include "config/shown.h"
#include "gateway/listener_tls.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

listener *listener_ref(listener *l) {
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void listener_unref(listener *l) {
    if (atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) != 1) return;
    if (l->bind.tls) tls_context_unref(l->bind.tls);
    free((char *)l->bind.host.ptr);
    free((char *)l->bind.unix_path.ptr);
    free(l->key);
    free(l->text);
    free(l);
}

/* "127.0.0.1:80", "[::1]:80", "unix:/path" */
static char *address_text(const http_bind *b, const char *scheme) {
    buf text = BUF_EMPTY;
    if (b->unix_path.len) {
        buf_addf(&text, "unix:%.*s", SPAN_ARG(b->unix_path));
    } else {
        bool v6 = span_find(b->host, 0, ':') < b->host.len;
        buf_addf(&text, v6 ? "%s[%.*s]:%u" : "%s%.*s:%u", scheme, SPAN_ARG(b->host),
                 (unsigned)b->port);
    }
    (void)buf_cstr(&text);
    return text.ptr;
}

static span own(span s) {
    return span_from(mem_strndup(s.ptr, s.len), s.len);
}

static listener *listener_new(const config_listener *from, tls_context *tls) {
    listener *l = mem_zalloc(sizeof *l);
    atomic_init(&l->refs, 1);
    l->bind.host = own(from->host);
    l->bind.unix_path = own(from->unix_path);
    l->bind.port = from->port;
    l->bind.tls = tls ? tls_context_ref(tls) : NULL;
    l->key = address_text(&l->bind, "");
    return l;
}

void listener_bound(listener *l) {
    if (!l->text) l->text = address_text(&l->bind, l->bind.tls ? "https://" : "");
}

static listener *find(const listeners *set, const char *key) {
    for (size_t i = 0; set && i < set->count; i++)
        if (span_eq(span_cstr(set->items[i]->key), span_cstr(key))) return set->items[i];
    return NULL;
}

listeners *listeners_new(const snapshot *s, const listeners *old) {
    const config *c = s->config;
    listeners *set = mem_zalloc(sizeof *set);
    atomic_init(&set->refs, 1);
    set->items = mem_zalloc_array(c->listener_count + 1, sizeof(listener *));
    for (size_t i = 0; i < c->listener_count; i++) {
        listener *l = listener_new(&c->listeners[i], snapshot_listener_tls(s, i));
        listener *kept = find(old, l->key);
        if (kept && !listeners_have(set, kept)) { /* two may ask for any free port */
            listener_unref(l);
            l = listener_ref(kept);
        }
        set->items[set->count++] = l;
    }
    return set;
}

listeners *listeners_ref(listeners *set) {
    atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
    return set;
}

void listeners_unref(listeners *set) {
    if (!set || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < set->count; i++)
        listener_unref(set->items[i]);
    free(set->items);
    free(set);
}

bool listeners_have(const listeners *set, const listener *l) {
    for (size_t i = 0; i < set->count; i++)
        if (set->items[i] == l) return true;
    return false;
}

void listener_explain(const listener *l, int err, buf *out) {
    /* It may be what a variable holds, and that not what was meant. */
    const char *address = shown_may(span_cstr(l->key)) ? l->key : "an address of listen";
    if (err == UV_EADDRINUSE)
        buf_addf(out,
                 "cannot listen on %s: another program does already; stop it, or choose "
                 "another address with listen: or --listen",
                 address);
    else if (err == UV_ENOTSOCK)
        buf_addf(out,
                 "cannot listen on %s: what is there is no socket; remove it, or choose another "
                 "path with listen: or --listen",
                 address);
    else if (err == UV_EACCES && !l->bind.unix_path.len && l->bind.port < 1024)
        buf_addf(out,
                 "cannot listen on %s: ports below 1024 need a privilege that this process "
                 "does not have; choose a higher port with listen: or --listen, or give it "
                 "CAP_NET_BIND_SERVICE",
                 address);
    else if (err == UV_EADDRNOTAVAIL)
        buf_addf(out, "cannot listen on %s: this machine has no such address", address);
    else
        buf_addf(out, "cannot listen on %s: %s", address, uv_strerror(err));
}

/* A name is read as no address. */
static struct addrinfo *address_of(const listener *l) {
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)l->bind.port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV | AI_NUMERICHOST};
    struct addrinfo *found;
    return getaddrinfo(l->bind.host.ptr, port, &hints, &found) ? NULL : found;
}

static bool is_any(const struct addrinfo *a) {
    if (a->ai_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)a->ai_addr)->sin6_addr);
    return ((const struct sockaddr_in *)a->ai_addr)->sin_addr.s_addr == htonl(INADDR_ANY);
}

/* Of one port: whether one holds the other. An IPv6 address never holds an IPv4 one, see
 * http/server_listen.c. */
static bool overlap(const struct addrinfo *a, const struct addrinfo *b) {
    if (a->ai_family != b->ai_family) return false;
    return is_any(a) || is_any(b) || !memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen);
}

/* This process itself listens where a is, by what it had before. */
static bool is_own(const struct addrinfo *a, uint16_t port, const listeners *old) {
    bool own = false;
    for (size_t i = 0; old && !own && i < old->count; i++) {
        const http_bind *b = &old->items[i]->bind;
        if (b->unix_path.len || b->port != port) continue;
        struct addrinfo *other = address_of(old->items[i]);
        own = !other || overlap(a, other); /* a name may be any of them */
        if (other) freeaddrinfo(other);
    }
    return own;
}

/* shared: those who share theirs, as this process does, are not in the way. */
static int probe(const struct addrinfo *a, bool shared) {
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int on = 1, err = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared) (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (a->ai_family == AF_INET6) (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0) err = -errno;
    close(fd);
    return err;
}

static int probe_one(const listener *l, const listeners *old) {
    if (l->bind.unix_path.len || !l->bind.port) return 0;
    struct addrinfo *a = address_of(l);
    if (!a) return 0; /* binding itself will say */
    int err = probe(a, is_own(a, l->bind.port, old));
    freeaddrinfo(a);
    return err;
}

int listeners_probe(const listeners *set, const listeners *old, size_t *ret_at) {
    for (size_t i = 0; i < set->count; i++) {
        if (old && listeners_have(old, set->items[i])) continue;
        int err = probe_one(set->items[i], old);
        if (!err) continue;
        *ret_at = i;
        return err;
    }
    return 0;
}
