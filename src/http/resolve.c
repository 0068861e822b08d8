#include "http/resolve.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ADDRESSES_MAX = 16,
    STALE_FACTOR = 10,   /* an answer this many times as old as its time is not used unasked */
    ASK_AGAIN_MS = 5000, /* after a failed refresh */
};

struct resolver {
    loop *loop;
    char *host;
    const char *called; /* in messages */
    uint16_t port;
    bool literal;
    int64_t ttl_ms;
    int64_t found_ms; /* when the addresses were found */
    int64_t ask_ms;   /* when to look up again */
    struct sockaddr_storage addrs[ADDRESSES_MAX];
    size_t count;
    struct sockaddr_storage preferred; /* AF_UNSPEC: none is */
    buf why;
    shortage shortage;
    list waiting;
    timer failed_at_once; /* the look-up could not even begin: told from the loop */
    struct lookup *running;
};

/* Outlives its resolver if that goes first. */
typedef struct lookup {
    uv_getaddrinfo_t req;
    resolver *r; /* NULL: nobody wants to know */
} lookup;

void resolve_wait_init(resolve_wait *w, void (*done)(resolve_wait *w)) {
    list_init(&w->link);
    w->done = done;
}

void resolve_wait_cancel(resolve_wait *w) {
    list_remove(&w->link);
}

static void tell_waiting(resolver *r) {
    list told;
    list_init(&told);
    for (list *node; (node = list_pop_front(&r->waiting));)
        list_push_back(&told, node);
    for (list *node; (node = list_pop_front(&told));) {
        resolve_wait *w = LIST_ENTRY(node, resolve_wait, link);
        w->done(w);
    }
}

static void on_failed_at_once(timer *t) {
    tell_waiting(CONTAINER_OF(t, resolver, failed_at_once));
}

static void set_port(struct sockaddr_storage *addr, uint16_t port) {
    if (addr->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)addr)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)addr)->sin_port = htons(port);
}

static bool read_literal(resolver *r) {
    struct sockaddr_storage *addr = &r->addrs[0];
    if (uv_ip4_addr(r->host, r->port, (struct sockaddr_in *)addr) &&
        uv_ip6_addr(r->host, r->port, (struct sockaddr_in6 *)addr))
        return false;
    r->count = 1;
    return true;
}

resolver *resolver_new(loop *l, span host, uint16_t port, int64_t ttl_ms) {
    resolver *r = mem_zalloc(sizeof *r);
    if (span_starts(host, SPAN_OF("[")) && span_ends(host, SPAN_OF("]")))
        host = span_slice(host, 1, host.len - 1);
    r->loop = l;
    r->host = mem_strndup(host.ptr, host.len);
    r->called = r->host;
    r->port = port;
    r->ttl_ms = ttl_ms;
    list_init(&r->waiting);
    timer_init(&r->failed_at_once, on_failed_at_once);
    r->literal = read_literal(r);
    return r;
}

void resolver_set_called(resolver *r, const char *called) {
    r->called = called;
}

void resolver_free(resolver *r) {
    if (r->running) {
        r->running->r = NULL;
        uv_cancel((uv_req_t *)&r->running->req);
    }
    loop_timer_stop(r->loop, &r->failed_at_once);
    buf_done(&r->why);
    free(r->host);
    free(r);
}

/* ---- looking up ---- */

static const struct addrinfo *next_of(const struct addrinfo *a, int family, bool same) {
    while (a && ((a->ai_family == family) != same ||
                 (a->ai_family != AF_INET && a->ai_family != AF_INET6)))
        a = a->ai_next;
    return a;
}

