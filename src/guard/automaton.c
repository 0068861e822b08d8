#include "guard/automaton.h"

#include "base/mem.h"

#include <stdlib.h>

/* While it is built: a tree, whose states are numbered as they come. */
typedef struct tree {
    const literal *literals;
    size_t count;
    size_t most;      /* bytes of each that count */
    uint32_t *first;  /* of a state: one that follows it; 0: none does */
    uint32_t *beside; /* and another that follows the same as it does; 0: that was the last */
    uint8_t *by;      /* the class of bytes by which it follows */
    uint32_t *falls;
    uint32_t *order; /* states by their depth */
    uint8_t *depths;
    uint32_t *own;   /* of a state: the first literal that ends there, + 1 */
    uint32_t *chain; /* of a literal: the next that ends there too, + 1 */
    uint32_t *hit_counts;
    size_t states, cap;
} tree;

static unsigned char folded(unsigned char c) {
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static size_t length_of(const tree *t, size_t i) {
    size_t len = t->literals[i].text.len;
    return len < t->most ? len : t->most;
}

/* Bytes that no literal has are all of one class, the first. */
static void find_classes(automaton *a, const literal *literals, size_t count) {
    bool used[256] = {false};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < literals[i].text.len && k < LITERAL_MAX; k++)
            used[folded((unsigned char)literals[i].text.ptr[k])] = true;
    unsigned classes = 1;
    for (unsigned c = 0; c < 256; c++)
        if (used[c]) a->classes[c] = (uint8_t)classes++;
    for (unsigned c = 'A'; c <= 'Z'; c++)
        a->classes[c] = a->classes[folded((unsigned char)c)];
    while (1u << a->shift < classes)
        a->shift++;
}

/* How many bytes of each literal there is room for, and how many states that may be. */
static void measure(tree *t) {
    size_t states;
    t->most = LITERAL_MAX + 1;
    do {
        t->most--;
        states = 1;
        for (size_t i = 0; i < t->count; i++)
            states += length_of(t, i);
    } while (states > LITERALS_STATES);
    t->cap = states;
}

/* What follows a state by a class of bytes; 0: nothing does. */
static uint32_t after(const tree *t, uint32_t state, uint8_t class) {
    uint32_t s = t->first[state];
    while (s && t->by[s] != class)
        s = t->beside[s];
    return s;
}

static uint32_t add_after(tree *t, uint32_t state, uint8_t class) {
    const uint32_t s = (uint32_t)t->states++;
    t->beside[s] = t->first[state];
    t->first[state] = s;
    t->by[s] = class;
    t->depths[s] = (uint8_t)(t->depths[state] + 1);
    return s;
}

static void insert(tree *t, const automaton *a, size_t i) {
    uint32_t state = 0;
    size_t len = length_of(t, i);
    if (!len) return;
    for (size_t k = 0; k < len; k++) {
        const uint8_t class = a->classes[(unsigned char)t->literals[i].text.ptr[k]];
        const uint32_t to = after(t, state, class);
        state = to ? to : add_after(t, state, class);
    }
    t->chain[i] = t->own[state];
    t->own[state] = (uint32_t)i + 1;
    t->hit_counts[state]++;
}

/* Where a state falls to that follows this one, which is not the root: the longest text's end that
 * is in the tree, too. */
static uint32_t fall_after(const tree *t, uint32_t state, uint8_t class) {
    uint32_t to;
    do {
        state = t->falls[state];
        to = after(t, state, class);
    } while (!to && state);
    return to;
}

/* Breadth first: where a state falls to is nearer to the root, and done. */
static void link_states(tree *t) {
    size_t done = 0, found = 1;
    t->order[0] = 0;
    while (done < found) {
        const uint32_t state = t->order[done++];
        for (uint32_t s = t->first[state]; s; s = t->beside[s]) {
            if (state) t->falls[s] = fall_after(t, state, t->by[s]);
            t->hit_counts[s] += t->hit_counts[t->falls[s]];
            t->order[found++] = s;
        }
    }
}

