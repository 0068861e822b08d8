#include "tools/mcp_house.h"

#include "tools/kinds.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/mem.h"
#include "call/loop_snapshot.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    MESSAGE_MIN = 4 << 20, /* of one message, bytes; a result may be written thrice, escaped */
    RESULTS_IN_MESSAGE = 4,
    END_MS = 4000, /* that the end of the threads is waited for */
};

/* The thread. */
typedef struct house {
    loop loop;
    mcp_env env;
    list guests;           /* under the lock */
    pthread_mutex_t posts; /* under it: */
    bool open;             /* the loop takes what is posted */
    atomic_uint refs;
    bool ending; /* on its thread */
} house;

struct mcp_guest {
    list link; /* in its house */
    atomic_uint refs;
    house *house;   /* counted */
    config *config; /* counted: of the registry that asked first */
    arena arena;
    mcp_place place;
    secret_set *secrets; /* counted; or NULL */
    mcp_server *server;  /* on the house's thread; NULL: not yet, or no more */
    /* Under the lock. */
    list keys;
    mcp_listing *listing; /* the last that is known */
    bool tried;
    buf why; /* there is none */
    bool down;
    uint64_t losses; /* how often it went down, or could not be reached */
    buf loss;        /* why, the last time */
};

struct mcp_key {
    list link;        /* in its guest */
    mcp_guest *guest; /* counted */
    config *config;   /* counted */
    size_t entry;
    const tool *like;
    mcp_publish *publish;
    void *user;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static house *here;     /* under the lock: the one that takes guests; NULL: none */
static unsigned houses; /* under the lock: threads that run */
/* Under the lock: the thread that has ended last, and is not joined yet. */
static pthread_t ended;
static bool has_ended;

/* ---- the thread ---- */

static void house_unref(house *h) {
    if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1) return;
    pthread_mutex_destroy(&h->posts);
    free(h);
}

static bool house_post(house *h, void (*fn)(loop *l, void *arg), void *arg) {
    pthread_mutex_lock(&h->posts);
    bool open = h->open;
    if (open) loop_post(&h->loop, fn, arg);
    pthread_mutex_unlock(&h->posts);
    return open;
}

static void end_house(house *h) {
    process_yard_close(&h->env.yard);
    http_client_close(h->env.client);
    loop_stop(&h->loop);
}

static void on_idle(mcp_env *e) {
    house *h = CONTAINER_OF(e, house, env);
    if (h->ending) end_house(h);
}

static void on_last_guest_gone(loop *l, void *arg) {
    house *h = arg;
    (void)l;
    pthread_mutex_lock(&h->posts);
    h->open = false;
    pthread_mutex_unlock(&h->posts);
    h->ending = true;
    if (!h->env.links) end_house(h);
}

/* Whoever comes after it, or waits, joins it. */
static void join_ended(void) {
    pthread_mutex_lock(&lock);
    pthread_t thread = ended;
    bool has = has_ended;
    has_ended = false;
    pthread_mutex_unlock(&lock);
    if (has) (void)pthread_join(thread, NULL);
}

