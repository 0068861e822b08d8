/* guard/guard.h: what must not get through a text: keys of vendors, personal data, words.
 *
 * Three things, all without I/O:
 *
 *   guard_set     the rules, compiled: what weir ships, and an operator's own. Immutable.
 *   guard_policy  what follows from each rule, for one direction of one kind of caller. Immutable.
 *   guard_lane    one text that comes in pieces, looked at by a policy.
 *
 * A verdict and the bytes that are let go depend on the text alone, never on where it was cut:
 * - A rule looks at a text where its *lead* stands, the literal that each of its matches begins
 *   with ("ghp_"), or where a shape begins (digits, the "@" of an address). There it matches or
 *   not, by the bytes from there on, of which it sees GUARD_SPAN_MAX at most. What would be longer,
 *   or asks for more steps than a rule may take, counts as a match of so many bytes: it fails
 *   closed, and the rest up to the next blank is hidden too.
 * - Held back is only what a match that is open would hide. The lead of a key may be seen, of
 *   digits the first 4, of an address as much as its rule shows: that is never hidden, in a whole
 *   text neither, so that both come out alike. Everything else is let go in the same turn.
 *
 * Threads  Sets are shared by reference count; a policy is its owner's, and looked at by any
 * thread; a lane is one thread's, and what it matches in (guard_scratch) too, which any number of
 *          lanes use one after the other.
 * Memory   A lane is embedded, under 512 bytes; it allocates while something is open, and no more
 *          than some times GUARD_SPAN_MAX.
 * Cost     docs/guard-rules.md.
 */
#ifndef WEIR_GUARD_GUARD_H
#define WEIR_GUARD_GUARD_H

#include "base/buf.h"

enum { GUARD_SPAN_MAX = 4096 };

/* The weakest first: of two the greater one counts. */
typedef enum guard_action {
    GUARD_OFF,    /* the rule does not look */
    GUARD_FLAG,   /* it is noted; nothing is held or changed */
    GUARD_REDACT, /* a placeholder stands in its place */
    GUARD_BLOCK   /* the text ends before it */
} guard_action;

typedef enum guard_where { GUARD_IN = 1, GUARD_OUT = 2, GUARD_BOTH = 3 } guard_where;

/* "block", "redact", "flag", "off". */
MUST_USE bool guard_action_read(span word, guard_action *ret);
const char *guard_action_name(guard_action action);

/* ---- rules ---- */

/* What each rule says of itself. Lives as long as its set. */
typedef struct guard_rule {
    span name;           /* "openai-key": in verdicts, logs, metrics; unique in a set */
    span label;          /* "OPENAI_KEY": of placeholders; rules may share one */
    span kind;           /* "secret", "personal", "harmful", "injection", "unicode" or "own" */
    span source;         /* where its vendor says what it looks like; may be empty */
    span pattern;        /* as written */
    unsigned index;      /* in its set: earlier rules win a place that two would hide */
    guard_action action; /* where has_action */
    bool has_action;     /* else the policy's */
    unsigned where;      /* guard_where, bits */
    unsigned score;      /* of 100 that its kind needs in one text; 0: it speaks alone */
} guard_rule;

/* A rule as it was written. Spans that are empty were not. */
typedef struct guard_rule_text {
    span name;    /* letters, digits, "-", "_", "."; of a shipped rule: what is not said here is
                     that rule's, a pattern replaces it whole */
    span label;   /* letters, digits, "_"; else made of the name: "my-ticket": MY_TICKET */
    span kind;    /* else "own" */
    span pattern; /* PCRE2, of bytes; its first group, where it has one, is what is hidden */
    const span *leads; /* literals of which one begins each match, case apart; else taken from the
                          pattern */
    size_t lead_count;
    span start;       /* in the place of a lead: "digits", "at" …; docs/guard-rules.md has them */
    const span *near; /* one of these words must stand in the GUARD_NEAR_MAX bytes before */
    size_t near_count;
    const span *stop; /* what contains one of these is no match */
    size_t stop_count;
    span check;     /* "luhn", "iban" …; docs/guard-rules.md */
    double entropy; /* bits a byte of what is hidden, at least; 0: not asked */
    guard_action action;
    bool has_action;
    unsigned where; /* 0: both */
    int show;       /* bytes from the match's start on that may be seen; -1: the lead; of digits,
                       characters without separators */
    unsigned score;
    span source;
} guard_rule_text;

