#include "batch/ids.h"

#include "base/hash.h"
#include "base/mem.h"
#include "batch/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(ids_page) == 4096, "a page of the table is a page of the file");

enum { FIRST_PAGES = 2, LOAD_PERCENT = 85 };

void ids_init(ids *set, uint64_t front) {
    *set = (ids){.front = front, .fd = -1};
}

void ids_done(ids *set) {
    free(set->memory);
    if (set->fd >= 0) close(set->fd);
    *set = (ids){.fd = -1};
}

static ids_slot slot_of(span id, uint64_t line) {
    unsigned char digest[SHA256_LEN];
    ids_slot slot = {.line = line};
    sha256(id, digest);
    memcpy(slot.print, digest, sizeof slot.print);
    return slot;
}

static bool same(const ids_slot *a, const ids_slot *b) {
    return a->print[0] == b->print[0] && a->print[1] == b->print[1];
}

/* The page number n; in memory itself, else read into copy. NULL: errno says why. */
static ids_page *load_page(const ids *set, uint64_t n, ids_page *copy) {
    if (set->memory) return &set->memory[n];
    return scratch_read(set->fd, copy, sizeof *copy, n * sizeof *copy) ? copy : NULL;
}

/* A slot was put into the page; its count, at the end, is written with it. */
static bool store_page(const ids *set, uint64_t n, const ids_page *page) {
    return set->memory || scratch_write(set->fd, page, sizeof *page, n * sizeof *page);
}

/* NULL: it is not there. */
static ids_slot *slot_in(ids_page *page, const ids_slot *slot) {
    for (uint64_t i = 0; i < page->used; i++)
        if (same(&page->slots[i], slot)) return &page->slots[i];
    return NULL;
}

static bool find_in(ids_page *page, const ids_slot *slot, uint64_t *ret_line) {
    const ids_slot *found = slot_in(page, slot);
    if (found) *ret_line = found->line;
    return found != NULL;
}

static ids_verdict put(ids *set, const ids_slot *slot, uint64_t *ret_line) {
    ids_page copy;
    for (uint64_t n = slot->print[0] & (set->pages - 1);; n = (n + 1) & (set->pages - 1)) {
        ids_page *page = load_page(set, n, &copy);
        if (!page) return IDS_FAILED;
        if (find_in(page, slot, ret_line)) return IDS_KNOWN;
        if (page->used == IDS_PAGE_SLOTS) continue; /* full: the search goes on in the next */
        page->slots[page->used++] = *slot;
        if (!store_page(set, n, page)) return IDS_FAILED;
        set->count++;
        return IDS_NEW;
    }
}

static bool make_table(ids *set, uint64_t pages, bool in_memory) {
    *set = (ids){.pages = pages, .front = set->front, .fd = -1};
    if (in_memory)
        set->memory = mem_zalloc_array(pages, sizeof(ids_page));
    else
        set->fd = scratch_open();
    return in_memory || set->fd >= 0;
}

/* Page by page from the old table into one of twice the size. */
static bool move_all(const ids *from, ids *to) {
    ids_page copy;
    uint64_t known;
    for (uint64_t n = 0; n < from->pages; n++) {
        const ids_page *page = load_page(from, n, &copy);
        if (!page) return false;
        for (uint64_t i = 0; i < page->used; i++)
            if (put(to, &page->slots[i], &known) == IDS_FAILED) return false;
    }
    return true;
}

static bool grow(ids *set) {
    ids larger = {.front = set->front, .fd = -1};
    uint64_t pages = set->pages ? 2 * set->pages : FIRST_PAGES;
    if (!make_table(&larger, pages, set->count < set->front) || !move_all(set, &larger)) {
        ids_done(&larger);
        return false;
    }
    ids_done(set);
    *set = larger;
    return true;
}

ids_verdict ids_add(ids *set, span id, uint64_t line, uint64_t *ret_line) {
    if ((set->count + 1) * 100 > set->pages * IDS_PAGE_SLOTS * LOAD_PERCENT && !grow(set))
        return IDS_FAILED;
    ids_slot slot = slot_of(id, line);
    return put(set, &slot, ret_line);
}

bool ids_replace(ids *set, span id, uint64_t line) {
    ids_page copy;
    const ids_slot slot = slot_of(id, line);
    for (uint64_t n = slot.print[0] & (set->pages - 1);; n = (n + 1) & (set->pages - 1)) {
        ids_page *page = load_page(set, n, &copy);
        ids_slot *found = page ? slot_in(page, &slot) : NULL;
        if (!page) return false;
        if (!found) continue; /* its page was full */
        *found = slot;
        return store_page(set, n, page);
    }
}

ids_verdict ids_find(const ids *set, span id, uint64_t *ret_line) {
    ids_page copy;
    ids_slot slot = slot_of(id, 0);
    if (!set->pages) return IDS_NEW;
    for (uint64_t n = slot.print[0] & (set->pages - 1);; n = (n + 1) & (set->pages - 1)) {
        ids_page *page = load_page(set, n, &copy);
        if (!page) return IDS_FAILED;
        if (find_in(page, &slot, ret_line)) return IDS_KNOWN;
        if (page->used < IDS_PAGE_SLOTS) return IDS_NEW;
    }
}
