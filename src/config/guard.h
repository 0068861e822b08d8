/* config/guard.h: what is done about texts that a rule of the guard matches, as it is configured.
 *
 * Of the file, of a model, of a client. Where a model and its client both say something the
 * stricter counts, so that neither opens what the other closes; where neither does, the file's.
 */
#ifndef WEIR_CONFIG_GUARD_H
#define WEIR_CONFIG_GUARD_H

#include "base/buf.h"

/* From the mildest on. */
typedef enum config_guard_action {
    CONFIG_GUARD_UNSET, /* nothing is said. Of the file: rules of its own that say what to do, do */
    CONFIG_GUARD_OFF,   /* nothing is looked at */
    CONFIG_GUARD_FLAG,  /* it is noted, and goes on as it came */
    CONFIG_GUARD_REDACT,
    CONFIG_GUARD_BLOCK,
} config_guard_action;

typedef enum config_guard_restore {
    CONFIG_GUARD_RESTORE_UNSET,
    CONFIG_GUARD_RESTORE_NOT,
    CONFIG_GUARD_RESTORE,
} config_guard_restore;

/* How a stream ends that is blocked. */
typedef enum config_guard_end { CONFIG_GUARD_FINISH, CONFIG_GUARD_ERROR } config_guard_end;

/* Of the file, of a model, of a client. */
typedef struct config_guard_use {
    config_guard_action in, out;
    config_guard_restore restore; /* what was redacted is put back for the client who sent it */
} config_guard_use;

typedef enum config_guard_where {
    CONFIG_GUARD_BOTH,
    CONFIG_GUARD_IN,
    CONFIG_GUARD_OUT
} config_guard_where;

/* A rule of the operator's own, or what is other than weir has it in one that it brings. As it is
 * written: what it means is checked, and compiled, by guard/. */
typedef struct config_guard_rule {
    span name;
    span label;   /* of its placeholders; empty: made of the name */
    span kind;    /* empty: "own" */
    span pattern; /* PCRE2; empty: that of the rule that weir brings */
    span *leads;  /* with one of which each match begins; none: found in the pattern */
    size_t lead_count;
    span start; /* in a lead's place: "digits" …; empty: none */
    span *near; /* one of these words stands before it */
    size_t near_count;
    span *stop; /* what contains one of these is no match */
    size_t stop_count;
    span check;                 /* "luhn", "iban" …; empty: none */
    double entropy;             /* bits a byte at least; 0: any */
    config_guard_action action; /* UNSET: what is in force for the text */
    config_guard_where where;
    unsigned show;  /* how much of a match may be seen, and 1; 0: nothing is said */
    unsigned score; /* 0: it speaks alone */
    span source;    /* where its vendor says what it looks like */
} config_guard_rule;

/* Paths of rules in files, read where they are compiled. */
typedef struct config_guard_files {
    span *items;
    size_t count;
} config_guard_files;

/* What is done about the matches of a rule, or of all of a kind. */
typedef struct config_guard_override {
    span rule;
    config_guard_action action;
} config_guard_override;

typedef struct config_guard_overrides {
    config_guard_override *items;
    size_t count;
} config_guard_overrides;

typedef struct config_guard_rules {
    config_guard_rule *items;
    size_t count;
} config_guard_rules;

/* Somebody else who is asked: a tool (config/tool.h), which nobody else may use then. */
typedef enum config_external_action {
    EXTERNAL_OFF,
    EXTERNAL_FLAG,
    EXTERNAL_BLOCK
} config_external_action;
typedef enum config_external_failure { EXTERNAL_CLOSED, EXTERNAL_OPEN } config_external_failure;
typedef struct config_guard_external {
    span tool;                          /* its name; empty: nobody is asked */
    config_external_action in;          /* what becomes of a request that it objects to */
    config_external_action out;         /* the same of answers; OFF: it is not asked about them */
    config_external_failure on_failure; /* open: one that it says nothing of goes on */
} config_guard_external;

typedef struct config_guard {
    config_guard_use use; /* without restore */
    bool restore;
    config_guard_end end;
    bool shipped; /* the rules that weir brings are looked for */
    bool encoded; /* also in base64, and behind percent escapes */
    config_guard_files files;
    config_guard_rules rules;
    config_guard_overrides actions;
    config_guard_external external;
    bool any; /* something is looked at somewhere: by the file, a model, a client, or a rule */
} config_guard;

bool config_guard_says(const config_guard_use *u);
/* As it would stand in the file: {in: block, restore: true}. */
void config_guard_write(const config_guard_use *u, buf *out);

#endif