static bool is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b) {
    if (a->ss_family != b->ss_family) return false;
    if (a->ss_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

static size_t index_of(const resolver *r, const struct sockaddr_storage *addr) {
    size_t i = 0;
    while (i < r->count && !is_same(&r->addrs[i], addr))
        i++;
    return i;
}

static void put_first(resolver *r, size_t index) {
    const struct sockaddr_storage first = r->addrs[index];
    memmove(&r->addrs[1], &r->addrs[0], index * sizeof r->addrs[0]);
    r->addrs[0] = first;
}

/* What has been learnt is not forgotten because the name was looked up again. */
static void keep_preference(resolver *r) {
    if (r->preferred.ss_family == AF_UNSPEC) return;
    size_t i = index_of(r, &r->preferred);
    if (i < r->count)
        put_first(r, i);
    else
        r->preferred.ss_family = AF_UNSPEC;
}

/* Takes turns between the family that the system prefers and the other. */
static void keep_addresses(resolver *r, const struct addrinfo *found) {
    int first = found->ai_family;
    const struct addrinfo *turn[2] = {next_of(found, first, true), next_of(found, first, false)};
    r->count = 0;
    for (int i = 0; r->count < ADDRESSES_MAX && (turn[0] || turn[1]); i ^= 1) {
        if (!turn[i]) continue;
        struct sockaddr_storage *to = &r->addrs[r->count++];
        *to = (struct sockaddr_storage){0};
        memcpy(to, turn[i]->ai_addr, turn[i]->ai_addrlen);
        set_port(to, r->port);
        turn[i] = next_of(turn[i]->ai_next, first, i == 0);
    }
}

/* The C library hides behind its own codes that it could not open a file or a socket. */
static shortage shortage_of_lookup(int err) {
    int spare = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    shortage own = spare < 0 ? shortage_of_errno(errno) : SHORTAGE_NONE;
    if (spare >= 0) (void)close(spare);
    if (own) return own;
    if (err == UV_EAI_AGAIN) return SHORTAGE_NAMES;
    return err == UV_EAI_MEMORY ? SHORTAGE_MEMORY : shortage_of_errno(-err);
}

/* Addresses that were found earlier stay: an old answer is better than none. */
static void note_failure(resolver *r, int err) {
    r->shortage = shortage_of_lookup(err);
    r->ask_ms = r->loop->now_ms + (r->ttl_ms < ASK_AGAIN_MS ? r->ttl_ms : ASK_AGAIN_MS);
    buf_clear(&r->why);
    buf_addf(&r->why, "the name %s could not be looked up: %s", r->called, uv_strerror(err));
}

static void on_found(uv_getaddrinfo_t *req, int status, struct addrinfo *found) {
    lookup *look = CONTAINER_OF(req, lookup, req);
    resolver *r = look->r;
    if (r) {
        loop_enter(r->loop);
        r->running = NULL;
        if (status == 0) {
            keep_addresses(r, found);
            keep_preference(r);
            r->found_ms = r->loop->now_ms;
            r->ask_ms = r->loop->now_ms + r->ttl_ms;
        } else {
            note_failure(r, status);
        }
    }
    uv_freeaddrinfo(found);
    free(look);
    if (r) tell_waiting(r);
}

static void look_up(resolver *r) {
    if (r->running) return;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    r->running = mem_zalloc(sizeof *r->running);
    r->running->r = r;
    sigset_t before;
    loop_quiet(&before);
    int err = uv_getaddrinfo(&r->loop->uv, &r->running->req, on_found, r->host, NULL, &hints);
    loop_loud(&before);
    if (!err) return;
    free(r->running);
    r->running = NULL;
    note_failure(r, err);
    loop_timer_start(r->loop, &r->failed_at_once, 0);
}

bool resolver_get(resolver *r, resolve_wait *w) {
    if (r->literal) return true;
    int64_t now_ms = r->loop->now_ms;
    if (r->count && now_ms < r->ask_ms) return true;
    look_up(r);
    if (r->count && now_ms < r->found_ms + STALE_FACTOR * r->ttl_ms) return true;
    list_push_back(&r->waiting, &w->link);
    return false;
}

const struct sockaddr_storage *resolver_addresses(const resolver *r, size_t *ret_count) {
    *ret_count = r->count;
    return r->addrs;
}

const char *resolver_why(const resolver *r) {
    return r->why.len ? r->why.ptr : "the name has no address";
}

shortage resolver_shortage(const resolver *r) {
    return r->shortage;
}

void resolver_prefer(resolver *r, const struct sockaddr_storage *answered) {
    size_t i = index_of(r, answered);
    if (i == 0 || i == r->count) return;
    r->preferred = r->addrs[i];
    put_first(r, i);
}