/* States without hits come first, so that one comparison tells them. The root stays the first. */
static void number(const tree *t, automaton *a, uint16_t *numbers) {
    uint16_t n = 0;
    for (size_t s = 0; s < t->states; s++)
        if (!t->hit_counts[s]) numbers[s] = n++;
    a->first_hit = n;
    for (size_t s = 0; s < t->states; s++)
        if (t->hit_counts[s]) numbers[s] = n++;
}

static void copy_hits(const tree *t, automaton *a, const uint16_t *numbers) {
    size_t total = 0;
    for (size_t s = 0; s < t->states; s++)
        total += t->hit_counts[s];
    a->hits = mem_alloc((total ? total : 1) * sizeof *a->hits);
    a->hits_at = mem_zalloc_array(t->states - a->first_hit + 1, sizeof *a->hits_at);
    uint32_t at = 0;
    for (size_t s = 0; s < t->states; s++) {
        if (numbers[s] < a->first_hit) continue;
        a->hits_at[numbers[s] - a->first_hit] = at;
        for (uint32_t from = (uint32_t)s; from; from = t->falls[from])
            for (uint32_t i = t->own[from]; i; i = t->chain[i - 1])
                a->hits[at++] = (literal_hit){t->literals[i - 1].owner, t->literals[i - 1].len,
                                              (uint32_t)length_of(t, i - 1)};
    }
    a->hits_at[t->states - a->first_hit] = at;
}

/* Whatever follows a state follows the one it falls to, but for what is its own. That one's row is
 * there: it is nearer to the root, which is numbered 0. */
static void copy_states(const tree *t, automaton *a, const uint16_t *numbers) {
    const size_t row_bytes = sizeof *a->next << a->shift;
    a->states = t->states;
    a->next = mem_zalloc(t->states * row_bytes);
    a->depths = mem_alloc(t->states);
    a->falls = mem_alloc(t->states * sizeof *a->falls);
    for (size_t i = 0; i < t->states; i++) {
        const uint32_t s = t->order[i];
        const uint16_t fall = numbers[t->falls[s]];
        uint16_t *row = a->next + ((size_t)numbers[s] << a->shift);
        if (s) memcpy(row, a->next + ((size_t)fall << a->shift), row_bytes);
        for (uint32_t to = t->first[s]; to; to = t->beside[to])
            row[t->by[to]] = numbers[to];
        a->depths[numbers[s]] = t->depths[s];
        a->falls[numbers[s]] = fall;
    }
}

void automaton_init(automaton *a, const literal *literals, size_t count) {
    *a = (automaton){0};
    find_classes(a, literals, count);
    tree t = {.literals = literals, .count = count, .states = 1};
    measure(&t);
    t.first = mem_zalloc_array(t.cap, sizeof *t.first);
    t.beside = mem_zalloc_array(t.cap, sizeof *t.beside);
    t.by = mem_zalloc_array(t.cap, 1);
    t.falls = mem_zalloc_array(t.cap, sizeof *t.falls);
    t.order = mem_zalloc_array(t.cap, sizeof *t.order);
    t.depths = mem_zalloc_array(t.cap, 1);
    t.own = mem_zalloc_array(t.cap, sizeof *t.own);
    t.hit_counts = mem_zalloc_array(t.cap, sizeof *t.hit_counts);
    t.chain = mem_zalloc_array(count ? count : 1, sizeof *t.chain);
    uint16_t *numbers = mem_zalloc_array(t.cap, sizeof *numbers);
    for (size_t i = count; i-- > 0;)
        insert(&t, a, i);
    link_states(&t);
    number(&t, a, numbers);
    copy_hits(&t, a, numbers);
    copy_states(&t, a, numbers);
    free(t.first);
    free(t.beside);
    free(t.by);
    free(t.falls);
    free(t.order);
    free(t.depths);
    free(t.own);
    free(t.hit_counts);
    free(t.chain);
    free(numbers);
}

void automaton_done(automaton *a) {
    free(a->next);
    free(a->hits_at);
    free(a->hits);
    free(a->depths);
    free(a->falls);
    *a = (automaton){0};
}
