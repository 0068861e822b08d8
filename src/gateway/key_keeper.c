#include "gateway/key_keeper.h"

#include "base/clock.h"
#include "base/mem.h"
#include "config/rights.h"
#include "gateway/key_acts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    LOOK_MS = 200,      /* between two looks at what has changed */
    LISTENING_MS = 500, /* where a server tells of it: what it says may be lost on its way */
    AGAIN_MS = 500,     /* after the store could not be opened, or was there for less */
    KNOWN_MAX = 65536,
    STRANGERS_MAX = 4096,
    WAITING_MAX = 4096, /* look-ups at a time */
};

struct key_lookup {
    list link;
    unsigned char hash[SHA256_LEN];
    loop *loop;
    key_lookup_fn *done;
    void *user;
    unsigned *under_way;
    bool good, dropped;
};

struct key_keeper {
    ledger *ledger;
    log_shard *log;
    budgets *budgets;
    key_cache *cache;
    atomic_bool has_keys, leaving;
    atomic_bool marked; /* a file beside the records says so, too */
    pthread_t thread;
    bool runs;

    pthread_mutex_t lock; /* of what follows, up to the blank line */
    list waiting;         /* look-ups */
    size_t waiting_count;
    bool ending;

    int wake; /* eventfd(2): something of that has changed */

    key_acts acts;

    atomic_bool hashes; /* secret is there, and stays */
    unsigned char secret[HMAC_SECRET_LEN];

    /* The thread's. */
    key_store *store; /* NULL: away */
    int64_t seen;     /* the last change */
    bool looked;      /* at it, once */
    int64_t told_to;  /* the last of which the act was told */
    bool listens;     /* the store's server tells of changes */
    int64_t due_ms;   /* monotonic: when to look for changes */
    int64_t again_ms; /* monotonic: when to try the store again, and when it was opened */
    int64_t open_ms;
    bool spared; /* the last connection has ended untold, and none has served since */

    atomic_bool told; /* that it is away; the thread's to set */
};

/* ---- the store, on the thread ---- */

static void tell_away(key_keeper *k, span why) {
    if (atomic_exchange_explicit(&k->told, true, memory_order_relaxed)) return;
    const log_field reason = {.key = "reason", .value = why};
    log_event(k->log, LEVEL_ERROR, "keys_unavailable",
              SPAN_OF("The store of keys cannot be read: keys that are known go on, others are "
                      "refused until it can be."),
              &reason, 1);
    log_flush(k->log);
}

static void tell_back(key_keeper *k) {
    if (!atomic_exchange_explicit(&k->told, false, memory_order_relaxed)) return;
    log_event(k->log, LEVEL_INFO, "keys_available", SPAN_OF("The store of keys can be read again."),
              NULL, 0);
    log_flush(k->log);
}

/* A connection that has served for a while is replaced at once, and nobody is told unless that
 * fails: servers and what stands before them close connections for reasons of their own. It does
 * where the next one ends, too, before it has served. */
static void lose(key_keeper *k) {
    const int64_t now_ms = clock_mono_ms();
    const bool served = now_ms - k->open_ms >= AGAIN_MS && !k->spared;
    k->spared = served;
    if (!served) tell_away(k, key_store_why(k->store));
    key_store_close(k->store);
    k->store = NULL;
    k->again_ms = served ? now_ms : now_ms + AGAIN_MS;
}

/* A store that was made anew has another secret, which no key of the old one fits. */
static bool takes_secret(key_keeper *k) {
    unsigned char theirs[HMAC_SECRET_LEN];
    key_store_secret(k->store, theirs);
    const bool first = !atomic_load_explicit(&k->hashes, memory_order_relaxed);
    if (first) memcpy(k->secret, theirs, sizeof theirs);
    const bool same = memcmp(k->secret, theirs, sizeof theirs) == 0;
    mem_wipe(theirs, sizeof theirs);
    atomic_store_explicit(&k->hashes, true, memory_order_release);
    return same;
}

store_state key_keeper_open(key_keeper *k, key_store **ret, buf *ret_why) {
    store_place place = ledger_place(k->ledger);
    place.leaving = &k->leaving;
    return key_store_open(&place, ledger_is_durable(k->ledger), ret, ret_why);
}

