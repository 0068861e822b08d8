/* guard/automaton.h: many literals looked for at once, letters' cases apart, in a text that comes
 * in pieces: one step a byte, however many literals there are.
 *
 * Immutable once built; any thread. Owns its memory.
 *
 * Source  Aho and Corasick, Efficient string matching (1975).
 */
#ifndef WEIR_GUARD_AUTOMATON_H
#define WEIR_GUARD_AUTOMATON_H

#include "base/span.h"

enum {
    LITERAL_MAX = 32,       /* bytes of one that are looked for: the first ones */
    LITERALS_STATES = 65535 /* where there would be more, fewer bytes of each are looked for */
};

/* One literal. Who it is for says what it means. */
typedef struct literal {
    span text;
    uint32_t owner;
    uint32_t len; /* of the owner's; carried */
    bool parted;  /* it counts only where no letter stands before it; carried */
} literal;

typedef struct literal_hit {
    uint32_t owner;
    uint32_t len;
    uint32_t seen; /* bytes that were compared: it begins so many before where it was found */
} literal_hit;

typedef struct automaton {
    uint16_t *next; /* of a state and a class of bytes, at state << shift | class */
    unsigned shift;
    uint8_t classes[256];
    uint16_t first_hit; /* this state and those above it end a literal */
    uint32_t *hits_at;  /* of such a state, from first_hit on: where its hits begin; one more */
    literal_hit *hits;
    uint8_t
        *depths; /* of a state: bytes of the longest literal's beginning that the text ends with */
    uint16_t *falls; /* of a state: that of the next shorter one */
    size_t states;
} automaton;

/* Empty literals are passed over. */
void automaton_init(automaton *a, const literal *literals, size_t count);
void automaton_done(automaton *a);

/* From text[at] on, to where a literal ends: returns the index behind its last byte, *state is a
 * state with hits; or text.len, where *state may be one too. */
static inline size_t automaton_run(const automaton *a, span text, size_t at, uint16_t *state) {
    const unsigned char *p = (const unsigned char *)text.ptr;
    unsigned s = *state;
    while (at < text.len) {
        s = a->next[s << a->shift | a->classes[p[at++]]];
        if (s >= a->first_hit) break;
    }
    *state = (uint16_t)s;
    return at;
}

static inline bool automaton_hits(const automaton *a, uint16_t state) {
    return state >= a->first_hit;
}

#endif