static void *house_main(void *arg) {
    house *h = arg;
    loop_run(&h->loop);
    http_client_free(h->env.client);
    loop_done(&h->loop);
    house_unref(h);
    join_ended();
    pthread_mutex_lock(&lock);
    houses--;
    ended = pthread_self();
    has_ended = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Under the lock. */
static house *house_new(buf *ret_why) {
    house *h = mem_zalloc(sizeof *h);
    pthread_t thread;
    sigset_t before;
    int err = loop_init(&h->loop, 0);
    if (err) {
        buf_addf(ret_why, "there is no loop for MCP servers: %s", uv_strerror(err));
        free(h);
        return NULL;
    }
    h->env = (mcp_env){.loop = &h->loop, .on_idle = on_idle};
    h->env.client = http_client_new(&h->loop, &upstream_limits);
    process_yard_init(&h->env.yard, &h->loop);
    list_init(&h->guests);
    pthread_mutex_init(&h->posts, NULL);
    atomic_init(&h->refs, 1);
    h->open = true;
    loop_quiet(&before);
    err = pthread_create(&thread, NULL, house_main, h);
    loop_loud(&before);
    if (!err) {
        houses++;
        return here = h;
    }
    buf_addf(ret_why, "there is no thread for MCP servers: %s", strerror(err));
    http_client_close(h->env.client);
    http_client_free(h->env.client);
    loop_done(&h->loop);
    house_unref(h);
    return NULL;
}

void mcp_house_wait(void) {
    int64_t until_ms = clock_mono_ms() + END_MS;
    pthread_mutex_lock(&lock);
    while (houses && !here && cond_wait_until(&changed, &lock, until_ms)) {}
    bool over = !houses;
    pthread_mutex_unlock(&lock);
    if (over) join_ended();
}

/* ---- guests ---- */

mcp_guest *mcp_guest_ref(mcp_guest *g) {
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

void mcp_guest_unref(mcp_guest *g) {
    if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1) return;
    mcp_listing_unref(g->listing);
    tls_context_unref(g->place.tls);
    secret_set_unref(g->secrets);
    config_unref(g->config);
    house_unref(g->house);
    arena_done(&g->arena);
    buf_done(&g->why);
    buf_done(&g->loss);
    free(g);
}

/* Under the lock. */
static void publish_to(mcp_key *k) {
    k->publish(k->user, k->entry, mcp_set_new(k->config, k->like, k->guest, k->guest->listing));
}

static void on_listed(void *user, mcp_listing *l, span why) {
    mcp_guest *g = user;
    pthread_mutex_lock(&lock);
    g->tried = true;
    buf_clear(&g->why);
    buf_add(&g->why, why);
    if (l) {
        mcp_listing_unref(g->listing);
        g->listing = mcp_listing_ref(l);
        LIST_FOREACH(&g->keys, it)
        publish_to(LIST_ENTRY(it, mcp_key, link));
    }
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void on_state(void *user, bool up, span why) {
    mcp_guest *g = user;
    pthread_mutex_lock(&lock);
    g->down = !up;
    if (!up) {
        g->losses++;
        buf_clear(&g->loss);
        buf_add(&g->loss, why);
    }
    pthread_mutex_unlock(&lock);
}

static const mcp_server_ops server_ops = {on_listed, on_state};

static void on_come(loop *l, void *arg) {
    mcp_guest *g = arg;
    (void)l;
    g->server = mcp_server_new(&g->house->env, &g->place, &server_ops, g);
    mcp_guest_unref(g);
}

static void on_go(loop *l, void *arg) {
    mcp_guest *g = arg;
    (void)l;
    if (g->server) mcp_server_free(g->server);
    g->server = NULL;
    mcp_guest_unref(g);
}

static bool same_pairs(const config_tool_pairs *a, const config_tool_pairs *b) {
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!span_eq(a->items[i].name, b->items[i].name) ||
            !span_eq(a->items[i].value, b->items[i].value))
            return false;
    return true;
}

static bool same_argv(char *const *a, char *const *b) {
    if (!a || !b) return a == b;
    while (*a && *b && strcmp(*a, *b) == 0)
        a++, b++;
    return *a == *b; /* both at their end */
}

/* The file of authorities may be another by now. */
static bool same_place(const config_tool *a, const config_tool *b) {
    return same_argv(a->argv, b->argv) && same_pairs(&a->env, &b->env) &&
           span_eq(a->folder, b->folder) && a->memory == b->memory &&
           a->sandbox.no_network == b->sandbox.no_network &&
           a->sandbox.read_only == b->sandbox.read_only && span_eq(a->url.text, b->url.text) &&
           same_pairs(&a->headers, &b->headers) && a->allow_private == b->allow_private &&
           a->max_result == b->max_result && !a->ca_file.len && !b->ca_file.len;
}

/* Under the lock. */
static mcp_guest *find_guest(const config_tool *t) {
    if (!here) return NULL;
    LIST_FOREACH(&here->guests, it) {
        mcp_guest *g = LIST_ENTRY(it, mcp_guest, link);
        if (same_place(g->place.config, t)) return mcp_guest_ref(g);
    }
    return NULL;
}

static size_t message_max(size_t max_result) {
    size_t most = max_result * RESULTS_IN_MESSAGE;
    return most > MESSAGE_MIN ? most : MESSAGE_MIN;
}

static bool make_tls(mcp_guest *g, const config_tool *t, buf *ret_why) {
    if (t->argv || !t->url.tls) return true;
    g->place.tls = tls_client_new(t->ca_file, ret_why);
    return g->place.tls != NULL;
}

/* Under the lock. */
static mcp_guest *guest_new(config *c, const config_tool *t, const tool *like, buf *ret_why) {
    house *h = here ? here : house_new(ret_why);
    if (!h) return NULL;
    mcp_guest *g = mem_zalloc(sizeof *g);
    atomic_init(&g->refs, 1);
    atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    g->house = h;
    g->config = config_ref(c);
    g->secrets = like->secrets ? secret_set_ref(like->secrets) : NULL;
    arena_init(&g->arena, 0);
    list_init(&g->keys);
    g->place = (mcp_place){.config = t,
                           .env = t->argv ? tool_command_env(t, &g->arena) : NULL,
                           .secrets = g->secrets,
                           .message_max = message_max(t->max_result)};
    list_push_back(&h->guests, &g->link);
    return g;
}

/* Under the lock: it was the last key. */
static void leave(mcp_guest *g) {
    house *h = g->house;
    list_remove(&g->link);
    (void)house_post(h, on_go, mcp_guest_ref(g));
    if (!list_empty(&h->guests) || here != h) return;
    here = NULL;
    (void)house_post(h, on_last_guest_gone, h);
}

/* ---- keys ---- */

static mcp_key *key_new(mcp_guest *g, config *c, size_t entry, const tool *like) {
    mcp_key *k = mem_zalloc(sizeof *k);
    k->guest = g;
    k->config = config_ref(c);
    k->entry = entry;
    k->like = like;
    list_push_back(&g->keys, &k->link);
    return k;
}

mcp_key *mcp_key_new(config *c, size_t entry, const tool *like, mcp_publish *publish, void *user,
                     buf *ret_why) {
    const config_tool *t = &c->tools[entry];
    mcp_key *k = NULL;
    pthread_mutex_lock(&lock);
    mcp_guest *found = find_guest(t);
    mcp_guest *g = found ? found : guest_new(c, t, like, ret_why);
    if (g && !found && !make_tls(g, t, ret_why)) {
        leave(g);
        mcp_guest_unref(g);
        g = NULL;
    }
    if (g) {
        k = key_new(g, c, entry, like);
        k->publish = publish;
        k->user = user;
        if (!found) (void)house_post(g->house, on_come, mcp_guest_ref(g));
        if (g->listing) publish_to(k);
    }
    pthread_mutex_unlock(&lock);
    return k;
}

void mcp_key_wait(mcp_key *k, int64_t until_ms) {
    pthread_mutex_lock(&lock);
    while (!k->guest->tried && cond_wait_until(&changed, &lock, until_ms)) {}
    pthread_mutex_unlock(&lock);
}

bool mcp_key_good(mcp_key *k, buf *ret_why) {
    pthread_mutex_lock(&lock);
    bool good = k->guest->listing != NULL;
    if (!good && k->guest->why.len)
        buf_add(ret_why, buf_span(&k->guest->why));
    else if (!good)
        buf_add_cstr(ret_why, "it has not answered yet");
    pthread_mutex_unlock(&lock);
    return good;
}

size_t mcp_key_left_out(mcp_key *k, buf *ret_why) {
    static const char *const why[] = {
        [MCP_LEFT_NAMELESS] = "without a name of 1 to 128 bytes",
        [MCP_LEFT_TWICE] = "whose name another has",
        [MCP_LEFT_TASK] = "that can be called as a task alone",
        [MCP_LEFT_ROOM] = "too many, or too large together",
    };
    size_t sum = 0;
    pthread_mutex_lock(&lock);
    const mcp_listing *l = k->guest->listing;
    for (size_t i = 0; l && i < MCP_LEFT_REASONS; i++) {
        if (!l->left_out[i]) continue;
        buf_addf(ret_why, "%s%zu %s", sum ? "; " : "", l->left_out[i], why[i]);
        sum += l->left_out[i];
    }
    pthread_mutex_unlock(&lock);
    return sum;
}

bool mcp_key_is_down(mcp_key *k, uint64_t *ret_losses, buf *ret_why) {
    pthread_mutex_lock(&lock);
    const bool down = k->guest->down;
    *ret_losses = k->guest->losses;
    buf_add(ret_why, buf_span(&k->guest->loss));
    pthread_mutex_unlock(&lock);
    return down;
}

void mcp_key_free(mcp_key *k) {
    if (!k) return;
    pthread_mutex_lock(&lock);
    list_remove(&k->link);
    if (list_empty(&k->guest->keys)) leave(k->guest);
    pthread_mutex_unlock(&lock);
    mcp_guest_unref(k->guest);
    config_unref(k->config);
    free(k);
}

/* ---- errands ---- */

struct mcp_errand {
    atomic_uint refs; /* of whoever asked, of the thread, of what is posted */
    mcp_guest *guest; /* counted */
    loop *on;         /* under the house's lock of posts; NULL: nobody waits */
    mcp_errand_done *done;
    void *user;
    bool over; /* as the asker knows */
    buf name, arguments, params, traceparent;
    mcp_called_tool call; /* on the thread */
    bool begun;
};

static mcp_errand *errand_ref(mcp_errand *e) {
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

static void errand_unref(mcp_errand *e) {
    if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1) return;
    mcp_guest_unref(e->guest);
    buf_done(&e->name);
    buf_done(&e->arguments);
    buf_done(&e->params);
    buf_done(&e->traceparent);
    buf_done(&e->call.text);
    free(e);
}

/* On the asker's loop. */
static void on_back(loop *l, void *arg) {
    mcp_errand *e = arg;
    (void)l;
    const mcp_errand_result result = {e->call.outcome, buf_span(&e->call.text)};
    if (e->done) {
        e->over = true;
        e->done(e->user, &result);
    }
    errand_unref(e);
}

/* On the thread: hands on its reference. */
static void go_back(mcp_errand *e) {
    house *h = e->guest->house;
    pthread_mutex_lock(&h->posts);
    loop *on = e->on;
    e->on = NULL;
    if (on) loop_post(on, on_back, e);
    pthread_mutex_unlock(&h->posts);
    if (!on) errand_unref(e);
}

static void on_called(mcp_called_tool *c) {
    mcp_errand *e = CONTAINER_OF(c, mcp_errand, call);
    e->begun = false;
    go_back(e);
}

static void on_begin(loop *l, void *arg) {
    mcp_errand *e = arg;
    mcp_server *s = e->guest->server;
    (void)l;
    e->call.name = buf_span(&e->name);
    e->call.arguments = buf_span(&e->arguments);
    e->call.params = buf_span(&e->params);
    e->call.traceparent = buf_span(&e->traceparent);
    e->call.done = on_called;
    if (s) {
        e->begun = true;
        mcp_server_call(s, &e->call);
        return;
    }
    e->call.outcome = TOOL_UNREACHABLE;
    buf_add_cstr(&e->call.text, "the MCP server is not configured any more");
    go_back(e);
}

static void on_give_up(loop *l, void *arg) {
    mcp_errand *e = arg;
    (void)l;
    if (e->begun) {
        e->begun = false;
        mcp_server_drop(&e->call);
        errand_unref(e);
    }
    errand_unref(e);
}

mcp_errand *mcp_errand_new(mcp_guest *g, loop *on, span name, span params, const tool_ask *ask,
                           size_t max_result, mcp_errand_done *done, void *user) {
    mcp_errand *e = mem_zalloc(sizeof *e);
    atomic_init(&e->refs, 2);
    e->guest = mcp_guest_ref(g);
    e->on = on;
    e->done = done;
    e->user = user;
    e->call.max_result = max_result;
    list_init(&e->call.link);
    buf_add(&e->name, name);
    buf_add(&e->arguments, ask->arguments);
    buf_add(&e->params, params);
    buf_add(&e->traceparent, ask->traceparent);
    if (house_post(g->house, on_begin, e)) return e;
    e->call.outcome = TOOL_UNREACHABLE;
    buf_add_cstr(&e->call.text, "the MCP server is not configured any more");
    go_back(e);
    return e;
}

void mcp_errand_drop(mcp_errand *e) {
    house *h = e->guest->house;
    e->done = NULL;
    if (!e->over) {
        pthread_mutex_lock(&h->posts);
        bool waits = e->on != NULL;
        e->on = NULL;
        pthread_mutex_unlock(&h->posts);
        if (waits && !house_post(h, on_give_up, errand_ref(e))) errand_unref(e);
    }
    errand_unref(e);
}