static void open_store(key_keeper *k) {
    buf why = BUF_EMPTY;
    if (clock_mono_ms() < k->again_ms) return;
    (void)key_keeper_open(k, &k->store, &why);
    if (k->store && !takes_secret(k)) {
        buf_add_cstr(&why, "it is another store than at the start: restart weir");
        key_store_close(k->store);
        k->store = NULL;
    }
    if (!k->store) {
        tell_away(k, buf_span(&why));
        k->again_ms = clock_mono_ms() + AGAIN_MS;
    } else {
        k->open_ms = clock_mono_ms();
        k->listens = key_store_listen(k->store); /* before the first look: nothing falls between */
    }
    buf_done(&why);
}

static bool forget(void *user, const unsigned char hash[SHA256_LEN]) {
    const key_keeper *k = user;
    key_cache_drop(k->cache, hash);
    return true;
}

/* A file beside the records says that there were keys: a store that is away at a start does not let
 * in whom it would not. */
static void name_mark(const key_keeper *k, buf *ret) {
    buf_addf(ret, "%.*s/keys", SPAN_ARG(ledger_folder(k->ledger)));
}

static bool were_keys(const key_keeper *k) {
    buf path = BUF_EMPTY;
    name_mark(k, &path);
    const bool were = access(buf_cstr(&path), F_OK) == 0;
    buf_done(&path);
    return were;
}

