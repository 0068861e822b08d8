/* schema/node.h: what a schema is compiled to, and a check that is under way.
 *
 *   compile.c         documents to nodes: places, names, references
 *   words.c           the table of words; words_*.c: each word's two halves, compiling and checking
 *   check.c           the run over a document
 */
#ifndef WEIR_SCHEMA_NODE_H
#define WEIR_SCHEMA_NODE_H

#include "schema/pattern.h"
#include "schema/schema.h"
#include "schema/value.h"

typedef struct schema_node schema_node;
typedef struct schema_place schema_place;
typedef struct schema_run schema_run;
typedef struct schema_rule schema_rule;
typedef struct schema_seen schema_seen;
typedef struct schema_compiler schema_compiler;
typedef struct schema_anchor schema_anchor;

/* ---- compiled ---- */

enum {
    SCHEMA_WHOLE = 1 << 15, /* numbers without a fraction */
    SCHEMA_BOOL = 1 << JSON_TRUE | 1 << JSON_FALSE,
};

typedef struct schema_nodes {
    schema_node **items;
    size_t count;
} schema_nodes;

typedef struct schema_named {
    span name;
    schema_node *node;
    schema_pattern *pattern; /* of patternProperties */
} schema_named;

typedef struct schema_dependency {
    span name;
    schema_node *node; /* NULL: names are needed instead */
    span *needed;
    size_t count;
} schema_dependency;

/* One word of a schema. */
struct schema_rule {
    bool (*check)(schema_run *r, const schema_rule *rule, const schema_value *v, schema_seen *seen);
    unsigned types;            /* a bit each: 1 << json_type, and SCHEMA_WHOLE */
    size_t size;               /* a bound, an index */
    size_t least, most;        /* contains */
    const schema_value *value; /* of the schema's document: const, enum, a number */
    schema_node *node;
    schema_nodes nodes;
    schema_node *then, *otherwise;
    schema_named *named;
    size_t named_count;
    schema_named *patterns;
    size_t pattern_count;
    schema_dependency *dependencies;
    span *names;
    size_t name_count;
    span anchor; /* of $dynamicRef; ptr NULL: it is none */
    schema_pattern *pattern;
};

struct schema_node {
    const schema_place *place;
    int fixed; /* 1: true, 0: false, -1: rules */
    schema_rule *rules;
    size_t count;
};

/* What an $id, or the document itself, holds together. */
struct schema_place {
    schema_place *next;
    span uri; /* without fragment */
    bool old; /* draft-07's rules */
    schema_value *root;
    schema_anchor *anchors;
};

struct schema_anchor {
    schema_anchor *next;
    span name;
    bool dynamic;
    schema_value *at;
    schema_node *node; /* of a dynamic one */
};

struct schema {
    arena arena;
    span text;
    schema_value document;
    schema_node *root;
    schema_place *places;
    struct schema_kept *patterns; /* to be freed */
    bool marks;                   /* some word asks what others have looked at */
};

/* ---- a check under way: check.c ---- */

/* Which members or elements of one value have been looked at by words that say so; marks: NULL:
 * nobody asks. */
struct schema_seen {
    bool *marks;
    size_t count;
};

/* The way from the document to the value at hand. */
typedef struct schema_step {
    const struct schema_step *up;
    span name;    /* ptr NULL: an element */
    size_t index; /* of it */
} schema_step;

typedef struct schema_scope {
    const struct schema_scope *up;
    const schema_place *place;
} schema_scope;

struct schema_run {
    const schema *schema;
    arena *arena;
    const schema_step *at;
    const schema_scope *scope; /* the places that are being gone through */
    size_t steps;
    unsigned depth;
    unsigned quiet; /* above 0: nobody hears what is wrong */
    bool given_up;  /* more steps or depth than there may be: nothing is valid any more */
    buf *out;
    size_t told, most; /* problems */
};

/* Whether v is as n says; tells what is not, unless the run is quiet. */
bool schema_eval(schema_run *r, const schema_node *n, const schema_value *v, schema_seen *seen);
/* Of a member or an element of v. */
bool schema_eval_member(schema_run *r, const schema_node *n, const schema_value *v, size_t index);
bool schema_eval_element(schema_run *r, const schema_node *n, const schema_value *v, size_t index);
/* Without a word. */
bool schema_try(schema_run *r, const schema_node *n, const schema_value *v, schema_seen *seen);
bool schema_try_element(schema_run *r, const schema_node *n, const schema_value *v, size_t index);
/* The same value by another schema: what that looks at counts if it is valid. */
bool schema_apply(schema_run *r, const schema_node *n, const schema_value *v, schema_seen *seen);
/* As schema_apply(), without a word. */
bool schema_apply_quietly(schema_run *r, const schema_node *n, const schema_value *v,
                          schema_seen *seen);

