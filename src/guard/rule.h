/* guard/rule.h: one rule, compiled, and the set of them. Inside guard/. */
#ifndef WEIR_GUARD_RULE_H
#define WEIR_GUARD_RULE_H

#include "base/arena.h"
#include "guard/automaton.h"
#include "guard/check.h"
#include "guard/guard.h"
#include "guard/shape.h"
#include "guard/sift.h"
#include "guard/words.h"

#include <stdatomic.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { RULE_CAPTURES_MAX = 8, RULE_WORDS_MAX = 64 };
_Static_assert((int)WORDS_BLOCK >= (int)GUARD_NEAR_MAX, "one look tells whether a word is near");

/* Those that weir ships are compiled when a text first needs it: few texts have what most rules
 * look for, and to compile all of them is the most that a start with a guard takes. */
typedef struct rule_pattern {
    _Atomic(pcre2_code *) code;
} rule_pattern;

typedef struct rule_code {
    guard_rule says;
    rule_pattern *pattern; /* in the set's memory */
    const guard_check *check;
    double entropy;
    guard_words near, stop;
    int show; /* -1: the lead, or what makes the shape known */
    guard_shape shape;
    guard_digits digits; /* of SHAPE_DIGITS: it is not tried where fewer stand */
    bool apart;          /* no letter or digit stands before it */
    bool parted;         /* no letter does */
    unsigned kind;       /* index in the set's kinds */
    size_t from, to;     /* of the set's literals: its leads */
} rule_code;

struct guard_set {
    atomic_uint refs;
    arena memory;
    rule_code *rules;
    size_t count;
    span *kinds;
    size_t kind_count;
    automaton leads;               /* owners: a rule's index, or SHAPE_OWNER + a shape */
    sift sift;                     /* of its literals */
    uint32_t *shaped[SHAPE_COUNT]; /* the rules of each shape */
    size_t shaped_count[SHAPE_COUNT];
    size_t digits;   /* with fewer no rule of SHAPE_DIGITS is tried */
    uint8_t *strict; /* of a state of leads: bytes at the end that a rule, which shows less than its
                        lead, may hide */
};

enum { SHAPE_OWNER = 1 << 30 };

struct guard_policy {
    uint64_t number; /* no two ever have the same */
    guard_set *set;
    bool looks;
    bool decodes;
    int mailbox_show; /* -1: no address is hidden; else what may be seen of one */
    uint32_t mailbox_rule;
    uint8_t actions[]; /* of each rule */
};

/* How a rule says what is wrong with it. */
typedef struct rule_complaints {
    guard_complain *tell;
    void *ctx;
    size_t index;
    bool shipped; /* as weir brings it: a test has looked for all of them */
    bool bad;
} rule_complaints;
void rule_complain(rule_complaints *c, const char *member, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* rule.c: compiles one, which lives in the set's memory; false after complaints. Its literals are
 * appended. */
typedef struct rule_literals {
    literal *items;
    size_t count, cap;
} rule_literals;
MUST_USE bool rule_compile(guard_set *s, const guard_rule_text *text, rule_code *ret,
                           rule_literals *literals, rule_complaints *c);

/* The rule's pattern. Where this is its first use it is compiled. Any thread. NULL: there is no
 * memory for it. */
const pcre2_code *rule_pattern_of(const rule_code *r);
/* Whether what is hidden of a match is its first group. */
bool rule_has_group(const rule_code *r);
void rule_done(rule_code *r);

/* What weir ships: made from data/guard/ by tools/guard-rules. */
extern const guard_rule_text guard_shipped[];
extern const size_t guard_shipped_count;

#endif