enum {
    GUARD_NEAR_MAX = 64,
    GUARD_NAME_MAX = 64,
    GUARD_SHOW_MAX = 64,
    GUARD_RULES_MAX = 10000,
};

/* What is wrong with one: its index in own, the member's name ("pattern"), and a sentence without
 * an end: "is not a regular expression: missing closing parenthesis, at its byte 7". */
typedef void guard_complain(void *ctx, size_t rule, const char *member, const char *message);

typedef struct guard_set guard_set;

/* What weir ships (where asked for), then own, which is copied. Tells everything that is wrong,
 * and then returns NULL. */
MUST_USE guard_set *guard_set_new(bool shipped, const guard_rule_text *own, size_t count,
                                  guard_complain *complain, void *ctx);
guard_set *guard_set_ref(guard_set *s);
/* NULL is allowed. */
void guard_set_unref(guard_set *s);

size_t guard_set_count(const guard_set *s);
const guard_rule *guard_set_rule(const guard_set *s, size_t i);
/* NULL: there is none. */
const guard_rule *guard_set_find(const guard_set *s, span name);

/* ---- policies ---- */

typedef struct guard_override {
    span rule; /* a name, or a kind: "injection" */
    guard_action action;
} guard_override;

typedef struct guard_policy guard_policy;

/* What a direction does: `otherwise` for rules that have no action of their own. OFF: nothing looks
 * at all, whatever rules say. Overrides beat both, the later ones the earlier. Refs the set. Never
 * NULL; overrides that name nothing are passed over (guard_set_knows()). */
MUST_USE guard_policy *guard_policy_new(guard_set *s, guard_where where, guard_action otherwise,
                                        const guard_override *overrides, size_t count);
void guard_policy_free(guard_policy *p); /* NULL is allowed */
/* Rules look behind percent escapes and into base64 as well. Before it is shared. */
void guard_policy_decode(guard_policy *p);
/* Whether any rule looks: else there is no need for lanes. */
bool guard_policy_looks(const guard_policy *p);
guard_action guard_policy_action(const guard_policy *p, const guard_rule *rule);
/* Whether a rule or a kind has the name. */
bool guard_set_knows(const guard_set *s, span name);

/* ---- lanes ---- */

/* One per thread: what a match is made in. */
typedef struct guard_scratch guard_scratch;
MUST_USE guard_scratch *guard_scratch_new(void);
void guard_scratch_free(guard_scratch *s); /* NULL is allowed */

typedef struct guard_find {
    const guard_rule *rule;
    guard_action action; /* FLAG, REDACT or BLOCK */
    uint64_t at;         /* of the match, in the bytes of the text as they came */
    uint64_t len;
    span value;  /* the match, escapes undone, look-alikes put straight; of a coded one that is
                    hidden what stands in hidden, so that what is put back is that; until find()
                    returns */
    span hidden; /* the bytes, as they came, in whose place the placeholder goes. Empty where
                    nothing is changed: of a flag and a block, or where others hide it all */
    bool over;   /* it counts as a match because it was too long, or asked for too many steps: the
                    value is not all of it */
} guard_find;

/* pass and find are called in the order of the text; what a flag is about may have been passed
 * before. Neither may use the lane. */
typedef struct guard_sink {
    void *ctx;
    void (*pass)(void *ctx, span bytes); /* these bytes are let go, as they came */
    void (*find)(void *ctx, const guard_find *find);
} guard_sink;

/* What a lane undoes beside escapes of JSON: each has a lane of its own, behind the one of what is
 * written plainly (guard_policy_decode()). */
typedef enum guard_code { GUARD_CODE_NONE, GUARD_CODE_PERCENT, GUARD_CODE_BASE64 } guard_code;

/* How the text is written. */
typedef struct guard_form {
    unsigned json; /* documents whose escapes are undone: 0: the text is as it reads; 1: it is the
                      inside of a JSON string, as on the wire; 2: of such a string that holds JSON
                      again (arguments of a tool call). What is told and passed are its own bytes,
                      never half an escape */
    bool whole; /* it will not be compared with a stream: a match is hidden from its first byte on,
                   nothing of it shows */
    guard_code code; /* guard/lane_coded.c's own */
} guard_form;

/* Private to guard/lane*.c. Positions count from the text's begin: `told` and what is called raw in
 * bytes as they came, the others in bytes as they are looked at (guard/unit.h). */
