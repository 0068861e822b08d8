#include "base/memory.h"

#include <assert.h>

void memory_bound_init(memory_bound *b, uint64_t most_all, uint64_t most_one) {
    *b = (memory_bound){.most_all = most_all, .most_one = most_one};
    int err = pthread_mutex_init(&b->lock, NULL);
    assert(!err);
    (void)err;
}

void memory_bound_done(memory_bound *b) {
    shares_done(&b->holders);
    pthread_mutex_destroy(&b->lock);
}

void memory_bound_set(memory_bound *b, uint64_t most_all, uint64_t most_one) {
    pthread_mutex_lock(&b->lock);
    b->most_all = most_all;
    b->most_one = most_one;
    pthread_mutex_unlock(&b->lock);
}

/* What of a hold of so many bytes counts for its holder. */
static uint64_t counted(const memory_hold *h, size_t bytes) {
    return h->holder && bytes > MEMORY_SMALL ? bytes : 0;
}

/* ---- under the lock ---- */

static share_verdict take_share(memory_bound *b, const memory_hold *h, size_t to_bytes,
                                bool forced) {
    const uint64_t before = counted(h, h->bytes), more = counted(h, to_bytes) - before;
    if (!more) return SHARE_TAKEN;
    bool alone = shares_held(&b->holders, h->holder) == before;
    uint64_t most = forced || alone ? UINT64_MAX : b->most_one;
    return shares_take(&b->holders, h->holder, more, UINT64_MAX, most);
}

/* Lends what the account lacks, and a block for what comes next where there is one. */
static share_verdict take(memory_account *a, const memory_hold *h, size_t to_bytes, bool forced) {
    memory_bound *b = a->bound;
    const uint64_t room = b->lent < b->most_all ? b->most_all - b->lent : 0;
    const uint64_t used = a->used + (to_bytes - h->bytes);
    const uint64_t lacks = used > a->lent ? used - a->lent : 0;
    if (lacks > room && !forced) return SHARE_ALL_GONE;
    share_verdict verdict = take_share(b, h, to_bytes, forced);
    if (verdict != SHARE_TAKEN || !lacks) return verdict;
    const uint64_t more = lacks + MEMORY_BLOCK <= room ? lacks + MEMORY_BLOCK : lacks;
    a->lent += more;
    b->lent += more;
    return SHARE_TAKEN;
}

/* ---- an account ---- */

static share_verdict grow(memory_account *a, memory_hold *h, size_t to_bytes, bool forced) {
    share_verdict verdict = SHARE_TAKEN;
    const size_t more = to_bytes - h->bytes;
    if (a->bound && (more > a->lent - a->used || counted(h, to_bytes))) {
        pthread_mutex_lock(&a->bound->lock);
        verdict = take(a, h, to_bytes, forced);
        pthread_mutex_unlock(&a->bound->lock);
    }
    if (verdict != SHARE_TAKEN) return verdict;
    h->bytes = to_bytes;
    a->used += more;
    return SHARE_TAKEN;
}

/* One block is kept, so that a thread whose work goes up and down by less asks nobody. */
static void shrink(memory_account *a, memory_hold *h, size_t bytes) {
    memory_bound *b = a->bound;
    const uint64_t own = counted(h, h->bytes) - counted(h, bytes);
    a->used -= h->bytes - bytes;
    h->bytes = bytes;
    if (!b) return;
    const uint64_t idle = a->lent - a->used;
    const uint64_t back = idle > 2 * MEMORY_BLOCK ? idle - MEMORY_BLOCK : 0;
    if (!own && !back) return;
    pthread_mutex_lock(&b->lock);
    if (own) shares_give(&b->holders, h->holder, own);
    b->lent -= back;
    pthread_mutex_unlock(&b->lock);
    a->lent -= back;
}

share_verdict memory_grow(memory_account *a, memory_hold *h, size_t to_bytes) {
    return to_bytes > h->bytes ? grow(a, h, to_bytes, false) : SHARE_TAKEN;
}

void memory_set(memory_account *a, memory_hold *h, size_t bytes) {
    if (bytes < h->bytes)
        shrink(a, h, bytes);
    else if (bytes > h->bytes)
        (void)grow(a, h, bytes, true);
}

share_verdict memory_move(memory_account *a, memory_hold *h, uint64_t holder) {
    memory_bound *b = a->bound;
    const memory_hold to = {.holder = holder};
    share_verdict verdict = SHARE_TAKEN;
    if (holder == h->holder) return SHARE_TAKEN;
    if (b && h->bytes > MEMORY_SMALL) {
        pthread_mutex_lock(&b->lock);
        verdict = take_share(b, &to, h->bytes, false);
        const uint64_t own = counted(h, h->bytes);
        if (verdict == SHARE_TAKEN && own) shares_give(&b->holders, h->holder, own);
        pthread_mutex_unlock(&b->lock);
    }
    if (verdict == SHARE_TAKEN) h->holder = holder;
    return verdict;
}

void memory_account_done(memory_account *a) {
    assert(!a->used);
    if (a->bound) {
        pthread_mutex_lock(&a->bound->lock);
        a->bound->lent -= a->lent;
        pthread_mutex_unlock(&a->bound->lock);
    }
    *a = (memory_account){0};
}