/* A disk that has no room for the file is tried again at the next look. */
static void note_keys(key_keeper *k) {
    atomic_store_explicit(&k->has_keys, true, memory_order_relaxed);
    if (atomic_exchange_explicit(&k->marked, true, memory_order_relaxed)) return;
    buf path = BUF_EMPTY;
    name_mark(k, &path);
    const int fd = open(buf_cstr(&path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    else
        atomic_store_explicit(&k->marked, false, memory_order_relaxed);
    buf_done(&path);
}

/* Forgets what others, or this process, have changed since the last look. */
static void look(key_keeper *k) {
    int64_t last;
    if (!k->store) open_store(k);
    if (!k->store) return;
    if (!key_store_last_change(k->store, &last)) {
        lose(k);
        return;
    }
    if (last > k->seen) {
        /* At the first look nothing is known yet that could be forgotten, of a million keys. */
        if (k->looked && !key_store_changes(k->store, k->seen, forget, k)) {
            lose(k);
            return;
        }
    } else if (last < k->seen) {
        key_cache_clear(k->cache); /* an older state of the store has been put back */
    }
    k->seen = last;
    k->looked = true;
    if (last || atomic_load_explicit(&k->has_keys, memory_order_relaxed)) note_keys(k);
    if (clock_mono_ms() - k->open_ms >= AGAIN_MS) k->spared = false;
    tell_back(k);
}

/* Over another connection, where that which was there has ended. */
static void follow(key_keeper *k) {
    const bool had = k->store != NULL;
    look(k);
    if (had && !k->store) look(k);
}

/* ---- what was done to keys ---- */

/* Not at the end, when nobody may hear of them any more: the next start tells them. */
static void take_acts(key_keeper *k) {
    const bool leaving = atomic_load_explicit(&k->leaving, memory_order_relaxed);
    if (!key_acts_are_told(&k->acts) || !k->store || k->told_to == k->seen || leaving) return;
    const int64_t seen = k->seen;
    if (key_acts_take(&k->acts, k->store))
        k->told_to = seen;
    else
        lose(k);
}

/* ---- a look-up, on the thread ---- */

static void tell_unusable(key_keeper *k, span name, span why) {
    const log_field fields[] = {{.key = "name", .value = name}, {.key = "reason", .value = why}};
    log_event(k->log, LEVEL_WARN, "key_unusable",
              SPAN_OF("What is written of a key, or what it has spent, cannot be read."), fields,
              ARRAY_LEN(fields));
    log_flush(k->log);
}

/* NULL: what is written of it, or what it has spent, cannot be read. */
static access_key *key_of(key_keeper *k, const store_key *row) {
    access_key *key = access_key_new();
    config_client client = {.name = row->name};
    buf why = BUF_EMPTY;
    bool good = config_rights_parse(row->options, &key->arena, &client, &why);
    key->client = client;
    key->client.name = arena_dup(&key->arena, row->name);
    key->client.holder = hash_span(key->client.name);
    key->client.expires_us = row->expires_us;
    good = good && budgets_seed(k->budgets, &key->client, &why);
    if (!good) {
        tell_unusable(k, row->name, buf_span(&why));
        access_key_unref(key);
        key = NULL;
    }
    buf_done(&why);
    return key;
}

/* Once more over another connection, where that which was there has ended. */
static key_outcome find(key_keeper *k, const key_lookup *u, arena *a, store_key *ret) {
    for (unsigned tries = 0; tries < 2; tries++) {
        if (!k->store) follow(k);
        if (!k->store) break;
        const key_outcome found = key_store_find(k->store, u->hash, a, ret);
        if (found != KEYS_FAILED) return found;
        lose(k);
    }
    return KEYS_FAILED;
}

static bool look_up(key_keeper *k, key_lookup *u) {
    arena a;
    store_key row;
    arena_init(&a, 0);
    const uint64_t season = key_cache_season(k->cache);
    const key_outcome found = find(k, u, &a, &row);
    key_entry entry = {.standing = KEY_UNKNOWN};
    bool good = found != KEYS_FAILED;
    if (found == KEYS_DONE) {
        entry.standing = row.revoked_us ? KEY_GONE : row.until_us ? KEY_ROTATED : KEY_GOOD;
        entry.until_us = row.until_us;
        entry.key = row.revoked_us ? NULL : key_of(k, &row);
        good = row.revoked_us || entry.key;
    }
    if (good) key_cache_put(k->cache, u->hash, entry, season);
    arena_done(&a);
    return good;
}

static void on_answer(loop *l, void *arg) {
    (void)l;
    key_lookup *u = arg;
    --*u->under_way;
    if (!u->dropped) u->done(u->user, u->good);
    free(u);
}

/* What the server has said, or that its connection has ended, makes a look due. */
static void hear(key_keeper *k) {
    if (k->store && (key_store_heard(k->store) || key_store_is_lost(k->store))) k->due_ms = 0;
}

static void look_again_later(key_keeper *k) {
    k->due_ms = clock_mono_ms() + (k->store && k->listens ? LISTENING_MS : LOOK_MS);
}

static void follow_if_due(key_keeper *k) {
    hear(k);
    if (clock_mono_ms() < k->due_ms) return;
    follow(k);
    take_acts(k);
    look_again_later(k);
}

/* However many they are, a key that was revoked meanwhile does not wait for them. */
static void answer_all(key_keeper *k, list *asked) {
    for (list *it; (it = list_pop_front(asked));) {
        key_lookup *u = LIST_ENTRY(it, key_lookup, link);
        u->good = look_up(k, u);
        loop_post(u->loop, on_answer, u);
        follow_if_due(k);
    }
}

/* ---- the thread ---- */

static void wake(key_keeper *k) {
    (void)eventfd_write(k->wake, 1); /* fails where 2^64 others have: it is awake */
}

/* Until then, or a look-up or a word of the server's comes. */
static void sleep_until(key_keeper *k, int64_t due_ms) {
    struct pollfd fds[] = {{k->wake, POLLIN, 0},
                           {k->store ? key_store_descriptor(k->store) : -1, POLLIN, 0}};
    const int64_t left_ms = due_ms - clock_mono_ms();
    eventfd_t count;
    (void)poll(fds, ARRAY_LEN(fds), left_ms > 0 ? (int)left_ms : 0);
    if (fds[0].revents) (void)eventfd_read(k->wake, &count);
}

/* Takes all that wait. false: the end. */
static bool take_waiting(key_keeper *k, list *ret) {
    pthread_mutex_lock(&k->lock);
    for (list *it; (it = list_pop_front(&k->waiting));)
        list_push_back(ret, it);
    k->waiting_count = 0;
    const bool goes_on = !k->ending;
    pthread_mutex_unlock(&k->lock);
    return goes_on;
}

static void *run(void *arg) {
    key_keeper *k = arg;
    list asked;
    list_init(&asked);
    take_acts(k);
    look_again_later(k);
    while (take_waiting(k, &asked)) {
        answer_all(k, &asked);
        follow_if_due(k);
        hear(k); /* what came with the answers of these */
        sleep_until(k, k->due_ms);
    }
    return NULL;
}

key_keeper *key_keeper_new(ledger *l, logger *log, budgets *seed) {
    key_keeper *k = mem_zalloc(sizeof *k);
    pthread_mutex_init(&k->lock, NULL);
    k->wake = -1;
    key_acts_init(&k->acts);
    k->ledger = l;
    k->log = logger_add_shard(log);
    k->cache = key_cache_new(KNOWN_MAX, STRANGERS_MAX);
    list_init(&k->waiting);
    k->budgets = seed;
    const bool were = were_keys(k);
    atomic_store_explicit(&k->has_keys, were, memory_order_relaxed);
    atomic_store_explicit(&k->marked, were, memory_order_relaxed);
    follow(k);
    return k;
}

void key_keeper_tell_acts(key_keeper *k, loop *on, ledger_writer *writer) {
    key_acts_tell(&k->acts, on, writer);
}

bool key_keeper_start(key_keeper *k, buf *ret_why) {
    sigset_t before;
    k->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int err = k->wake < 0 ? errno : 0;
    loop_quiet(&before);
    if (!err) err = pthread_create(&k->thread, NULL, run, k);
    loop_loud(&before);
    k->runs = !err;
    if (err) buf_addf(ret_why, "cannot start a thread for the keys: %s", strerror(err));
    return k->runs;
}

void key_keeper_leave(key_keeper *k) {
    if (k) atomic_store_explicit(&k->leaving, true, memory_order_relaxed);
}

void key_keeper_free(key_keeper *k) {
    if (!k) return;
    key_keeper_leave(k);
    pthread_mutex_lock(&k->lock);
    k->ending = true;
    pthread_mutex_unlock(&k->lock);
    if (k->runs) {
        key_acts_end(&k->acts);
        wake(k);
        pthread_join(k->thread, NULL);
    }
    if (k->wake >= 0) close(k->wake);
    key_store_close(k->store);
    key_cache_free(k->cache);
    key_acts_done(&k->acts);
    pthread_mutex_destroy(&k->lock);
    mem_wipe(k->secret, sizeof k->secret);
    free(k);
}

/* ---- a worker's ---- */

void key_keeper_forget(key_keeper *k, const unsigned char *hash) {
    note_keys(k);
    if (hash)
        key_cache_drop(k->cache, hash);
    else
        key_cache_clear(k->cache);
}

bool key_keeper_is_away(const key_keeper *k) {
    return atomic_load_explicit(&k->told, memory_order_relaxed);
}

const atomic_bool *key_keeper_has_keys(const key_keeper *k) {
    return &k->has_keys;
}

bool key_keeper_hash(const key_keeper *k, span text, unsigned char ret[SHA256_LEN]) {
    if (!atomic_load_explicit(&k->hashes, memory_order_acquire)) return false;
    hmac_sha256(k->secret, text, ret);
    return true;
}

bool key_keeper_find(key_keeper *k, const unsigned char hash[SHA256_LEN], key_entry *ret) {
    return key_cache_find(k->cache, hash, ret);
}

key_lookup *key_keeper_ask(key_keeper *k, span text, loop *on, key_lookup_fn *done, void *user,
                           unsigned *under_way) {
    key_lookup *u = mem_zalloc(sizeof *u);
    *u = (key_lookup){.loop = on, .done = done, .user = user, .under_way = under_way};
    ++*under_way;
    list_init(&u->link);
    hmac_sha256(k->secret, text, u->hash);
    pthread_mutex_lock(&k->lock);
    const bool room = k->waiting_count < WAITING_MAX;
    if (room) {
        list_push_back(&k->waiting, &u->link);
        k->waiting_count++;
    }
    pthread_mutex_unlock(&k->lock);
    if (room)
        wake(k);
    else
        loop_post(on, on_answer, u);
    return u;
}

void key_lookup_drop(key_lookup *u) {
    u->dropped = true;
}