typedef struct guard_lane {
    const guard_policy *policy;
    guard_scratch *scratch;
    guard_form form;
    bool blocked, ended; /* nothing is told any more */
    bool swallow;        /* what was too long goes on */
    bool in_run;         /* GUARD_CODE_BASE64: a group stands before */
    bool stopped;        /* it blocks, or a lane of its codes does */
    uint8_t recent;      /* bytes of last, where norm is empty */
    char last[80];
    uint16_t state;          /* of the automaton */
    uint64_t told;           /* raw: all before it is passed or hidden */
    uint64_t read;           /* raw: all before it is looked at; what follows is half a character */
    uint64_t seen;           /* how much that came to */
    uint64_t base_raw;       /* raw: where what is kept of it begins */
    uint64_t marked_to;      /* raw: behind the last mark */
    buf raw;                 /* from told on */
    buf norm;                /* what is kept, up to seen */
    struct lane_unit *units; /* in it, those that differ from their bytes */
    struct lane_open *opens; /* rules that may match, or have */
    struct lane_wait *waits; /* matches that are not told yet */
    struct lane_score *scores;
    struct guard_lane *coded; /* of its codes; NULL: none has been fed */
    uint64_t begins;          /* of such: where its text does in that of the plain lane */
    uint32_t unit_count, unit_cap, open_count, open_cap, wait_count, wait_cap;
} guard_lane;

/* Borrows policy and scratch. A lane that was never fed, or whose text has ended, needs no
 * guard_lane_done(). */
void guard_lane_init(guard_lane *l, const guard_policy *policy, guard_scratch *scratch,
                     guard_form form);
/* The next piece; end: the text's last, which may be empty. Whatever of the text is certain is told
 * before it returns, all at the end. After a block, and after the end, nothing is told. */
void guard_lane_feed(guard_lane *l, span piece, bool end, const guard_sink *sink);
/* Bytes that are held: none of a clean text. */
size_t guard_lane_held(const guard_lane *l);
/* Frees and wipes what it holds; the lane is as guard_lane_init() made it. */
void guard_lane_done(guard_lane *l);

/* Whether nothing in a whole text could be a match: a lane would let all of it go and find nothing.
 * Told sooner than by one; false says nothing. json: as a lane's form has it, and of several
 * strings of JSON, too: then it is true of each of these. owner: whose text it is, a number as in
 * base/shares.h. What is true is remembered in scratch, and said at once of the same text of his by
 * the same rules; 0: it is not. */
bool guard_text_is_clean(const guard_policy *p, guard_scratch *scratch, span text, unsigned json,
                         uint64_t owner);
/* A lane has found nothing in it: this is remembered, too. */
void guard_text_was_clean(const guard_policy *p, guard_scratch *scratch, span text, unsigned json,
                          uint64_t owner);

/* ---- placeholders ---- */

/* The names of what was redacted in one call: the same value has the same one, in each of its
 * texts, the way in and the way out. Holds secrets: wiped when it is freed. One thread's. */
typedef struct guard_names guard_names;

enum {
    GUARD_NAMES_MAX = 1000,       /* values */
    GUARD_NUMBER_MAX = 999999999, /* of a placeholder */
    GUARD_PLACEHOLDER_MAX = GUARD_NAME_MAX + 16
};

MUST_USE guard_names *guard_names_new(void);
void guard_names_free(guard_names *n); /* NULL is allowed */
/* The same as far as guard_names_find() goes, for another thread. */
MUST_USE guard_names *guard_names_copy(const guard_names *n);
/* "[EMAIL_1]", for as long as the table lives. original: what guard_names_find() gives back, as it
 * is to be written again; a value that is not all there (over) has none. The same value with and
 * without one has two placeholders: what stands for the one is never put in the other's place.
 * Beyond GUARD_NAMES_MAX, GUARD_NUMBER_MAX, or what is sensible to keep, "[EMAIL]", which says
 * nothing back. */
span guard_names_give(guard_names *n, const guard_rule *rule, span value, span original);
/* Placeholders of the label, which is borrowed, with numbers up to that are somebody else's: no
 * value is given one. */
void guard_names_take(guard_names *n, span label, unsigned up_to);
/* Whether any has an original: else guard_names_find() finds nothing. */
bool guard_names_put_back(const guard_names *n);
/* Where a placeholder that was given begins next in text at or after from, and what it stands for;
 * text.len: nowhere. */
size_t guard_names_find(const guard_names *n, span text, size_t from, size_t *ret_len,
                        span *ret_original);
/* How many bytes at the end of text may be the beginning of one: what a stream holds. */
size_t guard_names_begun(const guard_names *n, span text);

#endif