static inline void schema_mark(schema_seen *seen, size_t index) {
    if (seen && seen->marks && index < seen->count) seen->marks[index] = true;
}

/* Whether a problem would be heard: else there is no need to find words. */
static inline bool schema_heard(const schema_run *r) {
    return !r->quiet && !r->given_up && r->told < r->most;
}
/* One problem, with the place of the value at hand before it. Returns false. */
COLD bool schema_problem(schema_run *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What is wrong by that schema, alone and in short, for a problem that speaks of alternatives. */
COLD void schema_reason(schema_run *r, const schema_node *n, const schema_value *v, buf *out);
/* A value for people: its text up to some length; of containers what they are. */
COLD span schema_said(schema_run *r, const schema_value *v);
/* Counts work that is no eval. false: it is too much. */
bool schema_work(schema_run *r, size_t steps);
/* Names of types in a sentence: "a string or null". */
span schema_type_words(unsigned types, arena *a);

/* ---- compiling: compile.c ---- */

/* How a word holds schemas. */
typedef enum schema_holds {
    HOLDS_NONE,
    HOLDS_ONE,
    HOLDS_LIST,
    HOLDS_ONE_OR_LIST,
    HOLDS_MAP, /* of schemas; members that are lists are passed over */
} schema_holds;

typedef struct schema_word {
    const char *name;
    schema_holds holds;
    /* Makes rules of the word; NULL: it only holds, or describes. of: the schema's object; v: the
     * word's value. false: the compiler has been told why. */
    bool (*compile)(schema_compiler *c, schema_node *n, const schema_value *of, schema_value *v);
} schema_word;

/* In the order in which they are checked. */
extern const schema_word schema_words[];
extern const size_t schema_word_count;

schema_rule *schema_rule_add(schema_compiler *c, schema_node *n);
/* The node of a schema that is a part of the one at hand, by way of a word and a member or an
 * element; NULL: told why. */
schema_node *schema_part(schema_compiler *c, schema_value *v);
/* The node that a $ref or $dynamicRef names; *ret_anchor: where that is a dynamic anchor its name.
 */
schema_node *schema_refer(schema_compiler *c, const schema_node *from, span reference, bool dynamic,
                          span *ret_anchor);
/* Draft-07's rules hold here. */
bool schema_is_old(const schema_node *n);
arena *schema_arena(schema_compiler *c);
/* Some word asks what has been looked at. */
void schema_wants_marks(schema_compiler *c);
/* NULL: told why. */
schema_pattern *schema_keep_pattern(schema_compiler *c, span text);
/* Goes on the way to a part, for messages, and back. */
void schema_enter(schema_compiler *c, schema_step *step, span name, size_t index);
void schema_leave(schema_compiler *c);
/* Refuses the schema, with the place before it. Returns false. */
COLD bool schema_refuse(schema_compiler *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- words: one file for what belongs together ---- */

#define SCHEMA_WORD(name)                                                                          \
    bool schema_word_##name(schema_compiler *c, schema_node *n, const schema_value *of,            \
                            schema_value *v)
SCHEMA_WORD(ref);
SCHEMA_WORD(dynamic_ref);
SCHEMA_WORD(unsupported);
SCHEMA_WORD(type);
SCHEMA_WORD(enum);
SCHEMA_WORD(const);
SCHEMA_WORD(minimum);
SCHEMA_WORD(maximum);
SCHEMA_WORD(exclusive_minimum);
SCHEMA_WORD(exclusive_maximum);
SCHEMA_WORD(multiple_of);
SCHEMA_WORD(min_length);
SCHEMA_WORD(max_length);
SCHEMA_WORD(pattern);
SCHEMA_WORD(items);
SCHEMA_WORD(prefix_items);
SCHEMA_WORD(contains);
SCHEMA_WORD(min_items);
SCHEMA_WORD(max_items);
SCHEMA_WORD(unique_items);
SCHEMA_WORD(unevaluated_items);
SCHEMA_WORD(properties);
SCHEMA_WORD(pattern_properties);
SCHEMA_WORD(additional_properties);
SCHEMA_WORD(required);
SCHEMA_WORD(property_names);
SCHEMA_WORD(min_properties);
SCHEMA_WORD(max_properties);
SCHEMA_WORD(dependencies);
SCHEMA_WORD(dependent_required);
SCHEMA_WORD(unevaluated_properties);
SCHEMA_WORD(all_of);
SCHEMA_WORD(any_of);
SCHEMA_WORD(one_of);
SCHEMA_WORD(not );
SCHEMA_WORD(if);

#endif
